"""Cells against torch's own modules, numpy by hand and finite differences."""

import numpy as np
import pytest
import torch
from torch import nn

from randomnet.cells import CELLS, Layer, cell_from_description, run_bidirectional

TIME, BATCH, CHANNELS, SIZE = 7, 4, 3, 5


def made(name, channels=CHANNELS, size=SIZE, seed=0, **options):
    return CELLS[name](channels, size, np.random.default_rng(seed), **options)


def given(channels=CHANNELS, seed=1, size=SIZE):
    rng = np.random.default_rng(seed)
    return (
        torch.from_numpy(rng.standard_normal((BATCH, size)).astype(np.float32)),
        torch.from_numpy(rng.standard_normal((TIME, BATCH, channels)).astype(np.float32)),
    )


def stepped(cell, state, inputs):
    states = []
    for x in inputs:
        state = cell.step(state, x)
        states.append(state)
    return torch.stack(states)


@pytest.mark.parametrize("channels", [CHANNELS, 0])
@pytest.mark.parametrize("name", CELLS)
def test_unrolling_is_step_by_step(name, channels):
    cell = made(name, channels)
    state, inputs = given(channels, size=cell.size)
    torch.testing.assert_close(cell.unroll(state, inputs), stepped(cell, state, inputs), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "module"), [("gru", nn.GRU), ("rnn", nn.RNN)])
def test_a_fused_cell_is_torchs_module_of_the_same_weights(name, module):
    cell, (state, inputs) = made(name), given()
    other = module(CHANNELS, SIZE)
    with torch.no_grad():
        for own, its in zip(cell.weights, other.all_weights[0], strict=True):
            its.copy_(own)
    torch.testing.assert_close(cell.unroll(state, inputs), other(inputs, state[None])[0], atol=1e-6, rtol=0)


def test_an_lstm_is_torchs_module_and_its_readout_sees_h_alone():
    cell, (state, inputs) = made("lstm"), given(size=2 * SIZE)
    other = nn.LSTM(CHANNELS, SIZE)
    own = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    with torch.no_grad():
        for values, its in zip(own, other.all_weights[0], strict=True):
            its.copy_(values)
    h, c = (part[None].contiguous() for part in state.chunk(2, -1))
    outputs, (_, last_c) = other(inputs, (h, c))
    states = cell.unroll(state, inputs)
    torch.testing.assert_close(states[..., :SIZE], outputs, atol=1e-6, rtol=0)
    torch.testing.assert_close(states[-1, :, SIZE:], last_c[0], atol=1e-6, rtol=0)
    readout = cell.readout(2, np.random.default_rng(0))
    torch.testing.assert_close(readout(states), outputs @ readout.weight.T + readout.bias, atol=1e-6, rtol=0)


def test_two_directions_are_torchs_bidirectional_gru():
    there, back, (_, inputs) = made("gru"), made("gru", seed=3), given()
    other = nn.GRU(CHANNELS, SIZE, bidirectional=True)
    with torch.no_grad():
        for cell in (there, back):
            cell.initial.normal_(generator=torch.Generator().manual_seed(0))
        for cell, its in zip((there, back), other.all_weights, strict=True):
            for own, theirs in zip(cell.weights, its, strict=True):
                theirs.copy_(own)
    starts = torch.stack([there.start(BATCH), back.start(BATCH)])
    outputs, ends = other(inputs, starts)
    found = run_bidirectional(there, back, inputs)
    torch.testing.assert_close(found[0], outputs, atol=1e-6, rtol=0)
    torch.testing.assert_close(found[1], torch.cat([ends[0], ends[1]], -1), atol=1e-6, rtol=0)
    torch.testing.assert_close(found[1][:, SIZE:], back.unroll(back.start(BATCH), inputs.flip(0))[-1])


