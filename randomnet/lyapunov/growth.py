"""Growth of a frame along a trajectory: the schedule, transients, QR and its adjoint."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from randomnet.double_backward import backward_transformed, plain_vjp, transforms_active

ADAPTIVE_CONDITION = 100.0  # condition number that the frame may reach between QRs with tons = 'adaptive'
ADAPTIVE_LEAST = 20  # smallest number of adaptive intervals in a record
FIRST_RECORD = 100.0  # units of time; tsim = 'auto' starts with this length and doubles it


class System(Protocol):
    """A dynamical system with a Lyapunov spectrum.

    A system may have an attribute `bounded = True`, which means that its states cannot grow without bound.
    """

    @property
    def dt(self) -> float:
        """The time of a step, in tau."""
        ...

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) after `steps` steps from the time `start`, in steps.

        The result must depend on the arguments only, because some steps are evaluated twice, as for the sum rule.
        """
        ...


@dataclass(frozen=True)
class Schedule:
    """Times of one spectrum, in units of the system's time; see the docstring of the package.

    tons: time between QRs, or 'adaptive'. tsim: length of the record, or 'auto', which doubles the record until all
    standard errors are at most `tolerance`, or its length is tsim_max. Raises ValueError for invalid times.
    """

    tsim: float | str = 200.0
    tons: float | str = 0.2
    transient: float = 10.0
    frame_transient: float = 10.0
    tolerance: float = 0.01
    tsim_max: float = 10_000.0

    def __post_init__(self) -> None:
        for name, words in (("tsim", ("auto",)), ("tons", ("adaptive",)), ("tolerance", ()), ("tsim_max", ())):
            value = getattr(self, name)
            if value not in words and not (isinstance(value, Real) and 0 < float(value) < math.inf):
                expected = " or ".join(["a finite number above 0", *map(repr, words)])
                raise ValueError(f"{name} must be {expected}, got {value!r}")
        for name in ("transient", "frame_transient"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a finite number not below 0, got {getattr(self, name)!r}")

    @property
    def first(self) -> float:
        """Length of the first record."""
        return min(FIRST_RECORD, self.tsim_max) if self.tsim == "auto" else float(self.tsim)


def random_frame(rng: np.random.Generator, k: int, n: int) -> np.ndarray:
    """k orthonormal tangent vectors (k, N), uniformly distributed. Raises ValueError for k > N."""
    if not 1 <= k <= n:
        raise ValueError(f"k must lie in 1..{n} (N), got {k}")
    normal = torch.from_numpy(rng.standard_normal((n, k)))
    return torch.linalg.qr(normal)[0].T.contiguous().numpy()  # torch's QR respects the thread limit of a run


@dataclass(frozen=True)
class Settled:
    """The end of the state's transient: bundle (..., 1 + k, N), time `now` in steps, and interval between QRs."""

    bundle: Tensor
    now: int
    interval: float


def settle(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule, pause: Callable[[], None] = lambda: None
) -> Settled:
    """The state after its transient, with the initial frame. pause() is called regularly.

    Raises ValueError where the shapes of state and frame do not match.
    """
    fits = frame.ndim == state.ndim + 1 and state.shape == frame.shape[:-2] + frame.shape[-1:]
    if not fits or not 1 <= frame.shape[-2] <= frame.shape[-1]:
        raise ValueError(
            f"expected state (N,) and frame (k, N) with 1 <= k <= N, got {tuple(state.shape)} and {tuple(frame.shape)}"
        )
    bundle, now = state.unsqueeze(-2), 0
    for steps in plan(schedule.transient, 100 * system.dt, system.dt):
        bundle = system.advance(bundle, steps, now)
        now += steps
        pause()
    bundle = torch.cat([bundle, frame], -2)
    adaptive = schedule.tons == "adaptive"
    interval = _adaptive_interval(system, bundle.detach(), schedule, now) if adaptive else float(schedule.tons)
    return Settled(bundle, now, interval)


@torch.no_grad()
def _adaptive_interval(system: System, bundle: Tensor, schedule: Schedule, now: int) -> float:
    """The time in which the frame's condition number grows to ADAPTIVE_CONDITION, estimated during its transient."""
    intervals = max(ADAPTIVE_LEAST, round(schedule.frame_transient / system.dt))
    _, logs = growth(system, bundle, [1] * intervals, now)
    rates = logs[len(logs) // 2 :].mean(0) / system.dt
    spread = float(rates.max() - rates.min())
    longest = schedule.first / ADAPTIVE_LEAST
    interval = math.log(ADAPTIVE_CONDITION) / spread if spread > 0 else longest
    return max(1, math.floor(min(interval, longest) / system.dt)) * system.dt


def plan(time: float, interval: float, dt: float) -> list[int]:
    """Numbers of steps between QRs: whole intervals, then the remainder."""
    steps, interval_steps = round(time / dt), max(1, round(interval / dt))
    remainder = steps % interval_steps
    return [interval_steps] * (steps // interval_steps) + ([remainder] if remainder else [])


def growth(system: System, bundle: Tensor, intervals: list[int], now: int) -> tuple[Tensor, Tensor]:
    """The bundle after `intervals` (in steps) from time `now`, with a QR after each, and ln |R_ii| (intervals, ..., k).

    For gradients a system may compute all intervals at once in a method advance_intervals(bundle, intervals,
    reorthonormalization), as in `rnn.Dynamics`, and without gradient in record_intervals(bundle, intervals).
    """
    if torch.is_grad_enabled() and hasattr(system, "advance_intervals"):
        at_once = system.advance_intervals(bundle, intervals, _QR)
        if at_once is not None:
            return at_once
    elif hasattr(system, "record_intervals"):
        recorded = system.record_intervals(bundle, intervals)
        if recorded is not None:
            return recorded.bundle, recorded.growth
    logs = []
    for steps in intervals:
        bundle = system.advance(bundle, steps, now)
        now += steps
        if torch.is_grad_enabled() and not transforms_active():
            bundle, log_growth = _Orthonormalise.apply(bundle)
        else:
            bundle, r = orthonormal(bundle)
            log_growth = log_diagonal(r)
        logs.append(log_growth)
    return bundle, torch.stack(logs)


def orthonormal(bundle: Tensor) -> tuple[Tensor, Tensor]:
    """The bundle with orthonormalized tangent vectors, and R (..., k, k)."""
    q, r = torch.linalg.qr(bundle[..., 1:, :].mT)
    return _bundled(bundle[..., :1, :], q.mT, bundle), r


def log_diagonal(r: Tensor) -> Tensor:
    """ln |R_ii| (..., k) as a copy, because a view would keep all of R in memory."""
    return r.diagonal(dim1=-2, dim2=-1).abs().log()


def _bundled(state: Tensor, frame: Tensor, like: Tensor) -> Tensor:
    """State (..., 1, N) and tangent vectors (..., k, N) as one bundle, with the memory layout of `like`."""
    if like.stride(-2) == 1:
        return torch.cat([state.mT, frame.mT], -1).mT
    return torch.cat([state, frame], -2)


class _QR:
    """QR of the tangent vectors of a bundle, with its adjoint: an `rnn.bundle_steps.Reorthonormalization`.

    The adjoint (Seeger et al. 2018) is A' = R^-1 (W' + (diag(l') - copyltu(W' W^T)) W). Frame vectors are the rows of A
    (before) and W (after), A = R^T W, and only l = ln |R_ii| of R is used. copyltu copies the lower triangle to the
    upper one.
    """

    apply, growth = staticmethod(orthonormal), staticmethod(log_diagonal)

    @staticmethod
    def vjp(after: Tensor, r: Tensor, after_bar: Tensor, growth_bar: Tensor) -> Tensor:
        """The adjoint of the bundle before the QR, from those of the bundle after it and of ln |R_ii| (..., k)."""
        frame, frame_bar = after[..., 1:, :], after_bar[..., 1:, :]
        products = frame_bar @ frame.mT
        mixed = products.tril().add_(products.tril(-1).mT).neg_()
        mixed.diagonal(dim1=-2, dim2=-1).add_(growth_bar)
        inner = (torch.addmm if frame.ndim == 2 else torch.baddbmm)(frame_bar, mixed, frame)
        solved = torch.linalg.solve_triangular(r.mT, inner.mT, upper=False, left=False).mT  # LAPACK's order: no copies
        return _bundled(after_bar[..., :1, :], solved, after)


class _Orthonormalise(torch.autograd.Function):
    """The bundle with an orthonormal frame, and ln |R_ii| (..., k), with the adjoint of `_QR`."""

    @staticmethod
    def forward(ctx, bundle):  # noqa: ANN205
        after, r = _QR.apply(bundle)
        ctx.save_for_backward(bundle, after, r)
        return after, _QR.growth(r)

    @staticmethod
    def backward(ctx, bundle_bar, growth_bar):  # noqa: ANN205
        bundle, after, r = ctx.saved_tensors
        if backward_transformed(bundle_bar, growth_bar):
            return plain_vjp(_orthonormal_and_growth, [bundle], [True], [bundle_bar, growth_bar])[0]
        return _QR.vjp(after, r, bundle_bar, growth_bar)


def _orthonormal_and_growth(bundle: Tensor) -> tuple[Tensor, Tensor]:
    after, r = orthonormal(bundle)
    return after, log_diagonal(r)
