"""Which option of a grid is on the x axis, which are colours, and which are panels.

grid_layout       the layout of a study, by itself or as the user asks
dimensions        what may be laid out: options that vary, and the results folder if there are several
varied_options    gridded options with several values
sampled_options   those that were sampled at random
option_numbers    values of an option as numbers, if they all are
value_of          a combo's value of an option or folder

Nothing is averaged over an option unless the user names it (`pool`): a cell is one combo, or the combos that differ in
pooled options alone.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from randomnet.comparison import combo_texts
from randomnet.comparison.controls import option_values
from randomnet.comparison.study import (
    ABSENT,
    LOSS,
    REFERENCE_VALUES,
    TASK,
    Arrangement,
    Combo,
    ComboGroup,
    Study,
    canonical,
    distinct_values,
    same_option,
)
from randomnet.figures.option_words import LABEL, short_name
from randomnet.settings import ConfigError, nearest

MOST_SERIES = 8  # of one figure, that colours can distinguish
NOT_SET = "not set"
QUANTITIES = (LOSS, TASK)  # options whose values measure different things


class GridLayout(NamedTuple):
    """The place of every dimension of a grid in its figures.

    x: option on the x axis; empty if the series are side by side. series: dimensions in colours and markers. facets:
    those of panels, of which the last varies from column to column. pooled: options over which means are taken.
    sampled: options with random values, each of which has the x axis of panels of its own.
    """

    x: str
    series: tuple[str, ...]
    facets: tuple[str, ...]
    pooled: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()


def varied_options(study: Study, combos: Sequence[Combo]) -> list[str]:
    """Gridded options whose values differ among these combos."""
    return [option for option in study.varied if len(distinct_values(combos, option)) > 1]


def sampled_options(study: Study, groups: Sequence[ComboGroup]) -> list[str]:
    """Options of which no two values have the other options in common, as in random samples, where there are many."""
    combos = [combo for group in groups for combo in group.combos]
    options = varied_options(study, combos)
    alone = []
    for option in options:
        others = [other for other in options if other != option]
        sets = {option_values(combo, others) for combo in combos}
        if len(sets) > MOST_SERIES and len(sets) == len({option_values(combo, options) for combo in combos}):
            alone.append(option)
    return alone if len(alone) > 1 else []


def option_numbers(combos: Sequence[Combo], option: str) -> dict[Any, float]:
    """Values of an option as numbers, by canonical value; empty unless all are numbers, or all percentages.

    Numbers of combos are names, and count as no numbers.
    """
    if combo_texts.counts_combos(option):
        return {}
    keys = {canonical(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
    percentages = {key: key[1] for key in keys if isinstance(key, tuple)}
    numbers = percentages if len(percentages) == len(keys) else {key: key for key in keys if isinstance(key, float)}
    numbers = {key: number for key, number in numbers.items() if np.isfinite(number)}
    return dict(sorted(numbers.items(), key=lambda item: item[1])) if len(numbers) == len(keys) else {}


def numeric_options(study: Study, combos: Sequence[Combo]) -> list[str]:
    """Gridded options with several values that are all numbers."""
    return [option for option in varied_options(study, combos) if option_numbers(combos, option)]


def value_of(combo: Combo, dimension: str) -> Any:
    """A combo's canonical value of an option, or the label of its folder; NOT_SET if it has no such option."""
    if dimension == LABEL:
        return combo.label
    value = combo.get(dimension)
    return NOT_SET if value is ABSENT else canonical(value)


def value_texts(combos: Sequence[Combo], dimension: str) -> dict[Any, str]:
    """Texts of a dimension's values, by value, in their order."""
    if dimension == LABEL:
        return {label: label for label in dict.fromkeys(combo.label for combo in combos)}
    texts = dict(combo_texts.value_names(combos, dimension))
    return texts | {NOT_SET: NOT_SET} if any(combo.get(dimension) is ABSENT for combo in combos) else texts


def dimensions(study: Study) -> list[str]:
    """LABEL if there are several folders with combos, then the options that vary, and quantities that folders vary."""
    combos = study.combos
    several = len({combo.label for combo in combos}) > 1
    quantities = [name for name in QUANTITIES if not any(same_option(name, option) for option in study.varied)]
    options = (*study.varied, *quantities)
    return [*[LABEL] * several, *(name for name in options if len({value_of(combo, name) for combo in combos}) > 1)]


def grid_layout(study: Study) -> GridLayout:
    """The layout that the study's arrangement asks for; the rest is chosen. Raises ConfigError for what cannot be."""
    combos, asked = study.combos, _resolved(study)
    pooled = tuple(asked.pool)
    free = [name for name in dimensions(study) if name not in pooled]
    sampled = tuple(name for name in sampled_options(study, study.groups) if name in free)
    if sampled:
        sampled = (asked.x,) if asked.x in sampled else sampled
        free = [name for name in free if name in sampled or name not in sampled_options(study, study.groups)]
        series = _series(combos, asked, [name for name in free if name not in sampled], "")
        facets = tuple(name for name in free if name not in (*sampled, *series))
        return GridLayout("", series, facets, pooled, sampled)
    x = asked.x or _x(combos, [name for name in free if name not in (asked.colour, asked.panels)])
    series = _series(combos, asked, [name for name in free if name != x], x)
    rest = [name for name in free if name not in (x, *series)]
    rest = [*(name for name in rest if name != asked.panels), *[asked.panels] * (asked.panels in rest)]
    if not asked.panels and rest:  # the first is for the columns
        rest = [*rest[1:], rest[0]]
    return GridLayout(x, series, tuple(_needed(combos, rest, (x, *series) if x else series)), pooled)


