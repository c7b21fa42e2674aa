"""All runs of a grid: check, order, carry out, resume, summarise."""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from randomnet import devices
from randomnet.experiment import engines, extension, halving, planning, ray_connection, ray_engine, tensorboard
from randomnet.experiment.batches import make_batches
from randomnet.experiment.cost_estimate import Estimate, estimate
from randomnet.experiment.progress import LOG_EVERY, Progress
from randomnet.forks import cores
from randomnet.kinds.kind import Batch, kind_of
from randomnet.results import DIVERGED, ENDED, FAILED, ResultsError, ResultsFolder, Share
from randomnet.results.folders import run_rows
from randomnet.results.locks import LocksUnsupported
from randomnet.schema.plan import Plan, Run
from randomnet.schema.sections.general import ExecutionSection
from randomnet.settings import ConfigError

__all__ = ["Estimate", "Outcome", "check", "check_results", "estimate", "run"]

Engine = Callable[[Sequence[Batch], Path, Callable[[], bool], Callable[[engines.Event], None]], Iterator[engines.Ended]]


def check(plan: Plan) -> list[dict[str, Any]]:
    """Check every run before anything starts, and that what it needs is installed; return facts as `planning.check`."""
    if plan.config.execution.engine == "ray":
        with _naming_ini(plan):
            ray_engine.package()
    if plan.config.execution.tensorboard:
        with _naming_ini(plan):
            tensorboard.writer_class()
    halving.check(plan)
    return planning.check(plan)


