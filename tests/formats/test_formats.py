"""Readers of connectomes: the rules of the data formats, bad data of every kind, recognition, files of full size."""

import gzip
import io
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from randomnet import formats
from randomnet.formats import (
    FORMATS,
    NOT_USED,
    FormatError,
    Options,
    from_edges,
    parts_of,
    read_connectome,
    recognise,
    recognition,
)

BIG = 720575940612453042  # no float of 64 bits is this number
NEURONS = "bodyId,type,instance\n1,KCg,KCg_L\n2,PN,PN_R\n3,LH,LH\n4,,\n"
TOTAL = "bodyId_pre,bodyId_post,weight\n1,2,3\n2,3,5\n3,3,7\n3,1,1\n2,1,4\n"
PER_ROI = (
    "bodyId_pre,bodyId_post,roi,weight\n1,2,EB,1\n1,2,SLP(R),2\n2,3,EB,5\n3,3,EB,7\n3,1,b'L(R),1\n2,1,NotPrimary,4\n"
)
NT = "body,type,gaba,acetylcholine,glutamate,serotonin,octopamine,dopamine,neither,predicted_nt\n" \
    "1,KCg,0,.1,0,0,0,.9,0,dopamine\n2,PN,0.25,.75,0,0,0,0,0,acetylcholine\n3,LH,.8,0.1,.1,0,0,0,0,gaba\n" \
    "99,X,1,0,0,0,0,0,0,gaba\n"  # fmt: skip
PRE, POST = BIG, BIG + 2
CONNECTIONS = (
    "pre_root_id,post_root_id,neuropil,syn_count,nt_type\n"
    f"{PRE},{POST},EB,6,ACH\n{PRE},{POST},AL_R,5,ACH\n{POST},{PRE},AL_R,9,GABA\n{POST},{BIG + 4},AL_R,8,DA\n"
)
CODEX = "root_id,group,nt_type,nt_type_score,da_avg,ser_avg,gaba_avg,glut_avg,ach_avg,oct_avg\n" \
    f"{PRE},g,ACH,.9,0,0,0.1,0,0.9,0\n{POST},g,GABA,.9,,,,,,\n{BIG + 4},g,,,,,,,,\n"  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Writes files (name -> text, bytes or array) into a new folder and returns it; a name in .gz is compressed."""

    def write(**files):
        place = tmp_path / "data"
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            path = place / name.replace("__", ".").replace("_DASH_", "-")
            content = content.encode() if isinstance(content, str) else content
            path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return place

    return write


@pytest.fixture
def hemibrain(folder):
    """A folder in the layout of hemibrain v1.2; keywords replace or add files."""

    def write(**files):
        given = {"traced_DASH_neurons__csv": NEURONS, "totals__csv": TOTAL, "rois__csv": PER_ROI, **files}
        return folder(**{name: content for name, content in given.items() if content is not None})

    return write


def edges(connectome):
    """(pre, post) -> weight, by name."""
    names = connectome.names
    return {
        (names[pre], names[post]): weight
        for pre, post, weight in zip(connectome.pre, connectome.post, connectome.weights, strict=True)
    }


def saved(array, **arrays):
    """The bytes of a .npy, or of a .npz of `arrays`."""
    file = io.BytesIO()
    if arrays:
        np.savez(file, **arrays)
    else:
        np.save(file, array, allow_pickle=True)
    return file.getvalue()


def refused(path, text, source="auto", **options):
    with pytest.raises(FormatError, match=text) as caught:
        read_connectome(path, source, Options(**options))
    assert "\n" not in str(caught.value)


# ---- the rules


def test_two_neurons_point_from_column_to_row(folder):
    """J[post, pre]; the sign is of the presynaptic neuron."""
    read = read_connectome(folder(a__csv="pre,post,weight,sign\n7,5,3,-1\n") / "a.csv")
    assert read.names.tolist() == ["5", "7"]
    assert read.dense().tolist() == [[0, -3], [0, 0]] and read.signs.tolist() == [0, -1]


def test_hemibrain_whole(hemibrain):
    read = read_connectome(hemibrain())
    assert edges(read) == {("1", "2"): 3, ("2", "3"): 5, ("3", "1"): 1, ("2", "1"): 4}
    assert read.names.tolist() == ["1", "2", "3", "4"]
    assert read.labels["type"].tolist() == ["KCg", "PN", "LH", "unknown"]
    assert read.labels["side"].tolist() == ["left", "right", "unknown", "unknown"]
    notes = read.provenance
    assert (notes["autapses"], notes["autapses_dropped"], notes["format"]) == (1, 1, "hemibrain")
    assert sorted(notes["files"]) == ["totals.csv", "traced-neurons.csv"]
    assert all(len(digest) == 64 for digest in notes["files"].values())
    assert "ROI" in notes["found"]


def test_autapses_are_kept_when_asked(hemibrain):
    read = read_connectome(hemibrain(), options=Options(drop_autapses=False))
    assert edges(read)["3", "3"] == 7
    assert (read.provenance["autapses"], read.provenance["autapses_dropped"]) == (1, 0)


def test_the_sum_over_rois_is_the_total(hemibrain):
    whole = read_connectome(hemibrain())
    summed = read_connectome(hemibrain() / "rois.csv")
    assert edges(summed) == edges(whole) and summed.provenance["duplicates_summed"] == 1


@pytest.mark.parametrize(
    ("roi", "expected", "neurons"),
    [
        ("EB", {("1", "2"): 1, ("2", "3"): 5}, ["1", "2", "3"]),
        ("EB, SLP(R)", {("1", "2"): 3, ("2", "3"): 5}, ["1", "2", "3"]),
        ("b'L(R)", {("3", "1"): 1}, ["1", "3"]),
        ("NotPrimary", {("2", "1"): 4}, ["1", "2"]),
    ],
)
def test_hemibrain_rois(hemibrain, roi, expected, neurons):
    read = read_connectome(hemibrain(), options=Options(roi=roi))
    assert edges(read) == expected and read.names.tolist() == neurons
    assert read.provenance["neurons_without_edges_dropped"] == 4 - len(neurons)
    assert read.provenance["roi"] == roi


def test_the_threshold_is_per_pair_in_the_rois_asked_for(hemibrain):
    both = read_connectome(hemibrain(), options=Options(roi="EB,SLP(R)", min_synapses=3))
    one = read_connectome(hemibrain(), options=Options(roi="EB", min_synapses=3))
    assert ("1", "2") in edges(both) and ("1", "2") not in edges(one)
    assert one.provenance["pairs_below_min_synapses"] == 1 and "pair" in one.provenance["min_synapses_per"]


def test_the_archive_is_the_folder(hemibrain, tmp_path):
    """Read without unpacking; the checksum is the archive's; transmitters may lie beside it."""
    source = hemibrain(nt__csv=NT)
    with tarfile.open(tmp_path / "h.tar.gz", "w:gz") as tar:
        for path in source.iterdir():
            if path.name != "nt.csv":
                tar.add(path, f"exported/{path.name}")
    (tmp_path / "beside.csv").write_text(NT)
    for roi in ("", "EB"):
        options = Options(roi=roi)
        from_tar = read_connectome(tmp_path / "h.tar.gz", options=options)
        from_folder = read_connectome(source, options=options)
        assert from_tar.sha256() == from_folder.sha256()
        assert sorted(from_tar.provenance["files"]) == ["beside.csv", "h.tar.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside.csv", "data", "h.tar.gz"]


