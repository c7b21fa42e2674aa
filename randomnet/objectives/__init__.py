"""What is minimised: losses of spectra, of tasks, or of both."""

from collections.abc import Sequence

from randomnet.objectives.interface import Measured, Objective
from randomnet.objectives.spectra import LOSSES, Course, SpectrumLoss, SpectrumObjective, losses_of_each
from randomnet.objectives.trials import Batch, Recorder, TaskObjective, task_objective

__all__ = [
    "LOSSES",
    "Batch",
    "Course",
    "Measured",
    "Objective",
    "Recorder",
    "SpectrumLoss",
    "SpectrumObjective",
    "TaskObjective",
    "losses_of_each",
    "side_by_side",
    "task_objective",
]


def side_by_side(objectives: Sequence[Objective]) -> Objective:
    """One objective for several networks from one for each. Raises ValueError for tasks."""
    if len(objectives) == 1:
        return objectives[0]
    if not all(isinstance(one, SpectrumObjective) for one in objectives):
        raise ValueError("only networks that are trained on spectra alone are trained side by side")
    names = ("losses", "weights", "courses")
    return SpectrumObjective(*(sum((getattr(one, name) for one in objectives), ()) for name in names))
