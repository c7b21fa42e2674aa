"""Runs side by side as one computation: the same as one by one, and fixed by the plan."""

import json
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet import results
from randomnet.connectome import from_dense
from randomnet.experiment.batches import make_batches
from randomnet.kinds import continuation
from randomnet.kinds.train import measurements
from randomnet.kinds.train import run as train
from randomnet.lyapunov import (
    Schedule,
    exponents,
    exponents_of_stack,
    random_frame,
    spectra_of_stack,
    spectrum,
)
from randomnet.objectives import Measurement, SpectrumLoss, SpectrumObjective, Trajectory, measure_each
from randomnet.rnn import Network, stack_systems
from randomnet.schema.plan import read_plan
from randomnet.synthetic import random_network
from randomnet.training import Settings, fit
from tests.support.marks import slow_except

INI = """
[experiment]
seed = 3
[paths]
path_to_results = {out}
[net]
roi = random
n = 14
g = 2
[model]
activation = {activation}
form = {form}
[lyapunov]
nle = 4
tsim = 4
transient = 1
frame_transient = 1
tsim_measured = 6
[trainvalidate]
epochs = 5
iterations = 2
train_weights = {weights}
precision = float64
[combosparams]
combos_params = {{"lr": [0.05, 0.01], "optimizer": ["Adam", "RMSprop"], "target": [-0.1, "0.5:-0.5"]}}
[execution]
workers = 1
"""


def ini(folder, name="a", activation="tanh_positive", form="current", weights=False):
    path = folder / f"{name}.ini"
    path.write_text(INI.format(out=folder / name, activation=activation, form=form, weights=weights))
    return path


def networks(count, n=9, activation="tanh_positive", form="current", trainable=("weights", "gains", "shifts"), g=2.0):
    made = []
    for seed in range(count):
        connectome = random_network(n, g, np.random.default_rng(seed))
        sizes = {"weights": len(connectome.weights), "gains": n, "shifts": n}
        chosen = {name: np.arange(sizes[name]) for name in trainable}
        made.append(Network(connectome, activation=activation, form=form, trainable=chosen))
    return made


