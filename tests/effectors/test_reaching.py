"""Reaching: the arm against closed forms, its trials by their rules, the loop by hand, what training makes of it."""

import copy
import importlib.util
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.architectures import CellNetwork
from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of, training_settings
from randomnet.connectome import Connectome
from randomnet.effectors import MuscleArm, TorqueArm
from randomnet.effectors.muscles import _Clipped
from randomnet.extras import install_line
from randomnet.objectives import StateNoise, closed_loop_objective
from randomnet.objectives.closed_loop import Ramp, move, stepper_of
from randomnet.rnn import Network
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.tasks import check_parameters, make
from randomnet.tasks.reaching import LINKS, fingertips
from randomnet.training import Settings, fit


def run(*arguments):
    return runrandomnet.main([str(argument) for argument in arguments])


WITH_MUSCLES = pytest.mark.skipif(not importlib.util.find_spec("motornet"), reason="motornet is an extra")
FREE = TorqueArm(damping=0.0)
LIKE = torch.zeros(0, dtype=torch.float64)
SHORT = {"nr_of_trials": 20, "trial_steps": 100}


def rng(seed=0):
    return np.random.default_rng(seed)


def reaches(name="reach", seed=0, **params):
    return make(name, {**SHORT, **params}, rng(seed))


def states(number=50, seed=1):
    return torch.from_numpy(rng(seed).uniform(-3, 3, (number, 4)))


def still(number):
    return torch.zeros(number, 2, dtype=torch.float64)


def swung(arm, state, seconds):
    for _ in range(round(seconds / arm.dt)):
        state = arm.step(state, still(len(state)), still(len(state)))
    return state


# ---- the arm


def test_where_the_fingertip_is():
    """Stretched along x; the upper arm up and the elbow at a right angle; folded back."""
    angles = np.array([[0, 0], [math.pi / 2, math.pi / 2], [0, math.pi]])
    expected = np.array([[sum(LINKS), 0], [-LINKS[1], LINKS[0]], [LINKS[0] - LINKS[1], 0]])
    np.testing.assert_allclose(fingertips(angles), expected, atol=1e-15)
    np.testing.assert_allclose(TorqueArm().fingertip(TorqueArm().start(torch.from_numpy(angles))), expected, atol=1e-15)


def test_the_energy_is_that_of_the_masses_and_they_keep_it():
    """By the velocities of both centres of mass, from their positions by finite differences along the movement."""
    state, h = states(), 1e-6
    later = torch.cat([state[:, :2] + h * state[:, 2:], state[:, 2:]], 1)
    centres = []
    for q in (state, later):
        upper, fore = q[:, 0], q[:, 0] + q[:, 1]
        turned = [torch.stack([angle.cos(), angle.sin()], -1) for angle in (upper, fore)]
        centres.append((FREE.centres[0] * turned[0], LINKS[0] * turned[0] + FREE.centres[1] * turned[1]))
    speeds = [((b - a) / h).square().sum(-1) for a, b in zip(*centres, strict=True)]
    spins = state[:, 2] ** 2, (state[:, 2] + state[:, 3]) ** 2
    expected = sum(m * v + i * w for m, v, i, w in zip(FREE.masses, speeds, FREE.inertias, spins, strict=True)) / 2
    torch.testing.assert_close(FREE.energy(state), expected, rtol=1e-4, atol=1e-8)
    drifts = []
    for dt in (0.01, 0.005):
        after = FREE.energy(swung(replace(FREE, dt=dt), state, 1.0))
        drifts.append(float((after / FREE.energy(state) - 1).abs().max()))
    assert drifts[0] < 0.02 and drifts[0] / drifts[1] > 3  # of second order at least


def test_damping_takes_away_the_power_of_its_torques():
    state, arm = states(), TorqueArm(damping=0.5, dt=1e-5)
    lost = (arm.energy(arm.step(state, still(50), still(50))) - arm.energy(state)) / arm.dt
    torch.testing.assert_close(lost, -0.5 * state[:, 2:].square().sum(-1), rtol=2e-3, atol=2e-3)


