"""Any quantities of several trials over time: one panel per quantity and trial."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.heat_maps import colour_scale
from randomnet.plotting.style import DASHED, DOUBLE, STYLE, Series, escape_dollars, legend, new_figure

MOST_LINES = 6  # at most this many columns are lines; more are an image
HEIGHT = 1.15  # inches of a panel


@dataclass(frozen=True, eq=False)
class Course:
    """A quantity of B trials: values (B, T, D), and targets of the same shape, nan where there are none, or None."""

    label: str
    values: np.ndarray
    targets: np.ndarray | None = None


def courses(
    quantities: Sequence[Course], times: np.ndarray, names: Sequence[str], unit: str, title: str = ""
) -> Figure:
    """A column per trial and a row per quantity. times: (T,), in `unit`. names: of the trials (B,)."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, HEIGHT * len(quantities) + 0.8, title)
        grid = figure.subplots(len(quantities), len(names), sharex=True, sharey="row", squeeze=False)
        for axes_of_row, quantity in zip(grid, quantities, strict=True):
            axes_of_row[0].set_ylabel(escape_dollars(quantity.label))
            for trial, axes in enumerate(axes_of_row):
                _draw(axes, quantity, trial, times)
        for column, name in enumerate(names):
            grid[0, column].set_title(escape_dollars(name))
            grid[-1, column].set_xlabel(f"time ({escape_dollars(unit)})")
        has_targets = any(quantity.targets is not None for quantity in quantities)
        handles = [Line2D([], [], color="black", linestyle=DASHED, label="target")] if has_targets else []
        legend(figure, handles, "")
        return figure


def _draw(axes: Axes, quantity: Course, trial: int, times: np.ndarray) -> None:
    values = quantity.values[trial]
    if values.shape[1] > MOST_LINES:
        axes.imshow(values.T, **colour_scale(quantity.values), aspect="auto", origin="lower", interpolation="nearest",
                    extent=(times[0], times[-1], 0.5, values.shape[1] + 0.5))  # fmt: skip
        return
    for number, line in enumerate(values.T):
        axes.plot(times, line, color=Series("", number).color, linewidth=0.8)
    for line in [] if quantity.targets is None else quantity.targets[trial].T:
        axes.plot(times, line, color="black", linestyle=DASHED, linewidth=0.8)
