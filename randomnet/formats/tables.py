"""Tables in files: found by content, streamed in chunks with exact integers; errors name row and column.

A table is a CSV, also as .gz or as a member of a .tar.gz, which is not unpacked to disk. Where pyarrow is installed, it
may be a parquet or feather file. The first bytes determine the kind of a file, never its name.
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
from typing import IO, TYPE_CHECKING, Any, cast

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
TREES = {b"{": "json", b"<": "xml"}  # first character of texts that are no tables; no header starts with it
GZIP = b"\x1f\x8b"
CELLS = 2_000_000  # per chunk
BLOCK = 1 << 20  # bytes checked together
LONGEST_LINE = 1 << 24  # characters; a matrix of a million ids would be shorter
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError)
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True)
class Kind:
    """The allowed cells of a column: texts in a CSV match the pattern, and values are `valid`."""

    expected: str
    pattern: str
    dtypes: str  # letters of NumPy for the types that pandas may have read
    valid: Callable[[np.ndarray], np.ndarray] | None = None

    def holds(self, cell: str) -> bool:
        """Whether a text is an allowed cell."""
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
    """One table or array in a file; `columns` is empty for arrays and other content."""

    path: Path
    kind: str  # csv, json, xml, parquet, feather, npy, npz, pickle, or "" for other content
    columns: tuple[str, ...] = ()
    first: tuple[str, ...] = ()  # the cells of the first row below the header of a CSV
    separator: str = ","
    member: str = ""  # name in a tar archive
    headed: bool = True  # whether the first row of a CSV is a header

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def has(self, *columns: str) -> bool:
        """Whether it has all these columns."""
        return set(columns) <= set(self.columns)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The decompressed bytes of the table."""
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(open(self.path, "rb"))
            if self.member:
                tar = stack.enter_context(tarfile.open(fileobj=file, mode="r:*"))
                file = _content(tar, next(info for info in tar if info.name == self.member))
            yield _decompressed(file)

    def rows_of(self, column: str, value: int) -> Iterator[int]:
        """The rows in which `column` equals the integer `value`; row 1 is the header."""
        if self.kind != "csv":
            return arrow.rows_of(self.path, self.kind, column, value)
        index = self.columns.index(column)
        return (number for number, cells in _rows(self) if int(cells[index]) == value)


def tables_in(path: Path) -> list[Table]:
    """The tables and arrays in a folder, a tar archive or one file, sorted by name in a folder."""
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
    """The tables in other files of a table's folder; unreadable files are skipped."""
    tables = []
    for path in sorted(table.path.parent.iterdir()):
        if path.is_file() and path != table.path:
            with suppress(FormatError):
                tables.append(_peek(path, path))
    return tables


def checksums(tables: Iterable[Table]) -> dict[str, str]:
    """File name -> sha256 of the file, for the provenance; tables in an archive have that of the archive."""
    return {path.name: _sha256(path) for path in sorted({table.path for table in tables})}


def stream(table: Table, kinds: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The columns named in `kinds` (column -> name in KINDS) as checked arrays, chunk by chunk.

    A `category` is a pandas.Categorical. Ids and counts are int64 that were never floats. Raises FormatError with file,
    row and column.
    """
    missing = [column for column in kinds if column not in table.columns]
    if missing:
        actual = ", ".join(table.columns[:12]) or "no table"
        raise FormatError(f"{table}: expected a column {missing[0]}, got {actual}")
    if repeated := [column for column in table.columns if table.columns.count(column) > 1]:
        actual = f"{repeated[0]!r} {len(repeated)} times"
        raise FormatError(f"{table}, row 1: expected different names of columns, got {actual}")
    chunks = _csv_chunks(table, kinds) if table.kind == "csv" else arrow.chunks(table.path, table.kind, list(kinds))
    row = 2 if table.headed else 1
    for frame in chunks:
        yield {column: _column(table, frame, column, kind, row) for column, kind in kinds.items()}
        row += len(frame)


def read_all(table: Table, kinds: Mapping[str, str]) -> dict[str, np.ndarray]:
    """All rows of the columns named in `kinds`, as from `stream`; texts are str."""
    parts = list(stream(table, kinds))
    empty = {column: np.zeros(0, str if kinds[column] == "text" else np.int64) for column in kinds}
    return {column: np.concatenate([part[column] for part in parts]) for column in kinds} if parts else empty


def _csv_chunks(table: Table, kinds: Mapping[str, str]) -> "Iterator[pd.DataFrame]":
    import pandas as pd

    # numbers get no dtype: with int64, pandas would accept 7.2e17 as an id; without, its dtype reveals the text
    texts = {column: str if kinds.get(column) == "text" else "category" for column in table.columns}
    dtypes = {column: dtype for column, dtype in texts.items() if kinds.get(column, "category") in ("text", "category")}
    try:
        if not _even(table):
            raise explained(table, kinds, "rows of different lengths")  # which pandas would pad or cut
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
    """Whether all rows have one cell per column, by counting separators; files with quotes are parsed, more slowly."""
    with table.open() as file:
        for lines in _whole_lines(file):
            if b'"' in lines or lines.count(b"\r") != lines.count(b"\r\n"):
                return all(len(cells) == len(table.columns) for _, cells in _rows(table))
            if not _even_lines(lines, table):
                return False
    return True


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The file in pieces, each of whole lines."""
    rest = b""
    while block := file.read(BLOCK):
        lines, newline, rest = (rest + block).rpartition(b"\n")
        yield lines + newline
        if len(rest) > LONGEST_LINE:  # no table, or other line ends
            yield rest
            rest = b""
    yield rest + b"\n"


def _even_lines(lines: bytes, table: Table) -> bool:
    """Whether whole lines without quotes have one cell per column; blank lines are ignored."""
    text, separator = np.frombuffer(lines, np.uint8), ord(table.separator)
    boundaries = np.flatnonzero((text == ord("\n")) | (text == separator))
    ends = np.flatnonzero(text[boundaries] == ord("\n"))
    cells = np.diff(ends, prepend=-1)
    starts = np.append(0, boundaries[ends] + 1)
    uneven = np.flatnonzero(cells != len(table.columns)).tolist()
    return not any(lines[starts[line] : starts[line + 1]].strip() for line in uneven)


def _column(table: Table, frame: "pd.DataFrame", column: str, kind: str, row: int) -> Any:
    """The checked values of a column; row: the row of the first cell. Raises FormatError."""
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
    invalid = int(np.argmin(rule.valid(values))) if rule.valid and values.dtype.kind in rule.dtypes else 0
    cell = frame[column].iloc[invalid]
    cell = cell.item() if isinstance(cell, np.generic) else cell
    raise FormatError(f"{table}, row {row + invalid}, column {column}: expected {rule.expected}, got {cell!r}")


def _shares(cells: "pd.Series") -> np.ndarray:
    """(rows,) probabilities; nan for an empty cell, inf for a text."""
    import pandas as pd

    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, copy=True)
    if cells.dtype.kind not in "iuf":
        is_empty = cells.isna() | cells.astype(str).str.strip().str.lower().isin(("", "nan"))
        numbers[np.isnan(numbers) & ~is_empty.to_numpy()] = np.inf
    return numbers


