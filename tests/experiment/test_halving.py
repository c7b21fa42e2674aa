"""Successive halving: which combos train on, what stopped runs are, resuming, and what cannot be halved."""

import dataclasses
import json
import math
import random
import signal
import time

import numpy as np
import pandas as pd
import pytest
import torch

import visualization
from randomnet.comparison import matching, means
from randomnet.experiment import halving
from randomnet.experiment.closing_report import lines
from randomnet.kinds.train import run as train
from randomnet.recordings import Recording, Split, write_recording
from randomnet.results import ResultsFolder
from randomnet.schema.plan import Stage, read_plan
from randomnet.training import Paused
from tests.support.runs import contents, differing, epochs_done, run, start, wait_for

INI = """
[experiment]
seed = 3
[paths]
path_to_results = {results}
[net]
roi = random
n = 8
[trialparams]
task_name = seq_mem
pattern_length = 3
nr_of_trials = 20
[trainvalidate]
epochs = 12
iterations = 2
store_every_epoch = 0
[combosparams]
sample = {{"lr": "loguniform 1e-4 0.3"}}
n_samples = 6
{halving}
[execution]
workers = 1
checkpoint_every = 1
"""
HALVING = "halving = 2\nhalving_epochs = 2"


def ini(folder, name="a", halving=HALVING):
    path = folder / f"{name}.ini"
    path.write_text(INI.format(results=folder / name, halving=halving))
    return path


def sets(*texts):
    return [part for text in texts for part in ("--set", text)]


def status(root):
    return pd.read_csv(root / "summary.csv").set_index(["combo", "iteration"])["status"]


def decisions(root):
    return json.loads((root / "halving.json").read_text())


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("halved")
    assert run(ini(folder)) == 0
    return folder / "a"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same without halving."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(ini(folder, halving="")) == 0
    return folder / "a"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((3, 1, 27, 27), [(1, 9), (3, 3), (9, 1)]),
        ((3, 10, 90, 40), [(10, 13), (30, 4)]),
        ((2, 4, 100, 5), [(4, 2), (8, 1)]),
        ((4, 5, 100, 3), [(5, 1)]),
        ((3, 10, 100, 1), []),
    ],
)
def test_rungs_are_powers_of_the_factor_until_one_combo_is_left_or_epochs_end(arguments, expected):
    assert halving.rungs(*arguments) == expected


def test_those_of_the_lowest_loss_so_far_train_on(halved, whole):
    """The reference decisions come from trainings that never stopped."""
    lowest = {}
    for combo in range(6):
        for epoch in (2, 4, 8):
            histories = [pd.read_csv(whole / str(combo) / f"iter_{i}" / "history.csv") for i in range(2)]
            lowest[combo, epoch] = np.mean([h.loc[h["epoch"] <= epoch, "validate_loss"].min() for h in histories])
    remaining = list(range(6))
    for rung, (epoch, count) in zip(decisions(halved)["rungs"], [(2, 3), (4, 1)], strict=True):
        kept = sorted(remaining, key=lambda combo: lowest[combo, epoch])[:count]
        assert rung["epoch"] == epoch and rung["kept"] == sorted(kept)
        assert rung["stopped"] == sorted(set(remaining) - set(kept))
        assert rung["validate_loss"] == {str(c): pytest.approx(lowest[c, epoch], rel=1e-12) for c in remaining}
        remaining = kept
    (winner,) = remaining
    assert {combo for combo, end in status(halved).groupby("combo") if (end == "complete").all()} == {winner}


def test_a_stopped_run_is_a_whole_training_of_fewer_epochs(halved, tmp_path):
    for rung in decisions(halved)["rungs"]:
        name, epoch = f"short{rung['epoch']}", rung["epoch"]
        assert run(ini(tmp_path, name, ""), *sets(f"trainvalidate.epochs={epoch}")) == 0
        for combo in rung["stopped"]:
            place, short = (root / str(combo) / "iter_1" for root in (halved, tmp_path / name))
            assert (place / "arrays.npz").read_bytes() == (short / "arrays.npz").read_bytes()
            assert (place / "model.pt").read_bytes() == (short / "model.pt").read_bytes()
            histories = [pd.read_csv(p / "history.csv").drop(columns="seconds") for p in (place, short)]
            pd.testing.assert_frame_equal(*histories)
            record = json.loads((place / "run.json").read_text())
            assert (record["status"], record["reason"]) == ("stopped by halving", f"after {epoch} epochs")
            assert record["summary"]["epochs_done"] == epoch and not (place / "checkpoint.pt").exists()


