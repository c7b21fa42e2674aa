"""The flow in a plane: where trajectories begin on a grid, the paths they take, and where they are in the end."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.activity import rate_unit
from randomnet.plotting.style import COLOURS, DOUBLE, STYLE, escape_dollars, legend, new_figure

MOST_ENDS = 6  # places that have a colour each
NEAR = 0.04  # of the plane's extent: ends that are no farther apart are one place
STILL = 0.002  # of the same, within the last tenth of the time: less is no movement
MOST_POINTS = 400  # of a path
SIDE = 4.4  # inches
NOWHERE = "0.6"


@dataclass(frozen=True, eq=False)
class PhasePlane:
    """What is drawn of one network.

    starts (A, 2), paths (A, W, 2): overlaps of A trajectories with two vectors; names: of these; times (W,) in `unit`;
    events: of so many inputs that come and go meanwhile.
    """

    starts: np.ndarray
    paths: np.ndarray
    names: tuple[str, str]
    times: np.ndarray
    unit: str = "s"
    events: int = 0

    @property
    def extent(self) -> float:
        """The longer side of what starts and paths fill."""
        points = np.concatenate([self.starts, self.paths.reshape(-1, 2)])
        return float(np.ptp(points, axis=0).max()) or 1.0

    @property
    def moving(self) -> np.ndarray:
        """(A,) bool: those that are not at rest in the last tenth of the time."""
        courses = np.concatenate([self.starts[:, None], self.paths], axis=1)
        late = courses[:, -max(2, len(self.times) // 10) :]
        return np.linalg.norm(late - late[:, -1:], axis=-1).max(1) > STILL * self.extent

    def places(self) -> np.ndarray:
        """(A,): the number of the place where each trajectory ends, from 0 for that of most on; -1 where it still moves
        and is at none of the places where others are at rest."""
        ends, near, number = self.paths[:, -1], NEAR * self.extent, np.full(len(self.paths), -1)
        still, found = ~self.moving, 0
        while (still & (number < 0)).any():
            first = ends[np.argmax(still & (number < 0))]
            number[(number < 0) & (np.linalg.norm(ends - first, axis=1) <= near)] = found
            found += 1
        order = np.argsort(-np.bincount(number[number >= 0], minlength=found), kind="stable")
        return np.where(number < 0, -1, np.argsort(order)[number] if found else -1)


def phase_plane(network: PhasePlane, title: str = "") -> Figure:
    """Start points, paths and ends; coloured by where they end, if that is one of a few places."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE * 0.72, SIDE, title)
        axes = figure.subplots()
        places = network.places()
        colours = _colours(places)
        _paths(axes, network, colours)
        axes.scatter(*network.starts.T, s=9, facecolors="white", edgecolors=colours, linewidths=0.7, zorder=3)
        for moves in (False, True):
            own = network.moving == moves
            axes.scatter(*network.paths[own, -1].T, s=26, marker=_mark(moves), c=colours[own], edgecolors="black",
                         linewidths=0.5, zorder=5)  # fmt: skip
        axes.set_aspect("equal", adjustable="box")
        first, second = map(_symbol, network.names)
        rate = escape_dollars(rate_unit(network.unit))
        axes.set_xlabel(f"overlap with {first} ({rate})")
        axes.set_ylabel(f"overlap with {second} ({rate})")
        legend(figure, _handles(network, places), _said(network))
        return figure


def _few(places: np.ndarray) -> bool:
    return places.max() < MOST_ENDS


def _colours(places: np.ndarray) -> np.ndarray:
    """(A,): by place, where these are few; grey where there is none."""
    return np.where(places < 0, NOWHERE, np.array(COLOURS)[places if _few(places) else np.minimum(places, 0)])


def _paths(axes: Axes, network: PhasePlane, colours: np.ndarray) -> None:
    """From the start through all samples, with an arrow's head on the way."""
    every = -(-len(network.times) // MOST_POINTS)
    kept = np.unique([*range(0, len(network.times), every), len(network.times) - 1])
    paths = np.concatenate([network.starts[:, None], network.paths[:, kept]], axis=1)
    axes.add_collection(LineCollection(list(paths), colors=colours, linewidths=0.7, alpha=0.75, zorder=2))
    axes.update_datalim(paths.reshape(-1, 2))
    axes.autoscale_view()
    for path, colour in zip(paths, colours, strict=True):
        _arrow(axes, path, colour, network.extent)


def _arrow(axes: Axes, path: np.ndarray, colour: str, extent: float) -> None:
    """In the middle of a path, by its length."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    if steps.sum() < 0.05 * extent:
        return
    at = int(np.searchsorted(np.cumsum(steps), steps.sum() / 2))
    ends = path[at], path[at] + 0.6 * (path[at + 1] - path[at])
    axes.annotate("", ends[1], ends[0], zorder=4,
                  arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 0, "mutation_scale": 6})  # fmt: skip


def _mark(moves: bool) -> str:
    return "^" if moves else "o"


def _symbol(name: str) -> str:
    letters = name.rstrip("0123456789")
    return f"{ {'xi': 'ξ'}.get(letters, letters) }$_{{{name[len(letters) :]}}}$"


def _handles(network: PhasePlane, places: np.ndarray) -> list[Line2D]:
    point = {"linestyle": "", "markersize": 4, "markeredgewidth": 0.6, "markeredgecolor": "black"}
    found = [Line2D([], [], marker="o", **point | {"markeredgecolor": "0.3", "markerfacecolor": "white"},
                    label=f"{len(places)} starts")]  # fmt: skip
    counts = np.bincount(places[places >= 0]).tolist()
    if _few(places):
        found += [Line2D([], [], marker="o", color=COLOURS[place], label=f"{own} end{'s' * (own == 1)} here", **point)
                  for place, own in enumerate(counts)]  # fmt: skip
    else:
        text = f"{sum(counts)} end at {len(counts)} places"
        found.append(Line2D([], [], marker="o", color=COLOURS[0], label=text, **point))
    moving, nowhere = int(network.moving.sum()), int((places < 0).sum())
    if moving:
        grey = f" ({nowhere} elsewhere, grey)" if counts and nowhere else ""
        found.append(Line2D([], [], marker="^", color=NOWHERE, label=f"{moving} still move{grey}", **point))
    return found


def _said(network: PhasePlane) -> str:
    step = float(np.diff(network.times).mean()) if len(network.times) > 1 else 2 * float(network.times[0])
    end = float(network.times[-1]) + step / 2
    events = f"; {network.events} event{'s' * (network.events > 1)} meanwhile" if network.events else ""
    unit = escape_dollars(network.unit)
    return f"{end:g} {unit} from a grid of first states, as means over {step:g} {unit}{events}"
