"""Products of a coupling with the columns of a bundle, and their gradients, inside compiled loops.

A bundle is an array (N, width) whose first column is the state, followed by tangent vectors; its width is 1 or a
multiple of LANES, and columns at the end may be unused. A coupling is a tuple of arrays, by whose length it is known:

    dense   (values (N, N),)
    sparse  (begins (N + 1,), columns (E,), values (E,), output (N, K), selection (N, K))

The sparse one is J = W + output selection^T, with W in compressed rows; K may be 0. Rows are computed in chunks that
stay in the cache, so that the arithmetic of a step follows its product at once.
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from randomnet.compiled.blas import product, product_left_transposed, product_right_transposed
from randomnet.compiled.orthonormal import FAST
from randomnet.compiled.tiles import emit_prefetch

LANES = 4  # columns that are computed together
CHUNK = 4096  # numbers of a chunk of rows, of the order of
AHEAD = 16  # edges by which the entries of a neuron are requested from memory before their use


def _row(vectors: int) -> Callable:
    """The function that writes one row of a product for `vectors` times LANES columns of a bundle."""

    @intrinsic
    def row_product(typingctx, begins, columns, values, x, out, row, target, first):
        """Write columns first, first + 1, ... of the product's `row` into row `target` of out."""

        def codegen(context, builder, signature, arguments):
            arrays = [context.make_array(kind)(context, builder, value) for kind, value in
                      zip(signature.args[:5], arguments[:5], strict=True)]  # fmt: skip
            _emit_row(context, builder, arrays, arguments[5:], values.dtype, vectors)
            return context.get_dummy_value()

        arrays = begins, columns, values, x, out
        return types.void(*arrays, types.intp, types.intp, types.intp), codegen

    return row_product


