"""Whole working-memory experiments: bio_rnn_mem's config.ini as it stands, its files and names, what it promised."""

import dataclasses
import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet import results
from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of, training_settings
from randomnet.build.trials import trials_of
from randomnet.kinds.benchmark import plain_loop
from randomnet.kinds.train import run as train
from randomnet.schema.plan import read_plan
from randomnet.training import fit
from tests.support.marks import slow_except
from tests.support.paths import ROOT
from tests.support.runs import contents, differing, run

KEYS = {
    "rnn.weight_ih_l0": lambda h, c, out: (h, c),
    "rnn.weight_hh_l0": lambda h, c, out: (h, h),
    "rnn.bias_ih_l0": lambda h, c, out: (h,),
    "rnn.bias_hh_l0": lambda h, c, out: (h,),
    "fc.weight": lambda h, c, out: (out, h),
    "fc.bias": lambda h, c, out: (out,),
}
# every section and key of bio_rnn_mem's config.ini with its template values; only the paths are to be filled in
PREDECESSOR = """[paths]
path_to_network = {network}
path_to_results = {results}
pretrained =

[net]
net_name = {net_name}
rnn_size = {regions}
nr_neurons = 4
rand_partition = True
random_w = False

[trainvalidate]
epochs = 500
iterations = 5
init = default
freeze_layer = False
remap_w = True

[trialparams]
trial_params = {trial_params}

[combosparams]
combos_params = {combos_params}

[pretrainedparams]
pretrained_epoch = 0
pretrained_iteration = 0
"""
GRID = "{'lr': [0.0001, 0.000001], 'nonlinearity': ['relu', 'tanh'], 'optimizer': ['Adam', 'RMSprop'], %s}"
N_BACK = GRID % "'n_back': [2, 3, 4]"
# task -> trial_params, combos_params, channels, outputs
TEMPLATES = {
    "seq_mem": (
        "{'task_name': 'seq_mem', 'nr_of_trials': 500, 'train_size': 0.8}",
        GRID % "'pattern_length': [3, 5, 10]",
        2,
        1,
    ),
    "nback_mem": (
        "{'task_name': 'nback_mem', 'nr_of_trials': 500, 'train_size': 0.8, 'trial_length': 5}",
        N_BACK,
        2,
        3,
    ),
    "pic_latent_mem": (
        "{'task_name': 'pic_latent_mem', 'nr_of_trials': 500, 'train_size': 0.8, 'trial_length': 5, 'rescale': True}",
        N_BACK,
        51,
        3,
    ),
}
SMALL = """[paths]
path_to_network = {network}
path_to_results = {results}
[net]
net_name = SIX
rnn_size = 6
nr_neurons = 4
[trainvalidate]
lr = 0.01
epochs = 3
iterations = 2
[trialparams]
trial_params = {{'task_name': 'nback_mem', 'nr_of_trials': 40, 'trial_length': 4, 'n_back': 2}}
[execution]
workers = 1
"""


@pytest.fixture
def network(tmp_path):
    """A folder, with a % in its name, that holds C_SIX.npy: six regions, directed, without self-connections."""
    folder = tmp_path / "100% networks"
    folder.mkdir()
    rng = np.random.default_rng(66)
    matrix = rng.random((6, 6)) * (rng.random((6, 6)) < 0.6)
    np.fill_diagonal(matrix, 0)
    matrix[np.arange(6), (np.arange(6) + 1) % 6] = 0.5
    np.save(folder / "C_SIX.npy", matrix)
    np.save(folder / "ND_SIX.npy", np.array([1.0, 2, np.nan, 4, 5, np.nan]))
    (folder / "Names_SIX.lst").write_text("A\nB\nC\nD\nE\nF\n")
    return folder


@pytest.fixture
def small(tmp_path, network):
    """A small n-back experiment, without a grid."""
    path = tmp_path / "small.ini"
    path.write_text(SMALL.format(network=network, results=tmp_path / "out"))
    return path


