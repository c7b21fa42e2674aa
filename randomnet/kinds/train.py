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
from randomnet.config import Run
from randomnet.kinds import building, celled, coupling, fresh, measured, reaching, spectral, trained, unseen_trials
from randomnet.kinds.interface import Cost, Recorded, Report, missing
from randomnet.lyapunov import Schedule
from randomnet.objectives import (
    Objective,
    Recorder,
    SpectrumLoss,
    SpectrumObjective,
    Term,
    side_by_side,
    task_objective,
)
from randomnet.training import Settings, fit

WORKERS = None
UNIT = "epoch"
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
    reaching.check(run)
    facts = building.check(run)
    if run.config.spectrum_loss in ("l2", "mse"):
        building.target_of(run, facts["neurons"])
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
    starts = [building.begin(run) for run in runs]
    goals = [objective(*pair) for pair in zip(runs, starts, strict=True)]
    if kept is None:
        initial = [measured.initial(*each) for each in zip(runs, starts, goals, strict=True)]
        kept = {"initial": initial, "values_initial": [start.network.values() for start in starts], "seconds": 0.0}

    def keep(states: list[dict[str, Any]]) -> None:
        now = kept | {"members": _members(runs), "training": states, "seconds": elapsed()}
        results.write_bytes(folders[0].checkpoint, trained.torch_bytes(now))
        for folder, state in zip(folders, states, strict=True):
            folder.write_history(pd.DataFrame(state["progress"]["history"]))

    def elapsed() -> float:
        return kept["seconds"] + time.perf_counter() - began

    def reached(index: int, row: dict[str, float]) -> None:
        report(runs[index], row)
        every = runs[index].config.trainvalidate.store_every_epoch
        if every and row["epoch"] and (row["epoch"] - 1) % every == 0:
            trained.store(runs[index], folders[index], starts[index].network, int(row["epoch"]))

    every = runs[0].config.execution.checkpoint_every
    ended = fit(
        [start.network for start in starts],
        side_by_side(goals),
        [settings(run) for run in runs],
        checkpoint_every=None if every == "auto" else every,
        keep=keep,
        resume=kept.get("training"),
        report=reached,
        stop=stop,
    )
    finals = [measured.now(*each) for each in zip(runs, starts, goals, strict=True)]
    judged = [unseen_trials.judged(*each) for each in zip(runs, starts, goals, ended, strict=True)]
    left, seconds = missing(runs, folders), elapsed() / len(runs)
    each = (runs, folders, starts, ended, kept["values_initial"], kept["initial"], finals, judged)
    ends: Any = zip(*each, strict=True)
    return [(run, trained.written(run, *rest, seconds)) for run, *rest in ends if run in left]  # type: ignore[call-arg]


def _to_do(
    runs: Sequence[Run], folders: Sequence[results.RunFolder]
) -> tuple[Sequence[Run], Sequence[results.RunFolder], dict[str, Any] | None]:
    """Runs to train side by side, their folders, and their checkpoint if there is one.

    These are the ones that have not ended; but where a checkpoint is of all, all go on together, as the numbers of one
    depend by their last digits on how many there are beside it.
    """
    left = missing(runs, folders)
    device = building.device_of(runs[0].config)
    for some in (list(runs), left):
        chosen = [folder for run, folder in zip(runs, folders, strict=True) if run in some]
        kept = trained.read_checkpoint(chosen[0].checkpoint, device)
        if kept and kept.get("members") == _members(some):
            return some, chosen, kept
    return left, [folder for run, folder in zip(runs, folders, strict=True) if run in left], None


def _members(runs: Sequence[Run]) -> list[list[int]]:
    return [[run.combo, run.iteration] for run in runs]


def beside(run: Run, facts: dict[str, Any]) -> int:
    """How many runs of this one's shape train side by side."""
    if celled.is_celled(run) or reaching.is_closed(run):
        return 1
    return spectral.beside(run, facts, building.PRECISIONS[run.config.trainvalidate.precision].itemsize)


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from epochs of all, side by side, and a short spectrum measured here."""
    run, starts = runs[0], [building.begin(run) for run in runs]
    goals: list[Any] = [objective(*pair) for pair in zip(runs, starts, strict=True)]
    if measured.courses(run):  # all epochs over the whole record
        goals = [replace(goal, courses=()) for goal in goals]
    if reaching.is_closed(run):  # all of them over whole trials
        goals = [replace(goal, ramp=replace(goal.ramp, epochs=0)) for goal in goals]
    chosen = [replace(settings(run), epochs=2) for run in runs]
    history = fit([start.network for start in starts], side_by_side(goals), chosen)[0].history
    # the first epoch warms up
    epoch = min((row["seconds"] for row in history[1:]), default=float("nan"))
    epochs = run.config.trainvalidate.epochs
    began = time.perf_counter()
    coupling.strength_of(starts[0].network)
    measuring = 2 * (time.perf_counter() - began)
    if run.config.uses_spectrum:
        k, inputs = measured.asked(run, starts[0], goals[0])
        pace = spectral.pace(lambda probe: spectral.compute(run, starts[0], k, probe, inputs), run)
        every = run.config.lyapunov.spectrum_every
        recorded = math.ceil(epochs / every) + 1 if every else 0
        measuring += pace * (2 * _length(measured.schedule_of(run)) + recorded * _length(spectral.schedule_of(run)))
    return Cost(epoch, epoch * epochs + measuring)


def _length(schedule: Schedule) -> float:
    """Units of time of one spectrum, transients included."""
    return schedule.first + schedule.transient + schedule.frame_transient


def objective(run: Run, start: building.Start) -> Objective:
    """What the run trains on, in its precision and on its device."""
    like = start.state.to(building.PRECISIONS[run.config.trainvalidate.precision])
    losses, schedule, term = run.config.losses, spectral.schedule_of(run), None
    if run.config.spectrum_loss:
        n, loss = start.connectome.n, run.config.spectrum_loss
        target = torch.from_numpy(measured.target_of(run, n)).to(like)
        state = torch.zeros_like(like) if run.config.has_task else like
        truncate = run.config.lyapunov.truncate_gradient
        term = SpectrumLoss(loss, target, state, start.frame[: len(target)].to(like), schedule, truncate)
    if not run.config.has_task:
        return SpectrumObjective((term,), (losses[term.loss],), measured.courses(run))
    if reaching.is_closed(run):
        return reaching.objective(run, like, losses["task"])
    every, chosen = run.config.lyapunov.spectrum_every, run.config.trainvalidate
    goal = task_objective(
        *building.trials_of(run),
        chosen.batch_size,
        like,
        Term(
            losses["task"],
            (losses[term.loss], term) if term else None,
            Recorder(every, measured.leading(run, start), schedule) if every else None,
            fresh.noise_of(run),
            fresh.shuffle_of(run),
            fresh.input_noise_of(run),
        ),
    )
    return replace(goal, truncate=chosen.truncate, segment=chosen.segment)


def settings(run: Run) -> Settings:
    """How the config says that it is trained."""
    chosen = run.config.trainvalidate
    limits = chosen.clip_norm, chosen.early_stopping, chosen.lr_decay, chosen.stop_below
    limits += chosen.flat_window, chosen.flat_tolerance
    return Settings(chosen.optimizer, chosen.lr, chosen.epochs, *limits)
