"""The loops of `steps` and the activations, compiled once per machine.

numba keeps what it compiles on disk: in the `__pycache__` of this package, in the user's folder for caches where that
is not writable, or in NUMBA_CACHE_DIR. The names under which it does so contain a hash of all sources, so that no other
version of the code is ever taken for this one. Processes that start together wait for the first to compile.
"""

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import numpy as np
import torch
from filelock import FileLock, Timeout
from numba import cfunc, config, njit, set_num_threads, types
from numba.core import event

from randomnet.compiled import blas, column_steps, elementwise, products, respond, scalars, steps, trials, updates
from randomnet.compiled.orthonormal import FAST

SECONDS = 10  # to compile forward and adjoint, of the order of
LOCK = threading.Lock()
if config.THREADING_LAYER == "default":
    config.THREADING_LAYER = "forksafe"  # workers are forked
LONGEST = 120  # seconds to wait for another process; after that this one compiles too, which does no harm


@cache
def _sources(function: Callable) -> str:
    """A hash of the sources of what is compiled, and of what a function made inside another one has from there."""
    files = [Path(function.__code__.co_filename), *sorted(Path(__file__).parent.glob("*.py"))]
    given = cast(FunctionType, function)
    line, cells = given.__code__.co_firstlineno.to_bytes(4), given.__closure__ or ()
    values = repr((given.__defaults__, [cell.cell_contents for cell in cells])).encode()
    return hashlib.sha256(b"".join([line, values, *(file.read_bytes() for file in files)])).hexdigest()[:12]


def _clone(function: Callable, name: str, bound: dict[str, Any]) -> FunctionType:
    """The function under another name, with other objects in the place of some of its globals."""
    given = cast(FunctionType, function)
    clone = FunctionType(given.__code__, given.__globals__ | bound, name, given.__defaults__, given.__closure__)
    clone.__qualname__ = name
    clone.__module__ = function.__module__
    return clone


def _scalar(function: Callable, single: bool = False) -> Callable:
    """The function of one number for use in loops, with the functions that it calls; single: for float32."""
    known, fast = function.__globals__, scalars.FAST_SINGLE if single else scalars.FAST
    called: dict[str, Any] = {}
    for name in function.__code__.co_names:
        value = known.get(name)
        if isinstance(value, FunctionType):
            called[name] = _scalar(value, single)
        elif callable(value) and value in fast:
            called[name] = fast[value]
        elif single and isinstance(value, float):
            called[name] = np.float32(value)
    clone = _clone(function, function.__name__, called)
    if single:  # a constant in float64 would make its term float64
        constants = [np.float32(value) if type(value) in (int, float) else value for value in clone.__code__.co_consts]
        clone.__code__ = clone.__code__.replace(co_consts=tuple(constants))
    return njit(error_model="numpy")(clone)


def _kept(compiler: Callable, function: Callable, **options: Any) -> Any:
    """The function under this compiler of numba, kept on disk; only in memory where no folder is writable."""
    try:
        return compiler(cache=True, **options)(function)
    except RuntimeError:
        return compiler(**options)(function)


@cache
def _address(scalar: Callable) -> int:
    """The address of the compiled function that `respond` calls, for the scalar function of an activation."""
    name = f"fill_{scalar.__name__.strip('<>')}_{_sources(scalar)}"
    function = _clone(respond.fill, name, {"response": _scalar(scalar)})
    return _kept(partial(cfunc, respond.SIGNATURE), function, error_model="numpy", fastmath=FAST).address


@cache
def _elementwise(scalar: Callable, slope: Callable, single: bool) -> tuple[int, int]:
    """The addresses of the compiled functions of `elementwise`, for the functions of an activation's row."""
    addresses, number = [], types.float32 if single else types.float64
    jobs: list[tuple[Callable, str, Callable]]
    jobs = [(elementwise.fill_rates, "response", scalar), (elementwise.multiply, "slope", slope)]
    for (function, placeholder, each), signature in zip(jobs, elementwise.signatures(number), strict=True):
        name = f"{function.__name__}_{each.__name__.strip('<>')}_{number}_{_sources(each)}"
        clone = _clone(function, name, {placeholder: _scalar(each, single)})
        addresses.append(_kept(partial(cfunc, signature), clone, error_model="numpy", fastmath=FAST).address)
    return addresses[0], addresses[1]


@cache
def kernel(function: Callable, parallel: bool = False) -> "Kernel":
    """A function of arrays, compiled once per machine; parallel: its loops over chunks are shared by threads."""
    name = f"{function.__name__}_{'threads_' if parallel else ''}{_sources(function)}"
    options = {"parallel": True} if parallel else {}
    return Kernel(_kept(njit, _clone(function, name, {}), error_model="numpy", fastmath=FAST, **options), name)


