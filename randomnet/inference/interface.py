"""The interface of a model of recordings: spikes of held-in neurons and inputs in, rates of all neurons out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from randomnet.cells import TrainableModule, set_parameters
from randomnet.display import Displayed
from randomnet.inference.randomness import Sampler


@dataclass(frozen=True, repr=False)
class Inference(Displayed):
    """What a model infers from trials; all (time, batch, .) but start.

    log_rates: log of the expected spikes per bin, of all neurons. latents: states of the unrolled system. start: the
    state (batch, D) before the first bin. factors, inputs: of LFADS, the factors that the readout reads and the inputs
    that the controller infers. penalties: scalars by name, which the loss adds with weights. other_log_rates: those of
    a second system that is trained with the first one, whose likelihood the loss adds.
    """

    log_rates: Tensor
    latents: Tensor
    start: Tensor
    factors: Tensor | None = None
    inputs: Tensor | None = None
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    other_log_rates: Tensor | None = None

    def summary(self) -> str:
        """The numbers of trials, bins, neurons and latents."""
        bins, trials, neurons = self.log_rates.shape
        return f"{trials} trials, {bins} bins, {neurons} neurons, {self.latents.shape[-1]} latents"


class InferenceModel(TrainableModule, ABC):
    """A model of recordings, made of parts that are learners, too.

    heldin: the number of held-in neurons, which come first; neurons: of all neurons, whose rates are inferred;
    channels: of the inputs; size: of the latents.
    """

    heldin: int
    neurons: int
    channels: int
    size: int

    @abstractmethod
    def infer(self, spikes: Tensor, inputs: Tensor, sampler: Sampler | None = None) -> Inference:
        """Infer from held-in spikes (time, batch, heldin) and inputs (time, batch, channels).

        sampler: draws dropout and posterior samples; None means no dropout, and posterior means. Raises ValueError.
        """

    @abstractmethod
    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The latents (batch, size) one bin after `state`, with inputs x (batch, channels) and no inferred inputs."""

    @abstractmethod
    def log_rates(self, states: Tensor) -> Tensor:
        """Log of the expected spikes per bin (..., neurons) at latents (..., size)."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Plain values and tensors from which `restore_model` builds it, without its parameters."""

    def _parts(self) -> Iterable[tuple[str, Any]]:
        """Name and module of each part, all of which have `values`, `assign` and `project`."""
        return self.named_children()

    def values(self) -> dict[str, Tensor]:
        """Copies of all parameters; those of a part are prefixed with its name."""
        values = {name: parameter.detach().clone() for name, parameter in self.named_parameters(recurse=False)}
        for name, part in self._parts():
            values |= {f"{name}.{key}": value for key, value in part.values().items()}
        return values

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set all parameters from the `values()` of a model of the same shape. Raises ValueError."""
        for name, part in self._parts():
            try:
                part.assign(select_prefix(values, name))
            except (KeyError, ValueError) as error:
                raise ValueError(f"{name}: {error}") from None
        set_parameters(self.named_parameters(recurse=False), values)

    def project(self) -> None:
        """Restore the constraints of its parts after an update."""
        for _, part in self._parts():
            part.project()

    def check(self, spikes: Tensor, inputs: Tensor) -> None:
        """Raise ValueError unless spikes and inputs have the shapes of `infer`."""
        if spikes.ndim != 3 or spikes.shape[2] != self.heldin or not spikes.shape[0]:
            raise ValueError(f"spikes must have shape (time, batch, {self.heldin}), got {tuple(spikes.shape)}")
        if inputs.shape != (*spikes.shape[:2], self.channels):
            expected = (*spikes.shape[:2], self.channels)
            raise ValueError(f"inputs must have shape {expected}, got {tuple(inputs.shape)}")


def select_prefix(values: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The values of one part, by their names within it."""
    return {key.removeprefix(f"{part}."): value for key, value in values.items() if key.startswith(f"{part}.")}
