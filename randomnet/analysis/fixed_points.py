"""Fixed points and slow points of a map F: zeros and small local minima of q = 1/2 |F(h) - h|^2.

The method, q and slow points are from Sussillo and Barak (2013, Neural Computation 25). The search here is
Levenberg-Marquardt from many starts in parallel, which takes tens of iterations instead of the thousands of gradient
descent.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from randomnet.analysis.kinks import UNDECIDED, Kinks
from randomnet.analysis.linear import Jacobian, Map, autodiff_jacobian
from randomnet.array_arguments import takes_arrays
from randomnet.display import Displayed
from randomnet.systems.shapes import for_states

DAMPING = 1e-2  # initial damping, relative to the mean of the diagonal of (J - I)^T (J - I)
LOWER, RAISE = 0.2, 4.0  # factors of the damping after a step that lowers q, and after a rejected step
LEAST, MOST = 1e-14, 1e14  # range of the damping; at MOST no step lowers q any more
STALLED = 1e-10  # a rejected step this small, relative to the spread of the starts, ends the search
CONVERGED = 0.1  # largest last step of a converged start, relative to the radius within which points are merged
SINGULAR = 1e-12  # relative singular value below which Newton steps ignore a direction, as along a line of fixed points
COPIES = 6  # matrices per start that exist at the same time


@dataclass(frozen=True, repr=False)
class FixedPoints(Displayed):
    """Fixed points of a map, sorted by number of unstable directions and then by q, and slow points, sorted by q.

    points: (P, N). q: (P,). hits: (P,), number of starts that ended at each point. eigenvalues: (P, n) complex, by
    descending modulus, of the Jacobian among the n free units. unstable: (P,), number of eigenvalues with modulus above
    1. at_kink: (P,) bool, points with a unit at a kink of its activation, where no Jacobian exists. Their eigenvalues
    are nan, and `unstable` is the number on which all one-sided Jacobians agree, or UNDECIDED; undecided points are
    last. slow: (S, N), states with small q that are not fixed points. slow_q: (S,). starts: number of starts.
    converged: number of starts that ended at a fixed point, including points rejected as too far away.
    """

    drawing: ClassVar[str] = "fixed_points"

    points: Tensor
    q: Tensor
    hits: Tensor
    eigenvalues: Tensor
    unstable: Tensor
    at_kink: Tensor
    slow: Tensor
    slow_q: Tensor
    starts: int
    converged: int

    @property
    def indices(self) -> Tensor:
        """(P,): the fixed point index of each point, sign of det(I - J), 1 or -1; 0 at a kink, where J is not unique.

        For a bounded map, and for h + a (G(h) - h) with bounded G, the indices of all fixed points sum to 1 if none is
        marginal (Brouwer degree). Another sum shows that some fixed points were not found.
        """
        real, above = self.eigenvalues.imag == 0, self.eigenvalues.real > 1
        return (1 - 2 * ((real & above).sum(1) % 2)).masked_fill(self.at_kink, 0)

    def summary(self) -> str:
        """The numbers of stable and unstable fixed points, of slow points, and of starts."""
        counts = {"stable": int((self.unstable == 0).sum()), "unstable": int((self.unstable > 0).sum()),
                  "undecided": int((self.unstable == UNDECIDED).sum())}  # fmt: skip
        kinds = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"
        return (f"{len(self.points)} fixed points ({kinds}), {len(self.slow)} slow points, from {self.starts} starts, "
                f"{self.points.shape[1]} units")  # fmt: skip

    def frame(self) -> pd.DataFrame:
        """One row per fixed point: q, hits, unstable directions, modulus of the largest eigenvalue, index."""
        largest = self.eigenvalues.abs().amax(1) if self.eigenvalues.shape[1] else self.q
        columns = {"q": self.q, "hits": self.hits, "unstable": self.unstable, "largest_modulus": largest,
                   "index": self.indices}  # fmt: skip
        return pd.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})


@takes_arrays
def starting_points(states: Tensor, number: int, rng: np.random.Generator, noise: float) -> Tensor:
    """Starts (number, N), float64: one half random states of (M, N) with noise, one half midpoints of random pairs.

    noise: standard deviation relative to that of each unit over the states, so that constant units stay constant.
    Midpoints are close to the saddles between attractors, which trajectories leave quickly. Raises ValueError for fewer
    than two states or less than one start.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import starting_points
    >>> starting_points(torch.eye(3), 10, np.random.default_rng(0), noise=0.1).shape
    torch.Size([10, 3])
    """
    if states.ndim != 2 or len(states) < 2:
        raise ValueError(f"expected at least two states (M, N), got shape {tuple(states.shape)}")
    if number < 1:
        raise ValueError(f"expected at least one starting point, got {number}")
    values = states.detach().cpu().to(torch.float64).numpy()
    pairs = number // 2
    samples = values[rng.integers(len(values), size=number - pairs)]
    noisy = samples + noise * values.std(0) * rng.standard_normal(samples.shape)
    first = rng.integers(len(values), size=pairs)
    second = (first + rng.integers(1, len(values), size=pairs)) % len(values)
    midpoints = (values[first] + values[second]) / 2
    return torch.from_numpy(np.concatenate([noisy, midpoints])).to(states.device)


@takes_arrays
@torch.no_grad()
def fixed_points(
    step: Map,
    jacobian: Jacobian | None,
    starts: Tensor,
    *,
    iterations: int = 200,
    tolerance: float = 1e-20,
    slow: float = 1e-8,
    merge: float = 1e-4,
    farthest: float = 10.0,
    around: Tensor | None = None,
    clamped: Tensor | None = None,
    kinks: Kinks | None = None,
    memory: float = 200e6,
    on_progress: Callable[[int], object] = lambda done: None,
) -> FixedPoints:
    """The fixed points of `step` that Levenberg-Marquardt reaches from starts (S, N), float64, within `iterations`.

    jacobian: of states (B, N); None: by automatic differentiation, of a step of (B, N) or of one state (N,).
    The spread is the mean distance of the starts from their mean, or of the states `around` (M, N) where starts are
    few. Points closer than merge * spread are merged. A fixed point has q < tolerance, a Newton step shorter than that
    radius, and a distance of at most farthest * spread from the mean. Slow points are the other ends with q <= slow.

    clamped: indices of units that keep the value of their start and do not contribute to q, such as inputs that differ
    between starts. kinks: the kinks of the network (`find_kinks`). A point is at a kink if the kink is no farther than
    its Newton step plus the residual that the tolerance allows. memory: bytes for the matrices that exist at a time.
    on_progress: called after each iteration with the number of finished starts. No argument is modified. Raises
    ValueError for wrong shapes, and for starts that are not finite or not float64.

    >>> import torch
    >>> from randomnet.analysis import fixed_points
    >>> starts = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    >>> points = fixed_points(lambda h: torch.tanh(2 * h), None, starts)
    >>> points
    FixedPoints: 3 fixed points (2 stable, 1 unstable), 0 slow points, from 9 starts, 1 units
    >>> points.frame()[['hits', 'unstable', 'index']]
       hits  unstable  index
    0     4         0      1
    1     4         0      1
    2     1         1     -1
    """
    _check(starts)
    if jacobian is None:
        step = for_states(step, starts[0])
        jacobian = autodiff_jacobian(step)
    problem = _Problem(step, jacobian, _free(starts, clamped))
    problem.check(starts)
    batch = max(1, int(memory / (COPIES * starts.element_size() * starts.shape[1] ** 2)))
    centre, spread = _centre_and_spread(starts, around)
    radius = merge * spread
    ends, q = _search(problem, starts, spread, radius, iterations, tolerance, batch, on_progress)
    near = torch.linalg.vector_norm(ends - centre, dim=1) <= farthest * spread

    candidates, hits = _merge(ends, q, q < tolerance, radius)
    newton, eigenvalues = _linearise(problem, ends[candidates], batch)
    genuine, unstable = newton <= radius, (eigenvalues.abs() > 1).sum(1)
    accepted = (genuine & near[candidates]).nonzero().squeeze(1)
    at_kink = torch.zeros_like(genuine)
    if kinks is not None and len(accepted):
        states, errors = ends[candidates[accepted]], newton[accepted] + math.sqrt(2 * tolerance)
        at_kink[accepted], unstable[accepted] = _classify_kinks(problem, kinks, states, errors, unstable[accepted])
        eigenvalues[at_kink] = torch.nan
    order = torch.where(unstable == UNDECIDED, len(problem.free) + 1, unstable)
    accepted = accepted[order[accepted].argsort(stable=True)]  # they are sorted by q already
    points = ends[candidates[accepted]]

    small = (q >= tolerance) & (q <= slow)
    small[candidates[~genuine]] = True
    slow_points = _slow_points(ends, q, small & near, points, radius)
    return FixedPoints(
        points=points,
        q=q[candidates[accepted]],
        hits=hits[accepted],
        eigenvalues=eigenvalues[accepted],
        unstable=unstable[accepted],
        at_kink=at_kink[accepted],
        slow=ends[slow_points],
        slow_q=q[slow_points],
        starts=len(starts),
        converged=int(hits[genuine].sum()),
    )


def _centre_and_spread(starts: Tensor, around: Tensor | None) -> tuple[Tensor, float]:
    """The mean of the states `around`, or of the starts, and their mean distance from it. Raises ValueError.

    Where all are equal, the distance is replaced by another length.
    """
    reference = starts if around is None else around
    if reference.ndim != 2 or reference.shape[1] != starts.shape[1]:
        raise ValueError(f"around must have shape (M, {starts.shape[1]}), got {tuple(reference.shape)}")
    centre = reference.mean(0)
    distance = float(torch.linalg.vector_norm(reference - centre, dim=1).mean())
    return centre, distance or float(centre.norm()) or 1.0


def _slow_points(ends: Tensor, q: Tensor, mask: Tensor, points: Tensor, radius: float) -> Tensor:
    """Indices of the slow points among the ends in the mask, by ascending q, without those near fixed points (P, N)."""
    candidates, _ = _merge(ends, q, mask, radius)
    # matrix products would make small distances inexact
    distances = torch.cdist(ends[candidates], points, compute_mode="donot_use_mm_for_euclid_dist")
    return candidates[(distances > radius).all(1)]


def _classify_kinks(
    problem: "_Problem",
    kinks: Kinks,
    points: Tensor,
    errors: Tensor,
    unstable: Tensor,
) -> tuple[Tensor, Tensor]:
    """Which points (P, N) are at a kink within their errors (P,), and updated numbers of unstable directions (P,)."""
    near = kinks.near(points, errors)
    for row in near.any(1).nonzero().squeeze(1).tolist():
        unstable[row] = kinks.unstable(points[row], near[row].nonzero().squeeze(1), problem.free)
    return near.any(1), unstable


@dataclass(frozen=True)
class _Problem:
    """The equations F(h) - h = 0 of the free units, with J - I. The other units are clamped."""

    step: Map
    jacobian: Jacobian
    free: Tensor

    def check(self, starts: Tensor) -> None:
        """Raise ValueError unless map and Jacobian return the right shapes for one state."""
        n = starts.shape[1]
        for name, result, shape in (
            ("step", self.step(starts[:1]), (1, n)),
            ("jacobian", self.jacobian(starts[:1]), (1, n, n)),
        ):
            if result.shape != shape:
                raise ValueError(f"{name} must return shape {shape} for states (1, {n}), got {tuple(result.shape)}")

    def residual(self, states: Tensor) -> Tensor:
        return (self.step(states) - states)[:, self.free]

    def slope(self, states: Tensor) -> Tensor:
        slope = self.jacobian(states)[:, self.free[:, None], self.free]  # indexing copies, so the result can be changed
        slope.diagonal(dim1=1, dim2=2).sub_(1)
        return slope

    def add(self, states: Tensor, steps: Tensor) -> Tensor:
        return states.index_add(1, self.free, steps)


def _check(starts: Tensor) -> None:
    if starts.ndim != 2 or not len(starts):
        raise ValueError(f"expected starts of shape (S, N), got {tuple(starts.shape)}")
    if starts.dtype != torch.float64:
        raise ValueError(f"fixed points need float64, got starts in {starts.dtype}")
    if not starts.isfinite().all():
        raise ValueError("starts must be finite")


def _free(starts: Tensor, clamped: Tensor | None) -> Tensor:
    free = torch.ones(starts.shape[1], dtype=torch.bool, device=starts.device)
    if clamped is not None:
        free[clamped] = False
    if not free.any():
        raise ValueError(f"clamped: expected at least one free unit, got all {len(free)} units")
    return free.nonzero().squeeze(1)


def _energy(residual: Tensor) -> Tensor:
    return residual.square().sum(1) / 2


def _search(
    problem: _Problem,
    starts: Tensor,
    spread: float,
    radius: float,
    iterations: int,
    tolerance: float,
    batch: int,
    on_progress: Callable[[int], object],
) -> tuple[Tensor, Tensor]:
    """The end of the search from each start (S, N), and q there (S,). `batch` starts are processed at a time."""
    states, q = starts.clone(), _energy(problem.residual(starts))
    damping = torch.full_like(q, DAMPING)
    active = q.isfinite().nonzero().squeeze(1)
    for _ in range(iterations):
        if not len(active):
            break
        remaining = []
        for rows in active.split(batch):
            lengths, trial = _proposed_step(problem, states[rows], damping[rows])
            q_trial = _energy(problem.residual(trial))
            better = q_trial < q[rows]  # False where q_trial is nan
            converged = (q[rows] < tolerance) & (lengths <= CONVERGED * radius)
            stuck = ~better & ((lengths <= STALLED * spread) | (damping[rows] > MOST))
            states[rows] = torch.where(better[:, None], trial, states[rows])
            q[rows] = torch.where(better, q_trial, q[rows])
            damping[rows] = torch.where(better, (damping[rows] * LOWER).clamp_min(LEAST), damping[rows] * RAISE)
            remaining.append(rows[~(converged | stuck)])
        active = torch.cat(remaining)
        on_progress(len(starts) - len(active))
    return states, q


def _proposed_step(problem: _Problem, states: Tensor, damping: Tensor) -> tuple[Tensor, Tensor]:
    """Lengths (B,) of damped Newton steps, infinite where rounding prevents one, and the new states (B, N)."""
    slope = problem.slope(states)
    downhill = -(slope.mT @ problem.residual(states).unsqueeze(2))
    normal = slope.mT @ slope
    diagonal = normal.diagonal(dim1=1, dim2=2)
    diagonal += (damping * diagonal.mean(1)).unsqueeze(1)
    factor, failed = torch.linalg.cholesky_ex(normal)
    steps = torch.cholesky_solve(downhill, factor).squeeze(2)
    lengths = torch.linalg.vector_norm(steps, dim=1)
    return lengths.masked_fill((failed > 0) | lengths.isnan(), torch.inf), problem.add(states, steps)


def _merge(states: Tensor, q: Tensor, mask: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Representatives of the states in the mask (S,), by ascending q: indices (P,), and numbers of merged states (P,).

    A state within the radius of a representative with lower q is merged into it.
    """
    remaining = q.argsort(stable=True)
    remaining = remaining[mask[remaining]]
    representatives, counts = [], []
    while len(remaining):
        first = remaining[0]
        apart = torch.linalg.vector_norm(states[remaining] - states[first], dim=1) > radius
        representatives.append(int(first))
        counts.append(len(remaining) - int(apart.sum()))
        remaining = remaining[apart]
    return remaining.new_tensor(representatives), remaining.new_tensor(counts)


def _linearise(problem: _Problem, states: Tensor, batch: int) -> tuple[Tensor, Tensor]:
    """Lengths (P,) of Newton steps at states (P, N), and Jacobian eigenvalues (P, n) by descending modulus."""
    lengths, eigenvalues = [states.new_empty(0)], [states.new_empty(0, len(problem.free), dtype=torch.complex128)]
    for rows in states.split(batch) if len(states) else ():
        slope = problem.slope(rows)
        newton = torch.linalg.pinv(slope, rtol=SINGULAR) @ problem.residual(rows).unsqueeze(2)
        lengths.append(torch.linalg.vector_norm(newton.squeeze(2), dim=1))
        slope.diagonal(dim1=1, dim2=2).add_(1)
        values = torch.linalg.eigvals(slope)
        eigenvalues.append(values.gather(1, values.abs().argsort(dim=1, descending=True, stable=True)))
    return torch.cat(lengths), torch.cat(eigenvalues)
