"""Parquet and feather tables, read with pyarrow, an optional package that is imported only for such files."""

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from randomnet.extras import install_line
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.tables.cells import stripped, whole_number

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
        return _names(_schema(table, kind).names)


def _schema(table: Any, kind: str) -> Any:
    return table.schema_arrow if kind == "parquet" else table.schema


def _names(columns: Iterable[str]) -> tuple[str, ...]:
    """The names of columns, `body` for the unnamed index of pandas."""
    return tuple("body" if name == INDEX else name for name in columns)


class Shape(NamedTuple):
    """The number of rows of a table, its columns of numbers, and those that pandas had as index, which are ids."""

    rows: int
    numeric: tuple[str, ...]
    ids: tuple[str, ...]


def shape_of(path: Path, kind: str) -> Shape:
    """The shape of a table, by its schema. Raises FormatError for a damaged file."""
    import pyarrow.types

    with _opened(path, kind) as table:
        schema, is_parquet = _schema(table, kind), kind == "parquet"
        rows = table.metadata.num_rows if is_parquet else sum(each.num_rows for each in _batches(path, table, kind))
    types = pyarrow.types
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    numeric = [name for name, of in zip(schema.names, schema.types, strict=True) if any(test(of) for test in tests)]
    index = [name for name in (schema.pandas_metadata or {}).get("index_columns", []) if name in schema.names]
    return Shape(rows, _names(numeric), _names(index))


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
    """Texts as codes into different texts; decimal numbers as floats."""
    if str(column.type).startswith("decimal"):
        return column.cast("float64")
    is_plain = _is_text(column) and "dictionary" not in str(column.type)
    return column.dictionary_encode() if is_plain else column


def _is_text(column: Any) -> bool:
    return "string" in str(column.type)


def _opened(path: Path, kind: str) -> Any:
    import pyarrow.ipc
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path) if kind == "parquet" else pyarrow.ipc.open_file(str(path))
    except Exception as error:  # damaged files raise many kinds of errors
        raise _damaged(path, kind, error) from None


def _batches(path: Path, table: Any, kind: str) -> Iterator[Any]:
    try:
        if kind == "parquet":
            yield from table.iter_batches()
        else:
            yield from (table.get_batch(number) for number in range(table.num_record_batches))
    except Exception as error:
        raise _damaged(path, kind, error) from None


def _damaged(path: Path, kind: str, error: Exception) -> FormatError:
    return FormatError(f"{path}: expected a {kind} file, got one that is damaged ({one_line(error)[:200]})")
