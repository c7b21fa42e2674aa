"""Stimulation during the trials of a task, against runs by hand and the trained network's own accuracy."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet.build.network import build_setup
from randomnet.build.trials import trials_of
from randomnet.kinds.stimulate.during_task import percent, score
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan

NETWORK = """
[net]
source = regions
[regions]
regions = A: 10 learnable_bias, B: 8 neg learnable_bias
inputs = odours: 5
input_initialisation = xavier
input_signs = free
[projections]
projections = A -> A, A -> B, B -> A, odours -> A
[model]
activation = tanh
form = {form}
dt = 0.5
[trialparams]
task_name = dpa
nr_of_trials = 40
steps_per_second = 2
"""
TRAINING = "[experiment]\nseed = 4\n[paths]\npath_to_results = {trained}\n" + NETWORK + """
[trainvalidate]
init = connectome
epochs = 3
lr = 0.01
[execution]
workers = 1
"""
STIMULATION = "[experiment]\nkind = stimulate\nseed = 4\n[paths]\npath_to_results = {out}\npretrained = {trained}\n"
STIMULATION += NETWORK + "[stimulation]\n{more}\n[analysis]\ntrajectories = 4\n[execution]\nworkers = 1\n"


def run(path, *overrides):
    return runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))])


def write(folder, form="current", more=""):
    paths = {"trained": folder / "trained", "out": folder / "out", "form": form, "more": more}
    for name, text in (("train", TRAINING), ("stimulate", STIMULATION)):
        (folder / f"{name}.ini").write_text(text.format(**paths))
    return folder / "stimulate.ini"


def done(folder, form="current", more="", *overrides):
    path = write(folder, form, more)
    assert run(folder / "train.ini") == 0 and run(path, *overrides) == 0
    setup = build_setup(read_plan(path, overrides).combos[0].runs()[0])
    arrays = ResultsFolder(folder / "out").run(0, 0).arrays
    return setup, read_plan(path).combos[0].runs()[0], arrays, pd.read_csv(folder / "out" / "summary.csv").iloc[0]


def outputs_by_hand(setup, run_, form, window, units, noise=0.0, drive=0.0, silence=""):
    """Outputs (T, B, O) of the validation trials in numpy, with units driven or silenced within window steps."""
    network, trials = setup.network, trials_of(run_)[1]
    own = {name: value.detach().double().numpy() for name, value in network.interface.items()}
    weights, rng = np.zeros(18 * 18), run_.generator("state noise")
    weights[network.edges.numpy()] = network.edge_weights().detach().double().numpy()
    weights = weights.reshape(18, 18)
    bias = own["input_bias"] + own["recurrent_bias"] + (0 if network.drive is None else network.drive.double().numpy())
    state, found, target = np.zeros((len(trials.inputs), 18)), [], np.isin(np.arange(18), units)
    for step, x in enumerate(np.swapaxes(trials.inputs, 0, 1).astype(float)):
        within = window[0] <= step < window[1]
        if within and silence == "state":
            state = np.where(target, 0, state)
        rate = np.tanh(state) if form == "current" else state
        if within and silence:
            rate = np.where(target, 0, rate)
        total = rate @ weights.T + x @ own["input_weights"].T + bias + within * drive * target
        state = 0.5 * state + 0.5 * (total if form == "current" else np.tanh(total))
        if within and silence == "state":
            state = np.where(target, 0, state)
        if noise:
            state = state + noise * rng.standard_normal(state.shape)
        rate = np.tanh(state) if form == "current" else state
        if within and silence:
            rate = np.where(target, 0, rate)
        found.append(rate @ own["readout_weights"].T + own["readout_bias"])
    return np.array(found), trials


def correct_of(outputs, trials):
    """Whether the sign of the mean output over the decision is the target's, (B,), as `dpa` counts."""
    scored = trials.mask[..., None] if trials.mask.ndim == 2 else trials.mask
    deciding = np.swapaxes(scored & (trials.targets != 0), 0, 1)
    signs = np.swapaxes(trials.targets, 0, 1)
    return ((deciding * outputs).sum((0, 2)) * (deciding * signs).sum((0, 2)) > 0).astype(float)


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ("action = excite\nstrength = 3", {"drive": 3}),
        ("action = inhibit\nstrength = 3", {"drive": -3}),
        ("action = silence", {"silence": "output"}),
        ("action = silence\nsilenced = state", {"silence": "state"}),
    ],
)
def test_every_site_and_window_is_that_of_a_run_by_hand(tmp_path, form, more, settings):
    more += "\nsites = groups\nby = region\nwindows = 1:3, 3:8\ntrial_noise = 0.2"
    setup, run_, arrays, summary = done(tmp_path, form, more)
    assert arrays["sites"].tolist() == ["A", "B"] and arrays["windows"].tolist() == ["1:3", "3:8"]
    assert arrays["window_times"].tolist() == [[1, 3], [3, 8]] and arrays["site_units"].tolist() == [10, 8]
    alone, trials = outputs_by_hand(setup, run_, form, (0, 0), [], 0.2)
    control = correct_of(alone, trials)
    np.testing.assert_array_equal(arrays["correct_control"], control)
    assert (arrays["answers"] == 1).all() and summary["accuracy_control"] == pytest.approx(100 * control.mean())
    for site, units in enumerate((range(10), range(10, 18))):
        for window, steps in enumerate(((2, 6), (6, 16))):
            outputs, _ = outputs_by_hand(setup, run_, form, steps, units, 0.2, **settings)
            correct = correct_of(outputs, trials)
            np.testing.assert_array_equal(arrays["correct"][site, window], correct)
            name = f"of_{'AB'[site]}_{arrays['windows'][window]}"
            share, change = correct.mean(), correct - control
            assert summary[f"accuracy_{name}"] == pytest.approx(100 * share)
            binomial = 100 * np.sqrt(share * (1 - share) / len(correct))
            assert summary[f"accuracy_{name}_stderr"] == pytest.approx(binomial)
            assert summary[f"accuracy_change_{name}"] == pytest.approx(100 * change.mean())
            paired = 100 * change.std() / np.sqrt(len(change))
            assert summary[f"accuracy_change_{name}_stderr"] == pytest.approx(paired)
            loss = score(trials, torch.from_numpy(outputs)).loss
            assert arrays["task_loss"][site, window] == pytest.approx(loss, rel=1e-12)
            assert abs(loss - arrays["task_loss_control"]) > 1e-6
    assert summary["accuracy_lowest"] == arrays["accuracy"].min() and summary["sites"] == 2 and summary["windows"] == 2


