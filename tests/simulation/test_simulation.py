"""Simulated rates against closed forms, mean fields and the same steps written out in numpy."""

import math
import time

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.connectome import Connectome, from_dense
from randomnet.lyapunov import Schedule, spectrum
from randomnet.simulation import (
    PATTERNS,
    Adaptation,
    Event,
    FeedForward,
    InputPlasticity,
    Noise,
    Plasticity,
    RateNetwork,
    SlowCurrent,
    couplings,
    flatten_state,
    products,
    simulate,
    state_system,
    whole_steps,
)
from randomnet.synthetic import Kernel, Populations, population_network

DOUBLE = torch.float64


def names(n):
    return np.array([f"n{i}" for i in range(n)])


def unconnected(n):
    none = np.zeros(0, np.int64)
    return Connectome("none", none, none, np.zeros(0), names(n))


def drawn(n=30, density=0.4, seed=0, signed=True):
    """A sparse matrix whose columns 0, 3, 6, ... are inhibitory."""
    rng = np.random.default_rng(seed)
    matrix = rng.random((n, n)) * (rng.random((n, n)) < density)
    if signed:
        matrix[:, ::3] *= -1
    return matrix, rng


def made(matrix, activation="linear", dt=0.1, groups=None, dtype=DOUBLE, coupled=None, **settings):
    """The network of a matrix, or of a matrix per run."""
    networks = [from_dense("made", one, names(len(one))) for one in (matrix if np.ndim(matrix) == 3 else [matrix])]
    groups = np.zeros(networks[0].n, int) if groups is None else groups
    plastic = tuple((one.post, one.pre) for one in settings.get("plasticity", ()))
    coupled = couplings(networks, groups, plastic=plastic, split="slow" in settings, dtype=dtype, **(coupled or {}))
    return RateNetwork(coupled, ACTIVATIONS[activation], dt, **settings)


def alone(n, activation="linear", dt=0.1, dtype=DOUBLE, trials=1, **settings):
    """n neurons without connections."""
    coupled = couplings(unconnected(n), np.zeros(n, int), trials=trials, dtype=dtype)
    return RateNetwork(coupled, ACTIVATIONS[activation], dt, **settings)


def constant(network, drive, **settings):
    drive = np.broadcast_to(drive, (1, network.shape[1])) if np.ndim(drive) < 2 else drive
    return FeedForward(drive, network.couplings.groups, network.dt, dtype=network.couplings.dtype, **settings)


def final(network, drive, steps, rates=0.0, **settings):
    """The state after so many steps of constant input."""
    given = constant(network, drive)
    return simulate(network, network.start(rates), given, steps=steps, window=steps, **settings).state