@dataclass(frozen=True)
class Outcome:
    """How an experiment ended: its folder, its summary, whether it was interrupted, and its manifest."""

    root: Path
    table: pd.DataFrame
    interrupted: bool
    manifest: dict[str, Any]

    @property
    def failed(self) -> int:
        """The number of failed runs."""
        return int((self.table["status"] == FAILED).sum())

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield run.json of the runs that have ended, in the order of the table."""
        folder = ResultsFolder(self.root)
        for combo, iteration in zip(self.table["combo"], self.table["iteration"], strict=True):
            record = folder.run(int(combo), int(iteration)).record
            if record:
                yield record

    @property
    def all_diverged(self) -> bool:
        """Whether every run diverged, so that there is no result."""
        return bool(len(self.table)) and bool((self.table["status"] == DIVERGED).all())


def run(
    plan: Plan,
    facts: list[dict[str, Any]],
    *,
    fresh: bool = False,
    retry_failed: bool = False,
    share: Share | None = None,
    log_every: float = LOG_EVERY,
) -> Outcome:
    """Carry out the missing runs of a plan in its results folder, or of a share of the plan; return how it ended.

    facts: what `check(plan)` returned. fresh: move an existing folder aside first. retry_failed: repeat failed runs.
    share: other processes may carry out the other shares in the same folder, at the same time or not; the table has
    only the runs of the share. log_every: seconds between two lines without a terminal; 0 for none. Raises ConfigError
    where the folder holds another experiment, is in use, or cannot be written, or where there is no cluster.
    """
    folder = _folder(plan)
    share = share and _share_of(plan, share)
    with ExitStack() as stack:
        with _results_folder_errors(plan):
            old = planning.check_folder(folder)
            prepared = planning.prepare(plan, facts, None if fresh else old)
            if not fresh:
                extension.check(prepared, folder)
                halving.halving_of(plan, prepared, folder)
                if old and (outcome := _as_it_is(prepared, folder, retry_failed)):
                    return outcome
        engine = stack.enter_context(_engine(plan, facts))
        with _results_folder_errors(plan):
            aside = _set_aside(folder) if fresh and old else None
            stack.enter_context(folder.lock(share))
            with folder.brief_lock():
                prepared = planning.prepare(plan, facts, planning.check_folder(folder))
                rungs = halving.halving_of(plan, prepared, folder)
                folder.write_plan(prepared.manifest, plan.text)
        if aside:
            tqdm.write(f"The old results folder is now {aside}")
        for note in prepared.notes:
            tqdm.write(f"Note: {note}")
        facts_by_combo = {entry["combo"]: entry["connectome"] for entry in prepared.manifest["combos"]}
        batches = make_batches(prepared.runs(), facts_by_combo)
        batches = share.of(batches) if share else batches
        try:
            interrupted = _carry_out(engine, prepared, batches, folder, retry_failed, rungs, log_every)
        except ray_engine.ClusterLost:
            with folder.brief_lock():
                folder.write_summary(prepared.manifest)
            raise
        if folder.manifest is None:
            raise OSError(engines.gone(folder.root))
        with folder.brief_lock():
            table = folder.write_summary(prepared.manifest)
        if rungs:
            halving.write_ranking(folder, table, plan.varied)
        return Outcome(folder.root, _rows_of(table, batches), interrupted, prepared.manifest)


def _as_it_is(prepared: planning.Prepared, folder: ResultsFolder, retry_failed: bool) -> Outcome | None:
    """Return the outcome of a folder that cannot be written and misses no run, from what is there; else None."""
    if os.access(folder.root, os.W_OK):
        return None
    table = pd.DataFrame(run_rows(folder, prepared.manifest))
    if not table["status"].isin(ENDED if retry_failed else (*ENDED, FAILED)).all():
        return None
    tqdm.write(f"Note: {folder.root} cannot be written; all its runs have ended, so that nothing is to be written")
    return Outcome(folder.root, table, False, prepared.manifest)


def _rows_of(table: pd.DataFrame, batches: Sequence[Batch]) -> pd.DataFrame:
    """Return the rows of the summary that belong to these batches."""
    pairs = {(run.combo, run.iteration) for batch in batches for run in batch}
    return table[[pair in pairs for pair in zip(table["combo"], table["iteration"], strict=True)]]


def _share_of(plan: Plan, share: Share) -> Share:
    """Return the share with the options that set the size of batches, where they are not the default.

    Raises ConfigError for plans that cannot be shared.
    """
    if plan.config.combosparams.halving:
        raise ConfigError(
            f"--shard {share.number}/{share.shares}: expected halving = 0 with it, as rungs compare the runs of all "
            f"shares, got {plan.config.combosparams.halving}; use workers, or engine = ray"
        )
    if plan.config.execution.engine == "ray":
        raise ConfigError(f"--shard {share.number}/{share.shares}: expected engine = local with it, got ray")
    section, default = plan.config.execution, ExecutionSection()
    names = [name for name in ("batch_runs", "memory_budget") if getattr(section, name) != getattr(default, name)]
    return replace(share, division="".join(f"-{name}-{getattr(section, name)}" for name in names))


def _set_aside(folder: ResultsFolder) -> Path | None:
    with folder.lock():  # nobody may be working in it
        if os.name != "nt":
            return folder.set_aside()
    return folder.set_aside()  # Windows does not move a folder with an open file


def check_results(plan: Plan, facts: list[dict[str, Any]], fresh: bool = False) -> None:
    """Check that `run` can use the results folder as it is, or move it aside if `fresh`; nothing is written.

    Raises ConfigError.
    """
    with _results_folder_errors(plan):
        old = planning.check_folder(_folder(plan))
        prepared = planning.prepare(plan, facts, None if fresh else old)
        if not fresh:
            extension.check(prepared, _folder(plan))
            halving.halving_of(plan, prepared, _folder(plan))


def _folder(plan: Plan) -> ResultsFolder:
    return ResultsFolder(Path(plan.config.paths.path_to_results).expanduser())


def workers_of(plan: Plan, facts: list[dict[str, Any]]) -> int:
    """Return how many processes run side by side; 1 for a remote cluster unless the config gives a number.

    facts: what `check(plan)` returned; runs on GPUs have a process for each of these.
    """
    execution, allowed = plan.config.execution, kind_of(plan.config.experiment.kind).workers
    if execution.workers != "auto":
        number = int(execution.workers)
    elif execution.engine == "ray":
        number = 1 if execution.address else int(cores() // ray_connection.cpus_of(execution))
    elif any(device.type == "cuda" for device in planning.devices_of(plan, facts)):
        number = devices.workers_for(execution.device)
    else:
        number = cores() // execution.threads
    return min(max(1, number), allowed or number)


@contextmanager
def _engine(plan: Plan, facts: list[dict[str, Any]]) -> Iterator[Engine]:
    """Yield the engine that carries out batches. Raises ConfigError."""
    if plan.config.execution.engine == "local":
        yield partial(_locally, workers_of(plan, facts))
        return
    wanted, allowed = plan.config.execution.workers, kind_of(plan.config.experiment.kind).workers
    limits = [number for number in (wanted, allowed) if isinstance(number, int)]
    with ExitStack() as stack:
        with _naming_ini(plan):
            cluster = stack.enter_context(ray_engine.joined(plan.config.execution))
        yield partial(cluster.carry_out, min(limits, default=None))


def _locally(
    workers: int,
    batches: Sequence[Batch],
    root: Path,
    stop: Callable[[], bool],
    report: Callable[[engines.Event], None],
) -> Iterator[engines.Ended]:
    """Carry out batches in worker processes, or in this process if there is one worker or one batch."""
    workers = min(workers, len(batches))
    if workers == 1:
        return engines.here(batches, root, stop, report)
    return engines.processes(batches, root, workers, stop, report)


def _carry_out(
    engine: Engine,
    prepared: planning.Prepared,
    batches: list[Batch],
    folder: ResultsFolder,
    retry_failed: bool,
    rungs: halving.Halving | None,
    log_every: float,
) -> bool:
    """Carry out the missing runs, all at once or rung by rung; return whether they were interrupted."""
    runs = [run for batch in batches for run in batch]
    states = extension.reopen(runs, folder)
    if retry_failed:
        for (combo, iteration), status in states.items():
            if status == FAILED:
                folder.run(combo, iteration).forget_failure()
    skipped = ENDED if retry_failed else (*ENDED, FAILED)
    curves = _Curves(folder, prepared)
    curves.write_missing(states)
    missing = [run for run in runs if states[run.combo, run.iteration] not in skipped]
    curves.expect(missing)
    unfinished = [batch for batch in batches if any(states[run.combo, run.iteration] not in skipped for run in batch)]
    _tidy_ended(batches, states, folder)
    done = len(runs) - len(missing)
    if done:
        tqdm.write(f"{done} of {len(runs)} runs are there already and stay as they are")
    values = {entry["combo"]: entry["values"] for entry in prepared.manifest["combos"]}
    charts = tensorboard.EventFiles(folder, values, runs) if runs and runs[0].config.execution.tensorboard else None
    with charts or nullcontext():
        if not missing:
            return False
        kind, part = kind_of(missing[0].config.experiment.kind), rungs.share if rungs else 1.0
        with _stop_on_signal() as stop, Progress(folder, kind, len(runs), missing, part, log_every) as shown:
            watchers: list[Progress | tensorboard.EventFiles] = [shown, charts] if charts else [shown]
            for stage in rungs.stages(runs) if rungs else [unfinished]:
                for ended in _ends(engine, stage, folder, stop, watchers):
                    curves.ended(ended)
                if stop.is_set():
                    break
            return stop.is_set()


def _tidy_ended(batches: Sequence[Batch], states: Mapping[tuple[int, int], str], folder: ResultsFolder) -> None:
    """Remove what is needed only to go on, of batches whose runs have all ended."""
    for batch in batches:
        if all(states[run.combo, run.iteration] in ENDED for run in batch):
            for run in batch:
                folder.run(run.combo, run.iteration).tidy()


def _ends(
    engine: Engine,
    stage: Sequence[Batch],
    folder: ResultsFolder,
    stop: threading.Event,
    watchers: Sequence[Progress | tensorboard.EventFiles],
) -> Iterator[engines.Ended]:
    """Yield the ends of runs, after all watchers have been told of them; tell them of epochs as well."""

    def epoch(event: engines.Event) -> None:
        for watcher in watchers:
            watcher.epoch(event)

    for ended in engine(stage, folder.root, stop.is_set, epoch) if stage else ():
        if ended.status == engines.UNWRITTEN:
            raise OSError(ended.text)
        for watcher in watchers:
            watcher.ended(ended)
        yield ended


class _Curves:
    """The curves of each combo, written once the last of its runs that this process carries out has ended.

    Where other processes carry out other shares, the last one finds that all runs of a combo have ended.
    """

    def __init__(self, folder: ResultsFolder, prepared: planning.Prepared) -> None:
        self.folder, self.iterations = folder, prepared.manifest["iterations"]
        settings = {entry["combo"]: entry["settings"] for entry in prepared.manifest["combos"]}
        self.epochs = {combo: of.get("trainvalidate.epochs") for combo, of in settings.items()}
        self.waiting: dict[int, int] = {}

    def write_missing(self, states: Mapping[tuple[int, int], str]) -> None:
        """Write what a kill between a run's end and its combo's curves has prevented."""
        unfinished = {combo for (combo, _), status in states.items() if status not in ENDED}
        for combo in self.epochs.keys() - unfinished:
            if self.epochs[combo] and not self.folder.has_curves(combo):
                self._write(combo)

    def expect(self, runs: Iterable[Run]) -> None:
        """Count the runs that are to be carried out."""
        self.waiting = Counter(run.combo for run in runs)

    def ended(self, event: engines.Ended) -> None:
        """Count the end of a run; one that waits at a rung has not ended."""
        if event.status in ENDED:
            self.waiting[event.combo] -= 1
            if self.waiting[event.combo] <= 0 and self.epochs[event.combo]:
                self._write(event.combo)

    def _write(self, combo: int) -> None:
        self.folder.write_curves(combo, self.iterations, self.epochs[combo])


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C, SIGTERM or SIGHUP sets, to stop after an epoch; a second one interrupts.

    A SIGHUP that is ignored stays so, as under nohup.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tqdm.write("Stopping; trainings keep a checkpoint of their epoch; once more to stop at once", file=sys.stderr)

    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    heeded = [number for number in engines.STOPPING
              if number != hang_up or signal.getsignal(number) != signal.SIG_IGN]  # fmt: skip
    before = {number: signal.signal(number, ask) for number in heeded}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _naming_ini(plan: Plan) -> Iterator[None]:
    """Let a ConfigError name the INI."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{plan.path}: {error}") from None


@contextmanager
def _results_folder_errors(plan: Plan) -> Iterator[None]:
    """Turn errors of a results folder that cannot be used into a ConfigError that names the INI and the option.

    An error that begins with [section] names another option itself.
    """
    option = f"{plan.path}: [paths] path_to_results"
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{plan.path if str(error).startswith('[') else option}: {error}") from None
    except (ResultsError, LocksUnsupported) as error:
        raise ConfigError(f"{option}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{option}: expected a folder that can be written, got {error}") from None
