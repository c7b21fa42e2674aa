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
    spans_a_decade,
    zero_line,
)

ERRORS = 2.0  # of one run, either way
INTERVAL_FROM = 3  # iterations; the interval of two is so wide that it hides all else
ARROW = [Path([(0, 0), (0, 3)]), Path([(-0.9, 1.9), (0, 3.1), (0.9, 1.9)])]  # upwards, as of a dot of radius 1
BOUND = Path.make_compound_path(Path.circle(), *[Path(np.add(part.vertices, (0, 1))) for part in ARROW])
BOUND_MEAN = Path.make_compound_path(Path([(-2, 0), (2, 0)]), *ARROW)
MEAN = {"color": "k", "marker": "_", "markersize": 7, "markeredgewidth": 1.1}
MEAN_OF_BOUNDS = {"color": "k", "marker": BOUND_MEAN, "markersize": 10.85, "markerfacecolor": "none",
                  "markeredgewidth": 1.1}  # its bar as long as that of MEAN  # fmt: skip
BESIDE = {"marker": "D", "markersize": 4.5, "markerfacecolor": "none", "markeredgewidth": 0.8}
MEAN_OF_BOUNDS_TEXT = "mean with lower bounds, no upper interval"
PER_STATE = "_of_states"  # after the name of a column: the values of a run's initial states, an array
STATE = {"marker": "o", "markersize": 1.5, "markeredgewidth": 0, "alpha": 0.7}
Interval = Callable[[np.ndarray], tuple[float, float]]


