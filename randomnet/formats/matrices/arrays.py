"""Square matrices as arrays of NumPy: dense .npy and .npz, and scipy's sparse .npz, read with NumPy alone.

scipy.sparse.load_npz would not check the indices of a damaged file, and would not say what is wrong with it.
"""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.interpretation import Neurons
from randomnet.formats.matrices.record import (
    Edges,
    Matrix,
    Shape,
    check_numbers,
    check_square,
    dense_edges,
    exact_floats,
    is_matrix_or_stack,
    layer_of,
    matrix_name,
    numbered,
)
from randomnet.formats.neurons.arrays import is_per_neuron, neurons_of_arrays
from randomnet.formats.options import Options
from randomnet.formats.tables.cells import listed, shown
from randomnet.formats.tables.reading import Table

LEAST_HALF = 3  # entries on one side of the diagonal that are no accident
SPARSE = ("format", "shape", "data")
SPARSE_KEYS = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}
ALL_SPARSE = {*SPARSE, "indices", "indptr", "row", "col", "_is_array"}


class Header(NamedTuple):
    """Shape and dtype of an array, as its file states them."""

    shape: Shape
    dtype: np.dtype


# ---- .npy


def shape_of(table: Table) -> Shape:
    """The shape of a .npy array. Raises FormatError."""
    return _mapped(table).shape


def npy_matrix(table: Table, options: Options) -> Matrix:
    """The matrix of a .npy file. Raises FormatError."""
    array = _mapped(table)
    if array.dtype.kind == "V":
        check_numbers(table, array.dtype)
    matrix, note = layer_of(table, array, options.layer)
    edges = dense_edges(table, matrix)
    part = weights_part(table.name, len(matrix), edges, note)
    return Matrix(Neurons(numbered(len(matrix))), edges, True, (part,))


def weights_part(place: str, n: int, edges: Edges, note: str = "") -> Part:
    """The part of a file that is the matrix."""
    row, column, entries = edges
    counts = f"{n:,} x {n:,}, {len(entries):,} entries other than 0"
    negative = int((entries < 0).sum())
    signs = f"{negative:,} of these are negative" if negative else ""
    return Part(place, "weights", "; ".join(filter(None, (counts, signs, _half(row, column), note))))


def _half(row: np.ndarray, column: np.ndarray) -> str:
    """A note where all entries off the diagonal are on one side of it, as half a symmetric matrix has them, or ""."""
    below, above = int((row > column).sum()), int((row < column).sum())
    if min(below, above) > 0 or max(below, above) < LEAST_HALF:
        return ""
    side = "above" if above else "below"
    return f"all of these are {side} the diagonal; where this is half of a symmetric matrix, add its transpose"


def _mapped(table: Table) -> np.ndarray:
    """An array, memory-mapped where its file is not compressed. Raises FormatError, also for pickles."""
    try:
        source = table.binary()
        return np.load(source, mmap_mode="r" if isinstance(source, Path) else None, allow_pickle=False)
    except Exception as error:  # a damaged array can raise nearly anything
        _check_no_objects(table)
        raise FormatError(f"{table}: expected a .npy array of numbers, got {one_line(error)}") from None


def _check_no_objects(table: Table) -> None:
    """Raise FormatError for an array of Python objects."""
    try:
        with table.open() as file:
            dtype = _header(file).dtype
    except Exception:  # the caller has the better error
        return
    check_numbers(table, dtype)


# ---- .npz


def headers_of(table: Table) -> dict[str, Header]:
    """Name -> header of the arrays in an .npz, which are not read. Raises FormatError where it has none."""
    try:
        with zipfile.ZipFile(table.binary()) as archive:
            members = archive.namelist()
            arrays = [name for name in members if name.endswith(".npy")]
            headers = {name.removesuffix(".npy"): _member_header(table, archive, name) for name in arrays}
    except FormatError:
        raise
    except Exception as error:  # damaged archives raise many kinds of errors
        raise FormatError(f"{table}: expected a .npz archive of arrays, got {one_line(error)}") from None
    if not headers and any(name.endswith("/data.pkl") for name in members):
        raise FormatError(f"{table}: expected a .npz archive of arrays, got a file of torch.save, which is not read: "
                          "save it as np.save('matrix.npy', tensor.numpy())")  # fmt: skip
    if not headers:
        actual = one_line(", ".join(members[:4]))[:200]
        raise FormatError(f"{table}: expected a .npz archive of arrays, got a zip archive of {actual}: unpack it")
    return headers


