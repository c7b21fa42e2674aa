"""kind = fit: what is written, what it says, how it goes on after a kill, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet import results
from randomnet.artifacts import sources
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.cells import CELLS
from randomnet.experiment import check
from randomnet.inference import PRIORS
from randomnet.metrics import bps, r2
from randomnet.recordings import Recording, Split, read_recording, write_recording
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from tests.support.paths import ROOT
from tests.support.runs import contents, differing

NEURONS, HELDIN, TIME, CHANNELS = 9, 6, 12, 2
SIZES = {"train": 24, "valid": 8, "test": 6}
INI = """
[experiment]
kind = fit
name = test
seed = 3
[paths]
path_to_results = {results}
[source]
folder = {recording}
[inference]
encoder_size = 5
[trainvalidate]
epochs = {epochs}
batch_size = 10
lr = 0.02
clip_norm = 1
[execution]
workers = 1
checkpoint_every = 1
"""


def split_of(trials, rng, inputs=True):
    latents = np.cumsum(rng.standard_normal((trials, TIME, 3)) * 0.5, 1).astype(np.float32)
    mixing = np.random.default_rng(5).standard_normal((3, NEURONS)) * 0.5
    rates = np.exp(latents @ mixing).astype(np.float32)
    given = rng.standard_normal((trials, TIME, CHANNELS)).astype(np.float32)
    found = {"inputs": given + 1, "true_inputs": given} if inputs else {}
    counts = np.minimum(rng.poisson(rates), 255).astype(np.uint8)
    return Split(counts, HELDIN, np.arange(trials), rates, latents, **found)


def recorded(path, inputs=True, splits=tuple(SIZES)):
    rng = np.random.default_rng(0)
    write_recording(path, Recording({name: split_of(SIZES[name], rng, inputs) for name in splits}))
    return path


def ini(folder, *more, recording=None, epochs=3):
    recording = recording or recorded(folder / "spikes.npz")
    path = folder / "fit.ini"
    path.write_text(INI.format(results=folder / "out", recording=recording, epochs=epochs))
    return [str(path), *(part for one in more for part in ("--set", one))]


def run(arguments):
    return runrandomnet.main(arguments)


def grid(**axes):
    return f"combosparams.combos_params={json.dumps(axes)}"


MODELS = ("gru", "lstm", "rnn", "linear", "node", "lfads", "jslds", "network")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """One run of every model."""
    folder = tmp_path_factory.mktemp("fitted")
    small = ("inference.mlp_layers=2", "inference.mlp_units=6", "inference.hidden_size=4", "inference.n_factors=3")
    assert run(ini(folder, grid(architecture=MODELS), "net.roi=AB", "model.dt=1", *small)) == 0
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_the_files_are_the_documented_ones(fitted, name):
    folder = results.ResultsFolder(fitted / "out").run(MODELS.index(name), 0)
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "arrays.npz", "history.csv", "model.pt", "run.json", "state.pt"
    ]  # fmt: skip
    arrays = folder.arrays
    latent = {"network": 58, "lstm": 8}.get(name, 4)  # h and c of an LSTM
    for split, trials in SIZES.items():
        assert arrays[f"{split}_rates"].shape == (trials, TIME, NEURONS)
        assert arrays[f"{split}_latents"].shape == (trials, TIME, latent)
        assert arrays[f"{split}_start"].shape == (trials, latent)
        assert (f"{split}_factors" in arrays) == (name == "lfads")
        assert arrays[f"{split}_rates"].dtype == np.float32
    assert str(arrays["inputs_used"]) == "noisy"
    history = pd.read_csv(folder.path / "history.csv")
    assert list(history["epoch"]) == [0, 1, 2, 3]
    assert {"train_loss", "validate_loss", "validate_co_bps", "grad_norm", "clipped_norm"} <= set(history)
    saved = torch.load(folder.path / "model.pt", weights_only=True)
    assert {"description", "last", "best", "best_epoch", "last_epoch"} == set(saved) and saved["last_epoch"] == 3
    assert saved["best_epoch"] == history["validate_loss"].idxmin()


@pytest.mark.parametrize("name", MODELS)
def test_the_summary_is_of_the_best_model_on_the_test(fitted, name):
    folder = results.ResultsFolder(fitted / "out").run(MODELS.index(name), 0)
    summary, arrays = folder.record["summary"], folder.arrays
    test, rates = read_recording(fitted / "spikes.npz").splits["test"], arrays["test_rates"]
    expected = (rates - test.spikes * np.log(rates)).astype(float).mean()
    assert summary["nll_test"] == pytest.approx(expected, rel=1e-5)
    assert summary["co_bps"] == pytest.approx(bps(test.spikes[..., HELDIN:], rates[..., HELDIN:]))
    assert summary["bps"] == pytest.approx(bps(test.spikes, rates))
    assert summary["co_bps_ceiling"] == pytest.approx(bps(test.spikes[..., HELDIN:], test.rates[..., HELDIN:]))
    assert summary["rate_r2"] == pytest.approx(r2(test.rates, rates))
    history = pd.read_csv(folder.path / "history.csv")
    assert summary["nll_valid"] == pytest.approx(history["validate_loss"].min(), rel=1e-5)
    assert summary["epoch_best"] == history["validate_loss"].idxmin()
    system = load_inferred(folder)
    trained = sum(one.numel() for one in system.model.parameters())
    own = {"network": 0, "lstm": 8}.get(name, 4)  # a start that decoders do not use
    gains = 2 * 58 if name == "network" else 0
    assert trained - own - gains <= summary["parameters"] <= trained + 58 * 58


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_goes_the_way_that_was_written(fitted, name):
    folder = results.ResultsFolder(fitted / "out").run(MODELS.index(name), 0)
    inputs = read_recording(fitted / "spikes.npz").splits["test"].inputs
    system, arrays = load_inferred(folder, double=True), folder.arrays
    assert (system.n, system.channels, system.neurons) == (arrays["test_latents"].shape[2], CHANNELS, NEURONS)
    state = system.starts["test"]
    for t in range(TIME):
        state = system.step(state, torch.from_numpy(inputs[:, t]).double())
        np.testing.assert_allclose(state, arrays["test_latents"][:, t], atol=1e-4)
    np.testing.assert_allclose(system.rates(state), arrays["test_rates"][:, -1], rtol=1e-3)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda h: system.step(h[None], torch.zeros(1, CHANNELS).double())[0]))
    assert jacobian(state).shape == (SIZES["test"], system.n, system.n)


def test_last_and_best_are_both_there(tmp_path):
    assert run(ini(tmp_path, "trainvalidate.lr=1", "inference.hidden_size=4", epochs=12)) == 1  # it diverges at last
    folder = results.ResultsFolder(tmp_path / "out").run(0, 0)
    last, best = load_inferred(folder, "last"), load_inferred(folder, "best")
    assert folder.record["summary"]["epoch_best"] < 11
    assert not torch.equal(last.model.to_start.bias, best.model.to_start.bias)


@pytest.mark.parametrize(("used", "field"), [("noisy", "inputs"), ("true", "true_inputs"), ("none", None)])
def test_models_are_given_the_inputs_that_are_asked_for(tmp_path, used, field):
    assert run(ini(tmp_path, f"inference.inputs_used={used}", "inference.hidden_size=4", epochs=1)) == 0
    folder = results.ResultsFolder(tmp_path / "out").run(0, 0)
    system, arrays = load_inferred(folder), folder.arrays
    test = read_recording(tmp_path / "spikes.npz").splits["test"]
    given = np.zeros((len(test), TIME, 0), np.float32) if field is None else getattr(test, field)
    assert system.channels == given.shape[2]
    state = system.step(system.starts["test"], torch.from_numpy(given[:, 0]))
    np.testing.assert_allclose(state, arrays["test_latents"][:, 0], atol=1e-5)
    assert str(arrays["inputs_used"]) == used


def test_spikes_alone_will_do(tmp_path):
    rng = np.random.default_rng(0)
    counts = {f"{name}_recon_data": rng.poisson(1.0, (6, TIME, 4)).astype(np.uint8) for name in ("train", "valid")}
    np.savez(tmp_path / "user.npz", **counts)
    assert run(ini(tmp_path, "inference.hidden_size=3", recording=tmp_path / "user.npz")) == 0
    assert str(results.ResultsFolder(tmp_path / "out").run(0, 0).arrays["inputs_used"]) == "none"
    record = results.ResultsFolder(tmp_path / "out").run(0, 0).record
    assert record["status"] == "complete"
    assert "co_bps" not in record["summary"] and "rate_r2" not in record["summary"]
    assert "the validation split is used in its place" in record["summary"]["notes"]


def test_true_rates_that_never_vary_have_no_r2_and_those_that_cannot_be_are_refused(tmp_path, capsys):
    rng = np.random.default_rng(0)
    counts = {f"{name}_recon_data": rng.poisson(1.0, (6, TIME, 4)).astype(np.uint8) for name in SIZES}
    constant = np.broadcast_to(np.float32([0.5, 1, 1.5, 2]), (6, TIME, 4))
    few = ("inference.inputs_used=none", "inference.hidden_size=3", "trainvalidate.epochs=1")
    for name, rates, said in (("nan", constant * np.nan, "rates must be finite"), ("below", -constant, "be below 0")):
        np.savez(tmp_path / f"{name}.npz", **counts, **{f"{split}_activity": rates for split in SIZES})
        assert run(ini(tmp_path, *few, recording=tmp_path / f"{name}.npz")) == 2
        error = capsys.readouterr().err
        assert said in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()
    np.savez(tmp_path / "constant.npz", **counts, **{f"{split}_activity": constant for split in SIZES})
    assert run(ini(tmp_path, *few, recording=tmp_path / "constant.npz")) == 0
    record = results.ResultsFolder(tmp_path / "out").run(0, 0).record
    assert record["status"] == "complete" and "rate_r2" not in record["summary"] and "bps_ceiling" in record["summary"]
    assert Path(record["connectome"]["source"]).is_absolute()


def test_a_run_of_kind_record_is_found_by_its_numbers(tmp_path):
    folder = results.ResultsFolder(tmp_path / "recorded")
    folder.write_plan({"format": 1, "kind": "record", "seed": 0, "iterations": 2, "varied": [],
                       "combos": [{"combo": 0, "values": {}, "settings": {}, "connectome": {}}]}, "")  # fmt: skip
    for iteration in range(2):
        own = folder.run(0, iteration)
        own.create()
        rng = np.random.default_rng(iteration)
        write_recording(own.path / "recording.npz", Recording({name: split_of(6, rng) for name in SIZES}))
        own.finish({"status": "complete"})
    arguments = ini(tmp_path, "trainvalidate.iterations=2", "inference.hidden_size=3", recording=tmp_path / "recorded")
    assert run(arguments) == 0
    for iteration in range(2):
        about = results.ResultsFolder(tmp_path / "out").run(0, iteration).record["connectome"]
        path = tmp_path / "recorded" / "0" / f"iter_{iteration}" / "recording.npz"
        assert about["source"] == str(path)
        assert about["inputs"] == {"source.folder": sources.checksum(path)}


def test_the_table_at_the_end_has_no_column_twice(tmp_path, capsys):
    assert run(ini(tmp_path, grid(hidden_size=[2, 3]), epochs=1)) == 0
    (head,) = [line.split() for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["combo"]]
    assert head.count("hidden_size") == head.count("latent") == 1 and len(set(head)) == len(head)


def test_early_stopping_and_the_plateau_are_those_of_the_ini(tmp_path):
    more = ("trainvalidate.lr=0.5", "trainvalidate.early_stopping=2", "trainvalidate.plateau_factor=0.5",
            "trainvalidate.plateau_patience=0", "inference.hidden_size=3")  # fmt: skip
    assert run(ini(tmp_path, *more, epochs=100)) == 0
    folder = results.ResultsFolder(tmp_path / "out").run(0, 0)
    history = pd.read_csv(folder.path / "history.csv")
    assert folder.record["reason"] == "no lower loss for 2 epochs"
    assert history["epoch"].iloc[-1] == history["validate_loss"].iloc[1:].idxmin() + 2 < 100
    assert history["lr_epoch"].iloc[1] == 0.5 > history["lr_epoch"].iloc[-1]


def test_a_model_whose_loss_is_not_finite_diverges(tmp_path):
    more = ("inference.architecture=linear", "inference.hidden_size=5", "trainvalidate.optimizer=SGD",
            "trainvalidate.lr=1e4")  # fmt: skip
    assert run([*ini(tmp_path, *more), "--set", "trainvalidate.clip_norm=1e9"]) == 1
    record = results.ResultsFolder(tmp_path / "out").run(0, 0).record
    assert record["status"] == "diverged"
    assert record["reason"].startswith("epoch 0: the loss is ")
    assert np.isfinite(record["summary"]["nll_test"])  # of the last values whose loss was finite


INFERRING = ("inference.architecture=lfads", "inference.inferred_inputs=2", "inference.controller_size=3",
             "inference.n_factors=2", "inference.hidden_size=4")  # fmt: skip


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path):
    """Of a model that draws dropout, orders of trials, and samples of an initial condition and of inputs."""
    (tmp_path / "whole").mkdir()
    recording = recorded(tmp_path / "spikes.npz")
    whole = ini(tmp_path / "whole", *INFERRING, recording=recording, epochs=12)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, ROOT / "runrandomnet.py", *whole], env=environment, check=True, capture_output=True)
    arguments = ini(tmp_path, *INFERRING, recording=recording, epochs=12)
    slow = (
        "import sys, time, runrandomnet, randomnet.results as results\n"
        "write = results.write_bytes\n"
        "def slowly(path, content):\n"
        "    write(path, content)\n"
        "    time.sleep(0.3 * (path.name == 'checkpoint.pt'))\n"
        "results.write_bytes = slowly\n"
        "sys.exit(runrandomnet.main(sys.argv[1:]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", slow, *arguments], env=environment, stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    there = results.ResultsFolder(tmp_path / "out").run(0, 0)
    end = time.monotonic() + 120
    while not (there.path / "history.csv").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert there.checkpoint.exists() and there.status == "missing"
    assert 0 < len(pd.read_csv(there.path / "history.csv")) < 12
    assert run(arguments) == 0
    expected = results.ResultsFolder(tmp_path / "whole" / "out").run(0, 0)
    for name in ("model.pt", "arrays.npz"):
        assert (there.path / name).read_bytes() == (expected.path / name).read_bytes(), name
    histories = [pd.read_csv(each.path / "history.csv").drop(columns="seconds") for each in (there, expected)]
    assert histories[0].equals(histories[1])
    summaries = [{**each.record["summary"], "seconds": 0} for each in (there, expected)]
    assert summaries[0] == summaries[1]
    assert not there.checkpoint.exists()


def test_iterations_differ_and_combos_share_their_order_of_trials(tmp_path):
    more = (grid(dropout=[0.0, 0.1]), "trainvalidate.iterations=2", "inference.hidden_size=3")
    assert run(ini(tmp_path, *more, epochs=1)) == 0
    root = results.ResultsFolder(tmp_path / "out")
    starts = {(combo, iteration): root.run(combo, iteration).arrays["test_start"]
              for combo in range(2) for iteration in range(2)}  # fmt: skip
    assert not np.allclose(starts[0, 0], starts[0, 1])
    np.testing.assert_allclose(starts[0, 0], starts[1, 0], atol=0.2)  # the same weights, one epoch apart by dropout
    assert not np.array_equal(starts[0, 0], starts[1, 0])


# ---- figures


def test_figures_are_drawn_of_models(fitted, tmp_path):
    arguments = ["--results_folders", str(fitted / "out"), "--results_labels", "models", "--save_figs", str(tmp_path)]
    assert visualization.main([*arguments, "--filter", "architecture=lfads"]) == 0
    names = {path.name for path in tmp_path.iterdir()} - {"report.html"}
    assert names == {"by_combo", "overview.png", "tests.csv", "means.csv"}
    assert {path.name for path in (tmp_path / "by_combo").iterdir()} == {"loss_architecture=lfads.png", "rates.png"}


# ---- what is refused


def test_the_schema_lists_what_the_registries_hold():
    assert SCHEMA.options["inference", "architecture"].value.names == (*CELLS, "lfads", "jslds", "network")
    assert SCHEMA.options["inference", "prior"].value.names == tuple(PRIORS)


def refused(arguments):
    """What the check of an INI objects to."""
    with pytest.raises(ConfigError) as caught:
        check(read_plan(Path(arguments[0]), arguments[2::2]))
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_is_not_there_is_refused(tmp_path):
    assert "[source] folder: expected the results folder of an experiment of kind = record, got" in refused(
        ini(tmp_path, recording=tmp_path / "none")
    )
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    assert f"[source] folder: {tmp_path / 'bad.npz'}: expected a recording" in refused(
        ini(tmp_path, recording=tmp_path / "bad.npz")
    )


def test_inputs_that_were_not_recorded_are_refused(tmp_path):
    path = recorded(tmp_path / "spikes.npz", inputs=False)
    assert f"[inference] inputs_used: expected none, as {path} has no true inputs of train, got true" in refused(
        ini(tmp_path, "inference.inputs_used=true", recording=path)
    )
    known = dict(np.load(path))
    partial = {f"{name}_true_inputs": known[f"{name}_recon_data"][..., :2] * 1.0 for name in SIZES}
    np.savez(tmp_path / "true.npz", **known, **partial)
    assert "inputs_used: expected true or none, as" in refused(ini(tmp_path, recording=tmp_path / "true.npz"))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("inference.architecture=mlp", "[inference] architecture: expected one of gru, lstm, rnn, linear, node, lfads"),
        ("inference.dropout=1", "[inference] dropout: expected a number from 0 to 0.99, got '1'"),
        ("inference.n_factors=3", "[inference] n_factors: applies only where inference.architecture = lfads"),
        ("inference.mlp_units=3", "[inference] mlp_units: applies only where inference.architecture = node"),
        ("inference.kl_co=1", "[inference] kl_co: applies only where inference.architecture = lfads and"),
        ("net.roi=AB", "[net] roi: applies only where model.architecture = network"),
        ("trainvalidate.state_noise=1", "[trainvalidate] state_noise: expected it left out, as it is not available"),
        ("inference.latents=3", "[inference] latents: expected one of"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, setting, said):
    assert said in refused(ini(tmp_path, setting))


def test_a_network_that_is_not_stepped_by_euler_is_refused(tmp_path):
    more = ("inference.architecture=network", "net.roi=AB", "model.integrator=rk4")
    said = "[model] integrator: expected euler with inference.architecture = network, got rk4"
    assert said in refused(ini(tmp_path, *more))


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("gru", {"hidden_size": 128, "encoder_size": 100, "dropout": 0.05, "lr": 0.002, "optimizer": "Adam",
                 "epochs": 500}),
        ("rnn", {"hidden_size": 128, "lr": 0.005}),
        ("linear", {"hidden_size": 128, "lr": 0.0001}),
        ("node", {"hidden_size": 10, "lr": 0.002, "mlp_layers": 6, "mlp_units": 128}),
        ("lfads", {"hidden_size": 128, "encoder_size": 128, "dropout": 0.02, "lr": 0.001, "optimizer": "AdamW",
                   "eps": 1e-7, "weight_decay": 1e-5, "plateau_factor": 0.95, "plateau_patience": 6, "plateau_lr": 1e-5,
                   "coordinated": 0.3, "kl_ic": 1e-6, "epochs": 1000}),
    ],
)  # fmt: skip
def test_defaults_are_those_of_the_model(tmp_path, model, settings):
    path = tmp_path / "plain.ini"
    path.write_text(f"[experiment]\nkind = fit\n[source]\nfolder = x\n[inference]\narchitecture = {model}\n")
    found = {name.partition(".")[2]: value for name, value in read_plan(path).config.settings().items()}
    assert found["batch_size"] == 250 and found["clip_norm"] == 0.01
    assert {name: found[name] for name in settings} == settings


def test_damaged_models_are_refused(fitted, tmp_path):
    own = results.RunFolder(tmp_path)
    (tmp_path / "model.pt").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"expected a model\.pt in it, got"):
        load_inferred(own)
    saved = torch.load(fitted / "out" / "0" / "iter_0" / "model.pt", weights_only=True)
    del saved["best"]["to_start.bias"]
    torch.save(saved, tmp_path / "model.pt")
    with pytest.raises(ConfigError, match=r"expected a model.pt of kind = fit, got .*to_start: bias: expected shape"):
        load_inferred(own)


def test_more_epochs_end_at_the_bytes_of_a_single_training(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    models = grid(architecture=["gru", "lfads"])
    same = recorded(tmp_path / "spikes.npz")
    assert run(ini(parts, models, recording=same, epochs=1)) == run(ini(parts, models, recording=same)) == 0
    assert run(ini(tmp_path, models, recording=same)) == 0
    found, expected = contents(parts / "out"), contents(tmp_path / "out")
    for combo in range(2):
        assert found[f"{combo}/iter_0/run.json"].pop("extended") == [1]
    assert differing(found, expected) == []
