"""The objective of a task: one of the `task_losses`, with optional training noise and a loss of the spectrum."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, Spectrum, System, spectrum
from randomnet.objectives.batches import Batch, Shuffle, stack_batches
from randomnet.objectives.interface import Measurement, are_counts
from randomnet.objectives.noise import InputNoise, StateNoise, noisy_inputs, scaled_sampler
from randomnet.objectives.spectra import SpectrumLoss, measure_stack
from randomnet.objectives.task_losses import TASK_LOSSES, standard_error
from randomnet.rnn import (
    Dynamics,
    Network,
    run_trials,
    stack_networks,
    trial_driven,
    trial_readout,
)
from randomnet.simulation import TrainableRateNetwork
from randomnet.tasks import Trials


@dataclass(frozen=True)
class Recorder:
    """Records the leading exponents (per tau) along the validation trials, in float64: before training, every `every`
    epochs, and at the end."""

    every: int
    frame: Tensor
    schedule: Schedule

    def record(self, network: Network, inputs: Tensor, epoch: int | None) -> dict[str, float]:
        """lambda_max, lambda_1, lambda_2, ... where the epoch is due, else empty.

        inputs: (time, trials, channels). epoch: None means the end of training.
        """
        if epoch is not None and epoch % self.every:
            return {}
        exponents = spectrum_along(network, inputs, self.frame, self.schedule).exponents
        named = {f"lambda_{index}": float(value) for index, value in enumerate(exponents, 1)}
        return {"lambda_max": float(exponents[0]), **named}


def spectrum_along(network: Network, inputs: Tensor, frame: Tensor, schedule: Schedule) -> Spectrum:
    """The leading exponents of a network along trials, inputs (time, trials, channels); frame (k, N) float64."""
    exact = copy.deepcopy(network).double()
    with torch.no_grad():
        return spectrum(exact.driven_by_trials(inputs.double()), torch.zeros_like(frame[0]), frame, schedule)


@dataclass(frozen=True)
class Term:
    """What one network is trained on besides its trials, and what is recorded.

    weight: of the task's loss. spectrum: a weight and a loss of the exponents along each batch. recorder: of spectra
    in validation. noise, input_noise: of the state and of the inputs in training; the spectrum, validation and the
    final losses are measured without noise. initial_noise: of the initial state of cells, likewise. shuffle: draws the
    batches of each epoch; None for fixed batches.
    """

    weight: float = 1.0
    spectrum: tuple[float, SpectrumLoss] | None = None
    recorder: Recorder | None = None
    noise: StateNoise | None = None
    shuffle: Shuffle | None = None
    input_noise: InputNoise | None = None
    initial_noise: StateNoise | None = None


@dataclass(frozen=True)
class TaskObjective:
    """Tasks of one shape, one for each network: training trials in fixed batches, and validation trials.

    loss, loss_params: the row of `task_losses` and its parameters, as in Trials. truncate, segment: numbers of steps,
    see `rnn.trial_readout`. latent_l2: weight of the mean square of the states, of one network alone.

    Figures: those of the loss, such as accuracy in percent (train_metrics, validate_metrics);
    validation adds their standard errors over trials (stderr_validate_metrics). train_loss is the task's loss alone,
    also where a loss of the spectrum is added.
    """

    training: tuple[Batch, ...]
    validation: Batch
    loss: str
    terms: tuple[Term, ...]
    loss_params: Mapping[str, Any] = field(default_factory=dict)
    truncate: int = 0
    segment: int = 0
    latent_l2: float = 0.0

    def batches(self) -> Sequence[Batch]:
        """The training trials: fixed batches in the same order (as in bio_rnn_mem), or shuffled ones."""
        if self.terms[0].shuffle is None:
            return self.training
        (whole,), runs = self.training, range(len(self.terms))
        trials = [Batch(*(part[run] for part in whole.parts())) for run in runs] if self.is_stacked else [whole]
        indices = [term.shuffle.batches(batch.conditions.cpu().numpy())
                   for term, batch in zip(self.terms, trials, strict=True)]  # fmt: skip
        return [self._select_trials(trials, batch_indices) for batch_indices in zip(*indices, strict=True)]

    def _select_trials(self, trials: Sequence[Batch], indices: Sequence[np.ndarray]) -> Batch:
        """A batch of the trials that the indices of each network name."""
        device = self.validation.phases.device
        batches = [batch.select_trials(torch.from_numpy(index).to(device))
                   for batch, index in zip(trials, indices, strict=True)]  # fmt: skip
        return stack_batches(batches) if self.is_stacked else batches[0]

    def measure(self, networks: Sequence[Network], batch: Batch, evaluation: bool = False) -> list[Measurement]:
        """The mean loss of each network over the scored steps of a batch; evaluation: without noise."""
        losses, figures, system, interface, penalty = self._task_losses(networks, batch, "train", not evaluation)
        for term in self.terms if not evaluation else ():
            if term.shuffle:
                term.shuffle.updates += 1
        weights = batch.scored.reshape(-1).tolist()
        values = losses.detach().tolist()
        task = [
            Measurement(_weighted(term.weight, loss, penalty), run_figures | {"train_loss": value}, weight)
            for term, loss, value, run_figures, weight in zip(self.terms, losses, values, figures, weights, strict=True)
        ]
        if self.terms[0].spectrum is None:
            return task
        if isinstance(networks[0], TrainableRateNetwork):
            spectra = self._spectrum_losses(networks[0].driven_by_trials(batch.inputs))
        else:
            spectra = self._spectrum_losses(trial_driven(system, interface, batch.inputs))
        return [_add_spectrum_loss(*each) for each in zip(task, self.terms, spectra, strict=True)]

    def _spectrum_losses(self, system: System) -> list[Measurement]:
        losses = [term.spectrum[1] for term in self.terms]
        return measure_stack(losses, system) if self.is_stacked else [losses[0].measure(system)]

    @torch.no_grad()
    def validate(self, networks: Sequence[Network], epoch: int | None) -> list[dict[str, float]]:
        """Loss and figures of each network on the validation trials, and its recorded spectrum where one is due."""
        losses, figures, *_ = self._task_losses(networks, self.validation, "validate")
        inputs = self.validation.inputs if self.is_stacked else self.validation.inputs[None]
        results = []
        for term, loss, run_figures, network, run_inputs in zip(
            self.terms, losses.tolist(), figures, networks, inputs, strict=True
        ):
            recorded = term.recorder.record(network, run_inputs, epoch) if term.recorder else {}
            results.append({"validate_loss": loss, **run_figures, **recorded})
        return results

    @torch.no_grad()
    def validation_outputs(self, network: Network) -> Tensor:
        """The readout (time, trials, outputs) of one network along its validation trials, without noise."""
        return self._outputs([network], self.validation.inputs, [], [])[0]

    def validation_counts(self, outputs: Tensor) -> Mapping[str, tuple[Tensor, Tensor]]:
        """The numbers of correct and of all answers in each validation trial, (trials,) each, by name of the accuracy.

        outputs: (time, trials, outputs). Empty for a loss without accuracy.
        """
        return TASK_LOSSES[self.loss].counts(outputs, self.validation, self.loss_params)

    def with_validation(self, trials: Trials) -> "TaskObjective":
        """One network's objective with other validation trials, along which no spectra are recorded."""
        terms = tuple(replace(term, recorder=None) for term in self.terms)
        return replace(self, validation=_batch(trials, slice(None), self.validation.inputs), terms=terms)

    def chance(self) -> dict[str, float]:
        """The accuracy in percent of the best constant output on one network's validation trials.

        chance_metrics, and chance_metrics_NAME of each output or condition; empty for a loss without accuracy.
        """
        accuracies = TASK_LOSSES[self.loss].chance(self.validation, self.loss_params)
        return {f"chance_{name}": value for name, value in accuracies.items()}

    @property
    def is_stacked(self) -> bool:
        """Whether there is a leading axis of runs."""
        return self.validation.inputs.ndim == 4

    def select(self, indices: Sequence[int]) -> "TaskObjective":
        """The objective of some of the networks."""
        if len(indices) == len(self.terms):
            return self
        training = tuple(batch.select(indices) for batch in self.training)
        terms = tuple(self.terms[index] for index in indices)
        return replace(self, training=training, validation=self.validation.select(indices), terms=terms)

    def states(self) -> list[dict[str, Any]]:
        """The numbers of updates that the noises and the shuffle of each network have made."""
        return [{name: part.updates for name, part in _random_parts(term).items()} for term in self.terms]

    def can_load(self, states: Sequence[Any]) -> bool:
        """Whether values of a file are such `states()`."""
        return are_counts(states, self.states())

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Resume from such `states()`."""
        for term, state in zip(self.terms, states, strict=True):
            for name, part in _random_parts(term).items():
                part.updates = state[name]

    def _task_losses(
        self, networks: Sequence[Network], batch: Batch, prefix: str, noisy: bool = False
    ) -> tuple[Tensor, list[dict[str, float]], Dynamics | None, Mapping[str, Tensor], Tensor | float]:
        """Losses (runs,) and figures of the networks, the networks as one system with its interface, and a penalty.

        The penalty is latent_l2 times the mean square of the states, in training.
        """
        noises = [term.noise for term in self.terms if noisy and term.noise]
        starts = [term.initial_noise for term in self.terms if noisy and term.initial_noise]
        input_noises = [term.input_noise for term in self.terms if noisy and term.input_noise]
        inputs = noisy_inputs(input_noises, batch) if input_noises else batch.inputs
        outputs, system, interface, states = self._outputs(networks, inputs, noises, starts)
        penalty = 0.0 if states is None or not noisy else self.latent_l2 * states.square().mean()
        row = TASK_LOSSES[self.loss]
        losses, outputs = row.loss(outputs, batch, self.loss_params), outputs.detach()
        figures = row.figures(outputs, batch, self.loss_params)
        if prefix == "validate":
            figures |= row.validation_figures(outputs, batch, self.loss_params)
        named = {f"{prefix}_{name}": values for name, values in figures.items()}
        if prefix == "validate":
            counts = row.counts(outputs, batch, self.loss_params)
            named |= {f"stderr_validate_{name}": standard_error(*pair) for name, pair in counts.items()}
        return losses.reshape(-1), self._by_run(named), system, interface, penalty

    def _outputs(
        self, networks: Sequence[Network], inputs: Tensor, noises: list[StateNoise], starts: list[StateNoise]
    ) -> tuple[Tensor, Dynamics | None, Mapping[str, Tensor], Tensor | None]:
        """The readout of the networks, the networks as one system with its interface, and with latent_l2 the states.

        Cells and networks with dynamics of their own have no such system.
        """
        if self.is_stacked:
            system, interface = stack_networks(networks)
        elif isinstance(networks[0], TrainableRateNetwork):
            (network,) = networks
            (sample,) = [noise.sampler(inputs.shape[-2], inputs.new_empty(network.n)) for noise in noises] or [None]
            outputs = network.trial_readout(inputs, sample, truncate=self.truncate, segment=self.segment)
            return outputs, None, {}, None
        elif isinstance(networks[0], Network):
            system, interface = networks[0].dynamics(), networks[0].interface_tensors()
        else:
            (network,) = networks
            noise = [each.sampler(inputs.shape[-2], network.cell.initial)(0, len(inputs)) for each in noises]
            start = [each.sampler(inputs.shape[-2], network.cell.initial)(0, 1)[0] for each in starts]
            states, outputs = network.run(inputs, *(noise or [None]), *start)
            return outputs, None, {}, states if self.latent_l2 else None
        sampler = scaled_sampler(noises, system, inputs) if noises else None
        if self.latent_l2:
            extra = sampler(0, len(inputs)) if sampler else None
            _, outputs, states = run_trials(system, interface, inputs, extra=extra, last=len(inputs))
            return outputs, system, interface, states
        outputs = trial_readout(system, interface, inputs, sampler, truncate=self.truncate, segment=self.segment)
        return outputs, system, interface, None

    def _by_run(self, figures: Mapping[str, Tensor]) -> list[dict[str, float]]:
        """The figures of each network; a figure that its trials lack (NaN) is left out."""
        values = {name: tensor.reshape(-1).tolist() for name, tensor in figures.items()}
        runs = [{name: numbers[index] for name, numbers in values.items()} for index in range(len(self.terms))]
        return [{name: value for name, value in run.items() if not math.isnan(value)} for run in runs]


def _random_parts(term: Term) -> dict[str, StateNoise | Shuffle | InputNoise]:
    """What is drawn anew at every update, by the name of its count in a checkpoint."""
    named = {"updates": term.noise, "shuffled": term.shuffle, "received": term.input_noise}
    named |= {"started": term.initial_noise}
    return {name: part for name, part in named.items() if part}


def _weighted(weight: float, loss: Tensor, penalty: Tensor | float) -> Tensor:
    """weight (loss + penalty), without operations that change nothing: each takes as long as a small product."""
    total = loss if isinstance(penalty, float) and penalty == 0 else loss + penalty
    return total if weight == 1 else weight * total


def _add_spectrum_loss(task: Measurement, term: Term, spectrum: Measurement) -> Measurement:
    """The loss of a task plus the weighted loss of the spectrum along its trials."""
    weight = term.spectrum[0]
    figures = {**task.figures, **spectrum.figures, "train_loss_spectrum": float(spectrum.loss.detach())}
    return replace(task, loss=task.loss + weight * spectrum.loss, figures=figures, problem=spectrum.problem)


def task_objective(training: Trials, validation: Trials, batch_size: int, like: Tensor, term: Term) -> TaskObjective:
    """The objective of one network: trials as tensors of the dtype and on the device of `like`.

    The training trials are cut into batches; where the term shuffles, they stay one batch, from which it draws.
    """
    size = len(training) if term.shuffle else batch_size
    cuts = range(0, len(training), size)
    return TaskObjective(
        tuple(_batch(training, slice(start, start + size), like).trimmed() for start in cuts),
        _batch(validation, slice(None), like),
        training.loss,
        (term,),
        training.loss_params,
    )


def _batch(trials: Trials, selection: slice, like: Tensor) -> Batch:
    def time_first(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array[selection]).transpose(0, 1).contiguous().to(like.device)

    targets = time_first(trials.targets)
    targets = targets.to(like.dtype) if targets.is_floating_point() else targets
    weights, scored = TASK_LOSSES[trials.loss].weigh(targets, time_first(trials.mask), like.dtype)
    scored = torch.tensor(scored, dtype=torch.float64, device=like.device)
    per_trial = [None if rows is None else torch.from_numpy(rows[selection]).to(like.device)
                 for rows in (trials.phases, trials.conditions)] if trials.loss == "response" else []  # fmt: skip
    return Batch(time_first(trials.inputs).to(like.dtype), targets, weights, scored, *per_trial)
