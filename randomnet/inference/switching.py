"""JSLDS, a jointly trained switching linear dynamical system (Smith, Linderman and Sussillo 2021), as a decoder.

A GRU F is trained together with its own linearisation. In each bin an expansion network proposes a fixed point of F
without input, h* = s + MLP(s), from the state s of the bin before; the switching system then takes the linear step

    s <- h* + dF/dh (s - h*) + dF/dx x,  both derivatives at (h*, 0).

Three penalties make it faithful: the likelihood of the rates of F, |F(h*, 0) - h*|^2, and |h - s|^2 between the
trajectories of both systems. Latents and rates are those of the switching system.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.cells import Cell, Layer, TrainableModule, cell_from_description
from randomnet.inference.decoders import Decoder
from randomnet.inference.interface import Inference, select_prefix

EXPANSION, APPROXIMATION = "expansion", "approximation"  # names of the penalties


class ExpansionNetwork(TrainableModule):
    """The residual network of two layers, tanh between them, that proposes expansion points.

    Its last layer starts at 0, so that the first points are the states themselves. A random one makes linear steps of
    an untrained network explode within a hundred bins.
    """

    def __init__(self, size: int, units: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.hidden, self.last = Layer(size, units, rng), Layer(units, size, rng)
        with torch.no_grad():
            self.last.weight.zero_()
            self.last.bias.zero_()

    def forward(self, states: Tensor) -> Tensor:
        """Expansion points (..., size) for states (..., size)."""
        return states + self.last(self.hidden(states).tanh())


class SwitchingDecoder(Decoder):
    """The linear steps around expansion points of a cell, and a readout; units: of the expansion network."""

    def __init__(self, cell: Cell, neurons: int, units: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.size, self.channels, self.neurons, self.units = cell.size, cell.channels, neurons, units
        cell.initial.requires_grad_(False)
        self.cell, self.readout = cell, cell.readout(neurons, rng)
        self.expansion = ExpansionNetwork(cell.size, units, rng)

    def linear_step(self, state: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The next state, the expansion point h* and F(h*, 0), (batch, size) each."""
        point = self.expansion(state)
        after, change, *_ = torch.func.jvp(self.cell.step, (point, torch.zeros_like(x)), (state - point, x))
        return point + change, point, after

    def infer(self, start: Tensor, inputs: Tensor) -> Inference:
        """States and rates of the switching system, rates of the cell, and the penalties of their differences."""
        state, steps = start, []
        for x in inputs.unbind(0):
            state, point, after = self.linear_step(state, x)
            steps.append((state, point, after))
        states, points, afters = (torch.stack(each) for each in zip(*steps, strict=True))
        of_cell = self.cell.unroll(start, inputs)
        penalties = {
            EXPANSION: (afters - points).square().sum(-1).mean(),
            APPROXIMATION: (of_cell - states).square().sum(-1).mean(),
        }
        other = self.readout(of_cell)
        return Inference(self.readout(states), states, start, penalties=penalties, other_log_rates=other)

    def decode(self, start: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """States and log rates of the switching system after each step of inputs, from start."""
        inference = self.infer(start, inputs)
        return inference.latents, inference.log_rates

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The states (batch, size) after a step with inputs x (batch, channels)."""
        return self.linear_step(state, x)[0]

    def log_rates(self, states: Tensor) -> Tensor:
        """Log rates (..., neurons) at states (..., size)."""
        return self.readout(states)

    def description(self) -> dict[str, Any]:
        """What `switching_decoder_of` builds it from, without its parameters."""
        return {"kind": "jslds", "cell": self.cell.description(), "neurons": self.neurons, "units": self.units}


def switching_decoder_of(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> SwitchingDecoder:
    """The decoder with a `description()` and `values()`, for analysis. Raises ValueError, or KeyError."""
    cell, rng = cell_from_description(description["cell"]), np.random.default_rng(0)
    decoder = SwitchingDecoder(cell, description["neurons"], description["units"], rng)
    for name in ("cell", "readout", "expansion"):
        getattr(decoder, name).assign(select_prefix(values, name))
    return decoder
