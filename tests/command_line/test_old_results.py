"""Results folders of 0.1.0, of commit 8df39c7 and of 0.2.0 go on with a second iteration, their arrays untouched.

They are drawn, too. The later archives have the experiments of tests/support/small_kinds.py.
"""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest

import runrandomnet
import visualization
from randomnet import results
from tests.support.paths import DATA
from tests.support.small_kinds import KINDS as KINDS_OF_NOW
from tests.support.small_kinds import NEEDED, write_ini

NEWER_KINDS = ("predict", "responses")  # than the second archive
ARCHIVE, NEWER, NEWEST = (DATA / f"results_{version}.tar.gz" for version in ("0.1.0", "8df39c7", "0.2.0"))
KINDS = ["spectrum", *(pytest.param(kind, marks=pytest.mark.slow) for kind in
                       ("train", "task", "simulate", "analyse", "record", "fit"))]  # fmt: skip


def extracted(archive, path):
    with tarfile.open(archive) as opened:
        opened.extractall(path, filter="data")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return extracted(ARCHIVE, tmp_path_factory.mktemp("earlier"))


def checksums(root):
    paths = [path for pattern in ("*.np[yz]", "model.pt") for path in root.rglob(pattern) if "_all" not in path.name]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_an_earlier_version_goes_on_and_is_drawn(folder, monkeypatch, capsys, kind):
    monkeypatch.chdir(folder)
    root = folder / "old" / f"r_{kind}"
    before, ended = checksums(root), len(results.load(root).table)
    assert before
    changes = ("--set", "trainvalidate.iterations=2", "--set", "execution.workers=1")
    assert runrandomnet.main([f"old/{kind}.ini", *changes]) == 0
    table = results.load(root).table
    assert len(table) == 2 * ended and (table["status"] == "complete").all()
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before} == before
    figures = folder / f"figures_{kind}"
    names = ("--results_folders", str(root), "--results_labels", "earlier", "--save_figs", str(figures))
    assert visualization.main([*names]) == 0
    assert list(figures.glob("*.png"))
    assert "made with randomnet 0.1.0" in "".join(capsys.readouterr())


FOLDERS = [(NEWER, kind) for kind in KINDS_OF_NOW if kind not in NEWER_KINDS]
FOLDERS += [(NEWEST, kind) for kind in KINDS_OF_NOW]
QUICK = ((NEWER, "task"), (NEWEST, "responses"))


@pytest.mark.parametrize(
    ("archive", "kind"),
    [pytest.param(*each, marks=() if each in QUICK else pytest.mark.slow, id=f"{each[0].name[8:13]}-{each[1]}")
     for each in FOLDERS],
)  # fmt: skip
def test_a_folder_of_every_kind_goes_on_and_is_drawn(tmp_path, monkeypatch, archive, kind):
    monkeypatch.chdir(extracted(archive, tmp_path))
    number = 1 if kind == "compare" else 2  # it compares all runs of its source, which stay those that it compared
    ini, root = write_ini(tmp_path, kind, iterations=number), tmp_path / kind
    for name in NEEDED.get(kind, ()) if number > 1 else ():
        assert runrandomnet.main([write_ini(tmp_path, name, iterations=number).name]) == 0
    before, ended = checksums(root), len(results.load(root).table)
    assert runrandomnet.main([ini.name]) == 0
    table = results.load(root).table
    assert len(table) == number * ended and (table["status"] == "complete").all()
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before} == before
    assert visualization.main(["--results_folders", str(root), "--save_figs", "figures"]) == 0
    assert list((tmp_path / "figures").glob("*.png"))


@pytest.mark.parametrize("kind", ["fit", *(pytest.param(kind, marks=pytest.mark.slow) for kind in
                                           ("train", "task", "predict"))])  # fmt: skip
def test_runs_that_kept_their_state_are_trained_for_more_epochs(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(extracted(NEWEST, tmp_path))
    histories = {path: path.read_bytes() for path in (tmp_path / kind).rglob("history.csv")}
    assert runrandomnet.main([write_ini(tmp_path, kind, epochs=4).name]) == 0
    runs = [json.loads(path.read_text()) for path in (tmp_path / kind).glob("*/iter_*/run.json")]
    assert [(run["status"], run["extended"]) for run in runs] == [("complete", [3])] * len(runs)
    assert not list((tmp_path / kind).rglob("*.damaged"))
    for path, before in histories.items():  # the last row has figures that only the end of a training has
        rows = before.splitlines()[1:-1]
        assert [row.split(b",")[:2] for row in path.read_bytes().splitlines()[1:]][: len(rows)] == [
            row.split(b",")[:2] for row in rows
        ]


@pytest.mark.parametrize("kind", ["task", pytest.param("train", marks=pytest.mark.slow)])
def test_runs_that_kept_no_state_are_not_trained_for_more_epochs(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(extracted(NEWER, tmp_path))
    before = checksums(tmp_path)
    assert runrandomnet.main([write_ini(tmp_path, kind, epochs=5).name]) == 2
    assert "epochs was 3, is 5: expected the state.pt of runs that ended" in capsys.readouterr().err
    assert checksums(tmp_path) == before


def test_a_grid_of_latent_of_an_earlier_version_goes_on_as_one_of_hidden_size(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    root = folder / "old" / "r_grid"
    shutil.copytree(folder / "old" / "r_fit", root)
    for path in (root / "manifest.json", root / "0" / "iter_0" / "run.json"):
        record = json.loads(path.read_text())
        for combo in record.get("combos", ()):
            combo["values"] = {"latent": 3}
        path.write_text(json.dumps({**record, "varied": ["latent"]} if "combos" in record else record))
    before = checksums(root / "0" / "iter_0")
    text = (folder / "old" / "fit.ini").read_text().replace("latent = 3\n", "").replace("r_fit", "r_grid")
    Path("grid.ini").write_text(text + '[combosparams]\ncombos_params = {"latent": [3, 4]}\n')
    assert runrandomnet.main(["grid.ini", "--set", "execution.workers=1"]) == 0
    assert "inference.latent is inference.hidden_size now" in capsys.readouterr().out
    loaded = results.load(root)
    assert loaded.varied == ("hidden_size",) and list(loaded.table["hidden_size"]) == [3, 4]
    assert (loaded.table["status"] == "complete").all() and checksums(root / "0" / "iter_0") == before
    assert "latent" not in loaded.history
    names = ("--results_folders", str(root), "old/r_fit", "--results_labels", "grid", "single")
    assert visualization.main([*names, "--save_figs", "figures"]) == 0
