"""The largest Lyapunov exponent of an infinitely large random tanh network, from dynamic mean-field theory.

The network is h <- (1 - dt) h + dt J tanh(h) with J_ij ~ N(0, g^2/N) and N -> infinity. Each h_i is then a Gaussian
process, driven by self-consistent noise. D(n) is its autocovariance over n steps. C(n) = g^2 E[tanh x tanh y] and
S(n) = g^2 E[tanh' x tanh' y] are means over Gaussian (x, y) with variances D(0) and covariance D(n). The autocovariance
of h(t+1) - (1 - dt) h(t) = dt J tanh h(t), and of tangent vectors that grow as z^t with z = exp(lambda dt), gives

    D(n) - [D(n+1) - 2 D(n) + D(n-1)] / eps^2 = C(n),                        eps = dt / sqrt(1 - dt),
    x^2 psi(n) - z [psi(n+1) - 2 psi(n) + psi(n-1)] / eps^2 = S(n) psi(n),   z = 1 + dt (x - 1),

where D and psi are even and decaying, and psi has no nodes. This is the equation of the flow, D'' = D - C, on a grid of
spacing eps. The flow is the limit eps -> 0, dt = 0, z = 1. The map dt = 1 is the limit eps -> infinity, with
D(0) = C(0) and x^2 = S(0). Because dC/dD(n) = S (Price's theorem), only S needs an integral.

Sources: Sompolinsky, Crisanti & Sommers 1988 (flow); Molgedey, Schuchhardt & Schuster 1992 (map); Schuecker, Goedeke &
Helias 2018 (discrete and driven networks).
"""

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import Chebyshev

from randomnet.theory.gaussian import DENSITY, Array, Z

NAMES = ("tanh", "tanh_stretched")  # the same function for gains 1 and shifts 0
LARGEST_G = 30.0  # for larger g the peak of S at 0 is so narrow that grids would become too large
ONSET = 3e-3  # for 1 < g < 1 + ONSET correlations are too long; the exponent is continued as (g - 1)^2, to 1e-6
FINE = 0.1  # spacing of the finest grid in widths of S; for finer steps the exponent is extrapolated in spacing^2
DECAY = 10.0  # decay times after which D and psi are exponential
STARTS = (3, 30, 300)  # sweeps before Newton's method; g near 1 and dt near 1 need many
NEWTON = 20  # largest number of Newton steps


@lru_cache(maxsize=4096)
def largest_exponent(g: float, dt: float, activation: str = "tanh") -> float:
    """The largest Lyapunov exponent for N -> infinity, per tau, with natural logarithm.

    g: the standard deviation of the weights times sqrt(N), above 0 and at most 30. dt: the time step in [0, 1]; 0 is
    the flow h' = -h + J tanh(h), 1 is the map h <- J tanh(h). activation: "tanh", or "tanh_stretched" with gains 1 and
    shifts 0. For g <= 1 the network decays to 0. Raises ValueError for other arguments. The docstring of the module
    has the equations. Sources: Sompolinsky et al. 1988, Molgedey et al. 1992, Schuecker et al. 2018.
    """
    if activation not in NAMES:
        raise ValueError(f"activation must be one of {', '.join(NAMES)}: there is no theory for {activation!r}")
    if not 0 < g <= LARGEST_G:
        raise ValueError(f"g must be above 0 and at most {LARGEST_G:g}, got {g}")
    if not 0 <= dt <= 1:
        raise ValueError(f"dt must lie in [0, 1], 0 being the flow, got {dt}")
    if g <= 1:
        return _exponent(float(g), dt)
    if g < 1 + ONSET:
        return largest_exponent(1 + ONSET, dt) * ((g - 1) / ONSET) ** 2
    return _exponent(_radius(float(g), float(dt)), dt)


