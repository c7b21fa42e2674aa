"""kind = convergence: how the estimates of the exponents settle, from several initial states of one network.

FlyStability's lyapu_convergence. Several QR intervals are an axis of the grid: {"tons": [0.2, 1, 5, "adaptive"]}.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.config import Run
from randomnet.kinds import building, coupling, spectral
from randomnet.kinds.interface import Cost, Told, no_other, one_at_a_time
from randomnet.kinds.spectrum import UNIT, WORKERS, check, described, dynamics, ticker
from randomnet.kinds.spectrum import estimate as one_estimate
from randomnet.lyapunov import Spectrum, random_frame, running, spectrum
from randomnet.lyapunov.record import CONVERGED, DIVERGED, TOO_SHORT, UNBOUNDED, UNCONVERGED

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
STATUSES = (results.COMPLETE, results.UNBOUNDED, results.DIVERGED)  # from good to bad
VERDICTS = (CONVERGED, UNCONVERGED, TOO_SHORT, UNBOUNDED, DIVERGED)  # from good to bad
NEGLIGIBLE = 0.01  # a spread over starts of less than this share of the largest exponent is none to speak of
MOST_ERRORS = 4  # of one start's exponent from the mean of the starts
__all__ = ["HEADLINE", "UNIT", "WORKERS", "beside", "check", "estimate", "execute", "length"]


def length(run: Run) -> float:
    """Units of time of its records."""
    return run.config.lyapunov.tsim * run.config.lyapunov.initial_states


def execute_one(run: Run, folder: results.RunFolder, report: Told, stop: Callable[[], bool]) -> dict[str, Any]:
    """Compute the spectra and write arrays.npz; returns what run.json says of them."""
    began = time.perf_counter()
    start = building.begin(run)
    k = building.exponents_of(run, start.connectome.n)
    found = _spectra(run, start, k, report, stop)
    settled = [running(one, POINTS) for one in found]
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
    verdicts = [one.verdict for one in found]
    status, reason = max((spectral.status_of(one) for one in found), key=lambda end: STATUSES.index(end[0]))
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
            "verdict": _verdict(verdicts, doubts),
            "notes": "; ".join(doubts),
            "interval": found[0].interval,
            **dynamics(run),
            **coupling.strength_of(start.network),
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": start.facts(),
    }


execute, beside = one_at_a_time(execute_one), no_other


def _verdict(verdicts: list[str], doubts: list[str]) -> str:
    """The worst of the initial states' verdicts; `not converged` where all have converged and the states disagree."""
    worst = max(verdicts, key=VERDICTS.index)
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
    cost = one_estimate(runs)
    return Cost(cost.epoch, cost.run * runs[0].config.lyapunov.initial_states)


def _spectra(run: Run, start: building.Start, k: int, report: Told, stop: Callable[[], bool]) -> list[Spectrum]:
    """One from each initial state; the first is the run's own, and an adaptive interval is the first one's."""
    schedule, system, n = spectral.schedule_of(run), spectral.system_of(run, start), start.connectome.n
    states = building.initial_states(run, start, run.config.lyapunov.initial_states)
    frames = np.random.default_rng(run.generator("basis").integers(2**63, size=4))
    found: list[Spectrum] = []
    for number, state in enumerate(states):
        frame = torch.from_numpy(random_frame(frames, k, n)).to(start.state) if number else start.frame[:k]
        tick = ticker(schedule.first, report, stop)
        found.append(spectrum(system, state, frame, schedule, tick))
        schedule = replace(schedule, tons=found[0].interval)
    return found
