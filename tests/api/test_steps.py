"""Spectra of steps, modules and networks from Python: closed forms, dense Jacobians, and steps that are refused."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from randomnet import spectrum
from randomnet.lyapunov import random_frame
from randomnet.multiregion import MultiRegionRNN
from randomnet.rnn import Network
from randomnet.synthetic import random_network
from randomnet.systems import FromSteps, of_flow, of_recurrent, of_step
from tests.support.marks import slow_except
from tests.support.regions import described, made

SELF_EXCITED = {
    "recurrent_regions": [{"name": "cortex", "num_units": 12}],
    "recurrent_connections": [{"src_region": "cortex", "dst_region": "cortex"}],
    "input_regions": [{"name": "cue", "num_units": 2}],
    "input_connections": [{"src_region": "cue", "dst_region": "cortex"}],
}
SHORT = {"tsim": 20.0, "transient": 5.0, "frame_transient": 5.0}
BRIEF = {"tsim": 6.0, "transient": 2.0, "frame_transient": 2.0}  # for systems with ten steps a unit of time


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense_exponents(step, state, k=None, dt=1.0, tsim=20.0, transient=5.0, frame_transient=5.0):
    """By Jacobians of step(state (N,), index) as matrices, and numpy's QR in every step."""
    n, index = len(state), 0
    frame = random_frame(np.random.default_rng(0), k or n, n)
    for _ in range(round(transient / dt)):
        state, index = step(state, index).detach(), index + 1
    logs = []
    for _ in range(round((frame_transient + tsim) / dt)):
        jacobian = torch.autograd.functional.jacobian(lambda h, index=index: step(h, index), state)
        state, index = step(state, index).detach(), index + 1
        q, r = np.linalg.qr(jacobian.numpy() @ frame.T)
        frame = q.T
        with np.errstate(divide="ignore"):  # a direction may die
            logs.append(np.log(np.abs(np.diag(r))))
    record = np.array(logs[round(frame_transient / dt) :])
    return np.sort(record.sum(0))[::-1] / tsim, state.numpy()


def agree(found, expected, atol=1e-7):
    exponents, state = expected
    np.testing.assert_allclose(found.state, state, atol=atol)
    np.testing.assert_allclose(found.exponents, exponents, atol=atol)


# ---- one evaluation per step, on a copy


def logistic(r, in_place):
    def step(x):
        if not in_place:
            return x * (r * (1 - x))
        x *= r * (1 - x)
        return x

    return step


@pytest.mark.parametrize(("r", "exact", "tsim", "atol"), [
    (2.4, math.log(0.4), 100, 1e-9), (1.6, math.log(0.4), 100, 1e-9),
    pytest.param(4.0, math.log(2), 1000, 0.01, marks=pytest.mark.slow),
])  # fmt: skip
def test_a_logistic_map_in_place_has_its_exponent(r, exact, tsim, atol):
    """At r < 3 ln |2 - r|, that of the fixed point 1 - 1/r; at r = 4 ln 2. In place is the same to the last bit."""
    start = torch.tensor([0.3], dtype=torch.float64)
    found, plain = (spectrum(logistic(r, in_place), start, transient=100, tsim=tsim) for in_place in (True, False))
    np.testing.assert_allclose(found.exponents, exact, atol=atol)
    assert start[0] == 0.3 and found.exponents == plain.exponents


def test_a_step_is_called_once_per_step():
    calls = []

    def step(state):
        calls.append(1)
        return torch.tanh(1.1 * state)

    system, bundle = of_step(step), torch.cat([torch.ones(1, 3), torch.eye(3)]).double()
    after = system.advance(bundle, 7)
    assert len(calls) == 7
    slopes = bundle[1:]
    state = bundle[0]
    for _ in range(7):
        slopes, state = slopes * 1.1 / torch.cosh(1.1 * state) ** 2, torch.tanh(1.1 * state)
    torch.testing.assert_close(after, torch.cat([state[None], slopes]))


# ---- time


