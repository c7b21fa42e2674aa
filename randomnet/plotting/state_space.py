"""Inside one network: its flow in the plane of its trajectories, the energy there, and its fixed points."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import NullFormatter

from randomnet.plotting.style import (
    COLOURS,
    DOTTED,
    DOUBLE,
    REFERENCE,
    STYLE,
    circle_limits,
    escape_dollars,
    label_no_values,
    legend,
    new_figure,
)

WIDEST = 32  # characters of an axis label's line
MOST_ARROWS = 20  # along an axis
MOST_LINES = 50
DEEPEST = 1e-12  # of the greatest energy; below it the map has one colour
UNKNOWN = "0.6"
MANY = 3  # unstable directions from which on fixed points look alike


@dataclass(frozen=True)
class StateSpace:
    """What is drawn of one network.

    trajectories (lines, T, 2), and fixed and slow points (P, 2), in the plane; grid, velocity (n, n, 2), velocity per
    tau; energy (n, n) = |F(h) - h|^2 / 2; unstable (P,): unstable directions, -1 where undecided; at_kink (P,) bool:
    the points without a Jacobian, whose eigenvalues are nan; eigenvalues (P, N) of the step's Jacobian; explained (2,):
    share of the variance along each axis; labels: what each axis is.
    """

    trajectories: np.ndarray
    fixed: np.ndarray
    unstable: np.ndarray
    eigenvalues: np.ndarray
    slow: np.ndarray
    grid: np.ndarray
    velocity: np.ndarray
    energy: np.ndarray
    explained: np.ndarray
    labels: tuple[str, str]
    at_kink: np.ndarray

    @property
    def groups(self) -> list[tuple[int, bool, np.ndarray]]:
        """(unstable directions, MANY or more alike; at a kink; which points (P,)), those drawn last coming last."""
        alike = np.minimum(self.unstable, MANY)
        pairs = set(zip(alike.tolist(), self.at_kink.tolist(), strict=True))
        pairs = sorted(pairs, key=lambda pair: (pair[1], -pair[0]))
        return [(number, kink, (alike == number) & (self.at_kink == kink)) for number, kink in pairs]


def state_space(network: StateSpace, title: str = "") -> Figure:
    """Three panels: flow and trajectories, energy, and the eigenvalues at the fixed points with the unit circle."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.7, title)
        flow, energy, spectrum = figure.subplots(1, 3)
        _flow(figure, flow, network)
        _energy(figure, energy, network)
        for axes in (flow, energy):
            _points(axes, network)
            axes.set_xlim(network.grid[..., 0].min(), network.grid[..., 0].max())
            axes.set_ylim(network.grid[..., 1].min(), network.grid[..., 1].max())
            axes.set_xlabel(_axis(network, 0))
        flow.set_ylabel(_axis(network, 1))
        _eigenvalues(spectrum, network)
        legend(figure, _handles(network), "Flow and energy in the plane through the mean of all states", first=3)
        return figure


def _axis(network: StateSpace, which: int) -> str:
    label, share = escape_dollars(network.labels[which]), f"({network.explained[which]:.0%} of variance)"
    return f"{label} {share}" if len(label) + len(share) < WIDEST else f"{label}\n{share}"


