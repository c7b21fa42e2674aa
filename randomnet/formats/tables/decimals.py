"""Numbers with a decimal comma, as R's write.csv2 and spreadsheets of many countries write them, read with a point.

A comma is replaced by a point, so that lines keep their length.
"""

import io
import re
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import IO

from randomnet.formats.files import FormatError
from randomnet.formats.spellings import EDGE_ROLES, NODE_ROLES, POST_WORDS, PRE_WORDS, role_columns, words_of
from randomnet.formats.tables.cells import NO_VALUE, WHOLE
from randomnet.formats.tables.records import SPACES

BEFORE, AFTER = r"[+-]?[0-9]+", r"[0-9]+(?:[eE][+-]?[0-9]+)?"  # of the mark
COMMA, POINT = (re.compile(BEFORE + mark + AFTER) for mark in (",", r"\."))
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")  # may be as well 1,234 for 1234


@cache
def _cells(separator: str, mark: str) -> re.Pattern[str]:
    """Cells that are numbers with a mark; groups: the number before it, and the one after it."""
    ends = rf'[^{separator}"\r\n]' if separator != SPACES else r'[^ \t"\r\n]'
    return re.compile(rf"(?<!{ends})( *{BEFORE}){re.escape(mark)}({AFTER} *)(?!{ends})")


def decimal_comma(rows: Sequence[Sequence[str]], separator: str) -> str:
    """The first number with a decimal comma in rows of cells; "" where there is none.

    None counts beside numbers with a point, beside texts in its column, or where all may be thousands, such as 1,234;
    and none where ids of neurons have commas.
    """
    if separator == "," or _are_ids(rows):
        return ""
    numbers: list[str] = []
    for cells in zip_longest(*rows, fillvalue=""):
        with_comma = [cell for cell in cells if COMMA.fullmatch(cell)]
        below_header = [cell for cell in cells[1:] if cell.lower() not in NO_VALUE and cell not in with_comma]
        if any(POINT.fullmatch(cell) for cell in cells) or (with_comma and not all(map(_is_whole, below_header))):
            return ""
        numbers += with_comma
    return "" if all(map(THOUSANDS.fullmatch, numbers)) else numbers[0]


def _are_ids(rows: Sequence[Sequence[str]]) -> bool:
    """Whether texts such as 1,2 are ids: in columns of neurons by the header, or of rows and columns of a matrix."""
    header, *below = rows or [[]]
    columns = [list(cells) for cells in zip_longest(*below, fillvalue="")]
    named = [cells for name, cells in zip(header, columns, strict=False) if _names_neurons(name)]
    if any(_is_fraction(cell) for cells in named for cell in cells):
        return True
    ids, corner = [row[0] for row in below if row], header[:1]
    of_columns = header[1:] if len(header) == len(columns) else header
    has_corner = len(header) != len(columns) or not any(map(_is_number, corner))
    return has_corner and any(map(_is_fraction, ids)) and ids == list(of_columns[: len(ids)])


def _names_neurons(name: str) -> bool:
    """Whether the header calls a column the neurons of one end, or the ids of neurons."""
    roles = (EDGE_ROLES["pre"], EDGE_ROLES["post"], NODE_ROLES["id"])
    ends = {*PRE_WORDS, *POST_WORDS} & set(words_of(name))
    return bool(ends and {"id", "name"} & set(words_of(name))) or any(role_columns([name], role) for role in roles)


def _is_fraction(cell: str) -> bool:
    return COMMA.fullmatch(cell) is not None and cell.split(",")[1].strip("0") != ""


def _is_number(cell: str) -> bool:
    return _is_whole(cell) or COMMA.fullmatch(cell) is not None


def _is_whole(cell: str) -> bool:
    return WHOLE.fullmatch(cell) is not None


def with_points(text: str, separator: str) -> str:
    """The text with a point in all numbers with a decimal comma."""
    return _cells(separator, ",").sub(r"\1.\2", text)


class Pointed(io.RawIOBase):
    """A text in UTF-8 with a point in all numbers with a decimal comma.

    Reading raises FormatError for a number with a point, which may mark thousands. place: of the text, for the error.
    """

    def __init__(self, file: IO[bytes], separator: str, place: str) -> None:
        self._lines, self._separator, self._place, self._rest = iter(file), separator, place, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = self._next(len(buffer))
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        """The next lines, of at least this size where there are so many."""
        lines, length = [], 0
        for line in self._lines:
            lines.append(line)
            length += len(line)
            if length >= size:
                break
        text = b"".join(lines).decode("utf-8", "surrogateescape")
        if match := _cells(self._separator, ".").search(text):
            expected = "numbers with a decimal comma, as in the first rows"
            actual = f"{match[0].strip()!r}, in which the point may mark thousands"
            raise FormatError(f"{self._place}: expected {expected}, got {actual}")
        return with_points(text, self._separator).encode("utf-8", "surrogateescape")