def test_a_straight_arm_that_only_its_shoulder_turns_is_a_rigid_rod():
    """With the elbow's own torque such that it does not bend, w' = torque / inertia of the rod about the shoulder."""
    m, c, i = FREE.masses, FREE.centres, FREE.inertias
    rod = m[0] * c[0] ** 2 + i[0] + m[1] * (LINKS[0] + c[1]) ** 2 + i[1]
    fore = m[1] * c[1] ** 2 + i[1] + m[1] * LINKS[0] * c[1]
    torque = torch.tensor([[2.0, 2.0 * fore / rod]], dtype=torch.float64)
    rate = FREE.velocity(torch.tensor([[0.4, 0.0, 0.0, 0.0]], dtype=torch.float64), torque)
    torch.testing.assert_close(rate, torch.tensor([[0, 0, 2.0 / rod, 0]], dtype=torch.float64), atol=1e-12, rtol=0)


def test_a_force_on_the_fingertip_does_its_work():
    """What it adds to the energy is force times velocity of the fingertip (by differences)."""
    state, load, arm = states(), torch.from_numpy(rng(2).uniform(-8, 8, (50, 2))), replace(FREE, dt=1e-6)
    after = arm.step(state, still(50), load)
    moved_by = (arm.fingertip(after) - arm.fingertip(state)) / arm.dt
    gained = (arm.energy(after) - arm.energy(state)) / arm.dt
    torch.testing.assert_close(gained, (load * moved_by).sum(-1), rtol=1e-3, atol=1e-3)


def test_the_gradient_through_the_arm_is_that_of_finite_differences():
    arm, load = TorqueArm(), torch.from_numpy(rng(3).uniform(-8, 8, (3, 2)))

    def after(angles, drive):
        state = arm.start(angles)
        for _ in range(3):
            state = arm.step(state, drive, load)
        return arm.observe(state)

    angles, drive = states(3)[:, :2].requires_grad_(), states(3)[:, 2:].clone().requires_grad_()
    assert torch.autograd.gradcheck(after, (angles, drive), rtol=1e-5)


def test_the_gradient_of_clipped_excitations_leads_back_and_not_farther_away():
    drive = torch.tensor([-0.5, -0.5, 0.5, 0.5, 1.5, 1.5], requires_grad=True)
    clipped = _Clipped.apply(drive)
    clipped.backward(torch.tensor([1.0, -1.0] * 3))  # a step down the gradient is one against its sign
    assert clipped.tolist() == [0, 0, 0.5, 0.5, 1, 1] and drive.grad.tolist() == [0, -1, 1, -1, 1, 0]


@WITH_MUSCLES
def test_the_arm_with_muscles():
    """motornet's arm has our links and 14 senses, rests without excitation but for passive forces, and is moved by
    muscles with a gradient."""
    arm, angles = MuscleArm(), torch.tensor([[0.9, 1.2], [1.2, 0.8]])
    state = arm.start(angles)
    assert arm.observe(state).shape == (2, arm.sensed) == (2, 14)
    np.testing.assert_allclose(arm.observe(state)[:, :2].numpy(), fingertips(angles.double().numpy()), atol=1e-6)
    assert (arm.observe(state)[:, 8:] == 0).all()  # muscles of an arm at rest
    drive = torch.full((2, 6), 0.1, requires_grad=True)
    for _ in range(5):
        state = arm.step(state, drive, torch.zeros(2, 2))
    arm.observe(state)[:, 0].sum().backward()
    assert drive.grad.isfinite().all() and (drive.grad != 0).all()
    relaxed = [arm.observe(arm.step(arm.start(angles), drive, torch.zeros(2, 2)))
               for drive in (torch.zeros(2, 6), torch.full((2, 6), -0.3))]  # fmt: skip
    assert torch.equal(*relaxed)
    drive, state = torch.full((2, 6), -0.3, requires_grad=True), arm.start(angles)
    for _ in range(5):
        state = arm.step(state, drive, torch.zeros(2, 2))
    arm.observe(state)[:, 0].sum().backward()
    assert (drive.grad <= 0).all() and (drive.grad < 0).any()  # so that they can be excited at all
    flexed, extended = ({"drive": torch.eye(6)[[k]], "arm": arm.start(angles[:1])} for k in (0, 1))
    for one in (flexed, extended):
        for _ in range(10):
            one["arm"] = arm.step(one["arm"], one["drive"], torch.zeros(1, 2))
    assert float(flexed["arm"]["joint"][0, 0]) > 0.9 > float(extended["arm"]["joint"][0, 0])  # pectoralis, deltoid


