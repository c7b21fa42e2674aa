"""Words in the attributes of edges of a graph: kinds of synapse, directions, and signs."""

from collections.abc import Mapping

import numpy as np

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graphs.attributes import REAL, Edges, as_number
from randomnet.formats.interpretation import types_of_words
from randomnet.formats.spellings import (
    DIRECTION_WORDS,
    EDGE_ROLES,
    LONG_SIGN_WORDS,
    SYNAPSE_WORDS,
    TRUE_TYPES,
    TRUTH_WORDS,
    are_zeros_and_ones,
    meaning_of,
    normalized,
    role_columns,
    sign_word,
    sign_words_of,
    types_of_truth,
)

KINDS_OF_SYNAPSE = ("key", "relation", "interaction", "label", "edgelabel", "synapse", "layer")  # beside the role's


def worded(edges: Edges, asked: Mapping[str, str], undirected: np.ndarray) -> tuple[np.ndarray | None, str]:
    """(E,) types of synapses, and an attribute of signs, by the words of attributes such as type.

    An attribute of words such as Undirected changes `undirected`.
    """
    types, sign = None, ""
    directions = [asked["direction"]] if "direction" in asked else role_columns(edges.columns, EDGE_ROLES["direction"])
    for name in directions:
        _take_directions(edges, name, undirected)
    for name in _of_words(edges):
        words, codes = edges.texts(name)
        meaning = _meaning(name, words, asked)
        if meaning == "synapse_type" and types is None:
            words = _true_types(name, words)
            types = types_of_words(words)[codes]
            counts = [f"{int((codes == code).sum()):,} {word or 'without one'}" for code, word in enumerate(words)]
            if any(normalized(word) in LONG_SIGN_WORDS for word in words) and not sign:
                sign = name
                counts.append("its words are the signs as well")
            edges.use(name, EDGE_ROLES["synapse_type"].use, ", ".join(counts))
        elif meaning == "direction":
            _take_directions(edges, name, undirected)
        elif meaning == "sign" and not sign:
            sign = name
    return types, sign


def _of_words(edges: Edges) -> list[str]:
    """The free attributes that may have words, those that are spelled as kinds of synapse first."""
    spelled = role_columns(edges.free(), EDGE_ROLES["synapse_type"])
    first = {name: next((value for value in edges.columns[name] if value is not None), None) for name in edges.free()}
    others = [name for name, value in first.items() if isinstance(value, str) and as_number(value) is None]
    return list(dict.fromkeys([*spelled, *others]))


def _meaning(name: str, words: list[str], asked: Mapping[str, str]) -> str:
    """`synapse_type`, `sign` or `direction` by the words of an attribute; "" where they tell none.

    One letter, such as E, tells a kind of synapse in an attribute with a name for it alone.
    """
    tell_kinds = set() < {normalized(word) for word in words} - {""} <= {*SYNAPSE_WORDS}
    is_of_synapses = normalized(name) in TRUE_TYPES or (normalized(name).startswith("syn") and tell_kinds)
    if asked.get("synapse_type") == name or ("synapse_type" not in asked and is_of_synapses):
        return "synapse_type"
    meaning = meaning_of(words)
    if meaning == "synapse_type" and "synapse_type" in asked:
        return ""
    is_spelled = bool(role_columns([name], EDGE_ROLES["synapse_type"]))
    is_name = normalized(name) in KINDS_OF_SYNAPSE and meaning == "synapse_type"
    is_clear = any(len(word) > 2 and not REAL.fullmatch(word) for word in words)
    return meaning if is_spelled or is_name or is_clear else ""


def _take_directions(edges: Edges, name: str, undirected: np.ndarray) -> None:
    """Change `undirected` by the words of an attribute; edges without a word stay as they are."""
    words, codes = edges.texts(name)
    known = {**{word: truth > 0 for word, truth in TRUTH_WORDS.items() if truth}, **DIRECTION_WORDS}
    if not {word.lower() for word in words} <= {*known, ""}:
        return
    directed = np.array([known.get(word.lower(), True) for word in words])[codes]
    is_told = np.array([bool(word) for word in words])[codes]
    undirected[is_told] = ~directed[is_told]
    edges.use(name, EDGE_ROLES["direction"].use, f"{int(undirected.sum()):,} undirected")


def _true_types(name: str, words: list[str]) -> list[str]:
    """The types of synapses for true and false in an attribute such as is_electrical; other words stay."""
    by_truth = types_of_truth(name)
    return [by_truth.get(TRUTH_WORDS.get(word.lower(), 0), word) for word in words]


def signs_of(edges: Edges, name: str) -> np.ndarray:
    """(E,) int8 signs by the words of an attribute. Raises FormatError for other words."""
    spellings, codes = edges.texts(name)
    words = sign_words_of(name, spellings)
    if edges.uses.get(name):  # the kinds of synapse, of which some have a sign
        words = {**dict.fromkeys(map(sign_word, spellings), 0), **LONG_SIGN_WORDS}
    signs = [words.get(sign_word(spelling)) for spelling in spellings]
    if None in signs:
        code = signs.index(None)
        known = "1, -1, 0, +, -, E, I, exc, inh, excitatory or inhibitory"
        actual = one_line(spellings[code])[:40]
        number = int(np.argmax(codes == code))
        raise FormatError(f"{edges.edge(number)}: expected a sign ({known}) as {name}, got {actual}")
    if are_zeros_and_ones(words, spellings):
        expected = "signs 1 and -1, got 0 and 1 alone: call the attribute excitatory where 0 is inhibitory"
        raise FormatError(f"{edges.place(name)}: expected {expected}")
    values = np.array(signs, dtype=np.int8)[codes]
    if edges.uses.get(name):
        return values
    counts = {"excitatory": values > 0, "inhibitory": values < 0, "without a sign": values == 0}
    edges.use(name, EDGE_ROLES["sign"].use, ", ".join(f"{int(each.sum()):,} {word}" for word, each in counts.items()))
    return values
