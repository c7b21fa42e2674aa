"""Names, series and arrays of the runs in a figure.

figure_stem     name of a figure's file
combo_series    how each combo of a figure is drawn
label_series    the same, with all combos of a folder drawn alike
arrays_of       arrays of a combo's runs; arrays_by_iteration: with their iteration; trials_by_iteration: of trials;
                activity_by_iteration: of activity
trial_events    events of a task, from a run's arrays
time_unit_of    unit of times of a combo
ended_runs      table of the runs that ended
say             prints one line on the console
"""

import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import results
from randomnet.comparison import combo_texts, study
from randomnet.comparison.study import Combo, ComboGroup, Study
from randomnet.plotting import Event, Series

LAMBDA = "largest Lyapunov exponent\nλ$_\\mathrm{max}$ (1/τ)"
Figures = Iterator[tuple[str, Figure]]  # (stem of the file, figure)


def say(text: str) -> None:
    """Print a line. If the reader has closed the pipe, as `head` does, further lines are dropped without an error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def time_unit_of(combo: Combo) -> str:
    """Unit of times: step for cells and fitted models of an earlier stage, which have no time constant, otherwise τ."""
    folder = combo.get("source.folder")
    return "step" if folder is not study.ABSENT and folder else "τ"


def figure_stem(name: str, group: ComboGroup) -> str:
    """Name of the figure of one group of combos."""
    return name if group.key == study.ALL else f"{name}_{group.key}"


def combo_series(study: Study, group: ComboGroup, dashed: bool = True) -> dict[tuple[str, int], Series]:
    """The series of each combo, by (label, number): a colour per folder, a dash per combo of a folder.

    dashed: whether dashes may distinguish combos; if not, each combo has a colour if any folder has several.
    """
    looks: dict[tuple[str, int], Series] = {}
    several = len({combo.label for combo in group.combos}) < len(group.combos)
    for index, combo in enumerate(group.combos):
        parts = [combo_texts.unshared_text(combo, study.shared), combo_texts.task_if_different(study.combos, [combo])]
        text = combo_texts.legend_text(combo.label, [combo.connectome], ", ".join(filter(None, parts)))
        dash = sum(label == combo.label for label, _ in looks)
        style = (combo.colour, dash) if dashed else (index if several else combo.colour, 0)
        looks[combo.label, combo.number] = Series(text, *style)
    return looks


def label_series(study: Study, combos: Sequence[Combo]) -> dict[str, Series]:
    """The series of each folder, by label, with all its combos drawn alike."""
    combos_of: dict[str, list[Combo]] = {}
    for combo in combos:
        combos_of.setdefault(combo.label, []).append(combo)
    looks = {}
    for label, members in sorted(combos_of.items(), key=lambda item: item[1][0].colour):
        task = combo_texts.task_if_different(study.combos, members)
        looks[label] = Series(
            combo_texts.legend_text(label, [combo.connectome for combo in members], task), members[0].colour
        )
    return looks


def arrays_of(combo: Combo) -> Iterator[dict[str, np.ndarray]]:
    """Arrays of the runs that neither diverged nor are unbounded, as those are not on an attractor."""
    return (arrays for _, arrays in arrays_by_iteration(combo))


def arrays_by_iteration(combo: Combo) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """The same with the iteration of each run. Unreadable files are named on the console and left out."""
    return _read_by_iteration(combo, combo.loaded.arrays)


def trials_by_iteration(combo: Combo) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Example trials of these runs instead; empty in folders of earlier versions."""
    return _read_by_iteration(combo, combo.loaded.trials)


def activity_by_iteration(combo: Combo) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Rates over time of these runs instead; empty in folders of earlier versions."""
    return _read_by_iteration(combo, combo.loaded.activity)


def _read_by_iteration(
    combo: Combo, read: Callable[[int, int], dict[str, np.ndarray]]
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
    for iteration in rows.loc[~rows["status"].isin(results.LEFT_OUT), "iteration"]:
        try:
            yield iteration, read(combo.number, iteration)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            say(f"{combo.label}: arrays of combo {combo.number} iteration {iteration} cannot be read: {error}")


def trial_events(arrays: Mapping[str, np.ndarray]) -> tuple[Event, ...]:
    """The events that all trials share; empty if there are none."""
    names = ("event_label", "event_onset", "event_offset")
    rows = zip(*(arrays[name].tolist() for name in names), strict=True) if names[0] in arrays else ()
    return tuple(Event(*row) for row in rows)


def ended_runs(study: Study, series: Mapping[tuple[str, int], Series]) -> pd.DataFrame:
    """The runs of these combos that ended, each with the text of its series."""
    texts = [series[key].text if key in series else None
             for key in zip(study.runs["label"], study.runs["number"], strict=True)]  # fmt: skip
    runs = study.runs.assign(series=texts)
    return runs[runs["status"].isin(results.ENDED) & runs["series"].notna()]
