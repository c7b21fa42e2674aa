"""A square matrix as a file holds it: names of the neurons and entries other than 0; and the checks of all such files.

A stack has an axis more, of layers such as subjects: (N, N, L), or (L, N, N).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import Neurons
from randomnet.formats.tables.cells import listed, shown
from randomnet.settings import nearest

BLOCK = 4_000_000  # entries per block of rows
MOST_NEURONS = 5_000_000  # larger shapes are damage, and would fill the memory
LARGEST = 2**53  # float64 skips whole numbers above it

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # row, column, entry
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Matrix:
    """neurons: their names, and what else the file says of them. edges: row, column and value of E entries.

    numbered: whether the neurons are only numbered, as the file has no names. parts: what the file has, used or not.
    rows: source or target where the file says which neurons its rows are, or "".
    """

    neurons: Neurons
    edges: Edges
    numbered: bool
    parts: tuple[Part, ...] = ()
    rows: str = ""


def numbered(n: int) -> np.ndarray:
    """(n,) names neuron0, neuron1, ... of equal length."""
    return np.array([f"neuron{number:0{len(str(n - 1))}d}" for number in range(n)])


def is_square(shape: Shape) -> bool:
    """Whether it is the shape of a square matrix of at least 2 x 2."""
    return len(shape) == 2 and shape[0] == shape[1] > 1


def layer_axis(shape: Shape) -> int | None:
    """The axis of layers of a stack of square matrices, the last one where all are equal; None for other shapes."""
    if len(shape) != 3:
        return None
    if shape[0] == shape[1] > 1:
        return 2
    return 0 if shape[1] == shape[2] > 1 else None


def is_matrix_or_stack(shape: Shape) -> bool:
    """Whether it is the shape of a square matrix, or of a stack of them."""
    return is_square(shape) or layer_axis(shape) is not None


def check_square(source: object, shape: Shape) -> None:
    """Raise FormatError unless it is the shape of a square matrix that has at least two neurons."""
    if not is_square(shape):
        sides = f": {shape[0]:,} rows, {shape[1]:,} columns" if len(shape) == 2 else ""
        raise FormatError(f"{source}: expected a square matrix of at least 2 x 2, got shape {shape}{sides}")
    if shape[0] > MOST_NEURONS:
        raise FormatError(f"{source}: expected at most {MOST_NEURONS:,} neurons, got {shape[0]:,}")


def check_numbers(source: object, dtype: Any) -> None:
    """Raise FormatError unless it is a dtype of real numbers."""
    dtype = np.dtype(dtype)
    advice = ""
    if dtype.names:
        advice = f" with fields {listed(dtype.names)}: save one field as an array, or a table as CSV"
        raise FormatError(f"{source}: expected numbers, got a structured array{advice}")
    if dtype.kind == "O":
        advice = ", a pickle of objects, which is not read: save it as np.asarray(matrix, dtype=float)"
    elif dtype.kind == "c":
        advice = ": save its real part or its magnitude"
    if dtype.kind not in "uifb":
        raise FormatError(f"{source}: expected numbers, got dtype {dtype}{advice}")


def dense_edges(source: object, matrix: np.ndarray) -> Edges:
    """The non-zero entries of a matrix, from one block of rows after the other. Raises FormatError."""
    check_numbers(source, matrix.dtype)
    step = max(1, BLOCK // max(1, matrix.shape[1]))
    return joined([block_edges(source, np.asarray(matrix[row : row + step]), row)
                   for row in range(0, len(matrix), step)])  # fmt: skip


def joined(parts: Sequence[Edges]) -> Edges:
    """The edges of all blocks."""
    row, column, entries = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, column, entries


def block_edges(source: object, block: np.ndarray, start: int) -> Edges:
    """The non-zero entries of a block of rows that begins at row `start`. Raises FormatError for non-finite ones."""
    row, column = np.nonzero(block)
    return row + start, column, exact_floats(source, block[row, column], row + start, column)


def exact_floats(source: object, entries: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(E,) float64. Raises FormatError for entries that are not finite, or whole numbers above 2^53."""
    floats = entries.astype(np.float64)
    is_exact = np.isfinite(floats)
    if entries.dtype.kind in "iu" and entries.dtype.itemsize > 4:
        is_exact &= (entries <= LARGEST) & (entries >= -LARGEST if entries.dtype.kind == "i" else True)
    if not is_exact.all():
        first = int(np.argmin(is_exact))
        place = f"{source}, row {row[first]}, column {column[first]} (from 0)"
        expected = "a number of at most 2^53" if np.isfinite(floats[first]) else "a number"
        advice = "" if np.isfinite(floats[first]) else ": write 0 where there is no connection"
        raise FormatError(f"{place}: expected {expected}, got {entries[first]:g}{advice}")
    return floats