def losses(count, n=9, k=3, kinds=("mse", "l2", "sinai")):
    rng = np.random.default_rng(7)
    return [
        SpectrumLoss(
            kinds[index % len(kinds)],
            torch.linspace(0.3, -0.3, k, dtype=torch.float64) * index,
            torch.from_numpy(rng.standard_normal(n)),
            torch.from_numpy(random_frame(rng, k, n)),
            Schedule(6, 0.4, 1, 1),
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("activation", ["tanh", "tanh_stretched", "relu", "softplus"])
def test_losses_and_gradients_side_by_side_are_those_of_each_alone(activation, form):
    own, terms = networks(3, activation=activation, form=form), losses(3)
    together = measure_each(terms, [network.dynamics() for network in own])
    torch.stack([found.loss for found in together]).sum().backward()
    for network, term, found in zip(own, terms, together, strict=True):
        gradients = [parameter.grad.clone() for parameter in network.parameters()]
        network.zero_grad()
        alone = term.measure(network.dynamics())
        alone.loss.backward()
        torch.testing.assert_close(found.loss, alone.loss, rtol=1e-11, atol=1e-13)
        assert found.figures["lambda_max"] == pytest.approx(alone.figures["lambda_max"], rel=1e-11)
        for gradient, parameter in zip(gradients, network.parameters(), strict=True):
            torch.testing.assert_close(gradient, parameter.grad, rtol=1e-9, atol=1e-12)


def test_exponents_without_gradient_and_with_segments_recomputed_are_the_same(monkeypatch):
    own, terms = networks(3), losses(3)
    state, frame = (torch.stack([getattr(term, name) for term in terms]) for name in ("state", "frame"))
    given = stack_systems([network.dynamics() for network in own]), state, frame, terms[0].schedule
    with torch.no_grad():
        found, steepness, end = exponents_of_stack(*given)
    assert found.shape == (3, 3) and steepness.shape == (3,) and end.shape == (3, 4, 9)
    alone = [exponents(network.dynamics(), term.state, term.frame, term.schedule) for network, term in
             zip(own, terms, strict=True)]  # fmt: skip
    torch.testing.assert_close(found, torch.stack(alone).detach(), rtol=1e-11, atol=1e-13)
    monkeypatch.setattr("randomnet.lyapunov.spectra.GRAPH_BYTES", 20_000)
    torch.testing.assert_close(exponents_of_stack(*given)[0].detach(), found, rtol=1e-11, atol=1e-13)


def test_networks_that_differ_in_more_than_values_are_refused():
    one, other = networks(1), networks(1, form="rate")
    with pytest.raises(ValueError, match="the same form, got current and rate"):
        stack_systems([one[0].dynamics(), other[0].dynamics()])
    with pytest.raises(ValueError, match="the same size"):
        stack_systems([one[0].dynamics(), networks(1, n=8)[0].dynamics()])


def test_one_that_diverges_leaves_the_others_as_they_would_be_alone():
    def trained(chosen):
        own = networks(3, trainable=("gains", "shifts"))
        with torch.no_grad():
            own[1].gains.free.fill_(float("inf"))
        settings = [Settings("Adam", 0.05, 4), Settings("SGD", 0.05, 4), Settings("RMSprop", 0.01, 6)]
        terms = tuple(losses(3)[index] for index in chosen)
        objective = SpectrumObjective(terms, (1.0,) * len(chosen))
        return fit([own[index] for index in chosen], objective, [settings[index] for index in chosen])

    together, first, last = trained([0, 1, 2]), trained([0]), trained([2])
    assert together[1].diverged and "the loss is nan" in together[1].reason
    for found, alone in ((together[0], first[0]), (together[2], last[0])):
        assert not found.diverged and len(found.history) == len(alone.history)
        for row, other in zip(found.history, alone.history, strict=True):
            assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-9)
        torch.testing.assert_close(found.last["gains"], alone.last["gains"], rtol=1e-8, atol=1e-10)


def test_one_whose_frame_is_too_steep_ends_with_that_reason_and_the_others_go_on():
    own, schedule = networks(2, activation="linear", trainable=("gains", "shifts")), Schedule(6, 3.0, 0, 1)
    with torch.no_grad():
        own[0].gains.free.copy_(torch.logspace(-6, 3, 9, dtype=torch.float64))
    terms = [replace(term, schedule=schedule) for term in losses(2, kinds=("mse",))]
    terms = (terms[0], terms[1])
    steep, fine = fit(own, SpectrumObjective(terms, (1.0, 1.0)), [Settings("Adam", 0.01, 2)] * 2)
    assert steep.diverged and "condition before QR reached" in steep.reason
    assert not fine.diverged and fine.epoch == 2


def numbers_of(path):
    """A history without its time and its options that are texts."""
    return pd.read_csv(path).drop(columns="seconds").select_dtypes("number")


@pytest.mark.parametrize(("form", "weights"), slow_except([("current", False), ("rate", True)], ("current", False)))
def test_an_experiment_side_by_side_gives_the_numbers_of_one_run_after_the_other(tmp_path, form, weights):
    tables = []
    for name, size in (("alone", "1"), ("beside", "7"), ("auto", "auto")):
        path = ini(tmp_path, name, form=form, weights=weights)
        assert runrandomnet.main([str(path), "--set", f"execution.batch_runs={size}"]) == 0
        histories = [
            numbers_of(tmp_path / name / str(combo) / f"iter_{i}" / "history.csv")
            for combo in range(8) for i in range(2)
        ]  # fmt: skip
        tables.append(pd.concat(histories))
        assert set(pd.read_csv(tmp_path / name / "summary.csv")["status"]) == {"complete"}
    for table in tables[1:]:
        np.testing.assert_allclose(table, tables[0], rtol=1e-8, atol=1e-11)


def test_batches_are_even_of_one_shape_and_hold_every_run_once(tmp_path):
    plan = read_plan(ini(tmp_path), ['combosparams.combos_params={"lr": [0.1, 0.2, 0.3], "dt": [0.1, 0.2]}'])
    runs = sorted((run for combo in plan.combos for run in combo.runs()), key=lambda run: (run.iteration, run.combo))
    facts = {combo: {"neurons": 14, "edges": 182} for combo in range(6)}
    found = make_batches(runs, facts)
    assert [len(batch) for batch in found] == [6, 6]
    assert sorted((run.combo, run.iteration) for batch in found for run in batch) == sorted(
        (run.combo, run.iteration) for run in runs
    )
    for batch in found:
        assert len({run.config.model.dt for run in batch}) == 1
    plan = read_plan(ini(tmp_path), ['combosparams.combos_params={"lr": [0.1, 0.2, 0.3, 0.4, 0.5]}'])
    runs = [run for combo in plan.combos for run in combo.runs()]
    assert [len(batch) for batch in make_batches(runs, facts)] == [5, 5]  # of at most 8, for two workers to share


@pytest.mark.parametrize(
    ("settings", "neurons", "expected"),
    [
        ([], 14, 8),
        ([], 4000, 1),
        (["execution.batch_runs=20"], 14, 20),
        (["execution.batch_runs=20", "execution.memory_budget=0.1"], 14, 1),
        (["model.integrator=rk4"], 14, 1),
        (["lyapunov.tons=adaptive"], 14, 1),
    ],
)
def test_how_many_runs_go_side_by_side(tmp_path, settings, neurons, expected):
    run = read_plan(ini(tmp_path), settings).combos[0].runs()[0]
    assert train.max_batch(run, {"neurons": neurons, "edges": neurons**2}) == expected


TASK = (
    "task_name = nback_mem\nnr_of_trials = 12\n",
    "task_name = seq_mem\nnr_of_trials = 30\npattern_length = 3\n",
    "task_name = flip_flop\nnr_of_trials = 30\nn_bits = 2\ntrial_steps = 12\nswitch_prob = 0.2\n",
)
TRIALS = """
[experiment]
seed = 3
[paths]
path_to_results = {out}
[net]
roi = random
n = 14
[model]
activation = tanh_stretched
form = {form}
dt = {dt}
[trainvalidate]
epochs = 6
iterations = 2
batch_size = 13
precision = float64
loss = {loss}
early_stopping = 2
[trialparams]
{task}
[combosparams]
combos_params = {{"lr": [0.03, 0.001, 30.0], "train_gains": [True]}}
[execution]
workers = 1
batch_runs = {size}
"""


@pytest.mark.parametrize("task", slow_except(TASK, TASK[1]), ids=("classes", "values", "bits"))
@pytest.mark.parametrize(
    ("form", "dt", "loss"),
    slow_except([("rate", 1, "task"), ("rate", 0.5, "task + 0.1*mse"), ("current", 0.5, "task + 0.1*mse")],
                ("current", 0.5, "task + 0.1*mse")),
)
def test_tasks_side_by_side_give_the_numbers_of_one_run_after_the_other(tmp_path, task, form, dt, loss):
    """Of other trials each, one stopping early where its learning rate is far too high; the last batch is smaller."""
    tables = []
    for size in (1, 6):
        path, out = tmp_path / f"{size}.ini", tmp_path / str(size)
        path.write_text(TRIALS.format(out=out, form=form, dt=dt, loss=loss, task=task, size=size))
        short = ["lyapunov.nle=3", "lyapunov.tsim=6"] if "mse" in loss else []
        assert runrandomnet.main([str(path), *(part for each in short for part in ("--set", each))]) == 0
        tables.append([numbers_of(file) for file in sorted(out.glob("*/iter_*/history.csv"))])
    assert len(tables[0]) == 6 and {len(table) for table in tables[0]} != {6}
    for alone, beside in zip(*tables, strict=True):
        np.testing.assert_allclose(beside, alone, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("shuffled", slow_except([False, True], False), ids=["in order", "one task each"])
def test_one_that_diverges_between_batches_leaves_the_others_as_they_would_be_alone(tmp_path, shuffled):
    task = TASK[1]
    if shuffled:
        task = "task_name = multitask\ntasks = ReactPro, DelayPro\nnr_of_trials = 10\none_task_batches = True\n"
    text = TRIALS.replace("30.0]", "1e200]").replace("batch_size = 13", "batch_size = 3")
    tables = []
    for size in (1, 6):
        path, out = tmp_path / f"{size}.ini", tmp_path / str(size)
        path.write_text(text.format(out=out, form="rate", dt=1, loss="task", task=task, size=size))
        assert runrandomnet.main([str(path)]) == 0
        tables.append(pd.read_csv(out / "summary.csv").set_index(["combo", "iteration"]))
    assert list(tables[0]["status"]) == list(tables[1]["status"]) == ["complete"] * 4 + ["diverged"] * 2
    for column in ("loss_final", "validate_loss_final"):
        np.testing.assert_allclose(tables[1][column][:4], tables[0][column][:4], rtol=1e-7)


def test_how_many_runs_with_trials_go_side_by_side(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text(TRIALS.format(out=tmp_path, form="rate", dt=1, loss="task", task=TASK[0], size=6))
    facts = {"neurons": 14, "edges": 182, "task": {"steps": 100, "steps_at_once": 1000}}
    for settings, expected in (
        ([], 6),
        (["execution.batch_runs=auto"], 1),  # another worker brings more
        (["execution.memory_budget=1"], 2),  # 1000 x 14 numbers of 8 bytes, three times, and the matrices
        (["execution.memory_budget=1", "trainvalidate.segment=10"], 6),  # a tenth, and ten states between
        (["trainvalidate.loss=task + mse", "lyapunov.tons=adaptive"], 1),
    ):
        assert train.max_batch(read_plan(path, settings).combos[0].runs()[0], facts) == expected


def test_sparse_networks_are_trained_one_by_one(tmp_path):
    run = read_plan(ini(tmp_path)).combos[0].runs()[0]
    assert train.max_batch(run, {"neurons": 500, "edges": 900}) == 1
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((450, 450)) * (rng.random((450, 450)) < 0.02)
    connectome = from_dense("sparse", matrix, np.array([str(i) for i in range(450)]))
    systems = [Network(connectome, trainable={"gains": np.arange(450)}).dynamics() for _ in range(2)]
    found = measure_each(losses(2, n=450), systems)
    assert all(one.loss.requires_grad for one in found)
    with pytest.raises(ValueError, match="dense"):
        stack_systems(systems)


@pytest.mark.slow
def test_a_batch_goes_on_as_a_whole_where_one_of_its_runs_had_already_been_written(tmp_path):
    path = ini(tmp_path)
    overrides = ["--set", "execution.batch_runs=8", "--set", 'combosparams.combos_params={"lr": [0.1, 0.01]}']
    assert runrandomnet.main([str(path), *overrides]) == 0
    before = {p: p.read_bytes() for p in (tmp_path / "a").rglob("arrays.npz")}
    kept, original = {}, results.write_bytes
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.MonkeyPatch.context() as patched:
        writer = SimpleNamespace(**{**vars(results), "write_bytes": keep_checkpoints(kept, original)})
        patched.setattr(continuation, "results", writer)
        assert runrandomnet.main([str(path), *overrides]) == 0
    # as if it had been killed when one of the four had its run.json and the others had not
    for number, record in enumerate(sorted((tmp_path / "a").rglob("run.json"))):
        if number:
            record.unlink()
    (tmp_path / "a" / "0" / "iter_0" / "checkpoint.pt").write_bytes(kept["checkpoint"])
    assert runrandomnet.main([str(path), *overrides]) == 0
    assert {p: p.read_bytes() for p in (tmp_path / "a").rglob("arrays.npz")} == before
    assert not list((tmp_path / "a").rglob("checkpoint.pt"))
    assert json.loads((tmp_path / "a" / "1" / "iter_1" / "run.json").read_text())["status"] == "complete"


def keep_checkpoints(kept, write):
    def writing(path, content):
        if path.name == "checkpoint.pt":
            kept["checkpoint"] = content
        write(path, content)

    return writing


@pytest.mark.parametrize(("k", "n"), [(1, 9), (4, 9), (9, 9)])
def test_spectra_side_by_side_are_those_of_each_alone(k, n):
    own, terms = networks(3, n=n), losses(3, n=n, k=k)
    schedule = Schedule(24, 0.4, 2, 2)
    states, frames = (torch.stack([getattr(term, name) for term in terms]) for name in ("state", "frame"))
    with torch.no_grad():
        systems = [network.dynamics() for network in own]
    found = spectra_of_stack(stack_systems(systems), states, frames, schedule)
    for one, system, term in zip(found, systems, terms, strict=True):
        alone = spectrum(system, term.state, term.frame, schedule)
        for name in ("growth", "times", "state", "exponents", "stderr", "conditions"):
            np.testing.assert_allclose(getattr(one, name), getattr(alone, name), rtol=1e-8, atol=1e-10)
        for name in ("steepest", "sum_rule_residual", "drift", "split_half_rms"):
            np.testing.assert_allclose(getattr(one, name), getattr(alone, name), rtol=1e-6, atol=1e-9)
    assert np.isfinite([one.sum_rule_residual for one in found]).all() == (k == n)
    for bad in ({"tsim": "auto"}, {"tons": "adaptive"}):
        with pytest.raises(ValueError, match="times in numbers"):
            spectra_of_stack(stack_systems(systems), states, frames, replace(schedule, **bad))


def test_a_transition_side_by_side_gives_the_numbers_of_one_run_after_the_other(tmp_path):
    text = INI.format(out="{out}", activation="relu", form="current", weights=False).split("[trainvalidate]")[0]
    for old, new in (("g = 2\n", ""), ("nle = 4\n", ""), ("tsim_measured = 6\n", ""),
                     ("[experiment]", "[experiment]\nkind = transition")):  # fmt: skip
        text = text.replace(old, new)
    tables = []
    for name, size in (("alone", "1"), ("beside", "auto")):
        (tmp_path / f"{name}.ini").write_text(
            text.format(out=tmp_path / name)
            + '[combosparams]\ncombos_params = {"g": [0.5, 1, 2, 1e300]}\n[trainvalidate]\niterations = 3\n'
            + f"[execution]\nworkers = 1\nbatch_runs = {size}\n"
        )
        runrandomnet.main([str(tmp_path / f"{name}.ini")])
        tables.append(pd.read_csv(tmp_path / name / "summary.csv"))
    alone, beside = (list(table["status"]) for table in tables)
    assert alone == beside and set(alone[:6]) == {"complete"} and set(alone[9:]) == {"diverged"}
    assert "unbounded" in alone[6:9]  # at g = 2 some of these networks grow
    np.testing.assert_allclose(tables[1]["lambda_max"], tables[0]["lambda_max"], rtol=1e-8, atol=1e-10)


def trajectories(*windows, warm=True):
    return tuple(Trajectory(warm, window) for window in windows)


def test_a_warm_start_goes_on_where_the_last_epoch_ended():
    own, term = networks(1, trainable=("gains",)), losses(1)[0]
    objective = SpectrumObjective((term,), (1.0,), trajectories(2.0))
    with torch.no_grad():
        first, second = (objective.measure(own, None)[0] for _ in range(2))
        system = own[0].dynamics()
        settled = exponents_of_stack(system, term.state, term.frame, replace(term.schedule, tsim=2.0))
        torch.testing.assert_close(first.end, settled[2])
        onwards = Schedule(2.0, 0.4, 0, 0)
        expected = exponents_of_stack(system, settled[2][0], settled[2][1:], onwards)
        alone = replace(term, state=settled[2][0], frame=settled[2][1:], schedule=onwards).measure(system)
    assert float(second.loss) == float(alone.loss)
    torch.testing.assert_close(second.end, expected[2])
    assert first.provisional and first.figures["window"] == 2.0
    with torch.no_grad():
        fresh = objective.measure(own, None, evaluation=True)[0]
    assert not fresh.provisional and float(fresh.loss) == float(term.measure(system).loss.detach())


def test_a_window_is_doubled_when_the_loss_stops_falling_and_never_beyond_tsim():
    trajectory, windows = Trajectory(False, 3.0), []
    falling, flat = [1.0, 0.9, 0.8, 0.7, 0.6], [0.6] * 30
    for loss in [*falling, *flat]:
        windows.append(trajectory.window)
        trajectory.update(Measurement(torch.tensor(loss)), 10.0)
    assert windows[: len(falling) + 4] == [3.0] * 9
    assert sorted(set(windows)) == [3.0, 6.0, 10.0] and windows[-1] == 10.0
    negative = Trajectory(False, 1.0)  # sinai's losses lie below zero
    for loss in np.linspace(-1, -20, 20):
        negative.update(Measurement(torch.tensor(loss)), 8.0)
    assert negative.window == 1.0


def test_courses_side_by_side_are_those_of_each_alone_though_their_windows_differ():
    def trained(chosen):
        own, terms = networks(3, trainable=("gains", "shifts")), losses(3, kinds=("mse",))
        windows = trajectories(1.2, 6.0, 2.4)
        parts = (tuple(each[index] for index in chosen) for each in (terms, (1.0,) * 3, windows))
        settings = [Settings("SGD", 0.02, 25)] * len(chosen)
        return fit([own[index] for index in chosen], SpectrumObjective(*parts), settings)

    together = trained([0, 1, 2])
    assert len({tuple(row["window"] for row in found.history) for found in together}) > 1
    for index, found in enumerate(together):
        (alone,) = trained([index])
        for row, other in zip(found.history, alone.history, strict=True):
            assert row["window"] == other["window"]
            assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-7)
        assert found.final_loss == pytest.approx(alone.final_loss, rel=1e-7)


def test_only_losses_of_the_whole_record_can_be_the_best():
    own, term = networks(1, trainable=("gains", "shifts")), losses(1, kinds=("mse",))[0]
    objective = SpectrumObjective((term,), (1.0,), trajectories(0.8, warm=False))
    (found,) = fit(own, objective, [Settings("SGD", 0.0, 60, early_stopping=12)])
    assert found.history[0]["window"] == found.history[-1]["window"] == 6.0  # whatever was trained on
    windows = [0.8, *(row["window"] for row in found.history[1:-1])]
    whole = [row for row in found.history[1:-1] if row["window"] == 6.0]
    assert windows[1] == 0.8 and whole
    assert found.best_loss == min(row["train_loss"] for row in found.history if row["window"] == 6.0)
    assert found.provisional_epoch == windows.index(6.0) - 1
    # patience counts from the first epoch over the whole record, however long the loss has stood still before
    assert found.reason == "no lower loss for 12 epochs" and len(whole) == 13 < len(windows) - 12


@pytest.mark.parametrize("size", slow_except([1, 4], 4))
def test_with_windows_an_interrupted_experiment_goes_on_to_the_same_bytes(tmp_path, size):
    path = ini(tmp_path)
    overrides = ["trainvalidate.epochs=16", "lyapunov.tsim_first=0.4", "lyapunov.warm_start=True", "net.n=10"]
    overrides += ['combosparams.combos_params={"lr": [0.05, 0.01]}', f"execution.batch_runs={size}"]
    given = [part for text in overrides for part in ("--set", text)]
    text = path.read_text().replace("n = 14\n", "")
    path.write_text(text)
    assert runrandomnet.main([str(path), *given]) == 0
    table = pd.read_csv(tmp_path / "a" / "summary.csv")
    assert (table["loss_best"] <= table["loss_final"]).all()
    before = {p: p.read_bytes() for name in ("arrays.npz", "model.pt") for p in (tmp_path / "a").rglob(name)}
    (tmp_path / "a").rename(tmp_path / "b")
    seen = iter(range(1000))
    with pytest.MonkeyPatch.context() as patched:
        stopping = SimpleNamespace(is_set=lambda: next(seen) == 9)
        patched.setattr("randomnet.experiment._stop_on_signal", lambda: nullcontext(stopping))
        runrandomnet.main([str(path), *given])
    assert list((tmp_path / "a").rglob("checkpoint.pt"))
    assert runrandomnet.main([str(path), *given]) == 0
    assert {p: p.read_bytes() for name in ("arrays.npz", "model.pt") for p in (tmp_path / "a").rglob(name)} == before


@pytest.mark.slow
def test_a_network_that_combos_begin_with_is_measured_once(tmp_path, monkeypatch):
    counted = []

    def counting(*arguments, **options):
        counted.append(arguments)
        return compute(*arguments, **options)

    compute = measurements.compute_spectrum
    monkeypatch.setattr(measurements, "compute_spectrum", counting)
    path = ini(tmp_path)
    for name, grid, expected in (("a", '{"lr": [0.1, 0.2]}', 2 + 4), ("b", '{"g": [1, 2.5]}', 4 + 4)):
        monkeypatch.setattr(measurements, "_REMEMBERED", {})
        counted.clear()
        text = path.read_text().replace("g = 2\n", "") if '"g"' in grid else path.read_text()
        (tmp_path / f"{name}2.ini").write_text(text)
        overrides = [f"combosparams.combos_params={grid}", f"paths.path_to_results={tmp_path / name}"]
        given = [part for override in overrides for part in ("--set", override)]
        assert runrandomnet.main([str(tmp_path / f"{name}2.ini"), *given]) == 0
        assert len(counted) == expected
    table = pd.read_csv(tmp_path / "a" / "summary.csv").groupby("iteration")["lambda_max_initial"].nunique()
    assert (table == 1).all()


@pytest.mark.slow
def test_networks_of_the_same_weights_on_other_edges_are_each_measured(tmp_path):
    """Drawn weights are the same for a connectome and its null, which has as many edges in other places."""
    text = ini(tmp_path).read_text().replace("roi = random\nn = 14\n", "roi = AB\n")
    (tmp_path / "a.ini").write_text(text)
    overrides = ["trainvalidate.init=xavier", "trainvalidate.remap_w=False", "trainvalidate.epochs=1"]
    overrides += ['combosparams.combos_params={"null": ["none", "erdos"]}']
    assert runrandomnet.main([str(tmp_path / "a.ini"), *(part for text in overrides for part in ("--set", text))]) == 0
    table = pd.read_csv(tmp_path / "a" / "summary.csv")
    for column in ("spectral_radius_initial", "lambda_max_initial"):
        assert table[column].nunique() == len(table)
