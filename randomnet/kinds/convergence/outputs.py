"""Outputs of kind = convergence: running estimates in arrays.npz, and the summary of run.json."""

import time
from typing import Any

import numpy as np

from randomnet import results
from randomnet.build.coupling_strength import strength_of
from randomnet.build.network import Setup
from randomnet.kinds.initial_states import worst_status, worst_verdict
from randomnet.kinds.spectra import network_dynamics
from randomnet.kinds.spectrum.outputs import network_arrays
from randomnet.lyapunov import Spectrum, running_estimates
from randomnet.lyapunov.record import CONVERGED, UNCONVERGED
from randomnet.schema.plan import Run

POINTS = 400  # of the running estimates
NEGLIGIBLE = 0.01  # share of the largest exponent: a smaller spread over initial states is ignored
MOST_ERRORS = 4  # of one initial state's exponent from the mean over states


def write_outputs(
    run: Run, folder: results.RunFolder, setup: Setup, spectra: list[Spectrum], began: float
) -> dict[str, Any]:
    """Write the estimates over time and the exponents; return the record for run.json."""
    results.write_arrays(folder.path / "arrays.npz", _arrays(spectra) | network_arrays(run, setup))
    largest = [float(spectrum.exponents[0]) for spectrum in spectra]
    doubts = sorted({doubt for spectrum in spectra for doubt in spectrum.doubts} | set(_disagreement(spectra)))
    status, reason = worst_status(spectra)
    return {
        "status": status,
        "reason": reason,
        "summary": {
            "neurons": setup.connectome.n,
            "exponents": len(spectra[0].exponents),
            "initial_states": len(spectra),
            "lambda_max": float(np.mean(largest)),
            "lambda_max_spread": float(np.std(largest, ddof=1)) if len(spectra) > 1 else float("nan"),
            "lambda_max_stderr": float(np.mean([spectrum.stderr[0] for spectrum in spectra])),
            "converged": not doubts,
            "verdict": _verdict(spectra, doubts),
            "notes": "; ".join(doubts),
            "interval": spectra[0].interval,
            **network_dynamics(run),
            **strength_of(setup.network),
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": setup.facts(),
    }


def _arrays(spectra: list[Spectrum]) -> dict[str, np.ndarray]:
    """Return estimates and errors (states, times, k) of the part of the record up to each time, and the final ones."""
    estimates = [running_estimates(spectrum, POINTS) for spectrum in spectra]
    times = estimates[0][0]
    return {
        "times": times,
        "intervals": np.full(len(times), spectra[0].interval),
        "running": np.array([exponents for _, exponents, _ in estimates]),
        "running_stderr": np.array([errors for _, _, errors in estimates]),
        "exponents_of_states": np.array([spectrum.exponents for spectrum in spectra]),
        "stderr_of_states": np.array([spectrum.stderr for spectrum in spectra]),
    }


def _verdict(spectra: list[Spectrum], doubts: list[str]) -> str:
    """Return the worst verdict of the initial states, or `not converged` where all converged but disagree."""
    worst = worst_verdict(spectra)
    return UNCONVERGED if worst == CONVERGED and doubts else worst


def _disagreement(spectra: list[Spectrum]) -> tuple[str, ...]:
    """Return a note where exponents differ between initial states by more than their errors and a negligible share."""
    exponents, errors = (np.array([getattr(each, name) for each in spectra]) for name in ("exponents", "stderr"))
    with np.errstate(invalid="ignore"):
        deviations = exponents - exponents.mean(0)
        wide = np.abs(deviations) > NEGLIGIBLE * np.abs(exponents[:, 0]).max() + MOST_ERRORS * errors
    text = "the initial states end with different exponents: they have not settled, or there are several attractors"
    return (text,) if wide.any() else ()
