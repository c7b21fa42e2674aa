"""State space of one network: the flow in the plane of its trajectories, the energy there, and its fixed points."""

from dataclasses import dataclass, field
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import NullFormatter

from randomnet.plotting.style import (
    COLOURS,
    DOTTED,
    DOUBLE,
    LIGHTEST,
    REFERENCE,
    STYLE,
    circle_limits,
    escape_dollars,
    label_no_values,
    legend,
    new_figure,
)

WIDEST = 32  # characters in a line of an axis label
MOST_ARROWS = 16  # arrows along an axis
ARROW_WIDTH = 0.018  # inches
ARROW_SPAN = 0.8  # length of an arrow, as a share of the distance between two
MOST_LINES = 50
FAINT_FROM = 20  # trajectories; as many are fainter, as they would hide the arrows
SPEEDS = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, LIGHTEST, 256)))  # its end is invisible on white
LOWEST_ENERGY = 1e-12  # share of the largest energy; all values below have one colour
UNKNOWN = "0.6"
MARKERS = ("^", "s", "v")  # of 1, 2, and more unstable directions
MOST_DIRECTIONS = 3  # fixed points with at least this many unstable directions look alike


@dataclass(frozen=True)
class StateSpace:
    """The data of one network.

    trajectories (lines, T, 2), fixed points and slow points (P, 2): in the plane. grid (n, n, 2) and velocity (n, n, 2)
    per `unit`. energy (n, n) = |F(h) - h|^2 / 2. unstable (P,): number of unstable directions, -1 if undecided. at_kink
    (P,) bool: points where the activation has a kink, so that there is no Jacobian and eigenvalues are nan. eigenvalues
    (P, N): of the Jacobian of one step. explained (2,): share of variance along each axis. labels: of the axes.
    third (P,): fixed points along the axis across the plane on which they differ most, empty where they hardly leave
    the plane. third_share: share of the fixed points' variance along it.
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
    unit: str = "τ"
    third: np.ndarray = field(default_factory=lambda: np.empty(0))
    third_share: float = 0.0

    @property
    def groups(self) -> list[tuple[int, bool, np.ndarray]]:
        """Groups of fixed points that look alike, in drawing order.

        Each is (unstable directions, at most MOST_DIRECTIONS; whether at a kink; mask (P,)).
        """
        directions = np.minimum(self.unstable, MOST_DIRECTIONS)
        pairs = set(zip(directions.tolist(), self.at_kink.tolist(), strict=True))
        pairs = sorted(pairs, key=lambda pair: (pair[1], -pair[0]))
        return [(count, kink, (directions == count) & (self.at_kink == kink)) for count, kink in pairs]


def state_space(network: StateSpace, title: str = "") -> Figure:
    """Flow and trajectories, energy, eigenvalues at the fixed points, and these points along a third axis, if any.

    Points that differ across the plane may lie on top of each other in it.
    """
    with matplotlib.rc_context(STYLE):
        is_deep = bool(len(network.third))
        figure = new_figure(DOUBLE, 5.3 if is_deep else 2.7, title)
        shape = (2, 2) if is_deep else (1, 3)
        flow, energy, spectrum = (figure.add_subplot(*shape, place) for place in (1, 2, 3))
        if is_deep:
            _three_axes(figure.add_subplot(2, 2, 4, projection="3d"), network)
        _flow(figure, flow, network)
        _energy(figure, energy, network)
        for axes in (flow, energy):
            _points(axes, network)
            axes.set_xlim(network.grid[..., 0].min(), network.grid[..., 0].max())
            axes.set_ylim(network.grid[..., 1].min(), network.grid[..., 1].max())
            axes.set_xlabel(_axis(network, 0))
        flow.set_ylabel(_axis(network, 1))
        _eigenvalues(spectrum, network)
        legend(figure, _handles(network), "Flow and energy in the plane through the mean state", first=3)
        return figure


def flow(network: StateSpace, title: str = "") -> Figure:
    """Two panels: the flow with trajectories and fixed points, and the energy."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 3.2, title)
        arrows, energy = figure.subplots(1, 2)
        _flow(figure, arrows, network)
        _energy(figure, energy, network)
        for axes in (arrows, energy):
            _points(axes, network)
            axes.set_xlabel(_axis(network, 0))
        arrows.set_ylabel(_axis(network, 1))
        return figure


