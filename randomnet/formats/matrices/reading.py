"""Square matrices in files -> Connectome: arrays of NumPy, MATLAB and scipy.sparse, tables of text, sheets.

Rows are presynaptic (`source`) unless `rows = target`. Negative entries are inhibitory; without them signs come from
the neurons' signs or transmitters, which the file, a table beside it in a folder, or [net] labels may have.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS
from randomnet.formats.bio2art import ORIENTATIONS, UNKNOWN, Orientation, is_known_region_matrix
from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import EdgeRows, Neurons, interpreted
from randomnet.formats.matrices.arrays import is_sparse, keys_of, npy_matrix, npz_matrix, shape_of
from randomnet.formats.matrices.matlab import MATLAB, mat_matrix, matrix_shapes, variables_in
from randomnet.formats.matrices.matrix_market import mtx_matrix
from randomnet.formats.matrices.record import Matrix, is_matrix_or_stack, is_square, is_symmetric, layer_axis
from randomnet.formats.matrices.tables import table_matrix, table_phrase
from randomnet.formats.neurons.labels import labelled, merged
from randomnet.formats.neurons.tables import is_neuron_table, neurons_beside, neurons_in
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL
from randomnet.formats.tables import arrow
from randomnet.formats.tables.cells import listed
from randomnet.formats.tables.reading import UNREAD, Table, checksums, names_of, tables_in

MISSING = ("transmitters, which a matrix has none of: use auto (its entries' signs) or none, or name a table that has "
           "them as [net] labels")  # fmt: skip
UNDIRECTED = "the matrix is symmetric: every connection goes both ways, with the same weight"
SYMMETRIC = Orientation("source", "the matrix is symmetric, so both readings are one")
READERS: dict[str, Callable[[Table, Options], Matrix]] = {
    "npy": npy_matrix,
    "npz": npz_matrix,
    **dict.fromkeys(("csv", *arrow.KINDS), table_matrix),
    **dict.fromkeys(MATLAB, mat_matrix),
    "mtx": mtx_matrix,
}


def read_sparse(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a sparse .npz of scipy. Raises FormatError, also for other matrices."""
    table = tables_in(path)[0] if path.is_file() else None
    kind = table.kind if table else ""
    if table is None or kind != "npz" or not is_sparse(keys_of(table)):
        actual = f"a {kind} file" if kind else "a folder" if path.is_dir() else "something else"
        raise FormatError(f"{path}: expected the sparse .npz of scipy (format, shape, data), got {actual} without them")
    return read_matrix(path, options)


class _Tables(NamedTuple):
    """The matrix at a path, the table of its neurons beside it, and the other tables of a folder or workbook."""

    matrix: Table
    neurons: Table | None = None
    others: tuple[Table, ...] = ()


