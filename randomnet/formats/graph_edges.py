"""Edges of a graph -> EdgeRows: which attribute is the weight, the sign, the kind of synapse, and what is left."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from randomnet.formats.assembly import LARGEST
from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graph_record import DRAWN, Graph
from randomnet.formats.interpretation import OTHER, TYPES, EdgeRows, Texts
from randomnet.formats.options import Options
from randomnet.formats.spellings import (
    CHEMICAL,
    DIRECTION_WORDS,
    EDGE_ROLES,
    ELECTRICAL,
    LONG_SIGN_WORDS,
    SYNAPSE_WORDS,
    TRUE_TYPES,
    TRUTH_WORDS,
    WEIGHTS_BY_SYNAPSE,
    Role,
    meaning_of,
    normalized,
    role_columns,
    sign_words_of,
)
from randomnet.formats.tables import NUMBER, Table
from randomnet.settings import nearest

REAL = re.compile(NUMBER)
UNWEIGHTED = "1 for every edge, as the file has none"
OF_EDGES = ("weight", "sign", "transmitter", "synapse_type")  # roles of [net] columns that a graph has
# attributes that tell edges apart, or how they are drawn, in Gephi, Cytoscape, Pajek, yEd and networkx
IDENTIFIERS = frozenset((
    "id", "key", "index", "edgeid", "eid", "edgekey", "edgeindex", "name", "label", "edgelabel", "suid", "sharedname",
    "selected", "start", "end", "timestamp", "color", "colour", "width", "l", "c", "p", "style", "arrow",
))  # fmt: skip
COUNTERS = re.compile(r"(.*[_. ])?(id|ids|index|idx|key|row|[xyz]|time|year|timestamp)")  # the last word of a name
KINDS_OF_SYNAPSE = ("key", "relation", "interaction", "label", "edgelabel", "synapse", "layer")  # beside the role's


class Edges:
    """The attributes of the edges of a graph, by name, as lists with None where an edge lacks one."""

    def __init__(self, table: Table, graph: Graph) -> None:
        self.table, self.edges = table, graph.edges
        names = dict.fromkeys(name for *_, attributes in graph.edges for name in attributes)
        self.columns = {name: [attributes.get(name) for *_, attributes in graph.edges] for name in names}
        self.uses: dict[str, Part] = {}
        self.parsed: dict[str, list[float | None]] = {}  # attribute -> its values as numbers

    def place(self, name: str) -> str:
        """The place of an attribute in errors and parts."""
        return f"{self.table}, edge attribute {name}"

    def edge(self, number: int) -> str:
        """The place of an edge, counted from 0, in errors."""
        source, target = (one_line(end)[:40] for end in self.edges[number][:2])
        return f"{self.table}, edge {number + 1} ({source} -> {target})"

    def use(self, name: str, use: str, note: str = "") -> None:
        """Record what an attribute is used as."""
        self.uses[name] = Part(f"{self.table.name}, edge attribute {name}", use, note)

    def free(self) -> list[str]:
        """The attributes that have no use so far."""
        return [name for name in self.columns if name not in self.uses]

    def texts(self, name: str) -> tuple[list[str], np.ndarray]:
        """Different texts of an attribute without spaces around them, and (E,) codes; "" where it is missing."""
        codes: dict[Any, int] = {}
        values = ["" if value is None else str(value).strip() for value in self.columns[name]]
        index = [codes.setdefault(value, len(codes)) for value in values]
        return list(codes), np.array(index, dtype=np.int64)

    def numbers(self, name: str) -> np.ndarray:
        """(E,) an attribute as numbers. Raises FormatError for others, and for edges without it."""
        numbers = self._as_numbers(name)
        if None in numbers:
            number = numbers.index(None)
            value = self.columns[name][number]
            actual = "none" if value is None else one_line(repr(value)[:80])
            raise FormatError(f"{self.edge(number)}: expected a number of at most 2^53 as {name}, got {actual}")
        return np.array(numbers, dtype=np.float64)

    def is_numeric(self, name: str) -> bool:
        """Whether most values of an attribute are numbers, but for those that count the edges."""
        present = len(self.columns[name]) - self.columns[name].count(None)
        numbers = [number for number in self._as_numbers(name) if number is not None]
        counts = len(numbers) > 2 and numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))
        return 2 * len(numbers) > present and not (counts and not _is_weight(name))

    def _as_numbers(self, name: str) -> list[float | None]:
        if name not in self.parsed:
            self.parsed[name] = [as_number(value) for value in self.columns[name]]
        return self.parsed[name]


def as_number(value: Any) -> float | None:
    """The value of a number, or of the text of one, of at most 2^53; None for other values."""
    if isinstance(value, str) and REAL.fullmatch(value.strip()):
        value = float(value)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST  # False for NaN
    return float(value) if fits else None


def rows_of(
    table: Table, graph: Graph, index: Mapping[Any, int], options: Options
) -> tuple[EdgeRows, list[Part], dict[str, Any]]:
    """The edges of a graph, what was used of their attributes, and notes on weights. Raises FormatError."""
    pre, post, undirected = _ends(table, graph, index)
    edges = Edges(table, graph)
    asked = _asked(edges, options)
    types, other_signs = _worded(edges, asked, undirected)
    transmitters = _transmitters(edges, asked)
    sign = asked.get("sign") or next(iter(role_columns(edges.free(), EDGE_ROLES["sign"])), other_signs)
    signs = _signs(edges, sign) if sign else None
    by_kind, weight = _weight_names(edges, asked, types is not None)
    is_undirected = undirected if undirected.any() else None
    if by_kind:
        rows = _by_kind(edges, EdgeRows(pre, post, pre, signs, None, transmitters, is_undirected), by_kind)
    else:
        weights = edges.numbers(weight) if weight else np.ones(len(pre))
        rows = EdgeRows(pre, post, weights, signs, types, transmitters, is_undirected)
        _check_signs(edges, rows, weight, sign)
    notes: dict[str, Any] = {"weights": _weights_note(by_kind, weight)}
    if rows.signs is not None:
        notes["edges_of_sign_0"] = int((rows.signs == 0).sum())
    return rows, _parts(edges, graph, undirected, bool(by_kind or weight)), notes


def _ends(table: Table, graph: Graph, index: Mapping[Any, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(E,) indices of sources and targets, and whether each edge is undirected. Raises FormatError for unknown ids."""
    ends = [[edge[side] for edge in graph.edges] for side in (0, 1)]
    types = {type(node) for side in ends for node in side}
    if not types <= {str, int} or not all(index.keys() >= {*side} for side in ends):
        raise _unknown_end(table, graph, index)
    pre, post = (np.array([index[node] for node in side], dtype=np.int64) for side in ends)
    return pre, post, np.array([not edge[2] for edge in graph.edges], dtype=bool)