def keys_of(table: Table) -> tuple[str, ...]:
    """The names of the arrays in an .npz, which are not read. Raises FormatError."""
    return tuple(headers_of(table))


def is_sparse(keys: tuple[str, ...]) -> bool:
    """Whether these are the arrays of a scipy.sparse .npz."""
    return set(SPARSE) <= set(keys)


def npz_matrix(table: Table, options: Options) -> Matrix:
    """The matrix of an .npz archive, with the names and labels of neurons in it. Raises FormatError."""
    headers = headers_of(table)
    read = _sparse_matrix if is_sparse(tuple(headers)) else _dense_matrix
    used, n, edges, part = read(table, headers, options)
    per_neuron = {key for key, header in headers.items() if key not in used and _is_per_neuron(table, key, header, n)}
    neurons, is_numbered, parts = neurons_of_arrays(table, _loaded(table, per_neuron), n, "array")
    others = [key for key in headers if key not in used | per_neuron]
    parts += [unused(f"{table.name}, array {key}", _why_unused(headers[key])) for key in others]
    parts += [unused(f"{table.name}, {member}", "it is no array") for member in _other_members(table)]
    return Matrix(neurons, edges, is_numbered, (part, *parts))


def _dense_matrix(
    table: Table, headers: Mapping[str, Header], options: Options
) -> tuple[set[str], int, Edges, Part]:
    """The arrays that are used, the number of neurons, the entries, and the part. Raises FormatError."""
    key = matrix_name(table, _shapes(headers), options.variable, "an array")
    where = f"{table}, array {shown(key)}" if len(headers) > 1 else table
    matrix, note = layer_of(where, _loaded(table, {key})[key], options.layer)
    edges = dense_edges(where, matrix)
    return {key}, len(matrix), edges, weights_part(f"{table.name}, array {key}", len(matrix), edges, note)


def _sparse_matrix(
    table: Table, headers: Mapping[str, Header], options: Options
) -> tuple[set[str], int, Edges, Part]:
    """As `_dense_matrix`, of the arrays of scipy.sparse. Raises FormatError."""
    options.refuse(table, layer="a sparse matrix has no layers", variable="it is one sparse matrix")
    used = ALL_SPARSE & set(headers)
    arrays = _loaded(table, used)
    n = _size(table, arrays["shape"])
    edges = _sparse_edges(table, arrays, n)
    place = f"{table.name}, arrays {', '.join(key for key in headers if key in used)}"
    return used, n, edges, weights_part(place, n, edges, "sparse")


def _shapes(headers: Mapping[str, Header]) -> dict[str, Shape]:
    """Of the arrays that could be a matrix: all but texts, times and tables."""
    return {name: shape for name, (shape, dtype) in headers.items() if dtype.kind not in "USVMm"}


def _is_per_neuron(table: Table, key: str, header: Header, n: int) -> bool:
    """Whether an array has a value per neuron. Raises FormatError for names as Python objects."""
    if key in ("ids", "names") and header.dtype.kind == "O":
        raise FormatError(f"{table}, array {key}: expected {n} different ids as integers or texts, got Python objects, "
                          f"a pickle that is not read: save them as np.array({key}, dtype=str)")  # fmt: skip
    return (is_per_neuron(key, header.shape, n) and header.dtype.kind in "uifbUS") or key in ("ids", "names")


def _why_unused(header: Header) -> str:
    if header.dtype.kind == "O":
        return "Python objects, a pickle that is not read; save it as an array of texts or numbers"
    if header.dtype.names:
        return f"a structured array with fields {listed(header.dtype.names)}; save each field as an array"
    if is_matrix_or_stack(header.shape):
        return f"a further matrix of shape {header.shape}"
    return f"{header.dtype} of shape {header.shape}, which is no value per neuron"


