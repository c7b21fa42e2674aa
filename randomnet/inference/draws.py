"""Dropout and samples in training: others in every update, and the same again after a resume."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Chance:
    """The randomness of one update."""

    rng: np.random.Generator

    def kept(self, like: Tensor, rate: float) -> Tensor:
        """Which entries of a tensor are kept, each with probability 1 - rate, bool."""
        return torch.from_numpy(self.rng.random(tuple(like.shape), dtype=np.float32) >= rate).to(like.device)

    def dropped(self, values: Tensor, rate: float) -> Tensor:
        """The values with each one dropped with probability `rate`, the others scaled so that the mean stays."""
        return values if not rate else values * self.kept(values, rate) / (1 - rate)

    def normal(self, like: Tensor) -> Tensor:
        """N(0, 1) in the shape and precision of a tensor."""
        drawn = torch.from_numpy(self.rng.standard_normal(tuple(like.shape), dtype=np.float32))
        return drawn.to(like.device, like.dtype)


@dataclass
class Draws:
    """Every update has a generator of its own, made of the seed and its number. updates: how many there were."""

    seed: int
    updates: int = 0

    def next(self) -> Chance:
        """That of the next update."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates]))
        self.updates += 1
        return Chance(rng)


@dataclass
class Order:
    """Trials in another order in every epoch. epochs: how many there were."""

    seed: int
    epochs: int = 0

    def next(self, trials: int, size: int) -> list[np.ndarray]:
        """The numbers of the trials of the next epoch's batches, all of `size` but the last."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.epochs]))
        self.epochs += 1
        shuffled = rng.permutation(trials)
        return [shuffled[start : start + size] for start in range(0, trials, size)]
