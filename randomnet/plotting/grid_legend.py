"""The legend of a figure of a grid: the series with their numbers of values, then each mark that is drawn."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.lines import Line2D

from randomnet.plotting import run_marks
from randomnet.plotting.facets import Facet, crossing_text
from randomnet.plotting.run_marks import MEAN
from randomnet.plotting.style import (
    DASHED,
    DOTTED,
    REFERENCE,
    Panel,
    Series,
    averaged_runs,
    chance_handles,
    mark_handle,
)
from randomnet.plotting.training_courses import Courses, course_handles

PAIR: dict[str, Any] = {"color": "0.55", "linewidth": 0.5, "alpha": 0.6, "zorder": 2}


def grid_handles(
    table: pd.DataFrame, rows: Sequence[Panel | Courses], series: Sequence[Series], facets: Sequence[Facet], over: str
) -> list[Artist]:
    """Legend entries: the series with their numbers of values, then each mark that is drawn.

    table, series, facets, over: as grid_panels takes them. rows: the quantities and courses.
    """
    panels = [row for row in rows if isinstance(row, Panel)]
    courses = [row for row in rows if isinstance(row, Courses)]
    is_joined = bool(courses) or any(facet.averaged and not facet.groups for facet in facets)
    present = [look for look in series if (table["series"] == look.text).any()]
    named = [replace(look, text=_series_text(table, panels, look, facets)) for look in present]
    handles: list[Artist] = [_line_and_mark(look) if is_joined else mark_handle(look) for look in named]
    handles += _mean_handles(table, panels, facets, over)
    if any(facet.crossings for facet in facets):
        label = "dotted, with band: zero crossing of the medians, 95 % interval"
        handles.append(Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.9, label=label))
    if any(facet.pairs for facet in facets):
        handles.append(Line2D([], [], label="pair: equal iteration and seed", **PAIR))
    handles += [*_run_handles(table, panels), *_reference_handles(table, panels)]
    return [*handles, *(handle for part in courses for handle in course_handles(part))]


def _series_text(table: pd.DataFrame, panels: Sequence[Panel], look: Series, facets: Sequence[Facet]) -> str:
    """The name of a series, the number of values behind its means, and where it crosses zero if it has one facet."""
    crossing = facets[0].crossings.get(look.text) if len(facets) == 1 else None
    end = f", crosses 0 at {crossing_text(crossing)}" if crossing else ""
    return f"{look.text}{_count_text(table, panels, look)}{end}"


def _run_handles(table: pd.DataFrame, panels: Sequence[Panel]) -> list[Artist]:
    """Legend entries for the marks of single runs."""
    averaged = averaged_runs(table)
    handles: list[Artist] = []
    if any(run_marks.hollow(averaged, panel).any() for panel in panels):
        handles.append(_mark("o", 3.5, "not converged, or too short to tell", markerfacecolor="white"))
    if any(len(values) for panel in panels for values in table.get(f"{panel.column}{run_marks.STATES_SUFFIX}", ())):
        handles.append(Line2D([], [], linestyle="", color=REFERENCE, label="small dots: initial states of a run",
                              **run_marks.STATE))  # fmt: skip
    with_bounds = (panel for panel in panels if (run_marks.numbers(table, panel.bound) == 1).any())
    handles += [_mark(run_marks.BOUND_MARKER, 4.1 * 2.6, text)
                for text in dict.fromkeys(panel.bound_text for panel in with_bounds)]  # fmt: skip
    with_bars = [panel for panel in panels if np.isfinite(run_marks.error_range(averaged, panel)).any()]
    several = any(f"{panel.column}{run_marks.STATES_SUFFIX}" in table for panel in panels)
    usual = f"thin bar: ± 2 standard errors of {'a run' if several else 'one trajectory'}"
    for label in dict.fromkeys(panel.bar_text or usual for panel in with_bars):
        handles.append(Line2D([], [], linewidth=0.5, color=REFERENCE, label=label))
    return handles


def _reference_handles(table: pd.DataFrame, panels: Sequence[Panel]) -> list[Artist]:
    """Legend entries for values to compare with, chance levels, and arrows."""
    handles: list[Artist] = []
    with_reference = [panel for panel in panels if np.isfinite(run_marks.numbers(table, panel.reference)).any()]
    for texts in dict.fromkeys(panel.texts for panel in with_reference):
        handles.append(Line2D([], [], color=REFERENCE, linestyle=DASHED, label=texts[1], **run_marks.REFERENCE_STYLE))
    handles += chance_handles(panels)
    if any(panel.own_chance in table for panel in panels):
        handles.append(Line2D([], [], linestyle="", label=run_marks.CHANCE_TEXT, **run_marks.CHANCE_OF_RUN))
    if any(panel.better for panel in panels):
        handles.append(Line2D([], [], linestyle="", label="↑, ↓ in a label: better values"))
    return handles


def _line_and_mark(look: Series) -> Line2D:
    """Legend entry for the runs of a series and the line that joins their means."""
    style = {"color": look.color, "linestyle": look.linestyle, "marker": look.marker}
    return Line2D([], [], markersize=4, linewidth=1.0, label=look.text, **style)


def _mark(marker: Any, size: float, text: str, **options: Any) -> Line2D:
    style = {"linestyle": "", "color": REFERENCE, "marker": marker, "markersize": size, **options}
    return Line2D([], [], label=text, **style)


def _count_text(table: pd.DataFrame, panels: Sequence[Panel], look: Series) -> str:
    """The number of values behind each mean of a series, such as `, n = 3 to 5`."""
    rows = table[table["series"] == look.text]
    counts = [len(run_marks.values_of_mean(part, panel.column)) for panel in panels[:1]
              for _, part in rows.groupby(["facet", "cell"])]  # fmt: skip
    if not counts:
        return ""
    ends = dict.fromkeys((str(min(counts)), str(max(counts))))
    return f", n\u00a0=\u00a0{' to '.join(ends)}"


def _mean_handles(
    table: pd.DataFrame, panels: Sequence[Panel], facets: Sequence[Facet], over: str
) -> list[Artist]:
    """Legend entries for means and intervals, with what the interval is over."""
    if not any(facet.averaged for facet in facets):
        return []
    sizes = {str(cell): len(run_marks.values_of_mean(part, panel.column)) for panel in panels
             for cell, part in table.groupby("cell")}  # fmt: skip
    starts = {cell for facet in facets for cell in facet.starts}
    handles: list[Artist] = []
    with_interval = {cell for cell, size in sizes.items() if size >= run_marks.INTERVAL_FROM}
    if max(sizes.values(), default=0) > 1:
        handles.append(Line2D([], [], linestyle="", label="mean", **MEAN))
    texts: dict[Any, str] = {"-": f"95 % interval over {over}"} if with_interval - starts else {}
    if with_interval & starts:
        texts[run_marks.DASHED_BAR] = f"{'the same' if texts else '95 % interval'} over starts of one network"
    handles += [Line2D([], [], color=MEAN["color"], linewidth=1.2, linestyle=dash, label=text)
                for dash, text in texts.items()]  # fmt: skip
    bounds = [panel for panel in panels if (run_marks.numbers(table, panel.bound) == 1).any()]
    if bounds and handles:
        handles.append(Line2D([], [], linestyle="", label=run_marks.MEAN_OF_BOUNDS_TEXT, **run_marks.MEAN_OF_BOUNDS))
    return handles
