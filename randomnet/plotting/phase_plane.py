"""Trajectories in a plane from a grid of initial states, their paths, and where they end."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.activity import rate_unit
from randomnet.plotting.style import COLOURS, DOUBLE, STYLE, escape_dollars, legend, new_figure

MOST_END_POINTS = 6  # at most this many end points have a colour each
SAME_WITHIN = 0.04  # share of the plane's extent; closer ends are one end point
AT_REST_BELOW = 0.002  # share of the plane's extent; less movement in the last tenth of the time is rest
MOST_POINTS = 400  # points of a drawn path
SIDE = 4.4  # inches
NO_END_POINT = "0.6"


@dataclass(frozen=True, eq=False)
class PhasePlane:
    """The data of one network.

    starts (A, 2), paths (A, W, 2): overlaps of A trajectories with two vectors; names: of these vectors; times (W,) in
    `unit`; events: number of input events during this time.
    """

    starts: np.ndarray
    paths: np.ndarray
    names: tuple[str, str]
    times: np.ndarray
    unit: str = "s"
    events: int = 0

    @property
    def extent(self) -> float:
        """The longer side of the area that starts and paths cover."""
        points = np.concatenate([self.starts, self.paths.reshape(-1, 2)])
        return float(np.ptp(points, axis=0).max()) or 1.0

    @property
    def moving(self) -> np.ndarray:
        """Mask (A,) of the trajectories that are not at rest in the last tenth of the time."""
        courses = np.concatenate([self.starts[:, None], self.paths], axis=1)
        late = courses[:, -max(2, len(self.times) // 10) :]
        return np.linalg.norm(late - late[:, -1:], axis=-1).max(1) > AT_REST_BELOW * self.extent

    def places(self) -> np.ndarray:
        """The number of the end point of each trajectory, (A,), from 0 for the most frequent one.

        It is -1 for a trajectory that still moves and is not at an end point of others.
        """
        ends, radius, number = self.paths[:, -1], SAME_WITHIN * self.extent, np.full(len(self.paths), -1)
        at_rest, count = ~self.moving, 0
        while (at_rest & (number < 0)).any():
            first = ends[np.argmax(at_rest & (number < 0))]
            number[(number < 0) & (np.linalg.norm(ends - first, axis=1) <= radius)] = count
            count += 1
        order = np.argsort(-np.bincount(number[number >= 0], minlength=count), kind="stable")
        return np.where(number < 0, -1, np.argsort(order)[number] if count else -1)


def phase_plane(network: PhasePlane, title: str = "") -> Figure:
    """Initial states, paths and ends; coloured by end point if there are few."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE * 0.72, SIDE, title)
        axes = figure.subplots()
        places = network.places()
        colours = _colours(places)
        _paths(axes, network, colours)
        axes.scatter(*network.starts.T, s=9, facecolors="white", edgecolors=colours, linewidths=0.7, zorder=3)
        for moves in (False, True):
            selected = network.moving == moves
            axes.scatter(*network.paths[selected, -1].T, s=26, marker=_mark(moves), c=colours[selected],
                         edgecolors="black", linewidths=0.5, zorder=5)  # fmt: skip
        axes.set_aspect("equal", adjustable="box")
        first, second = map(_symbol, network.names)
        rate = escape_dollars(rate_unit(network.unit))
        axes.set_xlabel(f"overlap with {first} ({rate})")
        axes.set_ylabel(f"overlap with {second} ({rate})")
        legend(figure, _handles(network, places), _heading(network))
        return figure


def _has_colours(places: np.ndarray) -> bool:
    return places.max() < MOST_END_POINTS


def _colours(places: np.ndarray) -> np.ndarray:
    """Colours (A,): by end point if these are few, grey without one."""
    return np.where(
        places < 0, NO_END_POINT, np.array(COLOURS)[places if _has_colours(places) else np.minimum(places, 0)]
    )


def _paths(axes: Axes, network: PhasePlane, colours: np.ndarray) -> None:
    """Draw the paths from the start through all samples, each with an arrow head."""
    step = -(-len(network.times) // MOST_POINTS)
    samples = np.unique([*range(0, len(network.times), step), len(network.times) - 1])
    paths = np.concatenate([network.starts[:, None], network.paths[:, samples]], axis=1)
    axes.add_collection(LineCollection(list(paths), colors=colours, linewidths=0.7, alpha=0.75, zorder=2))
    axes.update_datalim(paths.reshape(-1, 2))
    axes.autoscale_view()
    for path, colour in zip(paths, colours, strict=True):
        _arrow(axes, path, colour, network.extent)


def _arrow(axes: Axes, path: np.ndarray, colour: str, extent: float) -> None:
    """Draw an arrow head in the middle of a path, by its length."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    if steps.sum() < 0.05 * extent:
        return
    at = int(np.searchsorted(np.cumsum(steps), steps.sum() / 2))
    ends = path[at], path[at] + 0.6 * (path[at + 1] - path[at])
    axes.annotate("", ends[1], ends[0], zorder=4,
                  arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 0, "mutation_scale": 9})  # fmt: skip


def _mark(moves: bool) -> str:
    return "^" if moves else "o"


def _symbol(name: str) -> str:
    letters = name.rstrip("0123456789")
    return f"{ {'xi': 'ξ'}.get(letters, letters) }$_{{{name[len(letters) :]}}}$"


def _handles(network: PhasePlane, places: np.ndarray) -> list[Line2D]:
    point = {"linestyle": "", "markersize": 4, "markeredgewidth": 0.6, "markeredgecolor": "black"}
    handles = [Line2D([], [], marker="o", **point | {"markeredgecolor": "0.3", "markerfacecolor": "white"},
                    label=f"{len(places)} initial states")]  # fmt: skip
    counts = np.bincount(places[places >= 0]).tolist()
    if _has_colours(places):
        texts = [f"{count} end{'s' * (count == 1)} here" for count in counts]
        handles += [Line2D([], [], marker="o", color=COLOURS[place], label=text, **point)
                    for place, text in enumerate(texts)]  # fmt: skip
    else:
        text = f"{sum(counts)} end at {len(counts)} points"
        handles.append(Line2D([], [], marker="o", color=COLOURS[0], label=text, **point))
    moving, unassigned = int(network.moving.sum()), int((places < 0).sum())
    if moving:
        grey = f" ({unassigned} elsewhere, grey)" if counts and unassigned else ""
        handles.append(Line2D([], [], marker="^", color=NO_END_POINT, label=f"{moving} still moving{grey}", **point))
    return handles


def _heading(network: PhasePlane) -> str:
    step = float(np.diff(network.times).mean()) if len(network.times) > 1 else 2 * float(network.times[0])
    end = float(network.times[-1]) + step / 2
    events = f"; {network.events} event{'s' * (network.events > 1)} in this time" if network.events else ""
    unit = escape_dollars(network.unit)
    return f"{end:g} {unit} from a grid of initial states, means over {step:g} {unit}{events}"
