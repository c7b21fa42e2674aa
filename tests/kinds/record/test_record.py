"""kind = record, by hand: from the states of a stored network to spikes on disk."""

import dataclasses
import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet.artifacts import trained_networks
from randomnet.build.trials import all_trials, trials_of
from randomnet.kinds.record import run as record
from randomnet.metrics import bps
from randomnet.recordings import READOUTS, read_recording, write_recording
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.training import Interrupted
from tests.support import made_up

TRAIN = """
[experiment]
kind = train
[paths]
path_to_results = {out}
[net]
roi = random
n = 12
[model]
activation = tanh
dt = 0.5
[trialparams]
task_name = flip_flop
nr_of_trials = 40
trial_steps = 30
switch_prob = 0.1
[trainvalidate]
init = connectome
epochs = 5
lr = 0.02
iterations = 2
[execution]
workers = 1
"""
RECORD = """
[experiment]
kind = record
seed = 7
[paths]
path_to_results = {out}
[source]
folder = {source}
[trialparams]
task_name = flip_flop
nr_of_trials = 40
trial_steps = 25
switch_prob = 0.1
[recording]
heldin = 15
heldout = 5
{more}
[execution]
workers = 1
"""

OF_A_PROBE = ("recording.heldin=", "recording.heldout=")  # left out where another recording has them


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two iterations of a network on three bits."""
    folder = tmp_path_factory.mktemp("trained")
    path = folder / "train.ini"
    path.write_text(TRAIN.format(out=folder / "out"))
    assert runrandomnet.main([str(path)]) == 0
    return ResultsFolder(folder / "out")


def ini(folder, trained, more="", name="out"):
    path = folder / f"{name}.ini"
    path.write_text(RECORD.format(out=folder / name, source=trained.root, more=more))
    return path


def done(folder, trained, *overrides, more="", name="out"):
    """Its run, folder and recording."""
    path = ini(folder, trained, more, name)
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == 0
    run = read_plan(path, overrides).combos[0].runs()[0]
    found = ResultsFolder(folder / name).run(0, 0)
    return run, found, read_recording(found.path / "recording.npz")


def whole(recording, what):
    """(trials, ...) in the trials' order."""
    splits = recording.splits.values()
    order = np.argsort(np.concatenate([split.inds for split in splits]))
    return np.concatenate([getattr(split, what) for split in splits])[order]


def test_states_rates_and_spikes_by_hand(tmp_path, trained):
    run, folder, recording = done(tmp_path, trained)
    network = trained_networks.load_trained(trained.run(0, 0), "best")
    trials, _ = all_trials(run, run.generator("recorded trials"))
    with torch.no_grad():
        states, outputs = (part.numpy() for part in network.run(torch.from_numpy(trials.inputs)))
    np.testing.assert_array_equal(whole(recording, "inputs"), trials.inputs)
    np.testing.assert_array_equal(whole(recording, "true_inputs"), trials.true_inputs)
    np.testing.assert_allclose(whole(recording, "latents"), states, atol=1e-6)
    latents = whole(recording, "latents").astype(float)
    np.testing.assert_array_equal(recording.readout, READOUTS["onehot"](12, 20, run.generator("units")))
    activity = latents[..., recording.latent_index]
    assert (float(recording.mean), float(recording.sd)) == pytest.approx((activity.mean(), activity.std()))
    rates = np.exp((activity - activity.mean()) / (2 * activity.std()))
    np.testing.assert_allclose(whole(recording, "rates"), rates, rtol=1e-5)
    rng = run.generator("spikes")
    np.testing.assert_array_equal(whole(recording, "spikes"), rng.poisson(whole(recording, "rates").astype(float)))
    assert whole(recording, "spikes").dtype == np.uint8 and (recording.heldin, recording.neurons) == (15, 20)
    assert {name: len(split) for name, split in recording.splits.items()} == {"train": 24, "valid": 8, "test": 8}
    assert sorted(np.concatenate([split.inds for split in recording.splits.values()])) == list(range(40))
    summary, test = folder.record["summary"], recording.splits["test"]
    assert record.length(run) == summary["trials"] == 40 and summary["bins"] == 25 and summary["latents"] == 12
    assert summary["mean_rate"] == pytest.approx(rates.mean(), rel=1e-5) and summary["fano_expected"] == 1
    squares = np.square(whole(recording, "spikes") - rates)
    assert summary["fano"] == pytest.approx(squares.sum() / rates.sum(), rel=1e-4)
    assert summary["silent"] == (whole(recording, "spikes").sum((0, 1)) == 0).sum()
    assert summary["bps_ceiling"] == pytest.approx(bps(test.spikes, test.rates)) and summary["bps_ceiling"] > 0
    assert summary["co_bps_ceiling"] == pytest.approx(bps(test.spikes[..., 15:], test.rates[..., 15:]))
    right = (outputs > 0.5) == (trials.targets > 0.5)
    assert summary["accuracy"] == pytest.approx(100 * right[trials.mask].mean(), rel=1e-5)
    squared = np.square(outputs - trials.targets)
    assert summary["task_loss"] == pytest.approx(squared[trials.mask].mean(), rel=1e-4)
    arrays, first = folder.arrays, int(test.inds[0])
    np.testing.assert_array_equal(arrays["example_spikes"], test.spikes[0])
    np.testing.assert_allclose(arrays["example_outputs"], outputs[first], atol=1e-6)
    assert arrays["times"].tolist() == [0.5 * step for step in range(1, 26)] and arrays["example_trial"] == first


