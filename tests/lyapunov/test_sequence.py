"""Networks driven by inputs: an Elman network at dt = 1, and autograd through plain steps everywhere."""

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, exponents, random_frame, spectrum
from randomnet.rnn import FORMS, INTERFACE, Network, run_trials, stack_networks
from randomnet.synthetic import random_network

N, CHANNELS, OUTPUTS, BATCH, TIME = 30, 2, 3, 5, 7


def network(activation, form, dt, dtype=torch.float64):
    rng = np.random.default_rng(0)
    connectome = random_network(N, 1.2, rng)
    shapes = [(N, CHANNELS), (N,), (N,), (OUTPUTS, N), (OUTPUTS,)]
    interface = {name: 0.3 * rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    trainable = {"weights": np.arange(N * (N - 1)), "gains": np.arange(N), "shifts": np.arange(N)}
    trained = Network(
        connectome, activation=activation, form=form, dt=dt, trainable=trainable, interface=interface, dtype=dtype
    )
    with torch.no_grad():
        trained.gains.free.add_(0.2 * torch.from_numpy(rng.standard_normal(N)))
        trained.shifts.free.add_(0.2 * torch.from_numpy(rng.standard_normal(N)))
    return trained


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_at_dt_1_it_is_an_elman_network(form, nonlinearity):
    torch.manual_seed(0)
    ours = network(nonlinearity, form, 1.0, torch.float32)
    ours.gains.free.data.fill_(1)
    ours.shifts.free.data.fill_(0)
    theirs = torch.nn.RNN(CHANNELS, N, nonlinearity=nonlinearity)
    own = {
        "weight_ih_l0": ours.interface["input_weights"],
        "weight_hh_l0": ours.matrix(),
        "bias_ih_l0": ours.interface["input_bias"],
        "bias_hh_l0": ours.interface["recurrent_bias"],
    }
    theirs.load_state_dict({name: values.detach() for name, values in own.items()})
    inputs = torch.randn(TIME, BATCH, CHANNELS)
    rates, expected = ours.run(inputs)[0], theirs(inputs)[0]
    assert torch.allclose(rates, expected, rtol=1e-6, atol=1e-6)
    weights = torch.randn_like(rates)
    (rates * weights).sum().backward()
    (expected * weights).sum().backward()
    post, pre = ours.edges // N, ours.edges % N
    for found, wanted in [
        (ours.weights.free.grad * ours.weights.signs, theirs.weight_hh_l0.grad[post, pre]),
        (ours.interface["input_weights"].grad, theirs.weight_ih_l0.grad),
        (ours.interface["recurrent_bias"].grad, theirs.bias_hh_l0.grad),
        (ours.interface["input_bias"].grad, theirs.bias_ih_l0.grad),
    ]:
        assert float((found - wanted).abs().max()) < 1e-6 * float(wanted.abs().max()) * 10


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dt", [1.0, 0.3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_states_and_gradients_are_those_of_plain_steps(activation, form, dt):
    torch.manual_seed(1)
    trained = network(activation, form, dt)
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64, requires_grad=True)
    initial = torch.randn(BATCH, N, dtype=torch.float64, requires_grad=True)
    rates = trained.run(inputs, initial)[0]
    weights = torch.randn_like(rates)
    leaves = [inputs, initial, *(p for p in trained.parameters() if p.shape[0] != OUTPUTS)]
    found = torch.autograd.grad((rates * weights).sum(), leaves, allow_unused=True, materialize_grads=True)

    matrix, gains, shifts = trained.matrix(), trained.gains(), trained.shifts()
    phi = lambda x: trained.activation(x, gains, shifts)[0]  # noqa: E731
    drive = inputs @ trained.interface["input_weights"].mT
    drive = drive + trained.interface["input_bias"] + trained.interface["recurrent_bias"]
    state, path = initial, []
    for now in drive:
        step = phi(state) @ matrix.mT + now if form == "current" else phi(state @ matrix.mT + now)
        state = (1 - dt) * state + dt * step
        path.append(state)
    expected = torch.stack(path) if form == "rate" else phi(torch.stack(path))
    assert torch.allclose(rates, expected, rtol=1e-12, atol=1e-12)
    wanted = torch.autograd.grad((expected * weights).sum(), leaves, allow_unused=True, materialize_grads=True)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["tanh", "tanh_positive"])
