"""Sheets of an .xlsx workbook as tables of texts, by openpyxl, an optional package that is imported only for them.

Titles above the header and left of the ids, as in the supplements of papers, are left out where a matrix with the same
ids in a row and in a column shows which cells they are.
"""

import datetime
import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from randomnet.extras import install_line
from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"\d{4}-\d\d-\d\dT00:00:00")  # the text of a cell that is a day
MOST_TITLES = 10  # rows above a header, and columns left of ids
LEAST_SHARED = 0.5  # of the ids of a matrix are in its header and in its first column

Grid = list[list[str]]


class Sheet(NamedTuple):
    """A sheet as CSV in UTF-8, one line per row, and what was left out of it."""

    text: bytes
    parts: tuple[Part, ...]


def sheets_in(path: Path) -> dict[str, Sheet]:
    """Name -> sheet of those that have cells, in the order of the workbook. Raises FormatError."""
    state = path.stat()
    return _sheets(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=2)  # a workbook is read several times; size and time differ when it changes
def _sheets(path: Path, size: int, time: int) -> dict[str, Sheet]:
    try:
        import openpyxl
    except ImportError:
        advice = install_line("formats")
        raise FormatError(f"{path}: expected openpyxl to read this .xlsx workbook, got none installed: {advice}; or "
                          "save the sheet as .csv") from None  # fmt: skip
    try:
        formulas = _formulas(path, openpyxl)
        with open(path, "rb") as file:  # openpyxl refuses names with another ending
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            grids = {sheet.title: _grid(sheet) for sheet in book.worksheets}
    except Exception as error:  # damaged workbooks raise many kinds of errors
        actual = f"one that is damaged or of another kind ({one_line(error)[:200]})"
        raise FormatError(f"{path}: expected an .xlsx workbook, got {actual}") from None
    for title, row, column in formulas:
        if not _cell(grids[title], row, column):
            raise FormatError(f"{path}:{title}, row {row + 1}, column {column + 1}: expected a value, got a formula "
                              "without its result: open and save the workbook in a spreadsheet program")  # fmt: skip
    filled = {title: grid for title, grid in grids.items() if any(any(row) for row in grid)}
    if not filled:
        raise FormatError(f"{path}: expected a sheet with cells, got {len(grids)} empty ones")
    return {title: _laid_out(f"{path.name}:{title}", grid) for title, grid in filled.items()}


def _grid(sheet: Any) -> Grid:
    sheet.reset_dimensions()  # which other programs may write wrongly
    rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    width = max((column + 1 for row in rows for column, cell in enumerate(row) if cell), default=0)
    while rows and not any(rows[-1]):
        rows.pop()
    return [(row + [""] * width)[:width] for row in rows]


def _formulas(path: Path, openpyxl: Any) -> list[tuple[str, int, int]]:
    """Sheet, row and column of the formulas, whose results a program must have stored beside them."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(re.search(rb"<f[ >]", archive.read(name)) for name in names):
            return []
    with open(path, "rb") as file:
        book = openpyxl.load_workbook(file, read_only=True)
        return [(sheet.title, row, column) for sheet in book.worksheets
                for row, cells in enumerate(sheet.iter_rows()) for column, cell in enumerate(cells)
                if getattr(cell, "data_type", "") == "f"]  # fmt: skip


def _text(value: Any) -> str:
    """The text of a cell as a CSV would have it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return one_line(value)


def _laid_out(place: str, grid: Grid) -> Sheet:
    top, left = _corner(grid) or (_title_rows(grid), 0)
    parts = [unused(f"{place}, rows 1 to {top}", "titles above the header")] * (top > 0)
    parts += [unused(f"{place}, columns 1 to {left}", "titles left of the ids")] * (left > 0)
    end = _end(grid, top)
    parts += [unused(f"{place}, rows {end + 1} to {len(grid)}", "notes below the table")] * (end < len(grid))
    dates = [cell for row in grid[top:end] for cell in row[left:] if DATE.fullmatch(cell)]
    note = f"{len(dates):,}, such as {dates[0][:10]}: a spreadsheet may have made them from names" if dates else ""
    parts += [Part(f"{place}, cells of dates", "texts", note)] * bool(dates)
    lines = [""] * top + [",".join(map(_quoted, row[left:])) for row in grid[top:end]]  # the numbers of rows stay
    return Sheet(("\n".join(lines) + "\n").encode(), tuple(parts))


def _corner(grid: Grid) -> tuple[int, int] | None:
    """Row and column of the corner of a matrix, with ids right of it and below it; None for other sheets."""
    corners = []
    for row in range(min(MOST_TITLES, len(grid) - 2)):
        for column in range(min(MOST_TITLES, len(grid[0]) - 2)):
            across = {cell for cell in grid[row][column + 1 :] if cell}
            down = {cells[column] for cells in grid[row + 1 :] if cells[column]}
            shared = len(across & down)
            if shared >= max(2, LEAST_SHARED * min(len(across), len(down))):
                corners.append((shared, -row, -column))
    for _, row, column in sorted(corners, reverse=True):
        if all(_are_numbers(cells[1 - column :]) for cells in grid[1 - row :]):
            return -row, -column
    return None


def _title_rows(grid: Grid) -> int:
    """The rows above the header that have one cell at most, where the rows below have several."""
    widths = [sum(map(bool, row)) for row in grid]
    first = next((row for row, width in enumerate(widths) if width > 1), 0)
    return first if first <= MOST_TITLES else 0


def _end(grid: Grid, top: int) -> int:
    """The row after the table: below it are an empty row and rows of one cell, as notes are."""
    widths = [sum(map(bool, row)) for row in grid]
    for row in range(top + 1, len(grid)):
        if not widths[row] and max(widths[row:]) <= 1:
            return row
    return len(grid)


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(not cell or NUMBER.fullmatch(cell) for cell in cells)


def _cell(grid: Iterable[list[str]], row: int, column: int) -> str:
    rows = list(grid)
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else ""


def _quoted(cell: str) -> str:
    """The cell in a CSV; in quotes where it has a separator, or looks like a comment."""
    needs_quotes = any(character in cell for character in ',"\n\r;\t|') or cell.startswith(("#", "%"))
    return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell
