"""Rates that a model infers from spikes, beside the true ones."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import COLOURS, DASHED, DOUBLE, REFERENCE, STYLE, legend, new_figure

COLUMNS = 3


@dataclass(frozen=True, eq=False)
class InferredRates:
    """true, inferred: (T, K) expected spikes per bin of one trial; r2: (K,) of all trials; neurons: (K,) their numbers,
    of which those below `heldin` were seen by the model."""

    true: np.ndarray
    inferred: np.ndarray
    r2: np.ndarray
    neurons: np.ndarray
    heldin: int


def inferred_rates(rates: InferredRates, title: str = "") -> Figure:
    """A panel for each neuron."""
    shown = len(rates.neurons)
    columns = min(COLUMNS, shown)
    rows = -(-shown // columns)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.6 + 1.5 * rows, title)
        panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        for number, axes in enumerate(panels[:shown]):
            axes.plot(rates.true[:, number], color=REFERENCE, linewidth=1.0)
            axes.plot(rates.inferred[:, number], color=COLOURS[0], linestyle=DASHED, linewidth=1.2)
            axes.set_title(_named(rates, number))
            axes.margins(x=0)
            axes.set_ylim(bottom=0)
            if number % columns == 0:
                axes.set_ylabel("spikes per bin")
            if number + columns >= shown:
                axes.set_xlabel("bin")
                axes.tick_params(labelbottom=True)
        for axes in panels[shown:]:
            axes.remove()
        handles = [Line2D([], [], color=REFERENCE, label="true rate"),
                   Line2D([], [], color=COLOURS[0], linestyle=DASHED, label="inferred")]  # fmt: skip
        legend(figure, handles, "R² of each neuron over all trials of the test")
        return figure


def _named(rates: InferredRates, number: int) -> str:
    held = "held in" if rates.neurons[number] < rates.heldin else "held out"
    score = f", R² = {rates.r2[number]:.2f}" if np.isfinite(rates.r2[number]) else ""
    return f"neuron {rates.neurons[number]} ({held}){score}"
