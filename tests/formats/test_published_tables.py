"""Tables as projects publish them: FlyWire's sets of synapses, the whole-brain model of Shiu et al., the larva."""

import gzip

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError, Options, read_connectome, recognise
from randomnet.formats.contents import parts_of

ROOT_ID = 720575940612453042  # no float of 64 bits is this number
CONNECTIONS = "pre_root_id,post_root_id,neuropil,syn_count,nt_type\n"


@pytest.fixture
def codex(tmp_path):
    """A folder with two sets of synapses between two neurons, as the Codex bucket has them, and the neurons."""
    sets = {"connections": 6, "connections_princeton": 9, "connections_no_threshold": 2}
    for name, count in sets.items():
        rows = f"{ROOT_ID},{ROOT_ID + 1},EB,{count},ACH\n{ROOT_ID + 1},{ROOT_ID},EB,{count + 1},HIST\n"
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress((CONNECTIONS + rows).encode()))
    neurons = "root_id,group,nt_type,nt_type_score,da_avg,ser_avg,gaba_avg,glut_avg,ach_avg,oct_avg\n" \
        f"{ROOT_ID},g,ACH,0.9,0,0,0.1,0,0.9,0\n{ROOT_ID + 1},g,HIST,0.5,0,0,0,0,0.2,0\n"  # fmt: skip
    (tmp_path / "neurons.csv.gz").write_bytes(gzip.compress(neurons.encode()))
    return tmp_path


def test_several_sets_of_synapses_in_one_folder_are_a_question(codex):
    names = "connections.csv.gz, connections_no_threshold.csv.gz, connections_princeton.csv.gz"
    with pytest.raises(FormatError, match=f"expected one table of connections, got 3: {names}; name one file"):
        read_connectome(codex)


@pytest.mark.parametrize(
    "name, count", [("connections", 6), ("connections_princeton", 9), ("connections_no_threshold", 2)]
)
def test_a_named_set_brings_the_neurons_beside_it(codex, name, count):
    path = codex / f"{name}.csv.gz"
    assert recognise(path).format == "flywire"
    read = read_connectome(path)
    np.testing.assert_array_equal(read.dense(), [[0, -(count + 1)], [count, 0]])  # histamine inhibits
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "histamine"]
    assert read.provenance["connections"] == path.name and read.provenance["smallest_pair"] == count


def test_scores_of_neurons_serve_expected_signs(codex):
    read = read_connectome(codex / "connections.csv.gz", options=Options(sign_policy="expected"))
    np.testing.assert_allclose(read.dense(), [[0, 7 * 0.2], [6 * (0.9 - 0.1), 0]])


def test_princeton_rows_without_transmitters(codex):
    rows = f"pre_root_id,post_root_id,neuropil,syn_count\n{ROOT_ID},{ROOT_ID + 1},EB,7\n"
    (codex / "connections_princeton.csv.gz").write_bytes(gzip.compress(rows.encode()))
    read = read_connectome(codex / "connections_princeton.csv.gz", options=Options("EB"))
    np.testing.assert_array_equal(read.dense(), [[0, 0], [7, 0]])


def shiu(folder):
    pytest.importorskip("pyarrow", reason="the connectivity of Shiu et al. is a parquet file")
    pre, post = ROOT_ID + np.array([0, 1, 1]), ROOT_ID + np.array([1, 0, 2])
    columns = {"Presynaptic_ID": pre, "Postsynaptic_ID": post, "Presynaptic_Index": [0, 1, 1],
               "Postsynaptic_Index": [1, 0, 2], "Connectivity": [5, 3, 8], "Excitatory": [1, -1, -1],
               "Excitatory x Connectivity": [5, -3, -8]}  # fmt: skip
    pd.DataFrame(columns).to_parquet(folder / "Connectivity_783.parquet")
    pd.Series(True, index=ROOT_ID + np.arange(3), name="Completed").to_csv(folder / "Completeness_783.csv")
    return folder


