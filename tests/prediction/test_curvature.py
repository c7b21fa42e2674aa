"""Eigenvalues of Hessians against closed forms, dense Hessians and finite differences."""

import numpy as np
import pytest
import torch

from randomnet import rnn
from randomnet.prediction import (
    activity_jacobian,
    effective_parameters,
    gauss_newton_eigenvalues,
    loss_hessian_eigenvalues,
)
from randomnet.synthetic import random_network

SMALL, LARGE = 40, 300
TRIALS, TIMES, NEURONS = 2, 12, 8


def quadratic(size, seed=0):
    """A Hessian with known eigenvalues over six decades, the loss that has it, and its parameters."""
    rng = np.random.default_rng(seed)
    values = np.sort(10 ** rng.uniform(-4, 2, size))[::-1]
    basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
    matrix = torch.tensor(basis * values @ basis.T)
    parameters = torch.tensor(rng.standard_normal(size), requires_grad=True)
    return values, 0.5 * parameters @ matrix @ parameters, parameters, basis


def linear(residuals=50, size=SMALL):
    rng = np.random.default_rng(1)
    design = rng.standard_normal((residuals, size)) * np.logspace(0, -3, size)
    parameters = torch.tensor(rng.standard_normal(size), requires_grad=True)
    observed = torch.tensor(rng.standard_normal(residuals))
    return design, torch.tensor(design) @ parameters - observed, parameters


def network():
    connectome = random_network(NEURONS, 1.5, np.random.default_rng(0))
    every = np.arange(NEURONS)
    interface = {name: np.zeros(NEURONS) for name in ("input_bias", "recurrent_bias", "readout_bias")}
    interface |= {name: np.eye(NEURONS) for name in ("input_weights", "readout_weights")}
    net = rnn.Network(connectome, activation="softplus", trainable={"gains": every, "shifts": every},
                      interface=interface)  # fmt: skip
    with torch.no_grad():
        for entries, seed in ((net.gains, 1), (net.shifts, 2)):
            entries.free += 0.2 * torch.tensor(np.random.default_rng(seed).standard_normal(NEURONS))
    return net, [net.gains.free, net.shifts.free]


def rates(net):
    """(TRIALS, TIMES, NEURONS), by the simulation that training uses."""
    initial = torch.tensor(np.random.default_rng(3).standard_normal((TRIALS, NEURONS)))
    inputs = torch.zeros(TIMES, TRIALS, NEURONS, dtype=torch.float64)
    return net.run(inputs, initial)[0].transpose(0, 1)


# ---- closed forms


def test_the_hessian_of_a_quadratic_is_its_matrix():
    values, loss, parameters, basis = quadratic(SMALL)
    found = loss_hessian_eigenvalues(loss, parameters)
    assert found.exact and found.vectors.shape == (SMALL, SMALL)
    np.testing.assert_allclose(found.values, values, atol=1e-12 * values[0])
    np.testing.assert_allclose(np.abs(found.vectors[:, 0] @ basis[:, 0]), 1)


def test_lanczos_has_both_ends_of_a_large_hessian():
    values, loss, parameters, _ = quadratic(LARGE)
    found = loss_hessian_eigenvalues(loss, parameters, leading=8, trailing=5, largest_dense=100)
    assert not found.exact and len(found.values) == 13
    np.testing.assert_allclose(found.values[:8], values[:8], rtol=1e-6)
    assert np.abs(found.values[8:] - values[-5:]).max() < 1e-3 * values[0]
    errors = np.abs(found.values[:, None] - values).min(axis=1)  # one is within |H v - value v|
    assert (errors <= found.residuals + 1e-12).all() and (found.residuals < 2e-4 * values[0]).all()


def test_an_indefinite_hessian_has_its_negative_end():
    values, loss, parameters, basis = quadratic(LARGE)
    lowest = torch.tensor(basis[:, -1])
    found = loss_hessian_eigenvalues(loss - 7 * (lowest @ parameters) ** 2, parameters, leading=2, trailing=1,
                                     largest_dense=100)  # fmt: skip
    assert found.values[-1] == pytest.approx(values[-1] - 14, rel=1e-6)


def test_gauss_newton_of_a_linear_model_is_its_hessian():
    design, residuals, parameters = linear()
    expected = np.linalg.eigvalsh(2 * design.T @ design / len(design))[::-1]
    exact = loss_hessian_eigenvalues((residuals**2).mean(), parameters)
    for found in (exact, gauss_newton_eigenvalues(residuals, parameters)):
        np.testing.assert_allclose(found.values, expected, atol=1e-12)


def test_directions_without_data_are_flat():
    _, residuals, parameters = linear(residuals=10)
    found = gauss_newton_eigenvalues(residuals, parameters)
    assert (found.values > 1e-9).sum() == 10 and np.abs(found.values[10:]).max() < 1e-12


