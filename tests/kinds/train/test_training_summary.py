"""What a training says of itself: rows of its history, losses with errors, accuracy beside chance, and notes."""

import copy
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet import results
from randomnet.build.network import build_setup, double
from randomnet.build.objective import objective_of, training_settings
from randomnet.build.spectra import schedule_of
from randomnet.build.trials import split_trials
from randomnet.kinds.spectra import compute_spectrum
from randomnet.kinds.train import loss_summary, measurements
from randomnet.lyapunov import spectrum
from randomnet.objectives import TASK_LOSSES, TaskObjective, Term, loss_with_error, task_objective
from randomnet.objectives.task_losses import standard_error
from randomnet.schema.plan import read_plan
from randomnet.tasks import make
from randomnet.training import Interrupted, Progress, fit
from randomnet.training.progress import restore_progress

LIKE = torch.zeros((), dtype=torch.float64)
ACCURATE = {  # tasks with an accuracy, and what makes them small
    "nback_mem": {"n_back": 2, "nr_of_trials": 20},
    "flip_flop": {"nr_of_trials": 30, "trial_steps": 60},
    "odr": {"nr_of_trials": 40, "angle_tolerance": 50.0},
    "dpa": {"nr_of_trials": 31},
    "go_nogo": {"nr_of_trials": 30},
    "dual": {"nr_of_trials": 50},
    "multitask": {"nr_of_trials": 12, "tasks": "DelayPro, Match2Sample, NonMatch2Sample"},
}


def run_cli(path, *overrides):
    return runrandomnet.main([str(path), *(part for override in overrides for part in ("--set", override))])


def written(tmp_path, text, name="a.ini"):
    path = tmp_path / name
    path.write_text(f"[paths]\npath_to_results = {tmp_path / 'out'}\n{text}\n[execution]\nworkers = 1\n")
    return path


TASK = """[net]
roi = random
n = 12
[trialparams]
task_name = {task}
nr_of_trials = 48
[trainvalidate]
epochs = 3
batch_size = 12
precision = float64
lr = 0.05
"""
SPECTRAL = """[net]
roi = random
n = 14
g = {g}
[lyapunov]
nle = 4
tsim = 6
transient = 2
frame_transient = 2
tsim_measured = {measured}
[trainvalidate]
loss = {loss}
epochs = {epochs}
train_weights = True
train_gains = False
train_shifts = False
precision = float64
"""


def only_run(path, *overrides):
    return read_plan(path, list(overrides)).combos[0].runs()[0]


def record_of(root, combo=0, iteration=0):
    return json.loads((root / str(combo) / f"iter_{iteration}" / "run.json").read_text())


def history_of(root, combo=0, iteration=0):
    return pd.read_csv(root / str(combo) / f"iter_{iteration}" / "history.csv")


# ---- accuracy beside chance


def constants(loss, outputs):
    """Outputs (outputs,) that are the same at all steps; of angles every half degree, and silence."""
    around = np.deg2rad(np.arange(0, 360, 0.5))
    circle = [*np.stack([np.cos(around), np.sin(around)], 1), np.zeros(2)]
    grids = {
        "classes": np.eye(outputs),
        "bits": list(itertools.product((0.0, 1.0), repeat=outputs)),
        "sign": list(itertools.product((-1.0, 1.0), repeat=outputs)),
        "angle": circle,
        "response": [np.r_[1.0, point] for point in circle],
    }
    return torch.tensor(np.array(grids[loss]))


@pytest.mark.parametrize("task", ACCURATE)
def test_chance_is_what_the_best_constant_answer_reaches(task):
    trials = make(task, ACCURATE[task], np.random.default_rng(3))
    goal = task_objective(trials, trials, len(trials), LIKE, Term())
    row, batch = TASK_LOSSES[trials.loss], goal.validation
    shape = batch.inputs.shape[:2]
    reached: dict[str, float] = {}
    for answer in constants(trials.loss, trials.outputs):
        outputs = answer.expand(*shape, -1)
        figures = row.figures(outputs, batch, goal.loss_params)
        figures |= row.validation_figures(outputs, batch, goal.loss_params)
        for name in figures:
            if name.startswith("metrics") and not math.isnan(float(figures[name])):
                reached[f"chance_{name}"] = max(reached.get(f"chance_{name}", 0.0), float(figures[name]))
    assert goal.chance() == pytest.approx(reached, rel=1e-6)


