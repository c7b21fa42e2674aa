"""Null models and normalizations of the measured worm: what each claims, against plain NumPy on its file."""

import networkx as nx
import numpy as np
import pytest

from randomnet.connectome import SCALINGS
from randomnet.formats import Options, read_connectome
from randomnet.nulls import NULLS

GABA = 26  # neurons


@pytest.fixture(scope="module")
def worm(connectomes):
    return read_connectome(connectomes / "celegans" / "herm_pharynx.graphml")


@pytest.fixture(scope="module")
def gaps(connectomes):
    path = connectomes / "celegans" / "herm_pharynx.graphml"
    return read_connectome(path, options=Options(synapse_type="electrical"))


def of_neurons(connectome, end, values):
    """For each neuron, the sorted values of its edges at this end."""
    order = np.lexsort((values, end))
    return np.split(values[order], np.cumsum(np.bincount(end, minlength=connectome.n))[:-1])


def degrees(connectome, end):
    return np.bincount(end, minlength=connectome.n).tolist()


def test_the_worm_is_that_of_networkx(worm, connectomes):
    graph = nx.read_graphml(connectomes / "celegans" / "herm_pharynx.graphml")
    names = nx.get_node_attributes(graph, "cell_name")
    dense = np.zeros((worm.n, worm.n))
    place = {name: number for number, name in enumerate(worm.names.tolist())}
    for pre, post, edge in graph.edges(data=True):
        if edge["synapse_type"] == "C":
            dense[place[names[post]], place[names[pre]]] += edge["weight"]
    np.testing.assert_array_equal(np.abs(worm.dense()), dense)
    gaba = [name for node, name in names.items() if "GABA" in graph.nodes[node].get("neurotransmitters", "")]
    assert len(gaba) == GABA and all((worm.dense()[:, place[name]] <= 0).all() for name in gaba)


DIRECTED = [null for null in NULLS if null not in ("degree_undirected", "boundary", "distance")]


@pytest.mark.parametrize("null", DIRECTED)
def test_a_null_of_the_worm_keeps_what_it_claims(worm, null):
    made = NULLS[null].draw(worm, np.random.default_rng(1))
    kept = NULLS[null].invariants
    assert made.n == worm.n and made.names.tolist() == worm.names.tolist()
    assert (made.dense() != worm.dense()).sum() > 100
    if "number of edges" in kept or "weights" in kept:
        assert len(made.weights) == len(worm.weights)
    if "weights" in kept:
        assert sorted(made.weights) == sorted(worm.weights)
    if "edges" in kept:
        assert ((made.dense() != 0) == (worm.dense() != 0)).all()
    if "signs of edges" in kept:
        assert (np.sign(made.dense()) == np.sign(worm.dense())).all()
    if "in-degrees" in kept:
        assert degrees(made, made.post) == degrees(worm, worm.post)
    if "out-weights of every neuron" in kept:
        for now, before in zip(*(of_neurons(each, each.pre, each.weights) for each in (made, worm)), strict=True):
            assert now.tolist() == before.tolist()
    if null == "sign":
        assert (np.abs(made.dense()) == np.abs(worm.dense())).all()
        assert sorted(made.signs) == sorted(worm.signs) and (made.signs != worm.signs).any()


def test_gap_junctions_of_the_worm_stay_symmetric(gaps):
    made = NULLS["degree_undirected"].draw(gaps, np.random.default_rng(1))
    assert (gaps.dense() == gaps.dense().T).all() and (made.dense() == made.dense().T).all()
    assert degrees(made, made.post) == degrees(gaps, gaps.post) and sorted(made.weights) == sorted(gaps.weights)
    assert (made.dense() != gaps.dense()).any()


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("null", ["none", "degree"])
def test_a_normalization_of_the_worm_does_what_it_says(worm, name, null):
    before = worm if null == "none" else NULLS[null].draw(worm, np.random.default_rng(2))
    made = SCALINGS[name].scale(before)
    raw, dense = before.dense(), made.dense()
    assert (np.sign(dense) == np.sign(raw)).all()
    sums = {sign: np.where(np.sign(dense) == sign, dense, 0).sum(1) for sign in (1, -1)}
    has = {sign: (np.sign(raw) == sign).any(1) for sign in (1, -1)}
    if name == "balanced":
        assert all(np.allclose(sums[sign][has[sign]], 0.5 * sign, atol=1e-12) for sign in (1, -1))
    elif name == "sinkhorn":  # its pattern of edges has no balance
        assert all(np.allclose(sums[sign][has[sign]], 0.5 * sign, atol=1e-9) for sign in (1, -1))
        assert min(made.provenance["sinkhorn_residual"].values()) > 0.1
    elif name == "input_fraction":
        connected = (raw != 0).any(1)
        assert np.allclose(np.abs(dense).sum(1)[connected], 1)
    elif name == "in_degree":
        mean_square = (raw[raw != 0] ** 2).mean()
        expected = raw / np.sqrt(mean_square) / np.sqrt(np.maximum((raw != 0).sum(1), 1))[:, None]
        np.testing.assert_allclose(dense, expected)
    elif name == "log1p":
        np.testing.assert_allclose(dense, np.sign(raw) * np.log1p(np.abs(raw)))
    elif name == "spectral_radius":
        assert np.isclose(np.abs(np.linalg.eigvals(dense)).max(), 1)
    elif name == "abscissa":
        assert np.isclose(np.linalg.eigvals(dense).real.max(), 1)
    else:
        assert name == "frobenius" and np.isclose((dense**2).sum(), worm.n)
