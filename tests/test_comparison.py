"""The paired statistics against closed forms and full enumeration."""

import itertools

import numpy as np
import pandas as pd
import pytest

from randomnet.comparison import statistics
from randomnet.comparison.minima import MINIMA, minima, with_minima
from randomnet.comparison.statistics import (
    bootstrap_interval,
    compare,
    label_pairs,
    paired_differences,
    permutation_p,
    summary_table,
)


def comparison_table(runs, *arguments):
    return statistics.comparison_table(label_pairs(runs), *arguments)


def test_pairs_are_those_both_have_with_finite_values():
    a = pd.Series([1.0, 2.0, np.nan, 4.0], index=[0, 1, 2, 3])
    b = pd.Series([np.inf, 1.0, 5.0, 2.0], index=[3, 0, 2, 1])
    np.testing.assert_allclose(paired_differences(a, b), [0.0, 0.0])
    assert len(paired_differences(a, b[:0])) == 0


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_sign_flips_are_enumerated(n):
    values = np.random.default_rng(n).normal(0.5, 1, n)
    means = [abs(np.mean(np.array(signs) * values)) for signs in itertools.product((1, -1), repeat=n)]
    assert permutation_p(values) == np.mean(np.array(means) >= abs(values.mean()) - 1e-12)


def test_p_of_closed_forms():
    assert permutation_p(np.array([1.0, 1.0, 1.0, 1.0])) == 2 / 16  # only all + and all - reach it
    assert permutation_p(np.array([0.1, 0.2, 0.7])) == 2 / 8  # sums that rounding would tell apart
    assert permutation_p(np.array([3.0, -3.0])) == 1.0
    assert permutation_p(np.zeros(5)) == 1.0


def test_many_pairs_are_sampled_and_agree_with_enumeration(monkeypatch):
    values = np.random.default_rng(0).normal(0.4, 1, 12)
    exact = permutation_p(values)
    monkeypatch.setattr(statistics, "EXACT_UP_TO", 3)
    sampled = permutation_p(values)
    assert sampled == permutation_p(values)
    assert abs(sampled - exact) < 4 * np.sqrt(exact * (1 - exact) / statistics.FLIPS)
    assert permutation_p(np.ones(40)) == 1 / (1 + statistics.FLIPS)  # never 0


def test_chunks_do_not_change_what_is_drawn(monkeypatch):
    assert sum(statistics._chunks(10_000, 300)) == 10_000 and max(statistics._chunks(10, 10**9)) == 1
    values = np.arange(1.0, 30.0)
    whole = bootstrap_interval(values), permutation_p(values * (-1) ** np.arange(29))
    monkeypatch.setattr(statistics, "CHUNK", 5_000)
    np.testing.assert_allclose(whole[0], bootstrap_interval(values))
    assert abs(whole[1] - permutation_p(values * (-1) ** np.arange(29))) < 0.02


def test_interval_of_closed_forms():
    assert bootstrap_interval(np.full(4, 2.5)) == (2.5, 2.5)
    # of two values the mean is low, middle, high with probability 1/4, 1/2, 1/4: the ends are both values
    assert bootstrap_interval(np.array([0.0, 1.0])) == (0.0, 1.0)
    # of three, all low has probability 1/27 > 0.025 and so is the lower end; at level 0.9 < 25/27 it still is below 5 %
    assert bootstrap_interval(np.array([0.0, 0.0, 3.0])) == (0.0, 3.0)
    many = np.random.default_rng(1).normal(3.0, 2.0, 400)
    low, high = bootstrap_interval(many)
    half = 1.959964 * many.std() / 20  # the bootstrap's own standard error has no n - 1
    np.testing.assert_allclose([low, high], [many.mean() - half, many.mean() + half], atol=0.05 * half)


def test_interval_moves_and_scales_with_the_data():
    values = np.random.default_rng(2).normal(size=7)
    low, high = bootstrap_interval(values)
    np.testing.assert_allclose(bootstrap_interval(3 * values + 1), (3 * low + 1, 3 * high + 1))
    assert bootstrap_interval(values) == (low, high)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_too_few_differences_are_refused(values):
    for function in (bootstrap_interval, permutation_p):
        with pytest.raises(ValueError, match="expected at least 2 finite differences of shape"):
            function(np.array(values))


def test_compare_leaves_empty_what_one_pair_cannot_give():
    row = compare(pd.Series([1.0]), pd.Series([3.0, 5.0]))
    assert (row["n"], row["n_a"], row["n_b"], row["difference_b_minus_a"]) == (1, 1, 2, 2.0)
    assert row["stderr_a"] is row["interval_low"] is row["interval_high"] is row["permutation_p"] is None
    assert row["stderr_b"] == pytest.approx(1.0) and row["mean_b"] == 4.0
    assert "at least 2 pairs of complete runs and there is 1" in row["note"]
    assert compare(pd.Series([1.0, 2, 4]), pd.Series([2.0, 4, 8]))["note"] == "with 3 pairs p cannot be below 0.25"
    assert compare(pd.Series(range(6)), pd.Series(range(6)))["note"] == ""
    empty = compare(pd.Series([], dtype=float), pd.Series([1.0]))
    assert empty["difference_b_minus_a"] is empty["mean_a"] is None and empty["n"] == 0


