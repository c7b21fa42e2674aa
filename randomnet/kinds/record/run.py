"""kind = record: neural recordings, simulated, of what a network trained on a task does along new trials of it.

The network is that of [source], its trials are those of [trialparams], which may differ from the training's; they are
never those of the training. Neurons read the states, and fire ([recording]); of their spikes, with all that is behind
them, recording.npz has a part to train models on, one to validate and one to test them (`recordings.files` has its
keys). Ceilings are what the true rates get on the test's spikes. Arrays, of one trial of the test of T bins and D
latents, and of N neurons:

| array                                       | what it is                                                         |
|---------------------------------------------|--------------------------------------------------------------------|
| example_inputs, _outputs, _latents          | (T, .) of the network                                              |
| example_rates, _spikes                      | (T, N) expected and counted spikes per bin                         |
| times, heldin                               | (T,) in tau; how many neurons are held in, which come first        |
| neuron_rate, neuron_fano, ..._fano_expected | (N,) over all trials: mean rate; realised and expected Fano factor |
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
from randomnet.artifacts.trained_networks import Trained, load_trained
from randomnet.build.trials import all_trials
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.record.rollout import Watched, watched
from randomnet.metrics import bps
from randomnet.recordings import READOUTS, ObservationModel, Recording, Split
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS, ReachTrials, Trials
from randomnet.training import Interrupted

HEADLINE = ("neurons", "heldin", "latents", "mean_rate", "fano", "silent", "bps_ceiling", "co_bps_ceiling", "accuracy",
            "seconds", "notes")  # fmt: skip
SOME = 8  # trials of an estimate
NEAR = 0.01  # what an expected Fano factor may be off the one that is asked


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns what it goes on from. Raises ConfigError."""
    source = sources.source_of(run, "train")
    trained = load_trained(source, run.config.recording.which)
    trials, parts = _trials(run, trained)
    _bins(run, trials.inputs.shape[1])
    other = _other(run, trained)
    if run.config.recording.hdf5:
        try:
            recordings.check_writable(Path(recordings.FILE_NAMES[".h5"]))
        except ValueError as error:
            raise ConfigError(f"[recording] hdf5: {error}") from None
    return _facts(run, source, trials, parts, _neurons(run, other)[1])


def _trials(run: Run, trained: Trained) -> tuple[Trials | ReachTrials, dict[str, np.ndarray]]:
    """New trials, and which of them are in which split. Raises ConfigError."""
    chosen, rng = run.config.recording, run.generator("recorded trials")
    trials, _ = all_trials(run, rng)
    own, asked = (trained.channels, trained.outputs), (trials.inputs.shape[2], trials.outputs)
    if own != asked:
        raise ConfigError(
            f"[trialparams] task_name: expected a task of {own[0]} channels and {own[1]} outputs, as the network of "
            f"[source] folder has, got {run.config.trialparams.task_name} with {asked[0]} and {asked[1]}"
        )
    strata = trials.conditions if isinstance(trials, Trials) and trials.stratified else None
    try:
        return trials, recordings.split_indices(len(trials), chosen.valid_size, chosen.test_size, rng, strata)
    except ValueError as error:
        raise ConfigError(f"[recording] valid_size: {error}") from None


def _bins(run: Run, steps: int) -> tuple[int, int]:
    """The first bin that is kept, and the first one that is not any more. Raises ConfigError."""
    first, last = run.config.recording.trim_start, steps - run.config.recording.trim_end
    if first >= last:
        raise ConfigError(
            f"[recording] trim_start: expected it to leave bins of {steps}, got {first} with trim_end = {steps - last}"
        )
    return first, last


def _other(run: Run, trained: Trained) -> Recording | None:
    """The recording whose neurons are taken over, if there is one. Raises ConfigError."""
    path = _path_of_other(run)
    if path is None:
        return None
    try:
        other = recordings.read_recording(path)
        read = len(_probe_of(other).readout)
        if read != trained.n:
            raise ValueError(f"expected neurons that read {trained.n} latents, got {read} in {path}")
    except ValueError as error:
        raise ConfigError(f"[recording] like: {error}") from None
    return other


def _probe_of(other: Recording) -> ObservationModel:
    """That of a recording. Raises ValueError where it does not say it all."""
    parts = other.readout, other.mean, other.sd, other.metadata.get("scale"), other.metadata.get("rate")
    if any(part is None for part in parts):
        raise ValueError("expected a recording with readout, orig_mean, orig_std, and scale and rate in `about`, got "
                         "one that lacks some")  # fmt: skip
    readout, mean, sd, scale, rate = parts
    if not (isinstance(scale, int | float) and math.isfinite(scale) and scale > 0):
        raise ValueError(f"expected a scale above 0 in `about`, got {scale!r}")
    if readout.shape[1] != other.neurons:
        raise ValueError(f"expected a readout of {other.neurons} neurons, got {readout.shape[1]}")
    return ObservationModel(readout, mean, sd, float(scale), str(rate))


