"""Linearization of one network, whole and by groups of units: eigenvalues in the complex plane, and time constants."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from randomnet.plotting.style import (
    DOTTED,
    DOUBLE,
    REFERENCE,
    STYLE,
    Series,
    circle_limits,
    escape_dollars,
    jitter,
    legend,
    log_numbers,
    new_figure,
    set_groups,
)

WHOLE = "whole network"
SHORTEST = 1e-3  # share of the longest time constant; shorter ones are drawn at this value


@dataclass(frozen=True)
class Linearization:
    """The data of one network.

    whole (N,): complex eigenvalues of the Jacobian of one step. time_constants (N,): in `unit`, negative for growing
    modes. groups: names of the drawn groups, out of `of` groups. eigenvalues, constants: of each group's own block.
    where: name of the state at which the network is linearized.
    """

    whole: np.ndarray
    time_constants: np.ndarray
    groups: tuple[str, ...]
    of: int
    eigenvalues: tuple[np.ndarray, ...]
    constants: tuple[np.ndarray, ...]
    where: str
    unit: str = "τ"


def linearization(network: Linearization, title: str = "") -> Figure:
    """Two panels: eigenvalues with the unit circle, and the time constants of the modes, a colour per group."""
    series = [Series(escape_dollars(group), number) for number, group in enumerate(network.groups)]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.9, title)
        plane, times = figure.subplots(1, 2, width_ratios=[1, 1.3])
        _plane(plane, network, series)
        _times(times, network, series)
        legend(figure, _handles(network, series), _heading(network))
        return figure


def _plane(axes: Axes, network: Linearization, series: list[Series]) -> None:
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=1))
    axes.plot(network.whole.real, network.whole.imag, linestyle="", marker="o", markersize=5, markerfacecolor="none",
              markeredgecolor="0.6", markeredgewidth=0.7, zorder=2)  # fmt: skip
    for look, values in zip(series, network.eigenvalues, strict=True):
        axes.plot(values.real, values.imag, linestyle="", marker=look.marker, markersize=2.6, markeredgewidth=0,
                  color=look.color, alpha=0.85, zorder=3)  # fmt: skip
    across, reach = circle_limits(np.concatenate([network.whole, *network.eigenvalues]))
    axes.set_xlim(across)
    axes.set_ylim(-reach, reach)
    axes.set_box_aspect(1)
    axes.set_xlabel("Re λ of the step's Jacobian")
    axes.set_ylabel("Im λ")


def _times(axes: Axes, network: Linearization, series: list[Series]) -> None:
    columns = [(network.time_constants, "0.5", "o")]
    columns += [(values, look.color, look.marker) for look, values in zip(series, network.constants, strict=True)]
    sizes = np.abs(np.concatenate([values for values, _, _ in columns]))
    positive = sizes[np.isfinite(sizes) & (sizes > 0)]
    longest = positive.max() if positive.size else 1.0
    for index, (values, color, marker) in enumerate(columns):
        lengths = np.clip(np.abs(values), SHORTEST * longest, None)
        x = index + 0.5 * jitter(len(values))
        for grows in (False, True):
            selected = np.isfinite(lengths) & ((values < 0) == grows)
            fill = "white" if grows else color
            axes.plot(x[selected], lengths[selected], linestyle="", marker="^" if grows else marker, color=color,
                      markerfacecolor=fill, markersize=4 if grows else 2.6, markeredgewidth=0.8 * grows,
                      zorder=3 if grows else 2)  # fmt: skip
    axes.set_yscale("log")
    log_numbers(axes.yaxis, max(positive.min(initial=longest), SHORTEST * longest), longest)
    if (sizes < SHORTEST * longest).any():
        axes.axhline(SHORTEST * longest, color="0.8", linewidth=0.6, zorder=0)
    axes.set_ylabel(f"time constant ({network.unit})")
    axes.set_xlim(-0.6, len(columns) - 0.4)
    set_groups(axes, [WHOLE, *network.groups], 62)


def _handles(network: Linearization, series: list[Series]) -> list[Line2D]:
    whole = Line2D([], [], linestyle="", marker="o", markersize=5, markerfacecolor="none", markeredgecolor="0.6",
                   label=WHOLE)  # fmt: skip
    groups = [Line2D([], [], linestyle="", marker=look.marker, color=look.color, markersize=3.5, label=look.text)
              for look in series]  # fmt: skip
    growing = Line2D([], [], linestyle="", marker="^", markersize=4, markerfacecolor="white", markeredgecolor="0.3",
                     label="growing mode")  # fmt: skip
    circle = Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="unit circle")
    any_grows = any((values < 0).any() for values in (network.time_constants, *network.constants))
    return [whole, *groups, *[growing] * any_grows, circle]


def _heading(network: Linearization) -> str:
    count = len(network.groups)
    selection = f", {count} of {network.of} groups with the largest modulus" if count < network.of else ""
    blocks = "of the Jacobian and of its blocks by group" if count else "of the Jacobian"
    return f"Eigenvalues {blocks}{selection}, at {network.where}"