# ---- trials


@pytest.mark.parametrize("name", ["reach", "random_target"])
def test_trials_by_their_rules(name):
    trials = reaches(name, nr_of_trials=500, trial_steps=120, input_noise=0, sensor_noise=0)
    sensed = trials.inputs.shape[2] - 3
    assert (sensed, trials.outputs) == {"reach": (6, 2), "random_target": (14, 6)}[name]
    assert trials.catch.mean() == pytest.approx(0.2, abs=0.02)
    assert (trials.inputs == trials.true_inputs).all() and not trials.inputs[..., :sensed].any()
    degrees = np.rad2deg(trials.starts)
    assert (degrees >= [30, 30]).all() and (degrees <= [105, 125]).all()
    starts, bins = fingertips(trials.starts), np.arange(120)
    for k in range(500):
        on, go = trials.phases[k]
        x, y, said = trials.inputs[k, :, sensed:].T
        shown = (bins >= on) & (bins < go)
        target = np.array([x[on], y[on]])
        np.testing.assert_array_equal(x, np.where(shown, target[0], 0))
        np.testing.assert_array_equal(y, np.where(shown, target[1], 0))
        np.testing.assert_allclose(said, 0.15 * (bins >= go), rtol=1e-6)
        goal = np.where((bins >= go)[:, None], target, starts[k])
        np.testing.assert_allclose(trials.targets[k], goal, atol=1e-6)
        assert 10 <= on <= 29 and (go == 120 if trials.catch[k] else on + 5 <= go <= 60)
        assert 0.05 < np.linalg.norm(target) <= sum(LINKS)


def test_each_sense_and_the_controls_may_have_a_noise_of_their_own():
    usual = reaches("random_target", nr_of_trials=30, trial_steps=100, sensor_noise=0.1)
    noises = {"vision_noise": 0.2, "proprioception_noise": 0.0, "action_noise": 0.3}
    other = reaches("random_target", nr_of_trials=30, trial_steps=100, sensor_noise=0.1, **noises)
    noise = [trials.inputs - trials.true_inputs for trials in (usual, other)]
    np.testing.assert_allclose(noise[1][..., :2], 2 * noise[0][..., :2], rtol=1e-5)
    assert not noise[1][..., 2:14].any()
    np.testing.assert_array_equal(noise[1][..., 14:], noise[0][..., 14:])
    np.testing.assert_allclose(other.action_noise, 3 * usual.action_noise, rtol=1e-5)
    same = reaches("random_target", nr_of_trials=30, trial_steps=100, sensor_noise=0.1, action_noise=0.1)
    np.testing.assert_array_equal(same.action_noise, usual.action_noise)


def test_bumps_by_their_rules():
    trials = reaches(nr_of_trials=400, trial_steps=200)
    size = np.linalg.norm(trials.loads, axis=-1)
    pushed = size > 0
    assert pushed.any(1).mean() == 0.5
    for force, during in zip(size[pushed.any(1)], pushed[pushed.any(1)], strict=True):
        on, off = np.flatnonzero(during)[[0, -1]]
        assert 15 <= off - on + 1 <= 29 and during[on : off + 1].all() and on <= 170
        assert 5 <= force[on] <= 10 and np.ptp(force[during]) < 1e-5
    angles = np.arctan2(*trials.loads[pushed.any(1)].sum(1).T)
    assert all(abs(np.exp(1j * k * angles).mean()) < 5 / math.sqrt(200) for k in (1, 2))  # any direction alike


def test_aligned_trials_for_simulation():
    trials = reaches(aligned=True, nr_of_trials=100, trial_steps=155)
    assert not trials.catch.any() and (trials.phases == [30, 70]).all()
    onsets = np.argmax(np.abs(trials.loads).sum(-1) > 0, 1)[np.abs(trials.loads).sum((1, 2)) > 0]
    assert onsets.max() <= 109 and not ((onsets > 66) & (onsets < 70)).any()


