"""Decoders, which unroll an initial state into latents and log rates: a cell of `cells`, or a network on a
connectome."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from randomnet.cells import Cell, TrainableModule, cell_from_description
from randomnet.inference.interface import Inference, select_prefix
from randomnet.rnn import Network, network_from_description, run_trials, with_input


class Decoder(TrainableModule, ABC):
    """size: of the states; channels: of the inputs; neurons: number of neurons whose log rates it computes."""

    size: int
    channels: int
    neurons: int

    @abstractmethod
    def decode(self, start: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """States (time, batch, size) and log rates (time, batch, neurons) after each step.

        start: initial state (batch, size). inputs: (time, batch, channels).
        """

    def infer(self, start: Tensor, inputs: Tensor) -> Inference:
        """What a model infers that is unrolled from start (batch, size) along inputs (time, batch, channels)."""
        states, log_rates = self.decode(start, inputs)
        return Inference(log_rates, states, start)

    @abstractmethod
    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The states (batch, size) after a step with inputs x (batch, channels)."""

    @abstractmethod
    def log_rates(self, states: Tensor) -> Tensor:
        """Log rates (..., neurons) at states (..., size)."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What `restore_decoder` builds it from, without its parameters."""


class CellDecoder(Decoder):
    """A cell and a linear readout; the cell's own learnable initial state is not used."""

    def __init__(self, cell: Cell, neurons: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.size, self.channels, self.neurons = cell.size, cell.channels, neurons
        cell.initial.requires_grad_(False)
        self.cell, self.readout = cell, cell.readout(neurons, rng)

    def decode(self, start: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """States and log rates after each step of inputs, from start."""
        states = self.cell.unroll(start, inputs)
        return states, self.readout(states)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The states (batch, size) after a step with inputs x (batch, channels)."""
        return self.cell.step(state, x)

    def log_rates(self, states: Tensor) -> Tensor:
        """Log rates (..., neurons) at states (..., size)."""
        return self.readout(states)

    def description(self) -> dict[str, Any]:
        """What `restore_decoder` builds it from, without its parameters."""
        return {"kind": "cell", "cell": self.cell.description(), "neurons": self.neurons}


class NetworkDecoder(Decoder):
    """A network with an interface, whose readout gives the log rates; its states are h, or the rates in the rate form.

    Raises ValueError for a network without an interface.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        if not network.interface:
            raise ValueError("a decoder must be a network with an interface, got one without")
        self.network, self.size = network, network.n
        self.channels = network.interface["input_weights"].shape[1]
        self.neurons = len(network.interface_tensors()["readout_weights"])

    def decode(self, start: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """States and log rates after each step of inputs, from start."""
        interface = self.network.interface_tensors()
        _, outputs, states = run_trials(self.network.dynamics(), interface, inputs, start, last=len(inputs))
        return states, outputs

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The states (batch, size) after a step with inputs x (batch, channels)."""
        return with_input(self.network.autonomous(), self.network.interface, x).step(state)

    def log_rates(self, states: Tensor) -> Tensor:
        """Log rates (..., neurons) at states (..., size)."""
        interface = self.network.interface_tensors()
        rates = self.network.dynamics().rates(states)
        return nn.functional.linear(rates, interface["readout_weights"], interface["readout_bias"])

    def values(self) -> dict[str, Tensor]:
        """Copies of the network's values."""
        return self.network.values()

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set the network's values. Raises ValueError."""
        self.network.assign(values)

    def project(self) -> None:
        """Restore the network's signs and bounds after an update."""
        self.network.project()

    def description(self) -> dict[str, Any]:
        """What `restore_decoder` builds it from, without its parameters."""
        return {"kind": "network", "network": self.network.description()}


def restore_decoder(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> Decoder:
    """The decoder with a `description()` and `values()`, for analysis; a network in it has no trainable parameters.

    Raises ValueError, or KeyError, where description and values do not fit.

    >>> import numpy as np
    >>> from randomnet.cells import CELLS
    >>> from randomnet.inference import Autoencoder, CellDecoder, restore_decoder
    >>> rng = np.random.default_rng(0)
    >>> model = Autoencoder(2, CellDecoder(CELLS['gru'](0, 4, rng), 3, rng), rng, 4, 0.0)
    >>> restore_decoder(model.decoder.description(), model.decoder.values()).neurons
    3
    """
    if description["kind"] == "network":
        return NetworkDecoder(network_from_description(description["network"], values))
    decoder = CellDecoder(cell_from_description(description["cell"]), description["neurons"], np.random.default_rng(0))
    decoder.cell.assign(select_prefix(values, "cell"))
    decoder.readout.assign(select_prefix(values, "readout"))
    return decoder