def test_the_winner_is_that_of_a_training_without_halving(halved, whole):
    (winner,) = decisions(halved)["rungs"][-1]["kept"]
    names = [name for name in contents(whole)
             if name.startswith(f"{winner}/") and not name.endswith(("run.json", "state.pt"))]  # fmt: skip
    assert len(names) > 6
    found, expected = contents(halved), contents(whole)
    assert [name for name in names if found[name] != expected[name]] == []


def test_the_best_combos_are_a_table_and_a_file(halved):
    table = pd.read_csv(halved / "halving.csv")
    ends = decisions(halved)["rungs"]
    assert table["combo"][0] == ends[-1]["kept"][0] and table["epochs_done"].tolist() == [12, 4, 4, 2, 2, 2]
    assert set(table["combo"][1:3]) == set(ends[1]["stopped"]) and set(table["combo"][3:]) == set(ends[0]["stopped"])
    for rows in (table[1:3], table[3:]):
        assert rows["validate_loss_best"].is_monotonic_increasing
    text = "\n".join(lines(pd.read_csv(halved / "summary.csv"), ["lr"]))
    assert "Best of 6 combos by validation loss" in text and "optimistic; a test_size keeps trials aside" in text


def test_a_second_start_repeats_nothing(halved, capsys):
    before = {path: path.stat().st_mtime_ns for path in halved.rglob("*") if path.parent.name.startswith("iter_")}
    assert run(halved.parent / "a.ini") == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "12 of 12 runs are there already" in capsys.readouterr().out


def test_each_value_of_the_grid_has_its_own_best_sample(tmp_path):
    grid = 'combosparams.combos_params={"optimizer": ["SGD", "Adam"]}'
    assert run(ini(tmp_path), *sets(grid, "trainvalidate.iterations=1", "combosparams.n_samples=3")) == 0
    table = pd.read_csv(tmp_path / "a" / "summary.csv")
    assert table[table["status"] == "complete"]["optimizer"].value_counts().to_dict() == {"SGD": 1, "Adam": 1}


def test_a_combo_with_a_failed_run_stops(tmp_path, monkeypatch, whole):
    first = losses_after_two_epochs(whole)
    best = min(first, key=first.get)

    def execute(runs, *rest):
        if (runs[0].combo, runs[0].iteration) == (best, 1):
            raise RuntimeError("no")
        return real(runs, *rest)

    real = train.KIND.execute
    monkeypatch.setitem(train.KIND.__dict__, "execute", execute)
    assert run(ini(tmp_path)) == 1
    rung = decisions(tmp_path / "a")["rungs"][0]
    assert best in rung["stopped"] and rung["validate_loss"][str(best)] is None
    assert status(tmp_path / "a")[best].tolist() == ["stopped by halving", "failed"]
    last = pd.read_csv(tmp_path / "a" / "halving.csv").iloc[-1]
    assert (last["combo"], last["status"]) == (best, "failed, stopped by halving")
    monkeypatch.setitem(train.KIND.__dict__, "execute", real)
    assert run(ini(tmp_path), "--retry-failed") == 0
    assert status(tmp_path / "a")[best].tolist() == ["stopped by halving"] * 2


@pytest.mark.parametrize(("epochs", "end"), [(1, "stopped by halving"), (2, "diverged")])
def test_a_combo_whose_loss_is_no_number_stops_and_is_the_last(tmp_path, epochs, end):
    """A step of 1e30: after one epoch the loss is nan, and the next epoch ends the run."""
    samples = ['combosparams.sample={"lr": [1e30, 1e-5, 1e-3], "clip_norm": [1e8, 1e9]}', "combosparams.n_samples=6"]
    options = sets(*samples, "trainvalidate.optimizer=SGD", "trainvalidate.iterations=1", "trainvalidate.epochs=5")
    assert run(ini(tmp_path, halving=f"halving = 2\nhalving_epochs = {epochs}"), *options) == 0
    table = pd.read_csv(tmp_path / "a" / "halving.csv")
    assert table["lr"].tolist()[4:] == [1e30] * 2 and table["status"].tolist()[4:] == [end] * 2
    first = decisions(tmp_path / "a")["rungs"][0]
    assert all(first["validate_loss"][str(combo)] is None for combo in table["combo"][4:])


