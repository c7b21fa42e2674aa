"""Figures of kind = spectrum: the spectra; exponent, dimension and entropy rate, and these per neuron, by option."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from randomnet import plotting, results
from randomnet.comparison import combo_texts
from randomnet.comparison.spread import spread_table
from randomnet.comparison.study import ABSENT, Combo, ComboGroup, Study, canonical
from randomnet.figures.grid_figures import grid_figures
from randomnet.figures.grid_layout import numeric_options, option_numbers
from randomnet.figures.overviews import fixed, overview_figures
from randomnet.figures.runs import (
    LAMBDA,
    Figures,
    arrays_by_iteration,
    arrays_of,
    combo_series,
    figure_stem,
    time_unit_of,
)
from randomnet.plotting import Panel, Series
from randomnet.plotting.run_marks import STATES_SUFFIX
from randomnet.plotting.style import TOO_SHORT

PANELS = (
    Panel("lambda_max", LAMBDA, zero=True, error="lambda_max_stderr", linear=True),
    Panel("D_KY", "Kaplan-Yorke dimension\nD$_\\mathrm{KY}$", error="D_KY_stderr",
          ends=("D_KY_low", "D_KY_high"), least=0.0, linear=True),
    Panel("h_KS", "entropy rate\nh$_\\mathrm{KS}$ (1/τ)", bound="h_KS_lower_bound",
          bound_text="lower bound (partial spectrum)", error="h_KS_stderr",
          ends=("h_KS_low", "h_KS_high"), least=0.0, linear=True),
)  # fmt: skip
PER_NEURON = "_per_neuron"
Pairs = Sequence[tuple[Series, Combo]]
Key = tuple[Mapping[float, str], Mapping[int, str]]  # legend texts of shades and of dashes


def dynamics_figures(
    study: Study, ylabel: str | None, crossings: Mapping[tuple[str, int], tuple[float, float, float]] | None = None
) -> Figures:
    """The overview: largest exponent, dimension and entropy rate.

    Runs with several initial states have small dots for these. crossings: as grid_figures has them.
    """
    unit = _time_unit(study.combos)
    panels = [replace(panel, label=panel.label.replace("τ", unit)) for panel in PANELS]
    yield from overview_figures(replace(study, runs=_with_states(study)), ylabel, fixed(*panels), crossings=crossings)


def extensive_figures(study: Study, ylabel: str | None) -> Figures:
    """Dimension and entropy rate per neuron, where networks differ in size; equal values mean extensive chaos."""
    neurons = study.runs["neurons"].astype(float)
    if neurons.dropna().nunique() < 2:
        return
    unit = _time_unit(study.combos)
    columns = {f"{name}{PER_NEURON}": study.runs[name].astype(float) / neurons for name in ("D_KY", "h_KS")}
    panels = (
        Panel(f"D_KY{PER_NEURON}", "dimension per neuron\nD$_\\mathrm{KY}$ / N", least=0.0, linear=True),
        Panel(
            f"h_KS{PER_NEURON}", f"entropy rate per neuron\nh$_\\mathrm{{KS}}$ / N (1/{unit})", least=0.0, linear=True
        ),
    )
    yield from grid_figures(replace(study, runs=study.runs.assign(**columns)), "per_neuron", panels)


def _time_unit(combos: Iterable[Combo]) -> str:
    """Unit of times of several combos."""
    units = {time_unit_of(combo) for combo in combos}
    return units.pop() if len(units) == 1 else "τ or step"


def _with_states(study: Study) -> pd.DataFrame:
    """The runs, with columns of arrays: each run's values for its initial states, empty for a single one."""
    if not (study.runs["initial_states"].astype(float) > 1).any():
        return study.runs
    names = [f"{panel.column}{STATES_SUFFIX}" for panel in PANELS]
    values = {(combo.label, combo.number, iteration): [arrays.get(name, np.empty(0)) for name in names]
              for combo in study.combos for iteration, arrays in arrays_by_iteration(combo)}  # fmt: skip
    keys = zip(*(study.runs[name] for name in ("label", "number", "iteration")), strict=True)
    rows = [values.get(key, [np.empty(0)] * len(names)) for key in keys]
    columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    return study.runs.assign(**columns)


def spread_of_combos(study: Study) -> pd.DataFrame:
    """A row per combo: largest exponent, error of one trajectory, and spread over the combo's runs."""
    return spread_table(study.runs, ["label", "combo", "own"])


