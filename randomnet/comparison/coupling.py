"""Whether a network and its controls are equally coupled at equal g, in words.

    unequal_coupling_notes     of the table of one results folder
    control_coupling_notes the same of each network of a study and its controls, in one folder or in several
"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from randomnet.comparison.controls import Family, families, values_text
from randomnet.comparison.study import REFERENCE_VALUES, Study
from randomnet.connectome import SCALINGS
from randomnet.results import COMPLETE

UNEQUAL = 0.05  # relative difference of a null's mean from the connectome's that is said
EQUALIZERS = {"spectral_radius": ("radius", "spectral_radius"), "spectral_abscissa": ("abscissa", "abscissa")}
UNIFORM = tuple(name for name, scaling in SCALINGS.items() if scaling.uniform)  # scale all weights alike
NOT_LINEAR = "log1p"  # the step whose result depends on the scale of the weights before it


def control_coupling_notes(study: Study) -> Iterator[str]:
    """The lines of each network of the study; its folder's label comes first where the study has several."""
    several = len({combo.label for combo in study.combos}) > 1
    for family in families(study):
        table, chains = _table_of(family)
        lines = _lines(table, "control", family.name, ["cell"] * bool(family.rest), chains)
        yield from (f"{family.network[0].label}: {line}" if several else line for line in lines)


def unequal_coupling_notes(
    table: pd.DataFrame, varied: Sequence[str], normalizations: Mapping[int, str]
) -> Iterator[str]:
    """A line where networks that differ by their null, or random_w, alone differ in their mean radius or abscissa by
    more than UNEQUAL, with the normalization that makes them equal; of the first such options of the grid."""
    for option in (name for name in varied if name.split(".")[-1] in REFERENCE_VALUES):
        reference = REFERENCE_VALUES[option.split(".")[-1]]
        yield from _lines(table, option, reference, [name for name in varied if name != option], normalizations)


def _table_of(family: Family) -> tuple[pd.DataFrame, dict[int, str]]:
    """The runs of a network and its controls, with control, cell, and combo, a number of their own; and the chain of
    normalizations of each combo."""
    texts = {(combo.label, combo.number): text for text, combos in family.controls.items() for combo in combos}
    parts, chains = [], {}
    for number, combo in enumerate(family.combos):
        rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
        control = texts.get((combo.label, combo.number), family.name)
        parts.append(rows.assign(control=control, cell=values_text(combo, family.rest), combo=number))
        chains[number] = str(combo.record.get("normalization") or "none")
    return pd.concat(parts, ignore_index=True), chains


def _lines(
    table: pd.DataFrame, option: str, reference: object, others: Sequence[str], normalizations: Mapping[int, str]
) -> Iterator[str]:
    """A line for the radius, and one for the abscissa where it says more."""
    complete, radii = table[table["status"] == COMPLETE], {}
    for column, (word, step) in EQUALIZERS.items():
        first = _first_unequal(complete, option, reference, others, column)
        if first is None:
            continue
        numbers, where, combo = first
        means = numbers["mean"].to_dict()
        if radii and _are_alike(means, radii):
            return
        radii = means
        chain = _with_step(normalizations.get(combo, "none"), step)
        remedy = f"; normalization = {chain} makes them equal" if chain else ""
        yield f"Note: equal g is not equal {word}: {_means_text(numbers)}{f' ({where})' if where else ''}{remedy}"


def _first_unequal(
    table: pd.DataFrame, option: str, reference: object, others: Sequence[str], column: str
) -> tuple[pd.DataFrame, str, int] | None:
    """Mean and std of the column by control at the first values of the other options where means are unequal; these
    values in words; and a combo that has them."""
    name = next((name for name in (column, f"{column}_initial") if name in table), None)
    groups = table.groupby(list(others), sort=False, dropna=False) if others else [((), table)]
    for values, group in groups if name else ():
        numbers = group.groupby(option, sort=False)[name].agg(["mean", "std"])
        if _are_unequal(numbers["mean"].to_dict(), reference):
            named = zip(others, values, strict=True)
            where = ", ".join(str(value) if other == "cell" else f"{other} = {value}" for other, value in named)
            return numbers, where, int(group["combo"].iloc[0])
    return None


def _are_unequal(means: Mapping[object, float], reference: object) -> bool:
    """Whether one is further from the connectome's, or the first one's, than UNEQUAL allows."""
    expected = means.get(reference, next(iter(means.values()), float("nan")))
    return any(abs(mean - expected) > UNEQUAL * abs(expected) for mean in means.values())


def _are_alike(means: Mapping[str, float], others: Mapping[str, float]) -> bool:
    """Whether an abscissa is the radius, as where the leading eigenvalue is real and positive."""
    return all(abs(mean - others[null]) <= UNEQUAL * abs(mean) for null, mean in means.items())


def _with_step(chain: str, step: str) -> str:
    """The chain with that step last, in place of scalings that change nothing then; empty where it has the step
    before NOT_LINEAR, and no step may come twice."""
    steps = [one for one in chain.split(" + ") if one != "none"]
    last = max((place for place, one in enumerate(steps) if one == NOT_LINEAR), default=-1)
    kept = [one for place, one in enumerate(steps) if place <= last or one not in UNIFORM]
    return "" if step in kept else " + ".join([*kept, step])


def _means_text(numbers: pd.DataFrame) -> str:
    """Each null with its mean, and its standard deviation where its draws differ."""
    parts = []
    for null, row in numbers.iterrows():
        spread = f" +- {row['std']:.2g}" if row["std"] > 1e-9 * abs(row["mean"]) else ""
        parts.append(f"{null} {row['mean']:.3g}{spread}")
    return ", ".join(parts)
