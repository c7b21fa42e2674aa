"""Spectra from several initial states of one network, and the columns of summary.csv that describe them together.

    states_and_frames   initial state and frame of each; the first are the run's own
    compute_states      their spectra, computed as one stack where that is possible
    clusters            groups of largest exponents that differ by more than chance: different attractors
    summary_of_states   the columns of summary.csv
    arrays_of_states    exponents and errors, of the mean and of each state
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.build.network import Setup, initial_states
from randomnet.build.spectra import schedule_of, system_of
from randomnet.comparison import spread
from randomnet.kinds.spectra import STACKED_MATRIX_BYTES, OnProgress, status_of, summary_of
from randomnet.lyapunov import Schedule, Spectrum, random_frame, spectra_of_stack, spectrum
from randomnet.lyapunov.record import CONVERGED, DIVERGED, TOO_SHORT, UNBOUNDED, UNCONVERGED
from randomnet.rnn import Dynamics, is_sparse, stack_systems
from randomnet.schema.plan import Run

STATUSES = (results.COMPLETE, results.UNBOUNDED, results.DIVERGED)  # from the best to the worst
VERDICTS = (CONVERGED, UNCONVERGED, TOO_SHORT, UNBOUNDED, DIVERGED)  # likewise
MEANS = ("lambda_max", "n_positive", "n_zero", "D_KY", "h_KS", "ill_conditioned", "tsim_used")
WITH_ERRORS = ("lambda_max", "D_KY", "h_KS")
LARGEST = ("split_half_rms", "drift", "log10_condition_median", "log10_condition_max")


def states_and_frames(run: Run, setup: Setup, k: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield state (N,) and frame (k, N) of each of lyapunov.initial_states; the first are the run's own."""
    n, states = setup.connectome.n, initial_states(run, setup, run.config.lyapunov.initial_states)
    rng = np.random.default_rng(run.generator("basis").integers(2**63, size=4))
    for number, state in enumerate(states):
        yield state, torch.from_numpy(random_frame(rng, k, n)).to(setup.state) if number else setup.frame[:k]


def compute_states(
    run: Run, setup: Setup, k: int, schedule: Schedule | None = None, on_progress: OnProgress = lambda time: None
) -> list[Spectrum]:
    """Return the k leading exponents from each initial state.

    on_progress takes the time that all records have reached, as part of the time of one.
    """
    schedule, system = schedule or schedule_of(run), system_of(run, setup)
    states, frames = zip(*states_and_frames(run, setup, k), strict=True)
    if _can_stack(setup, system, schedule):
        copies = stack_systems([system] * len(states))
        return spectra_of_stack(copies, torch.stack(states), torch.stack(frames), schedule, on_progress)
    spectra: list[Spectrum] = []
    for number, (state, frame) in enumerate(zip(states, frames, strict=True)):
        share = _share_of_progress(on_progress, number, len(states), schedule.first)
        spectra.append(spectrum(system, state, frame, schedule, share))
        schedule = replace(schedule, tons=spectra[0].interval)
    return spectra


def _share_of_progress(on_progress: OnProgress, number: int, count: int, total: float) -> Callable[[float], None]:
    """Return the callback of record `number` of `count` records of `total` time that are computed in sequence."""
    return lambda time: on_progress((number * total + min(time, total)) / count)


def _can_stack(setup: Setup, system: Any, schedule: Schedule) -> bool:
    """Return whether copies of the network are computed as one stack, which is faster for small networks."""
    n = setup.connectome.n
    fixed_times = schedule.tsim != "auto" and schedule.tons != "adaptive"
    small = 8 * n * n <= STACKED_MATRIX_BYTES and not is_sparse(n, len(setup.connectome.weights))
    return fixed_times and small and isinstance(system, Dynamics) and system.integrator == "euler"


def worst_verdict(spectra: Sequence[Spectrum]) -> str:
    """Return the worst verdict of the initial states."""
    return max((spectrum.verdict for spectrum in spectra), key=VERDICTS.index)


def worst_status(spectra: Sequence[Spectrum]) -> tuple[str, str]:
    """Return the status of a run with these spectra, and the reason if it is not complete."""
    return max((status_of(spectrum) for spectrum in spectra), key=lambda status: STATUSES.index(status[0]))


def clusters(spectra: Sequence[Spectrum]) -> list[list[float]]:
    """Return largest exponents of the converged spectra in groups, descending; empty where none has converged."""
    converged = [spectrum for spectrum in spectra if spectrum.converged]
    exponents = [float(spectrum.exponents[0]) for spectrum in converged]
    return spread.clusters(exponents, [float(spectrum.stderr[0]) for spectrum in converged])


