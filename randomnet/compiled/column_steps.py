"""Euler and Runge-Kutta steps of bundles in columns, and their adjoint, for sparse and dense couplings.

A step has one stage (Euler) or four. With a = dt/tau, the velocity at stage s is V_s = a (G(x_s) - x_s), and the stages
are x_1 = x, x_2 = x + V_1 / 2, x_3 = x + V_2 / 2, x_4 = x + V_3. The step gives x + V_1 (Euler), or
(x_2 + 2 x_3 + x_4 - x) / 3 + V_4 / 6, which is the classical step of Runge and Kutta.

The coupling (see `products`) is diag(a) J in the current form and J in the rate form. path (P, N, width) holds the
bundles of all stages and receives each bundle after a step; where it has fewer rows than steps have stages, they are
used in turns. Names ending in _bar are adjoints. PASSES read and write all neurons once, in chunks for threads.
"""

import numpy as np
from numba import njit, prange

from randomnet.compiled.orthonormal import FAST
from randomnet.compiled.products import add_gradient, multiply_rows, read_by_factors, rows_of_chunk
from randomnet.compiled.respond import respond
from randomnet.compiled.tall import orthonormalise_columns, orthonormalise_columns_adjoint

ROWS = 256  # neurons whose activation is computed at a time
EULER, RUNGE_KUTTA = (1.0,), (0.5, 0.5, 1.0, 1 / 6)  # factors of the velocities


@njit(error_model="numpy")
def share_of(stages, stage):
    """The factor of a stage's velocity in the bundle that follows from it."""
    return EULER[0] if stages == 1 else RUNGE_KUTTA[stage]


@njit(fastmath=FAST, error_model="numpy")
def respond_to(activation, inputs, gains, shifts, first, last):
    """u - shift, phi, phi' and phi'' of the state in column 0 of inputs (rows from `first` on), (4, rows)."""
    values = np.empty((4, last - first), np.float64)
    for i in range(first, last):
        values[0, i - first] = (inputs[i - first, 0] - shifts[i]) * gains[i]
    respond(activation, values)
    return values


