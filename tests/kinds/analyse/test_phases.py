"""kind = analyse phase by phase: its fixed points under held inputs, by hand, its figures, and what is refused."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import visualization
from randomnet.build.network import build_setup
from randomnet.build.trials import trials_of
from randomnet.figures import analyse as analyse_figures
from randomnet.kinds.analyse import outputs
from randomnet.kinds.analyse import run as analyse
from randomnet.kinds.analyse.phases import search_share
from randomnet.plotting import FixedPointsByPhase
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.tasks import TASKS, make
from randomnet.training import Interrupted
from tests.support.runs import contents, differing, run

INI = """
[experiment]
kind = analyse
seed = 4
[paths]
path_to_results = {out}
[net]
roi = random
n = 10
g = {g}
[model]
activation = {activation}
form = {form}
dt = 0.2
[analysis]
starts = 5
trajectories = 4
phase_starts = 12
interpolation_steps = 4
phases = {phases}
[trainvalidate]
init = connectome
[execution]
workers = 1
[trialparams]
task_name = multitask
nr_of_trials = 15
tasks = DelayPro, MemoryPro, ReactAnti
"""
PHASES = ("context", "stim1", "mem1", "stim2", "mem2", "response", "end")
OF_TASKS = {"DelayPro": (0, 1, 5), "MemoryPro": (0, 1, 2, 5), "ReactAnti": (0, 5)}


def ini(folder, phases="MemoryPro, ReactAnti", g=0.8, activation="linear", form="rate"):
    path = folder / "a.ini"
    path.write_text(INI.format(out=folder / "out", phases=phases, g=g, activation=activation, form=form))
    return path


def analysed(folder, *overrides, **settings):
    path = ini(folder, **settings)
    assert run(path, *(part for override in overrides for part in ("--set", override))) == 0
    one = read_plan(path, overrides).combos[0].runs()[0]
    found = ResultsFolder(folder / "out")
    return one, found.run(0, 0).arrays, pd.read_csv(found.root / "summary.csv").iloc[0]


def by_hand(one):
    """The weights, and the constant drive and that of inputs, as matrices."""
    start = build_setup(one)
    own = {name: values.detach().double().numpy() for name, values in start.network.interface.items()}
    weights = start.network.matrix().detach().double().numpy()
    return weights, own["input_bias"] + own["recurrent_bias"], own["input_weights"]


def driven_trials(one, name):
    """Of the validation trials of a task the inputs without noise, and the first steps of their phases."""
    trials = trials_of(one)[1]
    own = trials.conditions == trials.condition_names.index(name)
    return trials.true_inputs[own].astype(np.float64), trials.phases[own]


def held(one, name, prototype=0):
    """The phases of the prototype, and what it receives at the first step of each."""
    inputs, phases = (values[prototype] for values in driven_trials(one, name))
    names = [number for number in range(6) if phases[number] < phases[number + 1]]
    return names, inputs[phases[names]]


def places(arrays, name):
    """Of the places of a condition: phase, step, input, and which points are there."""
    condition = arrays["phase_conditions"].tolist().index(name)
    for place in np.flatnonzero(arrays["phase_place_condition"] == condition):
        columns = (arrays[f"phase_{what}"][place] for what in ("place_phase", "place_step", "inputs"))
        yield *columns, arrays["phase_place"] == place


@pytest.mark.parametrize("form", ["rate", "current"])
def test_the_points_of_a_linear_network_are_those_of_its_inputs(tmp_path, form):
    one, arrays, summary = analysed(tmp_path, form=form)
    weights, constant, into = by_hand(one)
    assert arrays["phase_conditions"].tolist() == ["MemoryPro", "ReactAnti"] and arrays["phase_steps"] == 4
    assert tuple(arrays["phase_names"]) == PHASES
    jacobian = 0.8 * np.eye(10) + 0.2 * weights
    modulus = np.abs(np.linalg.eigvals(jacobian)).max()
    for name in ("MemoryPro", "ReactAnti"):
        phases, ends = held(one, name)
        assert tuple(phases) == OF_TASKS[name]
        expected = [(phase, step) for phase in phases for step in range(4)][: 4 * len(phases) - 3]
        rows = list(places(arrays, name))
        assert [(phase, step) for phase, step, *_ in rows] == expected
        for number, (_, _, x, there) in enumerate(rows):
            before, after = ends[number // 4], ends[min(number // 4 + 1, len(ends) - 1)]
            np.testing.assert_allclose(x, before + number % 4 / 4 * (after - before), atol=1e-12)
            point = np.linalg.solve(np.eye(10) - weights, into @ x + constant)
            np.testing.assert_allclose(arrays["phase_points"][there], [point], atol=1e-8)
            assert arrays["phase_q"][there].max() < 1e-20 and (arrays["phase_unstable"][there] == (modulus > 1)).all()
            np.testing.assert_allclose(np.abs(arrays["phase_leading"][there]), modulus, atol=1e-8)
        for phase in phases:
            assert summary[f"points_of_{name}_{PHASES[phase]}"] == 1
            assert summary[f"stable_points_of_{name}_{PHASES[phase]}"] == (modulus < 1)
    assert not any(name.startswith("points_of_DelayPro") for name in summary.index)
    assert "points_of_ReactAnti_stim1" not in summary


@pytest.mark.parametrize("form", ["rate", "current"])
def test_every_point_is_fixed_under_the_input_that_is_held_there(tmp_path, form):
    one, arrays, summary = analysed(tmp_path, form=form, activation="tanh", g=4.0, phases="all")
    weights, constant, into = by_hand(one)
    assert arrays["phase_conditions"].tolist() == list(OF_TASKS)
    assert len(arrays["phase_q"]) > len(arrays["phase_inputs"]), "there are several points at some places"
    drives = arrays["phase_inputs"][arrays["phase_place"]] @ into.T + constant
    names = ("points", "unstable", "leading", "index")
    for drive, point, unstable, leading, index in zip(
        drives, *(arrays[f"phase_{name}"] for name in names), strict=True
    ):
        seen = point if form == "current" else weights @ point + drive
        after = weights @ np.tanh(point) + drive if form == "current" else np.tanh(seen)
        np.testing.assert_allclose(after, point, atol=1e-8)
        slope = 1 - np.tanh(seen) ** 2
        eigenvalues = np.linalg.eigvals(0.8 * np.eye(10) + 0.2 * (weights * slope if form == "current" else
                                                                  slope[:, None] * weights))  # fmt: skip
        assert unstable == (np.abs(eigenvalues) > 1).sum()
        assert index == np.sign((1 - eigenvalues).prod().real)
        assert abs(leading) == pytest.approx(np.abs(eigenvalues).max(), abs=1e-6)
    for name, phases in OF_TASKS.items():
        for phase, step, _, there in places(arrays, name):
            points = arrays["phase_points"][there]
            apart = np.linalg.norm(points[:, None] - points, axis=-1) + 1e9 * np.eye(len(points))
            assert apart.min() > 1e-5, "each is listed once"
            if step == 0:
                key, stable = f"{name}_{PHASES[phase]}", (arrays["phase_unstable"][there] == 0).sum()
                assert phase in phases and summary[f"points_of_{key}"] == there.sum()
                assert summary[f"stable_points_of_{key}"] == stable
    context, memory = (dict(((phase, step), arrays["phase_points"][there]) for phase, step, _, there in
                            places(arrays, "MemoryPro"))[phase, 0] for phase in (0, 2))  # fmt: skip
    assert np.array_equal(context, memory), "the same input, the same points"


def test_the_plane_is_that_of_the_trials_without_noise_and_the_path_the_prototypes(tmp_path):
    one, arrays, _ = analysed(tmp_path, activation="tanh", g=2.0)
    weights, constant, into = by_hand(one)
    for number, name in enumerate(arrays["phase_conditions"]):
        inputs, phases = driven_trials(one, name)
        assert len(inputs) == 3  # a fifth of 15, fewer than the trajectories
        state, states = np.zeros((3, 10)), []
        for x in inputs.transpose(1, 0, 2):
            state = 0.8 * state + 0.2 * np.tanh(state @ weights.T + x @ into.T + constant)
            states.append(state)
        states = np.stack(states, 1)
        mean, axes = arrays["phase_plane_mean"][number], arrays["phase_plane_axes"][number]
        path = arrays["phase_path"][arrays["phase_path_condition"] == number]
        np.testing.assert_allclose(path, (states[0, : phases[0, -1]] - mean) @ axes.T, atol=1e-9)
        flat = np.concatenate([one[: ends[-1]] for one, ends in zip(states, phases, strict=True)])
        np.testing.assert_allclose(mean, flat.mean(0), atol=1e-9)
        seen = (flat - mean) @ axes.T
        np.testing.assert_allclose(arrays["phase_plane_reach"][number], [seen.min(0), seen.max(0)], atol=1e-9)
        values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
        np.testing.assert_allclose(np.abs(axes @ vectors[:, :-3:-1]), np.eye(2), atol=1e-6)
        shares = values[:-3:-1] / values.sum()
        np.testing.assert_allclose(arrays["phase_plane_explained"][number], shares, atol=1e-9)


@pytest.mark.slow
def test_another_prototype_shows_its_own_angle(tmp_path):
    angles = []
    for prototype in range(3):
        (tmp_path / str(prototype)).mkdir()
        one, arrays, _ = analysed(tmp_path / str(prototype), f"analysis.prototype={prototype}", phases="DelayPro")
        _, ends = held(one, "DelayPro", prototype)
        np.testing.assert_allclose(arrays["phase_inputs"][::4], ends)
        cosine, sine = arrays["phase_inputs"][arrays["phase_place_phase"].tolist().index(1)][1:3]
        assert math.hypot(cosine, sine) == pytest.approx(1), "no mean over angles"
        angles.append(math.atan2(sine, cosine))
    assert len(set(np.round(angles, 6))) > 1


@pytest.mark.slow
def test_a_condition_does_not_depend_on_which_others_are_asked_for(tmp_path):
    found = []
    for phases in ("MemoryPro", "ReactAnti, MemoryPro"):
        (tmp_path / phases).mkdir()
        _, arrays, _ = analysed(tmp_path / phases, phases=phases, activation="tanh", g=4.0)
        found.append([arrays["phase_points"][there] for *_, there in places(arrays, "MemoryPro")])
    assert all(np.array_equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.slow
def test_the_rest_is_as_without_phases_and_the_same_seed_gives_the_same_bytes(tmp_path):
    found = []
    for name, phases in (("one", "all"), ("two", "all"), ("none", "none")):
        (tmp_path / name).mkdir()
        path = ini(tmp_path / name, phases=phases, activation="tanh", g=4.0)
        if phases == "none":
            text = path.read_text()
            path.write_text(text.replace("phase_starts = 12\ninterpolation_steps = 4\n", ""))
        assert run(path) == 0
        found.append(tmp_path / name / "out")
    assert not differing(*map(contents, found[:2]))
    with_, without = (ResultsFolder(root).run(0, 0).arrays for root in found[1:])
    assert all(np.array_equal(values, with_[name]) for name, values in without.items())
    assert all(name.startswith("phase_") for name in with_.keys() - without.keys())


def test_it_is_interrupted_while_it_follows(tmp_path, monkeypatch):
    one = read_plan(ini(tmp_path)).combos[0].runs()[0]
    came, own = [], outputs.phase_arrays

    def marked(*arguments):
        came.append(True)
        return own(*arguments)

    monkeypatch.setattr(outputs, "phase_arrays", marked)
    with pytest.raises(Interrupted):
        analyse.execute_one(one, ResultsFolder(tmp_path / "out").run(0, 0), lambda told: None, lambda: bool(came))
    assert came and not (tmp_path / "out").exists()


def test_a_dry_run_counts_its_searches(tmp_path, capsys):
    assert run(ini(tmp_path), "--dry-run") == 0
    assert "All runs: about" in capsys.readouterr().out
    one = read_plan(ini(tmp_path)).combos[0].runs()[0]
    assert search_share(one) == pytest.approx(2 * 6 * 12 / 5)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("analysis.phases=MemoryPo", "trials, DelayPro, MemoryPro, ReactAnti, joined by commas, got 'MemoryPo'; did "
                                     "you mean 'MemoryPro'?"),
        ("analysis.phases=MemoryPro, MemoryPro", "[analysis] phases: expected none, all, or different conditions"),
        ("analysis.phases=", "[analysis] phases: expected none, all, or different conditions"),
        ("analysis.prototype=3", "[analysis] prototype: expected a number below 3, the validation trials of MemoryPro"),
        ("analysis.prototype=-1", "[analysis] prototype: expected a whole number from 0"),
        ("analysis.phase_starts=0", "[analysis] phase_starts: expected a whole number from 1"),
        ("analysis.interpolation_steps=0", "[analysis] interpolation_steps: expected a whole number from 1"),
        ("trialparams.held_out=ReactAnti", "conditions of the validation trials, ReactAnti, joined by commas, got"),
        ("analysis.phases=none", "only where trialparams.task_name = multitask and analysis.phases names conditions"),
    ],
)  # fmt: skip
def test_conditions_and_prototypes_that_there_are_not_are_refused(tmp_path, capsys, setting, text):
    assert run(ini(tmp_path), "--set", setting) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("task", ["flip_flop", "none"])
def test_a_task_without_phases_is_refused(tmp_path, capsys, task):
    path = ini(tmp_path)
    text = path.read_text()
    path.write_text(text[: text.index("[trialparams]")] + f"[trialparams]\ntask_name = {task}\n")
    assert run(path) == 2
    error = capsys.readouterr().err
    assert "applies only where trialparams.task_name = multitask" in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_task_that_the_schema_says_has_phases_is_the_only_one():
    given = {name: {"n_back": 2} for name in ("nback_mem", "pic_latent_mem", "pic_mem")}
    given["seq_mem"] = {"pattern_length": 3}
    for name, task in TASKS.items():
        if not task.closed and name != "neurogym":  # which is an extra
            made = make(name, {"nr_of_trials": 15, **given.get(name, {})}, np.random.default_rng(0))
            assert (made.phases is not None) == (name == "multitask")


# ---- figures


@pytest.mark.slow
def test_each_condition_has_its_figure(tmp_path, capsys):
    _, arrays, _ = analysed(tmp_path, activation="tanh", g=4.0)
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    capsys.readouterr()
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs" / "by_combo").iterdir()}
    assert {"phases_MemoryPro.svg", "phases_ReactAnti.svg"} <= names
    text = (tmp_path / "figs" / "by_combo" / "phases_MemoryPro.svg").read_text()
    said = ("stable fixed points", "MemoryPro", *(f">{PHASES[phase]}<" for phase in OF_TASKS["MemoryPro"]))
    assert all(words in text for words in said) and ">stim2<" not in text
    table = pd.read_csv(tmp_path / "figs" / "means.csv")
    assert {"points_of_MemoryPro_mem1", "stable_points_of_MemoryPro_mem1"} <= set(table["metric"])
    assert "points_of_" not in capsys.readouterr().out, "they would be too many"
    drawn = analyse_figures._fixed_points_by_phase(arrays, 1)
    assert drawn.names == ("context", "response") and drawn.steps == 4
    rows = list(places(arrays, "ReactAnti"))
    assert drawn.places.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (drawn.count(True) + drawn.count(False)).tolist() == [there.sum() for *_, there in rows]
    np.testing.assert_allclose(drawn.where, np.repeat(drawn.places, [there.sum() for *_, there in rows]))


def test_points_far_from_all_states_are_said_to_be_out_of_view():
    path, reach = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[-2.0, -1.0], [2.0, 3.0]])
    points = np.array([[0.5, 0.5], [5.0, 1.0], [-2.0, 1.0], [0.5, 9.0]])
    places, unstable = np.array([0, 0, 0.5, 1]), np.array([0, 0, 1, 2])
    network = FixedPointsByPhase(path, points, places, unstable, np.ones(4), ("a", "b"), 2, np.array([0.6, 0.3]),
                                 reach, np.zeros(4, bool))  # fmt: skip
    assert network.in_view.tolist() == [True, False, True, False]
    assert network.count(True).tolist() == [2, 0, 0] and network.count(False).tolist() == [0, 1, 1]


def test_the_columns_of_the_summary_are_numbers(tmp_path):
    one, _, _ = analysed(tmp_path)
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    assert record["summary"]["points_of_MemoryPro_mem1"] == 1
    assert record["settings"]["analysis.phases"] == "MemoryPro, ReactAnti" == one.config.analysis.phases