def compiled(scalar: Callable, form: str) -> tuple[Callable, Callable]:
    """Steps and adjoint in this form (see `steps`) for the scalar function of an activation."""
    first, second = (partial(kernel(function), _address(scalar)) for function in steps.STEPS[form])
    return first, second


def trial_loops(scalar: Callable, slope: Callable, single: bool) -> tuple[Callable, Callable]:
    """Steps along trials and their adjoint (see `trials`), for the functions of an activation; single: in float32."""
    addresses = _elementwise(scalar, slope, single)
    first, second = (partial(kernel(function), addresses) for function in trials.STEPS)
    return first, second


def adam() -> "Kernel":
    """The direction of an update by Adam; see `updates.adam`."""
    return kernel(updates.adam)


def columns(scalar: Callable, threads: int) -> tuple[Callable, Callable]:
    """Steps and adjoint of bundles in columns (see `column_steps`); with threads, in Python over compiled passes."""
    first, second = (partial(looped(loop, threads > 1), _address(scalar)) for loop in column_steps.STEPS)
    return first, second


@cache
def looped(function: Callable, threads: bool) -> Callable:
    """A loop over steps: compiled as a whole, or in Python over passes whose chunks are shared by threads."""
    if not threads:
        return kernel(function)
    bound: dict[str, Any] = {}
    for each in column_steps.PASSES:
        bound[each.__name__] = kernel(each.py_func, each in column_steps.SHARED)
    for each in column_steps.LOOPS:
        bound[each.__name__] = _clone(each.py_func, each.__name__, bound)
    return _on_threads(_clone(function, function.__name__, bound))


@cache
def product(threads: bool) -> Callable:
    """The function that writes J x into an array; see `products.multiply`."""
    multiply = kernel(products.multiply.py_func, threads)
    return _on_threads(multiply) if threads else multiply


def _on_threads(loop: Callable) -> Callable:
    """The function with as many threads as torch has, while torch has one.

    Two groups of threads would hinder each other, and sums inside torch's products depend on their number.
    """

    def run(*arguments: Any) -> Any:
        threads = torch.get_num_threads()
        with LOCK:  # numba's threads serve one caller at a time
            set_num_threads(min(threads, config.NUMBA_NUM_THREADS))
            torch.set_num_threads(1)
            try:
                return loop(*arguments)
            finally:
                torch.set_num_threads(threads)

    return run


class Kernel(event.Listener):
    """A compiled function. The first call of a process with new types waits for other processes that compile."""

    said = False

    def __init__(self, kernel: Any, name: str) -> None:
        self.kernel, self.name = kernel, name
        self.types: set[str] = set()

    def __call__(self, *arguments: Any) -> Any:
        blas.respect_threads()
        kinds = "".join(map(_kind, arguments))
        if kinds not in self.types:
            self._compile(*arguments)
            self.types.add(kinds)
        return self.kernel(*arguments)

    def _compile(self, *arguments: Any) -> None:
        """Compile for the types of these arguments, or read from disk what was compiled for them."""
        folder = self.kernel.stats.cache_path
        with (
            one_at_a_time(folder and Path(folder) / f"{self.name}.lock"),
            event.install_listener("numba:compile", self),
        ):
            self.kernel.compile(tuple(self.kernel.typeof_pyval(argument) for argument in arguments))

    def on_start(self, started: Any) -> None:
        """Say, once per process, that compilation has begun."""
        if started.data.get("dispatcher") is self.kernel and not Kernel.said:
            Kernel.said = True
            print(f"compiling steps once, about {SECONDS} s", file=sys.stderr)

    def on_end(self, ended: Any) -> None:
        """Nothing happens at the end of compilation."""


def _kind(argument: Any) -> str:
    """The precision of an array, or of the arrays of a tuple; other arguments have always the same type."""
    if isinstance(argument, tuple):
        return "".join(map(_kind, argument)) + ","
    return argument.dtype.char if isinstance(argument, np.ndarray) else "-"


@cache
def _say_waiting() -> None:
    print("waiting for another process that compiles steps", file=sys.stderr)


@contextmanager
def one_at_a_time(path: Path | None) -> Iterator[None]:
    """Let one process at a time into the block, and each at the latest after LONGEST seconds; says once that it waits.

    The operating system gives back the lock of a process that was killed.
    """
    if path is None:
        yield
        return
    lock = FileLock(path)
    with suppress(Timeout, OSError, NotImplementedError):  # a process that compiles too does no harm
        _acquire(lock)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say_waiting()
        lock.acquire(timeout=LONGEST, poll_interval=0.1)