@njit(fastmath=FAST, error_model="numpy")
def activate(activation, x, gains, shifts, inner):
    """Write the rates, and tangent vectors times slopes, into `inner`."""
    n, width = x.shape
    for chunk in prange((n + ROWS - 1) // ROWS):
        first, last = chunk * ROWS, min(n, chunk * ROWS + ROWS)
        values = respond_to(activation, x[first:last], gains, shifts, first, last)
        for i in range(first, last):
            slope = x.dtype.type(values[2, i - first] * gains[i])
            inner[i, 0] = values[1, i - first]
            for j in range(1, width):
                inner[i, j] = x[i, j] * slope


@njit(fastmath=FAST, error_model="numpy")
def combine(velocities, leaks, path, place, stages, stage, first, last, out):
    """Write the bundle that follows from a G (rows from `first` on) at a stage into rows of `out`."""
    start, x, share = path[place], path[place + stage], share_of(stages, stage)
    if stage == 3:
        second, third = path[place + 1], path[place + 2]
        for i in range(first, last):
            leak = leaks[i]
            for j in range(x.shape[1]):
                base = (second[i, j] + 2 * third[i, j] + x[i, j] - start[i, j]) / 3
                out[i, j] = base + share * (velocities[i - first, j] - leak * x[i, j])
        return
    for i in range(first, last):
        leak = leaks[i]
        for j in range(x.shape[1]):
            out[i, j] = start[i, j] + share * (velocities[i - first, j] - leak * x[i, j])


@njit(fastmath=FAST, error_model="numpy")
def step_current(coupling, read, inner, current, leaks, path, place, stages, stage, out):
    """The stage of a step in the current form, for rates and tangent vectors times slopes in `inner`."""
    n, width = inner.shape
    size = rows_of_chunk(coupling, width)
    for chunk in prange((n + size - 1) // size):
        first, last = chunk * size, min(n, chunk * size + size)
        products = np.empty((last - first, width), inner.dtype)
        multiply_rows(coupling, read, inner, first, last, products)
        for i in range(first, last):
            products[i - first, 0] += leaks[i] * current[i]
        combine(products, leaks, path, place, stages, stage, first, last, out)


@njit(fastmath=FAST, error_model="numpy")
def step_rate(activation, coupling, read, current, gains, shifts, leaks, path, place, stages, stage, stored, out):
    """The stage of a step in the rate form; `stored` receives the products, unless it has no row."""
    x = path[place + stage]
    n, width = x.shape
    size = rows_of_chunk(coupling, width)
    for chunk in prange((n + size - 1) // size):
        first, last = chunk * size, min(n, chunk * size + size)
        products = np.empty((last - first, width), x.dtype)
        multiply_rows(coupling, read, x, first, last, products)
        for i in range(first, last):
            products[i - first, 0] += current[i]
        if len(stored):
            for i in range(first, last):
                for j in range(width):
                    stored[i, j] = products[i - first, j]
        values = respond_to(activation, products, gains, shifts, first, last)
        for i in range(first, last):
            slope = x.dtype.type(values[2, i - first] * gains[i] * leaks[i])
            products[i - first, 0] = leaks[i] * values[1, i - first]
            for j in range(1, width):
                products[i - first, j] *= slope
        combine(products, leaks, path, place, stages, stage, first, last, out)


@njit
def finish_interval(bundle, index, growing, rs, growths, norms, buffer):
    """Orthonormalise the tangent vectors; record their growth and the largest magnitude in the state."""
    if growing:
        r, k = rs[index], rs.shape[1]
        orthonormalise_columns(bundle[:, 1 : 1 + k], r, buffer)
        for i in range(k):
            growths[index, i] = np.log(r[i, i])
    largest = norms[index]
    for i in range(len(bundle)):
        magnitude = abs(bundle[i, 0])
        if not magnitude <= largest:  # also for nan
            largest = magnitude
    norms[index] = largest


def steps(
    activation, coupling, gains, shifts, drive, leaks, intervals, growing, is_rate, stages, path, stored, rs, growths,
    norms,
):  # fmt: skip
    """Advance the bundle in path[0]; fill path, rs (intervals, k, k), growths and norms; return the last bundle.

    drive (D, N): the constant drive, which may be 0, or a row for each step. stored (S, N, width): the products of
    each stage in the rate form; only their number in turns if S is smaller, and no row if they are not needed.
    """
    n, width = path[0].shape
    inner = np.empty((0 if is_rate else n, width), path.dtype)
    buffer = np.empty((n if growing else 0, rs.shape[1]), path.dtype)
    step, place = 0, 0
    for index in range(len(intervals)):
        for _ in range(intervals[index]):
            current, after = drive[step % len(drive)], (place + stages) % len(path)
            for stage in range(stages):
                x, out = path[place + stage], path[after if stage + 1 == stages else place + stage + 1]
                if is_rate:
                    products = stored[(step * stages + stage) % len(stored)] if len(stored) else x[:0]
                    read = read_by_factors(coupling, x)
                    step_rate(activation, coupling, read, current, gains, shifts, leaks, path, place, stages, stage,
                              products, out)  # fmt: skip
                else:
                    activate(activation, x, gains, shifts, inner)
                    read = read_by_factors(coupling, inner)
                    step_current(coupling, read, inner, current, leaks, path, place, stages, stage, out)
            place = after
            step += 1
        finish_interval(path[place], index, growing, rs, growths, norms, buffer)
    return path[place]


@njit(fastmath=FAST, error_model="numpy")
def pull_current(
    activation, transposed, read, bar, base, alpha, share, x, gains, shifts, leaks, gains_bar, shifts_bar, out
):
    """Write alpha base + share V'^T bar into `out`, for the derivative V' of the velocity at x in the current form."""
    n, width = x.shape
    size = rows_of_chunk(transposed, width)
    for chunk in prange((n + size - 1) // size):
        first, last = chunk * size, min(n, chunk * size + size)
        products = np.empty((last - first, width), x.dtype)
        multiply_rows(transposed, read, bar, first, last, products)
        values = respond_to(activation, x[first:last], gains, shifts, first, last)
        for i in range(first, last):
            row = products[i - first]
            slopes_bar = row[0] * 0
            for j in range(1, width):
                slopes_bar += row[j] * x[i, j]
            gain, distance, rate_bar = gains[i], x[i, 0] - shifts[i], row[0]
            slope, curved = values[2, i - first], values[3, i - first] * gain
            state_bar = (rate_bar * slope + slopes_bar * curved) * gain
            gains_bar[i] += share * (rate_bar * slope * distance + slopes_bar * (slope + curved * distance))
            shifts_bar[i] -= share * state_bar
            out[i, 0] = alpha * base[i, 0] + share * (state_bar - leaks[i] * bar[i, 0])
            factor, leak = share * slope * gain, share * leaks[i]
            for j in range(1, width):
                out[i, j] = alpha * base[i, j] + row[j] * factor - leak * bar[i, j]


@njit(fastmath=FAST, error_model="numpy")
def inputs_bar(activation, bar, share, products, gains, shifts, leaks, gains_bar, shifts_bar, out):
    """Write the adjoint of the products of the rate form, times share, into `out`."""
    n, width = products.shape
    for chunk in prange((n + ROWS - 1) // ROWS):
        first, last = chunk * ROWS, min(n, chunk * ROWS + ROWS)
        values = respond_to(activation, products[first:last], gains, shifts, first, last)
        for i in range(first, last):
            slopes_bar = products[i, 0] * 0
            for j in range(1, width):
                slopes_bar += bar[i, j] * products[i, j]
            gain, distance, leak = gains[i], products[i, 0] - shifts[i], share * leaks[i]
            slope, curved = values[2, i - first], values[3, i - first] * gain
            rate_bar, slope_bar = leak * bar[i, 0], leak * slopes_bar
            gains_bar[i] += rate_bar * slope * distance + slope_bar * (slope + curved * distance)
            out[i, 0] = (rate_bar * slope + slope_bar * curved) * gain
            shifts_bar[i] -= out[i, 0]
            factor = bar.dtype.type(slope * gain * leak)
            for j in range(1, width):
                out[i, j] = bar[i, j] * factor


@njit(fastmath=FAST, error_model="numpy")
def pull_rate(transposed, read, inputs, bar, base, alpha, share, leaks, out):
    """As `pull_current`, in the rate form, for the adjoint `inputs` of the products."""
    n, width = bar.shape
    size = rows_of_chunk(transposed, width)
    for chunk in prange((n + size - 1) // size):
        first, last = chunk * size, min(n, chunk * size + size)
        products = np.empty((last - first, width), bar.dtype)
        multiply_rows(transposed, read, inputs, first, last, products)
        for i in range(first, last):
            leak = share * leaks[i]
            for j in range(width):
                out[i, j] = alpha * base[i, j] + products[i - first, j] - leak * bar[i, j]


@njit
def add_to(total, factor, values):
    """Add factor times values to a matrix (N, width)."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += factor * values[i, j]


@njit
def add_states(total, factors, share, bundle):
    """Add the state of a bundle, times factors (N,) and share, to a vector (N,)."""
    for i in range(len(total)):
        total[i] += share * factors[i] * bundle[i, 0]


@njit
def finish_adjoint(frame, r, bundle_bar, growth_bar):
    """The adjoint of Gram-Schmidt, in place, for the tangent vectors in a bundle and in its adjoint."""
    k = len(r)
    orthonormalise_columns_adjoint(frame[:, 1 : 1 + k], r, bundle_bar[:, 1 : 1 + k], growth_bar)


@njit
def pull_stage(
    activation, coupling, transposed, gains, shifts, leaks, is_rate, trains, share, x, products, bar, base, alpha,
    inner, gradients, drive_bar, gains_bar, shifts_bar, out,
):  # fmt: skip
    """Write alpha base + share V'^T bar into `out` for a stage at x, and add to the adjoints of parameters."""
    if is_rate:
        inputs_bar(activation, bar, share, products, gains, shifts, leaks, gains_bar, shifts_bar, inner)
        if len(drive_bar):
            add_states(drive_bar, np.ones_like(leaks), 1.0, inner)
        if trains:
            add_gradient(coupling, gradients, inner, x, 1.0)
        read = read_by_factors(transposed, inner)
        pull_rate(transposed, read, inner, bar, base, alpha, share, leaks, out)
        return
    if len(drive_bar):
        add_states(drive_bar, leaks, share, bar)
    if trains:
        activate(activation, x, gains, shifts, inner)
        add_gradient(coupling, gradients, bar, inner, share)
    read = read_by_factors(transposed, bar)
    pull_current(activation, transposed, read, bar, base, alpha, share, x, gains, shifts, leaks, gains_bar, shifts_bar,
                 out)  # fmt: skip


def adjoint(
    activation, coupling, transposed, gains, shifts, leaks, intervals, growing, is_rate, trains, stages, path, stored,
    rs, bar, growths_bar, gradients, drive_bar, gains_bar, shifts_bar,
):  # fmt: skip
    """The adjoint of path[0] from that of the last bundle, `bar`, which is overwritten; adds to the other adjoints.

    gradients: those of the coupling where it `trains`, see `products.add_gradient`; in the current form those of
    diag(a) J. drive_bar (D, N): without row if not needed.
    """
    n, width = path[0].shape
    inner = np.empty((n if is_rate or trains else 0, width), path.dtype)
    spare, total = np.empty((2, n, width), path.dtype), np.zeros((n if stages > 1 else 0, width), path.dtype)
    first, second, step = spare[0], spare[1], 0
    for count in intervals:
        step += count
    for index in range(len(intervals) - 1, -1, -1):
        if growing:
            finish_adjoint(path[step * stages], rs[index], bar, growths_bar[index])
        for _ in range(intervals[index]):
            step -= 1
            start, row = bar, step % max(1, len(drive_bar))
            drive_row = drive_bar[row : row + 1].ravel()
            total[:] = 0
            add_to(total, -1 / 3, start[: len(total)])
            for stage in range(stages - 1, -1, -1):
                base, alpha = start, 1.0
                if stages > 1:
                    base, alpha = (start, 2 / 3 if stage == 2 else 1 / 3) if stage else (total, 1.0)
                place = step * stages + stage
                pull_stage(activation, coupling, transposed, gains, shifts, leaks, is_rate, trains,
                           share_of(stages, stage), path[place], stored[place] if is_rate else path[place], bar, base,
                           alpha, inner, gradients, drive_row, gains_bar, shifts_bar, first)  # fmt: skip
                if stage:
                    add_to(total, 1.0, first)
                bar, first = first, second if stage + 1 == stages else bar
            first, second = start, first
    return bar


LOOPS = share_of, pull_stage  # called by `steps` and `adjoint` between passes
SHARED = activate, step_current, step_rate, pull_current, inputs_bar, pull_rate  # in chunks for threads
PASSES = *SHARED, finish_interval, finish_adjoint, read_by_factors, add_gradient, add_to, add_states
STEPS = steps, adjoint
