"""Covariant Lyapunov vectors of kind = spectrum: vectors.csv, and which groups of neurons carry each exponent."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.combo_texts import unshared_text
from randomnet.comparison.group_shares import size_test
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.network_identity import source_of_variation
from randomnet.comparison.study import Combo, Study
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.runs import Figures, arrays_by_iteration, say
from randomnet.plotting import GroupWeights, Participation

MOST = 12  # combos with figures, at most
MOST_GROUPS = 24  # rows of a heat map, the largest groups
NEEDED = "covariant_weights"
MAPS = {"ratio": "who carries the exponent (covariant vectors)", "forward_ratio": "who excites it (forward vectors)"}
WEIGHTS = ("vector_group_weights", "vector_group_forward_weights")
KEYS, SIZES = ("vector_group_kinds", "vector_group_names"), "vector_group_sizes"
TESTED = {"size": (NEEDED, WEIGHTS[0], "size"), "forward_size": ("forward_weights", WEIGHTS[1], "forward_size")}
Arrays = dict[str, np.ndarray]


def vectors_table(study: Study) -> pd.DataFrame:
    """A row per combo, group of neurons and exponent; empty without vectors.

    Columns: label, combo, own (where combos differ in further options), the shared options, then those of `group_rows`.
    """
    return _table(study, group_rows)


def _table(study: Study, rows_of: Callable[[Sequence[Arrays]], Iterator[dict[str, Any]]]) -> pd.DataFrame:
    """The rows of every combo after its label, name and options, and before what its runs differ in."""
    parts = []
    for group in study.groups:
        for combo in group.combos:
            head: dict[str, Any] = {"label": combo.label, "combo": group.key, "own": unshared_text(combo, study.shared)}
            head |= {name: combo.values.get(name) for name in study.shared if name not in head}
            over = source_of_variation(runs_of(study, combo))
            rows = pd.DataFrame(list(rows_of(runs_with_vectors(combo))))
            parts.append(rows.assign(over=over).assign(**head)[[*head, *rows, "over"]] if len(rows) else rows)
    table = pd.concat([part for part in parts if len(part)], ignore_index=True) if any(map(len, parts)) else None
    if table is None:
        return pd.DataFrame()
    return table.drop(columns=[] if table["own"].any() else ["own"])


def runs_of(study: Study, combo: Combo) -> pd.DataFrame:
    """The rows of a combo in the table of runs."""
    return study.runs[(study.runs["label"] == combo.label) & (study.runs["number"] == combo.number)]


def runs_with_vectors(combo: Combo) -> list[Arrays]:
    """The arrays of the combo's runs that have covariant vectors."""
    return [arrays for _, arrays in arrays_by_iteration(combo) if NEEDED in arrays]


def group_rows(runs: Sequence[Arrays]) -> Iterator[dict[str, Any]]:
    """A row per group and exponent, over the runs that have this group.

    weight: mean share of the vector's squared norm. expected: the group's share of the neurons. ratio: mean over runs
    of weight / expected, with its 95 % interval where there are several runs. size_: the middle 95 % of the ratios of
    random sets of as many neurons, and the p of the ratio among them. forward_: the same of forward vectors.
    """
    tests = {name: _size_tests(runs, *keys) for name, keys in TESTED.items()}
    places_of = [places_of_groups(run) for run in runs]
    for kind, name in dict.fromkeys(pair for places in places_of for pair in places):
        pairs = zip(runs, places_of, strict=True)
        members = [(run, places[kind, name]) for run, places in pairs if (kind, name) in places]
        sizes = np.array([run[SIZES][place] for run, place in members], dtype=float)
        expected = sizes / np.array([run[NEEDED].shape[1] for run, _ in members])
        for index in range(min(len(run[NEEDED]) for run, _ in members)):
            weights, forward = (np.array([run[key][index, place] for run, place in members]) for key in WEIGHTS)
            yield {
                "kind_of_group": kind,
                "group": name,
                "index": index + 1,
                "exponent": float(np.mean([run["vector_exponents"][index] for run, _ in members])),
                "size": sizes.mean(),
                "weight": weights.mean(),
                "expected": expected.mean(),
                **_ratio_columns("ratio", weights / expected),
                **tests["size"].get((kind, name, index), {}),
                "forward_weight": forward.mean(),
                **_ratio_columns("forward_ratio", forward / expected),
                **tests["forward_size"].get((kind, name, index), {}),
                "n": len(members),
                "separated": sum(bool(run["vector_separated"][index]) for run, _ in members),
            }


