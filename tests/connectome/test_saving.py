"""Saved networks: read back by RandomNet to the same bits, and by scipy, pandas and networkx to the same edges."""

import csv
import dataclasses
import errno
import json
import os

import numpy as np
import pytest

from randomnet.connectome import Connectome, from_dense, save, saving
from randomnet.formats import FormatError, Options, parts_of, read_connectome, recognise
from randomnet.formats.matrices.reading import read_matrix

ENDINGS = (".npz", ".parquet", ".csv", ".graphml")
NASTY = ("plain", "with space ", " leads", 'say "no"', "a,b;c", "<tag> & more", "naïve Ω", "line\nbreak", "007", "3.0",
         "nan", "x\ty\r\nz")  # fmt: skip


def made(seed=0, n=12):
    """A network with autapses, edges of weight 0, neurons without edges, texts of all sorts and unknown positions."""
    rng = np.random.default_rng(seed)
    present = rng.random((n, n)) < 0.3
    present[-1] = present[:, -1] = False
    post, pre = np.nonzero(present)
    weights = rng.lognormal(sigma=9, size=len(post)) * np.where(rng.random(n) < 0.6, 1, -1)[pre]
    weights[0], weights[1] = 0.0, np.nextafter(1.0, 2.0)
    positions = rng.normal(size=(n, 3))
    positions[2] = np.nan
    labels = {"type": np.array(NASTY[:n][::-1]), "neurotransmitter": rng.choice(["gaba", ""], n),
              "data": np.array(NASTY[:n]), "id": rng.choice(["L", "R"], n),
              "Cell Type/2": rng.choice(["a", "b"], n)}  # fmt: skip
    notes = {"source": "made", "synthetic": True, "g": 2.5, "null": "degree", "files": {"a.csv": "0" * 64},
             "residual": {"excitatory": np.float64(0.1)}}  # fmt: skip
    return Connectome("made up", post, pre, weights, np.array(NASTY[:n]), labels, notes, positions,
                      rng.normal(size=n), rng.normal(size=n))  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("seed", range(3))
