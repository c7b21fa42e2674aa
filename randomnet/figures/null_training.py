"""Figures of kind = train for a network and its null models: loss over epochs, and spectra before and after.

Each figure is of one network and one set of values of all options but the null. Sets without the network or without
any null have no figure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from randomnet import plotting
from randomnet.comparison import combo_texts, verdicts
from randomnet.comparison.controls import families, option_values, values_text
from randomnet.comparison.network_identity import FIXED, origin
from randomnet.comparison.study import Combo, ComboGroup, Study
from randomnet.comparison.verdicts import WHEN
from randomnet.figures.runs import Figures
from randomnet.figures.training import (
    arrays_with_attractors,
    group_history,
    loss_label,
    spectrum_target,
    trained_spectra,
    trials_text,
    unbounded_text,
    window_text,
)
from randomnet.plotting import NullSpectra, Panel, Series
from randomnet.plotting.style import runs_text
from randomnet.results import ENDED, LEFT_OUT

PANEL_HEIGHT = 2.2  # inches: the height of a panel with many lines


class Cell(NamedTuple):
    """A network and its nulls with equal values of all other options; rest: text of these for a title.

    names: names of the network and of each null, by (label, number) of the combo.
    """

    stem: list[str]
    rest: str
    names: dict[tuple[str, int], str]
    combos: list[Combo]

    def title(self, *more: str) -> str:
        """The task, the network, the values of the other options, and further texts."""
        parts = filter(None, [self.combos[0].connectome, self.rest, *more])
        return combo_texts.title_with_task(self.combos, ", ".join(parts))

    def text(self, combo: Combo) -> str:
        """Name of a combo: the value of its null, or its folder."""
        return self.names[combo.label, combo.number]


def null_curves(study: Study, ylabel: str | None) -> Figures:
    """Loss over epochs of the network and all its nulls; validation and training trials in a panel each."""
    for cell in _cells(study):
        series = {(combo.label, combo.number): Series(_name(cell, combo), colour)
                  for colour, combo in enumerate(cell.combos)}  # fmt: skip
        history = group_history(ComboGroup("", "", cell.combos), series)
        if history.empty:
            continue
        panels = _loss_panels(history, ylabel or loss_label(None, cell.combos) + window_text(cell.combos))
        # Losses of unbounded networks come from growth rates; they are drawn, as in all figures and tests of losses.
        unbounded = unbounded_text(cell.combos).replace("left out", "drawn too")
        title = cell.title(trials_text(cell.combos), _left_out_text(cell.combos), unbounded)
        figure = plotting.curves(history, panels, list(series.values()), title, singly=False, each=PANEL_HEIGHT)
        yield "_".join(["nulls_loss", *cell.stem]), figure


def _loss_panels(history: pd.DataFrame, label: str) -> list[Panel]:
    """A panel for the validation loss, if there is one, and one for the training loss."""
    names = {"validate_loss": "\nvalidation trials", "train_loss": "\ntraining trials"}
    names = names if "validate_loss" in history else {"train_loss": ""}
    return [Panel(name, f"{label}{text}", log=True) for name, text in names.items()]


def _name(cell: Cell, combo: Combo) -> str:
    """Name of a combo, and whether its runs are of one network."""
    rows = _runs(combo)
    runs = rows[rows["status"].isin(ENDED)]
    return cell.text(combo) + " (one network)" * (len(runs) > 1 and origin(runs) == FIXED)


def null_spectra(study: Study, ylabel: str | None) -> Figures:
    """Spectra before and after training: a panel per null, each with the spectra of the network."""
    for cell in _cells(study):
        network, *nulls = [_spectra(cell, combo) for combo in cell.combos]
        if not any(runs for panel in (network, *nulls) for runs in panel.spectra):
            continue
        network = replace(network, title=network.title.replace("\n", ", "))
        title = cell.title(_left_out_text(cell.combos), unbounded_text(cell.combos))
        figure = plotting.null_spectra(nulls, network, title, _unreliable_notes(cell))
        yield "_".join(["nulls_spectra", *cell.stem]), figure


def _spectra(cell: Cell, combo: Combo) -> NullSpectra:
    arrays = list(arrays_with_attractors(combo))
    before, after = (trained_spectra(arrays, when) for when in ("initial", "final"))
    count = runs_text(len(after)) if len(before) == len(after) else f"{len(before)} runs before, {len(after)} after"
    return NullSpectra(f"{_name(cell, combo)}\n{count}", (before, after), spectrum_target(arrays))


def _unreliable_notes(cell: Cell) -> list[str]:
    """How many spectra did not converge or were too short, per combo, before and after training."""
    notes = []
    for name in ("not_converged", "too_short"):
        counts = {cell.text(combo): [verdicts.verdict_counts(f"lambda_max{when}", _runs(combo))[name] for when in WHEN]
                  for combo in cell.combos}  # fmt: skip
        parts = [f"{text} {before} and {after}" for text, (before, after) in counts.items() if before or after]
        notes += [f"{verdicts.TEXTS[name]} before and after: {', '.join(parts)}"] * bool(parts)
    return notes


def _cells(study: Study) -> Iterator[Cell]:
    """Each network with its nulls, for each set of values of the other options; the network comes first."""
    several_labels = len({combo.label for combo in study.combos}) > 1
    for family in families(study):
        for network in family.network:
            cell = option_values(network, family.rest)
            nulls = {text: combo for text, combos in family.controls.items() for combo in combos
                     if option_values(combo, family.rest) == cell}  # fmt: skip
            if nulls:
                names = {(combo.label, combo.number): text for text, combo in nulls.items()}
                names[network.label, network.number] = family.name
                rest = [values_text(network, family.rest)] * bool(family.rest)
                title = combo_texts.title_text([network, *nulls.values()], family.rest)
                yield Cell([*[network.label] * several_labels, *rest], title, names, [network, *nulls.values()])


def _runs(combo: Combo) -> pd.DataFrame:
    return combo.loaded.table[combo.loaded.table["combo"] == combo.number]


def _left_out_text(combos: Sequence[Combo]) -> str:
    """How many runs are left out, by status; empty if none."""
    statuses = pd.concat([_runs(combo)["status"] for combo in combos])
    counts = {status: int((statuses == status).sum()) for status in LEFT_OUT}
    return ", ".join(f"{count} {status}, left out" for status, count in counts.items() if count)