def option_dependence(
    table: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], interval: Interval, xlabel: str = "",
    title: str = "", groups: Sequence[str] = (), logarithmic: bool = False, over: str = "iterations",
) -> Figure:  # fmt: skip
    """A dot per run and the mean with its interval, against x and by series (colour); panels side by side.

    table:       one row per run: series, x, status, converged (0, 1 or nan), the panels' columns, and those of `beside`
                 and `bound`. A panel's column with PER_STATE holds the values of each run's initial states, which are
                 small dots beside the run's. x is a number, or the place in `groups` where they are given. Runs that
                 did not converge are hollow; those of status `diverged` or `unbounded` are marks at the upper edge and
                 in no mean. Runs of the same series, x and `iteration` share their seed: mean and interval are of the
                 means of these. A mean with a lower bound in it is one too, and its interval has no upper end. Where no
                 run has a value it says so.
    interval:    of the values of INTERVAL_FROM or more iterations, its lower and upper end.
    logarithmic: both axes are log, whatever the values.
    over:        what the runs of one series and x are.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if len(panels) == 1 else DOUBLE, 2.5, title)
        for axes, panel in zip(figure.subplots(1, len(panels), sharex=True, squeeze=False)[0], panels, strict=True):
            log = needs_log_axis(table["x"]) if not groups else False
            axes.set_xscale("log" if log or logarithmic else "linear")
            _draw_panel(axes, table, panel, series, interval, groups, logarithmic)
            if groups and list(groups) == [one.text for one in series] and len(panels) > 1:
                axes.set_xticks([])  # no room for the names, which the legend has
            elif groups:
                set_groups(axes, groups, (48 if len(panels) == 1 else 84) // len(panels))
            else:
                set_option_ticks(axes, table["x"])
            axes.set_xlabel(escape_dollars(xlabel))
        legend(figure, _handles(table, panels, series, not groups, over), "; ".join(_lacking_texts(table, panels)))
        return figure


def _draw_panel(
    axes: Axes, table: pd.DataFrame, panel: Panel, series: Sequence[Series], interval: Interval, groups: Sequence[str],
    logarithmic: bool,
) -> None:  # fmt: skip
    alive = averaged_runs(table)
    axes.set_yscale("log" if logarithmic or spans_a_decade(alive[panel.column]) else "linear")
    if panel.zero:
        zero_line(axes)
    step = 0.7 if groups else slot_width(axes, table["x"])
    own = list(groups) == [one.text for one in series]
    part_of_step = step / (1 if own else max(1, len(series)))
    width = 0.35 * part_of_step
    slots: dict[float, bool] = {}  # by place, whether it has no value
    for number, one in enumerate(series):
        shift = 0.0 if logarithmic or own else (number - (len(series) - 1) / 2) / max(1, len(series))
        rows = table[table["series"] == one.text]
        for x, lacks in _lacking(rows, panel.column).items():
            at = shifted(axes, x, step * shift) if groups else x  # where x is a number there is no room to tell series
            slots[at] = slots.get(at, True) and lacks
        for x, part in rows.groupby("x"):
            _draw_runs(axes, part, panel, one, shifted(axes, x, step * shift), width)
        if panel.reference in table:
            _draw_beside(axes, rows, panel.reference, one, step * shift, "" if groups else DASHED)
        _draw_means(axes, rows, panel, one, interval, "" if groups else one.linestyle, step * shift)
    if groups:
        axes.set_xlim(-0.6, len(groups) - 0.4)
    _say_lacking(axes, slots, 0.5 * (part_of_step if groups else step))
    axes.margins(y=0.1)
    _start_at(axes, panel.least, alive[panel.column])
    set_ylabel(axes, panel.label)


def _start_at(axes: Axes, least: float | None, values: pd.Series) -> None:
    """No axis reaches below the least value there can be; where all values are that, it is one unit long."""
    if least is None or axes.get_yscale() == "log":
        return
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, least), least + 1 if (finite_values(values) == least).all() else high)


def _draw_runs(axes: Axes, rows: pd.DataFrame, panel: Panel, one: Series, x: float, width: float) -> None:
    alive = _known(rows, panel.column)
    offsets = width * jitter(len(alive))
    bound = _flag(alive, panel.bound) == 1
    hollow = _flag(alive, "converged") == 0
    for chosen, marker in ((~bound, one.marker), (bound, BOUND)):
        for open_, face in ((False, one.color), (True, "white")):
            which = chosen & (hollow == open_)
            if which.any():
                places = [shifted(axes, x, offset) for offset in offsets[which]]
                axes.plot(places, alive.loc[which, panel.column], linestyle="", marker=marker, color=one.color,
                          markersize=3.2 if marker is not BOUND else 4.1 * 3.2, markerfacecolor=face,
                          markeredgewidth=0.6, alpha=0.6, zorder=5, clip_on=False)  # fmt: skip
    for offset, values in zip(offsets, alive.get(f"{panel.column}{PER_STATE}", ()), strict=False):
        places = shifted(axes, x, offset + 0.12 * width)
        axes.plot([places] * len(values), values, linestyle="", color=one.color, zorder=4, **STATE)
    _draw_errors(axes, alive, panel, one, [shifted(axes, x, offset) for offset in offsets])
    lost = excluded_marks(rows)
    for offset, mark in zip(width * jitter(len(lost)), lost, strict=True):
        axes.plot([shifted(axes, x, offset)], [0.98], mark, color=one.color, markersize=4, markerfacecolor="none",
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip


def _known(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The runs that are in means of a column: those with a finite value that did not diverge or grow without bound."""
    alive = averaged_runs(rows)
    return alive[np.isfinite(alive[column].astype(float))]


def _draw_errors(axes: Axes, rows: pd.DataFrame, panel: Panel, one: Series, places: Sequence[float]) -> None:
    """A thin bar from end to end of each run's range, not below the least value."""
    low, high = _range(rows, panel)
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        low = np.maximum(low, -np.inf if panel.least is None else panel.least)[known]
        at = np.asarray(places)[known]
        bars = axes.vlines(at, low, high[known], color=one.color, linewidth=0.5, alpha=0.6, zorder=3)
        bars.set_gid("standard errors")


