"""Notes on networks and controls that have equal g but unequal coupling strength.

unequal_coupling_notes   for the table of one results folder
control_coupling_notes   for each network of a study and its controls, in one folder or in several
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from randomnet.comparison.controls import Family, families, values_text
from randomnet.comparison.study import REFERENCE_VALUES, Study
from randomnet.connectome import SCALINGS
from randomnet.results import COMPLETE

UNEQUAL = 0.05  # relative difference between the means of a null and of the connectome that is reported
EQUALIZERS = {"spectral_radius": ("radius", "spectral_radius"), "spectral_abscissa": ("abscissa", "abscissa")}
UNIFORM = tuple(name for name, scaling in SCALINGS.items() if scaling.uniform)  # these scale all weights by one factor
NOT_LINEAR = "log1p"  # normalization step whose result depends on the scale of the weights before it


def control_coupling_notes(study: Study) -> Iterator[str]:
    """The notes on each network of the study, preceded by its folder's label if the study has several."""
    several = len({combo.label for combo in study.combos}) > 1
    for family in families(study):
        table, chains = _table_of(family)
        lines = _lines(table, "control", family.name, ["cell"] * bool(family.rest), chains)
        yield from (f"{family.network[0].label}: {line}" if several else line for line in lines)


def unequal_coupling_notes(
    table: pd.DataFrame, varied: Sequence[str], normalizations: Mapping[int, str]
) -> Iterator[str]:
    """A line for each option whose controls differ from the reference in their mean spectral radius or abscissa.

    The difference is larger than UNEQUAL, at equal values of all other options; the first such values are reported. The
    line names the normalization that makes them equal.
    """
    for option in (name for name in varied if name.split(".")[-1] in REFERENCE_VALUES):
        reference = REFERENCE_VALUES[option.split(".")[-1]]
        yield from _lines(table, option, reference, [name for name in varied if name != option], normalizations)


def _table_of(family: Family) -> tuple[pd.DataFrame, dict[int, str]]:
    """The runs of a network and its controls, and the normalization chain of each combo.

    Columns: control, cell, and combo, which is a number within this table.
    """
    texts = {(combo.label, combo.number): text for text, combos in family.controls.items() for combo in combos}
    parts, chains = [], {}
    for number, combo in enumerate(family.combos):
        rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
        control = texts.get((combo.label, combo.number), family.name)
        parts.append(rows.assign(control=control, cell=values_text(combo, family.rest), combo=number))
        chains[number] = str(combo.record.get("normalization") or "none")
    return pd.concat(parts, ignore_index=True), chains


def _lines(
    table: pd.DataFrame, option: str, reference: object, options: Sequence[str], normalizations: Mapping[int, str]
) -> Iterator[str]:
    """A line for the spectral radius, and one for the abscissa unless both tell the same."""
    complete = table[table["status"] == COMPLETE]
    radii: dict[Any, float] = {}
    for column, (word, step) in EQUALIZERS.items():
        inequality = _first_unequal(complete, option, reference, options, column)
        if inequality is None:
            continue
        numbers, cell_text, combo = inequality
        means = numbers["mean"].to_dict()
        if radii and _are_alike(means, radii):
            return
        radii = means
        chain = _with_step(normalizations.get(combo, "none"), step)
        remedy = f"; normalization = {chain} makes them equal" if chain else ""
        place = f" ({cell_text})" if cell_text else ""
        yield f"Note: equal g is not equal {word}: {_means_text(numbers)}{place}{remedy}"


def _first_unequal(
    table: pd.DataFrame, option: str, reference: object, options: Sequence[str], column: str
) -> tuple[pd.DataFrame, str, int] | None:
    """Mean and std of the column by control, at the first values of the other options where means are unequal.

    Returns also these values in words, and the number of a combo with them; None if all means are equal.
    """
    name = next((name for name in (column, f"{column}_initial") if name in table), None)
    groups = table.groupby(list(options), sort=False, dropna=False) if options else [((), table)]
    for values, group in groups if name else ():
        numbers = group.groupby(option, sort=False)[name].agg(["mean", "std"])
        if _are_unequal(numbers["mean"].to_dict(), reference):
            pairs = zip(options, values, strict=True)
            cell_text = ", ".join(str(value) if other == "cell" else f"{other} = {value}" for other, value in pairs)
            return numbers, cell_text, int(group["combo"].iloc[0])
    return None


def _are_unequal(means: Mapping[object, float], reference: object) -> bool:
    """Whether any mean differs from that of the connectome, or else of the first row, by more than UNEQUAL."""
    expected = means.get(reference, next(iter(means.values()), float("nan")))
    return any(abs(mean - expected) > UNEQUAL * abs(expected) for mean in means.values())


def _are_alike(means: Mapping[str, float], others: Mapping[str, float]) -> bool:
    """Whether abscissas equal radii, as with a leading eigenvalue that is real and positive."""
    return all(abs(mean - others[null]) <= UNEQUAL * abs(mean) for null, mean in means.items())


def _with_step(chain: str, step: str) -> str:
    """The chain with that step last, in place of scalings that then have no effect.

    It is empty if the step comes before NOT_LINEAR, as no step may occur twice.
    """
    steps = [name for name in chain.split(" + ") if name != "none"]
    last = max((place for place, name in enumerate(steps) if name == NOT_LINEAR), default=-1)
    remaining = [name for place, name in enumerate(steps) if place <= last or name not in UNIFORM]
    return "" if step in remaining else " + ".join([*remaining, step])


def _means_text(numbers: pd.DataFrame) -> str:
    """Each null with its mean, and its standard deviation if its draws differ."""
    parts = []
    for null, row in numbers.iterrows():
        spread = f" +- {row['std']:.2g}" if row["std"] > 1e-9 * abs(row["mean"]) else ""
        parts.append(f"{null} {row['mean']:.3g}{spread}")
    return ", ".join(parts)
