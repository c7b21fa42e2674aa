"""Tables that sort and filter in the browser.

Cell, Column, Table    the content of a table
means, tests, runs     of a study
answer                 the tests of its first quantity alone
plain                  any other table
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison.headlines import is_number
from randomnet.comparison.hypothesis_tests import side_text
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.means import means_table
from randomnet.comparison.study import ABSENT, Combo, Study
from randomnet.results.columns import explained

MOST_ROWS = 1500  # of one table, to bound the size of the page
MOST_CHOICES = 24  # different values of a column that is offered as a filter
NOTHING = "–"
OF_ONE = "One network among draws counts with the median of its starts; its interval is that of one further draw."


class Cell(NamedTuple):
    """What is shown, and the value by which the column is sorted."""

    text: str
    value: str


class Column(NamedTuple):
    """Name, what it means, whether it can be filtered, and the value that is chosen at first."""

    name: str
    meaning: str = ""
    choices: tuple[str, ...] = ()
    initial: str = ""


class Table(NamedTuple):
    """A table with its caption; left: number of rows that are in `file` only."""

    key: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    file: str = ""
    left: int = 0

    @property
    def has_meanings(self) -> bool:
        """Whether the meaning of any column is known."""
        return any(column.meaning for column in self.columns)


def means(study: Study, metrics: Sequence[str]) -> Table:
    """A row for every combo: its options, number of runs, and mean with its interval of these metrics."""
    table = means_table(study.runs, metrics, study.shared)
    metrics = [name for name in dict.fromkeys(metrics) if (table["metric"] == name).any()]
    by_key: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        by_key.setdefault(_key(row), {})[row["metric"]] = row
    rows, firsts = [], study.runs.drop_duplicates(["label", "combo", "own"]).to_dict("records")
    for run in (run for run in firsts if _key(run) in by_key):
        known = by_key[_key(run)]
        first = next(iter(known.values()))
        rows.append([*_head(study, run), _cell(f"{first['n']} of {first['planned']}", first["n"]), _text(first["over"]),
                     *(_mean_cell(known.get(name)) for name in metrics), _text(_notes_on(known))])  # fmt: skip
    names = [*_head_names(study), "runs", "over", *metrics, "notes"]
    caption = "Means over the complete runs of each combo with the 95 % interval of the mean."
    return _table("means", caption, names, rows, range(len(_head_names(study))), "means.csv")


def _notes_on(means: Mapping[str, Mapping[str, Any]]) -> str:
    """The notes of a combo's means, each with the metrics that it is about unless it is about all."""
    metrics_of: dict[str, list[str]] = {}
    for metric, row in means.items():
        for text in str(row["note"]).split("; ") if _is_text(row.get("note")) else []:
            metrics_of.setdefault(text, []).append(metric)
    return "; ".join(text if len(names) == len(means) else f"{', '.join(names)} {text}"
                     for text, names in metrics_of.items())  # fmt: skip


def tests(study: Study, table: pd.DataFrame, metric: str) -> Table:
    """A row for every test of tests.csv; metric: the one that is shown at first."""
    options = [name for name in study.shared if name in table and table[name].notna().any()]
    several = len(study.labels) > 1
    rows = []
    for row in table.to_dict("records"):
        a, b = (_side(row, side, several) for side in "ab")
        cell = _text(row["combo"])
        rows.append([_text(row["metric"]), *([_value(row[name]) for name in options] or [cell]), _text(a), _text(b),
                     _difference(row), _value(row["effect_size"]), _value(row["percentile"]), _value(row["p"]),
                     _value(row["p_holm"]), _value(row["n"]), _text(row["design"]), _text(row["note"])])  # fmt: skip
    results = ["difference b - a", "effect_size", "percentile", "p", "p_holm", "n", "design", "note"]
    names = ["metric", *(options or ["combo"]), "a", "b", *results]
    caption = (
        f"Tests of differences in each cell of the grid: the difference of means with its interval, p of sign flips or "
        f"ranks, and p after Holm's correction for all rows of tests.csv. {OF_ONE}"
    )
    made = _table("tests", caption, names, rows, range(3 + max(1, len(options))), "tests.csv")
    first = made.columns[0]
    initial = metric if metric in first.choices else ""
    return made._replace(columns=[first._replace(initial=initial), *made.columns[1:]])


def answer(study: Study, table: pd.DataFrame, metric: str) -> Table | None:
    """The tests of the quantity that the study is about, in the few columns that answer; None for fewer than two.

    The differences are a minus b as in the sentences of result, so that a positive one is `above`.
    """
    rows = table[table["metric"] == metric] if len(table) else table
    if len(rows) < 2 or rows["p"].notna().sum() < 2:
        return None
    options = [name for name in study.shared if name in rows and rows[name].notna().any()]
    cells, records, several = [], rows.to_dict("records"), len(study.labels) > 1
    every = [tuple(_side(row, side, several) for side in "ab") for row in records]
    is_one = len(set(every)) == 1
    for row, sides in zip(records, every, strict=True):
        counts = [int(row[f"not_converged_{side}"]) + int(row[f"too_short_{side}"]) for side in "ab"]
        cells.append([*([_value(row[name]) for name in options] or [_text(row["combo"])]),
                      *([] if is_one else map(_text, sides)), _value(row["p"]), _difference(row, -1), _value(row["n"]),
                      _text(" and ".join(map(str, counts)) if any(counts) else "")])  # fmt: skip
    compared = f", of a ({every[0][0]}) and b ({every[0][1]})" if is_one else ""
    caption = (
        f"{metric} in each cell of the grid{compared}: p of this one comparison, not corrected, and the difference "
        f"with its interval. {OF_ONE} Doubtful runs did not converge or are too short to tell."
    )
    names = [*(options or ["combo"]), *([] if is_one else "ab"), "p", "a - b", "n", "doubtful runs of a and b"]
    return _table("answer", caption, names, cells, range(names.index("p")), "tests.csv")


