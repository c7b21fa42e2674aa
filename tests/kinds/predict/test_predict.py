"""kind = predict: students that are trained on recorded neurons, against what is known of them."""

import dataclasses
import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet import results
from randomnet.build.prediction import order_of_recording, recording_of, student_of, teacher_of
from randomnet.kinds.predict import options
from randomnet.kinds.predict import run as predict
from randomnet.kinds.predict.curvature import curvature_of, curvature_seconds, residuals_of
from randomnet.kinds.predict.run import lesson_of, objective_of
from randomnet.objectives.prediction import errors, scores
from randomnet.objectives.students import UNKNOWN, detached, respond
from randomnet.prediction import curvature
from randomnet.report.captions import caption
from randomnet.schema.plan import read_plan
from tests.support.runs import contents, differing, run, start, wait_for
from tests.support.unexplained import unexplained

INI = """
[experiment]
kind = predict
seed = 4
[paths]
path_to_results = {out}
[net]
source = populations
[populations]
sizes = E: 9, I: 4
in_degree = 3
gain = 1.2
external = E: 1, I: 1
external_rate = 1
[model]
activation = softplus
dt = 0.25
[analysis]
trajectories = 6
duration = 4
[predict]
{predict}
[trainvalidate]
epochs = 3
{training}
[execution]
workers = 1
"""

TASK = "trialparams.task_name=flip_flop", "trialparams.nr_of_trials=10", "trialparams.trial_steps=12"


def ini(folder, predict="", training=""):
    path = folder / "a.ini"
    path.write_text(INI.format(out=folder / "out", predict=predict, training=training))
    return path


def lessons(folder, *overrides, predict="n_recorded = 5", training="precision = float64"):
    plan = read_plan(ini(folder, predict, training), overrides)
    runs = [one for combo in plan.combos for one in combo.runs()]
    return runs, [lesson_of(one) for one in runs]


def done(folder, *overrides, predict="n_recorded = 5", training=""):
    path = ini(folder, predict, training)
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == 0
    return pd.read_csv(folder / "out" / "summary.csv")


def losses_of(runs, taught, students):
    objective = objective_of(runs, taught)
    (batch,) = objective.batches()
    return objective.measure(students, batch)


@pytest.mark.parametrize("unknown", ["gains + shifts", "weights", "scales", "tau"])
def test_a_student_with_the_teachers_values_has_no_error(tmp_path, unknown):
    runs, taught = lessons(tmp_path, predict=f"n_recorded = 5\nscale_sd = 0.3\nstudent = {unknown}\nstart = permuted")
    student, teacher = taught[0].student, taught[0].teacher
    student.assign({name: 1.1 * teacher.parameters[name] for name in student.unknown})
    assert losses_of(runs, taught, [student])[0].loss > 1e-5
    student.assign({name: teacher.parameters[name] for name in student.unknown})
    rounding = 1e-25  # products of another number of trials are summed in another order
    assert losses_of(runs, taught, [student])[0].loss <= rounding
    scores = objective_of(runs, taught).validate([student], 0)[0]
    assert scores.keys() == {"validate_loss", "error_recorded", "error_unrecorded"}
    assert max(scores.values()) <= rounding


STUDENTS = [("gains + shifts", "scale_sd = 0.3"), ("tau + initial", ""), ("scales", "scale_sd = 0.3"), ("weights", "")]


@pytest.mark.parametrize(("unknown", "more"), STUDENTS)
@pytest.mark.parametrize("observed", ["rates", "spikes"])
def test_gradients_are_those_of_finite_differences(tmp_path, unknown, more, observed):
    runs, taught = lessons(tmp_path, predict=f"n_recorded = 5\nstudent = {unknown}\nobserved = {observed}\n{more}")
    student = taught[0].student
    losses_of(runs, taught, [student])[0].loss.backward()
    rng = np.random.default_rng(0)
    for name, parameter in student.unknown.items():
        flat, gradient = parameter.data.view(-1), parameter.grad.reshape(-1)
        training = taught[0].recording.training * parameter.shape[-1] if name == "initial" else len(flat)
        for entry in rng.choice(training, 3, replace=False):
            found = []
            for step in (1e-5, -1e-5):
                flat[entry] += step
                found.append(float(losses_of(runs, taught, [student])[0].figures["train_loss"]))
                flat[entry] -= step
            assert gradient[entry].item() == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-4, abs=1e-9), name


