"""Sensitivities of exponents against finite differences and, for a symmetric network at rest, closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from randomnet import results
from randomnet.build.network import build_setup, double
from randomnet.build.spectra import system_of
from randomnet.connectome.label_groups import LabelGroup
from randomnet.kinds.spectra import compute_spectrum
from randomnet.kinds.spectrum.sensitivities import network_sensitivities
from randomnet.kinds.spectrum.vectors import vectors_of_network
from randomnet.lyapunov.sensitivity import mean_and_error, windows_of
from tests.support.spectral_runs import experiment, runs_of

STEP = 1e-5
SHORT = ("lyapunov.tsim=12", "lyapunov.nle=3", "lyapunov.vectors=3")
TASK = ("trialparams.task_name=flip_flop", "trialparams.nr_of_trials=10", "trialparams.trial_steps=10",
        "model.dt=0.1", "lyapunov.tons=0.2")  # fmt: skip


def run_with(tmp_path, *changes):
    path = tmp_path / "a.ini"
    path.write_text("[experiment]\nkind = spectrum\n[net]\nroi = random\nn = 12\ng = 3\n[lyapunov]\ntransient = 5\n"
                    "frame_transient = 5\n[model]\nactivation = tanh_stretched\n")  # fmt: skip
    return runs_of(tmp_path, *changes, name="a")[0]


def mean_rates(run, setup, windows, network):
    """The mean growth rates over the windows of a network with other values, without gradient."""
    with torch.no_grad():
        system = system_of(run, replace(setup, network=network))
        return np.mean([windows.rates(system, index).numpy() for index in range(len(windows.starts))], 0)


def difference(run, setup, windows, name, change):
    """Central difference of the mean rates (k,) along `change` of the values of one name."""
    ends = []
    for sign in (1, -1):
        network = double(setup.network)
        values = network.values()
        network.assign({**values, name: values[name] + sign * STEP * change})
        ends.append(mean_rates(run, setup, windows, network))
    return (ends[0] - ends[1]) / (2 * STEP)


@pytest.mark.parametrize(
    "changes",
    [(), ("model.form=rate",), pytest.param(("model.integrator=rk4",), marks=pytest.mark.slow),
     ("net.parameter=weights + gains + shifts",), TASK],
    ids=["current", "rate", "rk4", "drawn gains", "task"],
)  # fmt: skip
def test_they_are_finite_differences_over_the_same_windows(tmp_path, changes):
    run = run_with(tmp_path, *SHORT, *changes)
    setup = build_setup(run)
    found = vectors_of_network(run, setup, compute_spectrum(run, setup, 3))
    half = np.arange(12) < 5
    groups = (LabelGroup("half", "a", np.flatnonzero(half)), LabelGroup("half", "b", np.flatnonzero(~half)))
    system = system_of(run, setup)
    sums = network_sensitivities(double(setup.network), system, found.vectors, groups)
    windows = windows_of(found.vectors, system.dt, setup.state)
    assert sums.window == 5 and sums.windows == len(windows.starts) == 2
    for name in ("gains", "shifts"):
        for neuron in (0, 7):
            change = torch.zeros(12).double()
            change[neuron] = 1
            expected = difference(run, setup, windows, name, change)
            np.testing.assert_allclose(sums.means[name][:, neuron], expected, rtol=1e-4, atol=1e-7)
    weights = double(setup.network).values()["weights"]
    for column, (post, pre) in enumerate([(half, half), (half, ~half), (~half, half), (~half, ~half)]):
        chosen = post[setup.connectome.post] & pre[setup.connectome.pre]
        expected = difference(run, setup, windows, "weights", weights * torch.from_numpy(chosen))
        np.testing.assert_allclose(sums.means["pairs"][:, column], expected, rtol=1e-4, atol=1e-7)
    names = list(zip(sums.pairs.post, sums.pairs.pre, strict=True))
    assert names == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]


@pytest.mark.parametrize("changes", [(), TASK], ids=["undriven", "task"])
def test_windows_begin_where_the_record_was(tmp_path, changes):
    """The state of a window, advanced from its time, is a later state of the record, also along trials."""
    run = run_with(tmp_path, *SHORT, *changes)
    setup = build_setup(run)
    vectors, system = vectors_of_network(run, setup, compute_spectrum(run, setup, 3)).vectors, system_of(run, setup)
    windows = windows_of(vectors, system.dt, setup.state)
    for bundle, start in zip(windows.bundles, windows.starts, strict=True):
        after = system.advance(bundle, 20, start)[0].detach().numpy()
        place = round((start - vectors.start + 20) * system.dt / vectors.interval) - 1
        np.testing.assert_allclose(after, vectors.states[place], atol=1e-10)


def test_of_a_sparse_network_they_are_those_of_its_dense_copy(tmp_path, monkeypatch):
    run = run_with(tmp_path, *SHORT)
    dense = build_setup(run)
    monkeypatch.setattr("randomnet.rnn.network.is_sparse", lambda n, edges: True)
    sparse = build_setup(run)
    assert sparse.network.pattern is not None and dense.network.pattern is None
    first, second = (vectors_of_network(run, setup, compute_spectrum(run, setup, 3)) for setup in (dense, sparse))
    groups = [LabelGroup("half", "a", np.arange(5)), LabelGroup("half", "b", np.arange(5, 12))]
    sums = [network_sensitivities(double(setup.network), system_of(run, setup), each.vectors, groups)
            for setup, each in ((dense, first), (sparse, second))]  # fmt: skip
    for name in ("gains", "shifts", "pairs"):
        np.testing.assert_allclose(sums[0].means[name], sums[1].means[name], rtol=1e-6, atol=1e-9)


def test_of_a_symmetric_network_at_rest_they_are_those_of_eigenvalues(tmp_path):
    """lambda = ln(1 - dt + dt mu) / dt for an eigenvalue mu of J diag(gains), at the state 0."""
    changes = ("net.symmetry=1", "net.g=0.3", "lyapunov.tsim=12", "lyapunov.transient=150",
               "lyapunov.frame_transient=150", "lyapunov.nle=12", "lyapunov.vectors=3")  # fmt: skip
    folder = experiment(tmp_path, "spectrum", *changes)
    arrays = results.read_arrays(folder / "0" / "iter_0" / "arrays.npz")
    values, vectors = np.linalg.eigh(build_setup(runs_of(tmp_path, *changes)[0]).connectome.dense())
    values, vectors = values[::-1][:3], vectors[:, ::-1].T[:3]
    slope = 1 / (0.9 + 0.1 * values)  # of lambda over mu
    expected = (slope * values)[:, None] * vectors**2
    np.testing.assert_allclose(arrays["sensitivity_gains"], expected, atol=1e-5)
    assert arrays["sensitivity_gains_stderr"].max() < 1e-5


def test_without_gains_there_are_edges_alone_and_with_factors_gains_alone(tmp_path):
    for changes, names in ((("model.activation=tanh",), {"pairs"}), (("net.rank=1",), {"gains", "shifts"})):
        run = run_with(tmp_path, *SHORT, *changes)
        setup = build_setup(run)
        arrays = vectors_of_network(run, setup, compute_spectrum(run, setup, 3)).sensitivities.means
        assert set(arrays) == names


def test_values_that_neurons_share_have_the_sum_of_their_sensitivities(tmp_path):
    """Of a connectome whose gains are shared by neurotransmitter."""
    path = tmp_path / "a.ini"
    text = "[experiment]\nkind = spectrum\n[net]\nroi = AB\n[model]\nactivation = tanh_stretched\ngroups = {}\n"
    sums = []
    for groups in ("neuron", "neurotransmitter"):
        path.write_text(text.format(groups))
        run = runs_of(tmp_path, *SHORT, name="a")[0]
        setup = build_setup(run)
        sums.append(vectors_of_network(run, setup, compute_spectrum(run, setup, 3)).sensitivities.means["gains"])
    members = setup.connectome.labels["neurotransmitter"][:, None] == setup.labels
    np.testing.assert_allclose(sums[1], sums[0] @ members, rtol=1e-6, atol=1e-9)


def test_errors_are_those_of_the_mean_over_windows():
    values = np.random.default_rng(1).standard_normal((20, 3))
    mean, error = mean_and_error(values)
    np.testing.assert_allclose(mean, values.mean(0))
    np.testing.assert_allclose(error, values.std(0, ddof=1) / np.sqrt(20))
    assert np.isnan(mean_and_error(values[:1])[1]).all()


def test_forward_vectors_go_back_along_trials_by_the_transposed_tangent(tmp_path):
    """The tangent goes on from trial to trial, where the state starts anew."""
    run = run_with(tmp_path, *SHORT, *TASK)
    setup = build_setup(run)
    found, system = vectors_of_network(run, setup, compute_spectrum(run, setup, 3)), system_of(run, setup)
    steps, unit = round(found.vectors.interval / system.dt), torch.eye(12).double()
    for sample, state in enumerate(torch.from_numpy(found.vectors.states[:-1])):
        start = found.vectors.start + (sample + 1) * steps
        jacobian = system.advance(torch.cat([state[None], unit]), steps, start)[1:].T.detach().numpy()
        back = jacobian.T @ found.forward[sample + 1, 0]
        assert abs(back @ found.forward[sample, 0]) / np.linalg.norm(back) > 1 - 1e-10
