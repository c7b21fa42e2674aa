"""The coupling g at which an exponent turns positive, its interval, and differences between such couplings.

Curves                the largest exponent of every iteration at every g
Transition            the crossing of one set of curves, with its interval
crossing              the g where a curve goes from negative to positive
transition            crossing and bootstrap interval of curves
place                 the crossing of a set of curves, infinite where it is outside the grid
iteration_crossings   the crossing of every single iteration
Difference            distance between two crossings, with its interval
difference            the same for two sets of curves

An iteration is one network at all g, so its exponents are not independent: iterations are resampled as a whole.

The crossing is that of the median curve. It requires a median above 0 by more than MARGIN of its standard errors, at
a g above one with a negative median. Linear interpolation starts at the last g before it whose median is not
positive. A run's exponent counts as 0 if it is above 0 by at most MARGIN of its own standard errors, as for a limit
cycle.

Runs that are unbounded or diverged have no exponent. A g at which most runs are left out brackets no crossing, and
neither does any larger g.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison.intervals import LEVEL
from randomnet.comparison.significance import SEED
from randomnet.student_t import quantile

RESAMPLES = 2000
MARGIN = 2.0  # standard errors
CHUNK = 1_000_000  # numbers resampled at once, to bound the memory
FEW = 3  # for so few iterations, the bootstrap's error of a median, as of a mean, lacks sqrt(n/(n - 1))


@dataclass(frozen=True)
class Curves:
    """g (k,) ascending; exponents (n, k) of n iterations and their standard errors, nan where missing."""

    g: np.ndarray
    exponents: np.ndarray
    errors: np.ndarray
    iterations: np.ndarray

    @classmethod
    def of(cls, runs: pd.DataFrame) -> "Curves":
        """From one row per run: g, iteration, lambda_max, and lambda_max_stderr if known."""
        rows = runs[np.isfinite(runs["lambda_max"].astype(float))]
        error = rows.get("lambda_max_stderr", np.nan)
        rows = rows[["g", "iteration"]].assign(exponent=rows["lambda_max"].astype(float), error=error)
        table = rows.astype(float).groupby(["iteration", "g"]).mean()
        exponents = table["exponent"].unstack("g")
        exponents = exponents[sorted(exponents)]
        errors = table["error"].unstack("g").reindex(index=exponents.index, columns=exponents.columns)
        g, iterations = exponents.columns.to_numpy(dtype=float), exponents.index.to_numpy()
        return cls(g, exponents.to_numpy(dtype=float), errors.to_numpy(dtype=float), iterations)

    def at(self, which: np.ndarray) -> "Curves":
        """The curves at these g, a mask (k,)."""
        return Curves(self.g[which], self.exponents[:, which], self.errors[:, which], self.iterations)

    def rows(self, which: np.ndarray) -> "Curves":
        """The curves of these iterations, indices (m,)."""
        return Curves(self.g, self.exponents[which], self.errors[which], self.iterations[which])

    @property
    def levelled(self) -> np.ndarray:
        """The exponents, set to 0 where they are above 0 by at most MARGIN of the run's own standard errors."""
        small = (self.exponents > 0) & (self.exponents <= MARGIN * np.nan_to_num(self.errors))
        return np.where(small, 0.0, self.exponents)

    @property
    def counts(self) -> np.ndarray:
        """Number of iterations with an exponent at each g, (k,)."""
        return np.isfinite(self.exponents).sum(0)


class Transition(NamedTuple):
    """g (k,) ascending, medians (k,), the crossing (None without one), its interval, and the number of samples.

    An end of the interval is infinite if the resampled curves do not cross within the grid. unbounded: the smallest g
    at which most runs were left out, or None; larger g are not in g and medians. errors: standard errors of the medians
    (k,).
    """

    g: np.ndarray
    medians: np.ndarray
    crossing: float | None
    low: float
    high: float
    samples: int
    unbounded: float | None = None
    errors: np.ndarray = np.empty(0)


