"""activity.npz: rates over time before and after training, against a loop over the network's own equation."""

import numpy as np
import pytest

import runrandomnet
from randomnet import plotting
from randomnet.figures.trials import trained_activity_figures
from randomnet.plotting import TrainedActivity
from randomnet.results import ResultsFolder, load
from tests.support.spectral_folders import gather

N, DT = 6, 0.5
INI = """[paths]
path_to_results = {root}
[net]
roi = random
n = {n}
[model]
activation = tanh
dt = 0.5
{more}
[trainvalidate]
epochs = 2
iterations = 2
train_weights = True
train_gains = False
train_shifts = False
[execution]
workers = 1
"""
SPECTRUM = "[lyapunov]\ntsim = 2"
TASK = "[trialparams]\ntask_name = dpa\nnr_of_trials = 8\nsteps_per_second = 2"


def trained(folder, more, n=N):
    text = INI.format(root=folder / "out", n=n, more=more)
    (folder / "a.ini").write_text(text)
    assert runrandomnet.main([str(folder / "a.ini")]) == 0
    return ResultsFolder(folder / "out")


def test_rates_are_those_of_the_equation_from_the_initial_state(tmp_path):
    folder = trained(tmp_path, SPECTRUM)
    run = folder.run(0, 0)
    arrays, activity = run.arrays, run.activity
    for when in ("initial", "final"):
        matrix = np.zeros((N, N))
        matrix[arrays["post"], arrays["pre"]] = arrays[f"weights_{when}"]
        state, rates = arrays["state_initial"], []
        for _ in range(len(activity["times"])):
            state = (1 - DT) * state + DT * matrix @ np.tanh(state)
            rates.append(np.tanh(state))
        np.testing.assert_allclose(activity[f"rates_{when}"], rates, atol=1e-4)
    np.testing.assert_allclose(activity["times"], DT * np.arange(1, 101))
    assert activity["units"].tolist() == list(range(N))


def test_only_the_first_iteration_has_activity_and_earlier_folders_have_none(tmp_path):
    folder = trained(tmp_path, SPECTRUM)
    assert folder.run(0, 0).activity and not folder.run(0, 1).activity_file.exists()
    folder.run(0, 0).activity_file.unlink()
    assert load(tmp_path / "out").activity(0, 0) == {}
    assert not list(trained_activity_figures(gather(tmp_path / "out"), None))


@pytest.mark.slow
def test_a_task_has_the_rates_of_its_first_trial_with_its_events(tmp_path):
    folder = trained(tmp_path, TASK, n=150)
    activity, trials = folder.run(0, 0).activity, folder.run(0, 0).trials
    assert activity["rates_final"].shape == (len(trials["times"]), 100) and activity["neurons"] == 150
    assert activity["event_label"].tolist() == ["sample", "test", "choice"]
    (stem, figure), = trained_activity_figures(gather(tmp_path / "out"), None)  # fmt: skip
    assert stem == "activity" and "first validation trial" in figure.get_suptitle().replace("\n", " ")


def test_the_figure_has_one_order_and_one_colour_scale():
    rng = np.random.default_rng(0)
    before, after = rng.random((20, 8)), (1 + 0.1 * np.linspace(0, 1, 20)[:, None]) * np.arange(8)[::-1]
    figure = plotting.trained_activity(TrainedActivity(np.arange(20.0), (before, after), np.arange(10, 18), 30))
    left, right = (axes.images[0] for axes in figure.axes[:2])
    assert left.get_clim() == right.get_clim() == (0.0, pytest.approx(7.7))
    order = np.argsort(after.mean(0), kind="stable")
    np.testing.assert_array_equal(np.asarray(left.get_array()), before.T[order])
    np.testing.assert_array_equal(np.asarray(right.get_array()), after.T[order])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [f"unit {unit}" for unit in range(10, 15)]
    assert legend.get_title().get_text().startswith("8 of 30 units, sorted by the mean rate")


LABELS = {"τ": "rate", "steps": "rate", "s": "rate (Hz)", "ms": "rate (1/ms)"}


@pytest.mark.parametrize(("unit", "label"), LABELS.items())
def test_rates_have_the_unit_that_times_give_them(unit, label):
    rates = np.random.default_rng(0).random((2, 20, 8))
    figure = plotting.trained_activity(TrainedActivity(np.arange(20.0), tuple(rates), np.arange(8), 8, unit))
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels.count(label) == 2 and f"time ({unit})" in [axes.get_xlabel() for axes in figure.axes]
