"""Forward Lyapunov vectors: the perturbations that will grow most, from QR of the transposed tangent back in time.

The first one is the adjoint of the first covariant vector: a perturbation grows at the largest rate in proportion to
its component along it. Covariant vector i is orthogonal to forward vectors 1 to i - 1. Of a matrix they are the
orthonormalized left eigenvectors.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov.covariant import CovariantVectors
from randomnet.lyapunov.growth import System, orthonormal


def forward_vectors(
    system: System,
    vectors: CovariantVectors,
    after: float,
    like: Tensor,
    on_progress: Callable[[float], None] = lambda time: None,
) -> np.ndarray:
    """The leading forward vectors (samples, k, N), orthonormal, at the samples of covariant vectors.

    after: time after the record from which they go back. like: a tensor with the system's device and precision. States
    between samples are computed again, so that memory does not grow with the record. on_progress(time): called at each
    sample with the time that is done.
    """
    steps = round(vectors.interval / system.dt)
    stored = torch.from_numpy(vectors.states).to(like)
    samples, k, n = vectors.covariant.shape
    ends = vectors.start + np.round(vectors.times / system.dt).astype(int)  # of the intervals before the samples
    extra = len(vectors.growth) - samples * vectors.stride + math.ceil(after / vectors.interval - 1e-9)
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((k, n))).to(like)
    rows = _orthonormal_rows(rows)
    results = np.empty((samples, k, n))
    for index in range(samples - 1, -1, -1):
        count = vectors.stride if index < samples - 1 else extra
        rows = _back(system, stored[index], rows, int(ends[index]), steps, count)
        results[index] = rows.cpu().numpy()
        on_progress((samples - index) * vectors.stride * vectors.interval)
    return results


def _back(system: System, state: Tensor, rows: Tensor, start: int, steps: int, count: int) -> Tensor:
    """Rows (k, N) after `count` intervals from `state` and time `start`, taken back to that time, orthonormal."""
    states = [state]
    for index in range(count - 1):
        states.append(system.advance(states[-1][None], steps, start + index * steps)[0].detach())
    for index in range(count - 1, -1, -1):
        rows = _orthonormal_rows(transposed_tangent(system, states[index], rows, steps, start + index * steps))
    return rows


def _orthonormal_rows(rows: Tensor) -> Tensor:
    return orthonormal(torch.cat([rows[:1], rows]))[0][1:]


def transposed_tangent(system: System, state: Tensor, rows: Tensor, steps: int, start: int) -> Tensor:
    """Rows (k, N) times the Jacobian of `steps` steps from `state` (N,) and time `start`: the transposed tangent.

    It is the gradient of the tangent vectors by those at the start, on which they depend linearly.
    """
    with torch.enable_grad():
        frame = torch.zeros_like(rows).requires_grad_()
        after = system.advance(torch.cat([state.detach()[None], frame]), steps, start)[1:]
        (gradient,) = torch.autograd.grad(after, frame, rows)
    return gradient
