"""Quantities over epochs."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.run_averages import averages_text, geometric_mean, quantile_band
from randomnet.plotting.style import (
    DASHED,
    DOUBLE,
    EXCLUDED_MARKERS,
    REFERENCE,
    SINGLE,
    STYLE,
    THIN_RUNS,
    Panel,
    Series,
    chance_handles,
    chance_line,
    excluded_handles,
    finite_values,
    label_no_values,
    legend,
    line_handle,
    log_numbers,
    new_figure,
    runs_text,
    set_ylabel,
    spans_a_decade,
    zero_line,
)

MOST_STACKED, BESIDE = 7, 3  # panels in one column, and in a row where there are more
PLAIN = (1e-2, 1e4)  # limits of a log axis within which numbers are best read without exponents


def curves(
    history: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], title: str = "", singly: bool = True,
    each: float = 1.65,
) -> Figure:  # fmt: skip
    """Each panel's quantity over epochs, panels stacked, one column wide; more than MOST_STACKED of them side by side.

    history: one row per run and epoch: series, run, status, epoch and the panels' columns. Runs of status `diverged`
             or `unbounded` are drawn singly up to where they end, with a mark, and are in no mean.
    singly:  whether a few runs are also drawn one by one, or else the edges of the bands.
    each:    the height of a panel in inches.
    The line and its band are the geometric mean and `quantile_band` on log axes, and mean and standard deviation on
    linear ones.
    Where a panel has training beside validation, the line style tells them apart, and so the series must differ in
    colour. Of series that overlap the first ones are on top.
    """
    with matplotlib.rc_context(STYLE):
        columns = BESIDE if len(panels) > MOST_STACKED else 1
        rows = -(-len(panels) // columns)
        figure = new_figure(SINGLE if columns == 1 else DOUBLE, 0.55 + each * rows, title)
        every = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        drawn = [_draw_curves(axes, history, panel, series, singly) for axes, panel in zip(every, panels, strict=False)]
        for axes in every[len(panels) :]:
            axes.remove()
        for axes in every[max(0, len(panels) - columns) : len(panels)]:
            axes.set_xlabel("epoch (0: untrained)")
            axes.tick_params(labelbottom=True)
        every[len(panels) - 1].xaxis.get_major_locator().set_params(integer=True)
        figure.align_ylabels(every[: len(panels)])
        counts = {one.text: max(panel.get(one.text, 0) for panel in drawn) for one in series}
        paired = any(panel.training in history for panel in panels)
        handles = [line_handle(one, f"{one.text}, {runs_text(counts[one.text])}", "-" if paired else one.linestyle)
                   for one in series]  # fmt: skip
        if paired:
            handles += [Line2D([], [], color=REFERENCE, label="validation"),
                        Line2D([], [], color=REFERENCE, linestyle=DASHED, label="training")]  # fmt: skip
        handles += chance_handles(panels)
        handles += excluded_handles(history)
        legend(figure, handles, _spread_text(every[: len(panels)], drawn))
        return figure


def _spread_text(every: Sequence[Axes], drawn: Sequence[dict[str, int]]) -> str:
    """What lines and bands are, of the numbers of runs of the series in each panel."""
    sets: dict[bool, list[int]] = {True: [], False: []}
    for axes, counts in zip(every, drawn, strict=True):
        sets[axes.get_yscale() == "log"] += counts.values()
    return averages_text(sets[True], sets[False])


def _draw_curves(
    axes: Axes, history: pd.DataFrame, panel: Panel, series: Sequence[Series], singly: bool
) -> dict[str, int]:
    """Draw one panel; returns how many runs each series' mean is of."""
    set_ylabel(axes, panel.label)
    columns = [name for name in (panel.training, panel.column) if name in history]
    clean = {name: history.assign(value=history[name].astype(float).replace([np.inf, -np.inf], np.nan))
             for name in columns}  # fmt: skip
    both = pd.concat(clean.values()) if clean else pd.DataFrame({"value": []})
    if not finite_values(both["value"]).size:
        label_no_values(axes)
        return {}
    low, high, log = _limits(both, panel, singly)
    axes.set_yscale("log" if log else "linear")
    if log and PLAIN[0] <= low < high <= PLAIN[1]:
        log_numbers(axes.yaxis, low, high)
    if panel.zero:
        zero_line(axes)
    chance_line(axes, panel.chance)
    counts = dict.fromkeys((one.text for one in series), 0)
    for name in columns:
        for one in reversed(series):
            dash = (DASHED if name == panel.training else "-") if panel.training in history else one.linestyle
            rows = clean[name][clean[name]["series"] == one.text]
            drawn = _draw_series(axes, rows, one, dash, (low, high), name != panel.training, singly)
            counts[one.text] = max(counts[one.text], drawn)
    axes.set_ylim(low, high)
    return counts


