"""How a state and a frame are moved on together: the schedule, settling, QR and its adjoint."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from randomnet.double_backward import backward_transformed, plain_vjp, transforms_active

ADAPTIVE_CONDITION = 100.0  # what `adaptive` lets the frame's condition grow to between QRs
ADAPTIVE_LONGEST = 20  # of such intervals, at least, make a record
FIRST_RECORD = 100.0  # units of time; `auto` judges this record first, then ones twice as long


class System(Protocol):
    """What a spectrum is computed from.

    A system may say `bounded = True`: its states cannot grow for ever, so that nobody has to look.
    """

    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) after `steps` steps from the time `start`, in steps.

        A function of its arguments: the sum rule, for one, asks for some steps twice.
        """
        ...


@dataclass(frozen=True)
class Schedule:
    """Times of one spectrum, in units of the system's time; `tons` may be 'adaptive'. See the package's text.

    tsim = 'auto': the record is doubled until all standard errors are at most `tolerance`, or it is tsim_max long.
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
            if value not in words and not (isinstance(value, Real) and 0 < value < math.inf):
                expected = " or ".join(["a finite number above 0", *map(repr, words)])
                raise ValueError(f"{name} must be {expected}, got {value!r}")
        for name in ("transient", "frame_transient"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a finite number not below 0, got {getattr(self, name)!r}")

    @property
    def first(self) -> float:
        """Length of the record that is judged first."""
        return min(FIRST_RECORD, self.tsim_max) if self.tsim == "auto" else float(self.tsim)


def random_frame(rng: np.random.Generator, k: int, n: int) -> np.ndarray:
    """k orthonormal tangent vectors (k, N), uniformly distributed. Raises ValueError for k > N."""
    if not 1 <= k <= n:
        raise ValueError(f"k must lie in 1..{n} (N), got {k}")
    drawn = torch.from_numpy(rng.standard_normal((n, k)))
    return torch.linalg.qr(drawn)[0].T.contiguous().numpy()  # torch's, whose threads are the run's


@dataclass(frozen=True)
class Settled:
    """Where the record, or the frame's transient, begins: bundle (..., 1 + k, N), time in steps, the QR interval."""

    bundle: Tensor
    now: int
    interval: float


def settle(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule, pause: Callable[[], None] = lambda: None
) -> Settled:
    """After the state's transient, with the frame still to settle; pause() is called now and then."""
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
    return Settled(bundle, now, _adapted(system, bundle.detach(), schedule, now) if adaptive else float(schedule.tons))


@torch.no_grad()
def _adapted(system: System, bundle: Tensor, schedule: Schedule, now: int) -> float:
    """The interval at which the frame's condition grows to ADAPTIVE_CONDITION, from the exponents of its transient."""
    intervals = max(ADAPTIVE_LONGEST, round(schedule.frame_transient / system.dt))
    _, logs = growth(system, bundle, [1] * intervals, now)
    rates = logs[len(logs) // 2 :].mean(0) / system.dt
    spread = float(rates.max() - rates.min())
    longest = schedule.first / ADAPTIVE_LONGEST
    wanted = math.log(ADAPTIVE_CONDITION) / spread if spread > 0 else longest
    return max(1, math.floor(min(wanted, longest) / system.dt)) * system.dt


def plan(time: float, interval: float, dt: float) -> list[int]:
    """Steps between reorthonormalisations: whole intervals, then what is left."""
    steps, every = round(time / dt), max(1, round(interval / dt))
    return [every] * (steps // every) + ([steps % every] if steps % every else [])


def growth(system: System, bundle: Tensor, steps: list[int], now: int) -> tuple[Tensor, Tensor]:
    """The bundle after intervals of `steps` each from time `now`, and ln |R_ii| of each, (intervals, ..., k).

    With gradient a system may do all of it at once, in a method advance_intervals(bundle, steps, reorthonormalization);
    see `rnn.Dynamics`.
    """
    if torch.is_grad_enabled() and hasattr(system, "advance_intervals"):
        whole = system.advance_intervals(bundle, steps, _QR)
        if whole is not None:
            return whole
    logs = []
    for some in steps:
        bundle = system.advance(bundle, some, now)
        now += some
        if torch.is_grad_enabled() and not transforms_active():
            bundle, grown = _Orthonormalise.apply(bundle)
        else:
            bundle, r = orthonormal(bundle)
            grown = log_diagonal(r)
        logs.append(grown)
    return bundle, torch.stack(logs)


def orthonormal(bundle: Tensor) -> tuple[Tensor, Tensor]:
    """The bundle with its tangent vectors orthonormalised, and R (..., k, k)."""
    q, r = torch.linalg.qr(bundle[..., 1:, :].mT)
    return _bundled(bundle[..., :1, :], q.mT, bundle), r


def log_diagonal(r: Tensor) -> Tensor:
    """ln |R_ii| (..., k) of R; a copy, as a view would keep all of R."""
    return r.diagonal(dim1=-2, dim2=-1).abs().log()


def _bundled(state: Tensor, frame: Tensor, like: Tensor) -> Tensor:
    """State (..., 1, N) and tangent vectors (..., k, N) in one, with the same axis dense in memory as in `like`."""
    if like.stride(-2) == 1:
        return torch.cat([state.mT, frame.mT], -1).mT
    return torch.cat([state, frame], -2)


class _QR:
    """QR of the tangent vectors of a bundle, and its adjoint: what `grow` does between intervals.

    Adjoint (Seeger et al. 2018), with the frame's vectors as rows W, A = R^T W and only ln |R_ii| used of R:
    A' = R^-1 (W' + (diag(l') - copyltu(W' W^T)) W), copyltu copying the lower triangle to the upper.
    """

    apply, growth = staticmethod(orthonormal), staticmethod(log_diagonal)

    @staticmethod
    def vjp(after: Tensor, r: Tensor, after_bar: Tensor, growth_bar: Tensor) -> Tensor:
        """The adjoint of the bundle before, from those of the bundle after it and of ln |R_ii| (..., k)."""
        frame, frame_bar = after[..., 1:, :], after_bar[..., 1:, :]
        products = frame_bar @ frame.mT
        mixed = products.tril().add_(products.tril(-1).mT).neg_()
        mixed.diagonal(dim1=-2, dim2=-1).add_(growth_bar)
        inner = (torch.addmm if frame.ndim == 2 else torch.baddbmm)(frame_bar, mixed, frame)
        solved = torch.linalg.solve_triangular(r.mT, inner.mT, upper=False, left=False).mT  # LAPACK's order: no copies
        return _bundled(after_bar[..., :1, :], solved, after)


class _Orthonormalise(torch.autograd.Function):
    """The bundle with an orthonormal frame, and ln |R_ii| (..., k)."""

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