def test_flywire(folder):
    """Rows of one pair are summed; file names do not matter; 64 bits of the ids survive."""
    types = f"root_id,primary_type,additional_type(s)\n{PRE},ORN_DM1,\n"
    columns = "root_id,flow,super_class,class,sub_class,hemilineage,side,nerve"
    classes = f"{columns}\n{POST},intrinsic,central,x,,,left,\n"
    files = {"Neurons Data__csv__gz": CODEX, "c__csv": CONNECTIONS, "t__csv__gz": types, "k__csv": classes}
    read = read_connectome(folder(**files))
    assert read.provenance["format"] == "flywire"
    assert read.names.tolist() == [str(PRE), str(POST), str(BIG + 4)]
    assert edges(read) == {(str(PRE), str(POST)): 11, (str(POST), str(PRE)): -9, (str(POST), str(BIG + 4)): -8}
    assert read.labels["type"].tolist() == ["ORN_DM1", "unknown", "unknown"]
    assert read.labels["side"].tolist() == ["unknown", "left", "unknown"]
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "gaba", "unknown"]
    notes = read.provenance
    assert (notes["duplicates_summed"], notes["smallest_pair"], notes["rows_read"]) == (1, 8, 4)
    assert (notes["neurons_of_unknown_transmitter"], notes["synapses_of_unknown_transmitter"]) == (1, 0)


def test_flywire_positions(folder):
    """The mean of a neuron's rows; `labels.csv` has positions too, and is none of them."""
    rows = f"root_id,position,supervoxel_id\n{PRE},[1 2 3],7\n{POST},[  40 -5 0.5],7\n{PRE},[3 4 5],8\n1,[1 1 1],9\n"
    persons = f"root_id,label,user_id,position\n{PRE},x,9,[9 9 9]\n"
    read = read_connectome(folder(n__csv=CODEX, c__csv=CONNECTIONS, p__csv__gz=rows, l__csv=persons))
    np.testing.assert_array_equal(read.positions, [[2, 3, 4], [40, -5, 0.5], [np.nan] * 3])
    within = read_connectome(folder(), options=Options(roi="EB"))
    np.testing.assert_array_equal(within.positions, [[2, 3, 4], [40, -5, 0.5]])
    assert "p.csv.gz" in read.provenance["files"] and "l.csv" not in read.provenance["files"]
    for bad in ("[1 2]", "[1 2 x]", "[1 2 1e999]", ""):
        path = folder(p__csv__gz=rows.replace("[3 4 5]", bad))
        refused(path, r"p\.csv\.gz, row 4, column position: expected \[x y z\]")


def test_flywire_neuropil(folder):
    path = folder(n__csv=CODEX, c__csv=CONNECTIONS)
    read = read_connectome(path, options=Options(roi="EB"))
    assert edges(read) == {(str(PRE), str(POST)): 6} and read.n == 2
    text = r"c\.csv, column neuropil: expected a ROI that exists, got 'al_r'; there are AL_R, EB; did you mean 'AL_R'\?"
    refused(path, text, roi="al_r")


def test_flywire_without_neurons_takes_the_transmitter_of_most_synapses(folder):
    """POST makes 9 synapses as GABA and 8 as DA; the whole file decides, not the neuropil."""
    path = folder(c__csv=CONNECTIONS)
    for roi in ("", "AL_R"):
        read = read_connectome(path, options=Options(roi=roi))
        assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "gaba", "unknown"]


def test_flywire_without_neurons_lists_the_classified(folder):
    """The older classification, which has the types as well; an id that it lacks is an error."""
    columns = "root_id,flow,super_class,class,sub_class,cell_type,hemibrain_type,hemilineage,side,nerve\n"
    rows = "".join(f"{BIG + number},intrinsic,central,x,,KCab,,,right,\n" for number in (4, 6, 2, 0))
    read = read_connectome(folder(c__csv=CONNECTIONS, k__csv=columns + rows))
    assert read.names.tolist() == [str(BIG + number) for number in (4, 6, 2, 0)]
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine"] * 4
    assert (read.weights > 0).all() and read.provenance["kenyon_synapses_overridden"] == 17
    refused(folder(k__csv=columns + rows[: rows.rindex(str(BIG))]),
            rf"c\.csv, row 2, column pre_root_id: expected an id listed in .*k\.csv, got {BIG}")  # fmt: skip


def test_flywire_annotations_as_the_neurons(folder):
    """The TSV of flywire_annotations; where Codex's neurons lie beside it, they have the transmitters."""
    columns = "supervoxel_id\troot_id\tsuper_class\tcell_class\tcell_type\ttop_nt\tside"
    rows = f"1\t{POST}\tcentral\tx\tKCg\tdopamine\tleft\n2\t{PRE}\toptic\t\tPN\tglutamate\tright\n"
    annotations = f"{columns}\n{rows}3\t{BIG + 4}\t\t\t\t\t\n"
    read = read_connectome(folder(c__csv=CONNECTIONS, a__tsv=annotations))
    assert read.names.tolist() == [str(POST), str(PRE), str(BIG + 4)]
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "glutamate", "unknown"]
    assert read.labels["type"].tolist() == ["KCg", "PN", "unknown"]
    assert read.labels["class"].tolist() == ["x", "unknown", "unknown"]
    assert read.labels["super_class"].tolist() == ["central", "optic", "unknown"]
    assert read.provenance["kenyon_cells_overridden"] == 1
    both = read_connectome(folder(n__csv=CODEX))
    assert both.names.tolist() == [str(PRE), str(POST), str(BIG + 4)]
    assert both.labels["neurotransmitter"].tolist() == ["acetylcholine", "acetylcholine", "unknown"]
    assert both.labels["type"].tolist() == ["PN", "KCg", "unknown"]


