"""What is minimised. An objective gives the batches of an epoch and measures networks on each of them.

Losses of the leading exponents lambda_1..lambda_k, sorted descending (FlyStability's, its defects 6 and 8 mended):

| name  | formula                                                                     | unit    |
|-------|-----------------------------------------------------------------------------|---------|
| l2    | sqrt(sum_i (lambda_i - target_i)^2)                                         | 1/tau   |
| mse   | mean_i (lambda_i - target_i)^2                                              | 1/tau^2 |
| sinai | -(sum of the positive lambda_i): minimising it maximises the entropy rate   | 1/tau   |

The loss of a task is the mean over its scored steps: of the squared error, or of the negative log-likelihood of the
right class (bio_rnn_mem's).
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, Spectrum, System, exponents_of_each, spectrum, too_steep
from randomnet.rnn import Dense, Dynamics, Network, stacked
from randomnet.tasks import Trials

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": lambda found, target: torch.linalg.vector_norm(found - target),
    "mse": lambda found, target: (found - target).square().mean(),
    "sinai": lambda found, target: -torch.relu(found).sum(),
}
SMOOTHING, ENOUGH, PATIENCE = 0.3, 0.02, 4  # of the loss that decides on a longer window


@dataclass(frozen=True)
class Measured:
    """What an objective found of one network on one batch: a scalar loss with its graph, and figures worth recording.

    weight: how much the batch counts in the means of its epoch (for a task, its number of scored steps). trouble: why
    the loss, or its gradient, means nothing; or ''. provisional: whether it is of less than is asked for, so that it
    cannot be compared with others. end: (1 + k, N), where a trajectory ended.
    """

    loss: Tensor
    figures: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    trouble: str = ""
    provisional: bool = False
    end: Tensor | None = None


class Objective(Protocol):
    """What networks are trained on, each on its own."""

    def batches(self) -> Sequence[Any]:
        """What one epoch steps through, an update for each."""
        ...

    def measure(self, networks: Sequence[Network], batch: Any, fresh: bool = False) -> list[Measured]:
        """The loss of each network on a batch; fresh: as it is reported, whatever was done on the way to save time."""
        ...

    def validate(self, networks: Sequence[Network], epoch: int) -> list[dict[str, float]]:
        """Figures of each network after the updates of an epoch; `validate_loss` among them decides which is best."""
        ...

    def only(self, indices: Sequence[int]) -> "Objective":
        """That of some of the networks."""
        ...

    def states(self) -> list[dict[str, Any]]:
        """What it has learnt of each network on the way, to be kept with a checkpoint."""
        ...

    def take_up(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        ...


@dataclass(frozen=True)
class SpectrumLoss:
    """A loss of the k leading exponents, always from the same `state` (N,) and `frame` (k, N).

    target (k,) is ignored by `sinai`. Raises ValueError for an unknown loss or a target of another length.
    """

    loss: str
    target: Tensor
    state: Tensor
    frame: Tensor
    schedule: Schedule

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {self.loss!r}")
        if self.target.shape != self.frame.shape[:1]:
            raise ValueError(
                f"target must have shape {tuple(self.frame.shape[:1])}, one value per exponent, "
                f"got {tuple(self.target.shape)}"
            )

    def of(self, system: System) -> Measured:
        """The loss of a system, with lambda_max (per tau)."""
        return self._of(*exponents_of_each(system, self.state, self.frame, self.schedule))

    def _of(self, found: Tensor, steepness: Tensor, end: Tensor) -> Measured:
        loss = LOSSES[self.loss](found, self.target)
        figures = {"lambda_max": float(found[0].detach())}
        return Measured(loss, figures, trouble=too_steep(float(steepness), found.dtype), end=end)


def losses_of_each(losses: Sequence[SpectrumLoss], systems: Sequence[Dynamics]) -> list[Measured]:
    """`of` for networks with a loss each, of one length and schedule, computed side by side."""
    if len(systems) == 1 or not all(isinstance(system.coupling, Dense) for system in systems):
        return [loss.of(system) for loss, system in zip(losses, systems, strict=True)]
    state, frame = (torch.stack([getattr(loss, name) for loss in losses]) for name in ("state", "frame"))
    found = exponents_of_each(stacked(systems), state, frame, losses[0].schedule)
    return [loss._of(*own) for loss, *own in zip(losses, *found, strict=True)]


@dataclass
class Course:
    """How the trajectory of one network in training goes from epoch to epoch.

    warm: it goes on where the last epoch ended, without transients. window: the time that is averaged, at first; it is
    doubled each time the smoothed loss has not fallen by ENOUGH for PATIENCE epochs, until it is the schedule's tsim.
    Short windows find the way down as well as long ones until their own scatter drowns it.
    """

    warm: bool
    window: float
    state: Tensor | None = None
    frame: Tensor | None = None
    smoothed: float = math.nan
    lowest: float = math.inf
    waited: int = 0

    def present(self, loss: SpectrumLoss) -> SpectrumLoss:
        """The loss as this epoch sees it."""
        schedule = replace(loss.schedule, tsim=min(self.window, loss.schedule.first))
        if self.state is None:
            return replace(loss, schedule=schedule)
        schedule = replace(schedule, transient=0.0, frame_transient=0.0)
        return replace(loss, schedule=schedule, state=self.state, frame=self.frame)

    def went(self, found: Measured, longest: float) -> None:
        """After an epoch."""
        if self.warm:
            self.state, self.frame = found.end[0].clone(), found.end[1:].clone()
        loss = float(found.loss.detach())
        self.smoothed = loss if math.isnan(self.smoothed) else self.smoothed + SMOOTHING * (loss - self.smoothed)
        if self.smoothed < self.lowest - ENOUGH * abs(self.lowest) or math.isinf(self.lowest):
            self.lowest, self.waited = self.smoothed, 0
            return
        self.waited += 1
        if self.waited >= PATIENCE and self.window < longest:
            self.window, self.lowest, self.waited = min(2 * self.window, longest), math.inf, 0


@dataclass(frozen=True)
class SpectrumObjective:
    """The spectra of networks left to themselves, `weight` times a loss each; one update per epoch.

    courses: how the trajectory of each goes on; none: always the same one, the losses' own.
    """

    losses: tuple[SpectrumLoss, ...]
    weights: tuple[float, ...]
    courses: tuple[Course, ...] = ()

    def batches(self) -> Sequence[None]:
        """One: the whole trajectory."""
        return (None,)

    def measure(self, networks: Sequence[Network], batch: None, fresh: bool = False) -> list[Measured]:
        """The losses of the networks' present parameters."""
        systems = [network.dynamics() for network in networks]
        found = self._on_course(systems) if self.courses and not fresh else losses_of_each(self.losses, systems)
        return [replace(one, loss=weight * one.loss) for one, weight in zip(found, self.weights, strict=True)]

    def _on_course(self, systems: Sequence[Dynamics]) -> list[Measured]:
        """The losses of this epoch; side by side are those whose schedule is the same."""
        present = [course.present(loss) for course, loss in zip(self.courses, self.losses, strict=True)]
        alike: dict[Schedule, list[int]] = {}
        for index, loss in enumerate(present):
            alike.setdefault(loss.schedule, []).append(index)
        found: dict[int, Measured] = {}
        for indices in alike.values():
            some = losses_of_each(*([each[index] for index in indices] for each in (present, systems)))
            found |= dict(zip(indices, some, strict=True))
        longest = [loss.schedule.first for loss in self.losses]
        for index, course in enumerate(self.courses):
            window = present[index].schedule.first
            figures = {**found[index].figures, "window": window}
            found[index] = replace(found[index], figures=figures, provisional=window < longest[index])
            course.went(found[index], longest[index])
        return [found[index] for index in range(len(systems))]

    def validate(self, networks: Sequence[Network], epoch: int) -> list[dict[str, float]]:
        """Nothing: a trajectory has no other half."""
        return [{} for _ in networks]

    def only(self, indices: Sequence[int]) -> "SpectrumObjective":
        """That of some of the networks."""
        parts = (self.losses, self.weights, self.courses)
        return SpectrumObjective(*(tuple(part[index] for index in indices if part) for part in parts))

    def states(self) -> list[dict[str, Any]]:
        """The courses of the networks."""
        return [dict(vars(course)) for course in self.courses] or [{} for _ in self.losses]

    def take_up(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        for course, state in zip(self.courses, states, strict=bool(self.courses)):
            vars(course).update(state)


def side_by_side(objectives: Sequence[Objective]) -> Objective:
    """One objective for several networks from one for each. Raises ValueError for tasks."""
    if len(objectives) == 1:
        return objectives[0]
    if not all(isinstance(one, SpectrumObjective) for one in objectives):
        raise ValueError("only networks that are trained on spectra alone are trained side by side")
    names = ("losses", "weights", "courses")
    return SpectrumObjective(*(sum((getattr(one, name) for one in objectives), ()) for name in names))


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
