"""The models that kind = compare compares, from the folders in [source] folder, and their recordings."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from randomnet import results
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.artifacts.sources import SOURCE, locate, manifest_of
from randomnet.artifacts.systems import DrivenSystem
from randomnet.artifacts.trained_networks import TrainedSystem, load_trained
from randomnet.recordings import FILE_NAMES, Recording, read_recording
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

EXTERNAL = "arrays"  # name of models of other programs, of which only arrays are known
WHERE = "[source] folder"


@dataclass(frozen=True)
class ModelFolder:
    """A results folder of kind = fit, or a file of arrays from another program, and its label."""

    label: str
    path: Path

    @property
    def file(self) -> bool:
        """Whether this is a file of arrays."""
        return self.path.suffix == ".npz"


@dataclass(frozen=True)
class ComparedModel:
    """One model: its arrays, the file of its recording, and the folder of its run if it has one.

    path: the file of the arrays. values: of the axes of its folder. name: the kind of model.
    """

    label: str
    combo: int
    iteration: int
    name: str
    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    folder: results.RunFolder | None = None
    recording: Path | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the model's arrays. Raises ValueError where they cannot be read."""
        return read_model_arrays(self.path)

    def files(self) -> list[Path]:
        """Return the model's files; a damaged folder may lack some."""
        names = ("run.json", "arrays.npz", "model.pt")
        return [self.path] if self.folder is None else [self.folder.path / name for name in names]

    def recording_file(self) -> Path:
        """Return the file of the recording that the model was fitted to, unchanged since. Raises ValueError."""
        return self.recording or source_file(self.folder)

    def system(self) -> DrivenSystem | None:
        """Return the model as a system in double precision; None where only arrays are known. Raises ValueError."""
        if self.folder is None or not (self.folder.path / "model.pt").exists():
            return None
        return load_inferred(self.folder, double=True)


def folders_of(run: Run) -> list[ModelFolder]:
    """Return the folders and files to be compared, each with its own label. Raises ConfigError."""
    paths = [Path(text.strip()).expanduser() for text in run.config.source.folder.split(",") if text.strip()]
    if not paths:
        raise ConfigError(f"{WHERE}: expected results folders of kind = fit, or .npz files, by commas, got nothing")
    labels = [text.strip() for text in run.config.comparing.labels.split(",") if text.strip()]
    if labels and len(labels) != len(paths):
        raise ConfigError(
            f"[comparing] labels: expected {len(paths)}, one for each of [source] folder, got {len(labels)}"
        )
    labels = labels or _default_labels(paths)
    if len(set(labels)) < len(labels):
        raise ConfigError(f"[comparing] labels: expected a different one for each, got {', '.join(labels)}")
    folders = [ModelFolder(*pair) for pair in zip(labels, paths, strict=True)]
    if run.config.comparing.recording.strip() and not any(folder.file for folder in folders):
        raise ConfigError(
            "[comparing] recording: applies only where [source] folder has .npz files, as other models say what they "
            f"were fitted to; expected it left out, got {run.config.comparing.recording!r}"
        )
    return folders


