"""Whether a state stays bounded: a chaotic one does, one that grows exponentially over the whole record does not.

A network without saturation (relu, softplus, linear) can grow for ever. Its largest exponent is then the growth rate of
the state itself, and there is no attractor that could have a dimension or an entropy.
"""

import math
from collections.abc import Callable

import numpy as np

LARGEST = 1e300  # of a state's entries; beyond it a step may leave the range of numbers
TELLING = 12.0  # growth by e^12 that the exponent foretells is telling: attractors are not so much larger than a state
SLACK = 3.0  # by how much ln |state| may fluctuate on an attractor
LONGEST = 20.0  # times the record, for which the state is followed where the record does not tell


def usable(log_norms: np.ndarray) -> int:
    """How many intervals of a record have states within LARGEST; log_norms (1 + intervals,): ln of max |state|."""
    beyond = np.flatnonzero(~(log_norms < math.log(LARGEST)))
    return len(log_norms) - 1 if not len(beyond) else max(0, int(beyond[0]) - 1)


def grows_without_bound(
    log_norms: np.ndarray, times: np.ndarray, exponent: float, error: float, log_norm_after: Callable[[float], float]
) -> bool:
    """Whether a state grows at the rate of its largest exponent, from the start to the middle and to the end.

    log_norms: ln of max |state| at the start of the record and after each of its intervals, whose lengths are times
    (intervals,); exponent: the largest, with its standard error. log_norm_after(time): the same of the state so much
    time after the record, which is asked where the record is too short to tell.
    """
    if not len(times) or not exponent > 2 * np.nan_to_num(error) or not np.isfinite(log_norms).all():
        return False
    first, middle, last = log_norms[0], log_norms[len(log_norms) // 2], log_norms[-1]
    foretold, grown = exponent * float(times.sum()), last - first
    if foretold >= TELLING:
        return min(middle - first, last - middle) >= foretold / 4
    if grown < foretold / 2 - SLACK:
        return False
    more = min(TELLING / exponent, LONGEST * float(times.sum()))
    after = log_norm_after(more) - last  # inf where it left the range of numbers meanwhile
    return bool(after >= exponent * more / 2 and grown + after >= SLACK)
