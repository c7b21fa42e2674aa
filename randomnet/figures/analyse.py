"""Figures of kind = analyse: flow, energy and fixed points of each network."""

import numpy as np

from randomnet import plotting
from randomnet.comparison.matching import Study
from randomnet.figures.networks import first_networks
from randomnet.figures.options import against_options
from randomnet.figures.runs import Figures
from randomnet.plotting import Inside, Panel

PANELS = (
    Panel("fixed_points", "fixed points found", whole=True, least=0.0),
    Panel("stable_points", "stable fixed points found", whole=True, least=0.0),
    Panel("explained", "share of variance\nin the plane", least=0.0),
)


def point_dots(study: Study, ylabel: str | None) -> Figures:
    """Numbers of fixed points, and how flat the trajectories lie, by label and against every gridded option."""
    yield from against_options(study, "fixed_points", PANELS)


def inside_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, _, arrays in first_networks(study, "inside", "plane_axes"):
        yield stem, plotting.inside(_inside(arrays), title)


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
