"""Engines that carry out runs, in this process or in worker processes; both yield the same events."""

import contextlib
import ctypes
import errno
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from randomnet import compiled, devices, results
from randomnet.forks import can_fork
from randomnet.kinds.kind import Batch, kind_of, missing_runs
from randomnet.schema.plan import Run
from randomnet.training import Interrupted, Paused
from randomnet.version import code_version

INTERRUPTED, WAITING = "interrupted", "waiting"
UNWRITTEN = "unwritten"  # the results folder takes nothing more, so that no other run is begun
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENODEV)  # of a disk that stays as it is for the next run
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
KILLED = -9  # exit code after SIGKILL
REPEATS = 2  # how often the batch of a killed worker is begun again
STANDARD = 2  # the last of the file descriptors of standard input, output and error
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@dataclass(frozen=True)
class Epoch:
    """A run has completed an epoch."""

    combo: int
    iteration: int
    row: dict[str, float]


@dataclass(frozen=True)
class Ended:
    """A run has ended: complete, diverged, unbounded, stopped by halving, failed, interrupted or waiting at a rung.

    Or it is unwritten: nothing can be written to the results folder any more, and `text` says why.

    text: the reason or the error.
    """

    combo: int
    iteration: int
    status: str
    text: str = ""


Event = Epoch | Ended


def carry_out(
    batch: Batch, root: Path, report: Callable[[Event], None], stop: Callable[[], bool]
) -> tuple[Ended, ...]:
    """Carry out the runs of a batch, from the start or from its checkpoint; an error is recorded, never raised.

    Returns the ends of the runs that had not ended before. Runs that fail together are repeated one by one, so that
    only those with an error fail.
    """
    if not root.is_dir():
        return (Ended(batch[0].combo, batch[0].iteration, UNWRITTEN, gone(root)),)
    folders = folders_of(batch, root)
    kind, execution = kind_of(batch[0].config.experiment.kind), batch[0].config.execution
    torch.set_num_threads(execution.threads)
    compiled.select(execution.steps)
    _keep_memory()
    try:
        for folder in folders:
            folder.create()
        records = kind.execute(batch, folders, partial(_report_row, report), stop)
        for run, record in records:
            folder = folders[batch.index(run)]
            folder.finish({**_head(run, folder), "settings": run.config.settings(), **record})
        for folder in folders:
            folder.tidy()
    except Interrupted as interrupted:
        status = WAITING if isinstance(interrupted, Paused) else INTERRUPTED
        return tuple(Ended(run.combo, run.iteration, status) for run in missing_runs(batch, folders))
    except Exception as error:
        if problem := _lost_storage(error, root):
            return (Ended(batch[0].combo, batch[0].iteration, UNWRITTEN, problem),)
        unfinished = missing_runs(batch, folders)
        if len(unfinished) > 1:
            return tuple(end for run in unfinished for end in carry_out((run,), root, report, stop))
        return tuple(fail(run, root, f"{type(error).__name__}: {error}", traceback.format_exc()) for run in unfinished)
    return tuple(Ended(run.combo, run.iteration, record["status"], record.get("reason", "")) for run, record in records)


def _lost_storage(error: BaseException, root: Path) -> str:
    """Return why no run can be kept any more: the disk is full, or the results folder is gone; else an empty text."""
    if not isinstance(error, OSError):
        return ""
    if not root.is_dir():
        return gone(root)
    return f"{root}: {error}" if error.errno in FULL else ""


def gone(root: Path) -> str:
    """Return what is said where a results folder was moved or deleted while its runs went on."""
    return f"{root}: the results folder was moved or deleted while its runs went on; if it was moved, move it back"


def _head(run: Run, folder: results.RunFolder) -> dict[str, Any]:
    """Return the first entries of any run.json; `version` is that of the code that carried out the run.

    extended: the epochs after which it had ended before, where it went on.
    """
    before = (folder.record if kind_of(run.config.experiment.kind).unit == "epoch" else None) or {}
    extended = {"extended": before["extended"]} if "extended" in before else {}
    return {"combo": run.combo, "iteration": run.iteration, "seed": run.seed, "version": code_version(), **extended}