def _exponent(x: float, dt: float) -> float:
    """lambda, from z = exp(lambda dt) = 1 + dt (x - 1)."""
    if dt == 0:
        return x - 1
    z = 1 - dt + dt * x
    return (math.log(z) if z < 0.5 else math.log1p(dt * (x - 1))) / dt


def _radius(g: float, dt: float) -> float:
    """x for g > 1, on a grid of spacing eps, or extrapolated to that spacing from three coarser grids."""
    variance = _flow_variance(g)
    s = _slopes(variance)
    curvature = g * g * s.integ(lbnd=0)(1.0) - 1  # D(n)/D(0) = 1 - curvature (n eps)^2/2 + ...
    finest = FINE * math.sqrt(2 / (curvature * (1 + 2 * variance)))  # S falls while D(n)/D(0) falls by 1/(1 + 2 D(0))
    eps = dt / math.sqrt(max(1 - dt, 1e-16))  # at most 1e8, which is close enough to infinity
    if eps >= finest:
        return _radius_on_grid(g, dt, eps)
    squares = finest**2 * np.array([1.0, 2.0, 4.0])
    radii = [_radius_on_grid(g, dt, math.sqrt(square)) for square in squares]
    return float(np.polyval(np.polyfit(squares / finest**2, radii, 2), (eps / finest) ** 2))


@lru_cache(maxsize=64)
def _flow_variance(g: float) -> float:
    """D(0) of the flow, from zero energy D'^2/2 - D^2/2 + integral of C: D(0)^2/2 = g^2 Var[ln cosh h]."""
    from scipy.optimize import brentq  # here, as the import takes 0.4 s

    def energy(log_variance: float) -> float:
        u = math.exp(log_variance / 2) * np.abs(Z)
        log_cosh = u + np.log1p(np.exp(-2 * u)) - math.log(2)
        return g * g * (DENSITY @ (log_cosh - DENSITY @ log_cosh) ** 2) - math.exp(2 * log_variance) / 2

    return math.exp(brentq(energy, math.log(1e-9), 2 * math.log(g), xtol=1e-15, rtol=1e-15, maxiter=200))


@lru_cache(maxsize=64)
def _slopes(variance: float) -> Chebyshev:
    """E[tanh' x tanh' y] for x, y with this variance, as a function of their correlation c in [0, 1].

    The integral is over frequencies k, l, where the Fourier transform of tanh' is pi k / sinh(pi k / 2). With
    u = (k + l)/sqrt 2 and v = (k - l)/sqrt 2 the Gaussian factorises.
    """
    sd = math.sqrt(variance)
    spacing = min(0.15, 0.6 / sd)
    v = np.arange(0, 17, spacing)
    u = v[v < 9.6 / sd]
    k = np.abs(u[:, None] + v * np.array([[[1]], [[-1]]])) / math.sqrt(2) + 1e-9  # k and l; 1e-9 avoids 0/0
    spectrum = (k / np.sinh(math.pi * k / 2)).prod(0) * spacing**2
    spectrum[0] /= 2
    spectrum[:, 0] /= 2

    def mean_slopes(c: Array) -> Array:
        by_u, by_v = np.exp(-variance / 2 * np.outer(1 + c, u**2)), np.exp(-variance / 2 * np.outer(1 - c, v**2))
        return ((by_u @ spectrum) * by_v).sum(1)

    return Chebyshev.interpolate(mean_slopes, int(24 + 14 * sd), [0, 1])


