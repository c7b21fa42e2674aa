"""Files as spreadsheets, R, pandas and databases write them: read as their authors mean them, or named, or refused."""

import datetime
import io

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome
from randomnet.formats.signs import transmitter_names


@pytest.fixture
def read(tmp_path):
    """Reads the network of files, name -> content; the first one, or their folder where `whole`."""

    def of(files, whole=False, **options):
        if isinstance(files, str):
            files = {"a.csv": files}
        for name, content in files.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
        return read_connectome(tmp_path if whole else tmp_path / next(iter(files)), options=Options(**options))

    return of


def edges(connectome):
    """(pre, post) -> weight, by name."""
    names = connectome.names.tolist()
    return {
        (names[pre], names[post]): weight
        for pre, post, weight in zip(connectome.pre, connectome.post, connectome.weights.tolist(), strict=True)
    }


def notes(connectome):
    """The contents as lines of text."""
    return "\n".join(" | ".join(part) for part in parts_of(connectome.provenance))


def refusal(read, files, whole=False, **options):
    """The text of the error, which is one line."""
    with pytest.raises(FormatError) as caught:
        read(files, whole, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


RING = "pre,post,weight\nA,B,3\nB,C,5\nC,A,7\nA,C,2\nC,D,4\nD,A,1\n"


# ---- names


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
@pytest.mark.parametrize("quote", ["", '"'])
def test_ids_with_leading_zeros_are_names(read, separator, quote):
    rows = [("001", "002", "3"), ("002", "1", "5"), ("1", "001", "9"), ("002", "001", "4")]
    lines = [("pre", "post", "weight"), *((f"{quote}{pre}{quote}", post, weight) for pre, post, weight in rows)]
    network = read("\n".join(map(separator.join, lines)) + "\n")
    assert edges(network) == {(pre, post): float(weight) for pre, post, weight in rows}


def test_one_id_with_a_leading_zero_far_down_is_a_name(read):
    rows = [(str(number), str(number + 1)) for number in range(100, 400)] + [("0100", "101")]
    network = read("pre,post\n" + "".join(f"{pre},{post}\n" for pre, post in rows))
    assert ("0100", "101") in edges(network) and ("100", "101") in edges(network)


def test_zeros_of_other_columns_leave_ids_whole_numbers(read):
    network = read("pre,post,weight,day\n10,9,3,01\n9,10,0.5,02\n9,11,0,03\n")
    assert network.names.tolist() == ["9", "10", "11"]  # in the order of numbers


# ---- errors that say what to do


ADVICE = {
    "comma of thousands": ("pre;post;weight\nA;B;3,500\nB;A;2\n", "decimal point"),
    "thousands and decimal comma": (";A;B\nA;0;1.234,5\nB;3;0\n", "decimal point"),
    "no value of R": ('"","A","B"\n"A",NA,1\n"B",3,NA\n', "got 'NA': write 0 where there is no connection"),
    "no value in edges": ("pre,post,weight\nA,B,NA\nB,A,2\n", "write 0 where there is no connection"),
    "infinite": (",A,B\nA,0,Inf\nB,3,0\n", "write 0 where there is no connection"),
    "typographic minus": ("pre,post,weight\nA,B,−5\nB,A,2\n", "negative numbers begin with -"),
    "header alone": ("pre,post,weight\n", "got a header alone"),
    "empty": ("", "expected a network, got an empty file"),
    "two rows of names": (",L,L,R\n,A,B,C\nA,0,1,2\nB,3,0,4\nC,5,6,0\n", "2 rows of texts are above the numbers"),
    "MultiIndex": ("region,,L,L\nname,,A,B\nregion,name,,\nL,A,0,1\nL,B,3,0\n", "rows of texts are above the numbers"),
}


@pytest.mark.parametrize("case", ADVICE)
def test_errors_say_what_to_do_in_one_short_line(read, case):
    content, text = ADVICE[case]
    message = refusal(read, content)
    assert text in message and len(message) < 400


# ---- transmitters and kinds of synapses as people write them


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("GABA?", "gaba"),
        ("(GABA)", "gaba"),
        ("GABA (0.45)", "gaba"),
        ("GABA (45%)", "gaba"),
        ("putative GABA", "gaba"),
        ("ACh? / GABA?", "acetylcholine, gaba"),
        ("['GABA', 'glutamate']", "gaba, glutamate"),
        ("{GABA}", "gaba"),
        ("ACh|?", "acetylcholine"),
        ("?", "unknown"),
        ("Glutamat", "glutamate"),
        ("Acétylcholine", "acetylcholine"),
        ("GABAérgico", "gaba"),
        ("Histamin", "histamine"),
        ("no GABA", "no gaba"),
        ("GABA receptor", "gaba receptor"),
        ("n/k", "n/k"),
    ],
)
def test_transmitters_with_doubts_and_in_other_languages(text, name):
    assert transmitter_names(np.array([text])).tolist() == [name]


