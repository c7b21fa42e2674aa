"""Figures along the trials of tasks: events against the inputs that they are, and what is drawn against the arrays."""

import json
from types import MappingProxyType

import matplotlib
import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.figures import analyse as analyse_figures
from randomnet.figures import training as training_figures
from randomnet.kinds.trajectories import event_arrays
from randomnet.plotting import Event, Linearization, Overlaps, Panel, Psth, Series
from randomnet.plotting.style import STYLE, circle_limits, log_numbers, new_figure
from randomnet.plotting.trials import condition_series
from randomnet.results import ResultsFolder
from randomnet.tasks import make

FEW = {"dual": 24, "dpa": 8, "go_nogo": 8, "odr": 8}
CHANNELS = {"sample": 0, "test": 1, "reward": 4}  # whose input is of no other event


def made(task, **more):
    return make(task, {"nr_of_trials": FEW[task], "input_noise": 0, **more}, np.random.default_rng(3))


def on(steps, time):
    return [at for at in range(time) if steps[0] <= at < steps[1]]


# ---- events


@pytest.mark.parametrize("more", [{}, {"iti_jitter": (0.5,), "delay_jitter": (1.5,)}])
@pytest.mark.parametrize("task", ["dual", "dpa", "go_nogo"])
def test_events_are_when_their_inputs_are_on(task, more):
    trials = made(task, steps_per_second=4, **more)
    steps = {name: window for name, *window in trials.events}
    assert set(steps) == {
        "dual": {"sample", "distractor", "cue", "reward", "test", "choice"},
        "dpa": {"sample", "test", "choice"},
        "go_nogo": {"distractor", "cue", "reward"},
    }[task]
    assert list(steps.values()) == sorted(steps.values())
    shown, time = (trials.inputs != 0).any(0), trials.inputs.shape[1]
    for name in steps.keys() & CHANNELS.keys():
        assert np.flatnonzero(shown[:, CHANNELS[name]]).tolist() == on(steps[name], time)
    if "cue" in steps:  # a Go has the channel of the cue, NoGo its own
        assert np.flatnonzero(shown[:, 3]).tolist() == on(steps["distractor"], time)
        assert np.flatnonzero(shown[:, 2]).tolist() == on(steps["distractor"], time) + on(steps["cue"], time)
    if "choice" in steps:
        asked = np.flatnonzero((trials.targets[..., 0] != 0).any(0))
        assert asked.tolist() == on(steps["choice"], time)


@pytest.mark.parametrize(
    "more",
    [{}, {"erase": 0}, {"n_stimuli": 2}, {"n_stimuli": 2, "iti_jitter": (0.5,), "delay_jitter": (1.0,), "delay": 2}],
)
def test_events_of_odr_are_when_nothing_is_asked(more):
    trials = made("odr", steps_per_second=4, **more)
    time, stimuli = trials.inputs.shape[1], more.get("n_stimuli", 1)
    assert len(trials.events) == stimuli * (1 if more.get("erase") == 0 else 2)
    assert (trials.mask == trials.mask[0]).all()
    within = np.zeros(time, bool)
    for _, onset, offset in trials.events:
        within[onset:offset] = True
    assert (trials.mask[0] == ~within).all()
    erased = [at for name, *window in trials.events if name.startswith("erase") for at in on(window, time)]
    assert np.flatnonzero((trials.inputs < 0).all(-1).all(0)).tolist() == erased


@pytest.mark.parametrize("task", list(FEW))
@pytest.mark.parametrize("jitter", ["iti_jitter", "delay_jitter"])
def test_events_that_shift_from_trial_to_trial_are_none(task, jitter):
    assert made(task, **{jitter: 1.0}).events == () and made(task).events


def test_events_in_tau_and_of_a_tasks_part():
    train, _ = made("dpa").split(0.5, np.random.default_rng(0))
    assert train.events == made("dpa").events
    arrays = event_arrays((("a", 2, 4), ("b", 6, 7)), 0.5)
    assert arrays["event_label"].tolist() == ["a", "b"]
    assert arrays["event_onset"].tolist() == [1, 3] and arrays["event_offset"].tolist() == [2, 3.5]
    assert event_arrays((), 0.5) == {}


# ---- runs


