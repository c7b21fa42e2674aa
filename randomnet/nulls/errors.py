"""A connectome in error: edges that were missed, edges that do not exist, wrong weights and wrong signs.

Every kind of error has draws of its own from the given generator, in an order that its extent does not change. So the
edges lost at .1 are among those lost at .2, and the same edges are lost whatever else is in error. Of a symmetric
matrix both directions of a pair are in error together.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.models import is_symmetric

EXTENTS = {  # kind of error -> what its number says
    "edges_lost": "Fraction of the edges that are missing. Errors of the connectome are drawn anew in every iteration, "
    "after the null model and before normalization (docs/nulls.md).",
    "edges_added": "Edges added between pairs without one, as a fraction of the edges. Each has the "
    "weight of a random edge of its presynaptic neuron.",
    "weight_jitter": "Standard deviation of ln |weight|: every weight is multiplied by a log-normal factor of mean 1.",
    "sign_errors": "Fraction of the neurons with the wrong sign; of the edges, where neurons have both signs or the "
    "matrix is symmetric.",
}  # fmt: skip
FEW_PLACES = 8  # times the number of edges: so many unconnected pairs are listed, of more some are drawn


@dataclasses.dataclass(frozen=True)
class Errors:
    """How far a connectome is in error; 0 is not at all. EXTENTS says what each number means."""

    edges_lost: float = 0.0
    edges_added: float = 0.0
    weight_jitter: float = 0.0
    sign_errors: float = 0.0

    def __iter__(self) -> Iterator[float]:
        """The four numbers."""
        return iter(dataclasses.astuple(self))

    def __bool__(self) -> bool:
        """Whether anything is in error."""
        return any(self)


class _Edges(NamedTuple):
    post: np.ndarray
    pre: np.ndarray
    weights: np.ndarray


def with_errors(connectome: Connectome, errors: Errors, rng: np.random.Generator) -> Connectome:
    """The connectome in error; its provenance has the numbers of edges lost and added, and of signs that are wrong.

    Neurons, labels and positions stay. An added edge has the weight of a random edge of its presynaptic neuron; of a
    neuron without output, of another neuron that is drawn for it. Raises ValueError where too few pairs are
    unconnected.

    >>> import numpy as np
    >>> from randomnet.nulls import Errors, with_errors
    >>> from randomnet.synthetic import random_network
    >>> network = random_network(10, 1, np.random.default_rng(0))
    >>> lesser = with_errors(network, Errors(edges_lost=.1, sign_errors=.5), np.random.default_rng(1))
    >>> len(network.weights), len(lesser.weights), lesser.provenance['edges_of_wrong_sign']
    (90, 81, 45)
    """
    if not errors:
        return connectome
    lost_rng, added_rng, jitter_rng, sign_rng = rng.spawn(4)
    symmetric = is_symmetric(connectome)
    pair, pairs = _pairs(connectome, symmetric)
    of_edges = symmetric or connectome.mixed > 0
    lost = _chosen(errors.edges_lost, pair, lost_rng)
    flipped = _chosen(errors.sign_errors, pair if of_edges else connectome.pre, sign_rng)
    added = _added(connectome, round(errors.edges_added * pairs), symmetric, added_rng)
    if not of_edges:
        added.weights[np.isin(added.pre, connectome.pre[flipped])] *= -1
    values = connectome.weights * _factors(errors.weight_jitter, pairs, jitter_rng)[pair] * np.where(flipped, -1, 1)
    sign_note = f"{'edges' if of_edges else 'neurons'}_of_wrong_sign"
    wrong_signs = flipped.sum() if of_edges else len(np.unique(connectome.pre[flipped]))
    counts = (int(lost.sum()), len(added.weights), errors.weight_jitter, int(wrong_signs))
    noted = zip(("edges_lost", "edges_added", "weight_jitter", sign_note), counts, errors, strict=True)
    return _with_edges(connectome, ~lost, values, added, {note: count for note, count, extent in noted if extent})


def _with_edges(
    connectome: Connectome, remains: np.ndarray, values: np.ndarray, added: _Edges, notes: dict[str, Any]
) -> Connectome:
    """The remaining edges with these values, and the added ones, in the order of a Connectome."""
    edges = (connectome.post, connectome.pre, values)
    post, pre, weights = (np.concatenate([old[remains], new]) for old, new in zip(edges, added, strict=True))
    order = np.lexsort((pre, post))
    return dataclasses.replace(
        connectome,
        post=post[order],
        pre=pre[order],
        weights=weights[order] + 0.0,  # -0 becomes 0
        provenance={**connectome.provenance, **notes},
    )


def _pairs(connectome: Connectome, symmetric: bool) -> tuple[np.ndarray, int]:
    """(E,) the number of what is in error as one, and how many there are: edges, or both directions of a pair."""
    if not symmetric:
        return np.arange(len(connectome.weights)), len(connectome.weights)
    high, low = np.maximum(connectome.post, connectome.pre), np.minimum(connectome.post, connectome.pre)
    keys, pair = np.unique(high * connectome.n + low, return_inverse=True)
    return pair, len(keys)


def _chosen(fraction: float, owner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(E,) whether an edge's owner is among that fraction of the owners, the first ones of a random order."""
    owners, number = np.unique(owner, return_inverse=True)
    return (rng.permutation(len(owners)) < round(fraction * len(owners)))[number]


