"""Null models: random networks that keep some properties of a connectome, each named for what it keeps or draws.

| name          | what is random                               | what is kept                                       |
|---------------|----------------------------------------------|----------------------------------------------------|
| degree        | targets of edges, which edges exchange       | in- and out-degrees, each neuron's out-weights     |
| boundary      | the same within each pair of regions         | the same from and to each region                   |
| group         | places of edges, within each pair of groups  | weights (how many, which) between every two groups |
| erdos         | places of edges: Erdos-Renyi G(N, E)         | weights (how many, which)                          |
| random_w      | as erdos; one triangle if symmetric          | weights, symmetry                                  |
| weights       | which edge has which weight                  | edges, weights, symmetry                           |
| weights_sign  | the same within each sign                    | edges with their signs, weights                    |
| weights_group | the same within sign and pair of groups      | edges with their signs, weights between groups     |
| sign          | which neuron has which sign                  | edges with their magnitudes, neurons of each sign  |
| gaussian      | weights between all pairs, normal            | mean and variance (of all entries), in expectation |
| dense         | nothing: all pairs are edges, equally strong | signs of neurons, mean magnitude of an edge        |
| transposed    | nothing: every edge is reversed              | weights, symmetry, reciprocity, eigenvalues        |

All keep neurons and labels, and self-connections in their places with their weights (only `sign` may turn these). An
edge of weight 0 is an edge. Groups are the first of cell_fibers, neurotransmitter and region by which neurons share a
group. Where a neuron has weights of both signs, `sign` permutes those of edges, and `dense` takes the majority's.
There is no `distance`, as connectomes have no positions.

Sources: degree: Maslov & Sneppen 2002, with the exchange of three that digraphs need (Rao, Jana & Bandyopadhyay 1996);
weights: Rubinov & Sporns 2011; random_w, and weights of symmetric matrices: bio_rnn_mem (Goulas et al.).
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome

GROUP_KINDS = ("cell_fibers", "neurotransmitter", "region")
TRIES_PER_EDGE = 10  # exchanges tried, as is usual
MOVES_PER_EDGE = 6  # at least, in expectation: one edge in 400 has not moved
LARGEST_DENSE = 20_000  # neurons; 4e8 edges, about 10 GB


def degree(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges exchange targets at random; uniform over the simple digraphs with these in- and out-degrees."""
    return _exchanged(connectome, np.zeros(connectome.n, np.int64), rng, "degree")


