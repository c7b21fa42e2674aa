"""What a graph holds is used or named as unused: weights, kinds of synapse, signs, directions, names, labels."""

from pathlib import Path

import numpy as np
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome
from tests.support.paths import ROOT

PHARYNX = ROOT.parent / "shared" / "connectomes" / "celegans" / "herm_pharynx.graphml"


def graphml(folder, nodes, edges, name="g.graphml", direction="directed", defaults=""):
    """GraphML of `nodes` {id: attributes} and `edges` [(source, target, attributes)], all as texts."""
    kinds = {"node": nodes.values(), "edge": [attributes for *_, attributes in edges]}
    names = {kind: dict.fromkeys(key for item in items for key in item) for kind, items in kinds.items()}
    keys = "".join(
        f'<key id="{kind[0]}_{key}" for="{kind}" attr.name="{key}" attr.type="string">{defaults}</key>'
        for kind, keys in names.items()
        for key in keys
    )

    def data(kind, attributes):
        return "".join(f'<data key="{kind}_{key}">{value}</data>' for key, value in attributes.items())

    body = "".join(f'<node id="{node}">{data("n", attributes)}</node>' for node, attributes in nodes.items())
    body += "".join(
        f'<edge source="{pre}" target="{post}">{data("e", attributes)}</edge>' for pre, post, attributes in edges
    )
    path = folder / name
    path.write_text(f'<graphml>{keys}<graph edgedefault="{direction}">{body}</graph></graphml>', encoding="utf-8")
    return path


def with_edges(folder, *attributes, **more):
    """A ring of cells a, b, c, ... whose edges have these attributes."""
    cells = "abcdefgh"[: max(3, len(attributes))]
    edges = [(cells[k], cells[(k + 1) % len(cells)], each) for k, each in enumerate(attributes)]
    return graphml(folder, {cell: {} for cell in cells}, edges, **more)


def weights(path, **options):
    """The weight of the edge from each cell of a ring to the next."""
    matrix = read_connectome(path, options=Options(**options)).dense()
    return [matrix[(k + 1) % len(matrix), k] for k in range(len(matrix))]


def notes(path, **options):
    parts = parts_of(read_connectome(path, options=Options(**options)).provenance)
    return {part.place.removeprefix("g.graphml, "): (part.use, part.note) for part in parts}


def refused(path, message, **options):
    with pytest.raises(FormatError, match=message) as caught:
        read_connectome(path, options=Options(**options))
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


# ---- weights


@pytest.mark.parametrize("name", ["n_syn", "Count", "Weight", "weight_total", "blub", "synapses"])
def test_one_attribute_of_numbers_is_the_weight(tmp_path, name):
    path = with_edges(tmp_path, {name: 3, "id": 17}, {name: 4, "id": 12}, {name: 2, "id": 9})
    assert weights(path) == [3, 4, 2]
    found = notes(path)
    assert found[f"edge attribute {name}"][0] == "weight"
    assert found["edge attribute id"] == ("not used", "of no meaning for the network")


def test_several_attributes_of_numbers_are_a_question(tmp_path):
    path = with_edges(tmp_path, {"light": 3, "heavy": 40}, {"light": 4, "heavy": 50}, {"light": 2, "heavy": 60})
    refused(path, r"one attribute of edges with numbers, .* got light, heavy: .* \[net\] weight_column = light")
    assert weights(path, weight_column="heavy") == [40, 50, 60]
    assert weights(path, columns=(("weight", "LIGHT"),)) == [3, 4, 2]
    assert "weight_column = light" in notes(path, weight_column="heavy")["edge attribute light"][1]
    refused(path, "an attribute of edges as weight, got 'heavi'; there are light, heavy", weight_column="heavi")
    refused(path, "expected columns of weight, sign, .* got pre", columns=(("pre", "light"),))


def test_a_spelled_weight_wins_and_the_other_is_named(tmp_path):
    path = with_edges(tmp_path, {"length": 0.5, "weight": 3}, {"length": 1.5, "weight": 4})
    assert weights(path) == [3, 4, 0]
    use, note = notes(path)["edge attribute length"]
    assert use == "not used" and "weight_column = length would" in note


