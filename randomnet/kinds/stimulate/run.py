"""kind = stimulate: some units are driven or silenced for a while, beside the same trajectories left alone.

Each network of the grid, built or trained, starts from several random initial states and settles; then the same states
go on twice, with and without what [stimulation] says. Reported are mean rates by group, and how far the state is from
where it would have been (mRNNTorch's manipulation_stim, with its control).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import Units, pulse, select_from_text, units_of
from randomnet.build import coupling_strength
from randomnet.build.connectome import connectome_of
from randomnet.build.network import Setup, build_setup, check_network, double, initial_states
from randomnet.build.unit_groups import Groups, groups_of
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.spectrum.run import ticker
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

HEADLINE = ("neurons", "targets", "targets_change", "others_change", "distance_end", "seconds")
PROBE = 50  # steps of an estimate


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    facts = check_network(run)
    _plan(run, units_of(connectome_of(run)))
    return facts


def length(run: Run) -> float:
    """Units of time that are recorded."""
    return run.config.analysis.duration


@dataclass(frozen=True)
class _Plan:
    """What is done to the targets, from step `first` to before step `last`: a drive that is `course` (T,) over all the
    steps that are recorded, or silence. groups: the units that are averaged."""

    targets: Tensor
    first: int
    last: int
    course: np.ndarray
    silence: bool
    groups: Groups

    def to(self, device: torch.device) -> "_Plan":
        """The same on a device."""
        return replace(self, targets=self.targets.to(device), groups=self.groups.to(device))

    def described(self, dt: float) -> dict[str, np.ndarray]:
        """What a reader of the arrays needs besides, times in tau."""
        window, times = dt * np.array([self.first, self.last]), dt * np.arange(len(self.course))
        return {"times": times, "course": self.course, "window": window, "groups": self.groups.names}

    def step(self, system: Dynamics, states: Tensor, at: int) -> tuple[Tensor, Tensor]:
        """Rates (B, N) as they are at step `at`, 0 of the silent units, and the states (B, N) after it."""
        rates, within = system.rates(states), self.first <= at < self.last
        if within and self.silence:
            rates = rates.index_fill(-1, self.targets, 0.0)
        elif within:
            extra = torch.zeros_like(states[0]).index_fill(0, self.targets, self.course[at])
            system = replace(system, drive=extra if system.drive is None else system.drive + extra)
        return rates, system.step_with_rates(states, rates)


def _plan(run: Run, units: Units) -> _Plan:
    chosen, dt = run.config.stimulation, run.config.model.dt
    steps = round(run.config.analysis.duration / dt)
    first, last = round(chosen.onset / dt), round(chosen.offset / dt)
    if not first < last <= steps:
        raise ConfigError(
            f"[stimulation] offset: expected a time after onset = {chosen.onset:g} and within "
            f"analysis.duration = {run.config.analysis.duration:g}, got {chosen.offset:g}"
        )
    silence, ramp = chosen.action == "silence", min(round(chosen.ramp / dt), (last - first) // 2)
    strengths = pulse(steps, first, last, 0.0 if silence else chosen.strength, ramp, ramp)
    return _Plan(_targets(chosen.units, units), first, last, strengths, silence,
                 groups_of(chosen.by, units, "stimulation"))  # fmt: skip


def _targets(text: str, units: Units) -> Tensor:
    try:
        return select_from_text(units, text)
    except ValueError as error:
        raise ConfigError(f"[stimulation] units: {error}") from None


@torch.no_grad()
def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Stimulate one network and write arrays.npz; returns what run.json says of it."""
    began = time.perf_counter()
    start = build_setup(run)
    system = double(start.network).autonomous()
    plan = _plan(run, units_of(start.connectome)).to(start.state.device)
    arrays = _followed(run, system, _settled(run, start, system), plan, report, stop)
    record = {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {
            "neurons": start.connectome.n,
            "targets": len(plan.targets),
            **coupling_strength.strength_of(start.network),
        },
        "connectome": start.facts(),
    }
    if all(np.isfinite(array).all() for array in arrays.values()):
        results.write_arrays(folder.path / "arrays.npz", arrays | plan.described(run.config.model.dt))
        within = slice(plan.first, plan.last)
        record["summary"] |= {
            "targets_change": float(arrays["targets"][:, within].mean()),
            "others_change": float(arrays["others"][:, within].mean()) if "others" in arrays else None,
            "distance_end": float(arrays["distance"][:, -1].mean()),
        }
    else:
        record |= {"status": results.DIVERGED, "reason": "a trajectory left the range of numbers"}
    record["summary"]["seconds"] = round(time.perf_counter() - began, 2)
    return record


def _followed(
    run: Run, system: Dynamics, states: Tensor, plan: _Plan, report: ProgressCallback, stop: Callable[[], bool]
) -> dict[str, np.ndarray]:
    """From states (B, N) on, twice: mean rates of the groups, control and changed (G, B, T); the mean change of the
    targets' and of the others' rates, and the distance of the states (root mean square over units), (B, T) each."""
    parts, dt, steps = _parts(plan, states), run.config.model.dt, len(plan.course)
    tick, control, changed = ticker(length(run), report, stop), states, states
    record: dict[str, list[Tensor]] = {name: [] for name in ("control", "changed", "distance", *parts)}
    for at in range(steps):
        tick(at * dt)
        record["distance"].append((changed - control).square().mean(-1).sqrt())
        alone, control = system.rates(control), system.step(control)
        moved, changed = plan.step(system, changed, at)
        for name, rates in (("control", alone), ("changed", moved)):
            record[name].append(plan.groups.averages(rates))
        for name, units in parts.items():
            record[name].append((moved - alone)[:, units].mean(-1))
    return {name: torch.stack(steps, -1).cpu().numpy() for name, steps in record.items()}


def _parts(plan: _Plan, states: Tensor) -> dict[str, Tensor]:
    """The targets and, where there are any, the others, as (N,) bool."""
    targets = torch.zeros(states.shape[-1], dtype=torch.bool, device=states.device).index_fill(0, plan.targets, True)
    return {"targets": targets} | ({} if bool(targets.all()) else {"others": ~targets})



def _settled(run: Run, start: Setup, system: Dynamics) -> Tensor:
    """States (trajectories, N) after settling from the run's own initial state and from random ones."""
    states = initial_states(run, start, run.config.analysis.trajectories)
    for _ in range(round(run.config.analysis.settle / run.config.model.dt)):
        states = system.step(states)
    return states


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from some steps measured here."""
    run = runs[0]
    start = build_setup(run)
    with torch.no_grad():
        system = double(start.network).autonomous()
        states = initial_states(run, start, run.config.analysis.trajectories)
        began = time.perf_counter()
        for _ in range(PROBE):
            states = system.step(states)
    unit = (time.perf_counter() - began) / PROBE / run.config.model.dt
    return Cost(unit, unit * (2 * run.config.analysis.duration + run.config.analysis.settle))


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
)
