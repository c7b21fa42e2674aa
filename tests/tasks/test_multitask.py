"""MultiTask's 15 tasks: a table typed by hand, inputs read as an observer would, weights, successes, batches of one."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import visualization
from randomnet import tasks
from randomnet.build.network import build_setup, check_network
from randomnet.build.objective import objective_of, training_settings
from randomnet.build.trials import trials_of
from randomnet.kinds.trajectories import conditions_of
from randomnet.objectives import (
    TASK_LOSSES,
    Batch,
    Shuffle,
    Term,
    stack_objectives,
    task_objective,
)
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.tasks import check_parameters, make
from randomnet.tasks.multitask import RULES
from randomnet.training import Interrupted, fit
from tests.support.runs import run

LIKE = torch.zeros((), dtype=torch.float64)
NAMES = (
    *("DelayPro", "DelayAnti", "MemoryPro", "MemoryAnti", "ReactPro", "ReactAnti", "IntMod1", "IntMod2"),
    *("ContextIntMod1", "ContextIntMod2", "ContextIntMultimodal"),
    *("Match2Sample", "NonMatch2Sample", "MatchCatPro", "MatchCatAnti"),
)  # in the order of their channels, 5 to 19
MATCHES, DECISIONS = NAMES[11:], NAMES[6:11]
PHASES = ("context", "stim1", "mem1", "stim2", "mem2", "response", "end")
# dynamics_pipeline.md, section 1.2: least and most steps of each phase
OF_FAMILIES = (
    (NAMES[:2], {"context": (15, 34), "stim1": (10, 74), "response": (15, 34)}),
    (NAMES[2:4], {"context": (15, 34), "stim1": (10, 79), "mem1": (10, 79), "response": (15, 34)}),
    (NAMES[4:6], {"context": (25, 124), "response": (15, 84)}),
    (DECISIONS, {"context": (10, 29), "stim1": (10, 79), "mem1": (10, 79), "stim2": (10, 79), "mem2": (5, 14),
                 "response": (15, 34)}),
    (MATCHES, {"context": (10, 29), "stim1": (10, 79), "mem1": (10, 79), "response": (15, 34)}),
)  # fmt: skip
LENGTHS = {name: lengths for names, lengths in OF_FAMILIES for name in names}
SIGMAS = 5


def made(names="all", trials=40, seed=0, **params):
    given = {"tasks": names, "nr_of_trials": trials, "input_noise": 0, **params}
    return make("multitask", given, np.random.default_rng(seed))


def each(trials):
    """Of every trial: its task's name, inputs, targets, weights, and the first steps of its phases by name."""
    rows = zip(trials.conditions, trials.inputs, trials.targets, trials.mask, trials.phases, strict=True)
    for condition, inputs, targets, weights, phases in rows:
        yield trials.condition_names[condition], inputs, targets, weights, dict(zip(PHASES, phases, strict=True))


def pointed(values):
    """The angle and length of (cos, sin), which is the same at all of these steps."""
    assert (values == values[0]).all()
    return math.atan2(values[0, 1], values[0, 0]), math.hypot(*values[0])


def apart(one, other):
    """Degrees from one angle to another, 0 to 360."""
    return math.degrees(one - other) % 360


def near(one, other, tolerance=1e-3):
    return min(apart(one, other), 360 - apart(one, other)) < tolerance


# ---- time


@pytest.fixture(scope="module")
def many():
    return made(trials=1000, names="DelayPro, MemoryAnti, ReactPro, ContextIntMultimodal, MatchCatPro", seed=1)


@pytest.mark.slow
def test_phases_are_as_long_as_the_table_says_and_no_longer(many):
    """All of the lengths occur, evenly, in 1000 trials each."""
    assert many.phase_names == PHASES and many.phases.shape == (5000, 7) and not many.phases[:, 0].any()
    assert many.phases.max() <= 314 < many.inputs.shape[1] == 320
    for index, name in enumerate(many.condition_names):
        lengths = np.diff(many.phases[many.conditions == index], axis=1)
        for phase, column in zip(PHASES, lengths.T, strict=False):
            least, most = LENGTHS[name].get(phase, (0, 0))
            counts = np.bincount(column, minlength=most + 1)
            expected = 1000 / (most - least + 1)
            assert not counts[:least].any() and len(counts) == most + 1
            bins = most - least
            chi2 = ((counts[least:] - expected) ** 2 / expected).sum()
            assert abs(chi2 - bins) <= SIGMAS * math.sqrt(2 * bins), (name, phase)