def test_a_flip_flop_network_that_always_answers_0_is_at_chance():
    trials = make("flip_flop", {"nr_of_trials": 200}, np.random.default_rng(0))
    goal = task_objective(trials, trials, len(trials), LIKE, Term())
    silent = torch.zeros(*goal.validation.inputs.shape[:2], trials.outputs, dtype=torch.float64)
    accuracy = float(TASK_LOSSES["bits"].figures(silent, goal.validation, goal.loss_params)["metrics"])
    assert 60 < accuracy < 85 and goal.chance()["chance_metrics"] == pytest.approx(accuracy)


def test_tasks_without_an_accuracy_have_no_chance():
    trials = make("seq_mem", {"pattern_length": 3, "nr_of_trials": 10}, np.random.default_rng(0))
    assert task_objective(trials, trials, 10, LIKE, Term()).chance() == {}


def test_the_error_of_an_accuracy_is_binomial_where_a_trial_is_one_answer():
    right = torch.tensor([True] * 30 + [False] * 10)
    assert float(standard_error(right, torch.ones(40))) == pytest.approx(100 * math.sqrt(0.75 * 0.25 / 40))
    # ten answers that are always the same ones are one answer
    assert float(standard_error(10 * right, 10 * torch.ones(40))) == pytest.approx(100 * math.sqrt(0.75 * 0.25 / 40))


def test_the_error_of_an_accuracy_is_its_spread_over_drawings_of_trials():
    rng, draws, trials = np.random.default_rng(0), 2000, 50
    asked = rng.integers(1, 6, (draws, trials))
    right = rng.binomial(asked, rng.beta(2, 1, (draws, trials)))  # answers of one trial depend on each other
    errors = standard_error(torch.from_numpy(right), torch.from_numpy(asked))
    spread = 100 * (right.sum(1) / asked.sum(1)).std()
    assert float(errors.mean()) == pytest.approx(spread, rel=0.06)  # four standard errors of a spread of 2000


@pytest.mark.parametrize("task", ACCURATE)
def test_the_error_of_every_accuracy_is_recorded(task):
    trials = make(task, ACCURATE[task], np.random.default_rng(3))
    goal = task_objective(trials, trials, len(trials), LIKE, Term())
    row, batch = TASK_LOSSES[trials.loss], goal.validation
    outputs = torch.randn(*batch.inputs.shape[:2], trials.outputs, dtype=torch.float64,
                          generator=torch.Generator().manual_seed(0))  # fmt: skip
    figures = row.figures(outputs, batch, goal.loss_params) | row.validation_figures(outputs, batch, goal.loss_params)
    counts = row.counts(outputs, batch, goal.loss_params)
    assert counts.keys() == {name for name in figures if name.startswith("metrics")}
    for name, (right, asked) in counts.items():
        assert float(100 * right.sum() / asked.sum()) == pytest.approx(float(figures[name]), rel=1e-6, nan_ok=True)


# ---- one meaning of epoch


@pytest.mark.parametrize("more", ["", "state_noise = 0.2"])
def test_row_e_of_a_task_is_the_network_after_e_epochs(tmp_path, more):
    run = only_run(written(tmp_path, TASK.format(task="dpa") + more))
    start = build_setup(run)
    goal, path = objective_of(run, start), [start.network.values()]
    (progress,) = fit([start.network], goal, [training_settings(run)],
                      report=lambda index, row: path.append(start.network.values()))  # fmt: skip
    assert [row["epoch"] for row in progress.history] == [0, 1, 2, 3] and progress.epoch == 3
    for row, values in zip(progress.history, path, strict=True):
        start.network.assign(values)
        (validated,) = goal.validate([start.network], 0)
        assert {name: row[name] for name in validated} == validated
        if row["epoch"] in (0, 3):
            with torch.no_grad():
                parts = [goal.measure([start.network], batch, evaluation=True)[0] for batch in goal.batches()]
            whole = sum(part.weight * float(part.loss) for part in parts) / sum(part.weight for part in parts)
            assert row["train_loss"] == pytest.approx(whole, rel=1e-12)
    losses = [row["validate_loss"] for row in progress.history]
    assert (progress.best_loss, progress.best_epoch) == (min(losses), int(np.argmin(losses)))
    best = path[progress.best_epoch]
    assert all(torch.equal(progress.best[name], best[name]) for name in best)


