"""Spectra from several initial states of one network, and what a table says of them together.

    states_and_frames   where each begins; the first is the run's own
    compute_states      their spectra, side by side where that is possible
    clusters            largest exponents that lie apart by more than chance: different attractors
    figures_of          the columns of summary.csv
    arrays_of           exponents and errors, of all together and of each
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.build.network import Setup, initial_states
from randomnet.comparison import spread
from randomnet.kinds.spectrum import computing
from randomnet.lyapunov import Schedule, Spectrum, random_frame, spectra_of_stack, spectrum
from randomnet.lyapunov.record import CONVERGED, DIVERGED, TOO_SHORT, UNBOUNDED, UNCONVERGED
from randomnet.rnn import Dynamics, is_sparse, stack_systems
from randomnet.schema.plan import Run

WORSE = (results.COMPLETE, results.UNBOUNDED, results.DIVERGED)
WORSE_VERDICTS = (CONVERGED, UNCONVERGED, TOO_SHORT, UNBOUNDED, DIVERGED)
MEANS = ("lambda_max", "n_positive", "n_zero", "D_KY", "h_KS", "ill_conditioned", "tsim_used")
WITH_ERRORS = ("lambda_max", "D_KY", "h_KS")
LARGEST = ("split_half_rms", "drift", "log10_condition_median", "log10_condition_max")


def states_and_frames(run: Run, start: Setup, k: int) -> Iterator[tuple[Tensor, Tensor]]:
    """State (N,) and frame (k, N) of each of lyapunov.initial_states; the first are the run's own."""
    states = initial_states(run, start, run.config.lyapunov.initial_states)
    frames = np.random.default_rng(run.generator("basis").integers(2**63, size=4))
    for number, state in enumerate(states):
        n = start.connectome.n
        yield state, torch.from_numpy(random_frame(frames, k, n)).to(start.state) if number else start.frame[:k]


def compute_states(
    run: Run, start: Setup, k: int, schedule: Schedule | None = None, tick: computing.Tick = lambda time: None
) -> list[Spectrum]:
    """The k leading exponents from each initial state; tick is told the part of one record that all have done."""
    schedule, system = schedule or computing.schedule_of(run), computing.system_of(run, start)
    states, frames = zip(*states_and_frames(run, start, k), strict=True)
    if _side_by_side(start, system, schedule):
        copies = stack_systems([system] * len(states))
        return spectra_of_stack(copies, torch.stack(states), torch.stack(frames), schedule, tick)
    found: list[Spectrum] = []
    for number, (state, frame) in enumerate(zip(states, frames, strict=True)):
        found.append(spectrum(system, state, frame, schedule, _shared(tick, number, len(states), schedule.first)))
        schedule = replace(schedule, tons=found[0].interval)
    return found


def _shared(tick: computing.Tick, number: int, count: int, whole: float) -> Callable[[float], None]:
    """The tick of one of `count` records that are made one after the other."""
    return lambda now: tick((number * whole + min(now, whole)) / count)


def _side_by_side(start: Setup, system: Any, schedule: Schedule) -> bool:
    """Whether copies of the network are moved together, which is faster for small ones."""
    n = start.connectome.n
    numbers = schedule.tsim != "auto" and schedule.tons != "adaptive"
    small = 8 * n * n <= computing.LARGEST_BESIDE and not is_sparse(n, len(start.connectome.weights))
    return numbers and small and isinstance(system, Dynamics) and system.integrator == "euler"


def worst_verdict(found: Sequence[Spectrum]) -> str:
    """The worst of the initial states' verdicts."""
    return max((one.verdict for one in found), key=WORSE_VERDICTS.index)


def worst_status(found: Sequence[Spectrum]) -> tuple[str, str]:
    """How a run with these spectra ended, and why if not well."""
    return max((computing.status_of(one) for one in found), key=lambda end: WORSE.index(end[0]))


def clusters(found: Sequence[Spectrum]) -> list[list[float]]:
    """Largest exponents of the converged spectra in groups, descending; empty where none has converged."""
    some = [one for one in found if one.converged]
    return spread.clusters([float(one.exponents[0]) for one in some], [float(one.stderr[0]) for one in some])


