"""Inferred rates of single neurons with the true ones."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import COLOURS, DASHED, DOUBLE, REFERENCE, STYLE, legend, new_figure

PANELS_PER_ROW = 3


@dataclass(frozen=True, eq=False)
class InferredRates:
    """Rates of K neurons.

    true, inferred: (T, K) expected spikes per bin in one trial. r2: (K,) over all trials. neurons: (K,) their numbers;
    those below `heldin` are held in, which means that the model sees their spikes.
    """

    true: np.ndarray
    inferred: np.ndarray
    r2: np.ndarray
    neurons: np.ndarray
    heldin: int


def inferred_rates(rates: InferredRates, title: str = "") -> Figure:
    """A panel for each neuron."""
    count = len(rates.neurons)
    columns = min(PANELS_PER_ROW, count)
    rows = -(-count // columns)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.6 + 1.5 * rows, title)
        panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        for index, axes in enumerate(panels[:count]):
            axes.plot(rates.true[:, index], color=REFERENCE, linewidth=1.0)
            axes.plot(rates.inferred[:, index], color=COLOURS[0], linestyle=DASHED, linewidth=1.2)
            axes.set_title(_title(rates, index))
            axes.margins(x=0)
            axes.set_ylim(bottom=0)
            if index % columns == 0:
                axes.set_ylabel("spikes per bin")
            if index + columns >= count:
                axes.set_xlabel("bin")
                axes.tick_params(labelbottom=True)
        for axes in panels[count:]:
            axes.remove()
        handles = [Line2D([], [], color=REFERENCE, label="true rate"),
                   Line2D([], [], color=COLOURS[0], linestyle=DASHED, label="inferred rate")]  # fmt: skip
        legend(figure, handles, "R² of each neuron over all test trials")
        return figure


def _title(rates: InferredRates, index: int) -> str:
    group = "held in" if rates.neurons[index] < rates.heldin else "held out"
    score = f", R² = {rates.r2[index]:.2f}" if np.isfinite(rates.r2[index]) else ""
    return f"neuron {rates.neurons[index]} ({group}){score}"
