"""Steps of networks along trials and their adjoint, for dense couplings and Euler steps.

A row of `rows` (T + 1, batch, W) holds the rates of a trial, its inputs at the next step, 1 and zeros. Its product with
`right` (W, N), which stacks J^T, U^T, the bias and zeros, is the whole drive of a step. One product of adjoints and
rows has the gradients of all three. W is a multiple of 16, which makes the latter faster. Each step is finished while
its rows are in the cache. Names ending in _bar are adjoints.
"""

from numba import njit

from randomnet.compiled.blas import product, product_left_transposed, product_right_transposed
from randomnet.compiled.elementwise import activate, multiply_by_slopes
from randomnet.compiled.orthonormal import FAST, copy_into

FEW = 4  # outputs up to which loops are faster than products


@njit(error_model="numpy")
def fill_inputs(rows, inputs, n):
    """Write inputs, ones and zeros behind the N rates of each row."""
    channels = inputs.shape[2]
    for step in range(len(rows)):
        for trial in range(rows.shape[1]):
            row = rows[step, trial]
            for j in range(n, len(row)):
                row[j] = 0
            if step < len(inputs):
                for channel in range(channels):
                    row[n + channel] = inputs[step, trial, channel]
                row[n + channels] = 1


@njit(fastmath=FAST, error_model="numpy")
def leak_towards(row, leaks, target):
    """row += a (target - row), into both."""
    for j in range(len(leaks)):
        row[j] += leaks[j] * (target[j] - row[j])
        target[j] = row[j]


@njit(fastmath=FAST, error_model="numpy")
def leak_from(before, leaks, fired, out):
    """Write before + a (fired - before) into `out`."""
    for j in range(len(leaks)):
        out[j] = before[j] + leaks[j] * (fired[j] - before[j])


@njit(fastmath=FAST, error_model="numpy")
def add_row(row, other):
    """row += other, for as many numbers as `other` has."""
    for j in range(len(other)):
        row[j] += other[j]


def trial_steps(
    activation, right, readout, offset, inputs, extra, leaks, is_rate, at_zero, rows, fired, state, outputs, states
):
    """Fill rows from rows[0] on, and outputs (T, batch, outputs).

    extra: (T, batch, N), an additional drive, or no step. leaks: a of each unit, or none where it is 1. at_zero: the
    first rates are 0. With leaks, `state` (batch, N) in the current form holds the state, and `fired` (T, batch, N)
    in the rate form receives the output of the activation. states (last, batch, N) receives the last states in the
    current form.
    """
    time, batch = inputs.shape[:2]
    n, first_state = right.shape[1], time - len(states)
    fill_inputs(rows, inputs, n)
    for step in range(time):
        before, now = rows[step], rows[step + 1]
        if step == 0 and at_zero:
            product(before[:, n:], right[n:], 1.0, 0.0, now[:, :n])
        else:
            product(before, right, 1.0, 0.0, now[:, :n])
        for trial in range(batch):
            row = now[trial]
            if len(extra):
                add_row(row, extra[step, trial])
            if len(leaks) and is_rate:
                target = fired[step, trial]
                for j in range(n):
                    target[j] = row[j]
                activate(activation, target, n)
                leak_from(before[trial], leaks, target, row)
                continue
            if len(leaks):
                leak_towards(state[trial], leaks, row)
            if step >= first_state:
                copied = states[step - first_state, trial]
                for j in range(n):
                    copied[j] = row[j]
            activate(activation, row, n)
        for trial in range(batch):
            for output in range(len(offset)):
                outputs[step, trial, output] = offset[output]
        product_right_transposed(now[:, :n], readout, 1.0, 1.0, outputs[step])


@njit(error_model="numpy")
def is_zero(matrix):
    """Whether all entries are 0."""
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            if matrix[i, j] != 0:
                return False
    return True


@njit(fastmath=FAST, error_model="numpy")
def add_readout_adjoint(output_bar, readout, added, bar):
    """Write the adjoint of rates from that of outputs into `bar`, or add it."""
    if output_bar.shape[1] > FEW:
        product(output_bar, readout, 1.0, 1.0 if added else 0.0, bar)
        return
    for trial in range(len(bar)):
        row = bar[trial]
        if not added:
            row[:] = 0
        for output in range(len(readout)):
            factor, weights = output_bar[trial, output], readout[output]
            for j in range(len(weights)):
                row[j] += factor * weights[j]


