"""Tasks on regions that have inputs of their own: what reaches whom, and what training keeps."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of, training_settings
from randomnet.connectome import from_dense
from randomnet.objectives import StateNoise
from randomnet.objectives.noise import scaled_sampler
from randomnet.rnn import INTERFACE, InputConstraints, Network, run_trials
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.synthetic.regions import from_dict, input_matrix
from randomnet.training import Interrupted, fit
from randomnet.values.regions import RegionList
from tests.support.made_up import LISTED_REGIONS, REGIONS_JSON

INI = """
[experiment]
kind = train
seed = 2
[paths]
path_to_results = {out}
[net]
source = regions
[model]
activation = tanh
[trialparams]
task_name = seq_mem
nr_of_trials = 20
[trainvalidate]
init = connectome
epochs = 8
lr = 0.05
batch_size = 8
optimizer = AdamW
{more}
[execution]
workers = 1
"""


def ini(folder, more=LISTED_REGIONS):
    path = folder / "a.ini"
    path.write_text(INI.format(out=folder / "out", more=more))
    return path


def run(path, *overrides):
    return runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))])


def start_of(path, *overrides, iteration=0):
    plan = read_plan(path, [f"trainvalidate.iterations={iteration + 1}", *overrides])
    return build_setup(plan.combos[0].runs()[iteration])


def test_channels_reach_what_the_inputs_are_connected_to(tmp_path):
    weights = start_of(ini(tmp_path)).network.interface["input_weights"].detach().numpy()
    assert weights.shape == (14, 2)
    assert (weights[:8, 0] == 0).all() and (weights[8:, 0] > 0).sum() == 3 and (weights[8:, 0] >= 0).all()
    assert (weights[:6, 1] < 0).all() and (weights[6:, 1] == 0).all()
    assert np.abs(weights).max() <= 0.25, "sqrt(1 / (H + I)) = sqrt(1 / 16)"
    file = tmp_path / "net.json"
    file.write_text(json.dumps(REGIONS_JSON))
    of_file = start_of(ini(tmp_path, f"[regions]\nregions_file = {file}\n")).network
    assert np.array_equal(of_file.interface["input_weights"].detach(), weights)
    other = start_of(ini(tmp_path), iteration=1).network.interface["input_weights"].detach().numpy()
    assert (other != weights).any()
    same = [start_of(ini(tmp_path), "net.paired_topology=False", iteration=one).network.input_signs for one in (0, 1)]
    assert torch.equal(*same)


def test_the_matrix_is_drawn_as_input_matrix_draws_it(tmp_path):
    plan = read_plan(ini(tmp_path))
    rng = plan.combos[0].runs()[0].generator("interface").spawn(1)[0]
    _, expected = input_matrix(from_dict(REGIONS_JSON), rng)
    found = start_of(ini(tmp_path)).network.interface["input_weights"]
    np.testing.assert_array_equal(found.detach().numpy(), expected.astype(np.float32))


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_training_keeps_what_is_absent_and_the_signs(tmp_path, optimizer):
    path = ini(tmp_path)
    assert run(path, f"trainvalidate.optimizer={optimizer}", "trainvalidate.lr=0.2") == 0
    before = start_of(path).network.interface["input_weights"].detach()
    kept = torch.load(tmp_path / "out" / "0" / "iter_0" / "model.pt", weights_only=True)
    after = kept["last"]["input_weights"]
    assert not after[before == 0].any() and (after * before >= 0).all()
    assert torch.equal(kept["network"]["input_signs"], before.sign())
    assert (after != before)[before != 0].float().mean() > 0.5
    history = pd.read_csv(tmp_path / "out" / "0" / "iter_0" / "history.csv")
    assert (history["grad_norm_input_weights"].iloc[1:] > 0).all()


def test_gradients_are_those_of_the_connections_alone():
    rng = np.random.default_rng(0)
    shapes = [(6, 2), (6,), (6,), (1, 6), (1,)]
    interface = {name: rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    interface["input_weights"] *= rng.random((6, 2)) < 0.5
    signs = np.sign(interface["input_weights"])
    connectome = from_dense("six", rng.standard_normal((6, 6)), np.array(list("abcdef")))
    inputs = torch.from_numpy(rng.standard_normal((5, 3, 2)))
    gradients = []
    for constraints in (InputConstraints(signs), None):
        network = Network(connectome, activation="tanh", interface=interface, input_constraints=constraints)
        network.run(inputs)[1].square().sum().backward()
        gradients.append(network.interface["input_weights"].grad.numpy())
    np.testing.assert_array_equal(gradients[0], gradients[1] * (signs != 0))
    assert gradients[1][signs == 0].all()
    for wrong in (-signs, np.ones_like(signs), signs[:, :1]):
        with pytest.raises(ValueError, match="input_signs must be the signs of input_weights"):
            Network(connectome, interface=interface, input_constraints=InputConstraints(wrong))


@pytest.mark.parametrize("side_by_side", [False, True])
def test_free_input_weights_change_their_signs_but_not_their_connections(tmp_path, side_by_side):
    """inp_constrained = False of mRNNTorch: Xavier-normal inputs of both signs, without Dale's law."""
    free = ["regions.input_initialisation=xavier", "regions.input_signs=free", "trainvalidate.lr=0.2"]
    before = start_of(ini(tmp_path), *free).network.interface["input_weights"].detach()
    rng = read_plan(ini(tmp_path)).combos[0].runs()[0].generator("interface").spawn(1)[0]
    expected = input_matrix(from_dict(REGIONS_JSON), rng, initialisation="xavier")[1]
    np.testing.assert_array_equal(before.numpy(), expected.astype(np.float32))
    assert (before > 0).any() and (before < 0).any()
    more = ["trainvalidate.iterations=2", "execution.batch_runs=2"] if side_by_side else []
    assert run(ini(tmp_path), *free, *more) == 0
    after = torch.load(tmp_path / "out" / "0" / "iter_0" / "model.pt", weights_only=True)["last"]["input_weights"]
    assert torch.equal(after != 0, before != 0) and (after * before < 0).any()