def same(first, second):
    """Whether two states, or two tensors, have the same bits."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    return (first is None and second is None) or all(map(same, first, second))


@pytest.fixture
def always_sparse(monkeypatch):
    monkeypatch.setattr(products, "SMALL_MATRIX", 0)
    monkeypatch.setattr(products, "DENSE", 2.0)
    monkeypatch.setattr(products, "MANY_EDGES", 0)


@pytest.fixture
def some_blocks_dense(monkeypatch):
    monkeypatch.setattr(products, "SMALL_MATRIX", 20)
    monkeypatch.setattr(products, "DENSE", 0.7)


# ---- couplings


@pytest.mark.parametrize("storage", [None, "always_sparse", "some_blocks_dense"])
@pytest.mark.parametrize("columns", [1, 3, 4, 7])
def test_products_by_block_are_those_of_the_matrix(storage, columns, request):
    if storage:
        request.getfixturevalue(storage)
    matrix, rng = drawn()
    groups = rng.integers(0, 3, 30)  # in no order
    matrix[np.ix_(groups == 1, groups == 2)] = rng.random((np.sum(groups == 1), np.sum(groups == 2)))
    rates = rng.standard_normal((columns, 30))
    coupled = couplings(from_dense("one", matrix, names(30)), groups, trials=columns, dtype=DOUBLE)
    layouts = {part.matrix.values.layout for one in coupled.shared for part in one.parts}
    assert layouts == {None: {torch.strided}, "always_sparse": {torch.sparse_csr},
                       "some_blocks_dense": {torch.strided, torch.sparse_csr}}[storage]  # fmt: skip
    fast, slow = coupled.recurrent_input(torch.from_numpy(rates))
    np.testing.assert_allclose(fast, rates @ matrix.T, rtol=1e-12, atol=1e-13)
    assert slow is None


@pytest.mark.parametrize("storage", [None, "always_sparse"])
def test_plastic_blocks_and_excitatory_neurons_are_kept_apart(storage, request):
    if storage:
        request.getfixturevalue(storage)
    matrix, rng = drawn()
    groups = rng.integers(0, 2, 30)
    net = from_dense("one", matrix, names(30))
    coupled = couplings(net, groups, plastic=((0, 1), (1, 1)), split=True, dtype=DOUBLE)
    rates, sent = rng.standard_normal((1, 30)), [rng.standard_normal((1, np.sum(groups == 1))) for _ in range(2)]
    effective = np.zeros((30, 30))  # what each neuron sends to each other
    effective[:] = rates
    for post, one in enumerate(sent):
        effective[np.ix_(groups == post, groups == 1)] = one
    arriving = matrix * effective
    fast, slow = coupled.recurrent_input(torch.from_numpy(rates), [torch.from_numpy(one) for one in sent])
    excitatory = np.arange(30) % 3 != 0
    np.testing.assert_allclose(slow[0], arriving[:, excitatory].sum(1), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(fast[0], arriving[:, ~excitatory].sum(1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("storage", [None, "always_sparse"])
def test_runs_that_differ_by_factors_of_blocks_share_one_pattern(storage, request):
    """Also where a block has no weight but 0 in the first runs; other weights or edges make new patterns."""
    if storage:
        request.getfixturevalue(storage)
    matrix, rng = drawn()
    groups = rng.integers(0, 2, 30)
    base = from_dense("base", matrix, names(30))
    block = groups[base.post] * 2 + groups[base.pre]
    scales = np.array([[1, 1, 1, 0], [2, 1, 0.5, 0], [3, 0, 1, 1.5]])
    swept = [base.replace(base.weights * scale[block]) for scale in scales]
    other = base.replace(base.weights * (1 + rng.random(len(base.weights))))
    elsewhere = from_dense("other", drawn(seed=5)[0], names(30))
    order = [swept[0], other, swept[1], elsewhere, swept[2]]
    coupled = couplings(iter(order), groups, trials=2, dtype=DOUBLE)
    assert [None if one.columns is None else one.columns.tolist() for one in coupled.shared] == [
        [0, 1, 4, 5, 8, 9],
        [2, 3],
        [6, 7],
    ]
    rates = rng.standard_normal((10, 30))
    expected = [rates[2 * run + trial] @ order[run].dense().T for run in range(5) for trial in range(2)]
    np.testing.assert_allclose(coupled.recurrent_input(torch.from_numpy(rates))[0], expected, rtol=1e-12, atol=1e-13)
    by_factors = couplings(base, groups, factors=np.array([[[1, 1], [1, 1]], [[2, 1], [0.5, 3]]]), dtype=DOUBLE)
    assert len(by_factors.shared) == 1 and by_factors.columns == 2
    expected = rates[1] @ (matrix * np.array([2, 1, 0.5, 3])[groups[:, None] * 2 + groups]).T
    received = by_factors.recurrent_input(torch.from_numpy(rates[:2]))[0][1]
    np.testing.assert_allclose(received, expected, rtol=1e-12, atol=1e-13)


def test_a_sweep_of_one_block_is_one_product_for_each_presynaptic_population():
    matrix, _ = drawn(500, 0.05)
    groups = np.repeat([0, 1], 250)
    factors = np.ones((6, 2, 2))
    factors[:, 0, 0] = np.linspace(0.5, 1, 6)
    coupled = couplings(from_dense("one", matrix, names(500)), groups, factors=factors)
    assert [columns for _, columns in coupled.products] == [6, 6]
    assert sum(int((one.values != 0).sum()) for one, _ in coupled.products) == np.count_nonzero(matrix)
    factors[:] = np.linspace(0.5, 1, 6)[:, None, None]  # of all blocks: one product
    assert len(couplings(from_dense("one", matrix, names(500)), groups, factors=factors).products) == 1


@pytest.mark.parametrize("per_column", [False, True])
def test_low_rank_couplings_are_those_of_the_matrix(per_column):
    matrix, rng = drawn()
    shape = (4, 30, 2) if per_column else (30, 2)
    m, n = rng.standard_normal(shape), rng.standard_normal(shape)
    network = made(matrix, coupled={"trials": 4}, tau_rate=1.0)
    coupled = network.couplings.with_low_rank(m, n)
    rates = rng.standard_normal((4, 30))
    whole_matrix = matrix + np.broadcast_to(m @ n.swapaxes(-1, -2) / 30, (4, 30, 30))
    expected = np.einsum("cij,cj->ci", whole_matrix, rates)
    np.testing.assert_allclose(coupled.recurrent_input(torch.from_numpy(rates))[0], expected, rtol=1e-12, atol=1e-13)
    overlaps = np.einsum("cjk,cj->ck", np.broadcast_to(n, (4, 30, 2)), rates) / 30
    np.testing.assert_allclose(coupled.low_rank.overlaps(torch.from_numpy(rates)), overlaps, rtol=1e-12)


def test_gradients_pass_through_sparse_products(always_sparse):
    matrix, rng = drawn()
    coupled = couplings(from_dense("one", matrix, names(30)), rng.integers(0, 2, 30), trials=2, dtype=DOUBLE)
    rates = torch.from_numpy(rng.standard_normal((2, 30))).requires_grad_()
    adjoint = rng.standard_normal((2, 30))
    (found,) = torch.autograd.grad((coupled.recurrent_input(rates)[0] * torch.from_numpy(adjoint)).sum(), rates)
    np.testing.assert_allclose(found, adjoint @ matrix, rtol=1e-12, atol=1e-13)


def test_couplings_that_are_refused():
    one = from_dense("one", drawn()[0], names(30))
    groups = np.zeros(30, int)
    for message, given in {
        r"groups must be \(N,\) whole numbers": (one, np.zeros(30)),
        "must have the 29 neurons of groups, got 30": (one, np.zeros(29, int)),
        "couplings need at least one connectome": ([], groups),
    }.items():
        with pytest.raises(ValueError, match=message):
            couplings(*given)
    with pytest.raises(ValueError, match=r"factors must be \(1, 1, 1\) finite numbers, got shape \(1, 2, 2\)"):
        couplings(one, groups, factors=np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="connectome_of_run must name connectomes 0 to 0, got"):
        couplings(one, groups, connectome_of_run=[0, 1])
    with pytest.raises(ValueError, match="factors must be >= 0 where the input from excitatory neurons is separate"):
        couplings(one, groups, factors=-np.ones((1, 1, 1)), split=True)
    with pytest.raises(ValueError, match=r"m and n must have one shape, \(30, K\) or \(1, 30, K\)"):
        couplings(one, groups).with_low_rank(np.ones((30, 2)), np.ones((29, 2)))


# ---- filters, responses, adaptation


@pytest.mark.parametrize("dt", [0.01, 0.3, 1.0, 7.0])
def test_filters_are_exact_at_every_step(dt):
    """Constant input: gain 1, and 1 - exp(-t/tau) at every step, of rates and of currents, each neuron with its tau."""
    taus = np.array([0.5, 1.0, 3.0])
    network = alone(3, dt=dt, tau_rate=taus)
    found = simulate(network, network.start(0.0), constant(network, 2.0), steps=40, window=1).rates[0]
    times = dt * np.arange(1, 41)[:, None]
    np.testing.assert_allclose(found, 2 * (1 - np.exp(-times / taus)), rtol=1e-12)
    matrix = np.zeros((4, 4))
    matrix[1:, 0] = 1.0  # neuron 0 answers at once with 2, the currents of the others follow
    network = made(matrix, dt=dt, tau_syn=np.array([9.0, *taus]))
    state = network.start(np.array([2.0, 0, 0, 0]))
    state = state._replace(currents=torch.zeros_like(state.currents))
    given = constant(network, np.array([2.0, 0, 0, 0]))
    found = simulate(network, state, given, steps=40, window=1, variables=("currents",)).variables["currents"][0, :, 1:]
    np.testing.assert_allclose(found, 2 * (1 - np.exp(-times / taus)), rtol=1e-12)
    found = final(alone(3, dt=dt, tau_rate=taus, dtype=torch.float32), 2.0, 1 + int(60 / dt)).rates[0].numpy()
    left = 1e-6 + 2.0**-24 / (1 - np.exp(-dt / taus))  # changes of less than half a bit are lost
    assert (np.abs(found / 2 - 1) < left).all()


def test_one_step_is_what_the_equations_say():
    """Every term at once, written out in numpy."""
    matrix, rng = drawn(8, 0.9)
    groups, dt = np.array([0, 0, 1, 0, 1, 1, 0, 1]), 0.2
    plastic = Plasticity(0, 1, 0.3, 1.5, 0.7, 1.2)
    network = made(matrix, "sigmoid", dt, groups, tau_rate=1.1, tau_syn=0.4, threshold=0.2, gain=1.3, rate_max=2.0,
                   slow=SlowCurrent(0.3, 5.0), adaptation=Adaptation(0.6, 9.0), plasticity=(plastic,),
                   noise=Noise(0.5, 2.0), input_plasticity=InputPlasticity(0.7, 0.4, 2.0, 1.6, 1.1))  # fmt: skip
    generator = [np.random.default_rng(3)]
    state = network.start(rng.random(8), generator)
    adaptation, u, x, v, z = (torch.from_numpy(rng.random((1, size))) for size in (8, 4, 4, 8, 8))
    state = state._replace(adaptation=adaptation, u=(u,), x=(x,), input_u=v, input_x=z)
    drive, kick = rng.standard_normal(8), rng.standard_normal(8)
    after = network.step(state, torch.from_numpy(drive), torch.from_numpy(kick[None]))
    r, h, s, a, u, x, eta, v, z = (np.asarray(part)[0] for part in
                                   (*state[:4], state.u[0], state.x[0], *state[6:]))  # fmt: skip
    sent = np.tile(r, (8, 1))
    sent[np.ix_(groups == 0, groups == 1)] = 1.2 * u * x * r[groups == 1]
    excitatory = np.arange(8) % 3 != 0
    exc, inh = (matrix * sent)[:, excitatory].sum(1), (matrix * sent)[:, ~excitatory].sum(1)

    def moved(y, to, tau):
        return np.exp(-dt / tau) * y + (1 - np.exp(-dt / tau)) * to

    h, s = moved(h, inh + 0.7 * exc, 0.4), moved(s, 0.3 * exc, 5.0)
    eta = np.exp(-dt / 2) * eta + 0.5 * np.sqrt(1 - np.exp(-2 * dt / 2)) * kick
    given = 1.1 * v * z * drive
    rates = moved(r, 2 / (1 + np.exp(-1.3 * (given + h + s + eta - 0.2 - a))), 1.1)
    q, p = r[groups == 1], np.maximum(drive / 0.7, 0)
    rate_u, rate_x, rate_v, rate_z = 1 / 1.5 + 0.3 * q, 1 / 0.7 + u * q, 1 / 2 + 0.4 * p, 1 / 1.6 + v * p
    expected = {
        "rates": rates, "currents": h, "slow": s, "adaptation": moved(a, 0.6 * rates, 9.0), "noise": eta,
        "u": moved(u, (0.3 / 1.5 + 0.3 * q) / rate_u, 1 / rate_u), "x": moved(x, 1 / 0.7 / rate_x, 1 / rate_x),
        "input_u": moved(v, (0.4 / 2 + 0.4 * p) / rate_v, 1 / rate_v),
        "input_x": moved(z, 1 / 1.6 / rate_z, 1 / rate_z),
    }  # fmt: skip
    for name, value in expected.items():
        got = getattr(after, name)
        np.testing.assert_allclose((got[0] if name in "ux" else got)[0], value, rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_threshold_shifts_gain_stretches_and_rate_max_multiplies_the_response(name):
    inputs = np.linspace(-3, 3, 41)
    found = final(alone(41, name, threshold=0.5, gain=1.5, rate_max=2.5), inputs, 1).rates[0]
    expected = 2.5 * ACTIVATIONS[name].phi(torch.from_numpy(1.5 * (inputs - 0.5)))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def test_adaptation_of_strength_0_changes_no_bit_and_else_raises_the_threshold():
    matrix, _ = drawn()
    settings = {"activation": "relu", "tau_rate": 1.0, "tau_syn": 0.5, "threshold": 0.3}
    plain, adapted = made(0.1 * matrix, **settings), made(0.1 * matrix, **settings, adaptation=Adaptation(0.0, 3.0))
    first, second = (final(one, 1.0, 100, rates=0.5) for one in (plain, adapted))
    assert same(first, second._replace(adaptation=None)) and first.rates.std() > 0
    single = alone(2, "relu", tau_rate=1.0, threshold=0.3, adaptation=Adaptation(np.array([0.5, 2.0]), 3.0))
    np.testing.assert_allclose(final(single, 1.0, 2000).rates[0], 0.7 / (1 + np.array([0.5, 2.0])), rtol=1e-10)
    assert single.threshold == 0.3


def test_the_slow_current_leaves_stationary_rates_as_they_are():
    matrix, _ = drawn()
    settings = {"activation": "relu", "dt": 0.5, "tau_rate": 1.0, "tau_syn": 0.5}
    plain = made(0.1 * matrix, **settings)
    for share in (0.0, 0.4, 1.0):
        slowed = made(0.1 * matrix, **settings, slow=SlowCurrent(share, 4.0))
        late, early = (final(slowed, 1.0, steps).rates - final(plain, 1.0, steps).rates for steps in (400, 5))
        assert late.abs().max() < 1e-9
        assert (early.abs().max() > 1e-3) == (share > 0)


# ---- plastic synapses


def connected(weight=0.5):
    """Neuron 1 receives from neuron 0, each a population."""
    return np.array([[0.0, 0.0], [weight, 0.0]]), np.array([0, 1])


@pytest.mark.parametrize("dt", [0.004, 0.02, 0.2])
def test_g6_stationary_resources_whatever_the_step(dt):
    matrix, groups = connected()
    network = made(matrix, dt=dt, groups=groups, plasticity=(Plasticity(1, 0),))
    given = constant(network, np.array([20.0, 0.0]))
    steps = round(10 / dt)
    found = simulate(network, network.start(np.array([20.0, 0.0])), given, steps=steps, window=1, variables=("u", "x"))
    u, x = (float(found.variables[name][0, -1, 0]) for name in ("u_0", "x_0"))
    assert (round(u, 5), round(x, 5), round(u * x, 5)) == (0.39375, 0.38835, 0.15291)
    assert float(found.rates[0, -1, 1]) == pytest.approx(0.5 * 20 * u * x, rel=1e-6)
    decay = 1 / 1.0 + 0.03 * 20  # u relaxes exponentially from U, at every step exactly
    times = dt * np.arange(1, steps + 1)
    expected = 0.39375 + (0.03 - 0.39375) * np.exp(-decay * times)
    np.testing.assert_allclose(found.variables["u_0"][0, :, 0], expected, rtol=1e-10)


def test_plastic_synapses_that_are_always_full_are_static():
    matrix, rng = drawn()
    groups = rng.integers(0, 2, 30)
    blocks = [(post, pre) for post in range(2) for pre in range(2)]
    full = tuple(Plasticity(*block, use=1.0, tau_facilitation=0.0, tau_recovery=0.0) for block in blocks)
    static, plastic = (made(0.1 * matrix, "relu", groups=groups, tau_rate=1.0, **more)
                       for more in ({}, {"plasticity": full}))  # fmt: skip
    first, second = (final(one, 1.0, 100, rates=rng.random(30) * 0 + 0.2) for one in (static, plastic))
    torch.testing.assert_close(first.rates, second.rates, rtol=1e-12, atol=1e-14)
    doubled = tuple(Plasticity(*block, 1.0, 0.0, 0.0, strength=2.0) for block in blocks)
    rates = torch.from_numpy(rng.random((1, 30)))
    network = made(matrix, groups=groups, plasticity=doubled)
    arriving = network.update_currents(network.start(rates)).currents
    np.testing.assert_allclose(arriving[0], 2 * matrix @ rates[0].numpy(), rtol=1e-12)


def test_resources_agree_with_a_fine_solution_of_their_equations():
    """Steps of 10 ms under a rate that changes, against steps of 0.01 ms of the differential equations."""
    matrix, groups = connected()
    dt, steps = 0.01, 100
    network = made(matrix, dt=dt, groups=groups, plasticity=(Plasticity(1, 0, 0.2, 0.5, 0.3),), tau_rate=0.2)
    found = simulate(network, network.start(0.0), constant(network, np.array([20.0, 0.0])), steps=steps, window=1,
                     variables=("u", "x"))  # fmt: skip
    u, x, fine = 0.2, 1.0, 1e-5
    for index in range(round(steps * dt / fine)):
        rate = 20 * (1 - math.exp(-(index * fine) / 0.2))
        u, x = (u + fine * ((0.2 - u) / 0.5 + 0.2 * (1 - u) * rate), x + fine * ((1 - x) / 0.3 - u * x * rate))
    # the step holds rate and u: its error is of first order in dt
    assert float(found.variables["u_0"][0, -1, 0]) == pytest.approx(u, rel=0.01)
    assert float(found.variables["x_0"][0, -1, 0]) == pytest.approx(x, rel=0.02)


@pytest.mark.parametrize("dt", [0.01, 0.2])
def test_the_external_input_may_come_through_plastic_synapses(dt):
    """Stationary values of its own defaults at 20 Hz, where a neuron has such input at all."""
    network = alone(3, dt=dt, input_plasticity=InputPlasticity(np.array([0.5, 2.0, 0.0])))
    given = constant(network, np.array([10.0, 40.0, 7.0]))
    steps, variables = round(20 / dt), ("input_u", "input_x")
    found = simulate(network, network.start(0.0), given, steps=steps, window=1, variables=variables)
    u, x = (found.variables[name][0, -1].numpy() for name in ("input_u", "input_x"))
    u_end = 0.3 * (1 + 0.2 * 20) / (1 + 0.3 * 0.2 * 20)
    np.testing.assert_allclose(u, [u_end, u_end, 0.3], rtol=1e-9)
    np.testing.assert_allclose(x, [1 / (1 + u_end * 20)] * 2 + [1], rtol=1e-9)
    np.testing.assert_allclose(found.rates[0, -1], np.array([10, 40, 7]) * u * x, rtol=1e-9)


# ---- noise


@pytest.mark.parametrize("on", ["input", "rate"])
@pytest.mark.parametrize("dt", [0.05, 1.0, 8.0])
def test_noise_has_its_deviation_and_its_memory_whatever_the_step(dt, on):
    """sd 0.7 within 3 standard errors from the first step on, and correlation exp(-t/tau)."""
    n, tau = 20_000, 2.0
    network = alone(n, dt=dt, noise=Noise(0.7, tau, on))
    generators = [np.random.default_rng(1)]
    state = network.start(0.0, generators)
    found = simulate(network, state, constant(network, 0.0), steps=60, window=1, generators=generators).rates[0].numpy()
    for step in (0, 59):
        assert abs(found[step].std() - 0.7) < 3 * 0.7 / math.sqrt(2 * n)
    correlation = np.corrcoef(found[10], found[11])[0, 1]
    expected = math.exp(-dt / tau)
    assert abs(correlation - expected) < 4 * max(1 - expected**2, 1e-3) / math.sqrt(n)


def test_noise_is_fresh_for_every_neuron_and_trajectory_and_white_without_a_time_constant():
    network = alone(4000, noise=Noise(1.0, 0.0), trials=2)
    generators = [np.random.default_rng(2)]
    found = simulate(network, network.start(0.0, generators), constant(network, 0.0), steps=2, window=1,
                     generators=generators).rates.reshape(4, -1).numpy()  # fmt: skip
    assert np.abs(np.corrcoef(found) - np.eye(4)).max() < 4 / math.sqrt(4000)
    assert abs(found.std() - 1) < 3 / math.sqrt(2 * 16_000)
    with pytest.raises(ValueError, match="one generator for each of the 1 runs, got 0"):
        network.start(0.0)
    with pytest.raises(ValueError, match="noise must be on input or rate, got 'rates'"):
        Noise(1.0, 1.0, "rates")


# ---- events


def angles(n, phase):
    return 2 * np.pi * np.arange(n) / n - np.radians(phase)


def test_patterns_are_their_formulas():
    groups = np.array([0, 1, 0, 1, 0, 1, 0, 0])
    cells, n = np.flatnonzero(groups == 0), 5
    d = (angles(n, 40.0) + np.pi) % (2 * np.pi) - np.pi
    vector = np.arange(5.0)
    cases = {
        "constant": (np.ones(n), {}),
        "cosine": (np.maximum(1 + 2 * np.cos(d), 0) / 3, {"sigma": 2.0}),
        "gaussian": (np.exp(-(d**2) / (2 * 0.5**2)), {"sigma": 0.5}),
        "vector": (vector, {"vector": vector}),
    }
    assert set(cases) == set(PATTERNS)
    for pattern, (profile, more) in cases.items():
        given = FeedForward(np.zeros(8), groups, 0.1, (Event(0, 1, 0, pattern, 1.5, phase=40.0, **more),), dtype=DOUBLE)
        expected = np.zeros(8)
        expected[cells] = 1.5 * profile
        np.testing.assert_allclose(given.at(0, 1)[0, 0], expected, rtol=1e-13, atol=1e-15)
    around = Event(0, 1, None, "cosine", 1.0)
    np.testing.assert_allclose(around.profile(8)[0], np.maximum(1 + np.cos(angles(8, 0)), 0) / 2)
    assert around.profile(8).max() == 1


def test_events_add_where_they_overlap_and_last_from_onset_to_offset():
    """Times rounded to whole steps: with dt = 0.1, 0.3 is step 3 although 0.3 / 0.1 is below 3."""
    groups = np.array([0, 0, 1])
    events = (Event(0.3, 0.7, 0, "constant", 1.0), Event(0.5, 0.9, None, "constant", -0.25),
              Event(0.52, 0.68, 1, "constant", 3.0))  # fmt: skip
    given = FeedForward(np.array([2.0, 3.0, 4.0]), groups, 0.1, events, dtype=DOUBLE)
    found = given.at(-2, 12)[:, 0].numpy()
    step = np.arange(-2, 12)
    first, second, third = ((step >= a) & (step < b) for a, b in ((3, 7), (5, 9), (5, 7)))
    np.testing.assert_allclose(found[:, 0], 2 + 1.0 * first - 0.25 * second)
    np.testing.assert_allclose(found[:, 2], 4 - 0.25 * second + 3 * third)
    assert given.columns == 1 and given.bytes(10) == 10 * 3 * 8


def test_numbers_of_events_may_differ_by_column():
    groups = np.zeros(6, int)
    amplitude, phase, onset = np.array([1.0, 2.0, 0.0]), np.array([0.0, 90.0, 10.0]), np.array([0.0, 0.2, 0.1])
    events = (Event(onset, onset + 0.2, 0, "cosine", amplitude, phase), Event(0.0, 0.1, 0, "constant", 1.0))
    before, tau = np.array([[0.5], [1.0], [0.1]]), np.array([[0.3], [0.0], [0.1]])
    together = FeedForward(np.ones((3, 6)), groups, 0.1, events, before, tau, DOUBLE)
    assert together.columns == 3
    alike = FeedForward(np.ones((3, 6)), groups, 0.1, (Event(0.0, np.full(3, 0.1), 0, "cosine", np.ones(3)),))
    assert alike.columns == 1  # all the same, so computed once
    for column in range(3):
        own = (Event(onset[column], onset[column] + 0.2, 0, "cosine", amplitude[column], phase[column]), events[1])
        single = FeedForward(np.ones(6), groups, 0.1, own, float(before[column, 0]), float(tau[column, 0]), DOUBLE)
        np.testing.assert_allclose(together.at(-3, 9)[:, column], single.at(-3, 9)[:, 0], rtol=1e-13)


def test_the_baseline_is_weaker_before_the_first_event():
    events = (Event(0.4, 0.6, 0, "constant", 1.0), Event(0.2, 0.3, 1, "constant", 5.0))
    given = FeedForward(np.array([2.0, 4.0]), np.array([0, 1]), 0.1, events, before=np.array([0.1, 1.0]), dtype=DOUBLE)
    found = given.at(-1, 8)[:, 0].numpy()
    np.testing.assert_allclose(found[:, 0], [0.2, 0.2, 0.2, 2, 2, 3, 3, 2, 2])
    np.testing.assert_allclose(found[:, 1], [4, 4, 4, 9, 4, 4, 4, 4, 4])
    with pytest.raises(ValueError, match="a factor of the baseline before the first event needs an event"):
        FeedForward(np.ones(2), np.zeros(2, int), 0.1, before=0.5)


def test_filtered_input_follows_the_recursion():
    """y <- e y + (1 - e) input, from an input that has been there for ever; the second population has no filter."""
    groups, dt, tau = np.array([0, 1]), 0.1, 0.25
    events = (Event(0.2, 0.8, None, "constant", 2.0), Event(0.5, 1.4, 0, "constant", -1.0))
    plain = FeedForward(np.array([3.0, 3.0]), groups, dt, events, before=0.5, dtype=DOUBLE)
    given = FeedForward(np.array([3.0, 3.0]), groups, dt, events, before=0.5, tau=np.array([tau, 0.0]), dtype=DOUBLE)
    steps = plain.at(-5, 30)[:, 0].numpy()
    y, e, expected = 1.5, math.exp(-dt / tau), []
    for value in steps[:, 0]:
        y = e * y + (1 - e) * value
        expected.append(y)
    np.testing.assert_allclose(given.at(-5, 30)[:, 0, 0], expected, rtol=1e-12)
    np.testing.assert_array_equal(given.at(-5, 30)[:, 0, 1], steps[:, 1])


def test_events_that_are_refused():
    wrong = {
        r"pattern must be one of constant, .*, got 'cosin' \(did you mean cosine\?\)": {"pattern": "cosin"},
        "the pattern vector, and no other, must have a vector": {"pattern": "vector"},
        "must end after it begins, got 1 to 0.5": {"offset": 0.5},
        "amplitude of an event must be finite": {"amplitude": np.nan},
        "sigma of the pattern gaussian must be above 0": {"pattern": "gaussian", "sigma": 0.0},
        "sigma of the pattern cosine must be above -1": {"sigma": -1.0},
    }
    for message, change in wrong.items():
        usual = {"onset": 1, "offset": 2, "population": 0, "pattern": "cosine", "amplitude": 1.0}
        with pytest.raises(ValueError, match=message):
            Event(**{**usual, **change})
    two = Event(0, 1, 0, "constant", np.ones(2))
    for message, events, more in (
        ("population of an event must be 0 to 0, or None for all, got 3", (Event(0, 1, 3, "constant", 1.0),), {}),
        ("a vector must have one value for each of 4", (Event(0, 1, 0, "vector", 1.0, vector=np.ones(3)),), {}),
        ("one for all columns or one for each, got", (two, Event(0, 1, 0, "constant", np.ones(3))), {}),
        (r"baseline must be \(C, 4\), got shape \(3,\)", (), {"baseline": np.ones(3)}),
        ("tau of the input must be >= 0, got -1", (), {"tau": -1.0}),
    ):
        with pytest.raises(ValueError, match=message):
            FeedForward(**{"baseline": np.ones(4), "groups": np.zeros(4, int), "dt": 0.1, "events": events, **more})


# ---- samples


def test_samples_are_means_over_full_windows():
    """Rates that are constant give equal samples; a ramp gives its value at the window's centre: no step too many."""
    network = alone(3)
    found = simulate(network, network.start(2.5), constant(network, 2.5), steps=60, window=12, transient=7)
    assert torch.equal(found.rates, torch.full((1, 5, 3), 2.5, dtype=DOUBLE)) and found.finite.all()
    np.testing.assert_allclose(found.times, [0.6, 1.8, 3.0, 4.2, 5.4])
    climbing = made(np.eye(3), dt=0.1)  # r <- r + 0.1: with this start the rate throughout step s is t at its middle
    found = simulate(climbing, climbing.start(-0.75), constant(climbing, 0.1), steps=60, window=12, transient=7)
    np.testing.assert_allclose(found.rates[0, :, 0], found.times, rtol=1e-12)
    assert found.step == 60


