"""Outputs of a stimulation during a task: arrays.npz, and accuracies by site and window in the summary of run.json.

Of S sites, W windows, B trials, G groups, R recorded trials, and T steps:

| array                                  | content                                                                  |
|----------------------------------------|--------------------------------------------------------------------------|
| sites, site_units, windows, window_times | (S,) names; (S,) numbers of units; (W,) names; (W, 2) in tau            |
| accuracy, accuracy_stderr              | (S, W), percent; error over trials                                       |
| accuracy_change, accuracy_change_stderr | (S, W): minus that of the same trials left alone, paired                |
| accuracy_control, accuracy_chance      | (2,): of the trials left alone, and its error; (): of a constant output  |
| correct, correct_control, answers      | (S, W, B), (B,), (B,): correct answers and all answers of each trial     |
| task_loss, task_loss_control           | (S, W), (): the task's loss                                              |
| control, changed                       | (G, R, T): mean rates of the groups, and those of the pair `drawn`       |
| drawn                                  | (2,): site and window whose rates change most; `window` has its times    |
| groups, times, distance                | (G,) names; (T,) in tau; (R, T), rms over groups between their rates     |

A task without an accuracy has the losses alone.
"""

import time
from typing import Any

import numpy as np

from randomnet import results
from randomnet.build.coupling_strength import strength_of
from randomnet.build.network import Setup
from randomnet.kinds.stimulate.during_task import Design, Passes, percent
from randomnet.schema.plan import Run


def write_task_outputs(
    run: Run,
    folder: results.RunFolder,
    setup: Setup,
    design: Design,
    passes: Passes,
    began: float,
) -> dict[str, Any]:
    """Write the arrays if all are finite; return the record for run.json."""
    finite = all(found.finite for _, found in passes.values())
    summary: dict[str, Any] = {"neurons": setup.connectome.n, "trials": len(design.trials),
                               "sites": len(design.sites), "windows": len(design.windows)}  # fmt: skip
    if finite:
        scores, control = _score_arrays(design, passes)
        arrays = scores | _rate_arrays(run, design, passes)
        results.write_arrays(folder.path / "arrays.npz", arrays | _names(run, design))
        summary |= control | _columns(design, scores)
    seconds = round(time.perf_counter() - began, 2)
    return {
        "status": results.COMPLETE if finite else results.DIVERGED,
        "reason": "" if finite else "a trial left the range of numbers",
        "summary": summary | strength_of(setup.network) | {"seconds": seconds},
        "connectome": setup.facts(),
    }


def _names(run: Run, design: Design) -> dict[str, np.ndarray]:
    dt = run.config.model.dt
    return {
        "sites": np.array(list(design.sites)),
        "site_units": np.array([len(units) for units in design.sites.values()]),
        "windows": np.array(list(design.windows)),
        "window_times": dt * np.array(list(design.windows.values()), dtype=float),
        "groups": design.groups.names,
        "times": dt * np.arange(design.steps),
    }


def _score_arrays(design: Design, passes: Passes) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return accuracies and losses (S, W) as arrays, and those of the trials left alone as columns."""
    shape, control = (len(design.sites), len(design.windows)), passes[None][1]
    arrays = {"task_loss": np.empty(shape), "task_loss_control": np.array(control.loss)}
    columns = {"task_loss_control": control.loss}
    for place in np.ndindex(shape):
        arrays["task_loss"][place] = passes[place][1].loss
    if control.correct is None:
        return arrays, columns
    share, error = percent(control.correct, control.answers)
    correct = np.stack([passes[place][1].correct for place in np.ndindex(shape)]).reshape(*shape, -1)
    arrays |= {"correct": correct, "correct_control": control.correct, "answers": control.answers,
               "accuracy_control": np.array([share, error]), "accuracy_chance": np.array(control.chance)}  # fmt: skip
    for name, minus in (("accuracy", 0.0), ("accuracy_change", control.correct)):
        found = np.array([percent(correct[place] - minus, control.answers) for place in np.ndindex(shape)])
        arrays[name], arrays[f"{name}_stderr"] = np.moveaxis(found.reshape(*shape, 2), -1, 0)
    named = {"accuracy_control": share, "accuracy_control_stderr": error, "accuracy_chance": control.chance}
    return arrays, columns | named


def _columns(design: Design, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """Return accuracy, its change and their errors for each site and window; the least accuracy, the largest loss."""
    columns = {"task_loss_highest": float(arrays["task_loss"].max())}
    if "accuracy" not in arrays:
        return columns
    columns["accuracy_lowest"] = float(arrays["accuracy"].min())
    columns["accuracy_change_lowest"] = float(arrays["accuracy_change"].min())
    for site_number, site in enumerate(design.sites):
        for window_number, window in enumerate(design.windows):
            for name in ("accuracy", "accuracy_change"):
                for error in ("", "_stderr"):
                    value = arrays[f"{name}{error}"][site_number, window_number]
                    columns[f"{name}_of_{site}_{window}{error}"] = float(value)
    return columns


def _rate_arrays(run: Run, design: Design, passes: Passes) -> dict[str, np.ndarray]:
    """Return mean rates without stimulation, and with that of the pair whose rates change most."""
    control = passes[None][0]
    changes = {place: np.square(rates - control).mean() for place, (rates, _) in passes.items() if place is not None}
    place = max(changes, key=lambda one: float(changes[one]))
    changed = passes[place][0]
    return {
        "control": control,
        "changed": changed,
        "distance": np.sqrt(np.square(changed - control).mean(0)),
        "drawn": np.array([list(design.sites)[place[0]], list(design.windows)[place[1]]]),
        "window": run.config.model.dt * np.array(list(design.windows.values())[place[1]], dtype=float),
    }
