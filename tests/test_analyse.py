"""kind = analyse: what it writes of a network, checked by hand, and its figures."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet.config import read_plan
from randomnet.kinds import analyse, building
from randomnet.results import ResultsFolder
from randomnet.training import Interrupted

INI = """
[experiment]
kind = analyse
seed = 6
[paths]
path_to_results = {out}
[net]
roi = random
n = 12
g = {g}
[model]
activation = {activation}
form = {form}
dt = {dt}
[analysis]
starts = 60
trajectories = 4
{more}
[execution]
workers = 1
"""
TASK = "[trialparams]\ntask_name = nback_mem\nnr_of_trials = 10\n[trainvalidate]\ninit = connectome\n"


def analysed(folder, *overrides, g=3.0, activation="tanh", form="current", dt=0.2, more="duration = 20"):
    path = folder / "a.ini"
    path.write_text(INI.format(out=folder / "out", g=g, activation=activation, form=form, dt=dt, more=more))
    arguments = [part for override in overrides for part in ("--set", override)]
    assert runrandomnet.main([str(path), *arguments]) == 0
    folder = ResultsFolder(folder / "out")
    run = read_plan(path, overrides).combos[0].runs()[0]
    return building.begin(run), folder.run(0, 0).arrays, pd.read_csv(folder.root / "summary.csv").iloc[0]


def numpy_step(start, form, dt):
    """The equation by hand, for tanh without gain and shift."""
    weights = start.network.matrix().detach().double().numpy()
    if form == "current":
        return lambda h: (1 - dt) * h + dt * np.tanh(h) @ weights.T
    return lambda h: (1 - dt) * h + dt * np.tanh(h @ weights.T)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_its_points_are_fixed_points_with_the_eigenvalues_of_the_step_there(tmp_path, form):
    start, arrays, summary = analysed(tmp_path, form=form, g=6.0)
    step, points = numpy_step(start, form, 0.2), arrays["fixed_points"]
    assert len(points) >= 3 and summary["fixed_points"] == len(points)
    np.testing.assert_allclose(step(points), points, atol=1e-9)
    assert np.abs(points).max(1).min() < 1e-9, "0 is one of them"
    for point, eigenvalues, unstable in zip(
        points, arrays["fixed_eigenvalues"], arrays["fixed_unstable"], strict=True
    ):
        nudges = 1e-6 * np.eye(12)
        jacobian = (step(point + nudges) - step(point - nudges)).T / 2e-6
        expected = np.linalg.eigvals(jacobian)
        np.testing.assert_allclose(np.sort(np.abs(eigenvalues)), np.sort(np.abs(expected)), atol=1e-6)
        assert unstable == (np.abs(expected) > 1).sum()
    assert summary["stable_points"] == (arrays["fixed_unstable"] == 0).sum()
    separation = np.linalg.norm(points[:, None] - points, axis=-1) + 1e9 * np.eye(len(points))
    assert separation.min() > 1e-6, "each is listed once"


def test_the_plane_and_its_flow_are_those_of_the_trajectories(tmp_path):
    start, arrays, summary = analysed(tmp_path)
    step, state = numpy_step(start, "current", 0.2), None
    mean, axes = arrays["plane_mean"], arrays["plane_axes"]
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-12)
    assert arrays["trajectories"].shape == (4, 101, 2)
    state = start.state.numpy()
    for projected in arrays["trajectories"][0]:
        np.testing.assert_allclose(projected, (state - mean) @ axes.T, atol=1e-9)
        state = step(state)
    grid = arrays["grid"].reshape(-1, 2)
    states = mean + grid @ axes
    after = step(states)
    np.testing.assert_allclose(arrays["velocity"].reshape(-1, 2), ((after - states) @ axes.T) / 0.2, atol=1e-9)
    np.testing.assert_allclose(arrays["energy"].ravel(), ((after - states) ** 2).sum(1) / 2, atol=1e-12)
    assert summary["explained"] == pytest.approx(arrays["plane_explained"].sum())
    inside = arrays["trajectories"].reshape(-1, 2)
    assert (inside.min(0) > grid.min(0)).all() and (inside.max(0) < grid.max(0)).all()
    along = np.abs(arrays["along_eigenvalues"])
    assert along.shape == (20, 12) and arrays["along_steps"][[0, -1]].tolist() == [0, 100]


def test_a_trained_network_is_the_one_that_training_ended_with(tmp_path):
    net = "[net]\nroi = random\nn = 10\ng = 3\n[model]\nactivation = tanh_stretched\n"
    (tmp_path / "train.ini").write_text(
        f"[paths]\npath_to_results = {tmp_path / 'trained'}\n{net}[lyapunov]\ntsim = 5\nnle = 3\n"
        "[trainvalidate]\nepochs = 30\nlr = 0.05\n[execution]\nworkers = 1\n"
    )
    assert runrandomnet.main([str(tmp_path / "train.ini")]) == 0
    (tmp_path / "look.ini").write_text(
        f"[experiment]\nkind = analyse\n[paths]\npath_to_results = {tmp_path / 'look'}\n"
        f"pretrained = {tmp_path / 'trained'}\n{net}[analysis]\nstarts = 40\n[execution]\nworkers = 1\n"
    )
    assert runrandomnet.main([str(tmp_path / "look.ini")]) == 0
    last = torch.load(tmp_path / "trained" / "0" / "iter_0" / "model.pt", weights_only=True)["last"]
    points = ResultsFolder(tmp_path / "look").run(0, 0).arrays["fixed_points"]
    gains, shifts = last["gains"].double().numpy(), last["shifts"].double().numpy()
    assert np.abs(gains - 1).max() > 0.1
    start = building.begin(read_plan(tmp_path / "look.ini").combos[0].runs()[0])
    weights = start.network.matrix().detach().double().numpy()
    assert len(points)
    np.testing.assert_allclose(np.tanh(gains * (points - shifts)) @ weights.T, points, atol=1e-8)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_with_a_task_trajectories_go_along_its_trials_and_points_are_those_without_input(tmp_path, form):
    start, arrays, _ = analysed(tmp_path, form=form, dt=0.5, more=TASK)
    own = {name: values.detach().double().numpy() for name, values in start.network.interface.items()}
    weights = start.network.matrix().detach().double().numpy()
    biases = own["input_bias"] + own["recurrent_bias"]
    points = arrays["fixed_points"]
    arriving = np.tanh(points) @ weights.T + biases if form == "current" else np.tanh(points @ weights.T + biases)
    np.testing.assert_allclose(arriving, points, atol=1e-9)
    run = read_plan(tmp_path / "a.ini").combos[0].runs()[0]
    inputs = building.trials_of(run)[1].inputs[:4].astype(np.float64)
    state = np.zeros((4, 12))
    for time in range(inputs.shape[1]):
        drive = inputs[:, time] @ own["input_weights"].T + biases
        step = np.tanh(state) @ weights.T + drive if form == "current" else np.tanh(state @ weights.T + drive)
        state = 0.5 * state + 0.5 * step
    ends = (state - arrays["plane_mean"]) @ arrays["plane_axes"].T
    np.testing.assert_allclose(arrays["trajectories"][:, -1], ends, atol=1e-9)


def test_a_state_that_leaves_the_range_of_numbers_ends_its_run(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text(INI.format(out=tmp_path / "out", g=9.0, activation="linear", form="rate", dt=1.0,
                               more="duration = 2000"))  # fmt: skip
    runrandomnet.main([str(path)])
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    assert record["status"] == "diverged" and "left the range of numbers" in record["reason"]


def test_it_is_interrupted_between_the_steps_of_the_search(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text(INI.format(out=tmp_path / "out", g=3, activation="tanh", form="rate", dt=0.2, more="duration = 5"))
    run, told = read_plan(path).combos[0].runs()[0], []
    with pytest.raises(Interrupted):
        analyse.execute_one(run, ResultsFolder(tmp_path / "out").run(0, 0), told.append, lambda: bool(told))
    assert told and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("lyapunov.tsim=5", "[lyapunov] tsim: expected it only where experiment.kind computes spectra"),
        ("trainvalidate.lr=0.1", "not available for kind = analyse"),
        ("analysis.starts=1", "[analysis] starts: expected a whole number from 2"),
        ("analysis.grid_points=1", "[analysis] grid_points: expected a whole number from 2"),
        ("analysis.duration=0.1", "[analysis] duration: expected at least one step, 0.2 (model.dt), got '0.1'"),
        ("analysis.duration=1e300", "[analysis] duration: expected at most 2e+06, 1e+07 steps"),
        ("analysis.start=3", "did you mean 'starts'?"),
    ],
)
def test_what_it_does_not_read_is_an_error(tmp_path, capsys, setting, text):
    path = tmp_path / "a.ini"
    path.write_text(INI.format(out=tmp_path / "out", g=3, activation="tanh", form="rate", dt=0.2, more=""))
    assert runrandomnet.main([str(path), "--set", setting]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dry_run_estimates_it_from_a_few_starts(tmp_path, capsys):
    path = tmp_path / "a.ini"
    path.write_text(INI.format(out=tmp_path / "out", g=3, activation="tanh", form="rate", dt=0.2, more="duration = 5"))
    assert runrandomnet.main([str(path), "--dry-run"]) == 0
    assert "All runs: about" in capsys.readouterr().out


def test_figures_of_each_network_and_against_the_options(tmp_path):
    path = tmp_path / "a.ini"
    text = INI.format(out=tmp_path / "out", g="", activation="tanh", form="rate", dt=0.2, more="duration = 10")
    path.write_text(text.replace("g = \n", "") + '[combosparams]\ncombos_params = {"g": [0.5, 3]}\n'
                    "[trainvalidate]\niterations = 2\n")  # fmt: skip
    assert runrandomnet.main([str(path)]) == 0
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs").iterdir()}
    assert {"inside_g=0.5.svg", "inside_g=3.svg", "fixed_points_by_g.svg", "comparison.csv"} <= names
