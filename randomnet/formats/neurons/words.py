"""What the words in columns of neurons tell: their signs and transmitters."""

from collections.abc import Mapping, Sequence

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.signs import LABEL, gives_transmitters, tells_of_others, transmitter_names
from randomnet.formats.spellings import (
    EXC_OR_INH,
    MARKERS,
    NODE_ROLES,
    PLACES,
    ZEROS_AND_ONES,
    are_both_truths,
    are_opposite_signs,
    are_zeros_and_ones,
    normalized,
    role_columns,
    sign_word,
    sign_words_of,
    words_of,
)

GROUP = "group"  # a spelling of regions that may as well be the groups E and I
OF_OUTPUTS = frozenset(("effect", "synapse", "synaptic", "output", "outgoing", "weight"))  # words in names


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
             if gives_transmitters(column, np.unique(cells).tolist())}  # fmt: skip
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
    truths = _sign_truths(texts)
    for column, values in texts.items():
        words = np.unique(values).tolist()
        are_words = are_opposite_signs(words, _is_place(column)) and not why_no_sign(column, values)
        if are_words or (column in truths and are_both_truths(words)):
            return column
    return ""


def why_no_sign(column: str, texts: np.ndarray) -> str:
    """Why words of signs in a column of neurons are no signs; "" where they are, and for other words.

    Positive and negative may be of a gene or a stain, but in a column such as type.
    """
    words = np.unique(texts).tolist()
    if not are_opposite_signs(words, _is_place(column)):
        return ""
    are_marks = set(map(sign_word, words)) & MARKERS and not OF_OUTPUTS & set(words_of(column))
    is_known = any(role_columns([column], role) for role in NODE_ROLES.values())
    are_of_others = tells_of_others(column) or (are_marks and not is_known)
    return "not as signs: call it sign where these are of the outputs" if are_of_others else ""


def _is_place(column: str) -> bool:
    return normalized(column) != GROUP and any(role_columns([column], NODE_ROLES[role]) for role in PLACES)


def _sign_truths(texts: Mapping[str, np.ndarray]) -> list[str]:
    """The columns exc and inh of true and false; none where both are there and agree for a neuron, as numbers may."""
    columns = [name for name in texts if normalized(name) in EXC_OR_INH]
    columns = [name for name in columns if are_both_truths(np.unique(texts[name]).tolist())]
    signs = [[sign_words_of(name)[sign_word(cell)] for cell in texts[name].tolist()] for name in columns]
    return columns if all(own == signs[0] for own in signs) else []


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
