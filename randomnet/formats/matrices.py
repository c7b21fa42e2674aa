"""Square matrices in files -> Connectome: dense .npy, .npz or .csv, and scipy's sparse .npz read with NumPy alone.

Rows are presynaptic (`source`) unless `rows = target`. Negative entries are inhibitory. A CSV has ids, integers or
texts, as header row and first column (the larva of Winding et al. 2023); or it contains only numbers, and the neurons
are 0, ..., N-1. An .npz may name its neurons in an array
`ids` (integers) or `names` (texts). scipy.sparse.load_npz would not check the indices of a damaged file, and would not
say what is wrong with it.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, assemble
from randomnet.formats.bio2art import ORIENTATIONS, UNKNOWN, Orientation, is_known_region_matrix
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.interpretation import with_file_signs
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import with_signs
from randomnet.formats.tables import NUMBER, Table, checksums, listed, repeated_name, shown, stream, tables_in

BLOCK = 4_000_000  # entries per block of rows
MOST_NEURONS = 5_000_000  # larger shapes are damage, and would fill the memory
NAMES = ("ids", "names")
SPARSE = ("format", "shape", "data")
MISSING = "transmitters, which a matrix does not have: use auto (its entries' signs) or none"

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # row, column, entry


def is_matrix_csv(table: Table) -> bool:
    """Whether a CSV has ids as header row and first column, by its first row, or contains only numbers."""
    header, first = table.columns, table.first
    named = table.headed and len(header) > 2 and len(first) == len(header) and first[0].strip() == header[1]
    return table.kind == "csv" and (named or is_numbers(table))


def is_numbers(table: Table) -> bool:
    """Whether the first two rows of a CSV are equally many numbers without a header, so that it may be a matrix."""
    cells = [cell for row in table.layout.rows[:2] for cell in row]
    are_numbers = len(table.columns) == len(table.first) > 1 and all(re.fullmatch(NUMBER, cell) for cell in cells)
    return table.kind == "csv" and not table.headed and are_numbers


def is_sparse(keys: tuple[str, ...]) -> bool:
    """Whether these are the arrays of a scipy.sparse .npz."""
    return set(SPARSE) <= set(keys)


def keys_of(path: Path) -> tuple[str, ...]:
    """The names of the arrays in an .npz, without reading them. Raises FormatError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise FormatError(f"{path}: expected a .npz archive of arrays, got {one_line(error)}") from None
    arrays = tuple(name.removesuffix(".npy") for name in members if name.endswith(".npy"))
    if not arrays:
        listed = one_line(", ".join(members[:4]))[:200]
        raise FormatError(f"{path}: expected a .npz archive of arrays, got a zip archive of {listed}: unpack it")
    return arrays


def shape_of(path: Path) -> tuple[int, ...]:
    """The shape of a .npy array. Raises FormatError."""
    return _mapped(path).shape


def is_square(shape: tuple[int, ...]) -> bool:
    """Whether it is the shape of a square matrix."""
    return len(shape) == 2 and shape[0] == shape[1]


