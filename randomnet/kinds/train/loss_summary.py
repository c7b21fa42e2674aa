"""Columns of summary.csv on the losses of a training, from untrained to last, and notes on what did not work."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from randomnet.losses import LOSSES
from randomnet.training import Progress

BEST = {"train_loss": min, "validate_loss": min, "validate_metrics": max}  # columns of history.csv -> the best of them
MOST_ERRORS = 2  # standard errors by which a final loss must exceed the initial one to be worse
NO_GRADIENT = "no trained parameter changes the loss; train others (train_weights), or begin elsewhere (net.g)"
ADVICE = {  # whether the spectrum is trained -> what to do against a worse loss
    True: "inside chaos gradients grow with the window; try lyapunov.truncate_gradient = 1, or a smaller lr",
    False: "try a smaller lr or clip_norm",
}


def summarize_losses(progress: Progress) -> dict[str, float]:
    """Return _initial of the untrained network, _final of the last, and _best over all epochs, with their errors.

    Losses over a shorter window than that of the last row are left out of the best.
    """
    history, first, last = pd.DataFrame(progress.history), progress.row(0), progress.row(progress.last_epoch)
    summary: dict[str, float] = {"epochs_done": progress.epoch}
    for column, best in BEST.items():
        if column in history:
            name = column.removeprefix("train_")
            summary |= {f"{name}_initial": first[column]} if column in first else {}
            summary |= {f"{name}_final": last.get(column, math.nan)}
            summary |= _best(history, column, name, best)
    summary.setdefault("loss_final", math.nan)
    others = [name for name in history if name.startswith("validate_") and f"{name}_final" not in summary]
    summary |= {f"{name}_final": last[name] for name in others if name in last}
    errors = [name for name in last if name.startswith("stderr_")]
    summary |= {f"{name.removeprefix('stderr_')}_final_stderr": last[name] for name in errors}
    return {**summary, "epoch_best": progress.best_epoch}


def _best(history: pd.DataFrame, column: str, name: str, best: Any) -> dict[str, float]:
    """Return the best value of a column, and its error where there is one."""
    rows = history[history["window"] == history["window"].max()] if "window" in history else history
    values = rows[column].dropna()
    if values.empty:
        return {}
    summary, error = {f"{name}_best": best(values)}, f"stderr_{column}"
    row = values.idxmin() if best is min else values.idxmax()
    return summary | ({f"{name}_best_stderr": rows[error][row]} if error in rows else {})


def notes(
    progress: Progress, losses: dict[str, float], spectrum_loss: str | None, doubts: Sequence[str] = ()
) -> dict[str, str]:
    """Return the column notes: what did not work, and what to try; empty without such notes. doubts: further notes."""
    texts = [*doubts, *_gradient_notes(progress, spectrum_loss), *_loss_notes(losses, bool(spectrum_loss))]
    return {"notes": "; ".join(texts)} if texts else {}


def _gradient_notes(progress: Progress, spectrum_loss: str | None) -> list[str]:
    """Return a note where all gradients are 0 in the end, with the first epoch of that."""
    norms = pd.DataFrame(progress.history).filter(regex="^grad_norm").dropna(how="all")
    nonzero = norms.index[(norms != 0).any(axis=1)]
    if norms.empty or norms.index[-1] in nonzero:
        return []
    reason = (LOSSES[spectrum_loss].no_gradient if spectrum_loss else "") or NO_GRADIENT
    since = f"from epoch {progress.history[nonzero[-1]]['epoch'] + 1} on" if len(nonzero) else "from the start"
    return [f"no gradient {since}: {reason}"]


def _loss_notes(losses: dict[str, float], trains_spectrum: bool) -> list[str]:
    """Return a note where the last network is worse than the untrained one, by more than its known error."""
    for name in ("loss_measured", "validate_loss", "loss"):
        before, after = (losses.get(f"{name}_{when}", math.nan) for when in ("initial", "final"))
        if not math.isnan(before) and not math.isnan(after):
            errors = [losses.get(f"{name}_{when}_stderr", 0.0) for when in ("initial", "final")]
            if after - before > MOST_ERRORS * math.hypot(*(0.0 if math.isnan(error) else error for error in errors)):
                change = f"{name} {before:.4g} -> {after:.4g}"
                return [f"ended worse than it began ({change}): {ADVICE[trains_spectrum]}"]
            return []
    return []