def _path_of_other(run: Run) -> Path | None:
    """Of a results folder the recording of the run's own numbers, or the only one. Raises ConfigError."""
    like = run.config.recording.like
    path = Path(like).expanduser()
    if like and path.is_dir():
        try:
            path = sources.run_of(path, "record", "same", "same", run, number="").path / recordings.FILE_NAMES[".npz"]
        except ConfigError as error:
            about = str(error).removeprefix("[source] folder: ")
            raise ConfigError(f"[recording] like: {about}") from None
    return path if like else None


def _neurons(run: Run, other: Recording | None) -> tuple[int, int]:
    """How many are held in, and how many there are."""
    chosen = run.config.recording
    return (other.heldin, other.neurons) if other else (chosen.heldin, chosen.heldin + chosen.heldout)


def _facts(
    run: Run, source: results.RunFolder, trials: Trials | ReachTrials, parts: dict[str, np.ndarray], neurons: int
) -> dict[str, Any]:
    """What the manifest and run.json say of the network and its trials."""
    known = (source.record or {}).get("connectome") or {}
    name, which = str(known.get("name", "a trained network")), run.config.recording.which
    facts = sources.facts_of(source.path / "model.pt", name, neurons, run, which)
    other = _path_of_other(run)
    if other is not None:
        facts["upstream"].append(sources.upstream_of("recording.like", other, run))
        facts["inputs"]["recording.like"] = facts["upstream"][-1]["sha256"]
    sizes = {name: len(places) for name, places in parts.items()}
    numbers = f"{sizes['train']} to train, {sizes['valid']} to validate, {sizes['test']} to test"
    task = {"name": run.config.trialparams.task_name, "trials": numbers, "source": trials.source}
    return facts | {"synthetic": bool(known.get("synthetic")), "task": task | {"synthetic": trials.synthetic}}