@pytest.mark.parametrize("dt", [1.0, 0.3, None])
@pytest.mark.parametrize("last", [1, 3, TIME])
def test_extra_drives_leaks_per_unit_and_last_states_are_those_of_plain_steps(activation, form, dt, last):
    torch.manual_seed(6)
    trained = network(activation, form, dt or 1.0)
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64, requires_grad=True)
    extra = torch.randn(TIME, BATCH, N, dtype=torch.float64, requires_grad=True)
    initial = torch.randn(BATCH, N, dtype=torch.float64, requires_grad=True)
    leaks = torch.linspace(0.1, 1.0, N, dtype=torch.float64) if dt is None else None
    rates, _, states = run_trials(
        trained.dynamics(), trained.interface, inputs, initial, extra=extra, leaks=leaks, last=last
    )
    matrix, gains, shifts, a = trained.matrix(), trained.gains(), trained.shifts(), dt if leaks is None else leaks
    phi = lambda x: trained.activation(x, gains, shifts)[0]  # noqa: E731
    drive = inputs @ trained.interface["input_weights"].mT + extra
    state, path = initial, []
    for now in drive + trained.interface["input_bias"] + trained.interface["recurrent_bias"]:
        step = phi(state) @ matrix.mT + now if form == "current" else phi(state @ matrix.mT + now)
        state = (1 - a) * state + a * step
        path.append(state)
    path = torch.stack(path)
    expected = path if form == "rate" else phi(path)
    torch.testing.assert_close(states, path[-last:], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(rates, expected, rtol=1e-12, atol=1e-12)
    leaves = [inputs, extra, initial, *(p for p in trained.parameters() if p.shape[0] != OUTPUTS)]
    at_states, at_rates = torch.randn_like(states), torch.randn_like(rates)
    for of_states, of_rates in ((1, 1), (1, 0), (0, 1)):
        found = of_states * (states * at_states).sum() + of_rates * (rates * at_rates).sum()
        wanted = of_states * (path[-last:] * at_states).sum() + of_rates * (expected * at_rates).sum()
        settings = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        gradients = [torch.autograd.grad(one, leaves, **settings) for one in (found, wanted)]
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_extra_drives_and_last_states_of_networks_beside_each_other_are_those_of_each(form):
    torch.manual_seed(7)
    networks = [network("tanh_positive", form, 0.3) for _ in range(2)]
    with torch.no_grad():
        networks[1].weights.free.mul_(0.5)
    inputs, extra = (torch.randn(2, TIME, BATCH, size, dtype=torch.float64) for size in (CHANNELS, N))
    leaks = torch.rand(2, N, dtype=torch.float64)
    together = run_trials(*stack_networks(networks), inputs, extra=extra, leaks=leaks, last=2)
    for index, one in enumerate(networks):
        alone = run_trials(one.dynamics(), one.interface, inputs[index], extra=extra[index], leaks=leaks[index], last=2)
        for found, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(found[index], wanted)


@pytest.mark.parametrize("dt", [1.0, 0.3])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["tanh_stretched", "tanh_positive"])
@pytest.mark.parametrize("trainable", [{}, {"gains": np.arange(N), "shifts": np.arange(N)}])
def test_gradients_through_the_readout_alone_and_together_with_the_rates(form, dt, activation, trainable):
    """From state 0, with gains and shifts at 1 and 0 or trained: autograd through plain steps."""
    full, phi = network(activation, form, dt), ACTIVATIONS[activation].phi
    trained = Network(
        random_network(N, 1.2, np.random.default_rng(0)),
        activation=activation,
        form=form,
        dt=dt,
        trainable={"weights": np.arange(N * (N - 1)), **trainable},
        interface={name: values.detach().numpy() for name, values in full.interface.items()},
        dtype=torch.float64,
    )
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64)
    for both in (False, True):
        rates, outputs = trained.run(inputs)
        found = (outputs**3).sum() + (rates**2).sum() * both
        matrix, gains, shifts, own = trained.matrix(), trained.gains(), trained.shifts(), trained.interface
        state, path = torch.zeros(BATCH, N, dtype=torch.float64), []
        for now in inputs @ own["input_weights"].mT + own["input_bias"] + own["recurrent_bias"]:
            if form == "current":
                step = phi(gains * (state - shifts)) @ matrix.mT + now
            else:
                step = phi(gains * (state @ matrix.mT + now - shifts))
            state = (1 - dt) * state + dt * step
            path.append(phi(gains * (state - shifts)) if form == "current" else state)
        path = torch.stack(path)
        wanted = ((path @ own["readout_weights"].mT + own["readout_bias"]) ** 3).sum() + (path**2).sum() * both
        torch.testing.assert_close(found, wanted)
        leaves = list(trained.parameters())
        pairs = zip(torch.autograd.grad(found, leaves), torch.autograd.grad(wanted, leaves), strict=True)
        for one, other in pairs:
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


def test_gains_taken_over_act_though_they_are_fixed():
    moved = network("tanh_stretched", "rate", 1.0)
    fixed = Network(
        random_network(N, 1.2, np.random.default_rng(0)),
        activation="tanh_stretched",
        form="rate",
        dt=1.0,
        interface={name: values.detach().numpy() for name, values in moved.interface.items()},
    )
    fixed.assign(moved.values())
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64)
    torch.testing.assert_close(fixed.run(inputs)[0], moved.run(inputs)[0])
    assert not torch.allclose(network("tanh", "rate", 1.0).run(inputs)[0], moved.run(inputs)[0], atol=1e-2)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_the_drive_of_a_connectome_is_one_bias_more(form):
    plain = network("tanh", form, 0.5)
    receiving = network("tanh", form, 0.5)
    constant = torch.linspace(-1, 1, N, dtype=torch.float64)
    receiving.drive = constant.clone()
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64)
    bare = receiving.run(inputs)[0]
    assert not torch.allclose(bare, plain.run(inputs)[0], atol=1e-2)
    with torch.no_grad():
        plain.interface["recurrent_bias"] += constant
    torch.testing.assert_close(bare, plain.run(inputs)[0])
    torch.testing.assert_close(
        receiving.elman_state_dict()["rnn.bias_hh_l0"], plain.interface["recurrent_bias"].detach()
    )
    bundle = torch.randn(4, N, dtype=torch.float64)
    for system, other in (
        (receiving.driven_by_trials(inputs), plain.driven_by_trials(inputs)),
        (receiving.autonomous(), plain.autonomous()),
    ):
        torch.testing.assert_close(system.advance(bundle, 5), other.advance(bundle, 5))


