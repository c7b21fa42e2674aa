"""Carrying out runs on the nodes of a Ray cluster; the events are those of engines.

One task of Ray is one batch. A desk, an actor beside the driver, passes on what tasks have done and that they shall
stop. Ray itself never repeats a task: the driver does, LOSSES times at most, after it has looked into the results
folder for what has ended; the rest goes on from the batch's checkpoint.

Nobody writes the same run twice at a time, whoever is taken for dead: a task holds the lock of its batch in the results
folder (`ResultsFolder.task`), which its successor waits for, and so does the next start of the experiment for all of
them. Assumed is what --shard assumes too: that all nodes see the folder and honour the file locks on it. Besides, a
task that hears nothing from the desk for SILENCE seconds ends itself, as the driver, or the way to it, is gone.
"""

import contextlib
import logging
import math
import os
import pickle
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

import randomnet
from randomnet.experiment.engines import Ended, Epoch, carry_out, fail, folders_of
from randomnet.extras import install_line
from randomnet.kinds.kind import Batch, missing
from randomnet.results import FAILED, ResultsError, ResultsFolder
from randomnet.schema.plan import Run
from randomnet.schema.sections.general import ExecutionSection
from randomnet.settings import ConfigError

LOSSES = 3  # how often a batch is submitted again
PAUSE = 0.4  # seconds between two exchanges of a task with the desk
SILENCE = 30.0
OBJECTS = 100 * 2**20  # bytes of a local Ray's object store, which hardly anything goes through
Said = tuple[int, int, dict[str, float]]  # an Epoch, plain, so that the desk need not load torch


def package() -> ModuleType:
    """The extra. Raises ConfigError where it is not installed."""
    try:
        import ray
    except ImportError:
        raise ConfigError(
            "[execution] engine: expected the package ray with engine = ray, got none installed: "
            f"{install_line('ray')}"
        ) from None
    return ray


@contextlib.contextmanager
def joined(execution: ExecutionSection) -> Iterator["Cluster"]:
    """A cluster, left at the end, which ends its tasks. Raises ConfigError where there is none, or no large node."""
    ray = package()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a Ray of our own; nobody else is told of it
    try:
        _knock(execution.address)
        with _same_process_group():
            ray.init(**_terms(execution))
    except Exception as error:  # of many classes
        expected = _expected(execution.address)
        raise ConfigError(f"[execution] address: expected {expected}, got: {_line(error)}") from None
    try:
        cluster = Cluster(ray, execution)
        if not cluster.places():
            raise ConfigError(
                f"[execution] cpus_per_run: expected a node of the cluster with {cluster.needs}, got none"
            )
        yield cluster
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """OSError where nothing listens at an address: Ray itself would try for minutes."""
    place = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    host, _, port = place.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _terms(execution: ExecutionSection) -> dict[str, Any]:
    terms: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if execution.address:
        return terms | {"address": execution.address}
    own: dict[str, Any] = {"address": "local", "include_dashboard": False, "object_store_memory": OBJECTS}
    if not isinstance(execution.workers, str):  # as many as asked for, as of local processes, whatever the cores
        own["num_cpus"] = math.ceil(execution.workers * cpus_of(execution))
    return terms | own


@contextlib.contextmanager
def _same_process_group() -> Iterator[None]:
    """A local Ray makes this process leave its group, where Ctrl-C would no longer reach it within a script."""
    if not hasattr(os, "getpgrp"):  # Windows has no such groups
        yield
        return
    before = os.getpgrp()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.setpgid(0, before)


def _expected(address: str) -> str:
    if address == "auto":
        return "a Ray cluster that runs on this machine or at RAY_ADDRESS"
    return f"a running Ray cluster at {address}" if address else "a Ray that starts on this machine"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def cpus_of(execution: ExecutionSection) -> float:
    """CPUs that a task takes."""
    return execution.threads if isinstance(execution.cpus_per_run, str) else execution.cpus_per_run


@dataclass
class _Job:
    """A batch on its way: which of its runs were to be done, and how often it was lost."""

    number: int
    batch: Batch
    ahead: list[Run]
    lost: int = 0