@pytest.mark.parametrize("task", ["dpa", "multitask"])
def test_measuring_the_untrained_network_changes_no_update(tmp_path, task):
    more = "nr_of_trials = 5\ntasks = DelayPro, MemoryPro\none_task_batches = True" if task == "multitask" else ""
    text = TASK.format(task=task).replace("nr_of_trials = 48", more or "nr_of_trials = 48") + "state_noise = 0.2\n"
    run = only_run(written(tmp_path, text))

    class Unvalidated(TaskObjective):
        def validate(self, networks, epoch):
            return [{} for _ in networks]

    last = []
    for kind in (TaskObjective, Unvalidated):
        start = build_setup(run)
        goal = objective_of(run, start)
        goal = kind(**{name: getattr(goal, name) for name in goal.__dataclass_fields__})
        last.append(fit([start.network], goal, [training_settings(run)])[0].last)
    assert all(torch.equal(value, last[1][name]) for name, value in last[0].items())


def test_the_summary_of_a_task_is_of_the_rows_it_names(tmp_path):
    path = written(tmp_path, TASK.format(task="dpa").replace("nr_of_trials = 48", "nr_of_trials = 48\ntest_size = 0.1")
                   + "store_every_epoch = 2\n[lyapunov]\nspectrum_every = 2\nnle = 2")  # fmt: skip
    assert run_cli(path) == 0
    history, record = history_of(tmp_path / "out"), record_of(tmp_path / "out")
    summary = record["summary"]
    assert record["epoch_0"] == "untrained" and list(history["epoch"]) == [0, 1, 2, 3]
    assert history["lambda_1"].notna().tolist() == [True, False, True, True], "both ends always"
    for column, name, best in (("train_loss", "loss", min), ("validate_loss", "validate_loss", min),
                               ("validate_metrics", "validate_metrics", max)):  # fmt: skip
        values = history[column].tolist()
        found = [summary[f"{name}_{when}"] for when in ("initial", "final", "best")]
        assert found == pytest.approx([values[0], values[-1], best(values)], rel=1e-12)
    assert summary["validate_metrics_final_stderr"] == history["stderr_validate_metrics"].iloc[-1]
    assert summary["epochs_done"] == 3 and summary["epoch_best"] == history["validate_loss"].idxmin()
    model = torch.load(tmp_path / "out" / "0" / "iter_0" / "model.pt", weights_only=True)
    run = only_run(path)
    start = build_setup(run)
    untrained = start.network.values()
    assert all(torch.equal(model["initial"][name], values) for name, values in untrained.items())
    names = {file.name for file in (tmp_path / "out" / "0").glob("*.pth")}
    assert names == {f"model_state_dict_epoch_{number}_iter_0.pth" for number in (0, 2)}  # after 1 and 3 epochs
    stored = torch.load(tmp_path / "out" / "0" / "model_state_dict_epoch_2_iter_0.pth", weights_only=True)
    start.network.assign(model["last"])
    assert all(torch.equal(stored[name], values) for name, values in start.network.elman_state_dict().items())
    curves = np.load(tmp_path / "out" / "0" / "train_loss_all.npy")
    np.testing.assert_allclose(curves, history["train_loss"].to_numpy()[None, 1:], rtol=1e-12)
    exact = build_setup(run)
    for when, values in (("initial", untrained), ("final", model["last"])):
        exact.network.assign(values)
        found = compute_spectrum(run, exact, 2)
        row = history.iloc[0 if when == "initial" else -1]
        assert [row["lambda_1"], row["lambda_2"]] == pytest.approx(found.exponents.tolist(), rel=1e-9)


