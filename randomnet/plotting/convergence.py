"""Running estimates of Lyapunov exponents over the averaging time."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

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
    log_numbers,
    new_figure,
    zero_line,
)

LIMITS_FROM = 0.02  # share of the time; earlier estimates do not set the limits
COLUMNS = 4
DIFFERENT_FROM = 3.0  # standard errors of a difference; initial states further apart are on different attractors


@dataclass(frozen=True)
class Running:
    """One panel: times (T,) in tau, running estimates and their standard errors (initial states, T, k), in 1/tau."""

    title: str
    times: np.ndarray
    estimates: np.ndarray
    errors: np.ndarray


def convergence(panels: Sequence[Running], indices: Sequence[int], title: str = "") -> Figure:
    """The exponents with these indices (from 0) against time; a line per initial state, a panel per set.

    Indices beyond the computed exponents are ignored. The band is around the mean over initial states. It is the
    standard error of one estimate or the standard deviation over initial states, whichever is larger. If initial
    states end at different exponents, there is neither mean nor band.
    """
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    drawn = [index for index in indices if any(index < panel.estimates.shape[2] for panel in panels)]
    series = [Series(f"λ_{index + 1}", place) for place, index in enumerate(drawn)]
    starts = max(panel.estimates.shape[0] for panel in panels)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if columns == 1 else DOUBLE, 0.6 + 1.9 * rows, title)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, panel, drawn, series)
        for axes in grid.flat[len(panels) :]:
            axes.remove()
        _scale_time(list(grid.flat[: len(panels)]), panels)
        grid[0, 0].set_ylim(*_limits(panels, drawn))
        for place, axes in enumerate(grid.flat[: len(panels)]):
            if place % columns == 0:
                axes.set_ylabel("running estimate\nof the exponent (1/τ)")
            if place + columns >= len(panels):
                axes.set_xlabel("averaging time (τ)")
        symbols = {look.text: f"λ$_{{{index + 1}}}$" for look, index in zip(series, drawn, strict=True)}
        count = max(panel.estimates.shape[2] for panel in panels)
        means = any(index < panel.estimates.shape[2] and not starts_differ(panel, index)
                    for panel in panels for index in drawn)  # fmt: skip
        heading = [
            f"exponents {', '.join(str(index + 1) for index in drawn)} of {count}",
            _band(starts) if means else "",
        ]
        legend(figure, _handles(series, starts, means), "; ".join(filter(None, heading)), symbols, first=len(series))
        return figure


def _draw(axes: Axes, panel: Running, indices: Sequence[int], series: Sequence[Series]) -> None:
    differing = [index for index in indices if starts_differ(panel, index)]
    axes.set_title("\n".join(filter(None, [escape_dollars(panel.title), _apart_text(differing, indices)])))
    zero_line(axes)
    times = panel.times
    positive = times > 0
    if not positive.any():
        label_no_values(axes)
        return
    for look, index in zip(series, indices, strict=True):
        if index >= panel.estimates.shape[2]:
            continue
        lines = panel.estimates[:, positive, index]
        if index in differing:
            axes.plot(times[positive], lines.T, color=look.color, linewidth=0.7, alpha=0.8)
            continue
        mean, band = _mean_and_band(lines, panel.errors[:, positive, index])
        axes.fill_between(times[positive], mean - band, mean + band, color=look.color, alpha=0.2, linewidth=0)
        if len(lines) > 1:
            axes.plot(times[positive], lines.T, color=look.color, linewidth=0.4, alpha=0.6)
        axes.plot(times[positive], mean, color=look.color)


def starts_differ(panel: Running, index: int) -> bool:
    """Whether any two initial states end further apart than DIFFERENT_FROM standard errors of their difference."""
    if index >= panel.estimates.shape[2] or not panel.estimates.shape[1]:
        return False
    ends, errors = panel.estimates[:, -1, index], panel.errors[:, -1, index]
    known = np.isfinite(ends) & np.isfinite(errors)
    ends, errors = ends[known], errors[known]
    return bool((np.abs(ends[:, None] - ends) > DIFFERENT_FROM * np.hypot(errors[:, None], errors)).any())


def _apart_text(differing: Sequence[int], indices: Sequence[int]) -> str:
    names = ", ".join(f"λ$_{{{index + 1}}}$" for index in differing)
    which = f" of {names}" if len(differing) < len(indices) else ""
    return f"initial states differ: no mean{which}" if differing else ""


def _scale_time(grid: Sequence[Axes], panels: Sequence[Running]) -> None:
    """Give all panels the same time axis; log, so that early fluctuations do not take most of the width."""
    times = np.concatenate([panel.times[panel.times > 0] for panel in panels])
    if not times.size:
        return
    first, last = times.min(), times.max()
    for axes in grid:
        if last > LOG_FROM * first:
            axes.set_xscale("log")
            log_numbers(axes.xaxis, first, last)
        if last > first:
            axes.set_xlim(first, last)


def _mean_and_band(lines: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over initial states, and the larger of root mean square error and spread; (states, T) -> (T,) each."""
    lines = np.where(np.isfinite(lines), lines, np.nan)
    has_error = np.isfinite(errors)
    squares = np.where(has_error, errors, 0.0) ** 2
    error = np.sqrt(squares.sum(axis=0) / np.maximum(has_error.sum(axis=0), 1))
    error[~has_error.any(axis=0)] = np.nan
    counts = np.isfinite(lines).sum(axis=0)
    mean = np.nansum(lines, axis=0) / np.where(counts > 0, counts, np.nan)
    spread = np.sqrt(np.nansum((lines - mean) ** 2, axis=0) / np.where(counts > 1, counts - 1, np.nan))
    return mean, np.fmax(error, spread)


def _limits(panels: Sequence[Running], indices: Sequence[int]) -> tuple[float, float]:
    """y limits for the estimates after LIMITS_FROM of the time, with some margin."""
    estimates = [panel.estimates[:, panel.times >= LIMITS_FROM * panel.times[-1], :][:, :, index].ravel()
             for panel in panels for index in indices
             if len(panel.times) and index < panel.estimates.shape[2]]  # fmt: skip
    values = np.concatenate([*estimates, [0.0]])
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    margin = 0.2 * (high - low) or 0.1
    return float(low - margin), float(high + margin)


def _handles(series: Sequence[Series], starts: int, means: bool) -> list[Line2D]:
    handles = [line_handle(look, look.text) for look in series]
    if starts > 1:
        handles.append(Line2D([], [], color=REFERENCE, linewidth=0.4, label="one initial state"))
        handles += [Line2D([], [], color=REFERENCE, label=f"mean of {starts} initial states")] * means
    return handles


def _band(starts: int) -> str:
    alternative = ", or standard deviation over initial states if larger" if starts > 1 else ""
    return f"band: standard error of one estimate{alternative}"