def test_its_trials_are_none_of_the_training(tmp_path, trained):
    """Though seed, iteration and all parameters are the same."""
    run, _, recording = done(tmp_path, trained, "experiment.seed=0", "trialparams.trial_steps=30")
    [theirs, *_] = read_plan(trained.root / "config.ini").combos[0].runs()
    seen = np.concatenate([part.inputs for part in trials_of(theirs)])
    assert seen.shape == whole(recording, "inputs").shape and run.seed == theirs.seed
    assert not (np.abs(seen[:, None] - whole(recording, "inputs")[None]).max((2, 3)) < 1e-3).any()


def test_what_it_goes_on_from_is_said_and_watched(tmp_path, trained, capsys):
    _, folder, recording = done(tmp_path, trained)
    model = trained.run(0, 0).path / "model.pt"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())["combos"][0]["connectome"]
    assert manifest["source"] == str(model) and manifest["neurons"] == 20
    metadata = recording.metadata
    assert folder.record["connectome"]["inputs"] == manifest["inputs"] == {"source.folder": metadata["sha256"]}
    assert metadata["task"] == "flip_flop" and metadata["dt"] == 0.5 and metadata["seed"] == 7
    content = model.read_bytes()
    try:
        saved = torch.load(model, weights_only=True)
        torch.save({**saved, "best": saved["last"], "best_epoch": -1}, model)
        assert runrandomnet.main([str(tmp_path / "out.ini")]) == 2
        assert "the file of source.folder has changed" in capsys.readouterr().err
    finally:
        model.write_bytes(content)


FILES = ("recording.npz", "arrays.npz")


def contents(folder):
    return {name: (folder.path / name).read_bytes() for name in FILES}


def test_the_same_seed_gives_the_same_bytes_and_seeds_of_their_own_change_one_thing(tmp_path, trained):
    (_, one, first), (_, same, _) = done(tmp_path, trained), done(tmp_path, trained, name="same")
    assert contents(one) == contents(same)
    _, _, other = done(tmp_path, trained, "recording.spikes_seed=1", name="spikes")
    np.testing.assert_array_equal(whole(first, "rates"), whole(other, "rates"))
    assert (whole(first, "spikes") != whole(other, "spikes")).any()
    _, _, other = done(tmp_path, trained, "recording.units_seed=1", name="units")
    np.testing.assert_array_equal(whole(first, "latents"), whole(other, "latents"))
    assert (first.readout != other.readout).any()


