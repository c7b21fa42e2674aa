"""Forms of graphs: each that networkx writes is the graph itself; forms of other programs by hand; bad files."""

import bz2
import gzip
import json
import lzma
import pickle

import numpy as np
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome, recognise

KINDS = ("DiGraph", "Graph", "MultiDiGraph", "MultiGraph")
FORMS = {
    "g.graphml": "GraphML",
    "g.gexf": "GEXF",
    "g.gml": "GML",
    "g.net": "Pajek",
    "links.json": "node-link JSON",
    "edges.json": "node-link JSON",
    "cytoscape.json": "Cytoscape JSON",
    "adjacency.json": "adjacency JSON of networkx",
}
SIGNS = {"gaba": -1, "ach": 1, "dopamine": 1}


def made_up(networkx, kind):
    """A graph of 15 named neurons with transmitters, 60 edges with weights, among them autapses."""
    rng = np.random.default_rng(7)
    graph = getattr(networkx, kind)()
    for neuron in range(15):
        graph.add_node(f"cell {neuron * 3}", nt_type=[*SIGNS][neuron % 3], side=["left", "right"][neuron % 2])
    names = list(graph)
    for pre, post in rng.integers(0, 15, (60, 2)):
        graph.add_edge(names[pre], names[post], weight=int(rng.integers(1, 9)))
    return graph


def write(networkx, graph, path):
    """`graph` in the form that the name of `path` asks for."""
    writers = {"g.graphml": networkx.write_graphml, "g.gexf": networkx.write_gexf, "g.gml": networkx.write_gml,
               "g.net": networkx.write_pajek}  # fmt: skip
    if path.name in writers:
        writers[path.name](graph, path)
        return path
    data = {
        "links.json": lambda: networkx.node_link_data(graph, edges="links"),
        "edges.json": lambda: networkx.node_link_data(graph, edges="edges"),
        "cytoscape.json": lambda: networkx.cytoscape_data(graph),
        "adjacency.json": lambda: networkx.adjacency_data(graph),
    }[path.name]()
    path.write_text(json.dumps(data))
    return path


def text(folder, content, name="g"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def dense(path, **options):
    return read_connectome(path, options=Options(**options)).dense().tolist()


def notes(connectome):
    return {part.place: (part.use, part.note) for part in parts_of(connectome.provenance)}


def refused(path, message, **options):
    with pytest.raises(FormatError, match=message) as caught:
        read_connectome(path, options=Options(**options))
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FORMS)
def test_each_form_of_networkx_is_the_graph_itself(tmp_path, name, kind):
    networkx = pytest.importorskip("networkx")
    graph = made_up(networkx, kind)
    path = write(networkx, graph, tmp_path / name)
    assert recognise(path) == ("graph", f"{path} is a graph as {FORMS[name]}")
    read = read_connectome(path, options=Options(drop_autapses=False))
    assert read.names.tolist() == list(graph)
    expected = networkx.to_numpy_array(graph).T  # networkx has rows of sources, and sums parallel edges
    signs = [SIGNS[graph.nodes[node]["nt_type"]] for node in graph]
    np.testing.assert_array_equal(read.dense(), expected * signs)
    assert read.labels["side"].tolist() == [graph.nodes[node]["side"] for node in graph]
    assert read.provenance["directed"] == graph.is_directed()


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["g.graphml", "g.gexf", "g.gml", "g.net", "cytoscape.json"])
def test_compressed_graphs_are_read_and_cut_ones_refused(tmp_path, name, compress):
    networkx = pytest.importorskip("networkx")
    content = write(networkx, made_up(networkx, "DiGraph"), tmp_path / name).read_bytes()
    whole = read_connectome(tmp_path / name)
    packed = compress(content)
    assert read_connectome(text(tmp_path, packed, "packed")).sha256() == whole.sha256()
    refused(text(tmp_path, packed[:-9], "cut"), "damaged or cut off")


