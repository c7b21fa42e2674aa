"""Square matrices as tables (text, sheets, parquet): with ids as header row, first column, both, or neither.

Ids of rows and columns are matched by name, in any order; the neurons are those of both. Empty cells are zeros.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import Neurons
from randomnet.formats.matrices.arrays import weights_part
from randomnet.formats.matrices.record import Edges, Matrix, block_edges, check_square, joined
from randomnet.formats.neurons.tables import canonical_ids
from randomnet.formats.options import Options
from randomnet.formats.spellings import EDGE_ROLES, NODE_ROLES, POST_WORDS, PRE_WORDS, normalized, role_columns
from randomnet.formats.tables import arrow
from randomnet.formats.tables.reading import (
    NUMBER,
    Table,
    listed,
    read_all,
    repeated_name,
    shown,
    stream,
    without_r_prefix,
)

MOST_COLUMNS = 100_000  # a matrix of more as text would have 100 GB
LEAST_IDS = 4  # numbers in a first row or column that is one too many, to be taken for ids
MOST_OF_EDGES = 4  # columns of numbers, which may be edges rather than a matrix
MOST_IDS = 0.5  # of the rows, whatever the cells are
MOST_CELLS = 2000  # of a row that are looked at
MOST_NUMBERS = 0.5  # of the cells, where ids show that it is a matrix: the others are errors
WORDS = ("true", "false", "nan", "na", "n/a", "null", "none", "inf", "-inf")
MOST_NAMED = 3  # ids in a note
ROWS = {  # words in the first cell of a matrix -> what its rows are, by the first of these words
    **dict.fromkeys((*PRE_WORDS, "sources", "origin"), "source"),
    **dict.fromkeys((*POST_WORDS, "targets", "destination"), "target"),
}
BOTH, HEADER, COLUMN, NEITHER = "header row and first column", "header row", "first column", "neither"


class _Cells(NamedTuple):
    """The cells of a table of text: ids of rows and columns, "" where they have none, and entries by their places."""

    rows: np.ndarray
    columns: np.ndarray
    edges: Edges
    blanks: int


# ---- recognition, by the first rows


def table_phrase(table: Table) -> str:
    """A phrase for a table of text that is a square matrix, or "". Raises FormatError where ids may be weights."""
    ids = _ids_in(table)
    if ids == NEITHER:
        _check_not_ids(table)
        return f"a CSV of numbers without ids, {len(table.columns)} in a row"
    n = len(table.columns) - (ids != HEADER)
    there = {BOTH: "its ids as header row and first column", HEADER: "its ids as header row",
             COLUMN: "its ids as first column"}  # fmt: skip
    kind = "CSV" if table.kind == "csv" else table.kind
    return f"a {n} x {n} matrix as {kind} with {there[ids]}" if ids else ""


def _ids_in(table: Table) -> str:
    """Where a table has the ids of a matrix: BOTH, HEADER, COLUMN or NEITHER; "" for a table that is no matrix."""
    if table.kind in arrow.KINDS:
        return _ids_in_arrow(table)[0]
    rows, width = table.layout.rows, len(table.columns)
    if table.kind != "csv" or not rows or width < 2:
        return ""
    first, share = [row[0] for row in rows], _share_of_numbers(rows)
    if table.headed and width > 2:
        across = without_r_prefix(table.columns[1:], first)
        shared = {*across, *canonical_ids(across).tolist()} & {*first, *canonical_ids(first).tolist()}
        if len(shared) >= MOST_IDS * len(first) or (shared and share >= MOST_NUMBERS):
            return BOTH
    if share < 1:
        return ""
    if all(map(_is_like_number, first)):
        if not table.headed:
            return NEITHER
        spelled = {column for role in (*EDGE_ROLES.values(), *NODE_ROLES.values())
                   for column in role_columns(table.columns, role)}  # fmt: skip
        may_be_matrix = len(spelled) < 2 and not _may_be_edges(rows)
        return HEADER if may_be_matrix and _has_rows(table, width) else ""
    is_column = not table.headed and width > 2 and all(first) and repeated_name(first) is None
    return COLUMN if is_column and _has_rows(table, width - 1) else ""


def _ids_in_arrow(table: Table) -> tuple[str, Table]:
    """As `_ids_in`, for parquet and feather, and the table with its ids as first column.

    They are the index of pandas, or the first column where there is a row for each other column. Without ids of rows,
    more than MOST_OF_EDGES columns of numbers are a matrix where no name is that of a column of edges or neurons.
    """
    if len(table.columns) < 2 or len(table.columns) > MOST_COLUMNS or not arrow.installed():
        return "", table
    shape = arrow.shape_of(table.path, table.kind)
    if shape.rows > MOST_COLUMNS:  # of which no ids are read
        return "", table
    key = shape.ids[0] if len(shape.ids) == 1 else table.columns[0]
    others = tuple(name for name in table.columns if name != key)
    is_square = shape.rows == len(others)
    if (shape.ids == (key,) or is_square) and set(others) <= set(shape.numeric):
        table = replace(table, columns=(key, *others))
        rows = set(canonical_ids(read_all(table, {key: "text"})[key].tolist()).tolist())
        if len(rows & set(canonical_ids(others).tolist())) >= MOST_IDS * shape.rows:
            return BOTH, table
    is_spelled = any(role_columns(table.columns, role) for role in (*EDGE_ROLES.values(), *NODE_ROLES.values()))
    is_square = shape.rows == len(table.columns) == len(shape.numeric) > MOST_OF_EDGES and not shape.ids
    return (HEADER if is_square and not is_spelled else ""), table


def _may_be_edges(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows of three or four numbers may be edges: two ids, then a positive weight."""
    return 2 < len(rows[0]) <= MOST_OF_EDGES and all(
        row[0].isdigit() and row[1].isdigit() and re.fullmatch(NUMBER, row[2]) and float(row[2]) > 0 for row in rows
    )


