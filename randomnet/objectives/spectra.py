"""Losses of the leading exponents lambda_1..lambda_k, sorted descending (FlyStability's, its defects 6 and 8 mended):

| name  | formula                                                                     | unit    |
|-------|-----------------------------------------------------------------------------|---------|
| l2    | sqrt(sum_i (lambda_i - target_i)^2)                                         | 1/tau   |
| mse   | mean_i (lambda_i - target_i)^2                                              | 1/tau^2 |
| sinai | -(sum of the positive lambda_i): minimising it maximises the entropy rate   | 1/tau   |
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, System, condition_problem, exponents_of_stack
from randomnet.objectives.interface import Measured
from randomnet.objectives.truncation import TruncatedSystem
from randomnet.rnn import Dynamics, Network, can_stack, stack_systems

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": lambda found, target: torch.linalg.vector_norm(found - target),
    "mse": lambda found, target: (found - target).square().mean(),
    "sinai": lambda found, target: -torch.relu(found).sum(),
}
SMOOTHING, ENOUGH, PATIENCE = 0.3, 0.02, 4  # of the loss that decides on a longer window


def loss_with_error(growth: Tensor, times: Tensor, loss: str, target: Tensor) -> tuple[float, float]:
    """The loss of measured exponents, and its standard error by the jackknife over batches of the record.

    growth: (batches, k), ln of what each batch of the record multiplied lengths by, times: (batches,), how long each
    batch is; target: (k,). A single batch has no error: nan.
    """
    total, whole = growth.sum(0), times.sum()
    without = [(total - own) / (whole - length) for own, length in zip(growth, times, strict=True)]
    value, count = LOSSES[loss](total / whole, target), len(times)
    if count < 2:
        return float(value), math.nan
    left = torch.stack([LOSSES[loss](exponents, target) for exponents in without])
    return float(value), float(((count - 1) * (left - left.mean()).square().mean()).sqrt())


@dataclass(frozen=True)
class SpectrumLoss:
    """A loss of the k leading exponents, always from the same `state` (N,) and `frame` (k, N).

    target (k,) is ignored by `sinai`. truncate: time after which the gradient is cut, see `truncation`; 0 = never.
    Raises ValueError for an unknown loss or a target of another length.
    """

    loss: str
    target: Tensor
    state: Tensor
    frame: Tensor
    schedule: Schedule
    truncate: float = 0.0

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
        return self._of(*exponents_of_stack(self.seen(system), self.state, self.frame, self.schedule))

    def seen(self, system: System) -> System:
        """The system as the gradient goes through it."""
        return TruncatedSystem(system, self.truncate) if self.truncate else system

    def _of(self, found: Tensor, steepness: Tensor, end: Tensor) -> Measured:
        loss = LOSSES[self.loss](found, self.target)
        figures = {"lambda_max": float(found[0].detach())}
        return Measured(loss, figures, trouble=condition_problem(float(steepness), found.dtype), end=end)


def losses_of_each(losses: Sequence[SpectrumLoss], systems: Sequence[Dynamics]) -> list[Measured]:
    """`of` for networks with a loss each, of one length and schedule, computed side by side."""
    if len(systems) == 1 or not all(can_stack(system.coupling) for system in systems):
        return [loss.of(system) for loss, system in zip(losses, systems, strict=True)]
    return losses_of_stack(losses, stack_systems(systems))


def losses_of_stack(losses: Sequence[SpectrumLoss], system: System) -> list[Measured]:
    """The same of networks that are one system already, with a leading axis of runs."""
    state, frame = (torch.stack([getattr(loss, name) for loss in losses]) for name in ("state", "frame"))
    found = exponents_of_stack(losses[0].seen(system), state, frame, losses[0].schedule)
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
        if self.courses and fresh:
            found = [replace(one, figures={**one.figures, "window": loss.schedule.first})
                     for one, loss in zip(found, self.losses, strict=True)]  # fmt: skip
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

    def validate(self, networks: Sequence[Network], epoch: int | None) -> list[dict[str, float]]:
        """Nothing: a trajectory has no other half."""
        return [{} for _ in networks]

    def only(self, indices: Sequence[int]) -> "SpectrumObjective":
        """That of some of the networks."""
        parts = (self.losses, self.weights, self.courses)
        return SpectrumObjective(*(tuple(part[index] for index in indices if part) for part in parts))

    def states(self) -> list[dict[str, Any]]:
        """The courses of the networks."""
        return [dict(vars(course)) for course in self.courses] or [{} for _ in self.losses]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        for course, state in zip(self.courses, states, strict=bool(self.courses)):
            vars(course).update(state)
