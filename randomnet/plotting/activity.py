"""Population rates of a network over time, with its inputs and the decoded bump."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.heat_maps import colour_scale
from randomnet.plotting.rasters import raster_order
from randomnet.plotting.style import (
    COLOURS,
    DASHED,
    DOUBLE,
    REFERENCE,
    STYLE,
    Series,
    escape_dollars,
    legend,
    new_figure,
)

MOST_RASTERS = 4  # populations with a raster of their own; the largest if there are more
MOST_COLUMNS = 4000  # of a raster; if there are more windows, means over several are drawn, finer than a page resolves
MOST_LINES = 6  # populations in the panel of means; the largest if there are more
SINGLE_TRACES = 2  # single neurons drawn per population
MOST_PHASES = 20  # trajectories whose bump phase is drawn
LEGIBLE = 0.068  # inches: the width of a letter
LANE = 0.15  # inches: the height of the bar of a stimulus
MOMENTS = (3, 4)  # numbers of the colours of the bump's mean and amplitude
SYMBOLS = {"bump mean, M0": "bump mean, M$_0$", "bump amplitude, M1": "bump amplitude, M$_1$"}
PHASE = COLOURS[2]
TRACE = {"linewidth": 0.5, "alpha": 0.55}


class Stimulus(NamedTuple):
    """A stimulus: onset and offset, and its text."""

    onset: float
    offset: float
    text: str


class BumpCourse(NamedTuple):
    """The bump decoded from the rates: mean, amplitude, and phase in radians, nan where undefined; (B, W) each."""

    mean: np.ndarray
    amplitude: np.ndarray
    phase: np.ndarray


@dataclass(frozen=True, eq=False)
class Activity:
    """Rates of one network to draw.

    times (W,): centres of the time windows; rates (B, W, N) of B trajectories; population (N,): index of each neuron's
    population; populations: their names; stimuli: the events; bump: the decoded bump, if any; unit: of times, and rates
    are per unit. means (P, B, W): mean rates over the neurons of each population, if known. With them, only the drawn
    rates are read, which matters for a memory map.
    """

    times: np.ndarray
    rates: np.ndarray
    population: np.ndarray
    populations: Sequence[str]
    stimuli: Sequence[Stimulus] = ()
    bump: BumpCourse | None = None
    unit: str = "s"
    means: np.ndarray | None = None

    @property
    def sizes(self) -> np.ndarray:
        """Number of neurons of each population, (P,)."""
        return np.bincount(self.population, minlength=len(self.populations))

    @property
    def ends(self) -> tuple[float, float]:
        """Start of the first window and end of the last."""
        step = float(np.diff(self.times).mean()) if len(self.times) > 1 else 2 * abs(float(self.times[0])) or 1.0
        return float(self.times[0]) - step / 2, float(self.times[-1]) + step / 2

    def largest(self, count: int) -> list[int]:
        """Indices of the populations with most neurons, in ascending order."""
        return sorted(np.argsort(-self.sizes, kind="stable")[:count].tolist())

    def mean(self, p: int) -> np.ndarray:
        """Mean rate of a population, (B, W)."""
        return self.rates[:, :, self.population == p].mean(-1, dtype=float) if self.means is None else self.means[p]

    def image(self, p: int) -> tuple[np.ndarray, int]:
        """Rates of a population in the first trajectory, and the number of windows that a column averages.

        The rates are (cells, columns).
        """
        step = -(-len(self.times) // MOST_COLUMNS)
        members, rates = self.population == p, self.rates[0]
        columns = (
            [rates[start : start + step][:, members].mean(0) for start in range(0, len(rates), step)]
            if step > 1
            else None
        )
        return (rates[:, members] if columns is None else np.stack(columns)).T, step


def rate_unit(unit: str) -> str:
    """The unit of rates for this unit of times."""
    return "Hz" if unit == "s" else f"1/{unit}"


def activity(network: Activity, title: str = "") -> Figure:
    """Rasters, mean rates and the decoded bump on one time axis, with a bar for each stimulus."""
    rasters = [p for p in network.largest(MOST_RASTERS) if network.sizes[p]]
    lanes = _lanes(network)
    stimulus_height = [LANE * (max(lanes) + 1) + 0.05] if lanes else []
    heights = [*stimulus_height, *_raster_heights(network, rasters), 1.25, *([1.0, 1.0] if network.bump else [])]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, sum(heights) + 0.25 * len(heights) + 0.3, title)
        grid = GridSpec(len(heights), 1, figure, height_ratios=heights)
        panels = [figure.add_subplot(grid[0])]
        panels += [figure.add_subplot(grid[row], sharex=panels[0]) for row in range(1, len(heights))]
        for axes in panels[:-1]:
            axes.tick_params(labelbottom=False)
        line_panels = panels[-3:] if network.bump else panels[-1:]
        if lanes:
            _stimuli(panels[0], network, lanes)
        for p, axes in zip(rasters, panels[bool(lanes) :], strict=False):
            _raster(figure, axes, network, p)
        _means(line_panels[0], network)
        if network.bump:
            _moments(line_panels[1], network)
            _phases(line_panels[2], network)
        for axes in line_panels:
            for stimulus in network.stimuli:
                axes.axvspan(stimulus.onset, stimulus.offset, color="0.92", zorder=0, linewidth=0)
        panels[-1].set_xlabel(f"time ({escape_dollars(network.unit)})")
        panels[0].set_xlim(*network.ends)
        figure.align_ylabels(panels[bool(lanes) :])
        legend(figure, _handles(network), _heading(network, rasters), symbols=SYMBOLS)
        return figure


def _lanes(network: Activity) -> list[int]:
    """The row of each stimulus, such that neither bars nor texts overlap."""
    start, end = network.ends
    width = LEGIBLE * (end - start) / (DOUBLE - 1.5)  # of a letter, in time
    ends: list[float] = []
    lanes = []
    for stimulus in network.stimuli:
        needed = width * (len(stimulus.text) + 2)
        left = min(max(stimulus.onset, start), end - needed)
        lane = next((lane for lane, row_end in enumerate(ends) if row_end <= left), len(ends))
        ends[lane : lane + 1] = [max(stimulus.offset, left + needed)]
        lanes.append(lane)
    return lanes


def _stimuli(axes: Axes, network: Activity, lanes: Sequence[int]) -> None:
    start, end = network.ends
    axes.set_ylim(max(lanes) + 1, 0)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False)
    for stimulus, lane in zip(network.stimuli, lanes, strict=True):
        left, right = max(stimulus.onset, start), min(stimulus.offset, end)
        if right <= left:
            continue
        axes.barh(lane + 0.5, right - left, left=left, height=0.9, color="0.85", linewidth=0)
        needed = LEGIBLE * len(stimulus.text) / (DOUBLE - 1.5) * (end - start)
        is_right_aligned = left + needed > end  # the text would leave the axes on the right
        axes.text(right if is_right_aligned else left, lane + 0.5, f" {escape_dollars(stimulus.text)} ", va="center",
                  ha="right" if is_right_aligned else "left", fontsize=STYLE["legend.fontsize"])  # fmt: skip


def _raster_heights(network: Activity, populations: Sequence[int]) -> list[float]:
    """Heights in inches, by the number of neurons, within limits."""
    sizes = network.sizes[list(populations)]
    return np.clip(2.4 * sizes / max(sizes.sum(), 1), 0.6, 1.6).tolist()


def _raster(figure: Figure, axes: Axes, network: Activity, p: int) -> None:
    image, step = network.image(p)
    order, text = raster_order(image) if network.bump is None else (slice(None), "")  # a bump shows in their own order
    image = image[order]
    start, end = network.ends
    end = start + (end - start) * step * image.shape[1] / len(network.times)  # the last column may hold fewer windows
    drawn = axes.imshow(image, **colour_scale(image), aspect="auto", origin="lower", interpolation_stage="data",
                        extent=(start, end, 0, len(image)))  # fmt: skip
    name = escape_dollars(network.populations[p])
    axes.set_title(", ".join(filter(None, [f"rates of the neurons of {name}", text])), loc="left")
    axes.set_ylabel("neuron")
    axes.locator_params(axis="y", nbins=3, integer=True)
    axes.spines[["top", "right"]].set_visible(True)
    for stimulus in network.stimuli:
        for time in (stimulus.onset, stimulus.offset):
            axes.axvline(time, color="white", linewidth=0.6, linestyle=DASHED)
    bar = figure.colorbar(drawn, ax=axes, pad=0.01, aspect=12, fraction=0.04)
    bar.set_label(escape_dollars(rate_unit(network.unit)))
    bar.ax.locator_params(nbins=4)


def _look(place: int) -> Series:
    return Series("", place)


def _means(axes: Axes, network: Activity) -> None:
    for number, p in enumerate(network.largest(MOST_LINES)):
        members = np.flatnonzero(network.population == p)
        if not len(members):
            continue
        examples = members[
            (np.arange(SINGLE_TRACES) * len(members) + len(members) // 2) // SINGLE_TRACES % len(members)
        ]
        axes.plot(network.times, network.rates[0][:, np.unique(examples)], color=_look(number).color, zorder=1, **TRACE)
        _band(axes, network.times, network.mean(p), number)
    axes.set_ylabel(f"rate ({escape_dollars(rate_unit(network.unit))})")
    axes.margins(y=0.08)


def _band(axes: Axes, times: np.ndarray, lines: np.ndarray, place: int) -> None:
    """Draw the mean of lines (B, W) over B, with a band of one standard deviation."""
    mean, spread = lines.mean(0), lines.std(0, ddof=1) if len(lines) > 1 else np.zeros(lines.shape[1])
    look = _look(place)
    axes.fill_between(times, mean - spread, mean + spread, color=look.color, alpha=0.25, linewidth=0, zorder=2)
    axes.plot(times, mean, color=look.color, linestyle=look.linestyle, zorder=3,
              marker="o" if len(times) == 1 else None, markersize=3)  # fmt: skip


def _moments(axes: Axes, network: Activity) -> None:
    assert network.bump is not None, "drawn where there is a bump"
    for place, lines in zip(MOMENTS, (network.bump.mean, network.bump.amplitude), strict=True):
        _band(axes, network.times, lines, place)
    axes.set_ylabel(f"bump ({escape_dollars(rate_unit(network.unit))})")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def _phases(axes: Axes, network: Activity) -> None:
    assert network.bump is not None, "drawn where there is a bump"
    for phases in network.bump.phase[:MOST_PHASES]:
        x, y = _unbroken(network.times, np.degrees(phases))
        axes.plot(x, y, color=PHASE, linewidth=0.8, marker="o", markersize=1.4, markeredgewidth=0, clip_on=False)
    axes.set_ylim(0, 360)
    axes.set_yticks([0, 90, 180, 270, 360])
    axes.set_ylabel("phase (°)")


def _unbroken(times: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The times and degrees with nan inserted wherever the phase wraps around at 360°."""
    with np.errstate(invalid="ignore"):
        jumps = np.flatnonzero(np.abs(np.diff(degrees)) > 180) + 1
    return np.insert(np.asarray(times, float), jumps, np.nan), np.insert(degrees, jumps, np.nan)


