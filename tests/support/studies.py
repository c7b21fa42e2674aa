"""Studies in memory, made up for tests of sentences and comparisons."""

import itertools
from types import SimpleNamespace

import pandas as pd

from randomnet.comparison.study import Combo, ComboGroup, Study


def study_of(grid, values, metric="lambda_max", labels=("larva",), settings=None, fixed=False, statuses=None, own=None):
    """A study of a grid {option: values}. values(label, combo's values) -> the metric of each iteration."""
    groups, rows = [], []
    for number, each in enumerate(itertools.product(*grid.values())):
        combo_values = dict(zip(grid, each, strict=True))
        key = ", ".join(f"{name}={value}" for name, value in combo_values.items()) or "all runs"
        combos = []
        for place, label in enumerate(labels):
            loaded = SimpleNamespace(manifest={"seed": 1, "combos": [{"combo": number, "connectome": {"name": "MB"}}]},
                                     varied=tuple(grid))  # fmt: skip
            all_settings = {**(settings or {}).get(label, {}), **(settings or {}).get(number, {})}
            combos.append(Combo(label, place, number, combo_values, all_settings, "MB", loaded))
            for iteration, value in enumerate(values(label, combo_values)):
                is_network = fixed and combo_values.get("null", "none") == "none"
                rows.append({"label": label, "combo": key, "own": "", "number": number, "iteration": iteration,
                             "status": (statuses or {}).get((number, iteration), "complete"), **combo_values,
                             metric: value, "network": "one" if is_network else f"{number} {iteration}"})  # fmt: skip
        groups.append(ComboGroup(key, key, combos))
    return Study(groups, tuple(grid), tuple(grid), pd.DataFrame(rows), tuple(labels))
