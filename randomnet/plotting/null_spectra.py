"""Spectra before and after training of a network and of its null models: a panel per null."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.nulls import MOST_COLUMNS, NETWORK, NULL
from randomnet.plotting.run_averages import quantile_band, quantile_band_text
from randomnet.plotting.spectra import Run, not_drawn_text, on_one_axis, set_x, x_limits
from randomnet.plotting.style import (
    DASHED,
    DOTTED,
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    escape_dollars,
    legend,
    new_figure,
    zero_line,
)

LOOKS: tuple[dict[str, Any], ...] = ({"linestyle": DASHED, "linewidth": 0.9}, {"linestyle": "-"})  # before, and after
FEW_POINTS = 12  # exponents, which have a mark each
Both = tuple[Sequence[Run], Sequence[Run]]  # the runs' spectra before and after training; either may be empty


@dataclass(frozen=True)
class NullSpectra:
    """The spectra of a null, or of the network, before and after training.

    title: of the null's panel. target: what the leading exponents are trained to, (nle,) or empty.
    """

    title: str
    spectra: Both
    target: np.ndarray


def null_spectra(
    panels: Sequence[NullSpectra], network: NullSpectra, title: str = "", notes: Sequence[str] = ()
) -> Figure:
    """In each panel a null's mean spectra before and after training, and the network's, against index/N, with bands.

    network: its title is what the legend calls it. notes: what else the legend says. A second row enlarges trained
    exponents that are a small part of all.
    """
    sets = [runs for panel in (network, *panels) for runs in panel.spectra]
    every = [run for runs in sets for run in runs]
    targets = [panel.target for panel in (network, *panels)]
    limits = x_limits(every, targets)
    blocks = -(-len(panels) // MOST_COLUMNS)
    columns, rows = -(-len(panels) // blocks), blocks * len(limits)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if columns == 1 else DOUBLE, 0.5 + 1.9 * rows, title)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for place, panel in enumerate(panels):
            for row, limit in enumerate(limits):
                axes = grid[place // columns * len(limits) + row, place % columns]
                _draw(axes, panel, network, limit)
                axes.set_title("" if row else escape_dollars(panel.title))
        _share(grid, len(limits))
        band_name = quantile_band_text([len(runs) for runs in sets])
        said = [f"mean and {band_name}" if band_name else "", not_drawn_text(every), *notes]
        legend(figure, _handles(network.title, any(map(len, targets))), "; ".join(filter(None, said)))
        return figure


def _draw(axes: Axes, panel: NullSpectra, network: NullSpectra, limit: float) -> None:
    axes.set_axis_on()
    zero_line(axes)
    alike = np.array_equal(panel.target, network.target)
    for one, color in ((panel, NULL), (network, NETWORK)):
        for runs, look in zip(one.spectra, LOOKS, strict=True):
            if runs:
                _draw_runs(axes, runs, color, look, limit)
        sizes = [n for runs in one.spectra for _, _, n in runs]
        if sizes and len(one.target):
            places = np.arange(1, len(one.target) + 1) / max(sizes)
            axes.plot(places, one.target, color="k" if alike else color, linestyle=DOTTED, linewidth=1.0, zorder=4)
    set_x(axes, limit)


def _draw_runs(axes: Axes, runs: Sequence[Run], color: str, look: dict[str, Any], limit: float) -> None:
    """The mean of these runs, and the quantile_band over them where they are several."""
    x, rows = on_one_axis(runs)
    keep = (x <= limit + 1e-9) & np.isfinite(rows).any(axis=0)
    x, rows = x[keep], rows[:, keep]
    if not len(x):
        return
    marker = "o" if len(x) <= FEW_POINTS else None
    axes.plot(x, np.nanmean(rows, axis=0), color=color, marker=marker, markersize=2, **look)
    if len(rows) > 1:
        axes.fill_between(x, *quantile_band(rows), color=color, alpha=0.15, linewidth=0)


def _share(grid: np.ndarray, each: int) -> None:
    """Equal y limits over all panels of the same enlargement, with numbers and labels at the left and the bottom."""
    for row in range(each):
        every = [axes for axes in grid[row::each].flat if axes.axison]
        low, high = min(axes.get_ylim()[0] for axes in every), max(axes.get_ylim()[1] for axes in every)
        for axes in every:
            axes.set_ylim(low, high)
            axes.tick_params(labelleft=axes in grid[:, 0])
            axes.set_xlabel("index / N" if row == each - 1 else "")
        for axes in grid[row::each, 0]:
            axes.set_ylabel("Lyapunov exponent (1/τ)" + ("\nfirst ones, enlarged" if row else ""))


def _handles(network_text: str, targeted: bool) -> list[Line2D]:
    return [
        Line2D([], [], color=NETWORK, label=network_text),
        Line2D([], [], color=NULL, label="null"),
        *(Line2D([], [], color=REFERENCE, label=f"{when} training", **look)
          for when, look in zip(("before", "after"), LOOKS, strict=True)),
        *[Line2D([], [], color="k", linestyle=DOTTED, linewidth=1.0, label="target")] * targeted,
    ]  # fmt: skip