def test_doubtful_and_unknown_transmitters_are_named(read):
    neurons = "id,nt_type\nA,ACh\nB,GABA?\nC,Glutamat\nD,no GABA\n"
    network = read({"edges.csv": RING, "neurons.csv": neurons}, whole=True)
    assert dict(zip(network.names, network.signs, strict=True)) == {"A": 1, "B": -1, "C": -1, "D": 1}
    note = next(part.note for part in parts_of(network.provenance) if part.place.endswith("nt_type"))
    assert note == "4 different; GABA? count without their doubts; no GABA are no known transmitters"


def test_doubtful_transmitters_of_edges_are_named(read):
    network = read("pre,post,weight,nt\nA,B,3,GABA?\nB,A,2,ACh\n")
    assert edges(network) == {("A", "B"): -3, ("B", "A"): 2}
    assert "GABA? count without their doubts" in notes(network)


@pytest.mark.parametrize(("chemical", "electrical"), [("química", "eléctrica"), ("chemisch", "elektrisch")])
def test_kinds_of_synapses_in_other_languages(read, chemical, electrical):
    text = f"pre,post,art,peso\nA,B,{chemical},3\nB,C,{chemical},5\nC,A,{electrical},9\n"
    assert edges(read(text)) == {("A", "B"): 3, ("B", "C"): 5}
    assert edges(read(text, synapse_type="electrical")) == {("C", "A"): 9, ("A", "C"): 9}


# ---- directions


@pytest.mark.parametrize(
    ("corner", "rows"),
    [("post", "target"), ("target", "target"), ("post/pre", "target"), ("rows=post; columns=pre", "target"),
     ("columns=pre; rows=post", "target"), ("post (rows) / pre (columns)", "target"), ("from row to column", "source"),
     ("to columns from rows", "source"), ("rows: targets", "target"),
     ("postId", "target"), ("pre", "source"), ("source", "source"), ("from\\to", "source"), ("neuron", "source"),
     ("", "source"), ("topology", "source")],
)  # fmt: skip
def test_the_first_cell_of_a_matrix_says_what_its_rows_are(read, corner, rows):
    text = f"{corner},A,B,C\nA,0,1,2\nB,3,0,0\nC,0,5,0\n"
    network = read(text)
    assert edges(network)[("A", "C") if rows == "source" else ("C", "A")] == 2
    assert ("rows are postsynaptic" in notes(network)) == (rows == "target")
    assert edges(read(text, rows="source"))[("A", "C")] == 2


def test_the_pivot_table_of_an_edge_list_is_the_same_network(read):
    table = pd.read_csv(io.StringIO(RING))
    pivot = table.pivot_table(index="post", columns="pre", values="weight", fill_value=0).to_csv()
    assert edges(read(pivot)) == edges(read({"b.csv": RING}))