def test_weights_of_1_beside_other_numbers_are_a_question(tmp_path):
    path = with_edges(tmp_path, {"weight": 1, "n_syn": 3}, {"weight": "1.0", "n_syn": 4})
    refused(path, "expected weights, got 1 for each edge as weight beside n_syn: .* weight_column = n_syn takes it")
    assert weights(path, weight_column="n_syn") == [3, 4, 0]
    assert weights(path, weight_column="weight") == [1, 1, 0]


def test_numbers_that_count_the_edges_are_no_weights(tmp_path):
    path = with_edges(tmp_path, *({"number_of_row": k} for k in (1, 2, 3)))
    assert weights(path) == [1, 1, 1]
    assert notes(path)["edges"]  # the direction
    assert read_connectome(path).provenance["weights"] == "1 for every edge, as the file has none"


def test_weights_of_two_kinds_of_synapse(tmp_path):
    """Chemical ones alone by default; electrical ones both ways."""
    path = with_edges(
        tmp_path,
        {"chemical_weight": 3, "electrical_weight": 0, "weight": 3},
        {"chemical_weight": 4, "electrical_weight": 7, "weight": 11},
        {"electrical_weight": 5, "weight": 5},
    )
    assert weights(path) == [3, 4, 0]
    electrical = read_connectome(path, options=Options(synapse_type="electrical")).dense()
    assert electrical.tolist() == [[0, 0, 5], [0, 0, 7], [5, 7, 0]]
    both = read_connectome(path, options=Options(synapse_type="all")).dense()
    np.testing.assert_array_equal(both, electrical + read_connectome(path).dense())
    assert notes(path)["electrical synapses in g.graphml"][0] == "not used"
    assert notes(path)["edge attribute weight"][0] == "not used"
    assert weights(path, weight_column="weight") == [3, 11, 5]


# ---- kinds of synapse, signs, directions


def test_words_in_an_attribute_of_any_name(tmp_path):
    """Whole words tell; a letter in an attribute of another name does not."""
    path = with_edges(tmp_path, {"w": 3, "nature": "excitatory"}, {"w": 4, "nature": "inhibitory"})
    assert weights(path) == [3, -4, 0]
    path = with_edges(tmp_path, {"w": 3, "nature": "E"}, {"w": 4, "nature": "I"})
    assert weights(path) == [3, 4, 0] and notes(path)["edge attribute nature"] == ("not used", "texts: E, I")
    assert weights(path, columns=(("sign", "nature"),)) == [3, -4, 0]
    path = with_edges(tmp_path, *({"w": w, "nature": nature, "type": "chemical"} for w, nature in ((3, "C"), (4, "E"))))
    assert weights(path) == [3, 4, 0] and weights(path, columns=(("synapse_type", "nature"),)) == [3, 0, 0]


@pytest.mark.parametrize("name", ["synapse_type", "Type", "syn_class", "kind", "key", "interaction"])
@pytest.mark.parametrize("words", [("C", "E"), ("chemical", "electrical"), ("Send", "EJ"), ("chem", "gap junction")])
def test_kinds_of_synapse_by_words(tmp_path, name, words):
    chemical, electrical = words
    path = with_edges(tmp_path, {"w": 3, name: chemical}, {"w": 4, name: electrical}, {"w": 5, name: chemical})
    assert weights(path) == [3, 0, 5]
    assert read_connectome(path, options=Options(synapse_type="electrical")).dense().tolist() == [
        [0, 0, 0], [0, 0, 4], [0, 4, 0],
    ]  # fmt: skip
    assert f"2 {chemical}, 1 {electrical}" in notes(path)[f"edge attribute {name}"][1]


def test_an_attribute_that_is_true_for_one_kind(tmp_path):
    path = with_edges(tmp_path, {"w": 3, "is_electrical": "true"}, {"w": 4, "is_electrical": "false"})
    assert weights(path) == [0, 4, 0] and weights(path, synapse_type="electrical") == [3, 0, 0]
    path = with_edges(tmp_path, {"w": 3, "is_chemical": 1}, {"w": 4, "is_chemical": 0})
    assert weights(path) == [3, 0, 0] and weights(path, synapse_type="electrical") == [0, 4, 0]


def test_excitatory_inhibitory_and_electrical_in_one_attribute(tmp_path):
    path = with_edges(
        tmp_path, *({"w": 2, "type": kind} for kind in ("excitatory", "inhibitory", "electrical", "monoamine"))
    )
    assert weights(path) == [2, -2, 0, 0]
    assert notes(path)["other synapses in g.graphml"][0] == "not used"


