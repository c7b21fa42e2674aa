"""History of the runs for TensorBoard, beside the results: <results>/tensorboard/<combo>_<values>/iter_<iteration>/.

The process that holds the results folder writes it from what workers report, so that it does not depend on the engine.
While a run goes on, its epochs are appended. A run that goes on from a checkpoint begins again with the epochs of its
history.csv, and an ended run is written anew from it: no point is there twice, and none is lost.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from randomnet.experiment import engines
from randomnet.extras import install_line
from randomnet.results import ENDED, ResultsFolder, read_history
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

FOLDER = "tensorboard"
WHOLE, PART = ".whole", ".part"  # end the name of the file of an ended run, and of a folder that is being written
FLUSH = 10  # seconds after which points of a run that goes on are on disk
GROUPS = (  # pattern of a column of history.csv -> group of charts
    (r"grad_norm_(.*)", r"gradient norm/\1"),
    (r"clipped_norm_(.*)", r"clipped gradient norm/\1"),
    (r"(lambda_max|D_KY|h_KS|n_positive.*)", r"spectrum/\1"),
    (r"(train|validate|test)_(.*)", r"\1/\2"),
)
RunKey = tuple[int, int]  # combo and iteration


def writer_class() -> Any:
    """Return torch's SummaryWriter. Raises ConfigError where the package tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "[execution] tensorboard: expected the package tensorboard with tensorboard = True, got none installed: "
            f"{install_line('tensorboard')}"
        ) from None
    return SummaryWriter


def tag_of(column: str) -> str:
    """Return the name of the chart of a column of history.csv, with its group before a slash."""
    for pattern, tag in GROUPS:
        if re.fullmatch(pattern, column):
            return re.sub(pattern, tag, column)
    return f"other/{column}"


class EventFiles:
    """The event files of some runs of an experiment; a context that closes them.

    values: the gridded options of each combo, which name its folder. An event file that cannot be written ends this
    record with a line on the console; the runs go on.
    """

    def __init__(self, folder: ResultsFolder, values: Mapping[int, Mapping[str, Any]], runs: Iterable[Run]) -> None:
        self.folder, self.values = folder, values
        self.runs = [(run.combo, run.iteration) for run in runs]
        self.writer = writer_class()
        self.open: dict[RunKey, tuple[Any, int]] = {}  # writer and last epoch of runs that go on
        self.broken = False

    def __enter__(self) -> "EventFiles":
        self._write_ended()
        return self

    def __exit__(self, *_: object) -> None:
        self._close(list(self.open))
        self._write_ended()

    def epoch(self, event: engines.Event) -> None:
        """Append an epoch that a worker has reported; the progress of a spectrum is none."""
        if isinstance(event, engines.Epoch) and "epoch" in event.row and not self.broken:
            self._try(self._append, event)

    def ended(self, event: engines.Ended) -> None:
        """Close the file of a run that has stopped, and write that of an ended one from its history."""
        run = (event.combo, event.iteration)
        self._close([run])
        if event.status in ENDED:
            self._try(self._write_whole, run)

    def _append(self, event: engines.Epoch) -> None:
        run, epoch = (event.combo, event.iteration), int(event.row["epoch"])
        writer, last = self.open.get(run, (None, -1))
        if writer is None or epoch <= last:  # the run begins, or goes on from a checkpoint
            self._close([run])
            writer = self._begin(run)
            self._add_history(writer, run, before=epoch)
        self.open[run] = writer, epoch
        _add_rows(writer, pd.DataFrame([event.row]))

    def _begin(self, run: RunKey) -> Any:
        """Return a writer of the only event file of a run that goes on."""
        path = self._path(run)
        shutil.rmtree(path, ignore_errors=True)
        return self.writer(str(path), purge_step=0, flush_secs=FLUSH)

    def _path(self, run: RunKey) -> Path:
        """Return the folder of a run; a combo keeps its folder where the grid has another axis now."""
        combo, iteration = run
        root = self.folder.root / FOLDER
        texts = (f"{name}={value}" for name, value in self.values[combo].items())
        name = re.sub(r"[^\w=.,+-]+", "-", ",".join([str(combo), *texts]))[:120].rstrip(".")
        earlier = [path for path in (root / name, root / str(combo), *sorted(root.glob(f"{combo},*"))) if path.exists()]
        return [*earlier, root / name][0] / f"iter_{iteration}"

    def _write_ended(self) -> None:
        """Write the files of ended runs that have none: those of earlier starts, and those that a kill has cut off."""
        for run in self.runs:
            folder = self.folder.run(*run)
            missing = not list(self._path(run).glob(f"*{WHOLE}"))
            if missing and folder.status in ENDED and (folder.path / "history.csv").exists():
                self._try(self._write_whole, run)

    def _write_whole(self, run: RunKey) -> None:
        """Write the file of an ended run beside the present one, and put it in its place once it is whole."""
        path = self._path(run)
        part = path.with_name(f"{path.name}{PART}")
        shutil.rmtree(part, ignore_errors=True)
        writer = self.writer(str(part), purge_step=0, filename_suffix=WHOLE)
        self._add_history(writer, run)
        writer.close()
        shutil.rmtree(path, ignore_errors=True)
        part.rename(path)

    def _add_history(self, writer: Any, run: RunKey, before: float = np.inf) -> None:
        """Add the epochs of history.csv that come before this one; a column of a gridded option is no chart."""
        history = read_history(self.folder.run(*run).path / "history.csv")
        if len(history):
            _add_rows(writer, history[history["epoch"] < before].drop(columns=[*self.values[run[0]]], errors="ignore"))

    def _close(self, runs: Iterable[RunKey]) -> None:
        for run in runs:
            if run in self.open:
                writer, _ = self.open.pop(run)
                self._try(writer.close)

    def _try(self, action: Any, *arguments: Any) -> None:
        """Do what writes files; a full disk costs the charts, not the runs."""
        if self.broken:
            return
        try:
            action(*arguments)
        except OSError as error:
            self.broken = True
            tqdm.write(f"Note: no more is written for TensorBoard to {self.folder.root / FOLDER}: {error}")


def _add_rows(writer: Any, history: pd.DataFrame) -> None:
    """Add rows of a history, at the times at which their epochs ended if the last one ended now."""
    charts = [name for name in history.select_dtypes("number") if name not in ("combo", "iteration", "epoch")]
    seconds = history.get("seconds", pd.Series(0.0, history.index)).fillna(0.0).to_numpy(float)
    times = time() - (seconds.sum() - np.cumsum(seconds))
    for row, at in zip(history.to_dict("records"), times, strict=True):
        for name in charts:
            if np.isfinite(row[name]):
                writer.add_scalar(tag_of(name), row[name], int(row["epoch"]), walltime=at)
