"""Flat files of male CNS, BANC and MANC, made by the tests: which rows are neurons, labels, signs, what is left out."""

import gzip
import io

import numpy as np
import pytest

from randomnet.formats import FORMATS, FormatError, Options, read_connectome, recognise
from randomnet.formats.contents import parts_of

pa = pytest.importorskip("pyarrow", reason="the flat files are feather files, which pyarrow reads")
from pyarrow import csv, feather, parquet  # noqa: E402

ROOT_ID = 720575941000000001  # no float of 64 bits is this number


def write(path, columns, form="feather"):
    """A table as a file of one of several forms."""
    table = pa.table(columns)
    if form == "feather":
        feather.write_feather(table, path.with_suffix(".feather"), chunksize=3)
    elif form == "parquet":
        parquet.write_table(table, path.with_suffix(".parquet"), row_group_size=3)
    else:
        text = io.BytesIO()
        csv.write_csv(table, text)
        path.with_suffix(".csv.gz").write_bytes(gzip.compress(text.getvalue()))


def malecns(folder, form="feather", edges=None, **annotations):
    """Neurons 11 to 14 and the bodies 90 to 92 without a super-class; edges also of these and of fragments."""
    folder.mkdir(exist_ok=True)
    columns = {
        "bodyId": [13, 90, 11, 12, 91, 14, 92],
        "status": ["Traced"] * 7,
        "superclass": ["cb_intrinsic", None, "ol_sensory", "vnc_motor", "", "cb_intrinsic", None],
        "class": ["Kenyon_Cell", "x", None, "leg", "x", "", "x"],
        "subclass": [None] * 7,
        "type": ["KCg-m", "x", "R1-6", None, "x", "T4a", "x"],
        "somaSide": ["L", "x", None, "R", "x", "M", "x"],
        "rootSide": [None, "x", "R", "L", "x", None, "x"],
        "somaNeuromere": [None, "x", None, "T1", "x", None, "x"],
        "itoleeHl": ["MBp1", "x", None, None, "x", "", "x"],
        "trumanHl": ["never", "x", None, "03A", "x", None, "x"],
        "vfbId": ["a"] * 7,
        **annotations,
    }
    write(folder / "annotations", {name: _nullable(values) for name, values in columns.items()}, form)
    nt = {"body": [11, 12, 13, 90, 5], "predicted_nt": ["gaba"] * 5}
    nt |= {"consensus_nt": ["histamine", "glutamate", "dopamine", "gaba", "gaba"]}
    write(folder / "nt", nt, form)
    edges = edges or [(11, 12, 3), (11, 5, 9), (12, 13, 4), (13, 14, 5), (90, 91, 7), (14, 12, 6), (6, 11, 8),
                      (11, 12, 2), (12, 12, 1), (91, 11, 10)]  # fmt: skip
    pre, post, weight = zip(*edges, strict=True)
    write(folder / "weights", {"body_pre": pre, "body_post": post, "weight": pa.array(weight, pa.int32())}, form)
    return folder


def _nullable(values):
    return pa.array(values, pa.string()) if isinstance(values[0], str | None) else values


def meta(prefix, number=6):
    ids = [str(ROOT_ID + row) for row in range(number)]
    return {
        f"{prefix}_id": ids,
        "super_class": ["sensory", "motor", "glia", None, "trachea", "ascending"],
        "cell_class": pa.array(["a", None, "b", "c", "c", "c"]).dictionary_encode(),
        "cell_sub_class": ["s"] * 6,
        "cell_type": ["KCab", "MN1", None, "AN1", "x", "AN2"],
        "side": ["left", "right", "left", "center", "left", None],
        "hemilineage": ["03A"] * 6,
        "region": ["central_brain", "ventral_nerve_cord", "x", None, "x", "neck"],
        "neurotransmitter_predicted": ["dopamine", "ACh", "gaba", "gaba", "gaba", "unclear"],
        "neurotransmitter_score": [0.5] * 6,
        "notes": [None] * 6,
    }


def banc(folder, form="feather"):
    folder.mkdir(exist_ok=True)
    flags = {"proofread": ["TRUE", "FALSE", "TRUE", "TRUE", "TRUE", None],
             "roughly_proofread": ["FALSE", "TRUE", "TRUE", None, "TRUE", "FALSE"]}  # fmt: skip
    write(folder / "meta", meta("banc_888") | flags, form)
    edges(folder, ["norm", "post_count", "pre_count"], form)
    return folder


