"""From a Run's config to a movement task: its arm, its training objective_of, and the reaches that are drawn."""

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

REACH_ARRAYS = ("reaches", "reach_goals")  # arrays of the first validation trials
DRAWN_TRIALS = 32  # validation trials whose reaches are written


def is_closed_loop(run: Run) -> bool:
    """Return whether the network's inputs depend on its outputs in the run's task."""
    return run.config.has_task and TASKS[run.config.trialparams.task_name].closed


def check(run: Run) -> None:
    """Raise ConfigError for a movement task whose arm is not installed."""
    if is_closed_loop(run):
        effector_of(run)


def effector_of(run: Run) -> Any:
    """Return the arm of the run's task. Raises ConfigError where it is not installed."""
    name = run.config.trialparams.task_name
    try:
        return EFFECTORS[name]()
    except ValueError as error:
        raise ConfigError(f"[trialparams] task_name = {name}: {error}") from None


def objective_of(run: Run, like: Tensor, weight: float) -> ClosedLoopObjective:
    """Return what the run trains on, in the precision and on the device of `like`."""
    trials, training = trials_of(run), run.config.trainvalidate
    noises = {"noise": training_noise.state_noise_of(run), "input_noise": training_noise.input_noise_of(run)}
    return closed_loop_objective(*trials, training.batch_size, like, effector_of(run), weight=weight, **noises)


def baseline(objective: ClosedLoopObjective) -> dict[str, float]:
    """Return the columns of summary.csv for an arm at rest: end error in cm, accuracy in percent."""
    return {f"baseline_{name}": value for name, value in objective.resting_arm().items()}


def drawn_reaches(network: Any, objective: ClosedLoopObjective) -> dict[str, torch.Tensor]:
    """Return fingertip and goal (trials, time, 2), in m, of the network in the first validation trials."""
    fingertips = objective.validation_movement(network, DRAWN_TRIALS).fingertips
    goals = objective.validation.first_trials(DRAWN_TRIALS).goals
    pairs = zip(REACH_ARRAYS, (fingertips, goals), strict=True)
    return {name: values.transpose(0, 1).cpu().float() for name, values in pairs}
