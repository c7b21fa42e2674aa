"""What an experiment kind is: a module with the functions below; `randomnet.kinds.KINDS` names them all.

check(run) -> connectome facts      raises ConfigError for what cannot work, before anything starts
execute(run, folder, report, stop)  does the run, writes its files, returns the record for run.json
estimate(run) -> Cost               from a probe of one epoch
length(run) -> float                of its progress, in UNIT
UNIT                                what its progress is counted in: epochs, or units of time
WORKERS                             how many runs at a time it allows, None for as many as configured
HEADLINE                            the columns of the summary worth printing at the end
"""

from collections.abc import Callable
from dataclasses import dataclass

# what has been done: a row of history as soon as it is known, or {"advance": UNITs}
Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Cost:
    """Seconds of one epoch and of a whole run, on one worker of this machine."""

    epoch: float
    run: float
