"""A quantity of a network and of its controls, which may lie beyond what was measured: a row each, a dot per run."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from randomnet.plotting.style import COLOURS, STYLE, escape_dollars, jitter, new_figure

WIDTH, ROW, HEAD = 5.2, 0.42, 0.9  # inches
EDGE, ROOM = 0.06, 0.05  # shares of the axis: from the last value to dots beyond it, and to the end
OUTSIDE = "0.93"
Scale = Callable[[Any], Any]  # from values to places on the axis


class OrderRow(NamedTuple):
    """A network or control: name, values of its runs (n,), infinite beyond the range, and its estimate with interval.

    text: after the name, such as n and p. The estimate is infinite, and the ends nan or infinite, where unknown.
    """

    name: str
    values: np.ndarray
    estimate: float
    low: float
    high: float
    text: str


def orders(
    rows: Sequence[OrderRow], label: str, ends: tuple[float, float], outside: tuple[str, str], title: str = "",
    logarithmic: bool = False,
) -> Figure:  # fmt: skip
    """Rows from above, the network first. ends: of the measured range; outside: names of what is below and above it."""
    scale: Scale = np.log if logarithmic else np.asarray
    start, end = (float(scale(value)) for value in ends)
    width = (end - start) or 1.0
    edges = start - EDGE * width, end + EDGE * width
    below = any((row.values == -np.inf).any() or row.estimate == -np.inf for row in rows)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(WIDTH, HEAD + ROW * len(rows), title)
        axes = figure.subplots()
        for index, row in enumerate(rows):
            _draw_row(axes, index, row, scale, edges)
        axes.set_yticks(range(len(rows)), [f"{escape_dollars(row.name)}\n{row.text}" for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.axvspan(end + EDGE / 2 * width, end + (EDGE + ROOM) * width, color=OUTSIDE, linewidth=0, zorder=0)
        axes.set_xlim(start - (EDGE + ROOM if below else ROOM) * width, end + (EDGE + ROOM) * width)
        values = _round_values(ends) if logarithmic else MaxNLocator(6).tick_values(*ends)
        values = values[(scale(values) >= start + below * EDGE * width) & (scale(values) <= end - EDGE / 2 * width)]
        ticks, texts = [*scale(values), edges[1]], [*(f"{value:.3g}" for value in values), outside[1]]
        axes.set_xticks([edges[0], *ticks] if below else ticks, [outside[0], *texts] if below else texts)
        axes.set_xlabel(label)
        return figure


def _draw_row(axes: Axes, index: int, row: OrderRow, scale: Scale, edges: tuple[float, float]) -> None:
    """Dots of the runs, and above them the estimate with its interval; what is beyond the edges is drawn there."""
    colour, is_known = COLOURS[index % len(COLOURS)], np.isfinite(row.estimate)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.clip(scale(row.values), *edges)
        centre, low, high = (float(np.clip(scale(value), *edges)) for value in (row.estimate, row.low, row.high))
    inside, heights = np.isfinite(row.values), index + 0.25 + 0.3 * jitter(len(places))
    for mask, face in ((inside, colour), (~inside, "white")):
        axes.plot(places[mask], heights[mask], "o", color=colour, markersize=3, markerfacecolor=face,
                  markeredgewidth=0.6, alpha=0.7)  # fmt: skip
    if np.isfinite([low, high]).all() and is_known:
        axes.plot([low, high], [index - 0.15] * 2, color="black", linewidth=1.3)
    face = "black" if is_known else "white"
    axes.plot(centre, index - 0.15, "D", color="black", markersize=4, markerfacecolor=face)


def _round_values(ends: tuple[float, float]) -> np.ndarray:
    """Values 1, 2 and 5 times powers of ten in the range."""
    values = np.outer(10.0 ** np.arange(-3, 6), [1, 2, 5]).ravel()
    return values[(values >= ends[0]) & (values <= ends[1])]
