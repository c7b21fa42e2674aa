"""Region matrices: orientation, names, densities, and files that are not what they should be."""

import os
import pickle

import numpy as np
import pytest

from randomnet.build import connectome
from randomnet.formats import (
    FormatError,
    Options,
    parts_of,
    read_connectome,
    read_densities,
    read_region_matrix,
    region_matrices,
)
from randomnet.settings import ConfigError

# name -> regions, edges, what a row of the file is
SHIPPED = {
    "Drosophila": (49, 1950, "source"),
    "Human_Betzel_Normalized": (57, 632, "source"),
    "Macaque_Normalized": (29, 536, "source"),
    "Marmoset_Normalized": (55, 1862, "source"),
    "Mouse_Gamanut_Normalized": (19, 329, "target"),
    "Mouse_Ypma_Oh": (56, 1975, "source"),
}
TINY = np.array([[0.0, 0.5, 0.0], [0.0, 0.0, 0.25], [0.0, 0.0, 0.0]])


@pytest.fixture
def bio2art(connectomes):
    return connectomes / "bio2art"


@pytest.fixture
def tiny(tmp_path):
    """Writes C_Tiny.npy, Names_Tiny.lst and ND_Tiny.npy as given, and returns their folder."""

    def write(matrix=TINY, names=None, densities=None):
        np.save(tmp_path / "C_Tiny.npy", matrix, allow_pickle=True)
        if names is not None:
            (tmp_path / "Names_Tiny.lst").write_bytes(names if isinstance(names, bytes) else pickle.dumps(names))
        if densities is not None:
            np.save(tmp_path / "ND_Tiny.npy", densities)
        return tmp_path

    return write


# ---- orientation


@pytest.mark.parametrize(("rows", "post", "pre"), [("source", 1, 0), ("target", 0, 1), ("auto", 1, 0)])
def test_one_weight_between_two_regions(tiny, rows, post, pre):
    """Row 0, column 1 of the file."""
    read = read_region_matrix(tiny(np.array([[0, 0.5], [0, 0]])), "Tiny", rows)
    expected = np.zeros((2, 2))
    expected[post, pre] = 0.5
    np.testing.assert_array_equal(read.dense(), expected)
    assert read.provenance["rows"] == ("target" if rows == "target" else "source")


