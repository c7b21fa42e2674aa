"""Figures of kind = spectrum: the spectra, and exponent, dimension and entropy against the options."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from randomnet import plotting, results
from randomnet.comparison import combo_texts
from randomnet.comparison.spread import spread_table
from randomnet.comparison.study import ABSENT, Combo, ComboGroup, Study, canonical
from randomnet.figures.option_dependence import numeric_options, option_dependence_figures, option_numbers
from randomnet.figures.runs import LAMBDA, Figures, arrays_by_iteration, arrays_of, combo_series, figure_stem
from randomnet.plotting import Panel, Series
from randomnet.plotting.option_dependence import STATES_SUFFIX
from randomnet.plotting.style import TOO_SHORT

PANELS = (
    Panel("lambda_max", LAMBDA, zero=True, error="lambda_max_stderr"),
    Panel("D_KY", "Kaplan-Yorke dimension\nD$_\\mathrm{KY}$", error="D_KY_stderr",
          ends=("D_KY_low", "D_KY_high"), least=0.0),
    Panel("h_KS", "entropy rate\nh$_\\mathrm{KS}$ (1/τ)", bound="h_KS_lower_bound",
          bound_text="lower bound (partial spectrum)", error="h_KS_stderr",
          ends=("h_KS_low", "h_KS_high"), least=0.0),
)  # fmt: skip
Pairs = Sequence[tuple[Series, Combo]]
Key = tuple[Mapping[float, str], Mapping[int, str]]  # what each shade and what each dash means


def dynamics_dots(study: Study, ylabel: str | None) -> Figures:
    """Largest exponent, dimension and entropy rate by label and against every gridded option, with those of every
    initial state where runs have several."""
    yield from option_dependence_figures(replace(study, runs=_with_states(study)), "dynamics", PANELS)


def _with_states(study: Study) -> pd.DataFrame:
    """The runs, with the values of each one's initial states (an array, or an empty one) in columns of their own."""
    if not (study.runs["initial_states"].astype(float) > 1).any():
        return study.runs
    names = [f"{panel.column}{STATES_SUFFIX}" for panel in PANELS]
    values = {(combo.label, combo.number, iteration): [arrays.get(name, np.empty(0)) for name in names]
              for combo in study.combos for iteration, arrays in arrays_by_iteration(combo)}  # fmt: skip
    keys = zip(*(study.runs[name] for name in ("label", "number", "iteration")), strict=True)
    rows = [values.get(key, [np.empty(0)] * len(names)) for key in keys]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return study.runs.assign(**columns)


def spread_of_combos(study: Study) -> pd.DataFrame:
    """A row per combo: the largest exponent, the error of one trajectory, and the spread over the combo's runs."""
    return spread_table(study.runs, ["label", "combo", "own"])


def spectrum_figures(study: Study, ylabel: str | None) -> Figures:
    """Spectra: all values of each numeric option in one figure; where there is no such option, a figure per combo."""
    options = numeric_options(study, study.combos)
    for option in options:
        for group in _groups_without(study, option):
            pairs, key = _shaded(study, group.combos, option)
            yield from _spectra(study, figure_stem(f"spectra_by_{option}", group), group, pairs, key)
    for group in [] if options else study.groups:
        looks = combo_series(study, group)
        pairs = [(looks[combo.label, combo.number], combo) for combo in group.combos]
        yield from _spectra(study, figure_stem("spectra", group), group, pairs)


def _groups_without(study: Study, option: str) -> Iterator[ComboGroup]:
    """The combos that agree in all shared options but this one."""
    rest = [name for name in study.shared if name != option]
    groups: dict[tuple, list[Combo]] = {}
    for combo in (combo for combo in study.combos if combo.get(option) is not ABSENT):
        groups.setdefault(tuple(canonical(combo.values.get(name)) for name in rest), []).append(combo)
    for combos in groups.values():
        yield ComboGroup(combo_texts.combo_text(combos[0], rest), combo_texts.title_text(combos, rest), combos)


def _shaded(study: Study, combos: Sequence[Combo], option: str) -> tuple[Pairs, Key]:
    """A shade for each value of the option and a dash for whatever else tells the combos apart; and what they mean."""
    numbers = option_numbers(combos, option)
    places = {value: place / max(1, len(numbers) - 1) for place, value in enumerate(numbers)}
    shades = {places[value]: f"{option} = {name}" for value, name in combo_texts.value_names(combos, option).items()}
    ways: dict[str, int] = {}
    found = []
    for combo in sorted(combos, key=lambda combo: places[canonical(combo.get(option))]):
        shade = places[canonical(combo.get(option))]
        own = combo_texts.unshared_text(combo, [*study.shared, option])
        way = combo_texts.legend_text(combo.label, [combo.connectome], own)
        dash = ways.setdefault(way, len(ways))
        found.append((Series(f"{way}, {shades[shade]}", dash=dash, shade=shade), combo))
    return found, (shades, {dash: way for way, dash in ways.items()})


def _spectra(study: Study, stem: str, group: ComboGroup, pairs: Pairs, key: Key | None = None) -> Figures:
    found = {}
    for one, combo in pairs:
        runs = [run for run in arrays_of(combo) if "exponents" in run and run["exponents"].ndim == 1]
        runs = [run for run in runs if run["exponents"].size]
        if runs:
            found[one.text] = [(run["exponents"], run.get("stderr", np.full(run["exponents"].shape, np.nan)),
                                run.get("state_initial", run["exponents"]).size) for run in runs]  # fmt: skip
    if found:
        whose = list(key[1].values()) if key and len(key[1]) == 1 else []  # one dash is not in the legend
        said = [combo_texts.task_text(group.combos), *whose, group.title, _lacking(study, group.combos, "runs ")]
        marks = _marks(study, pairs, key)
        key = key and ({shade: f"{text}{marks[shade]}" for shade, text in key[0].items()}, key[1])
        series = [one for one, _ in pairs if one.text in found]
        notes = {} if key else {one.text: marks[one.text] for one in series}
        yield stem, plotting.spectra({"": found}, {}, series, ", ".join(filter(None, said)), key, notes)


def _marks(study: Study, pairs: Pairs, key: Key | None) -> dict[float | str | None, str]:
    """What to say after the legend text of each shade, or of each series where there are no shades."""
    sets: dict[float | str | None, list[Combo]] = {}
    for one, combo in pairs:
        sets.setdefault(one.shade if key else one.text, []).append(combo)
    said = {name: _lacking(study, combos) for name, combos in sets.items()}
    return {name: f" ({text})" if text else "" for name, text in said.items()}


def _lacking(study: Study, combos: Sequence[Combo], what: str = "") -> str:
    """How many of the runs of these combos did not converge or were too short, and how many are left out."""
    keys = {(combo.label, combo.number) for combo in combos}
    runs = study.runs[[key in keys for key in zip(study.runs["label"], study.runs["number"], strict=True)]]
    known = runs[~runs["status"].isin(results.LEFT_OUT) & runs["converged"].notna()]
    short = known["verdict"] == TOO_SHORT if "verdict" in known else known["converged"].isna()
    counts = {"not converged": int(((known["converged"] == 0) & ~short).sum()), TOO_SHORT: int(short.sum())}
    said = [f"{count} of {len(known)} {what}{text}" for text, count in counts.items() if count]
    lost = {status: int((runs["status"] == status).sum()) for status in results.LEFT_OUT}
    said += [f"{count} {status}, left out" for status, count in lost.items() if count]
    return ", ".join(text.replace(" ", "\u00a0") for text in said)
