"""Couplings of networks side by side, by block (postsynaptic, presynaptic population), in as few products as they need.

What arrives is computed from edges in parts: edges of one part have one kind of target (the fast or the slow current)
and, relative to the edges that are kept, one factor per run and postsynaptic neuron.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.connectome import Connectome
from randomnet.simulation.products import Matrix, compressed, filled, is_dense, is_large_and_dense

CLOSE = 1e-9  # relative difference of weights up to which they are one factor times others: only rounding
Indices = slice | Tensor


@dataclass(frozen=True, eq=False)
class Part:
    """Some edges: the matrix (rows, cells) of what postsynaptic `rows` receive from presynaptic `cells`.

    factor: (rows, columns), or None for 1. slow: from excitatory neurons, where these are kept apart. plastic: the
    number of the plastic block that these are the edges of, or None.
    """

    matrix: Matrix
    rows: Indices
    cells: Indices
    factor: Tensor | None
    slow: bool
    plastic: int | None


@dataclass(frozen=True, eq=False)
class Shared:
    """The parts of all runs that have one pattern; columns: which, None for all."""

    columns: Tensor | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class LowRank:
    """m n^T / N, never formed: m, n (N, K), or one of each per column (C, N, K).

    acts: whether it adds to what arrives; not where the weights of the edges have it already.
    """

    m: Tensor
    n: Tensor
    acts: bool = True

    def overlaps(self, rates: Tensor) -> Tensor:
        """kappa = n^T r / N, (C, K), of rates (C, N)."""
        if self.n.ndim == 2:
            return (self.n.mT @ rates.mT).mT / rates.shape[-1]
        return (rates.unsqueeze(-2) @ self.n).squeeze(-2) / rates.shape[-1]

    def arriving(self, rates: Tensor) -> Tensor:
        """m kappa, (N, C)."""
        kappa = self.overlaps(rates)
        return self.m @ kappa.mT if self.m.ndim == 2 else (self.m @ kappa.unsqueeze(-1)).squeeze(-1).mT


@dataclass(frozen=True, eq=False)
class Couplings:
    """Products with the couplings of `runs` networks of n neurons, each with `trials` trajectories; see `couplings`.

    columns: C = runs x trials, those of one run beside each other. groups: population of every neuron (N,). plastic:
    blocks (post, pre) that are kept apart, as what they transmit is not the rates; plastic_cells: the presynaptic
    neurons of each. split: whether what comes from excitatory neurons is kept apart.
    """

    groups: np.ndarray
    runs: int
    trials: int
    shared: tuple[Shared, ...]
    dtype: torch.dtype
    plastic: tuple[tuple[int, int], ...] = ()
    plastic_cells: tuple[Indices, ...] = ()
    split: bool = False
    low_rank: LowRank | None = None

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.groups)

    @property
    def columns(self) -> int:
        """C = runs x trials."""
        return self.runs * self.trials

    @property
    def products(self) -> tuple[tuple[Matrix, int], ...]:
        """Every matrix with the number of columns it is multiplied with in one step."""
        every = [(part.matrix, self.columns if one.columns is None else len(one.columns))
                 for one in self.shared for part in one.parts]  # fmt: skip
        return tuple(every)

    def with_low_rank(self, m: np.ndarray | Tensor, n: np.ndarray | Tensor, acts: bool = True) -> "Couplings":
        """The same with m n^T / N added, if it `acts`; m, n (N, K), or (C, N, K): one per column. Raises ValueError."""
        m, n = (torch.as_tensor(factor).to(self.dtype) for factor in (m, n))
        wanted = self.n, m.shape[-1]
        if m.shape != n.shape or m.shape not in {wanted, (self.columns, *wanted)}:
            raise ValueError(
                f"m and n must have one shape, ({self.n}, K) or ({self.columns}, {self.n}, K), "
                f"got {tuple(m.shape)} and {tuple(n.shape)}"
            )
        return replace(self, low_rank=LowRank(m, n, acts))

    def arriving(self, rates: Tensor, sent: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor | None]:
        """What arrives at every neuron, (C, N), and of it apart what excitatory neurons send, where that is kept apart.

        rates: (C, N). sent: what the cells of each plastic block transmit in place of their rates, (C, cells). What
        comes by low rank is not from excitatory neurons.
        """
        rates, sent = rates.mT, [one.mT for one in sent]
        found = [self._of_pattern(one, rates, sent) for one in self.shared]
        fast, slow = (_joined(self.shared, parts, rates) for parts in zip(*found, strict=True))
        if self.low_rank is not None and self.low_rank.acts:
            fast = fast + self.low_rank.arriving(rates.mT)
        return fast.mT, slow.mT if self.split else None

    def _of_pattern(self, shared: Shared, rates: Tensor, sent: Sequence[Tensor]) -> list[Tensor | None]:
        totals: list[Tensor | None] = [None, None]
        for part in shared.parts:
            source = picked(rates, part.cells) if part.plastic is None else sent[part.plastic]
            if shared.columns is not None:
                source = source.index_select(1, shared.columns)
            arriving = part.matrix(source)
            if part.factor is not None:
                arriving = arriving * part.factor
            totals[part.slow] = _added(totals[part.slow], arriving, part.rows, self.n)
        return totals


def couplings(
    connectomes: Connectome | Iterable[Connectome],
    groups: np.ndarray,
    *,
    trials: int = 1,
    factors: np.ndarray | None = None,
    of_run: Sequence[int] | None = None,
    plastic: Sequence[tuple[int, int]] = (),
    split: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Couplings:
    """The couplings of a batch of runs.

    connectomes: one, or an iterable of them, of which one of each pattern is kept meanwhile. groups: the population of
    every neuron, (N,) int from 0, in any order. of_run: which connectome each run has; else run r has the r-th, or all
    that `factors` are for the only one. factors: (runs, P, P), what multiplies each block (post, pre) of each run.
    plastic: blocks (post, pre) to be kept apart. split: whether what excitatory neurons send is; those are the ones
    whose outgoing weights, before factors, are all >= 0.

    Runs whose edges are the same and whose weights differ by one factor >= 0 per block have one pattern, and one
    product moves all their columns. Raises ValueError where shapes differ or a number is not finite.
    """
    groups = _checked_groups(groups)
    patterns: list[_Pattern] = []
    found = []  # pattern and factors (P, P) of every connectome
    for connectome in [connectomes] if isinstance(connectomes, Connectome) else connectomes:
        if connectome.n != len(groups):
            raise ValueError(f"networks side by side must have the {len(groups)} neurons of groups, got {connectome.n}")
        found.append(_placed(patterns, connectome, groups))
    if not found:
        raise ValueError("couplings need one connectome at least, got none")
    runs, of_run, factors = _checked_runs(len(found), int(groups.max()) + 1, of_run, factors)
    if split and (factors < 0).any():
        raise ValueError("factors must be >= 0 where excitatory neurons are kept apart, got one below")
    own = np.stack([found[which][1] for which in of_run]) * factors
    shared = []
    for index, pattern in enumerate(patterns):
        members = [run for run in range(runs) if found[of_run[run]][0] == index]
        if members:
            columns = np.concatenate([np.arange(run * trials, (run + 1) * trials) for run in members])
            scales = np.repeat(own[members], trials, axis=0)
            parts = _Building(pattern, groups, tuple(plastic), split, dtype, scales).parts()
            shared.append(Shared(None if len(columns) == runs * trials else torch.from_numpy(columns), parts))
    cells = tuple(indices(np.flatnonzero(groups == pre)) for _, pre in plastic)
    return Couplings(groups, runs, trials, tuple(shared), dtype, tuple(plastic), cells, split)


def _checked_groups(groups: np.ndarray) -> np.ndarray:
    groups = np.asarray(groups)
    if groups.ndim != 1 or not len(groups) or groups.dtype.kind not in "iu" or groups.min() < 0:
        raise ValueError(f"groups must be (N,) whole numbers >= 0, got {groups.dtype} of shape {groups.shape}")
    return groups


def _checked_runs(
    found: int, populations: int, of_run: Sequence[int] | None, factors: np.ndarray | None
) -> tuple[int, Sequence[int], np.ndarray]:
    if of_run is None:
        of_run = [0] * len(factors) if found == 1 and factors is not None else range(found)
    runs, wanted = len(of_run), (len(of_run), populations, populations)
    if not runs or min(of_run) < 0 or max(of_run) >= found:
        raise ValueError(f"of_run must name connectomes 0 to {found - 1}, got {list(of_run)}")
    factors = np.ones(wanted) if factors is None else np.asarray(factors, float)
    if factors.shape != wanted or not np.isfinite(factors).all():
        raise ValueError(f"factors must be {wanted} finite numbers, got shape {factors.shape}")
    return runs, of_run, factors


# ---- which runs share a pattern


@dataclass(eq=False)
class _Pattern:
    """Edges, with the weights of the first connectome that has them; block: post * P + pre of their populations.

    members: the factors (P, P) of the connectomes that have it, which change where a block had no weight but 0 before.
    """

    post: np.ndarray  # (E,) int32
    pre: np.ndarray  # (E,) int32
    weights: np.ndarray
    block: np.ndarray  # (E,) int32
    members: list[np.ndarray] = field(default_factory=list)


def _placed(patterns: list[_Pattern], connectome: Connectome, groups: np.ndarray) -> tuple[int, np.ndarray]:
    """The number of the connectome's pattern, which is added where it is new, and its factors (P, P)."""
    populations = int(groups.max()) + 1
    for index, pattern in enumerate(patterns):
        same = np.array_equal(pattern.post, connectome.post) and np.array_equal(pattern.pre, connectome.pre)
        factors = _factors(pattern, connectome.weights, populations) if same else None
        if factors is not None:
            pattern.members.append(factors)
            return index, factors
    post, pre = (ends.astype(np.int32) for ends in (connectome.post, connectome.pre))
    block = (groups * populations).astype(np.int32)[post] + groups.astype(np.int32)[pre]
    factors = np.ones((populations, populations))
    patterns.append(_Pattern(post, pre, connectome.weights, block, [factors]))
    return len(patterns) - 1, factors


