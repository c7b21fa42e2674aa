"""Stationary rates of networks of populations, from the statistics of their blocks.

A neuron of population A receives the input u_A + s_A z, where z is standard normal over the neurons of A. Its rate is
phi of that input minus its threshold. With mean r_B and variance v_B of the rates of B,

    u_A = sum_B K w r_B + I_A,      s_A^2 = sum_B [F v_B + Q r_B^2],
    F = K w2 - K^2 w^2 / N_B,       Q = K (w2 - w^2) + V w^2.

K and V are the mean and the variance of the in-degrees of A from B, w and w2 the mean and the mean square of a weight,
and I is the drive. Inputs vary over neurons because rates vary (F) and because connections vary (Q). With q = v + r^2
this is s^2 = sum [K (w2 q - w^2 r^2) + V w^2 r^2 - (K^2/N_B) w^2 (q - r^2)].

Sources: van Vreeswijk & Sompolinsky 1998 (balanced networks); Kadmon & Sompolinsky 2015 (stability).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.display import Brief
from randomnet.theory.gaussian import Array, Function, moments, relu_moments

MAX_STEPS = 500
STEP_GROWTH = 1.1  # growth of the step at constant change, with which oscillating rates also converge
TOLERANCE = 1e-12  # change of rates, relative to the largest, at which they are stationary
ROUNDING_TOLERANCE = 1e-9  # accepted change of rates where strong couplings amplify rounding errors
FIRST_STEP = 0.1  # pseudo-time of the first step, in units of 1 / (1 + the largest row sum of |K w|)
HALF_WIDTH = 1e-4  # half width of central differences, in units of s


@dataclass(frozen=True, eq=False, repr=False)
class Blocks(Brief):
    """Statistics of the blocks of a network with P populations, (P, P) from presynaptic B (columns) to A (rows).

    sizes: (P,), numbers of neurons. in_degree, variance: mean and variance over the neurons of A of their number of
    edges from B. weight, square: mean and mean square of the weight of these edges, 0 where there are none. A single
    number applies to all blocks. Raises ValueError where shapes differ, where a size is below 1, and where a mean
    square is below the square of the mean.
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
        """(P, P): K w, the contribution of a mean rate of 1 in B to u of A."""
        return self.in_degree * self.weight

    @property
    def by_rates(self) -> Array:
        """(P, P): F, the contribution of a variance of 1 of the rates of B to s^2 of A."""
        share = np.minimum(self.in_degree / self.sizes, 1)
        return np.maximum(self.in_degree * (self.square - share * self.weight**2), 0)

    @property
    def by_inputs(self) -> Array:
        """(P, P): Q, the contribution of a mean rate of 1 in B to s^2 of A, because connections vary over neurons."""
        return np.maximum(self.in_degree * (self.square - self.weight**2) + self.variance * self.weight**2, 0)


@dataclass(frozen=True, eq=False, repr=False)
class Stationary(Brief):
    """Stationary rates of P populations and their stability.

    rates, squares: (P,), mean and mean square of the rates, nan where no solution was found. inputs, spreads: (P,),
    mean u and standard deviation s of the input. residual: error of the equations, in units of the largest rate.
    fluctuations: the largest eigenvalue (real part) of F E[phi'^2], for deviations of single neurons. means: that of
    K w E[phi'], for deviations of the mean rates with equal time constants. Both are below 1 in a stable state.
    feedback: (P, P), K w E[phi'].
    """

    rates: np.ndarray
    squares: np.ndarray
    inputs: np.ndarray
    spreads: np.ndarray
    residual: float
    fluctuations: float
    means: float
    feedback: np.ndarray

    @property
    def converged(self) -> bool:
        """Whether a solution was found."""
        return bool(np.isfinite(self.rates).all())

    @property
    def stable(self) -> bool:
        """Whether small deviations from the solution decay."""
        return self.converged and max(self.fluctuations, self.means) < 1


def linear_rates(in_degree: np.ndarray, weight: np.ndarray, drive: np.ndarray) -> np.ndarray:
    """(P,): rates r = (1 - K w)^-1 I, exact for equal in-degrees, constant weights and rates max(input, 0).

    in_degree, weight: (P, P), per block. drive: (P,), minus the threshold. Raises ValueError where a rate is not above
    0, because the linear equation does not apply then.
    """
    gain, drive = np.asarray(in_degree, float) * np.asarray(weight, float), np.asarray(drive, float)
    rates = np.linalg.solve(np.eye(len(drive)) - gain, drive)
    if not (rates > 0).all():
        raise ValueError(f"linear rates hold where all populations are above threshold, got {rates.tolist()}")
    return rates