@pytest.mark.parametrize("name", ["g.graphml", "g.gexf", "g.gml", "links.json", "cytoscape.json", "adjacency.json"])
def test_a_file_that_is_cut_off_is_refused(tmp_path, name):
    networkx = pytest.importorskip("networkx")
    content = write(networkx, made_up(networkx, "DiGraph"), tmp_path / name).read_bytes()
    refused(text(tmp_path, content[: len(content) * 2 // 3], "cut"), "expected (XML|JSON|a whole file|a text in)")


# ---- GEXF

GEXF = """<?xml version="1.0"?><gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3/viz" version="1.3">
<graph defaultedgetype="directed"><attributes class="node"><attribute id="nt" title="nt_type" type="string">
<default>ACH</default></attribute></attributes><nodes>
<node id="0" label="AVAL"><attvalues><attvalue for="nt" value="GABA"/></attvalues>
<viz:position x="1" y="2" z="3"/></node><node id="1" label="AVAR"/></nodes>
<edges><edge id="0" source="0" target="1" weight="4"/>
<edge id="1" source="1" target="1" type="undirected"/></edges></graph></gexf>"""


def test_gexf_of_gephi(tmp_path):
    """Labels name nodes that ids count; defaults, positions, an undirected edge, and a weight of 1 that is left out."""
    read = read_connectome(text(tmp_path, GEXF), options=Options(drop_autapses=False))
    assert read.names.tolist() == ["AVAL", "AVAR"] and read.dense().tolist() == [[0, 0], [-4, 1]]
    assert read.labels["neurotransmitter"].tolist() == ["gaba", "acetylcholine"]
    np.testing.assert_array_equal(read.positions, [[1, 2, 3], [np.nan] * 3])
    assert read.provenance["undirected"].startswith("1 edges are undirected")
    assert notes(read)["g, edges without a weight"] == ("weight", "1 for 1 edges without one, as GEXF defines")
    undirected = GEXF.replace('defaultedgetype="directed"', "").replace('target="1" weight', 'target="1" weight')
    assert dense(text(tmp_path, undirected)) == [[0, 4], [-4, 0]]


def test_times_of_a_graph_that_changes_are_named(tmp_path):
    spells = '<node id="1" label="AVAR"><spells><spell start="1" end="2"/><spell start="4"/></spells></node>'
    read = read_connectome(text(tmp_path, GEXF.replace('<node id="1" label="AVAR"/>', spells)))
    assert notes(read)["g, 2 spells"] == ("not used", "times in which nodes and edges are there; all are taken")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<gexf", "<!DOCTYPE gexf [<!ENTITY a 'b'>]><gexf", "without a document type"),
        ('target="1" weight', 'target="7" weight', "edge 1: expected a target that is the id of a node, got '7'"),
        ('id="1" label', 'id="0" label', "node 2: expected different ids, got '0' twice"),
        ('type="undirected"', 'type="sideways"', "directed, undirected or mutual as type of edge 2, got 'sideways'"),
        ('for="nt"', 'for="x"', "at node 1, edge 0: expected a value of a declared attribute, got 'x'"),
        ('"GABA"/>', '"GABA"/><attvalue for="nt" value="ACH"/>', "one value of nt_type, .* got two"),
        ('weight="4"', 'weight="many"', r"edge 1 \(0 -> 1\): expected a number of at most 2\^53 as weight, got 'many'"),
        ("</graph>", "</graph><graph/>", "expected one graph, got a second"),
        ('y="2"', 'y="up"', "attribute y: expected a position as a number of at most .* got 'up'"),
    ],
)
def test_bad_gexf(tmp_path, old, new, message):
    assert old in GEXF
    refused(text(tmp_path, GEXF.replace(old, new, 1)), message)


# ---- GML

GML = """Creator "Mark Newman on Thu Aug 31 12:59:09 2006"
# a comment
graph [ directed 1
  node [ id 0 label "34" graphics [ x 1.0 y 2.0 w 5 ] ] node [ id 1 label "A&amp;B" ] node [ id 2 label "305" ]
  edge [ source 0 target 1 value 5 ] edge [ source 0 target 1 value 2.5 ] edge [ source 2 target 0 value 1e0 ]
]"""


def test_gml_as_in_newmans_collection(tmp_path):
    """Equal edges, which networkx refuses, are summed; labels are names; value is the only number, and the weight."""
    read = read_connectome(text(tmp_path, GML))
    assert read.names.tolist() == ["34", "A&B", "305"] and read.dense().tolist() == [[0, 0, 1], [7.5, 0, 0], [0, 0, 0]]
    assert read.provenance["duplicates_summed"] == 1
    assert notes(read)["g, edge attribute value"] == ("weight", "the only attribute with numbers")
    assert notes(read)["g, node attribute graphics.x"] == ("not used", "of the drawing")
    assert notes(read)["g, edges"] == ("from source to target", "3")
    assert dense(text(tmp_path, GML.replace("directed 1", ""))) == [[0, 7.5, 1], [7.5, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("]\n]", "]", "expected a whole file of GML, got one that is cut off"),
        ('"305"', '"305', "line 4: expected a text in quotes, got one that does not end"),
        ("\n]", "\n]]", "line 6: expected a key, got ']'"),
        ("directed 1", "directed 2", "expected 0 or 1 as directed of the graph, got '2'"),
        ("target 0", "target 9", "edge 3: expected a target that is the id of a node, got 9"),
        ("id 2 ", "id 1 ", "node 3: expected different ids, got 1 twice"),
        ("value 5", "value NAN", r"edge 1 \(0 -> 1\): expected a number of at most 2\^53 as value, got 'NAN'"),
        ("value 5", "", r"edge 1 \(0 -> 1\): expected a number of at most 2\^53 as value, got none"),
        ("value 5", "value 1" + "0" * 999, r"edge 1 \(0 -> 1\): expected a number .* as value, got '1000"),
        ("graph [", "graph [ ] graph [", "expected one graph, got 2"),
        ("value 5", "value " + "[ a " * 100_000, "expected a key|cut off"),
    ],
)
def test_bad_gml(tmp_path, old, new, message):
    assert old in GML
    refused(text(tmp_path, GML.replace(old, new, 1)), message)


# ---- Pajek

NET = """% by hand
*Vertices 4
1 "AVA L" 0.1 0.2 0.5 box ic Red
2 AVAR 0.2 0.1 0.5
4 RIM 0.2 0.1 0.5
*Arcs :1 "chemical"
1 2 3 w 7
2 4 1.5 [1-*]
*Edges :2 "electrical"
1 4 2
*Arcslist :1
4 1 2
"""


def test_pajek_by_hand(tmp_path):
    """A vertex without a line, relations as types of synapses, lists of arcs, and positions."""
    path = text(tmp_path, NET)
    read = read_connectome(path)
    assert read.names.tolist() == ["1", "2", "3", "4"]  # vertex 3 has no label
    assert read.dense().tolist() == [[0, 0, 0, 1], [3, 0, 0, 1], [0] * 4, [0, 1.5, 0, 0]]
    np.testing.assert_array_equal(read.positions[0], [0.1, 0.2, 0.5])
    assert notes(read)["electrical synapses in g"][0] == "not used"
    electrical = [[0, 0, 0, 2], [0] * 4, [0] * 4, [2, 0, 0, 0]]
    assert dense(path, synapse_type="electrical") == electrical
    both = np.add(read.dense(), electrical)
    np.testing.assert_array_equal(dense(path, synapse_type="all"), both)
    named = NET.replace("4 RIM", "3 RIB\n4 RIM")
    assert read_connectome(text(tmp_path, named)).names.tolist() == ["AVA L", "AVAR", "RIB", "RIM"]


def test_a_matrix_of_pajek(tmp_path):
    path = text(tmp_path, "*Network worm\n*vertices 3\n*matrix\n0 2 0\n0 0 -1.5\n0 0 0\n")
    assert dense(path) == [[0, 0, 0], [2, 0, 0], [0, -1.5, 0]]


def test_a_network_of_pajek_without_values_is_unweighted(tmp_path):
    read = read_connectome(text(tmp_path, "*Vertices 2\n*Edges\n1 2\n"))
    assert read.dense().tolist() == [[0, 1], [1, 0]]
    assert ("weight", "1 per edge, as the graph is unweighted") in [part[1:] for part in parts_of(read.provenance)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1 2 3", "1 9 3", "line 7: expected a vertex from 1 to 4, got '9'"),
        ("1 2 3", "1 x 3", "line 7: expected a vertex from 1 to 4, got 'x'"),
        ("1 2 3 w 7", "1", "line 7: expected two vertices, got '1'"),
        ("4 RIM", "2 RIM", "line 5: expected one line per vertex, got 'vertex 2 twice'"),
        ("*Edges", "*Partition", r"line 9: expected one of the sections \*vertices, .* got '\*Partition"),
        ("*Edges", "*Vertices 3\n*Edges", "line 9: expected one network, got 'a second"),
        ("*Vertices 4", "*Vertices 99999999999", "line 2: expected a number of vertices from 1 to 10,000,000, got"),
        ("1 2 3", "1 2 nan", r"edge 1 \(1 -> 2\): expected a number .* as weight, got 'nan'"),
        ("*Arcslist :1\n4 1 2", "*Matrix\n1 2 3 4", "expected 4 rows of .Matrix, got 1"),
        ("*Arcslist :1\n4 1 2", "*Matrix\n1 2 3", "line 12: expected 4 rows of as many numbers, got '3 numbers in"),
    ],
)  # fmt: skip
def test_bad_pajek(tmp_path, old, new, message):
    assert old in NET
    refused(text(tmp_path, NET.replace(old, new, 1)), message)