def read_matrix(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a matrix; neurons have the names of the file, or are numbered. Raises FormatError."""
    options.refuse(path, roi="a matrix has no ROIs")
    tables = _tables(path, options.variable)
    table = tables.matrix
    if table.kind in ("npy", "csv", *arrow.KINDS) and not table.is_sheet:
        options.refuse(table, variable="it holds one matrix")
    matrix = READERS[table.kind](table, options)
    row, column, entries = matrix.edges
    if not len(entries):
        raise FormatError(f"{table}: expected an entry other than 0, got a matrix of zeros")
    neurons, parts, files = _with_labels(path, matrix, tables, options)
    is_undirected = is_symmetric(len(neurons.names), matrix.edges)
    orientation, notes = _orientation(is_undirected, matrix.rows, options.rows, files[table.path.name])
    pre, post = (row, column) if orientation.rows == "source" else (column, row)
    if entries.min() < 0 and options.sign_policy == "auto":
        parts += _overruled(neurons.signs is not None, LABEL in neurons.labels)
        neurons = replace(neurons, signs=None)
    parts += [Part(table.name, "undirected network", UNDIRECTED)] * is_undirected
    connectome = interpreted(
        path.name.split(".")[0] or "matrix",
        EdgeRows(pre, post, entries),
        neurons,
        options,
        {"source": f"{table.kind} matrix", "synthetic": False, **notes, "files": files},
        parts,
        table,
        MISSING,
    )
    directions = {"directed": False, "undirected": UNDIRECTED} if is_undirected else {}
    return connectome.replace(connectome.weights, **directions)


def _with_labels(
    path: Path, matrix: Matrix, tables: _Tables, options: Options
) -> tuple[Neurons, list[Part], dict[str, str]]:
    """The neurons with all labels, what was used for them, and the checksums of all files. Raises FormatError."""
    neurons, parts, read = matrix.neurons, list(matrix.parts), [tables.matrix]
    if tables.neurons is not None:
        others, more = neurons_in(tables.neurons, neurons.names, by_row=True, numbered=matrix.numbered)
        neurons, replaced = merged(neurons, others, tables.neurons.name)
        parts, read = [*parts, *more, *replaced], [*read, tables.neurons]
    if options.labels:
        is_numbered = matrix.numbered and np.array_equal(neurons.names, matrix.neurons.names)
        neurons, more, label_table = labelled(neurons, options.labels, is_numbered)
        parts, read = [*parts, *more], [*read, label_table]
    if not options.labels and not tables.matrix.is_sheet and tables.neurons is None and path.is_file():
        near = neurons_beside(tables.matrix, None if matrix.numbered else neurons.names)
        parts += [unused(each.name, f"beside the matrix; [net] labels = {each.name} reads it") for each in near]
    parts += [unused(table.name, "it is neither the matrix nor the table of its neurons") for table in tables.others]
    return neurons, parts, checksums(read)


def _orientation(is_undirected: bool, file_rows: str, rows: str, sha256: str) -> tuple[Orientation, dict[str, str]]:
    """Which neurons the rows are, and notes for the provenance. file_rows: what the file itself says, or ""."""
    by_file = Orientation(file_rows, "the first cell of the table says so") if file_rows else UNKNOWN
    orientation = ORIENTATIONS.get(sha256[:12], by_file) if rows == "auto" else Orientation(rows, "as set")
    if orientation is UNKNOWN and is_undirected:
        orientation = SYMMETRIC
    return orientation, {"rows": orientation.rows, "rows_because": orientation.because}


def _overruled(has_signs: bool, has_transmitters: bool) -> list[Part]:
    """What the signs of the entries leave out."""
    reason = "the matrix has negative entries, whose signs are used"
    parts = [Part("signs of neurons", "not used", reason)] * has_signs
    return parts + [Part("transmitters", "label neurotransmitter, not as signs", reason)] * has_transmitters


# ---- the tables at a path


def _tables(path: Path, sheet: str) -> _Tables:
    """The tables at a path: of a folder or workbook the only matrix, and the only table of neurons. Raises FormatError.

    sheet: the only one to use of a workbook.
    """
    tables = tables_in(path, sheet)
    if len(tables) == 1 and not path.is_dir():
        if tables[0].kind not in READERS:
            actual = UNREAD.get(tables[0].kind, tables[0].kind) or "something else"
            expected = "a matrix as .npy, .npz, .mat, .mtx, .csv, .parquet or .xlsx"
            raise FormatError(f"{path}: expected {expected}, got {actual}")
        sheets = tables_in(path) if tables[0].is_sheet else []
        return _Tables(tables[0], others=tuple(table for table in sheets if table.member != tables[0].member))
    matrices = [table for table in tables if _phrase(table)]
    neuron_tables = _neuron_tables(tables, matrices)
    if len(matrices) != 1 or (path.is_dir() and len(neuron_tables) != 1):
        kind = "a folder" if path.is_dir() else f"{len(matrices)} matrices: {names_of(matrices)}"
        raise FormatError(f"{path}: expected a file that holds a matrix, got {kind}: name the file")
    neurons = neuron_tables[0] if len(neuron_tables) == 1 else None
    return _Tables(matrices[0], neurons, tuple(table for table in tables if table not in (matrices[0], neurons)))


def _neuron_tables(tables: list[Table], matrices: list[Table]) -> list[Table]:
    return [table for table in tables if table not in matrices and is_neuron_table(table)]


def _phrase(table: Table) -> str:
    """A phrase for a file with one square matrix, "" for others."""
    if table.kind in ("csv", *arrow.KINDS):
        return table_phrase(table)
    if table.kind == "npz" and not is_sparse(keys_of(table)):
        return f"a .npz archive of arrays: {listed(keys_of(table))}"
    if table.kind == "mtx":
        return "a matrix in the format Matrix Market"
    if table.kind in MATLAB:
        names = matrix_shapes(variables_in(table))
        return f"a MATLAB file of variables {listed([*names])}" if any(map(is_matrix_or_stack, names.values())) else ""
    if table.kind == "npy" and not is_known_region_matrix(table.path):
        shape = shape_of(table)
        if is_square(shape):
            return f"a dense {shape[0]} x {shape[1]} matrix"
        return f"a stack of square matrices of shape {shape}" if layer_axis(shape) is not None else ""
    return ""


def in_matrix_file(path: Path, tables: list[Table]) -> str:
    """A phrase for one square matrix that no other format claims, also with a table of neurons; "" for others."""
    if len(tables) == 1:
        return "" if path.is_dir() else _phrase(tables[0])
    matrices = [table for table in tables if _phrase(table)]
    neuron_tables = _neuron_tables(tables, matrices)
    if len(matrices) != 1 or (path.is_dir() and len(neuron_tables) != 1):
        return ""
    beside = f" and a table of its neurons ({neuron_tables[0]})" if len(neuron_tables) == 1 else ""
    return f"{_phrase(matrices[0])} ({matrices[0]}){beside}"


def in_sparse_file(path: Path, tables: list[Table]) -> str:
    """A phrase for scipy's sparse .npz, "" for others."""
    is_npz = len(tables) == 1 and tables[0].kind == "npz" and not path.is_dir()
    return "a sparse matrix as scipy saves it" if is_npz and is_sparse(keys_of(tables[0])) else ""


MATRIX = Format(
    read_matrix,
    "a square matrix (.npy, .npz, .mat, .mtx, or .csv, .parquet and .xlsx with ids as header row, as first column, "
    "both or none)",
    in_tables=in_matrix_file,
    reads=("labels", "layer", "variable"),
    signs="the signs of the entries, or else the neurons' signs or transmitters",
    needs="openpyxl for .xlsx, pyarrow for parquet and feather, h5py for MATLAB 7.3",
)
SPARSE_MATRIX = Format(
    read_sparse,
    "a sparse matrix as scipy saves it (.npz with format, shape, data)",
    in_tables=in_sparse_file,
    reads=("labels",),
    signs="the signs of the entries, or else the neurons' signs or transmitters",
)
