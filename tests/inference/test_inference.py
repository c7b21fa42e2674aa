"""Models of recordings: closed forms, torch's own distributions and schedulers, finite differences, a known system."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from randomnet.cells import CELLS, GRU
from randomnet.connectome import Connectome
from randomnet.inference import (
    Autoencoder,
    CellDecoder,
    Inference,
    InferenceModel,
    Lfads,
    LossWeights,
    NetworkDecoder,
    Sampler,
    Sizes,
    SpikeObjective,
    TrialOrder,
    UpdateSamplers,
    fold_scores,
    gaussian_kl,
    inferred_arrays,
    log_rates_of,
    make_fold,
    poisson,
    ramp,
    restore_model,
)
from randomnet.inference.lfads import Controller
from randomnet.inference.losses import PRIORS
from randomnet.metrics import bps, r2
from randomnet.optimizers import Optimizer
from randomnet.rnn import Network
from randomnet.training import Settings, fit

TIME, TRIALS, NEURONS, HELDIN, CHANNELS = 6, 5, 7, 4, 2
SMALL = Sizes(encoder=3, generator=4, factors=2, controller=3)
MODELS = ("gru", "rnn", "linear", "node", "network", "lfads", "lfads inferring")


def network(channels=CHANNELS, neurons=NEURONS, n=5, form="current"):
    rng = np.random.default_rng(3)
    post, pre = np.nonzero(rng.random((n, n)) < 0.6)
    signs = np.where(np.arange(n) < 2, -1.0, 1.0)
    weights = signs[pre] * rng.random(len(pre))
    interface = {
        "input_weights": rng.standard_normal((n, channels)),
        "input_bias": rng.standard_normal(n),
        "recurrent_bias": rng.standard_normal(n),
        "readout_weights": rng.standard_normal((neurons, n)),
        "readout_bias": rng.standard_normal(neurons),
    }
    made = Connectome("made up", post, pre, weights, np.arange(n).astype(str))
    trainable = {"weights": np.arange(len(weights))}
    return Network(
        made, activation="tanh", form=form, dt=0.5, trainable=trainable, interface=interface, dtype=torch.float32
    )


def model(name, channels=CHANNELS, **given):
    rng = np.random.default_rng(1)
    if name.startswith("lfads"):
        inferring = {"inferred": 2} if "inferring" in name else {}
        sizes = Sizes(**{**vars(SMALL), **inferring, **given})
        return Lfads(HELDIN, NEURONS, channels, rng, sizes, dropout=0.1)
    if name == "network":
        decoder = NetworkDecoder(network(channels, **given))
    else:
        options = {"hidden_layers": 1, "width": 4} if name == "node" else {}
        decoder = CellDecoder(CELLS[name](channels, 3, rng, **options), NEURONS, rng)
    return Autoencoder(HELDIN, decoder, rng, encoder_size=3, dropout=0.1)


def fold(seed=2, trials=TRIALS, channels=CHANNELS):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((trials, TIME, channels)).astype(np.float32)
    return make_fold(rng.poisson(1.0, (trials, TIME, NEURONS)).astype(np.uint8), inputs)


# ---- closed forms


def test_the_divergence_of_the_specification():
    found = gaussian_kl(torch.tensor(0.1), torch.tensor(0.1**2), torch.tensor(0.0), 0.1)
    assert float(found) == pytest.approx(0.7513, abs=5e-5)
    q, p = torch.distributions.Normal(0.3, 0.7**0.5), torch.distributions.Normal(-1.0, 2**0.5)
    found = gaussian_kl(torch.tensor(0.3), torch.tensor(0.7), torch.tensor(-1.0), 2.0)
    assert float(found) == pytest.approx(float(torch.distributions.kl_divergence(q, p)), rel=1e-6)


def test_penalties_rise_over_81_epochs():
    assert ramp(0) == pytest.approx(1 / 81)
    assert ramp(40) == pytest.approx(41 / 81)
    assert ramp(80) == ramp(500) == 1


def test_the_likelihood_is_torchs():
    rng = torch.Generator().manual_seed(0)
    log_rates, spikes = torch.randn(3, 4, 5, generator=rng), torch.randint(0, 4, (3, 4, 5), generator=rng).float()
    expected = nn.functional.poisson_nll_loss(log_rates, spikes, log_input=True)
    torch.testing.assert_close(poisson(log_rates, spikes), expected)


def test_an_autoregressive_prior_by_hand():
    rng = np.random.default_rng(0)
    mean, variance = rng.standard_normal((3, 2, 2)), rng.random((3, 2, 2)) + 0.1
    sample = mean + 0.3
    forget = math.exp(-1 / 4.0)
    expected = 0.0
    for t, trial, k in np.ndindex(3, 2, 2):
        about = 0.0 if t == 0 else forget * sample[t - 1, trial, k]
        wide = 0.1 if t == 0 else 0.1 * (1 - forget**2)
        q = torch.distributions.Normal(mean[t, trial, k], variance[t, trial, k] ** 0.5)
        p = torch.distributions.Normal(about, wide**0.5)
        expected += float(torch.distributions.kl_divergence(q, p)) / 2
    found = PRIORS["autoregressive"](*map(torch.from_numpy, (mean, variance, sample)), 0.1, 4.0)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_students_t_prior_is_torchs_of_variance_a_tenth():
    rng = np.random.default_rng(0)
    mean, sample = (torch.from_numpy(rng.standard_normal((3, 2, 2))) for _ in range(2))
    variance = torch.from_numpy(rng.random((3, 2, 2)) + 0.1)
    prior = torch.distributions.StudentT(3.0, 0.0, (0.1 / 3) ** 0.5)
    assert float(prior.variance) == pytest.approx(0.1)
    own = torch.distributions.Normal(mean, variance.sqrt())
    expected = (own.log_prob(sample) - prior.log_prob(sample)).sum((0, 2)).mean()
    assert float(PRIORS["student_t"](mean, variance, sample, 0.1, 1.0)) == pytest.approx(float(expected), rel=1e-6)


# ---- chance


def test_dropout_keeps_the_mean_and_drops_its_share():
    """Of 10^5 entries: share and mean within 5 standard errors."""
    values = torch.ones(100_000)
    dropped = UpdateSamplers(3).next().dropout(values, 0.3)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=5 * (0.21 / 1e5) ** 0.5)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=5 * (0.3 / 0.7 / 1e5) ** 0.5)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert torch.equal(UpdateSamplers(3).next().dropout(values, 0.0), values)


def test_every_update_draws_anew_and_the_same_after_a_resume():
    one, other, values = UpdateSamplers(5), UpdateSamplers(5, updates=1), torch.ones(50)
    first, second = (one.next().normal(values) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(second, other.next().normal(values))
    assert one.updates == other.updates == 2


def test_an_epoch_goes_through_all_trials_in_an_order_of_its_own():
    order = TrialOrder(7)
    epochs = [order.next(10, 4) for _ in range(2)]
    for batches in epochs:
        assert [len(batch) for batch in batches] == [4, 4, 2]
        assert sorted(np.concatenate(batches)) == list(range(10))
    assert np.concatenate(epochs[0]).tolist() != np.concatenate(epochs[1]).tolist()
    assert np.array_equal(np.concatenate(TrialOrder(7, epochs=1).next(10, 4)), np.concatenate(epochs[1]))


class Table(InferenceModel):
    """Log rates that are parameters, one each; it remembers what it saw."""

    heldin, neurons, channels, size = HELDIN, NEURONS, CHANNELS, 1

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(TIME, TRIALS, NEURONS))

    def infer(self, seen, inputs, chance=None):
        self.seen = seen
        return Inference(self.table, self.table[..., :1], self.table[0, :, :1])

    def step(self, state, x):
        return state

    def log_rates(self, states):
        return states

    def description(self):
        return {}


def objective(terms=None, batch_size=TRIALS, training=None, validation=None):
    training = training or fold()
    order, samplers = TrialOrder(1), UpdateSamplers(2)
    return SpikeObjective(training, validation or fold(9), batch_size, order, samplers, terms or LossWeights())


def test_coordinated_dropout_learns_from_what_the_model_did_not_see():
    goal, table = objective(LossWeights(coordinated=0.3)), Table()
    (batch,) = goal.batches()
    (measured,) = goal.measure([table], batch)
    measured.loss.backward()
    kept = UpdateSamplers(2).next().keep_mask(batch.spikes[..., :HELDIN], 0.3)
    torch.testing.assert_close(table.seen, torch.where(kept, batch.spikes[..., :HELDIN] / 0.7, 0.0))
    gradient = (1 - batch.spikes) / batch.spikes.numel()  # of exp(l) - k l at l = 0
    assert bool((table.table.grad[..., :HELDIN][kept] == 0).all())
    torch.testing.assert_close(table.table.grad[..., :HELDIN][~kept], gradient[..., :HELDIN][~kept])
    torch.testing.assert_close(table.table.grad[..., HELDIN:], gradient[..., HELDIN:])
    assert 0 < int(kept.sum()) < kept.numel()
    assert float(measured.loss.detach()) == pytest.approx(1.0)  # the value is of all


def test_the_mean_of_what_coordinated_dropout_shows_is_that_of_the_spikes():
    """Over 400 updates, within 5 standard errors: an entry k has variance k^2 (.3/.7)."""
    goal, table, total = objective(LossWeights(coordinated=0.3)), Table(), 0.0
    (batch,) = goal.batches()
    for _ in range(400):
        goal.measure([table], batch)
        total += float(table.seen.sum())
    spikes = batch.spikes[..., :HELDIN]
    error = (float((spikes**2).sum()) * 0.3 / 0.7 / 400) ** 0.5
    assert total / 400 == pytest.approx(float(spikes.sum()), abs=5 * error)


def test_the_penalties_are_added_with_their_weights_ramp_and_scale():
    lfads, data = model("lfads inferring"), fold()
    goal = objective(LossWeights(1e4, {"kl_ic": 0.1, "kl_co": 0.2, "l2": 0.3}))
    goal.batches()
    (measured,) = goal.measure([lfads], data)
    figures = measured.figures
    expected = figures["train_loss"] + (
        0.1 * figures["train_kl_ic"] + 0.2 * figures["train_kl_co"] + 0.3 * figures["train_l2"]
    ) / 81
    assert float(measured.loss.detach()) == pytest.approx(1e4 * expected, rel=1e-5)
    (fresh,) = goal.measure([lfads], data, evaluation=True)
    scores = fold_scores(log_rates_of(lfads, data, 2), data, HELDIN)
    assert float(fresh.loss.detach()) == pytest.approx(scores["loss"], rel=1e-5)


# ---- the models


@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_the_loss_are_finite_differences(name):
    one, data = model(name).double(), fold()
    spikes, inputs = data.spikes.double(), data.inputs.double()

    def loss():
        found = one.infer(spikes[..., :HELDIN], inputs, UpdateSamplers(4).next())
        return poisson(found.log_rates, spikes) + sum(0.01 * penalty for penalty in found.penalties.values())

    loss().backward()
    checked = 0
    for key, parameter in one.named_parameters():
        if parameter.grad is None:
            continue
        where = np.unravel_index(int(parameter.grad.abs().argmax()), parameter.shape)
        with torch.no_grad():
            parameter[where] += 1e-6
            above = float(loss())
            parameter[where] -= 2e-6
            below = float(loss())
            parameter[where] += 1e-6
        assert float(parameter.grad[where]) == pytest.approx((above - below) / 2e-6, rel=1e-4, abs=1e-8), key
        checked += 1
    assert checked >= 8


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "lfads inferring"])
def test_what_is_unrolled_is_step_by_step_and_read_out(name, form):
    one, data = model(name, **({"form": form} if name == "network" else {})), fold()
    found = one.infer(data.spikes[..., :HELDIN], data.inputs)
    state = found.start
    for t in range(TIME):
        state = one.step(state, data.inputs[t])
        torch.testing.assert_close(state, found.latents[t], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.log_rates(found.latents), found.log_rates, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_sees_held_in_neurons_only_and_needs_no_chance(name):
    one, data = model(name), fold()
    other = copy.deepcopy(data)
    other.spikes[..., HELDIN:] += 5
    first, second = inferred_arrays(one, data, 2), inferred_arrays(one, other, 5)
    for key in ("rates", "latents", "start"):
        np.testing.assert_allclose(first[key], second[key], rtol=1e-5, atol=1e-6)
    assert first["rates"].shape == (TRIALS, TIME, NEURONS)
    changed = copy.deepcopy(data)
    changed.spikes[-1, :, :HELDIN] += 5  # in the last bin, which counts as well
    assert not np.allclose(inferred_arrays(one, changed, 5)["start"], first["start"])


@pytest.mark.parametrize("name", MODELS)
def test_a_description_and_values_rebuild_a_model(name):
    one, data = model(name), fold()
    again = restore_model(one.description(), one.values())
    first, second = inferred_arrays(one, data, 5), inferred_arrays(again, data, 5)
    assert first.keys() == second.keys()
    for key, array in first.items():
        assert np.array_equal(array, second[key]), key
    moved = {key: value + 0.01 if key.startswith("to_start") else value for key, value in one.values().items()}
    again.assign(moved)
    assert not np.array_equal(inferred_arrays(again, data, 5)["rates"], first["rates"])


@pytest.mark.parametrize("name", MODELS)
def test_models_need_no_inputs(name):
    data = fold(channels=0)
    assert np.isfinite(inferred_arrays(model(name, channels=0), data, 5)["rates"]).all()


def test_a_network_keeps_its_signs_and_edges_while_it_is_fitted():
    one = model("network")
    net = one.decoder.network
    before, signs = net.matrix().detach().clone(), torch.sign(net.weights().detach())
    fit([one], objective(batch_size=2), [Settings("AdamW", 0.3, 5, weight_decay=0.1)])
    after = net.matrix().detach()
    assert not torch.equal(before, after)
    assert bool((after[before == 0] == 0).all())
    assert bool((torch.sign(net.weights().detach()) * signs >= 0).all())


def test_factors_have_rows_of_length_one():
    lfads = model("lfads")
    state = torch.eye(SMALL.generator)
    columns = lfads._factors(state)  # row k: what unit k adds to the factors
    torch.testing.assert_close((columns**2).sum(0), torch.ones(SMALL.factors))


def test_generator_states_are_clipped():
    lfads, data = model("lfads"), fold()
    with torch.no_grad():
        lfads.to_start.bias.fill_(50.0)
    found = lfads.infer(data.spikes[..., :HELDIN], data.inputs)
    assert float(found.start.detach().max()) == 5.0
    assert float(found.latents.detach().abs().max()) <= 5.0


def test_the_controller_sees_what_is_before_and_after_a_bin():
    controller = Controller(HELDIN, SMALL, np.random.default_rng(0))
    spikes = fold().spikes[..., :HELDIN]
    other = spikes.clone()
    other[2] += 3
    changed = (controller.context(spikes) - controller.context(other)).abs().amax((1, 2)) > 1e-6  # not its rounding
    assert changed.tolist() == [True, True, False, True, True, True]
    there, back = changed, controller.context(other)[..., : SMALL.encoder]
    assert there.sum() == 5
    torch.testing.assert_close(back[:3], controller.context(spikes)[:3, :, : SMALL.encoder])  # the past knows no future


def test_inferred_inputs_come_from_their_posterior():
    """Without chance these are its means, and what the generator receives; with chance they are sampled."""
    lfads, data = model("lfads inferring"), fold()
    seen = data.spikes[..., :HELDIN]
    found = lfads.infer(seen, data.inputs)
    state = found.start
    for t in range(TIME):
        state = lfads.generator.step(state, torch.cat([found.inputs[t], data.inputs[t]], -1))
        torch.testing.assert_close(state, found.latents[t])
    lfads.dropout = 0.0
    first, second = (lfads.infer(seen, data.inputs, Sampler(np.random.default_rng(k))) for k in range(2))
    assert not torch.allclose(first.latents, second.latents)


# ---- training


@pytest.mark.slow
def test_a_linear_model_recovers_a_linear_system():
    """A rotation by .3 that shrinks by .97 per bin, from random starts, under no inputs: rates and eigenvalues."""
    rng = np.random.default_rng(0)
    time, trials, angle = 25, 240, 0.3
    step = 0.97 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    states = [1.2 * rng.standard_normal((trials, 2))]
    for _ in range(time - 1):
        states.append(states[-1] @ step.T)
    states = np.stack(states, 1)
    rates = np.exp(states @ rng.standard_normal((2, 30)) * 0.4 + 0.5)
    spikes = rng.poisson(rates).astype(np.uint8)
    training, validation = make_fold(spikes[:200], None), make_fold(spikes[200:], None)
    drawn = np.random.default_rng(1)
    decoder = CellDecoder(CELLS["linear"](0, 2, drawn), 30, drawn)
    one = Autoencoder(25, decoder, drawn, encoder_size=16, dropout=0.0)
    goal = SpikeObjective(training, validation, 50, TrialOrder(0), UpdateSamplers(0))
    (progress,) = fit([one], goal, [Settings("Adam", 0.02, 40, clip_norm=1.0, clip_whole=True)])
    one.assign(progress.best)
    found = inferred_arrays(one, validation, 50)["rates"]
    assert r2(np.log(rates[200:]), np.log(found)) > 0.9
    assert bps(spikes[200:, :, 25:], found[..., 25:]) > 0.88 * bps(spikes[200:, :, 25:], rates[200:, :, 25:])
    values = np.linalg.eigvals(one.decoder.cell.transition.detach().numpy())
    np.testing.assert_allclose(np.abs(values), 0.97, atol=0.01)
    np.testing.assert_allclose(np.abs(np.angle(values)), angle, atol=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_training_lowers_the_loss_and_keeps_best_and_last(name):
    data, one = fold(), model(name)
    goal = objective(training=data, validation=data, batch_size=2)
    (progress,) = fit([one], goal, [Settings("Adam", 0.02, 15, clip_norm=1.0, clip_whole=True)])
    losses = [row["validate_loss"] for row in progress.history]
    assert min(losses) < losses[0]
    assert progress.best_epoch == int(np.argmin(losses))
    one.assign(progress.best)
    assert fold_scores(log_rates_of(one, data, 5), data, HELDIN)["loss"] == pytest.approx(min(losses), rel=1e-5)
    assert {"grad_norm", "clipped_norm", "validate_co_bps"} <= set(progress.history[1])


@pytest.mark.parametrize("name", ["gru", "lfads inferring"])
def test_a_training_goes_on_to_the_same_bytes(name):
    kept = []

    def trained(resume=None):
        goal, one = objective(LossWeights(10.0, {"kl_ic": 0.01, "kl_co": 0.01}, 0.3), 2), model(name)
        settings = Settings("AdamW", 0.05, 6, clip_whole=True, plateau_factor=0.5, plateau_patience=0)
        keep = kept.append if resume is None else lambda states: None
        found = fit([one], goal, [settings], checkpoint_every=2,
                    save_checkpoint=lambda states: keep(copy.deepcopy(states)),
                    resume=resume)  # fmt: skip
        return found[0]

    whole = trained()
    again = trained(copy.deepcopy(kept[0]))
    assert kept[0][0]["progress"]["epoch"] == 2
    assert whole.last.keys() == again.last.keys()
    assert all(torch.equal(value, again.last[key]) for key, value in whole.last.items())
    assert all(torch.equal(value, again.best[key]) for key, value in whole.best.items())
    assert whole.final_loss == again.final_loss
    for row, other in zip(whole.history, again.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_early_stopping_fires_and_the_best_is_kept():
    one = model("gru")
    settings = Settings("Adam", 0.5, 200, early_stopping=3)
    (progress,) = fit([one], objective(batch_size=2), [settings])
    assert progress.reason == "no lower loss for 3 epochs"
    assert progress.epoch == progress.lowest_epoch + 3 < 200


def test_the_learning_rate_falls_on_plateaus_as_torchs_does():
    rng = np.random.default_rng(0)
    losses = (1 + np.exp(-np.arange(80) / 4) + 0.05 * rng.random(80)).tolist()
    optimizer = torch.optim.SGD([torch.zeros(1)], 1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=6, min_lr=1e-5)
    settings = Settings("SGD", 1e-3, 80, plateau_factor=0.5, plateau_patience=6, plateau_lr=1e-5)
    found, expected = [], []
    for epoch, loss in enumerate(losses):
        scheduler.step(loss)
        expected.append(optimizer.param_groups[0]["lr"])
        found.append(settings.learning_rate(epoch + 1, losses[: epoch + 1]))
    assert len(set(expected)) > 3
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_decay_and_eps_are_those_of_torch_optim(name):
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(5), rng.standard_normal((20, 5))
    ours, theirs = (torch.tensor(start) for _ in range(2))
    more = {} if name == "SGD" else {"eps": 1e-3}
    own = Optimizer(name, [ours], 0.05, 0.2, **more)
    other = getattr(torch.optim, name)([theirs], lr=0.05, weight_decay=0.2, **more)
    for gradient in gradients:
        own.step(torch.tensor(gradient))
        theirs.grad = torch.tensor(gradient)
        other.step()
    torch.testing.assert_close(ours, theirs)


def test_the_whole_gradient_is_clipped_as_torchs_is():
    one, other, data = model("gru"), model("gru"), fold()
    goal = objective(training=data)
    (progress,) = fit([one], goal, [Settings("SGD", 1.0, 1, clip_norm=0.01, clip_whole=True)])
    (batch,) = objective(training=data).batches()
    parameters = [parameter for parameter in other.parameters() if parameter.requires_grad]
    inference = other.infer(batch.spikes[..., :HELDIN], batch.inputs, UpdateSamplers(2).next())
    poisson(inference.log_rates, batch.spikes).backward()
    norm = nn.utils.clip_grad_norm_(parameters, 0.01)
    torch.optim.SGD(parameters, lr=1.0).step()
    assert progress.history[1]["grad_norm"] == pytest.approx(float(norm), rel=1e-5)
    assert progress.history[1]["clipped_norm"] == 0.01 < float(norm)
    for key, value in other.values().items():
        torch.testing.assert_close(one.values()[key], value, atol=1e-6, rtol=1e-4)


# ---- errors


def test_errors_say_what_was_expected_and_what_came():
    one, data, rng = model("gru"), fold(), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"spikes must have shape \(time, batch, 4\), got \(6, 5, 7\)"):
        one.infer(data.spikes, data.inputs)
    with pytest.raises(ValueError, match=r"inputs must have shape \(6, 5, 2\), got \(6, 5, 1\)"):
        one.infer(data.spikes[..., :HELDIN], data.inputs[..., :1])
    with pytest.raises(ValueError, match="heldin must be from 1 to the 7 neurons, got 8"):
        Autoencoder(8, one.decoder, rng)
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\), got 1"):
        Lfads(4, 7, 2, rng, SMALL, dropout=1)
    with pytest.raises(ValueError, match="prior must be one of autoregressive, student_t, got 'cauchy'"):
        Sizes(prior="cauchy")
    with pytest.raises(ValueError, match="expected inferred >= 0, tau > 0 and factors >= 1, got -1, "):
        Sizes(inferred=-1)
    with pytest.raises(ValueError, match="model must be one of autoencoder, lfads, got 'jslds'"):
        restore_model({"model": "jslds"}, {})
    with pytest.raises(ValueError, match=r"forwards: initial: expected shape \(3,\), got none"):
        one.assign({})
    with pytest.raises(ValueError, match="a decoder must be a network with an interface, got one without"):
        one_neuron = Connectome("one", np.zeros(1, int), np.zeros(1, int), np.ones(1), np.array(["a"]))
        NetworkDecoder(Network(one_neuron, activation="tanh"))
    with pytest.raises(ValueError, match=r"spikes .* and inputs .* must agree, got \(2, 3, 4\) and \(2, 4, 1\)"):
        make_fold(np.zeros((2, 3, 4), np.uint8), np.zeros((2, 4, 1), np.float32))


def test_a_generator_cell_alone_has_no_start_to_learn():
    lfads, auto = model("lfads"), model("gru")
    assert not lfads.generator.initial.requires_grad and not auto.decoder.cell.initial.requires_grad
    assert GRU(1, 2, np.random.default_rng(0)).initial.requires_grad
