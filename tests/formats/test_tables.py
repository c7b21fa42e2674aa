"""The text layer: what is a table, with which separator, header and encoding, and what of it is left out."""

import bz2
import csv
import gzip
import io
import lzma
import random
import sys
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError
from randomnet.formats.tables.cells import is_rounded, listed, shown, whole_number, without_r_prefix
from randomnet.formats.tables.reading import id_or_name, read_all, stream, tables_in

BIG = 720575940612453042  # no float of 64 bits is this number
ROWS = [[1, 2, 3], [2, 3, 5], [3, 1, 7]]
EDGES = {"pre": "id", "post": "id", "weight": "weight"}
TEXT = "pre,post,weight\n1,2,3\n2,3,5\n3,1,7\n"


def table_of(tmp_path, content, name="a.csv"):
    """The only table of a file with this content."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (table,) = tables_in(path)
    return table


def rows_of(table, *kinds):
    """The rows of a table whose columns have these kinds, as lists."""
    values = read_all(table, dict(zip(table.columns, kinds, strict=True)))
    return [list(row) for row in zip(*(column.tolist() for column in values.values()), strict=True)]


def places(table):
    return [(part.place, part.use) for part in table.parts]


def refused(text):
    return pytest.raises(FormatError, match=text)


# ---- compression


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def compressed_by_arrow(data, tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="zstd needs pyarrow")
    path = tmp_path / "compressed.zst"
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.CompressedOutputStream(file, "zstd") as stream:
        stream.write(data)
    return path.read_bytes()


PACKERS = {
    "gzip": lambda data, place: gzip.compress(data),
    "bzip2": lambda data, place: bz2.compress(data),
    "xz": lambda data, place: lzma.compress(data),
    "zstd": compressed_by_arrow,
    "zip": lambda data, place: zipped({"folder/": "", "folder/x.txt": data, "__MACOSX/x.txt": "z", ".DS_Store": "y"}),
    "gzip in gzip": lambda data, place: gzip.compress(gzip.compress(data)),
    "xz in zip": lambda data, place: zipped({"x.xz": lzma.compress(data)}),
    "gzip in zstd": lambda data, place: compressed_by_arrow(gzip.compress(data), place),
}


@pytest.mark.parametrize("packer", PACKERS)
def test_compressed_tables(tmp_path, packer):
    """Found by content: the name says nothing."""
    table = table_of(tmp_path, PACKERS[packer](TEXT.encode(), tmp_path))
    assert table.columns == tuple(EDGES) and rows_of(table, "id", "id", "weight") == ROWS


@pytest.mark.parametrize("packer", PACKERS)
def test_compressed_files_that_are_cut_or_altered(tmp_path, packer):
    """In any of the last bytes, or in the checksum; one error, never fewer rows."""
    rng = np.random.default_rng(0)
    rows = "".join(f"{pre},{post},1\n" for pre, post in rng.integers(0, 10**9, (2_000, 2)))
    whole = PACKERS[packer](("pre,post,weight\n" + rows).encode(), tmp_path)
    for end in (1, 2, 4, 7, 8, 9, 12, len(whole) // 2):
        with refused(r"^\S+a\.csv: expected a whole compressed file, got one that is damaged or cut off") as caught:
            read_all(table_of(tmp_path, whole[:-end]), EDGES)
        assert "\n" not in str(caught.value)
    if packer in ("gzip", "bzip2", "xz"):
        place = {"gzip": -8, "bzip2": len(whole) // 2, "xz": len(whole) // 2}[packer]
        altered = bytearray(whole)
        altered[place] ^= 0xFF
        with refused("expected a whole compressed file, got one that is damaged"):
            read_all(table_of(tmp_path, bytes(altered)), EDGES)


@pytest.mark.parametrize("packer", ["gzip", "bzip2", "xz", "zstd", "gzip in gzip"])
def test_tar_archives_in_every_compression(tmp_path, packer):
    """Members may be compressed themselves; an archive that is cut in its last bytes is refused."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in (("x/a.csv", TEXT.encode()), ("x/b.csv.gz", gzip.compress(TEXT.encode()))):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    whole = PACKERS[packer](file.getvalue(), tmp_path)
    path = tmp_path / "archive"
    path.write_bytes(whole)
    tables = tables_in(path)
    assert [table.member for table in tables] == ["x/a.csv", "x/b.csv.gz"]
    assert all(rows_of(table, "id", "id", "weight") == ROWS for table in tables)
    for end in (1, 4, 8):
        path.write_bytes(whole[:-end])
        with refused("archive: expected a whole compressed file, got one that is damaged or cut off"):
            tables_in(path)


