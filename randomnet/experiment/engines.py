"""Carrying out runs: in this process, or in worker processes. Both yield the same events."""

import ctypes
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from randomnet import results
from randomnet.config import Run
from randomnet.kinds import KINDS
from randomnet.training import Interrupted

INTERRUPTED = "interrupted"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@dataclass(frozen=True)
class Epoch:
    """A run has done an epoch."""

    combo: int
    iteration: int
    row: dict[str, float]


@dataclass(frozen=True)
class Ended:
    """A run has ended: complete, diverged, failed or interrupted; `text` is the reason or the error."""

    combo: int
    iteration: int
    status: str
    text: str = ""


Event = Epoch | Ended


def carry_out(run: Run, root: Path, report: Callable[[Event], None], stop: Callable[[], bool]) -> Ended:
    """One run from start, or from its checkpoint, to its run.json; an error is recorded, never raised."""
    folder = results.ResultsFolder(root).run(run.combo, run.iteration)
    kind = KINDS[run.config.experiment.kind]
    torch.set_num_threads(run.config.execution.threads)
    _keep_memory()
    head = {"combo": run.combo, "iteration": run.iteration, "seed": run.seed, "settings": run.config.settings()}
    try:
        folder.create()
        record = kind.execute(
            run,
            folder,
            lambda row: report(Epoch(run.combo, run.iteration, row)),
            stop,
        )
        folder.finish({**head, **record})
        return Ended(run.combo, run.iteration, record["status"], record.get("reason", ""))
    except Interrupted:
        return Ended(run.combo, run.iteration, INTERRUPTED)
    except Exception as error:
        return fail(run, root, f"{type(error).__name__}: {error}", traceback.format_exc())


def _keep_memory() -> None:
    """Where the C library is glibc, let it keep freed memory: to give it back and to fault it in again for every batch
    takes a tenth of the time."""
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        adjust(M_MMAP_THRESHOLD, 32 * 2**20)
        adjust(M_TRIM_THRESHOLD, 2**30)


def fail(run: Run, root: Path, reason: str, trace: str) -> Ended:
    """Record a failed run in its folder, as far as the disk allows."""
    head = {"combo": run.combo, "iteration": run.iteration, "seed": run.seed, "reason": reason}
    try:
        results.ResultsFolder(root).run(run.combo, run.iteration).fail(head, trace)
    except OSError as error:
        reason = f"{reason} (and it could not be recorded: {error})"
    return Ended(run.combo, run.iteration, results.FAILED, reason)


def here(runs: Sequence[Run], root: Path, stop: Callable[[], bool], report: Callable[[Event], None]) -> Iterator[Ended]:
    """Run after run in this process."""
    for run in runs:
        if stop():
            return
        yield carry_out(run, root, report, stop)


def processes(
    runs: Sequence[Run], root: Path, workers: int, stop: Callable[[], bool], report: Callable[[Event], None]
) -> Iterator[Ended]:
    """`workers` processes side by side, each doing one run at a time; one that dies fails its run only."""
    pool = _Pool(root, stop)
    waiting = list(reversed(runs))
    try:
        for _ in range(min(workers, len(waiting))):
            pool.start(waiting.pop())
        while pool.busy:
            for event in pool.events():
                if isinstance(event, Ended):
                    yield event
                    if waiting and not stop():
                        pool.start(waiting.pop())
                else:
                    report(event)
    finally:
        pool.close()


class _Pool:
    """Worker processes, the run each is at, and the idle ones."""

    def __init__(self, root: Path, stop: Callable[[], bool]) -> None:
        self.root, self.stop = root, stop
        self.context = multiprocessing.get_context("spawn")
        self.stopping = self.context.Event()
        self.busy: dict[Connection, tuple[multiprocessing.Process, Run]] = {}  # type: ignore[name-defined]
        self.idle: list[tuple[Connection, multiprocessing.Process]] = []  # type: ignore[name-defined]

    def start(self, run: Run) -> None:
        """Give a run to an idle worker, or to a new one."""
        if self.idle:
            connection, process = self.idle.pop()
        else:
            connection, theirs = self.context.Pipe()
            process = self.context.Process(target=_serve, args=(theirs, self.root, self.stopping), daemon=True)
            process.start()
            theirs.close()
        self.busy[connection] = process, run
        connection.send(run)

    def events(self) -> Iterator[Event]:
        """What the workers have said, waiting for it for at most half a second."""
        if self.stop():
            self.stopping.set()
        for connection in wait(list(self.busy), timeout=0.5):
            process, run = self.busy[connection]
            try:
                event = connection.recv()
            except (EOFError, OSError):
                process.join()
                del self.busy[connection]
                reason = f"its worker process died (exit code {process.exitcode}; -9 is often a lack of memory)"
                yield fail(run, self.root, reason, reason)
                continue
            if isinstance(event, Ended):
                del self.busy[connection]
                self.idle.append((connection, process))
            yield event

    def close(self) -> None:
        """End all workers; those still at a run are killed (their checkpoints stay)."""
        for connection, process in self.idle:
            connection.close()
            process.join(timeout=5)
        for process in [*(process for _, process in self.idle), *(process for process, _ in self.busy.values())]:
            if process.is_alive():
                process.kill()
                process.join()


def _serve(connection: Connection, root: Path, stopping: threading.Event) -> None:
    """A worker: runs come in, events go out, until the other end is closed."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    while True:
        try:
            run = connection.recv()
        except EOFError:
            return
        _say(connection, carry_out(run, root, partial(_say, connection), stopping.is_set))


def _say(connection: Connection, event: Event) -> None:
    """Send an event; no parent to hear it is no failure of the run, but the end of this worker."""
    try:
        connection.send(event)
    except OSError:
        os._exit(1)


def _die_with_parent() -> None:
    """A worker whose parent was killed must not go on writing: the next start of the experiment owns the folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
