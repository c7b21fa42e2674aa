"""Graphs as GraphML and node-link JSON: networkx's own files are the same graph as an edge list; bad data."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError, Options, read_connectome, recognise

BIG = 720575940612453042  # no float of 64 bits is this number
XML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="w" for="edge" attr.name="weight" attr.type="double"/>
<key id="t" for="node" attr.name="nt_type" attr.type="string"><default>GABA</default></key>
<graph edgedefault="directed">
<node id="a"/><node id="b"><data key="t">ACH</data></node>
<edge source="a" target="b"><data key="w">3</data></edge>
</graph></graphml>"""


def node_link(links, nodes=("a", "b"), **more):
    """Node-link JSON: `nodes` as ids or objects, `links` as tuples (source, target, weight) or objects."""
    ends = ("source", "target", "weight")
    nodes = [node if isinstance(node, dict) else {"id": node} for node in nodes]
    links = [link if isinstance(link, dict) else dict(zip(ends, link, strict=False)) for link in links]
    return json.dumps({"directed": True, "multigraph": False, "graph": {}, "nodes": nodes, "links": links, **more})


def write(folder, text, name="g"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def dense(path, **options):
    return read_connectome(path, options=Options(**options)).dense().tolist()


def refused(path, text, source="auto", **options):
    with pytest.raises(FormatError, match=text) as caught:
        read_connectome(path, source, Options(**options))
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


# ---- networkx's own files


def random_graph(networkx, kind="DiGraph"):
    """30 neurons without strangers, each with one sign, integer weights."""
    rng = np.random.default_rng(3)
    graph = getattr(networkx, kind)()
    graph.add_nodes_from(range(100, 130))
    for pre in range(30):
        for post in rng.choice(30, 4, replace=False):
            graph.add_edge(100 + pre, 100 + int(post), weight=int(rng.integers(1, 50)), sign=1 if pre % 3 else -1)
    return graph


def written(networkx, graph, path):
    """`graph` in the form that the name of `path` asks for."""
    if ".graphml" in path.name:
        networkx.write_graphml(graph, path)
    else:
        data = json.dumps(networkx.node_link_data(graph, edges="edges" if "edges" in path.name else "links")).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["g.graphml", "g.graphml.gz", "g.json", "g.edges.json", "g.json.gz"])
@pytest.mark.parametrize("signed", ["attribute", "weights"])
def test_what_networkx_writes_is_the_edge_list(tmp_path, name, signed):
    networkx = pytest.importorskip("networkx")
    graph = random_graph(networkx)
    rows = [(pre, post, data["weight"], data["sign"]) for pre, post, data in graph.edges(data=True)]
    pd.DataFrame(rows, columns=["pre", "post", "weight", "sign"]).to_csv(tmp_path / "edges.csv", index=False)
    if signed == "weights":
        for *_, data in graph.edges(data=True):
            data["weight"] *= data.pop("sign")
    path = written(networkx, graph, tmp_path / name)
    assert recognise(path).format == "graph"
    for options in (Options(), Options(min_synapses=10, drop_autapses=False), Options(sign_policy="none")):
        read, listed = (read_connectome(each, options=options) for each in (path, tmp_path / "edges.csv"))
        assert read.sha256() == listed.sha256() and read.n == 30
        counted = ("sign_policy", "autapses", "neurons_without_sign", "pairs_below_min_synapses")
        assert {key: read.provenance[key] for key in counted} == {key: listed.provenance[key] for key in counted}
    assert read.provenance["directed"] and read.provenance["files"].keys() == {path.name}


@pytest.mark.parametrize("name", ["g.graphml", "g.json"])
def test_parallel_edges_are_summed_and_undirected_ones_go_both_ways(tmp_path, name):
    networkx = pytest.importorskip("networkx")
    graph = networkx.MultiGraph()
    graph.add_weighted_edges_from([("a", "b", 2), ("a", "b", 3), ("b", "b", 7), ("b", "c", 1.5)])
    read = read_connectome(written(networkx, graph, tmp_path / name), options=Options(drop_autapses=False))
    assert read.dense().tolist() == [[0, 5, 0], [5, 7, 1.5], [0, 1.5, 0]]
    assert read.provenance["duplicates_summed"] == 2 and not read.provenance["directed"]
    assert "both ways" in read.provenance["undirected"]