def test_layers_without_end(tmp_path):
    data = TEXT.encode()
    for _ in range(4):
        data = gzip.compress(data)
    assert rows_of(table_of(tmp_path, data), "id", "id", "weight") == ROWS
    with refused(r"a\.csv: expected at most 4 layers of compression, got more"):
        table_of(tmp_path, gzip.compress(data))


def test_zstd_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with refused(r"a\.csv: expected pyarrow to read zstd, got none installed: pip install .*formats"):
        table_of(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(20))


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"mimetype": "x", "content.xml": "x"}, "ods"),
        ({"model/data.pkl": "x", "model/data/0": "x"}, "pt"),
        ({"W.npy": "x"}, "npz"),
    ],
)
def test_zip_archives_of_other_kinds(tmp_path, files, kind):
    assert table_of(tmp_path, zipped(files)).kind == kind


def test_a_zip_of_several_files(tmp_path):
    names = {f"{number}.csv": TEXT for number in range(15)}
    text = r"expected a zip archive of one file, got 0\.csv, 1\.csv, .* 11\.csv, \.\.\. and 3 more: unpack it"
    with refused(text):
        table_of(tmp_path, zipped(names))
    (tmp_path / "b.txt").write_text(TEXT)
    assert [table.kind for table in tables_in(tmp_path)] == ["zip", "csv"]  # a folder may hold others
    with refused("a.csv: expected a zip archive of one file, got no file"):
        table_of(tmp_path, zipped({"x/": ""}))


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"\x89HDF\r\n\x1a\n", "hdf5"), (b"MATLAB 5.0 MAT-file, x", "mat"), (b"MATLAB 7.3 MAT-file", "mat73"),
     (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"), (b"%PDF-1.4\n", "pdf"), (b"Rar!\x1a\x07", "rar"), (b"\0\1", ""),
     (b"%%MatrixMarket matrix coordinate real general\n", "mtx")],
)  # fmt: skip
def test_other_kinds_by_their_first_bytes(tmp_path, start, kind):
    assert table_of(tmp_path, start + bytes(100), "a.csv").kind == kind


# ---- separators


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace(",", "\t"),
        TEXT.replace(",", ";"),
        TEXT.replace(",", "|"),
        TEXT.replace(",", " "),
        TEXT.replace(",", "  \t "),
        TEXT.replace(",", ", "),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace(",", " ").replace("\n", "\r"),
        "\ufeff" + TEXT,
        "\n\n" + TEXT.replace("\n", "\n\n"),
        "  pre post weight\n    1    2   3.0\n    2    3   5.0\n    3    1   7.0\n",
        '"pre" "post" "weight"\n1 2 3\n2 3 5\n3 1 7\n',
        '"pre","post","weight"\n"1","2","3"\n"2","3","5"\n"3","1","7"\n',
        TEXT.replace("\n", ",\n"),
        TEXT.replace("7\n", "7").replace("3\n", "3,\n").replace("5\n", "5,\n").replace("7", "7,"),
        TEXT.replace("weight\n", "weight,\n"),
        "pre;post;weight;;\n1;2;3;;\n2;3;5;;\n3;1;7;;\n",
        "|pre|post|weight|\n|1|2|3|\n|2|3|5|\n|3|1|7|\n",
        "sep=;\r\n" + TEXT.replace(",", ";"),
        "\ufeffsep=,\n" + TEXT,
    ],
)
def test_separators_and_line_ends(tmp_path, text):
    table = table_of(tmp_path, text)
    assert table.columns == tuple(EDGES) and table.headed
    assert rows_of(table, "id", "id", "weight") == ROWS


