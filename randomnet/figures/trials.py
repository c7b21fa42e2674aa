"""Figures of single networks before and after training: example trials of a task, and the rates of units over time."""

from collections.abc import Mapping

import numpy as np

from randomnet import plotting
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures, activity_by_iteration, trial_events, trials_by_iteration
from randomnet.plotting import Event, ExampleTrials, TrainedActivity

STAGES = ("initial", "final")


def example_trial_figures(study: Study, ylabel: str | None) -> Figures:
    """A few trials of each of the first networks: inputs, outputs and targets, before and after training."""
    for stem, title, _, arrays in example_networks(study, "trials", "outputs_final", trials_by_iteration):
        yield stem, plotting.example_trials(_example_trials(arrays), title)


def trained_activity_figures(study: Study, ylabel: str | None) -> Figures:
    """Heat map and traces of the rates of each of the first networks, before and after training."""
    for stem, title, combo, arrays in example_networks(study, "activity", "rates_final", activity_by_iteration):
        where = "first validation trial" if combo.task else "from the initial state"
        network = TrainedActivity(
            times=arrays["times"],
            rates=(arrays["rates_initial"], arrays["rates_final"]),
            units=arrays["units"],
            neurons=int(arrays["neurons"]),
            unit=str(arrays["time_unit"]),
            events=trial_events(arrays),
        )
        yield stem, plotting.trained_activity(network, f"{title}: {where}")


def _example_trials(arrays: Mapping[str, np.ndarray]) -> ExampleTrials:
    def both(name: str) -> tuple[np.ndarray, ...]:
        return tuple(arrays[f"{name}_{stage}"] for stage in STAGES if f"{name}_{stage}" in arrays)

    def names(name: str) -> tuple[str, ...]:
        return tuple(map(str, arrays[name].tolist())) if name in arrays else ()

    return ExampleTrials(
        loss=str(arrays["loss"]),
        times=arrays["times"],
        unit=str(arrays["time_unit"]),
        titles=tuple(map(str, arrays["conditions"].tolist())),
        inputs=arrays["inputs"],
        targets=arrays["targets"],
        scored=arrays["scored"],
        outputs=both("outputs"),
        decoded=both("decoded"),
        controls=both("controls"),
        correct=both("correct"),
        answers=arrays.get("answers"),
        input_names=names("input_names"),
        output_names=names("output_names"),
        events=_events(arrays),
    )


def _events(arrays: Mapping[str, np.ndarray]) -> tuple[tuple[Event, ...], ...]:
    """The events of each trial: those that all share, or the trial's own phases of more than no time."""
    if "phases" not in arrays:
        return (trial_events(arrays),) * len(arrays["inputs"])
    end, found = float(arrays["times"][-1]), []
    for onsets in arrays["phases"]:
        names = arrays["phase_names"].tolist()
        ends = [*onsets[1:].tolist(), end]
        phases = zip(names, onsets.tolist(), np.minimum(ends, end).tolist(), strict=True)
        found.append(tuple(Event(*phase) for phase in phases if phase[0] != "end" and phase[2] > phase[1]))
    return tuple(found)
