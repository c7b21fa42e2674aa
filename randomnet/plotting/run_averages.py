"""The middle of several runs and the quantile_band around it, and how the legend names both."""

from collections.abc import Collection

import numpy as np

QUANTILES = (0.05, 0.95)
FEW = 20  # of fewer runs these quantiles lie beyond all but the smallest and the largest value
ARITHMETIC = "mean and standard deviation"


def geometric_mean(rows: np.ndarray) -> np.ndarray:
    """exp of the mean of the logarithms over runs, without nan; rows: (runs, k), positive or nan, no column all nan."""
    return np.exp(np.nanmean(np.log(rows), axis=0))


def quantile_band(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 5 and 95 % quantiles over runs, without nan, or the range of fewer than FEW runs; two arrays (k,).

    rows: (runs, k), no column all nan.
    """
    low, high = np.nanquantile(rows, QUANTILES if len(rows) >= FEW else (0.0, 1.0), axis=0)
    return low, high


def quantile_band_text(counts: Collection[int]) -> str:
    """What the quantile_band of `quantile_band` is, of sets of so many runs; empty where none has several."""
    several = [count for count in counts if count > 1]
    if not several:
        return ""
    if max(several) < FEW:
        return "range over runs"
    return "5 to 95 % of the runs" + (f" (range of fewer than {FEW})" if min(several) < FEW else "")


def averages_text(log: Collection[int], linear: Collection[int]) -> str:
    """What lines and bands are, on log axes with sets of so many runs and on linear ones; empty for single runs."""
    geometric = f"geometric mean and {quantile_band_text(log)}" if quantile_band_text(log) else ""
    arithmetic = f"{ARITHMETIC} over runs" if max(linear, default=0) > 1 else ""
    if geometric and arithmetic:
        return f"log axes: {geometric}; linear axes: {ARITHMETIC}"
    return geometric or arithmetic
