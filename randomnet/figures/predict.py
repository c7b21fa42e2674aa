"""Figures of kind = predict: errors of recorded and unrecorded neurons, and parameters beside the true ones.

M is the number of recorded neurons, as the column `recorded` has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.prediction import HALF, UNRECORDED_ERROR, dimensions_of, half_error, m_of, note
from randomnet.comparison.study import Combo, ComboGroup, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.overlays import value_overlays
from randomnet.figures.overviews import fixed, overview_figures
from randomnet.figures.runs import Figures, arrays_of, ended_runs
from randomnet.figures.training import group_history
from randomnet.figures.transition import series_by_other_options
from randomnet.plotting import FoundParameters, Means, Panel, PredictionErrors, Series, Stiffness
from randomnet.plotting.option_words import words
from randomnet.plotting.style import averaged_runs

M = "predict.n_recorded"
UNRECORDED, RECORDED = "error (1 − R²) of\nunrecorded neurons", "error (1 − R²) of\nrecorded neurons"
PANELS = (
    Panel("error_unrecorded_final", UNRECORDED, better="lower", least=0.0),
    Panel("error_recorded_final", RECORDED, better="lower", least=0.0),
)
COURSES = (
    Panel("error_unrecorded", UNRECORDED),
    Panel("error_recorded", RECORDED),
    Panel("error_output", "error (1 − R²) of\nthe output"),
    Panel("validate_loss", "loss of recorded\nneurons", training="train_loss"),
)


def prediction_overview(study: Study, ylabel: str | None) -> Figures:
    """The errors over the options of the grid, and over M, a colour per student, with the dimension of the activity."""
    yield from overview_figures(study, ylabel, fixed(*PANELS))
    students = [_errors(series, runs) for series, _, runs in _students(study)]
    students = [student for student in students if len(student.m)]
    if students:
        dimension = study.runs["dimension"].astype(float).dropna().to_numpy()
        title = combo_texts.title_with_task(study.combos, "")
        yield "prediction", plotting.prediction(students, dimension, (UNRECORDED, RECORDED), HALF, title)


def _students(study: Study) -> Iterator[tuple[Series, list[Combo], pd.DataFrame]]:
    """Combos that differ in M alone, each set with its series and the runs that ended."""
    option = next((name for name in study.varied if name.split(".")[-1] == "n_recorded"), M)
    for series, combos in series_by_other_options(study, option):
        runs = ended_runs(study, {(combo.label, combo.number): series for combo in combos})
        if "recorded" in runs:
            text = series.text
            for name in study.varied:
                text = text.replace(f"{name} = ", f"{words(name)} = ")
            yield replace(series, text=text), combos, averaged_runs(runs[runs["recorded"].notna()])


def _errors(series: Series, runs: pd.DataFrame) -> PredictionErrors:
    """The errors of one student in all runs, and where that of unrecorded neurons falls below HALF."""
    m = runs["recorded"].to_numpy(dtype=float)
    errors = tuple(runs[name].to_numpy(dtype=float) if name in runs else np.full(len(runs), np.nan)
                   for name in (UNRECORDED_ERROR, "error_recorded_final"))  # fmt: skip
    means, ends = tuple(_means(m, values) for values in errors), m_of(half_error(runs))
    return PredictionErrors(series, m, errors, means, *ends, runs["iteration"].nunique())


def _means(m: np.ndarray, errors: np.ndarray) -> Means:
    """Geometric means of the errors at each M, with 95 % intervals of the mean logarithm."""
    rows = []
    for value in np.unique(m[np.isfinite(errors)]):
        logs = np.log(np.maximum(errors[(m == value) & np.isfinite(errors)], plotting.LEAST_ERROR))
        ends = mean_interval(logs) if len(logs) > 1 else (np.nan, np.nan)
        rows.append((value, *np.exp([logs.mean(), *ends])))
    return Means(*np.array(rows, dtype=float).reshape(-1, 4).T)


def prediction_table(study: Study) -> pd.DataFrame:
    """A row per student: the M at which unrecorded neurons have half their variance explained, and the dimension.

    note: why there is no such M.
    """
    rows = []
    for series, _, runs in _students(study):
        half, low, high = m_of(half_error(runs))
        dimension = dimensions_of(runs)
        ends = mean_interval(dimension) if len(dimension) > 1 else (np.nan, np.nan)
        mean = dimension.mean() if len(dimension) else np.nan
        rows.append((series.text, half, low, high, mean, *ends, runs["iteration"].nunique(), note(runs)))
    return pd.DataFrame(rows, columns=["student", "m_half", "interval_low", "interval_high", "dimension",
                                       "dimension_low", "dimension_high", "iterations", "note"])  # fmt: skip


def prediction_courses(study: Study, ylabel: str | None) -> Figures:
    """Errors of recorded and unrecorded neurons, and the loss, over epochs, in colours of the values of each option."""
    for overlay in value_overlays(study):
        history = group_history(ComboGroup("", "", overlay.combos), overlay.series)
        panels = [panel for panel in COURSES if panel.column in history]
        if panels:
            yield f"prediction_courses_{overlay.suffix}", plotting.curves(history, panels, overlay.looks, overlay.title)


def found_parameters(study: Study, ylabel: str | None) -> Figures:
    """What students find of gains and shifts beside the true ones, of recorded and of unrecorded neurons."""
    for stem, title, _, arrays in example_networks(study, "parameters", "gains_true"):
        if parameters := _found(arrays):
            yield stem, plotting.found_parameters(parameters, title)


def _found(arrays: dict[str, np.ndarray]) -> Sequence[FoundParameters]:
    recorded, scored = arrays["recorded"], arrays["scored"]
    return [
        FoundParameters(word, arrays[f"{name}_true"][scored], arrays[f"{name}_found"][scored], recorded[scored])
        for name, word in (("gains", "gain"), ("shifts", "shift"), ("tau", "time constant (τ)"))
        if f"{name}_found" in arrays and not np.array_equal(arrays[f"{name}_start"], arrays[f"{name}_true"])
    ]


def stiffness_figures(study: Study, ylabel: str | None) -> Figures:
    """Stiff and sloppy directions, in colours of the values of each option, where all eigenvalues are known."""
    for overlay in value_overlays(study):
        curves = []
        for combo in overlay.combos:
            arrays = [each for each in arrays_of(combo) if "hessian_offsets" in each and each["hessian_exact"]]
            values, offsets = ([each[name] for each in arrays] for name in ("hessian_values", "hessian_offsets"))
            if values:
                curves.append(Stiffness(overlay.series[combo.label, combo.number], values, offsets))
        if curves:
            yield f"stiffness_{overlay.suffix}", plotting.stiffness(curves, overlay.title)