def test_flywire_labels_come_from_codex_before_others(folder):
    """Classification, then the annotations, then any other table; which one is in the provenance."""
    codex = "root_id,flow,super_class,class,sub_class,hemilineage,side,nerve\n"
    codex += f"{PRE},intrinsic,central,x,,,left,\n"
    annotations = f"root_id\tsuper_class\tcell_class\tcell_type\ttop_nt\tside\n{PRE}\toptic\ty\tT1\tgaba\tright\n"
    visual = f"root_id,type,family,subsystem,category,side\n{PRE},T4a,T4,x,y,center\n"
    place = folder(n__csv=CODEX, c__csv=CONNECTIONS, a__tsv=annotations, k__csv=codex, b__csv=visual)
    read = read_connectome(place)
    found = [read.labels[label][0] for label in ("super_class", "class", "side", "type")]
    assert found == ["central", "x", "left", "T1"]
    assert read.provenance["labels_from"]["class"] == "k.csv, column class"
    (place / "k.csv").unlink()
    assert read_connectome(place).labels["side"][0] == "right"
    (place / "a.tsv").unlink()
    assert read_connectome(place).labels["side"][0] == "center"


def test_flywire_two_tables_of_connections(folder):
    path = folder(a__csv=CONNECTIONS, b__csv__gz=CONNECTIONS, n__csv=CODEX)
    refused(path, r"expected one table of connections, got 2: a\.csv, b\.csv\.gz; name one file")
    assert read_connectome(path / "b.csv.gz").labels["neurotransmitter"][1] == "gaba"


def test_neuprint_export(hemibrain):
    """The transmitter is a property of the neurons there."""
    neurons = "bodyId,type,instance,predictedNt\n1,A,A_L,gaba\n2,B,,ACH\n3,,,\n4,,,unclear\n"
    read = read_connectome(hemibrain(traced_DASH_neurons__csv=neurons))
    assert read.provenance["format"] == "neuprint_export"
    assert read.labels["neurotransmitter"].tolist() == ["gaba", "acetylcholine", "unknown", "unknown"]
    assert edges(read)["1", "2"] == -3


def test_one_table_of_bodies_without_neurons(folder):
    read = read_connectome(folder(a__csv=TOTAL) / "a.csv")
    assert read.names.tolist() == ["1", "2", "3"] and len(read.weights) == 4


# ---- signs


@pytest.mark.parametrize(
    ("policy", "signs"),
    [
        ("auto", [1, 1, -1]),
        ("shiu", [1, 1, -1]),
        ("strict", [1, 1, -1]),
        ("expected", [1, 0.5, -0.8]),
        ("none", [1, 1, 1]),
    ],
)
def test_sign_policies(hemibrain, policy, signs):
    read = read_connectome(hemibrain(nt__csv=NT), options=Options(sign_policy=policy))
    unsigned = read_connectome(hemibrain(), options=Options(sign_policy="none"))
    expected = unsigned.dense() * np.array([*signs, 1])
    np.testing.assert_allclose(read.dense(), expected)
    assert read.provenance["sign_policy"] == ("shiu" if policy == "auto" else policy)
    assert read.provenance["kenyon_cells_overridden"] == 1
    assert read.provenance["kenyon_synapses_overridden"] == 3
    assert read.labels["neurotransmitter"].tolist() == ["acetylcholine", "acetylcholine", "gaba", "unknown"]


def test_strict_reports_who_loses_its_output(hemibrain):
    neurons = NEURONS.replace("KCg", "APL")
    place = hemibrain(traced_DASH_neurons__csv=neurons, nt__csv=NT)
    read = read_connectome(place, options=Options(sign_policy="strict"))
    assert ("1", "2") not in edges(read) and len(read.weights) == 3
    notes = read.provenance
    assert (notes["neurons_without_sign"], notes["synapses_without_sign"]) == (2, 3)
    assert (notes["edges_without_sign_dropped"], notes["kenyon_cells_overridden"]) == (1, 0)


def test_kenyon_cells_by_their_class(folder):
    """As Codex's classification has them, whose neurons have no types."""
    columns = "root_id,flow,super_class,class,sub_class,hemilineage,side,nerve\n"
    for name in ("Kenyon_Cell", "kenyon cell"):
        rows = "".join(f"{BIG + number},intrinsic,central,{name},,,left,\n" for number in (0, 2, 4))
        path = folder(c__csv=CONNECTIONS.replace("ACH", "DA"), k__csv=columns + rows)
        read = read_connectome(path, options=Options(sign_policy="strict"))
        assert (read.weights > 0).all() and len(read.weights) == 3
        assert read.provenance["kenyon_cells_overridden"] == 3


def test_spellings_of_transmitters_that_nobody_knows(hemibrain):
    read = read_connectome(hemibrain(nt__csv=NT.replace(",gaba\n99", ",GABAA\n99")))
    notes = read.provenance
    assert (notes["neurons_of_unknown_transmitter"], notes["transmitters_not_known"]) == (2, ["gabaa"])
    assert read_connectome(hemibrain(nt__csv=NT)).provenance["transmitters_not_known"] == []


@pytest.mark.parametrize("share", ["abc", "-0.9", "90", "inf"])
def test_probabilities_of_transmitters_that_are_none(hemibrain, share):
    place = hemibrain(nt__csv=NT.replace("0.25", share))
    text = rf"nt\.csv, row 3, column gaba: expected a probability \(0 to 1\) or nothing, got '{share}'"
    refused(place, text, sign_policy="expected")
    assert read_connectome(hemibrain(nt__csv=NT.replace("0.25", "NaN")), options=Options(sign_policy="expected")).n == 4


def test_transmitters_of_one_id_that_differ(hemibrain):
    row = "2,PN,0.25,.75,0,0,0,0,0,acetylcholine\n"
    assert read_connectome(hemibrain(nt__csv=NT + row), options=Options(sign_policy="expected")).n == 4
    text = r"nt\.csv, row 6, column predicted_nt: expected one value per id, got 'gaba' for id 2, .* 'acetylcholine'"
    refused(hemibrain(nt__csv=NT + row.replace("acetylcholine", "gaba")), text)
    text = r"nt\.csv, row 7, column gaba: expected one value per id, got 0\.5 for id 2, which has 0\.25 above"
    refused(hemibrain(nt__csv=NT + row + row.replace("0.25", "0.5")), text, sign_policy="expected")


def test_signs_obey_dales_law():
    rng = np.random.default_rng(1)
    pre, post, weights = rng.integers(0, 50, (3, 2000))
    labels = {"neurotransmitter": rng.choice(["gaba", "acetylcholine", "dopamine", "unknown"], 50)}
    unsigned = from_edges("made up", pre, post, weights, np.arange(50), labels=labels)
    for policy in ("shiu", "strict"):
        assert formats.with_signs(unsigned, policy).mixed == 0


def test_flywire_expected_signs(folder):
    read = read_connectome(folder(n__csv=CODEX, c__csv=CONNECTIONS), options=Options(sign_policy="expected"))
    assert edges(read) == {(str(PRE), str(POST)): pytest.approx(11 * 0.8)}
    assert read.provenance["edges_without_sign_dropped"] == 2


