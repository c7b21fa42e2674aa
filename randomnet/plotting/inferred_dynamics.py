"""Inferred dynamics next to the true ones: trajectories, fixed points, eigenvalues and rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

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
STABLE, UNSTABLE = "o", "X"
MARGIN = 0.06  # around trajectories, as a share of their range
SPACED = 1.2  # between rates, as a share of the largest range


@dataclass(frozen=True)
class InferredDynamics:
    """A model beside the truth; what is not known is None.

    name: for the row. true, inferred: trajectories (E, T, 2) in the same plane; explained (2,): of the true variance.
    points, unstable: of fixed points there, (P, 2), (P,) and (Q, 2), (Q,), true ones first. flow: the grid (n, n, 2)
    and both velocities. eigenvalues: (m,) complex of both, and what they are of. rates: (T, neurons) of both.
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
    """A row per model: true states, inferred states mapped to them, and as far as any model has them eigenvalues and
    rates of a trial."""
    columns = [partial(_states, which=0), partial(_states, which=1)]
    columns += [_eigenvalues] if any(model.eigenvalues for model in models) else []
    columns += [_rates] if any(model.rates for model in models) else []
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 1.95 * len(models) + 0.2, title)
        grid = figure.subplots(len(models), len(columns), squeeze=False)
        for row, model in zip(grid, models, strict=True):
            for axes, drawn in zip(row, columns, strict=True):
                drawn(axes, model)
        for axes, text in zip(grid[0][:2], ("true states", "inferred states, mapped"), strict=True):
            axes.set_title(text)
        legend(figure, _beside_handles(models), "")
        return figure


def _states(axes: Axes, model: InferredDynamics, which: int) -> None:
    color = (TRUE, INFERRED)[which]
    known = np.concatenate([model.true.reshape(-1, 2), *([model.points[0]] if model.points else [])])
    if model.flow:
        _arrows(axes, model.flow[0], model.flow[1 + which])
    for line in (model.true, model.inferred)[which]:
        axes.plot(line[:, 0], line[:, 1], color=color, linewidth=0.6, alpha=0.7, zorder=2)
    if model.points:
        for grows, marker in ((False, STABLE), (True, UNSTABLE)):
            some = model.points[which][(model.unstable[which] > 0) == grows]
            axes.plot(some[:, 0], some[:, 1], linestyle="", marker=marker, color="k", markersize=4,
                      markerfacecolor="k" if not grows else "white", markeredgewidth=0.7, zorder=4)  # fmt: skip
        axes.text(0.02, 0.98, _points_text(model, which), transform=axes.transAxes, va="top", color="0.3",
                  fontsize=STYLE["legend.fontsize"], zorder=5)  # fmt: skip
    low, high = known.min(0), known.max(0)
    margin = MARGIN * np.maximum(high - low, 1e-12)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
    axes.set_xlabel(f"PC 1 ({model.explained[0]:.0%})")
    axes.set_ylabel(f"{escape_dollars(model.name)}\nPC 2 ({model.explained[1]:.0%})" if which == 0 else "")


def _points_text(model: InferredDynamics, which: int) -> str:
    """How many fixed points there are, and of the inferred ones how many have a true partner."""
    numbers = [len(points) for points in model.points or ((), ())]
    text = f"{numbers[which]} fixed point{'s' * (numbers[which] != 1)}"
    return text if which == 0 else f"{text}, {min(numbers)} matched"


def _arrows(axes: Axes, grid: np.ndarray, velocity: np.ndarray) -> None:
    """Directions alone: speeds differ by decades."""
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(speed > 0, velocity / speed, 0.0)
    axes.quiver(grid[..., 0], grid[..., 1], unit[..., 0], unit[..., 1], color="0.75", scale=22, width=0.006, zorder=1)


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
    step = SPACED * max(float(np.ptp(true, axis=0).max()), 1e-12)
    for number in range(true.shape[1]):
        axes.plot(true[:, number] + number * step, color=TRUE, linewidth=0.9)
        axes.plot(inferred[:, number] + number * step, color=INFERRED, linewidth=0.9)
    axes.set_yticks([])
    axes.set_ylabel(f"rates of {true.shape[1]} neurons")
    axes.set_xlabel("bin")


def _beside_handles(models: Sequence[InferredDynamics]) -> list[Line2D]:
    found = [Line2D([], [], color=TRUE, label="true"), Line2D([], [], color=INFERRED, label="inferred")]
    if any(model.points for model in models):
        found.append(Line2D([], [], linestyle="", marker=STABLE, color="k", markersize=4, label="stable fixed point"))
        found.append(Line2D([], [], linestyle="", marker=UNSTABLE, color="k", markerfacecolor="white", markersize=4,
                            markeredgewidth=0.7, label="unstable fixed point"))  # fmt: skip
    if any(model.eigenvalues for model in models):
        found.append(Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="unit circle"))
    return found