def test_the_known_parameters_are_the_teachers_and_the_unknown_ones_start_elsewhere(tmp_path):
    _, (lesson,) = lessons(tmp_path, predict="student = gains\nn_recorded = 5")
    student, teacher = lesson.student, lesson.teacher
    assert torch.equal(student.system().shifts, teacher.system.shifts)
    halved = 2 * student.unknown["gains"].detach()
    assert torch.allclose(halved.sort()[0], teacher.parameters["gains"].sort()[0])
    assert not torch.allclose(halved, teacher.parameters["gains"])
    _, (lesson,) = lessons(tmp_path, "predict.start=defaults", predict="student = gains\nn_recorded = 5")
    assert (lesson.student.unknown["gains"] == 1).all()


def test_free_weights_are_the_teachers_in_random_order_without_a_diagonal(tmp_path):
    _, (lesson,) = lessons(tmp_path, predict="student = weights\nn_recorded = 5")
    free, true = lesson.student.unknown["weights"].detach(), lesson.teacher.parameters["weights"]
    assert torch.equal(free.flatten().sort()[0], true.flatten().sort()[0]) and not torch.equal(free, true)
    assert (lesson.student.system().coupling.values.diagonal() == 0).all()


def test_all_students_of_an_iteration_have_the_same_teacher_and_nested_recordings(tmp_path):
    grid = '{"n_recorded": [2, 6], "null": ["none", "degree"], "edges_lost": [0, 0.3]}'
    wrong = '{"n_recorded": [6], "sign_errors": [0, 0.2], "student": ["gains + shifts", "weights"]}'
    plans = [read_plan(ini(tmp_path), [f"combosparams.combos_params={each}", "trainvalidate.iterations=2"])
             for each in (grid, wrong)]  # fmt: skip
    first: dict[int, torch.Tensor] = {}
    for one in (one for plan in plans for combo in plan.combos for one in combo.runs()):
        teacher = teacher_of(one)
        rates, order = first.setdefault(one.iteration, (teacher.rates, order_of_recording(one, teacher)))
        assert torch.equal(teacher.rates, rates)
        recorded = recording_of(one, teacher).recorded
        count = one.config.predict.n_recorded
        assert set(torch.nonzero(recorded).flatten().tolist()) == set(order[:count].tolist())
        weights = student_of(one, teacher).system().coupling.values
        true = torch.equal(weights.detach(), teacher.system.coupling.values)
        net, unknown = one.config.net, one.config.predict.unknown
        assert true == (net.null == "none" and not net.edges_lost + net.sign_errors and "weights" not in unknown)
    assert not torch.equal(first[0][0], first[1][0])


def test_a_linear_neuron_is_found_exactly(tmp_path):
    """Without connections x(t) = x(0) (1 - dt)^t, so that gain and shift are the regression of its rate."""
    text = ini(tmp_path, "n_recorded = all\nstudent = gains + shifts", "precision = float64").read_text()
    changes = {"softplus": "linear", "gain = 1.2": "gain = 1e-12", "external = E: 1, I: 1\nexternal_rate = 1\n": ""}
    for before, after in changes.items():
        text = text.replace(before, after)
    (tmp_path / "a.ini").write_text(text)
    (one,) = read_plan(tmp_path / "a.ini").combos[0].runs()
    teacher = teacher_of(one)
    times = torch.arange(1, 17, dtype=torch.float64)
    states = teacher.initial * (1 - 0.25) ** times[:, None, None]
    expected = teacher.parameters["gains"] * (states - teacher.parameters["shifts"])
    assert torch.allclose(teacher.rates, expected, atol=1e-10)
    columns = torch.stack([states[..., 0].flatten(), -torch.ones(states[..., 0].numel(), dtype=torch.float64)], 1)
    gain, product = torch.linalg.lstsq(columns, teacher.rates[..., 0].reshape(-1, 1)).solution.flatten()
    assert gain == pytest.approx(teacher.parameters["gains"][0].item())
    assert product / gain == pytest.approx(teacher.parameters["shifts"][0].item())


