"""What was found: exponents with their error bars, and all that a reader needs to judge them."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

BATCHES = 20  # of which the standard errors are made, at most; fewer where they would be shorter than
SHORTEST_BATCH = 4.0  # units of time, and none where they would be fewer than
FEWEST_BATCHES = 5
MOST_DRIFT = 3.0  # standard errors between the halves of a record, rms over exponents
WORST_CONDITION = 12.0  # log10 of a frame's condition before QR, of the 16 digits of float64
ILL_CONDITION = 8.0


@dataclass(frozen=True)
class Spectrum:
    """Leading exponents, sorted descending, with what a reader needs to judge them (numeric_checks section 5).

    growth: ln |R_ii| of every interval of the record (intervals, k), in the frame's order; times: lengths of these
    intervals (intervals,). conditions: log10 of the frame's condition (1-norm) before some of the QRs (samples,).
    steepest: log10 of the largest ratio in R's diagonal at any QR, a lower bound of the condition. sum_rule_residual:
    sum of the exponents minus the mean of ln |det| of the steps' Jacobians, per unit of time, over some intervals of
    the record; nan for a partial spectrum. state: (N,), where the record ends. tolerance: what the standard errors
    were to reach, or None.

    Exponents and errors per unit of time. The errors are those of one trajectory: another start may end elsewhere.
    """

    growth: np.ndarray
    times: np.ndarray
    state: np.ndarray
    conditions: np.ndarray
    steepest: float
    sum_rule_residual: float
    transient: float
    frame_transient: float
    tolerance: float | None = None

    @cached_property
    def _rates(self) -> np.ndarray:
        """Growth per unit of time of every interval (intervals, k), columns in the order of the exponents."""
        rates = self.growth / self.times[:, None]
        weights = self.times / self.times.sum()
        return rates[:, np.argsort(-(rates * weights[:, None]).sum(0), kind="stable")]

    @cached_property
    def exponents(self) -> np.ndarray:
        """(k,) float64, descending."""
        return _mean(self._rates, self.times)

    @cached_property
    def stderr(self) -> np.ndarray:
        """(k,), by batch means; nan where the record is too short."""
        return batch_errors(self._rates, self.times)

    @property
    def n(self) -> int:
        """N, the dimension of the system."""
        return len(self.state)

    @property
    def tsim(self) -> float:
        """Length of the record."""
        return float(self.times.sum())

    @property
    def interval(self) -> float:
        """Time between QRs."""
        return float(self.times[0])

    @property
    def block(self) -> float:
        """Length of the batches whose means give the standard errors; nan where there are too few."""
        count = _batches(self.times)
        return self.tsim / count if count >= FEWEST_BATCHES else math.nan

    @property
    def log10_condition(self) -> float:
        """Of the frame before QR, the largest that was found."""
        return float(max(self.steepest, self.conditions.max(initial=-math.inf)))

    @property
    def log10_condition_median(self) -> float:
        """Of the frame before QR."""
        return float(np.median(self.conditions)) if len(self.conditions) else math.nan

    @property
    def ill_conditioned(self) -> float:
        """Share of the sampled QRs whose frame had a condition above 1e8."""
        return float((self.conditions > ILL_CONDITION).mean()) if len(self.conditions) else math.nan

    @cached_property
    def _change(self) -> np.ndarray:
        """Second half of the record minus the first, (k,)."""
        half = len(self.times) // 2
        if not half:
            return np.full(self.growth.shape[1], np.nan)
        with np.errstate(invalid="ignore"):
            first, second = (_mean(self._rates[part], self.times[part]) for part in (slice(half), slice(half, None)))
            return second - first

    @property
    def split_half_rms(self) -> float:
        """Root mean square over exponents of the difference between the two halves of the record."""
        return float(np.sqrt(np.mean(np.square(self._change))))

    @property
    def drift(self) -> float:
        """The same in units of the standard error of such a difference; about 1 where nothing drifts."""
        moved = self._change != 0
        if not moved.any():
            return 0.0
        with np.errstate(divide="ignore"):  # the difference of two halves has twice the error of the whole
            return float(np.sqrt(np.mean(np.square(self._change[moved] / (2 * self.stderr[moved])))))

    @property
    def n_positive(self) -> int:
        """Exponents above zero by more than two standard errors."""
        return int((self.exponents > 2 * np.nan_to_num(self.stderr)).sum())

    @property
    def dimension(self) -> float:
        """Kaplan-Yorke dimension, see `kaplan_yorke`."""
        return kaplan_yorke(self.exponents, self.n)

    @property
    def entropy(self) -> float:
        """Entropy rate h_KS."""
        return entropy(self.exponents)

    @property
    def entropy_is_lower_bound(self) -> bool:
        """Whether exponents that were not computed may be positive too."""
        return len(self.exponents) < self.n and bool(self.exponents[-1] > 0)

    @property
    def diverged(self) -> bool:
        """Whether the state or the frame left the range of numbers, so that the exponents mean nothing."""
        return not np.isfinite(self.state).all() or bool(np.isnan(self.exponents).any())

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Why the spectrum has not converged; none where it has."""
        if self.diverged:
            return ("the state or the frame is not finite any more",)
        found, finite = [], np.isfinite(self.exponents)
        largest = float(np.nan_to_num(self.stderr[finite], nan=math.inf).max(initial=0.0))
        if math.isinf(largest):
            found.append(f"tsim = {self.tsim:g} is too short for error bars")
        elif self.tolerance is not None and largest > self.tolerance:
            found.append(f"standard errors up to {largest:.2g} above the tolerance of {self.tolerance:g}")
        if self.drift > MOST_DRIFT and not math.isinf(largest):
            found.append(f"the halves of the record differ by {self.drift:.1f} standard errors")
        if self.log10_condition > WORST_CONDITION and finite.all():
            found.append(f"frame's condition before QR up to 1e{self.log10_condition:.0f}")
        return tuple(found)

    @property
    def converged(self) -> bool:
        """Whether error bars exist, nothing drifts, the frame was well-conditioned and the tolerance was reached."""
        return not self.doubts


def running(found: Spectrum, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates as the record grew: times (T,), exponents (T, k) in their final order, standard errors (T, k).

    points: at most so many times, evenly spaced over the record.
    """
    ends = np.unique(np.linspace(1, len(found.times), min(points, len(found.times))).round().astype(int))
    rates, total = found._rates, np.cumsum(found.times)
    with np.errstate(invalid="ignore"):
        means = np.cumsum(rates * found.times[:, None], 0)[ends - 1] / total[ends - 1, None]
    errors = np.array([batch_errors(rates[:end], found.times[:end]) for end in ends])
    return total[ends - 1], means, errors


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


def _mean(rates: np.ndarray, times: np.ndarray) -> np.ndarray:
    return (rates * (times / times.sum())[:, None]).sum(0)


def _batches(times: np.ndarray) -> int:
    return min(BATCHES, int(times.sum() / SHORTEST_BATCH + 1e-9), len(times))


def batch_errors(rates: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Standard errors of the mean of rates (intervals, k), by batch means; nan where there are too few batches."""
    count = _batches(times)
    if count < FEWEST_BATCHES:
        return np.full(rates.shape[1], np.nan)
    batches = np.array_split(np.arange(len(rates)), count)
    means = np.array([np.average(rates[batch], axis=0, weights=times[batch]) for batch in batches])
    with np.errstate(invalid="ignore"):  # a direction that dies at once has exponent -inf and no error: nan
        return means.std(axis=0, ddof=1) / math.sqrt(count)
