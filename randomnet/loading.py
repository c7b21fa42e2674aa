"""Loading of modules without garbage collection, which takes a seventh of the time, as what is loaded stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_is_own_process = False  # whether the program is this whole process, and not a part of another program


def own_process() -> None:
    """Say that what is loaded may be left out of all later collections, as no other program's objects are there."""
    global _is_own_process
    _is_own_process = True


@contextmanager
def loading() -> Iterator[None]:
    """Load modules without garbage collection.

    In a process of its own, nothing that is there afterwards is searched again, and forked workers share its memory.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if _is_own_process:
            gc.freeze()
        gc.enable()