@pytest.mark.parametrize("text", [
    "source,target,weight,directed\nA,B,3,false\nB,A,3,false\nB,C,5,false\nC,B,5,false\n",
    "source,target,weight,directed\nA,B,3,false\nB,C,5,false\n",
])  # fmt: skip
def test_undirected_edges_listed_once_or_in_both_directions_are_one_network(read, text):
    network = read(text)
    assert edges(network) == {("A", "B"): 3, ("B", "A"): 3, ("B", "C"): 5, ("C", "B"): 5}
    assert ("listed in both directions" in notes(network)) == ("B,A" in text)


def test_undirected_edges_of_which_some_come_back_are_summed(read):
    network = read("source,target,weight,directed\nA,B,3,false\nB,A,2,false\nB,C,5,false\n")
    assert edges(network) == {("A", "B"): 5, ("B", "A"): 5, ("B", "C"): 5, ("C", "B"): 5}


def test_half_a_symmetric_matrix_is_named(read):
    half = read(",A,B,C\nA,0,1,2\nB,,0,3\nC,,,0\n")
    assert "above the diagonal; where this is half of a symmetric matrix, add its transpose" in notes(half)
    assert "diagonal" not in notes(read(",A,B,C\nA,0,1,2\nB,3,0,3\nC,,,0\n"))


# ---- weights that are none


@pytest.mark.parametrize("code", ["-999", "-9999.0", "-2147483648"])
def test_numbers_that_mark_missing_values_are_refused(read, code):
    text = f"{code.removesuffix('.0')} in 2 entries and no other negative number, which marks missing values"
    assert text in refusal(read, f",A,B,C\nA,0,1,{code}\nB,3,0,1\nC,1,{code},0\n")
    assert text in refusal(read, f"pre,post,weight\nA,B,{code}\nB,A,{code}\nB,C,3\n")


def test_negative_entries_are_counted(read):
    network = read(",A,B,C\nA,0,1,1\nB,-999,0,-1\nC,1,2,0\n")
    assert network.signs.tolist() == [1, -1, 1]
    assert "2 of these are negative" in notes(network)


# ---- tables of neurons with several rows per neuron

TWICE = "id,nt_type\nA,ACH\nA,GABA\nB,GABA\nC,ACH\nD,GABA\n"


def test_several_rows_of_a_neuron_with_transmitters_are_refused_in_a_folder(read):
    text = "neurons.csv: expected one row per neuron of the edges, got several rows of one neuron, such as A: mend it"
    assert text in refusal(read, {"edges.csv": RING, "neurons.csv": TWICE}, whole=True)


def test_several_rows_of_a_neuron_without_signs_are_named(read):
    files = {"edges.csv": RING, "neurons.csv": TWICE.replace("nt_type", "type")}
    line = "neurons.csv | not used | several rows of one neuron, such as A"
    assert line in notes(read(files, whole=True)) and line in notes(read(files))


def test_several_rows_of_a_neuron_beside_the_file_are_named(read):
    network = read({"edges.csv": RING, "neurons.csv": TWICE})
    assert "neurons.csv | not used | several rows of one neuron, such as A" in notes(network)
    other = read({"edges.csv": RING, "neurons.csv": TWICE, "more.csv": TWICE.replace("A,GABA\n", "")})
    assert other.signs.tolist() == [1, -1, 1, -1] and "several rows of one neuron" in notes(other)


def test_ids_of_neurons_in_another_spelling_are_refused_or_named(read):
    neurons = "id,nt_type\na,ACH\nb,GABA\nc,GABA\nd,ACH\n"
    text = "ids in another spelling, such as 'a' for 'A'"
    assert text in refusal(read, {"edges.csv": RING, "neurons.csv": neurons}, whole=True)
    assert f"neurons.csv | not used | {text}" in notes(read({"edges.csv": RING, "neurons.csv": neurons}))
    padded = {"edges.csv": "pre,post,weight\n001,002,3\n002,001,4\n", "neurons.csv": "id,nt_type\n1,GABA\n2,ACH\n"}
    assert "such as '1' for '001'" in refusal(read, padded, whole=True)


# ---- sums, and names that look alike

MARGINS = pd.DataFrame([[1, 2, 0], [3, 0, 0.1], [0, 5, 0]], list("ABC"), list("ABC"))


