"""Figures of kind = train of a network and its null models: loss over epochs, and spectra before and after training.

Each figure is of one folder and one set of values of all options but the null. Where a set lacks the network, or has
no null, there is none.
"""

from collections.abc import Iterator
from typing import NamedTuple

from randomnet import plotting
from randomnet.comparison import matching
from randomnet.comparison.matching import REFERENCES, Combo, Matched, Study, canonical
from randomnet.figures.runs import Figures
from randomnet.figures.training import (
    history_of,
    loss_label,
    spectra_of,
    target_of,
    trials_text,
    unbounded_text,
    window_text,
    with_attractors,
)
from randomnet.plotting import NullSpectra, Panel, Series
from randomnet.plotting.style import runs_text
from randomnet.results import LEFT_OUT

TALL = 2.2  # inches, of a panel of many lines
NETWORK_COLOUR = 1  # as in figures of metrics


class Cell(NamedTuple):
    """A network and its nulls that agree in all other options; rest: text of these, for a file's name and a title."""

    stem: list[str]
    rest: str
    option: str
    network: Combo
    nulls: list[Combo]

    @property
    def combos(self) -> list[Combo]:
        """The network first."""
        return [self.network, *self.nulls]

    def title(self, *more: str) -> str:
        """The task, the network, the values of the other options, and what else is to be said."""
        return matching.titled(self.combos, ", ".join(filter(None, [self.network.connectome, self.rest, *more])))

    def text(self, combo: Combo) -> str:
        """The value of the null."""
        return matching.combo_text(combo, [self.option])


def null_curves(study: Study, ylabel: str | None) -> Figures:
    """Loss over epochs of the network and of each null in one axes; of validation trials, then of training trials."""
    for cell in _cells(study):
        series = {(combo.label, combo.number): Series(cell.text(combo), colour)
                  for combo, colour in zip(cell.combos, _colours(), strict=False)}  # fmt: skip
        history = history_of(Matched("", "", cell.combos), series)
        if history.empty:
            continue
        label = ylabel or loss_label(None, cell.combos) + window_text(cell.combos)
        validated = "validate_loss" in history
        panels = [Panel("train_loss", f"{label}\ntraining trials" if validated else label, log=True)]
        panels[:0] = [Panel("validate_loss", f"{label}\nvalidation trials", log=True)] * validated
        title = cell.title(trials_text(cell.combos), _lost_text(cell.combos))
        figure = plotting.curves(history, panels, list(series.values()), title, singly=False, each=TALL)
        yield "_".join(["nulls_loss", *cell.stem]), figure


def null_spectra(study: Study, ylabel: str | None) -> Figures:
    """Spectra before and after training, of each null in a panel of its own, with those of the network."""
    for cell in _cells(study):
        network, *nulls = [_panel(combo, cell.text(combo)) for combo in cell.combos]
        if not any(runs for panel in (network, *nulls) for runs in panel.spectra):
            continue
        text = f"{network.title.replace(chr(10), ', ')}"
        figure = plotting.null_spectra(nulls, network.spectra, network.target, text, cell.title())
        yield "_".join(["nulls_spectra", *cell.stem]), figure


def _panel(combo: Combo, text: str) -> NullSpectra:
    arrays = list(with_attractors(combo))
    before, after = (spectra_of(arrays, when) for when in ("initial", "final"))
    title = "\n".join(filter(None, [text, runs_text(max(len(before), len(after))), _lost_text([combo])]))
    return NullSpectra(title, (before, after), target_of(arrays))


def _cells(study: Study) -> Iterator[Cell]:
    """The network and its nulls of each folder, option of REFERENCES that it varies, and set of values of the rest."""
    labels = list(dict.fromkeys(combo.label for combo in study.combos))
    for label in labels:
        combos = sorted((combo for combo in study.combos if combo.label == label), key=lambda combo: combo.number)
        for option in (name for name in combos[0].values if name.split(".")[-1] in REFERENCES):
            reference = canonical(REFERENCES[option.split(".")[-1]])
            rest = [name for name in combos[0].values if name != option]
            sets: dict[tuple, list[Combo]] = {}
            for combo in combos:
                sets.setdefault(tuple(canonical(combo.values[name]) for name in rest), []).append(combo)
            for some in sets.values():
                network = [combo for combo in some if canonical(combo.values[option]) == reference]
                nulls = [combo for combo in some if canonical(combo.values[option]) != reference]
                text = matching.combo_text(some[0], rest) if rest else ""
                if network and nulls:
                    stem = [*[label] * (len(labels) > 1), *[text] * bool(text)]
                    yield Cell(stem, matching.title_text(some, rest), option, network[0], nulls)


def _colours() -> Iterator[int]:
    """Numbers of colours: that of networks in figures of metrics, then all others in their order."""
    yield NETWORK_COLOUR
    number = 0
    while True:
        if number != NETWORK_COLOUR:
            yield number
        number += 1


def _lost_text(combos: list[Combo]) -> str:
    """How many runs are left out, and how many networks before and after training; empty where none is."""
    tables = [combo.loaded.table.query("combo == @combo.number") for combo in combos]
    counts = {status: sum(int((table["status"] == status).sum()) for table in tables) for status in LEFT_OUT}
    said = [f"{count} {status}, left out" for status, count in counts.items() if count]
    return ", ".join(filter(None, [*said, unbounded_text(combos)]))
