"""Gram-Schmidt and its adjoint for tangent vectors in the columns of a tall matrix A (N, k) = W R; see `orthonormal`.

Few vectors are orthonormalised by the Cholesky factor of their Gram matrix: once if their condition number is small,
and twice if it is larger (CholeskyQR2, Yamamoto et al. 2015). Others are copied to rows and treated in blocks.
"""

import numpy as np
from numba import njit

from randomnet.compiled.blas import product, product_left_transposed, product_right_transposed
from randomnet.compiled.orthonormal import (
    BLOCK,
    WELL,
    copy_into,
    factor_gram,
    invert_transposed,
    mix,
    orthonormalise,
    unit_rows,
    whole_lanes,
)

TWICE = 1e6, 1e2  # in float64 and float32: condition up to which the Gram matrix has a Cholesky factor


@njit
def copy_transposed(target, source):
    """Copy the transpose of a matrix."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[j, i] = source[i, j]


@njit
def orthonormalise_by_gram(frame, r, buffer):
    """Orthonormalise columns (N, k) and write R (k, k); False where this needs another pass, or nothing was changed."""
    k = frame.shape[1]
    width, place = whole_lanes(k), 0 if frame.itemsize == 8 else 1
    table = unit_rows(k, width, frame.dtype)
    product_left_transposed(frame, frame, 1.0, 0.0, table[:, :k])
    condition = factor_gram(table, width, r)
    if not condition < TWICE[place]:  # also for nan
        r[:] = 0
        for i in range(k):
            r[i, i] = 1
        return False
    copy_into(buffer, frame)
    product_right_transposed(buffer, table[:, width : width + k], 1.0, 0.0, frame)
    return condition < WELL[place]


@njit
def orthonormalise_columns(frame, r, buffer):
    """Orthonormalise columns (N, k) in place and write R (k, k); buffer: (N, k)."""
    k = frame.shape[1]
    first, second = np.empty((k, k), frame.dtype), np.empty((k, k), frame.dtype)
    if k <= BLOCK:
        if orthonormalise_by_gram(frame, r, buffer):
            return
        good = orthonormalise_by_gram(frame, second, buffer)
        copy_into(first, r)
        product(second, first, 1.0, 0.0, r)
        if good:
            return
        copy_into(first, r)
    rows = np.empty((k, len(frame)), frame.dtype)
    copy_transposed(rows, frame)
    orthonormalise(rows, second)
    copy_transposed(frame, rows)
    if k <= BLOCK:
        product(second, first, 1.0, 0.0, r)
    else:
        copy_into(r, second)


@njit
def orthonormalise_columns_adjoint(frame, r, frame_bar, growth_bar):
    """As `orthonormal.orthonormalise_adjoint`, for W and its adjoint with tangent vectors in columns (N, k)."""
    k = frame.shape[1]
    mixed = np.empty((k, k), frame.dtype)
    product_left_transposed(frame, frame_bar, 1.0, 0.0, mixed)
    mix(mixed, growth_bar)
    product(frame, mixed, 1.0, 1.0, frame_bar)
    for end in range(k, 0, -BLOCK):
        begin = max(0, end - BLOCK)
        size = end - begin
        buffer, inverse = np.empty((len(frame), size), frame.dtype), unit_rows(size, 0, frame.dtype)
        part = frame_bar[:, begin:end]
        if end < k:
            product_right_transposed(frame_bar[:, end:], r[begin:end, end:], -1.0, 1.0, part)
        invert_transposed(r[begin:end, begin:end], inverse)
        copy_into(buffer, part)
        product(buffer, inverse[:, :size], 1.0, 0.0, part)