def _share_of_numbers(rows: Sequence[Sequence[str]]) -> float:
    """The share of numbers, and of empty cells, among the first cells right of the first column."""
    are_numbers = [_is_like_number(cell) for row in rows for cell in row[1 : MOST_CELLS + 1]]
    return sum(are_numbers) / max(1, len(are_numbers))


def _is_like_number(cell: str) -> bool:
    """Whether a cell is a number, empty, true or false, or a word for a missing one, which is refused when read."""
    return not cell or re.fullmatch(NUMBER, cell) is not None or cell.lower() in WORDS


def _has_rows(table: Table, count: int) -> bool:
    """Whether the table has this number of rows, of which no more are read."""
    try:
        with table.records() as rows:
            return sum(1 for _ in islice(rows, count + 1)) == count
    except ValueError:  # of wrong characters, which are reported when the table is read
        return False


def _check_not_ids(table: Table) -> None:
    """Raise FormatError where the first row and the first column are equal and may also be ids."""
    column = [row[0] for row in table.layout.rows]
    row = list(table.first)
    known = min(len(row), len(column))
    are_whole = len(set(row)) == len(row) > 2 and all(cell.isdigit() for cell in row)
    if are_whole and column[:known] == row[:known]:
        actual = f"{', '.join(row[:6])}, a different number in each cell: ids or weights"
        raise FormatError(f"{table}: expected ids with an empty first cell, or else numbers as .npy, as the first row "
                          f"and the first column are alike, got {actual}")  # fmt: skip


# ---- reading


