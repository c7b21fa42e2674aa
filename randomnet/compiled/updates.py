"""The direction of an update of all parameters, in one pass over memory."""

import numpy as np
from numba import njit


@njit(error_model="numpy")
def flushed(value, least):
    """The value, or 0 where it is smaller than the smallest normal number: arithmetic with those is slow."""
    return value if abs(value) >= least else value * 0


def adam(mean, square, gradient, constants, direction):
    """Update the running means of Adam in place, and write its direction; see `optimizers`.

    constants, in the precision of the rest: the weights of a gradient and of its square in the means, the corrections
    1 - .9^t and sqrt(1 - .999^t), eps, and the smallest normal number.
    """
    fresh, fresh_square, correction = constants[0], constants[1], constants[2]
    root_correction, eps, least = constants[3], constants[4], constants[5]
    for i in range(len(gradient)):
        value = gradient[i]
        average = flushed(mean[i] + fresh * (value - mean[i]), least)
        power = flushed(square[i] + fresh_square * (value * value - square[i]), least)
        mean[i], square[i] = average, power
        direction[i] = average / (np.sqrt(power) / root_correction + eps) / correction