@pytest.mark.parametrize("name", ["", "Connectivity_783.parquet"])
def test_the_model_of_shiu_has_signs_and_root_ids(tmp_path, name):
    read = read_connectome(shiu(tmp_path) / name)
    assert read.names.tolist() == [str(ROOT_ID + row) for row in range(3)]
    np.testing.assert_array_equal(read.dense(), [[0, -3, 0], [5, 0, 0], [0, -8, 0]])
    assert read.provenance["sign_policy"] == "as in the file"


def test_the_larva_as_a_square_matrix_has_presynaptic_rows(tmp_path):
    path = tmp_path / "all-all_connectivity_matrix.csv"
    path.write_text(",4381129,15609427,5030808\n4381129,0,3,0\n15609427,0,0,7\n5030808,2,0,0\n")
    read = read_connectome(path)
    assert read.names.tolist() == ["4381129", "15609427", "5030808"]
    np.testing.assert_array_equal(read.dense(), [[0, 0, 2], [3, 0, 0], [0, 7, 0]])


# ---- what is used and left


def contents(connectome):
    return {part.place: (part.use, part.note) for part in parts_of(connectome.provenance)}


def test_flywire_names_every_column_and_file(codex):
    for name in ("connections_princeton", "connections_no_threshold"):
        (codex / f"{name}.csv.gz").unlink()
    (codex / "classification.csv").write_text(
        f"root_id,flow,super_class,class,sub_class,side,nerve\n{ROOT_ID},x,central,CX,a,left,\n"
    )
    (codex / "labels.csv").write_text(f"root_id,label,user_name\n{ROOT_ID},a,b\n")
    parts = contents(read_connectome(codex))
    assert parts["connections.csv.gz, column neuropil"] == ("region of the synapses", "summed over")
    assert parts["connections.csv.gz, column nt_type"] == ("not used", "that of neurons.csv.gz is used")
    assert parts["neurons.csv.gz, column nt_type"][0] == "transmitter of the neuron"
    assert parts["neurons.csv.gz, column gaba_avg"] == ("not used", "sign_policy = expected reads it")
    assert parts["neurons.csv.gz, 2 further columns"] == ("not used", "group, nt_type_score")
    assert parts["classification.csv, column super_class"] == ("label super_class", "")
    assert parts["classification.csv, 3 further columns"] == ("not used", "flow, sub_class, nerve")
    assert parts["labels.csv"] == ("not used", "")
    one = contents(read_connectome(codex, options=Options("EB", sign_policy="expected")))
    assert one["connections.csv.gz, column neuropil"] == ("region of the synapses", "only EB")
    assert one["neurons.csv.gz, column gaba_avg"] == ("probability of a transmitter", "")
    for name in ("neurons.csv.gz", "classification.csv"):
        (codex / name).unlink()
    without = contents(read_connectome(codex / "connections.csv.gz"))
    expected = ("transmitter of the neuron", "that of most of its synapses")
    assert without["connections.csv.gz, column nt_type"] == expected