def test_errors_are_those_of_their_definition():
    rng = np.random.default_rng(1)
    truth, rates = (torch.from_numpy(rng.normal(2, 1, (7, 3, 4))) for _ in range(2))
    chosen = torch.tensor([True, False, True, True])
    true, found = truth[..., chosen].numpy(), rates[..., chosen].numpy()
    wrong = ((found - true) ** 2).sum()
    expected = wrong / ((true - true.mean((0, 1))) ** 2).sum(), wrong / (true**2).sum()
    assert errors(rates, truth, chosen) == pytest.approx(expected)
    truth[2, 1, 0] = torch.nan
    known = np.delete(truth[..., 0].numpy().ravel(), 2 * 3 + 1)
    alone = torch.tensor([True, False, False, False])
    wrong = np.nansum((rates[..., 0].numpy() - truth[..., 0].numpy()) ** 2)
    assert errors(rates, truth, alone)[0] == pytest.approx(wrong / ((known - known.mean()) ** 2).sum())


def test_more_epochs_go_on_from_the_state_of_ended_runs(tmp_path):
    grid = "--set", 'combosparams.combos_params={"n_recorded": [2, 5]}'
    for name in ("whole", "longer"):
        (tmp_path / name).mkdir()
    path = ini(tmp_path / "longer", "", "batch_size = 2")
    assert run(path, *grid) == run(path, *grid, "--set", "trainvalidate.epochs=6") == 0
    assert run(ini(tmp_path / "whole", "", "batch_size = 2"), *grid, "--set", "trainvalidate.epochs=6") == 0
    found, expected = (contents(tmp_path / name / "out") for name in ("longer", "whole"))
    assert [found[f"{combo}/iter_0/run.json"].pop("extended") for combo in (0, 1)] == [[3], [3]]
    assert differing(found, expected) == []


def test_with_all_neurons_recorded_none_is_left_to_predict(tmp_path):
    table = done(tmp_path, predict="n_recorded = all")
    assert table["recorded"].item() == table["neurons"].item() == 13
    assert table["error_recorded_final"].notna().all()
    assert "error_unrecorded_final" not in table or table["error_unrecorded_final"].isna().all()


def test_training_lowers_the_loss_and_predicts(tmp_path):
    table = done(tmp_path, "trainvalidate.epochs=150", "trainvalidate.lr=0.03", predict="n_recorded = 8")
    row = table.iloc[0]
    assert row["error_recorded_final"] < 0.3 * row["error_recorded_initial"]
    assert row["error_unrecorded_final"] < 0.6 * row["error_unrecorded_initial"]
    arrays = results.ResultsFolder(tmp_path / "out").run(0, 0).arrays
    assert arrays["recorded"].sum() == 8
    correlation = np.corrcoef(arrays["gains_true"], arrays["gains_found"])[0, 1]
    assert row["gain_correlation_final"] == pytest.approx(correlation)


def test_side_by_side_or_alone_students_learn_alike(tmp_path):
    grid = '{"n_recorded": [2, 5, 9]}'
    tables = []
    for name, size in (("one", 1), ("all", 3)):
        (tmp_path / name).mkdir()
        sets = f"combosparams.combos_params={grid}", f"execution.batch_runs={size}"
        tables.append(done(tmp_path / name, *sets, predict="", training="precision = float64"))
    columns = ["error_recorded_final", "error_unrecorded_final", "loss_final"]
    pd.testing.assert_frame_equal(tables[0][columns], tables[1][columns], rtol=1e-9)


def test_unknown_initial_states_of_heldout_trials_teach_nothing_else(tmp_path):
    runs, taught = lessons(tmp_path, predict="n_recorded = 5\nstudent = gains + initial")
    student, recording = taught[0].student, taught[0].recording
    losses_of(runs, taught, [student])[0].loss.backward()
    initial = student.unknown["initial"].grad
    assert initial[: recording.training].abs().max() > 0 and initial[recording.training :].abs().max() > 0
    gains = student.unknown["gains"].grad.clone()
    student.zero_grad()
    trials = torch.arange(recording.training)
    given = student.initial(trials, recording.initial[trials])
    rates = respond([student.system()], [recording.interface], recording.inputs[None, :, trials], given[None])[0][0]
    recording.loss(rates, trials).backward()
    assert torch.allclose(student.unknown["gains"].grad, gains)
    assert not detached(student.system()).gains.requires_grad


