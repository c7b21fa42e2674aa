"""From a Run's config to the randomness redrawn at every update: noise and batch order."""

from randomnet.objectives import InputNoise, Shuffle, StateNoise
from randomnet.schema.plan import Run


def state_noise_of(run: Run) -> StateNoise | None:
    """Return the noise of the states, by state_noise or by [dynamics]; None without noise."""
    dynamics, sigma = run.config.dynamics, run.config.trainvalidate.state_noise
    if dynamics.noisy:  # standard normal numbers, which the network scales and filters
        return StateNoise(1.0, _seed(run, "noise", dynamics.noise_seed))
    return StateNoise(sigma, _seed(run, "noise")) if sigma else None


def initial_noise_of(run: Run) -> StateNoise | None:
    """Return the noise of the initial states of cells; None without noise."""
    sigma = run.config.trainvalidate.initial_noise
    return StateNoise(sigma, _seed(run, "initial noise")) if sigma else None


def input_noise_of(run: Run) -> InputNoise | None:
    """Return the noise of the inputs; None without noise."""
    sigma = run.config.trialparams.resampled_input_noise
    return InputNoise(sigma, _seed(run, "input noise")) if sigma else None


def shuffle_of(run: Run) -> Shuffle | None:
    """Return the redistribution of trials into batches; None where batches stay the same."""
    size = run.config.trainvalidate.batch_size
    return Shuffle(size, _seed(run, "batches")) if run.config.trialparams.one_task_batches else None


def _seed(run: Run, stream: str, other: int = 0) -> int:
    return int(run.generator(stream, other).integers(2**63))
