"""Losses of the leading exponents lambda_1..lambda_k, sorted descending:

| name  | formula                                                                     | unit    |
|-------|-----------------------------------------------------------------------------|---------|
| l2    | sqrt(sum_i (lambda_i - target_i)^2)                                         | 1/tau   |
| mse   | mean_i (lambda_i - target_i)^2                                              | 1/tau^2 |
| sinai | -(sum of the positive lambda_i): minimising it maximises the entropy rate   | 1/tau   |

Source: FlyStability, whose defects 6 and 8 are corrected.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from randomnet.losses import LOSSES
from randomnet.lyapunov import Schedule, System, condition_problem, exponents_of_stack
from randomnet.objectives.interface import Measurement, are_counts
from randomnet.objectives.truncation import TruncatedSystem
from randomnet.rnn import Dynamics, Network, can_stack, stack_systems

# the window is doubled when the smoothed loss has not fallen by the share MIN_DECREASE for PATIENCE epochs
SMOOTHING, MIN_DECREASE, PATIENCE = 0.3, 0.02, 4


def loss_with_error(growth: Tensor, times: Tensor, loss: str, target: Tensor) -> tuple[float, float]:
    """The loss of measured exponents, and its standard error by the jackknife over batches of the record.

    growth: (batches, k), log growth of the tangent vectors in each batch; times: (batches,), the batches' durations;
    target: (k,). With a single batch the error is nan.
    """
    total_growth, total_time = growth.sum(0), times.sum()
    left_out = [(total_growth - part) / (total_time - time) for part, time in zip(growth, times, strict=True)]
    value, count = LOSSES[loss].value(total_growth / total_time, target), len(times)
    if count < 2:
        return float(value), math.nan
    losses = torch.stack([LOSSES[loss].value(exponents, target) for exponents in left_out])
    return float(value), float(((count - 1) * (losses - losses.mean()).square().mean()).sqrt())


@dataclass(frozen=True)
class SpectrumLoss:
    """A loss of the k leading exponents, always measured from the same `state` (N,) and `frame` (k, N).

    target: (k,); `sinai` ignores it. truncate: time after which the gradient is cut, see `truncation`; 0 = never.
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

    def measure(self, system: System) -> Measurement:
        """The loss of a system, with lambda_max (per tau)."""
        return self.measurement(*exponents_of_stack(self.truncated(system), self.state, self.frame, self.schedule))

    def truncated(self, system: System) -> System:
        """The system with the truncated gradient, or itself where the gradient is not cut."""
        return TruncatedSystem(system, self.truncate) if self.truncate else system

    def measurement(self, exponents: Tensor, steepness: Tensor, end: Tensor) -> Measurement:
        """The loss of exponents (k,); steepness, end: as returned by `exponents_of_stack`."""
        loss = LOSSES[self.loss].value(exponents, self.target)
        figures = {"lambda_max": float(exponents[0].detach())}
        return Measurement(loss, figures, problem=condition_problem(float(steepness), exponents.dtype), end=end)


def measure_each(losses: Sequence[SpectrumLoss], systems: Sequence[Dynamics]) -> list[Measurement]:
    """Each loss of its own network, computed side by side; the losses must share length and schedule."""
    if len(systems) == 1 or not all(can_stack(system.coupling) for system in systems):
        return [loss.measure(system) for loss, system in zip(losses, systems, strict=True)]
    return measure_stack(losses, stack_systems(systems))


def measure_stack(losses: Sequence[SpectrumLoss], system: System) -> list[Measurement]:
    """As `measure_each`, for networks that are one system already, with a leading axis of runs."""
    state, frame = (torch.stack([getattr(loss, name) for loss in losses]) for name in ("state", "frame"))
    results = exponents_of_stack(losses[0].truncated(system), state, frame, losses[0].schedule)
    return [loss.measurement(*result) for loss, *result in zip(losses, *results, strict=True)]