def _factors(sd: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) log-normal factors of mean 1, so that jitter alone does not strengthen a network."""
    return np.exp(sd * rng.standard_normal(count) - sd**2 / 2)


def _added(connectome: Connectome, count: int, symmetric: bool, rng: np.random.Generator) -> _Edges:
    """Edges between `count` unconnected pairs; of a symmetric matrix in both directions. Raises ValueError."""
    places, givers = rng.spawn(2)
    post, pre = _unconnected(connectome, count, symmetric, places)
    weights = _weights_of(connectome, pre, givers)
    if symmetric:
        post, pre, weights = np.concatenate([post, pre]), np.concatenate([pre, post]), np.tile(weights, 2)
    return _Edges(post, pre, weights)


def _unconnected(
    connectome: Connectome, count: int, symmetric: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(count,) post and pre of random pairs without an edge; of a symmetric matrix with post above pre.

    A place is the number of a pair off the diagonal, in the order of edges; its rank counts unconnected pairs alone.
    """
    n, post, pre = connectome.n, connectome.post, connectome.pre
    if symmetric:
        lower = post > pre
        size, used = n * (n - 1) // 2, post[lower] * (post[lower] - 1) // 2 + pre[lower]
    else:
        other = post != pre
        size, used = n * (n - 1), post[other] * (n - 1) + pre[other] - (pre[other] > post[other])
    unconnected = size - len(used)
    if count > unconnected:
        raise ValueError(f"{count} edges to add need as many unconnected pairs of neurons, got {unconnected}")
    ranks = _distinct(count, unconnected, max(len(used), 1), rng)
    place = ranks + np.searchsorted(used - np.arange(len(used)), ranks, side="right")
    if symmetric:
        row = (1 + np.sqrt(1 + 8 * place.astype(np.float64))).astype(np.int64) // 2
        row -= row * (row - 1) // 2 > place  # of a rounded root
        return row, place - row * (row - 1) // 2
    row, column = np.divmod(place, max(n - 1, 1))
    return row, column + (column >= row)


def _distinct(count: int, size: int, edges: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) different numbers below size, in random order; a larger count of as many edges begins with the same."""
    if size <= FEW_PLACES * edges:
        return rng.permutation(size)[:count]
    drawn = np.zeros(0, np.int64)
    while len(drawn) < count:
        drawn = np.concatenate([drawn, rng.integers(size, size=edges)])
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return drawn[:count]


def _weights_of(connectome: Connectome, pre: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(count,) weights of random edges of these neurons; of another neuron, one for each, where it has no output."""
    counts = np.bincount(connectome.pre, minlength=connectome.n)
    with_output = np.flatnonzero(counts)
    if not len(pre):
        return np.zeros(0)
    others = with_output[rng.integers(len(with_output), size=connectome.n)]
    giver = np.where(counts > 0, np.arange(connectome.n), others)[pre]
    first = np.cumsum(counts) - counts
    edge = first[giver] + (rng.random(len(pre)) * counts[giver]).astype(np.int64)
    return connectome.weights[np.argsort(connectome.pre, kind="stable")][edge]