def predecessors(folder, task, network, net_name="SIX", regions=6):
    """bio_rnn_mem's template of a task with only the paths (and the network they lead to) changed."""
    trial_params, combos_params, *_ = TEMPLATES[task]
    path = folder / f"{task}.ini"
    path.write_text(
        PREDECESSOR.format(
            network=network,
            results=folder / "results",
            net_name=net_name,
            regions=regions,
            trial_params=trial_params,
            combos_params=combos_params,
        )
    )
    return path


def varied(path, *overrides, **grid):
    """Run the INI with these overrides and this grid; the results folder."""
    if grid:
        overrides = (*overrides, f"combosparams.combos_params={json.dumps(grid)}")
    assert run(path, *(part for override in overrides for part in ("--set", override))) == 0
    return path.parent / "out"


def model(root, combo, iteration):
    return torch.load(root / str(combo) / f"iter_{iteration}" / "model.pt", weights_only=True)


def arrays(root, combo, iteration):
    return results.read_arrays(root / str(combo) / f"iter_{iteration}" / "arrays.npz")


def stored(root, combo, epoch, iteration):
    path = root / str(combo) / f"model_state_dict_epoch_{epoch}_iter_{iteration}.pth"
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("task", slow_except(TEMPLATES, "seq_mem"))
def test_the_predecessors_config_runs_as_it_stands(tmp_path, network, task):
    path = predecessors(tmp_path, task, network)
    short = ("trainvalidate.epochs=2", "trainvalidate.iterations=2", "execution.workers=1")
    assert run(path, *(part for setting in short for part in ("--set", setting))) == 0
    check_files(tmp_path / "results", task, hidden=24, iterations=2, epochs=2)


@pytest.mark.slow
def test_the_predecessors_config_runs_on_marmoset(tmp_path, connectomes):
    path = predecessors(tmp_path, "seq_mem", connectomes / "bio2art", "Marmoset_Normalized", 55)
    assert run(path, "--set", "trainvalidate.epochs=2", "--set", "trainvalidate.iterations=1") == 0
    check_files(tmp_path / "results", "seq_mem", hidden=220, iterations=1, epochs=2)
    record = json.loads((tmp_path / "results" / "0" / "iter_0" / "run.json").read_text())
    assert record["connectome"]["edges"] == 23004


def check_files(root, task, hidden, iterations, epochs):
    """Section 6 of the specification: files, names, shapes, lines."""
    *_, channels, outputs = TEMPLATES[task]
    lines = (root / "folder_index.txt").read_text().splitlines()
    lengths = (3, 5, 10) if task == "seq_mem" else (2, 3, 4)
    product = [
        (lr, nonlinearity, optimizer, length)
        for lr in (0.0001, 0.000001)
        for nonlinearity in ("relu", "tanh")
        for optimizer in ("Adam", "RMSprop")
        for length in lengths
    ]
    assert lines == [f"{index} {combo!r}" for index, combo in enumerate(product)]
    if task == "seq_mem":
        assert lines[1] == "1 (0.0001, 'relu', 'Adam', 5)"
    curves = ["train_loss", "validate_loss"] + ["train_metrics", "validate_metrics"] * (outputs > 1)
    for combo in range(24):
        folder = root / str(combo)
        assert sorted(path.name for path in folder.glob("*.npy")) == sorted(f"{name}_all.npy" for name in curves)
        for name in curves:
            values = np.load(folder / f"{name}_all.npy", allow_pickle=False)
            assert values.dtype == np.float64
            assert values.shape == (iterations, epochs)
            assert np.isfinite(values).all(), "in every iteration"
            if name.endswith("metrics"):
                assert ((values >= 0) & (values <= 100)).all()
        expected = {
            f"model_state_dict_epoch_{epoch}_iter_{iteration}.pth"
            for epoch in {0, epochs - 1}
            for iteration in range(iterations)
        }
        assert {path.name for path in folder.glob("*.pth")} == expected
        for name in expected:
            state = torch.load(folder / name, weights_only=True)
            assert {key: tuple(value.shape) for key, value in state.items()} == {
                key: shape(hidden, channels, outputs) for key, shape in KEYS.items()
            }


