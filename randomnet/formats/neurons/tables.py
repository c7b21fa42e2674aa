"""Tables of neurons (ids, types, transmitters, sides) -> labels, signs and positions in the order of a network.

Such a table lies beside a table of edges or a matrix, or [net] labels names it. Arrays of one value per neuron in a
file are described alike.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from randomnet.formats.assembly import LARGEST
from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.interpretation import Neurons
from randomnet.formats.neurons.words import (
    sign_counts,
    signs_by_words,
    telling_signs,
    transmitters_by_words,
    why_no_sign,
)
from randomnet.formats.signs import LABEL, UNKNOWN, gives_transmitters, notes_on, transmitter_names
from randomnet.formats.spellings import EDGE_ROLES, NODE_ROLES, normalized, role_columns
from randomnet.formats.tables.cells import shown, whole_number
from randomnet.formats.tables.reading import NUMBER, Table, beside, read_all
from randomnet.settings import nearest

AXES = ("x", "y", "z")
MOST_LISTED = 3  # ids in a note
EMPTY = ("", "nan")  # cells without a value; NA may be the name of a region
NAMES_OF_NEURONS = "names of neurons"
IN_ORDER = "rows are in the order of the network"
LEAST_NEURONS_PER_NUMBER = 2  # whole numbers with fewer neurons each are measurements rather than groups
MOST_COLUMNS = 1000  # of a table of neurons; wider ones are matrices
MOST_FILES = 60  # of a folder, in which a table of neurons is looked for
ENOUGH = 0.5  # of the neurons must have a row in a table that merely lies beside the file


def id_columns(table: Table) -> list[str]:
    """The columns that may have the ids of neurons, the best spelling first; a first column without a name counts."""
    return _id_columns(table.columns)


def _id_columns(columns: Sequence[str]) -> list[str]:
    unnamed = [column for column in columns[:1] if not column.strip()]
    return role_columns(columns, NODE_ROLES["id"]) + unnamed


def has_properties(table: Table) -> bool:
    """Whether the table has ids of neurons and a column of a known property, by its header and its first rows."""
    if len(table.columns) > MOST_COLUMNS:
        return False
    roles = [role for role in NODE_ROLES if role != "id" and role not in AXES]
    spelled = any(role_columns(table.columns, NODE_ROLES[role]) for role in roles)
    return bool(id_columns(table)) and (spelled or _tells_transmitters(table))


def ids_of(table: Table, ids: np.ndarray) -> np.ndarray | None:
    """The ids that a table of neurons lists, of the type of `ids` (int64 or texts); None for several rows per id.

    They are those of the column that has most of `ids`. Cells that are no whole numbers are left out where `ids` are.
    """
    best = _best_ids(table, ids)
    return best if len(np.unique(best)) == len(best) else None


def repeated_id(table: Table, ids: np.ndarray, share: float) -> str:
    """The first id with several rows in a table that has at least this share of the ids, or ""."""
    if not table.columns or not id_columns(table):
        return ""
    unique, counts = np.unique(_best_ids(table, ids), return_counts=True)
    repeated = unique[(counts > 1) & np.isin(unique, ids)]
    return str(repeated[0]) if len(repeated) and np.isin(ids, unique).mean() >= share else ""


def misspelled_id(table: Table, ids: np.ndarray, share: float) -> str:
    """`'a' for 'A'`, where this share of the ids is in the table in another case or with other leading zeros, or ""."""
    if not table.columns or not id_columns(table):
        return ""
    texts = read_all(table, dict.fromkeys(id_columns(table), "text"))
    known = {_loosely(text): text for text in ids.astype(str).tolist()}
    for cells in (canonical_ids(values.tolist()).tolist() for values in texts.values()):
        near = {known[_loosely(cell)]: cell for cell in cells if _loosely(cell) in known}
        if len(near) >= share * len(ids):
            name, cell = next(iter(near.items()))
            return f"{shown(cell)!r} for {shown(name)!r}"
    return ""


def _loosely(name: str) -> str:
    return name.strip().casefold().lstrip("0")


def tells_signs(table: Table) -> bool:
    """Whether the table has a column of transmitters or signs, by its header and its first rows."""
    spelled = any(role_columns(table.columns, NODE_ROLES[role]) for role in ("transmitter", "sign"))
    return spelled or _tells_transmitters(table)


def _tells_transmitters(table: Table) -> bool:
    """Whether the first rows of a column of a text, which has no other role by its name, are transmitters."""
    spelled = {column for role in NODE_ROLES.values() for column in role_columns(table.columns, role)}
    cells_of = zip(table.columns, zip(*table.layout.rows, strict=True), strict=False)
    return any(gives_transmitters(column, set(cells)) for column, cells in cells_of if column not in spelled)


def neurons_beside(table: Table, names: np.ndarray | None) -> list[Table]:
    """The tables in other files of a file's folder with a row for most of the neurons of these names.

    names: None for neurons that are only numbered. Not looked for among more than MOST_FILES files.
    """
    if len(list(islice(table.path.parent.iterdir(), MOST_FILES + 1))) > MOST_FILES:
        return []
    are_edges = {other: all(role_columns(other.columns, EDGE_ROLES[end]) for end in ("pre", "post"))
                 for other in beside(table)}  # fmt: skip
    others = [other for other, has_ends in are_edges.items() if not has_ends and has_properties(other)]
    if names is None:
        return others
    listed = {other: ids_of(other, names) for other in others}
    return [other for other, ids in listed.items() if ids is not None and np.isin(names, ids).mean() >= ENOUGH]


def _best_ids(table: Table, ids: np.ndarray) -> np.ndarray:
    """The cells of the column that has most of the ids, of their type."""
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
    return best


def is_neuron_table(table: Table) -> bool:
    """Whether the header has ids of neurons or a kind of label."""
    spelled = any(role_columns(table.columns, role) for role in NODE_ROLES.values())
    return bool(table.columns) and table.headed and spelled


def canonical_ids(texts: Iterable[str]) -> np.ndarray:
    """Ids as texts without spaces around them; whole numbers as pandas writes floats (`3.0`) lose their zeros."""
    return np.array([re.sub(r"^([+-]?\d+)\.0*$", r"\1", text.strip()) for text in texts], dtype=str)


def neurons_in(
    table: Table, names: np.ndarray, by_row: bool = False, numbered: bool = False
) -> tuple[Neurons, list[Part]]:
    """The labels, signs and positions of a table for neurons with these names, and what was used of the table.

    Rows are matched by the column of ids that has most of the names. by_row: a table without ids is matched by the
    order of its rows. numbered: the network only numbers its neurons, so ids of the table become their names. Columns
    of no known spelling become labels of their own name. Neurons without a row have labels `unknown`. Raises
    FormatError where no name matches, rows of one id differ, or rows and neurons are not equally many.
    """
    texts = _texts(table, len(names))
    rows = len(next(iter(texts.values()), ()))
    ids = {column: canonical_ids(texts[column]) for column in _id_columns(list(texts))}
    place = table.name
    if numbered:
        index, keys, first_parts = _by_number(table, ids, rows, len(names))
        named = [key for key, part in zip(keys, first_parts, strict=False) if part.use == NAMES_OF_NEURONS]
        names = ids[named[0]][index] if named else names
    else:
        matches = {column: int(np.isin(names, values).sum()) for column, values in ids.items()}
        key = max(matches, key=lambda column: matches[column], default=None)
        if key is not None and matches[key]:
            index, part = _rows_of(table, key, ids[key], names)
            keys, first_parts = [key], [part]
        elif by_row and not ids and rows == len(names):
            index, keys, first_parts = np.arange(rows), [], [Part(place, "neurons", IN_ORDER)]
        else:
            raise _no_match(table, ids, names, rows, by_row)
    others = {column: np.where(index >= 0, values[index], "") for column, values in texts.items() if column not in keys}
    neurons, parts = described(table, others, names, "column", place)
    return neurons, [*first_parts, *parts]


def _texts(table: Table, n: int) -> dict[str, np.ndarray]:
    """The columns of the table as texts; a first row of texts that is one too many is the header."""
    columns = read_all(table, dict.fromkeys(table.columns, "text"))
    texts = {column: np.char.strip(values.astype(str)) for column, values in columns.items()}
    if table.headed:
        return texts
    if texts and len(next(iter(texts.values()))) == n + 1:
        return {str(values[0]): values[1:] for values in texts.values()}
    stem = table.path.name.split(".")[0]
    if len(texts) == 1 and _are_different(next(iter(texts.values()))):
        return {"name": next(iter(texts.values()))}
    return {stem if len(texts) == 1 else f"column {column}": values for column, values in texts.items()}


def _are_different(texts: np.ndarray) -> bool:
    return len(np.unique(texts)) == len(texts) and bool((texts != "").all())


def _by_number(
    table: Table, ids: Mapping[str, np.ndarray], rows: int, n: int
) -> tuple[np.ndarray, list[str], list[Part]]:
    """(n,) the row of each neuron of a network that only numbers them, the columns that say so, and their parts.

    A column that counts the rows from 0 or 1, in any order, has the numbers; another one of different ids has names.
    Without numbers, the rows are in the order of the network. Raises FormatError where there is not a row per neuron.
    """
    if rows != n:
        raise FormatError(f"{table}: expected one row for each of the {n:,} neurons of the network, got {rows:,} rows")
    keys: list[str] = []
    parts, index = [], np.arange(n)
    for column, values in ids.items():
        if not keys and (order := _counted(values)) is not None:
            index = order
            keys.append(column)
            parts.append(Part(f"{table.name}, column {column or 1}", "numbers of neurons", "in any order"))
    for column, values in ids.items():
        if column not in keys and _counted(values) is None and _are_different(values):
            keys.append(column)
            note = "" if parts else IN_ORDER
            parts.append(Part(f"{table.name}, column {column or 1}", NAMES_OF_NEURONS, note))
            break
    return index, keys, parts or [Part(table.name, "neurons", IN_ORDER)]


def _counted(texts: np.ndarray) -> np.ndarray | None:
    """(n,) the rows in the order of their numbers, which count from 0 or 1; None for other texts."""
    numbers = np.array([int(text) if re.fullmatch(r"\d{1,9}", text) else -1 for text in texts.tolist()])
    counts = [np.arange(first, first + len(numbers)) for first in (0, 1)]
    return np.argsort(numbers) if any(np.array_equal(np.sort(numbers), count) for count in counts) else None


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


def _no_match(
    table: Table, ids: Mapping[str, np.ndarray], names: np.ndarray, rows: int, by_row: bool
) -> FormatError:
    expected = f"ids of the network's {len(names):,} neurons, such as {', '.join(names[:MOST_LISTED].tolist())}"
    if not ids:
        rule = f", or one row for each of the {len(names):,} neurons" if by_row else ""
        return FormatError(f"{table}: expected a column of {expected}{rule}, got {rows:,} rows without ids")
    column, values = next(iter(ids.items()))
    actual = one_line(", ".join(values[:MOST_LISTED].tolist()))[:120] or "no rows"
    near = nearest(str(values[0]), names.tolist()) if len(values) else ""
    return FormatError(f"{table}, column {column or 1}: expected {expected}, got {actual}{near}")


def described(
    source: object, texts: Mapping[str, np.ndarray], names: np.ndarray, word: str = "column", place: str = ""
) -> tuple[Neurons, list[Part]]:
    """The neurons with these names as columns of (N,) texts describe them, and what was used of the columns.

    A column of a known spelling has its role; others become labels, also whole numbers that group the neurons. word,
    place: what the parts call a column and its file. Raises FormatError for signs and positions that are none.
    """
    place = place or str(source)
    neurons, parts, labels = Neurons(names), [], {}
    taken: set[str] = set()
    for role in NODE_ROLES:
        column = next((name for name in role_columns(texts, NODE_ROLES[role]) if name not in taken), "")
        if not column or role == "id" or role in AXES:
            continue
        taken.add(column)
        if role == "sign":
            signs = signs_by_words(source, column, texts[column], word)
            neurons, note = replace(neurons, signs=signs), sign_counts(signs)
        else:
            kind = LABEL if role == "transmitter" else role
            labels[kind] = transmitter_names(texts[column]) if role == "transmitter" else _label(texts[column])
            doubts = notes_on(texts[column]) if role == "transmitter" else []
            note = "; ".join([f"{len(np.unique(labels[kind])):,} different", *doubts])
        parts.append(Part(f"{place}, {word} {column}", NODE_ROLES[role].use, note))
    positions, axes = _positions(source, texts, word)
    parts += [Part(f"{place}, {word}s {', '.join(axes)}", NODE_ROLES["x"].use)] * bool(axes)
    others = [column for column in texts if column not in {*taken, *axes}]
    labels, more = _further_labels(others, texts, labels, f"{place}, {word}")
    parts += more
    if neurons.signs is None and LABEL not in labels:
        labels, parts = transmitters_by_words(others, texts, labels, parts, f"{place}, {word}")
    if neurons.signs is None and LABEL not in labels and (column := telling_signs(texts)):
        signs = signs_by_words(source, column, texts[column], word)
        neurons = replace(neurons, signs=signs)
        used = Part(f"{place}, {word} {column}", NODE_ROLES["sign"].use, sign_counts(signs))
        parts = [*(part for part in parts if part != unused(used.place, part.note)), used]
    return replace(neurons, labels=labels, positions=positions), parts


def _further_labels(
    columns: Sequence[str], texts: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], place: str
) -> tuple[dict[str, np.ndarray], list[Part]]:
    """The labels with those of columns of no role, and what was used of these columns."""
    every, parts = dict(labels), []
    for column in columns:
        is_sign = bool(role_columns([column], NODE_ROLES["sign"]))
        reason = "another column has the signs" if is_sign else _no_label(column, texts[column], every)
        if not reason:
            every[column] = _label(texts[column])
        different = f"{len(np.unique(texts[column])):,} different"
        note = "; ".join(filter(None, [different, why_no_sign(column, texts[column])]))
        part = f"{place} {column or 1}"
        parts.append(unused(part, reason) if reason else Part(part, f"label {column}", note))
    return every, parts


def _no_label(column: str, texts: np.ndarray, labels: Mapping[str, np.ndarray]) -> str:
    """Why a column of no role is no label, "" where it is one."""
    if not column.strip():
        return "it has no name"
    if column in labels or normalized(column) in labels:
        return "another column has this label"
    values = [text for text in np.unique(texts).tolist() if text.lower() not in EMPTY]
    if not values:
        return "all cells are empty"
    if not all(re.fullmatch(NUMBER, text) for text in values):
        return ""
    are_whole = all(float(text).is_integer() for text in values)
    are_groups = are_whole and len(values) * LEAST_NEURONS_PER_NUMBER < len(texts)
    return "" if are_groups else "numbers, which are no groups of neurons"


def _label(texts: np.ndarray) -> np.ndarray:
    """(N,) texts, `unknown` where a cell has no value; whole numbers as floats (`3.0`) lose their zeros."""
    spellings, codes = np.unique(texts, return_inverse=True)
    names = [UNKNOWN if name.lower() in EMPTY else name for name in canonical_ids(spellings.tolist()).tolist()]
    return np.array(names, dtype=str)[codes]


def _positions(
    source: object, texts: Mapping[str, np.ndarray], word: str
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(N, 3) positions, nan where unknown, and their columns; None without columns of three axes."""
    spelled = [role_columns(texts, NODE_ROLES[axis])[:1] for axis in AXES]
    axes = tuple(column for columns in spelled for column in columns)
    if len(axes) < len(AXES):
        return None, ()
    positions = np.full((len(texts[axes[0]]), 3), np.nan)
    for axis, column in enumerate(axes):
        for neuron, text in enumerate(texts[column].tolist()):
            is_number = bool(re.fullmatch(NUMBER, text)) and abs(float(text)) <= LARGEST
            if not is_number and text.lower() not in EMPTY:
                expected, actual = "a position as a number of at most 2^53", repr(one_line(text)[:40])
                raise FormatError(f"{source}, {word} {column}: expected {expected}, got {actual}")
            positions[neuron, axis] = float(text) if is_number else np.nan
    is_complete = ~np.isnan(positions).any(1)
    positions[~is_complete] = np.nan
    return (positions, axes) if is_complete.any() else (None, ())