def test_steps_that_are_no_whole_number_of_windows_are_refused():
    network = alone(3)
    with pytest.raises(ValueError, match="got 60 steps and windows of 7"):
        simulate(network, network.start(0.0), constant(network, 0.0), steps=60, window=7)
    assert whole_steps(0.3, 0.1) == 3 and whole_steps(6.0, 0.01) == 600
    with pytest.raises(ValueError, match=r"window must be a whole number of steps of 0.1, got 0.25, 2.5 steps"):
        whole_steps(0.25, 0.1, "window")


def everything(trials=3, dtype=torch.float32, patterns=False, rows=slice(None)):
    """A network with all there is, its input and its generators; three runs, or some `rows` of them.

    The runs differ by factors of their blocks, or they have two patterns, the first and the last the same one.
    """
    matrix, rng = drawn(24, 0.5, seed=4)
    groups = np.arange(24) % 2
    factors = 1 + 0.5 * np.random.default_rng(5).random((3, 2, 2))
    matrix = 0.2 * (np.stack([matrix, drawn(24, 0.5, seed=6)[0], matrix])[rows] if patterns else matrix)
    m, n = rng.standard_normal((2, 24, 2))
    sweep = np.repeat(np.array([0.2, 0.5, 1.0])[rows], trials)[:, None]
    plasticity = (Plasticity(0, 0, 0.3, 1.0, 0.5), Plasticity(1, 0, sweep, 0.5, 0.2))
    network = made(matrix, "erf_positive", 0.1, groups, dtype, {"trials": trials, "factors": factors[rows]},
                   tau_rate=1.0, tau_syn=0.5, threshold=sweep, slow=SlowCurrent(0.3, 3.0),
                   adaptation=Adaptation(0.5, 4.0), plasticity=plasticity, noise=Noise(0.3, 0.7),
                   input_plasticity=InputPlasticity(0.5, sweep))  # fmt: skip
    network = RateNetwork(**{**vars_of(network), "couplings": network.couplings.with_low_rank(m, n)})
    events = (Event(0.5, 2.0, 0, "cosine", 1.0, 30.0), Event(1.0, 3.0, 1, "vector", sweep[:, 0], vector=rng.random(12)))
    given = FeedForward(rng.random(24), groups, 0.1, events, before=0.5, tau=0.3, dtype=dtype)
    return network, given, [np.random.default_rng([9, run]) for run in np.arange(3)[rows]], rng.random(24)


