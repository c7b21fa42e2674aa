"""Tables as text, in chunks: read by pandas, after all rows are known to have one cell per column.

pandas alone would pad or cut rows, take 7.2e17 for an id, and cut cells at a `#`.
"""

import csv
import io
import re
from collections.abc import Generator, Mapping
from contextlib import closing
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.tables.cells import KINDS, NO_VALUE, ROUNDED, TEXTS, Kind, is_rounded, shown
from randomnet.formats.tables.compression import BLOCK, DAMAGED, damaged
from randomnet.formats.tables.records import SPACES
from randomnet.formats.tables.survey import COMMENTS, Survey, check_header, survey_of, whole_lines
from randomnet.formats.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

CELLS = 2_000_000  # per chunk
MISSING = (*NO_VALUE, "", "-", ".", "inf", "-inf", "#n/a")  # cells without a weight


def frames(table: Table, kinds: Mapping[str, str]) -> "Generator[pd.DataFrame]":
    """The columns in `kinds`, chunk by chunk; whole numbers that are written as floats come as texts.

    Raises FormatError with the row.
    """
    dtypes: dict[str, Any] = {column: "category" for column, kind in kinds.items() if kind in TEXTS}
    whole = {column for column, kind in kinds.items() if KINDS[kind].is_whole}
    try:
        survey = survey_of(table)
        if not survey.even:
            raise explained(table, {}, "rows of different lengths")
        done, ended, blanks = 0, False, "entry" in kinds.values()
        while not ended:
            with closing(_parsed(table, survey, list(kinds), dtypes, blanks)) as parts:
                for frame in islice(parts, done, None):
                    if altered := _altered(frame, whole, dtypes):
                        dtypes |= dict.fromkeys(altered, object)
                        break
                    yield frame
                    done += 1
                else:
                    ended = True
    except DAMAGED as error:
        raise damaged(table, error) from None
    except FormatError:
        raise
    except (ValueError, OverflowError, csv.Error) as error:
        raise explained(table, kinds, error) from None


def _altered(frame: "pd.DataFrame", whole: set[str], dtypes: Mapping[str, Any]) -> list[str]:
    """The columns whose texts pandas has not kept: floats for `3.0`, but also for 7.2e17; numbers for categories."""
    floats = [column for column in whole if column not in dtypes and frame[column].dtype.kind == "f"]
    categories = [column for column, dtype in dtypes.items() if dtype == "category"]
    return floats + [column for column in categories if frame[column].cat.categories.dtype.kind in "iufb"]


class _Uncommented(io.RawIOBase):
    """The lines of a file without comments."""

    def __init__(self, file: IO[bytes]) -> None:
        self._pieces, self._rest = whole_lines(file), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = COMMENTS.sub(b"", piece)
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _parsed(
    table: Table, survey: Survey, columns: list[str], dtypes: Mapping[str, Any], blanks: bool
) -> "Generator[pd.DataFrame]":
    """The columns, chunk by chunk, as pandas reads them with dtypes for some. blanks: whether empty cells are nan."""
    with table.data() as file:
        if not survey.plain:
            yield from _rewritten(table, columns, dtypes, blanks)
            return
        source = io.BufferedReader(_Uncommented(file), BLOCK) if survey.comments else file
        with io.TextIOWrapper(source, "utf-8", newline="") as text:
            yield from _by_pandas(table, text, table.separator, survey.quoted, columns, dtypes, blanks)


def _rewritten(
    table: Table, columns: list[str], dtypes: Mapping[str, Any], blanks: bool
) -> "Generator[pd.DataFrame]":
    """As `_parsed` for rows that pandas would take for others: with quotes among comments or spaces."""
    with table.records() as records:
        rows = (cells for _, cells in records)
        while chunk := list(islice(rows, _rows_per_chunk(table))):
            text = io.StringIO(newline="")
            csv.writer(text).writerows(chunk)
            text.seek(0)
            yield from _by_pandas(table, text, ",", True, columns, dtypes, blanks)


