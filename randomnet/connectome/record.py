"""The `Connectome` record.

Weights are `J[post, pre]`, kept as a list of edges: an edge exists because it is listed, whatever its weight, so no
rounding can lose one. Signs belong to the presynaptic neuron.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MIXED_SHOWN = 5  # neurons that send both signs, which are named where not all do

PER_NEURON = {"positions": (3,), "drive": (), "initial": ()}  # arrays that may be missing -> shape besides (N,)


@dataclass(frozen=True, eq=False)
class Connectome:
    """A signed, directed, weighted network.

    post, pre: (E,) int64, sorted by post then pre, no duplicates. weights: (E,) float64, signed.
    names: (N,) texts. labels: label kind (`neurotransmitter`, `cell_fibers`) -> (N,) texts.
    positions: (N, 3) float64, in the file's unit, nan where unknown; None where there are none.
    drive: (N,) float64, the constant b that each neuron receives; initial: (N,) float64, the state it starts from;
    None where what the network comes from says nothing of it.
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
    drive: np.ndarray | None = None
    initial: np.ndarray | None = None

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
        for what, shape in PER_NEURON.items():
            values = getattr(self, what)
            if values is not None and values.shape != (n, *shape):
                raise ValueError(f"{what} must have shape {(n, *shape)}, got {values.shape}")
        for what in ("drive", "initial"):
            if getattr(self, what) is not None and not np.isfinite(getattr(self, what)).all():
                raise ValueError(f"{what} must be finite")

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
    def mixed_neurons(self) -> np.ndarray:
        """Indices of the neurons that have outgoing weights of both signs."""
        plus = np.bincount(self.pre, self.weights > 0, minlength=self.n) > 0
        minus = np.bincount(self.pre, self.weights < 0, minlength=self.n) > 0
        return np.flatnonzero(plus & minus)

    @property
    def mixed(self) -> int:
        """How many neurons have outgoing weights of both signs."""
        return len(self.mixed_neurons)

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

    def with_regions(self, kind: str) -> "Connectome":
        """The same network, its regions being the labels of that kind. Raises ValueError where it has none."""
        if kind not in self.labels:
            raise ValueError(f"{self.name} has no labels {kind!r}; it has {', '.join(self.labels) or 'none'}")
        labels = {**self.labels, "region": self.labels[kind]}
        return dataclasses.replace(self, labels=labels, provenance={**self.provenance, "regions_from": kind})

    def sha256(self) -> str:
        """Checksum of the network itself: edges, weights, names, labels, positions, drive and initial state."""
        digest = hashlib.sha256()
        of_neurons = [getattr(self, what) for what in PER_NEURON]
        for array in (self.post, self.pre, self.weights, *(array for array in of_neurons if array is not None)):
            digest.update(np.ascontiguousarray(array).tobytes())
        for texts in (self.names, *(self.labels[kind] for kind in sorted(self.labels))):
            digest.update("\0".join(texts.tolist()).encode())
        return digest.hexdigest()

    def facts(self) -> dict[str, Any]:
        """What a user wants to know before training on it, as plain values."""
        n, edges = self.n, len(self.weights)
        keys, turned = self.post * n + self.pre, np.sort(self.pre * n + self.post)  # both sorted: a search in order
        mutual = (keys[np.searchsorted(keys, turned).clip(max=edges - 1)] == turned).mean() if edges else 0.0
        signs, mixed = self.signs, self.mixed_neurons
        transmitters = self.labels.get("neurotransmitter")
        shares = np.unique(transmitters, return_counts=True) if transmitters is not None else ((), ())
        return {
            "name": self.name,
            "synthetic": bool(self.provenance.get("synthetic", False)),
            "neurons": n,
            "edges": edges,
            "density": edges / max(1, n * (n - 1)),
            "reciprocity": float(mutual),
            "excitatory": int((signs > 0).sum()),
            "inhibitory": int((signs < 0).sum()),
            "mixed_signs": len(mixed),
            **({"mixed_first": self.names[mixed[:MIXED_SHOWN]].tolist()} if 0 < len(mixed) < n else {}),
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
        **{what: values[kept] for what in PER_NEURON if (values := getattr(connectome, what)) is not None},
        provenance={**connectome.provenance, **notes},
    )
