"""The `Connectome` record.

Weights are `J[post, pre]`, stored as a list of edges. An edge exists because it is listed, whatever its weight, so
rounding cannot remove one. Signs belong to the presynaptic neuron.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.display import Brief

MOST_MIXED_NAMES = 5  # of neurons with outgoing weights of both signs
PART = 1 << 20  # edges

PER_NEURON = {"positions": (3,), "drive": (), "initial": ()}  # optional array -> its shape after (N,)


@dataclass(frozen=True, eq=False, repr=False)
class Connectome(Brief):
    """A signed, directed, weighted network.

    post, pre: (E,) int64, sorted by post, then pre, without duplicates. weights: (E,) float64, signed.
    names: (N,) texts. labels: kind of label (`neurotransmitter`, `cell_fibers`) -> (N,) texts.
    positions: (N, 3) float64 in the file's unit, nan where unknown; None without positions.
    drive: (N,) float64, the constant input b of each neuron; initial: (N,) float64, its initial state; None where the
    source does not define them.
    provenance: source, files with sha256, and what was done to the network, such as scalings with their residuals.
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
        keys = _keys(self.post, self.pre, n)
        if (keys[1:] <= keys[:-1]).any():
            raise ValueError("edges must be sorted by post, then pre, without duplicates")
        for kind, labels in self.labels.items():
            if labels.shape != (n,):
                raise ValueError(f"labels[{kind!r}] must have shape ({n},), got {labels.shape}")
        for name, shape in PER_NEURON.items():
            values = getattr(self, name)
            if values is not None and values.shape != (n, *shape):
                raise ValueError(f"{name} must have shape {(n, *shape)}, got {values.shape}")
        for name in ("drive", "initial"):
            if getattr(self, name) is not None and not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} must be finite")

    @property
    def n(self) -> int:
        """Number of neurons N."""
        return len(self.names)

    @property
    def signs(self) -> np.ndarray:
        """(N,) int8: the sign of each neuron's outgoing weights; 0 where it has none, or both signs."""
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
        """The number of neurons that have outgoing weights of both signs."""
        return len(self.mixed_neurons)

    def dense(self) -> np.ndarray:
        """J[post, pre], (N, N) float64."""
        matrix = np.zeros((self.n, self.n))
        matrix[self.post, self.pre] = self.weights
        return matrix

    def groups(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """(N,) group index of every neuron and the group labels in sorted order; `neuron`: each is its own group.

        Raises ValueError where the connectome has no such labels.
        """
        if kind == "neuron":
            return np.arange(self.n), self.names
        if kind not in self.labels:
            raise ValueError(f"{self.name} has no labels {kind!r}; it has {', '.join(['neuron', *self.labels])}")
        labels, index = np.unique(self.labels[kind], return_inverse=True)
        return index, labels

    def with_regions(self, kind: str) -> "Connectome":
        """The same network with the labels of that kind as its regions. Raises ValueError where it has none."""
        if kind not in self.labels:
            raise ValueError(f"{self.name} has no labels {kind!r}; it has {', '.join(self.labels) or 'none'}")
        labels = {**self.labels, "region": self.labels[kind]}
        return dataclasses.replace(self, labels=labels, provenance={**self.provenance, "regions_from": kind})

    def sha256(self) -> str:
        """Checksum of the network itself: edges, weights, names, labels, positions, drive and initial state."""
        digest = hashlib.sha256()
        optional = [getattr(self, name) for name in PER_NEURON]
        for array in (self.post, self.pre, self.weights, *(array for array in optional if array is not None)):
            digest.update(np.ascontiguousarray(array).data)
        for texts in (self.names, *(self.labels[kind] for kind in sorted(self.labels))):
            digest.update("\0".join(texts.tolist()).encode())
        return digest.hexdigest()

    def facts(self) -> dict[str, Any]:
        """Facts to know before training on the network, as plain values, with the provenance."""
        n, edges = self.n, len(self.weights)
        signs, mixed = self.signs, self.mixed_neurons
        transmitters = self.labels.get("neurotransmitter")
        shares = np.unique(transmitters, return_counts=True) if transmitters is not None else ((), ())
        return {
            "name": self.name,
            "synthetic": bool(self.provenance.get("synthetic", False)),
            "neurons": n,
            "edges": edges,
            "density": edges / max(1, n * (n - 1)),
            "reciprocity": self._reciprocity(),
            "excitatory": int((signs > 0).sum()),
            "inhibitory": int((signs < 0).sum()),
            "mixed_signs": len(mixed),
            **({"mixed_first": self.names[mixed[:MOST_MIXED_NAMES]].tolist()} if 0 < len(mixed) < n else {}),
            "transmitters": {str(name): int(count) for name, count in zip(*shares, strict=True)},
            "sha256": self.sha256(),
            **self.provenance,
        }

    def _reciprocity(self) -> float:
        """The share of edges that have a reverse edge."""
        keys, reverse = _keys(self.post, self.pre, self.n), _keys(self.pre, self.post, self.n)
        reverse.sort()  # as searches are faster
        found = 0
        for start in range(0, len(keys), PART):  # without further arrays of the size of the edges
            part = reverse[start : start + PART]
            found += int((keys[np.searchsorted(keys, part).clip(max=len(keys) - 1)] == part).sum())
        return found / len(keys) if len(keys) else 0.0

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the network to a new .npz, .parquet, .csv or .graphml file, and return the paths; see `saving.save`."""
        from randomnet.connectome.saving import save  # which needs this record

        return save(self, path)

    def replace(self, weights: np.ndarray, **notes: Any) -> "Connectome":
        """The same edges with other weights; `notes` are added to the provenance."""
        return dataclasses.replace(self, weights=weights, provenance={**self.provenance, **notes})


def _keys(rows: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray:
    """(E,) int64 row * n + column, without a temporary array of that size."""
    keys = np.multiply(rows, n, dtype=np.int64)
    keys += columns
    return keys


def from_dense(
    name: str,
    matrix: np.ndarray,
    names: np.ndarray,
    labels: Mapping[str, np.ndarray] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Connectome:
    """The Connectome of a square matrix J[post, pre], in which every non-zero entry is an edge."""
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


def subset(connectome: Connectome, mask: np.ndarray, **notes: Any) -> Connectome:
    """The neurons of the mask, (N,) bool, with the edges among them; `notes` are added to the provenance."""
    index = np.cumsum(mask) - 1
    edges = mask[connectome.post] & mask[connectome.pre]
    return dataclasses.replace(
        connectome,
        post=index[connectome.post[edges]],
        pre=index[connectome.pre[edges]],
        weights=connectome.weights[edges],
        names=connectome.names[mask],
        labels={kind: labels[mask] for kind, labels in connectome.labels.items()},
        **{name: values[mask] for name in PER_NEURON if (values := getattr(connectome, name)) is not None},
        provenance={**connectome.provenance, **notes},
    )