# ---- JSON of other programs


def as_json(folder, content):
    return text(folder, json.dumps(content), "g.json")


def test_d3_has_indices_as_ends_and_no_direction(tmp_path):
    nodes = [{"name": "AVAL", "group": 1}, {"name": "AVAR", "group": 2}, {"name": "RIM", "group": 1}]
    links = [{"source": 0, "target": 2, "value": 3}, {"source": 2, "target": 1, "value": 4}]
    read = read_connectome(as_json(tmp_path, {"nodes": nodes, "links": links}))
    assert read.names.tolist() == ["AVAL", "AVAR", "RIM"] and read.dense().tolist() == [[0, 0, 0], [0, 0, 4], [3, 0, 0]]
    assert read.labels["region"].tolist() == ["1", "2", "1"]
    assert notes(read)["g.json, direction"] == ("edges from source to target", "the file tells no direction")
    assert notes(read)["g.json, ends of edges"] == ("neurons", "as indices into the list of nodes, from 0")
    bad = {"nodes": nodes, "links": [{"source": 0, "target": 3, "value": 3}]}
    refused(as_json(tmp_path, bad), "edge 1: expected a source that is the id of a node, got 0")


def test_networkx_1_has_indices_beside_ids(tmp_path):
    """Ids 2, 0, 1: a list as graph tells that ends are indices, an object that they are ids."""
    nodes = [{"id": 2}, {"id": 0}, {"id": 1}]
    links = [{"source": 0, "target": 2, "weight": 5}]
    content = {"directed": True, "multigraph": False, "nodes": nodes, "links": links}
    by_index, by_id = (read_connectome(as_json(tmp_path, {**content, "graph": graph})) for graph in ([], {}))
    assert by_index.dense().tolist() == [[0] * 3, [0] * 3, [5, 0, 0]]
    assert by_id.dense().tolist() == [[0, 5, 0], [0] * 3, [0] * 3]


