"""The training objective of models of recordings, the likelihood of spikes; and what a trained model infers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.inference.interface import Inference, InferenceModel
from randomnet.inference.losses import poisson, ramp
from randomnet.inference.randomness import Sampler, TrialOrder, UpdateSamplers
from randomnet.metrics import co_bps
from randomnet.objectives import Measurement, are_counts


@dataclass(frozen=True, repr=False)
class Fold(Brief):
    """Trials on the device: spikes (time, trials, N), inputs (time, trials, channels) float32."""

    spikes: Tensor
    inputs: Tensor

    def __len__(self) -> int:
        """Number of trials."""
        return self.spikes.shape[1]

    def select(self, trials: np.ndarray) -> "Fold":
        """The trials of these indices."""
        index = torch.from_numpy(np.asarray(trials, np.int64)).to(self.spikes.device)
        return Fold(self.spikes[:, index], self.inputs[:, index])


def make_fold(spikes: np.ndarray, inputs: np.ndarray | None, device: torch.device | str = "cpu") -> Fold:
    """The fold of spikes (trials, time, N) and inputs (trials, time, channels) or None. Raises ValueError.

    >>> import numpy as np
    >>> from randomnet.inference import make_fold
    >>> fold = make_fold(np.ones((5, 20, 3), np.uint8), None)
    >>> len(fold), fold.spikes.shape
    (5, torch.Size([20, 5, 3]))
    """
    if inputs is None:
        inputs = np.zeros((*spikes.shape[:2], 0), np.float32)
    if spikes.ndim != 3 or inputs.ndim != 3 or inputs.shape[:2] != spikes.shape[:2]:
        raise ValueError(f"spikes (trials, time, N) and inputs (trials, time, channels) must agree, got {spikes.shape} "
                         f"and {inputs.shape}")  # fmt: skip
    time_first = (torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1))) for array in
                  (spikes.astype(np.float32), inputs.astype(np.float32)))  # fmt: skip
    return Fold(*(tensor.to(device) for tensor in time_first))


@dataclass(frozen=True)
class LossWeights:
    """The training loss is scale (NLL + ramp(epoch) sum of weight penalty).

    weights: of a model's penalties, by name. coordinated: the rate of coordinated dropout, the share of the held-in
    spikes (entries) that is hidden from the model. The gradient is then that of hidden entries and of held-out neurons
    alone. With 0, all entries are seen and have a gradient. ramps: False where penalties have full weight from the
    first epoch.
    """

    scale: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)
    coordinated: float = 0.0
    ramps: bool = True


@dataclass(frozen=True)
class SpikeObjective:
    """The objective of one model of the spikes of all neurons, of which it sees the held-in ones.

    train_loss and validate_loss are the NLL of all neurons. In training, it is measured with dropout and samples,
    before the updates. validate_co_bps is that of the held-out neurons.
    """

    training: Fold
    validation: Fold
    batch_size: int
    order: TrialOrder
    samplers: UpdateSamplers
    loss_weights: LossWeights = field(default_factory=LossWeights)

    def batches(self) -> Sequence[Fold]:
        """The training trials in a new order."""
        return [self.training.select(trials) for trials in self.order.next(len(self.training), self.batch_size)]

    def measure(
        self, networks: Sequence[InferenceModel], batch: Fold, evaluation: bool = False
    ) -> list[Measurement]:
        """The loss of the one model on a batch; evaluation: its NLL alone, without dropout and samples."""
        (model,) = networks
        sampler = None if evaluation else self.samplers.next()
        visible, seen = self._coordinated_dropout(batch.spikes[..., : model.heldin], sampler)
        inference = model.infer(visible, batch.inputs, sampler)
        log_rates = inference.log_rates
        if seen is not None:
            log_rates = _block_gradient(log_rates, seen)
        nll = poisson(log_rates, batch.spikes)
        loss, figures = nll, {"train_loss": float(nll.detach())}
        if evaluation:
            return [Measurement(loss, figures, len(batch))]
        if inference.other_log_rates is not None:
            loss = loss + poisson(inference.other_log_rates, batch.spikes)
        level = ramp(self.order.epochs - 1) if self.loss_weights.ramps else 1.0
        for name, penalty in inference.penalties.items():
            loss = loss + level * self.loss_weights.weights.get(name, 0.0) * penalty
            figures[f"train_{name}"] = float(penalty.detach())
        return [Measurement(self.loss_weights.scale * loss, figures, len(batch))]

    def _coordinated_dropout(self, spikes: Tensor, sampler: Sampler | None) -> tuple[Tensor, Tensor | None]:
        """The spikes that the model sees, with the same mean, and a mask of the seen entries; None means all."""
        rate = self.loss_weights.coordinated
        if not rate or sampler is None:
            return spikes, None
        seen = sampler.keep_mask(spikes, rate)
        return spikes * seen / (1 - rate), seen

    @torch.no_grad()
    def validate(self, networks: Sequence[InferenceModel], epoch: int | None) -> list[dict[str, float]]:
        """NLL, and bits per spike of held-out neurons, on the validation trials."""
        (model,) = networks
        log_rates = log_rates_of(model, self.validation, self.batch_size)
        scores = fold_scores(log_rates, self.validation, model.heldin)
        return [{f"validate_{name}": value for name, value in scores.items()}]

    def select(self, indices: Sequence[int]) -> "SpikeObjective":
        """The objective itself, as it has one model only."""
        return self

    def states(self) -> list[dict[str, Any]]:
        """The numbers of epochs and updates so far."""
        return [{"epochs": self.order.epochs, "updates": self.samplers.updates}]

    def can_load(self, states: Sequence[Any]) -> bool:
        """Whether values of a file are such `states()`."""
        return are_counts(states, self.states())

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Resume from such `states()`."""
        (state,) = states
        self.order.epochs, self.samplers.updates = state["epochs"], state["updates"]