def test_interrupted_it_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    sets = "--set", 'combosparams.combos_params={"n_recorded": [2, 5, 9]}', "--set", "trainvalidate.epochs=12"
    paths = {}
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
        paths[name] = ini(tmp_path / name, "", "batch_size = 2\nlr = 0.02")
    assert run(paths["whole"], *sets) == 0
    kind = predict.KIND

    def interrupted(runs, folders, report, stop):
        def reporting(one, row):
            report(one, row)
            if (one.combo, row["epoch"]) == (0, 7):
                os.kill(os.getpid(), signal.SIGINT)

        return kind.execute(runs, folders, reporting, stop)

    monkeypatch.setattr(predict, "KIND", dataclasses.replace(kind, execute=interrupted))
    assert run(paths["stopped"], *sets) == 130
    assert list((tmp_path / "stopped" / "out").glob("*/iter_*/checkpoint.pt"))
    monkeypatch.setattr(predict, "KIND", kind)
    assert run(paths["stopped"], *sets) == 0
    found, expected = (contents(tmp_path / name / "out") for name in ("stopped", "whole"))
    assert differing(found, expected) == []


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", "batch_size = 2\nlr = 0.02"])
def test_killed_it_goes_on_to_the_same_bytes(tmp_path, more):
    grid = 'combosparams.combos_params={"n_recorded": [2, 5]}'
    sets = ("--set", grid, "--set", "trainvalidate.epochs=60", "--set", "execution.checkpoint_every=3")
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    assert run(ini(tmp_path / "whole", "", more), *sets) == 0
    path, out = ini(tmp_path / "killed", "", more), tmp_path / "killed" / "out"
    process = start(path, *sets)
    wait_for(lambda: list(out.glob("*/iter_*/checkpoint.pt")), process)
    process.kill()
    process.join()
    assert run(path, *sets) == 0
    assert differing(contents(out), contents(tmp_path / "whole" / "out")) == []


def test_neurons_are_recorded_in_the_order_that_is_asked_for(tmp_path):
    orders = {}
    for choice in ("random", "variance", "degree", "informative"):
        (one,), (lesson,) = lessons(tmp_path, f"predict.choice={choice}")
        orders[choice] = order_of_recording(one, lesson.teacher).tolist()
        assert sorted(orders[choice]) == list(range(13))
    teacher = lesson.teacher
    variance = teacher.rates[:, : teacher.training].numpy().reshape(-1, 13).var(0)
    assert (np.diff(variance[orders["variance"]]) <= 0).all()
    connectome = teacher.setup.connectome
    degree = np.bincount(connectome.post, minlength=13) + np.bincount(connectome.pre, minlength=13)
    assert (np.diff(degree[orders["degree"]]) <= 0).all()
    (one,), (lesson,) = lessons(tmp_path, "predict.pool=I", "predict.choice=informative", predict="n_recorded = 2")
    expected = [neuron for neuron in orders["informative"] if neuron >= 9]  # the four of I are the last
    assert order_of_recording(one, lesson.teacher).tolist() == expected


@pytest.mark.parametrize("observed", ["rates", "spikes"])
def test_curvature_is_that_of_the_loss_where_the_student_is_right(tmp_path, observed):
    """There the Gauss-Newton matrix is the Hessian: exactly for rates, in the mean over counts for counts."""
    runs, (lesson,) = lessons(tmp_path, predict=f"n_recorded = 5\nobserved = {observed}")
    student, recording = lesson.student, lesson.recording
    student.assign({name: lesson.teacher.parameters[name] for name in student.unknown})
    if observed == "spikes":
        recording = dataclasses.replace(recording, targets=recording.scale * recording.rates)
    curvature = curvature_of(runs[0], recording, student)
    assert curvature.exact and curvature.parameters == 26
    trials, names = torch.arange(recording.training), list(student.unknown)

    def loss(*values):
        parts = dict(zip(names, values, strict=True))
        system = dataclasses.replace(student.known, **parts)
        given = recording.initial[trials]
        rates = respond([system], [recording.interface], recording.inputs[None, :, trials], given[None])[0][0]
        return recording.loss(rates, trials)

    blocks = torch.autograd.functional.hessian(loss, tuple(values.detach() for values in student.unknown.values()))
    hessian = torch.cat([torch.cat(row, 1) for row in blocks]).numpy()
    expected = np.linalg.eigvalsh(hessian)[::-1]
    assert curvature.values == pytest.approx(expected, rel=1e-6, abs=1e-9 * expected[0])


