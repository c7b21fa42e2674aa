"""Names of columns that consist of known words, and cells that say what they are: no sign or weight is lost."""

import json

import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome

WEIGHTS = {("A", "B"): 3, ("B", "C"): 5, ("C", "A"): 7, ("A", "C"): 2, ("C", "D"): 4, ("D", "A"): 1}
SIGNS = {"A": 1, "B": -1, "C": 1, "D": -1}
SIGNED = {(pre, post): SIGNS[pre] * weight for (pre, post), weight in WEIGHTS.items()}
TRANSMITTERS = {"A": "ACh", "B": "GABA", "C": "acetylcholine", "D": "GABA"}
GAPS = {("A", "D"): 9, ("D", "A"): 9}


def edges(connectome):
    """(pre, post) -> weight, by name."""
    names, weights = connectome.names.tolist(), connectome.weights.tolist()
    ends = zip(connectome.pre, connectome.post, strict=True)
    return {(names[pre], names[post]): weight for (pre, post), weight in zip(ends, weights, strict=True)}


def table(header, *columns):
    """A CSV of the edges, with further columns: functions of pre, post and weight."""
    rows = [[pre, post, *(column(pre, post, weight) for column in columns)] for (pre, post), weight in WEIGHTS.items()]
    return "\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n"


def weight_of(pre, post, weight):
    return weight


def by_sign(positive, negative):
    return lambda pre, post, weight: positive if SIGNS[pre] > 0 else negative


@pytest.fixture
def read(tmp_path):
    def of(text, name="edges.csv", **options):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_connectome(tmp_path / name, options=Options(**options))

    return of


@pytest.mark.parametrize(
    ("name", "positive", "negative"),
    [("synapse_sign", "+", "-"), ("edgeSign", "1", "-1"), ("sgn", "1", "-1"), ("Synapse polarity", "pos", "neg"),
     ("pre_sign", "1", "-1"), ("pre EI", "E", "I"), ("is_exc", "True", "False"), ("isInh", "no", "yes"),
     ("synapse is inhibitory", "0", "1"), ("excitatory/inhibitory", "E", "I"), ("sign", "1.00", "-1.00"),
     ("sign", "1", "−1"), ("Exc/Inh", "Exc.", "Inh."), ("pre_type", "exc", "inh"), ("type_pre", "E", "I"),
     ("pre_clf_type", "E", "I"), ("pre class", "excitatory neuron", "inhibitory neuron"),
     ("exc", "True", "False"), ("inh", "n", "y")],
)  # fmt: skip
def test_a_sign_by_the_words_of_its_name(read, name, positive, negative):
    network = read(table(("pre", "post", "weight", name), weight_of, by_sign(positive, negative)))
    assert edges(network) == SIGNED


@pytest.mark.parametrize("name", ["post_sign", "postsynaptic EI", "post_type", "post_nt"])
def test_a_sign_of_the_postsynaptic_neuron_is_no_sign_of_the_edge(read, name):
    of_sign = {1: "exc", -1: "inh"}
    words = TRANSMITTERS if name == "post_nt" else {neuron: of_sign[sign] for neuron, sign in SIGNS.items()}
    network = read(table(("pre", "post", "weight", name), weight_of, lambda pre, post, weight: words[post]))
    assert edges(network) == WEIGHTS
    assert name in "".join(part.place for part in parts_of(network.provenance))


def test_a_spelled_sign_comes_before_one_by_words(read):
    network = read(table(("pre", "post", "weight", "sign", "pre_sign"), weight_of, by_sign(1, -1), by_sign(-1, 1)))
    assert edges(network) == SIGNED


@pytest.mark.parametrize(
    ("name", "positive", "negative"),
    [("cell_sign", "1", "-1"), ("neuronSign", "+", "-"), ("is_exc", "True", "False"), ("inh", "0", "1"),
     ("EI type", "Exc.", "Inh."), ("classification_system", "excitatory_neuron", "inhibitory_neuron"),
     ("Main NT", "ACh", "GABA"), ("predicted_transmitter", "acetylcholine", "gaba?"),
     ("cell_nt", "cholinergic", "GABA")],
)  # fmt: skip
@pytest.mark.parametrize("form", ["folder", "labels", "graph"])
def test_a_sign_or_transmitter_of_neurons_by_words(tmp_path, form, name, positive, negative):
    cells = {neuron: positive if sign > 0 else negative for neuron, sign in SIGNS.items()}
    neurons = f"id,{name}\n" + "".join(f"{neuron},{cell}\n" for neuron, cell in cells.items())
    if form == "graph":
        nodes = [{"id": neuron, name: cell} for neuron, cell in cells.items()]
        links = [{"source": pre, "target": post, "weight": weight} for (pre, post), weight in WEIGHTS.items()]
        (tmp_path / "a.json").write_text(json.dumps({"directed": True, "nodes": nodes, "links": links}))
        network = read_connectome(tmp_path / "a.json")
    elif form == "folder":
        (tmp_path / "edges.csv").write_text(table(("pre", "post", "weight"), weight_of))
        (tmp_path / "neurons.csv").write_text(neurons.replace("\n", ",x\n").replace(",x\n", ",type\n", 1))
        network = read_connectome(tmp_path)
    else:
        (tmp_path / "edges.csv").write_text(table(("pre", "post", "weight"), weight_of))
        (tmp_path / "neurons.csv").write_text(neurons)
        network = read_connectome(tmp_path / "edges.csv", options=Options(labels=tmp_path / "neurons.csv"))
    assert edges(network) == SIGNED


