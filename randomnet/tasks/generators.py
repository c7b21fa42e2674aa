"""One generator per task. All are AlGoulas/bio_rnn_mem's (Goulas, Damicelli, Hilgetag 2021), cell by cell.

| task           | channels           | time   | outputs   | scored steps              |
|----------------|--------------------|--------|-----------|---------------------------|
| seq_mem        | cue, value         | 2L + 1 | 1 value   | the L after the cue       |
| nback_mem      | cue, value         | TL + 1 | 3 classes | the last                  |
| pic_latent_mem | cue, 50 of latents | TL + 2 | 3 classes | the last                  |
| pic_mem        | cue, 784 pixels    | TL + 2 | 3 classes | the last                  |

L = pattern_length, TL = trial_length. `nr_of_trials` keeps the meaning it has there: all trials of seq_mem, but trials
per class, so half of all, of the others. Classes: 0 fixation (never scored), 1 non-match, 2 match.
"""

import numpy as np

from randomnet.tasks.images import LATENT_CHANNELS, SIDE, STAND_IN_SEED, Images, synthetic_glyphs, synthetic_latents
from randomnet.tasks.trials import Trials

CLASSES = 3
NON_MATCH = 1
MATCH = 2


def seq_mem(rng: np.random.Generator, *, nr_of_trials: int, pattern_length: int) -> Trials:
    """Recall a sequence: L values U[0,1) in channel 1, then a cue in channel 0, then zeros, when the values are due.

    Inputs (nr_of_trials, 2L+1, 2), targets (nr_of_trials, 2L+1, 1), scored at t = L+1..2L. Predicting 0.5 gives an MSE
    of 1/12.
    """
    values = rng.random((nr_of_trials, pattern_length), dtype=np.float32)
    inputs = np.zeros((nr_of_trials, 2 * pattern_length + 1, 2), np.float32)
    inputs[:, :pattern_length, 1] = values
    inputs[:, pattern_length, 0] = 1
    targets = np.zeros((*inputs.shape[:2], 1), np.float32)
    targets[:, pattern_length + 1 :, 0] = values
    mask = np.zeros(inputs.shape[:2], bool)
    mask[:, pattern_length + 1 :] = True
    return Trials(inputs, targets, mask, 1, "squared", "uniform values", synthetic=False)


def nback_mem(
    rng: np.random.Generator, *, nr_of_trials: int, trial_length: int, n_back: int, lure_rate: float = 0.0
) -> Trials:
    """Is the last value that of n_back steps before? TL values U[0,1) in channel 1, the cue in channel 0 with the last.

    Inputs (2 nr_of_trials, TL+1, 2), targets (2 nr_of_trials, TL+1), scored at t = TL; half are matches, in random
    order. lure_rate: probability that a non-match repeats its last value at a wrong lag. Raises ValueError.
    """
    check_lengths(trial_length, n_back, lure_rate)
    match = _halves(rng, nr_of_trials)
    values = rng.random((len(match), trial_length), dtype=np.float32)
    _repeat_last(rng, values, match, n_back, lure_rate)
    inputs = np.zeros((len(match), trial_length + 1, 2), np.float32)
    inputs[:, :trial_length, 1] = values
    inputs[:, trial_length - 1, 0] = 1
    return _decided(inputs, match, "uniform values", synthetic=False)


def pic_latent_mem(
    rng: np.random.Generator,
    *,
    nr_of_trials: int,
    trial_length: int,
    n_back: int,
    rescale: bool = True,
    lure_rate: float = 0.0,
    images: Images | None = None,
) -> Trials:
    """Is the last image that of n_back steps before? TL images in channels 1..50, the cue in channel 0, then zeros.

    Inputs (2 nr_of_trials, TL+2, 51), targets (2 nr_of_trials, TL+2), scored at t = TL+1. The class of the target is
    drawn uniformly; the other images are distinct and of other classes. rescale: every image to [0, 1]. images: latents
    of 50 channels; None = the synthetic ones, always the same. Raises ValueError.
    """
    check_lengths(trial_length, n_back, lure_rate)
    images = images or synthetic_latents(np.random.default_rng(STAND_IN_SEED))
    _check_channels("pic_latent_mem", images, LATENT_CHANNELS)
    match = _halves(rng, nr_of_trials)
    shown = _draw(rng, images.labels, len(match), trial_length)
    _repeat_last(rng, shown, match, n_back, lure_rate)
    return _pictured(images, shown, match, rescale)


def pic_mem(
    rng: np.random.Generator,
    *,
    nr_of_trials: int,
    trial_length: int,
    n_back: int,
    rescale: bool = True,
    lure_rate: float = 0.0,
    images: Images | None = None,
) -> Trials:
    """pic_latent_mem with 28 x 28 pixels in [0, 1], blind to class: the target is any image, so are the others.

    Inputs (2 nr_of_trials, TL+2, 785), targets (2 nr_of_trials, TL+2), scored at t = TL+1. All images of a trial are
    distinct but for the repeat. images: None = the synthetic glyphs, always the same. Raises ValueError.
    """
    check_lengths(trial_length, n_back, lure_rate)
    images = images or synthetic_glyphs(np.random.default_rng(STAND_IN_SEED))
    _check_channels("pic_mem", images, SIDE * SIDE)
    match = _halves(rng, nr_of_trials)
    each_its_own_class = np.arange(len(images.labels))
    shown = _draw(rng, each_its_own_class, len(match), trial_length)
    _repeat_last(rng, shown, match, n_back, lure_rate)
    return _pictured(images, shown, match, rescale)


