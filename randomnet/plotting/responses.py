"""Rates of groups of units with and without a stimulation, over time."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.style import COLOURS, DASHED, DOUBLE, REFERENCE, STYLE, escape_dollars, legend, new_figure

COLUMNS = 3


@dataclass(frozen=True)
class Responses:
    """What is drawn of one network.

    groups: (G,) texts, of so many in all (`of`), those that change most; times (T,) in tau; control, changed:
    (G, B, T), mean rates of B trajectories; distance: (B, T), root mean square over units between a trajectory and its
    control; window: (onset, offset); what: what is done.
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
    """A panel for each group, and the distance between the two: means over trajectories, with their standard errors."""
    shown = len(network.groups)
    rows = -(-(shown + 1) // COLUMNS)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.4 + 1.6 * rows, title)
        grid = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False)
        panels = list(grid.flat)
        for number, axes in enumerate(panels[:shown]):
            _band(axes, network.times, network.changed[number], COLOURS[0])
            _band(axes, network.times, network.control[number], REFERENCE, DASHED)  # on top, as they may be the same
            axes.set_title(escape_dollars(str(network.groups[number])))
        last = panels[shown]
        _band(last, network.times, network.distance, COLOURS[1])
        last.set_title("distance from control (rms)")
        for axes in panels[: shown + 1]:
            axes.axvspan(*network.window, color="0.92", zorder=0, linewidth=0)
        for axes in panels[shown + 1 :]:
            axes.remove()
        for number, axes in enumerate(panels[: shown + 1]):
            if number % COLUMNS == 0:
                axes.set_ylabel("mean rate" if number < shown else "distance")
            if number + COLUMNS > shown:
                axes.set_xlabel("time (τ)")
                axes.tick_params(labelbottom=True)
        legend(figure, _handles(network), _said(network))
        return figure


def _band(axes: Axes, times: np.ndarray, lines: np.ndarray, color: str, dash: Any = "-") -> None:
    mean = lines.mean(0)
    if len(lines) > 1:
        sem = lines.std(0, ddof=1) / np.sqrt(len(lines))
        axes.fill_between(times, mean - sem, mean + sem, color=color, alpha=0.2, linewidth=0)
    axes.plot(times, mean, color=color, linestyle=dash)


def _handles(network: Responses) -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=REFERENCE, linestyle=DASHED, label="left alone"),
        Line2D([], [], color=COLOURS[0], label=network.what),
        Patch(color="0.92", label="while it lasts"),
    ]


def _said(network: Responses) -> str:
    number = network.control.shape[1]
    bands = f"Mean and standard error over {number} trajectories" if number > 1 else "One trajectory"
    shown = len(network.groups)
    more = f"; of {network.of} groups the {shown} that change most" if shown < network.of else ""
    return bands + more
