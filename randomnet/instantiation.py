"""Expansion of a region matrix into a network of neurons (bio2art, `from_conn_mat`).

Every weight between two regions becomes a block of edges between their neurons, whose weights sum to it. Edges are
listed separately from their weights, so that an edge is not lost where its weight rounds to 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome

PARTITION = "stick-breaking"  # the method of rand_partition, in the provenance since version 0.2.0
# -log of a share, beyond which shares are compressed: e^-36 is the rounding error of double precision
ROUNDING = 36.0


def _ratio(densities: np.ndarray, seed: float) -> np.ndarray:
    return np.round(densities / densities.min() * seed)


def _rank(densities: np.ndarray, seed: float) -> np.ndarray:
    return np.round((np.unique(densities, return_inverse=True)[1] + 1) * seed)


# densities (N,) and seed (the number of neurons of the region of lowest density) -> neurons per region (N,)
DENSITY_SCALINGS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {"ratio": _ratio, "rank": _rank}


def neurons_per_region(regions: int, neurons: int | Sequence[int] | np.ndarray) -> np.ndarray:
    """(regions,) int64: neurons per region, from one number for all regions or one per region in matrix order.

    Raises ValueError for another length, and for values other than whole numbers >= 1.
    """
    counts = np.asarray(neurons)
    if counts.ndim and counts.shape != (regions,):
        raise ValueError(f"expected one number of neurons, or {regions}, one per region, got shape {counts.shape}")
    if counts.dtype.kind not in "ui" or (counts < 1).any():
        raise ValueError(f"expected neurons per region as whole numbers >= 1, got {neurons}")
    return np.full(regions, counts, np.int64)


def neurons_by_density(densities: np.ndarray, scaling: str = "ratio", seed: float = 1) -> np.ndarray:
    """(N,) int64: neurons per region from neuron densities (N,) > 0.

    scaling: `ratio` is round(density / lowest x seed), `rank` is round(rank x seed). The lowest density has rank 1, and
    equal densities share a rank. Raises ValueError for an unknown scaling, for densities that are not numbers > 0, and
    for a seed that leaves a region without neurons.
    """
    if scaling not in DENSITY_SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(DENSITY_SCALINGS)}, got {scaling!r}")
    invalid = ~(np.isfinite(densities) & (densities > 0))
    if invalid.any():
        region = np.flatnonzero(invalid)[0]
        raise ValueError(f"expected densities > 0, got {densities[region]:g} for region {region}")
    with np.errstate(over="ignore"):
        neurons = DENSITY_SCALINGS[scaling](densities, seed)
    if not ((neurons >= 1) & (neurons < 2**31)).all():
        raise ValueError(f"expected a seed that gives every region 1 to 2^31 neurons, got {seed:g}")
    return neurons.astype(np.int64)


@dataclass(frozen=True)
class _Blocks:
    """Blocks of edges between pairs of regions, (B,) arrays: total weight, and number of targets per source neuron.

    autapses: whether a neuron may be its own target within a region.
    """

    post: np.ndarray
    pre: np.ndarray
    totals: np.ndarray
    targets: np.ndarray
    autapses: bool

    def select(self, mask: np.ndarray) -> "_Blocks":
        return _Blocks(self.post[mask], self.pre[mask], self.totals[mask], self.targets[mask], self.autapses)

    def concatenate(self, other: "_Blocks") -> "_Blocks":
        names = ("post", "pre", "totals", "targets")
        post, pre, totals, targets = (np.concatenate([getattr(self, name), getattr(other, name)]) for name in names)
        return _Blocks(post, pre, totals, targets, self.autapses)


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
    """A network of neurons, ordered by region, in which the weights between two regions sum to the region weight.

    regions: weights J[post, pre] >= 0. neurons: the number of neurons of each region, or one for all, whole numbers
    >= 1. Every neuron of a source region has distinct random targets in the target region: the share `target_sparsity`
    of its neurons. intrinsic: neurons also connect within their region, to the share `intrinsic_sparsity` of its
    neurons. These connections have the share `intrinsic_weight` of all weight that starts in the region.
    rand_partition: a region weight is split into random parts (`stick_breaking`) instead of equal ones. keep_diag:
    neurons may connect to themselves.

    With intrinsic = False a weight on the diagonal of `regions` is distributed like any other. Otherwise the intrinsic
    connections replace it, and the provenance counts the replaced weights. The provenance also names regions without
    the expected intrinsic connections: those with one neuron (unless keep_diag), and those without outgoing weight.

    Returns J[post, pre] with labels `region` and names `<region>.<number>`. Raises ValueError for invalid arguments.
    Source: bio2art (Goulas et al. 2021, Neural Networks 142:608), with outgoing sums for the intrinsic share.
    """
    neurons = neurons_per_region(regions.n, neurons)
    _check(regions, target_sparsity, intrinsic_sparsity, intrinsic_weight)
    diagonal = regions.post == regions.pre
    blocks = _between(regions, neurons, target_sparsity, keep_diag)
    if intrinsic:
        within = _within(regions, neurons, intrinsic_sparsity, intrinsic_weight, keep_diag)
        blocks = blocks.select(~diagonal).concatenate(within)
    blocks = blocks.select((blocks.totals > 0) & (blocks.targets > 0))
    expected = np.arange(regions.n) if intrinsic else regions.post[diagonal]
    without = np.setdiff1d(expected, blocks.post[blocks.post == blocks.pre])
    provenance = {
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
    }
    post, pre, weights = _edges(blocks, neurons, rand_partition, rng)
    order = np.lexsort((pre, post))
    return Connectome(
        regions.name,
        post[order],
        pre[order],
        weights[order],
        _neuron_names(regions.names, neurons),
        {kind: np.repeat(labels, neurons) for kind, labels in {"region": regions.names, **regions.labels}.items()},
        {**regions.provenance, **provenance},
    )


def _check(regions: Connectome, target: float, within: float, weight: float) -> None:
    if (regions.weights < 0).any():
        raise ValueError(f"expected weights >= 0 between regions, got {regions.weights.min():g} in {regions.name}")
    for name, share in (("target_sparsity", target), ("intrinsic_sparsity", within)):
        if not 0 < share <= 1:
            raise ValueError(f"{name}: expected the share of targets among neurons, above 0 and at most 1, got {share}")
    if not 0 < weight < 1:
        raise ValueError(f"intrinsic_weight: expected a share of the weight, above 0 and below 1, got {weight}")


def _between(regions: Connectome, neurons: np.ndarray, sparsity: float, autapses: bool) -> _Blocks:
    """One block per weight of the region matrix, in its order. A diagonal block has at most k - 1 targets, or k with
    autapses."""
    limit = neurons[regions.post] - ((regions.post == regions.pre) & (not autapses))
    targets = np.minimum(_target_counts(neurons[regions.post], sparsity), limit)
    return _Blocks(regions.post, regions.pre, regions.weights, targets, autapses)


def _within(regions: Connectome, neurons: np.ndarray, sparsity: float, share: float, autapses: bool) -> _Blocks:
    """One intrinsic block per region, of weight share / (1 - share) times the outgoing weight of the region."""
    external = np.where(regions.post != regions.pre, regions.weights, 0.0)
    outgoing = np.bincount(regions.pre, external, minlength=regions.n)
    targets = np.minimum(_target_counts(neurons, sparsity), neurons - (not autapses))
    indices = np.arange(regions.n)
    return _Blocks(indices, indices, share * outgoing / (1 - share), targets, autapses)


def _target_counts(neurons: np.ndarray, sparsity: float) -> np.ndarray:
    """Number of targets among k neurons: the share rounded half to even, at least 1."""
    return np.maximum(1, np.round(sparsity * neurons)).astype(np.int64)


def _edges(
    blocks: _Blocks, neurons: np.ndarray, rand_partition: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """post, pre and weights of all edges, block after block."""
    first = np.concatenate([[0], np.cumsum(neurons)[:-1]])
    post, pre = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for p, q, m in zip(blocks.post, blocks.pre, blocks.targets, strict=True):
        exclude_self = p == q and not blocks.autapses
        post.append(first[p] + _random_targets(rng, neurons[q], neurons[p], m, exclude_self).ravel())
        pre.append(first[q] + np.repeat(np.arange(neurons[q]), m))
    sizes = neurons[blocks.pre] * blocks.targets
    weights = np.repeat(blocks.totals / sizes, sizes)
    if rand_partition:
        shares = [stick_breaking(size, rng) for size in sizes]
        weights = np.repeat(blocks.totals, sizes) * np.concatenate([np.empty(0), *shares])
    return np.concatenate(post), np.concatenate(pre), weights


def _random_targets(rng: np.random.Generator, sources: int, targets: int, m: int, exclude_self: bool) -> np.ndarray:
    """(sources, m): for every source m distinct targets, drawn uniformly, without the source if `exclude_self`."""
    drawn = np.argsort(rng.random((sources, targets - exclude_self)), axis=1)[:, :m]
    return drawn + (drawn >= np.arange(sources)[:, None]) if exclude_self else drawn


def stick_breaking(parts: int, rng: np.random.Generator) -> np.ndarray:
    """(parts,) random shares > 0 that sum to 1, in random order.

    Each break takes a uniform share of the remaining stick. The i-th break has an expected share of 2^-i, so the spread
    grows with the number of parts. Shares below e^-36, where bio2art has rounding errors, are compressed to e^-36 ..
    e^-72. They keep their order and are not 0 in single precision. Source: bio2art, `_float_partition`.
    """
    log_remaining = -rng.standard_exponential(parts - 1)  # log of the share of the stick that each break leaves
    log_taken = np.log(-np.expm1(log_remaining))
    logs = np.append(log_taken, 0.0) + np.append(0.0, np.cumsum(log_remaining))
    tiny = logs < -ROUNDING
    logs[tiny] = -ROUNDING * (2 + ROUNDING / logs[tiny])
    shares = np.exp(logs)
    return rng.permutation(shares / shares.sum())


def _neuron_names(regions: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    return np.array([f"{region}.{number}" for region, k in zip(regions, neurons, strict=True) for number in range(k)])
