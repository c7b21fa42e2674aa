"""Tests of differences and means on made-up runs, and against simulated truth."""

import json

import numpy as np
import pandas as pd
import pytest

from randomnet.comparison import hypothesis_tests, means, significance, verdicts
from randomnet.comparison.loss_minima import MINIMA, add_loss_minima, minima
from randomnet.comparison.means import means_table
from randomnet.comparison.network_identity import (
    CONNECTOME,
    FIXED,
    NETWORK,
    REDRAWN,
    UNKNOWN,
    add_connectome_checksums,
    origin,
    source_of_variation,
)
from randomnet.comparison.significance import pairs_for_power, rank_p
from randomnet.lyapunov import record
from tests.support.marks import slow_except

SAME_NETWORK = "both sides are the same network: the test is about its starts, not about networks"


def runs(label, values, own="", combo="lr=1", status="complete"):
    return pd.DataFrame({"label": label, "combo": combo, "own": own, "lr": combo[3:], "iteration": range(len(values)),
                         "status": status, "x": values})  # fmt: skip


ONE, DRAWS = (lambda n: ["abc"] * n), (lambda n: [f"net {i}" for i in range(n)])


def table_of(*parts, metrics=("x",), options=("lr",), seeds=None):
    return hypothesis_tests.table_of_tests(hypothesis_tests.label_pairs(pd.concat(parts)), metrics, options, seeds)


def known(part, networks):
    return part.assign(**{CONNECTOME: networks(len(part))})


def test_a_row_per_pair_cell_and_metric_and_none_over_options():
    table = table_of(runs("a", [1.0, 2.0]), runs("a", [5.0], combo="lr=2"), runs("b", [2.0, 4.0]), runs("c", [0.0]),
                     runs("b", [9.0], combo="lr=2"), runs("b", [7.0], combo="lr=3"), metrics=["x", "y"])  # fmt: skip
    rows = table[["combo", "label_a", "label_b", "n"]].itertuples(index=False, name=None)
    assert list(rows) == [("lr=1", "a", "b", 2), ("lr=2", "a", "b", 1), ("lr=1", "a", "c", 1), ("lr=1", "b", "c", 1)]
    assert list(table["difference_b_minus_a"]) == [1.5, 4.0, -1.0, -2.0]
    assert not {"own_a", "own_b"} & set(table.columns)
    assert "at least 2 pairs of complete runs, and there is 1" in table["note"][1] and table["p"].notna().sum() == 1


def test_combos_of_a_label_alone_are_compared_apart():
    table = table_of(runs("a", [1.0, 2.0], own="nle=1"), runs("a", [3.0, 6.0], own="nle=2"), runs("b", [5.0, 5.0]))
    assert list(table["own_a"]) == ["nle=1", "nle=2"] and list(table["difference_b_minus_a"]) == [3.5, 0.5]


def test_values_and_labels_are_compared_by_the_same_rows():
    """Two sets of one label that differ in `own` give what two labels give, with the option beside the label."""
    a, b = runs("x", [1.0, 2.0, 4.0], own="null=none"), runs("x", [2.0, 5.0, 1.0], own="null=degree")
    one = hypothesis_tests.table_of_tests([(a, b)], ["x"], ["lr"])
    two = table_of(a.assign(label="a", own=""), b.assign(label="b", own=""))
    assert list(one["own_b"]) == ["null=degree"]
    pd.testing.assert_frame_equal(one[list(hypothesis_tests.COLUMNS)], two[list(hypothesis_tests.COLUMNS)])


def test_no_common_cell_gives_an_empty_table_with_its_columns():
    table = table_of(runs("a", [1.0]), runs("b", [1.0], combo="lr=2"))
    assert table.empty and {"combo", "lr", "metric", "p", "p_holm"} <= set(table.columns)
    assert hypothesis_tests.console_table(table, ["x"]).empty and not list(hypothesis_tests.shared_notes(table))


@pytest.mark.parametrize(
    ("connectomes", "networks", "said"),
    [
        (["p", "p", "p"], ["a", "b", "c"], FIXED),  # other gains on one connectome make no further connectome
        (["p", "q", "r"], None, REDRAWN),
        (["p", "q", "q"], ["a", "b", "c"], REDRAWN),  # draws of few neurons coincide
        ([None, "q", "r"], ["a", "b", "c"], REDRAWN),
        (None, ["a", "a", "a"], FIXED),
        (None, None, UNKNOWN),
    ],
)
def test_what_is_redrawn_is_told_by_checksums(connectomes, networks, said):
    part = runs("a", [1.0, 2.0, 3.0])
    for column, texts in ((CONNECTOME, connectomes), (NETWORK, networks)):
        part = part if texts is None else part.assign(**{column: texts})
    assert origin(part) == said


