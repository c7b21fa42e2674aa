"""Recurrent cells without a connectome, for tasks and for models that infer dynamics from recordings.

| name   | a step                                                                                 | in torch      |
|--------|----------------------------------------------------------------------------------------|---------------|
| gru    | r, z = sigmoid(W x + b + U h + c), n = tanh(W x + b + r (U h + c)); h <- n + z (h - n) | nn.GRU, fused |
| rnn    | h <- tanh(W x + b + U h + c)                                                           | nn.RNN, fused |
| lstm   | c <- f c + i tanh(g), h <- o tanh(c), with i, f, g, o of W x + b + U h + c'            | step by step  |
| linear | h <- A h + B x + b                                                                     | step by step  |
| node   | h <- h + .1 MLP([h, x]), ReLU between its layers                                       | step by step  |

Inputs are (time, batch, channels) and states (batch, size); channels may be 0. The state of an LSTM is h and then c,
so its size is twice the number of units, and its readout sees h alone. Initial values are drawn with the given
numpy generator from the default distributions of torch: U(+-1/sqrt(size)), and U(+-1/sqrt(fan in)) in an MLP. The
initial state is trained too, and starts at 0.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

GATES = 3  # gates of a GRU: reset, update, new
LSTM_GATES = 4  # input, forget, new, output
NODE_STEP = 0.1  # size of the Euler step of a neural ODE


def uniform_parameter(shape: tuple[int, ...], bound: float, rng: np.random.Generator) -> nn.Parameter:
    """A float32 parameter with values drawn from U(-bound, bound)."""
    return nn.Parameter(torch.from_numpy(rng.uniform(-bound, bound, shape).astype(np.float32)))


class TrainableModule(nn.Module):
    """A module for the training loop: access to all parameters by name, and no constraints after an update."""

    def values(self) -> dict[str, Tensor]:
        """Copies of all parameters, by name."""
        return {name: parameter.detach().clone() for name, parameter in self.named_parameters()}

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set all parameters from `values()` of a module of the same shape. Raises ValueError for another shape."""
        set_parameters(self.named_parameters(), values)

    def project(self) -> None:
        """Do nothing, because the parameters are unconstrained."""


@torch.no_grad()
def set_parameters(parameters: Iterable[tuple[str, Tensor]], values: Mapping[str, Tensor]) -> None:
    """Set named parameters from values of the same names. Raises ValueError for missing values and other shapes."""
    for name, parameter in parameters:
        if name not in values or values[name].shape != parameter.shape:
            shape = tuple(values[name].shape) if name in values else "none"
            raise ValueError(f"{name}: expected shape {tuple(parameter.shape)}, got {shape}")
        parameter.copy_(values[name])


