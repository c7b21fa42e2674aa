"""Labels of neurons beside a matrix: [net] labels, a folder with both, and what of a table becomes a label."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from randomnet.build.connectome import connectome_of
from randomnet.formats import NOT_USED, FormatError, Options, parts_of, read_connectome, recognise
from randomnet.formats.tables import arrow
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError

W = np.array([[0, 2, 0, 1], [0, 0, 3, 0], [4, 0, 0, 0], [0, 7, 0, 0]])
SIGNED = W * np.array([[1], [-1], [1], [1]])
NAMES = ["A", "B", "C", "D"]
TYPES = pd.DataFrame({"name": NAMES, "type": ["E", "PV", "E", "E"], "nt": ["ach", "gaba", "ach", "ach"]})


@pytest.fixture
def bare(tmp_path):
    """A matrix without names."""
    np.save(tmp_path / "m.npy", W)
    return tmp_path / "m.npy"


@pytest.fixture
def named(tmp_path):
    """A matrix with names."""
    pd.DataFrame(W, NAMES, NAMES).to_csv(tmp_path / "m.csv")
    return tmp_path / "m.csv"


def labelled(path, table, name="types.csv", **options):
    """The network at a path with a table of labels, written beside it."""
    file = path.parent / name
    if isinstance(table, pd.DataFrame):
        table.to_csv(file, index=False, sep="\t" if name.endswith("tsv") else ",")
    else:
        file.write_text(table)
    return read_connectome(path, options=Options(labels=str(file), **options))


def refused(path, table, text, name="types.csv"):
    with pytest.raises(FormatError, match=text) as caught:
        labelled(path, table, name)
    message = str(caught.value)
    assert message.startswith("[net] labels: ") and "\n" not in message and len(message) < 400


@pytest.mark.parametrize("name", ["types.csv", "types.tsv"])
def test_labels_by_row_name_the_neurons(bare, name):
    """Transmitters of the labels give signs to a matrix that has none."""
    connectome = labelled(bare, TYPES, name)
    assert connectome.names.tolist() == NAMES
    assert connectome.labels["type"].tolist() == ["E", "PV", "E", "E"]
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert connectome.provenance["sign_policy"] == "shiu"
    assert {*connectome.provenance["files"]} == {"m.npy", name}
    parts = {part.place: part.use for part in parts_of(connectome.provenance)}
    assert parts[f"{name}, column name"] == "names of neurons" and parts[f"{name}, column type"] == "label type"


def test_labels_by_id_in_any_order(named):
    """More rows than neurons, and neurons without a row, are counted."""
    table = pd.concat([TYPES.iloc[[2, 0, 1]], pd.DataFrame({"name": ["X"], "type": ["T"], "nt": ["ach"]})])
    connectome = labelled(named, table)
    assert connectome.names.tolist() == NAMES and connectome.labels["type"].tolist() == ["E", "PV", "E", "unknown"]
    note = next(part.note for part in parts_of(connectome.provenance) if part.use == "ids of neurons")
    assert "3 of 4 neurons have a row" in note and "1 rows are of no neuron" in note


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_of_neurons_that_have_no_names(bare, first):
    table = TYPES.assign(index=np.arange(first, first + 4)).drop(columns="name").iloc[[3, 1, 0, 2]]
    connectome = labelled(bare, table)
    assert connectome.labels["type"].tolist() == ["E", "PV", "E", "E"]
    assert connectome.names.tolist() == ["neuron0", "neuron1", "neuron2", "neuron3"]
    bare.with_suffix(".csv").write_text("\n".join(",".join(map(str, row)) for row in W) + "\n")
    assert labelled(bare.with_suffix(".csv"), table).labels["type"].tolist() == ["E", "PV", "E", "E"]


def test_a_sparse_matrix_and_rows_without_ids(tmp_path):
    scipy.sparse.save_npz(tmp_path / "m.npz", scipy.sparse.csr_array(W))
    connectome = labelled(tmp_path / "m.npz", TYPES[["type"]])
    assert connectome.labels["type"].tolist() == ["E", "PV", "E", "E"] and connectome.provenance["format"] == "sparse"


def test_one_text_per_line_is_names_or_labels(bare):
    """A header is one line more than neurons."""
    assert labelled(bare, "left_A\nleft_B\nright_A\nright_B\n", "regions.txt").names[2] == "right_A"
    assert labelled(bare, "E\nPV\nE\nE\n", "cells.txt").labels["cells"].tolist() == ["E", "PV", "E", "E"]
    assert labelled(bare, "subtype\nE\nPV\nE\nE\n", "cells.txt").labels["subtype"].tolist() == ["E", "PV", "E", "E"]


def test_parquet_labels(bare):
    if not arrow.installed():
        pytest.skip("pyarrow is not installed")
    file = bare.parent / "types.parquet"
    TYPES.assign(depth=[1.5, None, 2.5, 3.5], cluster=[1.0, None, 1.0, 1.0]).to_parquet(file)
    connectome = read_connectome(bare, options=Options(labels=str(file)))
    assert connectome.labels["cluster"].tolist() == ["1", "unknown", "1", "1"] and "depth" not in connectome.labels
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)


def test_which_columns_are_labels(tmp_path):
    """Whole numbers that group neurons are labels, measurements are not; nothing is dropped in silence."""
    n = 12
    np.save(tmp_path / "m.npy", np.roll(np.eye(n), 1, 1))
    table = pd.DataFrame({
        "cell_type": [*"abcabcabcabc"], "Side": [*"LR"] * 6, "somaX": range(n), "somaY": range(n), "soma_z": range(n),
        "cluster": [1, 2, 3, 4] * 3, "degree": [*range(11), 10], "volume": np.linspace(0, 1, n), "empty": [""] * n,
        "Nerve": ["", "x"] * 6, "subtype": ["nan", "y"] * 6,
    })  # fmt: skip
    connectome = labelled(tmp_path / "m.npy", table)
    assert {*connectome.labels} == {"type", "side", "cluster", "Nerve", "subtype"}
    assert connectome.labels["cluster"].tolist() == [*"1234"] * 3
    assert connectome.labels["subtype"].tolist() == ["unknown", "y"] * 6
    np.testing.assert_array_equal(connectome.positions, np.arange(n)[:, None].repeat(3, 1))
    unused = {part.place for part in parts_of(connectome.provenance) if not part.is_used}
    assert unused == {f"types.csv, column {column}" for column in ("degree", "volume", "empty")}


def test_signs_of_entries_win(tmp_path):
    np.save(tmp_path / "m.npy", SIGNED)
    connectome = labelled(tmp_path / "m.npy", TYPES.assign(nt="gaba"))
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert any("negative entries" in part.note for part in parts_of(connectome.provenance))
    strict = labelled(tmp_path / "m.npy", TYPES.assign(nt="gaba"), sign_policy="strict")
    assert (strict.weights < 0).all()


def test_numbers_and_names_in_one_table(bare):
    """The numbers tell the rows, the names become those of the neurons."""
    connectome = labelled(bare, TYPES.assign(index=range(4)).iloc[::-1])
    assert connectome.names.tolist() == NAMES and connectome.labels["type"].tolist() == ["E", "PV", "E", "E"]


def test_zero_and_one_are_no_signs(bare):
    """0 may mean inhibitory or unknown, unless the column is named excitatory."""
    table = TYPES[["name"]].assign(ei=[1, 0, 1, 1])
    refused(bare, table, "column ei: expected signs 1 and -1, got 0 and 1 alone")
    np.testing.assert_array_equal(labelled(bare, table.rename(columns={"ei": "excitatory"})).dense(), SIGNED.T)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (TYPES.iloc[:3], r"types\.csv: expected one row for each of the 4 neurons of the network, got 3 rows$"),
        (TYPES.assign(name=[*"AABC"], sign=2), "column sign: expected a sign .*got '2'$"),
    ],
)
def test_labels_that_do_not_fit_a_bare_matrix(bare, table, text):
    refused(bare, table, text)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (TYPES.assign(name=[*"KLMN"]), r"expected ids of the network's 4 neurons, such as A, B, C, got K, L, M"),
        (TYPES.assign(name=[*"AABC"]), r"types\.csv, row 3, column name: expected one row per neuron, got 'A' twice$"),
        (TYPES.iloc[:3, 1:], "expected a column of ids .*, or one row for each of the 4 neurons, got 3"),
    ],
)
def test_labels_that_do_not_fit_a_named_matrix(named, table, text):
    refused(named, table, text)


def test_labels_that_are_no_file(bare, tmp_path):
    for labels, text in ((tmp_path / "none.csv", "got nothing of this name"), (tmp_path, "got a folder: name the file"),
                         (bare, "expected one table with a row per neuron .*, got none")):  # fmt: skip
        with pytest.raises(FormatError, match=rf"^\[net\] labels: .*{text}"):
            read_connectome(bare, options=Options(labels=str(labels)))


def test_a_folder_with_a_matrix_and_a_table(bare, tmp_path):
    """Both are used; [net] labels adds to them."""
    TYPES.to_csv(tmp_path / "neurons.csv", index=False)
    assert "neurons.csv" in recognise(tmp_path).sentence
    connectome = read_connectome(tmp_path)
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert connectome.names.tolist() == NAMES and connectome.labels["type"].tolist() == ["E", "PV", "E", "E"]
    (tmp_path / "other").mkdir()
    more = pd.DataFrame({"name": NAMES[::-1], "layer": ["L4", "L4", "L5", "L5"], "type": [*"dcba"]})
    more.to_csv(tmp_path / "other" / "more.csv", index=False)
    both = read_connectome(tmp_path, options=Options(labels=str(tmp_path / "other" / "more.csv")))
    assert both.labels["layer"].tolist() == ["L5", "L5", "L4", "L4"] and both.labels["type"].tolist() == [*"abcd"]
    assert any("more.csv replaces it" in part.note for part in parts_of(both.provenance))
    TYPES.to_csv(tmp_path / "again.csv", index=False)
    with pytest.raises(FormatError, match=r"got 3 files: again\.csv, m.npy, neurons.csv"):
        read_connectome(tmp_path)


def test_labels_from_an_ini_are_relative_as_the_network_is(bare, monkeypatch):
    TYPES.to_csv(bare.parent / "types.csv", index=False)
    monkeypatch.chdir(bare.parent)
    ini = bare.parent / "a.ini"
    ini.write_text("[experiment]\nkind = spectrum\n[paths]\npath_to_network = m.npy\n[net]\nlabels = types.csv\n")
    connectome = connectome_of(read_plan(ini, ()).combos[0].runs()[0])
    assert connectome.names.tolist() == NAMES and connectome.labels["type"].tolist() == ["E", "PV", "E", "E"]
    with pytest.raises(ConfigError, match=r"\[net\] labels: none\.csv: expected a table .*, got nothing of this name"):
        connectome_of(read_plan(ini, ("net.labels=none.csv",)).combos[0].runs()[0])


@pytest.mark.parametrize("kind", ["numbered", "named"])
def test_a_table_beside_a_matrix_is_named_as_not_used(tmp_path, kind):
    matrix = pd.DataFrame(np.arange(9).reshape(3, 3), list("ABC"), list("ABC"))
    path = tmp_path / ("m.npy" if kind == "numbered" else "m.csv")
    np.save(path, matrix) if kind == "numbered" else matrix.to_csv(path)
    (tmp_path / "types.csv").write_text("id,kind of cell,cell_nt\nA,x,GABA\nB,x,ACh\nC,y,ACh\n")
    (tmp_path / "edges.csv").write_text("id,pre,post,type\n1,A,B,x\n")
    unused = {part.place: part.note for part in parts_of(read_connectome(path).provenance) if part.use == NOT_USED}
    assert unused == {"types.csv": "beside the matrix; [net] labels = types.csv reads it"}
    read = read_connectome(path, options=Options(labels=tmp_path / "types.csv"))
    assert read.signs.tolist() == [-1, 1, 1] and read.names.tolist() == list("ABC")
