"""Products of a few tangent vectors with each other, in tiles whose sums stay in the processor's registers.

The matrices of Gram-Schmidt are so small that calls of a BLAS take longer than their arithmetic. Of symmetric and
triangular matrices only one half is computed. A tile is written in instructions of LLVM for vectors of BYTES. Columns
that do not fill a vector are read and written through a mask.
"""

from collections.abc import Callable

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

FLAGS = "reassoc", "contract", "nsz"  # sums in any order; nan and inf stay what they are
WIDE = bool(llvm.get_host_cpu_features().get("avx512f"))  # 32 registers of 64 bytes
BYTES = 64 if WIDE else 32
ROWS, OTHERS = 4, 4 if WIDE else 2  # rows of a tile, and rows that they are multiplied with
SIZE, PLACE = ir.IntType(64), ir.IntType(32)
LINE = 64  # bytes that are read from memory at once


class _Matrix:
    """A matrix in memory, with the instructions that read and write vectors of its rows."""

    def __init__(self, context, builder, kind, value):
        array, self.item = context.make_array(kind)(context, builder, value), kind.dtype.bitwidth // 8
        self.builder, self.data, self.lanes = builder, array.data, BYTES // self.item
        self.vector = ir.VectorType(context.get_value_type(kind.dtype), self.lanes)
        strides = [builder.extract_value(array.strides, axis) for axis in (0, 1)]
        self.row_stride, self.stride = (builder.sdiv(stride, SIZE(self.item)) for stride in strides)
        self.columns = builder.extract_value(array.shape, 1)

    def row(self, first, offset=0):
        """The pointer to row first + offset."""
        return self.builder.gep(self.data, [self.builder.mul(self.builder.add(first, SIZE(offset)), self.row_stride)])

    def mask(self, column):
        """Which of the numbers from this column on are in a row."""
        left = self.splat(self.builder.sub(self.columns, column))
        return self.builder.icmp_signed("<", ir.VectorType(SIZE, self.lanes)(list(range(self.lanes))), left)

    def splat(self, number):
        """A vector that repeats a number."""
        kind, zeros = ir.VectorType(number.type, self.lanes), ir.VectorType(PLACE, self.lanes)([0] * self.lanes)
        first = self.builder.insert_element(kind(ir.Undefined), number, PLACE(0))
        return self.builder.shuffle_vector(first, kind(ir.Undefined), zeros)

    def load(self, pointer, mask):
        """The vector at a pointer; 0 where a mask is given and false."""
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            return self.builder.load(pointer, align=self.item)
        masked = self._masked("load", self.vector, [pointer.type, PLACE, mask.type, self.vector])
        return self.builder.call(masked, [pointer, PLACE(self.item), mask, ir.Constant(self.vector, None)])

    def store(self, vector, pointer, mask):
        """Write the vector; only where a mask is true, if one is given."""
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            self.builder.store(vector, pointer, align=self.item)
            return
        masked = self._masked("store", ir.VoidType(), [self.vector, pointer.type, PLACE, mask.type])
        self.builder.call(masked, [vector, pointer, PLACE(self.item), mask])

    def _masked(self, name, result, arguments):
        kind = f"llvm.masked.{name}.v{self.lanes}f{8 * self.item}.p0"
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), kind)

    def sums(self, count):
        """Variables for vectors of sums, which are 0 at first."""
        return [cgutils.alloca_once_value(self.builder, ir.Constant(self.vector, None)) for _ in range(count)]

    def add(self, total, left, right):
        """Add the products of two vectors to a variable."""
        product = self.builder.fmul(left, right, flags=FLAGS)
        self.builder.store(self.builder.fadd(self.builder.load(total), product, flags=FLAGS), total)

    def sums_of_lanes(self, vectors):
        """Vectors whose numbers are the sums of the given vectors' numbers, in their order."""
        part, kind = self.lanes, ir.VectorType(PLACE, self.lanes)
        while part > 1:
            low = [lane for lane in range(2 * self.lanes) if lane % part < part // 2]
            masks, halves = (kind(low), kind([lane + part // 2 for lane in low])), []
            for index in range(0, len(vectors), 2):
                pair = vectors[index], vectors[min(index + 1, len(vectors) - 1)]
                lower, upper = (self.builder.shuffle_vector(*pair, mask) for mask in masks)
                halves.append(self.builder.fadd(lower, upper, flags=FLAGS))
            vectors, part = halves, part // 2
        return vectors


def _matrices(context, builder, kinds, arguments):
    """The first arguments as matrices of these types."""
    return [_Matrix(context, builder, *pair) for pair in zip(kinds, arguments, strict=False)]


def _dots(rows: int, others: int) -> Callable:
    """The function that multiplies `rows` rows of a matrix with `others` rows of another."""

    @intrinsic
    def tile(typingctx, x, y, out, i, j):
        """Write the products of rows i, i + 1, ... of x and j, j + 1, ... of y into the rows i and columns j of out."""

        def codegen(context, builder, signature, arguments):
            matrices = _matrices(context, builder, signature.args[:3], arguments)
            _emit_dots(builder, matrices, arguments[3:], rows, others)
            return context.get_dummy_value()

        return types.void(x, y, out, types.intp, types.intp), codegen

    return tile


def _emit_dots(builder, matrices, positions, rows, others):
    """The instructions of `_dots`."""
    (x, y, out), (i, j) = matrices, positions
    lefts, rights = ([m.row(at, row) for row in range(count)] for m, at, count in ((x, i, rows), (y, j, others)))
    totals, rest = x.sums(rows * others), builder.srem(x.columns, SIZE(x.lanes))
    end = builder.sub(x.columns, rest)

    def add(column, mask):
        left, right = ([x.load(builder.gep(row, [column]), mask) for row in each] for each in (lefts, rights))
        for index, total in enumerate(totals):
            x.add(total, left[index // others], right[index % others])

    with cgutils.for_range_slice(builder, SIZE(0), end, SIZE(x.lanes), SIZE) as (column, _):
        add(column, None)
    with builder.if_then(builder.icmp_signed(">", rest, SIZE(0))):
        add(end, x.mask(end))
    sums = x.sums_of_lanes([builder.load(total) for total in totals])
    for index in range(rows * others):
        value = builder.extract_element(sums[index // x.lanes], PLACE(index % x.lanes))
        place = builder.add(j, SIZE(index % others))
        builder.store(value, builder.gep(out.row(i, index // others), [place]))


def _combinations(rows: int, vectors: int, masked: bool) -> Callable:
    """The function that combines rows of a matrix, for `rows` rows of coefficients and `vectors` vectors of columns."""

    @intrinsic
    def tile(typingctx, coefficients, x, i, first, last, column):
        """Write the sums of rows first, ..., last - 1 of x into rows i, i + 1, ..., with coefficients of these rows.

        Columns are those from `column` on; masked: only those that x has.
        """

        def codegen(context, builder, signature, arguments):
            matrices = _matrices(context, builder, signature.args[:2], arguments)
            _emit_combinations(builder, matrices, arguments[2:], (rows, vectors, masked))
            return context.get_dummy_value()

        return types.void(coefficients, x, *[types.intp] * 4), codegen

    return tile


def _emit_combinations(builder, matrices, positions, sizes):
    """The instructions of `_combinations`."""
    (factors, x), (i, first, last, column), (rows, vectors, masked) = matrices, positions, sizes
    mask, totals = x.mask(column) if masked else None, x.sums(rows * vectors)
    places = [builder.add(column, SIZE(vector * x.lanes)) for vector in range(vectors)]
    with cgutils.for_range_slice(builder, first, last, SIZE(1), SIZE) as (line, _):
        read = [x.load(builder.gep(x.row(line), [place]), mask) for place in places]
        for row in range(rows):
            pointer = builder.gep(factors.row(i, row), [builder.mul(line, factors.stride)])
            factor = x.splat(builder.load(pointer))
            for vector in range(vectors):
                x.add(totals[row * vectors + vector], factor, read[vector])
    for index, total in enumerate(totals):
        row, vector = divmod(index, vectors)
        x.store(builder.load(total), builder.gep(x.row(i, row), [places[vector]]), mask)


def emit_prefetch(builder, pointer):
    """Request the numbers at a pointer from memory, for reading, to be kept in all caches."""
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(function, [pointer, number(0), number(3), number(1)])


@intrinsic
def _request(typingctx, x, position):
    """Request the number at a position of a contiguous array from memory."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(x)(context, builder, arguments[0]).data
        emit_prefetch(builder, builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return types.void(x, types.intp), codegen


_dots_of_rows, _dots_of_one, _dots_of_pair = _dots(ROWS, OTHERS), _dots(ROWS, 1), _dots(1, 1)
_rows_wide, _rows_masked = _combinations(ROWS, 2, False), _combinations(ROWS, 1, True)
_row_wide, _row_masked = _combinations(1, 2, False), _combinations(1, 1, True)


@njit
def upper_products(x, y, out):
    """Write the scalar products of row i of x (k, N) and row j of y (k, N) into out[i, j] where j is not below i.

    Some of the others are written too.
    """
    count = len(x)
    whole = count - count % ROWS
    for i in range(0, whole, ROWS):
        end = count - (count - i) % OTHERS
        for j in range(i, end, OTHERS):
            _dots_of_rows(x, y, out, i, j)
        for j in range(end, count):
            _dots_of_one(x, y, out, i, j)
    for i in range(whole, count):
        for j in range(i, count):
            _dots_of_pair(x, y, out, i, j)


@njit
def multiply_lower(factors, x):
    """Turn x (k, N) into factors x in place, for a lower triangular matrix (k, k)."""
    count, columns = x.shape
    lanes, rest, column = BYTES // x.itemsize, count % ROWS, 0
    while column < columns:
        wide = column + 2 * lanes <= columns
        for i in range(count - ROWS, rest - 1, -ROWS):  # the last rows first, as they read all before
            if wide:
                _rows_wide(factors, x, i, 0, i + ROWS, column)
            else:
                _rows_masked(factors, x, i, 0, i + ROWS, column)
        for i in range(rest - 1, -1, -1):
            if wide:
                _row_wide(factors, x, i, 0, i + 1, column)
            else:
                _row_masked(factors, x, i, 0, i + 1, column)
        column += 2 * lanes if wide else lanes


@njit
def multiply_upper(factors, x):
    """Turn x (k, N) into factors x in place, for an upper triangular matrix (k, k)."""
    count, columns = x.shape
    lanes, whole, column = BYTES // x.itemsize, count - count % ROWS, 0
    while column < columns:
        wide = column + 2 * lanes <= columns
        for i in range(0, whole, ROWS):  # the first rows first, as they read all behind
            if wide:
                _rows_wide(factors, x, i, i, count, column)
            else:
                _rows_masked(factors, x, i, i, count, column)
        for i in range(whole, count):
            if wide:
                _row_wide(factors, x, i, i, count, column)
            else:
                _row_masked(factors, x, i, i, count, column)
        column += 2 * lanes if wide else lanes


@njit
def request(bundle):
    """Request a contiguous bundle from memory, which arrives while other work is done."""
    for position in range(0, bundle.size, LINE // bundle.itemsize):
        _request(bundle, position)
