"""Running estimates of exponents over the time they are averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from randomnet.plotting.style import (
    DOUBLE,
    LOG_FROM,
    REFERENCE,
    SINGLE,
    STYLE,
    Series,
    escape_dollars,
    label_no_values,
    legend,
    line_handle,
    new_figure,
    zero_line,
)

SETTLED = 0.02  # of the time; what the estimates were before does not set the limits
COLUMNS = 4
APART = 3.0  # standard errors of a difference; starts that end further apart are on different attractors


@dataclass(frozen=True)
class Running:
    """One panel: times (T,) in tau, running estimates and their standard errors (starts, T, k), in 1/tau."""

    title: str
    times: np.ndarray
    estimates: np.ndarray
    errors: np.ndarray


def convergence(panels: Sequence[Running], indices: Sequence[int], title: str = "") -> Figure:
    """The exponents of these indices (from 0), as far as they exist, against time; a line per start, a panel per set.

    The band is around the mean of the starts: the larger of the standard error of one start's estimate and of the
    standard deviation over starts. Where starts end at different exponents there is neither.
    """
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    shown = [index for index in indices if any(index < panel.estimates.shape[2] for panel in panels)]
    series = [Series(f"λ_{index + 1}", number) for number, index in enumerate(shown)]
    starts = max(panel.estimates.shape[0] for panel in panels)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if columns == 1 else DOUBLE, 0.6 + 1.9 * rows, title)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, panel, shown, series)
        for axes in grid.flat[len(panels) :]:
            axes.remove()
        _scale_time(list(grid.flat[: len(panels)]), panels)
        grid[0, 0].set_ylim(*_limits(panels, shown))
        for number, axes in enumerate(grid.flat[: len(panels)]):
            if number % columns == 0:
                axes.set_ylabel("running estimate\nof the exponent (1/τ)")
            if number + columns >= len(panels):
                axes.set_xlabel("averaging time (τ)")
        symbols = {one.text: f"λ$_{{{index + 1}}}$" for one, index in zip(series, shown, strict=True)}
        count = max(panel.estimates.shape[2] for panel in panels)
        means = any(index < panel.estimates.shape[2] and not starts_differ(panel, index)
                    for panel in panels for index in shown)  # fmt: skip
        said = [f"exponents {', '.join(str(index + 1) for index in shown)} of {count}", _band(starts) if means else ""]
        legend(figure, _handles(series, starts, means), "; ".join(filter(None, said)), symbols, first=len(series))
        return figure


def _draw(axes: Axes, panel: Running, indices: Sequence[int], series: Sequence[Series]) -> None:
    apart = [index for index in indices if starts_differ(panel, index)]
    axes.set_title("\n".join(filter(None, [escape_dollars(panel.title), _apart_text(apart, indices)])))
    zero_line(axes)
    times = panel.times
    keep = times > 0
    if not keep.any():
        label_no_values(axes)
        return
    for one, index in zip(series, indices, strict=True):
        if index >= panel.estimates.shape[2]:
            continue
        lines = panel.estimates[:, keep, index]
        if index in apart:
            axes.plot(times[keep], lines.T, color=one.color, linewidth=0.7, alpha=0.8)
            continue
        mean, band = _mean_and_band(lines, panel.errors[:, keep, index])
        axes.fill_between(times[keep], mean - band, mean + band, color=one.color, alpha=0.2, linewidth=0)
        if len(lines) > 1:
            axes.plot(times[keep], lines.T, color=one.color, linewidth=0.4, alpha=0.6)
        axes.plot(times[keep], mean, color=one.color)


def starts_differ(panel: Running, index: int) -> bool:
    """Whether any two starts end further apart than APART standard errors of their difference."""
    if index >= panel.estimates.shape[2] or not panel.estimates.shape[1]:
        return False
    ends, errors = panel.estimates[:, -1, index], panel.errors[:, -1, index]
    known = np.isfinite(ends) & np.isfinite(errors)
    ends, errors = ends[known], errors[known]
    return bool((np.abs(ends[:, None] - ends) > APART * np.hypot(errors[:, None], errors)).any())


def _apart_text(apart: Sequence[int], indices: Sequence[int]) -> str:
    names = ", ".join(f"λ$_{{{index + 1}}}$" for index in apart)
    of = f" of {names}" if len(apart) < len(indices) else ""
    return f"starts differ: no mean{of}" if apart else ""


def _scale_time(grid: Sequence[Axes], panels: Sequence[Running]) -> None:
    """The same time axis for all panels: log, so that the early, wild estimates do not take all the room."""
    times = np.concatenate([panel.times[panel.times > 0] for panel in panels])
    if not times.size:
        return
    first, last = times.min(), times.max()
    for axes in grid:
        if last > LOG_FROM * first:
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
        if last > first:
            axes.set_xlim(first, last)


def _mean_and_band(lines: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over starts, and the larger of the errors' root mean square and the spread; (starts, T) -> (T,) each."""
    lines = np.where(np.isfinite(lines), lines, np.nan)
    known = np.isfinite(errors)
    squares = np.where(known, errors, 0.0) ** 2
    error = np.sqrt(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    error[~known.any(axis=0)] = np.nan
    some = np.isfinite(lines).sum(axis=0)
    mean = np.nansum(lines, axis=0) / np.where(some > 0, some, np.nan)
    spread = np.sqrt(np.nansum((lines - mean) ** 2, axis=0) / np.where(some > 1, some - 1, np.nan))
    return mean, np.fmax(error, spread)


def _limits(panels: Sequence[Running], indices: Sequence[int]) -> tuple[float, float]:
    """Of the estimates after SETTLED of the time, with some room."""
    every = [panel.estimates[:, panel.times >= SETTLED * panel.times[-1], :][:, :, index].ravel()
             for panel in panels for index in indices
             if len(panel.times) and index < panel.estimates.shape[2]]  # fmt: skip
    values = np.concatenate([*every, [0.0]])
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    room = 0.2 * (high - low) or 0.1
    return float(low - room), float(high + room)


def _handles(series: Sequence[Series], starts: int, means: bool) -> list[Line2D]:
    found = [line_handle(one, one.text) for one in series]
    if starts > 1:
        found.append(Line2D([], [], color=REFERENCE, linewidth=0.4, label="one start"))
        found += [Line2D([], [], color=REFERENCE, label=f"mean of {starts} starts")] * means
    return found


def _band(starts: int) -> str:
    more = ", or standard deviation over starts if larger" if starts > 1 else ""
    return f"band: standard error of one start{more}"
