"""Tasks with a delay (odr, dpa, go_nogo, dual): labels typed by hand, events step by step, how outputs are judged."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet import tasks
from randomnet.build.network import build_setup, check_network
from randomnet.build.trials import trials_of
from randomnet.objectives import TASK_LOSSES, Batch, Term, task_objective
from randomnet.schema.plan import read_plan
from randomnet.schema.sections.trialparams import TrialParamsSection
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS, Trials, check_parameters, make
from tests.support.paths import ROOT
from tests.support.runs import run

DECISIONS = ("dpa", "go_nogo", "dual")
DELAYED = ("odr", *DECISIONS)
LIKE = torch.zeros((), dtype=torch.float64)
# what the tasks ask (populations.md, section 6): sample, test, distractor -> choice, lick (0: nothing)
BY_HAND = {
    ("A", "C", "go"): (+1, +1),
    ("A", "C", "nogo"): (+1, -1),
    ("A", "C", "none"): (+1, 0),
    ("A", "D", "go"): (-1, +1),
    ("A", "D", "nogo"): (-1, -1),
    ("A", "D", "none"): (-1, 0),
    ("B", "C", "go"): (-1, +1),
    ("B", "C", "nogo"): (-1, -1),
    ("B", "C", "none"): (-1, 0),
    ("B", "D", "go"): (+1, +1),
    ("B", "D", "nogo"): (+1, -1),
    ("B", "D", "none"): (+1, 0),
}
PAIRED = {"AC": +1, "AD": -1, "BC": -1, "BD": +1}


def rng(seed=0):
    return np.random.default_rng(seed)


def made(name, seed=0, **params):
    return make(name, {"nr_of_trials": 48, "input_noise": 0, **params}, rng(seed))


def batch_of(trials):
    return task_objective(trials, trials, len(trials), LIKE, Term()).validation


def judged(trials, outputs):
    """Loss and figures of outputs (trials, time, outputs)."""
    row, batch = TASK_LOSSES[trials.loss], batch_of(trials)
    outputs = torch.as_tensor(outputs, dtype=torch.float64).transpose(0, 1)
    params = trials.loss_params
    figures = row.figures(outputs, batch, params) | row.validation_figures(outputs, batch, params)
    return float(row.loss(outputs, batch, params)), {name: float(value) for name, value in figures.items()}


def seconds(trials, steps_per_second, onset, offset):
    return trials.inputs[:, round(onset * steps_per_second) : round(offset * steps_per_second)]


# ---- labels and events


def only(trials, condition):
    """The trials of a condition."""
    chosen = trials.conditions == condition
    arrays = {name: getattr(trials, name)[chosen] for name in ("inputs", "targets", "mask", "conditions")}
    return replace(trials, **arrays)


def read_off(trials, steps_per_second=2):
    """What is shown in each trial, from its inputs alone."""
    [sample] = set(seconds(trials, steps_per_second, 1, 2)[..., 0].ravel())
    [test] = set(seconds(trials, steps_per_second, 7, 8)[..., 1].ravel())
    go, nogo = seconds(trials, steps_per_second, 3, 4)[..., 2:4].reshape(-1, 2).any(0)
    return {1: "A", -1: "B"}[sample], {1: "C", -1: "D"}[test], "go" if go else "nogo" if nogo else "none"


def test_the_twelve_conditions_of_dual():
    trials = made("dual", steps_per_second=2)
    assert trials.inputs.shape == (48, 18, 5) and trials.targets.shape == (48, 18, 2)
    found = {}
    for index, name in enumerate(trials.condition_names):
        chosen = only(trials, index)
        assert len(chosen) == 4 and (chosen.targets == chosen.targets[0]).all()
        shown = read_off(chosen)
        assert name == f"{shown[0]}{shown[1]} {shown[2]}"
        found[shown] = chosen.targets[0, 16:, 0].tolist(), chosen.targets[0, 11:12, 1].tolist()
        asked = np.zeros((18, 2))
        asked[16:, 0], asked[11:12, 1] = BY_HAND[shown]
        assert (chosen.targets[0] == asked).all()  # nothing else is asked
    assert found == {shown: ([choice] * 2, [lick]) for shown, (choice, lick) in BY_HAND.items()}


def test_the_four_conditions_of_dpa_and_the_two_of_go_nogo():
    trials = made("dpa", steps_per_second=2)
    assert trials.inputs.shape == (48, 18, 5) and not trials.inputs[..., 2:].any()
    for name, label in PAIRED.items():
        chosen = only(trials, trials.condition_names.index(name))
        assert len(chosen) == 12 and "".join(read_off(chosen)[:2]) == name
        assert (chosen.targets[:, 16:, 0] == label).all()
        assert not chosen.targets[:, :16].any() and not chosen.targets[..., 1].any()
    trials = made("go_nogo", steps_per_second=2)
    assert trials.inputs.shape == (48, 14, 5) and not trials.inputs[..., :2].any()
    assert trials.condition_names == ("go", "nogo")
    for index, label in ((0, 1), (1, -1)):
        chosen = only(trials, index)
        assert len(chosen) == 24 and (chosen.targets[:, 11, 1] == label).all()
        assert np.count_nonzero(chosen.targets) == 24


def test_the_events_of_dual_step_by_step():
    """At four steps a second: sample 1-2 s, distractor 3-4, cue 5-5.5 in Go's channel, reward 5.5-6, test 7-8."""
    trials = made("dual", steps_per_second=4)
    for condition, inputs, mask in zip(trials.conditions, trials.inputs, trials.mask, strict=True):
        pair, distractor = trials.condition_names[condition].split()
        some, expected = distractor != "none", np.zeros((36, 5))
        expected[4:8, 0], expected[28:32, 1] = (1 if pair[0] == "A" else -1), (1 if pair[1] == "C" else -1)
        expected[12:16, 2], expected[12:16, 3] = distractor == "go", distractor == "nogo"
        expected[20:22, 2] = expected[22:24, 4] = some
        assert (inputs == expected).all()
        free = np.zeros((36, 2), bool)  # of choice while the test is on, of lick from cue to reward
        free[28:32, 0], free[20 : 22 if some else 24, 1] = True, True
        assert (mask == ~free).all()