def test_transmitters_of_two_columns_that_differ_are_a_question(tmp_path):
    (tmp_path / "edges.csv").write_text(table(("pre", "post", "weight"), weight_of))
    rows = "".join(f"{neuron},t,{name},glut\n" for neuron, name in TRANSMITTERS.items())
    (tmp_path / "neurons.csv").write_text(f"id,type,nt 1,nt 2\n{rows}")
    network = read_connectome(tmp_path)
    assert edges(network) == WEIGHTS
    notes = [part.note for part in parts_of(network.provenance) if "nt " in part.place]
    assert len(notes) == 2 and all("neurotransmitter" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "chemical", "electrical"),
    [("type", "syn", "gj"), ("connection", "S", "EJ"), ("kind", "synapse", "gap junction"), ("gj", "False", "True")],
)
def test_a_kind_of_synapse_by_its_words(read, name, chemical, electrical):
    gaps = "".join(f"{pre},{post},{weight},{electrical}\n" for (pre, post), weight in GAPS.items())
    text = table(("pre", "post", "weight", name), weight_of, lambda *_: chemical) + gaps
    assert edges(read(text)) == WEIGHTS
    assert edges(read(text, synapse_type="electrical")) == GAPS


def test_synapses_among_other_words_are_no_kind_of_synapse(read):
    text = table(("pre", "post", "weight", "place"), weight_of, lambda pre, *_: "synapse" if pre == "A" else "soma")
    assert edges(read(text)) == WEIGHTS


@pytest.mark.parametrize(
    ("chemical", "electrical"),
    [("n_chem", "n_gap"), ("chem_synapses", "gap_junctions"), ("chem", "ej"),
     ("Number of chemical synapses", "GJ count"),
     ("chem_syn", "gap_jn")],
)  # fmt: skip
def test_weights_of_each_kind_of_synapse_by_words(read, chemical, electrical):
    pairs = WEIGHTS | {pair: 0 for pair in GAPS if pair not in WEIGHTS}
    rows = "".join(f"{pre},{post},{weight},{GAPS.get((pre, post), 0)}\n" for (pre, post), weight in pairs.items())
    text = f"pre,post,{chemical},{electrical}\n{rows}"
    assert edges(read(text)) == WEIGHTS
    assert edges(read(text, synapse_type="electrical")) == GAPS


@pytest.mark.parametrize(
    "name", ["num_syn", "# of synapses", "No. of synapses", "total_synapses", "sum_weight", "nb_syn", "edgeCount", "wt"]
)
def test_a_weight_by_the_words_of_its_name(read, name):
    text = table(("pre", "post", name, "area"), weight_of, lambda pre, post, weight: 10 * weight + 1)
    assert edges(read(text)) == WEIGHTS


def test_two_weights_by_words_are_a_question(read):
    with pytest.raises(FormatError, match=r"weight_column = num_syn"):
        read(table(("pre", "post", "num_syn", "total weight"), weight_of, weight_of))


@pytest.mark.parametrize(
    ("pre", "post"),
    [("presyn", "postsyn"), ("Neuron A", "Neuron B"), ("pre_segment_id", "post_segment_id"), ("pre gid", "post gid"),
     ("upstream_neuron", "downstream_neuron"), ("presynaptic partner", "postsynaptic partner"), ("pre_idx", "post_idx"),
     ("EndNode1", "EndNode2"), ("Präsynaptisch", "Postsynaptisch"), ("Origen", "Destino")],
)  # fmt: skip
def test_ends_by_their_words(read, pre, post):
    assert edges(read(table((pre, post, "weight"), weight_of))) == WEIGHTS


@pytest.mark.parametrize("header", ["i,j,weight", "row,col,weight", "input,output,weight", "upstream,downstream,w"])
def test_ends_that_may_be_the_other_way_round_are_a_question(read, header):
    with pytest.raises(FormatError, match=r"\[net\] columns = pre: "):
        read(table(header.split(","), weight_of))


def test_transmitters_in_a_column_of_another_role_are_named(tmp_path):
    (tmp_path / "edges.csv").write_text(table(("pre", "post", "weight"), weight_of))
    rows = "".join(f"{neuron},{name}\n" for neuron, name in TRANSMITTERS.items())
    (tmp_path / "neurons.csv").write_text(f"id,class\n{rows}")
    network = read_connectome(tmp_path)
    assert edges(network) == WEIGHTS and set(network.labels) == {"class"}
    assert "call the one that gives them neurotransmitter" in "".join(
        part.note for part in parts_of(network.provenance) if part.use == "label class"
    )


def test_cells_that_are_no_neurons_have_no_sign(tmp_path):
    """As in the tables of cell types of MICrONS."""
    (tmp_path / "edges.csv").write_text(table(("pre", "post", "weight"), weight_of))
    words = {"A": "excitatory_neuron", "B": "inhibitory_neuron", "C": "excitatory_neuron", "D": "nonneuron"}
    rows = "".join(f"{neuron},{word},x\n" for neuron, word in words.items())
    (tmp_path / "cells.csv").write_text(f"pt_root_id,classification_system,cell_type\n{rows}")
    network = read_connectome(tmp_path)
    assert edges(network) == {pair: weight for pair, weight in SIGNED.items() if pair[0] != "D"}
    assert "1 unknown; the edges of unknown ones are left out" in str(parts_of(network.provenance))