@pytest.mark.parametrize("name", ["g.graphml", "g.json"])
def test_attributes_of_nodes(tmp_path, name):
    """Transmitters give the signs, types override Kenyon cells, positions are kept, isolated nodes stay."""
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph()
    graph.add_node(BIG, predictedNt="gaba", x=0.5, y=1.0, z=2.0)
    graph.add_node(BIG + 2, predictedNt="dopamine", type="KCg", side="left")
    graph.add_node(BIG + 4)
    graph.add_weighted_edges_from([(BIG, BIG + 2, 4), (BIG + 2, BIG, 6)], weight="syn_count")
    path = written(networkx, graph, tmp_path / name)
    read = read_connectome(path)
    assert read.names.tolist() == [str(BIG), str(BIG + 2), str(BIG + 4)]
    assert read.dense().tolist() == [[0, 6, 0], [-4, 0, 0], [0, 0, 0]]
    assert read.labels["neurotransmitter"].tolist() == ["gaba", "acetylcholine", "unknown"]
    np.testing.assert_array_equal(read.positions[:2], [[0.5, 1, 2], [np.nan] * 3])
    assert read.labels["type"].tolist() == ["unknown", "KCg", "unknown"]
    assert read.labels["side"].tolist() == ["unknown", "left", "unknown"]
    assert sorted(read.labels) == ["neurotransmitter", "side", "type"]
    assert read.provenance["sign_policy"] == "shiu" and "syn_count" in read.provenance["weights"]
    assert (dense(path, sign_policy="none"), dense(path, sign_policy="strict")) == (
        [[0, 6, 0], [4, 0, 0], [0, 0, 0]], [[0, 6, 0], [-4, 0, 0], [0, 0, 0]],
    )  # fmt: skip


# ---- by hand, without networkx


def test_positions(tmp_path):
    """nan for a node that lacks one of its coordinates; None where no node has any."""
    links = [{"source": "a", "target": "b"}]
    nodes = [{"id": "a", "x": 1, "y": "2.5", "z": -3}, {"id": "b", "x": 1, "y": 2}]
    text = json.dumps({"directed": True, "multigraph": False, "nodes": nodes, "links": links})
    read = read_connectome(write(tmp_path, text))
    np.testing.assert_array_equal(read.positions, [[1, 2.5, -3], [np.nan] * 3])
    assert read_connectome(write(tmp_path, text.replace('"z"', '"w"'))).positions is None
    for far in ('"far"', '"1e999"', "1" + "0" * 400, "1e200"):
        expected = r"attribute z: expected a position as a number of at most 2\^53, got '"
        refused(write(tmp_path, text.replace("-3", far)), expected)


def test_two_neurons_point_from_column_to_row(tmp_path):
    """J[post, pre]: the source is presynaptic; the default of an attribute counts."""
    read = read_connectome(write(tmp_path, XML))
    assert read.names.tolist() == ["a", "b"] and read.dense().tolist() == [[0, 0], [-3, 0]]
    assert read.labels["neurotransmitter"].tolist() == ["gaba", "acetylcholine"]
    assert dense(write(tmp_path, node_link([("a", "b", 3)]))) == [[0, 0], [3, 0]]


def test_graphs_are_read_without_networkx(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "networkx", None)
    assert dense(write(tmp_path, XML)) == [[0, 0], [-3, 0]]


def test_edges_without_weights_are_1_and_this_is_said(tmp_path):
    read = read_connectome(write(tmp_path, node_link([("a", "b"), ("b", "a"), ("a", "b")])))
    assert read.dense().tolist() == [[0, 1], [2, 0]]
    assert read.provenance["weights"] == "1 for every edge, as the file has none"