def _side(row: dict[str, Any], side: str, several: bool) -> str:
    """What a side of a comparison is: its folder, its own options, or both."""
    own = row.get(f"own_{side}")
    return side_text(row[f"label_{side}"], own) if several else str(own or row[f"label_{side}"])


def runs(study: Study, metrics: Sequence[str]) -> Table:
    """A row for every run: its options, status, verdict and these metrics."""
    metrics = [name for name in dict.fromkeys(metrics) if name in study.runs and study.runs[name].notna().any()]
    verdicts = [name for name in ("verdict", "verdict_initial", "verdict_final") if name in study.runs]
    rows = []
    for run in study.runs.to_dict("records"):
        texts = [_text(run["status"]), *(_text(run[name]) for name in verdicts)]
        values = [_value(run[name]) for name in metrics]
        rows.append([*_head(study, run), _value(run["iteration"]), *texts, *values])
    names = [*_head_names(study), "iteration", "status", *verdicts, *metrics]
    return _table("runs", "All runs with their status and values.", names, rows,
                  range(len(_head_names(study)) + 2 + len(verdicts)), "summary.csv")  # fmt: skip


def plain(name: str, table: pd.DataFrame) -> Table:
    """Any table, with a filter for its columns of few texts."""
    rows = [[_value(value) for value in row] for row in table.itertuples(index=False)]
    texts = [place for place, column in enumerate(table) if not pd.api.types.is_float_dtype(table[column])]
    return _table(name.removesuffix(".csv"), f"The table {name}.", list(map(str, table.columns)), rows, texts, name)


def _table(
    key: str, caption: str, names: list[str], rows: list[list[Cell]], filtered: Sequence[int], file: str
) -> Table:
    """The table without its empty columns.

    filtered: places of columns that can be filtered if they have few values.
    """
    used = [place for place in range(len(names)) if place == 0 or any(row[place].text != NOTHING for row in rows)]
    rows = [[row[place] for place in used] for row in rows]
    columns = []
    for shown, place in enumerate(used):
        texts = {row[shown].text: row[shown].value for row in rows}
        is_filter = place in filtered and 1 < len(texts) <= MOST_CHOICES
        choices = sorted(texts, key=lambda text: _sort_key(texts[text])) if is_filter else []
        columns.append(Column(names[place], _meaning(names[place]), tuple(choices)))
    return Table(key, caption, columns, rows[:MOST_ROWS], file, max(0, len(rows) - MOST_ROWS))


def _meaning(name: str) -> str:
    columns = explained(name)
    return columns[0][1].meaning if columns else ""


def _head_names(study: Study) -> list[str]:
    return [*["label"] * (len(study.labels) > 1), *study.varied]


def _head(study: Study, run: dict[str, Any]) -> list[Cell]:
    """The label, if there are several, and the value of every gridded option."""
    combo = _combo(study, run)
    labels = [_text(run["label"])] * (len(study.labels) > 1)
    return [*labels, *(_value(combo.get(option) if combo else ABSENT) for option in study.varied)]


def _combo(study: Study, run: dict[str, Any]) -> Combo | None:
    return next((c for c in study.combos if c.label == run["label"] and c.number == run["number"]), None)


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    own = row.get("own")
    return str(row["label"]), str(row["combo"]), own if isinstance(own, str) else ""


def _mean_cell(row: dict[str, Any] | None) -> Cell:
    if row is None or not is_number(row["mean"]):
        return _text("")
    low, high = row["interval_low"], row["interval_high"]
    has_interval = is_number(low) and is_number(high) and high > low
    return _cell(interval_text(row["mean"], low, high) if has_interval else f"{row['mean']:.4g}", row["mean"])


def _difference(row: dict[str, Any], sign: int = 1) -> Cell:
    """The difference b - a, or a - b for a sign of -1."""
    if not is_number(row["difference_b_minus_a"]):
        return _text("")
    value = sign * row["difference_b_minus_a"] or 0.0
    low, high = row["interval_low"], row["interval_high"]
    has_interval = is_number(low) and is_number(high) and high > low
    low, high = sorted((sign * low, sign * high)) if has_interval else (low, high)
    return _cell(interval_text(value, low, high) if has_interval else f"{value:.3g}", value)


def _cell(text: str, value: Any) -> Cell:
    return Cell(text, repr(float(value)))


def _text(value: Any) -> Cell:
    text = str(value) if _is_text(value) else NOTHING
    return Cell(text, text)


def _value(value: Any) -> Cell:
    """A number with four digits, sorted by its full value; other values as text."""
    if value is ABSENT or value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return _text("")
    if isinstance(value, (bool, np.bool_)):
        return _text(str(bool(value)))
    if isinstance(value, (int, float, np.number)):
        return _cell(f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value), value)
    return _text(str(value))


def _sort_key(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