def test_without_noise_the_control_is_what_training_reported(tmp_path):
    _, _, arrays, summary = done(tmp_path, "current", "units = A\nonset = 1\noffset = 3\nstrength = 0")
    history = pd.read_csv(tmp_path / "trained" / "0" / "iter_0" / "history.csv").iloc[-1]
    assert summary["accuracy_control"] == pytest.approx(history["validate_metrics"])
    assert summary["task_loss_control"] == pytest.approx(history["validate_loss"], rel=1e-4)
    assert arrays["accuracy_change"].tolist() == [[0]], "a drive of 0 changes nothing"
    assert (arrays["control"] == arrays["changed"]).all() and arrays["control"].shape == (2, 4, arrays["times"].size)


def test_windows_of_events_cover_the_trial(tmp_path):
    _, run_, arrays, _ = done(tmp_path, "current", "sites = groups\nby = region\nwindows = events")
    assert arrays["windows"].tolist() == ["before sample", "sample", "after sample", "test", "choice"]
    times, trials = arrays["window_times"], trials_of(run_)[1]
    assert times[0, 0] == 0 and (times[1:, 0] == times[:-1, 1]).all() and times[-1, 1] == trials.inputs.shape[1] / 2
    (events,) = ({label: (first / 2, last / 2) for label, first, last in trials.events},)
    for label, window in zip(arrays["windows"].tolist(), times.tolist(), strict=True):
        assert tuple(window) == events.get(label, tuple(window))


def test_its_figures_have_accuracies_by_site_and_window_and_the_result_names_the_largest_fall(tmp_path, capsys):
    done(tmp_path, "current", "sites = groups\nby = region\nwindows = events\ntrial_noise = 0.1",
         "trainvalidate.iterations=1", 'combosparams.combos_params={"action": ["excite", "silence"]}')  # fmt: skip
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs").rglob("*.svg")}
    assert {"accuracy_action=excite.svg", "accuracy_action=silence.svg", "responses_action=silence.svg",
            "overview.svg"} <= names  # fmt: skip
    console, summary = capsys.readouterr().out, pd.read_csv(tmp_path / "out" / "summary.csv")
    assert "No run has a result" not in console
    for _, row in summary.iterrows():
        falls = {name.removeprefix("accuracy_change_of_"): row[name] for name in summary
                 if name.startswith("accuracy_change_of_") and not name.endswith("_stderr")}  # fmt: skip
        place = min(falls, key=falls.get)
        text = f"falls most for {place.replace('_', ', ')}: by {-falls[place]:.3g}" if falls[place] < 0 else "nowhere"
        assert f"With action = {row['action']}, accuracy {text}" in console.replace("falls nowhere", "nowhere")


