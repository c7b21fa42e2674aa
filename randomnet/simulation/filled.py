"""Couplings of one network whose matrices are filled from the weights of its edges, so that these have gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.simulation.couplings import Couplings, Indices, Part, Shared, compact_indices
from randomnet.simulation.products import Matrix


@dataclass(frozen=True, eq=False)
class _Slots:
    """The places of some edges in one part: edges (E',), and their flat indices in the matrix, (E',)."""

    edges: Tensor
    places: Tensor
    shape: tuple[int, int]
    rows: Indices
    cells: Indices
    slow: bool
    plastic: int | None

    def filled(self, weights: Tensor) -> Part:
        """The part with these weights (E,) of all edges."""
        zeros = weights.new_zeros(self.shape[0] * self.shape[1])
        values = zeros.index_copy(0, self.places, weights.index_select(0, self.edges)).view(self.shape)
        return Part(Matrix(values), self.rows, self.cells, None, self.slow, self.plastic)


class EdgeMatrices:
    """The matrices of one network's edges: one for each plastic block, and for fast and slow synapses.

    post, pre: (E,). groups, plastic, as in `couplings`. slow: (E,) bool, the edges from excitatory neurons where their
    input is separate; None where it is not.
    """

    def __init__(
        self,
        post: np.ndarray,
        pre: np.ndarray,
        groups: np.ndarray,
        plastic: Sequence[tuple[int, int]] = (),
        slow: np.ndarray | None = None,
    ) -> None:
        self.groups, self.plastic, self.split = groups, tuple(plastic), slow is not None
        block = np.full(len(post), -1)
        for index, (target, source) in enumerate(self.plastic):
            block[(groups[post] == target) & (groups[pre] == source)] = index
        slow = np.zeros(len(post), bool) if slow is None else slow
        self._slots = [
            self._slots_of(np.flatnonzero((block == index) & (slow == flag)), post, pre, index, flag)
            for index in range(-1, len(self.plastic))
            for flag in (False, True)
        ]

    def _slots_of(self, edges: np.ndarray, post: np.ndarray, pre: np.ndarray, index: int, slow: bool) -> _Slots:
        everyone = np.arange(len(self.groups))
        rows, cells = (everyone, everyone) if index < 0 else (
            np.flatnonzero(self.groups == side) for side in self.plastic[index]
        )  # fmt: skip
        places = np.searchsorted(rows, post[edges]) * len(cells) + np.searchsorted(cells, pre[edges])
        return _Slots(
            torch.from_numpy(edges),
            torch.from_numpy(places),
            (len(rows), len(cells)),
            compact_indices(rows),
            compact_indices(cells),
            slow,
            None if index < 0 else index,
        )

    def couplings(self, weights: Tensor, trials: int) -> Couplings:
        """The couplings of one network with these weights (E,), which have gradients, and so many trajectories."""
        parts = tuple(slots.filled(weights) for slots in self._slots if len(slots.edges))
        cells = tuple(compact_indices(np.flatnonzero(self.groups == pre)) for _, pre in self.plastic)
        shared = (Shared(None, parts),)
        return Couplings(self.groups, 1, trials, shared, weights.dtype, self.plastic, cells, self.split)
