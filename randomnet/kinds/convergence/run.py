"""kind = convergence: how the estimates of the exponents converge, from several initial states of one network.

FlyStability's lyapu_convergence. Several QR intervals are an axis of the grid: {"tons": [0.2, 1, 5, "adaptive"]}.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from randomnet import results
from randomnet.build.network import Setup, build_setup, check_network
from randomnet.build.spectra import schedule_of, simulated_time, system_of
from randomnet.build.targets import exponents_of
from randomnet.kinds.convergence.outputs import write_outputs
from randomnet.kinds.initial_states import states_and_frames
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.kinds.progress import progress_reporter
from randomnet.kinds.spectra import compute_spectrum, seconds_per_time
from randomnet.lyapunov import Spectrum, spectrum
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


def length(run: Run) -> float:
    """Return the units of time of all records."""
    return run.config.lyapunov.tsim * run.config.lyapunov.initial_states


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Compute the spectra from all initial states and write arrays.npz; return the record for run.json."""
    began = time.perf_counter()
    setup = build_setup(run)
    spectra = _compute(run, setup, exponents_of(run, setup.connectome.n), report, stop)
    return write_outputs(run, folder, setup, spectra, began)


def _compute(run: Run, setup: Setup, k: int, report: ProgressCallback, stop: Stop) -> list[Spectrum]:
    """Return a spectrum from each initial state; the first is the run's own, and gives all an adaptive interval."""
    schedule, system = schedule_of(run), system_of(run, setup)
    spectra: list[Spectrum] = []
    for state, frame in states_and_frames(run, setup, k):
        on_progress = progress_reporter(schedule.first, report, stop)
        spectra.append(spectrum(system, state, frame, schedule, on_progress))
        schedule = replace(schedule, tons=spectra[0].interval)
    return spectra


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of a run, from a short spectrum."""
    run, setup = runs[0], build_setup(runs[0])
    k = exponents_of(run, setup.connectome.n)
    rate = seconds_per_time(lambda probe: compute_spectrum(run, setup, k, probe), run)
    return Cost(rate, rate * simulated_time(schedule_of(run)) * run.config.lyapunov.initial_states)


KIND = Kind(
    check=check_network,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
    rankings=(Ranking("lambda_max", lowest_first=False, best=False),),
)