def test_the_shipped_matrices_are_there(bio2art):
    assert region_matrices(bio2art) == sorted(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_matrix(bio2art, name):
    regions, edges, rows = SHIPPED[name]
    read = read_region_matrix(bio2art, name)
    file = np.load(bio2art / f"C_{name}.npy")
    np.testing.assert_array_equal(read.dense(), file.T if rows == "source" else file)
    assert (read.n, len(read.weights), read.provenance["rows"]) == (regions, edges, rows)
    assert read.weights.min() > 0 and read.provenance["synthetic"] is False
    assert sorted(read.provenance["files"]) == [f"C_{name}.npy", f"Names_{name}.lst"]
    assert read.labels["region"] is read.names and len(set(read.names)) == regions


@pytest.mark.parametrize("name", ["Macaque_Normalized", "Marmoset_Normalized", "Mouse_Gamanut_Normalized"])
def test_tracer_fractions_of_a_target_sum_to_at_most_one(bio2art, name):
    """What enters an injected region are fractions of the labelled neurons; what leaves one is not bounded."""
    matrix = read_region_matrix(bio2art, name).dense()
    assert matrix.sum(1).max() <= 1 < matrix.sum(0).max()


def test_human_is_symmetric_and_the_undetermined_say_so(bio2art):
    human = read_region_matrix(bio2art, "Human_Betzel_Normalized")
    assert (human.dense() == human.dense().T).all() and "symmetric" in human.provenance["rows_because"]
    for name in ("Drosophila", "Mouse_Ypma_Oh"):
        assert "undetermined" in read_region_matrix(bio2art, name).provenance["rows_because"]


def test_contents_name_the_files_of_a_region_matrix(bio2art):
    def places(name):
        return [part.place for part in parts_of(read_connectome(bio2art, options=Options(roi=name)).provenance)]

    assert places("Drosophila") == ["C_Drosophila.npy", "Names_Drosophila.lst"]
    assert places("Marmoset_Normalized")[2:] == ["ND_Marmoset_Normalized.npy"]


def test_a_shipped_matrix_is_known_by_its_content(bio2art, tmp_path):
    """Under another name it is what it was; changed in one entry, or told so, it is not."""
    (tmp_path / "C_Renamed.npy").write_bytes((bio2art / "C_Mouse_Gamanut_Normalized.npy").read_bytes())
    assert read_region_matrix(tmp_path, "Renamed").provenance["rows"] == "target"
    told = read_region_matrix(tmp_path, "Renamed", "source").provenance
    assert (told["rows"], told["rows_because"]) == ("source", "as set")
    matrix = np.load(tmp_path / "C_Renamed.npy")
    matrix[0, 1] *= 1.001
    np.save(tmp_path / "C_Mouse_Gamanut_Normalized.npy", matrix)
    changed = read_region_matrix(tmp_path, "Mouse_Gamanut_Normalized").provenance
    assert changed["rows"] == "source" and "assumed" in changed["rows_because"]


def test_other_rows(tiny):
    with pytest.raises(ValueError, match=r"rows must be one of auto, source, target, got 'pre'"):
        read_region_matrix(tiny(), "Tiny", "pre")


# ---- a folder of both kinds


def test_a_source_picks_its_kind_in_a_folder_of_both(roi_folder):
    """TINY/ and C_TINY.npy, C_MORE.npy: `auto` cannot choose between the two TINY, a source that insists can."""
    folder = roi_folder().parent
    for name in ("TINY", "MORE"):
        np.save(folder / f"C_{name}.npy", TINY)
    assert connectome._read(folder, "TINY", "flystability", Options()).provenance["source"] == "FlyStability ROI folder"
    for name in ("TINY", "MORE"):
        read = connectome._read(folder, name, "bio2art", Options())
        assert read.provenance["source"] == "bio2art region matrix" and read.name == name
    assert connectome._read(folder, "MORE", "auto", Options()).name == "MORE"
    for name, source, known in (("TINY", "auto", "one network of that name"), ("MORE", "flystability", "it has TINY")):
        with pytest.raises(ConfigError, match=known):
            connectome._read(folder, name, source, Options())
    (folder / "NONE").mkdir()
    with pytest.raises(ConfigError, match=r"got 'NONE'; it has MORE, TINY"):
        connectome._read(folder, "NONE", "bio2art", Options())
    with pytest.raises(ConfigError, match=r"expected the file adjacency_scc\.npy, which is not there"):
        connectome._read(folder, "NONE", "flystability", Options())
    with pytest.raises(ConfigError, match=r"expected region matrices C_<name>\.npy, got none"):
        connectome._read(folder / "NONE", "TINY", "bio2art", Options())


# ---- matrix and names


def test_the_diagonal_is_kept(tiny):
    matrix = TINY + np.diag([0, 0.5, 0])
    assert (read_region_matrix(tiny(matrix), "Tiny").dense() == matrix.T).all()


@pytest.mark.parametrize(
    "names",
    [*(pickle.dumps(["V1", "b c", "é"], protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
     "V1\nb c\né\n".encode(), "V1\r\nb c\r\né\r\n\r\n".encode(), "\ufeff V1\nb c\né".encode()],
    ids=[*(f"protocol {protocol}" for protocol in range(pickle.HIGHEST_PROTOCOL + 1)), "text", "Windows", "BOM"],
)  # fmt: skip
def test_names_pickled_or_as_text(tiny, names):
    assert read_region_matrix(tiny(names=names), "Tiny").names.tolist() == ["V1", "b c", "é"]


def test_regions_without_a_names_file_are_numbered(tiny):
    read = read_region_matrix(tiny(), "Tiny")
    assert read.names.tolist() == ["region0", "region1", "region2"] and "numbered" in read.provenance["region_names"]


class Runs:
    """Unpickles by calling os.system."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrapped", [False, True])
def test_names_run_nothing(tiny, tmp_path, protocol, wrapped):
    content = Runs(f"touch {tmp_path / 'ran'}")
    names = pickle.dumps([content, "b", "c"] if wrapped else content, protocol)
    with pytest.raises(FormatError, match=r"Names_Tiny\.lst: expected .*posix\.system, which is refused"):
        read_region_matrix(tiny(names=names), "Tiny")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a", "b"], r"expected 3 different names, one per region, got 2 \(2 different ones\)"),
        (["a", "b", "b"], r"expected 3 different names, one per region, got 3 \(2 different ones\)"),
        (b"a\nb\n", r"expected 3 different names, .*got 2"),
        (b"", r"expected 3 different names, .*got 0"),
        (["a", "b", 3], "expected names as texts, got 3"),
        (["a", "b", ""], "expected names as texts, got ''"),
        (["a", "b", "c\nd"], r"expected names as texts, got 'c\\nd'"),
        ({"a": 1}, "expected a list of names, got dict"),
        (b"\xff\xfea", "expected a pickled list or a text of one name per line"),
        (b"\x80\x03garbage", "expected a pickled list of names, got UnpicklingError"),
        (pickle.dumps(["a", "b", "c"])[:-4], "expected a pickled list of names"),
    ],
)
def test_names_that_are_not(tiny, names, text):
    with pytest.raises(FormatError, match=rf"Names_Tiny\.lst: {text}") as caught:
        read_region_matrix(tiny(names=names), "Tiny")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        (TINY[:2], r"expected a square matrix .*\(2, 3\)"),
        (np.ones((1, 1)), r"expected a square matrix of at least 2 x 2"),
        (TINY - np.eye(3), r"expected weights >= 0, got -1 in row 0, column 0"),
        (TINY * np.nan, r"expected weights >= 0, got nan in row 0, column 0"),
        (np.eye(3), "expected at least one connection"),
        (TINY.astype(str), "expected numbers"),
        (np.array([["a", None], [1, 2]], dtype=object), r"expected a \.npy array of numbers"),
    ],
)
def test_matrices_that_are_not(tiny, matrix, text):
    with pytest.raises(FormatError, match=rf"C_Tiny\.npy: {text}"):
        read_region_matrix(tiny(matrix), "Tiny")


def test_a_matrix_that_is_missing(tmp_path):
    assert region_matrices(tmp_path) == []
    with pytest.raises(FormatError, match=r"expected the file C_Tiny\.npy, which is not there"):
        read_region_matrix(tmp_path, "Tiny")


# ---- densities

NAMES = np.array(["V1", "V2", "V4"])


def test_marmoset_densities(bio2art):
    regions = read_region_matrix(bio2art, "Marmoset_Normalized").names
    densities = read_densities(bio2art, "Marmoset_Normalized", regions)
    assert densities.shape == (55,) and densities.sum() == pytest.approx(4837703, abs=1)


def test_macaque_densities_are_refused_with_the_regions_names(bio2art):
    regions = read_region_matrix(bio2art, "Macaque_Normalized").names
    missing = regions[np.isnan(np.load(bio2art / "ND_Macaque_Normalized.npy"))]
    listed = ", ".join(f"{name} (nan)" for name in missing)
    with pytest.raises(FormatError, match=r"ND_Macaque_Normalized\.npy: expected a density > 0") as caught:
        read_densities(bio2art, "Macaque_Normalized", regions)
    assert len(missing) == 5 and str(caught.value).endswith(f"got none for {listed}")


@pytest.mark.parametrize(
    ("densities", "text"),
    [
        (np.array([1.0, np.nan, 2.0]), r"expected a density > 0 for every region, got none for V2 \(nan\)"),
        (np.array([1.0, -2.0, 0.0]), r"got none for V2 \(-2\), V4 \(0\)"),
        (np.array([1.0, np.inf, 2.0]), r"got none for V2 \(inf\)"),
        (np.ones(2), r"expected densities of shape \(3,\), one per region, got \(2,\)"),
        (np.ones((3, 1)), r"expected densities of shape \(3,\)"),
        (np.array(["1", "2", "3"]), "expected densities as numbers"),
    ],
)
def test_densities_that_are_not(tiny, densities, text):
    with pytest.raises(FormatError, match=rf"ND_Tiny\.npy: .*{text}"):
        read_densities(tiny(densities=densities), "Tiny", NAMES)


def test_densities_that_are_missing(tiny):
    with pytest.raises(FormatError, match=r"expected the file ND_Tiny\.npy, which is not there"):
        read_densities(tiny(), "Tiny", NAMES)
    assert read_densities(tiny(densities=np.array([3, 1, 2])), "Tiny", NAMES).tolist() == [3.0, 1.0, 2.0]
