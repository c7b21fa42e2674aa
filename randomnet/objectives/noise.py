"""Training noise of the state and of the inputs: drawn anew at every update, and identical after a resume."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.objectives.batches import Batch
from randomnet.rnn import Dynamics


@dataclass
class _TrainingNoise:
    """sigma: standard deviation. seed: of all updates; the generator of an update is seeded with the seed and the
    number of the update. updates: how many updates there were."""

    sigma: float
    seed: int
    updates: int = 0

    def generator(self) -> np.random.Generator:
        """The generator of the next update."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates]))
        self.updates += 1
        return rng


@dataclass
class StateNoise(_TrainingNoise):
    """xi = sigma sqrt(2 / a) N(0, 1), added to the drive of every neuron, independent across steps and trials.

    With a = dt / tau, the state of an unconnected neuron in the current form then has a stationary sd of
    sigma sqrt(2 / (2 - a)).
    """

    def sampler(self, trials: int, like: Tensor) -> Callable[[int, int], Tensor]:
        """The noise of the next update, as a function of the steps start and stop.

        It returns (stop - start, trials, N) before the scaling by sqrt(2 / a), in the precision and with the N of
        `like`. start must be 0 or the stop of an earlier call; the same steps give the same noise again.
        """
        rng, dtype = self.generator(), _numpy_dtype(like)
        states = {0: rng.bit_generator.state}

        def sample(start: int, stop: int) -> Tensor:
            rng.bit_generator.state = states[start]
            white = rng.standard_normal((stop - start, trials, like.shape[-1]), dtype=dtype)
            states[stop] = rng.bit_generator.state
            return torch.from_numpy(white).mul_(self.sigma).to(like.device)

        return sample


def scaled_sampler(noises: list[StateNoise], system: Dynamics, inputs: Tensor) -> Callable[[int, int], Tensor]:
    """xi (..., stop - start, trials, N) as a function of the steps start and stop, as in `StateNoise.sampler`.

    inputs: (..., steps, trials, channels), of one network or with a leading axis of runs. Each run has the noise that
    it would have alone.
    """
    samplers, a = [noise.sampler(inputs.shape[-2], system.gains) for noise in noises], system.a
    scale = (2 / (a[..., None, None, :] if isinstance(a, Tensor) else a)) ** 0.5

    def sample(start: int, stop: int) -> Tensor:
        white = [sampler(start, stop) for sampler in samplers]
        return (torch.stack(white) if inputs.ndim == 4 else white[0]) * scale

    return sample


@dataclass
class InputNoise(_TrainingNoise):
    """N(0, sigma^2) on every input channel, independent across steps and trials.

    It is the `dynamic_noise` of the Computation-Thru-Dynamics Benchmark, which adds it in validation too.
    """

    def sample(self, inputs: Tensor) -> Tensor:
        """The noise of the next update for inputs (time, trials, channels), in their precision.

        It is drawn step by step: shorter inputs receive the beginning of the noise of longer ones.
        """
        white = self.generator().standard_normal(tuple(inputs.shape), dtype=_numpy_dtype(inputs))
        return torch.from_numpy(white).mul_(self.sigma).to(inputs.device)


def noisy_inputs(noises: list[InputNoise], batch: Batch) -> Tensor:
    """The inputs of a batch plus noise, of one network or with a leading axis of runs.

    Where trials have phases, the noise ends with each trial. Each run has the noise that it would have alone.
    """
    inputs = batch.inputs
    runs = inputs if inputs.ndim == 4 else [inputs]
    white = [noise.sample(run_inputs) for noise, run_inputs in zip(noises, runs, strict=True)]
    noise = torch.stack(white) if inputs.ndim == 4 else white[0]
    if batch.phases is not None:
        steps = torch.arange(inputs.shape[-3], device=inputs.device)
        noise *= (steps[:, None] < batch.phases[..., None, :, -1]).unsqueeze(-1)
    return inputs + noise


def _numpy_dtype(like: Tensor) -> type:
    return np.float32 if like.dtype == torch.float32 else np.float64