def vars_of(network):
    return {name: getattr(network, name) for name in network.__dataclass_fields__}


KEEP = ("currents", "slow", "adaptation", "u", "x", "input_u", "input_x", "noise", "overlaps")


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize("chunk", [1, 7, 41, None])
def test_input_as_one_tensor_or_as_it_goes_gives_the_same_bits(chunk, dtype):
    """A time of 8 steps before and 60 after: all at once, or a few at a time; rates, overlaps and all else."""
    found = []
    for some in (68, chunk):
        network, given, generators, rates = everything(dtype=dtype)
        state = network.start(rates, generators)
        found.append(simulate(network, state, given, steps=60, window=6, transient=8, chunk=some, generators=generators,
                              variables=KEEP))  # fmt: skip
    first, second = found
    assert same(first.rates, second.rates) and same(first.state, second.state)
    assert first.variables.keys() == {*KEEP, "u_0", "u_1", "x_0", "x_1"} - {"u", "x"}
    assert all(same(first.variables[name], second.variables[name]) for name in first.variables)
    assert first.rates.std(1).min() > 0 and first.variables["overlaps"].shape == (9, 10, 2)
    overlaps = first.rates @ network.couplings.low_rank.n / 24
    torch.testing.assert_close(first.variables["overlaps"], overlaps)


