"""Figures of kind = train: curves over epochs, spectra and parameters before and after, end figures, minima."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from randomnet import plotting, results
from randomnet.comparison import combo_texts
from randomnet.comparison.study import ABSENT, TASK, Combo, ComboGroup, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.pooling import dot_plots_by_option
from randomnet.figures.runs import LAMBDA, Figures, arrays_by_iteration, combo_series, ended, figure_stem, trial_events
from randomnet.plotting import Overlaps, Panel, Reaching, Series
from randomnet.tasks import TASKS

LOSSES = {  # of the spectrum, by name
    "mse": "loss: mean squared\ndifference from target (1/τ²)",
    "l2": "loss: Euclidean\ndistance from target (1/τ)",
    "sinai": "loss: minus the entropy rate\nh$_\\mathrm{KS}$ (1/τ)",
}
PERCENT = (0.0, 100.0)  # on the axes of many panels, which are to be compared
MOST_OUTPUTS = 4  # with panels beside the loss
MOST_OVERLAPS = 4  # with panels of their own
BIN = 0.01  # s, a step of a reach
OF_OUTPUT = "validate_metrics_"  # begins the columns of the accuracy of each output


def loss_label(ylabel: str | None, combos: Sequence[Combo]) -> str:
    """What the axis of the loss says: the user's text, or what the loss is with its unit."""
    names = list(dict.fromkeys(combo.loss for combo in combos if combo.loss))
    labels = list(dict.fromkeys(map(loss_name, names)))
    if ylabel:
        return ylabel
    if len(labels) > 1:
        return f"loss ({' and '.join(names)}: not the same quantity)".replace("$", r"\$")
    return labels[0] if labels else "loss"


def loss_name(name: str) -> str:
    """What a loss is with its unit, by the name of the loss, or of the task that is the loss."""
    if name.casefold() in TASKS:
        return TASKS[name.casefold()].label
    return LOSSES.get(name.casefold(), f"loss ({name})".replace("$", r"\$"))


def curve_figures(study: Study, ylabel: str | None, label: str = "") -> Figures:
    """Loss, accuracy and largest exponent over epochs, as far as there are, a figure per combo; label: of the loss."""
    for group in study.groups:
        validated = any("validate_loss" in combo.loaded.history for combo in group.combos)
        series = combo_series(study, group, dashed=not validated)
        history = group_history(group, series)
        if not history.empty:
            said = ylabel or label or loss_label(ylabel, group.combos) + window_text(group.combos)
            panels = [Panel("validate_loss", said, training="train_loss") if validated else Panel("train_loss", said),
                      Panel("validate_metrics", f"accuracy (%){_error_text(history)}", training="train_metrics",
                            chance=_chance(group.combos), linear=True),
                      Panel("validate_angle_error", "error of the angle\n(degrees)", training="train_angle_error"),
                      Panel("validate_end_error", "distance to the goal in\nthe end (cm)", training="train_end_error"),
                      Panel("validate_co_bps", "held-out neurons\n(bits per spike)", zero=True),
                      Panel("lambda_max", LAMBDA, zero=True)]  # fmt: skip
            outputs = _of_outputs(history, group.combos)
            panels[2:2] = outputs if len(outputs) <= MOST_OUTPUTS else []
            panels = [panel for panel in panels if panel.column in history]
            looks, title = list(series.values()), combo_texts.title_with_task(group.combos, group.title)
            title = ", ".join(filter(None, [title, trials_text(group.combos), _best_text(group.combos)]))
            yield figure_stem("loss", group), plotting.curves(history, panels, looks, title)


def window_text(combos: Sequence[Combo]) -> str:
    """Over how long the exponents of a training loss are averaged, as another line of a label; empty for tasks."""
    windows = {str(combo.get("tsim")) for combo in combos if combo.get(TASK) in (ABSENT, "none")}
    named = windows.pop() if len(windows) == 1 and not any(combo.task for combo in combos) else str(ABSENT)
    return "" if named in (str(ABSENT), "auto") else f"\nwindow of {float(named):g} τ"


def trials_text(combos: Sequence[Combo]) -> str:
    """How many trials are trained and validated on, where all combos have as many."""
    counts = {str(combo.task.get("trials", "")) for combo in combos}
    counts = counts.pop() if len(counts) == 1 else ""
    return f"trials: {counts}" if counts else ""


