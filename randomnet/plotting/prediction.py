"""Students of recorded neurons: errors over the number of recorded ones, and parameters beside the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.option_axis import set_option_ticks
from randomnet.plotting.style import (
    DOTTED,
    DOUBLE,
    REFERENCE,
    STYLE,
    Series,
    finite_values,
    jitter,
    label_no_values,
    legend,
    new_figure,
    runs_text,
    set_ylabel,
    spans_a_decade,
)
from randomnet.plotting.value_axis import number_log_axis

SHIFT = 0.02  # decades between students at one M
WIDTH = 0.03  # decades over which the dots of one student are spread
LEAST_ERROR = 1e-6  # errors below it are drawn there
LEAST_SHARE = 1e-12  # eigenvalues below this share of the largest are rounding


class Means(NamedTuple):
    """Geometric means over runs at each M, (k,) each, with the ends of their intervals, nan for single runs."""

    m: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class PredictionErrors:
    """The errors of one student.

    m, errors: (runs,) each; errors of unrecorded and of recorded neurons, nan where there are none. means: of both.
    half, low, high: the M at which the error of unrecorded neurons is `half`, and its interval; None without one.
    iterations: number of them.
    """

    series: Series
    m: np.ndarray
    errors: Sequence[np.ndarray]
    means: Sequence[Means]
    half: float | None
    low: float
    high: float
    iterations: int


class FoundParameters(NamedTuple):
    """True and found values (N,) of a parameter, and which neurons were recorded."""

    name: str
    true: np.ndarray
    found: np.ndarray
    recorded: np.ndarray


class Stiffness(NamedTuple):
    """Eigenvalues (P,) of the loss in the parameters, descending, and errors of the parameters along each direction.

    One of each for every run of the series.
    """

    series: Series
    values: Sequence[np.ndarray]
    offsets: Sequence[np.ndarray]


def prediction(
    students: Sequence[PredictionErrors], dimension: np.ndarray, labels: tuple[str, str], half: float, title: str = ""
) -> Figure:
    """Errors of unrecorded and of recorded neurons over M, two panels with one scale.

    dimension: (runs,), participation ratios of the teachers' activity, whose mean is a vertical line. half: the error
    at which the crossings of the students are marked.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.6, title)
        panels = list(figure.subplots(1, 2, sharex=True, sharey=True))
        every = [np.maximum(finite_values(errors), LEAST_ERROR) for student in students for errors in student.errors]
        values = np.concatenate(every) if every else np.empty(0)
        for place, (axes, label) in enumerate(zip(panels, labels, strict=True)):
            axes.set_xscale("log")
            _scale(axes, values)
            _dimension_line(axes, dimension)
            for number, student in enumerate(students):
                _draw_errors(axes, student, place, 10 ** (SHIFT * (number - (len(students) - 1) / 2)))
            axes.set_xlabel("number of recorded neurons M")
            set_ylabel(axes, label)
            axes.tick_params(labelleft=True)
        panels[0].axhline(half, color=REFERENCE, linewidth=0.7, linestyle=DOTTED, zorder=0)
        for student in students:
            _mark_half(panels[0], student, half)
        set_option_ticks(panels[0], np.concatenate([student.m for student in students]))
        legend(figure, _handles(students, dimension, half), "lines: geometric means over runs with 95 % intervals")
        return figure


def _scale(axes: Axes, values: np.ndarray) -> None:
    if spans_a_decade(values):
        axes.set_yscale("log")
        low, high = values.min() / 1.4, values.max() * 1.4
        axes.set_ylim(low, high)
        number_log_axis(axes, low, high)
    elif values.size:
        axes.set_ylim(0, 1.1 * values.max())


def _dimension_line(axes: Axes, dimension: np.ndarray) -> None:
    if dimension.size:
        axes.axvspan(dimension.min(), dimension.max(), color=REFERENCE, alpha=0.12, linewidth=0, zorder=0)
        axes.axvline(dimension.mean(), color=REFERENCE, linewidth=0.9, zorder=0)


def _draw_errors(axes: Axes, student: PredictionErrors, place: int, shift: float) -> None:
    """Draw the runs of one student as dots, and its means with their intervals."""
    errors, means = np.maximum(student.errors[place], LEAST_ERROR), student.means[place]
    x = student.m * shift
    for m in np.unique(student.m):
        at = student.m == m
        x[at] *= 10 ** (WIDTH * jitter(int(at.sum())))
    look = student.series
    axes.plot(x, errors, linestyle="", marker=look.marker, color=look.color, markersize=2.4, markeredgewidth=0,
              alpha=0.55, zorder=3)  # fmt: skip
    if len(means.m):
        mean = np.maximum(means.mean, LEAST_ERROR)
        bars = [np.nan_to_num(mean - np.maximum(means.low, LEAST_ERROR)), np.nan_to_num(means.high - mean)]
        axes.errorbar(means.m * shift, mean, yerr=np.maximum(bars, 0), color=look.color, linestyle=look.linestyle,
                      linewidth=1.1, elinewidth=0.7, capsize=1.5, capthick=0.7, zorder=2)  # fmt: skip


