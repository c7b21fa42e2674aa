"""The loops of `steps`, compiled for an activation and a form, once per machine.

numba keeps what it compiles on disk: in the `__pycache__` of this package, in the user's folder for caches where that
is not writable, or in NUMBA_CACHE_DIR. The names under which it does so contain a hash of all sources, so that no other
version of the code is ever taken for this one. Processes that start together wait for the first to compile.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from filelock import FileLock
from numba import njit
from numba.core import event

from randomnet.compiled import scalars, steps
from randomnet.compiled.orthonormal import FAST

SECONDS = 15  # to compile forward and adjoint, of the order of


@cache
def _sources(scalar: Callable) -> str:
    """A hash of the sources of what is compiled."""
    files = [Path(scalar.__code__.co_filename), *sorted(Path(__file__).parent.glob("*.py"))]
    line = scalar.__code__.co_firstlineno.to_bytes(4)
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


@cache
def _finish() -> Callable:
    return njit(fastmath=FAST)(steps.finish_interval)


@cache
def compiled(scalar: Callable, form: str) -> tuple[Callable, Callable]:
    """Steps and adjoint in this form (see `steps`) for the scalar function of an activation."""
    bound = {"response": _scalar(scalar), "finish_interval": _finish()}
    first, second = (_kernel(function, scalar, bound) for function in steps.STEPS[form])
    return first, second


def _kernel(function: Callable, scalar: Callable, bound: dict[str, Any]) -> "_AnnouncedKernel":
    name = f"{function.__name__}_{scalar.__name__.strip('<>')}_{_sources(scalar)}"
    return _AnnouncedKernel(njit(cache=True, error_model="numpy", fastmath=FAST)(_clone(function, name, bound)), name)


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """A lock among the processes of this user; none where no file can be made, as then they compile side by side.

    Other users of the machine have files of their own, since nobody may write to those of another user.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"  # Windows has a temporary folder for each user
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(FileLock(Path(tempfile.gettempdir()) / f"{name}-{user}.lock"))
        yield


class _AnnouncedKernel(event.Listener):
    """A compiled function. The first call of a process with new types waits for other processes that compile."""

    said = False

    def __init__(self, kernel: Any, name: str) -> None:
        self.kernel, self.name = kernel, name
        self.types: set[str] = set()

    def __call__(self, *arguments: Any) -> Any:
        dtype = arguments[0].dtype.char
        if dtype in self.types:
            return self.kernel(*arguments)
        with _alone(self.name), self._listening():
            result = self.kernel(*arguments)
        self.types.add(dtype)
        return result

    def _listening(self) -> Any:
        return event.install_listener("numba:compile", self)

    def on_start(self, started: Any) -> None:
        """Say, once per process, that compilation has begun."""
        if started.data.get("dispatcher") is self.kernel and not _AnnouncedKernel.said:
            _AnnouncedKernel.said = True
            print(f"compiling steps once, about {SECONDS} s", file=sys.stderr)

    def on_end(self, ended: Any) -> None:
        """Nothing happens at the end of compilation."""
