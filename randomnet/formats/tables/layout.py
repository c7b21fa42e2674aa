"""How a table is laid out as text: encoding, separator, header, and the columns that are left out; by its first rows.

Left out are the index columns of pandas and R, and columns without name and content, as lines that end with a separator
have them.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError
from randomnet.formats.spellings import EDGE_ROLES, role_columns
from randomnet.formats.tables.cells import shown, whole_number
from randomnet.formats.tables.decimals import decimal_comma, with_points
from randomnet.formats.tables.encodings import START, encoding_of, in_utf8
from randomnet.formats.tables.headers import Header, Row, header_of, is_count, separator_of
from randomnet.formats.tables.records import COMMENT, LONGEST_LINE, SPACES, Records

ROWS = 20  # that are looked at
CHARACTERS = 1 << 20  # after which two rows are enough
MOST_COLUMNS = 100_000  # a matrix of so many neurons takes more than 20 GB as text
GRAPH = re.compile(r"\s*(?:[<{\[*]|graph\b|creator\b)", re.IGNORECASE)  # XML, JSON, Pajek or GML
MOST_COMMENTS = 10_000  # lines above the first row
SEPARATOR_LINE = re.compile(r'"?sep=.?"?\s*', re.IGNORECASE)  # of Excel, above the header
INDEX = ("", "unnamed: 0")  # pandas' name of an index, and the name after reading and writing it again


@dataclass(frozen=True)
class Layout:
    """The columns of a table as text, and where its rows begin.

    columns: names of the columns that are not left out. rows: the cells of these columns in the first rows.

    separator: of cells, " " for runs of spaces and tabs. headed: whether the names are the file's. start: bytes of the
    text in UTF-8 above the first row. lines: the number of these lines. comments: how many of them are comments and no
    header. width: cells per row in the file, also of columns that are left out: dropped ones, and blank ones, whose
    cells are all empty. encoding: of the file. commas: whether numbers have a decimal comma. parts: what was decided or
    left out.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    separator: str = ","
    headed: bool = True
    start: int = 0
    lines: int = 0
    comments: int = 0
    width: int = 0
    dropped: tuple[int, ...] = ()
    blank: tuple[int, ...] = ()
    encoding: str = "utf-8"
    commas: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def places(self) -> list[int]:
        """The place of each column among the cells of a row."""
        out = {*self.dropped, *self.blank}
        return [place for place in range(self.width) if place not in out]


def layout_of(file: IO[bytes], name: str) -> Layout:
    """The layout of a table as text, by its first rows. name: of the file, for the parts. Raises csv.Error."""
    encoding = encoding_of(file.read(START))
    file.seek(0)
    # wrong bytes are kept here, and reported when the table is read
    with io.TextIOWrapper(in_utf8(file, encoding), "utf-8", errors="surrogateescape", newline="") as text:
        lines = _first_lines(text)
    mark = "\ufeff" if lines and lines[0].startswith("\ufeff") else ""
    lines[:1] = [line.removeprefix("\ufeff") for line in lines[:1]]
    if lines and SEPARATOR_LINE.fullmatch(lines[0]):
        mark, lines = mark + lines[0], lines[1:]
    separator = separator_of([line for line in lines if line.strip() and not COMMENT.match(line)])
    _check_width(lines, separator, name)
    rows = _whole_rows(lines, separator)
    if number := decimal_comma([cells for _, cells in rows], separator):
        lines = [with_points(line, separator) for line in lines]
        rows = _whole_rows(lines, separator)
    header = header_of(lines, rows, separator)
    cells = [row for number, row in rows if number > header.lines]
    layout = _with_columns(Layout(separator=separator, headed=header.names is not None), header, cells, name)
    above = lines[: header.lines]
    return replace(
        layout,
        start=len((mark + "".join(above)).encode("utf-8", "surrogateescape")),
        lines=len(above) + (len(mark) > 1),
        comments=sum(COMMENT.match(line) is not None for line in above) - header.is_comment,
        encoding=encoding,
        commas=bool(number),
        parts=(*_parts(name, encoding, header, bool(cells)), *_comma_parts(name, number), *layout.parts),
    )


def _comma_parts(name: str, number: str) -> list[Part]:
    return [Part(name, "numbers with a decimal comma", f"such as {number}")] * bool(number)


def _check_width(lines: list[str], separator: str, name: str) -> None:
    """Raise FormatError for more columns than a table of connections has, as each is looked at many times.

    A graph may have its whole text in one line, and is no table.
    """
    if lines and GRAPH.match(lines[0]):
        return
    widest = max((len(line.split()) if separator == SPACES else line.count(separator) + 1 for line in lines), default=0)
    if widest > MOST_COLUMNS:
        raise FormatError(f"{name}: expected a table of at most {MOST_COLUMNS:,} columns, got {widest:,}; for more "
                          "neurons give an edge list (columns pre, post, weight) or a .npz")  # fmt: skip


