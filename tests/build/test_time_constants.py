"""Time constants of regions, of populations or of all neurons: steps, tangents, gradients, exponents, every kind."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet.activations import ACTIVATIONS
from randomnet.analysis import jacobian_of
from randomnet.build.network import build_setup, double
from randomnet.connectome import from_dense
from randomnet.lyapunov import Schedule, exponents, random_frame, spectrum
from randomnet.rnn import (
    FORMS,
    INTEGRATORS,
    INTERFACE,
    Dense,
    Network,
    run_trials,
    stack_networks,
    stack_systems,
)
from randomnet.schema.plan import read_plan
from randomnet.synthetic import random_network
from tests.support import made_up
from tests.support.marks import slow_except

N = 7
NAMES = list(ACTIVATIONS)
TAU = np.array([1, 0.4, 3, 1.7, 1, 0.5, 8])
CASES = [(name, form, integrator) for name in NAMES for form in FORMS for integrator in INTEGRATORS]
every_case = pytest.mark.parametrize(("activation", "form", "integrator"), CASES)
few_cases = pytest.mark.parametrize(
    ("activation", "form", "integrator"),
    slow_except(CASES, *(case for case in CASES if case[0] in ("tanh_stretched", "softplus"))),
)
every_step = pytest.mark.parametrize(
    ("form", "integrator"), [(form, integrator) for form in FORMS for integrator in INTEGRATORS]
)


def made(activation="tanh_stretched", form="current", integrator="euler", tau=TAU, dt=0.3, seed=3, **options):
    """A random network with random gains and shifts, all of it trained, and a constant drive."""
    rng = np.random.default_rng(seed)
    connectome = dataclasses.replace(random_network(N, 1.5, rng), drive=rng.standard_normal(N))
    trainable = {"weights": np.arange(N * (N - 1)), "gains": np.arange(N), "shifts": np.arange(N)}
    equation = {"activation": activation, "form": form, "integrator": integrator, "dt": dt}
    network = Network(connectome, tau=tau, **{**equation, "trainable": trainable, **options})
    gains, shifts = rng.uniform(0.6, 1.6, N), 0.3 * rng.standard_normal(N)
    network.assign({**network.values(), "gains": torch.from_numpy(gains), "shifts": torch.from_numpy(shifts)})
    return network


def frozen(network):
    with torch.no_grad():
        return network.dynamics()


def drawn(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain(network, state, drive=0.0):
    """One step from the equation itself: tau x' = -x + G(x), by Euler's or Runge-Kutta's textbook step."""
    matrix, gains, shifts = network.matrix(), network.gains(), network.shifts()
    tau, dt, b = torch.from_numpy(TAU), network.dt, network.drive + drive

    def phi(x):
        return network.activation(x, gains, shifts)[0]

    def velocity(x):
        return (-x + (matrix @ phi(x) + b if network.form == "current" else phi(matrix @ x + b))) / tau

    if network.integrator == "euler":
        return state + dt * velocity(state)
    one = velocity(state)
    two = velocity(state + dt / 2 * one)
    three = velocity(state + dt / 2 * two)
    return state + dt / 6 * (one + 2 * two + 2 * three + velocity(state + dt * three))


def moved(network, bundle, drive):
    """The bundle after one plain step per row of drive, tangent vectors by automatic differentiation."""
    for now in drive:
        def step(x, now=now):
            return plain(network, x, now)

        tangents = [torch.func.jvp(step, (bundle[0],), (row,))[1] for row in bundle[1:]]
        bundle = torch.stack([step(bundle[0]), *tangents])
    return bundle


# ---- steps, tangents, gradients