def test_models_are_stored_every_so_many_epochs_and_at_the_end(small):
    out = varied(small, "trainvalidate.epochs=6", "trainvalidate.store_every_epoch=2")
    for iteration in range(2):
        found = {path.name for path in (out / "0").glob(f"model_state_dict_epoch_*_iter_{iteration}.pth")}
        assert found == {f"model_state_dict_epoch_{epoch}_iter_{iteration}.pth" for epoch in (0, 2, 4, 5)}


@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_a_stored_model_is_that_network_in_torchs_rnn(small, nonlinearity):
    setting = f"model.nonlinearity={nonlinearity}"
    out = varied(small, setting)
    [combo] = read_plan(small, [setting]).combos
    for one in combo.runs():
        state = stored(out, 0, 2, one.iteration)
        rnn = torch.nn.RNN(2, 24, nonlinearity=nonlinearity, batch_first=True)
        fc = torch.nn.Linear(24, 3)
        rnn.load_state_dict({key.removeprefix("rnn."): value for key, value in state.items() if key[:4] == "rnn."})
        fc.load_state_dict({key.removeprefix("fc."): value for key, value in state.items() if key[:3] == "fc."})
        network = build_setup(one).network
        network.assign(model(out, 0, one.iteration)["last"])
        _, validation = trials_of(one)
        inputs = torch.from_numpy(validation.inputs)
        with torch.no_grad():
            rates, _ = rnn(inputs)
            own = network.run(inputs.transpose(0, 1))[0].transpose(0, 1)
            chances = torch.log_softmax(fc(rates), -1)[:, -1]
        torch.testing.assert_close(own, rates, rtol=0, atol=1e-6)
        decided = torch.from_numpy(validation.targets[:, -1])
        loss = torch.nn.functional.nll_loss(chances, decided)
        accuracy = 100 * (chances.argmax(-1) == decided).double().mean()
        recorded = np.load(out / "0" / "validate_loss_all.npy")[one.iteration, -1]
        np.testing.assert_allclose(recorded, float(loss), rtol=1e-5)
        recorded = np.load(out / "0" / "validate_metrics_all.npy")[one.iteration, -1]
        np.testing.assert_allclose(recorded, float(accuracy), rtol=1e-6)


@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
@pytest.mark.parametrize("task", ["seq_mem", "nback_mem"])
def test_the_plain_loop_of_the_benchmark_does_the_same_epoch(tmp_path, task, nonlinearity):
    ini = tmp_path / "one.ini"
    ini.write_text(f"[net]\nroi = random\nn = 24\n[trialparams]\ntask_name = {task}\nnr_of_trials = 200\n")
    [combo] = read_plan(ini, [f"model.activation={nonlinearity}", "trainvalidate.epochs=1"]).combos
    [one] = combo.runs()
    start = build_setup(one)
    goal = objective_of(one, start)
    loop = plain_loop.TorchLoop(start.network, goal, one.config.trainvalidate.lr)
    loop()
    fit([start.network], goal, [training_settings(one)])
    found, wanted = start.network.elman_state_dict(), loop.model.state_dict()
    moved = build_setup(one).network.elman_state_dict()
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=0, atol=1e-5)
        assert not torch.allclose(found[name], moved[name], rtol=0, atol=1e-3)