# ---- the test trials


@pytest.mark.parametrize("task", ["dpa", "multitask", "nback_mem"])
def test_test_trials_are_none_of_the_others_and_training_stays_as_it_was(tmp_path, task):
    text = TASK.format(task=task).replace("nr_of_trials = 48", "nr_of_trials = 20\ninput_noise = 0.3")
    text = text.replace("input_noise = 0.3", "n_back = 2") if task == "nback_mem" else text
    path = written(tmp_path, text)
    plain = split_trials(only_run(path))
    parts = split_trials(only_run(path, "trialparams.test_size=0.05"))
    np.testing.assert_array_equal(parts[0].inputs, plain[0].inputs)
    rest = {trial.tobytes() for trial in plain[1].inputs}
    pieces = [{trial.tobytes() for trial in part.inputs} for part in parts[1:]]
    assert plain[2] is None and pieces[0] | pieces[1] == rest and not pieces[0] & pieces[1]
    whole = len(plain[0]) + len(plain[1])
    assert len(parts[2]) == round(0.05 * whole)
    if task == "multitask":
        assert set(np.bincount(parts[2].conditions)) == {1}, "as many of each task"


def test_a_test_that_leaves_no_trials_to_validate_is_refused(tmp_path, capsys):
    assert run_cli(written(tmp_path, TASK.format(task="dpa")), "trialparams.test_size=0.2") == 2
    error = capsys.readouterr().err
    assert "[trialparams] test_size: expected a share that leaves trials for validation and for the test" in error
    assert not (tmp_path / "out").exists()


def test_figures_of_the_test_are_those_of_the_best_and_the_last_network(tmp_path):
    text = TASK.format(task="dpa").replace("nr_of_trials = 48", "nr_of_trials = 96\ntest_size = 0.1")
    path = written(tmp_path, text + "early_stopping = 2\n")
    assert run_cli(path, "trainvalidate.epochs=12", "trainvalidate.lr=0.2") == 0
    summary = record_of(tmp_path / "out")["summary"]
    model = torch.load(tmp_path / "out" / "0" / "iter_0" / "model.pt", weights_only=True)
    run = only_run(path)
    start, test = build_setup(run), split_trials(run)[2]
    goal = task_objective(test, test, len(test), LIKE, Term())
    for when, which in (("best", "best"), ("final", "last")):
        start.network.assign(model[which])
        with torch.no_grad():
            (whole,) = goal.measure([start.network], goal.training[0])
        assert summary[f"test_loss_{when}"] == pytest.approx(float(whole.loss), rel=1e-9)
        share = whole.figures["train_metrics"] / 100
        assert summary[f"test_metrics_{when}"] == pytest.approx(100 * share)
        error = 100 * math.sqrt(share * (1 - share) / len(test))
        assert summary[f"test_metrics_{when}_stderr"] == pytest.approx(error)
    assert summary["test_chance_metrics"] == pytest.approx(goal.chance()["chance_metrics"])


# ---- losses of spectra


@pytest.mark.slow
def test_the_error_of_a_loss_is_its_spread_over_records():
    rng, batches, k, draws = np.random.default_rng(0), 20, 3, 800
    truth, target = np.array([0.4, 0.1, -0.3]), torch.zeros(3, dtype=torch.float64)
    mixing = 0.05 * rng.standard_normal((k, k))
    times = torch.full((batches,), 10.0, dtype=torch.float64)
    for loss, expected in (("mse", (truth**2).mean()), ("l2", math.sqrt((truth**2).sum())), ("sinai", -0.5)):
        rates = truth + rng.standard_normal((draws, batches, k)) @ mixing  # correlated exponents
        found = np.array([loss_with_error(10.0 * torch.from_numpy(one), times, loss, target) for one in rates])
        assert found[:, 0].mean() == pytest.approx(expected, abs=0.01)
        assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.08)  # three standard errors of it