@few_cases
def test_steps_tangents_and_jacobians_are_those_of_the_equation(activation, form, integrator):
    network = made(activation, form, integrator)
    system, bundle = frozen(network), drawn(6, N)
    with torch.no_grad():
        expected = moved(network, bundle, torch.zeros(1, N))
    torch.testing.assert_close(system.step(bundle[0]), expected[0], rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(system.step(bundle)[0], expected[0], rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(system.tangent(bundle[0], bundle[1:]), expected[1:], rtol=1e-12, atol=1e-13)
    jacobian = jacobian_of(system)(bundle[:1])[0]
    torch.testing.assert_close(bundle[1:] @ jacobian.mT, expected[1:], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("gradient", [True, False])
@few_cases
def test_advance_is_that_many_steps(activation, form, integrator, gradient):
    network, bundle, drive = made(activation, form, integrator), drawn(5, N), drawn(4, N, seed=2)
    with torch.set_grad_enabled(gradient):
        found = network.dynamics().advance(bundle, 4, drive=drive)
    with torch.no_grad():
        expected = moved(network, bundle, drive)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh_stretched", "softplus", "relu"])
@every_step
def test_gradients_are_those_of_automatic_differentiation(activation, form, integrator):
    network = made(activation, form, integrator)
    bundle, drive = drawn(4, N).requires_grad_(), drawn(4, N, seed=2).requires_grad_()
    leaves = [bundle, drive, network.weights.free, network.gains.free, network.shifts.free]
    ends = network.dynamics().advance(bundle, 4, drive=drive), moved(network, bundle, drive)
    losses = [(drawn(4, N, seed=9) * end).sum() for end in ends]
    found, expected = (torch.autograd.grad(one, leaves, retain_graph=True, materialize_grads=True) for one in losses)
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-11)
    assert expected[2].any()


@every_step
def test_sparse_couplings_are_the_same_network(form, integrator):
    rng = np.random.default_rng(0)
    n, options = 450, {"form": form, "integrator": integrator, "dt": 0.2, "activation": "tanh"}
    matrix = rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.02)
    connectome = from_dense("sparse", matrix, np.array([f"unit{number}" for number in range(n)]))
    tau = rng.uniform(0.5, 4, n)
    options["trainable"] = {"weights": np.arange(len(connectome.weights))}
    network = Network(connectome, tau=tau, **options)
    system, bundle = network.dynamics(), drawn(4, n)
    found = system.advance(bundle, 3)
    expected = dataclasses.replace(system, coupling=Dense(network.matrix())).advance(bundle, 3)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
    weighting = drawn(4, n, seed=9)
    gradients = [torch.autograd.grad((end * weighting).sum(), network.weights.free)[0] for end in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_networks_beside_each_other_have_their_own_time_constants(form):
    """One with its own, one with the reference one alone, one with others."""
    networks = [made(form=form, tau=tau, seed=seed) for seed, tau in enumerate((TAU, None, TAU[::-1].copy()))]
    assert networks[1].leaks is None and networks[1].dynamics().leaks is None
    bundles = drawn(3, 4, N)
    together = stack_systems([network.dynamics() for network in networks])
    found = together.advance(bundles, 5)
    weighting = drawn(3, 4, N, seed=5)
    trained = [[parameter for parameter in network.parameters() if parameter.requires_grad] for network in networks]
    sides = torch.autograd.grad((found * weighting).sum(), [one for own in trained for one in own])
    sides = iter(sides)
    for index, (network, own) in enumerate(zip(networks, trained, strict=True)):
        alone = network.dynamics().advance(bundles[index], 5)
        torch.testing.assert_close(found[index], alone, rtol=1e-11, atol=1e-12)
        for wanted in torch.autograd.grad((alone * weighting[index]).sum(), own):
            torch.testing.assert_close(next(sides), wanted, rtol=1e-9, atol=1e-11)


def test_one_reference_time_constant_is_the_very_same_computation():
    for form in FORMS:
        plain_one, given = made(form=form, tau=None), made(form=form, tau=np.ones(N))
        assert given.leaks is None and "leaks" not in given.state_dict()
        bundle = drawn(4, N)
        assert torch.equal(plain_one.dynamics().advance(bundle, 9), given.dynamics().advance(bundle, 9))


def test_time_constants_that_cannot_be_meant_are_refused():
    for tau in (np.ones(3), np.full(N, 0.2), np.full(N, np.nan), np.full(N, np.inf)):
        with pytest.raises(ValueError, match=r"tau must be 7 finite numbers of at least dt = 0.3"):
            made(tau=tau)


# ---- exponents


@pytest.mark.parametrize("integrator", slow_except(INTEGRATORS, "euler"))
def test_exponents_of_a_linear_network_are_the_logarithms_of_its_eigenvalues(integrator):
    """Of the map 1 + A dt, or of Runge-Kutta's polynomial of it, with A = diag(1/tau) (J - 1)."""
    dt, time = 0.25, 1500.0
    network = made("linear", integrator=integrator, dt=dt)
    system = frozen(network)
    rates = np.diag(1 / TAU) @ (network.matrix().detach().numpy() * network.gains().detach().numpy() - np.eye(N))
    eigenvalues, vectors = np.linalg.eig(rates)
    z = dt * eigenvalues
    factor = 1 + z if integrator == "euler" else 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24
    expected = np.sort(np.log(np.abs(factor)) / dt)[::-1]
    frame = torch.from_numpy(random_frame(np.random.default_rng(0), N, N))
    found = spectrum(system, torch.zeros(N, dtype=torch.float64), frame, Schedule(time, 0.5, 0, 100))
    slack = math.log(np.linalg.cond(vectors)) / time
    assert slack < 0.005
    np.testing.assert_allclose(found.exponents, expected, atol=slack)
    assert abs(found.sum_rule_residual) < 1e-8
    with_gradient = exponents(network.dynamics(), drawn(N), frame, Schedule(30, 0.5, 0, 60))
    with_gradient.sum().backward()  # the sum is ln |det| / dt, whose gradient has a closed form
    (wanted,) = torch.autograd.grad(torch.linalg.slogdet(jacobian_of(network.dynamics())(drawn(1, N)))[1].sum() / dt,
                                    network.weights.free)  # fmt: skip
    torch.testing.assert_close(network.weights.free.grad, wanted, rtol=1e-6, atol=1e-8)


def test_a_time_constant_of_all_neurons_is_another_unit_of_time():
    """tau = 4 of all, dt = 0.4: the steps of tau = 1, dt = 0.1, and exponents four times smaller."""
    found = {}
    for tau, dt in ((None, 0.1), (np.full(N, 4.0), 0.4)):
        unit = 1 if tau is None else 4
        system = frozen(made(tau=tau, dt=dt))
        frame = torch.from_numpy(random_frame(np.random.default_rng(0), N, N))
        times = Schedule(20 * unit, unit, 5 * unit, 5 * unit)
        found[unit] = spectrum(system, drawn(N), frame, times).exponents * unit
    np.testing.assert_allclose(found[4], found[1], rtol=1e-9, atol=1e-10)


# ---- trials


def with_interface(form, seed=0, tau=TAU):
    rng = np.random.default_rng(seed)
    shapes = [(N, 2), (N,), (N,), (3, N), (3,)]
    interface = {name: 0.3 * rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    return made("tanh_positive", form, interface=interface, tau=tau, seed=seed)


@pytest.mark.parametrize("form", FORMS)
def test_trials_are_those_of_a_plain_loop(form):
    network, inputs = with_interface(form), drawn(6, 2, 2)
    rates, outputs = network.run(inputs)
    own = {name: values.detach().numpy() for name, values in network.interface.items()}
    matrix, gains, shifts = (each.detach().numpy() for each in (network.matrix(), network.gains(), network.shifts()))
    state, a = np.zeros((2, N)), 0.3 / TAU

    def phi(x):
        return (1 + np.tanh(gains * (x - shifts))) / 2

    for step, given in enumerate(inputs.numpy()):
        b = given @ own["input_weights"].T + own["input_bias"] + own["recurrent_bias"] + network.drive.numpy()
        arriving = phi(state) @ matrix.T + b if form == "current" else phi(state @ matrix.T + b)
        state = (1 - a) * state + a * arriving
        now = phi(state) if form == "current" else state
        np.testing.assert_allclose(rates[step].detach().numpy(), now, rtol=1e-12, atol=1e-13)
        readout = now @ own["readout_weights"].T + own["readout_bias"]
        np.testing.assert_allclose(outputs[step].detach().numpy(), readout, rtol=1e-12, atol=1e-13)
    along = network.driven_by_trials(inputs).advance(drawn(3, N), 6)[0]
    states = run_trials(network.dynamics(), network.interface, inputs, last=1)[2]
    torch.testing.assert_close(along, states[0, 0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("form", FORMS)
def test_trials_of_networks_beside_each_other_are_those_of_each(form):
    networks = [with_interface(form), with_interface(form, 1, tau=None), with_interface(form, 2, tau=2 * TAU)]
    inputs = drawn(3, 5, 2, 2)
    system, interface = stack_networks(networks)
    together = run_trials(system, interface, inputs)
    for index, network in enumerate(networks):
        for found, wanted in zip(together, network.run(inputs[index]), strict=True):
            torch.testing.assert_close(found[index], wanted, rtol=1e-11, atol=1e-12)


# ---- experiments

REGIONS = {
    "recurrent_regions": [
        {"name": "fast", "num_units": 8, "base_firing": 1, "cell_types": {"exc": 0.75, "inhib": 0.25}},
        {"name": "slow", "num_units": 4, "base_firing": 0},
    ],
    "recurrent_connections": [
        {"src_region": "fast", "src_region_cell_type": "exc", "dst_region": "slow", "sign": "exc"},
        {"src_region": "fast", "src_region_cell_type": "inhib", "dst_region": "fast", "sign": "inhib"},
        {"src_region": "slow", "dst_region": "fast", "sign": "exc", "sparsity": 0.5},
    ],
}
INI = """
[experiment]
kind = {kind}
seed = 2
[paths]
path_to_results = {out}
[net]
source = regions
[regions]
regions_file = {file}
[model]
activation = {activation}
tau = {tau}
{more}
[execution]
workers = 1
"""
SPECTRUM = "[lyapunov]\ntsim = 4\nnle = 2\ntransient = 1\nframe_transient = 1\n"
TASK = "[trialparams]\ntask_name = seq_mem\nnr_of_trials = 12\n[trainvalidate]\ninit = connectome\n"
MORE = {
    "spectrum": SPECTRUM,
    "convergence": SPECTRUM + "initial_states = 2\n",
    "transition": SPECTRUM.replace("nle = 2\n", "") + '[combosparams]\ncombos_params = {"g": [1, 2]}\n',
    "train": SPECTRUM + "tsim_measured = 4\n[trainvalidate]\nepochs = 2\n",
    "analyse": "[analysis]\nduration = 5\nstarts = 10\n",
    "stimulate": "[analysis]\nduration = 5\n[stimulation]\nunits = slow\nonset = 1\noffset = 2\n",
    "benchmark": SPECTRUM,
}


def ini(folder, kind="spectrum", tau="fast: 0.5, slow: 4", more=None, activation="tanh_positive"):
    path, file = folder / "a.ini", folder / "net.json"
    file.write_text(json.dumps(REGIONS))
    about = {"kind": kind, "out": folder / "out", "file": file, "tau": tau, "activation": activation}
    path.write_text(INI.format(more=MORE[kind] if more is None else more, **about))
    return path


def run(path, *overrides):
    return runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))])


@pytest.mark.parametrize("kind", MORE)
def test_every_kind_runs_with_them(tmp_path, kind):
    assert run(ini(tmp_path, kind)) == 0
    assert set(pd.read_csv(tmp_path / "out" / "summary.csv")["status"]) == {"complete"}


@pytest.mark.parametrize("kind", ["train", "analyse", "benchmark"])
def test_tasks_run_with_them(tmp_path, kind):
    more = TASK + {"train": "epochs = 2\n", "analyse": "[analysis]\nstarts = 10\n", "benchmark": ""}[kind]
    assert run(ini(tmp_path, kind, more=more, activation="tanh"), "model.dt=0.5") == 0


def test_a_run_has_the_time_constants_of_its_regions(tmp_path):
    start = build_setup(read_plan(ini(tmp_path)).combos[0].runs()[0])
    np.testing.assert_allclose(start.network.leaks, [0.1 / 0.5] * 8 + [0.1 / 4] * 4)
    assert double(start.network).autonomous().leaks.dtype == torch.float64
    path = ini(tmp_path, activation="linear")
    assert run(path, "lyapunov.tsim=400", "lyapunov.nle=12", "lyapunov.frame_transient=100") == 0
    found = np.load(tmp_path / "out" / "0" / "iter_0" / "arrays.npz")["exponents"]
    matrix = build_setup(read_plan(path).combos[0].runs()[0]).connectome.dense()
    a = np.diag([0.1 / 0.5] * 8 + [0.1 / 4] * 4)
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(np.eye(12) + a @ (matrix - np.eye(12))))) / 0.1)[::-1]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_the_reference_time_constant_is_no_other_experiment(tmp_path):
    results = []
    for tau in ("1", "fast: 1, slow: 1.0"):
        folder = tmp_path / tau[:4].strip(": ")
        folder.mkdir()
        assert run(ini(folder, "train", tau)) == 0
        results.append((folder / "out" / "0" / "iter_0" / "arrays.npz").read_bytes())
    assert results[0] == results[1]