def length(run: Run) -> float:
    """The trials that are recorded."""
    task, chosen = TASKS[run.config.trialparams.task_name], run.config.trialparams
    return task.trials({parameter.name: getattr(chosen, parameter.name) for parameter in task.parameters})


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Record one network and write recording.npz and arrays.npz; returns what run.json says of it."""
    began, source = time.perf_counter(), sources.source_of(run, "train")
    trained = load_trained(source, run.config.recording.which)
    trials, parts = _trials(run, trained)
    other = _other(run, trained)
    facts = _facts(run, source, trials, parts, _neurons(run, other)[1])

    def tick(done: int) -> None:
        if stop():
            raise Interrupted
        report({"advance": done})

    seen = watched(run, trained, trials, tick)
    if not np.isfinite(seen.states).all():
        reason = "a trajectory left the range of numbers"
        seconds = round(time.perf_counter() - began, 2)
        return {"status": results.DIVERGED, "reason": reason, "summary": {"seconds": seconds}, "connectome": facts}
    whole, probe = _recorded(run, seen, trials, other)
    recording = _of_splits(run, whole, probe, parts, facts, trained.dt)
    for ending in (".npz", *[".h5"] * run.config.recording.hdf5):
        recordings.write_recording(folder.path / recordings.FILE_NAMES[ending], recording)
    neurons = _of_neurons(run, whole)
    example = _example(run, whole, seen.outputs, int(parts["test"][0]), trained.dt)
    results.write_arrays(folder.path / "arrays.npz", example | neurons)
    summary = _summary(run, whole, recording, neurons) | {"latents": trained.n} | seen.figures
    return {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {
            **summary,
            "notes": "; ".join(_notes(run, probe.readout, neurons)),
            "seconds": round(time.perf_counter() - began, 2),
        },
        "connectome": facts,
    }



# ---- rates and spikes


def _recorded(
    run: Run, seen: Watched, trials: Trials | ReachTrials, other: Recording | None
) -> tuple[Split, ObservationModel]:
    """All trials, trimmed, and what the neurons read."""
    first, last = _bins(run, seen.states.shape[1])
    latents, inputs, true_inputs = (
        np.ascontiguousarray(array[:, first:last]) for array in (seen.states, seen.inputs, seen.true_inputs)
    )
    probe = _probe(run, latents, other)
    rates = np.stack([probe.rates(trial) for trial in latents])
    rng = run.generator("spikes", run.config.recording.spikes_seed)
    try:
        spikes = recordings.spike_counts(rates, run.config.recording.dispersion, rng)
    except ValueError as error:
        raise ValueError(f"{error}; a larger [recording] scale makes them less extreme") from None
    whole = Split(
        spikes,
        _neurons(run, other)[0],
        np.arange(len(trials)),
        rates,
        latents,
        inputs,
        true_inputs,
        trials.conditions if isinstance(trials, Trials) else None,
        None if trials.phases is None else trials.phases - first,
    )
    return whole, probe


def _probe(run: Run, latents: np.ndarray, other: Recording | None) -> ObservationModel:
    if other:
        return _probe_of(other)
    chosen = run.config.recording
    rng, (_, neurons) = run.generator("units", chosen.units_seed), _neurons(run, None)
    readout = READOUTS[chosen.reading](latents.shape[2], neurons, rng)
    return recordings.fit_observation(latents, readout, chosen.scale, chosen.rate, chosen.normalise)


def _of_splits(
    run: Run, whole: Split, probe: ObservationModel, parts: dict[str, np.ndarray], facts: dict[str, Any], dt: float
) -> Recording:
    chosen, checksum = run.config.recording, facts["inputs"][sources.SOURCE]
    about = {
        "seed": run.seed,
        "combo": run.combo,
        "iteration": run.iteration,
        "task": run.config.trialparams.task_name,
        "dt": dt,
        "scale": probe.scale,
        "rate": probe.rate,
        "dispersion": chosen.dispersion,
        "state_noise": chosen.state_noise,
        "trim": [chosen.trim_start, chosen.trim_end],
        "source": facts["source"],
        "which": chosen.which,
        "sha256": checksum,
    }
    one_each = (np.count_nonzero(probe.readout, axis=0) == 1).all()
    return Recording(
        {name: whole.select(places) for name, places in parts.items()},
        probe.readout,
        probe.mean,
        probe.sd,
        probe.readout.argmax(0) if one_each else None,
        about,
    )


# ---- what is reported


def _of_neurons(run: Run, whole: Split) -> dict[str, np.ndarray]:
    return {
        "neuron_rate": whole.rates.mean((0, 1), dtype=np.float64),
        "neuron_fano": recordings.fano(whole.spikes, whole.rates),
        "neuron_fano_expected": recordings.expected_fano(whole.rates, run.config.recording.dispersion),
        "heldin": np.array(whole.heldin),
    }


def _example(run: Run, whole: Split, outputs: np.ndarray, trial: int, dt: float) -> dict[str, np.ndarray]:
    first, last = _bins(run, outputs.shape[1])
    parts = {"inputs": whole.inputs, "latents": whole.latents, "rates": whole.rates, "spikes": whole.spikes}
    parts["outputs"] = outputs[:, first:last]
    named = {f"example_{name}": array[trial] for name, array in parts.items()}
    return named | {"times": dt * np.arange(1 + first, 1 + last), "example_trial": np.array(trial)}


def _summary(run: Run, whole: Split, recording: Recording, neurons: dict[str, np.ndarray]) -> dict[str, Any]:
    test, weights = recording.splits["test"], neurons["neuron_rate"]
    overall = {name: float(np.nansum(neurons[name] * weights) / weights.sum()) if weights.any() else None
               for name in ("neuron_fano", "neuron_fano_expected")}  # fmt: skip
    return {
        "neurons": recording.neurons,
        "heldin": recording.heldin,
        "heldout": recording.neurons - recording.heldin,
        "trials": len(whole),
        "bins": whole.spikes.shape[1],
        "mean_rate": float(weights.mean()),
        "fano": overall["neuron_fano"],
        "fano_expected": overall["neuron_fano_expected"],
        "silent": int((~whole.spikes.any((0, 1))).sum()),
        "bps_ceiling": _ceiling(test.spikes, test.rates),
        "co_bps_ceiling": _ceiling(test.held_out, test.rates[..., test.heldin :]),
    }


def _ceiling(spikes: np.ndarray, rates: np.ndarray) -> float | None:
    return bps(spikes, rates) if spikes.any() else None


def _notes(run: Run, readout: np.ndarray, neurons: dict[str, np.ndarray]) -> list[str]:
    """What the user should know of the neurons."""
    found, asked, unread = [], run.config.recording.dispersion, int((~readout.any(1)).sum())
    if unread:
        found.append(f"{readout.shape[1]} neurons read {len(readout)} latents: {unread} of these are read by none")
    off = int((np.abs(neurons["neuron_fano_expected"] - asked) > NEAR).sum())
    if off:
        found.append(f"dispersion = {asked:g} is not that of {off} neurons, as no count of a mean r below 1 has a Fano "
                     "factor below 1 - r: fano is what there is")  # fmt: skip
    return found


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from some trials followed here; spikes take about as long. Compression takes most of it."""
    run = runs[0]
    trained = load_trained(sources.source_of(run, "train"), run.config.recording.which)
    trials, _ = _trials(run, trained)
    some = trials.inputs[:SOME]
    began = time.perf_counter()
    trained.run(torch.from_numpy(some))
    each = 2 * (time.perf_counter() - began) / len(some)
    numbers = trained.n + _neurons(run, _other(run, trained))[1] + 2 * some.shape[2]  # of every bin
    each += some.shape[1] * numbers * _compressing() * (1 + run.config.recording.hdf5)
    return Cost(each, each * len(trials))


def _compressing() -> float:
    """Seconds that a number takes to be compressed, by ones that are as irregular as states are."""
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
