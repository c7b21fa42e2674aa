"""What is minimised: losses of spectra, of tasks, or of both."""

from collections.abc import Sequence
from dataclasses import fields, replace

from randomnet.objectives.batches import Batch, Shuffle, stacked_batches
from randomnet.objectives.closed_loop import ClosedLoopObjective, closed_loop_objective
from randomnet.objectives.interface import Measured, Objective
from randomnet.objectives.judging import JUDGEMENTS
from randomnet.objectives.noise import InputNoise, StateNoise
from randomnet.objectives.spectra import (
    LOSSES,
    Course,
    SpectrumLoss,
    SpectrumObjective,
    loss_with_error,
    losses_of_each,
)
from randomnet.objectives.trials import Recorder, TaskObjective, Term, task_objective

__all__ = [
    "JUDGEMENTS",
    "LOSSES",
    "Batch",
    "ClosedLoopObjective",
    "Course",
    "InputNoise",
    "Measured",
    "Objective",
    "Recorder",
    "Shuffle",
    "SpectrumLoss",
    "SpectrumObjective",
    "StateNoise",
    "TaskObjective",
    "Term",
    "closed_loop_objective",
    "loss_with_error",
    "losses_of_each",
    "side_by_side",
    "task_objective",
]


def side_by_side(objectives: Sequence[Objective]) -> Objective:
    """One objective for several networks from one for each, all of spectra or all of trials of one shape."""
    if len(objectives) == 1:
        return objectives[0]
    names = [entry.name for entry in fields(objectives[0])]
    each = {name: [getattr(one, name) for one in objectives] for name in names}
    if isinstance(objectives[0], SpectrumObjective):
        return SpectrumObjective(*(sum(each[name], ()) for name in names))
    training = tuple(stacked_batches(batches) for batches in zip(*each["training"], strict=True))
    validation, terms = stacked_batches(each["validation"]), sum(each["terms"], ())
    return replace(objectives[0], training=training, validation=validation, terms=terms)
