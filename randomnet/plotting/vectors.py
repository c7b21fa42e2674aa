"""Covariant Lyapunov vectors: weights of groups of neurons, and participation ratios, over the exponents."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from randomnet.plotting.connectome import SIGNED
from randomnet.plotting.style import COLOURS, DASHES, DOUBLE, LONGEST, STYLE, escape_dollars, new_figure

PER_ROW = 2  # panels
ROW = 0.17  # inches: the height of a group
LARGEST_FACTOR = 8.0  # end of the colour scale, a factor of the weight that size alone gives
ROOM_FOR_LEGEND = 1.5  # end of the axis over the largest participation ratio
MISSING = "0.88"


class GroupWeights(NamedTuple):
    """One kind of group: its name, names of groups, and weight over share of neurons (groups, k)."""

    kind: str
    names: Sequence[str]
    ratios: np.ndarray


class Participation(NamedTuple):
    """Participation ratios (k,) of covariant vectors with errors; which exponents are separated.

    others: those of other vectors, by name. neurons: their number, the largest participation ratio.
    """

    covariant: np.ndarray
    errors: np.ndarray
    others: Mapping[str, np.ndarray]
    separated: np.ndarray
    neurons: float


def vectors(maps: Sequence[GroupWeights], participation: Participation, title: str = "") -> Figure:
    """A heat map for each kind of group, groups over exponents, and a panel of participation ratios."""
    panels = len(maps) + 1
    rows = -(-panels // PER_ROW)
    tallest = max([8, *(len(part.names) for part in maps)])
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, rows * (0.75 + ROW * tallest), title)
        axes = list(figure.subplots(rows, PER_ROW, squeeze=False).flat)
        for place, part in zip(axes, maps, strict=False):
            _draw_weights(figure, place, part)
        _draw_participation(axes[len(maps)], participation)
        for place in axes[panels:]:
            place.remove()
        return figure


def _draw_weights(figure: Figure, axes: Axes, part: GroupWeights) -> None:
    """Logarithms of the ratios, so that twice and half the weight are equally far from white."""
    with np.errstate(divide="ignore"):
        logs = np.log2(part.ratios)
    end = np.log2(LARGEST_FACTOR)
    groups, k = part.ratios.shape
    axes.set_facecolor(MISSING)
    mesh = axes.imshow(np.ma.masked_where(np.isnan(logs), logs), cmap=SIGNED, vmin=-end, vmax=end, aspect="auto",
                       interpolation="nearest", extent=(0.5, k + 0.5, groups - 0.5, -0.5))  # fmt: skip
    axes.set_yticks(range(groups), [_short(name) for name in part.names])
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(escape_dollars(part.kind))
    axes.set_xlabel("exponent index")
    ticks = np.arange(-int(end), int(end) + 1)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=20, ticks=ticks, extend="both")
    bar.ax.set_yticklabels([f"{2.0**tick:.4g}" for tick in ticks])
    bar.set_label("weight / share of neurons")


def _short(name: str) -> str:
    return escape_dollars(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")


def _draw_participation(axes: Axes, participation: Participation) -> None:
    """Dots are filled where the exponent is separated from its neighbours, so that its vector is determined."""
    index = np.arange(1, len(participation.covariant) + 1)
    for (name, values), dash in zip(participation.others.items(), DASHES[1:], strict=False):
        axes.plot(index, values, color="0.6", linestyle=dash, label=name)
    axes.errorbar(index, participation.covariant, 2 * np.nan_to_num(participation.errors), color=COLOURS[0],
                  linewidth=1, label="covariant")  # fmt: skip
    for separated, text in ((True, "exponent separated"), (False, "not separated")):
        chosen = participation.separated == separated
        face = COLOURS[0] if separated else "white"
        if chosen.any():
            axes.plot(index[chosen], participation.covariant[chosen], "o", color=COLOURS[0], markerfacecolor=face,
                      label=text)  # fmt: skip
    highest = max(map(np.max, (participation.covariant, *participation.others.values())))
    axes.set_ylim(0, ROOM_FOR_LEGEND * highest)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("exponent index")
    axes.set_ylabel(f"participation ratio\n(1 to {participation.neurons:.4g} neurons)")
    axes.legend(frameon=False, ncols=2, loc="upper left")
