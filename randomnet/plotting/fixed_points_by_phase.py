"""Fixed points of one network in each phase of a trial: where they are, how many, and how close to instability."""

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

COLOUR_MAP = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, LIGHTEST, 256)))
GREY, DARK = "0.7", "0.2"
VIEW_MARGIN = 0.5  # share of the states' larger extent; points further away are out of view
MARGIN = 0.06  # margin around the visible points, as a share of their extent


@dataclass(frozen=True)
class FixedPointsByPhase:
    """The data of one condition.

    path (T, 2): a trial in the plane. points (P, 2): the fixed points. where (P,): place of each point on the way from
    phase to phase, in phases from 0. unstable (P,): number of unstable directions, -1 if undecided. modulus (P,): of
    the largest eigenvalue, nan at a kink. names: of the phases. steps: from one phase to the next. explained (2,):
    share of variance along each axis. reach (2, 2): smallest and largest coordinates of the condition's states.
    at_kink (P,) bool: points where the activation has a kink, so that there is no Jacobian.
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
        """All places from phase to phase, (L,), with fixed points or without."""
        return np.arange((len(self.names) - 1) * self.steps + 1) / self.steps

    @property
    def in_view(self) -> np.ndarray:
        """Mask (P,) of the points close enough to the states to be drawn with them."""
        low, high = self.reach
        margin = VIEW_MARGIN * (high - low).max()
        return ((self.points >= low - margin) & (self.points <= high + margin)).all(1)

    def which(self, stable: bool) -> np.ndarray:
        """Mask (P,) of the stable points, or of the unstable ones; undecided points are in neither."""
        return self.unstable == 0 if stable else self.unstable > 0

    def count(self, stable: bool) -> np.ndarray:
        """Number of points at each place, (L,)."""
        place_index = np.round(self.where[self.which(stable)] * self.steps).astype(int)
        return np.bincount(place_index, minlength=len(self.places))


def fixed_points_by_phase(network: FixedPointsByPhase, title: str = "") -> Figure:
    """Three panels: points and a trial in a plane, the number of points, and their largest eigenvalue moduli."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 3.4, title)
        axes = figure.subplot_mosaic([["plane", "counts"], ["plane", "modulus"]], width_ratios=[1.1, 1])
        _plane(axes["plane"], network)
        _counts(axes["counts"], network)
        _modulus(axes["modulus"], network)
        mappable = ScalarMappable(_norm(network), COLOUR_MAP)
        bar = figure.colorbar(mappable, ax=list(axes.values()), location="top", shrink=0.6, aspect=40)
        bar.set_label("phase whose input is held constant, interpolated to the next phase")
        bar.set_ticks(range(len(network.names)), labels=[escape_dollars(name) for name in network.names])
        bar.ax.minorticks_off()
        legend(figure, _handles(network), "With the input of one trial, without noise")
        return figure


def _norm(network: FixedPointsByPhase) -> Normalize:
    return Normalize(0, max(1, len(network.names) - 1))


def _plane(axes: Axes, network: FixedPointsByPhase) -> None:
    axes.plot(*network.path.T, color=GREY, linewidth=0.8, zorder=1)
    axes.plot(*network.path[0], marker="D", color=GREY, markersize=3.5, zorder=1)
    _marks(axes, network.points, network)
    visible = np.concatenate([network.reach, network.points[network.in_view]])
    margin = MARGIN * np.ptp(visible, axis=0)
    (left, bottom), (right, top) = visible.min(0) - margin, visible.max(0) + margin
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_xlabel(f"PC 1 ({network.explained[0]:.0%} of variance)")
    axes.set_ylabel(f"PC 2 ({network.explained[1]:.0%} of variance)")


def _marks(axes: Axes, positions: np.ndarray, network: FixedPointsByPhase) -> None:
    """Draw a marker for each point, stable ones on top; a diamond at a kink, grey if undecided."""
    selected = network.at_kink
    faces = np.where(network.unstable[selected] < 0, GREY, np.where(network.unstable[selected] == 0, DARK, "white"))
    axes.scatter(*positions[selected].T, s=16, marker="D", facecolors=faces, edgecolors=DARK, linewidths=0.8, zorder=4)
    for stable in (False, True):
        selected = network.which(stable) & ~network.at_kink
        colours = COLOUR_MAP(_norm(network)(network.where[selected]))
        axes.scatter(*positions[selected].T, s=13, facecolors=colours if stable else "white", edgecolors=colours,
                     linewidths=0.8, zorder=4 if stable else 3)  # fmt: skip


def _counts(axes: Axes, network: FixedPointsByPhase) -> None:
    for stable in (False, True):
        axes.plot(network.places, network.count(stable), zorder=2 + stable, **_look(stable))
    axes.set_ylabel("fixed points\nfound")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylim(bottom=-0.06 * axes.get_ylim()[1])  # so that markers at 0 are whole
    _set_phase_axis(axes, network, named=False)


def _modulus(axes: Axes, network: FixedPointsByPhase) -> None:
    axes.axhline(1, color=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=1)
    _marks(axes, np.stack([network.where, network.modulus], 1), network)
    axes.set_ylabel("largest |λ| of the\nstep's Jacobian")
    axes.set_xlabel("phase whose input is held constant")
    _set_phase_axis(axes, network, named=True)


def _set_phase_axis(axes: Axes, network: FixedPointsByPhase, named: bool) -> None:
    """Put the phases on the x axis."""
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
        count = int((hidden & network.which(stable)).sum())
        texts[stable] = f"{'stable' if stable else 'unstable'} fixed points" + f" ({count} outside the panel)" * (
            count > 0
        )
    kink_count, undecided = int(network.at_kink.sum()), int((network.unstable < 0).sum())
    text = f"{kink_count} at a kink of the activation" + f", {undecided} neither stable nor unstable (grey)" * (
        undecided > 0
    )
    kinks = [Line2D([], [], color=DARK, marker="D", markersize=3.5, linestyle="", markerfacecolor=GREY, label=text)]
    trial = {"color": GREY, "marker": "D", "markevery": [0], "markersize": 3.5, "linewidth": 0.8}
    return [
        Line2D([], [], label="one trial (diamond: start)", **trial),
        *(Line2D([], [], label=text, **_look(stable)) for stable, text in texts.items()),
        *(kinks if kink_count else []),
        Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="stability limit, |λ| = 1"),
    ]
