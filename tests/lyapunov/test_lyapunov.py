"""Spectra against closed forms and published values, gradients against finite differences, errors against theory.

The numbers and tolerances are those of the literature: Newman 1986 and Forrester 2015 (Gaussian products), Sprott 2003
(Henon, Lorenz), Molgedey et al. 1992 and Engelken et al. 2023 (random networks).
"""

import math
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from randomnet import lyapunov
from randomnet.activations import ACTIVATIONS
from randomnet.connectome import from_dense
from randomnet.losses import LOSSES
from randomnet.lyapunov import (
    Schedule,
    entropy,
    exponents,
    kaplan_yorke,
    random_frame,
    running_estimates,
    spectra,
    spectrum,
)
from randomnet.objectives import SpectrumLoss, SpectrumObjective
from randomnet.rnn import FORMS, Network
from randomnet.synthetic import random_network
from randomnet.systems import FromSteps
from tests.support.marks import slow_except

NAMES = list(ACTIVATIONS)
TRAINED = ("weights", "gains", "shifts")


def doubles(values):
    return torch.as_tensor(values, dtype=torch.float64)


def zeros(n):
    return torch.zeros(n, dtype=torch.float64)


def axes(n):
    return torch.eye(n, dtype=torch.float64)


def named(n):
    return np.array([f"unit{number}" for number in range(n)])


def frame_of(n, k=None, seed=41):
    return torch.from_numpy(random_frame(np.random.default_rng(seed), k or n, n))


def state_of(n, seed=7):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(n))


def frozen(network):
    """The network's dynamics without gradients."""
    with torch.no_grad():
        return network.dynamics()


def random_system(n, g, seed=0, **options):
    return frozen(Network(random_network(n, g, np.random.default_rng(seed)), **options))


def made(activation, form, n=8, g=1.5, dt=0.1, seed=3, shift=0.0, **options):
    """A random network in which everything moves, with random gains, and random shifts around `shift`."""
    rng = np.random.default_rng(seed)
    connectome = random_network(n, g, rng)
    trainable = {"weights": np.arange(len(connectome.weights)), "gains": np.arange(n), "shifts": np.arange(n)}
    network = Network(connectome, activation=activation, form=form, dt=dt, trainable=trainable, **options)
    gains, shifts = rng.uniform(0.6, 1.6, n), shift + 0.3 * rng.standard_normal(n)
    network.assign({**network.values(), "gains": torch.from_numpy(gains), "shifts": torch.from_numpy(shifts)})
    return network


@dataclass
class Recorded:
    """A system that keeps the states it was at, one per step with tangent vectors that are not all of space."""

    inner: object
    states: list = field(default_factory=list)

    @property
    def dt(self):
        return self.inner.dt

    def advance(self, bundle, steps, start=0):
        for _ in range(steps):
            unit = torch.equal(bundle[1:], torch.eye(bundle.shape[1], dtype=bundle.dtype))  # what the sum rule asks
            if len(bundle) > 1 and not unit:
                self.states.append(bundle[0].clone())
            bundle = self.inner.advance(bundle, 1)
        return bundle


@dataclass
class Growing:
    """The state counts the steps; in step t tangent vectors grow along the axes by exp(dt rates(t))."""

    rates: object
    dt: float = 1.0

    def advance(self, bundle, steps, start=0):
        for _ in range(steps):
            grown = bundle[1:] * torch.exp(self.dt * doubles(self.rates(float(bundle[0, 0])))).to(bundle)
            bundle = torch.cat([bundle[:1] + 1, grown])
        return bundle


@dataclass
class Products:
    """Independent N x N matrices with entries N(0, g^2/N), drawn anew in each step."""

    seed: int
    n: int = 10
    g: float = 1.0
    dt: float = 1.0

    def __post_init__(self):
        self.rng = torch.Generator().manual_seed(self.seed)

    def advance(self, bundle, steps, start=0):
        for _ in range(steps):
            drawn = torch.randn(self.n, self.n, generator=self.rng, dtype=torch.float64)
            bundle = bundle @ drawn.mT * (self.g / math.sqrt(self.n))
        return bundle


@dataclass
class Wandering:
    """N independent one-dimensional systems whose growth rates, here the state, are AR(1) processes of mean 0."""

    seed: int
    n: int
    memory: float
    dt: float = 1.0

    def __post_init__(self):
        self.rng = torch.Generator().manual_seed(self.seed)

    def advance(self, bundle, steps, start=0):
        for _ in range(steps):
            state = self.memory * bundle[0] + 0.1 * torch.randn(self.n, generator=self.rng, dtype=torch.float64)
            bundle = torch.cat([state[None], bundle[1:] * torch.exp(bundle[0])])
        return bundle


@dataclass
class RungeKutta:
    """The fourth-order step of a flow; `velocity` takes a bundle: the state's velocity, and that of tangent vectors.

    The same stages move both, so that the tangent is the exact derivative of the whole step.
    """

    velocity: object
    dt: float

    def advance(self, bundle, steps, start=0):
        rows, dt, velocity = np.asarray(bundle), self.dt, self.velocity
        for _ in range(steps):
            one = velocity(rows)
            two = velocity(rows + dt / 2 * one)
            three = velocity(rows + dt / 2 * two)
            rows = rows + dt / 6 * (one + 2 * two + 2 * three + velocity(rows + dt * three))
        return torch.from_numpy(rows)


