"""The result of a computation: exponents with error bars, diagnostics and a verdict."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from randomnet.display import Displayed
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

if TYPE_CHECKING:
    import pandas as pd

WORST_CONDITION = 12.0  # log10 of the frame's condition number before QR; float64 has 16 digits
ILL_CONDITION = 8.0  # log10 of the condition number from which a QR counts as ill-conditioned
ROUNDING = 1e-12  # rounding error of ln |R_ii| at one QR
CONVERGED, UNCONVERGED, TOO_SHORT = "converged", "not converged", "too short to tell"
UNBOUNDED, DIVERGED = "unbounded", "diverged"


@dataclass(frozen=True, repr=False)
class Spectrum(Displayed):
    """Leading Lyapunov exponents in descending order, with error bars, diagnostics and a verdict.

    growth: (intervals, k), ln |R_ii| of every interval of the record, in the order of the frame. times: (intervals,),
    lengths of the intervals. state: (N,), the last state of the record. conditions: (samples,), log10 of the frame's
    condition number (1-norm) before some of the QRs. steepest: log10 of the largest ratio on R's diagonal at any QR,
    which is a lower bound of the condition number. sum_rule_residual: the sum of the exponents minus the mean ln |det|
    of the Jacobians, per unit of time, over some intervals; nan for a partial spectrum.

    tolerance: the target for standard errors, or None. unbounded: whether the state grows exponentially over the whole
    record (`boundedness`); the largest exponent is then its growth rate. rounding: rounding error of ln |R_ii| at one
    QR, which is larger for a system whose numbers come from a coarser precision than float64.

    Exponents and errors are per unit of time. The errors are those of one trajectory: another initial state may reach
    another attractor.
    """

    drawing: ClassVar[str] = "spectrum"

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
        """(intervals, k): growth per unit of time of every interval, with columns in the order of the exponents."""
        rates = self.growth / self.times[:, None]
        weights = self.times / self.times.sum()
        return rates[:, np.argsort(-(rates * weights[:, None]).sum(0), kind="stable")]

    @cached_property
    def exponents(self) -> np.ndarray:
        """(k,) float64: the exponents, descending."""
        return _mean(self._rates, self.times)

    @cached_property
    def stderr(self) -> np.ndarray:
        """(k,): standard errors from batch means; nan where the record is too short."""
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
        """Length of the batches used for the standard errors; nan where there are too few."""
        count = batch_count(self.times)
        return self.tsim / count if count >= FEWEST_BATCHES else math.nan

    @property
    def log10_condition(self) -> float:
        """log10 of the largest known condition number of the frame before a QR."""
        return float(max(self.steepest, self.conditions.max(initial=-math.inf)))

    @property
    def log10_condition_median(self) -> float:
        """Median log10 condition number of the frame before a QR."""
        return float(np.median(self.conditions)) if len(self.conditions) else math.nan

    @property
    def ill_conditioned(self) -> float:
        """Share of the sampled QRs with a condition number above 1e8."""
        return float((self.conditions > ILL_CONDITION).mean()) if len(self.conditions) else math.nan

    @property
    def split_half_rms(self) -> float:
        """Root mean square difference of the two halves of the record, over the finite exponents."""
        rates, half = self._rates[:, np.isfinite(self.exponents)], len(self.times) // 2
        if not half or not rates.shape[1]:
            return math.nan
        first, second = (_mean(rates[part], self.times[part]) for part in (slice(half), slice(half, None)))
        return float(np.sqrt(np.mean(np.square(second - first))))

    @cached_property
    def _means(self) -> np.ndarray:
        """(batches, k): batch means in the order of the exponents."""
        return batch_means(self._rates, self.times, max(1, batch_count(self.times)))

    @cached_property
    def settling(self) -> Settling:
        """The test whether the record is stationary, for the finite exponents."""
        finite = np.isfinite(self.exponents)
        rates = self._rates[:, finite]
        squares = _mean(np.square(rates), self.times)
        return Settling(self._means[:, finite], max(float(np.sqrt(squares.max(initial=0.0))), ROUNDING / self.interval))

    @property
    def drift(self) -> float:
        """Largest shift of an exponent, in standard errors, when the start of the record is dropped, or nan."""
        return math.nan if self.too_short else self.settling.drift

    @property
    def too_short(self) -> bool:
        """Whether there are too few batches to test for stationarity, unless the rates are constant."""
        count = batch_count(self.times)
        return count < FEWEST_BATCHES or (count < BATCHES and not self.settling.is_constant)

    @cached_property
    def _margins(self) -> Margins:
        """Distances from 0 within which exponents count as 0."""
        return zero_margins(self.stderr, self.rounding / self.interval)

    @property
    def largest_is_zero(self) -> bool:
        """Whether the largest exponent is 0 within two standard errors."""
        return bool(self._margins.zeros(self.exponents)[0])

    @property
    def _undefined(self) -> bool:
        """Whether there is no attractor, and so no dimension or entropy."""
        return self.diverged or self.unbounded

    def _count(self, mask: np.ndarray) -> float:
        """Number of exponents in the mask (k,); nan without error bars."""
        if self._undefined or np.isnan(self.stderr[np.isfinite(self.exponents)]).any():
            return math.nan
        return int(mask.sum())

    @property
    def n_positive(self) -> float:
        """Number of exponents above 0 by more than two standard errors; nan without error bars."""
        return self._count(self._margins.above(self.exponents))

    @property
    def n_zero(self) -> float:
        """Number of exponents that are 0 within two standard errors; nan without error bars."""
        return self._count(self._margins.zeros(self.exponents))

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
        """Whether the entropy is a lower bound, because exponents that were not computed may be positive too."""
        return len(self.exponents) < self.n and bool(self._margins.above(self.exponents)[-1])

    @property
    def diverged(self) -> bool:
        """Whether state or frame overflowed, so that the exponents are meaningless."""
        overflowed = not np.isfinite(self.state).all() or bool(np.isnan(self.exponents).any())
        return overflowed and not self.unbounded

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Reasons why the spectrum has not converged; empty where it has."""
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
        """Whether a longer record may help: errors are too large, or the record is too short or not stationary."""
        above = np.isfinite(self.exponents) & ~(self.stderr <= (self.tolerance or math.inf))
        return not self._undefined and (bool(above.any()) or self.too_short or bool(self.settling.doubts))

    @property
    def converged(self) -> bool:
        """Whether the verdict is `converged`."""
        return self.verdict == CONVERGED

    @property
    def verdict(self) -> str:
        """`converged`, `not converged`, `too short to tell`, `unbounded` or `diverged`.

        Converged means that error bars exist, no exponent drifts, the frame was well-conditioned, and the standard
        errors are within the tolerance.
        """
        if self._undefined:
            return UNBOUNDED if self.unbounded else DIVERGED
        if not self.doubts:
            return CONVERGED
        return TOO_SHORT if self.too_short and len(self.doubts) == 1 else UNCONVERGED


    def summary(self) -> str:
        """The largest exponent, dimension, entropy and verdict in one line."""
        count = f"{len(self.exponents)} of {self.n} exponents"
        if self.diverged:
            return f"{count}; {self.verdict}"
        error = "" if math.isnan(self.stderr[0]) else f" ± {self.stderr[0]:.2g}"
        figures = [("D_KY", self.dimension.value), ("h_KS", self.entropy.value)]
        known = [f"{name} = {value:.3g}" for name, value in figures if math.isfinite(value)]
        return "; ".join([count, f"lambda_max = {self.exponents[0]:.4g}{error}", *known, self.verdict])

    def frame(self) -> "pd.DataFrame":
        """One row per exponent: index (from 1), exponent, stderr, as in spectra.csv."""
        import pandas as pd  # slow to load, and spectra are computed without it

        index = np.arange(1, len(self.exponents) + 1)
        return pd.DataFrame({"index": index, "exponent": self.exponents, "stderr": self.stderr})


def running_estimates(spectrum: Spectrum, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates during the record: times (T,), exponents (T, k) in their final order, and standard errors (T, k).

    points: the largest number of times T, which are evenly spaced over the record.
    """
    count = len(spectrum.times)
    ends = np.unique(np.linspace(1, count, min(points, count)).round().astype(int))
    rates, elapsed = spectrum._rates, np.cumsum(spectrum.times)
    with np.errstate(invalid="ignore"):
        means = np.cumsum(rates * spectrum.times[:, None], 0)[ends - 1] / elapsed[ends - 1, None]
    errors = np.array([batch_errors(rates[:end], spectrum.times[:end]) for end in ends])
    return elapsed[ends - 1], means, errors


def _mean(rates: np.ndarray, times: np.ndarray) -> np.ndarray:
    return (rates * (times / times.sum())[:, None]).sum(0)
