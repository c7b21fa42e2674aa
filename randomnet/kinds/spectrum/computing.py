"""Spectra of a run's network, and what a table says of them; shared by the kinds that compute any."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from randomnet import results
from randomnet.build.network import Setup, double, largest_frame
from randomnet.build.targets import exponents_of
from randomnet.build.trials import trials_of
from randomnet.lyapunov import Estimate, Schedule, Spectrum, System, spectra_of_stack, spectrum
from randomnet.lyapunov.record import DIVERGED, UNBOUNDED
from randomnet.rnn import is_sparse, stack_systems
from randomnet.schema.plan import Run

Tick = Callable[[float], None]
LARGEST_BESIDE = 2**18  # bytes of a matrix; larger ones gain less side by side than another worker brings
MOST_BESIDE = 8  # more gain little, and workers want something to share
PROBE_STEPS = 100  # of the spectrum whose pace is measured


def schedule_of(run: Run) -> Schedule:
    """The times of the run's spectra."""
    times = run.config.lyapunov
    limits = {"tolerance": times.tolerance, "tsim_max": times.tsim_max}
    return Schedule(times.tsim, times.tons, times.transient, times.frame_transient, **limits)


@torch.no_grad()
def system_of(run: Run, start: Setup, inputs: Tensor | None = None) -> System:
    """What the run has a spectrum of, in float64: its network alone, or along the trials of its task.

    inputs: (time, trials, channels); by default those of the validation trials.
    """
    exact = double(start.network)
    if not is_driven(run):
        return exact.autonomous()
    if inputs is None:
        inputs = torch.from_numpy(trials_of(run)[1].inputs).transpose(0, 1)
    return exact.driven_by_trials(inputs.to(start.state))


def is_driven(run: Run) -> bool:
    """Whether it is along the trials of a task, at whose start the state is 0."""
    return run.config.has_task and run.config.lyapunov.driven


def compute(
    run: Run,
    start: Setup,
    k: int,
    schedule: Schedule | None = None,
    inputs: Tensor | None = None,
    tick: Tick = lambda time: None,
) -> Spectrum:
    """The k leading exponents of the run's network as it is now, from the run's own state and frame."""
    state = torch.zeros_like(start.state) if is_driven(run) else start.state
    return spectrum(system_of(run, start, inputs), state, start.frame[:k], schedule or schedule_of(run), tick)


def compute_each(
    runs: Sequence[Run],
    starts: Sequence[Setup],
    k: int,
    schedule: Schedule | None = None,
    tick: Tick = lambda time: None,
) -> list[Spectrum]:
    """`compute` for runs of one shape, side by side where `beside` says that they can be."""
    if len(runs) == 1:
        return [compute(runs[0], starts[0], k, schedule, tick=tick)]
    system = stack_systems([system_of(run, start) for run, start in zip(runs, starts, strict=True)])
    states, frames = torch.stack([one.state for one in starts]), torch.stack([one.frame[:k] for one in starts])
    return spectra_of_stack(system, states, frames, schedule or schedule_of(runs[0]), tick)


def max_batch(run: Run, facts: dict[str, Any], size: int) -> int:
    """How many runs of this one's shape are computed side by side, in numbers of `size` bytes: as many as batch_runs
    says, or as make them faster: eight small networks left to themselves, whose steps take less time than the calls
    that make them, or one that is large or has trials. All within the memory budget."""
    config, n = run.config, facts["neurons"]
    own_times = config.lyapunov.tons == "adaptive" or config.lyapunov.tsim == "auto"
    sparse = is_sparse(n, facts["edges"]) and not config.has_task
    if sparse or config.model.integrator != "euler" or (own_times and (config.spectrum_loss or not config.has_task)):
        return 1
    wanted = config.execution.batch_runs
    gains = n * n * size <= LARGEST_BESIDE and not config.has_task
    most = (MOST_BESIDE if gains else 1) if wanted == "auto" else wanted
    return max(1, min(most, int(config.execution.memory_budget * 1e6 / _bytes(run, facts, size))))


