"""p values, their smallest possible values, and corrections for many tests.

sign_flip_p             for pairs: the mean difference is zero
rank_p                  for one network and draws: the network is one further draw
percentile              of a value among draws
smallest_sign_flip_p    smallest p that n pairs allow; smallest_rank_p: that n draws allow
pairs_for_power         number of pairs that would detect an effect of the observed size
holm, benjamini_hochberg    adjusted p values

scipy.stats has similar functions, but its import takes 0.8 s.
"""

import itertools
import math

import numpy as np

from randomnet.comparison.intervals import require_two_values

ALPHA = 0.05
FLIPS = 20_000
EXACT_UP_TO = 12
SEED = 20_240_229  # fixed, so that equal runs give equal tables, byte for byte
CHUNK = 1_000_000  # numbers drawn at once, to bound the memory for many pairs
Z_ALPHA, Z_POWER, POWER = 1.959964, 0.841621, 0.8  # normal quantiles of 97.5 % and 80 %
PAIRS_NEEDED, DRAWS_NEEDED = 6, 39  # smallest numbers for which p can be at most ALPHA


def sign_flip_p(differences: np.ndarray, seed: int = SEED) -> float:
    """Two-sided sign-flip p value for a mean difference of zero; `differences` has shape (n,).

    All 2^n sign patterns if n <= EXACT_UP_TO, else FLIPS random patterns and the observed one (Phipson and Smyth 2010),
    so that p is never 0. Raises ValueError if n < 2.
    """
    values = require_two_values(differences)
    # The tolerance counts patterns that equal the observed one up to rounding.
    threshold = abs(values.sum()) - 1e-12 * np.abs(values).sum()
    if len(values) <= EXACT_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(values))))
        return float(np.mean(np.abs(signs @ values) >= threshold))
    generator = np.random.default_rng(seed)
    extreme = 0
    for rows in _chunks(FLIPS, len(values)):
        signs = generator.integers(0, 2, (rows, len(values))) * 2.0 - 1.0
        extreme += int(np.sum(np.abs(signs @ values) >= threshold))
    return (1 + extreme) / (1 + FLIPS)


def smallest_sign_flip_p(n: int) -> float:
    """Smallest p that n pairs allow; 1 if n < 2."""
    if n < 2:
        return 1.0
    return 2.0 ** (1 - n) if n <= EXACT_UP_TO else 1 / (1 + FLIPS)


def rank_p(value: float, draws: np.ndarray) -> float:
    """Two-sided p value for a value being one further draw, draws (n,): twice the smaller tail, at most 1.

    A tail is (1 + k) / (n + 1), where k draws are at least as extreme as the value (Davison and Hinkley 1997, section
    4.3). It is exact for any continuous distribution and any n.
    """
    draws = np.asarray(draws, dtype=float)
    tail = min(int((draws >= value).sum()), int((draws <= value).sum()))
    return min(1.0, 2 * (1 + tail) / (len(draws) + 1))


def smallest_rank_p(n: int) -> float:
    """Smallest p that n draws allow."""
    return min(1.0, 2 / (n + 1))


def percentile(value: float, draws: np.ndarray) -> float:
    """Percentage of the draws below the value; draws equal to it count half."""
    draws = np.asarray(draws, dtype=float)
    return float(100 * np.mean((draws < value) + 0.5 * (draws == value)))


def pairs_for_power(effect: float) -> int | None:
    """Pairs with 80 % power at p < 0.05 for a mean difference of `effect` standard deviations; None for 0.

    Normal approximation with the correction of Guenther (1981) for the t test; at least PAIRS_NEEDED.
    """
    if not effect:
        return None
    return max(PAIRS_NEEDED, math.ceil(((Z_ALPHA + Z_POWER) / effect) ** 2 + Z_ALPHA**2 / 2))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p values (m,) that control the probability of any false positive among the m tests (Holm 1979)."""
    p, m = np.asarray(p, dtype=float), len(p)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate((m - np.arange(m)) * p[order]))
    return adjusted


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p values (m,) that control the false discovery rate (Benjamini and Hochberg 1995)."""
    p, m = np.asarray(p, dtype=float), len(p)
    order = np.argsort(p, kind="stable")[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum.accumulate(np.minimum(1.0, m / (m - np.arange(m)) * p[order]))
    return adjusted


def _chunks(total: int, width: int) -> list[int]:
    """Split `total` rows of `width` numbers into chunks of bounded size."""
    step = max(1, CHUNK // width)
    return [min(step, total - start) for start in range(0, total, step)]
