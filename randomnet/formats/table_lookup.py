"""Which tables of a folder, archive or file play which part, known by their columns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.formats.files import FormatError
from randomnet.formats.tables import Table, beside, stream, tables_in, whole

Part = Callable[[Table], bool]
Values = tuple[np.ndarray, np.ndarray]  # indices of neurons, and what their rows say


@dataclass(frozen=True)
class Tables:
    """The tables at a path: those named by it, and those in the same folder where it is one file."""

    path: Path
    own: tuple[Table, ...]
    others: tuple[Table, ...] = ()

    def find(self, part: Part) -> list[Table]:
        """All tables that play a part: of those at the path, or else of those beside it."""
        return [table for table in self.own if part(table)] or [table for table in self.others if part(table)]

    def at_most_one(self, part: Part, what: str) -> Table | None:
        """The table that plays a part, if there is one. Raises FormatError where several do."""
        found = self.find(part)
        if len(found) > 1:
            listed = ", ".join(table.member or table.path.name for table in found)
            raise FormatError(f"{self.path}: expected one table of {what}, got {len(found)}: {listed}; name one file")
        return found[0] if found else None

    def one(self, part: Part, what: str, columns: Iterable[str]) -> Table:
        """The table that plays a part. Raises FormatError where none or several do."""
        table = self.at_most_one(part, what)
        if table is None:
            raise FormatError(f"{self.path}: expected a table of {what} with columns {', '.join(columns)}, got none")
        return table


def find_tables(path: Path) -> Tables:
    """What is at a path; for one file, archive or table, what lies beside it too."""
    own = tuple(tables_in(path))
    others = () if path.is_dir() else tuple(beside(own[0])) if own else ()
    return Tables(path, own, others)


def neuron_ids(table: Table, column: str) -> np.ndarray:
    """(N,) int64: the different ids of a neuron table, in its order. Raises FormatError for one that comes twice."""
    ids = whole(table, {column: "id"})[column]
    known, counts = np.unique(ids, return_counts=True)
    if len(known) < len(ids):
        twice = int(known[counts > 1][0])
        first, second = islice(table.rows_of(column, twice), 2)
        came = f"{twice} twice, first in row {first}"
        raise FormatError(f"{table}, row {second}, column {column}: expected different ids, got {came}")
    if not len(ids):
        raise FormatError(f"{table}: expected a row per neuron, got none")
    return ids


def places_of(wanted: np.ndarray, ids: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `wanted` is in `ids`, and whether it is there; order: what sorts `ids`."""
    place = order[np.searchsorted(ids, wanted, sorter=order).clip(max=len(ids) - 1)]
    return place, ids[place] == wanted


def texts_of(table: Table, key: str, column: str, ids: np.ndarray, empty: str) -> np.ndarray:
    """(N,) texts: a column of a table keyed by id, in the order of `ids`; `empty` for neurons without one.

    Raises FormatError for an id that has two.
    """
    parts = []
    order = np.argsort(ids)
    for chunk in stream(table, {key: "id", column: "category"}):
        index, known = places_of(chunk[key], ids, order)
        names = np.array([*(name.strip() for name in chunk[column].categories), ""], dtype=object)
        parts.append((index[known], names[chunk[column].codes[known]]))
    texts = np.full(len(ids), "", dtype=object)
    _assign(table, key, column, ids, texts, parts)
    return np.where(texts == "", empty, texts).astype(str)


def numbers_of(table: Table, key: str, columns: Iterable[str], ids: np.ndarray) -> dict[str, np.ndarray]:
    """Column -> (N,) numbers of a table keyed by id, in the order of `ids`; NaN for neurons without one.

    Raises FormatError for an id that has two.
    """
    numbers = {column: np.full(len(ids), np.nan) for column in columns}
    parts: dict[str, list[Values]] = {column: [] for column in numbers}
    order = np.argsort(ids)
    for chunk in stream(table, {key: "id", **dict.fromkeys(numbers, "share")}):
        index, known = places_of(chunk[key], ids, order)
        for column, found in parts.items():
            found.append((index[known], chunk[column][known]))
    for column, values in numbers.items():
        _assign(table, key, column, ids, values, parts[column])
    return numbers


def _assign(table: Table, key: str, column: str, ids: np.ndarray, values: np.ndarray, parts: list[Values]) -> None:
    """Put what the rows say into `values`. Raises FormatError where two rows of one id differ."""
    if not parts:
        return
    index, given = (np.concatenate(part) for part in zip(*parts, strict=True))
    values[index] = given
    same = _same(values[index], given)
    if same.all():
        return
    neuron = index[np.argmin(same)]
    cells = given[index == neuron].tolist()
    nth = next(number for number, cell in enumerate(cells) if not _same(cell, cells[0]))
    row = next(islice(table.rows_of(key, int(ids[neuron])), nth, None))
    came = f"{cells[nth]!r} for id {ids[neuron]}, which has {cells[0]!r} above"
    raise FormatError(f"{table}, row {row}, column {column}: expected one value per id, got {came}")


def _same(first: Any, second: Any) -> Any:
    """Whether values are equal, or both nan."""
    return (first == second) | ((first != first) & (second != second))
