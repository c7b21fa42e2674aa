"""Graphs in JSON -> Graph: data of networkx, D3, Cytoscape, graphology, JGF and flyvis, and lists of edges.

NaN and Infinity, which JSON does not have, are refused.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graphs.record import Attributes, Graph, content_of
from randomnet.formats.spellings import EDGE_ROLES, role_columns
from randomnet.formats.tables.reading import Table

NODE_LINK, ADJACENCY, CYTOSCAPE = "node-link JSON", "adjacency JSON of networkx", "Cytoscape JSON"
JGF, FLYVIS = "JSON Graph Format", "JSON of flyvis"
EDGE_OBJECTS = "JSON of a list of edges"
EDGES = ("links", "edges")  # networkx has used both
IDS = ("id", "key", "name", "label")  # keys of nodes that may name them; graphology has `key`, D3 `name`
HELD = ("attributes", "metadata", "data")  # objects inside nodes and edges that have their attributes
POSITIONS = ("pos", "position", "coordinates", "somapos", "soma_pos")


def json_in(table: Table) -> Any:
    """The content of a JSON file. Raises FormatError."""
    content = content_of(table)
    try:
        return json.loads(content, parse_constant=_no_constant)  # in UTF-8, 16 or 32
    except (ValueError, RecursionError) as error:
        if (rows := _lines(content)) is not None:
            return rows
        raise FormatError(f"{table}: expected JSON, got one that is not: {one_line(error)[:200]}") from None


def _lines(content: bytes) -> list[Any] | None:
    """The objects of JSON Lines, one in each line; None for other texts."""
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip()[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines):
        return None
    try:
        return [json.loads(line, parse_constant=_no_constant) for line in lines]
    except (ValueError, RecursionError):
        return None


def json_form(content: Any) -> str:
    """The name of the form of a graph; "" for other JSON."""
    if isinstance(content, list):
        is_elements = bool(content) and all(_is_element(item) for item in content)
        return CYTOSCAPE if is_elements else EDGE_OBJECTS if _are_edges(content) else ""
    if not isinstance(content, dict):
        return ""
    elements, graph, nodes = content.get("elements"), content.get("graph"), content.get("nodes")
    if isinstance(nodes, list) and isinstance(content.get("adjacency"), list):
        return ADJACENCY
    if isinstance(nodes, list) and (key := _edges_key(content)):
        return FLYVIS if any(isinstance(edge, dict) and "offsets" in edge for edge in content[key][:1]) else NODE_LINK
    if isinstance(elements, dict) and isinstance(elements.get("nodes"), list):
        return CYTOSCAPE
    if isinstance(elements, list) and elements and all(_is_element(item) for item in elements):
        return CYTOSCAPE
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), (dict, list)):
        return ""
    return JGF if isinstance(graph.get("edges", []), list) else ""


def read_json_graph(table: Table, content: Any, form: str) -> Graph:
    """The graph of JSON in a form. Raises FormatError with the node or edge."""
    readers = {NODE_LINK: _node_link, ADJACENCY: _adjacency, CYTOSCAPE: _cytoscape, JGF: _jgf, FLYVIS: _flyvis,
               EDGE_OBJECTS: _edge_objects}  # fmt: skip
    return readers[form](table, content)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name}, which is no number of JSON")


def _is_element(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("data"), dict)


def _are_edges(items: list[Any]) -> bool:
    """Whether items are objects, of which the first has both ends of an edge by their spellings."""
    if not items or not all(isinstance(item, dict) for item in items):
        return False
    return all(role_columns(items[0], EDGE_ROLES[role]) for role in ("pre", "post"))


def _edges_key(content: Mapping[str, Any]) -> str:
    """`links` or `edges`, the key of a list of edges; "" without one."""
    return next((key for key in EDGES if isinstance(content.get(key), list)), "")


# ---- the forms


def _node_link(table: Table, content: Mapping[str, Any]) -> Graph:
    key = _edges_key(content)
    if all(name in content for name in EDGES):
        raise FormatError(f"{table}: expected links or edges, got both")
    graph, directed = _started(table, content)
    nodes, edges = _objects(table, "node", content["nodes"]), _objects(table, "edge", content[key])
    graph.nodes = _nodes(nodes)
    source, target = _end_keys(edges)
    graph.edges = [
        (edge.pop(source, None), edge.pop(target, None), _direction(edge, directed), edge) for edge in edges
    ]
    by_index = isinstance(content.get("graph"), list)  # networkx 1 writes a list here, and indices as ends
    return _resolved(table, graph, prefer_indices=by_index)


def _adjacency(table: Table, content: Mapping[str, Any]) -> Graph:
    """The graph of adjacency_data: an undirected edge stands with both of its ends, and is taken once."""
    graph, directed = _started(table, content)
    graph.nodes = _nodes(_objects(table, "node", content["nodes"]))
    if len(content["adjacency"]) != len(graph.nodes):
        actual = f"{len(content['adjacency']):,} for {len(graph.nodes):,} nodes"
        raise FormatError(f"{table}: expected one list of adjacency per node, got {actual}")
    order = {node: number for number, (node, _) in enumerate(graph.nodes) if _is_id(node)}
    seen: Counter[tuple[int, int]] = Counter()
    for (node, _), neighbours in zip(graph.nodes, content["adjacency"], strict=True):
        for edge in _objects(table, "edge", neighbours if isinstance(neighbours, list) else [neighbours]):
            other = edge.pop("id", None)
            ends = order.get(node, -1), order.get(other, -1) if _is_id(other) else -1
            seen[ends] += 1
            if directed or -1 in ends or ends[0] <= ends[1]:
                graph.edges.append((node, other, directed, edge))
    if not directed and any(seen[ends] != seen[ends[::-1]] for ends in [*seen]):
        raise FormatError(f"{table}: expected each edge of an undirected graph with both of its ends, got one without")
    return _resolved(table, graph)


def _cytoscape(table: Table, content: Any) -> Graph:
    """The graph of Cytoscape; ids are texts there."""
    content = content if isinstance(content, dict) else {"elements": content}
    elements = content["elements"]
    if isinstance(elements, list):
        is_edge = [item.get("group") == "edges" or "source" in item["data"] for item in elements]
        nodes = [item for item, edge in zip(elements, is_edge, strict=True) if not edge]
        edges = [item for item, edge in zip(elements, is_edge, strict=True) if edge]
    else:
        nodes, edges = elements["nodes"], elements.get("edges", [])
    graph, directed = _started(table, {**content, "elements": None})
    node_data, edge_data = (_data(table, kind, items) for kind, items in (("node", nodes), ("edge", edges)))
    for node in node_data:
        name = _as_text(node.pop("id", None))
        if _as_text(node.get("value", name)) == name:
            node.pop("value", None)  # networkx repeats the id there
        graph.nodes.append((name, node))
    graph.edges = [
        (_as_text(edge.pop("source", None)), _as_text(edge.pop("target", None)), _direction(edge, directed), edge)
        for edge in edge_data
    ]
    return graph


def _jgf(table: Table, content: Mapping[str, Any]) -> Graph:
    """The graph of jsongraphformat.info, whose nodes are an object by id, or a list."""
    inner = content["graph"]
    graph, directed = _started(table, {"directed": True, **inner})
    nodes = inner["nodes"]
    if isinstance(nodes, dict):
        nodes = [{"id": key, **value} if isinstance(value, dict) else value for key, value in nodes.items()]
    graph.nodes = _nodes(_objects(table, "node", nodes))
    edges = _objects(table, "edge", inner.get("edges", []))
    graph.edges = [
        (edge.pop("source", None), edge.pop("target", None), _direction(edge, directed), edge) for edge in edges
    ]
    return graph


def _flyvis(table: Table, content: Mapping[str, Any]) -> Graph:
    """A network of cell types: the weight is alpha times the sum of the synapses over offsets of columns."""
    known = ("nodes", "input_units", "output_units", *EDGES)
    graph = Graph(attributes={name: value for name, value in content.items() if name not in known})
    for number, node in enumerate(_objects(table, "node", content["nodes"]), 1):
        name = node.pop("name", None)
        roles = [kind for kind in ("input", "output") if name in (content.get(f"{kind}_units") or ())]
        graph.nodes.append((name, {**node, "role": " and ".join(roles)} if roles else node))
        if not isinstance(name, str):
            raise FormatError(f"{table}, node {number}: expected a name of a cell type, got {_shown(name)}")
    for number, edge in enumerate(_objects(table, "edge", content[_edges_key(content)], flat=False), 1):
        try:
            synapses = float(sum(count for (_, _), count in edge.pop("offsets")))
            weight = synapses * float(edge.pop("alpha"))
        except (TypeError, ValueError, KeyError):
            expected = "alpha as a number and offsets as [[[du, dv], synapses], ...]"
            raise FormatError(f"{table}, edge {number}: expected {expected}, got {_shown(edge)}") from None
        graph.edges.append((edge.pop("src", None), edge.pop("tar", None), True, {"weight": weight, **edge}))
    use = "alpha (the sign) times the sum of synapses over offsets of columns; neurons are cell types"
    graph.parts.append(Part(f"{table.name}, alpha and offsets of edges", "weight", use))
    return graph


def _edge_objects(table: Table, content: list[Any]) -> Graph:
    """The graph of a list of edges, as pandas writes records; its nodes are all ends, sorted."""
    graph, directed = _started(table, {})
    edges = _objects(table, "edge", content)
    source, target = _end_keys(edges)
    graph.edges = [
        (_as_text(edge.pop(source, None)), _as_text(edge.pop(target, None)), _direction(edge, directed), edge)
        for edge in edges
    ]
    ends = {end for edge in graph.edges for end in edge[:2] if _is_id(end)}
    are_numbers = all(end.isdigit() for end in ends)
    graph.nodes = [(end, {}) for end in sorted(ends, key=(lambda end: (len(end), end)) if are_numbers else None)]
    return graph


# ---- nodes, edges, ends


def _started(table: Table, content: Mapping[str, Any]) -> tuple[Graph, bool]:
    """A graph with the attributes of the whole, and its direction: where none is told, edges are directed."""
    options = content.get("options") if isinstance(content.get("options"), dict) else {}
    by_options = {"directed": True, "undirected": False, "mixed": True}.get(str((options or {}).get("type", "")))
    directed = content.get("directed", by_options)
    graph = Graph()
    if "directed" not in content and by_options is None:
        use = "edges from source to target"
        graph.parts.append(Part(f"{table.name}, direction", use, "the file tells no direction"))
        directed = True
    if not isinstance(directed, bool):
        actual = "none" if directed is None else _shown(directed)
        raise FormatError(f"{table}: expected directed as true or false, as networkx writes it, got {actual}")
    known = {"directed", "multigraph", "nodes", "adjacency", "options", *EDGES}
    whole = content.get("graph")
    graph.attributes = {
        **(whole if isinstance(whole, dict) else {}),
        **{name: value for name, value in content.items() if name not in known | {"graph"} and value is not None},
    }
    return graph, directed


def _objects(table: Table, kind: str, items: Iterable[Any], flat: bool = True) -> list[dict[str, Any]]:
    """The attributes of nodes or edges, those in inner objects too. Raises FormatError for items without any."""
    objects = []
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise FormatError(f"{table}, {kind} {number}: expected an object with attributes, got {_shown(item)}")
        objects.append(_flat(item) if flat else dict(item))
    return objects


def _data(table: Table, kind: str, items: Iterable[Any]) -> list[dict[str, Any]]:
    """The data of Cytoscape's nodes or edges; `position` and the like are of the drawing."""
    objects = []
    for number, item in enumerate(items, 1):
        if not _is_element(item):
            raise FormatError(f"{table}, {kind} {number}: expected an object with data, got {_shown(item)}")
        drawn = {f"drawing.{name}": value for name, value in item.items() if name not in ("data", "group")}
        objects.append({**_flat(item["data"]), **drawn})
    return objects


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with those of inner objects: of HELD by their own names, of others as `outer.inner`."""
    if not any(isinstance(value, (dict, list)) for value in item.values()):
        return dict(item)
    flat: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            prefix = "" if name in HELD else f"{name}."
            flat |= {key if key in "xyz" and name in POSITIONS else f"{prefix}{key}": each
                     for key, each in value.items() if f"{prefix}{key}" not in item}  # fmt: skip
        elif isinstance(value, list) and name in POSITIONS and len(value) == 3 and not {"x", "y", "z"} & set(item):
            flat |= dict(zip("xyz", value, strict=True))
        else:
            flat[name] = value
    return flat


def _nodes(objects: list[dict[str, Any]]) -> list[tuple[Any, Attributes]]:
    """(id, attributes) of nodes, by the first key in IDS that any has; without one, their index is the id."""
    key = next((key for key in IDS if any(key in node for node in objects)), "")
    if not key:
        return list(enumerate(objects))
    return [(node.pop(key, None), node) for node in objects]


def _end_keys(edges: list[dict[str, Any]]) -> tuple[str, str]:
    """The keys of sources and targets: `source` and `target`, or another spelling such as `from` and `to`."""
    keys = list(dict.fromkeys(key for edge in edges[:100] for key in edge))
    if not edges or "source" in keys or "target" in keys:
        return "source", "target"
    source, target = (role_columns(keys, EDGE_ROLES[role]) for role in ("pre", "post"))
    return (source[0], target[0]) if source and target else ("source", "target")


def _direction(edge: dict[str, Any], directed: bool) -> bool:
    """Whether an edge is directed; graphology and JGF may say it of each edge."""
    if isinstance(edge.get("undirected"), bool):
        return not edge.pop("undirected")
    if isinstance(edge.get("directed"), bool):
        return bool(edge.pop("directed"))
    return directed


def _resolved(table: Table, graph: Graph, prefer_indices: bool = False) -> Graph:
    """The graph with ids as ends, which may be indices into the nodes (D3, networkx 1), or numbers for texts."""
    ids = [node for node, _ in graph.nodes]
    ends = [end for edge in graph.edges for end in edge[:2]]
    if not all(_is_id(each) for each in ids) or not all(_is_id(end) for end in ends):
        return graph
    known, used = set(ids), set(ends)
    are_indices = all(isinstance(end, int) and 0 <= end < len(ids) for end in used)
    if used <= known and not (prefer_indices and are_indices):
        return graph
    if are_indices and used:
        graph.parts.append(Part(f"{table.name}, ends of edges", "neurons", "as indices into the list of nodes, from 0"))
        name_of: dict[Any, Any] = dict(enumerate(ids))
    elif {str(end) for end in used} <= {str(each) for each in known}:
        name_of = {str(each): each for each in ids}
        name_of = {end: name_of[str(end)] for end in used}
    else:
        return graph
    graph.edges = [(name_of[edge[0]], name_of[edge[1]], *edge[2:]) for edge in graph.edges]
    return graph


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _shown(value: Any) -> str:
    return one_line(repr(value))[:80]
