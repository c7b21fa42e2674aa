"""The Lyapunov spectrum of a system: reported in float64 with a verdict, or differentiable for training."""

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

GRAPH_BYTES = 500e6  # largest graph of one gradient; segments of a larger one are recomputed
WORST_CONDITION = {torch.float32: 1e5, torch.float64: 1e12}  # condition number before QR that allows a gradient
CONDITIONS = 20  # largest number of QRs in the first record at which the condition number is computed
PROGRESS_INTERVALS = 50  # intervals of the frame's transient between calls of on_progress
DETERMINANTS = 10  # largest number of intervals in the first record for which the sum rule is computed

AT_ONCE = 2**30  # multiplications in one call, which take about a tenth of a second; progress is reported after it
KEPT_AT_ONCE = 2**22  # numbers kept from one call

OnProgress = Callable[[float], None]


def spectrum(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule, on_progress: OnProgress = lambda time: None
) -> Spectrum:
    """The k leading exponents from the initial `state` (N,) and `frame` (k, N), both float64, without gradient.

    on_progress(time) is called after one or some intervals with the length of the record, which is 0 during transients.
    An exception that it raises ends the computation. Raises ValueError where the system returns another precision.
    """
    recorder = _start_recorder(system, state, frame, schedule, on_progress)
    target = schedule.first
    while True:
        recorder.extend(target, on_progress)
        (result,) = recorder.spectra(on_progress)
        if schedule.tsim != "auto" or target >= schedule.tsim_max or not result.needs_longer_record:
            return result
        target = min(2 * target, schedule.tsim_max)


def spectra_of_stack(
    system: System, states: Tensor, frames: Tensor, schedule: Schedule, on_progress: OnProgress = lambda time: None
) -> list[Spectrum]:
    """The `spectrum` of every system of a stack, from states (runs, N) and frames (runs, k, N), computed together.

    Raises ValueError for tsim = 'auto' or tons = 'adaptive', which depend on the single system.
    """
    if schedule.tsim == "auto" or schedule.tons == "adaptive":
        raise ValueError(f"spectra side by side need times in numbers, got tsim {schedule.tsim}, tons {schedule.tons}")
    recorder = _start_recorder(system, states, frames, schedule, on_progress)
    recorder.extend(schedule.first, on_progress)
    return recorder.spectra(on_progress)


def _start_recorder(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule, on_progress: OnProgress
) -> "_Recorder":
    if state.dtype != torch.float64 or frame.dtype != torch.float64:
        raise ValueError(f"a reported spectrum must be float64, got {state.dtype} and {frame.dtype}")
    with torch.no_grad():
        return _Recorder(
            system, settle(system, state, frame, schedule, lambda: on_progress(0.0)), schedule, on_progress
        )


