"""The largest Lyapunov exponent of an infinitely large random tanh network, from dynamic mean-field theory.

The network is h <- (1 - dt) h + dt J tanh(h), J_ij ~ N(0, g^2/N), N -> infinity. Each h_i is then Gaussian, driven by
noise of its own statistics. With D(n) its autocovariance over n steps, C(n) = g^2 E[tanh x tanh y] and
S(n) = g^2 E[tanh' x tanh' y], (x, y) Gaussian of variances D(0) and covariance D(n), the autocovariance of
h(t+1) - (1 - dt) h(t) = dt J tanh h(t), and the same for tangent vectors that grow as z^t, z = exp(lambda dt), give

    D(n) - [D(n+1) - 2 D(n) + D(n-1)] / eps^2 = C(n),                        eps = dt / sqrt(1 - dt),
    x^2 psi(n) - z [psi(n+1) - 2 psi(n) + psi(n-1)] / eps^2 = S(n) psi(n),   z = 1 + dt (x - 1),

D and psi even and decaying, psi without nodes. So D is that of the flow, D'' = D - C, on a grid of spacing eps; the
flow is eps -> 0, dt = 0, z = 1; the map dt = 1 is eps = infinity: D(0) = C(0), x^2 = S(0). As dC/dD(n) = S (Price),
only S is integrated.

Sources: Sompolinsky, Crisanti & Sommers 1988 (flow); Molgedey, Schuchhardt & Schuster 1992 (map); Schuecker, Goedeke &
Helias 2018 (discrete and driven networks).
"""

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import Chebyshev

from randomnet.theory.gaussian import DENSITY, Array, Z

NAMES = ("tanh", "tanh_stretched")  # one function, where gains are 1 and shifts 0
LARGEST_G = 30.0  # S has a spike at 0, ever narrower: the grids here would become too large
ONSET = 3e-3  # nearer to g = 1 than this the exponent is continued as (g - 1)^2, to 1e-6: correlations are too long
FINE = 0.1  # spacing, in widths of S, of the finest grid; for a finer step the exponent is extrapolated in spacing^2
DECAY = 10.0  # decay times after which D and psi have their exponential form
STARTS = (3, 30, 300)  # sweeps before Newton's method: few are enough, except for g near 1 and dt near 1
NEWTON = 20  # steps of it, at most


@lru_cache(maxsize=4096)
def largest_exponent(g: float, dt: float, activation: str = "tanh") -> float:
    """The largest Lyapunov exponent for N -> infinity, per unit of time (in units of tau), natural logarithm.

    g: the standard deviation of the weights times sqrt(N), above 0 and at most 30. dt: the time step in [0, 1]; 0 is
    the flow h' = -h + J tanh(h), 1 the map h <- J tanh(h). activation: "tanh", or "tanh_stretched" with gains 1 and
    shifts 0. Up to g = 1 the network comes to rest at 0. ValueError for any other g, dt or activation.
    Sources: Sompolinsky et al. 1988, Molgedey et al. 1992, Schuecker et al. 2018; equations at the top of the module.
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
    """lambda of z = exp(lambda dt) = 1 + dt (x - 1)."""
    if dt == 0:
        return x - 1
    z = 1 - dt + dt * x
    return (math.log(z) if z < 0.5 else math.log1p(dt * (x - 1))) / dt


def _radius(g: float, dt: float) -> float:
    """x for g > 1; with the spacing eps itself, or extrapolated to it from three coarser ones."""
    at_rest = _flow_variance(g)
    s = _slopes(at_rest)
    bend = g * g * s.integ(lbnd=0)(1.0) - 1  # D(n)/D(0) = 1 - bend (n eps)^2/2 + ...
    finest = FINE * math.sqrt(2 / (bend * (1 + 2 * at_rest)))  # S falls over the correlations 1 .. 1 - 1/(1 + 2 D(0))
    eps = dt / math.sqrt(max(1 - dt, 1e-16))  # 1e8 is as good as infinity
    if eps >= finest:
        return _radius_on_grid(g, dt, eps)
    squares = finest**2 * np.array([1.0, 2.0, 4.0])
    radii = [_radius_on_grid(g, dt, math.sqrt(square)) for square in squares]
    return float(np.polyval(np.polyfit(squares / finest**2, radii, 2), (eps / finest) ** 2))


@lru_cache(maxsize=64)
def _flow_variance(g: float) -> float:
    """D(0) of the flow, where the energy D'^2/2 - D^2/2 + integral of C vanishes: D(0)^2/2 = g^2 Var[ln cosh h]."""
    from scipy.optimize import brentq  # here, as the import takes 0.4 s

    def energy(log_variance: float) -> float:
        u = math.exp(log_variance / 2) * np.abs(Z)
        log_cosh = u + np.log1p(np.exp(-2 * u)) - math.log(2)
        return g * g * (DENSITY @ (log_cosh - DENSITY @ log_cosh) ** 2) - math.exp(2 * log_variance) / 2

    return math.exp(brentq(energy, math.log(1e-9), 2 * math.log(g), xtol=1e-15, rtol=1e-15, maxiter=200))