def test_trained_gains_are_taken_over_only_by_a_network_with_the_same_time_constants(tmp_path, capsys):
    assert run(ini(tmp_path, "train")) == 0
    other = tmp_path / "other"
    other.mkdir()
    path = ini(other)
    assert run(path, f"paths.pretrained={tmp_path / 'out'}") == 0
    path.write_text(made_up.without(path.read_text(), ["model.tau=1"]))
    assert run(path, f"paths.pretrained={tmp_path / 'out'}", "model.tau=1", f"paths.path_to_results={other / 'b'}") == 2
    assert "got a run with model.tau = 1.0, not [['fast', 0.5], ['slow', 4.0]]" in capsys.readouterr().err
    model = other / "model.pt"  # away from the manifest that says its settings
    model.write_bytes((tmp_path / "out" / "0" / "iter_0" / "model.pt").read_bytes())
    assert run(path, f"paths.pretrained={model}", "model.tau=1", f"paths.path_to_results={other / 'b'}") == 2
    assert "whose leaks differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["model.tau=fast: 1"], "[model] tau: expected one for each region of net, fast, slow, got none for slow"),
        (["model.tau=fast: 1, slwo: 2"], "got one for 'slwo'; did you mean 'slow'?"),
        (["model.tau=0"], "[model] tau: expected names with numbers above 0"),
        (["model.tau=fast: 0.05, slow: 1"], "[model] tau: expected at least one step, 0.1 (model.dt)"),
        (["model.tau=0.05"], "[model] tau: expected at least one step, 0.1 (model.dt)"),
    ],
)
def test_what_is_wrong_with_them_is_said_in_one_line(tmp_path, capsys, overrides, text):
    path = ini(tmp_path)
    path.write_text(made_up.without(path.read_text(), overrides))
    assert run(path, *overrides) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_names_need_labels(tmp_path, capsys):
    random = "[net]\nroi = random\nn = 10\n[experiment]\nkind = spectrum\n[model]\ntau = a: 1\n" + SPECTRUM
    built_in = random.replace("roi = random\nn = 10", "roi = EB")
    for text, said in ((random, "one number with roi = random, which has no regions"), (built_in, "has no regions")):
        path = tmp_path / "b.ini"
        path.write_text(text + f"[paths]\npath_to_results = {tmp_path / 'out'}\n")
        assert run(path) == 2
        assert said in capsys.readouterr().err