def test_names_with_spaces_and_separators(tmp_path):
    """The separator is the one with which all rows have the same number of cells."""
    table = table_of(tmp_path, 'name,type,nt\nKenyon cell 1,"a; b, c",x|y\nPN left,d e,z\n')
    assert rows_of(table, "text", "text", "text") == [["Kenyon cell 1", "a; b, c", "x|y"], ["PN left", "d e", "z"]]
    table = table_of(tmp_path, "name;position\nA;1,5 mm\nB;2,5 mm\n")
    assert rows_of(table, "text", "text") == [["A", "1,5 mm"], ["B", "2,5 mm"]]
    table = table_of(tmp_path, 'pre post weight\n"I1 L" I2L 3\nI2L "a ""b""" 4\n')
    assert table.separator == " " and rows_of(table, "name", "name", "count") == [["I1 L", "I2L", 3],
                                                                              ["I2L", 'a "b"', 4]]  # fmt: skip
    table = table_of(tmp_path, "name\ttype\tnt\nx y\t\tz\n\tu v w\tz\n")
    assert rows_of(table, "text", "text", "text") == [["x y", "", "z"], ["", "u v w", "z"]]


def test_one_column(tmp_path):
    table = table_of(tmp_path, "type\nKenyon cell\nprojection neuron\n")
    assert table.columns == ("type",) and rows_of(table, "text") == [["Kenyon cell"], ["projection neuron"]]
    table = table_of(tmp_path, "ADAL\nADAR\n")
    assert not table.headed and rows_of(table, "name") == [["ADAL"], ["ADAR"]]


def test_savetxt(tmp_path):
    """Matrices of NumPy, with its default format and with aligned columns; with and without a header."""
    matrix = np.random.default_rng(1).normal(size=(4, 4))
    for options in ({}, {"fmt": "%12.5g"}, {"delimiter": "\t"}, {"delimiter": ","}, {"header": "made by me"}):
        np.savetxt(tmp_path / "m.txt", matrix, **options)
        (table,) = tables_in(tmp_path / "m.txt")
        assert table.columns == ("1", "2", "3", "4") and not table.headed
        np.testing.assert_allclose(rows_of(table, *["signed"] * 4), matrix, rtol=1e-4)


# ---- comments


