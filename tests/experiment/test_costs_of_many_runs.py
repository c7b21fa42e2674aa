"""What many runs cost beside their numbers: calls and file-system operations grow with their number, not its square."""

import builtins
import collections
import contextlib
import io
import json
import multiprocessing
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from randomnet.experiment import earlier_combos, engines, planning
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from tests.support.runs import run

fcntl = pytest.importorskip("fcntl")  # Windows has none
COUNTED = ("stat", "lstat", "mkdir", "rename", "replace", "unlink", "remove", "scandir", "listdir", "utime")
INI = """
[experiment]
kind = spectrum
seed = 1
[paths]
path_to_results = {root}
[net]
roi = random
n = 4
[lyapunov]
nle = 1
tsim = 2
transient = 0
[trainvalidate]
iterations = {iterations}
[execution]
workers = 1
steps = eager
[combosparams]
combos_params = {{"g": {values}}}
"""


def write_ini(folder, combos=1, iterations=1):
    path = folder / "many.ini"
    values = [round(1 + index / 100, 2) for index in range(combos)]
    path.write_text(INI.format(root=folder / "results", iterations=iterations, values=json.dumps(values)))
    return path


@pytest.fixture
def operations(monkeypatch):
    """Counts of file-system operations by name."""
    counts = collections.Counter()

    def counting(name, function):
        def counted(*arguments, **options):
            counts[name] += 1
            return function(*arguments, **options)

        return counted

    for name in COUNTED:
        monkeypatch.setattr(os, name, counting(name, getattr(os, name)))
    for module in (builtins, io):
        monkeypatch.setattr(module, "open", counting("open", module.open))
    return counts


@pytest.mark.parametrize("grown", ["combos", "iterations"])
@pytest.mark.parametrize(("start", "bound"), [("first", 20), ("resumed", 12)])
def test_one_more_run_costs_as_many_file_operations_among_many_as_among_few(tmp_path, operations, grown, start, bound):
    totals = []
    for number in (8, 16):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = write_ini(folder, **{grown: number})
        for _ in range(1 if start == "first" else 2):
            operations.clear()
            assert run(path) == 0
        totals.append(operations.total())
    assert (totals[1] - totals[0]) / 8 <= bound


def settings_of(numbers):
    return {"net.g": numbers[0], "net.null": ["none", "degree"][numbers[1]], "a.list": [numbers[2], 1]}


def test_combos_are_found_again_by_as_many_look_ups_as_there_are_combos(monkeypatch):
    calls = []
    values_of = earlier_combos._values
    monkeypatch.setattr(earlier_combos, "_values", lambda *arguments: calls.append(1) or values_of(*arguments))
    entries = [entry(index, settings_of((index, index % 2, 0))) for index in range(300)]
    numbering = earlier_combos.numbering_of(entries[::-1], {"combos": entries[:200]}, "folder")
    assert numbering.numbers == [*range(200, 300), *range(199, -1, -1)]
    assert not numbering.left_out
    assert len(calls) <= 2 * 300


def test_look_ups_find_what_a_comparison_of_each_with_each_finds():
    rng = np.random.default_rng(0)
    drawn = [settings_of(rng.integers(0, 2, 3).tolist()) for _ in range(40)]
    for index, settings in enumerate(drawn):
        if index % 3 == 0:
            del settings["a.list"]
    entries, earlier = ([entry(index, settings) for index, settings in enumerate(part)]
                        for part in (drawn[:20], drawn[20:]))  # fmt: skip
    index = earlier_combos._Index(entries, True)
    for old in earlier:
        expected = []
        for place, new in enumerate(entries):
            names = new["settings"].keys()
            if all(old["settings"].get(name) == new["settings"][name] for name in names):
                expected.append(place)
        assert index.equals(old) == expected


def entry(number, settings):
    return {"combo": number, "values": {}, "settings": settings, "connectome": {}}


