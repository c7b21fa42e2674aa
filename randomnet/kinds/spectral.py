"""Spectra of a run's network, and what a table says of them; shared by the kinds that compute any."""

from collections.abc import Callable

import torch
from torch import Tensor

from randomnet.config import Run
from randomnet.kinds import building
from randomnet.lyapunov import Schedule, Spectrum, System, spectrum

Tick = Callable[[float], None]


def schedule_of(run: Run) -> Schedule:
    """The times of the run's spectra."""
    times = run.config.lyapunov
    limits = {"tolerance": times.tolerance, "tsim_max": times.tsim_max}
    return Schedule(times.tsim, times.tons, times.transient, times.frame_transient, **limits)


@torch.no_grad()
def system_of(run: Run, start: building.Start, inputs: Tensor | None = None) -> System:
    """What the run has a spectrum of, in float64: its network alone, or along the trials of its task.

    inputs: (time, trials, channels); by default those of the validation trials.
    """
    exact = building.double(start.network)
    if not run.config.has_task:
        return exact.dynamics()
    if inputs is None:
        inputs = torch.from_numpy(building.trials_of(run)[1].inputs).transpose(0, 1)
    if not run.config.lyapunov.driven:
        inputs = torch.zeros(_steps(run), 1, inputs.shape[2])  # one trial that does not end
    return exact.along(inputs.to(start.state))


def _steps(run: Run) -> int:
    times = schedule_of(run)
    longest = times.tsim_max if times.tsim == "auto" else times.tsim
    return round((longest + times.transient + times.frame_transient) / run.config.model.dt) + 1


def compute(
    run: Run,
    start: building.Start,
    k: int,
    schedule: Schedule | None = None,
    inputs: Tensor | None = None,
    tick: Tick = lambda time: None,
) -> Spectrum:
    """The k leading exponents of the run's network as it is now, from the run's own state and frame."""
    state = torch.zeros_like(start.state) if run.config.has_task else start.state
    return spectrum(system_of(run, start, inputs), state, start.frame[:k], schedule or schedule_of(run), tick)


def figures(found: Spectrum) -> dict[str, float | int | bool | str]:
    """What summary.csv says of a spectrum (numeric_checks section 5), per tau where it has a unit."""
    notes = [*found.doubts]
    if found.dimension != found.dimension:
        notes.append("D_KY needs more exponents (raise nle)")
    if found.entropy_is_lower_bound:
        notes.append("h_KS is a lower bound (raise nle)")
    return {
        "lambda_max": float(found.exponents[0]),
        "lambda_max_stderr": float(found.stderr[0]),
        "n_positive": found.n_positive,
        "D_KY": found.dimension,
        "h_KS": found.entropy,
        "h_KS_lower_bound": found.entropy_is_lower_bound,
        "sum_rule_residual": found.sum_rule_residual,
        "split_half_rms": found.split_half_rms,
        "drift": found.drift,
        "log10_condition_median": found.log10_condition_median,
        "log10_condition_max": found.log10_condition,
        "ill_conditioned": found.ill_conditioned,
        "converged": found.converged,
        "notes": "; ".join(notes),
        "tsim_used": found.tsim,
        "interval": found.interval,
        "block": found.block,
    }
