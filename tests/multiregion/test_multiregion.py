"""Networks of regions as a module: torch.nn.RNN where a = 1, closed forms elsewhere, and Dale's law under training."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import randomnet
from randomnet.activations import ACTIVATIONS
from randomnet.analysis import (
    fixed_points,
    flow_field,
    jacobian_of,
    plane,
    region_activity,
    select,
    units_of,
    weight_subset,
)
from randomnet.connectome import from_dense
from randomnet.lyapunov import Schedule, random_frame, spectrum
from randomnet.multiregion import DALE
from randomnet.rnn import FORMS
from randomnet.synthetic.regions import from_dict
from tests.support.marks import slow_except
from tests.support.regions import described, elman, made

BATCH, TIME = 4, 9
CONSTRAINED = [mode for mode in DALE if mode != "off"]


# ---- torch.nn.RNN


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("layout", ["batch_first", "time_first", "unbatched"])
@pytest.mark.parametrize("sizes", [(15,), (6, 5, 4)])
def test_at_a_1_it_is_an_elman_network_in_values_and_gradients(form, nonlinearity, layout, sizes):
    ours, theirs = elman(described(sizes), nonlinearity, form, batch_first=layout != "time_first")
    shape = {"batch_first": (BATCH, TIME, 5), "time_first": (TIME, BATCH, 5), "unbatched": (TIME, 5)}[layout]
    inputs = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    state = torch.randn((1, 15) if layout == "unbatched" else (1, BATCH, 15), dtype=torch.float64)
    begin = torch.tanh(state) if nonlinearity == "tanh" else torch.relu(state)  # nn.RNN's state are the rates
    if form == "rate":
        state = begin
    found, final = ours(inputs, state)
    expected, last = theirs(inputs, begin)
    final = final if form == "rate" else (torch.tanh if nonlinearity == "tanh" else torch.relu)(final)
    assert found.shape == expected.shape and final.shape == last.shape
    assert_close(found, expected, rtol=0, atol=1e-12)
    assert_close(final, last, rtol=0, atol=1e-12)
    at_rates, at_last = torch.randn_like(expected), torch.randn_like(last)
    own = [inputs, ours.recurrent.values, ours.input.values, ours.bias]
    other = [inputs, theirs.weight_hh_l0, theirs.weight_ih_l0, theirs.bias_ih_l0]
    for chosen in ((1, 1), (1, 0), (0, 1)):
        one, two = (chosen[0] * (rates * at_rates).sum() + chosen[1] * (end * at_last).sum()
                    for rates, end in ((found, final), (expected, last)))  # fmt: skip
        pairs = zip(torch.autograd.grad(one, own, retain_graph=True),
                    torch.autograd.grad(two, other, retain_graph=True), strict=True)  # fmt: skip
        for ours_bar, theirs_bar in pairs:
            assert_close(ours_bar, theirs_bar, rtol=0, atol=1e-10)


def test_the_gradient_of_the_initial_state_is_that_of_an_elman_network():
    ours, theirs = elman(described(), "tanh", "rate")
    inputs, state = torch.randn(BATCH, TIME, 5).double(), torch.randn(1, BATCH, 15).double().requires_grad_()
    one, two = (torch.autograd.grad(net(inputs, state)[0].square().sum(), state)[0] for net in (ours, theirs))
    assert_close(one, two, rtol=0, atol=1e-10)



def test_signed_and_masked_regions_are_an_elman_network_with_the_assembled_matrix():
    """Also in the gradients: those of the values are those of torch's matrix at the edges, times their sign."""
    ours = made(described(sparsity=0.4), activation="tanh", form="rate", dt=1, tau=1, seed=4)
    theirs = torch.nn.RNN(5, 15, batch_first=True, dtype=torch.float64)
    recurrent, weights = (values.detach() for values in ours.effective_weights())
    with torch.no_grad():
        theirs.weight_hh_l0.copy_(recurrent)
        theirs.weight_ih_l0.copy_(weights)
        theirs.bias_ih_l0.copy_(ours.biases())
        theirs.bias_hh_l0.zero_()
    inputs, state = torch.randn(BATCH, TIME, 5).double(), torch.rand(1, BATCH, 15).double()
    one, other = ours(inputs, state), theirs(inputs, state)
    for found, expected in zip(one, other, strict=True):
        assert_close(found, expected, rtol=0, atol=1e-10)
        found.square().sum().backward(retain_graph=True)
        expected.square().sum().backward(retain_graph=True)
    assert_close(ours.recurrent.values.grad, theirs.weight_hh_l0.grad * recurrent.sign(), rtol=0, atol=1e-10)
    assert_close(ours.input.values.grad, theirs.weight_ih_l0.grad * weights.sign(), rtol=0, atol=1e-10)
    assert_close(ours.bias.grad, theirs.bias_ih_l0.grad, rtol=0, atol=1e-10)


# ---- leak, continuation, per-region tau


@pytest.mark.parametrize("form", FORMS)
def test_small_steps_follow_the_differential_equation(form):
    """tau h' = -h + W phi(h) + b, or tau r' = -r + phi(W r + b), by Runge-Kutta in numpy; the error halves with dt."""
    config = described((6, 5), inputs=())
    net = made(config, activation="tanh", form=form, dt=0.01, tau=1.0, spectral_radius=2.0)
    w, b, start = (values.detach().numpy() for values in (net.effective_weights()[0], net.biases(), net.initial))

    def flow(x):
        return -x + (w @ np.tanh(x) + b if form == "current" else np.tanh(w @ x + b))

    exact, step = start.copy(), 0.01
    for _ in range(200):
        k1 = flow(exact)
        k2 = flow(exact + step / 2 * k1)
        k3 = flow(exact + step / 2 * k2)
        exact = exact + step / 6 * (k1 + 2 * k2 + 2 * k3 + flow(exact + step * k3))
    errors = []
    for dt in (0.02, 0.01, 0.005):
        finer = made(config, activation="tanh", form=form, dt=dt, tau=1.0, spectral_radius=2.0)
        end = finer(steps=round(2 / dt))[1][0, 0].detach().numpy()
        errors.append(np.abs(end - exact).max())
    assert errors[0] < 0.05
    np.testing.assert_allclose(np.array(errors[1:]) / errors[:-1], 0.5, atol=0.02)