class Layer(TrainableModule):
    """The linear layer y = x W' + b, as torch.nn.Linear."""

    def __init__(self, channels: int, size: int, rng: np.random.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(max(1, channels))
        self.weight, self.bias = uniform_parameter((size, channels), bound, rng), uniform_parameter((size,), bound, rng)

    def forward(self, x: Tensor) -> Tensor:
        """The output (..., size) for x (..., channels)."""
        return nn.functional.linear(x, self.weight, self.bias)


class LeadingLayer(Layer):
    """The same layer of the first entries of x, as many as it has channels."""

    def forward(self, x: Tensor) -> Tensor:
        """The output (..., size) for x (..., channels or more)."""
        return super().forward(x[..., : self.weight.shape[1]])


class Cell(TrainableModule, ABC):
    """The interface of all cells. Raises ValueError for a size below 1 or a negative number of channels.

    units: number of units, the constructor's `size`. vectors: number of state vectors of that length. size: of the
    state. The readout sees the first vector, `units` entries of the state.
    """

    name, vectors = "", 1

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        if channels < 0 or size < 1:
            raise ValueError(f"a cell must have at least one unit and 0 or more channels, got {size} and {channels}")
        self.channels, self.units, self.size = channels, size, self.vectors * size
        self.initial = nn.Parameter(torch.zeros(self.size))

    def readout(self, outputs: int, rng: np.random.Generator) -> "Layer":
        """A new linear layer of what the readout sees of states (..., size), with `outputs` outputs."""
        return Layer(self.units, outputs, rng) if self.vectors == 1 else LeadingLayer(self.units, outputs, rng)

    def start(self, batch: int) -> Tensor:
        """The initial state of trials (batch, size), differentiable."""
        return self.initial.expand(batch, -1)

    @abstractmethod
    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The state (batch, size) after one step with input x (batch, channels)."""

    @abstractmethod
    def unroll(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The states (time, batch, size) after each step of inputs (time, batch, channels).

        Raises ValueError for other shapes.
        """

    def options(self) -> dict[str, Any]:
        """The constructor arguments other than the sizes."""
        return {}

    def description(self) -> dict[str, Any]:
        """Plain values from which `cell_from_description` builds a cell of the same shape."""
        precision = str(self.initial.dtype).removeprefix("torch.")
        sizes = {"channels": self.channels, "size": self.units}
        return {"cell": self.name, **sizes, "precision": precision, **self.options()}

    def _check(self, state: Tensor, inputs: Tensor) -> None:
        if inputs.ndim != 3 or inputs.shape[2] != self.channels:
            raise ValueError(f"inputs must have shape (time, batch, {self.channels}), got {tuple(inputs.shape)}")
        if state.shape != (inputs.shape[1], self.size):
            raise ValueError(f"state must have shape ({inputs.shape[1]}, {self.size}), got {tuple(state.shape)}")


class _Fused(Cell):
    """A cell that torch unrolls in one kernel. The weights have torch's names."""

    gates = 1
    kernels: tuple[Callable[..., Tensor], Callable[..., tuple[Tensor, Tensor]]]  # for one step, for all steps

    def __init__(self, channels: int, size: int, rng: np.random.Generator) -> None:
        super().__init__(channels, size)
        bound, rows = 1 / math.sqrt(size), self.gates * size
        self.weight_ih, self.weight_hh = (
            uniform_parameter((rows, channels), bound, rng),
            uniform_parameter((rows, size), bound, rng),
        )
        self.bias_ih, self.bias_hh = uniform_parameter((rows,), bound, rng), uniform_parameter((rows,), bound, rng)

    @property
    def weights(self) -> list[Tensor]:
        """The weights in the order of torch's kernels."""
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The state (batch, size) after one step with input x (batch, channels)."""
        return self.kernels[0](x, state, *self.weights)

    def unroll(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The states (time, batch, size) after each step of inputs (time, batch, channels).

        Raises ValueError for other shapes.
        """
        self._check(state, inputs)
        return self.kernels[1](inputs, state[None], self.weights, True, 1, 0.0, self.training, False, False)[0]


class GRU(_Fused):
    """A gated recurrent unit: nn.GRU with one layer."""

    name, gates = "gru", GATES
    kernels = torch.gru_cell, torch.gru


class Elman(_Fused):
    """An Elman network with tanh: nn.RNN with one layer."""

    name = "rnn"
    kernels = torch.rnn_tanh_cell, torch.rnn_tanh


class _Stepped(Cell):
    """A cell that is unrolled step by step. The products with the inputs are one product for all steps."""

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The state (batch, size) after one step with input x (batch, channels)."""
        return self._step_with_drive(state, self._drive(x))

    def unroll(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The states (time, batch, size) after each step of inputs (time, batch, channels).

        Raises ValueError for other shapes.
        """
        self._check(state, inputs)
        states = []
        for drive in self._drive(inputs).unbind(0):
            state = self._step_with_drive(state, drive)
            states.append(state)
        return torch.stack(states) if states else inputs.new_zeros(0, *state.shape)

    @abstractmethod
    def _drive(self, x: Tensor) -> Tensor:
        """The contribution of inputs x (..., channels) to the first linear map of a step."""

    @abstractmethod
    def _step_with_drive(self, state: Tensor, drive: Tensor) -> Tensor:
        """The state after a step with this `_drive`."""


class LSTM(_Stepped):
    """A long short-term memory: nn.LSTM with one layer, whose state is h and then c. The weights have torch's names."""

    name, vectors = "lstm", 2

    def __init__(self, channels: int, size: int, rng: np.random.Generator) -> None:
        super().__init__(channels, size)
        bound, rows = 1 / math.sqrt(size), LSTM_GATES * size
        self.weight_ih, self.weight_hh = (uniform_parameter((rows, width), bound, rng) for width in (channels, size))
        self.bias_ih, self.bias_hh = (uniform_parameter((rows,), bound, rng) for _ in range(2))

    def _drive(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight_ih, self.bias_ih + self.bias_hh)

    def _step_with_drive(self, state: Tensor, drive: Tensor) -> Tensor:
        h, c = state.chunk(2, -1)
        write, keep, new, read = torch.addmm(drive, h, self.weight_hh.mT).chunk(LSTM_GATES, -1)
        c = keep.sigmoid() * c + write.sigmoid() * new.tanh()
        return torch.cat([read.sigmoid() * c.tanh(), c], -1)


class LinearSystem(_Stepped):
    """A linear dynamical system with inputs."""

    name = "linear"

    def __init__(self, channels: int, size: int, rng: np.random.Generator) -> None:
        super().__init__(channels, size)
        bound = 1 / math.sqrt(size)
        self.transition, self.input_weights = (
            uniform_parameter((size, size), bound, rng),
            uniform_parameter((size, channels), bound, rng),
        )
        self.bias = uniform_parameter((size,), bound, rng)

    def _drive(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.input_weights, self.bias)

    def _step_with_drive(self, state: Tensor, drive: Tensor) -> Tensor:
        return torch.addmm(drive, state, self.transition.mT)


class NeuralODE(_Stepped):
    """A neural ODE in Euler steps, with `hidden_layers` layers of `width` units, both at least 1 (else ValueError)."""

    name = "node"

    def __init__(
        self, channels: int, size: int, rng: np.random.Generator, hidden_layers: int = 2, width: int = 128
    ) -> None:
        super().__init__(channels, size)
        if hidden_layers < 1 or width < 1:
            raise ValueError(f"a node must have at least one hidden layer and unit, got {hidden_layers} and {width}")
        self.hidden_layers, self.width = hidden_layers, width
        sizes = [size + channels, *[width] * hidden_layers, size]
        self.layers = nn.ModuleList(Layer(*pair, rng) for pair in pairwise(sizes))

    def options(self) -> dict[str, Any]:
        """The constructor arguments other than the sizes."""
        return {"hidden_layers": self.hidden_layers, "width": self.width}

    def _drive(self, x: Tensor) -> Tensor:
        first: Any = self.layers[0]
        return nn.functional.linear(x, first.weight[:, self.size :], first.bias)

    def _step_with_drive(self, state: Tensor, drive: Tensor) -> Tensor:
        first: Any
        first, *others = self.layers
        hidden = torch.addmm(drive, state, first.weight[:, : self.size].mT)
        for layer in others:
            hidden = layer(hidden.relu())
        return torch.add(state, hidden, alpha=NODE_STEP)


CELLS: dict[str, Callable[..., Cell]] = {
    "gru": GRU,
    "lstm": LSTM,
    "rnn": Elman,
    "linear": LinearSystem,
    "node": NeuralODE,
}


def cell_from_description(description: Mapping[str, Any]) -> Cell:
    """A cell of the shape in a `description()`, for load_state_dict or assign.

    Raises ValueError for an unknown cell or precision.
    """
    arguments = dict(description)
    name, precision = arguments.pop("cell", None), arguments.pop("precision", "float32")
    if name not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {name!r}")
    if precision not in ("float32", "float64"):
        raise ValueError(f"precision must be float32 or float64, got {precision!r}")
    return CELLS[name](rng=np.random.default_rng(0), **arguments).to(getattr(torch, precision))


def run_bidirectional(forward: GRU, backward: GRU, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs (time, batch, 2 size) and final states (batch, 2 size) of a bidirectional GRU.

    inputs: (time, batch, channels). Each direction starts from its own initial state. The final state is that of the
    last step for the forward direction, and of the first step for the backward direction.
    """
    forward._check(forward.start(inputs.shape[1]), inputs)
    starts = torch.stack([forward.start(inputs.shape[1]), backward.start(inputs.shape[1])])
    weights = [*forward.weights, *backward.weights]
    outputs, ends = torch.gru(inputs, starts, weights, True, 1, 0.0, forward.training, True, False)
    return outputs, torch.cat(list(ends), -1)
