"""Tables of more columns than a network has neurons: one line, soon."""

import gzip
import time
import zipfile

import numpy as np
import pytest

from randomnet.formats import FormatError, read_connectome

MANY = 300_000


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
def test_a_table_of_too_many_columns_is_refused_at_its_first_line(tmp_path, separator):
    path = tmp_path / "wide.csv"
    path.write_text((separator.join("1" for _ in range(MANY)) + "\n") * 2)
    began = time.perf_counter()
    with pytest.raises(FormatError, match=r"wide\.csv: expected a table of at most 100,000 columns, got 300,000; for"):
        read_connectome(path)
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 20])
def test_a_compressed_file_that_is_cut_in_its_last_bytes(tmp_path, cut):
    rows = "pre,post,weight\n" + "".join(f"n{i % 50},n{i * 7 % 50},{i % 9 + 1}\n" for i in range(3000))
    path = tmp_path / "edges.csv.gz"
    whole = gzip.compress(rows.encode())
    path.write_bytes(whole)
    assert read_connectome(path).n == 50
    path.write_bytes(whole[:-cut])
    with pytest.raises(FormatError, match=r"expected a whole compressed file, got one that is damaged or cut off"):
        read_connectome(path)


def test_a_member_of_an_archive_that_is_no_array(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, weights=1 - np.eye(5))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note.txt", "hello")
    assert read_connectome(path).n == 5, "what is not named weights is not read"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.npy", "hello")
    with pytest.raises(FormatError, match=r"net\.npz, array weights: expected a \.npz archive of arrays"):
        read_connectome(path)
