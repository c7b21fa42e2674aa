"""Gram-Schmidt with re-orthogonalisation, and its adjoint, inside compiled loops.

Tangent vectors are the rows of A (k, N), with A = R^T W, W orthonormal and R (k, k) upper triangular. R_ii is positive
or 0. A vector whose norm falls much in a projection is projected again, so that W is orthonormal to rounding (Daniel,
Gragg, Kaufman & Stewart 1976). Vectors whose condition number is small, as after a short time, are orthonormalised at
once by the Cholesky factor of their Gram matrix; others and many in blocks, whose projections are matrix products.
"""

import numpy as np
from numba import njit

from randomnet.compiled.blas import product, product_left_transposed, product_right_transposed
from randomnet.compiled.tiles import FLAGS, multiply_lower, multiply_upper, upper_products

WHOLE, BLOCK = 64, 24  # rows whose Gram matrix is factored at once; rows of a block of more of them
LANES = 16  # numbers that a row of small matrices is padded to a multiple of
PASSES = 4  # projections of a vector after which it counts as dependent on the earlier ones
WELL = 30.0, 5.0  # in float64 and float32: condition up to which rows are orthonormalised by their Gram matrix
KEPT = 0.5  # share of its norm that a vector keeps in a projection that need not be repeated
FAST = {*FLAGS}


@njit
def copy_into(target, source):
    """Copy a matrix. An assignment to a slice does so too, but its error message takes seconds to compile."""
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            target[i, j] = source[i, j]


@njit(fastmath=FAST)
def dot(a, b):
    """The scalar product of two vectors."""
    total = a[0] * b[0]
    for i in range(1, len(a)):
        total += a[i] * b[i]
    return total


@njit(fastmath=FAST)
def project(rows, vector, coefficients):
    """Subtract from the vector its components along orthonormal rows, and add these to `coefficients`."""
    for i in range(len(rows)):
        row = rows[i]
        component = dot(row, vector)
        coefficients[i] += component
        for j in range(len(vector)):
            vector[j] -= component * row[j]


@njit
def replace(rows, vector, coefficients):
    """Put a unit vector orthogonal to orthonormal rows in the place of a vector that vanished."""
    for axis in range(len(vector)):
        vector[:] = 0
        vector[axis] = 1
        for _ in range(2):
            project(rows, vector, coefficients)
        norm = np.sqrt(dot(vector, vector))
        if norm > 0.5 / np.sqrt(len(vector)):
            for j in range(len(vector)):
                vector[j] /= norm
            return


@njit(fastmath=FAST)
def project_four(row, others, coefficients):
    """Subtract from four vectors their components along an orthonormal row, and write these to `coefficients`."""
    first, second, third, fourth = others[0], others[1], others[2], others[3]
    a, b, c, d = row[0] * first[0], row[0] * second[0], row[0] * third[0], row[0] * fourth[0]
    for i in range(1, len(row)):
        a += row[i] * first[i]
        b += row[i] * second[i]
        c += row[i] * third[i]
        d += row[i] * fourth[i]
    for i in range(len(row)):
        first[i] -= a * row[i]
        second[i] -= b * row[i]
        third[i] -= c * row[i]
        fourth[i] -= d * row[i]
    coefficients[0], coefficients[1], coefficients[2], coefficients[3] = a, b, c, d


@njit(fastmath=FAST)
def orthonormalise_one_by_one(rows, r):
    """Orthonormalise the rows of (b, N) in place; write R into r (b, b)."""
    count = len(rows)
    r[:] = 0
    initial = np.empty(count, rows.dtype)
    for j in range(count):
        initial[j] = np.sqrt(dot(rows[j], rows[j]))
    for j in range(count):
        vector, before = rows[j], initial[j]
        norm = np.sqrt(dot(vector, vector)) if j else before
        for _ in range(PASSES):
            if not norm < KEPT * before:  # also for nan
                break
            project(rows[:j], vector, r[:j, j])
            before, norm = norm, np.sqrt(dot(vector, vector))
        r[j, j] = norm
        if norm == 0:
            replace(rows[:j], vector, np.empty(j, rows.dtype))
        else:
            factor = 1 / norm
            for i in range(len(vector)):
                vector[i] *= factor
        other = j + 1
        while other + 4 <= count:
            project_four(vector, rows[other : other + 4], r[j, other : other + 4])
            other += 4
        for i in range(other, count):
            project(rows[j : j + 1], rows[i], r[j : j + 1, i])


@njit
def whole_lanes(count):
    """The length of a row of `count` numbers that is padded to a whole number of LANES."""
    return count + -count % LANES


@njit
def unit_rows(count, before, dtype):
    """Rows of zeros (b, before) and then the unit matrix (b, b), padded with zeros to a whole number of LANES."""
    rows = np.zeros((count, before + whole_lanes(count)), dtype)
    for i in range(count):
        rows[i, before + i] = 1
    return rows


@njit(fastmath=FAST, error_model="numpy")
def eliminate(table, width):
    """Turn [G | 1] (b, 2 width) into [R | R^-T] with R^T R = G; only R's upper triangle is written.

    Returns False where G is not positive.
    """
    for i in range(len(table)):
        if not table[i, i] > 0:
            return False
        factor, begin = 1 / np.sqrt(table[i, i]), i - i % LANES
        row = table[i, begin : width + begin + LANES]
        for j in range(len(row)):
            row[j] *= factor
        for p in range(i + 1, len(table)):
            other, target = table[i, p], table[p, begin:]
            for j in range(len(row)):
                target[j] -= other * row[j]
    return True


