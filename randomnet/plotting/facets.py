"""What the panels of one value of an option have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Facet:
    """The panels of one value of an option, one panel for each quantity.

    groups:   names of the places on the x axis; empty if x is a number.
    values:   all numbers on the x axis. log_x: whether it is logarithmic.
    averaged: whether means are drawn.
    labels:   axis labels of quantities that differ from those of other facets, by column.
    notes:    by column, what is not drawn, such as `2 unbounded`.
    starts:   the cells whose runs are starts of one network.
    pairs:    pairs of series, drawn side by side, whose runs of equal iterations are pairs.
    crossings: by series, the x at which its first quantity with a line at zero crosses that line, and its interval.
    """

    title: str = ""
    xlabel: str = ""
    groups: tuple[str, ...] = ()
    averaged: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    values: tuple[float, ...] = ()
    log_x: bool = False
    starts: frozenset[str] = frozenset()
    pairs: tuple[tuple[str, str], ...] = ()
    crossings: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


def crossing_text(crossing: tuple[float, float, float]) -> str:
    """Where a series crosses zero, with the interval if it is known."""
    x, low, high = crossing
    return f"{x:.3g} ({low:.3g} to {high:.3g})" if np.isfinite([low, high]).all() else f"{x:.3g}"
