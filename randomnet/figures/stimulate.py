"""Figures of kind = stimulate: rates of the groups with and without stimulation, and its effects.

During a task these are rates of trials, and the accuracy by site and window of the stimulation.
"""

from typing import Any

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.study import Combo, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures, arrays_by_iteration
from randomnet.plotting import Panel, Responses, StimulatedAccuracy

MOST_GROUPS = 11  # groups with a panel of their own, at most
PANELS = (
    Panel("targets_change", "change of the targets'\nmean rate", zero=True, quantity="change"),
    Panel("others_change", "change of the others'\nmean rate", zero=True, quantity="change"),
    Panel("distance_end", "distance from control\nat the end (rms)", least=0.0),
    Panel(
        "accuracy_control",
        "accuracy without\nstimulation (%)",
        error="accuracy_control_stderr",
        own_chance="accuracy_chance",
        quantity="accuracy",
        linear=True,
    ),
    Panel("accuracy_lowest", "lowest accuracy with\nstimulation (%)", quantity="accuracy", linear=True),
    Panel("task_loss_highest", "highest loss of the task\nwith stimulation"),
)
DONE = {"drive": "driven", "excite": "excited", "inhibit": "inhibited", "silence": "silenced"}


def response_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, combo, arrays in example_networks(study, "responses", "window"):
        yield stem, plotting.responses(_responses(combo, arrays), title)


def accuracy_figures(study: Study, ylabel: str | None) -> Figures:
    """For each of the first combos, the accuracy on its task by site and window, over all its networks."""
    for stem, title, combo, _ in example_networks(study, "accuracy", "accuracy"):
        networks = [arrays for _, arrays in arrays_by_iteration(combo) if "accuracy" in arrays]
        yield stem, plotting.stimulated_accuracy(_accuracies(combo, networks), title.rpartition(", iteration")[0])


def _accuracies(combo: Combo, networks: list[dict[str, np.ndarray]]) -> StimulatedAccuracy:
    """The means over networks with the same sites and windows as the first one, and their errors."""
    first = networks[0]
    same = [arrays for arrays in networks
            if all(np.array_equal(arrays[name], first[name]) for name in ("sites", "windows"))]  # fmt: skip
    accuracy = np.stack([arrays["accuracy"] for arrays in same])
    control = np.stack([arrays["accuracy_control"] for arrays in same])
    error, spread, over = first["accuracy_stderr"], first["accuracy_control"][1], "the trials of one network"
    if len(same) > 1:
        error, spread = (values.std(0, ddof=1) / np.sqrt(len(same)) for values in (accuracy, control[:, 0]))
        over = f"{len(same)} networks"
    middle = np.array([control[:, 0].mean(), spread])
    chance = float(np.mean([arrays["accuracy_chance"] for arrays in same]))
    return StimulatedAccuracy(
        first["sites"], first["windows"], accuracy.mean(0), error, middle, chance, _done(combo), over
    )


def _done(combo: Combo) -> str:
    return DONE[str(combo.get("stimulation.action"))]


def _what(combo: Combo, arrays: dict[str, Any]) -> str:
    """What was stimulated and how, and during a task when."""
    if "drawn" in arrays:
        site, window = arrays["drawn"].tolist()
        return f"{site} {_done(combo)}, {window}"
    return f"{combo_texts.value_text(combo, 'stimulation.units') or 'all units'} {_done(combo)}"


def _responses(combo: Combo, arrays: dict[str, np.ndarray]) -> Responses:
    change = np.abs(arrays["changed"] - arrays["control"]).max((1, 2))
    drawn = np.sort(np.argsort(-change, kind="stable")[:MOST_GROUPS])  # in the network's order
    return Responses(
        groups=arrays["groups"][drawn],
        of=len(change),
        times=arrays["times"],
        control=arrays["control"][drawn],
        changed=arrays["changed"][drawn],
        distance=arrays["distance"],
        window=(float(arrays["window"][0]), float(arrays["window"][1])),
        what=_what(combo, arrays),
    )