@pytest.mark.parametrize("name", ["Total", "All", "Gesamtergebnis", "SUM"])
@pytest.mark.parametrize("where", ["row", "column", "both"])
def test_totals_of_a_matrix_are_refused(read, name, where):
    table = MARGINS.copy()
    if where in ("row", "both"):
        table.loc[name] = table.sum()
    if where in ("column", "both"):
        table[name] = table.sum(axis=1)
    message = refusal(read, table.to_csv())
    assert f"got {name!r}, whose weights are the sums of the others: delete its row and its column" in message


def test_a_neuron_of_the_name_of_a_total_stays(read):
    table = MARGINS.copy()
    table.loc["SUM"], table["SUM"] = [1.0, 2, 3], [0, 1, 0, 0.0]
    assert "SUM" in read(table.to_csv()).names


def test_totals_of_edges_are_refused(read):
    text = "pre,post,weight\nA,B,3\nB,C,5\nC,A,9\nGrand Total,Grand Total,17\n"
    assert "got 'Grand Total', whose weights are the sums" in refusal(read, text)
    rows = "pre,post,weight\nA,B,3\nA,C,4\nA,Total,7\nB,C,5\nB,Total,5\n"
    assert "got 'Total', whose weights are the sums" in refusal(read, rows)
    assert read(rows.replace("B,Total,5", "B,Total,6")).n == 4


def test_names_that_look_alike_stay_apart_and_are_named(read):
    names = ["AVL", "avl", "Caf\u00e9", "Cafe\u0301", "B", "B\u200b", "C"]
    network = read("pre,post\n" + "".join(f"{name},D\n" for name in names))
    assert set(names) <= set(network.names.tolist())
    assert "3 groups look alike and stay apart: AVL and avl; B and B\\u200b; Cafe\\u0301 and Caf\\xe9" in notes(network)
    assert "look alike" not in notes(read("pre,post\nA1,B\nA2,B\n10,11\n"))


