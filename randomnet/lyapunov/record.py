"""What was found: exponents with their error bars, and all that a reader needs to judge them."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from randomnet.lyapunov.batches import (
    BATCHES,
    FEWEST_BATCHES,
    SHORTEST_BATCH,
    Settling,
    batch_count,
    batch_errors,
    batch_means,
)
from randomnet.lyapunov.invariants import UNKNOWN, Estimate, Margins, dimension_of, entropy_of, zero_margins

WORST_CONDITION = 12.0  # log10 of a frame's condition before QR, of the 16 digits of float64
ILL_CONDITION = 8.0
ROUNDING = 1e-12  # of ln |R_ii| at one QR
CONVERGED, UNCONVERGED, TOO_SHORT = "converged", "not converged", "too short to tell"
UNBOUNDED, DIVERGED = "unbounded", "diverged"


@dataclass(frozen=True)
class Spectrum:
    """Leading exponents, sorted descending, with what a reader needs to judge them (numeric_checks section 5).

    growth: ln |R_ii| of every interval of the record (intervals, k), in the frame's order; times: lengths of these
    intervals (intervals,). conditions: log10 of the frame's condition (1-norm) before some of the QRs (samples,).
    steepest: log10 of the largest ratio in R's diagonal at any QR, a lower bound of the condition. sum_rule_residual:
    sum of the exponents minus the mean of ln |det| of the steps' Jacobians, per unit of time, over some intervals of
    the record; nan for a partial spectrum. state: (N,), where the record ends. tolerance: what the standard errors
    were to reach, or None. unbounded: whether the state grows exponentially over the whole record (`boundedness`); the
    largest exponent is then its growth rate. rounding: of ln |R_ii| at one QR, which is no doubt about the system; more
    for a system whose numbers come from a coarser precision than float64.

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
    unbounded: bool = False
    rounding: float = ROUNDING

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
        count = batch_count(self.times)
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

    @property
    def split_half_rms(self) -> float:
        """Root mean square over the finite exponents of the difference between the two halves of the record."""
        rates, half = self._rates[:, np.isfinite(self.exponents)], len(self.times) // 2
        if not half or not rates.shape[1]:
            return math.nan
        first, second = (_mean(rates[part], self.times[part]) for part in (slice(half), slice(half, None)))
        return float(np.sqrt(np.mean(np.square(second - first))))

    @cached_property
    def _means(self) -> np.ndarray:
        """Batch means (batches, k), in the order of the exponents."""
        return batch_means(self._rates, self.times, max(1, batch_count(self.times)))

    @cached_property
    def settling(self) -> Settling:
        """Whether the finite exponents have settled, with the signs that they have not."""
        finite = np.isfinite(self.exponents)
        rates = self._rates[:, finite]
        squares = _mean(np.square(rates), self.times)
        return Settling(self._means[:, finite], max(float(np.sqrt(squares.max(initial=0.0))), ROUNDING / self.interval))

    @property
    def drift(self) -> float:
        """How far an exponent moves, in standard errors, when the start of the record is left out; nan if too short."""
        return math.nan if self.too_short else self.settling.drift

    @property
    def too_short(self) -> bool:
        """Whether there are too few batches to tell whether the record has settled, and its rates vary."""
        count = batch_count(self.times)
        return count < FEWEST_BATCHES or (count < BATCHES and not self.settling.is_constant)

    @cached_property
    def _margins(self) -> Margins:
        """How far exponents may lie from 0 and count as 0."""
        return zero_margins(self.stderr, self.rounding / self.interval)

    @property
    def largest_is_zero(self) -> bool:
        """Whether the largest exponent is 0 within two standard errors."""
        return bool(self._margins.zeros(self.exponents)[0])

    @property
    def _undefined(self) -> bool:
        """Whether there is no attractor that could have a dimension."""
        return self.diverged or self.unbounded

    def _signs(self, which: np.ndarray) -> float:
        """How many of the exponents these are; nan without error bars."""
        if self._undefined or np.isnan(self.stderr[np.isfinite(self.exponents)]).any():
            return math.nan
        return int(which.sum())

    @property
    def n_positive(self) -> float:
        """Exponents above zero by more than two standard errors; nan without error bars."""
        return self._signs(self._margins.above(self.exponents))

    @property
    def n_zero(self) -> float:
        """Exponents that are 0 within two standard errors; nan without error bars."""
        return self._signs(self._margins.zeros(self.exponents))

    @cached_property
    def dimension(self) -> Estimate:
        """Kaplan-Yorke dimension with its error and range, see `invariants.dimension_of`; nan where undefined."""
        if self._undefined:
            return UNKNOWN
        return dimension_of(self.exponents, self._means, self._margins, self.n)

    @cached_property
    def entropy(self) -> Estimate:
        """Entropy rate h_KS with its error and range, see `invariants.entropy_of`; nan where undefined."""
        return UNKNOWN if self._undefined else entropy_of(self.exponents, self._means, self._margins)

    @property
    def entropy_is_lower_bound(self) -> bool:
        """Whether exponents that were not computed may be positive too."""
        return len(self.exponents) < self.n and bool(self._margins.above(self.exponents)[-1])

    @property
    def diverged(self) -> bool:
        """Whether the state or the frame left the range of numbers, so that the exponents mean nothing."""
        lost = not np.isfinite(self.state).all() or bool(np.isnan(self.exponents).any())
        return lost and not self.unbounded

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Why the spectrum has not converged; none where it has."""
        if self.diverged:
            return ("the state or the frame is not finite any more",)
        if self.unbounded:
            return (f"the state grows without bound, at a rate of {self.exponents[0]:.3g}; there is no attractor",)
        reasons, finite = [], np.isfinite(self.exponents)
        largest = float(np.nan_to_num(self.stderr[finite], nan=math.inf).max(initial=0.0))
        if math.isinf(largest):
            reasons.append(f"tsim = {self.tsim:g} is too short for error bars")
        elif self.tolerance is not None and largest > self.tolerance:
            reasons.append(f"standard errors up to {largest:.2g} above the tolerance of {self.tolerance:g}")
        if self.too_short and not math.isinf(largest):
            reasons.append(self._too_short_for_a_verdict)
        elif not self.too_short:
            reasons += self.settling.doubts
        if finite.all() and self.log10_condition > WORST_CONDITION:
            reasons.append(f"frame's condition before QR up to 1e{self.log10_condition:.0f}")
        return tuple(reasons)

    @property
    def _too_short_for_a_verdict(self) -> str:
        needed = BATCHES * max(SHORTEST_BATCH, self.interval)
        return f"tsim = {self.tsim:g} is too short to tell whether exponents have settled, which takes {needed:g}"

    @property
    def needs_longer_record(self) -> bool:
        """Whether a longer record may help: errors above the tolerance, too short a record, or one not settled."""
        above = np.isfinite(self.exponents) & ~(self.stderr <= (self.tolerance or math.inf))
        return not self._undefined and (bool(above.any()) or self.too_short or bool(self.settling.doubts))

    @property
    def converged(self) -> bool:
        """Whether a longer record would change nothing: see `verdict`."""
        return self.verdict == CONVERGED

    @property
    def verdict(self) -> str:
        """`converged`, `not converged`, `too short to tell`, `unbounded` or `diverged`.

        Converged: error bars exist, nothing drifts, the frame was well-conditioned and the tolerance was reached.
        """
        if self._undefined:
            return UNBOUNDED if self.unbounded else DIVERGED
        if not self.doubts:
            return CONVERGED
        return TOO_SHORT if self.too_short and len(self.doubts) == 1 else UNCONVERGED


def running_estimates(found: Spectrum, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates as the record grew: times (T,), exponents (T, k) in their final order, standard errors (T, k).

    points: at most so many times, evenly spaced over the record.
    """
    ends = np.unique(np.linspace(1, len(found.times), min(points, len(found.times))).round().astype(int))
    rates, total = found._rates, np.cumsum(found.times)
    with np.errstate(invalid="ignore"):
        means = np.cumsum(rates * found.times[:, None], 0)[ends - 1] / total[ends - 1, None]
    errors = np.array([batch_errors(rates[:end], found.times[:end]) for end in ends])
    return total[ends - 1], means, errors


def _mean(rates: np.ndarray, times: np.ndarray) -> np.ndarray:
    return (rates * (times / times.sum())[:, None]).sum(0)
