"""JSLDS: its linear steps, its penalties, and that it learns what its paper says."""

import numpy as np
import pytest
import torch

from randomnet.cells import CELLS
from randomnet.inference import (
    Autoencoder,
    LossWeights,
    SpikeObjective,
    SwitchingDecoder,
    TrialOrder,
    UpdateSamplers,
    make_fold,
    restore_model,
)
from randomnet.inference.losses import poisson
from randomnet.training import Settings, fit

TIME, BATCH, CHANNELS, SIZE, NEURONS, UNITS = 6, 4, 2, 3, 5, 7


def decoder(cell="gru", channels=CHANNELS):
    """A decoder whose expansion points are not the states, as in training."""
    rng = np.random.default_rng(0)
    own = SwitchingDecoder(CELLS[cell](channels, SIZE, rng), NEURONS, UNITS, rng).double()
    for parameter in own.expansion.last.parameters():
        torch.nn.init.uniform_(parameter, -0.3, 0.3, generator=torch.Generator().manual_seed(0))
    return own


def given(channels=CHANNELS):
    rng = np.random.default_rng(1)
    return (torch.from_numpy(0.3 * rng.standard_normal((BATCH, SIZE))),
            torch.from_numpy(0.3 * rng.standard_normal((TIME, BATCH, channels))))  # fmt: skip


def test_a_step_is_linear_around_the_expansion_point():
    own, (state, inputs) = decoder(), given()
    x, cell = inputs[0], own.cell
    for k in range(BATCH):
        s = state[k]
        point = (s + own.expansion.last(torch.tanh(own.expansion.hidden(s)))).detach()
        zero = torch.zeros(CHANNELS, dtype=torch.float64)
        by_state = torch.func.jacrev(lambda h, u=zero: cell.step(h[None], u[None])[0])(point)
        by_input = torch.func.jacrev(lambda u, h=point: cell.step(h[None], u[None])[0])(zero)
        expected = point + by_state @ (s - point) + by_input @ x[k]
        torch.testing.assert_close(own.step(state, x)[k], expected, atol=1e-12, rtol=0)


def test_around_a_fixed_point_of_a_linear_cell_both_systems_agree():
    own, (start, inputs) = decoder("linear"), given()
    cell = own.cell
    point = torch.linalg.solve(torch.eye(SIZE, dtype=torch.float64) - cell.transition, cell.bias)
    own.expansion.forward = lambda states: point.expand_as(states).clone()
    inference = own.infer(start, inputs)
    torch.testing.assert_close(inference.latents, cell.unroll(start, inputs), atol=1e-6, rtol=0)
    assert float(inference.penalties["expansion"].detach()) < 1e-20
    assert float(inference.penalties["approximation"].detach()) < 1e-20
    torch.testing.assert_close(inference.log_rates, inference.other_log_rates)


def test_penalties_are_squared_lengths_by_hand():
    own, (start, inputs) = decoder(), given()
    inference, state, change, distance = own.infer(start, inputs), start, [], []
    for x, of_cell in zip(inputs, own.cell.unroll(start, inputs), strict=True):
        point = own.expansion(state)
        change.append((own.cell.step(point, torch.zeros_like(x)) - point).square().sum(-1))
        state = own.step(state, x)
        distance.append((of_cell - state).square().sum(-1))
    for name, parts in (("expansion", change), ("approximation", distance)):
        torch.testing.assert_close(inference.penalties[name], torch.stack(parts).mean())


def objective_of(model, spikes, weights):
    fold = make_fold(spikes, None)
    return SpikeObjective(fold, fold, len(spikes), TrialOrder(0), UpdateSamplers(0), weights)


def recorded():
    """Spikes of neurons that see a decaying state."""
    rng = np.random.default_rng(3)
    states = rng.standard_normal((40, 1, 2)) * 0.9 ** np.arange(12)[:, None]
    return rng.poisson(np.exp(states @ rng.standard_normal((2, NEURONS)))).astype(np.uint8)


def test_the_loss_is_both_likelihoods_and_the_weighted_penalties():
    rng, spikes = np.random.default_rng(0), recorded()
    model = Autoencoder(4, decoder(channels=0).float(), rng, 4, 0.0)
    objective = objective_of(model, spikes, LossWeights(weights={"expansion": 10.0, "approximation": 2.0}, ramps=False))
    (batch,) = objective.batches()
    (measured,) = objective.measure([model], batch)
    inference = model.infer(batch.spikes[..., :4], batch.inputs)
    expected = poisson(inference.log_rates, batch.spikes) + poisson(inference.other_log_rates, batch.spikes)
    expected = expected + 10 * inference.penalties["expansion"] + 2 * inference.penalties["approximation"]
    torch.testing.assert_close(measured.loss, expected)


def test_training_brings_points_near_fixed_points_and_both_systems_together():
    rng, spikes = np.random.default_rng(0), recorded()
    model = Autoencoder(4, decoder(channels=0).float(), rng, 4, 0.0)
    objective = objective_of(model, spikes, LossWeights(weights={"expansion": 10.0, "approximation": 1.0}, ramps=False))
    history = fit([model], objective, [Settings("Adam", 0.02, 60)])[0].history
    assert history[-1]["train_expansion"] < 0.2 * history[1]["train_expansion"]
    assert history[-1]["train_approximation"] < 0.2 * history[1]["train_approximation"]
    assert history[-1]["validate_loss"] < history[0]["validate_loss"]


def test_a_description_and_the_values_rebuild_it():
    model = Autoencoder(4, decoder(channels=0).float(), np.random.default_rng(0), 4, 0.0)
    again = restore_model(model.description(), model.values())
    fold = make_fold(recorded(), None)
    first, second = (each.infer(fold.spikes[..., :4], fold.inputs) for each in (model, again))
    assert torch.equal(first.latents, second.latents) and torch.equal(first.log_rates, second.log_rates)


@pytest.mark.parametrize("size", [8, 64])
def test_an_untrained_one_stays_bounded_over_long_trials(size):
    rng = np.random.default_rng(0)
    own = SwitchingDecoder(CELLS["gru"](CHANNELS, size, rng), NEURONS, 100, rng)
    inputs = torch.from_numpy(0.15 * rng.standard_normal((500, BATCH, CHANNELS)).astype(np.float32))
    start = torch.from_numpy(rng.standard_normal((BATCH, size)).astype(np.float32))
    assert float(own.infer(start, inputs).latents.abs().max().detach()) < 10 * float(start.abs().max())


@pytest.mark.parametrize("channels", [CHANNELS, 0])
def test_its_step_has_a_jacobian_for_fixed_points_and_spectra(channels):
    own, (state, inputs) = decoder(channels=channels), given(channels)
    jacobian = torch.func.jacrev(lambda s: own.step(s[None], inputs[0, :1])[0])(state[0])
    nudges = 1e-6 * torch.eye(SIZE, dtype=torch.float64)
    x = inputs[0, :1].expand(SIZE, -1)
    numeric = ((own.step(state[0] + nudges, x) - own.step(state[0] - nudges, x)) / 2e-6).T
    torch.testing.assert_close(jacobian, numeric, atol=1e-8, rtol=0)