def test_dates_in_a_workbook_are_named(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="workbooks need openpyxl")
    book, day = openpyxl.Workbook(), datetime.datetime(2024, 3, 2)
    for row in (["pre", "post", "weight"], [day, "GAP43", 2], ["GAP43", day, 3]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    network = read_connectome(tmp_path / "a.xlsx")
    assert "2, such as 2024-03-02: a spreadsheet may have made them from names" in notes(network)


# ---- headers, rows and columns


def test_counts_of_groups_as_pandas_writes_them(read):
    table = pd.DataFrame({"pre": ["A", "A", "B", "C"], "post": ["B", "B", "C", "A"]})
    counts = table.groupby(["pre", "post"]).size().reset_index().to_csv(index=False)
    assert counts.startswith("pre,post,0\n")
    assert edges(read(counts)) == {("A", "B"): 2, ("B", "C"): 1, ("C", "A"): 1}


def test_neurons_named_as_columns_are_neurons(read):
    assert edges(read("cell1,cell2,3\ncell2,cell3,4\ncell3,cell1,5\n"))[("cell1", "cell2")] == 3


def test_a_table_of_edges_of_matlab(read):
    assert edges(read("EndNodes_1,EndNodes_2,Weight\nA,B,3\nB,A,4\n")) == {("A", "B"): 3, ("B", "A"): 4}


def test_an_uneven_row_is_the_error_whatever_the_ids_are(read):
    assert "row 3: expected 3 cells, one per column, got 2" in refusal(read, "pre,post,weight\nA,B,3\nB,C\nC,A,5\n")


@pytest.mark.parametrize("column", ["log10_weight", "weight_log", "p_value", "pvalue", "FDR"])
def test_logarithms_and_p_values_are_no_weights_unless_named(read, column):
    text = f"pre,post,{column}\nA,B,-0.3\nB,C,0.5\nC,A,1.2\n"
    assert f"[net] weight_column = {column} reads" in refusal(read, text)
    assert edges(read(text, weight_column=column))[("B", "C")] == 0.5


def test_logarithms_in_the_name_are_whole_words(read):
    assert edges(read("pre,post,analogue\nA,B,2\nB,A,3\n")) == {("A", "B"): 2, ("B", "A"): 3}


@pytest.mark.parametrize("column", ["ei", "sign"])
def test_signs_of_neurons_that_are_0_and_1_are_a_question(read, column):
    files = {"edges.csv": RING, "neurons.csv": f"id,{column}\nA,1\nB,0\nC,1\nD,0\n"}
    assert f"column {column}: expected signs 1 and -1, got 0 and 1 alone" in refusal(read, files, whole=True)
    files["neurons.csv"] = files["neurons.csv"].replace(column, "excitatory")
    assert read(files, whole=True).signs.tolist() == [1, -1, 1, -1]


def test_edges_of_neurons_without_a_sign_are_named(read):
    files = {"edges.csv": RING, "neurons.csv": "id,sign\nA,+\nB,-\nC,\nD,+\n"}
    network = read(files, whole=True)
    assert "2 excitatory, 1 inhibitory, 1 unknown; the edges of unknown ones are left out" in notes(network)
    assert not any(pre == "C" for pre, _ in edges(network))


def test_totals_without_a_name_are_refused(read):
    matrix = np.random.default_rng(0).integers(0, 5, (6, 6))
    table = np.block([[matrix, matrix.sum(1, keepdims=True)], [matrix.sum(0), matrix.sum()]])
    text = "\n".join(",".join(map(str, row)) for row in table.tolist()) + "\n"
    assert "got '6', whose weights are the sums of the others" in refusal(read, text)
    ring = ",A,B,C,Hub\nA,0,1,0,1\nB,0,0,1,1\nC,1,0,0,1\nHub,1,1,1,0\n"
    assert read(ring).n == 4  # where sums of others are chance, there is no sum of all
    assert read(text.replace(str(table[0, -1]), str(table[0, -1] + 1), 1)).n == 7


# ---- ids of rows and columns


@pytest.mark.parametrize("table", [
    '"","AVA.L","AVB.R","C"\n"AVA-L",0,1,2\n"AVB-R",3,0,0\n"C",0,5,0\n',
    '"","AVA.L","AVB.R"\n"AVA-L",0,1\n"AVB-R",3,0\n',
])  # fmt: skip
def test_names_that_r_has_changed_in_the_header_are_refused(read, table):
    assert "'AVA-L' and 'AVA.L' (R keeps names with check.names = FALSE)" in refusal(read, table)


def test_ids_of_rows_and_columns_that_differ_are_named(read):
    assert "here are 'AVA' and 'ava'" in refusal(read, ",ava,avb,c\nAVA,0,1,2\nAVB,3,0,0\nC,0,5,0\n")
    text = ",to_A,to_B\nfrom_A,0,1\nfrom_B,3,0\n"
    assert "'from_A' for the row of the column 'to_A'" in refusal(read, text)


def test_whole_floats_in_the_header_are_the_ids_of_rows(read):
    assert edges(read(",1.0,2.0\n1,0,5\n2,3,0\n")) == {("1", "2"): 5, ("2", "1"): 3}


# ---- arrays


def test_different_transmitters_are_no_names(tmp_path):
    np.savez(tmp_path / "a.npz", W=np.ones((3, 3)), nt=np.array(["GABA", "ACh", "Glutamate"]))
    network = read_connectome(tmp_path / "a.npz")
    assert network.signs.tolist() == [-1, 1, -1] and network.names.tolist() == ["neuron0", "neuron1", "neuron2"]


@pytest.mark.parametrize("header", ["pre,post\n", "Source,Target\n"])
def test_the_header_among_the_rows_is_no_edge(read, header):
    text = header + "A,B\nB,C\n" + header + "C,A\nA,B\n"
    assert "row 4: expected an edge, got the names of the columns again" in refusal(read, text)
    first, second = header.strip().split(",")
    assert (first, "A") in edges(read(header + f"{first},A\nA,{second}\nA,B\nA,B\n"))  # neurons of these names
