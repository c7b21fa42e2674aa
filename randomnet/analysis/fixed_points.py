"""Fixed points and slow points of a map F: where q = 1/2 |F(h) - h|^2 is zero, or small and lowest.

The idea, q and slow points are those of Sussillo and Barak (2013, Neural Computation 25); the search is
Levenberg-Marquardt from many starts at once, which takes tens of iterations where descent of the gradient takes
thousands.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis.kinks import UNDECIDED, Kinks
from randomnet.analysis.linear import Jacobian, Map

DAMPING = 1e-2  # to begin with, relative to the mean of the diagonal of (J - I)^T (J - I)
EASED, RAISED = 0.2, 4.0  # the damping's factor after a step that lowers q, and after one that does not and is undone
LEAST, MOST = 1e-14, 1e14  # the damping's range; at its end no step lowers q
STALLED = 1e-10  # a step this small relative to the starts' spread that does not lower q: none will
SETTLED = 0.1  # the last step of a converged start, relative to the distance within which points are one
SINGULAR = 1e-12  # relative: along these directions fixed points lie beside each other and no Newton step is defined
COPIES = 6  # matrices per start that exist at a time


@dataclass(frozen=True)
class FixedPoints:
    """The fixed points of a map, by number of unstable dimensions and then by q, and its slow points, by q.

    points: (P, N). q: (P,). hits: (P,), how many starts ended there. eigenvalues: (P, n) complex, by descending
    modulus, of the Jacobian among the n units that are not held. unstable: (P,), how many have modulus above 1.
    at_kink: (P,) bool, the points with a unit at a kink of its activation, where there is no Jacobian: their
    eigenvalues are nan, and `unstable` is the number on which all one-sided Jacobians agree, or UNDECIDED; those come
    last. slow: (S, N), where q is small but no fixed point is. slow_q: (S,). starts: how many there were. converged:
    how many of them ended in a fixed point, those that were dropped for being far away included.
    """

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
        """(P,) the sign of det(I - J) at each point, 1 or -1: the fixed point index; 0 at a kink, where J is not one.

        Of a map whose values are bounded, and of h + a (G(h) - h) with such a G, those of all fixed points sum to 1, if
        none is marginal (Brouwer's degree): another sum says that some were not found.
        """
        real, above = self.eigenvalues.imag == 0, self.eigenvalues.real > 1
        return (1 - 2 * ((real & above).sum(1) % 2)).masked_fill(self.at_kink, 0)


def starting_points(states: Tensor, number: int, rng: np.random.Generator, noise: float) -> Tensor:
    """(number, N), float64: one half random states of (M, N) with noise, the other the midpoints of random pairs.

    noise: standard deviation relative to that of each unit over the states, so that what is constant stays constant.
    Midpoints are near the saddles between attractors, where trajectories do not stay. Raises ValueError.
    """
    if states.ndim != 2 or len(states) < 2:
        raise ValueError(f"expected at least two states (M, N), got shape {tuple(states.shape)}")
    if number < 1:
        raise ValueError(f"expected at least one starting point, got {number}")
    known = states.detach().cpu().to(torch.float64).numpy()
    near, between = number - number // 2, number // 2
    chosen = known[rng.integers(len(known), size=near)]
    moved = chosen + noise * known.std(0) * rng.standard_normal(chosen.shape)
    first = rng.integers(len(known), size=between)
    second = (first + rng.integers(1, len(known), size=between)) % len(known)
    midpoints = (known[first] + known[second]) / 2
    return torch.from_numpy(np.concatenate([moved, midpoints])).to(states.device)


@torch.no_grad()
def fixed_points(
    step: Map,
    jacobian: Jacobian,
    starts: Tensor,
    *,
    iterations: int = 200,
    tolerance: float = 1e-20,
    slow: float = 1e-8,
    merge: float = 1e-4,
    farthest: float = 10.0,
    around: Tensor | None = None,
    held: Tensor | None = None,
    kinks: Kinks | None = None,
    memory: float = 200e6,
    on_progress: Callable[[int], object] = lambda done: None,
) -> FixedPoints:
    """The fixed points of `step` that Levenberg-Marquardt reaches from starts (S, N), float64, in so many iterations.

    Kept are points with q < tolerance whose Newton step is below the distance within which points are one, merge times
    the spread of the starts, their mean distance from their mean; of these the ones at most farthest times that spread
    from that mean. around: (M, N), states that tell spread and mean in place of the starts, where these are few. Slow
    points are the other ends with q <= slow. held: indices of units that keep their start's value and do not enter q;
    an input that differs between starts can be such a unit. kinks: those of the network (`find_kinks`); a point is at
    one that lies no farther from it than its Newton step and the residual that the tolerance allows. memory: bytes for
    the matrices of the starts that move at a time. tick: called after each iteration with the number of starts that are
    done. Nothing that is given is changed. Raises ValueError.
    """
    _check(starts)
    problem = _Problem(step, jacobian, _free(starts, held))
    problem.check(starts)
    part = max(1, int(memory / (COPIES * starts.element_size() * starts.shape[1] ** 2)))
    known = starts if around is None else around
    if known.ndim != 2 or known.shape[1] != starts.shape[1]:
        raise ValueError(f"around must have shape (M, {starts.shape[1]}), got {tuple(known.shape)}")
    centre = known.mean(0)
    spread = _spread(known, centre)
    radius = merge * spread
    ends, q = _search(problem, starts, spread, radius, iterations, tolerance, part, on_progress)
    near = torch.linalg.vector_norm(ends - centre, dim=1) <= farthest * spread

    candidates, hits = _merged(ends, q, q < tolerance, radius)
    newton, eigenvalues = _described(problem, ends[candidates], part)
    genuine, unstable = newton <= radius, (eigenvalues.abs() > 1).sum(1)
    kept = (genuine & near[candidates]).nonzero().squeeze(1)
    at_kink = torch.zeros_like(genuine)
    if kinks is not None and len(kept):
        within = newton + math.sqrt(2 * tolerance)
        at_kink[kept], unstable[kept] = _judged(problem, kinks, ends[candidates[kept]], within[kept], unstable[kept])
        eigenvalues[at_kink] = torch.nan
    last = torch.where(unstable == UNDECIDED, len(problem.free) + 1, unstable)
    kept = kept[last[kept].argsort(stable=True)]  # by q they are in order already
    points = ends[candidates[kept]]

    small = (q >= tolerance) & (q <= slow)
    small[candidates[~genuine]] = True
    leftovers, _ = _merged(ends, q, small & near, radius)
    distances = torch.cdist(ends[leftovers], points, compute_mode="donot_use_mm_for_euclid_dist")  # exact when small
    leftovers = leftovers[(distances > radius).all(1)]
    return FixedPoints(
        points=points,
        q=q[candidates[kept]],
        hits=hits[kept],
        eigenvalues=eigenvalues[kept],
        unstable=unstable[kept],
        at_kink=at_kink[kept],
        slow=ends[leftovers],
        slow_q=q[leftovers],
        starts=len(starts),
        converged=int(hits[genuine].sum()),
    )


def _judged(
    problem: "_Problem",
    kinks: Kinks,
    points: Tensor,
    within: Tensor,
    unstable: Tensor,
) -> tuple[Tensor, Tensor]:
    """Which points (P, N), known within (P,), are at a kink, and the numbers of unstable directions, with those."""
    near = kinks.near(points, within)
    for row in near.any(1).nonzero().squeeze(1).tolist():
        unstable[row] = kinks.unstable(points[row], near[row].nonzero().squeeze(1), problem.free)
    return near.any(1), unstable


@dataclass(frozen=True)
class _Problem:
    """F(h) - h and J - I of the free units, the others being where they are."""

    step: Map
    jacobian: Jacobian
    free: Tensor

    def check(self, starts: Tensor) -> None:
        """Raises ValueError unless map and Jacobian keep to their shapes, told by one state."""
        n = starts.shape[1]
        for what, after, shape in (
            ("step", self.step(starts[:1]), (1, n)),
            ("jacobian", self.jacobian(starts[:1]), (1, n, n)),
        ):
            if after.shape != shape:
                raise ValueError(f"{what} must answer shape {shape} to states (1, {n}), got {tuple(after.shape)}")

    def residual(self, states: Tensor) -> Tensor:
        return (self.step(states) - states)[:, self.free]

    def slope(self, states: Tensor) -> Tensor:
        slope = self.jacobian(states)[:, self.free[:, None], self.free]  # a copy, so that it may be written into
        slope.diagonal(dim1=1, dim2=2).sub_(1)
        return slope

    def moved(self, states: Tensor, steps: Tensor) -> Tensor:
        return states.index_add(1, self.free, steps)


def _check(starts: Tensor) -> None:
    if starts.ndim != 2 or not len(starts):
        raise ValueError(f"expected starts of shape (S, N), got {tuple(starts.shape)}")
    if starts.dtype != torch.float64:
        raise ValueError(f"fixed points need float64, got starts in {starts.dtype}")
    if not starts.isfinite().all():
        raise ValueError("starts must be finite")


def _free(starts: Tensor, held: Tensor | None) -> Tensor:
    free = torch.ones(starts.shape[1], dtype=torch.bool, device=starts.device)
    if held is not None:
        free[held] = False
    if not free.any():
        raise ValueError(f"all {len(free)} units are held, so that there is nothing to solve for")
    return free.nonzero().squeeze(1)


def _spread(starts: Tensor, centre: Tensor) -> float:
    """The starts' mean distance from their mean, or a length to replace it where all are the same."""
    return float(torch.linalg.vector_norm(starts - centre, dim=1).mean()) or float(centre.norm()) or 1.0


def _energy(residual: Tensor) -> Tensor:
    return residual.square().sum(1) / 2


def _search(
    problem: _Problem,
    starts: Tensor,
    spread: float,
    radius: float,
    iterations: int,
    tolerance: float,
    part: int,
    on_progress: Callable[[int], object],
) -> tuple[Tensor, Tensor]:
    """Where each start ends (S, N), and q there (S,); `part` starts at a time move by one step each."""
    states, q = starts.clone(), _energy(problem.residual(starts))
    damping = torch.full_like(q, DAMPING)
    active = q.isfinite().nonzero().squeeze(1)
    for _ in range(iterations):
        if not len(active):
            break
        going = []
        for some in active.split(part):
            lengths, trial = _proposed(problem, states[some], damping[some])
            q_trial = _energy(problem.residual(trial))
            better = q_trial < q[some]  # not where it is nan
            done = (q[some] < tolerance) & (lengths <= SETTLED * radius)
            stuck = ~better & ((lengths <= STALLED * spread) | (damping[some] > MOST))
            states[some] = torch.where(better[:, None], trial, states[some])
            q[some] = torch.where(better, q_trial, q[some])
            damping[some] = torch.where(better, (damping[some] * EASED).clamp_min(LEAST), damping[some] * RAISED)
            going.append(some[~(done | stuck)])
        active = torch.cat(going)
        on_progress(len(starts) - len(active))
    return states, q


def _proposed(problem: _Problem, states: Tensor, damping: Tensor) -> tuple[Tensor, Tensor]:
    """The damped Newton steps' lengths (B,), infinite where rounding left none, and where they lead (B, N)."""
    slope = problem.slope(states)
    downhill = -(slope.mT @ problem.residual(states).unsqueeze(2))
    normal = slope.mT @ slope
    diagonal = normal.diagonal(dim1=1, dim2=2)
    diagonal += (damping * diagonal.mean(1)).unsqueeze(1)
    factor, failed = torch.linalg.cholesky_ex(normal)
    steps = torch.cholesky_solve(downhill, factor).squeeze(2)
    lengths = torch.linalg.vector_norm(steps, dim=1)
    return lengths.masked_fill((failed > 0) | lengths.isnan(), torch.inf), problem.moved(states, steps)


def _merged(states: Tensor, q: Tensor, among: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Of the states `among` (S,), those that stand for all within the radius: indices (P,), by q, and how many (P,)."""
    remaining = q.argsort(stable=True)
    remaining = remaining[among[remaining]]
    chosen, counts = [], []
    while len(remaining):
        first = remaining[0]
        apart = torch.linalg.vector_norm(states[remaining] - states[first], dim=1) > radius
        chosen.append(int(first))
        counts.append(len(remaining) - int(apart.sum()))
        remaining = remaining[apart]
    return remaining.new_tensor(chosen), remaining.new_tensor(counts)


def _described(problem: _Problem, states: Tensor, part: int) -> tuple[Tensor, Tensor]:
    """Lengths of the Newton steps at states (P, N) and, by descending modulus, the Jacobian's eigenvalues (P, n)."""
    lengths, eigenvalues = [states.new_empty(0)], [states.new_empty(0, len(problem.free), dtype=torch.complex128)]
    for some in states.split(part) if len(states) else ():
        slope = problem.slope(some)
        newton = torch.linalg.pinv(slope, rtol=SINGULAR) @ problem.residual(some).unsqueeze(2)
        lengths.append(torch.linalg.vector_norm(newton.squeeze(2), dim=1))
        slope.diagonal(dim1=1, dim2=2).add_(1)
        values = torch.linalg.eigvals(slope)
        eigenvalues.append(values.gather(1, values.abs().argsort(dim=1, descending=True, stable=True)))
    return torch.cat(lengths), torch.cat(eigenvalues)
