"""Null models keep exactly what they claim, lose the rest, and are uniform."""

import dataclasses
import time
from functools import cache
from itertools import combinations, permutations

import numpy as np
import pytest

from randomnet.connectome import Connectome, from_dense
from randomnet.nulls import LARGEST_DENSE, NULLS, random_w, rewiring


def network(kind="signed", n=60, seed=0):
    """`signed`: one sign per neuron; `mixed`; `symmetric`; `dense`: signed, and two in three pairs are edges."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, n)) * (rng.random((n, n)) < (0.65 if kind == "dense" else 0.25))
    if kind in ("signed", "dense"):
        matrix = np.abs(matrix) * np.where(rng.random(n) < 0.7, 1, -1)
    if kind == "symmetric":
        matrix = np.tril(matrix) + np.tril(matrix, -1).T
    labels = {
        "cell_fibers": np.array([f"CBF{number}" for number in rng.integers(5, size=n)]),
        "region": np.array([f"R{number}" for number in rng.integers(3, size=n)]),
    }
    made = from_dense("made", matrix, np.array([f"n{number}" for number in range(n)]), labels, {"source": "test"})
    return placed(made, rng.integers(4, size=n))  # few lengths, each of one tenth of the edges or more


def placed(connectome, places):
    """With positions on a line."""
    return dataclasses.replace(connectome, positions=np.stack([places, 0 * places, 0 * places], 1).astype(float))


DIRECTED = [null for null in NULLS if null != "degree_undirected"]
NOTES = ("edges_moved", "edges_without_length", "null_groups")  # of `distance`, and of those by group


def drawn(null, connectome, seed=1):
    return NULLS[null].draw(connectome, np.random.default_rng(seed))


# ---- what is kept


def sorted_by(*keys):
    """Rows of the keys, in order: what there is, whichever edge has it."""
    return sorted(zip(*(np.asarray(key).tolist() for key in keys), strict=True))


def between(c, post_kind, pre_kind, *more):
    index = {kind: c.labels[kind] if kind in c.labels else np.arange(c.n) for kind in (post_kind, pre_kind)}
    return sorted_by(index[post_kind][c.post], index[pre_kind][c.pre], *more)


def off_diagonal(c):
    return np.abs(c.weights[c.post != c.pre])


SIGNS = "signs of neurons that have one"


def answered(c):
    return np.isin(c.pre * c.n + c.post, c.post * c.n + c.pre)


NUMBERS = "numbers of each sign: of neurons, or of edges where some are mixed"
EXPECTED = "mean and variance of all entries, in expectation"
PROPERTIES = {
    "number of edges": lambda c: len(c.weights),
    "edges": lambda c: sorted_by(c.post, c.pre),
    "in-degrees": lambda c: np.bincount(c.post, minlength=c.n).tolist(),
    "out-degrees": lambda c: np.bincount(c.pre, minlength=c.n).tolist(),
    "in-degrees from every region": lambda c: between(c, "neuron", "region"),
    "out-degrees into every region": lambda c: between(c, "region", "neuron"),
    "reciprocity of every neuron": lambda c: sorted_by(c.post[answered(c)]),
    "weights": lambda c: sorted_by(c.weights),
    "out-weights of every neuron": lambda c: sorted_by(c.pre, c.weights),
    "out-weights into every region": lambda c: between(c, "region", "neuron", c.weights),
    "edges between groups": lambda c: between(c, "cell_fibers", "cell_fibers"),
    "weights between groups": lambda c: between(c, "cell_fibers", "cell_fibers", c.weights),
    "magnitudes of edges": lambda c: sorted_by(c.post, c.pre, np.abs(c.weights)),
    "mean magnitude off the diagonal": lambda c: round(np.mean([*off_diagonal(c)] or 0), 9),
    "signs of edges": lambda c: sorted_by(c.post, c.pre, np.sign(c.weights)),
    SIGNS: lambda c: c.signs.tolist(),
    NUMBERS: lambda c: sorted_by(np.sign(c.weights)) if c.mixed else sorted_by(c.signs),
    "self-connections": lambda c: [row for row in sorted_by(c.post, c.pre, c.weights) if row[0] == row[1]],
    "edges in each tenth of lengths": lambda c: sorted_by(np.abs(c.positions[c.post, 0] - c.positions[c.pre, 0])),
    "symmetry": lambda c: bool((c.dense() == c.dense().T).all()),
    "eigenvalues": lambda c: np.sort_complex(np.linalg.eigvals(c.dense()).round(6) + 0.0).tolist(),
}
ENTAILED = {
    "edges": {
        "in-degrees from every region",
        "out-degrees into every region",
        "reciprocity of every neuron",
        "edges between groups",
        "edges in each tenth of lengths",
    },
    "in-degrees": {"number of edges"},
    "out-degrees": {"number of edges"},
    "in-degrees from every region": {"in-degrees"},
    "out-degrees into every region": {"out-degrees"},
    "weights": {"number of edges"},
    "out-weights of every neuron": {"weights", "out-degrees", SIGNS},
    "out-weights into every region": {"out-weights of every neuron", "out-degrees into every region"},
    "edges between groups": {"number of edges"},
    "weights between groups": {"weights", "edges between groups"},
    "magnitudes of edges": {"edges", "mean magnitude off the diagonal"},
    "signs of edges": {"edges", SIGNS},
}


def is_kept(name, before, after):
    old, new = PROPERTIES[name](before), PROPERTIES[name](after)
    return all(sign in (0, now) for sign, now in zip(old, new, strict=True)) if name == SIGNS else old == new


def claimed(null, before):
    """What is kept of this connectome: what the null claims, and all that follows."""
    kept = set(NULLS[null].invariants) - {EXPECTED}
    while more := {other for one in kept for other in ENTAILED.get(one, ())} - kept:
        kept |= more
    if {"weights", "self-connections"} <= kept:
        kept.add("mean magnitude off the diagonal")
    if {"weights", "signs of edges"} & kept if before.mixed else SIGNS in kept and before.signs.all():
        kept.add(NUMBERS)
    return kept


@cache
def pair(null, kind):
    """A network and its null, drawn once for all that is asked of them."""
    before = network(kind)
    return before, drawn(null, before)


@pytest.mark.parametrize("null", DIRECTED)
@pytest.mark.parametrize("kind", ["signed", "dense"])
@pytest.mark.parametrize("kept", [name for name in PROPERTIES if name != "symmetry"])
def test_a_null_keeps_what_it_claims_and_nothing_else(null, kind, kept):
    before, after = pair(null, kind)
    assert is_kept(kept, before, after) == (kept in claimed(null, before))
    assert (after.dense() != before.dense()).sum() > 100
    assert set(NULLS[null].invariants) <= {*PROPERTIES, EXPECTED}


@pytest.mark.parametrize("null", DIRECTED)
@pytest.mark.parametrize("kept", [name for name in PROPERTIES if name not in ("symmetry", SIGNS)])
def test_a_null_keeps_its_claims_where_neurons_have_both_signs(null, kept):
    before, after = pair(null, "mixed")
    assert before.mixed > 50
    # signs permuted over edges keep self-connections, as these follow no neuron's sign
    expected = kept in claimed(null, before) or (null, kept) == ("sign", "self-connections")
    assert is_kept(kept, before, after) == expected


@pytest.mark.parametrize("null", NULLS)
def test_a_symmetric_matrix_stays_symmetric_where_that_is_claimed(null):
    before = network("symmetric")
    after = drawn(null, before)
    assert PROPERTIES["symmetry"](before) and PROPERTIES["symmetry"](after) == ("symmetry" in NULLS[null].invariants)
    assert all(is_kept(kept, before, after) for kept in claimed(null, before))


@pytest.mark.parametrize("null", DIRECTED)
@pytest.mark.parametrize("kind", ["signed", "mixed"])
def test_a_null_is_recorded_and_drawn_from_its_generator(null, kind):
    before = network(kind)
    checksum = before.sha256()
    a, b, c = (drawn(null, before, seed) for seed in (1, 1, 2))
    assert a.sha256() == b.sha256() and (a.sha256() != c.sha256()) == (null not in ("dense", "transposed"))
    notes = {name: value for name, value in a.provenance.items() if name not in NOTES}
    assert notes == {"source": "test", "null": null} and "null" not in before.provenance
    assert a.names is before.names and a.labels == before.labels and before.sha256() == checksum
    assert a.post.dtype == a.pre.dtype == np.int64 and a.weights.dtype == np.float64


@pytest.mark.parametrize("null", [name for name in DIRECTED if name not in ("gaussian", "dense")])
def test_edges_of_weight_zero_are_kept(null):
    before = network()
    before = before.replace(np.where(np.arange(len(before.weights)) % 3 == 0, 0.0, before.weights))
    after = drawn(null, before)
    assert (np.sort(np.abs(after.weights)) == np.sort(np.abs(before.weights))).all()
    assert not np.signbit(after.weights[after.weights == 0]).any()


SMALL = {
    "no edges": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
    "self-connections": [[1, 0, 0], [0, -2, 0], [0, 0, 3]],
    "one edge": [[0, 0, 0], [2, 0, 0], [0, 0, 0]],
    "complete": [[0, -2, 3], [1, 0, 4], [5, -6, 0]],
    "everything": [[7, -2, 3], [1, -8, 4], [5, -6, 9]],
    "two neurons": [[0, 2], [0, 1]],
    "two answered": [[0, 2], [-3, 0]],
}


@pytest.mark.parametrize("null", DIRECTED)
@pytest.mark.parametrize("small", SMALL)
def test_small_networks(null, small):
    matrix = np.array(SMALL[small], float)
    labels = {"cell_fibers": np.array(["a", "a", "b"])[: len(matrix)], "region": np.array(["r"] * len(matrix))}
    before = placed(from_dense(small, matrix, np.array(["a", "b", "c"])[: len(matrix)], labels), np.arange(len(matrix)))
    after = drawn(null, before)
    for kept in claimed(null, before):
        assert is_kept(kept, before, after), kept
    if not len(off_diagonal(before)) and null != "sign":
        assert after.sha256() == before.sha256()


def lengths_of(connectome):
    """Of edges off the diagonal, on a line."""
    off, places = connectome.post != connectome.pre, connectome.positions[:, 0]
    return np.abs(places[connectome.post] - places[connectome.pre])[off]


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_lengths_are_kept_in_any_unit_and_where_known(unit):
    """Edges at neurons without a position exchange targets among themselves."""
    before = network()
    positions = before.positions * unit
    positions[:10] = np.nan
    before = dataclasses.replace(before, positions=positions)
    after = drawn("distance", before)
    found = [np.unique((lengths_of(made) / unit).round(), return_counts=True) for made in (before, after)]
    np.testing.assert_array_equal(*found)
    assert after.provenance["edges_without_length"] == np.isnan(lengths_of(before)).sum() > 100
    assert after.provenance["edges_moved"] > 0.5


def test_distance_needs_a_length():
    before = network()
    for positions in (None, np.full((before.n, 3), np.nan)):
        with pytest.raises(ValueError, match="null distance needs positions of connected neurons, got none in made"):
            drawn("distance", dataclasses.replace(before, positions=positions))


# ---- uniform


def drawn_often(null, connectome, draws):
    """How often each matrix was drawn."""
    rng, seen = np.random.default_rng(0), {}
    for _ in range(draws):
        key = NULLS[null].draw(connectome, rng).dense().tobytes()
        seen[key] = seen.get(key, 0) + 1
    return np.array([*seen.values()])


def is_uniform(counts):
    """Chi-square within five standard deviations of its mean, the degrees of freedom."""
    expected, freedom = counts.mean(), len(counts) - 1
    return abs(((counts - expected) ** 2).sum() / expected - freedom) <= 5 * np.sqrt(2 * freedom)


def tiny(edges, regions):
    """Edges of weight 1 as texts "post pre"; a letter for each neuron's region."""
    n = len(regions)
    matrix = np.zeros((n, n))
    for post, pre in edges.split():
        matrix[int(post), int(pre)] = 1
    labels = {"region": np.array([*regions]), "cell_fibers": np.array([*regions])}
    made = from_dense("tiny", matrix, np.array([*"abcde"[:n]]), labels)
    return placed(made, np.array(["rs".index(letter) for letter in regions]))


