"""Courses of a quantity over epochs for the runs of a grid, in shades of one option."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from randomnet.plotting.run_averages import geometric_mean
from randomnet.plotting.style import (
    REFERENCE,
    THIN_RUNS,
    Panel,
    Series,
    averaged_runs,
    chance_line,
    finite_values,
    line_handle,
    spans_a_decade,
    zero_line,
)

MOST_NAMED = 6  # shades in the legend


@dataclass(frozen=True)
class Courses:
    """A quantity of runs over epochs.

    table:  a row per run and epoch: facet, series, cell, shade (nan without an option), run, epoch, status, and the
            panel's column.
    names:  texts of the shades, which are values of the option that `heading` names; empty without one.
    """

    table: pd.DataFrame
    panel: Panel
    names: Mapping[float, str]
    heading: str = ""

    @property
    def column(self) -> str:
        """Column of the quantity."""
        return self.panel.column

    def of_facets(self, first: int, last: int) -> "Courses":
        """Those of the facets from first to last, which is left out, numbered from 0."""
        chosen = self.table[(self.table["facet"] >= first) & (self.table["facet"] < last)]
        return replace(self, table=chosen.assign(facet=chosen["facet"] - first))


def draw_courses(axes: Axes, courses: Courses, facet: int, series: Sequence[Series]) -> None:
    """Draw the mean course of every cell of a facet, and thin lines for single runs where these are few.

    On a log axis the mean is geometric. Runs that diverged or are unbounded are left out.
    """
    column = courses.panel.column
    log = courses.panel.chance is None and not courses.panel.linear and spans_a_decade(courses.table[column])
    axes.set_yscale("log" if log else "linear")
    if courses.panel.zero:
        zero_line(axes)
    chance_line(axes, courses.panel.chance)
    looks = {look.text: look for look in series}
    table = averaged_runs(courses.table[courses.table["facet"] == facet])
    for (text, _, shade), cell in table.groupby(["series", "cell", "shade"], dropna=False, sort=False):
        look = looks[str(text)]
        look = look if np.isnan(shade) else replace(look, shade=float(shade))
        runs = cell.pivot_table(index="run", columns="epoch", values=column, aggfunc="mean", dropna=False)
        values = runs.to_numpy(dtype=float)
        epochs = runs.columns.to_numpy(dtype=float)
        with_values = np.isfinite(values).any(axis=0)
        epochs, values = epochs[with_values], values[:, with_values]
        if not values.size:
            continue
        if 1 < len(values) <= THIN_RUNS:
            axes.plot(epochs, values.T, color=look.color, linewidth=0.4, alpha=0.4, zorder=2)
        mean = geometric_mean(values) if log else np.nanmean(values, axis=0)
        axes.plot(epochs, mean, color=look.color, linestyle=look.linestyle, linewidth=1.1, zorder=3, gid="course",
                  marker="o" if len(epochs) == 1 else "", markersize=3)  # fmt: skip
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.02, y=0.08)


def course_handles(courses: Courses) -> list[Artist]:
    """Legend entries for the shades and the lines; those of the series have their dashes."""
    names = list(courses.names.items())
    places = np.unique(np.linspace(0, len(names) - 1, min(len(names), MOST_NAMED)).round().astype(int))
    handles: list[Artist] = []
    for place in places if names else ():
        shade, text = names[place]
        handles.append(line_handle(Series("", shade=shade), f"{courses.heading} = {text}", "-"))
    kind = "geometric mean" if spans_a_decade(courses.table[courses.panel.column]) else "mean"
    counts = averaged_runs(courses.table).groupby("cell")["run"].nunique()
    if len(finite_values(counts)) and counts.max() > 1:
        thin = " (thin: runs)" if (counts <= THIN_RUNS).any() else ""
        handles.append(Line2D([], [], color=REFERENCE, linewidth=1.1, label=f"course: {kind} over iterations{thin}"))
    return handles
