"""kind = stimulate, by hand."""

import json

import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.build.network import build_setup
from randomnet.comparison import matching
from randomnet.figures import stimulate as stimulate_figures
from randomnet.kinds.stimulate import run as stimulate
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.training import Interrupted
from tests.support import made_up

INI = """
[experiment]
kind = stimulate
seed = 3
[paths]
path_to_results = {out}
[net]
source = populations
g = 1.5
[populations]
sizes = E: 12, I: 4
in_degree = 3
external = E: 1, I: 0.5
external_rate = 1
[model]
activation = tanh
form = {form}
dt = 0.25
[analysis]
trajectories = 3
duration = 6
settle = 1
[stimulation]
onset = 2
offset = 4
units = {units}
{more}
[execution]
workers = 1
"""


def done(folder, *overrides, form="current", units="E", more="strength = 2"):
    path = folder / "a.ini"
    path.write_text(INI.format(out=folder / "out", form=form, units=units, more=more))
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == 0
    start = build_setup(read_plan(path, overrides).combos[0].runs()[0])
    return start, ResultsFolder(folder / "out").run(0, 0).arrays, pd.read_csv(folder / "out" / "summary.csv").iloc[0]


def by_hand(start, form, course, silent):
    """Rates (24, 16) of the first trajectory, with an extra drive (T, N) and silent units (T, N)."""
    weights, drive = start.connectome.dense(), start.connectome.drive
    state, rates = start.state.numpy(), []
    for step in range(-4, 24):
        within = step >= 0
        rate = np.tanh(state) if form == "current" else state
        rate = np.where(silent[step], 0, rate) if within else rate
        arriving = weights @ rate + drive + (course[step] if within else 0)
        state = 0.75 * state + 0.25 * (arriving if form == "current" else np.tanh(arriving))
        rates += [rate] if within else []
    return np.array(rates)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_a_drive_and_its_control(tmp_path, form):
    start, arrays, summary = done(tmp_path, form=form, more="strength = 2\nramp = 0.5")
    course, nothing = np.zeros((24, 16)), np.zeros((24, 16), bool)
    course[8:16, :12] = np.array([0, 2, 2, 2, 2, 2, 2, 0])[:, None]
    control = by_hand(start, form, 0 * course, nothing)
    driven = by_hand(start, form, course, nothing)
    assert arrays["groups"].tolist() == ["E", "I"] and arrays["control"].shape == (2, 3, 24)
    for group, units in enumerate((slice(0, 12), slice(12, 16))):
        np.testing.assert_allclose(arrays["control"][group, 0], control[:, units].mean(1), atol=1e-12)
        np.testing.assert_allclose(arrays["changed"][group, 0], driven[:, units].mean(1), atol=1e-12)
    assert (arrays["control"][..., :8] == arrays["changed"][..., :8]).all()
    assert arrays["window"].tolist() == [2, 4] and arrays["course"].tolist() == course[:, 0].tolist()
    change = arrays["changed"] - arrays["control"]
    assert summary["targets_change"] == pytest.approx(change[0, :, 8:16].mean()) and summary["targets"] == 12
    assert summary["others_change"] == pytest.approx(change[1, :, 8:16].mean())
    assert summary["distance_end"] == pytest.approx(arrays["distance"][:, -1].mean()) and summary["distance_end"] > 0


@pytest.mark.parametrize("form", ["current", "rate"])
def test_silenced_units_answer_0_and_reach_nobody(tmp_path, form):
    start, arrays, summary = done(tmp_path, form=form, units="I", more="action = silence")
    silent = np.zeros((24, 16), bool)
    silent[8:16, 12:] = True
    silenced = by_hand(start, form, np.zeros((24, 16)), silent)
    for group, units in enumerate((slice(0, 12), slice(12, 16))):
        np.testing.assert_allclose(arrays["changed"][group, 0], silenced[:, units].mean(1), atol=1e-12)
    assert not arrays["changed"][1, :, 8:16].any() and arrays["changed"][1, :, 16:].any()
    assert summary["targets"] == 4


