"""--dry-run answers whatever the results folder holds, and says why a run would be refused."""

import json

import pytest

from tests.support.runs import ini, run

ONE = ("--set", 'combosparams.combos_params={"optimizer": ["Adam"]}', "--set", "trainvalidate.iterations=1")
REFUSED = "Note: a run would be refused. "


def contents(root):
    return {path: path.is_file() and path.read_bytes() for path in root.rglob("*")}


def of_another_experiment(folder):
    assert run(folder.with_suffix(".ini"), *ONE, "--set", "net.g=5", "--set", "trainvalidate.epochs=1") == 0


def of_other_files(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("")


def of_a_manifest(text):
    def make(folder):
        folder.mkdir()
        (folder / "manifest.json").write_text(text)

    return make


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (of_another_experiment, "net.g was 5.0, is 3.0"),
        (of_other_files, "which holds other files (thesis.tex)"),
        (lambda folder: folder.write_text(""), "expected a folder, got the file"),
        (of_a_manifest("{"), "manifest.json"),
        (of_a_manifest(json.dumps({"format": 9, "combos": []})), "got format 9"),
    ],
    ids=["another experiment", "other files", "a file", "a damaged manifest", "another format"],
)
def test_a_dry_run_says_why_a_run_would_be_refused_and_goes_on(tmp_path, capsys, make, why):
    path = ini(tmp_path, epochs=1)
    make(tmp_path / "a")
    before = contents(tmp_path)
    capsys.readouterr()
    assert run(path, *ONE, "--dry-run") == 0
    said = capsys.readouterr()
    [note] = [line for line in said.out.splitlines() if line.startswith(REFUSED)]
    assert why in note and "min on one worker" in said.out and not said.err
    assert contents(tmp_path) == before
    assert run(path, *ONE) == 2, "a run is refused"
    assert why in capsys.readouterr().err and contents(tmp_path) == before


def test_nothing_is_refused_with_fresh_or_where_the_folder_is_new_or_the_same(tmp_path, capsys):
    path = ini(tmp_path, epochs=1)
    assert run(path, *ONE, "--dry-run") == 0
    assert run(path, *ONE) == 0 and run(path, *ONE, "--dry-run") == 0
    assert run(path, *ONE, "--set", "net.g=5", "--dry-run", "--fresh") == 0
    assert REFUSED not in capsys.readouterr().out
    (tmp_path / "a" / "manifest.json").unlink()
    assert run(path, *ONE, "--dry-run", "--fresh") == 0
    assert REFUSED in capsys.readouterr().out, "files of others are not moved aside"


def test_a_pipeline_is_told_likewise(tmp_path, capsys):
    stage = ini(tmp_path, "stage", epochs=1)
    of_other_files(tmp_path / "out")
    path = tmp_path / "pipeline.ini"
    path.write_text(f"[experiment]\nkind = pipeline\n[paths]\npath_to_results = {tmp_path / 'out'}\n"
                    f"[pipeline]\nstages = train: {stage}\n")  # fmt: skip
    assert run(path, "--dry-run") == 0
    said = capsys.readouterr().out
    assert f"{REFUSED}[paths] path_to_results" in said and "min on one worker" in said
    assert run(path) == 2
