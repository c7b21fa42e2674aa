"""Tasks of movement in a run: the arm that is moved, what is trained on it, and which reaches are kept to be drawn."""

from typing import Any

import torch
from torch import Tensor

from randomnet.build import training_noise
from randomnet.build.trials import trials_of
from randomnet.effectors import EFFECTORS
from randomnet.objectives import ClosedLoopObjective, closed_loop_objective
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS

REACHED = ("reaches", "reach_goals")  # arrays of the first validation trials
SHOWN = 32  # of them


def is_closed(run: Run) -> bool:
    """Whether the run's task is one in which what the network senses depends on what it does."""
    return run.config.has_task and TASKS[run.config.trialparams.task_name].closed


def check(run: Run) -> None:
    """ConfigError where the arm is one that is not there."""
    if is_closed(run):
        effector_of(run)


def effector_of(run: Run) -> Any:
    """The arm of the run's task. Raises ConfigError where it is not there."""
    name = run.config.trialparams.task_name
    try:
        return EFFECTORS[name]()
    except ValueError as error:
        raise ConfigError(f"[trialparams] task_name = {name}: {error}") from None


def objective(run: Run, like: Tensor, weight: float) -> ClosedLoopObjective:
    """What the run trains on, in the precision and on the device of `like`."""
    trials, chosen = trials_of(run), run.config.trainvalidate
    noises = {"noise": training_noise.noise_of(run), "input_noise": training_noise.input_noise_of(run)}
    return closed_loop_objective(*trials, chosen.batch_size, like, effector_of(run), weight=weight, **noises)


def baseline(objective: ClosedLoopObjective) -> dict[str, float]:
    """What summary.csv says of an arm that nobody moves: end error in cm, accuracy in percent."""
    return {f"baseline_{name}": value for name, value in objective.resting_arm().items()}


def shown(network: Any, objective: ClosedLoopObjective) -> dict[str, torch.Tensor]:
    """The fingertip (trials, time, 2) of the network in the first validation trials, and where it should be, m."""
    found = objective.validation_movement(network, SHOWN).fingertips
    goals = objective.validation.first_trials(SHOWN).goals
    pairs = zip(REACHED, (found, goals), strict=True)
    return {name: values.transpose(0, 1).cpu().float() for name, values in pairs}
