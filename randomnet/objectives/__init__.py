"""What training minimises: losses of spectra, of tasks, or of both."""

from collections.abc import Sequence
from dataclasses import fields, replace

from randomnet.objectives.batches import Batch, Shuffle, stack_batches
from randomnet.objectives.closed_loop import ClosedLoopObjective, closed_loop_objective
from randomnet.objectives.interface import Measurement, Objective, are_counts, is_count
from randomnet.objectives.noise import InputNoise, StateNoise
from randomnet.objectives.spectra import (
    SpectrumLoss,
    SpectrumObjective,
    Trajectory,
    loss_with_error,
    measure_each,
)
from randomnet.objectives.task_losses import TASK_LOSSES
from randomnet.objectives.trials import Recorder, TaskObjective, Term, task_objective

__all__ = [
    "TASK_LOSSES",
    "Batch",
    "ClosedLoopObjective",
    "InputNoise",
    "Measurement",
    "NetworkObjective",
    "Objective",
    "Recorder",
    "Shuffle",
    "SpectrumLoss",
    "SpectrumObjective",
    "StateNoise",
    "TaskObjective",
    "Term",
    "Trajectory",
    "are_counts",
    "closed_loop_objective",
    "is_count",
    "loss_with_error",
    "measure_each",
    "stack_objectives",
    "task_objective",
]

NetworkObjective = SpectrumObjective | TaskObjective | ClosedLoopObjective  # the objectives of kind = train


def stack_objectives(objectives: Sequence[Objective]) -> Objective:
    """One objective for several networks from the objectives of each.

    They must all be of spectra, or all of tasks with trials of one shape.
    """
    if len(objectives) == 1:
        return objectives[0]
    names = [entry.name for entry in fields(objectives[0])]
    values = {name: [getattr(objective, name) for objective in objectives] for name in names}
    if isinstance(objectives[0], SpectrumObjective):
        return SpectrumObjective(*(sum(values[name], ()) for name in names))
    training = tuple(stack_batches(batches) for batches in zip(*values["training"], strict=True))
    validation, terms = stack_batches(values["validation"]), sum(values["terms"], ())
    return replace(objectives[0], training=training, validation=validation, terms=terms)
