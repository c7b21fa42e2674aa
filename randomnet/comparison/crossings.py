"""Where the largest exponent becomes positive over the coupling g, in sentences.

crossing_sentences   one for each label and set of values of the other options
curve_sets           the exponents over g of each of these
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison.controls import option_values, runs_of_combos
from randomnet.comparison.hypothesis_tests import side_text
from randomnet.comparison.network_identity import source_of_variation
from randomnet.comparison.study import ABSENT, Combo, Study
from randomnet.comparison.transition import Curves, Transition, transition
from randomnet.results import COMPLETE, LEFT_OUT

EXPONENT, ERROR, COUPLING = "lambda_max", "lambda_max_stderr", "g"
FEWEST, MOST_SENTENCES = 3, 8  # values of g that make a curve; sentences


class CurveSet(NamedTuple):
    """The exponents over g of one label and one set of values of the other options.

    name: these values in words. runs: of its combos, with a column g. curves: at the values of g that can bracket the
    crossing, which `estimate` has.
    """

    name: str
    combos: list[Combo]
    runs: pd.DataFrame
    curves: Curves
    estimate: Transition

    @property
    def over(self) -> str:
        """What its iterations differ in; g itself makes another network."""
        return source_of_variation(self.runs[self.runs["g"] == self.runs["g"].iloc[0]])


def crossing_sentences(study: Study) -> list[str]:
    """A sentence for each curve of the exponent over g; empty unless a grid varies g over several values."""
    sentences = [_sentence(curves) for curves in curve_sets(study)]
    more = len(sentences) - MOST_SENTENCES
    return [*sentences[:MOST_SENTENCES], *([f"{more} more curves over g are in the tables."] if more > 0 else [])]


def curve_sets(study: Study) -> Iterator[CurveSet]:
    """The exponents over g, by label and values of the other options; none unless g has several values."""
    option = next((name for name in study.varied if name.split(".")[-1] == COUPLING), None)
    if option is None or EXPONENT not in study.runs or not study.runs[EXPONENT].notna().any():
        return
    others = [name for name in study.varied if name != option]
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault((combo.label, *option_values(combo, others)), []).append(combo)
    for combos in sets.values():
        values = {(combo.label, combo.number): _number(combo.get(option)) for combo in combos}
        if len({value for value in values.values() if np.isfinite(value)}) >= FEWEST:
            runs = runs_of_combos(study.runs, combos)
            keys = zip(runs["label"], runs["number"], strict=True)
            runs = runs.assign(g=[values[key] for key in keys]).dropna(subset=["g"])
            texts = [f"{name} = {combos[0].get(name)}" for name in others if combos[0].get(name) is not ABSENT]
            name = ", ".join(texts)
            several = len(study.labels) > 1
            yield _curve_set(side_text(combos[0].label, name) if several or not name else name, combos, runs)


def _curve_set(name: str, combos: list[Combo], runs: pd.DataFrame) -> CurveSet:
    left_out = runs[runs["status"].isin(LEFT_OUT)].groupby("g").size().to_dict()
    curves = Curves.of(runs[runs["status"] == COMPLETE])
    estimate = transition(curves, left_out=left_out)
    return CurveSet(name, combos, runs, curves.at(np.isin(curves.g, estimate.g)), estimate)


def _sentence(curves: CurveSet) -> str:
    if not len(curves.estimate.medians) and curves.estimate.unbounded is None:
        return f"With {curves.name}, no run has a largest exponent."
    iterations = curves.runs.loc[curves.runs["status"] == COMPLETE, "iteration"].nunique()
    return f"With {curves.name}, {_where(curves.estimate)} (medians over {iterations} {curves.over})."


def _where(estimate: Transition) -> str:
    """Where the medians cross zero, or why they do not."""
    if not len(estimate.medians):
        return "the activity is unbounded at the smallest g already"
    ends = f"g = {estimate.g[0]:g} to {estimate.g[-1]:g}"
    if estimate.crossing is not None:
        where = f"g = {estimate.crossing:.3g}{interval_of(estimate)}"
        return f"chaos begins at {where}, where the largest exponent becomes positive"
    if (estimate.medians > 0).all():
        return f"there is chaos: the largest exponent is positive over all of {ends}"
    text = "no chaos is seen: the largest exponent is nowhere positive"
    text += " beyond its error" if (estimate.medians > 0).any() else ""
    more = f", and unbounded from g = {estimate.unbounded:g}" if estimate.unbounded is not None else ""
    return f"{text} over {ends}{more}"


def interval_of(estimate: Transition) -> str:
    """The interval of the crossing; an end beyond the grid is only known to be there."""
    if np.isnan(estimate.low):
        return ""
    low = f"{estimate.low:.3g}" if estimate.low >= estimate.g[0] else f"below {estimate.g[0]:g}"
    high = f"{estimate.high:.3g}" if estimate.high <= estimate.g[-1] else f"above {estimate.g[-1]:g}"
    return f" [{low}, {high}]"


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return np.nan