@pytest.mark.parametrize(
    ("name", "words"),
    [("sign", "+-"), ("ei", "EI"), ("type", ("exc", "inh")), ("excitatory", ("True", "False")),
     ("polarity", ("1", "-1")), ("is_inhibitory", ("false", "true")), ("Sign", ("excitatory", "inhibitory"))],
)  # fmt: skip
def test_signs_by_words(tmp_path, name, words):
    plus, minus = words
    path = with_edges(tmp_path, {"w": 3, name: plus}, {"w": 4, name: minus}, {"w": 5, name: plus})
    assert weights(path) == [3, -4, 5]
    assert weights(path, sign_policy="none") == [3, 4, 5]
    assert notes(path)[f"edge attribute {name}"] == ("sign of the edge", "2 excitatory, 1 inhibitory, 0 without a sign")


def test_signs_that_are_none(tmp_path):
    path = with_edges(tmp_path, {"w": 3, "sign": "up"}, {"w": 4, "sign": "-"})
    refused(path, r"edge 1 \(a -> b\): expected a sign .* as sign, got up")
    path = with_edges(tmp_path, {"w": 3, "sign": "0"}, {"w": 4, "sign": "1"})
    refused(path, "edge attribute sign: expected signs 1 and -1, got 0 and 1 alone")


def test_directions_of_single_edges(tmp_path):
    path = with_edges(tmp_path, {"w": 3, "Type": "Directed"}, {"w": 4, "Type": "Undirected"})
    assert read_connectome(path).dense().tolist() == [[0, 0, 0], [3, 0, 4], [0, 4, 0]]
    assert notes(path)["edge attribute Type"] == ("direction of the edge", "1 undirected")


def test_both_ways_of_an_undirected_edge_have_the_sign_of_their_own_neuron(tmp_path):
    nodes = {"a": {"sign": "+"}, "b": {"sign": "-"}}
    path = graphml(tmp_path, nodes, [("a", "b", {"w": 2})], direction="undirected")
    assert read_connectome(path).dense().tolist() == [[0, -2], [2, 0]]
    nodes = {"a": {"nt": "ach"}, "b": {"nt": "gaba"}}
    path = graphml(tmp_path, nodes, [("a", "b", {"w": 2})], direction="undirected")
    assert read_connectome(path).dense().tolist() == [[0, -2], [2, 0]]


def test_signs_of_edges_overrule_those_of_neurons_and_this_is_said(tmp_path):
    nodes = {"a": {"sign": "+", "nt": "ach"}, "b": {"sign": "-", "nt": "gaba"}}
    path = graphml(tmp_path, nodes, [("a", "b", {"w": -2, "nt_type": "gaba"}), ("b", "a", {"w": 3, "nt_type": "ach"})])
    assert read_connectome(path).dense().tolist() == [[0, 3], [-2, 0]]
    found = notes(path)
    assert found["signs of neurons beside g.graphml"] == ("not used", "the edges have signs")
    assert found["transmitters"] == ("label neurotransmitter, not as signs", "the file has signs")
    assert found["transmitters of edges"] == ("not used", "the nodes have transmitters")


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), ("1", "0"), ("directed", "mutual")])
def test_an_attribute_that_says_whether_edges_are_directed(tmp_path, yes, no):
    path = with_edges(tmp_path, {"w": 3, "directed": yes}, {"w": 4, "directed": no}, {"w": 5})
    assert read_connectome(path).dense().tolist() == [[0, 0, 5], [3, 0, 4], [0, 4, 0]]


def test_transmitters_of_edges(tmp_path):
    path = with_edges(tmp_path, {"w": 3, "nt_type": "GABA"}, {"w": 4, "nt_type": "ACH"})
    read = read_connectome(path)
    assert weights(path) == [-3, 4, 0]
    assert read.labels["neurotransmitter"].tolist() == ["gaba", "acetylcholine", "unknown"]


# ---- nodes


