"""The activity of recorded neurons as the objective of students, and how well these predict all neurons.

Recording          the activity of one teacher in trials, and which of its neurons are recorded
PredictionObjective  the loss of students on the recorded neurons of training trials
errors             1 - R2 and normalised mean squared error of some neurons
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.objectives.interface import Measurement, are_counts
from randomnet.objectives.students import Student, detached, respond

LEAST_RATE = 1e-6  # of a Poisson count, whose logarithm is finite
SMALLEST = 1e-12  # variance of an activity that is divided by it


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Brief):
    """The activity of a teacher in trials: those of `training` come first, the others are held out.

    inputs: (time, trials, channels). initial: (trials, N), the states before the first step. rates: (time, trials, N),
    the true activity, nan where it was not observed. targets: what was recorded of it, the same or counts. recorded,
    scored: (N,) bool, the neurons that students are trained on, and those whose activity is known at all. interface: as
    in `rnn.run_trials`. scale: expected counts per rate, with the Poisson loss; None for the squared error.

    with_output: whether students are also trained on the readout of the rates, whose weights they know.

    affine: whether the unit and the zero of each neuron's activity are unknown, as of fluorescence. The loss is then
    the mean squared difference of standardised activities, 2 (1 - r), and errors are those after the best linear fit of
    each neuron's rate with a positive slope, 1 - r^2.
    """

    inputs: Tensor
    initial: Tensor
    rates: Tensor
    targets: Tensor
    recorded: Tensor
    scored: Tensor
    interface: Mapping[str, Tensor]
    training: int
    scale: float | None = None
    affine: bool = False
    with_output: bool = False

    @cached_property
    def seen(self) -> Tensor:
        """(time, trials, N) bool: the entries that are recorded."""
        return self.targets.isfinite() & self.recorded

    def loss(self, rates: Tensor, trials: Tensor) -> Tensor:
        """The mean loss of rates (time, B, N) in these trials (B,), over the recorded entries."""
        seen, targets = self.seen[:, trials], self.targets[:, trials]
        if self.scale is None:
            each = self.residuals(rates, trials).square()
        else:
            expected = (self.scale * rates).clamp_min(LEAST_RATE)
            each = expected - torch.where(seen, targets, 0.0) * expected.log()
        loss = torch.where(seen, each, 0.0).sum() / seen.sum()
        return loss + self.output_residuals(rates, trials).square().mean() if self.with_output else loss

    def output(self, rates: Tensor) -> Tensor:
        """The network's output (time, B, channels) at these rates."""
        return rates @ self.interface["readout_weights"].mT + self.interface["readout_bias"]

    def output_residuals(self, rates: Tensor, trials: Tensor) -> Tensor:
        """The output at rates (time, B, N) minus that of the teacher, (time, B, channels)."""
        return self.output(rates) - self.output(self.rates[:, trials])

    def residuals(self, rates: Tensor, trials: Tensor) -> Tensor:
        """Rates minus targets (time, B, N), 0 where nothing is recorded; standardised where units are unknown.

        Of counts, divided by the root of their expectation and of 2, so that the mean square has the curvature of the
        loss.
        """
        seen, targets = self.seen[:, trials], self.targets[:, trials]
        targets = torch.where(seen, targets, 0.0)
        if self.affine:
            rates, targets = _standardised(rates, seen), _standardised(targets, seen)
        if self.scale is not None:
            expected = (self.scale * rates).clamp_min(LEAST_RATE)
            return torch.where(seen, (expected - targets) / (2 * expected.detach()).sqrt(), 0.0)
        return torch.where(seen, rates - targets, 0.0)

    def fitted(self, rates: Tensor) -> Tensor:
        """Rates (time, trials, N) of held-out trials in the unit of the true ones; the same where that is known."""
        if not self.affine:
            return rates
        truth = self.rates[:, self.heldout]
        known = truth.isfinite()
        predicted, true = _centred(rates, known), _centred(truth, known)
        scale = predicted.square().sum((0, 1)).clamp_min(SMALLEST)
        slope = ((predicted * true).sum((0, 1)) / scale).clamp_min(0.0)
        return _moments(truth, known)[0] + slope * (rates - _moments(rates, known)[0])

    @property
    def unrecorded(self) -> Tensor:
        """(N,) bool: the neurons that are to be predicted."""
        return self.scored & ~self.recorded

    @property
    def heldout(self) -> Tensor:
        """The trials that are held out."""
        return torch.arange(self.training, self.rates.shape[1], device=self.rates.device)