def test_two_simulations_one_after_the_other_are_one_long_simulation():
    network, given, generators, rates = everything()
    long = simulate(network, network.start(rates, generators), given, steps=60, window=6, transient=8,
                    generators=generators)  # fmt: skip
    network, given, generators, rates = everything()
    state = network.start(rates, generators)
    first = simulate(network, state, given, steps=24, window=6, transient=8, generators=generators, chunk=5)
    second = simulate(network, first.state, given, steps=36, window=6, start=first.step, generators=generators)
    assert same(torch.cat([first.rates, second.rates], 1), long.rates) and same(second.state, long.state)
    np.testing.assert_array_equal(np.concatenate([first.times, second.times]), long.times)


def test_a_step_changes_nothing_but_what_it_returns():
    network, given, generators, rates = everything()
    state = network.start(rates, generators)
    kept = [part.clone() if isinstance(part, torch.Tensor) else tuple(one.clone() for one in part) for part in state]
    kick = network.draw_noise(1, generators)[0]
    first, second = (network.step(state, given.at(3, 4)[0], kick) for _ in range(2))
    assert same(first, second) and same(tuple(state), tuple(kept)) and not same(first, state)


@pytest.mark.parametrize("patterns", [False, True])
@pytest.mark.parametrize("storage", [None, "always_sparse"])
def test_a_batch_is_a_loop_of_single_runs(storage, patterns, request):
    if storage:
        request.getfixturevalue(storage)
    network, given, generators, rates = everything(dtype=DOUBLE, patterns=patterns)
    assert len(network.couplings.shared) == 1 + patterns
    together = simulate(network, network.start(rates, generators), given, steps=60, window=6, generators=generators,
                        variables=KEEP)  # fmt: skip
    for run in range(3):
        network, given, generators, rates = everything(dtype=DOUBLE, patterns=patterns, rows=slice(run, run + 1))
        single = simulate(network, network.start(rates, generators), given, steps=60, window=6, generators=generators,
                          variables=KEEP)  # fmt: skip
        columns = slice(3 * run, 3 * run + 3)
        torch.testing.assert_close(together.rates[columns], single.rates, rtol=1e-11, atol=1e-13)
        for name, value in single.variables.items():
            torch.testing.assert_close(together.variables[name][columns], value, rtol=1e-10, atol=1e-12)


