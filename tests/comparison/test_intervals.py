"""Intervals and p values against closed forms, enumeration, and simulated truth."""

import itertools

import numpy as np
import pytest
from scipy.special import stdtrit

from randomnet.comparison import significance
from randomnet.comparison.intervals import mean_interval, prediction_interval
from randomnet.comparison.significance import (
    benjamini_hochberg,
    holm,
    pairs_for_power,
    percentile,
    rank_p,
    sign_flip_p,
    smallest_rank_p,
    smallest_sign_flip_p,
)
from randomnet.student_t import quantile
from tests.support.marks import slow_except

MEANS = {"normal": 0.0, "exponential": 1.0, "lognormal": np.exp(0.125)}
STUDIES = 6000


def drawn(name, rng, shape):
    return {"normal": rng.standard_normal, "exponential": rng.standard_exponential,
            "lognormal": lambda shape: np.exp(0.5 * rng.standard_normal(shape))}[name](shape)  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("n", slow_except([2, 3, 5, 8, 15, 50], 2, 8))
def test_intervals_cover_what_they_claim(name, n):
    """Within 2 points of 95 %, and three standard errors of the simulation; the percentile bootstrap has 52 to 93 %."""
    studies = drawn(name, np.random.default_rng(n), (STUDIES, n))
    ends = np.array([mean_interval(values) for values in studies])
    covered = np.mean((ends[:, 0] <= MEANS[name]) & (MEANS[name] <= ends[:, 1]))
    assert abs(covered - 0.95) < 0.02 + 3 * np.sqrt(0.95 * 0.05 / STUDIES)


def test_without_skewness_the_interval_is_students():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    half = stdtrit(3, 1 - 0.025 * 0.66) * values.std(ddof=1) / 2
    assert mean_interval(values) == pytest.approx((2.5 - half, 2.5 + half))
    many = np.concatenate([np.arange(-5000.0, 0), np.arange(1, 5001.0)])
    assert mean_interval(many)[1] == pytest.approx(1.96 * many.std() / 100, rel=2e-3)
    assert mean_interval(np.full(4, 0.1)) == pytest.approx((0.1, 0.1), abs=1e-12)


def test_the_interval_moves_and_scales_with_the_data_and_leans_to_the_long_tail():
    values = np.random.default_rng(2).exponential(size=7)
    low, high = mean_interval(values)
    np.testing.assert_allclose(mean_interval(3 * values + 1), (3 * low + 1, 3 * high + 1))
    np.testing.assert_allclose(mean_interval(-values), (-high, -low))
    assert high - values.mean() > values.mean() - low > 0


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_too_few_values_are_refused(values):
    for function in (mean_interval, prediction_interval, sign_flip_p):
        with pytest.raises(ValueError, match="expected at least 2 finite values of shape"):
            function(np.array(values))


def test_a_further_draw_lies_in_the_interval_of_draws_as_often_as_it_says():
    assert prediction_interval(np.arange(10.0)) == (0.0, 9.0, pytest.approx(9 / 11))
    assert prediction_interval(np.arange(1.0, 40.0)) == (1.0, 39.0, pytest.approx(0.95))
    assert prediction_interval(np.arange(1.0, 200.0)) == (5.0, 195.0, pytest.approx(0.95))
    rng = np.random.default_rng(0)
    inside = []
    for values in rng.exponential(size=(STUDIES, 21)):
        low, high, level = prediction_interval(values[1:])
        inside.append(low <= values[0] <= high)
        assert (rank_p(values[0], values[1:]) > 1 - level + 1e-9) == inside[-1]  # p and interval say the same
    assert abs(np.mean(inside) - level) < 4 * np.sqrt(level * (1 - level) / STUDIES)


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_sign_flips_are_enumerated(n):
    values = np.random.default_rng(n).normal(0.5, 1, n)
    means = [abs(np.mean(np.array(signs) * values)) for signs in itertools.product((1, -1), repeat=n)]
    assert sign_flip_p(values) == np.mean(np.array(means) >= abs(values.mean()) - 1e-12)
    assert sign_flip_p(np.ones(n)) == smallest_sign_flip_p(n)


def test_sign_flip_p_of_closed_forms():
    assert sign_flip_p(np.array([1.0, 1.0, 1.0, 1.0])) == 2 / 16  # only all + and all - reach it
    assert sign_flip_p(np.array([0.1, 0.2, 0.7])) == 2 / 8  # sums that rounding would tell apart
    assert sign_flip_p(np.array([3.0, -3.0])) == 1.0
    assert sign_flip_p(np.zeros(5)) == 1.0