def _mark_half(axes: Axes, student: PredictionErrors, half: float) -> None:
    """Mark the M at which the error falls below `half`, with its interval."""
    if student.half is None:
        return
    low, high = np.clip([student.low, student.high], student.m.min(), student.m.max())
    if np.isfinite(low) and np.isfinite(high):
        axes.plot([low, high], [half, half], color=student.series.color, linewidth=2.4, alpha=0.35, zorder=4,
                  solid_capstyle="butt")  # fmt: skip
    axes.plot([student.half], [half], marker="D", markersize=4.5, markerfacecolor="white",
              color=student.series.color, markeredgewidth=0.9, zorder=5)  # fmt: skip


def _handles(students: Sequence[PredictionErrors], dimension: np.ndarray, half: float) -> list[Line2D]:
    handles = []
    for student in students:
        text = f"{student.series.text}, {runs_text(student.iterations)} at each M{half_text(student)}"
        handles.append(Line2D([], [], color=student.series.color, linestyle=student.series.linestyle,
                              marker=student.series.marker, markersize=3, label=text))  # fmt: skip
    if dimension.size:
        spread = f" ({dimension.min():.2g} to {dimension.max():.2g})" if np.ptp(dimension) > 0.05 else ""
        text = f"participation ratio of the activity: {dimension.mean():.2g}{spread}"
        handles.append(Line2D([], [], color=REFERENCE, linewidth=0.9, label=text))
    if any(student.half is not None for student in students):
        handles.append(Line2D([], [], color=REFERENCE, marker="D", markersize=4, markerfacecolor="white", linestyle="",
                              label=f"median error of unrecorded neurons = {half:g}"))  # fmt: skip
    return handles


def half_text(student: PredictionErrors) -> str:
    """The M at the crossing with its interval, as the end of a legend text; empty without one."""
    if student.half is None:
        return ""
    ends = "" if np.isnan(student.low) else f" [{_end(student.low, student)}, {_end(student.high, student)}]"
    return f": M = {student.half:.2g}{ends} at half"


def _end(value: float, student: PredictionErrors) -> str:
    """An end of the interval, which may lie outside the M that were tried."""
    if value < student.m.min():
        return f"< {student.m.min():g}"
    return f"> {student.m.max():g}" if value > student.m.max() else f"{value:.2g}"


def found_parameters(parameters: Sequence[FoundParameters], title: str = "") -> Figure:
    """Found over true values, a panel per parameter: filled dots for recorded neurons, hollow ones for the others."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE if len(parameters) > 1 else DOUBLE / 2, 2.6, title)
        for axes, parameter in zip(figure.subplots(1, len(parameters), squeeze=False).flat, parameters, strict=True):
            _draw_found(axes, parameter)
        recorded = parameters[0].recorded
        handles = [Line2D([], [], color=Series("").color, marker="o", markersize=4, linestyle="",
                          markerfacecolor=face, label=f"{word} neurons, n = {int(count)}")
                   for word, face, count in (("recorded", None, recorded.sum()),
                                             ("unrecorded", "white", (~recorded).sum())) if count]  # fmt: skip
        handles.append(Line2D([], [], color=REFERENCE, linewidth=0.8, label="found = true"))
        legend(figure, handles, "")
        return figure


def _draw_found(axes: Axes, parameter: FoundParameters) -> None:
    name, true, found, recorded = parameter
    axes.set_xlabel(f"true {name}")
    set_ylabel(axes, f"{name} found by the student")
    if not len(true) or not np.isfinite(found).any():
        label_no_values(axes)
        return
    ends = [min(true.min(), np.nanmin(found)), max(true.max(), np.nanmax(found))]
    axes.plot(ends, ends, color=REFERENCE, linewidth=0.8, zorder=1)
    color, texts = Series("").color, []
    for word, which, face in (("recorded", recorded, color), ("unrecorded", ~recorded, "white")):
        axes.plot(true[which], found[which], linestyle="", marker="o", markersize=3.2, color=color,
                  markerfacecolor=face, markeredgewidth=0.7, zorder=2)  # fmt: skip
        if which.sum() > 1 and np.ptp(true[which]) and np.ptp(found[which]):
            texts.append(f"{word}: r = {np.corrcoef(true[which], found[which])[0, 1]:.2f}")
    axes.set_title(", ".join(texts))


def stiffness(curves: Sequence[Stiffness], title: str = "") -> Figure:
    """Eigenvalues of the loss over their number, and errors of the parameters along each direction over these."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.4, title)
        left, right = figure.subplots(1, 2)
        for series, all_values, all_offsets in curves:
            for values, offsets in zip(all_values, all_offsets, strict=True):
                shares = np.maximum(values / values[0], LEAST_SHARE)
                left.plot(np.arange(1, len(values) + 1), shares, color=series.color, linewidth=0.8)
                right.plot(shares, offsets, linestyle="", marker=series.marker, markersize=2.0, color=series.color,
                           markeredgewidth=0, alpha=0.6)  # fmt: skip
        left.set_xlabel("number of the direction")
        set_ylabel(left, "curvature of the loss\n(share of the largest)")
        right.set_xlabel("curvature of the loss (share of the largest)")
        set_ylabel(right, "|found − true parameters|\nalong the direction")
        left.set_yscale("log")
        right.set_xscale("log")
        right.set_yscale("log")
        handles = [Line2D([], [], color=series.color, label=f"{series.text}, {runs_text(len(values))}")
                   for series, values, _ in curves]  # fmt: skip
        legend(figure, handles, "a line, or dots, for each run")
        return figure
