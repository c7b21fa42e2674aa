"""Factors that act on edges alone: J = W + m n^T / N where there is an edge and 0 elsewhere, with signs that are kept;
and factors drawn with means and covariances."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.analysis import jacobian_of
from randomnet.build.batched_network import BatchedNetwork
from randomnet.build.connectome import connectome_of
from randomnet.build.low_rank import factors_of
from randomnet.build.network import build_setup
from randomnet.build.populations import PopulationView
from randomnet.build.trials import trials_of
from randomnet.connectome import Connectome, from_dense
from randomnet.lyapunov import Schedule, random_frame, spectrum
from randomnet.rnn import (
    FACTORS,
    FORMS,
    INTERFACE,
    Dense,
    LowRank,
    LowRankFactors,
    Network,
    Pattern,
    Sparse,
    run_trials,
    stack_networks,
)
from randomnet.rnn.reconstruction import network_from_description
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from tests.support.low_rank import EXACT, dense, gradients, leaves, randn
from tests.support.low_rank_runs import BASE, N_BACK, POPULATIONS, RANDOM, arrays_of, experiment, ini, run_of, sets
from tests.support.runs import run

N, K, CHANNELS, OUTPUTS = 12, 2, 2, 2
EDGES = ("net.factor_on=edges",)
SIGNED = (*EDGES, "net.dales_law=True", "net.factor_sd=4", "trainvalidate.init=connectome")
TASK = (*N_BACK, *EDGES, "trainvalidate.optimizer=AdamW")
SMALL = ("lyapunov.tsim=2", "lyapunov.transient=1", "lyapunov.frame_transient=1")


def connectome(seed=0, share=0.4, law=True):
    """With autapses; law: each neuron has one sign."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((N, N)) / 3
    if law:
        matrix = np.abs(matrix) * np.where(np.arange(N) % 3, 1, -1)
    return from_dense("test", matrix * (rng.random((N, N)) < share), np.arange(N).astype(str))


