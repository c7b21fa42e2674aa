"""Runge-Kutta steps against the textbook's formula, automatic differentiation and closed forms."""

import math

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, exponents, random_frame, spectrum
from randomnet.rnn import FORMS, INTEGRATORS, INTERFACE, Network
from randomnet.synthetic import random_network
from tests.support.marks import slow_except

N = 7
NAMES = list(ACTIVATIONS)
CASES = [(name, form) for name in NAMES for form in FORMS]
every_case = pytest.mark.parametrize(("activation", "form"), CASES)
few_cases = pytest.mark.parametrize(("activation", "form"), slow_except(
    CASES, ("tanh_stretched", "current"), ("tanh_stretched", "rate"), ("relu", "current"), ("softplus", "rate")
))  # fmt: skip


def made(activation, form, n=N, g=1.5, dt=0.3, seed=3, shift=0.0, **options):
    """A random network in which everything moves, with random gains, and random shifts around `shift`."""
    rng = np.random.default_rng(seed)
    connectome = random_network(n, g, rng)
    trainable = {"weights": np.arange(len(connectome.weights)), "gains": np.arange(n), "shifts": np.arange(n)}
    options = {"integrator": "rk4", "trainable": trainable, **options}
    network = Network(connectome, activation=activation, form=form, dt=dt, **options)
    gains, shifts = rng.uniform(0.6, 1.6, n), shift + 0.3 * rng.standard_normal(n)
    network.assign({**network.values(), "gains": torch.from_numpy(gains), "shifts": torch.from_numpy(shifts)})
    return network


def frozen(network):
    """The network's dynamics without gradients."""
    with torch.no_grad():
        return network.dynamics()


