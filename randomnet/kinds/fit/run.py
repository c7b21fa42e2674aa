"""kind = fit: a model that infers dynamics from recorded spikes is trained on them.

The recording is that of a run of kind = record, or a file. The encoder sees held-in neurons only; the best model is
that of the lowest validation loss, and what is reported is of it, on the test split. Arrays, of each split of B trials,
T bins and N neurons, of the best model without dropout or samples:

| array                                       | what it is                                                        |
|---------------------------------------------|-------------------------------------------------------------------|
| {split}_rates, _latents                     | (B, T, N) expected spikes per bin; (B, T, D)                      |
| {split}_start                               | (B, D), before the first bin                                      |
| {split}_factors, _inferred_inputs           | (B, T, .), of LFADS                                               |
| inputs_used                                 | noisy, true or none: what the model was given                     |
| example_rates, _true, _neurons, _r2         | (T, K) of one trial of the test, where true rates are known; (K,) |
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet import results
from randomnet.artifacts import sources
from randomnet.build import coupling_strength
from randomnet.build.inference_model import loss_weights_of, model_of
from randomnet.build.network import check_network, device_of
from randomnet.inference import (
    Fold,
    InferenceModel,
    SpikeObjective,
    TrialOrder,
    UpdateSamplers,
    inferred_arrays,
    make_fold,
)
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.train import outputs
from randomnet.metrics import bps, r2
from randomnet.recordings import FILE_NAMES, Recording, Split, read_recording
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.training import Progress, Settings, fit

HEADLINE = ("latent", "parameters", "nll_train", "nll_valid", "nll_test", "bps", "co_bps", "co_bps_ceiling", "rate_r2",
            "epoch_best", "seconds")  # fmt: skip
USED = {"noisy": "inputs", "true": "true_inputs"}  # inference.inputs_used -> field of a Split
EXAMPLES = 6  # neurons whose rates are drawn, half of them held out if there are as many


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns what it goes on from. Raises ConfigError."""
    device_of(run.config)
    path, recording = _recording(run)
    model_of(run, recording.heldin, recording.neurons, _channels(run, path, recording))
    return _facts(run, path, recording)


def _recording(run: Run) -> tuple[Path, Recording]:
    """The recording that [source] means, and its file. Raises ConfigError."""
    path = Path(run.config.source.folder).expanduser()
    if not path.is_file():
        folder = sources.source_of(run, "record").path
        path = next((folder / name for name in FILE_NAMES.values() if (folder / name).is_file()), folder / "recording")
    try:
        return path, read_recording(path)
    except ValueError as error:
        raise ConfigError(f"[source] folder: {error}") from None


def _inputs(run: Run, split: Split) -> np.ndarray | None:
    """The inputs of a split that the model is given."""
    used = run.config.inference.inputs_used
    return None if used == "none" else getattr(split, USED[used])


def _channels(run: Run, path: Path, recording: Recording) -> int:
    """Those of the inputs that the model is given. Raises ConfigError where the recording has no such inputs."""
    used, found = run.config.inference.inputs_used, 0
    for name, split in recording.splits.items():
        inputs = _inputs(run, split)
        if used != "none" and inputs is None:
            there = [word for word, field in USED.items() if getattr(split, field) is not None]
            raise ConfigError(
                f"[inference] inputs_used: expected {' or '.join([*there, 'none'])}, which {path} has of {name}, "
                f"got {used}"
            )
        found = 0 if inputs is None else inputs.shape[2]
    return found


def _facts(run: Run, path: Path, recording: Recording) -> dict[str, Any]:
    """What the manifest and run.json say of the recording, and of the network where there is one."""
    named = Path(run.config.source.folder).expanduser().resolve().name
    found = sources.facts_of(path, named, recording.neurons, run)
    counts = {name: len(split) for name, split in recording.splits.items()}
    trials = f"{counts['train']} to train, {counts['valid']} to validate, {counts.get('test', 0)} to test"
    task = str(recording.metadata.get("task", "a recording"))
    found |= {"synthetic": False, "task": {"name": task, "trials": trials}}
    if run.config.inference.architecture == "network":
        network = check_network(run)
        found |= {"name": f"{network['name']} on {named}", "inputs": network.get("inputs", {}) | found["inputs"]}
        found |= {"sha256": network.get("sha256"), "synthetic": network.get("synthetic", False)}
    return found


