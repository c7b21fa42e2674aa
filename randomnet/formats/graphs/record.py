"""The record of a graph as its file lists it: nodes and edges with attributes, before anything is interpreted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from randomnet.formats.contents import Part
from randomnet.formats.tables.compression import DAMAGED, damaged
from randomnet.formats.tables.encodings import START, encoding_of
from randomnet.formats.tables.reading import Table

Attributes = Mapping[str, Any]
DRAWN = ("graphics.", "drawing.", "viz.", "style.")  # beginnings of names of attributes for drawing


@dataclass
class Graph:
    """nodes: (id, attributes) each. edges: (source, target, whether directed, attributes) each.

    attributes: those of the graph as a whole. parts: what the parser decided or left out.
    """

    nodes: list[tuple[Any, Attributes]] = field(default_factory=list)
    edges: list[tuple[Any, Any, bool, Attributes]] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


def content_of(table: Table) -> bytes:
    """The decompressed bytes of a file. Raises FormatError for damaged compression."""
    try:
        with table.open() as file:
            return file.read()
    except DAMAGED as error:
        raise damaged(table, error) from None


def text_of(table: Table) -> str:
    """The text of a file in UTF-8, 16 or 32, or else in Latin-1, which older programs write."""
    content = content_of(table)
    try:
        return content.decode(encoding_of(content[:START])).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def with_default_weights(graph: Graph, table: Table, form: str) -> Graph:
    """The graph with weight 1 for edges without one, as the format defines, where other edges have a weight."""
    missing = [number for number, edge in enumerate(graph.edges) if "weight" not in edge[-1]]
    if not missing or len(missing) == len(graph.edges):
        return graph
    for number in missing:
        source, target, directed, attributes = graph.edges[number]
        graph.edges[number] = (source, target, directed, {**attributes, "weight": 1})
    note = f"1 for {len(missing):,} edges without one, as {form} defines"
    graph.parts.append(Part(f"{table.name}, edges without a weight", "weight", note))
    return graph