@dataclass
class Trajectory:
    """The trajectory of one network across the epochs of a training. Its fields are the keys of a checkpoint.

    warm: each epoch continues where the last one ended, without transients. window: the averaging time, at first. It
    is doubled each time the smoothed loss has not fallen by the share MIN_DECREASE for PATIENCE epochs, up to the
    schedule's tsim. Short windows are enough until sampling noise dominates the gradient. state, frame: where the next
    epoch starts. smoothed, lowest, waited: the smoothed loss, its lowest value, and the epochs since then.
    """

    warm: bool
    window: float
    state: Tensor | None = None
    frame: Tensor | None = None
    smoothed: float = math.nan
    lowest: float = math.inf
    waited: int = 0

    def adapt(self, loss: SpectrumLoss) -> SpectrumLoss:
        """The loss with this epoch's window, state and frame."""
        schedule = replace(loss.schedule, tsim=min(self.window, loss.schedule.first))
        if self.state is None:
            return replace(loss, schedule=schedule)
        schedule = replace(schedule, transient=0.0, frame_transient=0.0)
        return replace(loss, schedule=schedule, state=self.state, frame=self.frame)

    def can_load(self, state: Mapping[str, Any], loss: SpectrumLoss) -> bool:
        """Whether a mapping has the fields of a later epoch of this trajectory."""
        if state.keys() != vars(self).keys() or state["warm"] is not self.warm:
            return False
        if not are_counts([state], [{"waited": 0}]):
            return False
        window, *averages = (state[name] for name in ("window", "smoothed", "lowest"))
        if not all(isinstance(average, float) for average in averages) or not isinstance(window, (int, float)):
            return False
        if not self.window <= window <= max(self.window, loss.schedule.first):
            return False
        ends, starts = (state["state"], state["frame"]), (loss.state, loss.frame)
        are_missing = all(end is None for end in ends)
        return are_missing or (self.warm and all(map(_is_end, ends, starts)))

    def update(self, measurement: Measurement, longest: float) -> None:
        """Record the measurement of an epoch, and double the window if the loss no longer falls; longest: its limit."""
        if self.warm:
            self.state, self.frame = measurement.end[0].clone(), measurement.end[1:].clone()
        loss = float(measurement.loss.detach())
        self.smoothed = loss if math.isnan(self.smoothed) else self.smoothed + SMOOTHING * (loss - self.smoothed)
        if self.smoothed < self.lowest - MIN_DECREASE * abs(self.lowest) or math.isinf(self.lowest):
            self.lowest, self.waited = self.smoothed, 0
            return
        self.waited += 1
        if self.waited >= PATIENCE and self.window < longest:
            self.window, self.lowest, self.waited = min(2 * self.window, longest), math.inf, 0


def _is_end(end: Any, start: Tensor) -> bool:
    """Whether a value is a state or a frame at which a trajectory that began at `start` can end."""
    if not isinstance(end, Tensor) or end.is_meta or end.layout != start.layout or end.shape != start.shape:
        return False
    return end.is_floating_point() and bool(end.isfinite().all())


@dataclass(frozen=True)
class SpectrumObjective:
    """The spectra of undriven networks, each with its own loss and `weight`; one update per epoch.

    trajectories: one per network; empty where each epoch measures the same trajectory, from the loss's own state.
    """

    losses: tuple[SpectrumLoss, ...]
    weights: tuple[float, ...]
    trajectories: tuple[Trajectory, ...] = ()

    def batches(self) -> Sequence[None]:
        """One batch: the whole trajectory."""
        return (None,)

    def measure(self, networks: Sequence[Network], batch: None, evaluation: bool = False) -> list[Measurement]:
        """The losses of the networks with their present parameters; evaluation: over the whole schedule."""
        systems = [network.dynamics() for network in networks]
        training = self.trajectories and not evaluation
        results = self._along_trajectories(systems) if training else measure_each(self.losses, systems)
        if self.trajectories and evaluation:
            results = [replace(result, figures={**result.figures, "window": loss.schedule.first})
                       for result, loss in zip(results, self.losses, strict=True)]  # fmt: skip
        pairs = zip(results, self.weights, strict=True)
        return [replace(result, loss=weight * result.loss) for result, weight in pairs]

    def _along_trajectories(self, systems: Sequence[Dynamics]) -> list[Measurement]:
        """The losses of this epoch; networks with the same schedule are computed side by side."""
        losses = [trajectory.adapt(loss) for trajectory, loss in zip(self.trajectories, self.losses, strict=True)]
        by_schedule: dict[Schedule, list[int]] = {}
        for index, loss in enumerate(losses):
            by_schedule.setdefault(loss.schedule, []).append(index)
        results: dict[int, Measurement] = {}
        for indices in by_schedule.values():
            group = measure_each(*([each[index] for index in indices] for each in (losses, systems)))
            results |= dict(zip(indices, group, strict=True))
        longest = [loss.schedule.first for loss in self.losses]
        for index, trajectory in enumerate(self.trajectories):
            window = losses[index].schedule.first
            figures = {**results[index].figures, "window": window}
            results[index] = replace(results[index], figures=figures, provisional=window < longest[index])
            trajectory.update(results[index], longest[index])
        return [results[index] for index in range(len(systems))]

    def validate(self, networks: Sequence[Network], epoch: int | None) -> list[dict[str, float]]:
        """Empty figures: an undriven trajectory has no validation data."""
        return [{} for _ in networks]

    def select(self, indices: Sequence[int]) -> "SpectrumObjective":
        """The objective of some of the networks."""
        parts = (self.losses, self.weights, self.trajectories)
        return SpectrumObjective(*(tuple(part[index] for index in indices if part) for part in parts))

    def states(self) -> list[dict[str, Any]]:
        """The fields of each network's trajectory."""
        return [dict(vars(trajectory)) for trajectory in self.trajectories] or [{} for _ in self.losses]

    def can_load(self, states: Sequence[Any]) -> bool:
        """Whether values of a file are such `states()`."""
        if not self.trajectories or len(states) != len(self.losses):
            return are_counts(states, self.states())
        return all(isinstance(state, dict) and trajectory.can_load(state, loss)
                   for trajectory, state, loss in zip(self.trajectories, states, self.losses, strict=True))  # fmt: skip

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Resume from such `states()`."""
        for trajectory, state in zip(self.trajectories, states, strict=bool(self.trajectories)):
            vars(trajectory).update(state)
