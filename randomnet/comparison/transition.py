"""Where an exponent turns positive as a coupling g grows, and how sure that is.

    Transition           the crossing of one set of samples, with its interval
    crossing             the g where a curve of medians goes from negative to positive
    transition           crossing and bootstrap interval of samples

A sample is one network's exponent at one g. The crossing is by linear interpolation between the first two neighbouring
g of which the lower has a negative median and the upper has not. Runs that were left out, as their state grew without
bound or left the range of numbers, have no exponent: a g at which they are most brackets no crossing, and neither does
any g above it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from randomnet.comparison.intervals import LEVEL
from randomnet.comparison.significance import SEED

RESAMPLES = 2000


class Transition(NamedTuple):
    """g (k,) in their order, medians (k,), the crossing (None where there is none), its interval, samples in all.

    An end of the interval is infinite where the resampled curves do not cross within the g that there are. unbounded:
    the least g at which most runs were left out, or None; no g from there on is among g and medians.
    """

    g: np.ndarray
    medians: np.ndarray
    crossing: float | None
    low: float
    high: float
    samples: int
    unbounded: float | None = None


def crossing(g: np.ndarray, medians: np.ndarray) -> float | None:
    """The crossing of a curve; g (k,) ascending, medians (k,). None where it never goes from negative to positive."""
    found = _crossings(np.asarray(g, dtype=float), np.asarray(medians, dtype=float)[None])[0]
    return float(found) if np.isfinite(found) else None


def transition(
    samples: Mapping[float, Sequence[float] | np.ndarray],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    left_out: Mapping[float, int] = MappingProxyType({}),
) -> Transition:
    """Medians by g and their crossing, with a percentile interval at LEVEL from resampling the samples of every g.

    samples: the exponents of each g; values that are not finite are left out, and a g that has no others too.
    left_out: how many more runs there are of each g, which have no exponent.
    """
    values = {float(g): np.asarray(some, dtype=float) for g, some in samples.items()}
    values = {g: some[np.isfinite(some)] for g, some in sorted(values.items())}
    unbounded = min((float(g) for g, lost in left_out.items() if lost > len(values.get(float(g), ()))), default=None)
    values = {g: some for g, some in values.items() if some.size and (unbounded is None or g < unbounded)}
    g, count = np.array(list(values)), sum(map(len, values.values()))
    medians = np.array([np.median(some) for some in values.values()])
    found = crossing(g, medians) if len(g) else None
    if found is None:
        return Transition(g, medians, None, np.nan, np.nan, count, unbounded)
    low, high = _interval(g, list(values.values()), resamples, seed)
    return Transition(g, medians, found, low, high, count, unbounded)


def _interval(g: np.ndarray, samples: Sequence[np.ndarray], resamples: int, seed: int) -> tuple[float, float]:
    generator = np.random.default_rng(seed)
    drawn = [np.median(some[generator.integers(0, len(some), (resamples, len(some)))], axis=1) for some in samples]
    crossings = np.sort(_crossings(g, np.column_stack(drawn)))
    tail = (1 - LEVEL) / 2  # ranks and not interpolated quantiles, as some crossings may be infinite
    low, high = crossings[[int(tail * resamples), int(np.ceil((1 - tail) * resamples)) - 1]]
    return float(low), float(high)


def _crossings(g: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """The crossing of each row of curves (rows, k): infinite, on the side it is on, where there is none."""
    below, above = curves[:, :-1], curves[:, 1:]
    crosses = (below < 0) & (above >= 0)
    outside = np.where(curves[:, -1] < 0, np.inf, -np.inf)
    if not crosses.shape[1]:
        return outside
    first = crosses.argmax(axis=1)
    rows = np.arange(len(curves))
    lower, upper = below[rows, first], above[rows, first]
    step = upper - lower
    part = np.divide(-lower, step, out=np.zeros_like(step), where=step > 0)
    return np.where(crosses.any(axis=1), g[first] + part * (g[first + 1] - g[first]), outside)
