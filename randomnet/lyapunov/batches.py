"""What batch means say of a record: standard errors, their propagation, and whether the record has settled.

The record is cut into BATCHES parts of equal length. Where these are longer than the memory of the growth rates, their
means are nearly independent, and their scatter gives the error of the mean (Geyer 1992, section 3.2).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from randomnet.student import t_quantile

BATCHES = 20  # of which the standard errors are made, at most; fewer where they would be shorter than
SHORTEST_BATCH = 4.0  # units of time, and none where they would be fewer than
FEWEST_BATCHES = 5
LEFT_OUT = (0.1, 0.25, 0.5)  # shares of the record, from its start, without which the mean is taken again
FALSE_ALARMS = 0.05  # how often a settled record may be said to drift, all exponents together
FALSE_TRENDS = 0.03  # the same of the more sensitive comparison of the halves
LEAST_MOVE = 1.8  # standard errors; a trend that moves the mean by less leaves the error bar right
NEGLIGIBLE = 0.002  # of the rates' size: what moves less changes no answer


def batch_count(times: np.ndarray) -> int:
    """How many batches a record has whose intervals have these lengths (intervals,)."""
    return min(BATCHES, int(times.sum() / SHORTEST_BATCH + 1e-9), len(times))


def batch_means(rates: np.ndarray, times: np.ndarray, count: int) -> np.ndarray:
    """Means of rates (intervals, k) over `count` consecutive batches of intervals, (count, k)."""
    batches = np.array_split(np.arange(len(rates)), count)
    return np.array([np.average(rates[batch], axis=0, weights=times[batch]) for batch in batches])


def errors_of_mean(means: np.ndarray) -> np.ndarray:
    """Standard errors (k,) of the mean of batch means (count, k); nan for fewer than two.

    Neighbours that are significantly alike, as on a slowly modulated cycle, widen the errors as in a process of first
    order; not where the mean drifts, which is no scatter and has a verdict of its own (`Settling`).
    """
    if len(means) < 2:
        return np.full(means.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # a direction that dies at once has exponent -inf and no error: nan
        errors, ratio = independent_errors(means), neighbour_ratio(means)
        alike = (ratio < _least_ratio(len(means))) & (mean_shifts(means) <= LEAST_MOVE)
        return errors * np.where(alike, np.sqrt((2 - ratio) / ratio), 1.0)


def independent_errors(means: np.ndarray) -> np.ndarray:
    """Standard errors (k,) of the mean of independent batch means (count, k)."""
    return means.std(axis=0, ddof=1) / math.sqrt(len(means))


def mean_shifts(means: np.ndarray) -> np.ndarray:
    """How far the mean moves when the start is left out, in its `independent_errors` (k,); 0 where nothing varies."""
    mean, errors = means.mean(0), independent_errors(means)
    rests = np.array([means[int(len(means) * share) :].mean(0) for share in LEFT_OUT])
    return np.divide(np.abs(rests - mean).max(0), errors, out=np.zeros_like(errors), where=errors > 0)


def neighbour_ratio(means: np.ndarray) -> np.ndarray:
    """Scatter of batch means (count, k) from their neighbours, as a share of their variance (k,) (von Neumann 1941).

    About 1 where batches are independent, 1 - r where neighbours have correlation r, 1 where nothing varies.
    """
    count, variances = len(means), means.var(0, ddof=1)
    scatter = np.square(np.diff(means, axis=0)).sum(0) / (2 * (count - 1))
    return np.divide(scatter, variances, out=np.ones_like(variances), where=scatter > 0)


def _least_ratio(count: int) -> float:
    """What the ratio of independent batches falls below once in a hundred times, by its normal approximation."""
    return 1 - 2.33 * math.sqrt((count - 2) / (count**2 - 1))


def batch_errors(rates: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Standard errors (k,) of the mean of rates (intervals, k); nan where there are fewer than FEWEST_BATCHES."""
    count = batch_count(times)
    if count < FEWEST_BATCHES:
        return np.full(rates.shape[1], np.nan)
    return errors_of_mean(batch_means(rates, times, count))


def jackknife_error(means: np.ndarray, statistic: Callable[[np.ndarray], float]) -> float:
    """Standard error of statistic(mean of batch means (count, k)), by leaving out one batch at a time.

    nan where there are fewer than FEWEST_BATCHES, or where the statistic is not finite (Efron and Tibshirani 1993,
    chapter 11).
    """
    count = len(means)
    if count < FEWEST_BATCHES:
        return math.nan
    with np.errstate(invalid="ignore"):
        without = (means.sum(0) - means) / (count - 1)
    values = np.array([[statistic(rates)] for rates in without])
    return float(errors_of_mean((1 - count) * values)[0]) if np.isfinite(values).all() else math.nan


@dataclass(frozen=True)
class Settling:
    """Whether batch means (count, k) of a record are those of one that has settled.

    size: of the rates, against which changes are NEGLIGIBLE. Two signs say that it has not:

    - `drift`: the mean moves by more standard errors than chance allows when the start of the record is left out;
    - `trend`: the halves differ by more than their scatter from batch to batch allows, which a drift does not inflate,
      and the mean moves by at least LEAST_MOVE standard errors.
    """

    means: np.ndarray
    size: float

    @cached_property
    def _matters(self) -> np.ndarray:
        """Which exponents have an error or a change that is not negligible, (k,)."""
        change = np.abs(self.means[len(self.means) // 2 :].mean(0) - self.means.mean(0))
        return np.maximum(2 * independent_errors(self.means), change) > NEGLIGIBLE * self.size

    @cached_property
    def _moves(self) -> np.ndarray:
        """`moves_of` the exponents, 0 where it does not matter."""
        return np.where(self._matters, mean_shifts(self.means), 0.0)

    @property
    def drift(self) -> float:
        """The largest move of a mean, in its standard errors; differences that are negligible count as none."""
        return float(self._moves.max(initial=0.0))

    @cached_property
    def _change(self) -> np.ndarray:
        """Second half of the record minus the first, (k,)."""
        half = len(self.means) // 2
        return self.means[len(self.means) - half :].mean(0) - self.means[:half].mean(0)

    @cached_property
    def _trends(self) -> np.ndarray:
        """Differences between the halves in units of their errors (k,), 0 where they hardly move the mean."""
        scatter = np.square(np.diff(self.means, axis=0)).sum(0) / (2 * (len(self.means) - 1))  # hardly sees a drift
        errors = np.sqrt(2 * scatter / (len(self.means) // 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self._moves > LEAST_MOVE, np.abs(self._change) / errors, 0.0)

    @property
    def trend(self) -> float:
        """The largest difference between the halves in units of its error, where it moves the mean."""
        return float(self._trends.max(initial=0.0))

    @property
    def is_constant(self) -> bool:
        """Whether nothing varies enough to matter, so that even few batches tell."""
        return not self._matters.any()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What says that the record has not settled; nothing where it has."""
        exponents, freedom = max(1, self.means.shape[1]), len(self.means) - 1
        if self.drift > t_quantile(1 - FALSE_ALARMS / exponents, freedom):
            index = int(self._moves.argmax())
            moved = self._moves[index] * independent_errors(self.means)[index]
            text = f"{moved:.2g}, {self.drift:.1f} standard errors, when the start of the record is left out"
        elif self.trend > t_quantile(1 - FALSE_TRENDS / exponents, freedom):
            index = int(self._trends.argmax())
            moved = abs(self._change[index])
            text = f"{moved:.2g}, {self.trend:.1f} times its scatter, from the first half of the record to the second"
        else:
            return ()
        return (f"exponent {index + 1} moves by {text}",)
