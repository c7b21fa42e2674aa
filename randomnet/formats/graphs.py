"""Graphs with attributes -> Connectome: GraphML, and the node-link JSON of networkx, both also as .gz.

The source of an edge is the presynaptic neuron, its target the postsynaptic one; an undirected edge becomes two. Files
that networkx writes (`write_graphml`, `node_link_data`) give the same graph. Attributes may be in any case: edges have
one of WEIGHT, or else weight 1, and one of SIGN; nodes have TRANSMITTERS, LABELS, and positions x, y, z.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, LARGEST, assemble
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graph_parsing import Attributes, Graph, form_of, graph_in
from randomnet.formats.interpretation import with_file_signs
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL, UNKNOWN, transmitter_names, with_signs
from randomnet.formats.tables import NUMBER, Table, checksums, tables_in

WEIGHT, SIGN = ("weight", "count", "syn_count", "synapses", "connectivity"), ("sign", "excitatory")
TRANSMITTERS = (
    "neurotransmitter",
    "neurotransmitters",
    "consensusnt",
    "consensus_nt",
    "predictednt",
    "predicted_nt",
    "celltypepredictednt",
    "nt_type",
    "top_nt",
)  # the best first
LABELS = {
    "type": ("type", "primary_type", "cell_type"),
    "instance": ("instance",),
    "class": ("class", "cell_class"),
    "super_class": ("super_class",),
    "side": ("side",),
    "cell_fibers": ("cell_fibers", "cellbodyfiber"),
}
MISSING = f"an attribute of the nodes with transmitters ({', '.join(TRANSMITTERS)}), got none"


def read_graph(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a graph; neurons are all nodes in the order of the file, and parallel edges are summed.

    Under sign_policy `auto`, edges with an attribute `sign` (1, -1, 0) or with negative weights have the signs of the
    file; otherwise signs come from the nodes' transmitters. Raises FormatError.
    """
    options.refuse(path, roi="a graph has no ROIs", rows="an edge of a graph has a source and a target")
    tables = [] if path.is_dir() else tables_in(path)
    if len(tables) != 1:
        actual = "a folder" if path.is_dir() else f"an archive of {len(tables)} files"
        raise FormatError(f"{path}: expected a file that holds a graph, got {actual}")
    table = tables[0]
    form, graph = graph_in(table)
    names, index = _names(table, graph)
    source, target, undirected = _ends(table, graph, index)
    weights, has_signs, notes = _weights(table, graph)
    both = undirected & (source != target)
    connectome = assemble(
        path.name.split(".")[0] or "graph",
        names,
        np.concatenate([source, target[both]]),
        np.concatenate([target, source[both]]),
        np.concatenate([weights, weights[both]]),
        _labels(graph),
        {"source": f"graph as {form}", "synthetic": False, **notes, **_directions(undirected),
         "files": checksums([table])},
        options,
        table,
    )  # fmt: skip
    connectome = dataclasses.replace(connectome, positions=_positions(table, graph))
    if has_signs and options.sign_policy == "auto":
        return with_file_signs(connectome)
    return with_signs(connectome.replace(np.abs(connectome.weights)), options.sign_policy, missing=MISSING)


# ---- attributes of nodes and edges


def _names(table: Table, graph: Graph) -> tuple[np.ndarray, dict[Any, int]]:
    """(N,) names, and id -> index. Raises FormatError for ids that are missing or equal."""
    index: dict[Any, int] = {}
    for number, (node, _) in enumerate(graph.nodes, 1):
        if isinstance(node, bool) or not isinstance(node, (str, int)) or node == "":
            actual = "none" if node is None or node == "" else one_line(repr(node))[:80]
            raise FormatError(f"{table}, node {number}: expected an id as text or whole number, got {actual}")
        if node in index:
            raise FormatError(f"{table}, node {number}: expected different ids, got {repr(node)[:80]} twice")
        index[node] = number - 1
    names = np.array([str(node) for node in index], dtype=str)
    if len(set(names.tolist())) < len(names):
        raise FormatError(f"{table}: expected different ids, got one as text and as number")
    return names, index


