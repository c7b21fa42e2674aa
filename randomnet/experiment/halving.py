"""Successive halving: at rungs of epochs, the combos of the lowest validation loss train on and the others stop.

Every run trains up to a rung, keeps its checkpoint and waits. Once no run of a rung is missing, the decision is written
to halving.json, and later starts of the experiment read it there. A combo is one: its loss is the mean over iterations
of the lowest validation loss so far; it is infinite where a run failed, diverged or has a loss that is no number.
Combos of different values of combos_params are not compared where there are samples: each of these cells has its own
best combos.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from randomnet.experiment.planning import Prepared
from randomnet.kinds.kind import Batch
from randomnet.kinds.reads import TRAINING_ONLY
from randomnet.results import (
    COMPLETE,
    DIVERGED,
    FAILED,
    MISSING,
    STOPPED,
    ResultsFolder,
    read_history,
    read_json,
    write_csv,
    write_json,
)
from randomnet.schema.plan import Combo, Plan, Run, Stage
from randomnet.settings import ConfigError

FILE, TABLE = "halving.json", "halving.csv"
OPTION = "[combosparams] halving"
LOSS, EPOCHS = "validate_loss_best", "epochs_done"  # columns of summary.csv
DATA = ("trialparams.", "source.", "trainvalidate.loss")  # settings that decide what a validation loss is of


def check(plan: Plan) -> None:
    """Check that combos can be compared by their validation losses. Raises ConfigError."""
    halving = plan.config.combosparams.halving
    for group in _groups(plan, plan.combos) if halving else ():
        if len(group) < 2:
            raise ConfigError(
                f"{plan.path}: {OPTION}: expected several combos to choose from, got 1; use [combosparams] sample, or "
                "halving = 0"
            )
        first, *others = [data_settings(plan.combos[index]) for index in group]
        differing = next((name for other in others for name in first if first[name] != other.get(name)), None)
        if differing:
            raise ConfigError(
                f"{plan.path}: {OPTION}: expected combos of the same trials and loss, as validation losses decide, got "
                f"{differing} = {first[differing]} and others; use one INI for each, or halving = 0"
            )


def data_settings(combo: Combo) -> dict[str, Any]:
    """Return the settings that decide what a validation loss is of."""
    training_only = {f"trialparams.{name}" for name in TRAINING_ONLY}
    settings = combo.config.settings().items()
    return {name: value for name, value in settings if name.startswith(DATA) and name not in training_only}


def _groups(plan: Plan, combos: Sequence[Combo]) -> list[list[int]]:
    """Numbers of the combos that are compared: all, or where there are samples those of equal values of the grid."""
    shared = [name for name in plan.varied if name not in plan.sampled] if plan.sampled else []
    groups: dict[str, list[int]] = {}
    for combo in combos:
        groups.setdefault(repr([combo.values[name] for name in shared]), []).append(combo.index)
    return list(groups.values())


def rungs(halving: int, first: int, epochs: int, combos: int) -> list[tuple[int, int]]:
    """The epochs of each rung, and how many of this many combos train on after it; at least one does."""
    plan = []
    epoch = first
    while epoch < epochs and combos > 1:
        combos = max(1, combos // halving)
        plan.append((epoch, combos))
        epoch *= halving
    return plan


def share_of_epochs(plan: Plan) -> float:
    """The share of all epochs of all runs that is trained."""
    grid, group = plan.config.combosparams, _groups(plan, plan.combos)[0]
    epochs = max(combo.config.trainvalidate.epochs for combo in plan.combos)
    before, remaining, total = 0, len(group), 0
    for epoch, kept in rungs(grid.halving, grid.halving_epochs, epochs, len(group)) if grid.halving else ():
        total += remaining * (epoch - before)
        before, remaining = epoch, kept
    return (total + remaining * (epochs - before)) / (len(group) * epochs)


@dataclass
class Halving:
    """The rungs of an experiment in its results folder, and the decisions so far.

    rungs: as `rungs` returns them. share: of all epochs that is trained. decisions: entries of halving.json, one per
    decided rung.
    """

    folder: ResultsFolder
    settings: dict[str, Any]
    rungs: list[tuple[int, int]]
    share: float
    decisions: list[dict[str, Any]] = field(default_factory=list)

    def stages(self, runs: Sequence[Run]) -> Iterator[list[Batch]]:
        """Yield the batches of one stage after the other; in between, the caller carries them out.

        Ends before a rung that cannot be decided, as some of its runs are missing.
        """
        for number, (epoch, _) in enumerate(self.rungs):
            if number < len(self.decisions):
                continue
            yield self._batches(runs, epoch)
            waited = [run for run in runs if self._stopped_after(run.combo) is None]
            if not all(self._has_reached(run, epoch) for run in waited):
                return
            self._decide(number, waited)
        yield self._batches(runs, None)

    def _batches(self, runs: Sequence[Run], epoch: int | None) -> list[Batch]:
        """The missing runs, one by one: those that train up to this epoch, or to the end, and those that stop."""
        training: list[Batch] = []
        stopping: list[Batch] = []
        for run in runs:
            stopped = self._stopped_after(run.combo)
            if self._place(run).status != MISSING:
                continue
            if stopped is not None:
                stopping.append((replace(run, stage=Stage(stopped, True)),))
            elif epoch is None:
                training.append((run,))
            elif not self._has_reached(run, epoch):
                training.append((replace(run, stage=Stage(epoch, False)),))
        return training + stopping

    def _place(self, run: Run) -> Any:
        return self.folder.run(run.combo, run.iteration)

    def _has_reached(self, run: Run, epoch: int) -> bool:
        """Whether the run has ended, or waits at this epoch."""
        folder = self._place(run)
        if folder.status != MISSING:
            return True
        history = read_history(folder.path / "history.csv")
        return "epoch" in history and bool(history["epoch"].max() >= epoch) and folder.checkpoint.exists()

    def _stopped_after(self, combo: int) -> int | None:
        """The epochs after which a combo stops, by the decisions so far; None while it trains on."""
        return next((rung["epoch"] for rung in self.decisions if combo in rung["stopped"]), None)

    def _decide(self, number: int, runs: Sequence[Run]) -> None:
        """Decide a rung for each group of combos, and write the decision."""
        epoch, remaining = self.rungs[number]
        losses: dict[int, list[float]] = {}
        for run in runs:
            losses.setdefault(run.combo, []).append(self._lowest_loss(run, epoch))
        means = {combo: sum(values) / len(values) for combo, values in losses.items()}
        kept: list[int] = []
        for group in self.settings["groups"]:
            kept += sorted(set(group) & means.keys(), key=lambda combo: (means[combo], combo))[:remaining]
        stopped = sorted(means.keys() - set(kept))
        named = {str(combo): loss if math.isfinite(loss) else None for combo, loss in sorted(means.items())}
        self.decisions.append({"epoch": epoch, "validate_loss": named, "kept": sorted(kept), "stopped": stopped})
        write_json(self.folder.root / FILE, self.settings | {"rungs": self.decisions})

    def _lowest_loss(self, run: Run, epoch: int) -> float:
        """The lowest validation loss of a run up to an epoch; infinite where it failed, diverged or lacks a number."""
        folder = self._place(run)
        history = read_history(folder.path / "history.csv")
        if folder.status in (FAILED, DIVERGED) or "validate_loss" not in history:
            return math.inf
        losses = history.loc[history["epoch"] <= epoch, "validate_loss"].to_numpy(float)
        return float(losses.min()) if np.isfinite(losses).all() else math.inf


def halving_of(plan: Plan, prepared: Prepared, folder: ResultsFolder) -> Halving | None:
    """The halving of a prepared experiment; None without. Raises ConfigError where the folder has another one."""
    grid, path = plan.config.combosparams, folder.root / FILE
    epochs = max(combo.config.trainvalidate.epochs for combo in plan.combos)
    groups = _groups(plan, prepared.combos)
    settings = {"format": 1, "halving": grid.halving, "halving_epochs": grid.halving_epochs,
                "iterations": plan.config.trainvalidate.iterations, "groups": groups}  # fmt: skip
    stored = read_json(path) if path.exists() else {}
    for name, value in settings.items() if stored else ():
        if stored.get(name) != value:
            was, now = (_text(name, each) for each in (stored.get(name), value))
            raise ConfigError(
                f"expected {name} as in {path}, whose rungs are decided, which is {was}, got {now}; give this one "
                "another path_to_results, or move the old one aside with --fresh"
            )
    if not grid.halving:
        return None
    plan_of_rungs = rungs(grid.halving, grid.halving_epochs, epochs, len(groups[0]))
    return Halving(folder, settings, plan_of_rungs, share_of_epochs(plan), list(stored.get("rungs", ())))


def _text(name: str, value: Any) -> str:
    """A setting in words; groups as their number and that of the combos."""
    if name != "groups" or not isinstance(value, list):
        return str(value)
    return f"{len(value)} of {sum(map(len, value))} combos"


def ranking(table: pd.DataFrame, varied: Sequence[str]) -> pd.DataFrame:
    """A row per combo, the best first: combo, options, mean lowest validation loss, epochs, runs and status.

    Combos that trained longer come first, then those of lower loss; those with failed or diverged runs are the last.
    table: as summary.csv.
    """
    if not {LOSS, EPOCHS} <= set(table):
        return pd.DataFrame()
    rows = []
    for combo, runs in table.groupby("combo", sort=False):
        options: Mapping[str, Any] = runs.iloc[0][list(varied)].to_dict()
        statuses = set(runs["status"])
        status = ", ".join(sorted(statuses - ({COMPLETE} if STOPPED in statuses else set())))
        rows.append({"combo": combo, **options, LOSS: pd.to_numeric(runs[LOSS]).mean(skipna=False),
                     EPOCHS: pd.to_numeric(runs[EPOCHS]).max(), "runs": len(runs), "status": status})  # fmt: skip
    ranked = pd.DataFrame(rows)
    is_stopped = ranked["status"].str.contains(STOPPED)
    is_broken = ranked["combo"].isin(table.loc[table["status"].isin((FAILED, DIVERGED)), "combo"])
    epochs = -ranked[EPOCHS].where(is_stopped, 0)
    order = pd.DataFrame({"broken": is_broken, "stopped": is_stopped, "epochs": epochs, "loss": ranked[LOSS]})
    return ranked.loc[order.sort_values(list(order), kind="stable").index].reset_index(drop=True)


def write_ranking(folder: ResultsFolder, table: pd.DataFrame, varied: Sequence[str]) -> None:
    """Write halving.csv, the ranking of all combos, where there is one."""
    ranked = ranking(table, varied)
    if len(ranked):
        write_csv(folder.root / TABLE, ranked)
