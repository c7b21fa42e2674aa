"""exp(x) and exp(x) - 1 of one number in arithmetic only, so that a compiled loop treats several numbers at once.

They exist in float64, and in float32 under names that end in _single, where all constants are float32 too.

Both are exact to a few units in the last place, as those of a mathematical library are; see Cody & Waite 1980 for the
reduction of the argument. Branches are selections between two numbers, which do not keep a loop from being vectorised.
"""

import math

import numpy as np
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


single = np.float32
ROUND_SINGLE, LOG2_INVERSE = single(12582912.0), single(1.4426950408889634)
HIGH_SINGLE, LOW_SINGLE = single(0.693359375), single(-2.12194440e-4)
LEAST_SINGLE, LARGEST_SINGLE = single(-87.0), single(88.0)
ZERO, ONE, BIAS, MANTISSA = single(0.0), single(1.0), np.int32(127), np.int32(23)
Q7, Q6, Q5, Q4, Q3, Q2 = (single(1 / math.factorial(power)) for power in range(7, 1, -1))


@intrinsic
def _single_bits(typingctx, number):
    """The bits of a float32 as an int32."""

    def codegen(context, builder, signature, values):
        return builder.bitcast(values[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic
def _single_number(typingctx, bits):
    """The float32 with these lower bits."""

    def codegen(context, builder, signature, values):
        lower = values[0] if values[0].type.width == 32 else builder.trunc(values[0], ir.IntType(32))
        return builder.bitcast(lower, ir.FloatType())

    return types.float32(bits), codegen


@njit(fastmath={"contract"}, error_model="numpy")
def _reduced_single(x):
    """q and 2^n with exp(x) = 2^n (1 + q)."""
    shifted = x * LOG2_INVERSE + ROUND_SINGLE
    power = shifted - ROUND_SINGLE
    y = (x - power * HIGH_SINGLE) - power * LOW_SINGLE
    q = Q7
    q = q * y + Q6
    q = q * y + Q5
    q = q * y + Q4
    q = q * y + Q3
    q = q * y + Q2
    q = q * y + ONE
    return q * y, _single_number((_single_bits(shifted) + BIAS) << MANTISSA)


@njit(fastmath={"contract"}, error_model="numpy")
def exponential_single(x):
    """exp(x); 0 below -87, and nan for nan."""
    vanishes = x < LEAST_SINGLE
    x = LEAST_SINGLE if vanishes else x
    x = LARGEST_SINGLE if x > LARGEST_SINGLE else x
    q, scale = _reduced_single(x)
    value = q * scale + scale
    return ZERO if vanishes else value


@njit(fastmath={"contract"}, error_model="numpy")
def exponential_minus_one_single(x):
    """exp(x) - 1; -1 below -87, and nan for nan."""
    x = LEAST_SINGLE if x < LEAST_SINGLE else x
    x = LARGEST_SINGLE if x > LARGEST_SINGLE else x
    q, scale = _reduced_single(x)
    return q * scale + (scale - ONE)


FAST = {math.exp: exponential, math.expm1: exponential_minus_one}
FAST_SINGLE = {math.exp: exponential_single, math.expm1: exponential_minus_one_single}