@pytest.mark.parametrize("form", ["current", "rate"])
def test_silenced_states_go_on_from_0_and_silenced_outputs_from_where_they_are(tmp_path, form):
    """By hand; at release, outputs answer at once, and states have to rise again."""
    start, arrays, _ = done(tmp_path, form=form, units="I", more="action = silence\nsilenced = state")
    weights, drive, state = start.connectome.dense(), start.connectome.drive, start.state.numpy()
    rates = []
    for step in range(-4, 24):
        within = 8 <= step < 16
        if within:
            state = np.where(np.arange(16) >= 12, 0, state)
        rate = np.tanh(state) if form == "current" else state
        rates += [rate] if step >= 0 else []
        arriving = weights @ rate + drive
        state = 0.75 * state + 0.25 * (arriving if form == "current" else np.tanh(arriving))
        if within:
            state = np.where(np.arange(16) >= 12, 0, state)
    for group, units in enumerate((slice(0, 12), slice(12, 16))):
        np.testing.assert_allclose(arrays["changed"][group, 0], np.array(rates)[:, units].mean(1), atol=1e-12)
    assert not arrays["changed"][1, :, 8:17].any()
    (tmp_path / "output").mkdir()
    _, output, _ = done(tmp_path / "output", form=form, units="I", more="action = silence")
    assert output["changed"][1, 0, 16] != 0, "the state has gone on meanwhile"


@pytest.mark.parametrize(("action", "sign"), [("excite", 1), ("inhibit", -1)])
def test_excitation_and_inhibition_are_drives_of_either_sign(tmp_path, action, sign):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, found, _ = done(tmp_path / "a", more=f"action = {action}\nstrength = -2")
    _, driven, _ = done(tmp_path / "b", more=f"strength = {2 * sign}")
    np.testing.assert_array_equal(found["changed"], driven["changed"])


def test_all_units_and_groups_by_another_label(tmp_path):
    _, arrays, summary = done(tmp_path, units="", more="by = neuron")
    assert summary["targets"] == 16 and np.isnan(summary["others_change"])
    assert len(arrays["groups"]) == 16 and arrays["control"].shape == (16, 3, 24)


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["stimulation.units=X"], "[stimulation] units: "),
        (["stimulation.units=E, "], "[stimulation] units: a selection must be a name"),
        (["analysis.duration=1e300"], "[analysis] duration: expected at most 2.5e+06, 1e+07 steps"),
        (["analysis.settle=1e300"], "[analysis] settle: expected at most 2.5e+06"),
        (["stimulation.offset=7"], "[stimulation] offset: expected a time after onset = 2 and within"),
        (["stimulation.offset=1"], "[stimulation] offset: expected a time after onset = 2"),
        (["stimulation.ramp=3"], "[stimulation] ramp: expected at most half of the time from onset to offset, got '3'"),
        (["stimulation.by=region"], "[stimulation] by: "),
        (["stimulation.action=silence", "stimulation.strength=3"], "strength: applies only where stimulation"),
        (["model.integrator=rk4"], "[model] integrator: expected euler with kind = stimulate"),
        (["trialparams.task_name=seq_mem"], "[paths] pretrained: expected the results of a training on the task"),
        (["stimulation.windows=events"], "windows: applies only where trialparams.task_name names a task"),
        (["stimulation.silenced=state"], "silenced: applies only where stimulation.action = silence"),
        (["analysis.starts=5"], "not available for kind = stimulate"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, overrides, text):
    path = tmp_path / "a.ini"
    path.write_text(made_up.without(INI.format(out=tmp_path / "out", form="rate", units="E", more=""), overrides))
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_name_with_a_comma_is_one_name_and_the_groups_that_change_most_are_drawn(tmp_path):
    description = {
        "recurrent_regions": [
            {"name": "a, b", "num_units": 3, "base_firing": 1, "sign": "pos"},
            *({"name": f"r{n}", "num_units": 1, "base_firing": 1} for n in range(14)),
        ],
        "recurrent_connections": [{"src_region": "a, b", "dst_region": "r13"}],
        "input_regions": [],
        "input_connections": [],
    }
    (tmp_path / "net.json").write_text(json.dumps(description))
    path = tmp_path / "a.ini"
    text = INI.format(out=tmp_path / "out", form="rate", units="a, b", more="").replace("populations\ng", "regions\ng")
    head, _, tail = text.partition("[populations]")
    path.write_text(head + f"[regions]\nregions_file = {tmp_path / 'net.json'}\n[model]" + tail.partition("[model]")[2])
    assert runrandomnet.main([str(path)]) == 0
    found = ResultsFolder(tmp_path / "out")
    assert pd.read_csv(found.root / "summary.csv")["targets"][0] == 3 and len(found.run(0, 0).arrays["groups"]) == 15
    [combo] = matching.read_combos(found.root, "one", 0)
    drawn = stimulate_figures._responses(combo, found.run(0, 0).arrays)
    assert len(drawn.groups) == 11 and drawn.of == 15 and {"a, b", "r13"} <= set(drawn.groups.tolist())


