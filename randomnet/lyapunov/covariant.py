"""Covariant Lyapunov vectors: the directions that grow at each exponent's rate, forward and backward in time.

Method of Ginelli et al. (2007), Physical Review Letters 99, 130601. QR along the trajectory gives orthonormal vectors
Q_n (the backward Lyapunov vectors) and R_n with Q_n R_n = J_n Q_(n-1). A covariant vector is Q_n c_n, with coefficients
that obey c_n ~ R_n c_(n-1). Going back in time, c_(n-1) ~ R_n^-1 c_n converges from almost any upper triangular matrix.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov.batches import batch_errors
from randomnet.lyapunov.growth import Schedule, System, orthonormal, plan, settle

LEAST_RATIO = 1e-12  # of two diagonal elements of R between QRs; below it the smaller one is rounding error


@dataclass(frozen=True)
class CovariantVectors:
    """Covariant and backward Lyapunov vectors of the k leading exponents, along a record.

    times: (samples,), times of the samples from the start of the record, in units of the system's time.
    states: (samples, N).
    covariant: (samples, k, N), of norm 1, by exponents in descending order; the sign is arbitrary.
    backward: (samples, k, N), orthonormal, from Gram-Schmidt along the past.
    growth: (intervals, k), growth rate of each covariant vector over every interval of the record.
    interval: time between two QRs.
    stride: intervals between two samples.
    start: the steps of the system before the record.
    """

    times: np.ndarray
    states: np.ndarray
    covariant: np.ndarray
    backward: np.ndarray
    growth: np.ndarray
    interval: float
    stride: int = 1
    start: int = 0

    @property
    def exponents(self) -> np.ndarray:
        """(k,): mean growth rates of the covariant vectors, which are the Lyapunov exponents."""
        return self.growth.mean(0)

    @cached_property
    def stderr(self) -> np.ndarray:
        """(k,): standard errors of `exponents` from batch means; nan where the record is too short."""
        return batch_errors(self.growth, np.full(len(self.growth), self.interval))

    @cached_property
    def weights(self) -> np.ndarray:
        """(k, N): mean squared component of each covariant vector on each neuron; each row sums to 1."""
        return np.square(self.covariant).mean(0)

    @cached_property
    def backward_weights(self) -> np.ndarray:
        """(k, N): the same of the backward vectors."""
        return np.square(self.backward).mean(0)

    @property
    def participation(self) -> np.ndarray:
        """(k,): mean participation ratio 1 / sum v^4, from 1 (one neuron) to N (all equally)."""
        return participation_ratio(self.covariant).mean(0)

    @property
    def backward_participation(self) -> np.ndarray:
        """(k,): the mean participation ratio of the backward vectors."""
        return participation_ratio(self.backward).mean(0)

    @property
    def participation_stderr(self) -> np.ndarray:
        """(k,): standard errors of `participation` from batch means; nan where the record is too short."""
        ratios = participation_ratio(self.covariant)
        return batch_errors(ratios, np.full(len(ratios), self.stride * self.interval))

    def angles(self, unstable: int) -> np.ndarray:
        """(samples,): the smallest angle between the first `unstable` directions and the others, in radians.

        An angle near 0 means that directions that grow and directions that shrink nearly coincide. Raises ValueError
        unless both groups have a vector.
        """
        k = self.covariant.shape[1]
        if not 0 < unstable < k:
            raise ValueError(f"expected from 1 to {k - 1} unstable directions of {k}, got {unstable}")
        parts = self.covariant[:, :unstable], self.covariant[:, unstable:]
        first, second = (np.linalg.qr(part.transpose(0, 2, 1))[0] for part in parts)
        cosines = np.linalg.svd(first.transpose(0, 2, 1) @ second, compute_uv=False)[:, 0]
        return np.arccos(np.clip(cosines, 0.0, 1.0))


def participation_ratio(vectors: np.ndarray) -> np.ndarray:
    """The participation ratio (...) of vectors (..., N) of norm 1."""
    return 1.0 / np.sum(vectors**4, -1)


@torch.no_grad()
def covariant_vectors(
    system: System,
    state: Tensor,
    frame: Tensor,
    schedule: Schedule,
    backward_transient: float | None = None,
    every: int = 1,
    on_progress: Callable[[float], None] = lambda time: None,
) -> CovariantVectors:
    """The covariant vectors of the k leading exponents, from `state` (N,) and `frame` (k, N), both float64.

    schedule: tsim is the length of the record and a number, tons the time between QRs. backward_transient: time after
    the record from which the coefficients go back, by default the frame_transient. every: intervals between two stored
    samples; memory is (intervals k^2 + samples k N) numbers. on_progress(time): called along the record. Raises
    ValueError for another precision, tsim = 'auto' or tons = 'adaptive', and FloatingPointError where a state is not
    finite or a direction vanishes between two QRs.
    """
    if state.dtype != torch.float64 or frame.dtype != torch.float64:
        raise ValueError(f"covariant vectors must be float64, got {state.dtype} and {frame.dtype}")
    if schedule.tsim == "auto" or schedule.tons == "adaptive":
        raise ValueError(f"covariant vectors need times in numbers, got tsim {schedule.tsim}, tons {schedule.tons}")
    settled = settle(system, state, frame, schedule)
    bundle, now, dt = settled.bundle, settled.now, system.dt
    steps = max(1, round(settled.interval / dt))
    for count in plan(schedule.frame_transient, settled.interval, dt):
        bundle, _ = orthonormal(system.advance(bundle, count, now))
        now += count
    record, before = max(1, round(schedule.first / (steps * dt))), now
    extra = schedule.frame_transient if backward_transient is None else backward_transient
    after = math.ceil(extra / (steps * dt))
    rs, bundles = [], []
    for index in range(record + after):
        bundle, r = orthonormal(system.advance(bundle, steps, now))
        now += steps
        rs.append(r.clone())
        if index < record and (index + 1) % every == 0:
            bundles.append(bundle.clone())
        on_progress((index + 1) * steps * dt)
    if not torch.isfinite(bundle).all():
        raise FloatingPointError("the state or the frame is not finite any more; there is no attractor")
    _check_condition(rs)
    coefficients, growth = _backward(rs, record, steps * dt, every)
    chosen = torch.arange(every - 1, record, every)
    stored = torch.stack(bundles)
    vectors = coefficients.mT @ stored[:, 1:]
    return CovariantVectors(
        times=(chosen.numpy() + 1.0) * steps * dt,
        states=stored[:, 0].cpu().numpy(),
        covariant=vectors.cpu().numpy(),
        backward=stored[:, 1:].cpu().numpy(),
        growth=growth.cpu().numpy(),
        interval=steps * dt,
        stride=every,
        start=before,
    )


def _check_condition(rs: list[Tensor]) -> None:
    """Raise FloatingPointError where a direction vanishes among the others between two QRs: R has no inverse."""
    diagonals = torch.stack([r.diagonal() for r in rs]).abs()
    worst = float((diagonals.amin(-1) / diagonals.amax(-1)).min())
    if not worst > LEAST_RATIO:
        raise FloatingPointError(
            f"a direction shrinks by a factor of {worst:.1g} against another one between two QRs, so that rounding "
            "hides it; use a smaller tons or fewer vectors"
        )


def _backward(rs: list[Tensor], record: int, interval: float, every: int) -> tuple[Tensor, Tensor]:
    """Coefficients (samples, k, k), columns of norm 1, at the samples; growth rates (record, k) over each interval."""
    k = rs[0].shape[-1]
    rng = np.random.default_rng(0)
    start = np.triu(rng.standard_normal((k, k)), 1) + np.eye(k)  # almost any triangular matrix converges
    current = torch.from_numpy(start).to(rs[0])
    current = current / torch.linalg.vector_norm(current, dim=0)
    coefficients, growth = [], []
    for index in range(len(rs) - 1, -1, -1):
        before = torch.linalg.solve_triangular(rs[index], current, upper=True)
        norms = torch.linalg.vector_norm(before, dim=0)
        if index < record and (index + 1) % every == 0:
            coefficients.append(current)
        if index < record:
            growth.append(-norms.log() / interval)
        current = before / norms
    return torch.stack(coefficients[::-1]), torch.stack(growth[::-1])
