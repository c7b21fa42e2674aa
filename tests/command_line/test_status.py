"""--status: how far an experiment is, told from its folder without a change or a lock."""

import json
import os
from pathlib import Path

import pytest

from randomnet.command_line.status import lines_of
from randomnet.results import FORMAT, ResultsFolder, Share
from randomnet.results import locks as locks_of
from randomnet.results.run_states import experiment_state
from tests.support.runs import ini, run

NEEDS_LIST = pytest.mark.skipif(not locks_of.LOCKS.exists(), reason="needs Linux's list of locks")


def experiment(root, ended, iterations=2, combos=2, workers=1):
    """A folder with the records of some runs: (combo, iteration) -> status and seconds."""
    manifest = {"format": FORMAT, "name": "test", "kind": "train", "seed": 0, "iterations": iterations,
                "created": f"2026-01-0{combos}", "combos": [
                    {"combo": combo, "values": {"g": combo}, "settings": {}} for combo in range(combos)]}  # fmt: skip
    folder = ResultsFolder(root)
    folder.write_plan(manifest, f"[experiment]\nkind = train\n[execution]\nworkers = {workers}  ; of 8\nthreads = 2\n")
    for (combo, iteration), (status, seconds) in ended.items():
        run_folder = folder.run(combo, iteration)
        run_folder.create()
        run_folder.finish({"status": status, "summary": {"seconds": seconds}, "reason": "why" * (status == "failed")})
    return folder


def contents(root):
    """All files, with their times and bytes."""
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in Path(root).rglob("*")}


ENDED = {(0, 0): ("complete", 10.0), (0, 1): ("diverged", 20.0), (1, 0): ("stopped by halving", 40.0),
         (1, 1): ("failed", 999.0), (2, 0): ("unbounded", 60.0)}  # fmt: skip


def test_every_run_is_counted_once_under_how_it_ended(tmp_path):
    folder = experiment(tmp_path / "a", ENDED, combos=4)
    folder.run(2, 1).create()
    said = lines_of(tmp_path / "a")
    assert said[0] == f"{tmp_path / 'a'}: test (train), 4 combos x 2 iterations = 8 runs"
    counts = dict(line.strip().rsplit(maxsplit=1) for line in said[1:5])
    assert counts == {"complete": "1", "stopped by halving": "1", "diverged": "1", "unbounded": "1"}
    assert said[5].split() == ["failed", "1", "combo", "1", "iteration", "1", "(why)"]
    assert said[6].split() == ["begun", "1", "combo", "2", "iteration", "1"]
    assert said[7].split() == ["missing", "2"]


@pytest.mark.parametrize(("workers", "left"), [(1, 60 + 2 * 32.5), (2, (60 + 65) / 2), (64, (60 + 65) / 3)])
def test_the_time_left_is_that_of_equal_runs_by_the_workers(tmp_path, workers, left):
    """Of combo 2 a run took 60 s; of combo 3 none has ended, and the mean of all is 32.5 s. Failed runs say nothing."""
    experiment(tmp_path, ENDED, combos=4, workers=workers)
    state = experiment_state(tmp_path)
    assert state.seconds_left() == pytest.approx(left)
    assert f"for 3 runs on {min(workers, 3)} worker" in lines_of(tmp_path)[-1]


