"""How far and how fast each run learned: numbers from its loss over epochs.

loss_minimum    the lowest loss
epoch_minimum   the first epoch with it
epoch_99        the first epoch whose loss is within 1 % of the range (highest minus lowest) above it
epochs_to_criterion   the first epoch whose loss is below trainvalidate.stop_below; infinite without one

They are of the validation loss, or of the training loss in runs without validation. Epochs are numbered as in
history.csv, from 0, and all count; bio_rnn_mem skipped the first one.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

CRITERION, EPOCHS_TO = "trainvalidate.stop_below", "epochs_to_criterion"
MINIMA = ("loss_minimum", "epoch_minimum", "epoch_99")
WITHIN = 0.01  # of the range of the loss
SOURCES = ("validate_loss", "train_loss")  # the first one that a run has


def minima(epochs: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    """MINIMA of one curve; losses and their epochs (n,). Values that are not finite are ignored; nan if none is."""
    finite = np.isfinite(losses)
    epochs, losses = np.asarray(epochs)[finite], np.asarray(losses, dtype=float)[finite]
    if not len(losses):
        return np.nan, np.nan, np.nan
    low, high = losses.min(), losses.max()
    near = losses <= low + WITHIN * (high - low)
    return float(low), float(epochs[losses.argmin()]), float(epochs[near.argmax()])


def epochs_to(epochs: np.ndarray, losses: np.ndarray, criterion: float) -> float:
    """The first epoch whose loss is below the criterion; infinite without one, nan where the criterion is 0."""
    below = np.asarray(epochs)[np.asarray(losses, dtype=float) < criterion]
    return (float(below[0]) if len(below) else np.inf) if criterion else np.nan


def add_loss_minima(
    table: pd.DataFrame, history: pd.DataFrame, criteria: Mapping[int, float] = MappingProxyType({})
) -> pd.DataFrame:
    """The table of runs (combo, iteration) with the columns MINIMA; unchanged if no run has a history.

    criteria: loss below which a combo stops, or 0; with any above 0 the table has the column EPOCHS_TO as well.
    """
    if history.empty or "epoch" not in history or not set(SOURCES) & set(history.columns):
        return table
    rows = []
    for (combo, iteration), run in history.groupby(["combo", "iteration"]):
        curves = [run[name].to_numpy(dtype=float) for name in SOURCES if name in run]
        losses = next((curve for curve in curves if np.isfinite(curve).any()), curves[-1])
        epochs = run["epoch"].to_numpy()
        reached = epochs_to(epochs, losses, criteria.get(combo, 0.0))
        rows.append((combo, iteration, *minima(epochs, losses), reached))
    columns = pd.DataFrame(rows, columns=["combo", "iteration", *MINIMA, EPOCHS_TO])
    columns = columns if any(criteria.values()) else columns.drop(columns=EPOCHS_TO)
    return table.merge(columns, on=["combo", "iteration"], how="left")
