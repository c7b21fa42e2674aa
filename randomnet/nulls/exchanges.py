"""Edges that exchange targets at random: uniform over the networks that keep what an exchange keeps."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.placing import dealt, members, placed

TRIES_PER_EDGE = 10  # exchanges tried, as is usual
MOVES_PER_EDGE = 6  # at least, in expectation: one edge in 400 has not moved
MOVES_WITHIN_LENGTHS = 12
MOST_ROUNDS = 2000


def exchanged(connectome: Connectome, region: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal exchange targets within ordered pairs of regions; uniform over what they can reach.

    Each neuron's weights into each region are then dealt anew to its edges into it. A pair of regions that is more
    than half full exchanges its gaps instead, which is the same and finds more room.
    """
    n, regions = connectome.n, int(region.max(initial=0)) + 1
    off = connectome.post != connectome.pre
    old = connectome.post[off] * n + connectome.pre[off]
    pair = region[old // n] * regions + region[old % n]
    sizes = np.bincount(region, minlength=regions)
    places = (np.outer(sizes, sizes) - np.diag(sizes)).ravel()
    full = 2 * np.bincount(pair, minlength=regions**2) > places
    sparse, crowded = old[~full[pair]], old[full[pair]]
    keys = np.concatenate([sparse, _gaps(crowded, full, region)])
    pair = region[keys // n] * regions + region[keys % n]
    counts = np.bincount(pair)
    rounds = _rounds(len(keys), float((counts[pair] / places[pair]).mean()) if len(keys) else 0.0)
    keys = _chain(keys, n, rounds, partial(_drawn_groups, pair, counts), rng)
    new = np.concatenate([keys[: len(sparse)], _gaps(keys[len(sparse) :], full, region)])
    return _redealt(connectome, off, old, new, region, rng, null)


def exchanged_within_lengths(connectome: Connectome, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal exchange targets where that leaves as many edges in each tenth of their lengths."""
    off = connectome.post != connectome.pre
    old = connectome.post[off] * connectome.n + connectome.pre[off]
    assert connectome.positions is not None, "its null is offered for connectomes with positions"
    kind = _lengths(connectome.positions, connectome.post[off], connectome.pre[off])
    draw = partial(_drawn_anywhere, len(old))
    new = _chain(old, connectome.n, _rounds_within_lengths(old, connectome.n, draw, kind, rng), draw, rng, kind)
    found = _redealt(connectome, off, old, new, np.zeros(connectome.n, np.int64), rng, null)
    unknown = int((kind(old // connectome.n, old % connectome.n) < 0).sum())
    moved = float((old != new).mean()) if len(old) else 0.0
    return found.replace(found.weights, edges_moved=moved, edges_without_length=unknown)


def exchanged_undirected(connectome: Connectome, rng: np.random.Generator, null: str) -> Connectome:
    """Undirected edges exchange ends at random, each with its weight; uniform over the simple graphs of these degrees.

    connectome: symmetric. Two edges a-b and c-d become a-d and c-b, or a-c and b-d, each as likely, where neither
    exists: exchanges of two reach every simple graph with the same degrees (Taylor 1981).
    """
    n, lower = connectome.n, connectome.post > connectome.pre
    first, second = connectome.post[lower], connectome.pre[lower]
    pairs = max(n * (n - 1) // 2, 1)
    rounds = _rounds(len(first), len(first) / pairs) if 1 < len(first) < pairs else 0
    for _ in range(rounds):
        first, second = _turned(first, second, rng)
        chosen = _drawn_anywhere(len(first), 2, rng, 0.5)
        proposed = second[chosen[:, ::-1]]
        accepted = _unopposed(_undirected(first, second, n), chosen, _undirected(first[chosen], proposed, n))
        accepted &= (proposed != first[chosen]).all(axis=1)
        second[chosen[accepted]] = proposed[accepted]
    diagonal, weights = connectome.post == connectome.pre, connectome.weights
    post, pre, own = (
        np.concatenate(parts)
        for parts in (
            (first, second, connectome.post[diagonal]),
            (second, first, connectome.pre[diagonal]),
            (weights[lower], weights[lower], weights[diagonal]),
        )
    )
    return placed(connectome, post, pre, own, null)


def _turned(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The ends of undirected edges, about half of them the other way round."""
    turn = rng.random(len(first)) < 0.5
    return np.where(turn, second, first), np.where(turn, first, second)


def _undirected(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Keys of undirected edges: the larger end times N, and the smaller one."""
    return np.maximum(first, second) * n + np.minimum(first, second)


def _redealt(
    connectome: Connectome,
    off: np.ndarray,
    old: np.ndarray,
    new: np.ndarray,
    region: np.ndarray,
    rng: np.random.Generator,
    null: str,
) -> Connectome:
    """With edges of keys `new` for those of keys `old`; each neuron's weights into each region go to those it has."""
    n, regions = connectome.n, int(region.max(initial=0)) + 1
    before, after = (key % n * regions + region[key // n] for key in (old, new))
    post, pre, values = connectome.post.copy(), connectome.pre.copy(), connectome.weights.copy()
    post[off], pre[off], values[off] = new // n, new % n, dealt(values[off], before, after, rng)
    return placed(connectome, post, pre, values, null)


def _gaps(keys: np.ndarray, full: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Keys post * N + pre, off the diagonal, of all places in the `full` pairs of regions that are not among `keys`."""
    n, neurons = len(region), members(region)
    pairs = zip(*np.divmod(np.flatnonzero(full), len(neurons)), strict=True)
    blocks = [(neurons[post][:, None] * n + neurons[pre]).ravel() for post, pre in pairs]
    places = np.concatenate([np.empty(0, np.int64), *blocks])
    return np.setdiff1d(places[places % (n + 1) != 0], keys)  # post * (n + 1) is the diagonal


def _chain(
    keys: np.ndarray,
    n: int,
    rounds: int,
    draw: Callable[[int, np.random.Generator], np.ndarray],
    rng: np.random.Generator,
    kind: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """The keys after many rounds of exchanges, made in batches, among groups of edges that `draw(size, rng)` names.

    A round draws disjoint groups of edges, blind to where they point, and rotates the targets of each group whose old
    and new edges are no self-connections and no edges or proposals of anything else, and where kind(post, pre) is
    given, are as many of each kind. That condition is the same before and after, so every step is as likely as its
    reverse and the uniform distribution stays. Groups of three can reverse a cycle a -> b -> c -> a, which no exchange
    of two can.
    """
    if len(keys) < 2:
        return keys
    post, pre = keys // n, keys % n
    kinds = kind(post, pre) if kind else None
    for number in range(rounds):
        chosen, proposed = _proposals(post, pre, draw(3 if number % 4 == 3 else 2, rng), kinds, kind)
        accepted = _unopposed(post * n + pre, chosen, proposed * n + pre[chosen])
        accepted &= (proposed != pre[chosen]).all(axis=1)
        chosen = chosen[accepted]
        post[chosen] = proposed[accepted]
        if kind and kinds is not None:
            kinds[chosen] = kind(post[chosen], pre[chosen])
    return post * n + pre


def _unopposed(keys: np.ndarray, chosen: np.ndarray, proposals: np.ndarray) -> np.ndarray:
    """(groups,) whether the old and the new edges of a group are no edges or proposals of anything else."""
    flat, edges = proposals.ravel(), np.sort(keys)
    order = np.argsort(flat)
    found = flat[order]
    free = ~_within(found, edges)
    repeated = found[1:] == found[:-1]
    twice = np.append(repeated, False) | np.insert(repeated, 0, False)
    alone = np.empty(len(flat), bool)
    alone[order] = free & ~twice
    return np.asarray(alone.reshape(chosen.shape).all(axis=1) & ~_within(keys[chosen], found[~free]).any(axis=1))


def _within(some: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Which of `some` are in the sorted array `of`."""
    if not len(of):
        return np.zeros(some.shape, bool)
    return of[np.searchsorted(of, some).clip(max=len(of) - 1)] == some


def _proposals(
    post: np.ndarray,
    pre: np.ndarray,
    chosen: np.ndarray,
    kinds: np.ndarray | None,
    kind: Callable[[np.ndarray, np.ndarray], np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The groups whose rotation keeps the number of edges of each kind, now `kinds`; and their targets when rotated."""
    proposed = post[chosen[:, [*range(1, chosen.shape[1]), 0]]]
    if kind is None or kinds is None:
        return chosen, proposed
    before, after = np.sort(kinds[chosen], axis=1), np.sort(kind(proposed, pre[chosen]), axis=1)
    same = (before == after).all(axis=1)
    return chosen[same], proposed[same]


def _lengths(
    positions: np.ndarray, post: np.ndarray, pre: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """kind(post, pre) -> the tenth of the edges' lengths in which a pair's distance lies, 10 where it is longer than
    all, -1 where it is unknown."""
    low, high = np.nanmin(positions, axis=0), np.nanmax(positions, axis=0)
    extent = max((high - low).max(), np.finfo(float).tiny)
    rows = ((positions - low) / extent).astype(np.float32)  # whatever the unit, squares neither overflow nor vanish

    def squares(post: np.ndarray, pre: np.ndarray) -> np.ndarray:
        apart = rows.take(post, axis=0) - rows.take(pre, axis=0)
        return np.einsum("...i,...i->...", apart, apart)

    found = squares(post, pre)
    known = found[~np.isnan(found)]
    limits = np.quantile(known, np.arange(1, 11) / 10).astype(np.float32) if len(known) else np.empty(0, np.float32)

    def kind(post: np.ndarray, pre: np.ndarray) -> np.ndarray:
        between = squares(post, pre)
        tenth = np.where(np.isnan(between), -1, 0).astype(np.int8)
        for limit in limits:
            tenth += between > limit
        return tenth

    return kind


def _rounds_within_lengths(
    keys: np.ndarray,
    n: int,
    draw: Callable[[int, np.random.Generator], np.ndarray],
    kind: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> int:
    """Rounds in which an edge moves 12 times in expectation, as it must to forget where it came from; at most 2000."""
    post, pre = keys // n, keys % n
    drawn = [draw(2, rng) for _ in range(8)]
    kept = sum(len(_proposals(post, pre, chosen, kind(post, pre), kind)[0]) for chosen in drawn)
    accepted = (kept + 1) / (sum(map(len, drawn)) + 1) * _free(len(keys) / max(n * (n - 1), 1))
    return min(MOST_ROUNDS, math.ceil(max(MOVES_WITHIN_LENGTHS / accepted, min(100, 10**6 // max(len(keys), 1)))))


def _rounds(edges: int, density: float) -> int:
    """Rounds for 10 tries per edge, a quarter of one in each; more where density refuses so many that an edge would
    move fewer than 6 times in expectation, or the network is small."""
    moves = 2 * MOVES_PER_EDGE / _free(density)
    return max(4 * TRIES_PER_EDGE, math.ceil(moves), min(100, 10**6 // max(edges, 1)))


def _free(density: float) -> float:
    """About the share of exchanges that meet no other edge."""
    return max((1 - density) ** 2 * (1 - density / 2) ** 4, 1e-3)


def _drawn_groups(pair: np.ndarray, counts: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(groups, size) edges, random and disjoint, each group within one of the pairs that occur `counts` times; about
    half of all edges."""
    order = rng.permutation(len(pair))
    order = order[np.argsort(_narrow(pair)[order], kind="stable")]
    rank = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    groups = order[rank < np.repeat(counts - counts % size, counts)].reshape(-1, size)
    return groups[rng.random(len(groups)) < 0.5]


def _narrow(classes: np.ndarray) -> np.ndarray:
    """In 16 bits where they fit, which are sorted much faster."""
    return classes.astype(np.int16) if classes.max(initial=0) < 2**15 else classes


def _drawn_anywhere(edges: int, size: int, rng: np.random.Generator, share: float = 0.9) -> np.ndarray:
    """(groups, size) edges, random and disjoint; about that share of all."""
    groups = rng.permutation(np.arange(edges, dtype=np.int32))[: edges - edges % size].reshape(-1, size)
    return groups[rng.random(len(groups)) < share]
