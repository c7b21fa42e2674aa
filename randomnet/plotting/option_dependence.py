"""One value per run against the values of an option, with the mean and its interval."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path

from randomnet.plotting.option_axis import needs_log_axis, set_option_ticks, shifted, slot_width
from randomnet.plotting.style import (
    DASHED,
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    Panel,
    Series,
    averaged_runs,
    escape_dollars,
    excluded_handles,
    excluded_marks,
    finite_values,
    hollow_text,
    jitter,
    legend,
    mark_handle,
    new_figure,
    runs_text,
    set_groups,
    set_ylabel,
    zero_line,
)
from randomnet.plotting.value_axis import log_panels, number_axis, scale_label, share_limits

ERRORS = 2.0  # standard errors of a run, up and down
INTERVAL_FROM = 3  # iterations; the interval of two is so wide that it hides everything else
ARROW = [Path([(0, 0), (0, 3)]), Path([(-0.9, 1.9), (0, 3.1), (0.9, 1.9)])]  # upwards from a dot of radius 1
BOUND_MARKER = Path.make_compound_path(Path.circle(), *[Path(np.add(part.vertices, (0, 1))) for part in ARROW])
BOUND_MEAN_MARKER = Path.make_compound_path(Path([(-2, 0), (2, 0)]), *ARROW)
MEAN = {"color": "k", "marker": "_", "markersize": 7, "markeredgewidth": 1.1}
MEAN_OF_BOUNDS = {"color": "k", "marker": BOUND_MEAN_MARKER, "markersize": 10.85, "markerfacecolor": "none",
                  "markeredgewidth": 1.1}  # its bar is as long as that of MEAN  # fmt: skip
REFERENCE_STYLE = {"marker": "D", "markersize": 4.5, "markerfacecolor": "none", "markeredgewidth": 0.8}
MEAN_OF_BOUNDS_TEXT = "mean including lower bounds, interval open above"
STATES_SUFFIX = "_of_states"  # suffix of a column that holds an array per run: the values of its initial states
STATE = {"marker": "o", "markersize": 1.5, "markeredgewidth": 0, "alpha": 0.7}
Interval = Callable[[np.ndarray], tuple[float, float]]


def option_dependence(
    table: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], interval: Interval, xlabel: str = "",
    title: str = "", groups: Sequence[str] = (), logarithmic: bool = False, over: str = "iterations",
) -> Figure:  # fmt: skip
    """A dot per run and the mean with its interval, against x and by series (colour); panels side by side.

    table:       one row per run: series, x, status, converged (0, 1 or nan), the panels' columns, and their columns
                 `reference` and `bound`. x is a number, or an index of `groups` if these are named. A panel's column
                 with the suffix STATES_SUFFIX holds the values of each run's initial states, drawn as small dots.
    interval:    function of the values of INTERVAL_FROM or more iterations that returns its lower and upper end.
    logarithmic: whether both axes are log, whatever the values.
    over:        what the runs of one series and x are, for the legend.

    Runs that did not converge are hollow. Runs with status `diverged` or `unbounded` are markers at the upper edge and
    are left out of means. Runs of the same series, x and `iteration` share their seed, so they are averaged before the
    mean and its interval are taken. A mean that includes a lower bound is a lower bound, and its interval is open
    above. Places without any value are labelled so.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if len(panels) == 1 else DOUBLE, 2.5, title)
        row = figure.subplots(1, len(panels), sharex=True, squeeze=False)[0]
        log = [logarithmic or is_log for is_log in log_panels(averaged_runs(table), panels)]
        for axes, panel, is_log in zip(row, panels, log, strict=True):
            log_x = needs_log_axis(table["x"]) if not groups else False
            axes.set_xscale("log" if log_x or logarithmic else "linear")
            axes.set_yscale("log" if is_log else "linear")
            _draw_panel(axes, table, panel, series, interval, groups, logarithmic)
            set_ylabel(axes, scale_label(panel.label, log, is_log))
            if groups and list(groups) == [look.text for look in series] and len(panels) > 1:
                axes.set_xticks([])  # the legend has the names, for which there is no room
            elif groups:
                set_groups(axes, groups, (48 if len(panels) == 1 else 84) // len(panels))
            else:
                set_option_ticks(axes, table["x"])
            axes.set_xlabel(escape_dollars(xlabel))
        share_limits(row, panels)
        for axes, panel in zip(row, panels, strict=True):
            number_axis(axes, panel)
        legend(figure, _handles(table, panels, series, not groups, over), "; ".join(_undetermined_texts(table, panels)))
        return figure


def _draw_panel(
    axes: Axes, table: pd.DataFrame, panel: Panel, series: Sequence[Series], interval: Interval, groups: Sequence[str],
    logarithmic: bool,
) -> None:  # fmt: skip
    averaged = averaged_runs(table)
    if panel.zero:
        zero_line(axes)
    step = 0.7 if groups else slot_width(axes, table["x"])
    by_series = list(groups) == [look.text for look in series]
    slot = step / (1 if by_series else max(1, len(series)))
    width = 0.35 * slot
    is_empty_at: dict[float, bool] = {}  # by place
    for index, look in enumerate(series):
        shift = 0.0 if logarithmic or by_series else (index - (len(series) - 1) / 2) / max(1, len(series))
        rows = table[table["series"] == look.text]
        for x, is_empty in _without_value(rows, panel.column).items():
            # With numbers on the x axis, series share their slot.
            place = shifted(axes, x, step * shift) if groups else x
            is_empty_at[place] = is_empty_at.get(place, True) and is_empty
        for x, runs in rows.groupby("x"):
            _draw_runs(axes, runs, panel, look, shifted(axes, x, step * shift), width)
        if panel.reference in table:
            _draw_reference(axes, rows, panel.reference, look, step * shift, "" if groups else DASHED)
        _draw_means(axes, rows, panel, look, interval, "" if groups else look.linestyle, step * shift)
    if groups:
        axes.set_xlim(-0.6, len(groups) - 0.4)
    _label_undetermined(axes, is_empty_at, 0.5 * (slot if groups else step))
    axes.margins(y=0.1)
    _limit_to_least(axes, panel.least, averaged[panel.column])


def _limit_to_least(axes: Axes, least: float | None, values: pd.Series) -> None:
    """End the y axis at the smallest possible value; it is one unit long if all values equal that."""
    if least is None or axes.get_yscale() == "log":
        return
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, least), least + 1 if (finite_values(values) == least).all() else high)