def test_an_edge_may_differ_in_direction_from_its_graph(tmp_path):
    read = read_connectome(write(tmp_path, XML.replace('target="b"', 'target="b" directed="false"')))
    assert read.dense().tolist() == [[0, 3], [-3, 0]]
    assert read.provenance["undirected"].startswith("the graph is")


def test_a_key_without_a_name_has_its_id_as_name(tmp_path):
    nameless = XML.replace('attr.name="weight" ', "").replace('"w"', '"weight"')
    assert dense(write(tmp_path, nameless)) == [[0, 0], [-3, 0]]


def test_attributes_of_the_graph_are_nobodys(tmp_path):
    late = XML.replace("</graph>", '<data key="w">99</data></graph>')
    assert dense(write(tmp_path, late)) == [[0, 0], [-3, 0]]


def test_options_that_a_graph_does_not_read(tmp_path):
    path = write(tmp_path, XML)
    refused(path, "expected no roi, as a graph has no ROIs", roi="EB")
    refused(path, "expected no rows, as an edge of a graph has a source", rows="target")
    signed = write(tmp_path, node_link([("a", "b", -3), ("b", "a", 1)]), "signed")
    assert dense(signed) == [[0, 1], [-3, 0]] and dense(signed, sign_policy="none") == [[0, 1], [3, 0]]
    with pytest.raises(FormatError, match="expected columns of transmitter probabilities"):
        read_connectome(path, options=Options(sign_policy="expected"))
    path = write(tmp_path, node_link([("a", "b", 3)]))
    with pytest.raises(FormatError, match="sign_policy = shiu, expected an attribute of the nodes with transmitters"):
        read_connectome(path, options=Options(sign_policy="shiu"))