def _best_text(combos: Sequence[Combo]) -> str:
    """After which epochs the lowest losses of the runs were, in words."""
    tables = [combo.loaded.table.query("combo == @combo.number") for combo in combos]
    found = [table["epoch_best"].dropna() for table in tables if "epoch_best" in table]
    epochs = pd.concat(found).astype(int) if found else pd.Series(dtype=int)
    if epochs.empty:
        return ""
    low, high = epochs.min(), epochs.max()
    return f"best at epoch {low}" if low == high else f"best at epochs {low} to {high}"


def _error_text(history: pd.DataFrame) -> str:
    """The largest standard error of the accuracy of the last networks, as another line of a label."""
    if "stderr_validate_metrics" not in history:
        return ""
    last = history.sort_values("epoch").groupby(["series", "run"])["stderr_validate_metrics"].last()
    return f"\ns.e. over trials {last.max():.2g}" if last.notna().any() else ""


def output_figures(study: Study, ylabel: str | None) -> Figures:
    """Of tasks that judge more outputs, or kinds of trials, than fit beside the loss: the accuracy of each over epochs,
    and in the end."""
    for group in study.groups:
        series = combo_series(study, group)
        history = group_history(group, series)
        panels = [replace(panel, spans=PERCENT) for panel in _of_outputs(history, group.combos)]
        if len(panels) > MOST_OUTPUTS:
            looks, title = list(series.values()), combo_texts.title_with_task(group.combos, group.title)
            yield figure_stem("accuracies", group), plotting.curves(history, panels, looks, title)
            last = history.sort_values("epoch").groupby(["series", "run"]).tail(1)
            names = {panel.column: panel.column.removeprefix(OF_OUTPUT) for panel in panels}
            each = last.melt(["series", "run", "status"], list(names), "group", "value").replace({"group": names})
            panel, groups = Panel("value", "accuracy in the last epoch (%)", linear=True), list(names.values())
            yield figure_stem("accuracies_last", group), plotting.dot_plot(each, panel, looks, groups, title=title)


def group_history(group: ComboGroup, series: Mapping[Any, Series]) -> pd.DataFrame:
    """The epochs of all runs of a figure: those of history.csv, with series, run and status."""
    parts = []
    for combo in group.combos:
        history = combo.loaded.history
        if history.empty or not {"epoch", "train_loss"} <= set(history.columns):
            continue
        rows = history[history["combo"] == combo.number]
        status = combo.loaded.table.query("combo == @combo.number").set_index("iteration")["status"]
        parts.append(rows.assign(series=series[combo.label, combo.number].text, run=rows["iteration"],
                                 status=rows["iteration"].map(status)))  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _of_outputs(history: pd.DataFrame, combos: Sequence[Combo]) -> list[Panel]:
    """The accuracy of each output, or kind of trials, where a task judges several; that of a single one is the
    task's."""
    names = [name.removeprefix(OF_OUTPUT) for name in history if name.startswith(OF_OUTPUT)]
    return [Panel(f"{OF_OUTPUT}{name}", f"accuracy of\n{name} (%)", training=f"train_metrics_{name}",
                  chance=_chance(combos, f"chance_metrics_{name}"), linear=True)
            for name in names if len(names) > 1]  # fmt: skip


def array_figures(study: Study, ylabel: str | None) -> Figures:
    """Spectra, and distributions of what was trained, before and after, two figures per combo."""
    for group in study.groups:
        arrays = {(combo.label, combo.number): list(arrays_with_attractors(combo)) for combo in group.combos}
        series = combo_series(study, group)
        yield from _spectra(group, arrays, series, unbounded_text(group.combos))
        yield from _distributions(group, arrays, series)


def _unbounded(combo: Combo, when: str) -> set[int]:
    """The iterations whose network grows without bound before (initial) or after (final) training."""
    rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
    verdicts = rows.get(f"verdict_{when}")
    return set() if verdicts is None else set(rows.loc[verdicts == results.UNBOUNDED, "iteration"])