def test_curvature_is_written_with_the_distance_from_the_truth(tmp_path):
    table = done(tmp_path, predict="n_recorded = 5\nstudent = gains + shifts")
    arrays = results.ResultsFolder(tmp_path / "out").run(0, 0).arrays
    offsets = [arrays[f"{name}_found"] - arrays[f"{name}_true"] for name in ("gains", "shifts")]
    assert np.linalg.norm(arrays["hessian_offsets"]) == pytest.approx(np.linalg.norm(np.concatenate(offsets)), rel=1e-5)
    values = arrays["hessian_values"]
    assert table["hessian_largest"].item() == pytest.approx(values[0]) and (np.diff(values) <= 0).all()
    assert table["stiff_directions"].item() == (values > 1e-3 * values[0]).sum()


OWN = """
[experiment]
kind = predict
[paths]
path_to_results = {out}
recording = {file}
[net]
roi = AB
g = 2
[model]
activation = tanh_stretched
dt = 0.25
[analysis]
duration = 4
[predict]
n_recorded = 20
student = gains + shifts + initial
tau_duration = 0.1
eigenvalues = 0
[trainvalidate]
epochs = {epochs}
lr = 0.05
[execution]
workers = 1
"""


def recorded(folder, rng, dt=0.025):
    """Activity of 30 neurons of AB in 6 trials, in units of their own, in another order, with a gap."""
    path = folder / "own.ini"
    text = OWN.format(out=folder / "out", file="none", epochs=1).replace("recording = none\n", "")
    path.write_text(text.replace("tau_duration = 0.1\n", "").replace("[analysis]", "[analysis]\ntrajectories = 6"))
    (one,) = read_plan(path).combos[0].runs()
    teacher = teacher_of(one)
    neurons = rng.permutation(58)[:30]
    values = teacher.rates.numpy().swapaxes(0, 1)[..., neurons] * rng.uniform(0.1, 5, 30) + rng.normal(0, 2, 30)
    values[2, 5:8, 3] = np.nan
    names = [*teacher.setup.connectome.names[neurons], "glia"]
    rates = np.concatenate([values, np.ones((6, values.shape[1], 1))], 2)
    np.savez(folder / "own.npz", rates=rates, dt=dt, names=np.array(names, dtype=str))
    return folder / "own.npz", np.sort(neurons)


def test_a_recording_of_named_neurons_is_predicted_whatever_its_units(tmp_path):
    file, neurons = recorded(tmp_path, np.random.default_rng(5))
    path = tmp_path / "a.ini"
    path.write_text(OWN.format(out=tmp_path / "out", file=file, epochs=60))
    assert run(path) == 0
    row = pd.read_csv(tmp_path / "out" / "summary.csv").iloc[0]
    arrays = results.ResultsFolder(tmp_path / "out").run(0, 0).arrays
    assert np.flatnonzero(arrays["scored"]).tolist() == neurons.tolist() and arrays["recorded"].sum() == 20
    assert "glia" in row["notes"] and "gains_true" not in arrays and "gain_error_final" not in row
    assert row["error_recorded_final"] < 0.6 * row["error_recorded_initial"]
    assert row["error_unrecorded_final"] < row["error_unrecorded_initial"]
    record = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "paths.recording" in str(record)


