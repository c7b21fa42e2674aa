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
from randomnet.analysis import Units, select, stimulation, units_of
from randomnet.config import ConfigError, Run
from randomnet.kinds import building
from randomnet.kinds.interface import Cost, Told, no_other, one_at_a_time
from randomnet.kinds.networks import connectome_of
from randomnet.rnn import Dynamics
from randomnet.training import Interrupted

WORKERS = None
UNIT = "τ"
HEADLINE = ("neurons", "targets", "targets_change", "others_change", "distance_end", "seconds")
BY = ("region", "population", "neurotransmitter", "cell_fibers", "type")
REPORTS = 50  # of one run
PROBE = 50  # steps of an estimate


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    facts = building.check(run)
    _plan(run, units_of(connectome_of(run)))
    return facts


def length(run: Run) -> float:
    """Units of time that are recorded."""
    return run.config.analysis.duration


@dataclass(frozen=True)
class _Plan:
    """What is done when: the course (T, N) of the drive, or the window and the units that are silenced; the groups."""

    targets: Tensor
    first: int
    last: int
    course: Tensor | None
    groups: dict[str, Tensor]

    def step(self, system: Dynamics, states: Tensor, at: int) -> tuple[Tensor, Tensor]:
        """Rates (B, N) as they are at step `at`, and the states (B, N) after it."""
        within = self.first <= at < self.last
        if self.course is not None:
            extra = self.course[at] if within else None
            return _stepped(system, states, extra, None)
        return _stepped(system, states, None, self.targets if within else None)


def _stepped(system: Dynamics, states: Tensor, extra: Tensor | None, silent: Tensor | None) -> tuple[Tensor, Tensor]:
    current = system.form == "current"
    rates = system.activation(states, system.gains, system.shifts)[0] if current else states
    if silent is not None:
        rates = rates.index_fill(-1, silent, 0.0)
    arriving = system.coupling.across(rates)
    for drive in (system.drive, extra):
        arriving = arriving if drive is None else arriving + drive
    if not current:
        arriving = system.activation(arriving, system.gains, system.shifts)[0]
    return rates, (1 - system.dt) * states + system.dt * arriving


def _plan(run: Run, units: Units) -> _Plan:
    chosen, dt = run.config.stimulation, run.config.model.dt
    steps = round(run.config.analysis.duration / dt)
    first, last = round(chosen.onset / dt), round(chosen.offset / dt)
    if not first < last <= steps:
        raise ConfigError(
            f"[stimulation] offset: expected a time after onset = {chosen.onset:g} and within "
            f"analysis.duration = {run.config.analysis.duration:g}, got {chosen.offset:g}"
        )
    names = [name.strip() for name in chosen.units.split(",")] if chosen.units.strip() else []
    try:
        targets, ramp = select(units, *names), round(chosen.ramp / dt)
    except ValueError as error:
        raise ConfigError(f"[stimulation] units: {error}") from None
    course = None
    if chosen.action == "drive":
        try:
            course = stimulation(units, first, last, steps, chosen.strength, 1, names, ramp_up=ramp, ramp_down=ramp,
                                 like=torch.empty(0, dtype=torch.float64))[0]  # fmt: skip
        except ValueError as error:
            raise ConfigError(f"[stimulation] ramp: {error}") from None
    return _Plan(targets, first, last, course, _groups(chosen.by, units))


def _groups(by: str, units: Units) -> dict[str, Tensor]:
    kinds = [by] if by else [kind for kind in BY if kind in units.labels][:1]
    if not kinds:
        return {"all": torch.arange(units.n)}
    try:
        return units.groups(kinds[0])
    except ValueError as error:
        raise ConfigError(f"[stimulation] by: {error}") from None


