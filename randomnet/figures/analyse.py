"""Figures of kind = analyse: state space and fixed points of each network, its linearization, and its responses."""

from dataclasses import replace
from typing import Any

import numpy as np

from randomnet import plotting
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures, time_unit_of, trial_events
from randomnet.plotting import FixedPointsByPhase, Linearization, Panel, Psth, StateSpace

AT_THE_END = "the end of the first trajectory"
MOST_BLOCKS = 8  # groups whose eigenvalues are drawn, at most
FEWEST_ACROSS = 4  # fixed points; fewer always lie in some plane
LEAST_ACROSS = 0.05  # share of their variance across the plane, from which a third axis is drawn
MOST_PANELS = 12  # groups with a panel of their own, at most
PANELS = (
    Panel("fixed_points", "fixed points found", whole=True, least=0.0),
    Panel("stable_points", "stable fixed points found", whole=True, least=0.0),
    Panel("kink_points", "fixed points found\nat a kink", whole=True, least=0.0),
    Panel("explained", "share of variance\nin the plane", least=0.0, spans=(0.0, 1.0)),
    Panel("leading_modulus", "largest |λ| at the end\nof the first trajectory", least=0.0),
)


def state_space_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, combo, arrays in example_networks(study, "inside", "plane_labels"):
        yield stem, plotting.state_space(replace(_state_space(arrays), unit=time_unit_of(combo)), title)


def _state_space(arrays: dict[str, np.ndarray]) -> StateSpace:
    def projected(points: np.ndarray) -> np.ndarray:
        return (points - arrays["plane_mean"]) @ arrays["plane_axes"].T

    third, third_share = _across(arrays["fixed_points"], arrays["plane_axes"])
    return StateSpace(
        trajectories=arrays["trajectories"],
        fixed=projected(arrays["fixed_points"]),
        unstable=arrays["fixed_unstable"],
        at_kink=_at_kink(arrays, "fixed"),
        eigenvalues=arrays["fixed_eigenvalues"],
        slow=projected(arrays["slow_points"]),
        grid=arrays["grid"],
        velocity=arrays["velocity"],
        energy=arrays["energy"],
        explained=arrays["plane_explained"],
        labels=tuple(arrays["plane_labels"].tolist()),
        third=third,
        third_share=third_share,
    )


def _across(points: np.ndarray, plane_axes: np.ndarray) -> tuple[np.ndarray, float]:
    """Fixed points (P,) along the axis across the plane on which they differ most, and their share of variance there.

    points: (P, N); plane_axes: (2, N), orthonormal. No points are returned where the share is below LEAST_ACROSS.
    """
    centred = points - points.mean(axis=0) if len(points) else points
    across = centred - centred @ plane_axes.T @ plane_axes
    if len(points) < FEWEST_ACROSS or not np.isfinite(across).all() or not across.any():
        return np.empty(0), 0.0
    left, lengths, _ = np.linalg.svd(across, full_matrices=False)
    share = float(lengths[0] ** 2 / (centred**2).sum())
    return (left[:, 0] * lengths[0], share) if share >= LEAST_ACROSS else (np.empty(0), share)


def _at_kink(arrays: dict[str, np.ndarray], kind: str) -> np.ndarray:
    """Mask (P,); all False for a folder whose version did not look for kinks."""
    return arrays.get(f"{kind}_at_kink", np.zeros(len(arrays[f"{kind}_unstable"]), dtype=bool))


def linearization_figures(study: Study, ylabel: str | None) -> Figures:
    """Eigenvalues and time constants of each of the first networks, whole and by group."""
    for stem, title, combo, arrays in example_networks(study, "linearised", "along_time_constants"):
        yield stem, plotting.linearization(replace(_linearization(arrays), unit=time_unit_of(combo)), title)


