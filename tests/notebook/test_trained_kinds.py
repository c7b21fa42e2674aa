"""Networks of every kind of training, back as modules: on a run's trials they give the outputs that the run stored."""

import numpy as np
import pytest

import randomnet as rn
from randomnet.recordings import read_recording
from tests.support.paths import ROOT

SMALL = {"trainvalidate.epochs": 1, "trialparams.nr_of_trials": 40}


def template(name, folder, options):
    return rn.run(ROOT / "config" / f"{name}.ini", {"paths.path_to_results": folder / name, **options})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "states"),
    [
        ("regions_task", {}, 120),
        ("lowrank", {}, 100),
        ("neurotorch_train", {}, 200),
        ("reaching", {"trialparams.trial_steps": 100}, 64),
    ],
)
def test_a_trained_network_gives_the_stored_outputs(tmp_path, name, options, states):
    folder = template(name, tmp_path, SMALL | options)
    activity, stored = folder.network().run(folder.trials()), folder.example_trials()
    np.testing.assert_array_equal(activity.outputs[stored["trials"]], stored["outputs_final"])
    untrained = folder.network(which="initial").run(folder.trials())
    np.testing.assert_array_equal(untrained.outputs[stored["trials"]], stored["outputs_initial"])
    assert activity.states.shape[:2] == activity.outputs.shape[:2] and activity.states.shape[2] >= states
    assert activity.plot().axes


@pytest.mark.slow
def test_a_fitted_model_gives_the_stored_rates(tmp_path):
    trained = template("flip_flop", tmp_path, SMALL)
    recorded = template("record", tmp_path, {"source.folder": trained.root, "trialparams.nr_of_trials": 40})
    options = {"trainvalidate.epochs": 1, "source.folder": recorded.root, "inference.hidden_size": [4, 8]}
    fitted = template("fit_gru", tmp_path, options)
    recording = read_recording(recorded.root / "0" / "iter_0" / "recording.npz")
    activity = fitted.network(1, 0, "best").run(recording)
    np.testing.assert_array_equal(activity.outputs, fitted.arrays(1, 0)["test_rates"])
    np.testing.assert_array_equal(activity.targets, recording.splits["test"].spikes)
    with pytest.raises(ValueError, match="got record"):
        recorded.network()
    with pytest.raises(ValueError, match=r"\(1, 2, 3\)"):
        fitted.network().run(np.zeros((1, 2, 3)))
