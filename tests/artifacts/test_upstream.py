"""Whose network a run starts from: by the values of its options, its iteration and the epoch that is meant."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet.artifacts import sources
from randomnet.artifacts.trained_files import trained_file
from randomnet.artifacts.upstream_runs import checksum, is_drawn, is_redrawn, number_list
from randomnet.build.network import build_setup
from randomnet.kinds.record import run as record
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError

NET = """
[net]
roi = AB
g = 3
[model]
activation = tanh_positive
[lyapunov]
nle = 2
tsim = 4
transient = 1
"""
TASK_NET = """
[net]
roi = random
n = 12
[model]
activation = tanh
dt = 0.5
"""
TRIALS = "[trialparams]\ntask_name = flip_flop\nnr_of_trials = 20\ntrial_steps = 20\n"
AB_TASK = NET.partition("[lyapunov]")[0] + "dt = 0.1\nform = current\n" + TRIALS  # which have other defaults
NULLS = '{{"null": [{}]}}'
WEIGHTS = "rnn.weight_hh_l0"


def ini(folder, name, body, kind="train", iterations=1, grid="{}"):
    path = folder / f"{name}.ini"
    path.write_text(
        f"[experiment]\nkind = {kind}\n[paths]\npath_to_results = {folder / name}\n[execution]\nworkers = 1\n"
        f"[trainvalidate]\niterations = {iterations}\n[combosparams]\ncombos_params = {grid}\n{body}"
    )
    return path


def sets(overrides):
    return [part for one in overrides for part in ("--set", one)]


def run(path, *overrides):
    return runrandomnet.main([str(path), *sets(overrides)])


def runs_of(path, *overrides):
    return [one for combo in read_plan(path, overrides).combos for one in combo.runs()]


def model_of(root, combo=0, iteration=0):
    return torch.load(root / str(combo) / f"iter_{iteration}" / "model.pt", weights_only=True)


def refused(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        trained_file(runs_of(path, *overrides)[-1])
    return str(caught.value)


@pytest.fixture(scope="module")
def nulls(tmp_path_factory):
    """Trained over [none, weights_sign], one network each; spectra before and after are of the window."""
    folder = tmp_path_factory.mktemp("nulls")
    path = ini(folder, "trained", NET, grid=NULLS.format('"none", "weights_sign"'))
    options = "trainvalidate.train_weights=True", "trainvalidate.epochs=2", "lyapunov.tsim_measured=0"
    assert run(path, *options) == 0
    return folder / "trained"


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """Trained on a task, three iterations of three epochs, all of them stored."""
    folder = tmp_path_factory.mktemp("tasks")
    path = ini(folder, "trained", TASK_NET + TRIALS, iterations=3)
    assert run(path, "trainvalidate.epochs=3", "trainvalidate.store_every_epoch=1", "trainvalidate.lr=0.05") == 0
    return folder / "trained"


def matrix_of(one):
    return build_setup(one).network.matrix().detach().float()


def trained_matrix(saved, which="last"):
    n, edges = saved["network"]["n"], saved["network"]["edges"]
    matrix = torch.zeros(n * n)
    matrix[edges] = saved[which]["weights"].float()
    return matrix.view(n, n)


# ---- which combo


@pytest.mark.parametrize("order", ['"none", "weights_sign"', '"weights_sign", "none"', '"weights_sign"'])
def test_a_null_starts_from_the_network_trained_as_that_null_in_whatever_order(tmp_path, nulls, order):
    path = ini(tmp_path, "next", NET, "spectrum", grid=NULLS.format(order))
    for one in runs_of(path, f"paths.pretrained={nulls}"):
        expected = trained_matrix(model_of(nulls, ["none", "weights_sign"].index(one.config.net.null)))
        torch.testing.assert_close(matrix_of(one), expected, rtol=1e-6, atol=1e-7)


def test_spectra_of_trained_nulls_are_those_that_training_reported_under_the_same_name(tmp_path, nulls):
    path = ini(tmp_path, "next", NET, "spectrum", grid=NULLS.format('"weights_sign", "none"'))
    assert run(path, f"paths.pretrained={nulls}") == 0
    spectra, trained = (pd.read_csv(root / "summary.csv").set_index("null") for root in (tmp_path / "next", nulls))
    for null in ("none", "weights_sign"):  # in float32 there, in float64 here
        assert spectra["lambda_max"][null] == pytest.approx(trained["lambda_max_final"][null], abs=1e-5)
    assert abs(np.subtract(*trained["lambda_max_final"])) > 1e-3


def test_random_w_is_the_null_of_that_name(tmp_path):
    body = NET.replace("roi = AB", "roi = AB\nnormalization = spectral_radius")
    path = ini(tmp_path, "trained", body, grid='{"random_w": [false, true]}')
    assert run(path, "trainvalidate.epochs=1") == 0
    again = ini(tmp_path, "next", body, "spectrum", grid=NULLS.format('"random_w", "none"'))
    assert [trained_file(one).combo for one in runs_of(again, f"paths.pretrained={tmp_path / 'trained'}")] == [1, 0]


def test_a_grid_of_other_options_starts_all_combos_from_the_same_network(tmp_path, tasks):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "spectrum", grid='{"driven": [true, false], "tsim": [2, 3]}')
    files = [trained_file(one).path for one in runs_of(path, f"paths.pretrained={tasks}")]
    assert files == [tasks / "0" / "iter_0" / "model.pt"] * 4


def test_what_only_the_trained_grid_varies_must_be_said(tmp_path):
    path = ini(tmp_path, "trained", NET, grid='{"lr": [0.05, 0.02]}')
    assert run(path, "trainvalidate.epochs=1") == 0
    taken = f"paths.pretrained={tmp_path / 'trained'}"
    spectrum = ini(tmp_path, "next", NET, "spectrum")
    text = refused(spectrum, taken)
    assert "got 2 that differ in trainvalidate.lr" in text and "0: trainvalidate.lr = 0.05" in text
    assert "say [pretrainedparams] pretrained_combo = 0" in text
    [one] = runs_of(spectrum, taken, "pretrainedparams.pretrained_combo=1")
    assert trained_file(one).combo == 1 and trained_file(one).values == {"lr": 0.02}
    assert "pretrained_combo: expected one of" in refused(spectrum, taken, "pretrainedparams.pretrained_combo=2")
    training = ini(tmp_path, "again", NET)
    [one] = runs_of(training, taken, "trainvalidate.lr=0.02")
    assert trained_file(one).combo == 1
    assert "trainvalidate.lr = 0.5, got none of these" in refused(training, taken, "trainvalidate.lr=0.5")


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("net.null=degree", "net.null = 'degree', got none of these"),
        ("net.g=2", "net.g = 2.0, not 3.0"),
        ("net.roi=EB", "net.roi = 'EB', not 'AB'"),
        ("model.activation=tanh_stretched", "model.activation = 'tanh_stretched', not 'tanh_positive'"),
        ("model.dt=0.2", "model.dt = 0.2, not 0.1"),
    ],
)
def test_another_network_than_was_trained_is_refused_by_its_setting(tmp_path, nulls, setting, text):
    path = ini(tmp_path, "next", NET.replace("g = 3\n", "").replace("activation = tanh_positive\n", "")
               .replace("roi = AB\n", ""), "spectrum")  # fmt: skip
    own = {"net.null": "none", "net.g": "3", "net.roi": "AB", "model.activation": "tanh_positive"}
    own |= dict([setting.split("=")])
    found = refused(path, f"paths.pretrained={nulls}", *(f"{key}={value}" for key, value in own.items()))
    assert text in found and str(nulls) in found


@pytest.mark.parametrize("setting", ["net.null=weights_sign", "net.normalization=spectral_radius"])
def test_a_combo_by_number_does_not_get_the_label_of_another_network(tmp_path, nulls, setting):
    path, (key, value) = ini(tmp_path, "next", NET, "spectrum"), setting.split("=")
    text = refused(path, f"paths.pretrained={nulls}", "pretrainedparams.pretrained_combo=0", setting)
    assert f"got a run with {key} = '{value}', not '" in text and f"{nulls} combo 0" in text


def test_another_seed_is_refused_only_where_the_network_depends_on_it(tmp_path, nulls, tasks):
    path = ini(tmp_path, "next", NET, "spectrum")
    taken = f"paths.pretrained={nulls}", "experiment.seed=5"
    assert trained_file(runs_of(path, *taken, "net.null=none")[0]).combo == 0
    assert "experiment.seed = 5, not 0" in refused(path, *taken, "net.null=weights_sign")
    task = ini(tmp_path, "task", TASK_NET + TRIALS, "spectrum")
    assert "experiment.seed = 5, not 0" in refused(task, f"paths.pretrained={tasks}", "experiment.seed=5")


@pytest.mark.parametrize(("null", "drawn"), [("none", False), ("transposed", False), ("dense", False), ("sign", True)])
def test_only_nulls_that_have_several_draws_depend_on_the_seed(null, drawn):
    assert is_drawn({"net.roi": "AB", "net.null": null}) == drawn


@pytest.mark.parametrize(
    ("settings", "drawn", "redrawn"),
    [
        ({"net.roi": "AB"}, False, False),
        ({"net.roi": "random", "net.paired_topology": False}, True, True),
        ({"net.roi": "AB", "net.null": "sign", "net.paired_topology": False}, True, False),
        ({"net.roi": "AB", "net.random_w": True}, True, True),
        ({"net.roi": "AB", "net.rank": 1, "net.paired_topology": False}, True, True),  # factors of every iteration
        ({"net.roi": "AB", "trainvalidate.init": "he", "net.paired_topology": False}, True, True),
        ({"net.roi": "AB", "net.nr_neurons": [1, 1]}, False, False),
        ({"net.roi": "AB", "net.nr_neurons": [1, 2]}, True, True),
        ({"net.roi": "random", "net.source": "populations", "net.paired_topology": False}, True, False),
    ],
)
def test_networks_of_every_iteration_depend_on_the_seed_and_not_the_other_way_round(settings, drawn, redrawn):
    assert (is_drawn(settings), is_redrawn(settings)) == (drawn, redrawn)


def test_what_measures_the_network_may_be_otherwise(tmp_path, nulls):
    path = ini(tmp_path, "next", NET.replace("nle = 2\ntsim = 4", "nle = 7\ntsim = 9"), "analyse")
    path.write_text(path.read_text().partition("[lyapunov]")[0])
    runs = runs_of(path, f"paths.pretrained={nulls}", "net.null=none", "execution.threads=2")
    assert trained_file(runs[0]).combo == 0


def test_a_folder_of_another_kind_is_refused(tmp_path):
    path = ini(tmp_path, "spectrum", NET, "spectrum")
    assert run(path) == 0
    assert "kind = train, got" in refused(path, f"paths.pretrained={tmp_path / 'spectrum'}")


# ---- which iteration


def test_every_iteration_starts_from_its_own(tmp_path, tasks):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "spectrum", iterations=3)
    for number, one in enumerate(runs_of(path, f"paths.pretrained={tasks}")):
        torch.testing.assert_close(matrix_of(one), trained_matrix(model_of(tasks, 0, number)))


def test_one_iteration_starts_all_only_where_that_is_said(tmp_path, tasks):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "spectrum", iterations=4)
    text = refused(path, f"paths.pretrained={tasks}")
    assert "pretrained_iteration: expected one of" in text and "0 to 2, got 3, the run's own; a number starts" in text
    for one in runs_of(path, f"paths.pretrained={tasks}", "pretrainedparams.pretrained_iteration=1"):
        torch.testing.assert_close(matrix_of(one), trained_matrix(model_of(tasks, 0, 1)))


def test_a_drawn_network_of_another_iteration_is_drawn_as_that(tmp_path):
    """Weights are not trained, so that the run draws those of the iteration whose gains it takes over."""
    body = NET.replace("roi = AB", "roi = random\nn = 10")
    assert run(ini(tmp_path, "trained", body, iterations=2), "trainvalidate.epochs=1") == 0
    path = ini(tmp_path, "next", body, "spectrum", iterations=3)
    for one in runs_of(path, f"paths.pretrained={tmp_path / 'trained'}", "pretrainedparams.pretrained_iteration=1"):
        torch.testing.assert_close(matrix_of(one), trained_matrix(model_of(tmp_path / "trained", 0, 1)))


# ---- which epoch


def test_the_default_is_the_network_after_the_last_update(tmp_path, tasks):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse")
    [one] = runs_of(path, f"paths.pretrained={tasks}")
    assert trained_file(one).epoch == 3 and trained_file(one).which == "last"
    state = torch.load(tasks / "0" / "model_state_dict_epoch_2_iter_0.pth", weights_only=True)
    torch.testing.assert_close(matrix_of(one), state[WEIGHTS])
    start = build_setup(one).network.interface
    torch.testing.assert_close(start["input_weights"].detach().float(), state["rnn.weight_ih_l0"])


def test_epoch_0_is_the_untrained_network_and_epoch_e_the_file_before(tmp_path, tasks):
    trained = runs_of(tasks.parent / "trained.ini")[1]
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse", iterations=2)
    taken = f"paths.pretrained={tasks}"
    one = runs_of(path, taken, "pretrainedparams.pretrained_epoch=0")[1]
    torch.testing.assert_close(matrix_of(one), matrix_of(trained))
    own = build_setup(trained).network.interface["input_weights"].float()
    torch.testing.assert_close(build_setup(one).network.interface["input_weights"].float(), own)
    for epoch in (1, 2, 3):
        one = runs_of(path, taken, f"pretrainedparams.pretrained_epoch={epoch}")[1]
        state = torch.load(tasks / "0" / f"model_state_dict_epoch_{epoch - 1}_iter_1.pth", weights_only=True)
        torch.testing.assert_close(matrix_of(one), state[WEIGHTS])
    assert "expected last, or one of the stored epochs 0 to 3 of" in refused(
        path, taken, "pretrainedparams.pretrained_epoch=4"
    )


def test_a_spectrum_run_may_start_from_the_untrained_network(tmp_path, nulls):
    path = ini(tmp_path, "next", NET, "spectrum")
    taken = (f"paths.pretrained={nulls}", "net.null=weights_sign")
    plain, untrained = (build_setup(runs_of(path, *more)[0]).network.values()
                        for more in (taken[1:], (*taken, "pretrainedparams.pretrained_epoch=0")))  # fmt: skip
    last = build_setup(runs_of(path, *taken)[0]).network.values()
    for name in ("weights", "gains", "shifts"):
        torch.testing.assert_close(untrained[name], plain[name], rtol=1e-6, atol=1e-7)
        assert not torch.allclose(last[name], plain[name])
    assert "stored epochs 0, 2 of" in refused(path, *taken, "pretrainedparams.pretrained_epoch=1")


def test_a_model_without_the_untrained_network_says_so(tmp_path, nulls):
    saved = model_of(nulls)
    torch.save({name: part for name, part in saved.items() if name != "initial"}, tmp_path / "model.pt")
    path = ini(tmp_path, "next", NET, "spectrum")
    [one] = runs_of(path, f"paths.pretrained={tmp_path / 'model.pt'}", "pretrainedparams.pretrained_epoch=0")
    with pytest.raises(ConfigError, match="by a version that did not keep the untrained network, got 0"):
        build_setup(one)


# ---- folders of bio_rnn_mem


@pytest.fixture
def bio(tmp_path, tasks):
    """The files that bio_rnn_mem leaves: numbered from 0 after an epoch, without a manifest."""
    root = tmp_path / "bio"
    (root / "0").mkdir(parents=True)
    for path in (tasks / "0").glob("*.pth"):
        shutil.copy(path, root / "0" / path.name)
    return root


def test_files_of_bio_rnn_mem_count_from_0_which_is_after_one_epoch(tmp_path, tasks, bio):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse", iterations=2)
    taken = f"paths.pretrained={bio}"
    assert [trained_file(one).path.name for one in runs_of(path, taken)] == [
        f"model_state_dict_epoch_2_iter_{iteration}.pth" for iteration in range(2)
    ]
    one = runs_of(path, taken, "pretrainedparams.pretrained_epoch=1")[0]
    assert trained_file(one).path.name == "model_state_dict_epoch_0_iter_0.pth"
    text = refused(path, taken, "pretrainedparams.pretrained_epoch=0")
    assert "one of the stored epochs 1 to 3 of" in text and "(a file's number plus 1), got 0" in text


def test_combos_of_bio_rnn_mem_have_no_names_and_must_be_numbered(tmp_path, bio):
    shutil.copytree(bio / "0", bio / "1")
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse")
    assert "expected one of" in refused(path, f"paths.pretrained={bio}")
    [one] = runs_of(path, f"paths.pretrained={bio}", "pretrainedparams.pretrained_combo=1")
    assert trained_file(one).path.parent == bio / "1"


# ---- any model.pt, and what it holds


def test_a_task_takes_over_any_model_pt(tmp_path, tasks, nulls):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse", iterations=2)
    model = tasks / "0" / "iter_1" / "model.pt"
    for one in runs_of(path, f"paths.pretrained={model}"):
        torch.testing.assert_close(matrix_of(one), trained_matrix(model_of(tasks, 0, 1)))
    [one] = runs_of(ini(tmp_path, "task", AB_TASK), f"paths.pretrained={nulls / '0' / 'iter_0' / 'model.pt'}")
    network, saved = build_setup(one).network, model_of(nulls)
    torch.testing.assert_close(network.matrix().detach().float(), trained_matrix(saved))
    for name in ("gains", "shifts"):
        torch.testing.assert_close(network.values()[name].float(), saved["last"][name].float())
        assert saved["last"][name].std() > 0
    assert network.interface["input_weights"].shape == (58, 3)


def test_what_a_stored_file_lacks_is_not_made_up(tmp_path, nulls):
    path = ini(tmp_path, "task", AB_TASK)
    model = f"paths.pretrained={nulls / '0' / 'iter_0' / 'model.pt'}"
    with pytest.raises(ConfigError, match=r"keep_readout: expected False, as .* has no readout"):
        build_setup(runs_of(path, model, "pretrainedparams.keep_readout=True")[0])
    stretched = "trainvalidate.train_gains=True"
    assert run(path, "trainvalidate.epochs=2", stretched, "trainvalidate.store_every_epoch=1") == 0
    taken = f"paths.pretrained={tmp_path / 'task'}"
    again = ini(tmp_path, "again", AB_TASK)
    text = refused(again, taken, "pretrainedparams.pretrained_epoch=1")
    assert "expected last, or one of the stored epochs 0, 2" in text  # the .pth has no gains
    [one] = runs_of(again, taken)
    last = model_of(tmp_path / "task")["last"]["gains"]
    torch.testing.assert_close(build_setup(one).network.values()["gains"], last)


def test_a_task_refuses_groups_that_the_gains_do_not_have(tmp_path, nulls):
    path = ini(tmp_path, "task", AB_TASK)
    model = nulls / "0" / "iter_0" / "model.pt"
    [one] = runs_of(path, f"paths.pretrained={model}", "model.groups=neurotransmitter")
    with pytest.raises(ConfigError, match=r"\[model\] groups: expected groups of units with equal gains in"):
        build_setup(one)


def test_a_single_file_is_not_asked_for_another_epoch_or_iteration(tmp_path, tasks):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse")
    stored = f"paths.pretrained={tasks / '0' / 'model_state_dict_epoch_1_iter_2.pth'}"
    assert trained_file(runs_of(path, stored)[0]).epoch == 2
    text = refused(path, stored, "pretrainedparams.pretrained_epoch=3")
    assert "pretrained_epoch: expected it left out, or 2" in text
    text = refused(path, stored, "pretrainedparams.pretrained_iteration=0")
    assert "pretrained_iteration: expected it left out, or 2, as" in text


def test_a_connectome_that_lacks_trained_connections_is_refused(tmp_path, nulls):
    """The path may differ, as folders are moved; what lies there must be the network that was trained."""
    matrix = np.where(np.random.default_rng(0).random((9, 9)) < 0.5, 1.0, 0.0) * (1 - np.eye(9))
    np.save(tmp_path / "net.npy", matrix)
    body = f"[net]\nroi = all\n[model]\nactivation = tanh\n{TRIALS}"
    path = ini(tmp_path, "trained", body)
    where = f"paths.path_to_network={tmp_path / 'net.npy'}"
    assert run(path, where, "trainvalidate.epochs=1") == 0
    again, taken = ini(tmp_path, "next", body, "analyse"), f"paths.pretrained={tmp_path / 'trained'}"
    assert build_setup(runs_of(again, where, taken)[0]).connectome.n == 9
    np.save(tmp_path / "other.npy", matrix.T * (1 - matrix))
    with pytest.raises(ConfigError, match="got one with connections that it lacks"):
        build_setup(runs_of(again, f"paths.path_to_network={tmp_path / 'other.npy'}", taken)[0])


# ---- what is said, recorded and compared on resume


def test_the_choice_is_printed_and_recorded_with_its_checksum(tmp_path, tasks, capsys):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse", iterations=2, grid='{"starts": [5, 6]}')
    small = (f"paths.pretrained={tasks}", "analysis.trajectories=2", "analysis.grid_points=3")
    line = f"Starts from [paths] pretrained: {tasks}, combo 0, iteration 0 to 1 (each run its own), epoch 3, the last"
    assert runrandomnet.main([str(path), *sets(small), "--dry-run"]) == 0
    assert capsys.readouterr().out.count(line) == 1
    assert run(path, *small) == 0
    assert capsys.readouterr().out.count("Starts from") == 1
    for iteration in range(2):
        [known] = ResultsFolder(tmp_path / "next").run(1, iteration).record["connectome"]["upstream"]
        model = tasks / "0" / f"iter_{iteration}" / "model.pt"
        assert known["path"] == str(model) and known["sha256"] == checksum(model)
        assert (known["combo"], known["iteration"], known["epoch"]) == (0, iteration, 3)
    manifest = ResultsFolder(tmp_path / "next").manifest["combos"][0]["connectome"]
    assert [one["run"] for one in manifest["upstream"]] == [0, 1]


def test_lines_tell_choices_apart(tmp_path, nulls, capsys):
    path = ini(tmp_path, "next", NET, "spectrum", grid=NULLS.format('"weights_sign", "none"'))
    assert runrandomnet.main([str(path), *sets([f"paths.pretrained={nulls}"]), "--dry-run"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Starts from")]
    assert "combo 1 (null = weights_sign)" in lines[0] and lines[0].endswith("-> combo 0")
    assert "combo 0 (null = none)" in lines[1] and lines[1].endswith("-> combo 1")


def test_resume_compares_the_models_of_all_iterations(tmp_path, tasks, capsys):
    copied = tmp_path / "trained"
    shutil.copytree(tasks, copied)
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "spectrum", iterations=2)
    taken = (f"paths.pretrained={copied}", "lyapunov.nle=1", "lyapunov.tsim=2")
    assert run(path, *taken) == 0 and run(path, *taken) == 0
    assert run(path, *taken, "trainvalidate.iterations=3") == 0
    shutil.copy(copied / "0" / "iter_0" / "model.pt", copied / "0" / "iter_1" / "model.pt")
    capsys.readouterr()
    assert run(path, *taken, "trainvalidate.iterations=3") == 2
    assert "the file of paths.pretrained has changed for iteration 1" in capsys.readouterr().err


def older(root, **pretrained):
    """A manifest as versions before `upstream` wrote it, with their meaning of the options."""
    path = root / "manifest.json"
    manifest = json.loads(path.read_text())
    for entry in manifest["combos"]:
        del entry["connectome"]["upstream"]
        settings = {key: value for key, value in entry["settings"].items() if "params.pretrained_" not in key}
        entry["settings"] = settings | {f"pretrainedparams.pretrained_{key}": pretrained[key] for key in pretrained}
    path.write_text(json.dumps(manifest))


def test_a_folder_of_the_older_meaning_is_not_mixed_with_another_network(tmp_path, tasks, capsys):
    """There every iteration started from epoch 0, which is after one, of iteration 0."""
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "spectrum", iterations=2)
    small = (f"paths.pretrained={tasks}", "lyapunov.nle=1", "lyapunov.tsim=2")
    same = ("pretrainedparams.pretrained_epoch=1", "pretrainedparams.pretrained_iteration=0")
    assert run(path, *small, *same) == 0
    older(tmp_path / "next", epoch=0, iteration=0)
    capsys.readouterr()
    assert run(path, *small) == 2
    error = capsys.readouterr().err
    assert "was epoch 1 of iteration 0 for all, by an older meaning of the options" in error
    assert "(to go on: pretrained_epoch = 1, pretrained_iteration = 0)" in error
    assert run(path, *small, *same) == 0
    older(tmp_path / "next", epoch=0, iteration=0)
    assert run(path, *small, "pretrainedparams.pretrained_epoch=1") == 2  # iteration 1 would be its own


def test_an_older_folder_of_a_spectrum_goes_on_where_it_means_the_same(tmp_path, nulls, capsys):
    path = ini(tmp_path, "next", NET, "spectrum", grid=NULLS.format('"none", "weights_sign"'))
    taken = f"paths.pretrained={nulls}"
    assert run(path, taken) == 0
    older(tmp_path / "next")
    assert run(path, taken) == 0
    older(tmp_path / "next")
    manifest = json.loads((tmp_path / "next" / "manifest.json").read_text())
    first, second = (entry["connectome"]["inputs"] for entry in manifest["combos"])
    first["paths.pretrained"], second["paths.pretrained"] = second["paths.pretrained"], first["paths.pretrained"]
    (tmp_path / "next" / "manifest.json").write_text(json.dumps(manifest))
    capsys.readouterr()
    assert run(path, taken) == 2
    assert "was the last of the same combo number, by an older meaning" in capsys.readouterr().err


def test_an_older_folder_of_a_task_without_a_stored_model_goes_on(tmp_path):
    path = ini(tmp_path, "next", TASK_NET + TRIALS)
    assert run(path, "trainvalidate.epochs=1") == 0
    manifest = json.loads((tmp_path / "next" / "manifest.json").read_text())
    [entry] = manifest["combos"]
    entry["settings"] |= {"pretrainedparams.pretrained_epoch": 0, "pretrainedparams.pretrained_iteration": 0}
    del entry["settings"]["pretrainedparams.pretrained_combo"]
    (tmp_path / "next" / "manifest.json").write_text(json.dumps(manifest))
    assert run(path, "trainvalidate.epochs=1") == 0


@pytest.mark.slow
def test_folders_without_a_stored_model_do_not_differ_in_which_one(tmp_path, capsys):
    """An older version wrote 0 where there was nothing to choose, this one last."""
    for name in ("older", "newer"):
        assert run(ini(tmp_path, name, TASK_NET + TRIALS), "trainvalidate.epochs=1") == 0
    path = tmp_path / "older" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["combos"][0]["settings"] |= {"pretrainedparams.pretrained_epoch": 0, "trainvalidate.lr": 0.5}
    path.write_text(json.dumps(manifest))
    folders = [str(tmp_path / name) for name in ("older", "newer")]
    assert visualization.main(["--results_folders", *folders, "--save_figs", str(tmp_path / "figs")]) == 0
    said = capsys.readouterr()
    assert "settings differ: trainvalidate.lr (" in said.out + said.err and "pretrained" not in said.out + said.err


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "said"), [("same", False), ("1", True)])
def test_figures_say_where_iterations_share_a_stored_network(tmp_path, tasks, capsys, wanted, said):
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "spectrum", iterations=2)
    small = (f"paths.pretrained={tasks}", "lyapunov.nle=1", "lyapunov.tsim=2")
    assert run(path, *small, f"pretrainedparams.pretrained_iteration={wanted}") == 0
    capsys.readouterr()
    asked = ["--results_folders", str(tmp_path / "next"), "--save_figs", str(tmp_path / "figs")]
    assert visualization.main(asked) == 0
    text = f"next: all iterations of a combo start from the same file, so their spread is not over such files: {tasks}"
    assert (text in capsys.readouterr().out) == said


# ---- [source]


def recording_ini(folder, trained, grid="{}", iterations=1):
    body = f"[source]\nfolder = {trained}\n[recording]\nheldin = 4\nheldout = 2\n{TRIALS}"
    return ini(folder, "record", body, "record", iterations, grid)


def source_paths(path):
    return [sources.source_of(one, "train").path for one in runs_of(path)]


def test_a_recording_is_of_the_network_trained_with_the_same_values(tmp_path):
    grid = '{"switch_prob": [0.05, 0.1]}'
    assert run(ini(tmp_path, "trained", TASK_NET + TRIALS, grid=grid), "trainvalidate.epochs=1") == 0
    root = tmp_path / "trained"
    turned = recording_ini(tmp_path, root, '{"switch_prob": [0.1, 0.05]}')
    assert source_paths(turned) == [root / "1" / "iter_0", root / "0" / "iter_0"]
    with pytest.raises(ConfigError, match=r"trialparams.switch_prob = 0.01, got none of these .*\[source\] combo"):
        source_paths(recording_ini(tmp_path, root))


def test_one_combo_of_several_is_not_taken_for_all(tmp_path):
    assert run(ini(tmp_path, "trained", TASK_NET + TRIALS, grid='{"lr": [0.1, 0.2]}'), "trainvalidate.epochs=1") == 0
    with pytest.raises(ConfigError, match=r"got 2 that differ in trainvalidate.lr, .*; say \[source\] combo = 0"):
        source_paths(recording_ini(tmp_path, tmp_path / "trained"))
    chosen = recording_ini(tmp_path, tmp_path / "trained", '{"source.combo": [1, 0]}')
    assert [path.parent.name for path in source_paths(chosen)] == ["1", "0"]


def test_the_source_is_printed_and_recorded(tmp_path, tasks, capsys):
    assert run(recording_ini(tmp_path, tasks, iterations=2)) == 0
    line = f"Starts from [source] folder: {tasks}, combo 0, iteration 0 to 1 (each run its own), the best network"
    assert line in capsys.readouterr().out
    [known] = ResultsFolder(tmp_path / "record").run(0, 1).record["connectome"]["upstream"]
    assert known["which"] == "best" and known["path"] == str(tasks / "0" / "iter_1" / "model.pt")


@pytest.mark.parametrize(("numbers", "text"), [([], "none"), ([0], "0"), ([0, 1, 2], "0 to 2"), ([1, 11], "1, 11")])
def test_numbers_in_words(numbers, text):
    assert number_list(numbers) == text


# ---- curricula


@pytest.mark.slow
@pytest.mark.parametrize("epoch", ["last", "1"])
def test_repeats_of_a_next_task_go_on_side_by_side_each_from_its_own(tmp_path, tasks, epoch):
    """Also where signs are kept, so that weights end at 0 and the stored networks differ in their connections."""
    body = TASK_NET.replace("roi = random\nn = 12", "roi = AB\nnull = weights_sign") + TRIALS
    first = ini(tmp_path, "first", body, iterations=3)
    learning = ("trainvalidate.lr=0.3", "trainvalidate.epochs=2", "trainvalidate.store_every_epoch=1",
                "trainvalidate.init=connectome", "net.dales_law=auto")  # fmt: skip
    assert run(first, *learning) == 0
    files = sorted((tmp_path / "first" / "0").glob("*_epoch_0_*.pth"))
    counts = {int((torch.load(path, weights_only=True)[WEIGHTS] != 0).sum()) for path in files}
    assert len(counts) > 1
    path = ini(tmp_path, "next", body.replace("flip_flop", "flip_flop\nswitch_prob = 0.1"), iterations=3)
    taken = (f"paths.pretrained={tmp_path / 'first'}", f"pretrainedparams.pretrained_epoch={epoch}",
             "pretrainedparams.keep_readout=True", "trainvalidate.epochs=1")  # fmt: skip
    assert run(path, *taken, "execution.batch_runs=3") == 0
    for iteration in range(3):
        begun = model_of(tmp_path / "next", 0, iteration)
        expected = model_of(tmp_path / "first", 0, iteration)["last"] if epoch == "last" else None
        if expected is not None:
            torch.testing.assert_close(begun["initial"]["readout_weights"], expected["readout_weights"])
        stored = torch.load(files[iteration], weights_only=True)[WEIGHTS]
        expected = trained_matrix(model_of(tmp_path / "first", 0, iteration)) if epoch == "last" else stored
        torch.testing.assert_close(trained_matrix(begun, "initial"), expected)


def test_a_network_of_a_run_that_has_not_ended_well_is_called_so(tmp_path, tasks, capsys):
    copied = tmp_path / "trained"
    shutil.copytree(tasks, copied)
    record = json.loads((copied / "0" / "iter_0" / "run.json").read_text())
    (copied / "0" / "iter_0" / "run.json").write_text(json.dumps({**record, "status": "diverged"}))
    path = ini(tmp_path, "next", TASK_NET + TRIALS, "analyse")
    assert runrandomnet.main([str(path), *sets([f"paths.pretrained={copied}"]), "--dry-run"]) == 0
    assert "file model.pt, of a run that is diverged" in capsys.readouterr().out
    (copied / "0" / "iter_0" / "model.pt").unlink()
    (copied / "0" / "iter_0" / "run.json").unlink()
    assert "model.pt, as that run is missing" in refused(path, f"paths.pretrained={copied}")


def test_a_folder_to_be_like_is_not_one_of_its_recordings_by_number(tmp_path, tasks):
    path = recording_ini(tmp_path, tasks, '{"source.iteration": [0, 1]}')
    assert run(path) == 0
    like = f"[source]\nfolder = {tasks}\n[recording]\nlike = {tmp_path / 'record'}\n{TRIALS}"
    [one] = runs_of(ini(tmp_path, "like", like, "record"))
    with pytest.raises(ConfigError, match=r"\[recording\] like: .* differ in source.iteration, .*; name the file"):
        record.check(one)
