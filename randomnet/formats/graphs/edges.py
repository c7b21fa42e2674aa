"""Edges of a graph -> EdgeRows: which attribute is the weight, the sign, the kind of synapse, and what is left."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graphs.attributes import Edges
from randomnet.formats.graphs.record import DRAWN, Graph
from randomnet.formats.graphs.words import signs_of, worded
from randomnet.formats.interpretation import TYPES, EdgeRows, Texts
from randomnet.formats.options import Options
from randomnet.formats.spellings import (
    EDGE_ROLES,
    WEIGHTS_BY_SYNAPSE,
    is_quality,
    normalized,
    role_columns,
    weights_by_words,
    weights_of_kind,
)
from randomnet.formats.tables.reading import Table
from randomnet.settings import nearest

MOST_WORDS = 6  # in a note
UNWEIGHTED = "1 for every edge, as the file has none"
OF_EDGES = ("weight", "sign", "transmitter", "synapse_type", "direction")  # roles of [net] columns that a graph has
# attributes that tell edges apart, or how they are drawn, in Gephi, Cytoscape, Pajek, yEd and networkx
IDENTIFIERS = frozenset((
    "id", "key", "index", "edgeid", "eid", "edgekey", "edgeindex", "name", "label", "edgelabel", "suid", "sharedname",
    "selected", "start", "end", "timestamp", "color", "colour", "width", "l", "c", "p", "style", "arrow",
))  # fmt: skip
COUNTERS = re.compile(r"(.*[_. ])?(id|ids|index|idx|key|row|[xyz]|time|year|timestamp)")  # the last word of a name


def rows_of(
    table: Table, graph: Graph, index: Mapping[Any, int], options: Options
) -> tuple[EdgeRows, list[Part], dict[str, Any]]:
    """The edges of a graph, what was used of their attributes, and notes on weights. Raises FormatError."""
    pre, post, undirected = _ends(table, graph, index)
    edges = Edges(table, graph)
    asked = _asked(edges, options)
    types, other_signs = worded(edges, asked, undirected)
    transmitters = _transmitters(edges, asked)
    sign = asked.get("sign") or next(iter(role_columns(edges.free(), EDGE_ROLES["sign"])), other_signs)
    signs = signs_of(edges, sign) if sign else None
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


def _weight_names(edges: Edges, asked: Mapping[str, str], has_types: bool) -> tuple[dict[str, str], str]:
    """Type of synapse -> attribute of its weights, or the one attribute of weights; neither where there is none.

    Raises FormatError where several attributes of numbers could be the weight.
    """
    if "weight" in asked:
        edges.use(asked["weight"], "weight", "as weight_column says")
        return {}, asked["weight"]
    numeric = [name for name in edges.free() if not _has_no_meaning(name) and edges.is_numeric(name)]
    qualities = [name for name in numeric if is_quality(name)]
    numeric = [name for name in numeric if name not in qualities]
    of_kind = {kind: weights_of_kind(kind, numeric) for kind in WEIGHTS_BY_SYNAPSE}
    by_kind = {kind: names[0] for kind, names in of_kind.items() if names}
    must_be = [name for name in edges.free() if name in numeric or _is_bad_weight(name)]
    spelled = role_columns(must_be, EDGE_ROLES["weight"])
    if not spelled and len(by_words := weights_by_words(numeric)) == 1 and not by_kind:
        spelled = by_words
    if by_kind and not has_types and (len(by_kind) > 1 or not spelled):
        for kind, name in by_kind.items():
            edges.use(name, f"weight of {kind} synapses")
        return by_kind, ""
    if not spelled and len(numeric) > 1:
        expected = "one attribute of edges with numbers, which is the weight"
        ask = f"name one, such as [net] weight_column = {numeric[0]}"
        raise FormatError(f"{edges.table}: expected {expected}, got {', '.join(numeric[:12])}: {ask}")
    weight = next(iter(spelled or numeric), "")
    are_counted = len({edge[:2] for edge in edges.edges}) < len(edges.edges)
    if qualities and not weight and not are_counted:
        ask = f"[net] weight_column = {qualities[0]} takes it"
        expected = "an attribute of edges that is their weight"
        raise FormatError(f"{edges.table}: expected {expected}, got {', '.join(qualities[:12])} alone: {ask}")
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
        unused(f"{edges.table.name}, graph attribute {name}", re.sub(r"(?<=.{57}).{4,}", "...", one_line(value)))
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
    words = [one_line(word)[:20] for word in edges.texts(name)[0] if word]
    return f"texts: {', '.join(words[:MOST_WORDS])}" + ", ..." * (len(words) > MOST_WORDS)
