"""The working-memory tasks, cell by cell against the predecessor's layouts, and their files and parameters."""

import gzip
import os
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from randomnet.tasks import (
    TASKS,
    Images,
    Trials,
    check_parameters,
    make,
    nback_mem,
    pic_latent_mem,
    pic_mem,
    read_latents,
    read_mnist,
    seq_mem,
    synthetic_glyphs,
    synthetic_latents,
)

N_BACK = [name for name, task in TASKS.items() if task.per_class]
PICTURES = [name for name, task in TASKS.items() if task.pictured]
SIGMAS = 5  # of a count or a mean: about one false alarm in two million


def rng(seed=0):
    return np.random.default_rng(seed)


def required(name):
    if name == "neurogym":
        pytest.importorskip("neurogym", reason="neurogym is an extra")
    if name == "multitask":
        return {"tasks": "DelayPro, Match2Sample", "nr_of_trials": 20}  # as all 15 tasks are long
    return {"pattern_length": 4} if name == "seq_mem" else {"n_back": 2} if name in N_BACK else {}


def numbered(channels, count=60, classes=10):
    """Images whose first channel is their index, with their classes shuffled: what a trial shows can be read off."""
    vectors = rng(1).random((count, channels), dtype=np.float32)
    vectors[:, 0] = np.arange(count)
    labels = rng(2).permutation(np.arange(count, dtype=np.int64) % classes)
    return Images(vectors, labels, "numbered", synthetic=True)


def stimuli(name, **params):
    """Each trial's stimuli as comparable numbers (trials, TL), whether it is a match, and the images."""
    if name == "nback_mem":
        trials = make(name, params, rng(3))
        return trials.inputs[:, :-1, 1], trials.targets[:, -1] == 2, None
    images = numbered(TASKS[name].channels - 1)
    trials = make(name, {**params, "rescale": False}, rng(3), images)
    shown = trials.inputs[:, :-2, 1]
    assert (trials.inputs[:, :-2, 1:] == images.vectors[shown.astype(int)]).all()  # whole images, nothing else
    return shown, trials.targets[:, -1] == 2, images


def same(a, b):
    return a.inputs.tobytes() + a.targets.tobytes() == b.inputs.tobytes() + b.targets.tobytes()


# ---- layouts


@pytest.mark.parametrize("length", [1, 3, 10])
def test_seq_mem_cell_by_cell(length):
    trials = seq_mem(rng(), nr_of_trials=7, pattern_length=length)
    assert trials.inputs.shape == (7, 2 * length + 1, 2) and trials.targets.shape == (7, 2 * length + 1, 1)
    for inputs, targets, mask in zip(trials.inputs, trials.targets, trials.mask, strict=True):
        for t in range(2 * length + 1):
            cue, value = inputs[t]
            assert cue == (t == length)
            assert 0 < value < 1 if t < length else value == 0
            assert mask[t] == (t > length)
            assert targets[t, 0] == (inputs[t - length - 1, 1] if t > length else 0)
    assert trials.loss == "squared" and trials.outputs == 1 and not trials.synthetic


@pytest.mark.parametrize(("length", "n_back"), [(2, 1), (5, 1), (5, 4), (6, 3)])
def test_nback_mem_cell_by_cell(length, n_back):
    trials = nback_mem(rng(), nr_of_trials=20, trial_length=length, n_back=n_back)
    assert trials.inputs.shape == (40, length + 1, 2) and trials.targets.shape == (40, length + 1)
    for inputs, targets, mask in zip(trials.inputs, trials.targets, trials.mask, strict=True):
        for t in range(length + 1):
            cue, value = inputs[t]
            assert cue == (t == length - 1)
            assert 0 < value < 1 if t < length else value == 0
            assert mask[t] == (t == length)
            assert targets[t] in ((1, 2) if t == length else (0,))
        assert (inputs[length - 1, 1] == inputs[length - 1 - n_back, 1]) == (targets[length] == 2)


@pytest.mark.parametrize(("name", "channels"), [("pic_latent_mem", 50), ("pic_mem", 784)])
def test_picture_tasks_cell_by_cell(name, channels):
    images = numbered(channels)
    params = {"nr_of_trials": 20, "trial_length": 4, "n_back": 3, "rescale": False}
    trials = make(name, params, rng(), images)
    assert trials.inputs.shape == (40, 6, 1 + channels) and trials.targets.shape == (40, 6)
    assert trials.source == "numbered" and trials.synthetic
    for inputs, targets, mask in zip(trials.inputs, trials.targets, trials.mask, strict=True):
        for t in range(6):
            assert inputs[t, 0] == (t == 4)
            vector = images.vectors[int(inputs[t, 1])] if t < 4 else np.zeros(channels)
            assert (inputs[t, 1:] == vector).all()
            assert mask[t] == (t == 5)
            assert targets[t] in ((1, 2) if t == 5 else (0,))
        assert (inputs[3, 1:] == inputs[0, 1:]).all() == (targets[5] == 2)