@pytest.mark.slow
def test_a_driven_oscillator_has_half_its_damping_and_its_known_response():
    """x'' + 2 d x' + w^2 x = cos t; the eigenvalues of a Runge-Kutta step are its polynomial of those of the flow."""
    d, w, dt = 0.4, 2.0, 0.1

    def field(state, t):
        x, v = state
        return torch.stack([v, math.cos(t) - 2 * d * v - w**2 * x])

    found = spectrum(of_flow(field, dt), [0.0, 0.0], tsim=15.0)
    z = dt * complex(-d, math.sqrt(w**2 - d**2))
    exact = math.log(abs(1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24)) / dt
    np.testing.assert_allclose(exact, -d, atol=1e-4)
    np.testing.assert_allclose(found.exponents.sum(), 2 * exact, atol=1e-9)
    np.testing.assert_allclose(found.exponents, exact, atol=math.log(4 * w) / 15)  # the frame turns within an ellipse
    end = np.exp(1j * 35.0) / (w**2 - 1 + 2j * d)  # 20 of the transients and 15 of the record
    np.testing.assert_allclose(found.state, [end.real, -end.imag], atol=1e-4)


@pytest.mark.parametrize("make", [lambda t: (lambda s, t: s / 2 + t), lambda t: (lambda s, time=0.0: s / 2 + time)])
def test_the_time_is_that_at_which_a_step_begins(make):
    found = spectrum(make(None), [1.0, 0.0], dt=0.5, tsim=2.0, transient=0, frame_transient=0)
    state = np.array([1.0, 0.0])
    for t in (0.0, 0.5, 1.0, 1.5):
        state = state / 2 + t
    np.testing.assert_array_equal(found.state, state)
    np.testing.assert_allclose(found.exponents, math.log(0.5) / 0.5)


def test_an_optional_argument_of_another_name_is_no_time():
    found = spectrum(lambda h, gain=0.5: gain * h, [1.0], tsim=10)
    np.testing.assert_allclose(found.exponents, math.log(0.5))


# ---- steps that are refused


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, state):
        self.calls += 1
        return torch.tanh(state) + 0.01 * self.calls


class Clocked(Counting):
    def forward(self, state):
        self.calls += 1
        return state + 0.01 * (torch.cos(torch.tensor(0.01 * self.calls)) - state)


class Remembering(nn.Module):
    def forward(self, state):
        before = getattr(self, "before", torch.zeros_like(state))
        self.before = state.detach()
        return torch.tanh(state + 0.3 * before)


