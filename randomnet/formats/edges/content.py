"""What names and first cells tell of further columns of a table of edges: ends, numbers, words, transmitters."""

import re
from collections.abc import Iterable, Sequence

from randomnet.formats.files import FormatError
from randomnet.formats.spellings import (
    JUNCTION_WORDS,
    POST_WORDS,
    PRE_WORDS,
    TRUTH_WORDS,
    in_words,
    is_quality,
    meaning_of,
    normalized,
)
from randomnet.formats.tables.reading import NUMBER, Table, stream

# names of columns of numbers that are no weights, as words with _ between them
POSITIONS = re.compile(r"(.*_)?([xyz]|pos|positions?|coords?|coordinates?|location|centroid)(_(nm|um|vox|voxels))?")
IDENTIFIERS = re.compile(r"((.*_)?(id|ids|index|idx|key|row|supervoxel)|unnamed_0)?")


def end_of(column: str) -> tuple[str, str] | None:
    """(`pre` or `post`, the normalized rest of the name) of a column such as type_pre or postNt; None for others."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", column)]
    for place in (0, -1):
        if len(words) > 1 and words[place] in (*PRE_WORDS, *POST_WORDS):
            rest = words[1:] if place == 0 else words[:-1]
            return "pre" if words[place] in PRE_WORDS else "post", "".join(rest)
    name = normalized(column)
    for end in ("pre", "post"):
        if name.startswith(end) and name.removeprefix(end):
            return end, name.removeprefix(end)
    return None


def first_words(table: Table, columns: Sequence[str]) -> dict[str, set[str]]:
    """Column -> its different texts in the first rows."""
    if table.kind == "csv":
        rows, places = table.layout.rows, {name: number for number, name in enumerate(table.columns)}
        return {column: {row[places[column]].strip() for row in rows} for column in columns}
    return {column: _first_texts(table, column) for column in columns}


def _first_texts(table: Table, column: str) -> set[str]:
    """The different texts of the first rows of a column; none for lists and other cells that are no texts."""
    try:
        chunk = next(stream(table, {column: "category"}), None)
    except (FormatError, TypeError, ValueError):
        return set()
    return set() if chunk is None else set(chunk[column].categories)


def tell(words: Iterable[str]) -> bool:
    """Whether words tell types of synapses, signs or directions; one letter alone tells nothing."""
    long = [word for word in words if len(word) > 2 or normalized(word) in JUNCTION_WORDS]
    return bool(meaning_of(words)) and any(not re.fullmatch(NUMBER, word) for word in long)


def are_truths(words: Iterable[str]) -> bool:
    """Whether words are true and false, and not numbers alone."""
    used = {word.lower() for word in words} - {""}
    return bool(used) and used <= set(TRUTH_WORDS) and not are_numbers(used)


def numeric_columns(table: Table, columns: Sequence[str]) -> list[str]:
    """The columns whose first rows are numbers."""
    if table.kind != "csv" or not columns:
        return [column for column in columns if are_numbers(_first_texts(table, column))]
    chunk = next(stream(table, dict.fromkeys(columns, "category")), {})
    return [column for column in columns if column in chunk and are_numbers(chunk[column].categories)]


def are_numbers(texts: Iterable[str]) -> bool:
    cells = [text for text in (str(text).strip() for text in texts) if text]
    return bool(cells) and all(re.fullmatch(NUMBER, cell) for cell in cells)


def why_no_weight(column: str) -> str:
    """Why a column of numbers with this name is no weight, or ""."""
    name = in_words(column)
    if POSITIONS.fullmatch(name) or ((end := end_of(column)) and end[1] in ("x", "y", "z")):
        return "positions"
    if IDENTIFIERS.fullmatch(name):
        return "ids or indices of rows" if name else "an index without a name"
    return "no weight by its name; [net] weight_column reads it" if is_quality(column) else ""
