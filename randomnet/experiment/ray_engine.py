"""An engine that carries out runs on the nodes of a Ray cluster; the events are those of `engines`.

One Ray task is one batch. A desk, an actor on the driver's node, passes on the progress of tasks, and requests to stop.
Ray itself never repeats a task. The driver does, LOSSES times at most, after it has read in the results folder which
runs have ended; the others continue from the batch's checkpoint.

No run is written by two processes at a time, even if one was wrongly taken for dead: a task holds the lock of its batch
in the results folder (`ResultsFolder.task`). Its successor waits for the lock, and so does the next start of the
experiment for all locks. As with --shard, all nodes must see the folder and respect file locks in it. A task that
receives nothing from the desk for SILENCE seconds ends itself, because the driver or the connection is gone.
"""

import contextlib
import os
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

import randomnet
from randomnet.experiment.engines import Ended, Epoch, carry_out, fail, folders_of
from randomnet.experiment.ray_connection import connected, cpus_of, is_lost
from randomnet.extras import install_line
from randomnet.kinds.kind import Batch, missing_runs
from randomnet.results import FAILED, ResultsError, ResultsFolder
from randomnet.schema.plan import Run
from randomnet.schema.sections.general import ExecutionSection
from randomnet.settings import ConfigError

LOSSES = 3  # how often a batch is submitted again
PAUSE = 0.4  # seconds between two exchanges of a task with the desk
SILENCE = 30.0
HEARING, FULL = 5.0, 10.0  # seconds between two looks at the head; until a full cluster is told of
Message = tuple[int, int, dict[str, float]]  # an Epoch as plain values, so that the desk need not load torch


def package() -> ModuleType:
    """Return the package ray. Raises ConfigError where it is not installed."""
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
    """Yield a connection to a cluster, whose tasks end with it.

    Raises ConfigError without a cluster, or where its nodes are too small; one without nodes may still get them.
    """
    ray = package()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(connected(ray, execution))
        except Exception as error:  # of many classes
            expected = _expected_cluster(execution.address)
            raise ConfigError(f"[execution] address: expected {expected}, got: {_one_line(error)}") from None
        cluster = Cluster(ray, execution)
        cluster.check_size()
        yield cluster


def _expected_cluster(address: str) -> str:
    if address == "auto":
        return "a Ray cluster that runs on this machine or at RAY_ADDRESS"
    return f"a running Ray cluster at {address}" if address else "a Ray that starts on this machine"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class ClusterLost(OSError):
    """The cluster is lost; what has ended is in the results folder."""


@dataclass
class _Submission:
    """A batch, its runs that were unfinished at first, and how often its task was lost."""

    number: int
    batch: Batch
    unfinished: list[Run]
    lost: int = 0


class Cluster:
    """A Ray cluster to which this process is connected."""

    def __init__(self, ray: ModuleType, execution: ExecutionSection) -> None:
        self.ray = ray
        self.wanted = {"CPU": cpus_of(execution), "GPU": execution.gpus_per_run}
        self.needs = " and ".join(f"{number:g} {name}s" for name, number in self.wanted.items() if number)

    def places(self, names: Sequence[str] = ("CPU", "GPU")) -> int:
        """Return how many tasks fit on the present nodes, as far as these resources tell."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        wanted = {name: number for name, number in self.wanted.items() if number and name in names}
        return sum(int(min(node.get(name, 0) / number for name, number in wanted.items())) for node in nodes)

    def check_size(self) -> None:
        """Raise ConfigError where nodes are there and all are too small; a head without CPUs waits for others."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        if self.places() or not any(node.get("CPU") for node in nodes):
            return
        option = "gpus_per_run" if self.wanted["GPU"] and self.places(("CPU",)) else "cpus_per_run"
        raise ConfigError(f"[execution] {option}: expected a node of the cluster with {self.needs}, got none")

    def carry_out(
        self,
        workers: int | None,
        batches: Sequence[Batch],
        root: Path,
        stop: Callable[[], bool],
        report: Callable[[Epoch], None],
    ) -> Iterator[Ended]:
        """Carry out `workers` batches at a time, or as many as fit; yield the ends of the runs.

        A lost batch is submitted again. Raises ClusterLost where the cluster itself is lost.
        """
        try:
            yield from _Dispatch(self, batches, root, workers, stop, report).ends()
        except self.ray.exceptions.RayError as error:
            raise ClusterLost(f"the Ray cluster was lost: {_one_line(error)}") from None