@pytest.mark.parametrize("name", TASKS)
def test_the_table_says_what_the_trials_are(name):
    task, params = TASKS[name], check_parameters(name, {**required(name), "nr_of_trials": 30})
    trials = make(name, params, rng())
    assert len(trials) == task.trials(params) == (60 if task.per_class or "tasks" in params else 30)
    channels, outputs = task.sizes(params)
    assert trials.inputs.shape[2] == channels and trials.inputs.dtype == np.float32
    assert (trials.outputs, trials.loss) == (outputs, task.loss)
    assert trials.targets.dtype == (np.int64 if task.loss == "classes" else np.float32)
    assert trials.synthetic == task.pictured and ("synthetic" in trials.source) == task.pictured


# ---- the flip-flop


FLIPS = {"n_bits": 3, "trial_steps": 60, "switch_prob": 0.05, "blind_steps": 4, "input_noise": 0.15}


def test_the_flip_flop_step_by_step():
    """Without noise the inputs are the pulses: each bit by hand, and the steps that are not scored."""
    trials = make("flip_flop", {**FLIPS, "nr_of_trials": 40, "input_noise": 0}, rng())
    assert set(np.unique(trials.inputs)) == {-1, 0, 1} and trials.loss == "bits"
    assert not trials.inputs[:, :3].any()
    for pulses, targets, mask in zip(trials.inputs, trials.targets, trials.mask, strict=True):
        bits, blind = [0, 0, 0], 0
        for t in range(60):
            before = list(bits)
            bits = [1 if pulse > 0 else 0 if pulse < 0 else bit for pulse, bit in zip(pulses[t], bits, strict=True)]
            blind = 4 if bits != before else max(0, blind - 1)
            assert targets[t].tolist() == bits
            assert mask[t] == (t >= 5 and blind == 0)


def test_how_often_the_flip_flop_flips():
    """dynamics_pipeline's numbers: .02 (T - 3) pulses, .01 (T - 3) flips, P(1 at t) = (1 - .98^(t - 2)) / 2."""
    trials = make("flip_flop", {**FLIPS, "trial_steps": 150, "switch_prob": 0.01, "nr_of_trials": 4000}, rng())
    noiseless = make("flip_flop", {**FLIPS, "trial_steps": 150, "switch_prob": 0.01, "nr_of_trials": 4000,
                                   "input_noise": 0}, rng())  # fmt: skip
    assert (trials.targets == noiseless.targets).all(), "noise leaves pulses as they are"
    noise = trials.inputs - noiseless.inputs
    assert abs(noise.std() - 0.15) < 3 * 0.15 / np.sqrt(2 * noise.size)
    for found, expected in (
        ((noiseless.inputs != 0).sum(1), 0.02 * 147),
        ((np.diff(noiseless.targets, axis=1) != 0).sum(1), 0.01 * 147),
        (noiseless.targets.mean(1), np.mean(np.maximum(0, 1 - 0.98 ** (np.arange(150) - 2)) / 2)),
    ):
        found = found.reshape(-1)
        assert abs(found.mean() - expected) < 3.5 * found.std() / np.sqrt(len(found))


def test_a_flip_flop_without_a_scored_step_is_refused():
    with pytest.raises(ValueError, match="blind_steps: expected so few that some of 6 steps are scored, got 6"):
        make("flip_flop", {**FLIPS, "trial_steps": 6, "switch_prob": 0.5, "blind_steps": 6, "nr_of_trials": 3}, rng())


# ---- matches, non-matches, classes


@pytest.mark.parametrize("name", N_BACK)
@pytest.mark.parametrize(("length", "n_back"), [(2, 1), (5, 2), (7, 6)])
def test_only_matches_repeat_and_only_at_the_right_lag(name, length, n_back):
    shown, match, images = stimuli(name, nr_of_trials=100, trial_length=length, n_back=n_back)
    equal = shown[:, :-1] == shown[:, -1:]
    assert (equal.sum(1) == match).all() and (equal[:, length - 1 - n_back] == match).all()
    for row, is_match in zip(shown, match, strict=True):
        assert len(set(row)) == length - is_match  # all others distinct
    if name == "pic_latent_mem":
        classes = images.labels[shown.astype(int)]
        assert ((classes[:, :-1] == classes[:, -1:]) == equal).all()


