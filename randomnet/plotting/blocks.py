"""The blocks of a network of populations: in- and out-degrees, and the mean weight against distance on the ring."""

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

MOST = 4  # populations with a row of their own
COLUMNS = ("in-degree (edges)", "out-degree (edges)", "distance, post less pre (°)")
BARS = 40  # of a histogram, at most
DISTANCES = 36  # bins of 10 degrees, at most


class Profile(NamedTuple):
    """Against distance in degrees, each (bins,): the mean of J over all pairs so far apart, and its standard error."""

    distance: np.ndarray
    mean: np.ndarray
    error: np.ndarray


def blocks(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, groups: np.ndarray, names: Sequence[str], title: str = ""
) -> Figure:
    """A row for each postsynaptic population, a colour for each presynaptic one: degrees within the block, and profile.

    post, pre: (E,) int64; weights: (E,); groups: (N,), the index of each neuron's population in names. A population's
    neurons lie on a ring at equal angles, in their order.
    """
    sizes = np.bincount(groups, minlength=len(names))
    shown = sorted(np.argsort(-sizes, kind="stable")[:MOST].tolist())
    shown = [p for p in shown if sizes[p]]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 0.6 + 1.55 * len(shown), title)
        grid = figure.subplots(len(shown), 3, squeeze=False)
        for row, a in zip(grid, shown, strict=True):
            _draw_row(row, post, pre, weights, groups, a, shown)
            row[0].set_title(f"onto {escape_dollars(names[a])}", loc="left")
        for axes, text in zip(grid[-1], COLUMNS, strict=True):
            axes.set_xlabel(text)
        handles = [Line2D([], [], color=_look(place).color, label=f"from {names[b]}, {sizes[b]:,} neurons")
                   for place, b in enumerate(shown)]  # fmt: skip
        legend(figure, handles, _said(sizes, shown))
        return figure


def profile(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, n_post: int, n_pre: int, own: bool = False
) -> Profile:
    """The mean weight of all pairs of neurons, connected or not, by their distance on the ring.

    post, pre: (E,) numbers 0 .. n_post - 1 and 0 .. n_pre - 1 of neurons at angles 2 pi n / n_post and 2 pi n / n_pre;
    own: whether the two are one population whose neurons do not reach themselves: these pairs do not count.
    Distances are those of post less pre, from -180 to 180 degrees, each bin around its middle.
    """
    common = int(np.gcd(n_post, n_pre))
    places = n_post * n_pre // common  # different distances, of which every one has `common` pairs
    bins = min(DISTANCES, places)
    steps = (np.asarray(post, np.int64) * (n_pre // common) - np.asarray(pre, np.int64) * (n_post // common)) % places
    bin_of = (2 * bins * steps + places) // (2 * places) % bins
    edges = -(-(2 * np.arange(bins + 1) - 1) * places // (2 * bins))  # the first distance of each bin, rounded up
    pairs = common * np.diff(edges).astype(float)
    pairs[0] -= n_post if own else 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(bin_of, weights, bins) / pairs
        spread = np.bincount(bin_of, np.square(weights), bins) / pairs - mean**2
        error = np.sqrt(np.maximum(spread, 0) / pairs)
    known = pairs > 0
    degrees = 360 * np.arange(bins) / bins
    degrees = np.where(degrees >= 180, degrees - 360, degrees)
    order = np.argsort(degrees)
    return Profile(degrees[order], *(np.where(known, values, np.nan)[order] for values in (mean, error)))


def _look(place: int) -> Series:
    return Series("", place)


def _draw_row(
    row: Sequence[Axes], post: np.ndarray, pre: np.ndarray, weights: np.ndarray, groups: np.ndarray, a: int,
    shown: Sequence[int],
) -> None:  # fmt: skip
    place_in = _places(groups)
    degrees_in, degrees_out = {}, {}
    zero_line(row[2])
    for place, b in enumerate(shown):
        block = (groups[post] == a) & (groups[pre] == b)
        if not block.any():
            continue
        i, j = post[block], pre[block]
        degrees_in[place] = np.bincount(i, minlength=len(groups))[groups == a]
        degrees_out[place] = np.bincount(j, minlength=len(groups))[groups == b]
        sizes = [len(degrees_in[place]), len(degrees_out[place])]
        own = a == b and not (i == j).any()
        _draw_profile(row[2], profile(place_in[i], place_in[j], weights[block], *sizes, own), place)
    _histograms(row[0], degrees_in)
    _histograms(row[1], degrees_out)
    row[0].set_ylabel("share of neurons")
    row[2].set_ylabel("mean J")
    row[2].set_xlim(-180, 180)
    row[2].set_xticks([-180, -90, 0, 90, 180])
    if not degrees_in:
        label_no_values(row[2])


def _places(groups: np.ndarray) -> np.ndarray:
    """(N,): the number of each neuron within its population."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], groups[order])
    found = np.empty(len(groups), np.int64)
    found[order] = np.arange(len(groups)) - starts
    return found


def _draw_profile(axes: Axes, one: Profile, place: int) -> None:
    look = _look(place)
    axes.fill_between(one.distance, one.mean - one.error, one.mean + one.error, color=look.color, alpha=0.25,
                      linewidth=0)  # fmt: skip
    axes.plot(one.distance, one.mean, color=look.color, linestyle=look.linestyle, linewidth=1.0)


def _histograms(axes: Axes, sets: dict[int, np.ndarray]) -> None:
    """Shares of neurons, by whole degrees or by equal ranges of them, the same for all sets."""
    if not sets:
        label_no_values(axes)
        return
    low, high = (int(end(values)) for end, values in
                 ((min, [v.min() for v in sets.values()]), (max, [v.max() for v in sets.values()])))  # fmt: skip
    width = max(1, -(-(high - low + 1) // BARS))
    edges = np.arange(low, high + width + 1, width) - 0.5
    for place, values in sets.items():
        look = _look(place)
        share = np.histogram(values, edges)[0] / len(values)
        axes.stairs(share, edges, color=look.color, fill=True, alpha=0.2)
        axes.stairs(share, edges, color=look.color, linewidth=1.0)
    room = max(2.0, 0.05 * (edges[-1] - edges[0]))
    axes.set_xlim(edges[0] - room, edges[-1] + room)
    axes.set_ylim(bottom=0)
    axes.locator_params(nbins=5)


def _said(sizes: np.ndarray, shown: Sequence[int]) -> str:
    more = f"; of {len(sizes)} populations the {len(shown)} largest" if len(shown) < len(sizes) else ""
    return f"mean J over all pairs that far apart, connected or not, and its standard error{more}"