class _Recorder:
    """A record of one system or of a stack of systems, which can be extended."""

    def __init__(self, system: System, settled: Settled, schedule: Schedule, on_progress: OnProgress) -> None:
        self.system, self.schedule, self.interval = system, schedule, settled.interval
        self.bundle, self.now = settled.bundle, settled.now
        transient = plan(schedule.frame_transient, self.interval, system.dt)
        for start in range(0, len(transient), PROGRESS_INTERVALS):
            intervals = transient[start : start + PROGRESS_INTERVALS]
            self.bundle, _ = growth(system, self.bundle, intervals, self.now)
            self.now += sum(intervals)
            on_progress(0.0)
        first = len(plan(schedule.first, self.interval, system.dt))
        if not first:
            raise ValueError(f"tsim must be at least one step of {system.dt:g}, got {schedule.first:g}")
        self.condition_every, self.determinant_every = math.ceil(first / CONDITIONS), math.ceil(first / DETERMINANTS)
        self.is_full = self.bundle.shape[-2] - 1 == self.bundle.shape[-1]
        self.steps: list[int] = []
        self.done = 0  # steps of the record
        self.logs: list[Tensor] = []  # these and the next are parts of the record, with a leading axis of intervals
        self.conditions: list[Tensor] = []
        self.residuals: list[tuple[Tensor, float]] = []  # residuals of the sum rule, with the lengths of the intervals
        self.bounded = getattr(system, "bounded", False)
        self.norms = [_norm(self.bundle)[None]]  # at the start of the record and after each interval, unless bounded

    @torch.no_grad()
    def extend(self, tsim: float, on_progress: OnProgress) -> None:
        """Extend the record to the length `tsim`."""
        dt, intervals = self.system.dt, plan(tsim - self.done * self.system.dt, self.interval, self.system.dt)
        while intervals:
            count = self._recorded_at_once(intervals, on_progress)
            intervals = intervals[count:]
            if count:
                continue
            steps, *intervals = intervals
            index = len(self.steps)
            has_determinant = self.is_full and index % self.determinant_every == 0
            log_determinant = self._log_determinant(steps) if has_determinant else None
            bundle = self.system.advance(self.bundle, steps, self.now)
            if bundle.dtype != torch.float64:
                raise ValueError(f"a reported spectrum must be float64, the system answers in {bundle.dtype}")
            self.bundle, r = orthonormal(bundle)
            self.logs.append(log_diagonal(r)[None])
            if not self.bounded:
                self.norms.append(_norm(self.bundle)[None])
            if index % self.condition_every == 0:
                self.conditions.append(_log10_condition(r)[None])
            if log_determinant is not None:
                self.residuals.append((self.logs[-1][0].sum(-1) - log_determinant, steps * dt))
            self.now += steps
            self.steps.append(steps)
            self.done += steps
            on_progress(self.done * dt)

    def _recorded_at_once(self, intervals: list[int], on_progress: OnProgress) -> int:
        """Record the next intervals in one call, and say how many; 0 where the system cannot.

        None of them may need a determinant, which is computed from the bundle before its interval.
        """
        index, (rows, n) = len(self.steps), self.bundle.shape[-2:]
        size, products = self.bundle.numel() // n, getattr(self.system, "multiplications", n * n)
        count = min(len(intervals), _count_at_once(intervals[0] * size * products, size * rows))
        if self.is_full:
            count = min(count, -index % self.determinant_every)
        if not count or not hasattr(self.system, "record_intervals"):
            return 0
        recorded = self.system.record_intervals(self.bundle, intervals[:count])
        if recorded is None:
            return 0
        self.bundle = recorded.bundle
        self.logs.append(recorded.growth)
        if not self.bounded:
            self.norms.append(recorded.norms)
        sampled = recorded.r[-index % self.condition_every :: self.condition_every]
        if len(sampled):
            self.conditions.append(_log10_condition(sampled))
        self.steps += intervals[:count]
        self.now, self.done = self.now + sum(intervals[:count]), self.done + sum(intervals[:count])
        on_progress(self.done * self.system.dt)
        return count

    def _log_determinant(self, steps: int) -> Tensor:
        """The sum of ln |det| of the Jacobians of the next steps, one per system."""
        state, total = self.bundle[..., :1, :], torch.zeros((), dtype=self.bundle.dtype, device=self.bundle.device)
        unit = torch.eye(state.shape[-1], dtype=state.dtype, device=state.device).expand(*state.shape[:-2], -1, -1)
        for step in range(steps):
            after = self.system.advance(torch.cat([state, unit], -2), 1, self.now + step)
            state, total = after[..., :1, :].clone(), total + torch.linalg.slogdet(after[..., 1:, :])[1]
        return total

    def spectra(self, on_progress: OnProgress) -> list[Spectrum]:
        """The spectrum of each system from the current record."""
        logs, conditions = torch.cat(self.logs), torch.cat(self.conditions)
        k, n = logs.shape[-1], self.bundle.shape[-1]
        logs = logs.view(len(logs), -1, k).cpu()
        states = self.bundle[..., 0, :].reshape(-1, n).cpu()
        conditions = conditions.view(len(conditions), -1).cpu()
        residuals = torch.full((len(states),), math.nan)
        if self.is_full:
            time = sum(time for _, time in self.residuals)
            residuals = sum((part for part, _ in self.residuals), start=torch.zeros(())) / time
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
        norms = torch.cat(self.norms)
        norms = norms.view(len(norms), -1).log().cpu().numpy()
        return [
            self._check_growth(spectrum, norms[:, index], index, on_progress) for index, spectrum in enumerate(spectra)
        ]

    def _check_growth(self, whole: Spectrum, log_norms: np.ndarray, index: int, on_progress: OnProgress) -> Spectrum:
        """The spectrum, marked as unbounded and cut before states became too large if the state grows without bound."""
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
        """ln max |state| of system `index` at this time after the record; inf where it is not finite."""
        state, now = self.bundle[..., :1, :], self.now
        for steps in plan(time, PROGRESS_INTERVALS * self.interval, self.system.dt):
            state = self.system.advance(state, steps, now)
            now += steps
            on_progress(self.done * self.system.dt)
        norm = float(_norm(state).reshape(-1)[index].log())
        return math.inf if math.isnan(norm) else norm