def test_interrupted_or_killed_it_begins_again_to_the_same_bytes(tmp_path, trained):
    _, one, _ = done(tmp_path, trained, "trialparams.nr_of_trials=100")
    path = ini(tmp_path, trained, name="again")
    [run, *_] = read_plan(path, ["trialparams.nr_of_trials=100"]).combos[0].runs()
    folder, told = ResultsFolder(tmp_path / "again").run(0, 0), []
    with pytest.raises(Interrupted):
        record.execute_one(run, folder, told.append, lambda: bool(told))
    assert told == [{"advance": 64}] and not folder.path.exists()
    again = [str(path), "--set", "trialparams.nr_of_trials=100"]
    assert runrandomnet.main(again) == 0
    (folder.path / "run.json").unlink()  # as if killed before its end
    (folder.path / "recording.npz").write_bytes(b"another one")
    assert runrandomnet.main(again) == 0
    assert contents(folder) == contents(one)


def test_the_estimate_counts_the_compression_of_all_numbers(tmp_path, trained, monkeypatch):
    """Which takes most of the time: states and rates of every bin, and inputs with and without noise."""
    runs = read_plan(ini(tmp_path, trained)).combos[0].runs()
    monkeypatch.setattr(record, "_compressing", lambda: 1.0)
    found = record.estimate(runs)
    assert int(found.run) == 40 * 25 * (12 + 20 + 2 * 3) and int(found.epoch) == int(found.run) // 40


def test_rates_that_no_count_can_have_name_the_option_that_makes_them(tmp_path, trained, capsys, recwarn):
    assert runrandomnet.main([str(ini(tmp_path, trained)), "--set", "recording.scale=1e-300"]) == 1
    said = "rates must be from 0 to 30000 spikes per bin, got 0..inf; a larger [recording] scale makes them less"
    assert said in capsys.readouterr().err and not [one for one in recwarn if "overflow" in str(one.message)]


def test_a_share_without_runs_says_so(tmp_path, trained, capsys):
    assert runrandomnet.main([str(ini(tmp_path, trained)), "--shard", "7/7"]) == 0
    found = capsys.readouterr().out
    assert "This share has no runs" in found and "DataFrame" not in found


def test_another_recordings_neurons_and_normalisation(tmp_path, trained):
    _, _, first = done(tmp_path, trained)
    more = ["trialparams.switch_prob=0.3", f"recording.like={tmp_path / 'out'}"]
    path = tmp_path / "like.ini"
    text = RECORD.format(out=tmp_path / "like", source=trained.root, more="")
    path.write_text(made_up.without(text, [*more, *OF_A_PROBE]))
    assert runrandomnet.main([str(path), *(part for one in more for part in ("--set", one))]) == 0
    found = read_recording(tmp_path / "like" / "0" / "iter_0" / "recording.npz")
    for name in ("readout", "mean", "sd"):
        np.testing.assert_array_equal(getattr(found, name), getattr(first, name))
    activity = whole(found, "latents")[..., found.latent_index].astype(float)
    expected = np.exp((activity - float(first.mean)) / (2 * float(first.sd)))
    np.testing.assert_allclose(whole(found, "rates"), expected, rtol=1e-5)
    assert activity.std() != pytest.approx(float(first.sd), rel=1e-3) and found.heldin == 15


def test_bins_are_trimmed_at_both_ends(tmp_path, trained):
    (_, _, all_bins), (_, folder, recording) = (
        done(tmp_path, trained),
        done(tmp_path, trained, "recording.trim_start=4", "recording.trim_end=3", name="cut"),
    )
    for name in ("latents", "inputs", "true_inputs"):
        np.testing.assert_array_equal(whole(recording, name), whole(all_bins, name)[:, 4:22])
    assert folder.record["summary"]["bins"] == 18 and folder.arrays["times"][0] == 2.5
    activity = whole(recording, "latents")[..., recording.latent_index].astype(float)
    assert float(recording.mean) == pytest.approx(activity.mean())


