"""The results folder: one sub-folder per run, written atomically, read back as one table.

Layout (`<root>` is path_to_results)::

    <root>/config.ini manifest.json folder_index.txt combos.csv summary.csv spectra.csv
    <root>/<combo>/train_loss_all.npy                 float64 (iterations, epochs), column e - 1 after epoch e
    <root>/<combo>/iter_<i>/run.json history.csv arrays.npz *.npy model.pt

`manifest.json` says what was planned, `run.json` (written last) that a run ended and how; everything else can be
rebuilt from the run folders. A file appears under its name only when it is whole.
"""

import contextlib
import io
import itertools
import json
import math
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet.renamed_options import current_manifest, earlier_columns
from randomnet.results.history import COUNTED_FROM_UNTRAINED as COUNTED_FROM_UNTRAINED
from randomnet.results.history import curve, read_history, summary_of, with_options
from randomnet.results.locks import Busy, exclusive, is_free
from randomnet.results.shares import Share as Share

FORMAT = 1
COMPLETE, DIVERGED, FAILED, MISSING = "complete", "diverged", "failed", "missing"
UNBOUNDED = "unbounded"  # the state grew exponentially over the whole record: a growth rate, and no attractor
ENDED = (COMPLETE, DIVERGED, UNBOUNDED)  # of runs that are not done again
LEFT_OUT = (DIVERGED, UNBOUNDED)  # of runs that ended and are in no mean
TEMPORARY = ".tmp-"
READERS_BLOCK = os.name == "nt"  # Windows replaces no file that is open, be it by the visualiser or a virus scanner
READING = 10.0  # seconds that a file is read at the longest
SHARE_LOCKS, TASK_LOCKS = ".lock-*-of-*", ".locks"  # files; a folder with a file for each task
IN_USE = "another process is working in this results folder"
WORKING = "a task of an earlier start, or of a lost node, is still working here"
PATIENCE = 120.0  # seconds; NFS gives the locks of a machine that is gone free after 90
CURVES = ("train_loss", "validate_loss", "train_metrics", "validate_metrics")  # of history.csv; bio_rnn_mem's names


class ResultsError(ValueError):
    """A results folder that cannot be used as asked; the text is one line for the user."""


