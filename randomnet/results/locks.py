"""Locks on files with filelock: they exclude other processes, also on other machines of the same file system.

The operating system releases a lock when its process ends in any way. Lock files are empty and may remain.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

INTERVAL = 0.05  # seconds between two attempts
LOCKS = Path("/proc/locks")
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP)


class LockHeld(Exception):
    """Another process holds the lock."""


class LocksUnsupported(OSError):
    """The file system does not support locks; the text is one line for the user."""


@contextmanager
def exclusive(path: Path, timeout: float = 0.0) -> Iterator[None]:
    """Hold the lock of the file `path`, which is created if needed.

    timeout: seconds to wait for another process to release it. Raises LockHeld after that, LocksUnsupported if the file
    system has no locks, and OSError if the file cannot be written.
    """
    from filelock import FileLock, Timeout  # imported here, as --help needs no locks

    # Soft locks outlive a killed process, and would block the folder forever.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(timeout=timeout, poll_interval=INTERVAL)
    except Timeout:
        raise LockHeld from None
    except NotImplementedError:  # filelock < 4 raises this for ENOSYS
        raise _no_locks(path) from None
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:
            raise _no_locks(path) from None
        raise
    try:
        yield
    finally:
        lock.release()


def is_unlocked(path: Path) -> bool:
    """Whether no process holds the lock of the file `path` at this moment."""
    try:
        with exclusive(path):
            return True
    except LockHeld:
        return False


def is_held_here(path: Path) -> bool:
    """Whether a process of this machine holds the lock of the file; True where the system does not tell."""
    return path.exists() and held([path]) != []


def held(paths: Iterable[Path]) -> list[Path] | None:
    """The files whose locks a process of this machine holds; None where the system does not tell, such as Windows.

    It takes no lock, so that it disturbs no process that wants one. It reads the list of the kernel (Linux).
    """
    try:
        lines = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    listed = {tuple(line.split()[-3].split(":")) for line in lines if "->" not in line}  # -> marks those who wait
    return [path for path in paths if _is_listed(path, listed)]


def _is_listed(path: Path, listed: set[tuple[str, ...]]) -> bool:
    """Whether a file is among (major, minor, inode) of the locks that are held."""
    try:
        stat = path.stat()
    except OSError:  # removed meanwhile
        return False
    major, inode = os.major(stat.st_dev), str(stat.st_ino)
    if major == 0:  # file systems without a device may list the lock under another minor number
        return any(int(place[0], 16) == 0 and place[2] == inode for place in listed)
    return (f"{major:02x}", f"{os.minor(stat.st_dev):02x}", inode) in listed


def _no_locks(path: Path) -> LocksUnsupported:
    return LocksUnsupported(
        f"the file system of {path.parent} has no file locks, which keep two processes from writing the same files; "
        "choose a folder on another disk, or mount this one with locks (Lustre: flock, NFS: lock)"
    )