def test_times_of_phases_are_trimmed_alike(tmp_path, trained, monkeypatch):
    """Of a task that has them: those of these trials are made up."""
    monkeypatch.setattr(record, "all_trials", with_phases(all_trials))
    _, _, recording = done(tmp_path, trained, "recording.trim_start=4")
    np.testing.assert_array_equal(whole(recording, "extra"), np.arange(80).reshape(40, 2) % 25 - 4)


def with_phases(all_trials):
    def made(run, rng):
        trials, parameters = all_trials(run, rng)
        phases = np.arange(80).reshape(40, 2) % 25
        return dataclasses.replace(trials, phases=phases, phase_names=("cue", "end")), parameters

    return made


def test_noise_on_the_states(tmp_path, trained):
    run, _, recording = done(tmp_path, trained, "recording.state_noise=0.1", "recording.which=last")
    network = trained_networks.load_trained(trained.run(0, 0), "last")
    rng, state, latents = run.generator("state noise"), network.rest(40), []
    for given in torch.from_numpy(whole(recording, "inputs")).unbind(1):
        state = network.step(state, given) + 0.1 * torch.from_numpy(rng.standard_normal((40, 12))).float()
        latents.append(state.numpy())
    np.testing.assert_allclose(whole(recording, "latents"), np.stack(latents, 1), atol=1e-6)


def test_an_arm_is_moved_while_it_is_recorded(tmp_path):
    """What the network senses depends on what it did: the states follow each other under the inputs that are written,
    whose noise is that of the trials."""
    task = "task_name = reach\nnr_of_trials = 20\ntrial_steps = 110\n"
    train = TRAIN.format(out=tmp_path / "arm").partition("[trialparams]")
    (tmp_path / "train.ini").write_text(f"{train[0]}[trialparams]\n{task}[trainvalidate]\nepochs = 1\n")
    assert runrandomnet.main([str(tmp_path / "train.ini")]) == 0
    source = ResultsFolder(tmp_path / "arm")
    head, _, tail = RECORD.format(out=tmp_path / "out", source=source.root, more="").partition("[trialparams]")
    (tmp_path / "a.ini").write_text(f"{head}[trialparams]\n{task}[recording]{tail.partition('[recording]')[2]}")
    assert runrandomnet.main([str(tmp_path / "a.ini")]) == 0
    recording = read_recording(tmp_path / "out" / "0" / "iter_0" / "recording.npz")
    run = read_plan(tmp_path / "a.ini").combos[0].runs()[0]
    trials, _ = all_trials(run, run.generator("recorded trials"))
    network, latents = trained_networks.load_trained(source.run(0, 0)), torch.from_numpy(whole(recording, "latents"))
    inputs = whole(recording, "inputs")
    with torch.no_grad():
        before = torch.cat([network.rest(20)[:, None], latents[:, :-1]], 1).flatten(0, 1)
        after = network.step(before, torch.from_numpy(inputs).flatten(0, 1)).view_as(latents)
    torch.testing.assert_close(after, latents, rtol=1e-4, atol=1e-5)
    noise = trials.inputs - trials.true_inputs
    np.testing.assert_allclose(inputs - whole(recording, "true_inputs"), noise, atol=1e-6)
    assert noise.any() and np.ptp(inputs[..., 0] - noise[..., 0], axis=1).min() > 0  # the arm moves
    np.testing.assert_allclose(inputs[..., -3:], trials.inputs[..., -3:], atol=1e-6)
    np.testing.assert_array_equal(whole(recording, "extra"), trials.phases)
    summary = ResultsFolder(tmp_path / "out").run(0, 0).record["summary"]
    assert summary["end_error"] > 0 and 0 <= summary["accuracy"] <= 100