def figures_of(found: Sequence[Spectrum]) -> dict[str, Any]:
    """What summary.csv says of the spectra from all initial states.

    Means over initial states, with `combined_error`; `_between` is their standard deviation, `_within` the root mean
    square error of one trajectory. Ranges reach over all, checks are the worst of all. Where a state grows without
    bound, or is lost, figures are those of that state.
    """
    status, _ = worst_status(found)
    if status != results.COMPLETE:
        lost = [one for one in found if computing.status_of(one)[0] == status]
        figures = computing.figures(lost[0])
        notes = [f"{len(lost)} of {len(found)} initial states {status}", figures["notes"]]
        return {**figures, "initial_states": len(found), "notes": "; ".join(filter(None, notes))}
    each = [computing.figures(one) for one in found]
    figures = dict(each[0])
    for name in MEANS:
        figures[name] = _over(np.mean, each, name)
    for name in LARGEST:
        figures[name] = _over(np.max, each, name)
    figures["sum_rule_residual"] = max((one["sum_rule_residual"] for one in each), key=abs)
    for name in WITH_ERRORS:
        figures |= _sources(name, *(np.array([one[column] for one in each]) for column in (name, f"{name}_stderr")))
    for name in ("D_KY", "h_KS"):
        ends = ((f"{name}_low", np.min), (f"{name}_high", np.max))
        figures |= {column: _over(of, each, column) for column, of in ends}
    groups = clusters(found)
    verdict, doubts = worst_verdict(found), [doubt for one in found for doubt in one.doubts]
    notes = [*doubts, *(note for one in each for note in one["notes"].split("; ") if note)]
    return figures | {
        "h_KS_lower_bound": any(one["h_KS_lower_bound"] for one in each),
        "initial_states": len(found),
        "attractors": len(groups) or float("nan"),
        "converged": verdict == CONVERGED,
        "verdict": verdict,
        "notes": "; ".join([*dict.fromkeys(notes), *_multistable(groups, len(found))]),
    }


def _over(of: Callable[[np.ndarray], float], each: Sequence[dict[str, Any]], name: str) -> float:
    return float(of(np.array([one[name] for one in each], dtype=float)))


def combined_error(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Standard error of the mean over initial states (states, ...): the spread of the values, which has the errors of
    the trajectories in it, or these where they are more, over the square root of how many states there are."""
    with np.errstate(invalid="ignore"):
        within = np.sqrt(np.square(errors).mean(0))
        return np.fmax(values.std(0, ddof=1), within) / np.sqrt(len(values))


def _sources(name: str, values: np.ndarray, errors: np.ndarray) -> dict[str, float]:
    """The error of a mean over initial states, and the two sources of it."""
    values, errors = values.astype(float), errors.astype(float)
    return {
        f"{name}_stderr": float(combined_error(values, errors)),
        f"{name}_between": float(values.std(ddof=1)),
        f"{name}_within": float(np.sqrt(np.square(errors).mean())),
    }


def _multistable(groups: Sequence[Sequence[float]], count: int) -> list[str]:
    if len(groups) < 2:
        return []
    places = ", ".join(f"{np.mean(group):.3g}" for group in groups)
    sizes, others = ", ".join(str(len(group)) for group in groups), count - sum(map(len, groups))
    rest = f", {others} not converged" if others else ""
    return [f"multistable: {len(groups)} clusters of lambda_max at {places} ({sizes} of {count} initial states{rest})"]


def arrays_of(found: Sequence[Spectrum]) -> dict[str, np.ndarray]:
    """exponents and stderr (k,) of the mean over initial states, those of each (states, k), and the figures of each
    (states,)."""
    exponents, errors = (np.array([getattr(one, name) for one in found]) for name in ("exponents", "stderr"))
    with np.errstate(invalid="ignore"):
        means = {"exponents": exponents.mean(0), "stderr": combined_error(exponents, errors)}
    own = {"exponents_of_states": exponents, "stderr_of_states": errors, "lambda_max_of_states": exponents[:, 0]}
    own |= {"D_KY_of_states": np.array([one.dimension.value for one in found]),
            "h_KS_of_states": np.array([one.entropy.value for one in found])}  # fmt: skip
    return {**means, "log10_condition": np.concatenate([one.conditions for one in found]), **own}