def _exact(values: np.ndarray) -> np.ndarray:
    """Integers as int64 where all values fit; other values unchanged."""
    if values.dtype.kind not in "iu" or (values.dtype.kind == "u" and len(values) and values.max() >= 2**63):
        return values
    return values.astype(np.int64, copy=False)


def explained(table: Table, kinds: Mapping[str, str], error: object) -> FormatError:
    """The error for the first wrong row or cell of a CSV, which is parsed again to find it."""
    rules = [(table.columns.index(column), column, KINDS[kind]) for column, kind in kinds.items()]
    try:
        for number, cells in _rows(table):
            if len(cells) != len(table.columns):
                counts = f"expected {len(table.columns)} cells, one per column, got {len(cells)}"
                return FormatError(f"{table}, row {number}: {counts}")
            for index, column, rule in rules:
                if not rule.holds(cells[index]):
                    actual = repr(cells[index][:80]) if cells[index].strip() else "an empty cell"
                    place = f"{table}, row {number}, column {column}"
                    return FormatError(f"{place}: expected {rule.expected}, got {actual}")
    except DAMAGED as damage:
        return _damaged(table, damage)
    except (ValueError, csv.Error) as other:
        return FormatError(f"{table}: expected a table as text in UTF-8, got {one_line(other)}")
    return FormatError(f"{table}: expected a table as text, got {one_line(error)}")


def _rows(table: Table) -> Iterator[tuple[int, list[str]]]:
    """(line of the file, cells) of every row, without the header."""
    with table.open() as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=table.separator)
        rows = (cells for cells in lines if len(cells) > 1 or "".join(cells).strip())
        if table.headed:
            next(rows, None)
        for cells in rows:
            yield lines.line_num, cells


def _damaged(source: object, error: Exception) -> FormatError:
    actual = f"one that is damaged or cut off ({one_line(error)})"
    return FormatError(f"{source}: expected a whole compressed file, got {actual}")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    start = file.read(2)
    file.seek(0)
    return cast("IO[bytes]", gzip.open(file)) if start == GZIP else file


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(info)
    assert file is not None, f"{info.name} is a file"
    return file


def _is_tar(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return _decompressed(file).read(512)[257:262] == b"ustar"
    except DAMAGED as error:
        raise _damaged(path, error) from None


@lru_cache(maxsize=4)  # listing an archive decompresses all of it; size and time differ when the file changes
def _members(path: Path, size: int, time: int) -> tuple[Table, ...]:
    try:
        with tarfile.open(path, "r:*") as tar:
            return tuple(_peek(path, _content(tar, info), info.name) for info in tar if info.isfile())
    except DAMAGED as error:
        raise _damaged(path, error) from None


def _peek(path: Path, source: Path | IO[bytes], member: str = "") -> Table:
    """The kind of a file by its first bytes, and for a text its first two lines."""
    try:
        with open(source, "rb") if isinstance(source, Path) else source as raw:
            file = _decompressed(raw)
            start = file.read(1024)
            for magic, kind in MAGIC.items():
                if start.startswith(magic):
                    return Table(path, kind, () if member else arrow.columns(path, kind), member=member)
            if not start or b"\0" in start:
                return Table(path, "", member=member)
            if tree := TREES.get(start.removeprefix(codecs.BOM_UTF8).lstrip()[:1]):
                return Table(path, tree, member=member)
            file.seek(0)
            return _header(path, file, member)
    except DAMAGED as error:
        raise _damaged(f"{path}:{member}" if member else path, error) from None
    except OSError as error:
        raise FormatError(f"{path}: expected a file that can be read, got {one_line(error)}") from None


def _header(path: Path, file: IO[bytes], member: str) -> Table:
    try:
        # wrong characters are replaced here, and reported when the table is read
        with io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="") as text:
            lines = [line for line in (text.readline(LONGEST_LINE) for _ in range(4)) if line.strip()][:2]
        separator = max(",\t;", key=lines[0].count) if lines else ","
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return Table(path, "", member=member)
    columns, first, *_ = *rows, (), ()
    return Table(path, "csv", tuple(name.strip() for name in columns), tuple(first), separator, member)
