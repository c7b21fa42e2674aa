"""Which form of a graph a file has, by its content, and the Graph that the form's reader returns.

Files are data: no entity is expanded, no pickle is loaded, and NaN and Infinity are not accepted as numbers. Every form
has a reader of its own: the readers of networkx add a node for an unknown end of an edge.
"""

import re

from randomnet.formats.files import FormatError
from randomnet.formats.graphs.attribute_lists import ATTRIBUTE_LIST, is_attribute_list, read_attribute_list
from randomnet.formats.graphs.gexf import GEXF, read_gexf
from randomnet.formats.graphs.gml import GML, is_gml, read_gml
from randomnet.formats.graphs.graphml import GRAPHML, read_graphml
from randomnet.formats.graphs.json_graphs import json_form, json_in, read_json_graph
from randomnet.formats.graphs.pajek import PAJEK, is_pajek, read_pajek
from randomnet.formats.graphs.record import Graph
from randomnet.formats.graphs.xml_parsing import root_of
from randomnet.formats.tables.compression import DAMAGED, damaged
from randomnet.formats.tables.encodings import START, encoding_of
from randomnet.formats.tables.reading import Table

XML_FORMS = {"graphml": GRAPHML, "gexf": GEXF}
READERS = {GRAPHML: read_graphml, GEXF: read_gexf, GML: read_gml, PAJEK: read_pajek,
           ATTRIBUTE_LIST: read_attribute_list}  # fmt: skip
BEGINNING = 4096  # bytes that tell the form of a text
WRITE = "write it with networkx.write_graphml and read that file"
EXPECTED = "GraphML, GEXF, GML, Pajek, or JSON with nodes and links or edges"


UNREAD = {  # forms of graphs that are told from other texts, and not read
    "YAML with objects of Python, which is refused": re.compile(r"\s*!!python/"),
    "a pickle, which can run any program and is refused": re.compile(r"c(copy_reg|copyreg|networkx|igraph)\S*\n"),
    "DOT of Graphviz, which is not read": re.compile(r"\s*(strict\s+)?(di)?graph\s*(\w+|\"[^\"]*\")?\s*\{"),
    "DL of UCINET, which is not read": re.compile(r"\s*dl\s+n\s*=", re.IGNORECASE),
}


def form_of(table: Table) -> str:
    """The name of the form of a graph; "" for other content.

    Raises FormatError for damaged files, for XML with a document type, and for graphs as pickles or YAML.
    """
    if table.kind == "xml":
        root = root_of(table)
        if root == "graph":
            raise FormatError(f"{table}: expected a graph as {EXPECTED}, got XGMML, which is not read: save as GraphML")
        return XML_FORMS.get(root, "")
    if table.kind == "json":
        return json_form(json_in(table))
    if table.kind not in ("csv", "pickle", ""):
        return ""
    beginning = _beginning(table)
    _refuse_unread(table, beginning)
    if beginning.lstrip()[:1] == "[" and beginning.lstrip()[1:].lstrip()[:1] == "{":
        return json_form(json_in(table))
    forms = {PAJEK: is_pajek, GML: is_gml, ATTRIBUTE_LIST: is_attribute_list}
    return next((form for form, is_form in forms.items() if is_form(beginning)), "")


def graph_in(table: Table) -> tuple[str, Graph]:
    """The name of the form, and the graph of the file. Raises FormatError with the node or edge."""
    if table.kind == "json":
        content = json_in(table)
        form = json_form(content)
    else:
        content, form = None, form_of(table)
    if not form:
        actual = f"a {table.kind or 'binary'} file that is none of these"
        raise FormatError(f"{table}: expected a graph as {EXPECTED}, got {actual}")
    if form in READERS:
        return form, READERS[form](table)
    return form, read_json_graph(table, json_in(table) if content is None else content, form)


def _beginning(table: Table) -> str:
    try:
        with table.open() as file:
            start = file.read(BEGINNING)
            return start.decode(encoding_of(start[:START]), errors="replace").removeprefix("\ufeff")
    except DAMAGED as error:
        raise damaged(table, error) from None


def _refuse_unread(table: Table, beginning: str) -> None:
    """Raise FormatError for a graph of networkx or igraph as a pickle, and for forms in UNREAD."""
    libraries = [name for name in ("networkx", "igraph") if name in beginning]
    if table.kind == "pickle" and libraries:
        actual = f"a pickle of {libraries[0]}, which can run any program and is refused"
        raise FormatError(f"{table}: expected a graph as {EXPECTED}, got {actual}: {WRITE}")
    actual = next((name for name, pattern in UNREAD.items() if pattern.match(beginning)), "")
    if actual:
        raise FormatError(f"{table}: expected a graph as {EXPECTED}, got {actual}: {WRITE}")
