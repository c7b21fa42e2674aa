"""Gram-Schmidt with re-orthogonalisation, and its adjoint, inside compiled loops.

Tangent vectors are the rows of A (k, N), with A = R^T W, W orthonormal and R (k, k) upper triangular. R_ii is positive
or 0. A vector whose norm falls much in a projection is projected again, so that W is orthonormal to rounding (Daniel,
Gragg, Kaufman & Stewart 1976). Vectors are treated in blocks, whose projections are matrix products.
"""

import numpy as np
from numba import njit

from randomnet.compiled.blas import product, product_left_transposed, product_right_transposed

BLOCK = 24  # rows treated one by one
PASSES = 4  # projections of a vector after which it counts as dependent on the earlier ones
KEPT = 0.5  # share of its norm that a vector keeps in a projection that need not be repeated
FAST = {"reassoc", "contract", "nsz"}  # sums in any order; nan and inf stay what they are


@njit(cache=True, fastmath=FAST)
def dot(a, b):
    """The scalar product of two vectors."""
    total = a[0] * b[0]
    for i in range(1, len(a)):
        total += a[i] * b[i]
    return total


@njit(cache=True, fastmath=FAST)
def project(rows, vector, coefficients):
    """Subtract from the vector its components along orthonormal rows, and add these to `coefficients`."""
    for i in range(len(rows)):
        row = rows[i]
        component = dot(row, vector)
        coefficients[i] += component
        for j in range(len(vector)):
            vector[j] -= component * row[j]


@njit(cache=True)
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


@njit(cache=True)
def orthonormalise_one_by_one(rows, r):
    """Orthonormalise the rows of (b, N) in place; write R into r (b, b)."""
    unused = np.empty(len(rows), rows.dtype)
    for j in range(len(rows)):
        vector, coefficients = rows[j], np.zeros(j, rows.dtype)
        norm = np.sqrt(dot(vector, vector))
        for _ in range(PASSES if j else 0):
            before = norm
            project(rows[:j], vector, coefficients)
            norm = np.sqrt(dot(vector, vector))
            if not norm < KEPT * before:  # also for nan
                break
        r[j, :j] = 0
        r[:j, j] = coefficients
        r[j, j] = norm
        if norm == 0:
            replace(rows[:j], vector, unused[:j])
        else:
            for i in range(len(vector)):
                vector[i] /= norm


@njit(cache=True)
def orthonormalise(frame, r):
    """Orthonormalise the rows of a frame (k, N) in place; write R into r (k, k)."""
    k = len(frame)
    if k <= BLOCK:
        orthonormalise_one_by_one(frame, r)
        return
    r[:] = 0
    first, second = np.empty((BLOCK, BLOCK), frame.dtype), np.empty((BLOCK, BLOCK), frame.dtype)
    for begin in range(0, k, BLOCK):
        size = min(BLOCK, k - begin)
        end, block = begin + size, frame[begin : begin + size]
        r1, r2 = first[:size, :size], second[:size, :size]
        if begin == 0:
            orthonormalise_one_by_one(block, r1)
            r[begin:end, begin:end] = r1
            continue
        rows, part = frame[:begin], np.empty((begin, size), frame.dtype)
        product_right_transposed(rows, block, 1.0, 0.0, part)
        product_left_transposed(part, rows, -1.0, 1.0, block)
        orthonormalise_one_by_one(block, r1)
        again = np.empty((begin, size), frame.dtype)
        product_right_transposed(rows, block, 1.0, 0.0, again)
        product_left_transposed(again, rows, -1.0, 1.0, block)
        orthonormalise_one_by_one(block, r2)
        product(again, r1, 1.0, 1.0, part)
        r[:begin, begin:end] = part
        product(r2, r1, 1.0, 0.0, r[begin:end, begin:end])


@njit(cache=True, fastmath=FAST)
def solve_upper(r, rows):
    """Solve R X = rows in place, for R (k, k) upper triangular and rows (k, N)."""
    k, n = rows.shape
    for end in range(k, 0, -BLOCK):
        begin = max(0, end - BLOCK)
        if end < k:
            product(r[begin:end, end:], rows[end:], -1.0, 1.0, rows[begin:end])
        for i in range(end - 1, begin - 1, -1):
            row = rows[i]
            for j in range(i + 1, end):
                factor, other = r[i, j], rows[j]
                for c in range(n):
                    row[c] -= factor * other[c]
            factor = r[i, i]
            for c in range(n):
                row[c] /= factor


@njit(cache=True)
def orthonormalise_adjoint(frame, r, frame_bar, growth_bar):
    """Turn the adjoint of W (k, N) into that of A in place; growth_bar: the adjoint of ln R_ii (k,).

    A' = R^-1 (W' + (diag(l') - copyltu(W' W^T)) W), as in Seeger et al. 2018.
    """
    k = len(frame)
    products, mixed = np.empty((k, k), frame.dtype), np.empty((k, k), frame.dtype)
    product_right_transposed(frame_bar, frame, 1.0, 0.0, products)
    for i in range(k):
        for j in range(i):
            mixed[i, j] = -products[i, j]
            mixed[j, i] = -products[i, j]
        mixed[i, i] = growth_bar[i] - products[i, i]
    product(mixed, frame, 1.0, 1.0, frame_bar)
    solve_upper(r, frame_bar)