@pytest.mark.parametrize("separator", [",", " ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_comments_are_skipped_wherever_they_are(tmp_path, separator, end, quote):
    """A # inside a row is no comment; the rows of errors are those of the file."""
    rows = ["# Made on Monday, by me", "name,n", "% one", f"{quote}a#1{quote},1", "  # two, 3", "b%,2", "", "#", "c,3"]
    text = end.join(row if row[:3] in ("# M", "  #") else row.replace(",", separator) for row in rows) + end
    table = table_of(tmp_path, text)
    assert rows_of(table, "name", "count") == [["a#1", 1], ["b%", 2], ["c", 3]]
    assert places(table) == [("a.csv, 4 lines", "not used")]
    with refused(r"row 9, column n: expected a count >= 0 as a whole number, got 'x'"):
        read_all(table_of(tmp_path, text.replace(f"c{separator}3", f"c{separator}x")), {"n": "count"})


def test_a_comment_like_line_inside_a_quoted_cell_stays(tmp_path):
    table = table_of(tmp_path, '# by me\nname,n\n"a\n# b",1\n"#c",2\n')
    assert rows_of(table, "text", "count") == [["a\n# b", 1], ["#c", 2]]
    assert [part.place for part in table.parts] == ["a.csv, 1 lines"]


@pytest.mark.parametrize(
    "text",
    ["# pre post weight\n1 2 3\n2 3 5\n3 1 7\n", "#pre,post,weight\n1,2,3\n2,3,5\n3,1,7\n",
     "# made by me\n%\n% pre, post, weight\n1,2,3\n2,3,5\n3,1,7\n", "# pre post weight\n1,2,3\n2,3,5\n3,1,7\n"],
)  # fmt: skip
def test_a_header_in_a_comment(tmp_path, text):
    table = table_of(tmp_path, text)
    assert table.columns == tuple(EDGES) and rows_of(table, "id", "id", "weight") == ROWS
    assert (f"a.csv, row {text.count('#') + text.count('%')}", "header") in places(table)


@pytest.mark.parametrize("comment", ["# made by me", "% 3 3 3", "# pre post", "# pre pre weight", "#"])
def test_comments_that_are_no_header(tmp_path, comment):
    table = table_of(tmp_path, f"{comment}\n1 2 3\n2 3 5\n3 1 7\n")
    assert table.columns == ("1", "2", "3") and rows_of(table, "id", "id", "weight") == ROWS
    assert places(table) == [("a.csv", "table without header"), ("a.csv, 1 lines", "not used")]


# ---- headers


@pytest.mark.parametrize("title", ["Table S1. Connections of the worm,,", "Connections of the worm", ",Connections,"])
def test_a_title_above_the_header(tmp_path, title):
    table = table_of(tmp_path, title + "\n" + TEXT)
    assert table.columns == tuple(EDGES) and rows_of(table, "id", "id", "weight") == ROWS
    title = title.strip(",")
    assert [tuple(part) for part in table.parts] == [("a.csv, row 1", "not used", f"a title above the header: {title}")]
    with refused("row 6, column pre: expected an id .* got 'x'"):
        read_all(table_of(tmp_path, title + "\n" + TEXT + "x,1,1\n"), {"pre": "id"})


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a b w\n1 2 3\n", ("a", "b", "w")),
        ("1 2 3\n4 5 6\n", None),
        ("ADAL ADAR 6\nADAR AVAL 2\n", None),
        ("ADAL ADAR 6\n", None),
        ("ADAL,ADAR\nADAR,AVAL\n", None),
        ("Source,Target\nADAR,AVAL\n", ("Source", "Target")),
        ("pre\tpost\tnt\nADAL\tADAR\tACh\n", ("pre", "post", "nt")),
        ("cell A,cell B,strength\nADAR,AVAL,2\n", ("cell A", "cell B", "strength")),
        ("x,y\nADAR,2\nAVAL,NA\n", ("x", "y")),
        ("pre,post,weight\n", ("pre", "post", "weight")),
        ("nan,2\n3,4\n", None),
        ("ADAL,ADAR,\nADAR,AVAL,3\n", None),
        (",11,12\n11,0,2\n12,3,0\n", ("", "11", "12")),
        (",A,B\nA,0,2\nB,3,0\n", ("", "A", "B")),
        ("id,11,12\n11,0,2\n12,3,0\n", ("id", "11", "12")),
        ("0,1\n1,0\n", None),
        ("Z,AVAL\nADAR,AVAL\n", None),  # a neuron, whatever x, y and z mean elsewhere
        ("Cell,Area\nArea,Cell\n", None),
    ],
)
def test_headed_or_not(tmp_path, text, columns):
    table = table_of(tmp_path, text)
    assert table.headed == (columns is not None)
    rows = text.count("\n") - table.headed
    if columns is None:
        columns = tuple(str(number + 1) for number in range(len(table.columns)))
        assert ("a.csv", "table without header") in places(table)
    assert table.columns == columns
    assert len(rows_of(table, *["text"] * len(columns))) == rows
    assert table.first == (tuple(rows_of(table, *["text"] * len(columns))[0]) if rows else ())


def test_the_rows_of_errors_of_a_table_without_header(tmp_path):
    table = table_of(tmp_path, "# x\n1 2 3\n\n4 y 6\n")
    with refused(r"a\.csv, row 4, column 2: expected an id as a whole number of 64 bits, got 'y'"):
        read_all(table, {"1": "id", "2": "id"})
    assert list(table_of(tmp_path, "# x\n1 2 3\n\n4 2 6\n").rows_of("2", 2)) == [2, 4]


# ---- artefacts of pandas, R and spreadsheets


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (",pre,post,weight\n0,1,2,3\n1,2,3,5\n2,3,1,7\n", "whole numbers without a name, an index"),
        ("Unnamed: 0,pre,post,weight\n0,1,2,3\n1,2,3,5\n2,3,1,7\n", "whole numbers without a name, an index"),
        ('"","pre","post","weight"\n"1",1,2,3\n"2",2,3,5\n"3",3,1,7\n', "whole numbers without a name, an index"),
        ('"pre" "post" "weight"\n"1" 1 2 3\n"2" 2 3 5\n"3" 3 1 7\n', "row names, as R writes them"),
        (",pre,post,weight\n10,1,2,3\n70,2,3,5\n71,3,1,7\n", "whole numbers without a name, an index"),
        ("pre\tpost\tweight\n1\t1\t2\t3\n2\t2\t3\t5\n3\t3\t1\t7\n", "row names, as R writes them"),
    ],
)
def test_index_columns_are_left_out(tmp_path, text, note):
    table = table_of(tmp_path, text)
    assert table.columns == tuple(EDGES) and rows_of(table, "id", "id", "weight") == ROWS
    assert [tuple(part) for part in table.parts] == [("a.csv, column 1", "not used", note)]