def test_dual_without_distractor_is_dpa():
    dual, dpa = made("dual", steps_per_second=4), made("dpa", steps_per_second=4)
    for pair in PAIRED:
        one = dual.inputs[dual.conditions == dual.condition_names.index(f"{pair} none")]
        other = dpa.inputs[dpa.conditions == dpa.condition_names.index(pair)]
        assert (one[0] == other).all() and (one == other[0]).all()


def test_channels_and_outputs_of_the_curriculum_are_the_same():
    sizes = {TASKS[name].sizes(check_parameters(name, {})) for name in DECISIONS}
    assert sizes == {(5, 2)} and len({TASKS[name].parameters for name in DECISIONS}) == 1


@pytest.mark.parametrize("name", DECISIONS)
def test_jitter_puts_off_events_and_asks_for_the_same(name):
    """Every trial is one without jitter whose silences are longer; delays take all whole steps from 0 to the most."""
    plain, jittered = made(name, steps_per_second=4), made(name, steps_per_second=4, delay_jitter=1, iti_jitter=0.5)
    assert jittered.inputs.shape[1] == plain.inputs.shape[1] + 4 + 2
    first = {"go_nogo": (12, 16)}.get(name, (4, 8))  # the first event
    seen = set()
    for condition, inputs, targets, mask in zip(
        jittered.conditions, jittered.inputs, jittered.targets, jittered.mask, strict=True
    ):
        index = np.flatnonzero(plain.conditions == condition)[0]
        begin = np.flatnonzero(inputs.any(-1))[0]
        ended = np.flatnonzero((targets != 0).any(-1))[-1]
        before = begin - first[0]
        later = ended - np.flatnonzero((plain.targets[index] != 0).any(-1))[-1] - before
        seen.add((before, later))
        kept = np.r_[before : before + first[1], before + first[1] + later : plain.inputs.shape[1] + before + later]
        assert (inputs[kept] == plain.inputs[index]).all() and (targets[kept] == plain.targets[index]).all()
        assert (mask[kept] == plain.mask[index]).all()
        left = np.setdiff1d(np.arange(len(inputs)), kept)
        assert not inputs[left].any() and not targets[left].any() and mask[left].all()
    assert {before for before, _ in seen} == {0, 1, 2} and {later for _, later in seen} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("name", DECISIONS)
def test_delays_of_a_list_are_these_and_no_others(name):
    plain = made(name, steps_per_second=2)
    trials = made(name, steps_per_second=2, delay_jitter=(0, 1, 3), iti_jitter=[0.5, 2])
    assert trials.inputs.shape[1] == plain.inputs.shape[1] + 6 + 4
    begins = [np.flatnonzero(inputs.any(-1))[0] for inputs in trials.inputs]
    ends = [np.flatnonzero((targets != 0).any(-1))[-1] for targets in trials.targets]
    first = np.flatnonzero(plain.inputs[0].any(-1))[0]
    last = {condition: np.flatnonzero((plain.targets[index] != 0).any(-1))[-1] - first
            for index, condition in enumerate(plain.conditions)}  # fmt: skip
    assert {begin - first for begin in begins} == {1, 4}
    later = [end - begin - last[which] for begin, end, which in zip(begins, ends, trials.conditions, strict=True)]
    assert set(later) == {0, 2, 6}


def test_delays_of_odr_of_a_list():
    trials = made("odr", erase=0, steps_per_second=2, delay=1, delay_jitter=(1, 4))
    assert set((trials.targets != 0).any(-1).sum(1)) == {4, 10} and trials.inputs.shape[1] == 4 + 2 + 8


