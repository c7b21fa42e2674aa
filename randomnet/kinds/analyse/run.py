"""kind = analyse: inside every network of the grid, built or trained: where its states go, and its fixed points.

Trajectories are followed from random initial states, or along the validation trials of a task. Fixed points (and slow
points, where the state all but stops: Sussillo and Barak 2013) are those of the network left to itself, with its
constant drive and, of a task, its biases; each is reported with the eigenvalues of the step's Jacobian there. The flow
field is that of the plane of the first two principal components of all states, or of two units. Arrays, of P fixed
points, A states along the first trajectory, N units in G groups, M of them in one, and C conditions:

| array                                           | what it is                                                      |
|-------------------------------------------------|-----------------------------------------------------------------|
| fixed_points, fixed_q, fixed_hits               | (P, N), (P,), (P,): as of `FixedPoints`; slow_points, slow_q    |
| along_steps                                     | (A,): the steps that are linearised                             |
| fixed_eigenvalues, along_eigenvalues            | (P or A, N) complex: multipliers per step, by modulus           |
| ..._unstable, ..._time_constants                | (P or A,): how many have modulus above 1; (P or A, N), in tau   |
| fixed_at_kink                                   | (P,) bool: no eigenvalues, and unstable -1 where undecided      |
| groups, group_sizes                             | (G,) names; (G,) units, which sum to M                          |
| group_eigenvalues_fixed, ..._along              | (P or A, M) complex: of each group's block, one after the other |
| group_unstable_..., group_time_constants_...    | (P or A, G); (P or A, M)                                        |
| trajectories, plane_..., grid, velocity, energy | the plane and its flow, see `FlowField`; velocity per tau       |
| psth_mean, psth_sem                             | (G, C, T): of a task, mean rates over validation trials         |
| psth_conditions, psth_trials, psth_times        | (C,) names; (C,), trials of each; (T,), in tau                  |
| psth_absent                                     | names of the conditions without a validation trial              |
| event_label, event_onset, event_offset          | (E,): of a task whose events never shift; in tau                |
| phase_...                                       | with analysis.phases: the table of `kinds/phased.py`            |
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import (
    UNDECIDED,
    FixedPoints,
    Jacobian,
    Plane,
    Units,
    find_kinks,
    fixed_points,
    flow_field,
    group_eigenvalues,
    jacobian_of,
    plane,
    psth_arrays,
    sorted_eigenvalues,
    starting_points,
    time_constants,
    units_of,
)
from randomnet.build import coupling_strength
from randomnet.build.connectome import connectome_of
from randomnet.build.network import Setup, build_setup, check_network, double
from randomnet.build.unit_groups import Groups, groups_of
from randomnet.kinds.analyse import by_phase
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.train.trajectories import Followed, event_arrays, followed_in
from randomnet.memory import machine_memory
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.training import Interrupted

HEADLINE = ("neurons", "fixed_points", "stable_points", "kink_points", "slow_points", "converged_starts", "index_sum",
            "leading_modulus", "explained", "seconds")  # fmt: skip
ALONG = 20  # states of a trajectory at which the step is linearised
PROBE = 20  # starts of an estimate
LARGEST = 1e100  # of a state; what is larger has left the range of numbers
SETTLED = 1e-12  # q below which a trajectory has come to rest
MOST_GROUPS = 64  # of which eigenvalues and mean rates are kept


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    facts = check_network(run)
    memory, connectome = machine_memory(), connectome_of(run)
    chosen, steps = run.config.analysis, run.config.analysis.duration / run.config.model.dt
    if not run.config.has_task and 8 * steps * chosen.trajectories * facts["neurons"] > memory / 2:
        raise ConfigError(
            f"[analysis] duration: expected so short that {chosen.trajectories} trajectories of {facts['neurons']} "
            f"neurons fit into memory, got {chosen.duration:g}"
        )
    groups_of(chosen.by, units_of(connectome), "analysis")
    _axes(chosen.plane, connectome.names)
    by_phase.check(run)
    return facts


def length(run: Run) -> float:
    """The starts of its search."""
    return run.config.analysis.starts


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Look inside one network and write arrays.npz; returns what run.json says of it."""
    began = time.perf_counter()
    start = build_setup(run)
    groups = groups_of(run.config.analysis.by, units_of(start.connectome), "analysis").to(start.state.device)
    few = groups if len(groups) <= MOST_GROUPS else None
    with torch.no_grad():
        system = double(start.network).autonomous()
        followed = followed_in(run, start, system, few)
        walked = by_phase.walks(run, start, system)
    if not all(map(_bounded, (followed.states, *(walk.states for walk in walked)))):
        return _diverged(start, began)
    told = 0

    def pause(done: int) -> None:
        if stop():
            raise Interrupted

    def tick(done: int) -> None:
        nonlocal told
        pause(done)
        report({"advance": done - told})
        told = done

    found = _fixed_points(run, system, followed.states, run.config.analysis.starts, tick)
    field, explained = _field(run, system, followed.states, start.connectome.names)
    linear = _linearised(system, found, followed, few, run.config.model.dt)
    responses = _responses(followed, few, run.config.model.dt)
    phases, counts = by_phase.phase_arrays(run, start, system, walked, pause)
    results.write_arrays(folder.path / "arrays.npz", _arrays(found) | field | linear | responses | phases)
    ends = followed.states[-1]
    with torch.no_grad():
        q = 0.5 * (system.step(ends) - ends).square().sum(-1)
    many = f"by {len(groups)} groups, more than {MOST_GROUPS}: their eigenvalues and mean rates are left out"
    bounded = system.activation.bounded and system.integrator == "euler"
    kinked = int(found.at_kink.sum()) + int(phases.get("phase_at_kink", np.zeros(0)).sum())
    sums = {"points": int(found.indices.sum())} | by_phase.index_sums(phases) if bounded else {}
    return {
        "status": results.COMPLETE,
        "reason": "",
        "notes": [*_missing(sums, kinked), *_undecided(found, kinked), *([] if few else [many])],
        "summary": {
            "neurons": start.connectome.n,
            "fixed_points": len(found.points),
            "stable_points": int((found.unstable == 0).sum()),
            "kink_points": int(found.at_kink.sum()),
            "slow_points": len(found.slow),
            "converged_starts": found.converged / found.starts,
            "index_sum": sums.get("points", math.nan),
            "settled_trajectories": float((q < SETTLED).double().mean()),
            "explained": explained,
            "groups": len(groups),
            **_leading(linear),
            **counts,
            **coupling_strength.strength_of(start.network),
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": start.facts(),
    }



def _leading(linear: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest modulus of the step linearised at the first trajectory's end: whole, of any group, of each group."""
    leading = {"leading_modulus": float(np.abs(linear["along_eigenvalues"][-1, 0]))}
    if "groups" in linear:
        firsts = np.cumsum(linear["group_sizes"]) - linear["group_sizes"]
        moduli = np.abs(linear["group_eigenvalues_along"][-1, firsts])
        leading["leading_modulus_groups"] = float(moduli.max())
        names = (f"leading_modulus_of_{name}" for name in linear["groups"])
        leading |= dict(zip(names, moduli.tolist(), strict=True))
    return leading


def _undecided(found: FixedPoints, kinked: int) -> list[str]:
    """A note where there are fixed points at a kink, of those of the network left to itself how many are undecided."""
    if not kinked:
        return []
    undecided, count = int((found.unstable == UNDECIDED).sum()), int(found.at_kink.sum())
    said = f"{count} of {len(found.points)} fixed points are at a kink of the activation, where there is no Jacobian: "
    return [f"{said}they are in no sum of indices, and {undecided} are neither stable nor unstable"]


def _missing(sums: dict[str, int], kinked: int = 0) -> list[str]:
    """A note for each set of fixed points whose indices do not sum to 1, as those of all do."""
    cause = "one is marginal" + ", or at a kink" * (kinked > 0)
    return [
        f"fixed {name} are missing, or {cause}: the signs of det(I - J) sum to {total}, those of all to 1"
        for name, total in sums.items()
        if total != 1
    ]


def _diverged(start: Setup, began: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - began, 2)
    return {
        "status": results.DIVERGED,
        "reason": "a trajectory left the range of numbers",
        "summary": {"neurons": start.connectome.n, **coupling_strength.strength_of(start.network), "seconds": seconds},
        "connectome": start.facts(),
    }


def _bounded(states: Tensor) -> bool:
    """Whether all can be squared."""
    return bool((states.abs() < LARGEST).all())


# ---- fixed points and flow


@torch.no_grad()
def _fixed_points(
    run: Run, system: Dynamics, states: Tensor, number: int, tick: Callable[[int], None] = lambda done: None
) -> FixedPoints:
    """From so many starts."""
    noise = run.config.analysis.start_noise
    drawn = starting_points(states.flatten(0, 1), number - 1, run.generator("starts"), noise)
    starts = torch.cat([torch.zeros_like(drawn[:1]), drawn])
    return fixed_points(system.step, jacobian_of(system), starts, kinks=find_kinks(system), on_progress=tick)


@torch.no_grad()
def _field(run: Run, system: Dynamics, states: Tensor, names: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """The flow field in the plane of the trajectories, through their mean; and the share of variance in it."""
    axes = _axes(run.config.analysis.plane, names)
    flat = plane(states) if axes is None else _of_units(states, axes)
    labels = ("PC 1", "PC 2") if axes is None else [f"state of {names[unit]}" for unit in axes]
    middle = states.flatten(0, -2).mean(0)
    field = flow_field(system.step, middle, flat, run.config.analysis.grid_points, trajectory=states)
    parts = {
        "trajectories": field.trajectory.transpose(0, 1),
        "plane_mean": flat.mean,
        "plane_axes": flat.axes,
        "plane_explained": flat.explained,
        "grid": field.grid,
        "velocity": field.velocity / run.config.model.dt,
        "energy": field.energy,
    }
    arrays = {name: part.cpu().numpy() for name, part in parts.items()}
    return arrays | {"plane_labels": np.array(labels)}, float(flat.explained.sum())


def _axes(text: str, names: np.ndarray) -> tuple[int, int] | None:
    """The two units of analysis.plane, None for pca; names may hold commas. Raises ConfigError."""
    text, places = text.strip(), {str(name): place for place, name in enumerate(names)}
    if text.lower() == "pca":
        return None
    for comma in (place for place, letter in enumerate(text) if letter == ","):
        ends = [_unit(part.strip(), places) for part in (text[:comma], text[comma + 1 :])]
        if None not in ends and ends[0] != ends[1]:
            return ends[0], ends[1]
    unknown = next((part.strip() for part in text.split(",") if _unit(part.strip(), places) is None), "")
    raise ConfigError(
        f"[analysis] plane: expected pca, or two different units by name or number 0..{len(names) - 1} with a comma "
        f"between them, got {text!r}{nearest(unknown, ['pca', *places])}"
    )


def _unit(text: str, places: dict[str, int]) -> int | None:
    if text in places:
        return places[text]
    return int(text) if text.isdecimal() and int(text) < len(places) else None


def _of_units(states: Tensor, axes: tuple[int, int]) -> Plane:
    """The plane whose coordinates are the states of two units, with their shares of the variance of states (..., N)."""
    variances = states.flatten(0, -2).var(0, correction=0)
    return replace(Plane.of_units(*axes, torch.zeros_like(variances)), explained=variances[[*axes]] / variances.sum())


def _arrays(found: FixedPoints) -> dict[str, np.ndarray]:
    parts = {
        "fixed_points": found.points,
        "fixed_q": found.q,
        "fixed_hits": found.hits,
        "fixed_eigenvalues": found.eigenvalues,
        "fixed_unstable": found.unstable,
        "fixed_at_kink": found.at_kink,
        "slow_points": found.slow,
        "slow_q": found.slow_q,
    }
    return {name: part.cpu().numpy() for name, part in parts.items()}


# ---- the linearised step


@torch.no_grad()
def _linearised(
    system: Dynamics, found: FixedPoints, followed: Followed, groups: Groups | None, dt: float
) -> dict[str, np.ndarray]:
    """Of the step linearised along the first trajectory the eigenvalues, and there and at fixed points those of the
    groups' blocks; one Jacobian at a time, as each is as large as the weights."""
    states, alone = followed.states, jacobian_of(system)
    index = torch.linspace(0, len(states) - 1, min(ALONG, len(states)), device=states.device).round().long()
    parts = {"along_steps": index}
    wholes: list[Any] = []
    blocks: dict[str, list[Any]] = {"fixed": [], "along": []}
    for step in index.tolist():
        jacobian = _jacobian_at(system, alone, followed, step)
        wholes.append(sorted_eigenvalues(jacobian))
        blocks["along"] += [] if groups is None else [group_eigenvalues(jacobian, groups.units)]
    parts["along_eigenvalues"] = torch.stack(wholes)
    parts["along_unstable"] = (parts["along_eigenvalues"].abs() > 1).sum(1)
    parts["along_time_constants"] = time_constants(parts["along_eigenvalues"], dt)
    parts["fixed_time_constants"] = time_constants(found.eigenvalues, dt)
    arrays = {}
    if groups is not None:
        every = zip(found.points, found.at_kink.tolist(), strict=True)
        blocks["fixed"] = [_blocks(alone, point, groups) * (math.nan if kink else 1.0) for point, kink in every]
        sizes = torch.tensor([len(units) for units in groups.units.values()])
        arrays = {"groups": groups.names, "group_sizes": sizes.numpy()}
        for where, values in blocks.items():
            values = torch.stack(values) if values else states.new_zeros(0, int(sizes.sum()), dtype=torch.complex128)
            parts[f"group_eigenvalues_{where}"] = values
            parts[f"group_time_constants_{where}"] = time_constants(values, dt)
            outside = (values.abs() > 1).split(sizes.tolist(), 1)
            parts[f"group_unstable_{where}"] = torch.stack([group.sum(1) for group in outside], 1)
    return arrays | {name: part.cpu().numpy() for name, part in parts.items()}


def _blocks(alone: Jacobian, point: Tensor, groups: Groups) -> Tensor:
    """The eigenvalues of the groups' blocks of the step's Jacobian at a point (N,)."""
    return group_eigenvalues(alone(point[None])[0], groups.units)


def _jacobian_at(system: Dynamics, alone: Jacobian, followed: Followed, step: int) -> Tensor:
    """(N, N), of the step that the first trajectory takes from there; after its last, of one without input."""
    state = followed.states[step, :1]
    if followed.drive is None or step == len(followed.drive):
        return alone(state)[0]
    return jacobian_of(replace(system, drive=followed.drive[step]))(state)[0]


# ---- responses


def _responses(followed: Followed, groups: Groups | None, dt: float) -> dict[str, np.ndarray]:
    """Mean rates of the groups over the trials of each condition; nothing without a task."""
    if followed.rates is None or groups is None:
        return {}
    index, names = followed.conditions
    as_units = Units(groups.names, {}, np.zeros(len(groups), np.int8))  # what is averaged over units is there already
    responses = list(psth_arrays(followed.rates, as_units, "neuron", index).values())
    return {
        "psth_mean": np.stack([response.mean for response in responses]),
        "psth_sem": np.stack([response.sem for response in responses]),
        "psth_conditions": np.array(names)[responses[0].conditions],
        "psth_absent": np.delete(np.array(names), responses[0].conditions),
        "psth_trials": responses[0].trials,
        "psth_times": dt * (1 + responses[0].time),
        **event_arrays(followed.events, dt),
    }


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from a search with few starts."""
    run = runs[0]
    probe = min(PROBE, run.config.analysis.starts)
    start = build_setup(run)
    with torch.no_grad():
        system = double(start.network).autonomous()
        began = time.perf_counter()
        states = followed_in(run, start, system, None).states
        following = time.perf_counter() - began
    if not _bounded(states):
        return Cost(0.0, following)
    began = time.perf_counter()
    _fixed_points(run, system, states, probe)
    each = (time.perf_counter() - began) / probe
    return Cost(each, following + each * run.config.analysis.starts * (1 + by_phase.searches(run)))


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="start",
    headline=HEADLINE,
)
