"""What is another in every update of a run that is trained on a task: its noises, and its batches."""

from randomnet.objectives import InputNoise, Shuffle, StateNoise
from randomnet.schema.plan import Run


def noise_of(run: Run) -> StateNoise | None:
    """Of the state; None where there is none."""
    sigma = run.config.trainvalidate.state_noise
    return StateNoise(sigma, _seed(run, "noise")) if sigma else None


def input_noise_of(run: Run) -> InputNoise | None:
    """Of what it receives; None where there is none."""
    sigma = run.config.trialparams.resampled_input_noise
    return InputNoise(sigma, _seed(run, "input noise")) if sigma else None


def shuffle_of(run: Run) -> Shuffle | None:
    """Of the trials into batches; None where these stay as they are."""
    size = run.config.trainvalidate.batch_size
    return Shuffle(size, _seed(run, "batches")) if run.config.trialparams.one_task_batches else None


def _seed(run: Run, stream: str) -> int:
    return int(run.generator(stream).integers(2**63))