@pytest.mark.parametrize("name", DELAYED)
def test_noise_is_added_to_the_same_trials(name):
    plain, noisy = made(name), made(name, input_noise=0.3)
    assert (plain.targets == noisy.targets).all() and (plain.conditions == noisy.conditions).all()
    noise = (noisy.inputs - plain.inputs).astype(np.float64)
    assert noise.std() == pytest.approx(0.3, abs=5 * 0.3 / math.sqrt(2 * noise.size))
    assert noise.mean() == pytest.approx(0, abs=5 * 0.3 / math.sqrt(noise.size))


def test_odr_step_by_step():
    """Silence, bump, delay of 1.5 s, erasing, silence, at four steps a second; the peak is 1, opposite it nothing."""
    trials = made("odr", n_angles=8, n_channels=16, delay=1.5, erase=0.7, steps_per_second=4)
    assert trials.inputs.shape == (48, 4 + 4 + 6 + 8, 16) and trials.condition_names[:3] == ("0", "45", "90")
    assert np.bincount(trials.conditions).tolist() == [6] * 8
    for condition, inputs, targets, mask in zip(
        trials.conditions, trials.inputs, trials.targets, trials.mask, strict=True
    ):
        phi = math.radians(float(trials.condition_names[condition]))
        assert not inputs[:4].any() and not inputs[8:14].any() and not inputs[18:].any()
        bump = [(1 + math.cos(2 * math.pi * k / 16 - phi)) / 2 for k in range(16)]
        np.testing.assert_allclose(inputs[4:8], [bump] * 4, atol=1e-6)
        assert inputs[4, 2 * condition] == 1
        np.testing.assert_allclose(inputs[14:18], -0.7, rtol=1e-6)
        np.testing.assert_allclose(targets[8:14], [[math.cos(phi), math.sin(phi)]] * 6, atol=1e-6)
        assert not targets[:8].any() and not targets[14:].any()
        assert np.flatnonzero(~mask).tolist() == [4, 5, 6, 7, 14, 15, 16, 17]


def test_sharp_bumps_are_cut_off_at_0():
    trials = made("odr", n_angles=1, n_channels=8, tuning=3, steps_per_second=2)
    bump = np.maximum(1 + 3 * np.cos(np.arange(8) * np.pi / 4), 0) / 4
    np.testing.assert_allclose(trials.inputs[0, 2], bump, atol=1e-6)
    assert (bump == 0).sum() == 3


def test_two_angles_one_after_the_other():
    """The second begins where the first has ended, of all pairs of angles equally often."""
    one = made("odr", n_angles=4, steps_per_second=2, delay=2)
    two = made("odr", n_angles=4, steps_per_second=2, delay=2, n_stimuli=2)
    assert two.inputs.shape[1] == 2 * one.inputs.shape[1] and two.condition_names[:2] == ("0+0", "0+90")
    assert np.bincount(two.conditions).tolist() == [3] * 16
    first = {name: one.inputs[one.conditions == index][0] for index, name in enumerate(one.condition_names)}
    for condition, inputs in zip(two.conditions, two.inputs, strict=True):
        names = two.condition_names[condition].split("+")
        assert (inputs == np.concatenate([first[name] for name in names])).all()


def test_jittered_delays_and_silences_of_odr():
    trials = made("odr", n_angles=4, steps_per_second=2, delay=1, delay_jitter=2, iti_jitter=1, n_stimuli=2)
    assert trials.inputs.shape[1] == 2 * (2 * (1 + 1 + 1 + 1 + 1 + 2 + 1))
    lengths, silences = set(), set()
    for inputs, targets, mask in zip(trials.inputs, trials.targets, trials.mask, strict=True):
        held = (targets != 0).any(-1)
        edges = np.flatnonzero(np.diff(np.r_[0, held, 0]))
        assert len(edges) == 4
        for begin, end in edges.reshape(2, 2):
            assert (inputs[begin - 2 : begin] >= 0).all() and inputs[begin - 1].max() == 1
            assert not inputs[begin:end].any() and (inputs[end : end + 2] == -1).all()
            assert mask[begin:end].all() and not mask[begin - 2 : begin].any() and not mask[end : end + 2].any()
            lengths.add(end - begin)
        silences.add(edges[0])
        assert mask.sum() == len(mask) - 8
    assert lengths == {2, 3, 4, 5, 6} and silences == {4, 5, 6}


def test_without_an_erase_trials_end_with_the_delay():
    trials = made("odr", erase=0, steps_per_second=2, delay=2, delay_jitter=1)
    assert trials.inputs.shape[1] == 2 * (1 + 1 + 2 + 1) and (trials.inputs >= 0).all()
    scored = trials.mask[:, 4:]
    assert (scored == (trials.targets[:, 4:] != 0).any(-1)).all() and {4, 5, 6} == set(scored.sum(1))


