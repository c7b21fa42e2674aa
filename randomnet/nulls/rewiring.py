"""Random rewiring: edges exchange targets, uniformly over all networks with the properties that an exchange preserves.

An edge off the diagonal has the key post * N + pre.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.placement import members_of_groups, permute_within_classes, with_edges

TRIES_PER_EDGE = 10  # the usual number of attempted exchanges
MOVES_PER_EDGE = 6  # expected at least; one edge in 400 then has not moved
MOVES_WITHIN_LENGTHS = 12
MOST_PLACES = 16  # for each edge, of networks with a table of all places
MOST_ROUNDS = 2000

Draw = Callable[[int, np.random.Generator], np.ndarray]  # (edges in a group, generator) -> (groups, size) edges
ClassOf = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (post, pre) -> class of each pair of neurons


def exchange_targets(connectome: Connectome, region: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal exchange targets within ordered pairs of regions; uniform over what they can reach.

    region: (N,). Each neuron's weights into each region are then permuted over its edges into that region. Where more
    than half of the places in a pair of regions are edges, the empty places are exchanged instead. The result has the
    same distribution, and more exchanges are possible.
    """
    n, regions = connectome.n, int(region.max(initial=0)) + 1
    off_diagonal = connectome.post != connectome.pre
    old = connectome.post[off_diagonal] * n + connectome.pre[off_diagonal]
    pair = region[old // n] * regions + region[old % n]
    sizes = np.bincount(region, minlength=regions)
    places = (np.outer(sizes, sizes) - np.diag(sizes)).ravel()
    is_full = 2 * np.bincount(pair, minlength=regions**2) > places
    sparse, crowded = old[~is_full[pair]], old[is_full[pair]]
    keys = np.concatenate([sparse, _empty_places(crowded, is_full, region)])
    pair = region[keys // n] * regions + region[keys % n]
    counts = np.bincount(pair)
    rounds = _rounds(len(keys), float((counts[pair] / places[pair]).mean()) if len(keys) else 0.0)
    keys = _exchange(keys, n, rounds, partial(_draw_within_pairs, pair, counts), rng)
    new = np.concatenate([keys[: len(sparse)], _empty_places(keys[len(sparse) :], is_full, region)])
    return _with_new_targets(connectome, off_diagonal, old, new, region, rng, null)


def exchange_targets_within_lengths(connectome: Connectome, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal exchange targets where that preserves the number of edges in each tenth of lengths."""
    n, off_diagonal = connectome.n, connectome.post != connectome.pre
    old = connectome.post[off_diagonal] * n + connectome.pre[off_diagonal]
    assert connectome.positions is not None, "null distance refuses a connectome without positions"
    tenth_of = _tenths_of_lengths(connectome.positions, connectome.post[off_diagonal], connectome.pre[off_diagonal])
    draw = partial(_draw_anywhere, len(old))
    new = _exchange(old, n, _rounds_within_lengths(old, n, draw, tenth_of, rng), draw, rng, tenth_of)
    rewired = _with_new_targets(connectome, off_diagonal, old, new, np.zeros(n, np.int64), rng, null)
    unknown = int((tenth_of(old // n, old % n) < 0).sum())
    moved = float((old != new).mean()) if len(old) else 0.0
    return rewired.replace(rewired.weights, edges_moved=moved, edges_without_length=unknown)


def exchange_ends(connectome: Connectome, rng: np.random.Generator, null: str) -> Connectome:
    """Undirected edges exchange ends, each with its weight; uniform over the simple graphs with the same degrees.

    connectome: symmetric. Two edges a-b and c-d become a-d and c-b, or a-c and b-d, with equal probability, where
    neither exists. Exchanges of two edges reach every simple graph with the same degrees (Taylor 1981).
    """
    n, lower = connectome.n, connectome.post > connectome.pre
    first, second = connectome.post[lower], connectome.pre[lower]
    pairs = max(n * (n - 1) // 2, 1)
    rounds = _rounds(len(first), len(first) / pairs) if 1 < len(first) < pairs else 0
    for _ in range(rounds):
        first, second = _swap_ends(first, second, rng)
        groups = _draw_anywhere(len(first), 2, rng, 0.5)
        proposals = second[groups[:, ::-1]]
        accepted = _are_free(
            _undirected_keys(first, second, n), groups, _undirected_keys(first[groups], proposals, n)
        )
        accepted &= (proposals != first[groups]).all(axis=1)
        second[groups[accepted]] = proposals[accepted]
    diagonal, weights = connectome.post == connectome.pre, connectome.weights
    post, pre, weights = (
        np.concatenate(parts)
        for parts in (
            (first, second, connectome.post[diagonal]),
            (second, first, connectome.pre[diagonal]),
            (weights[lower], weights[lower], weights[diagonal]),
        )
    )
    return with_edges(connectome, post, pre, weights, null)


def _swap_ends(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of undirected edges; those of about half of the edges are swapped."""
    is_swapped = rng.random(len(first)) < 0.5
    return np.where(is_swapped, second, first), np.where(is_swapped, first, second)


def _undirected_keys(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Keys of undirected edges: the larger end times N, plus the smaller one."""
    return np.maximum(first, second) * n + np.minimum(first, second)


def _with_new_targets(
    connectome: Connectome,
    off_diagonal: np.ndarray,
    old: np.ndarray,
    new: np.ndarray,
    region: np.ndarray,
    rng: np.random.Generator,
    null: str,
) -> Connectome:
    """The connectome with keys `new` in place of `old`; each neuron's weights into a region stay into that region."""
    n, regions = connectome.n, int(region.max(initial=0)) + 1
    old_classes, new_classes = (key % n * regions + region[key // n] for key in (old, new))
    post, pre, weights = connectome.post.copy(), connectome.pre.copy(), connectome.weights.copy()
    post[off_diagonal], pre[off_diagonal] = new // n, new % n
    weights[off_diagonal] = permute_within_classes(weights[off_diagonal], old_classes, new_classes, rng)
    return with_edges(connectome, post, pre, weights, null)


def _empty_places(keys: np.ndarray, is_full: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Keys of all places off the diagonal, in pairs of regions that are `is_full`, which are not among `keys`."""
    n, members = len(region), members_of_groups(region)
    pairs = zip(*np.divmod(np.flatnonzero(is_full), len(members)), strict=True)
    blocks = [(members[post][:, None] * n + members[pre]).ravel() for post, pre in pairs]
    places = np.concatenate([np.empty(0, np.int64), *blocks])
    return np.setdiff1d(places[places % (n + 1) != 0], keys)  # post * (n + 1) is the diagonal


def _exchange(
    keys: np.ndarray, n: int, rounds: int, draw: Draw, rng: np.random.Generator, class_of: ClassOf | None = None
) -> np.ndarray:
    """The keys after many rounds of exchanges, each round a batch of groups of edges from `draw`.

    The groups of a round are disjoint and drawn independently of the targets. The targets of a group are rotated under
    three conditions. The new edges are no self-connections. Neither old nor new edges coincide with other edges or
    proposals. The number of edges of each class is preserved. These conditions are the same before and after a step, so
    every step is as likely as its reverse, and the uniform distribution is stationary. Groups of three can reverse a
    cycle a -> b -> c -> a, which exchanges of two cannot.
    """
    if len(keys) < 2:
        return keys
    post, pre = keys // n, keys % n
    classes = class_of(post, pre) if class_of else None
    are_free = partial(_are_free_places, n * n) if n * n <= MOST_PLACES * len(keys) else _are_free
    for number in range(rounds):
        groups, proposals = _proposals(post, pre, draw(3 if number % 4 == 3 else 2, rng), classes, class_of)
        accepted = are_free(post * n + pre, groups, proposals * n + pre[groups])
        accepted &= (proposals != pre[groups]).all(axis=1)
        groups = groups[accepted]
        post[groups] = proposals[accepted]
        if class_of and classes is not None:
            classes[groups] = class_of(post[groups], pre[groups])
    return post * n + pre


def _are_free(keys: np.ndarray, groups: np.ndarray, proposals: np.ndarray) -> np.ndarray:
    """(groups,) whether the old and the new edges of a group coincide with no other edge and no other proposal."""
    flat, edges = proposals.ravel(), np.sort(keys)
    order = np.argsort(flat)
    ascending = flat[order]
    is_new = ~_contains(edges, ascending)
    repeated = ascending[1:] == ascending[:-1]
    is_duplicate = np.append(repeated, False) | np.insert(repeated, 0, False)
    is_single = np.empty(len(flat), bool)
    is_single[order] = is_new & ~is_duplicate
    is_proposed = _contains(ascending[~is_new], keys[groups])
    return np.asarray(is_single.reshape(groups.shape).all(axis=1) & ~is_proposed.any(axis=1))


def _are_free_places(places: int, keys: np.ndarray, groups: np.ndarray, proposals: np.ndarray) -> np.ndarray:
    """The same by tables of all places, which takes a quarter of the time where they are few."""
    is_edge, is_proposed = np.zeros((2, places), bool)
    is_edge[keys] = True
    is_taken = is_edge[proposals]
    is_proposed[proposals[is_taken]] = True
    count = np.bincount(proposals.ravel(), minlength=places)
    is_single = ~is_taken & (count[proposals] == 1)
    return np.asarray(is_single.all(axis=1) & ~is_proposed[keys[groups]].any(axis=1))


def _contains(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which of `values` are in the sorted array `ascending`."""
    if not len(ascending):
        return np.zeros(values.shape, bool)
    return ascending[np.searchsorted(ascending, values).clip(max=len(ascending) - 1)] == values


def _proposals(
    post: np.ndarray, pre: np.ndarray, groups: np.ndarray, classes: np.ndarray | None, class_of: ClassOf | None
) -> tuple[np.ndarray, np.ndarray]:
    """The groups whose rotation preserves the number of edges of each class, and their targets when rotated."""
    proposals = post[groups[:, [*range(1, groups.shape[1]), 0]]]
    if class_of is None or classes is None:
        return groups, proposals
    before, after = np.sort(classes[groups], axis=1), np.sort(class_of(proposals, pre[groups]), axis=1)
    is_preserved = (before == after).all(axis=1)
    return groups[is_preserved], proposals[is_preserved]


def _tenths_of_lengths(positions: np.ndarray, post: np.ndarray, pre: np.ndarray) -> ClassOf:
    """A function (post, pre) -> the tenth of the edges' lengths in which the distance of a pair lies.

    The result is 10 for distances above all lengths, and -1 where a position is unknown.
    """
    low, high = np.nanmin(positions, axis=0), np.nanmax(positions, axis=0)
    extent = max((high - low).max(), np.finfo(float).tiny)
    rows = ((positions - low) / extent).astype(np.float32)  # whatever the unit, squares neither overflow nor vanish

    def squared_distances(post: np.ndarray, pre: np.ndarray) -> np.ndarray:
        differences = rows.take(post, axis=0) - rows.take(pre, axis=0)
        return np.einsum("...i,...i->...", differences, differences)

    lengths = squared_distances(post, pre)
    known = lengths[~np.isnan(lengths)]
    limits = np.quantile(known, np.arange(1, 11) / 10).astype(np.float32) if len(known) else np.empty(0, np.float32)

    def tenth_of(post: np.ndarray, pre: np.ndarray) -> np.ndarray:
        distances = squared_distances(post, pre)
        tenth = np.where(np.isnan(distances), -1, 0).astype(np.int8)
        for limit in limits:
            tenth += distances > limit
        return tenth

    return tenth_of


def _rounds_within_lengths(
    keys: np.ndarray, n: int, draw: Draw, class_of: ClassOf, rng: np.random.Generator
) -> int:
    """Rounds in which an edge is expected to move 12 times; at most 2000.

    So many moves are needed until an edge's place is independent of where it was.
    """
    post, pre = keys // n, keys % n
    samples = [draw(2, rng) for _ in range(8)]
    possible = sum(len(_proposals(post, pre, groups, class_of(post, pre), class_of)[0]) for groups in samples)
    accepted = (possible + 1) / (sum(map(len, samples)) + 1) * _share_accepted(len(keys) / max(n * (n - 1), 1))
    return min(MOST_ROUNDS, math.ceil(max(MOVES_WITHIN_LENGTHS / accepted, min(100, 10**6 // max(len(keys), 1)))))


def _rounds(edges: int, density: float) -> int:
    """Rounds for 10 tries per edge, a quarter of one in each round.

    There are more rounds in small networks, and at densities that refuse so many exchanges that an edge would be
    expected to move fewer than 6 times.
    """
    moves = 2 * MOVES_PER_EDGE / _share_accepted(density)
    return max(4 * TRIES_PER_EDGE, math.ceil(moves), min(100, 10**6 // max(edges, 1)))


def _share_accepted(density: float) -> float:
    """About the share of exchanges whose new edges coincide with no other edge."""
    return max((1 - density) ** 2 * (1 - density / 2) ** 4, 1e-3)


def _draw_within_pairs(pair: np.ndarray, counts: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(groups, size) edges, about half of all, in random disjoint groups that lie within one pair of regions each.

    pair: (E,) the pair of each edge. counts: how many edges each pair has.
    """
    order = rng.permutation(len(pair))
    order = order[np.argsort(_narrowed(pair)[order], kind="stable")]
    rank = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    groups = order[rank < np.repeat(counts - counts % size, counts)].reshape(-1, size)
    return groups[rng.random(len(groups)) < 0.5]


def _narrowed(numbers: np.ndarray) -> np.ndarray:
    """The numbers in 16 bits where they fit, because NumPy sorts these much faster."""
    return numbers.astype(np.int16) if numbers.max(initial=0) < 2**15 else numbers


def _draw_anywhere(edges: int, size: int, rng: np.random.Generator, share: float = 0.9) -> np.ndarray:
    """(groups, size) edges, about that share of all, in random disjoint groups."""
    groups = rng.permutation(np.arange(edges, dtype=np.int32))[: edges - edges % size].reshape(-1, size)
    return groups[rng.random(len(groups)) < share]