def test_curves_are_written_once_for_each_combo(tmp_path, monkeypatch):
    calls = []
    write = ResultsFolder.write_curves
    monkeypatch.setattr(ResultsFolder, "write_curves", lambda *given: calls.append(given[1]) or write(*given))
    path = write_ini(tmp_path, combos=2, iterations=3)
    text = path.read_text().replace("kind = spectrum", "kind = train").replace("iterations", "epochs = 1\niterations")
    path.write_text(text.replace('"g": [1.0, 1.01]', '"lr": [0.1, 0.2]'))
    assert run(path) == 0
    assert sorted(calls) == [0, 1]
    assert np.load(tmp_path / "results" / "1" / "train_loss_all.npy").shape == (3, 1)
    calls.clear()
    assert run(path) == 0
    assert calls == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="workers are forked on Linux alone")
def test_a_forked_worker_keeps_no_lock_and_no_pipe_of_its_parent(tmp_path):
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    parts, theirs = os.pipe()
    forks = multiprocessing.get_context("fork")
    ours, connection = forks.Pipe()
    worker = forks.Process(target=release_and_wait, args=(connection,))
    worker.start()
    connection.close()
    assert ours.recv() == "released"
    os.close(lock)  # as the death of the parent would, without an explicit release
    again = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(theirs)
    assert os.read(parts, 1) == b"", "the other end is closed everywhere"
    ours.close()
    worker.join(10)
    assert worker.exitcode == 0
    os.close(parts)
    os.close(again)


def release_and_wait(connection):
    engines.leave_files_of_parent((connection.fileno(),))
    connection.send("released")
    with contextlib.suppress(EOFError):
        connection.recv()


def test_workers_are_spawned_where_another_thread_runs():
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert engines.start_method() == "spawn"
    finally:
        end.set()
        thread.join()


def test_fewer_combos_and_iterations_are_accepted_and_nothing_is_lost(tmp_path, capsys):
    path = write_ini(tmp_path, combos=3, iterations=2)
    assert run(path) == 0
    root = tmp_path / "results"
    before = {file: file.read_bytes() for file in root.rglob("arrays.npz")}
    full = path.read_text()
    path.write_text(full.replace("[1.0, 1.01, 1.02]", "[1.02, 1.05]").replace("iterations = 2", "iterations = 1"))
    capsys.readouterr()
    assert run(path) == 0
    printed = capsys.readouterr()
    assert "combos 0, 1 of earlier starts are not in this INI" in printed.out + printed.err
    assert "iterations was 2, is 1" in printed.out + printed.err
    table = pd.read_csv(root / "summary.csv")
    assert list(table["combo"]) == [2, 3] and list(table["g"]) == [1.02, 1.05]
    path.write_text(full)
    assert run(path) == 0
    table = pd.read_csv(root / "summary.csv")
    assert list(table["combo"]) == [0, 0, 1, 1, 2, 2] and list(table["g"].unique()) == [1, 1.01, 1.02]
    assert {file: file.read_bytes() for file in before} == before
    assert [old["combo"] for old in json.loads((root / "manifest.json").read_text())["earlier_combos"]] == [3]


def test_a_setting_that_an_earlier_manifest_lacks_has_its_neutral_value():
    neutral = {"trialparams.resampled_input_noise": 0.0}
    old = entry(0, {"net.g": 1})
    same, other = (entry(0, {"net.g": 1, **neutral, **changed})
                   for changed in ({}, {"trialparams.resampled_input_noise": 0.1}))  # fmt: skip
    assert earlier_combos.numbering_of([other, same], {"combos": [old]}, "folder").numbers == [1, 0]


@pytest.mark.parametrize(("settings", "draws"), [([], 1), (["net.source=regions", "regions.regions=a: 8, b: 6"], 6)])
def test_null_models_are_drawn_before_the_start_only_where_networks_may_differ_in_size(
    tmp_path, monkeypatch, settings, draws
):
    drawn = []

    def draw(connectome, null, rng):
        drawn.append(null)
        return connectome

    monkeypatch.setattr("randomnet.build.connectome.draw_null", draw)
    path = tmp_path / "nulls.ini"
    path.write_text("[experiment]\nkind = spectrum\n[net]\nnull = degree\n[lyapunov]\nnle = 2\n")
    plan = read_plan(path, ["trainvalidate.iterations=6", *(settings or ["net.roi=PB"])])
    (facts,) = planning.check(plan)
    assert facts["neurons"] > 0 and len(drawn) == draws