def test_auto_is_a_worker_for_the_threads_of_the_cores(tmp_path):
    experiment(tmp_path, ENDED, workers="auto")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert experiment_state(tmp_path).workers == max(1, cores // 2)


def test_before_the_first_run_has_ended_the_time_is_unknown_and_at_the_end_nothing_is_left(tmp_path):
    experiment(tmp_path / "a", {})
    assert "how long is known once one has ended" in lines_of(tmp_path / "a")[-1]
    experiment(tmp_path / "b", {(0, 0): ("complete", 1.0)}, iterations=1, combos=1)
    assert lines_of(tmp_path / "b")[-1] == "  nothing is left"
    experiment(tmp_path / "c", {(0, 0): ("failed", 1.0)}, iterations=1, combos=1)
    assert lines_of(tmp_path / "c")[-1] == "  nothing is left, but --retry-failed repeats failed runs"


@NEEDS_LIST
@pytest.mark.parametrize("share", [None, Share(1, 2)])
def test_runs_are_running_while_a_process_holds_a_lock(tmp_path, share):
    folder = experiment(tmp_path, ENDED, combos=4)
    folder.run(2, 1).create()
    with folder.lock(share):
        said = lines_of(tmp_path)
        assert "  A process is working here" in said and any(line.split()[:2] == ["running", "1"] for line in said)
    said = lines_of(tmp_path)
    assert any("No process of this machine is working here (last change " in line for line in said)
    assert any(line.split()[:2] == ["begun", "1"] for line in said)


@NEEDS_LIST
def test_two_shares_have_the_workers_of_both(tmp_path):
    folder = experiment(tmp_path, {(0, 0): ("complete", 10.0)}, combos=3, workers=2)
    with folder.lock(Share(1, 2)), folder.lock(Share(2, 2)):
        assert experiment_state(tmp_path).workers == 4


def test_where_the_system_lists_no_locks_it_is_unknown(tmp_path, monkeypatch):
    experiment(tmp_path, {(0, 0): ("complete", 10.0)})
    monkeypatch.setattr(locks_of, "LOCKS", tmp_path / "none")
    assert any("Whether a process is working here is unknown" in line for line in lines_of(tmp_path))


def test_nothing_is_written_and_no_lock_is_taken(tmp_path, monkeypatch, capsys):
    folder = experiment(tmp_path / "a", ENDED, combos=4)
    folder.run(2, 1).create()
    before = contents(tmp_path)
    monkeypatch.setattr("filelock.FileLock.acquire", lambda *_, **__: pytest.fail("a lock was taken"))
    assert run("--status", tmp_path / "a") == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'a'}: test (train)")
    assert contents(tmp_path) == before


def test_a_pipeline_has_its_stages_in_their_order(tmp_path):
    experiment(tmp_path / "b", {(0, 0): ("complete", 1.0)}, iterations=1, combos=1)
    experiment(tmp_path / "a", {}, combos=2)
    first = [line for line in lines_of(tmp_path) if not line.startswith("  ")]
    assert [Path(line.split(":")[0]).name for line in first] == ["b", "a"], "by when they were created"
    stages = "stages =\n    c: c.ini\n    a: a.ini\n    b: b.ini\n"
    (tmp_path / "config.ini").write_text(f"[experiment]\nkind = pipeline\n[pipeline]\n{stages}")
    said = [line for line in lines_of(tmp_path) if not line.startswith("  ")]
    assert said[0] == f"{tmp_path / 'c'}: not begun"
    assert [Path(line.split(":")[0]).name for line in said] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda path: None, "got no such folder"),
        (lambda path: path.write_text("no"), "got a file"),
        (lambda path: path.mkdir(), "got a folder without"),
        (lambda path: (path.mkdir(), (path / "manifest.json").write_text("{")), "manifest.json"),
        (lambda path: (path.mkdir(), (path / "manifest.json").write_text("[]")), "manifest.json"),
        (lambda path: (path.mkdir(), (path / "manifest.json").write_text('{"format": 99}')), "format"),
        (lambda path: (path.mkdir(), (path / "manifest.json").write_text(json.dumps({"format": 1, "combos": [1]}))),
         "expected an entry iterations"),
    ],
    ids=["nothing", "file", "empty", "no json", "a list", "another format", "damaged"],
)  # fmt: skip
def test_a_wrong_folder_is_one_line_and_2(tmp_path, capsys, make, got):
    make(tmp_path / "x")
    assert run("--status", tmp_path / "x") == 2
    said = capsys.readouterr()
    assert not said.out and len(said.err.splitlines()) == 1
    assert said.err.startswith(f"error: --status {tmp_path / 'x'}: ") and got in said.err


def test_an_experiment_that_was_carried_out_is_complete(tmp_path, capsys):
    path = ini(tmp_path, epochs=1)
    assert run(path, "--set", 'combosparams.combos_params={"optimizer": ["Adam"]}') == 0
    capsys.readouterr()
    assert run("--status", tmp_path / "a") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["complete", "2"] and said[-1] == "  nothing is left"
