"""Figures of kind = compare: scores of all models, and the first model of each label with the truth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from randomnet import metrics, plotting
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.option_words import option_words
from randomnet.figures.overviews import OVERVIEW
from randomnet.figures.runs import Figures
from randomnet.plotting import InferredDynamics, Score, Series, Trajectories3D
from randomnet.plotting.style import DASHED, DOTTED
from randomnet.renamed_options import current_axis

DASHES = {  # role of a reference value -> its dash
    "ceiling": DASHED,
    "floor": DOTTED,
    "chance": "-",
    "truth": (0, (4, 1, 1, 1)),
}
BETTER = {True: "higher", False: "lower", None: ""}


def _panel(score: metrics.Score) -> Score:
    panel = Score(score.column, score.label, most=score.highest, least=score.lowest, pairs=score.pairs,
                  better=BETTER[score.higher_is_better])  # fmt: skip
    if score.reference is None:
        return panel
    column, role, label = score.reference.column, score.reference.role, score.reference.label
    return replace(panel, limit=column, best=label, dash=DASHES[role], is_floor=role == "floor",
                   is_chance=role == "chance")  # fmt: skip


SCORES = tuple(_panel(score) for score in metrics.scores() if score.label)
HEADLINE_SCORES = tuple(score.column for score in metrics.scores() if score.headline)
LATENTS = "hidden_size"  # short name of the option against which scores have a figure of their own
BY_LATENTS = "_by_latent"  # end of a stem
MOST_MODELS = 4  # models in one figure with the truth
Arrays = Mapping[str, np.ndarray]


def score_figures(study: Study, ylabel: str | None) -> Figures:
    """A panel per score, a dot per model; and against the number of latents if that is an axis."""
    for stem, title, _, arrays in example_networks(study, "scores", "score_names"):
        table, series, groups = _table(arrays)
        panels = [panel for panel in SCORES if panel.column in table and np.isfinite(table[panel.column]).any()]
        if not panels:
            continue
        axes, _ = _axes(arrays)
        yield stem, plotting.scores(table, panels, series, mean_interval, groups, ", ".join(map(option_words, axes)),
                                     _title(title))  # fmt: skip
        if any(axis.split(".")[-1] == LATENTS for axis in axes) and table["size"].nunique() > 1:
            sized = table.assign(x=table["size"])
            yield f"{stem}{BY_LATENTS}", plotting.scores(sized[sized["x"].notna()], panels, series, mean_interval, (),
                                                       "number of latents", _title(title), numeric=True)  # fmt: skip


def first_scores(study: Study, ylabel: str | None) -> Figures:
    """The overview: the scores of all models of each comparison."""
    figures = (figure for stem, figure in score_figures(study, ylabel) if not stem.endswith(BY_LATENTS))
    for number, figure in enumerate(figures):
        yield f"{OVERVIEW}_{number + 1}" if number else OVERVIEW, figure


def _axes(arrays: Arrays) -> tuple[list[str], np.ndarray]:
    """The axes (A,) of the compared folders' grids by the present names of options, and the models' values (M, A).

    An axis on which all models have one value is left out beside others.
    """
    axes, values = arrays["axes"].tolist(), arrays["axis_values"]
    differing = [column for column in range(len(axes)) if len(set(values[:, column].tolist())) > 1]
    kept = differing or range(len(axes))
    return [current_axis(axes[column]) for column in kept], values[:, list(kept)]


def _title(title: str) -> str:
    """The title with `comparison` in place of `iteration`."""
    return title.replace("iteration\u00a0", "comparison\u00a0")


def _table(arrays: Arrays) -> tuple[pd.DataFrame, list[Series], list[str]]:
    """One row per model with its series and place; the series; and the text of each place."""
    table = pd.DataFrame(arrays["scores"], columns=arrays["score_names"].tolist())
    labels, combos, (_, values) = arrays["labels"].tolist(), arrays["combos"].tolist(), _axes(arrays)
    places = {key: place for place, key in enumerate(dict.fromkeys(zip(labels, combos, strict=True)))}
    groups = [""] * len(places)
    for row, key in enumerate(zip(labels, combos, strict=True)):
        groups[places[key]] = ", ".join(filter(None, values[row].tolist()))
    x = [places[key] for key in zip(labels, combos, strict=True)]
    table = table.assign(series=labels, x=x, size=arrays["sizes"])
    return table, [Series(label, number) for number, label in enumerate(dict.fromkeys(labels))], groups


def inferred_dynamics_figures(study: Study, ylabel: str | None) -> Figures:
    """The first model of each label and combo with the truth, named by iteration if there are several."""
    for stem, title, _, arrays in example_networks(study, "dynamics", "score_names"):
        models = [_inferred_dynamics(arrays, *chosen) for chosen in _first_models(arrays)]
        for suffix, some in _in_parts(models):
            yield f"{stem}{suffix}", plotting.inferred_dynamics(some, _title(title))


def trajectory_figures(study: Study, ylabel: str | None) -> Figures:
    """The same models and the truth in three dimensions."""
    for stem, title, _, arrays in example_networks(study, "trajectories_3d", "score_names"):
        models = [_trajectories(arrays, *chosen) for chosen in _first_models(arrays)]
        for suffix, some in _in_parts(models):
            yield f"{stem}{suffix}", plotting.trajectories_3d(some, _title(title))


def dsa_search_figures(study: Study, ylabel: str | None) -> Figures:
    """Held-out errors of the delays and ranks among which those of DSA were chosen, of the first model with them."""
    for stem, title, _, arrays in example_networks(study, "dsa_search", "score_names"):
        table = pd.DataFrame(arrays["scores"], columns=arrays["score_names"].tolist())
        with_search = [k for k in range(len(table)) if f"m{k}_dsa_search_errors" in arrays]
        if with_search:
            k = with_search[0]
            delays, errors = (arrays[f"m{k}_dsa_search_{name}"] for name in ("delays", "errors"))
            chosen = int(table["dsa_delays_used"][k]), int(table["dsa_rank_used"][k])
            yield stem, plotting.dsa_search(delays, errors, chosen, _title(title))


def _in_parts(models: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The end of a figure's name and its models, MOST_MODELS at a time."""
    for start in range(0, len(models), MOST_MODELS):
        suffix = f"_{start // MOST_MODELS + 1}" if len(models) > MOST_MODELS else ""
        yield suffix, models[start : start + MOST_MODELS]