@pytest.mark.parametrize("form", FORMS)
def test_a_linear_network_is_its_closed_form(form):
    net = made(activation="linear", form=form, dt=1, tau=5)
    with torch.no_grad():
        net.bias.zero_()
    inputs, state = torch.randn(BATCH, TIME, 5).double(), torch.randn(BATCH, 15).double()
    recurrent, weights = (values.detach() for values in net.effective_weights())
    once = 0.8 * torch.eye(15, dtype=torch.float64) + 0.2 * recurrent
    powers = [torch.linalg.matrix_power(once, k) for k in range(TIME + 1)]
    expected = state @ powers[TIME].mT
    for t in range(TIME):
        expected = expected + 0.2 * inputs[:, t] @ weights.mT @ powers[TIME - 1 - t].mT
    assert_close(net(inputs, state)[1][0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("tau", [1.0, 4.0, {"r0": 2.0, "r1": 3.0, "r2": 4.0}])
def test_halves_chained_by_the_state_are_the_whole(form, activation, tau):
    net = made(activation=activation, form=form, dt=1, tau=tau)
    inputs = torch.randn(BATCH, 2 * TIME, 5).double()
    whole, end = net(inputs)
    first, state = net(inputs[:, :TIME])
    second, after = net(inputs[:, TIME:], state)
    assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-12)
    assert_close(after, end, rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_regions_may_have_their_own_tau(form):
    """By hand, in numpy; and the gradients by autograd through plain steps."""
    net = made(activation="tanh", form=form, dt=10, tau={"r0": 20, "r1": 50, "r2": 100}, learnable_init=True)
    a = np.repeat([0.5, 0.2, 0.1], [6, 5, 4])
    inputs = torch.randn(BATCH, TIME, 5).double()
    recurrent, weights = net.effective_weights()
    state, path = net.initial.expand(BATCH, -1), []
    for now in (inputs @ weights.mT + net.biases()).unbind(1):
        to = torch.tanh(state) @ recurrent.mT + now if form == "current" else torch.tanh(state @ recurrent.mT + now)
        state = (1 - torch.tensor(a)) * state + torch.tensor(a) * to
        path.append(state)
    expected = torch.stack(path, 1)
    rates, _, states = net(inputs, return_states=True)
    assert_close(states, expected, rtol=0, atol=1e-12)
    assert_close(rates, torch.tanh(expected) if form == "current" else expected, rtol=0, atol=1e-12)
    leaves, at = list(net.parameters()), torch.randn_like(states)
    for found, wanted in ((states, expected), (rates, torch.tanh(expected) if form == "current" else expected)):
        pairs = zip(torch.autograd.grad((found * at).sum(), leaves, retain_graph=True),
                    torch.autograd.grad((wanted * at).sum(), leaves, retain_graph=True), strict=True)  # fmt: skip
        for one, other in pairs:
            assert_close(one, other, rtol=1e-9, atol=1e-12)
    h, w, u, b = (values.detach().numpy() for values in (net.initial, recurrent, weights, net.biases()))
    drive = u @ inputs[0, 0].numpy() + b
    h = (1 - a) * h + a * (w @ np.tanh(h) + drive if form == "current" else np.tanh(w @ h + drive))
    np.testing.assert_allclose(states[0, 0].detach().numpy(), h, rtol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [100, {"r0": 20, "r1": 50, "r2": 100}])
def test_the_system_of_a_network_steps_as_the_network_does(tau, form, sparse):
    net = made(described(inputs=()), activation="tanh", form=form, tau=tau, sparse=sparse)
    state = torch.randn(BATCH, 15).double()
    system = net.dynamics()
    assert_close(system.step(state), net(None, state, steps=1)[1][0])
    assert system.dt == 0.1 and torch.is_tensor(system.leaks) == isinstance(tau, dict)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [100, {"r0": 20, "r1": 50, "r2": 100}])
def test_exponents_of_a_linear_network_are_those_of_its_matrix_also_with_a_tau_for_each_region(form, tau):
    net = made(described(inputs=(), sparsity=0.4), activation="linear", form=form, tau=tau, spectral_radius=0.9)
    net.requires_grad_(False)
    a = 10 / np.repeat([20, 50, 100] if isinstance(tau, dict) else 3 * [100], [6, 5, 4])
    matrix = np.diag(1 - a) + a[:, None] * net.effective_weights()[0].numpy()
    values, vectors = np.linalg.eig(matrix)
    exact = np.sort(np.log(np.abs(values)))[::-1] / 0.1  # per 100, the longest tau, of which dt = 10 is a tenth
    frame = torch.from_numpy(random_frame(np.random.default_rng(0), 15, 15))
    time = 400.0
    found = spectrum(net.dynamics(), torch.zeros(15).double(), frame, Schedule(time, 0.5, 0, 100))
    slack = np.log(np.linalg.cond(vectors)) / time
    assert slack < 0.02
    np.testing.assert_allclose(found.exponents, exact, atol=slack)
    assert_close(found.exponents.sum(), np.linalg.slogdet(matrix)[1] / 0.1, rtol=1e-9, atol=1e-8)


# ---- noise


@pytest.mark.parametrize(("a", "sd"), [(0.1, 0.01026), (0.5, 0.01155), (1.0, 0.01414)])
@pytest.mark.parametrize("generator", [None, 3])
def test_noise_of_the_state_is_stationary_with_the_sd_and_correlation_of_the_formula(a, sd, generator):
    net = made(described((10, 10), inputs=()), dt=a, tau=1, activation="linear")
    torch.manual_seed(1)
    with torch.no_grad():
        net.bias.zero_()
        noise = True if generator is None else torch.Generator().manual_seed(generator)
        states = net(None, torch.zeros(1000, 20).double(), steps=int(10 / a), noise=noise, W_rec=torch.zeros(20, 20)
                     .double(), return_states=True)[2]  # fmt: skip
    before, after, n = states[:, -2], states[:, -1], 20_000
    exact = 0.01 * np.sqrt(2 / (2 - a))
    assert exact == pytest.approx(sd, abs=1e-5)
    assert abs(float(after.std()) - exact) < 3 * exact / np.sqrt(2 * n)
    lag = float((before * after).mean() / after.square().mean())
    assert abs(lag - (1 - a)) < 3 * np.sqrt((1 - (1 - a) ** 2) / n)
    between = torch.corrcoef(after)[~torch.eye(1000, dtype=torch.bool)]  # rows of the batch: no common noise
    assert abs(float(between.mean())) < 0.003 and float(between.std()) == pytest.approx(1 / np.sqrt(19), rel=0.05)


def test_noise_of_the_input_does_not_grow_with_time():
    net = made(described((20,), inputs=(5,)), dt=0.5, tau=1, activation="linear", noise_input=0.1, noise_state=0.0)
    weights = net.effective_weights()[1]
    none = torch.zeros(20, 20).double()
    exact = weights.norm(dim=1) * 0.1 * np.sqrt(2 * 0.5)  # of one step, as the state before is 0
    with torch.no_grad():
        net.bias.zero_()
        for time, batch in ((10, 2000), (1000, 20)):
            torch.manual_seed(time)
            start = torch.zeros(batch, 20).double()
            states = net(torch.zeros(batch, time, 5).double(), start, noise=True, W_rec=none, return_states=True)[2]
            steps = torch.cat([start[:, None], states], 1)
            steps = (steps[:, 1:] - 0.5 * steps[:, :-1]).flatten(0, 1)  # a W xi
            assert (abs(steps.std(0) / exact - 1) < 3 / np.sqrt(2 * time * batch)).all()


def test_noise_is_on_in_training_and_off_in_evaluation_unless_told():
    net, inputs = made(), torch.randn(BATCH, TIME, 5).double()
    quiet = net(inputs)[0]
    assert torch.equal(net(inputs)[0], quiet) and not torch.equal(net(inputs, noise=True)[0], quiet)
    net.train()
    assert torch.equal(net(inputs, noise=False)[0], quiet) and not torch.equal(net(inputs)[0], quiet)
    seeded = [net(inputs, noise=torch.Generator().manual_seed(2))[0] for _ in range(2)]
    assert torch.equal(*seeded)
    silent = made(noise_state=0, noise_input=0).train()
    assert torch.equal(silent(inputs)[0], quiet)
    regional = made(tau={"r0": 20, "r1": 50, "r2": 100})
    assert regional(inputs, noise=True)[0].isfinite().all()


# ---- Dale's law, bounds and masks


@pytest.mark.parametrize("mode", CONSTRAINED)
def test_signs_edges_and_bounds_stay_in_training(mode):
    bounds = (0.01, 0.4)
    net = made(described(sparsity=0.3), activation="tanh", dale=mode, dale_input=mode, bounds=bounds, seed=3).train()
    signs, absent = net.recurrent.signs.clone(), net.recurrent.signs == 0
    columns = np.repeat([1, -1, 1], [6, 5, 4])
    start = net.effective_weights()[0].detach()
    torch.manual_seed(0)
    inputs, targets = torch.randn(8, TIME, 5).double(), torch.randn(8, TIME, 15).double()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03, weight_decay=1e-3)
    for _ in range(200):
        optimizer.zero_grad()
        (net(inputs)[0] - targets).square().mean().backward()
        optimizer.step()
        net.project()
        recurrent, weights = (values.detach() for values in net.effective_weights())
        for values, mask in ((recurrent, ~absent), (weights, net.input.signs != 0)):
            assert (values[~mask] == 0).all()
            assert ((values.abs() >= bounds[0]) & (values.abs() <= bounds[1]))[mask].all()
        assert (recurrent * torch.tensor(columns) >= 0).all() and (weights >= 0).all()
    assert float((recurrent - start).abs().max()) > 0.1
    assert torch.equal(net.recurrent.signs, signs)
    assert (net.recurrent.values[absent] == 0).all()
    if mode == "clamp":
        values = net.recurrent.values[~absent]
        assert ((values >= bounds[0]) & (values <= bounds[1])).all()


