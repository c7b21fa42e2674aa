"""Noise of the state in training, another in every update, and the same again after a resume."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.rnn import Dynamics


@dataclass
class StateNoise:
    """xi = sigma sqrt(2 / a) N(0, 1) beside the drive of every neuron, fresh at each step and in each trial.

    With a = dt / tau, the state of an unconnected neuron in the current form then has a stationary sd of
    sigma sqrt(2 / (2 - a)). seed: of all of it; every update has a generator of its own, made of the seed and the
    update's number. updates: how many there have been.
    """

    sigma: float
    seed: int
    updates: int = 0

    def drawn(self, trials: int, like: Tensor) -> Callable[[int, int], Tensor]:
        """Of the next update, what gives (stop - start, trials, N) from one step to another, in the precision and of
        the N of `like`, before it is scaled by sqrt(2 / a): from step 0 on, and again from any that one has ended
        before."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates]))
        self.updates += 1
        kind = np.float32 if like.dtype == torch.float32 else np.float64
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
