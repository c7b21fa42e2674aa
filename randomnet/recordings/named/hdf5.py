"""HDF5 files of others: arrays and texts that lie in the file itself, and no larger than memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.extras import install_line
from randomnet.memory import machine_memory

MARK = b"\x89HDF\r\n\x1a\n"
DEEPEST = 12  # groups within groups
PROBE = """
import h5py, sys
def visit(name, item):
    dict(item.attrs)
    if isinstance(item, h5py.Dataset) and item.dtype.kind == "O" and not item.external and not item.is_virtual:
        item[()]
with h5py.File(sys.argv[1], "r") as file:
    dict(file.attrs)
    file.visititems(visit)
"""  # reads all texts, whose places in a damaged file may lie anywhere in memory


def parts_of_path(path: Path) -> tuple[Path, str]:
    """The file of a path that may go on inside it, and the place inside; "" for all of the file."""
    for part in (path, *path.parents):
        if part.is_file():
            return part, "/".join(path.parts[len(part.parts) :])
    return path, ""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file, to be read. Raises ValueError for a damaged one, or without h5py."""
    try:
        import h5py
    except ImportError:
        advice = install_line("recordings")
        raise ValueError(f"expected h5py to read HDF5, got none installed: {advice}") from None
    status = os.stat(path)
    if _ends_the_process(str(path), status.st_mtime_ns, status.st_size):
        raise ValueError("expected a whole HDF5 file, got a damaged one")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a whole HDF5 file, got {error}") from None


@lru_cache(maxsize=8)
def _ends_the_process(path: str, changed: int, size: int) -> bool:
    """Whether the HDF5 library crashes on the file, as on some damaged ones; tried in another process."""
    tried = subprocess.run([sys.executable, "-c", PROBE, path], capture_output=True, check=False)
    return tried.returncode not in (0, 1)  # 1: an exception, which is told when the file is read here


def is_nwb(path: Path) -> bool:
    """Whether the file is one of Neurodata Without Borders."""
    with opened(path) as file:
        return "nwb_version" in file.attrs


def arrays_in_hdf5(path: Path, inside: str = "") -> dict[str, np.ndarray]:
    """The arrays of a group by lower-case name; of an only group where a file has nothing else. Raises ValueError."""
    with opened(path) as file:
        group = member(file, inside) if inside else file
        while is_group(group) and len(group) == 1 and is_group(member(group, next(iter(group)))):
            group = member(group, next(iter(group)))
        if not is_group(group):
            beside = {name: group.parent[name] for name in group.parent if name != group.name.rpartition("/")[2]}
            return {"data": array_of(group)} | {name.lower(): array_of(item) for name, item in beside.items()
                                                if not is_group(item) and item.ndim < 2}  # fmt: skip
        return {name.lower(): array_of(item) for name in group if not is_group(item := member(group, name))}


def member(group: Any, name: str) -> Any:
    """What a group has by this name, in this file. Raises ValueError for nothing, and for a link to another file."""
    item = group.get(name)
    if item is None:
        raise ValueError(f"expected {name[:80]!r} in {group.name}, got {', '.join(group)[:120] or 'nothing'}")
    if item.file.filename != group.file.filename:
        raise ValueError(f"{name[:80]}: expected data in the file itself, got a link to another file")
    return item


def is_group(item: Any) -> bool:
    """Whether it has members."""
    return hasattr(item, "keys")


def groups_below(group: Any, depth: int = 0) -> Iterator[Any]:
    """The group and all groups below it, that are in the file itself."""
    yield group
    for name in group:
        if depth < DEEPEST and group.get(name, getlink=True).__class__.__name__ == "HardLink":
            item = member(group, name)
            if is_group(item):
                yield from groups_below(item, depth + 1)


def array_of(dataset: Any) -> np.ndarray:
    """The numbers or texts of a data set. Raises ValueError where they lie elsewhere, or are larger than memory."""
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{dataset.name}: expected data in the file itself, got data of another file")
    if dataset.size is None or dataset.size * max(dataset.dtype.itemsize, 8) > machine_memory() / 4:
        raise ValueError(f"{dataset.name}: expected data that fits into memory, got {dataset.shape} {dataset.dtype}")
    values = dataset[()]
    if np.asarray(values).dtype.kind == "O":
        texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in np.ravel(values)]
        return np.array(texts, dtype=str).reshape(np.shape(values))
    return np.asarray(values)
