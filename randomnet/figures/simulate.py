"""Figures of kind = simulate: rates over time, rates and bumps against options, and heat maps over two options."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from randomnet import plotting, results
from randomnet.comparison import combo_texts
from randomnet.comparison.study import Combo, Study, canonical
from randomnet.figures.example_networks import example_networks
from randomnet.figures.grid_figures import grid_figures
from randomnet.figures.grid_layout import option_numbers, varied_options
from randomnet.figures.option_words import option_label, time_unit
from randomnet.figures.runs import Figures
from randomnet.plotting import Activity, BumpCourse, HeatMap, Panel, PhasePlane, Stimulus
from randomnet.plotting.style import escape_dollars

RATE, THEORY = "rate_", "theory_"  # prefixes of columns of the summary, one column per population
MOST_RATES = 3  # populations in a figure of rates
MOST_MAPS = 9  # populations in a figure of heat maps, at most


def activity_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, _, arrays in example_networks(study, "activity", "rates"):
        yield stem, plotting.activity(_activity(arrays), title)


def plane_figures(study: Study, ylabel: str | None) -> Figures:
    """Trajectories of each of the first networks whose initial states form a grid in a plane."""
    for stem, title, _, arrays in example_networks(study, "plane", "plane_overlaps"):
        names: Any = tuple(map(str, arrays["plane"]))
        parts = arrays["initial_overlaps"], arrays["plane_overlaps"], names, arrays["times"], str(arrays["time_unit"])
        yield stem, plotting.phase_plane(PhasePlane(*parts, events=len(arrays.get("event_onset", ()))), title)


def rate_dots(study: Study, ylabel: str | None) -> Figures:
    """Mean rates with those of mean-field theory, where there are too many populations for the overview."""
    panels = _rate_panels(study)
    for start in range(MOST_RATES, len(panels), MOST_RATES) if len(panels) > MOST_RATES else ():
        yield from grid_figures(study, f"rates_{start // MOST_RATES + 1}", panels[start : start + MOST_RATES])


def simulated(study: Study, ylabel: str | None) -> list[Panel]:
    """The quantities of the overview: rates of the first populations, and the bump if it was decoded."""
    return [*_rate_panels(study)[:MOST_RATES], *_bumps(study, study.combos)]


def _rate_panels(study: Study) -> list[Panel]:
    return [
        Panel(name, f"rate of {escape_dollars(name.removeprefix(RATE))}\n({_unit(study.combos)})",
              reference=name.replace(RATE, THEORY, 1), texts=("simulated", "mean-field theory"), quantity="rate")
        for name in _rates(study)
    ]  # fmt: skip


def map_figures(study: Study, ylabel: str | None) -> Figures:
    """Rates and bump over two numeric options, for each label that varies two; means over iterations.

    Each set of values of the non-numeric options has a figure.
    """
    for label in dict.fromkeys(combo.label for combo in study.combos):
        combos = [combo for combo in study.combos if combo.label == label]
        options = varied_options(study, combos)
        axes = [option for option in options if option_numbers(combos, option)]
        if len(axes) == 2:
            other_options = [option for option in options if option not in axes]
            for values, members in _by_values(combos, other_options).items():
                yield from _maps(study, members, axes, [f"{option}={value}" for option, value in values])


def _by_values(combos: Sequence[Combo], options: Sequence[str]) -> dict[tuple, list[Combo]]:
    """The combos by their (option, value) pairs of these options."""
    sets: dict[tuple, list[Combo]] = {}
    for combo in combos:
        sets.setdefault(tuple((option, str(combo.get(option))) for option in options), []).append(combo)
    return sets


def _maps(study: Study, combos: Sequence[Combo], axes: Sequence[str], values: Sequence[str]) -> Figures:
    x, y = (option_numbers(combos, option) for option in axes)
    rates = [(name, f"rate of {escape_dollars(name.removeprefix(RATE))} ({_unit(combos)})") for name in _rates(study)]
    bumps = [(panel.column, panel.label.replace("\n", " ")) for panel in _bumps(study, combos)]
    label = combos[0].label
    several_labels = len({combo.label for combo in study.combos}) > 1
    iterations = study.runs.loc[study.runs["label"] == label, "iteration"].nunique()
    notes = [*values, *[f"means over {iterations} iterations"] * (iterations > 1)]
    text = combo_texts.legend_text(label, [combo.connectome for combo in combos], ", ".join(notes))
    for stem_name, columns in (("maps", rates[:MOST_MAPS]), ("bump_maps", bumps)):
        maps = [HeatMap(title, _table(study, combos, axes, (x, y), name)) for name, title in columns]
        maps = [heat_map for heat_map in maps if np.isfinite(heat_map.values).any()]
        if maps:
            names = [combo_texts.value_names(combos, option) for option in axes]
            ticks_x, ticks_y = ([name[key] for key in order] for name, order in zip(names, (x, y), strict=True))
            label_x, label_y = (option_label(combos, option) for option in axes)
            stem = "_".join([stem_name, *[label] * several_labels, *values])
            yield stem, plotting.heat_map(maps, ticks_x, ticks_y, label_x, label_y, title=text)


def _table(
    study: Study, combos: Sequence[Combo], axes: Sequence[str], orders: Sequence[Mapping[Any, float]], name: str
) -> np.ndarray:
    """Mean over the complete runs for each pair of values, (Y, X); nan without one."""
    places = [{key: place for place, key in enumerate(order)} for order in orders]
    table = np.full((len(orders[1]), len(orders[0])), np.nan)
    for combo in combos:
        rows = study.runs[(study.runs["label"] == combo.label) & (study.runs["number"] == combo.number)]
        values = rows.loc[rows["status"] == results.COMPLETE, name].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if len(values):
            i, j = (place[canonical(combo.get(option))] for place, option in zip(places, axes, strict=True))
            table[j, i] = values.mean()
    return table


def _unit(combos: Sequence[Combo]) -> str:
    return escape_dollars(plotting.rate_unit(time_unit(combos)))


def _bumps(study: Study, combos: Sequence[Combo]) -> list[Panel]:
    """Panels of the bump over the whole record and, where the folder has it, in its last window."""
    panels = [
        Panel("bump_mean", f"bump mean\nM$_0$ ({_unit(combos)})"),
        Panel("bump_modulation", "bump modulation\nM$_1$ / M$_0$", least=0.0, quantity="modulation"),
        Panel("bump_modulation_end", "bump modulation at the end\nM$_1$ / M$_0$", least=0.0, quantity="modulation"),
    ]
    return [panel for panel in panels if panel.column in study.runs or not panel.column.endswith("_end")]


def _rates(study: Study) -> list[str]:
    """The rate columns, in the order in which the folders list their populations."""
    return [name for name in study.runs.columns if name.startswith(RATE)]


def _activity(arrays: Mapping[str, np.ndarray]) -> Activity:
    bump = None
    if "bump_phase" in arrays:
        bump = BumpCourse(arrays["bump_mean"], arrays["bump_amplitude"], arrays["bump_phase"])
    names = [str(name) for name in arrays["populations"]]
    unit = str(arrays.get("time_unit", "s"))
    rates, means = arrays["rates"], arrays.get("rates_mean")
    return Activity(arrays["times"], rates, arrays["population"], names, tuple(_stimuli(arrays)), bump, unit, means)


def _stimuli(arrays: Mapping[str, np.ndarray]) -> Iterator[Stimulus]:
    onsets = arrays.get("event_onset", np.zeros(0))
    texts = (arrays.get(name, np.full(len(onsets), "")) for name in ("event_population", "event_label"))
    for onset, offset, *parts in zip(onsets, arrays.get("event_offset", onsets), *texts, strict=True):
        yield Stimulus(float(onset), float(offset), ": ".join(filter(None, map(str, parts))))
