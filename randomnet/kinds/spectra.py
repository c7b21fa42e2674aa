"""Spectra of a run's network, and the columns of summary.csv that describe them; shared by several kinds."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from randomnet import devices, results
from randomnet.build.network import Setup, device_of, largest_frame
from randomnet.build.source_setup import SourceSetup
from randomnet.build.spectra import schedule_of, simulated_time, spectrum_state, system_of
from randomnet.build.targets import exponents_of
from randomnet.lyapunov import Estimate, Schedule, Spectrum, spectra_of_stack, spectrum
from randomnet.lyapunov.record import DIVERGED, UNBOUNDED
from randomnet.rnn import is_sparse, stack_systems
from randomnet.schema.plan import Run
from randomnet.schema.sections.general import ExecutionSection

OnProgress = Callable[[float], None]  # takes the time reached so far
STACKED_MATRIX_BYTES = 2**18  # of the largest matrix whose runs are stacked: with larger ones more workers gain more
MOST_STACKED = 8  # runs: more gain little, and would leave other workers without any
PROBE_STEPS = 100  # of the spectrum that is timed


def compute_spectrum(
    run: Run,
    setup: Setup | SourceSetup,
    k: int,
    schedule: Schedule | None = None,
    inputs: Tensor | None = None,
    on_progress: OnProgress = lambda time: None,
) -> Spectrum:
    """Return the k leading exponents of the run's network with its present values, from the run's state and frame.

    inputs: (time, trials, channels), see `system_of`.
    """
    system, state = system_of(run, setup, inputs), spectrum_state(run, setup)
    return spectrum(system, state, setup.frame[:k], schedule or schedule_of(run), on_progress)


def compute_spectra(
    runs: Sequence[Run],
    setups: Sequence[Setup | SourceSetup],
    k: int,
    schedule: Schedule | None = None,
    on_progress: OnProgress = lambda time: None,
) -> list[Spectrum]:
    """Return the spectrum of each of several runs of one shape, computed as one stack of at most `max_batch` runs."""
    if len(runs) == 1:
        return [compute_spectrum(runs[0], setups[0], k, schedule, on_progress=on_progress)]
    system = stack_systems([system_of(run, setup) for run, setup in zip(runs, setups, strict=True)])
    states = torch.stack([setup.state for setup in setups])
    frames = torch.stack([setup.frame[:k] for setup in setups])
    return spectra_of_stack(system, states, frames, schedule or schedule_of(runs[0]), on_progress)


def max_batch(run: Run, facts: dict[str, Any], item_bytes: int) -> int:
    """Return how many runs of this one's shape are computed as one stack, in numbers of `item_bytes` bytes.

    That is execution.batch_runs, or with auto the number that saves time: MOST_STACKED small networks without trials,
    whose steps take less time than the calls that make them, else one. On a GPU, where calls take longer, larger ones
    too. All fit into the memory budget.
    """
    config, n = run.config, facts["neurons"]
    adapts_times = config.lyapunov.tons == "adaptive" or config.lyapunov.tsim == "auto"
    sparse = is_sparse(n, facts["edges"]) and not config.has_task
    if sparse or config.model.integrator != "euler" or (adapts_times and (config.spectrum_loss or not config.has_task)):
        return 1
    wanted = config.execution.batch_runs
    device = device_of(config, n)
    is_small = device.type == "cuda" or n * n * item_bytes <= STACKED_MATRIX_BYTES
    gains = is_small and not config.has_task
    most = (MOST_STACKED if gains else 1) if wanted == "auto" else wanted
    return max(1, min(most, int(budget_of(config.execution, device) / _run_bytes(run, facts, item_bytes))))


def budget_of(execution: ExecutionSection, device: torch.device) -> float:
    """Return the bytes that a batch of runs may need on the device."""
    workers = execution.workers if isinstance(execution.workers, int) else 1
    return devices.budget(execution.memory_budget, device, workers)


def _run_bytes(run: Run, facts: dict[str, Any], item_bytes: int) -> float:
    """Return the bytes of one run in a stack: matrices, the stored path of a training epoch, and the largest frame."""
    config, n = run.config, facts["neurons"]
    need = 6.0 * n * n * item_bytes
    if config.has_task:  # rates and their adjoints, of a batch, and noise
        vectors = 3 + 2 * (config.trainvalidate.state_noise > 0)
        need += vectors * n * item_bytes * _stored_steps(run, facts["task"])
        steps = facts["task"]["steps_at_once"] if config.spectrum_loss else 0
    else:
        steps = simulated_time(schedule_of(run)) / config.model.dt
    if steps:
        k = exponents_of(run, n)
        need += 3 * steps * (1 + k) * n * item_bytes if config.trained else steps * k * item_bytes
        need += 8 * n * largest_frame(run, n)
    return need


def _stored_steps(run: Run, task: dict[str, Any]) -> float:
    """Return the steps of all trials that are stored at once: all, or those of a segment and the states between."""
    segment = run.config.trainvalidate.segment
    return task["steps_at_once"] * (min(segment / task["steps"] + 1 / segment, 1.0) if segment else 1.0)


def seconds_per_time(spectra: Callable[[Schedule], object], run: Run) -> float:
    """Return the seconds that `spectra` takes per unit of time, measured on a short schedule after a warm-up."""
    dt, tons = run.config.model.dt, run.config.lyapunov.tons
    interval = dt if tons == "adaptive" else tons
    probe = Schedule(max(PROBE_STEPS * dt, 2 * interval), interval, 0, 0)
    spectra(Schedule(interval, interval, 0, 0))
    began = time.perf_counter()
    spectra(probe)
    return (time.perf_counter() - began) / probe.tsim


def status_of(spectrum: Spectrum) -> tuple[str, str]:
    """Return the status of a run with this spectrum, and the reason if it is not complete."""
    status = {UNBOUNDED: results.UNBOUNDED, DIVERGED: results.DIVERGED}.get(spectrum.verdict, results.COMPLETE)
    return status, "" if status == results.COMPLETE else spectrum.doubts[0]


def summary_of(spectrum: Spectrum) -> dict[str, float | int | bool | str]:
    """Return the columns of summary.csv for a spectrum (numeric_checks section 5), per tau where they have a unit."""
    verdict = {"converged": spectrum.converged, "verdict": spectrum.verdict}
    length = {"tsim_used": round(spectrum.tsim, 9)}
    if spectrum.diverged:
        return {**verdict, "notes": "; ".join(spectrum.doubts), **length}
    return {
        "lambda_max": float(spectrum.exponents[0]),
        "lambda_max_stderr": float(spectrum.stderr[0]),
        "n_positive": spectrum.n_positive,
        "n_zero": spectrum.n_zero,
        **_estimate_columns("D_KY", spectrum.dimension),
        **_estimate_columns("h_KS", spectrum.entropy),
        "h_KS_lower_bound": spectrum.entropy_is_lower_bound and not spectrum.unbounded,
        "sum_rule_residual": spectrum.sum_rule_residual,
        "split_half_rms": spectrum.split_half_rms,
        "drift": spectrum.drift,
        "log10_condition_median": spectrum.log10_condition_median,
        "log10_condition_max": spectrum.log10_condition,
        "ill_conditioned": spectrum.ill_conditioned,
        **verdict,
        "notes": "; ".join([*spectrum.doubts, *_remarks(spectrum)]),
        **length,
        "interval": round(spectrum.interval, 9),
        "block": round(spectrum.block, 9),
    }


def _estimate_columns(name: str, estimate: Estimate) -> dict[str, float]:
    """Return the columns of an estimate: its value, standard error and range."""
    value, error, low, high = estimate
    return {name: value, f"{name}_stderr": error, f"{name}_low": low, f"{name}_high": high}


def _remarks(spectrum: Spectrum) -> list[str]:
    """Return notes on the limits of dimension and entropy."""
    if spectrum.unbounded:
        return []
    remarks = []
    if spectrum.largest_is_zero:
        low, high = (f"{end:.3g}" if math.isfinite(end) else "unknown" for end in spectrum.dimension[2:])
        remarks.append(f"lambda_max is 0 within its error: D_KY between {low} and {high}")
    if math.isnan(spectrum.dimension.value):
        remarks.append("D_KY needs more exponents (raise nle)")
    if spectrum.entropy_is_lower_bound:
        remarks.append("h_KS is a lower bound (raise nle)")
    return remarks


def network_dynamics(run: Run) -> dict[str, Any]:
    """Return the columns of what an exponent depends on besides the network: form, integrator and dt."""
    return {name: getattr(run.config.model, name) for name in ("form", "integrator", "dt")}