def experiment(folder, text):
    (folder / "a.ini").write_text(f"{text}[execution]\nworkers = 1\n")
    assert runrandomnet.main([str(folder / "a.ini")]) == 0
    root = folder / "out"
    asked = ["--results_folders", str(root), "--save_figs", str(folder / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    figures = {path.stem: path.read_text() for path in folder.glob("figs/by_combo/*.svg")}
    return ResultsFolder(root).run(0, 0).arrays, figures


def test_rates_along_a_task_have_its_events_and_say_which_conditions_are_missing(tmp_path):
    arrays, figures = experiment(
        tmp_path,
        f"[experiment]\nkind = analyse\n[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 10\n"
        "[model]\ndt = 0.5\n[analysis]\nstarts = 5\ntrajectories = 2\n[trainvalidate]\ninit = connectome\n"
        "[trialparams]\ntask_name = dual\nnr_of_trials = 24\nsteps_per_second = 2\nheld_out = AC go, BD none\n",
    )
    assert arrays["psth_conditions"].tolist() == ["AC go", "BD none"] and len(arrays["psth_absent"]) == 10
    assert set(arrays["psth_absent"]) == set(made("dual").condition_names) - {"AC go", "BD none"}
    assert arrays["event_label"].tolist() == ["sample", "distractor", "cue", "reward", "test", "choice"]
    assert arrays["event_onset"].tolist() == [1, 3, 5, 5.5, 7, 8]  # tau: dt = 1/2, two steps to the second
    assert arrays["event_offset"].tolist() == [2, 4, 5.5, 6, 8, 9] and arrays["psth_times"][-1] == 9
    assert all(f">{name}<" in figures["psth"] for name in ("sample", "reward", "choice", "AC go (2)"))
    assert "10 of 12" in figures["psth"]
    drawn = analyse_figures._linearization(arrays)
    assert arrays["groups"].tolist() == ["all"] and drawn.groups == () and drawn.of == 0  # the whole, once
    assert "Eigenvalues of the Jacobian, at" in figures["linearised"]


def test_overlaps_of_a_task_have_its_times_conditions_and_events(tmp_path):
    arrays, figures = experiment(
        tmp_path,
        f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 10\nrank = 2\n[model]\ndt = 0.5\n"
        "[trainvalidate]\nepochs = 1\ninit = connectome\n[trialparams]\ntask_name = dpa\nnr_of_trials = 20\n"
        "steps_per_second = 2\nheld_out = AD, BC\n",
    )
    assert arrays["overlaps_final"].shape == (10, 18, 2)
    np.testing.assert_allclose(arrays["overlaps_times"], 0.5 * np.arange(1, 19))
    assert sorted(arrays["overlaps_conditions"].tolist()) == ["AD"] * 5 + ["BC"] * 5
    assert arrays["event_label"].tolist() == ["sample", "test", "choice"]
    assert all(text in figures["overlaps"] for text in (">AD (5)<", "before training", "over 10 validation trials"))


@pytest.mark.slow
def test_a_spectrum_has_no_overlaps(tmp_path):
    arrays, figures = experiment(
        tmp_path,
        f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 10\n[trainvalidate]\nepochs = 1\n"
        "[lyapunov]\ntsim = 2\n",
    )
    assert not any(name.startswith(("overlaps", "event")) for name in [*arrays, *figures])


# ---- what is drawn


def rates(trials=(3, 1), **more):
    rng, times = np.random.default_rng(0), np.arange(1.0, 6.0)
    mean, sem = rng.random((2, 2, 5)), np.array([[np.full(5, 0.1), np.full(5, np.nan)]] * 2)
    names = np.array(["A go", "B nogo"])
    return Psth(np.array(["e", "i"]), 2, names, np.array(trials), times, mean, sem, **more)


def lines_of(axes):
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 1]


def legend_of(figure):
    (box,) = figure.legends
    return [text.get_text() for text in box.get_texts()], " ".join(box.get_title().get_text().split())


def test_rates_are_drawn_over_bands_of_the_events():
    network = rates(events=(Event("cue", 1.0, 2.0), Event("reward", 2.0, 3.0)), absent=("B go",))
    figure = plotting.psth(network)
    texts, heading = legend_of(figure)
    assert texts == ["A go (3)", "B nogo (1: no band)"]
    assert heading.endswith("; 1 of 3 conditions without a validation trial: B go")
    for number, axes in enumerate(figure.axes[:2]):
        for line, mean in zip(lines_of(axes), network.mean[number], strict=True):
            np.testing.assert_array_equal(line.get_ydata(), mean)
        spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
        assert spans == [(1, 2), (2, 3)] and axes.patches[0].get_facecolor() != axes.patches[1].get_facecolor()
        (above,) = axes.child_axes
        assert [text.get_text() for text in above.get_xticklabels()] == ["cue", "reward"]
    plain = plotting.psth(rates(trials=(3, 2)))
    assert not any(axes.patches or axes.child_axes for axes in plain.axes)
    heading = legend_of(plain)[1]
    assert heading == "Mean and standard error over the validation trials of each condition (number of trials)"


def test_two_words_of_a_condition_are_its_colour_and_its_dash():
    names = [f"{pair} {other}" for pair in ("AC", "AD", "BC", "BD") for other in ("go", "nogo", "none")]
    series = condition_series(names, names)
    assert [one.colour for one in series] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert len({one.color for one in series}) == 4 and [one.dash for one in series[:3]] == [0, 1, 2]
    assert len({(one.color, str(one.linestyle)) for one in series}) == 12
    for names in (["class 1", "class 2"], ["AC", "AD"], [f"{number} x" for number in range(8)]):
        assert [one.colour for one in condition_series(names, names)] == list(range(len(names)))


def test_overlaps_are_drawn_trial_by_trial_and_as_the_mean_of_each_condition():
    rng, conditions = np.random.default_rng(1), np.array(["B", "A", "B"])
    before, after, times = rng.random((3, 4, 2)), rng.random((3, 4, 2)), np.arange(1.0, 5.0)
    network = Overlaps(before, after, np.array([1, 3]), 5, conditions, times, (Event("cue", 1.0, 2.0),))
    figure = plotting.overlaps(network)
    panels = [axes for axes in figure.axes if axes.get_lines()]
    assert [axes.get_title() for axes in panels[:2]] == ["κ$_{1}$", "κ$_{3}$"]
    for axes, values in zip(panels, [one[..., k] for one in (before, after) for k in (0, 1)], strict=True):
        thin = [line.get_ydata() for line in axes.get_lines() if line.get_linewidth() < 1]
        thick = [line.get_ydata() for line in axes.get_lines() if line.get_linewidth() > 1]
        np.testing.assert_array_equal(thin, values[[1, 0, 2]])
        np.testing.assert_allclose(thick, [values[1], values[[0, 2]].mean(0)])
        assert len(axes.patches) == 1
    texts, heading = legend_of(figure)
    assert texts == ["A (1)", "B (2)"] and "the 2 of 5 overlaps that vary most" in heading


def test_the_overlaps_that_vary_most_are_drawn():
    after = np.arange(3)[:, None, None] * np.array([0.1, 5, 0.2, 4, 3, 2])[None, None]
    arrays = {"overlaps_initial": -after, "overlaps_final": after, "overlaps_conditions": np.array(["a"] * 3),
              "overlaps_times": np.ones(1)}  # fmt: skip
    drawn = training_figures._overlaps(arrays)
    assert drawn.numbers.tolist() == [2, 4, 5, 6] and drawn.of == 6 and drawn.events == ()
    np.testing.assert_array_equal(drawn.before, -after[..., [1, 3, 4, 5]])


# ---- accuracies over epochs


def task_folder(root, task, settings, columns, summary=MappingProxyType({})):
    """One complete run of a task with these columns beside its loss, and these of the summary."""
    made_up = {"combo": 0, "values": {}, "settings": {"net.roi": "EB", "trainvalidate.loss": "task",
               "trialparams.task_name": task, **settings}, "connectome": {"name": "EB", "synthetic": True, "neurons": 5,
               "task": {"name": task, "trials": "8", "source": "made", "synthetic": False}}}  # fmt: skip
    folder = ResultsFolder(root)
    root.mkdir(parents=True)
    manifest = {"format": 1, "name": "x", "kind": "train", "seed": 0, "iterations": 1, "varied": []}
    manifest["combos"] = [made_up]
    (root / "manifest.json").write_text(json.dumps(manifest))
    run = folder.run(0, 0)
    run.create()
    epochs = np.arange(6)
    table = pd.DataFrame({"epoch": epochs, "train_loss": 2.0 - 0.1 * epochs, "validate_loss": 2.1 - 0.1 * epochs,
                          "validate_metrics": 50 + 3.0 * epochs, "seconds": 0.1, **columns})  # fmt: skip
    table.to_csv(run.path / "history.csv", index=False)
    run.finish({"combo": 0, "iteration": 0, "status": "complete",
                "summary": {"validate_metrics_best": 65.0, "loss_final": 1.5, **summary}})  # fmt: skip
    figures = root / "figs"
    assert visualization.main(["--results_folders", str(root), "--save_figs", str(figures), "--format", "svg"]) == 0
    return (figures / "by_combo" / "loss.svg").read_text(), (figures / "overview.svg").read_text()


@pytest.mark.slow
def test_the_accuracy_of_each_output_has_a_panel_where_there_are_several(tmp_path):
    choice, lick = ({f"validate_metrics_{name}": np.linspace(50, 90, 6)} for name in ("choice", "lick"))
    measured = {"chance_metrics": 62.5, "chance_metrics_choice": 50.0, "chance_metrics_lick": 75.0}
    both, _ = task_folder(tmp_path / "dual", "dual", {}, choice | lick, measured)
    assert all(both.count(text) == 1 for text in (">choice (%)<", ">lick (%)<", ">accuracy (%)<"))
    assert both.count(">accuracy of<") == 2
    for level in ("62.5", "50", "75"):
        assert f"chance level: best constant answer ({level} %)" in both
    one, _ = task_folder(tmp_path / "dpa", "dpa", {}, choice)
    assert "accuracy of" not in one and one.count(">accuracy (%)<") == 1


@pytest.mark.slow
def test_chance_is_drawn_where_it_was_measured_and_nowhere_else(tmp_path):
    for task in ("odr", "flip_flop", "dpa"):
        measured = task_folder(tmp_path / f"{task} measured", task, {}, {}, {"chance_metrics": 72.95})
        assert all("chance level: best constant answer (73 %)" in figure for figure in measured)
        assert not any("chance" in figure for figure in task_folder(tmp_path / task, task, {}, {}))


def test_the_error_of_the_accuracy_and_the_trials_are_said(tmp_path):
    errors = {"stderr_validate_metrics": [5.0, 4.0, 4.0, 3.0, 2.0, 1.5]}
    loss, best = task_folder(tmp_path / "dpa", "dpa", {}, errors, {"epoch_best": 3, "validate_loss_best": 1.7})
    assert "best at epoch 4" in loss, "of an earlier version, whose row 3 was the network after 4 epochs"
    assert "s.e. over trials 1.5" in loss and "trials: 8" in loss and "epoch (0: untrained)" in loss
    assert ">on the same trials" in best


def test_an_axis_shows_what_it_spans():
    history = pd.DataFrame({"series": "a", "run": 0, "status": "complete", "epoch": range(3), "y": [40.0, 50.0, 60.0]})
    panels = [Panel("y", "y", linear=True), Panel("y", "y", linear=True, spans=(0, 100))]
    own, whole = (axes.get_ylim() for axes in plotting.curves(history, panels, [Series("a")]).axes)
    assert own == pytest.approx((38.8, 61.2)) and whole == pytest.approx((-6, 106))


def test_a_short_log_axis_has_plain_numbers():
    history = pd.DataFrame({"series": "a", "run": 0, "status": "complete", "epoch": range(6),
                            "error": np.geomspace(90, 6, 6), "loss": np.geomspace(1, 1e-7, 6)})  # fmt: skip
    figure = plotting.curves(history, [Panel("error", "error"), Panel("loss", "loss")], [Series("a")])
    with matplotlib.rc_context(STYLE):
        figure.canvas.draw()
    error, loss = figure.axes
    low, high = error.get_ylim()
    seen = {text.get_text() for text in error.get_yticklabels(which="both") if low <= text.get_position()[1] <= high}
    assert {"10", "20", "50"} <= seen and not any("times" in text or "^" in text for text in seen)
    assert any("10^{" in text.get_text() for text in loss.get_yticklabels())


@pytest.mark.parametrize(("low", "high", "between"), [(2.0, 40.0, True), (0.1, 500.0, False)])
def test_numbers_between_decades_only_where_those_are_few(low, high, between):
    figure = new_figure(3, 2, "")
    axes = figure.subplots()
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    log_numbers(axes.yaxis, low, high)
    figure.canvas.draw()
    named = [text.get_text() for text in axes.get_yticklabels(minor=True) if text.get_text()]
    assert bool(named) == between and {"1", "10", "100"} & {text.get_text() for text in axes.get_yticklabels()}


# ---- the unit circle


def test_the_unit_circle_is_in_the_picture_unless_the_eigenvalues_are_a_blot_in_it():
    wide = 0.5 + 0.5 * np.exp(2j * np.pi * np.arange(9) / 9)
    (left, right), reach = circle_limits(wide)
    assert left < -1 and right > 1 and reach > 1
    out = np.array([3.0, 2 + 2.5j, 2 - 2.5j])
    (left, right), reach = circle_limits(out)
    assert left < -1 and right > 3 and reach > 2.5 and right - left == pytest.approx(2 * reach)
    blot = 0.95 + 0.02 * np.exp(2j * np.pi * np.arange(9) / 9)
    (left, right), reach = circle_limits(blot)
    assert -1 < left < 0.7 and right > 1.2 and 0.3 < reach < 0.4  # the circle bends by 8 % of the width
    whole = Linearization(wide, np.ones(9), (), 0, (), (), "here")
    plane = plotting.linearization(whole).axes[0]
    assert plane.get_xlim() == pytest.approx(circle_limits(wide)[0])