def test_sparse_and_dense_and_factored_and_full_agree(monkeypatch):
    matrix, rng = drawn(60, 0.1)
    m, n = rng.standard_normal((2, 60, 1))
    found = []
    for sparse, factored in ((False, False), (True, False), (False, True), (True, True)):
        monkeypatch.setattr(products, "SMALL_MATRIX", 0 if sparse else 10**9)
        network = made(matrix if factored else matrix + m @ n.T / 60, "tanh", tau_rate=1.0, dtype=torch.float32)
        if factored:
            network = RateNetwork(**{**vars_of(network), "couplings": network.couplings.with_low_rank(m, n)})
        found.append(final(network, 0.5, 20, rates=0.1).rates)
    for other in found[1:]:
        torch.testing.assert_close(found[0], other, rtol=1e-6, atol=1e-6)


def test_a_column_that_diverges_leaves_the_others_alone_and_is_said():
    matrix = np.array([[0.0, 1.0], [1.0, 0.0]])
    factors = np.array([0.5, 1e300, 0.25])[:, None, None]
    network = made(matrix, tau_rate=1.0, coupled={"factors": factors})
    done = []
    found = simulate(network, network.start(1.0), constant(network, 1.0), steps=400, window=100,
                     chunk=30, on_progress=done.append)  # fmt: skip
    assert found.finite.tolist() == [True, False, True] and done[-1] == 400 and done[0] == 30
    np.testing.assert_allclose(found.rates[[0, 2], -1], [[2.0] * 2, [4 / 3] * 2], rtol=1e-4)
    assert found.rates[1].isnan().all() and found.rates[::2].isfinite().all()
    network = made(1e300 * matrix, tau_rate=1.0)
    done.clear()
    found = simulate(network, network.start(1.0), constant(network, 1.0), steps=400, window=100,
                     chunk=30, on_progress=done.append)  # fmt: skip
    assert not found.finite.any() and done[-1] == 30 and found.rates.shape == (1, 4, 2) and found.rates.isnan().all()


def test_rates_that_fade_away_end_at_0_and_no_mode_of_the_processor_is_left_behind():
    """Numbers below the smallest normal one would stay for ever, and slow every product down."""
    network = alone(3, "relu", dtype=torch.float32, tau_rate=1.0)
    smallest = torch.tensor(torch.finfo(torch.float32).tiny)
    assert smallest / 2 > 0
    found = simulate(network, network.start(1.0), constant(network, -1.0), steps=2000, window=2000)
    assert (found.state.rates == 0).all() and smallest / 2 > 0


def test_silenced_neurons_have_no_rates():
    matrix, _ = drawn()
    off = np.arange(30) < 10
    network = made(0.1 * matrix, "sigmoid", tau_rate=1.0, silenced=off, noise=Noise(0.5, 1.0, "rate"))
    generators = [np.random.default_rng(0)]
    found = simulate(network, network.start(0.3, generators), constant(network, 1.0), steps=20, window=1,
                     generators=generators).rates[0]  # fmt: skip
    assert (found[:, :10] == 0).all() and (found[:, 10:] != 0).all()


def test_no_graph_is_built_and_time_constants_below_two_steps_are_doubted():
    network = alone(3, dt=1.0, tau_rate=np.array([5.0, 1.5, 5.0]), adaptation=Adaptation(0.1, 2.0))
    assert network.doubts == ("dt = 1 is more than half of tau_rate, 1.5",)
    given = constant(network, 1.0)
    start = network.start(torch.zeros(3, dtype=DOUBLE, requires_grad=True))
    assert not simulate(network, start, given, steps=2, window=2).rates.requires_grad


def test_networks_and_simulations_that_are_refused():
    matrix, _ = drawn()
    for message, change in {
        "tau_rate must be above 0, got 0": {"tau_rate": 0.0},
        r"threshold must broadcast to \(1, 30\), got shape \(29,\)": {"threshold": np.ones(29)},
        "gain must be numbers from -inf to inf, got nan": {"gain": np.nan},
        "the noise's tau must be >= 0, got -1": {"noise": Noise(1.0, -1.0)},
        "the noise's sd must be numbers from 0 to inf, got -1": {"noise": Noise(-1.0, 1.0)},
        "fraction must be numbers from 0 to 1, got 1.5": {"slow": SlowCurrent(np.array([[0.1], [1.5]]), 1.0),
                                                          "coupled": {"trials": 2}},
        "use must be numbers from 0 to 1, got 2": {"plasticity": (Plasticity(0, 0, use=2.0),)},
        "dt must be above 0, got -1": {"dt": -1.0},
    }.items():
        with pytest.raises(ValueError, match=message):
            made(matrix, **change)
    plain = couplings(from_dense("plain", matrix, names(30)), np.zeros(30, int), dtype=DOUBLE)
    with pytest.raises(ValueError, match=r"must have the plastic blocks \(\(0, 0\),\), got \(\)"):
        RateNetwork(plain, ACTIVATIONS["relu"], 0.1, plasticity=(Plasticity(0, 0),))
    with pytest.raises(ValueError, match="must be split if there is a slow current"):
        RateNetwork(plain, ACTIVATIONS["relu"], 0.1, slow=SlowCurrent(0.1, 1.0))
    network = made(matrix)
    settings = {"steps": 2, "window": 1}
    with pytest.raises(ValueError, match="recordable variables are the rates only, got 'currents'"):
        simulate(network, network.start(0.0), constant(network, 0.0), variables=("currents",), **settings)
    with pytest.raises(ValueError, match="the input must have the network's dt and precision"):
        simulate(network, network.start(0.0), FeedForward(np.zeros(30), np.zeros(30, int), 0.2), **settings)
    with pytest.raises(ValueError, match="the input must have 1 columns, or one for all, and 30 neurons"):
        simulate(network, network.start(0.0), constant(network, np.array([[0.0], [1.0]]) * np.ones(30)), **settings)


