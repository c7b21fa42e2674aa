"""Sheets of .xlsx workbooks: matrices, edge lists and tables of neurons, as the same tables in a CSV are read."""

import datetime
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome, recognise

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
NAMES = ["AVAL", "AVAR", "I1L", "I2R"]
W = np.array([[0, 2, 0, 1], [0, 0, 3.5, 0], [4, 0, 0, 0], [0, 7, 0, 0]])  # rows are presynaptic
SIGNED = W * np.array([[1], [-1], [1], [1]])


def cells_of(matrix=W, names=NAMES, blanks=True):
    """Header row, first column and entries; zeros are empty cells."""
    return [[None, *names], *([name, *(None if blanks and not entry else entry for entry in row)]
                              for name, row in zip(names, matrix.tolist(), strict=True))]  # fmt: skip


MATRIX = cells_of()
EDGES = [["pre", "post", "weight"]] + [[NAMES[row], NAMES[column], int(2 * W[row, column])]
                                       for row, column in np.argwhere(W)]  # fmt: skip
NEURONS = [["id", "type", "nt"], *([name, "a" if number < 2 else "b", "gaba" if number == 1 else "ach"]
                                  for number, name in enumerate(NAMES))]  # fmt: skip


@pytest.fixture
def workbook(tmp_path):
    """Writes sheets (title -> rows of cells) as an .xlsx file."""

    def write(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title.replace("_", " "))
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return write


def read(path, source="auto", **options):
    return read_connectome(path, source, Options(**options))


def refused(path, text, **options):
    with pytest.raises(FormatError, match=text) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1500
    return str(caught.value)


def unused(connectome):
    return {part.place: part.note for part in parts_of(connectome.provenance) if not part.is_used}


def test_one_sheet_with_a_matrix(workbook):
    connectome = read(workbook(W=MATRIX))
    np.testing.assert_array_equal(connectome.dense(), W.T)
    assert connectome.names.tolist() == NAMES and connectome.provenance["format"] == "matrix"
    part = next(part for part in parts_of(connectome.provenance) if part.use == "weights")
    assert part.place == "book.xlsx:W" and "11 empty cells are zeros" in part.note
    assert [*connectome.provenance["files"]] == ["book.xlsx"]


def test_one_sheet_with_edges(workbook):
    connectome = read(workbook(edges=[["Table S1. Edges of the worm"], [], *EDGES]))
    assert connectome.provenance["format"] == "edge_list"
    np.testing.assert_array_equal(connectome.dense(), 2 * W.T)


def test_sheets_are_the_csv(workbook, tmp_path):
    """Also with whole floats, booleans and names that look like comments."""
    names = ["#1", "50%", "a,b", 'say "x"']
    connectome = read(workbook(W=cells_of(W * 1.0, names)))
    pd.DataFrame(W, names, names).to_csv(tmp_path / "m.csv")
    assert connectome.names.tolist() == names
    np.testing.assert_array_equal(connectome.dense(), W.T)


def test_several_sheets(workbook):
    """The only one with a network; or an error that lists them, until [net] variable names one."""
    path = workbook(Read_me=[["Weights of the worm, measured"], ["by hand"]], W=MATRIX)
    np.testing.assert_array_equal(read(path).dense(), W.T)
    assert [*unused(read(path))] == [*unused(read(path, variable="W"))] == ["book.xlsx:Read me"]
    path = workbook(chemical=MATRIX, gap_junctions=cells_of(W + W.T))
    refused(path, r"expected one sheet with a network, got 2: chemical, gap junctions: name one as \[net\] variable$")
    np.testing.assert_array_equal(read(path, variable="gap junctions").dense(), W + W.T)
    refused(path, r"expected \[net\] variable = one of the sheets chemical, gap junctions, got 'gap'", variable="gap")
    path = workbook(notes=[["a"], ["b"]], more=[["c", "d", "e"], ["f", 1, "g"]])
    refused(path, r"got a workbook of sheets notes, more: name one as \[net\] variable")


def test_a_matrix_and_its_neurons_in_two_sheets(workbook):
    path = workbook(W=MATRIX, neurons=[NEURONS[0], *NEURONS[:0:-1]])
    connectome = read(path)
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert connectome.labels["type"].tolist() == ["a", "a", "b", "b"]
    assert "neurons" in recognise(path).sentence


