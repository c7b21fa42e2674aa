"""Figures of kind = transition: the largest exponent against the coupling g, and where it crosses zero."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from randomnet import plotting, results, theory
from randomnet.comparison import combo_texts
from randomnet.comparison.network_identity import FIXED, origin
from randomnet.comparison.significance import percentile, rank_p, smallest_rank_p
from randomnet.comparison.study import ABSENT, REFERENCE_VALUES, Combo, Study, canonical
from randomnet.comparison.transition import Curves, Transition, difference, iteration_crossings, place, transition
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.runs import LAMBDA, Figures, ended_runs
from randomnet.figures.spectra import dynamics_figures
from randomnet.plotting import Samples, Series

G = "net.g"
VALUES = 60  # values of g on the theory's curve


class Colour(NamedTuple):
    """The combos of one colour and their runs.

    runs: those that ended with a finite exponent, with a column g. estimate: the crossing. lost: number of runs left
    out, by status. options: the options that colours differ in, besides the label.
    """

    series: Series
    combos: list[Combo]
    runs: pd.DataFrame
    estimate: Transition
    lost: dict[str, int]
    options: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Label of the results folder."""
        return self.combos[0].label

    @property
    def options_text(self) -> str:
        """The options as in tables."""
        return ", ".join(f"{name}={self.combos[0].get(name)}" for name in self.options)

    @property
    def curves(self) -> Curves:
        """The exponents of every iteration, at the values of g that can bracket a crossing."""
        whole = Curves.of(self.runs)
        return whole.at(np.isin(whole.g, self.estimate.g))

    @property
    def is_one_network(self) -> bool:
        """Whether several iterations all have the same network."""
        several = self.runs["iteration"].nunique() > 1
        return several and all(origin(runs) == FIXED for _, runs in self.runs.groupby("g"))


def transition_overview(study: Study, ylabel: str | None) -> Figures:
    """The overview: exponent, dimension and entropy rate against g with the crossings, or against the x asked for."""
    asked = study.arrangement
    if any(_is_g(option) for option in varied_options(study, study.combos)) and not asked.x:
        asked = asked._replace(x=G.split(".")[-1])
    crossings = {(combo.label, combo.number): _crossing(colour.estimate) for colour in _colours(study)
                 for combo in colour.combos if colour.estimate.crossing is not None}  # fmt: skip
    crossings = crossings if _is_g(asked.x) and not asked.pool else {}
    yield from dynamics_figures(replace(study, arrangement=asked), ylabel, crossings)


def _crossing(estimate: Transition) -> tuple[float, float, float]:
    """The crossing and the ends of its interval, nan where unknown."""
    return tuple(np.nan if value is None else float(value)  # type: ignore[return-value]
                 for value in (estimate.crossing, estimate.low, estimate.high))  # fmt: skip


def transition_figures(study: Study, ylabel: str | None) -> Figures:
    """The largest exponent of every sample against g, with the crossings of the medians and the theory."""
    colours = list(_colours(study))
    size, texts = _sizes(colours)
    samples = [_samples(colour, texts[colour.series]) for colour in colours]
    if samples:
        curves = list(theory_curves(colours))
        combos = [combo for colour in colours for combo in colour.combos]
        yield "transition", plotting.transition(samples, curves, LAMBDA, combo_texts.title_with_task(combos, size))


def _samples(colour: Colour, text: str) -> Samples:
    estimate = colour.estimate
    g, exponents, converged = (colour.runs[name].to_numpy(dtype=float) for name in ("g", "lambda_max", "converged"))
    return Samples(
        replace(colour.series, text=text),  # type: ignore[call-arg]
        g, exponents, converged, estimate.g, estimate.medians, estimate.crossing,
        estimate.low, estimate.high, colour.runs.get("verdict"), colour.lost, estimate.unbounded,
    )  # fmt: skip


