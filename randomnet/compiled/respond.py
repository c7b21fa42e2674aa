"""An activation and its derivatives for many numbers, as a function of C that compiled loops call by its address.

The loops are thus compiled once for all activations, and each activation by itself, which takes a second.
"""

from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

SIGNATURE = types.void(types.CPointer(types.float64), types.intp)


def response(u: float) -> tuple[float, float, float]:
    """phi(u), phi'(u) and phi''(u): in the compiled function that of the activation's row."""
    raise NotImplementedError("this name is bound when an activation is compiled")


def fill(pointer, n):
    """Read u from row 0 of a matrix (4, n) in memory, and write phi(u), phi'(u) and phi''(u) into the others."""
    values = carray(pointer, (4, n))
    for i in range(n):
        values[1, i], values[2, i], values[3, i] = response(values[0, i])


@intrinsic
def respond(typingctx, address, values):
    """Call the function of C at the address for a contiguous matrix (4, n) of float64."""

    def codegen(context, builder, signature, arguments):
        matrix = context.make_array(values)(context, builder, arguments[1])
        n = builder.extract_value(matrix.shape, 1)
        kind = ir.FunctionType(ir.VoidType(), [ir.DoubleType().as_pointer(), n.type])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [matrix.data, n])
        return context.get_dummy_value()

    return types.void(types.intp, values), codegen
