"""The loss of a task, judged as `judging` has it, and the spectrum along its trials."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, Spectrum, spectrum
from randomnet.objectives.batches import Batch, Shuffle, stacked_batches
from randomnet.objectives.interface import Measured
from randomnet.objectives.judging import JUDGEMENTS, standard_error
from randomnet.objectives.noise import InputNoise, StateNoise, noise_between, noisy_inputs
from randomnet.objectives.spectra import SpectrumLoss, losses_of_stack
from randomnet.rnn import Dynamics, Network, TrialDrivenSystem, stack_networks, trial_driven, trial_readout
from randomnet.tasks import Trials


@dataclass(frozen=True)
class Recorder:
    """Records the leading exponents (per tau) along the validation trials, in float64: before training, every `every`
    epochs, and at the end."""

    every: int
    frame: Tensor
    schedule: Schedule

    def record(self, network: Network, inputs: Tensor, epoch: int | None) -> dict[str, float]:
        """lambda_1, lambda_2, ... and lambda_max where the epoch is due, None being the last; inputs (time, trials,
        channels)."""
        if epoch is not None and epoch % self.every:
            return {}
        found = spectrum_along(network, inputs, self.frame, self.schedule).exponents
        named = {f"lambda_{index}": float(value) for index, value in enumerate(found, 1)}
        return {"lambda_max": float(found[0]), **named}


def spectrum_along(network: Network, inputs: Tensor, frame: Tensor, schedule: Schedule) -> Spectrum:
    """The leading exponents of a network along trials, inputs (time, trials, channels); frame (k, N) float64."""
    exact = copy.deepcopy(network).double()
    with torch.no_grad():
        return spectrum(exact.driven_by_trials(inputs.double()), torch.zeros_like(frame[0]), frame, schedule)


@dataclass(frozen=True)
class Term:
    """What a network is trained on besides its trials, and what is recorded of it.

    weight: of the task's loss. spectrum: with its weight, a loss of the exponents along each batch. noise, input_noise:
    of the state and of the inputs while it is trained on trials; the spectrum, validation and the last losses are
    without. shuffle: of its training trials into batches; None for batches that stay as they are.
    """

    weight: float = 1.0
    spectrum: tuple[float, SpectrumLoss] | None = None
    recorder: Recorder | None = None
    noise: StateNoise | None = None
    shuffle: Shuffle | None = None
    input_noise: InputNoise | None = None


@dataclass(frozen=True)
class TaskObjective:
    """Tasks of one shape, a network each: trials in fixed batches, and others to validate on.

    loss, given: as of Trials. truncate, segment: as of `rnn.trial_readout`. Figures: those of the loss, accuracy in
    percent among them (train_metrics, validate_metrics), of validation with its standard error over trials
    (stderr_validate_metrics). Where there is a loss of the spectrum besides, train_loss
    stays the task's own.
    """

    training: tuple[Batch, ...]
    validation: Batch
    loss: str
    terms: tuple[Term, ...]
    given: Mapping[str, Any] = field(default_factory=dict)
    truncate: int = 0
    segment: int = 0

    def batches(self) -> Sequence[Batch]:
        """The training trials, always in the same order (bio_rnn_mem's), unless they are shuffled."""
        if self.terms[0].shuffle is None:
            return self.training
        (whole,), each = self.training, range(len(self.terms))
        alone = [Batch(*(part[run] for part in whole.parts())) for run in each] if self.beside else [whole]
        drawn = [term.shuffle.drawn(one.conditions.cpu().numpy()) for term, one in zip(self.terms, alone, strict=True)]
        return [self._chosen(alone, batch) for batch in zip(*drawn, strict=True)]

    def _chosen(self, alone: Sequence[Batch], indices: Sequence[np.ndarray]) -> Batch:
        """A batch of trials of each network."""
        chosen = [torch.from_numpy(index).to(self.validation.phases.device) for index in indices]
        found = [one.some(index) for one, index in zip(alone, chosen, strict=True)]
        return stacked_batches(found) if self.beside else found[0]

    def measure(self, networks: Sequence[Network], batch: Batch, fresh: bool = False) -> list[Measured]:
        """The mean loss over the scored steps of a batch, of each network."""
        losses, figures, system, interface = self._judge(networks, batch, "train", not fresh)
        for term in self.terms if not fresh else ():
            if term.shuffle:
                term.shuffle.updates += 1
        weights = batch.scored.reshape(-1).tolist()
        values = losses.detach().tolist()
        found = []
        for term, loss, value, own, weight in zip(self.terms, losses, values, figures, weights, strict=True):
            found.append(Measured(term.weight * loss, own | {"train_loss": value}, weight))
        if self.terms[0].spectrum is None:
            return found
        spectra = self._spectra(trial_driven(system, interface, batch.inputs))
        return [_both(*each) for each in zip(found, self.terms, spectra, strict=True)]

    def _spectra(self, system: TrialDrivenSystem) -> list[Measured]:
        losses = [term.spectrum[1] for term in self.terms]
        return losses_of_stack(losses, system) if self.beside else [losses[0].of(system)]

    @torch.no_grad()
    def validate(self, networks: Sequence[Network], epoch: int | None) -> list[dict[str, float]]:
        """The same on the trials held back."""
        losses, figures, *_ = self._judge(networks, self.validation, "validate")
        inputs = self.validation.inputs if self.beside else self.validation.inputs[None]
        found = []
        for term, loss, own, *given in zip(self.terms, losses.tolist(), figures, networks, inputs, strict=True):
            recorded = term.recorder.record(*given, epoch) if term.recorder else {}
            found.append({"validate_loss": loss, **own, **recorded})
        return found

    def validated_on(self, trials: Trials) -> "TaskObjective":
        """The same of one network with other trials to validate on, along which no spectra are recorded."""
        terms = tuple(replace(term, recorder=None) for term in self.terms)
        return replace(self, validation=_batch(trials, slice(None), self.validation.inputs), terms=terms)

    def chance(self) -> dict[str, float]:
        """Of one network's validation trials, the accuracy in percent of the best constant answer: chance_metrics, and
        chance_metrics_NAME of each output or condition; empty where nothing is right or wrong."""
        found = JUDGEMENTS[self.loss].constant(self.validation, self.given)
        return {f"chance_{name}": value for name, value in found.items()}

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
        """How many updates had noise of either kind, or shuffled trials, where there are any; else every epoch is like
        the first."""
        return [{name: one.updates for name, one in _that_go_on(term).items()} for term in self.terms]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        for term, state in zip(self.terms, states, strict=True):
            for name, one in _that_go_on(term).items():
                one.updates = state[name]

    def _judge(
        self, networks: Sequence[Network], batch: Batch, which: str, noisy: bool = False
    ) -> tuple[Tensor, list[dict[str, float]], Dynamics | None, Mapping[str, Tensor]]:
        """Losses (runs,) and figures of the networks, and these as one system with its interface."""
        noises = [term.noise for term in self.terms if noisy and term.noise]
        received = [term.input_noise for term in self.terms if noisy and term.input_noise]
        inputs = noisy_inputs(received, batch) if received else batch.inputs
        outputs, *whole = self._answered(networks, inputs, noises)
        row = JUDGEMENTS[self.loss]
        losses, seen = row.loss(outputs, batch, self.given), outputs.detach()
        found = row.figures(seen, batch, self.given)
        if which == "validate":
            found |= row.apart(seen, batch, self.given)
        named = {f"{which}_{name}": values for name, values in found.items()}
        if which == "validate":
            counts = row.counts(seen, batch, self.given)
            named |= {f"stderr_validate_{name}": standard_error(*pair) for name, pair in counts.items()}
        figures = self._each(named)
        return losses.reshape(-1), figures, *whole

    def _answered(
        self, networks: Sequence[Network], inputs: Tensor, noises: list[StateNoise]
    ) -> tuple[Tensor, Dynamics | None, Mapping[str, Tensor]]:
        """The readout of the networks, and these as one system with its interface; None of cells, which have none."""
        if self.beside:
            system, interface = stack_networks(networks)
        elif isinstance(networks[0], Network):
            system, interface = networks[0].dynamics(), networks[0].interface_tensors()
        else:
            (network,) = networks
            drawn = [noise.drawn(inputs.shape[-2], network.cell.initial)(0, len(inputs)) for noise in noises]
            return network.run(inputs, *drawn)[1], None, {}
        extra = noise_between(noises, system, inputs) if noises else None
        found = trial_readout(system, interface, inputs, extra, truncate=self.truncate, segment=self.segment)
        return found, system, interface

    def _each(self, figures: Mapping[str, Tensor]) -> list[dict[str, float]]:
        """The figures of each network, but for those that there are none of (NaN)."""
        values = {name: found.reshape(-1).tolist() for name, found in figures.items()}
        each = [{name: found[index] for name, found in values.items()} for index in range(len(self.terms))]
        return [{name: value for name, value in one.items() if not math.isnan(value)} for one in each]


def _that_go_on(term: Term) -> dict[str, StateNoise | Shuffle | InputNoise]:
    """What differs from update to update, by the names of its states."""
    named = {"updates": term.noise, "shuffled": term.shuffle, "received": term.input_noise}
    return {name: one for name, one in named.items() if one}


def _both(task: Measured, term: Term, spectrum: Measured) -> Measured:
    """A task's loss and that of the spectrum along it."""
    weight = term.spectrum[0]
    figures = {**task.figures, **spectrum.figures, "train_loss_spectrum": float(spectrum.loss.detach())}
    return replace(task, loss=task.loss + weight * spectrum.loss, figures=figures, trouble=spectrum.trouble)


def task_objective(training: Trials, validation: Trials, batch_size: int, like: Tensor, term: Term) -> TaskObjective:
    """A task's trials as tensors of the dtype and on the device of `like`, the training ones cut into batches, or to
    be shuffled into them by the term."""
    size = len(training) if term.shuffle else batch_size
    cuts = range(0, len(training), size)
    return TaskObjective(
        tuple(_batch(training, slice(start, start + size), like).ended() for start in cuts),
        _batch(validation, slice(None), like),
        training.loss,
        (term,),
        training.given,
    )


def _batch(trials: Trials, which: slice, like: Tensor) -> Batch:
    def turned(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array[which]).transpose(0, 1).contiguous().to(like.device)

    targets = turned(trials.targets)
    targets = targets.to(like.dtype) if targets.is_floating_point() else targets
    weights, scored = JUDGEMENTS[trials.loss].weigh(targets, turned(trials.mask), like.dtype)
    counted = torch.tensor(scored, dtype=torch.float64, device=like.device)
    each = [None if rows is None else torch.from_numpy(rows[which]).to(like.device)
            for rows in (trials.phases, trials.conditions)] if trials.loss == "response" else []  # fmt: skip
    return Batch(turned(trials.inputs).to(like.dtype), targets, weights, counted, *each)
