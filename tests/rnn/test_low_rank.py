"""Factors of low rank: J = W + m n^T / N is never formed, and everything is as if it were; what of them is trained."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from randomnet.activations import Activation
from randomnet.analysis import jacobian_of
from randomnet.connectome import Connectome
from randomnet.lyapunov import Schedule, random_frame, spectrum
from randomnet.objectives import Measurement, SpectrumLoss, measure_each
from randomnet.rnn import (
    FACTORS,
    FORMS,
    Dense,
    Dynamics,
    LowRank,
    LowRankFactors,
    Network,
    Pattern,
    Sparse,
    Unconnected,
    can_stack,
    run_trials,
    stack_networks,
    stack_systems,
)
from randomnet.training import Interrupted, Settings, fit
from tests.support.low_rank import (
    BASES,
    BATCH,
    CHANNELS,
    EXACT,
    TIME,
    K,
    N,
    connectome_of,
    dense,
    gradients,
    leaves,
    network,
    randn,
)

# ---- products


@pytest.mark.parametrize("base", BASES)
def test_every_product_is_that_of_the_matrix(base):
    own = network(base)
    coupling = own.dynamics().coupling
    kinds = {"dense": Dense, "sparse": Sparse, "none": Unconnected}
    assert isinstance(coupling, LowRank) and isinstance(coupling.base, kinds[base])
    weights, (output, selection) = own.values()["weights"].numpy(), own.factors()
    matrix = torch.from_numpy(connectome_of(base).dense())
    assert len(weights) == np.count_nonzero(matrix)
    matrix = (matrix + output @ selection.mT / N).detach()
    torch.testing.assert_close(own.matrix().detach(), matrix, rtol=1e-14, atol=1e-15)
    rows, other = randn(5, N), randn(5, N, seed=1)
    room = lambda: coupling.empty(rows).fill_(np.nan)  # noqa: E731
    with torch.no_grad():
        torch.testing.assert_close(coupling.product(rows), rows @ matrix.mT)
        torch.testing.assert_close(coupling.product(rows[0]), matrix @ rows[0])
        torch.testing.assert_close(coupling.product_into(rows, room()), rows @ matrix.mT)
        torch.testing.assert_close(coupling.transpose_product_into(rows, room()), rows @ matrix)
        torch.testing.assert_close(
            coupling.add_product_into(other, rows, 0.3, 0.7, room()), 0.3 * other + 0.7 * rows @ matrix.mT
        )
        torch.testing.assert_close(
            coupling.add_transpose_product_into(other, rows, 0.3, room()), 0.3 * other + rows @ matrix
        )
        gains = randn(N, 1, seed=2)
        torch.testing.assert_close(coupling.scale_rows(gains).product_into(rows, room()), rows @ (gains * matrix).mT)


def test_a_network_without_edges_costs_its_factors_alone():
    """A matrix of 10^5 x 10^5 would take 80 GB."""
    n = 100_000
    none = np.zeros(0, dtype=np.int64)
    connectome = Connectome("none", none, none, np.zeros(0), np.arange(n).astype(str))
    rng = np.random.default_rng(0)
    factors = LowRankFactors(rng.standard_normal((n, 2)), rng.standard_normal((n, 2)))
    own = Network(connectome, factors=factors, trainable={})
    output, selection = own.factors()
    state = randn(n)
    after = own.dynamics().step(state)
    rates = (1 + torch.tanh(state)) / 2
    torch.testing.assert_close(after, 0.9 * state + 0.1 * output @ own.overlaps(rates))
    torch.testing.assert_close(own.overlaps(rates), selection.mT @ rates / n)


# ---- steps


@pytest.mark.parametrize("integrator", ["euler", "rk4"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("base", BASES)
def test_steps_tangents_and_gradients_are_those_of_the_matrix(base, form, integrator):
    """The oracle is autograd through plain operations with J formed."""
    own = network(base, form, integrator=integrator)
    bundle, weigh = randn(4, N, seed=1).requires_grad_(), randn(4, N, seed=2)
    system, plain = own.dynamics(), dense(own)
    torch.testing.assert_close(system.step(bundle), plain.step(bundle), **EXACT)
    torch.testing.assert_close(system.tangent(bundle[0], bundle[1:]), plain.tangent(bundle[0], bundle[1:]), **EXACT)
    jacobian = torch.func.jacrev(plain.step)(bundle[0].detach())
    torch.testing.assert_close(jacobian_of(system)(bundle[:1])[0], jacobian, **EXACT)
    after, expected = system.advance(bundle, 5), bundle
    for _ in range(5):
        expected = plain.step_bundle(expected)
    torch.testing.assert_close(after, expected, **EXACT)
    with torch.no_grad():
        torch.testing.assert_close(own.dynamics().advance(bundle, 5), after.detach(), **EXACT)
    wanted = [bundle, *leaves(own)]
    pairs = zip(gradients((after * weigh).sum(), wanted), gradients((expected * weigh).sum(), wanted), strict=True)
    for found, other in pairs:
        torch.testing.assert_close(found, other, **EXACT)
        assert bool(found.any())


@pytest.mark.parametrize("form", FORMS)
def test_gradients_of_the_factors_are_those_of_finite_differences(form):
    own, bundle, weigh = network(form=form), randn(3, N, seed=1), randn(3, N, seed=2)
    free = [own.output_factors.free, own.selection_factors.free]
    found = gradients((own.dynamics().advance(bundle, 4) * weigh).sum(), free)
    with torch.no_grad():
        for parameter, gradient in zip(free, found, strict=True):
            direction, values = randn(len(parameter), seed=3), []
            for sign in (1, -1):
                parameter.add_(sign * 1e-6 * direction)
                values.append(float((own.dynamics().advance(bundle, 4) * weigh).sum()))
                parameter.sub_(sign * 1e-6 * direction)
            assert float(gradient @ direction) == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("base", BASES)
def test_factors_alone_may_learn_and_so_may_the_weights(base, form):
    """What is fixed gets no gradient, and what is trained the same one."""
    both = network(base, form)
    for names in (FACTORS, FACTORS[:1], FACTORS[1:], *([] if base == "none" else [("weights",)])):
        some = network(base, form, trainable={name: np.arange(getattr(both, name)().numel()) for name in names})
        found = []
        for own in (some, both):
            after = own.dynamics().advance(randn(4, N), 3)
            found.append(gradients(after.square().sum(), [getattr(own, name).free for name in names]))
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("form", FORMS)
def test_spectra_are_those_of_the_matrix(form):
    own = network(form=form)
    state, frame = randn(N), torch.from_numpy(random_frame(np.random.default_rng(0), N, N))
    with torch.no_grad():
        found, expected = (
            spectrum(system, state, frame, Schedule(20, 0.3, 1, 1)).exponents for system in (own.dynamics(), dense(own))
        )
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


# ---- trials


@pytest.mark.parametrize("activation", ["tanh", "tanh_positive"])
@pytest.mark.parametrize("dt", [1.0, 0.3])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("base", BASES)
def test_trials_and_their_gradients_are_those_of_plain_steps(base, form, dt, activation):
    own = network(base, form, task=True, dt=dt, activation=activation)
    system, interface = own.dynamics(), own.interface
    if base == "sparse":
        connectome = connectome_of(base)
        pattern = Pattern(connectome.post, connectome.pre, N)
        system = replace(system, coupling=replace(system.coupling, base=Sparse(own.weights(), pattern)))
    inputs, initial = randn(TIME, BATCH, CHANNELS, seed=1), randn(BATCH, N, seed=2).requires_grad_()
    for start in (initial, None):
        rates, outputs = run_trials(system, interface, inputs, start)
        plain, path = dense(own), []
        state = torch.zeros(BATCH, N, dtype=torch.float64) if start is None else start
        for now in inputs:
            drive = now @ interface["input_weights"].mT + interface["input_bias"] + interface["recurrent_bias"]
            state = replace(plain, drive=drive).step(state)
            path.append(plain.rates(state))
        path = torch.stack(path)
        torch.testing.assert_close(rates, path, **EXACT)
        readout = path @ interface["readout_weights"].mT + interface["readout_bias"]
        torch.testing.assert_close(outputs, readout, **EXACT)
        wanted = [*leaves(own)] + ([] if start is None else [start])
        pairs = zip(
            gradients((outputs**3).sum() + rates.square().sum(), wanted),
            gradients((readout**3).sum() + path.square().sum(), wanted),
            strict=True,
        )
        for found, other in pairs:
            torch.testing.assert_close(found, other, **EXACT)


@pytest.mark.parametrize("form", FORMS)
def test_exponents_along_trials_are_those_of_the_matrix(form):
    own, inputs = network(form=form, task=True), randn(TIME, BATCH, CHANNELS)
    along = own.driven_by_trials(inputs)
    bundle = randn(4, N)
    formed = replace(along, system=dense(own))
    torch.testing.assert_close(along.advance(bundle, 2 * TIME + 1), formed.advance(bundle, 2 * TIME + 1), **EXACT)


@pytest.mark.parametrize("base", ["dense", "none"])
@pytest.mark.parametrize("form", FORMS)
def test_networks_side_by_side_are_those_of_each_alone(form, base):
    networks = [network(base, form, seed=seed, task=True) for seed in range(3)]
    if base == "dense":  # which must have one number of edges to share a size, but not the edges
        assert len({len(own.edges) for own in networks}) > 1
    inputs = randn(3, TIME, BATCH, CHANNELS)
    together = run_trials(*stack_networks(networks), inputs)
    spectra = [SpectrumLoss("mse", torch.zeros(2, dtype=torch.float64), randn(N), torch.eye(N, dtype=torch.float64)[:2],
                            Schedule(3, 0.3, 1, 1)) for _ in networks]  # fmt: skip
    losses = measure_each(spectra, [own.dynamics() for own in networks])
    for index, own in enumerate(networks):
        alone = own.run(inputs[index])
        for found, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(found[index], wanted, **EXACT)
        pairs = zip(
            gradients(together[1][index].square().sum(), leaves(own)),
            gradients(alone[1].square().sum(), leaves(own)),
            strict=True,
        )
        for found, wanted in pairs:
            torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)
        by_itself = spectra[index].measure(own.dynamics())
        torch.testing.assert_close(losses[index].loss, by_itself.loss, rtol=1e-9, atol=1e-11)
        free = [own.output_factors.free, own.selection_factors.free]
        pairs = zip(gradients(losses[index].loss, free), gradients(by_itself.loss, free), strict=True)
        for found, wanted in pairs:
            torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-9)


def test_what_cannot_stand_side_by_side_is_refused():
    sparse, one = network("sparse").dynamics(), network().dynamics()
    assert [can_stack(system.coupling) for system in (one, sparse)] == [True, False]
    with pytest.raises(ValueError, match="must have dense couplings, got a sparse one"):
        stack_systems([one, sparse])
    with pytest.raises(ValueError, match=r"the same couplings, got shapes .*\(12, 3\)\] and \[\(12, 12\)\]"):
        stack_systems([one, dense(network())])
    with pytest.raises(ValueError, match=r"the same couplings, got shapes .*\(12, 3\).* and .*\(12, 2\)"):
        stack_systems([one, network(rank=2).dynamics()])


# ---- theory


def test_overlaps_of_rank_one_are_those_of_theory():
    """G5 of the specification, after Mastrogiuseppe and Ostojic 2018: kappa = sqrt((2/pi) s^2 - 1) for phi = erf."""
    root = math.sqrt(2)
    phi = Activation(
        "erf",
        lambda u, out=None: torch.erf(u / root, out=out),
        lambda u: math.sqrt(2 / math.pi) * torch.exp(-u * u / 2),
        lambda u: -u * math.sqrt(2 / math.pi) * torch.exp(-u * u / 2),
        lambda adjoint, rate: adjoint,
        stretches=False,
    )
    n, rng = 200_000, np.random.default_rng(0)
    output = rng.standard_normal(n)
    output = (output - output.mean()) / output.std()
    noise = rng.standard_normal(n)
    for s, kappa in ((1.5, 0.6576), (3.0, 2.1748), (1.2, 0.0)):
        selection = s * output + noise - (noise @ output) / n * output  # n.m / N = s exactly
        factors = [torch.from_numpy(values)[:, None] for values in (output, selection)]
        ones = torch.ones(n, dtype=torch.float64)
        system = Dynamics(LowRank(Unconnected(), *factors), ones, 0 * ones, phi, "current", 1.0)
        state = factors[0][:, 0].clone()
        for _ in range(150):
            state = system.step(state)
        found = float(factors[1][:, 0] @ system.rates(state)) / n
        assert found == pytest.approx(kappa, rel=3e-3, abs=1e-2)


# ---- the network


def test_values_are_copied_assigned_and_described():
    one, other = network(seed=0, task=True), network(seed=0, task=True)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.add_(0.1 * torch.sign(parameter))
    values = one.values()
    assert [values[name].shape for name in FACTORS] == [(N, K), (N, K)]
    other.assign(values)
    for name, held in other.values().items():
        assert torch.equal(held, values[name]), name
    assert one.description()["rank"] == K
    own = one.elman_state_dict()
    assert torch.equal(own["output_factors"], values["output_factors"])
    product = own["output_factors"] @ own["selection_factors"].mT / N
    torch.testing.assert_close(own["rnn.weight_hh_l0"] + product, one.matrix().detach())
    with pytest.raises(ValueError, match=r"output_factors: expected shape \(12, 3\), got \(12, 2\)"):
        one.assign(values | {"output_factors": values["output_factors"][:, :2]})


def test_without_factors_a_network_is_what_it_was():
    plain = Network(connectome_of(), factors=LowRankFactors(np.zeros((N, 0)), np.zeros((N, 0))))
    assert list(plain.values()) == ["weights", "gains", "shifts"] and plain.description()["rank"] == 0
    assert isinstance(plain.dynamics().coupling, Dense)
    assert isinstance(Network(connectome_of("none")).dynamics().coupling, Dense)
    for asked in (plain.factors, lambda: plain.overlaps(randn(N))):
        with pytest.raises(ValueError, match="expected a network with low-rank factors"):
            asked()


def test_wrong_factors_and_rates_are_refused():
    with pytest.raises(ValueError, match=r"factors must have shape \(12, K\) each, got \(12, 2\) and \(12, 3\)"):
        Network(connectome_of(), factors=LowRankFactors(np.zeros((N, 2)), np.zeros((N, 3))))
    with pytest.raises(ValueError, match=r"factors must have shape \(12, K\) each, got \(11, 2\)"):
        Network(connectome_of(), factors=LowRankFactors(np.zeros((11, 2)), np.zeros((11, 2))))
    with pytest.raises(ValueError, match="trainable: expected names among weights, "):
        Network(connectome_of(), trainable={"output_factors": np.arange(3)})
    with pytest.raises(ValueError, match=r"rates must have shape \(\.\.\., 12\), one per unit, got \(5, 11\)"):
        network().overlaps(randn(5, 11))


# ---- training


class Rates:
    """A loss with a gradient everywhere: of rates after a few steps."""

    def __init__(self, runs=1):
        self.runs = runs

    def batches(self):
        return (None,)

    def measure(self, networks, batch, evaluation=False):
        return [Measurement(own.dynamics().advance(randn(3, own.n), 3).square().sum()) for own in networks]

    def validate(self, networks, epoch):
        return [{} for _ in networks]

    def select(self, indices):
        return self

    def states(self):
        return [{}] * self.runs

    def load_state(self, states):
        pass


def trained_by(own, **options):
    chosen = {"optimizer": "Adam", "lr": 0.05, "epochs": 6}
    more = {name: options.pop(name) for name in ("resume", "save_checkpoint", "stop") if name in options}
    return fit([own], Rates(), [Settings(**chosen | options)], **more)[0]


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop", "SGD"])
def test_entries_that_do_not_move_keep_their_bits(optimizer):
    moves = np.zeros((N, K), dtype=bool)
    moves[2:7, 1:] = True
    chosen = dict.fromkeys(FACTORS, np.flatnonzero(moves))
    own = network(trainable={**chosen, "weights": np.arange(len(connectome_of().weights))})
    before = own.values()
    history = trained_by(own, optimizer=optimizer).history
    for name in FACTORS:
        after = own.values()[name]
        assert torch.equal(after[~moves], before[name][~moves])
        assert bool((after[moves] != before[name][moves]).all())
        assert history[1][f"grad_norm_{name}"] > 0
    assert not torch.equal(own.values()["weights"], before["weights"])


@pytest.mark.parametrize("stopped_at", [1, 4])
def test_going_on_from_a_checkpoint_gives_the_same_bits(stopped_at, tmp_path):
    settings = {"lr_decay": 0.8, "optimizer": "AdamW", "epochs": 7}
    whole = trained_by(network(), **settings)
    calls = iter(range(100))
    with pytest.raises(Interrupted):
        trained_by(network(), **settings, save_checkpoint=lambda states: torch.save(states, tmp_path / "c.pt"),
                   stop=lambda: next(calls) == stopped_at)  # fmt: skip
    resumed = trained_by(network(), **settings, resume=torch.load(tmp_path / "c.pt", weights_only=True))
    for column in ("train_loss", "lr_epoch", "grad_norm_output_factors"):
        first = column != "train_loss"  # row 0 is of no update
        assert [row[column] for row in resumed.history[first:]] == [row[column] for row in whole.history[first:]]
    for name in FACTORS:
        assert torch.equal(resumed.last[name], whole.last[name]) and torch.equal(resumed.best[name], whole.best[name])


def test_the_learning_rate_of_an_epoch_is_that_of_the_formula_for_each_run():
    def moved(decays):
        owns = [network(seed=seed, trainable={"output_factors": np.arange(N * K)}) for seed in range(len(decays))]
        path = []
        settings = [Settings("SGD", 0.1, 5, lr_decay=decay) for decay in decays]
        report = lambda index, row: path.append((index, owns[index].values()[FACTORS[0]]))  # noqa: E731
        return fit(owns, Rates(len(owns)), settings, report=report), path

    fitted, path = moved([0.9, 1.0, 0.5])
    for index, decay in ((0, 0.9), (2, 0.5)):
        history = fitted[index].history
        assert [row["lr_epoch"] for row in history[1:]] == [0.1 * decay**epoch for epoch in range(5)]
        values = [held for who, held in path if who == index]
        steps = [float((after - before).norm()) for before, after in itertools.pairwise(values)]
        taken = [row["lr_epoch"] * row["grad_norm_output_factors"] for row in history[2:]]
        assert steps == pytest.approx(taken, rel=1e-9)
    assert not any("lr_epoch" in row for row in fitted[1].history)
    assert torch.equal(moved([0.9])[0][0].last[FACTORS[0]], fitted[0].last[FACTORS[0]])


def test_it_stops_below_a_loss():
    whole = trained_by(network(), epochs=30, lr=0.02)
    losses = [row["train_loss"] for row in whole.history]
    enough = (losses[11] + losses[12]) / 2
    expected = next(epoch for epoch, loss in enumerate(losses) if loss < enough)
    stopped = trained_by(network(), epochs=30, lr=0.02, stop_below=enough)
    assert 0 < expected < 29 and stopped.epoch == expected + 1
    assert stopped.reason == f"train_loss below {enough:g}" and not stopped.diverged
    assert trained_by(network(), epochs=3, stop_below=1e-9).reason == ""
    assert trained_by(network(), epochs=3, stop_below=1e9).epoch == 1


def test_the_loss_that_stops_it_is_that_of_validation_where_there_is_one():
    class Validated(Rates):
        def validate(self, networks, epoch):
            return [{"validate_loss": [0.5, 5.0, 3.0, 0.9, 0.1][epoch]}]

    (progress,) = fit([network()], Validated(), [Settings("Adam", 0.01, 4, stop_below=1.0)])
    assert (progress.epoch, progress.reason) == (3, "validate_loss below 1")  # not before any training
