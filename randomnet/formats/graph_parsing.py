"""Which form of a graph a file has, by its content, and the Graph that the form's reader returns.

Files are data: no entity is expanded, no pickle is loaded, and NaN and Infinity are not accepted as numbers. Every form
has a reader of its own: the readers of networkx add a node for an unknown end of an edge.
"""

from randomnet.formats.compression import DAMAGED, damaged
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.gexf import GEXF, read_gexf
from randomnet.formats.gml import GML, is_gml, read_gml
from randomnet.formats.graph_record import Graph
from randomnet.formats.graphml import GRAPHML, read_graphml
from randomnet.formats.json_graphs import json_form, json_in, read_json_graph
from randomnet.formats.pajek import PAJEK, is_pajek, read_pajek
from randomnet.formats.tables import Table
from randomnet.formats.xml_parsing import root_of

XML_FORMS = {"graphml": GRAPHML, "gexf": GEXF}
READERS = {GRAPHML: read_graphml, GEXF: read_gexf, GML: read_gml, PAJEK: read_pajek}
BEGINNING = 4096  # bytes that tell the form of a text
WRITE = "write it with networkx.write_graphml and read that file"
EXPECTED = "GraphML, GEXF, GML, Pajek, or JSON with nodes and links or edges"


def form_of(table: Table) -> str:
    """The name of the form of a graph; "" for other content.

    Raises FormatError for damaged files, for XML with a document type, and for graphs as pickles or YAML.
    """
    if table.kind == "xml":
        return XML_FORMS.get(root_of(table), "")
    if table.kind == "json":
        return json_form(json_in(table))
    if table.kind not in ("csv", "pickle", ""):
        return ""
    beginning = _beginning(table)
    _refuse_programs(table, beginning)
    if beginning.lstrip()[:1] == "[" and beginning.lstrip()[1:].lstrip()[:1] == "{":
        return json_form(json_in(table))
    return PAJEK if is_pajek(beginning) else GML if is_gml(beginning) else ""


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
            return file.read(BEGINNING).decode("utf-8-sig", errors="replace")
    except DAMAGED as error:
        raise damaged(table, error) from None


def _refuse_programs(table: Table, beginning: str) -> None:
    """Raise FormatError for a graph of networkx or igraph as a pickle, or as YAML with objects of Python."""
    libraries = [name for name in ("networkx", "igraph") if name in beginning]
    if table.kind == "pickle" and libraries:
        actual = f"a pickle of {libraries[0]}, which can run any program and is refused"
        raise FormatError(f"{table}: expected a graph as {EXPECTED}, got {actual}: {WRITE}")
    if beginning.lstrip().startswith("!!python/"):
        actual = f"YAML with objects of Python ({one_line(beginning)[:40]}), which is refused"
        raise FormatError(f"{table}: expected a graph as {EXPECTED}, got {actual}: {WRITE}")
