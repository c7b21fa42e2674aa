"""Event files for TensorBoard: the points of history.csv, each once, whatever was interrupted or killed."""

import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest

from randomnet.experiment import engines, tensorboard
from randomnet.extras import install_line
from randomnet.results import ENDED, ResultsFolder
from randomnet.schema.plan import read_plan
from tests.support.runs import ALONE, EPOCHS, HALF, contents, differing, epochs_done, ini, run, start, wait_for

CHARTS = ("--set", "execution.tensorboard=True")
FOLDERS = {(0, "optimizer=Adam"), (1, "optimizer=SGD")}  # of HALF


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert run(ini(tmp_path), *CHARTS) == 2
    error = capsys.readouterr().err
    assert "a.ini: [execution] tensorboard: expected the package tensorboard" in error
    assert install_line("tensorboard") in error and len(error.splitlines()) == 1
    assert not (tmp_path / "a").exists()


def test_kinds_without_epochs_refuse_it(tmp_path, capsys):
    path = tmp_path / "a.ini"
    path.write_text("[experiment]\nkind = spectrum\n[execution]\ntensorboard = True\n")
    assert run(path) == 2
    assert "[execution] tensorboard" in capsys.readouterr().err


@pytest.mark.parametrize(("column", "tag"), [
    ("grad_norm_gains", "gradient norm/gains"),
    ("lambda_max", "spectrum/lambda_max"),
    ("train_loss", "train/loss"),
    ("validate_metrics", "validate/metrics"),
    ("seconds", "other/seconds"),
])  # fmt: skip
def test_names_of_charts(column, tag):
    assert tensorboard.tag_of(column) == tag


# ---- with TensorBoard


def points(folder):
    """Tag -> its points (epoch, value), read back from the event files of a run by TensorBoard itself."""
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def check_points(root, combo, values, iteration):
    """The event file of a run has the numbers of its history.csv, each once."""
    folder = root / "tensorboard" / f"{combo},{values}" / f"iter_{iteration}"
    assert len(list(folder.iterdir())) == 1
    history = pd.read_csv(root / str(combo) / f"iter_{iteration}" / "history.csv")
    charts = points(folder)
    assert charts.keys() >= {"train/loss", "spectrum/lambda_max", "gradient norm/gains"}
    names = [name for name in history.select_dtypes("number") if name not in ("combo", "iteration", "epoch")]
    assert charts.keys() == {tensorboard.tag_of(name) for name in names}
    for name in names:
        rows = history[history[name].notna()]
        assert [step for step, _ in charts[tensorboard.tag_of(name)]] == rows["epoch"].tolist()
        np.testing.assert_allclose([value for _, value in charts[tensorboard.tag_of(name)]], rows[name], rtol=1e-6)


