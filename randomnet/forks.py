"""Work in forked processes: whether this process can be forked, and work that is done beside it."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

FORK_SAFE = ("jemalloc_bg_thd",)  # names of threads that prepare themselves for a fork: that of pyarrow's allocator


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def can_fork() -> bool:
    """Return whether a fork is safe: while this process has one thread. Only Linux names the threads."""
    try:
        names = [path.read_text(encoding="utf-8").strip() for path in Path("/proc/self/task").glob("*/comm")]
    except (OSError, UnicodeDecodeError):
        return False
    return hasattr(os, "fork") and len([name for name in names if name not in FORK_SAFE]) == 1


class ForkedWork:
    """Work that is done in forked processes, one per core at most; in this process where it cannot be forked.

    What is left when the block ends is waited for. Work that fails in its own process is done again in this one, which
    raises its error.
    """

    def __init__(self) -> None:
        self.most = cores() if cores() > 1 and can_fork() else 0
        self.children: dict[int, Callable[[], None]] = {}

    def __enter__(self) -> "ForkedWork":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        failed = [work for work in [self._wait() for _ in list(self.children)] if work]
        for work in failed if kind is None else ():
            work()

    def do(self, work: Callable[[], None]) -> None:
        """Do the work, which must change nothing but files."""
        if not self.most:
            return work()
        if len(self.children) >= self.most and (failed := self._wait()):
            failed()
        try:
            child = os.fork()
        except OSError:  # memory is short, or there are too many processes
            return work()
        if not child:
            _end_with(work)
        self.children[child] = work
        return None

    def _wait(self) -> Callable[[], None] | None:
        """Wait for the first of the processes; return its work if it failed."""
        child = next(iter(self.children))
        work = self.children.pop(child)
        try:
            _, status = os.waitpid(child, 0)
        except ChildProcessError:  # this process ignores SIGCHLD, so that nobody knows how the other one ended
            return work
        return work if status else None


def _end_with(work: Callable[[], None]) -> None:
    """Do the work, and end this process without what its parent would do at its end."""
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)
