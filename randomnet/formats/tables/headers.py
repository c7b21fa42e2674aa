"""The separator and the header of a table as text, told by its first rows.

A first row is a header where it has a text above numbers, an empty corner, or a known spelling of a column. R's tables
have a header that is one cell shorter than the rows; np.savetxt writes the header as a comment.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from randomnet.formats.spellings import EDGE_ROLES, NODE_ROLES, normalized
from randomnet.formats.tables.cells import NO_VALUE, NUMBER, repeated_name, without_r_prefix
from randomnet.formats.tables.records import COMMENT, SPACES, Records

SEPARATORS = (",", "\t", ";", "|")
FRACTION = re.compile(r"\s*\"?[+-]?[0-9]*(,[0-9]+)?([eE][+-]?[0-9]+)?\"?\s*")  # a number with a decimal comma or none
FEW = 4  # columns; a comment of as many words may be a sentence
NEUTRAL = (*NO_VALUE, "inf", "-inf")  # cells that are neither a text nor a number
SPELLINGS = frozenset(spelling for roles in (EDGE_ROLES, NODE_ROLES) for role in roles.values()
                      for spelling in role.spellings)  # fmt: skip

Row = tuple[int, list[str]]  # number of its last line, cells


class Header(NamedTuple):
    """The header of a table.

    names: of the columns, None without a header. lines: up to the header. has_row_names: whether the rows have one
    cell more, their name. is_comment: whether the header is in a comment. title: the only cell of the row above it.
    """

    names: list[str] | None = None
    lines: int = 0
    has_row_names: bool = False
    is_comment: bool = False
    title: str = ""


def separator_of(lines: Sequence[str]) -> str:
    """The separator of the cells of lines without comments: the one that gives all lines the same number of cells.

    " " is for runs of spaces and tabs. Where several do, the one with most cells; where none does, the most frequent
    one in the first line.
    """
    if not lines:
        return ","
    separator = _even_separator(lines) or (_even_separator(lines[1:]) if len(lines) > 3 else "")  # below a title
    if separator:
        return separator
    if any(separator in lines[0] for separator in SEPARATORS):
        return max(SEPARATORS, key=lines[0].count)
    spaced = _counts(lines, SPACES)
    return SPACES if spaced[0] > 1 and 2 * spaced.count(spaced[0]) > len(lines) else ","


def _even_separator(lines: Sequence[str]) -> str:
    """The separator that gives all lines the same number of cells, the most where several do; "" without one."""
    present = [separator for separator in SEPARATORS if any(separator in line for line in lines)]
    counts = {separator: _counts(lines, separator) for separator in present}
    even = {separator: widths for separator, widths in counts.items() if _is_even(widths)}
    if ";" in even and all(FRACTION.fullmatch(cell) for line in lines for cell in line.strip().split(";")):
        return ";"  # 0,5;1,5
    if even:
        return max(even, key=lambda separator: even[separator][-1])
    return SPACES if _is_even(_counts(lines, SPACES)) else ""


def _counts(lines: Sequence[str], separator: str) -> list[int]:
    """The number of cells of each row, without a last row whose quotes are open where the lines end."""
    counts = [len(cells) for _, cells in Records(lines, separator)]
    is_open = separator != SPACES and sum(line.count('"') for line in lines) % 2 == 1
    return counts[:-1] if is_open and len(counts) > 1 else counts or [0]


def _is_even(widths: list[int]) -> bool:
    """Whether all rows have equally many cells, above one; the first may have one more or less."""
    rows = widths[1:] or widths
    return len(set(rows)) == 1 and min(widths) > 1 and abs(widths[0] - rows[0]) <= 1


def header_of(lines: Sequence[str], rows: Sequence[Row], separator: str) -> Header:
    """The header above or in the first rows. lines: of the file, with comments. rows: without comments."""
    if not rows:
        return Header()
    if title := title_of(rows):
        return Header(rows[1][1], rows[1][0], title=title)
    number, first = rows[0]
    rest = [cells for _, cells in rows[1:]]
    if _has_row_names(first, rest, lines[number - 1], separator):
        return Header(first, number, has_row_names=True)
    if is_header(first, rest):
        return Header(first, number)
    above = lines[number - 2] if number > 1 else ""
    words = _words(above, separator) if COMMENT.match(above) else []
    if len(words) == len(first) > 1 and _are_names(words, separator):
        return Header(words, number - 1, is_comment=True)
    return Header()


def title_of(rows: Sequence[Row]) -> str:
    """The text of a first row with one cell in it, where the second row is a header, and has a name for each column."""
    cells = [[cell for cell in row if cell] for _, row in rows[:2]]
    rest = [row for _, row in rows[2:]]
    is_title = len(cells) == 2 and len(cells[0]) == 1 < len(cells[1]) and _is_text(cells[0][0])
    is_above_header = is_title and {len(row) for row in rest} == {len(cells[1])} and is_header(rows[1][1], rest)
    return cells[0][0] if is_above_header else ""


def is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is a header above the rest."""
    columns = list(zip(first, zip(*rest, strict=False), strict=False))
    if any(_is_text(cell) and _are_numbers(below) for cell, below in columns):
        return True
    if _names_both_ends(first):  # as pandas writes counts of groups: pre,post,0
        return True
    if first[0] and any(_is_number(cell) and _are_numbers(below) for cell, below in columns):
        return False
    has_corner = bool(rest) and len(first) > 1 and not first[0] and all(row[0] for row in rest)
    below = {cell for row in rest for cell in row}
    has_ids = has_corner and all(_is_number(row[0]) for row in rest) and not below & set(first[1:])
    has_names = (len(first) > 2 or has_ids) and all(first[1:]) and repeated_name(first[1:]) is None
    return (has_corner and has_names) or any(_is_spelled(cell) for cell in first if cell not in below)