def test_ends_as_numbers_of_ids_as_texts(tmp_path):
    content = {"nodes": [{"id": "100"}, {"id": "7"}], "links": [{"from": 7, "to": 100, "n_syn": 3}]}
    assert dense(as_json(tmp_path, content)) == [[0, 3], [0, 0]]


CYTOSCAPE = {
    "nodes": [{"data": {"id": "1", "name": "AVAL", "SUID": 52}, "position": {"x": 3.0, "y": 4.0}},
              {"data": {"id": "2", "name": "AVAR", "SUID": 53}, "position": {"x": 5.0, "y": 4.0}}],
    "edges": [{"data": {"id": "6", "source": "1", "target": "2", "SUID": 6, "interaction": "chemical", "synapses": 6}}],
}  # fmt: skip


def test_cytoscape(tmp_path):
    """As the program exports it, and as a list of elements for cytoscape.js."""
    read = read_connectome(as_json(tmp_path, {"format_version": "1.0", "elements": CYTOSCAPE}))
    assert read.names.tolist() == ["AVAL", "AVAR"] and read.dense().tolist() == [[0, 0], [6, 0]]
    assert notes(read)["g.json, edge attribute SUID"][0] == "not used"
    flat = [{"group": kind, **item} for kind, items in CYTOSCAPE.items() for item in items]
    assert dense(as_json(tmp_path, {"elements": flat})) == dense(as_json(tmp_path, flat)) == [[0, 0], [6, 0]]
    broken = {**CYTOSCAPE, "edges": [{"source": "1", "target": "2"}]}
    refused(as_json(tmp_path, {"elements": broken}), "edge 1: expected an object with data, got")