@pytest.mark.parametrize("name", N_BACK)
def test_half_are_matches_in_random_order(name):
    _, match, _ = stimuli(name, nr_of_trials=300, n_back=2)
    assert match.sum() == 300
    runs = 1 + np.count_nonzero(match[1:] != match[:-1])  # Wald and Wolfowitz: mean n + 1, variance about n/2
    assert abs(runs - 301) < SIGMAS * np.sqrt(150)


def test_the_target_of_pic_latent_mem_is_drawn_by_class_and_that_of_pic_mem_by_image():
    """One class holds 30 of 40 images: a class drawn uniformly shows it in 1/4 of the trials, an image in 3/4."""
    labels = np.array([0] * 30 + [1, 2, 3, 3, 3, 3, 2, 2, 1, 1], dtype=np.int64)
    for generate, channels, share in ((pic_latent_mem, 50, 1 / 4), (pic_mem, 784, 3 / 4)):
        images = replace(numbered(channels, 40), labels=labels)
        trials = generate(rng(), nr_of_trials=1000, trial_length=3, n_back=1, rescale=False, images=images)
        target = trials.inputs[:, 2, 1].astype(int)
        assert abs((labels[target] == 0).mean() - share) < SIGMAS * np.sqrt(3 / 16 / 2000)
        if generate is pic_mem:  # distractors ignore class
            assert (labels[trials.inputs[:, 0, 1].astype(int)] == labels[target]).mean() > 0.5


def test_distractors_are_uniform_over_the_images_of_other_classes():
    shown, _, _ = stimuli("pic_latent_mem", nr_of_trials=6000, trial_length=4, n_back=3)
    counts = np.bincount(shown[:, 1:3].astype(int).ravel(), minlength=60)  # two places no repeat reaches
    assert abs(counts - 400).max() < SIGMAS * 20


def test_the_tightest_fit_shows_every_other_image():
    images = replace(numbered(50, 6), labels=np.array([0, 0, 1, 1, 2, 2], dtype=np.int64))
    params = {"nr_of_trials": 50, "trial_length": 5, "n_back": 4, "rescale": False}
    trials = pic_latent_mem(rng(), images=images, **params)
    for row in trials.inputs[trials.targets[:, -1] == 1, :5, 1].astype(int):
        assert set(row[:4]) == set(range(6)) - {row[4], row[4] ^ 1}
    with pytest.raises(ValueError, match=r"trial_length: expected at most 5 with these images \(of 6, 2 .* got 6"):
        pic_latent_mem(rng(), images=images, **{**params, "trial_length": 6})


def test_predicting_a_half_scores_a_twelfth():
    """(x - 1/2)^2 for uniform x has mean 1/12 and variance 1/180."""
    trials = seq_mem(rng(), nr_of_trials=2000, pattern_length=10)
    errors = (trials.targets[trials.mask] - 0.5) ** 2
    assert errors.size == 20000
    assert abs(errors.mean() - 1 / 12) < SIGMAS * np.sqrt(1 / 180 / errors.size)


# ---- lures


@pytest.mark.parametrize("name", N_BACK)
@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_lures_come_at_their_rate_and_only_at_wrong_lags(name, rate):
    shown, match, _ = stimuli(name, nr_of_trials=1000, trial_length=6, n_back=2, lure_rate=rate)
    equal = shown[:, :-1] == shown[:, -1:]
    assert (equal[match] == (np.arange(5) == 3)).all()  # matches hold no lure
    lured = equal[~match]
    assert not lured[:, 3].any() and (lured.sum(1) <= 1).all()
    assert abs(lured.sum() - 1000 * rate) <= SIGMAS * np.sqrt(1000 * rate * (1 - rate))
    places = lured.sum(0)[[0, 1, 2, 4]]  # every wrong lag alike
    assert (abs(places - 1000 * rate / 4) < SIGMAS * np.sqrt(1000 * rate / 4)).all()


@pytest.mark.parametrize("name", N_BACK)
def test_a_lure_rate_changes_nothing_but_the_lures(name):
    params = {"nr_of_trials": 200, "n_back": 2}
    plain, zero, some = (make(name, params | extra, rng()) for extra in ({}, {"lure_rate": 0}, {"lure_rate": 0.4}))
    assert same(plain, zero) and (some.targets == plain.targets).all()
    changed = (some.inputs != plain.inputs).any(2)
    assert changed.any() and (changed.sum(1) <= 1).all()
    assert not changed[plain.targets[:, -1] == 2].any() and not changed[:, 2].any() and not changed[:, 4:].any()


def test_without_lures_the_generator_is_left_where_it_was():
    left = rng()
    nback_mem(left, nr_of_trials=10, trial_length=5, n_back=2, lure_rate=0.0)
    expected = rng()
    expected.permutation(20)
    expected.random((20, 5), dtype=np.float32)
    assert left.random() == expected.random()


# ---- seeds, split, record


