"""Edges put into new places, or weights dealt to edges: back to a Connectome that records its null."""

import dataclasses

import numpy as np

from randomnet.connectome import Connectome


def placed(connectome: Connectome, post: np.ndarray, pre: np.ndarray, weights: np.ndarray, null: str) -> Connectome:
    """Other edges (E,), in any order, among the same neurons."""
    order = np.lexsort((pre, post))
    return dataclasses.replace(
        connectome,
        post=post[order],
        pre=pre[order],
        weights=weights[order],
        provenance={**connectome.provenance, "null": null},
    )


def dealt(weights: np.ndarray, of: np.ndarray, to: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The weights, of edges of classes `of`, in random order to edges of classes `to`, which has as many of each."""
    found = np.empty_like(weights)
    found[np.argsort(to, kind="stable")] = weights[np.lexsort((rng.random(len(of)), of))]
    return found


def scattered(connectome: Connectome, group: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal, with their weights, placed uniformly within their ordered pair of groups."""
    post, pre = connectome.post.copy(), connectome.pre.copy()
    off = np.flatnonzero(post != pre)
    by_group = members(group)
    pair = group[post[off]] * len(by_group) + group[pre[off]]
    order = off[np.argsort(pair, kind="stable")]
    pairs, counts = np.unique(pair, return_counts=True)
    for number, edges in zip(pairs, np.split(order, np.cumsum(counts)[:-1]), strict=False):
        rows, columns = by_group[number // len(by_group)], by_group[number % len(by_group)]
        within = rows is columns
        places = len(rows) * (len(columns) - within)
        row, column = np.divmod(rng.choice(places, size=len(edges), replace=False), len(columns) - within)
        post[edges], pre[edges] = rows[row], columns[column + (within & (column >= row))]
    return placed(connectome, post, pre, connectome.weights, null)


def members(group: np.ndarray) -> list[np.ndarray]:
    """The neurons of each group."""
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