def read_sparse(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a sparse .npz of scipy. Raises FormatError, also for other matrices."""
    kind = tables_in(path)[0].kind if path.is_file() else ""
    if kind != "npz" or not is_sparse(keys_of(path)):
        actual = f"a {kind} file" if kind else "a folder" if path.is_dir() else "something else"
        raise FormatError(f"{path}: expected the sparse .npz of scipy (format, shape, data), got {actual} without them")
    return read_matrix(path, options)


def read_matrix(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a matrix; neurons have the names of the file, or are numbered. Raises FormatError."""
    options.refuse(path, roi="a matrix has no ROIs")
    if path.is_dir():
        raise FormatError(f"{path}: expected a file that holds a matrix, got a folder: name the file")
    table = tables_in(path)[0]
    readers: dict[str, Callable[[Table], tuple[np.ndarray, Edges]]] = {"npy": _npy, "npz": _npz, "csv": _csv}
    if table.kind not in readers:
        raise FormatError(f"{path}: expected a matrix as .npy, .npz or .csv, got {table.kind or 'something else'}")
    names, (row, column, entries) = readers[table.kind](table)
    files = checksums([table])
    orientation = Orientation(options.rows, "as set")
    if options.rows == "auto":
        orientation = ORIENTATIONS.get(files[path.name][:12], UNKNOWN)
    pre, post = (row, column) if orientation.rows == "source" else (column, row)
    notes = {
        "source": f"{table.kind} matrix",
        "synthetic": False,
        "rows": orientation.rows,
        "rows_because": orientation.because,
    }
    connectome = assemble(
        path.name.split(".")[0] or "matrix", names, pre, post, entries,
        provenance={**notes, "files": files}, options=options, file=table,
    )  # fmt: skip
    return _signed(connectome, options.sign_policy, entries)


def _signed(connectome: Connectome, policy: str, entries: np.ndarray) -> Connectome:
    if len(entries) and entries.min() < 0 and policy == "auto":
        return with_file_signs(connectome)
    return with_signs(connectome.replace(np.abs(connectome.weights)), policy, missing=MISSING)


def _npy(table: Table) -> tuple[np.ndarray, Edges]:
    matrix = _mapped(table.path)
    _check_square(table, matrix.shape)
    return _numbered(len(matrix)), _dense_edges(table, matrix)


def _mapped(path: Path) -> np.ndarray:
    """A memory-mapped array. Raises FormatError, also for pickles."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged array can raise nearly anything
        raise FormatError(f"{path}: expected a .npy array of numbers, got {one_line(error)}") from None


def _dense_edges(source: object, matrix: np.ndarray) -> Edges:
    """The non-zero entries of a matrix, from one block of rows after the other. Raises FormatError."""
    _check_numbers(source, matrix.dtype)
    step = max(1, BLOCK // max(1, matrix.shape[1]))
    parts = [_block(source, np.asarray(matrix[row : row + step]), row) for row in range(0, len(matrix), step)]
    return _joined(parts)


def _joined(parts: Sequence[Edges]) -> Edges:
    row, column, entries = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, column, entries


def _block(source: object, block: np.ndarray, start: int) -> Edges:
    """The non-zero entries of a block of rows that begins at row `start`. Raises FormatError for non-finite ones."""
    row, column = np.nonzero(block)
    entries = block[row, column].astype(np.float64)
    if not np.isfinite(entries).all():
        first = int(np.argmin(np.isfinite(entries)))
        place = f"row {row[first] + start}, column {column[first]}"
        raise FormatError(f"{source}, {place} (from 0): expected a number, got {entries[first]:g}")
    return row + start, column, entries


def _npz(table: Table) -> tuple[np.ndarray, Edges]:
    keys = keys_of(table.path)
    try:
        with np.load(table.path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in keys}
    except (ValueError, OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise FormatError(f"{table}: expected a .npz archive of numbers, got {one_line(error)}") from None
    if is_sparse(keys):
        shape = _shape(table, arrays["shape"])
        edges = _sparse_edges(table, arrays, shape[0])
    else:
        matrix = _only_matrix(table, arrays)
        shape, edges = matrix.shape, _dense_edges(table, matrix)
    return _names(table, arrays, shape[0]), edges


def _only_matrix(table: Table, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The only two-dimensional array. Raises FormatError where there are none or several, or it is not square."""
    matrices = [key for key, array in arrays.items() if array.ndim == 2]
    if len(matrices) != 1:
        actual = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        raise FormatError(f"{table}: expected one square matrix (or format, shape, data of scipy.sparse), got {actual}")
    _check_square(table, arrays[matrices[0]].shape)
    return arrays[matrices[0]]


def _sparse_edges(table: Table, arrays: dict[str, np.ndarray], n: int) -> Edges:
    """Rows, columns and entries from the arrays of scipy's formats csr, csc and coo. Raises FormatError."""
    form = ", ".join(arrays["format"].astype(str).ravel().tolist())
    keys = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}.get(form)
    if keys is None:
        raise FormatError(f"{table}: expected a sparse matrix as csr, csc or coo, got {form!r}")
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise FormatError(f"{table}: expected arrays {', '.join(keys)} for {form}, got no {missing[0]}")
    first, second = (_indices(table, key, arrays[key]) for key in keys)
    data = arrays["data"]
    _check_numbers(table, data.dtype)
    if data.ndim != 1:
        raise FormatError(f"{table}: expected data as one row of numbers, got shape {data.shape}")
    if form != "coo":
        first, second = _lines_of_entries(table, second, n, len(data)), first
    if not len(first) == len(second) == len(data) or (len(data) and max(first.max(), second.max()) >= n):
        raise FormatError(f"{table}: expected {len(data)} indices below {n}, got others: the file is damaged")
    if not np.isfinite(data).all():
        raise FormatError(f"{table}: expected numbers, got {data[~np.isfinite(data)][0]:g}")
    row, column = (second, first) if form == "csc" else (first, second)
    return row, column, data.astype(np.float64)


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


def _csv(table: Table) -> tuple[np.ndarray, Edges]:
    """Names and edges of a CSV with ids as header row and first column, or of numbers alone. Raises FormatError."""
    if not is_matrix_csv(table):
        actual = listed(table.columns)
        raise FormatError(f"{table}: expected the ids as header row and as first column, got a header of {actual}")
    return _csv_of_numbers(table) if is_numbers(table) else _csv_with_ids(table)


def _csv_with_ids(table: Table) -> tuple[np.ndarray, Edges]:
    corner, *names = table.columns
    if "" in names or len(set(names)) < len(names) or corner in names:
        wrong = shown(repeated_name([corner, *names]) or "") if "" not in names else ""
        raise FormatError(f"{table}, row 1: expected different ids, got {wrong!r} {'twice' if wrong else 'as one'}")
    parts, column, row = [], [], 0
    for chunk in stream(table, {corner: "text", **dict.fromkeys(names, "signed")}):
        column.append(chunk[corner])
        parts.append(_block(table, np.column_stack([chunk[name] for name in names]), row))
        row += len(chunk[corner])
    _check_same_ids(table, names, np.concatenate(column))
    return np.array(names), _joined(parts)


