"""The loss of a working-memory task: the mean over its scored steps of the squared error, or of the negative
log-likelihood of the right class (bio_rnn_mem's); and the spectrum along its trials.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, Spectrum, spectrum
from randomnet.objectives.interface import Measured
from randomnet.objectives.spectra import SpectrumLoss
from randomnet.rnn import Network
from randomnet.tasks import Trials


@dataclass(frozen=True)
class Recorder:
    """Records the leading exponents (per tau) along the validation trials every `every` epochs, in float64."""

    every: int
    frame: Tensor
    schedule: Schedule

    def record(self, network: Network, inputs: Tensor, epoch: int) -> dict[str, float]:
        """lambda_1, lambda_2, ... and lambda_max where the epoch is due; inputs (time, trials, channels)."""
        if epoch % self.every:
            return {}
        found = spectrum_along(network, inputs, self.frame, self.schedule).exponents
        named = {f"lambda_{index}": float(value) for index, value in enumerate(found, 1)}
        return {"lambda_max": float(found[0]), **named}


def spectrum_along(network: Network, inputs: Tensor, frame: Tensor, schedule: Schedule) -> Spectrum:
    """The leading exponents of a network along trials, inputs (time, trials, channels); frame (k, N) float64."""
    exact = copy.deepcopy(network).double()
    with torch.no_grad():
        return spectrum(exact.along(inputs.double()), torch.zeros_like(frame[0]), frame, schedule)


@dataclass(frozen=True)
class Batch:
    """Trials on the device: inputs (time, trials, channels), targets (time, trials[, outputs]).

    weights (time, trials[, 1]): 1 / scored at the steps that are scored, of which there are `scored`, else 0.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    scored: float


@dataclass(frozen=True)
class TaskObjective:
    """A working-memory task of one network: trials in fixed batches, and others to validate on.

    Figures: for classification, accuracy at the scored steps in percent (train_metrics, validate_metrics). spectrum:
    with its weight, a loss of the exponents along each batch, added to the task's; train_loss stays the task's own.
    """

    training: tuple[Batch, ...]
    validation: Batch
    classification: bool
    weight: float = 1.0
    spectrum: tuple[float, SpectrumLoss] | None = None
    recorder: Recorder | None = None

    def batches(self) -> Sequence[Batch]:
        """The training trials, always in the same order (bio_rnn_mem's)."""
        return self.training

    def measure(self, networks: Sequence[Network], batch: Batch, fresh: bool = False) -> list[Measured]:
        """The mean loss over the scored steps of a batch."""
        (network,) = networks
        loss, figures = self._judge(network, batch, "train")
        if self.spectrum is None:
            return [Measured(self.weight * loss, figures | {"train_loss": float(loss.detach())}, batch.scored)]
        weight, spectrum_loss = self.spectrum
        along = spectrum_loss.of(network.along(batch.inputs))
        parts = {"train_loss": float(loss.detach()), "train_loss_spectrum": float(along.loss.detach())}
        total = self.weight * loss + weight * along.loss
        return [Measured(total, figures | along.figures | parts, batch.scored, along.trouble)]

    @torch.no_grad()
    def validate(self, networks: Sequence[Network], epoch: int) -> list[dict[str, float]]:
        """The same on the trials held back."""
        (network,) = networks
        loss, figures = self._judge(network, self.validation, "validate")
        recorded = self.recorder.record(network, self.validation.inputs, epoch) if self.recorder else {}
        return [{"validate_loss": float(loss), **figures, **recorded}]

    def only(self, indices: Sequence[int]) -> "TaskObjective":
        """Itself: there is one network."""
        return self

    def states(self) -> list[dict[str, Any]]:
        """Nothing: every epoch is like the first."""
        return [{}]

    def take_up(self, states: Sequence[dict[str, Any]]) -> None:
        """Nothing to go on from."""

    def _judge(self, network: Network, batch: Batch, which: str) -> tuple[Tensor, dict[str, float]]:
        _, outputs = network.run(batch.inputs)
        if not self.classification:
            return ((outputs - batch.targets).square() * batch.weights).sum(), {}
        losses = torch.nn.functional.cross_entropy(outputs.flatten(0, 1), batch.targets.flatten(), reduction="none")
        right = (outputs.detach().argmax(-1) == batch.targets) & (batch.weights > 0)
        accuracy = 100 * float(right.sum()) / batch.scored
        return (losses * batch.weights.flatten()).sum(), {f"{which}_metrics": accuracy}


def task_objective(
    training: Trials, validation: Trials, batch_size: int, like: Tensor, **spectra: Any
) -> TaskObjective:
    """A task's trials as tensors of the dtype and on the device of `like`, the training ones cut into batches."""
    cuts = range(0, len(training), batch_size)
    return TaskObjective(
        tuple(_batch(training, slice(start, start + batch_size), like) for start in cuts),
        _batch(validation, slice(None), like),
        training.classification,
        **spectra,
    )


def _batch(trials: Trials, which: slice, like: Tensor) -> Batch:
    def turned(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array[which]).transpose(0, 1).contiguous().to(like.device)

    scored = float(trials.mask[which].sum())
    targets, weights = turned(trials.targets), turned(trials.mask).to(like.dtype) / scored
    if not trials.classification:
        targets, weights = targets.to(like.dtype), weights[..., None]
    return Batch(turned(trials.inputs).to(like.dtype), targets, weights, scored)
