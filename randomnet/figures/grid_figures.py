"""Figures of a whole grid: quantities of all runs over one option, in colours and panels, and courses of training.

grid_figures   the pages of a figure; no mean is over runs that differ in an option, unless the user pools it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from randomnet import plotting, results
from randomnet.comparison import combo_texts, verdicts
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.network_identity import FIXED, RUNS, origin, source_of_variation
from randomnet.comparison.study import Combo, Study
from randomnet.figures.grid_layout import (
    LABEL,
    GridLayout,
    cell_keys,
    dimensions,
    grid_layout,
    option_numbers,
    value_of,
    value_texts,
)
from randomnet.figures.grid_pairs import cells_of_starts, paired_series
from randomnet.figures.option_words import option_label, option_words
from randomnet.figures.runs import Figures, ended_runs, say
from randomnet.plotting import Courses, Facet, Panel, Series
from randomnet.plotting.run_marks import HOLLOW_SUFFIX

MOST_PANELS, MOST_COLUMNS = 12, 4  # of a page
Key = tuple[str, int]  # label and number of a combo


@dataclass(frozen=True)
class Grid:
    """A study in its layout: the series and the cell of each combo, and the runs that ended."""

    study: Study
    layout: GridLayout
    looks: Mapping[Key, Series]
    cells: Mapping[Key, tuple]
    runs: pd.DataFrame

    @classmethod
    def of(cls, study: Study) -> "Grid":
        """The grid of a study. Raises ConfigError for an arrangement that cannot be."""
        layout = grid_layout(study)
        looks = series_of_combos(study, layout)
        return cls(study, layout, looks, cell_keys(study.combos, layout, dimensions(study)), ended_runs(study, looks))

    @property
    def series(self) -> list[Series]:
        """All series, in their order."""
        return list(dict.fromkeys(self.looks.values()))


def grid_figures(
    study: Study, stem: str, panels: Sequence[Panel], note: str = "", history: pd.DataFrame | None = None,
    course: Panel | None = None, labels: Mapping[str, Mapping[str, str]] | None = None,
    crossings: Mapping[Key, tuple[float, float, float]] | None = None,
) -> Figures:  # fmt: skip
    """The pages of a figure of these quantities of all runs; none without a finite value.

    history: with columns label, number, run, epoch, status and that of `course`, which is drawn over epochs.
    labels:  axis labels by column, then by the combo's loss, where losses differ.
    crossings: by combo, where the quantity with a line at zero crosses it along the x axis, and its interval.
    """
    grid = Grid.of(study)
    panels = [panel for panel in panels if panel.column in grid.runs and _has_values(grid.runs[panel.column])]
    if not panels and (history is None or history.empty):
        return
    panels, equal = _varying(panels, grid.runs, has_courses=history is not None and not history.empty)
    note = ", ".join(filter(None, [note, *equal]))
    grid = replace(grid, runs=_with_doubts(grid.runs, panels))
    sets = facet_sets(study.combos, grid.layout)
    parts = [_facet(grid, option, combos, panels, labels or {}, crossings or {}) for option, combos in sets]
    facets = [facet for _, facet in parts]
    table = pd.concat([rows.assign(facet=place) for place, (rows, _) in enumerate(parts)], ignore_index=True)
    courses = _courses(grid, [combos for _, combos in sets], history, course)
    columns, rows = _columns(study, grid.layout, len(facets)), len(panels) + (courses is not None)
    pages, title, over = _pages(len(facets), rows, columns), _title(study, grid.layout, note), _over(grid)
    for number, (first, last) in enumerate(pages):
        page = table[(table["facet"] >= first) & (table["facet"] < last)]
        page = page.assign(facet=page["facet"] - first)
        ends = [title, f"page {number + 1} of {len(pages)}"] if len(pages) > 1 else [title]
        figure = plotting.grid_panels(page, panels, grid.series, facets[first:last], mean_interval, columns,
                                      ", ".join(filter(None, ends)), over,
                                      courses and courses.of_facets(first, last))  # fmt: skip
        yield f"{stem}_{number + 1}" if number else stem, figure
    if len(pages) > 1:
        count = len(facets) * rows
        say(f"{stem}: {count} panels on {len(pages)} pages; --panels, --colour, --x and --filter choose others")


def _has_values(column: pd.Series) -> bool:
    return bool(np.isfinite(column.astype(float)).any())


def _varying(panels: Sequence[Panel], runs: pd.DataFrame, has_courses: bool) -> tuple[list[Panel], list[str]]:
    """The panels worth drawing, and a text for each quantity that is 0, or the same count, in all runs.

    One panel is kept if nothing else is drawn.
    """
    drawn, texts = [], []
    for panel in panels:
        values = runs[panel.column].astype(float)
        if len(values) > 1 and (values == values.iloc[0]).all() and (panel.whole or values.iloc[0] == 0):
            name = " ".join(part for part in panel.label.split("\n") if "$" not in part)
            texts.append(f"{name} is {values.iloc[0]:g} in all runs")
        else:
            drawn.append(panel)
    return (drawn, texts) if drawn or has_courses else (list(panels[:1]), texts[1:])


def series_of_combos(study: Study, layout: GridLayout) -> dict[Key, Series]:
    """The series of each combo, by the values of the layout's series; a colour and marker each."""
    sets: dict[tuple, list[Combo]] = {}
    orders = {name: list(value_texts(study.combos, name)) for name in layout.series}
    ordered = sorted(study.combos, key=lambda combo: [orders[name].index(value_of(combo, name))
                                                      for name in layout.series])  # fmt: skip
    for combo in ordered:
        sets.setdefault(tuple(value_of(combo, name) for name in layout.series), []).append(combo)
    looks: dict[Key, Series] = {}
    for index, members in enumerate(sets.values()):
        look = Series(_series_text(study, layout, members), index, index)
        looks |= {(combo.label, combo.number): look for combo in members}
    return looks


