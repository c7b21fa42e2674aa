"""The record `Kind` of an experiment kind, which each randomnet/kinds/<kind>/run.py has one of.

Modules beside the folders of the kinds are shared by several of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from randomnet import results
from randomnet.kinds import KINDS
from randomnet.schema.plan import Run

Batch = tuple[Run, ...]  # runs that are carried out side by side
ProgressCallback = Callable[[dict[str, float]], None]  # takes a new row of history, or {"advance": units of progress}
RunProgressCallback = Callable[[Run, dict[str, float]], None]  # likewise, for one of several runs
RunRecords = list[tuple[Run, dict[str, Any]]]  # runs with their records for run.json
Stop = Callable[[], bool]  # whether the experiment is to be interrupted


@dataclass(frozen=True)
class Cost:
    """Seconds of one epoch and of a whole run, on one worker of this machine."""

    epoch: float
    run: float


class Ranking(NamedTuple):
    """A column of the summary that orders combos on the console. best: whether its first end is the better one."""

    column: str
    lowest_first: bool = True
    best: bool = True


def single_run(run: Run, facts: dict[str, Any]) -> int:
    """Return 1: the `max_batch` of kinds whose runs are carried out one by one."""
    return 1


@dataclass(frozen=True)
class Kind:
    """One experiment kind.

    check(run) -> facts of the connectome. It raises ConfigError for what cannot work, before anything starts.
    execute(runs, folders, report, stop) carries out the unfinished ones of runs of one shape side by side. It writes
    their files and returns each run with its record for run.json.
    estimate(runs) -> Cost of each of such runs, measured by a short probe.
    length(run) -> its progress in `unit`s, such as epochs.
    headline: columns of the summary that are printed at the end.
    rankings: columns that order combos at the end; the first one with values does.
    max_batch(run, facts) -> how many runs of this one's shape are carried out side by side, at most.
    workers: how many runs at a time the kind allows; None for as many as the configuration says.
    """

    check: Callable[[Run], dict[str, Any]]
    execute: Callable[[Sequence[Run], Sequence[results.RunFolder], RunProgressCallback, Stop], RunRecords]
    estimate: Callable[[Sequence[Run]], Cost]
    length: Callable[[Run], float]
    unit: str
    headline: tuple[str, ...]
    max_batch: Callable[[Run, dict[str, Any]], int] = single_run
    workers: int | None = None
    rankings: tuple[Ranking, ...] = ()


def kind_of(name: str) -> Kind:
    """Return the kind of this name. Raises ValueError for a kind without runs of its own."""
    if not KINDS[name].module:
        raise ValueError(f"kind: expected one with runs of its own, got {name}")
    kind: Kind = import_module(KINDS[name].module).KIND
    return kind


def one_at_a_time(
    execute: Callable[[Run, results.RunFolder, ProgressCallback, Stop], dict[str, Any]],
) -> Callable[[Sequence[Run], Sequence[results.RunFolder], RunProgressCallback, Stop], RunRecords]:
    """Return the `execute` of a kind whose runs are carried out one by one, given that of one run."""

    def execute_each(
        runs: Sequence[Run], folders: Sequence[results.RunFolder], report: RunProgressCallback, stop: Stop
    ) -> RunRecords:
        pairs = zip(runs, folders, strict=True)
        return [(run, execute(run, folder, partial(report, run), stop)) for run, folder in pairs]

    return execute_each


def missing_runs(runs: Sequence[Run], folders: Sequence[results.RunFolder]) -> list[Run]:
    """Return the runs that have not ended."""
    return [run for run, folder in zip(runs, folders, strict=True) if folder.status == results.MISSING]
