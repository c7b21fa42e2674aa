"""What a model of recordings is: spikes of held-in neurons and inputs in, rates of all neurons and latents out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from randomnet.cells import TrainableModule, set_parameters
from randomnet.inference.draws import Chance


@dataclass(frozen=True)
class Inferred:
    """What a model makes of trials; all (time, batch, .) but start.

    log_rates: log of the expected spikes per bin, of all neurons. latents: states of what generates them. start: the
    state (batch, D) before the first bin. factors, inputs: of LFADS, what the readout reads, and what the controller
    infers. penalties: by name, scalars that the loss adds with weights.
    """

    log_rates: Tensor
    latents: Tensor
    start: Tensor
    factors: Tensor | None = None
    inputs: Tensor | None = None
    penalties: Mapping[str, Tensor] = field(default_factory=dict)


class Inferrer(TrainableModule, ABC):
    """A model of recordings, made of parts that are learners, too.

    heldin: how many neurons, the first ones, it sees; neurons: of how many it tells the rates; channels: of the inputs;
    size: of the latents.
    """

    heldin: int
    neurons: int
    channels: int
    size: int

    @abstractmethod
    def infer(self, seen: Tensor, inputs: Tensor, chance: Chance | None = None) -> Inferred:
        """What it makes of spikes (time, batch, heldin) and inputs (time, batch, channels).

        chance: of its dropout and samples; None: without, with the means of its posteriors. Raises ValueError.
        """

    @abstractmethod
    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The latents (batch, size) one bin after `state`, under inputs x (batch, channels) and no inferred ones."""

    @abstractmethod
    def log_rates(self, states: Tensor) -> Tensor:
        """Log of the expected spikes per bin (..., neurons) at latents (..., size)."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Plain values and tensors that `inferrer_of` builds it from, but for its parameters."""

    def values(self) -> dict[str, Tensor]:
        """Copies of all parameters, of each part under its name."""
        found = {name: parameter.detach().clone() for name, parameter in self.named_parameters(recurse=False)}
        for name, part in self.named_children():
            found |= {f"{name}.{key}": value for key, value in part.values().items()}
        return found

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set all parameters from `values()` of a model of the same shape. Raises ValueError."""
        for name, part in self.named_children():
            own = {key[len(name) + 1 :]: value for key, value in values.items() if key.startswith(f"{name}.")}
            try:
                part.assign(own)
            except (KeyError, ValueError) as error:
                raise ValueError(f"{name}: {error}") from None
        set_parameters(self.named_parameters(recurse=False), values)

    def project(self) -> None:
        """Keep what constrains its parts after an update."""
        for _, part in self.named_children():
            part.project()

    def check(self, seen: Tensor, inputs: Tensor) -> None:
        """ValueError unless spikes and inputs have the shapes of `infer`."""
        if seen.ndim != 3 or seen.shape[2] != self.heldin or not seen.shape[0]:
            raise ValueError(f"spikes must have shape (time, batch, {self.heldin}), got {tuple(seen.shape)}")
        if inputs.shape != (*seen.shape[:2], self.channels):
            expected = (*seen.shape[:2], self.channels)
            raise ValueError(f"inputs must have shape {expected}, got {tuple(inputs.shape)}")