@pytest.mark.parametrize("name", TASKS)
def test_the_same_seed_gives_the_same_bytes(name):
    a, b, c = (make(name, required(name), rng(seed)) for seed in (5, 5, 6))
    assert same(a, b) and not same(a, c)


@pytest.mark.parametrize(
    ("name", "train_size", "parts"),
    [("seq_mem", 0.8, (400, 100)), ("nback_mem", 0.8, (800, 200)), ("seq_mem", 0.9975, (499, 1))],
)
def test_split_shares_out_whole_trials(name, train_size, parts):
    trials = make(name, required(name), rng())
    train, validation = trials.split(train_size, rng(1))
    assert (len(train), len(validation)) == parts
    whole, first, second = (
        {a.tobytes() + b.tobytes() for a, b in zip(part.inputs, part.targets, strict=True)}
        for part in (trials, train, validation)
    )
    assert first | second == whole and not first & second
    assert (train.outputs, train.source, train.mask.shape[0]) == (trials.outputs, trials.source, parts[0])
    again, other = trials.split(train_size, rng(1))[0], trials.split(train_size, rng(2))[0]
    assert same(train, again) and not same(train, other)


@pytest.mark.parametrize("train_size", [0, 1, -0.5, 1.5, 0.01, 0.99, float("nan")])
def test_a_split_with_an_empty_part_is_refused(train_size):
    trials = seq_mem(rng(), nr_of_trials=10, pattern_length=2)
    with pytest.raises(ValueError, match=r"train_size: expected a share in \(0, 1\) .* of 10 trials"):
        trials.split(train_size, rng())


def test_trials_check_themselves():
    good = make("nback_mem", {"n_back": 1, "nr_of_trials": 2}, rng())
    values = make("seq_mem", {"pattern_length": 2, "nr_of_trials": 4}, rng())
    for trials, change, text in [
        (good, {"inputs": good.inputs[0]}, r"\(trials, time, channels\), got \(6, 2\)"),
        (good, {"inputs": good.inputs.astype(float)}, "inputs must be float32, got float64"),
        (good, {"targets": good.targets[:3]}, r"targets must have shape \(4, 6\), got \(3, 6\)"),
        (good, {"targets": good.targets.astype(np.int32)}, "targets must be int64, got int32"),
        (good, {"targets": good.targets + 1}, r"targets must be classes in 0\.\.2, got 1\.\.3"),
        (good, {"targets": good.targets - 1}, r"targets must be classes in 0\.\.2, got -1\.\.1"),
        (good, {"mask": good.mask[:, 1:]}, r"mask must have shape \(4, 6\), got \(4, 5\)"),
        (good, {"mask": good.mask.astype(int)}, "mask must be bool, got int64"),
        (good, {"mask": np.zeros((4, 6), bool)}, r"mask must score at least one step, got none in \(4, 6\)"),
        (values, {"targets": values.targets[:, :, 0]}, r"targets must have shape \(4, 5, 1\), got \(4, 5\)"),
        (values, {"outputs": 2}, r"targets must have shape \(4, 5, 2\), got \(4, 5, 1\)"),
    ]:
        with pytest.raises(ValueError, match=text):
            replace(trials, **change)
    assert isinstance(good, Trials)


# ---- images


def test_rescaling_is_the_specified_one():
    vectors = rng().normal(0, 20, (40, 50)).astype(np.float32)
    vectors[0] = 7
    images = Images(vectors, np.arange(40) % 10, "made here", synthetic=True)
    trials = pic_latent_mem(rng(), nr_of_trials=100, trial_length=4, n_back=2, images=images)
    wide = vectors.astype(float)
    low, high = wide.min(1, keepdims=True), wide.max(1, keepdims=True)
    expected = (wide - low + 1e-12) / np.maximum(high - low, 2e-12)
    shown = trials.inputs[:, :4, 1:].reshape(-1, 50)
    distance = abs(shown[:, None] - expected).max(2)
    assert distance.min(1).max() < 1e-6 and set(distance.argmin(1)) == set(range(40))
    assert shown.min() >= 0 and shown.max() <= 1 and (expected[0] == 0.5).all()
    assert (images.vectors == vectors).all()  # the images themselves stay as they are


def test_synthetic_latents_resemble_the_published_ones():
    images = synthetic_latents(rng())
    assert images.vectors.shape == (10000, 50) and images.synthetic and images.source == "synthetic latents"
    assert np.bincount(images.labels).tolist() == [1000] * 10
    assert images.vectors.min() == 0 and images.vectors.max() == pytest.approx(21.3)
    assert (images.vectors == 0).mean() == pytest.approx(0.447, abs=1e-4)
    assert recognised(images) > 0.99