def table_matrix(table: Table, options: Options) -> Matrix:
    """The matrix of a table of text. Raises FormatError."""
    options.refuse(table, layer="a table has no layers")
    ids, table = _ids_in_arrow(table) if table.kind in arrow.KINDS else (_ids_in(table), table)
    is_headed = table.kind == "csv" and table.headed and len(table.columns) > 1
    if not ids and is_headed:  # [net] source says that it is a matrix
        is_header = all(_is_like_number(row[0]) for row in table.layout.rows) and _has_rows(table, len(table.columns))
        ids = HEADER if is_header else BOTH
    if not ids:
        actual = f"columns {listed(table.columns)}" if table.columns else "none"
        raise FormatError(f"{table}: expected a square matrix with the ids as header row and as first column, or of "
                          f"numbers alone, got {actual}")  # fmt: skip
    if len(table.columns) > MOST_COLUMNS:
        actual = f"{len(table.columns):,}"
        raise FormatError(f"{table}: expected at most {MOST_COLUMNS:,} columns, got {actual}: save it as .npz")
    cells = _read(table, ids)
    if ids == NEITHER:
        return _of_numbers(table, cells)
    if ids == BOTH:
        return _with_corner(_united(table, cells), table, options)
    names = cells.columns if ids == HEADER else cells.rows
    _check_size(table, len(cells.rows), len(cells.columns))
    return _matrix(table, names, cells.edges, cells.blanks, f"names from the {ids}")


