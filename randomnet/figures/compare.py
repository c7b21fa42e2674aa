"""Figures of kind = compare: scores of all models, and the first of each label beside the truth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from randomnet import metrics, plotting
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures
from randomnet.plotting import InferredDynamics, Score, Series
from randomnet.plotting.style import DASHED, DOTTED

DASHES = {"ceiling": DASHED, "floor": DOTTED, "truth": (0, (4, 1, 1, 1))}  # role of a reference -> its line


def _panel(score: metrics.Score) -> Score:
    reference = score.reference
    shared = {"most": score.highest, "least": score.lowest, "pairs": score.pairs}
    if reference is None:
        return Score(score.column, score.label, **shared)
    line, is_floor = DASHES[reference.role], reference.role == "floor"
    return Score(score.column, score.label, reference.column, reference.label, line, is_floor=is_floor, **shared)


SCORES = tuple(_panel(score) for score in metrics.scores() if score.label)
SIZE = "latent"  # an axis that figures of its own are against
MOST_MODELS = 4  # beside the truth in one figure
Arrays = Mapping[str, np.ndarray]


def score_figures(study: Study, ylabel: str | None) -> Figures:
    """A panel per score, a dot per model; and against the latents' number where that is an axis."""
    for stem, title, _, arrays in example_networks(study, "scores", "score_names"):
        table, series, groups = _table(arrays)
        panels = [panel for panel in SCORES if panel.column in table and np.isfinite(table[panel.column]).any()]
        if not panels:
            continue
        axes = arrays["axes"].tolist()
        yield stem, plotting.scores(table, panels, series, mean_interval, groups, ", ".join(axes), _said(title))
        if any(axis.split(".")[-1] == SIZE for axis in axes) and table["size"].nunique() > 1:
            sized = table.assign(x=table["size"])
            yield f"{stem}_by_{SIZE}", plotting.scores(sized[sized["x"].notna()], panels, series, mean_interval, (),
                                                       "number of latents", _said(title), numeric=True)  # fmt: skip


def _said(title: str) -> str:
    """The title without what a network would be called."""
    return title.replace("iteration\u00a0", "comparison\u00a0")


def _table(arrays: Arrays) -> tuple[pd.DataFrame, list[Series], list[str]]:
    """One row per model with its series and its place, the series, and what is written at each place."""
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
    """The first model of each label and combo beside the truth, named by its iteration where there are several."""
    for stem, title, _, arrays in example_networks(study, "dynamics", "score_names"):
        models = []
        keys = list(zip(arrays["labels"].tolist(), arrays["combos"].tolist(), strict=True))
        for key in dict.fromkeys(keys):
            several = sum(label == key[0] for label, _ in dict.fromkeys(keys)) > 1
            own = [k for k, other in enumerate(keys) if other == key and f"m{k}_states_true" in arrays]
            alone = keys.count(key) == 1
            models += [_inferred_dynamics(arrays, own[0], several, not alone)] if own else []
        for number in range(0, len(models), MOST_MODELS):
            part = f"_{number // MOST_MODELS + 1}" if len(models) > MOST_MODELS else ""
            yield f"{stem}{part}", plotting.inferred_dynamics(models[number : number + MOST_MODELS], _said(title))


def _inferred_dynamics(arrays: Arrays, k: int, several: bool, repeated: bool = False) -> InferredDynamics:
    """Model k; with the values of its axes where its label has several combos, and its iteration where these are
    repeated."""
    own = {name.removeprefix(f"m{k}_"): array for name, array in arrays.items() if name.startswith(f"m{k}_")}
    pairs = zip(arrays["axes"].tolist(), arrays["axis_values"][k].tolist(), strict=True)
    values = [f"{axis.split('.')[-1]} {value}" for axis, value in pairs if value]
    iteration = [f"iteration\u00a0{arrays['iterations'][k]}"] if repeated else []
    kind = next((kind for kind in ("eigenvalues", "operator") if f"{kind}_true" in own), None)
    of = {"eigenvalues": "Jacobians at\nmatched fixed points", "operator": "operators of DSA", None: ""}[kind]
    return InferredDynamics(
        ", ".join([str(arrays["labels"][k]), *(values if several else []), *iteration]),
        own["states_true"][..., :2],
        own["states_inferred"][..., :2],
        own["explained"][:2],
        _both(own, "points", 2),
        _both(own, "unstable"),
        (own["flow_grid"], own["flow_true"], own["flow_inferred"]) if "flow_grid" in own else None,
        _both(own, kind),
        of,
        _both(own, "rates"),
    )


def _both(own: Arrays, name: str | None, columns: int | None = None) -> tuple[np.ndarray, np.ndarray] | None:
    """The true array and the inferred one, or None."""
    if f"{name}_true" not in own:
        return None
    found = own[f"{name}_true"], own[f"{name}_inferred"]
    return found if columns is None else tuple(array[..., :columns] for array in found)
