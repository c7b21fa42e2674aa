"""Which runs of a figure are pairs, and which are starts of one network.

cells_of_starts   cells whose runs are starts of one network
paired_series     series whose runs of equal iterations are pairs, as tests.csv has them
"""

from itertools import pairwise

import pandas as pd

from randomnet.comparison import hypothesis_tests
from randomnet.comparison.network_identity import FIXED, origin
from randomnet.comparison.study import REFERENCE_VALUES, Combo, Study, canonical
from randomnet.figures.grid_layout import GridLayout, value_of
from randomnet.figures.option_words import LABEL, short_name


def cells_of_starts(table: pd.DataFrame) -> frozenset[str]:
    """The cells whose runs are starts of one network, so that their interval is not over networks."""
    return frozenset(cell for cell, runs in table.groupby("cell") if len(runs) > 1 and origin(runs) == FIXED)


def paired_series(study: Study, layout: GridLayout, table: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Pairs of series whose runs of equal iterations are pairs in every cell that both have, as tests.csv has them."""
    if layout.pooled or layout.sampled:
        return ()
    members: dict[str, Combo] = {}
    combos = {(combo.label, combo.number): combo for combo in study.combos}
    for row in table[["series", "label", "number"]].itertuples():
        members.setdefault(row.series, combos[row.label, row.number])
    texts = list(members)
    return tuple((first, second) for first, second in pairwise(texts)
                 if _are_compared(members[first], members[second], layout)
                 and _are_pairs(table[table["series"] == first], table[table["series"] == second]))  # fmt: skip


def _are_compared(first: Combo, second: Combo, layout: GridLayout) -> bool:
    """Whether they differ in the folder alone, of equal seeds, or in one control of which one has the reference."""
    differing = [name for name in layout.series if value_of(first, name) != value_of(second, name)]
    if len(differing) != 1:
        return False
    if differing[0] == LABEL:
        return first.loaded.manifest.get("seed") == second.loaded.manifest.get("seed") is not None
    reference = REFERENCE_VALUES.get(short_name(differing[0]), None)
    values = (value_of(first, differing[0]), value_of(second, differing[0]))
    return reference is not None and canonical(reference) in values


def _are_pairs(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    common = sorted({*first["x"]} & {*second["x"]}) or [None]
    sides = [(first, second) if x is None else (first[first["x"] == x], second[second["x"] == x]) for x in common]
    designs = {hypothesis_tests.comparison_design(a, b) for a, b in sides}
    return designs <= {hypothesis_tests.PAIRS, hypothesis_tests.STARTS}
