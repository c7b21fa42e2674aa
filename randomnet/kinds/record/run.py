"""kind = record: simulated neural recordings of a trained network along new trials of its task.

The network is that of [source]. Its trials are those of [trialparams], which may differ from the training's parameters;
no trial is one of the training. Neurons read the states and fire ([recording]).
"""

import io
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randomnet import recordings, results
from randomnet.artifacts import sources
from randomnet.artifacts.trained_networks import TrainedSystem, load_trained
from randomnet.build.trials import all_trials
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.progress import interruption_check
from randomnet.kinds.record.outputs import recorded_bins, write_outputs
from randomnet.kinds.record.rollout import Rollout, roll_out
from randomnet.recordings import READOUTS, ObservationModel, Recording, Split
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS, ReachTrials, Trials

HEADLINE = ("neurons", "heldin", "latents", "mean_rate", "fano", "silent", "bps_ceiling", "co_bps_ceiling", "accuracy",
            "seconds", "notes")  # fmt: skip
PROBE_TRIALS = 8  # of an estimate


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return facts of its source. Raises ConfigError."""
    source = sources.source_of(run, "train")
    trained = load_trained(source, run.config.recording.which)
    trials, parts = _trials(run, trained)
    recorded_bins(run, trials.inputs.shape[1])
    model_recording = _like(run, trained)
    if run.config.recording.hdf5:
        try:
            recordings.check_writable(Path(recordings.FILE_NAMES[".h5"]))
        except ValueError as error:
            raise ConfigError(f"[recording] hdf5: {error}") from None
    return _facts(run, source, trials, parts, _neuron_counts(run, model_recording)[1])


def _trials(run: Run, trained: TrainedSystem) -> tuple[Trials | ReachTrials, dict[str, np.ndarray]]:
    """Return new trials, and the indices of each split. Raises ConfigError."""
    settings, rng = run.config.recording, run.generator("recorded trials")
    trials, _ = all_trials(run, rng)
    network, task = (trained.channels, trained.outputs), (trials.inputs.shape[2], trials.outputs)
    if network != task:
        raise ConfigError(
            f"[trialparams] task_name: expected a task of {network[0]} channels and {network[1]} outputs, as the "
            f"network of [source] folder has, got {run.config.trialparams.task_name} with {task[0]} and {task[1]}"
        )
    strata = trials.conditions if isinstance(trials, Trials) and trials.stratified else None
    try:
        return trials, recordings.split_indices(len(trials), settings.valid_size, settings.test_size, rng, strata)
    except ValueError as error:
        raise ConfigError(f"[recording] valid_size: {error}") from None


# ---- the recording whose neurons are used again ([recording] like)


def _like(run: Run, trained: TrainedSystem) -> Recording | None:
    """Return the recording of [recording] like; None without one. Raises ConfigError."""
    path = _path_of_like(run)
    if path is None:
        return None
    try:
        recording = recordings.read_recording(path)
        read = len(_probe_of(recording).readout)
        if read != trained.n:
            raise ValueError(f"expected neurons that read {trained.n} latents, got {read} in {path}")
    except ValueError as error:
        raise ConfigError(f"[recording] like: {error}") from None
    return recording


def _path_of_like(run: Run) -> Path | None:
    """Return the file of that recording: of a results folder that of the run's own numbers, or the only one.

    Raises ConfigError.
    """
    like = run.config.recording.like
    path = Path(like).expanduser()
    if like and path.is_dir():
        try:
            source = sources.find_run(path, "record", "same", "same", run, combo_option="")
        except ConfigError as error:
            reason = str(error).removeprefix("[source] folder: ")
            raise ConfigError(f"[recording] like: {reason}") from None
        path = source.path / recordings.FILE_NAMES[".npz"]
    return path if like else None


def _probe_of(recording: Recording) -> ObservationModel:
    """Return the readout of a recording's neurons. Raises ValueError where the recording does not describe it."""
    scale, rate = (recording.metadata.get(name) for name in ("scale", "rate"))
    parts = recording.readout, recording.mean, recording.sd, scale, rate
    if any(part is None for part in parts):
        raise ValueError("expected a recording with readout, orig_mean, orig_std, and scale and rate in `about`, got "
                         "one that lacks some")  # fmt: skip
    readout, mean, sd, scale, rate = parts
    if not (isinstance(scale, int | float) and math.isfinite(scale) and scale > 0):
        raise ValueError(f"expected a scale above 0 in `about`, got {scale!r}")
    if readout.shape[1] != recording.neurons:
        raise ValueError(f"expected a readout of {recording.neurons} neurons, got {readout.shape[1]}")
    return ObservationModel(readout, mean, sd, float(scale), str(rate))


def _neuron_counts(run: Run, like: Recording | None) -> tuple[int, int]:
    """Return the numbers of held-in neurons and of all neurons."""
    settings = run.config.recording
    return (like.heldin, like.neurons) if like else (settings.heldin, settings.heldin + settings.heldout)


