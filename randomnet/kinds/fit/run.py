"""kind = fit: a model that infers dynamics from recorded spikes is trained on them.

The recording is that of a run of kind = record, or a file. The encoder sees held-in neurons only. The best model is the
one of the lowest validation loss; what is reported is of the best model, on the test split.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet import results
from randomnet.artifacts import sources
from randomnet.build.inference_model import loss_weights_of, model_of
from randomnet.build.network import check_network, device_of
from randomnet.inference import Fold, InferenceModel, SpikeObjective, TrialOrder, UpdateSamplers, make_fold
from randomnet.kinds.checkpoints import continued, read_checkpoint, torch_bytes
from randomnet.kinds.continuation import keeps_state
from randomnet.kinds.fit.outputs import write_outputs
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.recordings import FILE_NAMES, Recording, Split, read_recording
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.training import Settings, fit

HEADLINE = ("latent", "parameters", "nll_train", "nll_valid", "nll_test", "bps", "co_bps", "co_bps_ceiling", "rate_r2",
            "epoch_best", "seconds")  # fmt: skip
INPUT_FIELDS = {"noisy": "inputs", "true": "true_inputs"}  # inference.inputs_used -> field of a Split


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return facts of its recording. Raises ConfigError."""
    device_of(run.config)
    path, recording = _recording(run)
    model_of(run, recording.heldin, recording.neurons, _channels(run, path, recording))
    return _facts(run, path, recording)


def _recording(run: Run) -> tuple[Path, Recording]:
    """Return the file that [source] folder means, and its recording. Raises ConfigError."""
    path = Path(run.config.source.folder).expanduser()
    if not path.is_file():
        folder = sources.source_of(run, "record").path
        path = next((folder / name for name in FILE_NAMES.values() if (folder / name).is_file()), folder / "recording")
    try:
        return path, read_recording(path)
    except ValueError as error:
        raise ConfigError(f"[source] folder: {error}") from None


def inputs_used(run: Run, recording: Recording) -> str:
    """Return inference.inputs_used, and none in place of noisy where no inputs of any kind were recorded."""
    used = run.config.inference.inputs_used
    fields = [getattr(split, field) for split in recording.splits.values() for field in INPUT_FIELDS.values()]
    return "none" if used == "noisy" and all(inputs is None for inputs in fields) else used


def _inputs(used: str, split: Split) -> np.ndarray | None:
    """Return the inputs of a split that the model receives; None without inputs."""
    return None if used == "none" else getattr(split, INPUT_FIELDS[used])


def _channels(run: Run, path: Path, recording: Recording) -> int:
    """Return the number of input channels of the model. Raises ConfigError where the recording has no such inputs."""
    used, channels = inputs_used(run, recording), 0
    for name, split in recording.splits.items():
        inputs = _inputs(used, split)
        if used != "none" and inputs is None:
            known = [word for word, field in INPUT_FIELDS.items() if getattr(split, field) is not None]
            expected = " or ".join([*known, "none"])
            raise ConfigError(
                f"[inference] inputs_used: expected {expected}, as {path} has no {used} inputs of {name}, got {used}"
            )
        channels = 0 if inputs is None else inputs.shape[2]
    return channels


def _facts(run: Run, path: Path, recording: Recording) -> dict[str, Any]:
    """Return what the manifest and run.json say of the recording, and of the network if the model has one."""
    name = Path(run.config.source.folder).expanduser().resolve().name
    facts = sources.source_facts(path, name, recording.neurons, run)
    counts = {split: len(trials) for split, trials in recording.splits.items()}
    trials = f"{counts['train']} to train, {counts['valid']} to validate, {counts.get('test', 0)} to test"
    task = {"name": str(recording.metadata.get("task", "a recording")), "trials": trials}
    facts |= {"synthetic": False, "task": task}
    if run.config.inference.architecture == "network":
        network = check_network(run)
        facts |= {"name": f"{network['name']} on {name}", "inputs": network.get("inputs", {}) | facts["inputs"]}
        facts |= {"sha256": network.get("sha256"), "synthetic": network.get("synthetic", False)}
    return facts


