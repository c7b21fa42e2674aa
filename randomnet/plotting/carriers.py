"""Weights of groups of neurons in the leading vectors, relative to their size: a network among its null models."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from randomnet.plotting.style import COLOURS, DOUBLE, LONGEST, STYLE, escape_dollars, jitter, legend, new_figure

ROW, HEAD = 0.34, 1.0  # inches: the height of a group, and of axis and title
LEAST = 2.0**-6  # smaller ratios are drawn here, at the edge
BAND, LINE = "0.87", "0.4"
NARROWEST = 2.2  # the axis reaches from its inverse to this ratio at least
SPREAD = 0.12  # of the dots of one series across, in rows


class Carried(NamedTuple):
    """One kind of vector: its name, ratios (runs, G) of each series, and what random neurons have, (G,) each.

    intervals: of the mean ratio of the first series, (G, 2); nan for a single run.
    """

    name: str
    ratios: Sequence[np.ndarray]
    low: np.ndarray
    high: np.ndarray
    intervals: np.ndarray


def carriers(panels: Sequence[Carried], groups: Sequence[str], series: Sequence[str], title: str = "") -> Figure:
    """A panel per kind of vector, side by side: groups as rows, a dot per run over the ratio, in colours of series."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, HEAD + ROW * len(groups), title)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for place, panel in zip(axes, panels, strict=True):
            _draw(place, panel, len(series))
        names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in groups]
        axes[0].set_yticks(range(len(groups)), [escape_dollars(name) for name in names])
        axes[0].set_ylim(len(groups) - 0.5, -0.5)
        handles = [Line2D([], [], color=COLOURS[index % len(COLOURS)], marker="o", markersize=3.5, linestyle="",
                          label=text) for index, text in enumerate(series)]  # fmt: skip
        legend(figure, [*handles, Patch(color=BAND, label="as many random neurons, 95 %")], "")
        return figure


def _draw(axes: Axes, panel: Carried, count: int) -> None:
    axes.set_xscale("log", base=2)
    axes.axvline(1.0, color=LINE, linewidth=0.6, zorder=1)
    offsets = np.linspace(-0.28, 0.28, count) if count > 1 else np.zeros(1)
    for row, (low, high) in enumerate(zip(panel.low, panel.high, strict=True)):
        if np.isfinite([low, high]).all():
            axes.fill_betweenx([row - 0.42, row + 0.42], max(low, LEAST), max(high, LEAST), color=BAND, linewidth=0,
                               zorder=0)  # fmt: skip
    for index, ratios in enumerate(panel.ratios):
        colour = COLOURS[index % len(COLOURS)]
        for row, values in enumerate(ratios.T):
            heights = row + offsets[index] + SPREAD * jitter(len(values))
            axes.plot(np.maximum(values, LEAST), heights, ".", color=colour, markersize=4, alpha=0.6, zorder=2,
                      markeredgewidth=0)  # fmt: skip
    for row, (low, high) in enumerate(panel.intervals):
        mean = panel.ratios[0][:, row].mean()
        if np.isfinite([low, high]).all():
            axes.plot(np.maximum([low, high], LEAST), [row + offsets[0]] * 2, color=COLOURS[0], linewidth=1.3, zorder=3)
        axes.plot(max(mean, LEAST), row + offsets[0], "o", color=COLOURS[0], markersize=4, zorder=4,
                  markeredgecolor="white", markeredgewidth=0.5)  # fmt: skip
    axes.xaxis.set_major_locator(LogLocator(base=2))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: str(Fraction(value))))
    axes.xaxis.set_minor_formatter(NullFormatter())
    smallest = min(np.nanmin(ratios, initial=1.0) for ratios in panel.ratios)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 1 / NARROWEST), max(high, NARROWEST))
    axes.set_xlabel(f"weight / share of neurons{' (less than 1/64 at the edge)' if smallest < LEAST else ''}")
    axes.set_title(panel.name)