def _range(rows: pd.DataFrame, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """The ends (runs,) of each run's range: those of their columns, else two standard errors either way; or nan."""
    values, errors = rows[panel.column].to_numpy(dtype=float), _flag(rows, panel.error)
    around = values - ERRORS * errors, values + ERRORS * errors
    ends = [_flag(rows, name) for name in panel.ends]
    return tuple(np.where(np.isfinite(end), end, other) for end, other in zip(ends, around, strict=True))


def _flag(rows: pd.DataFrame, column: str) -> np.ndarray:
    return rows[column].to_numpy(dtype=float) if column in rows else np.full(len(rows), np.nan)


def by_iteration(rows: pd.DataFrame, column: str) -> np.ndarray:
    """The finite values of the runs that are in means, those of one iteration averaged; shape (iterations,)."""
    alive = _known(rows, column)
    values = alive[column].astype(float)
    return (values.groupby(alive["iteration"]).mean() if "iteration" in alive else values).to_numpy()


def _means_at(axes: Axes, rows: pd.DataFrame, column: str, shift: float) -> dict[float, np.ndarray]:
    sets = {shifted(axes, x, shift): by_iteration(part, column) for x, part in rows.groupby("x")}
    return {x: values for x, values in sets.items() if len(values)}


def _draw_beside(axes: Axes, rows: pd.DataFrame, column: str, one: Series, shift: float, dash: Any) -> None:
    sets = _means_at(axes, rows, column, shift)
    axes.plot(list(sets), [values.mean() for values in sets.values()], color=one.color, linestyle=dash, linewidth=1.0,
              zorder=4, **BESIDE)  # fmt: skip


def _draw_means(
    axes: Axes, rows: pd.DataFrame, panel: Panel, one: Series, interval: Interval, dash: Any, shift: float
) -> None:
    sets = _means_at(axes, rows, panel.column, shift)
    means = [values.mean() for values in sets.values()]
    axes.plot(list(sets), means, color=one.color, linestyle=dash, linewidth=1.0, zorder=4)
    several = [x for x, values in sets.items() if len(values) > 1]
    bounds = {shifted(axes, x, shift) for x, part in rows.groupby("x") if _of_bounds(part, panel)}
    for looks, chosen in ((MEAN, set(several) - bounds), (MEAN_OF_BOUNDS, bounds & set(several))):
        places = [x for x in several if x in chosen]
        axes.plot(places, [sets[x].mean() for x in places], linestyle="", zorder=6, **looks)
    least = -np.inf if panel.least is None else panel.least
    for x in (x for x in several if len(sets[x]) >= INTERVAL_FROM):
        low, high = interval(sets[x])
        low = max(low, 0.5 * min(means)) if axes.get_yscale() == "log" else max(low, least)  # log has no place for 0
        axes.vlines(x, low, sets[x].mean() if x in bounds else high, color=one.color, linewidth=1.0, zorder=4)


def _of_bounds(rows: pd.DataFrame, panel: Panel) -> bool:
    """Whether any value in the mean of these runs is a lower bound."""
    alive = _known(rows, panel.column)
    return bool((_flag(alive, panel.bound) == 1).any())


def _lacking(rows: pd.DataFrame, column: str) -> dict[float, bool]:
    """By x, whether none of the runs that are in means has a value."""
    alive = averaged_runs(rows)
    return {x: not len(finite_values(part[column])) for x, part in alive.groupby("x")}


def _lacking_texts(table: pd.DataFrame, panels: Sequence[Panel]) -> Iterator[str]:
    """Of which quantities the means are of fewer runs than of others."""
    alive = averaged_runs(table)
    for panel in panels:
        lacking = len(alive) - len(finite_values(alive[panel.column]))
        if lacking:
            name = panel.label.split("\n")[0]
            yield f"{name}: not determined in {lacking} of {runs_text(len(alive))}, which are in no mean of it"


def _say_lacking(axes: Axes, slots: Mapping[float, bool], half: float) -> None:
    """Grey, with the words, over the slots without a value: neighbours together, and turned where they are narrow.

    half: of the width of a slot, as `shifted` takes it.
    """
    scaled = np.log10 if axes.get_xscale() == "log" else np.asarray
    for lacks, some in groupby(sorted(slots), key=slots.__getitem__):
        found = list(some)
        if lacks:
            low, high = shifted(axes, found[0], -half), shifted(axes, found[-1], half)
            ends = scaled(np.array([low, high, shifted(axes, min(slots), -half), shifted(axes, max(slots), half)]))
            share = (ends[1] - ends[0]) / np.ptp(ends)
            axes.axvspan(low, high, color="0.95", linewidth=0, zorder=-1)
            middle = shifted(axes, low, (ends[1] - ends[0]) / 2)
            axes.text(middle, 0.5, "not determined", transform=axes.get_xaxis_transform(), ha="center", va="center",
                      rotation=90 if share < 0.5 else 0, color="0.4", fontsize=STYLE["legend.fontsize"],
                      zorder=7)  # fmt: skip


def _mean_text(table: pd.DataFrame, over: str) -> str:
    """What the means and intervals are of; empty where there are none."""
    pooled = "iteration" in table and table.duplicated(["series", "x", "iteration"]).any()
    units = table.drop_duplicates(["series", "x", "iteration"]) if "iteration" in table else table
    sizes = units.groupby(["series", "x"]).size()
    least, most = (sizes.min(), sizes.max()) if len(units) else (0, 0)
    if most < 2:
        return ""
    count = f"n = {most}" if least == most else f"n = {least} to {most}"
    said = f"mean; vertical line: 95 % interval over {over}" if most >= INTERVAL_FROM else f"mean over {over}"
    said = f"{said}, {count}"
    return f"{said} (the runs pooled in one are averaged first)" if pooled else said


def _handles(
    table: pd.DataFrame, panels: Sequence[Panel], series: Sequence[Series], lines: bool, over: str
) -> list[Artist]:
    found: list[Artist] = [mark_handle(one) for one in series if (table["series"] == one.text).any()]
    paired = [panel for panel in panels if panel.reference in table]
    for own, other in dict.fromkeys(panel.texts for panel in paired):
        found += [Line2D([], [], color=REFERENCE, label=own)] if lines else []
        found.append(Line2D([], [], color=REFERENCE, linestyle=DASHED if lines else "", label=other, **BESIDE))
    bare = {"linestyle": "", "color": REFERENCE}
    said = _mean_text(table, over)
    if said:
        found.append(Line2D([], [], linestyle="", label=said, **MEAN))
    hollow = hollow_text(_flag(averaged_runs(table), "converged"), averaged_runs(table).get("verdict"))
    if hollow:
        found.append(Line2D([], [], marker="o", markersize=3.5, markerfacecolor="white", label=hollow, **bare))
    if any(len(values) for panel in panels for values in table.get(f"{panel.column}{PER_STATE}", ())):
        found.append(Line2D([], [], label="small dots: initial states of a run", **bare, **STATE))
    for text in dict.fromkeys(panel.bound_text for panel in panels if (_flag(table, panel.bound) == 1).any()):
        found.append(Line2D([], [], marker=BOUND, markersize=4.1 * 2.6, label=text, **bare))
        if said:
            found.append(Line2D([], [], linestyle="", label=MEAN_OF_BOUNDS_TEXT, **MEAN_OF_BOUNDS))
    if any(np.isfinite(_range(averaged_runs(table), panel)).any() for panel in panels):
        several = any(f"{panel.column}{PER_STATE}" in table for panel in panels)
        label = f"thin line: two standard errors of {'a run' if several else 'one trajectory'}"
        found.append(Line2D([], [], linewidth=0.5, color=REFERENCE, label=label))
    return [*found, *excluded_handles(table)]
