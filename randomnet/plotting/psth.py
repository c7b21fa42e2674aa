"""Mean rates of groups of units along the trials of a task, by condition."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from randomnet.plotting.style import DOUBLE, STYLE, escape_dollars, legend, line_handle, new_figure
from randomnet.plotting.trials import Event, condition_series, mark_events

PANELS_PER_ROW = 3
FULL_BANDS_UP_TO = 6  # at most this many conditions have bands of normal opacity
NAMES_UP_TO = 4  # at most this many conditions without trials are named


@dataclass(frozen=True)
class Psth:
    """The data of one network.

    groups: (G,) names of the drawn groups, those that vary most out of `of`. conditions: (C,) names; trials (C,): how
    many trials each has. times: (T,) in tau. mean, sem: (G, C, T); sem is nan for a single trial. absent: conditions
    without a trial. events: events common to all trials.
    """

    groups: np.ndarray
    of: int
    conditions: np.ndarray
    trials: np.ndarray
    times: np.ndarray
    mean: np.ndarray
    sem: np.ndarray
    absent: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


def psth(network: Psth, title: str = "") -> Figure:
    """A panel for each group: the mean over the trials of each condition, with its standard error."""
    count = len(network.groups)
    columns = min(PANELS_PER_ROW, count)
    rows = -(-count // columns)
    texts = [f"{condition} ({trials if trials > 1 else '1: no band'})"
             for condition, trials in zip(network.conditions, network.trials, strict=True)]  # fmt: skip
    series = condition_series(list(network.conditions), texts)
    alpha = 0.25 if len(series) <= FULL_BANDS_UP_TO else 0.12
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.6 + 1.6 * rows + 0.4 * bool(network.events), title)
        panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        for index, axes in enumerate(panels[:count]):
            for look, mean, sem in zip(series, network.mean[index], network.sem[index], strict=True):
                axes.fill_between(network.times, mean - sem, mean + sem, color=look.color, alpha=alpha, linewidth=0)
                axes.plot(network.times, mean, color=look.color, linestyle=look.linestyle, linewidth=1.0)
            axes.margins(x=0)
            mark_events(axes, network.events, named=index < columns)
            axes.set_title(_group_title(network, index))
            if index % columns == 0:
                axes.set_ylabel("mean rate")
            if index + columns >= count:
                axes.set_xlabel("time in the trial (τ)")
                axes.tick_params(labelbottom=True)
        for axes in panels[count:]:
            axes.remove()
        legend(figure, [line_handle(look, look.text) for look in series], _heading(network))
        return figure


def _group_title(network: Psth, index: int) -> str:
    """The group's name; a network without groups has one, whose name says nothing."""
    return "mean over all units" if network.of == 1 else escape_dollars(str(network.groups[index]))


def _heading(network: Psth) -> str:
    text = "Mean and standard error over the validation trials of each condition (number of trials)"
    if len(network.conditions) == 1:
        text = "Mean and standard error over the validation trials (number of trials)"
    count, missing = len(network.groups), len(network.absent)
    if count < network.of:
        text += f"; the {count} of {network.of} groups that vary most"
    if missing:
        names = f": {', '.join(network.absent)}" if missing <= NAMES_UP_TO else ""
        total = missing + len(network.conditions)
        text += f"; {missing} of {total} conditions without a validation trial{names}"
    return text
