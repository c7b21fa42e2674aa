"""Trajectories and fixed points of models in three dimensions, next to the true ones; and the search of DSA."""

import textwrap
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
COLUMNS = 3
TITLE_WIDTH = 30  # characters of a title above its panel


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
    """True states, then each model's states mapped to them, with equal limits, COLUMNS side by side.

    True states that are those of an earlier model are not drawn again.
    """
    is_repeated = repeated([model.states[0] for model in models])
    panels = [(model, column) for model, repetition in zip(models, is_repeated, strict=True)
              for column in ((1,) if repetition else (0, 1))]  # fmt: skip
    rows = -(-len(panels) // COLUMNS)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, ROW * rows + 0.2, title)
        for place, (model, column) in enumerate(panels):
            axes = figure.add_subplot(rows, min(COLUMNS, len(panels)), place + 1, projection="3d")
            _draw(axes, model, column)
            text = f"{escape_dollars(model.name)}, mapped" if column else "true states"
            axes.set_title("\n".join(textwrap.wrap(text, TITLE_WIDTH)))
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
    axes.set_box_aspect(None, zoom=0.88)  # labels of the last column would leave the figure


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