def _block_gradient(log_rates: Tensor, seen: Tensor) -> Tensor:
    """The log rates, without a gradient at the entries that the model saw."""
    heldin = seen.shape[-1]
    blocked = torch.where(seen, log_rates[..., :heldin].detach(), log_rates[..., :heldin])
    return torch.cat([blocked, log_rates[..., heldin:]], -1)


@torch.no_grad()
def log_rates_of(model: InferenceModel, fold: Fold, batch_size: int) -> Tensor:
    """Log rates (time, trials, N) of all trials, inferred batch by batch.

    >>> import numpy as np
    >>> from randomnet.cells import CELLS
    >>> from randomnet.inference import Autoencoder, CellDecoder, log_rates_of, make_fold
    >>> rng = np.random.default_rng(0)
    >>> model = Autoencoder(2, CellDecoder(CELLS['gru'](0, 4, rng), 3, rng), rng, 4, 0.0)
    >>> log_rates_of(model, make_fold(np.ones((5, 20, 3), np.uint8), None), batch_size=2).shape
    torch.Size([20, 5, 3])
    """
    return torch.cat([inference.log_rates for inference in _infer_batches(model, fold, batch_size)], 1)


def _infer_batches(model: InferenceModel, fold: Fold, batch_size: int) -> Iterator[Inference]:
    for start in range(0, len(fold), batch_size):
        batch = fold.select(np.arange(start, min(start + batch_size, len(fold))))
        yield model.infer(batch.spikes[..., : model.heldin], batch.inputs)


def fold_scores(log_rates: Tensor, fold: Fold, heldin: int) -> dict[str, float]:
    """NLL of all neurons as `loss`, and co_bps where there are held-out neurons that have spikes.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.inference import fold_scores, make_fold
    >>> fold = make_fold(np.ones((5, 20, 3), np.uint8), None)
    >>> fold_scores(torch.zeros(20, 5, 3), fold, heldin=2)
    {'loss': 1.0, 'co_bps': 0.0}
    """
    scores = {"loss": float(poisson(log_rates, fold.spikes))}
    heldout, rates = fold.spikes[..., heldin:], log_rates[..., heldin:].exp()
    if heldout.shape[-1] and bool(heldout.any()) and bool(rates.isfinite().all()):
        scores["co_bps"] = co_bps(heldout.cpu().numpy(), rates.cpu().numpy(), 0)
    return scores


@torch.no_grad()
def inferred_arrays(model: InferenceModel, fold: Fold, batch_size: int) -> dict[str, np.ndarray]:
    """What the model infers from all trials, float32: rates (trials, time, N), latents (trials, time, D), start
    (trials, D) and, for LFADS, factors and inferred_inputs.

    >>> import numpy as np
    >>> from randomnet.cells import CELLS
    >>> from randomnet.inference import Autoencoder, CellDecoder, inferred_arrays, make_fold
    >>> rng = np.random.default_rng(0)
    >>> model = Autoencoder(2, CellDecoder(CELLS['gru'](0, 4, rng), 3, rng), rng, 4, 0.0)
    >>> arrays = inferred_arrays(model, make_fold(np.ones((5, 20, 3), np.uint8), None), batch_size=2)
    >>> {name: array.shape for name, array in arrays.items()}
    {'rates': (5, 20, 3), 'latents': (5, 20, 4), 'start': (5, 4)}
    """
    inferences = list(_infer_batches(model, fold, batch_size))
    batches: dict[str, list[Any]] = {
        "rates": [inference.log_rates.exp() for inference in inferences],
        "latents": [inference.latents for inference in inferences],
        "factors": [inference.factors for inference in inferences],
        "inferred_inputs": [inference.inputs for inference in inferences],
    }
    arrays = {name: torch.cat(each, 1).transpose(0, 1) for name, each in batches.items() if each[0] is not None}
    arrays["start"] = torch.cat([inference.start for inference in inferences])
    return {name: array.float().cpu().numpy() for name, array in arrays.items()}


@torch.no_grad()
def forward_rates(model: InferenceModel, latents: np.ndarray, bins: int) -> np.ndarray:
    """Expected spikes (trials, bins, N) in the bins after latents (trials, D), float32, without any input.

    >>> import numpy as np
    >>> from randomnet.cells import CELLS
    >>> from randomnet.inference import Autoencoder, CellDecoder, forward_rates
    >>> rng = np.random.default_rng(0)
    >>> model = Autoencoder(2, CellDecoder(CELLS['gru'](0, 4, rng), 3, rng), rng, 4, 0.0)
    >>> forward_rates(model, np.zeros((5, 4), np.float32), bins=2).shape
    (5, 2, 3)
    """
    parameter = next(model.parameters())
    state = torch.from_numpy(latents).to(parameter)
    silence, rates = state.new_zeros(len(state), model.channels), []
    for _ in range(bins):
        state = model.step(state, silence)
        rates.append(model.log_rates(state).exp())
    return torch.stack(rates, 1).float().cpu().numpy()
