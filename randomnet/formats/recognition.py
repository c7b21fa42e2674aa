"""Which format is at a path, by its content, and the Connectome that its reader returns.

Names of files and folders count only for FlyStability and bio2art, whose arrays have no headers.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS
from randomnet.formats.edges.columns import MOST_COLUMNS, advice, is_named
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.matrices.matlab import MATLAB, contents_of
from randomnet.formats.matrices.reading import shape_of
from randomnet.formats.matrices.tables import unlike_ids
from randomnet.formats.options import OPTIONAL, Options
from randomnet.formats.registry import FORMATS
from randomnet.formats.tables import arrow
from randomnet.formats.tables.reading import NUMBER, UNREAD, Table, listed, tables_in
from randomnet.settings import nearest

TEXTS = (
    "an edge list (columns pre, post, weight) or a square matrix (ids as header row and first column, or numbers "
    "alone), or another table that docs/connectomes.md lists"
)


class Recognition(NamedTuple):
    """The name in FORMATS of the format at a path, and a sentence for the user."""

    format: str
    sentence: str


def recognise(path: Path, options: Options = DEFAULTS) -> Recognition:
    """The format of a file, folder or archive, by headers, shapes and keys. Raises FormatError for unknown content.

    options: a table with the columns that they name as pre and post is an edge list; of a workbook with several sheets,
    `variable` is the one to read.
    """
    path = Path(path)
    with _in_one_line(path):
        recognition = _in_folder(path) if path.is_dir() else None
        if recognition is None:
            tables = tables_in(path, options.variable)
            _check_one_sheet(path, tables)
            recognition = _by_columns(tables, options) or _in_tables(path, tables)
        if recognition is None:
            raise FormatError(f"{path}: expected {_expected(tables)}, got {_contents(path)}")
    return Recognition(recognition.format, f"{path} is {recognition.sentence}")


def read_connectome(path: Path, source: str = "auto", options: Options = DEFAULTS) -> Connectome:
    """The network at a path. source: a name in FORMATS, or `auto` for the format that is recognised.

    The provenance has the format and the sentence of its recognition. Raises FormatError, and ValueError for an unknown
    source.
    """
    if source != "auto" and source not in FORMATS:
        known = ", ".join(["auto", *FORMATS])
        raise ValueError(f"source must be one of {known}, got {source!r}{nearest(source, FORMATS)}")
    path = Path(path)
    recognition = recognise(path, options) if source == "auto" else Recognition(source, f"{path} is read as {source}")
    row = FORMATS[recognition.format]
    with _in_one_line(path):
        unread = {name: f"{recognition.format} has none" for name in OPTIONAL if name not in row.reads}
        options.refuse(path, **unread)
        connectome = row.read(path, options)
        for texts in (connectome.names, *connectome.labels.values()):
            "".join(texts.tolist()).encode()  # fails for half a surrogate pair, which no result file could hold
    return connectome.replace(connectome.weights, format=recognition.format, found=recognition.sentence)


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    """Turn errors that files cause in readers and libraries into FormatError, with the original error as its cause."""
    try:
        yield
    except FormatError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError, OSError, EOFError) as error:
        actual = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise FormatError(f"{path}: expected a file that can be read as a network, got {actual}") from error


def _check_one_sheet(path: Path, tables: list[Table]) -> None:
    """Raise FormatError where several sheets of a workbook hold a network each."""
    sheets = [table for table in tables if table.is_sheet and not path.is_dir()]
    networks = [table.member for table in sheets if len(sheets) > 1 and _in_tables(path, [table])]
    if len(networks) > 1:
        actual = f"{len(networks)}: {listed(networks)}"
        raise FormatError(f"{path}: expected one sheet with a network, got {actual}: name one as [net] variable")


def _in_folder(folder: Path) -> Recognition | None:
    """The first format that claims the folder as a whole."""
    for name, row in FORMATS.items():
        if row.in_folder and (phrase := row.in_folder(folder)):
            return Recognition(name, phrase)
    return None


def _by_columns(tables: list[Table], options: Options) -> Recognition | None:
    """An edge list where [net] columns names the neurons of a table's edges."""
    named = any(is_named(table, options) for table in tables) if options.columns else False
    return Recognition("edge_list", "an edge list with the columns that [net] columns names") if named else None


def _in_tables(path: Path, tables: list[Table]) -> Recognition | None:
    """The first format that claims the tables and arrays at a path.

    Raises FormatError where pyarrow is missing, or where a folder holds a single file that should be named itself.
    """
    if not tables:
        return None
    for name, row in FORMATS.items():
        if row.in_tables and (phrase := row.in_tables(path, tables)):
            return Recognition(name, phrase)
    if len(tables) == 1 and path.is_dir() and (inside := _in_tables(tables[0].path, tables)):
        raise FormatError(f"{path}: expected a file, got a folder of {inside.sentence}: name the file {tables[0]}")
    unread = [table for table in tables if table.kind in arrow.KINDS]
    if unread and not arrow.installed():
        raise arrow.needed(unread[0].path, unread[0].kind)
    return None


def _expected(tables: list[Table]) -> str:
    """The content that could be read, in words; of a single text only the tables that anybody may write."""
    is_text = len(tables) == 1 and tables[0].kind == "csv"
    return TEXTS if is_text else "a network" if _is_empty(tables) else _known()


def _is_empty(tables: list[Table]) -> bool:
    """Whether there is a single file, without a byte."""
    return len(tables) == 1 and not tables[0].member and tables[0].path.stat().st_size == 0


def _known() -> str:
    """The formats that are recognised, by name."""
    names = ", ".join(name for name, row in FORMATS.items() if row.in_folder or row.in_tables)
    return f"a connectome ({names}; docs/connectomes.md shows their files)"


def _contents(path: Path) -> str:
    """What is at a path, for errors about unknown content."""
    tables = tables_in(path)
    if len(tables) == 1:
        return _content_of(tables[0])
    if all(table.is_sheet for table in tables) and tables:
        return f"a workbook of sheets {listed([table.member for table in tables])}: name one as [net] variable"
    files = ", ".join(table.member or table.path.name for table in tables[:8]) or "nothing"
    advice_on_files = ": name one of them" if any(map(_is_network, tables[:8])) else ""
    return f"{len(tables)} files: {files}{advice_on_files}"


def _is_network(table: Table) -> bool:
    """Whether a file that is no archive would be recognised alone."""
    try:
        return not table.member and _in_tables(table.path, [table]) is not None
    except FormatError:
        return False


def _on_headers(table: Table) -> str:
    """What to do about several rows of texts above rows of numbers, or ""."""
    are_texts = [not any(re.fullmatch(NUMBER, cell) for cell in row) and any(row) for row in table.layout.rows]
    count = are_texts.index(False) if False in are_texts else 0
    return f": {count} rows of texts are above the numbers; keep the one with the ids of the neurons" * (count > 1)


def _content_of(table: Table) -> str:
    if table.columns:
        is_narrow = table.headed and 1 < len(table.columns) <= MOST_COLUMNS
        unlike = unlike_ids(table) or (advice(table) if is_narrow else "")
        hint = f": {unlike}" if unlike else _on_headers(table)
        return f"a table with columns {listed(table.columns)}{hint}"
    if table.kind == "npy":
        return f"an array of shape {shape_of(table)}"
    if table.kind in MATLAB:
        return contents_of(table)
    if table.kind in UNREAD:
        return UNREAD[table.kind]
    if _is_empty([table]):
        return "an empty file"
    return f"a {table.kind} file" if table.kind else "a file of no known kind"
