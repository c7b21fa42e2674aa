"""Scores of many models: a panel for each score."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import (
    DASHED,
    DOUBLE,
    REFERENCE,
    STYLE,
    Series,
    finite_values,
    jitter,
    legend,
    mark_handle,
    new_figure,
    set_groups,
    set_ylabel,
)

PANELS_PER_ROW = 4  # panels side by side
PAIRS_WIDTH = 20  # characters of the numbers of matched items above a panel
MOST_GROUPS = 8  # at most this many groups are named under the axis
INTERVAL_FROM = 3  # models; the interval of two is so wide that it hides everything else
SMALLEST_RANGE = 0.05  # smallest range of a score's axis, as a share of its values or of the best attainable one
BEYOND = 0.06  # range of a score's axis beyond the attainable values, as a share
DIGIT_WIDTH = 0.06  # width of a digit, as a share of a panel's width
ARROWS = {"higher": "↑ ", "lower": "↓ ", "": ""}  # before the label of a score
SERIES_SHIFT = 0.025  # distance between series at the same number, as a share of a panel's width


@dataclass(frozen=True)
class Score:
    """One score: its column and its label with unit.

    limit:       column of the best attainable value, named `best` in the legend and drawn with `dash`.
    most, least: largest and smallest possible value.
    is_floor:    whether the limit is a noise floor; values up to it are hollow, as noise alone reaches them.
    is_chance:   whether the limit is what chance reaches; values that are not better are hollow.
    better:      higher or lower, where one is better; an arrow before the label says so.
    pairs:       columns with the numbers of true and inferred items that are matched.
    """

    column: str
    label: str
    limit: str = ""
    best: str = ""
    dash: Any = DASHED
    most: float | None = None
    least: float | None = None
    is_floor: bool = False
    is_chance: bool = False
    better: str = ""
    pairs: tuple[str, str] | None = None


Interval = Callable[[np.ndarray], tuple[float, float]]


def scores(
    table: pd.DataFrame, panels: Sequence[Score], series: Sequence[Series], interval: Interval, groups: Sequence[str],
    xlabel: str = "", title: str = "", numeric: bool = False,
) -> Figure:  # fmt: skip
    """A panel per score: a dot per model, the mean of each group with its interval, and the best attainable value.

    table:    one row per model: series, x (the index of its group, or with `numeric` a number above 0), and the panels'
              columns, nan if unknown.
    interval: function of the values of INTERVAL_FROM or more models that returns its lower and upper end.
    groups:   names of the groups; none with `numeric`, where the axis is logarithmic and means are connected.
    """
    rows = -(-len(panels) // PANELS_PER_ROW)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 1.55 * rows + 0.15, title)
        all_axes = figure.subplots(rows, min(PANELS_PER_ROW, len(panels)), sharex=True, squeeze=False).ravel()
        for axes in all_axes[len(panels) :]:
            axes.set_axis_off()
        for index, (axes, panel) in enumerate(zip(all_axes, panels, strict=False)):
            is_lowest = index + PANELS_PER_ROW >= len(panels)
            if numeric:
                _ticks(axes, table["x"])
                axes.set_xlabel(xlabel if is_lowest else "")
            elif len(groups) > MOST_GROUPS or not any(groups):
                axes.set_xticks([])
            else:
                set_groups(axes, groups, 24)
            _draw_score(axes, table, panel, series, interval, numeric)
            axes.tick_params(labelbottom=is_lowest)
        heading = f"Under the axes: {xlabel}" if xlabel and not numeric else ""
        legend(figure, _handles(table, panels, series, numeric), heading)
        return figure


def _ticks(axes: Axes, values: pd.Series) -> None:
    """A logarithmic axis with the given numbers as ticks; labels that are too close are one line lower, or left out."""
    places = np.unique(finite_values(values))
    shares = np.log(places / places[0]) / np.log(places[-1] / places[0])
    texts, ends = [], [-1.0, -1.0]  # where the last label of each of two rows ends
    for share, place in zip(shares, places, strict=True):
        text = f"{place:g}"
        half = DIGIT_WIDTH * (len(text) + 1) / 2  # with half a space on both sides
        row = next((row for row, end in enumerate(ends) if share - half > end), None)
        texts.append("" if row is None else "\n" * row + text)
        if row is not None:
            ends[row] = share + half
    axes.set_xscale("log")
    axes.set_xticks(places, texts)
    axes.set_xticks([], minor=True)


def _draw_score(
    axes: Axes, table: pd.DataFrame, panel: Score, series: Sequence[Series], interval: Interval, numeric: bool
) -> None:
    for index, look in enumerate(series):
        rows, means = table[table["series"] == look.text], {}
        factor = (
            (table["x"].max() / table["x"].min()) ** (SERIES_SHIFT * (index - (len(series) - 1) / 2))
            if numeric
            else 1.0
        )
        for x, models in rows.assign(x=factor * rows["x"]).groupby("x"):
            values = finite_values(models[panel.column])
            if not len(values):
                continue
            if numeric or len(values) > 1:
                means[x] = values.mean()
            width = 0.0 if numeric else 0.35
            at_floor = _is_at_floor(models, panel)
            positions = x + width * jitter(len(values))
            axes.plot(positions[~at_floor], values[~at_floor], look.marker, color=look.color, markersize=3.2, alpha=0.6,
                      markeredgewidth=0, zorder=4)  # fmt: skip
            axes.plot(positions[at_floor], values[at_floor], look.marker, color=look.color, markersize=3.2, zorder=4,
                      markerfacecolor="white", markeredgewidth=0.6)  # fmt: skip
            if len(values) >= INTERVAL_FROM:
                axes.vlines(x, *interval(values), color=look.color, linewidth=1.0, zorder=3)
        axes.plot(list(means), list(means.values()), color=look.color if numeric else "k", linewidth=1.0,
                  linestyle=look.linestyle if numeric else "", marker="_", markersize=8, zorder=5)  # fmt: skip
    _draw_limit(axes, table, panel, numeric)
    _set_limits(axes, panel)
    axes.set_title(_pairs_text(table, panel))
    axes.margins(x=0.08)
    if not numeric:
        axes.set_xlim(-0.6, table["x"].max() + 0.6)
    set_ylabel(axes, f"{ARROWS[panel.better]}{panel.label}")


def _is_at_floor(models: pd.DataFrame, panel: Score) -> np.ndarray:
    """Mask (n,) of a panel's finite values that are not above its floor, or not better than chance."""
    models_with_value = models[np.isfinite(models[panel.column].astype(float))]
    if not (panel.is_floor or panel.is_chance) or panel.limit not in models:
        return np.zeros(len(models_with_value), bool)
    values, limits = (models_with_value[column].astype(float) for column in (panel.column, panel.limit))
    return (values >= limits if panel.is_chance and panel.better == "lower" else values <= limits).to_numpy()


