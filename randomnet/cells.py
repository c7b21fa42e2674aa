"""Recurrent cells that no connectome constrains: for tasks, and for models that infer dynamics from recordings.

| name   | a step                                                                                 | in torch      |
|--------|----------------------------------------------------------------------------------------|---------------|
| gru    | r, z = sigmoid(W x + b + U h + c), n = tanh(W x + b + r (U h + c)); h <- n + z (h - n) | nn.GRU, fused |
| rnn    | h <- tanh(W x + b + U h + c)                                                           | nn.RNN, fused |
| linear | h <- A h + B x + b                                                                     | step by step  |
| node   | h <- h + .1 MLP([h, x]), ReLU between its layers                                       | step by step  |

Inputs are (time, batch, channels), states (batch, size); there may be no channels. All values are drawn from the numpy
generator that is given, from the distributions that torch's own modules begin with: U(+-1/sqrt(size)), in an MLP
U(+-1/sqrt(fan in)). The state that trials start from is learnt as well, from 0.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

GATES = 3  # of a GRU: reset, update, new
NODE_STEP = 0.1  # of a node: what an Euler step adds


def uniform_parameter(shape: tuple[int, ...], bound: float, rng: np.random.Generator) -> nn.Parameter:
    """A parameter from U(+-bound), float32."""
    return nn.Parameter(torch.from_numpy(rng.uniform(-bound, bound, shape).astype(np.float32)))


class TrainableModule(nn.Module):
    """A module as the training loop takes it: all its parameters by name, and nothing to be kept after an update."""

    def values(self) -> dict[str, Tensor]:
        """Copies of all parameters."""
        return {name: parameter.detach().clone() for name, parameter in self.named_parameters()}

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set all parameters from `values()` of a module of the same shape. Raises ValueError."""
        set_parameters(self.named_parameters(), values)

    def project(self) -> None:
        """Nothing constrains the parameters."""


@torch.no_grad()
def set_parameters(parameters: Iterable[tuple[str, Tensor]], values: Mapping[str, Tensor]) -> None:
    """Set parameters from values of their names. Raises ValueError where one is missing or has another shape."""
    for name, parameter in parameters:
        if name not in values or values[name].shape != parameter.shape:
            came = tuple(values[name].shape) if name in values else "none"
            raise ValueError(f"{name}: expected shape {tuple(parameter.shape)}, got {came}")
        parameter.copy_(values[name])