def test_synthetic_glyphs_are_digits_one_can_tell_apart():
    images = synthetic_glyphs(rng())
    assert images.vectors.shape == (2000, 784) and images.synthetic and images.source == "synthetic glyphs"
    assert np.bincount(images.labels).tolist() == [200] * 10
    assert images.vectors.min() == 0 and images.vectors.max() == 1
    assert len(np.unique(images.vectors, axis=0)) == 2000
    pictures = images.vectors.reshape(-1, 28, 28)
    assert pictures[:, 0].max() < 0.7 and pictures[:, :, 0].max() < 0.7  # noise alone: no glyph wraps round the edge
    assert recognised(images) > 0.85  # chance is 0.1; not every shift of every digit is among the known


def recognised(images):
    """Share of the odd images whose class is that of the nearest (by angle) among the even ones."""
    known = images.vectors[::2] / np.linalg.norm(images.vectors[::2], axis=1, keepdims=True)
    nearest = (images.vectors[1::2] @ known.T).argmax(1)
    return (images.labels[::2][nearest] == images.labels[1::2]).mean()


@pytest.mark.parametrize("make_images", [synthetic_latents, synthetic_glyphs])
def test_stand_ins_follow_their_seed(make_images):
    a, b, c = (make_images(rng(seed), per_class=20) for seed in (0, 0, 1))
    assert (a.vectors == b.vectors).all() and (a.vectors != c.vectors).any() and len(a.labels) == 200


@pytest.mark.parametrize("name", PICTURES)
def test_without_a_file_one_and_the_same_stand_in_is_shown(name):
    """Iterations differ in their trials, not in the data set, as with a file."""
    seen = [{row.tobytes() for row in make(name, {"n_back": 1}, rng(s)).inputs[:, 4, 1:]} for s in (0, 1)]
    assert len(seen[0] & seen[1]) > 10


@pytest.mark.parametrize("name", PICTURES)
def test_images_of_another_size_are_refused(name):
    channels = TASKS[name].channels - 1
    with pytest.raises(ValueError, match=rf"{name}: expected images of shape \(count, {channels}\), got \(60, 64\)"):
        make(name, {"n_back": 1}, rng(), numbered(64))


def test_images_for_a_task_without_images_are_refused():
    with pytest.raises(ValueError, match="nback_mem: expected no images, as it shows none, got those of numbered"):
        make("nback_mem", {"n_back": 1}, rng(), numbered(50))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"labels": np.zeros(3, np.int64)}, r"got \(60, 50\) and \(3,\)"),
        ({"vectors": np.zeros(60, np.float32)}, r"got \(60,\) and \(60,\)"),
        ({"vectors": np.zeros((0, 50), np.float32), "labels": np.zeros(0, np.int64)}, r"got \(0, 50\) and \(0,\)"),
        ({"vectors": np.zeros((60, 50))}, "expected float32 and int64, got float64 and int64"),
        ({"vectors": np.full((60, 50), np.nan, np.float32)}, "expected finite vectors"),
    ],
)
def test_images_check_themselves(change, text):
    with pytest.raises(ValueError, match=text):
        replace(numbered(50), **change)


# ---- files of latents

LATENTS = rng(9).random((12, 50), dtype=np.float32)
LABELS = np.arange(12) % 4


def save_npz(path):
    np.savez(path, latents=LATENTS.astype(float), labels=LABELS.astype(np.uint8))


def save_dictionary(path):
    torch.save({"latents": torch.tensor(LATENTS), "labels": torch.tensor(LABELS)}, path)


def save_pair(path):
    torch.save((torch.tensor(LATENTS), torch.tensor(LABELS, dtype=torch.float32)), path)


@pytest.mark.parametrize(("save", "name"), [(save_npz, "a.npz"), (save_dictionary, "a.pt"), (save_pair, "a.pt")])
def test_latents_come_back(tmp_path, save, name):
    save(tmp_path / name)
    images = read_latents(tmp_path / name)
    assert (images.vectors == LATENTS).all() and (images.labels == LABELS).all() and not images.synthetic
    assert images.source.startswith(f"{tmp_path / name} (sha256 ")
    trials = make("pic_latent_mem", {"n_back": 1, "nr_of_trials": 10}, rng(), images)
    assert trials.source == images.source and not trials.synthetic