def _ends(table: Table, graph: Graph, index: Mapping[Any, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(E,) indices of sources and targets, and whether each edge is undirected. Raises FormatError for unknown ids."""
    for number, (source, target, *_) in enumerate(graph.edges, 1):
        for end, node in (("source", source), ("target", target)):
            known = isinstance(node, (str, int)) and not isinstance(node, bool) and node in index
            if not known:
                actual = "none" if node is None else one_line(repr(node))[:80]
                raise FormatError(f"{table}, edge {number}: expected a {end} that is the id of a node, got {actual}")
    ends = [(index[source], index[target], not directed) for source, target, directed, _ in graph.edges]
    source, target, undirected = np.array(ends, dtype=np.int64).reshape(-1, 3).T
    return source, target, undirected.astype(bool)


def _weights(table: Table, graph: Graph) -> tuple[np.ndarray, bool, dict[str, Any]]:
    """(E,) weights, whether they have the signs of the file, and notes on their attributes. Raises FormatError."""
    present = {name for *_, attributes in graph.edges for name in attributes}
    weight, sign = (next((name for name in names if name in present), "") for names in (WEIGHT, SIGN))
    weights = np.ones(len(graph.edges))
    if weight:
        weights = np.array([_number(table, edge, weight) for edge in enumerate(graph.edges, 1)])
    notes = {"weights": f"the attribute {weight} of the edges" if weight else "1 for every edge, as the file has none"}
    if not sign:
        return weights, bool((weights < 0).any()), notes
    if (weights < 0).any():
        number = int(np.argmax(weights < 0)) + 1
        actual = f"{weights[number - 1]:g}"
        place = _edge(table, number, graph.edges[number - 1])
        raise FormatError(f"{place}: expected a {weight} >= 0 beside the attribute {sign}, got {actual}")
    signs = np.array([_number(table, edge, sign) for edge in enumerate(graph.edges, 1)])
    if not np.isin(signs, (-1, 0, 1)).all():
        number = int(np.argmin(np.isin(signs, (-1, 0, 1)))) + 1
        place = _edge(table, number, graph.edges[number - 1])
        raise FormatError(f"{place}: expected a sign (1, -1 or 0) as {sign}, got {signs[number - 1]:g}")
    return weights * signs, True, {**notes, "edges_of_sign_0": int((signs == 0).sum())}


def _number(table: Table, numbered: tuple[int, tuple[Any, Any, bool, Attributes]], name: str) -> float:
    number, edge = numbered
    value = _as_number(edge[-1].get(name))
    if value is None:
        attribute = edge[-1].get(name)
        actual = "none" if attribute is None else one_line(repr(attribute)[:80])
        raise FormatError(f"{_edge(table, number, edge)}: expected a number of at most 2^53 as {name}, got {actual}")
    return value


def _as_number(value: Any) -> float | None:
    """The value of a number, or of the text of one, of at most 2^53; None for other values."""
    if isinstance(value, str) and re.fullmatch(NUMBER, value.strip()):
        value = float(value)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST  # False for NaN
    return float(value) if fits else None


def _edge(table: Table, number: int, edge: tuple[Any, ...]) -> str:
    return f"{table}, edge {number} ({one_line(edge[0])[:40]} -> {one_line(edge[1])[:40]})"


def _directions(undirected: np.ndarray) -> dict[str, Any]:
    if not undirected.any():
        return {"directed": True}
    subject = "the graph is" if undirected.all() else f"{int(undirected.sum())} edges are"
    return {"directed": False, "undirected": f"{subject} undirected in the file, so the edges go both ways"}


def _labels(graph: Graph) -> dict[str, np.ndarray]:
    labels = {}
    for label, names in LABELS.items():
        if column := _column(graph, names):
            labels[label] = np.array([text or UNKNOWN for text in column], dtype=str)
    if column := _column(graph, TRANSMITTERS):
        labels[LABEL] = transmitter_names(np.array(column, dtype=str))
    return labels


def _positions(table: Table, graph: Graph) -> np.ndarray | None:
    """(N, 3) positions, nan for nodes without one; None where no node has one. Raises FormatError."""
    positions = np.full((len(graph.nodes), 3), np.nan)
    for number, (node, attributes) in enumerate(graph.nodes):
        for axis, name in enumerate("xyz"):
            if name not in attributes:
                continue
            value = _as_number(attributes[name])
            if value is None:
                actual = f"{one_line(repr(attributes[name])[:40])} of node {one_line(node)[:40]}"
                raise FormatError(f"{table}: expected numbers as positions x, y, z, of at most 2^53, got {actual}")
            positions[number, axis] = value
    is_complete = ~np.isnan(positions).any(axis=1)
    positions[~is_complete] = np.nan
    return positions if is_complete.any() else None


def _column(graph: Graph, names: Iterable[str]) -> list[str]:
    """The texts of the first attribute in `names` that any node has, "" for nodes without it; empty if none has one."""
    present = {name for _, attributes in graph.nodes for name in attributes}
    name = next((name for name in names if name in present), None)
    if name is None:
        return []
    values = (attributes.get(name) for _, attributes in graph.nodes)
    return ["" if value is None else str(value).strip() for value in values]


def in_graph_file(path: Path, tables: list[Table]) -> str:
    """A phrase for one graph, "" for others."""
    form = form_of(tables[0]) if len(tables) == 1 and not path.is_dir() else ""
    return f"a graph as {form}" if form else ""


GRAPH = Format(
    read_graph,
    "a graph (GraphML, node-link JSON with nodes and links or edges)",
    in_tables=in_graph_file,
    reads=("columns", "weight_column", "synapse_type", "labels"),
    signs="the edges' attribute sign or negative weights, or else the nodes' transmitters",
)
