"""The likelihood of spikes as something to train on, and what a model makes of trials once it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.inference.draws import Chance, Draws, Order
from randomnet.inference.interface import Inferred, Inferrer
from randomnet.inference.losses import poisson, ramp
from randomnet.metrics import co_bps
from randomnet.objectives import Measured


@dataclass(frozen=True)
class Fold:
    """Trials on the device: spikes (time, trials, N), inputs (time, trials, channels) float32."""

    spikes: Tensor
    inputs: Tensor

    def __len__(self) -> int:
        """Trials."""
        return self.spikes.shape[1]

    def only(self, trials: np.ndarray) -> "Fold":
        """Some of the trials."""
        index = torch.from_numpy(np.asarray(trials, np.int64)).to(self.spikes.device)
        return Fold(self.spikes[:, index], self.inputs[:, index])


def fold_of(spikes: np.ndarray, inputs: np.ndarray | None, device: torch.device | str = "cpu") -> Fold:
    """Trials of spikes (trials, time, N) and inputs (trials, time, channels), None for none. Raises ValueError."""
    if inputs is None:
        inputs = np.zeros((*spikes.shape[:2], 0), np.float32)
    if spikes.ndim != 3 or inputs.ndim != 3 or inputs.shape[:2] != spikes.shape[:2]:
        raise ValueError(f"spikes (trials, time, N) and inputs (trials, time, channels) must agree, got {spikes.shape} "
                         f"and {inputs.shape}")  # fmt: skip
    turned = (torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1))) for array in
              (spikes.astype(np.float32), inputs.astype(np.float32)))  # fmt: skip
    return Fold(*(each.to(device) for each in turned))


@dataclass(frozen=True)
class Terms:
    """What is minimised: scale (NLL + ramp(epoch) sum of weight penalty), and coordinated dropout.

    weights: of a model's penalties, by name. coordinated: share of the entries of the held-in spikes that is hidden
    from the model; the gradient is that of these and of held-out neurons alone. 0 = all is seen, and counts.
    """

    scale: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)
    coordinated: float = 0.0


@dataclass(frozen=True)
class SpikeObjective:
    """One model of the spikes of all neurons, of which it sees the first ones.

    train_loss and validate_loss are the NLL of all neurons (of training: with dropout and samples, before the updates);
    validate_co_bps is of the neurons that it does not see.
    """

    training: Fold
    validation: Fold
    batch_size: int
    order: Order
    draws: Draws
    terms: Terms = field(default_factory=Terms)

    def batches(self) -> Sequence[Fold]:
        """The training trials in a new order."""
        return [self.training.only(trials) for trials in self.order.next(len(self.training), self.batch_size)]

    def measure(self, networks: Sequence[Inferrer], batch: Fold, fresh: bool = False) -> list[Measured]:
        """The loss of the one model on a batch; fresh: its NLL as it is reported, without dropout and samples."""
        (model,) = networks
        chance = None if fresh else self.draws.next()
        seen, kept = self._shown(batch.spikes[..., : model.heldin], chance)
        found = model.infer(seen, batch.inputs, chance)
        log_rates = found.log_rates
        if kept is not None:
            log_rates = _blocked(log_rates, kept)
        nll = poisson(log_rates, batch.spikes)
        loss, figures = nll, {"train_loss": float(nll.detach())}
        if fresh:
            return [Measured(loss, figures, len(batch))]
        level = ramp(self.order.epochs - 1)
        for name, penalty in found.penalties.items():
            loss = loss + level * self.terms.weights.get(name, 0.0) * penalty
            figures[f"train_{name}"] = float(penalty.detach())
        return [Measured(self.terms.scale * loss, figures, len(batch))]

    def _shown(self, spikes: Tensor, chance: Chance | None) -> tuple[Tensor, Tensor | None]:
        """What the model sees, with the same mean, and which entries these are; None for all."""
        share = self.terms.coordinated
        if not share or chance is None:
            return spikes, None
        kept = chance.kept(spikes, share)
        return spikes * kept / (1 - share), kept

    @torch.no_grad()
    def validate(self, networks: Sequence[Inferrer], epoch: int | None) -> list[dict[str, float]]:
        """NLL, and bits per spike of held-out neurons, on the trials held back."""
        (model,) = networks
        found = rates_of(model, self.validation, self.batch_size)
        return [{f"validate_{name}": value for name, value in judged(found, self.validation, model.heldin).items()}]

    def only(self, indices: Sequence[int]) -> "SpikeObjective":
        """That of the one model."""
        return self

    def states(self) -> list[dict[str, Any]]:
        """How many epochs and updates there were."""
        return [{"epochs": self.order.epochs, "updates": self.draws.updates}]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        (state,) = states
        self.order.epochs, self.draws.updates = state["epochs"], state["updates"]


def _blocked(log_rates: Tensor, kept: Tensor) -> Tensor:
    """The same, without gradient where the model saw the entry."""
    heldin = kept.shape[-1]
    seen = torch.where(kept, log_rates[..., :heldin].detach(), log_rates[..., :heldin])
    return torch.cat([seen, log_rates[..., heldin:]], -1)


@torch.no_grad()
def rates_of(model: Inferrer, fold: Fold, batch_size: int) -> Tensor:
    """Log rates (time, trials, N) of all trials, so many at a time."""
    return torch.cat([found.log_rates for found in _in_parts(model, fold, batch_size)], 1)


def _in_parts(model: Inferrer, fold: Fold, batch_size: int) -> Iterator[Inferred]:
    for start in range(0, len(fold), batch_size):
        part = fold.only(np.arange(start, min(start + batch_size, len(fold))))
        yield model.infer(part.spikes[..., : model.heldin], part.inputs)


def judged(log_rates: Tensor, fold: Fold, heldin: int) -> dict[str, float]:
    """NLL of all neurons as `loss`, and co_bps where there are neurons held out that have spikes."""
    found = {"loss": float(poisson(log_rates, fold.spikes))}
    hidden, rates = fold.spikes[..., heldin:], log_rates[..., heldin:].exp()
    if hidden.shape[-1] and bool(hidden.any()) and bool(rates.isfinite().all()):
        found["co_bps"] = co_bps(hidden.cpu().numpy(), rates.cpu().numpy(), 0)
    return found


@torch.no_grad()
def inferred_arrays(model: Inferrer, fold: Fold, batch_size: int) -> dict[str, np.ndarray]:
    """rates (trials, time, N), latents (trials, time, D), start (trials, D) and, where there are any, factors and
    inferred_inputs, of all trials; float32."""
    parts = list(_in_parts(model, fold, batch_size))
    joined = {
        "rates": [found.log_rates.exp() for found in parts],
        "latents": [found.latents for found in parts],
        "factors": [found.factors for found in parts],
        "inferred_inputs": [found.inputs for found in parts],
    }
    arrays = {name: torch.cat(each, 1).transpose(0, 1) for name, each in joined.items() if each[0] is not None}
    arrays["start"] = torch.cat([found.start for found in parts])
    return {name: array.float().cpu().numpy() for name, array in arrays.items()}