class Cluster:
    """A Ray cluster that this process is connected to."""

    def __init__(self, ray: ModuleType, execution: ExecutionSection) -> None:
        self.ray = ray
        self.wanted = {"CPU": cpus_of(execution), "GPU": execution.gpus_per_run}
        self.needs = " and ".join(f"{number:g} {name}s" for name, number in self.wanted.items() if number)

    def places(self) -> int:
        """How many tasks the nodes that are there have room for."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        wanted = {name: number for name, number in self.wanted.items() if number}
        return sum(int(min(node.get(name, 0) / number for name, number in wanted.items())) for node in nodes)

    def carry_out(
        self,
        workers: int | None,
        batches: Sequence[Batch],
        root: Path,
        stop: Callable[[], bool],
        report: Callable[[Epoch], None],
    ) -> Iterator[Ended]:
        """`workers` batches at a time, or as many as there is room for; a lost one is submitted again.

        Raises OSError where the cluster itself is lost.
        """
        try:
            yield from _Dispatch(self, batches, root, workers, stop, report).ends()
        except self.ray.exceptions.RayError as error:
            raise OSError(f"the Ray cluster was lost: {_line(error)}") from None


class _Dispatch:
    """The batches that wait, and those that were submitted."""

    def __init__(
        self,
        cluster: Cluster,
        batches: Sequence[Batch],
        root: Path,
        workers: int | None,
        stop: Callable[[], bool],
        report: Callable[[Epoch], None],
    ) -> None:
        self.cluster, self.ray, self.root, self.workers = cluster, cluster.ray, root.resolve(), workers
        self.stop, self.report = stop, report
        self.waiting = deque(_Job(n, batch, self._missing(batch)) for n, batch in enumerate(batches))
        self.busy: dict[Any, _Job] = {}  # ObjectRef -> its batch
        here = self.ray.get_runtime_context().get_node_id()
        beside = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        self.desk = self.ray.remote(_desk()).options(num_cpus=0, scheduling_strategy=beside).remote()
        wanted = {"num_cpus": cluster.wanted["CPU"], "num_gpus": cluster.wanted["GPU"]}
        self.task = self.ray.remote(_errand()).options(**wanted, max_retries=0, scheduling_strategy="SPREAD")
        self.told = False  # that there is no room

    def ends(self) -> Iterator[Ended]:
        """The ends of all runs, as they come."""
        while self.busy or (self.waiting and not self.stop()):
            self._submit()
            ready, _ = self.ray.wait(list(self.busy), timeout=0.5)
            begun = self._hear()
            if self.stop():
                self._halt(begun)
            for reference in ready:
                yield from self._settled(reference, self.busy.pop(reference))

    def _submit(self) -> None:
        room = self.workers or self.cluster.places()
        if not room and not self.told:
            tqdm.write(f"Waiting for a node of the cluster with {self.cluster.needs}", file=sys.stderr)
        self.told = not room
        while self.waiting and len(self.busy) < max(room, 1) and not self.stop():
            job = self.waiting.popleft()
            attempt = (job.number, job.lost)
            work = pickle.dumps((attempt, job.batch, self.root))
            self.busy[self.task.remote(_surroundings(), work, self.desk)] = job

    def _hear(self) -> set[tuple[int, int]]:
        """Pass on what the tasks have said; returns the attempts that have begun."""
        said, begun = self.ray.get(self.desk.take.remote())
        for one in said:
            self.report(Epoch(*one))
        return begun

    def _halt(self, begun: set[tuple[int, int]]) -> None:
        """Ask those at work to stop, and withdraw the others: their turn might never come."""
        self.desk.stop.remote()
        for reference, job in self.busy.items():
            if (job.number, job.lost) not in begun:
                self.ray.cancel(reference)

    def _settled(self, reference: Any, job: _Job) -> Iterator[Ended]:
        """The ends of a task's runs; none yet where it was lost and is submitted again."""
        try:
            said, ends = self.ray.get(reference)
        except self.ray.exceptions.TaskCancelledError:
            said, ends = [], ()
        except self.ray.exceptions.RayError as error:
            if self._again(job, error):
                return
            said, ends = [], self._given_up(job, error)
        for one in said:
            self.report(Epoch(*one))
        yield from ends
        yield from self._recorded(job, {(end.combo, end.iteration) for end in ends})

    def _again(self, job: _Job, error: Exception) -> bool:
        """Whether a lost batch is put first in the queue once more."""
        if not self._missing(job.batch) or job.lost == LOSSES:
            return False
        job.lost += 1
        self.waiting.appendleft(job)
        where = f"combo {job.ahead[0].combo} iteration {job.ahead[0].iteration}"
        tqdm.write(f"{where} was lost and is submitted again ({job.lost}/{LOSSES}): {_short(error)}", file=sys.stderr)
        return True

    def _given_up(self, job: _Job, error: Exception) -> tuple[Ended, ...]:
        left = self._missing(job.batch)
        reason = f"its task was lost {job.lost + 1} times, at last: {_short(error)}"
        try:
            with ResultsFolder(self.root).task_lock(job.number):
                return tuple(fail(run, self.root, reason, str(error)) for run in left)
        except ResultsError as busy:  # not ours to write, then
            return tuple(Ended(run.combo, run.iteration, FAILED, f"{reason}; {busy}") for run in left)

    def _recorded(self, job: _Job, known: set[tuple[int, int]]) -> Iterator[Ended]:
        """The ends of runs whose task could not tell of them any more."""
        for run in job.ahead:
            record = ResultsFolder(self.root).run(run.combo, run.iteration).record
            if record and (run.combo, run.iteration) not in known:
                yield Ended(run.combo, run.iteration, record["status"], record.get("reason", ""))

    def _missing(self, batch: Batch) -> list[Run]:
        return missing(batch, folders_of(batch, self.root))


