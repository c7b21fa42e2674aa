"""From a Run's config to the trials of its task, and their split."""

from pathlib import Path
from typing import Any

import numpy as np

from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS, Images, ReachTrials, Trials, check_parameters, make, read_latents, read_mnist


def trials_of(run: Run) -> tuple[Trials | ReachTrials, Trials | ReachTrials]:
    """Return the run's trials for training and for validation. Raises ConfigError."""
    return split_trials(run)[:2]


def split_trials(run: Run) -> tuple[Trials | ReachTrials, Trials | ReachTrials, Trials | ReachTrials | None]:
    """Return the run's trials for training, validation and test (None with test_size = 0). Raises ConfigError.

    Test trials are taken from those for validation, so that training has the same trials with any test_size.
    """
    rng = run.generator("trials")
    trials, parameters = all_trials(run, rng)
    try:
        training, rest = trials.split(parameters["train_size"], rng, parameters.get("held_out", "none"))
        share = run.config.trialparams.test_size
        return training, *(rest.parted(share, len(trials)) if share else (rest, None))
    except ValueError as error:
        raise ConfigError(f"[trialparams] {error}") from None


def all_trials(run: Run, rng: np.random.Generator) -> tuple[Trials | ReachTrials, dict[str, Any]]:
    """Return the trials of the run's task before the split, and their parameters. Raises ConfigError."""
    name, parameters = _task(run)
    try:
        return make(name, parameters, rng, _images(run.config.trialparams.images, name)), parameters
    except (ValueError, OSError) as error:
        raise ConfigError(f"[trialparams] {error}") from None


def _task(run: Run) -> tuple[str, dict[str, Any]]:
    """Return the task's name and its parameters, checked together. Raises ConfigError."""
    section = run.config.trialparams
    names = [parameter.name for parameter in TASKS[section.task_name].parameters]
    try:
        return section.task_name, check_parameters(section.task_name, {name: getattr(section, name) for name in names})
    except ValueError as error:
        raise ConfigError(f"[trialparams] {error}") from None


def task_sizes(run: Run) -> tuple[int, int]:
    """Return channels and outputs of the run's task. Raises ConfigError."""
    try:
        return TASKS[run.config.trialparams.task_name].sizes(vars(run.config.trialparams))
    except ValueError as error:
        raise ConfigError(f"[trialparams] {error}") from None


def _images(path: str, task: str) -> Images | None:
    if not path:
        return None
    return read_mnist(Path(path).expanduser()) if task == "pic_mem" else read_latents(Path(path).expanduser())


def task_facts(run: Run) -> dict[str, Any]:
    """Return what the manifest says of the task. Raises ConfigError."""
    training, validation, test = split_trials(run)
    steps, batch = training.inputs.shape[1], min(run.config.trainvalidate.batch_size, len(training))
    counts = f"{len(training)} to train, {len(validation)} to validate"
    return {
        "name": run.config.trialparams.task_name,
        "trials": counts if test is None else f"{counts}, {len(test)} to test",
        "source": training.source,
        "synthetic": training.synthetic,
        "steps": steps,
        "steps_at_once": steps * max(batch, len(validation)),  # of all trials that go through the network together
    }