def _csv_of_numbers(table: Table) -> tuple[np.ndarray, Edges]:
    names, first_column = [str(number) for number in range(len(table.columns))], table.columns[0]
    parts, first, row = [], [], 0
    for chunk in stream(table, dict.fromkeys(table.columns, "signed")):
        parts.append(_block(table, np.column_stack([chunk[column] for column in table.columns]), row))
        first += chunk[first_column].tolist()
        row += len(chunk[first_column])
    if row != len(names):
        raise FormatError(f"{table}: expected a square matrix of {len(names)} rows, as it has columns, got {row}")
    _check_not_ids(table, first)
    return np.array(names), _joined(parts)


def _check_not_ids(table: Table, column: list[float]) -> None:
    """Raise FormatError where first row and first column are equal and may also be ids."""
    row = table.first
    if len(row) > 2 and len(set(row)) == len(row) and all(map(str.isdigit, row)) and [*map(int, row)] == column:
        actual = f"{', '.join(row[:6])}, a different number in each cell: ids or weights"
        raise FormatError(f"{table}: expected ids with an empty first cell, or else numbers as .npy, as the first row "
                          f"and the first column are alike, got {actual}")  # fmt: skip


def _check_same_ids(table: Table, header: list[str], column: np.ndarray) -> None:
    for row, (name, cell) in enumerate(zip(header, column.tolist(), strict=False), 2):
        if name != cell.strip():
            actual = f"expected id {shown(name)} as in the header, got {shown(cell)}"
            raise FormatError(f"{table}, row {row}, column 1: {actual}")
    if len(column) != len(header):
        raise FormatError(f"{table}: expected a square matrix of {len(header)} rows, got {len(column)}")


def _names(table: Table, arrays: dict[str, np.ndarray], n: int) -> np.ndarray:
    key = next((key for key in NAMES if key in arrays), None)
    if key is None:
        return _numbered(n)
    names = arrays[key]
    if names.shape != (n,) or names.dtype.kind not in "iuU" or len(np.unique(names)) < n:
        expected = f"{n} different ids as integers or texts in {key}"
        raise FormatError(f"{table}: expected {expected}, got {len(np.unique(names))} of {names.dtype} {names.shape}")
    return names.astype(str)


def _shape(table: Table, shape: np.ndarray) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in np.atleast_1d(shape)) if shape.dtype.kind in "iu" else ()
    _check_square(table, sizes)
    return sizes


def _check_square(source: object, shape: tuple[int, ...]) -> None:
    if not is_square(shape) or shape[0] < 2:
        raise FormatError(f"{source}: expected a square matrix of at least 2 x 2, got shape {shape}")
    if shape[0] > MOST_NEURONS:
        raise FormatError(f"{source}: expected at most {MOST_NEURONS:,} neurons, got {shape[0]:,}")


def _check_numbers(source: object, dtype: Any) -> None:
    if np.dtype(dtype).kind not in "uifb":
        raise FormatError(f"{source}: expected numbers, got dtype {dtype}")


def _numbered(n: int) -> np.ndarray:
    return np.array([f"neuron{number:0{len(str(n - 1))}d}" for number in range(n)])


def in_matrix_file(path: Path, tables: list[Table]) -> str:
    """A phrase for a file with one square matrix that no other format claims, "" for others."""
    table = tables[0]
    if len(tables) > 1 or path.is_dir():
        return ""
    if is_numbers(table):
        return f"a CSV of numbers without ids, {len(table.columns)} in a row"
    if is_matrix_csv(table):
        n = len(table.columns) - 1
        return f"a {n} x {n} matrix as CSV with its ids as header row and first column"
    if table.kind == "npz" and not is_sparse(keys_of(path)):
        return f"a .npz archive of arrays: {', '.join(keys_of(path)[:8])}"
    if table.kind == "npy" and not is_known_region_matrix(path) and is_square(shape := shape_of(path)):
        return f"a dense {shape[0]} x {shape[1]} matrix"
    return ""


def in_sparse_file(path: Path, tables: list[Table]) -> str:
    """A phrase for scipy's sparse .npz, "" for others."""
    is_npz = len(tables) == 1 and tables[0].kind == "npz" and not path.is_dir()
    return "a sparse matrix as scipy saves it" if is_npz and is_sparse(keys_of(path)) else ""


MATRIX = Format(
    read_matrix,
    "a square matrix (.npy, .npz, .csv with ids as header row and first column, .csv of numbers alone)",
    in_tables=in_matrix_file,
    reads=("labels", "layer", "variable"),
    signs="the signs of the entries",
)
SPARSE_MATRIX = Format(
    read_sparse,
    "a sparse matrix as scipy saves it (.npz with format, shape, data)",
    in_tables=in_sparse_file,
    reads=("labels", "layer", "variable"),
    signs="the signs of the entries",
)
