"""Where a training stands: its history, the networks that it keeps, and what older versions called them."""

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

OF_UPDATES = ("grad_norm", "clipped_norm", "lr_epoch", "seconds")  # begin the columns that describe an epoch's updates


@dataclass
class Progress:
    """Where a training stands.

    history: row e describes the network after e epochs of updates, row 0 the untrained one; its columns OF_UPDATES
    describe the updates of epoch e, which row 0 lacks. epoch: epochs of updates so far. best: the network's values at
    the lowest loss of a row, best_epoch; last: those after the last update (where it diverged: at the last finite
    loss), after last_epoch epochs. reason: why it ended early, or ''.

    lowest, lowest_epoch: the lowest loss that counts for early stopping. provisional_epoch: the last one whose loss
    could not be compared with others. updates: the columns OF_UPDATES of the row that is measured next.
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

    @property
    def validated(self) -> bool:
        """Whether rows are measured after the updates of their epoch; else the next update measures them."""
        return bool(self.history) and "validate_loss" in self.history[-1]

    def row(self, epoch: int) -> dict[str, float]:
        """The row of the network after so many epochs; empty where there is none."""
        return next((row for row in reversed(self.history) if row["epoch"] == epoch), {})

    @property
    def final_loss(self) -> float:
        """The training loss of the last network; nan where it was not measured."""
        return self.row(self.last_epoch).get("train_loss", math.nan)

    def improve(self, loss: float, epoch: int, values: dict[str, Tensor]) -> None:
        """Take these values for the best ones if their loss is the lowest."""
        if loss < self.best_loss:
            self.best, self.best_loss, self.best_epoch = values, loss, epoch


def restored(state: dict[str, Any]) -> Progress:
    """The Progress of a checkpoint.

    Earlier versions counted otherwise: with validation, row e was the network after e + 1 epochs; without, row e had
    the columns of the updates that followed it.
    """
    if "epoch" in state:
        return Progress(**state)
    kept = {name: value for name, value in state.items() if name != "final_loss"}
    rows, epochs = kept.pop("history"), len(state["history"])
    if rows and "validate_loss" in rows[-1]:
        rows, later = [{**row, "epoch": row["epoch"] + 1} for row in rows], 1
        updates: dict[str, float] = {}
    else:
        parts = [_parted(row) for row in rows]
        following = [{}, *(own for _, own in parts)]
        rows, later = [own | before for (own, _), before in zip(parts, following, strict=False)], 0
        updates = following[-1]
    kept["best_epoch"] += later
    return Progress(**kept, history=rows, epoch=epochs, updates=updates, lowest=kept["best_loss"],
                    lowest_epoch=kept["best_epoch"], last_epoch=max(0, epochs - 1))  # fmt: skip


def _parted(row: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """A row without its columns OF_UPDATES, and these."""
    updates = {name: value for name, value in row.items() if name.startswith(OF_UPDATES)}
    return {name: value for name, value in row.items() if name not in updates}, updates