def lorenz(rows):
    x, y, z = rows[0]
    jacobian = np.array([[-10.0, 10.0, 0.0], [28.0 - z, -1.0, -x], [y, x, -8 / 3]])
    velocity = rows @ jacobian.T
    velocity[0] = 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z
    return velocity


HENON = FromSteps(
    lambda state: torch.stack([1 - 1.4 * state[0] * state[0] + state[1], 0.3 * state[0]]),
    lambda state, frame: torch.stack([-2.8 * state[0] * frame[:, 0] + frame[:, 1], 0.3 * frame[:, 0]], 1),
)


# --- exact checks


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize("activation", slow_except(["linear", "tanh"], "tanh"))
def test_linear_network_and_the_trivial_fixed_point(activation, dt, form):
    """Exponents are ln |1 - d + d mu| / d, mu an eigenvalue of J; tanh with g < 1 decays to 0, where its slope is 1."""
    system = random_system(50, 0.5, activation=activation, form=form, dt=dt)
    found = spectrum(system, state_of(50), frame_of(50), Schedule(400, max(0.2, dt), 100, 100))
    expected = np.log(np.abs(1 - dt + dt * np.linalg.eigvals(system.coupling.values.numpy()))) / dt
    np.testing.assert_allclose(found.exponents, np.sort(expected)[::-1], atol=0.02)


def gaussian_products(n, g):
    """lambda_k = ln(g/sqrt N) + (ln 2 + psi((N-k+1)/2))/2, and the variance psi'((N-k+1)/2)/4 of one ln R_kk."""
    order = doubles((n - np.arange(n)) / 2)
    means = math.log(g / math.sqrt(n)) + (math.log(2) + torch.digamma(order)) / 2
    return means.numpy(), torch.polygamma(1, order).numpy() / 4


@pytest.mark.slow
def test_gaussian_products():
    means, variances = gaussian_products(10, 1.0)
    np.testing.assert_allclose(means[[0, -1]], [-0.0516601, -1.7864740], atol=5e-8)
    factors = 20_000
    found = spectrum(Products(1), state_of(10), frame_of(10), Schedule(factors, 1.0, 0, 0))
    errors = np.sqrt(variances / factors)
    assert (np.abs(found.exponents - means) < 4 * errors).all()
    ratios = (found.stderr / errors) ** 2  # each chi^2 with 19 degrees of freedom, over 19
    assert abs(ratios.mean() - 1) < 4 * math.sqrt(2 / (19 * 10))
    assert (ratios > 0.15).all() and (ratios < 3.0).all()


@pytest.mark.slow
def test_standard_errors_are_calibrated_on_independent_growth():
    means, variances = gaussian_products(10, 2.0)
    covered, ratios = [], []
    for seed in range(40):
        found = spectrum(Products(seed, g=2.0), state_of(10), frame_of(10, seed=seed), Schedule(1000, 1.0, 0, 0))
        covered.append(np.abs(found.exponents - means) < 2 * found.stderr)
        ratios.append(found.stderr**2 * 1000 / variances)
    # P(|t| < 2) with 19 degrees of freedom is 0.940
    assert 0.85 < np.mean(covered) < 0.995
    assert abs(np.mean(covered) - 0.940) < 4 * math.sqrt(0.94 * 0.06 / 400)
    assert abs(np.mean(ratios) - 1) < 4 * math.sqrt(2 / (19 * 400))


@pytest.mark.slow
def test_standard_errors_are_calibrated_on_correlated_growth():
    """Blocks of 300 steps of a process that remembers about 20: intervals of 20, as if independent, were too narrow."""
    found = spectrum(Wandering(seed=5, n=250, memory=0.9), zeros(250), axes(250), Schedule(6000, 20.0, 100, 20))
    truth = 0.1 / (1 - 0.9) / math.sqrt(6000)  # of the mean of 6000 steps
    covered = np.mean(np.abs(found.exponents) < 2 * found.stderr)
    assert 0.85 < covered < 0.995
    assert abs(covered - 0.940) < 4 * math.sqrt(0.94 * 0.06 / 250)
    assert abs(np.mean((found.stderr / truth) ** 2) - 1) < 0.05 + 4 * math.sqrt(2 / (19 * 250))


@pytest.mark.slow
def test_a_drift_is_rarely_seen_where_there_is_none():
    seen = [
        spectrum(Wandering(seed=seed, n=9, memory=0.5), zeros(9), axes(9)[:8], Schedule(2000, 10.0, 50, 10))
        for seed in range(60)
    ]
    # one in twelve is meant to; 14 of 60 would be so with a chance of 1e-4
    assert sum(not one.converged for one in seen) < 14
    assert np.mean([one.drift for one in seen]) < 4


def test_a_drift_is_found_where_one_exponent_has_one():
    settling = Growing(lambda t: [0.5 + math.exp(-t / 300), -0.1])
    found = spectrum(settling, zeros(2), axes(2), Schedule(1000, 10.0, 0, 0))
    assert not found.converged and "exponent 1 moves by" in found.doubts[0]
    first, second = (np.mean([math.exp(-t / 300) for t in range(start, start + 500)]) for start in (0, 500))
    assert found.split_half_rms == pytest.approx((first - second) / math.sqrt(2), rel=1e-6)
    rng = np.random.default_rng(0)
    noise = 0.05 * rng.standard_normal((2000, 40))
    noise[1000:, 0] += 0.2  # a step of the largest exponent alone, with 39 that stay
    base = np.linspace(0.5, -1, 40)
    stepping = Growing(lambda t: list(base + noise[min(int(t), 1999)]))
    found = spectrum(stepping, zeros(40), axes(40), Schedule(2000, 1.0, 0, 0))
    assert not found.converged and found.split_half_rms == pytest.approx(0.2 / math.sqrt(40), rel=0.1)


