"""Where an exponent turns positive as a coupling g grows, how sure that is, and how far two such couplings lie apart.

    Curves               the largest exponent of every iteration at every g
    Transition           the crossing of one set of curves, with its interval
    crossing             the g where a curve goes from negative to positive
    transition           crossing and bootstrap interval of curves
    iteration_crossings        the crossing of every iteration by itself
    Difference           how far two crossings lie apart, with its interval
    difference           the same of two sets of curves

An iteration is one network at all g, so that its exponents are no independent samples: iterations are resampled whole.

The crossing is of the medians. It needs a median that is above 0 by more than MARGIN of its standard errors, at a g
above one with a negative median. It lies between the last g before that of which the median is not above 0 and the next
one, by linear interpolation. A run's exponent counts as 0 where it is above 0 by no more than MARGIN of its own
standard errors, as that of a limit cycle.

Runs that were left out, as their state grew without bound or left the range of numbers, have no exponent: a g at which
they are most brackets no crossing, and neither does any g above it.
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

RESAMPLES = 2000
MARGIN = 2.0  # standard errors
CHUNK = 1_000_000  # numbers resampled at once
FEW = 3  # iterations, up to which the bootstrap's error of a median is that of a mean, and too small by sqrt(1 - 1/n)


@dataclass(frozen=True)
class Curves:
    """g (k,) ascending; exponents (n, k) of n iterations and their own standard errors, nan where there are none."""

    g: np.ndarray
    exponents: np.ndarray
    errors: np.ndarray
    iterations: np.ndarray

    @classmethod
    def of(cls, runs: pd.DataFrame) -> "Curves":
        """From a row per run: g, iteration, lambda_max, and lambda_max_stderr where it is known."""
        rows = runs[np.isfinite(runs["lambda_max"].astype(float))]
        error = rows.get("lambda_max_stderr", np.nan)
        rows = rows[["g", "iteration"]].assign(exponent=rows["lambda_max"].astype(float), error=error)
        table = rows.astype(float).groupby(["iteration", "g"]).mean()
        exponents = table["exponent"].unstack("g")
        exponents = exponents[sorted(exponents)]
        errors = table["error"].unstack("g").reindex(index=exponents.index, columns=exponents.columns)
        arrays = (part.to_numpy(dtype=float) for part in (exponents, errors))
        return cls(exponents.columns.to_numpy(dtype=float), *arrays, exponents.index.to_numpy())

    def at(self, which: np.ndarray) -> "Curves":
        """The same at those g, a mask (k,)."""
        return Curves(self.g[which], self.exponents[:, which], self.errors[:, which], self.iterations)

    def rows(self, which: np.ndarray) -> "Curves":
        """The same of those iterations, indices (m,)."""
        return Curves(self.g, self.exponents[which], self.errors[which], self.iterations[which])

    @property
    def levelled(self) -> np.ndarray:
        """The exponents, 0 where they are above 0 by no more than MARGIN of the run's own standard errors."""
        small = (self.exponents > 0) & (self.exponents <= MARGIN * np.nan_to_num(self.errors))
        return np.where(small, 0.0, self.exponents)

    @property
    def counts(self) -> np.ndarray:
        """How many iterations have an exponent at each g, (k,)."""
        return np.isfinite(self.exponents).sum(0)


