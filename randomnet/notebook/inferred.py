"""Models of recordings (kind = fit) as modules that run on new spikes."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.display import Displayed
from randomnet.inference import InferenceModel
from randomnet.notebook.activity import Activity
from randomnet.recordings import Recording, Split


class NotebookModel(Displayed, nn.Module):
    """A model that infers rates and latents from spikes. module: the model; name: of its run."""

    def __init__(self, module: InferenceModel, name: str = "") -> None:
        super().__init__()
        self.module, self.name = module, name

    def forward(self, spikes: Tensor, inputs: Tensor | None = None) -> Tensor:
        """Expected spikes per bin (trials, time, neurons) of spikes (trials, time, held-in neurons)."""
        return self._infer(spikes, inputs).log_rates.exp().transpose(0, 1)

    def run(self, spikes: Any, inputs: Any = None) -> Activity:
        """Rates as outputs, latents as states, and the spikes of all neurons as targets where they are known.

        spikes: (trials, time, neurons), of the held-in neurons or of all; or a `Split`, or the test trials of a
        `Recording`. inputs: (trials, time, channels), where the model has some. Raises ValueError for other shapes.
        """
        if isinstance(spikes, Recording):
            spikes = spikes.splits.get("test", spikes.splits["valid"])
        if isinstance(spikes, Split):
            channels = self.module.channels
            inputs = spikes.inputs if inputs is None and channels else inputs
            spikes = spikes.spikes
        is_tensor = isinstance(spikes, Tensor)
        counts: Any = spikes if is_tensor else torch.from_numpy(np.asarray(spikes).astype(np.float32))
        with torch.no_grad():
            inferred = self._infer(counts, inputs)
        found = [part.transpose(0, 1) for part in (inferred.log_rates.exp(), inferred.latents)]
        outputs, states = found if is_tensor else [part.cpu().numpy() for part in found]
        targets = spikes if counts.shape[2] == self.module.neurons else None
        return Activity(spikes, outputs, states, None, targets)

    def _infer(self, spikes: Tensor, inputs: Any) -> Any:
        like = next(iter(self.module.parameters()))
        if spikes.ndim != 3 or spikes.shape[2] not in (self.module.heldin, self.module.neurons):
            raise ValueError(
                f"spikes: expected shape (trials, time, {self.module.heldin}) of held-in neurons, or "
                f"{self.module.neurons} of all, got {tuple(spikes.shape)}"
            )
        held_in = spikes[..., : self.module.heldin].to(like).transpose(0, 1)
        if inputs is None:
            driven = like.new_zeros(*held_in.shape[:2], self.module.channels)
        else:
            driven = torch.as_tensor(np.asarray(inputs)).to(like).transpose(0, 1)
        self.module.check(held_in, driven)
        return self.module.infer(held_in, driven)

    def summary(self) -> str:
        """The name, neurons, latents and parameters."""
        values = sum(parameter.numel() for parameter in self.module.parameters())
        module = self.module
        return (f"{self.name}: {module.heldin} of {module.neurons} neurons seen, {module.size} latents, "
                f"{values:,} values")  # fmt: skip

    def __repr__(self) -> str:
        """One line."""
        return f"Model {self.summary()}"
