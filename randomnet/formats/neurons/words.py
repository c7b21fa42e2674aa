"""What the words in columns of neurons tell: their signs and transmitters."""

from collections.abc import Mapping, Sequence

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.signs import LABEL, are_transmitters, transmitter_names
from randomnet.formats.spellings import (
    EXC_OR_INH,
    NODE_ROLES,
    ZEROS_AND_ONES,
    are_both_truths,
    are_opposite_signs,
    are_zeros_and_ones,
    normalized,
    sign_word,
    sign_words_of,
)


def transmitters_by_words(
    columns: Sequence[str],
    texts: Mapping[str, np.ndarray],
    labels: dict[str, np.ndarray],
    parts: list[Part],
    place: str,
) -> tuple[dict[str, np.ndarray], list[Part]]:
    """The labels and parts, where the words of one of `columns`, of no role, may be the transmitters.

    Several such columns that differ, and those of another role such as class, are a question, which their parts ask.
    """
    names = {column: transmitter_names(cells) for column, cells in texts.items()
             if are_transmitters(np.unique(cells).tolist())}  # fmt: skip
    first = next((column for column in names if column in columns and column in labels), "")
    if first and all(np.array_equal(names[first], names[column]) for column in names if column in columns):
        others = {kind: label for kind, label in labels.items() if kind != first}
        note = f"by its words; {len(np.unique(names[first])):,} different"
        used = Part(f"{place} {first}", NODE_ROLES["transmitter"].use, note)
        return {**others, LABEL: names[first]}, [used if part.place == used.place else part for part in parts]
    note = "transmitters, not as signs: call the one that gives them neurotransmitter"
    places = {f"{place} {column}" for column in names}
    return labels, [Part(part.place, part.use, note) if part.place in places else part for part in parts]


def telling_signs(texts: Mapping[str, np.ndarray]) -> str:
    """The column of another role, such as type, whose words are signs: excitatory and inhibitory, or E and I."""
    for column, values in texts.items():
        words = np.unique(values).tolist()
        if are_opposite_signs(words) or (normalized(column) in EXC_OR_INH and are_both_truths(words)):
            return column
    return ""


def signs_by_words(source: object, column: str, texts: np.ndarray, word: str) -> np.ndarray:
    """(N,) int8 signs by the words of a column. Raises FormatError for other words."""
    spellings, codes = np.unique(texts, return_inverse=True)
    words = sign_words_of(column, spellings.tolist())
    signs = [words.get(sign_word(spelling)) for spelling in spellings.tolist()]
    if None in signs:
        known = "+, -, 1, -1, 0, E, I, exc, inh, excitatory or inhibitory"
        actual = repr(one_line(spellings[signs.index(None)])[:40])
        raise FormatError(f"{source}, {word} {column}: expected a sign ({known}), got {actual}")
    if are_zeros_and_ones(words, spellings.tolist()):
        raise FormatError(f"{source}, {word} {column}: {ZEROS_AND_ONES}")
    return np.array(signs, dtype=np.int8)[codes]


def sign_counts(signs: np.ndarray) -> str:
    """How many neurons have each sign, as a note."""
    counts = {"excitatory": signs > 0, "inhibitory": signs < 0, "unknown": signs == 0}
    lost = "; the edges of unknown ones are left out" if (signs == 0).any() else ""
    return ", ".join(f"{int(mask.sum()):,} {word}" for word, mask in counts.items()) + lost
