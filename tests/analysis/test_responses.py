"""Responses around the operating point, against closed forms, Jacobians and each other."""

import numpy as np
import pytest
import torch

from randomnet.analysis import input_jacobian_of, jacobian_of
from randomnet.analysis.responses import (
    OperatingPoint,
    followed_responses,
    operating_point,
    slopes_at,
    steady_responses,
    weights_of,
)
from randomnet.connectome import from_dense
from randomnet.rnn import Network

ALL = torch.arange(6)


def system_of(matrix, activation="linear", form="current", dt=0.2):
    connectome = from_dense("made up", matrix, np.array([f"n{number}" for number in range(len(matrix))]))
    return Network(connectome, activation=activation, form=form, dt=dt, dtype=torch.float64).autonomous().double()


def weights(n=6, radius=0.5, seed=0):
    matrix = np.random.default_rng(seed).standard_normal((n, n))
    np.fill_diagonal(matrix, 0)
    return radius * matrix / np.abs(np.linalg.eigvals(matrix)).max()


def responses(system, point, measure, **options):
    chosen = {"strength": 1.0, "pulse": 1, "steps": 400, "linear": True} | options
    return followed_responses(system, point, ALL, measure, **chosen).numpy()


@pytest.mark.parametrize("form", ["current", "rate"])
def test_a_linear_network_responds_by_the_inverse_of_i_minus_j(form):
    matrix = weights()
    system = system_of(matrix, form=form)
    point = operating_point(system, 50)
    exact = np.linalg.inv(np.eye(6) - matrix)
    closed = steady_responses(weights_of(system), slopes_at(system, point.state)).numpy()
    np.testing.assert_allclose(closed, exact, atol=1e-12)
    for measure in ("steady", "integral"):
        for linear in (True, False):
            np.testing.assert_allclose(responses(system, point, measure, linear=linear), exact, atol=1e-9)


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("activation", ["tanh_positive", "softplus", "tanh"])
def test_the_closed_form_is_that_of_the_jacobian_of_the_step(form, activation):
    """(I - M)^-1 B with the exact Jacobians M and B of the step, and the slope of the rates."""
    system = system_of(weights(seed=1, radius=0.7), activation, form)
    point = operating_point(system, 300)
    assert point.stable and float((system.step(point.state) - point.state).abs().max()) < 1e-9
    jacobian = jacobian_of(system)(point.state[None])[0]
    inputs = input_jacobian_of(system, torch.eye(6).double())(point.state[None])[0]
    states, slopes = torch.linalg.solve(torch.eye(6) - jacobian, inputs), slopes_at(system, point.state)
    exact = states * slopes[:, None] if form == "current" else states
    closed = steady_responses(weights_of(system), slopes)
    np.testing.assert_allclose(closed, exact, atol=1e-10)
    np.testing.assert_allclose(responses(system, point, "steady"), exact, atol=1e-8)
    small = responses(system, point, "steady", linear=False, strength=1e-5)
    np.testing.assert_allclose(small, exact, atol=1e-4)
    assert np.abs(responses(system, point, "steady", linear=False, strength=3.0) - exact.numpy()).max() > 0.01


def test_a_driven_network_with_time_constants_has_the_same_steady_response():
    system = system_of(weights(seed=2), "tanh_positive")
    slow = torch.linspace(0.02, 0.2, 6).double()
    varied = type(system)(**{**system.__dict__, "leaks": slow, "drive": torch.linspace(-1, 1, 6).double()})
    point = operating_point(varied, 2000)
    exact = steady_responses(weights_of(varied), slopes_at(varied, point.state)).numpy()
    np.testing.assert_allclose(responses(varied, point, "steady", steps=4000), exact, atol=1e-8)
    np.testing.assert_allclose(responses(varied, point, "integral", steps=4000), exact, atol=1e-8)


def test_the_peak_of_a_chain_is_that_of_its_propagator():
    """Two neurons, the second of which follows the first with weight -2: the propagator of Euler steps by hand."""
    matrix = np.zeros((6, 6))
    matrix[1, 0] = -2.0
    system = system_of(matrix, dt=0.25)
    point = operating_point(system, 1)
    steps = np.arange(1, 200)
    first = 0.25 * 0.75 ** (steps - 1)
    second = -2 * 0.25**2 * (steps - 1) * 0.75 ** (steps - 2.0)
    found = responses(system, point, "peak")
    assert found[0, 0] == pytest.approx(first.max()) and found[1, 0] == pytest.approx(second.min())
    assert found[0, 1] == 0 and found[2, 0] == 0
    np.testing.assert_allclose(responses(system, point, "peak", linear=False), found, atol=1e-12)


def test_the_silent_state_is_the_operating_point_where_nothing_moves_it():
    assert not operating_point(system_of(weights(), "tanh"), 20).state.any()
    point = operating_point(system_of(weights(radius=4.0), "tanh"), 20)
    assert not point.stable and point.modulus > 1
    assert not OperatingPoint(point.state, 1.0).stable


def test_a_network_that_grows_without_bound_has_none():
    system = system_of(weights(radius=1e9), "linear")
    driven = type(system)(**{**system.__dict__, "drive": torch.ones(6).double()})
    assert operating_point(driven, 2000) is None
