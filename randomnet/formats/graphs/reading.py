"""Graphs with attributes -> Connectome: GraphML, GEXF, GML, Pajek, and several forms of JSON, also compressed.

The source of an edge is the presynaptic neuron, its target the postsynaptic one; an undirected edge becomes two. Files
that networkx writes give the same graph. Attributes are recognised by the spellings of EDGE_ROLES and NODE_ROLES, in
any case. Every attribute is used, or named as unused in the provenance.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS
from randomnet.formats.contents import unused
from randomnet.formats.files import FormatError
from randomnet.formats.graphs.edges import rows_of
from randomnet.formats.graphs.nodes import indices_of, neurons_of
from randomnet.formats.graphs.parsing import form_of, graph_in
from randomnet.formats.interpretation import interpreted
from randomnet.formats.neurons.labels import labelled
from randomnet.formats.neurons.tables import neurons_beside
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL
from randomnet.formats.spellings import NODE_ROLES
from randomnet.formats.tables.reading import Table, checksums, tables_in

MISSING = (
    "an attribute of the nodes with transmitters "
    f"(such as {', '.join(NODE_ROLES['transmitter'].spellings[:4])}), got none"
)


def read_graph(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a graph; neurons are all nodes in the order of the file, and parallel edges are summed.

    Under sign_policy `auto`, signs are those of edges, or else of nodes, or else of the nodes' transmitters. Raises
    FormatError.
    """
    options.refuse(path, roi="a graph has no ROIs", rows="an edge of a graph has a source and a target")
    tables = [] if path.is_dir() else tables_in(path)
    if len(tables) != 1:
        actual = "a folder" if path.is_dir() else f"an archive of {len(tables)} files"
        raise FormatError(f"{path}: expected a file that holds a graph, got {actual}")
    table = tables[0]
    with _without_collection():
        form, graph = graph_in(table)
    index = indices_of(table, graph)
    rows, edge_parts, notes = rows_of(table, graph, index, options)
    neurons, parts = neurons_of(table, graph)
    del graph  # which takes more memory than all that follows
    parts += edge_parts
    if rows.transmitters is not None and LABEL in neurons.labels:
        rows = replace(rows, transmitters=None)
        parts.append(unused(f"{table.name}, transmitters of edges", "the nodes have transmitters"))
    if options.labels:
        neurons, more, label_table = labelled(neurons, options.labels)
        tables, parts = [*tables, label_table], [*parts, *more]
    else:
        near = neurons_beside(table, neurons.names)
        parts += [unused(each.name, f"beside the graph; [net] labels = {each.name} reads it") for each in near]
    provenance = {"source": f"graph as {form}", "synthetic": False, **notes, "files": checksums(tables)}
    name = path.name.split(".")[0] or "graph"
    return interpreted(name, rows, neurons, options, provenance, parts, table, MISSING)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the collection of cycles, which would search millions of new objects again and again, without any."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def in_graph_file(path: Path, tables: list[Table]) -> str:
    """A phrase for one graph, "" for others."""
    form = form_of(tables[0]) if len(tables) == 1 and not path.is_dir() else ""
    return f"a graph as {form}" if form else ""


GRAPH = Format(
    read_graph,
    "a graph (GraphML, GEXF, GML, Pajek, JSON with nodes and links or edges, or with a list of edges)",
    in_tables=in_graph_file,
    reads=("columns", "weight_column", "synapse_type", "labels"),
    signs="the edges' attribute sign or negative weights, or else the nodes' transmitters",
)