def losses_after_two_epochs(whole):
    """The mean lowest loss of each combo after 2 epochs."""
    losses = {}
    for combo in range(6):
        histories = [pd.read_csv(whole / str(combo) / f"iter_{i}" / "history.csv") for i in range(2)]
        losses[combo] = np.mean([history["validate_loss"][:3].min() for history in histories])
    return losses


def test_runs_that_are_whole_already_count_with_their_first_epochs(tmp_path, halved):
    assert run(ini(tmp_path, halving=""), *sets("combosparams.n_samples=2")) == 0
    assert run(ini(tmp_path)) == 0
    assert [r["kept"] for r in decisions(tmp_path / "a")["rungs"]] == [r["kept"] for r in decisions(halved)["rungs"]]
    assert (status(tmp_path / "a")[:4] == "complete").all()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again_it_decides_the_same(tmp_path, halved, workers):
    path, root, moments = ini(tmp_path), tmp_path / "a", random.Random(workers)
    options = sets(f"execution.workers={workers}")
    for _ in range(5):
        process, further = start(path, *options), epochs_done(root) + moments.randint(2, 14)
        wait_for(lambda further=further: epochs_done(root) >= further, process)
        time.sleep(moments.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it had not ended by then"
    assert run(path) == 0
    assert differing(contents(root), contents(halved)) == []
    assert decisions(root) == decisions(halved)


@pytest.mark.slow
def test_ray_decides_the_same(tmp_path, halved):
    pytest.importorskip("ray")
    # in a process of its own: a local Ray changes how its process meets any later cluster
    process = start(ini(tmp_path), *sets("execution.engine=ray", "execution.workers=2"))
    said, _ = process.communicate(timeout=120)
    assert process.exitcode == 0, said
    assert differing(contents(tmp_path / "a"), contents(halved)) == []
    assert decisions(tmp_path / "a") == decisions(halved)


def test_a_fit_is_halved_by_the_likelihood_of_its_validation_trials(tmp_path, small_recording_file):
    text = f"""
[experiment]
kind = fit
[paths]
path_to_results = {tmp_path / "fits"}
[source]
folder = {small_recording_file}
[inference]
architecture = gru
encoder_size = 4
hidden_size = 3
[trainvalidate]
epochs = 6
[combosparams]
sample = {{"lr": "loguniform 1e-3 0.1"}}
n_samples = 4
halving = 2
halving_epochs = 2
[execution]
workers = 1
"""
    (tmp_path / "fit.ini").write_text(text)
    assert run(tmp_path / "fit.ini") == 0
    table = pd.read_csv(tmp_path / "fits" / "summary.csv")
    assert sorted(table["epochs_done"]) == [2, 2, 4, 6]
    assert np.allclose(table["validate_loss_best"], table["nll_valid"], rtol=1e-4)
    best = pd.read_csv(tmp_path / "fits" / "halving.csv")
    assert best["status"].tolist() == ["complete"] + ["stopped by halving"] * 3


@pytest.fixture
def small_recording_file(tmp_path):
    """Spikes of 6 neurons whose rates differ."""
    rng, splits = np.random.default_rng(0), {}
    for name, trials in (("train", 12), ("valid", 4), ("test", 4)):
        spikes = rng.poisson(np.arange(1, 7) / 4, (trials, 10, 6)).astype(np.uint8)
        inputs = rng.standard_normal((trials, 10, 2)).astype(np.float32)
        splits[name] = Split(spikes, 5, np.arange(trials), inputs=inputs, true_inputs=inputs)
    write_recording(tmp_path / "recording.npz", Recording(splits))
    return tmp_path / "recording.npz"


def test_a_run_waits_with_its_checkpoint(tmp_path):
    """The part of a training up to a rung leaves the state there, and no record."""
    plan = read_plan(ini(tmp_path))
    folder = ResultsFolder(tmp_path / "b").run(0, 0)
    folder.create()
    runs = [dataclasses.replace(plan.combos[0].runs()[0], stage=Stage(3, ends=False))]
    for _ in range(2):  # also when it waits already
        with pytest.raises(Paused):
            train.KIND.execute(runs, [folder], lambda *_: None, lambda: False)
        state = torch.load(folder.checkpoint, weights_only=True)
        assert state["training"][0]["progress"]["epoch"] == 3 and folder.record is None


TASK = INI[INI.index("[trialparams]") : INI.index("[trainvalidate]")] + "store_every_epoch = 0\n"


@pytest.mark.parametrize(
    ("removed", "changes", "error"),
    [
        ("", ["combosparams.halving=1"], "halving: expected 0, or at least 2"),
        ("", ["combosparams.halving_epochs=12"], "halving_epochs: expected fewer than trainvalidate.epochs = 12"),
        ("", ["execution.batch_runs=3"], "batch_runs: expected auto or 1 with halving"),
        ("", ["combosparams.n_samples=1"], "halving: expected several combos to choose from, got 1"),
        ("n_samples = 6\n", ["combosparams.sample={}", 'combosparams.combos_params={"train_size": [0.5, 0.6]}'],
         "expected combos of the same trials and loss, as validation losses decide, got trialparams.train_size = 0.5"),
        (TASK, [], "halving: applies only where trialparams.task_name names a task"),
    ],
)  # fmt: skip
def test_what_cannot_be_halved_is_told_at_the_door(tmp_path, removed, changes, error, capsys):
    path = ini(tmp_path)
    text = path.read_text()
    for part in removed.splitlines():
        text = text.replace(f"{part}\n", "")
    path.write_text(text)
    assert run(path, *sets(*changes)) == 2
    assert error in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_shares_and_another_experiment_in_the_folder_are_refused(halved, capsys):
    path = halved.parent / "a.ini"
    for options, error in (
        (["--shard", "1/2"], "--shard 1/2: expected halving = 0 with it, as rungs compare the runs of all shares"),
        (sets("combosparams.n_samples=7"), "expected groups as in"),
        (sets("trainvalidate.iterations=3"), "expected iterations as in"),
        (sets("combosparams.halving=3"), "whose rungs are decided, which is 2, got 3"),
    ):
        assert run(path, *options) == 2
        assert error in capsys.readouterr().err


def test_the_estimate_counts_the_epochs_that_are_trained(tmp_path):
    plan = read_plan(ini(tmp_path))
    assert halving.share_of_epochs(plan) == pytest.approx((6 * 2 + 3 * 2 + 1 * 8) / (6 * 12))
    assert math.isclose(halving.share_of_epochs(read_plan(ini(tmp_path, halving=""))), 1)


def test_means_have_stopped_runs_and_count_them(halved):
    study = matching.match(matching.read_combos(halved, "a", 0), ("validate_loss_best",), ["a"])
    table = means.overview(study.runs, ("validate_loss_best",))
    losses = pd.read_csv(halved / "summary.csv").groupby("combo")["validate_loss_best"].mean()
    assert [float(text.split()[0]) for text in table["validate_loss_best"]] == pytest.approx(losses.tolist(), rel=1e-3)
    assert sorted(table["stopped by halving"]) == [0, 2, 2, 2, 2, 2] and set(table["runs"]) == {"2/2"}


def test_a_later_stage_goes_on_from_a_stopped_run(halved, tmp_path):
    stopped = decisions(halved)["rungs"][0]["stopped"][0]
    text = f"[experiment]\nkind = record\n[paths]\npath_to_results = {tmp_path / 'record'}\n"
    text += f"[source]\nfolder = {halved}\ncombo = {stopped}\n[trialparams]\ntask_name = seq_mem\n"
    (tmp_path / "record.ini").write_text(text + "pattern_length = 3\nnr_of_trials = 20\n[recording]\nheldin = 6\n")
    assert run(tmp_path / "record.ini", "--set", "execution.workers=1") == 0
    record = json.loads((tmp_path / "record" / "0" / "iter_0" / "run.json").read_text())
    assert record["status"] == "complete"


@pytest.mark.slow
def test_random_samples_are_drawn_against_each_option(tmp_path):
    """Each option has panels with all samples; a figure of one sample's lowest loss would show one point."""
    sample = 'combosparams.sample={"lr": "loguniform 1e-4 0.3", "clip_norm": "loguniform 0.1 9"}'
    options = sets(sample, "combosparams.n_samples=9", "trainvalidate.iterations=1", "trainvalidate.epochs=1")
    assert run(ini(tmp_path, halving=""), *options) == 0
    figures = tmp_path / "figures"
    assert visualization.main(["--results_folders", str(tmp_path / "a"), "--save_figs", str(figures),
                               "--format", "svg"]) == 0  # fmt: skip
    drawn = (figures / "overview.svg").read_text()
    assert ">learning rate<" in drawn and ">largest gradient norm<" in drawn and ">mean<" not in drawn
    assert not list(figures.rglob("minimum*"))