def test_the_noise_has_its_sizes_and_the_same_seed_gives_the_same_trials():
    a, b, c = (reaches(seed=seed, nr_of_trials=60) for seed in (5, 5, 6))
    for name in ("inputs", "targets", "starts", "loads", "action_noise", "catch", "phases"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
        assert getattr(a, name).tobytes() != getattr(c, name).tobytes() or name == "catch"
    noise = a.inputs - a.true_inputs
    assert noise[..., :6].std() == pytest.approx(0.005, rel=0.03)
    assert noise[..., 6:].std() == pytest.approx(0.04, rel=0.03)
    assert a.action_noise.std() == pytest.approx(0.005, rel=0.03)
    train_part, validation = a.split(0.75, rng(1))
    assert (len(train_part), len(validation)) == (45, 15)
    rows = {part.tobytes() for part in (*train_part.inputs, *validation.inputs)}
    assert rows == {part.tobytes() for part in a.inputs}
    with pytest.raises(ValueError, match="held_out: expected none, as these trials have no conditions, got '2'"):
        a.split(0.75, rng(1), "2")


def test_bad_parameters_are_told():
    with pytest.raises(ValueError, match="reach: trial_steps: expected a whole number from 100 on, got 99"):
        check_parameters("reach", {"trial_steps": 99})
    with pytest.raises(ValueError, match="random_target: catch_rate: expected a number from 0 to 1, got 2"):
        check_parameters("random_target", {"catch_rate": 2})
    with pytest.raises(ValueError, match=r"loads must have shape \(20, 100, 2\), got \(20, 99, 2\)"):
        replace(reaches(), loads=reaches().loads[:, :99])


# ---- the loop


def network(n=6, channels=9, outputs=2, form="current", seed=0):
    draw = rng(seed)
    edges = [np.repeat(np.arange(n), n), np.tile(np.arange(n), n)]
    weights = draw.standard_normal(n * n) / math.sqrt(n)
    connectome = Connectome("all to all", *edges, weights, np.array([f"u{k}" for k in range(n)]))
    sizes = {"input_weights": (n, channels), "input_bias": (n,), "recurrent_bias": (n,),
             "readout_weights": (outputs, n), "readout_bias": (outputs,)}  # fmt: skip
    interface = {name: 0.3 * draw.standard_normal(shape) for name, shape in sizes.items()}
    return Network(connectome, activation="tanh", form=form, dt=0.2, trainable={"weights": np.arange(n * n)},
                   keep_signs=False, interface=interface)  # fmt: skip


def cells(seed=0):
    return CellNetwork("gru", 9, 12, 2, rng(seed)).double()


def objective(train_part, validation, like=LIKE, batch=16, **more):
    return closed_loop_objective(train_part, validation, batch, like, TorqueArm(), **more)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_the_loop_by_hand(form):
    """In numpy, bin by bin: what is seen 5 bins late and felt 2 bins late, the network's step, the arm's."""
    trials, net, arm = reaches(nr_of_trials=3), network(form=form), TorqueArm()
    goal = objective(trials, trials)
    found = move(stepper_of(net), arm, goal.validation)
    values = {name: tensor.detach().numpy() for name, tensor in net.values().items()}
    matrix, bias = net.matrix().detach().numpy(), values["input_bias"] + values["recurrent_bias"]
    state, h = arm.start(torch.from_numpy(trials.starts.astype(np.float64))), np.zeros((3, 6))
    felt = [arm.observe(state).numpy()]
    for t in range(100):
        senses = np.concatenate([felt[max(0, t - 5)][:, :2], felt[max(0, t - 2)][:, 2:], np.zeros((3, 3))], 1)
        x = trials.inputs[:, t] + senses
        arriving = (np.tanh(h) if form == "current" else h) @ matrix.T + x @ values["input_weights"].T + bias
        h = 0.8 * h + 0.2 * (arriving if form == "current" else np.tanh(arriving))
        rates = np.tanh(h) if form == "current" else h
        action = rates @ values["readout_weights"].T + values["readout_bias"]
        pushed = torch.from_numpy(action + trials.action_noise[:, t])
        state = arm.step(state, pushed, torch.from_numpy(trials.loads[:, t].astype(np.float64)))
        felt.append(arm.observe(state).numpy())
        for got, expected in ((found.inputs, x), (found.actions, action), (found.states, rates),
                              (found.fingertips, felt[-1][:, :2])):  # fmt: skip
            np.testing.assert_allclose(got[t].detach().numpy(), expected, atol=1e-9)
    apart = found.fingertips.detach().numpy() - trials.targets.transpose(1, 0, 2)
    expected = (apart**2).mean() + float((found.actions**2).mean().detach() + 5e-5 * (found.states**2).mean().detach())
    assert float(goal.loss(found, goal.validation).detach()) == pytest.approx(expected, rel=1e-9)
    (figures,) = goal.validate([net], 0)
    ends = 100 * np.linalg.norm(apart[-1], axis=-1)
    assert figures["validate_end_error"] == pytest.approx(ends.mean())
    assert figures["validate_metrics"] == pytest.approx(100 * (ends <= 5).mean())
    limit = np.sort(ends)[:2].mean()  # one of three arrives: sqrt(1/3 2/3 / 3)
    judged = replace(trials, loss_params={**trials.loss_params, "reach_tolerance": limit})
    (figures,) = objective(judged, trials).validate([net], 0)
    assert figures["validate_metrics"] == pytest.approx(100 / 3)
    assert figures["stderr_validate_metrics"] == pytest.approx(100 * math.sqrt(2 / 27))


def test_the_gradient_of_the_loop_is_that_of_finite_differences():
    trials, net = reaches(nr_of_trials=4, ramp_epochs=10), cells()
    goal, h = objective(trials, trials), 1e-6
    (measured,) = goal.measure([net], goal.training[0])  # the first 10 of 100 bins
    measured.loss.backward()
    goal.ramp.updates = 0
    for parameter, place in ((net.readout.weight, (1, 3)), (net.cell.weight_hh, (4, 5)), (net.cell.initial, (2,))):
        own, values = float(parameter.grad[place]), []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[place] += sign * h
                goal.ramp.updates = 0
                values.append(float(goal.measure([net], goal.training[0])[0].loss.detach()))
                parameter[place] -= sign * h
        assert own == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-5, abs=1e-10) and own != 0


