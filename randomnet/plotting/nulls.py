"""A network among its null models: a panel per null."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.option_axis import needs_log_axis, set_option_ticks, shifted, slot_width
from randomnet.plotting.run_averages import quantile_band, quantile_band_text
from randomnet.plotting.style import (
    COLOURS,
    DOUBLE,
    SINGLE,
    STYLE,
    escape_dollars,
    jitter,
    legend,
    new_figure,
    set_groups,
    set_ylabel,
    zero_line,
)

NETWORK, NULL = COLOURS[1], COLOURS[0]
MOST_COLUMNS = 4


@dataclass(frozen=True)
class NullPanel:
    """One null model beside the network that it is made from.

    x: (k,) ascending; network, draws: k arrays of values each, of the network's runs and of the null's; hollow: k
    arrays, which draws did not converge or are of a record too short to tell.
    """

    title: str
    x: np.ndarray
    network: Sequence[np.ndarray]
    draws: Sequence[np.ndarray]
    hollow: Sequence[np.ndarray]


def nulls(
    panels: Sequence[NullPanel], network_text: str, ylabel: str, xlabel: str = "", title: str = "",
    groups: Sequence[str] = (), zero: bool = False, notes: Sequence[str] = (),
) -> Figure:  # fmt: skip
    """The network's median as a line on each null's draws; both with `quantile_band`, from 5 to 95 % of their values.

    network_text: what the legend calls the network and its runs. groups: the names of the places x, where these are
    no numbers. notes: what else the legend says. A panel has the width of a quarter of a page.
    """
    columns = min(len(panels), MOST_COLUMNS)
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if columns == 1 else DOUBLE, 0.4 + 2.0 * rows, title)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, panel, groups, zero)
            axes.set_xlabel(escape_dollars(xlabel))
        for axes in grid[:, 0]:
            set_ylabel(axes, ylabel)
        legend(figure, _handles(panels, network_text), "; ".join(notes))
        return figure


def _draw(axes: Axes, panel: NullPanel, groups: Sequence[str], zero: bool) -> None:
    axes.set_xscale("log" if not groups and needs_log_axis(panel.x) else "linear")
    if zero:
        zero_line(axes)
    step = 0.6 if groups or len(panel.x) < 2 else slot_width(axes, panel.x)
    for values, color in ((panel.draws, NULL), (panel.network, NETWORK)):
        _band(axes, panel.x, values, color, step, joined=not groups)
    medians = [np.median(values) if len(values) else np.nan for values in panel.network]
    if groups or len(panel.x) < 2:
        for x, median in zip(panel.x, medians, strict=True):
            axes.plot([x - step / 2, x + step / 2], [median, median], color=NETWORK, zorder=6)
    else:
        axes.plot(panel.x, medians, color=NETWORK, zorder=6)
    for x, draws, hollow in zip(panel.x, panel.draws, panel.hollow, strict=True):
        places = np.array([shifted(axes, x, 0.5 * step * offset) for offset in jitter(len(draws))])
        for which, face in ((~hollow, NULL), (hollow, "white")):
            axes.plot(places[which], draws[which], "o", color=NULL, markersize=2.6, markerfacecolor=face,
                      markeredgewidth=0.5, alpha=0.7, zorder=4)  # fmt: skip
    axes.set_title(escape_dollars(panel.title))
    if groups:
        set_groups(axes, groups, 20)
        axes.set_xlim(-0.6, len(groups) - 0.4)
    else:
        set_option_ticks(axes, panel.x)


def _band(axes: Axes, x: np.ndarray, values: Sequence[np.ndarray], color: str, step: float, joined: bool) -> None:
    """`quantile_band` of the values at each x; joined over x where there are several."""
    several = np.array([len(some) > 1 for some in values])
    if not several.any():
        return
    unknown = ([np.nan], [np.nan])
    ends = np.array([quantile_band(some[:, None]) if len(some) > 1 else unknown for some in values])[..., 0]
    look = {"color": color, "alpha": 0.18, "linewidth": 0, "zorder": 2}
    if joined and several.sum() > 1:
        axes.fill_between(x, ends[:, 0], ends[:, 1], where=several, **look)
        return
    for place, (low, high) in zip(x[several], ends[several], strict=True):
        axes.fill_between([place - step / 2, place + step / 2], low, high, **look)


def _handles(panels: Sequence[NullPanel], network_text: str) -> list[Artist]:
    bare = {"marker": "o", "linestyle": "", "color": NULL, "markeredgewidth": 0.5}
    found: list[Artist] = [
        Line2D([], [], color=NETWORK, label=network_text),
        Line2D([], [], markersize=2.6, label="one draw of the null", **bare),
    ]
    band_name = quantile_band_text([len(some) for panel in panels for some in (*panel.draws, *panel.network)])
    found += [Patch(color="0.5", alpha=0.3, linewidth=0, label=band_name)] if band_name else []
    if any(hollow.any() for panel in panels for hollow in panel.hollow):
        label = "not converged, or too short to tell"
        found.append(Line2D([], [], markersize=2.6, markerfacecolor="white", label=label, **bare))
    return found
