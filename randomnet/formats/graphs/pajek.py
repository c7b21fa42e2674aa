"""Pajek's .net -> Graph: sections *Vertices, *Arcs, *Edges, *Arcslist, *Edgeslist and *Matrix.

networkx drops the relations of a network with several (`*Arcs :2 "electrical"`), and takes cut lines.
"""

import re
from typing import Any

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graphs.record import Graph, text_of, with_default_weights
from randomnet.formats.tables.reading import NUMBER, Table

PAJEK = "Pajek"
START = re.compile(r"\s*(%[^\n]*\s+)*(\*network[^\n]*\s+)?(%[^\n]*\s+)*\*vertices\s+\d", re.IGNORECASE)
TOKEN = re.compile(r'"([^"]*)"|(\S+)')
HEADER = re.compile(r'\*(\w+)\s*(?::?\s*(\d+))?\s*(?:(\d+)|"([^"]*)")?')
REAL = re.compile(NUMBER)
SECTIONS = ("vertices", "arcs", "edges", "arcslist", "edgeslist", "matrix")
MOST_VERTICES = 10_000_000


def is_pajek(beginning: str) -> bool:
    """Whether a text begins as a network of Pajek does."""
    return bool(START.match(beginning))


def read_pajek(table: Table) -> Graph:
    """The graph of a network of Pajek: arcs are directed, edges are not, and lines without a value have 1.

    Raises FormatError with the line.
    """
    reader = _Pajek(table)
    for number, line in enumerate(text_of(table).splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("%"):
            reader.read(number, line)
    reader.check()
    return with_default_weights(reader.graph, table, PAJEK)


class _Pajek:
    """Collects a Graph from lines."""

    def __init__(self, table: Table) -> None:
        self.table, self.graph = table, Graph()
        self.section, self.relation, self.row = "", "", 0
        self.relations: dict[str, str] = {}
        self.nodes: list[dict[str, Any]] = []
        self.vertices: dict[str, int] = {}

    def read(self, number: int, line: str) -> None:
        """One line that is neither empty nor a comment."""
        if line.startswith("*"):
            self._header(number, line)
            return
        cells = [quoted or bare for quoted, bare in TOKEN.findall(line)] if '"' in line else line.split()
        if not self.section:
            raise self._error(number, "a section such as *Vertices", line)
        self.lines(number, cells)

    def check(self) -> None:
        """Raise FormatError for a matrix that is cut off."""
        if self.section == "matrix" and self.row != len(self.nodes):
            raise FormatError(f"{self.table}: expected {len(self.nodes):,} rows of *Matrix, got {self.row:,}")

    def _header(self, number: int, line: str) -> None:
        match = HEADER.match(line)
        section = match[1].lower() if match else ""
        if section == "network" and not self.nodes:
            self.graph.attributes["name"] = line.split(None, 1)[-1]
            return
        if match is None or section not in SECTIONS:
            raise self._error(number, f"one of the sections *{', *'.join(SECTIONS)}", line)
        if section == "vertices":
            if self.nodes:
                raise self._error(number, "one network", "a second *Vertices")
            self._make_vertices(number, match[2])
        elif not self.nodes:
            raise self._error(number, "*Vertices before other sections", line)
        self.check()
        self.section, self.row = section, 0
        self.lines = getattr(self, f"_{section}")
        number_of, name = (match[2] or "", match[4] or "") if section != "vertices" else ("", "")
        self.relation = name or self.relations.get(number_of, number_of)
        self.relations.setdefault(number_of, self.relation)

    def _make_vertices(self, number: int, count: str | None) -> None:
        if not count or not 0 < int(count) <= MOST_VERTICES:
            raise self._error(number, f"a number of vertices from 1 to {MOST_VERTICES:,}", count or "none")
        self.nodes = [{} for _ in range(int(count))]
        self.graph.nodes = list(enumerate(self.nodes, 1))
        self.vertices = {str(vertex): vertex for vertex in range(1, len(self.nodes) + 1)}

    def _vertices(self, number: int, cells: list[str]) -> None:
        attributes = self.nodes[self._vertex(number, cells[0]) - 1]
        if attributes:
            raise self._error(number, "one line per vertex", f"vertex {cells[0]} twice")
        rest = cells[2:]
        attributes.update({"label": cells[1]} if len(cells) > 1 else {"label": cells[0]})
        for axis in "xyz":
            if rest and REAL.fullmatch(rest[0]):
                attributes[axis] = rest.pop(0)
        words = [word for word in rest if not word.startswith("[")]
        if len(words) % 2:
            attributes["drawing.shape"] = words.pop(0)
        attributes.update(zip(words[::2], words[1::2], strict=True))

    def _line(self, number: int, cells: list[str], directed: bool) -> None:
        relation = self.relation
        if cells[0].endswith(":"):
            relation, cells = self.relations.get(cells[0][:-1], cells[0][:-1]), cells[1:]
        if len(cells) < 2:
            raise self._error(number, "two vertices", " ".join(cells))
        attributes: dict[str, Any] = {"relation": relation} if relation else {}
        rest = cells[2:]
        if rest and not rest[0].startswith("[") and (REAL.fullmatch(rest[0]) or len(rest) % 2):
            attributes["weight"] = rest.pop(0)
        if rest:
            words = [word for word in rest if not word.startswith("[")]
            attributes.update(zip(words[::2], words[1::2], strict=False))
        ends = self._vertex(number, cells[0]), self._vertex(number, cells[1])
        self.graph.edges.append((*ends, directed, attributes))

    def _arcs(self, number: int, cells: list[str]) -> None:
        self._line(number, cells, directed=True)

    def _edges(self, number: int, cells: list[str]) -> None:
        self._line(number, cells, directed=False)

    def _list(self, number: int, cells: list[str], directed: bool) -> None:
        source, *targets = [self._vertex(number, cell) for cell in cells]
        attributes = {"relation": self.relation} if self.relation else {}
        self.graph.edges += [(source, target, directed, attributes) for target in targets]

    def _arcslist(self, number: int, cells: list[str]) -> None:
        self._list(number, cells, directed=True)

    def _edgeslist(self, number: int, cells: list[str]) -> None:
        self._list(number, cells, directed=False)

    def _matrix(self, number: int, cells: list[str]) -> None:
        if len(cells) != len(self.nodes) or self.row >= len(self.nodes):
            expected = f"{len(self.nodes):,} rows of as many numbers"
            raise self._error(number, expected, f"{len(cells):,} numbers in row {self.row + 1:,}")
        self.row += 1
        relation = {"relation": self.relation} if self.relation else {}
        for column, cell in enumerate(cells, 1):
            if not REAL.fullmatch(cell):
                raise self._error(number, "numbers", cell)
            if float(cell):
                self.graph.edges.append((self.row, column, True, {"weight": cell, **relation}))

    def _vertex(self, number: int, cell: str) -> int:
        if vertex := self.vertices.get(cell):
            return vertex
        raise self._error(number, f"a vertex from 1 to {len(self.nodes):,}", cell)

    def _error(self, number: int, expected: str, actual: str) -> FormatError:
        return FormatError(f"{self.table}, line {number}: expected {expected}, got {one_line(actual)[:60]!r}")