def _factors(pattern: _Pattern, weights: np.ndarray, populations: int) -> np.ndarray | None:
    """(P, P): what the pattern's weights are to be multiplied with to be these, None where no factors >= 0 do."""
    size = populations**2
    norms = [np.bincount(pattern.block, np.abs(values), size) for values in (pattern.weights, weights)]
    new = (norms[0] == 0) & (norms[1] > 0)
    factors = np.ones(size)
    np.divide(norms[1], norms[0], out=factors, where=norms[0] > 0)
    expected = np.where(new[pattern.block], weights, factors[pattern.block] * pattern.weights)
    if (np.abs(expected - weights) > CLOSE * np.abs(weights)).any():
        return None
    if new.any():  # until now only weights of 0, which are this network's times 0
        pattern.weights = np.where(new[pattern.block], weights, pattern.weights)
        for earlier in pattern.members:
            earlier.reshape(-1)[new] = 0
    return factors.reshape(populations, populations)


# ---- parts of a pattern


@dataclass(frozen=True, eq=False)
class _Building:
    """Makes the parts of one pattern; scales: (columns, P, P), the factor of every block in every column."""

    pattern: _Pattern
    groups: np.ndarray
    plastic: tuple[tuple[int, int], ...]
    split: bool
    dtype: torch.dtype
    scales: np.ndarray

    @property
    def populations(self) -> int:
        """P."""
        return self.scales.shape[-1]

    def parts(self) -> tuple[Part, ...]:
        """All of them, with every edge in one."""
        kinds, slow = self._kinds(), self._slow()
        made = []
        for kind in np.unique(kinds):
            inside = (kinds == kind).ravel()[self.pattern.block]
            plastic = int(kind) - self.populations if kind >= self.populations else None
            for flag in (False, True):
                edges = np.flatnonzero(inside & (slow == flag))
                if len(edges):
                    made += self._of_edges(edges, np.argwhere(kinds == kind), flag, plastic)
        return tuple(made)

    def _kinds(self) -> np.ndarray:
        """(P, P): blocks of one number go together, as their factors are a function of the postsynaptic neuron."""
        columns = self.scales.transpose(2, 0, 1).reshape(self.populations, -1)  # of each presynaptic population
        _, alike = np.unique(columns, axis=0, return_inverse=True)
        kinds = np.tile(alike.reshape(-1), (self.populations, 1))
        for index, (post, pre) in enumerate(self.plastic):
            kinds[post, pre] = self.populations + index
        return kinds

    def _slow(self) -> np.ndarray:
        """(E,): which edges come from neurons whose outgoing weights are all >= 0; none where these are not apart."""
        inhibiting = np.full(len(self.groups), not self.split)
        inhibiting[self.pattern.pre[self.pattern.weights < 0]] = True
        return ~inhibiting[self.pattern.pre]

    def _of_edges(self, edges: np.ndarray, blocks: np.ndarray, slow: bool, plastic: int | None) -> list[Part]:
        """One part of these edges; where only some of their blocks are dense, these apart from the rest."""
        rows, cells = (np.flatnonzero(np.isin(self.groups, side)) for side in blocks.T)
        pre = blocks[0, 1]  # of blocks that go together any one has the factors of all
        if is_dense(len(rows) * len(cells), len(edges)):
            return [self._part(edges, rows, cells, pre, filled, slow, plastic)]
        parts, of_edge = [], self.pattern.block[edges]
        sizes = np.bincount(self.groups, minlength=self.populations)
        counts = np.bincount(of_edge, minlength=self.populations**2)
        for block in np.flatnonzero(counts) if len(blocks) > 1 else ():
            a, b = divmod(int(block), self.populations)
            if is_large_and_dense(sizes[a] * sizes[b], counts[block]):
                own = of_edge == block
                post_cells, pre_cells = (np.flatnonzero(self.groups == side) for side in (a, b))
                parts.append(self._part(edges[own], post_cells, pre_cells, pre, filled, slow, plastic))
                edges, of_edge = edges[~own], of_edge[~own]
        if len(edges):  # rows without edges cost less than to put the others in their places
            everyone = np.arange(len(self.groups))
            cells = everyone if plastic is None else cells
            parts.append(self._part(edges, everyone, cells, pre, compressed, slow, plastic))
        return parts

    def _part(
        self,
        edges: np.ndarray,
        rows: np.ndarray,
        cells: np.ndarray,
        pre: int,
        make: Callable[..., Matrix],
        slow: bool,
        plastic: int | None,
    ) -> Part:
        weights, factor = self.pattern.weights[edges], self.scales[:, self.groups[rows], pre].T
        posts, pres = (_places(chosen, len(self.groups))[ends[edges]]
                       for chosen, ends in ((rows, self.pattern.post), (cells, self.pattern.pre)))  # fmt: skip
        if (factor == factor[:, :1]).all():  # of all columns alike: part of the weights
            weights, factor = weights * factor[posts, 0], None
        matrix = make(posts, pres, weights, (len(rows), len(cells)), self.dtype)
        laid = None if factor is None else torch.from_numpy(np.ascontiguousarray(factor)).to(self.dtype)
        return Part(matrix, indices(rows), indices(cells), laid, slow, plastic)


