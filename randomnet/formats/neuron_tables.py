"""Tables of neurons (ids, types, transmitters, sides) -> labels, signs and positions in the order of a network.

Such a table lies beside a table of edges, or [net] labels names it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from randomnet.formats.assembly import LARGEST
from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.interpretation import Neurons
from randomnet.formats.signs import LABEL, UNKNOWN, transmitter_names
from randomnet.formats.spellings import NODE_ROLES, role_columns, sign_words_of
from randomnet.formats.tables import NUMBER, Table, read_all
from randomnet.settings import nearest

AXES = ("x", "y", "z")
NO_NUMBERS = ("", "na", "nan")  # cells without a number, as R and pandas write them
MOST_LISTED = 3  # ids in a note


def id_columns(table: Table) -> list[str]:
    """The columns that may have the ids of neurons, the best spelling first; a first column without a name counts."""
    unnamed = [column for column in table.columns[:1] if not column.strip()]
    return role_columns(table.columns, NODE_ROLES["id"]) + unnamed


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
            Part(f"{table}", "neurons", f"{rows:,} rows in the order of the network"),
        )
    else:
        raise _no_match(table, ids, names, rows)
    neurons, parts = neurons_of_columns(
        lambda column: f"{table}, column {column or 1}",
        {column: np.where(index >= 0, values[index], "") if rows else np.full(len(names), "")
         for column, values in texts.items()},
        {key} if part.use == "ids of neurons" else set(),
        names,
    )  # fmt: skip
    return neurons, [part, *parts]


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
    return index, Part(f"{table}, column {key or 1}", "ids of neurons", "; ".join(notes))


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


def neurons_of_columns(
    place: Callable[[str], str], texts: Mapping[str, np.ndarray], taken: Iterable[str], names: np.ndarray
) -> tuple[Neurons, list[Part]]:
    """The labels, signs and positions in columns of texts (N,) for neurons with these names, and what was used.

    place: a column -> its place in errors and parts. taken: columns that are used or named already. Columns with no
    known spelling become labels of their own name, but for numbers and for texts that differ between all neurons.
    Raises FormatError.
    """
    used, parts = set(taken), []
    spelled = {role: role_columns(texts, NODE_ROLES[role]) for role in NODE_ROLES if role != "id"}
    neurons = Neurons(names)
    labels: dict[str, np.ndarray] = {}
    for role in [role for role in spelled if role not in AXES]:
        column = next((name for name in spelled[role] if name not in used), "")
        if not column:
            continue
        used.add(column)
        if role == "sign":
            neurons = replace(neurons, signs=_signs(place(column), column, texts[column]))
            note = _sign_counts(neurons.signs)
        else:
            kind = LABEL if role == "transmitter" else role
            labels[kind] = transmitter_names(texts[column]) if role == "transmitter" else _known(texts[column])
            note = f"{len(np.unique(labels[kind])):,} different"
        parts.append(Part(place(column), NODE_ROLES[role].use, note))
    axes = tuple(spelled[axis][0] for axis in AXES if spelled[axis])
    if len(axes) == len(AXES) and not used & set(axes):
        used |= set(axes)
        positions = _positions(place, [texts[axis] for axis in axes], axes, names)
        known = 0 if positions is None else int((~np.isnan(positions).any(1)).sum())
        parts += [Part(place(axis), NODE_ROLES["x"].use, f"{known:,} neurons have all three") for axis in axes]
        neurons = replace(neurons, positions=positions)
    for column in texts:
        if column not in used:
            part = _own_label(place(column), column, texts[column], labels)
            parts.append(part)
            if part.is_used:
                labels[column] = _known(texts[column])
    return replace(neurons, labels=labels), parts


def _own_label(place: str, column: str, texts: np.ndarray, labels: Mapping[str, np.ndarray]) -> Part:
    """Whether a column of no known spelling becomes a label of its own name."""
    different = np.unique(texts)
    if not column or _is_numeric(different):
        return unused(place, "numbers" if different.any() else "empty")
    if column in labels:
        return unused(place, f"there is a label {column}")
    is_id = bool(role_columns([column], NODE_ROLES["id"]))
    if len(different) == len(texts) and len(texts) > 2 and not is_id:
        return unused(place, "another text for each neuron")
    return Part(place, f"label {column}", f"{len(different):,} different")


def _known(texts: np.ndarray) -> np.ndarray:
    return np.where(texts == "", UNKNOWN, texts)


def _is_numeric(different: np.ndarray) -> bool:
    return all(re.fullmatch(NUMBER, text) for text in different.tolist() if text.lower() not in NO_NUMBERS)


def _signs(place: str, column: str, texts: np.ndarray) -> np.ndarray:
    """(N,) int8 signs by the words of a column. Raises FormatError for other words."""
    words = sign_words_of(column)
    spellings, codes = np.unique(np.char.lower(texts), return_inverse=True)
    for spelling in spellings.tolist():
        if spelling not in words:
            known = "+, -, 1, -1, 0, E, I, exc, inh, excitatory or inhibitory"
            raise FormatError(f"{place}: expected a sign ({known}), got {one_line(spelling)[:40]!r}")
    return np.array([words[spelling] for spelling in spellings.tolist()], dtype=np.int8)[codes]


def _sign_counts(signs: np.ndarray | None) -> str:
    assert signs is not None, "signs of this table"
    counts = {"excitatory": signs > 0, "inhibitory": signs < 0, "unknown": signs == 0}
    return ", ".join(f"{int(mask.sum()):,} {word}" for word, mask in counts.items())


def _positions(
    place: Callable[[str], str], columns: list[np.ndarray], axes: tuple[str, ...], names: np.ndarray
) -> np.ndarray | None:
    """(N, 3) positions, nan for neurons that lack one of them; None where no neuron has all. Raises FormatError."""
    positions = np.full((len(names), 3), np.nan)
    for axis, texts in enumerate(columns):
        for neuron, text in enumerate(texts.tolist()):
            if text.lower() in NO_NUMBERS:
                continue
            if not re.fullmatch(NUMBER, text) or abs(float(text)) > LARGEST:
                actual = f"{one_line(text)[:40]!r} of neuron {one_line(names[neuron])[:40]}"
                expected = f"numbers as positions {', '.join(axes)}, of at most 2^53"
                raise FormatError(f"{place(axes[axis])}: expected {expected}, got {actual}")
            positions[neuron, axis] = float(text)
    is_complete = ~np.isnan(positions).any(axis=1)
    positions[~is_complete] = np.nan
    return positions if is_complete.any() else None