def _first_lines(text: IO[str]) -> list[str]:
    """The lines up to the first ROWS that are no comments."""
    lines: list[str] = []
    rows = characters = 0
    while rows <= ROWS and len(lines) < MOST_COMMENTS and (characters < CHARACTERS or rows < 2):
        line = text.readline(LONGEST_LINE)
        if not line:
            break
        lines.append(line)
        characters += len(line)
        rows += bool(line.strip()) and not COMMENT.match(line)
    return lines


def _whole_rows(lines: list[str], separator: str) -> list[Row]:
    """The rows, without a last one whose quotes are open where the lines end."""
    rows = [(number, [_readable(cell) for cell in cells]) for number, cells in Records(lines, separator)]
    is_open = separator != SPACES and sum(line.count('"') for line in lines) % 2 == 1
    return rows[:-1] if is_open and len(rows) > 1 else rows


def _readable(cell: str) -> str:
    """The cell without spaces around it, with a mark in place of bytes that are not UTF-8."""
    cell = cell.strip()
    return cell if cell.isascii() else cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _with_columns(layout: Layout, header: Header, rows: list[list[str]], name: str) -> Layout:
    """The layout with the names of the columns, those that are left out, and the cells of the others."""
    widths = {len(row) for row in rows}
    width = widths.pop() if len(widths) == 1 else 0  # of all rows, 0 where they differ
    if header.names is None:
        names = [str(number) for number in range(1, (width or len(rows[0] if rows else ())) + 1)]
    else:
        names = [""] * header.has_row_names + header.names
    if width == len(names) - 1 and not names[-1]:  # the header alone ends with a separator
        names = names[:-1]
    blank = _blank(names, rows, width, layout)
    names += [""] * (len(blank) > 0 and width > len(names))
    dropped = (0,) if _is_index(names, rows, header) else ()
    layout = replace(layout, width=len(names), dropped=dropped, blank=blank)
    places = layout.places
    return replace(
        layout,
        columns=tuple(names[place] if layout.headed else str(number) for number, place in enumerate(places, 1)),
        rows=tuple(tuple(row[place] for place in places) for row in rows if len(row) == len(names)),
        parts=_column_parts(name, names, dropped, blank, header),
    )


def _blank(names: list[str], rows: list[list[str]], width: int, layout: Layout) -> tuple[int, ...]:
    """The places of columns without a name and with empty cells alone, at the end of lines that end with separators.

    Lines may also begin and end with a bar.
    """
    if not width or width - len(names) not in (0, 1):
        return ()
    has_name = [bool(name) and layout.headed for name in names] + [False] * (width - len(names))
    is_empty = [not has_name[place] and not any(row[place] for row in rows) for place in range(width)]
    count = next((number for number, empty in enumerate(reversed(is_empty)) if not empty), width)
    places = range(width - (count if layout.headed else min(count, 1)), width)
    if layout.separator == "|" and is_empty[0] and places:
        return (0, *places)
    is_matrix = not layout.headed and (len(rows) == width or any("" in row[:-1] for row in rows))  # blanks may be zeros
    return () if is_matrix or len(places) == width else tuple(places)


def _is_index(names: list[str], rows: list[list[str]], header: Header) -> bool:
    """Whether the first column has whole numbers and no name, as an index of pandas or the row names of R.

    That of a table without edges stays: it may be the ids of neurons, also beside their names.
    """
    cells, others = [row[0] for row in rows if row], names[1:]
    is_unnamed = header.names is not None and bool(others) and names[0].lower() in INDEX
    if not is_unnamed or not cells or any(whole_number(cell) is None for cell in cells) or set(cells) & set(others):
        return False
    has_edges = all(role_columns(others, EDGE_ROLES[role]) for role in ("pre", "post"))
    return has_edges or (header.has_row_names and is_count(cells, 1))


def _parts(name: str, encoding: str, header: Header, has_rows: bool) -> list[Part]:
    parts = [Part(name, f"text in {encoding.upper()[:6]}")] if encoding != "utf-8" else []
    if header.names is None and has_rows:
        parts.append(Part(name, "table without header", "columns are numbered from 1"))
    if header.title:
        parts.append(unused(f"{name}, row 1", f"a title above the header: {shown(header.title)}"))
    if header.is_comment:
        note = "a comment above the first row, with a word per column"
        parts.append(Part(f"{name}, row {header.lines}", "header", note))
    return parts


def _column_parts(
    name: str, names: Sequence[str], dropped: Sequence[int], blank: Sequence[int], header: Header
) -> tuple[Part, ...]:
    """The parts of columns that are left out, and of row names that are kept."""
    parts = []
    if dropped:
        note = "row names, as R writes them" if header.has_row_names else "whole numbers without a name, an index"
        parts.append(unused(f"{name}, column 1", note))
    elif header.has_row_names:
        parts.append(Part(f"{name}, column 1", "row names", "the header is one cell shorter than the rows"))
    parts += [unused(f"{name}, column {place + 1}", "no name, and all cells empty") for place in blank]
    return tuple(parts)
