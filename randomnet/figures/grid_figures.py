"""Figures of a whole grid: quantities of all runs over one option, in colours and panels, and courses of training.

grid_figures   the pages of a figure; no mean is over runs that differ in an option, unless the user pools it
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from randomnet import plotting, results
from randomnet.comparison import combo_texts, hypothesis_tests, verdicts
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.network_identity import FIXED, origin, source_of_variation
from randomnet.comparison.study import REFERENCE_VALUES, Combo, Study, canonical
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
from randomnet.figures.option_words import option_label, option_words, short_name
from randomnet.figures.runs import Figures, ended_runs, say
from randomnet.plotting import Courses, Facet, Panel, Series
from randomnet.plotting.run_marks import HOLLOW_SUFFIX

MOST_PANELS, MOST_COLUMNS = 12, 4  # of a page
Key = tuple[str, int]  # label and number of a combo


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
    layout = grid_layout(study)
    looks = series_of_combos(study, layout)
    runs = ended_runs(study, looks)
    panels = [panel for panel in panels if panel.column in runs and _has_values(runs[panel.column])]
    if not panels and (history is None or history.empty):
        return
    cells = cell_keys(study.combos, layout, dimensions(study))
    runs = _with_doubts(runs, panels)
    sets = facet_sets(study.combos, layout)
    parts = [part for _, part in sets]
    tables, facets = [], []
    for place, (option, combos) in enumerate(sets):
        table, facet = _facet(study, layout, option, combos, runs, cells, labels or {})
        tables.append(table.assign(facet=place))
        crossing = {looks[key].text: crossings[key] for combo in combos
                    if crossings and (key := (combo.label, combo.number)) in crossings}  # fmt: skip
        facets.append(replace(facet, crossings=crossing, notes={panel.column: _left_out_text(panel.column, table) for panel in panels}))
    table = pd.concat(tables, ignore_index=True) if tables else runs
    title = _title(study, layout, note)
    series = list(dict.fromkeys(looks.values()))
    courses = _courses(study, layout, parts, history, looks, cells, course)
    pages = _pages(len(facets), len(panels) + (courses is not None), _columns(study, layout, len(facets)))
    for number, (first, last) in enumerate(pages):
        page = table[(table["facet"] >= first) & (table["facet"] < last)]
        page = page.assign(facet=page["facet"] - first)
        some = courses and courses.of_facets(first, last)
        page_title = f"{title}, page {number + 1} of {len(pages)}" if len(pages) > 1 else title
        figure = plotting.grid_panels(
            page, panels, series, facets[first:last], mean_interval, _columns(study, layout, len(facets)), page_title,
            _over(runs, cells), some,
        )  # fmt: skip
        yield f"{stem}_{number + 1}" if number else stem, figure
    if len(pages) > 1:
        total = len(facets) * (len(panels) + (courses is not None))
        say(f"{stem}: {total} panels on {len(pages)} pages; --panels, --colour, --x and --filter choose others")


def _has_values(column: pd.Series) -> bool:
    return bool(np.isfinite(column.astype(float)).any())


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
    study: Study, layout: GridLayout, option: str, combos: Sequence[Combo], runs: pd.DataFrame,
    cells: Mapping[Key, tuple], labels: Mapping[str, Mapping[str, str]],
) -> tuple[pd.DataFrame, Facet]:  # fmt: skip
    """The runs of a set of panels with their x and cell, and what its panels are called."""
    places, groups = _places(study, option, layout)
    keys = {(combo.label, combo.number) for combo in combos}
    table = runs[[key in keys for key in _keys(runs)]]
    table = table.assign(x=[places[key] for key in _keys(table)], cell=[str(cells[key]) for key in _keys(table)])
    own = {column: by_loss[combos[0].loss] for column, by_loss in labels.items() if combos[0].loss in by_loss}
    values = () if groups else tuple(sorted(set(places.values())))
    return table, Facet(
        title=", ".join(_texts_of(study, combos[0], layout.facets)),
        xlabel=option_label(study.combos, option, _are_percent(study.combos, option)) if option else "",
        groups=tuple(groups),
        averaged=not layout.sampled,
        labels=own,
        values=values,
        log_x=needs_log(values),
        starts=_cells_of_starts(table),
        pairs=_pairs(study, layout, table),
    )


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


def _are_percent(combos: Sequence[Combo], option: str) -> bool:
    return option != LABEL and any(isinstance(key, tuple) for key in option_numbers(combos, option))


def _keys(runs: pd.DataFrame) -> list[Key]:
    return list(zip(runs["label"], runs["number"], strict=True))


def _places(study: Study, option: str, layout: GridLayout) -> tuple[dict[Key, float], list[str]]:
    """Place of each combo on the x axis, and the names of the places unless these are numbers."""
    combos = study.combos
    if not option:
        looks = series_of_combos(study, layout)
        order = list(dict.fromkeys(looks.values()))
        return {key: float(order.index(look)) for key, look in looks.items()}, [look.text for look in order]
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


def _cells_of_starts(table: pd.DataFrame) -> frozenset[str]:
    """The cells whose runs are starts of one network, so that their interval is not over networks."""
    return frozenset(cell for cell, runs in table.groupby("cell") if len(runs) > 1 and origin(runs) == FIXED)


def _over(runs: pd.DataFrame, cells: Mapping[Key, tuple]) -> str:
    """What the runs of a cell differ in, for the legend; those of starts are named apart."""
    averaged = runs[~runs["status"].isin(results.LEFT_OUT)]
    groups = averaged.groupby([str(cells[key]) for key in _keys(averaged)])
    sources = {source_of_variation(part) for _, part in groups if len(part) > 1 and origin(part) != FIXED}
    return sources.pop() if len(sources) == 1 else "iterations" if sources else ""


def _pairs(study: Study, layout: GridLayout, table: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Pairs of series whose runs of equal iterations are pairs in every cell that both have, as tests.csv has them."""
    if layout.pooled or layout.sampled:
        return ()
    members: dict[str, Combo] = {}
    combos = {(combo.label, combo.number): combo for combo in study.combos}
    for row in table[["series", "label", "number"]].itertuples():
        members.setdefault(row.series, combos[row.label, row.number])
    texts = list(members)
    return tuple((first, second) for first, second in pairwise(texts)
                 if _are_compared(members[first], members[second], layout)
                 and _are_pairs(table[table["series"] == first], table[table["series"] == second]))  # fmt: skip