def test_it_is_interrupted_and_a_trajectory_that_explodes_is_said(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text(INI.format(out=tmp_path / "out", form="rate", units="E", more=""))
    run = read_plan(path).combos[0].runs()[0]
    with pytest.raises(Interrupted):
        stimulate.execute_one(run, ResultsFolder(tmp_path / "out").run(0, 0), lambda row: None, lambda: True)
    settings = ["model.activation=linear", "net.g=1e90", "analysis.duration=200"]
    path.write_text(made_up.without(path.read_text(), settings))
    runrandomnet.main([str(path), *(part for one in settings for part in ("--set", one))])
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    assert record["status"] == "diverged" and "left the range of numbers" in record["reason"]


def test_its_figures(tmp_path):
    path = tmp_path / "a.ini"
    text = INI.format(out=tmp_path / "out", form="rate", units="E", more="").replace("onset = 2\n", "")
    path.write_text(text + '[combosparams]\ncombos_params = {"onset": [1, 2]}\n')
    assert runrandomnet.main([str(path)]) == 0
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs").rglob("*.svg")}
    assert {"overview.svg", "responses_onset=1.svg", "responses_onset=2.svg"} <= names


def test_bands_are_standard_errors_over_trajectories():
    """Of control and changed, in every panel; one trajectory alone has none."""
    rng = np.random.default_rng(0)
    control, changed, distance = rng.random((2, 5, 7)), rng.random((2, 5, 7)), rng.random((5, 7))

    def drawn(some):
        return plotting.responses(
            plotting.Responses(np.array(["a", "b"]), 2, np.arange(7.0), control[:, some], changed[:, some],
                               distance[some], (1.0, 3.0), "a driven")
        )  # fmt: skip

    panels = drawn(slice(None)).axes
    for axes, lines in zip(panels, ([changed[0], control[0]], [changed[1], control[1]], [distance]), strict=True):
        assert len(axes.collections) == len(lines)
        for band, curve, each in zip(axes.collections, axes.lines, lines, strict=False):
            sem = each.std(0, ddof=1) / np.sqrt(5)
            corners = band.get_paths()[0].vertices
            for time in range(7):
                ends = corners[corners[:, 0] == time, 1]
                np.testing.assert_allclose([ends.min(), ends.max()], each.mean(0)[time] + sem[time] * np.array([-1, 1]))
            np.testing.assert_allclose(curve.get_ydata(), each.mean(0))
    assert not any(axes.collections for axes in drawn(slice(0, 1)).axes)
