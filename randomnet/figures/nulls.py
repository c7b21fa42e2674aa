"""Figures of networks among their null models: one per metric, with a panel per null."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting
from randomnet.comparison import matching, significance, testing, verdicts
from randomnet.comparison.matching import Combo, Study, canonical
from randomnet.comparison.networks import FIXED, REDRAWN, origin
from randomnet.figures.options import axis_label, numbers_of
from randomnet.figures.runs import LAMBDA, Figures
from randomnet.plotting import NullPanel
from randomnet.results import COMPLETE

LABELS = {
    "lambda_max": LAMBDA,
    "D_KY": "Kaplan-Yorke dimension\nD$_\\mathrm{KY}$",
    "h_KS": "entropy rate\nh$_\\mathrm{KS}$ (1/τ)",
    "n_positive": "positive exponents",
}
WHOSE = {FIXED: "starts", REDRAWN: "networks"}  # what the runs of the reference are


class Axis(NamedTuple):
    """The option that is on the x axis, the place of each combo by number, and the places' names if no numbers."""

    option: str
    places: dict[int, float]
    groups: list[str]


def null_figures(study: Study, metrics: Sequence[str]) -> Figures:
    """For each folder and metric: the network as a line on the draws of each null, against the first numeric option.

    Values of further options have figures of their own. A folder that does not vary its null has none.
    """
    for label in dict.fromkeys(combo.label for combo in study.combos):
        combos = [combo for combo in study.combos if combo.label == label]
        pairs = [pair for pair in matching.value_pairs(study) if pair[0]["label"].iloc[0] == label]
        if not pairs:
            continue
        axis = _axis(study, combos, pairs)
        several = len({combo.label for combo in study.combos}) > 1
        for metric in (metric for metric in metrics if _varies(metric, pairs)):
            for text, some in _by_rest(combos, axis, pairs):
                stem = ["nulls", metric, *[label] * several, *[text] * bool(text)]
                yield "_".join(stem), _figure(metric, combos, axis, some, ", ".join(filter(None, [label, text])))


def _axis(study: Study, combos: Sequence[Combo], pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> Axis:
    """The first option that has several numbers; else all combos that differ in no null, as one place or as groups."""
    for option in study.varied:
        numbers = numbers_of(combos, option)
        if len(numbers) > 1:
            return Axis(option, {combo.number: numbers[canonical(combo.get(option))] for combo in combos}, [])
    cells = list(dict.fromkeys(cell for base, _ in pairs for cell in base["combo"]))
    places = {row.number: float(cells.index(row.combo)) for pair in pairs for part in pair for row in part.itertuples()
              if row.combo in cells}  # fmt: skip
    return Axis("", places, ["" if cell == matching.ALL else cell for cell in cells])


def _varies(metric: str, pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> bool:
    """Whether a figure of the metric has anything to show: values that are not all the same."""
    parts = [_values(part, metric)[0] for pair in pairs for part in pair if metric in part]
    values = np.concatenate(parts or [np.empty(0)])
    return len(values) > 1 and np.ptp(values) > 0


def _by_rest(
    combos: Sequence[Combo], axis: Axis, pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]]
) -> list[tuple[str, list[tuple[pd.DataFrame, pd.DataFrame]]]]:
    """The pairs by the values of the options that are neither the null nor on the axis, each set with its text."""
    if axis.groups:
        return [("", list(pairs))]
    nulls = {name for name in combos[0].values if name.split(".")[-1] in matching.REFERENCES}
    rest = [name for name in combos[0].values if name not in nulls | {axis.option}]
    texts = {combo.number: matching.combo_text(combo, rest) if rest else "" for combo in combos}
    parts = [(text, [tuple(part[part["number"].map(texts) == text] for part in pair) for pair in pairs])
             for text in dict.fromkeys(texts.values())]  # fmt: skip
    return [(text, [pair for pair in some if all(len(part) for part in pair)]) for text, some in parts]


def _figure(
    metric: str, combos: Sequence[Combo], axis: Axis, pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]], title: str
) -> Figure:
    panels = [_panel(metric, axis, *pair) for pair in pairs]
    base = pairs[0][0][pairs[0][0]["status"] == COMPLETE]
    xlabel = axis_label(combos, axis.option) if axis.option else ""
    stem, when = (metric.removesuffix(end) for end in verdicts.WHEN), verdicts.when_of(metric)
    name = next((LABELS[text] for text in (metric, *stem) if text in LABELS), metric)
    said = {"_final": ", after training", "_initial": ", before training"}.get(when or "", "")
    lacking = int(verdicts.not_converged(metric, base).sum())
    weak = f" ({lacking} of {len(base)} not converged)" if lacking else ""
    network = next(combo.connectome for combo in combos if combo.number == pairs[0][0]["number"].iloc[0])
    text = f"{network or pairs[0][0]['own'].iloc[0]}: mean over its {WHOSE.get(_origin(base), 'iterations')}{weak}"
    groups = axis.groups if any(axis.groups) or not axis.option else []
    return plotting.nulls(panels, text, f"{name}{said}", xlabel, title, groups, zero=metric.startswith("lambda_max"))


def _origin(runs: pd.DataFrame) -> str:
    """The origin that the networks of all combos have; that of the first where they differ."""
    return origin(runs[runs["number"] == runs["number"].iloc[0]]) if len(runs) else ""


def _panel(metric: str, axis: Axis, base: pd.DataFrame, other: pd.DataFrame) -> NullPanel:
    """The panel of one null; its title has the number of draws and the least p that they can give."""
    places = sorted({axis.places[number] for part in (base, other) for number in part["number"]})
    network, draws, hollow = [], [], []
    for place in places:
        at = [part[part["number"].map(axis.places) == place] for part in (base, other)]
        network.append(_values(at[0], metric)[0])
        values, flags = _values(at[1], metric)
        draws.append(values)
        hollow.append(flags)
    title = f"{other['own'].iloc[0]}\n{_count_text(base, other, draws)}"
    return NullPanel(title, np.array(places), network, draws, hollow)


def _count_text(base: pd.DataFrame, other: pd.DataFrame, draws: Sequence[np.ndarray]) -> str:
    """How many draws there are, and the least p that the test of each place can give."""
    low, high = min(map(len, draws)), max(map(len, draws))
    first = [part[part["number"] == part["number"].iloc[0]] for part in (base, other)]
    count = f"{low}" if low == high else f"{low} to {high}"
    design = testing.design_of(*first)
    if design in testing.RANKS:
        return f"{count} draws, p ≥ {significance.smallest_rank_p(low):.2g}"
    if design == testing.TWO_NETWORKS:
        return "one network, no p"
    return f"{count} pairs, p ≥ {significance.smallest_sign_flip_p(low):.2g}"


def _values(runs: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The finite values of complete runs, and which of these did not converge; (runs,) each."""
    complete = runs[runs["status"] == COMPLETE]
    values = complete[metric].to_numpy(dtype=float)
    finite = np.isfinite(values)
    return values[finite], verdicts.not_converged(metric, complete)[finite]
