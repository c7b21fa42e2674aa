"""Delays and rank of an operator of delayed states, chosen by how well held-out trials are predicted.

With more delays or a higher rank, noise is whitened too, and then counts in a distance as much as the dynamics do.
Among the delays whose error is within one standard error of the smallest error, the fewest are chosen (Breiman et al.
1984); the rank is then chosen in the same way.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.array_arguments import takes_tensors
from randomnet.display import Brief
from randomnet.metrics.arrays import checked_trials
from randomnet.metrics.operators import WhitenedStep, whitened_step

DELAYS = (1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 113, 160, 226, 320, 452, 640)  # spaced by factors of √2
FOLDS = 2


@dataclass(frozen=True, repr=False)
class Dimensions(Brief):
    """Delays and rank of an operator; error: the unexplained share of the variance of held-out next states.

    candidates: (d,), the delays that were tried. errors: (d, ranks), the error of each with ranks 1, 2, ..., nan beyond
    the largest rank of few delays.
    """

    delays: int
    rank: int
    error: float
    candidates: np.ndarray
    errors: np.ndarray


@takes_tensors
def predictive_dimensions(states: np.ndarray, delays: int, rank: int, rng: np.random.Generator) -> Dimensions:
    """The smallest delays and rank that predict held-out trials of states (B, T, D) as well as larger ones.

    delays, rank: the largest ones to consider. Each random half of the trials is predicted from the other half. Delays
    are at most half of a trial's bins. Raises ValueError for fewer than two trials, or fewer than two bins.

    >>> import numpy as np
    >>> from randomnet.metrics import predictive_dimensions
    >>> rng = np.random.default_rng(0)
    >>> angles = 0.3 * np.arange(50) + rng.uniform(0, 6, (8, 1))
    >>> states = np.stack([np.cos(angles), np.sin(angles)], -1)
    >>> found = predictive_dimensions(states, delays=3, rank=6, rng=rng)
    >>> found.delays, found.rank
    (2, 2)
    """
    states = checked_trials("states", states)
    if len(states) < 2 or states.shape[1] < 2 or delays < 1 or rank < 1:
        raise ValueError(f"states: expected at least two trials of two bins, delays >= 1 and rank >= 1, got "
                         f"{states.shape[:2]}, delays {delays}, rank {rank}")  # fmt: skip
    longest = min(delays, states.shape[1] // 2)
    candidates = [*(number for number in DELAYS if number < longest), longest]
    folds = np.array_split(rng.permutation(len(states)), FOLDS)
    errors = [_held_out_errors(states, folds, number, rank, longest) for number in candidates]
    errors_of_best_rank = [by_rank[:, by_rank.mean(0).argmin()] for by_rank in errors]
    best = _smallest_within_one_error(np.stack(errors_of_best_rank, 1))
    best_rank = _smallest_within_one_error(errors[best])
    error = float(errors[best][:, best_rank].mean())
    return Dimensions(candidates[best], best_rank + 1, error, np.array(candidates), _table(errors))


def _table(errors: list[np.ndarray]) -> np.ndarray:
    """(d, ranks): mean errors over trials of each number of delays, from errors (B, its ranks); nan where missing."""
    table = np.full((len(errors), max(by_rank.shape[1] for by_rank in errors)), np.nan)
    for row, by_rank in zip(table, errors, strict=True):
        row[: by_rank.shape[1]] = by_rank.mean(0)
    return table


def _smallest_within_one_error(errors: np.ndarray) -> int:
    """The first choice whose mean error is within one standard error of the smallest; errors: (B, choices)."""
    means = errors.mean(0)
    smallest = means.argmin()
    limit = means[smallest] + errors[:, smallest].std(ddof=1) / np.sqrt(len(errors))
    return int(np.flatnonzero(means <= limit)[0])


def _held_out_errors(
    states: np.ndarray, folds: list[np.ndarray], delays: int, rank: int, longest: int
) -> np.ndarray:
    """(B, ranks): mean squared error of each trial by the operator of the other folds, relative to the variance.

    Bins after the first `longest` are predicted, so that all delays are compared on the same bins.
    """
    by_trial: dict[int, np.ndarray] = {}
    for fold in folds:
        others = np.setdiff1d(np.concatenate(folds), fold)
        step = whitened_step(states[others], delays, rank)
        by_trial |= {trial: _errors_of_trial(states[trial], step, delays, longest) for trial in fold}
    ranks = min(len(errors) for errors in by_trial.values())
    variance = np.square(states - states.mean((0, 1))).mean()
    return np.stack([by_trial[trial][:ranks] for trial in sorted(by_trial)]) / variance


def _errors_of_trial(states: np.ndarray, step: WhitenedStep, delays: int, longest: int) -> np.ndarray:
    """(r,): mean squared error of predictions from the first 1, ..., r whitened coordinates; states: (T, D)."""
    width = states.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(states, delays, axis=0)[longest - delays : -1]
    windows = windows.transpose(0, 2, 1).reshape(len(windows), -1) - step.means[:-width]
    residuals, errors = states[longest:] - step.means[-width:], []
    for coordinate, next_state in zip((windows @ step.whitening).T, step.next_states, strict=True):
        residuals -= np.outer(coordinate, next_state)
        errors.append(np.square(residuals).mean())
    return np.array(errors)