def _handles(network: Activity) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=_look(place).color, linestyle=_look(place).linestyle,
               label=f"{network.populations[p]}, {network.sizes[p]:,} neurons")
        for place, p in enumerate(network.largest(MOST_LINES)) if network.sizes[p]
    ]  # fmt: skip
    handles.append(Line2D([], [], color=REFERENCE, label="single neurons", **TRACE))
    if network.bump:
        handles += [Line2D([], [], color=_look(place).color, label=text)
                  for place, text in zip(MOMENTS, SYMBOLS, strict=True)]  # fmt: skip
        handles.append(Line2D([], [], color=PHASE, linewidth=0.8, marker="o", markersize=1.4, label="phase"))
    if network.stimuli:
        handles.append(Patch(color="0.92", label="stimulus"))
    return handles


def _heading(network: Activity, rasters: Sequence[int]) -> str:
    """What the lines and bands show."""
    count, populations = len(network.rates), len(network.populations)
    parts = [f"mean and standard deviation over {count} trajectories"
             "; rasters and single neurons of the first one" if count > 1 else "one trajectory"]  # fmt: skip
    if populations > len(rasters):
        parts.append(f"largest of {populations} populations: {len(rasters)} rasters, "
                     f"{min(populations, MOST_LINES)} means")  # fmt: skip
    if network.bump and count > MOST_PHASES:
        parts.append(f"phases of the first {MOST_PHASES} trajectories")
    return "; ".join(parts)
