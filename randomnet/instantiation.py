"""Regions -> neurons: a network of neurons that has a region matrix between its regions (bio2art, `from_conn_mat`).

Every weight between two regions becomes a block of edges between their neurons whose weights sum to it. Edges are
listed as they are made, apart from their weights, so that none is lost to rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome

PARTITION = "stick-breaking"  # how rand_partition breaks a weight; a word of the provenance since version 0.2.0
# -log of a part's share of its weight, beyond which parts are drawn closer together: rounding of double precision
ROUNDING = 36.0


def _ratio(densities: np.ndarray, seed: float) -> np.ndarray:
    return np.round(densities / densities.min() * seed)


def _rank(densities: np.ndarray, seed: float) -> np.ndarray:
    return np.round((np.unique(densities, return_inverse=True)[1] + 1) * seed)


# densities (N,) and a seed, the neurons of the region of lowest density -> neurons per region
DENSITY_SCALINGS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {"ratio": _ratio, "rank": _rank}


def neurons_per_region(regions: int, neurons: int | Sequence[int] | np.ndarray) -> np.ndarray:
    """(regions,) int64 from one number for all regions, or a list of one per region in matrix order.

    Raises ValueError for another length, or for anything but whole numbers >= 1.
    """
    given = np.asarray(neurons)
    if given.ndim and given.shape != (regions,):
        raise ValueError(f"expected one number of neurons, or {regions}, one per region, got shape {given.shape}")
    if given.dtype.kind not in "ui" or (given < 1).any():
        raise ValueError(f"expected neurons per region as whole numbers >= 1, got {neurons}")
    return np.full(regions, given, np.int64)


def neurons_by_density(densities: np.ndarray, scaling: str = "ratio", seed: float = 1) -> np.ndarray:
    """(N,) int64 from neuron densities (N,) > 0: `ratio` round(density / lowest x seed), `rank` rank x seed.

    The lowest density has rank 1, equal densities share a rank. Raises ValueError for an unknown scaling, densities
    that are not numbers > 0, or a seed that leaves a region without neurons.
    """
    if scaling not in DENSITY_SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(DENSITY_SCALINGS)}, got {scaling!r}")
    wrong = ~(np.isfinite(densities) & (densities > 0))
    if wrong.any():
        raise ValueError(f"expected densities > 0, got {densities[wrong][0]:g} for region {np.flatnonzero(wrong)[0]}")
    with np.errstate(over="ignore"):
        neurons = DENSITY_SCALINGS[scaling](densities, seed)
    if not ((neurons >= 1) & (neurons < 2**31)).all():
        raise ValueError(f"expected a seed that gives every region 1 to 2^31 neurons, got {seed:g}")
    return neurons.astype(np.int64)


@dataclass(frozen=True)
class _Blocks:
    """What is to be made between pairs of regions, (B,) arrays: total weight, and targets of each source neuron.

    Within a region, `own` says whether a neuron may be its own target.
    """

    post: np.ndarray
    pre: np.ndarray
    totals: np.ndarray
    targets: np.ndarray
    own: bool

    def chosen(self, which: np.ndarray) -> "_Blocks":
        return _Blocks(self.post[which], self.pre[which], self.totals[which], self.targets[which], self.own)

    def joined(self, other: "_Blocks") -> "_Blocks":
        names = ("post", "pre", "totals", "targets")
        return _Blocks(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names), self.own)


def instantiate(
    regions: Connectome,
    neurons: int | Sequence[int] | np.ndarray,
    *,
    target_sparsity: float = 0.8,
    intrinsic: bool = True,
    intrinsic_sparsity: float = 1.0,
    intrinsic_weight: float = 0.8,
    rand_partition: bool = True,
    keep_diag: bool = False,
    rng: np.random.Generator,
) -> Connectome:
    """A network of neurons, numbered contiguously by region, whose weights between two regions sum to the regions' own.

    regions: weights J[post, pre] >= 0. neurons: k of each region, or one for all, whole numbers >= 1. Every neuron of
    a source region picks distinct random targets in the target region: the share `target_sparsity` of its k neurons.
    intrinsic: connections within each region are made too, to the share `intrinsic_sparsity` of its neurons; they hold
    the share `intrinsic_weight` of all weight that starts in the region. rand_partition: a region's weight is broken
    into random parts (`stick_breaking`), not equal ones. keep_diag: neurons may connect to themselves.

    A weight on the diagonal of `regions` is spread like any other with intrinsic = False, and gives way to the
    intrinsic connections otherwise; the provenance counts these. It also names regions left without the connections
    within that they should have: those of one neuron (unless keep_diag), and those that no weight leaves.
    Returns J[post, pre] with labels `region` and names `<region>.<number>`. Raises ValueError.
    Source: bio2art (Goulas et al. 2021, Neural Networks 142:608), with outgoing sums for the intrinsic share.
    """
    neurons = neurons_per_region(regions.n, neurons)
    _check(regions, target_sparsity, intrinsic_sparsity, intrinsic_weight)
    diagonal = regions.post == regions.pre
    blocks = _between(regions, neurons, target_sparsity, keep_diag)
    if intrinsic:
        within = _within(regions, neurons, intrinsic_sparsity, intrinsic_weight, keep_diag)
        blocks = blocks.chosen(~diagonal).joined(within)
    blocks = blocks.chosen((blocks.totals > 0) & (blocks.targets > 0))
    expected = np.arange(regions.n) if intrinsic else regions.post[diagonal]
    without = np.setdiff1d(expected, blocks.post[blocks.post == blocks.pre])
    post, pre, weights = _edges(blocks, neurons, rand_partition, rng)
    order = np.lexsort((pre, post))
    return Connectome(
        regions.name,
        post[order],
        pre[order],
        weights[order],
        _neuron_names(regions.names, neurons),
        {kind: np.repeat(labels, neurons) for kind, labels in {"region": regions.names, **regions.labels}.items()},
        {
            **regions.provenance,
            "regions": regions.n,
            "neurons_per_region": neurons.tolist(),
            "target_sparsity": target_sparsity,
            "intrinsic": intrinsic,
            "intrinsic_sparsity": intrinsic_sparsity,
            "intrinsic_weight": intrinsic_weight,
            "rand_partition": rand_partition,
            **({"partition": PARTITION} if rand_partition else {}),
            "keep_diag": keep_diag,
            "diagonal_replaced": int(diagonal.sum()) if intrinsic else 0,
            "regions_without_intrinsic": regions.names[without].tolist(),
        },
    )


def _check(regions: Connectome, target: float, within: float, weight: float) -> None:
    if (regions.weights < 0).any():
        raise ValueError(f"expected weights >= 0 between regions, got {regions.weights.min():g} in {regions.name}")
    for name, share in (("target_sparsity", target), ("intrinsic_sparsity", within)):
        if not 0 < share <= 1:
            raise ValueError(f"{name}: expected the share of targets that is kept, above 0 and at most 1, got {share}")
    if not 0 < weight < 1:
        raise ValueError(f"intrinsic_weight: expected a share of the weight, above 0 and below 1, got {weight}")


def _between(regions: Connectome, neurons: np.ndarray, sparsity: float, own: bool) -> _Blocks:
    """One block per weight of the region matrix, in its order; one on the diagonal keeps within its k - 1 others."""
    limit = neurons[regions.post] - ((regions.post == regions.pre) & (not own))
    targets = np.minimum(_kept(neurons[regions.post], sparsity), limit)
    return _Blocks(regions.post, regions.pre, regions.weights, targets, own)


def _within(regions: Connectome, neurons: np.ndarray, sparsity: float, share: float, own: bool) -> _Blocks:
    """One block per region, of weight share / (1 - share) times what leaves the region."""
    leaving = np.where(regions.post != regions.pre, regions.weights, 0.0)
    outgoing = np.bincount(regions.pre, leaving, minlength=regions.n)
    targets = np.minimum(_kept(neurons, sparsity), neurons - (not own))
    every = np.arange(regions.n)
    return _Blocks(every, every, share * outgoing / (1 - share), targets, own)


def _kept(neurons: np.ndarray, sparsity: float) -> np.ndarray:
    """How many of k neurons are targets: the share rounded half to even, at least 1."""
    return np.maximum(1, np.round(sparsity * neurons)).astype(np.int64)


def _edges(
    blocks: _Blocks, neurons: np.ndarray, rand_partition: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """post, pre and weights of all edges, block after block."""
    first = np.concatenate([[0], np.cumsum(neurons)[:-1]])
    post, pre = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for p, q, m in zip(blocks.post, blocks.pre, blocks.targets, strict=True):
        post.append(first[p] + _picked(rng, neurons[q], neurons[p], m, others=p == q and not blocks.own).ravel())
        pre.append(first[q] + np.repeat(np.arange(neurons[q]), m))
    sizes = neurons[blocks.pre] * blocks.targets
    weights = np.repeat(blocks.totals / sizes, sizes)
    if rand_partition:
        shares = [stick_breaking(size, rng) for size in sizes]
        weights = np.repeat(blocks.totals, sizes) * np.concatenate([np.empty(0), *shares])
    return np.concatenate(post), np.concatenate(pre), weights


def _picked(rng: np.random.Generator, sources: int, targets: int, m: int, others: bool) -> np.ndarray:
    """(sources, m): for every source m distinct ones of the targets, uniformly; with `others`, never the source."""
    picked = np.argsort(rng.random((sources, targets - others)), axis=1)[:, :m]
    return picked + (picked >= np.arange(sources)[:, None]) if others else picked


def stick_breaking(parts: int, rng: np.random.Generator) -> np.ndarray:
    """(parts,) random shares > 0 of 1, in random order: each break takes a uniform share of what is left of a stick.

    The i-th largest in expectation is 2^-i of the whole, so the spread grows with the number of parts. Shares below
    e^-36, where bio2art has rounding errors, are e^-36 to e^-72: in the same order, and not 0 in single precision.
    Source: bio2art, `_float_partition`.
    """
    left = -rng.standard_exponential(parts - 1)  # log of the share that each break leaves
    taken = np.log(-np.expm1(left))
    logs = np.append(taken, 0.0) + np.append(0.0, np.cumsum(left))
    beyond = logs < -ROUNDING
    logs[beyond] = -ROUNDING * (2 + ROUNDING / logs[beyond])
    shares = np.exp(logs)
    return rng.permutation(shares / shares.sum())


def _neuron_names(regions: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    return np.array([f"{region}.{number}" for region, k in zip(regions, neurons, strict=True) for number in range(k)])
