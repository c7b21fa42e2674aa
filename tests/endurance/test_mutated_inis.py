"""INIs with mutated lines: each is refused in one line, or its runs pass the checks; nothing is written."""

import contextlib

import pytest

from randomnet import experiment
from tests.support.endurance import cases, command, generators, is_told, prepared
from tests.support.mutations import mutated_lines
from tests.support.paths import ROOT
from tests.support.small_kinds import KINDS


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A folder, and the text of the INI of every kind and of every template."""
    folder = tmp_path_factory.mktemp("inis")
    for kind in KINDS:
        prepared(folder, kind)
    found = {kind: (folder / f"{kind}.ini").read_text() for kind in KINDS}
    return folder, found | {path.name: path.read_text() for path in sorted((ROOT / "config").glob("*.ini"))}


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "mutated.ini")


@pytest.mark.long
def test_a_mutated_ini_is_refused_in_one_line_or_passes_the_checks(texts, monkeypatch):
    folder, found = texts

    def begun(*arguments, **options):
        raise SystemExit(0)

    monkeypatch.setattr(experiment, "run", begun)
    wrong, before, codes = [], files_of(folder), []
    for case, rng in generators("inis", cases(1000)):
        name = rng.choice(list(found if rng.random() < 0.4 else KINDS))
        (folder / "mutated.ini").write_text(mutated_lines(found[name], rng), encoding="utf-8")
        with contextlib.chdir(folder):
            code, _, err = command("mutated.ini")
        codes.append(code)
        if not is_told(code, err, (0, 2)) or files_of(folder) != before:
            wrong.append((case, name, code, err[-600:]))
            before = files_of(folder)
    print({code: codes.count(code) for code in set(codes)})
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"