def test_hemibrain_names_every_column_and_file(tmp_path):
    tables = {
        "traced-neurons.csv": "bodyId,type,instance,somaSide,status\n1,A,A_L,R,Traced\n2,B,,,Traced\n",
        "traced-total-connections.csv": "bodyId_pre,bodyId_post,weight,weightHP\n1,2,5,4\n2,1,3,2\n",
        "traced-roi-connections.csv": "bodyId_pre,bodyId_post,roi,weight\n1,2,EB,5\n2,1,PB,3\n",
        "nt.csv": "body,gaba,acetylcholine,predicted_nt\n1,.1,.9,acetylcholine\n2,.9,.1,gaba\n",
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    read = read_connectome(tmp_path)
    assert read.labels["side"].tolist() == ["right", "unknown"]  # of the soma, not of the instance's name
    assert contents(read) == {
        "traced-total-connections.csv, column bodyId_pre": ("presynaptic neuron", ""),
        "traced-total-connections.csv, column bodyId_post": ("postsynaptic neuron", ""),
        "traced-total-connections.csv, column weight": ("weight", ""),
        "traced-total-connections.csv, 1 further column": ("not used", "weightHP"),
        "traced-neurons.csv, column bodyId": ("neuron", ""),
        "traced-neurons.csv, column type": ("label type", ""),
        "traced-neurons.csv, column instance":
            ("label instance", "its ending _L or _R tells the side where no column does"),
        "traced-neurons.csv, column somaSide": ("label side", ""),
        "traced-neurons.csv, 1 further column": ("not used", "status"),
        "nt.csv, column body": ("neuron", ""),
        "nt.csv, column predicted_nt": ("transmitter of the neuron", ""),
        "nt.csv, 2 further columns": ("not used", "gaba, acetylcholine"),
        "traced-roi-connections.csv": ("not used", "[net] roi = a ROI reads it"),
    }
    per_roi = contents(read_connectome(tmp_path, options=Options("EB")))
    assert per_roi["traced-roi-connections.csv, column roi"] == ("region of the synapses", "only EB")
    assert per_roi["traced-total-connections.csv"] == ("not used", "the connections per ROI are read")


def test_index_columns_of_shiu_are_named_as_unused_and_completeness_lists_the_neurons(tmp_path):
    pytest.importorskip("pyarrow", reason="the connectivity of Shiu et al. is a parquet file")
    pre, post = ROOT_ID + np.array([0, 1, 1]), ROOT_ID + np.array([1, 0, 2])
    columns = {"Presynaptic_ID": pre, "Postsynaptic_ID": post, "Presynaptic_Index": [0, 1, 1],
               "Postsynaptic_Index": [1, 0, 2], "Connectivity": [5, 3, 8], "Excitatory": [1, -1, -1],
               "Excitatory x Connectivity": [5, -3, -8]}  # fmt: skip
    pd.DataFrame(columns).to_parquet(tmp_path / "Connectivity_783.parquet")
    pd.Series(True, index=ROOT_ID + np.arange(4), name="Completed").to_csv(tmp_path / "Completeness_783.csv")
    read = read_connectome(tmp_path)
    assert read.n == 4  # the fourth has no edge
    used = contents(read)
    assert used["Connectivity_783.parquet, column Excitatory"][0] == "sign of the edge"
    for name in ("Presynaptic_Index", "Postsynaptic_Index", "Excitatory x Connectivity"):
        left = [part.place + part.note for part in parts_of(read.provenance) if not part.is_used]
        assert any(name in text for text in left)


def winding(folder):
    nodes = ",name,root,hemisphere,simple_group,celltype\n11,a,1,left,KC,KCs\n22,b,2,right,MBON,MBONs\n33,c,3,,,\n"
    (folder / "nodes.csv").write_text(nodes)
    (folder / "edges.csv").write_text("11,22,5\n22,11,3\n22,33,7\n33,11,2\n")
    return folder


def test_the_larva_as_nodes_beside_a_headerless_list(tmp_path):
    read = read_connectome(winding(tmp_path))
    assert read.names.tolist() in (["11", "22", "33"], ["a", "b", "c"])
    np.testing.assert_array_equal(read.dense(), [[0, 3, 2], [5, 0, 0], [0, 7, 0]])
    assert read.labels["side"].tolist() == ["left", "right", "unknown"]
    assert read.labels["type"].tolist() == ["KCs", "MBONs", "unknown"]
    assert read.labels["super_class"].tolist() == ["KC", "MBON", "unknown"]


def test_the_larva_s_kinds_of_edges_in_several_files_are_a_question(tmp_path):
    for kind in ("aa", "ad", "da", "dd"):
        (tmp_path / f"{kind}_connectivity_matrix.csv").write_text(",1,2\n1,0,3\n2,4,0\n")
    with pytest.raises(FormatError, match=r"aa_connectivity_matrix\.csv.*dd_connectivity_matrix\.csv"):
        read_connectome(tmp_path)
    assert read_connectome(tmp_path / "ad_connectivity_matrix.csv", options=Options()).n == 2