def test_a_sign_policy_without_transmitters(hemibrain):
    refused(hemibrain(), r"for sign_policy = strict, expected a table of transmitters \(columns body, predicted_nt",
            sign_policy="strict")  # fmt: skip
    refused(hemibrain(), "expected the 0/1 vector of a FlyStability ROI folder", sign_policy="ei")
    assert read_connectome(hemibrain()).provenance["sign_policy"] == "none"


def test_options_that_are_not():
    with pytest.raises(ValueError, match=r"sign_policy must be one of auto, shiu, .*got 'dale'"):
        Options(sign_policy="dale")
    with pytest.raises(ValueError, match="rows must be one of auto, source, target, got 'pre'"):
        Options(rows="pre")
    with pytest.raises(ValueError, match="min_synapses must be >= 0"):
        Options(min_synapses=-1)


def test_options_that_a_format_does_not_read(hemibrain, folder):
    refused(hemibrain(), "expected no rows, as the columns say", rows="source")
    refused(
        folder(a__csv="pre,post,weight\n1,2,1\n") / "a.csv", "expected no roi, as an edge list has no ROIs", roi="EB"
    )


# ---- edges from arrays


def test_from_edges_sums_and_counts():
    read = from_edges("e", np.array([BIG, BIG, 5, 5]), np.array([5, 5, 5, BIG]), np.array([1, 2, 9, 4]))
    assert read.names.tolist() == ["5", str(BIG)]
    assert edges(read) == {(str(BIG), "5"): 3, ("5", str(BIG)): 4}
    notes = read.provenance
    assert (notes["duplicates_summed"], notes["autapses"], notes["rows_of_edges"]) == (1, 1, 4)


def test_from_edges_against_a_dense_sum():
    rng = np.random.default_rng(3)
    ids = BIG + rng.permutation(1000)[:40]
    pre, post = rng.integers(0, 40, (2, 3000))
    weights = rng.integers(0, 9, 3000)
    expected = np.zeros((40, 40))
    np.add.at(expected, (post, pre), weights)
    np.fill_diagonal(expected, 0)
    read = from_edges("e", ids[pre], ids[post], weights, ids)
    np.testing.assert_array_equal(read.dense(), expected)
    assert read.names.tolist() == ids.astype(str).tolist()


def test_from_edges_refuses():
    with pytest.raises(ValueError, match=r"pre_ids must be integers of 64 bits .*float64"):
        from_edges("e", np.array([1.0]), np.array([2]), np.array([3]))
    with pytest.raises(ValueError, match=r"must have one shape \(E,\)"):
        from_edges("e", np.array([1]), np.array([2, 3]), np.array([3]))
    with pytest.raises(FormatError, match=r"post_ids: expected an id listed in the neurons, got 9"):
        from_edges("e", np.array([1]), np.array([9]), np.array([3]), np.array([1, 2]))
    with pytest.raises(FormatError, match="expected different ids, got 2 twice"):
        from_edges("e", np.array([1]), np.array([2]), np.array([3]), np.array([1, 2, 2]))
    with pytest.raises(FormatError, match=r"expected a connection .*none of 1 rows \(1 autapses dropped\)"):
        from_edges("e", np.array([1]), np.array([1]), np.array([3]))


# ---- edge lists


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a__csv", "pre,post,weight\n1,2,3\n2,1,0.5\n1,2,1\n"),
        ("a__csv__gz", "pre,post,weight\n1,2,3\n2,1,0.5\n1,2,1\n"),
        ("a__tsv", "pre\tpost\tweight\n1\t2\t4\n2\t1\t.5\n"),
        ("a__txt", "\ufeffSource;Target;Weight\r\n1;2;4\r\n\r\n2;1;5e-1\r\n\r\n"),
        ("a__csv", 'note,body_pre,body_post,weight\n"a,b",1,2,4\nc,2,1,0.5\n'),
    ],
)
def test_edge_lists(folder, name, text):
    path = folder(**{name: text}) / name.replace("__", ".")
    assert recognise(path).format == "edge_list"
    assert edges(read_connectome(path)) == {("1", "2"): 4, ("2", "1"): 0.5}


def test_an_edge_list_with_signs(folder):
    path = folder(a__csv="pre,post,weight,sign\n1,2,3,1\n2,1,4,-1\n2,3,5,-1\n3,1,6,0\n") / "a.csv"
    read = read_connectome(path)
    assert edges(read) == {("1", "2"): 3, ("2", "1"): -4, ("2", "3"): -5}
    assert read.provenance["neurons_without_sign"] == 1 and read.provenance["sign_policy"] == "as in the file"
    unsigned = read_connectome(path, options=Options(sign_policy="none"))
    assert (unsigned.weights > 0).all() and len(unsigned.weights) == 4
    refused(path, "for sign_policy = shiu, expected transmitters", sign_policy="shiu")


# ---- matrices

MATRIX = np.array([[0, 2, 0], [0, 9, 3.5], [-1, 0, 0]])


def csv_of(matrix, ids=(11, 12, 13)):
    return pd.DataFrame(matrix, index=ids, columns=ids).to_csv()


def sparse_of(matrix, form):
    row, column = np.nonzero(matrix.T if form == "csc" else matrix)
    arrays = {"format": np.array(form.encode()), "shape": np.array(matrix.shape)}
    if form == "coo":
        return saved(None, **arrays, data=matrix[row, column], row=row, col=column)
    data = (matrix.T if form == "csc" else matrix)[row, column]
    pointers = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(matrix)))])
    return saved(None, **arrays, data=data, indices=column.astype(np.int32), indptr=pointers.astype(np.int32))


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("m__npy", saved(MATRIX), "matrix"),
        ("m__npy", saved(np.asfortranarray(MATRIX.astype(np.float32))), "matrix"),
        ("m__npz", saved(None, W=MATRIX, ids=np.array([11, 12, 13])), "matrix"),
        ("m__csv", csv_of(MATRIX), "matrix"),
        ("m__csv__gz", csv_of(MATRIX), "matrix"),
        ("m__npz", sparse_of(MATRIX, "csr"), "sparse"),
        ("m__npz", sparse_of(MATRIX, "csc"), "sparse"),
        ("m__npz", sparse_of(MATRIX, "coo"), "sparse"),
    ],
)
@pytest.mark.parametrize("rows", ["auto", "source", "target"])
def test_matrices(folder, name, content, form, rows):
    path = folder(**{name: content}) / name.replace("__", ".")
    assert recognise(path).format == form
    read = read_connectome(path, options=Options(rows=rows))
    expected = MATRIX - np.diag(np.diag(MATRIX))
    np.testing.assert_array_equal(read.dense(), expected if rows == "target" else expected.T)
    assert read.provenance["autapses_dropped"] == 1
    assert read.provenance["rows"] == ("target" if rows == "target" else "source")
    named = "csv" in name or ("npz" in name and form == "matrix")
    assert read.names.tolist() == (["11", "12", "13"] if named else ["neuron0", "neuron1", "neuron2"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (csv_of(MATRIX, ["left", "right 2", "x,y"]), ["left", "right 2", "x,y"]),
        (csv_of(MATRIX, ["007", "8", str(BIG)]), ["007", "8", str(BIG)]),
        ("0,2,0\n0,9,3.5\n-1,0,0\n", ["0", "1", "2"]),
        ("\ufeff0.0;2;0\r\n0;9;3.5\r\n-1e0;0;0\r\n\r\n", ["0", "1", "2"]),
    ],
)
def test_csv_matrices_with_texts_as_ids_or_none(folder, text, names):
    path = folder(m__csv=text) / "m.csv"
    assert recognise(path).format == "matrix"
    read = read_connectome(path)
    np.testing.assert_array_equal(read.dense(), (MATRIX - np.diag(np.diag(MATRIX))).T)
    assert read.names.tolist() == names and read.signs.tolist() == [1, 1, -1]