GENERATION_2 = {
    "recurrent_regions": [
        {"name": "cortex", "num_units": 8, "learnable_bias": True},
        {"name": "thalamus", "num_units": 6, "sign": "neg"},
    ],
    "recurrent_connections": [{"src_region": a, "dst_region": b} for a in ("cortex", "thalamus") for b in ("cortex",)],
    "input_regions": [{"name": "light", "num_units": 2}],
    "input_connections": [{"src_region": "light", "dst_region": "thalamus"}],
}
LEARNABLE = LISTED_REGIONS.replace("cortex: 8", "cortex: 8 learnable_bias")


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("way", ["file", "list"])
def test_biases_of_regions_with_learnable_bias_alone_are_trained(tmp_path, way, side_by_side):
    """As MultiRegionRNN has it: they start at base_firing, and all others stay there."""
    more = LEARNABLE
    if way == "file":
        file = tmp_path / "net.json"
        file.write_text(json.dumps(GENERATION_2))
        more = f"[regions]\nregions_file = {file}\n"
    path, several = ini(tmp_path, more), ["trainvalidate.iterations=2", "execution.batch_runs=2"]
    start = start_of(path).network
    assert not start.interface["recurrent_bias"].any() and not start.interface["input_bias"].any()
    assert run(path, *(several if side_by_side else [])) == 0
    kept = torch.load(tmp_path / "out" / "0" / "iter_0" / "model.pt", weights_only=True)["last"]
    trained = np.repeat([True, False], [8, 6])
    assert (kept["recurrent_bias"] != 0).tolist() == trained.tolist() and not kept["input_bias"].any()


def test_regions_without_the_word_are_written_as_in_folders_of_earlier_versions():
    """Eight fields each, so that such a folder goes on and is analysed; and every entry reads as it prints."""
    entries = RegionList().parse("A: 3 neg learnable_bias parent p, B: 2 d1 0.5 d2 0.5 tau 3")
    assert [len(entry) for entry in entries] == [9, 8] and [entry.learnable_bias for entry in entries] == [True, False]
    assert RegionList().parse(str(entries)) == entries and list(entries[1]) == [
        "B", 2, "", (("d1", 0.5), ("d2", 0.5)), 0.0, 0.0, 3.0, ""]  # fmt: skip
    with pytest.raises(ValueError, match="'learnable_bias' is there twice"):
        RegionList().parse("A: 3 learnable_bias learnable_bias")