def manc(folder, form="feather"):
    folder.mkdir(exist_ok=True)
    write(folder / "meta", meta("manc_121"), form)
    edges(folder, ["norm", "total_input"], form)
    return folder


def edges(folder, more, form):
    """From each row of the meta table to the next with 1, 2, ... synapses, and one of an unlisted root."""
    pre = np.append(np.arange(6), 6)
    columns = {"pre": [str(ROOT_ID + row) for row in pre], "post": [str(ROOT_ID + row) for row in (pre + 1) % 6],
               "count": np.arange(1.0, 8.0), **{name: np.full(7, 0.5) for name in more}}  # fmt: skip
    write(folder / "edges", columns, form)


def weights(connectome):
    names = connectome.names.tolist()
    return {(names[pre], names[post]): weight for pre, post, weight in
            zip(connectome.pre, connectome.post, connectome.weights.tolist(), strict=True)}  # fmt: skip


def notes(connectome):
    return {part.place: (part.use, part.note) for part in parts_of(connectome.provenance)}


# ---- male CNS


@pytest.mark.parametrize("form", ["feather", "parquet", "csv"])
def test_male_cns(tmp_path, form):
    read = read_connectome(malecns(tmp_path / "m", form))
    assert read.provenance["format"] == "malecns"
    assert read.names.tolist() == ["13", "11", "12", "14"]  # in the order of the table
    # histamine (11) and glutamate (12) inhibit; the Kenyon cell (13) excites; 14 is not in the table of transmitters
    assert weights(read) == {("11", "12"): -5, ("12", "13"): -4, ("13", "14"): 5, ("14", "12"): 6}
    assert {kind: labels.tolist() for kind, labels in read.labels.items()} == {
        "type": ["KCg-m", "R1-6", "unknown", "T4a"],
        "class": ["Kenyon_Cell", "unknown", "leg", "unknown"],
        "sub_class": ["unknown"] * 4,
        "super_class": ["cb_intrinsic", "ol_sensory", "vnc_motor", "cb_intrinsic"],
        "side": ["left", "right", "right", "center"],
        "hemilineage": ["MBp1", "unknown", "03A", "unknown"],
        "neuromere": ["unknown", "unknown", "T1", "unknown"],
        "neurotransmitter": ["acetylcholine", "histamine", "glutamate", "unknown"],
    }


def test_male_cns_with_unsigned_ids_and_large_or_repeated_texts_is_the_same(tmp_path):
    plain = malecns(tmp_path / "m")
    other = tmp_path / "o"
    other.mkdir()
    for path in plain.iterdir():
        table = feather.read_table(path, memory_map=False)
        for place, field in enumerate(table.schema):
            column = table.column(place)
            if pa.types.is_integer(field.type) and field.name != "weight":
                column = column.cast(pa.uint64())
            elif pa.types.is_string(field.type):
                column = column.cast(pa.large_string())
                column = column.dictionary_encode() if field.name == "superclass" else column
            table = table.set_column(place, field.name, column)
        feather.write_feather(table, other / path.name, chunksize=2)
    assert read_connectome(other).sha256() == read_connectome(plain).sha256()


def test_what_male_cns_leaves_is_counted_and_named(tmp_path):
    read = read_connectome(malecns(tmp_path / "m"))
    assert {key: read.provenance[key] for key in ("rows_read", "autapses_dropped", "duplicates_summed")} == {
        "rows_read": 10, "autapses_dropped": 1, "duplicates_summed": 1,
    }  # fmt: skip
    assert read.provenance["rows_of_other_bodies_dropped"] == 4
    assert read.provenance["synapses_of_other_bodies_dropped"] == 9 + 7 + 8 + 10
    assert sorted(read.provenance["files"]) == ["annotations.feather", "nt.feather", "weights.feather"]
    parts = notes(read)
    assert parts["annotations.feather, 4 rows"] == ("neurons", "of 7")
    assert parts["annotations.feather, 3 rows"] == ("not used", "no neurons: superclass is empty")
    assert parts["annotations.feather, 2 further columns"] == ("not used", "status, vfbId")
    assert parts["nt.feather, column consensus_nt"] == ("transmitter of the neuron", "1 of 4 neurons have none")
    assert parts["nt.feather, 1 further column"] == ("not used", "predicted_nt")
    assert parts["weights.feather, 6 rows"] == ("edges", "of 10")
    left = parts["weights.feather, 4 rows"]
    assert left == ("not used", "an end is no neuron of male CNS: 34 of 55 synapses")


