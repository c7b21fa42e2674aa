"""Quantities of all runs of a grid: a row of panels per quantity, a column per value of an option."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from randomnet.plotting import run_marks
from randomnet.plotting.facets import Facet, crossing_text
from randomnet.plotting.grid_legend import PAIR, grid_handles
from randomnet.plotting.option_axis import set_option_ticks, shifted, slot_width
from randomnet.plotting.run_marks import Interval
from randomnet.plotting.style import (
    DASHED,
    DOTTED,
    DOUBLE,
    SINGLE,
    STYLE,
    Panel,
    Series,
    averaged_runs,
    chance_line,
    escape_dollars,
    finite_values,
    jitter,
    legend,
    new_figure,
    set_groups,
    set_ylabel,
    with_chance,
    zero_line,
)
from randomnet.plotting.training_courses import Courses, draw_courses
from randomnet.plotting.value_axis import log_panels, number_axis, scale_label

BETWEEN = 0.06  # inches beside each panel, and share of its width between them, so that labels stay apart
ROW, FIRST_ROW = 1.7, 0.35  # inches: height of a row of panels, and what the first takes besides
SLOT = 0.18  # share of the x axis that the series at one value take at most, so that pairs are seen
CHARACTERS = 104  # of titles side by side
ARROWS = {"higher": "↑", "lower": "↓"}
Place = tuple[float, Any]  # x and iteration of a run
Point = tuple[float, float]  # where it is drawn


def grid_panels(
    table: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], facets: Sequence[Facet],
    interval: Interval, columns: int = 1, title: str = "", over: str = "iterations", courses: Courses | None = None,
) -> Figure:  # fmt: skip
    """A dot per run, and for every cell the mean with its interval, against x and by series (colour, marker).

    table:    one row per run: facet (its number), series, cell, x, iteration, status, the panels' columns, and these
              with the suffix HOLLOW_SUFFIX for doubtful values. x is a number or an index of the facet's `groups`.
    interval: function of the values of a cell that returns the lower and upper end.
    columns:  number of facets side by side. over: what the runs of a cell differ in.
    courses:  drawn over epochs in a row of panels above the others.

    A mean is of one cell; runs of one cell and iteration are averaged first. Lines join the means of one series. Runs
    with status `diverged` or `unbounded` are not drawn; a panel's note counts them.
    """
    panels = [with_chance(panel, table) for panel in panels]
    rows: list[Panel | Courses] = [*([courses] if courses else []), *panels]
    log = [*([False] if courses else []), *_log_axes(table, panels)]
    with matplotlib.rc_context(STYLE):
        axes_of, figure = _axes(len(rows), len(facets), columns, title)
        figure.get_layout_engine().set(w_pad=BETWEEN, wspace=BETWEEN)  # type: ignore[union-attr, call-arg]
        for (row, place), axes in axes_of.items():
            content, facet = rows[row], facets[place]
            if isinstance(content, Courses):
                draw_courses(axes, content, place, series)
            else:
                _draw_panel(axes, table[table["facet"] == place], content, series, facet, interval, log[row])
            axes.set_gid(content.column)
            _set_title(axes, content, facet, row == 0, columns if len(facets) > 1 else 0)
        _finish_y_axes(axes_of, rows, facets, columns)
        if len(facets) == 1:
            are_log = [axes_of[row, 0].get_yscale() == "log" for row in range(len(rows))]
            for row, content in enumerate(rows):
                set_ylabel(axes_of[row, 0], scale_label(_label(content, facets[0]), are_log, are_log[row]))
                _shrink_ylabel(axes_of[row, 0])
        _finish_x_axes(axes_of, rows, facets, series)
        legend(figure, grid_handles(table, rows, series, facets, over), "")
        return figure


def _axes(rows: int, facets: int, columns: int, title: str) -> tuple[dict[tuple[int, int], Axes], Figure]:
    """Axes by (row, facet): bands of `columns` facets with a row per quantity; one facet has these side by side."""
    if facets == 1:
        width = 2 if rows == 4 else min(3, rows)
        bands = -(-rows // width)
        figure = new_figure(DOUBLE if width > 1 else SINGLE, 2.1 * bands + FIRST_ROW, title)
        grid = figure.subplots(bands, width, squeeze=False)
        axes_of = {(row, 0): grid.ravel()[row] for row in range(rows)}
    else:
        bands = -(-facets // columns)
        figure = new_figure(DOUBLE, (ROW * rows + FIRST_ROW) * bands, title)
        grid = figure.subplots(rows * bands, columns, squeeze=False)
        axes_of = {(row, facet): grid[facet // columns * rows + row, facet % columns]
                   for facet in range(facets) for row in range(rows)}  # fmt: skip
    for axes in {*grid.ravel()} - {*axes_of.values()}:
        axes.remove()
    return axes_of, figure


def _log_axes(table: pd.DataFrame, panels: Sequence[Panel]) -> list[bool]:
    """Whether the axis of each quantity is logarithmic, in all panels alike."""
    averaged = averaged_runs(table)
    asked = [panel.log and bool((finite_values(averaged[panel.column]) > 0).all()) for panel in panels]
    return [(is_log or is_asked) and not panel.zero
            for panel, is_log, is_asked in zip(panels, log_panels(averaged, panels), asked, strict=True)]  # fmt: skip


def _set_title(axes: Axes, content: Panel | Courses, facet: Facet, is_first: bool, columns: int) -> None:
    """The facet's name above its first panel, and above every panel what is left out, and crossings.

    columns: number of facets side by side; 0 for a single facet, of which the legend has the crossings.
    """
    is_alone, width = not columns, min(CHARACTERS // (columns or 3), 48)
    note = facet.notes.get(content.column, "") if isinstance(content, Panel) else ""
    has_crossings = isinstance(content, Panel) and content.zero and not is_alone
    ends = ", ".join(map(crossing_text, facet.crossings.values())) if has_crossings else ""
    texts = [f"crosses 0 at {ends}" if ends else "", f"left out: {note}" if note else ""]
    texts = ["\n".join(textwrap.wrap(text, width)) for text in texts if text]
    name = "\n".join(textwrap.wrap(escape_dollars(facet.title), width)) if is_first or is_alone else ""
    axes.set_title("\n".join(filter(None, [name, *texts])), fontsize=7)


def _draw_panel(
    axes: Axes, table: pd.DataFrame, panel: Panel, series: Sequence[Series], facet: Facet, interval: Interval,
    log: bool,
) -> None:  # fmt: skip
    axes.set_yscale("log" if log else "linear")
    axes.set_xscale("log" if facet.log_x else "linear")
    if panel.zero:
        zero_line(axes)
    chance_line(axes, panel.chance)
    present = [look for look in series if (table["series"] == look.text).any()]
    by_series = _is_by_series(facet, series)
    step = 0.7 if facet.groups else slot_width(axes, pd.Series(facet.values), SLOT) * _needs_slots(table, facet)
    slot = step / (1 if by_series else max(1, len(present)))
    places: dict[str, dict[Place, Point]] = {}
    for index, look in enumerate(present):
        shift = 0.0 if by_series else step * (index - (len(present) - 1) / 2) / max(1, len(present))
        rows = table[table["series"] == look.text]
        places[look.text] = _draw_dots(axes, rows, panel, look, shift, 0.35 * slot if facet.averaged else 0.0)
        if facet.averaged:
            _draw_means(axes, rows, panel, look, facet, shift, interval)
    _draw_pairs(axes, places, facet.pairs, by_series)
    _write_only_value([point for points in places.values() for point in points.values()], axes)
    for look in present if panel.zero else ():
        _draw_crossing(axes, facet.crossings.get(look.text), look)
    if facet.groups:
        axes.set_xlim(-0.6, len(facet.groups) - 0.4)
    axes.margins(y=0.1)


def _needs_slots(table: pd.DataFrame, facet: Facet) -> bool:
    """Whether series at one number stand apart: if a cell has several runs, or lines join pairs."""
    return bool(facet.pairs) or bool((averaged_runs(table).groupby("cell")["iteration"].nunique() > 1).any())


def _is_by_series(facet: Facet, series: Sequence[Series]) -> bool:
    return list(facet.groups) == [look.text for look in series]


def _draw_dots(
    axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, shift: float, width: float
) -> dict[Place, Point]:
    """Draw the runs of a series; their points by (x, iteration)."""
    points: dict[Place, Point] = {}
    for x, part in rows.groupby("x"):
        runs = run_marks.runs_with_value(part, panel.column)
        positions = np.array([shifted(axes, float(x), shift + offset) for offset in width * jitter(len(runs))])
        run_marks.draw_runs(axes, runs, panel, look, positions)
        values = runs[panel.column].to_numpy(dtype=float)
        for iteration, position, value in zip(runs["iteration"], positions, values, strict=True):
            points[float(x), iteration] = float(position), float(value)
    return points


def _write_only_value(points: Sequence[Point], axes: Axes) -> None:
    """Write the value beside a dot that is alone in its panel, where an axis tells little."""
    if len(points) == 1:
        axes.annotate(f"{points[0][1]:.4g}", points[0], xytext=(5, 0), textcoords="offset points", va="center")


def _draw_means(
    axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, facet: Facet, shift: float, interval: Interval
) -> None:
    """Draw the mean of each cell; a line joins those of one series along a numeric axis."""
    points, references = [], []
    for (x, cell), part in rows.groupby(["x", "cell"]):
        place, values = shifted(axes, float(x), shift), run_marks.values_of_mean(part, panel.column)
        if len(values):
            points.append((place, values.mean()))
            run_marks.draw_mean(axes, part, panel, place, interval, cell in facet.starts)
        if panel.reference in rows and len(others := run_marks.values_of_mean(part, panel.reference)):
            references.append((place, others.mean()))
    joined = not facet.groups and len({place for place, _ in points}) == len(points)
    if joined and len(points) > 1:
        axes.plot(*zip(*points, strict=True), color=look.color, linestyle=look.linestyle, linewidth=1.0,
                  zorder=4, alpha=0.8, gid="means")  # fmt: skip
    if references:
        x, means = zip(*references, strict=True)
        run_marks.draw_reference(axes, x, means, look, DASHED if joined else "")


def _draw_pairs(
    axes: Axes, places: Mapping[str, Mapping[Place, Point]], pairs: Sequence[tuple[str, str]], by_series: bool
) -> None:
    """Draw a thin line between the two runs of each pair, which have x and the iteration in common.

    by_series: whether x is the series, so that the iteration alone tells pairs.
    """
    for first, second in pairs:
        others = {key[by_series:]: point for key, point in places.get(second, {}).items()}
        for key, point in places.get(first, {}).items():
            if key[by_series:] in others:
                axes.plot(*zip(point, others[key[by_series:]], strict=True), gid="pair", **PAIR)


def _draw_crossing(axes: Axes, crossing: tuple[float, float, float] | None, look: Series) -> None:
    """Draw a dotted vertical line where a series crosses zero, over a band of its interval."""
    if crossing is not None:
        x, low, high = crossing
        axes.axvline(x, color=look.color, linestyle=DOTTED, linewidth=0.9, zorder=1, gid="crossing")
        if np.isfinite([low, high]).all():
            axes.axvspan(low, high, color=look.color, alpha=0.12, linewidth=0, zorder=0)


def _finish_y_axes(
    axes_of: Mapping[tuple[int, int], Axes], rows: Sequence[Panel | Courses], facets: Sequence[Facet], columns: int
) -> None:
    """Share the limits of a quantity between its panels; labels and ticks are at the first of each line of panels."""
    sets: dict[tuple[str, str], list[Axes]] = {}
    for row, content in enumerate(rows):
        panel = content if isinstance(content, Panel) else content.panel
        for place, facet in enumerate(facets):
            axes, label = axes_of[row, place], _label(content, facet)
            key = (panel.quantity, "") if panel.quantity else (str(row), label)
            sets.setdefault(key, []).append(axes)
            if place % columns == 0 or _label(content, facets[place - 1]) != label:
                set_ylabel(axes, label)
            else:
                axes.tick_params(labelleft=False, which="both")
    for members in sets.values():
        for axes in members[1:]:
            axes.sharey(members[0])
        members[0].autoscale(axis="y")
    for (row, _), axes in axes_of.items():
        content = rows[row]
        _set_y_limits(axes, content if isinstance(content, Panel) else content.panel)


def _shrink_ylabel(axes: Axes) -> None:
    """Make a y label of more than two lines smaller, as it would be wider than the ticks of the panel beside it."""
    if axes.get_ylabel().count("\n") > 1:
        axes.yaxis.label.set_fontsize("small")


def _label(content: Panel | Courses, facet: Facet) -> str:
    """The axis label of a quantity, with an arrow towards better values where one direction is better."""
    panel = content if isinstance(content, Panel) else content.panel
    label = facet.labels.get(panel.column, panel.label)
    return f"{ARROWS[panel.better]} {label}" if panel.better else label


def _set_y_limits(axes: Axes, panel: Panel) -> None:
    """Limits and ticks of an axis, and of those that share it."""
    if axes.get_yscale() == "linear":
        low, high = axes.get_ylim()
        if panel.least is not None:
            siblings = axes.get_shared_y_axes().get_siblings(axes)
            values = [y for other in siblings for line in other.lines if line.get_gid() == "run"
                      for y in finite_values(np.asarray(line.get_ydata(), dtype=float))]  # fmt: skip
            low, high = max(low, panel.least), panel.least + 1 if values and max(values) <= panel.least else high
        axes.set_ylim(min(low, *panel.spans, low), max(high, *panel.spans, high))
    number_axis(axes, panel)


def _finish_x_axes(
    axes_of: Mapping[tuple[int, int], Axes], rows: Sequence[Panel | Courses], facets: Sequence[Facet],
    series: Sequence[Series],
) -> None:  # fmt: skip
    """Write ticks and label of each x axis; without them above further quantities of the same facet."""
    alone = len(facets) == 1
    side_by_side = max(sum(1 for other in axes_of.values() if _are_beside(axes, other)) for axes in axes_of.values())
    for (row, place), axes in axes_of.items():
        facet = facets[place]
        if isinstance(rows[row], Courses):
            continue
        if _is_by_series(facet, series) and side_by_side > 1:
            axes.set_xticks([])  # the legend has the names, for which there is no room
        elif facet.groups:
            set_groups(axes, facet.groups, (48 if side_by_side == 1 else 84) // side_by_side)
        else:
            set_option_ticks(axes, np.array(facet.values))
        if alone or row == len(rows) - 1:
            axes.set_xlabel(escape_dollars(facet.xlabel))
        else:
            axes.tick_params(labelbottom=False, which="both")


def _are_beside(first: Axes, second: Axes) -> bool:
    """Whether two axes are in the same line of panels."""
    places = [axes.get_subplotspec() for axes in (first, second)]
    return len({place.rowspan.start for place in places if place is not None}) == 1