def _series_text(study: Study, layout: GridLayout, members: Sequence[Combo]) -> str:
    values = _texts_of(study, members[0], [name for name in layout.series if name != LABEL])
    if LABEL in layout.series:
        task = combo_texts.task_if_different(study.combos, members)
        return combo_texts.legend_text(members[0].label, originals(members), ", ".join(filter(None, [task, *values])))
    if values:
        return ", ".join(values)
    return combo_texts.legend_text(members[0].label, originals(members)) if _one_label(study) else "all folders"


def originals(combos: Sequence[Combo]) -> list[str]:
    """The names of the combos' connectomes, those of nulls without the null's name."""
    names = (combo.connectome.split(combo_texts.NULL)[0].removesuffix(f" {combo_texts.SHUFFLED}") for combo in combos)
    return list(dict.fromkeys(filter(None, names)))


def _one_label(study: Study) -> bool:
    return len({combo.label for combo in study.combos}) == 1


def facet_sets(combos: Sequence[Combo], layout: GridLayout) -> list[tuple[str, list[Combo]]]:
    """(option on the x axis, combos) of each set of panels, in the order of the values."""
    orders = {name: list(value_texts(combos, name)) for name in layout.facets}
    sets: dict[tuple[int, ...], list[Combo]] = {}
    for combo in combos:
        place = tuple(orders[name].index(value_of(combo, name)) for name in layout.facets)
        sets.setdefault(place, []).append(combo)
    return [(option, sets[place]) for place in sorted(sets) for option in (layout.sampled or (layout.x,))]


def _facet(
    grid: Grid, option: str, combos: Sequence[Combo], panels: Sequence[Panel],
    labels: Mapping[str, Mapping[str, str]], crossings: Mapping[Key, tuple[float, float, float]],
) -> tuple[pd.DataFrame, Facet]:  # fmt: skip
    """The runs of a set of panels with their x and cell, and what these panels have in common."""
    places, groups = _places(grid, option)
    keys = {(combo.label, combo.number) for combo in combos}
    table = grid.runs[[key in keys for key in _keys(grid.runs)]]
    cells = [str(grid.cells[key]) for key in _keys(table)]
    table = table.assign(x=[places[key] for key in _keys(table)], cell=cells)
    values = () if groups else tuple(sorted(set(places.values())))
    return table, Facet(
        title=", ".join(_texts_of(grid.study, combos[0], grid.layout.facets)),
        xlabel=_xlabel(grid.study, option),
        groups=tuple(groups),
        averaged=not grid.layout.sampled,
        labels={column: texts[combos[0].loss] for column, texts in labels.items() if combos[0].loss in texts},
        notes={panel.column: _left_out_text(panel.column, table) for panel in panels},
        values=values,
        log_x=needs_log(values) or (all(panel.log for panel in panels) and min(values, default=0) > 0),
        starts=cells_of_starts(table),
        pairs=paired_series(grid.study, grid.layout, table),
        crossings={grid.looks[key].text: crossings[key] for key in sorted(keys & set(crossings))},
    )


def _xlabel(study: Study, option: str) -> str:
    """The name of an option in words with its unit; empty if no option is on the axis."""
    percent = option != LABEL and any(isinstance(key, tuple) for key in option_numbers(study.combos, option))
    return option_label(study.combos, option, percent) if option else ""


def _texts_of(study: Study, combo: Combo, names: Sequence[str]) -> list[str]:
    """The values of these dimensions in words."""
    return [f"{option_words(name)} = {value_texts(study.combos, name)[value_of(combo, name)]}" for name in names]


def needs_log(numbers: Sequence[float]) -> bool:
    """Whether the values of an option belong on a log axis: if they span much, or are spaced by factors."""
    values = np.unique(np.asarray(numbers, dtype=float))
    if plotting.needs_log_axis(values):
        return True
    if len(values) < 3 or values[0] <= 0 or values[-1] / values[0] < 4:
        return False
    unevenness = [np.ptp(np.diff(scaled)) / np.diff(scaled).mean() for scaled in (values, np.log(values))]
    return bool(unevenness[1] < unevenness[0])


