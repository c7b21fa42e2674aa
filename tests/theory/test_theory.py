"""The mean-field exponent against published values, closed forms, and the equations written another way."""

import math
import time

import numpy as np
import pytest

from randomnet.theory import largest_exponent
from randomnet.theory import random_networks as theory

Z = np.linspace(-12, 12, 4801)
WEIGHTS = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()


def map_exponent(g):
    """ln(g sqrt E[sech^4]) at the fixed point of the variance (Molgedey et al. 1992), by iteration."""
    q = g * g
    for _ in range(4000):
        q = g * g * WEIGHTS @ np.tanh(math.sqrt(q) * Z) ** 2
    return math.log(g * math.sqrt(WEIGHTS @ np.cosh(math.sqrt(q) * Z) ** -4))


@pytest.mark.parametrize(
    ("g", "dt", "published"),
    # reached: every printed digit (numeric_checks 3.1, 3.2); refining the grids moves the values by about 1e-8
    [(1.5, 1, 0.0652172), (3, 1, 0.3102493), (3, 0, 0.235461), (3, 0.25, 0.225401)],
)
def test_published_values(g, dt, published):
    assert largest_exponent(g, dt) == pytest.approx(published, abs=5e-7 if dt < 1 else 5e-8)


@pytest.mark.parametrize("g", [1.01, 1.2, 2, 5, 10, 30])
def test_the_map_against_its_closed_form(g):
    assert largest_exponent(g, 1) == pytest.approx(map_exponent(g), abs=1e-7)


@pytest.mark.parametrize("g", [0.01, 0.5, 0.99, 1])
def test_without_chaos_the_exponent_is_the_fixed_points(g):
    assert largest_exponent(g, 0) == pytest.approx(g - 1, abs=1e-15)
    assert largest_exponent(g, 1) == pytest.approx(math.log(g), abs=1e-15)
    assert largest_exponent(g, 0.1) == pytest.approx(math.log(0.9 + 0.1 * g) / 0.1, abs=1e-14)


def test_a_vanishing_g_is_no_trouble():
    assert largest_exponent(1e-20, 1) == pytest.approx(math.log(1e-20))


@pytest.mark.parametrize("dt", [0, 0.1, 0.9, 1])
def test_monotone_and_continuous_in_g_across_the_onset(dt):
    g = np.concatenate([np.linspace(0.99, 1.01, 41), np.linspace(1.015, 1.2, 12)])
    exponents = np.array([largest_exponent(value, dt) for value in g])
    assert (np.diff(exponents) > 0).all()
    assert (np.abs(np.diff(exponents)) < 1.1 * np.diff(g)).all()  # the slope is 1 below, 0 just above
    assert (np.sign(exponents) == np.sign(g - 1)).all()


@pytest.mark.parametrize("dt", [0, 0.1, 0.5, 1])
@pytest.mark.parametrize("g", [1 + 1e-12, 1 + 1e-6, 1.001, 1.005, 1.02, 1.1])
def test_just_above_the_onset_it_is_small_and_quadratic(g, dt):
    assert 0.25 < largest_exponent(g, dt) / (g - 1) ** 2 < 1


def test_fine_steps_converge_to_the_flow_linearly_in_dt():
    flow = largest_exponent(3, 0)
    off = [flow - largest_exponent(3, dt) for dt in (0.04, 0.02, 0.01, 1e-3)]
    assert off[0] / off[1] == pytest.approx(2, rel=0.02)
    assert off[1] / off[2] == pytest.approx(2, rel=0.01)
    assert 0 < off[3] < 5e-5
    assert largest_exponent(3, 1e-9) == pytest.approx(flow, abs=1e-9)


@pytest.mark.parametrize("g", [1.1, 1.5, 3, 8])
def test_coarse_steps_converge_to_the_map(g):
    exact = map_exponent(g)
    off = [abs(largest_exponent(g, dt) - exact) for dt in (0.999, 0.9999, 0.99999)]
    assert off[0] < 2e-3 + 0.05 * exact and off[0] > 4 * off[1] > 16 * off[2]
    assert largest_exponent(g, 1 - 1e-9) == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("g", [1.05, 1.5, 3, 8])
