"""Spectra and analyses of trained cells and fitted models, which [source] names, against dense references."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet import results
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.artifacts.trained_networks import load_trained
from randomnet.build.trials import trials_of
from randomnet.recordings import Recording, Split, write_recording
from randomnet.schema.plan import read_plan

TRIALS, STEPS, UNITS = 20, 10, 4
TASK = f"""
[trialparams]
task_name = flip_flop
nr_of_trials = {TRIALS}
trial_steps = {STEPS}
switch_prob = 0.2
"""
CELLS = ("gru", "lstm", "node")
VALIDATION = 2  # trials


def run(folder, name, text, code=0):
    path = folder / f"{name}.ini"
    path.write_text(f"{text}\n[paths]\npath_to_results = {folder / name}\n[execution]\nworkers = 1\n")
    assert runrandomnet.main([str(path)]) == code
    return results.ResultsFolder(folder / name) if not code else path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Cells of every sort, trained for two epochs."""
    folder = tmp_path_factory.mktemp("cells")
    text = f"[experiment]\nkind = train\n[model]\nhidden_size = {UNITS}\n[trainvalidate]\nepochs = 2\n{TASK}"
    grid = json.dumps({"architecture": CELLS})
    run(folder, "trained", f"{text}\n[combosparams]\ncombos_params = {grid}\n")
    return folder


def source(folder, name="trained", combos=3):
    grid = json.dumps({"source.combo": list(range(combos))})
    return f"[source]\nfolder = {folder / name}\n[combosparams]\ncombos_params = {grid}\n"


def dense_exponents(system, starts, inputs):
    """Exponents per step by QR of the Jacobians, which central differences give, trial after trial."""
    n, growth, steps = system.n, np.zeros(system.n), 0
    basis, nudges = np.eye(n), 1e-6 * torch.eye(n, dtype=torch.float64)
    for start, trial in zip(starts, inputs, strict=True):
        state = start
        for x in trial:
            at = x.expand(n, -1)
            jacobian = ((system.step(state + nudges, at) - system.step(state - nudges, at)) / 2e-6).T
            basis, r = np.linalg.qr(jacobian.numpy() @ basis)
            growth += np.log(np.abs(np.diag(r)))
            state, steps = system.step(state[None], x[None])[0], steps + 1
    return np.sort(growth / steps)[::-1]


SHORT = "[lyapunov]\ntsim = {}\ntransient = 0\nframe_transient = 0\n"


def test_the_spectrum_of_cells_is_that_of_the_jacobians_along_the_trials(trained):
    text = f"[experiment]\nkind = spectrum\n{source(trained)}{TASK}"
    plan = read_plan(trained / "trained.ini")
    inputs = torch.from_numpy(trials_of(plan.combos[0].runs()[0])[1].inputs).double()
    folder = run(trained, "spectra", text + SHORT.format(len(inputs) * STEPS))
    for combo, name in enumerate(CELLS):
        cells = load_trained(results.ResultsFolder(trained / "trained").run(combo, 0), double=True)
        assert cells.n == (2 * UNITS if name == "lstm" else UNITS), "the state of an LSTM is h and c"
        arrays = folder.run(combo, 0).arrays
        expected = dense_exponents(cells, cells.rest(len(inputs)), inputs)
        np.testing.assert_allclose(np.sort(arrays["exponents"])[::-1], expected, atol=0.15)
        assert arrays["exponents"].sum() == pytest.approx(expected.sum(), abs=1e-6), "mean ln |det J|"


def test_the_spectrum_without_input_is_that_of_the_map(trained):
    text = f"[experiment]\nkind = spectrum\n{source(trained)}{TASK}"
    folder = run(trained, "free", text + SHORT.format(100) + "driven = False\n")
    cells = load_trained(results.ResultsFolder(trained / "trained").run(0, 0), double=True)
    zeros = torch.zeros(1, 100, cells.channels, dtype=torch.float64)
    expected = dense_exponents(cells, cells.rest(1), zeros)
    np.testing.assert_allclose(folder.run(0, 0).arrays["exponents"], expected, atol=0.02)


def test_points_of_cells_are_fixed_and_have_the_eigenvalues_of_the_step(trained):
    text = f"[experiment]\nkind = analyse\n{source(trained)}{TASK}[analysis]\nstarts = 20\ntrajectories = 2\n"
    folder = run(trained, "inside", text)
    for combo, name in enumerate(CELLS):
        cells = load_trained(results.ResultsFolder(trained / "trained").run(combo, 0), double=True)
        arrays = folder.run(combo, 0).arrays
        points, none = torch.from_numpy(arrays["fixed_points"]), torch.zeros(1, cells.channels, dtype=torch.float64)
        assert len(points) or name == "node", "gated cells after two epochs contract to a point"
        for point, eigenvalues in zip(points, arrays["fixed_eigenvalues"], strict=True):
            torch.testing.assert_close(cells.step(point[None], none)[0], point, atol=1e-8, rtol=0)
            jacobian = torch.func.jacrev(lambda h, step=cells.step, x=none: step(h[None], x)[0])(point)
            expected = np.sort(np.abs(np.linalg.eigvals(jacobian.numpy())))
            np.testing.assert_allclose(np.sort(np.abs(eigenvalues)), expected, atol=1e-8)
        assert arrays["trajectories"].shape == (2, STEPS + 1, 2)
        assert arrays["along_eigenvalues"].shape[1] == cells.n
    assert "groups" not in arrays