def test_first_columns_without_name_that_are_no_index(tmp_path):
    """The ids of a matrix, and the only ids of neurons."""
    matrix = pd.DataFrame([[0, 2], [3, 0]])
    assert table_of(tmp_path, matrix.to_csv()).columns == ("", "0", "1")
    assert table_of(tmp_path, ",type\n0,KC\n1,PN\n").columns == ("", "type")
    assert table_of(tmp_path, ",id,type\n0,7,KC\n1,8,PN\n").columns == ("", "id", "type")  # edges tell which has ids
    assert table_of(tmp_path, ",Completed\n7,True\n8,True\n").columns == ("", "Completed")
    assert table_of(tmp_path, ",pre,post\nA,1,2\nB,2,1\n").columns == ("", "pre", "post")
    assert table_of(tmp_path, ",pre,post,1\npre,0,1,2\npost,2,0,1\n1,1,1,0\n").columns[0] == ""


def test_row_names_of_r(tmp_path):
    table = table_of(tmp_path, '"ADAL" "ADAR"\n"ADAL" 0 2\n"ADAR" 3 0\n')
    assert table.columns == ("", "ADAL", "ADAR")
    assert rows_of(table, "name", "count", "count") == [["ADAL", 0, 2], ["ADAR", 3, 0]]
    assert places(table) == [("a.csv, column 1", "row names")]
    for rows in ("1,2,3,4\n2,1,1,1\n", "1,2,3,4\n"):  # no row names: an error, rather than other ids
        with refused("row 2: expected 3 cells, one per column, got 4"):
            read_all(table_of(tmp_path, "pre,post,weight\n" + rows), EDGES)


def test_a_column_without_name_is_left_out_only_while_it_is_empty(tmp_path):
    rows = "1,2,3,\n" * 30
    assert places(table_of(tmp_path, "pre,post,weight,\n" + rows)) == [("a.csv, column 4", "not used")]
    with refused(r"a\.csv, row 32: expected no cell without a name, got 'x' in column 4, which has no name"):
        read_all(table_of(tmp_path, "pre,post,weight,\n" + rows + "1,2,3,x\n"), EDGES)


def test_blanks_of_a_matrix_are_no_trailing_separators(tmp_path):
    assert len(table_of(tmp_path, "0,1,\n2,0,\n1,4,\n").columns) == 3


def test_prefixes_of_r():
    assert without_r_prefix(["X101", "X7"], ["7", "101"]) == ("101", "7")
    assert without_r_prefix(["X101", "X7"], ["7", "101", "8"]) == ("101", "7")
    assert without_r_prefix(["X101", "X7"], ["X7", "X101"]) == ("X101", "X7")
    assert without_r_prefix(["X101", "AVAL"], ["101"]) == ("X101", "AVAL")
    assert without_r_prefix([], []) == ()


# ---- numbers


def test_whole_numbers_that_are_written_as_floats(tmp_path):
    """Also where the first of them comes late, and beside ids that no float can hold."""
    rows = "".join(f"{BIG + number},1.0,{number}\n" for number in range(10))
    table = table_of(tmp_path, "pre,post,n\n" + rows + f"3.,{BIG},5.0\n")
    values = read_all(table, {"pre": "id", "post": "id", "n": "count"})
    assert values["pre"].tolist() == [*range(BIG, BIG + 10), 3]
    assert values["post"].tolist() == [1] * 10 + [BIG] and values["n"].tolist() == [*range(10), 5]
    assert all(column.dtype == np.int64 for column in values.values())


def test_floats_that_begin_in_a_later_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("randomnet.formats.tables.text.CELLS", 30)
    rows = [(BIG + number, number) for number in range(40)]
    text = "".join(f"{pre},{post}{'.0' * (post > 20)}\n" for pre, post in rows)
    table = table_of(tmp_path, "pre,post\n" + text)
    assert rows_of(table, "id", "id") == [list(row) for row in rows]
    assert [len(chunk["pre"]) for chunk in stream(table, {"pre": "id", "post": "id"})] == [15, 15, 10]


