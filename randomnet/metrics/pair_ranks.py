"""How well scores of pairs of neurons rank what was measured of them, with intervals over the stimulated neurons.

Pairs of one stimulated neuron are not independent, so the bootstrap draws stimulated neurons, each with all its pairs.
AUC is the probability that a pair with a response has a higher score than one without; equal scores count as a half.

| function         | contents                                                                             |
|------------------|--------------------------------------------------------------------------------------|
| `Concordance`    | counts from which the AUC of any weighted set of stimulated neurons follows           |
| `auc_estimate`   | the AUC with its interval; `auc_difference` of two scores of the same pairs           |
| `rank_correlation` | Spearman's correlation with its interval                                            |
| `share_estimate` | the share of pairs with a response, with its interval                                 |
| `shares_by_rank` | such shares in equally large parts of the pairs, by score                            |
| `permuted_aucs`  | AUCs after permuting which neuron is which: the level of a wiring without identities  |
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LEVEL = 0.95
FEWEST = 3  # stimulated neurons of an interval
MOST_RANKED = 500  # samples of a rank correlation, whose ranks are computed anew in each


class Estimate(NamedTuple):
    """A value with its 95 % interval and its standard error; n pairs of so many stimulated neurons."""

    value: float
    low: float
    high: float
    stderr: float
    pairs: int
    neurons: int


@dataclass(frozen=True)
class Concordance:
    """Counts of pairs by stimulated neuron, of which there are C.

    wins: (C, C), how often a responding pair of one neuron has a higher score than a silent pair of another; ties count
    as a half. positives, negatives: (C,), numbers of these pairs.
    """

    wins: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """AUCs (B,) of neurons with these weights (B, C); nan where there are no pairs of one kind."""
        wins = np.einsum("bi,ij,bj->b", weights, self.wins, weights, optimize=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return wins / ((weights @ self.positives) * (weights @ self.negatives))


def concordance(scores: np.ndarray, positive: np.ndarray, neurons: np.ndarray, count: int) -> Concordance:
    """Return the counts of scores (P,) and responses (P,) bool, given the stimulated neuron (P,) of `count`."""
    wins = np.zeros((count, count))
    above, owners = scores[positive], neurons[positive]
    for neuron in range(count):
        silent = np.sort(scores[~positive & (neurons == neuron)])
        lower = np.searchsorted(silent, above, "left") + np.searchsorted(silent, above, "right")
        wins[:, neuron] = np.bincount(owners, lower / 2, minlength=count)
    return Concordance(wins, *(np.bincount(neurons[mask], minlength=count) for mask in (positive, ~positive)))


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the AUC of scores (P,) for responses (P,) bool; nan where all pairs are of one kind."""
    ranks = mid_ranks(np.unique(scores, return_inverse=True)[1], np.ones(len(scores)))
    n, silent = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * n / 2) / (n * silent)) if n and silent else np.nan


def resampled(count: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of `count` neurons is drawn in each of `number` samples of so many, (number, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), size=number).astype(float)