def _size_tests(runs: Sequence[Arrays], neurons: str, groups: str, name: str) -> dict[tuple, dict[str, float]]:
    """(kind, group, index) -> columns of the test of the mean weights over runs against random sets of neurons.

    Empty unless the runs have the same groups and the weights of as many neurons.
    """
    same = all(neurons in run and run[neurons].shape[1] == runs[0][NEEDED].shape[1] and
               all(np.array_equal(run[key], runs[0][key]) for key in (*KEYS, SIZES)) for run in runs)  # fmt: skip
    if not (runs and same and len(runs[0][SIZES])):
        return {}
    k = min(len(run[NEEDED]) for run in runs)
    weights, shares = (np.mean([run[key][:k] for run in runs], 0) for key in (neurons, groups))
    columns: dict[tuple, dict[str, float]] = {}
    for index in range(k):
        test = size_test(weights[index], runs[0][SIZES], shares[index])
        for key, place in places_of_groups(runs[0]).items():
            ends = (test.low[place], test.high[place], test.p[place])
            columns[*key, index] = dict(zip((f"{name}_low", f"{name}_high", f"{name}_p"), ends, strict=True))
    return columns


def _ratio_columns(name: str, ratios: np.ndarray) -> dict[str, float]:
    """The mean of ratios over runs, and its interval, which does not go below 0; nan for a single run."""
    low, high = mean_interval(ratios) if len(ratios) > 1 else (np.nan, np.nan)
    return {name: ratios.mean(), f"{name}_low": np.maximum(low, 0.0), f"{name}_high": high}


def places_of_groups(run: Arrays) -> dict[tuple[str, str], int]:
    """(kind, name) of the groups of a run -> the group's number in its arrays."""
    names = zip(*(map(str, run[key].tolist()) for key in KEYS), strict=True)
    return {name: place for place, name in enumerate(names)}


def sensitivities_table(study: Study) -> pd.DataFrame:
    """A row per combo, parameter and exponent: how the exponent changes with it; empty without sensitivities.

    Columns: those of `vectors_table` up to the shared options, then those of `_sensitivity_rows`.
    """
    return _table(study, _sensitivity_rows)


def _sensitivity_rows(runs: Sequence[Arrays]) -> Iterator[dict[str, Any]]:
    """A row per parameter and exponent, over the runs that have this parameter.

    sensitivity: mean over runs, with its 95 % interval where there are several. stderr: root mean square over runs of
    the error from the scatter of windows.
    """
    parts: dict[tuple[str, ...], list[tuple[np.ndarray, np.ndarray]]] = {}
    for run in runs:
        for key, values, errors in _sensitivities_of(run):
            parts.setdefault(key, []).append((values, errors))
    for key, members in parts.items():
        for index in range(min(len(values) for values, _ in members)):
            values, errors = (np.array([each[part][index] for each in members]) for part in (0, 1))
            low, high = mean_interval(values) if len(values) > 1 else (np.nan, np.nan)
            yield {
                **dict(zip(("parameter", "kind_of_group", "post", "pre"), key, strict=True)),
                "index": index + 1,
                "sensitivity": values.mean(),
                "interval_low": low,
                "interval_high": high,
                "stderr": np.sqrt(np.square(errors).mean()),
                "n": len(members),
            }