def test_a_benchmark_of_a_task_compares_with_products_and_with_the_plain_loop(tmp_path):
    template = ROOT / "config" / "benchmark_task.ini"
    small = ("net.n=20", 'combosparams.combos_params={"activation": ["relu", "softplus"]}')
    settings = [part for setting in (f"paths.path_to_results={tmp_path}", *small) for part in ("--set", setting)]
    assert run(template, *settings) == 0
    rows = pd.read_csv(tmp_path / "summary.csv").set_index("activation")
    assert (rows["epoch_ratio"] > 1).all()
    assert np.isfinite(rows["epoch_ratio_torch_rnn"]["relu"])
    assert np.isnan(rows["epoch_ratio_torch_rnn"]["softplus"])  # torch.nn.RNN has none
    clocks = rows[["epoch_ratio_torch_rnn", "epoch_ratio_torch_rnn_process"]].loc["relu"]
    assert 1 / 8 < clocks.iloc[0] / clocks.iloc[1] < 8  # minima of few epochs, on a machine that may be busy


def test_a_frozen_layer_keeps_its_bits_while_the_rest_moves(small):
    out = varied(small, freeze_layer=[False, True])
    for iteration in range(2):
        before, after = stored(out, 1, 0, iteration), stored(out, 1, 2, iteration)
        assert torch.equal(before["rnn.weight_hh_l0"], after["rnn.weight_hh_l0"])
        free, start = stored(out, 0, 2, iteration), arrays(out, 0, iteration)["weights_initial"]
        edges = model(out, 1, iteration)["network"]["edges"]
        assert torch.equal(after["rnn.weight_hh_l0"].flatten()[edges], torch.from_numpy(start))
        assert not torch.equal(free["rnn.weight_hh_l0"], after["rnn.weight_hh_l0"])
        for name in KEYS:
            assert name == "rnn.weight_hh_l0" or (before[name] != after[name]).any(), name


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop", "SGD"])
def test_absent_edges_stay_exactly_absent(small, optimizer):
    out = varied(small, f"trainvalidate.optimizer={optimizer}", random_w=[False, True])
    for combo in range(2):
        for iteration in range(2):
            weights = stored(out, combo, 2, iteration)["rnn.weight_hh_l0"].flatten()
            present = torch.zeros(24 * 24, dtype=torch.bool)
            present[model(out, combo, iteration)["network"]["edges"]] = True
            assert 0 < present.sum() < 24 * 23
            assert (weights[~present] == 0).all()
            initial = torch.from_numpy(arrays(out, combo, iteration)["weights_initial"])
            assert (weights[present] != 0).all()
            assert (weights[model(out, combo, iteration)["network"]["edges"]] != initial).any()


def ranks(values):
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")


@pytest.mark.slow
@pytest.mark.parametrize("random_w", [False, True])
def test_remapped_weights_rank_as_the_connectomes(small, random_w):
    """init = connectome has the connectome's weights on the same edges: the reference."""
    shared = f"net.random_w={random_w}", "net.normalization=none", "net.keep_diag=False"
    plain = varied(small, *shared, "trainvalidate.init=connectome", "execution.workers=1")
    connectome = [(model(plain, 0, i)["network"]["edges"], arrays(plain, 0, i)["weights_initial"]) for i in range(2)]
    plain.rename(plain.with_name("plain"))
    drawn = varied(small, *shared, init=["default", "xavier", "he"])
    for combo, bound in enumerate((24**-0.5, (3 / 24) ** 0.5, (6 / 24) ** 0.5)):
        for iteration, (edges, weights) in enumerate(connectome):
            assert torch.equal(model(drawn, combo, iteration)["network"]["edges"], edges)
            start = arrays(drawn, combo, iteration)["weights_initial"]
            assert np.abs(start).max() <= np.float32(bound)
            assert np.abs(start).max() > 0.95 * bound
            np.testing.assert_array_equal(ranks(start), ranks(weights))
    drawn.rename(drawn.with_name("drawn"))
    unmapped = varied(small, *shared, "trainvalidate.remap_w=False")
    start = arrays(unmapped, 0, 0)["weights_initial"]
    assert abs(np.corrcoef(ranks(start), ranks(connectome[0][1]))[0, 1]) < 0.3


