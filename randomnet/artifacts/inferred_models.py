"""Models of kind = fit as later stages see them: start states, step, rates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from randomnet import results
from randomnet.artifacts.trained_networks import read_model
from randomnet.inference import InferenceModel, restore_model
from randomnet.settings import ConfigError


@dataclass(frozen=True, eq=False)
class InferredSystem:
    """A system that was inferred from spikes: n latents, channels of given inputs, neurons; dt: a step is one bin.

    starts: name of a split -> (trials, n), the states before the first bin that its encoder found.
    """

    model: InferenceModel
    starts: dict[str, Tensor]
    dt: float = 1.0

    @property
    def n(self) -> int:
        """Latents."""
        return self.model.size

    @property
    def channels(self) -> int:
        """Of the inputs that it is given; inferred ones, where it infers some, are 0 in `step`."""
        return self.model.channels

    @property
    def neurons(self) -> int:
        """Held in or out."""
        return self.model.neurons

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The states (batch, n) one bin after `state` under inputs x (batch, channels); differentiable."""
        return self.model.step(state, x)

    def rates(self, states: Tensor) -> Tensor:
        """Expected spikes per bin (..., neurons) at states (..., n)."""
        return self.log_rates(states).exp()

    def log_rates(self, states: Tensor) -> Tensor:
        """Their logarithm."""
        return self.model.log_rates(states)


def load_inferred(folder: results.RunFolder, which: str = "best", double: bool = False) -> InferredSystem:
    """The model, best or last, of a run of kind = fit, without gradient of its parameters. Raises ConfigError.

    starts are those of the best model, whichever is loaded. double: in float64.
    """
    path = folder.path / "model.pt"
    saved = read_model(path)
    try:
        model = restore_model(saved["description"], saved[which]).requires_grad_(False)
        kind = torch.float64 if double else torch.float32
        starts = {name.removesuffix("_start"): torch.from_numpy(array).to(kind)
                  for name, array in folder.arrays.items() if name.endswith("_start")}  # fmt: skip
        return InferredSystem(model.to(kind), starts)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"[source] folder: expected a model.pt of kind = fit, got {path}: {error}") from None
