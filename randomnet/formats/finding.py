"""Which tables of a folder, archive or file play which part, known by their columns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from randomnet.formats.reading import FormatError
from randomnet.formats.tables import Table, beside, stream, tables_in, whole

Part = Callable[[Table], bool]


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
        twice = known[counts > 1][0]
        row = table.row_of(column, int(twice))
        raise FormatError(f"{table}, column {column}: expected different ids, got {twice} twice, first in row {row}")
    if not len(ids):
        raise FormatError(f"{table}: expected a row per neuron, got none")
    return ids


def texts_of(table: Table, key: str, column: str, ids: np.ndarray, empty: str) -> np.ndarray:
    """(N,) texts: a column of a table keyed by id, in the order of `ids`; `empty` for neurons without one."""
    parts = []
    order = np.argsort(ids)
    for chunk in stream(table, {key: "id", column: "category"}):
        index, known = _index(ids, order, chunk[key])
        names = np.array([*(name.strip() for name in chunk[column].categories), ""], dtype=str)
        parts.append((index[known], names[chunk[column].codes[known]]))
    texts = np.full(len(ids), empty, dtype=object)
    for index, names in parts:
        texts[index] = np.where(names == "", empty, names)
    return texts.astype(str)


def numbers_of(table: Table, key: str, columns: Iterable[str], ids: np.ndarray) -> dict[str, np.ndarray]:
    """Column -> (N,) numbers of a table keyed by id, in the order of `ids`; NaN for neurons without one."""
    numbers = {column: np.full(len(ids), np.nan) for column in columns}
    order = np.argsort(ids)
    for chunk in stream(table, {key: "id", **dict.fromkeys(numbers, "share")}):
        index, known = _index(ids, order, chunk[key])
        for column, values in numbers.items():
            values[index[known]] = chunk[column][known]
    return numbers


def _index(ids: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `wanted` is in `ids`, and whether it is there."""
    place = order[np.searchsorted(ids, wanted, sorter=order).clip(max=len(ids) - 1)]
    return place, ids[place] == wanted