class Layer(TrainableModule):
    """y = x W' + b: torch.nn.Linear."""

    def __init__(self, channels: int, size: int, rng: np.random.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(max(1, channels))
        self.weight, self.bias = uniform_parameter((size, channels), bound, rng), uniform_parameter((size,), bound, rng)

    def forward(self, x: Tensor) -> Tensor:
        """(..., size) of x (..., channels)."""
        return nn.functional.linear(x, self.weight, self.bias)


class Cell(TrainableModule, ABC):
    """What all cells are: `start`, `step`, `unroll` and `description`. Raises ValueError for sizes that cannot be."""

    name = ""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        if channels < 0 or size < 1:
            raise ValueError(f"a cell must have at least one unit and 0 or more channels, got {size} and {channels}")
        self.channels, self.size = channels, size
        self.initial = nn.Parameter(torch.zeros(size))

    def start(self, batch: int) -> Tensor:
        """The state (batch, size) that trials start from, differentiable."""
        return self.initial.expand(batch, -1)

    @abstractmethod
    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The state (batch, size) after a step under x (batch, channels)."""

    @abstractmethod
    def unroll(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The states (time, batch, size) after each step under inputs (time, batch, channels). Raises ValueError."""

    def options(self) -> dict[str, Any]:
        """What it was built with besides its sizes."""
        return {}

    def description(self) -> dict[str, Any]:
        """Plain values that `cell_from_description` builds it from, but for its parameters."""
        precision = str(self.initial.dtype).removeprefix("torch.")
        sizes = {"channels": self.channels, "size": self.size}
        return {"cell": self.name, **sizes, "precision": precision, **self.options()}

    def _check(self, state: Tensor, inputs: Tensor) -> None:
        if inputs.ndim != 3 or inputs.shape[2] != self.channels:
            raise ValueError(f"inputs must have shape (time, batch, {self.channels}), got {tuple(inputs.shape)}")
        if state.shape != (inputs.shape[1], self.size):
            raise ValueError(f"state must have shape ({inputs.shape[1]}, {self.size}), got {tuple(state.shape)}")


class _Fused(Cell):
    """Cells whose unrolling is one of torch's kernels; weights under torch's names."""

    gates = 1
    kernels: tuple[Callable[..., Tensor], Callable[..., tuple[Tensor, Tensor]]]  # of one step, of all

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
        """In torch's order."""
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The state (batch, size) after a step under x (batch, channels)."""
        return self.kernels[0](x, state, *self.weights)

    def unroll(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The states (time, batch, size) after each step under inputs (time, batch, channels). Raises ValueError."""
        self._check(state, inputs)
        return self.kernels[1](inputs, state[None], self.weights, True, 1, 0.0, self.training, False, False)[0]


class GRU(_Fused):
    """nn.GRU of one layer."""

    name, gates = "gru", GATES
    kernels = torch.gru_cell, torch.gru


class Elman(_Fused):
    """nn.RNN of one layer, with tanh."""

    name = "rnn"
    kernels = torch.rnn_tanh_cell, torch.rnn_tanh


class _Stepped(Cell):
    """Cells that are unrolled step by step, but for what the inputs add, which is one product for all steps."""

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The state (batch, size) after a step under x (batch, channels)."""
        return self._moved(state, self._drive(x))

    def unroll(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The states (time, batch, size) after each step under inputs (time, batch, channels). Raises ValueError."""
        self._check(state, inputs)
        states = []
        for drive in self._drive(inputs).unbind(0):
            state = self._moved(state, drive)
            states.append(state)
        return torch.stack(states) if states else inputs.new_zeros(0, *state.shape)

    @abstractmethod
    def _drive(self, x: Tensor) -> Tensor:
        """What inputs (..., channels) add to the first product."""

    @abstractmethod
    def _moved(self, state: Tensor, drive: Tensor) -> Tensor:
        """The state after a step to which inputs add that."""


class LinearSystem(_Stepped):
    """A linear dynamical system."""

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

    def _moved(self, state: Tensor, drive: Tensor) -> Tensor:
        return torch.addmm(drive, state, self.transition.mT)


class NeuralODE(_Stepped):
    """A neural ODE in Euler steps: hidden_layers layers of `width` units. Raises ValueError for none."""

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
        """What it was built with besides its sizes."""
        return {"hidden_layers": self.hidden_layers, "width": self.width}

    def _drive(self, x: Tensor) -> Tensor:
        first = self.layers[0]
        return nn.functional.linear(x, first.weight[:, self.size :], first.bias)

    def _moved(self, state: Tensor, drive: Tensor) -> Tensor:
        first, *others = self.layers
        hidden = torch.addmm(drive, state, first.weight[:, : self.size].mT)
        for layer in others:
            hidden = layer(hidden.relu())
        return torch.add(state, hidden, alpha=NODE_STEP)


CELLS: dict[str, type[Cell]] = {"gru": GRU, "rnn": Elman, "linear": LinearSystem, "node": NeuralODE}


def cell_from_description(description: Mapping[str, Any]) -> Cell:
    """A cell of the shape that a `description()` has, for load_state_dict or assign. Raises ValueError."""
    given = dict(description)
    name, precision = given.pop("cell", None), given.pop("precision", "float32")
    if name not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {name!r}")
    if precision not in ("float32", "float64"):
        raise ValueError(f"precision must be float32 or float64, got {precision!r}")
    return CELLS[name](rng=np.random.default_rng(0), **given).to(getattr(torch, precision))


def run_bidirectional(there: GRU, back: GRU, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """A GRU of two directions over inputs (time, batch, channels), each from its start: outputs (time, batch, 2 size),
    and the states (batch, 2 size) that the directions end in, at the last and at the first step."""
    there._check(there.start(inputs.shape[1]), inputs)
    starts = torch.stack([there.start(inputs.shape[1]), back.start(inputs.shape[1])])
    weights = [*there.weights, *back.weights]
    outputs, ends = torch.gru(inputs, starts, weights, True, 1, 0.0, there.training, True, False)
    return outputs, torch.cat(list(ends), -1)
