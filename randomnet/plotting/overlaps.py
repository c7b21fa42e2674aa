"""Overlaps of a network's activity with its selection vectors along the trials of a task, before and after training."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from randomnet.plotting.style import DOUBLE, STYLE, Series, escape_dollars, legend, line_handle, new_figure
from randomnet.plotting.trials import Event, condition_series, mark_events

THIN = 100  # single trials of all conditions together that can still be seen as such


@dataclass(frozen=True)
class Overlaps:
    """What is drawn of one network.

    before, after: (B, T, K) of B trials; numbers: (K,) which factor each is, from 1, of so many in all (`of`);
    conditions: (B,) texts; times: (T,) in tau; events: what all trials share.
    """

    before: np.ndarray
    after: np.ndarray
    numbers: np.ndarray
    of: int
    conditions: np.ndarray
    times: np.ndarray
    events: tuple[Event, ...] = ()


def overlaps(network: Overlaps, title: str = "") -> Figure:
    """A column for each overlap, before training above and after it below: single trials, and each condition's mean."""
    names, counts = np.unique(network.conditions, return_counts=True)
    texts = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
    series = condition_series(names.tolist(), texts)
    columns = network.after.shape[2]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 3.6 + 0.4 * bool(network.events), title)
        rows = figure.subplots(2, columns, sharex=True, sharey="col", squeeze=False)
        for row, (axes, values) in enumerate(zip(rows, (network.before, network.after), strict=True)):
            for column, (one, number) in enumerate(zip(axes, network.numbers.tolist(), strict=True)):
                _courses(one, network, values[..., column], dict(zip(names.tolist(), series, strict=True)))
                one.margins(x=0)
                mark_events(one, network.events, named=row == 0)
                if row == 0:
                    one.set_title(f"κ$_{{{number}}}$")
                else:
                    one.set_xlabel("time in the trial (τ)")
            axes[0].set_ylabel(f"overlap\n{('before', 'after')[row]} training")
        legend(figure, [line_handle(one, escape_dollars(one.text)) for one in series], _said(network))
        return figure


def _courses(axes: Axes, network: Overlaps, values: np.ndarray, series: dict[str, Series]) -> None:
    """Single trials (B, T), thin, and the mean of each condition on top."""
    for name, one in series.items():
        some = values[network.conditions == name]
        look = {"color": one.color, "linestyle": one.linestyle}
        if len(values) <= THIN:
            axes.plot(network.times, some.T, color=one.color, linewidth=0.4, alpha=0.25, zorder=1)
        axes.plot(network.times, some.mean(0), **look, linewidth=1.3, zorder=3)


def _said(network: Overlaps) -> str:
    trials, shown = len(network.after), len(network.numbers)
    single = "Single trials (thin) and the mean" if trials <= THIN else "Mean"
    more = f"; of {network.of} overlaps those {shown} that vary most after training" if shown < network.of else ""
    return f"{single} of each condition over {trials} validation trials (their number){more}"
