"""Reading files, and writing them atomically: a file appears under its name only when it is complete."""

import contextlib
import io
import json
import math
import os
import re
import secrets
import socket
import time
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet.results.statuses import ResultsError

TEMPORARY = ".tmp-"
READERS_BLOCK = os.name == "nt"  # Windows cannot replace a file that is open, for example in a virus scanner
READ_TIMEOUT = 10.0  # seconds to wait for readers


def temporary_path(path: Path) -> Path:
    """Return an unused hidden name beside `path`, for a file that is not complete yet.

    It names the host and the process, for a person, and is random: processes of two containers have equal numbers.
    """
    host = re.sub(r"[^\w-]", "", socket.gethostname())[:30]
    return path.with_name(f"{TEMPORARY}{path.name[:120]}-{host}-{os.getpid()}-{secrets.token_hex(8)}")


def replace_file(temporary: Path, path: Path) -> None:
    """Rename a complete file, replacing an older one, and bring the new name to the disk.

    If READERS_BLOCK, wait until nobody reads the older file.

    Raises PermissionError if that takes longer than READ_TIMEOUT.
    """
    end = time.monotonic() + READ_TIMEOUT
    while True:
        try:
            os.replace(temporary, path)
            return _sync_folder(path.parent)
        except PermissionError:
            if not READERS_BLOCK or time.monotonic() > end:
                raise
            time.sleep(0.1)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can open a folder (Windows cannot)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: even after a crash, the file is the old one or the complete new one."""
    temporary = temporary_path(path)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace_file(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # as where a disk is full
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write `record` as JSON, atomically; NaN and infinities become null, as JSON does not have them."""
    write_text(path, json.dumps(_strict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write `table` without its index, atomically; floats with all digits."""
    write_text(path, table.to_csv(index=False))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz, atomically; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict[str, Any](arrays))
    write_bytes(path, buffer.getvalue())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, atomically."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises ResultsError, naming the file, if it is missing or broken."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ResultsError(f"{path}: expected a JSON file of RandomNet, got lists within lists without end") from None
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: expected a JSON file of RandomNet, got {error}") from None
    if not isinstance(record, dict):
        raise ResultsError(f"{path}: expected a JSON object, got {type(record).__name__}")
    return record


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read a .npz into memory, without pickles: all arrays, or those of these names that it has.

    Raises ResultsError, naming the file, where it is damaged or has a member that is no array.
    """
    with _damage_named(path), zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if names is None or name in names}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy returns the bytes of a member without the header of an array
            raise ResultsError(f"{path}: expected arrays of numbers, got the member {name[:60]!r}, which is no array")
    return arrays


def map_array(path: Path) -> np.ndarray:
    """Map a .npy into memory, without pickles. Raises ResultsError, naming the file, where it is damaged."""
    with _damage_named(path):
        array: np.ndarray = np.lib.format.open_memmap(path, mode="r")
    return array


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn what a damaged file of arrays raises, which is nearly anything, into one line that names the file."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        came = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}".removesuffix(": ")
        raise ResultsError(f"{path}: expected arrays as RandomNet writes them, got a damaged file ({came})") from None


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    if isinstance(value, np.generic):
        return _strict(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
