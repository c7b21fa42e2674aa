"""An activation, or its slope, for a row of numbers in place, as functions of C that compiled loops call by address.

They work in the precision of the row: in float32 the functions of an activation are compiled with constants and
exponentials in float32, which is several times as fast as float64.
"""

from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic


def signatures(number):
    """The types of `fill_rates` and `multiply` in C, for a precision of numba."""
    pointer = types.CPointer(number)
    return types.void(pointer, types.intp), types.void(pointer, pointer, types.intp)


def response(u):
    """The function `scalar` of an activation's row: phi(u), phi'(u) and phi''(u)."""
    raise NotImplementedError("this name is bound when an activation is compiled")


def slope(rate):
    """The function `slope` of an activation's row: phi' from the rate."""
    raise NotImplementedError("this name is bound when an activation is compiled")


def fill_rates(pointer, n):
    """Replace n numbers u in memory by phi(u)."""
    values = carray(pointer, (n,))
    for i in range(n):
        values[i] = response(values[i])[0]


def multiply(pointer, rates_pointer, n):
    """Multiply n adjoints in memory by the slopes at n rates."""
    adjoints, rates = carray(pointer, (n,)), carray(rates_pointer, (n,))
    for i in range(n):
        adjoints[i] *= slope(rates[i])


def _call(context, builder, address, kinds, arrays, n):
    """Call the function of C at the address for arrays and their number of entries."""
    pairs = zip(kinds, arrays, strict=True)
    pointers = [context.make_array(kind)(context, builder, array).data for kind, array in pairs]
    kind = ir.FunctionType(ir.VoidType(), [*(pointer.type for pointer in pointers), n.type])
    builder.call(builder.inttoptr(address, kind.as_pointer()), [*pointers, n])
    return context.get_dummy_value()


@intrinsic
def activate(typingctx, addresses, row, n):
    """Replace the first n numbers of a row by their rates; addresses: those of `fill_rates` and `multiply`."""

    def codegen(context, builder, signature, arguments):
        address = builder.extract_value(arguments[0], 0)
        return _call(context, builder, address, [row], [arguments[1]], arguments[2])

    return types.void(types.UniTuple(types.intp, 2), row, types.intp), codegen


@intrinsic
def multiply_by_slopes(typingctx, addresses, row, rates, n):
    """Multiply the first n numbers of a row by the slopes at rates; addresses: as above."""

    def codegen(context, builder, signature, arguments):
        address = builder.extract_value(arguments[0], 1)
        return _call(context, builder, address, [row, rates], arguments[1:3], arguments[3])

    return types.void(types.UniTuple(types.intp, 2), row, rates, types.intp), codegen
