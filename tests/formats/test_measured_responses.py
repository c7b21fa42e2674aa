"""Tables of measured responses: spellings of columns and of names, and what is refused in one line."""

import numpy as np
import pytest

from randomnet.formats import FormatError
from randomnet.formats.measured_responses import match_responses, plain_name, read_responses

HEAD = "stimulated,responding,response,q,occurrences\n"
ROWS = "AVAL,AVAR,0.25,0.01,4\nAVAR,DA1,-0.5,0.6,2\n"


def table(folder, text, name="a.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "head",
    ["stimulated,responding,response,q,occurrences", "Stim,Resp,dFF,q_value,n", "source,target,mean response,FDR,count",
     " from , to ,amplitude,padj,trials", "pre\tpost\tdF\tq\tOccurrences"],
)  # fmt: skip
def test_spellings_of_columns(tmp_path, head):
    rows = ROWS.replace(",", "\t") if "\t" in head else ROWS
    measured = read_responses(table(tmp_path, f"{head}\n{rows}"))
    assert measured.stimulated.tolist() == ["AVAL", "AVAR"] and measured.responding.tolist() == ["AVAR", "DA1"]
    assert measured.response.tolist() == [0.25, -0.5] and measured.q.tolist() == [0.01, 0.6]
    assert measured.occurrences.tolist() == [4, 2]


def test_what_a_table_may_lack(tmp_path):
    measured = read_responses(table(tmp_path, "stimulated,responding,q\nA,B,0.1\nB,A,\n"))
    assert np.isnan(measured.response).all() and measured.occurrences.tolist() == [1, 1] and np.isnan(measured.q[1])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("stimulated,q\nA,0.1\n", "expected a column of the responding neuron"),
        ("stimulated,responding,dff\nA,B,1\n", "expected a column of the false discovery rate"),
        (HEAD + "A,B,0.1,1.5,1\n", r"row 2, column q: expected a probability"),
        (HEAD + "A,B,0.1,-0.1,1\n", r"row 2, column q: expected a probability"),
        (HEAD + "A,B,=cmd(),0.1,1\n", "column response: expected a number"),
        (HEAD + "A,B,0.1,0.1,2.5\n", "column occurrences: expected a count"),
        (HEAD + ",B,0.1,0.1,2\n", "column stimulated: expected a name"),
        (HEAD + ROWS + "AVAL,AVAR,1,1,1\n", "row 4: expected one row per pair, got AVAL and AVAR in row 2 too"),
        (HEAD + "A,B,0.1,0.1\n", "row"),
        (HEAD, "a.csv"),
        (b"\x80\x04\x95bad", "a.csv"),
        (b"\x00\x01\x02" * 50, "a.csv"),
        ("q,q,stimulated,responding\n1,1,A,B\n", "expected different names"),
    ],
)
def test_what_is_no_table_of_responses_is_said_in_one_line(tmp_path, text, error):
    with pytest.raises(FormatError, match=error) as raised:
        read_responses(table(tmp_path, text))
    assert "\n" not in str(raised.value) and "a.csv" in str(raised.value)


@pytest.mark.parametrize("name", ["nothing.csv", "."])
def test_a_path_without_a_table(tmp_path, name):
    with pytest.raises(FormatError, match="expected a table with a row per measured pair"):
        read_responses(tmp_path / name)


def test_names_are_matched_to_those_of_the_network(tmp_path):
    rows = "AVAL,DA1,1,0.01,1\nda01,AVAL,1,0.5,1\nAVAL,AVAL,1,0.1,1\nXX,AVAL,1,0.1,1\nAVAL,b1,1,0.2,1\n"
    measured = read_responses(table(tmp_path, HEAD + rows))
    matched = match_responses(measured, np.array(["AVAL ", "DA01", "B1", "B01"]))
    assert matched.unmatched == ("DA1", "XX", "b1", "da01"), "two spellings of a neuron, and two neurons of a spelling"
    assert matched.left_out == 1 and len(matched.q) == 0
    again = read_responses(table(tmp_path, HEAD + "AVAL,DA1,1,0.01,1\n DA1,AVAL,1,0.5,1\nAVAL,AVAL,1,0.1,1\n"))
    matched = match_responses(again, np.array(["X", "AVAL ", "DA01"]))
    assert matched.neurons.tolist() == [1, 2] and matched.unmatched == () and matched.left_out == 1
    assert (matched.stimulated.tolist(), matched.responding.tolist()) == ([0, 1], [1, 0])
    assert matched.q.tolist() == [0.01, 0.5]


def test_plain_names():
    assert plain_name(" DA01 ") == plain_name("da1") == "da1"
    assert plain_name("VB10") == "vb10" and plain_name("R100") == "r100" and plain_name("A0") == "a0"
