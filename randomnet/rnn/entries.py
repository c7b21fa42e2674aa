"""Vectors of weights, gains or shifts in which some entries are trainable, and constraints of trained input weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


class Entries(nn.Module):
    """A vector whose entries `trainable` form one parameter (`free`). The other entries are constant.

    With `signs` (+1 or -1 per entry) an entry is sign times magnitude, and the magnitude is trained. `project` then
    clips magnitudes at zero. With `bounds` (low, high) `project` clips the magnitudes of trainable entries to them.
    The parameter itself is clipped, so an entry at a bound keeps its gradient.
    """

    start: Tensor
    signs: Tensor | None
    moving: Tensor | None

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
        all_trainable = trainable is not None and len(trainable) == len(values)
        self.register_buffer("trainable", None if all_trainable else trainable)
        self.free = None if trainable is None else nn.Parameter(self.start[trainable].clone())

    def forward(self) -> Tensor:
        """All entries, differentiable in the trainable ones."""
        values = self.start
        if self.free is not None:
            values = self.free if self.trainable is None else values.index_put((self.trainable,), self.free)
        return values if self.signs is None else values * self.signs

    @torch.no_grad()
    def project(self) -> None:
        """Clip the magnitudes of trainable entries, at zero or to the bounds, after an optimiser step."""
        if self.free is None:
            return
        low, high = self.bounds or (0.0, math.inf)
        if self.signs is not None:
            self.free.clamp_(min=low, max=high)
        elif self.bounds:
            self.free.copy_(self.free.abs().clamp_(low, high).copysign_(self.free))

    def count_outside_bounds(self) -> int:
        """Number of trainable entries whose magnitude is outside the bounds."""
        if self.free is None or self.bounds is None:
            return 0
        sizes = self.free.detach().abs()
        return int(((sizes < self.bounds[0]) | (sizes > self.bounds[1])).sum())

    @torch.no_grad()
    def assign(self, values: Tensor) -> None:
        """Set all entries, trainable or not. Raises ValueError for another shape, or signs other than `signs`."""
        if values.shape != self.start.shape:
            raise ValueError(f"expected {tuple(self.start.shape)} entries, got {tuple(values.shape)}")
        values = values.to(self.start)
        if self.signs is not None:
            values = values * self.signs
            if bool((values < 0).any()):
                wrong = int((values < 0).sum())
                raise ValueError(f"expected values with the fixed signs of the entries, got {wrong} of the other sign")
        self.start.copy_(values)
        if self.free is not None:
            self.free.copy_(values if self.trainable is None else values[self.trainable])


def trainable_indices(name: str, index: np.ndarray, sizes: Mapping[str, int]) -> Tensor:
    """Sorted indices of the trainable entries of `name`.

    sizes: name -> number of entries. Raises ValueError for an unknown name, and for repeated or out-of-range indices.
    """
    if name not in sizes:
        raise ValueError(f"trainable: expected names among {', '.join(sizes)}, got {name!r}")
    unique = np.unique(index)
    if len(unique) < np.size(index) or (len(unique) and not 0 <= unique[0] <= unique[-1] < sizes[name]):
        raise ValueError(f"trainable[{name!r}] must be different indices in 0..{sizes[name] - 1}, got {index}")
    return torch.from_numpy(unique.astype(np.int64))


@dataclass(frozen=True)
class InputConstraints:
    """Constraints of trained input weights (N, channels).

    signs: the sign that each weight keeps, 1 or -1, and 0 where there is no connection. fixed: bool, the weights that
    are not trained; None where all are trained. free_signs: weights may change their signs; connections stay.
    """

    signs: np.ndarray
    fixed: np.ndarray | None = None
    free_signs: bool = False
