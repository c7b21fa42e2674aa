"""Networks without a connectome, for tasks: a cell (GRU, neural ODE, ...) with a linear readout."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.cells import CELLS, TrainableModule, cell_from_description


class CellNetwork(TrainableModule):
    """A cell with a trained initial state and a linear readout, with the methods of `Network` that training needs.

    cell: a name in CELLS. channels, size, outputs: dimensions of input, state and readout. options: further arguments
    of the cell. Initial values are drawn with `rng`. Raises ValueError for invalid sizes.
    """

    rank = 0

    def __init__(
        self, cell: str, channels: int, size: int, outputs: int, rng: np.random.Generator, **options: Any
    ) -> None:
        super().__init__()
        self.cell, self.outputs = CELLS[cell](channels, size, rng, **options), outputs
        self.readout = self.cell.readout(outputs, rng)

    @property
    def n(self) -> int:
        """Number of state variables."""
        return self.cell.size

    def run(
        self, inputs: Tensor, noise: Tensor | None = None, initial_noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """States (time, batch, n) after each step of inputs (time, batch, channels), and their readout.

        noise: (time, batch, n), added to each state after its readout; the next step starts from the noisy state. This
        is the noisy GRU of the computation-through-dynamics benchmark. initial_noise: (batch, n), added to the initial
        state.
        """
        state = self.cell.start(inputs.shape[1])
        state = state if initial_noise is None else state + initial_noise
        if noise is None:
            states = self.cell.unroll(state, inputs)
            return states, self.readout(states)
        steps = []
        for x, step_noise in zip(inputs, noise, strict=True):
            steps.append(self.cell.step(state, x))
            state = steps[-1] + step_noise
        states = torch.stack(steps)
        return states, self.readout(states)

    def forward(self, inputs: Tensor) -> Tensor:
        """Readout (batch, time, outputs) at every step of inputs (batch, time, channels)."""
        return self.run(inputs.transpose(0, 1))[1].transpose(0, 1)

    def fingerprint(self) -> list[Tensor]:
        """Tensors that identify the network: all its values."""
        return list(self.values().values())

    def description(self) -> dict[str, Any]:
        """Plain values from which `cell_network_from_description` rebuilds the network, given its parameters."""
        return {"architecture": self.cell.description(), "outputs": self.outputs}


def cell_network_from_description(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> CellNetwork:
    """The network with this `description()` and these `values()`, without trainable parameters.

    Raises ValueError or KeyError where they do not match.
    """
    cell, rng = cell_from_description(description["architecture"]), np.random.default_rng(0)
    network = CellNetwork(cell.name, cell.channels, cell.units, description["outputs"], rng, **cell.options())
    network.to(cell.initial.dtype).assign(values)
    return network.requires_grad_(False)