def _flow(figure: Figure, axes: Axes, network: StateSpace) -> None:
    every = -(-len(network.grid) // MOST_ARROWS)
    grid, velocity = (array[::every, ::every] for array in (network.grid, network.velocity))
    speed = np.linalg.norm(velocity, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(speed[..., None] > 0, velocity / speed[..., None], 0.0)
    known = speed[np.isfinite(speed) & (speed > 0)]
    for line in network.trajectories[:MOST_LINES]:
        axes.plot(line[:, 0], line[:, 1], color="0.6", linewidth=0.6, zorder=1)
    if not known.size:
        return
    norm = LogNorm(max(known.min(), 1e-6 * known.max()), known.max() * (1 + 1e-9))
    arrows = axes.quiver(grid[..., 0], grid[..., 1], unit[..., 0], unit[..., 1], np.clip(speed, norm.vmin, None),
                         norm=norm, cmap="viridis", angles="xy", pivot="mid", width=0.005, zorder=2)  # fmt: skip
    _colorbar(figure, axes, arrows, "speed in the plane (1/τ)")


def _energy(figure: Figure, axes: Axes, network: StateSpace) -> None:
    finite = network.energy[np.isfinite(network.energy)]
    if not finite.size or finite.max() <= 0:
        label_no_values(axes)
        return
    lowest = max(finite.min(), DEEPEST * finite.max())
    norm = LogNorm(lowest, finite.max() * (1 + 1e-9))
    field = axes.pcolormesh(network.grid[..., 0], network.grid[..., 1], np.maximum(network.energy, lowest), norm=norm,
                            cmap="magma", shading="gouraud", rasterized=True)  # fmt: skip
    _colorbar(figure, axes, field, "energy |F(h) − h|²/2 of all units")


def _colorbar(figure: Figure, axes: Axes, shown: ScalarMappable, label: str) -> None:
    """With three numbers, whatever the range: decades may be none, or too many."""
    ticks = np.geomspace(shown.norm.vmin, shown.norm.vmax, 3)
    bar = figure.colorbar(shown, ax=axes, location="top", shrink=0.9, label=label, ticks=ticks, format="%.2g")
    bar.ax.xaxis.set_minor_formatter(NullFormatter())


def _look(unstable: int, at_kink: bool = False) -> dict[str, object]:
    """Filled where stable; hollow with a colour for each number of unstable directions; a diamond at a kink, grey where
    its stability is undecided."""
    if at_kink:
        return {**_look(max(unstable, 0)), "marker": "D"} | ({"markerfacecolor": UNKNOWN} if unstable < 0 else {})
    if unstable == 0:
        return {"marker": "o", "markerfacecolor": COLOURS[0], "markeredgecolor": "white", "markersize": 5}
    return {"marker": "o", "markerfacecolor": "white", "markeredgecolor": _colour(unstable), "markersize": 4}


def _colour(unstable: int) -> str:
    return COLOURS[0] if unstable == 0 else (COLOURS[1], COLOURS[2], COLOURS[3])[min(unstable, MANY) - 1]


def _points(axes: Axes, network: StateSpace) -> None:
    slow = {"linestyle": "", "marker": "x", "color": COLOURS[4], "markersize": 4}
    axes.plot(network.slow[:, 0], network.slow[:, 1], zorder=3, **slow)
    for unstable, at_kink, which in network.groups:
        points = network.fixed[which]
        axes.plot(points[:, 0], points[:, 1], linestyle="", zorder=4, **_look(unstable, at_kink))


def _eigenvalues(axes: Axes, network: StateSpace) -> None:
    axes.set_xlabel("Re λ of the step at fixed points")
    axes.set_ylabel("Im λ")
    axes.set_box_aspect(1)
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=4))
    smooth = np.flatnonzero(~network.at_kink)
    if not len(smooth):
        label_no_values(axes)
        return
    order = smooth[np.argsort(-network.unstable[smooth], kind="stable")]  # those of stable points on top
    for unstable, values in zip(network.unstable[order].tolist(), network.eigenvalues[order], strict=True):
        axes.plot(values.real, values.imag, linestyle="", marker="o", markersize=2, markeredgewidth=0,
                  color=_colour(unstable), alpha=0.7)  # fmt: skip
    across, reach = circle_limits(network.eigenvalues[smooth])
    axes.set_xlim(across)
    axes.set_ylim(-reach, reach)


def _handles(network: StateSpace) -> list[Line2D]:
    found = [Line2D([], [], color="0.6", linewidth=0.6, label=f"{len(network.trajectories[:MOST_LINES])} trajectories")]
    seen = _in_view(network)
    for unstable, at_kink, these in sorted(network.groups, key=lambda group: (group[1], group[0])):
        count, hidden = int(these.sum()), int((these & ~seen).sum())
        more = " or more" if unstable == MANY else ""
        what = "stable" if unstable == 0 else f"{unstable}{more} unstable direction{'s' * (unstable > 1)}"
        if at_kink:
            what = "at a kink, " + ("neither stable nor unstable" if unstable < 0 else f"{what} from all sides")
        out = f" ({hidden} out of view)" if hidden else ""
        found.append(Line2D([], [], linestyle="", label=f"{count} fixed point{'s' * (count > 1)}: {what}{out}",
                            **_look(unstable, at_kink)))  # fmt: skip
    if len(network.slow):
        found.append(Line2D([], [], linestyle="", marker="x", color=COLOURS[4], label=f"{len(network.slow)} slow"))
    return [*found, Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="unit circle")]


def _in_view(network: StateSpace) -> np.ndarray:
    """(P,): which fixed points lie within the grid; the plane may miss those that no trajectory comes near."""
    ends = network.grid.reshape(-1, 2)
    return ((network.fixed >= ends.min(0)) & (network.fixed <= ends.max(0))).all(1)
