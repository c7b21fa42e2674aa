"""GEXF, the form of Gephi, -> Graph, by the events of an XML parser.

networkx refuses graphs in which edges differ in direction, and adds a node for every unknown end of an edge.
"""

from collections.abc import Mapping
from typing import Any

from randomnet.formats.contents import unused
from randomnet.formats.files import FormatError
from randomnet.formats.graphs.record import Graph, with_default_weights
from randomnet.formats.graphs.xml_parsing import local, parse
from randomnet.formats.spellings import LONG_SIGN_WORDS, SYNAPSE_WORDS, normalized
from randomnet.formats.tables.reading import Table

GEXF = "GEXF"
DIRECTIONS = {"directed": True, "undirected": False, "mutual": False}  # mutual: one edge for both directions
OF_EDGES = ("weight", "label", "kind", "start", "end")  # attributes of the element itself
WORDS = frozenset((*SYNAPSE_WORDS, *LONG_SIGN_WORDS))  # in its type, where networkx writes an attribute of that name


def read_gexf(table: Table) -> Graph:
    """The graph of a GEXF file; edges without a weight have 1 where others have one, as the format says.

    Raises FormatError with the node or edge.
    """
    reader = _Gexf(table)
    parse(
        table,
        GEXF,
        StartElementHandler=reader.start,
        EndElementHandler=reader.end,
        CharacterDataHandler=reader.text,
    )
    if reader.graphs == 0:
        raise FormatError(f"{table}: expected one graph, got none")
    if reader.spells:
        note = "times in which nodes and edges are there; all are taken"
        reader.graph.parts.append(unused(f"{table.name}, {reader.spells:,} spells", note))
    return with_default_weights(reader.graph, table, GEXF)


class _Gexf:
    """Collects a Graph from the events of an XML parser."""

    def __init__(self, table: Table) -> None:
        self.table, self.graph, self.graphs, self.directed = table, Graph(), 0, False
        self.kind = "node"  # of the elements whose attributes are being declared
        self.titles: dict[tuple[str, str], str] = {}  # (kind of element, id) -> name of the attribute
        self.defaults: dict[str, dict[str, Any]] = {"node": {}, "edge": {}}
        self.title, self.spells = "", 0
        self.inside: list[tuple[str, dict[str, Any], set[str]]] = []  # open elements: kind, attributes, names with data
        self.pieces: list[str] | None = None  # the text of a default

    def start(self, name: str, xml: Mapping[str, str]) -> None:
        """An element begins."""
        begin = {"graph": self._graph, "attribute": self._attribute, "node": self._node, "edge": self._edge,
                 "attvalue": self._value, "position": self._position}  # fmt: skip
        kind = local(name)
        if kind == "attributes":
            self.kind = xml.get("class", "node")
        elif kind == "default":
            self.pieces = []
        elif kind == "spell":
            self.spells += 1
        elif kind in begin:
            begin[kind](xml)

    def text(self, text: str) -> None:
        """A piece of text."""
        if self.pieces is not None:
            self.pieces.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        kind = local(name)
        if kind == "default" and self.pieces is not None:
            self.defaults.setdefault(self.kind, {})[self.title] = "".join(self.pieces).strip()
            self.pieces = None
        elif kind in ("node", "edge") and self.inside:
            self.inside.pop()

    def _graph(self, xml: Mapping[str, str]) -> None:
        self.graphs += 1
        if self.graphs > 1:
            raise FormatError(f"{self.table}: expected one graph, got a second one in it")
        self.directed = self._direction(xml.get("defaultedgetype", "undirected"), "defaultedgetype of the graph")

    def _attribute(self, xml: Mapping[str, str]) -> None:
        self.title = xml.get("title", "") or xml.get("id", "")
        self.titles[self.kind, xml.get("id", "")] = self.title

    def _node(self, xml: Mapping[str, str]) -> None:
        attributes = dict(self.defaults["node"])
        if "label" in xml:
            attributes["label"] = xml["label"]
        self.inside.append(("node", attributes, set()))
        self.graph.nodes.append((xml.get("id"), attributes))

    def _edge(self, xml: Mapping[str, str]) -> None:
        place, kind = f"type of edge {len(self.graph.edges) + 1}", xml.get("type", "")
        is_direction = bool(kind) and normalized(kind) not in WORDS
        directed = self._direction(kind, place) if is_direction else self.directed
        names = OF_EDGES if is_direction else (*OF_EDGES, "type")
        attributes = {**self.defaults["edge"], **{name: xml[name] for name in names if name in xml}}
        self.inside.append(("edge", attributes, set()))
        self.graph.edges.append((xml.get("source"), xml.get("target"), directed, attributes))

    def _value(self, xml: Mapping[str, str]) -> None:
        key = xml.get("for", xml.get("id", ""))
        place = f"{self.table}, at node {len(self.graph.nodes)}, edge {len(self.graph.edges)}"
        kind, attributes, titles = self.inside[-1] if self.inside else ("graph", {}, set())
        if (kind, key) not in self.titles:
            raise FormatError(f"{place}: expected a value of a declared attribute, got {key[:80]!r}")
        title = self.titles[kind, key]
        if title in titles:
            expected = f"one value of {title[:40]}, as in a graph that does not change in time"
            raise FormatError(f"{place}: expected {expected}, got two")
        titles.add(title)
        attributes[title] = xml.get("value", "")

    def _position(self, xml: Mapping[str, str]) -> None:
        if self.inside and self.inside[-1][0] == "node":
            self.inside[-1][1].update({axis: xml[axis] for axis in "xyz" if axis in xml})

    def _direction(self, value: str, place: str) -> bool:
        if value.lower() not in DIRECTIONS:
            raise FormatError(f"{self.table}: expected directed, undirected or mutual as {place}, got {value[:40]!r}")
        return DIRECTIONS[value.lower()]