def test_runs_that_ended_without_a_value_count_as_networks():
    """Of nulls that all but one grow without bound, the one that is left is no network of its own kind."""
    network = known(runs("a", [1.0, 1.0, 1.0]), ONE)
    nulls = known(runs("b", [2.0, np.nan, np.nan], status=["complete", "unbounded", "failed"]), DRAWS)
    nulls.loc[2, CONNECTOME] = None
    row = table_of(network, nulls).iloc[0]
    assert row["design"] == hypothesis_tests.RANK_A and (row["n"], row["unbounded_b"]) == (1, 1) and np.isnan(row["p"])


def test_a_network_without_a_value_is_the_reason_that_there_is_no_p():
    network = known(runs("a", [0.1, 0.1, 0.1], status="unbounded"), ONE)
    row = table_of(network, known(runs("b", [1.0, 2.0, 3.0]), DRAWS)).iloc[0]
    assert row["design"] == hypothesis_tests.RANK_A and np.isnan(row["p"])
    assert row["note"].startswith("no p, as no complete run of the one network has a value; unbounded, left out: 3")


def test_what_runs_of_one_connectome_differ_in_is_told_by_the_whole_network():
    part = known(runs("a", [1.0, 2.0, 3.0]), ONE)
    same = part.assign(**{NETWORK: "same"})
    assert source_of_variation(part) == source_of_variation(same) == "starts of the same network"
    assert source_of_variation(part.assign(**{NETWORK: ["a", "b", "c"]})) == "runs of the same connectome"


def test_factors_of_low_rank_are_no_part_of_the_connectomes_checksum(tmp_path):
    for iteration, rank in enumerate((None, 1)):
        facts = {"sha256": "abc"} | ({"rank": rank} if rank else {})
        folder = tmp_path / "0" / f"iter_{iteration}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"connectome": facts}))
    table = add_connectome_checksums(tmp_path, pd.DataFrame({"combo": [0, 0], "iteration": [0, 1]}))
    assert table[CONNECTOME][0] == "abc" and pd.isna(table[CONNECTOME][1])


def test_one_network_is_ranked_among_draws_on_either_side():
    draws = np.arange(20.0)
    one, many = known(runs("one", [17.4, 17.6] * 9 + [17.4, 99.0]), ONE), known(runs("null", draws), DRAWS)
    row, mirrored = table_of(one, many).iloc[0], table_of(many, one).iloc[0]
    assert (row["design"], mirrored["design"]) == (hypothesis_tests.RANK_A, hypothesis_tests.RANK_B)
    for got in (row, mirrored):
        assert (got["n"], got["percentile"], got["effect"]) == (20, 90.0, "z")
        assert got["p"] == rank_p(17.5, draws) == pytest.approx(2 * 3 / 21)
        assert got["effect_size"] == pytest.approx((17.5 - 9.5) / draws.std(ddof=1))
        assert got["smallest_p"] == pytest.approx(2 / 21) and "20 draws allow no p below 0.095" in got["note"]
        assert got["interval_level"] == pytest.approx(1 - 2 / 21) and got["interval_of"] == hypothesis_tests.OF_DRAWS
    assert (row["difference_b_minus_a"], row["interval_low"], row["interval_high"]) == (-8.0, -17.5, 1.5)
    assert (mirrored["difference_b_minus_a"], mirrored["interval_low"], mirrored["interval_high"]) == (8.0, -1.5, 17.5)
    assert row["sd_a"] == pytest.approx(np.std([17.4, 17.6] * 9 + [17.4, 99.0], ddof=1))
    restless = known(runs("one", [5.0, 15.0] * 10), ONE)
    assert "starts of the one network spread 0.87 times as much" in table_of(restless, many)["note"][0]


def test_notes_that_differ_in_numbers_alone_are_one_remark():
    few = "draws allow no p below"
    notes = [f"8 {few} 0.22, and p < .05 needs 39", f"5 {few} 0.33, and p < .05 needs 39",
             SAME_NETWORK, ""]  # fmt: skip
    said = list(hypothesis_tests.shared_notes(pd.DataFrame({"note": notes, "pairs_for_power": np.nan, "p": np.nan})))
    assert said == ["2 of 4 tests: 5 to 8 draws allow no p below 0.22 to 0.33, and p < .05 needs 39",
                    f"1 of 4 tests: {SAME_NETWORK}"]  # fmt: skip


