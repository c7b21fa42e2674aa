"""Names and words that look like signs, weights or numbers, and mean something else: the network stays as it is."""

import json

import pytest

from randomnet.formats import parts_of, read_connectome

WEIGHTS = {("A", "B"): 3, ("B", "C"): 4, ("C", "A"): 5}


def edges(connectome):
    """(pre, post) -> weight, by name."""
    names, weights = connectome.names.tolist(), connectome.weights.tolist()
    ends = zip(connectome.pre, connectome.post, strict=True)
    return {(names[pre], names[post]): weight for (pre, post), weight in zip(ends, weights, strict=True)}


def table(header, cells):
    """A CSV of the edges with one more column; cells: by presynaptic neuron."""
    rows = [f"{pre},{post},{weight},{cells[pre]}" for (pre, post), weight in WEIGHTS.items()]
    return "\n".join([f"pre,post,weight,{header}", *rows]) + "\n"


def folder(path, header, cells):
    """A folder of the edges with a table of neurons."""
    rows = [f"{pre},{post},{weight}" for (pre, post), weight in WEIGHTS.items()]
    (path / "edges.csv").write_text("\n".join(["pre,post,weight", *rows]) + "\n")
    own = [f"{name},{cell}" for name, cell in zip("ABC", cells, strict=True)]
    (path / "nodes.csv").write_text("\n".join([f"id,{header}", *own]) + "\n")
    return path


@pytest.mark.parametrize(
    ("header", "cells"),
    [("receptor", ("GABA", "acetylcholine", "glutamate")), ("receptorType", ("dopamine", "GABA", "")),
     ("main_input_nt", ("GABA", "acetylcholine", "glutamate")), ("cotransmitter", ("GABA", "ACh", "glutamate")),
     ("amino", ("glu", "gly", "his")), ("glomerulus", ("DA", "DA", "DA")),
     ("response_to_light", ("excitation", "inhibition", "excitation")), ("main input", ("exc", "inh", "exc")),
     ("side", ("I", "E", "I")), ("brain_region", ("E", "I", "E")), ("fru", ("pos", "neg", "pos")),
     ("neuron_polarity", ("unipolar", "bipolar", "unipolar")), ("cell_valence", ("approach", "avoid", "approach"))],
)  # fmt: skip
def test_a_column_of_neurons_that_is_not_of_their_outputs(tmp_path, header, cells):
    network = read_connectome(folder(tmp_path, header, cells))
    assert edges(network) == WEIGHTS
    assert "neurotransmitter" not in network.labels
    assert sorted({*cells} - {""}) in [sorted({*texts} - {"unknown"}) for texts in map(list, network.labels.values())]


@pytest.mark.parametrize(
    ("header", "cells"),
    [("group", "EIE"), ("type", ("positive", "negative", "positive")), ("output_effect", ("pos", "neg", "pos")),
     ("inhibitory", ("exc", "inh", "exc")), ("inh", "EIE")],
)  # fmt: skip
def test_signs_of_neurons_by_their_words(tmp_path, header, cells):
    assert edges(read_connectome(folder(tmp_path, header, cells))) == {**WEIGHTS, ("B", "C"): -4}


def test_words_that_are_no_signs_are_named(tmp_path):
    parts = parts_of(read_connectome(folder(tmp_path, "fru", ("pos", "neg", "pos"))).provenance)
    notes = [part.note for part in parts if part.place.endswith("fru")]
    assert notes == ["2 different; not as signs: call it sign where these are of the outputs"]


@pytest.mark.parametrize(
    ("header", "cells"),
    [("identity", ("acetylcholine", "GABA", "ACh")), ("sort", ("glutamatergic", "Gly", "5-HT"))],
)  # fmt: skip
def test_transmitters_of_outputs_by_their_words(tmp_path, header, cells):
    assert "neurotransmitter" in read_connectome(folder(tmp_path, header, cells)).labels


@pytest.mark.parametrize(
    ("header", "cells"),
    [("source_side", "eie"), ("pre_valence", ("appetitive", "aversive", "appetitive")), ("pre_fru", ("+", "-", "+")),
     ("presyn", (12, 3, 40)), ("wt", ("yes", "no", "yes")), ("Quelle", ("Cook", "Cook", "White")),
     ("annotator", ("EJ", "JB", "KM")), ("remark", ("ok", "gj", "see figure"))],
)  # fmt: skip
def test_a_column_of_edges_that_is_no_sign_and_no_weight(tmp_path, header, cells):
    (tmp_path / "edges.csv").write_text(table(header, dict(zip("ABC", cells, strict=True))))
    assert edges(read_connectome(tmp_path / "edges.csv")) == WEIGHTS


def test_true_columns_that_contradict_are_no_signs(tmp_path):
    network = read_connectome(folder(tmp_path, "exc,inh", ("1,0", "0,1", "1,1")))  # of inputs, say
    assert edges(network) == WEIGHTS
    assert all(part.use == "not used" for part in parts_of(network.provenance) if part.place.endswith(("exc", "inh")))


def test_true_columns_that_agree_are_signs_and_are_named_once(tmp_path):
    network = read_connectome(folder(tmp_path, "exc,inh", ("1,0", "0,1", "1,0")))
    assert edges(network)["B", "C"] == -4
    assert [part.use for part in parts_of(network.provenance) if part.place.endswith("exc")] == [
        "sign of the neuron's outgoing weights"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("pre;post;weight\n2,1;2,10;2\n2,10;3,1;5\n3,1;2,1;1\n",
      {("2,1", "2,10"): 2, ("2,10", "3,1"): 5, ("3,1", "2,1"): 1}),
     (";1,1;1,2;1,10\n1,1;0;3;4\n1,2;1;0;2\n1,10;5;6;0\n",
      {("1,1", "1,2"): 3, ("1,1", "1,10"): 4, ("1,2", "1,1"): 1, ("1,2", "1,10"): 2, ("1,10", "1,1"): 5,
       ("1,10", "1,2"): 6})],
)  # fmt: skip
def test_names_with_commas_stay_names(tmp_path, text, expected):
    (tmp_path / "net.csv").write_text(text)
    assert edges(read_connectome(tmp_path / "net.csv")) == expected


def test_symmetric_numbers_with_commas_are_no_ids(tmp_path):
    (tmp_path / "net.csv").write_text("0;1,5;2,5\n1,5;0;1\n2,5;1;0\n")
    network = read_connectome(tmp_path / "net.csv")
    assert sorted(network.weights.tolist()) == [1, 1, 1.5, 1.5, 2.5, 2.5]


def test_neurons_called_as_the_columns(tmp_path):
    (tmp_path / "edges.csv").write_text("source,target,weight\nsource,target,3\ntarget,source,4\n")
    assert edges(read_connectome(tmp_path / "edges.csv")) == {("source", "target"): 3, ("target", "source"): 4}


def test_a_receptor_of_nodes_of_a_graph(tmp_path):
    nodes = [{"id": name, "receptor": "GABA"} for name in "ABC"]
    links = [{"source": pre, "target": post, "weight": weight} for (pre, post), weight in WEIGHTS.items()]
    (tmp_path / "graph.json").write_text(json.dumps({"directed": True, "nodes": nodes, "links": links}))
    assert edges(read_connectome(tmp_path / "graph.json")) == WEIGHTS
