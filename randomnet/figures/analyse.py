"""Figures of kind = analyse: flow, energy and fixed points of each network."""

import numpy as np

from randomnet import plotting
from randomnet.comparison import matching
from randomnet.comparison.matching import Combo, Study
from randomnet.figures.options import against_options
from randomnet.figures.pooled import varied_options
from randomnet.figures.runs import Figures, arrays_by_iteration
from randomnet.plotting import Inside, Panel

MOST = 12  # networks drawn one by one
PANELS = (
    Panel("fixed_points", "fixed points found", whole=True, least=0.0),
    Panel("stable_points", "stable fixed points found", whole=True, least=0.0),
    Panel("explained", "share of variance\nin the plane", least=0.0),
)


def point_dots(study: Study, ylabel: str | None) -> Figures:
    """Numbers of fixed points, and how flat the trajectories lie, by label and against every gridded option."""
    yield from against_options(study, "fixed_points", PANELS)


def inside_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks: the first iteration of each combo."""
    for combo in study.combos[:MOST]:
        found = next(arrays_by_iteration(combo), None)
        if found is None or "plane_axes" not in found[1]:
            continue
        stem, title = names_of(study, combo, "inside", found[0])
        yield stem, plotting.inside(_inside(found[1]), title)


def names_of(study: Study, combo: Combo, what: str, iteration: int) -> tuple[str, str]:
    """The file's stem and the title of a figure of one network."""
    options = varied_options(study, study.combos)
    labels = {one.label for one in study.combos}
    values = [f"{name} = {matching.value_text(combo, name)}" for name in options]
    title = [matching.legend_text(combo.label, [combo.connectome]), *values, f"iteration\u00a0{iteration}"]
    parts = [what, *[combo.label] * (len(labels) > 1), *(f"{name}={combo.get(name)}" for name in options)]
    return "_".join(parts), ", ".join(filter(None, title))


def _inside(arrays: dict[str, np.ndarray]) -> Inside:
    def projected(points: np.ndarray) -> np.ndarray:
        return (points - arrays["plane_mean"]) @ arrays["plane_axes"].T

    return Inside(
        trajectories=arrays["trajectories"],
        fixed=projected(arrays["fixed_points"]),
        unstable=arrays["fixed_unstable"],
        eigenvalues=arrays["fixed_eigenvalues"],
        slow=projected(arrays["slow_points"]),
        grid=arrays["grid"],
        velocity=arrays["velocity"],
        energy=arrays["energy"],
        explained=arrays["plane_explained"],
    )
