"""Outputs of a run of kind = predict: history.csv, arrays.npz, and the summary of run.json.

The arrays of arrays.npz:

| array                                  | content                                                            |
|----------------------------------------|--------------------------------------------------------------------|
| recorded, scored                       | (N,) bool: recorded neurons, and those whose activity is known     |
| r2_neurons                             | (N,), R2 of each neuron in held-out trials                         |
| {gains,shifts,tau}_{true,start,found}  | (N,), of each neuron; tau where it is unknown                      |
| scales_{true,start,found}              | (projections,), where they are unknown                             |
| hessian_values, _errors                | (K,), eigenvalues of the loss's Gauss-Newton matrix, descending    |
| hessian_exact                          | whether these are all; otherwise the leading and trailing ones     |
| hessian_offsets                        | (K,), |found - true parameters| along each eigenvector             |
| example_{true,found,neurons}           | (time, K) rates in the first held-out trial, and the neurons (K,)  |
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.build.prediction import Teacher
from randomnet.kinds.checkpoints import status_of
from randomnet.kinds.fit.outputs import history_of
from randomnet.kinds.predict.curvature import curvature_arrays, curvature_columns, curvature_of
from randomnet.objectives.prediction import PredictionObjective, Recording, errors, output_error, sums_of_squares
from randomnet.objectives.students import Student
from randomnet.schema.plan import Run
from randomnet.training import Progress

EXAMPLES = 6  # neurons whose rates are drawn, half of them recorded if there are as many


def write_outputs(
    run: Run,
    folder: results.RunFolder,
    teacher: Teacher,
    recording: Recording,
    student: Student,
    untrained: dict[str, Tensor],
    progress: Progress,
) -> dict[str, Any]:
    """Write the files of a student after its last update; return the record for run.json."""
    folder.write_history(history_of(progress))
    student.assign(untrained)
    start = parameters_of(student)
    student.assign(progress.last or untrained)
    end = parameters_of(student)
    true = {} if teacher.recorded else true_parameters(teacher, student)
    objective = PredictionObjective((recording,), (0,), recording.training)
    rates = recording.fitted(objective.heldout_rates([student])[0])
    curvature = None if progress.diverged else curvature_of(run, recording, student)
    parameters = {"start": start, "found": end, "true": true}
    arrays = {f"{name}_{when}": values[name] for when, values in parameters.items() for name in values}
    arrays |= _activity(recording, rates) | curvature_arrays(curvature, student, teacher)
    results.write_arrays(folder.path / "arrays.npz", arrays)
    recovered = _recovered(recording, true, end, start) if true else {}
    summary = _errors(recording, rates, progress) | recovered | curvature_columns(curvature)
    return _record(teacher, recording, student, progress, summary)


def _record(
    teacher: Teacher, recording: Recording, student: Student, progress: Progress, columns: dict[str, float]
) -> dict[str, Any]:
    """Return the record for run.json. columns: errors, recovered parameters and curvature."""
    return {
        "status": status_of(progress),
        "reason": progress.reason,
        **results.COUNTED_FROM_UNTRAINED,
        "summary": {
            "neurons": teacher.setup.n,
            "recorded": int(recording.recorded.sum()),
            "unknown": sum(parameter.numel() for parameter in student.parameters()),
            "dimension": teacher.dimension,
            **columns,
            "loss_initial": progress.row(0).get("train_loss", float("nan")),
            "loss_final": progress.final_loss,
            "epochs_done": progress.epoch,
            "notes": "; ".join(teacher.notes),
        },
        "connectome": teacher.setup.facts(),
    }


def parameters_of(student: Student) -> dict[str, np.ndarray]:
    """Return gains and shifts (N,) of each neuron, and the unknown tau and scales."""
    system = student.system()
    named = {"gains": system.gains, "shifts": system.shifts}
    named |= {name: student.unknown[name] for name in ("tau", "scales") if name in student.unknown}
    return {name: values.detach().cpu().numpy() for name, values in named.items()}


def true_parameters(teacher: Teacher, student: Student) -> dict[str, np.ndarray]:
    """Return the same of the teacher."""
    named = {"gains": teacher.system.gains, "shifts": teacher.system.shifts}
    named |= {name: teacher.parameters[name] for name in ("tau", "scales") if name in student.unknown}
    return {name: values.detach().cpu().numpy() for name, values in named.items()}


def _activity(recording: Recording, rates: Tensor) -> dict[str, np.ndarray]:
    """Return which neurons are recorded, how well each is predicted, and examples."""
    truth = recording.rates[:, recording.heldout]
    wrong, deviation, _ = sums_of_squares(rates, truth)
    groups = [torch.nonzero(neurons).flatten() for neurons in (recording.recorded, recording.unrecorded)]
    unrecorded = min(EXAMPLES // 2, len(groups[1]))
    examples = torch.cat([groups[0][: EXAMPLES - unrecorded], groups[1][:unrecorded]])
    arrays = {
        "recorded": recording.recorded,
        "scored": recording.scored,
        "r2_neurons": 1 - wrong / deviation,
        "example_true": truth[:, 0, examples],
        "example_found": rates[:, 0, examples],
        "example_neurons": examples,
    }
    return {name: values.cpu().numpy() for name, values in arrays.items()}


def _errors(recording: Recording, rates: Tensor, progress: Progress) -> dict[str, float]:
    """Return errors in held-out trials: 1 - R2 and normalised ones of neurons, and 1 - R2 of the output."""
    truth, row, columns = recording.rates[:, recording.heldout], progress.row(0), {}
    for name in ("recorded", "unrecorded"):
        neurons = getattr(recording, name) & recording.scored
        columns[f"error_{name}_initial"] = row.get(f"error_{name}", float("nan"))
        both = errors(rates, truth, neurons, recording.affine)
        columns[f"error_{name}_final"], columns[f"nmse_{name}_final"] = both
    output = {"error_output_initial": row.get("error_output", float("nan"))} if recording.with_output else {}
    return columns | output | {f"{name}_final": value for name, value in output_error(recording, rates).items()}


def _recovered(
    recording: Recording, true: dict[str, np.ndarray], end: dict[str, np.ndarray], start: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return how well gains and shifts were found: correlation with the truth, and the squared error over its variance.

    Of all neurons, of the recorded and of the unrecorded ones; only of parameters that the student did not know.
    """
    columns: dict[str, float] = {}
    groups = {"": recording.scored, "_recorded": recording.recorded, "_unrecorded": recording.unrecorded}
    for name, short in (("gains", "gain"), ("shifts", "shift")):
        if np.array_equal(start[name], true[name]) and np.array_equal(end[name], true[name]):
            continue
        for group, neurons in groups.items():
            index = neurons.cpu().numpy()
            for when, values in (("initial", start[name]), ("final", end[name])):
                pair = true[name][index].astype(float), values[index].astype(float)
                columns[f"{short}_correlation{group}_{when}"] = _correlation(*pair)
                columns[f"{short}_error{group}_{when}"] = _normalised_error(*pair)
    return columns


def _correlation(true: np.ndarray, estimate: np.ndarray) -> float:
    """Return the correlation of two vectors; nan where one of them does not vary."""
    if len(true) < 2 or not np.ptp(true) or not np.ptp(estimate):
        return float("nan")
    return float(np.corrcoef(true, estimate)[0, 1])


def _normalised_error(true: np.ndarray, estimate: np.ndarray) -> float:
    """Return the mean squared error over the variance of the true values; nan where they do not vary."""
    return float(((estimate - true) ** 2).mean() / true.var()) if len(true) > 1 and np.ptp(true) else float("nan")
