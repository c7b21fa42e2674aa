"""Closed forms for networks with structure: the bump on a ring, and the overlap of a rank-one network.

Sources: Ben-Yishai, Bar-Or & Sompolinsky 1995 (ring); Mastrogiuseppe & Ostojic 2018 (low rank).
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bump:
    """A bump of rates A [cos(theta - phi) - cos t]_+ with half width t in radians, mean M0 and modulation M1."""

    half_width: float
    amplitude: float
    mean: float
    modulation: float
    peak: float


def ring_bump(j0: float, j1: float, drive: float) -> Bump:
    """The stable bump of W_ij = (j0 + j1 cos(theta_i - theta_j)) / N with rates max(x, 0) and a uniform drive.

    Raises ValueError where there is none: for j1 <= 2 (rates are flat), for a drive that is not above 0, and for too
    weak inhibition (rates grow without bound).
    """
    from scipy.optimize import brentq  # here, as the import takes 0.4 s

    if not j1 > 2:
        raise ValueError(f"j1: expected above 2, as the rates stay flat otherwise, got {j1}")
    if not drive > 0:
        raise ValueError(f"drive: expected above 0, got {drive}")
    t = brentq(lambda t: j1 * (t - math.sin(2 * t) / 2) - 2 * math.pi, 0.0, math.pi, xtol=1e-15, maxiter=200)
    mean = (math.sin(t) - t * math.cos(t)) / math.pi
    drive_per_amplitude = -(math.cos(t) + j0 * mean)
    if not drive_per_amplitude > 0:
        limit = -math.cos(t) / mean
        raise ValueError(f"j0: expected below {limit:.6g}, as the rates grow without bound otherwise, got {j0}")
    amplitude = drive / drive_per_amplitude
    return Bump(t, amplitude, amplitude * mean, 2 * amplitude / j1, amplitude * (1 - math.cos(t)))


def rank_one_overlap(s: float, g: float = 0.0) -> float:
    """The overlap kappa = n.r / N >= 0 for W = m n^T / N + g chi / sqrt(N), rates erf(x / sqrt 2) and N -> infinity.

    m and chi are standard normal, and n is s m plus independent noise. The overlap is 0 for s <= sqrt(pi / 2), and for
    large g. Raises ValueError for a negative g.
    """
    if not g >= 0:
        raise ValueError(f"g: expected a number >= 0, got {g}")
    if s <= math.sqrt(math.pi / 2):
        return 0.0
    variance = 2 / math.pi * s**2 - 1  # variance of a neuron's input: kappa^2 plus the part of the random weights
    random_variance = g**2 * (2 / math.pi) * math.asin(variance / (1 + variance))
    return math.sqrt(max(variance - random_variance, 0.0))