def test_any_angle():
    trials = make("odr", {"n_angles": 0, "nr_of_trials": 4000, "n_channels": 3, "steps_per_second": 2}, rng())
    angles = np.arctan2(trials.targets[:, 6, 1], trials.targets[:, 6, 0]) / (2 * np.pi) % 1
    assert trials.conditions is None and trials.condition_names == ()
    distances = np.abs(np.sort(angles) - (np.arange(4000) + 0.5) / 4000)
    assert distances.max() < 2 / math.sqrt(4000)  # Kolmogorov: about one false alarm in 1500


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("dual", {"steps_per_second": 5}, "steps_per_second: expected times of whole steps, 5 to the second .* 5.5 s"),
        ("go_nogo", {"steps_per_second": 3}, "steps_per_second: expected times of whole steps, 3 to .* got 5.5 s"),
        ("dpa", {"steps_per_second": 1}, "dpa: steps_per_second: expected a whole number from 2 to 1000, got 1"),
        ("dpa", {"delay_jitter": 0.25}, "delay_jitter: expected times of whole steps, 10 to the second .* got 0.25 s"),
        ("odr", {"iti_jitter": 0.33}, "iti_jitter: expected times of whole steps, 10 to the second .* got 0.33 s"),
        ("odr", {"delay": 1.55}, "delay: expected times of whole steps, 10 to the second .* got 1.55 s"),
        ("odr", {"n_stimuli": 2, "erase": 0}, "erase: expected above 0 with n_stimuli = 2, as nothing else ends"),
        ("dpa", {"cross_entropy": 1.5}, "cross_entropy: expected a number from 0 to 1, got 1.5"),
        ("dpa", {"held_out": 3}, "held_out: expected text, got 3"),
        ("dpa", {"delay_jitter": (1, 0.25)}, "delay_jitter: expected times of whole steps, 10 to the .* got 0.25 s"),
        ("odr", {"iti_jitter": (1, -1)}, r"iti_jitter: expected a number from 0 to 100, or a list .* got \(1, -1\)"),
        ("dpa", {"n_angles": 3}, "dpa: unknown parameter 'n_angles'"),
    ],
)
def test_what_cannot_be_is_refused(name, params, text):
    with pytest.raises(ValueError, match=text) as caught:
        made(name, **params)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["dpa", "odr"])
def test_odd_steps_will_do_where_all_events_are_whole(name):
    assert made(name, steps_per_second=5).inputs.shape[1] == {"dpa": 45, "odr": 35}[name]


# ---- conditions held out


def names_of(trials):
    return {trials.condition_names[index] for index in trials.conditions}


@pytest.mark.parametrize(
    ("name", "held_out", "expected"),
    [
        ("dpa", "AC", {"AC"}),
        ("dual", "AC go, BD nogo", {"AC go", "BD nogo"}),
        ("odr", "45,270", {"45", "270"}),
        ("odr", "90", {"90"}),  # a name before a number
    ],
)
def test_conditions_held_out_are_the_validation_and_nothing_else(name, held_out, expected):
    trials = made(name)
    training, validation = trials.split(0.8, rng(1), held_out)
    assert names_of(validation) == expected and not names_of(training) & expected
    assert names_of(training) | expected == set(trials.condition_names)
    assert len(training) + len(validation) == 48
    by_bytes = [sorted(one.tobytes() for one in np.concatenate([part.inputs for part in parts]))
                for parts in ((trials,), (training, validation))]  # fmt: skip
    assert by_bytes[0] == by_bytes[1]


def test_a_number_of_conditions_is_drawn_by_seed():
    trials, drawn = made("dual"), set()
    for seed in range(40):
        _, validation = trials.split(0.8, rng(seed), "3")
        assert len(names_of(validation)) == 3 and len(validation) == 12
        drawn |= names_of(validation)
    assert drawn == set(trials.condition_names)
    assert names_of(trials.split(0.8, rng(5), "3")[1]) == names_of(trials.split(0.1, rng(5), "3")[1])


@pytest.mark.parametrize(
    ("name", "params", "held_out", "text"),
    [
        ("dpa", {}, "AE", r"held_out: expected none, a whole number in 1\.\.3, or some .* of AC, AD, BC, BD, .* 'AE'"),
        ("dpa", {}, "4", r"held_out: expected none, a whole number in 1\.\.3, .* got '4'"),
        ("dpa", {}, "0", "held_out: expected none, .* got '0'"),
        ("dpa", {}, "", "held_out: expected none, .* got ''"),
        ("dpa", {}, "AC, AD, BC, BD", r"held_out: expected none, .* some \(not all\) of AC"),
        ("dpa", {"nr_of_trials": 50}, "AC", "nr_of_trials: expected a multiple of the 4 conditions .* got 50"),
        ("odr", {"n_angles": 0}, "45", "held_out: expected none, as these trials have no conditions, got '45'"),
        ("odr", {"n_angles": 24}, "24", r"some \(not all\) of 0, 15, .* and 8 more, joined by commas, got '24'"),
    ],
)
def test_what_cannot_be_held_out_is_refused(name, params, held_out, text):
    with pytest.raises(ValueError, match=text):
        made(name, **params).split(0.8, rng(), held_out)


def test_the_tasks_of_before_have_no_conditions():
    with pytest.raises(ValueError, match="held_out: expected none, as these trials have no conditions"):
        make("seq_mem", {"pattern_length": 2}, rng()).split(0.8, rng(), "1")


