"""One value per run, by group."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import (
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    Panel,
    Series,
    finite_values,
    legend,
    log_helps,
    mark_handle,
    new_figure,
    plain,
    set_groups,
    set_ylabel,
    zero_line,
)


def dots(table: pd.DataFrame, panel: Panel, series: Sequence[Series], groups: Sequence[str], xlabel: str = "",
         title: str = "") -> Figure:
    """One dot per run and a bar at the mean, by group (x) and series (colour); one column wide, two where it is full.

    table: one row per run: series, group, status and the panel's column. A run of status `diverged` is a cross at the
           upper edge, whatever its value.
    """
    own = groups == [one.text for one in series]  # one series per group: its name on the axis is enough
    slots = len(groups) * (1 if own else len(series))
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if slots <= 12 else DOUBLE, 2.7, title)
        axes = figure.subplots()
        alive = table[table["status"] != "diverged"]
        log = log_helps(alive[panel.column])
        axes.set_yscale("log" if log else "linear")
        if panel.zero:
            zero_line(axes)
        width = 0.8 if own else 0.8 / max(1, len(series))
        for place, group in enumerate(groups):
            for number, one in enumerate(series):
                offset = 0.0 if own else (number - (len(series) - 1) / 2) * width
                part = table[(table["group"] == group) & (table["series"] == one.text)]
                _draw_dots(axes, part, panel.column, one, place + offset, 0.5 * width)
        axes.margins(y=0.12)
        axes.set_xlim(-0.6, len(groups) - 0.4)
        set_groups(axes, groups, 48 if slots <= 12 else 100)
        axes.set_xlabel(plain(xlabel))
        set_ylabel(axes, panel.label)
        marks = [] if own else [mark_handle(one) for one in series if (table["series"] == one.text).any()]
        marks.append(Line2D([], [], color="k", marker="_", markersize=9, linestyle="", label="mean"))
        if (table["status"] == "diverged").any():
            marks.append(Line2D([], [], color=REFERENCE, marker="x", linestyle="", label="diverged, in no mean"))
        legend(figure, marks, "")
        return figure


def _draw_dots(axes: Axes, rows: pd.DataFrame, column: str, one: Series, x: float, width: float) -> None:
    alive = finite_values(rows.loc[rows["status"] != "diverged", column])
    if len(alive):
        axes.plot(x + width * _jitter(len(alive)), alive, one.marker, color=one.color, markersize=3.2, alpha=0.75,
                  markeredgewidth=0, zorder=5)  # fmt: skip
        half = max(0.6 * width, 0.05)
        axes.plot([x - half, x + half], [alive.mean()] * 2, color="k", linewidth=1.1, zorder=4)
    lost = int((rows["status"] == "diverged").sum())
    if lost:  # an empty line that is not clipped would upset the layout
        axes.plot(x + width * _jitter(lost), np.full(lost, 0.98), "x", color=one.color, markersize=4,
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip


def _jitter(count: int) -> np.ndarray:
    """Offsets in [-0.5, 0.5): steps of the golden ratio spread evenly, and alike every time, without a generator."""
    return (np.arange(count) * 0.618034 + 0.5) % 1 - 0.5