@pytest.mark.parametrize("dispersion", [2.0, 0.4])
def test_the_dispersion_that_is_had_is_reported(tmp_path, trained, dispersion):
    """Below 1 the variance of each count is at least f (1 - f), f being what its mean has after the point."""
    _, folder, recording = done(tmp_path, trained, f"recording.dispersion={dispersion}")
    rates, summary = whole(recording, "rates").astype(float), folder.record["summary"]
    least = (rates - np.floor(rates)) * (1 - (rates - np.floor(rates)))
    variances = np.maximum(dispersion * rates, least)
    each = variances.sum((0, 1)) / rates.sum((0, 1))
    np.testing.assert_allclose(folder.arrays["neuron_fano_expected"], each, rtol=1e-6)
    assert summary["fano_expected"] == pytest.approx(variances.sum() / rates.sum(), rel=1e-6)
    squares = np.square(whole(recording, "spikes") - rates)
    error = squares.std() / np.sqrt(squares.size) / rates.mean()
    assert summary["fano"] == pytest.approx(squares.sum() / rates.sum(), rel=1e-6)
    assert summary["fano"] == pytest.approx(summary["fano_expected"], abs=4 * error) and error < 0.05
    off = int((each > dispersion + 0.01).sum())
    said = f"dispersion = 0.4 is not that of {off} neurons, as no count of a mean r below 1 has a Fano factor below 1"
    assert summary["notes"].startswith(said) if dispersion < 1 else summary["notes"] == ""
    assert (off > 0) == (dispersion < 1) and recording.metadata["dispersion"] == dispersion


def test_fewer_neurons_than_latents_are_said(tmp_path, trained):
    _, folder, _ = done(tmp_path, trained, "recording.heldin=6", "recording.heldout=0")
    summary = folder.record["summary"]
    assert summary["notes"] == "6 neurons read 12 latents: 6 of these are read by none"
    assert summary["co_bps_ceiling"] is None and summary["bps_ceiling"] > 0


def test_hdf5_has_the_same_arrays(tmp_path, trained):
    pytest.importorskip("h5py", reason="h5py is of the extra recordings")
    _, folder, recording = done(tmp_path, trained, "recording.hdf5=True", "recording.reading=dense")
    other = read_recording(folder.path / "recording.h5")
    assert recording.latent_index is None is other.latent_index and recording.metadata == other.metadata
    for name in ("spikes", "rates", "latents", "inputs", "true_inputs", "inds"):
        np.testing.assert_array_equal(whole(recording, name), whole(other, name))


