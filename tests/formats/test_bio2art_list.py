"""CSV lists as bio2art's from_list reads them, with its errors mended."""

import numpy as np
import pytest

from randomnet.formats import FormatError, Options, read_connectome

ROWS = "a,b,chemical,2.5,x\nb, c ,chemical,1,x\nc,a,chemical,4,x\n"


def read(folder, text, **options):
    (folder / "list.csv").write_text(text)
    return read_connectome(folder / "list.csv", "bio2art_list", Options(**options))


@pytest.mark.parametrize("text", [ROWS, "from,to,type,value,note\n" + ROWS, "a,b,2.5\nb,c,1\nc,a,4\n"])
def test_the_first_column_is_presynaptic_and_every_row_counts(tmp_path, text):
    network = read(tmp_path, text)
    assert network.names.tolist() == ["a", "b", "c"]
    assert np.array_equal(network.dense(), [[0, 0, 4], [2.5, 0, 0], [0, 1, 0]])  # rows are postsynaptic


def test_equal_pairs_are_summed_and_incomplete_rows_counted(tmp_path):
    network = read(tmp_path, ROWS + "a,b,electrical,0.5,x\nc,b,,3,x\n")
    assert network.dense()[1, 0] == 3.0 and network.dense()[1, 2] == 0
    assert network.provenance["rows_incomplete"] == 1 and network.provenance["duplicates_summed"] == 1


def test_negative_values_are_inhibitory_unless_signs_are_ignored(tmp_path):
    text = "a,b,-2\nb,a,1\n"
    assert read(tmp_path, text).dense()[1, 0] == -2
    assert read(tmp_path, text, sign_policy="none").dense()[1, 0] == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a,b\n", r"list\.csv, row 1: expected a CSV of source, target, value, .* got 2 columns"),
        ("a,b,1\nb,a,many\n", r"list\.csv, row 2: .* got the value 'many'"),
        ("a,b,1\nb,a,nan\n", r"list\.csv, row 2: .* got the value 'nan'"),
        ("a,b,nan\nb,a,1\n", r"list\.csv, row 1: .* got the value 'nan'"),
        ("", r"list\.csv: expected a connection with at least 1, got none of 0 rows"),
    ],
)
def test_another_file_is_told_with_its_row(tmp_path, text, error):
    with pytest.raises(FormatError, match=error):
        read(tmp_path, text)