def _needed(combos: Sequence[Combo], rest: Iterable[str], placed: Sequence[str]) -> list[str]:
    """The dimensions that the ones before them do not determine, as zipped axes do; quantities have panels anyway."""
    needed: list[str] = []
    for name in rest:
        others = needed if _is_quantity(name) else (*placed, *needed)
        before = [tuple(value_of(combo, other) for other in others) for combo in combos]
        if len(set(zip(before, (value_of(combo, name) for combo in combos), strict=True))) > len(set(before)):
            needed.append(name)
    return needed


def _x(combos: Sequence[Combo], free: Sequence[str]) -> str:
    """The numeric option with most values, else another option with most; a control only beside several folders."""
    options = [name for name in free if name != LABEL and not _is_quantity(name)]
    count = {name: len({value_of(combo, name) for combo in combos}) for name in options}
    numeric = [name for name in options if _is_numeric(combos, name)]
    controls = [name for name in options if short_name(name) in REFERENCE_VALUES]
    others = [name for name in options if name not in controls]
    candidates = numeric or (others if len(others) > 1 or controls or LABEL in free else [])
    candidates = candidates or (controls if LABEL in free else [])
    return max(candidates, key=count.__getitem__, default="")


def _is_numeric(combos: Sequence[Combo], option: str) -> bool:
    return all(combo.get(option) is not ABSENT for combo in combos) and bool(option_numbers(combos, option))


def _is_quantity(option: str) -> bool:
    return any(same_option(option, name) for name in QUANTITIES)


def _series(combos: Sequence[Combo], asked: Arrangement, free: Sequence[str], x: str) -> tuple[str, ...]:
    """Folder and control, as far as colours can distinguish them; without these the next option."""
    if asked.colour:
        return (asked.colour,)
    free = [name for name in free if name not in (asked.panels, x)]
    chosen: tuple[str, ...] = ()
    for name in (name for name in free if name == LABEL or short_name(name) in REFERENCE_VALUES):
        values = {tuple(value_of(combo, other) for other in (*chosen, name)) for combo in combos}
        if len(values) <= MOST_SERIES:
            chosen = (*chosen, name)
    others = [name for name in free if not _is_quantity(name)]
    few = [name for name in others if len({value_of(combo, name) for combo in combos}) <= MOST_SERIES]
    return chosen or tuple(few[:1])


def _resolved(study: Study) -> Arrangement:
    """The arrangement with the full names of its options. Raises ConfigError for one that does not vary here."""
    asked = study.arrangement
    names = dimensions(study)
    x, colour, panels = (
        _dimension(names, flag, name) if name else ""
        for flag, name in (("--x", asked.x), ("--colour", asked.colour), ("--panels", asked.panels))
    )
    pool = tuple(_dimension([name for name in names if name != LABEL], "--pool", name) for name in asked.pool)
    for name in pool:
        if _is_quantity(name):
            raise ConfigError(f"--pool {short_name(name)}: its values measure different quantities, which have no mean")
    flags: dict[str, str] = {}
    for flag, name in (("--x", x), ("--colour", colour), ("--panels", panels), *(("--pool", name) for name in pool)):
        if name in flags:
            raise ConfigError(f"{flag}: {short_name(name)} already has a place, by {flags[name]}")
        flags |= {name: flag} if name else {}
    return Arrangement(x, colour, panels, pool)


def _dimension(names: Sequence[str], flag: str, asked: str) -> str:
    """The dimension that a user names, in full or without its section."""
    matches = [name for name in names if name == asked] or [name for name in names if same_option(name, asked)]
    if len(matches) == 1:
        return matches[0]
    shown = [short_name(name) for name in names]
    if matches:
        raise ConfigError(f"{flag}: expected a unique option, got {asked!r}, which is {' or '.join(matches)}")
    available = f"of {', '.join(shown)}" if shown else "that varies (none does here)"
    raise ConfigError(f"{flag}: expected an option {available}, got {asked!r}{nearest(asked, shown)}")


def cell_keys(combos: Sequence[Combo], layout: GridLayout, varied: Sequence[str]) -> dict[tuple[str, int], tuple]:
    """The cell of each combo, by (label, number): one combo each, or those that differ in pooled options alone."""
    if not layout.pooled:
        return {(combo.label, combo.number): (combo.label, combo.number) for combo in combos}
    kept = [name for name in varied if name not in layout.pooled]
    return {(combo.label, combo.number): (combo.label, *(value_of(combo, name) for name in kept)) for combo in combos}