def fixed_points(network: StateSpace, title: str = "") -> Figure:
    """Two panels: fixed points and slow points in the plane, and eigenvalues at the fixed points."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.9, title)
        states, spectrum = figure.subplots(1, 2)
        for trajectory in network.trajectories[:MOST_LINES]:
            states.plot(trajectory[:, 0], trajectory[:, 1], color="0.6", linewidth=0.6, zorder=1)
        _points(states, network)
        states.set_xlabel(_axis(network, 0))
        states.set_ylabel(_axis(network, 1))
        _eigenvalues(spectrum, network)
        handles = _handles(network)
        legend(figure, handles if len(network.trajectories) else handles[1:], "")
        return figure


def _axis(network: StateSpace, axis: int) -> str:
    label, variance = escape_dollars(network.labels[axis]), f"({network.explained[axis]:.0%} of variance)"
    if np.isnan(network.explained[axis]):
        return label
    return f"{label} {variance}" if len(label) + len(variance) < WIDEST else f"{label}\n{variance}"


def _flow(figure: Figure, axes: Axes, network: StateSpace) -> None:
    step = -(-len(network.grid) // MOST_ARROWS)
    grid, velocity = (array[::step, ::step] for array in (network.grid, network.velocity))
    speed = np.linalg.norm(velocity, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        direction = np.where(speed[..., None] > 0, velocity / speed[..., None], 0.0)
    speeds = speed[np.isfinite(speed) & (speed > 0)]
    for trajectory in network.trajectories[:MOST_LINES]:
        axes.plot(trajectory[:, 0], trajectory[:, 1], zorder=1, **_line(network))
    if not speeds.size:
        return
    norm = LogNorm(max(speeds.min(), 1e-6 * speeds.max()), speeds.max() * (1 + 1e-9))
    arrows = axes.quiver(grid[..., 0], grid[..., 1], direction[..., 0], direction[..., 1],
                         np.clip(speed, norm.vmin, None), norm=norm, cmap=SPEEDS, angles="xy", pivot="mid",
                         units="inches", width=ARROW_WIDTH, scale=len(grid) / ARROW_SPAN, scale_units="width",
                         headwidth=3.5, headlength=4, headaxislength=3.5, zorder=2)  # fmt: skip
    _colorbar(figure, axes, arrows, f"speed in the plane (1/{network.unit})")


def _energy(figure: Figure, axes: Axes, network: StateSpace) -> None:
    finite = network.energy[np.isfinite(network.energy)]
    if not finite.size or finite.max() <= 0:
        label_no_values(axes)
        return
    lowest = max(finite.min(), LOWEST_ENERGY * finite.max())
    norm = LogNorm(lowest, finite.max() * (1 + 1e-9))
    field = axes.pcolormesh(network.grid[..., 0], network.grid[..., 1], np.maximum(network.energy, lowest), norm=norm,
                            cmap="magma", shading="gouraud", rasterized=True)  # fmt: skip
    _colorbar(figure, axes, field, "energy |F(h) − h|²/2 over all units")


def _colorbar(figure: Figure, axes: Axes, mesh: ScalarMappable, label: str) -> None:
    """Add a colour bar with three numbers, as decades may be too few or too many."""
    ticks = np.geomspace(mesh.norm.vmin, mesh.norm.vmax, 3)
    bar = figure.colorbar(mesh, ax=axes, location="top", shrink=0.9, label=label, ticks=ticks, format="%.2g")
    bar.ax.xaxis.set_minor_formatter(NullFormatter())


def _look(unstable: int, at_kink: bool = False) -> dict[str, object]:
    """Marker style: filled if stable, else hollow with a colour per number of unstable directions.

    The markers differ, too, as colours are lost in grey. Points at a kink are diamonds, grey if their stability is
    undecided.
    """
    if at_kink:
        return {**_look(max(unstable, 0)), "marker": "D"} | ({"markerfacecolor": UNKNOWN} if unstable < 0 else {})
    if unstable == 0:
        return {"marker": "o", "markerfacecolor": COLOURS[0], "markeredgecolor": "white", "markersize": 5}
    marker = MARKERS[min(unstable, MOST_DIRECTIONS) - 1]
    return {"marker": marker, "markerfacecolor": "white", "markeredgecolor": _colour(unstable), "markersize": 4}


def _colour(unstable: int) -> str:
    return COLOURS[0] if unstable == 0 else (COLOURS[1], COLOURS[2], COLOURS[3])[min(unstable, MOST_DIRECTIONS) - 1]


def _points(axes: Axes, network: StateSpace) -> None:
    style = {"linestyle": "", "marker": "x", "color": COLOURS[4], "markersize": 4}
    axes.plot(network.slow[:, 0], network.slow[:, 1], zorder=3, **style)
    for unstable, at_kink, selected in network.groups:
        points = network.fixed[selected]
        axes.plot(points[:, 0], points[:, 1], linestyle="", zorder=4, **_look(unstable, at_kink))


def _three_axes(axes: Any, network: StateSpace) -> None:
    """Draw the fixed points along the plane's axes and the one across it, each with a line down to the floor."""
    floor = network.third.min() - 0.05 * np.ptp(network.third)
    for (x, y), z in zip(network.fixed, network.third, strict=True):
        axes.plot([x, x], [y, y], [floor, z], color="0.8", linewidth=0.5, zorder=1)
    for unstable, at_kink, selected in network.groups:
        axes.plot(*network.fixed[selected].T, network.third[selected], linestyle="", **_look(unstable, at_kink))
    axes.set_zlim(bottom=floor)
    axes.set_xlabel(escape_dollars(network.labels[0]), labelpad=-8)
    axes.set_ylabel(escape_dollars(network.labels[1]), labelpad=-8)
    axes.set_zlabel(f"across the plane\n({network.third_share:.0%} of variance\nof fixed points)", labelpad=-4)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_ticklabels([])
        axis.set_pane_color((0.97, 0.97, 0.97, 1.0))
    axes.grid(visible=False)
    axes.set_title("fixed points along a third axis")
    axes.view_init(elev=20, azim=-60)
    axes.set_box_aspect(None, zoom=1.15)


