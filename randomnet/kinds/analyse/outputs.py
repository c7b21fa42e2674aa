"""Outputs of an analysed network: arrays.npz and the summary of run.json.

The flow field is that of the plane of the first two principal components of all states, or of two units. Arrays, of P
fixed points, A states along the first trajectory, N units in G groups, M of them in one, and C conditions:

| array                                           | content                                                         |
|-------------------------------------------------|-----------------------------------------------------------------|
| fixed_points, fixed_q, fixed_hits               | (P, N), (P,), (P,): see `FixedPoints`; slow_points, slow_q      |
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
| phase_...                                       | with analysis.phases: the table of `phases`                     |
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import UNDECIDED, FixedPoints, Plane, Units, flow_field, plane, psth_arrays
from randomnet.build.coupling_strength import strength_of
from randomnet.build.source_setup import SourceSetup
from randomnet.build.unit_groups import Groups
from randomnet.kinds.analyse.linearization import leading_moduli, linearized_arrays
from randomnet.kinds.analyse.phases import PhasePath, index_sums, phase_arrays
from randomnet.kinds.analyse.systems import AnySetup, AnySystem, has_index_sum
from randomnet.kinds.trajectories import Trajectories, event_arrays
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest

SETTLED = 1e-12  # q below which a trajectory has come to rest
MOST_GROUPS = 64  # whose eigenvalues and mean rates are written


@dataclass(frozen=True)
class Analysis:
    """What was found in a network: trajectories, fixed points of the autonomous system, and the paths of the phases.

    groups: all groups of units; None for a system of [source]. drawn_groups: the same, or None where they are more than
    MOST_GROUPS.
    """

    setup: AnySetup
    system: AnySystem
    trajectories: Trajectories
    points: FixedPoints
    groups: Groups | None
    drawn_groups: Groups | None
    paths: Sequence[PhasePath]


def drawn_groups_of(groups: Groups | None) -> Groups | None:
    """Return the groups, or None where they are more than MOST_GROUPS."""
    return groups if groups is not None and len(groups) <= MOST_GROUPS else None


def write_outputs(
    run: Run, folder: results.RunFolder, analysis: Analysis, on_progress: Callable[..., None], began: float
) -> dict[str, Any]:
    """Compute and write the arrays; return the record for run.json."""
    setup, system, points, dt = analysis.setup, analysis.system, analysis.points, run.config.model.dt
    trajectories, groups = analysis.trajectories, analysis.drawn_groups
    field, explained = _field(run, system, trajectories.states, setup.names)
    linear = linearized_arrays(system, points, trajectories, groups, dt)
    responses = _responses(trajectories, groups, dt)
    by_phase, counts = phase_arrays(run, setup, system, analysis.paths, on_progress)
    results.write_arrays(folder.path / "arrays.npz", _point_arrays(points) | field | linear | responses | by_phase)
    sums = {"points": int(points.indices.sum())} | index_sums(by_phase) if has_index_sum(system) else {}
    return {
        "status": results.COMPLETE,
        "reason": "",
        "notes": _notes(analysis, sums, by_phase),
        "summary": {
            "neurons": setup.n,
            "fixed_points": len(points.points),
            "stable_points": int((points.unstable == 0).sum()),
            "kink_points": int(points.at_kink.sum()),
            "slow_points": len(points.slow),
            "converged_starts": points.converged / points.starts,
            "index_sum": sums.get("points", math.nan),
            "settled_trajectories": _settled_share(system, trajectories.states[-1]),
            "explained": explained,
            **({} if analysis.groups is None else {"groups": len(analysis.groups)}),
            **leading_moduli(linear),
            **counts,
            **strength_of_setup(setup),
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": setup.facts(),
    }


def _notes(analysis: Analysis, sums: dict[str, int], by_phase: dict[str, np.ndarray]) -> list[str]:
    """Return notes on missing and undecided fixed points, and on groups that are left out."""
    points, groups = analysis.points, len(analysis.groups or ())
    kinked = int(points.at_kink.sum()) + int(by_phase.get("phase_at_kink", np.zeros(0)).sum())
    many = f"by {groups} groups, more than {MOST_GROUPS}: their eigenvalues and mean rates are left out"
    left_out = [many] if analysis.groups and not analysis.drawn_groups else []
    return [*_missing(sums, kinked), *_undecided(points, kinked), *left_out]


def strength_of_setup(setup: AnySetup) -> dict[str, float]:
    """Return the columns of a network's coupling strength; empty for a system of [source]."""
    return {} if isinstance(setup, SourceSetup) else strength_of(setup.network)


@torch.no_grad()
def _settled_share(system: AnySystem, states: Tensor) -> float:
    """Return the share of states (trajectories, N) that are at rest."""
    q = 0.5 * (system.step(states) - states).square().sum(-1)
    return float((q < SETTLED).double().mean())