DEGREES = (lambda post, pre, r: post, lambda post, pre, r: 10 + pre)
REGIONAL = (lambda post, pre, r: 10 * post + r[pre], lambda post, pre, r: 100 + 10 * pre + r[post])
LENGTHS = (*DEGREES, lambda post, pre, r: 100 + np.abs(r[post] - r[pre]))
ALL = (lambda post, pre, r: 0 * post,)
BLOCKS = (lambda post, pre, r: 10 * r[post] + r[pre],)


def how_many(connectome, counted):
    """How many simple digraphs have as many edges off the diagonal of every kind: all are tried."""
    region = np.unique(connectome.labels["region"], return_inverse=True)[1]

    def kinds(post, pre):
        return sum(np.eye(200, dtype=int)[kind(post, pre, region)] for kind in counted).sum(axis=-2)

    post, pre = np.nonzero(~np.eye(connectome.n, dtype=bool))
    off = connectome.post != connectome.pre
    some = np.array([*combinations(range(len(post)), int(off.sum()))])
    same = kinds(post[some], pre[some]) == kinds(connectome.post[off], connectome.pre[off])
    return int(same.all(axis=1).sum())


@pytest.mark.parametrize(
    ("null", "counted", "edges", "regions", "states"),
    [
        ("degree", DEGREES, "01 12 20 00", "rrr", 2),  # a cycle of three, which no exchange of two can reverse
        ("degree", DEGREES, "10 32", "rrrr", 2),  # an exchange that is always possible
        pytest.param("degree", DEGREES, "10 20 31 32 03 13 22", "rrrr", 6, marks=pytest.mark.slow),
        ("degree", DEGREES, "32 31 13 21 02 23 10 30", "rrrr", 4),  # 8 of 12 places: the gaps are exchanged
        pytest.param("degree", DEGREES, "01 24 42 23 13", "rrrrr", 11, marks=pytest.mark.slow),
        pytest.param("boundary", REGIONAL, "10 02 21 32 40 03", "rrrss", 4, marks=pytest.mark.slow),
        # 4 of the 6 places from r to s
        pytest.param("boundary", REGIONAL, "30 31 41 42 02 13 24", "rrrss", 4, marks=pytest.mark.slow),
        pytest.param("distance", LENGTHS, "10 20 31 32 03 13 22", "rrss", 4, marks=pytest.mark.slow),
        pytest.param("distance", LENGTHS, "01 24 42 23 13", "rrssr", 8, marks=pytest.mark.long),
        ("group", BLOCKS, "10 20 31", "rrss", 12),
        ("erdos", ALL, "10 21 22", "rrr", 15),
    ],
)
def test_all_networks_that_keep_the_same_are_as_likely(null, counted, edges, regions, states):
    made = tiny(edges, regions)
    assert how_many(made, counted) == states
    counts = drawn_often(null, made, 40 * states)
    assert len(counts) == states and is_uniform(counts)