def _default_labels(paths: list[Path]) -> list[str]:
    """Return the names of folders and files, or their paths where two names are equal."""
    names = [path.stem if path.suffix == ".npz" else path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def models_of(run: Run) -> list[ComparedModel]:
    """Return all complete models of the folders, by folder, combo and iteration.

    Raises ConfigError where a folder has none.
    """
    models = []
    for folder in folders_of(run):
        in_folder = [_external_model(run, folder)] if folder.file else list(_fitted_models(folder))
        if not in_folder:
            raise ConfigError(f"{WHERE}: expected a folder with at least one complete run, got {folder.path}")
        models += in_folder
    return models


def _fitted_models(folder: ModelFolder) -> Iterator[ComparedModel]:
    """Yield the models of the complete runs in a folder of kind = fit."""
    manifest = manifest_of(folder.path, "fit")
    for entry in manifest["combos"]:
        for iteration in range(manifest["iterations"]):
            run_folder = results.ResultsFolder(folder.path).run(entry["combo"], iteration)
            if run_folder.status == results.COMPLETE:
                name = str(entry.get("settings", {}).get("inference.architecture", "model"))
                path = run_folder.path / "arrays.npz"
                yield ComparedModel(folder.label, entry["combo"], iteration, name, path, entry["values"], run_folder)


def unfinished_notes(run: Run) -> list[str]:
    """Return a note for each folder with runs that are not complete, and so left out."""
    notes = []
    for folder in folders_of(run):
        if not folder.file:
            manifest = manifest_of(folder.path, "fit")
            planned, complete = len(manifest["combos"]) * manifest["iterations"], len(list(_fitted_models(folder)))
            if complete < planned:
                notes.append(f"{folder.label}: {planned - complete} of {planned} runs are not complete, and left out")
    return notes


def _external_model(run: Run, folder: ModelFolder) -> ComparedModel:
    if not folder.path.is_file():
        raise ConfigError(f"{WHERE}: expected a file of arrays, got {folder.path}, which is not there")
    return ComparedModel(folder.label, 0, 0, EXTERNAL, folder.path, recording=_recording_path(run))


def _recording_path(run: Run) -> Path:
    """Return the file that [comparing] recording means: itself, or the one in a results folder of kind = record."""
    text = run.config.comparing.recording.strip()
    where = "[comparing] recording: expected a file of recordings, or a results folder of kind = record with one run"
    if not text:
        raise ConfigError(f"{where}, as [source] folder has arrays from elsewhere, got nothing")
    path = Path(text).expanduser()
    within = [file for name in FILE_NAMES.values() for file in path.glob(f"*/iter_*/{name}")]
    files = [file for file in (within if path.is_dir() else [path]) if file.is_file()]
    if len({file.parent for file in files}) != 1:
        raise ConfigError(f"{where}, got {text}, which has {len(files)}")
    return files[0]


def recording_sources(run: Run, folder: ModelFolder) -> set[str]:
    """Return the experiments, or files, of the recordings that a folder's models were fitted to, by its manifest."""
    if folder.file:
        path = _recording_path(run).resolve()
        within = path.parent.name.startswith("iter_") and (path.parents[2] / "manifest.json").exists()
        return {str(path.parents[2] if within else path)}
    combos = manifest_of(folder.path, "fit")["combos"]
    sources = (str(entry.get("settings", {}).get(SOURCE, "")) for entry in combos)
    return {str(Path(source).expanduser().resolve()) for source in sources if source}


def check_same_recordings(run: Run, folders: list[ModelFolder]) -> None:
    """Raise ConfigError where folders were fitted to recordings of different experiments, unless these may be mixed."""
    sources = {folder.label: recording_sources(run, folder) for folder in folders}
    first = folders[0].label
    for label, names in sources.items():
        if names != sources[first] and not run.config.comparing.mixed:
            raise ConfigError(
                f"{WHERE}: expected models of the same recordings, or [comparing] mixed = True, got {first} of "
                f"{', '.join(sorted(sources[first]))} and {label} of {', '.join(sorted(names))}"
            )


def source_file(folder: results.RunFolder) -> Path:
    """Return the file that a run of kind record or fit started from, with the checksum it had. Raises ValueError."""
    facts = (folder.record or {}).get("connectome") or {}
    if "source" not in facts:
        raise ValueError(f"{folder.path / 'run.json'}: expected the source of the run in it, got none")
    sha256 = (facts.get("inputs") or {}).get(SOURCE)
    try:
        return locate(Path(facts["source"]), sha256, folder.path)
    except ValueError as error:
        raise ValueError(f"the source of the run: {error}") from None


def recorded_network(recording: Recording, file: Path) -> TrainedSystem | None:
    """Return the network that was recorded into this file, in double precision; None where the recording names none.

    Raises ValueError where the network is not there, or has changed.
    """
    facts = recording.metadata
    if "source" not in facts:
        return None
    try:
        path = locate(Path(str(facts["source"])), facts.get("sha256"), file)
    except ValueError as error:
        raise ValueError(f"the network that was recorded: {error}") from None
    return load_trained(results.RunFolder(path.parent), str(facts.get("which", "best")), double=True)


def read_test_recording(path: Path) -> Recording:
    """Return the recording in a file. Raises ValueError where it has no test split."""
    recording = read_recording(path)
    if "test" not in recording.splits:
        raise ValueError(f"{path}: expected a test split, got none")
    return recording


def read_model_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz. Raises ValueError, in one line that names the file."""
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected the arrays of a model (.npz), got another kind of file")
    try:
        return results.read_arrays(path)
    except Exception as error:  # a damaged file can raise nearly anything
        raise ValueError(f"{path}: expected the arrays of a model, got {type(error).__name__}: {error}") from None