def layer_of(source: object, array: np.ndarray, layer: str) -> tuple[np.ndarray, str]:
    """A square matrix: the array, or the layer of a stack, or the mean of its layers; and a note that says so.

    layer: `none`, an index from 0, or `mean`. Raises FormatError where it does not fit.
    """
    axis = layer_axis(array.shape)
    if axis is None:
        check_square(source, array.shape)
        if layer != "none":
            raise FormatError(f"{source}: expected no layer, as it is one matrix of shape {array.shape}, got {layer!r}")
        return array, ""
    check_numbers(source, array.dtype)
    layers = array.shape[axis]
    layer = "0" if layer == "none" and layers == 1 else layer
    shape = f"a stack of shape {array.shape}, the {'last' if axis else 'first'} axis of {layers:,} layers"
    if layer == "mean" and layers:
        return _mean(source, array, axis), f"the mean of {shape}"
    if not layer.isdigit() or int(layer) >= layers:
        choices = f"layer = 0 to {layers - 1:,} or mean for {shape}" if layers else "layers"
        actual = "none" if layer == "none" else layer
        raise FormatError(f"{source}: expected [net] {choices}, got {actual}")
    return np.take(array, int(layer), axis), f"layer {int(layer)} of {shape}"


def _mean(source: object, array: np.ndarray, axis: int) -> np.ndarray:
    """(N, N) float64. Raises FormatError where a layer has an entry that is not exact."""
    total = np.zeros(np.delete(array.shape, axis))
    for layer in np.moveaxis(array, axis, 0):
        row, column, entries = dense_edges(source, layer)
        total[row, column] += entries
    return total / array.shape[axis]


def matrix_name(source: object, shapes: Mapping[str, Shape], variable: str, word: str) -> str:
    """The name of the only matrix (or stack) of several arrays, or the one that `variable` names.

    shapes: of the arrays of numbers. word: what the file calls an array. Raises FormatError.
    """
    matrices = [name for name, shape in shapes.items() if is_matrix_or_stack(shape)]
    if variable:
        if variable not in shapes:
            there = listed(matrices or [*shapes]) or "none"
            near = nearest(variable, matrices or shapes)
            raise FormatError(f"{source}: expected [net] variable = {word} with a matrix, one of {there}, "
                              f"got {variable!r}{near}")  # fmt: skip
        return variable
    if len(matrices) == 1:
        return matrices[0]
    actual = listed([f"{shown(name)} {shapes[name]}" for name in (matrices or shapes)]) or "none"
    advice = f": name one as [net] variable = {shown(matrices[0])}" if matrices else ""
    sparse = " (or format, shape, data of scipy.sparse)" if word == "an array" else ""
    raise FormatError(f"{source}: expected one square matrix{sparse}, got {actual}{advice}")


def is_symmetric(n: int, edges: Edges) -> bool:
    """Whether each entry equals the one at row and column exchanged; row, column: each pair once, in any order."""
    row, column, entries = edges
    by_row, by_column = (np.bincount(side, np.abs(entries), n) for side in (row, column))
    if not np.allclose(by_row, by_column):  # far faster than to sort
        return False
    pairs, mirrored = np.lexsort((column, row)), np.lexsort((row, column))
    same = (row[pairs] == column[mirrored]) & (column[pairs] == row[mirrored])
    return bool(same.all() and (entries[pairs] == entries[mirrored]).all())