def _short(error: Exception) -> str:
    """Why a task was lost; of an error of its own its last line, which names it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if hasattr(error, "cause") else _line(error)) if lines else type(error).__name__


def _desk() -> type:
    """The desk's class; like the errand, made within a function it is sent whole, and loads no randomnet there."""

    class Desk:
        def __init__(self) -> None:
            self.stopping = False
            self.said: list[Said] = []
            self.begun: set[tuple[int, int]] = set()

        def tell(self, attempt: tuple[int, int], said: list[Said]) -> bool:
            """What a task has done; whether it shall stop."""
            self.begun.add(attempt)
            self.said += said
            return self.stopping

        def take(self) -> tuple[list[Said], set[tuple[int, int]]]:
            """What was said since the last time, and the attempts that have begun."""
            said, self.said = self.said, []
            return said, self.begun

        def stop(self) -> None:
            self.stopping = True

    return Desk


def _errand() -> Callable[..., Any]:
    """What Ray calls on a node: it puts the driver's surroundings there in place, and then loads randomnet."""

    def randomnet_batch(surroundings: dict[str, Any], work: bytes, desk: Any) -> Any:
        import os
        import pickle
        import sys

        os.environ.update(surroundings["environment"])
        if surroundings["code"] not in sys.path:
            sys.path.insert(0, surroundings["code"])
        os.chdir(surroundings["folder"])
        from randomnet.experiment.ray_engine import serve

        return serve(desk, *pickle.loads(work))

    return randomnet_batch


def _surroundings() -> dict[str, Any]:
    """Of the driver: where its code is, the folder that relative paths start from, and variables that matter."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("RANDOMNET_")}
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "1")  # numbers must not depend on a node's cores
    code = str(Path(randomnet.__file__).parents[1])
    return {
        "environment": environment | {"OPENBLAS_NUM_THREADS": threads},
        "code": code,
        "folder": str(Path.cwd()),
    }


# ---- within a task


def serve(desk: Any, attempt: tuple[int, int], batch: Batch, root: Path) -> tuple[list[Said], tuple[Ended, ...]]:
    """A task: do what is missing of a batch. Returns what it has not told yet, and the ends."""
    line = _Line(desk, attempt)
    try:
        with ResultsFolder(root).task_lock(attempt[0]):
            idle = line.stopping() or not missing(batch, folders_of(batch, root))
            ends = () if idle else carry_out(batch, root, line.report, line.stopping)
    finally:
        left = line.close()
    return left, ends


class _Line:
    """A task's way to the desk: a thread tells every PAUSE what has been done, and hears whether to stop."""

    def __init__(self, desk: Any, attempt: tuple[int, int]) -> None:
        self.desk, self.attempt = desk, attempt
        self.said: deque[Said] = deque()
        self.asked, self.heard, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()
        self.heard.wait()

    def report(self, event: Epoch | Ended) -> None:
        """Note an epoch, to be told soon; ends are returned by the task."""
        if isinstance(event, Epoch):
            self.said.append((event.combo, event.iteration, event.row))

    def stopping(self) -> bool:
        """Whether the task shall stop."""
        return self.asked.is_set()

    def close(self) -> list[Said]:
        """End it; returns what has not been told."""
        self.closed.set()
        self.thread.join()
        return list(self.said)

    def _talk(self) -> None:
        import ray

        while not self.closed.is_set():
            said = [self.said.popleft() for _ in range(len(self.said))]
            try:
                stop = ray.get(self.desk.tell.remote(self.attempt, said), timeout=SILENCE)
            except Exception:  # whatever it is, the driver cannot be reached
                os._exit(1)
            if stop:
                self.asked.set()
            self.heard.set()
            self.closed.wait(PAUSE)
