"""A simulated recording: one trial from the network's inputs to the spikes, and the recorded neurons."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from randomnet.plotting.heat_maps import colour_scale
from randomnet.plotting.rasters import raster_order
from randomnet.plotting.style import (
    COLOURS,
    DOUBLE,
    REFERENCE,
    STYLE,
    Series,
    legend,
    log_numbers,
    new_figure,
    spans_a_decade,
)

MOST_CHANNELS = 6  # at most this many inputs or outputs are drawn as lines; more are an image
LINES_HEIGHT, IMAGE_HEIGHT = 0.9, 1.5  # inches: the height of a panel
GROUPS = ("held-in neurons", "held-out neurons")
BINS = 15


@dataclass(frozen=True, eq=False)
class RecordedTrial:
    """One trial of a recording.

    times (T,): in tau. inputs (T, C), outputs (T, O), latents (T, D): of the network. rates, spikes (T, N): per bin, of
    neurons of which the first `heldin` are held in.
    """

    times: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    latents: np.ndarray
    rates: np.ndarray
    spikes: np.ndarray
    heldin: int


@dataclass(frozen=True, eq=False)
class RecordedNeurons:
    """Per neuron (N,): mean spikes per bin, Fano factor (nan for silent neurons), and its expected value."""

    rates: np.ndarray
    fano: np.ndarray
    expected: np.ndarray
    heldin: int


def recorded_trial(trial: RecordedTrial, title: str = "") -> Figure:
    """Inputs, outputs, latents, rates and spikes of one trial, one below the other."""
    rows = [("input", trial.inputs), ("output", trial.outputs)]
    heights = [LINES_HEIGHT if values.shape[1] <= MOST_CHANNELS else IMAGE_HEIGHT for _, values in rows] + 3 * [
        IMAGE_HEIGHT
    ]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, sum(heights) + 1.2, title)
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        for axes, (name, values) in zip(panels, rows, strict=False):
            if values.shape[1] <= MOST_CHANNELS:
                _lines(axes, trial.times, values)
            else:
                _image(figure, axes, trial, values, "")
                axes.set_ylabel(name)
            axes.set_title(f"{name}s of the network", loc="left")
        order, text = raster_order(trial.latents.T)
        _image(figure, panels[2], trial, trial.latents[:, order], "state")
        panels[2].set_title(f"latents, {text.replace('rate', 'state')}", loc="left")
        panels[2].set_ylabel("unit")
        order, text = _order(trial)
        _image(figure, panels[3], trial, trial.rates[:, order], "per bin")
        panels[3].set_title(f"expected spikes, {text}", loc="left")
        _image(figure, panels[4], trial, trial.spikes[:, order], "per bin", grey=True)
        panels[4].set_title("spikes, in the same order", loc="left")
        for axes in panels[3:]:
            axes.set_ylabel("neuron")
            if trial.heldin < trial.rates.shape[1]:
                axes.axhline(trial.heldin, color=COLOURS[1], linewidth=0.8)
        panels[-1].set_xlabel("time in the trial (τ)")
        panels[0].set_xlim(*_ends(trial.times))
        figure.align_ylabels(panels)
        border = Line2D([], [], color=COLOURS[1], linewidth=0.8, label="held-out neurons: above this line")
        legend(figure, [border] if trial.heldin < trial.rates.shape[1] else [], "")
        return figure


def _order(trial: RecordedTrial) -> tuple[np.ndarray, str]:
    """The order of the recorded neurons by their rates, held-in before held-out ones, and what they are sorted by."""
    order, text = raster_order(trial.rates.T)
    return order[np.argsort(order >= trial.heldin, kind="stable")], text


def _ends(times: np.ndarray) -> tuple[float, float]:
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    return float(times[0]) - step / 2, float(times[-1]) + step / 2


def _lines(axes: Axes, times: np.ndarray, values: np.ndarray) -> None:
    for channel, line in enumerate(values.T):
        look = Series("", channel)
        axes.plot(times, line, color=look.color, linestyle=look.linestyle, linewidth=0.8)


def _image(figure: Figure, axes: Axes, trial: RecordedTrial, values: np.ndarray, unit: str, grey: bool = False) -> None:
    colours = {"cmap": "Greys", "vmin": 0, "vmax": max(1, int(values.max()))} if grey else colour_scale(values)
    mesh = axes.imshow(values.T, **colours, aspect="auto", origin="lower", interpolation="nearest",
                        extent=(*_ends(trial.times), 0, values.shape[1]))  # fmt: skip
    axes.spines[["top", "right"]].set_visible(True)
    axes.locator_params(axis="y", nbins=4, integer=True)
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=12, fraction=0.04)
    bar.set_label(unit)
    bar.locator = MaxNLocator(4, integer=grey)
    bar.update_ticks()


def recorded_neurons(neurons: RecordedNeurons, title: str = "") -> Figure:
    """The distribution of mean rates, and the Fano factor of each neuron with the one expected at its rates."""
    is_heldin = np.arange(len(neurons.rates)) < neurons.heldin
    groups = [(GROUPS[0], is_heldin, COLOURS[0], "o"), (GROUPS[1], ~is_heldin, COLOURS[1], "s")]
    groups = [group for group in groups if group[1].any()]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.6, title)
        left, right = figure.subplots(1, 2)
        bins = _bins(neurons.rates)
        left.hist(
            [neurons.rates[selected] for _, selected, _, _ in groups],
            bins,
            stacked=True,
            color=[group[2] for group in groups],
        )
        left.set_xlabel("mean rate (spikes per bin)")
        left.set_ylabel("neurons")
        left.yaxis.get_major_locator().set_params(integer=True)
        for _, selected, colour, marker in groups:
            right.plot(neurons.rates[selected], neurons.fano[selected], marker, color=colour, markersize=3.5, alpha=0.8,
                       markeredgewidth=0)  # fmt: skip
        right.plot(neurons.rates, neurons.expected, "_", color=REFERENCE, markersize=6, markeredgewidth=0.9)
        right.set_xlabel("mean rate (spikes per bin)")
        right.set_ylabel("Fano factor given the rates")
        for axes in (left, right):
            if spans_a_decade(neurons.rates):
                axes.set_xscale("log")
                log_numbers(axes.xaxis, neurons.rates.min(), neurons.rates.max())
        handles = [Line2D([], [], color=colour, marker=marker, markersize=4, linestyle="",
                          label=f"{text} ({int(mask.sum())})") for text, mask, colour, marker in groups]  # fmt: skip
        handles.append(
            Line2D([], [], color=REFERENCE, marker="_", markersize=6, linestyle="", label="expected Fano factor")
        )
        legend(figure, handles, "")
        return figure


def _bins(rates: np.ndarray) -> np.ndarray:
    low, high = float(rates.min()), float(rates.max())
    if spans_a_decade(rates):
        return np.geomspace(low * 0.999, high * 1.001, BINS + 1)
    margin = 0.001 * max(high - low, abs(high), 1e-9)
    return np.linspace(low - margin, high + margin, BINS + 1)
