"""Networks of kind = train that were trained on a task, as systems: states, step and readout."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from randomnet import results
from randomnet.architectures import CellNetwork, cell_network_from_description
from randomnet.rnn import Dynamics, Network, with_input
from randomnet.settings import ConfigError
from randomnet.simulation import TrainableRateNetwork, network_of_model


class TrainedSystem(ABC):
    """A trained system with n states, input channels and outputs; dt is the time of a step in tau.

    Its parameters have no gradient, and the precision of training unless it was loaded in double precision.
    """

    n: int
    channels: int
    outputs: int
    dt: float

    @abstractmethod
    def rest(self, batch: int) -> Tensor:
        """Return the states (batch, n) that trials start from."""

    @abstractmethod
    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the states (batch, n) one step later, under inputs x (batch, channels)."""

    @abstractmethod
    def readout(self, states: Tensor) -> Tensor:
        """Return outputs (..., outputs) of states (..., n)."""

    @torch.no_grad()
    def run(self, inputs: Tensor, after: Callable[[Tensor], Tensor] = lambda states: states) -> tuple[Tensor, Tensor]:
        """Return states (batch, time, n) after each step of inputs (batch, time, channels), and the outputs there.

        after: a function of the states (batch, n) that is applied after each step, such as noise. Raises ValueError for
        another number of channels.
        """
        if inputs.ndim != 3 or inputs.shape[2] != self.channels:
            raise ValueError(f"inputs must have shape (batch, time, {self.channels}), got {tuple(inputs.shape)}")
        state = self.rest(len(inputs))
        states = []
        for x in inputs.to(state).unbind(1):
            state = after(self.step(state, x))
            states.append(state)
        all_states = torch.stack(states, 1)
        return all_states, self.readout(all_states)


@dataclass(frozen=True, eq=False)
class TrainedNetwork(TrainedSystem):
    """A RandomNet network: the state is h in the current form, and the rates in the rate form."""

    system: Dynamics
    interface: Mapping[str, Tensor]

    @property
    def n(self) -> int:  # type: ignore[override]
        """The number of neurons."""
        return self.system.gains.shape[-1]

    @property
    def channels(self) -> int:  # type: ignore[override]
        """The number of input channels."""
        return self.interface["input_weights"].shape[1]

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """The number of outputs."""
        return len(self.interface["readout_weights"])

    @property
    def dt(self) -> float:  # type: ignore[override]
        """The time of a step, in tau."""
        return self.system.dt

    def rest(self, batch: int) -> Tensor:
        """Return zeros."""
        return self.system.gains.new_zeros(batch, self.n)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the states after a step with the drive of x, added to the constant drive."""
        return with_input(self.system, self.interface, x).step(state)

    def readout(self, states: Tensor) -> Tensor:
        """Return the readout of the rates."""
        weights, bias = (self.interface[f"readout_{name}"] for name in ("weights", "bias"))
        return self.system.rates(states) @ weights.mT + bias


class TrainedRates(TrainedSystem):
    """A network with its own dynamics, without noise: the state is the whole one, of which the rates come first."""

    def __init__(self, network: TrainableRateNetwork) -> None:
        self.network, self.dt = network, network.dt
        self.channels = network.interface["input_weights"].shape[1]
        self.outputs = len(network.interface_tensors()["readout_weights"])
        self.system = network.driven_by_trials(torch.zeros(1, 1, self.channels).to(network.weights.start))
        self.n = len(self.system.rest)

    def rest(self, batch: int) -> Tensor:
        """Return the states at the start of trials: rates 0, full resources."""
        return self.system.rest.expand(batch, -1)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the whole states one step later, under the external input of x."""
        return torch.func.vmap(self.system.step)(state, self.network.external_input(x).expand(len(state), -1))

    def readout(self, states: Tensor) -> Tensor:
        """Return the readout of the rates."""
        interface = self.network.interface_tensors()
        return states[..., : self.network.n] @ interface["readout_weights"].mT + interface["readout_bias"]


@dataclass(frozen=True, eq=False)
class TrainedCells(TrainedSystem):
    """A network of cells; a step is the unit of its time."""

    network: CellNetwork
    dt: float = 1.0

    @property
    def n(self) -> int:  # type: ignore[override]
        """The number of states."""
        return self.network.n

    @property
    def channels(self) -> int:  # type: ignore[override]
        """The number of input channels."""
        return self.network.cell.channels

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """The number of outputs."""
        return self.network.outputs

    def rest(self, batch: int) -> Tensor:
        """Return the learnt initial state."""
        return self.network.cell.start(batch)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the states after a step of the cell."""
        return self.network.cell.step(state, x)

    def readout(self, states: Tensor) -> Tensor:
        """Return the readout of the states."""
        return self.network.readout(states)


def load_trained(folder: results.RunFolder, which: str = "best", double: bool = False) -> TrainedSystem:
    """Return the network, best or last, in the model.pt of a complete run of kind = train on a task.

    Raises ConfigError.
    """
    path = folder.path / "model.pt"
    saved = read_model(path)
    try:
        network = network_of_file(saved, which)
    except Exception as error:  # an edited file can raise nearly anything
        came = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ConfigError(f"[source] folder: expected a model.pt of this version, got {path}: {came}") from None
    try:
        return system_of_network(network, double)
    except ValueError as error:
        raise ConfigError(f"[source] folder: {error}, got {path}") from None


def network_of_file(saved: Mapping[str, Any], which: str) -> Network | CellNetwork:
    """Return the network, initial, best or last, of the content of a model.pt of kind = train.

    Raises KeyError, ValueError or TypeError for other content.
    """
    if "architecture" in saved["network"]:
        return cell_network_from_description(saved["network"], saved[which])
    return network_of_model(saved["network"], saved[which])


def system_of_network(network: Network | CellNetwork, double: bool = False) -> TrainedSystem:
    """Return a network with input weights and readout as a system, whose parameters have no gradient.

    double: a copy in float64. Raises ValueError for a network without input weights, and for one whose rates have no
    state.
    """
    network = copy.deepcopy(network).double().requires_grad_(False) if double else network
    if isinstance(network, CellNetwork):
        return TrainedCells(network)
    if not network.interface:
        raise ValueError("expected a network trained on a task")
    if isinstance(network, TrainableRateNetwork):
        if network.rates.arguments["tau_rate"] is None:
            raise ValueError("expected a network with dynamics.rate_filter = True")
        return TrainedRates(network)
    interface = {name: value.detach() for name, value in network.interface_tensors().items()}
    return TrainedNetwork(network.autonomous(), interface)


def read_model(path: Path) -> dict[str, Any]:
    """Return the content of a model.pt. Raises ConfigError."""
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"[source] folder: expected a model.pt in it, got {path}: {type(error).__name__}") from None
    if not isinstance(saved, dict):
        raise ConfigError(f"[source] folder: expected a model.pt in it, got {path} with a {type(saved).__name__}")
    return saved