class Late(nn.Module):
    """As a function of its state, for the first calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, state):
        self.calls += 1
        return torch.tanh(state) * (1 if self.calls < 200 else 2)


NOISY = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Tanh())


@pytest.mark.parametrize("step", [Counting(), Clocked(), Remembering(), Late(), NOISY, lambda h: h + torch.randn(4)],
                         ids=["counter", "clock", "memory", "late", "dropout", "noise"])  # fmt: skip
def test_a_step_that_is_no_function_of_its_state_is_refused(step):
    with pytest.raises(ValueError, match=r"function of its arguments, .* differ by up to [\d.e-]+: .*\.eval\(\)"):
        spectrum(step, 0.3 * torch.ones(4), tsim=200)


def test_batch_normalisation_in_train_mode_is_refused():
    module = nn.Sequential(nn.Unflatten(0, (1, 4)), nn.BatchNorm1d(4), nn.Flatten(0))
    with pytest.raises(ValueError, match=r"batch normalisation in eval mode, got train mode: call \.eval\(\)"):
        spectrum(module, torch.ones(4))
    np.testing.assert_allclose(spectrum(module.eval(), torch.ones(4), tsim=10).exponents, 0, atol=1e-4)


def test_dropout_that_is_off_is_none():
    assert np.isfinite(spectrum(NOISY.eval(), torch.ones(4), tsim=20).exponents).all()
    NOISY.train()


class StraightThrough(nn.Module):
    def forward(self, h):
        return torch.tanh(h + ((h * 100).round() / 100 - h).detach())


W = randn(6, 6) / math.sqrt(6) * 2
HIDDEN = {
    "all": lambda h: torch.tanh(W @ h.detach()),
    "a part": lambda h: 0.9 * h + 0.1 * torch.tanh(W @ h.detach()),
    "a small part": of_flow(lambda h: -h + torch.tanh(W @ h.detach()), 1e-3),
    "data": lambda h: torch.tanh(W @ h) + 0.2 * h.data,
    "numbers": lambda h: torch.tanh(W @ h) * float(h[0]),
    "straight through": StraightThrough(),
    "a wrong tangent": FromSteps(lambda h: torch.tanh(W @ h), lambda h, frame: frame @ W.T),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_tangent_that_differences_contradict_is_refused(name):
    with pytest.raises(ValueError, match=r"\|J v\| = [\d.e-]+ where they give [\d.e-]+, at \d of \d states"):
        spectrum(HIDDEN[name], randn(6, seed=1), tsim=50)


@pytest.mark.parametrize("step", [lambda h: torch.round(50 * torch.tanh(W @ h)) / 50, lambda h: torch.sign(W @ h)])
def test_a_step_in_pieces_that_are_constant_is_refused(step):
    with pytest.raises(ValueError, match="derivative, got one that is 0 at every state though its results differ"):
        spectrum(step, randn(6, seed=1), tsim=50)


SMOOTH = {
    "relu at its kink": (lambda h: torch.relu(W @ h), torch.zeros(6)),
    "relu": (lambda h: torch.relu(W @ h - 0.1), torch.ones(6)),
    "relu inside": (lambda h: 0.5 * h + W @ torch.relu(h), torch.zeros(6)),
    "one relu": (lambda h: torch.relu(-0.5 * h + 1), torch.zeros(1)),
    "tent": (lambda h: 1.9 * torch.minimum(h, 1 - h), torch.tensor([0.3])),
    "doubling": (lambda h: (2 * h) % 1.0, torch.tensor([0.3])),
    "floor": (lambda h: 2.2 * h - torch.floor(2.2 * h), torch.tensor([0.3, 0.9])),
    "clamp": (lambda h: torch.clamp(W @ h, -0.5, 0.5), torch.ones(6)),
    "hard": (lambda h: torch.tanh(30 * (W @ h)), torch.ones(6)),
    "no_grad": (torch.no_grad()(lambda h: torch.tanh(W @ h)), torch.ones(6)),
    "large": (lambda h: 1e8 + 0.5 * torch.sin(h), torch.full((3,), 1e8)),
    "small": (lambda h: 0.5 * h, torch.full((3,), 1e-12)),
    "constant": (lambda h: 0 * h + 1, torch.ones(3)),
    "unequal": (lambda h: torch.stack([1e4 * torch.tanh(1e3 * h[1]), 1e-4 * torch.sin(h[0])]),
                torch.tensor([1e3, 1e-4])),
    "float32 inside": (lambda h: torch.tanh((W.float() @ h.float()).double()), torch.ones(6)),
    "identity": (lambda h: 1.0 * h, torch.ones(4)),
    "branch": (lambda h: torch.tanh(W @ h) if h[0] > 0 else 0.5 * h, torch.ones(6)),
    "domain": (lambda h: torch.log1p(h), torch.full((3,), 0.01)),
    "a short flow": (of_flow(lambda h: -h + torch.tanh(W @ h), 1e-5), torch.ones(6)),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_kinks_jumps_and_scales_are_no_reason_to_refuse(name):
    step, state = SMOOTH[name]
    dt = getattr(step, "dt", 1.0)
    spectrum(step, state, tsim=20 * dt, tons=dt, transient=2 * dt, frame_transient=2 * dt)


class InputFirst(nn.Module):
    def forward(self, x, h=None):
        return torch.tanh(x)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (nn.Bilinear(3, 3, 3), r"step\(state\) or step\(state, t\), got forward\(input1.*, input2.*\)"),
        (InputFirst(), r"got forward\(x, h=None\); bind the other arguments"),
        (lambda t, y: y, r"got step\(t, y\)"),
        (lambda h, *, gain: gain * h, r"got step\(h, \*, gain\)"),
    ],
)
def test_a_step_with_other_arguments_is_refused(step, text):
    with pytest.raises(ValueError, match=text):
        spectrum(step, torch.zeros(3))


# ---- torch's recurrent modules


def widened(module, gain=3.0, seed=0):
    """With weights of the state large enough for chaos, or near it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weights in module.named_parameters():
            weights.copy_((2 * torch.rand(weights.shape, generator=generator) - 1) * module.hidden_size**-0.5)
            if "weight_hh" in name:
                weights.mul_(gain)
    return module