# ---- how outputs are judged


def test_the_losses_that_tasks_name_are_those_there_are():
    assert tuple(TASK_LOSSES) == tasks.LOSSES
    assert {task.loss for task in TASKS.values() if not task.closed} <= set(tasks.LOSSES)


@pytest.mark.parametrize("name", DELAYED)
@pytest.mark.parametrize("more", [{}, {"delay_jitter": 1, "iti_jitter": 0.5}], ids=["plain", "jittered"])
def test_an_ideal_observer_is_right_and_loses_nothing(name, more):
    """Outputs that are the targets; nothing that is not asked changes that."""
    trials = made(name, **more)
    loss, figures = judged(trials, trials.targets)
    assert loss == pytest.approx(0, abs=1e-6)
    assert figures.pop("metrics") == 100
    error = figures.pop("angle_error", 0)
    assert error == pytest.approx(0, abs=1e-4)
    assert all(value == 100 for value in figures.values() if not math.isnan(value))
    mask = trials.mask if trials.mask.ndim == 3 else trials.mask[..., None]
    again, _ = judged(trials, np.where(mask, trials.targets, rng(5).normal(size=trials.targets.shape)))
    assert again == loss


def test_which_outputs_are_asked():
    for name, asked in (("dpa", {"choice"}), ("go_nogo", {"lick"}), ("dual", {"choice", "lick"})):
        trials = made(name)
        _, figures = judged(trials, trials.targets)
        assert {key for key, value in figures.items() if not math.isnan(value)} == {
            "metrics", *(f"metrics_{output}" for output in asked)}  # fmt: skip


def test_always_yes_is_right_in_half():
    trials = made("dual")
    loss, figures = judged(trials, np.ones_like(trials.targets))
    assert figures == {"metrics": 50, "metrics_choice": 50, "metrics_lick": 50}
    assert loss == pytest.approx(1 + 0.5)  # half of the decisions lose margin + 1 = 2, silence 1/2 everywhere
    _, figures = judged(trials, trials.targets * np.array([1, -1], np.float32))
    assert figures["metrics_choice"] == 100 and figures["metrics_lick"] == 0
    assert figures["metrics"] == pytest.approx(100 * 48 / (48 + 32))  # a third has no distractor
    _, figures = judged(trials, np.zeros_like(trials.targets))
    assert figures["metrics"] == 0  # 0 says nothing


def signs(targets, mask, **given):
    targets, mask = np.array(targets, np.float32)[..., None], np.array(mask, bool)[..., None]
    given = {"margin": 1.0, "cross_entropy": 0.0, "silence": 0.5, "names": ("one",), **given}
    return Trials(np.zeros((*targets.shape[:2], 1), np.float32), targets, mask, 1, "sign", "by hand", False, given)


def test_the_loss_of_signs_by_hand():
    """Two trials of four steps: decisions at two steps, silence at one, and one step that is free."""
    trials = signs([[0, 0, 1, 1], [0, 0, -1, -1]], [[1, 0, 1, 1], [1, 0, 1, 1]])
    outputs = np.array([[0.4, 9.0, 0.2, 0.6], [3.0, 9.0, 0.5, -0.9]])[..., None]
    # o = 0.4 and -0.2: relu(1 - 0.4) = 0.6, relu(1 - 0.2) = 0.8; silence: 0.4^2 / 2 = 0.08 and 3 - 1/2 = 2.5
    loss, figures = judged(trials, outputs)
    assert loss == pytest.approx((0.6 + 0.8) / 2 + 0.5 * (0.08 + 2.5) / 2)
    assert figures == {"metrics": 100, "metrics_one": 100}
    trials = signs([[0, 0, 1, 1], [0, 0, -1, -1]], [[1, 0, 1, 1], [1, 0, 1, 1]], cross_entropy=0.25, margin=0.3)
    entropy = (math.log1p(math.exp(-0.4)) + math.log1p(math.exp(-0.2))) / 2
    loss, _ = judged(trials, outputs)
    assert loss == pytest.approx(0.75 * (0 + 0.1) / 2 + 0.25 * entropy + 0.5 * (0.08 + 2.5) / 2)
    loss, figures = judged(trials, -outputs)
    wrong = (math.log1p(math.exp(0.4)) + math.log1p(math.exp(0.2))) / 2
    assert loss == pytest.approx(0.75 * (0.7 + 0.5) / 2 + 0.25 * wrong + 0.5 * (0.08 + 2.5) / 2)
    assert figures == {"metrics": 0, "metrics_one": 0}


def angles(targets, mask, **given):
    targets = np.array(targets, np.float32)
    given = {"demanded": 1.0, "silence": 0.5, "tolerance": 15.0, **given}
    inputs = np.zeros((*targets.shape[:2], 1), np.float32)
    return Trials(inputs, targets, np.array(mask, bool), 2, "angle", "by hand", False, given)