def test_names_that_are_better_than_ids(tmp_path):
    """igraph counts nodes n0, n1, ...; `name` counts them too here, so that cell_name is the name."""
    nodes = {f"n{k}": {"name": k + 1, "cell_name": name} for k, name in enumerate(("AVAL", "AVAR", "RIM"))}
    edges = [("n0", "n1", {"weight": 2})]
    path = graphml(tmp_path, nodes, edges)
    assert read_connectome(path).names.tolist() == ["AVAL", "AVAR", "RIM"]
    assert notes(path)["ids of nodes"] == ("not used", "n0, n1, n2, ... only count the nodes")
    nodes["n2"]["cell_name"] = "AVAR"  # twice
    path = graphml(tmp_path, nodes, edges)
    assert read_connectome(path).names.tolist() == ["n0", "n1", "n2"]
    assert read_connectome(path).labels["cell_name"].tolist() == ["AVAL", "AVAR", "AVAR"]


def test_ids_that_are_names_stay_and_the_label_is_kept(tmp_path):
    nodes = {"720575940612": {"label": "AVAL"}, "720575940999": {"label": "AVAR"}}
    read = read_connectome(graphml(tmp_path, nodes, [("720575940612", "720575940999", {})]))
    assert read.names.tolist() == ["720575940612", "720575940999"]
    assert read.labels["label"].tolist() == ["AVAL", "AVAR"]


def test_yed_keeps_names_in_its_drawings(tmp_path):
    node = '<node id="n{}"><data key="d0"><y:ShapeNode><y:NodeLabel> {} </y:NodeLabel></y:ShapeNode></data></node>'
    path = tmp_path / "yed.graphml"
    nodes = "".join(node.format(*each) for each in enumerate(("AVAL", "RIM")))
    path.write_text(
        '<graphml xmlns:y="http://www.yworks.com/xml/graphml"><key id="d0" for="node" yfiles.type="nodegraphics"/>'
        f'<graph edgedefault="directed">{nodes}<edge source="n0" target="n1"/></graph></graphml>'
    )
    assert read_connectome(path).names.tolist() == ["AVAL", "RIM"]


@pytest.mark.parametrize(("name", "words"), [("sign", "+-"), ("EI", "EI"), ("excitatory", ("true", "false"))])
def test_signs_of_neurons(tmp_path, name, words):
    nodes = {cell: {name: word} for cell, word in zip("ab", words, strict=True)}
    path = graphml(tmp_path, nodes, [("a", "b", {"w": 2}), ("b", "a", {"w": 3})])
    assert read_connectome(path).dense().tolist() == [[0, -3], [2, 0]]
    assert notes(path)[f"node attribute {name}"][1] == "1 excitatory, 1 inhibitory, 0 unknown"


@pytest.mark.parametrize(("name", "words"), [("type", "EI"), ("cell_class", ("excitatory", "inhibitory"))])
def test_words_of_signs_in_a_label_of_neurons(tmp_path, name, words):
    nodes = {cell: {name: word} for cell, word in zip("ab", words, strict=True)}
    path = graphml(tmp_path, nodes, [("a", "b", {"w": 2}), ("b", "a", {"w": 3})])
    read = read_connectome(path)
    assert read.dense().tolist() == [[0, -3], [2, 0]]
    assert read.labels[name.removeprefix("cell_")].tolist() == [*words]
    uses = [(part.place, part.use) for part in parts_of(read.provenance)]
    assert (f"g.graphml, node attribute {name}", "sign of the neuron's outgoing weights") in uses
    nodes = {cell: {name: word} for cell, word in zip("ab", ("E", "PV"), strict=True)}
    assert read_connectome(graphml(tmp_path, nodes, [("a", "b", {"w": 2})])).dense().tolist() == [[0, 0], [2, 0]]


def test_every_attribute_is_a_label_or_named(tmp_path):
    values = {"cell_class": "AAB", "layer_name": "xxy", "soma_pos": ("0.1", "0.2", "0.3"), "story": ("p", "q", "r")}
    nodes = {cell: {name: each[k] for name, each in values.items()} for k, cell in enumerate(("u", "v", "w"))}
    path = graphml(tmp_path, nodes, [("u", "v", {"weight": 1, "remark": "long"})])
    read = read_connectome(path)
    assert {kind: "".join(texts) for kind, texts in read.labels.items()} == {"class": "AAB", "layer_name": "xxy"}
    found = notes(path)
    assert found["node attribute soma_pos"][0] == found["node attribute story"][0] == "not used"
    assert found["node attribute story"][1] == "another text for each neuron"
    assert found["edge attribute remark"] == ("not used", "texts: long")
    assert {f"node attribute {name}" for name in values} <= found.keys()


