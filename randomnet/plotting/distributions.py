"""Distributions of trained parameters before and after training."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.style import (
    DASHED,
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    Series,
    escape_dollars,
    finite_values,
    jitter,
    label_no_values,
    legend,
    new_figure,
)

BEFORE: dict[str, Any] = {"marker": "o", "markersize": 3.5, "markerfacecolor": "white", "markeredgewidth": 0.7}
AFTER: dict[str, Any] = {"marker": "o", "markersize": 3.5, "markeredgewidth": 0}


def distributions(
    parameters: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]], series: Sequence[Series], title: str = "",
    names: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Figure:  # fmt: skip
    """Histograms of trained parameters before (outline) and after training (filled); a column each, a row per series.

    parameters: per parameter name, per series text, the values (n,) before and after training, over all runs. If all
                values are equal, they are drawn as a vertical line.
    names:      groups of the parameters whose values have few, and are drawn as dots beside their names instead: open
                before and filled after training. Their values are those of one run after the other.
    Series have rows of their own, as histograms on one axis would overlap; bins and axes are the same in all rows.
    """
    with matplotlib.rc_context(STYLE):
        most = max(map(len, names.values()), default=0)
        height = max(1.15 * max(1.4, len(series)), (0.45 + 0.16 * most) * len(series) * bool(names))
        figure = new_figure(SINGLE if len(parameters) == 1 else DOUBLE, 0.8 + height, title)
        grid = figure.subplots(len(series), max(1, len(parameters)), squeeze=False, sharex="col")
        for column, (name, sets) in enumerate(parameters.items()):
            finite = {text: (finite_values(before), finite_values(after)) for text, (before, after) in sets.items()}
            for axes, look in zip(grid[:, column], series, strict=True):
                if name in names:
                    _draw_named(axes, sets.get(look.text), look, names[name])
                else:
                    _draw_distribution(axes, finite, look)
            grid[-1, column].set_xlabel(escape_dollars(name))
        for axes, look in zip(grid[:, 0], series, strict=True):
            axes.set_title(escape_dollars(look.text), loc="left", color=look.color)
        if set(parameters) - set(names):
            figure.supylabel("probability density", fontsize=STYLE["axes.labelsize"])
        legend(figure, _handles(parameters, names, any(axes.patches for axes in grid.flat)), "")
        return figure


def _handles(parameters: Iterable[str], names: Iterable[str], filled: bool) -> list[Artist]:
    """Legend entries before and after training, of histograms and of dots, as far as there are any."""
    handles: list[Artist] = []
    if set(parameters) - set(names):
        handles.append(Line2D([], [], color=REFERENCE, linestyle=DASHED, label="before training"))
        handles.append(Patch(facecolor="0.75", edgecolor=REFERENCE, label="after training") if filled else
                       Line2D([], [], color=REFERENCE, label="after training"))  # fmt: skip
    if set(names):
        handles += [Line2D([], [], color=REFERENCE, linestyle="", label=f"group {when} training", **look)
                    for when, look in (("before", BEFORE), ("after", AFTER))]  # fmt: skip
    return handles


def _draw_named(axes: Axes, pair: tuple[np.ndarray, np.ndarray] | None, look: Series, names: Sequence[str]) -> None:
    """Draw each run's value of each group (n,) before and after training, joined by a thin line."""
    axes.set_yticks(range(len(names)), [escape_dollars(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    if pair is None:
        label_no_values(axes)
        return
    before, after = (values.reshape(-1, len(names)) for values in pair)
    heights = np.arange(len(names)) + 0.5 * jitter(len(before))[:, None]
    axes.plot([before.ravel(), after.ravel()], [heights.ravel()] * 2, color=look.color, linewidth=0.5, alpha=0.5)
    for values, style in ((before, BEFORE), (after, AFTER)):
        axes.plot(values.ravel(), heights.ravel(), color=look.color, linestyle="", **style)


def _draw_distribution(axes: Axes, finite: Mapping[str, tuple[np.ndarray, np.ndarray]], look: Series) -> None:
    arrays = [values for pair in finite.values() for values in pair if values.size]
    before, after = finite.get(look.text, (np.array([]), np.array([])))
    if before.size == after.size == 0:
        label_no_values(axes)
        return
    varying = [values for values in arrays if np.ptp(values) > 0]
    bins = _bins(np.concatenate(varying)) if varying else None
    _draw_histogram(axes, after, bins, look.color, "-", filled=True)
    _draw_histogram(axes, before, bins, REFERENCE, DASHED, filled=False)
    low, high = min(values.min() for values in arrays), max(values.max() for values in arrays)
    margin = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
    axes.set_xlim(low - margin, high + margin)
    if not axes.patches:  # vertical lines have no density
        axes.set_yticks([])


def _draw_histogram(
    axes: Axes, values: np.ndarray, bins: np.ndarray | None, color: str, dash: Any, filled: bool
) -> None:
    if values.size and np.ptp(values) == 0:
        axes.axvline(values[0], color=color, linestyle=dash, linewidth=1)
    elif values.size:
        if filled:
            axes.hist(values, bins, density=True, color=color, alpha=0.3)
        axes.hist(values, bins, density=True, histtype="step", color=color, linestyle=dash, linewidth=1)


def _bins(values: np.ndarray) -> np.ndarray:
    """Common bins of all sets by the square-root rule: between 8 and 40 of them."""
    count = int(np.clip(np.sqrt(len(values)), 8, 40))
    edges = np.linspace(values.min(), values.max(), count + 1)
    # Values that differ by rounding only leave no room for edges between them.
    return edges if np.all(np.diff(edges) > 0) else np.array([np.nextafter(edges[0], -np.inf), edges[-1] + 1e-9])
