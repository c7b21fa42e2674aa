"""kind = analyse: trajectories, fixed points and flow of every network of the grid, built or trained.

Trajectories start from random initial states, or follow the validation trials of a task. Fixed points are those of the
autonomous network, with its constant drive and, with a task, its biases. Slow points are states of very slow change
(Sussillo and Barak 2013). Each point is reported with the eigenvalues of the step's Jacobian.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import FixedPoints, fixed_points, starting_points, units_of
from randomnet.build.connectome import connectome_of
from randomnet.build.network import build_setup, check_network
from randomnet.build.source_setup import SourceSetup, source_setup
from randomnet.build.unit_groups import Groups, groups_of
from randomnet.kinds.analyse import phases
from randomnet.kinds.analyse.outputs import Analysis, drawn_groups_of, plane_units, strength_of_setup, write_outputs
from randomnet.kinds.analyse.systems import AnySetup, AnySystem, jacobian, kinks
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.kinds.progress import interruption_check
from randomnet.kinds.trajectories import trajectories_of
from randomnet.memory import machine_memory
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

HEADLINE = ("neurons", "fixed_points", "stable_points", "kink_points", "slow_points", "converged_starts", "index_sum",
            "leading_modulus", "explained", "seconds")  # fmt: skip
PROBE_STARTS = 20  # of an estimate
LARGEST_STATE = 1e100  # a larger state has left the range of numbers


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    if run.config.from_source:
        setup = source_setup(run)
        plane_units(run.config.analysis.plane, setup.names)
        phases.check(run)
        return setup.facts()
    facts = check_network(run)
    memory, connectome = machine_memory(), connectome_of(run)
    settings, steps = run.config.analysis, run.config.analysis.duration / run.config.model.dt
    if not run.config.has_task and 8 * steps * settings.trajectories * facts["neurons"] > memory / 2:
        raise ConfigError(
            f"[analysis] duration: expected so short that {settings.trajectories} trajectories of {facts['neurons']} "
            f"neurons fit into memory, got {settings.duration:g}"
        )
    groups_of(settings.by, units_of(connectome), "analysis")
    plane_units(settings.plane, connectome.names)
    phases.check(run)
    return facts


def length(run: Run) -> float:
    """Return the number of starts of the search."""
    return run.config.analysis.starts


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Analyse one network and write arrays.npz; return the record for run.json."""
    began = time.perf_counter()
    setup, check_stop = _setup_of(run), interruption_check(stop)
    groups = _groups_of(run, setup)
    drawn_groups = drawn_groups_of(groups)
    with torch.no_grad():
        system = setup.system()
        trajectories = trajectories_of(run, setup, system, drawn_groups)
        paths = phases.phase_paths(run, setup, system)
    if not all(map(_is_bounded, (trajectories.states, *(path.states for path in paths)))):
        return _diverged(setup, began)
    reported = 0

    def on_progress(done: int) -> None:
        nonlocal reported
        check_stop()
        report({"advance": done - reported})
        reported = done

    points = _search(run, system, trajectories.states, run.config.analysis.starts, on_progress)
    analysis = Analysis(setup, system, trajectories, points, groups, drawn_groups, paths)
    return write_outputs(run, folder, analysis, check_stop, began)


def _setup_of(run: Run) -> AnySetup:
    """Return the network that the run builds, or the system of [source]. Raises ConfigError."""
    return source_setup(run) if run.config.from_source else build_setup(run)


def _groups_of(run: Run, setup: AnySetup) -> Groups | None:
    """Return the groups of a network's units; None for a system of [source], which has no labels."""
    if isinstance(setup, SourceSetup):
        return None
    return groups_of(run.config.analysis.by, units_of(setup.connectome), "analysis").to(setup.state.device)


def _diverged(setup: AnySetup, began: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - began, 2)
    return {
        "status": results.DIVERGED,
        "reason": "a trajectory left the range of numbers",
        "summary": {"neurons": setup.n, **strength_of_setup(setup), "seconds": seconds},
        "connectome": setup.facts(),
    }


def _is_bounded(states: Tensor) -> bool:
    """Return whether the squares of all states are numbers."""
    return bool((states.abs() < LARGEST_STATE).all())


@torch.no_grad()
def _search(
    run: Run, system: AnySystem, states: Tensor, number: int, on_progress: Callable[[int], None] = lambda done: None
) -> FixedPoints:
    """Return the fixed points found from the state 0 and from `number` - 1 noisy states of the trajectories."""
    noise = run.config.analysis.start_noise
    drawn = starting_points(states.flatten(0, 1), number - 1, run.generator("starts"), noise)
    starts = torch.cat([torch.zeros_like(drawn[:1]), drawn])
    return fixed_points(system.step, jacobian(system), starts, kinks=kinks(system), on_progress=on_progress)


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from a search with few starts."""
    run = runs[0]
    probe = min(PROBE_STARTS, run.config.analysis.starts)
    setup = _setup_of(run)
    with torch.no_grad():
        system = setup.system()
        began = time.perf_counter()
        states = trajectories_of(run, setup, system, None).states
        simulating = time.perf_counter() - began
    if not _is_bounded(states):
        return Cost(0.0, simulating)
    if run.config.from_source:
        _search(run, system, states, 2)  # the first automatic Jacobian takes a second
    began = time.perf_counter()
    _search(run, system, states, probe)
    seconds = (time.perf_counter() - began) / probe
    return Cost(seconds, simulating + seconds * run.config.analysis.starts * (1 + phases.search_share(run)))


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="start",
    headline=HEADLINE,
    rankings=(Ranking("fixed_points", lowest_first=False, best=False),),
)
