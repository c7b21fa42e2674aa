"""Null models: random networks that keep some properties of a connectome. Each is named for what it keeps or draws.

`NULLS` has one row for each null model: what it randomizes, what it preserves, what it needs and its source.

All keep neurons and labels, and self-connections in their places with their weights (only `sign` may turn these). An
edge of weight 0 is an edge. Groups are the first of cell_fibers, neurotransmitter, region, super_class, class and type
by which neurons share one; `null_groups` in the provenance tells which. Where a neuron has weights of both signs,
`sign` permutes those of edges, and `dense` takes the majority's. `distance` needs positions, which FlyWire's
coordinates and graphs (x, y, z) have.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.exchanges import exchanged, exchanged_undirected, exchanged_within_lengths
from randomnet.nulls.placing import dealt, placed, scattered
from randomnet.registry import Registry

GROUP_KINDS = ("cell_fibers", "neurotransmitter", "region", "super_class", "class", "type")
LARGEST_DENSE = 20_000  # neurons; 4e8 edges, about 10 GB


def degree(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges exchange targets at random; uniform over the simple digraphs with these in- and out-degrees."""
    return exchanged(connectome, np.zeros(connectome.n, np.int64), rng, "degree")


def degree_undirected(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Undirected edges exchange ends, with their weights; uniform over the simple graphs with these degrees.

    Raises ValueError for a directed network, one whose matrix is not symmetric.
    """
    if not is_symmetric(connectome):
        raise ValueError(
            f"null degree_undirected needs a symmetric matrix, and that of {connectome.name} is not; null degree keeps "
            "in- and out-degrees"
        )
    return exchanged_undirected(connectome, rng, "degree_undirected")


def boundary(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges from one region to one region exchange targets: every neuron keeps its degrees from and to each region."""
    return exchanged(connectome, _groups(connectome, ("region",), "boundary")[0], rng, "boundary")


def distance(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges exchange targets where that leaves as many edges in each tenth of their lengths.

    A length is the distance between the positions of an edge's neurons; edges at neurons without one exchange targets
    among themselves. In the provenance, `edges_moved` is the share that points elsewhere in the end, and
    `edges_without_length` how many such edges there are.
    """
    known = np.zeros(connectome.n, bool) if connectome.positions is None else ~np.isnan(connectome.positions).any(1)
    if len(connectome.post) and not (known[connectome.post] & known[connectome.pre]).any():
        raise ValueError(f"null distance needs positions of connected neurons, and {connectome.name} has none")
    return exchanged_within_lengths(connectome, rng, "distance")


def group(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges placed uniformly within their ordered pair of groups, their weights with them in random order."""
    groups, kind = _groups(connectome, GROUP_KINDS, "group")
    made = scattered(connectome, groups, rng, "group")
    return made.replace(made.weights, null_groups=kind)


def erdos(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All entries off the diagonal permuted uniformly, zeros included: edges go anywhere."""
    return scattered(connectome, np.zeros(connectome.n, np.int64), rng, "erdos")


def shuffled(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """`random_w`: all entries off the diagonal permuted uniformly; of a symmetric matrix one triangle, mirrored."""
    if not is_symmetric(connectome):
        return scattered(connectome, np.zeros(connectome.n, np.int64), rng, "random_w")
    n, post, pre = connectome.n, connectome.post, connectome.pre
    lower, diagonal = post > pre, post == pre
    some = rng.choice(n * (n - 1) // 2, size=int(lower.sum()), replace=False)
    row, column = (side[some] for side in np.tril_indices(n, -1))
    weights = connectome.weights[lower]
    return placed(
        connectome,
        np.concatenate([row, column, post[diagonal]]),
        np.concatenate([column, row, pre[diagonal]]),
        np.concatenate([weights, weights, connectome.weights[diagonal]]),
        "random_w",
    )


def weights(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges; of a symmetric matrix in mirrored pairs."""
    n, post, pre, values = connectome.n, connectome.post, connectome.pre, connectome.weights.copy()
    if is_symmetric(connectome):
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
    groups, kind = _groups(connectome, GROUP_KINDS, "weights_group")
    made = _permuted_within(connectome, groups, rng, "weights_group")
    return made.replace(made.weights, null_groups=kind)


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
    return placed(connectome, connectome.pre, connectome.post, connectome.weights, "transposed")


@dataclass(frozen=True)
class Null:
    """One null model.

    draw: (connectome, generator) -> null network; it raises ValueError where the connectome lacks what the null needs.
    invariants: names of properties that every draw preserves exactly; properties that follow from them are not listed.
    randomizes, preserves: the same in words. needs: what a connectome must have, "" for nothing special. no_effect:
    where every draw equals the connectome. with_one_group: the null model that it equals where all neurons are in one
    group. random: whether draws differ. rewires: whether edges move. source: paper or software.
    """

    draw: Callable[[Connectome, np.random.Generator], Connectome]
    invariants: tuple[str, ...]
    randomizes: str
    preserves: str
    no_effect: str
    needs: str = ""
    with_one_group: str = ""
    random: bool = True
    rewires: bool = False
    source: str = ""

    @property
    def sentence(self) -> str:
        """What the null model does, in one sentence."""
        return f"Randomizes {self.randomizes}; keeps {self.preserves}."


MASLOV = "Maslov & Sneppen 2002"
DIRECTED = f"{MASLOV}; exchanges of three edges: Rao, Jana & Bandyopadhyay 1996"
MATRIX_NULLS = "bio_rnn_mem (Goulas et al.)"
GROUPS = "groups of neurons"
FEW_NEURONS = f"at most {LARGEST_DENSE:,} neurons"

NULLS: Registry[Null] = Registry({
    "degree": Null(
        degree,
        ("in-degrees", "out-weights of every neuron", "self-connections"),
        randomizes="targets of edges, by exchange between edges",
        preserves="in- and out-degree and the outgoing weights of every neuron",
        no_effect="no edges can exchange targets, and the weights of each neuron are equal",
        rewires=True,
        source=DIRECTED,
    ),
    "degree_undirected": Null(
        degree_undirected,
        ("in-degrees", "out-degrees", "weights", "self-connections", "symmetry"),
        randomizes="ends of undirected edges, by exchange between edges",
        preserves="degree of every neuron, symmetry, weights (each goes with its edge)",
        no_effect="no edges can exchange ends",
        needs="a symmetric matrix",
        rewires=True,
        source=MASLOV,
    ),
    "boundary": Null(
        boundary,
        ("in-degrees from every region", "out-weights into every region", "self-connections"),
        randomizes="as `degree`, within each pair of regions",
        preserves="as `degree`, from and to each region",
        no_effect="no edges can exchange targets within regions, and each neuron's weights into a region are equal",
        needs="regions",
        with_one_group="degree",
        rewires=True,
        source=DIRECTED,
    ),
    "distance": Null(
        distance,
        ("in-degrees", "out-weights of every neuron", "self-connections", "edges in each tenth of lengths"),
        randomizes="as `degree`, where lengths allow it",
        preserves="as `degree`, and the number of edges in each tenth of their lengths",
        no_effect="no edges of one length can exchange targets, and the weights of each neuron are equal",
        needs="positions",
        rewires=True,
        source="after Betzel & Bassett 2018",
    ),
    "group": Null(
        group,
        ("weights between groups", "self-connections"),
        randomizes="places of edges, within each pair of groups",
        preserves="weights between any two groups",
        no_effect="its edges have no other places between their groups, or no other weights",
        needs=GROUPS,
        with_one_group="erdos",
        rewires=True,
    ),
    "erdos": Null(
        erdos,
        ("weights", "self-connections"),
        randomizes="places of all edges",
        preserves="weights",
        no_effect="all pairs are connected by equal weights",
        rewires=True,
        source="Erdos & Renyi 1959, G(N, E)",
    ),
    "random_w": Null(
        shuffled,
        ("weights", "self-connections", "symmetry"),
        randomizes="as `erdos`; one triangle of a symmetric matrix",
        preserves="weights, symmetry",
        no_effect="all pairs are connected by equal weights",
        rewires=True,
        source=MATRIX_NULLS,
    ),
    "weights": Null(
        weights,
        ("edges", "weights", "self-connections", "symmetry"),
        randomizes="which edge has which weight",
        preserves="edges, weights, symmetry",
        no_effect="its weights are all equal",
        source=f"Rubinov & Sporns 2011; of symmetric matrices {MATRIX_NULLS}",
    ),
    "weights_sign": Null(
        weights_sign,
        ("signs of edges", "weights", "self-connections"),
        randomizes="as `weights`, within each sign",
        preserves="edges with their signs, weights",
        no_effect="its weights of each sign are all equal",
        source="Rubinov & Sporns 2011",
    ),
    "weights_group": Null(
        weights_group,
        ("signs of edges", "weights between groups", "self-connections"),
        randomizes="as `weights`, within each sign and pair of groups",
        preserves="edges with their signs, weights between any two groups",
        no_effect="its weights of each sign are equal between any two groups",
        needs=GROUPS,
        with_one_group="weights_sign",
        source="Rubinov & Sporns 2011",
    ),
    "sign": Null(
        sign,
        ("magnitudes of edges", "numbers of each sign: of neurons, or of edges where some are mixed"),
        randomizes="which neuron has which sign",
        preserves="edges with their magnitudes, number of neurons of each sign",
        no_effect="its weights have one sign",
    ),
    "gaussian": Null(
        gaussian,
        ("self-connections", "mean and variance of all entries, in expectation"),
        randomizes="all weights, normal",
        preserves="mean and variance of all entries, in expectation",
        no_effect="all pairs are connected by equal weights",
        needs=FEW_NEURONS,
    ),
    "dense": Null(
        dense,
        ("self-connections", "signs of neurons that have one", "mean magnitude off the diagonal"),
        randomizes="nothing: all pairs are edges of one size",
        preserves="signs of neurons, mean magnitude of an edge",
        no_effect="all pairs are connected by weights of one size",
        needs=FEW_NEURONS,
        random=False,
    ),
    "transposed": Null(
        transposed,
        (
            "weights",
            "self-connections",
            "symmetry",
            "reciprocity of every neuron",
            "eigenvalues",
            "edges in each tenth of lengths",
        ),
        randomizes="nothing: every edge is reversed",
        preserves="weights, symmetry, reciprocity, eigenvalues",
        no_effect="its matrix is symmetric",
        random=False,
    ),
})  # fmt: skip


# ---- what a connectome is, which groups it has, and back to one


def is_symmetric(connectome: Connectome) -> bool:
    """Whether every edge is answered by one of exactly the same weight."""
    keys, answers = connectome.post * connectome.n + connectome.pre, connectome.pre * connectome.n + connectome.post
    order = np.argsort(answers)
    return bool((answers[order] == keys).all() and (connectome.weights[order] == connectome.weights).all())


def _groups(connectome: Connectome, kinds: tuple[str, ...], null: str) -> tuple[np.ndarray, str]:
    """(N,) group of every neuron, by the first of `kinds` in which neurons share one, and that. Raises ValueError."""
    for kind in kinds:
        if kind in connectome.labels:
            index, names = connectome.groups(kind)
            if len(names) < connectome.n:
                return index, kind
    had = " and a ".join(kind for kind in kinds if kind in connectome.labels)
    came = f"a {had} of its own for every neuron" if had else f"labels {', '.join(connectome.labels) or 'none'}"
    raise ValueError(f"null {null} needs neurons that share a {_either(kinds)}; {connectome.name} has {came}")


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _permuted_within(connectome: Connectome, group: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Weights off the diagonal permuted within each sign and pair of groups."""
    off = connectome.post != connectome.pre
    values, groups = connectome.weights.copy(), group.max(initial=0) + 1
    pair = group[connectome.post[off]] * groups + group[connectome.pre[off]]
    kind = pair * 3 + np.sign(values[off]).astype(np.int64)
    values[off] = dealt(values[off], kind, kind, rng)
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