@pytest.mark.slow
def test_each_neurons_weights_are_dealt_uniformly_to_its_targets():
    """Two neurons, each with edges to both others: two ways each."""
    made = tiny("10 20 01 21", "rrr")
    counts = drawn_often("degree", made.replace(np.array([1.0, 2.0, 3.0, 4.0])), 200)
    assert len(counts) == 4 and is_uniform(counts)


def test_all_entries_off_the_diagonal_are_permuted_uniformly():
    """3 neurons, weights 1, 2 and four zeros in 6 places: 30 matrices."""
    matrix = np.array([[9, 1, 0], [0, 0, 2], [0, 0, 8]], float)
    for null in ("erdos", "random_w"):
        counts = drawn_often(null, from_dense("m", matrix, np.array(["a", "b", "c"])), 3000)
        assert len(counts) == 30 and is_uniform(counts)


def test_the_lower_triangle_is_permuted_uniformly_and_mirrored():
    matrix = np.array([[9, 1, 0], [1, 0, 2], [0, 2, 8]], float)
    made = from_dense("m", matrix, np.array(["a", "b", "c"]))
    rng, seen = np.random.default_rng(0), set()
    for _ in range(100):
        after = random_w(made, rng).dense()
        assert (after == after.T).all()
        seen.add(tuple(after[np.tril_indices(3, -1)]))
    assert seen == set(permutations((0.0, 1.0, 2.0))) and is_uniform(drawn_often("random_w", made, 1200))