@njit(fastmath=FAST, error_model="numpy")
def add_readout_gradient(output_bar, now, readout_bar):
    """Add the gradient of the readout weights of one step with rows `now`."""
    outputs, n = readout_bar.shape
    if outputs > FEW:
        product_left_transposed(output_bar, now[:, :n], 1.0, 1.0, readout_bar)
        return
    for output in range(outputs):
        total = readout_bar[output]
        for trial in range(len(now)):
            factor, row = output_bar[trial, output], now[trial]
            for j in range(n):
                total[j] += factor * row[j]


@njit(fastmath=FAST, error_model="numpy")
def add_state_adjoint(state_bar, leaks, connected, bar):
    """In the rate form with leaks: add the adjoint of the state after the next step to both."""
    for trial in range(len(bar)):
        row, total = bar[trial], state_bar[trial]
        for j in range(len(leaks)):
            if connected:
                row[j] += (1 - leaks[j]) * total[j]
            total[j] = row[j]


@njit(fastmath=FAST, error_model="numpy")
def scale_by_leaks(bar, leaks, later, connected, is_rate):
    """Multiply the adjoint of each state by a; in the current form add what passes through the next state."""
    for trial in range(len(bar)):
        row, other = bar[trial], later[trial]
        for j in range(len(leaks)):
            row[j] *= leaks[j]
            if connected and not is_rate:
                row[j] += (1 - leaks[j]) * other[j]


@njit(fastmath=FAST, error_model="numpy")
def add_final_adjoint(bar, leaks, final_bar):
    """Add the adjoint of a state that was an output, in the current form."""
    for trial in range(len(bar)):
        row, other = bar[trial], final_bar[trial]
        if not len(leaks):
            add_row(row, other)
        for j in range(len(leaks)):
            row[j] += leaks[j] * other[j]


@njit
def add_gradient(bars, rows, n, at_zero, begin, gradient):
    """Add the gradient (N, W) of all weights, from column `begin` on, of steps with adjoints `bars` and rows before."""
    first = 0
    if at_zero and begin < n:
        product_left_transposed(bars[0], rows[0][:, n:], 1.0, 1.0, gradient[:, n:])
        first = 1
    if first < len(bars):
        steps, batch, width = rows[first:].shape
        left = bars[first:].reshape(steps * batch, n)
        right = rows[first:].reshape(steps * batch, width)
        product_left_transposed(left, right[:, begin:], 1.0, 1.0, gradient[:, begin:])


def trial_adjoint(
    activation, weights, readout, outputs_bar, rates_bar, states_bar, leaks, is_rate, at_zero, truncate, start, rows,
    fired, bars, begin, gradient, readout_bar, state_bar,
):  # fmt: skip
    """Add to gradient (N, W) and readout_bar; returns whether the first step is connected to the next one.

    outputs_bar (T, batch, outputs), rates_bar (T, batch, N) and states_bar (last, batch, N) have no step where they are
    not needed. Step t has the number start + t, and the gradient is cut before each `truncate`-th; 0: never. bars
    (2 or 1, group, batch, N) hold the adjoints of drives in turns, and state_bar (batch, N) that of the state in the
    rate form with leaks. gradient is that of all weights from column `begin` on, or has no row.
    """
    time, batch, n, group = len(rows) - 1, rows.shape[1], len(weights), bars.shape[1]
    first_state, connected = time - len(states_bar), False
    for step in range(time - 1, -1, -1):
        bar = bars[step // group % len(bars), step % group]
        later = bars[(step + 1) // group % len(bars), (step + 1) % group]
        now, added = rows[step + 1], len(rates_bar) > 0
        if truncate and (start + step + 1) % truncate == 0:
            connected = False
        if added:
            copy_into(bar, rates_bar[step])
        if len(outputs_bar) and not is_zero(outputs_bar[step]):
            add_readout_adjoint(outputs_bar[step], readout, added, bar)
            add_readout_gradient(outputs_bar[step], now, readout_bar)
            added = True
        if connected:
            product(later, weights, 1.0, 1.0 if added else 0.0, bar)
        elif not added:
            bar[:] = 0
        if len(leaks) and is_rate:
            add_state_adjoint(state_bar, leaks, connected, bar)
        for trial in range(batch):
            row = fired[step, trial] if len(fired) else now[trial]
            multiply_by_slopes(activation, bar[trial], row, n)
        if len(leaks):
            scale_by_leaks(bar, leaks, later, connected, is_rate)
        if step >= first_state:
            add_final_adjoint(bar, leaks, states_bar[step - first_state])
        connected = True
        if step % group == 0 and len(gradient):
            last = min(time, step + group)
            part = bars[step // group % len(bars), : last - step]
            add_gradient(part, rows[step:last], n, at_zero and step == 0, begin, gradient)


STEPS = trial_steps, trial_adjoint