def test_many_pairs_are_sampled_and_agree_with_enumeration(monkeypatch):
    values = np.random.default_rng(0).normal(0.4, 1, 12)
    exact = sign_flip_p(values)
    monkeypatch.setattr(significance, "EXACT_UP_TO", 3)
    sampled = sign_flip_p(values)
    assert sampled == sign_flip_p(values)
    assert abs(sampled - exact) < 4 * np.sqrt(exact * (1 - exact) / significance.FLIPS)
    assert sign_flip_p(np.ones(40)) == 1 / (1 + significance.FLIPS) == smallest_sign_flip_p(40)  # never 0


def test_chunks_do_not_change_what_is_drawn(monkeypatch):
    assert sum(significance._chunks(10_000, 300)) == 10_000 and max(significance._chunks(10, 10**9)) == 1
    values = np.arange(1.0, 30.0) * (-1) ** np.arange(29)
    whole = sign_flip_p(values)
    monkeypatch.setattr(significance, "CHUNK", 5_000)
    assert abs(whole - sign_flip_p(values)) < 0.02


def test_rank_p_is_twice_the_smaller_tail():
    draws = np.arange(10.0)
    assert rank_p(99.0, draws) == rank_p(-1.0, draws) == smallest_rank_p(10) == pytest.approx(2 / 11)
    assert rank_p(8.5, draws) == pytest.approx(2 * 2 / 11)
    assert rank_p(9.0, draws) == pytest.approx(2 * 2 / 11)  # as far out as it is as far out
    assert rank_p(4.5, draws) == 1.0 and percentile(4.5, draws) == 50.0
    # The larval study: 199 draws, percentiles 48, 67, 83, 93.
    ranks = [percentile(share * 1.99, np.arange(199.0)) for share in (48.0, 93.0)]
    assert np.round(ranks) == pytest.approx([48, 93])
    assert rank_p(185.5, np.arange(199.0)) == pytest.approx(0.14)


def test_the_least_p_reaches_5_percent_at_6_pairs_and_at_39_draws():
    assert smallest_sign_flip_p(5) > 0.05 >= smallest_sign_flip_p(significance.PAIRS_NEEDED)
    assert smallest_rank_p(38) > 0.05 >= smallest_rank_p(significance.DRAWS_NEEDED)
    assert smallest_sign_flip_p(1) == 1.0 == smallest_rank_p(1)


def test_so_many_pairs_have_80_percent_power():
    assert pairs_for_power(0.0) is None and pairs_for_power(9.0) == 6
    rng, studies = np.random.default_rng(3), 20_000
    for effect in (0.42, 1.0):
        n = pairs_for_power(effect)
        values = rng.normal(effect, 1, (studies, n))
        t = np.abs(values.mean(axis=1)) / values.std(axis=1, ddof=1) * np.sqrt(n)
        assert abs(np.mean(t > stdtrit(n - 1, 0.975)) - 0.8) < 0.025
    assert pairs_for_power(0.42) == 47


def test_adjusted_p_values_of_worked_examples():
    p = np.array([0.04, 0.01, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.06, 0.03, 0.06, 0.02])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.04, 0.02, 0.04, 0.02])
    assert holm(np.array([])).size == benjamini_hochberg(np.array([])).size == 0
    assert holm(np.array([0.6, 0.9])).max() == 1.0


def test_holm_bounds_the_chance_of_any_false_positive():
    rng, studies = np.random.default_rng(4), 4000
    any_false = np.mean([holm(rng.uniform(size=8)).min() <= 0.05 for _ in range(studies)])
    assert abs(any_false - (1 - (1 - 0.05 / 8) ** 8)) < 4 * np.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 39, 100, 999])
def test_quantiles_of_students_t_are_those_of_scipy(freedom):
    shares = [0.5, 0.6, 0.9, 0.975, 0.9999, 1 - 1e-6]
    np.testing.assert_allclose([quantile(freedom, p) for p in shares], stdtrit(freedom, shares), rtol=1e-9, atol=1e-12)
    assert np.isnan(quantile(0, 0.9))
    for freedom, p in ((1.5, 0.9), (3, 0.4), (3, 1.0)):
        with pytest.raises(ValueError, match="expected whole degrees of freedom"):
            quantile(freedom, p)
