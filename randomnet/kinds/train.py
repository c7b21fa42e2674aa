"""kind = train: train a network on a loss of its Lyapunov spectrum, or on a task.

The first is FlyStability's four training commands, the second bio_rnn_mem.
"""

import hashlib
import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from randomnet import results
from randomnet.config import TRAINED, Run
from randomnet.kinds import building, spectral
from randomnet.kinds.followed import conditions_of, event_arrays
from randomnet.kinds.interface import Cost, Recorded, Report, missing
from randomnet.objectives import (
    Course,
    Objective,
    Recorder,
    SpectrumLoss,
    SpectrumObjective,
    StateNoise,
    Term,
    side_by_side,
    task_objective,
)
from randomnet.rnn import FACTORS, Network
from randomnet.training import Progress, Settings, fit

WORKERS = None
UNIT = "epoch"
HEADLINE = (
    "loss_initial",
    "loss_final",
    "lambda_max_initial",
    "lambda_max_final",
    "validate_loss_best",
    "validate_metrics_best",
    "spectral_radius_initial",
)
MOST_REMEMBERED = 16
SHOWN_TRIALS = 100  # whose overlaps are written
_REMEMBERED: dict[Any, dict[str, Any]] = {}  # spectra of networks that training begins with
REPORTED = (  # of the spectra before and after training
    "lambda_max",
    "n_positive",
    "D_KY",
    "h_KS",
    "sum_rule_residual",
    "drift",
    "log10_condition_max",
    "interval",
    "converged",
    "notes",
)


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
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
        initial = [_measure_initial(*each) for each in zip(runs, starts, goals, strict=True)]
        kept = {"initial": initial, "values_initial": [start.network.values() for start in starts], "seconds": 0.0}

    def keep(states: list[dict[str, Any]]) -> None:
        now = kept | {"members": _members(runs), "training": states, "seconds": elapsed()}
        results.write_bytes(folders[0].checkpoint, _torch_bytes(now))
        for folder, state in zip(folders, states, strict=True):
            results.write_csv(folder.path / "history.csv", pd.DataFrame(state["progress"]["history"]))

    def elapsed() -> float:
        return kept["seconds"] + time.perf_counter() - began

    def reached(index: int, row: dict[str, float]) -> None:
        report(runs[index], row)
        every = runs[index].config.trainvalidate.store_every_epoch
        if every and row["epoch"] % every == 0:
            _store(runs[index], folders[index], starts[index].network, int(row["epoch"]))

    every = runs[0].config.execution.checkpoint_every
    trained = fit(
        [start.network for start in starts],
        side_by_side(goals),
        [settings(run) for run in runs],
        checkpoint_every=None if every == "auto" else every,
        keep=keep,
        resume=kept.get("training"),
        report=reached,
        stop=stop,
    )
    finals = [_measure(*each) for each in zip(runs, starts, goals, strict=True)]
    left, seconds = missing(runs, folders), elapsed() / len(runs)
    each = (runs, folders, starts, trained, kept["values_initial"], kept["initial"], finals)
    return [(run, _written(run, *rest, seconds)) for run, *rest in zip(*each, strict=True) if run in left]


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
        kept = _read_checkpoint(chosen[0].checkpoint, device)
        if kept and kept.get("members") == _members(some):
            return some, chosen, kept
    return left, [folder for run, folder in zip(runs, folders, strict=True) if run in left], None


def _members(runs: Sequence[Run]) -> list[list[int]]:
    return [[run.combo, run.iteration] for run in runs]


def _store(run: Run, folder: results.RunFolder, network: Network, epoch: int) -> None:
    """Keep a network of a task under bio_rnn_mem's name of an epoch."""
    if run.config.has_task:
        path = folder.path.parent / f"model_state_dict_epoch_{epoch}_iter_{run.iteration}.pth"
        results.write_bytes(path, _torch_bytes(network.elman_state_dict()))


