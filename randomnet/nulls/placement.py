"""New places for edges, and new edges for weights; each result is a Connectome that records its null model."""

import dataclasses

import numpy as np

from randomnet.connectome import Connectome


def with_edges(connectome: Connectome, post: np.ndarray, pre: np.ndarray, weights: np.ndarray, null: str) -> Connectome:
    """The same neurons with other edges; post, pre, weights: (E,), in any order."""
    order = np.lexsort((pre, post))
    return dataclasses.replace(
        connectome,
        post=post[order],
        pre=pre[order],
        weights=weights[order],
        provenance={**connectome.provenance, "null": null},
    )


def permute_within_classes(
    weights: np.ndarray, classes: np.ndarray, new_classes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(E,) the weights in random order, each at an edge of its own class.

    classes: (E,) class of each weight. new_classes: (E,) class of each edge; it has as many of each class.
    """
    permuted = np.empty_like(weights)
    permuted[np.argsort(new_classes, kind="stable")] = weights[np.lexsort((rng.random(len(classes)), classes))]
    return permuted


def scatter_edges(connectome: Connectome, group: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal, with their weights, placed uniformly within their ordered pair of groups; group: (N,)."""
    post, pre = connectome.post.copy(), connectome.pre.copy()
    off_diagonal = np.flatnonzero(post != pre)
    members = members_of_groups(group)
    pair = group[post[off_diagonal]] * len(members) + group[pre[off_diagonal]]
    order = off_diagonal[np.argsort(pair, kind="stable")]
    pairs, counts = np.unique(pair, return_counts=True)
    for number, edges in zip(pairs, np.split(order, np.cumsum(counts)[:-1]), strict=False):
        rows, columns = members[number // len(members)], members[number % len(members)]
        is_within = rows is columns
        places = len(rows) * (len(columns) - is_within)
        row, column = np.divmod(rng.choice(places, size=len(edges), replace=False), len(columns) - is_within)
        post[edges], pre[edges] = rows[row], columns[column + (is_within & (column >= row))]  # skips the diagonal
    return with_edges(connectome, post, pre, connectome.weights, null)


def members_of_groups(group: np.ndarray) -> list[np.ndarray]:
    """The neurons of each group; group: (N,) numbers from 0."""
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