def test_the_longest_trial_that_can_be_ends_at_314():
    longest = {name: sum(most for _, most in lengths.values()) for name, lengths in LENGTHS.items()}
    assert max(longest.values()) == longest["IntMod1"] == 314


# ---- what is shown and asked


def read_off(name, inputs, at):
    """The angles and lengths that a trial shows, (A, B) of (first, second), from its inputs; all else is checked."""
    channel, end, response = 5 + NAMES.index(name), at["end"], at["response"]
    assert not inputs[end:].any()
    rules = np.zeros(15)
    rules[channel - 5] = 1
    assert (inputs[:end, 5:] == rules).all()
    fixated = end if name in (*NAMES[4:6], *MATCHES) else response
    assert (inputs[:fixated, 0] == 1).all() and not inputs[fixated:, 0].any()
    windows = [slice(at["stim1"], at["mem1"])]
    if name in NAMES[:2]:
        windows = [slice(at["stim1"], end)]
    elif name in NAMES[4:6]:
        windows = [slice(response, end)]
    elif name in DECISIONS:
        windows += [slice(at["stim2"], at["mem2"])]
    elif name in MATCHES:
        windows += [slice(response, end)]
    modalities = [3] if name == "IntMod2" else [1, 3] if name in DECISIONS[2:] else [1]
    silent = np.ones((320, 4), bool)
    for start in modalities:
        for window in windows:
            silent[window, start - 1 : start + 1] = False
    assert not inputs[:, 1:5][silent].any()
    return [[pointed(inputs[window, start : start + 2]) for window in windows] for start in modalities]


def wanted(name, shown):
    """The answer to what is shown, or None where fixation is to be kept."""
    first = shown[0][0][0]
    if name in NAMES[:6]:
        return first + (math.pi if name.endswith("Anti") else 0)
    if name in DECISIONS:
        which = {"ContextIntMod2": [1], "ContextIntMultimodal": [0, 1]}.get(name, [0])
        one, other = (sum(shown[modality][number][1] for modality in which) for number in (0, 1))
        return shown[0][int(other > one)][0]
    second = shown[0][1][0]
    alike = {
        "Match2Sample": near(first, second),
        "NonMatch2Sample": near(first + math.pi, second),
        "MatchCatPro": lower(first) == lower(second),
        "MatchCatAnti": lower(first) != lower(second),
    }[name]
    return second if alike else None


def lower(angle):
    """Whether it is in -pi..0, the first of them included; of one of the 32 angles, which float32 has not exactly."""
    return round(angle / (math.pi / 16)) % 32 >= 16


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_the_table(name):
    trials = made(name, trials=200, seed=NAMES.index(name))
    assert trials.condition_names == (name,) and len(trials) == 200
    answered = 0
    for _, inputs, targets, _, at in each(trials):
        shown = read_off(name, inputs, at)
        answer = wanted(name, shown)
        expected = np.zeros((320, 3))
        expected[: at["response"], 0] = 1
        if answer is None:
            expected[: at["end"], 0] = 1
        else:
            expected[at["response"] : at["end"], 1:] = math.cos(answer), math.sin(answer)
        np.testing.assert_allclose(targets, expected, atol=1e-5)
        answered += answer is not None
    if name in MATCHES[:2]:
        assert answered == 100
    elif name in MATCHES:
        assert abs(answered - 100) <= SIGMAS * math.sqrt(50)
    else:
        assert answered == 200


def test_the_tasks_are_these_in_this_order():
    assert tuple(RULES) == NAMES


