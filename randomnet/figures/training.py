"""Figures of kind = train: curves over epochs, spectra and parameters before and after, final values, loss minima."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from randomnet import plotting, results
from randomnet.comparison import combo_texts
from randomnet.comparison.study import ABSENT, TASK, Combo, ComboGroup, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.grid_figures import grid_figures
from randomnet.figures.parameters import few_groups
from randomnet.figures.runs import (
    LAMBDA,
    Figures,
    arrays_by_iteration,
    combo_series,
    ended_runs,
    figure_stem,
    trial_events,
)
from randomnet.losses import LOSSES
from randomnet.plotting import Overlaps, Panel, Reaching, Series
from randomnet.tasks import TASKS

PERCENT = (0.0, 100.0)  # limits of axes that are to be compared between panels
MOST_OUTPUTS = 4  # outputs with panels in the figure of the loss, at most
MOST_OVERLAPS = 4  # overlaps with panels of their own, at most
BIN = 0.01  # s: duration of a step of a reach
GRADIENT_NORM = "gradient_norm"  # of all trained parameters together
OF_OUTPUT = "validate_metrics_"  # prefix of the columns with the accuracy of each output


def loss_label(ylabel: str | None, combos: Sequence[Combo]) -> str:
    """Label of the loss axis: the user's text, or the name of the loss with its unit."""
    names = list(dict.fromkeys(combo.loss for combo in combos if combo.loss))
    labels = list(dict.fromkeys(map(loss_name, names)))
    if ylabel:
        return ylabel
    if len(labels) > 1:
        return f"loss ({' and '.join(names)}: not the same quantity)".replace("$", r"\$")
    return labels[0] if labels else "loss"


def loss_name(name: str) -> str:
    """Axis label, with unit, for the name of a loss, or of a task whose loss is minimised."""
    if name.casefold() in TASKS:
        return TASKS[name.casefold()].label
    if name.casefold() in LOSSES:
        return LOSSES[name.casefold()].label
    return f"loss ({name})".replace("$", r"\$")


def curve_figures(study: Study, ylabel: str | None, label: str = "") -> Figures:
    """Loss, accuracies, largest exponent and gradient norm over epochs, if recorded; a figure per group.

    label: of the loss.
    """
    for group in study.groups:
        validated = any("validate_loss" in combo.loaded.history for combo in group.combos)
        series = combo_series(study, group, dashed=not validated)
        history = group_history(group, series)
        if not history.empty:
            loss = ylabel or label or loss_label(ylabel, group.combos) + window_text(group.combos)
            panels = [Panel("validate_loss", loss, training="train_loss") if validated else Panel("train_loss", loss),
                      Panel("validate_metrics", f"accuracy (%){_error_text(history)}", training="train_metrics",
                            chance=chance_levels(group.combos), linear=True),
                      Panel("validate_angle_error", "angle error\n(degrees)", training="train_angle_error"),
                      Panel("validate_end_error", "final distance\nfrom the goal (cm)", training="train_end_error"),
                      Panel("validate_co_bps", "held-out neurons\n(bits per spike)", zero=True),
                      Panel("lambda_max", LAMBDA, zero=True),
                      Panel(GRADIENT_NORM, "norm of the gradient\nbefore clipping")]  # fmt: skip
            outputs = _output_panels(history, group.combos)
            panels[2:2] = outputs if len(outputs) <= MOST_OUTPUTS else []
            panels = [panel for panel in panels if panel.column in history]
            looks, title = list(series.values()), combo_texts.title_with_task(group.combos, group.title)
            title = ", ".join(filter(None, [title, trials_text(group.combos), _best_text(group.combos)]))
            yield figure_stem("loss", group), plotting.curves(history, panels, looks, title)


def window_text(combos: Sequence[Combo]) -> str:
    """Averaging time of the exponents in a training loss, as another line of a label; empty for tasks."""
    windows = {str(combo.get("tsim")) for combo in combos if combo.get(TASK) in (ABSENT, "none")}
    window = windows.pop() if len(windows) == 1 and not any(combo.task for combo in combos) else str(ABSENT)
    return "" if window in (str(ABSENT), "auto") else f"\nwindow of {float(window):g} τ"