def folders_of(batch: Batch, root: Path) -> list[results.RunFolder]:
    """Return the folder of each run."""
    return [results.ResultsFolder(root).run(run.combo, run.iteration) for run in batch]


def _report_row(report: Callable[[Event], None], run: Run, row: dict[str, float]) -> None:
    report(Epoch(run.combo, run.iteration, row))


def _keep_memory() -> None:
    """Let glibc keep freed memory, where it is the C library.

    To return memory and to fault it in again for every batch takes a tenth of the time.
    """
    try:
        library = ctypes.CDLL(None)
    except (TypeError, OSError):  # Windows has no library without a name
        return
    adjust = getattr(library, "mallopt", None)
    if adjust is not None:
        adjust(M_MMAP_THRESHOLD, 32 * 2**20)
        adjust(M_TRIM_THRESHOLD, 2**30)


def fail(run: Run, root: Path, reason: str, trace: str) -> Ended:
    """Record a failed run in its folder, if the disk allows it; return its end."""
    if not root.is_dir():
        return Ended(run.combo, run.iteration, UNWRITTEN, gone(root))
    try:
        folder = results.ResultsFolder(root).run(run.combo, run.iteration)
        folder.fail({**_head(run, folder), "reason": reason}, trace)
    except OSError as error:
        if problem := _lost_storage(error, root):
            return Ended(run.combo, run.iteration, UNWRITTEN, problem)
        reason = f"{reason} (and it could not be recorded: {error})"
    return Ended(run.combo, run.iteration, results.FAILED, reason)


def here(
    batches: Sequence[Batch], root: Path, stop: Callable[[], bool], report: Callable[[Event], None]
) -> Iterator[Ended]:
    """Carry out batch after batch in this process; yield the ends of the runs."""
    for batch in batches:
        if stop():
            return
        yield from carry_out(batch, root, report, stop)


def processes(
    batches: Sequence[Batch], root: Path, workers: int, stop: Callable[[], bool], report: Callable[[Event], None]
) -> Iterator[Ended]:
    """Carry out batches in `workers` processes, one batch at a time each; yield the ends of the runs.

    A process that dies fails only its batch. One that is killed, as the system does for lack of memory, is replaced
    with fewer processes beside it, REPEATS times for a batch.
    """
    pool = _Pool(root, stop, workers)
    waiting = list(reversed(batches))
    try:
        while pool.busy or ((waiting or pool.lost) and not stop()):
            waiting += pool.take_lost()
            while waiting and len(pool.busy) < pool.workers and not stop():
                pool.start(waiting.pop())
            for event in pool.events():
                if isinstance(event, Ended):
                    yield event
                else:
                    report(event)
    finally:
        pool.close()


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Block the signals STOPPING, where the system can (Windows cannot).

    A new worker does not ignore them at first, and must not be ended by signals that its parent handles.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_method() -> str:
    """Return how workers start: forked from this process, which has imported everything, or spawned anew.

    CUDA works in no fork of a process that has asked for it.
    """
    return "fork" if can_fork() and not torch.cuda.is_available() else "spawn"


