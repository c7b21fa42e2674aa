"""Which code made a run: the version in the manifest and in each run.json, and a folder resumed by other code."""

import json

import pandas as pd
import pytest

import runrandomnet
from randomnet.experiment import engines, planning
from randomnet.schema.plan import read_plan
from randomnet.version import code_version

INI = """
[experiment]
kind = spectrum
[paths]
path_to_results = {results}
[net]
roi = random
n = 10
[lyapunov]
tsim = 3
transient = 1
frame_transient = 1
[trainvalidate]
iterations = {iterations}
[execution]
workers = 1
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the experiment by code of a version; returns the results folder."""

    def by(version, iterations):
        for module in (planning, engines):
            monkeypatch.setattr(module, "code_version", lambda: version)
        path = tmp_path / "a.ini"
        path.write_text(INI.format(results=tmp_path / "out", iterations=iterations))
        assert runrandomnet.main([str(path)]) == 0
        return tmp_path / "out"

    return by


def record_of(root, iteration):
    return json.loads((root / "0" / f"iter_{iteration}" / "run.json").read_text())


def test_every_run_says_which_code_made_it_and_other_code_goes_on(run, capsys):
    root = run("0.2.0+gaaaaaaaaaa", 1)
    first = (root / "0" / "iter_0" / "arrays.npz").read_bytes()
    assert json.loads((root / "manifest.json").read_text())["versions"]["randomnet"] == "0.2.0+gaaaaaaaaaa"
    assert "made with randomnet" not in "".join(capsys.readouterr())
    run("0.2.0+gbbbbbbbbbb.dirty", 2)
    said = "".join(capsys.readouterr())
    assert "were made with randomnet 0.2.0+gaaaaaaaaaa, not 0.2.0+gbbbbbbbbbb.dirty" in said
    assert [record_of(root, i)["version"] for i in (0, 1)] == ["0.2.0+gaaaaaaaaaa", "0.2.0+gbbbbbbbbbb.dirty"]
    assert (root / "0" / "iter_0" / "arrays.npz").read_bytes() == first
    assert not [name for name in pd.read_csv(root / "summary.csv") if "version" in name]


def test_a_run_that_failed_says_which_code_it_failed_with(tmp_path, run):
    root = run("0.2.0+gaaaaaaaaaa", 1)
    (combo,) = read_plan(tmp_path / "a.ini").combos
    engines.fail(combo.runs()[0], root, "no memory", "")
    assert record_of(root, 0)["version"] == "0.2.0+gaaaaaaaaaa" and record_of(root, 0)["status"] == "failed"


def test_the_version_is_that_of_the_code_that_runs():
    assert planning.versions()["randomnet"] == code_version()
