"""What the size of a group alone gives: the share of a vector's weight on random sets of as many neurons.

random_shares    shares of random sets of several sizes
size_test        range of the ratio of share to size, and p, for groups of neurons
"""

from typing import NamedTuple

import numpy as np

from randomnet.comparison.intervals import LEVEL
from randomnet.comparison.significance import SEED, rank_p

PERMUTATIONS, LEAST_PERMUTATIONS = 1999, 199  # p down to .001 and .01
NUMBERS = 20_000_000  # of all permutations of one vector, which bounds the time for large networks

DECIMALS = 12  # of shares, so that those of equal weights are equal


class SizeTest(NamedTuple):
    """Of each group (G,): ends of the middle 95 % of share over expected share of random sets, and the two-sided p."""

    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def random_shares(weights: np.ndarray, sizes: np.ndarray, seed: int = SEED) -> np.ndarray:
    """Sums (permutations, G) of the weights (N,) of as many random neurons as each size (G,) says.

    Neurons are drawn without replacement. The sets of one permutation are nested, so columns are not independent.
    """
    generator = np.random.default_rng(seed)
    count = int(np.clip(NUMBERS // max(1, len(weights)), LEAST_PERMUTATIONS, PERMUTATIONS))
    places = np.asarray(sizes, dtype=int)
    sums = np.empty((count, len(places)))
    for row in sums:
        row[:] = np.append(0.0, np.cumsum(generator.permutation(weights)))[places]
    return sums


def size_test(weights: np.ndarray, sizes: np.ndarray, shares: np.ndarray) -> SizeTest:
    """Test of shares (G,) of groups against random sets of their sizes; weights (N,) of all neurons sum to 1.

    A neuron is the unit: labels are exchanged between neurons, and weights stay where they are.
    """
    draws = np.round(random_shares(weights, sizes), DECIMALS)
    tail, expected = (1 - LEVEL) / 2, np.asarray(sizes) / len(weights)
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0) / expected
    p = [rank_p(share, column) for share, column in zip(np.round(shares, DECIMALS).tolist(), draws.T, strict=True)]
    return SizeTest(low, high, np.array(p))
