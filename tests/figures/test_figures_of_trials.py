"""Figures of example trials: what is drawn against the arrays, for each way of judging outputs."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.figures.trials import _example_trials
from randomnet.plotting import Event, ExampleTrials

TIMES = np.arange(1.0, 7.0)


def made(loss, outputs=2, trials=3, **more):
    rng = np.random.default_rng(4)
    shape = (trials, len(TIMES), outputs)
    scored = np.zeros(shape[:2], bool)
    scored[:, 3:] = True
    targets = np.where(scored[..., None], np.sign(rng.random(shape) - 0.5), 0)
    outputs_at = (rng.random(shape), rng.random(shape))
    return ExampleTrials(loss, TIMES, "τ", tuple(f"c{n}" for n in range(trials)), rng.random((trials, len(TIMES), 2)),
                         targets, scored, outputs_at, **more)  # fmt: skip


def panels(figure, columns=3):
    axes = np.array(figure.axes, dtype=object)
    return axes.reshape(-1, columns)


def legend_of(figure):
    (box,) = figure.legends
    return [text.get_text() for text in box.get_texts()], " ".join(box.get_title().get_text().split())


def test_outputs_lie_below_inputs_with_targets_where_they_are_scored():
    network = made("squared", events=((Event("cue", 1.0, 2.0),), (), (Event("late", 4.0, 5.0),)))
    figure = plotting.example_trials(network, "title")
    grid = panels(figure)
    assert grid.shape == (3, 3) and [axes.get_title() for axes in grid[0]] == ["c0", "c1", "c2"]
    for trial in range(3):
        for stage in (0, 1):
            lines = [line.get_ydata() for line in grid[1 + stage, trial].get_lines() if len(line.get_ydata()) == 6]
            np.testing.assert_array_equal(lines[:2], network.outputs[stage][trial].T)
            np.testing.assert_array_equal(lines[2], np.where(TIMES > 3, network.targets[trial, :, 0], np.nan))
        for axes in grid[:, trial]:
            assert [patch.get_x() for patch in axes.patches] == [event.onset for event in network.events[trial]]
    assert len({axes.get_ylim() for axes in grid[1:].flat}) == 1, "before and after can be compared"
    assert "target, where it is scored" in legend_of(figure)[0]


def test_inputs_are_held_during_the_step_that_ends_at_their_time():
    network = made("squared")
    (first, second) = panels(plotting.example_trials(network))[0, 1].get_lines()
    assert first.get_xdata().tolist() == [0, *TIMES] and first.get_drawstyle() == "steps-pre"
    np.testing.assert_allclose(first.get_ydata()[1:] - network.inputs[1, :, 0], 1.2 * network.inputs.max())
    np.testing.assert_array_equal(second.get_ydata()[1:], network.inputs[1, :, 1])


def test_many_inputs_are_an_image():
    inputs = np.random.default_rng(0).normal(size=(3, 6, 9))
    figure = plotting.example_trials(replace(made("squared"), inputs=inputs))
    (image,) = panels(figure)[0, 2].get_images()
    np.testing.assert_array_equal(image.get_array(), inputs[2].T)
    assert image.norm.vmin == -image.norm.vmax and "orange: positive" in legend_of(figure)[1]


def test_choices_lie_at_the_middle_of_their_decision():
    decoded = (np.full((3, 2), 0.5), np.array([[0.7, np.nan]] * 3))
    correct = {"correct": (np.zeros(3), np.ones(3)), "answers": np.array([1, 1, 0])}
    network = made("sign", decoded=decoded, output_names=("choice", "lick"), **correct)
    network = replace(network, scored=np.repeat(network.scored[..., None], 2, 2))
    grid = panels(plotting.example_trials(network))
    dots = [line for line in grid[2, 0].get_lines() if line.get_marker() == "o"]
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(5.0, 0.7)]
    assert [grid[1, n].get_title(loc="right") for n in range(3)] == ["wrong", "wrong", ""]
    assert [grid[2, n].get_title(loc="right") for n in range(3)] == ["correct", "correct", ""]


@pytest.mark.parametrize("loss", ["angle", "response"])
def test_decoded_angles_are_drawn_where_one_is_asked(loss):
    network = made(loss, 2 + (loss == "response"))
    network.targets[0] = 0
    network.targets[1, 3:, -2:] = (0, -1)
    network = replace(network, decoded=(np.full((3, 6), 10.0), np.full((3, 6), 250.0)))
    grid = panels(plotting.example_trials(network))
    assert grid.shape == (4, 3) and grid[3, 0].get_ylim() == (0, 360)
    before, after, target = [(line.get_xdata(), line.get_ydata()) for line in grid[3, 1].get_lines()]
    for (times, angles), expected in ((before, 10), (after, 250), (target, 270)):
        assert times.tolist() == [4, 5, 6] and angles == pytest.approx([expected] * 3)
    assert all(line.get_xdata().size == 0 for line in grid[3, 0].get_lines())


def test_chosen_and_right_classes():
    targets, chosen = np.full((3, 6), 2), np.ones((3, 6), int)
    network = replace(made("classes", 3), targets=targets, decoded=(chosen, 2 * chosen))
    grid = panels(plotting.example_trials(network))
    for stage, expected in ((1, 1), (2, 2)):
        dots, rings = grid[stage, 0].get_lines()
        assert dots.get_ydata().tolist() == [expected] * 3 and rings.get_ydata().tolist() == [2] * 3
        (image,) = grid[stage, 0].get_images()
        np.testing.assert_allclose(image.get_array().sum(0), 1)


def test_phases_of_a_trial_are_its_events():
    arrays = {"loss": np.array("response"), "times": TIMES, "time_unit": np.array("τ"),
              "conditions": np.array(["a", "b"]), "inputs": np.zeros((2, 6, 1)), "targets": np.zeros((2, 6, 3)),
              "scored": np.ones((2, 6), bool), "outputs_initial": np.zeros((2, 6, 3)),
              "outputs_final": np.ones((2, 6, 3)),
              "phases": np.array([[0, 2, 2, 5], [0, 1, 4, 7]]), "phase_names": np.array(["one", "two", "three", "end"])}
    first, second = _example_trials(arrays).events  # fmt: skip
    assert first == (Event("one", 0, 2), Event("three", 2, 5))
    assert second == (Event("one", 0, 1), Event("two", 1, 4), Event("three", 4, 6))


def test_a_single_scored_step_is_visible():
    network = made("squared", 1)
    scored = np.zeros((3, 6), bool)
    scored[:, 5] = True
    grid = panels(plotting.example_trials(replace(network, scored=scored)))
    marks = [line for line in grid[1, 0].get_lines() if line.get_marker() == "_" and len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in marks] == [[6.0]]


def test_values_that_are_not_finite_are_drawn_without_an_error():
    network = made("squared")
    network.outputs[1][:] = np.nan
    figure = plotting.example_trials(network)
    with matplotlib.rc_context():
        plotting.render(figure, "svg")


@pytest.mark.slow
def test_a_trained_folder_has_the_figure_and_one_of_an_earlier_version_none(tmp_path):
    text = (f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 10\n[trainvalidate]\n"
            "epochs = 1\ninit = connectome\n[trialparams]\ntask_name = flip_flop\nnr_of_trials = 10\n"
            "trial_steps = 20\n")  # fmt: skip
    (tmp_path / "a.ini").write_text(f"{text}[execution]\nworkers = 1\n")
    assert runrandomnet.main([str(tmp_path / "a.ini")]) == 0
    asked = ["--results_folders", str(tmp_path / "out"), "--format", "svg", "--save_figs"]
    assert visualization.main([*asked, str(tmp_path / "figs")]) == 0
    drawn = (tmp_path / "figs" / "by_combo" / "trials.svg").read_text()
    assert "before training" in drawn and "2 validation trials" in drawn and "bits at the end" in drawn
    (tmp_path / "out" / "0" / "iter_0" / "trials.npz").unlink()
    assert visualization.main([*asked, str(tmp_path / "earlier")]) == 0
    others = {path.name for path in (tmp_path / "figs").rglob("*")} - {"trials.svg"}
    assert {path.name for path in (tmp_path / "earlier").rglob("*")} == others
    assert not {"gains.csv", "shifts.csv"} & others, "weights alone were trained"