def _unknown_end(table: Table, graph: Graph, index: Mapping[Any, int]) -> FormatError:
    """The error for the first edge with an end that is no node."""
    for number, edge in enumerate(graph.edges, 1):
        for end, node in zip(("source", "target"), edge, strict=False):
            if type(node) not in (str, int) or node not in index:
                actual = "none" if node is None else one_line(repr(node))[:80]
                return FormatError(f"{table}, edge {number}: expected a {end} that is the id of a node, got {actual}")
    raise AssertionError("an end that is no node")


# ---- which attribute is what


def _asked(edges: Edges, options: Options) -> dict[str, str]:
    """Role -> attribute, as the options name them. Raises FormatError for roles or attributes that are not there."""
    asked = dict(options.columns)
    if options.weight_column:
        asked["weight"] = options.weight_column
    attributes: dict[str, str] = {}
    for role, name in asked.items():
        if role not in OF_EDGES:
            expected = f"columns of {', '.join(OF_EDGES)}, as the edges of a graph name their ends"
            raise FormatError(f"{edges.table}: expected {expected}, got {role}")
        spelled = [each for each in edges.columns if name in (each, each.lower()) or name.lower() == each.lower()]
        if not spelled:
            known = ", ".join(list(edges.columns)[:12]) or "none"
            actual = f"{name!r}; there are {known}{nearest(name, edges.columns)}"
            raise FormatError(f"{edges.table}: expected an attribute of edges as {role}, got {actual}")
        attributes[role] = name if name in spelled else spelled[0]
    return attributes