def _sizes(colours: Sequence[Colour]) -> tuple[str, dict[Series, str]]:
    """The number of neurons: for the title if it is the same for all colours, else added to the text of each."""
    sizes = {}
    for colour in colours:
        ends = sorted({int(neurons) for neurons in colour.runs["neurons"].dropna()})
        sizes[colour.series] = f"N = {' to '.join(dict.fromkeys((str(ends[0]), str(ends[-1]))))}" if ends else ""
    if len(set(sizes.values())) == 1:
        size = next(iter(sizes.values()))
        return f"{size} neurons" if size else "", {series: series.text for series in sizes}
    return "", {series: series.text if not size or size.lower() in series.text else f"{series.text}, {size}"
                for series, size in sizes.items()}  # fmt: skip


def transition_table(study: Study) -> pd.DataFrame:
    """A row per colour: label, options, g_c, the ends of its interval, samples, and runs left out.

    unbounded, diverged: number of runs left out. unbounded_from: smallest g at which most runs are left out. note: why
    there is no g_c.
    """
    rows = []
    for colour in _colours(study):
        estimate = colour.estimate
        row = (colour.label, colour.options_text, estimate.crossing, estimate.low, estimate.high, estimate.samples)
        rows.append((*row, colour.lost["unbounded"], colour.lost["diverged"], estimate.unbounded, _note(colour)))
    return pd.DataFrame(rows, columns=["label", "options", "g_c", "interval_low", "interval_high", "samples",
                                       "unbounded", "diverged", "unbounded_from", "note"])  # fmt: skip


DIFFERENCES = ("label_a", "options_a", "label_b", "options_b", "g_c_a", "g_c_b", "difference_b_minus_a",
               "interval_low", "interval_high", "iterations", "paired", "percentile_a", "rank_p", "smallest_p",
               "note")  # fmt: skip


BOTH_ONE_NETWORK = "each is one network in all iterations: the interval is of initial states, and no test of networks"
A_IS_ONE_NETWORK = "a is one network in all iterations: percentile_a and rank_p place it, the interval is of b's median"


def transition_differences(study: Study) -> pd.DataFrame:
    """A row for every two colours that differ in their label only, or in one control such as net.null.

    paired: whether equal iterations have equal seeds, and were resampled together. If a is one network in all
    iterations and b is not, percentile_a and rank_p place a among the networks of b.
    """
    colours = list(_colours(study))
    pairs = (ordered for pair in itertools.combinations(colours, 2) if (ordered := _ordered(*pair)))
    return pd.DataFrame([_difference_row(*pair) for pair in pairs], columns=list(DIFFERENCES))


def _ordered(first: Colour, second: Colour) -> tuple[Colour, Colour] | None:
    """Two colours in order if they are compared: the reference, or the single network, comes first; else None."""
    names = [
        name for name in {**first.options, **second.options} if first.options.get(name) != second.options.get(name)
    ]
    if first.label != second.label:
        return (
            None
            if names
            else (second, first)
            if second.is_one_network and not first.is_one_network
            else (first, second)
        )
    reference = REFERENCE_VALUES.get(names[0].split(".")[-1], ABSENT) if len(names) == 1 else ABSENT
    values = [side.options.get(name) for side in (first, second) for name in names[:1]]
    if reference is ABSENT or canonical(reference) not in values:
        return None
    return (first, second) if values[0] == canonical(reference) else (second, first)


def _difference_row(a: Colour, b: Colour) -> tuple[Any, ...]:
    seeds = [side.combos[0].loaded.manifest.get("seed") for side in (a, b)]
    interval = difference(a.curves, b.curves, seeds[0] == seeds[1] is not None)
    head = (a.label, a.options_text, b.label, b.options_text, a.estimate.crossing, b.estimate.crossing)
    ranks: tuple[float | None, ...] = (None, None, None)
    notes = [f"{side}: {_note(colour)}" for side, colour in zip("ab", (a, b), strict=True) if _note(colour)]
    if a.is_one_network and b.is_one_network:
        notes.append(BOTH_ONE_NETWORK)
    elif a.is_one_network:
        notes.append(A_IS_ONE_NETWORK)
        g_c, crossings_b = place(a.estimate), iteration_crossings(b.curves)
        ranks = percentile(g_c, crossings_b), rank_p(g_c, crossings_b), smallest_rank_p(len(crossings_b))
    return (*head, *interval, *ranks, "; ".join(notes))


