"""The Lyapunov spectrum of any system, with error bars, differentiable; dimension and entropy.

A system has a time step `dt` and `advance(bundle, steps, start)`, which moves a bundle (1 + k, N) - the state in row 0,
tangent vectors below - by exact steps and their exact derivative; `start` is the time in steps, for driven systems.
`rnn.Dynamics` and `rnn.AlongTrials` are such systems; `FromSteps` makes one of any step and tangent. Times are in units
of the system's time, exponents per unit of time, natural logarithm.

Benettin's method: the state settles (`transient`), then an orthonormal frame settles with it (`frame_transient`), then
the logarithms of its growth between reorthonormalisations (QR every `tons`) are averaged over `tsim`.

Cost: one product of J (N x N) with 1 + k columns per step, 2 N^2 (1 + k) operations; with gradient another one
backwards; QR adds 4 N k^2 per interval and its adjoint about 5 N k^2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

GRAPH_BYTES = 500e6  # what the graph of one gradient may keep; beyond it segments are recomputed
WORST_CONDITION = {torch.float32: 1e5, torch.float64: 1e12}  # of a frame before QR, for a gradient through it
BATCHES = 20  # of which the standard errors are made, at most; fewer where they would be shorter than
SHORTEST_BATCH = 4.0  # units of time, and none where they would be fewer than
FEWEST_BATCHES = 5
ADAPTIVE_CONDITION = 100.0  # what `adaptive` lets the frame's condition grow to between QRs


class System(Protocol):
    """What a spectrum is computed from."""

    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """State and tangent vectors (1 + k, N) after `steps` steps from the time `start`, in steps."""
        ...


@dataclass(frozen=True)
class FromSteps:
    """A System from `step(state (N,)) -> (N,)` and `tangent(state (N,), frame (k, N)) -> (k, N)`, any torch functions.

    The tangent must be the exact derivative of the step at the state before it.
    """

    step: Callable[[Tensor], Tensor]
    tangent: Callable[[Tensor, Tensor], Tensor]
    dt: float = 1.0

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors after `steps` steps; the time makes no difference."""
        for _ in range(steps):
            state = bundle[0]
            bundle = torch.cat([self.step(state)[None], self.tangent(state, bundle[1:])])
        return bundle


@dataclass(frozen=True)
class Schedule:
    """Times of one spectrum, in units of the system's time; `tons` may be 'adaptive'. See the module's text."""

    tsim: float = 200.0
    tons: float | str = 0.2
    transient: float = 10.0
    frame_transient: float = 10.0

    def __post_init__(self) -> None:
        if not self.tsim > 0 or not self.transient >= 0 or not self.frame_transient >= 0:
            raise ValueError(f"tsim must be above 0 and transients not below 0, got {self}")
        if self.tons != "adaptive" and not (isinstance(self.tons, (int, float)) and self.tons > 0):
            raise ValueError(f"tons must be a number above 0 or 'adaptive', got {self.tons!r}")


@dataclass(frozen=True)
class Spectrum:
    """Leading exponents, sorted descending, with what a reader needs to judge them.

    exponents, stderr: (k,) float64, per unit of time; stderr by batch means, nan where the record is too short.
    log10_condition: of a frame before QR, the largest, by R's diagonal (a lower bound). interval: time between QRs.
    state: (N,), where the record ends. The errors are those of one trajectory: another start may end elsewhere.
    """

    exponents: np.ndarray
    stderr: np.ndarray
    log10_condition: float
    interval: float
    state: np.ndarray


def random_frame(rng: np.random.Generator, k: int, n: int) -> np.ndarray:
    """k orthonormal tangent vectors (k, N), uniformly distributed. Raises ValueError for k > N."""
    if not 1 <= k <= n:
        raise ValueError(f"k must lie in 1..{n} (N), got {k}")
    drawn = torch.from_numpy(rng.standard_normal((n, k)))
    return torch.linalg.qr(drawn)[0].T.contiguous().numpy()  # torch's, whose threads are the run's