def test_the_null_keeps_the_edges_number_and_the_weights(small):
    settings = "trainvalidate.init=connectome", "net.normalization=none"
    out = varied(small, *settings, random_w=[False, True])
    for iteration in range(2):
        bio, null = model(out, 0, iteration), model(out, 1, iteration)
        assert len(bio["network"]["edges"]) == len(null["network"]["edges"])
        assert not torch.equal(bio["network"]["edges"].sort()[0], null["network"]["edges"].sort()[0])
        weights = [np.sort(arrays(out, combo, iteration)["weights_initial"]) for combo in range(2)]
        np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("random_w", [False, True])
@pytest.mark.parametrize("paired", [False, True])
def test_paired_topology_draws_anew_in_every_iteration_or_never(small, random_w, paired):
    out = varied(small, f"net.random_w={random_w}", f"net.paired_topology={paired}", "trainvalidate.epochs=1")
    one, other = (model(out, 0, iteration)["network"]["edges"] for iteration in range(2))
    assert torch.equal(one, other) is not paired
    starts = [arrays(out, 0, iteration)["weights_initial"] for iteration in range(2)]
    assert (starts[0] != starts[1]).any(), "the initial values are the iteration's in either case"


@pytest.mark.slow
def test_the_same_iteration_has_the_same_trials_in_every_combo(small, monkeypatch):
    seen = []

    def recorded(one):
        trials = building_trials(one)
        seen.append((one.combo, one.iteration, trials))
        return trials

    building_trials = trials_of
    monkeypatch.setattr("randomnet.build.objective.trials_of", recorded)
    grid = {"random_w": [False, True], "optimizer": ["Adam", "SGD"], "nonlinearity": ["relu", "tanh"]}
    varied(small, "trainvalidate.epochs=1", **grid)
    assert {(combo, iteration) for combo, iteration, _ in seen} == {(c, i) for c in range(8) for i in range(2)}
    first = {iteration: trials for combo, iteration, trials in seen if combo == 0}
    for _, iteration, trials in seen:
        for found, expected in zip(trials, first[iteration], strict=True):
            np.testing.assert_array_equal(found.inputs, expected.inputs)
            np.testing.assert_array_equal(found.targets, expected.targets)
    assert (first[0][0].inputs != first[1][0].inputs).any()


@pytest.mark.slow
def test_all_networks_of_a_comparison_have_the_radius_asked_for(small):
    settings = "net.normalization=spectral_radius", "net.g=0.9"
    out = varied(small, *settings, random_w=[False, True], nonlinearity=["relu", "tanh"], remap_w=[False, True])
    table = pd.read_csv(out / "summary.csv")
    assert len(table) == 16
    np.testing.assert_allclose(table["spectral_radius_initial"], 0.9, rtol=1e-5)
    assert (table["spectral_radius_final"] != table["spectral_radius_initial"]).all()


def everything(root):
    """`contents` and the stored models."""
    return contents(root) | {str(path.relative_to(root)): path.read_bytes() for path in root.glob("*/*.pth")}


def test_interrupted_it_goes_on_to_the_same_bytes(small, monkeypatch):
    settings = "trainvalidate.epochs=8", "trainvalidate.store_every_epoch=3", "execution.checkpoint_every=100"
    grid = {"random_w": [False, True]}
    varied(small, *settings, **grid).rename(small.with_name("whole"))
    kind = train.KIND

    def interrupted(runs, folders, report, stop):
        def reporting(one, row):
            report(one, row)
            if (one.combo, one.iteration, row["epoch"]) == (1, 0, 4):
                os.kill(os.getpid(), signal.SIGINT)

        return kind.execute(runs, folders, reporting, stop)

    overrides = [*settings, f"combosparams.combos_params={json.dumps(grid)}"]
    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=interrupted))
    assert run(small, *(part for override in overrides for part in ("--set", override))) == 130
    assert (small.with_name("out") / "1" / "iter_0" / "checkpoint.pt").exists()
    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=kind.execute))
    assert differing(everything(varied(small, *settings, **grid)), everything(small.with_name("whole"))) == []


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers(small):
    for workers in (1, 2):
        out = varied(small, f"execution.workers={workers}", random_w=[False, True], optimizer=["Adam", "SGD"])
        out.rename(small.with_name(f"workers{workers}"))
    assert differing(everything(small.with_name("workers1")), everything(small.with_name("workers2"))) == []


