"""Locks on files, by filelock: they exclude other processes, on this machine or on others of the same file system.

The system takes a lock back when its process ends, however it ends. Lock files are empty and may stay.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INTERVAL = 0.05  # seconds between two attempts
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP)


class Busy(Exception):
    """Another process holds the lock."""


class NoLocks(OSError):
    """The file system has no locks; the text is one line for the user."""


@contextmanager
def exclusive(path: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of the file `path`, which is made if need be.

    patience: seconds to wait for another process to give it back. Raises Busy if that takes longer, NoLocks where the
    file system has none, OSError where the file cannot be written.
    """
    from filelock import FileLock, Timeout  # here, as --help needs no locks

    # filelock's replacement for a system without locks survives a killed process, and would block the folder for good
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(timeout=patience, poll_interval=INTERVAL)
    except Timeout:
        raise Busy from None
    except NotImplementedError:  # what filelock < 4 makes of ENOSYS
        raise _no_locks(path) from None
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:
            raise _no_locks(path) from None
        raise
    try:
        yield
    finally:
        lock.release()


def is_free(path: Path) -> bool:
    """Whether no process holds the lock of the file `path` at this moment."""
    try:
        with exclusive(path):
            return True
    except Busy:
        return False


def _no_locks(path: Path) -> NoLocks:
    return NoLocks(
        f"the file system of {path.parent} has no file locks, which keep two processes from writing the same files; "
        "choose a folder on another disk, or mount this one with locks (Lustre: flock, NFS: lock)"
    )