def _places(chosen: np.ndarray, n: int) -> np.ndarray:
    """Of each of n neurons, which one of those chosen it is."""
    places = np.zeros(n, np.int64)
    places[chosen] = np.arange(len(chosen))
    return places


def indices(chosen: np.ndarray) -> Indices:
    """Ascending indices; a slice where they are without gaps."""
    whole = len(chosen) > 0 and chosen[-1] - chosen[0] == len(chosen) - 1
    return slice(int(chosen[0]), int(chosen[-1]) + 1) if whole else torch.from_numpy(chosen)


def picked(bundle: Tensor, cells: Indices, axis: int = 0) -> Tensor:
    """The rows (axis 1: the columns) of a bundle that indices name, without a copy where they have no gaps."""
    if isinstance(cells, slice):
        return bundle.narrow(axis, cells.start, cells.stop - cells.start)
    return bundle.index_select(axis, cells)


def _added(total: Tensor | None, arriving: Tensor, rows: Indices, n: int) -> Tensor:
    """The total (n, columns), None for 0, with what arrives at the rows."""
    if isinstance(rows, slice) and rows.stop - rows.start == n:
        return arriving if total is None else total + arriving
    index = torch.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    total = arriving.new_zeros(n, arriving.shape[1]) if total is None else total
    return total.index_add(0, index, arriving)


def _joined(shared: Sequence[Shared], parts: Sequence[Tensor | None], like: Tensor) -> Tensor:
    """(N, C) of what arrives in the columns of each pattern, None for 0."""
    if len(shared) == 1:
        return torch.zeros_like(like) if parts[0] is None else parts[0]
    filled_up = [like.new_zeros(len(like), len(one.columns)) if part is None else part
                 for one, part in zip(shared, parts, strict=True)]  # fmt: skip
    order = torch.argsort(torch.cat([one.columns for one in shared]))
    return torch.cat(filled_up, 1).index_select(1, order)