def test_the_console_says_where_a_metric_has_fewer_runs_than_its_line():
    one, many = known(runs("one", [5.0] * 4), ONE), known(runs("null", [1.0, 2, 3, 9]), DRAWS)
    part = pd.concat([one, many]).assign(y=[1.0, 2, 3, 4, 5, np.nan, 7, 8])
    (line,) = hypothesis_tests.console_table(table_of(part, metrics=("x", "y")), ["x", "y"]).to_dict("records")
    assert line["n"] == 4 and " n " not in line["x"] and line["y"].endswith("p 0.5 n 3")


def test_two_fixed_networks_have_a_difference_and_no_p():
    a, b = known(runs("left", [1.0, 2.0, 3.0]), ONE), known(runs("right", [2.0, 4.0, 6.0]), lambda n: ["other"] * n)
    row = table_of(a, b).iloc[0]
    assert (row["design"], row["difference_b_minus_a"], row["sd_a"], row["sd_b"]) == ("two networks", 2.0, 1.0, 2.0)
    assert row[["p", "interval_low", "effect_size"]].isna().all() and "no p" in row["note"]
    same = table_of(a, known(runs("longer", [2.0, 4.0, 6.0]), ONE)).iloc[0]
    assert same["design"] == hypothesis_tests.STARTS and same["p"] == 0.25 and "about its starts" in same["note"]


def test_pairs_have_their_power_in_the_note():
    rng = np.random.default_rng(0)
    apart = rng.normal(0.3, 1, 8) - 0.2
    a = known(runs("a", np.zeros(8)), DRAWS)
    row = table_of(a, known(runs("b", apart), lambda n: [f"b{i}" for i in range(n)])).iloc[0]
    assert row["design"] == hypothesis_tests.PAIRS and row["p"] > 0.05
    needed = pairs_for_power(apart.mean() / apart.std(ddof=1))
    assert row["note"] == f"about {needed} pairs for 80 % power at the observed effect"
    remark = next(hypothesis_tests.shared_notes(pd.DataFrame([row])))
    assert remark == f"1 of 1 tests with p > .05: about {needed} pairs for 80 % power at the observed effect"
    few = table_of(runs("a", [1.0, 2, 4]), runs("b", [2.0, 4, 8]))["note"][0]
    assert "3 pairs allow no p below 0.25, and p < .05 needs 6" in few


@pytest.mark.parametrize("n", [10, 39, 100, 199])
def test_a_connectome_that_is_one_of_its_nulls_is_called_different_in_5_percent_of_studies(n):
    """Simulated truth: the network is a draw of the null. Of n = 10 no p is below .05; of 39 and 199 it is exact."""
    studies, rng = 4000, np.random.default_rng(n)
    values = rng.exponential(size=(studies, n + 1))
    p = np.array([hypothesis_tests._rank_test(pd.Series(row[:1]), row[1:], 1)["p"] for row in values])
    exact = 2 * int(0.025 * (n + 1) + 1e-9) / (n + 1)
    error = 4 * np.sqrt(max(exact, 1e-9) * (1 - exact) / studies)
    assert abs(np.mean(p <= 0.05 + 1e-12) - exact) <= error and exact <= 0.05 + 1e-12
    if n in (39, 199):
        assert abs(np.mean(p <= 0.05 + 1e-12) - 0.05) < 0.01 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_starts_that_spread_do_not_make_a_connectome_different():
    """The network's value is a median of starts, a null's is of one: that spreads less, and p errs upwards."""
    studies, rng = 3000, np.random.default_rng(1)
    networks = rng.standard_normal((studies, 40))
    starts = networks[:, :1] + rng.normal(0, 1, (studies, 20))
    draws = networks[:, 1:] + rng.normal(0, 1, (studies, 39))
    p = [hypothesis_tests._rank_test(pd.Series(one), many, 1)["p"] for one, many in zip(starts, draws, strict=True)]
    assert np.mean(np.array(p) <= 0.05) < 0.05


@pytest.mark.parametrize("share", [0.03, 0.2, 0.5])
def test_an_attractor_that_some_starts_reach_does_not_make_a_connectome_different(share):
    """Simulated truth: starts of all networks alike reach a lower attractor; a mean over starts fails at 3 %: p is at
    most .05 in 12 % of studies."""
    studies, rng = 4000, np.random.default_rng(3)
    networks = rng.normal(0, 0.02, (studies, 40))
    starts = networks[:, :1] - (rng.random((studies, 39)) < share)
    draws = networks[:, 1:] - (rng.random((studies, 39)) < share)
    p = [hypothesis_tests._rank_test(pd.Series(one), many, 1)["p"] for one, many in zip(starts, draws, strict=True)]
    assert np.mean(np.array(p) <= 0.05 + 1e-12) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize("n", slow_except([10, 30, 200], 10))