@dataclass
class Epochs:
    """The number of epochs whose trials were given out, which an objective shares with parts of it."""

    count: int = 0


@dataclass(frozen=True)
class PredictionObjective:
    """The loss of each student on the recorded neurons of its own recording.

    Recordings side by side have the same numbers of steps, trials and neurons. seeds: of the order of each one's
    trials, in batches of `size`. validate_loss is the loss of recorded neurons in held-out trials. Where initial states
    are unknown, those of held-out trials are found from the recorded neurons of these trials, from which nothing else
    learns. error_recorded and error_unrecorded are those of `errors` in held-out trials.
    """

    recordings: tuple[Recording, ...]
    seeds: tuple[int, ...]
    size: int
    epochs: Epochs = field(default_factory=Epochs)

    def batches(self) -> list["_Trials"]:
        """The trials of one epoch, one update each; those of a single batch stay in their order."""
        trials, epoch = self.recordings[0].training, self.epochs.count
        self.epochs.count += 1
        if self.size >= trials:
            return [_Trials(self._same(torch.arange(trials)))]
        orders = [np.random.default_rng([seed, epoch]).permutation(trials) for seed in self.seeds]
        return [_Trials(part) for part in torch.from_numpy(np.stack(orders)).split(self.size, 1)]

    def _same(self, trials: Tensor) -> Tensor:
        """The same trials (B,) for all recordings."""
        return trials.expand(len(self.recordings), -1)

    def measure(self, networks: Sequence[Student], batch: "_Trials", evaluation: bool = False) -> list[Measurement]:
        """The loss of each student; initial states of held-out trials have a gradient of their own."""
        losses = self._losses(networks, batch.trials, [student.system() for student in networks])
        totals = losses
        if "initial" in networks[0].unknown and not evaluation:
            systems = [detached(student.system()) for student in networks]
            others = self._losses(networks, self._same(self.recordings[0].heldout), systems)
            totals = [loss + other for loss, other in zip(losses, others, strict=True)]
        return [Measurement(total, {"train_loss": float(loss.detach())}, batch.trials.shape[1])
                for total, loss in zip(totals, losses, strict=True)]  # fmt: skip

    def _losses(self, students: Sequence[Student], trials: Tensor, systems: Sequence[Any]) -> list[Tensor]:
        rates = self._rates(students, trials, systems)
        return [recording.loss(of_one, numbers) for recording, of_one, numbers in
                zip(self.recordings, rates, trials, strict=True)]  # fmt: skip

    def _rates(self, students: Sequence[Student], trials: Tensor, systems: Sequence[Any]) -> Tensor:
        """Rates (students, time, B, N) in these trials (students, B)."""
        parts = list(zip(self.recordings, students, trials, strict=True))
        inputs = torch.stack([recording.inputs[:, numbers] for recording, _, numbers in parts])
        initial = torch.stack([student.initial(numbers, recording.initial[numbers])
                               for recording, student, numbers in parts])  # fmt: skip
        return respond(systems, [recording.interface for recording, _, _ in parts], inputs, initial)[0]

    @torch.no_grad()
    def heldout_rates(self, networks: Sequence[Student]) -> Tensor:
        """Rates (students, time, trials, N) in the held-out trials."""
        return self._rates(networks, self._same(self.recordings[0].heldout), [student.system() for student in networks])

    @torch.no_grad()
    def validate(self, networks: Sequence[Student], epoch: int | None) -> list[dict[str, float]]:
        """Loss of the recorded neurons, and errors of recorded and unrecorded ones, in held-out trials."""
        rates = self.heldout_rates(networks)
        return [scores(recording, of_one) for recording, of_one in zip(self.recordings, rates, strict=True)]

    def select(self, indices: Sequence[int]) -> "PredictionObjective":
        """The objective of some of the students."""
        recordings = tuple(self.recordings[index] for index in indices)
        return replace(self, recordings=recordings, seeds=tuple(self.seeds[index] for index in indices))

    def states(self) -> list[dict[str, Any]]:
        """The number of epochs so far."""
        return [{"epochs": self.epochs.count} for _ in self.recordings]

    def can_load(self, states: Sequence[Any]) -> bool:
        """Whether values of a file are such `states()`."""
        return are_counts(states, self.states())

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Resume from such `states()`."""
        self.epochs.count = max(state["epochs"] for state in states)


@dataclass(frozen=True)
class _Trials:
    """Trials (students, B) of one update."""

    trials: Tensor

    def select(self, indices: Sequence[int]) -> "_Trials":
        """Those of some students."""
        return _Trials(self.trials[list(indices)])


def _moments(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (N,) of the known entries over time and trials."""
    count = known.sum((0, 1)).clamp_min(1)
    mean = torch.where(known, values, 0.0).sum((0, 1)) / count
    return mean, torch.where(known, values - mean, 0.0).square().sum((0, 1)) / count


