"""The n-bit flip-flop: each bit remembers the sign of the last pulse of its channel (Sussillo and Barak 2013; the
layout is that of computation-through-dynamics)."""

import numpy as np

from randomnet.tasks.timing import noisy
from randomnet.tasks.trials import Trials

QUIET = 3  # steps at the start without pulses
UNSCORED = 5  # steps at the start that are not scored


def flip_flop(
    rng: np.random.Generator,
    *,
    nr_of_trials: int,
    n_bits: int,
    trial_steps: int,
    switch_prob: float,
    blind_steps: int,
    input_noise: float,
    stimulated: bool = False,
) -> Trials:
    """Pulses +1 and -1, each with probability switch_prob per step and bit, set and clear the bit in the same step.

    Inputs (nr_of_trials, trial_steps, n_bits): pulses plus N(0, input_noise^2). Targets of the same shape: 0 or 1, at
    first 0. Scored are all steps but the first 5 and the blind_steps from each flip of any bit on. Always 0 is right
    for 1 - mean_t (1 - (1 - 2 switch_prob)^(t - 2))/2 of the bits. stimulated: one random bit of each trial receives
    U(0.5, 1.5) besides, from the first quarter of the trial to the third; targets are still those of the pulses. Raises
    ValueError where no step is scored.
    """
    shape = (nr_of_trials, trial_steps, n_bits)
    drawn = rng.random(shape)
    pulses = (drawn < switch_prob).astype(np.float32) - (drawn >= 1 - switch_prob)
    pulses[:, :QUIET] = 0
    inputs = noisy(rng, pulses, input_noise)
    targets = _remembered(pulses)
    mask = _seeing(targets, blind_steps)
    mask[:, :UNSCORED] = False
    if not mask.any():
        raise ValueError(f"blind_steps: expected so few that some of {trial_steps} steps are scored, got {blind_steps}")
    if stimulated:
        added = _stimulation(rng, shape)
        inputs, pulses = inputs + added, pulses + added
    true = pulses if input_noise else None
    return Trials(inputs, targets, mask, n_bits, "bits", "random pulses", synthetic=False, true_inputs=true)


def _stimulation(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """What the inputs receive besides pulses: one bit of each trial, between a quarter and three quarters of it."""
    trials, steps, bits = shape
    added = np.zeros(shape, np.float32)
    chosen, amplitude = rng.integers(bits, size=trials), rng.uniform(0.5, 1.5, trials)
    added[np.arange(trials), steps // 4 : 3 * steps // 4, chosen] = amplitude[:, None]
    return added


def _remembered(pulses: np.ndarray) -> np.ndarray:
    """1 where the last pulse so far was positive, else 0; float32, of the same shape."""
    steps = np.arange(pulses.shape[1])[:, None]
    last = np.maximum.accumulate(np.where(pulses != 0, steps, 0), axis=1)
    return (np.take_along_axis(pulses, last, axis=1) > 0).astype(np.float32)


def _seeing(targets: np.ndarray, blind: int) -> np.ndarray:
    """(trials, time) bool: False in the `blind` steps from a flip of any bit on."""
    flips = (np.diff(targets, axis=1, prepend=0) != 0).any(-1)
    seeing = np.ones(flips.shape, bool)
    for later in range(min(blind, flips.shape[1])):
        seeing[:, later:] &= ~flips[:, : flips.shape[1] - later]
    return seeing
