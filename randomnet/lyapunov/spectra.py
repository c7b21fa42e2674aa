"""The spectrum of a system: in float64 and judged, or differentiable for training."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from randomnet.lyapunov.boundedness import grows_without_bound, usable
from randomnet.lyapunov.growth import Schedule, Settled, System, growth, log_diagonal, orthonormal, plan, settle
from randomnet.lyapunov.record import Spectrum

GRAPH_BYTES = 500e6  # what the graph of one gradient may keep; beyond it segments are recomputed
WORST_CONDITION = {torch.float32: 1e5, torch.float64: 1e12}  # of a frame before QR, for a gradient through it
CONDITIONS = 20  # QRs whose frame's condition is computed, at most, of the record that is judged first
PATIENCE = 50  # intervals of the frame's transient between looks at whether to go on
DETERMINANTS = 10  # intervals for which the sum rule is computed

OnProgress = Callable[[float], None]


def spectrum(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule, on_progress: OnProgress = lambda time: None
) -> Spectrum:
    """The k leading exponents from `state` (N,) with the initial `frame` (k, N), both float64, without gradient.

    tick(time) is told after every interval how much of the record there is, 0 before it begins; what it raises ends
    the computation. Raises ValueError where the system answers in another precision.
    """
    recorder = _begun(system, state, frame, schedule, on_progress)
    target = schedule.first
    while True:
        recorder.go_on(target, on_progress)
        (found,) = recorder.found(on_progress)
        if schedule.tsim != "auto" or target >= schedule.tsim_max or not found.needs_longer_record:
            return found
        target = min(2 * target, schedule.tsim_max)


def spectra_of_stack(
    system: System, states: Tensor, frames: Tensor, schedule: Schedule, on_progress: OnProgress = lambda time: None
) -> list[Spectrum]:
    """`spectrum` of every system of a stack, from states (runs, N) and frames (runs, k, N), side by side.

    Raises ValueError for a schedule that each would have to itself: tsim = 'auto' or tons = 'adaptive'.
    """
    if schedule.tsim == "auto" or schedule.tons == "adaptive":
        raise ValueError(f"spectra side by side need times in numbers, got tsim {schedule.tsim}, tons {schedule.tons}")
    recorder = _begun(system, states, frames, schedule, on_progress)
    recorder.go_on(schedule.first, on_progress)
    return recorder.found(on_progress)


def _begun(system: System, state: Tensor, frame: Tensor, schedule: Schedule, on_progress: OnProgress) -> "_Recorder":
    if state.dtype != torch.float64 or frame.dtype != torch.float64:
        raise ValueError(f"a reported spectrum must be float64, got {state.dtype} and {frame.dtype}")
    with torch.no_grad():
        return _Recorder(
            system, settle(system, state, frame, schedule, lambda: on_progress(0.0)), schedule, on_progress
        )


class _Recorder:
    """A record, of one system or of a stack of them, that can be made longer."""

    def __init__(self, system: System, settled: Settled, schedule: Schedule, on_progress: OnProgress) -> None:
        self.system, self.schedule, self.interval = system, schedule, settled.interval
        self.bundle, self.now = settled.bundle, settled.now
        settling = plan(schedule.frame_transient, self.interval, system.dt)
        for start in range(0, len(settling), PATIENCE):
            some = settling[start : start + PATIENCE]
            self.bundle, _ = growth(system, self.bundle, some, self.now)
            self.now += sum(some)
            on_progress(0.0)
        first = len(plan(schedule.first, self.interval, system.dt))
        if not first:
            raise ValueError(f"tsim must be at least one step of {system.dt:g}, got {schedule.first:g}")
        self.looks, self.checks = math.ceil(first / CONDITIONS), math.ceil(first / DETERMINANTS)
        self.full = self.bundle.shape[-2] - 1 == self.bundle.shape[-1]
        self.steps: list[int] = []
        self.done = 0  # steps of the record
        self.logs: list[Tensor] = []
        self.conditions: list[Tensor] = []
        self.residuals: list[tuple[Tensor, float]] = []  # of the sum rule, each with the time it is of
        self.bounded = getattr(system, "bounded", False)
        self.norms = [_norm(self.bundle)]  # of states that may grow, at the record's start and after each interval

    @torch.no_grad()
    def go_on(self, tsim: float, on_progress: OnProgress) -> None:
        """Until the record is `tsim` long."""
        dt = self.system.dt
        for steps in plan(tsim - self.done * dt, self.interval, dt):
            index = len(self.steps)
            expected = self._log_determinant(steps) if self.full and index % self.checks == 0 else None
            bundle = self.system.advance(self.bundle, steps, self.now)
            if bundle.dtype != torch.float64:
                raise ValueError(f"a reported spectrum must be float64, the system answers in {bundle.dtype}")
            self.bundle, r = orthonormal(bundle)
            self.logs.append(log_diagonal(r))
            if not self.bounded:
                self.norms.append(_norm(self.bundle))
            if index % self.looks == 0:
                self.conditions.append(_log10_condition(r))
            if expected is not None:
                self.residuals.append((self.logs[-1].sum(-1) - expected, steps * dt))
            self.now += steps
            self.steps.append(steps)
            self.done += steps
            on_progress(self.done * dt)

    def _log_determinant(self, steps: int) -> Tensor:
        """Sum of ln |det| of the Jacobians of the next steps."""
        state, total = self.bundle[..., :1, :], torch.zeros((), dtype=self.bundle.dtype, device=self.bundle.device)
        unit = torch.eye(state.shape[-1], dtype=state.dtype, device=state.device).expand(*state.shape[:-2], -1, -1)
        for step in range(steps):
            after = self.system.advance(torch.cat([state, unit], -2), 1, self.now + step)
            state, total = after[..., :1, :].clone(), total + torch.linalg.slogdet(after[..., 1:, :])[1]
        return total

    def found(self, on_progress: OnProgress) -> list[Spectrum]:
        """What the record says, of each system."""
        logs = torch.stack(self.logs)
        k, n = logs.shape[-1], self.bundle.shape[-1]
        logs = logs.view(len(logs), -1, k).cpu()
        states = self.bundle[..., 0, :].reshape(-1, n).cpu()
        conditions = torch.stack(self.conditions).view(len(self.conditions), -1).cpu()
        time = sum(time for _, time in self.residuals) if self.full else math.nan
        residuals = sum(part for part, _ in self.residuals) / time if self.full else torch.full((len(states),), time)
        spectra = [
            Spectrum(
                growth=logs[:, index].numpy().copy(),
                times=np.array(self.steps) * self.system.dt,
                state=states[index].numpy().copy(),
                conditions=conditions[:, index].numpy().copy(),
                steepest=float((logs[:, index].amax(-1) - logs[:, index].amin(-1)).max()) / math.log(10),
                sum_rule_residual=float(residuals.reshape(-1)[index]),
                transient=self.schedule.transient,
                frame_transient=self.schedule.frame_transient,
                tolerance=self.schedule.tolerance if self.schedule.tsim == "auto" else None,
            )
            for index in range(len(states))
        ]
        if self.bounded:
            return spectra
        norms = torch.stack(self.norms).view(len(self.norms), -1).log().cpu().numpy()
        return [self._judged(one, norms[:, index], index, on_progress) for index, one in enumerate(spectra)]

    def _judged(self, whole: Spectrum, log_norms: np.ndarray, index: int, on_progress: OnProgress) -> Spectrum:
        """The spectrum, or that of its record up to where the state became too large, if the state is unbounded."""
        count = usable(log_norms)
        if not count:
            return whole
        part = replace(whole, growth=whole.growth[:count], times=whole.times[:count], unbounded=True)
        error = float(part.stderr[0])
        norms = log_norms[: count + 1]
        after = partial(self._log_norm_after, index, on_progress)
        return part if grows_without_bound(norms, part.times, float(part.exponents[0]), error, after) else whole

    @torch.no_grad()
    def _log_norm_after(self, index: int, on_progress: OnProgress, time: float) -> float:
        """ln of max |state| of system `index`, so much time after the record; inf where it is not finite."""
        state, now = self.bundle[..., :1, :], self.now
        for steps in plan(time, PATIENCE * self.interval, self.system.dt):
            state = self.system.advance(state, steps, now)
            now += steps
            on_progress(self.done * self.system.dt)
        norm = float(_norm(state).reshape(-1)[index].log())
        return math.inf if math.isnan(norm) else norm


def _norm(bundle: Tensor) -> Tensor:
    """The largest magnitude in the state of a bundle (..., 1 + k, N), (...)."""
    return torch.linalg.vector_norm(bundle.select(-2, 0), math.inf, -1)


def _log10_condition(r: Tensor) -> Tensor:
    """log10 of the condition of R (..., k, k) in the 1-norm; inf where a direction has died."""
    unit = torch.eye(r.shape[-1], dtype=r.dtype, device=r.device).expand_as(r)
    inverse = torch.linalg.solve_triangular(r, unit, upper=True)
    condition = r.abs().sum(-2).amax(-1) * inverse.abs().sum(-2).amax(-1)
    return torch.where(condition < math.inf, condition, math.inf).log10()


def exponents(system: System, state: Tensor, frame: Tensor, schedule: Schedule) -> Tensor:
    """The k leading exponents (k,), sorted descending, differentiable in the system's parameters.

    Where the graph would exceed GRAPH_BYTES, segments of it are recomputed in the backward pass. Raises
    FloatingPointError where a frame before QR is too ill-conditioned for a gradient: a smaller tons helps, or float64.
    """
    found, steepness, _ = exponents_of_stack(system, state, frame, schedule)
    trouble = condition_problem(float(steepness), found.dtype)
    if trouble:
        raise FloatingPointError(trouble)
    return found


def exponents_of_stack(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule
) -> tuple[Tensor, Tensor, Tensor]:
    """The exponents (..., k) of one system or of a stack of them, which has states (runs, N) and frames (runs, k, N).

    Also, of each, how large the spread of ln |R_ii| at one QR became (...), for `condition_problem`, and the bundle
    (..., 1 + k, N) that the record ends with, without a graph.
    """
    if schedule.tsim == "auto":
        raise ValueError("exponents with a gradient need a tsim that is a number, got 'auto'")
    settled = settle(system, state, frame, schedule)
    bundle, now = settled.bundle, settled.now
    settling, record = (plan(time, settled.interval, system.dt) for time in (schedule.frame_transient, schedule.first))
    segments, logs = _segments(settling + record, bundle, getattr(system, "stages", 1)), []
    for segment in segments:
        part = (system, bundle, segment, now)
        if len(segments) == 1:
            bundle, grown = growth(*part)
        else:
            bundle, grown = checkpoint(growth, *part, use_reentrant=False, preserve_rng_state=False)
        now += sum(segment)
        logs.append(grown)
    every = torch.cat(logs)
    steepness = (every.detach().amax(-1) - every.detach().amin(-1)).amax(0)
    total = every[len(settling) :].sum(0)
    return torch.sort(total / (sum(record) * system.dt), descending=True).values, steepness, bundle.detach()


def condition_problem(steepness: float, dtype: torch.dtype) -> str:
    """What is wrong where ln |R_ii| differ by so much at one QR that its gradient is lost to rounding; or ''."""
    if not steepness > math.log(WORST_CONDITION[dtype]):
        return ""
    return (
        f"the frame's condition before QR reached 1e{steepness / math.log(10):.0f}, too much for a gradient in "
        f"{str(dtype).removeprefix('torch.')}; use a smaller tons, fewer exponents or float64"
    )


def _segments(steps: list[int], bundle: Tensor, stages: int) -> list[list[int]]:
    """The intervals in as many parts as keep the graph of one part and the bundles between parts in GRAPH_BYTES."""
    # the bundle and what enters its product at each stage of a step; the bundle and R at each QR
    held = (2 if stages == 1 else 3 * stages) * sum(steps) + 2 * len(steps)
    parts = math.ceil(held * bundle.numel() * bundle.element_size() / GRAPH_BYTES)
    size = math.ceil(len(steps) / min(parts, len(steps)))
    return [steps[start : start + size] for start in range(0, len(steps), size)]