def _by_pandas(
    table: Table, text: IO[str], separator: str, quoted: bool, columns: list[str], dtypes: Mapping[str, Any],
    blanks: bool,
) -> "Generator[pd.DataFrame]":
    import pandas as pd

    places = dict(zip(table.columns, table.layout.places, strict=True))
    blank = {f"\0{place}": place for place in table.layout.blank}  # no column of a text has this name
    read = {column: places[column] for column in columns} | blank
    names = sorted(read, key=read.__getitem__)
    # numbers get no dtype: with int64, pandas would accept 7.2e17 as an id; without, its dtype reveals the text
    is_all = len(names) == table.layout.width
    with pd.read_csv(
        text, sep=r"\s+" if separator == SPACES else separator, header=None, names=names, index_col=False,
        usecols=None if is_all else sorted(read.values()), dtype={**dtypes, **dict.fromkeys(blank, str)},
        na_filter=blanks, keep_default_na=False, na_values=[""], low_memory=False, skipinitialspace=quoted,
        chunksize=_rows_per_chunk(table),
    ) as frames:  # fmt: skip
        for frame in frames:
            if any(str(cell).strip() for column in blank for cell in frame[column].fillna("").unique()):
                raise explained(table, {}, "")
            yield frame


def _rows_per_chunk(table: Table) -> int:
    return max(1, CELLS // max(1, table.layout.width))


def explained(table: Table, kinds: Mapping[str, str], error: object) -> FormatError:
    """The error for the first wrong row or cell of a CSV, which is parsed again to find it."""
    width, places = table.layout.width, dict(zip(table.columns, table.layout.places, strict=True))
    rules: list[tuple[int, str, Kind]] = [(places[column], column, KINDS[kind]) for column, kind in kinds.items()]
    try:
        check_header(table)
        with table.records() as rows:
            for number, cells in rows:
                if len(cells) != width:
                    counts = f"expected {width} cells, one per column, got {len(cells)}"
                    return FormatError(f"{table}, row {number}: {counts}")
                if any("\0" in cell for cell in cells):
                    return FormatError(f"{table}, row {number}: expected a text, got the character NUL in it")
                for place in table.layout.blank:
                    if cells[place].strip():
                        actual = f"{shown(cells[place])!r} in column {place + 1}, which has no name"
                        return FormatError(f"{table}, row {number}: expected no cell without a name, got {actual}")
                for place, column, rule in rules:
                    if not rule.holds(cells[place]):
                        return wrong_cell(table, number, column, rule, cells[place])
    except DAMAGED as damage:
        return damaged(table, damage)
    except UnicodeDecodeError as other:
        return _not_utf8(table) or FormatError(f"{table}: expected a text, got {one_line(other)}")
    except (ValueError, csv.Error) as other:
        return FormatError(f"{table}: expected a table as text in UTF-8, got {one_line(other)}")
    return FormatError(f"{table}: expected a table as text, got {one_line(error)}")


def wrong_cell(table: Table, row: int, column: str, rule: Kind, cell: object) -> FormatError:
    """The error for a cell that its kind does not allow."""
    actual = repr(cell[:80] if isinstance(cell, str) else cell) if str(cell).strip() else "an empty cell"
    advice = ROUNDED if rule is KINDS["id"] and is_rounded(str(cell)) else _notation(rule, str(cell))
    return FormatError(f"{table}, row {row}, column {shown(column)}: expected {rule.expected}, got {actual}{advice}")


def _notation(rule: Kind, cell: str) -> str:
    """Advice for a number with a decimal comma, separators of thousands or a typographic minus, and for no value."""
    if "f" not in rule.dtypes:
        return ""
    text = cell.strip()
    if text.lower() in MISSING and rule is not KINDS["share"]:
        return ": write 0 where there is no connection"
    if re.fullmatch(r"[−–—‒][0-9.,]+", text):
        return ": negative numbers begin with -, the hyphen"
    is_other = re.fullmatch(r"[+-]?[0-9]+([.,' \u00a0\u202f][0-9]+)+", text)
    return ": numbers have a decimal point, and no other separators" if is_other else ""


def _not_utf8(table: Table) -> FormatError | None:
    """The error for the first row with bytes that are not UTF-8."""
    with table.open() as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                text = line[max(0, error.start - 20) : error.start + 20].decode("latin-1")
                advice = "save it as UTF-8, or run iconv -f LATIN1 -t UTF-8"
                actual = f"byte {line[error.start]:#x} in {one_line(text)!r}: {advice}"
                return FormatError(f"{table}, row {number}: expected a table as text in UTF-8, got {actual}")
    return None


def first_row_with(table: Table, column: str, text: str) -> tuple[int, str]:
    """The row and the cell of a column that is the first to equal a text, apart from spaces around it."""
    place = table.layout.places[table.columns.index(column)]
    with table.records() as rows:
        return next((number, cells[place]) for number, cells in rows if cells[place].strip() == text)
