"""Null models: random networks that keep some properties of a connectome. Each is named for what it keeps or draws.

`NULLS` has one row for each null model: what it randomizes, what it preserves, what it needs and its source.

All null models preserve neurons and labels, and self-connections with their weights; only `sign` may change the sign
of a self-connection. An edge of weight 0 is an edge. Groups are those of the first label that several neurons share, of
cell_fibers, neurotransmitter, region, super_class, class and type; `null_groups` in the provenance names that label.
Where a neuron has weights of both signs, `sign` permutes the signs of edges, and `dense` takes the more frequent sign.
`distance` needs positions: tables of FlyWire coordinates have them, and graphs with attributes x, y and z.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.placement import permute_within_classes, scatter_edges, with_edges
from randomnet.nulls.rewiring import exchange_ends, exchange_targets, exchange_targets_within_lengths
from randomnet.registry import Registry

GROUP_LABELS = ("cell_fibers", "neurotransmitter", "region", "super_class", "class", "type")
LARGEST_DENSE = 20_000  # neurons; 4e8 edges, about 10 GB


def degree(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges exchange targets at random; uniform over the simple digraphs with these in- and out-degrees."""
    return exchange_targets(connectome, np.zeros(connectome.n, np.int64), rng, "degree")


def degree_undirected(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Undirected edges exchange ends, with their weights; uniform over the simple graphs with these degrees.

    Raises ValueError where the matrix is not symmetric.
    """
    if not is_symmetric(connectome):
        raise ValueError(
            f"null degree_undirected needs a symmetric matrix, got {connectome.name}, whose matrix is not symmetric; "
            "use null degree, which keeps in- and out-degrees"
        )
    return exchange_ends(connectome, rng, "degree_undirected")


def boundary(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges exchange targets within each ordered pair of regions; degrees from and to each region are preserved.

    Raises ValueError without regions.
    """
    return exchange_targets(connectome, _groups(connectome, ("region",), "boundary")[0], rng, "boundary")


def distance(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges exchange targets where that preserves the number of edges in each tenth of lengths.

    A length is the distance between the positions of an edge's neurons. Edges of unknown length exchange targets among
    themselves. In the provenance, `edges_moved` is the share of edges with another target, and `edges_without_length`
    the number of edges of unknown length. Raises ValueError without positions.
    """
    positions = np.full((connectome.n, 3), np.nan) if connectome.positions is None else connectome.positions
    known = ~np.isnan(positions).any(axis=1)
    has_lengths = not len(connectome.post) or (known[connectome.post] & known[connectome.pre]).any()
    if connectome.positions is None or not has_lengths:
        raise ValueError(f"null distance needs positions of connected neurons, got none in {connectome.name}")
    return exchange_targets_within_lengths(connectome, rng, "distance")


def group(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Edges placed uniformly within their ordered pair of groups, with their weights in random order.

    Raises ValueError without groups.
    """
    groups, label = _groups(connectome, GROUP_LABELS, "group")
    scattered = scatter_edges(connectome, groups, rng, "group")
    return scattered.replace(scattered.weights, null_groups=label)


def erdos(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All entries off the diagonal, zeros included, permuted uniformly."""
    return scatter_edges(connectome, np.zeros(connectome.n, np.int64), rng, "erdos")


def random_w(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All entries off the diagonal permuted uniformly; of a symmetric matrix one triangle, which is then mirrored."""
    if not is_symmetric(connectome):
        return scatter_edges(connectome, np.zeros(connectome.n, np.int64), rng, "random_w")
    n, post, pre = connectome.n, connectome.post, connectome.pre
    lower, diagonal = post > pre, post == pre
    places = rng.choice(n * (n - 1) // 2, size=int(lower.sum()), replace=False)
    row, column = (side[places] for side in np.tril_indices(n, -1))
    weights = connectome.weights[lower]
    return with_edges(
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
        off_diagonal = post != pre
        values[off_diagonal] = rng.permutation(values[off_diagonal])
    return connectome.replace(values, null="weights")


def weights_sign(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges of their sign."""
    return _permuted_within(connectome, np.zeros(connectome.n, np.int64), rng, "weights_sign")


def weights_group(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Weights off the diagonal permuted uniformly over the edges of their sign and ordered pair of groups.

    Raises ValueError without groups.
    """
    groups, label = _groups(connectome, GROUP_LABELS, "weights_group")
    permuted = _permuted_within(connectome, groups, rng, "weights_group")
    return permuted.replace(permuted.weights, null_groups=label)


def sign(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """Signs permuted uniformly over the neurons that have one.

    Where some neurons have both signs, the signs of edges off the diagonal are permuted instead.
    """
    if connectome.mixed:
        signs = np.sign(connectome.weights)
        edges = np.flatnonzero((signs != 0) & (connectome.post != connectome.pre))
        signs[edges] = rng.permutation(signs[edges])
    else:
        neuron_signs = connectome.signs
        neurons = np.flatnonzero(neuron_signs)
        neuron_signs[neurons] = rng.permutation(neuron_signs[neurons])
        signs = neuron_signs[connectome.pre]
    return connectome.replace(np.abs(connectome.weights) * signs + 0.0, null="sign")  # + 0.0: no negative zeros


def gaussian(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All pairs as edges, with normal weights of the mean and variance of all entries off the diagonal, zeros included.

    Raises ValueError for more than 20,000 neurons.
    """
    n, values = connectome.n, connectome.weights[connectome.post != connectome.pre]
    pairs = max(n * (n - 1), 1)
    mean = values.sum() / pairs
    variance = (((values - mean) ** 2).sum() + (pairs - len(values)) * mean**2) / pairs
    sd = math.sqrt(variance)
    return _fully_connected(connectome, lambda pre: mean + sd * rng.standard_normal(len(pre)), "gaussian")


def dense(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """All pairs as edges, with weights of the edges' mean magnitude and the presynaptic neuron's sign.

    A neuron with both signs gets that of most of its edges. A neuron without a majority gets that of most neurons'
    edges together. Raises ValueError for more than 20,000 neurons.
    """
    values = connectome.weights[connectome.post != connectome.pre]
    excess = np.bincount(connectome.pre, np.sign(connectome.weights), minlength=connectome.n)
    majority = 1.0 if excess.sum() >= 0 else -1.0
    signs = np.where(excess == 0, majority, np.sign(excess))
    return _fully_connected(connectome, lambda pre: np.abs(values).mean() * signs[pre], "dense")


def transposed(connectome: Connectome, rng: np.random.Generator) -> Connectome:
    """J^T: every edge reversed, with its weight."""
    return with_edges(connectome, connectome.pre, connectome.post, connectome.weights, "transposed")


@dataclass(frozen=True)
class Null:
    """One null model.

    draw: (connectome, generator) -> null network; it raises ValueError where the connectome lacks what the null needs.
    invariants: names of properties that every draw preserves exactly; properties that follow from them are not listed.
    randomizes, preserves: the same in words. needs: what a connectome must have, "" for nothing special. no_effect:
    where every draw equals the connectome. with_one_group: the null model that it equals where all neurons are in one
    group. random: whether draws differ. rewires: whether edges move. mixes_signs: whether a neuron of one sign may get
    weights of both. source: paper or software.
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
    mixes_signs: bool = False
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
        mixes_signs=True,
    ),
    "erdos": Null(
        erdos,
        ("weights", "self-connections"),
        randomizes="places of all edges",
        preserves="weights",
        no_effect="all pairs are connected by equal weights",
        rewires=True,
        source="Erdos & Renyi 1959, G(N, E)",
        mixes_signs=True,
    ),
    "random_w": Null(
        random_w,
        ("weights", "self-connections", "symmetry"),
        randomizes="as `erdos`; one triangle of a symmetric matrix",
        preserves="weights, symmetry",
        no_effect="all pairs are connected by equal weights",
        rewires=True,
        source=MATRIX_NULLS,
        mixes_signs=True,
    ),
    "weights": Null(
        weights,
        ("edges", "weights", "self-connections", "symmetry"),
        randomizes="which edge has which weight",
        preserves="edges, weights, symmetry",
        no_effect="its weights are all equal",
        source=f"Rubinov & Sporns 2011; of symmetric matrices {MATRIX_NULLS}",
        mixes_signs=True,
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
        preserves="edges with their magnitudes, number of neurons of each sign (of edges, where neurons have both)",
        no_effect="its weights have one sign",
    ),
    "gaussian": Null(
        gaussian,
        ("self-connections", "mean and variance of all entries, in expectation"),
        randomizes="all weights, normal",
        preserves="mean and variance of all entries, in expectation",
        no_effect="all pairs are connected by equal weights",
        needs=FEW_NEURONS,
        mixes_signs=True,
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
        mixes_signs=True,
    ),
})  # fmt: skip


# ---- symmetry, groups, permutations within groups


def is_symmetric(connectome: Connectome) -> bool:
    """Whether every edge has a reverse edge of exactly the same weight."""
    keys, reverse = connectome.post * connectome.n + connectome.pre, connectome.pre * connectome.n + connectome.post
    order = np.argsort(reverse)
    return bool((reverse[order] == keys).all() and (connectome.weights[order] == connectome.weights).all())


def _groups(connectome: Connectome, candidates: tuple[str, ...], null: str) -> tuple[np.ndarray, str]:
    """(N,) group of every neuron by the first label of `candidates` that neurons share, and that label.

    Raises ValueError where neurons share none of them.
    """
    for label in candidates:
        if label in connectome.labels:
            index, names = connectome.groups(label)
            if len(names) < connectome.n:
                return index, label
    unshared = " and a ".join(label for label in candidates if label in connectome.labels)
    labels = ", ".join(connectome.labels) or "none"
    actual = f"a {unshared} of its own for every neuron" if unshared else f"labels {labels}"
    needed = _joined_by_or(candidates)
    raise ValueError(f"null {null} needs neurons that share a {needed}; {connectome.name} has {actual}")


def _joined_by_or(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _permuted_within(connectome: Connectome, group: np.ndarray, rng: np.random.Generator, null: str) -> Connectome:
    """Weights off the diagonal permuted within each sign and pair of groups."""
    off_diagonal = connectome.post != connectome.pre
    values, groups = connectome.weights.copy(), group.max(initial=0) + 1
    pair = group[connectome.post[off_diagonal]] * groups + group[connectome.pre[off_diagonal]]
    classes = pair * 3 + np.sign(values[off_diagonal]).astype(np.int64)
    values[off_diagonal] = permute_within_classes(values[off_diagonal], classes, classes, rng)
    return connectome.replace(values, null=null)


def _fully_connected(connectome: Connectome, weights: Callable[[np.ndarray], np.ndarray], null: str) -> Connectome:
    """All pairs off the diagonal as edges, with weights(pre), and the self-connections of the connectome.

    A connectome without edges off the diagonal stays as it is. Raises ValueError for more than LARGEST_DENSE neurons.
    """
    n, is_self = connectome.n, connectome.post == connectome.pre
    if n > LARGEST_DENSE:
        raise ValueError(f"null {null} makes all {n}^2 edges: expected at most {LARGEST_DENSE} neurons, got {n}")
    if is_self.all():
        return connectome.replace(connectome.weights, null=null)
    present = ~np.eye(n, dtype=bool)
    present[connectome.post[is_self], connectome.post[is_self]] = True
    post, pre = np.nonzero(present)
    off_diagonal, values = post != pre, np.empty(len(post))
    values[off_diagonal], values[~off_diagonal] = weights(pre[off_diagonal]), connectome.weights[is_self]
    provenance = {**connectome.provenance, "null": null}
    return dataclasses.replace(connectome, post=post, pre=pre, weights=values, provenance=provenance)
