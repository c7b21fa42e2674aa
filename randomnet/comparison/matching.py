"""Combos of several results folders, matched by the values of the options that all folders vary.

read_combos     the combos of a folder, with the value of every option
filter_combos   the combos that --filter selects
match           groups of combos with equal values of the options that all folders vary
table_of_runs   one row per run of all groups
value_pairs     the runs with an option's reference value, paired with those of each other value
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from randomnet.comparison.combo_texts import combo_text, connectome_text, task_of, title_text, unshared_text
from randomnet.comparison.loss_minima import CRITERION, add_loss_minima
from randomnet.comparison.network_identity import CONNECTOME, NETWORK, add_connectome_checksums
from randomnet.comparison.study import (
    REFERENCE_VALUES,
    Combo,
    ComboGroup,
    Study,
    canonical,
    distinct_values,
    same_option,
)
from randomnet.comparison.verdicts import OF_SPECTRA, WHEN
from randomnet.renamed_options import current_option
from randomnet.results import LEFT_OUT, ResultsError, load
from randomnet.settings import nearest

VERDICT = "verdict"  # column of the verdict on a spectrum; verdict_initial and verdict_final for a training
CONVERGED = tuple(f"converged{when}" for when in WHEN)


def read_combos(folder: Path, label: str, colour: int) -> list[Combo]:
    """All combos of a results folder. Raises ResultsError, with a one-line text, if it is not one."""
    try:
        loaded = load(folder)
        loaded = replace(loaded, table=add_connectome_checksums(loaded.root, loaded.table))
        criteria = {combo["combo"]: float(combo.get("settings", {}).get(CRITERION) or 0)
                    for combo in loaded.manifest["combos"]}  # fmt: skip
        loaded = replace(loaded, table=add_loss_minima(loaded.table, loaded.history, criteria))
        return [
            Combo(label, colour, combo["combo"], combo["values"], settings := combo.get("settings", {}),
                  connectome_text(record := combo.get("connectome") or {}, settings), loaded, task_of(record, settings))
            for combo in loaded.manifest["combos"]
        ]  # fmt: skip
    except ResultsError:
        raise
    except (KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__} {error}"
        raise ResultsError(f"{folder}/manifest.json: expected a manifest written by RandomNet, got {problem}") from None
    except (ValueError, OSError) as error:
        raise ResultsError(f"{folder}: cannot be read: {' '.join(str(error).split())}") from None


def filter_combos(combos: Sequence[Combo], filters: Sequence[str]) -> list[Combo]:
    """The combos that match every filter OPTION=VALUE; several values of one option are alternatives."""
    names = [name for combo in combos for name in (*combo.values, *combo.settings)]
    names = list(dict.fromkeys([*(name.split(".")[-1] for name in names), *names]))
    values_of: dict[str, list[str]] = {}
    asked: dict[str, str] = {}  # as the user wrote them, by today's name
    for text in filters:
        written, value = text.split("=", 1)
        option = written if written in names else current_option(written)
        asked[option] = written
        values_of.setdefault(option, []).append(value)
    for option in values_of:
        if option not in names:
            raise ResultsError(
                f"--filter: expected an option such as {', '.join(names[:8])}, got {asked[option]!r}"
                f"{nearest(option, names)}"
            )
        matches = [name for name in names if "." in name and same_option(name, option)]
        if len(matches) > 1 and not any(option in combo.values for combo in combos):
            named = f"{asked[option]!r}, which is {' or '.join(matches)}"
            raise ResultsError(f"--filter: expected a unique option, got {named}")
    selected = [
        combo
        for combo in combos
        if all(canonical(combo.get(option)) in map(canonical, values) for option, values in values_of.items())
    ]
    if not selected:
        available = "; ".join(f"{asked[one]} has {', '.join(distinct_values(combos, one))}" for one in values_of)
        raise ResultsError(f"--filter {' '.join(filters)}: no combo left" + (f" ({available})" if available else ""))
    return selected


def match(combos: Sequence[Combo], metrics: Sequence[str], labels: Sequence[str]) -> Study:
    """Group combos with equal values of the options that all folders vary, and tabulate their runs."""
    varied = {combo.label: combo.loaded.varied for combo in combos}
    any_varied = tuple(dict.fromkeys(option for options in varied.values() for option in options))
    shared = tuple(option for option in any_varied if all(option in options for options in varied.values()))
    sets: dict[tuple, list[Combo]] = {}
    for combo in combos:
        sets.setdefault(tuple(canonical(combo.values.get(option)) for option in shared), []).append(combo)
    groups = [
        ComboGroup(combo_text(group[0], shared, combos), title_text(group, shared), group) for group in sets.values()
    ]
    return Study(groups, shared, any_varied, table_of_runs(groups, shared, metrics), tuple(labels))


def table_of_runs(groups: Sequence[ComboGroup], shared: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """One row per planned run: label, combo, own, iteration, status, shared options, metrics, and known verdicts.

    Exponents of a network that is unbounded before or after training are growth rates, and become nan.
    """
    parts = []
    for group in groups:
        for combo in group.combos:
            rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
            numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in metrics if name in rows}
            numbers |= _without_growth_rates(rows, numbers)
            texts = (NETWORK, CONNECTOME, VERDICT, *(f"{VERDICT}{when}" for when in WHEN), *CONVERGED)
            optional = {name: rows[name] for name in texts if name in rows}
            unshared = unshared_text(combo, shared)
            head = {"label": combo.label, "combo": group.key, "own": unshared, "number": combo.number}
            options = {option: group.combos[0].values.get(option) for option in shared}
            parts.append(rows[["iteration", "status"]].assign(**head, **options, **numbers, **optional))
    runs = pd.concat(parts, ignore_index=True)
    return runs.reindex(columns=list(dict.fromkeys([*runs.columns, *metrics])))


def _without_growth_rates(rows: pd.DataFrame, numbers: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """The exponents before and after training, nan if that network is unbounded or diverged."""
    masked = {}
    for stage in WHEN:
        verdicts = rows.get(f"{VERDICT}{stage}")
        for name in (f"{metric}{stage}" for metric in OF_SPECTRA if verdicts is not None):
            if name in numbers:
                masked[name] = numbers[name].mask(verdicts.isin(LEFT_OUT))
    return masked


def value_pairs(study: Study) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Pairs (runs with the reference value, runs with another value) of each folder and option of REFERENCE_VALUES.

    Each set is a table as table_of_tests takes it. Its column `combo` is the text of all other options of the folder,
    and `own` that of this option.
    """
    for label in dict.fromkeys(combo.label for combo in study.combos):
        combos = [combo for combo in study.combos if combo.label == label]
        for name, reference in REFERENCE_VALUES.items():
            for option in (option for option in combos[0].values if same_option(option, name)):
                runs_of = _by_value(study, combos, option)
                reference_runs = runs_of.pop(canonical(reference), None)
                yield from ((reference_runs, other) for other in runs_of.values() if reference_runs is not None)


def _by_value(study: Study, combos: Sequence[Combo], option: str) -> dict[Any, pd.DataFrame]:
    """The runs of one folder's combos, by the value of one option."""
    runs = study.runs[study.runs["label"] == combos[0].label]
    other_options = [name for name in combos[0].values if name != option]
    combo = runs["number"].map({combo.number: combo_text(combo, other_options) for combo in combos})
    option_text = runs["number"].map({combo.number: combo_text(combo, [option]) for combo in combos})
    runs = runs.assign(combo=combo, own=option_text, **({option: None} if option in study.shared else {}))
    numbers_of: dict[Any, list[int]] = {}
    for member in sorted(combos, key=lambda member: member.number):
        numbers_of.setdefault(canonical(member.values[option]), []).append(member.number)
    return {value: runs[runs["number"].isin(numbers)] for value, numbers in numbers_of.items()}
