"""Rates of one network over time, before and after training."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from randomnet.plotting.activity import rate_unit
from randomnet.plotting.heat_maps import colour_scale
from randomnet.plotting.rasters import raster_order
from randomnet.plotting.style import (
    DOUBLE,
    STYLE,
    Series,
    escape_dollars,
    label_no_values,
    legend,
    line_handle,
    new_figure,
)
from randomnet.plotting.trials import Event, mark_events

TITLES = ("before training", "after training")
MOST_TRACES = 5  # units
PLAIN = ("τ", "steps")  # units of time of networks whose rates are plain numbers


@dataclass(frozen=True, eq=False)
class TrainedActivity:
    """The data of one network.

    times (T,) in `unit`. rates: (T, M) before and after training, of M of the `neurons` units, whose
    numbers are `units` (M,). events: of the trial.
    """

    times: np.ndarray
    rates: tuple[np.ndarray, np.ndarray]
    units: np.ndarray
    neurons: int
    unit: str = "τ"
    events: tuple[Event, ...] = ()


def trained_activity(network: TrainedActivity, title: str = "") -> Figure:
    """A heat map of all units and traces of those that vary most after training; left before, right after training.

    Units have one order, colour scale and limits on both sides.
    """
    order, text = raster_order(network.rates[1].T)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 3.9 + 0.4 * bool(network.events), title)
        grid = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 2))
        scale = colour_scale(np.concatenate(network.rates))
        for column, (name, rates) in enumerate(zip(TITLES, network.rates, strict=True)):
            image = grid[0, column].imshow(rates.T[order], **scale, aspect="auto", origin="lower",
                                           interpolation="nearest", extent=_extent(network))  # fmt: skip
            grid[0, column].set_title(name, pad=4)
            _traces(grid[1, column], network, rates)
            grid[1, column].set_xlabel(f"time ({escape_dollars(network.unit)})")
        figure.colorbar(image, ax=grid[0], pad=0.01, aspect=14, fraction=0.04, label=_rate(network))
        grid[0, 0].set_ylabel("unit, sorted")
        grid[1, 0].set_ylabel(_rate(network))
        handles = [line_handle(look, f"unit {network.units[unit]}") for look, unit in _examples(network)]
        legend(figure, handles, _heading(network, text))
        if not np.isfinite(np.concatenate(network.rates)).any():
            label_no_values(grid[1, 0])
        return figure


def _extent(network: TrainedActivity) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge of the heat maps."""
    step = float(network.times[1] - network.times[0]) if len(network.times) > 1 else 1.0
    return float(network.times[0]) - step, float(network.times[-1]), 0.0, float(network.rates[0].shape[1])


def _rate(network: TrainedActivity) -> str:
    """The label of rates, which have a unit where times have one."""
    return "rate" if network.unit in PLAIN else f"rate ({escape_dollars(rate_unit(network.unit))})"


def _traces(axes: Axes, network: TrainedActivity, rates: np.ndarray) -> None:
    for look, unit in _examples(network):
        axes.plot(network.times, rates[:, unit], color=look.color, linestyle=look.linestyle, linewidth=0.9)
    mark_events(axes, network.events, named=True)


def _examples(network: TrainedActivity) -> list[tuple[Series, int]]:
    """The units that vary most after training, in their own order, each with its series."""
    variation = np.nan_to_num(network.rates[1].std(axis=0))
    units = np.sort(np.argsort(-variation, kind="stable")[:MOST_TRACES])
    return [(Series("", place), int(unit)) for place, unit in enumerate(units)]


def _heading(network: TrainedActivity, text: str) -> str:
    count = network.rates[0].shape[1]
    which = f"{count} of {network.neurons} units" if count < network.neurons else f"all {count} units"
    return f"{which}, {text} after training; lines: the {min(count, MOST_TRACES)} units that vary most then"
