"""Sparse products with J are the dense ones: values, gradients, spectra; and they are taken where they are faster."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from randomnet.connectome import from_dense
from randomnet.lyapunov import Schedule, exponents, random_frame, spectrum
from randomnet.rnn import Dense, Network, Pattern, Sparse, couplings, is_sparse

N = 40


def sparse_network(n=N, density=0.1, seed=0, dtype=torch.float64, **options):
    """A network of both signs, and random gains and shifts; all of them may be trained."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, n)) * (rng.random((n, n)) < density) * 3 / np.sqrt(density * n)
    connectome = from_dense("sparse", matrix, np.arange(n).astype(str))
    sizes = {"weights": len(connectome.weights), "gains": n, "shifts": n}
    trainable = {name: np.arange(size) for name, size in sizes.items()}
    network = Network(connectome, trainable=trainable, dtype=dtype, **options)
    values = network.values()
    for name, middle in (("gains", 1.0), ("shifts", 0.0)):
        values[name] = torch.from_numpy(middle + 0.2 * rng.standard_normal(n)).to(dtype)
    network.assign(values)
    return network, connectome


def both(network, connectome):
    """The same dynamics with dense and with sparse products."""
    pattern = Pattern(connectome.post, connectome.pre, connectome.n)
    system = network.dynamics()
    return (replace(system, coupling=coupling) for coupling in (
        Dense(network.matrix()), Sparse(network.weights(), pattern)))  # fmt: skip


def bundle_of(rows, n=N, dtype=torch.float64, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((rows, n))).to(dtype)


WAYS = [(form, integrator) for form in ("current", "rate") for integrator in ("euler", "rk4")]


@pytest.mark.parametrize(("form", "integrator"), WAYS)
@pytest.mark.parametrize("rows", [1, 6])
def test_steps_and_gradients_are_those_of_the_dense_matrix(form, integrator, rows):
    network, connectome = sparse_network(form=form, integrator=integrator)
    drive = bundle_of(5, seed=2)
    found = []
    for system in both(network, connectome):
        bundle = bundle_of(rows).requires_grad_()
        after = system.advance(bundle, 5, drive=drive)
        with torch.no_grad():
            plain = system.advance(bundle.detach(), 5, drive=drive)
        torch.testing.assert_close(after, plain, rtol=1e-12, atol=1e-12)
        parameters = [bundle, network.weights.free, network.gains.free, network.shifts.free]
        gradients = torch.autograd.grad((after * bundle_of(rows, seed=3)).sum(), parameters)
        step = system.step_bundle(bundle_of(max(rows, 2)))
        found.append([after.detach(), step.detach(), *gradients])
    for dense, sparse in zip(*found, strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-10, atol=1e-12)


def test_the_product_alone_is_differentiable():
    _, connectome = sparse_network(n=7, density=0.4)
    pattern = Pattern(connectome.post, connectome.pre, 7)
    values = torch.from_numpy(connectome.weights).requires_grad_()
    rows = bundle_of(3, 7).requires_grad_()
    assert torch.autograd.gradcheck(lambda values, rows: Sparse(values, pattern).product(rows), (values, rows))
    vector = Sparse(values, pattern).product(rows[0])
    torch.testing.assert_close(vector, rows[0] @ torch.from_numpy(connectome.dense()).mT)


def test_gradients_of_weights_are_gathered_in_parts(monkeypatch):
    network, connectome = sparse_network()
    _, system = both(network, connectome)
    gradients = []
    for some in (2**24, 13):
        monkeypatch.setattr(couplings, "GATHER_LIMIT", some)
        after = system.advance(bundle_of(6), 3)
        gradients.append(torch.autograd.grad(after.sum(), network.weights.free, retain_graph=True)[0])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_spectra_and_their_gradients_agree(form):
    network, connectome = sparse_network(form=form)
    frame, state = torch.from_numpy(random_frame(np.random.default_rng(0), 8, N)), bundle_of(1)[0]
    schedule, found, gradients = Schedule(5, 0.3, 1, 1), [], []
    for system in both(network, connectome):
        found.append(torch.from_numpy(spectrum(system, state, frame, schedule).exponents))
        loss = exponents(system, state, frame, schedule).square().sum()
        gradients.append(torch.autograd.grad(loss, [network.gains.free, network.shifts.free]))
    torch.testing.assert_close(found[1], found[0], rtol=1e-7, atol=1e-8)
    for dense, sparse in zip(*gradients, strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-5, atol=1e-6)


def test_float32_agrees_to_1e_5():
    network, connectome = sparse_network(n=500, density=0.05, dtype=torch.float32)
    dense, sparse = (system.advance(bundle_of(11, 500, torch.float32), 10) for system in both(network, connectome))
    torch.testing.assert_close(sparse, dense, rtol=1e-5, atol=1e-5)


def test_sparse_products_are_taken_where_they_are_faster():
    assert [is_sparse(400, 16_000), is_sparse(400, 16_001), is_sparse(399, 10), is_sparse(139_255, 3_700_000)] == [
        True, False, False, True,
    ]  # fmt: skip
    network, _ = sparse_network(n=500, density=0.05)
    assert isinstance(network.dynamics().coupling, Sparse)
    assert isinstance(network.float().dynamics().coupling.values, torch.Tensor)
    assert isinstance(sparse_network(n=500, density=0.2)[0].dynamics().coupling, Dense)
    interface = {
        "input_weights": np.ones((500, 1)), "input_bias": np.zeros(500), "recurrent_bias": np.zeros(500),
        "readout_weights": np.ones((1, 500)), "readout_bias": np.zeros(1),
    }  # fmt: skip
    driven, _ = sparse_network(n=500, density=0.05, interface=interface)
    assert isinstance(driven.dynamics().coupling, Dense)
    assert driven(torch.zeros(2, 3, 1, dtype=torch.float64)).shape == (2, 3, 1)
