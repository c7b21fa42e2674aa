"""The completed upstream run that [source] names, used as the input of a run, and what is recorded of it."""

from pathlib import Path
from typing import Any

from randomnet import results
from randomnet.artifacts.upstream_runs import (
    SAME,
    ComboChoice,
    Upstream,
    checksum,
    choose_iteration,
    iteration_of_folder,
    manifest_entry,
)
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

SOURCE = "source.folder"


def source_of(run: Run, kind: str) -> results.RunFolder:
    """Return the complete run of kind `kind` that [source] means. Raises ConfigError."""
    source = run.config.source
    return find_run(Path(source.folder).expanduser(), kind, source.combo, source.iteration, run)


def find_run(
    root: Path, kind: str, combo: int | str, iteration: int | str, run: Run, combo_option: str = "[source] combo"
) -> results.RunFolder:
    """Return a complete run of an experiment of kind `kind`.

    For the combo, `same` means the one with the values of `run`. For the iteration, it means the iteration of `run`, or
    the only one there is. combo_option: the option that takes the combo's number, for errors; empty without one. Raises
    ConfigError.
    """
    manifest = manifest_of(root, kind)
    entry = ComboChoice("[source] folder", str(root), combo_option).entry_for(run, manifest, combo)
    iterations = range(manifest["iterations"])
    number = choose_iteration(iteration, run.iteration, iterations, "[source] iteration", str(root), only=True)
    folder = results.ResultsFolder(root).run(entry["combo"], number)
    if folder.status not in results.FINISHED:
        raise ConfigError(f"[source] folder: expected a complete run, got {folder.path}, which is {folder.status}")
    return folder


def upstream_facts(option: str, file: Path, run: Run, which: str = "") -> dict[str, Any]:
    """Return what the manifest and run.json say of the file that a run starts from.

    The file is in the folder of a run, or elsewhere. which: the network of the file, where it contains several.
    """
    entry, iteration = manifest_entry(file.parent.parent), iteration_of_folder(file.parent)
    if entry is None or iteration is None:
        return Upstream(option, file, which=which, shared=True).facts()
    root, combo = file.parents[2], entry["combo"]
    only = results.ResultsFolder(root).manifest["iterations"] == 1
    shared = (only or run.config.source.iteration != SAME) and run.config.trainvalidate.iterations > 1
    return Upstream(option, file, root, combo, iteration, entry["values"], which=which, shared=shared).facts()


def manifest_of(root: Path, kind: str) -> dict[str, Any]:
    """Return the manifest of a results folder with an experiment of kind `kind`. Raises ConfigError."""
    expected = f"[source] folder: expected the results folder of an experiment of kind = {kind}"
    if not str(root) or str(root) == ".":
        raise ConfigError(f"{expected}, got nothing")
    try:
        manifest = results.ResultsFolder(root).manifest if root.is_dir() else None
    except results.ResultsError as error:
        raise ConfigError(f"{expected}, got {root}: {error}") from None
    if manifest is None:
        raise ConfigError(f"{expected}, got {root}, which is {'none' if root.exists() else 'not there'}")
    if manifest.get("kind") != kind:
        raise ConfigError(f"{expected}, got {root}, which is of kind = {manifest.get('kind')}")
    return manifest


def locate(path: Path, sha256: str | None, neighbour: Path) -> Path:
    """Return the file that was at `path`, with the checksum it had.

    Where it is missing, it is searched below the folders of `neighbour`, as both may have been moved together, such as
    from a cluster to a laptop. sha256: its checksum; with None no other place is searched. Raises ValueError where the
    file is not there, or has changed.
    """
    if path.is_file():
        if sha256 and checksum(path) != sha256:
            raise ValueError(f"{path} is not the file any more that it was")
        return path
    ends = [Path(*path.parts[start:]) for start in range(1, len(path.parts))] if sha256 else []
    for file in (above / end for end in ends for above in neighbour.resolve().parents):
        if file.is_file() and checksum(file) == sha256:
            return file
    raise ValueError(f"{path} is not there")


def source_facts(source: Path, name: str, neurons: int, run: Run, which: str = "") -> dict[str, Any]:
    """Return what the manifest says of the source of a run: the file with its checksum, and its neurons.

    which: the network of the file, where it contains several.
    """
    upstream = upstream_facts(SOURCE, source, run, which)
    facts = {"name": name, "neurons": neurons, "source": str(source.resolve())}
    return facts | {"inputs": {SOURCE: upstream["sha256"]}, "upstream": [upstream]}
