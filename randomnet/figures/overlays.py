"""Training courses, final spectra and densities of exponents of the values of one option in one axes.

Runs of one line differ in nothing but their iteration: each folder, and each set of values of the other options, has
figures of its own.

course_overlays      loss and largest exponent over epochs
spectrum_overlays    spectra after training
exponent_densities   densities of the exponents of spectra; of trained networks, those after training
seconds_of_epochs    seconds of an epoch against the number of exponents and the size of the network
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.controls import option_values, values_text
from randomnet.comparison.study import ALL, Arrangement, Combo, ComboGroup, Study, canonical
from randomnet.figures.grid_figures import grid_figures
from randomnet.figures.grid_layout import option_numbers, sampled_options, varied_options
from randomnet.figures.runs import LAMBDA, Figures, arrays_of, time_unit_of
from randomnet.figures.training import (
    GRADIENT_NORM,
    arrays_with_attractors,
    chance_levels,
    group_history,
    loss_label,
    spectrum_target,
    trained_spectra,
    window_text,
)
from randomnet.plotting import Panel, Series
from randomnet.plotting.option_words import words

MOST_VALUES = 12  # of an option, whose lines colours still tell apart
MOST_FIGURES = 12  # of one option; more would only repeat those of the combos
SIZES = ("nle", "n", "rnn_size", "hidden_size", "batch_size")  # options that a training epoch's time depends on
SECONDS = "epoch_seconds"


@dataclass(frozen=True)
class Overlay:
    """Combos of one folder that differ in one option only, each with its series; the end of file names, and a title."""

    suffix: str
    title: str
    series: dict[tuple[str, int], Series]
    combos: list[Combo]

    @property
    def looks(self) -> list[Series]:
        """The series, in the order of the option's values."""
        return list(self.series.values())


def value_overlays(study: Study) -> Iterator[Overlay]:
    """The sets of combos that differ in one option, of every option that is varied and not drawn at random."""
    sampled = sampled_options(study, study.groups)
    for option in varied_options(study, study.combos):
        sets = _sets(study, option) if option not in sampled else []
        for members in sets if len(sets) <= MOST_FIGURES else []:
            if 1 < len(members) <= MOST_VALUES:
                yield _overlay(study, option, members)


def _sets(study: Study, option: str) -> list[list[Combo]]:
    """Combos by label and by the values of the other options, in the order of this option's values."""
    others = [name for name in varied_options(study, study.combos) if name != option]
    order = list(option_numbers(study.combos, option) or combo_texts.value_names(study.combos, option))
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        if canonical(combo.get(option)) in order:
            sets.setdefault((combo.label, option_values(combo, others)), []).append(combo)
    return [sorted(members, key=lambda combo: order.index(canonical(combo.get(option)))) for members in sets.values()]


def _overlay(study: Study, option: str, members: list[Combo]) -> Overlay:
    others = [name for name in varied_options(study, study.combos) if name != option]
    several = len({combo.label for combo in study.combos}) > 1
    label, values = members[0].label, values_text(members[0], others)
    suffix = "_".join([f"by_{option}", *[label] * several, *[values] * (values != ALL)])
    name = words(option)
    title = ", ".join(filter(None, [label if several else "", f"by {name}", combo_texts.title_text(members, others)]))
    numeric = bool(option_numbers(members, option))
    series = {}
    for place, combo in enumerate(members):
        shade = place / (len(members) - 1) if numeric else None
        text = f"{option.split('.')[-1]} = {combo_texts.value_text(combo, option)}"
        number = 0 if numeric else place  # dashes tell names apart in grey, too; shades are ordered there
        series[combo.label, combo.number] = Series(text, number, number, shade)
    return Overlay(suffix, combo_texts.title_with_task(members, title), series, members)


def course_overlays(study: Study, ylabel: str | None) -> Figures:
    """Loss, accuracy, largest exponent and gradient norm over epochs, in colours of the values of each option."""
    for overlay in value_overlays(study):
        history = group_history(ComboGroup("", "", overlay.combos), overlay.series)
        if not history.empty:
            panels = [panel for panel in _panels(overlay.combos, ylabel, history) if panel.column in history]
            if panels:
                yield f"courses_{overlay.suffix}", plotting.curves(history, panels, overlay.looks, overlay.title)


