"""Safe loading of files: arrays without pickles, and pickles through a restricted reader. Errors are one line."""

import hashlib
import io
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.settings import nearest


class FormatError(ValueError):
    """A file that does not have the expected content; the text is one line with path, expected and actual content."""


def load_npy(path: Path) -> np.ndarray:
    """An .npy array without pickles. Raises FormatError."""
    try:
        with open(path, "rb") as file:
            array = np.load(file, allow_pickle=False)
    except Exception as error:  # damaged arrays raise many kinds of errors
        raise FormatError(f"{path}: expected a .npy array of numbers, got {one_line(error)}") from None
    if not isinstance(array, np.ndarray):
        raise FormatError(f"{path}: expected one .npy array, got an archive of several")
    return array


def load_pickle(path: Path, expected: str = "a pickled dictionary") -> Any:
    """A pickle of dicts, lists, ints, floats, strings and NumPy arrays; other objects are refused before creation.

    expected: the content that errors name. Raises FormatError.
    """
    try:
        return _Restricted(io.BytesIO(path.read_bytes())).load()
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    except Exception as error:  # damaged pickles raise many kinds of errors
        actual = f"{type(error).__name__}: {one_line(error)}"
        raise FormatError(f"{path}: expected {expected}, got {actual}") from None


def one_line(value: object) -> str:
    """The text of a value without line breaks."""
    return " ".join(str(value).split())


class _Restricted(pickle.Unpickler):
    """Admits only the constructors of NumPy arrays and numbers, which run no code of the file."""

    # pickles before protocol 3 write bytes as a call of this
    BYTES = ("_codecs", "encode")

    ALLOWED = frozenset(
        (module, name)
        for core in ("numpy.core.multiarray", "numpy._core.multiarray")
        for module, name in ((core, "_reconstruct"), (core, "scalar"))
    ) | {("numpy", "ndarray"), ("numpy", "dtype")}

    def find_class(self, module: str, name: str) -> Any:
        """The class or function that a pickle names, if it is allowed. Raises FormatError."""
        if (module, name) == self.BYTES:
            return _latin1
        if (module, name) not in self.ALLOWED:
            raise FormatError(
                f"expected a pickle of dicts, lists, numbers, strings and arrays, got {module}.{name}, "
                "which is refused (a pickle can run any program)"
            )
        return super().find_class(module, name)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise FormatError(f"expected bytes in latin1, got {encoding}")
    return str.encode(text, "latin1")


def one_of(folder: Path, names: Iterable[str]) -> Path:
    """The first of the files `names` that exists in the folder. Raises FormatError where none does."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FormatError(f"{folder}: expected the file {' or '.join(names)}, which is not there")


def square_matrix(path: Path, quantity: str = "counts") -> np.ndarray:
    """(N, N) float64 matrix of a `quantity` >= 0, with N >= 2 and an entry off the diagonal. Raises FormatError."""
    matrix = load_npy(path)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise FormatError(f"{path}: expected a square matrix of at least 2 x 2, got shape {matrix.shape}")
    if matrix.dtype.kind not in "uifb":
        raise FormatError(f"{path}: expected numbers, got dtype {matrix.dtype}")
    matrix = matrix.astype(np.float64)
    if not np.isfinite(matrix).all() or matrix.min() < 0:
        row, column = np.argwhere(~np.isfinite(matrix) | (matrix < 0))[0]
        raise FormatError(
            f"{path}: expected {quantity} >= 0, got {matrix[row, column]:g} in row {row}, column {column}"
        )
    if matrix.max() > 2**53:
        raise FormatError(f"{path}: expected {quantity} of at most 2^53, got {matrix.max():g}")
    if not (matrix - np.diag(np.diag(matrix))).any():
        raise FormatError(f"{path}: expected at least one connection off the diagonal, got none")
    return matrix


def checksums(paths: Iterable[Path]) -> dict[str, str]:
    """File name -> sha256 of the file, as provenance records it."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def selected_name(path: Path, roi: str, known: list[str]) -> str:
    """`roi`, or the only name in `known` where roi is "". Raises FormatError for an unknown name."""
    if not known:
        raise FormatError(f"{path}: expected region matrices C_<name>.npy, got none")
    if not roi and len(known) == 1:
        return known[0]
    if roi not in known:
        listed = ", ".join(known) or "none"
        raise FormatError(f"{path}: expected roi = one of {listed}, got {roi!r}{nearest(roi, known)}")
    return roi
