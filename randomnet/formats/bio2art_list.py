"""CSV lists of connections as bio2art's `from_list` reads them: source, target, ..., value, one more column.

Neurons are texts, in the order in which they first occur. The value is the second-last column, or the third of three.
Rows with an empty cell are left out. In difference to `from_list`, the last row counts, a header is recognised by its
value that is no number, and the values of equal pairs are summed.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, assemble
from randomnet.formats.contents import Part, recorded, unused
from randomnet.formats.files import FormatError, checksums
from randomnet.formats.interpretation import with_file_signs
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import with_signs

MISSING = "transmitters, which a list of bio2art does not have: use auto (the signs of its values) or none"


def read_bio2art_list(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a list; under sign_policy `auto`, negative values are inhibitory. Raises FormatError."""
    options.refuse(path, roi="a list has no ROIs", rows="the first column is presynaptic")
    rows = list(_rows(path))
    complete = [row for row in rows if all(row)]
    names = list(dict.fromkeys(name for row in complete for name in row[:2]))
    index = {name: number for number, name in enumerate(names)}
    pre, post = (np.array([index[row[side]] for row in complete], np.int64) for side in (0, 1))
    weights = np.array([float(row[_value_column(row)]) for row in complete])
    is_signed = options.sign_policy == "auto" and bool((weights < 0).any())
    notes = {"source": "list of bio2art", "synthetic": False, "rows_read": len(rows),
             "rows_incomplete": len(rows) - len(complete), "files": checksums([path]),
             **recorded(_parts(path, max(map(len, complete), default=0), len(rows) - len(complete)))}  # fmt: skip
    values = weights if is_signed else np.abs(weights)
    connectome = assemble(path.name.split(".")[0], np.array(names), pre, post, values, None, notes, options, path)
    return with_file_signs(connectome) if is_signed else with_signs(connectome, options.sign_policy, missing=MISSING)


def _parts(path: Path, width: int, incomplete: int) -> list[Part]:
    """What is used of the columns of a list, and the rows that are left out."""
    uses = {0: "presynaptic neuron", 1: "postsynaptic neuron", (2 if width == 3 else width - 2): "weight"}
    columns = [Part(f"{path.name}, column {place + 1}", use) for place, use in uses.items()]
    columns += [unused(f"{path.name}, column {place + 1}") for place in range(width) if place not in uses]
    return columns + [unused(f"{path.name}, {incomplete:,} rows", "a cell is empty")] * (incomplete > 0)


def _rows(path: Path) -> Iterator[list[str]]:
    """The cells of each row below a header, if there is one. Raises FormatError."""
    expected = "a CSV of source, target, value, or of source, target, ..., value, one more column"
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.reader(file), 1):
                row = [cell.strip() for cell in cells]
                if not any(row):
                    continue
                if len(row) < 3:
                    raise FormatError(f"{path}, row {number}: expected {expected}, got {len(row)} columns")
                value = row[_value_column(row)]
                if not value or _is_number(value):
                    yield row
                elif number > 1 or _is_number(value, finite=False):
                    raise FormatError(f"{path}, row {number}: expected {expected}, got the value {value!r}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path}: expected {expected}, got {' '.join(str(error).split())}") from None


def _value_column(row: list[str]) -> int:
    return 2 if len(row) == 3 else len(row) - 2


def _is_number(text: str, finite: bool = True) -> bool:
    """Whether the text is a number; with `finite`, neither nan nor infinite."""
    try:
        return math.isfinite(float(text)) or not finite
    except ValueError:
        return False


BIO2ART_LIST = Format(
    read_bio2art_list,
    "a CSV list as bio2art's from_list reads it (source, target, ..., value, one more column)",
    signs="the signs of the values",
    source="Goulas et al., bio2art",
)
