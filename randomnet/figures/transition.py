"""Figures of kind = transition: the largest exponent against the coupling g, and where it crosses zero."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet import plotting, results, theory
from randomnet.comparison import matching
from randomnet.comparison.matching import ABSENT, Combo, Study, canonical
from randomnet.comparison.transition import Transition, transition
from randomnet.figures.options import coloured
from randomnet.figures.runs import LAMBDA, Figures, ended
from randomnet.plotting import Samples, Series

G = "net.g"
VALUES = 60  # of g, on the theory's curve


class Colour(NamedTuple):
    """The combos of one colour, the runs of theirs that ended with a finite exponent (with column g), the crossing, and
    how many runs of each status are left out."""

    series: Series
    combos: list[Combo]
    runs: pd.DataFrame
    found: Transition
    lost: dict[str, int]


def transition_figures(study: Study, ylabel: str | None) -> Figures:
    """The largest exponent of every sample against g, with the crossings of the medians and the theory."""
    colours = list(_colours(study))
    size, texts = _sizes(colours)
    samples = [
        Samples(replace(one.series, text=texts[one.series]),
                *(one.runs[name].to_numpy(dtype=float) for name in ("g", "lambda_max", "converged")),
                one.found.g, one.found.medians, one.found.crossing, one.found.low, one.found.high,
                one.runs.get("verdict"), one.lost, one.found.unbounded)
        for one in colours
    ]  # fmt: skip
    if samples:
        curves = list(theory_curves(colours))
        combos = [combo for one in colours for combo in one.combos]
        yield "transition", plotting.transition(samples, curves, LAMBDA, matching.titled(combos, size))


def _sizes(colours: Sequence[Colour]) -> tuple[str, dict[Series, str]]:
    """The number of neurons: for the title where it is the same of all colours, else in the text of each."""
    own = {}
    for one in colours:
        ends = sorted({int(neurons) for neurons in one.runs["neurons"].dropna()})
        own[one.series] = f"N = {' to '.join(dict.fromkeys((str(ends[0]), str(ends[-1]))))}" if ends else ""
    if len(set(own.values())) == 1:
        size = next(iter(own.values()))
        return f"{size} neurons" if size else "", {series: series.text for series in own}
    return "", {series: series.text if not size or size.lower() in series.text else f"{series.text}, {size}"
                for series, size in own.items()}  # fmt: skip


def transition_table(study: Study) -> pd.DataFrame:
    """A row per colour: label, options, g_c, the ends of its interval, samples, and what is left out.

    unbounded, diverged: how many runs are left out. unbounded_from: the least g at which they are most. note: why there
    is no g_c.
    """
    rows = []
    for one in _colours(study):
        combo = one.combos[0]
        others = [name for name in study.varied if not _is_g(name)]
        options = ", ".join(f"{name}={combo.get(name)}" for name in others if combo.get(name) is not ABSENT)
        found = one.found
        row = (combo.label, options, found.crossing, found.low, found.high, found.samples)
        rows.append((*row, one.lost["unbounded"], one.lost["diverged"], found.unbounded, _note(one)))
    return pd.DataFrame(rows, columns=["label", "options", "g_c", "interval_low", "interval_high", "samples",
                                       "unbounded", "diverged", "unbounded_from", "note"])  # fmt: skip


def _note(one: Colour) -> str:
    """Why there is no g_c; empty where there is one."""
    if one.found.crossing is not None:
        return ""
    return plotting.missing_text(one.found.medians, one.lost, one.found.unbounded)


def theory_curves(colours: Sequence[Colour]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(what distinguishes it, g, exponent) of the infinitely large network, for every time step it holds for."""
    whose: dict[float, list[str]] = {}
    for one in colours:
        for step in sorted({_step(combo) for combo in one.combos if _is_gaussian(combo)}):
            whose.setdefault(step, []).append(one.series.text)
    every = np.concatenate([one.found.g for one in colours])
    if not len(every):
        return
    ends = every.min(), min(every.max(), theory.LARGEST_G)
    g = np.geomspace(*ends, VALUES) if plotting.log_x(every) else np.linspace(*ends, VALUES)
    for step, texts in sorted(whose.items()):
        name = ("flow" if step == 0 else f"dt = {step:g}") if len(whose) > 1 else ""
        owner = f"for {texts[0]}" if len(texts) == 1 < len(colours) else ""
        values = np.array([theory.largest_exponent(float(value), step) for value in g])
        yield " ".join(filter(None, [name, owner])), g, values


def _colours(study: Study) -> Iterator[Colour]:
    gridded = next((name for name in study.varied if _is_g(name)), G)
    for series, combos in coloured(study, gridded):
        values = {(combo.label, combo.number): canonical(combo.get(G)) for combo in combos}
        values = {key: g for key, g in values.items() if isinstance(g, float)}
        runs = ended(study, dict.fromkeys(values, series))
        runs = runs.assign(g=[values[key] for key in zip(runs["label"], runs["number"], strict=True)])
        lost = runs[runs["status"].isin(results.LEFT_OUT)]
        runs = runs[np.isfinite(runs["lambda_max"].astype(float)) & (runs["status"] == results.COMPLETE)]
        if len(runs) or len(lost):
            samples = {g: part["lambda_max"].to_numpy(dtype=float) for g, part in runs.groupby("g")}
            counts = {status: int((lost["status"] == status).sum()) for status in results.LEFT_OUT}
            found = transition(samples, left_out=lost["g"].value_counts().to_dict())
            yield Colour(series, combos, runs, found, counts)


def _is_g(name: str) -> bool:
    return name in (G, G.split(".")[-1])


def _is_gaussian(combo: Combo) -> bool:
    """Whether the theory is of this network: random weights as drawn, tanh, no task and no trained model."""
    asked = {"net.roi": ("random",), "model.activation": theory.NAMES, "net.parameter": ("weights",),
             "model.tau": ("1", "1.0"), "net.normalization": ("auto", "none"), "paths.pretrained": ("", "None"),
             "trialparams.task_name": ("", "none", "None")}  # fmt: skip
    found = {name: combo.get(name) for name in asked}
    needed = ("net.roi", "model.activation")
    return not combo.task and all(str(value) in asked[name] if value is not ABSENT else name not in needed
                                  for name, value in found.items())  # fmt: skip


def _step(combo: Combo) -> float:
    """dt of Euler's steps; 0, the flow, of a method that follows it."""
    return 0.0 if str(combo.get("model.integrator")) == "rk4" else float(combo.get("model.dt"))
