"""Mean rates of groups of units along the trials of a task, by condition."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from randomnet.plotting.style import DOUBLE, STYLE, escape_dollars, legend, line_handle, new_figure
from randomnet.plotting.trials import Event, condition_series, mark_events

COLUMNS = 3
FEW = 6  # conditions whose bands may lie over each other
NAMED = 4  # conditions without trials that are named


@dataclass(frozen=True)
class Psth:
    """What is drawn of one network.

    groups: (G,) texts, of so many in all (`of`), those that vary most; conditions: (C,) texts, trials (C,) of each;
    times: (T,) in tau; mean, sem: (G, C, T), sem nan where there is one trial. absent: conditions without a trial;
    events: what all trials share.
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
    shown = len(network.groups)
    columns = min(COLUMNS, shown)
    rows = -(-shown // columns)
    texts = [f"{condition} ({trials if trials > 1 else '1: no band'})"
             for condition, trials in zip(network.conditions, network.trials, strict=True)]  # fmt: skip
    series = condition_series(network.conditions, texts)
    alpha = 0.25 if len(series) <= FEW else 0.12
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.6 + 1.6 * rows + 0.4 * bool(network.events), title)
        panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        for number, axes in enumerate(panels[:shown]):
            for one, mean, sem in zip(series, network.mean[number], network.sem[number], strict=True):
                axes.fill_between(network.times, mean - sem, mean + sem, color=one.color, alpha=alpha, linewidth=0)
                axes.plot(network.times, mean, color=one.color, linestyle=one.linestyle, linewidth=1.0)
            axes.margins(x=0)
            mark_events(axes, network.events, named=number < columns)
            axes.set_title(escape_dollars(str(network.groups[number])))
            if number % columns == 0:
                axes.set_ylabel("mean rate")
            if number + columns >= shown:
                axes.set_xlabel("time in the trial (τ)")
                axes.tick_params(labelbottom=True)
        for axes in panels[shown:]:
            axes.remove()
        legend(figure, [line_handle(one, one.text) for one in series], _said(network))
        return figure


def _said(network: Psth) -> str:
    bands = "Mean and standard error over the validation trials of each condition (their number)"
    if len(network.conditions) == 1:
        bands = "Mean and standard error over the validation trials (their number)"
    shown, missing = len(network.groups), len(network.absent)
    if shown < network.of:
        bands += f"; of {network.of} groups the {shown} that vary most"
    if missing:
        which = f": {', '.join(network.absent)}" if missing <= NAMED else ""
        every = missing + len(network.conditions)
        bands += f"; {missing} of {every} conditions without a validation trial{which}"
    return bands
