"""kind = spectrum with covariant vectors: weights of neurons and groups against eigenvectors, and what is refused."""

import numpy as np
import pytest

from randomnet import results
from randomnet.build.network import build_setup
from randomnet.connectome import Connectome
from randomnet.connectome.label_groups import label_groups
from randomnet.kinds.spectrum.run import estimate
from randomnet.kinds.spectrum.vectors import time_of_vectors
from randomnet.schema.plan import read_plan
from tests.support.runs import run
from tests.support.spectral_runs import experiment, runs_of

AB = """[experiment]
kind = spectrum
[paths]
path_to_results = {out}
[net]
roi = AB
[lyapunov]
nle = 4
tsim = 10
vectors = 2
[trainvalidate]
iterations = 2
[execution]
workers = 1
"""
LONG = ("lyapunov.tsim=40", "lyapunov.transient=150", "lyapunov.frame_transient=150", "lyapunov.nle=12")
SYMMETRIC = ("net.symmetry=1", "net.g=0.3", "model.activation=tanh", *LONG)


def arrays_of(folder, iteration=0):
    return results.read_arrays(folder / "0" / f"iter_{iteration}" / "arrays.npz")


def test_of_a_network_at_rest_the_weights_are_squared_eigenvectors(tmp_path):
    """With tanh, g < 1 and symmetric J the state is 0, and vector i is eigenvector i of J."""
    folder = experiment(tmp_path, "spectrum", *SYMMETRIC, "lyapunov.vectors=3")
    setup = build_setup(runs_of(tmp_path, *SYMMETRIC)[0])
    values, vectors = np.linalg.eigh(setup.connectome.dense())
    arrays = arrays_of(folder)
    expected = vectors[:, ::-1].T[:3] ** 2
    np.testing.assert_allclose(arrays["covariant_weights"], expected, atol=1e-5)
    np.testing.assert_allclose(arrays["backward_weights"], expected, atol=1e-5)
    np.testing.assert_allclose(arrays["forward_weights"], expected, atol=1e-5)
    np.testing.assert_allclose(arrays["forward_participation"], arrays["covariant_participation"], rtol=1e-3)
    np.testing.assert_allclose(arrays["covariant_participation"], 1 / (expected**2).sum(1), rtol=1e-4)
    np.testing.assert_allclose(arrays["vector_exponents"], np.log(0.9 + 0.1 * values[::-1][:3]) / 0.1, atol=1e-6)
    assert arrays["vector_separated"].all() and arrays["vector_unstable"] == 0 and not arrays["splitting_angles"].size
    table = results.load(folder).table
    assert table["vectors"][0] == 3 and table["participation"][0] == pytest.approx(arrays["covariant_participation"][0])


def test_groups_of_a_connectome_are_those_of_its_labels_and_signs(tmp_path):
    ini = tmp_path / "a.ini"
    ini.write_text(AB.format(out=tmp_path / "out"))
    assert run(ini) == 0
    arrays, connectome = arrays_of(tmp_path / "out"), build_setup(read_plan(ini).combos[0].runs()[0]).connectome
    kinds, names, sums = (arrays[f"vector_group_{part}"] for part in ("kinds", "names", "weights"))
    assert set(kinds) == {"neurotransmitter", "cell_fibers", "sign"}
    for kind, name, size, weight in zip(kinds, names, arrays["vector_group_sizes"], sums.T, strict=True):
        sign = {"excitatory": 1, "inhibitory": -1}.get(name)
        members = connectome.signs == sign if kind == "sign" else connectome.labels[kind] == name
        assert size == members.sum()
        np.testing.assert_allclose(weight, arrays["covariant_weights"][:, members].sum(1))
    for kind in set(kinds):
        np.testing.assert_allclose(sums[:, kinds == kind].sum(1), 1.0)


def test_labels_that_tell_nothing_make_no_groups():
    labels = {"type": np.array(["a", "b", "c"]), "side": np.array(["l", "l", "l"]), "half": np.array(["r", "", "r"])}
    edges = (np.array([0]), np.array([1]), np.array([2.0]))
    groups = label_groups(Connectome("x", *edges, np.array(list("abc")), labels), np.array([1, -1, 0]))
    found = [(group.kind, group.name, group.size, group.members.tolist()) for group in groups]
    assert found == [("half", "unlabelled", 1, [1]), ("half", "r", 2, [0, 2])]


