"""Parsing of graphs into nodes and edges with attributes: GraphML, by the events of an XML parser, and node-link JSON.

Files are data: no entity is expanded, and NaN and Infinity are not accepted as numbers. networkx can read both forms.
But it expands entities up to the limit of expat, and accepts NaN. It adds a node for every unknown end of an edge, and
needs twice the memory for GraphML.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.tables import DAMAGED, Table

GRAPHML, NODE_LINK = "GraphML", "node-link JSON"
EDGES = ("links", "edges")  # networkx has used both

Attributes = Mapping[str, Any]  # names in lower case


@dataclass
class Graph:
    """nodes: (id, attributes) each. edges: (source, target, whether directed, attributes) each."""

    nodes: list[tuple[Any, Attributes]] = field(default_factory=list)
    edges: list[tuple[Any, Any, bool, Attributes]] = field(default_factory=list)


def form_of(table: Table) -> str:
    """GRAPHML or NODE_LINK, by the root of an XML file or the keys of a JSON file; "" for other content.

    Raises FormatError for damaged files, and for XML with a document type.
    """
    if table.kind == "xml":
        return GRAPHML if _root(table) == "graphml" else ""
    if table.kind == "json":
        return NODE_LINK if _edges_key(_json(table)) else ""
    return ""


def graph_in(table: Table) -> tuple[str, Graph]:
    """GRAPHML or NODE_LINK, and the graph of the file. Raises FormatError with the node or edge."""
    if table.kind == "xml" and form_of(table):
        return GRAPHML, _graphml(table)
    content = _json(table) if table.kind == "json" else {}
    if not _edges_key(content):
        actual = f"a {table.kind or 'binary'} file that is neither"
        raise FormatError(f"{table}: expected {GRAPHML} or {NODE_LINK} with nodes and links or edges, got {actual}")
    return NODE_LINK, _node_link(table, content)


# ---- node-link JSON


def _json(table: Table) -> dict[str, Any]:
    """The JSON object of a file; empty for other JSON. Raises FormatError."""
    try:
        with table.open() as file:
            content = json.loads(file.read().decode("utf-8-sig"), parse_constant=_no_constant)
    except DAMAGED as error:
        raise FormatError(f"{table}: expected a whole compressed file, got {one_line(error)}") from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{table}: expected JSON, got one that is not: {one_line(error)[:200]}") from None
    return content if isinstance(content, dict) else {}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name}, which is no number of JSON")


def _edges_key(content: Mapping[str, Any]) -> str:
    """`links` or `edges`, the key of a list of edges beside a list of nodes; "" without both lists."""
    keys = [key for key in EDGES if isinstance(content.get(key), list)]
    return keys[0] if keys and isinstance(content.get("nodes"), list) else ""


def _node_link(table: Table, content: Mapping[str, Any]) -> Graph:
    key = _edges_key(content)
    if all(name in content for name in EDGES):
        raise FormatError(f"{table}: expected links or edges, got both")
    directed = content.get("directed")
    if not isinstance(directed, bool):
        actual = "none" if directed is None else one_line(repr(directed))[:80]
        raise FormatError(f"{table}: expected directed as true or false, as networkx writes it, got {actual}")
    for kind, items in (("node", content["nodes"]), ("edge", content[key])):
        for number, item in enumerate(items, 1):
            if not isinstance(item, dict):
                actual = one_line(repr(item))[:80]
                raise FormatError(f"{table}, {kind} {number}: expected an object with attributes, got {actual}")
    nodes: list[tuple[Any, Attributes]] = [(node.get("id"), _lower(node)) for node in content["nodes"]]
    edges: list[tuple[Any, Any, bool, Attributes]]
    edges = [(edge.get("source"), edge.get("target"), directed, _lower(edge)) for edge in content[key]]
    return Graph(nodes, edges)


def _lower(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in attributes.items()}


# ---- GraphML


class _RootFound(Exception):
    """Ends parsing at the root of an XML file."""


def _root(table: Table) -> str:
    """The name of the root element, without its namespace."""
    names: list[str] = []

    def start(name: str, attributes: Mapping[str, str]) -> None:
        names.append(_local(name))
        raise _RootFound

    try:
        _parse(table, StartElementHandler=start)
    except _RootFound:
        return names[0]
    return ""


def _graphml(table: Table) -> Graph:
    reader = _GraphML(table)
    _parse(
        table,
        StartElementHandler=reader.start,
        EndElementHandler=reader.end,
        CharacterDataHandler=reader.text,
    )
    if reader.graphs == 0:
        raise FormatError(f"{table}: expected one graph, got none")
    return reader.graph


def _parse(table: Table, **handlers: Any) -> None:
    """Parse XML with these handlers. Raises FormatError, also for a document type, which may declare entities."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: Any) -> None:
        raise FormatError(f"{table}: expected GraphML without a document type, got a DOCTYPE, which is refused")

    for name, handler in {**handlers, "StartDoctypeDeclHandler": refuse, "EntityDeclHandler": refuse}.items():
        setattr(parser, name, handler)
    try:
        with table.open() as file:
            parser.ParseFile(file)
    except (expat.ExpatError, LookupError) as error:  # an encoding that Python does not know
        raise FormatError(f"{table}: expected XML, got one that is not: {one_line(error)}") from None
    except DAMAGED as error:
        raise FormatError(f"{table}: expected a whole compressed file, got {one_line(error)}") from None


