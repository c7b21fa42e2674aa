"""The order of the combos of a study in plain sentences, where there is nothing to test.

order_sentences   the first, second and last combo by the headline, and whether the order may be chance
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from randomnet.comparison import means
from randomnet.comparison.controls import option_values, runs_of_combos
from randomnet.comparison.headlines import Headline, capital, incomparable_options, is_number
from randomnet.comparison.hypothesis_tests import side_text
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.study import ALL, Combo, Study
from randomnet.results import STOPPED

MOST_SETS = 4  # of combos whose headline is the same quantity
MOST_TIED = 3  # combos of an equal mean that are named
Row = Mapping[str, Any]  # of the table of means


def order_sentences(study: Study, headline: Headline) -> Iterator[str]:
    """The order of all combos, or of those among which the column is the same quantity."""
    options = incomparable_options(study.combos, of_data=True) if headline.best else []
    if not options:
        yield from _order(study, study.runs, headline)
        return
    names = " and ".join(option.split(".")[-1] for option in options)
    yield f"{capital(headline.words)} is another quantity for each {names}: the study ranks no combos across these."
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault(option_values(combo, options), []).append(combo)
    for combos in list(sets.values())[:MOST_SETS] if max(map(len, sets.values())) > 1 else ():
        yield from _order(study, runs_of_combos(study.runs, combos), headline)


def _order(study: Study, runs: pd.DataFrame, headline: Headline) -> Iterator[str]:
    """The first combo with its mean and interval; then the second, the last, and whether intervals overlap.

    Combos that a halving stopped have results of fewer epochs, so that they have no place in the order.
    """
    stopped = runs.groupby(["label", "number"])["status"].transform(lambda statuses: (statuses == STOPPED).any())
    runs = runs[~stopped.astype(bool)]
    table = means.means_table(runs, [headline.column], study.shared)
    rows = [row for row in table.to_dict("records") if is_number(row["mean"])]
    rows.sort(key=lambda row: row["mean"] if headline.lowest_first else -row["mean"])
    if not rows:
        return
    words, first, several = capital(headline.words), rows[0], len(study.labels) > 1
    tied = [row for row in rows if _mean(row) == _mean(first)]
    if len(rows) == 1:
        of = "" if len(study.combos) == 1 else f" of {_row_name(first, several)}"
        alone = "" if first["n"] > 1 else ", which is one run: there is no interval"
        yield f"{words}{of} is {_mean_text(first)}{alone}."
        return
    if len(tied) == len(rows):
        yield f"{words} is {_mean(first)} in all {len(rows)} combos."
        return
    end = "best" if headline.best else "lowest" if headline.lowest_first else "highest"
    if len(tied) > 1:
        names = _tied_names(rows, tied, several)
        yield f"{words} is {end}, {_mean(first)}, in {len(tied)} of {len(rows)} combos: {names}."
    else:
        yield f"{words} is {end} at {_row_name(first, several)}, of {len(rows)} combos: {_mean_text(first)}."
    others = rows[len(tied) :]
    yield _others_text(others, len(rows), several)
    yield _certainty(rows, first, [row for row in rows if row is not first])


def _others_text(others: Sequence[Row], total: int, several: bool) -> str:
    """The second and the last of the combos after the first; those of equal means share a place."""
    means_of_others = {_mean(row) for row in others}
    if len(others) > 1 and len(means_of_others) == 1:
        return f"The other {len(others)} have {means_of_others.pop()}."
    texts = [f"{_row_name(row, several)} with {_mean_text(row)}" for row in (others[0], others[-1])]
    return f"{'The other is' if total == 2 else 'Then'} {'; last '.join(dict.fromkeys(texts))}."


def _tied_names(rows: Sequence[Row], tied: Sequence[Row], several: bool) -> str:
    """What the combos of an equal mean have in common and no other has; else their names."""
    parts = [_row_name(row, several).split(", ") for row in tied]
    common = [part for part in parts[0] if all(part in names for names in parts)]
    with_them = [row for row in rows if {*common} <= {*_row_name(row, several).split(", ")}]
    if common and len(with_them) == len(tied):
        return ", ".join(common)
    more = f" and {len(tied) - MOST_TIED} more" if len(tied) > MOST_TIED else ""
    return "; ".join(_row_name(row, several) for row in tied[:MOST_TIED]) + more


def _certainty(rows: Sequence[Row], first: Row, others: Sequence[Row]) -> str:
    """Whether the order is more than chance: how many intervals overlap with that of the first combo."""
    if not all(is_number(row["interval_low"]) for row in rows):
        return "The study cannot tell whether this order is chance: that needs several runs of every combo."
    overlapping = sum(row["interval_low"] <= first["interval_high"] and first["interval_low"] <= row["interval_high"]
                      for row in others)  # fmt: skip
    if overlapping and len(others) == 1:
        return "Their intervals overlap, so the study does not tell them apart."
    if overlapping:
        return (f"The intervals of {overlapping} of the other {len(others)} combos overlap with the first one's, so "
                "the study does not tell these apart.")  # fmt: skip
    return "No other interval overlaps with the first one's."


def _row_name(row: Row, several: bool) -> str:
    combo = "" if row["combo"] == ALL else row["combo"].replace("=", " = ")
    own = row.get("own")
    parts = [combo, own.replace("=", " = ") if isinstance(own, str) and own else ""]
    text = ", ".join(filter(None, parts))
    return side_text(row["label"], text) if several or not text else text


def _mean(row: Row) -> str:
    return f"{row['mean']:.4g}"


def _mean_text(row: Row) -> str:
    low, high = row["interval_low"], row["interval_high"]
    if not (is_number(low) and high > low):
        return f"{_mean(row)} (n = {row['n']})"
    return f"{interval_text(row['mean'], low, high)} (n = {row['n']} {row['over']})"