def summary_of_states(spectra: Sequence[Spectrum]) -> dict[str, Any]:
    """Return the columns of summary.csv for the spectra from all initial states.

    Values are means over initial states, with `combined_error`. `_between` is their standard deviation, `_within` the
    root mean square error of one trajectory. Ranges span all states, checks are the worst of all. Where a state
    diverges or grows without bound, the columns are those of that state.
    """
    status, _ = worst_status(spectra)
    if status != results.COMPLETE:
        return _summary_of_lost(spectra, status)
    each = [summary_of(spectrum) for spectrum in spectra]
    summary = dict(each[0])
    for name in MEANS:
        summary[name] = _reduce(np.mean, each, name)
    for name in LARGEST:
        summary[name] = _reduce(np.max, each, name)
    summary["sum_rule_residual"] = max((state["sum_rule_residual"] for state in each), key=abs)
    for name in WITH_ERRORS:
        columns = (name, f"{name}_stderr")
        summary |= _error_columns(name, *(np.array([state[column] for state in each]) for column in columns))
    for name in ("D_KY", "h_KS"):
        ends = ((f"{name}_low", np.min), (f"{name}_high", np.max))
        summary |= {column: _reduce(function, each, column) for column, function in ends}
    groups, verdict = clusters(spectra), worst_verdict(spectra)
    notes = [doubt for spectrum in spectra for doubt in spectrum.doubts]
    notes += [note for state in each for note in state["notes"].split("; ") if note]
    return summary | {
        "h_KS_lower_bound": any(state["h_KS_lower_bound"] for state in each),
        "initial_states": len(spectra),
        "attractors": len(groups) or float("nan"),
        "converged": verdict == CONVERGED,
        "verdict": verdict,
        "notes": "; ".join([*dict.fromkeys(notes), *_multistability_notes(groups, len(spectra))]),
    }


def _summary_of_lost(spectra: Sequence[Spectrum], status: str) -> dict[str, Any]:
    """Return the columns of the first spectrum with this status, and a note on how many have it."""
    lost = [spectrum for spectrum in spectra if status_of(spectrum)[0] == status]
    summary = summary_of(lost[0])
    notes = [f"{len(lost)} of {len(spectra)} initial states {status}", summary["notes"]]
    return {**summary, "initial_states": len(spectra), "notes": "; ".join(filter(None, notes))}


def _reduce(function: Callable[[np.ndarray], float], each: Sequence[dict[str, Any]], name: str) -> float:
    return float(function(np.array([state[name] for state in each], dtype=float)))


def combined_error(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over initial states; values and errors are (states, ...).

    It is a standard deviation over the square root of the number of states. The standard deviation is that of the
    values, which contains the errors of the trajectories, or the root mean square of these errors where that is larger.
    """
    with np.errstate(invalid="ignore"):
        within = np.sqrt(np.square(errors).mean(0))
        return np.fmax(values.std(0, ddof=1), within) / np.sqrt(len(values))


def _error_columns(name: str, values: np.ndarray, errors: np.ndarray) -> dict[str, float]:
    """Return the error of a mean over initial states, and its two sources."""
    values, errors = values.astype(float), errors.astype(float)
    return {
        f"{name}_stderr": float(combined_error(values, errors)),
        f"{name}_between": float(values.std(ddof=1)),
        f"{name}_within": float(np.sqrt(np.square(errors).mean())),
    }


def _multistability_notes(groups: Sequence[Sequence[float]], count: int) -> list[str]:
    if len(groups) < 2:
        return []
    centres = ", ".join(f"{np.mean(group):.3g}" for group in groups)
    sizes, others = ", ".join(str(len(group)) for group in groups), count - sum(map(len, groups))
    rest = f", {others} not converged" if others else ""
    return [f"multistable: {len(groups)} clusters of lambda_max at {centres} ({sizes} of {count} initial states{rest})"]


def arrays_of_states(spectra: Sequence[Spectrum]) -> dict[str, np.ndarray]:
    """Return exponents and stderr (k,) of the mean over initial states, and the values of each state.

    Those of each are exponents and errors (states, k), and lambda_max, D_KY and h_KS (states,).
    """
    exponents, errors = (np.array([getattr(each, name) for each in spectra]) for name in ("exponents", "stderr"))
    with np.errstate(invalid="ignore"):
        means = {"exponents": exponents.mean(0), "stderr": combined_error(exponents, errors)}
    return {
        **means,
        "log10_condition": np.concatenate([each.conditions for each in spectra]),
        "exponents_of_states": exponents,
        "stderr_of_states": errors,
        "lambda_max_of_states": exponents[:, 0],
        "D_KY_of_states": np.array([each.dimension.value for each in spectra]),
        "h_KS_of_states": np.array([each.entropy.value for each in spectra]),
    }