def spectrum_figures(study: Study, ylabel: str | None) -> Figures:
    """All values of each numeric option in one figure; without numeric options, a figure per group of combos."""
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
    """Groups of combos that agree in all shared options except this one."""
    other_options = [name for name in study.shared if name != option]
    groups: dict[tuple, list[Combo]] = {}
    for combo in (combo for combo in study.combos if combo.get(option) is not ABSENT):
        groups.setdefault(tuple(canonical(combo.values.get(name)) for name in other_options), []).append(combo)
    for combos in groups.values():
        yield ComboGroup(
            combo_texts.combo_text(combos[0], other_options, study.combos),
            combo_texts.title_text(combos, other_options),
            combos,
        )


def _shaded(study: Study, combos: Sequence[Combo], option: str) -> tuple[Pairs, Key]:
    """Pairs (series, combo), and their legend texts.

    Each value of the option has a shade. Each combination of label, connectome and unshared options has a dash.
    """
    numbers = option_numbers(combos, option)
    places = {value: place / max(1, len(numbers) - 1) for place, value in enumerate(numbers)}
    shades = {places[value]: f"{option} = {name}" for value, name in combo_texts.value_names(combos, option).items()}
    dash_numbers: dict[str, int] = {}
    pairs = []
    for combo in sorted(combos, key=lambda combo: places[canonical(combo.get(option))]):
        shade = places[canonical(combo.get(option))]
        unshared = combo_texts.unshared_text(combo, [*study.shared, option])
        text = combo_texts.legend_text(combo.label, [combo.connectome], unshared)
        dash = dash_numbers.setdefault(text, len(dash_numbers))
        pairs.append((Series(f"{text}, {shades[shade]}", dash=dash, shade=shade), combo))
    return pairs, (shades, {dash: text for text, dash in dash_numbers.items()})


def _spectra(study: Study, stem: str, group: ComboGroup, pairs: Pairs, key: Key | None = None) -> Figures:
    spectra = {}
    for look, combo in pairs:
        runs = [run for run in arrays_of(combo) if "exponents" in run and run["exponents"].ndim == 1]
        runs = [run for run in runs if run["exponents"].size]
        if runs:
            spectra[look.text] = [(run["exponents"], run.get("stderr", np.full(run["exponents"].shape, np.nan)),
                                run.get("state_initial", run["exponents"]).size) for run in runs]  # fmt: skip
    if spectra:
        names = list(key[1].values()) if key and len(key[1]) == 1 else []  # a single dash has no legend entry
        parts = [
            combo_texts.task_text(group.combos),
            *names,
            group.title,
            _unreliable_text(study, group.combos, "runs "),
        ]
        legend_notes = _legend_notes(study, pairs, key)
        key = key and ({shade: f"{text}{legend_notes[shade]}" for shade, text in key[0].items()}, key[1])
        series = [look for look, _ in pairs if look.text in spectra]
        notes = {} if key else {look.text: legend_notes[look.text] for look in series}
        unit = _time_unit(combo for _, combo in pairs)
        yield stem, plotting.spectra({"": spectra}, {}, series, ", ".join(filter(None, parts)), key, notes, unit)


def _legend_notes(study: Study, pairs: Pairs, key: Key | None) -> dict[float | str | None, str]:
    """What the legend adds to each shade, or to each series if there are no shades."""
    sets: dict[float | str | None, list[Combo]] = {}
    for look, combo in pairs:
        sets.setdefault(look.shade if key else look.text, []).append(combo)
    texts = {name: _unreliable_text(study, combos) for name, combos in sets.items()}
    return {name: f" ({text})" if text else "" for name, text in texts.items()}


def _unreliable_text(study: Study, combos: Sequence[Combo], noun: str = "") -> str:
    """How many runs of these combos did not converge, were too short to tell, or are left out."""
    keys = {(combo.label, combo.number) for combo in combos}
    runs = study.runs[[key in keys for key in zip(study.runs["label"], study.runs["number"], strict=True)]]
    judged = runs[~runs["status"].isin(results.LEFT_OUT) & runs["converged"].notna()]
    too_short = judged["verdict"] == TOO_SHORT if "verdict" in judged else judged["converged"].isna()
    counts = {"not converged": int(((judged["converged"] == 0) & ~too_short).sum()), TOO_SHORT: int(too_short.sum())}
    texts = [f"{count} of {len(judged)} {noun}{text}" for text, count in counts.items() if count]
    excluded = {status: int((runs["status"] == status).sum()) for status in results.LEFT_OUT}
    texts += [f"{count} {status}, left out" for status, count in excluded.items() if count]
    return ", ".join(text.replace(" ", "\u00a0") for text in texts)