def test_auto_goes_on_until_the_errors_are_small_enough_or_says_that_they_are_not():
    def found(tolerance, longest):
        schedule = Schedule("auto", 20.0, 100, 20, tolerance=tolerance, tsim_max=longest)
        return spectrum(Wandering(seed=1, n=3, memory=0.9), zeros(3), axes(3)[:2], schedule)

    reached = found(0.02, 50_000)
    assert reached.stderr.max() <= 0.02 and 100 < reached.tsim < 50_000 and reached.converged
    fixed = Schedule(reached.tsim, 20.0, 100, 20)
    again = spectrum(Wandering(seed=1, n=3, memory=0.9), zeros(3), axes(3)[:2], fixed)
    np.testing.assert_allclose(reached.exponents, again.exponents, rtol=1e-12)
    short = found(0.0005, 400)
    assert short.tsim == 400 and not short.converged and "above the tolerance of 0.0005" in short.doubts[0]
    with pytest.raises(ValueError, match="a number, got 'auto'"):
        exponents(Wandering(seed=1, n=3, memory=0.9), zeros(3), axes(3)[:2], Schedule("auto"))


def test_a_record_too_short_for_error_bars_has_not_converged():
    found = spectrum(Growing(lambda t: [0.5, -0.1]), zeros(2), axes(2), Schedule(10, 1.0, 0, 0))
    assert np.isnan(found.stderr).all() and found.doubts == ("tsim = 10 is too short for error bars",)


def test_the_condition_is_that_of_the_frame_before_qr():
    found = spectrum(Growing(lambda t: [0.5, -0.1]), zeros(2), axes(2), Schedule(100, 10.0, 0, 0))
    assert found.log10_condition == pytest.approx(6 / math.log(10))
    assert found.log10_condition_median == pytest.approx(6 / math.log(10))
    assert found.ill_conditioned == 0
    steep = spectrum(Growing(lambda t: [1.0, -1.0]), zeros(2), axes(2), Schedule(100, 15.0, 0, 0))
    assert steep.ill_conditioned > 0.8 and "condition before QR up to 1e13" in steep.doubts[-1]


def test_running_estimates_end_at_the_spectrum():
    found = spectrum(Wandering(seed=1, n=3, memory=0.9), zeros(3), axes(3)[:2], Schedule(4000, 20.0, 100, 20))
    times, means, errors = running_estimates(found, 50)
    assert len(times) == 50 and times[-1] == 4000 and (np.diff(times) > 0).all()
    np.testing.assert_allclose(means[-1], found.exponents, rtol=1e-12)
    np.testing.assert_allclose(errors[-1], found.stderr, rtol=1e-12)
    assert np.isnan(errors[0]).all()


def test_the_entropy_of_a_partial_spectrum_with_a_positive_end_is_a_lower_bound():
    for n, bound in ((2, False), (3, True)):
        rates = [0.5, 0.1, -0.3][:n]
        found = spectrum(Growing(lambda t, rates=rates: rates), zeros(3)[:n], axes(3)[:2, :n], Schedule(40, 1.0, 0, 0))
        assert found.entropy_is_lower_bound == bound


SUM_RULE = [(name, form, dt) for name in NAMES for form in FORMS for dt in (0.1, 1.0)]


@pytest.mark.parametrize(("activation", "form", "dt"), SUM_RULE)
def test_sum_rule(activation, form, dt):
    """Sum of the exponents = mean of ln |det M| / d along the same trajectory, M by automatic differentiation."""
    n = 8
    # the full step of relus and roots is singular where a neuron is silent, so all are kept active
    active = {"g": 0.2, "shift": -20.0} if activation in ("relu", "sqrt") and dt == 1 else {}
    system = Recorded(frozen(made(activation, form, n, dt=dt, **active)))
    found = spectrum(system, state_of(n), frame_of(n), Schedule(300 * dt, dt, 10 * dt, 10 * dt))
    assert len(system.states) == 310
    jacobians = torch.func.vmap(torch.func.jacfwd(system.inner.step))(torch.stack(system.states[-300:]))
    expected = float(torch.linalg.slogdet(jacobians)[1].mean()) / dt
    assert found.exponents.sum() == pytest.approx(expected, rel=1e-9)
    assert abs(found.sum_rule_residual) < 1e-9 * abs(expected)


def test_the_residual_of_the_sum_rule_tells_of_a_frame_that_is_moved_wrongly():
    @dataclass
    class Leaky:
        inner: object
        dt: float = 0.1

        def advance(self, bundle, steps, start=0):
            after = self.inner.advance(bundle, steps)
            return after if steps == 1 else torch.cat([after[:1], 1.001 * after[1:]])

    system = Leaky(frozen(made("tanh", "current", 8)))
    found = spectrum(system, state_of(8), frame_of(8), Schedule(20, 0.2, 0, 0))
    assert found.sum_rule_residual == pytest.approx(8 * math.log(1.001) / 0.2, rel=1e-6)
    partial = spectrum(system, state_of(8), frame_of(8)[:3], Schedule(20, 0.2, 0, 0))
    assert math.isnan(partial.sum_rule_residual)


