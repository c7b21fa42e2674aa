"""Tables in files: found by content, streamed in chunks with exact integers; errors name row and column.

A table is a text with cells separated by commas, tabs, semicolons, bars or spaces, also compressed, or as a member of a
tar archive, which is not unpacked to disk. Where pyarrow is installed, it may be a parquet or feather file. The first
bytes determine the kind of a file, never its name.
"""

import csv
import hashlib
import io
import re
import tarfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from randomnet.formats.files import FormatError
from randomnet.formats.tables import arrow
from randomnet.formats.tables import text as text_tables
from randomnet.formats.tables.cells import (
    KINDS,
    NO_VALUE,
    NUMBER,
    TEXTS,
    WrongCell,
    checked,
    listed,
    repeated_name,
    shown,
    stripped,
    whole_number,
    without_r_prefix,
)
from randomnet.formats.tables.compression import (
    DAMAGED,
    damaged,
    decompressed,
    files_in_zip,
    kind_of_zip,
    read_to_end,
)
from randomnet.formats.tables.encodings import encoding_of
from randomnet.formats.tables.layout import layout_of
from randomnet.formats.tables.spreadsheets import Sheet, sheets_in
from randomnet.formats.tables.survey import PADDED, survey_of
from randomnet.formats.tables.table import Table, content
from randomnet.settings import nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DAMAGED", "KINDS", "NUMBER", "Table", "beside", "checksums", "has_padded_ids", "id_or_name", "listed", "names_of",
    "read_all", "repeated_name", "shown", "stream", "tables_in", "without_r_prefix",
]  # fmt: skip
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"MATLAB 5.0 MAT-file": "mat",
    b"MATLAB 7.3 MAT-file": "mat73",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "xls",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"%PDF-": "pdf",
    b"%%MatrixMarket": "mtx",
    b"\x80": "pickle",
}
SAVE = "save the sheet as .xlsx or .csv"
UNREAD = {  # kind -> what it is, and what to do
    "xls": f"an old Excel workbook (.xls) or one with a password, which is not read: {SAVE}",
    "ods": f"an OpenDocument spreadsheet (.ods), which is not read: {SAVE}",
    "pt": "a file of torch.save, which is not read: save the matrix as numpy.save('matrix.npy', tensor.numpy())",
    "pickle": "a pickle, which is not read: save the matrix as numpy.save('matrix.npy', matrix)",
    "mtx": "one in the format Matrix Market, which is not read: scipy.sparse.save_npz(path, "
    "scipy.io.mmread(file).tocsr()) makes it a file that can be read",
    "hdf5": "an HDF5 file, which is not read: save the matrix as .npy or .npz",
}
TREES = {"{": "json", "<": "xml"}  # first character of texts that are no tables; no header starts with it
START = 1024  # bytes that tell the kind
FEW_NAMES = 0.1  # of the different ids; fewer texts among whole numbers are mistakes


def tables_in(path: Path, sheet: str = "") -> list[Table]:
    """The tables and arrays in a folder, a tar archive, a workbook or one file, sorted by name in a folder.

    sheet: the only one to read of a workbook with several.
    """
    if path.is_dir():
        tables = [_peek(file, file) for file in sorted(path.iterdir()) if file.is_file()]
        return [part for table in tables for part in (_sheets(table) if table.kind == "xlsx" else [table])]
    if not path.is_file():
        raise FormatError(f"{path}: expected a file or a folder, got nothing of this name")
    if _is_tar(path):
        state = path.stat()
        return list(_members(path, state.st_size, state.st_mtime_ns))
    table = _peek(path, path)
    if table.kind == "zip":
        with table.open() as file:
            names = listed(files_in_zip(file)) or "no file"
        raise FormatError(f"{path}: expected a zip archive of one file, got {names}: unpack it, and name what to read")
    return _sheets(table, sheet) if table.kind == "xlsx" else [table]