@pytest.mark.slow
def test_angles_are_any_of_32_and_lengths_are_drawn_as_told():
    angles, lengths, differences = [], [], []
    for name, inputs, _, _, at in each(made("DelayPro, ReactAnti, IntMod1, ContextIntMod2", trials=640, seed=2)):
        shown = read_off(name, inputs, at)
        angles.append(round(shown[0][0][0] / (math.pi / 16)) % 32)
        assert near(shown[0][0][0], angles[-1] * math.pi / 16)
        if name in DECISIONS:
            differences.append(apart(shown[0][1][0], shown[0][0][0]))
            assert all(near(*(modality[number][0] for modality in shown[:2])) for number in (0, 1) if len(shown) > 1)
            lengths += [[modality[0][1], modality[1][1]] for modality in shown]
        else:
            assert shown[0][0][1] == pytest.approx(1)
    counts = np.bincount(angles, minlength=32)
    assert abs(((counts - 80) ** 2 / 80).sum() - 31) <= SIGMAS * math.sqrt(62)
    differences, lengths = np.array(differences), np.array(lengths)
    even = np.abs(np.sort(differences) - 90 - 180 * (np.arange(1280) + 0.5) / 1280).max() / 180
    assert even < 2 / math.sqrt(1280)  # Kolmogorov: about one false alarm in 1500
    mean, contrast = lengths.mean(1), np.diff(lengths, axis=1)[:, 0] / 2
    assert mean.min() >= 0.8 - 1e-6 and mean.max() <= 1.2 + 1e-6
    assert mean.mean() == pytest.approx(1, abs=SIGMAS * 0.4 / math.sqrt(12 * len(mean)))
    values, counts = np.unique(np.round(contrast, 4), return_counts=True)
    assert values.tolist() == [-0.32, -0.16, -0.08, 0.08, 0.16, 0.32]
    assert np.abs(counts - len(mean) / 6).max() <= SIGMAS * math.sqrt(len(mean) * 5 / 36)


def test_two_modalities_that_are_added_never_cancel():
    least = min(abs(sum(modality[0][1] - modality[1][1] for modality in read_off(name, inputs, at)))
                for name, inputs, _, _, at in each(made("ContextIntMultimodal", trials=500)))  # fmt: skip
    assert least == pytest.approx(2 * 0.08, abs=1e-5)
    signs = [[modality[0][1] > modality[1][1] for modality in read_off(name, inputs, at)]
             for name, inputs, _, _, at in each(made("ContextIntMod1", trials=400))]  # fmt: skip
    assert abs(np.equal(*np.transpose(signs)).sum() - 200) <= SIGMAS * 10  # of others they are drawn each alone


@pytest.mark.parametrize("name", MATCHES[:2])
def test_angles_that_do_not_match_are_off_by_10_to_349_whole_degrees(name):
    off = [apart(second[0], first[0] + (math.pi if name == "NonMatch2Sample" else 0))
           for [[first, second]] in (read_off(name, inputs, at)
                                     for _, inputs, _, _, at in each(made(name, trials=800)))]  # fmt: skip
    off = np.array([value for value in off if 1 < value < 359])
    assert len(off) == 400 and off.min() >= 9.99 and off.max() <= 349.01
    np.testing.assert_allclose(off, np.round(off), atol=1e-3)
    assert off.min() < 15 and off.max() > 344
    assert off.mean() == pytest.approx(179.5, abs=SIGMAS * 340 / math.sqrt(12 * 400))


def test_some_of_the_tasks_keep_their_channels():
    trials = made("MatchCatAnti, DelayPro")
    assert trials.condition_names == ("DelayPro", "MatchCatAnti")
    assert np.bincount(trials.conditions).tolist() == [40, 40]
    assert (trials.inputs[:40, 0, 5] == 1).all() and (trials.inputs[40:, 0, 19] == 1).all()


@pytest.mark.parametrize("text", ["DelayPro, DelayPro", "DelayPr", "all, DelayPro", "", "2"])
def test_tasks_that_there_are_not_are_refused(text):
    message = r"tasks: expected all, or different ones of DelayPro, .*, MatchCatAnti, joined by commas, got"
    with pytest.raises(ValueError, match=message) as caught:
        check_parameters("multitask", {"tasks": text})
    assert str(caught.value).endswith("did you mean 'DelayPro'?") == (text == "DelayPr")


# ---- noise


