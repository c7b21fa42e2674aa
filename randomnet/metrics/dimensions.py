"""How many delays and dimensions an operator of delayed states needs: as many as help to predict held-out trials.

More of them whiten noise, which then counts in a distance as much as the dynamics do. Of the delays and ranks whose
error is within one standard error of the least, the smallest are taken (Breiman et al. 1984), delays first.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.metrics.arrays import trials
from randomnet.metrics.operators import WhitenedStep, whitened_step

DELAYS = (1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 113, 160, 226, 320, 452, 640)  # that are tried, by factors of √2
FOLDS = 2


@dataclass(frozen=True)
class Dimensions:
    """Delays and rank of an operator; error: what it leaves of the variance of a held-out trial's next state."""

    delays: int
    rank: int
    error: float


def predictive_dimensions(states: np.ndarray, delays: int, rank: int, rng: np.random.Generator) -> Dimensions:
    """The smallest dimensions that predict states (B, T, D) of held-out trials as well as any of up to these.

    Each random half of the trials is predicted from the other. At most half of a trial's bins are delays. Raises
    ValueError for fewer than two trials, or two bins.
    """
    states = trials("states", states)
    if len(states) < 2 or states.shape[1] < 2 or delays < 1 or rank < 1:
        raise ValueError(f"states: expected at least two trials of two bins, delays >= 1 and rank >= 1, got "
                         f"{states.shape[:2]}, delays {delays}, rank {rank}")  # fmt: skip
    longest = min(delays, states.shape[1] // 2)
    tried = [*(number for number in DELAYS if number < longest), longest]
    folds = np.array_split(rng.permutation(len(states)), FOLDS)
    errors = [_held_out_errors(states, folds, number, rank, longest) for number in tried]
    best = [own[:, own.mean(0).argmin()] for own in errors]
    place = _smallest(np.stack(best, 1))
    chosen = _smallest(errors[place])
    return Dimensions(tried[place], chosen + 1, float(errors[place][:, chosen].mean()))


def _smallest(errors: np.ndarray) -> int:
    """Of errors (B, choices) by trial, the first choice whose mean is within a standard error of the least."""
    means = errors.mean(0)
    least = means.argmin()
    allowed = means[least] + errors[:, least].std(ddof=1) / np.sqrt(len(errors))
    return int(np.flatnonzero(means <= allowed)[0])


def _held_out_errors(
    states: np.ndarray, folds: list[np.ndarray], delays: int, rank: int, longest: int
) -> np.ndarray:
    """(B, ranks): mean squared error of each trial's bins after the first `longest`, by the other folds' operator,
    relative to the variance of the states."""
    parts: dict[int, list[np.ndarray]] = {}
    for held in folds:
        others = np.setdiff1d(np.concatenate(folds), held)
        step = whitened_step(states[others], delays, rank)
        parts |= {trial: _errors_of_trial(states[trial], step, delays, longest) for trial in held}
    ranks = min(len(errors) for errors in parts.values())
    variance = np.square(states - states.mean((0, 1))).mean()
    return np.stack([parts[trial][:ranks] for trial in sorted(parts)]) / variance


def _errors_of_trial(states: np.ndarray, step: WhitenedStep, delays: int, longest: int) -> np.ndarray:
    """(r,): mean squared error of predictions from the first 1 ... r whitened coordinates."""
    width = states.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(states, delays, axis=0)[longest - delays : -1]
    windows = windows.transpose(0, 2, 1).reshape(len(windows), -1) - step.means[:-width]
    left, errors = states[longest:] - step.means[-width:], []
    for coordinate, target in zip((windows @ step.whitening).T, step.next_states, strict=True):
        left -= np.outer(coordinate, target)
        errors.append(np.square(left).mean())
    return np.array(errors)
