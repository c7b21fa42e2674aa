"""Parquet and feather tables, read with pyarrow, an optional package that is imported only for such files."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from randomnet.extras import install_line
from randomnet.formats.cells import stripped, whole_number
from randomnet.formats.files import FormatError, one_line

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("parquet", "feather")
INDEX = "__index_level_0__"  # the unnamed index of pandas, which holds the ids of bodies


def installed() -> bool:
    """Whether pyarrow can be imported."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


def columns(path: Path, kind: str) -> tuple[str, ...]:
    """The names of a table's columns; empty for other files, or where pyarrow is missing."""
    if kind not in KINDS or not installed():
        return ()
    with _opened(path, kind) as table:
        schema = table.schema_arrow if kind == "parquet" else table.schema
        return tuple("body" if name == INDEX else name for name in schema.names)


def needed(path: Path, kind: str) -> FormatError:
    """The error for a table that cannot be read without pyarrow."""
    advice = install_line("formats")
    return FormatError(f"{path}: expected pyarrow to read this {kind} file, got none installed: {advice}")


def chunks(path: Path, kind: str, names: list[str]) -> "Generator[pd.DataFrame]":
    """The columns `names`, batch by batch, texts as categories. Raises FormatError for an empty cell or damage."""
    if not installed():
        raise needed(path, kind)
    import pandas as pd

    row = 2
    with _opened(path, kind) as table:
        for batch in _batches(path, table, kind):
            for name in names:
                column = _column(batch, name)
                if column.null_count and not _is_text(column) and str(column.type) not in ("float", "double"):
                    empty_row = row + column.is_null().to_pylist().index(True)
                    raise FormatError(f"{path}, row {empty_row}, column {name}: expected a value, got an empty cell")
            yield pd.DataFrame({name: _encoded(_column(batch, name)).to_pandas() for name in names})
            row += batch.num_rows


def batches(path: Path, kind: str, names: list[str]) -> Iterator[dict[str, Any]]:
    """The columns `names` as pyarrow's arrays, batch by batch; other columns are not decompressed.

    Raises FormatError for a damaged file.
    """
    if not installed():
        raise needed(path, kind)
    with _opened(path, kind, names) as table:
        for batch in _batches(path, table, kind, names):
            yield {name: _column(batch, name) for name in names}


def integers(column: Any, exact: bool = False) -> np.ndarray:
    """(rows,) whole numbers of a column, also of one that has them as text.

    exact: refuse floats, which may have lost digits. Raises NotWhole for the first other or empty cell.
    """
    import pyarrow
    import pyarrow.compute

    values = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
    if exact and pyarrow.types.is_floating(values.type):
        raise NotWhole(0)
    if not values.null_count:
        if pyarrow.types.is_signed_integer(values.type):
            return values.to_numpy(zero_copy_only=False)
        with suppress(pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
            return pyarrow.compute.cast(values, pyarrow.int64()).to_numpy(zero_copy_only=False)
    raise NotWhole(next((row for row, cell in enumerate(values.to_pylist()) if not _is_whole(cell)), 0))


class NotWhole(ValueError):
    """A cell that is no whole number of 64 bits; row: its index."""

    def __init__(self, row: int) -> None:
        super().__init__(f"row {row}")
        self.row = row


def texts(path: Path, kind: str, names: list[str]) -> dict[str, np.ndarray]:
    """Column -> (rows,) its cells as str objects, "" for empty ones. Raises FormatError for a damaged file."""
    import pyarrow
    import pyarrow.compute

    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for batch in batches(path, kind, names):
        for name, column in batch.items():
            values = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
            cells = pyarrow.compute.fill_null(pyarrow.compute.cast(values, pyarrow.string()), "")
            parts[name].append(cells.to_numpy(zero_copy_only=False))
    return {name: np.concatenate(part) if part else np.zeros(0, object) for name, part in parts.items()}


def _is_whole(cell: Any) -> bool:
    try:
        return cell == int(cell) if not isinstance(cell, str) else -(2**63) <= int(cell) < 2**63
    except (TypeError, ValueError, OverflowError):
        return False


def rows_of(path: Path, kind: str, column: str, value: int | str) -> Iterator[int]:
    """The rows of the cells that equal `value`, also as a text; row 1 is the header."""
    row = 2
    for frame in chunks(path, kind, [column]):
        cells = stripped(frame[column])
        is_same = np.array([cell == value or whole_number(cell) == value for cell in cells.categories])[cells.codes]
        yield from (row + int(index) for index in is_same.nonzero()[0])
        row += len(frame)


def _column(batch: Any, name: str) -> Any:
    return batch.column(INDEX if name == "body" and INDEX in batch.schema.names else name)


def _encoded(column: Any) -> Any:
    """Texts as codes into different texts."""
    is_plain = _is_text(column) and "dictionary" not in str(column.type)
    return column.dictionary_encode() if is_plain else column


def _is_text(column: Any) -> bool:
    return "string" in str(column.type)


def _opened(path: Path, kind: str, names: list[str] | None = None) -> Any:
    """The opened file, of a feather file with only some columns where `names` are given."""
    import pyarrow.ipc
    import pyarrow.parquet

    try:
        if kind == "parquet":
            return pyarrow.parquet.ParquetFile(path)
        table = pyarrow.ipc.open_file(str(path))
        if names is None:
            return table
        fields = sorted(_field(table.schema.names, name) for name in names)
        return pyarrow.ipc.open_file(str(path), options=pyarrow.ipc.IpcReadOptions(included_fields=fields))
    except Exception as error:  # damaged files raise many kinds of errors
        raise _damaged(path, kind, error) from None


def _field(columns: list[str], name: str) -> int:
    return columns.index(INDEX if name == "body" and INDEX in columns else name)


def _batches(path: Path, table: Any, kind: str, names: list[str] | None = None) -> Iterator[Any]:
    try:
        if kind == "parquet":
            columns = table.schema_arrow.names
            chosen = None if names is None else [columns[_field(columns, name)] for name in names]
            yield from table.iter_batches(columns=chosen)
        else:
            yield from (table.get_batch(number) for number in range(table.num_record_batches))
    except Exception as error:
        raise _damaged(path, kind, error) from None


def _damaged(path: Path, kind: str, error: Exception) -> FormatError:
    return FormatError(f"{path}: expected a {kind} file, got one that is damaged ({one_line(error)[:200]})")