def trials_text(combos: Sequence[Combo]) -> str:
    """Numbers of training and validation trials, if all combos have the same."""
    counts = {str(combo.task.get("trials", "")) for combo in combos}
    counts = counts.pop() if len(counts) == 1 else ""
    return f"trials: {counts}" if counts else ""


def _best_text(combos: Sequence[Combo]) -> str:
    """The epoch of the lowest loss, or the range over runs, in words."""
    tables = [combo.loaded.table.query("combo == @combo.number") for combo in combos]
    columns = [table["epoch_best"].dropna() for table in tables if "epoch_best" in table]
    epochs = pd.concat(columns).astype(int) if columns else pd.Series(dtype=int)
    if epochs.empty:
        return ""
    low, high = epochs.min(), epochs.max()
    return f"best at epoch {low}" if low == high else f"best at epochs {low} to {high}"


def _error_text(history: pd.DataFrame) -> str:
    """The largest standard error of the accuracy in the last epoch, as another line of a label."""
    if "stderr_validate_metrics" not in history:
        return ""
    last = history.sort_values("epoch").groupby(["series", "run"])["stderr_validate_metrics"].last()
    return f"\ns.e. over trials {last.max():.2g}" if last.notna().any() else ""


def output_figures(study: Study, ylabel: str | None) -> Figures:
    """Accuracy of each output over epochs and in the last epoch, if there are too many for the figure of the loss.

    An output may also be a condition of the trials.
    """
    for group in study.groups:
        series = combo_series(study, group)
        history = group_history(group, series)
        panels = [replace(panel, spans=PERCENT) for panel in _output_panels(history, group.combos)]
        if len(panels) > MOST_OUTPUTS:
            looks, title = list(series.values()), combo_texts.title_with_task(group.combos, group.title)
            yield figure_stem("accuracies", group), plotting.curves(history, panels, looks, title)
            last = history.sort_values("epoch").groupby(["series", "run"]).tail(1)
            names = {panel.column: panel.column.removeprefix(OF_OUTPUT) for panel in panels}
            each = last.melt(["series", "run", "status"], list(names), "group", "value").replace({"group": names})
            panel, groups = (
                Panel("value", "accuracy in the last epoch (%)", linear=True, spans=PERCENT),
                list(names.values()),
            )
            yield figure_stem("accuracies_last", group), plotting.dot_plot(each, panel, looks, groups, title=title)


def group_history(group: ComboGroup, series: Mapping[Any, Series]) -> pd.DataFrame:
    """history.csv of all runs of a group, with the columns series, run, status and GRADIENT_NORM."""
    parts = []
    for combo in group.combos:
        history = combo.loaded.history
        if history.empty or not {"epoch", "train_loss"} <= set(history.columns):
            continue
        rows = history[history["combo"] == combo.number]
        status = combo.loaded.table.query("combo == @combo.number").set_index("iteration")["status"]
        parts.append(rows.assign(series=series[combo.label, combo.number].text, run=rows["iteration"],
                                 status=rows["iteration"].map(status)))  # fmt: skip
    return pd.concat(map(with_gradient_norm, parts), ignore_index=True) if parts else pd.DataFrame()


def with_gradient_norm(history: pd.DataFrame) -> pd.DataFrame:
    """A history with the column GRADIENT_NORM, if it has gradient norms of the whole or of each parameter."""
    norms = history.filter(regex="^grad_norm(_|$)").astype(float)
    if norms.isna().all(axis=None):
        return history
    # norms of parts of one gradient add as squares; epochs without an update have none
    total = np.sqrt(norms.pow(2).sum(axis=1, min_count=1))
    return history.assign(**{GRADIENT_NORM: total})


def _output_panels(history: pd.DataFrame, combos: Sequence[Combo]) -> list[Panel]:
    """A panel for the accuracy of each output or condition, if a task has several.

    The accuracy of a single output is that of the task.
    """
    names = [name.removeprefix(OF_OUTPUT) for name in history if name.startswith(OF_OUTPUT)]
    return [Panel(f"{OF_OUTPUT}{name}", f"accuracy of\n{name} (%)", training=f"train_metrics_{name}",
                  chance=chance_levels(combos, f"chance_metrics_{name}"), linear=True)
            for name in names if len(names) > 1]  # fmt: skip


