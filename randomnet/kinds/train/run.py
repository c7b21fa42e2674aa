"""kind = train: train a network on a loss of its Lyapunov spectrum, or on a task.

The first is FlyStability's four training commands, the second bio_rnn_mem.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from randomnet.build import closed_loop
from randomnet.build.cells import has_cells
from randomnet.build.coupling_strength import strength_of
from randomnet.build.network import PRECISIONS, Setup, build_setup, check_network
from randomnet.build.objective import objective_of, training_settings, trajectories
from randomnet.build.spectra import schedule_of, simulated_time
from randomnet.build.targets import measured_exponents_of, target_of
from randomnet.conditions import TARGETED
from randomnet.kinds import spectra
from randomnet.kinds.checkpoints import continued
from randomnet.kinds.continuation import Checkpoints, Start, one_group_at_a_time
from randomnet.kinds.kind import Cost, Kind, Ranking, RunProgressCallback, RunRecords, Stop, missing_runs
from randomnet.kinds.train.activity import activity
from randomnet.kinds.train.example_trials import example_trials
from randomnet.kinds.train.measurements import (
    exponents_and_inputs,
    measure,
    measure_initial,
    measured_before,
    measuring_schedule,
)
from randomnet.kinds.train.outputs import Trained, store_epoch, write_outputs
from randomnet.kinds.train.unseen_trials import score
from randomnet.objectives import NetworkObjective, stack_objectives
from randomnet.schema.plan import Run
from randomnet.training import Progress, Trainable, are_values, fit

HEADLINE = (
    "loss_initial",
    "loss_final",
    "loss_measured_initial",
    "loss_measured_final",
    "loss_measured_final_stderr",
    "lambda_max_initial",
    "lambda_max_final",
    "verdict_final",
    "validate_loss_best",
    "validate_metrics_best",
    "validate_metrics_best_stderr",
    "chance_metrics",
    "test_metrics_best",
    "test_metrics_best_stderr",
    "validate_end_error_final",
    "baseline_end_error",
    "spectral_radius_initial",
)


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    closed_loop.check(run)
    facts = check_network(run)
    size = facts.get("state_size", facts["neurons"])
    if TARGETED.holds(run.config):
        target_of(run, size)
    if not run.config.has_task:
        measured_exponents_of(run, size)
    return facts


def length(run: Run) -> float:
    """Return the number of epochs."""
    return run.config.trainvalidate.epochs


@one_group_at_a_time
def execute(start: Start, report: RunProgressCallback, stop: Stop) -> RunRecords:
    """Train networks side by side; write the files of each run, see `outputs`, and return their records."""
    began, runs, folders = time.perf_counter(), start.runs, start.folders
    setups = [build_setup(run) for run in runs]
    objectives = [objective_of(*pair) for pair in zip(runs, setups, strict=True)]
    networks = [setup.network for setup in setups]
    untrained = {"values_initial": [network.values() for network in networks]}
    read = start.checkpoint and untrained | _whole_values(start.checkpoint, networks)
    objective, settings = stack_objectives(objectives), [training_settings(run) for run in runs]
    checkpoint = continued(start.paths, read, networks, objective, settings, ("initial", "values_initial"))
    if checkpoint is None:
        initial = [measure_initial(*each) for each in zip(runs, setups, objectives, strict=True)]
        checkpoint = {"initial": initial, "seconds": 0.0, **untrained}
    checkpoints = Checkpoints(start, checkpoint, began)

    def on_epoch(index: int, row: dict[str, float]) -> None:
        report(runs[index], row)
        every = runs[index].config.trainvalidate.store_every_epoch
        if every and row["epoch"] and (row["epoch"] - 1) % every == 0:
            store_epoch(runs[index], folders[index], setups[index].network, int(row["epoch"]))

    progresses = checkpoints.fit(networks, objective, settings, on_epoch, stop)
    trained = _measure_trained(runs, setups, objectives, progresses, checkpoint)
    unfinished, seconds = missing_runs(runs, folders), checkpoints.elapsed() / len(runs)
    return [(run, write_outputs(run, folder, result, seconds) | checkpoints.notes())
            for run, folder, result in zip(runs, folders, trained, strict=True) if run in unfinished]  # fmt: skip


def _whole_values(checkpoint: dict[str, Any], networks: Sequence[Trainable]) -> dict[str, Any]:
    """Return a checkpoint without untrained values that are not those of networks of these shapes."""
    values = checkpoint.get("values_initial")
    is_whole = isinstance(values, list) and len(values) == len(networks)
    if is_whole and all(are_values(each, network.values()) for each, network in zip(values, networks, strict=True)):
        return checkpoint
    return {name: value for name, value in checkpoint.items() if name != "values_initial"}


def _measure_trained(
    runs: Sequence[Run],
    setups: Sequence[Setup],
    objectives: Sequence[NetworkObjective],
    progresses: Sequence[Progress],
    checkpoint: dict[str, Any],
) -> list[Trained]:
    """Measure the trained networks, then score them on trials, which changes their values for a moment."""
    finals = [measure(*each) for each in zip(runs, setups, objectives, strict=True)]
    scores = [score(*each) for each in zip(runs, setups, objectives, progresses, strict=True)]
    initial = checkpoint["values_initial"]
    saved = zip(runs, setups, objectives, initial, checkpoint["initial"], finals, strict=True)
    measured = [measured_before(*each) for each in saved]
    parts = (runs, setups, objectives, initial, progresses)
    trials = [example_trials(*each) for each in zip(*parts, strict=True)]
    activities = [activity(*each) for each in zip(*parts, strict=True)]
    each = (setups, progresses, initial, measured, finals, scores, trials, activities)
    return [Trained(*parts) for parts in zip(*each, strict=True)]


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """Return how many runs of this one's shape are trained side by side."""
    config = run.config
    alone = has_cells(run) or closed_loop.is_closed_loop(run)
    if alone or config.dynamics.has_parts or config.trainvalidate.latent_l2:
        return 1
    return spectra.max_batch(run, facts, PRECISIONS[run.config.trainvalidate.precision].itemsize)


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from epochs of all runs side by side and a short spectrum."""
    run, setups = runs[0], [build_setup(run) for run in runs]
    objectives = [objective_of(*pair) for pair in zip(runs, setups, strict=True)]
    if trajectories(run):  # all epochs over the whole record
        objectives = [replace(objective, trajectories=()) for objective in objectives]
    if closed_loop.is_closed_loop(run):  # all of them over whole trials
        objectives = [replace(objective, ramp=replace(objective.ramp, epochs=0)) for objective in objectives]
    settings = [replace(training_settings(run), epochs=2) for run in runs]
    history = fit([setup.network for setup in setups], stack_objectives(objectives), settings)[0].history
    # the first epoch warms up
    epoch = min((row["seconds"] for row in history[1:]), default=float("nan"))
    return Cost(epoch, epoch * run.config.trainvalidate.epochs + _measuring_seconds(run, setups[0], objectives[0]))


def _measuring_seconds(run: Run, setup: Setup, objective: NetworkObjective) -> float:
    """Return the seconds that a run takes to measure coupling strength and spectra, those in training included."""
    began = time.perf_counter()
    strength_of(setup.network)
    seconds = 2 * (time.perf_counter() - began)
    if run.config.uses_spectrum:
        k, inputs = exponents_and_inputs(run, setup, objective)
        rate = spectra.seconds_per_time(lambda probe: spectra.compute_spectrum(run, setup, k, probe, inputs), run)
        every = run.config.lyapunov.spectrum_every
        recorded = math.ceil(run.config.trainvalidate.epochs / every) + 1 if every else 0
        measured, during = simulated_time(measuring_schedule(run)), simulated_time(schedule_of(run))
        seconds += rate * (2 * measured + recorded * during)
    return seconds


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
    rankings=(Ranking("validate_loss_best"), Ranking("loss_measured_final"), Ranking("loss_final")),
    max_batch=max_batch,
)