def _names_both_ends(cells: Sequence[str]) -> bool:
    """Whether cells are names of columns of pre- and postsynaptic neurons, and not of neurons such as u or cell1."""
    words = {normalized(cell) for cell in cells}
    words = {word for word in words if len(word) > 1 and word.isalpha()}
    return all(words & set(EDGE_ROLES[role].spellings) for role in ("pre", "post"))


def _has_row_names(first: Sequence[str], rest: Sequence[Sequence[str]], line: str, separator: str) -> bool:
    """Whether the header is one cell shorter than the rows, which begin with names, as R's write.table writes it.

    line: the header as it is in the file.
    """
    if len(rest) < 2 or {len(row) for row in rest} != {len(first) + 1} or not any(row[-1] for row in rest):
        return False
    names = [row[0] for row in rest]
    if repeated_name(names) is not None:
        return False
    is_matrix = 2 * len(set(names) & {*first, *without_r_prefix(first, names)}) >= len(names)
    are_names = is_count(names, 1) or not all(map(_is_number, names))
    return is_matrix or (are_names and ('"' in line or separator in (SPACES, "\t")))


def _words(comment: str, separator: str) -> list[str]:
    """The cells of a comment; where the separator is not in it, its words."""
    text = comment.lstrip(" \t#%")
    row = next(iter(Records([text], separator if separator in text else SPACES)), (0, []))
    return [cell.strip() for cell in row[1]]


def _are_names(words: Sequence[str], separator: str) -> bool:
    """Whether the words of a comment are names of columns, and neither numbers nor a sentence."""
    is_list = len(words) > FEW or separator != SPACES or any(normalized(word) in SPELLINGS for word in words)
    return is_list and any(map(_is_text, words)) and repeated_name(words) is None


def is_count(cells: Sequence[str], start: int) -> bool:
    """Whether the cells are consecutive whole numbers from the start."""
    return bool(cells) and list(cells) == [str(start + row) for row in range(len(cells))]


def _is_spelled(cell: str) -> bool:
    """Whether a cell is a known name of a column; a single letter may be a neuron."""
    name = normalized(cell)
    return len(name) > 1 and name in SPELLINGS


def _are_numbers(cells: Iterable[str]) -> bool:
    """Whether the cells that have a value are numbers, and there is one."""
    cells = [cell for cell in cells if cell.lower() not in NEUTRAL]
    return bool(cells) and all(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, or several with spaces between."""
    return bool(cell) and all(re.fullmatch(NUMBER, word) for word in cell.split())


def _is_text(cell: str) -> bool:
    return not _is_number(cell) and cell.lower() not in NEUTRAL
