"""The direction of an update of all parameters, in one pass over memory."""

import numpy as np
from numba import njit


@njit(error_model="numpy")
def flushed(value, least, zero):
    """The value, or 0 where it is below the smallest normal number: arithmetic with those is slow."""
    return zero if abs(value) < least else value  # nan stays nan


def adam(mean, square, gradient, constants, direction):
    """Update the running means of Adam in place, and write its direction; see `optimizers`.

    constants, in the precision of the rest: the weights of a gradient and of its square in the means, 1/(1 - .9^t) and
    1/sqrt(1 - .999^t), eps, the number below which means become 0, 0, and the weight of the mean square before.
    """
    fresh, fresh_square, correction, root_correction = constants[0], constants[1], constants[2], constants[3]
    eps, least, zero, kept = constants[4], constants[5], constants[6], constants[7]
    for i in range(len(gradient)):
        value = gradient[i]
        average = flushed(mean[i] + fresh * (value - mean[i]), least, zero)
        power = flushed(kept * square[i] + fresh_square * value * value, least, zero)  # inf stays inf
        mean[i], square[i] = average, power
        direction[i] = average * correction / (np.sqrt(power) * root_correction + eps)
