"""Tables in files: found by content, streamed in chunks with exact integers, and errors that name row and column.

A table is a CSV (also .gz, or a member of a .tar.gz, read without unpacking it to disk) or, where pyarrow is
installed, a parquet or feather file. What a file is, its first bytes say, never its name.
"""

import codecs
import csv
import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from randomnet.formats import arrow
from randomnet.formats.files import FormatError, one_line

if TYPE_CHECKING:
    import pandas as pd

MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"\x80": "pickle",
}
TREES = {b"{": "json", b"<": "xml"}  # texts that are no table; no header starts so
GZIP = b"\x1f\x8b"
CELLS = 2_000_000  # read at a time
BLOCK = 1 << 20  # bytes looked at together
LONGEST_LINE = 1 << 24  # characters; a matrix of a million ids would be shorter
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError)
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True)
class Kind:
    """What the cells of a column may be: in a CSV, a text the pattern matches; read, a value that is `valid`."""

    expected: str
    pattern: str
    dtypes: str  # NumPy's letters for how pandas may have read it
    valid: Callable[[np.ndarray], np.ndarray] | None = None

    def holds(self, cell: str) -> bool:
        """Whether a cell is of this kind."""
        if not re.fullmatch(self.pattern, cell.strip()):
            return False
        if self.dtypes == "i" and not -(2**63) <= int(cell) < 2**63:
            return False
        return self.valid is None or bool(self.valid(np.array([float(cell.strip() or "nan")]))[0])


INTEGER, NUMBER = r"[+-]?[0-9]+", r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
ROUNDING = 1e-6  # of probabilities in 32 bits
KINDS: dict[str, Kind] = {
    "id": Kind("an id as a whole number of 64 bits", INTEGER, "i"),
    "count": Kind("a count >= 0 as a whole number", INTEGER, "i", lambda values: values >= 0),
    "weight": Kind("a weight >= 0", NUMBER, "if", lambda values: np.isfinite(values) & (values >= 0)),
    "signed": Kind("a number", NUMBER, "if", np.isfinite),
    "sign": Kind("a sign (1, -1 or 0)", r"[+-]?1(\.0*)?|[+-]?0(\.0*)?", "if", lambda v: np.isin(v, (-1, 0, 1))),
    "share": Kind("a probability (0 to 1) or nothing", rf"({NUMBER}|(?i:nan))?", "if",
                  lambda values: np.isnan(values) | ((values >= 0) & (values <= 1 + ROUNDING))),
    "text": Kind("a text", r"(?s).*", "OU"),
    "category": Kind("a text", r"(?s).*", "OU"),
}


@dataclass(frozen=True)
class Table:
    """One table (or array) in a file; `columns` is empty where it is none."""

    path: Path
    kind: str  # csv, json, xml, parquet, feather, npy, npz, pickle, or "" for something else
    columns: tuple[str, ...] = ()
    first: tuple[str, ...] = ()  # the cells of the first row of a CSV
    separator: str = ","
    member: str = ""  # of a tar archive
    headed: bool = True  # whether the first row of a CSV has the names of the columns

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def has(self, *columns: str) -> bool:
        """Whether it has all these columns."""
        return set(columns) <= set(self.columns)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, decompressed."""
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(open(self.path, "rb"))
            if self.member:
                tar = stack.enter_context(tarfile.open(fileobj=file, mode="r:*"))
                file = next(tar.extractfile(info) for info in tar if info.name == self.member)
            yield _decompressed(file)

    def rows_of(self, column: str, value: int) -> Iterator[int]:
        """The rows (1 is the header) of the cells of `column` that are the integer `value`."""
        if self.kind != "csv":
            return arrow.rows_of(self.path, self.kind, column, value)
        index = self.columns.index(column)
        return (number for number, cells in _rows(self) if int(cells[index]) == value)


def tables_in(path: Path) -> list[Table]:
    """What the files of a folder, the members of a tar archive, or the one file `path` hold, by name."""
    if path.is_dir():
        return [_peek(file, file) for file in sorted(path.iterdir()) if file.is_file()]
    if not path.is_file():
        raise FormatError(f"{path}: expected a file or a folder, got nothing of this name")
    if not _is_tar(path):
        return [_peek(path, path)]
    state = path.stat()
    return list(_members(path, state.st_size, state.st_mtime_ns))


def names_of(tables: Iterable[Table]) -> str:
    """The file names, or names in an archive, of the first four tables."""
    return ", ".join(table.member or table.path.name for table in islice(tables, 4))


def beside(table: Table) -> list[Table]:
    """What the other files in a table's folder hold; those that cannot be read are passed over."""
    found = []
    for path in sorted(table.path.parent.iterdir()):
        if path.is_file() and path != table.path:
            with suppress(FormatError):
                found.append(_peek(path, path))
    return found