def test_noise_is_on_all_channels_until_the_end_of_each_trial():
    plain, noisy = made(trials=10), made(trials=10, input_noise=0.3)
    assert plain.true_inputs is None and (noisy.true_inputs == plain.inputs).all()
    assert (noisy.targets == plain.targets).all() and (noisy.phases == plain.phases).all()
    within = np.arange(320) < plain.phases[:, -1:]
    assert not noisy.inputs[~within].any()
    noise = (noisy.inputs - plain.inputs)[within].astype(np.float64)
    assert noise.std() == pytest.approx(0.3, abs=SIGMAS * 0.3 / math.sqrt(2 * noise.size))
    assert noise.std(0) == pytest.approx(0.3, abs=SIGMAS * 0.3 / math.sqrt(2 * len(noise)))
    assert noise.mean() == pytest.approx(0, abs=SIGMAS * 0.3 / math.sqrt(noise.size))


@pytest.mark.parametrize("name", ["flip_flop", "odr", "dpa", "go_nogo", "dual"])
def test_other_tasks_have_inputs_without_noise_too(name):
    params = {"nr_of_trials": 24}
    noisy = make(name, {**params, "input_noise": 0.2}, np.random.default_rng(3))
    plain = make(name, {**params, "input_noise": 0}, np.random.default_rng(3))
    assert plain.true_inputs is None and (noisy.true_inputs == plain.inputs).all()
    assert (noisy.inputs != noisy.true_inputs).mean() > 0.99


# ---- fixation as the predecessor has it


@pytest.mark.parametrize("name", NAMES)
def test_fixation_as_the_predecessor_asks_for_it(name):
    ours, theirs = made(name), made(name, ctd_fixation=True)
    assert (ours.inputs == theirs.inputs).all() and (ours.targets[..., 1:] == theirs.targets[..., 1:]).all()
    for _, _, targets, _, at in each(theirs):
        expected = np.zeros(320)
        expected[: 0 if name in MATCHES[1:] else at["response"]] = 1
        assert (targets[:, 0] == expected).all()


# ---- the record


def test_a_split_is_of_each_task_and_takes_all_arrays_along():
    whole = made(trials=20, input_noise=0.3)
    training, validation = whole.split(0.8, np.random.default_rng(5))
    assert np.bincount(training.conditions).tolist() == [16] * 15
    assert np.bincount(validation.conditions).tolist() == [4] * 15
    rows = {inputs.tobytes(): index for index, inputs in enumerate(whole.inputs)}
    found = []
    for part in (training, validation):
        where = [rows[inputs.tobytes()] for inputs in part.inputs]
        for name in ("true_inputs", "targets", "mask", "phases", "conditions"):
            assert (getattr(part, name) == getattr(whole, name)[where]).all()
        found += where
        assert np.abs(np.diff(part.conditions)).sum() > len(part)  # in random order
    assert sorted(found) == list(range(300))


def test_a_task_is_held_out():
    training, validation = made(trials=4).split(0.8, np.random.default_rng(5), "MatchCatPro, IntMod2")
    assert len(training) == 13 * 4 and set(validation.conditions) == {7, 13}


def test_trials_check_what_each_has():
    good = made("DelayPro", trials=3, input_noise=0.1)
    for change, text in [
        ({"true_inputs": good.inputs[:2]}, r"true_inputs must have shape \(3, 320, 20\), got \(2, 320, 20\)"),
        ({"phases": good.phases[:, 1:]}, r"phases must have shape \(3, 7\), got \(3, 6\)"),
        ({"phases": good.phases.astype(float)}, "phases must be int64, got float64"),
        ({"mask": good.mask > 0}, "mask must be float32, got bool"),
        ({"phases": None}, "phases and conditions must be given with the loss response, got None"),
        ({"conditions": None}, "phases and conditions must be given with the loss response, got None"),
    ]:
        with pytest.raises(ValueError, match=text):
            replace(good, **change)


def test_conditions_of_figures_are_the_tasks():
    trials = made(trials=3)
    index, names = conditions_of(trials)
    assert names == NAMES and (index == trials.conditions).all()


# ---- how outputs are judged