class Transition(NamedTuple):
    """g (k,) in their order, medians (k,), the crossing (None where there is none), its interval, samples in all.

    An end of the interval is infinite where the resampled curves do not cross within the g that there are. unbounded:
    the least g at which most runs were left out, or None; no g from there on is among g and medians. errors: standard
    errors of the medians (k,).
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
    """g_c of b minus that of a (None where either has none), its interval, and how many iterations it rests on."""

    difference: float | None
    low: float
    high: float
    iterations: int
    paired: bool


def crossing(g: np.ndarray, curve: np.ndarray, errors: np.ndarray | float = 0.0) -> float | None:
    """The crossing of one curve with standard errors; all (k,), g ascending. None where there is none."""
    curve = np.asarray(curve, dtype=float)[None]
    found = _crossings(np.asarray(g, dtype=float), curve, np.broadcast_to(MARGIN * np.asarray(errors), curve.shape))[0]
    return float(found) if np.isfinite(found) else None


def transition(
    curves: Curves, resamples: int = RESAMPLES, seed: int = SEED, left_out: Mapping[float, int] = MappingProxyType({})
) -> Transition:
    """Medians by g and their crossing, with its interval at LEVEL.

    left_out: how many more runs there are of each g, which have no exponent.
    """
    counts = dict(zip(curves.g.tolist(), curves.counts.tolist(), strict=True))
    unbounded = min((float(g) for g, lost in left_out.items() if lost > counts.get(float(g), 0)), default=None)
    curves = curves.at(curves.g < (math.inf if unbounded is None else unbounded))
    samples = int(np.isfinite(curves.exponents).sum())
    if not samples:
        return Transition(curves.g, np.empty(0), None, np.nan, np.nan, samples, unbounded)
    medians = _median(curves.exponents)
    drawn = _resampled(curves, _draws(len(curves.iterations), resamples, np.random.default_rng(seed)))
    errors = _errors(curves, drawn)
    found = crossing(curves.g, _median(curves.levelled), errors)
    if found is None:
        return Transition(curves.g, medians, None, np.nan, np.nan, samples, unbounded, errors)
    low, high = _interval(found, _crossings(curves.g, drawn, MARGIN * errors), len(curves.iterations))
    return Transition(curves.g, medians, found, low, high, samples, unbounded, errors)


def iteration_crossings(curves: Curves) -> np.ndarray:
    """The crossing of each iteration by itself, (n,), by its own standard errors; infinite where there is none.

    -inf where it is positive at the least g already, inf where it never becomes so.
    """
    found = []
    for exponents, errors in zip(curves.levelled, np.nan_to_num(curves.errors), strict=True):
        known = np.isfinite(exponents)
        found.append(float(_crossings(curves.g[known], exponents[known][None], MARGIN * errors[known][None])[0]))
    return np.array(found)


def difference(a: Curves, b: Curves, paired: bool, resamples: int = RESAMPLES, seed: int = SEED) -> Difference:
    """How far the crossing of b lies above that of a, with an interval at LEVEL.

    paired: iterations of the same number have the same seed; those that both have are then resampled together.
    """
    if paired:
        _, *rows = np.intersect1d(a.iterations, b.iterations, return_indices=True)
        a, b = (side.rows(row) for side, row in zip((a, b), rows, strict=True))
    generator, counts = np.random.default_rng(seed), (len(a.iterations), len(b.iterations))
    if not all(counts):
        return Difference(None, np.nan, np.nan, 0, paired)
    draws = [_draws(counts[0], resamples, generator)]
    draws.append(draws[0] if paired else _draws(counts[1], resamples, generator))
    (at_a, some_a), (at_b, some_b) = (_located(side, draw) for side, draw in zip((a, b), draws, strict=True))
    if at_a is None or at_b is None:
        return Difference(None, np.nan, np.nan, min(counts), paired)
    with np.errstate(invalid="ignore"):
        apart = some_b - some_a  # nan where both are infinite on the same side
    low, high = _interval(at_b - at_a, apart, min(counts))
    return Difference(at_b - at_a, low, high, min(counts), paired)


def _located(curves: Curves, draws: np.ndarray) -> tuple[float | None, np.ndarray]:
    """The crossing of the medians, and those of the resampled ones (resamples,)."""
    drawn = _resampled(curves, draws)
    errors = _errors(curves, drawn)
    return crossing(curves.g, _median(curves.levelled), errors), _crossings(curves.g, drawn, MARGIN * errors)


def _draws(n: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    return generator.integers(0, n, (resamples, n))


def _resampled(curves: Curves, draws: np.ndarray) -> np.ndarray:
    """Medians (resamples, k) of resampled iterations; a g of which none was drawn takes the median of all."""
    values = curves.levelled
    step = max(1, CHUNK // values.size)
    drawn = np.concatenate([_median(values[draws[at : at + step]], 1) for at in range(0, len(draws), step)])
    return np.where(np.isnan(drawn), _median(values), drawn)


def _median(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Medians of what is not nan; nan where all is."""
    if not np.isnan(values).any():
        return np.median(values, axis=axis)
    ordered, counts = np.sort(values, axis=axis), np.isfinite(values).sum(axis)  # nan is last
    middle = np.stack([np.maximum(counts - 1, 0) // 2, counts // 2], axis)
    picked = np.take_along_axis(ordered, np.minimum(middle, values.shape[axis] - 1), axis)
    return np.where(counts > 0, picked.mean(axis), np.nan)


def _errors(curves: Curves, drawn: np.ndarray) -> np.ndarray:
    """Standard errors of the medians (k,): by the scatter of resampled ones, and no less than the runs' own errors
    make them."""
    counts = np.maximum(curves.counts, 1)
    scatter = drawn.std(0) * np.sqrt(counts / np.maximum(counts - 1, 1))
    squares = np.where(np.isfinite(curves.exponents), np.square(np.nan_to_num(curves.errors)), 0.0)
    return np.maximum(scatter, np.sqrt(squares.sum(0)) / counts)


def _interval(found: float, resampled: np.ndarray, n: int) -> tuple[float, float]:
    """Student's interval of n - 1 degrees of freedom on the bootstrap's standard error, nan for n = 1.

    A percentile interval of few iterations is too narrow. An end is infinite where more resamples than the interval
    leaves out have no crossing on that side.
    """
    if n < 2:
        return np.nan, np.nan
    from scipy.special import stdtrit  # here, as the import takes 0.2 s

    tail, finite = (1 - LEVEL) / 2, resampled[np.isfinite(resampled)]
    lost = np.isnan(resampled).sum()
    open_low, open_high = (((resampled == end).sum() + lost) / len(resampled) > tail for end in (-np.inf, np.inf))
    widening = math.sqrt(n / (n - 1)) if n <= FEW else 1.0
    half = stdtrit(n - 1, (1 + LEVEL) / 2) * widening * (finite.std() if len(finite) else np.inf)
    return (-np.inf if open_low else found - half), (np.inf if open_high else found + half)


def _crossings(g: np.ndarray, curves: np.ndarray, least: np.ndarray) -> np.ndarray:
    """The crossing of each row of curves (rows, k), infinite on the side it is on where there is none.

    least: what an exponent has to exceed to count as positive, (k,) or (rows, k).
    """
    if not curves.shape[1]:
        return np.full(len(curves), np.inf)
    rows, last = np.arange(len(curves)), curves.shape[1] - 1
    positive, from_below = curves > least, np.logical_or.accumulate(curves < 0, axis=1)
    crosses = positive & from_below
    first = crosses.argmax(axis=1)
    before = (curves <= 0) & (np.arange(last + 1) < first[:, None])
    below = last - before[:, ::-1].argmax(axis=1)
    above = np.minimum(below + 1, last)
    lower, step = curves[rows, below], curves[rows, above] - curves[rows, below]
    part = np.divide(-lower, step, out=np.zeros_like(step), where=step > 0)
    outside = np.where(positive.any(axis=1), -np.inf, np.inf)
    return np.where(crosses.any(axis=1), g[below] + part * (g[above] - g[below]), outside)
