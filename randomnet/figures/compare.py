"""Figures of kind = compare: scores of all models, and the first model of each label with the truth."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from randomnet import metrics, plotting
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures
from randomnet.plotting import InferredDynamics, Score, Series
from randomnet.plotting.style import DASHED, DOTTED
from randomnet.renamed_options import current_axis

DASHES = {"ceiling": DASHED, "floor": DOTTED, "truth": (0, (4, 1, 1, 1))}  # role of a reference value -> its dash


def _panel(score: metrics.Score) -> Score:
    panel = Score(score.column, score.label, most=score.highest, least=score.lowest, pairs=score.pairs)
    if score.reference is None:
        return panel
    column, role, label = score.reference.column, score.reference.role, score.reference.label
    return replace(panel, limit=column, best=label, dash=DASHES[role], is_floor=role == "floor")


SCORES = tuple(_panel(score) for score in metrics.scores() if score.label)
HEADLINE_SCORES = tuple(score.column for score in metrics.scores() if score.headline)
LATENTS = "hidden_size"  # short name of the option against which scores have a figure of their own
MOST_MODELS = 4  # models in one figure with the truth
Arrays = Mapping[str, np.ndarray]


def score_figures(study: Study, ylabel: str | None) -> Figures:
    """A panel per score, a dot per model; and against the number of latents if that is an axis."""
    for stem, title, _, arrays in example_networks(study, "scores", "score_names"):
        table, series, groups = _table(arrays)
        panels = [panel for panel in SCORES if panel.column in table and np.isfinite(table[panel.column]).any()]
        if not panels:
            continue
        axes = _axes(arrays)
        yield stem, plotting.scores(table, panels, series, mean_interval, groups, ", ".join(axes), _title(title))
        if any(axis.split(".")[-1] == LATENTS for axis in axes) and table["size"].nunique() > 1:
            sized = table.assign(x=table["size"])
            yield f"{stem}_by_latent", plotting.scores(sized[sized["x"].notna()], panels, series, mean_interval, (),
                                                       "number of latents", _title(title), numeric=True)  # fmt: skip


def _axes(arrays: Arrays) -> list[str]:
    """The axes of the grids of the compared folders, by the present names of options."""
    return [current_axis(axis) for axis in arrays["axes"].tolist()]


def _title(title: str) -> str:
    """The title with `comparison` in place of `iteration`."""
    return title.replace("iteration\u00a0", "comparison\u00a0")


def _table(arrays: Arrays) -> tuple[pd.DataFrame, list[Series], list[str]]:
    """One row per model with its series and place; the series; and the text of each place."""
    table = pd.DataFrame(arrays["scores"], columns=arrays["score_names"].tolist())
    labels, combos = arrays["labels"].tolist(), arrays["combos"].tolist()
    places = {key: place for place, key in enumerate(dict.fromkeys(zip(labels, combos, strict=True)))}
    groups = [""] * len(places)
    for row, key in enumerate(zip(labels, combos, strict=True)):
        groups[places[key]] = ", ".join(filter(None, arrays["axis_values"][row].tolist()))
    x = [places[key] for key in zip(labels, combos, strict=True)]
    table = table.assign(series=labels, x=x, size=arrays["sizes"])
    return table, [Series(label, number) for number, label in enumerate(dict.fromkeys(labels))], groups


def inferred_dynamics_figures(study: Study, ylabel: str | None) -> Figures:
    """The first model of each label and combo with the truth, named by iteration if there are several."""
    for stem, title, _, arrays in example_networks(study, "dynamics", "score_names"):
        models = []
        keys = list(zip(arrays["labels"].tolist(), arrays["combos"].tolist(), strict=True))
        for key in dict.fromkeys(keys):
            has_combos = sum(label == key[0] for label, _ in dict.fromkeys(keys)) > 1
            with_arrays = [k for k, other in enumerate(keys) if other == key and f"m{k}_states_true" in arrays]
            is_only = keys.count(key) == 1
            models += [_inferred_dynamics(arrays, with_arrays[0], has_combos, not is_only)] if with_arrays else []
        for start in range(0, len(models), MOST_MODELS):
            suffix = f"_{start // MOST_MODELS + 1}" if len(models) > MOST_MODELS else ""
            yield f"{stem}{suffix}", plotting.inferred_dynamics(models[start : start + MOST_MODELS], _title(title))


def _inferred_dynamics(arrays: Arrays, k: int, several: bool, repeated: bool = False) -> InferredDynamics:
    """Model k, named by its label.

    several: whether its label has several combos, so that the name has the values of its axes. repeated: whether the
    combo has several iterations, so that the name has the iteration.
    """
    model_arrays = {name.removeprefix(f"m{k}_"): array for name, array in arrays.items() if name.startswith(f"m{k}_")}
    pairs = zip(_axes(arrays), arrays["axis_values"][k].tolist(), strict=True)
    values = [f"{axis.split('.')[-1]} {value}" for axis, value in pairs if value]
    iteration = [f"iteration\u00a0{arrays['iterations'][k]}"] if repeated else []
    quantity = next((quantity for quantity in ("eigenvalues", "operator") if f"{quantity}_true" in model_arrays), None)
    title = {"eigenvalues": "Jacobians at\nmatched fixed points", "operator": "DSA operators", None: ""}[quantity]
    return InferredDynamics(
        ", ".join([str(arrays["labels"][k]), *(values if several else []), *iteration]),
        model_arrays["states_true"][..., :2],
        model_arrays["states_inferred"][..., :2],
        model_arrays["explained"][:2],
        _both(model_arrays, "points", 2),
        _both(model_arrays, "unstable"),
        (model_arrays["flow_grid"], model_arrays["flow_true"], model_arrays["flow_inferred"])
        if "flow_grid" in model_arrays
        else None,
        _both(model_arrays, quantity),
        title,
        _both(model_arrays, "rates"),
    )


def _both(own: Arrays, name: str | None, columns: int | None = None) -> tuple[np.ndarray, np.ndarray] | None:
    """The array of the truth and that of the model, or None."""
    if f"{name}_true" not in own:
        return None
    true, inferred = own[f"{name}_true"], own[f"{name}_inferred"]
    return (true, inferred) if columns is None else (true[..., :columns], inferred[..., :columns])