def test_graphology_and_jgf(tmp_path):
    nodes = [{"key": "a", "attributes": {"nt": "GABA"}}, {"key": "b", "attributes": {"nt": "ACh"}}]
    edges = [{"key": "e0", "source": "a", "target": "b", "attributes": {"weight": 2}},
             {"key": "e1", "source": "a", "target": "b", "undirected": True, "attributes": {"weight": 3}}]  # fmt: skip
    graphology = {"attributes": {}, "options": {"type": "mixed", "multi": True}, "nodes": nodes, "edges": edges}
    assert dense(as_json(tmp_path, graphology)) == [[0, 3], [-5, 0]]
    of_jgf = {"a": {"metadata": {"nt": "GABA"}}, "b": {"label": "b", "metadata": {"nt": "ACh"}}}
    edge = {"source": "a", "target": "b", "metadata": {"weight": 2}}
    jgf = {"graph": {"directed": True, "nodes": of_jgf, "edges": [edge, {**edge, "directed": False}]}}
    assert dense(as_json(tmp_path, jgf)) == [[0, 2], [-4, 0]]


def test_lists_as_attributes(tmp_path):
    """A list of one transmitter is that transmitter, and three numbers as pos are a position."""
    nodes = [{"id": "a", "neurotransmitters": ["GABA"], "pos": [1, 2, 3]}, {"id": "b", "neurotransmitters": ["ACh"]}]
    edges = [{"source": "a", "target": "b", "weight": 2}]
    read = read_connectome(as_json(tmp_path, {"nodes": nodes, "links": edges}))
    assert read.dense().tolist() == [[0, 0], [-2, 0]]
    np.testing.assert_array_equal(read.positions, [[1, 2, 3], [np.nan] * 3])


def test_flyvis_is_a_network_of_cell_types(tmp_path):
    def edge(src, tar, alpha, *offsets):
        return {"src": src, "tar": tar, "alpha": alpha, "offsets": offsets, "lambda_mult": 5.9, "edge_type": "chem"}

    stride = ["stride", [1, 1]]
    content = {
        "nodes": [{"name": name, "pattern": stride, "bias": 0.5, "activation": "relu"} for name in ("R1", "L1", "T4a")],
        "edges": [edge("R1", "L1", -1, [[0, 0], 40]), edge("L1", "T4a", 1, [[0, 0], 2.5], [[1, -1], 1.5])],
        "input_units": ["R1"],
        "output_units": ["T4a"],
    }
    read = read_connectome(as_json(tmp_path, content))
    assert read.names.tolist() == ["R1", "L1", "T4a"] and read.dense().tolist() == [[0] * 3, [-40, 0, 0], [0, 4, 0]]
    assert read.labels["role"].tolist() == ["input", "unknown", "output"]
    assert "neurons are cell types" in notes(read)["g.json, alpha and offsets of edges"][1]
    assert notes(read)["g.json, edge attribute lambda_mult"][0] == "not used"
    del content["edges"][1]["alpha"]
    refused(as_json(tmp_path, content), "edge 2: expected alpha as a number and offsets as .* got")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nodes": [{"id": 1}], "adjacency": []}, "expected one list of adjacency per node, got 0 for 1"),
        ({"directed": False, "nodes": [{"id": 1}, {"id": 2}], "adjacency": [[{"id": 2}], []]}, "with both of its ends"),
        ({"nodes": [{"id": 1}, {"id": 2}], "adjacency": [[{"id": 3}], []]}, "expected a target .* of a node, got 3"),
        ({"graph": {"nodes": {"a": {}, "b": {}}, "edges": [["a", "b"]]}}, "edge 1: expected an object with attributes"),
    ],
)
def test_bad_json(tmp_path, content, message):
    refused(as_json(tmp_path, content), message)