def _count_at_once(operations: int, kept: int) -> int:
    """How many intervals are recorded in one call, from an interval's multiplications and the numbers kept of it."""
    return max(1, min(AT_ONCE // operations, KEPT_AT_ONCE // kept))


def _norm(bundle: Tensor) -> Tensor:
    """The largest magnitude (...) in the state of a bundle (..., 1 + k, N)."""
    return torch.linalg.vector_norm(bundle.select(-2, 0), math.inf, -1)


def _log10_condition(r: Tensor) -> Tensor:
    """log10 of the 1-norm condition number of R (..., k, k); inf where a direction has vanished."""
    unit = torch.eye(r.shape[-1], dtype=r.dtype, device=r.device).expand_as(r)
    inverse = torch.linalg.solve_triangular(r, unit, upper=True)
    condition = r.abs().sum(-2).amax(-1) * inverse.abs().sum(-2).amax(-1)
    return torch.where(condition < math.inf, condition, math.inf).log10()


def exponents(system: System, state: Tensor, frame: Tensor, schedule: Schedule) -> Tensor:
    """The k leading exponents (k,), descending, differentiable in the parameters of the system.

    If the graph would exceed GRAPH_BYTES, its segments are recomputed in the backward pass. Raises FloatingPointError
    where a frame before QR is too ill-conditioned for a gradient; a smaller tons or float64 helps.
    """
    values, steepness, _ = exponents_of_stack(system, state, frame, schedule)
    problem = condition_problem(float(steepness), values.dtype)
    if problem:
        raise FloatingPointError(problem)
    return values


def exponents_of_stack(
    system: System, state: Tensor, frame: Tensor, schedule: Schedule
) -> tuple[Tensor, Tensor, Tensor]:
    """The exponents (..., k) of one system, or of a stack with states (runs, N) and frames (runs, k, N).

    Also returns the largest spread of ln |R_ii| at one QR (...), for `condition_problem`, and the last bundle of the
    record (..., 1 + k, N), without a graph. Raises ValueError for tsim = 'auto'.
    """
    if schedule.tsim == "auto":
        raise ValueError("exponents with a gradient need a tsim that is a number, got 'auto'")
    settled = settle(system, state, frame, schedule)
    bundle, now = settled.bundle, settled.now
    transient, record = (plan(time, settled.interval, system.dt) for time in (schedule.frame_transient, schedule.first))
    segments, logs = _segments(transient + record, bundle, getattr(system, "stages", 1)), []
    for segment in segments:
        arguments = (system, bundle, segment, now)
        if len(segments) == 1:
            bundle, segment_logs = growth(*arguments)
        else:
            bundle, segment_logs = checkpoint(growth, *arguments, use_reentrant=False, preserve_rng_state=False)
        now += sum(segment)
        logs.append(segment_logs)
    all_logs = torch.cat(logs) if len(logs) > 1 else logs[0]
    steepness = (all_logs.detach().amax(-1) - all_logs.detach().amin(-1)).amax(0)
    total = (all_logs[len(transient) :] if transient else all_logs).sum(0)
    return torch.sort(total / (sum(record) * system.dt), descending=True).values, steepness, bundle.detach()


def condition_problem(steepness: float, dtype: torch.dtype) -> str:
    """The error message where ln |R_ii| differ so much at one QR that rounding spoils its gradient; '' otherwise."""
    if not steepness > math.log(WORST_CONDITION[dtype]):
        return ""
    return (
        f"the frame's condition before QR reached 1e{steepness / math.log(10):.0f}, too much for a gradient in "
        f"{str(dtype).removeprefix('torch.')}; use a smaller tons, fewer exponents or float64"
    )


def _segments(intervals: list[int], bundle: Tensor, stages: int) -> list[list[int]]:
    """The intervals in segments, such that the graph of one segment stays within GRAPH_BYTES."""
    # stored per stage of a step: the bundle and the factor of its product; per QR: the bundle and R
    stored = (2 if stages == 1 else 3 * stages) * sum(intervals) + 2 * len(intervals)
    parts = math.ceil(stored * bundle.numel() * bundle.element_size() / GRAPH_BYTES)
    size = math.ceil(len(intervals) / min(parts, len(intervals)))
    return [intervals[start : start + size] for start in range(0, len(intervals), size)]