def _limits(history: pd.DataFrame, panel: Panel, singly: bool) -> tuple[float, float, bool]:
    """y limits and whether they are log: all runs that did not diverge, and half as much again for those that did.

    Where runs are not drawn singly on a log axis, the limits are those of the bands.
    """
    lost = history["status"].isin(list(EXCLUDED_MARKERS))
    steady, wild = finite_values(history["value"][~lost]), finite_values(history["value"][lost])
    main = steady if steady.size else wild
    log = panel.chance is None and not panel.linear and (spans_a_decade(main) or (panel.log and bool(main.min() > 0)))
    main = _bands(history[~lost]) if log and not singly and steady.size else main
    main = np.concatenate([main, panel.spans, panel.chance or ()])
    scale = np.log10 if log else np.asarray
    low, high = float(scale(main.min())), float(scale(main.max()))
    span = high - low or max(abs(high), 1.0) * 0.1
    wild = scale(wild[wild > 0]) if log else wild
    low = max(min(low, wild.min(initial=low)), low - 0.5 * span) - 0.06 * span
    high = min(max(high, wild.max(initial=high)), high + 0.5 * span) + 0.06 * span
    return (10**low, 10**high, True) if log else (low, high, False)


def _bands(history: pd.DataFrame) -> np.ndarray:
    """The ends of the bands of all series and epochs."""
    wide = [rows.pivot_table(index="epoch", columns="run", values="value") for _, rows in history.groupby("series")]
    return np.concatenate([np.ravel(quantile_band(steady.to_numpy().T)) for steady in wide if steady.size])


def _draw_series(
    axes: Axes, rows: pd.DataFrame, one: Series, dash: Any, limits: tuple[float, float], main: bool, singly: bool
) -> int:
    """Draw one series; returns how many runs its mean is of. main: the panel's own column, not its training."""
    wide = rows.pivot_table(index="epoch", columns="run", values="value", dropna=False).dropna(how="all")
    lost = rows.loc[rows["status"].isin(list(EXCLUDED_MARKERS))].drop_duplicates("run")
    lost = lost.set_index("run")["status"].to_dict()
    steady = wide.drop(columns=list(lost), errors="ignore").dropna(axis=1, how="all").dropna(how="all")
    if singly and main and 1 < steady.shape[1] <= THIN_RUNS:
        axes.plot(steady.index, steady, color=one.color, linewidth=0.4, alpha=0.5)
    if steady.shape[1]:
        middle, low, high = _middle(steady, axes.get_yscale() == "log")
        # One epoch is a point, and a line through it is nothing to see; what is recorded now and then shows when.
        since = rows.loc[rows["epoch"] >= steady.index[0], "epoch"].nunique()
        marker = one.marker if len(middle) == 1 or len(middle) < since else None
        axes.plot(steady.index, middle, color=one.color, linestyle=dash, marker=marker, markersize=3)
        faint = not (main and singly)
        axes.fill_between(steady.index, low, high, color=one.color, alpha=0.08 if faint else 0.2, linewidth=0)
        if not singly:  # bands that overlap are told apart by their edges
            axes.plot(steady.index, np.column_stack([low, high]), color=one.color, linewidth=0.4, alpha=0.6)
    for run, status in lost.items():
        line = wide[run].dropna() if run in wide else pd.Series(dtype=float)
        if len(line):
            axes.plot(line.index, line, color=one.color, linestyle="-" if main else dash, linewidth=0.7, alpha=0.8)
            axes.plot(line.index[-1], np.clip(line.iloc[-1], *limits), EXCLUDED_MARKERS[status], color=one.color,
                      markersize=4, clip_on=False)  # fmt: skip
    return steady.shape[1]


def _middle(steady: pd.DataFrame, log: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The line and the ends of its quantile_band, (epochs,) each, of one column per run."""
    if log:
        rows = steady.to_numpy().T
        return geometric_mean(rows), *quantile_band(rows)
    mean, spread = steady.mean(axis=1).to_numpy(), steady.std(axis=1).to_numpy()
    return mean, mean - spread, mean + spread