@pytest.mark.slow
def test_a_grid_over_runs_of_the_source(tmp_path, trained):
    grid = '{"source.iteration": [0, 1]}'
    path = ini(tmp_path, trained, more=f"[combosparams]\ncombos_params = {grid}")
    assert runrandomnet.main([str(path)]) == 0
    root = tmp_path / "out"
    summary = pd.read_csv(root / "summary.csv")
    assert set(summary["status"]) == {"complete"} and summary["source.iteration"].tolist() == [0, 1]
    sources = [ResultsFolder(root).run(combo, 0).record["connectome"]["source"] for combo in range(2)]
    assert sources == [str(trained.run(0, iteration).path / "model.pt") for iteration in (0, 1)]
    asked = ["--results_folders", str(root), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs").rglob("*.svg")}
    by_run = {f"{what}_source.iteration={number}.svg" for what in ("trial", "neurons") for number in (0, 1)}
    assert by_run | {"overview.svg"} <= names


def test_states_that_leave_the_range_of_numbers_are_no_recording(tmp_path, trained, monkeypatch):
    through = trained_networks.TrainedNetwork.run
    beyond = lambda self, inputs, *more: through(self, inputs * torch.inf, *more)  # noqa: E731
    monkeypatch.setattr(trained_networks.TrainedNetwork, "run", beyond)
    assert runrandomnet.main([str(ini(tmp_path, trained))]) == 1
    folder = ResultsFolder(tmp_path / "out").run(0, 0)
    assert folder.record["status"] == "diverged" and "left the range of numbers" in folder.record["reason"]
    assert not (folder.path / "recording.npz").exists()


def test_a_dry_run_says_what_it_goes_on_from(tmp_path, trained, capsys):
    assert runrandomnet.main([str(ini(tmp_path, trained)), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "From random: 20 neurons; " in out and "trial [s]" in out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["trialparams.n_bits=2"], "[trialparams] task_name: expected a task of 3 channels and 3 outputs, as the"),
        (["trialparams.task_name=none"], "task_name: expected the task of the trials that are recorded"),
        (["recording.trim_start=20", "recording.trim_end=5"], "trim_start: expected it to leave bins of 25"),
        (["recording.valid_size=0.5", "recording.test_size=0.5"], "test_size: expected less than 1 together"),
        (["trialparams.nr_of_trials=4", "recording.valid_size=0.45", "recording.test_size=0.45"],
         "[recording] valid_size: expected shares of valid and test above 0 that leave trials to train on"),
        (["execution.device=cpu"], "[execution] device: expected it left out, as it is not available"),
        (["recording.like=nowhere.npz"], "[recording] like: nowhere.npz: expected a recording, got No such file"),
        (["recording.like=."], "[recording] like: expected the results folder of an experiment of kind = record, got "),
        (["recording.like=nowhere.npz", "recording.scale=3"], "scale: applies only where recording.like is empty"),
        (["recording.rate=relu"], "[recording] rate: expected one of exp, softplus, sigmoid, got 'relu'"),
        (["recording.dispersion=0"], "[recording] dispersion: expected a number above 0, at most 1000, got '0'"),
        (["source.folder=nowhere"], "[source] folder: expected the results folder of an experiment of kind = train"),
        (["source.iteration=2"], "[source] iteration: expected one of "),
        (["net.n=5"], "not available for kind = record"),
        (["trialparams.train_size=0.5"], "not available for kind = record"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, trained, capsys, monkeypatch, overrides, text):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.ini"
    left_out = [*overrides, *OF_A_PROBE] if "recording.like" in overrides[0] else overrides
    path.write_text(made_up.without(RECORD.format(out=tmp_path / "out", source=trained.root, more=""), left_out))
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_neurons_that_cannot_be_taken_over(tmp_path, trained, capsys):
    """Of a file that does not say how they read, and of one of another network."""
    spikes = np.ones((4, 5, 3), np.uint8)
    np.savez(tmp_path / "spikes.npz", train_recon_data=spikes, valid_recon_data=spikes)
    _, _, known = done(tmp_path, trained)
    fewer = dataclasses.replace(known, readout=known.readout[:11])
    write_recording(tmp_path / "fewer.npz", dataclasses.replace(fewer, splits=without_latents(known)))
    about = dict(known.metadata) | {"scale": [2]}
    write_recording(tmp_path / "scaled.npz", dataclasses.replace(known, metadata=about))
    narrow = dataclasses.replace(known, readout=known.readout[:, :5], splits=without_latents(known))
    write_recording(tmp_path / "narrow.npz", narrow)
    capsys.readouterr()
    text = made_up.without(RECORD.format(out=tmp_path / "like", source=trained.root, more=""), OF_A_PROBE)
    (tmp_path / "a.ini").write_text(text)
    for name, said in (("spikes", "expected a recording with readout, orig_mean, orig_std, and scale and rate in"),
                       ("fewer", "expected neurons that read 12 latents, got 11 in"),
                       ("scaled", "expected a scale above 0 in `about`, got [2]"),
                       ("narrow", f"expected a readout of {known.neurons} neurons, got 5")):  # fmt: skip
        assert runrandomnet.main([str(tmp_path / "a.ini"), "--set", f"recording.like={tmp_path / name}.npz"]) == 2
        assert f"[recording] like: {said}" in capsys.readouterr().err


def without_latents(recording):
    return {name: dataclasses.replace(split, latents=None) for name, split in recording.splits.items()}


def test_without_h5py_it_is_said_before_anything_is_done(tmp_path, trained, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert runrandomnet.main([str(ini(tmp_path, trained)), "--set", "recording.hdf5=True"]) == 2
    assert "[recording] hdf5: expected h5py to write HDF5, got none installed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