def spectrum(system: System, state: Tensor, frame: Tensor, schedule: Schedule) -> Spectrum:
    """The k leading exponents from `state` (N,) with the initial `frame` (k, N), both float64, without gradient."""
    if state.dtype != torch.float64 or frame.dtype != torch.float64:
        raise ValueError(f"a reported spectrum must be float64, got {state.dtype} and {frame.dtype}")
    with torch.no_grad():
        bundle, now, settling, plan = _settle(system, state, frame, schedule)
        bundle, logs = _growth(system, bundle, settling + plan, now)
        logs = logs[len(settling) :]
        rates = logs.cpu().numpy() / (np.array(plan)[:, None] * system.dt)
        weights = np.array(plan) / sum(plan)
        exponents = (rates * weights[:, None]).sum(0)
        order = np.argsort(-exponents, kind="stable")
        return Spectrum(
            exponents[order],
            _batch_errors(rates, weights, sum(plan) * system.dt)[order],
            float((logs.max(1).values - logs.min(1).values).max()) / math.log(10),
            plan[0] * system.dt,
            bundle[0].cpu().numpy(),
        )


def exponents(system: System, state: Tensor, frame: Tensor, schedule: Schedule) -> Tensor:
    """The k leading exponents (k,), sorted descending, differentiable in the system's parameters.

    Where the graph would exceed GRAPH_BYTES, segments of it are recomputed in the backward pass. Raises
    FloatingPointError where a frame before QR is too ill-conditioned for a gradient: a smaller tons helps, or float64.
    """
    bundle, now, settling, plan = _settle(system, state, frame, schedule)
    segments, logs = _segments(settling + plan, bundle), []
    for segment in segments:
        part = (system, bundle, segment, now)
        if len(segments) == 1:
            bundle, grown = _growth(*part)
        else:
            bundle, grown = checkpoint(_growth, *part, use_reentrant=False, preserve_rng_state=False)
        now += sum(segment)
        _check_condition(grown.detach())
        logs.append(grown)
    total = torch.cat(logs)[len(settling) :].sum(0)
    return torch.sort(total / (sum(plan) * system.dt), descending=True).values


def kaplan_yorke(exponents: np.ndarray, n: int) -> float:
    """Kaplan-Yorke dimension of descending exponents (k,) of an N-dimensional system, interpolated.

    0 where the largest is negative, N where all of a full spectrum sum to >= 0, nan where a partial spectrum is too
    short to tell (raise nle).
    """
    if np.isnan(exponents).any():
        return math.nan
    sums = np.cumsum(exponents)
    crossing = np.flatnonzero(sums < 0)
    if not len(crossing):
        return float(n) if len(exponents) == n else math.nan
    k = int(crossing[0])
    return 0.0 if k == 0 else k + sums[k - 1] / abs(exponents[k])


def entropy(exponents: np.ndarray) -> float:
    """Entropy rate h_KS: the sum of the positive exponents (an upper bound; a lower one if the last is positive)."""
    return float(exponents[~(exponents <= 0)].sum())  # nan stays nan


class _Orthonormalise(torch.autograd.Function):
    """QR of the tangent vectors of a bundle; returns the bundle with an orthonormal frame and ln |R_ii| (k,).

    Adjoint (Seeger et al. 2018), with the frame's vectors as rows W, A = R^T W and only ln |R_ii| used of R:
    A' = R^-1 (W' + (diag(l') - copyltu(W' W^T)) W), copyltu copying the lower triangle to the upper.
    """

    @staticmethod
    def forward(ctx, bundle):  # noqa: ANN205
        after, r = _qr(bundle)
        ctx.save_for_backward(after, r)
        return after, r.diagonal().abs().log()

    @staticmethod
    @once_differentiable
    def backward(ctx, bundle_bar, logs_bar):  # noqa: ANN205
        after, r = ctx.saved_tensors
        frame, frame_bar = after[1:], bundle_bar[1:]
        products = torch.tril(frame_bar @ frame.mT)
        mixed = -(products + torch.tril(products, -1).mT)
        mixed.diagonal().add_(logs_bar)
        inner = torch.addmm(frame_bar, mixed, frame)
        return torch.cat([bundle_bar[:1], torch.linalg.solve_triangular(r, inner, upper=True)])


def _qr(bundle: Tensor) -> tuple[Tensor, Tensor]:
    """The bundle with its tangent vectors orthonormalised, and R (k, k)."""
    q, r = torch.linalg.qr(bundle[1:].mT)
    return torch.cat([bundle[:1], q.mT]), r