def judged(trials, outputs):
    """Loss and figures of outputs (trials, time, outputs)."""
    row, batch = TASK_LOSSES[trials.loss], task_objective(trials, trials, len(trials), LIKE, Term()).validation
    outputs = torch.as_tensor(outputs, dtype=torch.float64).transpose(0, 1)
    params = trials.loss_params
    figures = row.figures(outputs, batch, params) | row.validation_figures(outputs, batch, params)
    return float(row.loss(outputs, batch, params)), {name: float(value) for name, value in figures.items()}


@pytest.mark.parametrize("name", ["DelayAnti", "MemoryPro", "ReactAnti", "ContextIntMod1", "Match2Sample"])
def test_weights_of_a_trial_of_each_family_by_hand(name):
    """0 of five steps, 1 until the response, 0 of its first five steps, 5 until the end, and 0."""
    for _, _, _, weights, at in each(made(name, trials=5)):
        expected = [0] * 5 + [1] * (at["response"] - 5) + [0] * 5 + [5] * (at["end"] - at["response"] - 5)
        assert weights.tolist() == expected + [0] * (320 - len(expected))


@pytest.mark.parametrize("ctd", [False, True])
def test_an_ideal_observer_is_right_and_loses_nothing(ctd):
    trials = made(trials=30, ctd_fixation=ctd)
    loss, figures = judged(trials, trials.targets)
    assert loss == 0 and figures == {"metrics": 100, **{f"metrics_{name}": 100 for name in NAMES}}
    astray = np.where(trials.mask[..., None] > 0, trials.targets, 7)
    assert judged(trials, astray) == (loss, figures)  # all steps that count for success count for the loss


@pytest.mark.slow
def test_silence_is_right_where_a_response_is_to_be_withheld_and_nowhere_else():
    trials = made(trials=100)
    asked = (trials.targets[..., 1:] != 0).any((1, 2))
    _, figures = judged(trials, np.zeros_like(trials.targets))
    assert figures["metrics"] == pytest.approx(100 * (~asked).mean())
    for index, name in enumerate(NAMES):
        share = 100 * (~asked[trials.conditions == index]).mean()
        assert figures[f"metrics_{name}"] == pytest.approx(share)
        assert (share == 0) == (name not in MATCHES)
    _, figures = judged(trials, -trials.targets)  # the opposite of what is asked
    assert figures["metrics"] == pytest.approx(100 * (~asked).mean())


@pytest.mark.parametrize(("turn", "scale", "right"), [(17.9, 1, True), (-17.9, 0.51, True), (18.1, 1, False),
                                                      (0, 0.49, False), (0, 30, True)])  # fmt: skip
def test_a_response_is_right_within_18_degrees_and_long_enough(turn, scale, right):
    trials = made("MemoryPro", trials=20)
    matrix = scale * np.array([[math.cos(math.radians(turn)), math.sin(math.radians(turn))],
                               [-math.sin(math.radians(turn)), math.cos(math.radians(turn))]])  # fmt: skip
    outputs = np.concatenate([trials.targets[..., :1], trials.targets[..., 1:] @ matrix], -1)
    assert judged(trials, outputs)[1]["metrics"] == 100 * right


def test_a_response_is_the_mean_over_its_last_quarter():
    trials = made("DelayPro", trials=30)
    outputs = np.zeros_like(trials.targets)
    for output, target, (_, _, _, _, at) in zip(outputs, trials.targets, each(trials), strict=True):
        late = at["end"] - math.ceil((at["end"] - at["response"]) / 4)
        output[late : at["end"]] = target[late : at["end"]]
        output[late - 1], output[at["end"]] = -100 * target[at["response"]], -100 * target[at["response"]]
        noise = np.random.default_rng(at["end"]).normal(size=(at["end"] - late, 3)) * 20
        output[late : at["end"]] += noise - noise.mean(0)  # of mean 0
    assert judged(trials, outputs)[1]["metrics"] == 100