def test_the_loss_of_angles_by_hand():
    """One trial: silence twice, a free step, and three steps that point to 90 degrees."""
    trials = angles([[[0, 0], [0, 0], [0, 0], [0, 1], [0, 1], [0, 1]]], [[1, 1, 0, 1, 1, 1]])
    outputs = [[[0.3, 0.4], [0, 2], [7, 7], [0, 2], [0.5, 0.0], [0.0, 0.0]]]
    # 1 - cos: 0, 1, 1; relu(1 - |z|): 0, 0.5, 1; silence: 0.5^2 / 2 and 2 - 1/2; errors: 0, 90, and 90 of no angle
    loss, figures = judged(trials, outputs)
    assert loss == pytest.approx((0 + 1.5 + 2) / 3 + 0.5 * (0.125 + 1.5) / 2)
    assert figures == {"metrics": pytest.approx(100 / 3), "angle_error": pytest.approx(60)}
    turned = [[[math.sin(math.radians(off)), math.cos(math.radians(off))] for off in (0, 0, 0, 14.9, -15.1, 180)]]
    _, figures = judged(trials, turned)
    assert figures == {"metrics": pytest.approx(100 / 3), "angle_error": pytest.approx(210 / 3)}
    _, figures = judged(angles(trials.targets, trials.mask, tolerance=16.0), turned)
    assert figures["metrics"] == pytest.approx(200 / 3)


@pytest.mark.parametrize("name", DELAYED)
@pytest.mark.parametrize("scale", [0.02, 0.7, 3.0])
def test_gradients_of_the_losses(name, scale):
    """Against finite differences: outputs that are short (where 1 - cos is linear), of about the margin, and long."""
    more = {} if name == "odr" else {"cross_entropy": 0.4}
    trials = make(name, {"nr_of_trials": 4, "steps_per_second": 2, "delay_jitter": 0.5, **more}, rng(2))
    row, batch = TASK_LOSSES[trials.loss], batch_of(trials)
    outputs = scale * torch.from_numpy(rng(3).standard_normal(batch.targets.shape))
    outputs.requires_grad_()
    assert torch.autograd.gradcheck(lambda values: row.loss(values, batch, trials.loss_params), (outputs,))


def test_the_loss_of_angles_has_a_gradient_at_0_that_points_there():
    trials = angles([[[0, 1], [0, 0]]], [[1, 1]])
    outputs = torch.zeros(2, 1, 2, dtype=torch.float64, requires_grad=True)
    TASK_LOSSES["angle"].loss(outputs, batch_of(trials), trials.loss_params).backward()
    np.testing.assert_allclose(outputs.grad[:, 0], [[0, -10], [0, 0]], atol=1e-12)


@pytest.mark.parametrize("name", DELAYED)
def test_runs_side_by_side_are_judged_as_each_alone(name):
    trials = [made(name, seed, delay_jitter=1) for seed in (1, 2, 3)]
    row, batches = TASK_LOSSES[trials[0].loss], [batch_of(one) for one in trials]
    outputs = [torch.from_numpy(rng(seed).standard_normal(batches[0].targets.shape)) for seed in range(3)]
    fields = ("inputs", "targets", "weights", "scored")
    together = Batch(*(torch.stack([getattr(batch, field) for batch in batches]) for field in fields))
    for function in (row.loss, row.figures, row.validation_figures):
        beside = function(torch.stack(outputs), together, trials[0].loss_params)
        alone = [function(out, batch, trials[0].loss_params) for out, batch in zip(outputs, batches, strict=True)]
        if function is row.loss:
            beside, alone = {"loss": beside}, [{"loss": one} for one in alone]
        for key, values in beside.items():
            np.testing.assert_allclose(values, [one[key] for one in alone], rtol=1e-12)


def test_trials_know_what_their_loss_needs():
    inputs, targets, mask = np.zeros((2, 3, 1), np.float32), np.zeros((2, 3, 3), np.float32), np.ones((2, 3), bool)
    known = "squared, classes, bits, sign, angle, response"
    with pytest.raises(ValueError, match=f"loss must be one of {known}.*, got 'sgin'"):
        Trials(inputs, targets, mask, 3, "sgin", "by hand", False)
    with pytest.raises(ValueError, match=r"mask must have shape \(2, 3, 3\), got \(2, 3\)"):
        Trials(inputs, targets, mask, 3, "sign", "by hand", False)
    with pytest.raises(ValueError, match="targets must be -1, 0 or 1 with the loss sign, got others"):
        Trials(inputs, targets + np.float32(0.5), np.ones(targets.shape, bool), 3, "sign", "by hand", False)
    with pytest.raises(ValueError, match="outputs must be 2, a plane, with the loss angle, got 3"):
        Trials(inputs, targets, mask, 3, "angle", "by hand", False)
    with pytest.raises(ValueError, match=r"conditions must have shape \(2,\), got \(3,\)"):
        Trials(inputs, targets, mask, 3, "squared", "by hand", False, conditions=np.zeros(3, np.int64))


# ---- from the INI


