"""Columns of parquet and feather files as arrays, batch by batch, without a table of pandas in between.

For files of hundreds of millions of rows: only the named columns are decompressed, one batch at a time.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.tables import arrow


class NotWhole(ValueError):
    """A cell that is no whole number of 64 bits; row: its index."""

    def __init__(self, row: int) -> None:
        super().__init__(f"row {row}")
        self.row = row


def batches(path: Path, kind: str, names: list[str]) -> Iterator[dict[str, Any]]:
    """The columns `names` as pyarrow's arrays, batch by batch. Raises FormatError for a damaged file."""
    if not arrow.installed():
        raise arrow.needed(path, kind)
    try:
        for batch in _parquet(path, names) if kind == "parquet" else _feather(path, names):
            yield {name: batch.column(_stored(name, batch.schema.names)) for name in names}
    except FormatError:
        raise
    except Exception as error:  # damaged files raise many kinds of errors
        actual = f"one that is damaged ({one_line(error)[:200]})"
        raise FormatError(f"{path}: expected a {kind} file, got {actual}") from None


def integers(column: Any, exact: bool = False) -> np.ndarray:
    """(rows,) whole numbers of a column, also of one that has them as text.

    exact: refuse floats, which may have lost digits. Raises NotWhole for the first other or empty cell.
    """
    import pyarrow
    import pyarrow.compute

    values = _decoded(column)
    if exact and pyarrow.types.is_floating(values.type):
        raise NotWhole(0)
    if not values.null_count:
        if pyarrow.types.is_signed_integer(values.type):
            return values.to_numpy(zero_copy_only=False)
        with suppress(pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
            return pyarrow.compute.cast(values, pyarrow.int64()).to_numpy(zero_copy_only=False)
    raise NotWhole(next((row for row, cell in enumerate(values.to_pylist()) if not _is_whole(cell)), 0))


def texts(path: Path, kind: str, names: list[str]) -> dict[str, np.ndarray]:
    """Column -> (rows,) its cells as str objects, "" for empty ones. Raises FormatError for a damaged file."""
    import pyarrow
    import pyarrow.compute

    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for batch in batches(path, kind, names):
        for name, column in batch.items():
            cells = pyarrow.compute.fill_null(pyarrow.compute.cast(_decoded(column), pyarrow.string()), "")
            parts[name].append(cells.to_numpy(zero_copy_only=False))
    return {name: np.concatenate(part) if part else np.zeros(0, object) for name, part in parts.items()}


def _parquet(path: Path, names: list[str]) -> Iterator[Any]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as table:
        stored = table.schema_arrow.names
        yield from table.iter_batches(columns=[_stored(name, stored) for name in names])


def _feather(path: Path, names: list[str]) -> Iterator[Any]:
    import pyarrow.ipc

    stored = pyarrow.ipc.open_file(str(path)).schema.names
    fields = sorted({stored.index(_stored(name, stored)) for name in names})
    with pyarrow.ipc.open_file(str(path), options=pyarrow.ipc.IpcReadOptions(included_fields=fields)) as table:
        yield from (table.get_batch(number) for number in range(table.num_record_batches))


def _stored(name: str, columns: list[str]) -> str:
    """The name of a column in the file, where the ids of bodies may be the unnamed index of pandas."""
    return arrow.INDEX if name == "body" and arrow.INDEX in columns else name


def _decoded(column: Any) -> Any:
    import pyarrow

    return column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column


def _is_whole(cell: Any) -> bool:
    try:
        return cell == int(cell) if not isinstance(cell, str) else -(2**63) <= int(cell) < 2**63
    except (TypeError, ValueError, OverflowError):
        return False
