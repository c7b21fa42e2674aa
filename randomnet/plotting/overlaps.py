"""Overlaps of a network's activity with its selection vectors along the trials of a task, before and after training."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from randomnet.plotting.style import DOUBLE, STYLE, Series, escape_dollars, legend, line_handle, new_figure
from randomnet.plotting.trials import Event, condition_series, mark_events

SINGLE_TRIALS_UP_TO = 100  # at most this many trials are also drawn one by one


@dataclass(frozen=True)
class Overlaps:
    """The data of one network.

    before, after: (B, T, K) of B trials. numbers: (K,) numbers of the factors, from 1, out of `of` factors. conditions:
    (B,) texts. times: (T,) in `unit`. events: events common to all trials.
    """

    before: np.ndarray
    after: np.ndarray
    numbers: np.ndarray
    of: int
    conditions: np.ndarray
    times: np.ndarray
    events: tuple[Event, ...] = ()
    unit: str = "τ"


def overlaps(network: Overlaps, title: str = "") -> Figure:
    """A column per overlap, before training above and after it below: single trials, and the mean of each condition."""
    names, counts = np.unique(network.conditions, return_counts=True)
    texts = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
    series = condition_series(names.tolist(), texts)
    columns = network.after.shape[2]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 3.6 + 0.4 * bool(network.events), title)
        rows = figure.subplots(2, columns, sharex=True, sharey="col", squeeze=False)
        for row, (row_axes, values) in enumerate(zip(rows, (network.before, network.after), strict=True)):
            for column, (panel, number) in enumerate(zip(row_axes, network.numbers.tolist(), strict=True)):
                _draw(panel, network, values[..., column], dict(zip(names.tolist(), series, strict=True)))
                panel.margins(x=0)
                mark_events(panel, network.events, named=row == 0)
                if row == 0:
                    panel.set_title(f"κ$_{{{number}}}$")
                else:
                    panel.set_xlabel(f"time in the trial ({escape_dollars(network.unit)})")
            row_axes[0].set_ylabel(f"overlap\n{('before', 'after')[row]} training")
        legend(figure, [line_handle(panel, escape_dollars(panel.text)) for panel in series], _heading(network))
        return figure


def _draw(axes: Axes, network: Overlaps, values: np.ndarray, series: dict[str, Series]) -> None:
    """Draw single trials (B, T) as thin lines, and the mean of each condition on top."""
    for name, one in series.items():
        trials = values[network.conditions == name]
        look = {"color": one.color, "linestyle": one.linestyle}
        if len(values) <= SINGLE_TRIALS_UP_TO:
            axes.plot(network.times, trials.T, color=one.color, linewidth=0.4, alpha=0.25, zorder=1)
        axes.plot(network.times, trials.mean(0), **look, linewidth=1.3, zorder=3)


def _heading(network: Overlaps) -> str:
    """What the lines show."""
    trials, drawn = len(network.after), len(network.numbers)
    single = "Single trials (thin) and the mean" if trials <= SINGLE_TRIALS_UP_TO else "Mean"
    selection = f"; the {drawn} of {network.of} overlaps that vary most after training" if drawn < network.of else ""
    return f"{single} of each condition (number of trials) over {trials} validation trials{selection}"
