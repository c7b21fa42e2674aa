"""Euler steps of a bundle with Gram-Schmidt after intervals, and their adjoint, as loops for numba.

The functions here are sources, which `library` compiles. `activation` is the address of a function of C; see `respond`.
A bundle (1 + k, N) has the state in row 0 and tangent vectors in the others. With a = dt/tau and c = 1 - a:

    current form  x <- c x + a (J phi(x) + b)     v <- c v + a J (phi'(x) v)
    rate form     r <- c r + a phi(J r + b)       v <- c v + a phi'(J r + b) J v

`weights` is diag(a) J in the current form and J in the rate form, `transposed` its transpose. The argument of phi is
g (x - s). path (P, 1 + k, N) receives the bundle after each step, and inner (P, 1 + k, N) the products with J in the
rate form; with fewer rows than steps they are used in turns. Names ending in _bar are adjoints.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from randomnet.compiled.blas import product, product_left_transposed
from randomnet.compiled.orthonormal import FAST, copy_into, orthonormalise, orthonormalise_adjoint
from randomnet.compiled.respond import respond
from randomnet.compiled.tiles import request

CHUNK = 256  # rows whose contribution to the gradient of the weights is one product


def steps_current(
    activation, bundle, transposed, gains, shifts, drive, keep, leaks, intervals, growing, path, rs, growths, norms
):
    """Fill path, rs (intervals, k, k), growths (intervals, k) and norms (intervals,) in the current form.

    drive (D, N): the constant drive, a row for each step, or no row. growing: whether intervals end with Gram-Schmidt.
    """
    rows, n = bundle.shape
    inner, before, step = np.empty_like(bundle), bundle, 0
    values = np.empty((4, n), np.float64)  # u, phi, phi' and phi''
    for index in range(len(intervals)):
        for _ in range(intervals[index]):
            after, state = path[step % len(path)], before[0]
            for i in range(n):
                values[0, i] = (state[i] - shifts[i]) * gains[i]
            respond(activation, values)
            for i in range(n):
                inner[0, i] = values[1, i]
                after[0, i] = values[2, i] * gains[i]
            for row in range(1, rows):
                for i in range(n):
                    inner[row, i] = before[row, i] * after[0, i]
            for row in range(rows):
                for i in range(n):
                    after[row, i] = before[row, i] * keep[i]
            if len(drive):
                current = drive[step % len(drive)]
                for i in range(n):
                    after[0, i] += leaks[i] * current[i]
            product(inner, transposed, 1.0, 1.0, after)
            before = after
            step += 1
        finish_interval(before, index, growing, rs, growths, norms)
    return before


def steps_rate(
    activation, bundle, transposed, gains, shifts, drive, keep, leaks, intervals, growing, path, inner, rs, growths,
    norms,
):  # fmt: skip
    """As `steps_current`, in the rate form."""
    rows, n = bundle.shape
    slopes, before, step = np.empty_like(gains), bundle, 0
    values = np.empty((4, n), np.float64)  # as above
    for index in range(len(intervals)):
        for _ in range(intervals[index]):
            after, products = path[step % len(path)], inner[step % len(inner)]
            product(before, transposed, 1.0, 0.0, products)
            if len(drive):
                current = drive[step % len(drive)]
                for i in range(n):
                    products[0, i] += current[i]
            for i in range(n):
                values[0, i] = (products[0, i] - shifts[i]) * gains[i]
            respond(activation, values)
            for i in range(n):
                after[0, i] = keep[i] * before[0, i] + leaks[i] * values[1, i]
                slopes[i] = values[2, i] * gains[i] * leaks[i]
            for row in range(1, rows):
                for i in range(n):
                    after[row, i] = keep[i] * before[row, i] + slopes[i] * products[row, i]
            before = after
            step += 1
        finish_interval(before, index, growing, rs, growths, norms)
    return before


@njit(fastmath=FAST)
def finish_interval(bundle, index, growing, rs, growths, norms):
    """Orthonormalise the tangent vectors; record their growth and the largest magnitude in the state."""
    if growing:
        r, growth = rs[index], growths[index]
        orthonormalise(bundle[1:], r)
        for i in range(len(r)):
            growth[i] = np.log(r[i, i])
    largest = norms[index]
    for value in bundle[0]:
        magnitude = abs(value)
        if not magnitude <= largest:  # also for nan
            largest = magnitude
    norms[index] = largest


def adjoint_current(
    activation, bundle, weights, gains, shifts, keep, leaks, intervals, growing, path, rs, adjoint, growths_bar,
    gains_bar, shifts_bar, drive_bar, weights_bar,
):  # fmt: skip
    """Turn the adjoint of the last bundle into that of the first in place, and add to the other adjoints.

    drive_bar (D, N) and weights_bar (N, N) have no row where they are not needed. weights_bar lacks the factor a.
    """
    rows, n = bundle.shape
    trains = len(weights_bar) > 0
    size = max(1, CHUNK // rows) if trains else 0
    adjoints, inners, stored = np.empty((size * rows, n), gains.dtype), np.empty((size * rows, n), gains.dtype), 0
    buffer, slopes_bar, slopes = np.empty_like(bundle), np.empty_like(gains), np.empty_like(gains)
    values, step = np.empty((4, n), np.float64), 0
    for count in intervals:
        step += count
    for index in range(len(intervals) - 1, -1, -1):
        if growing:
            orthonormalise_adjoint(path[step - 1, 1:], rs[index], adjoint[1:], growths_bar[index])
        for _ in range(intervals[index]):
            step -= 1
            before = path[step - 1] if step else bundle
            if len(drive_bar):
                for i in range(n):
                    drive_bar[step % len(drive_bar), i] += leaks[i] * adjoint[0, i]
            if trains:
                copy_into(adjoints[stored * rows : (stored + 1) * rows], adjoint)
            if step > 1:
                request(path[step - 2])
            product(adjoint, weights, 1.0, 0.0, buffer)
            for i in range(n):
                values[0, i] = (before[0, i] - shifts[i]) * gains[i]
            respond(activation, values)
            for i in range(n):
                slopes[i], slopes_bar[i] = values[2, i] * gains[i], 0
            for row in range(1, rows):
                for i in range(n):
                    slopes_bar[i] += buffer[row, i] * before[row, i]
                    adjoint[row, i] = keep[i] * adjoint[row, i] + buffer[row, i] * slopes[i]
            for i in range(n):
                distance, gain = before[0, i] - shifts[i], gains[i]
                rate, slope, curved = values[1, i], values[2, i], values[3, i] * gain
                bar = buffer[0, i]
                gains_bar[i] += bar * slope * distance + slopes_bar[i] * (slope + curved * distance)
                shifts_bar[i] -= (bar * slope + slopes_bar[i] * curved) * gain
                adjoint[0, i] = keep[i] * adjoint[0, i] + (bar * slope + slopes_bar[i] * curved) * gain
                if trains:
                    inners[stored * rows, i] = rate
            if trains:
                for row in range(1, rows):
                    for i in range(n):
                        inners[stored * rows + row, i] = before[row, i] * slopes[i]
                stored += 1
                if stored == size or step == 0:
                    product_left_transposed(adjoints[: stored * rows], inners[: stored * rows], 1.0, 1.0, weights_bar)
                    stored = 0


def adjoint_rate(
    activation, bundle, weights, gains, shifts, keep, leaks, intervals, growing, path, inner, rs, adjoint, growths_bar,
    gains_bar, shifts_bar, drive_bar, weights_bar,
):  # fmt: skip
    """As `adjoint_current`, in the rate form; weights_bar is complete."""
    rows, n = bundle.shape
    trains = len(weights_bar) > 0
    size = max(1, CHUNK // rows) if trains else 0
    adjoints, befores, stored = np.empty((size * rows, n), gains.dtype), np.empty((size * rows, n), gains.dtype), 0
    buffer, slopes_bar, slopes = np.empty_like(bundle), np.empty_like(gains), np.empty_like(gains)
    values, step = np.empty((4, n), np.float64), 0
    for count in intervals:
        step += count
    for index in range(len(intervals) - 1, -1, -1):
        if growing:
            orthonormalise_adjoint(path[step - 1, 1:], rs[index], adjoint[1:], growths_bar[index])
        for _ in range(intervals[index]):
            step -= 1
            before, products = path[step - 1] if step else bundle, inner[step]
            if step:
                request(inner[step - 1])
            for i in range(n):
                values[0, i] = (products[0, i] - shifts[i]) * gains[i]
            respond(activation, values)
            for i in range(n):
                slopes[i], slopes_bar[i] = values[2, i] * gains[i] * leaks[i], 0
            for row in range(1, rows):
                for i in range(n):
                    slopes_bar[i] += adjoint[row, i] * products[row, i]
                    buffer[row, i] = adjoint[row, i] * slopes[i]
                    adjoint[row, i] *= keep[i]
            for i in range(n):
                distance, gain, leak = products[0, i] - shifts[i], gains[i], leaks[i]
                slope, curved = values[2, i], values[3, i] * gain
                bar, slope_bar = leak * adjoint[0, i], leak * slopes_bar[i]
                gains_bar[i] += bar * slope * distance + slope_bar * (slope + curved * distance)
                input_bar = (bar * slope + slope_bar * curved) * gain
                shifts_bar[i] -= input_bar
                buffer[0, i] = input_bar
                adjoint[0, i] *= keep[i]
            if len(drive_bar):
                for i in range(n):
                    drive_bar[step % len(drive_bar), i] += buffer[0, i]
            product(buffer, weights, 1.0, 1.0, adjoint)
            if trains:
                copy_into(adjoints[stored * rows : (stored + 1) * rows], buffer)
                copy_into(befores[stored * rows : (stored + 1) * rows], before)
                stored += 1
                if stored == size or step == 0:
                    product_left_transposed(adjoints[: stored * rows], befores[: stored * rows], 1.0, 1.0, weights_bar)
                    stored = 0


STEPS: dict[str, tuple[Callable, Callable]] = {
    "current": (steps_current, adjoint_current),
    "rate": (steps_rate, adjoint_rate),
}
