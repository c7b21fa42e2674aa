"""Couplings of networks side by side, by block (postsynaptic, presynaptic population), with few products.

The recurrent input is computed from parts of the edges. All edges of a part feed the same current, the fast or the
slow one. Relative to the stored weights, they have one factor per run and postsynaptic neuron.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.connectome import Connectome
from randomnet.display import Brief
from randomnet.simulation.products import Matrix, compressed, filled, is_dense, is_large_and_dense

CLOSE = 1e-9  # relative rounding error up to which weights count as a multiple of others
Indices = slice | Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Part(Brief):
    """Some of the edges, as a matrix (rows, cells) from presynaptic `cells` to postsynaptic `rows`.

    factor: (rows, columns), or None for 1. slow: whether the edges come from excitatory neurons, where these are
    separate. plastic: the index of the plastic block to which the edges belong, or None.
    """

    matrix: Matrix
    rows: Indices
    cells: Indices
    factor: Tensor | None
    slow: bool
    plastic: int | None


@dataclass(frozen=True, eq=False, repr=False)
class Shared(Brief):
    """The parts that several runs share because they have the same pattern; columns: of these runs, None for all."""

    columns: Tensor | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False, repr=False)
class LowRank(Brief):
    """m n^T / N, never formed: m, n (N, K), or one of each per column (C, N, K).

    add: whether it is added to the recurrent input; not where the weights of the edges include it already. plastic:
    whether plastic blocks transmit it as they transmit their own weights.
    """

    m: Tensor
    n: Tensor
    add: bool = True
    plastic: bool = False

    def overlaps(self, rates: Tensor) -> Tensor:
        """The overlaps kappa = n^T r / N, (C, K), of rates (C, N)."""
        if self.n.ndim == 2:
            return (self.n.mT @ rates.mT).mT / rates.shape[-1]
        return (rates.unsqueeze(-2) @ self.n).squeeze(-2) / rates.shape[-1]

    def recurrent_input(self, rates: Tensor) -> Tensor:
        """m kappa, (N, C), for rates (C, N)."""
        kappa = self.overlaps(rates)
        return self.m @ kappa.mT if self.m.ndim == 2 else (self.m @ kappa.unsqueeze(-1)).squeeze(-1).mT

    def block(self, rows: Indices, cells: Indices) -> "LowRank":
        """The part from presynaptic `cells` to postsynaptic `rows`, which has fewer rows and the same 1/N."""
        m, n = (select_cells(factor, side, -2) for factor, side in ((self.m, rows), (self.n, cells)))
        return LowRank(m, n * (n.shape[-2] / self.n.shape[-2]))


@dataclass(frozen=True, eq=False, repr=False)
class Couplings(Brief):
    """Products with the couplings of `runs` networks of n neurons, each with `trials` trajectories; see `couplings`.

    columns: C = runs x trials; the columns of one run are adjacent. groups: population of every neuron (N,). plastic:
    the plastic blocks (post, pre), which are separate parts because they do not transmit the rates themselves;
    plastic_cells: the presynaptic neurons of each. split: whether the input from excitatory neurons is separate.
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
        """Every matrix, with the number of columns of its product in one step."""
        return tuple((part.matrix, self.columns if shared.columns is None else len(shared.columns))
                     for shared in self.shared for part in shared.parts)  # fmt: skip

    def with_low_rank(
        self, m: np.ndarray | Tensor, n: np.ndarray | Tensor, add: bool = True, plastic: bool = False
    ) -> "Couplings":
        """The couplings with a low-rank part m n^T / N; add, plastic: see `LowRank`.

        m, n: (N, K), or (C, N, K) for one per column. Raises ValueError.
        """
        m, n = (torch.as_tensor(factor).to(self.dtype) for factor in (m, n))
        shape = self.n, m.shape[-1]
        if m.shape != n.shape or m.shape not in {shape, (self.columns, *shape)}:
            raise ValueError(
                f"m and n must have one shape, ({self.n}, K) or ({self.columns}, {self.n}, K), "
                f"got {tuple(m.shape)} and {tuple(n.shape)}"
            )
        return replace(self, low_rank=LowRank(m, n, add, plastic))

    def recurrent_input(self, rates: Tensor, transmitted: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor | None]:
        """The recurrent input of every neuron, (C, N), and the input from excitatory neurons where it is separate.

        Where it is separate, the first tensor lacks it. rates: (C, N). transmitted: for each plastic block, what its
        cells transmit in place of their rates, (C, cells). The low-rank part does not count as excitatory.
        """
        rates, transmitted = rates.mT, [signal.mT for signal in transmitted]
        totals = [self._pattern_input(shared, rates, transmitted) for shared in self.shared]
        fast, slow = (_join_columns(self.shared, parts, rates) for parts in zip(*totals, strict=True))
        if self.low_rank is not None and self.low_rank.add:
            fast = fast + self.low_rank.recurrent_input(rates.mT)
            for index in range(len(self.plastic)) if self.low_rank.plastic else ():
                fast = self._with_plastic_factors(fast, index, rates, transmitted[index])
        return fast.mT, slow.mT if self.split else None

    def _with_plastic_factors(self, fast: Tensor, index: int, rates: Tensor, transmitted: Tensor) -> Tensor:
        """The input (N, C) where a plastic block transmits its part of the factors too, in place of rates."""
        rows, cells = compact_indices(np.flatnonzero(self.groups == self.plastic[index][0])), self.plastic_cells[index]
        change = (transmitted - select_cells(rates, cells)).mT
        return _add_to_rows(fast, self.low_rank.block(rows, cells).recurrent_input(change), rows, self.n)

    def _pattern_input(self, shared: Shared, rates: Tensor, transmitted: Sequence[Tensor]) -> list[Tensor | None]:
        """Fast and slow input (N, columns) of the runs with one pattern, None for 0."""
        totals: list[Tensor | None] = [None, None]
        for part in shared.parts:
            source = select_cells(rates, part.cells) if part.plastic is None else transmitted[part.plastic]
            if shared.columns is not None:
                source = source.index_select(1, shared.columns)
            values = part.matrix(source)
            if part.factor is not None:
                values = values * part.factor
            totals[part.slow] = _add_to_rows(totals[part.slow], values, part.rows, self.n)
        return totals