SIX = "'task_name': 'nback_mem', 'nr_of_trials': 40, 'trial_length': 4, 'n_back': 2"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((SIX, "'task_name': 'nback_mem', 'n_back': "), ["[trialparams] trial_params: expected JSON such as"]),
        ((SIX, "'task_name': open('/etc/passwd')"), ["[trialparams] trial_params: expected JSON such as"]),
        (("{" + SIX + "}", "['nback_mem']"), ["[trialparams] trial_params: expected JSON such as"]),
        (("'n_back': 2", "'n_back': [2, 3]"), ["'n_back': expected a number", "got [2, 3]"]),
        (("'n_back': 2", "'n_bak': 2"), ["[trialparams] n_bak: expected one of", "did you mean 'n_back'?"]),
        (("'n_back': 2", "'n_back': 4"), ["[trialparams] n_back: expected less than trial_length = 4, got '4'"]),
        (("'n_back': 2", "'n_back': 5"), ["[trialparams] n_back: expected less than trial_length = 4, got '5'"]),
        (("nback_mem", "nbak_mem"), ["[trialparams] task_name: expected one of", "did you mean 'nback_mem'?"]),
        (("rnn_size = 6", "rnn_size = 7"), ["[net] rnn_size: expected 6, the regions of SIX, got 7"]),
        (("= SIX", "= SEX"), ["[net] roi: expected an ROI folder or a region", "it has SIX; did you mean 'SIX'?"]),
        (("nr_neurons = 4", "nr_neurons = density"), ["ND_SIX.npy: expected a density > 0", "C (nan), F (nan)"]),
        (("lr = 0.01", "optimizer = Adan"), ["[trainvalidate] optimizer: expected one of", "did you mean 'Adam'?"]),
        (("lr = 0.01", "init = xaviar"), ["[trainvalidate] init: expected one of", "did you mean 'xavier'?"]),
        (("lr = 0.01", "remap = True"), ["[trainvalidate] remap: expected one of", "did you mean 'remap_w'?"]),
        (("[net]", "pretrained = old\n[net]"), ["[paths] pretrained: expected"]),
        (("iterations = 2", "iterations = 2\n[combosparams]\ncombos_params = {'n_back': [2, 3, 4]}"), ["n_back"]),
    ],
)
def test_mistakes_are_told_in_one_clear_line_before_anything_is_written(small, capsys, change, says):
    text = small.read_text()
    assert change[0] in text
    small.write_text(text.replace(*change))
    assert run(small) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert str(small) in line
    for part in says:
        assert part in line
    assert not small.with_name("out").exists()


def test_the_last_combo_is_checked_before_the_first_run(small, capsys):
    text = small.read_text().replace(", 'n_back': 2", "")
    small.write_text(text + "[combosparams]\ncombos_params = {'n_back': [1, 2, 4]}\n")
    assert run(small) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "combo 2 (4,): [trialparams] n_back: expected less than trial_length = 4, got '4'" in line
    assert not small.with_name("out").exists()


