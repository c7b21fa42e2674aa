"""kind = spectrum: the Lyapunov spectrum of every network of the grid (FlyStability's `spectrum`), judged.

kind = transition is the same with one exponent, for a grid over g (FlyStability's `transition_2_chaos`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.build import coupling_strength
from randomnet.build.network import Setup, build_setup, check_network
from randomnet.build.targets import exponents_of
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Recorded, Report, missing
from randomnet.kinds.spectrum import computing, initial_states
from randomnet.lyapunov import Schedule, Spectrum
from randomnet.schema.plan import Run
from randomnet.training import Interrupted

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
REPORTS = 50  # of one spectrum


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    return check_network(run)


def length(run: Run) -> float:
    """Units of time of its record."""
    return computing.schedule_of(run).first


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """How many spectra of this one's shape are computed side by side."""
    alone = run.config.has_task or run.config.lyapunov.initial_states > 1
    return 1 if alone else computing.max_batch(run, facts, 8)


def execute(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], report: Report, stop: Callable[[], bool]
) -> Recorded:
    """Compute spectra and write of each arrays.npz; returns what run.json says of them."""
    began = time.perf_counter()
    starts = [build_setup(run) for run in runs]
    k = exponents_of(runs[0], starts[0].connectome.n)

    def told(row: dict[str, float]) -> None:
        for run in runs:
            report(run, row)

    found = _spectra(runs, starts, k, tick=ticker(length(runs[0]), told, stop))
    seconds = (time.perf_counter() - began) / len(runs)
    left, each = missing(runs, folders), zip(runs, folders, starts, found, strict=True)
    return [(run, _written(run, *rest, k=k, seconds=seconds)) for run, *rest in each if run in left]


def _spectra(
    runs: Sequence[Run],
    starts: Sequence[Setup],
    k: int,
    schedule: Schedule | None = None,
    tick: computing.Tick = lambda time: None,
) -> list[list[Spectrum]]:
    """Of each run, one from each of its initial states."""
    if runs[0].config.lyapunov.initial_states == 1:
        return [[one] for one in computing.compute_each(runs, starts, k, schedule, tick)]
    return [initial_states.compute_states(run, start, k, schedule, tick)
            for run, start in zip(runs, starts, strict=True)]  # fmt: skip


def _written(
    run: Run, folder: results.RunFolder, start: Setup, found: list[Spectrum], k: int, seconds: float
) -> dict[str, Any]:
    """Write the spectra from a run's initial states; what run.json says of them."""
    first, several = found[0], len(found) > 1
    arrays = {"exponents": first.exponents, "stderr": first.stderr, "log10_condition": first.conditions}
    arrays = initial_states.arrays_of(found) if several else arrays
    results.write_arrays(folder.path / "arrays.npz", arrays | described(run, start))
    status, reason = initial_states.worst_status(found)
    return {
        "status": status,
        "reason": reason,
        "summary": {
            "neurons": start.connectome.n,
            "exponents": k,
            **(initial_states.figures_of(found) if several else computing.figures(first)),
            **dynamics(run),
            **coupling_strength.strength_of(start.network),
            "network": start.checksum(),
            "seconds": round(seconds, 2),
        },
        "connectome": start.facts(),
    }


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from a short spectrum of all, side by side, measured here."""
    starts, schedule = [build_setup(run) for run in runs], computing.schedule_of(runs[0])
    k = exponents_of(runs[0], starts[0].connectome.n)
    each = computing.pace(lambda probe: _spectra(runs, starts, k, probe), runs[0]) / len(runs)
    return Cost(each, each * (schedule.first + schedule.transient + schedule.frame_transient))


def ticker(tsim: float, report: ProgressCallback, stop: Callable[[], bool]) -> Callable[[float], None]:
    """What a spectrum tells of its progress, now and then, and how it is interrupted."""
    told = 0.0

    def tick(now: float) -> None:
        nonlocal told
        if stop():
            raise Interrupted
        if now - told >= tsim / REPORTS:
            report({"advance": now - told})
            told = now

    return tick


def dynamics(run: Run) -> dict[str, Any]:
    """What an exponent depends on besides the network."""
    return {name: getattr(run.config.model, name) for name in ("form", "integrator", "dt")}


def described(run: Run, start: Setup) -> dict[str, np.ndarray]:
    """State that the run began with, and gains and shifts of the groups."""
    state = torch.zeros_like(start.state) if computing.is_driven(run) else start.state
    with torch.no_grad():
        parts = {"gains": start.network.gains(), "shifts": start.network.shifts(), "state_initial": state}
    return {"groups": start.labels, **{name: part.cpu().numpy() for name, part in parts.items()}}


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
    max_batch=max_batch,
)
