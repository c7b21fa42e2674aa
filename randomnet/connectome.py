"""The `Connectome` record, and scalings: Connectome -> Connectome.

Weights are `J[post, pre]`, kept as a list of edges: an edge exists because it is listed, whatever its weight, so no
rounding can lose one. Signs belong to the presynaptic neuron. Every scaling keeps edges and signs.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Connectome:
    """A signed, directed, weighted network.

    post, pre: (E,) int64, sorted by post then pre, no duplicates. weights: (E,) float64, signed.
    names: (N,) texts. labels: label kind (`neurotransmitter`, `cell_fibers`) -> (N,) texts.
    positions: (N, 3) float64, in the file's unit, nan where unknown; None where there are none.
    provenance: what it is and where it came from (source, files with sha256, scalings with their residuals).
    """

    name: str
    post: np.ndarray
    pre: np.ndarray
    weights: np.ndarray
    names: np.ndarray
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    positions: np.ndarray | None = None

    def __post_init__(self) -> None:
        edges, n = len(self.weights), self.n
        if self.post.shape != (edges,) or self.pre.shape != (edges,):
            raise ValueError(
                f"post, pre and weights must have one shape, got {self.post.shape}, {self.pre.shape} "
                f"and {self.weights.shape}"
            )
        if edges and not (self.post.min() >= 0 and self.post.max() < n and self.pre.min() >= 0 and self.pre.max() < n):
            raise ValueError(f"post and pre must lie in 0..{n - 1}, the range of the {n} names")
        if not np.isfinite(self.weights).all():
            raise ValueError("weights must be finite")
        if (np.diff(self.post * n + self.pre) <= 0).any():
            raise ValueError("edges must be sorted by post, then pre, without duplicates")
        for kind, labels in self.labels.items():
            if labels.shape != (n,):
                raise ValueError(f"labels[{kind!r}] must have shape ({n},), got {labels.shape}")
        if self.positions is not None and self.positions.shape != (n, 3):
            raise ValueError(f"positions must have shape ({n}, 3), got {self.positions.shape}")

    @property
    def n(self) -> int:
        """Number of neurons N."""
        return len(self.names)

    @property
    def signs(self) -> np.ndarray:
        """(N,) int8: the sign of each neuron's outgoing weights; 0 where it has none, or both."""
        plus = np.bincount(self.pre, self.weights > 0, minlength=self.n) > 0
        minus = np.bincount(self.pre, self.weights < 0, minlength=self.n) > 0
        return plus.astype(np.int8) - minus.astype(np.int8)

    @property
    def mixed(self) -> int:
        """How many neurons have outgoing weights of both signs."""
        plus = np.bincount(self.pre, self.weights > 0, minlength=self.n) > 0
        minus = np.bincount(self.pre, self.weights < 0, minlength=self.n) > 0
        return int((plus & minus).sum())

    def dense(self) -> np.ndarray:
        """J[post, pre], (N, N) float64."""
        matrix = np.zeros((self.n, self.n))
        matrix[self.post, self.pre] = self.weights
        return matrix

    def groups(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Group index of every neuron (N,) and the group labels in sorted order; `neuron` = each its own group."""
        if kind == "neuron":
            return np.arange(self.n), self.names
        if kind not in self.labels:
            raise ValueError(f"{self.name} has no labels {kind!r}; it has {', '.join(['neuron', *self.labels])}")
        labels, index = np.unique(self.labels[kind], return_inverse=True)
        return index, labels

    def sha256(self) -> str:
        """Checksum of the network itself: edges, weights, names, labels and positions."""
        digest = hashlib.sha256()
        for array in (self.post, self.pre, self.weights, *(() if self.positions is None else (self.positions,))):
            digest.update(np.ascontiguousarray(array).tobytes())
        for texts in (self.names, *(self.labels[kind] for kind in sorted(self.labels))):
            digest.update("\0".join(texts.tolist()).encode())
        return digest.hexdigest()

    def facts(self) -> dict[str, Any]:
        """What a user wants to know before training on it, as plain values."""
        n, edges = self.n, len(self.weights)
        keys = self.post * n + self.pre
        mutual = np.isin(self.pre * n + self.post, keys).mean() if edges else 0.0
        signs = self.signs
        transmitters = self.labels.get("neurotransmitter")
        shares = np.unique(transmitters, return_counts=True) if transmitters is not None else ((), ())
        return {
            "name": self.name,
            "synthetic": bool(self.provenance.get("synthetic", False)),
            "neurons": n,
            "edges": edges,
            "density": edges / (n * (n - 1)),
            "reciprocity": float(mutual),
            "excitatory": int((signs > 0).sum()),
            "inhibitory": int((signs < 0).sum()),
            "mixed_signs": self.mixed,
            "transmitters": {str(name): int(count) for name, count in zip(*shares, strict=True)},
            "sha256": self.sha256(),
            **self.provenance,
        }

    def replace(self, weights: np.ndarray, **notes: Any) -> "Connectome":
        """The same edges with other weights; `notes` join the provenance."""
        return dataclasses.replace(self, weights=weights, provenance={**self.provenance, **notes})


def from_dense(
    name: str,
    matrix: np.ndarray,
    names: np.ndarray,
    labels: Mapping[str, np.ndarray] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Connectome:
    """The Connectome of a matrix J[post, pre]: every non-zero entry is an edge."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"the matrix must be square, got shape {matrix.shape}")
    post, pre = np.nonzero(matrix)
    return Connectome(
        name,
        post.astype(np.int64),
        pre.astype(np.int64),
        matrix[post, pre].astype(np.float64),
        names,
        dict(labels or {}),
        dict(provenance or {}),
    )


def spectral_radius(connectome: Connectome) -> float:
    """Largest |eigenvalue| of J, by the general (non-symmetric) solver; O(N^3)."""
    return float(np.abs(np.linalg.eigvals(connectome.dense())).max())


def scaled(connectome: Connectome, g: float) -> Connectome:
    """All weights times g > 0."""
    return connectome.replace(connectome.weights * g, g=g)


def with_spectral_radius(connectome: Connectome) -> Connectome:
    """Weights divided by the spectral radius, so that it is 1. Raises ValueError where the radius is 0."""
    radius = spectral_radius(connectome)
    if radius <= 1e-12 * np.abs(connectome.weights).max(initial=1e-300):
        raise ValueError(f"{connectome.name} has spectral radius 0 (no cycles), so it cannot be scaled to 1")
    return connectome.replace(
        connectome.weights / radius, normalization="spectral_radius", spectral_radius_before=radius
    )


def sinkhorn(connectome: Connectome, iterations: int = 10, tolerance: float = 1e-6) -> Connectome:
    """Balance excitation and inhibition: each neuron's E inputs sum to 0.5 and its I inputs to -0.5, where it has any.

    Per sign, alternately the columns and the rows are scaled; it ends on the rows, so these sums are exact. Both blocks
    are rectangular: N neurons receive 0.5 each, so each of n_E columns should give 0.5 N/n_E. `sinkhorn_residual`
    in the provenance is the largest relative departure of a column from that (FlyStability's normalisation, its
    defect 20 mended). Raises ValueError where a neuron has weights of both signs.
    """
    if connectome.mixed:
        raise ValueError(f"sinkhorn needs one sign per neuron, but {connectome.mixed} of {connectome.name} have both")
    weights, residuals = connectome.weights.copy(), {}
    for sign, word in ((1, "excitatory"), (-1, "inhibitory")):
        chosen = np.sign(weights) == sign
        if chosen.any():
            weights[chosen], residuals[word] = _sinkhorn(
                connectome.post[chosen], connectome.pre[chosen], np.abs(weights[chosen]), iterations, tolerance
            )
            weights[chosen] *= sign
    return connectome.replace(weights, normalization="sinkhorn", sinkhorn_residual=residuals)


def _sinkhorn(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, iterations: int, tolerance: float
) -> tuple[np.ndarray, float]:
    column_target = 0.5 * len(np.unique(post)) / len(np.unique(pre))
    residual = np.inf
    for _ in range(iterations):
        weights = weights * column_target / np.bincount(pre, weights)[pre]
        weights = 0.5 * weights / np.bincount(post, weights)[post]
        sums = np.bincount(pre, weights)
        residual = float(np.abs(sums[sums > 0] / column_target - 1).max())
        if residual <= tolerance:
            break
    return weights, residual


def log1p(connectome: Connectome) -> Connectome:
    """Sign times ln(1 + |weight|)."""
    weights = np.sign(connectome.weights) * np.log1p(np.abs(connectome.weights))
    return connectome.replace(weights, normalization="log1p")


def input_fraction(connectome: Connectome) -> Connectome:
    """Each weight as a share of all its neuron receives: sum_j |J[i, j]| = 1 for every neuron i with input."""
    totals = np.bincount(connectome.post, np.abs(connectome.weights), connectome.n)
    return connectome.replace(_divided(connectome.weights, totals[connectome.post]), normalization="input_fraction")


def balanced(connectome: Connectome) -> Connectome:
    """Each neuron's excitatory inputs sum to 0.5 and its inhibitory ones to -0.5, where it has any.

    Of `sinkhorn` the rows alone, once; also for neurons of both signs.
    """
    weights = connectome.weights.copy()
    for sign in (1, -1):
        chosen = np.sign(weights) == sign
        totals = 2 * np.bincount(connectome.post[chosen], np.abs(weights[chosen]), connectome.n)
        weights[chosen] = _divided(weights[chosen], totals[connectome.post[chosen]])
    return connectome.replace(weights, normalization="balanced")


def in_degree(connectome: Connectome) -> Connectome:
    """Weights of mean square 1, divided by the root of their neuron's in-degree, as N(0, 1/K) weights would be."""
    size = np.sqrt(np.mean(np.square(connectome.weights))) if len(connectome.weights) else 1.0
    degrees = np.bincount(connectome.post, minlength=connectome.n)
    weights = _divided(connectome.weights, size * np.sqrt(degrees[connectome.post]))
    return connectome.replace(weights, normalization="in_degree")


def _divided(weights: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.divide(weights, by, out=np.zeros_like(weights), where=by > 0)


def subset(connectome: Connectome, kept: np.ndarray, **notes: Any) -> Connectome:
    """The neurons where `kept`, (N,) bool, with the edges among them; `notes` join the provenance."""
    index = np.cumsum(kept) - 1
    edges = kept[connectome.post] & kept[connectome.pre]
    return dataclasses.replace(
        connectome,
        post=index[connectome.post[edges]],
        pre=index[connectome.pre[edges]],
        weights=connectome.weights[edges],
        names=connectome.names[kept],
        labels={kind: labels[kept] for kind, labels in connectome.labels.items()},
        positions=None if connectome.positions is None else connectome.positions[kept],
        provenance={**connectome.provenance, **notes},
    )


def largest_component(connectome: Connectome, kind: str) -> Connectome:
    """The largest strongly (`strong`) or weakly (`weak`) connected component; the neurons dropped are counted.

    Raises ValueError where no two neurons are connected so.
    """
    post, pre = connectome.post, connectome.pre
    if kind == "weak":
        post, pre = np.concatenate([post, pre]), np.concatenate([pre, post])
    forwards, backwards = _neighbours(pre, post, connectome.n), _neighbours(post, pre, connectome.n)
    degrees = np.bincount(post, minlength=connectome.n) + np.bincount(pre, minlength=connectome.n)
    left, best = np.ones(connectome.n, bool), np.zeros(connectome.n, bool)
    while True:  # each round takes one component away: that of the neuron with most edges
        left = _on_cycles(post, pre, left)
        if left.sum() <= best.sum():
            break
        pivot = int(np.flatnonzero(left)[degrees[left].argmax()])
        found = _reached(forwards, pivot, left) & _reached(backwards, pivot, left)
        left &= ~found
        best = found if found.sum() > best.sum() else best
    if not best.any():
        raise ValueError(f"{connectome.name} has no {kind}ly connected component of two neurons or more")
    return subset(connectome, best, largest_component=kind, neurons_outside_component_dropped=int((~best).sum()))


def _on_cycles(post: np.ndarray, pre: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Without those that nothing reaches, or that reach nothing, among those left: they are components of one."""
    away = post != pre
    post, pre = post[away], pre[away]
    while True:
        within = left[post] & left[pre]
        kept = left & (np.bincount(post[within], minlength=len(left)) > 0)
        kept &= np.bincount(pre[within], minlength=len(left)) > 0
        if kept.sum() == left.sum():
            return kept
        left = kept


def _neighbours(source: np.ndarray, target: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets by source, and where each source's begin (n + 1,)."""
    order = np.argsort(source, kind="stable")
    return target[order], np.concatenate([[0], np.cumsum(np.bincount(source, minlength=n))])


def _reached(neighbours: tuple[np.ndarray, np.ndarray], pivot: int, allowed: np.ndarray) -> np.ndarray:
    """(N,) bool: what can be reached from the pivot through allowed neurons."""
    targets, begins = neighbours
    seen = np.zeros(len(allowed), bool)
    seen[pivot], front = True, np.array([pivot])
    while len(front):
        counts = begins[front + 1] - begins[front]
        firsts = begins[front] - np.concatenate([[0], np.cumsum(counts)[:-1]])
        places = np.repeat(firsts, counts) + np.arange(counts.sum())
        front = np.unique(targets[places])
        front = front[allowed[front] & ~seen[front]]
        seen[front] = True
    return seen
