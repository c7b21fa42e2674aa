"""Marks of single runs and of means: dots, standard errors, lower bounds, intervals.

draw_runs    a dot per run, hollow where it did not converge, with its standard errors and initial states
draw_mean    the mean of one cell with its interval
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.path import Path

from randomnet.plotting.style import Panel, Series, averaged_runs, finite_values

ERRORS = 2.0  # standard errors of a run, up and down
INTERVAL_FROM = 3  # values; the interval of two is so wide that it hides everything else
ARROW = [Path([(0, 0), (0, 3)]), Path([(-0.9, 1.9), (0, 3.1), (0.9, 1.9)])]  # upwards from a dot of radius 1
BOUND_MARKER = Path.make_compound_path(Path.circle(), *[Path(np.add(part.vertices, (0, 1))) for part in ARROW])
BOUND_MEAN_MARKER = Path.make_compound_path(Path([(-2, 0), (2, 0)]), *ARROW)
MEAN: dict[str, Any] = {"color": "k", "marker": "_", "markersize": 7, "markeredgewidth": 1.1}
MEAN_OF_BOUNDS: dict[str, Any] = {"color": "k", "marker": BOUND_MEAN_MARKER, "markersize": 10.85,
                                  "markerfacecolor": "none",
                                  "markeredgewidth": 1.1}  # its bar is as long as that of MEAN  # fmt: skip
REFERENCE_STYLE: dict[str, Any] = {"marker": "D", "markersize": 4.5, "markerfacecolor": "none", "markeredgewidth": 0.8}
STATES_SUFFIX = "_of_states"  # suffix of a column that holds an array per run: the values of its initial states
HOLLOW_SUFFIX = "_hollow"  # suffix of a column that is True for runs whose value of that column is doubtful
STATE: dict[str, Any] = {"marker": "o", "markersize": 1.5, "markeredgewidth": 0, "alpha": 0.7}
CHANCE_OF_RUN: dict[str, Any] = {"marker": "_", "markersize": 6, "color": "0.6"}
CHANCE_TEXT = "chance level of each run: best constant answer"
MEAN_OF_BOUNDS_TEXT = "mean including lower bounds, interval open above"
DASHED_BAR = (0, (1.5, 1))  # interval over starts of one network
Interval = Callable[[np.ndarray], tuple[float, float]]


def numbers(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float (runs,), all nan if it does not exist."""
    return rows[column].to_numpy(dtype=float) if column in rows else np.full(len(rows), np.nan)


def runs_with_value(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The averaged runs that have a finite value in a column."""
    averaged = averaged_runs(rows)
    return averaged[np.isfinite(averaged[column].astype(float))]


def values_of_mean(rows: pd.DataFrame, column: str) -> np.ndarray:
    """Finite values of the averaged runs, those of one iteration averaged first, as they share their seed: (n,)."""
    runs = runs_with_value(rows, column)
    values = runs[column].astype(float)
    return (values.groupby(runs["iteration"]).mean() if "iteration" in runs else values).to_numpy()


def hollow(runs: pd.DataFrame, panel: Panel) -> np.ndarray:
    """Mask (runs,) of the runs with a doubtful value."""
    return numbers(runs, f"{panel.column}{HOLLOW_SUFFIX}") == 1


def error_range(rows: pd.DataFrame, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end (runs,) of each run's error bar, nan where unknown.

    The ends are those of the panel's columns `ends` if present, else two standard errors down and up.
    """
    values, errors = rows[panel.column].to_numpy(dtype=float), numbers(rows, panel.error)
    symmetric = values - ERRORS * errors, values + ERRORS * errors
    ends = [numbers(rows, name) for name in panel.ends]
    low, high = (np.where(np.isfinite(end), end, other) for end, other in zip(ends, symmetric, strict=True))
    return low, high


def draw_runs(axes: Axes, runs: pd.DataFrame, panel: Panel, look: Series, positions: np.ndarray) -> None:
    """Draw a dot per run at `positions` (runs,); lower bounds have an arrow, doubtful values are hollow."""
    bound = numbers(runs, panel.bound) == 1
    doubtful = hollow(runs, panel)
    if panel.own_chance in runs:
        axes.plot(positions, runs[panel.own_chance].astype(float), linestyle="", zorder=3, **CHANCE_OF_RUN)
    for is_kind, marker in ((~bound, look.marker), (bound, BOUND_MARKER)):
        for is_hollow, face in ((False, look.color), (True, "white")):
            selected = is_kind & (doubtful == is_hollow)
            if selected.any():
                axes.plot(positions[selected], runs.loc[selected, panel.column].astype(float), linestyle="",
                          marker=marker, color=look.color, markersize=3.2 if marker is not BOUND_MARKER else 4.1 * 3.2,
                          markerfacecolor=face, markeredgewidth=0.6, alpha=0.6, zorder=5,
                          gid="run")  # fmt: skip
    for position, values in zip(positions, runs.get(f"{panel.column}{STATES_SUFFIX}", ()), strict=False):
        axes.plot([position] * len(values), values, linestyle="", color=look.color, zorder=4, **STATE)
    _draw_errors(axes, runs, panel, look, positions)


def _draw_errors(axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, positions: np.ndarray) -> None:
    """Draw a thin bar over each run's error range, not below the smallest possible value."""
    low, high = error_range(rows, panel)
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        low = np.maximum(low, -np.inf if panel.least is None else panel.least)[known]
        bars = axes.vlines(positions[known], low, high[known], color=look.color, linewidth=0.5, alpha=0.6, zorder=3)
        bars.set_gid("standard errors")


def draw_mean(
    axes: Axes, rows: pd.DataFrame, panel: Panel, x: float, interval: Interval, dashed: bool
) -> None:
    """Draw the mean of a cell at x, from two values on, and its interval, from INTERVAL_FROM values on.

    dashed: whether the interval is dashed, as it is over runs of one network. If a value is a lower bound, so is the
    mean, and its interval is open above.
    """
    values = values_of_mean(rows, panel.column)
    if len(values) < 2:
        return
    mean, is_bound = values.mean(), (numbers(runs_with_value(rows, panel.column), panel.bound) == 1).any()
    axes.plot([x], [mean], linestyle="", zorder=6, gid="mean", **(MEAN_OF_BOUNDS if is_bound else MEAN))
    if len(values) >= INTERVAL_FROM:
        low, high = interval(values)
        if axes.get_yscale() == "log":
            low = max(low, 0.5 * finite_values(values).min())  # 0 is not on a log axis
        low = max(low, -np.inf if panel.least is None else panel.least)
        bar = axes.vlines([x], [low], mean if is_bound else high, color=MEAN["color"], linewidth=1.2, zorder=6,
                          linestyles=DASHED_BAR if dashed else "-")  # fmt: skip
        bar.set_gid("interval")


def draw_reference(axes: Axes, places: Sequence[float], means: Sequence[float], look: Series, dash: Any) -> None:
    """Draw the values to compare with as diamonds, joined by a line with this dash."""
    axes.plot(places, means, color=look.color, linestyle=dash, linewidth=1.0, zorder=4, gid="reference",
              **REFERENCE_STYLE)  # fmt: skip
