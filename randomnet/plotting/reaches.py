"""Reaches of an arm before and after training: the fingertip's paths, and how far it is from where it should be."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import COLOURS, DASHED, DOUBLE, REFERENCE, STYLE, legend, new_figure

MOST = 8  # paths that can still be told apart
TALL = (1.5, 4.0)  # inches of their panels, at least and at most


@dataclass(frozen=True)
class Reaching:
    """What is drawn of one network.

    before, after: (B, T, 2) x and y of the fingertip in B trials, m; goals: (B, T, 2) where it should be, at first
    where it starts; seconds: of a step.
    """

    before: np.ndarray
    after: np.ndarray
    goals: np.ndarray
    seconds: float

    @property
    def go(self) -> np.ndarray:
        """(B,): the step at which each goal moves to the target; 0 in trials where it never does."""
        return (self.goals != self.goals[:, :1]).any(-1).argmax(1)

    @property
    def told(self) -> np.ndarray:
        """The trials in which it does."""
        return np.flatnonzero(self.go)


def reaches(network: Reaching, title: str = "") -> Figure:
    """Paths of some trials above, distances of all from the target over time from go below; before training and after.

    Raises ValueError where no trial has a go.
    """
    if not len(network.trials_with_go):
        raise ValueError("expected reaches with a go, got none")
    with matplotlib.rc_context(STYLE):
        tall = _tall(network)
        figure = new_figure(DOUBLE, tall + 2.7, title)
        rows = figure.subplots(2, 2, height_ratios=(tall, 1.7), sharey="row", sharex="row")
        for column, (when, tips) in enumerate((("before", network.before), ("after", network.after))):
            _paths(rows[0, column], network, tips)
            _distances(rows[1, column], network, tips)
            rows[0, column].set_title(f"{when} training")
            rows[0, column].set_xlabel("x from the shoulder (cm)")
            rows[1, column].set_xlabel("time from go (s)")
        rows[0, 0].set_ylabel("y (cm)")
        rows[1, 0].set_ylabel("distance from the\ntarget (cm)")
        legend(figure, _handles(), _said(network))
        return figure


def _tall(network: Reaching) -> float:
    """Inches of the panels of the paths, on which x and y have one scale."""
    drawn = network.trials_with_go[:MOST]
    each = (network.before, network.after, network.goals)
    x, y = np.ptp(np.concatenate([part[drawn].reshape(-1, 2) for part in each]), axis=0)
    return float(np.clip(0.45 * DOUBLE * y / max(x, 1e-9), *TALL))


def _paths(axes: Axes, network: Reaching, tips: np.ndarray) -> None:
    """From where the arm starts to where it is in the end, with the target."""
    for number, trial in enumerate(network.trials_with_go[:MOST]):
        look, target = COLOURS[number % len(COLOURS)], 100 * network.goals[trial, -1]
        axes.plot(*100 * tips[trial].T, color=look, linewidth=0.9)
        axes.plot(*100 * network.goals[trial, 0], "o", color=look, markersize=4, markerfacecolor="white")
        axes.plot(*target, "X", color=look, markersize=6, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
    axes.set_aspect("equal", adjustable="box")


def _distances(axes: Axes, network: Reaching, tips: np.ndarray) -> None:
    """Each trial's, thin, and their mean at the times that all of them have."""
    trials = network.trials_with_go
    apart = 100 * np.linalg.norm(tips[trials] - network.goals[trials, -1:], axis=-1)
    own = np.arange(apart.shape[1]) - network.go[trials][:, None]
    for time, distance in zip(own, apart, strict=True):
        axes.plot(network.seconds * time, distance, color=REFERENCE, linewidth=0.4, alpha=0.35)
    common = np.arange(own[:, 0].max(), own[:, -1].min() + 1)
    means = [apart[own == step].mean() for step in common]
    axes.plot(network.seconds * common, means, color=COLOURS[0], linewidth=1.5)
    unmoved = 100 * np.linalg.norm(network.goals[trials, 0] - network.goals[trials, -1], axis=-1).mean()
    axes.axhline(unmoved, color=COLOURS[1], linewidth=0.9, linestyle=DASHED)
    axes.axvline(0, color=REFERENCE, linewidth=0.6, linestyle=":")
    axes.set_ylim(bottom=0)


def _handles() -> list[Line2D]:
    look = {"color": REFERENCE, "linestyle": ""}
    return [
        Line2D([], [], marker="o", markersize=4, markerfacecolor="white", label="start", **look),
        Line2D([], [], marker="X", markersize=6, markeredgecolor="white", label="target", **look),
        Line2D([], [], color=REFERENCE, linewidth=0.4, label="single trials"),
        Line2D([], [], color=COLOURS[0], linewidth=1.5, label="mean"),
        Line2D([], [], color=COLOURS[1], linewidth=0.9, linestyle=DASHED, label="mean, if the arm stayed at its start"),
    ]


def _said(network: Reaching) -> str:
    drawn, told = min(MOST, len(network.trials_with_go)), len(network.trials_with_go)
    return f"Paths of {drawn} validation trials, distances of {told}; forces push the arm in some of them"
