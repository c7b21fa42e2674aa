"""kind = analyse: what it writes of a network, checked by hand, and its figures."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet.build.network import build_setup, initial_states
from randomnet.build.trials import trials_of
from randomnet.command_line import figures as figures_command
from randomnet.figures import analyse as analyse_figures
from randomnet.kinds.analyse import outputs
from randomnet.kinds.analyse import run as analyse
from randomnet.kinds.trajectories import conditions_of
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.tasks import Trials
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
    return build_setup(run), folder.run(0, 0).arrays, pd.read_csv(folder.root / "summary.csv").iloc[0]


def numpy_step(start, form, dt):
    """The equation by hand, for tanh without gain and shift."""
    weights = start.network.matrix().detach().double().numpy()
    if form == "current":
        return lambda h: (1 - dt) * h + dt * np.tanh(h) @ weights.T
    return lambda h: (1 - dt) * h + dt * np.tanh(h @ weights.T)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_its_points_are_fixed_points_with_the_eigenvalues_of_the_step_there(tmp_path, form):
    start, arrays, summary = analysed(tmp_path, form=form, g=6.0)
    step, points, indices = numpy_step(start, form, 0.2), arrays["fixed_points"], []
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
        indices.append(np.sign(np.linalg.det(np.eye(12) - jacobian)))
    assert summary["index_sum"] == sum(indices)
    assert summary["stable_points"] == (arrays["fixed_unstable"] == 0).sum()
    separation = np.linalg.norm(points[:, None] - points, axis=-1) + 1e9 * np.eye(len(points))
    assert separation.min() > 1e-6, "each is listed once"


@pytest.mark.parametrize(("activation", "seed"), [("tanh", 2), ("tanh", 5), ("sigmoid", 0), ("relu", 2)])
def test_points_that_were_not_found_are_missed_where_rates_are_bounded(tmp_path, activation, seed):
    """From two starts, which seldom find all."""
    few = ("analysis.starts=2", f"experiment.seed={seed}")
    _, arrays, summary = analysed(tmp_path, *few, g=6.0, activation=activation)
    notes = ResultsFolder(tmp_path / "out").run(0, 0).record["notes"]
    if activation == "relu":
        assert np.isnan(summary["index_sum"]) and not any("missing" in note for note in notes)
        return
    values = arrays["fixed_eigenvalues"]
    total = ((-1) ** ((values.imag == 0) & (values.real > 1)).sum(1)).sum()
    assert summary["index_sum"] == total
    assert notes == outputs._missing({"points": total})


def test_the_note_of_missing_points_says_which_and_by_how_much():
    assert outputs._missing({"points": 1, "points of DelayPro_mem1": 1}) == []
    assert outputs._missing({"points": 1, "points of DelayPro_mem1": -1}) == [
        "fixed points of DelayPro_mem1 are missing, or one is marginal: the signs of det(I - J) sum to -1, those of "
        "all to 1"
    ]


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
    start = build_setup(read_plan(tmp_path / "look.ini").combos[0].runs()[0])
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
    inputs = trials_of(run)[1].inputs[:4].astype(np.float64)
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
    assert runrandomnet.main([str(path)]) == 1
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
        ("lyapunov.tsim=5", "[lyapunov] tsim: applies only where experiment.kind computes spectra"),
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


@pytest.mark.slow
def test_figures_of_each_network_and_against_the_options(tmp_path):
    path = tmp_path / "a.ini"
    text = INI.format(out=tmp_path / "out", g="", activation="tanh", form="rate", dt=0.2, more="duration = 10")
    path.write_text(text.replace("g = \n", "") + '[combosparams]\ncombos_params = {"g": [0.5, 3]}\n'
                    "[trainvalidate]\niterations = 2\n")  # fmt: skip
    assert runrandomnet.main([str(path)]) == 0
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (tmp_path / "figs").rglob("*")}
    assert {"inside_g=0.5.svg", "inside_g=3.svg", "overview.svg", "tests.csv", "means.csv"} <= names


# ---- by groups, in planes of two units, and along trials


REGIONS = {
    "recurrent_regions": [
        {"name": "a", "num_units": 6, "base_firing": 0.5, "cell_types": {"exc": 0.5, "inh": 0.5}},
        {"name": "b", "num_units": 5, "base_firing": 0.2},
    ],
    "recurrent_connections": [
        {"src_region": "a", "src_region_cell_type": "exc", "dst_region": "a"},
        {"src_region": "a", "src_region_cell_type": "inh", "dst_region": "a", "sign": "inhib"},
        {"src_region": "a", "dst_region": "b", "sparsity": 0.4},
        {"src_region": "b", "dst_region": "b", "sign": "inhib"},
        {"src_region": "b", "dst_region": "a"},
    ],
    "input_regions": [],
    "input_connections": [],
}
OF_REGIONS = {"a": slice(0, 6), "b": slice(6, 11)}
OF_TYPES = {"a/exc": slice(0, 3), "a/inh": slice(3, 6), "b": slice(6, 11)}
FLIP_FLOP = "[trialparams]\ntask_name = flip_flop\nn_bits = 2\ntrial_steps = 30\nnr_of_trials = 40\n"


def in_regions(folder, *overrides, more="duration = 20", **settings):
    (folder / "net.json").write_text(json.dumps(REGIONS))
    path = folder / "a.ini"
    usual = {"out": folder / "out", "g": 4.0, "activation": "tanh", "form": "current", "dt": 0.2, "more": more}
    text = INI.format(**usual | settings)
    regions = f"source = regions\ng = 4\n[regions]\nregions_file = {folder / 'net.json'}\n"
    path.write_text(text.replace("roi = random\nn = 12\ng = 4.0\n", regions))
    arguments = [part for override in overrides for part in ("--set", override)]
    assert runrandomnet.main([str(path), *arguments]) == 0
    found = ResultsFolder(folder / "out")
    run = read_plan(path, overrides).combos[0].runs()[0]
    return run, found.run(0, 0), pd.read_csv(found.root / "summary.csv").iloc[0]


def jacobian_by_hand(run, state, drive, dt=0.2):
    """(N, N) of tanh without gain and shift."""
    connectome = build_setup(run).connectome
    weights = connectome.dense()
    if run.config.model.form == "current":
        return (1 - dt) * np.eye(len(state)) + dt * weights * (1 - np.tanh(state) ** 2)
    slope = 1 - np.tanh(weights @ state + drive) ** 2
    return (1 - dt) * np.eye(len(state)) + dt * slope[:, None] * weights


def matched(found, expected):
    """Both (n,) complex as sets: every value has its partner."""
    distances = np.abs(found[:, None] - expected)
    return distances.min(0).max() < 1e-6 and distances.min(1).max() < 1e-6


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize(("by", "groups"), [("", OF_REGIONS), ("region/type", OF_TYPES)])
def test_eigenvalues_by_group_are_those_of_the_diagonal_blocks(tmp_path, form, by, groups):
    run, done, summary = in_regions(tmp_path, f"analysis.by={by}", form=form)
    arrays, drive = done.arrays, build_setup(run).connectome.drive
    assert arrays["groups"].tolist() == list(groups) and summary["groups"] == len(groups)
    sizes = [block.stop - block.start for block in groups.values()]
    assert arrays["group_sizes"].tolist() == sizes
    state, states = build_setup(run).state.numpy(), []
    weights = build_setup(run).connectome.dense()
    for _ in range(101):
        states.append(state)
        to = weights @ np.tanh(state) + drive if form == "current" else np.tanh(weights @ state + drive)
        state = 0.8 * state + 0.2 * to
    places = {"along": np.array(states)[arrays["along_steps"]], "fixed": arrays["fixed_points"]}
    assert len(places["fixed"]) and len(places["along"]) == 20
    for where, points in places.items():
        wholes, blocks = arrays[f"{where}_eigenvalues"], arrays[f"group_eigenvalues_{where}"]
        assert wholes.shape == blocks.shape == (len(points), 11)
        for row, point in enumerate(points):
            jacobian = jacobian_by_hand(run, point, drive)
            assert matched(wholes[row], np.linalg.eigvals(jacobian))
            for values, block in zip(np.split(blocks[row], np.cumsum(sizes)[:-1]), groups.values(), strict=True):
                assert matched(values, np.linalg.eigvals(jacobian[block, block]))
                assert (np.diff(np.abs(values)) <= 1e-12).all()
        for key, values in ((f"{where}_time_constants", wholes), (f"group_time_constants_{where}", blocks)):
            np.testing.assert_allclose(arrays[key], -0.2 / np.log(np.abs(values)), rtol=1e-9)
        counts = [(np.abs(part) > 1).sum(1) for part in np.split(blocks, np.cumsum(sizes)[:-1], axis=1)]
        assert (arrays[f"group_unstable_{where}"] == np.stack(counts, 1)).all()
        assert (arrays[f"{where}_unstable"] == (np.abs(wholes) > 1).sum(1)).all()
    leading = [np.abs(part[-1]).max() for part in np.split(arrays["group_eigenvalues_along"], np.cumsum(sizes)[:-1], 1)]
    assert summary["leading_modulus"] == pytest.approx(np.abs(arrays["along_eigenvalues"][-1]).max())
    assert [summary[f"leading_modulus_of_{name}"] for name in groups] == pytest.approx(leading)
    assert summary["leading_modulus_groups"] == pytest.approx(max(leading))


def test_more_groups_than_can_be_told_apart_are_left_out_with_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "MOST_GROUPS", 10)
    _, done, summary = in_regions(tmp_path, "analysis.by=neuron", more="duration = 5")
    assert not any(name.startswith(("group", "psth")) for name in done.arrays)
    assert summary["groups"] == 11 and summary["leading_modulus"] > 0
    notes = json.loads((done.path / "run.json").read_text())["notes"]
    assert notes == ["by 11 groups, more than 10: their eigenvalues and mean rates are left out"]
    drawn = analyse_figures._linearization(done.arrays)
    assert drawn.groups == () and len(drawn.whole) == 11


@pytest.mark.parametrize("plane", ["a0004, 9", "4,b0003", " 4 , 9 "])
def test_the_plane_of_two_units_is_their_states(tmp_path, plane):
    run, done, summary = in_regions(tmp_path, f"analysis.plane={plane}")
    arrays, start = done.arrays, build_setup(run)
    weights, drive, state, states = start.connectome.dense(), start.connectome.drive, start.state.numpy(), []
    for _ in range(101):
        states.append(state)
        state = 0.8 * state + 0.2 * (weights @ np.tanh(state) + drive)
    np.testing.assert_allclose(arrays["trajectories"][0], np.array(states)[:, [4, 9]], atol=1e-9)
    assert arrays["plane_labels"].tolist() == ["state of a0004", "state of b0003"]
    assert (arrays["plane_axes"] == np.eye(11)[[4, 9]]).all() and not arrays["plane_mean"].any()
    every = np.stack([path for path in followed_by_hand(run)]).reshape(-1, 11)
    grid = arrays["grid"].reshape(-1, 2)
    at = np.tile(every.mean(0), (len(grid), 1))
    at[:, [4, 9]] = grid
    after = 0.8 * at + 0.2 * (np.tanh(at) @ weights.T + drive)
    np.testing.assert_allclose(arrays["velocity"].reshape(-1, 2), (after - at)[:, [4, 9]] / 0.2, atol=1e-9)
    np.testing.assert_allclose(arrays["energy"].ravel(), ((after - at) ** 2).sum(1) / 2, atol=1e-9)
    shares = every.var(0)[[4, 9]] / every.var(0).sum()
    np.testing.assert_allclose(arrays["plane_explained"], shares, rtol=1e-9)
    assert summary["explained"] == pytest.approx(shares.sum())
    assert analyse_figures._state_space(arrays).labels == ("state of a0004", "state of b0003")


def followed_by_hand(run):
    """States (101, 11) of every trajectory."""
    start = build_setup(run)
    weights, drive = start.connectome.dense(), start.connectome.drive
    for state in initial_states(run, start, 4).numpy():
        states = []
        for _ in range(101):
            states.append(state)
            state = 0.8 * state + 0.2 * (weights @ np.tanh(state) + drive)
        yield np.array(states)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_along_trials_the_step_is_linearised_with_its_input_and_rates_are_told_by_condition(tmp_path, form):
    more = "by = region/type\n[trainvalidate]\ninit = connectome\n" + FLIP_FLOP
    run, done, _ = in_regions(tmp_path, form=form, more=more)
    arrays, start = done.arrays, build_setup(run)
    own = {name: values.detach().double().numpy() for name, values in start.network.interface.items()}
    weights = start.network.matrix().detach().double().numpy()
    constant = own["input_bias"] + own["recurrent_bias"] + start.connectome.drive.astype(np.float32)
    trials = trials_of(run)[1]
    inputs, states, rates = trials.inputs.astype(np.float64), np.zeros((len(trials), 11)), []
    path, drives = [states[0]], []
    for time in range(30):
        drive = inputs[:, time] @ own["input_weights"].T + constant
        to = np.tanh(states) @ weights.T + drive if form == "current" else np.tanh(states @ weights.T + drive)
        states = 0.8 * states + 0.2 * to
        rates.append(np.tanh(states) if form == "current" else states)
        path.append(states[0])
        drives.append(drive[0])
    drives.append(constant)
    for step, values in zip(arrays["along_steps"], arrays["along_eigenvalues"], strict=True):
        slope = 1 - np.tanh(path[step] if form == "current" else weights @ path[step] + drives[step]) ** 2
        across = weights * slope if form == "current" else slope[:, None] * weights
        assert matched(values, np.linalg.eigvals(0.8 * np.eye(11) + 0.2 * across))
    rates = np.stack(rates, 1)
    last = [trials.targets[trial, np.flatnonzero(scored)[-1]] for trial, scored in enumerate(trials.mask)]
    names = np.array(["".join(str(int(bit)) for bit in bits) for bits in last])
    assert arrays["psth_conditions"].tolist() == sorted(set(names)) and len(set(names)) >= 3
    np.testing.assert_allclose(arrays["psth_times"], 0.2 * np.arange(1, 31))
    for group, units in enumerate(OF_TYPES.values()):
        means = rates[..., units].mean(-1)
        for number, name in enumerate(arrays["psth_conditions"]):
            some = means[names == name]
            assert arrays["psth_trials"][number] == len(some)
            np.testing.assert_allclose(arrays["psth_mean"][group, number], some.mean(0), atol=1e-9)
            sem = some.std(0, ddof=1) / np.sqrt(len(some)) if len(some) > 1 else np.full(30, np.nan)
            np.testing.assert_allclose(arrays["psth_sem"][group, number], sem, atol=1e-9)


def trials(targets, mask=None, loss="classes", outputs=4, **more):
    count, steps = targets.shape[:2]
    mask = np.ones((count, steps), bool) if mask is None else mask
    return Trials(np.zeros((count, steps, 1), np.float32), targets, mask, outputs, loss, "made", True, **more)


def test_conditions_are_the_tasks_own_or_the_last_target_that_is_scored():
    classes, mask = np.array([[0, 1, 3], [2, 2, 0], [1, 3, 3]]), np.ones((3, 3), bool)
    mask[1, 2] = False
    index, names = conditions_of(trials(classes, mask, outputs=11))
    assert names == ("class 02", "class 03") and index.tolist() == [1, 0, 1]
    bits = np.array([[[0, 1]], [[1, 1]], [[0, 1]]], np.float32)
    index, names = conditions_of(trials(bits, loss="bits", outputs=2))
    assert names == ("01", "11") and index.tolist() == [0, 1, 0]
    index, names = conditions_of(trials(2 * bits - 1, np.ones((3, 1, 2), bool), loss="sign", outputs=2))
    assert [names[one] for one in index] == ["-1 +1", "+1 +1", "-1 +1"]
    values = np.random.default_rng(0).random((3, 4, 2)).astype(np.float32)
    index, names = conditions_of(trials(values, loss="squared", outputs=2))
    assert names == ("all trials",) and index.tolist() == [0, 0, 0]
    own = trials(classes, conditions=np.array([1, 0, 1]), condition_names=("same", "different"))
    index, names = conditions_of(own)
    assert names == ("same", "different") and index.tolist() == [1, 0, 1]
    many = trials(np.arange(17)[:, None], outputs=17)
    assert conditions_of(many)[1] == ("all trials",) and not conditions_of(many)[0].any()


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("analysis.plane=a0004", "[analysis] plane: expected pca, or two different units by name or number 0..10 with"),
        ("analysis.plane=a0004, a0044", "got 'a0004, a0044'; did you mean 'a0004'?"),
        ("analysis.plane=4, 4", "two different units by name or number 0..10 with a comma between them, got '4, 4'"),
        ("analysis.plane=4, 11", "got '4, 11'"),
        ("analysis.plane=pcaa", "got 'pcaa'; did you mean 'pca'?"),
        ("analysis.by=areas", "[analysis] by: must be one of region, type, parent, neuron, region/type, got 'areas'"),
    ],
)
def test_a_plane_or_groups_that_there_are_not_are_refused(tmp_path, capsys, setting, text):
    with pytest.raises(AssertionError):
        in_regions(tmp_path, setting)
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_network_trained_on_a_task_keeps_its_names_and_regions(tmp_path):
    head = f"source = regions\n[regions]\nregions_file = {tmp_path / 'net.json'}\n[model]\nactivation = tanh\n"
    (tmp_path / "net.json").write_text(json.dumps(REGIONS))
    (tmp_path / "train.ini").write_text(
        f"[paths]\npath_to_results = {tmp_path / 'trained'}\n[net]\n{head}[trainvalidate]\nepochs = 2\n"
        f"init = connectome\n{FLIP_FLOP}[execution]\nworkers = 1\n"
    )
    assert runrandomnet.main([str(tmp_path / "train.ini")]) == 0
    (tmp_path / "look.ini").write_text(
        f"[experiment]\nkind = analyse\n[paths]\npath_to_results = {tmp_path / 'out'}\n"
        f"pretrained = {tmp_path / 'trained'}\n[net]\n{head}[analysis]\nstarts = 20\ntrajectories = 3\n{FLIP_FLOP}"
        "[execution]\nworkers = 1\n"
    )
    assert runrandomnet.main([str(tmp_path / "look.ini")]) == 0
    arrays = ResultsFolder(tmp_path / "out").run(0, 0).arrays
    assert arrays["groups"].tolist() == ["a", "b"] and arrays["psth_mean"].shape[::2] == (2, 30)
    last = torch.load(tmp_path / "trained" / "0" / "iter_0" / "model.pt", weights_only=True)["last"]
    start = build_setup(read_plan(tmp_path / "look.ini").combos[0].runs()[0])
    assert start.connectome.names[0] == "a0000"
    np.testing.assert_allclose(np.sort(start.connectome.weights), np.sort(last["weights"].numpy()), rtol=1e-6)
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    assert {"inside.svg", "linearised.svg", "psth.svg"} <= {file.name for file in (tmp_path / "figs").rglob("*")}
    text = (tmp_path / "figs" / "by_combo" / "psth.svg").read_text()
    assert all(name in text for name in ("standard error", "time in the trial", ">a<", ">b<"))


@pytest.mark.parametrize("form", ["current", "rate"])
def test_the_origin_of_a_relu_network_is_at_a_kink_and_neither_stable_nor_unstable(tmp_path, form):
    _, arrays, summary = analysed(tmp_path, activation="relu", form=form, g=3.0, more="duration = 2")
    origin = np.abs(arrays["fixed_points"]).max(1) < 1e-6
    assert origin.any() and arrays["fixed_at_kink"][origin].all() and (arrays["fixed_unstable"][origin] == -1).all()
    assert np.isnan(arrays["fixed_eigenvalues"][arrays["fixed_at_kink"]]).all()
    assert np.isnan(arrays["fixed_time_constants"][arrays["fixed_at_kink"]]).all()
    assert summary["kink_points"] == arrays["fixed_at_kink"].sum()
    assert summary["stable_points"] == (arrays["fixed_unstable"] == 0).sum()
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    assert any("at a kink of the activation" in note and "neither stable nor unstable" in note
               for note in record["notes"])  # fmt: skip
    study = figures_command.gather(
        figures_command.parse(["--results_folders", str(tmp_path / "out"), "--save_figs", "x"])
    )[0]
    figure = next(figure for _, figure in analyse_figures.state_space_figures(study, None))
    texts = [text.get_text().replace("\u00a0", " ") for legend in figure.legends for text in legend.get_texts()]
    assert any("at a kink, neither stable nor unstable" in text.replace("\n", " ") for text in texts)
    marks = {line.get_marker() for line in figure.axes[0].lines}
    assert "D" in marks
    assert all(figure is not None for _, figure in analyse_figures.linearization_figures(study, None))