def of_stack(module, inputs):
    """step(state, index) by the module's own forward."""

    def step(state, index):
        x = inputs if inputs.ndim == 1 else inputs[index]
        parts = state.view(-1, module.num_layers, module.hidden_size)
        given = tuple(parts) if isinstance(module, nn.LSTM) else parts[0]
        after = module(x[None], given)[1]
        return torch.cat([part.flatten() for part in after]) if isinstance(after, tuple) else after.flatten()

    return step


def of_cell(module, inputs):
    def step(state, index):
        x = inputs if inputs.ndim == 1 else inputs[index]
        if not isinstance(module, nn.LSTMCell):
            return module(x, state)
        return torch.cat(module(x, state.chunk(2)))

    return step


@pytest.mark.parametrize("time", [None, 45])
@pytest.mark.parametrize("bias", slow_except([True, False], True))
@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_cells_have_the_spectrum_of_their_dense_jacobians(kind, bias, time):
    cell = widened(kind(3, 7, bias=bias)).double()
    inputs = randn(*((3,) if time is None else (time, 3)))
    state = 0.3 * randn(14 if kind is nn.LSTMCell else 7, seed=1)
    agree(spectrum(cell, state, inputs=inputs, **SHORT), dense_exponents(of_cell(cell, inputs), state))


@pytest.mark.parametrize("layers", slow_except([1, 2], 2))
@pytest.mark.parametrize(("kind", "options"), [(nn.RNN, {}), (nn.RNN, {"nonlinearity": "relu"}), (nn.GRU, {}),
                                               (nn.LSTM, {})])  # fmt: skip
def test_stacks_of_layers_have_the_spectrum_of_their_dense_jacobians(kind, options, layers):
    module = widened(kind(3, 4, layers, batch_first=True, **options), gain=1.5).double()
    state = 0.3 * randn((8 if kind is nn.LSTM else 4) * layers, seed=1)
    for inputs in (randn(3), randn(45, 3)):
        expected = dense_exponents(of_stack(module, inputs), state, 3)
        agree(spectrum(module, state, inputs=inputs, k=3, **SHORT), expected)


def test_a_cell_left_alone_is_its_hand_written_step_and_not_its_input():
    """torch.nn.RNNCell(32, 32), whose first argument is as large as its state."""
    cell = widened(nn.RNNCell(32, 32), 5.0)
    weights, bias = cell.weight_hh.detach().double(), (cell.bias_ih.double() + cell.bias_hh.double()).detach()
    state = 0.3 * randn(32, seed=1)
    found = spectrum(cell, state, k=3, tsim=300)
    written = spectrum(lambda h: torch.tanh(weights @ h + bias), state, k=3, tsim=300)
    fed = spectrum(lambda x: torch.tanh(cell.weight_ih.detach().double() @ x + bias), state, k=3, tsim=300)
    assert abs(found.exponents[0] - written.exponents[0]) < 4 * np.hypot(found.stderr[0], written.stderr[0])
    assert found.exponents[0] > 0.2 > -0.2 > fed.exponents[0]
    assert cell.weight_hh.dtype == torch.float32


@pytest.mark.parametrize(
    ("module", "state", "inputs", "text"),
    [
        (nn.RNN(2, 3, bidirectional=True), 6, None, "expected one direction, got RNN"),
        (nn.LSTM(2, 3, proj_size=2), 5, None, r"without projections \(proj_size=0\)"),
        (nn.GRU(2, 3, 2, dropout=0.1), 6, None, r"no dropout, got GRU.* in train mode: call \.eval\(\)"),
        (nn.LSTM(2, 3, 2), 6, None, r"state: expected \(12,\), the state of LSTM.*, got \(6,\)"),
        (nn.GRUCell(2, 3), 3, torch.zeros(3), r"inputs: expected \(2,\) or \(time, 2\), got \(3,\)"),
        (nn.GRUCell(2, 3), 3, torch.full((2,), math.nan), "inputs: expected finite numbers"),
        (nn.GRUCell(2, 3), 3, torch.zeros(100, 2), r"at least 1020 steps, of .* got 100; tsim = 80 would fit"),
        (nn.GRUCell(2, 3), 3, torch.zeros(20, 2), "got 20; the transients alone are longer"),
        (nn.Linear(3, 3), 3, torch.zeros(3), r"inputs: expected None except for .* as step\(state, t\)"),
        (nn.Sequential(nn.Tanh(), nn.GRU(2, 3)), 3, torch.zeros(2), r"got some for Sequential; spectrum\(model\.1, "),
        (nn.GRUCell(2, 3), 3, torch.zeros(4, 100, 2), r"got \(4, 100, 2\); of several trials, pass one at a time"),
    ],
)
def test_modules_and_inputs_that_do_not_fit_are_refused(module, state, inputs, text):
    with pytest.raises(ValueError, match=text):
        spectrum(module, torch.zeros(state), inputs=inputs)


