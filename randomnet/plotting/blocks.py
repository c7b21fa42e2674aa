"""Connections between populations: in- and out-degrees, and the mean weight against distance on the ring."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import (
    DOUBLE,
    STYLE,
    Series,
    escape_dollars,
    label_no_values,
    legend,
    new_figure,
    zero_line,
)

MOST_POPULATIONS = 4  # populations with a row of their own
COLUMNS = ("in-degree (edges)", "out-degree (edges)", "distance, post − pre (°)")
BARS = 40  # bars of a histogram, at most
DISTANCES = 36  # bins of 10 degrees, at most


class Profile(NamedTuple):
    """By distance in degrees, (bins,) each: the mean of J over all pairs at that distance, and its standard error."""

    distance: np.ndarray
    mean: np.ndarray
    error: np.ndarray


def blocks(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, groups: np.ndarray, names: Sequence[str], title: str = ""
) -> Figure:
    """A row per postsynaptic population and a colour per presynaptic one: degrees within the block, and weight profile.

    post, pre: (E,) int64; weights: (E,); groups: (N,), the index of each neuron's population in names. The neurons of a
    population lie on a ring at equal angles, in their order.
    """
    sizes = np.bincount(groups, minlength=len(names))
    populations = sorted(np.argsort(-sizes, kind="stable")[:MOST_POPULATIONS].tolist())
    populations = [p for p in populations if sizes[p]]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.6 + 1.55 * len(populations), title)
        grid = figure.subplots(len(populations), 3, squeeze=False)
        for row, target in zip(grid, populations, strict=True):
            _draw_row(row, post, pre, weights, groups, target, populations)
            row[0].set_title(f"to {escape_dollars(names[target])}", loc="left")
        for axes, text in zip(grid[-1], COLUMNS, strict=True):
            axes.set_xlabel(text)
        handles = [Line2D([], [], color=_look(number).color, label=f"from {names[source]}, {sizes[source]:,} neurons")
                   for number, source in enumerate(populations)]  # fmt: skip
        legend(figure, handles, _heading(sizes, populations))
        return figure


def profile(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, n_post: int, n_pre: int, is_one_population: bool = False
) -> Profile:
    """Mean weight over all pairs of neurons, connected or not, by their distance on the ring.

    post, pre: (E,), numbers below n_post and n_pre of neurons at angles 2 pi n / n_post and 2 pi n / n_pre.
    is_one_population: whether both are one population without self-connections, so that a neuron forms no pair with
    itself. Distances are post minus pre, from -180 to 180 degrees; each bin is around its centre.
    """
    common = int(np.gcd(n_post, n_pre))
    distances = n_post * n_pre // common  # each distance occurs in `common` pairs
    bins = min(DISTANCES, distances)
    steps = (
        np.asarray(post, np.int64) * (n_pre // common) - np.asarray(pre, np.int64) * (n_post // common)
    ) % distances
    bin_of = (2 * bins * steps + distances) // (2 * distances) % bins
    edges = -(-(2 * np.arange(bins + 1) - 1) * distances // (2 * bins))  # first distance of each bin, rounded up
    pairs = common * np.diff(edges).astype(float)
    pairs[0] -= n_post if is_one_population else 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(bin_of, weights, bins) / pairs
        spread = np.bincount(bin_of, np.square(weights), bins) / pairs - mean**2
        error = np.sqrt(np.maximum(spread, 0) / pairs)
    has_pairs = pairs > 0
    degrees = 360 * np.arange(bins) / bins
    degrees = np.where(degrees >= 180, degrees - 360, degrees)
    order = np.argsort(degrees)
    return Profile(degrees[order], *(np.where(has_pairs, values, np.nan)[order] for values in (mean, error)))


def _look(place: int) -> Series:
    return Series("", place)


def _draw_row(
    row: Sequence[Axes], post: np.ndarray, pre: np.ndarray, weights: np.ndarray, groups: np.ndarray, target: int,
    populations: Sequence[int],
) -> None:  # fmt: skip
    index_in_population = _index_in_population(groups)
    degrees_in, degrees_out = {}, {}
    zero_line(row[2])
    for number, source in enumerate(populations):
        block = (groups[post] == target) & (groups[pre] == source)
        if not block.any():
            continue
        i, j = post[block], pre[block]
        degrees_in[number] = np.bincount(i, minlength=len(groups))[groups == target]
        degrees_out[number] = np.bincount(j, minlength=len(groups))[groups == source]
        rows, columns = len(degrees_in[number]), len(degrees_out[number])
        without_self = target == source and not (i == j).any()
        _draw_profile(
            row[2],
            profile(index_in_population[i], index_in_population[j], weights[block], rows, columns, without_self),
            number,
        )
    _histograms(row[0], degrees_in)
    _histograms(row[1], degrees_out)
    row[0].set_ylabel("share of neurons")
    row[2].set_ylabel("mean J")
    row[2].set_xlim(-180, 180)
    row[2].set_xticks([-180, -90, 0, 90, 180])
    if not degrees_in:
        label_no_values(row[2])


def _index_in_population(groups: np.ndarray) -> np.ndarray:
    """The number of each neuron within its population, (N,)."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], groups[order])
    numbers = np.empty(len(groups), np.int64)
    numbers[order] = np.arange(len(groups)) - starts
    return numbers


def _draw_profile(axes: Axes, curve: Profile, number: int) -> None:
    look = _look(number)
    low, high = curve.mean - curve.error, curve.mean + curve.error
    axes.fill_between(curve.distance, low, high, color=look.color, alpha=0.25, linewidth=0)
    axes.plot(curve.distance, curve.mean, color=look.color, linestyle=look.linestyle, linewidth=1.0)


def _histograms(axes: Axes, sets: dict[int, np.ndarray]) -> None:
    """Shares of neurons, by whole degrees or by equal ranges of them, the same for all sets."""
    if not sets:
        label_no_values(axes)
        return
    low, high = (int(end(values)) for end, values in
                 ((min, [v.min() for v in sets.values()]), (max, [v.max() for v in sets.values()])))  # fmt: skip
    width = max(1, -(-(high - low + 1) // BARS))
    edges = np.arange(low, high + width + 1, width) - 0.5
    for number, values in sets.items():
        look = _look(number)
        share = np.histogram(values, edges)[0] / len(values)
        axes.stairs(share, edges, color=look.color, fill=True, alpha=0.2)
        axes.stairs(share, edges, color=look.color, linewidth=1.0)
    room = max(2.0, 0.05 * (edges[-1] - edges[0]))
    axes.set_xlim(edges[0] - room, edges[-1] + room)
    axes.set_ylim(bottom=0)
    axes.locator_params(nbins=5)


def _heading(sizes: np.ndarray, populations: Sequence[int]) -> str:
    more = f"; the {len(populations)} largest of {len(sizes)} populations" if len(populations) < len(sizes) else ""
    return f"mean J over all pairs at this distance, connected or not, and its standard error{more}"
