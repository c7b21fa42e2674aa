"""Columns of neurons that tell signs or transmitters by the words in their cells, whatever their names."""

from collections.abc import Mapping, Sequence

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.signs import LABEL, gives_transmitters, tells_of_others, transmitter_names
from randomnet.formats.spellings import (
    MARKERS,
    NODE_ROLES,
    PLACES,
    are_both_truths,
    are_opposite_signs,
    normalized,
    role_columns,
    sign_word,
    sign_words_of,
    words_of,
)

GROUP = "group"  # a spelling of regions that may as well be the groups E and I
OF_OUTPUTS = frozenset(("effect", "synapse", "synaptic", "output", "outgoing", "weight"))  # words in names


def with_told_transmitters(
    columns: Sequence[str], texts: Mapping[str, np.ndarray], labels: dict[str, np.ndarray], parts: list[Part],
    place: str,
) -> list[Part]:
    """The parts, where one of `columns`, of no role, tells the transmitters by its words; they become a label.

    Several such columns that differ, and those of another role such as class, are a question, which their parts ask.
    """
    told = {column: transmitter_names(cells) for column, cells in texts.items()
            if gives_transmitters(column, np.unique(cells).tolist())}  # fmt: skip
    first = next((column for column in told if column in columns and column in labels), "")
    if first and all(np.array_equal(told[first], told[column]) for column in told if column in columns):
        names = labels[LABEL] = told[first]
        del labels[first]
        used = Part(place + first, NODE_ROLES["transmitter"].use, f"by its words; {len(np.unique(names)):,} different")
        return [used if part.place == used.place else part for part in parts]
    note = "transmitters, not as signs: call the one that gives them neurotransmitter"
    return [Part(part.place, part.use, note) if part.place.removeprefix(place) in told else part for part in parts]


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
    columns = [name for name in texts if normalized(name) in ("exc", "inh")]
    columns = [name for name in columns if are_both_truths(np.unique(texts[name]).tolist())]
    signs = [[sign_words_of(name)[sign_word(cell)] for cell in texts[name].tolist()] for name in columns]
    return columns if all(own == signs[0] for own in signs) else []