def _bytes(run: Run, facts: dict[str, Any], size: int) -> float:
    """What one run needs beside others: matrices, the path of an epoch where it trains, the frame that measures it."""
    config, n = run.config, facts["neurons"]
    need = 6.0 * n * n * size
    if config.has_task:  # rates and their adjoints, of a batch, and noise
        need += (3 + 2 * (config.trainvalidate.state_noise > 0)) * n * size * _kept(run, facts["task"])
        steps = facts["task"]["steps_at_once"] if config.spectrum_loss else 0
    else:
        schedule = schedule_of(run)
        steps = (schedule.first + schedule.transient + schedule.frame_transient) / config.model.dt
    if steps:
        k = exponents_of(run, n)
        need += 3 * steps * (1 + k) * n * size if config.trained else steps * k * size
        need += 8 * n * largest_frame(run, n)
    return need


def _kept(run: Run, task: dict[str, Any]) -> float:
    """The steps of all trials whose path is kept at once: all, or those of a segment and the states between."""
    segment = run.config.trainvalidate.segment
    return task["steps_at_once"] * (min(segment / task["steps"] + 1 / segment, 1.0) if segment else 1.0)


def pace(spectra: Callable[[Schedule], object], run: Run) -> float:
    """Seconds that spectra take per unit of time, by a short one after one to warm up."""
    dt, tons = run.config.model.dt, run.config.lyapunov.tons
    interval = dt if tons == "adaptive" else tons
    probe = Schedule(max(PROBE_STEPS * dt, 2 * interval), interval, 0, 0)
    spectra(Schedule(interval, interval, 0, 0))
    began = time.perf_counter()
    spectra(probe)
    return (time.perf_counter() - began) / probe.tsim


def status_of(found: Spectrum) -> tuple[str, str]:
    """How a run with this spectrum ended, and why if not well."""
    status = {UNBOUNDED: results.UNBOUNDED, DIVERGED: results.DIVERGED}.get(found.verdict, results.COMPLETE)
    return status, "" if status == results.COMPLETE else found.doubts[0]


def figures(found: Spectrum) -> dict[str, float | int | bool | str]:
    """What summary.csv says of a spectrum (numeric_checks section 5), per tau where it has a unit."""
    verdict = {"converged": found.converged, "verdict": found.verdict}
    length = {"tsim_used": round(found.tsim, 9)}
    if found.diverged:
        return {**verdict, "notes": "; ".join(found.doubts), **length}
    dimension, entropy = found.dimension, found.entropy
    return {
        "lambda_max": float(found.exponents[0]),
        "lambda_max_stderr": float(found.stderr[0]),
        "n_positive": found.n_positive,
        "n_zero": found.n_zero,
        **_named("D_KY", dimension),
        **_named("h_KS", entropy),
        "h_KS_lower_bound": found.entropy_is_lower_bound and not found.unbounded,
        "sum_rule_residual": found.sum_rule_residual,
        "split_half_rms": found.split_half_rms,
        "drift": found.drift,
        "log10_condition_median": found.log10_condition_median,
        "log10_condition_max": found.log10_condition,
        "ill_conditioned": found.ill_conditioned,
        **verdict,
        "notes": "; ".join([*found.doubts, *_remarks(found)]),
        **length,
        "interval": round(found.interval, 9),
        "block": round(found.block, 9),
    }


def _named(name: str, estimate: Estimate) -> dict[str, float]:
    """The columns of a figure with its error and range."""
    value, error, low, high = estimate
    return {name: value, f"{name}_stderr": error, f"{name}_low": low, f"{name}_high": high}


def _remarks(found: Spectrum) -> list[str]:
    """What a reader has to know of dimension and entropy."""
    if found.unbounded:
        return []
    remarks = []
    if found.largest_is_zero:
        low, high = (f"{end:.3g}" if math.isfinite(end) else "unknown" for end in found.dimension[2:])
        remarks.append(f"lambda_max is 0 within its error: D_KY between {low} and {high}")
    if math.isnan(found.dimension.value):
        remarks.append("D_KY needs more exponents (raise nle)")
    if found.entropy_is_lower_bound:
        remarks.append("h_KS is a lower bound (raise nle)")
    return remarks
