"""Graphs with attributes -> Connectome: GraphML, and the node-link JSON of networkx, both also as .gz.

An edge goes from its source, the presynaptic neuron, to its target; an undirected one goes both ways. Both formats are
read without networkx; what it writes (`write_graphml`, `node_link_data`) is read as its graph. Attributes, in any case:
of edges one of WEIGHT, or else 1, and one of SIGN; of nodes TRANSMITTERS, LABELS, and x, y, z (positions).
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, LARGEST, assemble
from randomnet.formats.edge_list import SIGN, WEIGHT, with_file_signs
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graph_parsing import Attributes, Graph, form_of, graph_in
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL, UNKNOWN, transmitter_names, with_signs
from randomnet.formats.tables import NUMBER, Table, checksums, tables_in

TRANSMITTERS = (
    "neurotransmitter",
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
    """The neurons are the nodes in the order of the file, also those without edges; parallel edges are summed.

    With an attribute `sign` (1, -1, 0) of the edges, or weights below 0, the signs are the file's under sign_policy
    `auto`; else they are those of the nodes' transmitters. Raises FormatError.
    """
    options.refuse(path, roi="a graph has no ROIs", rows="an edge of a graph has a source and a target")
    tables = [] if path.is_dir() else tables_in(path)
    if len(tables) != 1:
        came = "a folder" if path.is_dir() else f"an archive of {len(tables)} files"
        raise FormatError(f"{path}: expected a file that holds a graph, got {came}")
    table = tables[0]
    form, graph = graph_in(table)
    names, index = _names(table, graph)
    source, target, undirected = _ends(table, graph, index)
    weights, signed, notes = _weights(table, graph)
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
    if signed and options.sign_policy == "auto":
        return with_file_signs(connectome)
    return with_signs(connectome.replace(np.abs(connectome.weights)), options.sign_policy, missing=MISSING)


# ---- what the graph says of its neurons and connections


def _names(table: Table, graph: Graph) -> tuple[np.ndarray, dict[Any, int]]:
    """(N,) texts, and where each id is."""
    index: dict[Any, int] = {}
    for number, (node, _) in enumerate(graph.nodes, 1):
        if isinstance(node, bool) or not isinstance(node, (str, int)) or node == "":
            came = "none" if node is None or node == "" else one_line(repr(node))[:80]
            raise FormatError(f"{table}, node {number}: expected an id as text or whole number, got {came}")
        if node in index:
            raise FormatError(f"{table}, node {number}: expected different ids, got {repr(node)[:80]} twice")
        index[node] = number - 1
    names = np.array([str(node) for node in index], dtype=str)
    if len(set(names.tolist())) < len(names):
        raise FormatError(f"{table}: expected different ids, got one as text and as number")
    return names, index


def _ends(table: Table, graph: Graph, index: Mapping[Any, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(E,) indices of sources and targets, and whether an edge is undirected."""
    for number, (source, target, *_) in enumerate(graph.edges, 1):
        for end, node in (("source", source), ("target", target)):
            known = isinstance(node, (str, int)) and not isinstance(node, bool) and node in index
            if not known:
                came = "none" if node is None else one_line(repr(node))[:80]
                raise FormatError(f"{table}, edge {number}: expected a {end} that is the id of a node, got {came}")
    ends = [(index[source], index[target], not directed) for source, target, directed, _ in graph.edges]
    source, target, undirected = np.array(ends, dtype=np.int64).reshape(-1, 3).T
    return source, target, undirected.astype(bool)


def _weights(table: Table, graph: Graph) -> tuple[np.ndarray, bool, dict[str, Any]]:
    """(E,) weights; whether they have signs of the file; and which attributes they come from."""
    given = {name for *_, attributes in graph.edges for name in attributes}
    weight, sign = (next((name for name in names if name in given), "") for names in (WEIGHT, SIGN))
    weights = np.ones(len(graph.edges))
    if weight:
        weights = np.array([_number(table, edge, weight) for edge in enumerate(graph.edges, 1)])
    notes = {"weights": f"the attribute {weight} of the edges" if weight else "1 for every edge, as the file has none"}
    if not sign:
        return weights, bool((weights < 0).any()), notes
    if (weights < 0).any():
        number = int(np.argmax(weights < 0)) + 1
        came = f"{weights[number - 1]:g}"
        place = _edge(table, number, graph.edges[number - 1])
        raise FormatError(f"{place}: expected a {weight} >= 0 beside the attribute {sign}, got {came}")
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
        given = edge[-1].get(name)
        came = "none" if given is None else one_line(repr(given)[:80])
        raise FormatError(f"{_edge(table, number, edge)}: expected a number of at most 2^53 as {name}, got {came}")
    return value


def _as_number(value: Any) -> float | None:
    """A number, or the text of one, of at most 2^53; None for anything else."""
    if isinstance(value, str) and re.fullmatch(NUMBER, value.strip()):
        value = float(value)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST  # NaN does not
    return float(value) if fits else None


def _edge(table: Table, number: int, edge: tuple[Any, ...]) -> str:
    return f"{table}, edge {number} ({one_line(edge[0])[:40]} -> {one_line(edge[1])[:40]})"


def _directions(undirected: np.ndarray) -> dict[str, Any]:
    if not undirected.any():
        return {"directed": True}
    whole = "the graph is" if undirected.all() else f"{int(undirected.sum())} edges are"
    return {"directed": False, "undirected": f"{whole} undirected in the file, so the edges go both ways"}


def _labels(graph: Graph) -> dict[str, np.ndarray]:
    labels = {}
    for label, names in LABELS.items():
        if column := _column(graph, names):
            labels[label] = np.array([text or UNKNOWN for text in column], dtype=str)
    if column := _column(graph, TRANSMITTERS):
        labels[LABEL] = transmitter_names(np.array(column, dtype=str))
    return labels


def _positions(table: Table, graph: Graph) -> np.ndarray | None:
    """(N, 3), nan where a node has none; None where no node has."""
    positions = np.full((len(graph.nodes), 3), np.nan)
    for number, (node, attributes) in enumerate(graph.nodes):
        for axis, name in enumerate("xyz"):
            if name not in attributes:
                continue
            value = _as_number(attributes[name])
            if value is None:
                came = f"{one_line(repr(attributes[name])[:40])} of node {one_line(node)[:40]}"
                raise FormatError(f"{table}: expected numbers as positions x, y, z, of at most 2^53, got {came}")
            positions[number, axis] = value
    complete = ~np.isnan(positions).any(axis=1)
    positions[~complete] = np.nan
    return positions if complete.any() else None


def _column(graph: Graph, names: Iterable[str]) -> list[str]:
    """The texts of the first of some attributes that any node has, "" where a node has none; else nothing."""
    given = {name for _, attributes in graph.nodes for name in attributes}
    name = next((name for name in names if name in given), None)
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
    signs="the edges' attribute sign or negative weights, or else the nodes' transmitters",
)