BOMB = '<!DOCTYPE graphml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("<graphml", BOMB + "<graphml", "expected XML without a document type, got a DOCTYPE, which is refused"),
        ("<graphml", '<!DOCTYPE graphml SYSTEM "file:///etc/passwd"><graphml', "a DOCTYPE, which is refused"),
        ("utf-8", "foo", "expected XML, got one that is not: unknown encoding: foo"),
        (">3<", ">&b;<", "expected XML, got one that is not: undefined entity"),
        ("</graph>", "", "expected XML, got one that is not: mismatched tag"),
        (">3<", ">three<", r"edge 1 \(a -> b\): expected a number of at most 2\^53 as weight, got 'three'"),
        (">3<", ">NaN<", r"edge 1 \(a -> b\): expected a number .* got 'NaN'"),
        (">3<", ">1e999<", r"edge 1 \(a -> b\): expected a number .* got '1e999'"),
        (">3<", "><", r"edge 1 \(a -> b\): expected a number .* got ''"),
        ('target="b"', 'target="c"', "edge 1: expected a target that is the id of a node, got 'c'"),
        ('source="a" ', "", "edge 1: expected a source that is the id of a node, got none"),
        ('id="a"', 'id="b"', "node 2: expected different ids, got 'b' twice"),
        ('<node id="a"/>', "<node/>", "node 1: expected an id as text or whole number, got none"),
        ('"directed"', '"sometimes"', "expected directed or undirected as edgedefault of the graph, got 'sometimes'"),
        ('target="b"', 'target="b" directed="1"', "expected true or false as directed of edge 1, got '1'"),
        ('<data key="w"', '<data key="v"', "at node 2, edge 1: expected data of a declared key, got 'v'"),
        ("</graph>", '<hyperedge/></graph>', "expected edges between two nodes, got a hyperedge"),
        ("</graph>", '<graph edgedefault="directed"/></graph>', "expected one graph, got a second"),
        ("</edge>", '<data key="w">4</data></edge>', "at node 2, edge 1: expected one value of weight, got '3' and"),
        ("</edge>", "</edge><edge source='b' target='a'/>", r"edge 2 \(b -> a\): expected a number .* got none"),
        ('source="a"', 'source="b"', "expected a connection with at least 1, got none of 1 rows"),
    ],
)  # fmt: skip
def test_bad_graphml(tmp_path, old, new, text):
    assert old in XML
    refused(write(tmp_path, XML.replace(old, new, 1), "bad.graphml"), text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (node_link([("a", "b", float("nan"))]), "expected JSON, got one that is not: NaN, which is no number of JSON"),
        (node_link([("a", "b", 3)])[:-2], "expected JSON, got one that is not: "),
        ('{"nodes": ' + "[" * 100_000, "expected JSON, got one that is not: "),
        (b'{"nodes": "\xff"}', "expected JSON, got one that is not: .*utf-8"),
        (node_link([("\ud800", "b", 3)], nodes=("\ud800", "b")), "expected a file that can be .* UnicodeEncodeError"),
        (node_link([("a", "b", 2**53)] * 2), r"sum to at most 2\^53 per pair, .* got 1\.80144e\+16 from a to b"),
        ('{"a": [1]}', "expected a connectome .*graph.*got a json file"),
        (node_link([("a", "b", "x")]), r"edge 1 \(a -> b\): expected a number of at most 2\^53 as weight, got 'x'"),
        (node_link([("a", "b", True)]), "as weight, got True"),
        (node_link([("a", "b", [3])]), r"as weight, got \[3\]"),
        (node_link([("a", "b", 3), ("b", "a", None)]), r"edge 2 \(b -> a\): expected a number .* got none"),
        (node_link([("a", "c", 3)]), "edge 1: expected a target that is the id of a node, got 'c'"),
        (node_link([{"start": "a", "finish": "b"}]), "edge 1: expected a source that is the id of a node, got none"),
        (node_link([(1.0, 2, 3)], nodes=(1, 2)), r"edge 1: expected a source that is the id of a node, got 1\.0"),
        (node_link([], nodes=(1.0, 2.5)), r"node 1: expected an id as text or whole number, got 1\.0"),
        (node_link([], nodes=(["a"], "b")), r"node 1: expected an id as text or whole number, got \['a'\]"),
        (node_link([], nodes=({"id": "a"}, {"name": "b"})), "node 2: expected an id as text or whole number, got none"),
        (node_link([], nodes=("a", "b", "a")), "node 3: expected different ids, got 'a' twice"),
        (node_link([], nodes=("1", 1)), "expected different ids, got one as text and as number"),
        (node_link([("a", "b", 3)], directed=None), "expected directed as true or false, .* got none"),
        (node_link([("a", "b", 3)], directed="yes"), "expected directed as true or false, .* got 'yes'"),
        (node_link([("a", "b", 3)], edges=[]), "expected links or edges, got both"),
        (node_link([]).replace('"links": []', '"links": [["a", "b"]]'), r"edge 1: expected an object .*\['a', 'b'\]"),
        (node_link([{"source": "a", "target": "b", "weight": 1, "sign": 2}]), "expected a sign .* as sign, got 2"),
        (node_link([{"source": "a", "target": "b", "weight": -1, "sign": 1}]), "expected a weight >= 0 .*sign, got -1"),
    ],
)  # fmt: skip
def test_bad_node_link(tmp_path, content, text):
    refused(write(tmp_path, content, "bad.json"), text)


def test_what_is_no_graph_at_all(tmp_path):
    refused(write(tmp_path, "<svg></svg>", "a.svg"), "expected a connectome .*got a xml file")
    refused(write(tmp_path, "<svg></svg>", "a.svg"), "expected a graph as GraphML, .*got a xml file", "graph")
    refused(write(tmp_path, "pre,post,weight\n1,2,3\n", "a.csv"), "got a csv file that is none of these", "graph")
    refused(tmp_path, "expected a file that holds a graph, got a folder", "graph")
    refused(write(tmp_path, gzip.compress(XML.encode())[:-20], "a.gz"), "expected a whole compressed file")
    nothing = "<graphml></graphml>"
    refused(write(tmp_path, nothing, "none.graphml"), "expected one graph, got none")
