"""A network among its null models: one panel per null."""

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

NETWORK, NULL = COLOURS[:2]  # as in the overview, where the network comes first
MOST_COLUMNS = 4


@dataclass(frozen=True)
class NullPanel:
    """One null model and the network it is made from.

    x: (k,) ascending; network, draws: k arrays each, the values of the network's runs and of the null's draws; hollow:
    k boolean arrays, True for draws that did not converge or whose record is too short to tell.
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
    """The network's median as a line among each null's draws, both with their `quantile_band`.

    network_text: legend text of the network and its runs. groups: names of the places x, if these are not numbers.
    notes: further lines of the legend. A panel is a quarter of a page wide.
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
        for selected, face in ((~hollow, NULL), (hollow, "white")):
            axes.plot(places[selected], draws[selected], "o", color=NULL, markersize=2.6, markerfacecolor=face,
                      markeredgewidth=0.5, alpha=0.7, zorder=4)  # fmt: skip
    axes.set_title(escape_dollars(panel.title))
    if groups:
        set_groups(axes, groups, 20)
        axes.set_xlim(-0.6, len(groups) - 0.4)
    else:
        set_option_ticks(axes, panel.x)


def _band(axes: Axes, x: np.ndarray, values: Sequence[np.ndarray], color: str, step: float, joined: bool) -> None:
    """Draw `quantile_band` of the values at each x, connected if `joined`."""
    has_band = np.array([len(group) > 1 for group in values])
    if not has_band.any():
        return
    unknown = ([np.nan], [np.nan])
    ends = np.array([quantile_band(group[:, None]) if len(group) > 1 else unknown for group in values])[..., 0]
    style = {"color": color, "alpha": 0.18, "linewidth": 0, "zorder": 2}
    if joined and has_band.sum() > 1:
        axes.fill_between(x, ends[:, 0], ends[:, 1], where=has_band, **style)
        return
    for place, (low, high) in zip(x[has_band], ends[has_band], strict=True):
        axes.fill_between([place - step / 2, place + step / 2], low, high, **style)


def _handles(panels: Sequence[NullPanel], network_text: str) -> list[Artist]:
    style = {"marker": "o", "linestyle": "", "color": NULL, "markeredgewidth": 0.5}
    handles: list[Artist] = [
        Line2D([], [], color=NETWORK, label=network_text),
        Line2D([], [], markersize=2.6, label="one draw of the null", **style),
    ]
    band_name = quantile_band_text([len(group) for panel in panels for group in (*panel.draws, *panel.network)])
    handles += [Patch(color="0.5", alpha=0.3, linewidth=0, label=band_name)] if band_name else []
    if any(hollow.any() for panel in panels for hollow in panel.hollow):
        label = "not converged or too short to tell"
        handles.append(Line2D([], [], markersize=2.6, markerfacecolor="white", label=label, **style))
    return handles