def test_sum_rule_of_the_map_by_hand():
    """Mean exponent = ln |det J| / N + mean of ln phi'."""
    system = Recorded(frozen(made("tanh_stretched", "current", 8, dt=1.0)))
    found = spectrum(system, state_of(8), frame_of(8), Schedule(200, 1.0, 0, 0))
    inner, states = system.inner, torch.stack(system.states)
    slopes = inner.gains / torch.cosh(inner.gains * (states - inner.shifts)) ** 2
    expected = np.linalg.slogdet(inner.coupling.values.numpy())[1] / 8 + float(slopes.log().mean())
    assert found.exponents.mean() == pytest.approx(expected, rel=1e-9)


PAIR = np.array([[0, -0.9], [0.5, 0]])


def test_two_neurons():
    """The predecessor's test at the origin: both exponents ln(0.8145)/0.2 = -1.025904 (its -1.0056 was wrong).

    The tangent turns and shrinks; over a whole number of half turns it is a multiple of the identity, so that both
    exponents are equal for any frame.
    """
    system = frozen(Network(from_dense("pair", PAIR, named(2)), activation="tanh", dt=0.1))
    half_turns = math.atan2(math.sqrt(0.45) * 0.1, 0.9) / math.pi
    steps = min(range(5000, 20000), key=lambda count: abs(count * half_turns - round(count * half_turns)))
    for seed in (41, 42):
        found = spectrum(system, zeros(2), frame_of(2, seed=seed), Schedule(steps * 0.1, 0.2, 0, 0))
        np.testing.assert_allclose(found.exponents, [-1.025904, -1.025904], atol=1e-6)
        assert found.exponents.sum() == pytest.approx(math.log(0.8145) / 0.1, rel=1e-9)


@pytest.mark.parametrize("transients", [(0, 0), (50, 0), (0, 50), (50, 50)])
def test_two_neurons_with_transients(transients):
    """Transients change nothing, as one divides by the record's time; a part of a turn leaves ln(axes' ratio)/T."""
    system = frozen(Network(from_dense("pair", PAIR, named(2)), activation="tanh", dt=0.1))
    found = spectrum(system, zeros(2), frame_of(2), Schedule(200, 0.2, *transients))
    assert found.exponents.sum() == pytest.approx(math.log(0.8145) / 0.1, rel=1e-9)
    np.testing.assert_allclose(found.exponents, -1.025904, atol=math.log(0.9 / 0.5) / 2 / 200)


def test_cat_map():
    matrix = doubles([[2, 1], [1, 1]])
    system = FromSteps(lambda state: torch.remainder(matrix @ state, 1.0), lambda state, frame: frame @ matrix.mT)
    found = spectrum(system, doubles([0.1, 0.7]), frame_of(2), Schedule(500, 2.0, 10, 40))
    expected = math.log((3 + math.sqrt(5)) / 2)
    assert expected == pytest.approx(0.9624237, abs=5e-8)
    np.testing.assert_allclose(found.exponents, [expected, -expected], atol=1e-9)


@pytest.mark.slow
def test_henon_map():
    found = spectrum(HENON, doubles([0.1, 0.1]), frame_of(2), Schedule(60_000, 5.0, 100, 100))
    assert found.exponents.sum() == pytest.approx(math.log(0.3), abs=1e-9)
    np.testing.assert_allclose(found.exponents, [0.4192, -1.6232], atol=0.005)
    assert kaplan_yorke(found.exponents, 2) == pytest.approx(1.2585, abs=0.003)
    assert entropy(found.exponents) == found.exponents[0]


def lorenz_step(state):
    return RungeKutta(lorenz, 0.01).advance(state[None], 1)[0]


