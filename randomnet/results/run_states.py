"""How far an experiment is, from its results folder alone: nothing is written, and no lock is taken."""

import configparser
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from randomnet.forks import cores
from randomnet.results.files import read_json
from randomnet.results.folders import SHARE_LOCKS, TASK_LOCKS, ResultsFolder
from randomnet.results.history import current_summary
from randomnet.results.locks import held
from randomnet.results.statuses import ENDED, FAILED, FORMAT, MISSING, ResultsError

BEGUN = "begun"  # a run with a folder that has not ended


@dataclass(frozen=True)
class RunState:
    """A planned run: its status or BEGUN, its seconds if known, the reason of its end, and when it was last written."""

    combo: int
    iteration: int
    status: str
    seconds: float | None
    reason: str
    changed: float | None


@dataclass(frozen=True)
class ExperimentState:
    """An experiment: its manifest, all planned runs, and the locks that are held; None where that is unknown."""

    root: Path
    manifest: dict[str, Any]
    runs: Sequence[RunState]
    locks: Sequence[Path] | None

    def of(self, *statuses: str) -> list[RunState]:
        """The runs of these statuses."""
        return [run for run in self.runs if run.status in statuses]

    @property
    def changed(self) -> float | None:
        """When a run's folder was last written, in seconds since 1970; None before."""
        return max((run.changed for run in self.runs if run.changed is not None), default=None)

    @property
    def workers(self) -> int:
        """How many processes work side by side, by the config.ini of the folder and the shares that are held."""
        execution = _ini(self.root / "config.ini").get("execution", {})
        shares = sum(path.name.startswith(SHARE_LOCKS.partition("*")[0]) for path in self.locks or ())
        return max(1, shares) * _workers(execution.get("workers", "auto"), execution.get("threads", "1"))

    def seconds_left(self) -> float | None:
        """The seconds that the missing runs take; None where no run has ended.

        A run takes as long as the ended ones of its combo, else as all ended ones.
        """
        known: dict[int, list[float]] = {}
        for run in self.of(*ENDED):
            if run.seconds is not None:
                known.setdefault(run.combo, []).append(run.seconds)
        if not known:
            return None
        mean = fmean(seconds for times in known.values() for seconds in times)
        left = self.of(MISSING, BEGUN)
        total = sum(fmean(known[run.combo]) if run.combo in known else mean for run in left)
        return total / max(1, min(self.workers, len(left)))


def experiment_state(root: Path) -> ExperimentState | None:
    """How far the experiment of a results folder is; None where it has none. Raises ResultsError."""
    folder = ResultsFolder(root)
    manifest = folder.manifest
    if manifest is None:
        return None
    if manifest.get("format") != FORMAT or not isinstance(manifest.get("combos"), list):
        raise ResultsError(f"expected a manifest.json of format {FORMAT} with its combos in {root}")
    runs = [_run_state(folder, combo["combo"], iteration)
            for combo in manifest["combos"] for iteration in range(manifest["iterations"])]  # fmt: skip
    locks = [root / ".lock", *sorted(root.glob(SHARE_LOCKS)), *sorted((root / TASK_LOCKS).glob("*"))]
    return ExperimentState(root, manifest, runs, held(locks))


def stage_folders(root: Path) -> list[Path]:
    """The folders of the stages of a pipeline in their order; without its INI, the folders that hold an experiment.

    The INI of a pipeline is written once its first stage has ended.
    """
    sections = _ini(root / "config.ini")
    if sections.get("experiment", {}).get("kind") == "pipeline":
        parts = sections.get("pipeline", {}).get("stages", "").replace("\n", ",").split(",")
        names = [part.partition(":")[0].strip() for part in parts]
        return [root / name for name in names if name]
    folders = [path for path in root.iterdir() if (path / "manifest.json").is_file()]
    return sorted(folders, key=lambda path: (str(read_json(path / "manifest.json").get("created")), path.name))


def _run_state(folder: ResultsFolder, combo: int, iteration: int) -> RunState:
    run = folder.run(combo, iteration)
    record, changed = run.record, _changed(run.path)
    if record is None or run.status == MISSING:  # the latter goes on with more epochs
        return RunState(combo, iteration, MISSING if changed is None else BEGUN, None, "", changed)
    seconds = current_summary(record).get("seconds")
    is_known = isinstance(seconds, (int, float)) and seconds == seconds and record.get("status") != FAILED
    return RunState(combo, iteration, run.status, float(seconds) if is_known else None,  # type: ignore[arg-type]
                    str(record.get("reason") or ""), changed)  # fmt: skip


def _changed(path: Path) -> float | None:
    """When the folder or a file in it was last written; None if there is no folder."""
    return max(_times(path), default=None)


def _times(path: Path) -> Iterator[float]:
    with suppress(OSError):  # a file may be replaced meanwhile
        yield path.stat().st_mtime
        for file in path.iterdir():
            with suppress(OSError):
                yield file.stat().st_mtime


def _ini(path: Path) -> dict[str, dict[str, str]]:
    """The sections of an INI as texts; empty where it cannot be read."""
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, delimiters=("=",), inline_comment_prefixes=(";", "#"), allow_no_value=True
    )
    with suppress(OSError, UnicodeDecodeError, configparser.Error):
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    return {name: {key: value or "" for key, value in parser[name].items()} for name in parser.sections()}


def _workers(workers: str, threads: str) -> int:
    if workers.isdecimal():
        return max(1, int(workers))
    return max(1, cores() // (int(threads) if threads.isdecimal() and int(threads) else 1))
