"""kind = train: train a network on a loss of its Lyapunov spectrum, or on a task.

The first is FlyStability's four training commands, the second bio_rnn_mem.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import torch

from randomnet import results
from randomnet.build import cells, closed_loop, coupling_strength, training_noise
from randomnet.build.network import PRECISIONS, Setup, build_setup, check_network, device_of
from randomnet.build.targets import target_of
from randomnet.build.trials import trials_of
from randomnet.kinds.kind import Cost, Kind, Recorded, Report, missing
from randomnet.kinds.spectrum import computing
from randomnet.kinds.train import measurements, outputs, unseen_trials
from randomnet.lyapunov import Schedule
from randomnet.objectives import (
    NetworkObjective,
    Recorder,
    SpectrumLoss,
    SpectrumObjective,
    Term,
    stack_objectives,
    task_objective,
)
from randomnet.schema.plan import Run
from randomnet.training import Settings, fit

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
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    closed_loop.check(run)
    facts = check_network(run)
    if run.config.spectrum_loss in ("l2", "mse"):
        target_of(run, facts["neurons"])
    return facts


def length(run: Run) -> float:
    """Its epochs."""
    return run.config.trainvalidate.epochs


def execute(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], report: Report, stop: Callable[[], bool]
) -> Recorded:
    """Train networks and write of each history.csv, arrays.npz and model.pt; returns what run.json says of them."""
    began = time.perf_counter()
    runs, folders, kept = _to_do(runs, folders)
    starts = [build_setup(run) for run in runs]
    objectives = [objective(*pair) for pair in zip(runs, starts, strict=True)]
    if kept is None:
        initial = [measurements.initial(*each) for each in zip(runs, starts, objectives, strict=True)]
        kept = {"initial": initial, "values_initial": [start.network.values() for start in starts], "seconds": 0.0}

    def save_checkpoint(states: list[dict[str, Any]]) -> None:
        now = kept | {"members": _members(runs), "training": states, "seconds": elapsed()}
        results.write_bytes(folders[0].checkpoint, outputs.torch_bytes(now))
        for folder, state in zip(folders, states, strict=True):
            folder.write_history(pd.DataFrame(state["progress"]["history"]))

    def elapsed() -> float:
        return kept["seconds"] + time.perf_counter() - began

    def reached(index: int, row: dict[str, float]) -> None:
        report(runs[index], row)
        every = runs[index].config.trainvalidate.store_every_epoch
        if every and row["epoch"] and (row["epoch"] - 1) % every == 0:
            outputs.store(runs[index], folders[index], starts[index].network, int(row["epoch"]))

    every = runs[0].config.execution.checkpoint_every
    ended = fit(
        [start.network for start in starts],
        stack_objectives(objectives),
        [settings(run) for run in runs],
        checkpoint_every=None if every == "auto" else every,
        save_checkpoint=save_checkpoint,
        resume=kept.get("training"),
        report=reached,
        stop=stop,
    )
    finals = [measurements.now(*each) for each in zip(runs, starts, objectives, strict=True)]
    judged = [unseen_trials.judged(*each) for each in zip(runs, starts, objectives, ended, strict=True)]
    left, seconds = missing(runs, folders), elapsed() / len(runs)
    each = zip(runs, folders, starts, ended, kept["values_initial"], kept["initial"], finals, judged, strict=True)
    return [(run, outputs.written(run, *rest, seconds=seconds)) for run, *rest in each if run in left]


def _to_do(
    runs: Sequence[Run], folders: Sequence[results.RunFolder]
) -> tuple[Sequence[Run], Sequence[results.RunFolder], dict[str, Any] | None]:
    """Runs to train side by side, their folders, and their checkpoint if there is one.

    These are the ones that have not ended; but where a checkpoint is of all, all go on together, as the numbers of one
    depend by their last digits on how many there are beside it.
    """
    left = missing(runs, folders)
    device = device_of(runs[0].config)
    for some in (list(runs), left):
        chosen = [folder for run, folder in zip(runs, folders, strict=True) if run in some]
        kept = outputs.read_checkpoint(chosen[0].checkpoint, device)
        if kept and kept.get("members") == _members(some):
            return some, chosen, kept
    return left, [folder for run, folder in zip(runs, folders, strict=True) if run in left], None


def _members(runs: Sequence[Run]) -> list[list[int]]:
    return [[run.combo, run.iteration] for run in runs]


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """How many runs of this one's shape train side by side."""
    if cells.is_celled(run) or closed_loop.is_closed(run):
        return 1
    return computing.max_batch(run, facts, PRECISIONS[run.config.trainvalidate.precision].itemsize)


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from epochs of all, side by side, and a short spectrum measured here."""
    run, starts = runs[0], [build_setup(run) for run in runs]
    objectives = [objective(*pair) for pair in zip(runs, starts, strict=True)]
    if measurements.trajectories(run):  # all epochs over the whole record
        objectives = [replace(each, trajectories=()) for each in objectives]
    if closed_loop.is_closed(run):  # all of them over whole trials
        objectives = [replace(each, ramp=replace(each.ramp, epochs=0)) for each in objectives]
    chosen = [replace(settings(run), epochs=2) for run in runs]
    history = fit([start.network for start in starts], stack_objectives(objectives), chosen)[0].history
    # the first epoch warms up
    epoch = min((row["seconds"] for row in history[1:]), default=float("nan"))
    epochs = run.config.trainvalidate.epochs
    began = time.perf_counter()
    coupling_strength.strength_of(starts[0].network)
    measuring = 2 * (time.perf_counter() - began)
    if run.config.uses_spectrum:
        k, inputs = measurements.asked(run, starts[0], objectives[0])
        pace = computing.pace(lambda probe: computing.compute(run, starts[0], k, probe, inputs), run)
        every = run.config.lyapunov.spectrum_every
        recorded = math.ceil(epochs / every) + 1 if every else 0
        measured, during = _length(measurements.schedule_of(run)), _length(computing.schedule_of(run))
        measuring += pace * (2 * measured + recorded * during)
    return Cost(epoch, epoch * epochs + measuring)


def _length(schedule: Schedule) -> float:
    """Units of time of one spectrum, transients included."""
    return schedule.first + schedule.transient + schedule.frame_transient


def objective(run: Run, start: Setup) -> NetworkObjective:
    """What the run trains on, in its precision and on its device."""
    like = start.state.to(PRECISIONS[run.config.trainvalidate.precision])
    losses, schedule, term = run.config.losses, computing.schedule_of(run), None
    if run.config.spectrum_loss:
        n, loss = start.connectome.n, run.config.spectrum_loss
        target = torch.from_numpy(measurements.loss_target(run, n)).to(like)
        state = torch.zeros_like(like) if run.config.has_task else like
        truncate = run.config.lyapunov.truncate_gradient
        term = SpectrumLoss(loss, target, state, start.frame[: len(target)].to(like), schedule, truncate)
    if not run.config.has_task:
        return SpectrumObjective((term,), (losses[term.loss],), measurements.trajectories(run))
    if closed_loop.is_closed(run):
        return closed_loop.objective(run, like, losses["task"])
    every, chosen = run.config.lyapunov.spectrum_every, run.config.trainvalidate
    task = task_objective(
        *trials_of(run),
        chosen.batch_size,
        like,
        Term(
            losses["task"],
            (losses[term.loss], term) if term else None,
            Recorder(every, measurements.leading(run, start), schedule) if every else None,
            training_noise.noise_of(run),
            training_noise.shuffle_of(run),
            training_noise.input_noise_of(run),
        ),
    )
    return replace(task, truncate=chosen.truncate, segment=chosen.segment)


def settings(run: Run) -> Settings:
    """How the config says that it is trained."""
    chosen = run.config.trainvalidate
    limits = chosen.clip_norm, chosen.early_stopping, chosen.lr_decay, chosen.stop_below
    limits += chosen.flat_window, chosen.flat_tolerance
    return Settings(chosen.optimizer, chosen.lr, chosen.epochs, *limits)


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
    max_batch=max_batch,
)