@pytest.mark.parametrize(
    ("system", "step", "state"),
    [(HENON, HENON.step, [0.3, 0.1]), (RungeKutta(lorenz, 0.01), lorenz_step, [1.0, 2.0, 20.0])],
    ids=["henon", "lorenz"],
)
def test_the_tangents_used_here_are_exact(system, step, state):
    """That of Henon's map and of the whole Runge-Kutta step, against central differences."""
    state = doubles(state)
    units = axes(len(state))
    moved = system.advance(torch.cat([state[None], units]), 1)
    differences = torch.stack([(step(state + 1e-5 * unit) - step(state - 1e-5 * unit)) / 2e-5 for unit in units])
    torch.testing.assert_close(moved[1:], differences, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(moved[0], step(state))


@pytest.mark.slow
def test_lorenz_system():
    found = spectrum(RungeKutta(lorenz, 0.01), doubles([1.0, 1.0, 20.0]), frame_of(3), Schedule(1000, 0.2, 20, 20))
    largest, zero, smallest = found.exponents
    assert largest == pytest.approx(0.906, abs=0.01)
    assert zero == pytest.approx(0, abs=0.005)
    assert smallest == pytest.approx(-14.572, abs=0.015)
    assert found.exponents.sum() == pytest.approx(-41 / 3, abs=0.002)
    assert kaplan_yorke(found.exponents, 3) == pytest.approx(2.062, abs=0.002)
    assert entropy(found.exponents) == pytest.approx(0.906, abs=0.015)


# --- random tanh networks


def mean_field(g):
    """lambda_1 of the map h <- J tanh(h) for N to infinity: ln(g sqrt(E[sech^4(sqrt(q) z)])), q = g^2 E[tanh^2]."""
    z = np.linspace(-12, 12, 24_001)
    weights = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    q = 1.0
    for _ in range(1000):
        q = g * g * float(weights @ np.tanh(math.sqrt(q) * z) ** 2)
    return math.log(g * math.sqrt(float(weights @ np.cosh(math.sqrt(q) * z) ** -4.0)))


@pytest.mark.parametrize(("g", "published"), [(1.5, 0.0652172), (3.0, 0.3102493)])
def test_mean_field_values(g, published):
    assert mean_field(g) == pytest.approx(published, abs=1e-6)


def largest_exponents(n, g, dt, schedule):
    return [
        spectrum(random_system(n, g, seed, activation="tanh", dt=dt), state_of(n, seed), frame_of(n, 1), schedule)
        for seed in range(3)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("g", "n", "tolerance"), [(3.0, 256, 0.05 * 0.3102493), (1.5, 768, 0.02)])
def test_the_map_of_a_random_network_approaches_mean_field(g, n, tolerance):
    """From below. At g = 1.5 finite networks differ much from each other, so that the bound is absolute."""
    found = [result.exponents[0] for result in largest_exponents(n, g, 1.0, Schedule(1500, 2.0, 100, 100))]
    assert np.mean(found) == pytest.approx(mean_field(g), abs=tolerance)
    assert max(found) < mean_field(g) + tolerance


@pytest.mark.slow
def test_euler_steps_of_a_random_network():
    """g = 3, N to infinity: 0.2254 at d = 0.25 and 0.2355 for the flow; four runs of N = 400 gave 0.190 to 0.210."""
    found = [result.exponents[0] for result in largest_exponents(400, 3.0, 0.1, Schedule(300, 1.0, 20, 20))]
    assert np.mean(found) == pytest.approx(0.235, rel=0.2)


@pytest.mark.slow
def test_point_symmetry_of_the_flow():
    """lambda_i + lambda_(N+1-i) = -2/tau, and their mean -1/tau without self-connections (Engelken et al. 2023)."""
    n = 128
    matrix = random_network(n, 3.0, np.random.default_rng(1)).dense()

    def velocity(rows):
        rates = np.tanh(rows[0])
        into = rows * (1 - rates * rates)
        into[0] = rates
        return into @ matrix.T - rows

    found = spectrum(RungeKutta(velocity, 0.1), state_of(n), frame_of(n), Schedule(150, 0.5, 20, 20)).exponents
    assert found.mean() == pytest.approx(-1, abs=1e-4)
    np.testing.assert_allclose(found + found[::-1], -2, atol=0.15)


# --- transients, intervals, frames


def test_only_the_record_counts():
    """State transient, frame transient and record take their own steps, and one divides by the record's time."""

    def rates(step):
        return (9.0, -9.0) if step < 14 else (3.0, 2.0) if step < 20 else (0.7, -0.4) if step < 60 else (50.0, 40.0)

    system, schedule = Growing(rates, dt=0.5), Schedule(20, 1.0, 7, 3)
    found = spectrum(system, zeros(2), axes(2), schedule)
    np.testing.assert_allclose(found.exponents, [0.7, -0.4], rtol=1e-12)
    np.testing.assert_allclose(exponents(system, zeros(2), axes(2), schedule), [0.7, -0.4], rtol=1e-12)
    assert found.state.tolist() == [60, 60]
    assert found.interval == 1.0
    assert found.log10_condition == pytest.approx(1.1 / math.log(10))


def test_a_time_that_intervals_do_not_divide():
    """The last interval is shorter, and weighs less."""
    system = Growing(lambda step: (1.0, 0.0) if step < 20 else (4.0, 0.0))
    found = spectrum(system, zeros(2), axes(2), Schedule(22, 5.0, 0, 0))
    np.testing.assert_allclose(found.exponents, [28 / 22, 0], atol=1e-12)
    assert found.state.tolist() == [22, 22]


def test_exponents_and_errors_are_sorted_together():
    """The first axis, which alone varies, has the smallest exponent: -0.5 and -1.5 in turn, twenty batches of one."""
    system = Growing(lambda step: (-0.5 - step // 4 % 2, 2.0, 0.5))
    found = spectrum(system, zeros(3), axes(3), Schedule(80, 4.0, 0, 0))
    np.testing.assert_allclose(found.exponents, [2, 0.5, -1], atol=1e-12)
    expected = np.std([-0.5, -1.5] * 10, ddof=1) / math.sqrt(20)
    np.testing.assert_allclose(found.stderr, [0, 0, expected], atol=1e-12)


def test_the_frame_settles_in_its_transient():
    """A frame at an angle to the axes loses a fixed amount at first; after the transient none is left."""
    system, rates = Growing(lambda step: (1.0, -0.5, -2.0)), [1.0, -0.5, -2.0]
    raw = spectrum(system, zeros(3), frame_of(3), Schedule(10, 1.0, 0, 0)).exponents
    settled = spectrum(system, zeros(3), frame_of(3), Schedule(10, 1.0, 0, 30)).exponents
    np.testing.assert_allclose(settled, rates, atol=1e-12)
    assert np.abs(raw - rates).max() > 1e-3
    assert raw.sum() == pytest.approx(-1.5, abs=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_the_qr_interval_does_not_matter(form):
    """1 and 5 steps, 7 which do not divide the record, and adaptive: the same exponents but for rounding."""
    system = frozen(made("tanh_stretched", form, 12, g=2.5))
    found = [
        spectrum(system, state_of(12), frame_of(12), Schedule(15, tons, 3, 3)) for tons in (0.1, 0.5, 0.7, "adaptive")
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other.exponents, found[0].exponents, rtol=1e-9, atol=1e-10)
    assert found[0].log10_condition < found[1].log10_condition
    assert found[0].interval == pytest.approx(0.1) and found[2].interval == pytest.approx(0.7)


@pytest.mark.parametrize(("spread", "expected"), [(1.0, 4.6), (0.5, 9.2), (100.0, 0.1), (1e-3, 10.0)])
def test_the_adaptive_interval_follows_from_the_exponents(spread, expected):
    """ln(100)/(lambda_1 - lambda_k) in whole steps, at least one step and at most a twentieth of the record."""
    system = Growing(lambda step: (0.2, 0.2 - spread), dt=0.1)
    found = spectrum(system, zeros(2), axes(2), Schedule(200, "adaptive", 0, 20))
    assert found.interval == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(found.exponents, [0.2, 0.2 - spread], atol=1e-9)


@pytest.mark.parametrize("tsim", [20, 25, 50, 100])
def test_an_adaptive_interval_leaves_enough_of_them_for_errors(tsim):
    """No interval is so long that fewer batches are left than a standard error needs."""
    system = Growing(lambda step: (0.2, 0.1999), dt=0.1)
    found = spectrum(system, zeros(2), axes(2), Schedule(tsim, "adaptive", 0, 2))
    assert np.isfinite(found.stderr).all()


@pytest.mark.parametrize("form", FORMS)
def test_the_number_of_exponents_does_not_matter(form):
    """The leading k of a full run are those of a run with the same leading k vectors."""
    system = frozen(made("tanh_stretched", form, 12, g=3.0, seed=2))
    schedule, frame = Schedule(15, 0.2, 3, 20), frame_of(12)
    full = spectrum(system, state_of(12), frame, schedule)
    for k in (1, 2, 4):
        part = spectrum(system, state_of(12), frame[:k], schedule)
        assert part.exponents.shape == part.stderr.shape == (k,)
        np.testing.assert_allclose(part.exponents, full.exponents[:k], rtol=1e-8, atol=1e-9)


def test_the_frame_and_the_state_do_not_matter_beyond_the_error():
    system = random_system(100, 4.0, activation="tanh")
    found = [
        spectrum(system, state_of(100, seed), frame_of(100, 8, seed=frame), Schedule(400, 0.5, 20, 20))
        for seed, frame in ((1, 1), (1, 2), (2, 3))
    ]
    assert found[0].exponents[0] > 0.05
    for other in found[1:]:
        assert (np.abs(found[0].exponents - other.exponents) < 5 * np.hypot(found[0].stderr, other.stderr)).all()
        assert (other.stderr < 0.05).all()


def test_a_short_record_has_no_standard_error():
    system = Growing(lambda step: (1.0, 0.0))
    """Five batches of four units of time are the least; with more time there are up to twenty."""
    for tsim, finite in ((19, False), (20, True)):
        found = spectrum(system, zeros(2), axes(2), Schedule(tsim, 1.0, 0, 0))
        assert np.isfinite(found.stderr).all() == finite
        np.testing.assert_allclose(found.exponents, [1, 0], atol=1e-12)


def test_a_singular_direction():
    """A neuron without inputs in a full step: its direction dies in one step, without disturbing the others."""
    matrix = np.array([[0.0, 1.2, 0.3], [0.9, 0.0, -0.2], [0.0, 0.0, 0.0]])
    system = frozen(Network(from_dense("dead", matrix, named(3)), activation="linear", dt=1.0))
    found = spectrum(system, state_of(3), frame_of(3), Schedule(40, 1.0, 0, 10))
    np.testing.assert_allclose(found.exponents[:2], math.log(1.08) / 2, atol=0.02)
    assert found.exponents[2] < -30  # minus infinity, or rounding noise in its place


def test_random_frames_are_orthonormal_and_reproducible():
    for n, k in ((1, 1), (9, 4), (30, 30)):
        frame = frame_of(n, k)
        assert frame.shape == (k, n) and frame.dtype == torch.float64
        torch.testing.assert_close(frame @ frame.mT, axes(k), rtol=0, atol=1e-13)
        assert torch.equal(frame, frame_of(n, k))
    assert not torch.equal(frame_of(9), frame_of(9, seed=42))


@pytest.mark.parametrize("k", [0, 6])
def test_a_frame_has_1_to_n_vectors(k):
    with pytest.raises(ValueError, match=rf"k must lie in 1\.\.5 \(N\), got {k}"):
        random_frame(np.random.default_rng(0), k, 5)


@pytest.mark.parametrize("compute", [spectrum, exponents])
@pytest.mark.parametrize(
    ("state", "frame"), [((4,), (2, 5)), ((5,), (5,)), ((1, 5), (2, 5)), ((5,), (1, 2, 5)), ((5,), (6, 5))]
)
def test_shapes_are_checked(state, frame, compute):
    """Both shapes are in the text; the last case has more vectors than dimensions."""
    with pytest.raises(ValueError, match=r"state \(N,\) and frame \(k, N\)") as error:
        compute(random_system(5, 1.0), zeros(state), zeros(frame), Schedule(2, 0.2, 0, 0))
    assert f"{state} and {frame}" in str(error.value)


@pytest.mark.parametrize("single", [0, 1])
def test_a_reported_spectrum_is_float64(single):
    given = [state_of(5), frame_of(5)]
    given[single] = given[single].float()
    with pytest.raises(ValueError, match=f"must be float64, got {given[0].dtype} and {given[1].dtype}"):
        spectrum(random_system(5, 1.0), *given, Schedule(2, 0.2, 0, 0))


# --- dimension and entropy


@pytest.mark.parametrize(
    ("values", "n", "expected"),
    [
        ([-0.1, -1.0], 2, 0.0),
        ([0.0, -1.0], 2, 1.0),
        ([0.5, -1.0], 2, 1.5),
        ([0.9, 0.0, -14.5], 3, 2 + 0.9 / 14.5),
        ([0.5, 0.1, -0.2, -0.8, -5.0], 5, 3 + 0.4 / 0.8),
        ([1.0, -1.0], 2, 2.0),
        ([1.0, 0.5], 2, 2.0),
        ([0.25, -0.25], 5, math.nan),
        ([1.0, 0.5], 5, math.nan),
        ([0.5, -0.25, -0.75], 10, 2 + 0.25 / 0.75),
        ([-0.5], 10, 0.0),
        ([math.nan, -1.0], 2, math.nan),
        ([0.5, -math.inf], 2, 1.0),
        ([0.5, -0.25, -0.5, -math.inf], 9, 2.5),
    ],
)
def test_kaplan_yorke_dimension(values, n, expected):
    assert kaplan_yorke(np.array(values), n) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_kaplan_yorke_dimension_of_the_lorenz_system():
    assert kaplan_yorke(np.array([0.906, 0.0, -14.572]), 3) == pytest.approx(2.062, abs=5e-4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 0.25, 0.0, -3.0], 0.75),
        ([-0.5, -1.0], 0.0),
        ([0.5, -math.inf], 0.5),
        ([math.nan, math.nan], math.nan),
    ],
)
def test_entropy_is_the_sum_of_the_positive_exponents(values, expected):
    assert entropy(np.array(values)) == pytest.approx(expected, nan_ok=True)


# --- gradients


def extrapolated(function, step):
    """f'(0) from central differences at `step` and twice that, with a bound of its error.

    Central differences err by step^2 f3 / 6, their combination by order step^4, for which the difference of both is a
    generous bound; rounding adds eps |f| / step, grown by what the system's own dynamics amplify.
    """
    near, far = ((function(size) - function(-size)) / (2 * size) for size in (step, 2 * step))
    return (4 * near - far) / 3, abs(near - far) + 2000 * np.finfo(float).eps * max(1, abs(function(0.0))) / step


EXPANDING = [  # networks with a positive exponent, without which sinai had nothing to differentiate: g and seed
    ("tanh", "current", 4, 3),
    ("tanh", "rate", 2, 9),
    ("tanh_stretched", "current", 3, 7),
    ("tanh_stretched", "rate", 4, 9),
    ("tanh_positive", "current", 4, 2),
    ("tanh_positive", "rate", 4, 2),
    ("softplus", "current", 2, 2),
    ("softplus", "rate", 2, 4),
    ("sigmoid", "rate", 9, 2),
]


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize(("activation", "form", "g", "seed"), EXPANDING)
def test_gradients_of_the_losses_are_those_of_finite_differences(activation, form, g, seed, loss):
    network = made(activation, form, 8, g=g, seed=seed)
    goal = doubles([0.9, 0.1, -0.4])
    terms = SpectrumLoss(loss, goal, state_of(8), frame_of(8, 3), Schedule(4.0, 0.4, 0.5, 1.0))
    objective = SpectrumObjective((terms,), (1.0,))
    (measured,) = objective.measure([network], None)
    measured.loss.backward()
    assert measured.figures["lambda_max"] > 0.1
    rng = torch.Generator().manual_seed(1)
    for name in TRAINED:
        parameter = getattr(network, name).free
        if activation == "tanh" and name != "weights":
            assert not parameter.grad.any()
            continue
        for _ in range(3):
            direction = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
            start = parameter.detach().clone()

            @torch.no_grad()
            def along(distance, parameter=parameter, start=start, direction=direction):
                parameter.copy_(start + distance * direction)
                value = float(objective.measure([network], None)[0].loss)
                parameter.copy_(start)
                return value

            expected, slack = extrapolated(along, 1e-5)
            assert slack < 1e-4 * max(float(parameter.grad.norm()), 0.1), name
            assert abs(float(parameter.grad @ direction) - expected) < slack, name


def test_losses_in_closed_form():
    found, goal = doubles([0.5, -0.5, -1.0]), doubles([0.2, -0.1, -1.0])
    assert float(LOSSES["l2"].value(found, goal)) == pytest.approx(0.5)
    assert float(LOSSES["mse"].value(found, goal)) == pytest.approx(0.25 / 3)
    assert float(LOSSES["sinai"].value(found, goal)) == pytest.approx(-0.5)


def test_objectives_check_what_they_are_given():
    given = (state_of(8), frame_of(8, 3), Schedule())
    with pytest.raises(ValueError, match=r"loss must be one of l2, mse, sinai, got 'L2'"):
        SpectrumLoss("L2", zeros(3), *given)
    with pytest.raises(ValueError, match=r"target must have shape \(3,\), one value per exponent, got \(4,\)"):
        SpectrumLoss("l2", zeros(4), *given)


@pytest.mark.parametrize("tons", [0.2, "adaptive"])
@pytest.mark.parametrize("form", FORMS)
def test_exponents_with_gradient_are_those_of_the_spectrum(form, tons):
    network, schedule = made("tanh_positive", form, 10, g=4.0), Schedule(10, tons, 2, 2)
    found = exponents(network.dynamics(), state_of(10), frame_of(10, 6), schedule)
    assert found.requires_grad and (found.diff() <= 0).all()
    reported = spectrum(frozen(network), state_of(10), frame_of(10, 6), schedule)
    np.testing.assert_allclose(found.detach().numpy(), reported.exponents, rtol=1e-9, atol=1e-10)


def test_exponents_in_float32_are_estimates_of_those_in_float64():
    found = {}
    for dtype in (torch.float32, torch.float64):
        network = made("tanh_positive", "current", 10, dtype=dtype)
        given = state_of(10).to(dtype), frame_of(10, 6).to(dtype)
        result = exponents(network.dynamics(), *given, Schedule(20, 0.2, 2, 2))
        result.square().sum().backward()
        assert result.dtype == dtype
        found[dtype] = result.detach().double(), network.gains.free.grad.double()
    for single, double in zip(*found.values(), strict=True):
        torch.testing.assert_close(single, double, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("tons", [0.3, "adaptive"])
@pytest.mark.parametrize("form", FORMS)
def test_recomputed_segments_change_no_bit_of_exponents_and_only_rounding_of_gradients(form, tons, monkeypatch):
    original, calls, found = spectra.checkpoint, [], []

    def counted(*given, **options):
        calls[-1] += 1
        return original(*given, **options)

    monkeypatch.setattr(spectra, "checkpoint", counted)
    for limit in (spectra.GRAPH_BYTES, 2e4, 1.0):
        monkeypatch.setattr(spectra, "GRAPH_BYTES", limit)
        calls.append(0)
        network = made("tanh_positive", form, 10)
        values = exponents(network.dynamics(), state_of(10), frame_of(10, 4), Schedule(10, tons, 2, 3))
        (values * doubles([1.0, -2.0, 0.5, 3.0])).sum().backward()
        found.append([values.detach(), *(getattr(network, name).free.grad for name in TRAINED)])
    assert calls[0] <= 1 and calls[1] > 2 and calls[2] > calls[1]
    (values, *gradients), *others = found
    for same, *close in others:
        assert torch.equal(values, same)
        for got, wanted in zip(close, gradients, strict=True):  # sums over the steps of a segment, then over segments
            torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-13)


def test_an_ill_conditioned_frame_is_refused():
    system = Growing(lambda step: (1.0, -1.0))
    with pytest.raises(FloatingPointError, match=r"condition before QR reached 1e9.*float32; use a smaller tons"):
        exponents(system, zeros(2).float(), axes(2).float(), Schedule(50, 10.0, 0, 0))
    found = exponents(system, zeros(2), axes(2), Schedule(50, 10.0, 0, 0))
    np.testing.assert_allclose(found, [1, -1], atol=1e-12)
    with pytest.raises(FloatingPointError, match=r"condition before QR reached 1e17.*float64; use a smaller tons"):
        exponents(system, zeros(2), axes(2), Schedule(60, 20.0, 0, 0))


def test_an_ill_conditioned_frame_is_refused_in_a_recomputed_segment(monkeypatch):
    monkeypatch.setattr(spectra, "GRAPH_BYTES", 100.0)
    with pytest.raises(FloatingPointError, match="smaller tons"):
        exponents(Growing(lambda step: (1.0, -1.0)), zeros(2).float(), axes(2).float(), Schedule(50, 10.0, 0, 0))


def test_an_ill_conditioned_frame_is_refused_in_the_frame_transient():
    """The gradient goes through these QRs too."""
    system = Growing(lambda step: (2.0, -2.0) if step < 10 else (0.1, -0.1))
    with pytest.raises(FloatingPointError, match="smaller tons"):
        exponents(system, zeros(2).float(), axes(2).float(), Schedule(50, 5.0, 0, 10))


MEMORY = """
import numpy as np, torch
torch.set_num_threads(1)
from randomnet.connectome import scaled, with_spectral_radius
from randomnet.lyapunov import Schedule, random_frame
from randomnet.objectives import SpectrumLoss, SpectrumObjective
from randomnet.rnn import Network
from randomnet.synthetic import built_in
from randomnet.training import Settings, fit

connectome = scaled(with_spectral_radius(built_in("EB")), 2.0)
n, rng = connectome.n, np.random.default_rng(0)
trainable = {"gains": np.arange(n), "shifts": np.arange(n)}
network = Network(connectome, activation="tanh_positive", dt=0.1, trainable=trainable, dtype=torch.float32)
state, frame = torch.from_numpy(rng.standard_normal(n)).float(), torch.from_numpy(random_frame(rng, 44, n)).float()
loss = SpectrumLoss("mse", torch.zeros(44), state, frame, Schedule(200, 0.2, 10, 10))
(progress,) = fit([network], SpectrumObjective((loss,), (1.0,)), [Settings("Adam", 0.01, 1)])
assert progress.epoch == 1 and not progress.diverged, progress.reason
# the peak of this process alone: ru_maxrss may begin with that of the process that started it
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory where Linux keeps it")
def test_memory_of_one_epoch():
    """N = 436, 44 exponents, 200 tau of 0.1, gains and shifts in float32: below 1 GB, Python and torch included."""
    root = Path(lyapunov.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", MEMORY], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 1e9
