"""The meaning of every column of every table, in one plain sentence each: --help-columns and docs/columns.md.

column             Column and Table, and the suffixes that columns share
spectra            spectra and transitions
training           trainings and models of recordings
other_kinds        all other kinds
comparison_tables  tables of visualization.py

A written column that is not explained here fails a test. The gridded options are columns too, under their own names;
--help-config explains these.
"""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial

from randomnet.results.columns.column import ENDINGS, Column, Table
from randomnet.results.columns.comparison_tables import COMPARISON_TABLES
from randomnet.results.columns.other_kinds import OTHER_KINDS
from randomnet.results.columns.spectra import SPECTRA
from randomnet.results.columns.training import TRAINING

TABLES: list[Table] = [*SPECTRA, *TRAINING, *OTHER_KINDS, *COMPARISON_TABLES]


def explained(name: str) -> list[tuple[Table, Column]]:
    """The columns of this name, by table; a suffix of ENDINGS adds to the meaning of the column without it."""
    exact = list(_matching(lambda column: column.name == name))
    if exact:
        return exact
    for ending, says in ENDINGS.items():
        if name.endswith(ending) and (base := explained(name.removesuffix(ending))):
            describe = partial(says.format, column=name.removesuffix(ending))
            return [(table, Column(name, describe(meaning=column.meaning), column.unit)) for table, column in base]
    return list(_matching(lambda column: fnmatchcase(name, column.name)))


def _matching(fits: Callable[[Column], bool]) -> Iterator[tuple[Table, Column]]:
    return ((table, column) for table in TABLES for column in table.columns if fits(column))


def help_text(name: str | None = None) -> str:
    """One column, or all of them by table. Raises KeyError, with the nearest name, for an unknown name."""
    if name is None:
        return "\n\n".join(_table_text(table) for table in TABLES)
    columns = explained(name)
    if not columns:
        names = sorted({column.name for table in TABLES for column in table.columns})
        near = get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise KeyError(f"expected the name of a column, got {name!r}{hint}")
    return "\n".join(f"{table.file}, {table.scope}\n{_line(column)}" for table, column in columns)


def _table_text(table: Table) -> str:
    return "\n".join([f"{table.file}, {table.scope}", *map(_line, table.columns)])


def _line(column: Column) -> str:
    return f"  {column.name}{f' ({column.unit})' if column.unit else ''}: {column.meaning}"


def page() -> str:
    """The text of docs/columns.md."""
    parts = [HEAD]
    for table in TABLES:
        head = [f"## {table.file}: {table.scope}", "", "| column | unit | meaning |", "|---|---|---|"]
        parts.append("\n".join([*head, *map(_row, table.columns)]))
    return "\n\n".join(parts) + "\n"


def _row(column: Column) -> str:
    return f"| `{column.name}` | {column.unit} | {column.meaning.replace('|', PIPE)} |"


PIPE = r"\|"  # in a cell of a table
HEAD = """# Columns of the tables

`python runrandomnet.py --help-columns` prints this page, `--help-columns drift` one column. The gridded options are
columns too, under their own names: `--help-config` explains them. `*` stands for a name, such as that of a group.

Suffixes that many columns share:

""" + "\n".join(f"- `{ending}`: {says.format(column='the column without it', meaning='').strip().rstrip(':')}"
                for ending, says in ENDINGS.items())  # fmt: skip
