"""Random sets of neurons against closed forms of sampling without replacement."""

import numpy as np
import pytest

from randomnet.comparison.group_shares import random_shares, size_test

WEIGHTS = np.random.default_rng(0).dirichlet(np.full(60, 0.3))
SIZES = np.array([1, 6, 30, 59, 60])


def test_random_sets_have_the_mean_and_variance_of_sampling_without_replacement():
    shares, n = random_shares(WEIGHTS, SIZES), len(WEIGHTS)
    sizes = np.array(SIZES)
    variances = sizes * (n - sizes) / (n - 1) * WEIGHTS.var()
    np.testing.assert_allclose(shares.mean(0), sizes / n, atol=4 * np.sqrt(variances.max() / len(shares)))
    np.testing.assert_allclose(shares.var(0), variances, rtol=0.2, atol=1e-12)
    np.testing.assert_allclose(shares[:, -1], 1)  # all neurons have all weight


def test_the_heaviest_neurons_are_told_from_a_random_set_and_equal_weights_are_not():
    heaviest = np.sort(WEIGHTS)[-6:].sum()
    test = size_test(WEIGHTS, np.array([6, 6]), np.array([heaviest, 0.1]))
    assert test.p[0] == pytest.approx(2 / 2000) and test.p[1] > 0.2
    assert test.low[0] < 1 < test.high[0] < heaviest / 0.1
    equal = size_test(np.full(60, 1 / 60), np.array([6]), np.array([0.1]))
    assert equal.p[0] > 0.4 and equal.low[0] == pytest.approx(1) == equal.high[0]


def test_p_is_uniform_for_labels_that_are_random():
    generator = np.random.default_rng(1)
    sums = [generator.permutation(WEIGHTS)[:12].sum(keepdims=True) for _ in range(200)]
    p = [size_test(WEIGHTS, np.array([12]), share).p[0] for share in sums]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.06)