def _note(colour: Colour) -> str:
    """Why there is no g_c; empty if there is one."""
    if colour.estimate.crossing is not None:
        return ""
    return plotting.missing_text(colour.estimate.medians, colour.lost, colour.estimate.unbounded)


def theory_curves(colours: Sequence[Colour]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(legend text, g, exponents) of the infinitely large network, for every time step it holds for."""
    texts_of: dict[float, list[str]] = {}
    for colour in colours:
        for step in sorted({_step(combo) for combo in colour.combos if _is_gaussian(combo)}):
            texts_of.setdefault(step, []).append(colour.series.text)
    all_g = np.concatenate([colour.estimate.g for colour in colours])
    if not len(all_g):
        return
    ends = all_g.min(), min(all_g.max(), theory.LARGEST_G)
    g = np.geomspace(*ends, VALUES) if plotting.needs_log_axis(all_g) else np.linspace(*ends, VALUES)
    for step, texts in sorted(texts_of.items()):
        name = ("flow" if step == 0 else f"dt = {step:g}") if len(texts_of) > 1 else ""
        owner = f"for {texts[0]}" if len(texts) == 1 < len(colours) else ""
        values = np.array([theory.largest_exponent(float(value), step) for value in g])
        yield " ".join(filter(None, [name, owner])), g, values


def _colours(study: Study) -> Iterator[Colour]:
    gridded = next((name for name in study.varied if _is_g(name)), G)
    for series, combos in series_by_other_options(study, gridded):
        values = {(combo.label, combo.number): canonical(combo.get(G)) for combo in combos}
        values = {key: g for key, g in values.items() if isinstance(g, float)}
        runs = ended_runs(study, dict.fromkeys(values, series))
        runs = runs.assign(g=[values[key] for key in zip(runs["label"], runs["number"], strict=True)])
        left_out = runs[runs["status"].isin(results.LEFT_OUT)]
        runs = runs[np.isfinite(runs["lambda_max"].astype(float)) & (runs["status"] == results.COMPLETE)]
        if len(runs) or len(left_out):
            counts = {status: int((left_out["status"] == status).sum()) for status in results.LEFT_OUT}
            estimate = transition(Curves.of(runs), left_out=left_out["g"].value_counts().to_dict())
            other_options = {name: combos[0].get(name) for name in study.varied if not _is_g(name)}
            options = {name: canonical(value) for name, value in other_options.items() if value is not ABSENT}
            yield Colour(series, combos, runs, estimate, counts, options)


def _is_g(name: str) -> bool:
    return name in (G, G.split(".")[-1])


def _is_gaussian(combo: Combo) -> bool:
    """Whether the theory applies: random weights as drawn, tanh, no task, no trained model."""
    accepted = {"net.roi": ("random",), "model.activation": theory.NAMES, "net.parameter": ("weights",),
             "model.tau": ("1", "1.0"), "net.normalization": ("auto", "none"), "paths.pretrained": ("", "None"),
             "net.symmetry": ("0", "0.0", "none"),
             "trialparams.task_name": ("", "none", "None")}  # fmt: skip
    values = {name: combo.get(name) for name in accepted}
    required = ("net.roi", "model.activation")
    return not combo.task and all(str(value) in accepted[name] if value is not ABSENT else name not in required
                                  for name, value in values.items())  # fmt: skip


def _step(combo: Combo) -> float:
    """dt of Euler steps; 0, for the flow, with an integrator that follows it."""
    return 0.0 if str(combo.get("model.integrator")) == "rk4" else float(combo.get("model.dt"))


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
