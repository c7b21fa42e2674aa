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
    new_figure,
    runs_text,
    set_ylabel,
    spans_a_decade,
    zero_line,
)
from randomnet.plotting.value_axis import number_log_axis

MOST_STACKED, PANELS_PER_ROW = 7, 3  # panels in one column; panels in a row if there are more


def curves(
    history: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], title: str = "", singly: bool = True,
    each: float = 1.65,
) -> Figure:  # fmt: skip
    """Each panel's quantity over epochs, panels stacked in one column; more than MOST_STACKED panels are in rows.

    history: one row per run and epoch: series, run, status, epoch and the panels' columns. Runs with status `diverged`
             or `unbounded` are single lines up to their end, with a marker there, and are left out of means.
    singly:  whether a few runs are also drawn one by one; otherwise the edges of the bands are drawn.
    each:    height of a panel in inches.
    The line and its band are the geometric mean and `quantile_band` on log axes, and mean and standard deviation on
    linear ones. If a panel has training and validation values, the line style tells them apart, so the series must
    differ in colour. The first series are drawn on top.
    """
    with matplotlib.rc_context(STYLE):
        columns = PANELS_PER_ROW if len(panels) > MOST_STACKED else 1
        rows = -(-len(panels) // columns)
        figure = new_figure(SINGLE if columns == 1 else DOUBLE, 0.55 + each * rows, title)
        all_axes = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        run_counts = [_draw_curves(axes, history, panel, series, singly)
                      for axes, panel in zip(all_axes, panels, strict=False)]  # fmt: skip
        for axes in all_axes[len(panels) :]:
            axes.remove()
        for axes in all_axes[max(0, len(panels) - columns) : len(panels)]:
            axes.set_xlabel("epoch (0: untrained)")
            axes.tick_params(labelbottom=True)
        all_axes[len(panels) - 1].xaxis.get_major_locator().set_params(integer=True)
        figure.align_ylabels(all_axes[: len(panels)])
        counts = {look.text: max(panel.get(look.text, 0) for panel in run_counts) for look in series}
        paired = any(panel.training in history for panel in panels)
        handles = [line_handle(look, f"{look.text}, {runs_text(counts[look.text])}", "-" if paired else look.linestyle)
                   for look in series]  # fmt: skip
        if paired:
            handles += [Line2D([], [], color=REFERENCE, label="validation"),
                        Line2D([], [], color=REFERENCE, linestyle=DASHED, label="training")]  # fmt: skip
        handles += chance_handles(panels)
        handles += excluded_handles(history)
        legend(figure, handles, _spread_text(all_axes[: len(panels)], run_counts))
        return figure


def _spread_text(all_axes: Sequence[Axes], run_counts: Sequence[dict[str, int]]) -> str:
    """What lines and bands show, given the number of runs per series in each panel."""
    counts_by_scale: dict[bool, list[int]] = {True: [], False: []}
    for axes, counts in zip(all_axes, run_counts, strict=True):
        counts_by_scale[axes.get_yscale() == "log"] += counts.values()
    return averages_text(counts_by_scale[True], counts_by_scale[False])


def _draw_curves(
    axes: Axes, history: pd.DataFrame, panel: Panel, series: Sequence[Series], singly: bool
) -> dict[str, int]:
    """Draw one panel. Returns the number of averaged runs per series."""
    set_ylabel(axes, panel.label)
    columns = [name for name in (panel.training, panel.column) if name in history]
    tables = {name: history.assign(value=history[name].astype(float).replace([np.inf, -np.inf], np.nan))
             for name in columns}  # fmt: skip
    values = pd.concat(tables.values()) if tables else pd.DataFrame({"value": []})
    if not finite_values(values["value"]).size:
        label_no_values(axes)
        return {}
    low, high, log = _limits(values, panel, singly)
    axes.set_yscale("log" if log else "linear")
    if log:
        number_log_axis(axes, low, high)
    if panel.zero:
        zero_line(axes)
    chance_line(axes, panel.chance)
    counts = dict.fromkeys((look.text for look in series), 0)
    for name in columns:
        for look in reversed(series):
            dash = (DASHED if name == panel.training else "-") if panel.training in history else look.linestyle
            rows = tables[name][tables[name]["series"] == look.text]
            averaged = _draw_series(axes, rows, look, dash, (low, high), name != panel.training, singly)
            counts[look.text] = max(counts[look.text], averaged)
    axes.set_ylim(low, high)
    return counts


def _limits(history: pd.DataFrame, panel: Panel, singly: bool) -> tuple[float, float, bool]:
    """y limits, and whether the axis is log.

    The limits hold all runs that did not diverge, and up to half as much again for runs that did. If single runs are
    not drawn, limits on a log axis are those of the bands.
    """
    excluded = history["status"].isin(list(EXCLUDED_MARKERS))
    averaged, excluded_values = finite_values(history["value"][~excluded]), finite_values(history["value"][excluded])
    values = averaged if averaged.size else excluded_values
    may_be_log = panel.chance is None and not panel.linear
    log = may_be_log and (spans_a_decade(values) or (panel.log and bool(values.min() > 0)))
    values = _bands(history[~excluded]) if log and not singly and averaged.size else values
    values = np.concatenate([values, panel.spans, panel.chance or ()])
    scale = np.log10 if log else np.asarray
    low, high = float(scale(values.min())), float(scale(values.max()))
    span = high - low or max(abs(high), 1.0) * 0.1
    excluded_values = scale(excluded_values[excluded_values > 0]) if log else excluded_values
    low = max(min(low, excluded_values.min(initial=low)), low - 0.5 * span) - 0.06 * span
    high = min(max(high, excluded_values.max(initial=high)), high + 0.5 * span) + 0.06 * span
    return (10**low, 10**high, True) if log else (low, high, False)


def _bands(history: pd.DataFrame) -> np.ndarray:
    """Ends of the bands of all series and epochs (n,)."""
    tables = [rows.pivot_table(index="epoch", columns="run", values="value") for _, rows in history.groupby("series")]
    return np.concatenate([np.ravel(quantile_band(table.to_numpy().T)) for table in tables if table.size])


def _draw_series(
    axes: Axes, rows: pd.DataFrame, look: Series, dash: Any, limits: tuple[float, float], main: bool, singly: bool
) -> int:
    """Draw one series, of the panel's own column (main) or of its training. Returns the number of averaged runs."""
    by_run = rows.pivot_table(index="epoch", columns="run", values="value", dropna=False).dropna(how="all")
    excluded = rows.loc[rows["status"].isin(list(EXCLUDED_MARKERS))].drop_duplicates("run")
    excluded = excluded.set_index("run")["status"].to_dict()
    averaged = by_run.drop(columns=list(excluded), errors="ignore").dropna(axis=1, how="all").dropna(how="all")
    if singly and main and 1 < averaged.shape[1] <= THIN_RUNS:
        axes.plot(averaged.index, averaged, color=look.color, linewidth=0.4, alpha=0.5)
    if averaged.shape[1]:
        middle, low, high = _middle(averaged, axes.get_yscale() == "log")
        # A line through one epoch is invisible, and markers show when a sparse quantity was recorded.
        epochs = rows.loc[rows["epoch"] >= averaged.index[0], "epoch"].nunique()
        marker = look.marker if len(middle) == 1 or len(middle) < epochs else None
        axes.plot(averaged.index, middle, color=look.color, linestyle=dash, marker=marker, markersize=3)
        faint = not (main and singly)
        axes.fill_between(averaged.index, low, high, color=look.color, alpha=0.08 if faint else 0.2, linewidth=0)
        if not singly:  # edges tell overlapping bands apart
            axes.plot(averaged.index, np.column_stack([low, high]), color=look.color, linewidth=0.4, alpha=0.6)
    for run, status in excluded.items():
        line = by_run[run].dropna() if run in by_run else pd.Series(dtype=float)
        if len(line):
            axes.plot(line.index, line, color=look.color, linestyle="-" if main else dash, linewidth=0.7, alpha=0.8)
            axes.plot(line.index[-1], np.clip(line.iloc[-1], *limits), EXCLUDED_MARKERS[status], color=look.color,
                      markersize=4, clip_on=False)  # fmt: skip
    return averaged.shape[1]


def _middle(averaged: pd.DataFrame, log: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The line and the ends of its band, (epochs,) each; averaged: one column per run."""
    if log:
        rows = averaged.to_numpy().T
        return geometric_mean(rows), *quantile_band(rows)
    mean, spread = averaged.mean(axis=1).to_numpy(), averaged.std(axis=1).to_numpy()
    return mean, mean - spread, mean + spread
