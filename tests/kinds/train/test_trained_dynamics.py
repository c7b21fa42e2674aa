"""kind = train inside networks with parts of [dynamics]: tasks, constraints, resumes, later stages and simulations."""

import json

import numpy as np
import pytest
import torch

import runrandomnet
from randomnet import results
from randomnet.artifacts.trained_networks import load_trained
from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of
from randomnet.kinds.train import run as train
from randomnet.schema.plan import read_plan
from randomnet.training import Interrupted

POPULATIONS = """
[experiment]
seed = 3
[paths]
path_to_results = {out}
{more}
[net]
source = populations
[populations]
sizes = E: 18, I: 6
couplings = EE: 1, EI: -1.5, IE: 1, II: -1
in_degree = 4
external = E: 2, I: 1
external_degree = 4
[model]
activation = relu
dt = 0.25
[trainvalidate]
init = connectome
epochs = 2
lr = 0.01
batch_size = 8
[trialparams]
nr_of_trials = 24
[execution]
workers = 1
"""
ALL_PARTS = {
    "model.tau": "E: 0.6, I: 0.5",
    "dynamics.tau_syn": "E: 0.3, I: 0.2",
    "dynamics.nmda_fraction": 0.3,
    "dynamics.adaptation": 0.2,
    "dynamics.plastic": "EE",
    "dynamics.plastic_strength": 7.5,
    "dynamics.ou_noise": 0.1,
    "dynamics.threshold": "E: 0.2, I: 0.1",
    "net.dales_law": True,
}
LOW_RANK = {"net.rank": 2, "net.factor_support": "E", "trainvalidate.train_weights": False,
            "dynamics.plastic": "EE", "dynamics.plastic_factors": True}  # fmt: skip
DPA = {"trialparams.task_name": "dpa", "trialparams.steps_per_second": 4}


def written(tmp_path, name="out", more=""):
    path = tmp_path / f"{name}.ini"
    path.write_text(POPULATIONS.format(out=tmp_path / name, more=more))
    return path


def settings(*changes):
    merged = {key: value for change in changes for key, value in change.items()}
    return [word for key, value in merged.items() for word in ("--set", f"{key}={value}")]


def trained(tmp_path, *changes, name="out", more=""):
    """Train, and return the run's folder and its record."""
    assert runrandomnet.main([str(written(tmp_path, name, more)), *settings(*changes)]) == 0
    folder = results.ResultsFolder(tmp_path / name).run(0, 0)
    return folder, json.loads((folder.path / "run.json").read_text())