def test_a_table_of_labels(tmp_path):
    path = with_edges(tmp_path, {"w": 3}, {"w": 4})
    (tmp_path / "types.csv").write_text("name,type,nt\na,T1,gaba\nb,T2,ach\nc,T2,ach\n")
    read = read_connectome(path, options=Options(labels=str(tmp_path / "types.csv")))
    assert read.labels["type"].tolist() == ["T1", "T2", "T2"] and read.dense()[1, 0] == -3
    assert read.provenance["files"].keys() == {"g.graphml", "types.csv"}


# ---- the worm


@pytest.fixture(scope="module")
def pharynx():
    networkx = pytest.importorskip("networkx")
    if not PHARYNX.is_file():
        pytest.skip("the shared connectomes are not here")
    return networkx, networkx.read_graphml(PHARYNX, force_multigraph=True)


def matrix_of(networkx, graph, letter):
    """J[post, pre], of the edges of one synapse_type, by networkx."""
    chosen = networkx.MultiDiGraph()
    chosen.add_nodes_from(graph)
    chosen.add_edges_from((*ends, data) for *ends, data in graph.edges(data=True) if data["synapse_type"] == letter)
    return networkx.to_numpy_array(chosen).T


def read_pharynx(**options):
    return read_connectome(Path(PHARYNX), options=Options(**options))


def test_the_pharynx_against_networkx(pharynx):
    networkx, graph = pharynx
    chemical, electrical = (matrix_of(networkx, graph, letter) for letter in "CE")
    np.testing.assert_array_equal(electrical, electrical.T)  # the file lists each gap junction from both ends
    read = read_pharynx(sign_policy="none", drop_autapses=False)
    assert read.names.tolist() == [data["cell_name"] for _, data in graph.nodes(data=True)]
    np.testing.assert_array_equal(read.dense(), chemical)
    read = read_pharynx(synapse_type="electrical", drop_autapses=False)
    np.testing.assert_array_equal(read.dense(), electrical)
    read = read_pharynx(synapse_type="all", sign_policy="none", drop_autapses=False)
    np.testing.assert_array_equal(read.dense(), chemical + electrical)


def test_the_pharynx_has_26_neurons_of_gaba(pharynx):
    """They are inhibitory, and the two of glutamate, under the rule of Shiu et al."""
    _, graph = pharynx
    read = read_pharynx()
    transmitters = [data["neurotransmitters"] for _, data in graph.nodes(data=True)]
    assert (read.labels["neurotransmitter"] == "gaba").sum() == transmitters.count("GABA") == 26
    has_output = matrix_of(*pharynx, "C").sum(0) > 0
    np.testing.assert_array_equal(read.signs < 0, np.isin(transmitters, ["GABA", "GLU"]) & has_output)
    assert read.labels["class"][0] == "ADA" and set(read.labels) == {"class", "neurotransmitter", "role"}
    places = {part.place for part in parts_of(read.provenance)}
    attributes = {name for _, data in graph.nodes(data=True) for name in data}
    assert {f"herm_pharynx.graphml, node attribute {name}" for name in attributes} <= places
    assert "electrical synapses in herm_pharynx.graphml" in places


# ---- numbers that are no weights by their name


@pytest.mark.parametrize("name", ["distance", "cleft_score", "probability", "log_weight"])
def test_a_quality_of_edges_alone_is_a_question_as_in_a_table(tmp_path, name):
    path = with_edges(tmp_path, {name: "3.5"}, {name: "0.25"}, {name: "7"})
    refused(path, rf"got {name} alone: \[net\] weight_column = {name}")
    assert weights(path, weight_column=name) == [3.5, 0.25, 7]


def test_a_weight_of_any_name_comes_before_a_quality(tmp_path):
    path = with_edges(tmp_path, *({"made": str(k), "distance": str(9 * k)} for k in (3, 5, 8)))
    assert weights(path) == [3, 5, 8]
    assert notes(path)["edge attribute distance"][0] == "not used"


def test_parallel_edges_with_a_quality_are_counted(tmp_path):
    edges = [("a", "b", {"score": "3"}), ("a", "b", {"score": "5"}), ("b", "a", {"score": "9"})]
    made = read_connectome(graphml(tmp_path, {"a": {}, "b": {}}, edges))
    assert made.dense().tolist() == [[0, 1], [2, 0]]