def _undecided(points: FixedPoints, kinked: int) -> list[str]:
    """Return a note where there are fixed points at a kink; those of the autonomous network are counted."""
    if not kinked:
        return []
    undecided, count = int((points.unstable == UNDECIDED).sum()), int(points.at_kink.sum())
    return [
        f"{count} of {len(points.points)} fixed points are at a kink of the activation, where there is no Jacobian: "
        f"they are in no sum of indices, and {undecided} are neither stable nor unstable"
    ]


def _missing(sums: dict[str, int], kinked: int = 0) -> list[str]:
    """Return a note for each set of fixed points whose indices do not sum to 1, as those of all points do."""
    cause = "one is marginal" + ", or at a kink" * (kinked > 0)
    return [
        f"fixed {name} are missing, or {cause}: the signs of det(I - J) sum to {total}, those of all to 1"
        for name, total in sums.items()
        if total != 1
    ]


def _point_arrays(points: FixedPoints) -> dict[str, np.ndarray]:
    parts = {
        "fixed_points": points.points,
        "fixed_q": points.q,
        "fixed_hits": points.hits,
        "fixed_eigenvalues": points.eigenvalues,
        "fixed_unstable": points.unstable,
        "fixed_at_kink": points.at_kink,
        "slow_points": points.slow,
        "slow_q": points.slow_q,
    }
    return {name: part.cpu().numpy() for name, part in parts.items()}


# ---- the flow field in a plane


@torch.no_grad()
def _field(run: Run, system: AnySystem, states: Tensor, names: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """Return the flow field in a plane through the trajectories' mean, and the share of variance in that plane."""
    units = plane_units(run.config.analysis.plane, names)
    axes = plane(states) if units is None else _plane_of_units(states, units)
    labels = ("PC 1", "PC 2") if units is None else [f"state of {names[unit]}" for unit in units]
    middle = states.flatten(0, -2).mean(0)
    field = flow_field(system.step, middle, axes, run.config.analysis.grid_points, trajectory=states)
    parts = {
        "trajectories": field.trajectory.transpose(0, 1),
        "plane_mean": axes.mean,
        "plane_axes": axes.axes,
        "plane_explained": axes.explained,
        "grid": field.grid,
        "velocity": field.velocity / run.config.model.dt,
        "energy": field.energy,
    }
    arrays = {name: part.cpu().numpy() for name, part in parts.items()}
    return arrays | {"plane_labels": np.array(labels)}, float(axes.explained.sum())


def plane_units(text: str, names: np.ndarray) -> tuple[int, int] | None:
    """Return the two units of analysis.plane, None for pca; names may hold commas. Raises ConfigError."""
    text, numbers = text.strip(), {str(name): number for number, name in enumerate(names)}
    if text.lower() == "pca":
        return None
    for comma in (place for place, letter in enumerate(text) if letter == ","):
        ends = [_unit(part.strip(), numbers) for part in (text[:comma], text[comma + 1 :])]
        if None not in ends and ends[0] != ends[1]:
            return ends[0], ends[1]
    unknown = next((part.strip() for part in text.split(",") if _unit(part.strip(), numbers) is None), "")
    raise ConfigError(
        f"[analysis] plane: expected pca, or two different units by name or number 0..{len(names) - 1} with a comma "
        f"between them, got {text!r}{nearest(unknown, ['pca', *numbers])}"
    )


def _unit(text: str, numbers: dict[str, int]) -> int | None:
    if text in numbers:
        return numbers[text]
    return int(text) if text.isdecimal() and int(text) < len(numbers) else None


def _plane_of_units(states: Tensor, units: tuple[int, int]) -> Plane:
    """Return the plane of the states of two units, with their shares of the variance of states (..., N)."""
    variances = states.flatten(0, -2).var(0, correction=0)
    axes = Plane.of_units(*units, torch.zeros_like(variances))
    return replace(axes, explained=variances[[*units]] / variances.sum())


# ---- responses


def _responses(trajectories: Trajectories, groups: Groups | None, dt: float) -> dict[str, np.ndarray]:
    """Return mean rates of the groups over the trials of each condition; empty without a task."""
    if trajectories.rates is None or groups is None:
        return {}
    index, names = trajectories.conditions
    as_units = Units(groups.names, {}, np.zeros(len(groups), np.int8))  # the rates are means over units already
    responses = list(psth_arrays(trajectories.rates, as_units, "neuron", index).values())
    return {
        "psth_mean": np.stack([response.mean for response in responses]),
        "psth_sem": np.stack([response.sem for response in responses]),
        "psth_conditions": np.array(names)[responses[0].conditions],
        "psth_absent": np.delete(np.array(names), responses[0].conditions),
        "psth_trials": responses[0].trials,
        "psth_times": dt * (1 + responses[0].time),
        **event_arrays(trajectories.events, dt),
    }
