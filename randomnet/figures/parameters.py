"""Trained gains and shifts by the names of their groups: tables, and which parameters have few groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from randomnet.comparison.combo_texts import unshared_text
from randomnet.comparison.study import Study
from randomnet.figures.runs import arrays_by_iteration

MOST_NAMED = 12  # groups with names in figures, at most
OF_GROUPS = ("gains", "shifts")  # parameters with a value per group


def few_groups(arrays: Mapping[Any, Sequence[Mapping[str, np.ndarray]]], parameter: str) -> list[str]:
    """The groups of gains or shifts, if all runs have the same few; else, and for other parameters, none."""
    runs = [run for members in arrays.values() for run in members if f"{parameter}_final" in run]
    names = {tuple(map(str, run["groups"].tolist())) if _has_names(run, parameter) else () for run in runs}
    (groups,) = names if len(names) == 1 else [()]
    return list(groups) if len(groups) <= MOST_NAMED else []


def _has_names(run: Mapping[str, np.ndarray], parameter: str) -> bool:
    """Whether a run's values of this parameter belong to its groups."""
    return parameter in OF_GROUPS and "groups" in run and run["groups"].shape == run[f"{parameter}_final"].shape


def group_values(study: Study, parameter: str) -> pd.DataFrame:
    """Gains or shifts before and after training: a row per run and group; empty unless training changes some.

    Columns: label, combo, own (where combos differ in further options), the shared options, iteration, group, initial,
    final and change.
    """
    parts = []
    for group in study.groups:
        for combo in group.combos:
            head: dict[str, Any] = {"label": combo.label, "combo": group.key, "own": unshared_text(combo, study.shared)}
            head |= {name: combo.values.get(name) for name in study.shared if name not in head}
            for iteration, arrays in arrays_by_iteration(combo):
                if f"{parameter}_initial" in arrays and _has_names(arrays, parameter):
                    before, after = (arrays[f"{parameter}_{when}"].astype(float) for when in ("initial", "final"))
                    values = {"initial": before, "final": after, "change": after - before}
                    rows = pd.DataFrame({"group": arrays["groups"], **values})
                    parts.append(rows.assign(iteration=iteration, **head))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"change": []})
    if not table["change"].any():
        return pd.DataFrame()
    columns = [*head, "iteration", "group", "initial", "final", "change"]
    return table[[name for name in columns if name != "own" or table["own"].any()]]
