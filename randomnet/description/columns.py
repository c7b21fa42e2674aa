"""Tables as text: aligned columns of limited width, in which long cells are wrapped."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

WIDTH = 110  # of all lines
GAP = 2  # spaces between columns


def aligned(rows: Sequence[Sequence[str]], limits: Sequence[int], indent: int = 4, width: int = WIDTH) -> Iterator[str]:
    """Yield the lines of a table whose first row is the header; long cells are wrapped, numbers are on the right.

    limits: the largest width of each column but the last, which has what is left of `width`. A row may start with one
    mark more than there are columns; it stands in the indent.
    """
    columns = len(limits) + 1
    cells = [row[-columns:] for row in rows]
    widths = [min(limit, max((len(row[place]) for row in cells), default=0)) for place, limit in enumerate(limits)]
    rest = max(20, width - indent - sum(widths) - GAP * len(widths))
    widths.append(min(rest, max((len(row[-1]) for row in cells), default=0)))
    sides = [">" if are_numbers([row[place] for row in cells[1:]]) else "<" for place in range(columns)]
    for row, row_cells in zip(rows, cells, strict=True):
        mark = row[0] if len(row) > columns else ""
        wrapped = [textwrap.wrap(cell, size) or [""] for cell, size in zip(row_cells, widths, strict=True)]
        for number, pieces in enumerate(zip_longest(*wrapped, fillvalue="")):
            start = f"{mark if number == 0 else '':>{indent - 1}} "
            texts = (f"{piece:{side}{size}}" for piece, side, size in zip(pieces, sides, widths, strict=True))
            yield (start + (" " * GAP).join(texts)).rstrip()


def are_numbers(texts: Sequence[str]) -> bool:
    """Whether the texts that are not empty are numbers."""
    return any(texts) and all(re.fullmatch(r"[\d,.e+]+ ?%?", text) for text in texts if text)