def test_redrawn_networks_without_a_difference_are_called_different_in_5_percent_of_studies(n, monkeypatch):
    monkeypatch.setattr(significance, "FLIPS", 399)
    studies, rng = 1500, np.random.default_rng(n)
    seeds = rng.standard_normal((studies, n, 1))  # what a pair shares
    values = seeds + rng.exponential(size=(studies, n, 2))
    p = [hypothesis_tests._pairs_test(row[:, 1] - row[:, 0])["p"] for row in values]
    assert abs(np.mean(np.array(p) <= 0.05) - 0.05) < 0.01 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_paired_tests_of_one_network_would_be_wrong_and_are_not_made():
    """The error that the rank corrects: with enough draws every network differs from the mean of its nulls."""
    rng = np.random.default_rng(5)
    one, many = known(runs("one", [1.0] * 199), ONE), known(runs("null", rng.standard_normal(199)), DRAWS)
    row = table_of(one, many).iloc[0]
    assert hypothesis_tests._pairs_test(many["x"].to_numpy() - 1.0)["p"] < 1e-3 and row["p"] > 0.2


def test_diverged_runs_are_counted_and_in_no_mean():
    both = pd.concat([runs("a", [1.0, 3.0]), runs("b", [2.0, 1e9])], ignore_index=True)
    both.loc[3, "status"] = "diverged"
    row = table_of(both).iloc[0]
    assert (row["n"], row["n_b"], row["mean_b"], row["diverged_a"], row["diverged_b"]) == (1, 1, 2.0, 0, 1)
    assert "diverged, left out: 1 of 2 runs of b" in row["note"]


def test_the_verdicts_that_are_counted_are_those_that_spectra_have():
    assert (verdicts.NOT_CONVERGED, verdicts.TOO_SHORT) == (record.UNCONVERGED, record.TOO_SHORT)


def test_verdicts_reach_every_row_that_they_are_of():
    verdict = ["converged", "not converged", "too short to tell", "not converged"]
    a = runs("a", [1.0, 2.0, 3.0, 4.0])
    b = a.assign(label="b", verdict=verdict, verdict_final=["converged", "not converged", "converged", "unbounded"])
    every = [part.assign(lambda_max=part["x"], D_KY_final=part["x"], loss_final=part["x"]) for part in (a, b)]
    table = table_of(*every, metrics=["lambda_max", "D_KY_final", "loss_final"]).set_index("metric")
    counts = table[["not_converged_a", "not_converged_b", "too_short_b", "unbounded_b"]]
    assert counts.loc["lambda_max"].tolist() == [0, 2, 1, 0] and counts.loc["D_KY_final"].tolist() == [0, 1, 0, 1]
    assert counts.loc["loss_final"].tolist() == [0, 0, 0, 0] and "converged" not in table.loc["loss_final", "note"]
    said = "not converged: 2 of 4 runs of b; too short to tell: 1 of 4 runs of b"
    assert said in table.loc["lambda_max", "note"]
    shown = hypothesis_tests.console_table(table.reset_index(), ["lambda_max"])
    assert shown["lambda_max"][0].endswith("!?")
    older = b.drop(columns=["verdict", "verdict_final"]).assign(converged=[1.0, 0.0, 1.0, 1.0], lambda_max=b["x"])
    assert table_of(every[0], older, metrics=["lambda_max"])["not_converged_b"][0] == 1  # without verdicts
    spectra = every[1].drop(columns="verdict_final")
    assert means.overview(spectra, ["lambda_max"])["not converged"][0] == 2
    assert means.overview(every[1], ["lambda_max"])["not converged"][0] == 1  # of training, that after it


def test_runs_without_a_value_are_counted_and_equal_values_are_not_tested():
    a, b = runs("a", [0.0] * 4), runs("b", [0.0, 0.0, np.nan, np.inf])
    row = table_of(a, b).iloc[0]
    assert (row["undetermined_a"], row["undetermined_b"]) == (0, 2) and np.isnan(row["p"])
    assert row["note"] == "all values are equal: nothing to test; not determined, left out: 2 of 4 runs of b"


