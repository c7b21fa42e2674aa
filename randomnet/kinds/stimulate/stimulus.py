"""The stimulus of a run: which units are driven or silenced, when, and how strongly."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import Units, pulse, select_from_text
from randomnet.build.unit_groups import Groups, groups_of
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError


@dataclass(frozen=True)
class Stimulus:
    """A drive of the targets, or their silence, from step `first` to before step `last`.

    course: (T,), the drive at all recorded steps. groups: the units whose rates are averaged. holds: whether silence
    also holds the states of the targets at 0.
    """

    targets: Tensor
    first: int
    last: int
    course: np.ndarray
    silence: bool
    groups: Groups
    holds: bool = False

    def to(self, device: torch.device) -> "Stimulus":
        """Return the same on a device."""
        return replace(self, targets=self.targets.to(device), groups=self.groups.to(device))

    def arrays(self, dt: float) -> dict[str, np.ndarray]:
        """Return the arrays that describe the stimulus, times in tau."""
        window, times = dt * np.array([self.first, self.last]), dt * np.arange(len(self.course))
        return {"times": times, "course": self.course, "window": window, "groups": self.groups.names}

    def step(self, system: Dynamics, states: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Return rates (B, N) at step `number`, 0 of silenced units, and the states (B, N) after it.

        The states of silenced units go on under their inputs, unless they are held at 0.
        """
        rates, within = system.rates(states), self.first <= number < self.last
        if within and self.silence:
            rates = self.silenced(rates)
            if self.holds:
                return rates, self.silenced(system.step_with_rates(self.silenced(states), rates))
        elif within:
            extra = torch.zeros_like(states[0]).index_fill(0, self.targets, self.course[number])
            system = replace(system, drive=extra if system.drive is None else system.drive + extra)
        return rates, system.step_with_rates(states, rates)

    def silenced(self, values: Tensor) -> Tensor:
        """Return values (B, N) that are 0 of the targets."""
        return values.index_fill(-1, self.targets, 0.0)

    def parts(self, states: Tensor) -> dict[str, Tensor]:
        """Return the targets and, where there are any, the others, as (N,) bool."""
        none = torch.zeros(states.shape[-1], dtype=torch.bool, device=states.device)
        targets = none.index_fill(0, self.targets, True)
        return {"targets": targets} | ({} if bool(targets.all()) else {"others": ~targets})


def stimulus_of(run: Run, units: Units) -> Stimulus:
    """Return the stimulus of [stimulation]. Raises ConfigError."""
    settings, dt = run.config.stimulation, run.config.model.dt
    steps = round(run.config.analysis.duration / dt)
    first, last = round(settings.onset / dt), round(settings.offset / dt)
    if not first < last <= steps:
        raise ConfigError(
            f"[stimulation] offset: expected a time after onset = {settings.onset:g} and within "
            f"analysis.duration = {run.config.analysis.duration:g}, got {settings.offset:g}"
        )
    groups = groups_of(settings.by, units, "stimulation")
    return stimulus_within(run, targets_of(settings.units, units), first, last, steps, groups)


def stimulus_within(run: Run, targets: Tensor, first: int, last: int, steps: int, groups: Groups) -> Stimulus:
    """Return the stimulus of these units from step `first` to before step `last`, of `steps` in all."""
    settings = run.config.stimulation
    silence = settings.action == "silence"
    ramp = min(round(settings.ramp / run.config.model.dt), (last - first) // 2)
    size = {"excite": abs(settings.strength), "inhibit": -abs(settings.strength), "silence": 0.0}
    drive = pulse(steps, first, last, size.get(settings.action, settings.strength), ramp, ramp)
    return Stimulus(targets, first, last, drive, silence, groups, silence and settings.silenced == "state")


def targets_of(text: str, units: Units) -> Tensor:
    """Return the units that a text names. Raises ConfigError."""
    try:
        return select_from_text(units, text)
    except ValueError as error:
        raise ConfigError(f"[stimulation] units: {error}") from None