def _emit_row(context, builder, arrays, positions, dtype, vectors):
    """The instructions of `_row`: for each edge, a weight times LANES numbers is added to each of the sums."""
    (begins, columns, weights, x, out), (row, target, first) = (array.data for array in arrays), positions
    size, byte = ir.IntType(64), ir.IntType(8).as_pointer()
    vector = ir.VectorType(context.get_value_type(dtype), LANES)
    width = builder.extract_value(arrays[3].shape, 1)
    last = builder.sub(builder.extract_value(arrays[1].shape, 0), size(1))

    def index(pointer, position):
        number = builder.load(builder.gep(pointer, [position]))
        return builder.zext(number, size) if number.type.width < size.width else number

    def entry(pointer, line, lane):
        place = builder.add(builder.mul(line, width), builder.add(first, size(lane)))
        return builder.gep(pointer, [place])

    sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(vectors)]
    begin, end = index(begins, row), index(begins, builder.add(row, size(1)))
    with cgutils.for_range_slice(builder, begin, end, size(1), size) as (edge, _):
        later = builder.add(edge, size(AHEAD))
        neuron = index(columns, builder.select(builder.icmp_unsigned("<", later, last), later, last))
        for lane in (0, vectors * LANES - 1):
            emit_prefetch(builder, builder.bitcast(entry(x, neuron, lane), byte))
        weight = builder.insert_element(vector(ir.Undefined), builder.load(builder.gep(weights, [edge])), size(0))
        weight = builder.shuffle_vector(weight, vector(ir.Undefined), ir.VectorType(ir.IntType(32), LANES)([0] * LANES))
        neuron = index(columns, edge)
        for number, total in enumerate(sums):
            numbers = builder.load(
                builder.bitcast(entry(x, neuron, number * LANES), vector.as_pointer()), align=dtype.bitwidth // 8
            )
            term = builder.fmul(weight, numbers, flags=("contract",))
            builder.store(builder.fadd(term, builder.load(total), flags=("contract",)), total)
    for number, total in enumerate(sums):
        place = builder.bitcast(entry(out, target, number * LANES), vector.as_pointer())
        builder.store(builder.load(total), place, align=dtype.bitwidth // 8)


_row_of_three, _row_of_one = _row(3), _row(1)


@njit(fastmath=FAST, error_model="numpy")
def sparse_rows(begins, columns, values, x, first, last, out):
    """Write rows first, ..., last - 1 of the product with a matrix in compressed rows into `out`."""
    width = x.shape[1]
    wide = width // (3 * LANES)
    for i in range(first, last):
        for block in range(wide):
            _row_of_three(begins, columns, values, x, out, i, i - first, 3 * LANES * block)
        for block in range(3 * wide, width // LANES):
            _row_of_one(begins, columns, values, x, out, i, i - first, LANES * block)
        if width == 1:
            total = values.dtype.type(0)
            for edge in range(begins[i], begins[i + 1]):
                total += values[edge] * x[columns[edge], 0]
            out[i - first, 0] = total


@njit
def rows_of_chunk(coupling, width):
    """The number of rows in a chunk: all for a dense coupling, whose products have chunks of their own."""
    if len(coupling) == 1:
        return len(coupling[0])
    return max(8, CHUNK // width)


@njit
def read_by_factors(coupling, x):
    """selection^T x (K, width) of a sparse coupling; without rows for a dense one."""
    if len(coupling) == 1:
        return np.empty((0, x.shape[1]), x.dtype)
    selection = coupling[4]
    read = np.empty((selection.shape[1], x.shape[1]), x.dtype)
    if len(read):
        product_left_transposed(selection, x, 1.0, 0.0, read)
    return read


@njit(fastmath=FAST)
def multiply_rows(coupling, read, x, first, last, out):
    """Write rows first, ..., last - 1 of the product J x into `out`; read: that of `read_by_factors`."""
    if len(coupling) == 1:
        product(coupling[0][first:last], x, 1.0, 0.0, out[: last - first])
    else:
        begins, columns, values, output, _ = coupling
        sparse_rows(begins, columns, values, x, first, last, out)
        for i in range(first, last):
            for factor in range(len(read)):
                weight = output[i, factor]
                for j in range(x.shape[1]):
                    out[i - first, j] += weight * read[factor, j]


@njit(fastmath=FAST)
def multiply(coupling, x, out):
    """Write the product J x into `out`, without anything else."""
    n, width = x.shape
    size = rows_of_chunk(coupling, width)
    read = read_by_factors(coupling, x)
    for chunk in prange((n + size - 1) // size):
        first, last = chunk * size, min(n, chunk * size + size)
        multiply_rows(coupling, read, x, first, last, out[first:last])


@njit(fastmath=FAST)
def add_gradient(coupling, gradients, products_bar, x, share):
    """Add share times the gradient of J x to those of the arrays of the coupling, which have no row if not needed.

    gradients: (values,) or (values, output, selection).
    """
    if len(coupling) == 1:
        if len(gradients[0]):
            product_right_transposed(products_bar, x, share, 1.0, gradients[0])
    else:
        begins, columns, _, output, _ = coupling
        values_bar, output_bar, selection_bar = gradients
        if len(values_bar):
            add_gradient_of_edges(begins, columns, products_bar, x, share, values_bar)
        if len(output_bar):
            read = read_by_factors(coupling, x)
            product_right_transposed(products_bar, read, share, 1.0, output_bar)
        if len(selection_bar):
            read_bar = np.empty((output.shape[1], x.shape[1]), x.dtype)
            product_left_transposed(output, products_bar, 1.0, 0.0, read_bar)
            product_right_transposed(x, read_bar, share, 1.0, selection_bar)


@njit(fastmath=FAST)
def add_gradient_of_edges(begins, columns, products_bar, x, share, values_bar):
    """Add share times the gradient of each weight in compressed rows."""
    for i in prange(len(begins) - 1):
        row = products_bar[i]
        for edge in range(begins[i], begins[i + 1]):
            other = x[columns[edge]]
            total = row[0] * other[0]
            for j in range(1, len(row)):
                total += row[j] * other[j]
            values_bar[edge] += share * total
