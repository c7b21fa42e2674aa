"""GML -> Graph, by a parser without recursion.

networkx reads this form too. But it refuses equal edges and equal labels, which files of connectomes have, and fails on
deep nesting.
"""

import html
import re
from typing import Any

from randomnet.formats.files import FormatError
from randomnet.formats.graphs.record import Graph, text_of
from randomnet.formats.tables.reading import NUMBER, Table

GML = "GML"
START = re.compile(r"\s*((#[^\n]*|(Creator|Version|Comment|comment)\s+(\"[^\"]*\"|\S+))\s+)*graph\s*\[", re.IGNORECASE)
TOKEN = re.compile(r'\s+|#[^\n]*|([\[\]])|"([^"]*)"|([^\s\[\]"]+)')
INTEGER = re.compile(r"[+-]?[0-9]+")
REAL = re.compile(NUMBER)
Pairs = list[tuple[str, Any]]  # (key, value), in which a list in brackets is Pairs again


def is_gml(beginning: str) -> bool:
    """Whether a text begins as GML does."""
    return bool(START.match(beginning))


def read_gml(table: Table) -> Graph:
    """The graph of a GML file; it is undirected unless it says `directed 1`. Raises FormatError."""
    graphs = [value for key, value in _pairs(table) if key == "graph" and isinstance(value, list)]
    if len(graphs) != 1:
        raise FormatError(f"{table}: expected one graph, got {len(graphs)}")
    directed = next((value for key, value in graphs[0] if key == "directed"), 0)
    if directed not in (0, 1):
        raise FormatError(f"{table}: expected 0 or 1 as directed of the graph, got {str(directed)[:40]!r}")
    graph = Graph()
    for key, value in graphs[0]:
        if key == "node" and isinstance(value, list):
            node = _attributes(value)
            graph.nodes.append((node.pop("id", None), node))
        elif key == "edge" and isinstance(value, list):
            edge = _attributes(value)
            graph.edges.append((edge.pop("source", None), edge.pop("target", None), bool(directed), edge))
        elif key not in ("directed", "multigraph"):
            graph.attributes.update(_attributes([(key, value)]))
    return graph


def _pairs(table: Table) -> Pairs:
    """The keys and values of a file. Raises FormatError with the line."""
    text = text_of(table)
    pairs: Pairs = []
    stack, key, at = [pairs], "", 0
    for match in TOKEN.finditer(text):
        if match.start() != at:
            break
        at = match.end()
        kind = match.lastindex
        if kind is None:
            continue
        token = match[kind]
        if kind == 3 and not key:
            key = token
        elif token == "]" and kind == 1 and not key and len(stack) > 1:
            stack.pop()
        elif key and not (kind == 1 and token == "]"):
            if kind == 1:
                inner: Pairs = []
                stack[-1].append((key, inner))
                stack.append(inner)
            else:
                stack[-1].append((key, html.unescape(token) if kind == 2 else _value(token)))
            key = ""
        else:
            raise FormatError(f"{table}, line {_line(text, match.start())}: expected a key, got {token[:40]!r}")
    if at != len(text):
        raise FormatError(f"{table}, line {_line(text, at)}: expected a text in quotes, got one that does not end")
    if key or len(stack) > 1:
        raise FormatError(f"{table}: expected a whole file of GML, got one that is cut off")
    return pairs


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _value(token: str) -> int | float | str:
    if INTEGER.fullmatch(token):
        return int(token) if len(token) < 400 else token
    return float(token) if REAL.fullmatch(token) else token


def _attributes(pairs: Pairs) -> dict[str, Any]:
    """Names and values, of a list in brackets as `graphics.x`; values of a repeated key are a list."""
    attributes: dict[str, Any] = {}
    for key, value in pairs:
        if isinstance(value, list):
            inner = ((f"{key}.{name}", each) for name, each in value if not isinstance(each, list))
        else:
            inner = iter([(key, value)])
        for name, each in inner:
            if name in attributes:
                earlier = attributes[name]
                attributes[name] = [*earlier, each] if isinstance(earlier, list) else [earlier, each]
            else:
                attributes[name] = each
    return attributes