def _draw_runs(axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, x: float, width: float) -> None:
    runs = _runs_with_value(rows, panel.column)
    offsets = width * jitter(len(runs))
    bound = _numbers(runs, panel.bound) == 1
    hollow = _numbers(runs, "converged") == 0
    for is_kind, marker in ((~bound, look.marker), (bound, BOUND_MARKER)):
        for is_hollow, face in ((False, look.color), (True, "white")):
            selected = is_kind & (hollow == is_hollow)
            if selected.any():
                positions = [shifted(axes, x, offset) for offset in offsets[selected]]
                axes.plot(positions, runs.loc[selected, panel.column], linestyle="", marker=marker, color=look.color,
                          markersize=3.2 if marker is not BOUND_MARKER else 4.1 * 3.2, markerfacecolor=face,
                          markeredgewidth=0.6, alpha=0.6, zorder=5, clip_on=False)  # fmt: skip
    for offset, values in zip(offsets, runs.get(f"{panel.column}{STATES_SUFFIX}", ()), strict=False):
        positions = shifted(axes, x, offset + 0.12 * width)
        axes.plot([positions] * len(values), values, linestyle="", color=look.color, zorder=4, **STATE)
    _draw_errors(axes, runs, panel, look, [shifted(axes, x, offset) for offset in offsets])
    excluded = excluded_marks(rows)
    for offset, mark in zip(width * jitter(len(excluded)), excluded, strict=True):
        axes.plot([shifted(axes, x, offset)], [0.98], mark, color=look.color, markersize=4, markerfacecolor="none",
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip


def _runs_with_value(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The averaged runs that have a finite value in a column."""
    averaged = averaged_runs(rows)
    return averaged[np.isfinite(averaged[column].astype(float))]


def _draw_errors(axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, positions: Sequence[float]) -> None:
    """Draw a thin bar over each run's error range, not below the smallest possible value."""
    low, high = _error_range(rows, panel)
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        low = np.maximum(low, -np.inf if panel.least is None else panel.least)[known]
        x = np.asarray(positions)[known]
        bars = axes.vlines(x, low, high[known], color=look.color, linewidth=0.5, alpha=0.6, zorder=3)
        bars.set_gid("standard errors")


def _error_range(rows: pd.DataFrame, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end (runs,) of each run's error bar, nan where unknown.

    The ends are those of the panel's columns `ends` if present, else two standard errors down and up.
    """
    values, errors = rows[panel.column].to_numpy(dtype=float), _numbers(rows, panel.error)
    symmetric = values - ERRORS * errors, values + ERRORS * errors
    ends = [_numbers(rows, name) for name in panel.ends]
    low, high = (np.where(np.isfinite(end), end, other) for end, other in zip(ends, symmetric, strict=True))
    return low, high


def _numbers(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float (runs,), all nan if it does not exist."""
    return rows[column].to_numpy(dtype=float) if column in rows else np.full(len(rows), np.nan)


def means_by_iteration(rows: pd.DataFrame, column: str) -> np.ndarray:
    """Finite values of the averaged runs, those of one iteration averaged first: (iterations,)."""
    runs = _runs_with_value(rows, column)
    values = runs[column].astype(float)
    return (values.groupby(runs["iteration"]).mean() if "iteration" in runs else values).to_numpy()


def _means_at(axes: Axes, rows: pd.DataFrame, column: str, shift: float) -> dict[float, np.ndarray]:
    values_at = {shifted(axes, x, shift): means_by_iteration(part, column) for x, part in rows.groupby("x")}
    return {x: values for x, values in values_at.items() if len(values)}


def _draw_reference(axes: Axes, rows: pd.DataFrame, column: str, look: Series, shift: float, dash: Any) -> None:
    values_at = _means_at(axes, rows, column, shift)
    means = [values.mean() for values in values_at.values()]
    axes.plot(list(values_at), means, color=look.color, linestyle=dash, linewidth=1.0, zorder=4, **REFERENCE_STYLE)


def _draw_means(
    axes: Axes, rows: pd.DataFrame, panel: Panel, look: Series, interval: Interval, dash: Any, shift: float
) -> None:
    values_at = _means_at(axes, rows, panel.column, shift)
    means = [values.mean() for values in values_at.values()]
    axes.plot(list(values_at), means, color=look.color, linestyle=dash, linewidth=1.0, zorder=4)
    averaged_places = [x for x, values in values_at.items() if len(values) > 1]
    bound_places = {shifted(axes, x, shift) for x, part in rows.groupby("x") if _has_bounds(part, panel)}
    for style, places in (
        (MEAN, set(averaged_places) - bound_places),
        (MEAN_OF_BOUNDS, bound_places & set(averaged_places)),
    ):
        shown = [x for x in averaged_places if x in places]
        axes.plot(shown, [values_at[x].mean() for x in shown], linestyle="", zorder=6, **style)
    least = -np.inf if panel.least is None else panel.least
    for x in (x for x in averaged_places if len(values_at[x]) >= INTERVAL_FROM):
        low, high = interval(values_at[x])
        low = max(low, 0.5 * min(means)) if axes.get_yscale() == "log" else max(low, least)  # 0 is not on a log axis
        axes.vlines(
            x, low, values_at[x].mean() if x in bound_places else high, color=look.color, linewidth=1.0, zorder=4
        )


def _has_bounds(rows: pd.DataFrame, panel: Panel) -> bool:
    """Whether any value in the mean of these runs is a lower bound."""
    runs = _runs_with_value(rows, panel.column)
    return bool((_numbers(runs, panel.bound) == 1).any())


def _without_value(rows: pd.DataFrame, column: str) -> dict[float, bool]:
    """By x, whether none of the averaged runs has a value."""
    averaged = averaged_runs(rows)
    return {x: not len(finite_values(part[column])) for x, part in averaged.groupby("x")}


def _undetermined_texts(table: pd.DataFrame, panels: Sequence[Panel]) -> Iterator[str]:
    """Legend lines for quantities without a value in some averaged runs."""
    averaged = averaged_runs(table)
    for panel in panels:
        missing = len(averaged) - len(finite_values(averaged[panel.column]))
        if missing:
            name = panel.label.split("\n")[0]
            yield f"{name}: not determined in {missing} of {runs_text(len(averaged))}, left out of its means"


def _label_undetermined(axes: Axes, is_empty_at: Mapping[float, bool], half: float) -> None:
    """Shade slots without a value in grey and label them; neighbours together, the text rotated in narrow ones.

    half: half the width of a slot, in the unit of `shifted`.
    """
    scaled = np.log10 if axes.get_xscale() == "log" else np.asarray
    for is_empty, neighbours in groupby(sorted(is_empty_at), key=is_empty_at.__getitem__):
        places = list(neighbours)
        if is_empty:
            low, high = shifted(axes, places[0], -half), shifted(axes, places[-1], half)
            ends = scaled(
                np.array([low, high, shifted(axes, min(is_empty_at), -half), shifted(axes, max(is_empty_at), half)])
            )
            share = (ends[1] - ends[0]) / np.ptp(ends)
            axes.axvspan(low, high, color="0.95", linewidth=0, zorder=-1)
            middle = shifted(axes, low, (ends[1] - ends[0]) / 2)
            axes.text(middle, 0.5, "not determined", transform=axes.get_xaxis_transform(), ha="center", va="center",
                      rotation=90 if share < 0.5 else 0, color="0.4", fontsize=STYLE["legend.fontsize"],
                      zorder=7)  # fmt: skip


def _mean_text(table: pd.DataFrame, over: str) -> str:
    """What the means and intervals in the legend are of; empty if there are none."""
    pooled = "iteration" in table and table.duplicated(["series", "x", "iteration"]).any()
    units = table.drop_duplicates(["series", "x", "iteration"]) if "iteration" in table else table
    sizes = units.groupby(["series", "x"]).size()
    least, most = (sizes.min(), sizes.max()) if len(units) else (0, 0)
    if most < 2:
        return ""
    count = f"n = {most}" if least == most else f"n = {least} to {most}"
    text = f"mean; vertical line: 95 % interval over {over}" if most >= INTERVAL_FROM else f"mean over {over}"
    text = f"{text}, {count}"
    return f"{text} (runs of one iteration are averaged first)" if pooled else text


def _handles(
    table: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], lines: bool, over: str
) -> list[Artist]:
    handles: list[Artist] = [mark_handle(look) for look in series if (table["series"] == look.text).any()]
    paired = [panel for panel in panels if panel.reference in table]
    for value_text, reference_text in dict.fromkeys(panel.texts for panel in paired):
        handles += [Line2D([], [], color=REFERENCE, label=value_text)] if lines else []
        handles.append(
            Line2D([], [], color=REFERENCE, linestyle=DASHED if lines else "", label=reference_text, **REFERENCE_STYLE)
        )
    bare = {"linestyle": "", "color": REFERENCE}
    mean = _mean_text(table, over)
    if mean:
        handles.append(Line2D([], [], linestyle="", label=mean, **MEAN))
    hollow = hollow_text(_numbers(averaged_runs(table), "converged"), averaged_runs(table).get("verdict"))
    if hollow:
        handles.append(Line2D([], [], marker="o", markersize=3.5, markerfacecolor="white", label=hollow, **bare))
    if any(len(values) for panel in panels for values in table.get(f"{panel.column}{STATES_SUFFIX}", ())):
        handles.append(Line2D([], [], label="small dots: initial states of a run", **bare, **STATE))
    for text in dict.fromkeys(panel.bound_text for panel in panels if (_numbers(table, panel.bound) == 1).any()):
        handles.append(Line2D([], [], marker=BOUND_MARKER, markersize=4.1 * 2.6, label=text, **bare))
        if mean:
            handles.append(Line2D([], [], linestyle="", label=MEAN_OF_BOUNDS_TEXT, **MEAN_OF_BOUNDS))
    if any(np.isfinite(_error_range(averaged_runs(table), panel)).any() for panel in panels):
        several = any(f"{panel.column}{STATES_SUFFIX}" in table for panel in panels)
        label = f"thin line: ± 2 standard errors of {'a run' if several else 'one trajectory'}"
        handles.append(Line2D([], [], linewidth=0.5, color=REFERENCE, label=label))
    return [*handles, *excluded_handles(table)]