def test_responses_that_are_to_be_withheld_may_be_short():
    trials = made("Match2Sample", trials=20)
    outputs = np.zeros_like(trials.targets)
    withheld = ~(trials.targets[..., 1:] != 0).any((1, 2))
    for length, right in ((0.49, True), (0.51, False)):
        outputs[..., 1] = length
        _, figures = judged(trials, np.where(withheld[:, None, None], outputs, trials.targets))
        assert figures["metrics"] == (100 if right else 50)


def test_the_loss_by_hand():
    """Weights of 1 and 5 of three outputs each, in a mean over all trials."""
    trials = made("ReactPro, MatchCatPro", trials=3)
    outputs = np.random.default_rng(1).normal(size=trials.targets.shape)
    total = sum((weight * (said - target) ** 2).sum()
                for weight, said, target in zip(trials.mask.ravel(), outputs.reshape(-1, 3),
                                                trials.targets.reshape(-1, 3), strict=True))  # fmt: skip
    assert judged(trials, outputs)[0] == pytest.approx(total / (3 * trials.mask.sum()), rel=1e-6)


def test_the_loss_has_its_gradient():
    trials = made("DelayPro", trials=5)
    batch = task_objective(trials, trials, 5, LIKE, Term()).validation
    outputs = torch.zeros(batch.targets.shape, dtype=torch.float64, requires_grad=True)
    TASK_LOSSES["response"].loss(outputs, batch, trials.loss_params).backward()
    weights = torch.from_numpy(trials.mask).double().mT[..., None]
    expected = -2 * weights * batch.targets / (3 * weights.sum())
    np.testing.assert_allclose(outputs.grad, expected, atol=1e-12)


def test_runs_side_by_side_are_judged_as_each_alone():
    trials = [made(trials=4, seed=seed).split(0.5, np.random.default_rng(0)) for seed in (1, 2)]
    goals = [task_objective(*one, 7, LIKE, Term()) for one in trials]
    together, row = stack_objectives(goals).validation, TASK_LOSSES["response"]
    outputs = [torch.from_numpy(np.random.default_rng(seed).normal(size=goals[0].validation.targets.shape))
               for seed in (3, 4)]  # fmt: skip
    for function in (row.figures, row.validation_figures, lambda *given: {"loss": row.loss(*given)}):
        beside = function(torch.stack(outputs), together, goals[0].loss_params)
        alone = [function(out, goal.validation, goal.loss_params) for out, goal in zip(outputs, goals, strict=True)]
        for key, values in beside.items():
            np.testing.assert_allclose(values, [one[key] for one in alone], rtol=1e-12)
    assert isinstance(together.select([1]), Batch) and together.select([1]).phases.shape == (1, 30, 7)


# ---- batches of one task


def conditions(sizes):
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


@pytest.mark.parametrize(("trials", "size", "expected"), [(10, 4, [4, 4, 2]), (10, 20, [10]), (8, 4, [4, 4])])
def test_every_batch_is_of_one_task_and_all_trials_are_in_one(trials, size, expected):
    labels = conditions([trials] * 3)
    shuffle, orders = Shuffle(size, 7), []
    for epoch in range(20):
        drawn = shuffle.batches(labels)
        assert sorted(np.concatenate(drawn)) == list(range(3 * trials))
        assert [len(batch) for batch in drawn] == [length for length in expected for _ in range(3)]
        of = [set(labels[batch]) for batch in drawn]
        assert all(len(one) == 1 for one in of)
        assert all(set.union(*of[start : start + 3]) == {0, 1, 2} for start in range(0, len(of), 3))
        again = shuffle.batches(labels)
        assert all((one == other).all() for one, other in zip(drawn, again, strict=True))
        orders.append(tuple(np.concatenate(drawn)))
        shuffle.updates += len(drawn)
        assert shuffle.updates == (epoch + 1) * len(drawn)
    assert len(set(orders)) == 20


def plan_of(tmp_path, text, *overrides):
    path = tmp_path / "a.ini"
    path.write_text(
        "[net]\nroi = random\nn = 10\n[execution]\nworkers = 1\n"
        f"[trialparams]\ntask_name = multitask\nnr_of_trials = 10\ntasks = DelayPro, ReactAnti\n{text}\n"
    )
    return read_plan(path, overrides)


