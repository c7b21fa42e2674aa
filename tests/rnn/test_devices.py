"""What can be seen of a device without having one: on torch's meta device a tensor that was made elsewhere is an error,
and so is a value that is waited for. Steps, spectra and trials with their gradients must have neither; what is told
once an epoch may."""

import numpy as np
import pytest
import torch

from randomnet.lyapunov import Schedule, exponents_of_stack
from randomnet.rnn import FORMS, INTERFACE, LowRankFactors, Network, stack_systems, trial_driven, trial_readout
from randomnet.synthetic import random_network
from tests.support.marks import slow_except

N, K = 12, 4
TAU = np.linspace(0.5, 2, N)
KINDS = {"plain": {}, "taus": {"tau": TAU}, "rank": {"rank": 2}, "rk4": {"integrator": "rk4"}}
every_form = pytest.mark.parametrize("form", FORMS)


def network(form, seed=0, rank=0, task=False, **options):
    rng = np.random.default_rng(seed)
    connectome = random_network(N, 1.2, rng)
    trainable = {"weights": np.arange(len(connectome.weights)), "gains": np.arange(N), "shifts": np.arange(N)}
    if rank:
        options["factors"] = LowRankFactors(*(rng.standard_normal((N, rank)) for _ in range(2)))
        trainable |= {name: np.arange(N * rank) for name in ("output_factors", "selection_factors")}
    if task:
        shapes = ((N, 3), (N,), (N,), (2, N), (2,))
        options["interface"] = {name: rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    return Network(connectome, form=form, dt=0.1, trainable=trainable, **options).to("meta")


def learns(networks, loss):
    """Every gradient is there, on the device."""
    assert loss.device.type == "meta"
    loss.backward()
    gradients = [one.grad for network in networks for one in network.parameters() if one.requires_grad]
    assert gradients and all(gradient is not None and gradient.device.type == "meta" for gradient in gradients)


def spectrum_loss(system, *runs):
    state, frame = torch.empty(*runs, N, device="meta").double(), torch.empty(*runs, K, N, device="meta").double()
    found, steepness, end = exponents_of_stack(system, state, frame, Schedule(3, 0.2, 0.5, 0.5))
    assert found.shape == (*runs, K) and steepness.shape == runs and end.shape == (*runs, 1 + K, N)
    return found.square().sum()


@every_form
@pytest.mark.parametrize("kind", slow_except(KINDS, "plain", "rank"))
def test_spectra_and_their_gradients_stay_on_the_device(form, kind):
    own = network(form, **KINDS[kind])
    learns([own], spectrum_loss(own.dynamics()))


@every_form
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rk4"])
def test_spectra_side_by_side_stay_on_the_device(form, kind):
    own = [network(form, seed, **KINDS[kind]) for seed in range(3)]
    learns(own, spectrum_loss(stack_systems([one.dynamics() for one in own]), 3))


@every_form
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rk4"])
@pytest.mark.parametrize("steps", [{}, {"truncate": 4}, {"segment": 5}])
def test_trials_and_their_gradients_stay_on_the_device(form, kind, steps):
    own = network(form, task=True, **KINDS[kind])
    inputs = torch.empty(12, 6, 3, device="meta").double()

    def noise(start, stop):
        return torch.empty(stop - start, 6, N, device="meta").double()

    outputs = trial_readout(own.dynamics(), own.interface_tensors(), inputs, noise, **steps)
    assert outputs.shape == (12, 6, 2)
    learns([own], outputs.square().mean())


@every_form
def test_a_spectrum_along_trials_stays_on_the_device(form):
    own = network(form, task=True)
    inputs = torch.empty(12, 6, 3, device="meta").double()
    outputs = trial_readout(own.dynamics(), own.interface_tensors(), inputs)
    learns([own], spectrum_loss(trial_driven(own.dynamics(), own.interface_tensors(), inputs)) + outputs.mean())


def test_what_is_waited_for_is_seen():
    with pytest.raises((RuntimeError, NotImplementedError)):
        float(torch.zeros((), device="meta"))
    with pytest.raises(RuntimeError):
        torch.zeros(3, device="meta") @ torch.zeros(3)


@every_form
@pytest.mark.parametrize("kind", slow_except(KINDS, "plain", "rank"))
def test_spectra_of_sparse_networks_and_their_gradients_stay_on_the_device(form, kind, monkeypatch):
    """The meta device has no product of compressed rows, so one of the same shape takes its place."""

    def product(factor, rows):
        assert factor.layout is torch.sparse_csr
        assert {part.device.type for part in (factor, factor.crow_indices(), factor.values(), rows)} == {"meta"}
        return rows.new_empty(factor.shape[0], rows.shape[0]).mT

    monkeypatch.setattr("randomnet.rnn.network.is_sparse", lambda n, edges: True)
    monkeypatch.setattr("randomnet.rnn.couplings._product", product)
    own = network(form, **KINDS[kind])
    assert own.pattern is not None
    learns([own], spectrum_loss(own.dynamics()))
