"""Quantiles of Student's t for whole degrees of freedom, whose distribution is a finite sum.

scipy.special has them for any, but its import takes 0.2 s.
"""

import math
from functools import lru_cache

import numpy as np

BISECTIONS = 60


@lru_cache(maxsize=256)
def quantile(freedom: int, p: float) -> float:
    """t below which lies the share p, from .5 on, of Student's distribution.

    nan without freedom. Abramowitz and Stegun (1972), 26.7.3 and 26.7.4. Raises ValueError for other p, and for a
    part of a degree of freedom.
    """
    if freedom % 1 or not 0.5 <= p < 1:
        raise ValueError(f"expected whole degrees of freedom and .5 <= p < 1, got {freedom} and {p}")
    if freedom < 1:
        return math.nan
    factors = _factors(int(freedom))
    low, high = 0.0, math.pi / 2
    for _ in range(BISECTIONS):  # in the angle atan(t / sqrt(freedom))
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, factors, freedom % 2 == 1) < 2 * p - 1 else (low, angle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _factors(freedom: int) -> np.ndarray:
    """The factors of the powers of the cosine: of cos, cos^3, ... for odd freedom, of 1, cos^2, ... for even."""
    steps = np.arange(3 if freedom % 2 else 2, freedom - 1, 2.0)
    ratios = (steps - 1) / steps
    return np.cumprod(np.concatenate([np.ones(min(1, freedom - 1)), ratios]))


def _within(angle: float, factors: np.ndarray, odd: bool) -> float:
    """The share of the distribution between -t and t."""
    powers = math.cos(angle) ** (2.0 * np.arange(len(factors)) + odd)
    total = math.sin(angle) * float(factors @ powers)
    return 2 / math.pi * (angle + total) if odd else total