def test_a_symmetric_csv_of_numbers_is_not_taken_for_one_with_ids(folder):
    path = folder(m__csv="0,3,3\n3,0,1\n3,1,0\n") / "m.csv"
    assert read_connectome(path).dense().tolist() == [[0, 3, 3], [3, 0, 1], [3, 1, 0]]


def test_a_bio2art_matrix_under_another_name_keeps_its_orientation(connectomes, tmp_path):
    original = connectomes / "bio2art" / "C_Mouse_Gamanut_Normalized.npy"
    (tmp_path / "mouse.npy").write_bytes(original.read_bytes())
    read = read_connectome(tmp_path / "mouse.npy")
    assert read.provenance["rows"] == "target"
    np.testing.assert_array_equal(read.dense(), read_connectome(original).dense())


class Runs:
    """Unpickles by calling os.system."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("name", ["m.npy", "m.npz", "sparse.npz", "m.pkl", "m.csv"])
@pytest.mark.parametrize("source", ["auto", "matrix", "sparse"])
def test_a_pickle_runs_nothing(tmp_path, name, source):
    evil = np.array([[Runs(f"touch {tmp_path / 'ran'}"), 1], [1, 1]], dtype=object)
    sparse = {"format": np.array("csr"), "shape": np.array([2, 2]), "data": evil, "indices": evil, "indptr": evil}
    content = {
        "m.npy": saved(evil),
        "m.npz": saved(None, W=evil),
        "sparse.npz": saved(None, **sparse),
        "m.pkl": pickle.dumps(evil),
        "m.csv": pickle.dumps(evil, 0),
    }
    (tmp_path / name).write_bytes(content[name])
    refused(tmp_path / name, "expected", source)
    assert not (tmp_path / "ran").exists()


COO = {"format": np.array("coo"), "shape": np.array([3, 3]), "data": np.ones(2), "row": [0, 1], "col": [1, 2]}


def zipped(**members):
    """The bytes of a zip archive of texts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("m.npy", saved(np.ones((2, 3))), r"expected a connectome .*got an array of shape \(2, 3\)"),
        ("m.npy", saved(np.array([["a", "b"], ["c", "d"]])), "expected numbers, got dtype <U1"),
        ("m.npy", saved(np.array([[0, np.nan], [1, 0]])), r"row 0, column 1 \(from 0\): expected a number, got nan"),
        ("m.npy", saved(MATRIX)[:-9], "expected a .npy array of numbers"),
        ("m.npz", saved(None, a=MATRIX)[:-90], "expected a .npz archive"),
        ("m.npz", saved(None, a=MATRIX, b=MATRIX), r"expected one square matrix .*got a \(3, 3\), b \(3, 3\)"),
        ("m.npz", saved(None, a=MATRIX, ids=np.array([1, 1, 2])), "expected 3 different ids"),
        ("m.npz", saved(None, format=np.array("dia"), shape=np.array([2, 2]), data=np.ones(2)), "csr, csc or coo, got"),
        ("m.csv", csv_of(MATRIX).replace("3.5", "x"), "row 3, column 13: expected a number or an empty cell, got 'x'"),
        ("m.csv", csv_of(MATRIX, list("aab")), r"m\.csv, row 1: expected different ids, got 'a' twice"),
        ("m.npy", saved(np.full((2, 2), 1e17)), r"m\.npy: .* at most 2\^53 .* from neuron1 to neuron0"),
        ("m.npz", zipped(x="hello", y="you"), r"m\.npz: expected a zip archive of one file, got x, y: unpack it"),
        ("m.npz", saved(None, **{**COO, "format": np.array(["coo", "csr"])}), "csr, csc or coo, got 'coo, csr'"),
        ("m.npz", saved(None, **{**COO, "data": np.ones((2, 1))}), r"as one row of numbers, got shape \(2, 1\)"),
        ("m.npz", saved(None, **{**COO, "data": np.array(1.0)}), r"as one row of numbers, got shape \(\)"),
        ("m.npz", saved(None, **{**COO, "shape": np.array([10**9] * 2)}), "at most 5,000,000 neurons, got 1,000"),
        ("m.csv", "1,2,5\n2,3,4\n3,1,2\n", r"expected a header \(pre, post, weight\) above a list of edges"),
        ("m.csv", "1,2,5,1\n2,3,4,1\n", r"expected one column of weights, got 2 columns of numbers, 3, 4: .* = 3"),
        ("m.csv", "0,1,2\n.5,0,0\n", r"expected a square matrix of 3 rows, as it has columns, got 2"),
        ("m.csv", "0,1,2\n3,0,4\n5,nan,0\n", r"m\.csv, row 3, column 2: expected a number or an empty cell, got 'nan'"),
        ("m.csv", "0,1,2\n3,0,4\n5,0\n", r"m\.csv, row 3: expected 3 cells, one per column, got 2"),
        ("m.csv", "0,1,2\n1,0,5\n2,6,0\n", "first row and the first column are alike, got 0, 1, 2, .*ids or weights"),
    ],
)  # fmt: skip
def test_matrices_that_are_not(tmp_path, name, content, text):
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    refused(tmp_path / name, text)