def checksums(tables: Iterable[Table]) -> dict[str, str]:
    """File name -> sha256 of the file, as provenance records it; of an archive, the archive's."""
    return {path.name: _sha256(path) for path in sorted({table.path for table in tables})}


def stream(table: Table, kinds: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The columns named in `kinds` (column -> name in KINDS), chunk by chunk: NumPy arrays, checked.

    A `category` comes as pandas.Categorical, ids and counts as int64 that were never floats. Raises FormatError with
    file, row and column.
    """
    missing = [column for column in kinds if column not in table.columns]
    if missing:
        came = ", ".join(table.columns[:12]) or "no table"
        raise FormatError(f"{table}: expected a column {missing[0]}, got {came}")
    if twice := [column for column in table.columns if table.columns.count(column) > 1]:
        raise FormatError(f"{table}, row 1: expected different names of columns, got {twice[0]!r} {len(twice)} times")
    chunks = _csv_chunks(table, kinds) if table.kind == "csv" else arrow.chunks(table.path, table.kind, list(kinds))
    row = 2 if table.headed else 1
    for frame in chunks:
        yield {column: _column(table, frame, column, kind, row) for column, kind in kinds.items()}
        row += len(frame)


def whole(table: Table, kinds: Mapping[str, str]) -> dict[str, np.ndarray]:
    """All rows of the columns named in `kinds`, as `stream` gives them; texts as str."""
    parts = list(stream(table, kinds))
    empty = {column: np.zeros(0, str if kinds[column] == "text" else np.int64) for column in kinds}
    return {column: np.concatenate([part[column] for part in parts]) for column in kinds} if parts else empty


def _csv_chunks(table: Table, kinds: Mapping[str, str]) -> "Iterator[pd.DataFrame]":
    import pandas as pd

    # numbers get no dtype: told int64, pandas would take 7.2e17 for an id; left alone, it says what it found
    texts = {column: str if kinds.get(column) == "text" else "category" for column in table.columns}
    dtypes = {column: dtype for column, dtype in texts.items() if kinds.get(column, "category") in ("text", "category")}
    try:
        if not _even(table):
            raise explained(table, kinds, "rows of different lengths")  # pandas would fill or cut some of them
        with table.open() as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text, pd.read_csv(
            text, sep=table.separator, header=0 if table.headed else None, names=list(table.columns), index_col=False,
            dtype=dtypes, na_filter=False, low_memory=False, chunksize=max(1, CELLS // len(table.columns)),
        ) as parts:  # fmt: skip
            yield from parts
    except DAMAGED as error:
        raise _damaged(table, error) from None
    except FormatError:
        raise
    except (ValueError, OverflowError, csv.Error) as error:
        raise explained(table, kinds, error) from None


def _even(table: Table) -> bool:
    """Whether all rows have a cell per column: by their separators, or slowly where quotes may hide some."""
    with table.open() as file:
        for lines in _whole_lines(file):
            if b'"' in lines or lines.count(b"\r") != lines.count(b"\r\n"):
                return all(len(cells) == len(table.columns) for _, cells in _rows(table))
            if not _even_lines(lines, table):
                return False
    return True


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """A file in pieces that end with a line."""
    rest = b""
    while block := file.read(BLOCK):
        lines, newline, rest = (rest + block).rpartition(b"\n")
        yield lines + newline
        if len(rest) > LONGEST_LINE:  # no table, or one whose lines end otherwise
            yield rest
            rest = b""
    yield rest + b"\n"


def _even_lines(lines: bytes, table: Table) -> bool:
    """Of whole lines without quotes; blank ones do not count."""
    text, separator = np.frombuffer(lines, np.uint8), ord(table.separator)
    marks = np.flatnonzero((text == ord("\n")) | (text == separator))
    ends = np.flatnonzero(text[marks] == ord("\n"))
    cells = np.diff(ends, prepend=-1)
    starts = np.append(0, marks[ends] + 1)
    wrong = np.flatnonzero(cells != len(table.columns)).tolist()
    return not any(lines[starts[line] : starts[line + 1]].strip() for line in wrong)


def _column(table: Table, frame: "pd.DataFrame", column: str, kind: str, row: int) -> Any:
    if kind == "category":
        values = frame[column]
        if values.isna().any():  # of parquet and feather; in a CSV an empty cell is a text
            values = values.astype(object).fillna("")
        values = values.astype("category").array
        return values.rename_categories([str(name) for name in values.categories])
    if kind == "text":
        return frame[column].fillna("").astype(str).to_numpy(dtype=object).astype(str)
    rule = KINDS[kind]
    values = _shares(frame[column]) if kind == "share" else _exact(frame[column].to_numpy())
    if len(values) == 0 or (values.dtype.kind in rule.dtypes and (rule.valid is None or rule.valid(values).all())):
        return values
    if table.kind == "csv":
        raise explained(table, {column: kind}, f"values read as {values.dtype}")
    wrong = int(np.argmin(rule.valid(values))) if values.dtype.kind in rule.dtypes else 0
    came = frame[column].iloc[wrong]
    came = came.item() if isinstance(came, np.generic) else came
    raise FormatError(f"{table}, row {row + wrong}, column {column}: expected {rule.expected}, got {came!r}")


def _shares(cells: "pd.Series") -> np.ndarray:
    """Probabilities; nan for an empty cell, inf for a text."""
    import pandas as pd

    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, copy=True)
    if cells.dtype.kind not in "iuf":
        empty = cells.isna() | cells.astype(str).str.strip().str.lower().isin(("", "nan"))
        numbers[np.isnan(numbers) & ~empty.to_numpy()] = np.inf
    return numbers


def _exact(values: np.ndarray) -> np.ndarray:
    """Integers as int64 where that loses nothing."""
    if values.dtype.kind not in "iu" or (values.dtype.kind == "u" and len(values) and values.max() >= 2**63):
        return values
    return values.astype(np.int64, copy=False)


def explained(table: Table, kinds: Mapping[str, str], error: object) -> FormatError:
    """The first row and cell of a CSV that are not what they should be; slowly, as it is read only for this."""
    rules = [(table.columns.index(column), column, KINDS[kind]) for column, kind in kinds.items()]
    try:
        for number, cells in _rows(table):
            if len(cells) != len(table.columns):
                came = f"expected {len(table.columns)} cells, one per column, got {len(cells)}"
                return FormatError(f"{table}, row {number}: {came}")
            for index, column, rule in rules:
                if not rule.holds(cells[index]):
                    came = repr(cells[index][:80]) if cells[index].strip() else "an empty cell"
                    return FormatError(f"{table}, row {number}, column {column}: expected {rule.expected}, got {came}")
    except DAMAGED as damage:
        return _damaged(table, damage)
    except (ValueError, csv.Error) as other:
        return FormatError(f"{table}: expected a table as text in UTF-8, got {one_line(other)}")
    return FormatError(f"{table}: expected a table as text, got {one_line(error)}")


def _rows(table: Table) -> Iterator[tuple[int, list[str]]]:
    """(line of the file, cells) of every row below the header, if there is one."""
    with table.open() as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=table.separator)
        rows = (cells for cells in lines if len(cells) > 1 or "".join(cells).strip())
        if table.headed:
            next(rows, None)
        for cells in rows:
            yield lines.line_num, cells


def _damaged(what: object, error: Exception) -> FormatError:
    came = f"one that is damaged or cut off ({one_line(error)})"
    return FormatError(f"{what}: expected a whole compressed file, got {came}")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    start = file.read(2)
    file.seek(0)
    return gzip.open(file) if start == GZIP else file


def _is_tar(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return _decompressed(file).read(512)[257:262] == b"ustar"
    except DAMAGED as error:
        raise _damaged(path, error) from None


@lru_cache(maxsize=4)  # to list an archive is to decompress all of it; size and time are the file's, should it change
def _members(path: Path, size: int, time: int) -> tuple[Table, ...]:
    try:
        with tarfile.open(path, "r:*") as tar:
            return tuple(_peek(path, tar.extractfile(info), info.name) for info in tar if info.isfile())
    except DAMAGED as error:
        raise _damaged(path, error) from None


def _peek(path: Path, source: Path | IO[bytes], member: str = "") -> Table:
    """What a file holds, from its first bytes and, of a text, its first two lines."""
    try:
        with open(source, "rb") if isinstance(source, Path) else source as raw:
            file = _decompressed(raw)
            start = file.read(1024)
            for magic, kind in MAGIC.items():
                if start.startswith(magic):
                    return Table(path, kind, () if member else arrow.columns(path, kind), member=member)
            if not start or b"\0" in start:
                return Table(path, "", member=member)
            if kind := TREES.get(start.removeprefix(codecs.BOM_UTF8).lstrip()[:1]):
                return Table(path, kind, member=member)
            file.seek(0)
            return _header(path, file, member)
    except DAMAGED as error:
        raise _damaged(f"{path}:{member}" if member else path, error) from None
    except OSError as error:
        raise FormatError(f"{path}: expected a file that can be read, got {one_line(error)}") from None


def _header(path: Path, file: IO[bytes], member: str) -> Table:
    try:
        # what is wrong, reading it will say
        with io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="") as text:
            lines = [line for line in (text.readline(LONGEST_LINE) for _ in range(4)) if line.strip()][:2]
        separator = max(",\t;", key=lines[0].count) if lines else ","
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return Table(path, "", member=member)
    columns, first, *_ = *rows, (), ()
    return Table(path, "csv", tuple(name.strip() for name in columns), tuple(first), separator, member)
