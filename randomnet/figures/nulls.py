"""Figures of networks among their null models: one per metric, with a panel per null."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting
from randomnet.comparison import hypothesis_tests, significance, verdicts
from randomnet.comparison.controls import Family, families, runs_of_combos, values_text
from randomnet.comparison.network_identity import FIXED, REDRAWN, origin
from randomnet.comparison.study import ALL, Combo, Study, canonical
from randomnet.figures.grid_layout import option_numbers
from randomnet.figures.option_words import option_label
from randomnet.figures.runs import LAMBDA, Figures
from randomnet.figures.training import loss_label, window_text
from randomnet.plotting import NullPanel
from randomnet.results import COMPLETE

LABELS = {
    "lambda_max": LAMBDA,
    "D_KY": "Kaplan-Yorke dimension\nD$_\\mathrm{KY}$",
    "h_KS": "entropy rate\nh$_\\mathrm{KS}$ (1/τ)",
    "n_positive": "positive exponents",
    "auc": "AUC of\nmeasured responses",
    "auc_absolute": "AUC of absolute\nresponses",
    "spearman": "rank correlation with\nmeasured responses",
    "spearman_absolute": "rank correlation of\nabsolute responses",
    "auc_gains": "AUC with fitted gains,\nof held-out neurons",
    "auc_gains_change": "AUC that fitted gains add",
}
OF_TRAINING = {
    "epoch_minimum": "epoch of the lowest loss",
    "epoch_99": "first epoch within 1 % of the\nrange above the minimum",
    "validate_metrics_final": "validation accuracy in\nthe last epoch (%)",
    "validate_metrics_best": "best validation\naccuracy (%)",
    "test_metrics_final": "test accuracy in\nthe last epoch (%)",
    "test_metrics_best": "test accuracy at the\nlowest validation loss (%)",
}
LOSSES = {  # metric -> text before the name of the loss
    "loss_minimum": "lowest",
    "loss_final": "training, last epoch:",
    "validate_loss_final": "validation, last epoch:",
    "loss_measured_final": "measured after training:",
}
RUNS_ARE = {FIXED: "starts", REDRAWN: "networks"}  # what the network's runs are


class Axis(NamedTuple):
    """The option on the x axis. groups: the names of the places if no option is on it.

    options: those of which each set of values has its own figure.
    """

    option: str
    groups: list[str]
    options: tuple[str, ...]


def null_figures(study: Study, metrics: Sequence[str]) -> Figures:
    """For each network and metric: the network as a line among the draws of each null, against one option.

    It is the first numeric option. Each set of values of further options has its own figure. Without nulls there are no
    figures.
    """
    several_labels = len({combo.label for combo in study.combos}) > 1
    for family in families(study):
        axis, label = _axis(family), family.network[0].label
        runs = [_placed(study, family, axis, members) for members in (family.network, *family.controls.values())]
        for metric in (metric for metric in metrics if _varies(metric, runs)):
            for text in dict.fromkeys(part["rest"].iloc[0] for part in runs for _, part in part.groupby("rest")):
                members = [part[part["rest"] == text] for part in runs]
                base, others = members[0], dict(zip(family.controls, members[1:], strict=True))
                others = {name: other for name, other in others.items() if len(other)}
                if len(base) and others:
                    note = "" if text == ALL else text
                    stem = ["nulls", metric, *[label] * several_labels, *[note] * bool(note)]
                    title = ", ".join(filter(None, [label, note]))
                    yield "_".join(stem), _figure(metric, family, axis, base, others, title)


def _axis(family: Family) -> Axis:
    """The first option with several numeric values; without one, all cells as one place or as groups."""
    for option in family.rest:
        if len(option_numbers(family.combos, option)) > 1:
            return Axis(option, [], tuple(other for other in family.rest if other != option))
    cells = dict.fromkeys(values_text(combo, family.rest) for combo in family.combos)
    return Axis("", ["" if cell == ALL else cell for cell in cells], ())


def _placed(study: Study, family: Family, axis: Axis, combos: Sequence[Combo]) -> pd.DataFrame:
    """The runs of these combos with columns x, their place on the axis, and rest, the text of further options."""
    numbers = option_numbers(family.combos, axis.option) if axis.option else {}
    groups = {group or ALL: float(place) for place, group in enumerate(axis.groups)}
    by_key = {(combo.label, combo.number): combo for combo in combos}
    runs = runs_of_combos(study.runs, combos)
    each = [by_key[key] for key in zip(runs["label"], runs["number"], strict=True)]
    places = [numbers.get(canonical(combo.get(axis.option)), np.nan) if axis.option
              else groups[values_text(combo, family.rest)] for combo in each]  # fmt: skip
    runs = runs.assign(x=places, rest=[values_text(combo, axis.options) for combo in each])
    return runs[runs["x"].notna()]


def _varies(metric: str, runs: Sequence[pd.DataFrame]) -> bool:
    """Whether the values of the metric differ, so that a figure is worth drawing."""
    parts = [_values(part, metric)[0] for part in runs if metric in part]
    values = np.concatenate(parts or [np.empty(0)])
    return len(values) > 1 and np.ptp(values) > 0


def _figure(
    metric: str, family: Family, axis: Axis, base: pd.DataFrame, others: Mapping[str, pd.DataFrame], title: str
) -> Figure:
    panels = [_panel(metric, text, base, other) for text, other in others.items()]
    xlabel = option_label(family.combos, axis.option) if axis.option else ""
    network = family.network[0].connectome or f"{family.option}={family.network[0].get(family.option)}"
    sides = [(f" of {text}", verdicts.verdict_counts(metric, runs), len(runs))
             for text, runs in ((network, base), *others.items())]  # fmt: skip
    text, label = f"{network}: {_median_text(base)}", _label(metric, family.combos)
    return plotting.nulls(panels, text, label, xlabel, title, axis.groups, zero=metric.startswith("lambda_max"),
                          notes=verdicts.verdict_notes(sides))  # fmt: skip


def _label(metric: str, combos: Sequence[Combo]) -> str:
    """Axis label of a metric, with its unit if it has one."""
    if metric in LOSSES:
        return f"{LOSSES[metric]}\n{loss_label(None, combos)}{window_text(combos)}"
    names = (metric, *(metric.removesuffix(end) for end in verdicts.WHEN))
    name = next((labels[text] for labels in (OF_TRAINING, LABELS) for text in names if text in labels), metric)
    when = {"_final": ", after training", "_initial": ", before training"}.get(verdicts.stage_suffix(metric) or "", "")
    return f"{name}{when}"


def _median_text(base: pd.DataFrame) -> str:
    """What a value of the network is: its only run, or the median of several, and what these runs are."""
    complete = base[base["status"] == COMPLETE]
    if complete.empty:
        return "no complete run"
    origins = {origin(runs) for _, runs in complete.groupby("number")}
    units = RUNS_ARE.get(origins.pop(), "iterations") if len(origins) == 1 else "iterations"
    return f"median of its {units}" if complete.groupby("number").size().max() > 1 else "its one run"


def _panel(metric: str, text: str, base: pd.DataFrame, other: pd.DataFrame) -> NullPanel:
    """The panel of one null; its title has the number of draws and the smallest p that they allow."""
    places = sorted({*base["x"], *other["x"]})
    network, draws, hollow = [], [], []
    for place in places:
        network.append(_values(base[base["x"] == place], metric)[0])
        values, flags = _values(other[other["x"] == place], metric)
        draws.append(values)
        hollow.append(flags)
    return NullPanel(f"{text}\n{_count_text(metric, base, other)}", np.array(places), network, draws, hollow)


def _count_text(metric: str, base: pd.DataFrame, other: pd.DataFrame) -> str:
    """The number of draws, or pairs, and the smallest p that they allow at any place."""
    common_x = sorted({*base["x"]} & {*other["x"]})
    if not common_x:
        return "no value in common with the network"
    rows = [hypothesis_tests.compare(base[base["x"] == x], other[other["x"] == x], metric) for x in common_x]
    designs = {row["design"] for row in rows}
    if designs == {hypothesis_tests.TWO_NETWORKS}:
        return "one network, no p"
    low, high = (pick(row["n"] for row in rows) for pick in (min, max))
    count = f"{low}" if low == high else f"{low} to {high}"
    if designs <= set(hypothesis_tests.RANKS):
        return f"{count} draws, p ≥ {significance.smallest_rank_p(high):.2g}"
    return f"{count} pairs, p ≥ {significance.smallest_sign_flip_p(high):.2g}"


def _values(runs: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Finite values of complete runs, and which of them did not converge or are too short; (runs,) each."""
    complete = runs[runs["status"] == COMPLETE]
    values = complete[metric].to_numpy(dtype=float)
    finite = np.isfinite(values)
    unreliable = verdicts.not_converged(metric, complete) | verdicts.too_short(metric, complete)
    return values[finite], unreliable[finite]
