"""From where trainings side by side begin: anew, from a checkpoint, or from the states in which they ended.

A run that ended keeps its state in a file of its own, as the runs beside it may differ when it goes on.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from randomnet import results
from randomnet.build.network import network_device
from randomnet.kinds.checkpoints import members_of, read_checkpoint, torch_bytes
from randomnet.kinds.kind import RunProgressCallback, RunRecords, Stop, missing_runs
from randomnet.objectives import Objective
from randomnet.schema.plan import Run
from randomnet.training import Progress, Settings, Trainable, fit

Key = tuple[int, int]  # combo and iteration
Pair = tuple[Run, results.RunFolder]
BESIDE_OTHERS = "extended_beside_others"  # entry of run.json: last digits may differ from those of a single training


@dataclass(frozen=True)
class Start:
    """Runs that are trained side by side: their folders, their checkpoint if there is one, and the files of it."""

    runs: Sequence[Run]
    folders: Sequence[results.RunFolder]
    checkpoint: dict[str, Any] | None = None
    paths: Sequence[Path] = ()


def keeps_state(run: Run) -> bool:
    """Whether a run may be asked for more epochs later; under halving, rungs depend on the number of epochs."""
    return run.config.execution.keep_state and not run.config.combosparams.halving


def keep_states(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], states: Sequence[dict[str, Any]], record: dict[str, Any]
) -> None:
    """Write the state of each run; record: what a checkpoint has beside them, whose seconds are those of all."""
    seconds = record["seconds"] / len(runs)
    for folder, state, initial in zip(folders, states, record["initial"], strict=True):
        of_one = {"members": members_of(runs), "initial": [initial], "training": [state], "seconds": seconds}
        results.write_bytes(folder.state, torch_bytes(of_one))


@dataclass(frozen=True)
class Checkpoints:
    """Writes checkpoints and last states of the trainings of a Start.

    entries: what a checkpoint has beside the states of training; `seconds` among them are those of earlier processes.
    began: `time.perf_counter()` at the start of this process's part.
    """

    start: Start
    entries: Mapping[str, Any]
    began: float

    def elapsed(self) -> float:
        """Seconds of all processes until now."""
        return self.entries["seconds"] + time.perf_counter() - self.began

    def save(self, states: Sequence[dict[str, Any]]) -> None:
        """Write the checkpoint of all runs, and the history of each."""
        folders, members = self.start.folders, members_of(self.start.runs)
        record = {**self.entries, "members": members, "training": states, "seconds": self.elapsed()}
        results.write_bytes(folders[0].checkpoint, torch_bytes(record))
        for folder, state in zip(folders, states, strict=True):
            folder.write_history(pd.DataFrame(state["progress"]["history"]))

    def save_last(self, states: Sequence[dict[str, Any]]) -> None:
        """Write the state of each run, if more epochs may be asked for later."""
        if keeps_state(self.start.runs[0]):
            keep_states(self.start.runs, self.start.folders, states, {**self.entries, "seconds": self.elapsed()})


    def fit(
        self,
        networks: Sequence[Trainable],
        objective: Objective,
        settings: Sequence[Settings],
        report: Callable[[int, dict[str, float]], object],
        stop: Stop,
    ) -> list[Progress]:
        """Train the networks on from the entries; see `training.fit`."""
        every = self.start.runs[0].config.execution.checkpoint_every
        return fit(
            networks,
            objective,
            settings,
            checkpoint_every=None if every == "auto" else every,
            save_checkpoint=self.save,
            keep_state=self.save_last,
            resume=self.entries.get("training"),
            report=report,
            stop=stop,
        )

    def notes(self) -> dict[str, Any]:
        """Return the entries that each run.json has, too."""
        return {name: value for name, value in self.entries.items() if name == BESIDE_OTHERS}


def one_group_at_a_time(
    execute: Callable[[Start, RunProgressCallback, Stop], RunRecords],
) -> Callable[[Sequence[Run], Sequence[results.RunFolder], RunProgressCallback, Stop], RunRecords]:
    """Return the `execute` of a kind whose runs are trained side by side, given that of one group; see `starts`."""

    def execute_groups(
        runs: Sequence[Run], folders: Sequence[results.RunFolder], report: RunProgressCallback, stop: Stop
    ) -> RunRecords:
        groups = starts(runs, folders, network_device(runs[0]))
        return [record for start in groups for record in execute(start, report, stop)]

    return execute_groups


def starts(runs: Sequence[Run], folders: Sequence[results.RunFolder], device: torch.device) -> Iterator[Start]:
    """Yield how the runs of a batch go on, one group of them after the other.

    These are the unfinished runs. But where a checkpoint or the states are of all runs, all continue together, because
    the last digits of each run's numbers depend on how many runs are computed together.
    """
    places = {(run.combo, run.iteration): (run, folder) for run, folder in zip(runs, folders, strict=True)}
    unfinished = [(run.combo, run.iteration) for run in missing_runs(runs, folders)]
    if start := _from_checkpoint(list(places.values()), device):
        yield start
        return
    read = {key: read_checkpoint(folder.state, device) for key, (_, folder) in places.items()}
    states = {key: state for key, state in read.items() if state}
    while unfinished:
        group = _together(unfinished, states)
        unfinished = [key for key in unfinished if key not in group]
        pairs = [places[key] for key in group]
        yield _from_checkpoint(pairs, device) or _from_states(pairs, [states[key] for key in group if key in states])


def _from_checkpoint(pairs: Sequence[Pair], device: torch.device) -> Start | None:
    runs, folders = [run for run, _ in pairs], [folder for _, folder in pairs]
    checkpoint = read_checkpoint(folders[0].checkpoint, device)
    if not checkpoint or _members(checkpoint) != members_of(runs):
        return None
    return Start(runs, folders, checkpoint, [folders[0].checkpoint])


def _together(unfinished: Sequence[Key], states: Mapping[Key, dict[str, Any]]) -> list[Key]:
    """Return the first unfinished run and those that go on with it: those beside which it ended, or other new ones."""
    if unfinished[0] not in states:
        return [key for key in unfinished if key not in states]
    members = _members(states[unfinished[0]])
    beside = [key for key, state in states.items() if _members(state) == members]
    return beside if list(map(list, beside)) == members else [key for key in beside if key in unfinished]


def _from_states(pairs: Sequence[Pair], states: Sequence[dict[str, Any]]) -> Start:
    runs, folders = [run for run, _ in pairs], [folder for _, folder in pairs]
    if not states:
        return Start(runs, folders)
    joined = {name: [item for state in states for item in _items(state, name)] for name in ("initial", "training")}
    seconds = [state.get("seconds") for state in states]
    total = sum(seconds) if all(isinstance(each, (int, float)) for each in seconds) else None
    changed = {} if _members(states[0]) == members_of(runs) else {BESIDE_OTHERS: True}
    return Start(runs, folders, {**joined, "seconds": total, **changed}, [folder.state for folder in folders])


def _members(state: Mapping[str, Any]) -> Any:
    """Return the combo and iteration of each run of a state; None where it has other values, such as tensors."""
    members = state.get("members")
    is_list = isinstance(members, list) and all(isinstance(pair, list) for pair in members)
    return members if is_list and all(type(number) is int for pair in members for number in pair) else None


def _items(state: Mapping[str, Any], name: str) -> list[Any]:
    items = state.get(name)
    return items if isinstance(items, list) else []
