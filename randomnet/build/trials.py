"""The trials of a run's task, and their split."""

from pathlib import Path
from typing import Any

import numpy as np

from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS, Images, ReachTrials, Trials, check_parameters, make, read_latents, read_mnist


def trials_of(run: Run) -> tuple[Trials | ReachTrials, Trials | ReachTrials]:
    """The run's trials, for training and for validation. Raises ConfigError."""
    return split_trials(run)[:2]


def split_trials(run: Run) -> tuple[Trials | ReachTrials, Trials | ReachTrials, Trials | ReachTrials | None]:
    """The run's trials for training, validation and test (None with test_size = 0), the last taken from the second, so
    that training has the same ones. Raises ConfigError."""
    rng = run.generator("trials")
    made, parameters = all_trials(run, rng)
    try:
        training, rest = made.split(parameters["train_size"], rng, parameters.get("held_out", "none"))
        share = run.config.trialparams.test_size
        return training, *(rest.parted(share, len(made)) if share else (rest, None))
    except ValueError as error:
        raise ConfigError(f"[trialparams] {error}") from None


def all_trials(run: Run, rng: np.random.Generator) -> tuple[Trials | ReachTrials, dict[str, Any]]:
    """The trials of the run's task before the split, and the parameters they are made with. Raises ConfigError."""
    name, parameters = _task(run)
    try:
        return make(name, parameters, rng, _images(run.config.trialparams.images, name)), parameters
    except (ValueError, OSError) as error:
        raise ConfigError(f"[trialparams] {error}") from None


def _task(run: Run) -> tuple[str, dict[str, Any]]:
    """The task's name and its parameters, checked together."""
    chosen = run.config.trialparams
    names = [parameter.name for parameter in TASKS[chosen.task_name].parameters]
    try:
        return chosen.task_name, check_parameters(chosen.task_name, {name: getattr(chosen, name) for name in names})
    except ValueError as error:
        raise ConfigError(f"[trialparams] {error}") from None


def task_sizes(run: Run) -> tuple[int, int]:
    """Channels and outputs of the run's task. Raises ConfigError."""
    try:
        return TASKS[run.config.trialparams.task_name].sizes(vars(run.config.trialparams))
    except ValueError as error:
        raise ConfigError(f"[trialparams] {error}") from None


def _images(path: str, task: str) -> Images | None:
    if not path:
        return None
    return read_mnist(Path(path).expanduser()) if task == "pic_mem" else read_latents(Path(path).expanduser())


def task_facts(run: Run) -> dict[str, Any]:
    """What the manifest says of the task. Raises ConfigError."""
    training, validation, test = split_trials(run)
    steps, most = training.inputs.shape[1], min(run.config.trainvalidate.batch_size, len(training))
    counts = f"{len(training)} to train, {len(validation)} to validate"
    return {
        "name": run.config.trialparams.task_name,
        "trials": counts if test is None else f"{counts}, {len(test)} to test",
        "source": training.source,
        "synthetic": training.synthetic,
        "steps": steps,
        "steps_at_once": steps * max(most, len(validation)),  # of all trials that go through the network together
    }
