"""kind = analyse: inside every network of the grid, built or trained: where its states go, and its fixed points.

Trajectories are followed from random initial states, or along the validation trials of a task. Fixed points (and slow
points, where the state all but stops: Sussillo and Barak 2013) are those of the network left to itself, with its
constant drive and, of a task, its biases; each is reported with the eigenvalues of the step's Jacobian there. The flow
field is that of the plane of the first two principal components of all states.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import FixedPoints, fixed_points, flow_field, jacobian_of, plane, starting_points
from randomnet.config import ConfigError, Run
from randomnet.kinds import building
from randomnet.kinds.interface import Cost, Told, machine_memory, no_other, one_at_a_time
from randomnet.rnn import Dynamics
from randomnet.training import Interrupted

WORKERS = None
UNIT = "start"
HEADLINE = ("neurons", "fixed_points", "stable_points", "slow_points", "converged_starts", "explained", "seconds")
ALONG = 20  # states of a trajectory at which the step is linearised
PROBE = 20  # starts of an estimate
LARGEST = 1e100  # of a state; what is larger has left the range of numbers
SETTLED = 1e-12  # q below which a trajectory has come to rest


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    facts = building.check(run)
    memory = machine_memory()
    chosen, steps = run.config.analysis, run.config.analysis.duration / run.config.model.dt
    if not run.config.has_task and 8 * steps * chosen.trajectories * facts["neurons"] > memory / 2:
        raise ConfigError(
            f"[analysis] duration: expected so short that {chosen.trajectories} trajectories of {facts['neurons']} "
            f"neurons fit into memory, got {chosen.duration:g}"
        )
    return facts


def length(run: Run) -> float:
    """The starts of its search."""
    return run.config.analysis.starts


def execute_one(run: Run, folder: results.RunFolder, report: Told, stop: Callable[[], bool]) -> dict[str, Any]:
    """Look inside one network and write arrays.npz; returns what run.json says of it."""
    began = time.perf_counter()
    start = building.begin(run)
    with torch.no_grad():
        system = building.double(start.network).alone()
        states = _trajectories(run, start, system)
    if not _bounded(states):
        return _diverged(start, began)
    told = 0

    def tick(done: int) -> None:
        nonlocal told
        if stop():
            raise Interrupted
        report({"advance": done - told})
        told = done

    found = _fixed_points(run, system, states, run.config.analysis.starts, tick)
    arrays, explained = _field(run, system, states)
    results.write_arrays(folder.path / "arrays.npz", _arrays(found) | arrays | _along(system, states))
    ends = states[-1]
    with torch.no_grad():
        q = 0.5 * (system.step(ends) - ends).square().sum(-1)
    return {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {
            "neurons": start.connectome.n,
            "fixed_points": len(found.points),
            "stable_points": int((found.unstable == 0).sum()),
            "slow_points": len(found.slow),
            "converged_starts": found.converged / found.starts,
            "settled_trajectories": float((q < SETTLED).double().mean()),
            "explained": explained,
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": start.connectome.facts(),
    }


execute, beside = one_at_a_time(execute_one), no_other


def _diverged(start: building.Start, began: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - began, 2)
    return {
        "status": results.DIVERGED,
        "reason": "a trajectory left the range of numbers",
        "summary": {"neurons": start.connectome.n, "seconds": seconds},
        "connectome": start.connectome.facts(),
    }


def _bounded(states: Tensor) -> bool:
    """Whether all can be squared."""
    return bool((states.abs() < LARGEST).all())


def _trajectories(run: Run, start: building.Start, system: Dynamics) -> Tensor:
    """States (time, trajectories, N), the first ones included."""
    number = run.config.analysis.trajectories
    if not run.config.has_task:
        now, path = building.initial_states(run, start, number), []
        for _ in range(round(run.config.analysis.duration / run.config.model.dt)):
            path.append(now)
            now = system.step(now)
        return torch.stack([*path, now])
    trials = torch.from_numpy(building.trials_of(run)[1].inputs[:number]).to(start.state)
    weights = start.network.interface["input_weights"].double()
    now = torch.zeros(len(trials), start.connectome.n).to(start.state)
    path = [now]
    for inputs in trials.transpose(0, 1):
        now = replace(system, drive=system.drive + inputs @ weights.mT).step(now)
        path.append(now)
    return torch.stack(path)


@torch.no_grad()
def _fixed_points(
    run: Run, system: Dynamics, states: Tensor, number: int, tick: Callable[[int], None] = lambda done: None
) -> FixedPoints:
    """From so many starts."""
    noise = run.config.analysis.start_noise
    drawn = starting_points(states.flatten(0, 1), number - 1, run.generator("starts"), noise)
    starts = torch.cat([torch.zeros_like(drawn[:1]), drawn])
    return fixed_points(system.step, jacobian_of(system), starts, tick=tick)


@torch.no_grad()
def _field(run: Run, system: Dynamics, states: Tensor) -> tuple[dict[str, np.ndarray], float]:
    """The flow field in the plane of the trajectories, through their mean; and the share of variance in it."""
    flat = plane(states)
    field = flow_field(system.step, flat.mean, flat, run.config.analysis.grid_points, trajectory=states)
    parts = {
        "trajectories": field.trajectory.transpose(0, 1),
        "plane_mean": flat.mean,
        "plane_axes": flat.axes,
        "plane_explained": flat.explained,
        "grid": field.grid,
        "velocity": field.velocity / run.config.model.dt,
        "energy": field.energy,
    }
    return {name: part.cpu().numpy() for name, part in parts.items()}, float(flat.explained.sum())


def _arrays(found: FixedPoints) -> dict[str, np.ndarray]:
    parts = {
        "fixed_points": found.points,
        "fixed_q": found.q,
        "fixed_hits": found.hits,
        "fixed_eigenvalues": found.eigenvalues,
        "fixed_unstable": found.unstable,
        "slow_points": found.slow,
        "slow_q": found.slow_q,
    }
    return {name: part.cpu().numpy() for name, part in parts.items()}


@torch.no_grad()
def _along(system: Dynamics, states: Tensor) -> dict[str, np.ndarray]:
    """Eigenvalues of the step linearised along the first trajectory."""
    index = torch.linspace(0, len(states) - 1, min(ALONG, len(states)), device=states.device).round().long()
    jacobians = jacobian_of(system)(states[index, 0])
    eigenvalues = torch.stack([torch.linalg.eigvals(one) for one in jacobians])
    return {"along_steps": index.cpu().numpy(), "along_eigenvalues": eigenvalues.cpu().numpy()}


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from a search with few starts."""
    run = runs[0]
    probe = min(PROBE, run.config.analysis.starts)
    start = building.begin(run)
    with torch.no_grad():
        system = building.double(start.network).alone()
        began = time.perf_counter()
        states = _trajectories(run, start, system)
        following = time.perf_counter() - began
    if not _bounded(states):
        return Cost(0.0, following)
    began = time.perf_counter()
    _fixed_points(run, system, states, probe)
    each = (time.perf_counter() - began) / probe
    return Cost(each, following + each * run.config.analysis.starts)