def boundary(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges from one region to one region exchange targets: every neuron keeps its degrees from and to each region."""
    return _exchanged(connectome, _groups(connectome, ("region",), "boundary"), rng, "boundary")


def group(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges placed uniformly within their ordered pair of groups, their weights with them in random order."""
    return _scattered(connectome, _groups(connectome, GROUP_KINDS, "group"), rng, "group")


def erdos(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All entries off the diagonal permuted uniformly, zeros included: edges go anywhere."""
    return _scattered(connectome, np.zeros(connectome.n, np.int64), rng, "erdos")


def shuffled(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """`random_w`: all entries off the diagonal permuted uniformly; of a symmetric matrix one triangle, mirrored."""
    if not _symmetric(connectome):
        return _scattered(connectome, np.zeros(connectome.n, np.int64), rng, "random_w")
    n, post, pre = connectome.n, connectome.post, connectome.pre
    lower, diagonal = post > pre, post == pre
    some = rng.choice(n * (n - 1) // 2, size=int(lower.sum()), replace=False)
    row, column = (side[some] for side in np.tril_indices(n, -1))
    weights = connectome.weights[lower]
    return _placed(
        connectome,
        np.concatenate([row, column, post[diagonal]]),
        np.concatenate([column, row, pre[diagonal]]),
        np.concatenate([weights, weights, connectome.weights[diagonal]]),
        "random_w",
    )


def weights(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges; of a symmetric matrix in mirrored pairs."""
    n, post, pre, values = connectome.n, connectome.post, connectome.pre, connectome.weights.copy()
    if _symmetric(connectome):
        lower = np.flatnonzero(post > pre)
        mirrored = np.searchsorted(post * n + pre, pre[lower] * n + post[lower])
        values[lower] = values[mirrored] = rng.permutation(values[lower])
    else:
        off = post != pre
        values[off] = rng.permutation(values[off])
    return connectome.replace(values, null="weights")


def weights_sign(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges of their sign."""
    return _permuted_within(connectome, np.zeros(connectome.n, np.int64), rng, "weights_sign")


def weights_group(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges of their sign and ordered pair of groups."""
    return _permuted_within(connectome, _groups(connectome, GROUP_KINDS, "weights_group"), rng, "weights_group")


def sign(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Signs permuted uniformly over the neurons that have one, or where some have both over edges off the diagonal."""
    if connectome.mixed:
        signs = np.sign(connectome.weights)
        some = np.flatnonzero((signs != 0) & (connectome.post != connectome.pre))
        signs[some] = rng.permutation(signs[some])
    else:
        of_neuron = connectome.signs
        some = np.flatnonzero(of_neuron)
        of_neuron[some] = rng.permutation(of_neuron[some])
        signs = of_neuron[connectome.pre]
    return connectome.replace(np.abs(connectome.weights) * signs + 0.0, null="sign")  # + 0.0: no negative zeros


def gaussian(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All pairs, weights N(mean, variance) of all entries off the diagonal, zeros included. At most 20,000 neurons."""
    n, values = connectome.n, connectome.weights[connectome.post != connectome.pre]
    pairs = max(n * (n - 1), 1)
    mean = values.sum() / pairs
    variance = (((values - mean) ** 2).sum() + (pairs - len(values)) * mean**2) / pairs
    return _everywhere(connectome, lambda pre: mean + math.sqrt(variance) * rng.standard_normal(len(pre)), "gaussian")


def dense(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All pairs, weights of the edges' mean magnitude with their neuron's sign. At most 20,000 neurons.

    A neuron with both signs gets that of most of its edges; one with none, or as many of each, that of most of all.
    """
    values = connectome.weights[connectome.post != connectome.pre]
    excess = np.bincount(connectome.pre, np.sign(connectome.weights), minlength=connectome.n)
    usual = 1.0 if excess.sum() >= 0 else -1.0
    signs = np.where(excess == 0, usual, np.sign(excess))
    return _everywhere(connectome, lambda pre: np.abs(values).mean() * signs[pre], "dense")


def transposed(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """J^T: every edge reversed, with its weight."""
    return _placed(connectome, connectome.pre, connectome.post, connectome.weights, "transposed")


@dataclass(frozen=True)
class Null:
    """A null model: how it is drawn, and what it keeps of the connectome; what follows from that is not listed."""

    draw: Callable[[Connectome, np.random.Generator], Connectome]
    keeps: tuple[str, ...]


NULLS: dict[str, Null] = {
    "degree": Null(degree, ("in-degrees", "out-weights of every neuron", "self-connections")),
    "boundary": Null(boundary, ("in-degrees from every region", "out-weights into every region", "self-connections")),
    "group": Null(group, ("weights between groups", "self-connections")),
    "erdos": Null(erdos, ("weights", "self-connections")),
    "random_w": Null(shuffled, ("weights", "self-connections", "symmetry")),
    "weights": Null(weights, ("edges", "weights", "self-connections", "symmetry")),
    "weights_sign": Null(weights_sign, ("signs of edges", "weights", "self-connections")),
    "weights_group": Null(weights_group, ("signs of edges", "weights between groups", "self-connections")),
    "sign": Null(sign, ("magnitudes of edges", "numbers of each sign: of neurons, or of edges where some are mixed")),
    "gaussian": Null(gaussian, ("self-connections", "mean and variance of all entries, in expectation")),
    "dense": Null(dense, ("self-connections", "signs of neurons that have one", "mean magnitude off the diagonal")),
    "transposed": Null(
        transposed, ("weights", "self-connections", "symmetry", "reciprocity of every neuron", "eigenvalues")
    ),
}


# ---- which groups, and back to a Connectome


def _groups(connectome: Connectome, kinds: tuple[str, ...], null: str) -> np.ndarray:
    """(N,) group of every neuron, by the first of `kinds` in which neurons share one. Raises ValueError without."""
    for kind in kinds:
        if kind in connectome.labels:
            index, names = connectome.groups(kind)
            if len(names) < connectome.n:
                return index
    had = " and a ".join(kind for kind in kinds if kind in connectome.labels)
    came = f"a {had} of its own for every neuron" if had else f"labels {', '.join(connectome.labels) or 'none'}"
    raise ValueError(f"null {null} needs neurons that share a {' or '.join(kinds)}; {connectome.name} has {came}")


def _symmetric(connectome: Connectome) -> bool:
    """Whether every edge is answered by one of exactly the same weight."""
    keys, answers = connectome.post * connectome.n + connectome.pre, connectome.pre * connectome.n + connectome.post
    order = np.argsort(answers)
    return bool((answers[order] == keys).all() and (connectome.weights[order] == connectome.weights).all())


def _placed(connectome: Connectome, post: np.ndarray, pre: np.ndarray, weights: np.ndarray, null: str) -> Connectome:
    order = np.lexsort((pre, post))
    return dataclasses.replace(
        connectome,
        post=post[order],
        pre=pre[order],
        weights=weights[order],
        provenance={**connectome.provenance, "null": null},
    )


def _dealt(weights: np.ndarray, of: np.ndarray, to: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The weights, of edges of classes `of`, in random order to edges of classes `to`, which has as many of each."""
    dealt = np.empty_like(weights)
    dealt[np.argsort(to, kind="stable")] = weights[np.lexsort((rng.random(len(of)), of))]
    return dealt


def _permuted_within(connectome: Connectome, group: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Weights off the diagonal permuted within each sign and pair of groups."""
    off = connectome.post != connectome.pre
    values, groups = connectome.weights.copy(), group.max(initial=0) + 1
    pair = group[connectome.post[off]] * groups + group[connectome.pre[off]]
    kind = pair * 3 + np.sign(values[off]).astype(np.int64)
    values[off] = _dealt(values[off], kind, kind, rng)
    return connectome.replace(values, null=null)


def _everywhere(connectome: Connectome, weights: Callable[[np.ndarray], np.ndarray], null: str) -> Connectome:
    """All pairs off the diagonal as edges, with weights(pre); as it was where the connectome has no such edge."""
    n, own = connectome.n, connectome.post == connectome.pre
    if n > LARGEST_DENSE:
        raise ValueError(f"null {null} makes all {n}^2 edges; it takes at most {LARGEST_DENSE} neurons, got {n}")
    if own.all():
        return connectome.replace(connectome.weights, null=null)
    present = ~np.eye(n, dtype=bool)
    present[connectome.post[own], connectome.post[own]] = True
    post, pre = np.nonzero(present)
    off, values = post != pre, np.empty(len(post))
    values[off], values[~off] = weights(pre[off]), connectome.weights[own]
    provenance = {**connectome.provenance, "null": null}
    return dataclasses.replace(connectome, post=post, pre=pre, weights=values, provenance=provenance)


# ---- edges placed uniformly within pairs of groups


def _scattered(connectome: Connectome, group: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Edges off the diagonal, with their weights, placed uniformly within their ordered pair of groups."""
    post, pre = connectome.post.copy(), connectome.pre.copy()
    off = np.flatnonzero(post != pre)
    members = _members(group)
    pair = group[post[off]] * len(members) + group[pre[off]]
    order = off[np.argsort(pair, kind="stable")]
    pairs, counts = np.unique(pair, return_counts=True)
    for number, edges in zip(pairs, np.split(order, np.cumsum(counts)[:-1]), strict=False):
        rows, columns = members[number // len(members)], members[number % len(members)]
        within = rows is columns
        places = len(rows) * (len(columns) - within)
        row, column = np.divmod(rng.choice(places, size=len(edges), replace=False), len(columns) - within)
        post[edges], pre[edges] = rows[row], columns[column + (within & (column >= row))]
    return _placed(connectome, post, pre, connectome.weights, null)


def _members(group: np.ndarray) -> list[np.ndarray]:
    """The neurons of each group."""
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])


# ---- edges that exchange targets


def _exchanged(connectome: Connectome, region: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
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
    keys = _chain(keys, n, region[keys // n] * regions + region[keys % n], places, rng)
    new = np.concatenate([keys[: len(sparse)], _gaps(keys[len(sparse) :], full, region)])
    owners = (key % n * regions + region[key // n] for key in (old, new))
    post, pre, values = connectome.post.copy(), connectome.pre.copy(), connectome.weights.copy()
    post[off], pre[off], values[off] = new // n, new % n, _dealt(values[off], *owners, rng)
    return _placed(connectome, post, pre, values, null)


def _gaps(keys: np.ndarray, full: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Keys post * N + pre, off the diagonal, of all places in the `full` pairs of regions that are not among `keys`."""
    n, members = len(region), _members(region)
    pairs = zip(*np.divmod(np.flatnonzero(full), len(members)), strict=True)
    blocks = [(members[post][:, None] * n + members[pre]).ravel() for post, pre in pairs]
    places = np.concatenate([np.empty(0, np.int64), *blocks])
    return np.setdiff1d(places[places % (n + 1) != 0], keys)  # post * (n + 1) is the diagonal


def _chain(keys: np.ndarray, n: int, pair: np.ndarray, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The keys after many rounds of exchanges, made in batches, among edges of one `pair` of regions.

    A round draws disjoint groups of edges, blind to where they point, and rotates the targets of each group whose old
    and new edges are no self-connections and no edges or proposals of anything else. That condition is the same
    before and after, so every step is as likely as its reverse and the uniform distribution stays. Groups of three
    can reverse a cycle a -> b -> c -> a, which no exchange of two can.
    """
    if len(keys) < 2:
        return keys
    post, pre, counts = keys // n, keys % n, np.bincount(pair)
    for number in range(_rounds(len(keys), float((counts[pair] / places[pair]).mean()))):
        chosen = _drawn_groups(pair, counts, 3 if number % 4 == 3 else 2, rng)
        proposed = post[chosen[:, [*range(1, chosen.shape[1]), 0]]]
        both = np.concatenate([post * n + pre, (proposed * n + pre[chosen]).ravel()])
        _, which, times = np.unique(both, return_inverse=True, return_counts=True)
        alone = times[which] == 1
        free = alone[chosen] & alone[len(post) :].reshape(chosen.shape) & (proposed != pre[chosen])
        accepted = free.all(axis=1)
        post[chosen[accepted]] = proposed[accepted]
    return post * n + pre


def _rounds(edges: int, density: float) -> int:
    """Rounds for 10 tries per edge, a quarter of one in each; more where density refuses so many that an edge would
    move fewer than 6 times in expectation, or the network is small."""
    accepted = (1 - density) ** 2 * (1 - density / 2) ** 4
    return max(4 * TRIES_PER_EDGE, math.ceil(2 * MOVES_PER_EDGE / accepted), min(100, 10**6 // edges))


def _drawn_groups(pair: np.ndarray, counts: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(groups, size) edges, random and disjoint, each group within one of the pairs that occur `counts` times; about
    half of all edges."""
    order = rng.permutation(len(pair))
    order = order[np.argsort(pair[order], kind="stable")]
    rank = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    groups = order[rank < np.repeat(counts - counts % size, counts)].reshape(-1, size)
    return groups[rng.random(len(groups)) < 0.5]