def couplings(
    connectomes: Connectome | Iterable[Connectome],
    groups: np.ndarray,
    *,
    trials: int = 1,
    factors: np.ndarray | None = None,
    connectome_of_run: Sequence[int] | None = None,
    plastic: Sequence[tuple[int, int]] = (),
    split: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Couplings:
    """The couplings of a batch of runs.

    connectomes: one, or an iterable of them; only one of each pattern is held in memory. groups: the population of
    every neuron, (N,) int from 0, in any order. connectome_of_run: the index of each run's connectome; None means that
    run r has the r-th, or that all runs of `factors` have the only one. factors: (runs, P, P), factor of each block
    (post, pre) of each run. plastic: the blocks (post, pre) with plasticity. split: whether the input from excitatory
    neurons is separate. Excitatory are the neurons whose outgoing weights, before factors, are all >= 0.

    Runs have the same pattern if their edges are the same and their weights differ by one factor >= 0 per block; one
    product then computes all their columns. Raises ValueError where shapes differ or a number is not finite.

    >>> import numpy as np
    >>> import randomnet as rn
    >>> from randomnet.simulation import couplings
    >>> c = rn.connectome('AB')
    >>> coupled = couplings(c, np.zeros(c.n, int), trials=2)
    >>> coupled.runs, coupled.columns
    (1, 2)
    """
    groups = _check_groups(groups)
    patterns: list[_Pattern] = []
    placements = []  # index of the pattern, and factors (P, P), of every connectome
    for connectome in [connectomes] if isinstance(connectomes, Connectome) else connectomes:
        if connectome.n != len(groups):
            raise ValueError(f"networks side by side must have the {len(groups)} neurons of groups, got {connectome.n}")
        placements.append(_find_pattern(patterns, connectome, groups))
    if not placements:
        raise ValueError("couplings need at least one connectome, got none")
    populations = int(groups.max()) + 1
    runs, connectome_of_run, factors = _check_runs(len(placements), populations, connectome_of_run, factors)
    if split and (factors < 0).any():
        raise ValueError("factors must be >= 0 where the input from excitatory neurons is separate, got one below 0")
    run_factors = np.stack([placements[index][1] for index in connectome_of_run]) * factors
    shared = []
    for index, pattern in enumerate(patterns):
        members = [run for run in range(runs) if placements[connectome_of_run[run]][0] == index]
        if members:
            columns = np.concatenate([np.arange(run * trials, (run + 1) * trials) for run in members])
            scales = np.repeat(run_factors[members], trials, axis=0)
            parts = _PartBuilder(pattern, groups, tuple(plastic), split, dtype, scales).parts()
            shared.append(Shared(None if len(columns) == runs * trials else torch.from_numpy(columns), parts))
    cells = tuple(compact_indices(np.flatnonzero(groups == pre)) for _, pre in plastic)
    return Couplings(groups, runs, trials, tuple(shared), dtype, tuple(plastic), cells, split)


def _check_groups(groups: np.ndarray) -> np.ndarray:
    groups = np.asarray(groups)
    if groups.ndim != 1 or not len(groups) or groups.dtype.kind not in "iu" or groups.min() < 0:
        raise ValueError(f"groups must be (N,) whole numbers >= 0, got {groups.dtype} of shape {groups.shape}")
    return groups


def _check_runs(
    connectomes: int, populations: int, connectome_of_run: Sequence[int] | None, factors: np.ndarray | None
) -> tuple[int, Sequence[int], np.ndarray]:
    """The number of runs, the index of each run's connectome, and the factors (runs, P, P)."""
    if connectome_of_run is None:
        only_factors_differ = connectomes == 1 and factors is not None
        connectome_of_run = [0] * len(factors) if only_factors_differ else range(connectomes)
    runs, shape = len(connectome_of_run), (len(connectome_of_run), populations, populations)
    if not runs or min(connectome_of_run) < 0 or max(connectome_of_run) >= connectomes:
        raise ValueError(
            f"connectome_of_run must name connectomes 0 to {connectomes - 1}, got {list(connectome_of_run)}"
        )
    factors = np.ones(shape) if factors is None else np.asarray(factors, float)
    if factors.shape != shape or not np.isfinite(factors).all():
        raise ValueError(f"factors must be {shape} finite numbers, got shape {factors.shape}")
    return runs, connectome_of_run, factors


# ---- which runs share a pattern


@dataclass(eq=False)
class _Pattern:
    """Edges, with the weights of the first connectome that has them; block: post * P + pre of their populations.

    members: the factors (P, P) of the connectomes with this pattern. They change when a block whose weights were all 0
    takes the weights of a later connectome.
    """

    post: np.ndarray  # (E,) int32
    pre: np.ndarray  # (E,) int32
    weights: np.ndarray
    block: np.ndarray  # (E,) int32
    members: list[np.ndarray] = field(default_factory=list)


def _find_pattern(patterns: list[_Pattern], connectome: Connectome, groups: np.ndarray) -> tuple[int, np.ndarray]:
    """The index of the connectome's pattern, and its factors (P, P); a new pattern is appended."""
    populations = int(groups.max()) + 1
    for index, pattern in enumerate(patterns):
        same = np.array_equal(pattern.post, connectome.post) and np.array_equal(pattern.pre, connectome.pre)
        factors = _block_factors(pattern, connectome.weights, populations) if same else None
        if factors is not None:
            pattern.members.append(factors)
            return index, factors
    post, pre = (ends.astype(np.int32) for ends in (connectome.post, connectome.pre))
    block = (groups * populations).astype(np.int32)[post] + groups.astype(np.int32)[pre]
    factors = np.ones((populations, populations))
    patterns.append(_Pattern(post, pre, connectome.weights, block, [factors]))
    return len(patterns) - 1, factors


def _block_factors(pattern: _Pattern, weights: np.ndarray, populations: int) -> np.ndarray | None:
    """The factors (P, P) >= 0 that turn the pattern's weights into these; None where there are none."""
    size = populations**2
    norms = [np.bincount(pattern.block, np.abs(values), size) for values in (pattern.weights, weights)]
    new = (norms[0] == 0) & (norms[1] > 0)
    factors = np.ones(size)
    np.divide(norms[1], norms[0], out=factors, where=norms[0] > 0)
    expected = np.where(new[pattern.block], weights, factors[pattern.block] * pattern.weights)
    if (np.abs(expected - weights) > CLOSE * np.abs(weights)).any():
        return None
    if new.any():  # all earlier weights of these blocks are 0, which is this network's weights times 0
        pattern.weights = np.where(new[pattern.block], weights, pattern.weights)
        for earlier in pattern.members:
            earlier.reshape(-1)[new] = 0
    return factors.reshape(populations, populations)


# ---- parts of a pattern


@dataclass(frozen=True, eq=False)
class _PartBuilder:
    """Builds the parts of one pattern; scales: (columns, P, P), the factor of every block in every column."""

    pattern: _Pattern
    groups: np.ndarray
    plastic: tuple[tuple[int, int], ...]
    split: bool
    dtype: torch.dtype
    scales: np.ndarray

    @property
    def populations(self) -> int:
        """The number of populations P."""
        return self.scales.shape[-1]

    def parts(self) -> tuple[Part, ...]:
        """All parts; every edge is in exactly one of them."""
        classes, slow = self._block_classes(), self._is_slow()
        parts = []
        for number in np.unique(classes):
            inside = (classes == number).ravel()[self.pattern.block]
            plastic = int(number) - self.populations if number >= self.populations else None
            for flag in (False, True):
                edges = np.flatnonzero(inside & (slow == flag))
                if len(edges):
                    parts += self._parts_of(edges, np.argwhere(classes == number), flag, plastic)
        return tuple(parts)

    def _block_classes(self) -> np.ndarray:
        """(P, P) numbers; blocks with the same number share a part, as their factors depend on the target only."""
        columns = self.scales.transpose(2, 0, 1).reshape(self.populations, -1)  # of each presynaptic population
        _, numbers = np.unique(columns, axis=0, return_inverse=True)
        classes = np.tile(numbers.reshape(-1), (self.populations, 1))
        for index, (post, pre) in enumerate(self.plastic):
            classes[post, pre] = self.populations + index
        return classes

    def _is_slow(self) -> np.ndarray:
        """(E,): whether an edge comes from an excitatory neuron; False for all where these are not separate."""
        inhibitory = np.full(len(self.groups), not self.split)
        inhibitory[self.pattern.pre[self.pattern.weights < 0]] = True
        return ~inhibitory[self.pattern.pre]

    def _parts_of(self, edges: np.ndarray, blocks: np.ndarray, slow: bool, plastic: int | None) -> list[Part]:
        """The part of these edges; large dense blocks become parts of their own if the rest is sparse."""
        rows, cells = (np.flatnonzero(np.isin(self.groups, side)) for side in blocks.T)
        pre = blocks[0, 1]  # all blocks of a class have the same factors
        if is_dense(len(rows) * len(cells), len(edges)):
            return [self._part(edges, rows, cells, pre, filled, slow, plastic)]
        parts, block_of_edge = [], self.pattern.block[edges]
        sizes = np.bincount(self.groups, minlength=self.populations)
        counts = np.bincount(block_of_edge, minlength=self.populations**2)
        for block in np.flatnonzero(counts) if len(blocks) > 1 else ():
            a, b = divmod(int(block), self.populations)
            if is_large_and_dense(sizes[a] * sizes[b], counts[block]):
                inside = block_of_edge == block
                targets, sources = (np.flatnonzero(self.groups == side) for side in (a, b))
                parts.append(self._part(edges[inside], targets, sources, pre, filled, slow, plastic))
                edges, block_of_edge = edges[~inside], block_of_edge[~inside]
        if len(edges):  # rows without edges cost less than scattering the result to the others
            neurons = np.arange(len(self.groups))
            cells = neurons if plastic is None else cells
            parts.append(self._part(edges, neurons, cells, pre, compressed, slow, plastic))
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
        posts, pres = (_positions(members, len(self.groups))[ends[edges]]
                       for members, ends in ((rows, self.pattern.post), (cells, self.pattern.pre)))  # fmt: skip
        if (factor == factor[:, :1]).all():  # the same in all columns: multiply the weights once
            weights, factor = weights * factor[posts, 0], None
        matrix = make(posts, pres, weights, (len(rows), len(cells)), self.dtype)
        factor = None if factor is None else torch.from_numpy(np.ascontiguousarray(factor)).to(self.dtype)
        return Part(matrix, compact_indices(rows), compact_indices(cells), factor, slow, plastic)


def _positions(members: np.ndarray, n: int) -> np.ndarray:
    """(n,): the position of each neuron among the members."""
    positions = np.zeros(n, np.int64)
    positions[members] = np.arange(len(members))
    return positions


def compact_indices(ascending: np.ndarray) -> Indices:
    """Ascending indices as a slice where they have no gaps, else as a tensor."""
    contiguous = len(ascending) > 0 and ascending[-1] - ascending[0] == len(ascending) - 1
    return slice(int(ascending[0]), int(ascending[-1]) + 1) if contiguous else torch.from_numpy(ascending)


def select_cells(bundle: Tensor, cells: Indices, axis: int = 0) -> Tensor:
    """The rows (axis 1: the columns) of a bundle at the indices; a view where the indices have no gaps."""
    if isinstance(cells, slice):
        return bundle.narrow(axis, cells.start, cells.stop - cells.start)
    return bundle.index_select(axis, cells)


def _add_to_rows(total: Tensor | None, values: Tensor, rows: Indices, n: int) -> Tensor:
    """The total (n, columns), None for 0, plus values at the rows."""
    if isinstance(rows, slice) and rows.stop - rows.start == n:
        return values if total is None else total + values
    index = torch.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    total = values.new_zeros(n, values.shape[1]) if total is None else total
    return total.index_add(0, index, values)


def _join_columns(shared: Sequence[Shared], parts: Sequence[Tensor | None], like: Tensor) -> Tensor:
    """(N, C), from the columns of each pattern; parts: (N, columns), None for 0."""
    if len(shared) == 1:
        return torch.zeros_like(like) if parts[0] is None else parts[0]
    tensors = [like.new_zeros(len(like), len(runs.columns)) if part is None else part
               for runs, part in zip(shared, parts, strict=True)]  # fmt: skip
    order = torch.argsort(torch.cat([runs.columns for runs in shared]))
    return torch.cat(tensors, 1).index_select(1, order)