def test_steps_by_hand_in_numpy():
    state, inputs = given()
    h, x = state.numpy(), inputs[0].numpy()

    def of(cell):
        return {name: values.numpy() for name, values in cell.values().items()}

    cell = made("linear")
    v = of(cell)
    expected = h @ v["transition"].T + x @ v["input_weights"].T + v["bias"]
    np.testing.assert_allclose(cell.step(state, inputs[0]).detach(), expected, atol=1e-6)
    cell = made("node", hidden_layers=2, width=6)
    v = of(cell)
    hidden = np.concatenate([h, x], 1)
    for layer in range(3):
        hidden = hidden if layer == 0 else np.maximum(hidden, 0)
        hidden = hidden @ v[f"layers.{layer}.weight"].T + v[f"layers.{layer}.bias"]
    np.testing.assert_allclose(cell.step(state, inputs[0]).detach(), h + 0.1 * hidden, atol=1e-6)
    cell = made("gru")
    v = of(cell)
    of_x = np.split(x @ v["weight_ih"].T + v["bias_ih"], 3, 1)
    of_h = np.split(h @ v["weight_hh"].T + v["bias_hh"], 3, 1)
    reset, update = (1 / (1 + np.exp(-of_x[gate] - of_h[gate])) for gate in (0, 1))
    new = np.tanh(of_x[2] + reset * of_h[2])
    np.testing.assert_allclose(cell.step(state, inputs[0]).detach(), new + update * (h - new), atol=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_finite_differences(name):
    cell = made(name, **({"width": 6} if name == "node" else {})).double()
    state, inputs = (values.double() for values in given(size=cell.size))
    weights = torch.from_numpy(np.random.default_rng(4).standard_normal((TIME, BATCH, cell.size)))

    def loss():
        return (cell.unroll(state + cell.start(BATCH), inputs) * weights).sum()

    loss().backward()
    for parameter in cell.parameters():
        at, step = (0,) * parameter.ndim, 1e-6
        with torch.no_grad():
            parameter[at] += step
            above = loss()
            parameter[at] -= 2 * step
            below = loss()
            parameter[at] += step
        assert float(parameter.grad[at]) == pytest.approx(float((above - below) / (2 * step)), abs=1e-6, rel=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_a_description_and_the_values_rebuild_a_cell(name):
    cell = made(name, **({"width": 6, "hidden_layers": 3} if name == "node" else {})).double()
    state, inputs = given(size=cell.size)
    other = cell_from_description(cell.description())
    assert other.description() == cell.description()
    other.assign(cell.values())
    state, inputs = state.double(), inputs.double()
    assert torch.equal(other.unroll(state, inputs), cell.unroll(state, inputs))
    again = cell_from_description(cell.description())
    again.load_state_dict(cell.state_dict())
    assert torch.equal(again.unroll(state, inputs), cell.unroll(state, inputs))


@pytest.mark.parametrize("name", CELLS)
def test_the_same_generator_gives_the_same_cell_and_no_other_does(name):
    state = torch.random.get_rng_state()
    first, second, other = made(name), made(name), made(name, seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    for key, values in first.values().items():
        assert torch.equal(values, second.values()[key])
        assert key == "initial" or not torch.equal(values, other.values()[key])


@pytest.mark.parametrize("name", ["gru", "lstm", "rnn", "linear"])
def test_values_begin_with_the_moments_of_torchs_distribution(name):
    """U(+-1/sqrt(H)): variance 1/(3 H); the mean square of M draws has a relative sd of sqrt(.8/M)."""
    cell = made(name, 20, 50)
    for key, values in cell.values().items():
        if key != "initial":
            assert float(values.abs().max()) <= 50**-0.5
            count = values.numel()
            assert float((values**2).mean()) == pytest.approx(1 / 150, rel=5 * (0.8 / count) ** 0.5)
    assert float(cell.start(3).detach().abs().max()) == 0


def test_a_layer_is_torchs_linear_and_begins_in_its_range():
    layer, x = Layer(16, 4, np.random.default_rng(0)), torch.ones(3, 16)
    torch.testing.assert_close(layer(x), x @ layer.weight.T + layer.bias)
    assert float(layer.weight.detach().abs().max()) <= 0.25


def test_errors_say_what_was_expected_and_what_came():
    cell = made("gru")
    with pytest.raises(ValueError, match=r"inputs must have shape \(time, batch, 3\), got \(7, 4, 2\)"):
        cell.unroll(torch.zeros(4, 5), torch.zeros(7, 4, 2))
    with pytest.raises(ValueError, match=r"state must have shape \(4, 5\), got \(2, 5\)"):
        cell.unroll(torch.zeros(2, 5), torch.zeros(7, 4, 3))
    with pytest.raises(ValueError, match="at least one unit and 0 or more channels, got 0 and 3"):
        made("rnn", size=0)
    with pytest.raises(ValueError, match="at least one hidden layer and unit, got 0 and 128"):
        made("node", hidden_layers=0)
    with pytest.raises(ValueError, match="cell must be one of gru, lstm, rnn, linear, node, got 'mlp'"):
        cell_from_description({"cell": "mlp"})
    with pytest.raises(ValueError, match="precision must be float32 or float64, got 'half'"):
        cell_from_description({"cell": "gru", "precision": "half"})
    with pytest.raises(ValueError, match=r"weight_ih: expected shape \(15, 3\), got none"):
        cell.assign({"initial": torch.zeros(5)})
