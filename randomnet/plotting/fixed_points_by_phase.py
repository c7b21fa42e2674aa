"""Fixed points of one network from phase to phase of a trial: where they are, how many, and how near to instability."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from randomnet.plotting.style import DOTTED, DOUBLE, LIGHTEST, REFERENCE, STYLE, escape_dollars, legend, new_figure

SHADE = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, LIGHTEST, 256)))
FAINT, DARK = "0.7", "0.2"
FARTHEST = 0.5  # of the states' larger extent, on each side of them; points farther off are out of view
EDGE = 0.06  # of what is in view


@dataclass(frozen=True)
class FixedPointsByPhase:
    """What is drawn of one condition.

    path (T, 2): a trial in the plane; points (P, 2), where each is on the way from phase to phase (P,), in phases from
    0; unstable (P,): unstable directions, -1 where undecided; modulus (P,): of the largest eigenvalue, nan at a kink;
    names: of the phases; steps: from one to the next. explained (2,): share of the variance along each axis. reach
    (2, 2): the least and the greatest coordinates of the condition's states, of which the trial is one. at_kink (P,)
    bool: the points without a Jacobian.
    """

    path: np.ndarray
    points: np.ndarray
    where: np.ndarray
    unstable: np.ndarray
    modulus: np.ndarray
    names: tuple[str, ...]
    steps: int
    explained: np.ndarray
    reach: np.ndarray
    at_kink: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """All that there are, (L,), with points or without."""
        return np.arange((len(self.names) - 1) * self.steps + 1) / self.steps

    @property
    def in_view(self) -> np.ndarray:
        """(P,): which points lie so near to the states that they are drawn beside them."""
        low, high = self.reach
        room = FARTHEST * (high - low).max()
        return ((self.points >= low - room) & (self.points <= high + room)).all(1)

    def which(self, stable: bool) -> np.ndarray:
        """(P,) bool: the stable points, or the unstable ones; those that are undecided are neither."""
        return self.unstable == 0 if stable else self.unstable > 0

    def count(self, stable: bool) -> np.ndarray:
        """(L,): how many points there are at each place."""
        there = np.round(self.where[self.which(stable)] * self.steps).astype(int)
        return np.bincount(there, minlength=len(self.places))


def fixed_points_by_phase(network: FixedPointsByPhase, title: str = "") -> Figure:
    """Three panels: the points and a trial in a plane, the number of points, and the modulus of what leads at each."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 3.4, title)
        axes = figure.subplot_mosaic([["plane", "counts"], ["plane", "modulus"]], width_ratios=[1.1, 1])
        _plane(axes["plane"], network)
        _counts(axes["counts"], network)
        _modulus(axes["modulus"], network)
        shown = ScalarMappable(_norm(network), SHADE)
        bar = figure.colorbar(shown, ax=list(axes.values()), location="top", shrink=0.6, aspect=40)
        bar.set_label("phase whose input is held, and on the way to the next")
        bar.set_ticks(range(len(network.names)), labels=[escape_dollars(name) for name in network.names])
        bar.ax.minorticks_off()
        legend(figure, _handles(network), "Under the input of one trial without its noise")
        return figure


def _norm(network: FixedPointsByPhase) -> Normalize:
    return Normalize(0, max(1, len(network.names) - 1))


def _plane(axes: Axes, network: FixedPointsByPhase) -> None:
    axes.plot(*network.path.T, color=FAINT, linewidth=0.8, zorder=1)
    axes.plot(*network.path[0], marker="D", color=FAINT, markersize=3.5, zorder=1)
    _marks(axes, network.points, network)
    seen = np.concatenate([network.reach, network.points[network.in_view]])
    edge = EDGE * np.ptp(seen, axis=0)
    (left, bottom), (right, top) = seen.min(0) - edge, seen.max(0) + edge
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_xlabel(f"PC 1 ({network.explained[0]:.0%} of variance)")
    axes.set_ylabel(f"PC 2 ({network.explained[1]:.0%} of variance)")


def _marks(axes: Axes, at: np.ndarray, network: FixedPointsByPhase) -> None:
    """A mark for each point, stable ones on top; a diamond at a kink, grey where undecided."""
    own = network.at_kink
    faces = np.where(network.unstable[own] < 0, FAINT, np.where(network.unstable[own] == 0, DARK, "white"))
    axes.scatter(*at[own].T, s=16, marker="D", facecolors=faces, edgecolors=DARK, linewidths=0.8, zorder=4)
    for stable in (False, True):
        own = network.which(stable) & ~network.at_kink
        colours = SHADE(_norm(network)(network.where[own]))
        axes.scatter(*at[own].T, s=13, facecolors=colours if stable else "white", edgecolors=colours, linewidths=0.8,
                     zorder=4 if stable else 3)  # fmt: skip


def _counts(axes: Axes, network: FixedPointsByPhase) -> None:
    for stable in (False, True):
        axes.plot(network.places, network.count(stable), zorder=2 + stable, **_look(stable))
    axes.set_ylabel("fixed points\nfound")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylim(bottom=-0.06 * axes.get_ylim()[1])  # so that none is no half a mark
    _along(axes, network, named=False)


def _modulus(axes: Axes, network: FixedPointsByPhase) -> None:
    axes.axhline(1, color=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=1)
    _marks(axes, np.stack([network.where, network.modulus], 1), network)
    axes.set_ylabel("largest |λ|\nof the step")
    axes.set_xlabel("phase whose input is held")
    _along(axes, network, named=True)


def _along(axes: Axes, network: FixedPointsByPhase, named: bool) -> None:
    """The phases on the x axis."""
    last = len(network.names) - 1
    for phase in range(last + 1):
        axes.axvline(phase, color="0.9", linewidth=0.6, zorder=0)
    axes.set_xlim(-0.05 * max(1, last), 1.05 * last if last else 0.05)
    axes.set_xticks(range(last + 1), [escape_dollars(name) for name in network.names] if named else [])


def _look(stable: bool) -> dict[str, Any]:
    face = DARK if stable else "white"
    return {"color": DARK, "linestyle": "-" if stable else "--", "linewidth": 0.9, "marker": "o", "markersize": 3.4,
            "markerfacecolor": face, "markeredgewidth": 0.8}  # fmt: skip


def _handles(network: FixedPointsByPhase) -> list[Line2D]:
    hidden, texts = ~network.in_view, {}
    for stable in (True, False):
        out = int((hidden & network.which(stable)).sum())
        texts[stable] = f"{'stable' if stable else 'unstable'} fixed points" + f" ({out} out of view)" * (out > 0)
    kink, undecided = int(network.at_kink.sum()), int((network.unstable < 0).sum())
    text = f"{kink} at a kink of the activation" + f", {undecided} neither stable nor unstable (grey)" * (undecided > 0)
    kinks = [Line2D([], [], color=DARK, marker="D", markersize=3.5, linestyle="", markerfacecolor=FAINT, label=text)]
    trial = {"color": FAINT, "marker": "D", "markevery": [0], "markersize": 3.5, "linewidth": 0.8}
    return [
        Line2D([], [], label="the trial, from its start", **trial),
        *(Line2D([], [], label=text, **_look(stable)) for stable, text in texts.items()),
        *(kinks if kink else []),
        Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="limit of stability"),
    ]