class Difference(NamedTuple):
    """g_c of b minus that of a (None without one), its interval, and the number of iterations behind it."""

    difference: float | None
    low: float
    high: float
    iterations: int
    paired: bool


def crossing(g: np.ndarray, curve: np.ndarray, errors: np.ndarray | float = 0.0) -> float | None:
    """Crossing of one curve with standard errors, (k,) each, g ascending. None without one."""
    curve = np.asarray(curve, dtype=float)[None]
    value = _crossings(np.asarray(g, dtype=float), curve, np.broadcast_to(MARGIN * np.asarray(errors), curve.shape))[0]
    return float(value) if np.isfinite(value) else None


def transition(
    curves: Curves, resamples: int = RESAMPLES, seed: int = SEED, left_out: Mapping[float, int] = MappingProxyType({})
) -> Transition:
    """Medians by g and their crossing, with its interval at LEVEL.

    left_out: number of further runs at each g, which have no exponent.
    """
    counts = dict(zip(curves.g.tolist(), curves.counts.tolist(), strict=True))
    unbounded = min((float(g) for g, count in left_out.items() if count > counts.get(float(g), 0)), default=None)
    curves = curves.at(curves.g < (math.inf if unbounded is None else unbounded))
    samples = int(np.isfinite(curves.exponents).sum())
    if not samples:
        return Transition(curves.g, np.empty(0), None, np.nan, np.nan, samples, unbounded)
    medians = _median(curves.exponents)
    resampled = _resampled(curves, _draws(len(curves.iterations), resamples, np.random.default_rng(seed)))
    errors = _errors(curves, resampled)
    value = crossing(curves.g, _median(curves.levelled), errors)
    if value is None:
        return Transition(curves.g, medians, None, np.nan, np.nan, samples, unbounded, errors)
    low, high = _interval(value, _crossings(curves.g, resampled, MARGIN * errors), len(curves.iterations))
    return Transition(curves.g, medians, value, low, high, samples, unbounded, errors)


def iteration_crossings(curves: Curves) -> np.ndarray:
    """Crossing of each single iteration, (n,), by its own standard errors.

    It is -inf if the exponent is positive at the smallest g already, and inf if it never becomes positive.
    """
    crossings = []
    for exponents, errors in zip(curves.levelled, np.nan_to_num(curves.errors), strict=True):
        known = np.isfinite(exponents)
        crossings.append(float(_crossings(curves.g[known], exponents[known][None], MARGIN * errors[known][None])[0]))
    return np.array(crossings)


def place(estimate: Transition) -> float:
    """The crossing; or infinity, with its sign, if it is not within the grid."""
    if estimate.crossing is not None:
        return estimate.crossing
    return float(iteration_crossings(Curves(estimate.g, estimate.medians[None], estimate.errors[None], np.zeros(1)))[0])


def difference(a: Curves, b: Curves, paired: bool, resamples: int = RESAMPLES, seed: int = SEED) -> Difference:
    """Crossing of b minus that of a, with an interval at LEVEL.

    paired: whether equal iterations have equal seeds; iterations that both have are then resampled together.
    """
    if paired:
        _, *rows = np.intersect1d(a.iterations, b.iterations, return_indices=True)
        a, b = (side.rows(row) for side, row in zip((a, b), rows, strict=True))
    generator, counts = np.random.default_rng(seed), (len(a.iterations), len(b.iterations))
    if not all(counts):
        return Difference(None, np.nan, np.nan, 0, paired)
    draws = [_draws(counts[0], resamples, generator)]
    draws.append(draws[0] if paired else _draws(counts[1], resamples, generator))
    crossing_a, resampled_a = _crossing_and_resampled(a, draws[0])
    crossing_b, resampled_b = _crossing_and_resampled(b, draws[1])
    if crossing_a is None or crossing_b is None:
        return Difference(None, np.nan, np.nan, min(counts), paired)
    with np.errstate(invalid="ignore"):
        differences = resampled_b - resampled_a  # nan if both are infinite with the same sign
    low, high = _interval(crossing_b - crossing_a, differences, min(counts))
    return Difference(crossing_b - crossing_a, low, high, min(counts), paired)