def length(run: Run) -> float:
    """Return the number of epochs."""
    return run.config.trainvalidate.epochs


def _build(run: Run, path: Path, recording: Recording) -> tuple[InferenceModel, SpikeObjective, dict[str, Fold]]:
    """Return the untrained model, its objective, and all splits."""
    device = device_of(run.config, recording.neurons)
    channels, used = _channels(run, path, recording), inputs_used(run, recording)
    model = model_of(run, recording.heldin, recording.neurons, channels).to(device)
    folds = {name: make_fold(split.spikes, _inputs(used, split), device) for name, split in recording.splits.items()}
    seeds = {stream: int(run.generator(stream).integers(2**63)) for stream in ("order", "dropout")}
    objective = SpikeObjective(
        folds["train"],
        folds["valid"],
        run.config.trainvalidate.batch_size,
        TrialOrder(seeds["order"]),
        UpdateSamplers(seeds["dropout"]),
        loss_weights_of(run),
    )
    return model, objective, folds


def training_settings(run: Run) -> Settings:
    """Return the settings of the training loop."""
    training = run.config.trainvalidate
    return Settings(
        training.optimizer,
        training.lr,
        training.epochs,
        clip_norm=training.clip_norm,
        early_stopping=training.early_stopping,
        clip_whole=True,
        weight_decay=None if training.weight_decay == "auto" else training.weight_decay,
        eps=training.eps,
        plateau_factor=training.plateau_factor,
        plateau_patience=training.plateau_patience,
        plateau_lr=training.plateau_lr,
        **(run.stage.limits() if run.stage else {}),
    )


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Train one model and write history.csv, arrays.npz and model.pt; return the record for run.json."""
    began, (path, recording) = time.perf_counter(), _recording(run)
    model, objective, folds = _build(run, path, recording)
    saved = folder.checkpoint if folder.checkpoint.exists() else folder.state
    read = read_checkpoint(saved, device_of(run.config, recording.neurons))
    checkpoint = continued([saved], read, [model], objective, [training_settings(run)]) or {"seconds": 0.0}

    def elapsed() -> float:
        return checkpoint["seconds"] + time.perf_counter() - began

    def save(path: Path, states: list[dict[str, Any]]) -> None:
        results.write_bytes(path, torch_bytes({"training": states, "seconds": elapsed()}))

    def save_checkpoint(states: list[dict[str, Any]]) -> None:
        save(folder.checkpoint, states)
        folder.write_history(pd.DataFrame(states[0]["progress"]["history"]))

    def keep_state(states: list[dict[str, Any]]) -> None:
        if keeps_state(run):
            save(folder.state, states)

    every = run.config.execution.checkpoint_every
    (progress,) = fit(
        [model],
        objective,
        [training_settings(run)],
        checkpoint_every=None if every == "auto" else every,
        save_checkpoint=save_checkpoint,
        keep_state=keep_state,
        resume=checkpoint.get("training"),
        report=lambda index, row: report(row),
        stop=stop,
    )
    model.assign(progress.best or progress.last)
    record = write_outputs(run, folder, model, progress, recording, folds, inputs_used(run, recording))
    record["summary"]["seconds"] = round(elapsed(), 2)
    return record | {"connectome": _facts(run, path, recording)}


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of a run, from two of its epochs."""
    run, (path, recording) = runs[0], _recording(runs[0])
    model, objective, _ = _build(run, path, recording)
    settings = training_settings(run)
    short = Settings(settings.optimizer, settings.lr, 2, settings.clip_norm, clip_whole=True)
    (progress,) = fit([model], objective, [short])
    epoch = min((row["seconds"] for row in progress.history[1:]), default=float("nan"))
    return Cost(epoch, epoch * run.config.trainvalidate.epochs)


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
    rankings=(Ranking("nll_valid"),),
)
