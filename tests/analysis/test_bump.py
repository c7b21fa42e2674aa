"""Decoding of bumps: exact on every axis, with unequal angles and missing cells; no phase where there is none."""

import numpy as np
import pytest

from randomnet.bump import bump, low_rank_angles
from randomnet.synthetic.populations import Populations, low_rank_vectors
from randomnet.theory import ring_bump

RNG = np.random.default_rng(4)
PHASES = np.array([[0.0, 0.3, np.pi / 2], [np.pi, 4.0, 2 * np.pi - 1e-3]])
MEANS = np.array([[1.0, -2.0, 0.0], [5.0, 1e-3, 30.0]])
AMPLITUDES = np.array([[0.5, 2.0, 1.0], [4.9, 1e-4, 0.01]])


def ring(n):
    return 2 * np.pi * np.arange(n) / n


def tuned(angles, means=MEANS, amplitudes=AMPLITUDES, phases=PHASES):
    return means[..., None] + amplitudes[..., None] * np.cos(angles - phases[..., None])


def check(found):
    np.testing.assert_allclose(found.mean, MEANS, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.amplitude, AMPLITUDES, rtol=1e-9)
    np.testing.assert_allclose(found.phase, PHASES, atol=1e-9)
    assert ((found.phase >= 0) & (found.phase < 2 * np.pi)).all()


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("n", [3, 4, 101])
def test_a_cosine_is_decoded_exactly_on_every_axis(axis, n):
    check(bump(np.moveaxis(tuned(ring(n)), -1, axis), axis=axis))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_unequal_angles_and_missing_cells_change_nothing(axis):
    angles = RNG.uniform(-np.pi, 3 * np.pi, 40)
    rates = tuned(angles)
    check(bump(np.moveaxis(rates, -1, axis), angles, axis))
    rates[0, 1, :20], rates[1, 2, ::3] = np.nan, np.nan  # other cells of each
    check(bump(np.moveaxis(rates, -1, axis), angles, axis))
    rates = tuned(ring(40))
    rates[..., 5:20] = np.nan
    check(bump(np.moveaxis(rates, -1, axis), axis=axis))


def test_equal_angles_are_the_population_vector():
    rates = RNG.random((5, 60))
    found = bump(rates)
    z = (rates * np.exp(1j * ring(60))).sum(1)
    np.testing.assert_allclose(found.mean, rates.mean(1))
    np.testing.assert_allclose(found.amplitude, 2 * np.abs(z) / 60)
    np.testing.assert_allclose(found.phase, np.mod(np.angle(z), 2 * np.pi))


@pytest.mark.parametrize("degrees", range(0, 360, 45))
def test_ninety_degrees_are_ninety_degrees(degrees):
    rates = np.exp(np.cos(ring(720) - np.radians(degrees)))
    assert np.degrees(bump(rates).phase) == pytest.approx(degrees, abs=1e-9)


def test_the_closed_form_of_the_ring():
    expected = ring_bump(-5, 5, 10)
    rates = expected.amplitude * np.maximum(np.cos(ring(5000) - 1.0) - np.cos(expected.half_width), 0)
    assert np.array(bump(rates)) == pytest.approx([expected.mean, expected.modulation, 1.0], abs=1e-5)


@pytest.mark.parametrize("rates", [np.zeros(12), np.full(12, 3.0), np.full(12, -3.0), np.full(5, 0.1, np.float32)])
def test_flat_rates_have_no_phase(rates):
    found = bump(rates)
    assert np.isnan(found.phase) and found.mean == pytest.approx(rates[0]) and found.amplitude < 1e-12


def test_the_least_modulation_with_a_phase_is_stated():
    rates = 2 + 0.02 * np.cos(ring(50) - 1)
    assert bump(rates, flat=0.0099).phase == pytest.approx(1) and np.isnan(bump(rates, flat=0.0101).phase)
    assert bump(-rates, flat=0.0099).phase == pytest.approx(1 + np.pi)
    assert bump(np.cos(ring(50) - 1)).phase == pytest.approx(1)  # a mean of 0 is no reason to have none


def test_a_phase_is_never_two_pi():
    found = bump(np.cos(ring(8) + 1e-17) - 1e-17 * np.sin(ring(8)))
    assert 0 <= found.phase < 2 * np.pi


def test_too_few_cells_and_infinite_rates_are_nan_alone():
    rates = tuned(ring(9))
    rates[0, 0, 2:] = np.nan
    rates[1, 1, 3] = np.inf
    rates[1, 0] = np.nan
    found = bump(rates)
    lost = np.array([[True, False, False], [True, True, False]])
    for values, expected in zip(found, (MEANS, AMPLITUDES, PHASES), strict=True):
        np.testing.assert_array_equal(np.isnan(values), lost)
        np.testing.assert_allclose(values[~lost], expected[~lost], atol=1e-9)
    assert all(np.isnan(value) for value in bump(np.array([1.0, 2.0])))  # two cells have no sine


def test_low_rank_networks_have_their_own_angles():
    about = Populations(("E",), (400,), {"EE": 1.0}, (20,))
    vectors = low_rank_vectors(about, np.random.default_rng(0))
    angles = low_rank_angles(vectors)
    radius = np.hypot(vectors[:, 0], vectors[:, 2])
    np.testing.assert_allclose(radius * np.cos(angles), vectors[:, 0], atol=1e-12)
    np.testing.assert_allclose(radius * np.sin(angles), vectors[:, 2], atol=1e-12)
    assert np.array(bump(3 + 2 * np.cos(angles - 5), angles)) == pytest.approx([3, 2, 5])


@pytest.mark.parametrize("angles", [np.zeros(3), np.zeros((4, 1)), np.array([0, 1, 2, np.nan])])
def test_wrong_angles_are_refused(angles):
    with pytest.raises(ValueError, match="angles: expected 4 finite numbers, one per neuron"):
        bump(np.ones((2, 4)), angles)
