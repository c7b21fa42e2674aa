"""MATLAB's .mat files -> square matrices: versions 4 to 7 by scipy.io, version 7.3 (HDF5) by h5py, an optional package.

Version 7.3 stores arrays transposed. Structs, objects and functions are not read, and nothing of a file is executed.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from randomnet.extras import install_line
from randomnet.formats.contents import unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.matrices.arrays import weights_part
from randomnet.formats.matrices.record import (
    Edges,
    Matrix,
    Shape,
    check_square,
    dense_edges,
    exact_floats,
    is_matrix_or_stack,
    layer_of,
    matrix_name,
)
from randomnet.formats.neurons.arrays import is_per_neuron, neurons_of_arrays
from randomnet.formats.options import Options
from randomnet.formats.tables.cells import listed, shown
from randomnet.formats.tables.reading import Table

MATLAB = ("mat", "mat73")  # kinds of tables
NUMBERS = ("double", "single", "logical", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
           "sparse")  # fmt: skip
UNPACK = "save its fields as variables: save('file.mat', '-struct', 'name')"
TEXTS = ("cell", "char", "string")


class Variable(NamedTuple):
    """Shape of a variable as MATLAB has it, and the name of its class."""

    shape: Shape
    kind: str


class Variables(NamedTuple):
    """The variables of a file, and the function that reads one of them: an array, Edges of a sparse one, or None."""

    about: Mapping[str, Variable]
    load: Callable[[str], Any]


def variables_in(table: Table) -> Variables:
    """The variables of a .mat file. Raises FormatError."""
    return _by_h5py(table) if table.kind == "mat73" else _by_scipy(table)


def mat_matrix(table: Table, options: Options) -> Matrix:
    """The matrix of a .mat file, with the names and labels of neurons in it. Raises FormatError."""
    variables = variables_in(table)
    if not any(map(is_matrix_or_stack, matrix_shapes(variables).values())):
        raise FormatError(f"{table}: expected one square matrix, got {contents_of(table)}")
    key = matrix_name(table, matrix_shapes(variables), options.variable, "a variable")
    value = variables.load(key)
    name, where = table.name, f"{table}, variable {shown(key)}"
    if isinstance(value, tuple):
        options.refuse(table, layer="a sparse matrix has no layers")
        n, note = variables.about[key].shape[0], "sparse"
        check_square(where, variables.about[key].shape)
        edges = (*value[:2], exact_floats(where, value[2], *value[:2]))
    else:
        matrix, note = layer_of(where, value, options.layer)
        n, edges = len(matrix), dense_edges(where, matrix)
    part = weights_part(f"{name}, variable {key}", n, edges, note)
    arrays = {other: array for other in variables.about
              if other != key and (array := _per_neuron(variables, other, n)) is not None}  # fmt: skip
    neurons, is_numbered, parts = neurons_of_arrays(table, arrays, n, "variable")
    others = [other for other in variables.about if other != key and other not in arrays]
    parts += [unused(f"{name}, variable {other}", _why_unused(variables.about[other])) for other in others]
    return Matrix(neurons, edges, is_numbered, (part, *parts))


def contents_of(table: Table) -> str:
    """The variables of a file without a square matrix, for errors."""
    about = variables_in(table).about
    names = listed([f"{name} {kind} {shape}" for name, (shape, kind) in about.items()]) or "none"
    has_struct = any(kind == "struct" for _, kind in about.values())
    return f"a MATLAB file of variables {names}" + f": a struct is not read, {UNPACK}" * has_struct


def matrix_shapes(variables: Variables) -> dict[str, Shape]:
    """The shapes of the variables that are numbers."""
    return {name: shape for name, (shape, kind) in variables.about.items() if kind in NUMBERS}


def _per_neuron(variables: Variables, name: str, n: int) -> np.ndarray | None:
    """(n,) the value of each neuron, where the variable is a row or a column of n texts or numbers."""
    shape, kind = variables.about[name]
    is_row = is_per_neuron(name, shape, n) or (kind == "char" and shape[:1] == (n,))
    if not is_row or kind not in (*NUMBERS, *TEXTS) or kind == "sparse":
        return None
    value = variables.load(name)
    is_known = isinstance(value, np.ndarray) and is_per_neuron(name, value.shape, n) and value.dtype.kind in "uifbU"
    return value if is_known else None


def _why_unused(variable: Variable) -> str:
    shape, kind = variable
    if kind == "struct":
        return f"a struct; {UNPACK}"
    if is_matrix_or_stack(shape) and kind in NUMBERS:
        return f"a further matrix of shape {shape}"
    return f"{kind} of shape {shape}, which is no value per neuron"


# ---- versions 4 to 7


def _by_scipy(table: Table) -> Variables:
    from scipy import io

    def read(function: Callable[..., Any], **options: Any) -> Any:
        try:
            with warnings.catch_warnings(action="ignore"):  # of a variable that comes twice
                return function(table.binary(), **options)
        except Exception as error:  # damaged files raise many kinds of errors
            actual = f"one that is damaged or of another kind ({one_line(error)[:200]})"
            raise FormatError(f"{table}: expected a MATLAB file, got {actual}") from None

    def load(name: str) -> Any:
        value = read(io.loadmat, variable_names=[name], chars_as_strings=True)[name]
        if hasattr(value, "tocoo"):
            matrix = value.tocoo()
            return matrix.row.astype(np.int64), matrix.col.astype(np.int64), matrix.data
        return _texts(value) if value.dtype == object else value

    about = {name: Variable(tuple(map(int, shape)), kind) for name, shape, kind in read(io.whosmat)}
    return Variables(about, load)


def _texts(cells: np.ndarray) -> np.ndarray | None:
    """The texts of a cell array; None where a cell is anything else than a text or nothing."""
    texts = []
    for cell in cells.ravel():
        if not isinstance(cell, np.ndarray) or (cell.size and (cell.dtype.kind != "U" or cell.size > 1)):
            return None
        texts.append(str(cell.item()) if cell.size else "")
    return np.array(texts, dtype=str)


# ---- version 7.3


def _by_h5py(table: Table) -> Variables:
    try:
        import h5py
    except ImportError:
        advice = install_line("formats")
        raise FormatError(f"{table}: expected h5py to read this MATLAB file of version 7.3, got none installed: "
                          f"{advice}; or save it in MATLAB with '-v7'") from None  # fmt: skip

    def guarded(function: Callable[[Any], Any]) -> Any:
        try:
            with h5py.File(table.binary(), "r") as file:
                return function(file)
        except FormatError:
            raise
        except Exception as error:  # damaged files raise many kinds of errors
            actual = f"one that is damaged ({one_line(error)[:200]})"
            raise FormatError(f"{table}: expected a MATLAB file of version 7.3, got {actual}") from None

    about = guarded(lambda file: {name: _variable(file[name]) for name in file if not name.startswith("#")})
    return Variables(about, lambda name: guarded(lambda file: _value(file, file[name], about[name])))


def _variable(node: Any) -> Variable:
    """Shape and class of a dataset or group of HDF5."""
    if "MATLAB_sparse" in node.attrs:
        columns = len(node["jc"]) - 1 if "jc" in node else 0
        return Variable((int(node.attrs["MATLAB_sparse"]), columns), "sparse")
    kind = node.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if not hasattr(node, "shape"):
        return Variable((), kind or "struct")
    if node.attrs.get("MATLAB_empty", 0):
        return Variable((0, 0), kind)
    return Variable(tuple(node.shape[::-1]), kind or _kind_of(node.dtype))


def _kind_of(dtype: np.dtype) -> str:
    return "double" if dtype.kind in "uif" else "logical" if dtype.kind == "b" else "unknown"


def _value(file: Any, node: Any, variable: Variable) -> Any:
    """The value as MATLAB has it, with rows first. None for cells that are no texts."""
    if variable.kind == "sparse":
        return _sparse(node, variable.shape)
    if variable.kind == "cell":
        cells = [file[reference] for reference in np.transpose(node[()]).ravel()]
        are_texts = all(cell.attrs.get("MATLAB_class") == b"char" for cell in cells)
        return np.array([_text(cell) for cell in cells], dtype=str) if are_texts else None
    if variable.kind == "char":
        return np.array(["".join(map(chr, row)) for row in np.transpose(node[()]).tolist()], dtype=str)
    array = np.transpose(node[()])
    if array.dtype.names:  # real and imag
        return array["real"] + 1j * array["imag"] if set(array.dtype.names) == {"real", "imag"} else None
    return array


def _text(cell: Any) -> str:
    return "" if cell.attrs.get("MATLAB_empty", 0) else "".join(map(chr, np.transpose(cell[()]).ravel().tolist()))


def _sparse(node: Any, shape: Shape) -> Edges:
    """Row, column and entry of a sparse matrix, which is stored by its columns."""
    empty = np.zeros(0, np.int64)
    pointers = node["jc"][()].astype(np.int64)
    row = node["ir"][()].astype(np.int64) if "ir" in node else empty
    entries = node["data"][()] if "data" in node else np.zeros(0)
    if len(row) != len(entries) or pointers[-1] != len(row) or (np.diff(pointers) < 0).any() or (row >= shape[0]).any():
        raise ValueError("its indices do not fit its shape")
    return row, np.repeat(np.arange(shape[1]), np.diff(pointers)), entries
