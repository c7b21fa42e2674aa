"""What is shown while runs go on: bars on a terminal; elsewhere a line per ended run, and one at intervals."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from randomnet.console import duration_text
from randomnet.experiment import engines
from randomnet.experiment.closing_table import NO_MEANS, PARTS, figure_text
from randomnet.kinds.kind import Kind
from randomnet.results import COMPLETE, ResultsFolder
from randomnet.schema.plan import Run

LOG_EVERY = 60.0  # seconds between two lines about runs that go on
MOST_FIGURES = 3  # of a run, in its line
RunKey = tuple[int, int]  # combo and iteration


class TimeLeft:
    """How far runs are, and the seconds that the rest will take at the present speed.

    lengths: of the runs that are missing, in units of progress. share: of all lengths that will be done, below 1 where
    halving stops runs.
    """

    def __init__(
        self, lengths: Mapping[RunKey, float], share: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lengths, self.share, self.clock = dict(lengths), share, clock
        self.done = dict.fromkeys(lengths, 0.0)
        self.began = clock()

    def advance(self, run: RunKey, amount: float) -> None:
        """Count progress of a run."""
        if run in self.done:
            self.done[run] = min(self.done[run] + amount, self.lengths[run])

    def end(self, run: RunKey) -> None:
        """Count the whole run, which may have stopped early or gone on from a checkpoint."""
        if run in self.done and self.share == 1:
            self.done[run] = self.lengths[run]

    def part(self, run: RunKey) -> float:
        """Return how much of a run is done, from 0 to 1."""
        return self.done[run] / self.lengths[run] if self.lengths.get(run) else 0.0

    def seconds(self) -> float | None:
        """Return the seconds that are left; None before any progress."""
        done, total = sum(self.done.values()), sum(self.lengths.values()) * self.share
        return (self.clock() - self.began) * max(total - done, 0.0) / done if done else None

    def text(self) -> str:
        """Return the time left in words; empty before any progress, and at the end."""
        seconds = self.seconds()
        return f"about {duration_text(seconds)} left" if seconds else ""


class Progress:
    """A bar for runs, and one for epochs (with loss and lambda_max) or time; without a terminal, lines.

    total: number of all runs, of which `missing` are to be done. log_every: seconds between two lines about runs that
    go on, without a terminal; 0 for none.
    """

    def __init__(
        self,
        folder: ResultsFolder,
        kind: Kind,
        total: int,
        missing: Sequence[Run],
        share: float = 1.0,
        log_every: float = LOG_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.kind, self.total, self.count = folder, kind, total, total - len(missing)
        self.left = TimeLeft({(run.combo, run.iteration): kind.length(run) for run in missing}, share, clock)
        self.log_every, self.clock, self.logged = log_every, clock, clock()
        tqdm.monitor_interval = 0  # without its thread, workers can be forked; each update may draw, as miniters is 1
        style = {"disable": None, "file": sys.stderr, "dynamic_ncols": True, "miniters": 1}
        length = sum(self.left.lengths.values()) * share
        self.runs = tqdm(total=total, initial=self.count, desc="runs", unit="run", position=0, **style)
        self.steps = tqdm(total=length, desc=f"all {kind.unit}", unit=kind.unit, position=1, leave=False, **style)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.steps.close()
        self.runs.close()

    def epoch(self, event: engines.Event) -> None:
        """Show an epoch, or the progress of a spectrum."""
        if not isinstance(event, engines.Epoch):
            return
        advance = round(event.row.get("advance", 1), 6)
        if event.row.get("epoch") != 0:  # the untrained network
            self.left.advance((event.combo, event.iteration), advance)
        self.steps.set_postfix_str(", ".join([_name_of(event), *_values(event.row)]), False)
        self.steps.update(advance)
        if self.runs.disable and self.log_every and self.clock() - self.logged >= self.log_every:
            self._log(event)

    def _log(self, event: engines.Epoch) -> None:
        """Write a line about a run that goes on."""
        run = (event.combo, event.iteration)
        if "epoch" in event.row:
            how_far = f"epoch {event.row['epoch']:.0f} of {self.left.lengths.get(run, 0):.0f}"
        else:
            how_far = f"{100 * self.left.part(run):.0f} %"
        of_all = f"{self.count} of {self.total} runs ended"
        about_all = ", ".join(filter(None, [of_all, self.left.text()]))
        self._write(f"{_name_of(event)}: {', '.join([how_far, *_values(event.row)])}; {about_all}")

    def _write(self, line: str) -> None:
        tqdm.write(line, file=sys.stderr)
        sys.stderr.flush()
        self.logged = self.clock()

    def ended(self, event: engines.Ended) -> None:
        """Show the end of a run; errors stay on the screen. A run that waits at a rung has not ended."""
        if event.status == engines.WAITING:
            return
        if event.status != engines.INTERRUPTED:
            self.count += 1
            self.runs.update()
            self.left.end((event.combo, event.iteration))
        if event.status == COMPLETE and not self.runs.disable:
            return
        with_figures = self.runs.disable and event.status != engines.INTERRUPTED
        about = [event.text, *(self._figures(event) if with_figures else ())]
        text = "; ".join(filter(None, about))
        self._write(f"[{self.count}/{self.total}] {_name_of(event)} {event.status}{f': {text}' if text else ''}")

    def _figures(self, event: engines.Ended) -> list[str]:
        """Return headline figures of an ended run, its seconds, and the time left."""
        record = self.folder.run(event.combo, event.iteration).record or {}
        summary: Mapping[str, Any] = record.get("summary") or {}
        seconds = summary.get("seconds")
        texts = [f"{name} {figure_text(summary, name)}" for name in self._names(summary)[:MOST_FIGURES]]
        return [", ".join(texts), f"{seconds:.3g} s" if isinstance(seconds, (int, float)) else "", self.left.text()]

    def _names(self, summary: Mapping[str, Any]) -> list[str]:
        """Return the columns of a run's line: what orders the combos first, then other measured numbers."""
        leading = [ranking.column for ranking in self.kind.rankings]
        names = [name for name in self.kind.headline if not name.startswith(NO_MEANS) and not name.endswith(PARTS)]
        names = [name for name in names if name != "seconds" and not name.endswith("_initial")]
        return [name for name in dict.fromkeys([*leading, *names]) if isinstance(summary.get(name), float)]


def _name_of(event: engines.Event) -> str:
    return f"combo {event.combo} iteration {event.iteration}"


def _values(row: Mapping[str, float]) -> list[str]:
    """Return loss and largest exponent of an epoch, as far as there are any."""
    texts = [f"loss {row['train_loss']:.4g}"] if "train_loss" in row else []
    return [*texts, f"lambda_max {row['lambda_max']:+.4f}"] if "lambda_max" in row else texts