def drawn(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def frame_of(n, k=None):
    return torch.from_numpy(random_frame(np.random.default_rng(41), k or n, n))


def textbook(system, state, drive=0.0):
    """The classical step of h' = -h + J phi(h) + drive, or r' = -r + phi(J r + drive)."""
    dt = system.dt

    def velocity(x):
        if system.form == "current":
            return -x + system.coupling.values @ system.activation(x, system.gains, system.shifts)[0] + drive
        return -x + system.activation(system.coupling.values @ x + drive, system.gains, system.shifts)[0]

    one = velocity(state)
    two = velocity(state + dt / 2 * one)
    three = velocity(state + dt / 2 * two)
    return state + dt / 6 * (one + 2 * two + 2 * three + velocity(state + dt * three))


def moved(system, bundle, drive):
    """The bundle after one textbook step per row of drive, tangent vectors by automatic differentiation."""
    for now in drive:
        tangents = [torch.func.jvp(lambda x, now=now: textbook(system, x, now), (bundle[0],), (d,)) for d in bundle[1:]]
        bundle = torch.stack([textbook(system, bundle[0], now), *(tangent for _, tangent in tangents)])
    return bundle


# --- steps and tangents


@every_case
def test_step_is_the_textbooks(activation, form):
    system, states = frozen(made(activation, form)), drawn(3, N)
    expected = torch.stack([textbook(system, state) for state in states])
    torch.testing.assert_close(system.step(states), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("dt", [0.1, 1.0])
@few_cases
def test_tangent_is_the_derivative_of_the_whole_step(activation, form, dt):
    system, bundle = frozen(made(activation, form, dt=dt)), drawn(6, N)
    exact = torch.stack([torch.func.jvp(system.step, (bundle[0],), (row,))[1] for row in bundle[1:]])
    torch.testing.assert_close(system.tangent(bundle[0], bundle[1:]), exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gradient", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 7])
@every_case
def test_advance_is_that_many_steps_and_tangents(activation, form, steps, gradient):
    bundle = drawn(5, N)
    before = bundle.clone()
    with torch.set_grad_enabled(gradient):
        system = made(activation, form).dynamics()
        found, alone = system.advance(bundle, steps), system.advance(bundle[:1], steps)
        expected = bundle
        for _ in range(steps):
            state, frame = expected[0], expected[1:]
            expected = torch.cat([system.step(state)[None], system.tangent(state, frame)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(alone, expected[:1], rtol=1e-12, atol=1e-13)
    assert torch.equal(bundle, before)


@pytest.mark.parametrize("gradient", [True, False])
@few_cases
def test_a_drive_is_held_over_each_step(activation, form, gradient):
    bundle, drive = drawn(4, N), drawn(5, N, seed=2)
    with torch.set_grad_enabled(gradient):
        system = made(activation, form).dynamics()
        found = system.advance(bundle, 5, drive=drive)
    torch.testing.assert_close(found, moved(system, bundle, drive), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("driven", [True, False])
@few_cases
def test_gradients_are_those_of_automatic_differentiation(activation, form, driven):
    network, steps = made(activation, form), 4
    bundle, drive = drawn(4, N).requires_grad_(), drawn(steps, N, seed=2).requires_grad_()
    leaves = [bundle, network.weights.free, network.gains.free, network.shifts.free, *([drive] if driven else [])]
    ends = (
        network.dynamics().advance(bundle, steps, drive=drive if driven else None),
        moved(network.dynamics(), bundle, drive if driven else torch.zeros_like(drive)),
    )
    loss = (drawn(4, N, seed=9) * torch.stack(ends)).sum((1, 2))
    found, expected = (torch.autograd.grad(one, leaves, retain_graph=True, materialize_grads=True) for one in loss)
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-11)
    assert expected[0].any() and expected[1].any() and (not driven or expected[-1].any())


@few_cases
def test_the_error_is_of_fourth_order(activation, form):
    # relus and roots are kept active: where one switches within a step, the flow is not smooth enough for any order
    active = {"g": 0.2, "shift": -20.0} if activation in ("relu", "sqrt") else {}
    bundle = drawn(4, N)

    @torch.no_grad()
    def after(dt, time=1.6):
        return made(activation, form, dt=dt, **active).dynamics().advance(bundle, round(time / dt))

    exact = after(0.1 / 64)
    coarse, fine = after(0.1) - exact, after(0.05) - exact
    for part in (slice(0, 1), slice(1, None)):  # the state and the tangent vectors
        assert 3.7 < math.log2(coarse[part].norm() / fine[part].norm()) < 4.3


# --- spectra


@pytest.mark.parametrize("dt", [0.25, 1.0])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", slow_except(["linear", "tanh"], "tanh"))
def test_exponents_of_a_linear_network(activation, form, dt):
    """ln |R(z)| / dt with R the Taylor polynomial of e^z of degree 4, z = dt (mu - 1), mu an eigenvalue of J.

    At the origin, where tanh has slope 1. After the frame's transient what is left is the turning of complex pairs,
    ln(condition of the eigenvectors) / T at most; at dt = 1 the flow's exponents, Re mu - 1, are another result.
    """
    network = Network(
        random_network(12, 1.5, np.random.default_rng(0)), activation=activation, form=form, dt=dt, integrator="rk4"
    )
    system, time = frozen(network), 1000.0
    found = spectrum(system, torch.zeros(12, dtype=torch.float64), frame_of(12), Schedule(time, 1.0, 0, 100))
    eigenvalues, vectors = np.linalg.eig(system.coupling.values.numpy())
    z = dt * (eigenvalues - 1)
    expected = np.sort(np.log(np.abs(1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24)) / dt)[::-1]
    slack = math.log(np.linalg.cond(vectors)) / time
    assert slack < 0.005
    np.testing.assert_allclose(found.exponents, expected, atol=slack)
    if dt == 1:
        assert np.abs(found.exponents - np.sort(eigenvalues.real - 1)[::-1]).max() > 10 * slack


@few_cases
def test_sum_rule_of_the_flow(activation, form):
    """J has no diagonal, so the flow contracts volumes at the rate N; Euler steps of the same size do not."""
    found = {}
    for integrator in INTEGRATORS:
        system = frozen(made(activation, form, 8, dt=0.05, integrator=integrator))
        assert not system.coupling.values.diagonal().any()
        found[integrator] = spectrum(system, drawn(8), frame_of(8), Schedule(20, 0.2, 10, 2)).exponents.mean()
    assert found["rk4"] == pytest.approx(-1, rel=1e-5)
    assert abs(found["euler"] + 1) > 1e-3


@pytest.mark.parametrize("form", FORMS)
def test_exponents_with_gradient_are_those_of_the_spectrum(form):
    network, schedule = made("tanh_positive", form, 10, g=4.0), Schedule(12, 0.6, 3, 3)
    found = exponents(network.dynamics(), drawn(10), frame_of(10, 6), schedule)
    reported = spectrum(frozen(network), drawn(10), frame_of(10, 6), schedule)
    np.testing.assert_allclose(found.detach().numpy(), reported.exponents, rtol=1e-9, atol=1e-10)
    found.square().sum().backward()
    for name in ("weights", "gains", "shifts"):
        assert getattr(network, name).free.grad.isfinite().all() and getattr(network, name).free.grad.any()


# --- the network


def with_interface(**options):
    rng = np.random.default_rng(0)
    shapes = [(N, 2), (N,), (N,), (3, N), (3,)]
    interface = {name: 0.3 * rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    return made("tanh_positive", "current", interface=interface, **options)


@pytest.mark.parametrize("gradient", [True, False])
def test_along_trials_each_starts_at_0_and_is_driven(gradient):
    network, inputs, bundle = with_interface(), drawn(3, 2, 2), drawn(3, N)  # time, trials, channels
    with torch.set_grad_enabled(gradient):
        found = network.driven_by_trials(inputs).advance(bundle, 5)
    drive = inputs @ network.interface["input_weights"].mT
    drive = drive + network.interface["input_bias"] + network.interface["recurrent_bias"]
    expected = bundle
    for trial, steps in ((0, 3), (1, 2)):
        start = torch.cat([torch.zeros(1, N, dtype=torch.float64), expected[1:]])
        expected = moved(network.dynamics(), start, drive[:steps, trial])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_trials_are_refused():
    with pytest.raises(ValueError, match="trials with inputs need integrator 'euler', got 'rk4'"):
        with_interface()(torch.zeros(4, 5, 2, dtype=torch.float64))
    with_interface(integrator="euler")(torch.zeros(4, 5, 2, dtype=torch.float64))


def test_an_unknown_integrator_is_refused():
    with pytest.raises(ValueError, match="integrator must be one of euler, rk4, got 'RK4'"):
        made("tanh", "current", integrator="RK4")


def test_the_integrator_is_described():
    for integrator in INTEGRATORS:
        assert made("tanh", "current", integrator=integrator).description()["integrator"] == integrator
    connectome = random_network(N, 1.5, np.random.default_rng(0))
    assert Network(connectome).description()["integrator"] == "euler"
