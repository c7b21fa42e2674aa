"""Noise of the state and of the inputs in training, another in every update, and the same again after a resume."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.objectives.batches import Batch
from randomnet.rnn import Dynamics


@dataclass
class _Fresh:
    """sigma: standard deviation. seed: of all of it; every update has a generator of its own, made of the seed and the
    update's number. updates: how many there have been."""

    sigma: float
    seed: int
    updates: int = 0

    def generator(self) -> np.random.Generator:
        """That of the next update."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates]))
        self.updates += 1
        return rng


@dataclass
class StateNoise(_Fresh):
    """xi = sigma sqrt(2 / a) N(0, 1) beside the drive of every neuron, fresh at each step and in each trial.

    With a = dt / tau, the state of an unconnected neuron in the current form then has a stationary sd of
    sigma sqrt(2 / (2 - a)).
    """

    def drawn(self, trials: int, like: Tensor) -> Callable[[int, int], Tensor]:
        """Of the next update, what gives (stop - start, trials, N) from one step to another, in the precision and of
        the N of `like`, before it is scaled by sqrt(2 / a): from step 0 on, and again from any that one has ended
        before."""
        rng, kind = self.generator(), _kind(like)
        states = {0: rng.bit_generator.state}

        def between(start: int, stop: int) -> Tensor:
            rng.bit_generator.state = states[start]
            white = rng.standard_normal((stop - start, trials, like.shape[-1]), dtype=kind)
            states[stop] = rng.bit_generator.state
            return torch.from_numpy(white).mul_(self.sigma).to(like.device)

        return between


def noise_between(noises: list[StateNoise], system: Dynamics, inputs: Tensor) -> Callable[[int, int], Tensor]:
    """xi (..., stop - start, trials, N) from one step to another, in the order of `drawn`: of one network or, with a
    leading axis of runs, of several as each alone has it. inputs: (..., steps, trials, channels)."""
    each, a = [noise.drawn(inputs.shape[-2], system.gains) for noise in noises], system.a
    scale = (2 / (a[..., None, None, :] if isinstance(a, Tensor) else a)) ** 0.5

    def between(start: int, stop: int) -> Tensor:
        white = [one(start, stop) for one in each]
        return (torch.stack(white) if inputs.ndim == 4 else white[0]) * scale

    return between


@dataclass
class InputNoise(_Fresh):
    """N(0, sigma^2) on every channel, fresh at each step and in each trial: `dynamic_noise` of the
    Computation-Thru-Dynamics Benchmark, which has it in validation too."""

    def drawn(self, inputs: Tensor) -> Tensor:
        """That of the next update, of inputs (time, trials, channels) and in their precision. It is drawn step by step,
        so that inputs which end earlier have the beginning of it."""
        white = self.generator().standard_normal(tuple(inputs.shape), dtype=_kind(inputs))
        return torch.from_numpy(white).mul_(self.sigma).to(inputs.device)


def noisy_inputs(noises: list[InputNoise], batch: Batch) -> Tensor:
    """The inputs of a batch with noise, which ends with each trial where trials have phases: of one network or, with a
    leading axis of runs, of several as each alone has it."""
    inputs = batch.inputs
    white = [noise.drawn(of) for noise, of in zip(noises, inputs if inputs.ndim == 4 else [inputs], strict=True)]
    noise = torch.stack(white) if inputs.ndim == 4 else white[0]
    if batch.phases is not None:
        steps = torch.arange(inputs.shape[-3], device=inputs.device)
        noise *= (steps[:, None] < batch.phases[..., None, :, -1]).unsqueeze(-1)
    return inputs + noise


def _kind(like: Tensor) -> type:
    return np.float32 if like.dtype == torch.float32 else np.float64