def array_figures(study: Study, ylabel: str | None) -> Figures:
    """Spectra, and distributions of trained parameters, before and after training; two figures per group."""
    for group in study.groups:
        arrays = {(combo.label, combo.number): list(arrays_with_attractors(combo)) for combo in group.combos}
        series = combo_series(study, group)
        yield from _spectra(group, arrays, series, unbounded_text(group.combos))
        yield from _distributions(group, arrays, series)


def _unbounded(combo: Combo, when: str) -> set[int]:
    """Iterations whose network is unbounded before (initial) or after (final) training."""
    rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
    verdicts = rows.get(f"verdict_{when}")
    return set() if verdicts is None else set(rows.loc[verdicts == results.UNBOUNDED, "iteration"])


def arrays_with_attractors(combo: Combo) -> Iterator[dict[str, np.ndarray]]:
    """Arrays of the runs, without the spectra of unbounded networks, which are growth rates."""
    unbounded = {f"spectrum_{when}": _unbounded(combo, when) for when in ("initial", "final")}
    for iteration, arrays in arrays_by_iteration(combo):
        yield {name: array for name, array in arrays.items() if iteration not in unbounded.get(name, ())}


def unbounded_text(combos: Sequence[Combo]) -> str:
    """How many networks of these combos are left out before and after training; empty if none."""
    counts = {text: sum(len(_unbounded(combo, when)) for combo in combos)
              for when, text in (("initial", "before"), ("final", "after"))}  # fmt: skip
    text = " and ".join(f"{count} {when} training" for when, count in counts.items() if count)
    return f"unbounded, left out: {text}" if text else ""


def _spectra(group: ComboGroup, arrays: Mapping[Any, list], series: Mapping[Any, Series], unbounded: str) -> Figures:
    before: dict[Any, Any] = {}
    after: dict[Any, Any] = {}
    targets = {}
    for key, look in series.items():
        for stage, spectra_at in (("initial", before), ("final", after)):
            runs = trained_spectra(arrays[key], stage)
            if runs:
                spectra_at[look.text] = runs
        target = spectrum_target(arrays[key])
        if target.size:
            targets[look.text] = target
    if before or after:
        title = ", ".join(filter(None, [combo_texts.title_with_task(group.combos, group.title), unbounded]))
        panels = {"before training": before, "after training": after}
        yield figure_stem("spectra", group), plotting.spectra(panels, targets, list(series.values()), title)


