"""Kaplan-Yorke dimension and entropy rate, with exponents that are 0 within their errors taken as 0."""

import math
from typing import NamedTuple

import numpy as np

from randomnet.lyapunov.batches import jackknife_error

ZERO_WITHIN = 2.0  # standard errors


def kaplan_yorke(exponents: np.ndarray, n: int) -> float:
    """Kaplan-Yorke dimension of descending exponents (k,) of an N-dimensional system, interpolated.

    0 where the largest is negative, N where all of a full spectrum sum to >= 0, nan where a partial spectrum is too
    short to tell (raise nle).
    """
    if np.isnan(exponents).any():
        return math.nan
    sums = np.cumsum(exponents)
    crossing = np.flatnonzero(sums < 0)
    if not len(crossing):
        return float(n) if len(exponents) == n else math.nan
    k = int(crossing[0])
    return 0.0 if k == 0 else k + sums[k - 1] / abs(exponents[k])


def entropy(exponents: np.ndarray) -> float:
    """Entropy rate h_KS: the sum of the positive exponents (an upper bound; a lower one if the last is positive)."""
    return float(exponents[~(exponents <= 0)].sum())  # nan stays nan


class Margins(NamedTuple):
    """How far exponents may lie from 0 and count as 0, (k,): by their errors, or by rounding where that is more."""

    errors: np.ndarray
    rounding: float

    def zeros(self, exponents: np.ndarray) -> np.ndarray:
        """Which exponents (k,) count as 0."""
        return np.abs(exponents) <= np.maximum(self.errors, self.rounding)

    def above(self, exponents: np.ndarray) -> np.ndarray:
        """Which exponents (k,) are above 0."""
        return ~self.zeros(exponents) & ~(exponents <= 0)

    @property
    def widths(self) -> np.ndarray:
        """How far an exponent that counts as 0 may be from it, (k,); rounding is no doubt about the system."""
        return np.where(self.errors > self.rounding, self.errors, 0.0)


def zero_margins(errors: np.ndarray, rounding: float) -> Margins:
    """ZERO_WITHIN standard errors (k,), which may be nan, and a floor for them."""
    return Margins(ZERO_WITHIN * np.nan_to_num(errors, nan=0.0), rounding)


class Estimate(NamedTuple):
    """A value, its standard error, and the range that the errors of the exponents allow."""

    value: float
    error: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan, math.nan)


def dimension_of(exponents: np.ndarray, means: np.ndarray, margins: Margins, n: int) -> Estimate:
    """Kaplan-Yorke dimension of descending exponents (k,) with batch means (batches, k) and `margins_of` zeros (k,).

    The range is ZERO_WITHIN standard errors to each side. Where the largest exponent is 0 within its error, the range
    reaches from the dimension with all such exponents at the lower end of their margins to that at the upper end; there
    is no standard error then, as the dimension jumps from 0 to 1 within it.
    """
    zeros = margins.zeros(exponents)

    def dimension(rates: np.ndarray, at_zero: np.ndarray | float = 0.0) -> float:
        settled = np.where(zeros, at_zero, np.where(np.isfinite(exponents), rates, exponents))
        return kaplan_yorke(np.sort(settled)[::-1], n)

    value, error = dimension(exponents), jackknife_error(means, dimension)
    if not zeros[0]:
        least = 1.0 if value >= 1 else 0.0  # a largest exponent above 0 makes at least a line
        return Estimate(value, error, max(value - ZERO_WITHIN * error, least), min(value + ZERO_WITHIN * error, n))
    low, high = (dimension(exponents, side * margins.widths) for side in (-1, 1))
    return Estimate(value, error if low == high else math.nan, low, high)


def entropy_of(exponents: np.ndarray, means: np.ndarray, margins: Margins) -> Estimate:
    """Entropy rate of the same: the sum of the exponents above 0; those that are 0 within their margins add nothing.

    The range is ZERO_WITHIN standard errors to each side; at its upper end one of those that are 0 is as large as can
    be. An entropy of 0 that may be above it has no standard error.
    """
    above, zeros = margins.above(exponents), margins.zeros(exponents)
    value, error = float(exponents[above].sum()), jackknife_error(means, lambda rates: float(rates[above].sum()))
    low, high = value - ZERO_WITHIN * error, value + ZERO_WITHIN * error + margins.widths[zeros].max(initial=0.0)
    return Estimate(value, error if above.any() or low == high else math.nan, low, float(high))