def test_draws_whose_dimension_is_beyond_the_exponents_rank_above_the_network():
    """Half of the draws have more than the 3 dimensions that were computed: the network is the median, not the top."""
    draws = np.concatenate([np.linspace(1, 2, 50), [np.nan] * 50])
    a, b = known(runs("a", [2.5] * 3), ONE), known(runs("b", draws), DRAWS)
    row = table_of(a.rename(columns={"x": "D_KY"}), b.rename(columns={"x": "D_KY"}), metrics=["D_KY"]).iloc[0]
    assert (row["n"], row["n_b"], row["percentile"], row["p"], row["undetermined_b"]) == (100, 50, 50, 1, 50)
    assert np.isnan(row["effect_size"]) and np.isnan(row["interval_low"]) and "above all others" in row["note"]
    assert "pct 50 p 1" in hypothesis_tests.console_table(pd.DataFrame([row]), ["D_KY"])["D_KY"][0]
    loss = table_of(a, b).iloc[0]  # of which nothing is known of runs without a value
    assert (loss["n"], loss["p"]) == (50, pytest.approx(2 / 51))
    lost = [part.rename(columns={"x": "D_KY"}) for part in (a.assign(x=[1.0, np.nan, np.nan]), b)]
    assert "not determined: nothing to rank" in table_of(*lost, metrics=["D_KY"])["note"][0]


def test_p_is_corrected_over_all_rows():
    parts = [runs(label, values, combo=f"lr={lr}") for lr in (1, 2) for label, values in
             (("a", np.zeros(8)), ("b", np.arange(8.0) + 1 if lr == 1 else np.array([1.0, -1] * 4)))]  # fmt: skip
    table = table_of(*parts)
    assert list(table["p"]) == [2 / 256, 1.0] and list(table["p_holm"]) == [4 / 256, 1.0] == list(table["p_bh"])
    assert "tests.csv has 2 p values" in list(hypothesis_tests.shared_notes(table))[-1]


def test_different_seeds_are_noted():
    both = runs("a", [1.0] * 6), runs("b", [2.0] * 6)
    assert "seeds" not in table_of(*both, options=[], seeds={"a": 1, "b": 1})["note"][0]
    note = table_of(*both, options=[], seeds={"a": 1, "b": 2})["note"][0]
    assert note.endswith("paired by iteration although the seeds differ (a 1, b 2)")


def test_means_per_label_and_cell():
    table = means_table(pd.concat([runs("a", [1.0, 3.0]), runs("a", [5.0], combo="lr=2"),
                                   known(runs("b", [2.0, 2.0]), ONE)]), ["x"], ["lr"])  # fmt: skip
    assert list(zip(table["label"], table["combo"], table["mean"], strict=True)) == [
        ("a", "lr=1", 2.0), ("a", "lr=2", 5.0), ("b", "lr=1", 2.0)]  # fmt: skip
    np.testing.assert_allclose(table["stderr"], [1.0, np.nan, 0.0])
    assert list(table["over"]) == ["iterations", "iterations", "starts of the same network"]


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
    found = add_loss_minima(table, curves)[list(MINIMA)].to_numpy()
    np.testing.assert_array_equal(found, [[1, 0, 0], [6, 1, 1], [np.nan] * 3])
    assert add_loss_minima(table, pd.DataFrame()) is table


def test_the_overview_leaves_out_what_no_run_has():
    table = means.overview(runs("a", [1.0, 3.0]).assign(y=np.nan), ["x", "y"])
    assert list(table.columns) == ["combo", "label", "runs", "x"] and table["x"][0] == "2 ± 1.4"
    waiting = means.overview(runs("a", [np.nan], status="missing"), ["x"])
    assert list(waiting.columns) == ["combo", "label", "runs"] and waiting["runs"][0] == "0/1"


def test_lower_bounds_are_noted_and_no_mean_of_them_is_shown_as_a_value():
    flagged = [part.assign(h_KS=part["x"], h_KS_lower_bound=flags) for part, flags in
               ((runs("a", [1.0, 3.0]), [0.0, 1.0]), (runs("b", [2.0, 8.0]), [0.0, 0.0]))]  # fmt: skip
    table = table_of(*flagged, metrics=["x", "h_KS"]).set_index("metric")
    assert table.loc["h_KS", "note"].endswith("lower bounds: 1 of 2 runs of a")
    assert table.loc["h_KS", "lower_bounds_a"] == 1 and "bounds" not in table.loc["x", "note"]
    assert list(means.overview(pd.concat(flagged), ["h_KS"])["h_KS"]) == ["≥ 2 ± 1.4", "5 ± 4.2"]
    assert list(means_table(flagged[0], ["x", "h_KS"], ["lr"])["note"]) == ["", "lower bounds: 1 of 2 runs"]
    assert "note" not in means_table(flagged[1], ["x", "h_KS"], ["lr"])
