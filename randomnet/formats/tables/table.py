"""One table or array in a file: where it is, its kind, its columns, and its bytes and rows."""

import csv
import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from randomnet.formats.contents import Part, unused
from randomnet.formats.tables import arrow
from randomnet.formats.tables.cells import whole_number
from randomnet.formats.tables.compression import BLOCK, DAMAGED, damaged, decompressed
from randomnet.formats.tables.decimals import Pointed
from randomnet.formats.tables.encodings import in_utf8
from randomnet.formats.tables.layout import Layout
from randomnet.formats.tables.records import Records
from randomnet.formats.tables.spreadsheets import sheets_in
from randomnet.formats.tables.survey import survey_of


@dataclass(frozen=True)
class Table:
    """One table or array in a file; `columns` is empty for arrays and other content."""

    path: Path
    kind: str  # csv, json, xml, parquet, feather, npy, npz, xlsx, zip, hdf5, mat, pickle, ..., or "" for other content
    columns: tuple[str, ...] = ()
    first: tuple[str, ...] = ()  # the cells of the first row of a CSV, without the header
    separator: str = ","
    member: str = ""  # name in a tar archive, or of the sheet of a workbook
    headed: bool = True  # whether the columns of a CSV have names; or else they are called 1, 2, 3, ...
    layout: Layout = field(default=Layout(), repr=False)  # of a CSV
    is_sheet: bool = False  # of an .xlsx workbook, as CSV

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @property
    def name(self) -> str:
        """The name of the file, or of the member of an archive; of a sheet both."""
        if self.is_sheet:
            return f"{self.path.name}:{self.member}"
        return self.member or self.path.name

    def has(self, *columns: str) -> bool:
        """Whether it has all these columns."""
        return set(columns) <= set(self.columns)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The decompressed bytes of the table."""
        if self.is_sheet:
            yield io.BytesIO(sheets_in(self.path)[self.member].text)
            return
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(open(self.path, "rb"))
            if self.member:
                tar = stack.enter_context(tarfile.open(fileobj=decompressed(file, self.path), mode="r:"))
                file = content(tar, next(info for info in tar if info.name == self.member))
            yield decompressed(file, self)

    def binary(self) -> Path | io.BytesIO:
        """The file, or its decompressed bytes in memory where it is compressed or in an archive."""
        with self.open() as file:
            is_plain = isinstance(file, io.BufferedReader) and getattr(file, "name", None) == str(self.path)
            return self.path if is_plain and not self.member else io.BytesIO(file.read())

    @contextmanager
    def data(self) -> Iterator[IO[bytes]]:
        """The rows of a CSV as bytes of UTF-8, without the header."""
        with self.open() as file:
            text = in_utf8(file, self.layout.encoding)
            left = self.layout.start
            while left and (block := text.read(min(BLOCK, left))):
                left -= len(block)
            commas = self.layout.commas
            yield io.BufferedReader(Pointed(text, self.separator, str(self))) if commas else text

    @contextmanager
    def records(self) -> Iterator[Records]:
        """The (line of the file, cells) of the rows of a CSV, with the cells of columns that are left out."""
        with self.data() as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            yield Records(text, self.separator, self.layout.lines)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the text of the table leaves out, and what was decided about it. Raises FormatError for damaged files.

        The first use reads the file to its end, as comments may be anywhere.
        """
        comments = self.layout.comments
        try:
            comments += survey_of(self).comments if self.kind == "csv" else 0
        except DAMAGED as error:
            raise damaged(self, error) from None
        except (ValueError, csv.Error):
            pass  # reading the table tells what is wrong with its text
        note = "comments, which begin with # or %"
        return (*self.layout.parts, *[unused(f"{self.name}, {comments:,} lines", note)] * (comments > 0))

    def rows_of(self, column: str, value: int | str) -> Iterator[int]:
        """The rows in which `column` equals the integer or text; in a headed CSV, row 1 is the header."""
        if self.kind != "csv":
            yield from arrow.rows_of(self.path, self.kind, column, value)
            return
        place = self.layout.places[self.columns.index(column)]
        with self.records() as rows:
            for number, cells in rows:
                cell = cells[place].strip()
                if cell == value or (isinstance(value, int) and whole_number(cell) == value):
                    yield number


def content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    """The bytes of a file in a tar archive."""
    file = tar.extractfile(info)
    assert file is not None, f"{info.name} is a file"
    return file