def test_errors_of_a_recording_are_those_after_the_best_linear_fit(tmp_path):
    file, _ = recorded(tmp_path, np.random.default_rng(6))
    path = tmp_path / "a.ini"
    path.write_text(OWN.format(out=tmp_path / "out", file=file, epochs=1))
    runs = read_plan(path).combos[0].runs()
    taught = [lesson_of(one) for one in runs]
    recording, objective = taught[0].recording, objective_of(runs, taught)
    rates = objective.heldout_rates([taught[0].student])[0]
    rates += 0.1 * torch.randn(rates.shape, generator=torch.Generator().manual_seed(0))
    truth, fitted = recording.rates[:, recording.heldout], recording.fitted(rates)
    for neuron in torch.nonzero(recording.scored).flatten().tolist()[:5]:
        alone = torch.arange(58) == neuron
        pair = [values[..., neuron].flatten().numpy() for values in (rates, truth)]
        r = np.corrcoef(*pair)[0, 1]
        assert errors(fitted, truth, alone)[0] == pytest.approx(1 - max(r, 0) ** 2, abs=1e-5)
    changed = dataclasses.replace(recording, targets=3 * recording.targets + 7)
    losses = [float(each.loss(rates, recording.heldout)) for each in (recording, changed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_units_of_recorded_neurons_change_neither_errors_nor_the_dimension(tmp_path):
    file, _ = recorded(tmp_path, np.random.default_rng(6))
    path = tmp_path / "a.ini"
    path.write_text(OWN.format(out=tmp_path / "out", file=file, epochs=1))
    content = dict(np.load(file))
    found = []
    for factors in (np.ones(31), 10.0 ** np.arange(-15, 16) / 1e3):
        np.savez(file, **{**content, "rates": content["rates"] * factors**0.3})
        runs = read_plan(path).combos[0].runs()
        lesson = lesson_of(runs[0])
        rates = objective_of(runs, [lesson]).heldout_rates([lesson.student])[0]
        rates += 0.1 * torch.randn(rates.shape, generator=torch.Generator().manual_seed(0))
        found.append([*scores(lesson.recording, rates).values(), lesson.teacher.dimension])
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    truth, each = lesson.recording.rates[:, lesson.recording.heldout], []
    for neuron in torch.nonzero(lesson.recording.unrecorded).flatten().tolist():
        r = np.corrcoef(*[values[..., neuron].flatten().double().numpy() for values in (rates, truth)])[0, 1]
        each.append(1 - max(r, 0) ** 2)
    assert found[0][2] == pytest.approx(np.mean(each), abs=1e-3)


def test_constant_neurons_of_a_recording_are_named_and_left_out(tmp_path, capsys):
    file, neurons = recorded(tmp_path, np.random.default_rng(6))
    path = tmp_path / "a.ini"
    path.write_text(OWN.format(out=tmp_path / "out", file=file, epochs=1))
    content = dict(np.load(file))
    rates = content["rates"].copy()
    rates[..., 1] = 7.0
    np.savez(file, **{**content, "rates": rates})
    teacher = teacher_of(read_plan(path).combos[0].runs()[0])
    name = str(content["names"][1])
    assert any(f"constant neurons, which are left out: 1 ({name})" in note for note in teacher.notes)
    scored = np.asarray(teacher.setup.connectome.names)[teacher.scored.numpy()]
    assert name not in scored and len(scored) == len(neurons) - 1
    np.savez(file, **{**content, "rates": np.ones_like(rates)})
    assert run(path) == 2
    assert "expected neurons whose activity varies within the trials, got none of 30" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


RECORDING = {
    "[predict] student: expected one that finds initial": "predict.student=gains + shifts",
    "[analysis] duration: expected a time that gives at least 2 trials": "analysis.settle=100",
    "[paths] recording: ": "paths.recording=nowhere.csv",
    "[predict] n_recorded: expected at most 30": "predict.n_recorded=31",
    "[predict] choice: expected another": "predict.choice=informative",
}


@pytest.mark.parametrize("text", RECORDING)
def test_a_recording_that_does_not_fit_is_one_line(tmp_path, capsys, text):
    file, _ = recorded(tmp_path, np.random.default_rng(5))
    path = tmp_path / "a.ini"
    path.write_text(OWN.format(out=tmp_path / "out", file=file, epochs=1))
    assert run(path, "--set", RECORDING[text]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.strip().splitlines()) == 1 and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_figures_tables_and_sentences_of_a_grid(tmp_path, capsys):
    grid = '{"n_recorded": [2, 9], "student": ["gains + shifts", "weights"]}'
    sets = f"combosparams.combos_params={grid}", "trainvalidate.iterations=2", "predict.eigenvalues=3"
    done(tmp_path, *sets, predict="")
    figures = tmp_path / "figs"
    assert visualization.main(["--results_folders", str(tmp_path / "out"), "--save_figs", str(figures)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("half of the variance of unrecorded neurons is") == 2 + 2, "a sentence and a note for each"
    table = pd.read_csv(figures / "prediction.csv")
    assert table["iterations"].tolist() == [2, 2] and (table["dimension"] > 1).all()
    names = {path.stem for path in figures.rglob("*.png")}
    assert {"overview", "prediction"} <= {path.stem for path in figures.glob("*.png")}
    for begin in ("prediction_courses", "stiffness", "parameters"):
        found = [name for name in names if name.startswith(begin)]
        assert found and all(caption("predict", name) for name in found), begin
    assert not unexplained(tmp_path)


BAD = {
    "[predict] n_recorded: expected at most 13": "predict.n_recorded=14",
    "[predict] pool: ": "predict.pool=nowhere",
    "[predict] student: expected one or more of": "predict.student=gain",
    "[predict] student: expected weights or scales": "predict.student=weights + scales",
    "[model] integrator: expected euler": "model.integrator=rk4",
    "[model] activation: expected another than tanh": "model.activation=tanh",
    "[predict] observed: expected rates where": ("predict.observed=spikes", "model.activation=tanh_stretched"),
    "[net] g: expected a network whose activity stays finite": ("net.g=1e9", "model.activation=relu"),
    "[net] g: expected a teacher whose activity varies": ("predict.shift_mean=1e6", "model.activation=tanh_stretched"),
    "[analysis] trajectories: expected at least 2": "analysis.trajectories=1",
    "[net] parameter: expected weights": "net.parameter=gains",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, capsys, text):
    sets = (BAD[text],) if isinstance(BAD[text], str) else BAD[text]
    assert run(ini(tmp_path), *(part for one in sets for part in ("--set", one))) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_unknown_names_are_those_of_the_option():
    assert options.UNKNOWN == UNKNOWN


def test_a_task_drives_the_teacher(tmp_path):
    path = ini(tmp_path, "n_recorded = 5")
    path.write_text(path.read_text().replace("trajectories = 6\nduration = 4\n", ""))
    assert run(path, *(part for one in TASK for part in ("--set", one))) == 0
    table = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert table["status"].item() == "complete" and table["dimension"].item() > 1
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    assert record["summary"]["recorded"] == 5


def of_task(folder, *overrides):
    path = ini(folder, "n_recorded = 5\ntask_output = True", "precision = float64")
    path.write_text(path.read_text().replace("trajectories = 6\nduration = 4\n", ""))
    runs = [one for combo in read_plan(path, (*TASK, *overrides)).combos for one in combo.runs()]
    return runs, [lesson_of(one) for one in runs]


def test_the_output_to_a_task_adds_its_mean_squared_error(tmp_path):
    runs, (lesson,) = of_task(tmp_path)
    recording, teacher, student = lesson.recording, lesson.teacher, lesson.student
    ((_, neurons), trials), system = (torch.where(recording.recorded[None]), recording.training), student.system()
    inputs, initial = recording.inputs[:, :trials], recording.initial[:trials]
    rates = respond([system], [recording.interface], inputs[None], initial[None])[0][0].detach()
    true = teacher.rates[:, :trials]
    weights = recording.interface["readout_weights"]
    expected = (rates - true)[..., neurons].square().mean() + ((rates - true) @ weights.mT).square().mean()
    (measured,) = losses_of(runs, [lesson], [student])
    assert float(measured.loss.detach()) == pytest.approx(float(expected), rel=1e-10)
    student.assign(teacher.parameters)
    (scores,) = objective_of(runs, [lesson]).validate([student], None)
    assert max(scores.values()) < 1e-20 and "error_output" in scores


def test_curvature_has_the_residuals_of_the_output(tmp_path):
    """Their mean square is the loss, and so the Gauss-Newton matrix has the curvature of both parts."""
    runs, (lesson,) = of_task(tmp_path)
    residuals = residuals_of(lesson.recording, lesson.student.double_copy(), ["gains", "shifts"])
    values = residuals(*(lesson.student.unknown[name].double() for name in ("gains", "shifts")))
    (measured,) = losses_of(runs, [lesson], [lesson.student])
    assert float(values.square().mean().detach()) == pytest.approx(float(measured.loss.detach()), rel=1e-10)


def test_the_error_of_the_output_is_reported(tmp_path):
    path = ini(tmp_path, "n_recorded = 5\ntask_output = True")
    path.write_text(path.read_text().replace("trajectories = 6\nduration = 4\n", ""))
    assert run(path, *(part for one in TASK for part in ("--set", one))) == 0
    table = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert np.isfinite(table[["error_output_initial", "error_output_final"]].to_numpy()).all()


TRAINED = """
[experiment]
kind = train
[paths]
path_to_results = {out}
[net]
roi = random
n = 12
[model]
activation = tanh_stretched
[trialparams]
task_name = flip_flop
nr_of_trials = 10
trial_steps = 10
[trainvalidate]
epochs = 2
train_gains = True
train_shifts = True
lr = 0.1
[execution]
workers = 1
"""


def test_a_trained_network_is_a_teacher_with_its_own_gains(tmp_path):
    trained = tmp_path / "trained"
    path = tmp_path / "t.ini"
    path.write_text(TRAINED.format(out=trained))
    assert run(path) == 0
    drop = ("epochs = 2\n", "train_gains = True\n", "train_shifts = True\n", "lr = 0.1\n")
    text = TRAINED.format(out=f"{tmp_path / 'out'}\npretrained = {trained}").replace("kind = train", "kind = predict")
    for line in drop:
        text = text.replace(line, "")
    path.write_text(text + "[predict]\nn_recorded = 5\n")
    assert run(path, "--set", "trainvalidate.epochs=2") == 0
    arrays = results.ResultsFolder(tmp_path / "out").run(0, 0).arrays
    values = results.ResultsFolder(trained).run(0, 0).arrays
    assert np.ptp(arrays["gains_true"]) > 0
    assert arrays["gains_true"] == pytest.approx(values["gains_final"], rel=1e-6)
    assert np.sort(2 * arrays["gains_start"]) == pytest.approx(np.sort(values["gains_final"]), rel=1e-6)


def test_free_weights_have_no_eigenvalues_unless_asked_for(tmp_path):
    for text, expected in (("student = weights", 0), ("student = weights\neigenvalues = 3", 3), ("", 20)):
        (one,) = read_plan(ini(tmp_path, text)).combos[0].runs()
        assert one.config.predict.eigenvalue_count == expected


def test_the_estimate_counts_the_eigenvalues(tmp_path, monkeypatch):
    (one,), _ = lessons(tmp_path)
    monkeypatch.setattr(predict, "curvature_seconds", lambda *arguments: 1000.0)
    cost = predict.estimate([one])
    assert cost.run == cost.epoch * 3 + 1000


@pytest.mark.parametrize(("unknown", "products"), [("", 1), ("eigenvalues = 0", 0)])
def test_their_seconds_are_those_of_their_products(tmp_path, monkeypatch, unknown, products):
    """A clock that each product moves by a second: 26 parameters are one block of the dense matrix."""
    (one,), (lesson,) = lessons(tmp_path, predict=f"n_recorded = 5\n{unknown}")
    clock, product = [0.0], curvature.gauss_newton_product

    def counted(*arguments):
        inner = product(*arguments)

        def move(vectors):
            clock[0] += 1
            return inner(vectors)

        return move

    monkeypatch.setattr(curvature, "gauss_newton_product", counted)
    monkeypatch.setattr(curvature.time, "perf_counter", lambda: clock[0])
    assert curvature_seconds(one, lesson.recording, lesson.student) == products
    monkeypatch.setattr(curvature, "_is_dense", lambda *arguments: False)
    assert curvature_seconds(one, lesson.recording, lesson.student) == products * curvature.TYPICAL_PRODUCTS
