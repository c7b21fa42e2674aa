"""Square matrices in the text format Matrix Market (.mtx), dense or sparse, read by scipy.io."""

import io

import numpy as np

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.interpretation import Neurons
from randomnet.formats.matrices.arrays import weights_part
from randomnet.formats.matrices.record import (
    Matrix,
    check_numbers,
    check_square,
    dense_edges,
    exact_floats,
    numbered,
)
from randomnet.formats.options import Options
from randomnet.formats.tables.reading import Table


def mtx_matrix(table: Table, options: Options) -> Matrix:
    """The matrix of a file in the format Matrix Market. Raises FormatError."""
    from scipy.io import mminfo, mmread

    options.refuse(table, layer="it holds one matrix", variable="it holds one matrix")
    try:
        with table.open() as file:
            content = file.read()
        rows, columns, _, form, field, symmetry = mminfo(io.BytesIO(content))
        check_square(table, (rows, columns))
        matrix = mmread(io.BytesIO(content))
    except FormatError:
        raise
    except Exception as error:  # damaged files raise many kinds of errors
        actual = f"one that is damaged ({one_line(error)[:200]})"
        raise FormatError(f"{table}: expected a matrix in the format Matrix Market, got {actual}") from None
    check_numbers(table, matrix.dtype)
    if hasattr(matrix, "tocoo"):
        row, column = matrix.row.astype(np.int64), matrix.col.astype(np.int64)
        edges = (row, column, exact_floats(table, matrix.data, row, column))
    else:
        edges = dense_edges(table, matrix)
    note = f"{form}, {field}, {symmetry}" + "; the file has no weights, so they are 1" * (field == "pattern")
    return Matrix(Neurons(numbered(rows)), edges, True, (weights_part(table.name, rows, edges, note),))
