"""Which stimulation during a task costs most: accuracies by site and window against those of trials left alone.

stimulation_sentences   one for each combo
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from randomnet.comparison.controls import runs_of_combos
from randomnet.comparison.study import Combo, Study
from randomnet.results import FINISHED

CONTROL, CHANGE, ERROR = "accuracy_control", "accuracy_change_of_", "_stderr"
MOST_SENTENCES = 4


def stimulation_sentences(study: Study) -> list[str]:
    """The largest loss of accuracy of each combo and its error; empty where no run is of a task with an accuracy."""
    if CONTROL not in study.runs:
        return []
    sentences = [text for combo in study.combos for text in _sentence(study, combo)]
    more = len(sentences) - MOST_SENTENCES
    return [*sentences[:MOST_SENTENCES], *([f"{more} more combos are in means.csv."] if more > 0 else [])]


def _sentence(study: Study, combo: Combo) -> Iterator[str]:
    runs = runs_of_combos(study.runs, [combo])
    runs = runs[runs["status"].isin(FINISHED) & runs[CONTROL].notna()]
    places = [column for column in runs if column.startswith(CHANGE) and not column.endswith(ERROR)]
    changes = runs[places].astype(float).dropna(axis=1)
    if changes.empty:
        return
    where = ", ".join(f"{option.split('.')[-1]} = {value}" for option, value in combo.values.items())
    subject = f"With {where}, accuracy" if where else "Accuracy"
    control = f"{runs[CONTROL].astype(float).mean():.3g} % without stimulation"
    means = changes.mean()
    column = str(means.idxmin())
    if means[column] >= 0:
        yield f"{subject} falls nowhere from {control}; pairs of site and window: {len(means)}."
        return
    error, fall = _error(runs, column), f"{-means[column]:.3g}"
    is_known = np.isfinite(error)
    points = f"{fall} ± {error:.2g} points (standard error over {_over(runs)})" if is_known else f"{fall} points"
    yield (f"{subject} falls most for {column.removeprefix(CHANGE).replace('_', ', ')}: by {points} from {control}; "
           f"pairs of site and window: {len(means)}.")  # fmt: skip


def _error(runs: pd.DataFrame, column: str) -> float:
    """The standard error over networks; that over trials where there is one network, nan where it is unknown."""
    if len(runs) > 1:
        return float(runs[column].astype(float).sem())
    return float(runs[f"{column}{ERROR}"].iloc[0]) if f"{column}{ERROR}" in runs else np.nan


def _over(runs: pd.DataFrame) -> str:
    return f"{len(runs)} networks" if len(runs) > 1 else "trials"
