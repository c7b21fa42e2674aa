"""history.csv and run.json as they are counted today, and as earlier versions counted them.

Row e of a history is the network after e epochs of updates, row 0 the untrained one; epochs are counted so everywhere.
Earlier versions numbered rows with validation from the network after one epoch on: a first row that has gradients
tells them. Rows without validation had the same numbers then, but no last row, and the gradients of the next one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

COUNTED_FROM_UNTRAINED = {"epoch_0": "untrained"}  # in run.json: what its epochs are counted from


def read_history(path: Path) -> pd.DataFrame:
    """history.csv with epochs counted from the untrained network; empty where there is none, or it is damaged."""
    try:
        history = pd.read_csv(path) if path.exists() and path.stat().st_size else pd.DataFrame()
    except ValueError:
        return pd.DataFrame()
    gradients = [name for name in history if name.startswith("grad_norm")]
    if "validate_loss" in history and len(history) and bool(history[gradients].iloc[0].notna().any()):
        history = history.assign(epoch=history["epoch"] + 1)
    return history


def summary_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of run.json with epochs counted from the untrained network.

    Of a validated training by an earlier version, `_initial` losses were of a network that had been trained already:
    they are left out, as those of the untrained one are not known.
    """
    summary = dict(record.get("summary", {}))
    earlier = not COUNTED_FROM_UNTRAINED.items() <= record.items()
    if earlier and "epoch_best" in summary and {"validate_loss_best", "nll_valid"} & summary.keys():
        summary["epoch_best"] += 1
        for name in ("loss_initial", "validate_loss_initial"):
            summary.pop(name, None)
    return summary


def curve(history: pd.DataFrame, column: str, epochs: int) -> list[float]:
    """A column after each of so many epochs, nan where it ends before; without the untrained network."""
    by_epoch = history.set_index("epoch")[column] if column in history else pd.Series(dtype=float)
    return by_epoch.reindex(range(1, epochs + 1)).tolist()


def with_options(rows: pd.DataFrame, combo: int, values: Mapping[str, Any], iteration: int) -> pd.DataFrame:
    """A run's rows after the columns combo, its gridded options and iteration; a column of the rows keeps its name."""
    head = {"combo": combo, **values, "iteration": iteration}
    own = [name for name in rows if name not in ("combo", "iteration")]
    known = {name: [value] * len(rows) for name, value in head.items() if name not in own}
    options = pd.DataFrame(known, index=rows.index)
    first = [name for name in own if name in head]  # as read back from a file that has them
    return pd.concat([options, rows[own]], axis=1)[[*head, *(name for name in own if name not in first)]]