def _other_members(table: Table) -> list[str]:
    with zipfile.ZipFile(table.binary()) as archive:
        return [name for name in archive.namelist() if not name.endswith((".npy", "/"))]


def _member_header(table: Table, archive: zipfile.ZipFile, name: str) -> Header:
    try:
        with archive.open(name) as file:
            return _header(file)
    except Exception as error:  # damaged members raise many kinds of errors
        where = f"{table}, array {shown(name.removesuffix('.npy'))}"
        raise FormatError(f"{where}: expected a .npz archive of arrays, got {one_line(error)[:200]}") from None


def _header(file: IO[bytes]) -> Header:
    """The header of a .npy array. Raises ValueError, EOFError."""
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:  # (3, 0): names of fields that are not Latin
        return Header((), np.dtype([("field", "f8")]))
    shape, _, dtype = read(file)
    return Header(shape, dtype)


def _loaded(table: Table, keys: set[str]) -> dict[str, np.ndarray]:
    """The arrays of these names, in the order of the file. Raises FormatError, also for pickles."""
    key = ""
    try:
        with np.load(table.binary(), allow_pickle=False) as archive:
            arrays = {}
            for key in (key for key in archive.files if key in keys):
                arrays[key] = archive[key]
            return arrays
    except (ValueError, OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        is_pickle = "allow_pickle" in str(error)
        actual = "Python objects, a pickle that is not read" if is_pickle else one_line(error)[:200]
        advice = ": save it as np.asarray(matrix, dtype=float)" if is_pickle else ""
        where = f"{table}, array {shown(key)}"
        raise FormatError(f"{where}: expected a .npz archive of numbers, got {actual}{advice}") from None


# ---- sparse arrays


def _sparse_edges(table: Table, arrays: dict[str, np.ndarray], n: int) -> Edges:
    """Rows, columns and entries from the arrays of scipy's formats csr, csc and coo. Raises FormatError."""
    form = ", ".join(arrays["format"].astype(str).ravel().tolist())
    keys = SPARSE_KEYS.get(form)
    if keys is None:
        raise FormatError(
            f"{table}: expected a sparse matrix as csr, csc or coo, got {form!r}: save it as matrix.tocsr()"
        )
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise FormatError(f"{table}: expected arrays {', '.join(keys)} for {form}, got no {missing[0]}")
    first, second = (_indices(table, key, arrays[key]) for key in keys)
    data = arrays["data"]
    check_numbers(table, data.dtype)
    if data.ndim != 1:
        raise FormatError(f"{table}: expected data as one row of numbers, got shape {data.shape}")
    if form != "coo":
        first, second = _lines_of_entries(table, second, n, len(data)), first
    if not len(first) == len(second) == len(data) or (len(data) and max(first.max(), second.max()) >= n):
        raise FormatError(f"{table}: expected {len(data)} indices below {n}, got others: the file is damaged")
    row, column = (second, first) if form == "csc" else (first, second)
    return row, column, exact_floats(table, data, row, column)


def _lines_of_entries(table: Table, pointers: np.ndarray, n: int, entries: int) -> np.ndarray:
    """(entries,) the row (csr) or column (csc) of each entry; pointers: where each one starts. Raises FormatError."""
    if len(pointers) != n + 1 or pointers[0] != 0 or pointers[-1] != entries or (np.diff(pointers) < 0).any():
        raise FormatError(f"{table}: expected indptr to rise from 0 to {entries} in {n + 1} steps, got other numbers")
    return np.repeat(np.arange(n), np.diff(pointers))


def _indices(table: Table, key: str, values: np.ndarray) -> np.ndarray:
    """The values as int64 indices. Raises FormatError for other values."""
    if values.dtype.kind not in "iu" or values.ndim != 1 or (len(values) and values.min() < 0):
        raise FormatError(f"{table}: expected {key} as whole numbers >= 0, got {values.dtype} {values.shape}")
    return values.astype(np.int64)


def _size(table: Table, shape: np.ndarray) -> int:
    sizes = tuple(int(size) for size in np.atleast_1d(shape)) if shape.dtype.kind in "iu" else ()
    check_square(table, sizes)
    return sizes[0]
