"""The list of file formats in the docs, and a format that is added from outside."""


import numpy as np
import pytest

from randomnet.connectome import from_dense
from randomnet.formats import FORMATS, SIGN_POLICIES, Format, read_connectome, recognise
from tests.support.paths import ROOT


def rows_of_page():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    return [line for line in page.splitlines() if line.startswith("| `")]


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def test_the_list_of_formats_is_made_from_the_rows():
    expected = [line(f"`{name}`", row.content, row.roi, row.signs, row.needs, row.source)
                for name, row in FORMATS.items()]  # fmt: skip
    assert rows_of_page()[: len(FORMATS)] == expected


def test_the_list_of_sign_policies_is_made_from_the_rows():
    expected = [line(f"`{name}`", row.sentence, row.source) for name, row in SIGN_POLICIES.items()]
    assert rows_of_page()[len(FORMATS) :] == expected


@pytest.fixture
def pairs_format(monkeypatch):
    """A format of text files that begin with PAIRS, each line one edge."""

    def read(path, options):
        edges = [tuple(map(int, row.split())) for row in path.read_text().splitlines()[1:]]
        matrix = np.zeros((3, 3))
        for pre, post in edges:
            matrix[post, pre] = 1.0
        return from_dense("pairs", matrix, np.array(["a", "b", "c"]))

    def phrase(path, tables):
        return "a list of pairs" if tables[0].columns[:1] == ("PAIRS",) else ""

    monkeypatch.setitem(FORMATS, "pairs", Format(read, "a list of pairs (PAIRS)", in_tables=phrase))


def test_a_format_of_a_plugin_is_recognised_read_and_listed_in_errors(pairs_format, tmp_path):
    path = tmp_path / "network.pairs"
    path.write_text("PAIRS\n0 1\n2 1\n")
    assert recognise(path) == ("pairs", f"{path} is a list of pairs")
    connectome = read_connectome(path)
    np.testing.assert_array_equal(connectome.dense(), [[0, 0, 0], [1, 0, 1], [0, 0, 0]])
    assert connectome.provenance["format"] == "pairs"
    (tmp_path / "other.bin").write_bytes(b"\0\1")
    with pytest.raises(ValueError, match=r"or a list of pairs \(PAIRS\), got a file of no known kind"):
        recognise(tmp_path / "other.bin")


def test_reading_rows_loads_neither_pandas_nor_torch():
    """So that a wrong INI is reported at once."""
    import subprocess
    import sys

    code = "import sys, randomnet.formats, randomnet.nulls, randomnet.connectome, randomnet.metrics; " \
        "print(*{'torch', 'pandas', 'scipy', 'matplotlib', 'pyarrow'} & {*sys.modules})"  # fmt: skip
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