def runs(label, values, own="", combo="lr=1", status="complete"):
    return pd.DataFrame({"label": label, "combo": combo, "own": own, "lr": combo[3:], "iteration": range(len(values)),
                         "status": status, "x": values})  # fmt: skip


def test_table_has_a_row_per_combo_and_pair_and_a_pooled_one():
    table = comparison_table(
        pd.concat([runs("a", [1.0, 2.0]), runs("a", [5.0], combo="lr=2"), runs("b", [2.0, 4.0]), runs("c", [0.0]),
                   runs("b", [9.0], combo="lr=2"), runs("b", [7.0], combo="lr=3")]), ["x", "y"], ["lr"])  # fmt: skip
    rows = table[["combo", "label_a", "label_b", "n"]].itertuples(index=False, name=None)
    assert list(rows) == [("lr=1", "a", "b", 2), ("lr=2", "a", "b", 1), ("pooled", "a", "b", 2),
                          ("lr=1", "a", "c", 1), ("pooled", "a", "c", 1),
                          ("lr=1", "b", "c", 1), ("pooled", "b", "c", 1)]  # fmt: skip
    # a pair is an iteration: the first has both combos (1 and 4 apart), the second one (2 apart); lr=3 is b's alone
    assert table["difference_b_minus_a"][2] == pytest.approx(((1 + 4) / 2 + 2) / 2)
    assert table["permutation_p"][2] == 2 / 4
    assert table["mean_b"][2] == pytest.approx(((2 + 9) / 2 + 4) / 2)
    assert not {"own_a", "own_b"} & set(table.columns)


def test_own_combos_are_compared_apart_and_pooled_once():
    table = comparison_table(pd.concat([runs("a", [1.0, 2.0], own="nle=1"), runs("a", [3.0, 6.0], own="nle=2"),
                                        runs("b", [5.0, 5.0])]), ["x"], ["lr"])  # fmt: skip
    assert list(table["own_a"].fillna("")) == ["nle=1", "nle=2", ""]
    assert list(table["n"]) == [2, 2, 2]
    assert list(table["difference_b_minus_a"]) == [3.5, 0.5, 2.0]
    assert table["n_a"][2] == 2 and table["mean_a"][2] == 3.0


def test_diverged_runs_are_counted_and_in_no_mean():
    both = pd.concat([runs("a", [1.0, 3.0]), runs("b", [2.0, 1e9])], ignore_index=True)
    both.loc[3, "status"] = "diverged"
    row = comparison_table(both, ["x"], ["lr"]).iloc[0]
    assert (row["n"], row["n_b"], row["mean_b"], row["diverged_a"], row["diverged_b"]) == (1, 1, 2.0, 0, 1)


def test_pooled_rows_do_not_count_combos_that_share_a_seed_as_independent(monkeypatch):
    """No difference but a common one of each iteration: over many draws p falls below 0.05 in about 5 % of them."""
    monkeypatch.setattr(statistics, "_by_own", lambda *_: [])  # no rows of single combos, which take most of the time
    rng, low, draws = np.random.default_rng(0), 0, 200
    for _ in range(draws):
        common = rng.standard_normal(8)
        parts = []
        for lr in range(4):
            parts.append(runs("a", rng.normal(0, 0.2, 8), combo=f"lr={lr}"))
            parts.append(runs("b", common + rng.normal(0, 0.2, 8), combo=f"lr={lr}"))
        table = comparison_table(pd.concat(parts), ["x"], ["lr"]).set_index("combo")
        low += table.loc["pooled", "permutation_p"] <= 0.05
    # binomial(200, 0.05): mean 10, standard deviation 3.1
    assert low <= 10 + 4 * 3.1


def test_different_seeds_are_noted():
    both = pd.concat([runs("a", [1.0] * 6), runs("b", [2.0] * 6)])
    assert comparison_table(both, ["x"], [], {"a": 1, "b": 1})["note"][0] == ""
    note = comparison_table(both, ["x"], [], {"a": 1, "b": 2})["note"][0]
    assert note == "paired by iteration although the seeds differ (a 1, b 2)"


def test_no_common_combo_gives_an_empty_table_with_its_columns():
    table = comparison_table(pd.concat([runs("a", [1.0]), runs("b", [1.0], combo="lr=2")]), ["x"], ["lr"])
    assert table.empty and {"combo", "lr", "metric", "permutation_p"} <= set(table.columns)


