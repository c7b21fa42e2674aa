"""Null models: random networks that keep some properties of a connectome, each named for what it does.

Both keep neurons, labels and self-connections where they are. A symmetric matrix stays symmetric: its lower triangle
is drawn and mirrored. Source: bio_rnn_mem (`random_w` and its second mode).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome


def shuffled(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All entries off the diagonal permuted uniformly, zeros included: edges go anywhere."""
    n, post, pre = connectome.n, connectome.post, connectome.pre
    if _symmetric(connectome):
        lower, diagonal = post > pre, post == pre
        some = rng.choice(n * (n - 1) // 2, size=int(lower.sum()), replace=False)
        row, column = (side[some] for side in np.tril_indices(n, -1))
        weights = connectome.weights[lower]
        return _placed(
            connectome,
            np.concatenate([row, column, post[diagonal]]),
            np.concatenate([column, row, pre[diagonal]]),
            np.concatenate([weights, weights, connectome.weights[diagonal]]),
        )
    off = post != pre
    row, column = np.divmod(rng.choice(n * (n - 1), size=int(off.sum()), replace=False), n - 1)
    new_post, new_pre = post.copy(), pre.copy()
    new_post[off], new_pre[off] = row, column + (column >= row)
    return _placed(connectome, new_post, new_pre, connectome.weights)


def weights_shuffled(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges that exist."""
    n, post, pre, weights = connectome.n, connectome.post, connectome.pre, connectome.weights.copy()
    if _symmetric(connectome):
        lower = np.flatnonzero(post > pre)
        mirrored = np.searchsorted(post * n + pre, pre[lower] * n + post[lower])
        weights[lower] = weights[mirrored] = rng.permutation(weights[lower])
    else:
        off = post != pre
        weights[off] = rng.permutation(weights[off])
    return connectome.replace(weights, null="weights_shuffled")


@dataclass(frozen=True)
class Null:
    """A null model: how it is drawn, and what it keeps of the connectome. All else is random."""

    draw: Callable[[Connectome, np.random.Generator], Connectome]
    keeps: tuple[str, ...]


NULLS: dict[str, Null] = {
    "shuffled": Null(shuffled, ("number of edges", "weights", "self-connections", "symmetry")),
    "weights_shuffled": Null(
        weights_shuffled, ("number of edges", "weights", "self-connections", "symmetry", "edges", "degrees")
    ),
}


def _symmetric(connectome: Connectome) -> bool:
    """Whether every edge is answered by one of exactly the same weight."""
    keys, answers = connectome.post * connectome.n + connectome.pre, connectome.pre * connectome.n + connectome.post
    order = np.argsort(answers)
    return bool((answers[order] == keys).all() and (connectome.weights[order] == connectome.weights).all())


def _placed(connectome: Connectome, post: np.ndarray, pre: np.ndarray, weights: np.ndarray) -> Connectome:
    order = np.lexsort((pre, post))
    return dataclasses.replace(
        connectome,
        post=post[order],
        pre=pre[order],
        weights=weights[order],
        provenance={**connectome.provenance, "null": "shuffled"},
    )