def _autocovariance(g: float, eps: float) -> tuple[Array, Array, float]:
    """D(n) and S(n) for n = 0, 1, ..., and S at D = 0, by sweeps that solve for D with fixed C, then Newton's method.

    Raises ArithmeticError where no decaying solution is found.
    """
    variance = _flow_variance(g)
    kappa = math.sqrt(1 - g * g * _slopes(variance)(0.0))  # D falls as exp(-kappa n eps)
    n = np.arange(math.ceil(DECAY / _decay((kappa * eps) ** 2)) + 3)
    e = 1 / eps**2
    for sweeps in STARTS:
        d = variance / np.cosh(np.minimum(kappa * eps * n, 300))
        for _ in range(sweeps):
            (d,) = _solve(np.full(n.size, 1 + 2 * e), e, _covariance(g, d[0], d))
        change, steps = d, 0
        while abs(change).max() > 1e-7 * d[0] and steps < NEWTON and abs(change[0]) <= d[0]:
            change, s, s_at_zero = _newton(g, eps, d)
            d, steps = d - change, steps + 1
        noise = 1e-7 * d[0]
        if abs(change).max() <= noise and d.min() > -noise and np.diff(d).max() < noise:
            return d, s, s_at_zero
    raise ArithmeticError(f"no decaying autocorrelation found for g = {g}, spacing {eps}")


def _newton(g: float, eps: float, d: Array) -> tuple[Array, Array, float]:
    """The change of D (all n at once) that one Newton step subtracts, with S(n) and S(infinity) before the step."""
    e, up, slopes = 1 / eps**2, 1e-5 * d[0], _slopes(d[0])
    c, s, s_at_zero = _covariance(g, d[0], d), g * g * slopes(np.clip(d / d[0], 0, 1)), g * g * slopes(0.0)
    by_variance = (_covariance(g, d[0] + up, d) - c) / up  # every C(n) also depends on D(0), the variance
    ratio = math.exp(-_decay(eps**2 * max(1 - s_at_zero, 1e-12)))  # D(n+1)/D(n) beyond the grid
    error = (1 + 2 * e) * d - c - e * np.append(d[1:], ratio * d[-1]) - e * np.append(d[1], d[:-1])
    diagonal = 1 + 2 * e - s
    diagonal[-1] -= e * ratio
    change, response = _solve(diagonal, e, error, by_variance)
    return change + response * change[0] / (1 - response[0]), s, s_at_zero


def _covariance(g: float, variance: float, d: Array) -> Array:
    """C(n) for the autocovariance d = D(n)."""
    return g * g * variance * _slopes(variance).integ(lbnd=0)(np.clip(d / variance, 0, 1))


def _decay(y: float) -> float:
    """The rate a > 0 for which f(n) = exp(-a n) solves f(n+1) - 2 f(n) + f(n-1) = y f(n)."""
    return 2 * math.asinh(math.sqrt(y) / 2)


def _solve(diagonal: Array, e: float, *sides: Array) -> list[Array]:
    """The solution f of diagonal(n) f(n) - e f(n-1) - e f(n+1) = side(n) for each right-hand side.

    Boundary conditions: f(-1) = f(1), and f = 0 beyond the end.
    """
    from scipy.linalg import solve_banded  # here, as the import takes 0.2 s

    off = np.full(len(diagonal), -e)
    bands = np.stack([off, diagonal, off])  # above, on and below the diagonal
    bands[0, 1] = -2 * e
    return list(solve_banded((1, 1), bands, np.stack(sides, 1)).T)


def _radius_on_grid(g: float, dt: float, eps: float) -> float:
    """x for g > 1 on a grid with this spacing, by bisection. For larger x all pivots of the equation of psi are > 0."""
    _, s, s_at_zero = _autocovariance(g, eps)
    inward = s[::-1].tolist()
    low, high = math.sqrt(s_at_zero), math.sqrt(inward[-1])
    while high - low > 1e-13 * high:
        x = (low + high) / 2
        off = (1 + dt * (x - 1)) / eps**2
        pivot = off * math.exp(_decay((x * x - s_at_zero) / off))  # of the infinite tail, where S is constant
        for s_n in inward[:-1]:
            pivot = x * x + 2 * off - s_n - off * off / pivot
            if pivot <= 0:
                break
        above = pivot > 0 and x * x + 2 * off - inward[-1] - 2 * off * off / pivot > 0
        low, high = (low, x) if above else (x, high)
    return (low + high) / 2