SHUFFLED = (
    "one_task_batches = True\n[trainvalidate]\nbatch_size = 3\nepochs = 4\nprecision = float64\nstate_noise = 0.1"
)


def test_a_batch_of_the_objective_is_of_these_trials(tmp_path):
    [combo] = plan_of(tmp_path, SHUFFLED).combos
    one = combo.runs()[0]
    goal, (training, _) = objective_of(one, build_setup(one)), trials_of(one)
    batches = goal.batches()
    assert [float(batch.scored) for batch in batches] == [3, 3, 3, 3, 2, 2]
    rows = {inputs.tobytes(): index for index, inputs in enumerate(training.inputs)}
    seen = []
    for batch in batches:
        steps = len(batch.inputs)
        whole = torch.cat([batch.inputs, torch.zeros(320 - steps, *batch.inputs.shape[1:])])
        where = [rows[inputs.float().numpy().tobytes()] for inputs in whole.transpose(0, 1)]
        assert steps == training.phases[where, -1].max()
        assert len(set(training.conditions[where])) == 1 and (batch.conditions == training.conditions[where][0]).all()
        assert (batch.phases.numpy() == training.phases[where]).all()
        assert (training.mask[where, :steps] == batch.weights[..., 0].numpy().T).all()
        assert (batch.targets.numpy().transpose(1, 0, 2) == training.targets[where, :steps]).all()
        seen += where
    assert sorted(seen) == list(range(16))


def test_batches_are_others_in_every_epoch_and_the_same_where_nothing_is_learnt(tmp_path):
    [combo] = plan_of(tmp_path, SHUFFLED).combos
    one = combo.runs()[0]
    start = build_setup(one)
    goal, found = objective_of(one, start), []
    for fresh in (False, True, False, False):
        batches = goal.batches()
        found.append(torch.cat([batch.conditions for batch in batches] + [batch.phases.flatten() for batch in batches]))
        for batch in batches:
            goal.measure([start.network], batch, evaluation=fresh)
    first, second, again, third = (values.tolist() for values in found)
    assert second == again and first != second and second != third and first != third


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_batch_ends_with_its_longest_trial(tmp_path, shuffled):
    """The same loss as of all 320 steps; of two networks side by side, with the longest of both."""
    settings = SHUFFLED if shuffled else "[trainvalidate]\nbatch_size = 3"
    [combo] = plan_of(tmp_path, settings, "trainvalidate.iterations=2").combos
    runs = combo.runs()
    goals = [objective_of(one, build_setup(one)) for one in runs]
    alone, together = [goal.batches() for goal in goals], stack_objectives(goals).batches()
    assert len({batch.inputs.shape[1] for batch in together}) > 1
    for *each, both in zip(*alone, together, strict=True):
        assert all(len(batch.inputs) == batch.phases[:, -1].max() for batch in each)
        assert both.inputs.shape[1] == max(len(batch.inputs) for batch in each)
        for one, batch in zip(range(2), each, strict=True):
            steps = len(batch.inputs)
            assert (both.inputs[one, :steps] == batch.inputs).all() and not both.inputs[one, steps:].any()
            assert (both.weights[one, :steps] == batch.weights).all() and not both.weights[one, steps:].any()


