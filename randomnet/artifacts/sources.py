"""From one stage to the next: the ended run of an earlier experiment that a run goes on from."""

from pathlib import Path
from typing import Any

from randomnet import results
from randomnet.artifacts.upstream_runs import (
    SAME,
    Choice,
    Upstream,
    checksum,
    entry_at,
    iteration_at,
    iteration_in,
)
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

SOURCE = "source.folder"


def source_of(run: Run, kind: str) -> results.RunFolder:
    """The run of kind `kind` that [source] means, complete. Raises ConfigError."""
    chosen = run.config.source
    return run_of(Path(chosen.folder).expanduser(), kind, chosen.combo, chosen.iteration, run)


def run_of(
    root: Path, kind: str, combo: int | str, iteration: int | str, run: Run, number: str = "[source] combo"
) -> results.RunFolder:
    """A complete run of an experiment of that kind. `same` is the combo with the values of `run`, and its iteration, or
    the only iteration that there is. number: the option that takes the combo's number, for errors; '' where none does.

    Raises ConfigError.
    """
    manifest = manifest_of(root, kind)
    choice = Choice("[source] folder", str(root), number)
    found = choice.combo(run, manifest, combo)["combo"]
    there = range(manifest["iterations"])
    folder = results.ResultsFolder(root).run(
        found, iteration_in(iteration, run.iteration, there, "[source] iteration", str(root), only=True)
    )
    if folder.status != results.COMPLETE:
        raise ConfigError(f"[source] folder: expected a complete run, got {folder.path}, which is {folder.status}")
    return folder


def upstream_of(option: str, file: Path, run: Run, which: str = "") -> dict[str, Any]:
    """What the manifest and run.json say of the file that a run goes on from: one in the folder of a run, or another.

    which: the network that is taken of it, where it holds several.
    """
    entry, iteration = entry_at(file.parent.parent), iteration_at(file.parent)
    if entry is None or iteration is None:
        return Upstream(option, file, which=which, shared=True).facts()
    root, combo = file.parents[2], entry["combo"]
    only = results.ResultsFolder(root).manifest["iterations"] == 1
    shared = (only or run.config.source.iteration != SAME) and run.config.trainvalidate.iterations > 1
    return Upstream(option, file, root, combo, iteration, entry["values"], which=which, shared=shared).facts()


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


def facts_of(source: Path, name: str, neurons: int, run: Run, which: str = "") -> dict[str, Any]:
    """What the manifest says of what a run goes on from: the file `source`, by its checksum, and its neurons.

    which: the network of the file that is taken, where it holds several.
    """
    chosen = upstream_of(SOURCE, source, run, which)
    known = {"name": name, "neurons": neurons, "source": str(source.resolve())}
    return known | {"inputs": {SOURCE: chosen["sha256"]}, "upstream": [chosen]}
