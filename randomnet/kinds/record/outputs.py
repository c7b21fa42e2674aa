"""Outputs of a recording: recording.npz (and .h5), arrays.npz, and the summary of run.json.

recording.npz has splits for training, validation and test of models. Each has the spikes and all that they depend on
(`recordings.files` has its keys). Ceilings are the scores of the true rates on the test's spikes. Arrays,
of one trial of the test with T bins, D latents and N neurons:

| array                                       | content                                                            |
|---------------------------------------------|--------------------------------------------------------------------|
| example_inputs, _outputs, _latents          | (T, .) of the network                                              |
| example_rates, _spikes                      | (T, N) expected and counted spikes per bin                         |
| times, heldin                               | (T,) in tau; the number of held-in neurons, which come first       |
| neuron_rate, neuron_fano, ..._fano_expected | (N,) over all trials: mean rate; realised and expected Fano factor |
"""

from typing import Any

import numpy as np

from randomnet import recordings, results
from randomnet.artifacts.sources import SOURCE
from randomnet.artifacts.trained_networks import TrainedSystem
from randomnet.kinds.record.rollout import Rollout
from randomnet.metrics import bps
from randomnet.recordings import ObservationModel, Recording, Split
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

FANO_TOLERANCE = 0.01  # of an expected Fano factor from the dispersion


def recorded_bins(run: Run, steps: int) -> tuple[int, int]:
    """Return the first recorded bin, and the first bin after the record. Raises ConfigError."""
    first, last = run.config.recording.trim_start, steps - run.config.recording.trim_end
    if first >= last:
        raise ConfigError(
            f"[recording] trim_start: expected it to leave bins of {steps}, got {first} with trim_end = {steps - last}"
        )
    return first, last


def write_outputs(
    run: Run,
    folder: results.RunFolder,
    whole: Split,
    probe: ObservationModel,
    parts: dict[str, np.ndarray],
    facts: dict[str, Any],
    rollout: Rollout,
    trained: TrainedSystem,
) -> dict[str, Any]:
    """Write the recording and arrays.npz; return the summary for run.json.

    whole: all trials; parts: the indices of each split.
    """
    recording = _recording(run, whole, probe, parts, facts, trained.dt)
    for ending in (".npz", *[".h5"] * run.config.recording.hdf5):
        recordings.write_recording(folder.path / recordings.FILE_NAMES[ending], recording)
    neurons = _neuron_arrays(run, whole)
    example = _example(run, whole, rollout.outputs, int(parts["test"][0]), trained.dt)
    results.write_arrays(folder.path / "arrays.npz", example | neurons)
    summary = _summary(whole, recording, neurons) | {"latents": trained.n} | rollout.scores
    return {**summary, "notes": "; ".join(_notes(run, probe.readout, neurons))}


def _recording(
    run: Run, whole: Split, probe: ObservationModel, parts: dict[str, np.ndarray], facts: dict[str, Any], dt: float
) -> Recording:
    """Return the recording with its splits, and the facts that it keeps in `about`."""
    settings = run.config.recording
    about = {
        "seed": run.seed,
        "combo": run.combo,
        "iteration": run.iteration,
        "task": run.config.trialparams.task_name,
        "dt": dt,
        "scale": probe.scale,
        "rate": probe.rate,
        "dispersion": settings.dispersion,
        "state_noise": settings.state_noise,
        "trim": [settings.trim_start, settings.trim_end],
        "source": facts["source"],
        "which": settings.which,
        "sha256": facts["inputs"][SOURCE],
    }
    reads_single_latents = (np.count_nonzero(probe.readout, axis=0) == 1).all()
    return Recording(
        {name: whole.select(indices) for name, indices in parts.items()},
        probe.readout,
        probe.mean,
        probe.sd,
        probe.readout.argmax(0) if reads_single_latents else None,
        about,
    )


def _neuron_arrays(run: Run, whole: Split) -> dict[str, np.ndarray]:
    return {
        "neuron_rate": whole.rates.mean((0, 1), dtype=np.float64),
        "neuron_fano": recordings.fano(whole.spikes, whole.rates),
        "neuron_fano_expected": recordings.expected_fano(whole.rates, run.config.recording.dispersion),
        "heldin": np.array(whole.heldin),
    }


def _example(run: Run, whole: Split, outputs: np.ndarray, trial: int, dt: float) -> dict[str, np.ndarray]:
    first, last = recorded_bins(run, outputs.shape[1])
    parts = {"inputs": whole.inputs, "latents": whole.latents, "rates": whole.rates, "spikes": whole.spikes}
    parts["outputs"] = outputs[:, first:last]
    arrays = {f"example_{name}": array[trial] for name, array in parts.items()}
    return arrays | {"times": dt * np.arange(1 + first, 1 + last), "example_trial": np.array(trial)}


def _summary(whole: Split, recording: Recording, neurons: dict[str, np.ndarray]) -> dict[str, Any]:
    test, weights = recording.splits["test"], neurons["neuron_rate"]
    fano = {name: float(np.nansum(neurons[name] * weights) / weights.sum()) if weights.any() else None
            for name in ("neuron_fano", "neuron_fano_expected")}  # fmt: skip
    return {
        "neurons": recording.neurons,
        "heldin": recording.heldin,
        "heldout": recording.neurons - recording.heldin,
        "trials": len(whole),
        "bins": whole.spikes.shape[1],
        "mean_rate": float(weights.mean()),
        "fano": fano["neuron_fano"],
        "fano_expected": fano["neuron_fano_expected"],
        "silent": int((~whole.spikes.any((0, 1))).sum()),
        "bps_ceiling": _ceiling(test.spikes, test.rates),
        "co_bps_ceiling": _ceiling(test.held_out, test.rates[..., test.heldin :]),
    }


def _ceiling(spikes: np.ndarray, rates: np.ndarray) -> float | None:
    return bps(spikes, rates) if spikes.any() else None


def _notes(run: Run, readout: np.ndarray, neurons: dict[str, np.ndarray]) -> list[str]:
    """Return notes on latents that no neuron reads, and on Fano factors that cannot be reached."""
    notes, dispersion, unread = [], run.config.recording.dispersion, int((~readout.any(1)).sum())
    if unread:
        notes.append(f"{readout.shape[1]} neurons read {len(readout)} latents: {unread} of these are read by none")
    off = int((np.abs(neurons["neuron_fano_expected"] - dispersion) > FANO_TOLERANCE).sum())
    if off:
        notes.append(f"dispersion = {dispersion:g} is not that of {off} neurons, as no count of a mean r below 1 has a "
                     "Fano factor below 1 - r: fano is what there is")  # fmt: skip
    return notes