def test_which_biases_are_trained_may_be_said(tmp_path):
    for biases, more, all_of_them in (("all", LEARNABLE, True), ("learnable", LISTED_REGIONS, False),
                                      ("described", LISTED_REGIONS, True)):  # fmt: skip
        path = ini(tmp_path, more.replace("[regions]", f"[regions]\nbiases = {biases}"))
        network = start_of(path).network
        assert bool(network.interface["recurrent_bias"].any()) == all_of_them, biases
        network.run(torch.randn(5, 3, 2))[1].square().sum().backward()
        assert bool(network.interface["recurrent_bias"].grad.any()) == all_of_them, biases


def test_side_by_side_they_keep_them_too(tmp_path):
    assert run(ini(tmp_path), "trainvalidate.iterations=3", "execution.batch_runs=3") == 0
    for iteration in range(3):
        before = start_of(ini(tmp_path), iteration=iteration).network.interface["input_weights"].detach()
        kept = torch.load(tmp_path / "out" / "0" / f"iter_{iteration}" / "model.pt", weights_only=True)
        after = kept["last"]["input_weights"]
        assert not after[before == 0].any() and (after * before >= 0).all() and (after != before).any()


def test_a_stored_model_goes_on_with_its_own_connections(tmp_path):
    first = ini(tmp_path)
    assert run(first, "trainvalidate.store_every_epoch=1") == 0
    taken = ["paths.pretrained=" + str(tmp_path / "out"), "pretrainedparams.pretrained_epoch=8"]
    again = start_of(ini(tmp_path), *taken).network
    stored = torch.load(tmp_path / "out" / "0" / "model_state_dict_epoch_7_iter_0.pth", weights_only=True)
    assert torch.equal(again.input_signs, stored["rnn.weight_ih_l0"].sign())
    with_tau = ini(tmp_path, LISTED_REGIONS.replace("thalamus: 6", "thalamus: 6 tau 4"))
    with pytest.raises(ConfigError, match=r"expected the network that was trained in .* regions\.regions = "):
        start_of(with_tau, *taken)
    torch.save(stored, tmp_path / "alone.pth")  # of which no manifest says the time constants
    taken = [f"paths.pretrained={tmp_path / 'alone.pth'}"]
    np.testing.assert_allclose(start_of(with_tau, *taken).network.leaks, [1] * 8 + [0.25] * 6)


def test_another_number_of_channels_is_refused(tmp_path, capsys):
    file = tmp_path / "net.json"
    file.write_text(json.dumps({**REGIONS_JSON, "input_regions": [{"name": "light", "num_units": 3},
                                                             {"name": "cue", "num_units": 1}]}))  # fmt: skip
    for more, option in (
        (LISTED_REGIONS.replace("light: 1", "light: 3"), "[regions] inputs"),
        (f"[regions]\nregions_file = {file}\n", "[regions] regions_file"),
    ):
        assert run(ini(tmp_path, more)) == 2
        error = capsys.readouterr().err
        assert f"{option}: expected inputs of 2 units in all, as seq_mem has so many channels" in error
        assert "got 4 (light: 3, cue: 1)" in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_other_inputs_are_another_experiment(tmp_path, capsys):
    file = tmp_path / "net.json"
    path = ini(tmp_path, f"[regions]\nregions_file = {file}\n")
    file.write_text(json.dumps(REGIONS_JSON))
    assert run(path) == 0
    file.write_text(json.dumps({**REGIONS_JSON, "__comment_": ["the same network"]}))
    assert run(path) == 0
    to = '"light", "dst_region": "'
    file.write_text(json.dumps(REGIONS_JSON).replace(to + "thalamus", to + "cortex"))
    assert run(path) == 2
    assert "the file of regions.regions_file has changed" in capsys.readouterr().err


def test_without_inputs_of_their_own_channels_reach_all_units(tmp_path):
    without = LISTED_REGIONS.replace("inputs = light: 1, cue: 1 neg\n", "").partition("    light")[0]
    network = start_of(ini(tmp_path, without)).network
    assert network.input_signs is None and network.interface["input_weights"].all()


# ---- noise


