"""From one stage to the next: the ended run of an earlier experiment that a run goes on from."""

import hashlib
from pathlib import Path
from typing import Any

from randomnet import results
from randomnet.config import ConfigError, Run

SOURCE = "source.folder"


def source_of(run: Run, kind: str) -> results.RunFolder:
    """The run of kind `kind` that [source] means, complete. Raises ConfigError."""
    chosen = run.config.source
    return run_of(Path(chosen.folder).expanduser(), kind, chosen.combo, chosen.iteration, run)


def run_of(root: Path, kind: str, combo: int | str, iteration: int | str, run: Run) -> results.RunFolder:
    """A complete run of an experiment of that kind; `same` is the number of `run`, or the only one that there is.

    Raises ConfigError.
    """
    manifest = manifest_of(root, kind)
    combos, iterations = [entry["combo"] for entry in manifest["combos"]], list(range(manifest["iterations"]))
    numbers = {}
    for name, wanted, own, there in (
        ("combo", combo, run.combo, combos),
        ("iteration", iteration, run.iteration, iterations),
    ):
        numbers[name] = wanted if wanted != "same" else there[0] if len(there) == 1 else own
        if numbers[name] not in there:
            listed = f"0 to {max(there)}" if len(there) > 1 else str(there[0])
            raise ConfigError(f"[source] {name}: expected one of {root}, {listed}, got {numbers[name]}")
    folder = results.ResultsFolder(root).run(numbers["combo"], numbers["iteration"])
    if folder.status != results.COMPLETE:
        raise ConfigError(f"[source] folder: expected a complete run, got {folder.path}, which is {folder.status}")
    return folder


def manifest_of(root: Path, kind: str) -> dict[str, Any]:
    """The manifest of a results folder with an experiment of that kind. Raises ConfigError."""
    where = f"[source] folder: expected the results folder of an experiment of kind = {kind}"
    if not str(root) or str(root) == ".":
        raise ConfigError(f"{where}, got nothing")
    try:
        manifest = results.ResultsFolder(root).manifest if root.is_dir() else None
    except results.ResultsError as error:
        raise ConfigError(f"{where}, got {root}: {error}") from None
    if manifest is None:
        raise ConfigError(f"{where}, got {root}, which is {'none' if root.exists() else 'not there'}")
    if manifest.get("kind") != kind:
        raise ConfigError(f"{where}, got {root}, which is of kind = {manifest.get('kind')}")
    return manifest


def checksum(path: Path) -> str:
    """sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def found_again(path: Path, sha256: str | None, beside: Path) -> Path:
    """The file that was at `path`, or where it is now if the folders that hold it and `beside` have been moved
    together, as from a cluster to a laptop. sha256: its checksum; None: unknown, so that no other place is tried.

    Raises ValueError where it is not there as it was.
    """
    if path.is_file():
        if sha256 and checksum(path) != sha256:
            raise ValueError(f"{path} is not the file any more that it was")
        return path
    ends = [Path(*path.parts[start:]) for start in range(1, len(path.parts))] if sha256 else []
    for file in (above / end for end in ends for above in beside.resolve().parents):
        if file.is_file() and checksum(file) == sha256:
            return file
    raise ValueError(f"{path} is not there")


def facts_of(source: Path, name: str, neurons: int) -> dict[str, Any]:
    """What the manifest says of what a run goes on from: the file `source`, by its checksum, and its neurons."""
    return {"name": name, "neurons": neurons, "source": str(source.resolve()), "inputs": {SOURCE: checksum(source)}}