def test_summary_of_one_folder():
    table = summary_table(pd.concat([runs("a", [1.0, 3.0]), runs("a", [5.0], combo="lr=2")]), ["x"], ["lr"])
    assert list(table["combo"]) == ["lr=1", "lr=2", "pooled"]
    assert list(table["mean"]) == [2.0, 5.0, 3.0]
    np.testing.assert_allclose(table["stderr"], [1.0, np.nan, 2 / np.sqrt(3)])


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([5.0, 1.0, 2.0, 1.0], (1.0, 1, 1)),  # the first of equal minima
        ([10.0, 5.0, 0.1, 0.05, 0.0, 3.0], (0.0, 4, 2)),  # range 10: within 0.1 of it, the limit included
        ([1.0, 2.0, 3.0], (1.0, 0, 0)),  # the first epoch counts
        ([101.0, 3.0, 2.01, 1.99, 1.0, 101.0], (1.0, 4, 3)),  # range 100: at most 2
        ([2.0, 2.0, 2.0], (2.0, 0, 0)),  # constant: no range
        ([0.7], (0.7, 0, 0)),
        ([np.nan, 4.0, np.inf, 3.0, -np.inf], (3.0, 3, 3)),
        ([np.nan, np.nan], (np.nan, np.nan, np.nan)),
        ([], (np.nan, np.nan, np.nan)),
    ],
)
def test_minimum_its_epoch_and_that_of_99_percent(losses, expected):
    np.testing.assert_array_equal(minima(np.arange(len(losses)), np.array(losses, dtype=float)), expected)


def test_exponential_decay_is_99_percent_done_after_log_100_time_constants():
    epochs = np.arange(400)
    low, last, near = minima(epochs, 0.3 + 2 * np.exp(-epochs / 20))
    assert last == 399 and low == pytest.approx(0.3, abs=1e-8)
    assert near == np.ceil(20 * np.log(100))


def test_minima_are_of_the_validation_loss_where_there_is_one():
    table = pd.DataFrame({"combo": [0, 0, 1], "iteration": [0, 1, 0], "status": "complete"})
    curves = pd.DataFrame({"combo": 0, "iteration": [0, 0, 1, 1], "epoch": [0, 1, 0, 1],
                           "train_loss": [9.0, 8.0, 7.0, 6.0], "validate_loss": [1, 2, np.nan, np.nan]})  # fmt: skip
    found = with_minima(table, curves)[list(MINIMA)].to_numpy()
    np.testing.assert_array_equal(found, [[1, 0, 0], [6, 1, 1], [np.nan] * 3])
    assert with_minima(table, pd.DataFrame()) is table


def test_the_overview_leaves_out_what_no_run_has():
    table = statistics.overview(runs("a", [1.0, 3.0]).assign(y=np.nan), ["x", "y"])
    assert list(table.columns) == ["combo", "label", "runs", "x"] and table["x"][0] == "2 ± 1.4"
    waiting = statistics.overview(runs("a", [np.nan], status="missing"), ["x"])
    assert list(waiting.columns) == ["combo", "label", "runs"] and waiting["runs"][0] == "0/1"


def test_values_and_labels_are_compared_by_the_same_rows():
    """Two sets of one label that differ in `own` give what two labels give, with the option beside the label."""
    a, b = runs("x", [1.0, 2.0, 4.0], own="null=none"), runs("x", [2.0, 5.0, 1.0], own="null=degree")
    one = statistics.comparison_table([(a, b)], ["x"], ["lr"])
    two = comparison_table(pd.concat([a.assign(label="a", own=""), b.assign(label="b", own="")]), ["x"], ["lr"])
    assert list(one["combo"]) == ["lr=1", "pooled"] and list(one["own_b"]) == ["null=degree"] * 2
    pd.testing.assert_frame_equal(one[list(statistics.COMPARED)], two[list(statistics.COMPARED)])


def test_lower_bounds_are_noted_and_no_mean_of_them_is_shown_as_a_value():
    flagged = [part.assign(h_KS=part["x"], h_KS_lower_bound=flags) for part, flags in
               ((runs("a", [1.0, 3.0]), [0.0, 1.0]), (runs("b", [2.0, 8.0]), [0.0, 0.0]))]  # fmt: skip
    both = pd.concat(flagged)
    table = comparison_table(both, ["x", "h_KS"], ["lr"]).set_index(["combo", "metric"])["note"]
    said = "lower bounds (partial spectrum): 1 of 2 runs of a and 0 of 2 runs of b"
    assert table[("lr=1", "h_KS")].endswith(said) and "bounds" not in table[("lr=1", "x")]
    assert list(statistics.overview(both, ["h_KS"])["h_KS"]) == ["≥ 2 ± 1.4", "5 ± 4.2"]
    assert list(summary_table(flagged[0], ["x", "h_KS"], ["lr"])["note"]) == [
        "", "lower bounds (partial spectrum): 1 of 2 runs"]  # fmt: skip
    assert "note" not in summary_table(flagged[1], ["x", "h_KS"], ["lr"])


def test_differences_for_the_console_are_the_pooled_rows():
    table = comparison_table(pd.concat([runs("a", [1.0, 2.0]), runs("b", [2.0, 4.0]), runs("c", [0.0])]), ["x"], ["lr"])
    shown = statistics.differences(table, ["x", "y"])
    assert list(zip(shown["a"], shown["b"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert list(shown["x"]) == ["1.5 [1, 2], p 0.5", "-1", "-2"]
    assert statistics.differences(summary_table(runs("a", [1.0]), ["x"], ["lr"]), ["x"]).empty