# ---- bad data: one line with file, row and column


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("1,2,3\n2,9,1\n", r"row 3, column bodyId_post: expected an id listed in .*traced-neurons\.csv, got 9"),
        ("\n1,2,3\n8,2,1\n9,1,1\n", r"row 4, column bodyId_pre: .*got 8 \(and 1 more unknown ids\)"),
        ("1,2,3\nx,2,1\n", "row 3, column bodyId_pre: expected an id as a whole number of 64 bits, got 'x'"),
        ("1,2,3\n1.5,2,1\n", "row 3, column bodyId_pre: expected an id as a whole number .*got '1.5'"),
        ("1,2,3\n2,7.2e17,1\n", "row 3, column bodyId_post: expected an id as a whole number .*got '7.2e17'"),
        ("1,2,3\n2,9223372036854775808,1\n", "row 3, column bodyId_post: expected an id .*got '9223372036854775808'"),
        ("1,2,3\nTrue,2,1\n", "row 3, column bodyId_pre: expected an id .*got 'True'"),
        ("1,2,3\nTrue,2,1\n", "row 3, column bodyId_pre: expected an id .*got 'True'"),
        ("1,2,3\n,2,1\n", "row 3, column bodyId_pre: expected an id .*got an empty cell"),
        ("1,2,3\nNA,2,1\n", "row 3, column bodyId_pre: expected an id .*got 'NA'"),
        ("1,2,-3\n", "row 2, column weight: expected a count >= 0 as a whole number, got '-3'"),
        ("1,2,3\n2,1,\n", "row 3, column weight: expected a count .*got an empty cell"),
        ("1,2,3\n2,1,nan\n", "row 3, column weight: expected a count .*got 'nan'"),
        ("1,2,2.5\n", "row 2, column weight: expected a count .*got '2.5'"),
        ("1,2\n2,1,1\n", "row 2: expected 3 cells, one per column, got 2"),
        ("1,2,3,4\n", "row 2: expected 3 cells, one per column, got 4"),
        ("1,2,3\n2,1\n", "row 3: expected 3 cells, one per column, got 2"),
        ("1,2,3\n2,1,1,1\n", "row 3: expected 3 cells, one per column, got 4"),
        ("1,1,3\n", r"expected a connection with at least 1, got none of 1 rows \(1 autapses dropped\)"),
        ("", "expected a connection with at least 1, got none of 0 rows"),
    ],
)
def test_bad_rows(hemibrain, rows, text):
    refused(hemibrain(totals__csv="bodyId_pre,bodyId_post,weight\n" + rows), text)


def test_one_float_among_ids_spoils_no_other(folder):
    """Told the type, pandas reads all of them as floats and drops their last digits."""
    path = folder(a__csv=f"pre,post,weight\n{BIG},{BIG + 1},1\n{BIG + 2},7.205759406e17,1\n") / "a.csv"
    refused(path, r"row 3, column post: expected an id as a whole number of 64 bits, got '7\.205759406e17'")
    path.write_text(f"pre,post,weight\n{BIG},{BIG + 1},1\n")
    assert read_connectome(path).names.tolist() == [str(BIG), str(BIG + 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pre,post,weight\n1,2,inf\n", "row 2, column weight: expected a number, got 'inf'"),
        ("pre,post,weight,sign\n1,2,1,2\n", r"row 2, column sign: expected a sign \(1, -1, 0, .*\), got '2'"),
        ("pre,post,weight\n1,2,\xff\n".encode("latin-1"), "expected a table as text in UTF-8"),
        ('pre,post,weight\n1,2,"3\n', "expected"),
        ("pre,pre,post,weight\n1,1,2,3\n", "row 1: expected one column of pre, got pre, pre"),
        ("pre,Pre,post,weight\n1,1,2,3\n", "row 1: expected one column of pre, got pre, Pre"),
        ("from,to,source,target,weight\n1,2,1,2,3\n", "row 1: expected one column of pre, got from, source"),
        ("pre,post,weight,weight\n1,2,3,4\n", "row 1: expected one column of weight, got weight, weight"),
        ("pre,post,weight,x,x\n1,2,3,4,5\n", "row 1: expected different names of columns, got 'x' 2 times"),
        ("pre,post,weight\n\u0661,2,3\n" + "".join(f"{n},2,3\n" for n in range(12)),
         "row 2, column pre: expected an id as a whole number of 64 bits, got"),
        ("pre,post,weight\n1,1,3\n", "expected a connection with at least 1, got none of 1 rows"),
        ("pre,post,weight\n1,2,3e300\n", r"sum to at most 2\^53 per pair, in magnitude, got 3e\+300 from 1 to 2"),
        ("pre,post,weight\n1,2,1e308\n1,2,1e308\n", r"sum to at most 2\^53 per pair, .* got inf from 1 to 2"),
        ("pre,post,weight\n" + f"7,8,{2**62}\n" * 2, r"sum to at most 2\^53 per pair, .*9\.22337e\+18 from 7 to 8"),
    ],
)
def test_bad_edge_lists(folder, text, expected):
    refused(folder(a__csv=text) / "a.csv", rf"a\.csv.*{expected}")


@pytest.mark.slow
def test_a_bad_row_far_down(folder):
    """Beyond the first piece that is read."""
    rows = "".join(f"{number},{number + 1},1\n" for number in range(700_000))
    place = folder(a__csv="pre,post,weight\n" + rows + "1,oops,1\n")
    refused(place / "a.csv", r"row 700002, column post: .*'oops'")
    place = folder(a__csv="pre,post,weight,note\n" + "1,2,3,\n" * 200_000 + "1,2,1\n1,2,1,,\n")
    refused(place / "a.csv", "row 200002: expected 4 cells, one per column, got 3")


