"""Rates of groups of units over time, with and without stimulation."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.style import COLOURS, DASHED, DOUBLE, REFERENCE, STYLE, escape_dollars, legend, new_figure

PANELS_PER_ROW = 3


@dataclass(frozen=True)
class Responses:
    """The data of one network.

    groups: (G,) names of the drawn groups, those that change most out of `of`. times (T,): in tau. control, changed:
    (G, B, T), mean rates of B trajectories without and with stimulation. distance: (B, T), root mean square over units
    between a trajectory and its control. window: (onset, offset). what: legend text of the stimulation.
    """

    groups: np.ndarray
    of: int
    times: np.ndarray
    control: np.ndarray
    changed: np.ndarray
    distance: np.ndarray
    window: tuple[float, float]
    what: str


def responses(network: Responses, title: str = "") -> Figure:
    """A panel per group, and the distance from control: means over trajectories, with their standard errors."""
    count = len(network.groups)
    rows = -(-(count + 1) // PANELS_PER_ROW)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.4 + 1.6 * rows, title)
        grid = figure.subplots(rows, PANELS_PER_ROW, sharex=True, squeeze=False)
        panels = list(grid.flat)
        for index, axes in enumerate(panels[:count]):
            _band(axes, network.times, network.changed[index], COLOURS[0])
            _band(axes, network.times, network.control[index], REFERENCE, DASHED)  # on top, as both may be equal
            axes.set_title(escape_dollars(str(network.groups[index])))
        last = panels[count]
        _band(last, network.times, network.distance, COLOURS[1])
        last.set_title("distance from control (rms)")
        for axes in panels[: count + 1]:
            axes.axvspan(*network.window, color="0.92", zorder=0, linewidth=0)
        for axes in panels[count + 1 :]:
            axes.remove()
        for index, axes in enumerate(panels[: count + 1]):
            if index % PANELS_PER_ROW == 0:
                axes.set_ylabel("mean rate" if index < count else "distance")
            if index + PANELS_PER_ROW > count:
                axes.set_xlabel("time (τ)")
                axes.tick_params(labelbottom=True)
        legend(figure, _handles(network), _heading(network))
        return figure


def _band(axes: Axes, times: np.ndarray, lines: np.ndarray, color: str, dash: Any = "-") -> None:
    mean = lines.mean(0)
    if len(lines) > 1:
        sem = lines.std(0, ddof=1) / np.sqrt(len(lines))
        axes.fill_between(times, mean - sem, mean + sem, color=color, alpha=0.2, linewidth=0)
    axes.plot(times, mean, color=color, linestyle=dash)


def _handles(network: Responses) -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=REFERENCE, linestyle=DASHED, label="control"),
        Line2D([], [], color=COLOURS[0], label=network.what),
        Patch(color="0.92", label="stimulation"),
    ]


def _heading(network: Responses) -> str:
    count = network.control.shape[1]
    text = f"Mean and standard error over {count} trajectories" if count > 1 else "One trajectory"
    group_count = len(network.groups)
    selection = f"; the {group_count} of {network.of} groups that change most" if group_count < network.of else ""
    return text + selection
