"""A vector of weights, gains or shifts of which chosen entries may be trained, and signs and bounds may be kept."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn


class Entries(nn.Module):
    """A vector of which the entries `moving` are a trainable parameter (`free`) and the others cannot change.

    With `signs` (+1 or -1 per entry) what is trained are magnitudes: an entry is sign times magnitude, and `project`
    keeps magnitudes from falling below zero. With `bounds` (low, high) it keeps the magnitudes of what moves within
    these. What is trained is itself brought back, so at a bound no gradient is lost.
    """

    def __init__(
        self,
        values: Tensor,
        trainable: Tensor | None,
        signs: Tensor | None = None,
        bounds: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.bounds = bounds
        self.register_buffer("start", values if signs is None else values * signs)
        self.register_buffer("signs", signs)
        everything = trainable is not None and len(trainable) == len(values)
        self.register_buffer("trainable", None if everything else trainable)
        self.free = None if trainable is None else nn.Parameter(self.start[trainable].clone())

    def forward(self) -> Tensor:
        """All entries, differentiable in those that move."""
        values = self.start
        if self.free is not None:
            values = self.free if self.trainable is None else values.index_put((self.trainable,), self.free)
        return values if self.signs is None else values * self.signs

    @torch.no_grad()
    def project(self) -> None:
        """Bring magnitudes that a step took below zero back to zero, or those out of the bounds to the nearer one."""
        if self.free is None:
            return
        low, high = self.bounds or (0.0, math.inf)
        if self.signs is not None:
            self.free.clamp_(min=low, max=high)
        elif self.bounds:
            self.free.copy_(self.free.abs().clamp_(low, high).copysign_(self.free))

    def count_outside_bounds(self) -> int:
        """How many of the entries that move are out of the bounds."""
        if self.free is None or self.bounds is None:
            return 0
        sizes = self.free.detach().abs()
        return int(((sizes < self.bounds[0]) | (sizes > self.bounds[1])).sum())

    @torch.no_grad()
    def assign(self, values: Tensor) -> None:
        """Set all entries, fixed ones too. Raises ValueError for another shape, or another sign where it is kept."""
        if values.shape != self.start.shape:
            raise ValueError(f"expected {tuple(self.start.shape)} entries, got {tuple(values.shape)}")
        values = values.to(self.start)
        if self.signs is not None:
            values = values * self.signs
            if bool((values < 0).any()):
                raise ValueError(f"expected the signs that are kept, got {int((values < 0).sum())} of the other sign")
        self.start.copy_(values)
        if self.free is not None:
            self.free.copy_(values if self.trainable is None else values[self.trainable])


def trainable_indices(name: str, index: np.ndarray, sizes: Mapping[str, int]) -> Tensor:
    """Sorted indices of the entries that move. Raises ValueError where they cannot be meant."""
    if name not in sizes:
        raise ValueError(f"trainable must name some of {', '.join(sizes)}, got {name!r}")
    found = np.unique(index)
    if len(found) < np.size(index) or (len(found) and not 0 <= found[0] <= found[-1] < sizes[name]):
        raise ValueError(f"trainable[{name!r}] must be different indices in 0..{sizes[name] - 1}, got {index}")
    return torch.from_numpy(found.astype(np.int64))
