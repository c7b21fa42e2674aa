"""What run.json says of how a training went: its losses, from untrained to last, and what did not work."""

import math
from typing import Any

import pandas as pd

from randomnet.training import Progress

BEST = {"train_loss": min, "validate_loss": min, "validate_metrics": max}  # columns of history.csv -> the best of them
ERRORS = 2  # standard errors by which a measured loss must be above another one
SILENT = {  # by the loss of the spectrum: why there may be no gradient, and what to do
    "sinai": "sinai has one only where an exponent is positive; begin inside chaos, with a larger net.g",
    "": "no trained parameter changes the loss; train others (train_weights), or begin elsewhere (net.g)",
}
WORSE = {
    True: "inside chaos gradients grow with the window; try lyapunov.truncate_gradient = 1, or a smaller lr",
    False: "try a smaller lr or clip_norm",
}


def losses(progress: Progress) -> dict[str, float]:
    """Of the rows of a training: _initial of the untrained network, _final of the last, _best over all, with errors.

    Losses over a shorter window than that of the last row are left out of the best.
    """
    history, first, last = pd.DataFrame(progress.history), progress.row(0), progress.row(progress.last_epoch)
    figures: dict[str, float] = {"epochs_done": progress.epoch}
    for column, best in BEST.items():
        if column in history:
            name = column.removeprefix("train_")
            figures |= {f"{name}_initial": first[column]} if column in first else {}
            figures |= {f"{name}_final": last.get(column, math.nan)}
            figures |= _best(history, column, name, best)
    figures.setdefault("loss_final", math.nan)
    others = [name for name in history if name.startswith("validate_") and f"{name}_final" not in figures]
    figures |= {f"{name}_final": last[name] for name in others if name in last}
    errors = [name for name in last if name.startswith("stderr_")]
    figures |= {f"{name.removeprefix('stderr_')}_final_stderr": last[name] for name in errors}
    return {**figures, "epoch_best": progress.best_epoch}


def _best(history: pd.DataFrame, column: str, name: str, best: Any) -> dict[str, float]:
    """The best value of a column, and its error where there is one."""
    rows = history[history["window"] == history["window"].max()] if "window" in history else history
    values = rows[column].dropna()
    if values.empty:
        return {}
    figures, error = {f"{name}_best": best(values)}, f"stderr_{column}"
    where = values.idxmin() if best is min else values.idxmax()
    return figures | ({f"{name}_best_stderr": rows[error][where]} if error in rows else {})


def notes(progress: Progress, losses: dict[str, float], spectrum_loss: str | None) -> dict[str, str]:
    """The column notes: what did not work, and what to try; empty where nothing is to be said."""
    texts = [*_without_gradient(progress, spectrum_loss), *_worse(losses, bool(spectrum_loss))]
    return {"notes": "; ".join(texts)} if texts else {}


def _without_gradient(progress: Progress, spectrum_loss: str | None) -> list[str]:
    """From when on all gradients are 0, if they are in the end."""
    norms = pd.DataFrame(progress.history).filter(regex="^grad_norm").dropna(how="all")
    moved = norms.index[(norms != 0).any(axis=1)]
    if norms.empty or norms.index[-1] in moved:
        return []
    why = SILENT["sinai" if spectrum_loss == "sinai" else ""]
    since = f"from epoch {progress.history[moved[-1]]['epoch'] + 1} on" if len(moved) else "from the start"
    return [f"no gradient {since}: {why}"]


def _worse(losses: dict[str, float], spectral: bool) -> list[str]:
    """Whether the last network is worse than the untrained one, by more than the error of its loss if that is known."""
    for name in ("loss_measured", "validate_loss", "loss"):
        before, after = (losses.get(f"{name}_{when}", math.nan) for when in ("initial", "final"))
        if not math.isnan(before) and not math.isnan(after):
            errors = [losses.get(f"{name}_{when}_stderr", 0.0) for when in ("initial", "final")]
            if after - before > ERRORS * math.hypot(*(0.0 if math.isnan(error) else error for error in errors)):
                return [f"ended worse than it began ({name} {before:.4g} -> {after:.4g}): {WORSE[spectral]}"]
            return []
    return []