def _are_compared(first: Combo, second: Combo, layout: GridLayout) -> bool:
    """Whether they differ in the folder alone, of equal seeds, or in one control of which one has the reference."""
    differing = [name for name in layout.series if value_of(first, name) != value_of(second, name)]
    if len(differing) != 1:
        return False
    if differing[0] == LABEL:
        return first.loaded.manifest.get("seed") == second.loaded.manifest.get("seed") is not None
    reference = REFERENCE_VALUES.get(short_name(differing[0]), None)
    values = (value_of(first, differing[0]), value_of(second, differing[0]))
    return reference is not None and canonical(reference) in values


def _are_pairs(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    common = sorted({*first["x"]} & {*second["x"]}) or [None]
    sides = [(first, second) if x is None else (first[first["x"] == x], second[second["x"] == x]) for x in common]
    designs = {hypothesis_tests.comparison_design(a, b) for a, b in sides}
    return designs <= {hypothesis_tests.PAIRS, hypothesis_tests.STARTS}


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


def _courses(
    study: Study, layout: GridLayout, parts: Sequence[Sequence[Combo]], history: pd.DataFrame | None,
    looks: Mapping[Key, Series], cells: Mapping[Key, tuple], course: Panel | None,
) -> Courses | None:  # fmt: skip
    """The courses of all runs with their facet, cell, series and shade; None if there are none."""
    if history is None or history.empty or course is None or layout.sampled:
        return None
    place_of = {(combo.label, combo.number): place for place, part in enumerate(parts) for combo in part}
    places, groups = _places(study, layout.x, layout)
    values = sorted(set(places.values())) if layout.x else []
    keys = _keys(history)
    shades = [values.index(places[key]) / max(1, len(values) - 1) if values else np.nan for key in keys]
    table = history.assign(facet=[place_of[key] for key in keys], series=[looks[key].text for key in keys],
                           cell=[str(cells[key]) for key in keys], shade=shades)  # fmt: skip
    names: Any = {}
    if layout.x:
        texts = groups or [f"{value:g}" for value in values]
        names = {place / max(1, len(values) - 1): text for place, text in enumerate(texts)}
    label = option_label(study.combos, layout.x, _are_percent(study.combos, layout.x)) if layout.x else ""
    return Courses(table, course, names, label)
