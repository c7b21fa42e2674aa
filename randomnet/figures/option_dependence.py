"""Values against the gridded options of a study.

option_numbers            values of an option as numbers, if they all are
option_label              an option's name with its unit
series_by_other_options   combos by label and by all options but one, a series per set
log_log_figure            values against one numeric option on log axes, a dot per run
option_dependence_figures values by label and against every option, pooled over the others
by_option                 a dot plot per option, and of random samples values against each option
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.network_identity import RUNS, source_of_variation
from randomnet.comparison.study import ABSENT, REFERENCE_VALUES, Combo, ComboGroup, Study, canonical
from randomnet.figures.pooling import dot_plots_by_option, pooling_title, sampled_options, varied_options
from randomnet.figures.runs import Figures, ended_runs, label_series
from randomnet.plotting import Panel, Series
from randomnet.results import LEFT_OUT

TIMES = ("tsim", "tons", "transient", "frame_transient", "dt")


def option_numbers(combos: Sequence[Combo], option: str) -> dict[Any, float]:
    """Values of an option as numbers, by canonical value; empty unless all are numbers, or all percentages."""
    keys = {canonical(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
    percentages = {key: key[1] for key in keys if isinstance(key, tuple)}
    numbers = percentages if len(percentages) == len(keys) else {key: key for key in keys if isinstance(key, float)}
    numbers = {key: number for key, number in numbers.items() if np.isfinite(number)}
    return dict(sorted(numbers.items(), key=lambda item: item[1])) if len(numbers) == len(keys) else {}


def numeric_options(study: Study, combos: Sequence[Combo]) -> list[str]:
    """Gridded options with several values that are all numbers."""
    return [option for option in varied_options(study, combos) if option_numbers(combos, option)]


def option_label(combos: Sequence[Combo], option: str) -> str:
    """An option's name with its unit, if it has one."""
    if any(isinstance(key, tuple) for key in option_numbers(combos, option)):
        return f"{option} (%)"
    return f"{option} ({time_unit(combos)})" if option.split(".")[-1] in TIMES else option


def time_unit(combos: Sequence[Combo]) -> str:
    """Unit of times in the experiments' settings; τ if they do not state one, or differ."""
    units = {str(unit) for combo in combos if (unit := combo.get("dynamics.time_unit")) is not ABSENT}
    return units.pop() if len(units) == 1 else "τ"


def series_by_other_options(study: Study, option: str) -> list[tuple[Series, list[Combo]]]:
    """Combos by label and by the values of all gridded options but this one, each set with its series."""
    other_options = [name for name in varied_options(study, study.combos) if name != option]
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault((combo.label, *(canonical(combo.get(name)) for name in other_options)), []).append(combo)
    labels = {combo.label for combo in study.combos}
    series = []
    for index, combos in enumerate(sets.values()):
        first = combos[0]
        values = ", ".join(f"{name} = {combo_texts.value_text(first, name)}" for name in other_options
                           if first.get(name) is not ABSENT)  # fmt: skip
        connectomes = [combo.connectome for combo in combos]
        text = values if values and len(labels) == 1 else combo_texts.legend_text(first.label, connectomes, values)
        series.append((Series(text, index), combos))
    return series


def option_dependence_figures(study: Study, stem: str, panels: Sequence[Panel]) -> Figures:
    """Values by label, and against every gridded option, pooled over the others; colours are labels.

    A network and its null models are never pooled: if the null is varied, each null has its own colour.
    """
    options = varied_options(study, study.combos)
    nulls = [option for option in options if option.split(".")[-1] in REFERENCE_VALUES]
    looks = _looks_by_null(study, nulls)
    if len(set(looks.values())) > 1 or not options:
        title = pooling_title(study.combos, [name for name in options if name not in nulls])
        yield from _figure(study, f"{stem}_by_label", None, panels, looks, title)
    for option in options:
        other_nulls = [name for name in nulls if name != option]
        title = pooling_title(study.combos, [name for name in options if name not in (option, *other_nulls)])
        yield from _figure(study, f"{stem}_by_{option}", option, panels, _looks_by_null(study, other_nulls), title)