@pytest.mark.parametrize("cell", ["7.2E+17", "7.2e3", "1.5", "9007199254740993.0", "x", "", "1 2", "0x10"])
def test_ids_that_are_not_exact(tmp_path, cell):
    with refused("row 3, column pre: expected an id as a whole number of 64 bits, got ") as caught:
        read_all(table_of(tmp_path, f"pre,post\n1,2\n{cell},2\n"), {"pre": "id", "post": "id"})
    assert ("has rounded them" in str(caught.value)) == ("E" in cell or "e" in cell or ".0" in cell)


def test_single_cells():
    assert [whole_number(cell) for cell in (" 7 ", "7.00", "-7.", "+7", "7e1", "7.1", "", f"{2**63}", f"{-2**63}")] == [
        7, 7, -7, 7, None, None, None, None, -(2**63)]  # fmt: skip
    assert [is_rounded(cell) for cell in ("7.2E+17", "1.5", "7", "720575940612453042.0", "abc")] == [
        True, False, False, True, False]  # fmt: skip


def test_entries_of_a_matrix_may_be_blank(tmp_path):
    table = table_of(tmp_path, "pre,a,b\nx,1,\ny, ,2.5\n")
    values = read_all(table, {"a": "entry", "b": "entry"})
    np.testing.assert_array_equal(values["a"], [1, np.nan])
    np.testing.assert_array_equal(values["b"], [np.nan, 2.5])
    for cell in ("nan", "x", "inf", "1e999"):
        with refused(rf"row 3, column b: expected a number or an empty cell, got '{cell}'"):
            read_all(table_of(tmp_path, f"pre,a,b\nx,1,3\ny,,{cell}\n"), {"b": "entry"})


# ---- names


def test_names_are_without_spaces_around_them(tmp_path):
    """Spaces of any kind, so that `I1L ` is `I1L`; digits stay as they are written."""
    table = table_of(tmp_path, "pre,post,weight\nI1L , I2L\u00a0,1\nI2L,I1L,2\n007 ,7,3\n")
    chunk = next(stream(table, {"pre": "name", "post": "name"}))
    assert isinstance(chunk["pre"], pd.Categorical)
    assert list(chunk["pre"]) == ["I1L", "I2L", "007"] and list(chunk["post"]) == ["I2L", "I1L", "7"]
    assert sorted(chunk["pre"].categories) == ["007", "I1L", "I2L"]


@pytest.mark.parametrize("kind", ["text", "category", "name"])
def test_texts_of_digits_are_as_written(tmp_path, kind):
    """pandas makes numbers of categories."""
    for cells in (["007", "08"], ["1.0", "2"], ["True", "False"], [f"{BIG}", "1e5"], ["1", "x"]):
        table = table_of(tmp_path, "name,n\n" + "".join(f"{cell},1\n" for cell in cells))
        assert read_all(table, {"name": kind})["name"].tolist() == cells


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN"])
def test_cells_that_are_no_names(tmp_path, cell):
    with refused(r"a\.csv, row 4, column pre: expected a name, got "):
        read_all(table_of(tmp_path, f"pre,post,weight\nA,B,1\nB,A,1\n{cell},B,2\n"), {"pre": "name"})


def test_na_is_a_name_among_names(tmp_path):
    assert read_all(table_of(tmp_path, "pre,post,w\nNA,B,1\nB,NA,1\n"), {"pre": "name"})["pre"].tolist() == ["NA", "B"]
    with refused("row 3, column pre: expected a name, got 'NA'"):
        read_all(table_of(tmp_path, "pre,post,w\n1,2,1\nNA,2,1\n"), {"pre": "name"})