@njit(fastmath=FAST, error_model="numpy")
def invert_transposed(r, inverse):
    """Write R^-T, for R (b, b) upper triangular, in the place of the unit matrix of `unit_rows`."""
    for i in range(len(r)):
        row, factor, end = inverse[i], 1 / r[i, i], i - i % LANES + LANES
        for j in range(end):
            row[j] *= factor
        for p in range(i + 1, len(r)):
            other, target = r[i, p], inverse[p]
            for j in range(end):
                target[j] -= other * row[j]


@njit(fastmath=FAST)
def largest_row(table, begin, end):
    """The largest norm of a row, of the columns from `begin` to `end`."""
    largest = 0.0
    for i in range(len(table)):
        row = table[i, begin:end]
        largest = max(largest, dot(row, row))
    return np.sqrt(largest)


@njit
def factor_gram(table, width, r):
    """Turn [G | 1] (b, 2 width) into [R | R^-T], and write R into r (b, b).

    Returns a measure of R's condition number, in largest norms of rows; inf, with r as it was, where G is not positive.
    """
    if not eliminate(table, width):
        return np.inf
    for i in range(len(r)):
        for j in range(len(r)):
            r[i, j] = table[i, j] if j >= i else 0
    return largest_row(r, 0, len(r)) * largest_row(table, width, 2 * width)


@njit
def orthonormalise_by_gram(rows, r):
    """Orthonormalise the rows of (b, N) in place and write R into r (b, b); False where rounding would matter.

    The error of W = R^-T A grows with the square of the condition number, so that number has to be small. Otherwise
    the rows stay as they are.
    """
    count, width = len(rows), whole_lanes(len(rows))
    table = unit_rows(count, width, rows.dtype)
    upper_products(rows, rows, table)
    if not factor_gram(table, width, r) < (WELL[0] if r.itemsize == 8 else WELL[1]):  # also for nan
        return False
    multiply_lower(table[:, width:], rows)
    return True


@njit
def orthonormalise_block(rows, r):
    """Orthonormalise the rows of (b, N) in place; write R into r (b, b). Returns whether their condition was good."""
    good = orthonormalise_by_gram(rows, r)
    if not good:
        orthonormalise_one_by_one(rows, r)
    return good


@njit
def orthonormalise(frame, r):
    """Orthonormalise the rows of a frame (k, N) in place; write R into r (k, k)."""
    if len(frame) > WHOLE or not orthonormalise_by_gram(frame, r):
        orthonormalise_in_blocks(frame, r)


@njit
def orthonormalise_in_blocks(frame, r):
    """`orthonormalise` for many vectors, or for some that are nearly dependent."""
    k = len(frame)
    r[:] = 0
    for begin in range(0, k, BLOCK):
        end = min(begin + BLOCK, k)
        block, target = frame[begin:end], r[begin:end, begin:end]
        r1 = np.empty((end - begin, end - begin), frame.dtype)
        if begin == 0:
            orthonormalise_block(block, r1)
            copy_into(target, r1)
            continue
        lost, part = project_block(frame[:begin], block)
        good = orthonormalise_block(block, r1)
        copy_into(r[:begin, begin:end], part)
        if good and not lost:
            copy_into(target, r1)
            continue
        _, again = project_block(frame[:begin], block)
        r2 = np.empty(r1.shape, frame.dtype)
        orthonormalise_block(block, r2)
        product(again, r1, 1.0, 1.0, part)
        copy_into(r[:begin, begin:end], part)
        product(r2, r1, 1.0, 0.0, target)


@njit
def project_block(rows, block):
    """Subtract from a block (b, N) its components along orthonormal rows (p, N).

    Returns whether a vector lost so much that this has to be repeated, and the components (p, b).
    """
    size = len(block)
    part, before = np.empty((len(rows), size), block.dtype), np.empty(size, block.dtype)
    for i in range(size):
        before[i] = dot(block[i], block[i])
    product_right_transposed(rows, block, 1.0, 0.0, part)
    product_left_transposed(part, rows, -1.0, 1.0, block)
    lost = False
    for i in range(size):
        lost |= not dot(block[i], block[i]) >= KEPT * KEPT * before[i]  # also for nan
    return lost, part


@njit
def solve_upper(r, rows):
    """Solve R X = rows in place, for R (k, k) upper triangular and rows (k, N)."""
    for end in range(len(rows), 0, -WHOLE):
        begin = max(0, end - WHOLE)
        block, size = rows[begin:end], end - begin
        inverse = unit_rows(size, 0, rows.dtype)
        if end < len(rows):
            product(r[begin:end, end:], rows[end:], -1.0, 1.0, block)
        invert_transposed(r[begin:end, begin:end], inverse)
        multiply_upper(inverse.T, block)


@njit
def mix(products, growth_bar):
    """Turn W W'^T (k, k) into diag(l') - copyltu(W' W^T) in place, from its upper triangle."""
    for i in range(len(products)):
        for j in range(i):
            products[j, i] = -products[j, i]
            products[i, j] = products[j, i]
        products[i, i] = growth_bar[i] - products[i, i]


@njit
def orthonormalise_adjoint(frame, r, frame_bar, growth_bar):
    """Turn the adjoint of W (k, N) into that of A in place; growth_bar: the adjoint of ln R_ii (k,).

    A' = R^-1 (W' + (diag(l') - copyltu(W' W^T)) W), as in Seeger et al. 2018.
    """
    k = len(frame)
    mixed = np.empty((k, k), frame.dtype)
    upper_products(frame, frame_bar, mixed)
    mix(mixed, growth_bar)
    product(mixed, frame, 1.0, 1.0, frame_bar)
    solve_upper(r, frame_bar)