class _Dispatch:
    """Waiting and submitted batches."""

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
        self.waiting = deque(_Submission(n, batch, self._missing(batch)) for n, batch in enumerate(batches))
        self.busy: dict[Any, _Submission] = {}  # ObjectRef -> its submission
        here = self.ray.get_runtime_context().get_node_id()
        strategy = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        again = {"max_restarts": LOSSES, "max_task_retries": LOSSES}  # a killed desk loses messages of epochs
        desk = self.ray.remote(_desk_class())
        self.desk = desk.options(num_cpus=0, scheduling_strategy=strategy, **again).remote()
        wanted = {"num_cpus": cluster.wanted["CPU"], "num_gpus": cluster.wanted["GPU"]}
        self.task = self.ray.remote(_task_function()).options(**wanted, max_retries=0, scheduling_strategy="SPREAD")
        self.waits_for_room = False
        self.idle_since: float | None = time.monotonic()
        self.heard = time.monotonic()

    def ends(self) -> Iterator[Ended]:
        """Yield the ends of all runs, in the order in which they end."""
        while self.busy or (self.waiting and not self.stop()):
            self._submit()
            ready, _ = self.ray.wait(list(self.busy), timeout=0.5)
            begun = self._pass_on_messages()
            self._check_head()
            self._tell_of_full_nodes(begun)
            if self.stop():
                self._halt(begun)
            for reference in ready:
                yield from self._ends_of(reference, self.busy.pop(reference))

    def _check_head(self) -> None:
        """Raise ClusterLost where the head answers no more: Ray would try for a minute, and then end this process."""
        if time.monotonic() - self.heard > HEARING:
            if is_lost(self.ray):
                raise ClusterLost("the Ray cluster was lost: its head does not answer any more")
            self.heard = time.monotonic()

    def _tell_of_full_nodes(self, begun: set[tuple[int, int]]) -> None:
        """Say once that no task has begun for a while, as where others use the cluster."""
        if begun or not self.busy or self.idle_since is None or time.monotonic() - self.idle_since < FULL:
            return
        self.idle_since = None
        tqdm.write(f"Waiting for {self.cluster.needs} of the cluster, which others use", file=sys.stderr)

    def _submit(self) -> None:
        room = self.workers or self.cluster.places()
        if not room and not self.waits_for_room:
            tqdm.write(f"Waiting for a node of the cluster with {self.cluster.needs}", file=sys.stderr)
        self.waits_for_room = not room
        while self.waiting and len(self.busy) < max(room, 1) and not self.stop():
            job = self.waiting.popleft()
            attempt = (job.number, job.lost)
            work = pickle.dumps((attempt, job.batch, self.root))
            self.busy[self.task.remote(_driver_environment(), work, self.desk)] = job

    def _pass_on_messages(self) -> set[tuple[int, int]]:
        """Pass on the messages of the tasks; return the attempts that have begun."""
        messages, begun = self.ray.get(self.desk.take.remote())
        for message in messages:
            self.report(Epoch(*message))
        return begun

    def _halt(self, begun: set[tuple[int, int]]) -> None:
        """Ask running tasks to stop, and cancel the others, which might never run."""
        self.desk.stop.remote()
        for reference, job in self.busy.items():
            if (job.number, job.lost) not in begun:
                self.ray.cancel(reference)

    def _ends_of(self, reference: Any, job: _Submission) -> Iterator[Ended]:
        """Yield the ends of a task's runs; empty where the task was lost and is submitted again."""
        try:
            messages, ends = self.ray.get(reference)
        except self.ray.exceptions.TaskCancelledError:
            messages, ends = [], ()
        except self.ray.exceptions.RayError as error:
            if self._resubmit(job, error):
                return
            messages, ends = [], self._fail(job, error)
        for message in messages:
            self.report(Epoch(*message))
        yield from ends
        yield from self._recorded(job, {(end.combo, end.iteration) for end in ends})

    def _resubmit(self, job: _Submission, error: Exception) -> bool:
        """Put a lost batch first in the queue again, if it may be repeated; return whether it may."""
        if not self._missing(job.batch) or job.lost == LOSSES:
            return False
        job.lost += 1
        self.waiting.appendleft(job)
        name = f"combo {job.unfinished[0].combo} iteration {job.unfinished[0].iteration}"
        tqdm.write(f"{name} was lost and is submitted again ({job.lost}/{LOSSES}): {_reason(error)}", file=sys.stderr)
        return True

    def _fail(self, job: _Submission, error: Exception) -> tuple[Ended, ...]:
        """Record the unfinished runs of a lost batch as failed; return their ends."""
        unfinished = self._missing(job.batch)
        reason = f"its task was lost {job.lost + 1} times, at last: {_reason(error)}"
        try:
            with ResultsFolder(self.root).task_lock(job.number):
                return tuple(fail(run, self.root, reason, str(error)) for run in unfinished)
        except ResultsError as busy:  # another process may write it
            return tuple(Ended(run.combo, run.iteration, FAILED, f"{reason}; {busy}") for run in unfinished)

    def _recorded(self, job: _Submission, known: set[tuple[int, int]]) -> Iterator[Ended]:
        """Yield the ends of runs that were recorded, but not reported by their task."""
        for run in job.unfinished:
            record = ResultsFolder(self.root).run(run.combo, run.iteration).record
            if record and (run.combo, run.iteration) not in known:
                yield Ended(run.combo, run.iteration, record["status"], record.get("reason", ""))

    def _missing(self, batch: Batch) -> list[Run]:
        return missing_runs(batch, folders_of(batch, self.root))


