"""One value per run, by group."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
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
    with_chance,
    zero_line,
)
from randomnet.plotting.value_axis import log_panels, number_axis, scale_label, share_limits

FEWEST_IN_BOX = 5  # runs; quartiles of fewer say no more than their dots
CHANCE_OF_RUN = {"marker": "_", "markersize": 6, "color": "0.6"}


def dot_plot(
    table: pd.DataFrame,
    panels: Panel | Sequence[Panel],
    series: Sequence[Series],
    groups: Sequence[str],
    xlabel: str = "",
    title: str = "",
    boxes: bool = False,
) -> Figure:
    """One dot per run and a bar at the mean, by group (x) and series (colour), panels side by side.

    table: one row per run: series, group, status and the panels' columns. A run with status `diverged` or
           `unbounded` is a marker at the upper edge, whatever its value.
    boxes: whether to add a box (quartiles and median) with whiskers over the range of the averaged runs.
    The figure is one journal column wide for one panel that is not crowded, else two.
    """
    panels = [with_chance(panel, table) for panel in ([panels] if isinstance(panels, Panel) else panels)]
    by_series = groups == [look.text for look in series]
    slots = len(groups) * (1 if by_series else len(series)) * len(panels)
    named = not by_series or len(panels) == 1  # panels side by side have no room for names; the legend has them
    room = (48 if slots <= 12 else 100) if len(panels) == 1 else 84 // len(panels)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if slots <= 12 and len(panels) == 1 else DOUBLE, 2.7, title)
        log, row = log_panels(averaged_runs(table), panels), figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel, is_log in zip(row, panels, log, strict=True):
            axes.set_yscale("log" if is_log else "linear")
            _draw_panel(axes, table, panel, series, groups, by_series, boxes)
            set_ylabel(axes, scale_label(panel.label, log, is_log))
            if named:
                set_groups(axes, groups, room)
            else:
                axes.set_xticks([])
            axes.set_xlabel(escape_dollars(xlabel))
        share_limits(row, panels)
        for axes, panel in zip(row, panels, strict=True):
            number_axis(axes, panel)
        legend(figure, _handles(table, panels, [] if by_series and named else series, boxes), "")
        return figure


def _handles(table: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], boxes: bool) -> list[Artist]:
    """Legend entries for these series, the means, boxes, chance levels and runs that are left out."""
    handles: list[Artist] = [mark_handle(look) for look in series if (table["series"] == look.text).any()]
    handles.append(Line2D([], [], color="k", marker="_", markersize=9, linestyle="", label="mean"))
    if boxes and (averaged_runs(table).groupby(["group", "series"]).size() >= FEWEST_IN_BOX).any():
        handles.append(Patch(facecolor="0.85", edgecolor=REFERENCE, label="quartiles, median, range"))
    handles += chance_handles(panels)
    if any(panel.own_chance for panel in panels):
        label = "chance level of each run: best constant answer"
        handles.append(Line2D([], [], linestyle="", label=label, **CHANCE_OF_RUN))
    return [*handles, *excluded_handles(table)]


def _draw_panel(
    axes: Axes, table: pd.DataFrame, panel: Panel, series: Sequence[Series], groups: Sequence[str], by_series: bool,
    boxes: bool,
) -> None:  # fmt: skip
    if panel.zero:
        zero_line(axes)
    chance_line(axes, panel.chance)
    width = 0.8 if by_series else 0.8 / max(1, len(series))
    for place, group in enumerate(groups):
        for index, look in enumerate(series):
            offset = 0.0 if by_series else (index - (len(series) - 1) / 2) * width
            runs = table[(table["group"] == group) & (table["series"] == look.text)]
            if boxes:
                _draw_box(axes, runs, panel.column, look, place + offset, 0.7 * width)
            _draw_dots(axes, runs, panel, look, place + offset, 0.5 * width)
    axes.margins(y=0.12)
    axes.set_xlim(-0.6, len(groups) - 0.4)


def _draw_box(axes: Axes, rows: pd.DataFrame, column: str, look: Series, x: float, width: float) -> None:
    values = finite_values(averaged_runs(rows)[column])
    if len(values) >= FEWEST_IN_BOX:
        line = {"color": look.color, "linewidth": 0.8}
        axes.boxplot([values], positions=[x], widths=width, whis=(0, 100), showfliers=False, manage_ticks=False,
                     patch_artist=True, boxprops={"facecolor": (*to_rgb(look.color), 0.15), "edgecolor": look.color,
                                                  "linewidth": 0.8},
                     whiskerprops=line, capprops=line, medianprops=line | {"linewidth": 1.3})  # fmt: skip


def _draw_dots(axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, x: float, width: float) -> None:
    runs = averaged_runs(rows)
    runs = runs[np.isfinite(runs[panel.column].astype(float))]
    values, positions = runs[panel.column].to_numpy(dtype=float), x + width * jitter(len(runs))
    if len(values):
        if panel.own_chance:
            axes.plot(positions, runs[panel.own_chance].astype(float), linestyle="", zorder=3, **CHANCE_OF_RUN)
        axes.plot(positions, values, look.marker, color=look.color, markersize=3.2, alpha=0.75,
                  markeredgewidth=0, zorder=5)  # fmt: skip
        half = max(0.6 * width, 0.05)
        axes.plot([x - half, x + half], [values.mean()] * 2, color="k", linewidth=1.1, zorder=4)
    excluded = excluded_marks(rows)
    for offset, mark in zip(width * jitter(len(excluded)), excluded, strict=True):
        axes.plot([x + offset], [0.98], mark, color=look.color, markersize=4, markerfacecolor="none",
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