def _line(network: StateSpace) -> dict[str, Any]:
    """Style of trajectories, fainter where they are many."""
    return {"color": "0.6", "linewidth": 0.6} if len(network.trajectories) < FAINT_FROM else {
        "color": "0.75", "linewidth": 0.4}  # fmt: skip


def _eigenvalues(axes: Axes, network: StateSpace) -> None:
    axes.set_xlabel("Re λ of the step's Jacobian\nat fixed points")
    axes.set_ylabel("Im λ")
    axes.set_box_aspect(1)
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=REFERENCE, linestyle=DOTTED, linewidth=0.8, zorder=4))
    differentiable = np.flatnonzero(~network.at_kink)
    if not len(differentiable):
        label_no_values(axes)
        return
    order = differentiable[np.argsort(-network.unstable[differentiable], kind="stable")]  # stable points on top
    for unstable, values in zip(network.unstable[order].tolist(), network.eigenvalues[order], strict=True):
        axes.plot(values.real, values.imag, linestyle="", marker="o", markersize=2, markeredgewidth=0,
                  color=_colour(unstable), alpha=0.7)  # fmt: skip
    across, reach = circle_limits(network.eigenvalues[differentiable])
    axes.set_xlim(across)
    axes.set_ylim(-reach, reach)


def _handles(network: StateSpace) -> list[Line2D]:
    handles = [Line2D([], [], label=f"{len(network.trajectories[:MOST_LINES])} trajectories", **_line(network))]
    visible = _in_view(network)
    for unstable, at_kink, mask in sorted(network.groups, key=lambda group: (group[1], group[0])):
        count, hidden = int(mask.sum()), int((mask & ~visible).sum())
        suffix = " or more" if unstable == MOST_DIRECTIONS else ""
        stability = "stable" if unstable == 0 else f"{unstable}{suffix} unstable direction{'s' * (unstable > 1)}"
        if at_kink:
            stability = "at a kink, " + (
                "neither stable nor unstable" if unstable < 0 else f"{stability} from all sides"
            )
        hidden_text = f" ({hidden} outside the panel)" if hidden else ""
        label = f"{count} fixed point{'s' * (count > 1)}: {stability}{hidden_text}"
        handles.append(Line2D([], [], linestyle="", label=label, **_look(unstable, at_kink)))
    if len(network.slow):
        handles.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="x",
                color=COLOURS[4],
                label=f"{len(network.slow)} slow point{'s' * (len(network.slow) > 1)}",
            )
        )
    return [*handles, Line2D([], [], color=REFERENCE, linestyle=DOTTED, linewidth=0.8, label="unit circle")]


def _in_view(network: StateSpace) -> np.ndarray:
    """Mask (P,) of the fixed points within the grid; the plane may miss points far from all trajectories."""
    ends = network.grid.reshape(-1, 2)
    return ((network.fixed >= ends.min(0)) & (network.fixed <= ends.max(0))).all(1)
