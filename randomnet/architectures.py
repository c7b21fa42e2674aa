"""Networks for tasks that no connectome constrains: a cell (GRU, neural ODE, ...) with a linear readout."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.cells import CELLS, Layer, TrainableModule, cell_from_description


class CellNetwork(TrainableModule):
    """A cell whose states a linear layer reads out; its initial state is learnt. What training asks of a `Network`.

    cell: a name of CELLS; channels, size, outputs: of input, state and readout; options: the cell's own. All values are
    drawn from `rng`. Raises ValueError for sizes that cannot be.
    """

    rank = 0

    def __init__(
        self, cell: str, channels: int, size: int, outputs: int, rng: np.random.Generator, **options: Any
    ) -> None:
        super().__init__()
        self.cell, self.outputs = CELLS[cell](channels, size, rng, **options), outputs
        self.readout = Layer(size, outputs, rng)

    @property
    def n(self) -> int:
        """States."""
        return self.cell.size

    def run(self, inputs: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """States (time, batch, n) after each step of inputs (time, batch, channels), and the readout then.

        noise: (time, batch, n), added to each state after it has been read out, as the computation-through-dynamics
        benchmark's noisy GRU has it; the states with noise are what the next step starts from.
        """
        state = self.cell.start(inputs.shape[1])
        if noise is None:
            states = self.cell.unroll(state, inputs)
            return states, self.readout(states)
        states = []
        for x, more in zip(inputs, noise, strict=True):
            states.append(self.cell.step(state, x))
            state = states[-1] + more
        stacked = torch.stack(states)
        return stacked, self.readout(stacked)

    def forward(self, inputs: Tensor) -> Tensor:
        """Readout (batch, time, outputs) at every step of inputs (batch, time, channels)."""
        return self.run(inputs.transpose(0, 1))[1].transpose(0, 1)

    def fingerprint(self) -> list[Tensor]:
        """What tells it from others."""
        return list(self.values().values())

    def description(self) -> dict[str, Any]:
        """Plain values that `cell_network_from_description` builds it from, but for its parameters."""
        return {"architecture": self.cell.description(), "outputs": self.outputs}


def cell_network_from_description(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> CellNetwork:
    """The network of a `description()` with such `values()`, without gradient. Raises ValueError or KeyError."""
    cell = cell_from_description(description["architecture"])
    network = CellNetwork(cell.name, cell.channels, cell.size, description["outputs"], np.random.default_rng(0),
                          **cell.options())  # fmt: skip
    network.to(cell.initial.dtype).assign(values)
    return network.requires_grad_(False)