def test_the_readout_is_linear_and_batch_first():
    trained = network("tanh", "rate", 1.0)
    inputs = torch.randn(BATCH, TIME, CHANNELS, dtype=torch.float64)
    rates = trained.run(inputs.transpose(0, 1))[0].transpose(0, 1)
    expected = rates @ trained.interface["readout_weights"].mT + trained.interface["readout_bias"]
    assert torch.allclose(trained(inputs), expected)


def test_wrong_inputs_are_refused():
    trained = network("tanh", "rate", 1.0)
    with pytest.raises(ValueError, match=r"\(time, batch, 2\), got \(7, 5, 3\)"):
        trained.run(torch.zeros(7, 5, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="expected a network with input weights"):
        Network(random_network(5, 1.0, np.random.default_rng(0))).run(torch.zeros(1, 1, 1))
    with pytest.raises(ValueError, match="interface must have input_weights"):
        Network(random_network(5, 1.0, np.random.default_rng(0)), interface={"input_weights": np.zeros((5, 2))})


def test_values_and_assign_carry_the_interface():
    one, other = network("tanh", "rate", 1.0), network("tanh", "rate", 1.0)
    with torch.no_grad():
        for values in one.interface.values():
            values.add_(1)
    other.assign(one.values())
    for name, values in one.values().items():
        assert torch.equal(other.values()[name], values)


@pytest.mark.parametrize("form", FORMS)
def test_exponents_along_trials_are_those_of_the_products_along_them(form):
    """By hand: the Jacobians along each trial from state 0, the frame carried from trial to trial."""
    torch.manual_seed(2)
    trained, k, rounds = network("tanh_stretched", form, 0.7), 4, 3
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64)
    frame = torch.from_numpy(random_frame(np.random.default_rng(3), k, N))
    schedule = Schedule(tsim=rounds * BATCH * TIME * 0.7, tons=2.1, transient=0, frame_transient=0)
    with torch.no_grad():
        found = spectrum(
            trained.driven_by_trials(inputs), torch.zeros(N, dtype=torch.float64), frame, schedule
        ).exponents
        system = trained.dynamics()
        drive = inputs @ trained.interface["input_weights"].mT
        drive = drive + trained.interface["input_bias"] + trained.interface["recurrent_bias"]
        total = torch.zeros(k, dtype=torch.float64)
        rows = frame
        for trial in [*range(BATCH)] * rounds:
            state = torch.zeros(N, dtype=torch.float64)
            for now in drive[:, trial]:
                step = lambda x, now=now: stepped(system, x, now)  # noqa: E731
                jacobian = torch.func.jacrev(step)(state)
                q, r = torch.linalg.qr(jacobian @ rows.mT)
                rows, state = q.mT, step(state)
                total += r.diagonal().abs().log()
    expected = torch.sort(total / (rounds * BATCH * TIME * 0.7), descending=True).values
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-9, atol=1e-10)


def stepped(system, state, drive):
    rates = lambda x: system.activation(x, system.gains, system.shifts)[0]  # noqa: E731
    step = rates(state) @ system.coupling.values.mT + drive
    if system.form == "rate":
        step = rates(state @ system.coupling.values.mT + drive)
    return (1 - system.dt) * state + system.dt * step


@pytest.mark.parametrize("form", FORMS)
def test_their_gradient_is_that_of_finite_differences(form):
    torch.manual_seed(4)
    trained = network("tanh_stretched", form, 1.0)
    inputs = torch.randn(TIME, BATCH, CHANNELS, dtype=torch.float64)
    frame = torch.from_numpy(random_frame(np.random.default_rng(5), 3, N))
    schedule = Schedule(tsim=20, tons=2, transient=3, frame_transient=4)

    def loss():
        return (
            exponents(trained.driven_by_trials(inputs), torch.zeros(N, dtype=torch.float64), frame, schedule)
            .square()
            .sum()
        )

    loss().backward()
    step = 1e-5
    for name, values in trained.named_parameters():
        if "readout" in name:
            continue
        flat, gradient = values.data.view(-1), values.grad.view(-1)
        for index in (0, len(flat) // 2):
            with torch.no_grad():
                start = float(flat[index])
                flat[index] = start + step
                high = float(loss())
                flat[index] = start - step
                low = float(loss())
                flat[index] = start
            assert float(gradient[index]) == pytest.approx((high - low) / (2 * step), rel=1e-5, abs=1e-8), name