def test_extrapolated_and_direct_grids_agree(g, monkeypatch):
    coarse = [largest_exponent(g, dt) for dt in (0, 0.02)]
    monkeypatch.setattr(theory, "FINE", 0.04)
    assert [largest_exponent.__wrapped__(g, dt) for dt in (0, 0.02)] == pytest.approx(coarse, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("g", [1.05, 1.3, 3, 10])
def test_the_autocovariance_of_the_flow_conserves_energy(g):
    """D(0) of the equation of motion, on a fine grid, against the classical condition on D(0) alone (SCS 1988)."""
    spacing = 0.1 / g
    assert theory._autocovariance(g, spacing)[0][0] == pytest.approx(theory._flow_variance(g), rel=1e-4)


@pytest.mark.parametrize(("g", "eps"), [(1.5, 0.5), (3, 0.3), (3, 4), (10, 2)])
def test_the_autocovariance_solves_its_equation(g, eps):
    """With C and S integrated over x and y directly."""
    d, s, rest = theory._autocovariance(g, eps)
    x = Z[::10]
    w = WEIGHTS[::10] * 10
    for n in (0, 1, 2, 4):
        c, sd = min(d[n] / d[0], 1), math.sqrt(d[0])
        y = c * x[:, None] + math.sqrt(1 - c * c) * x
        covariance = g * g * np.einsum("i,j,i,ij->", w, w, np.tanh(sd * x), np.tanh(sd * y))
        slopes = g * g * np.einsum("i,j,i,ij->", w, w, np.cosh(sd * x) ** -2, np.cosh(sd * y) ** -2)
        bend = (d[n + 1] - 2 * d[n] + d[abs(n - 1)]) / eps**2
        assert d[n] - bend == pytest.approx(covariance, abs=1e-6 * d[0])
        assert s[n] == pytest.approx(slopes, rel=1e-6)
    assert d[-1] < 1e-3 * d[0] and rest < 1


@pytest.mark.parametrize("dt", [0.1, 0.6])
def test_the_exponent_solves_the_tangent_equation(dt, g=2.5):
    """The two-time covariance of tangent vectors, grown step by step over its whole lag axis, grows as z^2."""
    b = 1 - dt
    _, s, _ = theory._autocovariance(g, dt / math.sqrt(b))
    lags = len(s) - 1
    s = np.concatenate([s[:0:-1], s])
    z = math.exp(largest_exponent(g, dt) * dt)
    operator = np.diag(z * z + b * b - dt * dt * s) - b * z * (np.eye(2 * lags + 1, k=1) + np.eye(2 * lags + 1, k=-1))
    values, vectors = np.linalg.eigh(operator)
    assert abs(values[0]) < 1e-7 * dt * dt and values[1] > 1e-3 * dt * dt
    assert (vectors[:, 0] * vectors[lags, 0] > 0).all()


def test_no_autocorrelation_is_missed_anywhere():
    draw = np.random.default_rng(1)
    for _ in range(80):
        g, dt = 1 + 10 ** draw.uniform(-3, 1), min(1.0, abs(draw.choice([0, 1]) - 10 ** draw.uniform(-8, 0)))
        assert 0 < largest_exponent(g, dt) < math.log(g)


def test_the_stretched_name_is_the_same_function():
    assert largest_exponent(2, 0.5, "tanh_stretched") == largest_exponent(2, 0.5, "tanh") == largest_exponent(2, 0.5)
    assert isinstance(largest_exponent(np.float64(2), np.float64(0.5)), float)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((2, 0.1, "relu"), "activation must be one of tanh, tanh_stretched: there is no theory for 'relu'"),
        ((0, 0.1), "g must be above 0 and at most 30, got 0"),
        ((-1, 0.1), "g must be above 0"),
        ((31, 0.1), "at most 30, got 31"),
        ((math.nan, 0.1), "g must be above 0"),
        ((2, -0.1), r"dt must lie in \[0, 1\], 0 being the flow, got -0.1"),
        ((2, 1.5), r"dt must lie in \[0, 1\]"),
        ((2, math.nan), r"dt must lie in \[0, 1\]"),
    ],
)
def test_errors_say_what_was_expected(arguments, text):
    with pytest.raises(ValueError, match=text):
        largest_exponent(*arguments)


@pytest.mark.slow
def test_a_plot_of_fifty_points_takes_seconds():
    largest_exponent.cache_clear()
    start = time.process_time()
    for g in np.linspace(0.5, 5, 50):
        largest_exponent(float(g), 0.1)
    assert time.process_time() - start < 15
