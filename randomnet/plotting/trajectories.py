"""Trajectories and fixed points of models in three dimensions, next to the true ones; and the search of DSA."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.inferred_dynamics import INFERRED, STABLE, TRUE, UNSTABLE, repeated
from randomnet.plotting.style import DOUBLE, SINGLE, STYLE, escape_dollars, legend, new_figure

ROW = 2.4  # inches of a row
TITLES = ("true states", "inferred states, mapped")


@dataclass(frozen=True)
class Trajectories3D:
    """States of the truth and of a model along the same three axes.

    name: of the row. states: (E, T, 3) of both, the truth first. explained: (3,) share of the true variance along each
    axis. points: fixed points (P, 3) of both, and unstable (P,), their numbers of unstable directions; None if unknown.
    """

    name: str
    states: tuple[np.ndarray, np.ndarray]
    explained: np.ndarray
    points: tuple[np.ndarray, np.ndarray] | None = None
    unstable: tuple[np.ndarray, np.ndarray] | None = None


def trajectories_3d(models: Sequence[Trajectories3D], title: str = "") -> Figure:
    """A row per model: true states on the left, the model's states mapped to them on the right, with equal limits.

    True states that are those of an earlier row are not drawn again.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, ROW * len(models) + 0.2, title)
        grid = figure.subplots(len(models), 2, squeeze=False, subplot_kw={"projection": "3d"})
        for row, model in zip(grid, models, strict=True):
            for column, axes in enumerate(row):
                _draw(axes, model, column)
        for axes, is_repeated in zip(grid[:, 0], repeated([model.states[0] for model in models]), strict=True):
            if is_repeated:
                axes.remove()
        for axes, text in zip(grid[0], TITLES, strict=True):
            axes.set_title(text)
        legend(figure, _handles(models), "")
        return figure


def _draw(axes: Any, model: Trajectories3D, column: int) -> None:
    for line in model.states[column]:
        axes.plot(*line.T, color=(TRUE, INFERRED)[column], linewidth=0.6, alpha=0.7)
    if model.points and model.unstable:
        for is_unstable, marker in ((False, STABLE), (True, UNSTABLE)):
            selected = model.points[column][(model.unstable[column] > 0) == is_unstable]
            axes.plot(*selected.T, linestyle="", marker=marker, color="k", markersize=3.5, markeredgewidth=0.7,
                      markerfacecolor="white" if is_unstable else "k")  # fmt: skip
    visible = np.concatenate([model.states[0].reshape(-1, 3), *([model.points[0]] if model.points else [])])
    names = ("x", "y", "z")
    for axis, name in enumerate(names):
        low, high = visible[:, axis].min(), visible[:, axis].max()
        getattr(axes, f"set_{name}lim")(low, high if high > low else low + 1.0)
        getattr(axes, f"set_{name}label")(f"PC {axis + 1} ({model.explained[axis]:.0%})", labelpad=-8)
        getattr(axes, f"set_{name}ticks")([])
    if column:
        axes.text2D(-0.05, 0.5, escape_dollars(model.name), transform=axes.transAxes, rotation=90, va="center")


def _handles(models: Sequence[Trajectories3D]) -> list[Line2D]:
    handles = [Line2D([], [], color=color, label=label) for color, label in ((TRUE, "true"), (INFERRED, "inferred"))]
    if any(model.points for model in models):
        handles += [Line2D([], [], linestyle="", marker=marker, color="k", markersize=4, markerfacecolor=face,
                           markeredgewidth=0.7, label=label)
                    for marker, face, label in ((STABLE, "k", "stable fixed point"),
                                                (UNSTABLE, "white", "unstable fixed point"))]  # fmt: skip
    return handles


def dsa_search(delays: np.ndarray, errors: np.ndarray, chosen: tuple[int, int], title: str = "") -> Figure:
    """Held-out error of DSA's operators by delays (d,) and rank 1, 2, ...; errors: (d, ranks), nan where missing.

    chosen: the delays and the rank that were used, which a circle marks.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE, 2.2, title)
        axes = figure.subplots()
        colors = matplotlib.colormaps["viridis"](np.linspace(0, 1, len(delays)))
        for number, by_rank, color in zip(delays, errors, colors, strict=True):
            axes.plot(1 + np.arange(len(by_rank)), by_rank, color=color, linewidth=0.9, label=f"{number}")
        row = int(np.flatnonzero(delays == chosen[0])[0])
        axes.plot(chosen[1], errors[row, chosen[1] - 1], "o", color="k", markerfacecolor="none", markersize=6)
        axes.set_yscale("log")
        axes.set_xlabel("rank of the operator")
        axes.set_ylabel("held-out error\n(share of variance)")
        handles = [*axes.get_lines()[:-1]]
        handles.append(Line2D([], [], linestyle="", marker="o", color="k", markerfacecolor="none", label="chosen"))
        legend(figure, handles, "Delays:")
        return figure
