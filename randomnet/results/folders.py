"""The folders of an experiment and of its runs: what is written when, and locks between processes."""

import contextlib
import functools
import itertools
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet.renamed_options import current_manifest
from randomnet.results.files import (
    TEMPORARY,
    map_array,
    read_arrays,
    read_json,
    write_array,
    write_csv,
    write_json,
    write_text,
)
from randomnet.results.history import add_option_columns, current_summary, epoch_values, read_history
from randomnet.results.locks import LockHeld, exclusive, is_held_here, is_unlocked
from randomnet.results.record_checks import check_manifest, check_run
from randomnet.results.shares import Share
from randomnet.results.statuses import COMPLETE, ENDED, FAILED, MISSING, ResultsError

SHARE_LOCKS, TASK_LOCKS = ".lock-*-of-*", ".locks"  # pattern of lock files; folder with a lock file per task
IN_USE = "another process is working in this results folder"
WORKING = "a task of an earlier start, or of a lost node, is still working here"
TASK_TIMEOUT = 120.0  # seconds; NFS releases the locks of a lost machine after 90
CURVES = (
    "train_loss",
    "validate_loss",
    "train_metrics",
    "validate_metrics",
)  # columns of history.csv, named as in bio_rnn_mem


def epochs_of(record: Mapping[str, Any]) -> int:
    """The epochs that were asked for when a run.json was written; 0 where that is unknown, or where there are none."""
    epochs = record.get("settings", {}).get("trainvalidate.epochs")
    return epochs if isinstance(epochs, int) else 0


