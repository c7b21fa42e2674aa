"""Networks with structure in closed form: the bump of a ring, and the overlap of a network of rank one.

Sources: Ben-Yishai, Bar-Or & Sompolinsky 1995 (ring); Mastrogiuseppe & Ostojic 2018 (low rank).
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bump:
    """Rates A [cos(theta - phi) - cos t]_+: t in radians; their mean M0, modulation M1 and peak."""

    half_width: float
    amplitude: float
    mean: float
    modulation: float
    peak: float


def ring_bump(j0: float, j1: float, drive: float) -> Bump:
    """The bump of W_ij = (j0 + j1 cos(theta_i - theta_j)) / N with rates max(x, 0) and a uniform drive.

    ValueError where no bump is stable: j1 up to 2 (the rates stay flat), a drive that is not above 0, or an inhibition
    too weak for any width (the rates grow without bound).
    """
    from scipy.optimize import brentq  # here, as the import takes 0.4 s

    if not j1 > 2:
        raise ValueError(f"j1: expected above 2, as the rates stay flat otherwise, got {j1}")
    if not drive > 0:
        raise ValueError(f"drive: expected above 0, got {drive}")
    t = brentq(lambda t: j1 * (t - math.sin(2 * t) / 2) - 2 * math.pi, 0.0, math.pi, xtol=1e-15, maxiter=200)
    mean = (math.sin(t) - t * math.cos(t)) / math.pi
    held = -(math.cos(t) + j0 * mean)
    if not held > 0:
        raise ValueError(f"j0: expected below {-math.cos(t) / mean:.6g}, as the rates grow without bound, got {j0}")
    amplitude = drive / held
    return Bump(t, amplitude, amplitude * mean, 2 * amplitude / j1, amplitude * (1 - math.cos(t)))


def rank_one_overlap(s: float, g: float = 0.0) -> float:
    """kappa = n.r / N >= 0 of W = m n^T / N + g chi / sqrt(N) with rates erf(x / sqrt 2), N -> infinity.

    m standard normal, n = s m and noise of its own, chi standard normal. 0 up to s = sqrt(pi / 2), and where g is so
    large that no overlap can last. ValueError for a negative g.
    """
    if not g >= 0:
        raise ValueError(f"g: expected a number >= 0, got {g}")
    if s <= math.sqrt(math.pi / 2):
        return 0.0
    variance = 2 / math.pi * s**2 - 1  # of a neuron's input: kappa^2 and that of the random weights
    random = g**2 * (2 / math.pi) * math.asin(variance / (1 + variance))
    return math.sqrt(max(variance - random, 0.0))
