"""Tables of neurons (ids, types, transmitters, sides) -> labels, signs and positions in the order of a network.

Such a table lies beside a table of edges, or [net] labels names it.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from randomnet.formats.cells import whole_number
from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.interpretation import Neurons
from randomnet.formats.signs import LABEL, UNKNOWN, transmitter_names
from randomnet.formats.spellings import NODE_ROLES, normalized, role_columns, sign_words_of
from randomnet.formats.tables import NUMBER, Table, read_all
from randomnet.settings import nearest

AXES = ("x", "y", "z")
MOST_LISTED = 3  # ids in a note
MOST_COLUMNS = 1000  # of a table of neurons; wider ones are matrices


def id_columns(table: Table) -> list[str]:
    """The columns that may have the ids of neurons, the best spelling first; a first column without a name counts."""
    unnamed = [column for column in table.columns[:1] if not column.strip()]
    return role_columns(table.columns, NODE_ROLES["id"]) + unnamed


def has_properties(table: Table) -> bool:
    """Whether the table has ids of neurons and a column of a known property, by its header."""
    if len(table.columns) > MOST_COLUMNS:
        return False
    roles = [role for role in NODE_ROLES if role != "id" and role not in AXES]
    return bool(id_columns(table)) and any(role_columns(table.columns, NODE_ROLES[role]) for role in roles)


def ids_of(table: Table, ids: np.ndarray) -> np.ndarray | None:
    """The ids that a table of neurons lists, of the type of `ids` (int64 or texts); None for several rows per id.

    They are those of the column that has most of `ids`. Cells that are no whole numbers are left out where `ids` are.
    """
    columns = id_columns(table)
    texts = read_all(table, dict.fromkeys(columns, "text"))
    best: np.ndarray = ids[:0]
    for column in columns:
        cells = canonical_ids(texts[column].tolist())
        if ids.dtype.kind == "i":
            numbers = [whole_number(cell) for cell in cells.tolist()]
            cells = np.array([number for number in numbers if number is not None], dtype=np.int64)
        if np.isin(ids, cells).sum() > np.isin(ids, best).sum():
            best = cells
    return best if len(np.unique(best)) == len(best) else None


def canonical_ids(texts: Iterable[str]) -> np.ndarray:
    """Ids as texts without spaces around them; whole numbers as pandas writes floats (`3.0`) lose their zeros."""
    return np.array([re.sub(r"^([+-]?\d+)\.0*$", r"\1", text.strip()) for text in texts], dtype=str)


def neurons_in(table: Table, names: np.ndarray, by_row: bool = False) -> tuple[Neurons, list[Part]]:
    """The labels, signs and positions of a table for neurons with these names, and what was used of the table.

    Rows are matched by the column of ids that has most of the names; by_row: or else by their order, where there are as
    many rows as neurons. Columns with no known spelling become labels of their own name. Neurons without a row have
    labels `unknown`. Raises FormatError where no name matches, or rows of one id differ.
    """
    texts = {
        column: values.astype(str) for column, values in read_all(table, dict.fromkeys(table.columns, "text")).items()
    }
    rows = len(next(iter(texts.values()), ()))
    ids = {column: canonical_ids(texts[column]) for column in id_columns(table)}
    matches = {column: int(np.isin(names, values).sum()) for column, values in ids.items()}
    key = max(matches, key=lambda column: matches[column], default="")
    if matches.get(key, 0):
        index, part = _rows_of(table, key, ids[key], names)
    elif by_row and rows == len(names):
        key, index, part = (
            "",
            np.arange(rows),
            Part(table.name, "neurons", f"{rows:,} rows in the order of the network"),
        )
    else:
        raise _no_match(table, ids, names, rows)
    return _labelled(table, texts, {*ids} if key else set(), names, index, [part])


def _rows_of(table: Table, key: str, ids: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, Part]:
    """(N,) the row of each neuron, -1 without one. Raises FormatError for an id in two rows."""
    unique, counts = np.unique(ids, return_counts=True)
    repeated = unique[(counts > 1) & np.isin(unique, names)]
    if len(repeated):
        row = int(np.flatnonzero(ids == repeated[0])[1]) + 2
        actual = f"{one_line(repeated[0])[:40]!r} twice"
        raise FormatError(f"{table}, row {row}, column {key or 1}: expected one row per neuron, got {actual}")
    order = np.argsort(ids)
    place = order[np.searchsorted(ids, names, sorter=order).clip(max=len(ids) - 1)]
    index = np.where(ids[place] == names, place, -1)
    missing, others = int((index < 0).sum()), len(ids) - int((index >= 0).sum())
    notes = [f"{int((index >= 0).sum()):,} of {len(names):,} neurons have a row"]
    notes += [f"labels of the other {missing:,} are unknown"] * (missing > 0)
    notes += [f"{others:,} rows are of no neuron of the network"] * (others > 0)
    return index, Part(f"{table.name}, column {key or 1}", "ids of neurons", "; ".join(notes))


def _no_match(table: Table, ids: dict[str, np.ndarray], names: np.ndarray, rows: int) -> FormatError:
    expected = f"ids of the network's {len(names):,} neurons, such as {', '.join(names[:MOST_LISTED].tolist())}"
    if not ids:
        return FormatError(
            f"{table}: expected a column of {expected}, or one row per neuron, got {rows:,} rows without one"
        )
    column, values = next(iter(ids.items()))
    actual = ", ".join(values[:MOST_LISTED].tolist())
    near = nearest(str(values[0]), names.tolist()) if len(values) else ""
    return FormatError(f"{table}, column {column}: expected {expected}, got {actual}{near}")


def _labelled(
    table: Table, texts: dict[str, np.ndarray], ids: set[str], names: np.ndarray, index: np.ndarray, parts: list[Part]
) -> tuple[Neurons, list[Part]]:
    columns = {role: role_columns(table.columns, NODE_ROLES[role]) for role in NODE_ROLES if role != "id"}
    taken = set(ids)
    neurons = Neurons(names)
    labels: dict[str, np.ndarray] = {}
    for role, spelled in columns.items():
        column = next((name for name in spelled if name not in taken), "")
        if not column:
            continue
        values = np.where(index >= 0, texts[column][index], "")
        if role in AXES:
            continue
        taken.add(column)
        place = f"{table.name}, column {column}"
        if role == "sign":
            neurons = replace(neurons, signs=_signs(table, column, values))
            parts.append(Part(place, NODE_ROLES[role].use, _sign_counts(neurons.signs)))
        else:
            kind = LABEL if role == "transmitter" else role
            labels[kind] = (
                transmitter_names(values) if role == "transmitter" else np.where(values == "", UNKNOWN, values)
            )
            parts.append(Part(place, NODE_ROLES[role].use, f"{len(np.unique(labels[kind])):,} different"))
    positions, axes = _positions(table, columns, texts, index)
    parts += [Part(f"{table.name}, columns {', '.join(axes)}", NODE_ROLES["x"].use)] * bool(axes)
    for column in table.columns:
        if column not in taken | set(axes):
            kind = normalized(column)
            is_label = bool(column) and kind not in labels and not _is_numeric(texts[column])
            if is_label:
                labels[column] = np.where(index >= 0, texts[column][index], "")
                labels[column] = np.where(labels[column] == "", UNKNOWN, labels[column])
            place = f"{table.name}, column {column or 1}"
            parts.append(Part(place, f"label {column}") if is_label else unused(place, "numbers" if column else ""))
    return replace(neurons, labels=labels, positions=positions), parts


def _is_numeric(texts: np.ndarray) -> bool:
    return all(re.fullmatch(NUMBER, text) for text in np.unique(texts).tolist() if text)


def _signs(table: Table, column: str, texts: np.ndarray) -> np.ndarray:
    """(N,) int8 signs by the words of a column. Raises FormatError for other words."""
    words = sign_words_of(column)
    spellings, codes = np.unique(np.char.lower(texts), return_inverse=True)
    for spelling in spellings.tolist():
        if spelling not in words:
            known = "+, -, 1, -1, 0, E, I, exc, inh, excitatory or inhibitory"
            raise FormatError(f"{table}, column {column}: expected a sign ({known}), got {one_line(spelling)[:40]!r}")
    return np.array([words[spelling] for spelling in spellings.tolist()], dtype=np.int8)[codes]


def _sign_counts(signs: np.ndarray | None) -> str:
    assert signs is not None, "signs of this table"
    counts = {"excitatory": signs > 0, "inhibitory": signs < 0, "unknown": signs == 0}
    return ", ".join(f"{int(mask.sum()):,} {word}" for word, mask in counts.items())


def _positions(
    table: Table, columns: dict[str, list[str]], texts: dict[str, np.ndarray], index: np.ndarray
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(N, 3) positions, nan where unknown, and their columns; None without columns of three axes."""
    axes = tuple(columns[axis][0] for axis in AXES if columns[axis])
    if len(axes) < len(AXES):
        return None, ()
    positions = np.full((len(index), 3), np.nan)
    for axis, column in enumerate(axes):
        for neuron, text in enumerate(np.where(index >= 0, texts[column][index], "").tolist()):
            if text and not re.fullmatch(NUMBER, text):
                raise FormatError(
                    f"{table}, column {column}: expected a position as a number, got {one_line(text)[:40]!r}"
                )
            positions[neuron, axis] = float(text) if text else np.nan
    positions[np.isnan(positions).any(1)] = np.nan
    return positions, axes
