"""How far and how fast each run learned: three numbers from its loss over epochs.

loss_minimum    the lowest loss
epoch_minimum   the first epoch with it
epoch_99        the first epoch whose loss is within 1 % of the range (highest minus lowest) above it

They are of the validation loss, or of the training loss in runs without validation. Epochs are numbered as in
history.csv, from 0, and all count; bio_rnn_mem skipped the first one.
"""

import numpy as np
import pandas as pd

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


def add_loss_minima(table: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """The table of runs (combo, iteration) with the columns MINIMA; unchanged if no run has a history."""
    if history.empty or "epoch" not in history or not set(SOURCES) & set(history.columns):
        return table
    rows = []
    for (combo, iteration), run in history.groupby(["combo", "iteration"]):
        curves = [run[name].to_numpy(dtype=float) for name in SOURCES if name in run]
        losses = next((curve for curve in curves if np.isfinite(curve).any()), curves[-1])
        rows.append((combo, iteration, *minima(run["epoch"].to_numpy(), losses)))
    columns = pd.DataFrame(rows, columns=["combo", "iteration", *MINIMA])
    return table.merge(columns, on=["combo", "iteration"], how="left")