@pytest.mark.parametrize("note", ["x", '"x, y"', '"x\ny"'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_that_are_cut_short_before_a_text(folder, note, end):
    """pandas would fill them with an empty text."""
    whole = f"pre,post,weight,note{end}1,2,3,{note}{end}{end}2,1,4,x{end}"
    assert len(read_connectome(folder(a__csv=whole) / "a.csv").weights) == 2
    for bad, cells in (("2,1,4", 3), ("2,1,4,x,", 5)):
        text = rf"row {4 + whole.count('x' + chr(10) + 'y')}: expected 4 cells, one per column, got {cells}"
        refused(folder(a__csv=whole.replace("2,1,4,x", bad)) / "a.csv", text)
    refused(folder(a__csv=whole.replace("2,1,4,x" + end, "2,1,4")) / "a.csv", "expected 4 cells, .* got 3")


def test_neurons_that_come_twice(hemibrain):
    refused(hemibrain(traced_DASH_neurons__csv=NEURONS + "2,B,B\n"),
            r"neurons\.csv, row 6, column bodyId: expected different ids, got 2 twice, first in row 3")  # fmt: skip
    refused(hemibrain(traced_DASH_neurons__csv="bodyId,type,instance\n"), "expected a row per neuron, got none")
    refused(hemibrain(traced_DASH_neurons__csv=NEURONS + "2.5,B,B\n"), "row 6, column bodyId: expected an id .*'2.5'")


def test_an_unknown_roi_lists_those_that_exist(hemibrain):
    refused(hemibrain(), r"rois\.csv, column roi: expected a ROI .*got 'slp\(r\)'; there are EB, NotPrimary, "
            r"SLP\(R\), b'L\(R\); did you mean 'SLP\(R\)'\?", roi="EB,slp(r)")  # fmt: skip
    refused(hemibrain(), "got 'XYZ'; there are EB, NotPrimary", roi="XYZ")
    autapse = "bodyId_pre,bodyId_post,roi,weight\n1,1,EB,1\n"
    refused(hemibrain(rois__csv=autapse), "expected a connection with at least 1, got none of 1 rows", roi="EB")


def test_a_roi_without_its_table(hemibrain):
    text = "expected a table of connections per ROI with columns bodyId_pre, bodyId_post, weight, roi, got none"
    refused(hemibrain(rois__csv=None), text, roi="EB")


def test_truncated_gzip(folder):
    rng = np.random.default_rng(0)
    rows = "".join(f"{pre},{post},1\n" for pre, post in rng.integers(0, 10**9, (50_000, 2)))
    path = folder(a__csv__gz="pre,post,weight\n" + rows) / "a.csv.gz"
    whole = path.read_bytes()
    for end in (len(whole) // 2, len(whole) - 4, 15):
        path.write_bytes(whole[:end])
        refused(path, r"a\.csv\.gz: expected a whole compressed file, got one that is damaged or cut off")
    path.write_bytes(whole[:5000] + bytes(200) + whole[5200:])
    refused(path, r"a\.csv\.gz")


def test_truncated_archive(hemibrain, tmp_path):
    with tarfile.open(tmp_path / "h.tar.gz", "w:gz") as tar:
        tar.add(hemibrain(big__bin=np.random.default_rng(0).bytes(200_000)), "exported")
    whole = (tmp_path / "h.tar.gz").read_bytes()
    (tmp_path / "h.tar.gz").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "h.tar.gz", r"h\.tar\.gz: expected a whole compressed file, got one that is damaged or cut off")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(100))
    refused(tmp_path / "a.parquet", "expected pyarrow to read this parquet file, got none")


def test_damaged_and_ambiguous_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="parquet and feather need pyarrow")
    columns = [pyarrow.array(numbers) for numbers in ([1, 2], [2, 1], [3, 3], [3, 3])]
    table = pyarrow.table(columns, names=["pre", "post", "weight", "weight"])
    __import__("pyarrow.parquet").parquet.write_table(table, tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", r"a\.parquet, row 1: expected one column of weight, got weight, weight")
    frame = pd.DataFrame({"pre": range(1000), "post": range(1, 1001), "weight": 1})
    for kind in ("parquet", "feather"):
        path = tmp_path / f"b.{kind}"
        getattr(frame, f"to_{kind}")(path)
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 4 : len(whole) // 2] = b"\xff" * (len(whole) // 2 - len(whole) // 4)
        path.write_bytes(whole)
        refused(path, rf"b\.{kind}: expected a {kind} file, got one that is damaged")


def test_transmitters_as_feather_without_pyarrow(hemibrain, monkeypatch):
    """Not passed over in silence: the network would have no signs."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    place = hemibrain(nt__feather=b"ARROW1" + bytes(100))
    refused(place, r"nt\.feather: expected pyarrow to read this feather file")
    assert read_connectome(place, options=Options(sign_policy="none")).n == 4


def test_parquet_and_feather_are_the_csv(hemibrain, folder):
    pytest.importorskip("pyarrow", reason="parquet and feather need pyarrow")
    place = hemibrain(nt__csv=NT)
    expected = read_connectome(place)
    pd.read_csv(place / "nt.csv").set_index("body").to_feather(place / "nt.feather")
    pd.read_csv(place / "totals.csv").to_parquet(place / "totals.parquet")
    (place / "nt.csv").unlink()
    (place / "totals.csv").unlink()
    assert read_connectome(place).sha256() == expected.sha256()
    assert read_connectome(place, options=Options(sign_policy="expected")).weights.min() < 0
    frame = pd.DataFrame({"pre": [1, BIG], "post": [BIG, 3], "weight": [2, 5]})
    frame.to_parquet(place / "a.parquet")
    assert edges(read_connectome(place / "a.parquet")) == {("1", str(BIG)): 2, (str(BIG), "3"): 5}
    frame.assign(pre=[1.0, 2.5]).to_parquet(place / "a.parquet")
    refused(place / "a.parquet", r"a\.parquet, row 3, column pre: expected an id as a whole number.*, got 2\.5")
    frame.assign(weight=[1, np.inf]).to_parquet(place / "a.parquet")
    refused(place / "a.parquet", r"a\.parquet, row 3, column weight: expected a number, got .*inf")
    frame.assign(pre=pd.array([1, None], "Int64")).to_parquet(place / "a.parquet")
    refused(place / "a.parquet", r"a\.parquet, row 3, column pre: expected a value, got an empty cell")


# ---- recognition


def test_a_folder_of_one_matrix(folder):
    text = r"expected a file, got a folder of a dense 3 x 3 matrix: name the file .*m\.npy"
    refused(folder(m__npy=saved(MATRIX)), text)
    refused(folder(), text, "auto")
    refused(folder() / "m.npy", r"expected the sparse \.npz of scipy .* got a npy file", "sparse")


def test_what_a_reader_did_not_foresee_is_one_line(folder, monkeypatch):
    """With the error itself as the cause; a mistake of ours stays a traceback."""
    path = folder(a__csv="pre,post,weight\n1,2,1\n") / "a.csv"
    for error, expected in ((KeyError("x"), FormatError), (MemoryError(), FormatError), (NameError("x"), NameError)):
        row = replace(FORMATS["edge_list"], read=Mock(side_effect=error))
        monkeypatch.setattr(recognition, "FORMATS", {**FORMATS, "edge_list": row})
        with pytest.raises(expected) as caught:
            read_connectome(path)
        if expected is FormatError:
            assert str(path) in str(caught.value) and caught.value.__cause__ is error


def test_unknown_content_lists_what_is_known(folder):
    place = folder(a__csv="x,y\n1,2\n", b__bin=b"\0\1\2")
    refused(place, "expected a connectome .*hemibrain, .*flywire, .*edge_list, matrix, .*got 2 files: a.csv, b.bin")
    square = "id,1,2\n1,0,3\n2,4,0\n"
    several = folder(ad__csv=square, aa__csv=square)
    refused(several, r"got \d files: .*: name one of them$")
    refused(place / "b.bin", "got a file of no known kind")
    refused(place / "a.csv", "got a table with columns x, y")
    refused(place / "none.csv", "expected a file or a folder, got nothing of this name")


def test_sources(hemibrain):
    with pytest.raises(ValueError, match=r"source must be one of auto, .*got 'hemibrian'; did you mean 'hemibrain'\?"):
        read_connectome(hemibrain(), "hemibrian")
    assert read_connectome(hemibrain(), "hemibrain").provenance["found"].endswith("is read as hemibrain")
    refused(hemibrain(), "expected a table of connections with columns pre_root_id", "flywire")
    refused(hemibrain(), "expected a file that holds a matrix, got a folder: name the file", "matrix")
    refused(hemibrain() / "rois.csv", r"expected the sparse \.npz of scipy .* got a csv file", "sparse")
    refused(hemibrain(), "expected one edge list .*, got 2: rois.csv, totals.csv; name one file", "edge_list")
    refused(hemibrain(), "expected the file adjacency_scc.npy, which is not there", "flystability")


# ---- the larva, twice


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_larva_as_csv_and_as_roi_folder(connectomes, side):
    """The ROI folder is the largest strongly connected component of the CSVs, in the same order under other ids."""
    measured = read_connectome(connectomes / f"larva_{side}_csv")
    roi = read_connectome(connectomes / "rois", options=Options(roi=f"LARVA_MB_{side.upper()}", sign_policy="none"))
    reach = np.eye(measured.n) + (measured.dense() > 0)
    for _ in range(8):
        reach = (reach @ reach > 0).astype(float)
    mutual = (reach * reach.T) > 0
    component = np.flatnonzero(mutual[mutual.sum(1).argmax()])
    np.testing.assert_array_equal(measured.dense()[np.ix_(component, component)], roi.dense())
    assert roi.n == {"left": 126, "right": 139}[side]
    types = measured.labels["type"]
    assert len(types) == {"left": 209, "right": 213}[side] and set(types) == set("KPIO")
    if side == "left":  # 2,404 synapses from projection neurons to Kenyon cells, none back
        forward = measured.dense()[np.ix_(types == "K", types == "P")].sum()
        assert (forward, measured.dense()[np.ix_(types == "P", types == "K")].sum()) == (2404, 0)


def test_a_roi_folder_under_the_policies(roi_folder):
    path = roi_folder()
    signed = read_connectome(path)
    assert recognise(path).format == "flystability" and signed.provenance["sign_policy"] == "ei"
    strict = read_connectome(path, options=Options(sign_policy="strict"))
    assert strict.signs.tolist() == [1, 1, 1, 0, -1, -1]  # dopamine has none
    assert (read_connectome(path, options=Options(sign_policy="none")).weights > 0).all()
    uses = [{part.place: part.use for part in parts_of(read.provenance)} for read in (signed, strict)]
    assert len(uses[0]) == len(uses[1]) == 5 and NOT_USED not in uses[0].values()
    assert [place for place, use in uses[1].items() if use == NOT_USED] == ["ei_neuron_types.npy"]
    few = read_connectome(path, options=Options(min_synapses=10))
    assert np.abs(few.weights).min() >= 10 and len(few.weights) < len(signed.weights)
    refused(path.parent, "expected roi = one of TINY, got 'tiny'; did you mean 'TINY'", roi="tiny")


# ---- full size

MEASURE = """
import sys, time
from pathlib import Path
start = time.perf_counter()
from randomnet.formats import Options, read_connectome
read = read_connectome(Path(sys.argv[1]), options=Options(roi=sys.argv[2]))
seconds = time.perf_counter() - start
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(read.n, len(read.weights), seconds, peak)
"""
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory where Linux keeps it")


def measured(path, roi=""):
    """Neurons, edges, seconds and bytes of reading a path in a process of its own."""
    root = Path(formats.__file__).parents[2]
    arguments = [sys.executable, "-c", MEASURE, str(path), roi]
    done = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    neurons, edges, seconds, peak = done.stdout.split()
    return int(neurons), int(edges), float(seconds), int(peak) * 1024


@pytest.fixture(scope="module")
def big_hemibrain(tmp_path_factory):
    """Made up from a seed: 21,739 neurons, 3,550,403 edges, 4,259,624 rows per ROI; as a folder and an archive."""
    n, count, per_roi = 21_739, 3_550_403, 4_259_624
    rng = np.random.default_rng(12)
    place = tmp_path_factory.mktemp("hemibrain") / "exported"
    place.mkdir()
    ids = np.cumsum(rng.integers(1, 300_000, n)) + 200_000_000
    key = np.unique(rng.integers(0, n * n, count + 40_000))
    key = rng.permutation(key[key // n != key % n])[:count]
    columns = {"bodyId_pre": ids[key // n], "bodyId_post": ids[key % n], "weight": rng.geometric(0.25, count)}
    edges = pd.DataFrame(columns)
    names = pd.Series([f"T{number % 5554}" for number in range(n)])
    neurons = pd.DataFrame({"bodyId": ids, "type": names, "instance": names + "_R"})
    rows = np.concatenate([np.arange(count), rng.integers(0, count, per_roi - count)])
    names = np.array(["EB", *(f"R{number}(L)" for number in range(61))])
    rois = edges.iloc[rows].assign(roi=names[rng.integers(0, 62, per_roi)])
    neurons.to_csv(place / "traced-neurons.csv", index=False)
    edges.to_csv(place / "traced-total-connections.csv", index=False)
    rois[["bodyId_pre", "bodyId_post", "roi", "weight"]].to_csv(place / "traced-roi-connections.csv", index=False)
    with tarfile.open(place.parent / "h.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(place, "exported")
    return place


@pytest.mark.long
@pytest.mark.slow
@linux
def test_the_whole_hemibrain_in_30_s_and_2_gb(big_hemibrain):
    for path, roi in ((big_hemibrain, ""), (big_hemibrain, "EB"), (big_hemibrain.parent / "h.tar.gz", "")):
        neurons, edges, seconds, peak = measured(path, roi)
        assert (neurons, edges) == (21_739, 3_550_403) if not roi else 50_000 < edges < 80_000
        assert seconds < 30 and peak < 2e9


@pytest.mark.long
@pytest.mark.slow
@linux
def test_a_file_of_flywires_size_in_60_s_and_3_gb(tmp_path):
    """139,255 neurons, 3,869,878 rows, made up from a seed."""
    n, count = 139_255, 3_869_878
    rng = np.random.default_rng(13)
    ids = 720575940600000000 + np.cumsum(rng.integers(1, 500, n))
    types = np.array(["ACH", "GABA", "GLUT", "DA", "SER", "OCT"])
    pre, post = rng.integers(0, n, (2, count))
    pd.DataFrame(
        {
            "pre_root_id": ids[pre],
            "post_root_id": ids[post],
            "neuropil": np.array([f"N{number}_L" for number in range(78)])[rng.integers(0, 78, count)],
            "syn_count": 4 + rng.geometric(0.2, count),
            "nt_type": types[rng.integers(0, 6, count)],
        }
    ).to_csv(tmp_path / "c.csv.gz", index=False, compression={"method": "gzip", "compresslevel": 1})
    neurons = pd.DataFrame({"root_id": ids, "group": "g", "nt_type": types[rng.integers(0, 6, n)]})
    neurons.to_csv(tmp_path / "n.csv", index=False)
    neurons, edges, seconds, peak = measured(tmp_path)
    pairs = np.unique(post[pre != post] * np.int64(n) + pre[pre != post])
    assert (neurons, edges) == (n, len(pairs))
    assert seconds < 60 and peak < 3e9
