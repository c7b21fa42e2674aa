"""Accuracy on a task while a site is stimulated, by window of the trial and by site."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from randomnet.plotting.style import DASHED, DOUBLE, REFERENCE, STYLE, Series, escape_dollars, legend, new_figure

SPREAD = 0.5  # width that the sites of one window share, where windows are 1 apart


@dataclass(frozen=True)
class StimulatedAccuracy:
    """The accuracies of one combo, in percent.

    sites (S,), windows (W,): names. accuracy, error: (S, W), means over the networks and their standard errors.
    control: (2,), the mean of the trials left alone, and its standard error. chance: the mean accuracy of constant
    outputs. what: the stimulation in words. over: what the standard errors are over.
    """

    sites: np.ndarray
    windows: np.ndarray
    accuracy: np.ndarray
    error: np.ndarray
    control: np.ndarray
    chance: float
    what: str
    over: str


def stimulated_accuracy(found: StimulatedAccuracy, title: str = "") -> Figure:
    """A place on the axis per window and a colour per site, with bars of one standard error; the control is a band."""
    places, count = np.arange(len(found.windows)), len(found.sites)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.6, title)
        axes = figure.subplots()
        middle, half = found.control
        axes.axhspan(middle - half, middle + half, color="0.88", linewidth=0, zorder=0)
        axes.axhline(middle, color=REFERENCE, linewidth=0.8, zorder=1)
        handles = [Line2D([], [], color=REFERENCE, linewidth=0.8, label="without stimulation"),
                   Patch(color="0.88", label="its standard error")]  # fmt: skip
        if np.isfinite(found.chance):
            axes.axhline(found.chance, color=REFERENCE, linewidth=0.8, linestyle=DASHED, zorder=1)
            handles.append(Line2D([], [], color=REFERENCE, linewidth=0.8, linestyle=DASHED, label="chance"))
        for number, site in enumerate(found.sites):
            series = Series(str(site), number)
            offset = SPREAD * ((number + 0.5) / count - 0.5)
            axes.errorbar(places + offset, found.accuracy[number], found.error[number], color=series.color,
                          marker=series.marker, markersize=4, linestyle="", elinewidth=1)  # fmt: skip
            handles.append(Line2D([], [], color=series.color, marker=series.marker, markersize=4, linestyle="",
                                  label=f"{site} {found.what}"))  # fmt: skip
        axes.set_xticks(places, [escape_dollars(str(window)) for window in found.windows])
        axes.set_xlim(-0.6, len(places) - 0.4)
        axes.set_xlabel("time of the stimulation")
        axes.set_ylabel("accuracy (%)")
        legend(figure, handles, f"Mean and standard error over {found.over}")
        return figure