def _worded(edges: Edges, asked: Mapping[str, str], undirected: np.ndarray) -> tuple[np.ndarray | None, str]:
    """(E,) types of synapses, and an attribute of signs, by the words of attributes such as type.

    An attribute of words such as Undirected changes `undirected`.
    """
    types, sign = None, ""
    for name in role_columns(edges.columns, EDGE_ROLES["direction"]):
        _take_directions(edges, name, undirected)
    names = [asked["synapse_type"]] if "synapse_type" in asked else _kinds(edges.columns)
    for name in names:
        words, codes = edges.texts(name)
        is_spelled = name in asked.values() or normalized(name) not in KINDS_OF_SYNAPSE
        meaning = meaning_of(words)
        if normalized(name) in TRUE_TYPES:
            words, meaning = _true_types(name, words), "synapse_type"
        tell_kinds = {normalized(word) for word in words} <= {*SYNAPSE_WORDS, ""}
        if name == asked.get("synapse_type") or (_of_synapses(name) and tell_kinds):
            meaning = "synapse_type"
        if meaning == "synapse_type" and types is None:
            types = _types(words, codes)
            counts = [f"{int((codes == code).sum()):,} {word or 'without one'}" for code, word in enumerate(words)]
            if any(normalized(word) in LONG_SIGN_WORDS for word in words) and not sign:
                sign = name
                counts.append("its words are the signs as well")
            edges.use(name, EDGE_ROLES["synapse_type"].use, ", ".join(counts))
        elif meaning == "direction" and is_spelled:
            _take_directions(edges, name, undirected)
        elif meaning == "sign" and is_spelled and not sign:
            sign = name
    return types, sign


def _take_directions(edges: Edges, name: str, undirected: np.ndarray) -> None:
    """Change `undirected` by the words of an attribute; edges without a word stay as they are."""
    words, codes = edges.texts(name)
    known = {**{word: truth > 0 for word, truth in TRUTH_WORDS.items() if truth}, **DIRECTION_WORDS}
    if not {word.lower() for word in words} <= {*known, ""}:
        return
    told = np.array([known.get(word.lower(), True) for word in words])[codes]
    is_told = np.array([bool(word) for word in words])[codes]
    undirected[is_told] = ~told[is_told]
    edges.use(name, EDGE_ROLES["direction"].use, f"{int(undirected.sum()):,} undirected")


def _kinds(names: Iterable[str]) -> list[str]:
    """Attributes that may tell the kind of a synapse."""
    names = list(names)
    spelled = role_columns(names, EDGE_ROLES["synapse_type"])
    others = [*role_columns(names, Role("", KINDS_OF_SYNAPSE)), *(name for name in names if _of_synapses(name))]
    return list(dict.fromkeys(spelled + others))


def _of_synapses(name: str) -> bool:
    return normalized(name).startswith("syn")


def _true_types(name: str, words: list[str]) -> list[str]:
    """The types of synapses for true and false in an attribute such as is_electrical; other words stay."""
    yes = TRUE_TYPES[normalized(name)]
    kinds = {1: yes, -1: CHEMICAL if yes == ELECTRICAL else ELECTRICAL}
    return [kinds.get(TRUTH_WORDS.get(word.lower(), 0), word) for word in words]


