"""exp(x) and exp(x) - 1 of one number in arithmetic only, so that a compiled loop treats several numbers at once.

Both are exact to a few units in the last place, as those of a mathematical library are; see Cody & Waite 1980 for the
reduction of the argument. Branches are selections between two numbers, which do not keep a loop from being vectorised.
"""

import math

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ROUND = 6755399441055744.0  # 1.5 2^52: a number that is added to it is rounded to an integer in its last bits
LOG2_HIGH, LOG2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # ln 2 in two parts
LEAST, LARGEST = -708.0, 709.0  # exp is normal in between


@intrinsic
def _bits(typingctx, number):
    """The bits of a float64 as an int64."""

    def codegen(context, builder, signature, values):
        return builder.bitcast(values[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def _number(typingctx, bits):
    """The float64 with these bits."""

    def codegen(context, builder, signature, values):
        return builder.bitcast(values[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@njit(fastmath={"contract"}, error_model="numpy")
def _reduced(x):
    """q and 2^n with exp(x) = 2^n (1 + q)."""
    shifted = x * 1.4426950408889634 + ROUND
    power = shifted - ROUND
    y = (x - power * LOG2_HIGH) - power * LOG2_LOW
    q = 1.6059043836821613e-10
    q = q * y + 2.08767569878681e-09
    q = q * y + 2.505210838544172e-08
    q = q * y + 2.755731922398589e-07
    q = q * y + 2.7557319223985893e-06
    q = q * y + 2.48015873015873e-05
    q = q * y + 0.0001984126984126984
    q = q * y + 0.001388888888888889
    q = q * y + 0.008333333333333333
    q = q * y + 0.041666666666666664
    q = q * y + 0.16666666666666666
    q = q * y + 0.5
    q = q * y + 1.0
    return q * y, _number((_bits(shifted) + 1023) << 52)


@njit(fastmath={"contract"}, error_model="numpy")
def exponential(x):
    """exp(x); 0 below -708, and nan for nan."""
    vanishes = x < LEAST
    x = LEAST if vanishes else x
    x = LARGEST if x > LARGEST else x
    q, scale = _reduced(x)
    value = q * scale + scale
    return 0.0 if vanishes else value


@njit(fastmath={"contract"}, error_model="numpy")
def exponential_minus_one(x):
    """exp(x) - 1, which is exact for small x because 2^n is 1 there; -1 below -708, and nan for nan."""
    x = LEAST if x < LEAST else x
    x = LARGEST if x > LARGEST else x
    q, scale = _reduced(x)
    return q * scale + (scale - 1)


FAST = {math.exp: exponential, math.expm1: exponential_minus_one}
