"""GraphML -> Graph, by the events of an XML parser.

networkx reads this form too. But it expands entities up to the limit of expat, and accepts NaN. It adds a node for
every unknown end of an edge, and needs twice the memory.
"""

from collections.abc import Mapping

from randomnet.formats.files import FormatError
from randomnet.formats.graphs.record import Graph
from randomnet.formats.graphs.xml_parsing import local, parse
from randomnet.formats.tables.reading import Table

GRAPHML = "GraphML"
DRAWN = ("NodeLabel", "EdgeLabel")  # the texts that yEd draws; it keeps names nowhere else


def read_graphml(table: Table) -> Graph:
    """The graph of a GraphML file. Raises FormatError with the node or edge."""
    reader = _GraphML(table)
    parse(
        table,
        GRAPHML,
        StartElementHandler=reader.start,
        EndElementHandler=reader.end,
        CharacterDataHandler=reader.text,
    )
    if reader.graphs == 0:
        raise FormatError(f"{table}: expected one graph, got none")
    return reader.graph


class _GraphML:
    """Collects a Graph from the events of an XML parser."""

    def __init__(self, table: Table) -> None:
        self.table, self.graph, self.graphs, self.directed = table, Graph(), 0, True
        self.names: dict[str, str] = {}  # key -> name of the attribute, "" for attributes of graphics
        self.defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.key = ""
        self.kinds: tuple[str, ...] = ()
        self.attributes: dict[str, str] = self.graph.attributes
        self.told: set[str] = set()  # names with data in the element that is being read
        self.data = ""  # key of the attribute that is being read
        self.pieces: list[str] | None = None  # its text

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        begin = {"key": self._key, "graph": self._graph, "node": self._node, "edge": self._edge, "data": self._data}
        kind = local(name)
        if kind == "hyperedge":
            raise FormatError(f"{self.table}: expected edges between two nodes, got a hyperedge")
        if kind in begin:
            begin[kind](attributes)
        elif kind == "default":
            self.data, self.pieces = self.key, []
        elif kind in DRAWN:
            self.pieces = []

    def text(self, text: str) -> None:
        """A piece of text."""
        if self.pieces is not None:
            self.pieces.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        kind = local(name)
        if kind in ("node", "edge"):
            self.attributes, self.told = self.graph.attributes, set()  # later data belong to the graph
        if kind not in ("default", "data", *DRAWN) or self.pieces is None:
            return
        value, self.pieces = "".join(self.pieces).strip(), None
        if kind in DRAWN:
            self.attributes.setdefault(kind, value)
        elif kind == "data" and (name := self.names[self.data]):
            if name in self.told:
                expected = f"one value of {name[:40]}, got {self.attributes[name][:40]!r} and {value[:40]!r}"
                raise FormatError(f"{self._place()}: expected {expected}")
            self.told.add(name)
            self.attributes[name] = value
        elif kind == "default" and self.names.get(self.data):
            for element in self.kinds:
                self.defaults[element][self.names[self.data]] = value

    def _key(self, xml: Mapping[str, str]) -> None:
        self.key = xml.get("id", "")
        is_drawn = any("yfiles" in name for name in xml)
        self.names[self.key] = xml.get("attr.name", "" if is_drawn else self.key)
        kind = xml.get("for", "all")
        self.kinds = ("node", "edge") if kind == "all" else (kind,) if kind in self.defaults else ()

    def _graph(self, xml: Mapping[str, str]) -> None:
        self.graphs += 1
        if self.graphs > 1:
            raise FormatError(f"{self.table}: expected one graph, got a second one in it")
        self.directed = self._direction(xml.get("edgedefault"), "edgedefault of the graph", "directed", "undirected")

    def _node(self, xml: Mapping[str, str]) -> None:
        self.attributes, self.told = dict(self.defaults["node"]), set()
        self.graph.nodes.append((xml.get("id"), self.attributes))

    def _edge(self, xml: Mapping[str, str]) -> None:
        directed = self.directed
        if "directed" in xml:
            place = f"directed of edge {len(self.graph.edges) + 1}"
            directed = self._direction(xml["directed"], place, "true", "false")
        self.attributes, self.told = dict(self.defaults["edge"]), set()
        self.graph.edges.append((xml.get("source"), xml.get("target"), directed, self.attributes))

    def _data(self, xml: Mapping[str, str]) -> None:
        self.data, self.pieces = xml.get("key", ""), []
        if self.data not in self.names:
            raise FormatError(f"{self._place()}: expected data of a declared key, got {self.data[:80]!r}")

    def _place(self) -> str:
        return f"{self.table}, at node {len(self.graph.nodes)}, edge {len(self.graph.edges)}"

    def _direction(self, value: str | None, place: str, yes: str, no: str) -> bool:
        if value not in (yes, no):
            raise FormatError(f"{self.table}: expected {yes} or {no} as {place}, got {value!r}")
        return value == yes