def _sheets(table: Table, name: str = "") -> list[Table]:
    """The sheets of a workbook, or the one of this name. Raises FormatError for an unknown name."""
    if table.member:
        raise FormatError(f"{table}: expected no workbook in an archive, got one: unpack it")
    sheets = sheets_in(table.path)
    if name and name not in sheets:
        actual = f"{name!r}{nearest(name, sheets)}"
        raise FormatError(f"{table}: expected [net] variable = one of the sheets {listed([*sheets])}, got {actual}")
    return [_sheet(table.path, title, sheet) for title, sheet in sheets.items() if name in ("", title)]


def _sheet(path: Path, title: str, sheet: Sheet) -> Table:
    table = _text(path, io.BytesIO(sheet.text), sheet.text[:START], title)
    layout = replace(table.layout, parts=(*sheet.parts, *table.layout.parts))
    return replace(table, layout=layout, is_sheet=True)


def names_of(tables: Iterable[Table]) -> str:
    """The file names, or names in an archive, of the first four tables."""
    return ", ".join(table.name for table in islice(tables, 4))


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

    A `category` and a `name` is a pandas.Categorical, in which each chunk has categories of its own. Ids and counts are
    int64 that were never floats, or exact ones. Raises FormatError with file, row and column.
    """
    if table.member and table.kind in arrow.KINDS:
        expected = f"a {table.kind} file outside of an archive"
        raise FormatError(f"{table}: expected {expected}, got a member of one: unpack it")
    known = set(table.columns)
    missing = [column for column in kinds if column not in known]
    if missing:
        actual = listed(table.columns) or "no table"
        raise FormatError(f"{table}: expected a column {shown(missing[0])}, got {actual}")
    if (repeated := repeated_name(table.columns)) is not None:
        actual = f"{shown(repeated)!r} {table.columns.count(repeated)} times"
        raise FormatError(f"{table}, row 1: expected different names of columns, got {actual}")
    row = 2
    for frame in _frames(table, kinds):
        yield {column: _column(table, frame[column], column, kind, row) for column, kind in kinds.items()}
        row += len(frame)


def read_all(table: Table, kinds: Mapping[str, str]) -> dict[str, Any]:
    """All rows of the columns named in `kinds`, as from `stream`; texts and categories are arrays of str."""
    chunks = list(stream(table, kinds))
    return {column: _joined([chunk[column] for chunk in chunks], kind) for column, kind in kinds.items()}


def id_or_name(table: Table, columns: Iterable[str]) -> str:
    """Whether columns hold ids as whole numbers (`id`) or names (`name`), the kinds of cell for `stream`.

    They are whole numbers unless more than FEW_NAMES of the different cells are texts. The first chunk tells, where all
    its cells are whole numbers, or none is. Raises FormatError for the first text among numbers, with its row.
    """
    columns = list(columns)
    with closing(_frames(table, dict.fromkeys(columns, "id"))) as frames:
        if all(dtype.kind in "iu" for frame in islice(frames, 1) for dtype in frame.dtypes):
            return "id"
    known: set[str] = set()
    with closing(_frames(table, dict.fromkeys(columns, "category"))) as frames:
        for frame in frames:
            known.update(*(stripped(frame[column]).categories for column in columns))
            if all(_is_name(cell) for cell in known):
                break
    texts = {cell for cell in known if whole_number(cell) is None}
    names = {cell for cell in texts if _is_name(cell)}
    if len(names) > FEW_NAMES * len(known):
        return "name"
    for column in columns if texts else ():
        for chunk in stream(table, {column: "id"}):  # raises the error with its row
            del chunk
    return "id"


def has_padded_ids(table: Table, columns: Iterable[str]) -> bool:
    """Whether readable columns of ids have one such as 001, which as a whole number would be that of another name."""
    if table.kind != "csv" or not survey_of(table).padded:
        return False
    columns = list(columns)
    with closing(_frames(table, dict.fromkeys(columns, "category"))) as frames:
        return any(
            PADDED.match(cell) for frame in frames for column in columns for cell in stripped(frame[column]).categories
        )


def _is_name(cell: str) -> bool:
    """Whether a text is neither a number, whole or not, nor a word for no value."""
    return cell.lower() not in NO_VALUE and not re.fullmatch(NUMBER, cell)


def _frames(table: Table, kinds: Mapping[str, str]) -> "Generator[pd.DataFrame]":
    if table.kind == "csv":
        return text_tables.frames(table, kinds)
    return arrow.chunks(table.path, table.kind, list(kinds))


def _column(table: Table, cells: "pd.Series", column: str, kind: str, row: int) -> Any:
    """The checked values of a column; row: the row of the first cell. Raises FormatError."""
    try:
        return checked(cells, kind)
    except WrongCell as wrong:
        if table.kind == "csv" and kind != "name":
            raise text_tables.explained(table, {column: kind}, f"values read as {cells.dtype}") from None
        place, value = row + wrong.index, wrong.value
        value = value.item() if isinstance(value, np.generic) else value
        if table.kind == "csv":
            text = "" if value != value else str(value).strip()  # beside numbers, pandas reads an empty name as nan
            place, value = text_tables.first_row_with(table, column, text)
        raise text_tables.wrong_cell(table, place, column, KINDS[kind], value) from None


def _joined(parts: list[Any], kind: str) -> Any:
    if not parts:
        return np.zeros(0, str if kind in TEXTS else np.int64)
    return np.concatenate([part.astype(str) if kind in TEXTS else part for part in parts])


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_tar(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return decompressed(file, path).read(512)[257:262] == b"ustar"
    except DAMAGED as error:
        raise damaged(path, error) from None


@lru_cache(maxsize=4)  # listing an archive decompresses all of it; size and time differ when the file changes
def _members(path: Path, size: int, time: int) -> tuple[Table, ...]:
    try:
        with open(path, "rb") as file:
            stream = decompressed(file, path)
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                tables = tuple(_peek(path, content(tar, info), info.name) for info in tar if info.isfile())
            read_to_end(stream)
            return tables
    except DAMAGED as error:
        raise damaged(path, error) from None


def _peek(path: Path, source: Path | IO[bytes], member: str = "") -> Table:
    """The kind of a file by its first bytes, and the columns and first rows of a text."""
    place = f"{path}:{member}" if member else path
    try:
        with open(source, "rb") if isinstance(source, Path) else source as raw:
            file = decompressed(raw, place)
            start = file.read(START)
            file.seek(0)
            for magic, kind in MAGIC.items():
                if start.startswith(magic):
                    kind = kind_of_zip(file) if kind == "zip" else kind
                    if kind in (*arrow.KINDS, "xlsx") and file is not raw:
                        expected = f"{'an' if kind == 'xlsx' else 'a'} {kind} file that is not compressed as a whole"
                        raise FormatError(f"{place}: expected {expected}, got one that is: decompress it")
                    return Table(path, kind, () if member else arrow.columns(path, kind), member=member)
            if is_matlab_4(start):
                return Table(path, "mat", member=member)
            return _text(path, file, start, member)
    except DAMAGED as error:
        raise damaged(place, error) from None


def is_matlab_4(start: bytes) -> bool:
    """Whether a file begins as MATLAB's files of version 4, which have no mark but a plausible header."""
    if len(start) < 21:
        return False
    for order in ("<", ">"):
        kind, rows, columns, imaginary, length = np.frombuffer(start[:20], f"{order}i4").tolist()
        is_kind = 0 <= kind <= 4052 and kind // 100 % 10 == 0 and kind % 10 <= 2 and kind // 10 % 10 <= 5
        name, end = start[20 : 19 + length], start[19 + length : 20 + length]
        if is_kind and min(rows, columns) >= 0 and imaginary in (0, 1) and 1 < length < 65 and end == b"\0":
            return name.isascii() and name.decode().isidentifier()
    return False


def _text(path: Path, file: IO[bytes], start: bytes, member: str) -> Table:
    """The table of a text by its first rows, or another kind of text."""
    encoding = encoding_of(start)
    if not start or (encoding == "utf-8" and b"\0" in start):
        return Table(path, "", member=member)
    if tree := TREES.get(start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")[:1]):
        return Table(path, tree, member=member)
    try:
        layout = layout_of(file, member or path.name)
    except csv.Error:
        return Table(path, "", member=member)
    first = layout.rows[0] if layout.rows else ()
    return Table(path, "csv", layout.columns, first, layout.separator, member, layout.headed, layout)