def by_option(
    study: Study, groups: Sequence[ComboGroup], stem: str, panels: Sequence[Panel], note: str = "", boxes: bool = False
) -> Figures:
    """Runs by label and by every option: dot plots where values share the other options, else pooled over these.

    Of random samples each has values of its own; a figure per sample would show one point.
    """
    sampled = sampled_options(study, groups)
    yield from dot_plots_by_option(study, groups, stem, panels, note, boxes, sampled)
    looks = _label_looks(study)
    for option in sampled:
        others = [name for name in varied_options(study, study.combos) if name != option]
        title = pooling_title(study.combos, others, note)
        yield from _figure(study, f"{stem}_by_{option}", option, panels, looks, title)


def _label_looks(study: Study) -> dict[tuple[str, int], Series]:
    """The series of each combo, by its label."""
    series = label_series(study, study.combos)
    return {(combo.label, combo.number): series[combo.label] for combo in study.combos}


def _looks_by_null(study: Study, nulls: Sequence[str]) -> dict[tuple[str, int], Series]:
    """The series of each combo, by label and by the values of these options."""
    if not nulls:
        return _label_looks(study)
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault((combo.label, *(canonical(combo.get(name)) for name in nulls)), []).append(combo)
    looks: dict[Any, Any] = {}
    for number, combos in enumerate(sets.values()):
        first = combos[0]
        values = ", ".join(f"{name} = {first.get(name)}" for name in nulls if first.get(name) is not ABSENT)
        text = combo_texts.legend_text(first.label, [], values)
        looks |= {(combo.label, combo.number): Series(text, number) for combo in combos}
    return looks


def log_log_figure(study: Study, stem: str, option: str, panels: Sequence[Panel], title: str) -> Figures:
    """Values against one numeric option on log axes; each label and each value of the other options has a colour."""
    sets = series_by_other_options(study, option)
    looks = {(combo.label, combo.number): series for series, combos in sets for combo in combos}
    yield from _figure(study, f"{stem}_by_{option}", option, panels, looks, title, logarithmic=True)


def _figure(
    study: Study, stem: str, option: str | None, panels: Sequence[Panel], looks: dict[tuple[str, int], Series],
    title: str, logarithmic: bool = False,
) -> Figures:  # fmt: skip
    """The figure of the panels that have any value; none if no panel has one."""
    runs = ended_runs(study, looks)
    drawn = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
    if not drawn:
        return
    series = list(dict.fromkeys(looks.values()))
    places, groups = _places(study.combos, option, series, looks)
    runs = runs.assign(x=[places.get(key, np.nan) for key in zip(runs["label"], runs["number"], strict=True)])
    xlabel = option_label(study.combos, option) if option else ""
    figure = plotting.option_dependence(runs[runs["x"].notna()], drawn, series, mean_interval, xlabel=xlabel,
                                        title=title, groups=groups, logarithmic=logarithmic,
                                        over=_variation(runs))  # fmt: skip
    yield stem, figure


def _variation(runs: pd.DataFrame) -> str:
    """What the runs of a combo differ in, if that is the same for all combos; else RUNS."""
    averaged = runs[~runs["status"].isin(LEFT_OUT)]
    sources = {source_of_variation(part) for _, part in averaged.groupby(["label", "number"]) if len(part) > 1}
    return sources.pop() if len(sources) == 1 else RUNS


def _places(
    combos: Sequence[Combo], option: str | None, series: Sequence[Series], looks: dict[tuple[str, int], Series]
) -> tuple[dict[tuple[str, int], float], list[str]]:
    """Place of each combo on the x axis, and the names of the places unless these are numbers."""
    if option is None:
        return {key: float(series.index(look)) for key, look in looks.items()}, [look.text for look in series]
    numbers = option_numbers(combos, option)
    names = combo_texts.value_names(combos, option)
    order = numbers or {key: float(place) for place, key in enumerate(names)}
    places = {(combo.label, combo.number): order.get(canonical(combo.get(option)), np.nan) for combo in combos}
    return places, [] if numbers else list(names.values())