def test_the_threshold_is_of_pairs_after_summing(tmp_path):
    read = read_connectome(malecns(tmp_path / "m"), options=Options(min_synapses=5))
    assert weights(read) == {("11", "12"): -5, ("13", "14"): 5, ("14", "12"): 6}
    assert read.provenance["pairs_below_min_synapses"] == 1


@pytest.mark.parametrize("name", ["weights.feather", "annotations.feather"])
def test_one_file_brings_those_beside_it(tmp_path, name):
    whole = read_connectome(malecns(tmp_path / "m"))
    assert read_connectome(tmp_path / "m" / name).sha256() == whole.sha256()


def test_edges_without_their_neurons_are_a_list_of_edges(tmp_path):
    folder = malecns(tmp_path / "m")
    (folder / "annotations.feather").unlink()
    assert recognise(folder / "weights.feather").format == "edge_list"


def test_many_rows_are_those_of_a_plain_sum(tmp_path):
    """Random bodies, most of them no neurons, against pandas' merge and sum."""
    import pandas as pd

    rng = np.random.default_rng(7)
    bodies = 10_000_000 + rng.choice(1 << 40, 400, replace=False)
    bodies[200:220] = bodies[:20] + (1 << 24)  # other bodies with the same low bits as neurons
    bodies[20:40] = bodies[40:60] + (1 << 24)  # and neurons with those of other neurons
    neurons = bodies[:200]
    rows = pd.DataFrame({"pre": rng.choice(bodies, 10_000), "post": rng.choice(bodies, 10_000)})
    rows["weight"] = rng.integers(1, 9, len(rows))
    text = {name: ["a"] * 200 for name in ("superclass", "class", "subclass", "type", "somaSide", "rootSide", "vfbId",
                                           "status", "somaNeuromere", "itoleeHl", "trumanHl")}  # fmt: skip
    folder = malecns(tmp_path / "m", edges=rows.to_numpy().tolist(), **{"bodyId": neurons.tolist(), **text})
    read = read_connectome(folder, options=Options(sign_policy="none"))
    inside = rows[rows.pre.isin(neurons) & rows.post.isin(neurons) & (rows.pre != rows.post)]
    expected = inside.groupby(["pre", "post"])["weight"].sum()
    assert weights(read) == {(str(pre), str(post)): count for (pre, post), count in expected.items()}
    known = rows.pre.isin(neurons) & rows.post.isin(neurons)
    assert read.provenance["synapses_of_other_bodies_dropped"] == rows.weight[~known].sum()


# ---- BANC and MANC


@pytest.mark.parametrize("form", ["feather", "parquet", "csv"])
def test_banc(tmp_path, form):
    read = read_connectome(banc(tmp_path / "b", form))
    first, second, fourth = (str(ROOT_ID + row) for row in (0, 1, 3))
    assert read.provenance["format"] == "banc" and read.names.tolist() == [first, second, fourth]
    assert weights(read) == {(first, second): 1}  # 3 projects to 4, a trachea
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "acetylcholine", "gaba"]  # a Kenyon cell
    assert read.labels["super_class"].tolist() == ["sensory", "motor", "unknown"]
    assert read.labels["region"].tolist() == ["central_brain", "ventral_nerve_cord", "unknown"]
    assert read.labels["class"].tolist() == ["a", "unknown", "c"]
    assert notes(read)["meta" + {"csv": ".csv.gz"}.get(form, f".{form}") + ", 3 rows"] == ("neurons", "of 6")


def test_what_banc_leaves_is_named_once_each(tmp_path):
    read = read_connectome(banc(tmp_path / "b"))
    why = [part.note for part in parts_of(read.provenance) if not part.is_used]
    assert why == [
        "no neurons: super_class is glia",
        "no neurons: super_class is trachea",
        "no neurons: not proofread or roughly_proofread",
        "neurotransmitter_score, notes",
        "an end is no neuron of BANC: 27 of 28 synapses",
        "norm, post_count, pre_count",
    ]
    counts = {"super_class is glia": 1, "super_class is trachea": 1, "not proofread or roughly_proofread": 1}
    assert read.provenance["no_neurons"] == counts


@pytest.mark.parametrize("form", ["feather", "parquet", "csv"])
def test_manc(tmp_path, form):
    read = read_connectome(manc(tmp_path / "m", form))
    names = [str(ROOT_ID + row) for row in (0, 1, 3, 5)]
    assert read.provenance["format"] == "manc" and read.names.tolist() == names
    assert weights(read) == {(names[0], names[1]): 1, (names[3], names[0]): 6}
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "acetylcholine", "gaba", "unknown"]


