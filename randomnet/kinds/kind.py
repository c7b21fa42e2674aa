"""What an experiment kind is: a module with the functions below; `randomnet.kinds.KINDS` names them all.

check(run) -> connectome facts      raises ConfigError for what cannot work, before anything starts
beside(run, facts) -> int           how many runs of this one's shape are carried out side by side, at most
execute(runs, folders, report, stop)  does these runs side by side, as far as they have not ended; writes their files,
                                    returns each with its record for run.json
estimate(runs) -> Cost              of each of such runs, from a probe of an epoch
length(run) -> float                of its progress, in UNIT
UNIT                                what its progress is counted in: epochs, or units of time
WORKERS                             how many runs at a time it allows, None for as many as configured
HEADLINE                            the columns of the summary worth printing at the end
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from randomnet import results
from randomnet.config import Run

Batch = tuple[Run, ...]  # runs that are carried out side by side
# what a run has done: a row of history as soon as it is known, or {"advance": UNITs}
Report = Callable[[Run, dict[str, float]], None]
ProgressCallback = Callable[[dict[str, float]], None]  # the same, of one run
Recorded = list[tuple[Run, dict[str, Any]]]


@dataclass(frozen=True)
class Cost:
    """Seconds of one epoch and of a whole run, on one worker of this machine."""

    epoch: float
    run: float


def one_at_a_time(
    execute: Callable[[Run, results.RunFolder, ProgressCallback, Callable[[], bool]], dict[str, Any]],
) -> Callable[..., Recorded]:
    """`execute` of a kind whose runs are carried out one by one, from that of one run."""

    def each(
        runs: Sequence[Run], folders: Sequence[results.RunFolder], report: Report, stop: Callable[[], bool]
    ) -> Recorded:
        pairs = zip(runs, folders, strict=True)
        return [(run, execute(run, folder, partial(report, run), stop)) for run, folder in pairs]

    return each


def missing(runs: Sequence[Run], folders: Sequence[results.RunFolder]) -> list[Run]:
    """Those of the runs that have not ended."""
    return [run for run, folder in zip(runs, folders, strict=True) if folder.status == results.MISSING]


def no_other(run: Run, facts: dict[str, Any]) -> int:
    """`beside` of such a kind."""
    return 1