def test_labels_in_a_workbook(workbook, tmp_path):
    np.save(tmp_path / "m.npy", W)
    connectome = read(tmp_path / "m.npy", labels=str(workbook(neurons=NEURONS)))
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert connectome.names.tolist() == NAMES


def test_titles_of_groups_as_in_cooks_supplement(workbook):
    """Merged titles above and left of the matrix; rows and columns differ; the last row has no totals."""
    groups = [[], [None, None, None, "PHARYNX", None, "SENSORY", None, "MUSCLES"]]
    header = [[None, None, None, *NAMES, "dBWML1"]]
    rows = [[group, None, *row, muscle] for group, row, muscle in
            zip(["PHARYNX", None, "SENSORY", None], MATRIX[1:], [1, None, None, 5], strict=True)]  # fmt: skip
    connectome = read(workbook(herm_chemical=groups + header + rows))
    expected = np.zeros((5, 5))
    expected[:4, :4], expected[[0, 3], 4] = W, (1, 5)
    assert connectome.names.tolist() == [*NAMES, "dBWML1"]
    np.testing.assert_array_equal(connectome.dense(), expected.T)
    assert {f"book.xlsx:herm chemical, {lines} 1 to 2" for lines in ("rows", "columns")} <= {*unused(connectome)}
    totals = [*rows, [None, None, None, 1, 1, 1, 1, 1]]
    refused(workbook(herm_chemical=groups + header + totals),
            r"row 8: expected an id for a row of numbers, got none: name it, or delete it where")  # fmt: skip
    wrong = [*rows[:2], [None, None, "I1L", "x"], rows[3]]
    refused(workbook(herm_chemical=[*groups, *header, *wrong]), "got a table with")


def test_titles_and_notes(workbook):
    """Lines above the header and below an empty row are no neurons."""
    sheet = [["Table S1"], ["counts", "of synapses"], [], *MATRIX, [], ["* by hand"], ["# both sides"]]
    connectome = read(workbook(W=sheet))
    assert connectome.names.tolist() == NAMES
    np.testing.assert_array_equal(connectome.dense(), W.T)
    assert {*unused(connectome)} == {"book.xlsx:W, rows 1 to 3", "book.xlsx:W, rows 9 to 11"}


def test_cells_that_are_no_numbers(workbook):
    date = datetime.datetime(2026, 3, 1)
    for value, text in ((date, "'2026-03-01T00:00:00'"), ("#REF!", "'#REF!'")):
        rows = [row[:] for row in MATRIX]
        rows[2][3] = value
        refused(workbook(W=rows), rf"book\.xlsx:W, row 3, column I1L: expected a number or an empty cell, got {text}$")


def test_formulas_without_results(workbook):
    """A program that writes a formula without computing it leaves no number: it is no zero."""
    rows = [row[:] for row in MATRIX]
    rows[2][3] = "=1+2"
    refused(workbook(W=rows), r"row 3, column 4: expected a value, got a formula without its result: open and save")


def test_other_spreadsheets(tmp_path):
    (tmp_path / "m.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    refused(tmp_path / "m.xls", r"got an old Excel workbook \(\.xls\) or one with a password, which is not read: save")
    with zipfile.ZipFile(tmp_path / "m.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    refused(tmp_path / "m.ods", r"got an OpenDocument spreadsheet \(\.ods\), which is not read: save the sheet as")
    with zipfile.ZipFile(tmp_path / "m.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("word/document.xml", "<x/>")
    refused(tmp_path / "m.xlsx", r"expected an \.xlsx workbook, got one that is damaged or of another kind")


def test_empty_and_damaged_workbooks(workbook):
    refused(workbook(a=[], b=[]), "expected a sheet with cells, got 2 empty ones")
    path = workbook(W=MATRIX)
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "damaged")


def test_a_workbook_without_openpyxl(workbook, monkeypatch):
    path = workbook(W=MATRIX)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    refused(path, r"expected openpyxl to read this \.xlsx workbook, got none installed: pip install .*formats")