def _read(table: Table, ids: str) -> _Cells:
    """All cells. Raises FormatError for cells that are no numbers, with row and column."""
    table = _with_different_columns(table, ids)
    first = table.columns[:1] if ids in (BOTH, COLUMN) else ()
    columns = table.columns[len(first) :]
    parts, listed_rows, row, blanks = [], [], 0, 0
    for chunk in stream(table, {**dict.fromkeys(first, "text"), **dict.fromkeys(columns, "entry")}):
        block = np.column_stack([chunk[name] for name in columns])
        if block.dtype.kind == "f":
            is_blank = np.isnan(block)
            blanks += int(is_blank.sum())
            block[is_blank] = 0
        parts.append(block_edges(table, block, row))
        listed_rows.append(chunk[first[0]] if first else np.full(len(block), ""))
        row += len(block)
    rows = np.concatenate(listed_rows) if listed_rows else np.zeros(0, str)
    edges = joined(parts) if parts else (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return _Cells(rows.astype(str), np.array(columns, dtype=str), edges, blanks)


def _with_different_columns(table: Table, ids: str) -> Table:
    """The table, whose corner and columns without a name have names that no other column has.

    Raises FormatError for a name that comes twice.
    """
    names = list(table.columns)
    header = names[1:] if ids in (BOTH, COLUMN) else names
    repeated = repeated_name(name for name in header if name)
    if repeated is not None:
        advice = "give each neuron a name of its own, in one header row"
        raise FormatError(f"{table}, row 1: expected different ids, got {shown(repeated)!r} twice: {advice}")
    if table.kind != "csv":
        return table
    if len(header) < len(names) and (names[0] in header or not names[0]):
        names[0] = "\0"
    return replace(table, columns=tuple(name or f"\0{place}" for place, name in enumerate(names)))


def _with_corner(matrix: Matrix, table: Table, options: Options) -> Matrix:
    """The matrix, with what its rows are where the first cell names it: post (a pivot table of pandas), or from/to."""
    corner = table.columns[0]
    rows = _rows_by(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", corner).lower())
    if not rows:
        return matrix
    place = f"{table.name}, first cell {shown(corner)!r}"
    if options.rows != "auto":
        return replace(matrix, parts=(*matrix.parts, unused(place, f"rows = {options.rows} is set")))
    use = f"rows are {'pre' if rows == 'source' else 'post'}synaptic neurons"
    return replace(matrix, rows=rows, parts=(*matrix.parts, Part(place, use, "rows = source or target overrules it")))


def _rows_by(corner: str) -> str:
    """What the rows are by the first cell: its first word of an end, or the one that stands with `rows`; or ""."""
    ends = "|".join(ROWS)
    if not re.search(r"\b(rows?|col(umn)?s?)\b", corner):
        words = [word for word in re.findall(r"[a-z]+", corner) if word in ROWS]
        return ROWS[words[0]] if words else ""
    named = re.search(rf"\brows?\s*(?:=|:|are|is)\s*({ends})\b", corner)
    named = named or re.search(rf"\b({ends})\s*[=:(]?\s*rows?\b", corner)
    return ROWS[named[1]] if named else ""


def _united(table: Table, cells: _Cells) -> Matrix:
    """The matrix of all ids that rows or columns have. Raises FormatError for ids that come twice, or are missing."""
    columns, rows = _ids(cells)
    row, column, entries = cells.edges
    _check_named(table, "row", rows, row)
    _check_named(table, "column", columns, column)
    if unlike := _unlike(rows.tolist(), columns.tolist()):
        raise FormatError(f"{table}: expected ids that rows and columns write alike, got {unlike}")
    names = [name for name in dict.fromkeys([*columns.tolist(), *rows.tolist()]) if name]
    place = {name: number for number, name in enumerate(names)}
    to_row, to_column = (np.array([place.get(name, -1) for name in ids.tolist()], np.int64) for ids in (rows, columns))
    return _matrix(
        table, np.array(names, dtype=str), (to_row[row], to_column[column], entries), cells.blanks,
        "names from header row and first column",
        *_unnamed("rows", rows), *_unnamed("columns", columns), *_only("row", rows, columns),
        *_only("column", columns, rows),
    )  # fmt: skip


def unlike_ids(table: Table) -> str:
    """Advice for a table of text that would be a matrix if its rows and columns wrote their ids alike, or ""."""
    rows = table.layout.rows
    is_square = table.headed and len(table.columns) > 2 and _has_rows(table, len(table.columns) - 1)
    if not is_square or _share_of_numbers(rows) < 1:
        return ""
    unlike = _unlike([row[0] for row in rows], list(table.columns[1:]))
    actual = unlike or f"{shown(rows[0][0])!r} for the row of the column {shown(table.columns[1])!r}"
    return f"a matrix needs ids that rows and columns write alike, and here are {actual}"


def _unlike(rows: Sequence[str], columns: Sequence[str]) -> str:
    """`'AVA-L' and 'AVA.L'`, ids that are one but for case and punctuation, as R changes those of columns; or ""."""
    only = [name for name in rows if name not in set(columns)]
    others = {normalized(name): name for name in columns if name not in set(rows)}
    pairs = [(name, others[normalized(name)]) for name in only if normalized(name) in others and normalized(name)]
    advice = " (R keeps names with check.names = FALSE)" if pairs and "." in pairs[0][1] else ""
    return f"{shown(pairs[0][0])!r} and {shown(pairs[0][1])!r}{advice}" if pairs else ""


def _ids(cells: _Cells) -> tuple[np.ndarray, np.ndarray]:
    """Ids of columns and of rows, "" without one, spelled alike: without the X of R, and the zeros of floats."""
    columns = ["" if name.startswith("\0") else name for name in cells.columns.tolist()]
    named = iter(without_r_prefix([name for name in columns if name], cells.rows.tolist()))
    columns = [next(named) if name else "" for name in columns]
    if set(columns) & set(cells.rows.tolist()):
        return np.array(columns, dtype=str), cells.rows
    return canonical_ids(columns), canonical_ids(cells.rows.tolist())


def _check_named(table: Table, line: str, names: np.ndarray, with_entries: np.ndarray) -> None:
    """Raise FormatError for a row or column whose name comes twice, or which has entries and no name."""
    repeated = repeated_name(name for name in names.tolist() if name)
    if repeated is not None:
        second = int(np.flatnonzero(names == repeated)[1])
        place = f"row {_line_of(table, second)}, column 1" if line == "row" else "row 1"
        advice = "give each neuron a name of its own"
        raise FormatError(f"{table}, {place}: expected different ids, got {shown(repeated)!r} twice: {advice}")
    unnamed = np.intersect1d(np.flatnonzero(names == ""), with_entries)
    if len(unnamed):
        place, before = int(unnamed[0]), names[max(0, int(unnamed[0]) - 1)]
        where = f"row {_line_of(table, place)}" if line == "row" else f"the column after {shown(before)!r}"
        raise FormatError(f"{table}, {where}: expected an id for a {line} of numbers, got none: name it, or delete it "
                          "where it holds totals")  # fmt: skip


def _line_of(table: Table, index: int) -> int:
    """The line of the file with the row of this index, of which the header is one."""
    if table.kind != "csv":
        return index + 2
    with table.records() as rows:
        return next(islice(rows, index, None))[0]


def _unnamed(lines: str, names: np.ndarray) -> list[str]:
    """A note on the rows or columns that have neither a name nor entries."""
    count = int((names == "").sum())
    return [f"{count:,} {lines} without name and entries are left out"] * (count > 0)


def _only(line: str, ids: np.ndarray, others: np.ndarray) -> list[str]:
    """A note on the ids that only rows, or only columns have."""
    known = set(others.tolist())
    only = [name for name in ids.tolist() if name and name not in known]
    examples = ", ".join(map(shown, only[:MOST_NAMED])) + ", ..." * (len(only) > MOST_NAMED)
    missing = "column" if line == "row" else "row"
    neurons = "1 neuron has" if len(only) == 1 else f"{len(only):,} neurons have"
    return [f"{neurons} a {line} and no {missing} ({examples}), which counts as zeros"] * bool(only)


def _of_numbers(table: Table, cells: _Cells) -> Matrix:
    """The matrix of numbers without a header: of N x N, or with whole numbers as ids in the first row or column."""
    row, column, entries = cells.edges
    rows, columns = len(cells.rows), len(cells.columns)
    dense = {int(place): float(entry) for place, entry in zip(column[row == 0], entries[row == 0], strict=True)}
    first_row = [dense.get(place, 0.0) for place in range(columns)]
    below = {int(place): float(entry) for place, entry in zip(row[column == 0], entries[column == 0], strict=True)}
    first_column = [below.get(place, 0.0) for place in range(rows)]
    if rows == columns + 1 > LEAST_IDS and _are_ids(first_row):
        is_entry = row > 0
        edges = (row[is_entry] - 1, column[is_entry], entries[is_entry])
        return _matrix(table, _whole(first_row), edges, cells.blanks, "names from the first row of numbers")
    if columns == rows + 1 > LEAST_IDS and _are_ids(first_column):
        is_entry = column > 0
        edges = (row[is_entry], column[is_entry] - 1, entries[is_entry])
        return _matrix(table, _whole(first_column), edges, cells.blanks, "names from the first column of numbers")
    _check_size(table, rows, columns)
    names = np.array([str(number) for number in range(columns)])
    return replace(_matrix(table, names, cells.edges, cells.blanks, "neurons are numbered from 0"), numbered=True)


def _are_ids(numbers: list[float]) -> bool:
    """Whether they are different whole numbers."""
    return len(set(numbers)) == len(numbers) and all(number >= 0 and number.is_integer() for number in numbers)


def _whole(numbers: list[float]) -> np.ndarray:
    return np.array([str(int(number)) for number in numbers], dtype=str)


def _check_size(table: Table, rows: int, columns: int) -> None:
    if rows != columns:
        raise FormatError(f"{table}: expected a square matrix of {columns} rows, as it has columns, got {rows}")


def _matrix(table: Table, names: np.ndarray, edges: Edges, blanks: int, *notes: str) -> Matrix:
    check_square(table, (len(names), len(names)))
    empty = [f"{blanks:,} empty cells are zeros"] * (blanks > 0)
    part = weights_part(table.name, len(names), edges, "; ".join([*notes, *empty]))
    return Matrix(Neurons(names), edges, False, (*_text_parts(table), part))


def _text_parts(table: Table) -> tuple[Part, ...]:
    """What the text layer left out or decided; that a table of numbers has no header is said with the names."""
    return tuple(part for part in table.parts if part.use != "table without header")