def trained_spectra(arrays: Sequence[Mapping[str, np.ndarray]], when: str) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Exponents (k,), standard errors (k,) and N of each run, before (initial) or after (final) training."""
    name = f"spectrum_{when}"
    runs = [run for run in arrays if name in run and run[name].ndim == 1 and run[name].size]
    return [(run[name], run.get(f"{name}_stderr", np.full(run[name].shape, np.nan)),
             run.get("state_initial", run[name]).size) for run in runs]  # fmt: skip


def spectrum_target(arrays: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """Values that the leading exponents of these runs are trained to, (nle,); empty without a target."""
    return next((np.ravel(run["target"]) for run in arrays if "target" in run and run["target"].size), np.empty(0))


def _distributions(group: ComboGroup, arrays: Mapping[Any, list], series: Mapping[Any, Series]) -> Figures:
    changed: dict[str, dict[str, Any]] = {}
    for parameter in ("gains", "shifts", "weights"):
        names = (f"{parameter}_initial", f"{parameter}_final")
        runs = {look.text: [run for run in arrays[key] if all(part in run for part in names)]
                for key, look in series.items()}  # fmt: skip
        pairs = {text: tuple(np.concatenate([np.ravel(run[part]) for run in members]) for part in names)
                 for text, members in runs.items() if members}  # fmt: skip
        # Parameters that were not trained are equal before and after, so there is nothing to compare.
        if any(not np.array_equal(first, second, equal_nan=True) for first, second in pairs.values()):
            changed[parameter] = pairs
    if changed:
        title = combo_texts.title_with_task(group.combos, group.title)
        names = {name: groups for name in changed if (groups := few_groups(arrays, name))}
        yield figure_stem("parameters", group), plotting.distributions(changed, list(series.values()), title, names)


def overlap_figures(study: Study, ylabel: str | None) -> Figures:
    """For low-rank networks, the overlaps of each of the first networks along validation trials."""
    for stem, title, _, arrays in example_networks(study, "overlaps", "overlaps_times"):
        yield stem, plotting.overlaps(_overlaps(arrays), title)


def _overlaps(arrays: dict[str, np.ndarray]) -> Overlaps:
    before, after = arrays["overlaps_initial"], arrays["overlaps_final"]
    variation = np.nan_to_num(np.ptp(after, axis=(0, 1)))
    drawn = np.sort(np.argsort(-variation, kind="stable")[:MOST_OVERLAPS])
    return Overlaps(before[..., drawn], after[..., drawn], 1 + drawn, len(variation), arrays["overlaps_conditions"],
                    arrays["overlaps_times"], trial_events(arrays), str(arrays.get("time_unit", "τ")))  # fmt: skip


def reach_figures(study: Study, ylabel: str | None) -> Figures:
    """For movement tasks, the reaches of each of the first networks before and after training."""
    for stem, title, _, arrays in example_networks(study, "reaches", "reaches_final"):
        network = Reaching(arrays["reaches_initial"], arrays["reaches_final"], arrays["reach_goals_final"], BIN)
        if len(network.trials_with_go):
            yield stem, plotting.reaches(network, title)


def accuracies_of_runs(study: Study, ylabel: str | None) -> Figures:
    """The accuracy in the last epoch, of validation trials and of test trials if there are any."""
    panels = [Panel(column, f"{split} accuracy (%)\n{when}", own_chance=chance, linear=True, better="higher")
              for column, split, when, chance in (
                  ("validate_metrics_best", "validation", "at its best epoch", "chance_metrics"),
                  ("validate_metrics_final", "validation", "in the last epoch", "chance_metrics"),
                  ("test_metrics_best", "test", "at the lowest validation loss", "test_chance_metrics"),
                  ("test_metrics_final", "test", "in the last epoch", "test_chance_metrics"))]  # fmt: skip
    yield from grid_figures(study, "validate_metrics", panels)


def chance_levels(combos: Sequence[Combo], column: str = "chance_metrics") -> tuple[float, float] | None:
    """The smallest and the largest chance level in percent over all runs; None unless measured for all combos.

    The chance level is the accuracy of the best constant answer.
    """
    tables = [combo.loaded.table.query("combo == @combo.number") for combo in combos]
    levels = [table[column].astype(float).dropna() if column in table else pd.Series(dtype=float) for table in tables]
    if not levels or any(level.empty for level in levels):
        return None
    all_levels = pd.concat(levels)
    return float(all_levels.min()), float(all_levels.max())


def measured_loss_figures(study: Study, ylabel: str | None) -> Figures:
    """The loss measured after training, over a record that begins after the training window."""
    label = loss_label(ylabel, study.combos) + "\nmeasured after the window"
    yield from grid_figures(study, "loss_measured_final", [Panel("loss_measured_final", label, better="lower")])


def radius_figures(study: Study, ylabel: str | None) -> Figures:
    """Spectral radius before and after training."""
    panels = [Panel(f"spectral_radius_{stage}", f"spectral radius\n{time} training", quantity="spectral radius")
              for stage, time in (("initial", "before"), ("final", "after"))]  # fmt: skip
    yield from grid_figures(study, "spectral_radius", panels)


def loss_minimum_boxes(study: Study, ylabel: str | None) -> Figures:
    """Lowest loss, its epoch, and the epoch of 99 % of the way down; a figure per group of several runs."""
    split = "validation" if any("validate_loss" in combo.loaded.history for combo in study.combos) else "training"
    panels = [Panel("loss_minimum", ylabel or f"minimum {split}\n" + loss_label(None, study.combos)),
              Panel("epoch_minimum", f"epoch of the minimum\n{split} loss", whole=True),
              Panel("epoch_99", "first epoch within 1 % of the\nrange above the minimum", whole=True)]  # fmt: skip
    for group in study.groups:
        series = combo_series(study, group)
        runs = ended_runs(study, series)
        drawn = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
        if drawn and len(runs) > 1:
            title, looks = combo_texts.title_with_task(group.combos, group.title), list(series.values())
            runs, texts = runs.assign(group=runs["series"]), [look.text for look in looks]
            yield figure_stem("minimum", group), plotting.dot_plot(runs, drawn, looks, texts, title=title, boxes=True)
