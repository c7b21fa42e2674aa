"""Stationary rates of networks of populations, from the statistics of their blocks.

A neuron of population A receives u_A + s_A z, z standard normal over the neurons of A, and its rate is phi of that
less its threshold. With r_B and v_B the mean and the variance of the rates of B,

    u_A = sum_B K w r_B + I_A,      s_A^2 = sum_B [F v_B + Q r_B^2],
    F = K w2 - K^2 w^2 / N_B,       Q = K (w2 - w^2) + V w^2,

K and V the mean and the variance of the in-degrees of A from B, w and w2 the mean and the mean square of a weight, I
the drive: the spread of what arrives comes from that of the rates, F, and from that of the inputs, Q. Written with
q = v + r^2 this is s^2 = sum [K (w2 q - w^2 r^2) + V w^2 r^2 - (K^2/N_B) w^2 (q - r^2)].

Sources: van Vreeswijk & Sompolinsky 1998 (balanced networks); Kadmon & Sompolinsky 2015 (stability).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.theory.gaussian import Array, Function, moments, relu_moments

STEPS = 500  # at most
HASTE = 1.1  # growth of a step's length where the change stays what it is, so that circling rates come to rest, too
ENOUGH = 1e-12  # change of rates, relative to the largest, at which they are stationary
NEARLY = 1e-9  # the same where rounding errors that strong couplings amplify allow no less
FIRST = 0.1  # pseudo-time of the first step, in units of 1 / (1 + the largest row sum of |K w|)
NUDGE = 1e-4  # of s: half the distance of the two values that make a derivative


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a network with P populations, each (P, P) from presynaptic B (columns) to postsynaptic A (rows).

    sizes: (P,), neurons; in_degree, variance: mean and variance over the neurons of A of their number of edges from B;
    weight, square: mean and mean square of a weight over these edges, 0 where there are none. Numbers alone stand for
    all blocks. ValueError where shapes differ, a size is below 1, or a mean square is below the square of the mean.
    """

    sizes: np.ndarray
    in_degree: np.ndarray
    variance: np.ndarray
    weight: np.ndarray
    square: np.ndarray

    def __post_init__(self) -> None:
        sizes = np.asarray(self.sizes, float)
        object.__setattr__(self, "sizes", sizes)
        if sizes.ndim != 1 or not (sizes >= 1).all():
            raise ValueError(f"sizes: expected one number >= 1 per population, got {self.sizes}")
        shape = (len(sizes), len(sizes))
        for name in ("in_degree", "variance", "weight", "square"):
            values = np.asarray(getattr(self, name), float)
            if values.shape not in ((), shape) or not np.isfinite(values).all():
                raise ValueError(f"{name}: expected finite numbers of shape {shape}, got {values.shape}")
            object.__setattr__(self, name, np.broadcast_to(values, shape))
        if (self.square < self.weight**2 * (1 - 1e-9)).any():
            raise ValueError(f"square: expected at least the square of weight, {self.weight**2}, got {self.square}")

    @property
    def gain(self) -> Array:
        """(P, P): K w, what a mean rate of 1 in B adds to u of A."""
        return self.in_degree * self.weight

    @property
    def by_rates(self) -> Array:
        """(P, P): F, what a variance of 1 of the rates of B adds to s^2 of A."""
        share = np.minimum(self.in_degree / self.sizes, 1)
        return np.maximum(self.in_degree * (self.square - share * self.weight**2), 0)

    @property
    def by_inputs(self) -> Array:
        """(P, P): Q, what a mean rate of 1 in B adds to s^2 of A as its neurons differ in their inputs."""
        return np.maximum(self.in_degree * (self.square - self.weight**2) + self.variance * self.weight**2, 0)


@dataclass(frozen=True, eq=False)
class Stationary:
    """Stationary rates, each (P,): mean and mean square, nan where none were found; the input's mean and sd, u and s.

    residual: by how much they miss the equations, in units of the largest rate. fluctuations, means: the largest
    eigenvalue (real part) that deviations of single neurons have (of F E[phi'^2]), and those of the mean rates (of
    K w E[phi'], for equal time constants); both are below 1 where the state is stable.
    """

    rates: np.ndarray
    squares: np.ndarray
    inputs: np.ndarray
    spreads: np.ndarray
    residual: float
    fluctuations: float
    means: float

    @property
    def converged(self) -> bool:
        """Whether the equations are solved."""
        return bool(np.isfinite(self.rates).all())

    @property
    def stable(self) -> bool:
        """Whether the network stays there: small deviations die out."""
        return self.converged and max(self.fluctuations, self.means) < 1


def linear_rates(in_degree: np.ndarray, weight: np.ndarray, drive: np.ndarray) -> np.ndarray:
    """(P,): r = (1 - K w)^-1 I, exact where in-degrees are fixed, weights constant, and the rate is max(input, 0).

    in_degree, weight: (P, P), of a block; drive: (P,), less the threshold. ValueError where a rate is not above 0, as
    the equation then is not the network's.
    """
    gain, drive = np.asarray(in_degree, float) * np.asarray(weight, float), np.asarray(drive, float)
    rates = np.linalg.solve(np.eye(len(drive)) - gain, drive)
    if not (rates > 0).all():
        raise ValueError(f"linear rates hold where all populations are above threshold, got {rates.tolist()}")
    return rates


