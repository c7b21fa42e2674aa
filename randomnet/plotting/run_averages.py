"""Averages of several runs with a band around them, and how the legend names both."""

from collections.abc import Collection

import numpy as np

QUANTILES = (0.05, 0.95)
RANGE_BELOW = 20  # with fewer runs, these quantiles would lie beyond all but the extreme values
ARITHMETIC = "mean and standard deviation"


def geometric_mean(rows: np.ndarray) -> np.ndarray:
    """exp of the mean logarithm over runs, ignoring nan: (k,). rows: (runs, k) > 0 or nan, no column all nan."""
    return np.exp(np.nanmean(np.log(rows), axis=0))


def quantile_band(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 5 and 95 % quantiles over runs, ignoring nan; the range if there are fewer than RANGE_BELOW runs.

    rows: (runs, k), no column all nan. Returns two arrays (k,).
    """
    low, high = np.nanquantile(rows, QUANTILES if len(rows) >= RANGE_BELOW else (0.0, 1.0), axis=0)
    return low, high


def quantile_band_text(counts: Collection[int]) -> str:
    """What `quantile_band` shows for sets of these numbers of runs; empty if no set has several runs."""
    several = [count for count in counts if count > 1]
    if not several:
        return ""
    if max(several) < RANGE_BELOW:
        return "range over runs"
    return "5 to 95 % of the runs" + (f" (range of fewer than {RANGE_BELOW})" if min(several) < RANGE_BELOW else "")


def averages_text(log: Collection[int], linear: Collection[int]) -> str:
    """What lines and bands show, given the numbers of runs on log and on linear axes; empty for single runs."""
    geometric = f"geometric mean and {quantile_band_text(log)}" if quantile_band_text(log) else ""
    arithmetic = f"{ARITHMETIC} over runs" if max(linear, default=0) > 1 else ""
    if geometric and arithmetic:
        return f"log axes: {geometric}; linear axes: {ARITHMETIC}"
    return geometric or arithmetic