def test_every_run_has_its_history_and_results_stay_the_same(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    assert run(ini(tmp_path, "plain"), *HALF) == 0
    assert run(ini(tmp_path), *HALF) == 0
    assert run(ini(tmp_path), *HALF, *CHARTS) == 0, "for runs that are there already"
    assert run(ini(tmp_path, "b"), *HALF, *CHARTS) == 0
    for name in "ab":
        assert differing(contents(tmp_path / name), contents(tmp_path / "plain")) == []
        for combo, values in FOLDERS:
            for iteration in range(2):
                check_points(tmp_path / name, combo, values, iteration)


def test_a_task_has_losses_of_validation(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    path = tmp_path / "task.ini"
    path.write_text(
        f"[paths]\npath_to_results = {tmp_path / 'task'}\n[net]\nroi = AB\n[trialparams]\ntask_name = odr\n"
        "nr_of_trials = 20\n[trainvalidate]\nepochs = 2\n[execution]\nworkers = 1\ntensorboard = True\n"
    )
    assert run(path) == 0
    charts = points(tmp_path / "task" / "tensorboard" / "0" / "iter_0")
    assert charts.keys() >= {"train/loss", "validate/loss", "train/metrics", "validate/metrics"}
    assert [step for step, _ in charts["validate/loss"]] == [0, 1, 2]


def event_files(folder):
    """EventFiles for the four runs of HALF in a results folder, beside which there is an INI."""
    plan = read_plan(folder.with_suffix(".ini"), [HALF[1]])
    runs = [each for combo in plan.combos for each in combo.runs()]
    return tensorboard.EventFiles(ResultsFolder(folder), {combo.index: combo.values for combo in plan.combos}, runs)


def test_a_run_that_goes_on_from_a_checkpoint_has_every_point_once(tmp_path):
    """Epochs 0 to 7 are reported and then lost but for the checkpoint of epoch 4, from which the run goes on."""
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    ini(tmp_path)
    folder = ResultsFolder(tmp_path / "a").run(0, 0)
    folder.create()

    def rows(first, last, shift):
        return [{"epoch": epoch, "train_loss": epoch + shift} for epoch in range(first, last + 1)]

    def report(files, first, last, shift):
        for row in rows(first, last, shift):
            files.epoch(engines.Epoch(0, 0, row))
        files.epoch(engines.Epoch(0, 0, {"advance": 0.5}))  # of a spectrum

    place = tmp_path / "a" / "tensorboard" / "0,optimizer=Adam" / "iter_0"
    with event_files(tmp_path / "a") as files:
        report(files, 0, 7, 0.5)
        folder.write_history(pd.DataFrame(rows(0, 4, 0.25)))
        report(files, 5, 6, 0.25)  # a worker was lost, and another goes on
    assert points(place)["train/loss"] == [(epoch, epoch + 0.25) for epoch in range(7)]
    with event_files(tmp_path / "a") as files:  # the next start
        report(files, 5, 9, 0.125)
    expected = [(epoch, epoch + (0.25 if epoch < 5 else 0.125)) for epoch in range(10)]
    assert points(place)["train/loss"] == expected


def test_a_combo_keeps_its_folder_where_the_grid_has_another_axis_now(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    ini(tmp_path)
    (tmp_path / "a" / "tensorboard" / "0,lr=0.1").mkdir(parents=True)
    with event_files(tmp_path / "a") as files:
        files.epoch(engines.Epoch(0, 0, {"epoch": 0, "train_loss": 1.0}))
    assert {path.name for path in (tmp_path / "a" / "tensorboard").iterdir()} == {"0,lr=0.1"}


def test_a_full_disk_costs_the_charts_and_not_the_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensorboard, "writer_class", lambda: full)
    assert run(ini(tmp_path), *HALF, *CHARTS) == 0
    assert capsys.readouterr().out.count("Note: no more is written for TensorBoard") == 1
    assert set(pd.read_csv(tmp_path / "a" / "summary.csv")["status"]) <= set(ENDED)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_killed_and_started_again_it_has_every_point_once(tmp_path, engine):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    if engine == "ray":
        pytest.importorskip("ray", reason="needs the extra ray")
    path, root = ini(tmp_path, epochs=EPOCHS, workers=2), tmp_path / "a"
    options = (*HALF, *CHARTS, "--set", f"execution.engine={engine}")
    process = start(path, *options)
    wait_for(lambda: epochs_done(root) >= 8, process)
    time.sleep(0.02)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert run(path, *options) == 0
    for combo, values in FOLDERS:
        for iteration in range(2):
            check_points(root, combo, values, iteration)


@pytest.mark.slow
def test_a_kill_before_the_first_epoch_leaves_no_doubt(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    assert run(ini(tmp_path), *HALF, *ALONE, *CHARTS) == 0
    (tmp_path / "a" / "tensorboard" / "0,optimizer=Adam" / "iter_0.part").mkdir()  # as a kill leaves it
    for file in (tmp_path / "a" / "tensorboard" / "0,optimizer=Adam" / "iter_0").iterdir():
        file.unlink()
    assert run(ini(tmp_path), *HALF, *ALONE, *CHARTS) == 0
    check_points(tmp_path / "a", 0, "optimizer=Adam", 0)
    assert not list((tmp_path / "a" / "tensorboard").rglob("*.part"))
