"""Inferred dynamics next to the true ones: trajectories, fixed points, eigenvalues and rates."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from randomnet.plotting.style import (
    COLOURS,
    DOTTED,
    DOUBLE,
    REFERENCE,
    STYLE,
    circle_limits,
    escape_dollars,
    legend,
    new_figure,
)

TRUE, INFERRED = "0.35", COLOURS[0]
EIGENVALUES = 2  # the column of eigenvalues, if there are any
STABLE, UNSTABLE = "o", "X"
ARROWS = "0.55"  # dark enough for print, lighter than the trajectories
BEHIND_TEXT: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}
TRUE_RATES: dict[str, Any] = {"color": TRUE, "linewidth": 2.2, "alpha": 0.45}  # seen on both sides of the inferred ones
MARGIN = 0.06  # margin around trajectories, as a share of their range
NAME_WIDTH = 26  # characters of a name beside its row
SPACING = 1.2  # distance between the rates of two neurons, as a share of the largest range


@dataclass(frozen=True)
class InferredDynamics:
    """A model of a recorded network and the true network; None for unknown values.

    name: of the row. true, inferred: trajectories (E, T, 2) in the same plane. explained (2,): share of the true
    variance along each axis. points: fixed points (P, 2) of the truth and (Q, 2) of the model; unstable: their numbers
    of unstable directions. flow: grid (n, n, 2) and both velocities. eigenvalues: (m,) complex of both; eigenvalues_of:
    what they belong to. rates: (T, neurons) of both. The truth comes first in each pair.
    """

    name: str
    true: np.ndarray
    inferred: np.ndarray
    explained: np.ndarray
    points: tuple[np.ndarray, np.ndarray] | None = None
    unstable: tuple[np.ndarray, np.ndarray] | None = None
    flow: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    eigenvalues: tuple[np.ndarray, np.ndarray] | None = None
    eigenvalues_of: str = ""
    rates: tuple[np.ndarray, np.ndarray] | None = None


def inferred_dynamics(models: Sequence[InferredDynamics], title: str = "") -> Figure:
    """A row per model: true states, inferred states mapped to them, and eigenvalues and rates if any model has them.

    True states that are those of an earlier row are not drawn again.
    """
    columns: list[Callable[..., None]] = [partial(_states, column=0), partial(_states, column=1)]
    columns += [_eigenvalues] if any(model.eigenvalues for model in models) else []
    columns += [_rates] if any(model.rates for model in models) else []
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 1.95 * len(models) + 0.2, title)
        grid = figure.subplots(len(models), len(columns), squeeze=False)
        for row, model in zip(grid, models, strict=True):
            for axes, draw in zip(row, columns, strict=True):
                draw(axes, model)
        for axes, is_repeated in zip(grid[:, 0], repeated([model.true for model in models]), strict=True):
            if is_repeated:
                axes.remove()
        for row, model, earlier in zip(grid[1:], models[1:], models, strict=False):
            if len(row) > EIGENVALUES and model.eigenvalues_of == earlier.eigenvalues_of:
                row[EIGENVALUES].set_title("")
        for axes, text in zip(grid[0][:2], ("true states", "inferred states, mapped"), strict=True):
            axes.set_title(text)
        legend(figure, _handles(models), "")
        return figure


def _states(axes: Axes, model: InferredDynamics, column: int) -> None:
    color = (TRUE, INFERRED)[column]
    visible = np.concatenate([model.true.reshape(-1, 2), *([model.points[0]] if model.points else [])])
    if model.flow:
        _arrows(axes, model.flow[0], model.flow[1 + column])
    for line in (model.true, model.inferred)[column]:
        axes.plot(line[:, 0], line[:, 1], color=color, linewidth=0.6, alpha=0.7, zorder=2)
    if model.points and model.unstable:
        for is_unstable, marker in ((False, STABLE), (True, UNSTABLE)):
            selected = model.points[column][(model.unstable[column] > 0) == is_unstable]
            axes.plot(selected[:, 0], selected[:, 1], linestyle="", marker=marker, color="k", markersize=4,
                      markerfacecolor="k" if not is_unstable else "white", markeredgewidth=0.7, zorder=4)  # fmt: skip
        axes.text(0.02, 0.98, _points_text(model, column), transform=axes.transAxes, va="top", color="0.3",
                  fontsize=STYLE["legend.fontsize"], zorder=5, bbox=BEHIND_TEXT)  # fmt: skip
    low, high = visible.min(0), visible.max(0)
    margin = MARGIN * np.maximum(high - low, 1e-12)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
    axes.set_xlabel(f"PC 1 ({model.explained[0]:.0%})")
    name = textwrap.wrap(escape_dollars(model.name), NAME_WIDTH) if column else []
    axes.set_ylabel("\n".join([*name, f"PC 2 ({model.explained[1]:.0%})"]))


def repeated(arrays: Sequence[np.ndarray]) -> list[bool]:
    """Whether each array equals one before it."""
    return [any(np.array_equal(array, other) for other in arrays[:place]) for place, array in enumerate(arrays)]


def _points_text(model: InferredDynamics, column: int) -> str:
    """The number of fixed points; for the model, also how many are matched with a true one."""
    numbers = [len(points) for points in model.points or ((), ())]
    text = f"{numbers[column]} fixed point{'s' * (numbers[column] != 1)}"
    return text if column == 0 else f"{text}, {min(numbers)} matched"


def _arrows(axes: Axes, grid: np.ndarray, velocity: np.ndarray) -> None:
    """Draw directions only, as speeds differ by orders of magnitude."""
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(speed > 0, velocity / speed, 0.0)
    axes.quiver(grid[..., 0], grid[..., 1], unit[..., 0], unit[..., 1], color=ARROWS, scale=22, width=0.008, zorder=1)


def _eigenvalues(axes: Axes, model: InferredDynamics) -> None:
    if model.eigenvalues is None:
        axes.set_axis_off()
        return
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=1))
    true, inferred = (np.ravel(values) for values in model.eigenvalues)
    axes.plot(true.real, true.imag, "o", color=TRUE, markerfacecolor="none", markersize=4.5, markeredgewidth=0.7,
              zorder=2)  # fmt: skip
    axes.plot(inferred.real, inferred.imag, "o", color=INFERRED, markersize=2.2, markeredgewidth=0, zorder=3)
    across, reach = circle_limits(np.concatenate([true, inferred]))
    axes.set_xlim(across)
    axes.set_ylim(-reach, reach)
    axes.set_box_aspect(1)
    axes.set_xlabel("Re λ")
    axes.set_ylabel("Im λ")
    axes.set_title(model.eigenvalues_of)


def _rates(axes: Axes, model: InferredDynamics) -> None:
    if model.rates is None:
        axes.set_axis_off()
        return
    true, inferred = model.rates
    spacing = SPACING * max(float(np.ptp(true, axis=0).max()), 1e-12)
    for number in range(true.shape[1]):
        axes.plot(true[:, number] + number * spacing, **TRUE_RATES)
        axes.plot(inferred[:, number] + number * spacing, color=INFERRED, linewidth=0.9)
    axes.set_yticks([])
    axes.set_ylabel(f"rates of {true.shape[1]} neurons")
    axes.set_xlabel("bin")


def _handles(models: Sequence[InferredDynamics]) -> list[Line2D]:
    handles = [Line2D([], [], color=TRUE, label="true"), Line2D([], [], color=INFERRED, label="inferred")]
    if any(model.points for model in models):
        handles.append(Line2D([], [], linestyle="", marker=STABLE, color="k", markersize=4, label="stable fixed point"))
        handles.append(Line2D([], [], linestyle="", marker=UNSTABLE, color="k", markerfacecolor="white", markersize=4,
                            markeredgewidth=0.7, label="unstable fixed point"))  # fmt: skip
    if any(model.eigenvalues for model in models):
        handles.append(Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="unit circle"))
    return handles