def test_programs_are_refused(tmp_path):
    networkx = pytest.importorskip("networkx")
    graph = networkx.path_graph(3)
    refused(text(tmp_path, pickle.dumps(graph), "g.gpickle"), "a pickle of networkx, .* refused: write it with")
    refused(text(tmp_path, gzip.compress(pickle.dumps(graph)), "g.gpickle.gz"), "a pickle of networkx")
    yaml = "!!python/object:networkx.classes.graph.Graph\n_adj:\n  0: {}\n"
    refused(text(tmp_path, yaml, "g.yaml"), "YAML with objects of Python, .* refused: write it with networkx")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("digraph worm {\n AVAL -> AVAR [weight=3];\n}\n", "DOT of Graphviz"),
        ("dl n=3 format=edgelist1\nlabels:\na,b,c\ndata:\n1 2 1\n", "DL of UCINET"),
        ("ccopy_reg\n_reconstructor\np0\n(cnetworkx.classes.digraph\nDiGraph\n", "a pickle"),
        ('<graph xmlns="http://www.cs.rpi.edu/XGMML" directed="1"><node id="1"/></graph>', "XGMML"),
        ('{"directed": true, "nodes": [], "links": []}', "expected a graph with nodes, got none"),
        ("graph [ ]", "expected a graph with nodes, got none"),
    ],
)
def test_forms_that_are_not_read(tmp_path, content, name):
    refused(text(tmp_path, content), name)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_json_in_other_encodings(tmp_path, encoding):
    content = json.dumps({"nodes": [{"id": "a"}, {"id": "ä"}], "links": [{"source": "a", "target": "ä", "w": 2}]})
    assert dense(text(tmp_path, content.encode(encoding))) == [[0, 0], [2, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["net", "gml"])
def test_a_graph_of_many_edges(tmp_path, form):
    """A sum over 300,000 edges between 30,000 nodes."""
    rng = np.random.default_rng(0)
    pre, post, weight = rng.integers(1, 30_001, 300_000), rng.integers(1, 30_001, 300_000), rng.integers(1, 99, 300_000)
    if form == "net":
        rows = "\n".join(map("{} {} {}".format, pre, post, weight))
        path = text(tmp_path, f"*Vertices 30000\n*Arcs\n{rows}\n")
    else:
        rows = " ".join(map("edge [ source {} target {} weight {} ]".format, pre, post, weight))
        path = text(tmp_path, f"graph [ directed 1 {' '.join(f'node [ id {i} ]' for i in range(1, 30_001))} {rows} ]")
    read = read_connectome(path, options=Options(drop_autapses=False))
    assert read.n == 30_000 and read.weights.sum() == weight.sum()


def test_networkx_s_list_of_edges_with_attributes(tmp_path):
    networkx = pytest.importorskip("networkx")
    graph = networkx.relabel_nodes(made_up(networkx, "DiGraph"), lambda name: name.replace(" ", "_"))
    networkx.write_edgelist(graph, tmp_path / "g.edgelist")
    read = read_connectome(tmp_path / "g.edgelist", options=Options(drop_autapses=False))
    expected = networkx.to_numpy_array(graph, nodelist=read.names.tolist()).T
    np.testing.assert_array_equal(read.dense(), expected)
    bad = text(tmp_path, "a b {'weight': 3}\nb a {'weight': open('x')}\n")
    with pytest.raises(FormatError, match=r"row 2: expected attributes such as .*, got .*open"):
        read_connectome(bad)
    with pytest.raises(FormatError, match=r"row 2: expected two nodes and attributes in braces, got .b a c"):
        read_connectome(text(tmp_path, "a b {'weight': 3}\nb a c {'weight': 2}\n"))


def test_kinds_of_synapses_as_type_of_gexf(tmp_path):
    """networkx writes an attribute called type where GEXF has the direction."""
    graph = pytest.importorskip("networkx").MultiDiGraph()
    graph.add_edge("a", "b", weight=3, type="chemical")
    graph.add_edge("b", "c", weight=5, type="chemical")
    graph.add_edge("a", "c", weight=7, type="electrical")
    path = write(pytest.importorskip("networkx"), graph, tmp_path / "g.gexf")
    assert dense(path) == [[0, 0, 0], [3, 0, 0], [0, 5, 0]]
    assert dense(path, synapse_type="electrical") == [[0, 0, 7], [0, 0, 0], [7, 0, 0]]


ROWS = [("b", "a", 3, "GABA"), ("a", "c", 5, "ACh"), ("c", "b", 2, "ACh")]
RECORDS = [{"pre": pre, "post": post, "n_syn": weight, "nt": nt} for pre, post, weight, nt in ROWS]


@pytest.mark.parametrize(
    "content",
    [json.dumps(RECORDS), json.dumps(RECORDS, indent=2), "".join(f"{json.dumps(row)}\n" for row in RECORDS)],
    ids=["records", "records in lines", "JSON Lines"],
)
def test_json_of_a_list_of_edges_is_its_csv(tmp_path, content):
    made = read_connectome(text(tmp_path, content, "g.json"))
    csv = "pre,post,n_syn,nt\n" + "".join(",".join(map(str, row.values())) + "\n" for row in RECORDS)
    expected = read_connectome(text(tmp_path, csv, "g.csv"))
    assert made.names.tolist() == expected.names.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(made.dense(), expected.dense())
    assert (made.dense() < 0).sum() == 1


def test_numbers_as_ids_in_json_of_edges_are_in_order(tmp_path):
    rows = [{"source": 10, "target": 9, "weight": 1}, {"source": 9, "target": 100, "weight": 2}]
    made = read_connectome(text(tmp_path, json.dumps(rows), "g.json"))
    assert made.names.tolist() == ["9", "10", "100"] and made.dense().tolist() == [[0, 1, 0], [0, 0, 0], [2, 0, 0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [('[{"pre": "a", "post": "b"}, {"pre": "a"}]', "edge 2: expected a target that is the id of a node, got none"),
     ('[{"pre": "a", "post": "b"}, 3]', "expected"),
     ('{"pre": "a", "post": "b"}\n{"pre": "a", "post"}\n', "expected JSON, got one that is not")],
)  # fmt: skip
def test_bad_json_of_edges(tmp_path, content, message):
    refused(text(tmp_path, content, "g.json"), message)


TEXTS = {
    "g.net": '*Vertices 2\n1 "Zé"\n2 "B"\n*Arcs\n1 2 3\n',
    "g.gml": 'graph [ directed 1 node [ id 0 label "Zé" ] node [ id 1 label "B" ]\n'
             "edge [ source 0 target 1 weight 3 ] ]",
    "g.txt": "Zé B {'weight': 3}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1"])
def test_graphs_as_text_in_other_encodings(tmp_path, name, encoding):
    made = read_connectome(text(tmp_path, TEXTS[name].encode(encoding), name))
    assert made.names.tolist() == ["Zé", "B"] and made.dense().tolist() == [[0, 0], [3, 0]]


def test_a_table_beside_a_graph_is_named_as_not_used(tmp_path):
    path = text(tmp_path, TEXTS["g.net"], "g.net")
    text(tmp_path, "id,nt\nZé,GABA\nB,ACh\n", "cells.csv")
    note = "beside the graph; [net] labels = cells.csv reads it"
    assert notes(read_connectome(path))["cells.csv"] == ("not used", note)
    assert dense(path, labels=tmp_path / "cells.csv") == [[0, 0], [-3, 0]]