def test_unknown_densities_of_a_real_matrix_are_named(small, connectomes, capsys):
    macaque = "= Macaque_Normalized\nnr_neurons = density"
    text = small.read_text().replace("= SIX\nrnn_size = 6\nnr_neurons = 4", macaque)
    network = str(small.parent / "100% networks")
    small.write_text(text.replace(network, str(connectomes / "bio2art")))
    assert run(small) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "ND_Macaque_Normalized.npy: expected a density > 0 for every region, got none for" in line
    assert "(nan)" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "epochs", "column", "reached"),
    [
        ("seq_mem", 50, "validate_loss_best", lambda loss: loss < 0.001),
        ("nback_mem", 20, "validate_metrics_best", lambda accuracy: accuracy > 95),
        ("pic_latent_mem", 10, "validate_metrics_best", lambda accuracy: accuracy > 85),
        ("pic_mem", 10, "validate_metrics_best", lambda accuracy: accuracy > 85),
    ],
)
def test_the_template_learns(tmp_path, task, epochs, column, reached):
    """In half to two thirds of its epochs already."""
    out = tmp_path / "out"
    given = [f"paths.path_to_results={out}", f"trainvalidate.epochs={epochs}"]
    assert run(ROOT / "config" / f"{task}.ini", *(part for text in given for part in ("--set", text))) == 0
    [value] = pd.read_csv(out / "summary.csv")[column]
    assert reached(value), f"{task}: {column} = {value}"


# bio_rnn_mem repaired only enough to run, 3 iterations: MSE (mean, standard deviation) at epochs 1 and 100 of training
# and of validation; Marmoset, 4 neurons per region, seq_mem L = 5, lr 1e-4, Adam, init default, remap_w (spec 9)
REFERENCE = {
    (False, "relu"): {"train": ((0.312, 0.033), (0.065, 0.004)), "validate": ((0.307, 0.022), (0.063, 0.001))},
    (False, "tanh"): {"train": ((0.347, 0.050), (0.058, 0.005)), "validate": ((0.334, 0.055), (0.054, 0.006))},
    (True, "relu"): {"train": ((0.319, 0.012), (0.069, 0.001)), "validate": ((0.303, 0.019), (0.068, 0.002))},
    (True, "tanh"): {"train": ((0.344, 0.033), (0.079, 0.001)), "validate": ((0.321, 0.033), (0.080, 0.005))},
}
REFERENCE_INI = """[paths]
path_to_network = {network}
path_to_results = {results}
[net]
net_name = Marmoset_Normalized
rnn_size = 55
nr_neurons = 4
[trainvalidate]
lr = 0.0001
epochs = 100
iterations = 5
store_every_epoch = 0
[trialparams]
trial_params = {{'task_name': 'seq_mem', 'nr_of_trials': 500, 'train_size': 0.8, 'pattern_length': 5}}
[combosparams]
combos_params = {{'random_w': [False, True], 'nonlinearity': ['relu', 'tanh']}}
[execution]
workers = 1
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory, connectomes):
    """The reference experiment, five seeds: (random_w, nonlinearity) -> {train, validate: MSE (seeds, epochs)}."""
    folder = tmp_path_factory.mktemp("reference")
    path = folder / "reference.ini"
    path.write_text(REFERENCE_INI.format(network=connectomes / "bio2art", results=folder / "out"))
    assert run(path) == 0
    return {
        cell: {which: np.load(folder / "out" / str(combo) / f"{which}_loss_all.npy") for which in ("train", "validate")}
        for combo, cell in enumerate(REFERENCE)
    }


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("cell", REFERENCE, ids=lambda cell: f"{'null' if cell[0] else 'connectome'}-{cell[1]}")
def test_the_predecessors_curves_are_reproduced_within_their_spread(reference, cell):
    """The means differ by at most two standard deviations of the difference of a run of theirs and one of ours."""
    wrong = []
    for which, expected in REFERENCE[cell].items():
        for epoch, (mean, spread) in zip((1, 100), expected, strict=True):
            found = reference[cell][which][:, epoch - 1]
            allowed = 2 * np.hypot(spread, found.std(ddof=1))
            if abs(found.mean() - mean) > allowed:
                wrong.append(f"{which} {epoch}: {found.mean():.4f} +- {found.std(ddof=1):.4f}, {mean} +- {spread}")
    assert not wrong
