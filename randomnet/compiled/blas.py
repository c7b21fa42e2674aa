"""Matrix products inside compiled loops, through the BLAS that torch brings, or else that of scipy.

torch's own library (MKL in its wheels for x86) is the one that the eager path uses: products have its speed, and
torch.set_num_threads holds for them. Where its functions are not exported, those of scipy.linalg.cython_blas stand in.
Both have the interface of Fortran, so compiled code names a symbol, and the address is looked up once per process.
"""

import ctypes
from functools import cache
from importlib import import_module
from pathlib import Path

import llvmlite.binding as llvm
import torch
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

FUNCTIONS = ("dgemm", "sgemm")
THREAD_SETTERS = ("scipy_openblas_set_num_threads", "openblas_set_num_threads", "MKL_Set_Num_Threads")


def _addresses_in_torch() -> list[int]:
    """The addresses of FUNCTIONS in torch's library. Raises AttributeError or OSError where it exports none."""
    folder = Path(torch.__file__).parent / "lib"
    library = ctypes.CDLL(str(next(iter(folder.glob("libtorch_cpu.so")), folder / "libtorch_cpu.so")))
    return [ctypes.cast(getattr(library, f"{name}_"), ctypes.c_void_p).value or 0 for name in FUNCTIONS]


def _addresses_in_scipy() -> list[int]:
    return [get_cython_function_address("scipy.linalg.cython_blas", name) for name in FUNCTIONS]


@cache
def _limit_threads_of_scipy(threads: int) -> None:
    """Let scipy's BLAS use this number of threads from now on."""
    _limit_threads_of_scipy.cache_clear()  # only the last number counts
    library = ctypes.CDLL(import_module("scipy.linalg.cython_blas").__file__)
    for name in THREAD_SETTERS:
        if hasattr(library, name):
            getattr(library, name)(threads)


def link() -> str:
    """Make the products known to compiled code; returns whose library they come from, "torch" or "scipy"."""
    try:
        library, addresses = "torch", _addresses_in_torch()
    except (OSError, AttributeError):
        library, addresses = "scipy", _addresses_in_scipy()
    for name, address in zip(FUNCTIONS, addresses, strict=True):
        llvm.add_symbol(f"randomnet_{name}", address)
    return library


LIBRARY = link()


def respect_threads() -> None:
    """Let the next products use as many threads as torch; torch's own library does so by itself."""
    if LIBRARY == "scipy":
        _limit_threads_of_scipy(torch.get_num_threads())


@intrinsic
def _gemm(typingctx, transposed_a, transposed_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """Fortran's gemm for arrays in memory order of columns; transposed: 0 or 1."""
    dtype, order = a.dtype, (transposed_a, transposed_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    def codegen(context, builder, signature, values):
        number, char, integer = context.get_value_type(dtype), ir.IntType(8), ir.IntType(32)
        slots = []
        for kind, value in zip(order, values, strict=True):
            position = len(slots)
            if isinstance(kind, types.Array):
                slots.append(context.make_array(kind)(context, builder, value).data)
            elif position in (0, 1):
                flag = builder.icmp_unsigned("!=", value, ir.Constant(value.type, 0))
                letter = builder.select(flag, ir.Constant(char, ord("T")), ir.Constant(char, ord("N")))
                slots.append(cgutils.alloca_once_value(builder, letter))
            elif position in (5, 10):
                slots.append(cgutils.alloca_once_value(builder, context.cast(builder, value, kind, dtype)))
            else:
                slots.append(cgutils.alloca_once_value(builder, builder.trunc(value, integer)))
        pointers = [char.as_pointer()] * 2 + [integer.as_pointer()] * 3
        pointers += [number.as_pointer(), number.as_pointer(), integer.as_pointer()]
        pointers += [number.as_pointer(), integer.as_pointer(), number.as_pointer()]
        pointers += [number.as_pointer(), integer.as_pointer()]
        name = "randomnet_dgemm" if dtype == types.float64 else "randomnet_sgemm"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), pointers), name)
        builder.call(function, slots)
        return context.get_dummy_value()

    arguments = [types.intp if isinstance(kind, types.Integer) else kind for kind in order]
    return types.void(*arguments), codegen


# arrays are (rows, columns) with adjacent columns; Fortran reads each as its transpose
@njit
def product(a, b, alpha, beta, c):
    """Write alpha a b + beta c into c, for a (m, k), b (k, n) and c (m, n)."""
    size = a.itemsize
    lda, ldb, ldc = a.strides[0] // size, b.strides[0] // size, c.strides[0] // size
    _gemm(0, 0, b.shape[1], a.shape[0], a.shape[1], alpha, b, ldb, a, lda, beta, c, ldc)


@njit
def product_right_transposed(a, b, alpha, beta, c):
    """Write alpha a b^T + beta c into c, for a (m, k), b (n, k) and c (m, n)."""
    size = a.itemsize
    lda, ldb, ldc = a.strides[0] // size, b.strides[0] // size, c.strides[0] // size
    _gemm(1, 0, b.shape[0], a.shape[0], a.shape[1], alpha, b, ldb, a, lda, beta, c, ldc)


@njit
def product_left_transposed(a, b, alpha, beta, c):
    """Write alpha a^T b + beta c into c, for a (k, m), b (k, n) and c (m, n)."""
    size = a.itemsize
    lda, ldb, ldc = a.strides[0] // size, b.strides[0] // size, c.strides[0] // size
    _gemm(0, 1, b.shape[1], a.shape[1], a.shape[0], alpha, b, ldb, a, lda, beta, c, ldc)
