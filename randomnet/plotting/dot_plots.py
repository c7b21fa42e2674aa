"""One value per run, by group."""

from collections.abc import Sequence
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.style import (
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    Panel,
    Series,
    averaged_runs,
    chance_handles,
    chance_line,
    chance_text,
    escape_dollars,
    excluded_handles,
    excluded_marks,
    finite_values,
    jitter,
    legend,
    mark_handle,
    new_figure,
    set_groups,
    set_ylabel,
    spans_a_decade,
    zero_line,
)

OWN_CHANCE = {"marker": "_", "markersize": 6, "color": "0.6"}


def dot_plot(table: pd.DataFrame, panels: Panel | Sequence[Panel], series: Sequence[Series], groups: Sequence[str],
         xlabel: str = "", title: str = "", boxes: bool = False) -> Figure:
    """One dot per run and a bar at the mean, by group (x) and series (colour), panels side by side.

    table: one row per run: series, group, status and the panels' columns. A run of status `diverged` or `unbounded` is
           a mark at the upper edge, whatever its value.
    boxes: also a box (quartiles and median) with whiskers over the range of the runs that are in means.
    One panel is one column wide, two where it is full; several are two columns wide.
    """
    panels = [_with_chance(table, panel) for panel in ([panels] if isinstance(panels, Panel) else panels)]
    own = groups == [one.text for one in series]  # one series per group: its name on the axis is enough
    slots = len(groups) * (1 if own else len(series)) * len(panels)
    named = not own or len(panels) == 1  # beside other panels there is no room for names, and the legend has them
    room = (48 if slots <= 12 else 100) if len(panels) == 1 else 84 // len(panels)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if slots <= 12 and len(panels) == 1 else DOUBLE, 2.7, title)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _draw_panel(axes, table, panel, series, groups, own, boxes)
            if named:
                set_groups(axes, groups, room)
            else:
                axes.set_xticks([])
            axes.set_xlabel(escape_dollars(xlabel))
        marks = [] if own and named else [mark_handle(one) for one in series if (table["series"] == one.text).any()]
        marks.append(Line2D([], [], color="k", marker="_", markersize=9, linestyle="", label="mean"))
        if boxes and (averaged_runs(table).groupby(["group", "series"]).size() > 1).any():
            marks.append(Patch(facecolor="0.85", edgecolor=REFERENCE, label="quartiles, median, range"))
        marks += chance_handles(panels)
        if any(panel.own_chance for panel in panels):
            label = "chance of each run, the best constant answer"
            marks.append(Line2D([], [], linestyle="", label=label, **OWN_CHANCE))
        marks += excluded_handles(table)
        legend(figure, marks, "")
        return figure


def _with_chance(table: pd.DataFrame, panel: Panel) -> Panel:
    """The panel with one level of chance where all runs have the same, to the digits that the legend gives."""
    levels = finite_values(averaged_runs(table)[panel.own_chance]) if panel.own_chance in table else np.empty(0)
    if not len(levels):
        return replace(panel, own_chance="")
    if chance_text((levels.min(), levels.min())) == chance_text((levels.max(), levels.max())):
        return replace(panel, own_chance="", chance=(levels.min(), levels.min()))
    return panel


def _draw_panel(
    axes: Axes, table: pd.DataFrame, panel: Panel, series: Sequence[Series], groups: Sequence[str], own: bool,
    boxes: bool,
) -> None:  # fmt: skip
    alive = averaged_runs(table)
    log = panel.chance is None and not (panel.whole or panel.linear) and spans_a_decade(alive[panel.column])
    axes.set_yscale("log" if log else "linear")
    if panel.zero:
        zero_line(axes)
    chance_line(axes, panel.chance)
    width = 0.8 if own else 0.8 / max(1, len(series))
    for place, group in enumerate(groups):
        for number, one in enumerate(series):
            offset = 0.0 if own else (number - (len(series) - 1) / 2) * width
            part = table[(table["group"] == group) & (table["series"] == one.text)]
            if boxes:
                _draw_box(axes, part, panel.column, one, place + offset, 0.7 * width)
            _draw_dots(axes, part, panel, one, place + offset, 0.5 * width)
    axes.margins(y=0.12)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    if panel.whole:
        axes.yaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    set_ylabel(axes, panel.label)


def _draw_box(axes: Axes, rows: pd.DataFrame, column: str, one: Series, x: float, width: float) -> None:
    alive = finite_values(averaged_runs(rows)[column])
    if len(alive) > 1:
        line = {"color": one.color, "linewidth": 0.8}
        axes.boxplot([alive], positions=[x], widths=width, whis=(0, 100), showfliers=False, manage_ticks=False,
                     patch_artist=True, boxprops={"facecolor": (*to_rgb(one.color), 0.15), "edgecolor": one.color,
                                                  "linewidth": 0.8},
                     whiskerprops=line, capprops=line, medianprops=line | {"linewidth": 1.3})  # fmt: skip


def _draw_dots(axes: Axes, rows: pd.DataFrame, panel: Panel, one: Series, x: float, width: float) -> None:
    runs = averaged_runs(rows)
    runs = runs[np.isfinite(runs[panel.column].astype(float))]
    alive, places = runs[panel.column].to_numpy(dtype=float), x + width * jitter(len(runs))
    if len(alive):
        if panel.own_chance:
            axes.plot(places, runs[panel.own_chance].astype(float), linestyle="", zorder=3, **OWN_CHANCE)
        axes.plot(places, alive, one.marker, color=one.color, markersize=3.2, alpha=0.75,
                  markeredgewidth=0, zorder=5)  # fmt: skip
        half = max(0.6 * width, 0.05)
        axes.plot([x - half, x + half], [alive.mean()] * 2, color="k", linewidth=1.1, zorder=4)
    lost = excluded_marks(rows)
    for offset, mark in zip(width * jitter(len(lost)), lost, strict=True):
        axes.plot([x + offset], [0.98], mark, color=one.color, markersize=4, markerfacecolor="none",
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
