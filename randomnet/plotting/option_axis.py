"""The x axis of an option: linear or logarithmic, its ticks, and shifts along it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from randomnet.plotting.style import finite_values

LOG_X_FROM = 20.0  # positive values that span more than this factor have a log axis
TICK_SHARE = 0.12  # share of the x axis that a tick label needs
LONGEST_LABEL = 7  # characters that have room there; where values have more, such as random ones, ticks are round


def needs_log_axis(values: pd.Series | np.ndarray) -> bool:
    """Whether the values of an option belong on a log axis."""
    finite = finite_values(values)
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() > LOG_X_FROM)


def set_option_ticks(axes: Axes, values: pd.Series | np.ndarray) -> None:
    """Put ticks at the option's values if they are few and well separated.

    On a log axis, ticks are at as many of the values as have room for a label, or of round numbers for long labels.
    """
    points = np.unique(finite_values(values))
    log = axes.get_xscale() == "log"
    share = TICK_SHARE
    if max((len(f"{point:g}") for point in points), default=0) > LONGEST_LABEL:
        share = 2 * TICK_SHARE
        points = _round_values(points.min(), points.max()) if log else points[:0]
    scaled = np.log10(points) if log else points
    labelled: list[int] = []
    for index, point in enumerate(scaled):
        if not labelled or point - scaled[labelled[-1]] > share * np.ptp(scaled):
            labelled.append(index)
    if len(labelled) and (log or len(labelled) == len(points)):
        axes.set_xticks(points[labelled], [f"{point:g}" for point in points[labelled]])
        axes.set_xticks([], minor=True)


def _round_values(low: float, high: float) -> np.ndarray:
    """The powers of ten between two numbers, or where there are fewer than two, also 2 and 5 times these."""
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    inside = powers[(powers >= low) & (powers <= high)]
    if len(inside) >= 2:
        return inside
    rounded = np.outer(powers, (1, 2, 5)).ravel()
    return rounded[(rounded >= low) & (rounded <= high)]


def slot_width(axes: Axes, values: pd.Series, share: float = 0.09) -> float:
    """Width that series and dots at one value may take, in the axis's unit, or in decades on a log axis.

    share: the largest share of the axis.
    """
    points = np.unique(finite_values(values))
    points = np.log10(points[points > 0]) if axes.get_xscale() == "log" else points
    if len(points) < 2:
        return 0.5
    return min(0.7 * np.diff(points).min(), share * np.ptp(points))


def shifted(axes: Axes, x: float, by: float) -> float:
    """x shifted along the axis by `by`, which is in decades on a log axis."""
    return x * 10**by if axes.get_xscale() == "log" else x + by