def _panels(combos: Sequence[Combo], ylabel: str | None, history: pd.DataFrame) -> list[Panel]:
    """The quantities of an overlay; without the loss where the combos have different losses."""
    loss = "validate_loss" if "validate_loss" in history else "train_loss"
    comparable = len({combo.loss for combo in combos}) == 1
    label = ylabel or f"{'validation ' * (loss == 'validate_loss')}{loss_label(None, combos)}{window_text(combos)}"
    return [
        *[Panel(loss, label)] * comparable,
        Panel("validate_metrics", "validation accuracy (%)", chance=chance_levels(combos), linear=True),
        Panel("lambda_max", LAMBDA, zero=True),
        Panel(GRADIENT_NORM, "norm of the gradient\nbefore clipping"),
    ]


def spectrum_overlays(study: Study, ylabel: str | None) -> Figures:
    """Spectra after training in one axes, in colours of the values of each option, with their targets."""
    for overlay in value_overlays(study):
        spectra, targets = {}, {}
        for combo in overlay.combos:
            look, arrays = overlay.series[combo.label, combo.number], list(arrays_with_attractors(combo))
            if runs := trained_spectra(arrays, "final"):
                spectra[look.text] = runs
                targets[look.text] = spectrum_target(arrays)
        targets = {text: target for text, target in targets.items() if target.size}
        if len(spectra) > 1:
            looks = [look for look in overlay.looks if look.text in spectra]
            title = ", ".join(filter(None, [overlay.title, "after training"]))
            yield f"final_spectra_{overlay.suffix}", plotting.spectra({"": spectra}, targets, looks, title)


def exponent_densities(study: Study, ylabel: str | None, note: str = "") -> Figures:
    """Densities of the exponents, in colours of the values of each option; without options, of each folder.

    note: what the title says of all networks.
    """
    for stem, title, pairs in _density_sets(study):
        exponents = {look.text: values for look, combo in pairs if (values := _exponents(combo))}
        if any(sum(len(run) for run, _ in runs) >= plotting.FEWEST_EXPONENTS for runs in exponents.values()):
            looks = [look for look, _ in pairs if look.text in exponents]
            title, unit = ", ".join(filter(None, [title, note])), time_unit_of(pairs[0][1])
            yield stem, plotting.exponent_density(exponents, looks, title, unit)


def _density_sets(study: Study) -> Iterator[tuple[str, str, list[tuple[Series, Combo]]]]:
    overlays = list(value_overlays(study))
    for overlay in overlays:
        pairs = [(overlay.series[combo.label, combo.number], combo) for combo in overlay.combos]
        yield f"density_{overlay.suffix}", overlay.title, pairs
    if not overlays and len(study.groups) == 1:
        combos = study.groups[0].combos
        pairs = [(Series(combo_texts.legend_text(combo.label, [combo.connectome]), combo.colour), combo)
                 for combo in combos]  # fmt: skip
        yield "density", combo_texts.title_with_task(combos, ""), pairs


def _exponents(combo: Combo) -> list[tuple[np.ndarray, int]]:
    """The exponents (k,) and N of each run; of a trained network, those after training."""
    spectra = [(run["exponents"], run.get("state_initial", run["exponents"]).size) for run in arrays_of(combo)
               if "exponents" in run and run["exponents"].ndim == 1]  # fmt: skip
    return spectra or [(values, n) for values, _, n in trained_spectra(list(arrays_with_attractors(combo)), "final")]


def seconds_of_epochs(study: Study, ylabel: str | None) -> Figures:
    """Median seconds of a training epoch against the number of exponents and the size, on log axes."""
    seconds = {key: value for combo in study.combos for key, value in _seconds(combo).items()}
    keys = zip(*(study.runs[name] for name in ("label", "number", "iteration")), strict=True)
    runs = study.runs.assign(**{SECONDS: [seconds.get(key, np.nan) for key in keys]})
    for option in varied_options(study, study.combos):
        if option.split(".")[-1] in SIZES and len(option_numbers(study.combos, option)) > 1:
            panels = [Panel(SECONDS, "median time of\na training epoch (s)", log=True)]
            timed = replace(study, runs=runs, arrangement=Arrangement(x=option))
            yield from grid_figures(timed, f"seconds_of_epochs_by_{option}", panels)


def _seconds(combo: Combo) -> dict[tuple[str, int, int], float]:
    """By label, number and iteration, the median seconds of an epoch, without the first, which warms up."""
    history = combo.loaded.history
    if history.empty or "seconds" not in history:
        return {}
    rows = history[(history["combo"] == combo.number) & (history["epoch"] > 1)]
    medians = rows.groupby("iteration")["seconds"].median()
    return {(combo.label, combo.number, int(iteration)): float(value) for iteration, value in medians.items()}
