"""Tests whether a state stays bounded, as on a chaotic attractor, or grows exponentially over the whole record.

A network without saturation (relu, softplus, linear) can grow without bound. Its largest exponent is then the growth
rate of the state itself, and without an attractor there is no dimension or entropy.
"""

import math
from collections.abc import Callable

import numpy as np

LARGEST = 1e300  # largest magnitude of a state; a step from a larger one may overflow
DECISIVE = 12.0  # log growth that decides the test, because no attractor extends over a factor of e^12
SLACK = 3.0  # fluctuations of ln |state| on an attractor
LONGEST = 20.0  # longest continuation after an inconclusive record, in units of the record's length


def usable(log_norms: np.ndarray) -> int:
    """Number of intervals before a state exceeds LARGEST; log_norms: (1 + intervals,), ln max |state|."""
    too_large = np.flatnonzero(~(log_norms < math.log(LARGEST)))
    return len(log_norms) - 1 if not len(too_large) else max(0, int(too_large[0]) - 1)


def grows_without_bound(
    log_norms: np.ndarray, times: np.ndarray, exponent: float, error: float, log_norm_after: Callable[[float], float]
) -> bool:
    """Whether a state grows at the rate of its largest exponent, in both halves of the record.

    log_norms: (1 + intervals,), ln max |state| at the start of the record and after each interval. times: (intervals,),
    lengths of the intervals. exponent, error: the largest exponent and its standard error. log_norm_after(time): ln max
    |state| this long after the record, which is called where the record is too short for a decision.
    """
    if not len(times) or not exponent > 2 * np.nan_to_num(error) or not np.isfinite(log_norms).all():
        return False
    first, middle, last = log_norms[0], log_norms[len(log_norms) // 2], log_norms[-1]
    predicted, observed = exponent * float(times.sum()), last - first
    if predicted >= DECISIVE:
        return min(middle - first, last - middle) >= predicted / 4
    if observed < predicted / 2 - SLACK:
        return False
    more = min(DECISIVE / exponent, LONGEST * float(times.sum()))
    later = log_norm_after(more) - last  # inf after an overflow
    return bool(later >= exponent * more / 2 and observed + later >= SLACK)