def auc_estimate(scores: np.ndarray, positive: np.ndarray, stimulated: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the AUC of pairs (P,), with its BCa interval. stimulated: (P,) in 0..C-1. weights: (B, C), the samples."""
    counts = concordance(scores, positive, stimulated, weights.shape[1])
    return _estimate(counts.auc, weights, stimulated)


def auc_difference(
    first: np.ndarray, second: np.ndarray, positive: np.ndarray, stimulated: np.ndarray, weights: np.ndarray
) -> Estimate:
    """Return the AUC of the first scores minus that of the second, of the same pairs, with its BCa interval."""
    a, b = (concordance(scores, positive, stimulated, weights.shape[1]) for scores in (first, second))
    return _estimate(lambda sample: a.auc(sample) - b.auc(sample), weights, stimulated)


def share_estimate(positive: np.ndarray, stimulated: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the share of pairs (P,) that are positive, with its BCa interval."""
    pairs, positives = (np.bincount(part, minlength=weights.shape[1]) for part in (stimulated, stimulated[positive]))
    with np.errstate(invalid="ignore", divide="ignore"):
        return _estimate(lambda sample: (sample @ positives) / (sample @ pairs), weights, stimulated)


def shares_by_rank(
    scores: np.ndarray, positive: np.ndarray, stimulated: np.ndarray, weights: np.ndarray, parts: int = 10
) -> list[Estimate]:
    """Return the share of positive pairs in each of `parts` parts of the pairs, by ascending score.

    Parts are equally large, but pairs of equal score are all in the part of their mean rank. An empty part has nan.
    """
    ranks = mid_ranks(np.unique(scores, return_inverse=True)[1], np.ones(len(scores)))
    part_of = (parts * ranks / len(scores)).astype(int)
    masks = [part_of == part for part in range(parts)]
    return [share_estimate(positive[mask], stimulated[mask], weights) for mask in masks]


def rank_correlation(x: np.ndarray, y: np.ndarray, stimulated: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return Spearman's correlation of pairs (P,), with its BCa interval. Each sample is ranked anew."""
    first, second = (np.unique(values, return_inverse=True)[1] for values in (x, y))

    def correlations(samples: np.ndarray) -> np.ndarray:
        return np.array([_rank_correlation(first, second, sample[stimulated]) for sample in samples])

    return _estimate(correlations, weights[:MOST_RANKED], stimulated)


def mid_ranks(order: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ranks (P,) of values that occur so often (P,), from their order (P,) with equal numbers for equal values.

    Equal values share their mean rank, less a half.
    """
    sums = np.bincount(order, weights)
    return (np.cumsum(sums) - sums / 2)[order]


def _rank_correlation(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> float:
    """Pearson's correlation of the ranks of two orders (P,), of pairs that occur so often (P,)."""
    total, ranks = weights.sum(), [mid_ranks(order, weights) for order in (first, second)]
    x, y = (values - weights @ values / total for values in ranks)
    spread = np.sqrt((weights @ x**2) * (weights @ y**2))
    return float(weights @ (x * y) / spread) if spread > 0 else np.nan


def _estimate(statistic: Callable[[np.ndarray], np.ndarray], weights: np.ndarray, stimulated: np.ndarray) -> Estimate:
    """Return the statistic of all neurons; its interval is nan for few neurons, or where it is not defined."""
    count, present = weights.shape[1], np.unique(stimulated)
    value = float(statistic(np.ones((1, count)))[0])
    pairs, neurons = len(stimulated), len(present)
    if not np.isfinite(value) or neurons < FEWEST:
        return Estimate(value, np.nan, np.nan, np.nan, pairs, neurons)
    without = np.ones((neurons, count))
    without[np.arange(neurons), present] = 0
    draws, jackknife = (values[np.isfinite(values)] for values in map(statistic, (weights, without)))
    low, high = bca_interval(value, draws, jackknife)
    return Estimate(value, low, high, float(draws.std(ddof=1)), pairs, neurons)


def bca_interval(value: float, draws: np.ndarray, jackknife: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval (Efron 1987). draws: (B,); jackknife: (C,)."""
    from scipy.special import ndtr, ndtri  # imported here, as it takes 0.2 s

    share = np.clip(((draws < value).mean() + (draws <= value).mean()) / 2, 1 / len(draws), 1 - 1 / len(draws))
    bias, centred = ndtri(share), jackknife.mean() - jackknife
    spread = np.square(centred).sum() ** 1.5
    acceleration = np.sum(centred**3) / (6 * spread) if spread > 0 else 0.0
    ends = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(draws, ndtr(bias + ends / (1 - acceleration * ends)))
    return float(low), float(high)


def permuted_aucs(
    responses: np.ndarray, stimulated: np.ndarray, responding: np.ndarray, positive: np.ndarray, number: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Return the AUCs (number,) of responses (K, K) [responding, stimulated] after permuting which neuron is which."""
    orders = (rng.permutation(len(responses)) for _ in range(number))
    return np.array([auc(responses[order[responding], order[stimulated]], positive) for order in orders])