@pytest.mark.parametrize("module", [nn.RNNCell(2, 5), nn.GRU(2, 5, 2), nn.LSTM(2, 5, 2), nn.LSTMCell(2, 5)])
def test_recurrent_modules_start_at_zero_without_a_state(module):
    size = {nn.RNNCell: 5, nn.GRU: 10, nn.LSTM: 20, nn.LSTMCell: 10}[type(module)]
    arguments = {"inputs": torch.ones(2), "tsim": 20}
    without, zeros = spectrum(module, **arguments), spectrum(module, torch.zeros(size), **arguments)
    np.testing.assert_array_equal(without.exponents, zeros.exponents)
    assert len(without.exponents) == size


def test_numbers_are_read_in_double_precision():
    cell = nn.RNNCell(1, 1)
    start = spectrum(cell, [0.1], inputs=[0.1], tsim=1, transient=0, frame_transient=0)
    exact = torch.tensor([0.1], dtype=torch.float64)
    np.testing.assert_array_equal(start.state, cell.double()(exact, exact).detach().numpy())


@pytest.mark.parametrize("make", [lambda: nn.GRU(2, 3), lambda: made(described((3,), inputs=(2,)), activation="relu")])
def test_inputs_begin_again_after_their_end_for_looks_beyond_the_record(make):
    module, inputs = make(), randn(4, 2)
    system = of_recurrent(module.double(), inputs) if isinstance(module, nn.GRU) else module.driven_by_inputs(inputs)
    bundle = torch.cat([torch.zeros(1, 3), torch.eye(3)]).double()
    longer = of_recurrent(module, inputs.repeat(3, 1)) if isinstance(module, nn.GRU) else module.driven_by_inputs(
        inputs.repeat(3, 1))  # fmt: skip
    assert system.length == 4 and longer.length == 12
    with torch.no_grad():
        torch.testing.assert_close(system.advance(bundle, 10, 1), longer.advance(bundle, 10, 1))


# ---- networks


def of_region_network(net, inputs):
    def step(state, index):
        x = inputs if inputs.ndim == 1 else inputs[index]
        return net(x[None, None], state)[1].flatten()

    return step


@pytest.mark.parametrize("time", slow_except([None, 100], 100))
@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("tau", slow_except([50, {"r0": 20, "r1": 50, "r2": 100}], {"r0": 20, "r1": 50, "r2": 100}))
def test_a_network_of_regions_has_the_spectrum_of_its_dense_jacobians(form, tau, time):
    net = made(activation="tanh", form=form, tau=tau, spectral_radius=1.5, dt=10)
    dt = 0.1 if isinstance(tau, dict) else 0.2
    inputs = randn(*((5,) if time is None else (time, 5)))
    found = spectrum(net, inputs=inputs, k=3, tons=dt, **BRIEF)
    start = net.initial.detach()
    agree(found, dense_exponents(of_region_network(net, inputs), start, 3, dt=dt, **BRIEF))