@pytest.mark.parametrize(
    ("null", "weights", "states"),
    [("weights", [1, 2, 3, 4], 24), ("weights_sign", [1, -2, 3, -4], 4), ("weights_group", [1, 2, 3, -4], 2)],
)
def test_weights_are_permuted_uniformly_over_the_edges(null, weights, states):
    """Edges 1->0, 2->0, 0->1 and 2->1 of neurons in groups r, s, s: two are from s to r, one is within s."""
    made = tiny("01 02 10 12", "rss")
    counts = drawn_often(null, made.replace(np.array(weights, float)), 100 * states)
    assert len(counts) == states and is_uniform(counts)


@pytest.mark.parametrize(("weights", "states"), [([1, -2, 3, -4], 3), ([1, -2, 3, 4], 4)])
def test_signs_are_permuted_uniformly_over_neurons_or_edges(weights, states):
    """Edges 1->0, 2->0, 0->1 and 2->1: one of three neurons is negative; or, where 2 is mixed, one of four edges."""
    made = tiny("01 02 10 12", "rss")
    counts = drawn_often("sign", made.replace(np.array(weights, float)), 100 * states)
    assert len(counts) == states and is_uniform(counts)


def test_a_symmetric_matrix_needs_every_answer():
    """One answer of another weight, and all off-diagonal entries move freely."""
    before = network("symmetric")
    weights = before.weights.copy()
    weights[np.flatnonzero(before.post != before.pre)[0]] += 1e-9
    after = random_w(before.replace(weights), np.random.default_rng(0))
    assert not PROPERTIES["symmetry"](after) and after.provenance["null"] == "random_w"