def _centred(values: Tensor, known: Tensor) -> Tensor:
    """The values minus the mean of each neuron, 0 where unknown."""
    return torch.where(known, values - _moments(values, known)[0], 0.0)


def _standardised(values: Tensor, known: Tensor) -> Tensor:
    """The values with mean 0 and variance 1 of each neuron over time and trials."""
    return _centred(values, known) / (_moments(values, known)[1] + SMALLEST).sqrt()


def scores(recording: Recording, rates: Tensor) -> dict[str, float]:
    """validate_loss, error_recorded and error_unrecorded of rates (time, trials, N) in the held-out trials.

    With error_output where students are trained on the output, too.
    """
    truth = recording.rates[:, recording.heldout]
    columns = {"validate_loss": float(recording.loss(rates, recording.heldout))}
    rates = recording.fitted(rates)
    for name in ("recorded", "unrecorded"):
        neurons = getattr(recording, name) & recording.scored
        columns[f"error_{name}"] = errors(rates, truth, neurons, recording.affine)[0]
    return columns | output_error(recording, rates)


def output_error(recording: Recording, rates: Tensor) -> dict[str, float]:
    """error_output, 1 - R2 of the output in held-out trials; nothing where students are not trained on it."""
    if not recording.with_output:
        return {}
    true = recording.output(recording.rates[:, recording.heldout])
    return {"error_output": errors(recording.output(rates), true, torch.ones(true.shape[-1], dtype=torch.bool))[0]}


def errors(rates: Tensor, truth: Tensor, neurons: Tensor, own_units: bool = False) -> tuple[float, float]:
    """1 - R2 and the normalised mean squared error of some neurons (N,) bool; nan without any.

    rates, truth: (time, trials, N), nan of truth where it is unknown. 1 - R2 is the summed squared error over the
    summed squared deviation from each neuron's mean over time and trials; the normalised error is over the summed
    square of the activity. own_units: whether each neuron has a unit of its own. Sums would then depend on the units,
    so that both are means over the neurons whose activity varies.
    """
    wrong, deviation, square = (part[neurons] for part in sums_of_squares(rates, truth))
    if own_units:
        varies = deviation > SMALLEST * square
        return float((wrong / deviation)[varies].mean()), float((wrong / square)[varies].mean())
    return float(wrong.sum() / deviation.sum()), float(wrong.sum() / square.sum())


def sums_of_squares(rates: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Summed squares (N,), over time and trials: of the error, of the deviation from the mean, of the activity."""
    known = truth.isfinite()
    truth = torch.where(known, truth, 0.0).double()
    mean = truth.sum((0, 1)) / known.sum((0, 1)).clamp_min(1)
    parts = (rates.double() - truth), (truth - mean), truth
    wrong, deviation, square = (torch.where(known, part.square(), 0.0).sum((0, 1)) for part in parts)
    return wrong, deviation, square
