"""The runs of a study as what a figure draws.

    combo_series       how each combo of a figure is drawn
    label_series   the same where all combos of a folder are drawn alike
    figure_stem         what a figure is called
    arrays_of       the arrays of a combo's runs; arrays_by_iteration: each with its iteration
    trial_events       the events of a task, of a run's arrays
    ended           the table of the runs that ended
    say             one line on the console
"""

import os
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import results
from randomnet.comparison import combo_texts, study
from randomnet.comparison.study import Combo, ComboGroup, Study
from randomnet.plotting import Event, Series

LAMBDA = "largest Lyapunov exponent\nλ$_\\mathrm{max}$ (1/τ)"
Figures = Iterator[tuple[str, Figure]]  # each with the name of its file


def say(text: str) -> None:
    """Print; who stops reading, as `head` does, misses the rest, and the figures are written all the same."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def figure_stem(what: str, group: ComboGroup) -> str:
    """The name of a figure of one group's combos."""
    return what if group.key == study.ALL else f"{what}_{group.key}"


def combo_series(study: Study, group: ComboGroup, dashed: bool = True) -> dict[tuple[str, int], Series]:
    """A colour for each folder, and a dash for each of its combos in this figure, by (label, number).

    dashed: whether the dash may tell combos apart; if not, each has its own colour where a folder has several.
    """
    found: dict[tuple[str, int], Series] = {}
    several = len({combo.label for combo in group.combos}) < len(group.combos)
    for number, combo in enumerate(group.combos):
        own = [combo_texts.unshared_text(combo, study.shared), combo_texts.task_if_different(study.combos, [combo])]
        text = combo_texts.legend_text(combo.label, [combo.connectome], ", ".join(filter(None, own)))
        dash = sum(label == combo.label for label, _ in found)
        look = (combo.place, dash) if dashed else (number if several else combo.place, 0)
        found[combo.label, combo.number] = Series(text, *look)
    return found


def label_series(study: Study, combos: Sequence[Combo]) -> dict[str, Series]:
    """A colour for each folder, all of its combos together, by label."""
    names: dict[str, list[Combo]] = {}
    for combo in combos:
        names.setdefault(combo.label, []).append(combo)
    found = {}
    for label, own in sorted(names.items(), key=lambda item: item[1][0].place):
        task = combo_texts.task_if_different(study.combos, own)
        found[label] = Series(combo_texts.legend_text(label, [combo.connectome for combo in own], task), own[0].place)
    return found


def arrays_of(combo: Combo) -> Iterator[dict[str, np.ndarray]]:
    """The arrays of the runs that neither diverged nor grew without bound: what is left of those is no attractor's."""
    return (arrays for _, arrays in arrays_by_iteration(combo))


def arrays_by_iteration(combo: Combo) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """The same, each with its iteration; what cannot be read is said and left out."""
    rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
    for iteration in rows.loc[~rows["status"].isin(results.LEFT_OUT), "iteration"]:
        try:
            yield iteration, combo.loaded.arrays(combo.number, iteration)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            say(f"{combo.label}: arrays of combo {combo.number} iteration {iteration} cannot be read: {error}")


def trial_events(arrays: Mapping[str, np.ndarray]) -> tuple[Event, ...]:
    """Where all trials share them; none otherwise."""
    names = ("event_label", "event_onset", "event_offset")
    rows = zip(*(arrays[name].tolist() for name in names), strict=True) if names[0] in arrays else ()
    return tuple(Event(*row) for row in rows)


def ended(study: Study, series: Mapping[tuple[str, int], Series]) -> pd.DataFrame:
    """The runs that ended, of these combos, each with the text of its series."""
    texts = [series[key].text if key in series else None
             for key in zip(study.runs["label"], study.runs["number"], strict=True)]  # fmt: skip
    runs = study.runs.assign(series=texts)
    return runs[runs["status"].isin(results.ENDED) & runs["series"].notna()]
