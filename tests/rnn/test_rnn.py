"""The network against torch.func.jvp, automatic differentiation, torch.nn.RNN and hand-made cases."""

import dataclasses

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.connectome import Connectome, from_dense
from randomnet.rnn import FORMS, Network, stack_systems
from randomnet.synthetic import random_network

NAMES = list(ACTIVATIONS)
every_case = pytest.mark.parametrize(("activation", "form"), [(name, form) for name in NAMES for form in FORMS])


def named(n):
    return np.array([f"unit{number}" for number in range(n)])


def everything(connectome, groups=None):
    count = connectome.n if groups is None else int(groups.max()) + 1
    return {"weights": np.arange(len(connectome.weights)), "gains": np.arange(count), "shifts": np.arange(count)}


def sparse(n=9, seed=5, density=0.4):
    """A signed network with absent edges, its columns of one sign, as measured ones are."""
    rng = np.random.default_rng(seed)
    matrix = rng.gamma(2.0, 0.5, (n, n)) * (rng.random((n, n)) < density) * rng.choice([-1, 1], n)
    np.fill_diagonal(matrix, 0)
    return from_dense("sparse", matrix, named(n))


def randomised(network, seed=0):
    """The network with random gains and shifts."""
    rng = torch.Generator().manual_seed(seed)
    values = network.values()
    like = {"generator": rng, "dtype": values["gains"].dtype}
    values["gains"] = 0.4 + 1.4 * torch.rand(values["gains"].shape, **like)
    values["shifts"] = 0.5 * torch.randn(values["shifts"].shape, **like)
    network.assign(values)
    return network


def made(activation, form, n=7, dt=0.3, **options):
    connectome = random_network(n, 1.5, np.random.default_rng(11))
    options = {"trainable": everything(connectome), **options}
    return randomised(Network(connectome, activation=activation, form=form, dt=dt, **options))


