"""Seconds of jobs that take turns, and whether the machine was busy with other work meanwhile."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

TURNS = 5
BUSY = 0.05  # share of the wall time in which the process did not run, from which on times are doubtful


class Seconds(NamedTuple):
    """The wall time of a job, and the time in which this process worked on it."""

    wall: float
    process: float


class Clock:
    """Measures the time of one job."""

    def __init__(self) -> None:
        self._start = time.perf_counter(), _process_time()

    def read(self) -> Seconds:
        """Return the time since this clock was made."""
        return Seconds(time.perf_counter() - self._start[0], _process_time() - self._start[1])


class Stopwatch:
    """Seconds of jobs that take turns; wall and process are the total times of all jobs."""

    def __init__(self) -> None:
        self.wall, self.process = 0.0, 0.0

    def in_turns(self, *jobs: Callable[[], Seconds | None]) -> tuple[Seconds, ...]:
        """Return the least times of each job in several turns, by its own clock if it returns one, after a warm-up."""
        fastest = [Seconds(float("inf"), float("inf"))] * len(jobs)
        for turn in range(TURNS + 1):
            for index, job in enumerate(jobs):
                clock = Clock()
                own_clock = job()
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                if turn:
                    seconds = clock.read()
                    self.wall, self.process = self.wall + seconds.wall, self.process + seconds.process
                    fastest[index] = Seconds(*map(min, fastest[index], own_clock or seconds))
        return tuple(fastest)

    def summary(self) -> dict[str, Any]:
        """Return both times, the share of other work, and a note where that is large; empty for work on a GPU."""
        if torch.cuda.is_available() or not self.wall:
            return {}
        share = max(0.0, 1 - self.process / self.wall)
        note = f"the machine was busy: {share:.0%} of the wall time was others'" if share > BUSY else ""
        return {"wall_seconds": self.wall, "process_seconds": self.process, "busy_share": share, "notes": note}


def _process_time() -> float:
    """Return the CPU seconds of this process; with several threads of the main one, which works as long as all."""
    return time.process_time() if torch.get_num_threads() == 1 else time.thread_time()