def test_the_loss_is_of_more_of_the_trial_in_each_epoch():
    ramp, seen = Ramp(200, updates_per_epoch=2), []
    for updates in (0, 1, 2, 3, 199, 398, 399, 10_000):
        ramp.updates = updates
        seen.append(ramp.steps(150))
    assert seen == [1, 1, 2, 2, 75, 150, 150, 150]
    assert Ramp(0, 1).steps(150) == Ramp(1, 1).steps(150) == 150
    trials = reaches(nr_of_trials=4, ramp_epochs=50)
    goal = objective(trials, trials)
    first, fresh = (goal.measure([cells()], goal.training[0], evaluation=fresh)[0] for fresh in (False, True))
    whole, two = goal.training[0], goal.training[0].first_bins(2)
    for measured, bins in ((first, two), (fresh, whole)):
        assert torch.equal(measured.loss, goal.loss(move(stepper_of(cells()), TorqueArm(), bins), bins))


@pytest.mark.parametrize("make_network", [network, cells])
def test_noise_of_the_state_is_another_in_every_update_and_none_in_validation(make_network):
    trials, net = reaches(nr_of_trials=4, ramp_epochs=0), make_network()
    goal = objective(trials, trials, noise=StateNoise(0.1, 7))
    losses = [float(goal.measure([net], goal.training[0])[0].loss.detach()) for _ in range(2)]
    assert losses[0] != losses[1]
    again = objective(trials, trials, noise=StateNoise(0.1, 7))
    again.load_state([{"moved": 1, "updates": 1}])
    assert float(again.measure([net], again.training[0])[0].loss.detach()) == losses[1]
    assert again.states() == [{"moved": 2, "updates": 2}]
    quiet = objective(trials, trials)
    assert goal.validate([net], 0) == quiet.validate([net], 0)


