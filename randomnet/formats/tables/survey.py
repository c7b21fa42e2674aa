"""What one pass over the lines of a table as text tells, before pandas reads it: even rows, comments, quotes."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from randomnet.formats.tables.compression import BLOCK
from randomnet.formats.tables.records import LONGEST_LINE, SPACES

if TYPE_CHECKING:
    from randomnet.formats.tables.table import Table

COMMENTS = re.compile(rb"^[ \t]*[#%][^\n]*(\n|\Z)", re.MULTILINE)
SPACE, TAB, LINE, RETURN = b" \t\n\r"
ZERO, NINE = b"09"
PADDED = re.compile(r"0[0-9]")  # the begin of a cell such as 001


class Survey(NamedTuple):
    """What a pass over all lines tells.

    even: whether all rows have one cell per column, and no NUL, at which pandas would cut a cell. comments: lines of
    comments below the header. plain: whether pandas reads the rows as they are, once comments are taken out. quoted:
    whether cells have quotes. padded: whether a cell may begin with zeros before other digits, as 001 does.
    """

    even: bool
    comments: int
    plain: bool = True
    quoted: bool = False
    padded: bool = False


def survey_of(table: "Table") -> Survey:
    """What a pass over all lines tells, read once per version of a file."""
    state = table.path.stat()
    return _survey(table, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _survey(table: "Table", size: int, time: int) -> Survey:
    comments, is_padded = 0, False
    check_header(table)
    with table.data() as file:
        for lines in whole_lines(file):
            if b'"' in lines or _has_lone_return(lines):
                return _parsed_survey(table)
            if b"#" in lines or b"%" in lines:
                lines, count = COMMENTS.subn(b"", lines)
                comments += count
            if b"\0" in lines or not _even_lines(lines, table.separator, table.layout.width):
                return Survey(False, comments)
            is_padded = is_padded or _has_padded(lines, table.separator)
    return Survey(True, comments, padded=is_padded)


def _parsed_survey(table: "Table") -> Survey:
    """The survey of a file with quotes or other line ends, which is parsed, more slowly.

    pandas fails for some quotes in chunks of a file whose lines end with a carriage return alone.
    """
    with table.data() as file:
        is_plain = table.separator != SPACES and not any(map(_has_lone_return, whole_lines(file)))
    is_even, is_padded = True, False
    with table.records() as rows:
        for _, cells in rows:
            is_even = is_even and len(cells) == table.layout.width and "\0" not in "".join(cells)
            is_padded = is_padded or any(PADDED.match(cell.strip()) for cell in cells)
        return Survey(is_even, rows.comments, is_plain and not rows.comments, quoted=True, padded=is_padded)


def _has_lone_return(lines: bytes) -> bool:
    return lines.count(b"\r") != lines.count(b"\r\n")


def whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The file in pieces, each of whole lines."""
    rest = b""
    while block := file.read(BLOCK):
        lines, newline, rest = (rest + block).rpartition(b"\n")
        yield lines + newline
        if len(rest) > LONGEST_LINE:  # no table, or other line ends
            yield rest
            rest = b""
    yield rest + b"\n"


def _even_lines(lines: bytes, separator: str, width: int) -> bool:
    """Whether whole lines without quotes and comments have one cell per column; blank lines are ignored."""
    if separator == SPACES:
        return _even_spaced_lines(lines, width)
    text = np.frombuffer(lines, np.uint8)
    boundaries = np.flatnonzero((text == LINE) | (text == ord(separator)))
    ends = np.flatnonzero(text[boundaries] == LINE)
    cells = np.diff(ends, prepend=-1)
    starts = np.append(0, boundaries[ends] + 1)
    uneven = np.flatnonzero(cells != width).tolist()
    return not any(lines[starts[line] : starts[line + 1]].strip() for line in uneven)


def _has_padded(lines: bytes, separator: str) -> bool:
    """Whether a cell of whole lines without quotes may begin as 001 does, after spaces or not."""
    text = np.frombuffer(lines, np.uint8)
    zeros = np.flatnonzero(text[:-1] == ZERO)
    zeros = zeros[(text[zeros + 1] >= ZERO) & (text[zeros + 1] <= NINE)]
    before = text[np.maximum(zeros - 1, 0)]
    return bool(((zeros == 0) | np.isin(before, [ord(separator), LINE, SPACE, TAB])).any())


def _even_spaced_lines(lines: bytes, width: int) -> bool:
    """As `_even_lines` for cells that are separated by runs of spaces and tabs."""
    text = np.frombuffer(lines, np.uint8)
    is_line = text == LINE
    is_space = is_line | (text == SPACE) | (text == TAB) | (text == RETURN)
    begins = ~is_space
    begins[1:] &= is_space[:-1]
    line_of_cells = np.cumsum(is_line)[begins]
    cells = np.bincount(line_of_cells, minlength=1)
    return bool(((cells == width) | (cells == 0)).all())


def check_header(table: "Table") -> None:
    """Raise UnicodeDecodeError where the lines above the rows are not UTF-8, which the rows alone do not show."""
    with table.open() as file:
        if table.layout.encoding == "utf-8":
            file.read(table.layout.start).decode()