def _linearization(arrays: dict[str, np.ndarray]) -> Linearization:
    """The linearization at a fixed point, or at the end of the first trajectory if no fixed point has a Jacobian.

    The fixed point is the one with a Jacobian that has the fewest unstable directions.
    """
    differentiable = np.flatnonzero(~_at_kink(arrays, "fixed"))
    at_fixed_point = bool(len(differentiable))
    kind, row = ("fixed", int(differentiable[0])) if at_fixed_point else ("along", -1)
    unstable = int(arrays[f"{kind}_unstable"][row])
    directions = f"{unstable} unstable direction{'s' * (unstable != 1)}" if unstable else "stable"
    ends: Any = np.cumsum(arrays["group_sizes"])[:-1] if "groups" in arrays else []
    blocks = {
        quantity: np.split(arrays[f"group_{quantity}_{kind}"][row], ends) if "groups" in arrays else []
        for quantity in ("eigenvalues", "time_constants")
    }
    order = np.array([-np.abs(values).max() for values in blocks["eigenvalues"]])
    if len(order) == 1 and arrays["group_sizes"][0] == arrays[f"{kind}_eigenvalues"].shape[1]:
        order = order[:0]  # the only group is the whole network
    drawn = np.sort(np.argsort(order, kind="stable")[:MOST_BLOCKS])  # in the network's order
    return Linearization(
        whole=arrays[f"{kind}_eigenvalues"][row],
        time_constants=arrays[f"{kind}_time_constants"][row],
        groups=tuple(str(arrays["groups"][group]) for group in drawn),
        of=len(order),
        eigenvalues=tuple(blocks["eigenvalues"][group] for group in drawn),
        constants=tuple(blocks["time_constants"][group] for group in drawn),
        where=f"fixed point {row + 1} of {len(arrays['fixed_points'])} ({directions})"
        if at_fixed_point
        else AT_THE_END,
    )


def psth_figures(study: Study, ylabel: str | None) -> Figures:
    """Mean rates of each of the first networks along the trials of a task, by condition."""
    for stem, title, _, arrays in example_networks(study, "psth", "psth_mean"):
        yield stem, plotting.psth(_psth(arrays), title)


def _psth(arrays: dict[str, np.ndarray]) -> Psth:
    variation = np.ptp(arrays["psth_mean"], axis=(1, 2))
    drawn = np.sort(np.argsort(-variation, kind="stable")[:MOST_PANELS])
    return Psth(
        groups=arrays["groups"][drawn],
        of=len(variation),
        conditions=arrays["psth_conditions"],
        trials=arrays["psth_trials"],
        times=arrays["psth_times"],
        mean=arrays["psth_mean"][drawn],
        sem=arrays["psth_sem"][drawn],
        absent=tuple(arrays.get("psth_absent", np.array(())).tolist()),
        events=trial_events(arrays),
    )


def phase_figures(study: Study, ylabel: str | None) -> Figures:
    """Fixed points of each of the first networks in each phase, a figure per condition."""
    for stem, title, _, arrays in example_networks(study, "phases", "phase_points"):
        for number, name in enumerate(arrays["phase_conditions"].tolist()):
            network = _fixed_points_by_phase(arrays, number)
            yield f"{stem}_{name}", plotting.fixed_points_by_phase(network, f"{title}: {name}")


def _fixed_points_by_phase(arrays: dict[str, np.ndarray], condition: int) -> FixedPointsByPhase:
    steps = int(arrays["phase_steps"])
    places = np.flatnonzero(arrays["phase_place_condition"] == condition)
    phase_places = places[arrays["phase_place_step"][places] == 0]
    selected = np.isin(arrays["phase_place"], places)
    axes, mean = arrays["phase_plane_axes"][condition], arrays["phase_plane_mean"][condition]
    return FixedPointsByPhase(
        path=arrays["phase_path"][arrays["phase_path_condition"] == condition],
        points=(arrays["phase_points"][selected] - mean) @ axes.T,
        where=(arrays["phase_place"][selected] - places[0]) / steps,
        unstable=arrays["phase_unstable"][selected],
        at_kink=_at_kink(arrays, "phase")[selected],
        modulus=np.abs(arrays["phase_leading"][selected]),
        names=tuple(arrays["phase_names"][arrays["phase_place_phase"][phase_places]].tolist()),
        steps=steps,
        explained=arrays["phase_plane_explained"][condition],
        reach=arrays["phase_plane_reach"][condition],
    )
