"""The config.ini of a results folder that was moved, copied or renamed."""

import shutil

import pytest

from tests.support.runs import HALF, files, ini, run

ONE = (*HALF, "--set", "execution.batch_runs=1")


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """A finished experiment under a relative path, moved to another folder."""
    monkeypatch.chdir(tmp_path)
    path = ini(tmp_path, epochs=1)
    path.write_text(path.read_text().replace(f"{tmp_path / 'a'}", "results/a"))
    assert run(path, *ONE) == 0
    (tmp_path / "archive").mkdir()
    (tmp_path / "results" / "a").rename(tmp_path / "archive" / "a")
    return tmp_path / "archive" / "a"


def test_a_moved_folder_is_gone_on_with_where_it_is(moved, tmp_path, capsys):
    runs = {path: content for path, content in files(moved).items() if "iter_" in str(path)}
    assert run("archive/a/config.ini") == 0
    assert "path_to_results: archive/a, in which this INI lies, is taken, not results/a" in capsys.readouterr().out
    assert not (tmp_path / "results" / "a").exists()
    assert {path: content for path, content in files(moved).items() if "iter_" in str(path)} == runs
    shutil.rmtree(moved / "1")
    assert run("archive/a/config.ini") == 0
    assert (moved / "1" / "iter_1" / "run.json").exists()


def test_a_renamed_folder_is_asked_about(moved, tmp_path, capsys):
    moved.rename(moved.with_name("b"))
    assert run("archive/b/config.ini", "--dry-run") == 2
    error = capsys.readouterr().err
    assert "path_to_results: expected archive/b, the results folder that this INI lies in, got results/a" in error
    assert run("archive/b/config.ini", "--dry-run", "--set", "paths.path_to_results=archive/b") == 0


def test_an_ini_beside_no_manifest_is_about_the_folder_that_it_names(moved, tmp_path, capsys):
    shutil.copy(moved / "config.ini", tmp_path / "config.ini")
    assert run("config.ini", "--dry-run") == 0
    assert "results/a" in capsys.readouterr().out.splitlines()[1]
