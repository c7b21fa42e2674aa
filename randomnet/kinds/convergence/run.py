"""kind = convergence: how the estimates of the exponents settle, from several initial states of one network.

FlyStability's lyapu_convergence. Several QR intervals are an axis of the grid: {"tons": [0.2, 1, 5, "adaptive"]}.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from randomnet import results
from randomnet.build import coupling_strength
from randomnet.build.network import Setup, build_setup
from randomnet.build.targets import exponents_of
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.spectrum import computing
from randomnet.kinds.spectrum.initial_states import states_and_frames, worst_status, worst_verdict
from randomnet.kinds.spectrum.run import check, described, dynamics, ticker
from randomnet.lyapunov import Spectrum, running_estimates, spectrum
from randomnet.lyapunov.record import CONVERGED, UNCONVERGED
from randomnet.schema.plan import Run

HEADLINE = (
    "neurons",
    "exponents",
    "initial_states",
    "lambda_max",
    "lambda_max_spread",
    "interval",
    "verdict",
    "seconds",
)
POINTS = 400  # of the running estimates
NEGLIGIBLE = 0.01  # a spread over starts of less than this share of the largest exponent is none to speak of
MOST_ERRORS = 4  # of one start's exponent from the mean of the starts

def length(run: Run) -> float:
    """Units of time of its records."""
    return run.config.lyapunov.tsim * run.config.lyapunov.initial_states


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Compute the spectra and write arrays.npz; returns what run.json says of them."""
    began = time.perf_counter()
    start = build_setup(run)
    k = exponents_of(run, start.connectome.n)
    found = _spectra(run, start, k, report, stop)
    settled = [running_estimates(one, POINTS) for one in found]
    times = settled[0][0]
    arrays = {
        "times": times,
        "intervals": np.full(len(times), found[0].interval),
        "running": np.array([estimates for _, estimates, _ in settled]),
        "running_stderr": np.array([errors for _, _, errors in settled]),
        "exponents_of_states": np.array([one.exponents for one in found]),
        "stderr_of_states": np.array([one.stderr for one in found]),
    }
    results.write_arrays(folder.path / "arrays.npz", arrays | described(run, start))
    largest = [float(one.exponents[0]) for one in found]
    doubts = sorted({doubt for one in found for doubt in one.doubts} | set(_disagreement(found)))
    status, reason = worst_status(found)
    return {
        "status": status,
        "reason": reason,
        "summary": {
            "neurons": start.connectome.n,
            "exponents": k,
            "initial_states": len(found),
            "lambda_max": float(np.mean(largest)),
            "lambda_max_spread": float(np.std(largest, ddof=1)) if len(found) > 1 else float("nan"),
            "lambda_max_stderr": float(np.mean([one.stderr[0] for one in found])),
            "converged": not doubts,
            "verdict": _verdict(found, doubts),
            "notes": "; ".join(doubts),
            "interval": found[0].interval,
            **dynamics(run),
            **coupling_strength.strength_of(start.network),
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": start.facts(),
    }



def _verdict(found: list[Spectrum], doubts: list[str]) -> str:
    """The worst of the initial states' verdicts; `not converged` where these are good and the states disagree."""
    worst = worst_verdict(found)
    return UNCONVERGED if worst == CONVERGED and doubts else worst


def _disagreement(found: list[Spectrum]) -> tuple[str, ...]:
    """Whether the initial states lead to different exponents, by more than their errors and a share of the largest."""
    exponents, errors = (np.array([getattr(one, name) for one in found]) for name in ("exponents", "stderr"))
    with np.errstate(invalid="ignore"):
        apart = exponents - exponents.mean(0)
        wide = np.abs(apart) > NEGLIGIBLE * np.abs(exponents[:, 0]).max() + MOST_ERRORS * errors
    text = "the initial states end with different exponents: they have not settled, or there are several attractors"
    return (text,) if wide.any() else ()


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of one run."""
    run, start = runs[0], build_setup(runs[0])
    k, schedule = exponents_of(run, start.connectome.n), computing.schedule_of(run)
    each = computing.pace(lambda probe: computing.compute(run, start, k, probe), run)
    whole = each * (schedule.first + schedule.transient + schedule.frame_transient)
    return Cost(each, whole * run.config.lyapunov.initial_states)


def _spectra(run: Run, start: Setup, k: int, report: ProgressCallback, stop: Callable[[], bool]) -> list[Spectrum]:
    """One from each initial state; the first is the run's own, and an adaptive interval is the first one's."""
    schedule, system = computing.schedule_of(run), computing.system_of(run, start)
    found: list[Spectrum] = []
    for state, frame in states_and_frames(run, start, k):
        tick = ticker(schedule.first, report, stop)
        found.append(spectrum(system, state, frame, schedule, tick))
        schedule = replace(schedule, tons=found[0].interval)
    return found


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
)