def _types(words: list[str], codes: np.ndarray) -> np.ndarray:
    """(E,) indices into TYPES; excitatory and inhibitory synapses are chemical, and other words another type."""
    kinds = [
        SYNAPSE_WORDS.get(normalized(word), CHEMICAL if normalized(word) in LONG_SIGN_WORDS else OTHER)
        for word in words
    ]
    return np.array([TYPES.index(kind) for kind in kinds])[codes]


def _transmitters(edges: Edges, asked: Mapping[str, str]) -> Texts | None:
    """The transmitters that edges name, of their presynaptic neurons."""
    spelled = [asked["transmitter"]] if "transmitter" in asked else role_columns(
        edges.free(), EDGE_ROLES["transmitter"]
    )  # fmt: skip
    name = next((name for name in spelled if "transmitter" in asked or not edges.is_numeric(name)), "")
    if not name:
        return None
    words, codes = edges.texts(name)
    edges.use(name, EDGE_ROLES["transmitter"].use, f"{len(words):,} different")
    return Texts(codes, np.array(words, dtype=str))


def _is_weight(name: str) -> bool:
    return bool(role_columns([name], EDGE_ROLES["weight"]))


def _weight_names(edges: Edges, asked: Mapping[str, str], has_types: bool) -> tuple[dict[str, str], str]:
    """Type of synapse -> attribute of its weights, or the one attribute of weights; neither where there is none.

    Raises FormatError where several attributes of numbers could be the weight.
    """
    if "weight" in asked:
        edges.use(asked["weight"], "weight", "as weight_column says")
        return {}, asked["weight"]
    numeric = [name for name in edges.free() if not _has_no_meaning(name) and edges.is_numeric(name)]
    of_kind = {kind: role_columns(numeric, Role("", names)) for kind, names in WEIGHTS_BY_SYNAPSE.items()}
    by_kind = {kind: names[0] for kind, names in of_kind.items() if names}
    must_be = [name for name in edges.free() if name in numeric or _is_bad_weight(name)]
    spelled = role_columns(must_be, EDGE_ROLES["weight"])
    if by_kind and not has_types and (len(by_kind) > 1 or not spelled):
        for kind, name in by_kind.items():
            edges.use(name, f"weight of {kind} synapses")
        return by_kind, ""
    if not spelled and len(numeric) > 1:
        expected = "one attribute of edges with numbers, which is the weight"
        ask = f"name one, such as [net] weight_column = {numeric[0]}"
        raise FormatError(f"{edges.table}: expected {expected}, got {', '.join(numeric[:12])}: {ask}")
    weight = next(iter(spelled or numeric), "")
    others = [name for name in numeric if name != weight]
    if others and weight in numeric and set(edges.numbers(weight).tolist()) == {1}:  # as Gephi writes without weights
        ask = f"[net] weight_column = {others[0]} takes it, and weight_column = {weight} the ones"
        raise FormatError(f"{edges.table}: expected weights, got 1 for each edge as {weight} beside {others[0]}: {ask}")
    if weight:
        edges.use(weight, "weight", "" if spelled else "the only attribute with numbers")
    return {}, weight


def _is_bad_weight(name: str) -> bool:
    """Whether an attribute must have numbers by its name."""
    return normalized(name) in ("weight", "weights", "syncount", "count")


# ---- values


def _signs(edges: Edges, name: str) -> np.ndarray:
    """(E,) int8 signs by the words of an attribute. Raises FormatError for other words."""
    spellings, codes = edges.texts(name)
    words = sign_words_of(name, spellings)
    if edges.uses.get(name):  # the kinds of synapse, of which some have a sign
        words = {**dict.fromkeys(map(str.lower, spellings), 0), **LONG_SIGN_WORDS}
    signs = [words.get(spelling.lower()) for spelling in spellings]
    if None in signs:
        code = signs.index(None)
        known = "1, -1, 0, +, -, E, I, exc, inh, excitatory or inhibitory"
        actual = one_line(spellings[code])[:40]
        number = int(np.argmax(codes == code))
        raise FormatError(f"{edges.edge(number)}: expected a sign ({known}) as {name}, got {actual}")
    if {*spellings} in ({"0", "1"}, {"0.0", "1.0"}) and words["0"] == 0:
        expected = "signs 1 and -1, got 0 and 1 alone: call the attribute excitatory where 0 is inhibitory"
        raise FormatError(f"{edges.place(name)}: expected {expected}")
    values = np.array(signs, dtype=np.int8)[codes]
    if edges.uses.get(name):
        return values
    counts = {"excitatory": values > 0, "inhibitory": values < 0, "without a sign": values == 0}
    edges.use(name, EDGE_ROLES["sign"].use, ", ".join(f"{int(each.sum()):,} {word}" for word, each in counts.items()))
    return values


