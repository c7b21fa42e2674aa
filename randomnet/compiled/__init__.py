"""Steps of networks and their adjoints as compiled loops, on the CPU.

    blas         matrix products inside loops, from torch's own library
    tiles        products of a few tangent vectors with each other, in registers
    orthonormal  Gram-Schmidt and its adjoint
    respond      an activation and its derivatives, called by address
    steps        the loops for dense couplings and Euler steps
    products     products of sparse and dense couplings with bundles in columns
    tall         Gram-Schmidt and its adjoint for such bundles
    column_steps the loops for sparse couplings and Runge-Kutta steps
    elementwise  an activation, or its slope, for a row of numbers, called by address
    trials       the loops along trials of tasks
    updates      the direction of an update by Adam
    library      compilation, and its cache on disk

This module says whether compiled steps are to be used, and imports numba only if so.
"""

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from randomnet.loading import loading

CHOICES = ("auto", "compiled", "eager")
COMPILED, EAGER = CHOICES[1:]
BUNDLES = "compiled_bundles"  # not for users: steps of bundles are compiled, those of trials eager, as in old folders
_choice, _preferred = CHOICES[0], COMPILED


def select(choice: str) -> str:
    """Choose how steps are computed in this process: one of CHOICES, or BUNDLES. Returns that as `selected`.

    Raises ValueError for another word, and ImportError for 'compiled' where numba is missing.
    """
    global _choice
    if choice not in (*CHOICES, BUNDLES):
        raise ValueError(f"steps must be one of {', '.join(CHOICES)}, got {choice!r}")
    if choice in (COMPILED, BUNDLES) and not is_available():
        raise ImportError("steps = compiled needs numba and scipy: pip install numba scipy, or set steps = eager")
    _choice = choice
    return selected()


def prefer(choice: str) -> None:
    """Let 'auto' mean 'compiled' or 'eager' in this process; 'compiled', as it is at first, only with numba."""
    global _preferred
    _preferred = choice


def selected() -> str:
    """'compiled' or 'eager': how steps are computed where both are possible."""
    return resolved(_choice)


def trials_selected() -> bool:
    """Whether steps along trials and updates by Adam are compiled, where that is possible."""
    return (_preferred if _choice == CHOICES[0] else _choice) == COMPILED and is_available()


def resolved(choice: str) -> str:
    """'compiled' or 'eager': what one of CHOICES, or BUNDLES, means in this process."""
    meant = _preferred if choice == CHOICES[0] else choice
    return COMPILED if meant in (COMPILED, BUNDLES) and is_available() else EAGER


@cache
def is_available() -> bool:
    """Whether numba, and scipy for its linear algebra, are installed and compile.

    A numba that does not fit the installed numpy cannot be imported, and NUMBA_DISABLE_JIT switches compilation off.
    """
    if os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0"):
        return False
    if any(find_spec(name) is None for name in ("numba", "scipy")):
        return False
    try:
        with loading():
            import_module("numba")
    except Exception:  # not only ImportError: numba also raises SystemError or AttributeError for another numpy
        return False
    return True


@cache
def loops(scalar: Callable, form: str) -> tuple[Callable, Callable]:
    """The compiled steps and their adjoint in this form, for the scalar function of an activation; see `library`."""
    return _from_library("compiled", scalar, form)


def product(threads: int) -> Callable:
    """The compiled product of a coupling with a bundle in columns; see `products.multiply`."""
    return _from_library("product", threads > 1)


def column_loops(scalar: Callable, threads: int) -> tuple[Callable, Callable]:
    """The compiled steps of bundles in columns and their adjoint; see `library.columns`."""
    return _from_library("columns", scalar, threads)


@cache
def trial_loops(scalar: Callable, slope: Callable, single: bool) -> tuple[Callable, Callable]:
    """The compiled steps along trials and their adjoint; see `library.trial_loops`."""
    return _from_library("trial_loops", scalar, slope, single)


@cache
def adam() -> Callable:
    """The compiled direction of an update by Adam; see `updates.adam`."""
    return _from_library("adam")


def _from_library(name: str, *arguments: Any) -> Any:
    """What a function of `library` returns. The first one lets numba load the other half of its modules."""
    with loading():
        return getattr(import_module("randomnet.compiled.library"), name)(*arguments)
