"""Batch means of a record: standard errors, error propagation, and tests whether the record is stationary.

The record is divided into BATCHES parts of equal length. Batch means are nearly independent if a batch is longer than
the correlation time of the growth rates. Their scatter gives the error of the mean (Geyer 1992, section 3.2).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from randomnet.student_t import quantile

BATCHES = 20  # largest number of batches for standard errors
SHORTEST_BATCH = 4.0  # shortest length of a batch, in units of time
FEWEST_BATCHES = 5  # with fewer batches there is no standard error
DROPPED_SHARES = (0.1, 0.25, 0.5)  # shares at the start of the record without which the mean is computed again
FALSE_ALARMS = 0.05  # probability that a stationary record is reported to drift, for all exponents together
FALSE_TRENDS = 0.03  # the same probability for the more sensitive comparison of the halves
LEAST_SHIFT = 1.8  # standard errors; a trend that shifts the mean by less leaves the error bar correct
NEGLIGIBLE = 0.002  # relative to the size of the rates; smaller changes do not affect results


def batch_count(times: np.ndarray) -> int:
    """Number of batches of a record whose intervals have these lengths (intervals,)."""
    return min(BATCHES, int(times.sum() / SHORTEST_BATCH + 1e-9), len(times))


def batch_means(rates: np.ndarray, times: np.ndarray, count: int) -> np.ndarray:
    """Means of rates (intervals, k) over `count` consecutive batches of intervals, (count, k)."""
    batches = np.array_split(np.arange(len(rates)), count)
    return np.array([np.average(rates[batch], axis=0, weights=times[batch]) for batch in batches])


def errors_of_mean(means: np.ndarray) -> np.ndarray:
    """Standard errors (k,) of the mean of batch means (count, k); nan for fewer than two batches.

    Significant correlation of neighbouring batches, as on a slowly modulated cycle, widens the errors as in an
    autoregressive process of first order. A drift of the mean does not widen them; `Settling` reports it separately.
    """
    if len(means) < 2:
        return np.full(means.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # a direction that vanishes at once has exponent -inf and error nan
        errors, ratio = independent_errors(means), neighbour_ratio(means)
        correlated = (ratio < _least_ratio(len(means))) & (mean_shifts(means) <= LEAST_SHIFT)
        return errors * np.where(correlated, np.sqrt((2 - ratio) / ratio), 1.0)


def independent_errors(means: np.ndarray) -> np.ndarray:
    """Standard errors (k,) of the mean of independent batch means (count, k)."""
    return means.std(axis=0, ddof=1) / math.sqrt(len(means))


def mean_shifts(means: np.ndarray) -> np.ndarray:
    """Largest shift of the mean (k,) when the start is dropped, in `independent_errors`; 0 where nothing varies."""
    mean, errors = means.mean(0), independent_errors(means)
    remaining_means = np.array([means[int(len(means) * share) :].mean(0) for share in DROPPED_SHARES])
    return np.divide(np.abs(remaining_means - mean).max(0), errors, out=np.zeros_like(errors), where=errors > 0)


def neighbour_ratio(means: np.ndarray) -> np.ndarray:
    """Von Neumann ratio (k,) of batch means (count, k): mean square difference of neighbours over twice the variance.

    It is about 1 for independent batches, 1 - r for neighbours with correlation r, and 1 where nothing varies. Source:
    von Neumann 1941.
    """
    count, variances = len(means), means.var(0, ddof=1)
    scatter = np.square(np.diff(means, axis=0)).sum(0) / (2 * (count - 1))
    return np.divide(scatter, variances, out=np.ones_like(variances), where=scatter > 0)


def _least_ratio(count: int) -> float:
    """The 1 % quantile of `neighbour_ratio` for independent batches, by its normal approximation."""
    return 1 - 2.33 * math.sqrt((count - 2) / (count**2 - 1))


def batch_errors(rates: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Standard errors (k,) of the mean of rates (intervals, k); nan where there are fewer than FEWEST_BATCHES."""
    count = batch_count(times)
    if count < FEWEST_BATCHES:
        return np.full(rates.shape[1], np.nan)
    return errors_of_mean(batch_means(rates, times, count))


def jackknife_error(means: np.ndarray, statistic: Callable[[np.ndarray], float]) -> float:
    """Jackknife standard error of `statistic` at the mean of batch means (count, k).

    nan for fewer than FEWEST_BATCHES batches, and where the statistic is not finite. Source: Efron and Tibshirani 1993,
    chapter 11.
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
    """A test whether a record is stationary, from its batch means (count, k).

    size: the size of the rates, relative to which changes can be NEGLIGIBLE. A record that is not stationary has one of
    two signs:

    - `drift`: when the start of the record is dropped, the mean shifts by more standard errors than chance allows;
    - `trend`: the halves differ by more than the scatter of neighbouring batches allows (a drift does not inflate that
      scatter), and the mean shifts by at least LEAST_SHIFT standard errors.
    """

    means: np.ndarray
    size: float

    @cached_property
    def _matters(self) -> np.ndarray:
        """(k,) bool: which exponents have an error or a change that is not negligible."""
        change = np.abs(self.means[len(self.means) // 2 :].mean(0) - self.means.mean(0))
        return np.maximum(2 * independent_errors(self.means), change) > NEGLIGIBLE * self.size

    @cached_property
    def _shifts(self) -> np.ndarray:
        """`mean_shifts` of the exponents (k,), 0 where negligible."""
        return np.where(self._matters, mean_shifts(self.means), 0.0)

    @property
    def drift(self) -> float:
        """The largest shift of a mean, in its standard errors; negligible shifts count as 0."""
        return float(self._shifts.max(initial=0.0))

    @cached_property
    def _change(self) -> np.ndarray:
        """(k,): mean of the second half of the record minus mean of the first half."""
        half = len(self.means) // 2
        return self.means[len(self.means) - half :].mean(0) - self.means[:half].mean(0)

    @cached_property
    def _trends(self) -> np.ndarray:
        """(k,): differences of the halves in units of their errors, 0 where they hardly shift the mean."""
        scatter = np.square(np.diff(self.means, axis=0)).sum(0) / (2 * (len(self.means) - 1))  # a drift adds little
        errors = np.sqrt(2 * scatter / (len(self.means) // 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self._shifts > LEAST_SHIFT, np.abs(self._change) / errors, 0.0)

    @property
    def trend(self) -> float:
        """The largest difference of the halves in units of its error, among those that shift the mean."""
        return float(self._trends.max(initial=0.0))

    @property
    def is_constant(self) -> bool:
        """Whether all variation is negligible, so that few batches are enough for a verdict."""
        return not self._matters.any()

    @property
    def doubts(self) -> tuple[str, ...]:
        """The reason why the record is not stationary; empty where it is."""
        exponents, freedom = max(1, self.means.shape[1]), len(self.means) - 1
        if self.drift > quantile(freedom, 1 - FALSE_ALARMS / exponents / 2):
            index = int(self._shifts.argmax())
            shift = self._shifts[index] * independent_errors(self.means)[index]
            text = f"{shift:.2g}, {self.drift:.1f} standard errors, when the start of the record is left out"
        elif self.trend > quantile(freedom, 1 - FALSE_TRENDS / exponents / 2):
            index = int(self._trends.argmax())
            shift = abs(self._change[index])
            text = f"{shift:.2g}, {self.trend:.1f} times its scatter, from the first half of the record to the second"
        else:
            return ()
        return (f"exponent {index + 1} moves by {text}",)
