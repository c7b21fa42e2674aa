"""Models of kind = fit as systems: start states, step and rates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from randomnet import results
from randomnet.artifacts.trained_networks import read_model
from randomnet.inference import InferenceModel, restore_model
from randomnet.settings import ConfigError


@dataclass(frozen=True, eq=False)
class InferredSystem:
    """A system that was inferred from spikes, with n latents, input channels and neurons; a step is one bin.

    starts: name of a split -> (trials, n), the encoder's states before the first bin.
    """

    model: InferenceModel
    starts: dict[str, Tensor]
    dt: float = 1.0

    @property
    def n(self) -> int:
        """The number of latents."""
        return self.model.size

    @property
    def channels(self) -> int:
        """The number of given inputs; inferred inputs are 0 in `step`."""
        return self.model.channels

    @property
    def neurons(self) -> int:
        """The number of neurons, held in or out."""
        return self.model.neurons

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the states (batch, n) one bin later, under inputs x (batch, channels); differentiable."""
        return self.model.step(state, x)

    def rates(self, states: Tensor) -> Tensor:
        """Return expected spikes per bin (..., neurons) at states (..., n)."""
        return self.log_rates(states).exp()

    def log_rates(self, states: Tensor) -> Tensor:
        """Return the logarithm of these rates."""
        return self.model.log_rates(states)


def load_inferred(folder: results.RunFolder, which: str = "best", double: bool = False) -> InferredSystem:
    """Return the model, best or last, of a run of kind = fit, whose parameters have no gradient.

    The start states are always those of the best model. double: in float64. Raises ConfigError.
    """
    path = folder.path / "model.pt"
    saved = read_model(path)
    try:
        model = restore_model(saved["description"], saved[which]).requires_grad_(False)
        dtype = torch.float64 if double else torch.float32
        starts = {name.removesuffix("_start"): torch.from_numpy(array).to(dtype)
                  for name, array in folder.arrays.items() if name.endswith("_start")}  # fmt: skip
        return InferredSystem(model.to(dtype), starts)
    except Exception as error:  # an edited file can raise nearly anything
        came = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ConfigError(f"[source] folder: expected a model.pt of kind = fit, got {path}: {came}") from None
