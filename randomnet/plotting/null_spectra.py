"""Spectra before and after training of a network and of its null models: one panel per null."""

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

LINE_STYLES: tuple[dict[str, Any], ...] = (
    {"linestyle": DASHED, "linewidth": 0.9},
    {"linestyle": "-"},
)  # before and after training
MARKERS_UP_TO = 12  # at most this many exponents have a marker each
SpectraPair = tuple[Sequence[Run], Sequence[Run]]  # the runs' spectra before and after training; either may be empty


@dataclass(frozen=True)
class NullSpectra:
    """Spectra of a null model, or of the network, before and after training.

    title: of the null's panel. target: values that the leading exponents are trained to, (nle,) or empty.
    """

    title: str
    spectra: SpectraPair
    target: np.ndarray


def null_spectra(
    panels: Sequence[NullSpectra], network: NullSpectra, title: str = "", notes: Sequence[str] = ()
) -> Figure:
    """Mean spectra before and after training against index/N, with bands: a panel per null, each with the network.

    network: its title is its legend text. notes: further lines of the legend. If the trained exponents are a small
    share of all, a second row enlarges them.
    """
    sets = [runs for panel in (network, *panels) for runs in panel.spectra]
    all_runs = [run for runs in sets for run in runs]
    targets = [panel.target for panel in (network, *panels)]
    limits = x_limits(all_runs, targets)
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
        heading = [f"mean and {band_name}" if band_name else "", not_drawn_text(all_runs), *notes]
        legend(figure, _handles(network.title, any(map(len, targets))), "; ".join(filter(None, heading)))
        return figure


def _draw(axes: Axes, panel: NullSpectra, network: NullSpectra, limit: float) -> None:
    axes.set_axis_on()
    zero_line(axes)
    same_target = np.array_equal(panel.target, network.target)
    for item, color in ((panel, NULL), (network, NETWORK)):
        for runs, style in zip(item.spectra, LINE_STYLES, strict=True):
            if runs:
                _draw_runs(axes, runs, color, style, limit)
        sizes = [n for runs in item.spectra for _, _, n in runs]
        if sizes and len(item.target):
            places = np.arange(1, len(item.target) + 1) / max(sizes)
            axes.plot(
                places, item.target, color="k" if same_target else color, linestyle=DOTTED, linewidth=1.0, zorder=4
            )
    set_x(axes, limit)


def _draw_runs(axes: Axes, runs: Sequence[Run], color: str, style: dict[str, Any], limit: float) -> None:
    """Draw the mean of these runs, and the band over them if there are several."""
    x, rows = on_one_axis(runs)
    visible = (x <= limit + 1e-9) & np.isfinite(rows).any(axis=0)
    x, rows = x[visible], rows[:, visible]
    if not len(x):
        return
    marker = "o" if len(x) <= MARKERS_UP_TO else None
    axes.plot(x, np.nanmean(rows, axis=0), color=color, marker=marker, markersize=2, **style)
    if len(rows) > 1:
        axes.fill_between(x, *quantile_band(rows), color=color, alpha=0.15, linewidth=0)


def _share(grid: np.ndarray, row_count: int) -> None:
    """Give all panels of one enlargement the same y limits; numbers and labels are at the left and the bottom."""
    for row in range(row_count):
        panels = [axes for axes in grid[row::row_count].flat if axes.axison]
        low, high = min(axes.get_ylim()[0] for axes in panels), max(axes.get_ylim()[1] for axes in panels)
        for axes in panels:
            axes.set_ylim(low, high)
            axes.tick_params(labelleft=axes in grid[:, 0])
            axes.set_xlabel("index / N" if row == row_count - 1 else "")
        for axes in grid[row::row_count, 0]:
            axes.set_ylabel("Lyapunov exponent (1/τ)" + ("\nfirst ones, enlarged" if row else ""))


def _handles(network_text: str, has_target: bool) -> list[Line2D]:
    return [
        Line2D([], [], color=NETWORK, label=network_text),
        Line2D([], [], color=NULL, label="null"),
        *(Line2D([], [], color=REFERENCE, label=f"{stage} training", **style)
          for stage, style in zip(("before", "after"), LINE_STYLES, strict=True)),
        *[Line2D([], [], color="k", linestyle=DOTTED, linewidth=1.0, label="target")] * has_target,
    ]  # fmt: skip