def _sensitivities_of(run: Arrays) -> Iterator[tuple[tuple[str, ...], np.ndarray, np.ndarray]]:
    """(parameter, kind of group, post, pre), sensitivities (k,) and errors (k,) of the parameters of a run."""
    if "sensitivity_pairs" in run:
        ends = zip(*(map(str, run[f"pair_{part}"].tolist()) for part in ("kinds", "post", "pre")), strict=True)
        names = [("weights", *pair) for pair in ends]
        yield from zip(names, run["sensitivity_pairs"].T, run["sensitivity_pairs_stderr"].T, strict=True)
    for parameter in ("gains", "shifts"):
        if f"sensitivity_{parameter}" in run:
            names = [(parameter, "", str(name), "") for name in run["groups"].tolist()]
            values, errors = (run[f"sensitivity_{parameter}{end}"] for end in ("", "_stderr"))
            yield from zip(names, values.T, errors.T, strict=True)


def vector_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure per combo: weights of groups in both kinds of vector relative to their size, and participation."""
    options = varied_options(study, study.combos)
    labels = {combo.label for combo in study.combos}
    drawn = [(combo, runs) for combo in study.combos if (runs := runs_with_vectors(combo))]
    for combo, runs in drawn[:MOST]:
        values = [f"{name} = {combo_texts.value_text(combo, name)}" for name in options]
        over = f"mean of {len(runs)} runs" if len(runs) > 1 else ""
        title = [combo_texts.legend_text(combo.label, [combo.connectome]), *values, over]
        stem = ["vectors", *[combo.label] * (len(labels) > 1), *(f"{name}={combo.get(name)}" for name in options)]
        rows = pd.DataFrame(list(group_rows(runs)))
        by_kind = zip(*(_maps(rows, column, words) for column, words in MAPS.items()), strict=True)
        maps = [each for both in by_kind for each in both]
        yield "_".join(stem), plotting.vectors(maps, _participation(runs), ", ".join(filter(None, title)))
    if len(drawn) > MOST:
        say(f"vectors: drawn for the first {MOST} of {len(drawn)} combos; --filter selects others")


def _maps(rows: pd.DataFrame, column: str, words: str) -> Iterator[GroupWeights]:
    """The ratios of the largest groups of each kind, (groups, exponents)."""
    for kind, part in rows.groupby("kind_of_group", sort=False) if len(rows) else ():
        sizes = part.groupby("group", sort=False)["size"].mean()
        largest = sizes[sizes.isin(sizes.nlargest(MOST_GROUPS))].index[:MOST_GROUPS]
        ratios = part.pivot(index="group", columns="index", values=column).loc[largest]
        left_out = f", the largest {len(largest)} of {len(sizes)}" if len(largest) < len(sizes) else ""
        names = [f"{name} ({sizes[name]:.4g})" for name in largest]
        yield GroupWeights(f"{str(kind).replace('_', ' ')}{left_out}\n{words}", names, ratios.to_numpy())


def _participation(runs: Sequence[Arrays]) -> Participation:
    """Participation ratios of the vectors, means over runs, and which exponents are separated in all runs.

    Errors are standard errors over runs, or of the trajectory for a single run.
    """
    k = min(len(run[NEEDED]) for run in runs)
    values = np.array([run["covariant_participation"][:k] for run in runs])
    errors = runs[0]["covariant_participation_stderr"][:k]
    if len(runs) > 1:
        errors = values.std(0, ddof=1) / np.sqrt(len(runs))
    others = {name: np.mean([run[f"{name}_participation"][:k] for run in runs], 0) for name in ("backward", "forward")}
    separated = np.all([run["vector_separated"][:k] for run in runs], 0)
    neurons = float(np.mean([run[NEEDED].shape[1] for run in runs]))
    return Participation(values.mean(0), errors, others, separated, neurons)