def check_lengths(trial_length: int, n_back: int, lure_rate: float) -> None:
    """ValueError where trial_length stimuli leave no room for a repeat n_back before, or for one at a wrong lag."""
    if not 1 <= n_back <= trial_length - 1:
        raise ValueError(
            f"n_back: expected a whole number in 1..{trial_length - 1} with trial_length {trial_length}, got {n_back}"
        )
    if lure_rate > 0 and trial_length < 3:
        raise ValueError(
            f"lure_rate: expected 0 with trial_length {trial_length}, as a wrong lag needs a third stimulus, "
            f"got {lure_rate:g}"
        )


def rescale_rows(vectors: np.ndarray) -> None:
    """Bring each row (last axis) to [0, 1], in place: (x - min + 1e-12) / max(max - min, 2e-12), 0.5 where constant."""
    low = vectors.min(-1, keepdims=True)
    span = np.maximum(vectors.max(-1, keepdims=True) - low, np.float32(2e-12))
    vectors -= low
    vectors += np.float32(1e-12)
    vectors /= span


def _check_channels(task: str, images: Images, channels: int) -> None:
    if images.vectors.shape[1] != channels:
        raise ValueError(
            f"{task}: expected images of shape (count, {channels}), got {images.vectors.shape} from {images.source}"
        )


def _halves(rng: np.random.Generator, nr_of_trials: int) -> np.ndarray:
    """Which of 2 nr_of_trials trials are matches: half of them, in random order."""
    return rng.permutation(np.repeat([False, True], nr_of_trials))


def _draw(rng: np.random.Generator, labels: np.ndarray, trials: int, trial_length: int) -> np.ndarray:
    """Indices of the images of each trial, (trials, trial_length): last the target, of a class drawn uniformly; before
    it distinct images of other classes."""
    _, counts = np.unique(labels, return_counts=True)
    if len(labels) - counts.max() < trial_length - 1:
        raise ValueError(
            f"trial_length: expected at most {len(labels) - counts.max() + 1} with these images (of {len(labels)}, "
            f"{counts.max()} are of one class), got {trial_length}"
        )
    by_class = np.argsort(labels, kind="stable")
    drawn = rng.integers(len(counts), size=trials)
    first, count = (np.cumsum(counts) - counts)[drawn], counts[drawn]
    target = first + rng.integers(count)
    others = _distinct(rng, len(labels) - count, trial_length - 1)
    others += np.where(others >= first[:, None], count[:, None], 0)  # jump over the target's class
    return by_class[np.column_stack([others, target])]


def _distinct(rng: np.random.Generator, limits: np.ndarray, k: int) -> np.ndarray:
    """k distinct whole numbers below its limit for every row, (rows, k), uniformly: the r-th of those still free."""
    drawn = np.empty((len(limits), k), np.int64)
    for column in range(k):
        number = rng.integers(limits - column)
        for taken in np.sort(drawn[:, :column], axis=1).T:
            number += number >= taken
        drawn[:, column] = number
    return drawn


def _repeat_last(
    rng: np.random.Generator, stimuli: np.ndarray, match: np.ndarray, n_back: int, lure_rate: float
) -> None:
    """Write the last stimulus of (trials, TL) n_back before it in matches and, in lures, at another place before it.

    Lures are drawn after all else and only where asked for, so that a rate changes nothing but the lures.
    """
    last = stimuli.shape[1] - 1
    stimuli[match, last - n_back] = stimuli[match, last]
    if lure_rate > 0:
        lure = ~match & (rng.random(len(match)) < lure_rate)
        place = rng.integers(last - 1, size=len(match))
        place += place >= last - n_back
        stimuli[lure, place[lure]] = stimuli[lure, last]


def _pictured(images: Images, shown: np.ndarray, match: np.ndarray, rescale: bool) -> Trials:
    """The images of `shown` (trials, TL) in the channels after the cue's, the cue after them, then the decision."""
    trials, trial_length = shown.shape
    vectors = images.vectors[shown]
    if rescale:
        rescale_rows(vectors)
    inputs = np.zeros((trials, trial_length + 2, 1 + images.vectors.shape[1]), np.float32)
    inputs[:, :trial_length, 1:] = vectors
    inputs[:, trial_length, 0] = 1
    return _decided(inputs, match, images.source, images.synthetic)


def _decided(inputs: np.ndarray, match: np.ndarray, source: str, synthetic: bool) -> Trials:
    """Trials whose last step alone is scored: match or non-match."""
    targets = np.zeros(inputs.shape[:2], np.int64)
    targets[:, -1] = np.where(match, MATCH, NON_MATCH)
    mask = np.zeros(inputs.shape[:2], bool)
    mask[:, -1] = True
    return Trials(inputs, targets, mask, CLASSES, "classes", source, synthetic)