@pytest.mark.parametrize("mode", DALE)
def test_the_gradient_of_every_mode_is_right(mode):
    net = made(described(sizes=(3, 2), inputs=(2,), sparsity=0.2), activation="tanh", dale=mode, dale_input=mode)
    leaves = [values.detach().clone().requires_grad_() for values in (net.recurrent.values, net.input.values)]
    inputs = torch.randn(2, 3, 2).double()

    def run(recurrent, weights):
        values = {"recurrent.values": recurrent, "input.values": weights}
        return torch.func.functional_call(net, values, (inputs,))

    # entries without an edge are 0, where abs and relu have no derivative, but neither has any effect
    assert torch.autograd.gradcheck(run, leaves)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [1.0, 4.0, {"r0": 2.0, "r1": 3.0}])
def test_gradients_of_states_and_extra_inputs(form, tau):
    net = made(described(sizes=(3, 2), inputs=(2,)), activation="sigmoid", form=form, dt=1, tau=tau)
    inputs, extra, state = (torch.randn(shape).double().requires_grad_() for shape in ((2, 3, 2), (2, 3, 5), (2, 5)))

    def run(inputs, state, extra):
        return net(inputs, state, extra, return_states=True)

    assert torch.autograd.gradcheck(run, (inputs, state, extra))


BEYOND = [  # mode, V, bounds, the one at which the weight is
    *[(mode, 0.9, (0.0, 0.5), 0.5) for mode in ("abs", "relu", "clamp")],
    *[(mode, 0.0, (0.0, 0.5), 0.0) for mode in ("abs", "relu", "clamp")],
    *[(mode, 0.05, (0.1, 0.5), 0.1) for mode in ("abs", "relu", "clamp")],
    ("abs", -0.9, (0.0, 0.5), 0.5),
    ("clamp", -0.9, (0.0, 0.5), 0.0),
    ("softplus", 2.0, (0.1, 0.5), 0.5),
    ("softplus", -3.0, (0.1, 0.5), 0.1),
]


@pytest.mark.parametrize(("mode", "value", "bounds", "edge"), BEYOND)
def test_a_weight_at_a_bound_has_the_gradient_that_brings_it_back_and_no_other(mode, value, bounds, edge):
    net = made(described(sizes=(3,), inputs=(1,)), dale=mode, bounds=bounds)
    with torch.no_grad():
        net.recurrent.values.fill_(value)
    assert (net.effective_weights()[0] == edge).all()
    further = 5.0 if edge == bounds[1] else -5.0
    (outwards,) = torch.autograd.grad((net.effective_weights()[0] - further).square().sum(), net.recurrent.values)
    assert (outwards == 0).all()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(400):
        optimizer.zero_grad()
        (net.effective_weights()[0] - 0.3).square().sum().backward()
        optimizer.step()
    assert_close(net.effective_weights()[0].detach(), torch.full((3, 3), 0.3).double(), rtol=0, atol=1e-3)


def test_dead_weights_are_counted_in_mode_relu_alone():
    for mode, expected in (("relu", (3, 1)), ("abs", (0, 0))):
        net = made(dale=mode, dale_input=mode)
        with torch.no_grad():
            net.recurrent.values[0, :3], net.input.values[0, 0] = -1, -1
        assert net.dead_weights() == expected
        recurrent = net.effective_weights()[0]
        (gradient,) = torch.autograd.grad(recurrent.sum(), net.recurrent.values)
        assert (gradient[0, :3] == 0).all() == (mode == "relu") and (recurrent[0, :3] == 0).all() == (mode == "relu")


@pytest.mark.parametrize("mode", DALE)
def test_masks_have_the_zeros_that_were_asked_for(mode):
    net = made(described(sparsity=0.35), dale=mode, dale_input=mode, seed=5)
    recurrent, weights = net.effective_weights()
    for values in (recurrent, weights):
        zeros = np.split((values == 0).numpy(), [6, 11])
        assert [set(block.sum(0)) for block in zeros] == [{3}, {2}, {2}]  # ceil(6, 5, 4 x .35)
    again, other = (made(described(sparsity=0.35), dale=mode, dale_input=mode, seed=seed) for seed in (5, 6))
    assert torch.equal(again.recurrent.signs, net.recurrent.signs)
    assert not torch.equal(other.recurrent.signs, net.recurrent.signs)
    for values in net.parameters():
        values.data.fill_(0.3)
    assert torch.equal(net.effective_weights()[0] == 0, recurrent == 0)


