"""kind = spectrum: the Lyapunov spectrum of every network of the grid (FlyStability's `spectrum`), with verdicts.

kind = transition is the same with one exponent, for a grid over g (FlyStability's `transition_2_chaos`).
"""

import time
from collections.abc import Sequence
from typing import Any

from randomnet import results
from randomnet.build.network import Setup, build_setup, check_network
from randomnet.build.source_setup import SourceSetup, check_source, source_setup
from randomnet.build.spectra import schedule_of, simulated_time
from randomnet.build.targets import exponents_of
from randomnet.kinds import spectra
from randomnet.kinds.initial_states import compute_states
from randomnet.kinds.kind import Cost, Kind, Ranking, RunProgressCallback, RunRecords, Stop, missing_runs
from randomnet.kinds.progress import interruption_check, progress_reporter
from randomnet.kinds.spectrum.outputs import write_outputs
from randomnet.kinds.spectrum.vectors import check_vectors, time_of_vectors, vectors_of_runs
from randomnet.lyapunov import Schedule, Spectrum
from randomnet.schema.plan import Run

HEADLINE = (
    "neurons",
    "exponents",
    "lambda_max",
    "lambda_max_stderr",
    "n_positive",
    "D_KY",
    "D_KY_low",
    "D_KY_high",
    "h_KS",
    "h_KS_low",
    "h_KS_high",
    "sum_rule_residual",
    "verdict",
    "seconds",
)


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    if run.config.from_source:
        return check_source(run)
    facts = check_network(run)
    if run.config.reads("lyapunov.vectors"):
        check_vectors(run, facts["neurons"])
    return facts


def setup_of(run: Run) -> Setup | SourceSetup:
    """Return the network that the run builds, or the system of [source]. Raises ConfigError."""
    return source_setup(run) if run.config.from_source else build_setup(run)


def length(run: Run) -> float:
    """Return the units of time of the record."""
    return schedule_of(run).first


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """Return how many spectra of this run's shape are computed side by side."""
    alone = run.config.has_task or run.config.from_source or run.config.lyapunov.initial_states > 1
    return 1 if alone else spectra.max_batch(run, facts, 8)


def execute(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], report: RunProgressCallback, stop: Stop
) -> RunRecords:
    """Compute spectra and write arrays.npz of each run; return their records."""
    began = time.perf_counter()
    setups = [setup_of(run) for run in runs]
    k = exponents_of(runs[0], setups[0].n)

    def report_all(row: dict[str, float]) -> None:
        for run in runs:
            report(run, row)

    computed = _compute(runs, setups, k, on_progress=progress_reporter(length(runs[0]), report_all, stop))
    vectors = vectors_of_runs(runs, setups, computed, interruption_check(stop))
    seconds = (time.perf_counter() - began) / len(runs)
    unfinished, each = missing_runs(runs, folders), zip(runs, folders, setups, computed, vectors, strict=True)
    return [
        (run, write_outputs(run, folder, setup, spectra, seconds, of_run))
        for run, folder, setup, spectra, of_run in each
        if run in unfinished
    ]


def _compute(
    runs: Sequence[Run],
    setups: Sequence[Setup | SourceSetup],
    k: int,
    schedule: Schedule | None = None,
    on_progress: spectra.OnProgress = lambda time: None,
) -> list[list[Spectrum]]:
    """Return the spectra of each run, one from each of its initial states."""
    if runs[0].config.lyapunov.initial_states == 1:
        return [[spectrum] for spectrum in spectra.compute_spectra(runs, setups, k, schedule, on_progress)]
    return [compute_states(run, setup, k, schedule, on_progress)
            for run, setup in zip(runs, setups, strict=True)]  # fmt: skip


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from a short spectrum of all runs side by side."""
    setups = [setup_of(run) for run in runs]
    k = exponents_of(runs[0], setups[0].n)
    rate = spectra.seconds_per_time(lambda probe: _compute(runs, setups, k, probe), runs[0]) / len(runs)
    return Cost(rate, rate * (simulated_time(schedule_of(runs[0])) + time_of_vectors(runs[0], k)))


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
    rankings=(Ranking("lambda_max", lowest_first=False, best=False),),
    max_batch=max_batch,
)