def test_defaults_are_those_of_the_schema():
    schema = TrialParamsSection()
    for name in DELAYED:
        assert check_parameters(name, {}) == {key: getattr(schema, key) for key in check_parameters(name, {})}


def plan_of(tmp_path, text):
    path = tmp_path / "a.ini"
    path.write_text(f"[net]\nroi = random\nn = 10\n[trialparams]\nnr_of_trials = 48\ndelay_jitter = 1\n{text}\n")
    return read_plan(path)


def test_held_out_conditions_from_the_ini(tmp_path):
    [combo] = plan_of(tmp_path, "task_name = dual\nheld_out = AC go, BD none").combos
    training, validation = trials_of(combo.runs()[0])
    assert names_of(validation) == {"AC go", "BD none"} and len(names_of(training)) == 10


def test_a_list_of_times_from_the_ini_and_the_grid(tmp_path):
    [combo] = plan_of(tmp_path, "task_name = dpa\niti_jitter = 4, 0, 1").combos
    assert combo.config.trialparams.iti_jitter == (0, 1, 4)
    assert combo.config.settings()["trialparams.iti_jitter"] == [0, 1, 4]
    shorter = plan_of(tmp_path, "task_name = dpa\niti_jitter = 0, 1").combos[0]
    lengths = [trials_of(one.runs()[0])[0].inputs.shape[1] for one in (combo, shorter)]
    assert lengths[0] - lengths[1] == 3 * combo.config.trialparams.steps_per_second
    grid = 'task_name = odr\n[combosparams]\ncombos_params = {"iti_jitter": ["0, 2", 1]}'
    found = [combo.config.trialparams.iti_jitter for combo in plan_of(tmp_path, grid).combos]
    assert found == [(0, 2), 1]