@pytest.mark.slow
def test_training_beats_doing_nothing():
    """An arm that nobody moves stays where it is; what is left of its distance from the goal after some training."""
    trials = reaches(nr_of_trials=80, bump_rate=0.0, ramp_epochs=5, input_noise=0.0)
    like = torch.zeros(0)
    goal = objective(*trials.split(0.8, rng(1)), like=like, batch=64)
    net = CellNetwork("gru", 9, 32, 2, rng(2))
    with torch.no_grad():
        idle = goal.validation.goals - goal.validation.goals[0]  # the goal is at first where the fingertip is
        nothing = float(idle.square().mean())
    settings = Settings("Adam", 0.01, 25, clip_norm=1.0)
    (progress,) = fit([net], goal, [settings])
    assert nothing > 0.01 and progress.best_loss < 0.85 * nothing


# ---- as an experiment


INI = """
[experiment]
name = a
[paths]
path_to_results = {folder}
[model]
architecture = gru
hidden_size = 6
[trainvalidate]
epochs = {epochs}
state_noise = 0.01
[trialparams]
task_name = reach
nr_of_trials = 12
trial_steps = 100
ramp_epochs = 20
[execution]
workers = 1
checkpoint_every = 1
"""


def written(folder, epochs=4, more=""):
    folder.mkdir(exist_ok=True)
    (folder / "a.ini").write_text(INI.format(folder=folder / "out", epochs=epochs) + more)
    return folder / "a.ini"


def keeping(kept):
    return lambda now: kept.append(copy.deepcopy(now))


def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path):
    one = read_plan(written(tmp_path / "whole")).combos[0].runs()[0]
    found = []
    for stops in (False, True):
        start = build_setup(one)
        goal, kept, settings = objective_of(one, start), [], [training_settings(one)]
        if stops:
            some = [replace(settings[0], epochs=3)]
            fit([start.network], goal, some, checkpoint_every=2, save_checkpoint=keeping(kept))
            start = build_setup(one)
            goal = objective_of(one, start)
        resume = kept[0] if kept else None
        (progress,) = fit([start.network], goal, settings, resume=resume)
        found.append(progress)
    for values in zip(*(list(progress.last.values()) for progress in found), strict=True):
        assert values[0].numpy().tobytes() == values[1].numpy().tobytes()
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in progress.history] for progress in found]
    assert rows[0] == rows[1]


def test_what_a_run_leaves(tmp_path):
    assert run(written(tmp_path), "--set", "trialparams.ramp_epochs=2") == 0
    folder = tmp_path / "out" / "0" / "iter_0"
    history = pd.read_csv(folder / "history.csv")
    assert {"train_loss", "validate_loss", "validate_metrics", "validate_end_error"} <= set(history)
    summary = pd.read_csv(tmp_path / "out" / "summary.csv").iloc[0]
    with np.load(folder / "arrays.npz") as arrays:
        still = 100 * np.linalg.norm(arrays["reach_goals_final"][:, 0] - arrays["reach_goals_final"][:, -1], axis=-1)
        assert arrays["reaches_final"].shape == arrays["reach_goals_final"].shape == (2, 100, 2)
        ends = 100 * np.linalg.norm(arrays["reaches_final"][:, -1] - arrays["reach_goals_final"][:, -1], axis=-1)
    assert ends.mean() == pytest.approx(history["validate_end_error"].iloc[-1], rel=1e-4)
    assert summary["validate_end_error_final"] == history["validate_end_error"].iloc[-1]
    assert summary["baseline_end_error"] == pytest.approx(still.mean(), rel=1e-4)  # of an arm that stays where it is
    assert summary["baseline_metrics"] == 100 * (still <= 5).mean()
    # at first parts of trials count, but for the untrained network
    assert history["train_metrics"].notna().tolist() == [True, False, True, True, True]
    assert summary["chance_metrics"] == summary["baseline_metrics"]
    figures = tmp_path / "figs"
    drawn = ["--results_folders", tmp_path / "out", "--results_labels", "a", "--save_figs", figures]
    assert visualization.main([str(one) for one in drawn]) == 0
    assert {"reaches.png", "loss.png"} <= {path.name for path in figures.rglob("*.png")}


