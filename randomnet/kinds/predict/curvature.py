"""Stiff and sloppy directions of a student, and which neurons tell most of its parameters."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from randomnet.build.prediction import Teacher
from randomnet.objectives.prediction import Recording
from randomnet.objectives.students import Student, respond
from randomnet.prediction import Curvature, gauss_newton_eigenvalues
from randomnet.prediction.curvature import gauss_newton_seconds
from randomnet.schema.plan import Run

STIFF = 1e-3  # share of the largest eigenvalue above which a direction counts as stiff


def curvature_of(run: Run, recording: Recording, student: Student) -> Curvature | None:
    """Return eigenvalues of the training loss's Gauss-Newton matrix in the unknown parameters, in float64.

    They are at the present parameters, with initial states held fixed. None where none are asked for, or none but
    initial states is unknown.
    """
    arguments, count = _arguments(run, recording, student), run.config.predict.eigenvalue_count
    return None if arguments is None else gauss_newton_eigenvalues(*arguments, leading=count, trailing=count)


def curvature_seconds(run: Run, recording: Recording, student: Student) -> float:
    """Return the seconds that `curvature_of` takes, of the order of."""
    arguments, count = _arguments(run, recording, student), run.config.predict.eigenvalue_count
    return 0.0 if arguments is None else gauss_newton_seconds(*arguments, leading=count, trailing=count)


def _arguments(
    run: Run, recording: Recording, student: Student
) -> tuple[Callable[..., Tensor], list[Tensor]] | None:
    """Return the residuals as a function of the unknown parameters, and these; None as in `curvature_of`."""
    exact = student.double_copy()
    parameters = {name: values for name, values in exact.unknown.items() if name != "initial"}
    if not run.config.predict.eigenvalue_count or not parameters:
        return None
    return residuals_of(recording, exact, list(parameters)), list(parameters.values())


def residuals_of(recording: Recording, student: Student, names: Sequence[str]) -> Callable[..., Tensor]:
    """Return the residuals (R,) of the recorded entries, whose mean square has the curvature of the loss.

    They are a function of the parameters of these names. Those of the output follow, where the loss has it.
    """
    trials = torch.arange(recording.training)
    inputs, initial = recording.inputs[:, trials].double(), recording.initial[trials].double()
    interface = {name: values.double() for name, values in recording.interface.items()}
    exact = replace(recording, targets=recording.targets.double(), rates=recording.rates.double(), interface=interface)
    start = student.initial(trials, initial).detach()
    seen = torch.nonzero(recording.seen[:, trials].flatten()).flatten()

    def residuals(*values: Tensor) -> Tensor:
        system = student.system(dict(zip(names, values, strict=True)))
        rates = respond([system], [interface], inputs[None], start[None])[0][0]
        parts = [exact.residuals(rates, trials).flatten().index_select(0, seen)]
        parts += [exact.output_residuals(rates, trials).flatten()] * exact.with_output
        return _joined(parts)

    return residuals


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Return one vector whose mean square is the sum of the mean squares of the parts."""
    total = sum(map(len, parts))
    return torch.cat([part * (total / len(part)) ** 0.5 for part in parts])


def curvature_arrays(curvature: Curvature | None, student: Student, teacher: Teacher) -> dict[str, np.ndarray]:
    """Return eigenvalues and, along each direction, how far parameters are from the true ones, if there are such."""
    if curvature is None:
        return {}
    values = {"hessian_values": curvature.values, "hessian_errors": curvature.residuals,
              "hessian_exact": np.array(curvature.exact)}  # fmt: skip
    if teacher.recorded:
        return values
    names = [name for name in student.unknown if name != "initial"]
    offsets = [student.unknown[name].detach() - teacher.parameters[name] for name in names]
    difference = torch.cat([offset.flatten() for offset in offsets]).cpu().double().numpy()
    return values | {"hessian_offsets": np.abs(curvature.along(difference))}


def curvature_columns(curvature: Curvature | None) -> dict[str, float]:
    """Return the largest eigenvalue, and the number of stiff directions where all are known."""
    if curvature is None:
        return {}
    largest = float(curvature.values[0])
    stiff = {"stiff_directions": int((curvature.values > STIFF * largest).sum())} if curvature.exact else {}
    return {"hessian_largest": largest, **stiff}