@pytest.mark.parametrize(
    ("more", "overrides", "text"),
    [
        ("windows = 1:99", [], "[stimulation] windows: expected onset before offset and both within the trials of"),
        ("windows = 3:1", [], "got 3:1"),
        ("windows = soon", [], "windows: expected none, events, or windows such as 0:5, 5:20, got 'soon'"),
        ("onset = 50\noffset = 60", [], "[stimulation] offset: expected onset before offset"),
        ("windows = 0:3, 3:4\nramp = 1", [], "ramp: expected at most half of the shortest window, 3:4 of 1, got 1"),
        ("sites = groups\nunits = A", [], "units: applies only where stimulation.sites = units"),
        ("windows = events\nonset = 3", [], "onset: applies only where stimulation.windows = none"),
        ("units = C", [], "[stimulation] units: unknown selection 'C'"),
        ("", ["pretrainedparams.keep_readout=False"], "[pretrainedparams] keep_readout: expected True"),
        ("", ["analysis.settle=3"], "settle: applies only where trialparams.task_name = none"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, trained_once, more, overrides, text):
    path = write(tmp_path, "current", more)
    assert run(path, f"paths.pretrained={trained_once}", *overrides) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_a_ramp_may_be_longer_than_half_of_the_usual_window_within_a_long_one(tmp_path, trained_once):
    """The usual onset and offset are 10 apart; they are not those of `windows`."""
    path = write(tmp_path, more="windows = 0:14\nramp = 6")
    assert run(path, f"paths.pretrained={trained_once}", "trialparams.steps_per_second=4") == 0


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    write(folder)
    assert run(folder / "train.ini") == 0
    return folder / "trained"


def test_a_task_without_shared_events_has_no_windows_of_them(tmp_path, capsys):
    path = write(tmp_path, "current", "windows = events")
    for name in ("train", "stimulate"):
        text = (tmp_path / f"{name}.ini").read_text().replace("odours: 5", "odours: 3")
        (tmp_path / f"{name}.ini").write_text(text.replace("dpa", "flip_flop").replace("steps_per_second = 2", ""))
    assert run(tmp_path / "train.ini") == 0 and run(path) == 2
    assert "as the trials of flip_flop share no events, got 'events'" in capsys.readouterr().err
    assert run(path, "stimulation.windows=0:5") == 0
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    assert record["status"] == "complete" and record["summary"]["accuracy_lowest"] <= 100


def test_a_task_without_an_accuracy_has_losses(tmp_path):
    path = write(tmp_path, "rate", "sites = groups\nby = region\nwindows = 0:2, 2:5\naction = silence")
    for name in ("train", "stimulate"):
        text = (tmp_path / f"{name}.ini").read_text().replace("odours: 5", "odours: 2")
        (tmp_path / f"{name}.ini").write_text(text.replace("dpa", "seq_mem").replace("steps_per_second = 2", ""))
    assert run(tmp_path / "train.ini") == 0 and run(path) == 0
    arrays = ResultsFolder(tmp_path / "out").run(0, 0).arrays
    summary = pd.read_csv(tmp_path / "out" / "summary.csv").iloc[0]
    assert arrays["task_loss"].shape == (2, 2) and "accuracy" not in arrays and "accuracy_lowest" not in summary
    assert summary["task_loss_highest"] == arrays["task_loss"].max() and (arrays["task_loss"] > 0).all()
    history = pd.read_csv(tmp_path / "trained" / "0" / "iter_0" / "history.csv").iloc[-1]
    assert summary["task_loss_control"] == pytest.approx(history["validate_loss"], rel=1e-4)
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs").rglob("*.svg")}
    assert any(name.startswith("responses") for name in names) and not any("accuracy" in name for name in names)


def test_shares_and_their_errors_are_those_of_clustered_answers():
    """Of one answer per trial the binomial error; of several, that of trials as draws, as in training."""
    rng = np.random.default_rng(0)
    correct = (rng.random(50) < 0.8).astype(float)
    share, error = percent(correct, np.ones(50))
    assert share == pytest.approx(100 * correct.mean())
    assert error == pytest.approx(100 * np.sqrt(correct.mean() * (1 - correct.mean()) / 50))
    answers = rng.integers(1, 9, 50).astype(float)
    several = rng.binomial(answers.astype(int), 0.7).astype(float)
    share, error = percent(several, answers)
    rest = several - several.sum() / answers.sum() * answers
    assert error == pytest.approx(100 * np.sqrt((rest**2).sum()) / answers.sum())
