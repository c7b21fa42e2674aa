"""The x axis of an option: linear or logarithmic, its ticks, and shifts along it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from randomnet.plotting.style import finite_values

LOG_X_FROM = 20.0  # positive values of an option that span more than this factor are on a log axis
ROOM = 0.12  # of the x axis, that the label of a tick needs


def needs_log_axis(values: pd.Series | np.ndarray) -> bool:
    """Whether the values of an option belong on a log axis."""
    finite = finite_values(values)
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() > LOG_X_FROM)


def set_option_ticks(axes: Axes, values: pd.Series | np.ndarray) -> None:
    """Few and well separated values are the ticks of the x axis; on a log axis as many of the values as have room."""
    places = np.unique(finite_values(values))
    log = axes.get_xscale() == "log"
    scaled = np.log10(places) if log else places
    kept: list[int] = []
    for number, place in enumerate(scaled):
        if not kept or place - scaled[kept[-1]] > ROOM * np.ptp(scaled):
            kept.append(number)
    if len(kept) and (log or len(kept) == len(places)):
        axes.set_xticks(places[kept], [f"{place:g}" for place in places[kept]])
        axes.set_xticks([], minor=True)


def slot_width(axes: Axes, values: pd.Series) -> float:
    """How far series and dots are shifted apart in all, as a part of the axis (of decades where it is log)."""
    places = np.unique(finite_values(values))
    places = np.log10(places[places > 0]) if axes.get_xscale() == "log" else places
    if len(places) < 2:
        return 0.5
    return min(0.7 * np.diff(places).min(), 0.09 * np.ptp(places))


def shifted(axes: Axes, x: float, by: float) -> float:
    """x shifted along the axis, by decades where it is log."""
    return x * 10**by if axes.get_xscale() == "log" else x + by