def _first_models(arrays: Arrays) -> list[tuple[int, bool, bool]]:
    """The first model with states of each label and combo: its number, and the further arguments of `_name`."""
    keys = list(zip(arrays["labels"].tolist(), arrays["combos"].tolist(), strict=True))
    models = []
    for key in dict.fromkeys(keys):
        has_combos = sum(label == key[0] for label, _ in dict.fromkeys(keys)) > 1
        with_arrays = [k for k, other in enumerate(keys) if other == key and f"m{k}_states_true" in arrays]
        models += [(with_arrays[0], has_combos, keys.count(key) > 1)] if with_arrays else []
    return models


def _name(arrays: Arrays, k: int, several: bool, repeated: bool) -> str:
    """The name of model k: its label.

    several: whether its label has several combos, so that the name has the values of its axes. repeated: whether the
    combo has several iterations, so that the name has the iteration.
    """
    axes, axis_values = _axes(arrays)
    pairs = zip(axes, axis_values[k].tolist(), strict=True)
    values = [f"{axis.split('.')[-1]} {value}" for axis, value in pairs if value]
    iteration = [f"iteration\u00a0{arrays['iterations'][k]}"] if repeated else []
    return ", ".join([str(arrays["labels"][k]), *(values if several else []), *iteration])


def _arrays_of(arrays: Arrays, k: int) -> dict[str, np.ndarray]:
    """The arrays of model k, without its number."""
    return {name.removeprefix(f"m{k}_"): array for name, array in arrays.items() if name.startswith(f"m{k}_")}


def _trajectories(arrays: Arrays, k: int, several: bool, repeated: bool = False) -> Trajectories3D:
    """Model k in three dimensions; see `_name`."""
    own = _arrays_of(arrays, k)
    states = own["states_true"], own["states_inferred"]
    name = _name(arrays, k, several, repeated)
    return Trajectories3D(name, states, own["explained"], _both(own, "points"), _both(own, "unstable"))


def _inferred_dynamics(arrays: Arrays, k: int, several: bool, repeated: bool = False) -> InferredDynamics:
    """Model k; see `_name`."""
    model_arrays = _arrays_of(arrays, k)
    quantity = next((quantity for quantity in ("eigenvalues", "operator") if f"{quantity}_true" in model_arrays), None)
    title = {"eigenvalues": "Jacobians at\nmatched fixed points", "operator": "DSA operators", None: ""}[quantity]
    return InferredDynamics(
        _name(arrays, k, several, repeated),
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