@pytest.mark.parametrize("sparse", [False, True])
def test_masks_are_no_parameters_and_stay_when_all_is_unfrozen(sparse):
    net = made(described(sparsity=0.35), activation="tanh", sparse=sparse, learnable_init=True)
    before = [values == 0 for values in net.effective_weights()]
    assert all(name.split(".")[-1] in ("values", "bias", "initial") for name, _ in net.named_parameters())
    for values in net.parameters():
        values.requires_grad_(True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        (net(torch.randn(BATCH, TIME, 5).double())[0] - 1).square().sum().backward()
        optimizer.step()
    for mask, after in zip(before, net.effective_weights(), strict=True):
        assert mask.any() and (after[mask] == 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("sparse", [False, True])
def test_on_a_cuda_device_the_network_is_the_same(sparse):
    settings = {"activation": "tanh", "sparse": sparse, "tau": {"r0": 20, "r1": 50, "r2": 100}, "seed": 5}
    here = made(described(sparsity=0.35), **settings)
    there, moved_there = made(described(sparsity=0.35), device="cuda", **settings), copy.deepcopy(here).to("cuda")
    inputs = torch.randn(BATCH, TIME, 5).double()
    for net in (there, moved_there):
        for name, values in here.state_dict().items():
            assert torch.equal(net.state_dict()[name].cpu(), values), name
        rates, state = net(inputs.cuda(), noise=False)
        assert rates.is_cuda and state.is_cuda
        assert_close(rates.cpu(), here(inputs)[0], rtol=0, atol=1e-12)
        rates.square().sum().backward()
        assert net(inputs.cuda(), noise=True)[0].isfinite().all()
    here(inputs)[0].square().sum().backward()
    assert_close(there.recurrent.values.grad.cpu(), here.recurrent.values.grad, rtol=1e-9, atol=1e-12)
    there.load_state_dict(here.state_dict())
    assert_close(there(inputs.cuda())[0].cpu(), here(inputs)[0], rtol=0, atol=1e-12)


def test_its_units_are_selected_as_those_of_any_network():
    """Weights and activity by region, in network order whatever the caller's; differentiable."""
    net = made(described(sparsity=0.3))
    units, recurrent = units_of(net.connectome()), net.effective_weights()[0]
    both, last = np.r_[0:6, 11:15], np.arange(11, 15)
    for names in (("r2", "r0"), ("r0", "r2")):
        assert_close(weight_subset(recurrent, units, to=names, from_="r2"), recurrent[np.ix_(both, last)])
        assert_close(weight_subset(recurrent, units, to=names), recurrent[np.ix_(both, both)])
    rates = net(torch.randn(BATCH, TIME, 5).double())[0]
    chosen = np.isin(net.labels["region"], ["r2", "r0"])
    assert torch.equal(region_activity(rates, units, "r2", "r0"), rates[..., torch.from_numpy(chosen)])
    (gradient,) = torch.autograd.grad(weight_subset(recurrent, units, to="r0", from_="r2").sum(), net.recurrent.values)
    edges = (net.recurrent.signs != 0).numpy()
    assert (gradient.numpy() != 0).nonzero()[0].size == edges[0:6, 11:15].sum()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dt", [0.2, 1.0])
def test_its_jacobian_is_that_of_central_differences(form, dt, sparse):
    net = made(described(inputs=(), sparsity=0.3), activation="tanh", form=form, dt=dt, tau=1.0, sparse=sparse)
    state, nudges = torch.randn(15).double(), 1e-5 * torch.eye(15).double()
    with torch.no_grad():
        exact = jacobian_of(net.dynamics())(state[None])[0]
        ahead, behind = (net(None, state + sign * nudges, steps=1)[1][0] for sign in (1, -1))
    assert_close(exact, (ahead - behind).T / 2e-5, rtol=0, atol=1e-7)
    w, h = net.effective_weights()[0].detach().numpy(), state.numpy()
    slope = 1 - np.tanh(h if form == "current" else w @ h + 0.1) ** 2
    typed = (1 - dt) * np.eye(15) + dt * (w * slope if form == "current" else slope[:, None] * w)
    np.testing.assert_allclose(exact.numpy(), typed, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [1.0, {"r0": 2.0, "r1": 3.0, "r2": 4.0}])
def test_the_fixed_point_of_a_linear_network_under_a_constant_input(form, tau):
    """h = (I - W)^-1 (W_inp u + b), whatever the time constants; there J = (1 - a) I + a W."""
    net = made(described(sparsity=0.3), activation="linear", form=form, dt=1, tau=tau, spectral_radius=0.8)
    net.requires_grad_(False)
    recurrent, weights = (values.numpy() for values in net.effective_weights())
    inputs = np.random.default_rng(1).normal(size=5)
    drive = weights @ inputs + net.biases().numpy()
    exact = np.linalg.solve(np.eye(15) - recurrent, drive)
    system = dataclasses.replace(net.dynamics(), drive=torch.from_numpy(drive))
    found = fixed_points(system.step, jacobian_of(system), torch.randn(20, 15).double())
    np.testing.assert_allclose(found.points.numpy(), exact[None], rtol=0, atol=1e-9)
    a = 1 / np.repeat([2, 3, 4] if isinstance(tau, dict) else [1, 1, 1], [6, 5, 4])
    moduli = np.abs(np.linalg.eigvals(np.diag(1 - a) + a[:, None] * recurrent))
    np.testing.assert_allclose(found.eigenvalues[0].abs(), np.sort(moduli)[::-1], atol=1e-9)
    assert found.unstable.tolist() == [0]
    late = net(torch.from_numpy(inputs).expand(400, 5))[1][0]
    np.testing.assert_allclose(late.numpy(), exact, rtol=0, atol=1e-9)


def test_permuted_regions_have_the_same_flow():
    config = described(inputs=(), sparsity=0.3)
    moved = config | {"recurrent_regions": [config["recurrent_regions"][place] for place in (2, 0, 1)]}
    fields, chosen = [], ("r2", "r0")
    for content in (config, moved):
        net = made(content, activation="tanh", form="current", dt=0.3, tau=1, seed=4).requires_grad_(False)
        order = np.argsort(net.names)  # of the units by name, the same in both
        states, at = (torch.from_numpy(np.random.default_rng(7).normal(size=(31, 15))[:, np.argsort(order)])
                      .split([30, 1]))  # fmt: skip
        index, system = select(units_of(net.connectome()), *chosen), net.dynamics()
        fields += [flow_field(system.step, at[0], plane(states[:, index]), 5, trajectory=states, subset=index)]
    one, other = fields
    assert made(config).names.tolist() != made(moved).names.tolist()
    for name in ("grid", "velocity", "speed", "energy", "trajectory"):
        assert_close(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-11)


def test_units_that_break_dales_law_by_the_description_are_named():
    broken = {
        "recurrent_regions": [{"name": "a", "num_units": 2, "base_firing": 0}, {"name": "b", "base_firing": 1}],
        "recurrent_connections": [
            {"src_region": "a", "dst_region": "a", "sign": "inhib"}, {"src_region": "a", "dst_region": "b"},
            {"src_region": "b", "dst_region": "a"}],
    }  # fmt: skip
    assert made(broken).dale_broken().tolist() == [0, 1] and made().dale_broken().tolist() == []


def test_unconstrained_initial_weights_keep_the_signs_of_the_description_where_a_mode_asks_for_them():
    signed = made(initialisation="xavier").effective_weights()[0]
    free = made(initialisation="xavier", dale="off").effective_weights()[0]
    assert_close(signed.abs(), free.abs())
    assert (signed[:, :6] > 0).all() and (signed[:, 6:11] < 0).all()
    assert (free[:, :6] < 0).any()


@pytest.mark.parametrize("mode", DALE)
@pytest.mark.parametrize("initialisation", ["uniform", "xavier", "balanced"])
def test_the_spectral_radius_is_the_one_asked_for(mode, initialisation):
    net = made(dale=mode, initialisation=initialisation, spectral_radius=1.3)
    found = np.abs(np.linalg.eigvals(net.effective_weights()[0].detach().numpy())).max()
    assert found == pytest.approx(1.3, rel=1e-5)


# ---- biases, initial states, extra inputs


def test_biases_are_trained_where_the_description_says_so():
    config = described()
    config["recurrent_regions"][1]["learnable_bias"] = False
    net = made(config)
    assert "bias" in dict(net.named_parameters()) and net.bias.shape == (10,) and "bias" in net.state_dict()
    net(torch.randn(BATCH, TIME, 5).double())[0].sum().backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    moved = (net.biases() != 0.1).detach()
    assert moved[:6].any() and moved[11:].any() and not moved[6:11].any()
    assert made(described(learnable_bias=False)).bias is None


def test_the_initial_state_is_that_of_the_description_and_may_be_trained():
    config = described(init=0.7)
    net, trained = made(config, activation="tanh"), made(config, activation="tanh", learnable_init=True)
    inputs = torch.randn(BATCH, TIME, 5).double()
    assert_close(net(inputs)[0], net(inputs, torch.full((15,), 0.7).double())[0])
    assert "initial" not in dict(net.named_parameters())
    trained(inputs)[0].sum().backward()
    assert (trained.initial.grad != 0).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [100, {"r0": 20, "r1": 50, "r2": 100}])
def test_an_extra_input_is_an_input_region_with_weights_of_1(form, tau):
    net = made(form=form, tau=tau, activation="tanh")
    inputs, first, second = (torch.randn(BATCH, TIME, units).double() for units in (5, 15, 15))
    found = net(inputs, None, first, second)[0]
    recurrent, weights = net.effective_weights()
    wide = made(described(inputs=(2, 3, 15)), form=form, tau=tau, activation="tanh")
    joined = torch.cat([weights, torch.eye(15).double()], 1)
    expected = wide(torch.cat([inputs, first + second], -1), W_rec=recurrent, W_inp=joined)[0]
    assert_close(found, expected, rtol=0, atol=1e-12)
    h, a = net.initial.numpy(), net.a["r0"] if tau == 100 else np.repeat([0.5, 0.2, 0.1], [6, 5, 4])
    w, drive = recurrent.detach().numpy(), weights @ inputs[0, 0] + first[0, 0] + second[0, 0] + net.biases()
    to = w @ np.tanh(h) + drive.detach().numpy() if form == "current" else np.tanh(w @ h + drive.detach().numpy())
    h = (1 - a) * h + a * to
    np.testing.assert_allclose(found[0, 0].detach(), np.tanh(h) if form == "current" else h, rtol=1e-12)


def test_inputs_may_come_by_region_and_weights_from_outside():
    net, inputs = made(), torch.randn(BATCH, TIME, 5).double()
    whole = net(inputs)[0]
    assert torch.equal(net({"u1": inputs[..., 2:], "u0": inputs[..., :2]})[0], whole)
    recurrent, weights = net.effective_weights()
    assert torch.equal(net(inputs, W_rec=recurrent, W_inp=weights)[0], whole)
    assert not torch.equal(net(inputs, W_rec=recurrent.flip(1))[0], whole)


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_network_without_inputs_takes_its_time_from_steps_or_an_extra_input(batch_first):
    net = made(described(inputs=()), batch_first=batch_first)
    lead = (1, TIME) if batch_first else (TIME, 1)
    alone, state = net(steps=TIME)
    assert alone.shape == (*lead, 15) and state.shape == (1, 1, 15)
    assert net(None, state, steps=3)[1].shape == (1, 1, 15)
    assert torch.equal(net(None, None, torch.zeros(*lead, 15).double())[0], alone)
    assert torch.equal(net(None, None, torch.zeros(TIME, 15).double())[0], alone.reshape(TIME, 15))
    assert net(None, torch.zeros(BATCH, 15).double(), steps=2)[1].shape == (1, BATCH, 15)


# ---- fixed weights, and scales in their place


TYPED = {  # cell types, so that projections may be those of types
    "recurrent_regions": [
        {"name": "a", "num_units": 5, "base_firing": 0.1, "cell_types": {"exc": 0.6, "inh": 0.4}},
        {"name": "b", "num_units": 4, "base_firing": 0.2},
    ],
    "recurrent_connections": [
        {"src_region": "a", "src_region_cell_type": "exc", "dst_region": "a"},
        {"src_region": "a", "src_region_cell_type": "inh", "dst_region": "a", "sign": "inhib"},
        {"src_region": "a", "src_region_cell_type": "exc", "dst_region": "b", "sparsity": 0.5},
        {"src_region": "b", "dst_region": "a", "sparsity": 0.4},
    ],
    "input_regions": [{"name": "u", "num_units": 2}, {"name": "v", "num_units": 1}],
    "input_connections": [{"input": "u", "dst_region": "a"}, {"input": "v", "dst_region": "b"}],
}
FIXED = [  # names, and of W_rec (9, 9) and W_inp (9, 3) what they fix
    (["recurrent"], (slice(None), slice(None)), None),
    (["input"], None, (slice(None), slice(None))),
    (["a -> b"], (slice(5, 9), slice(0, 5)), None),
    (["a/inh -> a"], (slice(0, 5), slice(3, 5)), None),
    (["b -> a/exc", "u -> a"], (slice(0, 3), slice(5, 9)), (slice(0, 5), slice(0, 2))),
    (["recurrent", "input"], (slice(None), slice(None)), (slice(None), slice(None))),
]


def moved(net, steps=5, lr=0.05):
    """Effective weights before and after some steps of Adam with weight decay."""
    before = [values.detach().clone() for values in net.effective_weights()]
    torch.manual_seed(1)
    inputs, targets = torch.randn(3, TIME, net.input_size).double(), torch.randn(3, TIME, net.hidden_size).double()
    trained = list(net.parameters())
    optimizer = torch.optim.Adam(trained, lr=lr, weight_decay=0.1) if trained else None
    for _ in range(steps if trained else 0):
        optimizer.zero_grad()
        (net(inputs)[0] - targets).square().mean().backward()
        optimizer.step()
        net.project()
    return before, [values.detach() for values in net.effective_weights()]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("mode", DALE)
@pytest.mark.parametrize(("names", "recurrent", "inputs"), FIXED)
def test_what_is_fixed_is_no_parameter_and_does_not_move(names, recurrent, inputs, mode, sparse):
    net = made(TYPED, activation="tanh", dale=mode, dale_input=mode, fixed=names, sparse=sparse, seed=2)
    free = made(TYPED, activation="tanh", dale=mode, dale_input=mode, seed=2)
    before, after = moved(net)
    for old, new, other, unmoved in zip(before, after, free.effective_weights(), (recurrent, inputs), strict=True):
        assert_close(old, other.detach(), rtol=1e-12, atol=0, msg="what is fixed changes nothing at the start")
        mask = torch.zeros_like(old, dtype=torch.bool)
        if unmoved is not None:
            mask[unmoved] = True
        assert torch.equal(old[mask], new[mask])
        assert (old != new)[~mask & (old != 0)].all()
    trained = sum(values.numel() for values in net.parameters())
    edges = sum(int((values != 0).sum()) for values in before)
    if recurrent is not None and inputs is not None:
        mask = [torch.zeros_like(values, dtype=torch.bool) for values in before]
        mask[0][recurrent], mask[1][inputs] = True, True
        assert trained == edges - sum(int((m & (v != 0)).sum()) for m, v in zip(mask, before, strict=True))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("mode", DALE)
def test_the_gradient_of_weights_that_are_partly_fixed_is_that_of_all(mode, sparse):
    """Of the same weights in the network where none is fixed, by index."""
    settings = {"activation": "tanh", "dale": mode, "dale_input": mode, "seed": 2}
    net, free = (made(TYPED, fixed=names, sparse=listed, **settings)
                 for names, listed in ((["b -> a", "v -> b"], sparse), ((), False)))  # fmt: skip
    inputs, at = torch.randn(3, TIME, 3).double(), torch.randn(3, TIME, 9).double()
    for one in (net, free):
        (one(inputs)[0] * at).sum().backward()
    mask, fixed_input = free.recurrent.signs != 0, torch.zeros(9, 3, dtype=torch.bool)
    mask[0:5, 5:9], fixed_input[5:9, 2] = False, True
    assert_close(net.recurrent.values.grad, free.recurrent.values.grad[mask], rtol=1e-10, atol=1e-12)
    chosen = (free.input.signs != 0) & ~fixed_input
    assert_close(net.input.values.grad, free.input.values.grad[chosen], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("mode", DALE)
def test_a_scale_is_one_factor_for_a_pair_of_regions(mode, sparse):
    net = made(TYPED, activation="tanh", dale=mode, dale_input=mode, scales="block", sparse=sparse, seed=2)
    free = made(TYPED, activation="tanh", dale=mode, dale_input=mode, seed=2)
    assert net.recurrent.pair_names == ("a -> a", "b -> a", "a -> b") and net.input.pair_names == ("u -> a", "v -> b")
    assert {name for name, _ in net.named_parameters()} == {"recurrent.scales", "input.scales"}
    for one, other in zip(net.effective_weights(), free.effective_weights(), strict=True):
        assert_close(one, other, rtol=1e-12, atol=1e-12)
    before, after = moved(net)
    blocks = [(0, slice(0, 5), slice(0, 5)), (0, slice(0, 5), slice(5, 9)), (0, slice(5, 9), slice(0, 5)),
              (1, slice(0, 5), slice(0, 2)), (1, slice(5, 9), slice(2, 3))]  # fmt: skip
    for which, rows, columns in blocks:
        old, new = before[which][rows, columns], after[which][rows, columns]
        factors = (new / old)[old != 0]
        assert_close(factors, factors[:1].expand_as(factors), rtol=1e-12, atol=1e-12)
        assert abs(float(factors[0]) - 1) > 0.01 and (new[old == 0] == 0).all()
        assert mode == "off" or float(factors[0]) > 0


@pytest.mark.parametrize("sparse", slow_except([False, True], True))
@pytest.mark.parametrize("mode", DALE)
def test_the_gradient_of_a_scale_is_right(mode, sparse):
    net = made(TYPED, activation="tanh", dale=mode, dale_input=mode, scales="type", sparse=sparse, fixed=["b -> a"])
    assert net.recurrent.pair_names == ("a/exc -> a/exc", "a/inh -> a/exc", "a/exc -> a/inh", "a/inh -> a/inh",
                                        "a/exc -> b")  # fmt: skip
    leaves = [values.detach().clone().requires_grad_() for values in (net.recurrent.scales, net.input.scales)]
    inputs = torch.randn(2, 3, 3).double()

    def run(recurrent, weights):
        return torch.func.functional_call(net, {"recurrent.scales": recurrent, "input.scales": weights}, (inputs,))

    assert torch.autograd.gradcheck(run, leaves)
    before = net.effective_weights()[0].detach().clone()
    with torch.no_grad():
        net.recurrent.scales.fill_(1e9)
        net.project()
    after = net.effective_weights()[0].detach()
    assert torch.equal(after[0:5, 5:9], before[0:5, 5:9])
    others = after[before != 0] if mode == "off" else after.abs()[:, :5]
    assert others.abs().max() > 1e6 if mode == "off" else others.max() == 10.0, "bounds hold for what scales make"


@pytest.mark.parametrize("mode", CONSTRAINED)
def test_a_scale_keeps_the_sign_of_its_weights(mode):
    net = made(TYPED, dale=mode, scales="block")
    signs = torch.sign(net.effective_weights()[0]).detach()
    with torch.no_grad():
        net.recurrent.scales.mul_(-3)
    assert (net.effective_weights()[0] * signs >= 0).all()
    assert net.dead_weights() == ((3, 0) if mode == "relu" else (0, 0))
    net.project()
    if mode == "clamp":
        assert (net.recurrent.scales == 0).all()


@pytest.mark.parametrize("sparse", [False, True])
def test_a_checkpoint_holds_what_is_fixed_and_scaled(sparse):
    """Connections that overlap have as many edges as chance has them, so another seed has tensors of other sizes."""
    overlapping = copy.deepcopy(TYPED)
    overlapping["recurrent_connections"].append({"src_region": "a", "dst_region": "b", "sparsity": 0.5})
    inputs = torch.randn(2, TIME, 3).double()
    for settings in ({"fixed": ["a -> b"]}, {"fixed": ["recurrent"]}, {"scales": "block"}, {}):
        nets = [made(overlapping, activation="tanh", sparse=sparse, seed=seed, **settings) for seed in range(4)]
        assert len({len(net.recurrent.edge_list()[0]) for net in nets}) > 1
        for other in nets[1:]:
            other.load_state_dict(nets[0].state_dict())
            assert torch.equal(other(inputs)[0], nets[0](inputs)[0])
            moved(other, steps=1)
    for settings, text in (({"fixed": ["a -> b"]}, r"fixed: .*\['a -> b'\], got \[\]"),
                           ({"scales": "block"}, "scales: .* block, got None"),
                           ({"sparse": not sparse}, f"sparse: .* {not sparse}, got {sparse}")):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            made(overlapping, **{"sparse": sparse, "activation": "tanh"} | settings).load_state_dict(
                nets[0].state_dict()
            )


# ---- weights as a list of edges


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [1.0, 4.0, {"r0": 2.0, "r1": 3.0, "r2": 4.0}])
def test_a_list_of_edges_is_the_matrix(form, tau, dtype, tolerance):
    """Rates, states and all gradients, with noise and extra inputs."""
    config = described((40, 30, 30), sparsity=0.8)
    nets = [made(config, dtype, activation="tanh", form=form, dt=1, tau=tau, sparse=sparse, learnable_init=True)
            for sparse in (False, True)]  # fmt: skip
    assert nets[0].recurrent.values.shape == (100, 100) and nets[1].recurrent.values.shape == (2000,)
    inputs, extra = torch.randn(BATCH, TIME, 5).to(dtype), 0.1 * torch.randn(BATCH, TIME, 100).to(dtype)
    at = torch.randn(BATCH, TIME, 100).to(dtype)
    found = []
    for net in nets:
        given = [values.clone().requires_grad_() for values in (inputs, extra)]
        noise = torch.Generator().manual_seed(4)
        rates, last, states = net(given[0], None, given[1], noise=noise, return_states=True)
        ((rates + 2 * states) * at).sum().backward()
        mask = nets[0].recurrent.signs != 0
        weights_bar = net.recurrent.values.grad
        weights_bar = weights_bar if weights_bar.ndim == 1 else weights_bar[mask]
        # a gradient is a sum of many terms, each of the size of its largest
        found.append([rates, last, states, *(values.grad / values.grad.abs().max() for values in
                      (*given, net.input.values, net.bias, net.initial)), weights_bar / weights_bar.abs().max()])
    for one, other in zip(*found, strict=True):
        assert_close(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", slow_except(ACTIVATIONS, "tanh_stretched", "softplus"))
def test_the_gradients_of_a_list_are_right(form, activation):
    net = made(described((4, 3), inputs=(2,), sparsity=0.5), activation=activation, form=form, dt=1, tau=3, sparse=True)
    inputs, state = (torch.randn(shape).double().requires_grad_() for shape in ((2, 3, 2), (2, 7)))
    leaf = net.recurrent.values.detach().clone().requires_grad_()

    def run(inputs, state, values):
        return torch.func.functional_call(net, {"recurrent.values": values}, (inputs, state))

    assert torch.autograd.gradcheck(run, (inputs, state, leaf))


def test_scarce_edges_have_the_same_gradient_by_gathering():
    config = described((1000,), inputs=(2,), sparsity=0.999, signs=("pos",))
    nets = [made(config, activation="tanh", sparse=sparse, seed=1) for sparse in (False, True)]
    inputs = torch.randn(2, TIME, 2).double()
    for net in nets:
        net(inputs)[0].square().sum().backward()
    dense, listed = (net.recurrent.values.grad for net in nets)
    assert len(listed) == 1000
    assert_close(listed, dense[nets[0].recurrent.signs != 0], rtol=1e-9, atol=1e-14)


def test_edges_are_a_list_from_a_size_up_to_a_density():
    for units, sparsity, listed in ((999, 0.95, False), (1000, 0.95, True), (1000, 0.8, False)):
        net = made(described((units,), inputs=(1,), sparsity=sparsity, signs=("pos",)), torch.float32)
        assert (net.recurrent.edges is not None) == listed
    assert net.effective_weights()[0].shape == (1000, 1000)


@pytest.mark.slow
def test_a_network_of_more_units_than_a_matrix_holds():
    """25,000 units, each with 5 targets: 125,000 edges, no matrix anywhere."""
    config = described((25_000,), inputs=(1,), sparsity=0.9998, signs=("neg",))
    net = made(config, torch.float32, activation="tanh", dt=1, tau=2)
    assert net.recurrent.values.shape == (125_000,)
    rates, last = net(torch.ones(1, 3, 1))
    rates.square().sum().backward()
    assert net.recurrent.values.grad.count_nonzero() > 100_000
    made_of, state, weights = net.connectome(), net.initial.numpy().copy(), net.input().detach().numpy()[:, 0]
    for _ in range(3):
        across = np.bincount(made_of.post, made_of.weights * np.tanh(state)[made_of.pre], minlength=25_000)
        state = 0.5 * state + 0.5 * (across + weights + 0.1)
    np.testing.assert_allclose(last.detach().numpy()[0, 0], state, atol=1e-5)
    with pytest.raises(ValueError, match="expected at most 20000 units of a matrix, got 25000"):
        net.effective_weights()
    with pytest.raises(ValueError, match="expected at most 20000 units of dense weights, got"):
        made(config, sparse=False)
    with pytest.raises(ValueError, match=r"expected at most 20000\^2 edges, got about 6.25e\+08"):
        made(described((25_000,), inputs=(), signs=("pos",)))


@pytest.mark.parametrize("form", FORMS)
def test_the_system_and_the_connectome_of_a_list_are_those_of_the_matrix(form):
    dense, listed = (made(described((30, 30), inputs=(), sparsity=0.7), activation="tanh", form=form, sparse=sparse)
                     for sparse in (False, True))  # fmt: skip
    state = torch.randn(BATCH, 60).double()
    assert_close(listed.dynamics().step(state), dense.dynamics().step(state), rtol=0, atol=1e-12)
    one, other = dense.connectome(), listed.connectome()
    assert (one.post == other.post).all() and (one.pre == other.pre).all() and (one.weights == other.weights).all()
    assert_close(listed.effective_weights()[0], dense.effective_weights()[0])
    twice = copy.deepcopy(listed).float()
    assert twice(steps=3)[0].dtype == torch.float32
    given = torch.zeros(60, 60).double()
    assert_close(listed(steps=3, W_rec=given)[0], dense(steps=3, W_rec=given)[0])


# ---- what a module must be able to


@pytest.mark.parametrize("sparsity", [0.0, 0.4])
def test_a_checkpoint_is_the_network_whatever_the_seed_it_is_loaded_under(tmp_path, sparsity):
    settings = {"activation": "tanh", "tau": {"r0": 20, "r1": 50, "r2": 100}, "learnable_init": True}
    one, other = (made(described(sparsity=sparsity), seed=seed, **settings) for seed in (1, 2))
    with torch.no_grad():
        one.bias.add_(torch.randn(15))
    inputs = torch.randn(BATCH, TIME, 5).double()
    assert not torch.equal(one(inputs)[0], other(inputs)[0])
    torch.save(one.state_dict(), tmp_path / "net.pt")
    other.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    for found, wanted in zip(other(inputs, return_states=True), one(inputs, return_states=True), strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"form": "rate"}, "form: expected a checkpoint of a network with rate, got current"),
        ({"activation": "tanh"}, "activation: expected a checkpoint of a network with tanh, got relu"),
        ({"dt": 20}, "a: expected a checkpoint of a network with "),
        ({"dale": "off"}, "dale: expected a checkpoint of a network with off, got abs"),
        ({"bounds": (0, 5)}, "bounds: "),
        ({"config": described((6, 4, 5))}, "regions: "),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(settings, text):
    with pytest.raises(ValueError) as caught:
        made(**settings).load_state_dict(made().state_dict())
    assert str(caught.value).startswith(text)


def test_the_type_of_the_numbers_is_kept():
    net, inputs = made(dtype=None), torch.randn(BATCH, TIME, 5)
    assert [values.dtype for values in net(inputs, noise=True)] == [torch.float32] * 2
    twice = copy.deepcopy(net).double()
    assert [values.dtype for values in twice(inputs.double(), noise=True)] == [torch.float64] * 2
    assert_close(twice(inputs.double())[0].float(), net(inputs)[0])
    assert torch.equal(pickle.loads(pickle.dumps(net))(inputs)[0], net(inputs)[0])
    assert made(device="meta").recurrent.values.device.type == "meta"
    for sparse in (False, True):
        moved = made(sparse=sparse, tau={"r0": 20, "r1": 50, "r2": 100}, fixed=["r0 -> r1"]).to("meta")
        assert {values.device.type for values in (*moved.parameters(), *moved.buffers())} == {"meta"}


def test_it_trains_within_another_module():
    torch.manual_seed(0)
    net = randomnet.MultiRegionRNN(described(), activation="tanh", tau=20, noise_state=0.0, noise_input=0.0)
    readout = torch.nn.Linear(15, 1)
    both = torch.nn.ModuleList([net, readout])
    inputs = torch.randn(16, TIME, 5)
    targets = inputs[..., :1].cumsum(1) / 3
    optimizer, losses = torch.optim.Adam(both.parameters(), lr=0.01), []
    for _ in range(60):
        loss = (readout(net(inputs)[0]) - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_connectome_with_regions_gives_its_weights():
    rng = np.random.default_rng(0)
    matrix = rng.random((6, 6)) * np.array([1, 1, -1, 1, -1, 1]) * (rng.random((6, 6)) < 0.7)
    network = from_dense("net", matrix, np.array(list("uvwxyz")), labels={"region": np.array(list("abbaca"))})
    net = made(network, input_size=2, tau={"a": 20, "b": 50, "c": 100})
    assert_close(net.effective_weights()[0].detach().numpy(), matrix)
    assert net.leaks.tolist() == [0.5, 0.2, 0.2, 0.5, 0.1, 0.5] and net(torch.zeros(3, 2).double())[0].shape == (3, 6)
    again = net.connectome()
    assert_close(again.dense(), matrix)
    assert again.labels is network.labels and (again.initial == 0).all()
    assert (made(network).input_size, made(network)(steps=2)[0].shape) == (0, (1, 2, 6))
    partly = made(network, input_size=2, fixed=["a -> b", "input -> c"], dale="off")
    a, b, c = (network.labels["region"] == name for name in "abc")
    edges = (matrix != 0).sum() - (matrix[np.ix_(b, a)] != 0).sum()
    assert partly.recurrent.values.shape == (edges,) and partly.input.values.shape == (2 * (6 - c.sum()),)
    scaled = made(network, input_size=2, scales="block", dale="off")
    names = [f"{one} -> {other}" for other in "abc" for one in "abc"]
    members = {"a": a, "b": b, "c": c}
    kept = [name for name in names if matrix[np.ix_(members[name[-1]], members[name[0]])].any()]
    assert list(scaled.recurrent.pair_names) == kept
    with torch.no_grad():
        scaled.recurrent.scales[kept.index("a -> b")] = -2
    factors = np.where(np.outer(b, a), -2, 1)
    assert_close(scaled.effective_weights()[0].detach().numpy(), matrix * factors)


def test_a_path_and_a_record_describe_as_a_dict_does(tmp_path):
    (tmp_path / "net.json").write_text(json.dumps(described()))
    expected = made().effective_weights()
    for config in (str(tmp_path / "net.json"), tmp_path / "net.json", from_dict(described())):
        for one, other in zip(made(config).effective_weights(), expected, strict=True):
            assert torch.equal(one, other)


# ---- errors


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"activation": "tahn"}, "activation must be one of tanh, .*, got 'tahn'"),
        ({"form": "elman"}, "form must be one of current, rate, got 'elman'"),
        ({"dale": "hardtanh"}, "dale must be one of abs, relu, softplus, clamp, off, got 'hardtanh'"),
        ({"dale_input": True}, "dale_input must be one of abs, relu, softplus, clamp, off, got True"),
        ({"bounds": (1, 0.5)}, r"bounds must be two numbers 0 <= low < high, got \(1, 0.5\)"),
        ({"bounds": (-1, 0.5)}, "bounds must be two numbers"),
        ({"dt": 0}, "dt must be a finite number above 0, got 0"),
        ({"tau": -1}, "tau must be a finite number above 0, got -1"),
        ({"tau": {"r0": 1, "r1": 2}}, "tau: expected one for each of r0, r1, r2, got r0, r1"),
        ({"tau": {"r0": 1, "r1": 2, "r2": 3, "r3": 4}}, "tau: expected one for each of r0, r1, r2, got r0, r1, r2, r3"),
        ({"noise_state": -1}, "noise_state must be a finite number of at least 0, got -1"),
        ({"spectral_radius": 0}, "spectral_radius must be a finite number above 0, got 0"),
        ({"spectral_radius": 90}, r"bounds: expected weights within 0..10, got .* at spectral_radius 90"),
        ({"initialisation": "normal"}, "initialisation must be one of uniform, xavier, balanced, got 'normal'"),
        ({"input_size": 3}, "input_size: expected none, as the description has the input regions, got 3"),
        ({"activation": ["tanh"]}, r"activation must be one of tanh, .*, got \['tanh'\]"),
        ({"activation": None}, "activation must be one of tanh, .*, got None"),
        ({"initialisation": 3}, "initialisation must be one of uniform, xavier, balanced, got 3"),
        ({"noise_state": "much"}, "noise_state must be a finite number of at least 0, got 'much'"),
        ({"noise_input": None}, "noise_input must be a finite number of at least 0, got None"),
        ({"noise_input": float("nan")}, "noise_input must be a finite number of at least 0, got nan"),
        ({"bounds": 3}, "bounds must be two numbers 0 <= low < high, got 3"),
        ({"bounds": ("0", "1")}, r"bounds must be two numbers 0 <= low < high, got \('0', '1'\)"),
        ({"bounds": "01"}, "bounds must be two numbers 0 <= low < high, got '01'"),
        ({"dt": "10"}, "dt must be a finite number above 0, got '10'"),
        ({"dt": True}, "dt must be a finite number above 0, got True"),
        ({"tau": "100"}, "tau must be a finite number above 0, got '100'"),
        ({"tau": [1, 2, 3]}, r"tau must be a finite number above 0, got \[1, 2, 3\]"),
        ({"tau": {"r0": 1, "r1": "x", "r2": 2}}, "tau must be a finite number above 0, got 'x'"),
        ({"spectral_radius": "1"}, "spectral_radius must be a finite number above 0, got '1'"),
        ({"batch_first": "yes"}, "batch_first must be True or False, got 'yes'"),
        ({"learnable_init": 1}, "learnable_init must be True or False, got 1"),
        ({"input_size": "3"}, "input_size must be a whole number of at least 0, got '3'"),
        ({"input_size": 1.5}, "input_size must be a whole number of at least 0, got 1.5"),
        ({"seed": "a"}, "seed must be a whole number of at least 0, got 'a'"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"device": "gpu"}, "device: expected one of torch's, got 'gpu'"),
        ({"device": 1.5}, "device: expected one of torch's, got 1.5"),
        ({"dtype": "float64"}, "dtype must be one of torch.float32, torch.float64 or None, got 'float64'"),
        ({"dtype": torch.int64}, "dtype must be one of torch.float32, torch.float64 or None, got torch.int64"),
        ({"fixed": 3}, "fixed must be a list of texts, got 3"),
        ({"fixed": "recurrent"}, "fixed must be a list of texts, got 'recurrent'"),
        ({"fixed": [3]}, r"fixed must be a list of texts, got \[3\]"),
        ({"fixed": ["r0 -> r7"]}, "fixed: expected recurrent, input or a projection, one of r0 -> r0, r1 -> r0, .*, "
         "got 'r0 -> r7'; did you mean"),
        ({"fixed": ["inputs"]}, "fixed: expected recurrent, input or a projection, .*, got 'inputs'"),
        ({"scales": "blocks"}, "scales must be one of None, block, type, got 'blocks'; did you mean 'block'?"),
        ({"scales": True}, "scales must be one of None, block, type, got True"),
        ({"sparse": "yes"}, "sparse must be True or False, got 'yes'"),
        ({"config": 3}, "config: expected a path, a dict, a Description or a Connectome, got a int"),
        ({"config": from_dense("net", np.eye(3), np.array(list("xyz")))}, "net: expected labels 'region', got none"),
        ({"config": from_dense("net", np.eye(3), np.array(list("xyz")), labels={"region": np.array(["a"] * 3)}),
          "initialisation": "xavier"}, "initialisation: a connectome has its own weights, got 'xavier'"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        made(**settings)


def test_a_radius_of_a_network_without_cycles_is_refused():
    config = described((3, 2), inputs=())
    config["recurrent_connections"] = config["recurrent_connections"][1:2]
    with pytest.raises(ValueError, match=r"spectral radius 0 \(no cycles\)"):
        made(config, spectral_radius=1.0)


def test_steps_that_overshoot_warn():
    with pytest.warns(UserWarning, match="a = dt / tau is 2, above 1"):
        made(dt=20, tau=10)


def zeros(*shape):
    return torch.zeros(*shape, dtype=torch.float64)


@pytest.mark.parametrize(
    ("given", "options", "text"),
    [
        ([zeros(4, 9, 6)], {}, r"input: expected a tensor of shape \(B, T, 5\) or \(T, 5\), got \(4, 9, 6\)"),
        ([zeros(5)], {}, r"input: expected .*, got \(5\)"),
        ([None], {}, r"input: expected a tensor of shape \(B, T, 5\) or \(T, 5\), got a NoneType"),
        ([zeros(4, 0, 5)], {}, "input: expected at least one step, got 0"),
        ([zeros(4, 9, 5).float()], {}, "input: expected torch.float64, as the network has, got torch.float32"),
        ([{"u0": zeros(4, 9, 2)}], {}, "input: expected the input regions u0, u1, got u0"),
        ([{"u0": zeros(4, 9, 2), "u1": zeros(4, 9, 4)}], {},
         r"input\['u1'\]: expected a tensor of shape \(4, 9, 3\), got \(4, 9, 4\)"),
        ([{"u0": zeros(4, 9, 2), "u1": zeros(4, 8, 3)}], {}, r"input\['u1'\]: .* \(4, 9, 3\), got \(4, 8, 3\)"),
        ([zeros(4, 9, 5), zeros(3, 15)], {},
         r"hx: expected a tensor of shape \(4, 15\) or \(1, 4, 15\) or \(15\), got \(3, 15\)"),
        ([zeros(4, 9, 5), zeros(2, 4, 15)], {}, r"hx: expected .*, got \(2, 4, 15\)"),
        ([zeros(4, 9, 5), None, zeros(4, 10, 15)], {},
         r"extra\[0\]: expected a tensor of shape \(4, 9, 15\), got \(4, 10, 15\)"),
        ([zeros(4, 9, 5), None, zeros(4, 9, 15), zeros(9, 15)], {}, r"extra\[1\]: .* \(4, 9, 15\), got \(9, 15\)"),
        ([zeros(4, 9, 5)], {"W_rec": zeros(15, 14)}, r"W_rec: .* \(15, 15\), got \(15, 14\)"),
        ([zeros(4, 9, 5)], {"W_inp": zeros(5, 15)}, r"W_inp: .* \(15, 5\), got \(5, 15\)"),
        ([zeros(4, 9, 5)], {"steps": "9"}, "steps must be a whole number of at least 1, got '9'"),
        ([zeros(4, 9, 5)], {"noise": "on"}, "noise must be None, True, False or a torch.Generator, got 'on'"),
        ([zeros(4, 9, 5), "h"], {}, r"hx: expected a tensor of shape .*, got a str"),
        ([zeros(4, 9, 5), None, "x"], {}, r"extra\[0\]: expected a tensor of shape .*, got a str"),
        ([zeros(4, 9, 5)], {"W_rec": "w"}, r"W_rec: expected a tensor of shape .*, got a str"),
        (["x"], {}, "input: expected a tensor of shape .*, got a str"),
        ([zeros(4, 9, 5)], {"steps": 8}, "steps: expected 9, the steps of the input, got 8"),
    ],
)  # fmt: skip
def test_wrong_inputs_are_refused(given, options, text):
    with pytest.raises(ValueError, match=text):
        made()(*given, **options)


def test_inputs_of_a_network_without_inputs_are_refused():
    net = made(described(inputs=()))
    with pytest.raises(ValueError, match=r"steps must be a whole number of at least 1, got 2\.5"):
        net(steps=2.5)
    with pytest.raises(ValueError, match="expected an extra input or steps, as there are no input regions"):
        net()
    with pytest.raises(ValueError, match=r"expected None, as there are no input regions, got \(4, 9, 5\)"):
        net(zeros(4, 9, 5))
    with pytest.raises(ValueError, match=r"extra\[0\]: expected a tensor of shape \(B, T, 15\) or \(T, 15\)"):
        net(None, None, zeros(4, 9, 5))


def test_an_input_of_width_0_is_the_input_of_a_network_without_input_regions():
    net = made(described(inputs=())).eval()
    rates, _ = net(zeros(4, 9, net.input_size))
    assert net.input_size == 0 and rates.shape[:2] == (4, 9)
    torch.testing.assert_close(rates[:1], net(steps=9)[0])
    with pytest.raises(ValueError, match=r"input: expected a tensor of shape \(B, T, 0\) or \(T, 0\), got \(0\)"):
        net(zeros(0))
