"""Nodes of a graph -> Neurons: names, labels, signs and positions from the attributes."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graphs.record import DRAWN, Graph
from randomnet.formats.interpretation import Neurons
from randomnet.formats.neurons.tables import described
from randomnet.formats.signs import are_transmitters
from randomnet.formats.spellings import NODE_ROLES, normalized, role_columns
from randomnet.formats.tables.reading import NUMBER, Table

# the attributes that may name neurons where the ids only count them, the best first
NAMES = (
    "cellname", "neuronname", "nodename", "vertexname", "neuron", "cell", "name", "label", "nodelabel", "bodyid",
    "rootid", "id",
)  # fmt: skip
COUNTED = re.compile(r"([A-Za-z_:]*)(\d+)")
MOST_LISTED = 3


def indices_of(table: Table, graph: Graph) -> dict[Any, int]:
    """Id of a node -> its index. Raises FormatError for ids that are missing or equal."""
    if not graph.nodes:
        raise FormatError(f"{table}: expected a graph with nodes, got none")
    index: dict[Any, int] = {}
    for number, (node, _) in enumerate(graph.nodes, 1):
        if isinstance(node, bool) or not isinstance(node, (str, int)) or node == "":
            actual = "none" if node is None or node == "" else one_line(repr(node))[:80]
            raise FormatError(f"{table}, node {number}: expected an id as text or whole number, got {actual}")
        if node in index:
            raise FormatError(f"{table}, node {number}: expected different ids, got {repr(node)[:80]} twice")
        index[node] = number - 1
    if len({str(node) for node in index}) < len(index):
        raise FormatError(f"{table}: expected different ids, got one as text and as number")
    return index


def neurons_of(table: Table, graph: Graph) -> tuple[Neurons, list[Part]]:
    """The neurons of a graph in the order of its nodes, and what was used of the attributes."""
    texts = {name: _texts(graph, name) for name in dict.fromkeys(name for _, each in graph.nodes for name in each)}
    ids = np.array([str(node) for node, _ in graph.nodes], dtype=str)
    source = _name_source(ids, texts)
    names = np.char.strip(texts[source]) if source else ids
    ids_shown = ", ".join(ids[:MOST_LISTED].tolist())
    part = Part(f"{table.name}, ids of nodes", "names of neurons", f"{len(ids):,}: {ids_shown}, ...")
    parts = [part]
    if source:
        examples = ", ".join(names[:MOST_LISTED].tolist())
        parts = [
            unused(f"{table.name}, ids of nodes", f"{ids_shown}, ... only count the nodes"),
            Part(f"{table.name}, node attribute {source}", "names of neurons", f"{len(names):,}: {examples}, ..."),
        ]
    same = [name for name, values in texts.items() if name != source and np.array_equal(values, names)]
    parts += [unused(f"{table.name}, node attribute {name}", "the same as the names") for name in same]
    drawn = [name for name in texts if name.startswith(DRAWN)]
    parts += [unused(f"{table.name}, node attribute {name}", "of the drawing") for name in drawn if name not in same]
    unique = [name for name in texts if name not in (source, *same, *drawn) and _is_text_of_each(name, texts[name])]
    parts += [unused(f"{table.name}, node attribute {name}", "another text for each neuron") for name in unique]
    others = {name: values for name, values in texts.items() if name not in (source, *same, *drawn, *unique)}
    neurons, more = described(table, others, names, "node attribute", table.name)
    return neurons, [*parts, *more]


def _is_text_of_each(name: str, texts: np.ndarray) -> bool:
    """Whether an attribute of no known spelling has another text for each node, such as a description."""
    is_spelled = any(role_columns([name], role) for role in NODE_ROLES.values())
    is_text = not all(re.fullmatch(NUMBER, text) for text in texts.tolist() if text)
    is_of_each = is_text and len(texts) > 2 and len(np.unique(texts)) == len(texts)
    return is_of_each and not is_spelled and not are_transmitters(texts.tolist())


def _texts(graph: Graph, name: str) -> np.ndarray:
    """(N,) an attribute as texts, "" for nodes without it."""
    return np.array([_text(attributes.get(name)) for _, attributes in graph.nodes], dtype=str)


def _text(value: Any) -> str:
    """An attribute as text; texts in a list, such as several transmitters, are joined by commas."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return "" if value is None else str(value).strip()


def _name_source(ids: np.ndarray, texts: dict[str, np.ndarray]) -> str:
    """The attribute that names the neurons better than ids that only count them; "" where the ids are names."""
    if not _counts(ids.tolist()):
        return ""
    ranked = {spelling: rank for rank, spelling in enumerate(NAMES)}
    spelled = role_columns(texts, NODE_ROLES["id"]) + [name for name in texts if normalized(name) == "nodelabel"]
    for name in sorted(spelled, key=lambda name: ranked.get(normalized(name), len(ranked))):
        values = texts[name].tolist()
        if all(values) and len(set(values)) == len(values) and not _counts(values):
            return name
    return ""


def _counts(texts: Iterable[str]) -> bool:
    """Whether texts are 0, 1, ... or 1, 2, ... in order, after a common prefix such as n."""
    matches = [COUNTED.fullmatch(text) for text in texts]
    if not all(matches) or len({match[1] for match in matches if match}) > 1:
        return False
    numbers = [int(match[2]) for match in matches if match]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)