def _keys(runs: pd.DataFrame) -> list[Key]:
    return list(zip(runs["label"], runs["number"], strict=True))


def _places(grid: Grid, option: str) -> tuple[dict[Key, float], list[str]]:
    """Place of each combo on the x axis, and the names of the places unless these are numbers."""
    combos = grid.study.combos
    if not option:
        return {key: float(grid.series.index(look)) for key, look in grid.looks.items()}, [
            look.text for look in grid.series
        ]
    numbers = option_numbers(combos, option) if option != LABEL else {}
    if numbers and all(value_of(combo, option) in numbers for combo in combos):
        return {(combo.label, combo.number): numbers[value_of(combo, option)] for combo in combos}, []
    texts = value_texts(combos, option)
    order_of = {value: float(place) for place, value in enumerate(texts)}
    return {(combo.label, combo.number): order_of[value_of(combo, option)] for combo in combos}, list(texts.values())


def _with_doubts(runs: pd.DataFrame, panels: Sequence[Panel]) -> pd.DataFrame:
    """The runs, with a column per quantity that marks those not converged or too short to tell."""
    masks = {f"{panel.column}{HOLLOW_SUFFIX}": verdicts.not_converged(panel.column, runs)
             | verdicts.too_short(panel.column, runs) for panel in panels}  # fmt: skip
    return runs.assign(**masks)


def _left_out_text(column: str, runs: pd.DataFrame) -> str:
    """How many of the runs are not in the panel of this quantity, and why; empty if none."""
    counts = verdicts.verdict_counts(column, runs)
    texts = {"unbounded": "unbounded", "diverged": "diverged", "undetermined": "not determined"}
    return ", ".join(f"{counts[name]} {text}" for name, text in texts.items() if counts[name])


def _title(study: Study, layout: GridLayout, note: str) -> str:
    """Title with the task, the network unless the legend has it, the note, and what is pooled."""
    names = "" if LABEL in layout.series else " and ".join(originals(study.combos)[:3])
    one = layout.series and _one_label(study)
    owner = combo_texts.legend_text(study.combos[0].label, originals(study.combos)) if one else names
    owner = owner if layout.series else ""
    pooled = f"means over {' and '.join(option_words(name) for name in layout.pooled)}" if layout.pooled else ""
    return combo_texts.title_with_task(study.combos, ", ".join(filter(None, [owner, note, pooled])))


def _columns(study: Study, layout: GridLayout, facets: int) -> int:
    """Number of columns of panels: the values of the last facet option, as far as there is room."""
    if layout.sampled:
        return min(len(layout.sampled), MOST_COLUMNS)
    last = len({value_of(combo, layout.facets[-1]) for combo in study.combos}) if layout.facets else 1
    return max(1, min(facets, last if last <= MOST_COLUMNS else -(-last // -(-last // MOST_COLUMNS))))


def _pages(facets: int, rows: int, columns: int) -> list[tuple[int, int]]:
    """The first and last facet of each page: whole bands of columns, with at most MOST_PANELS panels if possible."""
    bands = max(1, MOST_PANELS // max(1, rows * columns))
    step = bands * columns
    return [(first, min(first + step, facets)) for first in range(0, facets, step)]


def _over(grid: Grid) -> str:
    """What the runs of a cell differ in, for the legend; those of starts are named apart."""
    averaged = grid.runs[~grid.runs["status"].isin(results.LEFT_OUT)]
    groups = averaged.groupby([str(grid.cells[key]) for key in _keys(averaged)])
    sources = {source_of_variation(part) for _, part in groups if len(part) > 1 and origin(part) != FIXED}
    return sources.pop() if len(sources) == 1 else RUNS


def _courses(
    grid: Grid, parts: Sequence[Sequence[Combo]], history: pd.DataFrame | None, course: Panel | None
) -> Courses | None:
    """The courses of all runs with their facet, cell, series and shade; None if there are none."""
    if history is None or history.empty or course is None or grid.layout.sampled:
        return None
    facet_of = {(combo.label, combo.number): place for place, part in enumerate(parts) for combo in part}
    places, groups = _places(grid, grid.layout.x)
    values = sorted(set(places.values())) if grid.layout.x else []
    shade_of = {value: place / max(1, len(values) - 1) for place, value in enumerate(values)}
    keys = _keys(history)
    table = history.assign(facet=[facet_of[key] for key in keys], series=[grid.looks[key].text for key in keys],
                           cell=[str(grid.cells[key]) for key in keys],
                           shade=[shade_of.get(places[key], np.nan) for key in keys])  # fmt: skip
    texts = groups if groups and grid.layout.x else [f"{value:g}" for value in values]
    names = dict(zip(shade_of.values(), texts, strict=True))
    return Courses(table, course, names, _xlabel(grid.study, grid.layout.x))