class Malicious:
    """Unpickled, it would make a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_files_that_would_run_code_are_refused(tmp_path):
    trap = tmp_path / "sprung"
    torch.save({"latents": torch.tensor(LATENTS), "labels": Malicious(trap)}, tmp_path / "a.pt")
    np.savez(tmp_path / "a.npz", latents=LATENTS, labels=np.array([Malicious(trap)], dtype=object))
    for name, text in (("a.pt", "anything that could run code is refused"), ("a.npz", "plain arrays .*allow_pickle")):
        with pytest.raises(ValueError, match=rf"{name}: expected .*{text}") as caught:
            read_latents(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert not trap.exists()


def tensors(latents=None, labels=None):
    latents, labels = LATENTS if latents is None else latents, LABELS if labels is None else labels
    return {"latents": torch.tensor(latents), "labels": torch.tensor(labels)}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"latent": torch.tensor(LATENTS)}, "expected `latents` and `labels`, got latent"),
        ({}, "expected `latents` and `labels`, got nothing"),
        (torch.tensor(LATENTS), "expected `latents` and `labels`, got Tensor"),
        ((1, 2, 3), "expected `latents` and `labels`, got tuple"),
        ({"latents": [[1, 2], [3]], "labels": [0, 1]}, "expected `latents` and `labels` as arrays"),
        ({"latents": "text", "labels": [0, 1]}, "expected numbers, got latents of <U4"),
        (tensors(labels=LABELS[:5]), r"got \(12, 50\) and \(5,\)"),
        (tensors(latents=LATENTS[0]), r"got \(50,\) and \(12,\)"),
        (tensors(labels=LABELS + 0.5), "expected labels as whole numbers, got 0.5"),
        (tensors(labels=np.where(LABELS == 3, np.nan, LABELS)), "expected labels as whole numbers, got nan"),
        (tensors(latents=LATENTS.astype(float) * 1e300), "expected finite vectors"),
    ],
)
def test_latents_that_are_none_are_refused(tmp_path, content, text):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=rf"a\.pt: .*{text}"):
        read_latents(tmp_path / "a.pt")


def test_damaged_and_missing_files_of_latents(tmp_path):
    np.savez(tmp_path / "keys.npz", latents=LATENTS, classes=LABELS)
    np.save(tmp_path / "single.npy", LATENTS)
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    (tmp_path / "text.npz").write_text("latents")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("latents.txt", "x")
    save_dictionary(tmp_path / "cut.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "cut.pt").read_bytes()[:500])
    (tmp_path / "latents.csv").write_text("1,2")
    for name, text in [
        ("keys.npz", "expected `latents` and `labels`, got latents, classes"),
        ("single.npz", "expected an .npz of plain arrays"),
        ("text.npz", "expected an .npz of plain arrays"),
        ("other.npz", "expected `latents` and `labels`, got latents.txt"),
        ("absent.npz", "expected an .npz .* No such file"),
        ("cut.pt", "expected a .pt of plain tensors"),
        ("absent.pt", "expected a .pt of plain tensors .* FileNotFoundError"),
        ("latents.csv", "ending in .npz or .pt, got 'latents.csv'"),
    ]:
        with pytest.raises(ValueError, match=rf"{name}: .*{text}"):
            read_latents(tmp_path / name)


# ---- MNIST

PIXELS = rng(4).integers(0, 256, (30, 28, 28), dtype=np.uint8)
DIGITS = (np.arange(30) % 10).astype(np.uint8)


def idx(array):
    """The array as the bytes of an idx file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def write_mnist(folder, images=None, labels=None, prefix="t10k", pack=False):
    """A folder with both files; what is given replaces their bytes."""
    folder.mkdir(exist_ok=True)
    for name, data in (("images-idx3", images or idx(PIXELS)), ("labels-idx1", labels or idx(DIGITS))):
        path = folder / f"{prefix}-{name}-ubyte{'.gz' * pack}"
        path.write_bytes(gzip.compress(data) if pack else data)
    return folder


@pytest.mark.parametrize("prefix", ["t10k", "train"])
@pytest.mark.parametrize("pack", [False, True])
def test_mnist_comes_back(tmp_path, prefix, pack):
    images = read_mnist(write_mnist(tmp_path, prefix=prefix, pack=pack))
    assert images.vectors.dtype == np.float32
    assert (images.vectors == PIXELS.reshape(30, 784).astype(np.float32) / 255).all()
    assert (images.labels == DIGITS).all() and not images.synthetic
    assert f"{prefix}-images-idx3-ubyte" in images.source and "sha256" in images.source
    trials = make("pic_mem", {"n_back": 1, "nr_of_trials": 10}, rng(), images)
    assert trials.source == images.source and not trials.synthetic


def test_the_test_set_of_mnist_goes_first_and_half_a_set_does_not_count(tmp_path):
    write_mnist(tmp_path, prefix="train")
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(PIXELS[:5]))
    assert len(read_mnist(tmp_path).labels) == 30
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(DIGITS[:5])))
    assert len(read_mnist(tmp_path).labels) == 5


