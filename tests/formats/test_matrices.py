"""Square matrices in files: shapes of tables of text, archives, stacks, and what is refused in one line."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

from randomnet.formats import NOT_USED, FormatError, Options, parts_of, read_connectome, recognise

NAMES = ["AVAL", "AVAR", "I1L", "I2 R"]
W = np.array([[0, 2, 0, 1], [0, 0, 3.5, 0], [4, 0, 0, 0], [0, 7, 0, 0]])  # rows are presynaptic
SIGNED = W * np.array([[1], [-1], [1], [1]])


def frame(matrix=W, rows=NAMES, columns=NAMES):
    return pd.DataFrame(matrix, index=rows, columns=columns)


def written(tmp_path, content, name="m.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path, source="auto", **options):
    return read_connectome(path, source, Options(**options))


def refused(path, text, source="auto", **options):
    with pytest.raises(FormatError, match=text) as caught:
        read(path, source, **options)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 1500
    return message


def notes_of(connectome, use="weights"):
    return " ".join(part.note for part in parts_of(connectome.provenance) if part.use == use)


def same(connectome, matrix=W, names=NAMES):
    """Whether the network is the matrix with rows as sources, between neurons of these names in any order."""
    order = [connectome.names.tolist().index(name) for name in names]
    np.testing.assert_array_equal(connectome.dense()[np.ix_(order, order)], np.asarray(matrix, float).T)
    assert connectome.n == len(names)


# ---- tables of text

SHUFFLED = frame().iloc[[2, 0, 3, 1], [3, 1, 0, 2]]
BLANKS = frame().to_csv().replace("0.0", "")


@pytest.mark.parametrize(
    "text",
    [
        frame().to_csv(),
        frame().to_csv(sep="\t"),
        frame().to_csv(sep=";"),
        frame().to_csv(index_label="pre \\ post"),
        frame().to_csv(index_label="AVAL"),  # a corner that is an id
        SHUFFLED.to_csv(),
        BLANKS,
        frame(rows=[" AVAL", "AVAR  ", "I1L", "I2 R "]).to_csv(),
        frame().to_csv(quoting=1),
        "# exported\n" + frame().to_csv(),
        frame().to_csv(lineterminator="\r\n"),
        "\ufeff" + frame().to_csv(),
        frame().to_csv(index=False),  # names alone as a header
        frame().to_csv(header=False),  # names alone as first column
    ],
)
def test_ids_of_rows_and_columns(tmp_path, text):
    path = written(tmp_path, text)
    assert recognise(path).format == "matrix"
    same(read(path))


def test_blanks_are_zeros_and_counted(tmp_path):
    connectome = read(written(tmp_path, BLANKS))
    assert "11 empty cells are zeros" in notes_of(connectome) and "4 x 4, 5 entries" in notes_of(connectome)
    assert "empty cells" not in notes_of(read(written(tmp_path, frame().to_csv())))


@pytest.mark.parametrize("word", ["nan", "NA", "NaN", "inf", "x", "1,5"])
def test_words_among_numbers_are_refused_with_their_cell(tmp_path, word):
    table = frame().astype(object)
    table.loc["I1L", "AVAR"] = word
    path = written(tmp_path, table.to_csv(sep=";"))
    zero = ": write 0 where there is no connection"
    advice = {"1,5": ": numbers have a decimal point, and no other separators", "x": ""}.get(word, zero)
    refused(path, rf"m\.csv, row 4, column AVAR: expected a number or an empty cell, got '{word}'{advice}$")


def test_true_and_false_are_one_and_zero(tmp_path):
    for table in (frame(W > 0), frame((W > 0).astype(str)).replace({"True": "TRUE", "False": ""})):
        same(read(written(tmp_path, table.to_csv())), W > 0)
    same(read(written(tmp_path, frame().astype(object).replace(3.5, True).to_csv())), np.where(W == 3.5, 1, W))


def test_ids_that_only_rows_or_columns_have_are_united(tmp_path):
    """Muscles have only a column, sensory neurons only a row; the counts are said."""
    table = pd.DataFrame([[0, 2, 5], [1, 0, 0], [3, 4, 0]], index=["A", "B", "S"], columns=["B", "A", "M"])
    connectome = read(written(tmp_path, table.to_csv()))
    expected = pd.DataFrame(0.0, index=[*"ABSM"], columns=[*"ABSM"])
    expected.update(table)
    same(connectome, expected.to_numpy() * (1 - np.eye(4)), [*"ABSM"])
    assert "1 neuron has a row and no column (S), which counts as zeros" in notes_of(connectome)
    assert "1 neuron has a column and no row (M)" in notes_of(connectome)


def test_r_artefacts(tmp_path):
    """R puts an X before numbers in a header, and its write.table leaves out the corner."""
    ids = ["101", "102", "103", "7"]
    same(read(written(tmp_path, frame(W, ids, [f"X{name}" for name in ids]).to_csv())), W, ids)
    lines = frame(W, [*NAMES[:3], "I2R"], [*NAMES[:3], "I2R"]).to_csv(sep=" ", quoting=2).splitlines()
    path = written(tmp_path, "\n".join([lines[0].split(" ", 1)[1], *lines[1:]]) + "\n", "m.txt")
    same(read(path), W, [*NAMES[:3], "I2R"])
    names = ["X1", "X2", "Y", "X101"]  # of neurons that are called so
    same(read(written(tmp_path, frame(W, names, names).to_csv())), W, names)


@pytest.mark.parametrize("header", ["", "AVAL AVAR I1L I2R RIS", "neurons of worms"])
@pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
def test_np_savetxt(tmp_path, header, delimiter):
    matrix = np.pad(W, (0, 1))
    names = header.split() if "AVAL" in header else [*"01234"]
    header = delimiter.join(names) if "AVAL" in header else header
    np.savetxt(tmp_path / "m.txt", matrix, header=header, delimiter=delimiter)
    same(read(tmp_path / "m.txt"), matrix, names)


def test_numbers_as_ids_in_the_first_row_or_column(tmp_path):
    many, ids = np.pad(W, (0, 2)), [5, 12, 9, 7, 3, 101]
    same(read(written(tmp_path, frame(many, ids, ids).to_csv(index=False))), many, [*map(str, ids)])
    same(read(written(tmp_path, frame(many, ids, ids).to_csv(header=False))), many, [*map(str, ids)])
    ids = ids[:4]
    same(read(written(tmp_path, frame(W, ids, ids).to_csv())), W, [*map(str, ids)])
    same(read(written(tmp_path, frame(W, [0, 1, 2, 3], [0, 1, 2, 3]).to_csv())), W, [*"0123"])
    floats = frame(W, [5.0, 12.0, 9.0, 7.0], ids)
    same(read(written(tmp_path, floats.to_csv())), W, [*map(str, ids)])


def test_lines_without_a_name(tmp_path):
    """Totals are named by the user or nobody; lines without name and numbers are artefacts."""
    total = frame().assign(**{"": W.sum(1)})
    refused(written(tmp_path, total.to_csv()), "the column after 'I2 R': expected an id for a column .*, got none")
    total = pd.concat([frame(), pd.DataFrame([W.sum(0)], [""], NAMES)])
    refused(written(tmp_path, total.to_csv()), r"row 6: expected an id for a row of numbers, got none: name it, or del")
    lines = frame().to_csv().replace("\n", ",\n") + ",,,,,\n"
    same(read(written(tmp_path, lines)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We measured, in all animals, the weights.\nThey were, as expected, high.\n", "got a table with columns"),
        ("a,b,c\n", "got a table with columns"),
        ("red,green,blue\n", "got a table with columns"),
        ("name,type,x\nA,B,3\nC,D,4\n", "got a table with columns name, type, x"),
        ("x,y\n1,2\n3,4\n", "got a table with columns x, y"),
        ("a,b,c\n1,2,3\n", "got a table with columns a, b, c"),
    ],
)
def test_tables_that_are_no_matrix(tmp_path, text, expected):
    message = refused(written(tmp_path, text), expected)
    assert "a square matrix" in message


def test_an_explicit_source_decides(tmp_path):
    """Three rows of three numbers may be edges; a table whose ids do not meet may be a matrix."""
    path = written(tmp_path, "1,2,5\n2,3,4\n3,1,2\n")
    same(read(path, "matrix"), [[0, 2, 5], [2, 0, 4], [3, 1, 0]], [*"012"])
    path = written(tmp_path, "i,j,w\n0,1,2\n1,2,3\n2,0,1\n")
    refused(path, "got a table with columns i, j, w")
    same(read(path, "matrix", drop_autapses=False), [[0, 1, 2], [1, 2, 3], [2, 0, 1]], [*"ijw"])
    path = written(tmp_path, pd.DataFrame([[1, 2], [3, 0]], index=["A", "B"], columns=["M", "N"]).to_csv())
    refused(path, "got a table with columns")
    same(read(path, "matrix"), [[0, 0, 1, 2], [0, 0, 3, 0], [0] * 4, [0] * 4], [*"ABMN"])


def test_errors_are_short(tmp_path):
    """No whole line of numbers or names, be it of a million columns."""
    names = [f"neuron_with_a_long_name_{number}" for number in range(209)]
    path = written(tmp_path, frame(np.zeros((3, 209)), ["a", "b", "c"], names).to_csv())
    assert len(refused(path, "and 198 more")) < 1500
    wide = ",".join(map(str, range(200_000)))
    path = written(tmp_path, f"{wide}\n{wide}\n")
    refused(path, r"expected a table of at most 100,000 columns, got 200,000; .* or a \.npz")


# ---- arrays


def saved(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float32, ">f8"])
def test_dtypes(tmp_path, dtype):
    matrix = (2 * W).astype(dtype)
    np.testing.assert_array_equal(read(written(tmp_path, npy(matrix), "m.npy")).dense(), matrix.T.astype(float))


RECORDS = np.zeros((3, 3), dtype=[("weight", float), ("count", int)])


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (W + 0j, "expected numbers, got dtype complex128: save its real part or its magnitude"),
        (W.astype(object), r"expected numbers, got dtype object, a pickle .*save it as np\.asarray\(matrix, dtype="),
        (RECORDS, "expected numbers, got a structured array with fields weight, count: save one field"),
        (np.where(W == 2, np.nan, W), r"row 0, column 1 \(from 0\): expected a number, got nan: write 0 where"),
        (np.where(W == 2, np.inf, W), r"row 0, column 1 \(from 0\): expected a number, got inf"),
        (np.full((2, 2), 2**53 + 1, np.uint64), r"row 0, column 0 .*: expected a number of at most 2\^53, got 9\.007"),
        (np.zeros((3, 3)), "expected an entry other than 0, got a matrix of zeros"),
    ],
)
def test_arrays_that_are_no_weights(tmp_path, array, text):
    refused(written(tmp_path, npy(array), "m.npy"), text)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (2, 3), (4,), (), (2, 3, 4), (2, 2, 2, 2)])
def test_shapes_that_are_no_matrix(tmp_path, shape):
    path = written(tmp_path, npy(np.ones(shape)), "m.npy")
    refused(path, rf"got an array of shape \({', '.join(map(str, shape))},?\)")
    sides = ": 2 rows, 3 columns" if shape == (2, 3) else ""
    refused(path, rf"expected a square matrix of at least 2 x 2, got shape .*\){sides}", "matrix")


def test_a_symmetric_matrix_is_said_to_be_undirected(tmp_path):
    connectome = read(written(tmp_path, npy(W + W.T), "m.npy"))
    assert "every connection goes both ways" in connectome.provenance["undirected"]
    assert "symmetric" in notes_of(connectome, "undirected network") and connectome.provenance["directed"] is False
    assert connectome.provenance["rows_because"] == "the matrix is symmetric, so both readings are one"
    for matrix in (W, W - W.T, np.where(W + W.T > 0, W + 1, 0)):
        assert read(written(tmp_path, npy(matrix), "m.npy")).provenance["directed"]
    sparse = scipy.sparse.coo_array(np.triu(W + W.T))
    scipy.sparse.save_npz(tmp_path / "s.npz", sparse + sparse.T)
    assert not read(tmp_path / "s.npz").provenance["directed"]


@pytest.mark.parametrize("name", ["arr_1", "neurons", "roi_names", "labels"])
def test_an_array_of_names_by_any_name(tmp_path, name):
    connectome = read(written(tmp_path, saved(arr_0=W, **{name: np.array(NAMES)[:, None]}), "m.npz"))
    assert connectome.names.tolist() == NAMES and not connectome.labels


@pytest.mark.parametrize("name", ["m.npy", "m.npz"])
def test_compressed_arrays(tmp_path, name):
    """Also as a member of an archive, with a table of neurons beside it."""
    content = npy(W) if name == "m.npy" else saved(W=W)
    expected = read(written(tmp_path, content, name)).sha256()
    assert read(written(tmp_path, gzip.compress(content), f"{name}.gz")).sha256() == expected
    pd.DataFrame({"id": NAMES, "type": [*"abab"]}).to_csv(tmp_path / "neurons.csv", index=False)
    with tarfile.open(tmp_path / "both.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / name, name)
        tar.add(tmp_path / "neurons.csv", "neurons.csv")
    connectome = read(tmp_path / "both.tar.gz")
    same(connectome)
    assert connectome.labels["type"].tolist() == [*"abab"]


# ---- stacks


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("name", ["m.npy", "m.npz"])
def test_stacks(tmp_path, axis, name):
    layers = np.stack([W, SIGNED, 3 * W], axis)
    path = written(tmp_path, npy(layers) if name == "m.npy" else saved(W=layers), name)
    shape = ", ".join(map(str, layers.shape))
    side = "last" if axis else "first"
    refused(path, rf"expected \[net\] layer = 0 to 2 or mean for a stack of shape \({shape}\), the {side} axis of 3 ")
    refused(path, "expected .net. layer = 0 to 2 or mean .*got 3", layer="3")
    np.testing.assert_array_equal(read(path, layer="1").dense(), SIGNED.T)
    np.testing.assert_allclose(read(path, layer="mean").dense(), (4 * W + SIGNED).T / 3)
    assert f"layer 1 of a stack of shape ({shape})" in notes_of(read(path, layer="1"))
    assert f"the mean of a stack of shape ({shape})" in notes_of(read(path, layer="mean"))


def test_layers_of_a_cube_are_on_its_last_axis(tmp_path):
    cube = np.arange(1, 28, dtype=float).reshape(3, 3, 3)
    connectome = read(written(tmp_path, npy(cube), "m.npy"), layer="2", drop_autapses=False)
    np.testing.assert_array_equal(connectome.dense(), cube[:, :, 2].T)
    assert "the last axis of 3 layers" in notes_of(connectome)


def test_one_layer_and_no_layer(tmp_path):
    same(read(written(tmp_path, npy(W[None]), "m.npy")), W, [f"neuron{number}" for number in range(4)])
    path = written(tmp_path, npy(W), "m.npy")
    refused(path, r"expected no layer, as it is one matrix of shape \(4, 4\), got '0'", layer="0")
    refused(written(tmp_path, frame().to_csv()), "expected no layer, as a table has no layers", layer="mean")
    refused(path, "expected no variable, as it holds one matrix, got 'W'", variable="W")
    stack = np.stack([W, np.where(W == 2, np.nan, W)])
    refused(written(tmp_path, npy(stack), "m.npy"), r"row 0, column 1 .*: expected a number, got nan", layer="mean")


# ---- .npz


def test_npz_with_names_and_labels(tmp_path):
    arrays = {"names": np.array(NAMES), "types": np.array(["inter", "inter", "pharynx", ""]),
              "side": np.array([b"L", b"R", b"L", b"R"]), "cluster": np.array([2, 2, 2, 2]),
              "volume": np.array([1.5, 2.5, 3.5, 4.5]), "created": np.array("2026"), "W": W}  # fmt: skip
    connectome = read(written(tmp_path, saved(**arrays), "m.npz"))
    same(connectome)
    labels = {kind: values.tolist() for kind, values in connectome.labels.items()}
    assert labels == {
        "type": ["inter", "inter", "pharynx", "unknown"],
        "side": ["L", "R", "L", "R"],
        "cluster": ["2"] * 4,
    }
    unused = {part.place: part.note for part in parts_of(connectome.provenance) if part.use == NOT_USED}
    assert set(unused) == {"m.npz, array volume", "m.npz, array created"}
    assert {part.place for part in parts_of(connectome.provenance)} == {
        f"m.npz, array {name}" for name in arrays
    }


def test_npz_with_transmitters_and_signs(tmp_path):
    transmitters = np.array(["ach", "GABA", "ach", ""])
    connectome = read(written(tmp_path, saved(W=W, neurotransmitter=transmitters), "m.npz"))
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert connectome.provenance["sign_policy"] == "shiu"
    for signs in (np.array([1, -1, 1, 1]), np.array(["E", "I", "E", "E"])):
        connectome = read(written(tmp_path, saved(W=W, ei=signs), "m.npz"))
        np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
        assert notes_of(connectome, "sign of the neuron's outgoing weights").startswith("3 excitatory, 1 inhibitory")
    refused(written(tmp_path, saved(W=W, ei=np.array([5, 1, 1, 1])), "m.npz"), "array ei: expected a sign .*got '5'")


def test_signs_of_entries_come_before_those_of_neurons(tmp_path):
    arrays = {"W": SIGNED, "neurotransmitter": np.array(["gaba"] * 4), "sign": np.array([-1] * 4)}
    connectome = read(written(tmp_path, saved(**arrays), "m.npz"))
    np.testing.assert_array_equal(connectome.dense(), SIGNED.T)
    assert connectome.labels["neurotransmitter"].tolist() == ["gaba"] * 4
    said = {part.place: part for part in parts_of(connectome.provenance)}
    assert "negative entries" in said["transmitters"].note and said["signs of neurons"].use == NOT_USED


def test_several_matrices_in_an_npz(tmp_path):
    path = written(tmp_path, saved(W=W, distance=W + 1, xyz=np.ones((4, 3))), "m.npz")
    message = refused(path, r"got W \(4, 4\), distance \(4, 4\): name one as \[net\] variable = W")
    assert "xyz" not in message
    np.testing.assert_array_equal(read(path, variable="distance", drop_autapses=False).dense(), (W + 1).T)
    refused(path, r"expected \[net\] variable = an array with a matrix, one of W, distance, got 'w'; did you mean 'W'",
            variable="w")  # fmt: skip
    connectome = read(path, variable="W")
    assert {part.place for part in parts_of(connectome.provenance) if not part.is_used} == {"m.npz, array distance"}
    np.testing.assert_array_equal(connectome.positions, np.ones((4, 3)))
    refused(path, "array xyz: expected a square matrix of at least 2 x 2, got shape", variable="xyz")


def test_members_of_an_npz_that_are_no_arrays(tmp_path):
    content = io.BytesIO(saved(W=W))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("notes.npy", npy(np.array([{"a": 1}], dtype=object)))
        archive.writestr("table.npy", npy(np.zeros(4, dtype=[("id", int), ("x", float)])))
    connectome = read(written(tmp_path, content.getvalue(), "m.npz"))
    unused = {part.place: part.note for part in parts_of(connectome.provenance) if not part.is_used}
    assert set(unused) == {"m.npz, array notes", "m.npz, array table", "m.npz, readme.txt"}
    assert "pickle" in unused["m.npz, array notes"] and "fields id, x" in unused["m.npz, array table"]
    objects = saved(W=W, names=np.array(NAMES, dtype=object))
    refused(written(tmp_path, objects, "m.npz"), r"array names: .*got Python objects, .*np\.array\(names, dtype=str")
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("broken.npy", b"no array")
    refused(written(tmp_path, content.getvalue(), "m.npz"), "array broken: expected a .npz archive of arrays, got")
    torch = io.BytesIO()
    with zipfile.ZipFile(torch, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02")
        archive.writestr("archive/data/0", b"")
    refused(written(tmp_path, torch.getvalue(), "m.pt"), r"a file of torch\.save, which is not read: .*numpy\.save")


def test_sparse_arrays_with_names(tmp_path):
    scipy.sparse.save_npz(tmp_path / "s.npz", scipy.sparse.csr_matrix(SIGNED))
    with zipfile.ZipFile(tmp_path / "s.npz", "a") as archive:
        archive.writestr("names.npy", npy(np.array(NAMES)))
        archive.writestr("type.npy", npy(np.array([*"abab"])))
    connectome = read(tmp_path / "s.npz")
    same(connectome, SIGNED)
    assert connectome.labels["type"].tolist() == [*"abab"] and connectome.provenance["format"] == "sparse"
    scipy.sparse.save_npz(tmp_path / "b.npz", scipy.sparse.bsr_matrix(W))
    refused(tmp_path / "b.npz", r"expected a sparse matrix as csr, csc or coo, got 'bsr': save it as matrix\.tocsr\(\)")


@pytest.mark.parametrize("matrix", [W, W + W.T, scipy.sparse.coo_array(W), scipy.sparse.coo_array(W + W.T)])
def test_matrix_market(tmp_path, matrix):
    scipy.io.mmwrite(tmp_path / "m.mtx", matrix)
    connectome = read(tmp_path / "m.mtx")
    dense = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    np.testing.assert_array_equal(connectome.dense(), dense.T)
    assert connectome.provenance["directed"] == (dense != dense.T).any() and connectome.names[0] == "neuron0"


def test_matrix_market_that_is_damaged_or_has_no_weights(tmp_path):
    head = "%%MatrixMarket matrix coordinate {} general\n% by hand\n3 {} 2\n"
    connectome = read(written(tmp_path, head.format("pattern", 3) + "1 2\n3 1\n", "m.mtx"))
    np.testing.assert_array_equal(connectome.dense(), [[0, 0, 1], [1, 0, 0], [0, 0, 0]])
    assert "the file has no weights, so they are 1" in notes_of(connectome)
    refused(written(tmp_path, head.format("real", 3) + "1 2 5\n", "m.mtx"), "Matrix Market, got one that is damaged")
    refused(written(tmp_path, head.format("real", 4) + "1 2 5\n3 1 4\n", "m.mtx"), "got shape .*3 rows, 4 columns")
    refused(written(tmp_path, head.format("complex", 3) + "1 2 5 1\n3 1 4 0\n", "m.mtx"), "save its real part")


def test_every_part_of_a_matrix_is_listed(tmp_path):
    content = gzip.compress(b"# by hand\n" + frame().to_csv().encode())
    parts = parts_of(read(written(tmp_path, content, "m.csv.gz")).provenance)
    assert [(part.place, part.is_used) for part in parts] == [("m.csv.gz, 1 lines", False), ("m.csv.gz", True)]
    assert "names from header row and first column" in parts[1].note


# ---- parquet and feather


ARROW_FORMS = {
    "index of pandas": (frame().to_parquet, "m.parquet"),
    "ids as first column": (frame().reset_index().to_parquet, "m.parquet"),
    "ids as first column of feather": (frame().reset_index().to_feather, "m.feather"),
    "rows in another order": (frame().iloc[::-1].reset_index().to_feather, "m.feather"),
    "missing for no connection": (frame().replace(0, np.nan).to_parquet, "m.parquet"),
}


@pytest.mark.parametrize("form", ARROW_FORMS)
def test_a_matrix_of_pandas_is_that_of_its_csv(tmp_path, form):
    pytest.importorskip("pyarrow")
    write, name = ARROW_FORMS[form]
    write(tmp_path / name)
    network = read(tmp_path / name)
    same(network)
    assert network.names.tolist() == NAMES and network.provenance["format"] == "matrix"


def test_a_matrix_of_numbers_in_parquet_has_its_columns_as_names(tmp_path):
    pytest.importorskip("pyarrow")
    wide = pd.DataFrame(np.arange(25).reshape(5, 5), columns=list("ABCDE"))
    wide.to_parquet(tmp_path / "m.parquet", index=False)
    network = read(tmp_path / "m.parquet")
    same(network, wide.to_numpy() * (1 - np.eye(5)), list("ABCDE"))  # without connections of neurons with themselves
    wide.iloc[:3, :3].to_parquet(tmp_path / "three.parquet", index=False)  # may be edges
    refused(tmp_path / "three.parquet", "no column is spelled as presynaptic neuron")


def test_the_name_of_the_index_says_what_the_rows_of_parquet_are(tmp_path):
    pytest.importorskip("pyarrow")
    frame().rename_axis("post").to_parquet(tmp_path / "m.parquet")
    same(read(tmp_path / "m.parquet"), W.T)


def test_an_id_twice_in_parquet_is_refused_with_its_row(tmp_path):
    pytest.importorskip("pyarrow")
    twice = frame().reset_index()
    twice.iloc[2, 0] = twice.iloc[0, 0]
    twice.to_parquet(tmp_path / "m.parquet")
    refused(tmp_path / "m.parquet", "row 4, column 1: expected different ids")
