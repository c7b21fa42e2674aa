"""torch's recurrent modules as systems, under an input: RNN, GRU, LSTM of any number of layers, and their cells."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from randomnet.input_series import checked_inputs
from randomnet.systems.steps import OfStep

Layer = tuple[Tensor, Tensor, Tensor | float, Tensor | float]  # weights of input and state, and their biases
Update = Callable[[Layer, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]  # of the parts of a layer's state

CELLS = (nn.RNNCell, nn.GRUCell, nn.LSTMCell)
STACKS = (nn.RNN, nn.GRU, nn.LSTM)


def is_recurrent(module: object) -> bool:
    """Whether it is one of torch's recurrent modules, with torch's own forward."""
    kinds = [kind for kind in (*CELLS, *STACKS) if isinstance(module, kind)]
    return any(getattr(type(module), "forward", None) is kind.forward for kind in kinds)


def of_recurrent(module: Any, inputs: Tensor | None = None, dt: float = 1.0) -> OfStep:
    """The system of the state of torch.nn.RNN, GRU, LSTM, RNNCell, GRUCell or LSTMCell, float64, under inputs.

    inputs: None for 0, (input_size,) for a constant one, (time, input_size) for one in each step; exponents are then
    those under this input. After their last step they begin again, for looks beyond a record. The state is
    (layers * hidden_size,), layer after layer as in h_0.flatten(); of an LSTM (2 * layers * hidden_size,), all of h
    before all of c. Raises ValueError for two directions, projections, and dropout in train mode.
    """
    _check(module)
    update, parts = _update_of(module)
    layers, hidden = _layers(module), module.hidden_size
    size = parts * len(layers) * hidden
    inputs = torch.zeros(module.input_size) if inputs is None else inputs
    inputs = checked_inputs(inputs, module.input_size).to(layers[0][0])

    def step(state: Tensor, index: int) -> Tensor:
        if state.shape != (size,):
            raise ValueError(f"state: expected ({size},), the state of {module}, got {tuple(state.shape)}")
        states = state.view(parts, len(layers), hidden)
        passed, after = inputs if inputs.ndim == 1 else inputs[index % len(inputs)], []
        for at, layer in enumerate(layers):
            after.append(torch.stack(update(layer, passed, tuple(states[:, at]))))
            passed = after[-1][0]
        return torch.stack(after, 1).flatten()

    return OfStep(step, dt, None if inputs.ndim == 1 else len(inputs))


def _check(module: nn.Module) -> None:
    if getattr(module, "bidirectional", False):
        raise ValueError(f"expected one direction, got {module}: its last states are no state of a step")
    if getattr(module, "proj_size", 0):
        raise ValueError(f"expected an LSTM without projections (proj_size=0), got {module}")
    if getattr(module, "dropout", 0) and module.training and module.num_layers > 1:
        raise ValueError(f"expected no dropout, got {module} in train mode: call .eval() first")


def _layers(module: nn.Module) -> list[Layer]:
    if isinstance(module, CELLS):
        named = [(module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh)]
    else:
        named = [(*weights, None, None)[:4] for weights in module.all_weights]
    return [tuple(0.0 if tensor is None else tensor.detach() for tensor in layer) for layer in named]


def _update_of(module: nn.Module) -> tuple[Update, int]:
    """How a layer's state is updated, and of how many vectors it consists."""
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return _lstm, 2
    if isinstance(module, (nn.GRU, nn.GRUCell)):
        return _gru, 1
    phi = {"tanh": torch.tanh, "relu": torch.relu}[module.nonlinearity]
    return lambda layer, x, parts: (phi(sum(_arriving(layer, x, parts[0]))),), 1


def _arriving(layer: Layer, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    of_input, of_state, input_bias, state_bias = layer
    return of_input @ x + input_bias, of_state @ h + state_bias


def _gru(layer: Layer, x: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor]:
    (h,) = parts
    from_input, from_state = (part.chunk(3) for part in _arriving(layer, x, h))
    reset, update = (torch.sigmoid(one + other) for one, other in zip(from_input[:2], from_state[:2], strict=True))
    new = torch.tanh(from_input[2] + reset * from_state[2])
    return (new + update * (h - new),)


def _lstm(layer: Layer, x: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    h, c = parts
    take, forget, new, give = sum(_arriving(layer, x, h)).chunk(4)
    c = torch.sigmoid(forget) * c + torch.sigmoid(take) * torch.tanh(new)
    return torch.sigmoid(give) * torch.tanh(c), c
