"""Rows of tables as text: cells of a line, comments between rows, and numbers of lines."""

import csv
import re
from collections.abc import Iterable, Iterator

LONGEST_LINE = 1 << 26  # characters; a matrix of a million ids is shorter
SPACES = " "  # the separator of tables whose cells are separated by runs of spaces and tabs
COMMENT = re.compile(r"[ \t]*[#%]")
csv.field_size_limit(LONGEST_LINE)


class Records:
    """The rows of text lines as (number of the line, cells); blank lines and comments between rows are skipped.

    start: the number of lines above the first. `comments` counts the comments up to the present row.
    """

    def __init__(self, lines: Iterable[str], separator: str, start: int = 0) -> None:
        self.lines, self.separator = lines, separator
        self.number, self.comments = start, 0
        self._is_between = True

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        if self.separator == SPACES:
            rows: Iterable[list[str]] = map(_spaced, self._without_comments())
        else:
            rows = csv.reader(self._without_comments(), delimiter=self.separator, skipinitialspace=True)
        for cells in rows:
            self._is_between = True
            if len(cells) > 1 or "".join(cells).strip():
                yield self.number, cells

    def _without_comments(self) -> Iterator[str]:
        for line in self.lines:
            self.number += 1
            if self._is_between and COMMENT.match(line):  # not inside a cell of several lines
                self.comments += 1
                continue
            self._is_between = False
            yield line
            self._is_between = self._is_between or self.separator == SPACES


def _spaced(line: str) -> list[str]:
    """The cells of a line that are separated by spaces or tabs; a cell in quotes may have spaces."""
    line = line.strip(" \t\r\n")
    if '"' not in line:
        return re.split(r"[ \t]+", line)
    cells = re.findall(r'"((?:[^"]|"")*)"(?=[ \t]|$)|([^ \t]+)', line)
    return [plain or quoted.replace('""', '"') for quoted, plain in cells]
