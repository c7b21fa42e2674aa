"""Words in the rows of a table of edges: signs, types of synapses, directions, and transmitters."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.edges.columns import EdgeColumns, place_of
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import TYPES, EdgeRows, Texts, types_of_words
from randomnet.formats.signs import KNOWN, UNKNOWN, notes_on, transmitter_names
from randomnet.formats.spellings import (
    CHEMICAL,
    DIRECTION_WORDS,
    EDGE_ROLES,
    ELECTRICAL,
    EXC_OR_INH,
    LONG_SIGN_WORDS,
    SYNAPSE_WORDS,
    TRUE_TYPES,
    TRUTH_WORDS,
    ZEROS_AND_ONES,
    are_zeros_and_ones,
    meaning_of,
    normalized,
    sign_word,
    sign_words_of,
    types_of_truth,
)
from randomnet.formats.tables.reading import Table, read_all, shown

MOST_WORDS = 6  # in a note
TRUTHS = ("directed", "isdirected")  # columns of directions whose cells are true or false


def with_words(
    table: Table, columns: EdgeColumns, texts_of: Callable[[str], Texts], rows: EdgeRows
) -> tuple[EdgeRows, list[Part]]:
    """The rows with the signs, types of synapses, directions and transmitters that words tell, and their parts.

    texts_of: column -> its words in all rows. Raises FormatError.
    """
    meanings, parts = _meanings(table, columns, texts_of)
    readers = {"sign": _signed, "direction": _directed, "synapse_type": _typed}
    for column, meaning in meanings.items():
        rows, part = readers[meaning](table, columns, column, texts_of(column), rows)
        parts.append(part)
    if column := columns.roles.get("transmitter", ""):
        rows, part = _with_transmitters(table, column, texts_of(column), rows)
        parts.append(part)
    return rows, parts


def _with_transmitters(table: Table, column: str, texts: Texts, rows: EdgeRows) -> tuple[EdgeRows, Part]:
    """The rows with their transmitters; gap junctions in such a column are electrical synapses without one."""
    is_electrical = np.array([SYNAPSE_WORDS.get(normalized(word)) == ELECTRICAL for word in texts.names.tolist()], bool)
    names = transmitter_names(np.where(is_electrical, "", texts.names))
    known = {part for name in np.unique(names).tolist() for part in name.split(", ")} & set(KNOWN)
    if not known:
        return rows, unused(place_of(table, column), _words_note(texts, "", "that are no known transmitter"))
    used = np.where(is_electrical, "", texts.names)[np.unique(texts.codes)]
    notes = [f"{len(known):,} known: {', '.join(sorted(known))}", *notes_on(used)]
    if is_electrical[texts.codes].any() and rows.types is None:
        kinds = np.where(is_electrical, TYPES.index(ELECTRICAL), TYPES.index(CHEMICAL)).astype(np.int8)
        rows = replace(rows, types=kinds[texts.codes])
        notes.append("its gap junctions are electrical synapses")
    names = np.where(names == UNKNOWN, "", names)
    use = EDGE_ROLES["transmitter"].use
    return replace(rows, transmitters=Texts(texts.codes, names)), Part(place_of(table, column), use, "; ".join(notes))


def _meanings(
    table: Table, columns: EdgeColumns, texts_of: Callable[[str], Texts]
) -> tuple[dict[str, str], list[Part]]:
    """Column -> sign, synapse_type or direction, by role or by its words; and the parts of columns that tell none."""
    meanings = {columns.roles[role]: role for role in ("sign", "synapse_type", "direction") if role in columns.roles}
    parts, taken = [], {*meanings.values(), *(("synapse_type",) if columns.by_synapse else ())}
    for column in columns.words:
        texts = texts_of(column)
        meaning = _meaning(column, _used(texts))
        if meaning and meaning not in taken:
            meanings[column] = meaning
            taken.add(meaning)
        else:
            parts.append(unused(place_of(table, column), _words_note(texts, meaning)))
    return meanings, parts


def _meaning(column: str, words: Sequence[str]) -> str:
    """What the words of a column such as type or directed tell: a role, or ""."""
    is_truth = {word.lower() for word in words} <= set(TRUTH_WORDS)
    if normalized(column) in TRUTHS and is_truth:
        return "direction"
    if normalized(column) in TRUE_TYPES and is_truth:
        return "synapse_type"
    if normalized(column) in EXC_OR_INH and is_truth:
        return "sign"
    return meaning_of(words)


def _used(texts: Texts) -> list[str]:
    """The different texts that any row has."""
    return texts.names[np.unique(texts.codes)].tolist()


def _words_note(texts: Texts, meaning: str, reason: str = "that tell no type of synapse, sign or direction") -> str:
    if meaning:
        return f"another column is the {EDGE_ROLES[meaning].use}"
    words = [shown(word) for word in _used(texts) if word]
    more = f", ... {len(words) - MOST_WORDS:,} more" if len(words) > MOST_WORDS else ""
    return f"words {reason}: {', '.join(words[:MOST_WORDS])}{more}"


def _signed(table: Table, columns: EdgeColumns, column: str, texts: Texts, rows: EdgeRows) -> tuple[EdgeRows, Part]:
    """The rows with the signs of a column. Raises FormatError for other words, and beside negative weights."""
    if (rows.weights < 0).any():
        _refuse_negative(table, columns.roles["weight"], column)
    signs = signs_by_word(table, column, texts)
    counts = {"excitatory": signs > 0, "inhibitory": signs < 0, "without a sign": signs == 0}
    note = ", ".join(f"{int(mask.sum()):,} {word}" for word, mask in counts.items())
    return replace(rows, signs=signs), Part(place_of(table, column), EDGE_ROLES["sign"].use, f"rows: {note}")


def signs_by_word(table: Table, column: str, texts: Texts) -> np.ndarray:
    """(E,) int8 signs of words. Raises FormatError for words that are no sign, and for 0 and 1 alone as a sign."""
    used = _used(texts)
    by_word = sign_words_of(column, used)
    known = np.zeros(len(texts.names), np.int8)
    for code in np.unique(texts.codes).tolist():
        text = texts.names[code]
        word = sign_word(text)
        if word not in by_word:
            row = next(table.rows_of(column, text), 0)
            expected = "a sign (1, -1, 0, +, -, E, I, exc, inh, excitatory or inhibitory)"
            actual = f"{shown(text)!r}" if word else "an empty cell"
            raise FormatError(f"{table}, row {row}, column {column}: expected {expected}, got {actual}")
        known[code] = by_word[word]
    if are_zeros_and_ones(by_word, used):
        raise FormatError(f"{table}, column {column}: {ZEROS_AND_ONES}")
    return known[texts.codes]


def _refuse_negative(table: Table, weight: str, sign: str) -> None:
    """Raise the FormatError for a negative weight beside a column of signs."""
    try:
        read_all(table, {weight: "weight"})
    except FormatError as error:
        raise FormatError(f"{error} beside the column {sign}") from None


def _directed(table: Table, columns: EdgeColumns, column: str, texts: Texts, rows: EdgeRows) -> tuple[EdgeRows, Part]:
    """The rows with their directions. Raises FormatError for other words."""
    is_truth = normalized(column) in TRUTHS
    by_word = {**DIRECTION_WORDS, **({word: truth > 0 for word, truth in TRUTH_WORDS.items()} if is_truth else {})}
    by_word[""] = True
    for word in _used(texts):
        if word.lower() not in by_word:
            known = ", ".join(DIRECTION_WORDS)
            raise FormatError(f"{table}, column {column}: expected a direction ({known}), got {shown(word)!r}")
    undirected = np.array([not by_word.get(word.lower(), True) for word in texts.names.tolist()], bool)[texts.codes]
    count = int(undirected.sum())
    note = f"{count:,} of {len(undirected):,} rows are undirected, and go both ways"
    return replace(rows, undirected=undirected), Part(place_of(table, column), EDGE_ROLES["direction"].use, note)


def _typed(table: Table, columns: EdgeColumns, column: str, texts: Texts, rows: EdgeRows) -> tuple[EdgeRows, Part]:
    """The rows with their types of synapses; excitatory and inhibitory are chemical ones with a sign.

    Other words are of another type, which no option reads.
    """
    words = [normalized(word) for word in texts.names.tolist()]
    if by_truth := types_of_truth(column):
        words = [by_truth.get(TRUTH_WORDS.get(word.lower(), 0), "") for word in texts.names.tolist()]
    rows = replace(rows, types=types_of_words(words)[texts.codes])
    used = {words[code]: str(texts.names[code]) for code in np.unique(texts.codes).tolist()}
    others = [
        shown(word) or "no word" for word, text in used.items() if not {word} & {*SYNAPSE_WORDS, *LONG_SIGN_WORDS}
    ]
    notes = [f"other words: {', '.join(others[:MOST_WORDS])}"] * bool(others)
    if set(used) & set(LONG_SIGN_WORDS):
        if rows.signs is None and not (rows.weights < 0).any():
            rows = replace(rows, signs=np.array([LONG_SIGN_WORDS.get(word, 0) for word in words], np.int8)[texts.codes])
            notes.append("its words are the signs as well")
        else:
            notes.append("its signs are not used, as there are others")
    return rows, Part(place_of(table, column), EDGE_ROLES["synapse_type"].use, "; ".join(notes))
