"""Kaplan-Yorke dimension and entropy rate. Exponents that are 0 within their errors count as 0."""

import math
from typing import NamedTuple

import numpy as np

from randomnet.lyapunov.batches import jackknife_error

ZERO_WITHIN = 2.0  # standard errors


def kaplan_yorke(exponents: np.ndarray, n: int) -> float:
    """Kaplan-Yorke dimension of descending exponents (k,) of an N-dimensional system, interpolated.

    It is 0 if the largest exponent is negative, and N if a full spectrum sums to >= 0. It is nan if a partial spectrum
    is too short to determine it; then nle must be larger.
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
    """Sum of the positive exponents, an upper bound of the entropy rate h_KS.

    If the last computed exponent is positive, positive exponents may be missing from the sum.
    """
    return float(exponents[~(exponents <= 0)].sum())  # this comparison includes nan in the sum


class Margins(NamedTuple):
    """Distances from 0 (k,) within which exponents count as 0: by their errors, or by rounding where that is larger."""

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
        """(k,): uncertainty of exponents that count as 0. Rounding adds none, as it says nothing about the system."""
        return np.where(self.errors > self.rounding, self.errors, 0.0)


def zero_margins(errors: np.ndarray, rounding: float) -> Margins:
    """Margins of ZERO_WITHIN standard errors (k,), where nan counts as 0, with `rounding` as the lower bound."""
    return Margins(ZERO_WITHIN * np.nan_to_num(errors, nan=0.0), rounding)


class Estimate(NamedTuple):
    """A value, its standard error, and its range given the errors of the exponents."""

    value: float
    error: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan, math.nan)


def dimension_of(exponents: np.ndarray, means: np.ndarray, margins: Margins, n: int) -> Estimate:
    """Kaplan-Yorke dimension of descending exponents (k,), with batch means (batches, k) and their `zero_margins`.

    The range is the value +- ZERO_WITHIN standard errors. If the largest exponent counts as 0, the ends of the range
    are the dimensions with all such exponents at the lower and at the upper end of their margins. There is no standard
    error then, because the dimension jumps from 0 to 1 within the margins.
    """
    zeros = margins.zeros(exponents)

    def dimension(rates: np.ndarray, at_zero: np.ndarray | float = 0.0) -> float:
        values = np.where(zeros, at_zero, np.where(np.isfinite(exponents), rates, exponents))
        return kaplan_yorke(np.sort(values)[::-1], n)

    value, error = dimension(exponents), jackknife_error(means, dimension)
    if not zeros[0]:
        least = 1.0 if value >= 1 else 0.0  # with a positive largest exponent the dimension is at least 1
        return Estimate(value, error, max(value - ZERO_WITHIN * error, least), min(value + ZERO_WITHIN * error, n))
    low, high = (dimension(exponents, side * margins.widths) for side in (-1, 1))
    return Estimate(value, error if low == high else math.nan, low, high)


def entropy_of(exponents: np.ndarray, means: np.ndarray, margins: Margins) -> Estimate:
    """Entropy rate: the sum of the positive exponents, without those that count as 0. Arguments as in `dimension_of`.

    The range is the value +- ZERO_WITHIN standard errors. Its upper end also adds the largest margin of an exponent
    that counts as 0. An entropy of 0 has no standard error if its range extends above 0.
    """
    above, zeros = margins.above(exponents), margins.zeros(exponents)
    value, error = float(exponents[above].sum()), jackknife_error(means, lambda rates: float(rates[above].sum()))
    low, high = value - ZERO_WITHIN * error, value + ZERO_WITHIN * error + margins.widths[zeros].max(initial=0.0)
    return Estimate(value, error if above.any() or low == high else math.nan, low, float(high))