def test_two_datasets_in_one_folder_are_told_apart(tmp_path):
    banc(tmp_path / "x")
    for path in list((tmp_path / "x").iterdir()):
        path.rename(path.with_name(f"banc_{path.name}"))
    manc(tmp_path / "x")
    assert read_connectome(tmp_path / "x", "manc").n == 4
    assert read_connectome(tmp_path / "x", "banc").n == 3


# ---- what is wrong


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"bodyId": [13, 90, 11, 12, 91, 13, 92]}, "row 7, column bodyId: expected different ids, got 13 twice"),
        ({"superclass": [None] * 7}, "expected a neuron of male CNS, got none among 7 rows"),
        ({"bodyId": ["13", "90", "11", "x", "91", "14", "92"]}, "row 5, column bodyId: expected an id .* got 'x'"),
    ],
)
def test_wrong_neurons(tmp_path, change, text):
    with pytest.raises(FormatError, match=text) as caught:
        read_connectome(malecns(tmp_path / "m", **change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"body_pre": [11, 12, 13, 13], "body_post": [12, 13, 14, 11], "weight": [1, 2, -3, 1]},
         "row 4, column weight: expected a count >= 0 as a whole number, got -3"),
        ({"body_pre": [11, 12, 13, 14], "body_post": [12, 13, 14, None], "weight": [1, 2, 3, 4]},
         "row 5, column body_post: expected an id as a whole number of 64 bits, got an empty cell"),
        ({"body_pre": ["11", "12", "1e3", "14"], "body_post": [12, 13, 14, 11], "weight": [1, 2, 3, 4]},
         "row 4, column body_pre: expected an id as a whole number of 64 bits, got '1e3'"),
        ({"body_pre": [11.0, 12.0], "body_post": [12, 13], "weight": [1, 2]},
         "row 2, column body_pre: expected an id as a whole number of 64 bits, got 11.0"),
        ({"body_pre": [11, 12], "body_post": [12, 13], "weight": [1.0, 2.5]},
         "row 3, column weight: expected a count >= 0 as a whole number, got 2.5"),
        ({"body_pre": [1, 2], "body_post": [12, 13], "weight": [1, 2]}, "expected a connection with at least 1"),
    ],
)  # fmt: skip
def test_wrong_edges(tmp_path, columns, text):
    folder = malecns(tmp_path / "m")
    write(folder / "weights", columns)
    with pytest.raises(FormatError, match=text) as caught:
        read_connectome(folder)
    assert "\n" not in str(caught.value)


def test_a_damaged_file(tmp_path):
    path = malecns(tmp_path / "m") / "weights.feather"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError, match=r"weights\.feather: expected a feather file, got one that is damaged"):
        read_connectome(tmp_path / "m")


def test_edges_have_no_roi(tmp_path):
    text = r"expected roi = all, as the edges of male CNS have no ROI \(.*neuromere.*\), got 'EB'"
    with pytest.raises(FormatError, match=text):
        read_connectome(malecns(tmp_path / "m"), options=Options(roi="EB"))


def test_two_tables_of_edges_are_a_question(tmp_path):
    folder = banc(tmp_path / "b")
    (folder / "edges_v2.feather").write_bytes((folder / "edges.feather").read_bytes())
    text = "expected one table of edges of BANC, got 2: edges.feather, edges_v2.feather; name one file"
    with pytest.raises(FormatError, match=text):
        read_connectome(folder)
    assert read_connectome(folder / "edges_v2.feather").n == 3


def test_signs_need_transmitters(tmp_path):
    folder = malecns(tmp_path / "m")
    (folder / "nt.feather").unlink()
    with pytest.raises(FormatError, match="expected a table with columns body, consensus_nt, got none"):
        read_connectome(folder, options=Options(sign_policy="shiu"))
    assert set(read_connectome(folder).signs.tolist()) <= {0, 1}


def test_without_pyarrow_it_is_asked_for(tmp_path, monkeypatch):
    from randomnet.formats.tables import arrow

    folder = malecns(tmp_path / "m")
    monkeypatch.setattr(arrow, "installed", lambda: False)
    with pytest.raises(FormatError, match="expected pyarrow to read this feather file, got none installed"):
        recognise(folder)


def test_every_dataset_is_a_row():
    from randomnet.formats.flat_connectomes import DATASETS

    assert set(DATASETS) <= set(FORMATS)