def test_a_chaotic_network_has_angles_and_the_exponents_of_its_spectrum(tmp_path):
    changes = ("net.n=60", "net.g=6", "model.activation=tanh", "lyapunov.nle=60", "lyapunov.vectors=8")
    folder = experiment(tmp_path, "spectrum", *changes)
    arrays, row = arrays_of(folder), results.load(folder).table.iloc[0]
    assert row["n_positive"] > 0
    assert arrays["vector_exponents"][0] == pytest.approx(arrays["exponents"][0], abs=1e-10), "the same vector"
    np.testing.assert_allclose(arrays["vector_exponents"], arrays["exponents"][:8], atol=0.15)
    assert arrays["splitting_angles"].shape == arrays["vector_times"].shape
    assert row["angle_smallest"] == arrays["splitting_angles"].min() < row["angle_mean"] < np.pi / 2


def test_other_arrays_are_those_without_vectors(tmp_path):
    with_vectors, without = (arrays_of(experiment(tmp_path, "spectrum", f"lyapunov.vectors={k}", name=f"k{k}"))
                             for k in (2, 0))  # fmt: skip
    assert not [name for name in without if "vector" in name or "covariant" in name]
    for name in without:
        np.testing.assert_array_equal(with_vectors[name], without[name])


@pytest.mark.parametrize(
    ("kind", "changes", "text"),
    [
        ("spectrum", ("lyapunov.vectors=5", "lyapunov.nle=3"), "vectors: expected at most nle = 3"),
        ("spectrum", ("lyapunov.vectors=2", "lyapunov.initial_states=2"), "expected 0 with several initial_states"),
        ("spectrum", ("lyapunov.vectors=-1",), "vectors"),
        ("transition", ("lyapunov.vectors=2",), "vectors"),
    ],
)
def test_what_cannot_have_vectors_is_refused(tmp_path, capsys, kind, changes, text):
    experiment(tmp_path, kind, *changes, code=2)
    assert text in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_vectors_that_do_not_fit_into_memory_are_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("randomnet.kinds.spectrum.vectors.machine_memory", lambda: 1e6)
    experiment(tmp_path, "spectrum", "lyapunov.vectors=12", "lyapunov.nle=12", code=2)
    assert "vectors: expected as many as fit into" in capsys.readouterr().err and not (tmp_path / "out").exists()
    experiment(tmp_path, "spectrum", "lyapunov.vectors=1", "lyapunov.nle=12")


def test_a_direction_that_vanishes_leaves_a_note(tmp_path):
    """With relu, dt = 1 and one QR per step, directions of silent neurons vanish at once."""
    changes = ("model.activation=relu", "model.dt=1", "lyapunov.tons=1", "net.g=0.5", "lyapunov.vectors=12",
               "lyapunov.nle=12")  # fmt: skip
    row = results.load(experiment(tmp_path, "spectrum", *changes)).table.iloc[0]
    assert row["status"] == "complete" and "no covariant vectors: a direction shrinks" in row["notes"]


def test_forward_vectors_of_a_network_at_rest_are_left_eigenvectors(tmp_path):
    """Of a network with weights of one sign the leading eigenvalue is real and simple (Perron and Frobenius)."""
    weights = np.random.default_rng(0).uniform(0, 0.1, (12, 12))
    np.fill_diagonal(weights, 0)
    np.save(tmp_path / "w.npy", weights)
    ini = tmp_path / "a.ini"
    ini.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_results = {tmp_path / 'out'}\n"
                   f"path_to_network = {tmp_path / 'w.npy'}\n[net]\nnormalization = none\n[model]\nactivation = tanh\n"
                   "[lyapunov]\nnle = 3\nvectors = 1\ntsim = 20\ntransient = 150\nframe_transient = 150\n"
                   "[execution]\nworkers = 1\n")  # fmt: skip
    assert run(ini) == 0
    arrays, matrix = arrays_of(tmp_path / "out"), build_setup(read_plan(ini).combos[0].runs()[0]).connectome.dense()
    for name, of in (("covariant_weights", matrix), ("forward_weights", matrix.T)):
        values, vectors = np.linalg.eig(of)
        leading = vectors[:, values.real.argmax()].real
        np.testing.assert_allclose(arrays[name][0], leading**2, atol=1e-6)
    assert np.abs(arrays["covariant_weights"] - arrays["forward_weights"]).max() > 0.01


def test_the_estimated_time_has_that_of_the_vectors(tmp_path):
    """As if the frame of 1 + 2 vectors went along the record and back; of 2 of 11 exponents, for 60 and 5 + 5 tau."""
    experiment(tmp_path, "spectrum", "lyapunov.tsim=1")
    run_without, run_with = (runs_of(tmp_path, "lyapunov.nle=11", f"lyapunov.vectors={k}")[0] for k in (0, 2))
    passes = (60 + 5 + 5 + 5) + 2 * 2 * 60 + (1 + 2) * (60 + 5)
    assert time_of_vectors(run_without, 11) == 0
    assert time_of_vectors(run_with, 11) == pytest.approx(3 / 12 * passes)
    assert estimate([run_with]).run > 0