@pytest.mark.parametrize("loss", ["mse", "2 * l2", "sinai"])
def test_the_measured_loss_is_that_of_a_later_and_longer_record(tmp_path, loss):
    path = written(tmp_path, SPECTRAL.format(g=6, loss=loss, epochs=2, measured=40))
    assert run_cli(path) == 0
    summary = record_of(tmp_path / "out")["summary"]
    model = torch.load(tmp_path / "out" / "0" / "iter_0" / "model.pt", weights_only=True)
    run = only_run(path)
    start = build_setup(run)
    for when, which in (("initial", "initial"), ("final", "last")):
        start.network.assign(model[which])
        schedule = replace(schedule_of(run), tsim=40, transient=2 + 2 + 6)
        found = spectrum(double(start.network).autonomous(), start.state, start.frame[:4], schedule).exponents
        values = {"mse": (found**2).mean(), "2 * l2": 2 * math.sqrt((found**2).sum()),
                  "sinai": -found[found > 0].sum()}  # fmt: skip
        assert summary[f"loss_measured_{when}"] == pytest.approx(values[loss], rel=1e-9)
        assert (summary[f"loss_measured_{when}_stderr"] > 0) == (values[loss] != 0)
    history = history_of(tmp_path / "out")
    assert list(history["epoch"]) == [0, 1, 2]
    assert [summary["loss_initial"], summary["loss_final"]] == history["train_loss"].iloc[[0, -1]].tolist()


def test_no_loss_is_measured_where_that_is_not_wanted(tmp_path):
    path = written(tmp_path, SPECTRAL.format(g=3, loss="mse", epochs=1, measured=0))
    assert run_cli(path) == 0
    assert not [name for name in record_of(tmp_path / "out")["summary"] if "measured" in name]