def bundle_of(n, k, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(1 + k, n, generator=rng, dtype=torch.float64)


def stepped(system, bundle, steps):
    """The bundle after plain single steps and tangents."""
    for _ in range(steps):
        bundle = torch.cat([system.step(bundle[0])[None], system.tangent(bundle[0], bundle[1:])])
    return bundle


# --- steps and tangents


@pytest.mark.parametrize("dt", [0.1, 1.0])
@every_case
def test_tangent_is_the_derivative_of_the_step(activation, form, dt):
    with torch.no_grad():
        system = made(activation, form, dt=dt).dynamics()
    bundle = bundle_of(7, 5)
    exact = torch.stack([torch.func.jvp(system.step, (bundle[0],), (row,))[1] for row in bundle[1:]])
    torch.testing.assert_close(system.tangent(bundle[0], bundle[1:]), exact, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("integrator", ["euler", "rk4"])
@pytest.mark.parametrize("form", FORMS)
def test_a_constant_drive_is_one_given_at_every_step(form, integrator):
    """In steps, tangents, bundles with and without a graph, beside others, and from a connectome that has one."""
    plain = made("tanh_stretched", form, integrator=integrator).dynamics()
    constant, later = bundle_of(7, 3, seed=4)[:2]
    system, bundle = dataclasses.replace(plain, drive=constant), bundle_of(7, 4)
    expected = plain.advance(bundle, 3, drive=constant.expand(3, 7))
    assert not torch.allclose(expected, plain.advance(bundle, 3), atol=1e-2)
    torch.testing.assert_close(system.advance(bundle, 3), expected)
    torch.testing.assert_close(stepped(system, bundle, 3), expected, rtol=1e-11, atol=1e-12)
    exact = torch.stack([torch.func.jvp(system.step, (bundle[0],), (row,))[1] for row in bundle[1:]])
    torch.testing.assert_close(system.tangent(bundle[0], bundle[1:]), exact, rtol=1e-12, atol=1e-13)
    with torch.no_grad():
        torch.testing.assert_close(system.advance(bundle, 3), expected)
        both = plain.advance(bundle, 3, drive=(constant + later).expand(3, 7))
        torch.testing.assert_close(system.advance(bundle, 3, drive=later.expand(3, 7)), both)
        if integrator == "euler":
            together = stack_systems([system, plain]).advance(torch.stack([bundle, bundle]), 3)
            torch.testing.assert_close(together, torch.stack([expected, plain.advance(bundle, 3)]))
    connectome = dataclasses.replace(sparse(7), drive=constant.numpy())
    driven = Network(connectome, form=form, dt=0.3, integrator=integrator).dynamics()
    torch.testing.assert_close(driven.drive, constant)
    argument = later if form == "current" else driven.coupling.values @ later + constant
    torch.testing.assert_close(driven.argument(later), argument)


@every_case
def test_step_is_the_equation(activation, form):
    network = made(activation, form, dt=0.3)
    values, matrix, row = network.values(), network.matrix().detach(), ACTIVATIONS[activation]
    state = bundle_of(7, 3)
    gains, shifts = values["gains"], values["shifts"]

    def phi(x):
        return row.phi((x - shifts) * gains if row.stretches else x)

    drive = phi(state) @ matrix.T if form == "current" else phi(state @ matrix.T)
    with torch.no_grad():
        torch.testing.assert_close(network.dynamics().step(state), 0.7 * state + 0.3 * drive, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("steps", [1, 2, 7])
@every_case
def test_advance_is_that_many_steps(activation, form, steps):
    network = made(activation, form)
    bundle = bundle_of(7, 4)
    before = bundle.clone()
    plain = stepped(network.dynamics(), bundle, steps).detach()
    with_graph = network.dynamics().advance(bundle, steps).detach()
    with torch.no_grad():
        without = network.dynamics().advance(bundle, steps)
        alone = network.dynamics().advance(bundle[:1], steps)
    for found in (with_graph, without):
        torch.testing.assert_close(found, plain, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(alone[0], plain[0], rtol=1e-12, atol=1e-13)
    assert torch.equal(bundle, before)


@pytest.mark.parametrize("steps", [1, 2, 5])
@every_case
def test_gradient_of_advance_is_that_of_plain_steps(activation, form, steps):
    network = made(activation, form)
    bundle = bundle_of(7, 4).requires_grad_()
    inputs = (bundle, network.weights.free, network.gains.free, network.shifts.free)
    weighting = bundle_of(7, 4, seed=9)
    found = torch.autograd.grad((network.dynamics().advance(bundle, steps) * weighting).sum(), inputs)
    plain = stepped(network.dynamics(), bundle, steps)
    expected = torch.autograd.grad((plain * weighting).sum(), inputs, allow_unused=True)
    for got, wanted in zip(found, expected, strict=True):
        wanted = torch.zeros_like(got) if wanted is None else wanted
        torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-11)
    assert expected[1].any()


@pytest.mark.parametrize("trained", ["weights", "gains", "shifts"])
@pytest.mark.parametrize("form", FORMS)
def test_a_gradient_does_not_depend_on_what_else_is_trained(form, trained):
    """What the path keeps for the backward pass depends on what needs a gradient."""
    found = []
    for names in (("weights", "gains", "shifts"), (trained,)):
        connectome = random_network(7, 1.5, np.random.default_rng(11))
        trainable = {name: index for name, index in everything(connectome).items() if name in names}
        network = made("tanh_positive", form, trainable=trainable)
        network.dynamics().advance(bundle_of(7, 3), 6).square().sum().backward()
        found.append(getattr(network, trained).free.grad)
    torch.testing.assert_close(found[0], found[1], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("form", FORMS)
def test_groups_share_their_gain_and_shift(form):
    """A group's gradient is the sum over its neurons of the gradients of a network without groups."""
    connectome, groups = sparse(), np.array([0, 1, 2, 0, 1, 2, 0, 0, 1])
    options = {"activation": "tanh_positive", "form": form}
    shared = randomised(Network(connectome, groups=groups, trainable=everything(connectome, groups), **options))
    single = Network(connectome, trainable=everything(connectome), **options)
    values = shared.values()
    single.assign({**values, "gains": values["gains"][groups], "shifts": values["shifts"][groups]})
    for network in (shared, single):
        network.dynamics().advance(bundle_of(9, 3), 4).square().sum().backward()
    for name in ("gains", "shifts"):
        summed = torch.zeros(3, dtype=torch.float64).index_add_(
            0, torch.from_numpy(groups), getattr(single, name).free.grad
        )
        torch.testing.assert_close(getattr(shared, name).free.grad, summed, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(shared.weights.free.grad, single.weights.free.grad, rtol=1e-12, atol=1e-13)


# --- known networks


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_a_full_step_of_the_rate_form_is_torch_nn_rnn(nonlinearity):
    n, steps = 20, 15
    connectome = random_network(n, 1.2, np.random.default_rng(2))
    network = Network(connectome, activation=nonlinearity, form="rate", dt=1.0, dtype=torch.float32)
    reference = torch.nn.RNN(1, n, nonlinearity=nonlinearity, bias=False, batch_first=True)
    with torch.no_grad():
        reference.weight_hh_l0.copy_(torch.from_numpy(connectome.dense()))
        state = torch.randn(3, n, generator=torch.Generator().manual_seed(0))
        expected = reference(torch.zeros(3, steps, 1), state[None])[0]
        system = network.dynamics()
        for step in range(steps):
            state = system.step(state)
            torch.testing.assert_close(state, expected[:, step], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("activation", NAMES)
def test_a_full_step_of_the_current_form_forgets_the_state_but_for_its_rates(activation):
    network = made(activation, "current", dt=1.0)
    system, state = network.dynamics(), bundle_of(7, 2)
    rates = ACTIVATIONS[activation](state, system.gains, system.shifts)[0]
    torch.testing.assert_close(system.step(state), rates @ network.matrix().T, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("form", FORMS)
def test_one_edge_goes_from_pre_to_post(form):
    """Neuron 0 inhibits neuron 1, and nothing else: J[1, 0] = -2."""
    connectome = Connectome("pair", np.array([1]), np.array([0]), np.array([-2.0]), named(2))
    network = Network(connectome, activation="linear", form=form, dt=0.25)
    with torch.no_grad():
        system = network.dynamics()
        assert network.matrix().tolist() == [[0.0, 0.0], [-2.0, 0.0]]
        assert system.step(torch.tensor([1.0, 0.0]).double()).tolist() == [0.75, -0.5]
        assert system.step(torch.tensor([0.0, 1.0]).double()).tolist() == [0.0, 0.75]
        frame = torch.eye(2, dtype=torch.float64)
        assert system.tangent(torch.zeros(2).double(), frame).tolist() == [[0.75, -0.5], [0.0, 0.75]]
        bundle = torch.cat([torch.tensor([[1.0, 0.0]]).double(), frame])
        assert system.advance(bundle, 1).tolist() == [[0.75, -0.5], [0.75, -0.5], [0.0, 0.75]]


def test_the_gain_and_shift_of_a_neuron_act_on_its_own_output_in_the_current_form():
    connectome = Connectome("pair", np.array([0, 1]), np.array([1, 0]), np.array([1.0, 1.0]), named(2))
    network = Network(connectome, activation="linear", form="current", dt=1.0)
    network.assign({**network.values(), "gains": torch.tensor([3.0, 1.0]), "shifts": torch.tensor([0.5, 0.0])})
    with torch.no_grad():
        assert network.dynamics().step(torch.tensor([2.0, 7.0]).double()).tolist() == [7.0, 4.5]


def test_the_gain_and_shift_of_a_neuron_act_on_its_own_input_in_the_rate_form():
    connectome = Connectome("pair", np.array([0, 1]), np.array([1, 0]), np.array([1.0, 1.0]), named(2))
    network = Network(connectome, activation="linear", form="rate", dt=1.0)
    network.assign({**network.values(), "gains": torch.tensor([3.0, 1.0]), "shifts": torch.tensor([0.5, 0.0])})
    with torch.no_grad():
        assert network.dynamics().step(torch.tensor([2.0, 7.0]).double()).tolist() == [19.5, 2.0]


def test_the_matrix_is_the_connectome():
    connectome = sparse()
    for keep_signs in (True, False):
        network = Network(connectome, keep_signs=keep_signs, trainable=everything(connectome))
        np.testing.assert_array_equal(network.matrix().detach().numpy(), connectome.dense())


# --- what training may and may not change


def test_constant_weights_are_laid_out_once_and_anew_after_they_were_assigned():
    network = Network(sparse(), keep_signs=False)
    first = network.dynamics().coupling
    assert network.dynamics().coupling is first
    values = network.values()
    network.assign(values | {"weights": 2 * values["weights"]})
    torch.testing.assert_close(network.dynamics().coupling.values, 2 * first.values, rtol=0, atol=0)
    torch.testing.assert_close(network.dynamics().coupling.scaled(0.5)[1], first.values.mT, rtol=0, atol=0)
    assert network.float().dynamics().coupling.values.dtype == torch.float32


def trained(network, optimizer, steps):
    for seed in range(steps):
        optimizer.zero_grad()
        bundle = bundle_of(network.n, 2, seed=seed).to(network.weights.start.dtype)
        network.dynamics().advance(bundle, 3).square().sum().backward()
        optimizer.step()
        network.project()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["AdamW", "SGD"])
def test_absent_edges_stay_absent_and_signs_stay(kind, form, dtype):
    connectome = sparse()
    network = Network(connectome, activation="tanh_positive", form=form, trainable=everything(connectome), dtype=dtype)
    if kind == "AdamW":
        trained(network, torch.optim.AdamW(network.parameters(), lr=0.2, weight_decay=0.5), 20)
    else:
        trained(network, torch.optim.SGD(network.parameters(), lr=1e4), 3)
    before, after = connectome.dense(), network.matrix().detach().numpy()
    assert not after[before == 0].any()
    assert (after * np.sign(before) >= 0).all()
    assert np.abs(after - before).max() > 0.1
    assert np.isfinite(after).all()


def test_a_weight_that_reached_zero_can_come_back_with_its_sign():
    connectome = Connectome("pair", np.array([1]), np.array([0]), np.array([-0.5]), named(2))
    network = Network(connectome, activation="linear", trainable={"weights": np.array([0])})
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    for direction, expected in ((2.0, 0.0), (-3.0, -3.0)):
        optimizer.zero_grad()
        (-direction * network.matrix()[1, 0]).backward()
        optimizer.step()
        network.project()
        assert float(network.matrix()[1, 0].detach()) == expected


def test_free_signs_may_change():
    connectome = sparse()
    network = Network(connectome, keep_signs=False, trainable=everything(connectome))
    trained(network, torch.optim.SGD(network.parameters(), lr=1e4), 1)
    before, after = connectome.dense(), network.matrix().detach().numpy()
    assert (after * before < 0).any() and not after[before == 0].any()


@pytest.mark.parametrize("keep_signs", [True, False])
def test_entries_that_do_not_move_stay_the_same_bits(keep_signs):
    connectome = sparse()
    trainable = {"weights": np.array([1, 4, 9]), "gains": np.array([2]), "shifts": np.array([0, 8])}
    network = randomised(Network(connectome, activation="tanh_positive", trainable=trainable, keep_signs=keep_signs))
    before = network.values()
    trained(network, torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5), 20)
    after = network.values()
    for name, index in trainable.items():
        changed = (before[name] != after[name]).nonzero().ravel().tolist()
        assert changed == index.tolist(), name


def test_a_name_left_out_of_moving_has_no_parameter():
    connectome = sparse()
    network = Network(connectome, trainable={"gains": np.arange(9)})
    assert [name for name, _ in network.named_parameters()] == ["gains.free"]
    assert not list(Network(connectome).parameters())


def test_no_gradient_reaches_an_entry_that_does_not_move():
    connectome = sparse()
    network = Network(connectome, trainable={"weights": np.array([3, 5])}, activation="tanh")
    full = Network(connectome, trainable=everything(connectome), activation="tanh")
    for one in (network, full):
        one.dynamics().advance(bundle_of(9, 2), 3).square().sum().backward()
    torch.testing.assert_close(network.weights.free.grad, full.weights.free.grad[[3, 5]], rtol=1e-13, atol=1e-15)


def test_the_order_of_moving_does_not_matter():
    connectome = sparse()
    order = np.random.default_rng(0).permutation(len(connectome.weights))
    for count in (4, len(order)):
        network = Network(connectome, trainable={"weights": order[:count]})
        np.testing.assert_array_equal(network.matrix().detach().numpy(), connectome.dense())
        doubled = {**network.values(), "weights": 2 * network.values()["weights"]}
        network.assign(doubled)
        np.testing.assert_array_equal(network.matrix().detach().numpy(), 2 * connectome.dense())


# --- keeping and setting values


@pytest.mark.parametrize("keep_signs", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_description_and_values_rebuild_the_network(form, keep_signs):
    connectome, groups = sparse(), np.array([0, 1, 2, 0, 1, 2, 0, 0, 1])
    network = Network(
        connectome,
        activation="tanh_positive",
        form=form,
        dt=0.2,
        groups=groups,
        trainable={"weights": np.array([2, 3]), "gains": np.array([1])},
        keep_signs=keep_signs,
    )
    trained(randomised(network), torch.optim.AdamW(network.parameters(), lr=0.1), 3)
    said, values = network.description(), network.values()
    post, pre = said["edges"].numpy() // said["n"], said["edges"].numpy() % said["n"]
    rebuilt = Network(
        Connectome("again", post, pre, connectome.weights, named(said["n"])),
        activation=said["activation"],
        form=said["form"],
        dt=said["dt"],
        groups=said["groups"].numpy(),
        keep_signs=keep_signs,
    )
    rebuilt.assign(values)
    assert all(torch.equal(value, rebuilt.values()[name]) for name, value in values.items())
    bundle = bundle_of(9, 4)
    with torch.no_grad():
        assert torch.equal(rebuilt.dynamics().advance(bundle, 5), network.dynamics().advance(bundle, 5))


def test_values_are_copies():
    connectome = sparse()
    network = Network(connectome, trainable=everything(connectome))
    values = network.values()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert torch.equal(values["gains"], torch.ones(9, dtype=torch.float64))
    np.testing.assert_array_equal(values["weights"], connectome.weights)
    network.assign(values)
    values["weights"].zero_()
    np.testing.assert_array_equal(network.matrix().detach().numpy(), connectome.dense())


def test_assigning_keeps_the_parameters_an_optimizer_holds():
    connectome = sparse()
    network = Network(connectome, trainable=everything(connectome))
    held = list(network.parameters())
    network.assign(network.values())
    assert all(a is b for a, b in zip(held, network.parameters(), strict=True))


# --- what is refused


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"activation": "tanh_pos"}, r"activation must be one of tanh, .*linear, got 'tanh_pos'"),
        ({"form": "voltage"}, r"form must be one of current, rate, got 'voltage'"),
        ({"dt": 0.0}, r"dt must lie in \(0, 1\], got 0.0"),
        ({"dt": 1.5}, r"dt must lie in \(0, 1\], got 1.5"),
        ({"dt": float("nan")}, r"dt must lie in \(0, 1\], got nan"),
        ({"groups": np.zeros(4, int)}, r"groups must have shape \(9,\), got \(4,\)"),
    ],
)
def test_bad_arguments(options, text):
    with pytest.raises(ValueError, match=text):
        Network(sparse(), **options)


@pytest.mark.parametrize(
    ("trainable", "text"),
    [
        ({"weight": [0]}, "weights, gains, shifts.*'weight'"),  # else a misspelt name trains nothing, and says nothing
        ({"gains": [0, 9]}, "gains.*9"),
        ({"gains": [1, 1]}, "gains"),
    ],
)
def test_moving_that_cannot_be_meant(trainable, text):
    with pytest.raises(ValueError, match=text):
        Network(sparse(), trainable={name: np.array(index) for name, index in trainable.items()})


@pytest.mark.parametrize("name", ["weights", "gains", "shifts"])
def test_values_of_another_shape(name):
    network = Network(sparse())
    values = network.values()
    expected = len(values[name])
    values[name] = torch.ones(3)
    with pytest.raises(ValueError, match=rf"{name}: expected \({expected},\) entries, got \(3,\)"):
        network.assign(values)