def test_a_saved_network_is_read_back_bit_by_bit(tmp_path, ending, seed):
    network = made(seed)
    path = tmp_path / f"one{ending}"
    assert network.save(path)[0] == path
    assert recognise(path).format == "saved"
    again = read_connectome(path)
    assert again.sha256() == network.sha256() and again.name == network.name
    for name in ("post", "pre", "weights", "names", "positions", "drive", "initial", "signs"):
        one, other = getattr(network, name), getattr(again, name)
        assert one.dtype.kind == other.dtype.kind and one.tobytes() == other.astype(one.dtype).tobytes(), name
    assert list(again.labels) == list(network.labels)
    for kind, texts in network.labels.items():
        assert again.labels[kind].tolist() == texts.tolist()
    told = again.provenance
    assert told["synthetic"] is True and told["saved"]["files"] == {"a.csv": "0" * 64}
    assert told["source"] == "made, saved by RandomNet (null = degree, g = 2.5)"
    assert told["sign_policy"] == "as in the file"
    assert "changed_after_saving" not in told and "null" not in told
    assert {part.place.rpartition(", ")[2] for part in parts_of(told)} >= {"edges", *network.labels, "positions"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_network_without_labels_and_edges_between_all_is_read_back(tmp_path, ending):
    network = from_dense("m", np.array([[0, -1.0], [2, 0]]), np.array(["a", "b"]), provenance={"synthetic": False})
    save(network, tmp_path / f"m{ending}")
    again = read_connectome(tmp_path / f"m{ending}")
    assert again.sha256() == network.sha256() and again.positions is None and not again.labels


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_network_without_edges_is_read_back(tmp_path, ending):
    network = from_dense("none", np.zeros((3, 3)), np.array(list("abc")), {"type": np.array(list("uvw"))})
    save(network, tmp_path / f"m{ending}")
    assert read_connectome(tmp_path / f"m{ending}").sha256() == network.sha256()


def test_npz_is_scipys_matrix_with_presynaptic_rows(tmp_path):
    from scipy import sparse

    network = made()
    save(network, tmp_path / "m.npz")
    matrix = sparse.load_npz(tmp_path / "m.npz")
    assert matrix.nnz == len(network.weights) and np.array_equal(matrix.toarray().T, network.dense())
    with np.load(tmp_path / "m.npz", allow_pickle=False) as archive:
        assert archive["type"].tolist() == network.labels["type"].tolist()
        assert archive["label_data"].tolist() == network.labels["data"].tolist()
        told = json.loads(str(archive["randomnet"]))
    assert told["rows"].startswith("source") and told["sha256"] == network.sha256() and "final" in told["weights"]


def test_npz_is_a_matrix_for_the_reader_of_matrices_too(tmp_path):
    network = made()
    save(network, tmp_path / "m.npz")
    again = read_matrix(tmp_path / "m.npz", Options(drop_autapses=False))
    assert again.names.tolist() == [name.strip() for name in network.names.tolist()]
    assert np.array_equal(again.dense(), network.dense())


def test_parquet_and_csv_are_tables_for_pandas(tmp_path):
    import pandas as pd

    network = made()
    expected = list(zip(network.names[network.pre], network.names[network.post], network.weights, strict=True))
    save(network, tmp_path / "e.parquet")
    table = pd.read_parquet(tmp_path / "e.parquet")
    assert list(table.columns) == ["pre", "post", "weight"]
    assert list(table.astype({"pre": str, "post": str}).itertuples(index=False, name=None)) == expected
    written = save(network, tmp_path / "e.csv")
    assert [path.name for path in written] == ["e.csv", "e_neurons.csv", "e_about.json"]
    table = pd.read_csv(tmp_path / "e.csv", dtype=str, keep_default_na=False)
    assert [(pre, post, float(weight)) for pre, post, weight in table.itertuples(index=False)] == expected
    neurons = pd.read_csv(tmp_path / "e_neurons.csv", keep_default_na=False)
    assert neurons["id"].tolist() == network.names.tolist()
    assert neurons["Cell Type/2"].tolist() == network.labels["Cell Type/2"].tolist()


def test_graphml_is_a_graph_for_networkx(tmp_path):
    networkx = pytest.importorskip("networkx")
    network = made()
    save(network, tmp_path / "g.graphml")
    graph = networkx.read_graphml(tmp_path / "g.graphml")
    assert list(graph.nodes) == network.names.tolist() and graph.is_directed()
    edges = {(one, other): weight for one, other, weight in graph.edges(data="weight")}
    ends = zip(network.names[network.pre].tolist(), network.names[network.post].tolist(), strict=True)
    assert edges == dict(zip(ends, network.weights.tolist(), strict=True))
    types = networkx.get_node_attributes(graph, "type")
    assert list(types.values()) == network.labels["type"].tolist()
    assert networkx.get_node_attributes(graph, "x")["plain"] == network.positions[0, 0]
    assert "with space " not in {node for node, data in graph.nodes(data=True) if "x" not in data}
    assert json.loads(graph.graph["randomnet"])["sha256"] == network.sha256()


# ---- what is refused


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_existing_file_is_never_overwritten(tmp_path, ending):
    path = tmp_path / f"one{ending}"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="expected a new file, got one that is there"):
        save(made(), path)
    assert path.read_text() == "mine" and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_beside_a_csv_is_not_overwritten_either(tmp_path):
    (tmp_path / "e_neurons.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"e_neurons\.csv: expected a new file"):
        save(made(), tmp_path / "e.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["e_neurons.csv"]


@pytest.mark.parametrize("name", ["m.mat", "m", "m.npz.gz", "m.json"])
def test_an_unknown_ending_is_told_with_those_there_are(tmp_path, name):
    with pytest.raises(ValueError, match=r"expected a name that ends in \.npz, \.parquet, \.csv, \.graphml, got"):
        save(made(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_leaves_no_file(tmp_path, ending, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(saving.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(made(), tmp_path / f"m{ending}")
    assert not list(tmp_path.iterdir())


def test_names_that_are_equal_and_texts_that_xml_cannot_hold_are_refused(tmp_path):
    network = made()
    equal = dataclasses.replace(network, names=np.array(["a"] * network.n))
    with pytest.raises(ValueError, match="expected neurons of different names, got 'a' twice"):
        save(equal, tmp_path / "m.npz")
    control = dataclasses.replace(network, labels={"type": np.array(["\x01"] * network.n)})
    with pytest.raises(ValueError, match="without control characters"):
        save(control, tmp_path / "m.graphml")
    assert not list(tmp_path.iterdir())


# ---- saved files that were changed


def test_a_changed_file_is_read_as_it_is_and_said_to_be_changed(tmp_path):
    save(made(), tmp_path / "e.csv")
    rows = list(csv.reader((tmp_path / "e.csv").open(newline="")))
    rows[3][2] = "17.25"
    with (tmp_path / "e.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    again = read_connectome(tmp_path / "e.csv")
    assert 17.25 in again.weights and again.provenance["changed_after_saving"] is True
    assert "was changed after it was saved" in parts_of(again.provenance)[0].note


def test_an_edge_of_an_unknown_neuron_in_parquet_is_one_line(tmp_path):
    import pyarrow.parquet

    save(made(), tmp_path / "e.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "e.parquet")
    column = pyarrow.array(["nobody", *table.column("pre").to_pylist()[1:]])
    pyarrow.parquet.write_table(table.set_column(0, "pre", column), tmp_path / "e.parquet")
    with pytest.raises(FormatError, match=r"e\.parquet: expected edges between its neurons, got 'nobody'"):
        read_connectome(tmp_path / "e.parquet")


@pytest.mark.parametrize("ending, change", [
    (".csv", lambda text: text.replace("\nplain,", "\nnobody,", 1)),
    (".csv", lambda text: text + "a,b\n"),
    (".graphml", lambda text: text.replace('source="plain"', 'source="nobody"', 1)),
    (".graphml", lambda text: text[: len(text) // 2]),
    (".graphml", lambda text: text.replace("<graphml ", "<!DOCTYPE a [<!ENTITY b 'c'>]><graphml ", 1)),
])  # fmt: skip
def test_a_damaged_file_is_one_line(tmp_path, ending, change):
    path = tmp_path / f"e{ending}"
    save(made(), path)
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    with pytest.raises(FormatError) as error:
        read_connectome(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("option", [{"sign_policy": "none"}, {"rows": "target"}, {"min_synapses": 2}, {"roi": "EB"}])
def test_options_that_a_saved_network_does_not_read_are_refused(tmp_path, option):
    save(made(), tmp_path / "m.npz")
    with pytest.raises(FormatError, match="its weights are final"):
        read_connectome(tmp_path / "m.npz", options=Options(**option))
