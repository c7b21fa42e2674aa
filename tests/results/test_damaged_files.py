"""Damaged and edited files of a run: arrays and histories end in one line, or count as not written."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from randomnet.results import ResultsError, RunFolder, read_arrays, write_array, write_arrays
from randomnet.results.history import read_history

VALUES = np.arange(300.0).reshape(100, 3)


def arrays_with(path, name, content):
    write_arrays(path, {"exponents": VALUES})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)


def header(shape):
    """Return the header of a .npy of this shape, without values."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["note.txt", "note.npy"])
def test_a_member_that_is_no_array(tmp_path, name):
    path = tmp_path / "arrays.npz"
    arrays_with(path, name, b"hello")
    with pytest.raises(ResultsError, match=r"expected arrays of numbers, got the member 'note\S*', which is no array"):
        read_arrays(path)
    assert np.array_equal(read_arrays(path, ("exponents",))["exponents"], VALUES)


@pytest.mark.parametrize("shape", [(10**15,), (10**6, 10**9), (-4,)])
def test_a_count_that_the_file_does_not_hold(tmp_path, shape):
    path = tmp_path / "arrays.npz"
    arrays_with(path, "many.npy", header(shape))
    with pytest.raises(ResultsError, match="got a damaged file"):
        read_arrays(path)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"[" * 100_000, bytes(2000), b"PK\x03\x04"])
def test_another_kind_of_file(tmp_path, content):
    for name in ("arrays.npz", "trials.npz", "activity.npz"):
        (tmp_path / name).write_bytes(content)
    folder = RunFolder(tmp_path)
    for read in (lambda: folder.arrays, lambda: folder.trials, lambda: folder.activity):
        with pytest.raises(ResultsError) as error:
            read()
        assert str(error.value).startswith(str(tmp_path)) and len(str(error.value).splitlines()) == 1


def test_arrays_that_are_cut_anywhere_or_changed_are_none(tmp_path):
    path = tmp_path / "arrays.npz"
    write_arrays(path, {"exponents": VALUES, "stderr": VALUES})
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        path.write_bytes(whole[: random.integers(len(whole))])
        with pytest.raises(ResultsError):
            read_arrays(path)
    for _ in range(60):
        changed = bytearray(whole)
        changed[random.integers(len(whole))] ^= 255
        path.write_bytes(bytes(changed))
        try:
            found = read_arrays(path)
        except ResultsError:
            continue
        assert all(np.array_equal(array, VALUES) for array in found.values()), "or a byte that says nothing"


def test_arrays_in_a_file_of_their_own(tmp_path):
    write_arrays(tmp_path / "arrays.npz", {"exponents": VALUES})
    write_array(tmp_path / "states.npy", VALUES)
    assert np.array_equal(RunFolder(tmp_path).arrays["states"], VALUES)
    whole = (tmp_path / "states.npy").read_bytes()
    for content in (b"", whole[:60], whole[:-8], header((10**15,)), np.array([{}], dtype=object).dumps()):
        (tmp_path / "states.npy").write_bytes(content)
        with pytest.raises(ResultsError, match=r"states\.npy: expected arrays"):
            _ = RunFolder(tmp_path).arrays


HISTORY = "combo,activation,iteration,epoch,train_loss\n0,relu,0,0,1.5\n0,relu,0,1,\n"


@pytest.mark.parametrize(
    "text",
    [
        HISTORY.replace("1.5", "1.5x"),
        HISTORY.replace("0,1,", "0,0,"),  # an epoch twice
        HISTORY.replace("0,1,", "0,,"),
        HISTORY.replace("epoch", "epochs"),
        HISTORY + "1,2,3,4,5,6,7\n",
        "hello\n",
        "\0" * 500,
        "\xff\xfe" * 20,
        "[" * 100_000,
    ],
)
def test_a_history_that_is_none(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_bytes(HISTORY.encode())
    assert read_history(path)["train_loss"].tolist()[0] == 1.5
    path.write_bytes(text.encode("latin-1"))
    pd.testing.assert_frame_equal(read_history(path), pd.DataFrame())