# ---- undirected ones


def undirected(edges, n, weights=1.0):
    """A symmetric network of n neurons; edges as texts "ab"."""
    matrix = np.zeros((n, n))
    for edge, weight in zip(edges.split(), np.broadcast_to(weights, len(edges.split())), strict=True):
        matrix[int(edge[0]), int(edge[1])] = matrix[int(edge[1]), int(edge[0])] = weight
    return from_dense("graph", matrix, np.arange(n).astype(str))


def graphs_of_degrees(degrees):
    """How many simple graphs have these degrees: all are tried."""
    n = len(degrees)
    pairs = np.array([*combinations(range(n), 2)])
    some = np.array([*combinations(range(len(pairs)), sum(degrees) // 2)])
    counts = np.eye(n, dtype=int)[pairs[some]].sum(axis=(1, 2))
    return int((counts == degrees).all(axis=1).sum())


@pytest.mark.parametrize(
    ("edges", "n", "states"),
    [
        ("01 23", 4, 3),
        pytest.param("01 12 23 30", 4, 3, marks=pytest.mark.slow),  # a ring
        # a path of 5, also a triangle and an edge: degrees 1 2 2 2 1
        pytest.param("01 12 23 34", 5, 7, marks=pytest.mark.slow),
        pytest.param("01 12 20 34 45 53", 6, 70, marks=pytest.mark.long),  # two triangles, or one ring of six
        pytest.param("01 02 03 12 13 45", 6, 17, marks=pytest.mark.long),
    ],
)
def test_all_graphs_of_the_same_degrees_are_as_likely(edges, n, states):
    made = undirected(edges, n)
    degrees = np.bincount(made.post, minlength=n).tolist()
    assert graphs_of_degrees(degrees) == states
    counts = drawn_often("degree_undirected", made, (40 if states < 20 else 10) * states)
    assert len(counts) == states and is_uniform(counts)


@pytest.mark.slow
def test_weights_of_undirected_edges_are_as_likely_to_go_anywhere():
    """Two edges between four neurons: three pairings, either edge with either weight."""
    counts = drawn_often("degree_undirected", undirected("01 23", 4, [1.0, 2.0]), 240)
    assert len(counts) == 6 and is_uniform(counts)


def test_an_undirected_null_keeps_what_it_claims_and_loses_the_rest():
    before = network("symmetric")
    after = drawn("degree_undirected", before)
    kept = {name for name in PROPERTIES if name != SIGNS and is_kept(name, before, after)}
    assert kept == claimed("degree_undirected", before) | {"reciprocity of every neuron", NUMBERS}
    off = before.post != before.pre
    assert np.isin(after.post * after.n + after.pre, (before.post * before.n + before.pre)[off]).mean() < 0.4
    assert PROPERTIES["symmetry"](after) and not PROPERTIES["symmetry"](drawn("degree", before))


def test_an_undirected_null_needs_a_symmetric_matrix():
    with pytest.raises(ValueError, match="degree_undirected needs a symmetric matrix, got made, whose matrix is not "):
        drawn("degree_undirected", network("signed"))


# ---- dense ones


def test_a_gaussian_has_the_mean_and_variance_of_all_entries():
    """Within five standard errors: sd / sqrt(M) of the mean, sqrt(2 / M) of the variance's ratio."""
    before = network(n=200)
    off = ~np.eye(200, dtype=bool)
    entries, normal = before.dense()[off], drawn("gaussian", before).dense()[off]
    assert (normal != 0).all() and EXPECTED in NULLS["gaussian"].invariants
    assert abs(normal.mean() - entries.mean()) < 5 * entries.std() / np.sqrt(off.sum())
    assert abs(normal.var() / entries.var() - 1) < 5 * np.sqrt(2 / off.sum())
    assert abs((np.abs(normal - normal.mean()) < normal.std()).mean() - 0.6827) < 0.012


def test_dense_takes_the_majority_sign_of_a_mixed_neuron_and_the_usual_one_without():
    matrix = np.array([[0, -1, 2, 0], [3, 0, -3, 0], [4, -5, 0, 0], [5, 6, 1, 0.5]], float)
    after = drawn("dense", from_dense("m", matrix, np.array([*"abcd"]))).dense()
    size = np.abs(matrix[~np.eye(4, dtype=bool)]).sum() / 9
    expected = np.where(np.eye(4, dtype=bool), matrix, size * np.array([1, -1, 1, 1]))
    assert np.allclose(after, expected, rtol=1e-15)
    silent = drawn("dense", from_dense("m", -matrix * (np.arange(4) < 3), np.array([*"abcd"]))).dense()
    assert (silent[:3, 3] == -size).all()


@pytest.mark.parametrize("null", ["gaussian", "dense"])
def test_a_dense_null_refuses_what_would_not_fit(null):
    n, none = LARGEST_DENSE + 1, np.zeros(0, np.int64)
    with pytest.raises(ValueError, match=rf"null {null} makes all 20001\^2 edges: expected at most 20000 neurons"):
        drawn(null, Connectome("m", none, none, np.zeros(0), np.arange(n).astype(str)))


# ---- groups


@pytest.mark.parametrize("null", ["group", "weights_group"])
def test_groups_are_the_first_kind_that_neurons_share(null):
    before = network("mixed")
    fibers, names = before.labels["cell_fibers"], before.names
    for labels in (
        {"region": names, "cell_fibers": fibers},
        {"cell_fibers": names, "neurotransmitter": fibers},
        {"region": fibers},
        {"region": np.where(np.arange(60) < 30, "a", "b"), "neurotransmitter": fibers},
    ):
        made = Connectome("m", before.post, before.pre, before.weights, names, labels)
        after = drawn(null, made)
        after = Connectome("m", after.post, after.pre, after.weights, names, {"cell_fibers": fibers})
        assert is_kept("weights between groups", before, after)
    assert drawn(null, made).provenance["null_groups"] == "neurotransmitter"


ANY_GROUP = "a cell_fibers, neurotransmitter, region, super_class, class or type"


@pytest.mark.parametrize(
    ("null", "labels", "message"),
    [
        ("group", (), f"{ANY_GROUP}; made has labels none"),
        ("weights_group", ("side",), f"{ANY_GROUP}; made has labels side"),
        (
            "group",
            ("region", "side"),
            f"{ANY_GROUP}; made has a region of its own for every neuron",
        ),
        ("boundary", ("cell_fibers", "side"), "a region; made has labels cell_fibers, side"),
        ("boundary", ("region",), "a region; made has a region of its own for every neuron"),
    ],
)
def test_missing_groups_are_named(null, labels, message):
    before = network()
    made = Connectome(
        "made", before.post, before.pre, before.weights, before.names, dict.fromkeys(labels, before.names)
    )
    with pytest.raises(ValueError, match=f"null {null} needs neurons that share {message}"):
        drawn(null, made)


# ---- large


@cache
def large(n, edges):
    """Heavy-tailed out-degrees, regions, one sign per neuron."""
    rng = np.random.default_rng(0)
    spread = rng.lognormal(0, 0.6, n)
    pre = rng.choice(n, size=2 * edges, p=spread / spread.sum())
    keys = rng.permutation(np.unique(rng.integers(n, size=2 * edges) * n + pre))[:edges]
    post, pre = np.divmod(np.sort(keys), n)
    signs = np.where(rng.random(n) < 0.7, 1, -1)
    region = np.array([f"R{number}" for number in range(40)])[rng.integers(40, size=n)]
    weights = np.ceil(rng.lognormal(1, 1.2, edges)) * signs[pre]
    positions = rng.normal(size=(n, 3)) * [200, 100, 60]
    names = np.arange(n).astype(str)
    return Connectome("large", post, pre, weights, names, {"region": region}, positions=positions)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("null", ["degree", "boundary", "distance", "weights"])
def test_a_million_edges_take_less_than_a_minute(null):
    before = large(20_000, 1_000_000)
    start = time.process_time()
    after = drawn(null, before)
    assert time.process_time() - start < 60
    if null == "degree":
        assert is_kept("in-degrees", before, after) and is_kept("out-weights of every neuron", before, after)
        stayed = np.isin(after.post * after.n + after.pre, before.post * before.n + before.pre).mean()
        assert stayed < 0.01  # the density is 0.0025, and of busy neurons a little more


def test_degree_forgets_the_edges():
    """An edge is one of the data's as often after one draw as after two more: as often as chance has it."""
    before = large(300, 18_000)
    keys = before.post * 300 + before.pre
    after = drawn("degree", before)
    later = drawn("degree", drawn("degree", after, 2), 3)
    once, thrice = (np.isin(c.post * 300 + c.pre, keys).mean() for c in (after, later))
    assert abs(once - thrice) < 5 * np.sqrt(2 * 0.25 * 0.75 / 18_000)


@pytest.mark.parametrize("null", ["degree", "distance"])
def test_tables_of_places_give_the_exchanges_that_sorting_gives(null, monkeypatch):
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((40, 40)) * (rng.random((40, 40)) < 0.2)
    before = dataclasses.replace(from_dense("a", matrix, np.arange(40).astype(str)), positions=rng.random((40, 3)))
    found = []
    for places in (0, 10**9):
        monkeypatch.setattr(rewiring, "MOST_PLACES", places)
        after = drawn(null, before)
        found.append((after.post.tobytes(), after.pre.tobytes(), after.weights.tobytes()))
    assert found[0] == found[1] and (after.pre != before.pre).any()