def block_statistics(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> Blocks:
    """Block statistics of a network, from its edges (E,) and the group 0 .. P-1 of each neuron (N,).

    Raises ValueError where a group has no neuron.
    """
    sizes = np.bincount(groups)
    if not len(sizes) or not sizes.all():
        raise ValueError(f"groups: expected every number from 0 to the largest, got {np.unique(groups).tolist()}")
    count, block = len(sizes), groups[post] * len(sizes) + groups[pre]
    edges, sums, squares = (np.bincount(block, values, count**2).reshape(count, count)
                            for values in (None, weights, np.square(weights)))  # fmt: skip
    degrees = np.bincount(post * count + groups[pre], minlength=len(groups) * count).reshape(-1, count)
    deviations = (degrees - (edges / sizes[:, None])[groups]) ** 2
    variance = np.array([np.bincount(groups, column) for column in deviations.T]).T / sizes[:, None]
    divisor = np.maximum(edges, 1)
    return Blocks(sizes, edges / sizes[:, None], variance, sums / divisor, squares / divisor)


def block_rates(
    blocks: Blocks, drive: np.ndarray, threshold: np.ndarray | float = 0.0, phi: Function | None = None
) -> Stationary:
    """The stationary rates of the mean-field equations, which are in the docstring of the module.

    drive: (P,), I. threshold: (P,), or one for all. phi: None for max(x, 0), in closed form, or any function of arrays
    (P, points) with a row per population, by quadrature. Raises ValueError for a drive of another shape.

    From rates 0 the solver takes implicit steps of r' = phi - r. Steps grow as the rates converge, and end as Newton
    steps. This finds a stable state for any coupling strength, usually the one that the network reaches.
    """
    drive = np.asarray(drive, float) - threshold
    if drive.shape != blocks.sizes.shape or not np.isfinite(drive).all():
        raise ValueError(f"drive: expected {len(blocks.sizes)} finite numbers, one per population, got {drive}")
    phi_moments = relu_moments if phi is None else lambda u, s: moments(phi, u, s)
    equations = _Equations(blocks, drive, phi_moments)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x, residual = _solve(equations)
        return _stationary(equations, x, residual)


@dataclass(frozen=True, eq=False)
class _Equations:
    """The fixed-point equations of x = (r, v), which has 2 P entries."""

    blocks: Blocks
    drive: Array
    moments: Callable[[Array, Array], tuple[Array, ...]]

    def inputs(self, x: Array) -> tuple[Array, Array]:
        """u and s^2 (P,) of the inputs."""
        r, v = np.split(x, 2)
        return self.blocks.gain @ r + self.drive, self.blocks.by_rates @ v + self.blocks.by_inputs @ r**2

    def after(self, u: Array, variance: Array) -> Array:
        return np.concatenate(self.moments(u, np.sqrt(variance))[:2])

    def derivative(self, x: Array) -> Array:
        """(2 P, 2 P): derivative of the map of x. The moments of a population depend on its own u and s^2 only."""
        u, variance = self.inputs(x)
        step = HALF_WIDTH * np.sqrt(variance) + 1e-9 * (1 + np.abs(u))
        low, high = variance * (1 - HALF_WIDTH), variance * (1 + HALF_WIDTH) + 1e-12
        by_u = (self.after(u + step, variance) - self.after(u - step, variance)) / np.tile(2 * step, 2)
        by_variance = (self.after(u, high) - self.after(u, low)) / np.tile(high - low, 2)
        r, gain = x[: len(u)], self.blocks.gain
        u_by_x = np.hstack([gain, np.zeros_like(gain)])
        variance_by_x = np.hstack([2 * self.blocks.by_inputs * r, self.blocks.by_rates])
        return by_u[:, None] * np.tile(u_by_x, (2, 1)) + by_variance[:, None] * np.tile(variance_by_x, (2, 1))


def _solve(equations: _Equations) -> tuple[Array, float]:
    """The solution x by pseudo-transient continuation, and its remaining change relative to the largest rate."""
    count = len(equations.drive)
    x = np.zeros(2 * count)
    time = FIRST_STEP / (1 + np.abs(equations.blocks.gain).sum(1).max())
    change, before = equations.after(*equations.inputs(x)) - x, np.inf
    for _ in range(MAX_STEPS):
        size = float(np.abs(change).max())
        if not np.isfinite(size) or size <= TOLERANCE * np.abs(x[:count]).max():
            break
        time *= STEP_GROWTH * np.clip(before / size, 0.5, 2) if np.isfinite(before) else 1.0
        step = np.linalg.solve(np.eye(2 * count) * (1 + 1 / time) - equations.derivative(x), change)
        x = x + step
        x[count:] = np.maximum(x[count:], 0)
        change, before = equations.after(*equations.inputs(x)) - x, size
    return x, float(np.abs(change).max() / max(np.abs(x[:count]).max(), 1e-300))


def _stationary(equations: _Equations, x: Array, residual: float) -> Stationary:
    u, variance = equations.inputs(x)
    converged = bool(residual <= ROUNDING_TOLERANCE)
    r, v = np.split(x if converged else np.full_like(x, np.nan), 2)
    s = np.sqrt(variance)
    if not converged:
        return Stationary(r, v, r, r, residual, np.nan, np.nan, equations.blocks.gain * np.nan)
    squared = equations.moments(u, s)[2]
    step = HALF_WIDTH * s + 1e-9 * (1 + np.abs(u))
    slopes = (equations.moments(u + step, s)[0] - equations.moments(u - step, s)[0]) / (2 * step)
    feedback = equations.blocks.gain * slopes
    single, means = (float(np.linalg.eigvals(matrix).real.max())
                     for matrix in (equations.blocks.by_rates * squared, feedback))  # fmt: skip
    return Stationary(r, v + r**2, u, s, residual, single, means, feedback)
