"""Scores of many models: a panel for each score."""

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

COLUMNS = 4  # panels side by side
MOST_GROUPS = 8  # whose values of an axis are written under it
INTERVAL_FROM = 3  # models; the interval of two is so wide that it hides all else
NARROWEST = 0.05  # of a score's axis, as a share of its values, or of the largest there can be
BEYOND = 0.06  # of a score's axis beyond what there can be
DIGIT = 0.06  # the width of one under a panel, as a share of the panel's
ASIDE = 0.025  # between models of the same number, as a share of the panel's width


@dataclass(frozen=True)
class Score:
    """One quantity: its column and its label with unit; limit: the column of the best value there can be, named `best`
    and drawn with `dash`; most, least: values that nothing passes. is_floor: values up to the limit are hollow, as
    noise alone reaches them. pairs: the columns with the numbers of true and inferred items that are paired."""

    column: str
    label: str
    limit: str = ""
    best: str = ""
    dash: Any = DASHED
    most: float | None = None
    least: float | None = None
    is_floor: bool = False
    pairs: tuple[str, str] | None = None


Interval = Callable[[np.ndarray], tuple[float, float]]


def scores(
    table: pd.DataFrame, panels: Sequence[Score], series: Sequence[Series], interval: Interval, groups: Sequence[str],
    xlabel: str = "", title: str = "", numeric: bool = False,
) -> Figure:  # fmt: skip
    """A panel per score: a dot per model, the mean of each group, from INTERVAL_FROM models on with its interval, and
    the best value there can be.

    table: one row per model: series, x (the place of its group, or with `numeric` a number above 0), and the panels'
    columns, nan where they are not known. groups: what is written at the places; none with `numeric`, where the axis is
    logarithmic and means are joined.
    """
    rows = -(-len(panels) // COLUMNS)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 1.55 * rows + 0.15, title)
        grid = figure.subplots(rows, min(COLUMNS, len(panels)), sharex=True, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        for number, (axes, panel) in enumerate(zip(grid, panels, strict=False)):
            lowest = number + COLUMNS >= len(panels)
            if numeric:
                _ticks(axes, table["x"])
                axes.set_xlabel(xlabel if lowest else "")
            elif len(groups) > MOST_GROUPS or not any(groups):
                axes.set_xticks([])
            else:
                set_groups(axes, groups, 24)
            _score(axes, table, panel, series, interval, numeric)
            axes.tick_params(labelbottom=lowest)
        heading = f"Under the axes: {xlabel}" if xlabel and not numeric else ""
        legend(figure, _score_handles(table, panels, series, numeric), heading)
        return figure


def _ticks(axes: Axes, values: pd.Series) -> None:
    """A logarithmic axis with the numbers that there are and no others; one too close to the last is written lower."""
    places = np.unique(finite_values(values))
    shares = np.log(places / places[0]) / np.log(places[-1] / places[0])
    texts, ends = [], [-1.0, -1.0]  # where the last number of each of two rows ends
    for share, place in zip(shares, places, strict=True):
        text = f"{place:g}"
        half = DIGIT * (len(text) + 1) / 2  # with half of the space on both sides
        row = next((row for row, end in enumerate(ends) if share - half > end), None)
        texts.append("" if row is None else "\n" * row + text)
        if row is not None:
            ends[row] = share + half
    axes.set_xscale("log")
    axes.set_xticks(places, texts)
    axes.set_xticks([], minor=True)


def _score(
    axes: Axes, table: pd.DataFrame, panel: Score, series: Sequence[Series], interval: Interval, numeric: bool
) -> None:
    for number, one in enumerate(series):
        own, means = table[table["series"] == one.text], {}
        aside = (table["x"].max() / table["x"].min()) ** (ASIDE * (number - (len(series) - 1) / 2)) if numeric else 1.0
        for x, part in own.assign(x=aside * own["x"]).groupby("x"):
            values = finite_values(part[panel.column])
            if not len(values):
                continue
            means[x] = values.mean()
            width = 0.0 if numeric else 0.35
            hollow = _not_above(part, panel)
            places = x + width * jitter(len(values))
            axes.plot(places[~hollow], values[~hollow], one.marker, color=one.color, markersize=3.2, alpha=0.6,
                      markeredgewidth=0, zorder=4)  # fmt: skip
            axes.plot(places[hollow], values[hollow], one.marker, color=one.color, markersize=3.2, zorder=4,
                      markerfacecolor="white", markeredgewidth=0.6)  # fmt: skip
            if len(values) >= INTERVAL_FROM:
                axes.vlines(x, *interval(values), color=one.color, linewidth=1.0, zorder=3)
        axes.plot(list(means), list(means.values()), color=one.color if numeric else "k", linewidth=1.0,
                  linestyle=one.linestyle if numeric else "", marker="_", markersize=8, zorder=5)  # fmt: skip
    _limit(axes, table, panel, numeric)
    _within(axes, panel)
    axes.set_title(_pairs_text(table, panel))
    axes.margins(x=0.08)
    if not numeric:
        axes.set_xlim(-0.6, table["x"].max() + 0.6)
    set_ylabel(axes, panel.label)


def _not_above(part: pd.DataFrame, panel: Score) -> np.ndarray:
    """(n,) bool of the finite values of a panel: which are not above its floor."""
    known = part[np.isfinite(part[panel.column].astype(float))]
    if not panel.is_floor or panel.limit not in part:
        return np.zeros(len(known), bool)
    return (known[panel.column] <= known[panel.limit]).to_numpy()


def _pairs_text(table: pd.DataFrame, panel: Score) -> str:
    """How many items were paired, of how many: a number, or the range over models."""
    if panel.pairs is None or not set(panel.pairs) <= set(table):
        return ""
    both = table[list(panel.pairs)].astype(float).dropna()
    if both.empty:
        return ""
    true, inferred, matched = (_range(values) for values in (*both.to_numpy().T, both.min(axis=1)))
    return f"{matched} matched, of {true} true\nand {inferred} inferred"


def _range(values: np.ndarray) -> str:
    low, high = int(np.min(values)), int(np.max(values))
    return f"{low}" if low == high else f"{low} to {high}"


def _within(axes: Axes, panel: Score) -> None:
    """Limits: all there can be, where that is known; else with room around the values, but not far beyond what there
    can be, and no range of next to nothing."""
    if panel.most is not None and panel.least is not None:
        beyond = BEYOND * (panel.most - panel.least)
        axes.set_ylim(panel.least - beyond, panel.most + beyond)
        return
    axes.margins(y=0.12)
    low, high = axes.get_ylim()
    narrowest = NARROWEST * (max(abs(low), abs(high)) if panel.most is None else panel.most)
    middle, half = (low + high) / 2, max(high - low, narrowest) / 2
    low, high = middle - half, middle + half
    axes.set_ylim(low if panel.least is None else max(low, panel.least - 2 * BEYOND * half),
                  high if panel.most is None else min(high, panel.most + 2 * BEYOND * half))  # fmt: skip


def _limit(axes: Axes, table: pd.DataFrame, panel: Score, numeric: bool) -> None:
    """The best value there can be, of each place its own: a short line, or with numbers a dashed one."""
    if panel.limit not in table:
        return
    levels = table.groupby("x")[panel.limit].mean().dropna()
    if numeric:
        axes.plot(levels.index, levels, color=REFERENCE, linestyle=panel.dash, linewidth=0.8, zorder=2)
    else:
        for x, level in levels.items():
            axes.hlines(level, x - 0.45, x + 0.45, color=REFERENCE, linestyle=panel.dash, linewidth=0.8, zorder=2)


def _score_handles(
    table: pd.DataFrame, panels: Sequence[Score], series: Sequence[Series], numeric: bool
) -> list[Artist]:
    shown = [one for one in series if (table["series"] == one.text).any()]
    found: list[Artist] = [mark_handle(one) for one in shown]
    if numeric:
        for handle, one in zip(found, shown, strict=True):
            handle.set_linestyle(one.linestyle)
    several = table.groupby(["series", "x"]).size().max() >= INTERVAL_FROM
    text = "mean; vertical line: 95 % interval over iterations" if several else "mean over iterations"
    found.append(Line2D([], [], color="k", marker="_", markersize=8, linestyle="", label=text))
    if any(_not_above(table, panel).any() for panel in panels):
        found.append(Line2D([], [], color="0.4", marker="o", markersize=3.2, markerfacecolor="white", linestyle="",
                            markeredgewidth=0.6, label="not above the floor"))  # fmt: skip
    limits = {panel.best: panel.dash for panel in panels if panel.limit in table}
    found += [Line2D([], [], color=REFERENCE, linestyle=dash, linewidth=0.8, label=best)
              for best, dash in limits.items()]  # fmt: skip
    return found