# ---- golden numbers


def with_in_degrees(sizes, degrees, summed, rng):
    """Exact in-degrees K[a][b], weights such that K w = summed; neurons may connect to themselves."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    post, pre, weights = [], [], []
    for a, size in enumerate(sizes):
        for i in range(size):
            for b, k in enumerate(degrees[a]):
                pre.append(offsets[b] + np.sort(rng.choice(sizes[b], k, replace=False)))
                post.append(np.full(k, offsets[a] + i))
                weights.append(np.full(k, summed[a][b] / k))
    post, pre, weights = map(np.concatenate, (post, pre, weights))
    return Connectome("fixed", post, pre, weights, names(sum(sizes)))


def test_g1_fixed_in_degrees_have_the_exact_rates():
    net = with_in_degrees((600, 300), [[200, 100], [150, 80]], [[1.5, -3.6], [1.8, -3.0]], np.random.default_rng(0))
    groups = np.repeat([0, 1], [600, 300])
    network = RateNetwork(couplings(net, groups), ACTIVATIONS["relu"], 0.1, tau_rate=np.array([1.0, 0.5])[groups],
                          tau_syn=np.array([0.2, 0.1])[groups])  # fmt: skip
    rates = final(network, np.array([12.0, 8.0])[groups], 600).rates[0].numpy()
    exact = np.linalg.solve(np.eye(2) - np.array([[1.5, -3.6], [1.8, -3.0]]), [12, 8])
    np.testing.assert_allclose(exact, [4.2857, 3.9286], atol=5e-5)
    np.testing.assert_allclose(rates, exact[groups], atol=5e-5)


def mean_field(k, n):
    """r_E, r_I of the balanced network of the specification, by iteration."""
    strength, external = np.array([[0.5, -0.75], [0.5, -0.5]]), np.array([2.0, 1.0])
    r, q = np.array([4.0, 4.5]), np.array([30.0, 30.0])
    for _ in range(2000):
        u = math.sqrt(k) * (strength @ r + external) - 1
        s = np.sqrt(strength**2 @ q * (1 - k / n))
        upper = np.array([math.erfc(-a / math.sqrt(2)) / 2 for a in u / s])
        normal = np.exp(-((u / s) ** 2) / 2) / math.sqrt(2 * math.pi)
        r = r + 0.02 * (u * upper + s * normal - r)
        q = q + 0.02 * ((u**2 + s**2) * upper + u * s * normal - q)
    return r


@pytest.mark.parametrize("k, golden", [(50, (4.083, 4.588)), pytest.param(200, (3.315, 4.557), marks=pytest.mark.long)])
def test_g2_balanced_networks_have_the_rates_of_their_mean_field(k, golden):
    np.testing.assert_allclose(mean_field(k, 4000), golden, atol=6e-4)
    about = Populations(("E", "I"), (4000, 4000), {"EE": 0.5, "EI": -0.75, "IE": 0.5, "II": -0.5}, (k, k),
                        external={"E": 2.0, "I": 1.0}, external_rate=1.0, external_degree=k)  # fmt: skip
    drawn_ones = (population_network(about, np.random.default_rng(seed)) for seed in range(4))
    groups = np.repeat([0, 1], 4000)
    network = RateNetwork(couplings(drawn_ones, groups), ACTIVATIONS["relu"], 0.2, tau_rate=1.0, threshold=1.0)
    drive = math.sqrt(k) * np.array([2.0, 1.0])[groups]
    found = simulate(network, network.start(1.0), constant(network, drive), steps=20, window=20, transient=60)
    rates = found.rates[:, 0].mean(0).numpy()
    found_rates = [rates[groups == group].mean() for group in range(2)]
    np.testing.assert_allclose(found_rates, mean_field(k, 4000), rtol=0.015)


def bump(rates):
    """M0, M1 and phase of rates (N,), as the specification has them."""
    z = (rates * np.exp(2j * np.pi * np.arange(len(rates)) / len(rates))).sum()
    return rates.mean(), 2 * abs(z) / len(rates), np.angle(z) % (2 * np.pi)


@pytest.mark.parametrize("settings", [{"tau_rate": 1.0}, {"tau_syn": 1.0}, {"tau_rate": 1.0, "tau_syn": 0.3}])
@pytest.mark.parametrize(
    "j0, j1, drive, amplitude, golden",
    [(-5, 5, 10, 9.44008, (2.29781, 3.77603)), (-1, 2.5, 1, 0.91287, (0.55099, 0.7303))],
)
def test_g4_bump(j0, j1, drive, amplitude, golden, settings):
    n, at = 1000, 72.0
    about = Populations(("E",), (n,), {"EE": j0}, None, {"EE": Kernel("cosine", j1 / j0)}, self_connections=True,
                        unsigned=True)  # fmt: skip
    net = population_network(about, np.random.default_rng(0))
    network = RateNetwork(couplings(net, np.zeros(n, int), dtype=DOUBLE), ACTIVATIONS["relu"], 0.2, **settings)
    start = np.maximum(np.cos(angles(n, at)), 0)
    rates = final(network, float(drive), 250, rates=start).rates[0].numpy()
    mean, first, phase = bump(rates)
    assert (mean, first) == pytest.approx(golden, abs=1.1e-5)
    assert math.degrees(phase) == pytest.approx(at, abs=1e-3)
    half = 1.4124 if j0 == -5 else 2.08502
    assert rates.max() == pytest.approx(amplitude * (1 - math.cos(half)), rel=1e-4)


@pytest.mark.parametrize("s, golden", [(0.5, 0.0), (1.5, 0.6576), (3.0, 2.1748)])
def test_g5_rank_one_network_of_200_000_neurons(s, golden):
    n, rng = 200_000, np.random.default_rng(0)
    m = rng.standard_normal(n)
    m = (m - m.mean()) / m.std()
    other = rng.standard_normal(n)
    other -= (other @ m) / n * m  # so that n.m/N is s exactly
    coupled = couplings(unconnected(n), np.zeros(n, int), dtype=DOUBLE)
    coupled = coupled.with_low_rank(m[:, None], (s * m + other)[:, None])
    network = RateNetwork(coupled, ACTIVATIONS["erf"], 0.5, tau_syn=1.0)
    found = simulate(network, network.start(0.5 * np.sign(m)), constant(network, 0.0), steps=60, window=1,
                     variables=("overlaps",)).variables["overlaps"][0, -1]  # fmt: skip
    assert float(found) == pytest.approx(golden, rel=0.003, abs=1e-4)


@pytest.mark.slow
def test_g5_rank_one_on_top_of_random_couplings():
    """The mean over four networks of 1500 neurons with g = 0.8, within 1.5 %."""
    n, s, g, rng = 1500, 3.0, 0.8, np.random.default_rng(1)
    found = []
    for _ in range(4):
        m = rng.standard_normal(n)
        m = (m - m.mean()) / m.std()
        other = rng.standard_normal(n)
        selection = s * m + other - (other @ m) / n * m
        network = made(g / math.sqrt(n) * rng.standard_normal((n, n)), "erf", 0.5, dtype=torch.float32, tau_syn=1.0)
        coupled = network.couplings.with_low_rank(m[:, None], selection[:, None])
        network = RateNetwork(**{**vars_of(network), "couplings": coupled})
        kept = simulate(network, network.start(0.5 * np.sign(m)), constant(network, 0.0), steps=20, window=20,
                        transient=40, variables=("overlaps",)).variables  # fmt: skip
        found.append(float(kept["overlaps"]))
    d = 2 / math.pi * s**2 - 1
    expected = math.sqrt(d - g**2 * 2 / math.pi * math.asin(d / (1 + d)))
    assert np.mean(found) == pytest.approx(expected, rel=0.015)
    assert abs(expected / 2.1748 - 1) > 0.04  # the random part matters


# ---- the whole state


def full_state(filters):
    matrix, rng = drawn(10, 0.7)
    groups = rng.integers(0, 2, 10)
    plasticity = (Plasticity(0, 0, 0.3, 1.0, 0.5), Plasticity(1, 0, 0.2, 0.5, 1.5))
    network = made(0.5 * matrix, "erf_positive", 0.1, groups, slow=SlowCurrent(0.3, 2.0), threshold=0.2,
                   adaptation=Adaptation(0.5, 3.0), plasticity=plasticity,
                   input_plasticity=InputPlasticity(0.5), **filters)  # fmt: skip
    return network, rng, int((groups == 0).sum())


@pytest.mark.parametrize("storage", [None, "always_sparse"])
@pytest.mark.parametrize("filters", [{"tau_rate": 1.3, "tau_syn": 0.7}, {"tau_syn": 0.7}, {"tau_rate": 1.3}, {}])
def test_the_tangent_of_the_whole_state_is_exact(filters, storage, request):
    if storage:
        request.getfixturevalue(storage)
    network, rng, cells = full_state(filters)
    system = state_system(network, rng.standard_normal(10))
    state = flatten_state(network, network.start(rng.random(10)))
    # slow, adaptation, u and x of the input; u and x of two blocks
    assert state.shape == (10 * (4 + max(len(filters), 1)) + 4 * cells,)
    for _ in range(3):
        state = system.step(state)
    frame = torch.from_numpy(rng.standard_normal((4, len(state))))
    step = 1e-6
    expected = [(system.step(state + step * one) - system.step(state - step * one)) / (2 * step) for one in frame]
    torch.testing.assert_close(system.tangent(state, frame), torch.stack(expected), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("filters", [{"tau_rate": 1.3, "tau_syn": 0.7}, {"tau_syn": 0.7}, {"tau_rate": 1.3}])
def test_the_steps_of_the_whole_state_are_those_of_the_network(filters):
    network, rng, _ = full_state(filters)
    drive = rng.standard_normal(10)
    system, state = state_system(network, drive), network.start(rng.random(10))
    flattened = flatten_state(network, state)
    given = torch.from_numpy(drive)
    for _ in range(5):
        state, flattened = network.step(state, given), system.step(flattened)
    torch.testing.assert_close(flattened, flatten_state(network, state), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("filters", [{"tau_rate": 1.0, "tau_syn": 0.6}, {"tau_syn": 0.6}, {"tau_rate": 1.0}, {}])
def test_exponents_of_a_linear_network_are_those_of_its_whole_matrix(filters):
    """ln |eigenvalue| / dt of the map of (r, h), written out; without tau_rate rates add no direction of their own."""
    matrix, rng = drawn(6, 0.9)
    matrix = 0.2 * (matrix + matrix.T)  # real eigenvalues
    dt = 0.2
    network = made(matrix, "linear", dt, **filters)
    system = state_system(network, np.zeros(6))
    start = flatten_state(network, network.start(rng.standard_normal(6)))
    frame = torch.from_numpy(rng.standard_normal((len(start), len(start))))
    found = spectrum(system, start, frame, Schedule(tsim=40.0, tons=dt, transient=0, frame_transient=20))
    e_r, e_h = (math.exp(-dt / filters[name]) if name in filters else 0.0 for name in ("tau_rate", "tau_syn"))
    eye = np.eye(6)
    currents = np.hstack([(1 - e_h) * matrix, e_h * eye])
    full = np.vstack([np.hstack([e_r * eye, 0 * eye]) + (1 - e_r) * currents, currents])
    sizes = np.sort(np.abs(np.linalg.eigvals(full)))[::-1][: len(start)]
    np.testing.assert_allclose(found.exponents, np.log(sizes) / dt, atol=0.05)
    assert len(start) == 6 * max(len(filters), 1)


def test_a_spectrum_of_a_network_with_noise_or_of_several_is_refused():
    matrix, _ = drawn()
    with pytest.raises(ValueError, match="a network with noise has no deterministic spectrum"):
        state_system(made(matrix, noise=Noise(0.1, 1.0)), np.zeros(30))
    with pytest.raises(ValueError, match="a spectrum needs a network of one column, got 2 columns"):
        state_system(made(matrix, coupled={"trials": 2}), np.zeros(30))


# ---- time


@pytest.mark.long
def test_a_batch_of_ten_couplings_takes_at_most_twice_its_products():
    """8,000 neurons with 1,000 inputs each, both filters and noise; the time of this process alone counts."""
    about = Populations(("E", "I"), (4000, 4000), {"EE": 0.5, "EI": -0.75, "IE": 0.5, "II": -0.5}, (500, 500))
    net, groups = population_network(about, np.random.default_rng(0)), np.repeat([0, 1], 4000)
    factors = np.ones((10, 2, 2))
    factors[:, 0, 0] = np.linspace(0.5, 1.4, 10)
    network = RateNetwork(couplings(net, groups, factors=factors), ACTIVATIONS["relu"], 1.0, tau_syn=4.0,
                          tau_rate=np.array([20.0, 10.0])[groups], threshold=1.0, noise=Noise(1.0, 5.0))  # fmt: skip
    generators = [np.random.default_rng(run) for run in range(10)]
    given = FeedForward(np.full(8000, 20.0), groups, 1.0, (Event(5, 15, 0, "cosine", 1.0),))
    state, bundle = network.start(0.1, generators), torch.rand(8000, 10)

    def timed(work):
        begun = time.process_time()
        work()
        return time.process_time() - begun

    def bare():
        for _ in range(20):
            for matrix, _ in network.couplings.products:
                matrix.values @ bundle

    def simulated():
        simulate(network, state, given, steps=20, window=20, generators=generators)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ratio = min(timed(simulated) for _ in range(4)) / min(timed(bare) for _ in range(4))
    finally:
        torch.set_num_threads(threads)
    print(f"time over that of the products: {ratio:.2f}")
    assert ratio < 2


def test_the_plasticity_of_hansel_and_mato_is_that_of_markram():
    """Markram's utilisation before a spike, v, decays to 0; the share v + U (1 - v) that a spike uses obeys u'."""
    use, facilitation, recovery, dt = 0.1, 0.6, 0.3, 0.0005
    rates = 10 * (1 + np.sin(np.arange(4000) * 0.002))
    network = RateNetwork(
        couplings(Connectome("one", np.array([0]), np.array([0]), np.ones(1), np.array(["a"])), np.array([0]),
                  plastic=[(0, 0)], dtype=torch.float64),
        ACTIVATIONS["linear"], dt, plasticity=(Plasticity(0, 0, use, facilitation, recovery),),
    )  # fmt: skip
    state, v, x = network.start(0.0), 0.0, 1.0
    for rate in rates:
        state = network.update_currents(state._replace(rates=torch.full((1, 1), rate, dtype=torch.float64)))
        used = v + use * (1 - v)
        v, x = v + dt * (-v / facilitation + use * (1 - v) * rate), x + dt * ((1 - x) / recovery - used * x * rate)
    assert float(state.u[0]) == pytest.approx(v + use * (1 - v), rel=2e-3)
    assert float(state.x[0]) == pytest.approx(x, rel=2e-3)
