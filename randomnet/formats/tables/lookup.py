"""Tables of a folder, archive or file, found by their columns; and columns in the order of neurons."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError
from randomnet.formats.tables.reading import Table, beside, read_all, stream, tables_in

Predicate = Callable[[Table], bool]
Values = tuple[np.ndarray, np.ndarray]  # indices of neurons, and the cells of their rows


@dataclass(frozen=True)
class Tables:
    """The tables at a path, and where the path is one file, those in the same folder."""

    path: Path
    at_path: tuple[Table, ...]
    beside_path: tuple[Table, ...] = ()

    def find(self, predicate: Predicate) -> list[Table]:
        """All tables that satisfy the predicate: those at the path, or else those beside it."""
        matches = [table for table in self.at_path if predicate(table)]
        return matches or [table for table in self.beside_path if predicate(table)]

    def at_most_one(self, predicate: Predicate, content: str) -> Table | None:
        """The table that satisfies the predicate, or None. Raises FormatError where several do.

        content: what errors call such a table.
        """
        matches = self.find(predicate)
        if len(matches) > 1:
            listed = ", ".join(table.member or table.path.name for table in matches)
            count = len(matches)
            raise FormatError(f"{self.path}: expected one table of {content}, got {count}: {listed}; name one file")
        return matches[0] if matches else None

    def exactly_one(self, predicate: Predicate, content: str, columns: Iterable[str]) -> Table:
        """The table that satisfies the predicate. Raises FormatError where none or several do."""
        table = self.at_most_one(predicate, content)
        if table is None:
            raise FormatError(f"{self.path}: expected a table of {content} with columns {', '.join(columns)}, got none")
        return table


def find_tables(path: Path) -> Tables:
    """The tables at a path, and for one file or archive the tables beside it."""
    at_path = tuple(tables_in(path))
    has_neighbours = bool(at_path) and not path.is_dir()
    return Tables(path, at_path, tuple(beside(at_path[0])) if has_neighbours else ())


def file_of(table: Table) -> str:
    """The name of a table's file, or its name in an archive."""
    return table.member or table.path.name


def column_parts(table: Table, uses: Mapping[str, str], notes: Mapping[str, str] | None = None) -> list[Part]:
    """A part for each column in `uses` (column -> its use), and one for all others. notes: column -> its note.

    Columns that have a note but no use are parts of their own.
    """
    notes = notes or {}
    parts = [Part(f"{file_of(table)}, column {name}", use, notes.get(name, "")) for name, use in uses.items()]
    explained = [name for name in notes if name not in uses]
    parts += [unused(f"{file_of(table)}, column {name}", notes[name]) for name in explained]
    left = [name for name in table.columns if name not in uses and name not in explained]
    further = f"{len(left)} further column{'s' if len(left) > 1 else ''}"
    return [*parts, *([unused(f"{file_of(table)}, {further}", ", ".join(left))] if left else [])]


def parts_of_tables(
    tables: Tables, uses: Mapping[Table, Mapping[str, str]], notes: Mapping[Table, Mapping[str, str]]
) -> list[Part]:
    """The parts of the columns of the tables in `uses`, and a part for each other table at the path."""
    parts = [part for table, columns in uses.items() for part in column_parts(table, columns, notes.get(table))]
    others = [table for table in tables.at_path if table not in uses]
    return [*parts, *(unused(file_of(table), notes.get(table, {}).get("", "")) for table in others)]


def neuron_ids(table: Table, column: str) -> np.ndarray:
    """(N,) int64: the ids of a table of neurons, in its order. Raises FormatError for a repeated id."""
    ids = read_all(table, {column: "id"})[column]
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        repeated = int(unique[counts > 1][0])
        first, second = islice(table.rows_of(column, repeated), 2)
        actual = f"{repeated} twice, first in row {first}"
        raise FormatError(f"{table}, row {second}, column {column}: expected different ids, got {actual}")
    if not len(ids):
        raise FormatError(f"{table}: expected a row per neuron, got none")
    return ids


def places_of(values: np.ndarray, ids: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of each value in `ids`, and whether it is there; order: the indices that sort `ids`."""
    place = order[np.searchsorted(ids, values, sorter=order).clip(max=len(ids) - 1)]
    return place, ids[place] == values


def texts_of(table: Table, key: str, column: str, ids: np.ndarray, empty: str) -> np.ndarray:
    """(N,) texts of a column, in the order of `ids`; `empty` for neurons without a text.

    key: the column of ids. Raises FormatError for an id with different texts.
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
    """Column -> (N,) numbers, in the order of `ids`; nan for neurons without a number.

    key: the column of ids. Raises FormatError for an id with different numbers.
    """
    numbers = {column: np.full(len(ids), np.nan) for column in columns}
    parts: dict[str, list[Values]] = {column: [] for column in numbers}
    order = np.argsort(ids)
    for chunk in stream(table, {key: "id", **dict.fromkeys(numbers, "share")}):
        index, known = places_of(chunk[key], ids, order)
        for column, part in parts.items():
            part.append((index[known], chunk[column][known]))
    for column, values in numbers.items():
        _assign(table, key, column, ids, values, parts[column])
    return numbers


def _assign(table: Table, key: str, column: str, ids: np.ndarray, values: np.ndarray, parts: list[Values]) -> None:
    """Write the cells of all rows into `values`. Raises FormatError where two rows of one id differ."""
    if not parts:
        return
    index, cells = (np.concatenate(part) for part in zip(*parts, strict=True))
    values[index] = cells
    is_same = _equal(values[index], cells)
    if is_same.all():
        return
    neuron = index[np.argmin(is_same)]
    of_neuron = cells[index == neuron].tolist()
    nth = next(number for number, cell in enumerate(of_neuron) if not _equal(cell, of_neuron[0]))
    row = next(islice(table.rows_of(key, int(ids[neuron])), nth, None))
    actual = f"{of_neuron[nth]!r} for id {ids[neuron]}, which has {of_neuron[0]!r} above"
    raise FormatError(f"{table}, row {row}, column {column}: expected one value per id, got {actual}")


def _equal(first: Any, second: Any) -> Any:
    """Whether values are equal, or both nan."""
    return (first == second) | ((first != first) & (second != second))
