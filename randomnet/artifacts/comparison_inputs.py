"""What kind = compare compares: the models of the folders in [source] folder, and what each was fitted to."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from randomnet import results
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.artifacts.sources import SOURCE, found_again, manifest_of
from randomnet.artifacts.systems import Stepped
from randomnet.artifacts.trained_networks import Trained, load_trained
from randomnet.recordings import FILE_NAMES, Recording, read_recording
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

ELSEWHERE = "arrays"  # the model of arrays that were made elsewhere
WHERE = "[source] folder"


@dataclass(frozen=True)
class Folder:
    """A results folder of kind = fit, or a file of arrays from elsewhere, and what it is called."""

    label: str
    path: Path

    @property
    def file(self) -> bool:
        """Whether it is a file of arrays."""
        return self.path.suffix == ".npz"


@dataclass(frozen=True)
class Model:
    """One model: arrays, the file of recordings that they are of, and the folder of its run if it has one.

    values: of the axes of its folder. name: what kind of model it is.
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
        """Its arrays. Raises ValueError where they cannot be read."""
        return arrays_in(self.path)

    def files(self) -> list[Path]:
        """What is known of it; a damaged folder may lack some."""
        names = ("run.json", "arrays.npz", "model.pt")
        return [self.path] if self.folder is None else [self.folder.path / name for name in names]

    def source(self) -> Path:
        """The file of recordings it was fitted to, unchanged since. Raises ValueError."""
        return self.recording or origin(self.folder)

    def system(self) -> Stepped | None:
        """What it moves by, in double precision; None where arrays are all there is. Raises ValueError."""
        if self.folder is None or not (self.folder.path / "model.pt").exists():
            return None
        return load_inferred(self.folder, double=True)


def folders_of(run: Run) -> list[Folder]:
    """The folders and files to be compared, each with a label of its own. Raises ConfigError."""
    paths = [Path(text.strip()).expanduser() for text in run.config.source.folder.split(",") if text.strip()]
    if not paths:
        raise ConfigError(f"{WHERE}: expected results folders of kind = fit, or .npz files, by commas, got nothing")
    labels = [text.strip() for text in run.config.comparing.labels.split(",") if text.strip()]
    if labels and len(labels) != len(paths):
        raise ConfigError(
            f"[comparing] labels: expected {len(paths)}, one for each of [source] folder, got {len(labels)}"
        )
    labels = labels or _told_apart(paths)
    if len(set(labels)) < len(labels):
        raise ConfigError(f"[comparing] labels: expected a different one for each, got {', '.join(labels)}")
    folders = [Folder(*pair) for pair in zip(labels, paths, strict=True)]
    if run.config.comparing.recording.strip() and not any(folder.file for folder in folders):
        raise ConfigError(
            "[comparing] recording: applies only where [source] folder has .npz files, as other models say what they "
            f"were fitted to; expected it left out, got {run.config.comparing.recording!r}"
        )
    return folders


def _told_apart(paths: list[Path]) -> list[str]:
    """Names of folders and files; where two are the same the whole paths."""
    names = [path.stem if path.suffix == ".npz" else path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def models_of(run: Run) -> list[Model]:
    """All complete models of the folders, by folder, combo and iteration. Raises ConfigError where one has none."""
    found = []
    for folder in folders_of(run):
        own = [_elsewhere(run, folder)] if folder.file else list(_fitted(folder))
        if not own:
            raise ConfigError(f"{WHERE}: expected a folder with at least one complete run, got {folder.path}")
        found += own
    return found


def _fitted(folder: Folder) -> Iterator[Model]:
    manifest = manifest_of(folder.path, "fit")
    for entry in manifest["combos"]:
        for iteration in range(manifest["iterations"]):
            own = results.ResultsFolder(folder.path).run(entry["combo"], iteration)
            if own.status == results.COMPLETE:
                name = str(entry.get("settings", {}).get("inference.architecture", "model"))
                path = own.path / "arrays.npz"
                yield Model(folder.label, entry["combo"], iteration, name, path, entry["values"], own)


def unfinished(run: Run) -> list[str]:
    """In words, how many runs of the folders are left out as they are not complete."""
    found = []
    for folder in folders_of(run):
        if not folder.file:
            manifest = manifest_of(folder.path, "fit")
            planned, there = len(manifest["combos"]) * manifest["iterations"], len(list(_fitted(folder)))
            if there < planned:
                found.append(f"{folder.label}: {planned - there} of {planned} runs are not complete, and left out")
    return found


def _elsewhere(run: Run, folder: Folder) -> Model:
    if not folder.path.is_file():
        raise ConfigError(f"{WHERE}: expected a file of arrays, got {folder.path}, which is not there")
    return Model(folder.label, 0, 0, ELSEWHERE, folder.path, recording=_recording_named(run))


def _recording_named(run: Run) -> Path:
    """What [comparing] recording means: a file, or the one in a results folder of kind = record."""
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


def recordings_named(run: Run, folder: Folder) -> set[str]:
    """The experiments, or files, of recordings that a folder's models were fitted to, as its manifest names them."""
    if folder.file:
        path = _recording_named(run).resolve()
        within = path.parent.name.startswith("iter_") and (path.parents[2] / "manifest.json").exists()
        return {str(path.parents[2] if within else path)}
    combos = manifest_of(folder.path, "fit")["combos"]
    named = (str(entry.get("settings", {}).get(SOURCE, "")) for entry in combos)
    return {str(Path(name).expanduser().resolve()) for name in named if name}


def check_unmixed(run: Run, folders: list[Folder]) -> None:
    """ConfigError where folders were fitted to recordings of different experiments and nobody said so."""
    named = {folder.label: recordings_named(run, folder) for folder in folders}
    first = folders[0].label
    for label, names in named.items():
        if names != named[first] and not run.config.comparing.mixed:
            raise ConfigError(
                f"{WHERE}: expected models of the same recordings, or [comparing] mixed = True, got {first} of "
                f"{', '.join(sorted(named[first]))} and {label} of {', '.join(sorted(names))}"
            )


def origin(folder: results.RunFolder) -> Path:
    """The file that a run of record or fit went on from, with the checksum it had. Raises ValueError."""
    about = (folder.record or {}).get("connectome") or {}
    if "source" not in about:
        raise ValueError(f"{folder.path / 'run.json'} does not say what the run went on from")
    known = (about.get("inputs") or {}).get(SOURCE)
    try:
        return found_again(Path(about["source"]), known, folder.path)
    except ValueError as error:
        raise ValueError(f"what the run went on from: {error}") from None


def trained_of(recording: Recording, file: Path) -> Trained | None:
    """The network that was recorded into this file, in double precision; None where the recording names none.

    Raises ValueError where it is not there any more as it was.
    """
    about = recording.metadata
    if "source" not in about:
        return None
    try:
        path = found_again(Path(str(about["source"])), about.get("sha256"), file)
    except ValueError as error:
        raise ValueError(f"the network that was recorded: {error}") from None
    return load_trained(results.RunFolder(path.parent), str(about.get("which", "best")), double=True)


def recording_in(path: Path) -> Recording:
    """The recording in a file, with a test split. Raises ValueError."""
    recording = read_recording(path)
    if "test" not in recording.splits:
        raise ValueError(f"{path}: expected a test split, got none")
    return recording


def arrays_in(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a .npz. Raises ValueError, one line naming the file."""
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected the arrays of a model (.npz), got another kind of file")
    try:
        return results.read_arrays(path)
    except Exception as error:  # a damaged file can raise nearly anything
        raise ValueError(f"{path}: expected the arrays of a model, got {type(error).__name__}: {error}") from None
