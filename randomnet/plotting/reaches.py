"""Reaches of an arm before and after training: the fingertip's paths, and its distance from the target."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import COLOURS, DASHED, DOUBLE, REFERENCE, STYLE, legend, new_figure

MOST_PATHS = 8  # paths that can still be distinguished
PATHS_HEIGHT = (1.5, 4.0)  # inches: smallest and largest height of the panels of paths


@dataclass(frozen=True)
class Reaching:
    """The data of one network.

    before, after: (B, T, 2) x and y of the fingertip in B trials, in m. goals: (B, T, 2) where it should be, which is
    its start at first. seconds: duration of a step.
    """

    before: np.ndarray
    after: np.ndarray
    goals: np.ndarray
    seconds: float

    @property
    def go(self) -> np.ndarray:
        """Step of the go cue, at which the goal moves to the target, (B,); 0 in trials without one."""
        return (self.goals != self.goals[:, :1]).any(-1).argmax(1)

    @property
    def trials_with_go(self) -> np.ndarray:
        """Indices of the trials with a go cue."""
        return np.flatnonzero(self.go)


def reaches(network: Reaching, title: str = "") -> Figure:
    """Paths of some trials above, distances of all trials from the target below; before training and after.

    Raises ValueError if no trial has a go cue.
    """
    if not len(network.trials_with_go):
        raise ValueError("expected reaches with a go cue, got none")
    with matplotlib.rc_context(STYLE):
        height = _paths_height(network)
        figure = new_figure(DOUBLE, height + 2.7, title)
        rows = figure.subplots(2, 2, height_ratios=(height, 1.7), sharey="row", sharex="row")
        for column, (when, tips) in enumerate((("before", network.before), ("after", network.after))):
            _paths(rows[0, column], network, tips)
            _distances(rows[1, column], network, tips)
            rows[0, column].set_title(f"{when} training")
            rows[0, column].set_xlabel("x from the shoulder (cm)")
            rows[1, column].set_xlabel("time from the go cue (s)")
        rows[0, 0].set_ylabel("y (cm)")
        rows[1, 0].set_ylabel("distance from the\ntarget (cm)")
        legend(figure, _handles(), _heading(network))
        return figure


def _paths_height(network: Reaching) -> float:
    """Height in inches of the panels of paths, whose x and y have one scale."""
    drawn = network.trials_with_go[:MOST_PATHS]
    arrays = (network.before, network.after, network.goals)
    x, y = np.ptp(np.concatenate([array[drawn].reshape(-1, 2) for array in arrays]), axis=0)
    return float(np.clip(0.45 * DOUBLE * y / max(x, 1e-9), *PATHS_HEIGHT))


def _paths(axes: Axes, network: Reaching, tips: np.ndarray) -> None:
    """Draw each path from its start to its end, with the target."""
    for number, trial in enumerate(network.trials_with_go[:MOST_PATHS]):
        colour, target = COLOURS[number % len(COLOURS)], 100 * network.goals[trial, -1]
        axes.plot(*100 * tips[trial].T, color=colour, linewidth=0.9)
        axes.plot(*100 * network.goals[trial, 0], "o", color=colour, markersize=4, markerfacecolor="white")
        axes.plot(*target, "X", color=colour, markersize=6, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
    axes.set_aspect("equal", adjustable="box")


def _distances(axes: Axes, network: Reaching, tips: np.ndarray) -> None:
    """Draw the distance in each trial as a thin line, and their mean at the times that all trials have."""
    trials = network.trials_with_go
    distances = 100 * np.linalg.norm(tips[trials] - network.goals[trials, -1:], axis=-1)
    steps = np.arange(distances.shape[1]) - network.go[trials][:, None]
    for time, distance in zip(steps, distances, strict=True):
        axes.plot(network.seconds * time, distance, color=REFERENCE, linewidth=0.4, alpha=0.35)
    common = np.arange(steps[:, 0].max(), steps[:, -1].min() + 1)
    means = [distances[steps == step].mean() for step in common]
    axes.plot(network.seconds * common, means, color=COLOURS[0], linewidth=1.5)
    unmoved = 100 * np.linalg.norm(network.goals[trials, 0] - network.goals[trials, -1], axis=-1).mean()
    axes.axhline(unmoved, color=COLOURS[1], linewidth=0.9, linestyle=DASHED)
    axes.axvline(0, color=REFERENCE, linewidth=0.6, linestyle=":")
    axes.set_ylim(bottom=0)


def _handles() -> list[Line2D]:
    style = {"color": REFERENCE, "linestyle": ""}
    return [
        Line2D([], [], marker="o", markersize=4, markerfacecolor="white", label="start", **style),
        Line2D([], [], marker="X", markersize=6, markeredgecolor="white", label="target", **style),
        Line2D([], [], color=REFERENCE, linewidth=0.4, label="single trials"),
        Line2D([], [], color=COLOURS[0], linewidth=1.5, label="mean"),
        Line2D([], [], color=COLOURS[1], linewidth=0.9, linestyle=DASHED, label="mean if the arm stayed at its start"),
    ]


def _heading(network: Reaching) -> str:
    drawn, total = min(MOST_PATHS, len(network.trials_with_go)), len(network.trials_with_go)
    return f"Paths of {drawn} validation trials, distances of {total}; in some trials a force pushes the arm"
