"""The tables of a results folder say which options their rows have, so that no join is needed."""

import pandas as pd
import pytest

from randomnet.results import load
from randomnet.results.history import add_option_columns
from tests.support.runs import contents, run
from tests.support.spectral_runs import BASE

GRID = 'combosparams.combos_params={"g": [1.5, 2.5], "lr": [0.1]}'


def begun(tmp_path, kind, *changes):
    ini = tmp_path / "a.ini"
    ini.write_text(BASE.format(kind=kind, out=tmp_path / "out").replace("g = 2\n", ""))
    arguments = [part for change in changes for part in ("--set", change)]
    assert run(ini, *arguments) == 0
    return tmp_path / "out", ini, arguments


def test_spectra_have_the_options_of_their_combo(tmp_path):
    out, *_ = begun(tmp_path, "spectrum", 'combosparams.combos_params={"g": [1.5, 2.5]}', "trainvalidate.iterations=2")
    table = pd.read_csv(out / "spectra.csv")
    assert list(table) == ["combo", "g", "iteration", "index", "exponent", "stderr"]
    assert table.groupby("combo")["g"].unique().map(list).to_dict() == {0: [1.5], 1: [2.5]}
    assert len(table) == 2 * 2 * 12


@pytest.mark.slow
def test_histories_have_the_options_and_old_ones_get_them_when_read(tmp_path):
    changes = (GRID, "trainvalidate.epochs=2", "trainvalidate.iterations=2")
    out, ini, arguments = begun(tmp_path, "train", *changes)
    path = out / "1" / "iter_1" / "history.csv"
    history = pd.read_csv(path)
    assert list(history)[:5] == ["combo", "g", "lr", "iteration", "epoch"]
    assert (history[["combo", "g", "lr", "iteration"]] == [1, 2.5, 0.1, 1]).all(axis=None)
    now = load(out).history
    history.drop(columns=["combo", "g", "lr", "iteration"]).to_csv(path, index=False)  # as earlier versions wrote it
    pd.testing.assert_frame_equal(load(out).history, now)
    before = contents(out), path.read_bytes()
    assert run(ini, *arguments) == 0  # resumes, and leaves the old file as it is
    assert (contents(out), path.read_bytes()) == before


@pytest.mark.parametrize("again", [False, True])
def test_a_column_that_was_measured_keeps_its_name(again):
    rows = add_option_columns(pd.DataFrame({"epoch": [0, 1], "lr": [0.1, 0.05]}), 3, {"lr": 0.1, "nle": "5%"}, 2)
    rows = add_option_columns(rows, 3, {"lr": 0.1, "nle": "5%"}, 2) if again else rows
    assert list(rows) == ["combo", "lr", "nle", "iteration", "epoch"] and list(rows["lr"]) == [0.1, 0.05]
    assert list(rows["combo"]) == [3, 3] and list(rows["nle"]) == ["5%"] * 2
    columns = ["combo", "g", "iteration", "epoch"]
    assert list(add_option_columns(pd.DataFrame({"epoch": []}), 0, {"g": [1, 2]}, 0)) == columns