def _written(
    run: Run,
    folder: results.RunFolder,
    start: building.Start,
    progress: Progress,
    values: dict[str, torch.Tensor],
    initial: dict[str, Any],
    final: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Write the files of a run that has been trained; what run.json says of it."""
    if run.config.trainvalidate.store_every_epoch and progress.history:
        _store(run, folder, start.network, progress.epoch - 1)
    results.write_csv(folder.path / "history.csv", pd.DataFrame(progress.history, columns=_columns(progress)))
    results.write_arrays(folder.path / "arrays.npz", _arrays(run, start, values, progress, initial, final))
    results.write_bytes(folder.path / "model.pt", _torch_bytes(_model(start.network, progress, run.config.trained)))
    return {
        "status": results.DIVERGED if progress.diverged else results.COMPLETE,
        "reason": progress.reason,
        "summary": {
            **_losses(progress, initial),
            **_figures("initial", initial),
            **_figures("final", final),
            "seconds": round(seconds, 2),
        },
        "connectome": start.facts(),
    }


def beside(run: Run, facts: dict[str, Any]) -> int:
    """How many runs of this one's shape train side by side."""
    return spectral.beside(run, facts, building.PRECISIONS[run.config.trainvalidate.precision].itemsize)


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from epochs of all, side by side, and a short spectrum measured here."""
    run, starts = runs[0], [building.begin(run) for run in runs]
    goals = [objective(*pair) for pair in zip(runs, starts, strict=True)]
    if _courses(run):  # all epochs over the whole record
        goals = [replace(goal, courses=()) for goal in goals]
    chosen = [replace(settings(run), epochs=2) for run in runs]
    history = fit([start.network for start in starts], side_by_side(goals), chosen)[0].history
    # the first epoch warms up, and may also record a spectrum
    epoch = min((row["seconds"] for row in history), default=float("nan"))
    epochs = run.config.trainvalidate.epochs
    began = time.perf_counter()
    _radius(starts[0])
    measuring = 2 * (time.perf_counter() - began)
    if run.config.uses_spectrum:
        schedule, (k, inputs) = spectral.schedule_of(run), _asked(run, starts[0], goals[0])
        total = schedule.tsim + schedule.transient + schedule.frame_transient
        one = spectral.pace(lambda probe: spectral.compute(run, starts[0], k, probe, inputs), run) * total
        every = run.config.lyapunov.spectrum_every
        measuring += one * (2 + (math.ceil(epochs / every) if every else 0))
    return Cost(epoch, epoch * epochs + measuring)


def objective(run: Run, start: building.Start) -> Objective:
    """What the run trains on, in its precision and on its device."""
    like = start.state.to(building.PRECISIONS[run.config.trainvalidate.precision])
    losses, schedule, term = run.config.losses, spectral.schedule_of(run), None
    if run.config.spectrum_loss:
        n, loss = start.connectome.n, run.config.spectrum_loss
        k = building.exponents_of(run, n)
        target = torch.from_numpy(np.zeros(k) if loss == "sinai" else building.target_of(run, n)).to(like)
        state = torch.zeros_like(like) if run.config.has_task else like
        term = SpectrumLoss(loss, target, state, start.frame[:k].to(like), schedule)
    if not run.config.has_task:
        return SpectrumObjective((term,), (losses[term.loss],), _courses(run))
    every, chosen = run.config.lyapunov.spectrum_every, run.config.trainvalidate
    goal = task_objective(
        *building.trials_of(run),
        chosen.batch_size,
        like,
        Term(
            losses["task"],
            (losses[term.loss], term) if term else None,
            Recorder(every, _leading(run, start), schedule) if every else None,
            _noise(run),
        ),
    )
    return replace(goal, truncate=chosen.truncate, segment=chosen.segment)


def _noise(run: Run) -> StateNoise | None:
    """Of the state while it is trained; None where there is none."""
    sigma = run.config.trainvalidate.noise
    return StateNoise(sigma, int(run.generator("noise").integers(2**63))) if sigma else None


def _courses(run: Run) -> tuple[Course, ...]:
    """How the trajectory goes on from epoch to epoch; none where all epochs are alike."""
    chosen = run.config.lyapunov
    window = chosen.tsim if chosen.tsim_first == "tsim" else chosen.tsim_first
    return (Course(chosen.warm_start, window),) if chosen.warm_start or window < chosen.tsim else ()


def _leading(run: Run, start: building.Start) -> torch.Tensor:
    """The frame of the exponents that the config asks for, (k, N) float64."""
    return start.frame[: building.exponents_of(run, start.connectome.n)]


def settings(run: Run) -> Settings:
    """How the config says that it is trained."""
    chosen = run.config.trainvalidate
    limits = chosen.clip_norm, chosen.early_stopping, chosen.lr_decay, chosen.stop_below
    limits += chosen.flat_window, chosen.flat_tolerance
    return Settings(chosen.optimizer, chosen.lr, chosen.epochs, *limits)


def _measure_initial(run: Run, start: building.Start, goal: Objective) -> dict[str, Any]:
    """`_measure` before training; combos often share their first network, and its full spectrum takes longer than many
    epochs, so that the latest ones are remembered."""
    digest = hashlib.sha256()
    for tensor in (start.network.edges, start.network.groups, *start.network.values().values(), start.state):
        digest.update(tensor.cpu().numpy().tobytes())
    key = run.config.shape(), digest.digest()
    if key not in _REMEMBERED:
        _REMEMBERED[key] = _measure(run, start, goal)
        for old in list(_REMEMBERED)[:-MOST_REMEMBERED]:
            del _REMEMBERED[old]
    measured = dict(_REMEMBERED[key])
    if _courses(run):
        with torch.no_grad():
            measured["loss"] = float(goal.measure([start.network], None, fresh=True)[0].loss)
    return measured


def _measure(run: Run, start: building.Start, goal: Objective) -> dict[str, Any]:
    """What is reported of the network as it is now, as tensors and plain values."""
    measured: dict[str, Any] = _radius(start)
    if run.config.uses_spectrum:
        k, inputs = _asked(run, start, goal)
        found = spectral.compute(run, start, k, inputs=inputs)
        measured["exponents"], measured["stderr"] = torch.from_numpy(found.exponents), torch.from_numpy(found.stderr)
        measured["figures"] = spectral.figures(found)
    if run.config.has_task and start.network.rank:
        measured["overlaps"] = _overlaps(start.network, goal.validation.inputs)
    return measured


def _beside_overlaps(run: Run) -> dict[str, np.ndarray]:
    """What belongs to the overlaps: time (T,) in tau, the trials' conditions, and events in tau."""
    trials, dt = building.trials_of(run)[1], run.config.model.dt
    index, names = conditions_of(trials)
    return {
        "overlaps_times": dt * np.arange(1, 1 + trials.inputs.shape[1]),
        "overlaps_conditions": np.array(names)[index[:SHOWN_TRIALS]],
        **event_arrays(trials.events, dt),
    }


@torch.no_grad()
def _overlaps(network: Network, inputs: torch.Tensor) -> torch.Tensor:
    """Overlaps (trials, time, K) of the first validation trials with the selection vectors."""
    return network.overlaps(network.run(inputs[:, :SHOWN_TRIALS])[0]).transpose(0, 1).cpu()


def _radius(start: building.Start) -> dict[str, float]:
    """The spectral radius of the network's weights as they are now, unless it is too large for it."""
    if start.connectome.n > building.LARGEST_FULL:
        return {}
    matrix = building.double(start.network).matrix().detach()
    if not bool(matrix.isfinite().all()):  # of which LAPACK may look for eigenvalues for ever
        return {}
    return {"spectral_radius": float(torch.linalg.eigvals(matrix).abs().max())}


def _asked(run: Run, start: building.Start, goal: Objective) -> tuple[int, torch.Tensor | None]:
    """How many exponents, and along what: all of the network, if these are not too many; with a task as the config
    says, along validation."""
    n = start.connectome.n
    if run.config.has_task:
        return building.exponents_of(run, n), goal.validation.inputs
    return building.largest_frame(run, n), None


def _figures(when: str, found: dict[str, Any]) -> dict[str, Any]:
    spectrum = found.get("figures", {})
    named = {f"{name}_{when}": value for name, value in spectrum.items() if name in REPORTED}
    errors = {f"lambda_max_{when}_stderr": spectrum["lambda_max_stderr"]} if "lambda_max" in spectrum else {}
    return named | errors | {f"spectral_radius_{when}": found.get("spectral_radius")}


def _losses(progress: Progress, initial: dict[str, Any]) -> dict[str, float]:
    history = pd.DataFrame(progress.history, columns=_columns(progress))
    found: dict[str, float] = {"epochs_done": len(history)}
    for column, name in (("train_loss", "loss"), ("validate_loss", "validate_loss")):
        if column in history and len(history):
            found[f"{name}_initial"], found[f"{name}_final"] = history[column].iloc[0], history[column].iloc[-1]
            found[f"{name}_best"] = history[column].min()
    # the losses of history are those before an update; these are of the networks that model.pt holds
    found["loss_final"] = progress.final_loss
    found["loss_best"] = min(found.get("loss_best", progress.final_loss), progress.final_loss)
    if "loss" in initial:  # those of the epochs are of shorter records
        found |= {"loss_initial": initial["loss"], "loss_best": progress.best_loss}
    if "validate_metrics" in history:
        found["validate_metrics_final"] = history["validate_metrics"].iloc[-1]
        found["validate_metrics_best"] = history["validate_metrics"].max()
    others = [name for name in history if name.startswith("validate_") and f"{name}_final" not in found]
    found |= {f"{name}_final": history[name].iloc[-1] for name in others}
    return {**found, "epoch_best": progress.best_epoch}


def _columns(progress: Progress) -> list[str] | None:
    return None if progress.history else ["epoch", "train_loss", "lambda_max", "seconds"]


def _arrays(
    run: Run,
    start: building.Start,
    values: dict[str, torch.Tensor],
    progress: Progress,
    initial: dict[str, Any],
    final: dict[str, Any],
) -> dict[str, np.ndarray]:
    arrays = {"groups": start.labels, "state_initial": start.state.cpu().numpy()}
    arrays |= _beside_overlaps(run) if "overlaps" in final else {}
    if run.config.spectrum_loss in ("l2", "mse"):
        arrays["target"] = building.target_of(run, start.connectome.n)
    for when, found, held in (("initial", initial, values), ("final", final, progress.last)):
        if "exponents" in found:
            arrays[f"spectrum_{when}"] = found["exponents"].numpy()
            arrays[f"spectrum_{when}_stderr"] = found["stderr"].numpy()
        if "overlaps" in found:
            arrays[f"overlaps_{when}"] = found["overlaps"].numpy()
        weights = ("weights",) if "weights" in run.config.trained else ()
        for name in ("gains", "shifts", *weights, *(FACTORS if start.network.rank else ())):
            arrays[f"{name}_{when}"] = held[name].cpu().numpy()
    if "weights" in run.config.trained:
        arrays["post"], arrays["pre"] = start.connectome.post, start.connectome.pre
    for name in TRAINED:
        moving = getattr(start.network, name).moving
        if moving is not None:
            arrays[f"{name}_moving"] = moving.cpu().numpy()
    return arrays


def _model(network: Network, progress: Progress, trained: tuple[str, ...]) -> dict[str, Any]:
    # under the network's own names: equal ones read from a checkpoint are other objects, which pickle would tell apart
    names, held = list(network.values()), (progress.last, progress.best or progress.last)
    last, best = ({name: values[name] for name in names} for values in held)
    return {
        "network": network.description(),
        "last": last,
        "best": best,
        "best_epoch": progress.best_epoch,
        "trained": list(trained),
    }


def _torch_bytes(record: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(record, buffer)
    return buffer.getvalue()


def _read_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The checkpoint, or None; a damaged one is set aside, and the runs start anew."""
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True, map_location=device)
    except Exception:  # a damaged file can raise nearly anything
        path.replace(path.with_suffix(".damaged"))
        return None
