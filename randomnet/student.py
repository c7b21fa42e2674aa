"""Student's t distribution, for intervals and verdicts from few values."""

from functools import cache

import numpy as np


@cache
def t_quantile(level: float, degrees: int) -> float:
    """The t that Student's |t| of so many degrees of freedom does not exceed with probability `level`, by bisection.

    The probability is the finite series of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    """
    low, high = 0.0, np.pi / 2  # of the angle atan(t / sqrt(degrees))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_probability(middle, degrees) < level else (low, middle)
    return float(np.tan(high) * np.sqrt(degrees))


def _t_probability(angle: float, degrees: int) -> float:
    sine, cosine, odd = np.sin(angle), np.cos(angle), degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for power in range(2 + odd, degrees - 1, 2):  # each term is the one before times (power - 1) / power cos^2
        term *= (power - 1) / power * cosine**2
        total += term
    return 2 / np.pi * (angle + sine * total) if odd else sine * total
