"""The first figure of a study, which alone answers what its grid was made for.

A kind declares its quantities, with labels, lines of chance or zero, and the direction of better values. The grid lays
itself out, see grid_layout.

overview_figures     the pages of the overview of a study
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from randomnet.comparison.result_sentences import labels_with
from randomnet.comparison.study import Combo, Study
from randomnet.figures.grid_figures import grid_figures
from randomnet.figures.runs import Figures
from randomnet.figures.training import loss_label, window_text
from randomnet.plotting import Panel

OVERVIEW = "overview"
MEASURED = "loss_measured_final"
Quantities = Callable[[Study, str | None], Sequence[Panel]]
AFTER_TRAINING = Panel("lambda_max_final", "largest exponent\nλ$_\\mathrm{max}$ (1/τ)\nafter training", zero=True)
VALIDATION, TRAINING = "validate_loss", "train_loss"  # columns of history.csv


def overview_figures(
    study: Study, ylabel: str | None, quantities: Quantities, has_courses: bool = False,
    crossings: Mapping[tuple[str, int], tuple[float, float, float]] | None = None,
) -> Figures:  # fmt: skip
    """The pages of the overview: the quantities of all runs, and with `has_courses` the loss over epochs."""
    history = histories(study) if has_courses else pd.DataFrame()
    course = _course(study, ylabel, history) if len(history) else None
    columns = [panel.column for panel in (*quantities(study, ylabel), *([course] if course else []))]
    labels = _labels_by_loss(study, [name for name in columns if "loss" in name]) if not ylabel else {}
    yield from grid_figures(study, OVERVIEW, quantities(study, ylabel), history=history, course=course, labels=labels,
                            crossings=crossings)  # fmt: skip


def histories(study: Study) -> pd.DataFrame:
    """history.csv of all runs, with columns label, number, run and status."""
    parts = []
    for combo in study.combos:
        history = combo.loaded.history
        if not history.empty and {"epoch", TRAINING} <= set(history.columns):
            rows = history[history["combo"] == combo.number]
            status = combo.loaded.table.query("combo == @combo.number").set_index("iteration")["status"]
            parts.append(rows.assign(label=combo.label, number=combo.number, run=rows["iteration"],
                                     status=rows["iteration"].map(status)))  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _course(study: Study, ylabel: str | None, history: pd.DataFrame) -> Panel:
    """The loss over epochs: of validation if it was computed."""
    column = VALIDATION if VALIDATION in history and history[VALIDATION].notna().any() else TRAINING
    return Panel(column, loss_text(column, study.combos, ylabel))


def loss_text(column: str, combos: Sequence[Combo], ylabel: str | None) -> str:
    """Axis label of a loss."""
    return loss_label(ylabel, combos) + window_text(combos)


def _labels_by_loss(study: Study, columns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Axis labels of these columns by the name of the loss, if combos differ in it."""
    combos_of: dict[str, list[Combo]] = {}
    for combo in study.combos:
        combos_of.setdefault(combo.loss, []).append(combo)
    if len(combos_of) < 2:
        return {}
    return {column: {loss: loss_text(column, combos, None) for loss, combos in combos_of.items()} for column in columns}


def of_spectral_training(study: Study, ylabel: str | None) -> list[Panel]:
    """Loss and largest exponent after training; the loss is the one that the sentence of result is about.

    It is the measured one, or where a folder is without it that of the last epoch.
    """
    is_measured = labels_with(study.runs, MEASURED) >= labels_with(study.runs, "loss_final")
    return [Panel(MEASURED, f"{loss_label(ylabel, study.combos)}\nmeasured after training", better="lower",
                  least=_least(study, MEASURED)) if is_measured and _has_values(study, MEASURED) else
            Panel("loss_final", ylabel or f"{loss_text('loss_final', study.combos, None)}\nin the last epoch",
                  better="lower", least=_least(study, "loss_final")), AFTER_TRAINING]  # fmt: skip


def of_task_training(study: Study, ylabel: str | None) -> list[Panel]:
    """Accuracy with its chance level, lowest loss, and largest exponent at the end."""
    split = "validation" if any(VALIDATION in combo.loaded.history for combo in study.combos) else "training"
    test = "test_metrics_best"
    accuracy = Panel("validate_metrics_best", "best validation\naccuracy (%), selected\non the same trials",
                     own_chance="chance_metrics", linear=True, better="higher")  # fmt: skip
    if _has_values(study, test):
        accuracy = replace(accuracy, column=test, label="test accuracy (%)\nat the lowest\nvalidation loss",
                           own_chance="test_chance_metrics")  # fmt: skip
    lowest = ylabel or f"minimum {split}\n" + loss_label(None, study.combos)
    loss = Panel("loss_minimum", lowest, better="lower", least=_least(study, "loss_minimum"))
    return [accuracy, loss, AFTER_TRAINING]


def _has_values(study: Study, column: str) -> bool:
    return column in study.runs and bool(study.runs[column].notna().any())


def _least(study: Study, column: str) -> float | None:
    """0 for a loss without negative values, whose interval then ends at 0; else None."""
    values = study.runs[column].astype(float) if column in study.runs else pd.Series(dtype=float)
    return None if (values < 0).any() else 0.0


def fixed(*panels: Panel) -> Quantities:
    """The same quantities for every study."""

    def quantities(study: Study, ylabel: str | None) -> Sequence[Panel]:
        return panels

    return quantities
