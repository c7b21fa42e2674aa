"""The progress of a training: its history, the networks that it retains, and how older checkpoints are read."""

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from randomnet.display import Brief

UPDATE_COLUMNS = ("grad_norm", "clipped_norm", "lr_epoch", "seconds")  # prefixes of columns about an epoch's updates


@dataclass(repr=False)
class Progress(Brief):
    """The progress of a training. Its fields are the keys of a checkpoint.

    history: row e describes the network after e epochs of updates; row 0 describes the untrained network. The columns
    UPDATE_COLUMNS of row e describe the updates of epoch e; row 0 lacks them. epoch: epochs of updates so far. best:
    the network's values at the lowest loss of a row, best_loss; best_epoch: that row. last: the values after the last
    update, or at the last finite loss where training diverged; last_epoch: the epochs of updates before them. reason:
    why training ended early, or ''.

    lowest, lowest_epoch: the lowest loss that counts for early stopping, and its epoch. provisional_epoch: the last
    epoch whose loss could not be compared with others. updates: the UPDATE_COLUMNS of the row that is measured next.
    halved: whether training was ended at the stop_epoch of its settings.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = math.inf
    best_epoch: int = 0
    last_epoch: int = 0
    lowest: float = math.inf
    lowest_epoch: int = 0
    provisional_epoch: int = 0
    diverged: bool = False
    reason: str = ""
    updates: dict[str, float] = field(default_factory=dict)
    halved: bool = False

    @property
    def validated(self) -> bool:
        """Whether rows are measured by validation after their epoch; otherwise the next update measures them."""
        return bool(self.history) and "validate_loss" in self.history[-1]

    def row(self, epoch: int) -> dict[str, float]:
        """The row of the network after this many epochs; empty where there is none."""
        return next((row for row in reversed(self.history) if row["epoch"] == epoch), {})

    @property
    def final_loss(self) -> float:
        """The training loss of the last network; nan where it was not measured."""
        return self.row(self.last_epoch).get("train_loss", math.nan)

    def improve(self, loss: float, epoch: int, values: dict[str, Tensor]) -> None:
        """Replace the best values by these if their loss is lower."""
        if loss < self.best_loss:
            self.best, self.best_loss, self.best_epoch = values, loss, epoch


def restore_progress(state: dict[str, Any]) -> Progress:
    """The Progress that a checkpoint holds.

    Earlier versions numbered rows differently. With validation, row e described the network after e + 1 epochs.
    Without validation, row e held the UPDATE_COLUMNS of the updates that followed it.
    """
    if "epoch" in state:
        return Progress(**state)
    values = {name: value for name, value in state.items() if name != "final_loss"}
    rows, epochs = values.pop("history"), len(state["history"])
    if rows and "validate_loss" in rows[-1]:
        rows, shift = [{**row, "epoch": row["epoch"] + 1} for row in rows], 1
        updates: dict[str, float] = {}
    else:
        parts = [_split_row(row) for row in rows]
        later_updates = [{}, *(updates for _, updates in parts)]
        rows = [figures | previous for (figures, _), previous in zip(parts, later_updates, strict=False)]
        shift, updates = 0, later_updates[-1]
    values["best_epoch"] += shift
    return Progress(**values, history=rows, epoch=epochs, updates=updates, lowest=values["best_loss"],
                    lowest_epoch=values["best_epoch"], last_epoch=max(0, epochs - 1))  # fmt: skip


def _split_row(row: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """A row without its UPDATE_COLUMNS, and these."""
    updates = {name: value for name, value in row.items() if name.startswith(UPDATE_COLUMNS)}
    return {name: value for name, value in row.items() if name not in updates}, updates