def refused(tmp_path, capsys, *changes, name="refused", more=""):
    """The error of settings that are refused, in one line and before anything is written."""
    capsys.readouterr()
    assert runrandomnet.main([str(written(tmp_path, name, more)), *settings(*changes)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and not (tmp_path / name).exists()
    return error


def model(folder):
    return torch.load(folder.path / "model.pt", weights_only=True)


@pytest.mark.parametrize(
    "task",
    [
        DPA,
        DPA | {"trialparams.task_name": "dual"},
        DPA | {"trialparams.task_name": "odr"},
        {"trialparams.task_name": "flip_flop"},
        pytest.param({"trialparams.task_name": "nback_mem"}, marks=pytest.mark.slow),
        pytest.param({"trialparams.task_name": "multitask"}, marks=pytest.mark.slow),
    ],
)
def test_every_task_trains_inside_a_network_with_all_parts(tmp_path, task):
    folder, record = trained(tmp_path, ALL_PARTS, task)
    assert record["status"] == "complete"
    stored = model(folder)
    for name in ("weights", "input_weights"):
        assert not torch.equal(stored["last"][name], stored["initial"][name])


def test_without_parts_the_section_changes_no_byte(tmp_path):
    plain, _ = trained(tmp_path, DPA, name="plain")
    same, _ = trained(tmp_path, DPA, {"dynamics.threshold": 0, "dynamics.tau_syn": "none"}, name="same")
    for name in ("model.pt", "arrays.npz"):
        assert (plain.path / name).read_bytes() == (same.path / name).read_bytes(), name
    assert "rates" not in model(plain)["network"]


def test_weights_that_are_not_trained_stay_and_signs_are_kept(tmp_path):
    few = {"trainvalidate.number_param": 20, "trainvalidate.lr": 0.5, "trainvalidate.epochs": 3}
    folder, _ = trained(tmp_path, ALL_PARTS, DPA, few)
    arrays = np.load(folder.path / "arrays.npz")
    before, after = arrays["weights_initial"], arrays["weights_final"]
    moving = np.isin(np.arange(len(before)), arrays["weights_moving"])
    assert moving.sum() == 20 and (before[~moving] == after[~moving]).all()
    assert (before[moving] != after[moving]).any()
    assert (np.sign(after) * np.sign(before) >= 0).all() and (after == 0).any()  # clipped at zero, never beyond


def test_factors_stay_within_their_population(tmp_path):
    folder, _ = trained(tmp_path, LOW_RANK, DPA)
    stored = model(folder)
    for name in ("output_factors", "selection_factors"):
        before, after = stored["initial"][name], stored["last"][name]
        assert not after[18:].any() and (after[:18] != before[:18]).any()
    assert torch.equal(stored["initial"]["weights"], stored["last"]["weights"])


def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path):
    changes = ALL_PARTS | DPA | {"trainvalidate.epochs": 4, "trainvalidate.segment": 10, "net.rank": 1}
    whole, _ = trained(tmp_path, changes, name="whole")
    [run] = read_plan(written(tmp_path, "parts"), settings(changes)[1::2]).combos[0].runs()
    folder = results.ResultsFolder(tmp_path / "parts").run(0, 0)
    folder.create()
    rows = []
    with pytest.raises(Interrupted):
        train.execute([run], [folder], lambda run, row: rows.append(row), lambda: len(rows) >= 2)
    [(_, record)] = train.execute([run], [folder], lambda run, row: None, lambda: False)
    assert record["status"] == "complete" and len(rows) == 2
    for name in ("model.pt", "arrays.npz"):
        assert (folder.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_the_update_does_not_depend_on_segments(tmp_path):
    models = []
    for segment in (0, 7):
        folder, _ = trained(tmp_path, ALL_PARTS, DPA, {"trainvalidate.segment": segment,
                            "trainvalidate.precision": "float64"}, name=f"segment{segment}")  # fmt: skip
        models.append(model(folder)["last"])
    for name, values in models[0].items():
        torch.testing.assert_close(models[1][name], values, rtol=1e-9, atol=1e-10)


def test_spectra_of_the_whole_state_are_recorded_and_trained(tmp_path):
    parts = {key: value for key, value in ALL_PARTS.items() if key != "dynamics.ou_noise"}
    times = {"lyapunov.tsim": 2, "lyapunov.tons": 0.5, "lyapunov.transient": 0, "lyapunov.frame_transient": 0,
             "lyapunov.nle": 4, "lyapunov.spectrum_every": 1, "trainvalidate.epochs": 1, "trialparams.nr_of_trials": 8,
             "trainvalidate.batch_size": 4, "trainvalidate.loss": "task + 0.1*l2"}  # fmt: skip
    folder, record = trained(tmp_path, parts, DPA, times)
    arrays = np.load(folder.path / "arrays.npz")
    assert "lambda_1" in (folder.path / "history.csv").read_text()
    size = 24 * 4 + 2 * 18  # rates, currents, slow, adaptation; u and x of E
    assert arrays["spectrum_final"].shape == (4,) and arrays["state_initial"].shape == (size,)
    assert record["summary"]["lambda_max_final"] == pytest.approx(arrays["spectrum_final"][0])
    assert f'"state_size": {size}' in json.dumps(results.ResultsFolder(tmp_path / "out").manifest)


# ---- later stages


def test_a_later_task_goes_on_from_the_trained_network(tmp_path):
    first, _ = trained(tmp_path, LOW_RANK, DPA, name="first")
    later = LOW_RANK | DPA | {"trialparams.task_name": "dual", "net.rank": 3, "pretrainedparams.keep_readout": True,
                              "trainvalidate.freeze_factors": "1 2"}  # fmt: skip
    second, _ = trained(tmp_path, later, name="second", more=f"pretrained = {tmp_path / 'first'}")
    before, after = model(first)["last"], model(second)
    for name in ("output_factors", "selection_factors"):
        assert torch.equal(before[name], after["initial"][name][:, :2])
        assert torch.equal(before[name], after["last"][name][:, :2])  # frozen
    assert torch.equal(before["readout_weights"], after["initial"]["readout_weights"])


def test_a_simulation_has_the_trained_network(tmp_path, capsys):
    """Under events through the task's channels, a simulation has the rates of the trained network in a trial."""
    changes = LOW_RANK | DPA | {"dynamics.threshold": 0.1, "net.factor_sd": 2, "trainvalidate.train_gains": True,
                                "trainvalidate.train_shifts": True, "trainvalidate.lr": 0.1}  # fmt: skip
    folder, _ = trained(tmp_path, changes, name="first")
    events = ", ".join(f"{name}: channel 1 from 1 to 2 vector 1" for name in "EI")
    simulated = {
        **{key: value for key, value in changes.items() if not key.startswith(("trial", "train"))},
        "experiment.kind": "simulate",
        "analysis.settle": 0,
        "analysis.duration": 9,
        "simulation.window": 0.25,
        "simulation.initial": "zero",
        "simulation.events": events,
        "simulation.keep": "overlaps",
    }
    path = tmp_path / "sim.ini"
    text = POPULATIONS.format(out=tmp_path / "sim", more=f"pretrained = {tmp_path / 'first'}")
    begin, end = text.index("[trainvalidate]"), text.index("[execution]")
    path.write_text(text[:begin] + "[trainvalidate]\ninit = connectome\n" + text[end:])
    assert runrandomnet.main([str(path), *settings(simulated)]) == 0
    arrays = np.load(tmp_path / "sim" / "0" / "iter_0" / "arrays.npz")
    system, inputs = load_trained(folder, "last"), torch.zeros(1, 36, 5)
    inputs[:, 4:8, 0] = 1
    states, outputs = system.run(inputs)
    np.testing.assert_allclose(arrays["readout"][0], outputs[0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(arrays["rates"][0], states[0, :, :24], rtol=1e-4, atol=1e-4)
    assert model(folder)["last"]["gains"].std() > 0 and arrays["rates"].std() > 0
    selection = model(folder)["last"]["selection_factors"].numpy()
    refused_inputs = tmp_path / "refused.npy"
    np.save(refused_inputs, np.zeros((36, 7)))
    for change, text in [
        ({"net.rank": 3}, "[net] rank: expected 2, the number of factors of"),  # a third one would never be trained
        ({"simulation.input_file": refused_inputs}, "(steps, 24) or (1, steps, 24) or (steps, 5) or (1, steps, 5)"),
    ]:
        capsys.readouterr()
        changed = settings(simulated, change, {"paths.path_to_results": tmp_path / "refused"})
        assert runrandomnet.main([str(path), *changed]) == 2
        assert text in capsys.readouterr().err and not (tmp_path / "refused").exists()
    np.testing.assert_allclose(arrays["kept_overlaps"][0], arrays["rates"][0] @ selection / 24, rtol=1e-3, atol=1e-4)


def test_what_is_not_possible_is_said_in_one_line(tmp_path, capsys):
    folder, _ = trained(tmp_path, LOW_RANK, DPA, name="first")
    first = f"pretrained = {folder.path / 'model.pt'}"
    cases = [
        ({"model.form": "rate"}, "[model] form: applies only where the dynamics are those of [model]"),
        ({"trainvalidate.state_noise": 0.1}, "[trainvalidate] state_noise: expected 0 with parts of [dynamics]"),
        ({"execution.batch_runs": 2}, "[execution] batch_runs: applies only where"),
        ({"dynamics.time_unit": "s", "model.dt": 0.1}, "[model] dt: expected 0.25 s, a step of the task"),
        ({"dynamics.plastic": "EX"}, "[dynamics] plastic: expected blocks of the network, EE, EI, IE, II, got 'EX'"),
        ({"dynamics.nmda_fraction": 0.2, "trainvalidate.train_weights": True, "net.dales_law": False},
         "[net] dales_law: expected auto or True where weights are trained with nmda_fraction"),
        ({"model.architecture": "gru"}, "architecture"),
    ]  # fmt: skip
    for change, text in cases:
        assert text in refused(tmp_path, capsys, LOW_RANK, DPA, change)
    plain = {"net.rank": 2, "net.factor_support": "E", "trainvalidate.train_weights": False}
    error = refused(tmp_path, capsys, plain, DPA, more=first)
    assert "[dynamics] plastic: expected filters, plasticity or other parts in [dynamics]" in error


def test_groups_of_a_measured_network_are_its_populations(tmp_path):
    """Labels of any network name time constants and plastic blocks."""
    path = tmp_path / "regions.ini"
    path.write_text(
        f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nsource = regions\n[regions]\n"
        "regions = a: 8, b: 6 neg\n[projections]\nprojections = a -> b: .5, b -> a: .5\n[model]\n"
        "activation = relu\ndt = 0.25\ntau = a: 0.6, b: 0.5\n[dynamics]\nplastic = ba\n[trainvalidate]\nepochs = 1\n"
        "init = connectome\n[trialparams]\ntask_name = dpa\nsteps_per_second = 4\nnr_of_trials = 8\n"
    )
    assert runrandomnet.main([str(path)]) == 0
    [run] = read_plan(path).combos[0].runs()
    setup = build_setup(run)
    assert setup.network.rates.plastic == ((1, 0),) and setup.size == 14 + 2 * 8
    assert objective_of(run, setup).measure([setup.network], objective_of(run, setup).training[0])[0].loss > 0


def test_the_spectrum_of_the_whole_state_is_trained_without_a_task(tmp_path):
    """A small step along the gradient lowers the loss; a later stage starts from the trained values."""
    times = {"lyapunov.nle": 3, "lyapunov.tsim": 3, "lyapunov.tons": 0.5, "lyapunov.transient": 1,
             "lyapunov.target": -0.5, "lyapunov.frame_transient": 0, "lyapunov.tsim_measured": 0,
             "trainvalidate.epochs": 1, "trainvalidate.lr": 1e-3, "dynamics.plastic": "EE", "dynamics.tau_syn": 0.5,
             "model.tau": "E: 0.6, I: 0.5",
             "trainvalidate.train_weights": True, "trainvalidate.precision": "float64"}  # fmt: skip
    text = POPULATIONS.format(out=tmp_path / "first", more="")
    text = text.replace("batch_size = 8\n", "").replace("[trialparams]\nnr_of_trials = 24\n", "")
    path = tmp_path / "first.ini"
    path.write_text(text)
    later = {"paths.path_to_results": tmp_path / "second", "paths.pretrained": tmp_path / "first"}
    assert runrandomnet.main([str(path), *settings(times)]) == 0
    assert runrandomnet.main([str(path), *settings(times, later)]) == 0
    first, second = (json.loads((tmp_path / name / "0" / "iter_0" / "run.json").read_text())["summary"]
                     for name in ("first", "second"))  # fmt: skip
    assert first["loss_final"] < first["loss_initial"]
    assert second["loss_initial"] == pytest.approx(first["loss_final"], rel=1e-9)
    arrays = np.load(tmp_path / "first" / "0" / "iter_0" / "arrays.npz")
    assert arrays["spectrum_final"].shape == (2 * 24 + 2 * 18,)  # rates and currents; u and x of E