@torch.no_grad()
def execute_one(run: Run, folder: results.RunFolder, report: Told, stop: Callable[[], bool]) -> dict[str, Any]:
    """Stimulate one network and write arrays.npz; returns what run.json says of it."""
    began = time.perf_counter()
    start = building.begin(run)
    system = building.double(start.network).alone()
    plan, dt = _plan(run, units_of(start.connectome)), run.config.model.dt
    plan = replace(
        plan,
        targets=plan.targets.to(start.state.device),
        course=None if plan.course is None else plan.course.to(start.state),
        groups={name: index.to(start.state.device) for name, index in plan.groups.items()},
    )
    control = _settled(run, start, system)
    changed, steps = control, round(run.config.analysis.duration / dt)
    others = torch.ones(start.connectome.n, dtype=torch.bool, device=control.device)
    others[plan.targets] = False
    record: dict[str, list[Tensor]] = {name: [] for name in ("control", "changed", "distance", "targets", "others")}
    for at in range(steps):
        if stop():
            raise Interrupted
        (alone, after), (moved, changed_after) = _stepped(system, control, None, None), plan.step(system, changed, at)
        for name, rates in (("control", alone), ("changed", moved)):
            record[name].append(torch.stack([rates[:, index].mean(-1) for index in plan.groups.values()]))
        record["distance"].append((changed - control).square().mean(-1).sqrt())
        for name, index in (("targets", ~others), ("others", others)):
            record[name].append((moved - alone)[:, index].mean(-1))
        control, changed = after, changed_after
        if (at + 1) % max(1, steps // REPORTS) == 0 or at + 1 == steps:
            report({"advance": dt * (at % max(1, steps // REPORTS) + 1)})
    arrays = {name: torch.stack(parts, -1).cpu().numpy() for name, parts in record.items()}
    if not all(np.isfinite(arrays[name]).all() for name in ("control", "changed")):
        reason = "a trajectory left the range of numbers"
        return _record(start, {}, began) | {"status": results.DIVERGED, "reason": reason}
    times = dt * np.arange(steps)
    course = np.zeros(steps) if plan.course is None else plan.course[:, plan.targets[0]].cpu().numpy()
    extra = {"times": times, "course": course, "window": dt * np.array([plan.first, plan.last]),
             "groups": np.array(list(plan.groups))}  # fmt: skip
    results.write_arrays(folder.path / "arrays.npz", arrays | extra)
    within = slice(plan.first, plan.last)
    return _record(
        start,
        {
            "targets": len(plan.targets),
            "targets_change": float(arrays["targets"][:, within].mean()),
            "others_change": float(arrays["others"][:, within].mean()) if bool(others.any()) else None,
            "distance_end": float(arrays["distance"][:, -1].mean()),
        },
        began,
    )


execute, beside = one_at_a_time(execute_one), no_other


def _record(start: building.Start, figures: dict[str, Any], began: float) -> dict[str, Any]:
    return {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {"neurons": start.connectome.n, **figures, "seconds": round(time.perf_counter() - began, 2)},
        "connectome": start.connectome.facts(),
    }


def _settled(run: Run, start: building.Start, system: Dynamics) -> Tensor:
    """States (trajectories, N) after settling from the run's own initial state and from random ones."""
    drawn = run.generator("state").standard_normal((run.config.analysis.trajectories, start.connectome.n))
    states = torch.cat([start.state[None], torch.from_numpy(drawn[1:]).to(start.state)])
    for _ in range(round(run.config.stimulation.settle / run.config.model.dt)):
        states = system.step(states)
    return states


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from some steps measured here."""
    run = runs[0]
    start = building.begin(run)
    with torch.no_grad():
        system = building.double(start.network).alone()
        short = replace(run, config=replace(run.config, stimulation=replace(run.config.stimulation, settle=0.0)))
        states = _settled(short, start, system)
        began = time.perf_counter()
        for _ in range(PROBE):
            states = _stepped(system, states, None, None)[1]
    unit = (time.perf_counter() - began) / PROBE / run.config.model.dt
    return Cost(unit, unit * (2 * run.config.analysis.duration + run.config.stimulation.settle))