def length(run: Run) -> float:
    """Its epochs."""
    return run.config.trainvalidate.epochs


def _begin(run: Run, path: Path, recording: Recording) -> tuple[InferenceModel, SpikeObjective, dict[str, Fold]]:
    """The model, what it is trained on, and all splits."""
    device = device_of(run.config)
    channels = _channels(run, path, recording)
    model = model_of(run, recording.heldin, recording.neurons, channels).to(device)
    folds = {name: make_fold(split.spikes, _inputs(run, split), device) for name, split in recording.splits.items()}
    seeds = {stream: int(run.generator(stream).integers(2**63)) for stream in ("order", "dropout")}
    order, samplers = TrialOrder(seeds["order"]), UpdateSamplers(seeds["dropout"])
    batch_size = run.config.trainvalidate.batch_size
    objective = SpikeObjective(folds["train"], folds["valid"], batch_size, order, samplers, loss_weights_of(run))
    return model, objective, folds


def settings(run: Run) -> Settings:
    """How the config says that it is trained."""
    chosen = run.config.trainvalidate
    return Settings(
        chosen.optimizer,
        chosen.lr,
        chosen.epochs,
        clip_norm=chosen.clip_norm,
        early_stopping=chosen.early_stopping,
        clip_whole=True,
        weight_decay=chosen.weight_decay,
        eps=chosen.eps,
        plateau_factor=chosen.plateau_factor,
        plateau_patience=chosen.plateau_patience,
        plateau_lr=chosen.plateau_lr,
    )


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Train one model and write history.csv, arrays.npz and model.pt; returns what run.json says of it."""
    began, (path, recording) = time.perf_counter(), _recording(run)
    model, objective, folds = _begin(run, path, recording)
    kept = outputs.read_checkpoint(folder.checkpoint, device_of(run.config)) or {"seconds": 0.0}

    def elapsed() -> float:
        return kept["seconds"] + time.perf_counter() - began

    def save_checkpoint(states: list[dict[str, Any]]) -> None:
        now = {"training": states, "seconds": elapsed()}
        results.write_bytes(folder.checkpoint, outputs.torch_bytes(now))
        folder.write_history(pd.DataFrame(states[0]["progress"]["history"]))

    every = run.config.execution.checkpoint_every
    (progress,) = fit(
        [model],
        objective,
        [settings(run)],
        checkpoint_every=None if every == "auto" else every,
        save_checkpoint=save_checkpoint,
        resume=kept.get("training"),
        report=lambda index, row: report(row),
        stop=stop,
    )
    model.assign(progress.best or progress.last)
    record = _written(run, folder, model, progress, recording, folds)
    return record | {"summary": record["summary"] | {"seconds": round(elapsed(), 2)},
                     "connectome": _facts(run, path, recording)}  # fmt: skip


def _written(
    run: Run,
    folder: results.RunFolder,
    model: InferenceModel,
    progress: Progress,
    recording: Recording,
    folds: dict[str, Fold],
) -> dict[str, Any]:
    """Write the files of a model at its best; what run.json says of it."""
    folder.write_history(_history(progress))
    stored = {"description": model.description(), **outputs.last_and_best(model, progress)}
    results.write_bytes(folder.path / "model.pt", outputs.torch_bytes(stored))
    architecture, batch = run.config.inference.architecture, run.config.trainvalidate.batch_size
    arrays = {"inputs_used": np.array(run.config.inference.inputs_used)}
    found = {name: inferred_arrays(model, fold, batch) for name, fold in folds.items()}
    arrays |= {f"{name}_{what}": array for name, each in found.items() for what, array in each.items()}
    test = "test" if "test" in found else "valid"
    arrays |= _examples(recording.splits[test], found[test]["rates"])
    results.write_arrays(folder.path / "arrays.npz", arrays)
    rates = {name: each["rates"] for name, each in found.items()}
    summary = {
        "epochs_done": progress.epoch,
        "epoch_best": progress.best_epoch,
        "latent": model.size,
        "parameters": sum(one.numel() for one in model.parameters() if one.requires_grad),
        **_judged(recording, rates, test),
        **(coupling_strength.strength_of(model.decoder.network) if architecture == "network" else {}),
    }
    sound = not progress.diverged and all(np.isfinite(array).all() for array in rates.values())
    reason = progress.reason or ("" if sound else "rates left the range of numbers")
    summary["notes"] = "; ".join(recording.notes)
    status = results.COMPLETE if sound else results.DIVERGED
    return {"status": status, "reason": reason, **results.COUNTED_FROM_UNTRAINED, "summary": summary}


def _history(progress: Progress) -> pd.DataFrame:
    return pd.DataFrame(progress.history, columns=None if progress.history else ["epoch", "train_loss", "seconds"])


def _judged(recording: Recording, rates: dict[str, np.ndarray], test: str) -> dict[str, float]:
    """NLL of each split, per bin and neuron, less ln count!; of the test bits per spike of all and of held-out neurons
    and, where true rates are known, what these get, and R2 of the rates."""
    found = {f"nll_{name}": _nll(recording.splits[name].spikes, each) for name, each in rates.items()}
    split, ours, heldin = recording.splits[test], rates[test], recording.heldin
    if not np.isfinite(ours).all():
        return found
    if split.rates is not None and np.ptp(split.rates, (0, 1)).any():
        found["rate_r2"] = r2(split.rates, ours)
    for name, spikes, which in (("bps", split.spikes, slice(None)), ("co_bps", split.held_out, slice(heldin, None))):
        if spikes.any():
            found[name] = bps(spikes, ours[..., which])
            if split.rates is not None:
                found[f"{name}_ceiling"] = bps(spikes, split.rates[..., which])
    return found


def _nll(spikes: np.ndarray, rates: np.ndarray) -> float:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logs = np.where(spikes > 0, spikes * np.log(rates.astype(np.float64)), 0.0)
        return float((rates - logs).mean())


def _examples(split: Split, rates: np.ndarray) -> dict[str, np.ndarray]:
    """True and inferred rates of some neurons in the first trial, and R2 of each over all trials; of a recording
    without true rates, nothing."""
    if split.rates is None or not np.isfinite(rates).all():
        return {}
    held_out = min(EXAMPLES // 2, split.spikes.shape[2] - split.heldin)
    chosen = np.r_[np.arange(min(EXAMPLES - held_out, split.heldin)), split.heldin + np.arange(held_out)]
    true, ours = split.rates[..., chosen], rates[..., chosen]
    varies = true.reshape(-1, len(chosen)).std(0) > 0
    scores = [r2(true[..., [k]], ours[..., [k]]) if varies[k] else np.nan for k in range(len(chosen))]
    of_first = {"example_rates": ours[0], "example_true": true[0]}
    about = {"example_neurons": chosen, "example_heldin": np.array(split.heldin)}
    return of_first | about | {"example_r2": np.array(scores)}


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of a run, from two of its epochs."""
    run, (path, recording) = runs[0], _recording(runs[0])
    model, objective, _ = _begin(run, path, recording)
    chosen = settings(run)
    (progress,) = fit([model], objective, [Settings(chosen.optimizer, chosen.lr, 2, chosen.clip_norm, clip_whole=True)])
    epoch = min((row["seconds"] for row in progress.history[1:]), default=float("nan"))
    return Cost(epoch, epoch * run.config.trainvalidate.epochs)


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
)