def network(seed=0, form="current", task=False, sparse=False, law=True, of=None, scale=1.5):
    """A network with factors on edges, all of which may be trained, and many edges that the signs bring to 0."""
    rng, of = np.random.default_rng(50 + seed), connectome(seed) if of is None else of
    everything = {"weights": np.arange(len(of.weights)), **dict.fromkeys(FACTORS, np.arange(N * K))}
    shapes = [(N, CHANNELS), (N,), (N,), (OUTPUTS, N), (OUTPUTS,)]
    interface = {name: 0.3 * rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    factors = LowRankFactors(*(scale * rng.standard_normal((N, K)) for _ in FACTORS), on_edges=True)
    made = Network(of, form=form, dt=0.3, trainable=everything, keep_signs=law, interface=interface if task else None,
                   factors=factors)  # fmt: skip
    if sparse:
        made.pattern = Pattern(of.post, of.pre, N)
    return made


def by_hand(edges, weights, output, selection, law):
    """J, edge after edge; edges: (post, pre, sign)."""
    matrix, clipped = np.zeros((len(output), len(output))), 0
    for (post, pre, sign), weight in zip(edges, weights, strict=True):
        value = weight + sum(output[post] * selection[pre]) / len(output)
        clipped += bool(law and value * sign < 0)
        matrix[post, pre] = 0 if law and value * sign < 0 else value
    return matrix, clipped


def matrix_of(own, of, values=None):
    """J of a network's values by hand, and how many edges its signs bring to 0."""
    held = {name: each.double().numpy() for name, each in (values or own.values()).items()}
    edges = list(zip(of.post, of.pre, np.sign(of.weights), strict=True))
    law = own.weights.signs is not None
    return by_hand(edges, held["weights"], held[FACTORS[0]], held[FACTORS[1]], law)


# ---- the matrix


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("law", [False, True])
def test_j_is_that_of_edges_and_nothing_else(law, sparse):
    own, of = network(law=law, sparse=sparse), connectome()
    matrix, clipped = matrix_of(own, of)
    assert (clipped > 5) == law and np.count_nonzero(matrix) == len(of.weights) - clipped
    np.testing.assert_allclose(own.matrix().detach(), matrix, rtol=1e-14, atol=1e-16)
    assert own.factors_on == ("edges, signs kept" if law else "edges")
    coupling = own.dynamics().coupling
    assert isinstance(coupling, Sparse if sparse else Dense)
    rows = randn(4, N)
    torch.testing.assert_close(coupling.product(rows), rows @ torch.from_numpy(matrix).mT)
    if law:
        assert (matrix * np.sign(of.dense()) >= 0).all()


def test_between_all_units_they_are_the_factors_beside_the_weights():
    """A network of all edges, autapses too, for which there is no difference."""
    of = connectome(share=1.1, law=False)
    assert len(of.weights) == N * N
    one = network(of=of, law=False)
    other = Network(of, dt=0.3, factors=LowRankFactors(*(values.detach().numpy() for values in one.factors())))
    assert isinstance(other.dynamics().coupling, LowRank) and other.factors_on == "all"
    state = randn(3, N)
    torch.testing.assert_close(one.dynamics().step(state), other.dynamics().step(state), **EXACT)
    torch.testing.assert_close(one.matrix(), other.matrix(), **EXACT)


def test_a_sparse_network_never_has_a_matrix():
    """One of 10^5 x 10^5 would take 80 GB."""
    n, rng = 100_000, np.random.default_rng(0)
    post, pre = np.arange(n).repeat(2), np.stack([np.arange(n) // 2, np.arange(n) // 2 + n // 3], 1).ravel()
    of = Connectome("ring", post, pre, rng.standard_normal(2 * n), np.arange(n).astype(str))
    factors = LowRankFactors(*(100 * rng.standard_normal((n, 2)) for _ in FACTORS), on_edges=True)
    trainable = dict.fromkeys(FACTORS, np.arange(2 * n))
    own = Network(of, activation="tanh", factors=factors, keep_signs=False, trainable=trainable)
    state = randn(n)
    after = own.dynamics().step(state)
    weights = of.weights + (factors.output[post] * factors.selection[pre]).sum(1) / n
    arriving = np.bincount(post, weights * np.tanh(state.numpy())[pre], n)
    np.testing.assert_allclose(after.detach(), 0.9 * state.numpy() + 0.1 * arriving, rtol=1e-10, atol=1e-12)
    after.sum().backward()
    wanted = 0.1 * np.bincount(post, factors.selection[pre, 1] * np.tanh(state.numpy())[pre], n) / n
    np.testing.assert_allclose(own.output_factors.free.grad.view(n, 2)[:, 1], wanted, rtol=1e-10, atol=1e-18)


# ---- steps, gradients, spectra


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_steps_tangents_and_gradients_are_those_of_the_matrix(form, sparse):
    own = network(form=form, sparse=sparse)
    bundle, weigh = randn(4, N, seed=1).requires_grad_(), randn(4, N, seed=2)
    system, plain = own.dynamics(), dense(own)
    torch.testing.assert_close(system.tangent(bundle[0], bundle[1:]), plain.tangent(bundle[0], bundle[1:]), **EXACT)
    jacobian = torch.func.jacrev(plain.step)(bundle[0].detach())
    torch.testing.assert_close(jacobian_of(system)(bundle[:1])[0], jacobian, **EXACT)
    after, expected = system.advance(bundle, 5), bundle
    for _ in range(5):
        expected = plain.step_bundle(expected)
    torch.testing.assert_close(after, expected, **EXACT)
    wanted = [bundle, *leaves(own)]
    pairs = zip(gradients((after * weigh).sum(), wanted), gradients((expected * weigh).sum(), wanted), strict=True)
    for found, other in pairs:
        torch.testing.assert_close(found, other, **EXACT)


@pytest.mark.parametrize("law", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_of_finite_differences(form, law):
    own, bundle, weigh = network(form=form, law=law), randn(3, N, seed=1), randn(3, N, seed=2)
    free = [own.output_factors.free, own.selection_factors.free, own.weights.free]
    found = gradients((own.dynamics().advance(bundle, 4) * weigh).sum(), free)
    with torch.no_grad():
        for parameter, gradient in zip(free, found, strict=True):
            direction, values = randn(len(parameter), seed=3), []
            for sign in (1, -1):
                parameter.add_(sign * 1e-6 * direction)
                values.append(float((own.dynamics().advance(bundle, 4) * weigh).sum()))
                parameter.sub_(sign * 1e-6 * direction)
            assert float(gradient @ direction) == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6)
    clipped = (own.edge_weights() == 0).numpy()
    assert (clipped.sum() > 5) == law
    assert not found[2][torch.from_numpy(clipped)].any() and bool(found[2][torch.from_numpy(~clipped)].all())


def test_spectra_are_those_of_the_matrix_by_hand():
    own, of = network(form="rate"), connectome()
    state, frame = randn(N), torch.from_numpy(random_frame(np.random.default_rng(0), N, N))
    formed = replace(own.dynamics(), coupling=Dense(torch.from_numpy(matrix_of(own, of)[0])))
    with torch.no_grad():
        found, expected = (
            spectrum(system, state, frame, Schedule(20, 0.3, 1, 1)).exponents for system in (own.dynamics(), formed)
        )
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_networks_side_by_side_are_those_of_each_alone():
    networks = [network(seed, task=True, law=seed > 0, of=connectome(seed)) for seed in range(3)]
    inputs = randn(3, 6, 4, CHANNELS)
    together = run_trials(*stack_networks(networks), inputs)
    for index, own in enumerate(networks):
        alone = own.run(inputs[index])
        for found, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(found[index], wanted, **EXACT)
        pairs = zip(
            gradients(together[1][index].square().sum(), leaves(own)),
            gradients(alone[1].square().sum(), leaves(own)),
            strict=True,
        )
        for found, wanted in pairs:
            torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)


def test_edges_that_are_absent_stay_absent_and_signs_stay(tmp_path):
    """After AdamW with a learning rate that takes weights through 0."""
    out = experiment(tmp_path, *TASK, *SIGNED, "trainvalidate.lr=0.3", "trainvalidate.epochs=6", network=POPULATIONS)
    model = torch.load(out / "0" / "iter_0" / "model.pt", weights_only=True)
    of = connectome_of(run_of(tmp_path, *TASK, *SIGNED, network=POPULATIONS))
    own = build_setup(run_of(tmp_path, *TASK, *SIGNED, network=POPULATIONS)).network
    first = own.matrix().detach().clone().numpy()
    own.assign(model["last"])
    last, signs = own.matrix().detach().numpy(), np.sign(of.dense())
    assert model["network"]["factors_on"] == "edges, signs kept"
    assert (last * signs >= 0).all() and not last[signs == 0].any()
    assert (model["last"]["weights"] == 0).any() and not np.allclose(first, last)
    matrix, clipped = matrix_of(own, of, model["last"])
    assert clipped
    np.testing.assert_allclose(last, matrix, rtol=1e-5, atol=1e-7)
    again = network_from_description(model["network"], model["last"])  # signs of edges without weight too
    assert torch.equal(again.matrix(), own.matrix().detach())


# ---- whole experiments


def test_a_task_is_solved_by_the_j_of_edges(tmp_path):
    """With readout = overlap: the overlaps, the outputs and the spectral radius, re-implemented."""
    changes = (*TASK, *SIGNED, "net.rank=3", "net.readout=overlap")
    out = experiment(tmp_path, *changes, network=POPULATIONS)
    arrays, one = arrays_of(out), run_of(tmp_path, *changes, network=POPULATIONS)
    of, start = connectome_of(one), build_setup(one)
    last = torch.load(out / "0" / "iter_0" / "model.pt", weights_only=True)["last"]
    matrix, clipped = matrix_of(start.network, of, last)
    assert clipped and np.count_nonzero(matrix) < len(of.weights) < of.n**2 / 2
    held = {name: values.double().numpy() for name, values in last.items()}
    inputs = trials_of(one)[1].inputs
    rates, path = np.zeros((len(inputs), of.n)), []
    for now in inputs.transpose(1, 0, 2):
        bias = held["input_bias"] + held["recurrent_bias"]
        rates = np.tanh(rates @ matrix.T + now @ held["input_weights"].T + bias)
        path.append(rates @ held[FACTORS[1]] / of.n)
    np.testing.assert_allclose(arrays["overlaps_final"], np.stack(path, 1), rtol=1e-4, atol=1e-5)
    radius = pd.read_csv(out / "summary.csv")["spectral_radius_final"][0]
    assert radius == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-5)


def test_runs_of_either_law_side_by_side_give_the_numbers_of_one_after_the_other(tmp_path):
    """With the radius they begin with, which the law changes though no value differs."""
    tables, arrays = [], []
    for name, size in (("alone", 1), ("beside", 2)):
        grid = 'combosparams.combos_params={"dales_law": [false, "auto"]}'
        changes = (*TASK, *EDGES, "net.factor_sd=4", f"execution.batch_runs={size}", grid)
        out = experiment(tmp_path, *changes, "trainvalidate.precision=float64", name=name)
        tables.append(pd.read_csv(out / "summary.csv"))
        arrays.append([arrays_of(out, combo) for combo in range(2)])
    columns = ["spectral_radius_initial", "spectral_radius_final", "loss_initial", "loss_final"]
    pd.testing.assert_frame_equal(*(table[columns] for table in tables), rtol=1e-8)
    assert tables[0]["spectral_radius_initial"].nunique() == 2
    for alone, beside in zip(*arrays, strict=True):
        for name in FACTORS:
            np.testing.assert_allclose(beside[f"{name}_final"], alone[f"{name}_final"], rtol=1e-8, atol=1e-12)


def test_the_next_task_goes_on_with_the_same_j(tmp_path, capsys):
    changes = (*TASK, *SIGNED, "trainvalidate.lr=0.3", "trainvalidate.epochs=6")
    first = experiment(tmp_path, *changes, network=POPULATIONS, name="first")
    stored = first / "0" / "model_state_dict_epoch_5_iter_0.pth"
    state = torch.load(stored, weights_only=True)
    of = connectome_of(run_of(tmp_path, *changes, network=POPULATIONS))
    assert 0 < (state["rnn.weight_hh_l0"] != 0).sum() < len(of.weights) == len(state["factor_edges"])
    next_ = (*changes, "trialparams.task_name=seq_mem", f"paths.pretrained={stored}")
    begun = build_setup(run_of(tmp_path, *next_, network=POPULATIONS)).network
    model = torch.load(first / "0" / "iter_0" / "model.pt", weights_only=True)
    own = build_setup(run_of(tmp_path, *changes, network=POPULATIONS)).network
    own.assign(model["last"])
    torch.testing.assert_close(begun.matrix(), own.matrix())
    assert torch.equal(begun.edges, own.edges)
    capsys.readouterr()
    assert run(ini(tmp_path, POPULATIONS), *sets([*next_, "net.factor_on=all"])) == 2
    assert f"[net] factor_on: expected with net.dales_law that of {stored}, whose" in capsys.readouterr().err
    torch.save(state | {"factor_edges": torch.tensor([3, 24 * 24])}, stored)
    assert run(ini(tmp_path, POPULATIONS), *sets(next_)) == 2
    assert "factor_edges: expected whole numbers from 0 to 575, got others" in capsys.readouterr().err


def test_a_spectrum_is_that_of_the_trained_j(tmp_path, capsys):
    text = BASE.format(out=tmp_path / "first", network=POPULATIONS)
    (tmp_path / "first.ini").write_text(text.split("[trainvalidate]")[0] + "[execution]\nworkers = 1\n")
    small = (*SMALL, "net.rank=1", "net.factor_on=edges", "net.factor_sd=3", "model.groups=neuron")
    changes = sets([*small, "trainvalidate.epochs=2", "trainvalidate.train_weights=True"])
    assert run(tmp_path / "first.ini", *changes) == 0
    model = tmp_path / "first" / "0" / "iter_0" / "model.pt"
    held = torch.load(model, weights_only=True)
    taken = [*small, "experiment.kind=spectrum", f"paths.pretrained={model}"]
    (one,) = read_plan(tmp_path / "first.ini", taken).combos[0].runs()
    start = build_setup(one)
    matrix, clipped = matrix_of(start.network, start.connectome, held["last"])
    assert clipped and held["network"]["factors_on"] == "edges, signs kept"
    np.testing.assert_allclose(start.network.matrix().detach(), matrix, rtol=1e-6, atol=1e-7)
    capsys.readouterr()
    for other in ("net.dales_law=False", "net.factor_on=all"):
        assert run(tmp_path / "first.ini", *sets([*taken, "paths.path_to_results=" + str(tmp_path / "b"), other])) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "[net] factor_on: expected with net.dales_law that of" in line and "edges, signs kept" in line


@pytest.mark.parametrize("law", ["auto", "False"])
def test_populations_are_simulated_with_the_j_of_edges(tmp_path, law):
    text = BASE.format(out=tmp_path / "s", network=POPULATIONS).split("[trainvalidate]")[0]
    (tmp_path / "s.ini").write_text(text)
    changes = ["experiment.kind=simulate", "net.rank=2", "net.factor_on=edges", "net.factor_sd=3",
               f"net.dales_law={law}", "model.activation=tanh", "analysis.settle=0", "analysis.duration=1",
               "analysis.trajectories=2", "simulation.window=0.1", "simulation.keep=overlaps",
               "simulation.initial=gaussian", "trainvalidate.precision=float64"]  # fmt: skip
    (one,) = read_plan(tmp_path / "s.ini", changes).combos[0].runs()
    of = connectome_of(one)
    output, selection = factors_of(one, of)
    edges = list(zip(of.post, of.pre, np.sign(of.weights), strict=True))
    matrix, clipped = by_hand(edges, of.weights, output, selection, law != "False")
    assert bool(clipped) == (law != "False")
    rates = randn(2, of.n)
    couplings = BatchedNetwork([PopulationView(one, of)]).network().couplings
    np.testing.assert_allclose(couplings.recurrent_input(rates)[0], rates.numpy() @ matrix.T, rtol=1e-10, atol=1e-12)
    assert run(tmp_path / "s.ini", *sets(changes)) == 0
    with np.load(tmp_path / "s" / "0" / "iter_0" / "arrays.npz") as found:
        path, overlaps = found["rates"], found["kept_overlaps"]
    np.testing.assert_allclose(overlaps, path @ selection / of.n, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["analyse", "stimulate", "convergence"])
def test_other_kinds_have_them_too(tmp_path, kind):
    text = BASE.format(out=tmp_path / kind, network=POPULATIONS).split("[trainvalidate]")[0]
    (tmp_path / "k.ini").write_text(text + "[execution]\nworkers = 1\n")
    small = {"analyse": ("analysis.duration=2",),
             "stimulate": ("analysis.duration=2", "analysis.settle=1", "stimulation.units=E",
                           "stimulation.onset=0.5", "stimulation.offset=1"),
             "convergence": SMALL}[kind]  # fmt: skip
    assert run(tmp_path / "k.ini", *sets([f"experiment.kind={kind}", "net.rank=1", *EDGES, *small])) == 0


# ---- how they begin


def drawn_of(tmp_path, *changes):
    """Factors m, n (N, K) of a spectrum run of units without weights."""
    (tmp_path / "d.ini").write_text(BASE.format(out=tmp_path / "d", network="[net]\nroi = random\n").split("[train")[0])
    every = ("experiment.kind=spectrum", "lyapunov.nle=1", "net.background=False", *changes)
    one = read_plan(tmp_path / "d.ini", every).combos[0].runs()[0]
    return factors_of(one, connectome_of(one)), one


def test_the_default_draws_are_what_they_were(tmp_path):
    changes = ("net.n=200", "net.rank=3", "net.factor_sd=0.7", "net.factor_overlap=1.3")
    (output, selection), one = drawn_of(tmp_path, *changes)
    normal = one.generator("factors").standard_normal((3, 2, 200))
    m = 0.7 * normal[:, 0].T
    n = 0.7 * normal[:, 1].T + 1.3 * m
    assert output.tobytes() == m.tobytes() and selection.tobytes() == n.tobytes()
    named = ("net.factor_mean=none", "net.factor_cov=none")
    for found, wanted in zip(drawn_of(tmp_path, *changes, *named)[0], (m, n), strict=True):
        assert found.tobytes() == wanted.tobytes()
    same = "net.factor_cov=m1 n1: 0.637, n2 n2: 1.3181"  # 1.3 0.49, and (1 + 1.69) 0.49: those of the default
    for found, wanted in zip(drawn_of(tmp_path, *changes, same)[0], (m, n), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
        assert np.array_equal(found[:, 2], wanted[:, 2])


def test_means_and_covariances_are_those_that_are_named(tmp_path):
    """Of N = 20000 units sample means have sd sqrt(C_aa / N), covariances sqrt((C_aa C_bb + C_ab^2) / N)."""
    size, changes = 20_000, ("net.rank=3", "net.factor_sd=0.8", "net.factor_overlap=0.5")
    mean = "net.factor_mean=m1: 0.5, n2: -1"
    cov = "net.factor_cov=m1 m1: 2, n1 m1: 0.8, m1 m2: -0.5, n2 m3: 0.2"
    (output, selection), _ = drawn_of(tmp_path, f"net.n={size}", *changes, mean, cov)
    rows = np.concatenate([output, selection], 1)  # m1 m2 m3 n1 n2 n3
    v, c = 0.64, 0.32
    theory = np.block([[v * np.eye(3), c * np.eye(3)], [c * np.eye(3), (v + 0.16) * np.eye(3)]])
    for a, b, value in ((0, 0, 2), (0, 3, 0.8), (0, 1, -0.5), (4, 2, 0.2)):
        theory[a, b] = theory[b, a] = value
    means, spread = np.array([0.5, 0, 0, 0, -1, 0]), np.diag(theory)
    assert (np.abs(rows.mean(0) - means) < 4.5 * np.sqrt(spread / size)).all()
    errors = np.sqrt((np.outer(spread, spread) + theory**2) / size)
    assert (np.abs((rows - means).T @ (rows - means) / size - theory) < 4.5 * errors).all()
    (more, _), _ = drawn_of(tmp_path, f"net.n={size}", "net.rank=4", *changes[1:], mean, cov)
    assert np.array_equal(more[:, :3], output)


def test_beside_the_support_there_are_no_means(tmp_path):
    changes = (*N_BACK, "net.factor_support=E", "net.factor_mean=m1: 50, n2: -50", "net.factor_cov=m1 n1: 0.5", *EDGES)
    one = run_of(tmp_path, *changes, network=POPULATIONS)
    of, start = connectome_of(one), build_setup(one)
    inside = of.labels["population"] == "E"
    output, selection = (values.detach().numpy() for values in start.network.factors())
    assert (output[inside, 0] > 40).all() and (selection[inside, 1] < -40).all()
    assert not output[~inside].any() and not selection[~inside].any()
    changed = (start.network.edge_weights() != start.network.weights()).numpy(force=True)
    assert (changed == inside[of.post] & inside[of.pre]).all()


def test_variables_may_be_one_and_the_same(tmp_path):
    """A covariance that has no inverse: n1 = 2 m1 exactly, and m2 = 0."""
    cov = "net.factor_cov=m1 n1: 2, n1 n1: 4, m2 m2: 0"
    (output, selection), _ = drawn_of(tmp_path, "net.n=500", "net.rank=2", cov, "net.factor_mean=n2: 1")
    np.testing.assert_allclose(selection[:, 0], 2 * output[:, 0], atol=1e-6)
    assert np.abs(output[:, 1]).max() < 1e-6 and np.std(output[:, 0]) == pytest.approx(1, rel=0.2)
    assert selection[:, 1].mean() == pytest.approx(1, abs=4.5 / np.sqrt(500))


def test_the_outlier_of_rank_one_is_the_mean_of_m_n(tmp_path):
    """The eigenvalue of m n^T / N that is not 0: their covariance and the product of their means."""
    size, c, m, n = 2000, np.array([[2, 1.2], [1.2, 1.5]]), 0.5, -0.8
    changes = ("net.rank=1", f"net.factor_mean=m1: {m}, n1: {n}", "net.factor_cov=m1 m1: 2, n1 n1: 1.5, m1 n1: 1.2")
    (output, selection), _ = drawn_of(tmp_path, f"net.n={size}", *changes)
    variance = c[0, 0] * c[1, 1] + c[0, 1] ** 2 + m**2 * c[1, 1] + n**2 * c[0, 0] + 2 * m * n * c[0, 1]
    outlier = float((output * selection).mean())
    assert outlier == pytest.approx(1.2 + m * n, abs=4.5 * np.sqrt(variance / size))
    few = slice(0, 300)  # on all pairs, and on a fifth of them: p times that, in a disc of the others
    own, rng = output[few, 0] * selection[few, 0], np.random.default_rng(3)
    there, p = rng.random((300, 300)) < 0.2, 0.2
    for share, matrix in ((1, np.ones((300, 300))), (p, there)):
        post, pre = np.nonzero(matrix)
        of = Connectome("weightless", post, pre, np.zeros(len(post)), np.arange(300).astype(str))
        made = Network(of, factors=LowRankFactors(output[few], selection[few], on_edges=True), keep_signs=False)
        found = np.linalg.eigvals(made.matrix().detach().numpy())
        error = np.sqrt(share * (1 - share)) * (own**2).mean() / (300 * own.mean())
        assert found[np.abs(found).argmax()].real == pytest.approx(share * own.mean(), abs=1e-10 + 4.5 * error)


def test_the_announcement_has_no_radius_of_the_weights_alone(tmp_path, capsys):
    experiment(tmp_path, *N_BACK, *EDGES, "net.normalization=spectral_radius", network=POPULATIONS)
    assert "spectral radius" not in capsys.readouterr().out


def test_entries_are_axes_of_a_grid(tmp_path):
    grid = 'combosparams.combos_params={"factor_cov.m1 n1": [0, 0.5], "factor_mean.n1": [0, 2]}'
    changes = (*N_BACK, "net.factor_cov=m1 m1: 2", grid)
    plan = read_plan(ini(tmp_path), [*changes])
    assert plan.varied == ("factor_cov.m1 n1", "factor_mean.n1")
    assert dict(plan.combos[3].config.net.factor_cov) == {"m1 m1": 2, "m1 n1": 0.5}
    assert dict(plan.combos[3].config.net.factor_mean) == {"n1": 2}


# ---- what is refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (("net.background=False", *EDGES), "[net] factor_on: expected all with background = False"),
        (("net.rank=0", *EDGES), "[net] factor_on: applies only where net.rank is above 0"),
        (("net.factor_on=edge",), "[net] factor_on: expected one of all, edges"),
        (("net.factor_mean=m3: 1",), "[net] factor_mean: expected names that are m1 to m2 or n1 to n2, got 'm3'"),
        (("net.factor_mean=m1: x",), "[net] factor_mean: expected names with numbers"),
        (("net.factor_mean=m1: 1e16",), "[net] factor_mean: expected numbers below 1e+15, got 1e+16"),
        (("net.factor_cov=m1: 1",), "[net] factor_cov: expected pairs of names such as m1 n1, got 'm1'"),
        (("net.factor_cov=m1 k1: 1",), "[net] factor_cov: expected names that are m1 to m2 or n1 to n2, got 'k1'"),
        (("net.factor_cov=m1 n1: 1, n1 m1: 1",), "[net] factor_cov: expected every pair once, got 'n1 m1'"),
        (("net.factor_cov=m1 n1: 3",), "a covariance without negative eigenvalues, got a smallest one of -2"),
        (("net.factor_cov=m1 m1: -1",), "a covariance without negative eigenvalues, got a smallest one of -1"),
        (("net.rank=0", "net.factor_cov=m1 m1: 1"), "[net] factor_cov: applies only where net.rank is above 0"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, capsys, changes, says):
    assert run(ini(tmp_path, RANDOM), *sets([*N_BACK, *changes])) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not (tmp_path / "out").exists()


def test_a_network_without_edges_has_none_to_act_on(tmp_path):
    one = run_of(tmp_path, *N_BACK, *EDGES)
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(ConfigError, match=r"\[net\] factor_on: expected all, as empty has no edges, got edges"):
        factors_of(one, Connectome("empty", none, none, np.zeros(0), np.arange(24).astype(str)))
