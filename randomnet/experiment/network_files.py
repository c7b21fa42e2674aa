"""--describe --save: the networks of a grid as files, under names that the user chooses."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from randomnet.connectome import Connectome
from randomnet.connectome.saving import files_of, save
from randomnet.settings import ConfigError

LONGEST = 100  # characters of gridded values in a name


def check(path: Path) -> None:
    """Raise ConfigError where the file is there already, has an unknown ending, or has no folder to be written to."""
    _check_new(path)
    folder = path.parent
    if not folder.is_dir():
        raise ConfigError(f"--save {path}: expected a file in a folder that exists, got {folder}, not there")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"--save {path}: expected a folder to write to, got {folder}, which is write-protected")


def targets(path: Path, values: Sequence[str]) -> list[Path]:
    """Return the file of each network, with its gridded values in the name where there are several networks.

    values: of each network, as a part of a file name. Raises ConfigError where one of the files is there already.
    """
    if len(values) == 1:
        return [path]
    short = [text[:LONGEST] for text in values]
    names = [text if text and short.count(text) == 1 else "_".join(filter(None, [text, str(number)]))
             for number, text in enumerate(short)]  # fmt: skip
    paths = [path.with_name(f"{path.stem}_{name}{path.suffix}") for name in names]
    for file in paths:
        _check_new(file)
    return paths


def write(connectome: Connectome, path: Path) -> Iterator[str]:
    """Write the network, and yield lines with the files and how to read them. Raises ConfigError."""
    try:
        paths = save(connectome, path)
    except (OSError, ValueError, ImportError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"--save {path}: expected a file that can be written, got: {reason}") from None
    yield from (f"  saved   {file}" for file in paths)
    if rank := connectome.provenance.get("rank"):
        yield f"  its factors of rank {rank} are not part of the weights, and are not saved"
    yield f"  [paths] path_to_network = {path} reads it as it is; leave sign_policy, normalization and g out"


def _check_new(path: Path) -> None:
    try:
        files_of(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--save {error}") from None
