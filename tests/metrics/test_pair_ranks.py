"""AUC, Spearman's correlation and their intervals over stimulated neurons, against brute force and SciPy."""

import numpy as np
import pytest
from scipy import stats

from randomnet.metrics.pair_ranks import (
    auc,
    auc_difference,
    auc_estimate,
    bca_interval,
    concordance,
    permuted_aucs,
    rank_correlation,
    resampled,
    share_estimate,
    shares_by_rank,
)


def pairs(seed=0, neurons=12, count=200, effect=0.8):
    rng = np.random.default_rng(seed)
    owners = rng.integers(0, neurons, count)
    positive = rng.random(count) < 0.3
    scores = np.round(rng.standard_normal(count) + effect * positive, 1)  # with ties
    return scores, positive, owners


def by_hand(scores, positive):
    difference = scores[positive][:, None] - scores[~positive]
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


def test_auc_is_the_share_of_ordered_pairs():
    scores, positive, owners = pairs()
    assert auc(scores, positive) == pytest.approx(by_hand(scores, positive), abs=1e-14)
    counts = concordance(scores, positive, owners, 12)
    assert counts.auc(np.ones((1, 12)))[0] == pytest.approx(by_hand(scores, positive), abs=1e-14)
    assert np.isnan(auc(scores, np.ones(200, bool)))


def test_a_resample_has_the_auc_of_neurons_that_are_drawn_with_all_their_pairs():
    scores, positive, owners = pairs()
    weights = resampled(12, 5, np.random.default_rng(1))
    found = concordance(scores, positive, owners, 12).auc(weights)
    for value, weight in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(200), weight[owners].astype(int))
        assert value == pytest.approx(by_hand(scores[rows], positive[rows]), abs=1e-13)


def test_spearman_of_a_resample_is_that_of_scipy():
    x, _, owners = pairs()
    y = np.round(x + np.random.default_rng(2).standard_normal(200), 1)
    weights = resampled(12, 4, np.random.default_rng(3))
    assert rank_correlation(x, y, owners, weights).value == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-13)
    rows = np.repeat(np.arange(200), weights[0][owners].astype(int))
    alone = rank_correlation(x[rows], y[rows], owners[rows], weights).value
    assert alone == pytest.approx(stats.spearmanr(x[rows], y[rows])[0], abs=1e-13)


def test_the_interval_is_the_bca_of_scipy():
    """Of a mean of skewed values, from the same resamples."""
    values = np.random.default_rng(4).exponential(size=40)
    weights = resampled(40, 4000, np.random.default_rng(5))
    draws, jackknife = weights @ values / 40, (values.sum() - values) / 39
    ours = bca_interval(values.mean(), draws, jackknife)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20000, rng=np.random.default_rng(6)).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.03 * values.std())


def test_intervals_have_their_level_where_neurons_differ():
    """Of 100 samples of neurons with effects of their own, about 95 intervals have the true AUC; pairs alone fail."""
    rng, inside, true = np.random.default_rng(7), 0, stats.norm.cdf(0.5 / np.sqrt(2))
    for _ in range(100):
        owners, positive = np.repeat(np.arange(30), 30), np.tile(np.arange(30) < 10, 30)
        shift = rng.normal(0.5, 0.4, 30)[owners]
        scores = rng.standard_normal(900) + shift * positive
        found = auc_estimate(scores, positive, owners, resampled(30, 400, rng))
        inside += found.low < true < found.high
    assert 86 <= inside <= 100


def test_differences_are_paired_and_shares_are_shares():
    scores, positive, owners = pairs()
    weights = resampled(12, 500, np.random.default_rng(8))
    change = auc_difference(scores, 2 * scores + 1, positive, owners, weights)
    assert (change.value, change.low, change.high) == (0, 0, 0)
    share = share_estimate(positive, owners, weights)
    assert share.value == positive.mean() and share.low < share.value < share.high
    assert (share.pairs, share.neurons) == (200, 12)


def test_shares_by_rank_are_those_of_sorted_parts():
    scores, positive, owners = pairs()
    weights = resampled(12, 200, np.random.default_rng(11))
    different = scores + 1e-6 * np.arange(200)
    parts, order = shares_by_rank(different, positive, owners, weights, 4), np.argsort(different)
    assert [part.value for part in parts] == [positive[order[start : start + 50]].mean() for start in (0, 50, 100, 150)]
    assert parts[0].value < parts[3].value and all(part.low <= part.value <= part.high for part in parts)
    equal = shares_by_rank(np.where(scores < 0, 0, different), positive, owners, weights, 10)
    assert [part.pairs for part in equal].count(0) > 0, "equal scores are in one part"
    assert sum(part.pairs for part in equal) == 200 and max(part.pairs for part in equal) == (scores < 0).sum()


def test_few_neurons_have_no_interval():
    scores, positive, _ = pairs()
    found = auc_estimate(scores, positive, np.zeros(200, int), resampled(1, 50, np.random.default_rng(9)))
    assert np.isfinite(found.value) and np.isnan([found.low, found.high, found.stderr]).all()


def test_permuted_identities_have_no_order():
    rng = np.random.default_rng(10)
    responses = rng.random((40, 40))
    to, by = np.nonzero(~np.eye(40, dtype=bool))
    positive = responses[to, by] > 0.8
    assert auc(responses[to, by], positive) == 1
    levels = permuted_aucs(responses, by, to, positive, 100, rng)
    assert abs(levels.mean() - 0.5) < 0.01 and levels.max() < 0.6