def test_the_noise_of_an_unconnected_network_has_the_deviation_of_theory(tmp_path):
    """sd sigma sqrt(2 / (2 - a)) and lag-1 autocorrelation 1 - a, each within 4 standard errors, for both a."""
    zero = from_dense("zero", np.zeros((2, 2)), np.array(["a", "b"]))
    shapes = [(2, 1), (2,), (2,), (1, 2), (1,)]
    interface = {name: np.zeros(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    network = Network(zero, activation="linear", dt=0.25, tau=np.array([2.5, 0.5]), interface=interface)
    system, inputs = network.dynamics(), torch.zeros(400, 500, 1, dtype=torch.float64)
    noise = StateNoise(0.01, 5)
    extra = scaled_sampler([noise], system, inputs)(0, 400)
    states = run_trials(system, network.interface, inputs, extra=extra)[0][-300:].detach()
    for unit, a in enumerate((0.1, 0.5)):
        found, sd = states[..., unit], 0.01 * (2 / (2 - a)) ** 0.5
        independent = found.numel() * a / (2 - a)
        assert abs(float(found.std()) / sd - 1) < 4 / (2 * independent) ** 0.5
        rho = float((found[1:] * found[:-1]).mean() / found.square().mean())
        assert abs(rho - (1 - a)) < 4 * (1 - (1 - a) ** 2) ** 0.5 / found.numel() ** 0.5
    assert noise.updates == 1 and not torch.equal(scaled_sampler([noise], system, inputs)(0, 400), extra)
    assert torch.equal(scaled_sampler([StateNoise(0.01, 5)], system, inputs)(0, 400), extra)


def history(folder, iteration=0):
    return pd.read_csv(folder / "out" / "0" / f"iter_{iteration}" / "history.csv").drop(columns="seconds")


def at(folder, name):
    path = folder / name
    path.mkdir()
    return path


def test_noise_is_there_in_training_alone(tmp_path):
    quiet, noisy = at(tmp_path, "quiet"), at(tmp_path, "noisy")
    assert run(ini(quiet), "trainvalidate.epochs=2", "trainvalidate.lr=1e-12") == 0
    assert run(ini(noisy), "trainvalidate.epochs=2", "trainvalidate.lr=1e-12", "trainvalidate.state_noise=0.1") == 0
    first, second = history(quiet), history(noisy)
    assert first["train_loss"][1] != second["train_loss"][1]
    assert first["train_loss"][0] == second["train_loss"][0], "the untrained network is measured without noise"
    assert first["validate_loss"][1] == pytest.approx(second["validate_loss"][1], rel=1e-6)
    finals = [pd.read_csv(folder / "out" / "summary.csv")["loss_final"][0] for folder in (quiet, noisy)]
    assert finals[0] == pytest.approx(finals[1], rel=1e-6), "the network as it is at last is measured without noise"


def test_no_noise_is_the_very_same_training(tmp_path):
    folders = at(tmp_path, "without"), at(tmp_path, "zero")
    assert run(ini(folders[0])) == 0 and run(ini(folders[1]), "trainvalidate.state_noise=0") == 0
    files = [(folder / "out" / "0" / "iter_0" / "arrays.npz").read_bytes() for folder in folders]
    assert files[0] == files[1]


def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path):
    [one] = read_plan(ini(tmp_path), ["trainvalidate.state_noise=0.2"]).combos[0].runs()
    kept, done = [], []

    def trained(resume=None, stop_after=None):
        start = build_setup(one)
        fit([start.network], objective_of(one, start), [training_settings(one)],
            resume=resume, save_checkpoint=kept.append,
            report=lambda index, row: done.append(row), stop=lambda: len(done) == stop_after)  # fmt: skip
        return start.network.values()

    with pytest.raises(Interrupted):
        trained(stop_after=3)
    assert kept[-1][0]["objective"] == {"updates": 3 * 2}, "16 trials in batches of 8"
    again, whole = trained(resume=kept[-1]), trained()
    for name, values in whole.items():
        assert torch.equal(values, again[name]), name


def test_side_by_side_every_network_has_its_own_noise(tmp_path):
    alone, beside = at(tmp_path, "alone"), at(tmp_path, "beside")
    overrides = ["trainvalidate.iterations=3", "trainvalidate.state_noise=0.2", "trainvalidate.precision=float64"]
    assert run(ini(alone), *overrides, "execution.batch_runs=1") == 0
    assert run(ini(beside), *overrides, "execution.batch_runs=3") == 0
    losses = []
    for iteration in range(3):
        one, other = history(alone, iteration), history(beside, iteration)
        np.testing.assert_allclose(one.to_numpy(), other.to_numpy(), rtol=1e-8)
        losses.append(one["train_loss"].iloc[0])
    assert len(set(losses)) == 3


def test_noise_that_cannot_be_meant_is_refused(tmp_path, capsys):
    assert run(ini(tmp_path), "trainvalidate.state_noise=-1") == 2
    assert "[trainvalidate] state_noise: expected a number >= 0" in capsys.readouterr().err