def leave_files_of_parent(own: Sequence[int]) -> None:
    """Release what a fork has inherited: locks, and pipes to other workers. own: file descriptors that are kept.

    The numbers stay in use, as Python closes them once more.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        with contextlib.suppress(OSError):  # that of the listing itself is closed
            if number > STANDARD and number not in (*own, nothing):
                os.fstat(number)
                os.dup2(nothing, number)


class _Pool:
    """Worker processes: busy ones with their batches, and idle ones."""

    def __init__(self, root: Path, stop: Callable[[], bool], workers: int) -> None:
        self.root, self.stop, self.workers = root, stop, workers
        self.context: Any = multiprocessing.get_context(start_method())  # of one of two classes
        self.told_to_stop: set[Connection] = set()
        self.lost: list[Batch] = []  # to be carried out again
        self.losses: Counter[tuple[int, int]] = Counter()  # of a batch, by its first run
        self.busy: dict[Connection, tuple[BaseProcess, Batch]] = {}
        self.idle: list[tuple[Connection, BaseProcess]] = []
        self.places: dict[Connection, int] = {}  # of each worker, from 0 on, so that each takes a GPU of its own

    def start(self, batch: Batch) -> None:
        """Send a batch to an idle worker, or to a new one."""
        if self.idle:
            connection, process = self.idle.pop()
        else:
            connection, theirs = self.context.Pipe()
            place = self.places[connection] = min(set(range(len(self.places) + 1)) - {*self.places.values()})
            process = self.context.Process(target=_serve, args=(theirs, self.root, place), daemon=True)
            with _signals_held():
                process.start()
            theirs.close()
        self.busy[connection] = process, batch
        connection.send(batch)

    def events(self) -> Iterator[Event]:
        """Yield the workers' events, after waiting for at most half a second."""
        if self.stop():
            self._tell_to_stop()
        ready = [connection for connection in wait(list(self.busy), timeout=0.5) if isinstance(connection, Connection)]
        for connection in ready:
            process, batch = self.busy[connection]
            try:
                message = connection.recv()
            except (EOFError, OSError):
                process.join()
                del self.busy[connection], self.places[connection]
                yield from self._ends_of_dead(batch, process.exitcode)
                continue
            if isinstance(message, Epoch):
                yield message
            else:  # the ends of its batch
                del self.busy[connection]
                self.idle.append((connection, process))
                yield from message

    def take_lost(self) -> list[Batch]:
        """Return the batches of killed workers, which are carried out again."""
        lost, self.lost = self.lost, []
        return lost

    def _tell_to_stop(self) -> None:
        """Ask each busy worker, once, to stop after its epoch: it stops as soon as a message waits for it."""
        for connection in self.busy.keys() - self.told_to_stop:
            self.told_to_stop.add(connection)
            with contextlib.suppress(OSError):
                connection.send(None)

    def _ends_of_dead(self, batch: Batch, code: int | None) -> Iterator[Ended]:
        """Yield the ends of a dead worker's runs; none where it was killed and its batch is carried out again."""
        unfinished = missing_runs(batch, folders_of(batch, self.root))
        first = (batch[0].combo, batch[0].iteration)
        if code == KILLED and unfinished and self.losses[first] < REPEATS:
            self.losses[first] += 1
            self.workers = max(1, min(self.workers - 1, len(self.busy)))
            self.lost.append(batch)
            tqdm.write(f"combo {first[0]} iteration {first[1]}: its worker process was killed, often for lack of "
                       f"memory, and goes on ({self.losses[first]}/{REPEATS}) with {self.workers - 1} others beside it",
                       file=sys.stderr)  # fmt: skip
            return
        times = f", after {self.losses[first]} repeats" if self.losses[first] else ""
        reason = f"its worker process died (exit code {code}; -9 is often a lack of memory){times}"
        yield from [fail(run, self.root, reason, reason) for run in unfinished]

    def close(self) -> None:
        """End all workers; busy ones are killed, but their checkpoints stay."""
        for connection, process in self.idle:
            connection.close()
            process.join(timeout=5)
        for process in [*(process for _, process in self.idle), *(process for process, _ in self.busy.values())]:
            if process.is_alive():
                process.kill()
                process.join()


def _serve(connection: Connection, root: Path, place: int) -> None:
    """Run a worker: receive batches, send epochs and the ends of runs, until the connection is closed or brings None.

    place: which of the workers it is, from 0 on. A message that comes during a batch asks to stop. A shared event would
    need a semaphore, which a killed parent leaves behind.
    """
    for number in STOPPING:  # Ctrl-C, or a scheduler's signal, reaches the whole group; the parent decides
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None and multiprocessing.current_process().__class__.__name__ == "ForkProcess":
        leave_files_of_parent((connection.fileno(), parent.sentinel))
    threading.Thread(target=_die_with_parent, daemon=True).start()
    devices.take_place(place)
    while True:
        try:
            batch = connection.recv()
        except (EOFError, OSError):
            return
        if batch is None:
            return
        _send(connection, carry_out(batch, root, partial(_send, connection), connection.poll))


def _send(connection: Connection, event: Event | tuple[Ended, ...]) -> None:
    """Send an event, or the ends of a batch. Without a parent the worker ends, and the run does not fail."""
    try:
        connection.send(event)
    except OSError:
        os._exit(1)


def _die_with_parent() -> None:
    """End a worker whose parent was killed: the next start of the experiment owns the folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
