"""Lists of edges with attributes in braces -> Graph: lines `a b {'weight': 3}`, as networkx.write_edgelist writes."""

import ast
import re
from typing import Any

from randomnet.formats.files import FormatError
from randomnet.formats.graphs.record import Graph, text_of
from randomnet.formats.tables.reading import Table

ATTRIBUTE_LIST = "networkx's list of edges"
LINE = re.compile(r"([^ \t,]+)[ \t,]+([^ \t,]+)[ \t,]+(\{.*\})")
MOST_NAMED = 80  # characters of a line in an error


def is_attribute_list(beginning: str) -> bool:
    """Whether the first line that is no comment has two nodes and attributes in braces."""
    lines = (line.strip() for line in beginning.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return bool(LINE.fullmatch(first))


def read_attribute_list(table: Table) -> Graph:
    """The graph of such a list: each line is an edge from its first node to its second. Raises FormatError."""
    graph, nodes = Graph(), {}
    for number, line in enumerate(text_of(table).splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            expected, actual = "two nodes and attributes in braces", repr(line[:MOST_NAMED])
            raise FormatError(f"{table}, row {number}: expected {expected}, got {actual}")
        source, target = match[1], match[2]
        nodes.update(dict.fromkeys((source, target)))
        graph.edges.append((source, target, True, _attributes(table, number, match[3])))
    graph.nodes = [(node, {}) for node in nodes]
    return graph


def _attributes(table: Table, number: int, text: str) -> dict[str, Any]:
    """The attributes of one edge, as literals of Python: nothing is executed. Raises FormatError."""
    try:
        attributes = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        attributes = None
    if not isinstance(attributes, dict) or not all(isinstance(name, str) for name in attributes):
        expected, actual = "attributes such as {'weight': 3}", repr(text[:MOST_NAMED])
        raise FormatError(f"{table}, row {number}: expected {expected}, got {actual}")
    return {name.lower(): value for name, value in attributes.items()}