def goes_on(record: Mapping[str, Any] | None, epochs: int) -> bool:
    """Whether the run of a run.json ended only for its number of epochs, and is now to have more, which is `epochs`."""
    if not record or record.get("status") != COMPLETE or record.get("reason"):
        return False
    return 0 < epochs_of(record) < epochs


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; `finish` writes its run.json last, which marks the run as ended."""

    path: Path

    def create(self) -> None:
        """Create the folder, and remove files that a killed process left incomplete."""
        self.path.mkdir(parents=True, exist_ok=True)
        _clear_temporary(self.path.glob(f"{TEMPORARY}*"))

    @property
    def record(self) -> dict[str, Any] | None:
        """run.json, or None if the run has not ended."""
        try:
            return _checked(self.path / "run.json", check_run)
        except ResultsError:  # there is none; or it is damaged, so that the run counts as missing and is repeated
            return None

    @property
    def status(self) -> str:
        """One of complete, diverged, unbounded, stopped by halving, failed, missing."""
        record = self.record
        return MISSING if record is None else str(record.get("status", MISSING))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """arrays.npz, and memory maps of the arrays in .npy files; empty before arrays.npz exists."""
        path = self.path / "arrays.npz"
        maps = {file.stem: map_array(file) for file in sorted(self.path.glob("*.npy"))}
        return read_arrays(path) | maps if path.exists() else {}

    @property
    def trials_file(self) -> Path:
        """File with example trials of a network that was trained on a task."""
        return self.path / "trials.npz"

    @property
    def trials(self) -> dict[str, np.ndarray]:
        """trials.npz; empty in folders of earlier versions, and of runs without a task."""
        return read_arrays(self.trials_file) if self.trials_file.exists() else {}

    @property
    def activity_file(self) -> Path:
        """File with rates of a trained network over time."""
        return self.path / "activity.npz"

    @property
    def activity(self) -> dict[str, np.ndarray]:
        """activity.npz; empty in folders of earlier versions, and of iterations after the first."""
        return read_arrays(self.activity_file) if self.activity_file.exists() else {}

    def write_history(self, history: pd.DataFrame) -> None:
        """Write history.csv: combo, its options and iteration, if a manifest has them, and the given columns."""
        combo, iteration = self.path.parent.name, self.path.name.removeprefix("iter_")
        entry = _combos_of(self.path.parents[1] / "manifest.json").get(combo)
        if entry and iteration.isdecimal():
            history = add_option_columns(history, *entry, int(iteration))
        write_csv(self.path / "history.csv", history)

    @property
    def checkpoint(self) -> Path:
        """File from which an unfinished run continues."""
        return self.path / "checkpoint.pt"

    @property
    def state(self) -> Path:
        """File from which a run that ended goes on where more epochs are asked for."""
        return self.path / "state.pt"

    def go_on(self) -> None:
        """Make a run that ended at its last epoch runnable again; its run.json says after which epochs it went on."""
        record = self.record or {}
        further = [*record.get("extended", ()), epochs_of(record)]
        write_json(self.path / "run.json", {**record, "status": MISSING, "summary": {}, "extended": further})

    def finish(self, record: Mapping[str, Any]) -> None:
        """Write run.json. `tidy` removes the checkpoint once all runs that share it have one."""
        write_json(self.path / "run.json", record)

    def tidy(self) -> None:
        """Remove files that an ended run no longer needs. A process may be killed between `finish` and this."""
        self.checkpoint.unlink(missing_ok=True)
        (self.path / "error.txt").unlink(missing_ok=True)

    def fail(self, record: Mapping[str, Any], trace: str) -> None:
        """Record a failure with its traceback; the checkpoint remains for --retry-failed."""
        self.create()
        write_text(self.path / "error.txt", trace)
        write_json(self.path / "run.json", {**record, "status": FAILED})

    def forget_failure(self) -> None:
        """Make a failed run runnable again; its traceback remains in error.txt until the run ends."""
        record = self.record or {}
        if "extended" in record:
            return write_json(self.path / "run.json", {**record, "status": MISSING})
        return (self.path / "run.json").unlink(missing_ok=True)


@dataclass(frozen=True)
class ResultsFolder:
    """A whole experiment on disk."""

    root: Path

    def run(self, combo: int, iteration: int) -> RunFolder:
        """The folder of one run."""
        return RunFolder(self.root / str(combo) / f"iter_{iteration}")

    @property
    def manifest(self) -> dict[str, Any] | None:
        """manifest.json with the present names of options, or None if the folder has no experiment yet.

        Raises ResultsError, naming the file and the entry, if it is damaged.
        """
        path = self.root / "manifest.json"
        return current_manifest(_checked(path, check_manifest)) if path.exists() else None

    def write_plan(self, manifest: Mapping[str, Any], config_text: str) -> None:
        """Write config.ini, folder_index.txt, combos.csv and, last, manifest.json."""
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
        """Write summary.csv, one row per planned run, and spectra.csv if there are spectra. Returns the summary."""
        table = pd.DataFrame(run_rows(self, manifest))
        write_csv(self.root / "summary.csv", table)
        runs = itertools.product(manifest["combos"], range(manifest["iterations"])) if "exponents" in table else ()
        states = zip(runs, table["status"], strict=False)
        spectra = [rows for (combo, i), status in states if status == COMPLETE and (rows := self._spectrum(combo, i))]
        if spectra:
            write_csv(self.root / "spectra.csv", pd.DataFrame([row for rows in spectra for row in rows]))
        return table

    def _spectrum(self, combo: Mapping[str, Any], iteration: int) -> list[dict[str, Any]]:
        """Rows combo, options, iteration, index (from 1), exponent, stderr of a complete run; or none."""
        path = self.run(combo["combo"], iteration).path / "arrays.npz"
        spectrum = read_arrays(path, ("exponents", "stderr")) if path.exists() else {}
        if "exponents" not in spectrum:
            return []
        shapes = [array.shape for array in spectrum.values()]
        if len(shapes) < 2 or len(shapes[0]) != 1 or shapes[0] != shapes[1]:
            expected = "one row of exponents and one of stderr, of equal length"
            raise ResultsError(f"{path}: expected {expected}, got shapes {', '.join(map(str, shapes))}")
        head = {"combo": combo["combo"], **combo["values"], "iteration": iteration}
        pairs = zip(spectrum["exponents"].tolist(), spectrum["stderr"].tolist(), strict=True)
        return [head | {"index": index, "exponent": exponent, "stderr": error}
                for index, (exponent, error) in enumerate(pairs, start=1)]  # fmt: skip

    def has_curves(self, combo: int) -> bool:
        """Whether a combo's curves have been written."""
        return (self.root / str(combo) / f"{CURVES[0]}_all.npy").exists()

    def write_curves(self, combo: int, iterations: int, epochs: int) -> None:
        """Write CURVES, such as train_loss_all.npy, for a combo whose runs have all ended.

        Each is (iterations, epochs), or nan. Column e - 1 is the network after epoch e, as in bio_rnn_mem; the
        untrained network is in history.csv only.
        """
        runs = [self.run(combo, iteration) for iteration in range(iterations)]
        if not all(run.status in ENDED for run in runs):
            return
        histories = [read_history(run.path / "history.csv") for run in runs]
        for column in reversed(CURVES):  # the first one last, by which `has_curves` knows that all are there
            curves = np.array([epoch_values(history, column, epochs) for history in histories])
            if any(column in history for history in histories):
                write_array(self.root / str(combo) / f"{column}_all.npy", curves)

    def remove_curves(self, combo: int) -> None:
        """Remove a combo's curves, which are written again once all its runs have ended."""
        for column in CURVES:
            (self.root / str(combo) / f"{column}_all.npy").unlink(missing_ok=True)

    def set_aside(self) -> Path | None:
        """Move the folder to an unused name next to it. Returns the new path, or None if it was empty.

        Where `root` is a link, the folder behind it is moved, and the link leads to a new, empty one.
        """
        if not self.root.exists() or not any(self.root.iterdir()):
            return None
        root = self.root.resolve()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        names = (f"{root.name}.{stamp}", *(f"{root.name}.{stamp}-{number}" for number in range(1, 10_000)))
        target = next(root.with_name(name) for name in names if not root.with_name(name).exists())
        shutil.move(root, target)
        if self.root.is_symlink():
            root.mkdir()
        return target

    @contextlib.contextmanager
    def lock(self, share: Share | None = None) -> Iterator[None]:
        """Hold the folder for this process, and remove incomplete files of killed processes.

        With `share`, other processes may hold other shares of the same division. A share that another machine holds is
        waited for, as the locks of a lost machine, whose job was queued again, expire only after a while. Raises
        ResultsError if another process works in the folder.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            with self.brief_lock():  # so that no other process checks or takes several locks meanwhile
                stack.enter_context(self._share_lock(share) if share else self._whole_lock())
                self._wait_for_tasks()
            if not share:
                _clear_temporary(self.root.rglob(f"{TEMPORARY}*"))
            yield

    @contextlib.contextmanager
    def _whole_lock(self) -> Iterator[None]:
        with self._lock_or_refuse(IN_USE, self.root / ".lock"):
            if not all(map(is_unlocked, self.root.glob(SHARE_LOCKS))):
                raise self._refusal(IN_USE)
            yield

    @contextlib.contextmanager
    def _share_lock(self, share: Share) -> Iterator[None]:
        if not is_unlocked(self.root / ".lock"):
            raise self._refusal(IN_USE)
        parts = f"-of-{share.shares}{share.division}"
        for path in self.root.glob(SHARE_LOCKS):
            if not path.name.endswith(parts) and not is_unlocked(path):
                raise self._refusal(f"another process works on another division into shares here ({path.name[6:]})")
        refusal = f"another process works on share {share.number}/{share.shares} in this results folder"
        path = self.root / f".lock-{share.number}{parts}"
        with self._lock_or_refuse(refusal, path, 0.0 if is_held_here(path) else TASK_TIMEOUT):
            yield

    @contextlib.contextmanager
    def task_lock(self, number: int) -> Iterator[None]:
        """Hold the runs of task `number` for a worker process, on any machine, of the process that holds the folder.

        Waits until another worker of this task ends, or until the locks of its machine expire. Raises ResultsError
        after TASK_TIMEOUT.
        """
        (self.root / TASK_LOCKS).mkdir(exist_ok=True)
        with self._lock_or_refuse(WORKING, self.root / TASK_LOCKS / str(number), TASK_TIMEOUT):
            yield

    def _wait_for_tasks(self) -> None:
        """Wait until the workers of a killed process have ended, on any machine."""
        end = time.monotonic() + TASK_TIMEOUT
        for path in (self.root / TASK_LOCKS).glob("*"):
            with self._lock_or_refuse(WORKING, path, max(0.0, end - time.monotonic())):
                pass

    @contextlib.contextmanager
    def _lock_or_refuse(self, reason: str, path: Path, timeout: float = 0.0) -> Iterator[None]:
        """Hold the lock of a file. Raises ResultsError with this reason if another process keeps it."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(exclusive(path, timeout))
            except LockHeld:
                raise self._refusal(reason) from None
            yield

    def _refusal(self, reason: str) -> ResultsError:
        return ResultsError(f"{self.root}: {reason}; wait for it, or choose another path_to_results")

    def brief_lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the files of the whole folder, such as its manifest, for a short time; waits for other shares."""
        return exclusive(self.root / ".lock-moment", math.inf)


def _checked(path: Path, check: Callable[[Path, dict[str, Any]], None]) -> dict[str, Any]:
    record = read_json(path)
    check(path, record)
    return record


def _combos_of(path: Path) -> Mapping[str, tuple[int, Mapping[str, Any]]]:
    """The combos of a manifest by the names of their folders: each one's number and values; empty without a manifest.

    It is read again only where it was written since, as every epoch of every run asks for it.
    """
    try:
        stat = path.stat()
    except OSError:
        return {}
    return _read_combos(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1)
def _read_combos(path: Path, changed: int, size: int) -> dict[str, tuple[int, Mapping[str, Any]]]:
    combos = current_manifest(_checked(path, check_manifest)).get("combos", ())
    return {str(entry["combo"]): (entry["combo"], entry["values"]) for entry in combos}


def _clear_temporary(paths: Iterable[Path]) -> None:
    for leftover in paths:
        leftover.unlink(missing_ok=True)


def run_rows(folder: ResultsFolder, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for combo in manifest["combos"]:
        for iteration in range(manifest["iterations"]):
            record = folder.run(combo["combo"], iteration).record or {"status": MISSING}
            head = {"combo": combo["combo"], **combo["values"], "iteration": iteration, "seed": manifest["seed"]}
            rows.append({**head, "status": record.get("status", MISSING), **current_summary(record)})
    return rows
