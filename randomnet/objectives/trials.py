"""The loss of a working-memory task: the mean over its scored steps of the squared error, or of the negative
log-likelihood of the right class (bio_rnn_mem's); and the spectrum along its trials.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, Spectrum, spectrum
from randomnet.objectives.interface import Measured
from randomnet.objectives.spectra import SpectrumLoss, losses_of_stack
from randomnet.rnn import AlongTrials, Dynamics, Network, along, beside_each_other, driven
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

    weights (time, trials[, 1]): 1 / scored (of values, / outputs) at the scored steps, of which there are `scored`,
    else 0. Of several networks side by side: everything with a leading axis of runs, scored (runs,).
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    scored: Tensor  # float64

    def only(self, indices: Sequence[int]) -> "Batch":
        """That of some of the runs."""
        return Batch(*(getattr(self, entry.name)[list(indices)] for entry in fields(self)))


def stacked_batches(batches: Sequence[Batch]) -> Batch:
    """The batches of several networks, of one shape, as one with a leading axis of runs."""
    return Batch(*(torch.stack([getattr(batch, entry.name) for batch in batches]) for entry in fields(Batch)))


@dataclass(frozen=True)
class Term:
    """What a network is trained on besides its trials, and what is recorded of it.

    weight: of the task's loss. spectrum: with its weight, a loss of the exponents along each batch.
    """

    weight: float = 1.0
    spectrum: tuple[float, SpectrumLoss] | None = None
    recorder: Recorder | None = None


@dataclass(frozen=True)
class TaskObjective:
    """Working-memory tasks of one shape, a network each: trials in fixed batches, and others to validate on.

    Figures: of classes and bits, accuracy at the scored steps in percent (train_metrics, validate_metrics). Where there
    is a loss of the spectrum besides, train_loss stays the task's own.
    """

    training: tuple[Batch, ...]
    validation: Batch
    classification: bool
    bits: bool
    terms: tuple[Term, ...]

    def batches(self) -> Sequence[Batch]:
        """The training trials, always in the same order (bio_rnn_mem's)."""
        return self.training

    def measure(self, networks: Sequence[Network], batch: Batch, fresh: bool = False) -> list[Measured]:
        """The mean loss over the scored steps of a batch, of each network."""
        losses, figures, system, interface = self._judge(networks, batch, "train")
        weights = batch.scored.reshape(-1).tolist()
        values = losses.detach().tolist()
        found = []
        for term, loss, value, own, weight in zip(self.terms, losses, values, figures, weights, strict=True):
            found.append(Measured(term.weight * loss, own | {"train_loss": value}, weight))
        if self.terms[0].spectrum is None:
            return found
        spectra = self._spectra(along(system, interface, batch.inputs))
        return [_both(*each) for each in zip(found, self.terms, spectra, strict=True)]

    def _spectra(self, system: AlongTrials) -> list[Measured]:
        losses = [term.spectrum[1] for term in self.terms]
        return losses_of_stack(losses, system) if self.beside else [losses[0].of(system)]

    @torch.no_grad()
    def validate(self, networks: Sequence[Network], epoch: int) -> list[dict[str, float]]:
        """The same on the trials held back."""
        losses, figures, *_ = self._judge(networks, self.validation, "validate")
        inputs = self.validation.inputs if self.beside else self.validation.inputs[None]
        found = []
        for term, loss, own, *given in zip(self.terms, losses.tolist(), figures, networks, inputs, strict=True):
            recorded = term.recorder.record(*given, epoch) if term.recorder else {}
            found.append({"validate_loss": loss, **own, **recorded})
        return found

    @property
    def beside(self) -> bool:
        """Whether there is a leading axis of runs."""
        return self.validation.inputs.ndim == 4

    def only(self, indices: Sequence[int]) -> "TaskObjective":
        """That of some of the networks."""
        if len(indices) == len(self.terms):
            return self
        training = tuple(batch.only(indices) for batch in self.training)
        terms = tuple(self.terms[index] for index in indices)
        return replace(self, training=training, validation=self.validation.only(indices), terms=terms)

    def states(self) -> list[dict[str, Any]]:
        """Nothing: every epoch is like the first."""
        return [{} for _ in self.terms]

    def take_up(self, states: Sequence[dict[str, Any]]) -> None:
        """Nothing to go on from."""

    def _judge(
        self, networks: Sequence[Network], batch: Batch, which: str
    ) -> tuple[Tensor, list[dict[str, float]], Dynamics, Mapping[str, Tensor]]:
        """Losses (runs,) and figures of the networks, and these as one system with its interface."""
        if self.beside:
            system, interface = beside_each_other(networks)
        else:
            (network,) = networks
            system, interface = network.dynamics(), network.interface
        _, outputs = driven(system, interface, batch.inputs)
        if not self.classification:
            losses = ((outputs - batch.targets).square() * batch.weights).flatten(-3).sum(-1)
            figures = _accuracies(which, _bits_right(outputs.detach(), batch), batch) if self.bits else None
            return losses.reshape(-1), figures or [{} for _ in self.terms], system, interface
        wrong = torch.nn.functional.cross_entropy(
            outputs.flatten(0, -2), batch.targets.flatten(), reduction="none"
        ).view_as(batch.weights)
        right = ((outputs.detach().argmax(-1) == batch.targets) & (batch.weights > 0)).flatten(-2).sum(-1)
        figures = _accuracies(which, right, batch)
        return (wrong * batch.weights).flatten(-2).sum(-1).reshape(-1), figures, system, interface


def _bits_right(outputs: Tensor, batch: Batch) -> Tensor:
    """Of how many scored steps the bits are right (an output above 1/2 is a 1), each bit a part of its step."""
    right = ((outputs > 0.5) == (batch.targets > 0.5)) & (batch.weights > 0)
    return right.flatten(-3).sum(-1) / outputs.shape[-1]


def _accuracies(which: str, right: Tensor, batch: Batch) -> list[dict[str, float]]:
    return [{f"{which}_metrics": accuracy} for accuracy in (100 * right / batch.scored).reshape(-1).tolist()]


def _both(task: Measured, term: Term, spectrum: Measured) -> Measured:
    """A task's loss and that of the spectrum along it."""
    weight = term.spectrum[0]
    figures = {**task.figures, **spectrum.figures, "train_loss_spectrum": float(spectrum.loss.detach())}
    return replace(task, loss=task.loss + weight * spectrum.loss, figures=figures, trouble=spectrum.trouble)


def task_objective(training: Trials, validation: Trials, batch_size: int, like: Tensor, term: Term) -> TaskObjective:
    """A task's trials as tensors of the dtype and on the device of `like`, the training ones cut into batches."""
    cuts = range(0, len(training), batch_size)
    return TaskObjective(
        tuple(_batch(training, slice(start, start + batch_size), like) for start in cuts),
        _batch(validation, slice(None), like),
        training.classification,
        training.bits,
        (term,),
    )


def _batch(trials: Trials, which: slice, like: Tensor) -> Batch:
    def turned(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array[which]).transpose(0, 1).contiguous().to(like.device)

    scored = float(trials.mask[which].sum())
    targets, weights = turned(trials.targets), turned(trials.mask).to(like.dtype) / scored
    if not trials.classification:
        targets, weights = targets.to(like.dtype), weights[..., None] / trials.outputs
    counted = torch.tensor(scored, dtype=torch.float64, device=like.device)
    return Batch(turned(trials.inputs).to(like.dtype), targets, weights, counted)
