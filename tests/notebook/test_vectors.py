"""covariant_vectors: the arrays of the runner from the same options, its table and figure, and what it refuses."""

import numpy as np
import pytest

import randomnet as rn

OPTIONS = {"nle": 4, "tsim": 10}


def test_they_are_those_of_the_runner(tmp_path):
    options = {f"lyapunov.{name}": value for name, value in OPTIONS.items()}
    folder = rn.run({"experiment.kind": "spectrum", "paths.path_to_results": tmp_path / "r", "net.roi": "AB",
                     "lyapunov.vectors": 2, **options})  # fmt: skip
    arrays = folder.arrays()
    for network in (rn.network(rn.connectome("AB")), rn.connectome("AB"), folder.network()):
        record = rn.covariant_vectors(network, k=2, **OPTIONS)
        for name, values in record.arrays().items():
            np.testing.assert_array_equal(values, arrays[name], err_msg=name)


def test_they_are_of_the_present_values():
    network = rn.network(rn.connectome("AB"), activation="tanh_stretched")
    before = rn.covariant_vectors(network, k=1, **OPTIONS).vectors.weights
    values = network.module.values()
    network.module.assign({**values, "gains": 3 * values["gains"]})
    after = rn.covariant_vectors(network, k=1, **OPTIONS).vectors.weights
    assert np.abs(after - before).max() > 1e-3


def test_the_record_shows_itself():
    record = rn.covariant_vectors(rn.connectome("AB"), k=2, **OPTIONS)
    table = record.frame()
    assert repr(record).startswith("NetworkVectors: 2 of 58 vectors; lambda_max = ")
    sums = table.groupby(["kind_of_group", "index"])[["weight", "expected"]].sum()
    np.testing.assert_allclose(sums, 1.0)
    np.testing.assert_allclose(table["ratio"], table["weight"] / table["expected"])
    figure = record.plot()
    assert len([axes for axes in figure.axes if axes.images]) == 3 and figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda c: rn.covariant_vectors(np.eye(3)), TypeError, "expected a network or a connectome, got ndarray"),
        (lambda c: rn.covariant_vectors(c, k=0), ValueError, "k: expected at least 1 vector"),
        (lambda c: rn.covariant_vectors(c, k=5, nle=3), ValueError, "expected at most nle = 3"),
        (lambda c: rn.covariant_vectors(c, tsimm=3), TypeError, "tsim"),
        (lambda c: rn.covariant_vectors(c, initial_states=2), ValueError, r"covariant_vectors\(\).*one trajectory"),
        (lambda c: rn.spectrum(c, vectors=3), ValueError, r"covariant_vectors\(\) computes them"),
        (lambda c: rn.covariant_vectors(rn.network(c, adaptation=1), k=2), ValueError, "one variable each"),
    ],
)
def test_what_it_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call(rn.connectome("random", n=12))