@pytest.mark.parametrize("sparse", [False, True])
def test_the_system_of_a_float32_network_is_taken_as_it_is(sparse):
    net = made(described(inputs=()), dtype=torch.float32, activation="tanh", spectral_radius=1.5, sparse=sparse)
    state = net.initial.detach()
    found = spectrum(net.dynamics(), state, k=3, **BRIEF)
    assert found.exponents.dtype == np.float64 and net.base_firing.dtype == torch.float32
    np.testing.assert_array_equal(found.exponents, spectrum(net, k=3, **BRIEF).exponents)

    double = made(described(inputs=()), activation="tanh", spectral_radius=1.5, sparse=sparse)
    np.testing.assert_allclose(found.exponents, spectrum(double, k=3, **BRIEF).exponents, atol=1e-4)


def test_a_network_on_a_connectome_receives_inputs_too():
    rng = np.random.default_rng(0)
    interface = {"input_weights": rng.standard_normal((12, 2)), "input_bias": rng.standard_normal(12),
                 "recurrent_bias": np.zeros(12), "readout_weights": np.ones((1, 12)),
                 "readout_bias": np.zeros(1)}  # fmt: skip
    net = Network(random_network(12, 1.5, rng), activation="tanh", interface=interface, dtype=torch.float64)
    inputs, state = randn(100, 2), 0.3 * randn(12)

    def step(state, index):
        with torch.no_grad():
            drive = net.interface["input_weights"] @ inputs[index] + net.interface["input_bias"]
            matrix = net.matrix()
        return 0.9 * state + 0.1 * (matrix @ torch.tanh(state) + drive)

    found = spectrum(net, state, inputs=inputs, k=3, tons=0.1, **BRIEF)
    agree(found, dense_exponents(step, state, 3, dt=0.1, **BRIEF))


def test_a_float32_network_along_trials_is_taken_as_it_is():
    """And it is not changed by that."""
    rng = np.random.default_rng(0)
    interface = {"input_weights": rng.standard_normal((6, 2)), "input_bias": np.zeros(6), "recurrent_bias": np.zeros(6),
                 "readout_weights": np.ones((1, 6)), "readout_bias": np.zeros(1)}  # fmt: skip
    connectome = random_network(6, 1.5, rng)
    single, double = (Network(connectome, activation="tanh", interface=interface, dtype=dtype)
                      for dtype in (torch.float32, torch.float64))  # fmt: skip
    inputs, found = randn(30, 2, 2), []
    for net in (single, double):
        system = net.driven_by_trials(inputs.to(net.interface["input_bias"].dtype))
        found.append(spectrum(system, torch.zeros(6), k=2, **BRIEF).exponents)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
    assert single.interface["input_weights"].dtype == torch.float32


class Advancing(nn.Module):
    """A user's own system that happens to be a module."""

    dt = 1.0

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([[0.5]]))

    def advance(self, bundle, steps, start):
        return bundle * self.weights.double() ** steps


def test_a_module_with_its_own_advance_is_left_as_it_is():
    module = Advancing()
    np.testing.assert_allclose(spectrum(module, [1.0], tsim=10).exponents, math.log(0.5))
    assert module.weights.dtype == torch.float32


def test_a_network_does_not_stay_at_an_unstable_fixed_point_where_it_begins():
    """Zeros are a fixed point of tanh without biases; the weights' largest eigenvalue is 1.5."""
    net = MultiRegionRNN(SELF_EXCITED, activation="tanh", spectral_radius=1.5, noise_state=0, noise_input=0)
    assert not net.initial.any()
    resting = spectrum(net, state=torch.zeros(12), k=1, tsim=100).exponents[0]
    assert resting == pytest.approx(10 * math.log(1 + 0.1 * 0.5), abs=1e-4)  # ln of the step's eigenvalue, per tau
    found = spectrum(net, k=1, tsim=100)
    assert found.exponents[0] < -0.1 and found.n_positive == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [9, 40])
def test_exponents_of_an_orthogonal_matrix_are_0_within_its_own_rounding(dtype, n):
    matrix = torch.linalg.qr(torch.randn(n, n, generator=torch.Generator().manual_seed(3), dtype=dtype))[0]
    linear = nn.Linear(n, n, bias=False, dtype=dtype)
    linear.weight = nn.Parameter(matrix)
    for found in (spectrum(matrix, tsim=200), spectrum(linear, state=torch.ones(n), tsim=200)):
        assert (found.n_zero, found.n_positive, found.dimension.value, found.entropy.value) == (n, 0, n, 0)
