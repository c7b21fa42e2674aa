"""The loops of `steps` and the activations, compiled once per machine.

numba keeps what it compiles on disk: in the `__pycache__` of this package, in the user's folder for caches where that
is not writable, or in NUMBA_CACHE_DIR. The names under which it does so contain a hash of all sources, so that no other
version of the code is ever taken for this one. Processes that start together wait for the first to compile.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from types import FunctionType
from typing import Any

from filelock import FileLock, Timeout
from numba import cfunc, njit
from numba.core import event

from randomnet.compiled import blas, respond, scalars, steps
from randomnet.compiled.orthonormal import FAST

SECONDS = 10  # to compile forward and adjoint, of the order of
LONGEST = 120  # seconds to wait for another process; after that this one compiles too, which does no harm


@cache
def _sources(function: Callable) -> str:
    """A hash of the sources of what is compiled."""
    files = [Path(function.__code__.co_filename), *sorted(Path(__file__).parent.glob("*.py"))]
    line = function.__code__.co_firstlineno.to_bytes(4)
    return hashlib.sha256(b"".join([line, *(file.read_bytes() for file in files)])).hexdigest()[:12]


def _clone(function: Callable, name: str, bound: dict[str, Any]) -> FunctionType:
    """The function under another name, with other objects in the place of some of its globals."""
    clone = FunctionType(function.__code__, function.__globals__ | bound, name)
    clone.__qualname__ = name
    clone.__module__ = function.__module__
    return clone


def _scalar(function: Callable) -> Callable:
    """The function of one number for use in loops, with the functions that it calls."""
    known, called = function.__globals__, {}
    for name in function.__code__.co_names:
        value = known.get(name)
        if isinstance(value, FunctionType):
            called[name] = _scalar(value)
        elif callable(value) and value in scalars.FAST:
            called[name] = scalars.FAST[value]
    return njit(error_model="numpy")(_clone(function, function.__name__, called))


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
def kernel(function: Callable) -> "Kernel":
    """A function of arrays, compiled once per machine."""
    name = f"{function.__name__}_{_sources(function)}"
    return Kernel(_kept(njit, _clone(function, name, {}), error_model="numpy", fastmath=FAST), name)


def compiled(scalar: Callable, form: str) -> tuple[Callable, Callable]:
    """Steps and adjoint in this form (see `steps`) for the scalar function of an activation."""
    first, second = (partial(kernel(function), _address(scalar)) for function in steps.STEPS[form])
    return first, second


class Kernel(event.Listener):
    """A compiled function. The first call of a process with new types waits for other processes that compile."""

    said = False

    def __init__(self, kernel: Any, name: str) -> None:
        self.kernel, self.name = kernel, name
        self.types: set[str] = set()

    def __call__(self, *arguments: Any) -> Any:
        blas.respect_threads()
        dtype = arguments[-1].dtype.char  # all arrays have one precision
        if dtype not in self.types:
            self._compile(*arguments)
            self.types.add(dtype)
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
