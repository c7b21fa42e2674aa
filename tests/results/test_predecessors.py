"""Folders of bio_rnn_mem and logs of FlyStability: what they hold, and figures beside new folders."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet.results import ResultsError, load
from randomnet.results.stored_shapes import tensor_shapes
from tests.support.runs import run

INI = """
[paths]
path_to_results = {results}
[net]
roi = random
n = 6
[trainvalidate]
epochs = 5
iterations = 2
store_every_epoch = 4
[trialparams]
task_name = {task}
nr_of_trials = 20
[combosparams]
combos_params = {grid}
[execution]
workers = 1
"""
GRIDS = {
    "seq_mem": '{"lr": [0.01], "nonlinearity": ["relu", "tanh"], "optimizer": ["Adam"], "pattern_length": [3]}',
    "nback_mem": '{"lr": [0.01], "nonlinearity": ["tanh"], "optimizer": ["Adam", "SGD"], "n_back": [1, 2]}',
}  # fmt: skip
NAMES = {"seq_mem": ("lr", "activation", "optimizer", "pattern_length"),
         "nback_mem": ("lr", "activation", "optimizer", "n_back")}  # fmt: skip


@pytest.fixture(scope="module", params=GRIDS)
def folders(request, tmp_path_factory):
    """A folder of RandomNet, and of it only what bio_rnn_mem wrote: the index, curves and models."""
    root = tmp_path_factory.mktemp(request.param)
    (root / "a.ini").write_text(INI.format(results=root / "new", task=request.param, grid=GRIDS[request.param]))
    assert run(root / "a.ini") == 0
    shutil.copytree(root / "new", root / "old", ignore=shutil.ignore_patterns("iter_*", "*.csv", "*.json", "*.ini"))
    return root / "old", root / "new", request.param


def test_an_old_folder_tells_task_options_and_curves(folders):
    old, new, task = (load(folders[0]), load(folders[1]), folders[2])
    assert old.varied == new.varied == NAMES[task]
    assert {combo["settings"]["trialparams.task_name"] for combo in old.manifest["combos"]} == {task}
    common = ["combo", "iteration", *NAMES[task], "status", "epochs_done", "validate_loss_best", "validate_loss_final"]
    common += ["validate_metrics_best"] if task == "nback_mem" else []
    pd.testing.assert_frame_equal(old.table[common], new.table[common], check_dtype=False)
    assert ("validate_metrics_best" in old.table) == (task == "nback_mem")
    after = new.history[new.history["epoch"] > 0].reset_index(drop=True)
    for column in ("combo", "iteration", "epoch", "train_loss", "validate_loss"):
        assert np.allclose(old.history[column], after[column])


def test_old_and_new_folders_are_drawn_together(folders, tmp_path, capsys):
    arguments = ["--results_folders", *map(str, folders[:2]), "--results_labels", "old", "new"]
    assert visualization.main([*arguments, "--save_figs", str(tmp_path)]) == 0, capsys.readouterr().err
    means = pd.read_csv(tmp_path / "means.csv")
    minima = means[means["metric"] == "loss_minimum"].pivot(index="combo", columns="label", values="mean")
    assert len(minima) == len(load(folders[1]).manifest["combos"]) and np.allclose(minima["old"], minima["new"])
    assert len(list(tmp_path.rglob("loss*.png"))) >= len(minima)


def test_accuracies_that_were_not_saved_are_left_out(folders, tmp_path):
    old = shutil.copytree(folders[0], tmp_path / "old")
    for path in old.glob("*/*metrics_all.npy"):
        np.save(path, np.zeros((2, 5)))
    assert not [name for name in load(old).history if "metrics" in name]


def test_a_log_that_ends_without_a_number_is_a_diverged_run(logs):
    for path in logs.glob("*lr0.01_*_Sample0_logs.json"):
        log(path, [1.0, 2.0, float("nan"), float("nan")])
    assert load(logs).table["status"].tolist() == ["diverged"] + ["complete"] * 5


def test_epochs_that_were_not_trained_are_no_losses_of_0(folders, tmp_path):
    """The arrays of a training that was ended have zeros in the epochs that are missing."""
    old = shutil.copytree(folders[0], tmp_path / "old")
    for name in ("train_loss", "validate_loss"):
        values = np.load(old / "0" / f"{name}_all.npy")
        values[0, 3:], values[1] = 0, 0
        np.save(old / "0" / f"{name}_all.npy", values)
    table = load(old).table.set_index(["combo", "iteration"])
    assert table.loc[(0, 0), "epochs_done"] == 3 and table.loc[(0, 0), "validate_loss_best"] > 0
    assert table.loc[(0, 1), "status"] == "missing" and np.isnan(table.loc[(0, 1), "validate_loss_best"])


def test_two_whole_numbers_are_pattern_length_and_n_back(folders, tmp_path):
    old = shutil.copytree(folders[0], tmp_path / "old")
    count = len((old / "folder_index.txt").read_text().splitlines())
    lines = [f"{number} (0.01, 'tanh', 'Adam', 5, {number + 1})\n" for number in range(count)]
    (old / "folder_index.txt").write_text("".join(lines))
    assert load(old).varied == ("lr", "activation", "optimizer", "pattern_length", "n_back")


@pytest.mark.parametrize("line", ["0 (0.1, __import__('os'))", "x (0.1,)", "0 0.1", ""])
def test_a_damaged_index_is_told(folders, tmp_path, line):
    old = shutil.copytree(folders[0], tmp_path / "old")
    (old / "folder_index.txt").write_text(line + "\n")
    with pytest.raises(ResultsError, match=r"folder_index\.txt: expected lines such as"):
        load(old)


def test_shapes_are_those_of_the_tensors_and_other_pickles_are_refused(tmp_path):
    tensors = {"a": torch.zeros(3, 4), "b": torch.zeros(5, dtype=torch.float64)}
    torch.save(tensors, tmp_path / "a.pth")
    assert tensor_shapes(tmp_path / "a.pth") == {"a": (3, 4), "b": (5,)}

    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"a": Evil()}, tmp_path / "b.pth")
    with pytest.raises(ResultsError, match=r"expected tensors, got __builtin__\.print"):
        tensor_shapes(tmp_path / "b.pth")


NAME = "tanh_positive_WeightsTrue_ShiftsFalse_GainsFalse_N100_lr{lr}_NLE10_Epochs4_{loss}_g1.5_Tons0.2_Tsim200_dt0.1"


def log(path, loss, spectrum=(0.5, -0.2, -1.0)):
    grads = {"grad_gains": [0] * len(loss), "grad_shifts": [0] * len(loss), "grad_weights": [3.0] * len(loss)}
    path.write_text(json.dumps({
        "training_loss": loss, "training_lambda_max": [0.9, 0.5, 0.3, 0.1], "spectrum": list(spectrum),
        "time_training[s]": ["1.25"] * len(loss), **grads,
    }))  # fmt: skip


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    for place, lr in enumerate(("0.01", "0.1")):
        for sample in (0, 1, 10):
            name = NAME.format(lr=lr, loss="MSE_0.00") + f"_Sample{sample}_logs.json"
            log(folder / name, [4.0, 2.0, 1.0 + sample, 3.0 + place])
    return folder


def test_logs_of_flystability_tell_their_settings_and_curves(logs):
    loaded = load(logs)
    assert loaded.varied == ("lr",) and loaded.manifest["iterations"] == 3
    first = loaded.manifest["combos"][0]["settings"]
    assert first == {
        "model.activation": "tanh_positive", "trainvalidate.train_weights": True, "trainvalidate.train_shifts": False,
        "trainvalidate.train_gains": False, "net.n": 100, "trainvalidate.lr": 0.01, "lyapunov.nle": 10,
        "trainvalidate.epochs": 4, "net.g": 1.5, "lyapunov.tons": 0.2, "lyapunov.tsim": 200, "model.dt": 0.1,
        "trainvalidate.loss": "mse", "lyapunov.target": 0.0, "trialparams.task_name": "none",
    }  # fmt: skip
    rows = loaded.table
    assert rows["lr"].tolist() == [0.01] * 3 + [0.1] * 3 and rows["loss_final"].tolist() == [3.0] * 3 + [4.0] * 3
    assert rows["loss_best"].tolist() == [1.0, 2.0, 2.0] * 2 and rows["epoch_best"].tolist() == [2, 1, 1] * 2
    history = loaded.history.query("combo == 0 and iteration == 0")
    assert history["epoch"].tolist() == [0, 1, 2, 3] and history["seconds"].tolist() == [1.25] * 4
    assert history["clipped_norm_weights"].tolist() == [3.0] * 4 and "clipped_norm_gains" not in history
    assert rows["h_KS_final"].tolist() == [0.5] * 6


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("l2Norm_2.00", {"trainvalidate.loss": "l2", "lyapunov.target": 2.0}),
        ("MSE_1.25_-1.25", {"trainvalidate.loss": "mse", "lyapunov.target": "1.25:-1.25"}),
        ("Entropy", {"trainvalidate.loss": "sum of exponents, maximised"}),
    ],
)
def test_the_loss_is_that_of_the_name(logs, loss, expected):
    (path, *_) = sorted(logs.glob("*_logs.json"))
    path.rename(logs / (NAME.format(lr="0.5", loss=loss) + "_Sample0_logs.json"))
    settings = [combo["settings"] for combo in load(logs).manifest["combos"]]
    assert expected.items() <= next(each for each in settings if each["trainvalidate.lr"] == 0.5).items()


def test_logs_are_drawn(logs, tmp_path, capsys):
    arguments = ["--results_folders", str(logs), "--save_figs", str(tmp_path / "figs")]
    assert visualization.main(arguments) == 0, capsys.readouterr().err
    names = {path.stem.split("_")[0] for path in (tmp_path / "figs" / "by_combo").glob("*.png")}
    assert {"loss", "spectrum"} & names and (tmp_path / "figs" / "means.csv").is_file()


@pytest.mark.slow
def test_logs_and_a_new_training_are_compared_by_the_loss_that_both_have(logs, tmp_path, capsys):
    new = tmp_path / "new"
    (tmp_path / "new.ini").write_text(
        f"[paths]\npath_to_results = {new}\n[net]\nroi = random\nn = 8\n[lyapunov]\nnle = 2\ntsim = 20\n"
        "[trainvalidate]\nepochs = 1\niterations = 3\nloss = mse\n[execution]\nworkers = 1\n"
    )
    assert runrandomnet.main([str(tmp_path / "new.ini")]) == 0
    for path in logs.glob("*lr0.1_*"):
        path.unlink()
    asked = ["--results_folders", str(logs), str(new), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    capsys.readouterr()
    assert visualization.main(asked) == 0
    console, overview = capsys.readouterr().out, (tmp_path / "figs" / "overview.svg").read_text(encoding="utf-8")
    assert "Training loss of the last epoch" in console and "easured after training" not in console
    assert "in the last epoch" in overview and "measured after training" not in overview and "task =" not in overview


@pytest.mark.parametrize("text", ["[]", "{}", "no", '{"training_loss": ["a"]}'])
def test_a_damaged_log_is_told(logs, text):
    (path, *_) = sorted(logs.glob("*_logs.json"))
    path.write_text(text)
    with pytest.raises(ResultsError, match=r"expected a log of FlyStability with lists training_loss"):
        load(logs)
