"""--status: how far the experiment of a results folder is, and how long the rest will take."""

import time
from collections.abc import Iterator
from pathlib import Path

from randomnet.console import duration_text
from randomnet.results import COMPLETE, DIVERGED, ENDED, FAILED, MISSING, STOPPED, UNBOUNDED, ResultsError
from randomnet.results.run_states import BEGUN, ExperimentState, RunState, experiment_state, stage_folders
from randomnet.settings import ConfigError

ORDER = (COMPLETE, STOPPED, DIVERGED, UNBOUNDED, FAILED, BEGUN, MISSING)
MOST_NAMED = 3  # runs of one status
LONGEST = 100  # characters of a line about runs


def lines_of(root: Path) -> list[str]:
    """The lines of a results folder, or of each stage of a pipeline. Raises ConfigError."""
    expected = f"--status {root}: expected a results folder, which has a manifest.json"
    if not root.is_dir():
        raise ConfigError(f"{expected}, got {'a file' if root.exists() else 'no such folder'}")
    try:
        state = experiment_state(root)
        if state:
            return list(_experiment(state))
        stages = stage_folders(root)
        if not stages:
            raise ConfigError(f"{expected}, got a folder without")
        return [line for stage in stages for line in _stage(stage)]
    except (ResultsError, OSError) as error:
        raise ConfigError(f"--status {root}: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise ConfigError(f"{expected}, got a manifest.json that is damaged") from None


def _stage(root: Path) -> Iterator[str]:
    state = experiment_state(root)
    yield from _experiment(state) if state else [f"{root}: not begun"]


def _experiment(state: ExperimentState) -> Iterator[str]:
    manifest = state.manifest
    grid = f"{_counted(len(manifest['combos']), 'combo')} x {_counted(manifest['iterations'], 'iteration')}"
    yield f"{state.root}: {manifest['name']} ({manifest['kind']}), {grid} = {_counted(len(state.runs), 'run')}"
    others = sorted({run.status for run in state.runs} - set(ORDER))
    for status in (*ORDER, *others):
        found = state.of(status)
        if found:
            yield _line(_word(status, state), found, is_named=status not in (*ENDED, MISSING))
    yield from _rest(state)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _word(status: str, state: ExperimentState) -> str:
    """A status in words; a run that has begun is running while a process works in the folder."""
    if status != BEGUN or not state.locks:
        return status
    return "running or waiting" if (state.root / "halving.json").exists() else "running"


def _line(word: str, runs: list[RunState], is_named: bool) -> str:
    """How many runs have a status, and which are the first."""
    text = f"  {word:<18} {len(runs):5d}"
    if is_named:
        names = [f"combo {run.combo} iteration {run.iteration}{f' ({run.reason})' if run.reason else ''}"
                 for run in runs[:MOST_NAMED]]  # fmt: skip
        more = f", and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
        text += f"  {', '.join(names)}{more}"
    text = " ".join(text.splitlines())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _rest(state: ExperimentState) -> Iterator[str]:
    """Whether a process works here, and the time that the missing runs take."""
    left, seconds = len(state.of(MISSING, BEGUN)), state.seconds_left()
    if state.locks:
        yield "  A process is working here"
    elif left:
        since = f" (last change {duration_text(max(0.0, time.time() - state.changed))} ago)" if state.changed else ""
        who = "Whether a process is working here is unknown" if state.locks is None else (
            "No process of this machine is working here")  # fmt: skip
        yield f"  {who}{since}; its command goes on with what is missing"
    if left and seconds is not None:
        workers = min(state.workers, left)
        of_what = f"{_counted(left, 'run')} on {_counted(workers, 'worker')}"
        yield f"  left: about {duration_text(seconds)} for {of_what}, at the mean time of ended runs"
    elif left:
        yield f"  left: {_counted(left, 'run')}; how long is known once one has ended (--dry-run estimates it)"
    else:
        yield f"  nothing is left{', but --retry-failed repeats failed runs' if state.of(FAILED) else ''}"