def _facts(
    run: Run, source: results.RunFolder, trials: Trials | ReachTrials, parts: dict[str, np.ndarray], neurons: int
) -> dict[str, Any]:
    """Return what the manifest and run.json say of the network and its trials."""
    connectome = (source.record or {}).get("connectome") or {}
    name, which = str(connectome.get("name", "a trained network")), run.config.recording.which
    facts = sources.source_facts(source.path / "model.pt", name, neurons, run, which)
    like = _path_of_like(run)
    if like is not None:
        facts["upstream"].append(sources.upstream_facts("recording.like", like, run))
        facts["inputs"]["recording.like"] = facts["upstream"][-1]["sha256"]
    sizes = {split: len(indices) for split, indices in parts.items()}
    counts = f"{sizes['train']} to train, {sizes['valid']} to validate, {sizes['test']} to test"
    task = {"name": run.config.trialparams.task_name, "trials": counts, "source": trials.source}
    return facts | {"synthetic": bool(connectome.get("synthetic")), "task": task | {"synthetic": trials.synthetic}}


def length(run: Run) -> float:
    """Return the number of recorded trials."""
    parameters = run.config.trialparams
    task = TASKS[parameters.task_name]
    return task.trials({parameter.name: getattr(parameters, parameter.name) for parameter in task.parameters})


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Record one network and write recording.npz and arrays.npz; return the record for run.json."""
    began, source = time.perf_counter(), sources.source_of(run, "train")
    trained = load_trained(source, run.config.recording.which)
    trials, parts = _trials(run, trained)
    like = _like(run, trained)
    facts, check_stop = _facts(run, source, trials, parts, _neuron_counts(run, like)[1]), interruption_check(stop)

    def on_progress(trials: int) -> None:
        check_stop()
        report({"advance": trials})

    rollout = roll_out(run, trained, trials, on_progress)
    if not np.isfinite(rollout.states).all():
        reason = "a trajectory left the range of numbers"
        seconds = round(time.perf_counter() - began, 2)
        return {"status": results.DIVERGED, "reason": reason, "summary": {"seconds": seconds}, "connectome": facts}
    whole, probe = _record_neurons(run, rollout, trials, like)
    summary = write_outputs(run, folder, whole, probe, parts, facts, rollout, trained)
    seconds = round(time.perf_counter() - began, 2)
    return {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {**summary, "seconds": seconds},
        "connectome": facts,
    }


def _record_neurons(
    run: Run, rollout: Rollout, trials: Trials | ReachTrials, like: Recording | None
) -> tuple[Split, ObservationModel]:
    """Return rates and spikes of all trials, trimmed, and the readout of the neurons."""
    first, last = recorded_bins(run, rollout.states.shape[1])
    latents, inputs, true_inputs = (
        np.ascontiguousarray(array[:, first:last]) for array in (rollout.states, rollout.inputs, rollout.true_inputs)
    )
    probe = _probe_of(like) if like else _new_probe(run, latents)
    rates = np.stack([probe.rates(trial) for trial in latents])
    rng = run.generator("spikes", run.config.recording.spikes_seed)
    try:
        spikes = recordings.spike_counts(rates, run.config.recording.dispersion, rng)
    except ValueError as error:
        raise ValueError(f"{error}; a larger [recording] scale makes them less extreme") from None
    whole = Split(
        spikes,
        _neuron_counts(run, like)[0],
        np.arange(len(trials)),
        rates,
        latents,
        inputs,
        true_inputs,
        trials.conditions if isinstance(trials, Trials) else None,
        None if trials.phases is None else trials.phases - first,
    )
    return whole, probe


def _new_probe(run: Run, latents: np.ndarray) -> ObservationModel:
    """Return the readout of new neurons, normalised on these latents (B, T, D)."""
    settings = run.config.recording
    rng, (_, neurons) = run.generator("units", settings.units_seed), _neuron_counts(run, None)
    readout = READOUTS[settings.reading](latents.shape[2], neurons, rng)
    return recordings.fit_observation(latents, readout, settings.scale, settings.rate, settings.normalise)


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from some trials; spikes take about as long, and compression takes most of it."""
    run = runs[0]
    trained = load_trained(sources.source_of(run, "train"), run.config.recording.which)
    trials, _ = _trials(run, trained)
    inputs = trials.inputs[:PROBE_TRIALS]
    began = time.perf_counter()
    trained.run(torch.from_numpy(inputs))
    seconds = 2 * (time.perf_counter() - began) / len(inputs)
    numbers = trained.n + _neuron_counts(run, _like(run, trained))[1] + 2 * inputs.shape[2]  # of every bin
    seconds += inputs.shape[1] * numbers * _compressing() * (1 + run.config.recording.hdf5)
    return Cost(seconds, seconds * len(trials))


def _compressing() -> float:
    """Return the seconds that a number takes to be compressed, measured with numbers as irregular as states."""
    numbers = np.random.default_rng(0).standard_normal(100_000, np.float32)
    began = time.perf_counter()
    np.savez_compressed(io.BytesIO(), numbers)
    return (time.perf_counter() - began) / len(numbers)


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="trial",
    headline=HEADLINE,
)
