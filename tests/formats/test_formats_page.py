"""The list of file formats in the docs, and a format that is added from outside."""

import re

import numpy as np
import pytest

from randomnet.connectome import from_dense
from randomnet.formats import EDGE_ROLES, FORMATS, NODE_ROLES, SIGN_POLICIES, Format, read_connectome, recognise
from randomnet.formats.options import OPTIONAL
from randomnet.schema.plan import read_plan
from tests.support.paths import ROOT


def rows_after(header):
    """The rows of the table in docs/connectomes.md whose header starts so."""
    lines = (ROOT / "docs" / "connectomes.md").read_text(encoding="utf-8").splitlines()
    tables = []
    for start in (place for place, text in enumerate(lines) if text.startswith(header)):
        rest = lines[start + 2 :]
        tables.append(rest[: next((place for place, text in enumerate(rest) if not text.startswith("|")), len(rest))])
    return tables


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def test_the_list_of_formats_is_made_from_the_rows():
    expected = [line(f"`{name}`", row.content, row.roi, row.signs, row.needs, row.source)
                for name, row in FORMATS.items()]  # fmt: skip
    assert rows_after("| source |") == [expected]


def test_the_list_of_sign_policies_is_made_from_the_rows():
    expected = [line(f"`{name}`", row.sentence, row.source) for name, row in SIGN_POLICIES.items()]
    assert rows_after("| sign_policy |") == [expected]


def test_the_list_of_options_says_which_formats_read_them():
    expected = [line(f"`{option}`", ", ".join(name for name, row in FORMATS.items() if option in row.reads))
                for option in OPTIONAL]  # fmt: skip
    assert rows_after("| option |") == [expected]


def test_the_lists_of_roles_are_made_from_their_tables():
    expected = [[line(f"`{name}`", role.use, ", ".join(role.spellings[:8])) for name, role in roles.items()]
                for roles in (EDGE_ROLES, NODE_ROLES)]  # fmt: skip
    assert rows_after("| role |") == expected


def test_the_examples_of_options_on_the_page_are_read(tmp_path):
    """Each option of OPTIONAL has an example, which an INI may contain."""
    page = (ROOT / "docs" / "connectomes.md").read_text(encoding="utf-8")
    examples = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    for option in OPTIONAL:
        assert any(re.search(rf"^{option} = ", text, re.MULTILINE) for text in examples), option
    for text in examples:
        found = [pair.split(" = ", 1) for pair in text.splitlines() if " = " in pair and "path_to" not in pair]
        ini = tmp_path / "a.ini"
        ini.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_network = {tmp_path}\npath_to_results = x\n")
        plan = read_plan(ini, [f"net.{key}={value}" for key, value in found])
        assert all(hasattr(plan.config.net, key) for key, _ in found)


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
    with pytest.raises(ValueError, match=r"pairs; docs/connectomes\.md .*, got a file of no known kind"):
        recognise(tmp_path / "other.bin")


def test_reading_rows_loads_neither_pandas_nor_torch():
    """So that a wrong INI is reported at once."""
    import subprocess
    import sys

    code = "import sys, randomnet.formats, randomnet.nulls, randomnet.connectome, randomnet.metrics; " \
        "print(*{'torch', 'pandas', 'scipy', 'matplotlib', 'pyarrow'} & {*sys.modules})"  # fmt: skip
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
