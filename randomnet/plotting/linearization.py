"""The linearised step of one network by groups of units: its eigenvalues in the complex plane, and time constants."""

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
SHORTEST = 1e-3  # of the longest time constant; shorter ones are drawn there


@dataclass(frozen=True)
class Linearization:
    """What is drawn of one network.

    whole: (N,) complex, eigenvalues of the step's Jacobian, and time_constants (N,) in tau, negative where
    perturbations grow. groups: texts, of so many in all (`of`); eigenvalues, constants: the same of each group's own
    block. where: the state at which it is linearised.
    """

    whole: np.ndarray
    time_constants: np.ndarray
    groups: tuple[str, ...]
    of: int
    eigenvalues: tuple[np.ndarray, ...]
    constants: tuple[np.ndarray, ...]
    where: str


def linearization(network: Linearization, title: str = "") -> Figure:
    """Two panels: eigenvalues with the unit circle, and the time constants of their modes, each group a colour."""
    series = [Series(escape_dollars(group), number) for number, group in enumerate(network.groups)]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.9, title)
        plane, times = figure.subplots(1, 2, width_ratios=[1, 1.3])
        _plane(plane, network, series)
        _times(times, network, series)
        legend(figure, _handles(network, series), _said(network))
        return figure


def _plane(axes: Axes, network: Linearization, series: list[Series]) -> None:
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=1))
    axes.plot(network.whole.real, network.whole.imag, linestyle="", marker="o", markersize=5, markerfacecolor="none",
              markeredgecolor="0.6", markeredgewidth=0.7, zorder=2)  # fmt: skip
    for one, values in zip(series, network.eigenvalues, strict=True):
        axes.plot(values.real, values.imag, linestyle="", marker=one.marker, markersize=2.6, markeredgewidth=0,
                  color=one.color, alpha=0.85, zorder=3)  # fmt: skip
    across, reach = circle_limits(np.concatenate([network.whole, *network.eigenvalues]))
    axes.set_xlim(across)
    axes.set_ylim(-reach, reach)
    axes.set_box_aspect(1)
    axes.set_xlabel("Re λ of the step")
    axes.set_ylabel("Im λ")


def _times(axes: Axes, network: Linearization, series: list[Series]) -> None:
    columns = [(network.time_constants, "0.5", "o")]
    columns += [(values, one.color, one.marker) for one, values in zip(series, network.constants, strict=True)]
    sizes = np.abs(np.concatenate([values for values, _, _ in columns]))
    known = sizes[np.isfinite(sizes) & (sizes > 0)]
    longest = known.max() if known.size else 1.0
    for place, (values, color, marker) in enumerate(columns):
        lengths = np.clip(np.abs(values), SHORTEST * longest, None)
        at = place + 0.5 * jitter(len(values))
        for grows in (False, True):
            some = np.isfinite(lengths) & ((values < 0) == grows)
            face = "white" if grows else color
            axes.plot(at[some], lengths[some], linestyle="", marker="^" if grows else marker, color=color,
                      markerfacecolor=face, markersize=4 if grows else 2.6, markeredgewidth=0.8 * grows,
                      zorder=3 if grows else 2)  # fmt: skip
    axes.set_yscale("log")
    log_numbers(axes.yaxis, max(known.min(initial=longest), SHORTEST * longest), longest)
    if (sizes < SHORTEST * longest).any():
        axes.axhline(SHORTEST * longest, color="0.8", linewidth=0.6, zorder=0)
    axes.set_ylabel("time constant (τ)")
    axes.set_xlim(-0.6, len(columns) - 0.4)
    set_groups(axes, [WHOLE, *network.groups], 62)


def _handles(network: Linearization, series: list[Series]) -> list[Line2D]:
    whole = Line2D([], [], linestyle="", marker="o", markersize=5, markerfacecolor="none", markeredgecolor="0.6",
                   label=WHOLE)  # fmt: skip
    groups = [Line2D([], [], linestyle="", marker=one.marker, color=one.color, markersize=3.5, label=one.text)
              for one in series]  # fmt: skip
    growing = Line2D([], [], linestyle="", marker="^", markersize=4, markerfacecolor="white", markeredgecolor="0.3",
                     label="perturbation that grows")  # fmt: skip
    circle = Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="unit circle")
    grows = any((values < 0).any() for values in (network.time_constants, *network.constants))
    return [whole, *groups, *[growing] * grows, circle]


def _said(network: Linearization) -> str:
    shown = len(network.groups)
    more = f", of {network.of} groups the {shown} with the largest modulus" if shown < network.of else ""
    what = "of the whole step and of the blocks of groups" if shown else "of the whole step"
    return f"Eigenvalues {what}{more}, at {network.where}"