def arrays_with_attractors(combo: Combo) -> Iterator[dict[str, np.ndarray]]:
    """The arrays of the runs, without a spectrum of a network that grows without bound: it holds growth rates."""
    lost = {f"spectrum_{when}": _unbounded(combo, when) for when in ("initial", "final")}
    for iteration, arrays in arrays_by_iteration(combo):
        yield {name: array for name, array in arrays.items() if iteration not in lost.get(name, ())}


def unbounded_text(combos: Sequence[Combo]) -> str:
    """How many networks of these combos are left out before and after training; empty where none is."""
    counts = {said: sum(len(_unbounded(combo, when)) for combo in combos)
              for when, said in (("initial", "before"), ("final", "after"))}  # fmt: skip
    said = " and ".join(f"{count} {when} training" for when, count in counts.items() if count)
    return f"unbounded, left out: {said}" if said else ""


def _spectra(group: ComboGroup, arrays: Mapping[Any, list], series: Mapping[Any, Series], lost: str) -> Figures:
    before, after, targets = {}, {}, {}
    for key, one in series.items():
        for when, found in (("initial", before), ("final", after)):
            runs = trained_spectra(arrays[key], when)
            if runs:
                found[one.text] = runs
        target = spectrum_target(arrays[key])
        if target.size:
            targets[one.text] = target
    if before or after:
        title = ", ".join(filter(None, [combo_texts.title_with_task(group.combos, group.title), lost]))
        panels = {"before training": before, "after training": after}
        yield figure_stem("spectra", group), plotting.spectra(panels, targets, list(series.values()), title)


def trained_spectra(arrays: Sequence[Mapping[str, np.ndarray]], when: str) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """The exponents (k,), their standard errors (k,) and N of each run, before (initial) or after (final) training."""
    name = f"spectrum_{when}"
    runs = [run for run in arrays if name in run and run[name].ndim == 1 and run[name].size]
    return [(run[name], run.get(f"{name}_stderr", np.full(run[name].shape, np.nan)),
             run.get("state_initial", run[name]).size) for run in runs]  # fmt: skip


