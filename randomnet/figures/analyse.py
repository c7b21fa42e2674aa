"""Figures of kind = analyse: flow, energy and fixed points of each network, its linearised step, and its responses."""

import numpy as np

from randomnet import plotting
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.option_dependence import option_dependence_figures
from randomnet.figures.runs import Figures, trial_events
from randomnet.plotting import FixedPointsByPhase, Linearization, Panel, Psth, StateSpace

AT_THE_END = "the end of the first trajectory"
MOST_BLOCKS = 8  # groups whose eigenvalues are drawn
MOST_PANELS = 12  # groups with a panel of their own
PANELS = (
    Panel("fixed_points", "fixed points found", whole=True, least=0.0),
    Panel("stable_points", "stable fixed points found", whole=True, least=0.0),
    Panel("kink_points", "fixed points found\nat a kink", whole=True, least=0.0),
    Panel("explained", "share of variance\nin the plane", least=0.0),
    Panel("leading_modulus", "largest modulus\nat the end", least=0.0),
)


def fixed_point_dots(study: Study, ylabel: str | None) -> Figures:
    """Numbers of fixed points, and how flat the trajectories lie, by label and against every gridded option."""
    yield from option_dependence_figures(study, "fixed_points", PANELS)


def state_space_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, _, arrays in example_networks(study, "inside", "plane_labels"):
        yield stem, plotting.state_space(_state_space(arrays), title)


def _state_space(arrays: dict[str, np.ndarray]) -> StateSpace:
    def projected(points: np.ndarray) -> np.ndarray:
        return (points - arrays["plane_mean"]) @ arrays["plane_axes"].T

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
    )


def _at_kink(arrays: dict[str, np.ndarray], kind: str) -> np.ndarray:
    """(P,) bool; none where the folder was written before kinks were looked for."""
    return arrays.get(f"{kind}_at_kink", np.zeros(len(arrays[f"{kind}_unstable"]), dtype=bool))


def linearization_figures(study: Study, ylabel: str | None) -> Figures:
    """The eigenvalues and time constants of each of the first networks, whole and by group."""
    for stem, title, _, arrays in example_networks(study, "linearised", "along_time_constants"):
        yield stem, plotting.linearization(_linearization(arrays), title)


def _linearization(arrays: dict[str, np.ndarray]) -> Linearization:
    """At the fixed point with the fewest unstable directions that has a Jacobian, or where there is none at the first
    trajectory's end."""
    smooth = np.flatnonzero(~_at_kink(arrays, "fixed"))
    at_point = bool(len(smooth))
    kind, row = ("fixed", int(smooth[0])) if at_point else ("along", -1)
    unstable = int(arrays[f"{kind}_unstable"][row])
    directions = f"{unstable} unstable direction{'s' * (unstable != 1)}" if unstable else "stable"
    ends = np.cumsum(arrays["group_sizes"])[:-1] if "groups" in arrays else []
    parts = {
        what: np.split(arrays[f"group_{what}_{kind}"][row], ends) if "groups" in arrays else []
        for what in ("eigenvalues", "time_constants")
    }
    leading = np.array([-np.abs(values).max() for values in parts["eigenvalues"]])
    if len(leading) == 1 and arrays["group_sizes"][0] == arrays[f"{kind}_eigenvalues"].shape[1]:
        leading = leading[:0]  # the only group is the network
    most = np.sort(np.argsort(leading, kind="stable")[:MOST_BLOCKS])  # in the network's order
    return Linearization(
        whole=arrays[f"{kind}_eigenvalues"][row],
        time_constants=arrays[f"{kind}_time_constants"][row],
        groups=tuple(str(arrays["groups"][group]) for group in most),
        of=len(leading),
        eigenvalues=tuple(parts["eigenvalues"][group] for group in most),
        constants=tuple(parts["time_constants"][group] for group in most),
        where=f"fixed point {row + 1} of {len(arrays['fixed_points'])} ({directions})" if at_point else AT_THE_END,
    )


def psth_figures(study: Study, ylabel: str | None) -> Figures:
    """The mean rates of each of the first networks along the trials of a task, by condition."""
    for stem, title, _, arrays in example_networks(study, "psth", "psth_mean"):
        yield stem, plotting.psth(_psth(arrays), title)


def _psth(arrays: dict[str, np.ndarray]) -> Psth:
    reach = np.ptp(arrays["psth_mean"], axis=(1, 2))
    most = np.sort(np.argsort(-reach, kind="stable")[:MOST_PANELS])
    return Psth(
        groups=arrays["groups"][most],
        of=len(reach),
        conditions=arrays["psth_conditions"],
        trials=arrays["psth_trials"],
        times=arrays["psth_times"],
        mean=arrays["psth_mean"][most],
        sem=arrays["psth_sem"][most],
        absent=tuple(arrays.get("psth_absent", np.array(())).tolist()),
        events=trial_events(arrays),
    )


def phase_figures(study: Study, ylabel: str | None) -> Figures:
    """The fixed points of each of the first networks from phase to phase, a figure for each condition."""
    for stem, title, _, arrays in example_networks(study, "phases", "phase_points"):
        for number, name in enumerate(arrays["phase_conditions"].tolist()):
            network = _fixed_points_by_phase(arrays, number)
            yield f"{stem}_{name}", plotting.fixed_points_by_phase(network, f"{title}: {name}")


def _fixed_points_by_phase(arrays: dict[str, np.ndarray], condition: int) -> FixedPointsByPhase:
    steps = int(arrays["phase_steps"])
    own = np.flatnonzero(arrays["phase_place_condition"] == condition)
    held = own[arrays["phase_place_step"][own] == 0]
    which = np.isin(arrays["phase_place"], own)
    axes, mean = arrays["phase_plane_axes"][condition], arrays["phase_plane_mean"][condition]
    return FixedPointsByPhase(
        path=arrays["phase_path"][arrays["phase_path_condition"] == condition],
        points=(arrays["phase_points"][which] - mean) @ axes.T,
        where=(arrays["phase_place"][which] - own[0]) / steps,
        unstable=arrays["phase_unstable"][which],
        at_kink=_at_kink(arrays, "phase")[which],
        modulus=np.abs(arrays["phase_leading"][which]),
        names=tuple(arrays["phase_names"][arrays["phase_place_phase"][held]].tolist()),
        steps=steps,
        explained=arrays["phase_plane_explained"][condition],
        reach=arrays["phase_plane_reach"][condition],
    )