def test_ids_or_names(tmp_path):
    def kind(*cells):
        text = "pre,post,w\n" + "".join(f"{cell},1,1\n" for cell in cells)
        return id_or_name(table_of(tmp_path, text), ["pre", "post"])

    numbers = [str(number) for number in range(1, 40)]
    assert kind(*numbers) == "id" and kind("1.0", "2") == "id" and kind("A", "B") == "name"
    assert kind(*numbers, *[f"N{number}" for number in range(9)]) == "name"
    assert kind("NA", "B") == "name" and kind("2.5", "I1L", "I2L") == "name"
    with refused(r"row 41, column pre: expected an id as a whole number of 64 bits, got 'N1'"):
        kind(*numbers, "N1", "N2")
    with refused(r"row 3, column pre: expected an id as a whole number .*got '7\.2E\+17': .*has rounded them"):
        kind("3", "7.2E+17", "7.3E+17", "7.4E+17")
    with refused("row 4, column pre: expected an id as a whole number of 64 bits, got 'NA'"):
        kind("3", "4", "NA")


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_ids_in_columns_of_other_types(tmp_path, kind):
    pytest.importorskip("pyarrow", reason="parquet and feather need pyarrow")

    def table_with(values, name="a"):
        frame = pd.DataFrame({"pre": values, "n": 1})
        getattr(frame, f"to_{kind}")(tmp_path / name)
        return tables_in(tmp_path / name)[0]

    texts = [str(BIG), " 7 ", "8.0"]
    categories = pd.Categorical(texts)
    for values, expected in ((texts, [BIG, 7, 8]), ([3.0, 2.0**53], [3, 2**53]), (categories, [BIG, 7, 8])):
        table = table_with(values)
        assert read_all(table, {"pre": "id"})["pre"].tolist() == expected
        assert id_or_name(table, ["pre"]) == "id"
        assert list(table.rows_of("pre", expected[-1])) == [len(expected) + 1]
    for values in ([3.0, 7.2e17], [3.0, 1.5], [3.0, float("nan")], ["3", "x"], ["3", ""], [True, False]):
        with refused(r"column pre: expected an id as a whole number of 64 bits, got"):
            read_all(table_with(values), {"pre": "id"})
    names = table_with(["I1L ", "I2L", "I1L"])
    assert id_or_name(names, ["pre"]) == "name"
    assert next(stream(names, {"pre": "name"}))["pre"].tolist() == ["I1L", "I2L", "I1L"]
    for value in (None, "", "nan"):
        with refused("row 3, column pre: expected a name, got "):
            read_all(table_with(["A", value, "B"]), {"pre": "name"})
    assert read_all(table_with([5, 6]), {"pre": "name"})["pre"].tolist() == ["5", "6"]


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_binary_tables_inside_others(tmp_path, kind):
    pytest.importorskip("pyarrow", reason="parquet and feather need pyarrow")
    getattr(pd.DataFrame({"pre": [1], "post": [2]}), f"to_{kind}")(tmp_path / "a")
    with refused(rf"b: expected a {kind} file that is not compressed as a whole, got one that is: decompress it"):
        table_of(tmp_path, gzip.compress((tmp_path / "a").read_bytes()), "b")
    with tarfile.open(tmp_path / "c.tar", "w") as tar:
        tar.add(tmp_path / "a", "a")
    (table,) = tables_in(tmp_path / "c.tar")
    with refused(rf"c\.tar:a: expected a {kind} file outside of an archive, got a member of one: unpack it"):
        read_all(table, {"pre": "id"})


# ---- encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_encodings(tmp_path, encoding):
    rows = "".join(f"{number},Zelle {number} \u00fc\n" for number in range(20_000))
    table = table_of(tmp_path, ("id,name\n" + rows).encode(encoding))
    values = read_all(table, {"id": "id", "name": "text"})
    assert values["id"].tolist() == list(range(20_000)) and values["name"][-1] == "Zelle 19999 \u00fc"
    assert [part.use for part in table.parts] == ([] if "8" in encoding else [f"text in {encoding.upper()[:6]}"])


@pytest.mark.parametrize(
    ("text", "row"),
    [("id,Gr\u00f6\u00dfe\n1,2\n", 1), ("id,name\n1,a\n2,M\u00fcller\n", 3), ("# \u00e9t\u00e9\nid,n\n1,2\n", 1),
     ("id,n\n" + "1,a\n" * 9_000 + "2,\u00e9\n", 9_002)],
)  # fmt: skip
def test_latin_1(tmp_path, text, row):
    """Also in columns that are not read, and in the header."""
    table = table_of(tmp_path, text.encode("latin-1"))
    with refused(rf"a\.csv, row {row}: expected a table as text in UTF-8, got byte 0x.*iconv -f LATIN1 -t UTF-8"):
        read_all(table, {table.columns[0]: "text"})