def test_a_training_that_was_stopped_goes_on_to_the_same_bytes(tmp_path):
    [combo] = plan_of(tmp_path, SHUFFLED).combos
    one = combo.runs()[0]

    def trained(states, **options):
        start = build_setup(one)
        [progress] = fit([start.network], objective_of(one, start), [training_settings(one)],
                         save_checkpoint=states.append,
                         checkpoint_every=1, **options)  # fmt: skip
        return progress, start.network.values()

    states, done = [], []
    with pytest.raises(Interrupted):
        trained(states, report=lambda index, row: done.append(row), stop=lambda: len(done) == 2)
    (whole, values), (again, others) = trained([]), trained([], resume=states[-1])
    for row, other in zip(whole.history, again.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
    assert whole.final_loss == again.final_loss
    assert all(torch.equal(values[name], others[name]) for name in values)


# ---- from the INI


def test_defaults_of_noise_are_those_of_each_task(tmp_path):
    assert plan_of(tmp_path, "").combos[0].config.trialparams.input_noise == 0.3
    assert plan_of(tmp_path, "input_noise = 0.1").combos[0].config.trialparams.input_noise == 0.1
    path = tmp_path / "b.ini"
    path.write_text("[net]\nroi = random\n[trialparams]\ntask_name = flip_flop\n")
    assert read_plan(path).combos[0].config.trialparams.input_noise == 0.15
    schema = plan_of(tmp_path, "").combos[0].config.trialparams
    given = {"tasks": "DelayPro, ReactAnti", "nr_of_trials": 10}
    checked = check_parameters("multitask", given)
    assert checked == {key: getattr(schema, key) for key in checked}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n_bits = 3", "n_bits: .* only where trialparams.task_name = flip_flop"),
        ("delay = 3", "delay: .* only where trialparams.task_name = odr"),
        ("held_out = IntMod1", r"\[trialparams\] held_out: .* some \(not all\) of DelayPro, ReactAnti, .* 'IntMod1'"),
        ("train_size = 0.01", r"\[trialparams\] multitask: train_size: .* got 0.01 of 10 trials"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_run(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        check_network(plan_of(tmp_path, text).combos[0].runs()[0])


def test_an_unknown_task_is_refused(tmp_path):
    message = r"\[trialparams\] multitask: tasks: expected all, .* did you mean 'DelayPro'"
    with pytest.raises(ConfigError, match=message):
        check_network(plan_of(tmp_path, "", "trialparams.tasks=DelayPor").combos[0].runs()[0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of two runs of all tasks, and of their figures."""
    folder = tmp_path_factory.mktemp("trained")
    path = folder / "a.ini"
    path.write_text(
        f"[paths]\npath_to_results = {folder / 'out'}\n[net]\nroi = random\nn = 8\n[trainvalidate]\nepochs = 2\n"
        "iterations = 2\n[trialparams]\ntask_name = multitask\nnr_of_trials = 6\n[execution]\nworkers = 1\n"
    )
    assert run(path) == 0
    given = ["--results_folders", folder / "out", "--save_figs", folder / "figs", "--format", "svg"]
    assert visualization.main([str(one) for one in given]) == 0
    return folder


@pytest.mark.slow
def test_the_success_of_each_task_is_recorded(trained):
    history = pd.read_csv(trained / "out" / "0" / "iter_1" / "history.csv")
    columns = [f"validate_metrics_{name}" for name in NAMES]
    assert [name for name in history if name.startswith("validate_metrics_")] == columns
    np.testing.assert_allclose(history[columns].mean(axis=1), history["validate_metrics"], rtol=1e-12)
    summary = pd.read_csv(trained / "out" / "summary.csv")
    for name in columns:
        assert summary[f"{name}_final"][1] == history[name].iloc[-1]


def test_the_success_of_each_task_has_its_panel_and_its_dot(trained):
    figures = {path.stem for path in (trained / "figs" / "by_combo").glob("*.svg")}
    assert {"loss", "accuracies", "accuracies_last"} <= figures
    curves, dots, loss = (
        (trained / "figs" / "by_combo" / f"{stem}.svg").read_text()
        for stem in ("accuracies", "accuracies_last", "loss")
    )
    for name in NAMES:
        assert name in curves and name in dots and name not in loss
    assert all(curves.count(f">{percent}<") == len(NAMES) for percent in (20, 100))  # on axes that can be compared


@pytest.mark.slow
def test_networks_side_by_side_learn_as_each_alone_from_batches_of_their_own(tmp_path):
    path, tables = tmp_path / "a.ini", []
    path.write_text(
        "[net]\nroi = random\nn = 8\n[trainvalidate]\nepochs = 2\niterations = 3\nprecision = float64\nbatch_size = 3\n"
        "[trialparams]\ntask_name = multitask\ntasks = DelayPro, MatchCatPro\nnr_of_trials = 10\n"
        "one_task_batches = True\n[execution]\nworkers = 1\n"
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


def test_the_table_of_tasks_has_it():
    task = tasks.TASKS["multitask"]
    assert task.sizes({}) == (20, 3) and task.trials({"nr_of_trials": 4, "tasks": "all"}) == 60