def _check_signs(edges: Edges, rows: EdgeRows, weight: str, sign: str) -> None:
    """Raise FormatError for a negative weight beside another sign."""
    if rows.signs is None:
        return
    differs = (rows.weights < 0) & (rows.signs >= 0)
    if differs.any():
        number = int(np.argmax(differs))
        actual = f"{rows.weights[number]:g}"
        raise FormatError(f"{edges.edge(number)}: expected a {weight} >= 0 beside the attribute {sign}, got {actual}")


def _by_kind(edges: Edges, rows: EdgeRows, by_kind: Mapping[str, str]) -> EdgeRows:
    """A row for each type of synapse of each edge; a weight that is missing or 0 is no synapse."""
    edge, weights, types = [], [], []
    for kind, name in by_kind.items():
        edges.columns[name] = [0 if value in (None, "") else value for value in edges.columns[name]]
        edges.parsed.pop(name, None)
        numbers = edges.numbers(name)
        present = np.flatnonzero(numbers)
        edge.append(present)
        weights.append(numbers[present])
        types.append(np.full(len(present), TYPES.index(kind)))
    index = np.concatenate(edge)
    texts = rows.transmitters
    return EdgeRows(
        rows.pre[index],
        rows.post[index],
        np.concatenate(weights),
        None if rows.signs is None else rows.signs[index],
        np.concatenate(types),
        None if texts is None else Texts(texts.codes[index], texts.names),
        None if rows.undirected is None else rows.undirected[index],
    )


def _weights_note(by_kind: Mapping[str, str], weight: str) -> str:
    if by_kind:
        return f"the attributes {' and '.join(by_kind.values())} of the edges"
    return f"the attribute {weight} of the edges" if weight else UNWEIGHTED


def _parts(edges: Edges, graph: Graph, undirected: np.ndarray, weighted: bool) -> list[Part]:
    """What was used of the edges: their direction, then every attribute, then those of the graph."""
    count = int(undirected.sum())
    direction = "undirected, so both ways" if count and count == len(undirected) else "from source to target"
    note = f"{len(undirected):,}" + f", of which {count:,} are undirected" * (0 < count < len(undirected))
    parts = [*graph.parts, Part(f"{edges.table.name}, edges", direction, note)]
    if not weighted:
        parts.append(Part(f"{edges.table.name}, edges", "weight", "1 per edge, as the graph is unweighted"))
    for name in edges.columns:
        parts.append(edges.uses.get(name) or unused(f"{edges.table.name}, edge attribute {name}", _left(edges, name)))
    return parts + [
        unused(f"{edges.table.name}, graph attribute {name}", one_line(value)[:60])
        for name, value in graph.attributes.items()
    ]


def _has_no_meaning(name: str) -> bool:
    """Whether an attribute tells edges apart, or is of a drawing, by its name."""
    return normalized(name) in IDENTIFIERS or name.startswith(DRAWN) or bool(COUNTERS.fullmatch(name.lower()))


def _left(edges: Edges, name: str) -> str:
    if _has_no_meaning(name):
        return "of no meaning for the network"
    if edges.is_numeric(name):
        return f"numbers; weight_column = {name} would take them as the weight"
    return "texts"
