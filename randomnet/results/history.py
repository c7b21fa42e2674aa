"""history.csv and run.json with today's epoch numbers, also from earlier versions.

Row e of a history is the network after e epochs of updates; row 0 is the untrained network. Earlier versions numbered
rows with validation from the network after one epoch. A first row with gradients identifies them. Their rows without
validation had today's numbers, but no last row, and the gradients of the next row.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

SINGLE = (int, float, str, type(None))  # kinds of value of a summary
COUNTED_FROM_UNTRAINED = {"epoch_0": "untrained"}  # entry of run.json that states from where epochs are counted


def read_history(path: Path) -> pd.DataFrame:
    """history.csv with epochs counted from the untrained network; empty if it is missing or damaged."""
    try:
        history = pd.read_csv(path) if path.exists() and path.stat().st_size else pd.DataFrame()
    except (ValueError, RecursionError, MemoryError):
        return pd.DataFrame()
    if not _is_history(history):
        return pd.DataFrame()
    gradients = [name for name in history if name.startswith("grad_norm")]
    if "validate_loss" in history and len(history) and bool(history[gradients].iloc[0].notna().any()):
        history = history.assign(epoch=history["epoch"] + 1)
    return history


def _is_history(history: pd.DataFrame) -> bool:
    """Whether each row has an epoch of its own, and all columns after the options and `iteration` are numbers."""
    names = list(history)
    if "epoch" not in names:
        return False
    measured = names[names.index("iteration") + 1 :] if "iteration" in names else names
    are_numbers = all(pd.api.types.is_numeric_dtype(history[name]) for name in {*measured, "epoch"})
    return are_numbers and bool(history["epoch"].notna().all()) and history["epoch"].is_unique


def current_summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of run.json with epochs counted from the untrained network.

    In a validated training of an earlier version, `_initial` losses were those of the network after one epoch. They are
    left out, as the losses of the untrained network are unknown. Entries that are no single value are left out, too.
    """
    entries: Mapping[str, Any] = record.get("summary", {})
    summary: dict[str, Any] = {name: value for name, value in entries.items() if isinstance(value, SINGLE)}
    is_earlier = not COUNTED_FROM_UNTRAINED.items() <= record.items()
    if is_earlier and "epoch_best" in summary and {"validate_loss_best", "nll_valid"} & summary.keys():
        summary["epoch_best"] += 1
        for name in ("loss_initial", "validate_loss_initial"):
            summary.pop(name, None)
    return summary


def epoch_values(history: pd.DataFrame, column: str, epochs: int) -> list[float]:
    """A column after each of this many epochs, nan after its end; without the untrained network."""
    by_epoch = history.set_index("epoch")[column] if column in history else pd.Series(dtype=float)
    return by_epoch.reindex(range(1, epochs + 1)).tolist()


def add_option_columns(rows: pd.DataFrame, combo: int, values: Mapping[str, Any], iteration: int) -> pd.DataFrame:
    """A run's rows after the columns combo, its gridded options and iteration. Existing columns take precedence."""
    head = {"combo": combo, **values, "iteration": iteration}
    columns = [name for name in rows if name not in ("combo", "iteration")]
    added = {name: [value] * len(rows) for name, value in head.items() if name not in columns}
    options = pd.DataFrame(added, index=rows.index)
    existing = [name for name in columns if name in head]  # as in a file that already has them
    return pd.concat([options, rows[columns]], axis=1)[[*head, *(name for name in columns if name not in existing)]]