def test_cells_have_fixed_points_in_every_phase_of_a_trial(tmp_path):
    task = "[trialparams]\ntask_name = multitask\nnr_of_trials = 4\ntasks = DelayPro\n"
    run(tmp_path, "trained", f"[experiment]\nkind = train\n[model]\narchitecture = gru\nhidden_size = 4\n"
        f"[trainvalidate]\nepochs = 1\n{task}")  # fmt: skip
    text = f"[experiment]\nkind = analyse\n[source]\nfolder = {tmp_path / 'trained'}\n{task}"
    more = "[analysis]\nphases = DelayPro\nphase_starts = 5\ninterpolation_steps = 3\nstarts = 5\ntrajectories = 2\n"
    arrays = run(tmp_path, "inside", text + more).run(0, 0).arrays
    cells = load_trained(results.ResultsFolder(tmp_path / "trained").run(0, 0), double=True)
    points, inputs = (torch.from_numpy(arrays[f"phase_{name}"]) for name in ("points", "inputs"))
    assert len(points) >= len(inputs), "a contracting cell has a point under every input"
    torch.testing.assert_close(cells.step(points, inputs[arrays["phase_place"]]), points, atol=1e-8, rtol=0)


def recorded(path):
    rng, splits = np.random.default_rng(0), {}
    for name, trials in (("train", 12), ("valid", 4), ("test", 3)):
        spikes = rng.poisson(1.0, (trials, 8, 5)).astype(np.uint8)
        inputs = rng.standard_normal((trials, 8, 2)).astype(np.float32)
        splits[name] = Split(spikes, 4, np.arange(trials), inputs=inputs)
    write_recording(path, Recording(splits))
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    path = recorded(folder / "spikes.npz")
    grid = json.dumps({"architecture": ["gru", "lfads"]})
    sizes = "[inference]\nhidden_size = 3\nencoder_size = 3\nn_factors = 2\n[trainvalidate]\nepochs = 2\n"
    text = f"[experiment]\nkind = fit\n[source]\nfolder = {path}\n{sizes}"
    run(folder, "fit", f"{text}[combosparams]\ncombos_params = {grid}\n")
    return folder


def test_fitted_models_run_along_the_test_trials_of_their_recording(fitted):
    text = f"[experiment]\nkind = spectrum\n{source(fitted, 'fit', 2)}" + SHORT.format(24)
    folder = run(fitted, "spectra", text)
    inputs = np.load(fitted / "spikes.npz")["test_inputs"]
    for combo in range(2):
        model = load_inferred(results.ResultsFolder(fitted / "fit").run(combo, 0), double=True)
        expected = dense_exponents(model, model.starts["test"], torch.from_numpy(inputs).double())
        assert folder.run(combo, 0).arrays["exponents"].sum() == pytest.approx(expected.sum(), abs=1e-6)
    summary = pd.read_csv(folder.root / "summary.csv")
    assert summary["neurons"].tolist() == [3, 3] and summary["dt"].tolist() == [1, 1]


def test_trajectories_of_fitted_models_start_where_the_encoder_says(fitted):
    text = f"[experiment]\nkind = analyse\n{source(fitted, 'fit', 2)}[analysis]\nstarts = 10\ntrajectories = 3\n"
    folder = run(fitted, "inside", text)
    arrays, fit = folder.run(0, 0).arrays, results.ResultsFolder(fitted / "fit").run(0, 0).arrays
    states = np.concatenate([fit["test_start"][:, None], fit["test_latents"]], 1)
    expected = (states - arrays["plane_mean"]) @ arrays["plane_axes"].T
    np.testing.assert_allclose(arrays["trajectories"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("", "[trialparams] task_name: expected the task of [source] folder, got none"),
        (TASK.replace("flip_flop", "flip_flop\nn_bits = 2"), "a task of 3 channels and 3 outputs"),
        (TASK + "[net]\nn = 5\n", "[net] n"),
        (TASK + "[lyapunov]\nnle = 9\n", "[lyapunov] nle: expected at most N = 4 exponents, got 9"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(trained, capsys, more, text):
    ini = f"[experiment]\nkind = spectrum\n[source]\nfolder = {trained / 'trained'}\ncombo = 0\n{more}"
    run(trained, "refused", ini, 2)
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1
    assert not (trained / "refused").exists()


@pytest.mark.slow
def test_figures_of_cells_have_steps_as_the_unit_of_time(trained, tmp_path):
    """Cells have no time constant."""
    text = f"\n{source(trained, combos=1)}{TASK}"
    run(trained, "drawn_spectrum", f"[experiment]\nkind = spectrum{text}{SHORT.format(20)}")
    run(trained, "drawn_analysis", f"[experiment]\nkind = analyse{text}")
    for name in ("drawn_spectrum", "drawn_analysis"):
        asked = ["--results_folders", str(trained / name), "--save_figs", str(tmp_path / name), "--format", "svg"]
        assert visualization.main(asked) == 0
    text = "".join(file.read_text() for file in tmp_path.rglob("*.svg"))
    assert "τ" not in text
    for label in ("Lyapunov exponent (1/step)", "time constant (step)", "speed in the plane (1/step)"):
        assert label in text