def test_an_unpacked_file_that_kept_its_gz_is_read(tmp_path):
    write_mnist(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(f"{path}.gz")
    assert len(read_mnist(tmp_path).labels) == 30


@pytest.mark.parametrize(
    ("files", "text"),
    [
        (
            {"images": idx(PIXELS)[:-1]},
            r"images.*: expected 23520 bytes of data for the sizes \(30, 28, 28\), got 23519",
        ),
        ({"images": idx(PIXELS) + b"\0"}, "images.*: expected 23520 bytes of data .* got 23521"),
        ({"images": idx(PIXELS)[:10]}, "images.*: expected a header of 16 bytes, got 10"),
        ({"images": b"\0"}, "images.*: expected an idx file that begins with 00000803, got 00"),
        ({"images": idx(DIGITS)}, "images.*: expected an idx file that begins with 00000803, got 00000801"),
        ({"labels": idx(PIXELS)}, "labels.*: expected an idx file that begins with 00000801, got 00000803"),
        ({"labels": b"\0\0\x0d\x01" + idx(DIGITS)[4:]}, "labels.*: expected .* begins with 00000801, got 00000d01"),
        ({"labels": idx(DIGITS[:29])}, "labels.*: expected one label for each of the images, got 29 for 30"),
        ({"images": idx(PIXELS[:, :27])}, r"images.*: expected images of 28 x 28 pixels, got \(27, 28\)"),
        ({"images": idx(PIXELS[:0]), "labels": idx(DIGITS[:0])}, "labels.*: expected one label .* got 0 for 0"),
        ({"images": gzip.compress(idx(PIXELS))[:-20]}, "images.*: expected a readable file, whole if packed, got"),
        ({"images": b"\x1f\x8b\x08garbage"}, "images.*: expected a readable file, whole if packed, got"),
    ],
)
def test_damaged_idx_files_give_one_clear_line(tmp_path, files, text):
    with pytest.raises(ValueError, match=text) as caught:
        read_mnist(write_mnist(tmp_path, **files))
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("folder", ["empty", "absent"])
def test_a_folder_without_mnist_says_what_it_lacks(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=rf"{folder}: expected t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"):
        read_mnist(tmp_path / folder)


# ---- parameters


def test_parameters_are_filled_with_defaults():
    assert check_parameters("seq_mem", {"pattern_length": 3}) == {
        "nr_of_trials": 500,
        "train_size": 0.8,
        "test_size": 0.0,
        "pattern_length": 3,
    }
    values = {"nr_of_trials": 500, "train_size": 0.8, "test_size": 0.0, "trial_length": 5, "n_back": 4}
    values |= {"lure_rate": 0.0}
    assert check_parameters("nback_mem", {"n_back": 4}) == values
    for name in PICTURES:
        assert check_parameters(name, {"n_back": 4}) == {**values, "rescale": True, "images": ""}


def test_numbers_of_numpy_become_plain_ones():
    given = {"n_back": np.int64(2), "train_size": np.float32(0.5), "rescale": np.bool_(False), "lure_rate": 1}
    checked = check_parameters("pic_mem", given)
    assert [type(checked[name]) for name in given] == [int, float, bool, float]


@pytest.mark.parametrize("name", TASKS)
def test_every_parameter_has_its_sentence_and_a_valid_default(name):
    for parameter in TASKS[name].parameters:
        assert parameter.text.endswith(".") and "\n" not in parameter.text
        assert parameter.default is None or parameter.check(parameter.default) == parameter.default
    assert set(check_parameters(name, required(name))) == {parameter.name for parameter in TASKS[name].parameters}


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("nbackmem", {}, "task_name: expected one of seq_mem, .*, got 'nbackmem'; did you mean 'nback_mem'"),
        ("chess", {}, "task_name: expected one of seq_mem, .*, flip_flop, odr, .*, dual, multitask.*, got 'chess'$"),
        (3, {}, "task_name: expected one of .* got 3$"),
        (["seq_mem"], {}, "task_name: expected one of "),
        ("seq_mem", [1], r"seq_mem: expected parameters as a dictionary, got \[1\]"),
        ("seq_mem", {"patern_length": 3}, "unknown parameter 'patern_length'.* did you mean 'pattern_length'"),
        ("seq_mem", {"pattern_length": 3, 7: 1}, "seq_mem: unknown parameter 7; expected one of nr_of_trials"),
        ("seq_mem", {"pattern_length": 3, "n_back": 1}, "unknown parameter 'n_back'"),
        ("nback_mem", {"n_back": 1, "rescale": True}, "unknown parameter 'rescale'"),
        ("seq_mem", {"pattern_length": 0}, "pattern_length: expected a whole number from 1 to 10000, got 0"),
        ("seq_mem", {"pattern_length": 3.0}, "pattern_length: expected a whole number .* got 3.0"),
        ("seq_mem", {"pattern_length": True}, "pattern_length: expected a whole number .* got True"),
        ("seq_mem", {"pattern_length": "3"}, "pattern_length: expected a whole number .* got '3'"),
        ("seq_mem", {"pattern_length": None}, "pattern_length: expected a whole number .* got None"),
        ("seq_mem", {"pattern_length": [3]}, r"pattern_length: expected a whole number .* got \[3\]"),
        ("seq_mem", {"pattern_length": 3, "nr_of_trials": 0}, "nr_of_trials: expected a whole number from 1 to"),
        ("seq_mem", {"pattern_length": 3, "nr_of_trials": 10**400}, "nr_of_trials: expected a whole number from"),
        ("seq_mem", {"pattern_length": 3, "nr_of_trials": 1}, "train_size: expected a share .* got 0.8 of 1 trial$"),
        ("seq_mem", {"pattern_length": 3, "train_size": 0}, "train_size: expected a number above 0, at most 1, got 0"),
        ("seq_mem", {"pattern_length": 3, "train_size": 1.0}, "train_size: expected a share .* got 1 of 500 trials"),
        ("seq_mem", {"pattern_length": 3, "train_size": float("nan")}, "train_size: expected .* got nan"),
        ("seq_mem", {"pattern_length": 3, "train_size": "0.8"}, "train_size: expected a number .* got '0.8'"),
        ("seq_mem", {"pattern_length": 3, "train_size": True}, "train_size: expected a number .* got True"),
        ("seq_mem", {"pattern_length": 3, "train_size": 0.9999}, "train_size: .* got 0.9999 of 500 trials"),
        ("nback_mem", {"n_back": 0}, "nback_mem: n_back: expected a whole number >= 1, got 0"),
        ("nback_mem", {"n_back": 5}, r"n_back: expected a whole number in 1\.\.4 with trial_length 5, got 5"),
        ("nback_mem", {"n_back": 1, "trial_length": 1}, "trial_length: expected a whole number from 2 to"),
        ("nback_mem", {"n_back": 1, "lure_rate": 1.01}, "lure_rate: expected a number from 0 to 1, got 1.01"),
        ("nback_mem", {"n_back": 1, "lure_rate": -0.1}, "lure_rate: expected a number from 0 to 1, got -0.1"),
        ("nback_mem", {"n_back": 1, "lure_rate": float("inf")}, "lure_rate: expected .* got inf"),
        ("nback_mem", {"n_back": 1, "lure_rate": 0.1, "trial_length": 2}, "lure_rate: expected 0 with trial_length 2"),
        ("pic_mem", {"n_back": 1, "rescale": 1}, "pic_mem: rescale: expected True or False, got 1"),
        ("pic_mem", {"n_back": 1, "rescale": "True"}, "rescale: expected True or False, got 'True'"),
    ],
)
def test_malformed_parameters_give_one_clear_line(name, params, text):
    for attempt in (check_parameters, lambda name, params: make(name, params, rng())):
        with pytest.raises(ValueError, match=text) as caught:
            attempt(name, params)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("generate", [nback_mem, pic_latent_mem, pic_mem])