def _growth(system: System, bundle: Tensor, plan: list[int], now: int) -> tuple[Tensor, Tensor]:
    """The bundle after the intervals of `plan` (steps each) from time `now`, and ln |R_ii| of each, (intervals, k)."""
    logs = []
    for steps in plan:
        bundle = system.advance(bundle, steps, now)
        now += steps
        if torch.is_grad_enabled():
            bundle, grown = _Orthonormalise.apply(bundle)
        else:
            bundle, r = _qr(bundle)
            grown = r.diagonal().abs().log()  # a copy: a view would keep all of R
        logs.append(grown)
    return bundle, torch.stack(logs)


def _check_condition(logs: Tensor) -> None:
    """FloatingPointError where ln |R_ii| (intervals, k) tell of a frame too ill-conditioned for a gradient."""
    spread = float((logs.max(1).values - logs.min(1).values).max())
    if spread > math.log(WORST_CONDITION[logs.dtype]):
        raise FloatingPointError(
            f"the frame's condition before QR reached 1e{spread / math.log(10):.0f}, too much for a gradient in "
            f"{str(logs.dtype).removeprefix('torch.')}; use a smaller tons, fewer exponents or float64"
        )


def _settle(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule
) -> tuple[Tensor, int, list[int], list[int]]:
    """After the state's transient: the bundle, the time, the intervals (in steps) of frame transient and record."""
    if frame.ndim != 2 or state.shape != frame.shape[1:] or not 1 <= len(frame) <= len(state):
        raise ValueError(
            f"expected state (N,) and frame (k, N) with 1 <= k <= N, got {tuple(state.shape)} and {tuple(frame.shape)}"
        )
    bundle, now = state[None], 0
    for steps in _plan(schedule.transient, 100 * system.dt, system.dt):
        bundle = system.advance(bundle, steps, now)
        now += steps
    bundle = torch.cat([bundle, frame])
    adaptive = schedule.tons == "adaptive"
    interval = _adapted(system, bundle.detach(), schedule, now) if adaptive else float(schedule.tons)
    settling = _plan(schedule.frame_transient, interval, system.dt)
    return bundle, now, settling, _plan(schedule.tsim, interval, system.dt)


@torch.no_grad()
def _adapted(system: System, bundle: Tensor, schedule: Schedule, now: int) -> float:
    """The interval at which the frame's condition grows to ADAPTIVE_CONDITION, from the exponents of its transient."""
    intervals = max(BATCHES, round(schedule.frame_transient / system.dt))
    _, logs = _growth(system, bundle, [1] * intervals, now)
    rates = logs[len(logs) // 2 :].mean(0) / system.dt
    spread = float(rates.max() - rates.min())
    longest = schedule.tsim / BATCHES
    wanted = math.log(ADAPTIVE_CONDITION) / spread if spread > 0 else longest
    return max(1, math.floor(min(wanted, longest) / system.dt)) * system.dt


def _plan(time: float, interval: float, dt: float) -> list[int]:
    """Steps between reorthonormalisations: whole intervals, then what is left."""
    steps, every = round(time / dt), max(1, round(interval / dt))
    return [every] * (steps // every) + ([steps % every] if steps % every else [])


def _segments(plan: list[int], bundle: Tensor) -> list[list[int]]:
    """The plan in as many parts as keep the graph of one part, and the bundles between parts, within GRAPH_BYTES."""
    # the bundle and what enters its product at each step; the bundle and R at each QR
    held = 2 * sum(plan) + 2 * len(plan)
    parts = math.ceil(held * bundle.numel() * bundle.element_size() / GRAPH_BYTES)
    size = math.ceil(len(plan) / min(parts, len(plan)))
    return [plan[start : start + size] for start in range(0, len(plan), size)]


def _batch_errors(rates: np.ndarray, weights: np.ndarray, time: float) -> np.ndarray:
    """Standard errors of the mean rates (intervals, k) over `time`, by batch means; nan where there are too few."""
    count = min(BATCHES, int(time / SHORTEST_BATCH + 1e-9), len(rates))
    if count < FEWEST_BATCHES:
        return np.full(rates.shape[1], np.nan)
    batches = np.array_split(np.arange(len(rates)), count)
    means = np.array([np.average(rates[batch], axis=0, weights=weights[batch]) for batch in batches])
    with np.errstate(invalid="ignore"):  # a direction that dies at once has exponent -inf and no error: nan
        return means.std(axis=0, ddof=1) / math.sqrt(count)
