"""MATLAB's .mat files, versions 4 to 7.3, against the matrices that they were written from."""

import sys

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from randomnet.formats import FormatError, Options, parts_of, read_connectome, recognise

W = np.array([[0, 2, 0, 1], [0, 0, 3.5, 0], [4, 0, 0, 0], [0, 7, 0, 0]])  # rows are presynaptic
NAMES = ["AVAL", "AVAR", "I1L", "I2R"]


def read(path, **options):
    return read_connectome(path, options=Options(**options))


def refused(path, text, **options):
    with pytest.raises(FormatError, match=text) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1500


def saved(path, **variables):
    scipy.io.savemat(path, variables)
    return path


def cell(texts):
    """A cell array of texts, as a column."""
    return np.array(texts, dtype=object)[:, None]


@pytest.fixture
def mat73(tmp_path):
    """Writes variables as MATLAB does in version 7.3: transposed, texts as numbers, cells as references."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")

    def write(**variables):
        path = tmp_path / "m73.mat"
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, value in variables.items():
                write_variable(file, name, value)
        with open(path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Nov 30 2026 HDF5 schema 1.00 .")
        return path

    def characters(group, name, text):
        codes = group.create_dataset(name, data=np.array([[ord(letter)] for letter in text], np.uint16))
        codes.attrs["MATLAB_class"] = np.bytes_("char")
        return codes

    def write_variable(file, name, value):
        if scipy.sparse.issparse(value):
            sparse = scipy.sparse.csc_array(value)
            group = file.create_group(name)
            group.attrs["MATLAB_class"], group.attrs["MATLAB_sparse"] = np.bytes_("double"), np.uint64(value.shape[0])
            for key, array in (("data", sparse.data), ("ir", sparse.indices), ("jc", sparse.indptr)):
                group[key] = array.astype(float) if key == "data" else array.astype(np.uint64)
        elif isinstance(value, list):
            group = file.require_group("#refs#")
            cells = [characters(group, f"{name}{place}", text) for place, text in enumerate(value)]
            data = file.create_dataset(name, (1, len(value)), dtype=h5py.ref_dtype)
            data[0] = [text.ref for text in cells]
            data.attrs["MATLAB_class"] = np.bytes_("cell")
        else:
            data = file.create_dataset(name, data=value.T)
            kinds = {"f": "double", "b": "logical"}
            data.attrs["MATLAB_class"] = np.bytes_(kinds.get(value.dtype.kind, value.dtype.name))

    return write


@pytest.mark.parametrize("form", ["5", "compressed", "4"])
@pytest.mark.parametrize("rows", ["auto", "target"])
def test_versions_below_7_3(tmp_path, form, rows):
    options = {"format": form} if form in "45" else {"do_compression": True}
    scipy.io.savemat(tmp_path / "m.mat", {"CIJ": W}, **options)
    connectome = read(tmp_path / "m.mat", rows=rows)
    np.testing.assert_array_equal(connectome.dense(), W if rows == "target" else W.T)
    assert recognise(tmp_path / "m.mat").sentence.endswith("a MATLAB file of variables CIJ")


@pytest.mark.parametrize("rows", ["auto", "target"])
def test_version_7_3_is_stored_transposed(mat73, rows):
    connectome = read(mat73(W=W), rows=rows)
    np.testing.assert_array_equal(connectome.dense(), W if rows == "target" else W.T)
    np.testing.assert_array_equal(read(mat73(W=W > 0)).dense(), (W > 0).T)
    np.testing.assert_array_equal(read(mat73(W=(2 * W).astype(np.int16))).dense(), 2 * W.T)


def test_sparse_matrices(tmp_path, mat73):
    matrix = scipy.sparse.csc_array(W)
    np.testing.assert_array_equal(read(saved(tmp_path / "m.mat", A=matrix)).dense(), W.T)
    np.testing.assert_array_equal(read(mat73(A=matrix)).dense(), W.T)


def test_names_and_labels(tmp_path, mat73):
    """Cell arrays of N texts, as rows or columns, and a char matrix; a scalar and a struct are named as unused."""
    for names in (cell(NAMES), cell(NAMES).T, np.array(NAMES)):
        path = saved(tmp_path / "m.mat", connectivity=W, names=names, types=cell([*"abab"]), module=[[1, 1, 1, 1]],
                     info={"year": 2026.0}, fs=1000.0, created="2026")  # fmt: skip
        connectome = read(path)
        assert connectome.names.tolist() == NAMES
        assert connectome.labels["type"].tolist() == [*"abab"] and connectome.labels["module"].tolist() == ["1"] * 4
        unused = {part.place: part.note for part in parts_of(connectome.provenance) if not part.is_used}
        assert set(unused) == {"m.mat, variable info", "m.mat, variable fs", "m.mat, variable created"}
        assert "'-struct'" in unused["m.mat, variable info"]
        np.testing.assert_array_equal(connectome.dense(), W.T)
    connectome = read(mat73(W=W, labels=NAMES, region=["x", "y", "x", "y"], fs=np.array([[1.0]])))
    assert connectome.names.tolist() == NAMES and connectome.labels["region"].tolist() == [*"xyxy"]


def test_several_matrices(tmp_path, mat73):
    for path in (saved(tmp_path / "m.mat", W=W, D=W + 1), mat73(W=W, D=W + 1)):
        refused(path, r"W \(4, 4\)(, D \(4, 4\))?: name one as \[net\] variable = (W|D)" if path.name == "m.mat" else
                r"D \(4, 4\), W \(4, 4\): name one as \[net\] variable = D")  # fmt: skip
        np.testing.assert_array_equal(read(path, variable="W").dense(), W.T)
        refused(path, r"expected \[net\] variable = a variable with a matrix, one of .*got 'V'", variable="V")


def test_stacks(tmp_path, mat73):
    subjects = np.stack([W, 2 * W, 6 * W], 2)
    for path in (saved(tmp_path / "m.mat", SC=subjects), mat73(SC=subjects)):
        refused(path, r"expected \[net\] layer = 0 to 2 or mean for a stack of shape \(4, 4, 3\)")
        np.testing.assert_array_equal(read(path, layer="1").dense(), 2 * W.T)
        np.testing.assert_array_equal(read(path, layer="mean").dense(), 3 * W.T)


def test_files_without_a_matrix(tmp_path, mat73):
    text = r"got a MATLAB file of variables x double \(1, 5\), s struct \(1, 1\): a struct is not read, save its fields"
    refused(saved(tmp_path / "m.mat", x=np.ones(5), s={"W": W}), text)
    with pytest.raises(FormatError, match=r"expected one square matrix, got a MATLAB .* x double \(1, 5\)"):
        read_connectome(saved(tmp_path / "m.mat", x=np.ones(5)), "matrix")
    refused(saved(tmp_path / "m.mat", W=W + 1j), "expected numbers, got dtype complex128: save its real part")
    content = saved(tmp_path / "m.mat", W=W).read_bytes()
    (tmp_path / "m.mat").write_bytes(content[:-40])
    refused(tmp_path / "m.mat", "expected a MATLAB file, got one that is damaged")
    path = mat73(W=W)
    path.write_bytes(path.read_bytes()[:700])
    refused(path, r"expected a MATLAB file of version 7\.3, got one that is damaged")


def test_version_7_3_without_h5py(mat73, monkeypatch):
    path = mat73(W=W)
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused(path, r"expected h5py to read this MATLAB file .*, got none installed: pip install .*formats.*'-v7'")


def test_hdf5_of_other_programs(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["W"] = W
    refused(tmp_path / "m.h5", r"got an HDF5 file, which is not read: save the matrix as \.npy or \.npz")


def test_a_mat_file_runs_nothing(tmp_path, monkeypatch):
    """Only the matrix is unpacked, and no variable of another class than numbers and texts."""
    path = saved(tmp_path / "m.mat", W=W, f=np.array([["print"]], dtype=object), s={"a": 1})
    load, loaded = scipy.io.loadmat, []
    monkeypatch.setattr(scipy.io, "loadmat", lambda *args, **options: loaded.append(options) or load(*args, **options))
    read(path)
    assert [options["variable_names"] for options in loaded] == [["W"]]


@pytest.mark.parametrize("name", ["ids", "names", "bodyId"])
def test_ids_are_floats_in_matlab(tmp_path, name):
    path = tmp_path / "m.mat"
    scipy.io.savemat(path, {"A": np.arange(9.0).reshape(3, 3), name: np.array([101.0, 7.0, 2.0**53])})
    assert read_connectome(path).names.tolist() == ["101", "7", "9007199254740992"]


def test_ids_that_a_float_has_rounded_are_refused(tmp_path):
    path = tmp_path / "m.mat"
    scipy.io.savemat(path, {"A": np.arange(9.0).reshape(3, 3), "ids": np.array([1.0, 2.0, 720575940622838154.0])})
    with pytest.raises(FormatError, match="expected 3 different ids as integers or texts in ids, got 3 of float64"):
        read_connectome(path)