@pytest.mark.parametrize("listed", ["1, 1", "1, -1", "[]"])
def test_a_list_of_times_that_cannot_be_is_refused(tmp_path, listed):
    message = "iti_jitter: expected a number from 0 to 100, or a list of different ones such as 0, 2, 4, got"
    with pytest.raises(ConfigError, match=message):
        plan_of(tmp_path, f"task_name = dpa\niti_jitter = {listed}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task_name = dpa\nheld_out = AE", r"\[trialparams\] held_out: expected none, a whole number .* got 'AE'"),
        ("task_name = dual\nsteps_per_second = 3", r"\[trialparams\] steps_per_second: expected times of whole steps"),
        ("task_name = dual\niti_jitter = 0.25", r"\[trialparams\] iti_jitter: expected times of whole steps, 10 to"),
    ],
)
def test_the_config_refuses_before_the_first_run(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        check_network(plan_of(tmp_path, text).combos[0].runs()[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task_name = dpa\nheld_out = AC\ntrain_size = 0.5", "train_size: .*held_out = none, which is so"),
        ("task_name = dpa\nn_angles = 4", "n_angles: .* only where trialparams.task_name = odr, which is so"),
        ("task_name = odr\nmargin = 4", "margin: .* only where trialparams.task_name = dpa, go_nogo or dual"),
        ("task_name = seq_mem", "delay_jitter: .* only where trialparams.task_name = odr, dpa, go_nogo or dual"),
    ],
)
def test_what_a_task_does_not_read_is_an_error(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        plan_of(tmp_path, text)


def test_a_grid_over_a_task_writes_its_figures(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text(
        f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 10\n"
        "[trialparams]\nnr_of_trials = 48\nsteps_per_second = 2\n[trainvalidate]\nepochs = 2\n"
        '[combosparams]\ncombos_params = {"task_name": ["odr", "dpa", "go_nogo", "dual"]}\n[execution]\nworkers = 1\n'
    )
    assert run(path) == 0
    expected = {"odr": {"angle_error"}, "dpa": {"metrics_choice"}, "go_nogo": {"metrics_lick"},
                "dual": {"metrics_choice", "metrics_lick"}}  # fmt: skip
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert set(summary["status"]) == {"complete"}
    for combo, (_, figures) in enumerate(expected.items()):
        history = pd.read_csv(tmp_path / "out" / str(combo) / "iter_0" / "history.csv")
        assert {name for name in history if name.startswith("validate_")} == {
            "validate_loss", "validate_metrics", *(f"validate_{name}" for name in figures)}  # fmt: skip
        for name in figures:
            assert summary[f"validate_{name}_final"][combo] == history[f"validate_{name}"].iloc[-1]


def test_an_objective_judges_what_a_network_says(tmp_path):
    """The loss of a network on its trials is that of its outputs, in batches and in all."""
    [combo] = plan_of(tmp_path, "task_name = dual\n[trainvalidate]\nprecision = float64").combos
    network = build_setup(combo.runs()[0]).network
    training, validation = trials_of(combo.runs()[0])
    goal = task_objective(training, validation, 1000, LIKE, Term())
    with torch.no_grad():
        _, outputs = network.run(torch.from_numpy(validation.inputs).double().transpose(0, 1))
    loss, figures = judged(validation, outputs.transpose(0, 1))
    [found] = goal.validate([network], 0)
    errors = {name for name in found if name.startswith("stderr_")}
    assert errors == {f"stderr_validate_{key}" for key in figures if key.startswith("metrics")}
    found = {name: value for name, value in found.items() if name not in errors}
    assert found == {"validate_loss": pytest.approx(loss), **{f"validate_{key}": pytest.approx(value)
                     for key, value in figures.items()}}  # fmt: skip
    [measured] = goal.measure([network], goal.batches()[0])
    assert measured.weight == (training.targets != 0).any(1).sum()  # decisions
    assert set(measured.figures) == {"train_metrics", "train_loss"}


def stored(tmp_path, task, more=""):
    """A folder of a model trained on a task for an epoch."""
    path, out = tmp_path / f"{task}.ini", tmp_path / task
    path.write_text(
        f"[paths]\npath_to_results = {out}\n[net]\nroi = random\nn = 10\n[trainvalidate]\nepochs = 1\n"
        f"[trialparams]\ntask_name = {task}\nnr_of_trials = 48\n{more}\n[execution]\nworkers = 1\n"
    )
    assert run(path) == 0
    return out, torch.load(out / "0" / "model_state_dict_epoch_0_iter_0.pth", weights_only=True)


def begun(tmp_path, text, *overrides):
    path = tmp_path / "next.ini"
    path.write_text(f"[net]\nroi = random\nn = 10\n{text}\n")
    return build_setup(read_plan(path, overrides).combos[0].runs()[0]).network


def test_a_network_goes_on_from_dpa_to_dual_with_its_readout(tmp_path):
    out, state = stored(tmp_path, "dpa")
    text = f"[paths]\npretrained = {out}\n[trialparams]\ntask_name = dual"
    kept = begun(tmp_path, text, "pretrainedparams.keep_readout=True").elman_state_dict()
    new = begun(tmp_path, text).elman_state_dict()
    for name, values in state.items():
        assert torch.equal(kept[name], values)
        assert torch.equal(new[name], values) != name.startswith("fc.")


def test_a_network_of_another_size_is_not_passed_off_as_the_stored_one(tmp_path):
    out, state = stored(tmp_path, "dpa")
    text = f"[paths]\npretrained = {out}\n[trialparams]\ntask_name = dual"
    with pytest.raises(ConfigError, match=r"\[net\] n: expected 10, the units of .*, or left out, got 12"):
        begun(tmp_path, text, "net.n=12")
    path = tmp_path / "left_out.ini"
    path.write_text(f"[net]\nroi = random\n{text}\n")
    network = build_setup(read_plan(path).combos[0].runs()[0]).network
    assert torch.equal(network.elman_state_dict()["rnn.weight_hh_l0"], state["rnn.weight_hh_l0"])


def test_a_readout_of_another_size_is_not_kept(tmp_path):
    out, _ = stored(tmp_path, "nback_mem")
    with pytest.raises(ConfigError, match=r"pretrained: .*: fc.weight: expected .* shape \(1, 10\), got \(3, 10\)"):
        begun(tmp_path, f"[paths]\npretrained = {out}\n[trialparams]\ntask_name = seq_mem\n"
              "[pretrainedparams]\nkeep_readout = True")  # fmt: skip


@pytest.mark.parametrize("name", ["odr", "dual"])
def test_networks_side_by_side_learn_as_each_alone(tmp_path, name):
    """Each with its own trials, and conditions held out of its own."""
    path, tables = tmp_path / "a.ini", []
    path.write_text(
        "[net]\nroi = random\nn = 10\n[trainvalidate]\nepochs = 2\niterations = 3\nprecision = float64\n"
        f"[trialparams]\ntask_name = {name}\nnr_of_trials = 48\nsteps_per_second = 2\nheld_out = 3\n"
        "[execution]\nworkers = 1\n"
    )
    for size in (1, 3):
        settings = (f"execution.batch_runs={size}", f"paths.path_to_results={tmp_path / str(size)}")
        assert run(path, *(part for one in settings for part in ("--set", one))) == 0
        files = sorted((tmp_path / str(size)).glob("*/iter_*/history.csv"))
        tables.append([pd.read_csv(file).drop(columns=["iteration", "seconds"]) for file in files])
    assert len(tables[0]) == 3 and not tables[0][0].equals(tables[0][1])
    for alone, beside in zip(*tables, strict=True):
        assert list(alone) == list(beside)
        np.testing.assert_allclose(beside, alone, rtol=1e-7, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("dpa", 95), ("dual", 95), ("odr", 95), ("lowrank", 95)])
def test_the_templates_learn_their_tasks(tmp_path, name, least):
    out = tmp_path / "out"
    settings = (f"paths.path_to_results={out}", "execution.workers=1")
    assert run(ROOT / "config" / f"{name}.ini", *(part for one in settings for part in ("--set", one))) == 0
    summary = pd.read_csv(out / "summary.csv")
    assert (summary["validate_metrics_best"] > least).all()
