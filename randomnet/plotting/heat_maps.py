"""Quantities over two options: a cell for every pair of values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from randomnet.plotting.connectome import SIGNED
from randomnet.plotting.style import DOUBLE, SINGLE, STYLE, escape_dollars, finite_values, legend, new_figure

PER_ROW = 3  # panels
LETTER, LINE = 0.062, 0.13  # inches: the width of a letter, the height of a line of tick labels
MISSING = "0.88"


class HeatMap(NamedTuple):
    """One quantity: its label with unit, and its values (Y, X), nan where missing."""

    label: str
    values: np.ndarray


def colour_scale(values: np.ndarray) -> dict[str, Any]:
    """Arguments of imshow for a colour scale from 0 up, or a symmetric one if any value is negative."""
    finite = finite_values(values)
    largest = float(np.abs(finite).max(initial=0.0)) or 1.0
    if finite.size and finite.min() < 0:
        return {"cmap": SIGNED, "vmin": -largest, "vmax": largest}
    return {"cmap": "viridis", "vmin": 0.0, "vmax": largest}


def heat_map(
    maps: Sequence[HeatMap], x: Sequence[Any], y: Sequence[Any], xlabel: str = "", ylabel: str = "", title: str = ""
) -> Figure:
    """A panel for each quantity: cells of equal size, column i for x[i] and row j, from below, for y[j].

    x, y: numbers or texts, in the order in which they are drawn. Cells without a value are grey and hatched. Raises
    ValueError if the values of a map do not have the shape (len(y), len(x)).
    """
    for quantity in maps:
        if quantity.values.shape != (len(y), len(x)):
            raise ValueError(
                f"{quantity.label}: expected values of shape {(len(y), len(x))}, got {quantity.values.shape}"
            )
    columns = min(len(maps), PER_ROW)
    rows = -(-len(maps) // columns)
    with matplotlib.rc_context(STYLE):
        width = SINGLE if columns == 1 else DOUBLE
        height = float(np.clip(0.35 * len(y), 1.3, 2.2))
        figure = new_figure(width, (height + 0.75) * rows, title)
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for index, (axes, quantity) in enumerate(zip(panels, maps, strict=False)):
            _draw(figure, axes, quantity)
            _ticks(axes, x, y, width / columns - 0.7, height)
            lowest, first = index + columns >= len(maps), index % columns == 0
            axes.tick_params(labelbottom=lowest, labelleft=first)
            axes.set_xlabel(escape_dollars(xlabel) if lowest else "")
            axes.set_ylabel(escape_dollars(ylabel) if first else "")
        for axes in panels[len(maps) :]:
            axes.remove()
        if any(np.isnan(quantity.values).any() for quantity in maps):
            legend(figure, [Patch(facecolor=MISSING, hatch="////", edgecolor="0.6", linewidth=0, label="no value")], "")
        return figure


def _draw(figure: Figure, axes: Axes, quantity: HeatMap) -> None:
    values = np.ma.masked_invalid(quantity.values)
    shape = quantity.values.shape
    axes.set_facecolor(MISSING)
    axes.fill_between([-0.5, shape[1] - 0.5], -0.5, shape[0] - 0.5, facecolor=MISSING, edgecolor="0.6", hatch="////",
                      linewidth=0, zorder=0)  # fmt: skip
    mesh = axes.imshow(values, **colour_scale(quantity.values), origin="lower", aspect="auto", interpolation="nearest",
                        zorder=1)  # fmt: skip
    axes.set_xlim(-0.5, shape[1] - 0.5)
    axes.set_ylim(-0.5, shape[0] - 0.5)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(quantity.label)
    figure.colorbar(mesh, ax=axes, pad=0.02, aspect=20).ax.locator_params(nbins=5)


def _ticks(axes: Axes, x: Sequence[Any], y: Sequence[Any], width: float, height: float) -> None:
    """Label as many cells as have room, evenly spaced."""
    texts = [_text(value) for value in x]
    longest = max(map(len, texts), default=1)
    rotated = (longest + 1) * LETTER * len(texts) > width
    step = _tick_step(len(texts), LINE if rotated else 0, width)
    axes.set_xticks(range(0, len(texts), step), texts[::step], rotation=90 if rotated else 0)
    step = _tick_step(len(y), LINE, height)
    axes.set_yticks(range(0, len(y), step), [_text(value) for value in y][::step])


def _tick_step(count: int, size: float, available: float) -> int:
    """Every how many cells a label fits."""
    return max(1, int(np.ceil(count * size / max(available, size))))


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float | np.number) else escape_dollars(str(value))
