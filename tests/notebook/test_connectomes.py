"""randomnet.connectome(): what the runner reads, from a name, a file, an array, a table or a record."""

import numpy as np
import pandas as pd
import pytest
import torch

import randomnet as rn
from randomnet.build.connectome import connectome_of
from randomnet.connectome import from_dense
from randomnet.schema.plan import read_plan


@pytest.fixture
def matrix():
    values = np.random.default_rng(0).normal(size=(12, 12))
    np.fill_diagonal(values, 0)
    return values


def test_it_is_the_network_that_an_ini_builds(tmp_path, matrix):
    np.save(tmp_path / "my.npy", matrix)
    ini = tmp_path / "my.ini"
    ini.write_text(
        "[paths]\npath_to_network = my.npy\n[net]\nnormalization = frobenius\ng = 3\nnull = degree\n"
        "[trainvalidate]\niterations = 2\n"
    )
    built = connectome_of(read_plan(ini).combos[0].runs()[1])
    network = rn.connectome(tmp_path / "my.npy", normalization="frobenius", g=3, null="degree", iteration=1)
    assert network.sha256() == built.sha256()


def test_arrays_tensors_and_tables_are_sources(tmp_path, matrix):
    np.save(tmp_path / "my.npy", matrix)
    expected = rn.connectome(tmp_path / "my.npy").dense()
    np.testing.assert_array_equal(rn.connectome(matrix).dense(), expected)
    np.testing.assert_array_equal(rn.connectome(torch.from_numpy(matrix)).dense(), expected)
    np.testing.assert_array_equal(rn.connectome(matrix, rows="target").dense(), expected.T)
    edges = rn.connectome(pd.DataFrame({"pre": ["a", "b"], "post": ["b", "c"], "weight": [2.0, -1.0]}), g=2,
                          normalization="none")  # fmt: skip
    assert edges.frame().values.tolist() == [["a", "b", 4.0], ["b", "c", -2.0]]


def test_a_null_keeps_degrees_and_follows_its_seed():
    network = rn.connectome("AB")
    first, again, other = (network.null("degree", seed=seed) for seed in (1, 1, 2))
    assert first.sha256() == again.sha256() != other.sha256()
    np.testing.assert_array_equal(np.bincount(first.post), np.bincount(network.post))
    assert rn.connectome("AB", null="degree", seed=1).sha256() == first.sha256()


def test_any_connectome_can_be_given_again(matrix):
    record = from_dense("mine", matrix, np.array([f"n{i}" for i in range(12)]))
    assert rn.connectome(record).weights.tolist() == record.weights.tolist()
    changed = rn.connectome("AB", g=2)
    changed = changed.replace(3 * changed.weights)
    assert rn.connectome(changed).weights.tolist() == changed.weights.tolist()
    with pytest.raises(ValueError, match="changed since"):
        changed.null("degree")


def test_described_networks_are_sources():
    network = rn.connectome(source="populations", sizes={"E": 20, "I": 10}, in_degree={"E": 5, "I": 3})
    assert network.n == 30 and "population" in network.labels


def test_it_shows_itself():
    network = rn.connectome("AB", g=2)
    assert "\n" not in repr(network) and "g = 2" in repr(network) and repr(network) in network._repr_html_()
    assert network.facts()["neurons"] == network.n and "neurons" in repr(network.facts())
    assert list(network.neurons()["name"]) == network.names.tolist()
    assert network.plot("degrees").axes
    with pytest.raises(ValueError, match="did you mean 'degrees'"):
        network.plot("degree")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (("AB",), {"normalisation": "none"}, TypeError, "did you mean 'normalization'"),
        (("AB",), {"normalization": "sinkhron"}, ValueError, "did you mean 'sinkhorn'"),
        (("AB",), {"tsim": 3}, TypeError, r"belongs to \[lyapunov\]"),
        (("AB",), {"symmetry": 0.5}, ValueError, "applies only where net.roi = random"),
        (("ABC",), {}, ValueError, "did you mean 'AB'"),
        (("",), {}, ValueError, "expected a file, a folder, or one of"),
        ((np.ones((2, 3)),), {}, ValueError, r"matrix \(N, N\), got shape \(2, 3\)"),
        ((3,), {}, TypeError, "got int"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_nearest_name(arguments, options, error, text):
    with pytest.raises(error, match=text) as raised:
        rn.connectome(*arguments, **options)
    assert "\n" not in str(raised.value)
