"""torch's recurrent modules with inputs as systems: RNN, GRU and LSTM with any number of layers, and their cells."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from randomnet.input_series import checked_inputs
from randomnet.systems.steps import OfStep

Layer = tuple[Tensor, Tensor, Tensor | float, Tensor | float]  # weights of input and state, and their biases
Update = Callable[[Layer, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]  # layer, input, state vectors -> new ones

Recurrent = nn.RNNBase | nn.RNNCellBase
CELLS = (nn.RNNCell, nn.GRUCell, nn.LSTMCell)
STACKS = (nn.RNN, nn.GRU, nn.LSTM)


def is_recurrent(module: object) -> bool:
    """Whether `module` is one of torch's recurrent modules, with the original forward method.

    >>> import torch
    >>> from randomnet.systems import is_recurrent
    >>> is_recurrent(torch.nn.GRU(2, 3)), is_recurrent(torch.nn.Linear(2, 3))
    (True, False)
    """
    return any(isinstance(module, cls) and type(module).forward is cls.forward for cls in (*CELLS, *STACKS))


def of_recurrent(module: Recurrent, inputs: Tensor | None = None, dt: float = 1.0) -> OfStep:
    """The system of the state of torch.nn.RNN, GRU, LSTM, RNNCell, GRUCell or LSTMCell in float64, under inputs.

    inputs: None for 0, (input_size,) for a constant input, (time, input_size) for one input per step. Exponents are
    conditional on this input. After the last step the inputs start again, for checks of the state beyond the record.
    The state is (layers * hidden_size,), layer by layer as in h_0.flatten(). For an LSTM it is
    (2 * layers * hidden_size,), all of h before all of c. Raises ValueError for bidirectional modules, projections, and
    dropout in train mode.

    >>> import torch
    >>> from randomnet.systems import of_recurrent
    >>> system = of_recurrent(torch.nn.GRU(2, 3).double(), torch.zeros(10, 2))
    >>> system.length, system.step(torch.zeros(3).double()).shape
    (10, torch.Size([3]))
    """
    _check(module)
    update, parts = _update_of(module)
    layers, hidden, size = _layers(module), module.hidden_size, state_size(module)
    inputs = torch.zeros(module.input_size) if inputs is None else inputs
    inputs = checked_inputs(inputs, module.input_size).to(layers[0][0])

    def step(state: Tensor, index: int) -> Tensor:
        if state.shape != (size,):
            raise ValueError(f"state: expected ({size},), the state of {module}, got {tuple(state.shape)}")
        states = state.view(parts, len(layers), hidden)
        layer_input, after = inputs if inputs.ndim == 1 else inputs[index % len(inputs)], []
        for number, layer in enumerate(layers):
            after.append(torch.stack(update(layer, layer_input, tuple(states[:, number]))))
            layer_input = after[-1][0]
        return torch.stack(after, 1).flatten()

    return OfStep(step, dt, None if inputs.ndim == 1 else len(inputs))


def state_size(module: Recurrent) -> int:
    """The size of the state of a recurrent module: all layers, and of an LSTM h and c.

    >>> import torch
    >>> from randomnet.systems import state_size
    >>> state_size(torch.nn.LSTM(2, 3, num_layers=2))
    12
    """
    return _update_of(module)[1] * len(_layers(module)) * module.hidden_size


def recurrent_part(source: object) -> str:
    """The name of the first recurrent module of torch inside a module; empty where there is none.

    >>> import torch
    >>> from randomnet.systems import recurrent_part
    >>> recurrent_part(torch.nn.ModuleDict({"rnn": torch.nn.GRU(2, 3)}))
    'rnn'
    """
    parts = source.named_modules() if isinstance(source, nn.Module) else ()
    return next((name for name, part in parts if name and is_recurrent(part)), "")


def _check(module: Recurrent) -> None:
    if getattr(module, "bidirectional", False):
        raise ValueError(f"expected one direction, got {module}: a bidirectional module has no step in time")
    if getattr(module, "proj_size", 0):
        raise ValueError(f"expected an LSTM without projections (proj_size=0), got {module}")
    if getattr(module, "dropout", 0) and module.training and module.num_layers > 1:
        raise ValueError(f"expected no dropout, got {module} in train mode: call .eval() first")


def _layers(module: Recurrent) -> list[Layer]:
    if isinstance(module, CELLS):
        layers = [(module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh)]
    else:
        layers = [(*weights, None, None)[:4] for weights in module.all_weights]
    return [tuple(0.0 if tensor is None else tensor.detach() for tensor in layer) for layer in layers]


def _update_of(module: Recurrent) -> tuple[Update, int]:
    """The update function of a layer's state, and the number of vectors in that state."""
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return _lstm, 2
    if isinstance(module, (nn.GRU, nn.GRUCell)):
        return _gru, 1
    phi = {"tanh": torch.tanh, "relu": torch.relu}[module.nonlinearity]
    return lambda layer, x, parts: (phi(sum(_products(layer, x, parts[0]))),), 1


def _products(layer: Layer, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    input_weights, state_weights, input_bias, state_bias = layer
    return input_weights @ x + input_bias, state_weights @ h + state_bias


def _gru(layer: Layer, x: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor]:
    (h,) = parts
    (x_reset, x_update, x_new), (h_reset, h_update, h_new) = (part.chunk(3) for part in _products(layer, x, h))
    reset, update = torch.sigmoid(x_reset + h_reset), torch.sigmoid(x_update + h_update)
    new = torch.tanh(x_new + reset * h_new)
    return (new + update * (h - new),)


def _lstm(layer: Layer, x: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    h, c = parts
    input_gate, forget_gate, new, output_gate = sum(_products(layer, x, h)).chunk(4)
    c = torch.sigmoid(forget_gate) * c + torch.sigmoid(input_gate) * torch.tanh(new)
    return torch.sigmoid(output_gate) * torch.tanh(c), c