def _local(name: str) -> str:
    """The name of an element without its namespace."""
    return name.rsplit(" ", 1)[-1]


class _GraphML:
    """Collects a Graph from the events of an XML parser."""

    def __init__(self, table: Table) -> None:
        self.table, self.graph, self.graphs, self.directed = table, Graph(), 0, True
        self.names: dict[str, str] = {}  # key -> name of the attribute, "" for attributes of graphics
        self.defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.key = ""
        self.kinds: tuple[str, ...] = ()
        self.attributes: dict[str, str] = {}
        self.data = ""  # key of the attribute that is being read
        self.pieces: list[str] | None = None  # its text

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        begin = {"key": self._key, "graph": self._graph, "node": self._node, "edge": self._edge, "data": self._data}
        kind = _local(name)
        if kind == "hyperedge":
            raise FormatError(f"{self.table}: expected edges between two nodes, got a hyperedge")
        if kind in begin:
            begin[kind](attributes)
        elif kind == "default":
            self.data, self.pieces = self.key, []

    def text(self, text: str) -> None:
        """A piece of text."""
        if self.pieces is not None:
            self.pieces.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        kind = _local(name)
        if kind in ("node", "edge"):
            self.attributes = {}  # later data belong to the graph
        if kind not in ("default", "data") or self.pieces is None:
            return
        value, self.pieces = "".join(self.pieces).strip(), None
        if kind == "data" and self.names[self.data]:
            self.attributes[self.names[self.data]] = value
        elif kind == "default" and self.names.get(self.data):
            for element in self.kinds:
                self.defaults[element][self.names[self.data]] = value

    def _key(self, xml: Mapping[str, str]) -> None:
        self.key = xml.get("id", "")
        self.names[self.key] = xml.get("attr.name", "").lower()
        kind = xml.get("for", "all")
        self.kinds = ("node", "edge") if kind == "all" else (kind,) if kind in self.defaults else ()

    def _graph(self, xml: Mapping[str, str]) -> None:
        self.graphs += 1
        if self.graphs > 1:
            raise FormatError(f"{self.table}: expected one graph, got a second one in it")
        self.directed = self._direction(xml.get("edgedefault"), "edgedefault of the graph", "directed", "undirected")

    def _node(self, xml: Mapping[str, str]) -> None:
        self.attributes = dict(self.defaults["node"])
        self.graph.nodes.append((xml.get("id"), self.attributes))

    def _edge(self, xml: Mapping[str, str]) -> None:
        directed = self.directed
        if "directed" in xml:
            place = f"directed of edge {len(self.graph.edges) + 1}"
            directed = self._direction(xml["directed"], place, "true", "false")
        self.attributes = dict(self.defaults["edge"])
        self.graph.edges.append((xml.get("source"), xml.get("target"), directed, self.attributes))

    def _data(self, xml: Mapping[str, str]) -> None:
        self.data, self.pieces = xml.get("key", ""), []
        if self.data not in self.names:
            place = f"node {len(self.graph.nodes)}, edge {len(self.graph.edges)}"
            raise FormatError(f"{self.table}, at {place}: expected data of a declared key, got {self.data[:80]!r}")

    def _direction(self, value: str | None, place: str, yes: str, no: str) -> bool:
        if value not in (yes, no):
            raise FormatError(f"{self.table}: expected {yes} or {no} as {place}, got {value!r}")
        return value == yes
