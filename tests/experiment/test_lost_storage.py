"""A full disk, a folder that is moved or cannot be written, and workers that are killed."""

import dataclasses
import errno
import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest

from randomnet import experiment
from randomnet.experiment import engines
from randomnet.kinds.train import run as train
from randomnet.schema.plan import read_plan
from tests.support.runs import ALONE, EPOCHS, HALF, contents, differing, files, ini, is_worker, run, start, wait_for


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_no_further_run_is_begun_on_a_full_disk(tmp_path, monkeypatch, capsys, number):
    execute, begun = train.KIND.execute, []

    def until_full(runs, *rest):
        begun.append([(each.combo, each.iteration) for each in runs])
        if len(begun) == 2:
            raise OSError(number, os.strerror(number))
        return execute(runs, *rest)

    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=until_full))
    path = ini(tmp_path, epochs=1)
    assert run(path, "--set", "execution.batch_runs=1") == 1
    assert len(begun) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and os.strerror(number) in error and "the same command goes on" in error
    assert len(list((tmp_path / "a").rglob("run.json"))) == 1 and not list((tmp_path / "a").rglob("error.txt"))
    assert run(path, "--set", "execution.batch_runs=1") == 0
    assert len(begun) == 9, "eight runs, one of them twice"


def test_another_error_of_the_system_fails_its_run_only(tmp_path, monkeypatch):
    execute = train.KIND.execute

    def sometimes(runs, *rest):
        if (runs[0].combo, runs[0].iteration) == (0, 0):
            raise FileNotFoundError("the data")
        return execute(runs, *rest)

    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=sometimes))
    assert run(ini(tmp_path, epochs=1), *HALF, "--set", "execution.batch_runs=1") == 1
    assert sorted(pd.read_csv(tmp_path / "a" / "summary.csv")["status"]) == ["complete"] * 3 + ["failed"]


def test_a_deleted_folder_is_not_made_anew(tmp_path, monkeypatch, capsys):
    begun = []

    def delete(runs, *rest):
        begun.append(runs)
        shutil.rmtree(tmp_path / "a")
        raise FileNotFoundError("history.csv")

    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=delete))
    assert run(ini(tmp_path)) == 1
    assert len(begun) == 1 and not (tmp_path / "a").exists()
    assert "the results folder was moved or deleted while its runs went on" in capsys.readouterr().err


def test_a_finished_folder_that_cannot_be_written_is_summarised(tmp_path, monkeypatch, capsys):
    path = ini(tmp_path, epochs=1)
    assert run(path, *HALF) == 0
    expected, before = capsys.readouterr().out, files(tmp_path / "a")
    monkeypatch.setattr(os, "access", lambda *arguments, **options: False)
    monkeypatch.setattr("randomnet.results.locks.exclusive", None)  # nobody asks for a lock
    assert run(path, *HALF) == 0
    assert files(tmp_path / "a") == before
    out = capsys.readouterr().out
    table = [line for line in expected.splitlines() if line.startswith("best:")]
    assert table and set(table) <= set(out.splitlines())
    folder = experiment.ResultsFolder(tmp_path / "a")
    assert experiment._as_it_is(plan_of(path), folder, False) is None, "runs are missing"


def plan_of(path):
    plan = read_plan(path, ["trainvalidate.iterations=3"])
    return experiment.planning.prepare(plan, experiment.check(plan), None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """HALF of EPOCHS done once, in one process without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(ini(folder, epochs=EPOCHS), *HALF) == 0
    return folder / "a"


@pytest.mark.slow
def test_a_folder_that_is_moved_meanwhile_goes_on_once_it_is_back(tmp_path, whole):
    path = ini(tmp_path, epochs=EPOCHS, workers=2)
    process = start(path, *HALF)
    wait_for(lambda: list((tmp_path / "a").glob("*/iter_*/checkpoint.pt")), process)
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    out, _ = process.communicate(timeout=60)
    assert process.exitcode == 1 and "was moved or deleted" in out and "Traceback" not in out
    assert not list(tmp_path.rglob("error.txt"))
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
    (tmp_path / "elsewhere").rename(tmp_path / "a")
    assert run(path, *HALF, *ALONE) == 0
    assert differing(contents(tmp_path / "a"), contents(whole)) == []


def workers_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("needs Linux's /proc to find a worker")
    return [int(child) for child in children.read_text().split() if is_worker(child)]


@pytest.mark.slow
def test_a_killed_worker_is_begun_again_with_fewer_beside_it(tmp_path, whole):
    path = ini(tmp_path, epochs=EPOCHS, workers=2)
    process = start(path, *HALF)
    wait_for(lambda: list((tmp_path / "a").glob("*/iter_*/checkpoint.pt")), process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    out, _ = process.communicate(timeout=120)
    assert process.exitcode == 0, out
    assert "its worker process was killed, often for lack of memory, and goes on (1/2) with 0 others beside it" in out
    assert differing(contents(tmp_path / "a"), contents(whole)) == []


@pytest.mark.slow
def test_a_worker_that_is_killed_each_time_fails_its_batch_only(tmp_path):
    root, plan = tmp_path / "a", read_plan(ini(tmp_path, epochs=1, workers=2))
    root.mkdir()
    runs = [combo.runs()[0] for combo in plan.combos]
    batches = [(each,) for each in runs]

    def kill_the_first(batch, *rest):
        if batch[0].combo == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(batch, *rest)

    original, method = engines.carry_out, engines.start_method
    engines.carry_out, engines.start_method = kill_the_first, lambda: "fork"
    try:
        ends = list(engines.processes(batches, root, 3, lambda: False, lambda event: None))
    finally:
        engines.carry_out, engines.start_method = original, method
    assert {end.combo: end.status for end in ends} == {0: "failed"} | dict.fromkeys((1, 2, 3), "complete")
    (reason,) = (end.text for end in ends if end.status == "failed")
    assert "exit code -9" in reason and "after 2 repeats" in reason