@lru_cache(maxsize=64)
def _slopes(variance: float) -> Chebyshev:
    """E[tanh' x tanh' y] for x, y of this variance, as a function of their correlation c in [0, 1].

    Integrated over frequencies k, l, where tanh' is pi k / sinh(pi k / 2); in (k + l)/sqrt 2 and (k - l)/sqrt 2, u and
    v, the Gaussian is a product.
    """
    sd = math.sqrt(variance)
    spacing = min(0.15, 0.6 / sd)
    v = np.arange(0, 17, spacing)
    u = v[v < 9.6 / sd]
    k = np.abs(u[:, None] + v * np.array([[[1]], [[-1]]])) / math.sqrt(2) + 1e-9  # and l; 1e-9 because of 0/0
    spectrum = (k / np.sinh(math.pi * k / 2)).prod(0) * spacing**2
    spectrum[0] /= 2
    spectrum[:, 0] /= 2

    def at(c: Array) -> Array:
        along, across = np.exp(-variance / 2 * np.outer(1 + c, u**2)), np.exp(-variance / 2 * np.outer(1 - c, v**2))
        return ((along @ spectrum) * across).sum(1)

    return Chebyshev.interpolate(at, int(24 + 14 * sd), [0, 1])


def _autocovariance(g: float, eps: float) -> tuple[Array, Array, float]:
    """D(n), S(n) for n = 0, 1, ..., and S where D = 0: sweeps that solve for D given C, then Newton's method."""
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
            change, s, rest = _newton(g, eps, d)
            d, steps = d - change, steps + 1
        noise = 1e-7 * d[0]
        if abs(change).max() <= noise and d.min() > -noise and np.diff(d).max() < noise:
            return d, s, rest
    raise ArithmeticError(f"no decaying autocorrelation found for g = {g}, spacing {eps}")


def _newton(g: float, eps: float, d: Array) -> tuple[Array, Array, float]:
    """One step's change of D, all n at once, and S(n), S(infinity) before it."""
    e, up, slopes = 1 / eps**2, 1e-5 * d[0], _slopes(d[0])
    c, s, rest = _covariance(g, d[0], d), g * g * slopes(np.clip(d / d[0], 0, 1)), g * g * slopes(0.0)
    by_variance = (_covariance(g, d[0] + up, d) - c) / up  # D(0) acts on every C(n) as the variance, too
    beyond = math.exp(-_decay(eps**2 * max(1 - rest, 1e-12)))  # D(n+1)/D(n) past the end
    error = (1 + 2 * e) * d - c - e * np.append(d[1:], beyond * d[-1]) - e * np.append(d[1], d[:-1])
    diagonal = 1 + 2 * e - s
    diagonal[-1] -= e * beyond
    change, response = _solve(diagonal, e, error, by_variance)
    return change + response * change[0] / (1 - response[0]), s, rest


def _covariance(g: float, variance: float, d: Array) -> Array:
    """C where the autocovariance is d."""
    return g * g * variance * _slopes(variance).integ(lbnd=0)(np.clip(d / variance, 0, 1))


def _decay(y: float) -> float:
    """a > 0 for which f(n) = exp(-a n) solves f(n+1) - 2 f(n) + f(n-1) = y f(n)."""
    return 2 * math.asinh(math.sqrt(y) / 2)


def _solve(diagonal: Array, e: float, *sides: Array) -> list[Array]:
    """f(n) of diagonal(n) f(n) - e f(n-1) - e f(n+1) = side(n), f(-1) = f(1), f = 0 past the end; for each side."""
    from scipy.linalg import solve_banded  # here, as the import takes 0.2 s

    off = np.full(len(diagonal), -e)
    bands = np.stack([off, diagonal, off])  # above, on and below the diagonal
    bands[0, 1] = -2 * e
    return list(solve_banded((1, 1), bands, np.stack(sides, 1)).T)


def _radius_on_grid(g: float, dt: float, eps: float) -> float:
    """x for g > 1 with this spacing, by bisection: above it every pivot of the equation of psi is positive."""
    _, s, rest = _autocovariance(g, eps)
    outward = s[::-1].tolist()
    low, high = math.sqrt(rest), math.sqrt(outward[-1])
    while high - low > 1e-13 * high:
        x = (low + high) / 2
        off = (1 + dt * (x - 1)) / eps**2
        pivot = off * math.exp(_decay((x * x - rest) / off))  # of the endless tail, where S is constant
        for s_n in outward[:-1]:
            pivot = x * x + 2 * off - s_n - off * off / pivot
            if pivot <= 0:
                break
        above = pivot > 0 and x * x + 2 * off - outward[-1] - 2 * off * off / pivot > 0
        low, high = (low, x) if above else (x, high)
    return (low + high) / 2