def spectrum_target(arrays: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """What the leading exponents of these runs are trained to, (nle,); empty where there is no target."""
    return next((np.ravel(run["target"]) for run in arrays if "target" in run and run["target"].size), np.empty(0))


def _distributions(group: ComboGroup, arrays: Mapping[Any, list], series: Mapping[Any, Series]) -> Figures:
    found = {}
    for name in ("gains", "shifts", "weights"):
        names = (f"{name}_initial", f"{name}_final")
        runs = {one.text: [run for run in arrays[key] if all(part in run for part in names)]
                for key, one in series.items()}  # fmt: skip
        pairs = {text: tuple(np.concatenate([np.ravel(run[part]) for run in some]) for part in names)
                 for text, some in runs.items() if some}  # fmt: skip
        # What was not trained has not changed, and there is nothing to compare.
        if any(not np.array_equal(*pair, equal_nan=True) for pair in pairs.values()):
            found[name] = pairs
    if found:
        title = combo_texts.title_with_task(group.combos, group.title)
        yield figure_stem("parameters", group), plotting.distributions(found, list(series.values()), title)


def overlap_figures(study: Study, ylabel: str | None) -> Figures:
    """Of networks of low rank, the overlaps of each of the first ones along validation trials."""
    for stem, title, _, arrays in example_networks(study, "overlaps", "overlaps_times"):
        yield stem, plotting.overlaps(_overlaps(arrays), title)


def _overlaps(arrays: dict[str, np.ndarray]) -> Overlaps:
    before, after = arrays["overlaps_initial"], arrays["overlaps_final"]
    reach = np.nan_to_num(np.ptp(after, axis=(0, 1)))
    most = np.sort(np.argsort(-reach, kind="stable")[:MOST_OVERLAPS])
    return Overlaps(before[..., most], after[..., most], 1 + most, len(reach), arrays["overlaps_conditions"],
                    arrays["overlaps_times"], trial_events(arrays))  # fmt: skip


def reach_figures(study: Study, ylabel: str | None) -> Figures:
    """Of tasks of movement, the reaches of each of the first networks before and after training."""
    for stem, title, _, arrays in example_networks(study, "reaches", "reaches_final"):
        drawn = Reaching(arrays["reaches_initial"], arrays["reaches_final"], arrays["reach_goals_final"], BIN)
        if len(drawn.trials_with_go):
            yield stem, plotting.reaches(drawn, title)


def accuracy_dots(study: Study, ylabel: str | None) -> Figures:
    """The best validation accuracy, and those on test trials where there are any, by label and gridded option."""
    best = "best validation accuracy (%),\nchosen on the same trials"
    yield from final_value_dots(study, ylabel, "validate_metrics_best", best, own_chance="chance_metrics", linear=True)
    for when, said in (("best", "lowest validation loss"), ("final", "last epoch")):
        label = f"test accuracy (%) of the\n{said}"
        if f"test_metrics_{when}" in study.runs:
            chance = "test_chance_metrics"
            yield from final_value_dots(study, ylabel, f"test_metrics_{when}", label, own_chance=chance, linear=True)


def _chance(combos: Sequence[Combo], column: str = "chance_metrics") -> tuple[float, float] | None:
    """The least and the largest measured accuracy in percent of the best constant answer, of all runs; None where it
    was not measured of all combos."""
    tables = [combo.loaded.table.query("combo == @combo.number") for combo in combos]
    levels = [table[column].astype(float).dropna() if column in table else pd.Series(dtype=float) for table in tables]
    if not levels or any(level.empty for level in levels):
        return None
    every = pd.concat(levels)
    return float(every.min()), float(every.max())


def final_value_dots(study: Study, ylabel: str | None, column: str, label: str | None = None, **look: Any) -> Figures:
    """A quantity of the whole run, by label and by every gridded option; `label` None is the loss's."""
    panel = Panel(column, label or loss_label(ylabel, study.combos) + window_text(study.combos), **look)
    said = "after training" if column.endswith("_final") else ""
    lost = sum(len(_unbounded(combo, "final")) for combo in study.combos) if column == "lambda_max_final" else 0
    said += f", {lost} unbounded, left out" * (lost > 0)
    yield from dot_plots_by_option(study, study.groups, column, [panel], said)


def measured_loss_dots(study: Study, ylabel: str | None) -> Figures:
    """The loss measured after training, over a record that begins after the window trained on."""
    if "loss_measured_final" in study.runs:
        label = loss_label(ylabel, study.combos) + "\nmeasured after the window"
        yield from final_value_dots(study, ylabel, "loss_measured_final", label)


def radius_dots(study: Study, ylabel: str | None) -> Figures:
    """Spectral radius before and after training, by label and by every gridded option."""
    panels = [Panel(f"spectral_radius_{when}", f"spectral radius\n{said} training")
              for when, said in (("initial", "before"), ("final", "after"))]  # fmt: skip
    yield from dot_plots_by_option(study, study.groups, "spectral_radius", panels)


def loss_minimum_boxes(study: Study, ylabel: str | None) -> Figures:
    """Lowest loss, its epoch and that of 99 % of it: per combo, and pooled over the combos that all folders have."""
    which = "validation" if any("validate_loss" in combo.loaded.history for combo in study.combos) else "training"
    panels = [Panel("loss_minimum", ylabel or f"minimum {which}\n" + loss_label(None, study.combos)),
              Panel("epoch_minimum", f"epoch of the minimum\n{which} loss", whole=True),
              Panel("epoch_99", "first epoch within 1 % of the\nrange above the minimum", whole=True)]  # fmt: skip
    labels = {combo.label for combo in study.combos}
    common = [group for group in study.groups if {combo.label for combo in group.combos} == labels]
    for group in study.groups if len(study.groups) > 1 else []:
        series = combo_series(study, group)
        runs = ended(study, series)
        shown = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
        if shown:
            title, looks = combo_texts.title_with_task(group.combos, group.title), list(series.values())
            runs, texts = runs.assign(group=runs["series"]), [one.text for one in looks]
            yield figure_stem("minimum", group), plotting.dot_plot(runs, shown, looks, texts, title=title, boxes=True)
    lacking = len(study.groups) - len(common)
    said = f"without {lacking} of {len(study.groups)} combos, which not all folders have" if lacking else ""
    yield from dot_plots_by_option(study, common, "minimum", panels, said, boxes=True)