def test_a_nul_does_not_cut_a_cell(tmp_path):
    rows = "1,a,2\n" * 999
    for text in (rows + "2,ab\0c,3\n", rows + '2,"ab\0c",3\n'):
        with refused("row 1001: expected a text, got the character NUL in it"):
            read_all(table_of(tmp_path, "id,name,n\n" + text), {"id": "id", "name": "name"})


# ---- random tables


def random_table(rng):
    """The rows of a table of random texts, whole numbers and floats, and its bytes in a random layout."""
    separator, end = rng.choice([",", "\t", ";", "|", " "]), rng.choice(["\n", "\r\n", "\r"])
    is_quoted = rng.choice([True, False])
    letters = "abXYZ019 _#%.-'\u00e9" + rng.choice(["", ",", "|;\t\"", "" if separator == " " else '"\n'])
    names = ["N" + "".join(rng.choices(letters, k=rng.randint(0, 6))) for _ in range(8)]
    rows = [
        [rng.choice(names), rng.choice(names), rng.randint(0, 10**18), rng.gauss(0, 1), rng.choice(["NN", *names])]
        for _ in range(rng.randint(1, 60))
    ]
    lines = []
    for row in [["pre", "post", "n", "w", "note"], *rows]:
        text = io.StringIO()
        must_quote = is_quoted or (separator == " " and "\t" in "".join(map(str, row)))
        quoting = csv.QUOTE_ALL if must_quote else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=separator, quoting=quoting).writerow(row)
        lines.append(text.getvalue().removesuffix("\r\n"))
    for _ in range(rng.randint(0, 3)):
        lines.insert(rng.randint(0, len(lines)), rng.choice(["# by me, and us", "%", "  #", ""]))
    text = end.join(lines) + rng.choice(["", end])
    return rows, text.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))


@pytest.mark.parametrize("seed", range(60))
def test_random_tables_are_what_was_written(tmp_path, monkeypatch, seed):
    """In every separator, line end, way of quoting, encoding; with comments, and read in chunks of any size."""
    rng = random.Random(seed)
    monkeypatch.setattr("randomnet.formats.tables.text.CELLS", rng.choice([7, 50, 2_000_000]))
    rows, content = random_table(rng)
    expected = [[cell.strip() if isinstance(cell, str) else cell for cell in row] for row in rows]
    assert rows_of(table_of(tmp_path, content), "name", "name", "count", "signed", "text") == expected


# ---- errors


def test_errors_are_short(tmp_path):
    assert shown("x" * 50) == "x" * 37 + "..." and shown("a\nb") == "a b"
    assert listed(range(13)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... and 1 more"
    header = ",".join(f"{'column' * 20}{number}" for number in range(209))
    table = table_of(tmp_path, header + "\n" + ",".join("1" * 209) + "\n")
    with refused(r"expected a column pre, got columncolumn.*, \.\.\. and 197 more$") as caught:
        read_all(table, {"pre": "id"})
    assert len(str(caught.value)) < 900
    with refused("got ") as caught:
        read_all(table_of(tmp_path, header + "\n" + ",".join("1" * 208) + ",x\n"), {f"{'column' * 20}208": "id"})
    assert len(str(caught.value)) < 300


def test_very_many_columns(tmp_path):
    """In linear time; a quadratic check would take minutes."""
    n = 50_000
    text = ",".join(f"c{number}" for number in range(n)) + "\n" + ",".join(["1"] * n) + "\n"
    table = table_of(tmp_path, text)
    assert len(table.columns) == n and read_all(table, {"c49999": "id"})["c49999"].tolist() == [1]
    with refused("row 1: expected different names of columns, got 'c0' 2 times"):
        read_all(table_of(tmp_path, text.replace("c1,", "c0,", 1)), {"c49999": "id"})
    with refused(f"row 2: expected {n} cells, one per column, got {n - 1}"):
        read_all(table_of(tmp_path, text[:-3] + "\n"), {"c5": "id"})