def replace(temporary: Path, path: Path) -> None:
    """Give a whole file its name, in place of an older one; where READERS_BLOCK, wait until nobody reads that.

    Raises PermissionError where that takes longer than READING.
    """
    end = time.monotonic() + READING
    while True:
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if not READERS_BLOCK or time.monotonic() > end:
                raise
            time.sleep(0.1)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that the file is either the old one or the whole new one, whatever happens."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write `record` as JSON, atomically; NaN and infinities become null, as strict JSON has none."""
    write_text(path, json.dumps(_strict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write `table` without its index, atomically; floats with all their digits."""
    write_text(path, table.to_csv(index=False))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz, atomically; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict[str, Any](arrays))
    write_bytes(path, buffer.getvalue())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, atomically."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; ResultsError names the file where it is missing or broken."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: expected a JSON file of RandomNet, got {error}") from None
    if not isinstance(record, dict):
        raise ResultsError(f"{path}: expected a JSON object, got {type(record).__name__}")
    return record


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a whole .npz into memory, without pickles."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    if isinstance(value, np.generic):
        return _strict(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; `finish` writes its run.json last and thereby marks it as ended."""

    path: Path

    def create(self) -> None:
        """Make the folder and clear what a killed writer left half written."""
        self.path.mkdir(parents=True, exist_ok=True)
        _clear_temporary(self.path.glob(f"{TEMPORARY}*"))

    @property
    def record(self) -> dict[str, Any] | None:
        """run.json, or None while the run has not ended."""
        path = self.path / "run.json"
        try:
            return read_json(path) if path.exists() else None
        except ResultsError:  # a damaged record says nothing: the run counts as missing, and is done again
            return None

    @property
    def status(self) -> str:
        """One of complete, diverged, unbounded, failed, missing."""
        record = self.record
        return MISSING if record is None else str(record.get("status", MISSING))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """arrays.npz, and as memory maps what lies beside it in files of its own; empty where there is none yet."""
        path = self.path / "arrays.npz"
        maps = {file.stem: np.load(file, mmap_mode="r") for file in sorted(self.path.glob("*.npy"))}
        return read_arrays(path) | maps if path.exists() else {}

    def write_history(self, history: pd.DataFrame) -> None:
        """Write history.csv: combo, its options and iteration, as far as a manifest has them, and the columns given."""
        root, combo, iteration = self.path.parents[1], self.path.parent.name, self.path.name.removeprefix("iter_")
        combos = (ResultsFolder(root).manifest or {}).get("combos", ())
        for one in (one for one in combos if str(one["combo"]) == combo and iteration.isdecimal()):
            history = with_options(history, one["combo"], one["values"], int(iteration))
        write_csv(self.path / "history.csv", history)

    @property
    def checkpoint(self) -> Path:
        """Where a run that has not ended keeps what it needs to go on."""
        return self.path / "checkpoint.pt"

    def finish(self, record: Mapping[str, Any]) -> None:
        """Write run.json; once all runs that share a checkpoint have one, `tidy` drops that."""
        write_json(self.path / "run.json", record)

    def tidy(self) -> None:
        """Drop what a run that has ended needs no more; a kill may come between its run.json and this."""
        self.checkpoint.unlink(missing_ok=True)
        (self.path / "error.txt").unlink(missing_ok=True)

    def fail(self, record: Mapping[str, Any], trace: str) -> None:
        """Record a failure with its traceback; the checkpoint stays for --retry-failed."""
        self.create()
        write_text(self.path / "error.txt", trace)
        write_json(self.path / "run.json", {**record, "status": FAILED})

    def forget_failure(self) -> None:
        """Make a failed run runnable again; its traceback stays as error.txt until the run ends."""
        (self.path / "run.json").unlink(missing_ok=True)


@dataclass(frozen=True)
class ResultsFolder:
    """A whole experiment on disk."""

    root: Path

    def run(self, combo: int, iteration: int) -> RunFolder:
        """The folder of one run."""
        return RunFolder(self.root / str(combo) / f"iter_{iteration}")

    @property
    def manifest(self) -> dict[str, Any] | None:
        """manifest.json with today's names of options, or None where the folder holds no experiment yet."""
        path = self.root / "manifest.json"
        return current_manifest(read_json(path)) if path.exists() else None

    def write_plan(self, manifest: Mapping[str, Any], config_text: str) -> None:
        """Write what is planned: config.ini, folder_index.txt, combos.csv and, last, manifest.json."""
        self.root.mkdir(parents=True, exist_ok=True)
        combos = manifest["combos"]
        write_text(self.root / "config.ini", config_text)
        write_text(
            self.root / "folder_index.txt",
            "".join(f"{combo['combo']} {tuple(combo['values'].values())!r}\n" for combo in combos),
        )
        write_csv(self.root / "combos.csv", pd.DataFrame([{"combo": c["combo"], **c["values"]} for c in combos]))
        write_json(self.root / "manifest.json", manifest)

    def write_summary(self, manifest: Mapping[str, Any]) -> pd.DataFrame:
        """Write summary.csv, one row per planned run, and spectra.csv where there are any; returns the first."""
        table = pd.DataFrame(_rows(self, manifest))
        write_csv(self.root / "summary.csv", table)
        runs = itertools.product(manifest["combos"], range(manifest["iterations"])) if "exponents" in table else ()
        spectra = [rows for combo, i in runs if not (rows := self._spectrum(combo, i)).empty]
        if spectra:
            write_csv(self.root / "spectra.csv", pd.concat(spectra, ignore_index=True))
        return table

    def _spectrum(self, combo: Mapping[str, Any], iteration: int) -> pd.DataFrame:
        """Rows combo, options, iteration, index (from 1), exponent, stderr of a complete run that has a spectrum."""
        run = self.run(combo["combo"], iteration)
        arrays = run.arrays if run.status == COMPLETE else {}
        if "exponents" not in arrays:
            return pd.DataFrame()
        index = np.arange(1, len(arrays["exponents"]) + 1)
        rows = pd.DataFrame({"index": index, "exponent": arrays["exponents"], "stderr": arrays["stderr"]})
        return with_options(rows, combo["combo"], combo["values"], iteration)

    def has_curves(self, combo: int) -> bool:
        """Whether a combo's curves have been written."""
        return (self.root / str(combo) / f"{CURVES[0]}_all.npy").exists()

    def write_curves(self, manifest: Mapping[str, Any], combo: int) -> None:
        """Write CURVES, such as train_loss_all.npy, of a combo whose runs all ended: (iterations, epochs), or nan.

        Column e - 1 is the network after epoch e, as in bio_rnn_mem; the untrained network is in history.csv alone.
        """
        runs = [self.run(combo, iteration) for iteration in range(manifest["iterations"])]
        histories = [read_history(run.path / "history.csv") for run in runs if run.status in ENDED]
        epochs = next(c for c in manifest["combos"] if c["combo"] == combo)["settings"].get("trainvalidate.epochs")
        if not epochs or len(histories) < len(runs):
            return
        for column in CURVES:
            curves = np.array([curve(history, column, epochs) for history in histories])
            if any(column in history for history in histories):
                write_array(self.root / str(combo) / f"{column}_all.npy", curves)

    def set_aside(self) -> Path | None:
        """Move the folder to a free name beside it (never delete); returns where, or None if there was nothing."""
        if not self.root.exists() or not any(self.root.iterdir()):
            return None
        root = self.root.resolve()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        names = (f"{root.name}.{stamp}", *(f"{root.name}.{stamp}-{number}" for number in range(1, 10_000)))
        target = next(root.with_name(name) for name in names if not root.with_name(name).exists())
        shutil.move(root, target)
        return target

    @contextlib.contextmanager
    def lock(self, share: Share | None = None) -> Iterator[None]:
        """Hold the folder for this process, less what a killed one left half written; with `share` beside others that
        do other shares of as many. ResultsError if another process works in it otherwise."""
        self.root.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            with self.moment():  # nobody else looks at, or takes, several locks meanwhile
                held.enter_context(self._share_lock(share) if share else self._whole_lock())
                self._await_tasks()
            if not share:
                _clear_temporary(self.root.rglob(f"{TEMPORARY}*"))
            yield

    @contextlib.contextmanager
    def _whole_lock(self) -> Iterator[None]:
        with self._refused(IN_USE, self.root / ".lock"):
            if not all(map(is_free, self.root.glob(SHARE_LOCKS))):
                raise self._busy(IN_USE)
            yield

    @contextlib.contextmanager
    def _share_lock(self, share: Share) -> Iterator[None]:
        if not is_free(self.root / ".lock"):
            raise self._busy(IN_USE)
        parts = f"-of-{share.shares}{share.division}"
        for path in self.root.glob(SHARE_LOCKS):
            if not path.name.endswith(parts) and not is_free(path):
                raise self._busy(f"another process does one of another division into shares here ({path.name[6:]})")
        refusal = f"another process does share {share.number}/{share.shares} in this results folder"
        with self._refused(refusal, self.root / f".lock-{share.number}{parts}"):
            yield

    @contextlib.contextmanager
    def task(self, number: int) -> Iterator[None]:
        """Hold the runs of task `number` for a process that works, on whatever machine, for the one that holds the
        folder; waits for another one at the same task to end, or for its machine's locks to expire. ResultsError if
        that takes longer than PATIENCE."""
        (self.root / TASK_LOCKS).mkdir(exist_ok=True)
        with self._refused(WORKING, self.root / TASK_LOCKS / str(number), PATIENCE):
            yield

    def _await_tasks(self) -> None:
        """Wait for the tasks of a process that was killed, on whatever machine, to end."""
        end = time.monotonic() + PATIENCE
        for path in (self.root / TASK_LOCKS).glob("*"):
            with self._refused(WORKING, path, max(0.0, end - time.monotonic())):
                pass

    @contextlib.contextmanager
    def _refused(self, reason: str, path: Path, patience: float = 0.0) -> Iterator[None]:
        """Hold the lock of a file; ResultsError with this reason if another process has it for longer."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(exclusive(path, patience))
            except Busy:
                raise self._busy(reason) from None
            yield

    def _busy(self, reason: str) -> ResultsError:
        return ResultsError(f"{self.root}: {reason}; wait for it, or give this one another path_to_results")

    def moment(self) -> contextlib.AbstractContextManager[None]:
        """Hold what belongs to the whole folder, such as its manifest, for a moment, waiting for other shares."""
        return exclusive(self.root / ".lock-moment", math.inf)


def _clear_temporary(paths: Iterable[Path]) -> None:
    for leftover in paths:
        leftover.unlink(missing_ok=True)


@dataclass(frozen=True)
class Loaded:
    """A results folder in memory.

    table:   one row per planned run: combo, the varied options, iteration, seed, status, the run's end figures.
    history: one row per run and epoch: combo, the varied options, iteration, epoch, train_loss, lambda_max, ...
    varied:  names of the gridded options, in their order.
    """

    root: Path
    manifest: dict[str, Any]
    table: pd.DataFrame
    history: pd.DataFrame
    varied: tuple[str, ...] = field(default=())

    def arrays(self, combo: int, iteration: int) -> dict[str, np.ndarray]:
        """The arrays of one run, empty where it has none yet."""
        return ResultsFolder(self.root).run(combo, iteration).arrays


def load(root: Path, manifest: Mapping[str, Any] | None = None) -> Loaded:
    """Read a results folder as far as it goes: unfinished runs appear with status `missing` and the epochs they have.

    Raises ResultsError where the folder is not one of RandomNet's, naming what is missing.
    """
    root = Path(root)
    if not root.is_dir():
        raise ResultsError(f"{root}: expected a results folder, got {'a file' if root.exists() else 'nothing there'}")
    folder = ResultsFolder(root)
    manifest = dict(manifest or folder.manifest or {})
    if "combos" not in manifest:
        raise ResultsError(f"{root}: expected a results folder with manifest.json, which is not there")
    if manifest.get("format") != FORMAT:
        raise ResultsError(f"{root}: expected results format {FORMAT}, got {manifest.get('format')}")
    histories = []
    for combo in manifest["combos"]:
        for iteration in range(manifest["iterations"]):
            history = read_history(folder.run(combo["combo"], iteration).path / "history.csv")
            if len(history):
                history = history.rename(columns=earlier_columns(history, combo["values"]))
                histories.append(with_options(history, combo["combo"], combo["values"], iteration))
    history = pd.concat(histories, ignore_index=True) if histories else pd.DataFrame()
    return Loaded(root, manifest, pd.DataFrame(_rows(folder, manifest)), history, tuple(manifest.get("varied", ())))


def _rows(folder: ResultsFolder, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for combo in manifest["combos"]:
        for iteration in range(manifest["iterations"]):
            record = folder.run(combo["combo"], iteration).record or {"status": MISSING}
            head = {"combo": combo["combo"], **combo["values"], "iteration": iteration, "seed": manifest["seed"]}
            rows.append({**head, "status": record["status"], **summary_of(record)})
    return rows