def _crossing_and_resampled(curves: Curves, draws: np.ndarray) -> tuple[float | None, np.ndarray]:
    """Crossing of the medians, and those of the resampled medians (resamples,)."""
    resampled = _resampled(curves, draws)
    errors = _errors(curves, resampled)
    return crossing(curves.g, _median(curves.levelled), errors), _crossings(curves.g, resampled, MARGIN * errors)


def _draws(n: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    return generator.integers(0, n, (resamples, n))


def _resampled(curves: Curves, draws: np.ndarray) -> np.ndarray:
    """Medians (resamples, k) of resampled iterations; a g without any drawn value takes the median of all."""
    values = curves.levelled
    step = max(1, CHUNK // values.size)
    medians = np.concatenate([_median(values[draws[start : start + step]], 1) for start in range(0, len(draws), step)])
    return np.where(np.isnan(medians), _median(values), medians)


def _median(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Medians ignoring nan; nan where all values are."""
    if not np.isnan(values).any():
        return np.median(values, axis=axis)
    ordered, counts = np.sort(values, axis=axis), np.isfinite(values).sum(axis)  # nan is sorted to the end
    middle = np.stack([np.maximum(counts - 1, 0) // 2, counts // 2], axis)
    picked = np.take_along_axis(ordered, np.minimum(middle, values.shape[axis] - 1), axis)
    return np.where(counts > 0, picked.mean(axis), np.nan)


def _errors(curves: Curves, resampled: np.ndarray) -> np.ndarray:
    """Standard errors of the medians (k,): scatter of resampled medians, at least what the runs' own errors imply."""
    counts = np.maximum(curves.counts, 1)
    scatter = resampled.std(0) * np.sqrt(counts / np.maximum(counts - 1, 1))
    squares = np.where(np.isfinite(curves.exponents), np.square(np.nan_to_num(curves.errors)), 0.0)
    return np.maximum(scatter, np.sqrt(squares.sum(0)) / counts)


def _interval(value: float, resampled: np.ndarray, n: int) -> tuple[float, float]:
    """Student's interval with n - 1 degrees of freedom and the bootstrap's standard error; nan for n = 1.

    A percentile interval of few iterations would be too narrow. An end is infinite if too many resamples have no
    crossing on that side.
    """
    if n < 2:
        return np.nan, np.nan
    tail, finite = (1 - LEVEL) / 2, resampled[np.isfinite(resampled)]
    undefined = np.isnan(resampled).sum()
    open_low, open_high = (((resampled == end).sum() + undefined) / len(resampled) > tail for end in (-np.inf, np.inf))
    widening = math.sqrt(n / (n - 1)) if n <= FEW else 1.0
    half_width = quantile(n - 1, (1 + LEVEL) / 2) * widening * (finite.std() if len(finite) else np.inf)
    return (-np.inf if open_low else value - half_width), (np.inf if open_high else value + half_width)


def _crossings(g: np.ndarray, curves: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Crossing of each row of curves (rows, k), infinite with its sign if it is outside the grid.

    least: the value that an exponent must exceed to count as positive, (k,) or (rows, k).
    """
    if not curves.shape[1]:
        return np.full(len(curves), np.inf)
    rows, last = np.arange(len(curves)), curves.shape[1] - 1
    positive, from_below = curves > threshold, np.logical_or.accumulate(curves < 0, axis=1)
    crosses = positive & from_below
    first = crosses.argmax(axis=1)
    before = (curves <= 0) & (np.arange(last + 1) < first[:, None])
    below = last - before[:, ::-1].argmax(axis=1)
    above = np.minimum(below + 1, last)
    lower, step = curves[rows, below], curves[rows, above] - curves[rows, below]
    fraction = np.divide(-lower, step, out=np.zeros_like(step), where=step > 0)
    outside = np.where(positive.any(axis=1), -np.inf, np.inf)
    return np.where(crosses.any(axis=1), g[below] + fraction * (g[above] - g[below]), outside)
