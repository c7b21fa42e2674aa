"""What was found: exponents with their error bars, and all that a reader needs to judge them."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from randomnet.student import t_quantile

BATCHES = 20  # of which the standard errors are made, at most; fewer where they would be shorter than
SHORTEST_BATCH = 4.0  # units of time, and none where they would be fewer than
FEWEST_BATCHES = 5
FALSE_ALARMS = 0.002  # how often records that do not drift may be said to, all exponents together
NEGLIGIBLE = 0.01  # a drift of less than this share of the largest exponent's magnitude is none to speak of
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
    def _halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Second half of the record minus the first, and the standard error of that, (finite exponents,) each."""
        rates, half = self._rates[:, np.isfinite(self.exponents)], len(self.times) // 2
        if not half or not rates.shape[1]:
            return (np.full(rates.shape[1], np.nan),) * 2
        parts = [(rates[part], self.times[part]) for part in (slice(half), slice(half, None))]
        errors = [_errors(*part, _batches(self.times) // 2) for part in parts]
        return _mean(*parts[1]) - _mean(*parts[0]), np.hypot(*errors)

    @property
    def split_half_rms(self) -> float:
        """Root mean square over the finite exponents of the difference between the two halves of the record."""
        return float(np.sqrt(np.mean(np.square(self._halves[0])))) if len(self._halves[0]) else math.nan

    @cached_property
    def drift(self) -> float:
        """The largest difference between the two halves in units of its standard error; nan for a short record.

        Differences that are NEGLIGIBLE count as none.
        """
        change, errors = self._halves
        if not len(change) or np.isnan(errors).any():
            return math.nan
        small = np.abs(change) <= NEGLIGIBLE * np.abs(self.exponents[np.isfinite(self.exponents)]).max()
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.where(small, 0.0, np.abs(change) / errors).max())

    @property
    def drifts(self) -> bool:
        """Whether the halves differ by more than chance allows (Student's t, for as many exponents as there are)."""
        freedom = 2 * (_batches(self.times) // 2 - 1)
        return freedom > 0 and self.drift > t_quantile(1 - FALSE_ALARMS / max(1, len(self._halves[0])), freedom)

    @property
    def n_positive(self) -> float:
        """Exponents above zero by more than two standard errors; nan without error bars."""
        finite = np.isfinite(self.exponents)
        if self.diverged or np.isnan(self.stderr[finite]).any():
            return math.nan
        return int((self.exponents[finite] > 2 * self.stderr[finite]).sum())

    @property
    def dimension(self) -> float:
        """Kaplan-Yorke dimension, see `kaplan_yorke`."""
        return math.nan if self.diverged else kaplan_yorke(self.exponents, self.n)

    @property
    def entropy(self) -> float:
        """Entropy rate h_KS."""
        return math.nan if self.diverged else entropy(self.exponents)

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
        if self.drifts:
            found.append(f"the halves of the record differ by {self.drift:.1f} standard errors")
        if finite.all() and self.log10_condition > WORST_CONDITION:
            found.append(f"frame's condition before QR up to 1e{self.log10_condition:.0f}")
        return tuple(found)

    @property
    def wants_more(self) -> bool:
        """Whether a longer record may help: errors above the tolerance, or a drift."""
        above = np.isfinite(self.exponents) & ~(self.stderr <= (self.tolerance or math.inf))
        return not self.diverged and (bool(above.any()) or self.drifts)

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
    return _errors(rates, times, count if count >= FEWEST_BATCHES else 0)


def _errors(rates: np.ndarray, times: np.ndarray, count: int) -> np.ndarray:
    """Standard errors from `count` batches; nan for fewer than two."""
    if count < 2:
        return np.full(rates.shape[1], np.nan)
    batches = np.array_split(np.arange(len(rates)), count)
    means = np.array([np.average(rates[batch], axis=0, weights=times[batch]) for batch in batches])
    with np.errstate(invalid="ignore"):  # a direction that dies at once has exponent -inf and no error: nan
        return means.std(axis=0, ddof=1) / math.sqrt(count)
