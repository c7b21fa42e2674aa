"""Dropout and posterior samples in training: drawn anew at every update, and identical after a resume."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampler:
    """Draws the random numbers of one update."""

    rng: np.random.Generator

    def keep_mask(self, like: Tensor, rate: float) -> Tensor:
        """A bool mask in the shape of a tensor; each entry is kept with probability 1 - rate."""
        return torch.from_numpy(self.rng.random(tuple(like.shape), dtype=np.float32) >= rate).to(like.device)

    def dropout(self, values: Tensor, rate: float) -> Tensor:
        """The values with each one set to 0 with probability `rate`; the others are scaled to preserve the mean."""
        return values if not rate else values * self.keep_mask(values, rate) / (1 - rate)

    def normal(self, like: Tensor) -> Tensor:
        """N(0, 1) in the shape and precision of a tensor."""
        samples = torch.from_numpy(self.rng.standard_normal(tuple(like.shape), dtype=np.float32))
        return samples.to(like.device, like.dtype)


@dataclass
class UpdateSamplers:
    """The samplers of all updates; each is seeded with the seed and the number of its update.

    updates: how many samplers were taken.
    """

    seed: int
    updates: int = 0

    def next(self) -> Sampler:
        """The sampler of the next update."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates]))
        self.updates += 1
        return Sampler(rng)


@dataclass
class TrialOrder:
    """Shuffles the trials of each epoch. epochs: how many epochs were shuffled."""

    seed: int
    epochs: int = 0

    def next(self, trials: int, size: int) -> list[np.ndarray]:
        """The trial indices of the next epoch's batches; all batches but the last have `size` trials."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.epochs]))
        self.epochs += 1
        shuffled = rng.permutation(trials)
        return [shuffled[start : start + size] for start in range(0, trials, size)]