def test_a_batch_alone_has_no_error():
    growth, times = torch.ones(1, 2, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    value, error = loss_with_error(growth, times, "mse", torch.zeros(2, dtype=torch.float64))
    assert value == 1.0 and math.isnan(error)


def test_the_record_of_a_measured_loss_begins_where_the_window_ends(tmp_path):
    run = only_run(written(tmp_path, SPECTRAL.format(g=3, loss="mse", epochs=1, measured=10)))
    start = build_setup(run)
    found = measurements.measure(run, start, objective_of(run, start))
    assert found["later_growth"].shape == (1, 4) and float(found["later_times"].sum()) == pytest.approx(10)
    assert math.isnan(measurements.measured_loss(run, found, np.zeros(4))["loss_stderr"])  # too short


# ---- notes


def progress_of(norms, losses):
    rows = [{"epoch": 0, "train_loss": losses[0]}]
    rows += [{"epoch": epoch, "train_loss": loss, "grad_norm_gains": norm}
             for epoch, (norm, loss) in enumerate(zip(norms, losses[1:], strict=True), 1)]  # fmt: skip
    return Progress(rows, epoch=len(norms), last_epoch=len(norms))


@pytest.mark.parametrize(
    ("norms", "says"),
    [([0.0, 0.0], "no gradient from the start"), ([1.0, 0.0, 0.0], "no gradient from epoch 2 on"), ([0.0, 1.0], "")],
)
def test_a_training_without_gradient_says_since_when(norms, says):
    found = loss_summary.notes(progress_of(norms, [0.0] * (len(norms) + 1)), {}, "sinai")
    assert found.get("notes", "").startswith(says) and bool(found) == bool(says)
    assert not says or "larger net.g" in found["notes"]


@pytest.mark.parametrize(
    ("losses", "worse"),
    [
        ({"loss_initial": 1.0, "loss_final": 2.0}, True),
        ({"loss_initial": 2.0, "loss_final": 1.0}, False),
        ({"loss_initial": 1.0, "loss_final": 2.0, "validate_loss_initial": 2.0, "validate_loss_final": 1.0}, False),
        # by less than two standard errors of the difference, sqrt(0.3^2 + 0.4^2) = 0.5
        ({"loss_measured_initial": 1.0, "loss_measured_final": 1.9, "loss_measured_initial_stderr": 0.3,
          "loss_measured_final_stderr": 0.4, "loss_initial": 1.0, "loss_final": 9.0}, False),
        ({"loss_measured_initial": 1.0, "loss_measured_final": 2.1, "loss_measured_initial_stderr": 0.3,
          "loss_measured_final_stderr": 0.4}, True),
        ({"loss_final": 1.0}, False),
    ],
)  # fmt: skip
def test_a_training_that_ended_worse_says_so(losses, worse):
    found = loss_summary.notes(progress_of([1.0], [1.0, 1.0]), losses, "mse")
    assert ("ended worse than it began" in found.get("notes", "")) == worse == bool(found)


def test_sinai_that_begins_outside_chaos_says_that_it_has_no_gradient(tmp_path, capsys):
    path = written(tmp_path, SPECTRAL.format(g=0.4, loss="sinai", epochs=2, measured=20))
    assert run_cli(path) == 0
    record = record_of(tmp_path / "out")
    assert record["status"] == "complete" and record["summary"]["loss_initial"] == record["summary"]["loss_final"] == 0
    assert record["summary"]["notes"].startswith("no gradient from the start")
    assert "no gradient from the start" in capsys.readouterr().out


# ---- folders and checkpoints of earlier versions


def earlier(state):
    """A checkpoint as earlier versions wrote it."""
    state = copy.deepcopy(state)
    progress = state["progress"]
    rows = [dict(row) for row in progress["history"]]
    if "validate_loss" in rows[-1]:
        rows, shift = [{**row, "epoch": row["epoch"] - 1} for row in rows[1:]], 1
    else:
        for row, later in itertools.zip_longest(rows, rows[1:]):
            norms = later if later is not None else progress["updates"]
            row.update({name: norms[name] for name in norms if name.startswith(("grad", "clipped", "seconds"))})
        shift = 0
    kept = {name: progress[name] for name in ("best", "last", "best_loss", "provisional_epoch", "diverged", "reason")}
    kept |= {"best_epoch": progress["best_epoch"] - shift, "final_loss": math.nan, "history": rows}
    return state | {"progress": kept}


@pytest.mark.parametrize("text", [TASK.format(task="dpa"), SPECTRAL.format(g=3, loss="mse", epochs=3, measured=0)])
def test_a_checkpoint_of_an_earlier_version_goes_on_to_the_same_bytes(tmp_path, text):
    run, kept, rows = only_run(written(tmp_path, text)), [], []

    def trained(resume=None, stop=lambda: False):
        start = build_setup(run)
        return fit([start.network], objective_of(run, start), [training_settings(run)], resume=resume, stop=stop,
                   save_checkpoint=lambda states: kept.append(copy.deepcopy(states)),
                   report=lambda index, row: rows.append(row))[0]  # fmt: skip

    whole = trained()
    rows.clear()
    with pytest.raises(Interrupted):
        trained(stop=lambda: len(rows) == 2)
    again = trained([earlier(state) for state in kept[-1]])
    assert "epoch" not in earlier(kept[-1][0])["progress"]
    for name, values in whole.last.items():
        assert torch.equal(again.last[name], values) and torch.equal(again.best[name], whole.best[name])
    timeless = [[{key: value for key, value in row.items() if key != "seconds"} for row in progress.history]
                for progress in (whole, again)]  # fmt: skip
    assert timeless[0] == timeless[1] and whole.best_epoch == again.best_epoch


def test_a_checkpoint_of_today_is_taken_as_it_is():
    progress = Progress([{"epoch": 0, "train_loss": 1.0}], epoch=0)
    assert restore_progress(dict(vars(progress))) == progress


def test_histories_of_earlier_versions_are_aligned_with_those_of_today(tmp_path):
    old = pd.DataFrame({"epoch": [0, 1], "train_loss": [3.0, 2.0], "validate_loss": [2.5, 2.0],
                        "grad_norm_weights": [1.0, 1.0]})  # fmt: skip
    new = pd.DataFrame({"epoch": [0, 1, 2], "train_loss": [4.0, 3.0, 2.0], "validate_loss": [4.0, 2.5, 2.0],
                        "grad_norm_weights": [np.nan, 1.0, 1.0]})  # fmt: skip
    spectral_one = old.drop(columns="validate_loss")
    for name, table, epochs in (("old", old, [1, 2]), ("new", new, [0, 1, 2]), ("spectra", spectral_one, [0, 1])):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        assert results.read_history(tmp_path / f"{name}.csv")["epoch"].tolist() == epochs
    old = results.read_history(tmp_path / "old.csv")
    assert results.history.epoch_values(old, "validate_loss", 3)[:2] == [2.5, 2.0]
    assert results.read_history(tmp_path / "none.csv").empty


def test_summaries_of_earlier_versions_name_no_untrained_loss_that_is_not_one():
    summary = {"loss_initial": 3.0, "validate_loss_initial": 2.5, "validate_loss_best": 2.0, "epoch_best": 1}
    assert results.history.current_summary({"summary": summary}) == {"validate_loss_best": 2.0, "epoch_best": 2}
    assert results.history.current_summary({"summary": summary, "epoch_0": "untrained"}) == summary
    of_spectra = {"loss_initial": 3.0, "loss_best": 2.0, "epoch_best": 1}
    assert results.history.current_summary({"summary": of_spectra}) == of_spectra


# ---- the truncated gradient


def term_of(tmp_path, integrator, truncate):
    text = SPECTRAL.format(g=2, loss="mse", epochs=1, measured=0) + f"[model]\nintegrator = {integrator}\n"
    run = only_run(written(tmp_path, text), f"lyapunov.truncate_gradient={truncate}")
    start = build_setup(run)
    return start.network, objective_of(run, start).losses[0]


@pytest.mark.parametrize("integrator", ["euler", "rk4"])
def test_a_truncated_gradient_is_that_of_pieces_that_begin_where_the_others_end(tmp_path, integrator):
    network, term = term_of(tmp_path, integrator, 1.0)
    loss = term.measure(network.dynamics()).loss
    loss.backward()
    truncated = network.weights.free.grad.clone()
    # by hand: the bundle is moved without a graph to the beginning of every piece
    system, dt = network.dynamics(), 0.1
    state, frame = term.state, term.frame
    with torch.no_grad():
        for _ in range(20):
            state = system.advance(state[None], 1)[0]
    bundle, total = torch.cat([state[None], frame]), 0.0
    for piece in range(8):
        bundle = bundle.detach()
        for _ in range(5):
            bundle = system.advance(bundle, 2)
            q, r = torch.linalg.qr(bundle[1:].mT)
            total = total + (r.diagonal().abs().log() if piece >= 2 else 0.0)
            bundle = torch.cat([bundle[:1], q.mT])
    network.weights.free.grad = None
    (total.sort(descending=True).values / (60 * dt)).square().mean().backward()
    torch.testing.assert_close(truncated, network.weights.free.grad, rtol=1e-8, atol=1e-12)


def test_truncation_leaves_the_loss_and_changes_the_gradient(tmp_path):
    found = []
    for truncate in (0, 0.4, 1000):
        network, term = term_of(tmp_path, "euler", truncate)
        term = replace(term, schedule=replace(term.schedule, transient=0.0))  # through which no gradient is passed
        loss = term.measure(network.dynamics()).loss
        loss.backward()
        found.append((float(loss.detach()), network.weights.free.grad.clone()))
    assert found[0][0] == found[1][0] == found[2][0]
    assert not torch.allclose(found[0][1], found[1][1], rtol=0.1)
    torch.testing.assert_close(found[0][1], found[2][1], rtol=1e-9, atol=1e-12)


def test_networks_side_by_side_are_truncated_as_each_alone(tmp_path):
    text = SPECTRAL.format(g=2, loss="mse", epochs=3, measured=0).replace("epochs = 3", "epochs = 3\niterations = 3")
    losses = []
    for size in (1, 3):
        out = tmp_path / str(size)
        changes = (f"execution.batch_runs={size}", f"paths.path_to_results={out}", "lyapunov.truncate_gradient=1")
        assert run_cli(written(tmp_path, text), *changes) == 0
        losses.append([history_of(out, 0, iteration)["train_loss"].to_numpy() for iteration in range(3)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-7)