def test_effective_parameters_are_those_of_the_posterior():
    design, residuals, parameters = linear()
    noise, prior = 0.3, 2.0
    found = gauss_newton_eigenvalues(residuals, parameters)
    posterior = np.linalg.inv(design.T @ design / noise**2 + np.eye(SMALL) / prior**2)
    expected = SMALL - np.trace(posterior) / prior**2  # MacKay: parameters minus those left to the prior
    assert effective_parameters(found.values, len(design), noise, prior) == pytest.approx(expected, rel=1e-9)


# ---- a network


def test_the_hessian_of_a_networks_loss_is_that_of_finite_differences():
    net, parameters = network()
    target = torch.tensor(np.random.default_rng(4).standard_normal((TRIALS, TIMES, NEURONS)))

    def loss():
        return ((rates(net) - target) ** 2).mean()

    def gradient():
        return torch.cat(torch.autograd.grad(loss(), parameters)).numpy()

    expected = np.array([differences(gradient, parameters, column) for column in range(2 * NEURONS)])
    found = loss_hessian_eigenvalues(loss(), parameters)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh((expected + expected.T) / 2)[::-1], atol=1e-8)
    assert found.values[-1] < -1e-3  # far from the target it is indefinite, and Gauss-Newton is another matrix


def differences(function, parameters, column, step=1e-5):
    """The derivative of an array in one parameter, by central differences."""
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            parameters[column // NEURONS][column % NEURONS] += sign * step
        values.append(function())
        with torch.no_grad():
            parameters[column // NEURONS][column % NEURONS] -= sign * step
    return (values[0] - values[1]) / (2 * step)


def test_gauss_newton_is_the_hessian_where_the_loss_is_0():
    net, parameters = network()
    activity = rates(net)
    residuals = activity - activity.detach()
    exact = loss_hessian_eigenvalues((residuals**2).mean(), parameters)
    found = gauss_newton_eigenvalues(residuals, parameters)
    np.testing.assert_allclose(found.values, exact.values, atol=1e-11)
    by_hand = activity_jacobian(activity, parameters).reshape(-1, 2 * NEURONS)
    expected = np.linalg.eigvalsh(2 * by_hand.T @ by_hand / len(by_hand))[::-1]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)


@pytest.mark.slow
def test_a_function_gives_what_its_tensor_gives():
    net, parameters = network()
    names = ("net.gains.free", "net.shifts.free")

    def activity(*values):
        return torch.func.functional_call(_Rates(net), dict(zip(names, values, strict=True)))

    jacobian = activity_jacobian(activity, parameters)
    np.testing.assert_allclose(jacobian, activity_jacobian(rates(net), parameters), atol=1e-13)
    found = [gauss_newton_eigenvalues(each, parameters).values for each in (activity, rates(net))]
    np.testing.assert_allclose(*found, atol=1e-13)


class _Rates(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self):
        return rates(self.net)


def test_the_jacobian_of_activity_is_that_of_finite_differences():
    net, parameters = network()
    jacobian = activity_jacobian(rates(net), parameters)
    assert jacobian.shape == (NEURONS, TRIALS * TIMES, 2 * NEURONS)
    column = NEURONS + 3  # a shift
    expected = differences(lambda: rates(net).detach().numpy(), parameters, column).reshape(-1, NEURONS).T
    np.testing.assert_allclose(jacobian[:, :, column], expected, atol=1e-8)


def test_errors_along_directions():
    _, loss, parameters, _ = quadratic(SMALL)
    found = loss_hessian_eigenvalues(loss, parameters)
    difference = np.random.default_rng(0).standard_normal(SMALL)
    np.testing.assert_allclose(found.vectors @ found.along(difference), difference)
    with pytest.raises(ValueError, match="difference must have 40 entries, got 3"):
        found.along(difference[:3])


def test_what_is_no_loss_is_refused():
    parameters = torch.zeros(3, requires_grad=True)
    with pytest.raises(ValueError, match=r"loss must be one number, got \(3,\); gauss_newton_eigenvalues"):
        loss_hessian_eigenvalues(parameters * 2, parameters)
    with pytest.raises(ValueError, match="must be tensors with requires_grad"):
        loss_hessian_eigenvalues(parameters.sum(), torch.zeros(3))
    with pytest.raises(ValueError, match="leading must be at least 1"):
        loss_hessian_eigenvalues((parameters**2).sum(), parameters, leading=0)


def test_a_parameter_without_influence_has_eigenvalue_0():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    assert loss_hessian_eigenvalues((used**2).sum(), [used, unused]).values.tolist() == [2, 2, 0, 0]
    assert loss_hessian_eigenvalues(used.sum(), [used, unused]).values.tolist() == [0, 0, 0, 0]