def test_reaches_are_drawn_from_go_on():
    """Go is where the goal leaves the start; trials without one have no target to be far from."""
    goals = np.zeros((3, 20, 2))
    goals[0, 5:], goals[2, 9:] = 0.3, -0.2
    network = plotting.Reaching(np.zeros((3, 20, 2)), goals, goals, 0.01)
    assert network.go.tolist() == [5, 0, 9] and network.trials_with_go.tolist() == [0, 2]
    before, after = plotting.reaches(network).axes[2:]
    mean = before.lines[2].get_xydata()  # after those of the two trials
    np.testing.assert_allclose(mean[[0, -1], 0], [-0.05, 0.10])
    np.testing.assert_allclose(mean[:, 1], 100 * math.sqrt(2) * 0.25)
    np.testing.assert_allclose(after.lines[2].get_xydata()[:, 1], [25 * math.sqrt(2)] * 5 + [0] * 11, atol=1e-12)
    with pytest.raises(ValueError, match="expected reaches with a go cue, got none"):
        plotting.reaches(replace(network, goals=np.zeros((3, 20, 2))))


NETWORKED = {"model.architecture": "network", "net.roi": "random", "net.n": "10", "model.activation": "tanh"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"lyapunov.spectrum_every": "2", **NETWORKED}, "[lyapunov] spectrum_every: expected 0 with task_name = reach"),
        ({"trainvalidate.truncate": "5", **NETWORKED}, "[trainvalidate] truncate: expected 0 with task_name = reach"),
        ({"trainvalidate.segment": "5", **NETWORKED}, "[trainvalidate] segment: expected 0 with task_name = reach"),
        ({"trainvalidate.loss": "task + mse", **NETWORKED}, "[trainvalidate] loss: expected task with task_name ="),
        ({"execution.batch_runs": "4", **NETWORKED}, "[execution] batch_runs: expected auto or 1 with task_name = re"),
        ({"trialparams.held_out": "2"}, "[trialparams] held_out: applies only where trialparams.task_name = odr"),
        ({"trialparams.trial_steps": "50"}, "[trialparams] reach: trial_steps: expected a whole number from 100"),
        ({"trialparams.env": "Null-v0"}, "[trialparams] env: applies only where trialparams.task_name = neurogym"),
    ],
)  # fmt: skip
def test_what_such_a_task_cannot_do_is_one_error(tmp_path, settings, text, capsys):
    path = written(tmp_path)
    settings = {key: value for key, value in settings.items()}
    given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    if "net.n" in settings:
        path.write_text(path.read_text().replace("hidden_size = 6\n", ""))
    assert run(path, *given) == 2
    assert text in capsys.readouterr().err


FOLLOWING = [("analyse", "task_name"), ("benchmark", "task_name"), ("spectrum", "driven")]


@pytest.mark.parametrize(("kind", "key"), FOLLOWING)
def test_kinds_that_follow_trials_cannot_follow_these(tmp_path, kind, key):
    path = tmp_path / "b.ini"
    path.write_text(f"[experiment]\nkind = {kind}\n[net]\nroi = random\nn = 10\n[trialparams]\ntask_name = reach\n"
                    + "[lyapunov]\ndriven = True\n" * (key == "driven"))  # fmt: skip
    with pytest.raises(ConfigError, match=f"{key}: expected (False with task_name = reach|a task whose inputs)"):
        read_plan(path)


def test_without_motornet_one_sentence_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "motornet", None)
    assert run(written(tmp_path), "--set", "trialparams.task_name=random_target") == 2
    said = capsys.readouterr().err
    assert "[trialparams] task_name = random_target: expected motornet" in said
    assert install_line("motornet") in said and said.count("\n") == 1


@WITH_MUSCLES
def test_the_arm_with_muscles_is_trained(tmp_path):
    given = ["trialparams.task_name=random_target", "trialparams.nr_of_trials=8", "trainvalidate.epochs=2"]
    assert run(written(tmp_path), *(part for one in given for part in ("--set", one))) == 0
    history = pd.read_csv(tmp_path / "out" / "0" / "iter_0" / "history.csv")
    assert np.isfinite(history["train_loss"]).all() and (history["grad_norm_weight"] > 0).all()