def _reason(error: Exception) -> str:
    """Return why a task was lost; for an error within the task its last line, which names the error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if hasattr(error, "cause") else _one_line(error)) if lines else type(error).__name__


def _desk_class() -> type:
    """Return the class of the desk.

    A class or function that is defined within a function is sent as a whole, and does not load randomnet there.
    """

    class Desk:
        def __init__(self) -> None:
            self.stopping = False
            self.messages: list[Message] = []
            self.begun: set[tuple[int, int]] = set()

        def tell(self, attempt: tuple[int, int], messages: list[Message]) -> bool:
            """Take messages of a task; return whether it is to stop."""
            self.begun.add(attempt)
            self.messages += messages
            return self.stopping

        def take(self) -> tuple[list[Message], set[tuple[int, int]]]:
            """Return messages since the last call, and the attempts that have begun."""
            messages, self.messages = self.messages, []
            return messages, self.begun

        def stop(self) -> None:
            self.stopping = True

    return Desk


def _task_function() -> Callable[..., Any]:
    """Return the function that Ray calls on a node; it sets the driver's environment and then loads randomnet."""

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


def _driver_environment() -> dict[str, Any]:
    """Return the driver's code folder, working folder, and relevant environment variables."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("RANDOMNET_")}
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "1")  # numbers must not depend on a node's cores
    code = str(Path(randomnet.__file__).parents[1])
    return {
        "environment": environment | {"OPENBLAS_NUM_THREADS": threads},
        "code": code,
        "folder": str(Path.cwd()),
    }


# ---- within a task


def serve(desk: Any, attempt: tuple[int, int], batch: Batch, root: Path) -> tuple[list[Message], tuple[Ended, ...]]:
    """Carry out the missing_runs runs of a batch within a task; return messages not sent yet, and the ends."""
    connection = _DeskConnection(desk, attempt)
    try:
        with ResultsFolder(root).task_lock(attempt[0]):
            idle = connection.stopping() or not missing_runs(batch, folders_of(batch, root))
            ends = () if idle else carry_out(batch, root, connection.report, connection.stopping)
    finally:
        messages = connection.close()
    return messages, ends


class _DeskConnection:
    """A task's connection to the desk: a thread sends messages every PAUSE seconds, and receives whether to stop."""

    def __init__(self, desk: Any, attempt: tuple[int, int]) -> None:
        self.desk, self.attempt = desk, attempt
        self.messages: deque[Message] = deque()
        self.stop, self.connected, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()
        self.connected.wait()

    def report(self, event: Epoch | Ended) -> None:
        """Queue an epoch as a message; ends are returned by the task."""
        if isinstance(event, Epoch):
            self.messages.append((event.combo, event.iteration, event.row))

    def stopping(self) -> bool:
        """Return whether the task is to stop."""
        return self.stop.is_set()

    def close(self) -> list[Message]:
        """End the connection; return messages that were not sent."""
        self.closed.set()
        self.thread.join()
        return list(self.messages)

    def _talk(self) -> None:
        import ray

        while not self.closed.is_set():
            messages = [self.messages.popleft() for _ in range(len(self.messages))]
            try:
                stop = ray.get(self.desk.tell.remote(self.attempt, messages), timeout=SILENCE)
            except Exception:  # whatever the error, the driver cannot be reached
                os._exit(1)
            if stop:
                self.stop.set()
            self.connected.set()
            self.closed.wait(PAUSE)
