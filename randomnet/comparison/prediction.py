"""How many recorded neurons predict the others: the number M at which half of their variance is explained.

half_error             M at the crossing of the median error, with its interval over iterations
m_of                   the same as plain numbers; note: why there is none
prediction_sentences   one for each student
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from randomnet.comparison.controls import option_values, runs_of_combos
from randomnet.comparison.hypothesis_tests import side_text
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.study import ABSENT, Combo, Study
from randomnet.comparison.transition import Curves, Transition, transition
from randomnet.results import FINISHED

UNRECORDED_ERROR, RECORDED = "error_unrecorded_final", "recorded"
HALF = 0.5  # of the variance of unrecorded neurons
SAME = 1e-3  # relative difference of the dimensions of one teacher
FEWEST, MOST_SENTENCES = 2, 8  # values of M that make a curve; sentences


def half_error(runs: pd.DataFrame) -> Transition:
    """Where the median error of unrecorded neurons falls below HALF, in log10 M, with its interval over iterations."""
    table = pd.DataFrame({"g": np.log10(runs[RECORDED].astype(float)), "iteration": runs["iteration"],
                          "lambda_max": HALF - errors_of(runs)})  # fmt: skip
    return transition(Curves.of(table))


def errors_of(runs: pd.DataFrame) -> pd.Series:
    """The errors of unrecorded neurons; nan where there are none."""
    return runs.get(UNRECORDED_ERROR, pd.Series(np.nan, runs.index)).astype(float)


def m_of(estimate: Transition) -> tuple[float | None, float, float]:
    """M at the crossing and the ends of its interval, 0 or inf where they are beyond the grid; None without one."""
    if estimate.crossing is None:
        return None, np.nan, np.nan
    low = -np.inf if estimate.low < estimate.g.min() else estimate.low
    high = np.inf if estimate.high > estimate.g.max() else estimate.high
    return 10**estimate.crossing, 10**low, 10**high


def note(runs: pd.DataFrame) -> str:
    """Why there is no M at which half is explained; empty where there is one."""
    medians = errors_of(runs).groupby(runs[RECORDED]).median().dropna()
    if medians.empty:
        return "there are no unrecorded neurons"
    if half_error(runs).crossing is not None:
        return ""
    ends = f"over all of M = {medians.index.min():g} to {medians.index.max():g}"
    if (medians < HALF).all():
        return f"half of the variance of unrecorded neurons is explained {ends}"
    beyond = " by more than two standard errors" if (medians < HALF).any() else ""
    return f"half of the variance of unrecorded neurons is not explained{beyond} {ends}"


def prediction_sentences(study: Study) -> list[str]:
    """A sentence for each student whose number of recorded neurons varies, and one on the dimension of the activity."""
    if RECORDED not in study.runs:
        return []
    sentences = list(_sentences(study))
    more = len(sentences) - MOST_SENTENCES
    more_text = [f"{more} more students are in prediction.csv."] if more > 0 else []
    return [*sentences[:MOST_SENTENCES], *more_text, *(_dimension_sentence(study.runs) if sentences else [])]


def dimensions_of(runs: pd.DataFrame) -> np.ndarray:
    """(iterations,), the dimension of the activity of each teacher, which runs of one iteration have in common."""
    return runs["dimension"].astype(float).groupby(runs["iteration"]).mean().dropna().to_numpy()


def _dimension_sentence(runs: pd.DataFrame) -> list[str]:
    """What the dimension of the activity is; its range where runs of one iteration have different teachers."""
    values = runs["dimension"].astype(float).dropna()
    if values.empty:
        return []
    of_iteration = values.groupby(runs["iteration"])
    if (of_iteration.max() > (1 + SAME) * of_iteration.min()).any():
        return [f"The teachers' activity has a dimension (participation ratio) between {values.min():.2g} and "
                f"{values.max():.2g}; teachers differ between combos."]  # fmt: skip
    return [f"The teachers' activity has a dimension (participation ratio) of {_mean_text(dimensions_of(runs))}."]


def _sentences(study: Study) -> Iterator[str]:
    others = [name for name in study.varied if name.split(".")[-1] != "n_recorded"]
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault((combo.label, *option_values(combo, others)), []).append(combo)
    for combos in sets.values():
        runs = runs_of_combos(study.runs, combos)
        runs = runs[runs["status"].isin(FINISHED) & errors_of(runs).notna()]
        if runs[RECORDED].nunique() >= FEWEST:
            name = ", ".join(f"{option} = {combos[0].get(option)}" for option in others
                             if combos[0].get(option) is not ABSENT)  # fmt: skip
            yield _sentence(side_text(combos[0].label, name) if len(study.labels) > 1 or not name else name, runs)


def _sentence(name: str, runs: pd.DataFrame) -> str:
    estimate, iterations = half_error(runs), runs["iteration"].nunique()
    half, low, high = m_of(estimate)
    if half is None:
        return f"With {name}, {note(runs)} (medians over {iterations} iterations)."
    ends = "" if np.isnan(low) else f" [{_end(low, runs)}, {_end(high, runs)}]"
    return (f"With {name}, half of the variance of unrecorded neurons is explained from M = {half:.2g}{ends} recorded "
            f"neurons on (medians over {iterations} iterations).")  # fmt: skip


def _end(value: float, runs: pd.DataFrame) -> str:
    """An end of the interval; beyond the grid it is only known to be there."""
    low, high = runs[RECORDED].min(), runs[RECORDED].max()
    return f"below {low:g}" if value < low else f"above {high:g}" if value > high else f"{value:.2g}"


def _mean_text(values: np.ndarray) -> str:
    if len(values) < 2:
        return f"{values.mean():.2g}"
    low, high = mean_interval(values)
    return f"{values.mean():.2g} [{low:.2g}, {high:.2g}]"