def block_statistics(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> Blocks:
    """The blocks of a network, measured or made, from its edges (E,) and each neuron's group (N,), whole from 0.

    ValueError where groups are not 0 .. P-1, each with a neuron.
    """
    sizes = np.bincount(groups)
    if not len(sizes) or not sizes.all():
        raise ValueError(f"groups: expected every number from 0 to the largest, got {np.unique(groups).tolist()}")
    count, block = len(sizes), groups[post] * len(sizes) + groups[pre]
    edges, sums, squares = (np.bincount(block, of, count**2).reshape(count, count)
                            for of in (None, weights, np.square(weights)))  # fmt: skip
    degrees = np.bincount(post * count + groups[pre], minlength=len(groups) * count).reshape(-1, count)
    deviations = (degrees - (edges / sizes[:, None])[groups]) ** 2
    variance = np.array([np.bincount(groups, column) for column in deviations.T]).T / sizes[:, None]
    some = np.maximum(edges, 1)
    return Blocks(sizes, edges / sizes[:, None], variance, sums / some, squares / some)


def block_rates(
    blocks: Blocks, drive: np.ndarray, threshold: np.ndarray | float = 0.0, phi: Function | None = None
) -> Stationary:
    """The stationary state of the equations at the top of the module.

    drive: (P,), I. threshold: (P,) or one for all. phi: max(x, 0), in closed form, where it is None; else any function
    of arrays (P, points), a row for each population, by quadrature.
    From silence the rates follow r' = phi - r in implicit steps that grow as the rates come to rest, until they are
    Newton's: a stable state is found whatever the strength of the couplings, and usually the one the network reaches.
    """
    drive = np.asarray(drive, float) - threshold
    if drive.shape != blocks.sizes.shape or not np.isfinite(drive).all():
        raise ValueError(f"drive: expected {len(blocks.sizes)} finite numbers, one per population, got {drive}")
    phi_moments = relu_moments if phi is None else lambda u, s: moments(phi, u, s)
    equations = _Equations(blocks, drive, phi_moments)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x, residual = _settled(equations)
        return _stationary(equations, x, residual)


@dataclass(frozen=True, eq=False)
class _Equations:
    """x = (r, v), 2 P numbers, and what they are mapped to."""

    blocks: Blocks
    drive: Array
    moments: Callable[[Array, Array], tuple[Array, ...]]

    def inputs(self, x: Array) -> tuple[Array, Array]:
        """u and s^2."""
        r, v = np.split(x, 2)
        return self.blocks.gain @ r + self.drive, self.blocks.by_rates @ v + self.blocks.by_inputs @ r**2

    def after(self, u: Array, variance: Array) -> Array:
        return np.concatenate(self.moments(u, np.sqrt(variance))[:2])

    def derivative(self, x: Array) -> Array:
        """(2 P, 2 P): of what x is mapped to; every population's moments depend on its own u and s^2 alone."""
        u, variance = self.inputs(x)
        step = NUDGE * np.sqrt(variance) + 1e-9 * (1 + np.abs(u))
        low, high = variance * (1 - NUDGE), variance * (1 + NUDGE) + 1e-12
        by_u = (self.after(u + step, variance) - self.after(u - step, variance)) / np.tile(2 * step, 2)
        by_variance = (self.after(u, high) - self.after(u, low)) / np.tile(high - low, 2)
        r, gain = x[: len(u)], self.blocks.gain
        of_u = np.hstack([gain, np.zeros_like(gain)])
        of_variance = np.hstack([2 * self.blocks.by_inputs * r, self.blocks.by_rates])
        return by_u[:, None] * np.tile(of_u, (2, 1)) + by_variance[:, None] * np.tile(of_variance, (2, 1))


def _settled(equations: _Equations) -> tuple[Array, float]:
    """x where it has come to rest, and what it still changes by, relative to the largest rate."""
    count = len(equations.drive)
    x = np.zeros(2 * count)
    time = FIRST / (1 + np.abs(equations.blocks.gain).sum(1).max())
    change, before = equations.after(*equations.inputs(x)) - x, np.inf
    for _ in range(STEPS):
        size = float(np.abs(change).max())
        if not np.isfinite(size) or size <= ENOUGH * np.abs(x[:count]).max():
            break
        time *= HASTE * np.clip(before / size, 0.5, 2) if np.isfinite(before) else 1.0
        step = np.linalg.solve(np.eye(2 * count) * (1 + 1 / time) - equations.derivative(x), change)
        x = x + step
        x[count:] = np.maximum(x[count:], 0)
        change, before = equations.after(*equations.inputs(x)) - x, size
    return x, float(np.abs(change).max() / max(np.abs(x[:count]).max(), 1e-300))


def _stationary(equations: _Equations, x: Array, residual: float) -> Stationary:
    u, variance = equations.inputs(x)
    found = bool(residual <= NEARLY)
    r, v = np.split(x if found else np.full_like(x, np.nan), 2)
    s = np.sqrt(variance)
    if not found:
        return Stationary(r, v, r, r, residual, np.nan, np.nan)
    squared = equations.moments(u, s)[2]
    step = NUDGE * s + 1e-9 * (1 + np.abs(u))
    slopes = (equations.moments(u + step, s)[0] - equations.moments(u - step, s)[0]) / (2 * step)
    largest = [float(np.linalg.eigvals(matrix).real.max())
               for matrix in (equations.blocks.by_rates * squared, equations.blocks.gain * slopes)]  # fmt: skip
    return Stationary(r, v + r**2, u, s, residual, *largest)
