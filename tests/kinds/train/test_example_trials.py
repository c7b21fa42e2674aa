"""trials.npz of networks trained on tasks, against the scores of their history and the definitions of their answers."""

import json

import numpy as np
import pandas as pd
import pytest

import runrandomnet
from randomnet.kinds.train.example_trials import DECODERS, EXAMPLES, _of_different_conditions
from randomnet.results import ResultsFolder, load

INI = """[paths]
path_to_results = {root}
{net}
[model]
{model}
[trainvalidate]
epochs = 3
lr = 0.02
{training}
[trialparams]
task_name = {task}
{trials}
[execution]
workers = 1
"""
FOUR = "nr_of_trials = 8\ntrain_size = 0.5\n"  # as many validation trials as there are examples
TASKS = {
    "seq_mem": FOUR + "pattern_length = 3",
    "nback_mem": "nr_of_trials = 4\ntrain_size = 0.5\n",
    "flip_flop": FOUR + "trial_steps = 30",
    "odr": FOUR + "steps_per_second = 2",
    "dpa": FOUR + "steps_per_second = 2",
    "multitask": "tasks = DelayPro, MatchCatPro\nnr_of_trials = 4\ntrain_size = 0.5",
}


NETWORK = "[net]\nroi = random\nn = 12"


def trained(folder, task, model="dt = 0.5", training="init = connectome", more="", net=NETWORK):
    (folder / "a.ini").write_text(
        INI.format(root=folder / "out", net=net, task=task, model=model, training=training, trials=more or TASKS[task])
    )
    assert runrandomnet.main([str(folder / "a.ini")]) == 0
    run = ResultsFolder(folder / "out").run(0, 0)
    return run.trials, pd.read_csv(run.path / "history.csv"), run


@pytest.mark.parametrize("task", list(TASKS))
def test_answers_in_all_validation_trials_are_those_of_the_history(tmp_path, task):
    arrays, history, _ = trained(tmp_path, task)
    assert len(arrays["inputs"]) == EXAMPLES and arrays["times"][0] == 0.5
    assert arrays["inputs"].shape[1] == len(arrays["times"])
    for when, row in (("initial", history.iloc[0]), ("final", history.iloc[-1])):
        if task == "seq_mem":
            wrong = np.square(arrays[f"outputs_{when}"] - arrays["targets"])[arrays["scored"]]
            assert wrong.mean() == pytest.approx(row["validate_loss"], rel=1e-5)
        else:
            share = 100 * arrays[f"correct_{when}"].sum() / arrays["answers"].sum()
            assert share == pytest.approx(row["validate_metrics"])
    assert np.abs(arrays["outputs_final"] - arrays["outputs_initial"]).max() > 1e-3
    assert ("correct_final" in arrays) == (task != "seq_mem")


def test_events_conditions_and_outputs_have_names(tmp_path):
    arrays, *_ = trained(tmp_path, "dpa", more="nr_of_trials = 40\nsteps_per_second = 2")
    assert sorted(arrays["conditions"].tolist()) == ["AC", "AD", "BC", "BD"]
    assert arrays["output_names"].tolist() == ["choice", "lick"]
    assert arrays["event_label"].tolist() == ["sample", "test", "choice"]
    right = np.isin(arrays["conditions"], ["AC", "BD"])
    chosen = arrays["decoded_final"][:, 0] > 0
    np.testing.assert_array_equal(arrays["correct_final"], chosen == right)
    assert np.isnan(arrays["decoded_final"][:, 1]).all(), "nothing is asked of lick"


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dt = 0.5", "architecture = gru\nhidden_size = 6"])
def test_reaches_are_those_of_the_arrays(tmp_path, model):
    has_connectome = model.startswith("dt")
    training, net = ("init = connectome", NETWORK) if has_connectome else ("", "")
    arrays, _, run = trained(tmp_path, "reach", model, training, "nr_of_trials = 20\ntrial_steps = 100", net)
    others = run.arrays
    for when in ("initial", "final"):
        np.testing.assert_array_equal(arrays[f"outputs_{when}"], others[f"reaches_{when}"][:EXAMPLES])
    np.testing.assert_allclose(arrays["targets"], others["reach_goals_final"][:EXAMPLES])
    assert arrays["controls_final"].shape == (EXAMPLES, 100, 2) and arrays["time_unit"] == "s"


def test_a_spectrum_has_no_trials_and_neither_has_an_earlier_folder(tmp_path):
    text = f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 6\n[lyapunov]\ntsim = 2\n"
    (tmp_path / "a.ini").write_text(f"{text}[trainvalidate]\nepochs = 1\n[execution]\nworkers = 1\n")
    assert runrandomnet.main([str(tmp_path / "a.ini")]) == 0
    run = ResultsFolder(tmp_path / "out").run(0, 0)
    assert json.loads((run.path / "run.json").read_text())["status"] == "complete"
    assert run.arrays and not run.trials_file.exists()
    assert run.trials == load(tmp_path / "out").trials(0, 0) == {}


def test_examples_are_of_different_conditions():
    assert _of_different_conditions(np.array([2, 2, 2, 0, 2, 1, 3])).tolist() == [0, 3, 5, 6]
    assert _of_different_conditions(np.array([1, 1, 1, 1, 1, 0])).tolist() == [0, 1, 2, 5]
    assert _of_different_conditions(np.array([0, 0])).tolist() == [0, 1]


def test_what_outputs_say():
    asked = np.ones((1, 4), bool)
    plane = np.array([[[2, 0], [0, 0.5], [-1, 0], [1, -1]]], float)
    assert DECODERS["angle"](plane, plane, asked).tolist() == [[0, 90, 180, 315]]
    with_fixation = np.concatenate([np.ones((1, 4, 1)), plane], -1)
    assert DECODERS["response"](with_fixation, with_fixation, asked).tolist() == [[0, 90, 180, 315]]
    assert DECODERS["classes"](plane, plane, asked).tolist() == [[0, 1, 1, 0]]
    assert DECODERS["bits"](plane, plane, asked)[0, :, 0].tolist() == [True, False, False, True]
    targets = np.array([[[0, 0], [-1, 0], [-1, 0], [-1, 0]]])
    scored = np.array([[[True, True]] * 3 + [[False, True]]])
    means = DECODERS["sign"](plane, targets, scored)
    assert means[0, 0] == -0.5 and np.isnan(means[0, 1])