def test_the_generators_themselves_refuse_impossible_lengths(generate):
    for n_back in (0, -1, 5, 6):
        with pytest.raises(ValueError, match=rf"n_back: expected a whole number in 1\.\.4 .* got {n_back}"):
            generate(rng(), nr_of_trials=5, trial_length=5, n_back=n_back)


def test_a_thousand_trials_take_less_than_50_ms():
    latents = synthetic_latents(rng())
    for name, images in (("nback_mem", None), ("pic_latent_mem", latents)):
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            make(name, {"n_back": 2, "lure_rate": 0.2}, rng(), images)
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 0.05


def test_stimulation_adds_to_one_bit_in_the_middle_half_of_a_flip_flop_and_changes_no_target():
    def made(stimulated):
        parameters = {"nr_of_trials": 200, "trial_steps": 40, "stimulated": stimulated}
        return make("flip_flop", parameters, np.random.default_rng(5))

    usual, other = made(False), made(True)
    np.testing.assert_array_equal(other.targets, usual.targets)
    added = other.inputs - usual.inputs
    np.testing.assert_allclose(other.true_inputs - usual.true_inputs, added, atol=1e-6)
    assert not added[:, :10].any() and not added[:, 30:].any()
    bits = np.abs(added[:, 10:30]) > 1e-3
    assert (bits.any(1).sum(1) == 1).all() and len(np.unique(bits.any(1).argmax(1))) == 3
    amplitudes = added[:, 10:30].sum(-1)
    np.testing.assert_allclose(amplitudes, np.broadcast_to(amplitudes[:, :1], amplitudes.shape), atol=1e-5)
    assert 0.5 <= amplitudes.min() < 0.6 and 1.4 < amplitudes.max() <= 1.5