def _pairs_text(table: pd.DataFrame, panel: Score) -> str:
    """Number of matched items and of all true and inferred items, each a number or a range over models."""
    if panel.pairs is None or not set(panel.pairs) <= set(table):
        return ""
    both = table[list(panel.pairs)].astype(float).dropna()
    if both.empty:
        return ""
    true, inferred, matched = (_range(values) for values in (*both.to_numpy().T, both.min(axis=1)))
    text = f"{matched} matched, of {true} true and {inferred} inferred"
    return "\n".join(textwrap.wrap(text, PAIRS_WIDTH))


def _range(values: np.ndarray) -> str:
    low, high = int(np.min(values)), int(np.max(values))
    return f"{low}" if low == high else f"{low} to {high}"


def _set_limits(axes: Axes, panel: Score) -> None:
    """Set y limits: the possible range if known, else a margin around the values.

    The margin does not extend far beyond possible values, and the range is never close to zero.
    """
    if panel.most is not None and panel.least is not None:
        margin = BEYOND * (panel.most - panel.least)
        axes.set_ylim(panel.least - margin, panel.most + margin)
        return
    axes.margins(y=0.12)
    low, high = axes.get_ylim()
    smallest = SMALLEST_RANGE * (max(abs(low), abs(high)) if panel.most is None else panel.most)
    middle, half = (low + high) / 2, max(high - low, smallest) / 2
    low, high = middle - half, middle + half
    axes.set_ylim(low if panel.least is None else max(low, panel.least - 2 * BEYOND * half),
                  high if panel.most is None else min(high, panel.most + 2 * BEYOND * half))  # fmt: skip


def _draw_limit(axes: Axes, table: pd.DataFrame, panel: Score, numeric: bool) -> None:
    """Draw the best attainable value of each place as a short line, or with numbers as a connected line."""
    if panel.limit not in table:
        return
    levels = table.groupby("x")[panel.limit].mean().dropna()
    if numeric:
        axes.plot(levels.index, levels, color=REFERENCE, linestyle=panel.dash, linewidth=0.8, zorder=2)
    else:
        for x, level in levels.items():
            axes.hlines(level, x - 0.45, x + 0.45, color=REFERENCE, linestyle=panel.dash, linewidth=0.8, zorder=2)


def _handles(table: pd.DataFrame, panels: Sequence[Score], series: Sequence[Series], numeric: bool) -> list[Artist]:
    drawn = [look for look in series if (table["series"] == look.text).any()]
    handles: list[Artist] = [mark_handle(look) for look in drawn]
    if numeric:
        for handle, look in zip(handles, drawn, strict=True):
            handle.set_linestyle(look.linestyle)
    most = table.groupby(["series", "x"]).size().max()
    text = "mean; vertical line: 95 % interval over iterations" if most >= INTERVAL_FROM else "mean over iterations"
    if numeric or most > 1:
        handles.append(Line2D([], [], color="k", marker="_", markersize=8, linestyle="", label=text))
    hollow = [panel for panel in panels if _is_at_floor(table, panel).any()]
    if hollow:
        reached = ["above the noise floor"] * any(panel.is_floor for panel in hollow)
        reached += ["better than chance"] * any(panel.is_chance for panel in hollow)
        handles.append(Line2D([], [], color="0.4", marker="o", markersize=3.2, markerfacecolor="white", linestyle="",
                            markeredgewidth=0.6, label=f"not {' or not '.join(reached)}"))  # fmt: skip
    if any(panel.better for panel in panels):
        handles.append(Line2D([], [], linestyle="", label="↑ higher is better, ↓ lower is better"))
    limits = {panel.best: panel.dash for panel in panels if panel.limit in table}
    handles += [Line2D([], [], color=REFERENCE, linestyle=dash, linewidth=0.8, label=best)
              for best, dash in limits.items()]  # fmt: skip
    return handles
