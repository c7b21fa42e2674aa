"""The y axes of quantities side by side: linear or log, their numbers, and limits that panels share."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from randomnet.plotting.style import Panel, finite_values, log_numbers, spans_a_decade

PLAIN_NUMBERS = (1e-2, 1e4)  # limits of a log axis between which plain numbers are easier to read than powers of ten
MARGIN = 0.04  # beyond the values that an axis always has, as a share of their range, for dots at its ends
FEW_DECADES = 100.0  # a log axis that spans less has numbers between powers of ten, too


def log_panels(table: pd.DataFrame, panels: Sequence[Panel]) -> list[bool]:
    """Whether the axis of each panel is log; panels of one quantity have the same scale.

    table: the runs that are averaged, with the panels' columns.
    """
    return [_is_log(table, [other for other in panels if _same(panel, other)]) for panel in panels]


def _is_log(table: pd.DataFrame, panels: Sequence[Panel]) -> bool:
    if any(panel.chance is not None or panel.whole or panel.linear for panel in panels):
        return False
    values = [finite_values(table[panel.column]) for panel in panels]
    return spans_a_decade(np.concatenate(values)) and all(not part.size or part.min() > 0 for part in values)


def _same(first: Panel, second: Panel) -> bool:
    return first == second or bool(first.quantity and first.quantity == second.quantity)


def scale_label(label: str, log: Sequence[bool], is_log: bool) -> str:
    """The label of an axis, which says that it is log where axes of the same row are linear."""
    return f"{label}\n(log axis)" if is_log and not all(log) else label


def share_limits(all_axes: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Give the axes of panels of one quantity equal limits, so that their values can be compared."""
    for panel in panels:
        members = [axes for axes, other in zip(all_axes, panels, strict=True) if _same(panel, other)]
        limits = np.array([axes.get_ylim() for axes in members])
        for axes in members:
            axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def number_axis(axes: Axes, panel: Panel) -> None:
    """Write plain numbers on the y axis, within the limits that it has; for counts these are at least 2 apart."""
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        number_log_axis(axes, low, high)
    elif panel.spans:
        margin = MARGIN * np.ptp(panel.spans)
        axes.set_ylim(min(low, min(panel.spans) - margin), max(high, max(panel.spans) + margin))
    elif panel.whole:
        middle, least = (low + high) / 2, -np.inf if panel.least is None else panel.least
        axes.set_ylim(max(min(low, middle - 1), least), max(high, middle + 1))
        axes.yaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def number_log_axis(axes: Axes, low: float, high: float) -> None:
    """Write plain numbers on a log y axis from low to high, unless powers of ten are shorter and many enough."""
    if PLAIN_NUMBERS[0] <= low < high <= PLAIN_NUMBERS[1] or high / low < FEW_DECADES:
        log_numbers(axes.yaxis, low, high)
