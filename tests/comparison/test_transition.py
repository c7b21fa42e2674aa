"""Where the largest exponent turns positive: crossings, their intervals and differences, against simulated truth."""

import numpy as np
import pandas as pd
import pytest

from randomnet import plotting
from randomnet.comparison.transition import Curves, crossing, difference, iteration_crossings, transition
from randomnet.figures import transition as transitions
from tests.support.marks import slow_except
from tests.support.spectral_folders import gather, make

GRID = np.arange(0.5, 2.3, 0.25)
TRUE = 1.37
EXPERIMENTS = 400


def curves_of(samples, errors=None):
    """Curves of the exponents of each g, in the order of iterations; short lists are of the first ones."""
    rows = [{"g": g, "iteration": number, "lambda_max": value, "lambda_max_stderr": (errors or {}).get(g, np.nan)}
            for g, values in samples.items() for number, value in enumerate(values)]  # fmt: skip
    return Curves.of(pd.DataFrame(rows, columns=["g", "iteration", "lambda_max", "lambda_max_stderr"], dtype=float))


def of(samples, errors=None, **options):
    return transition(curves_of(samples, errors), **options)


def joint(generator, n, skewed=False, shift=0.0, shared=None, correlation=0.75):
    """Curves of n networks with median 0 at g = TRUE + shift, correlated across g; `shared` is a part of all noise."""
    own = generator.standard_normal((n, len(GRID)))
    common = generator.standard_normal((n, 1)) if shared is None else shared
    noise = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    noise = np.expm1(0.6 * noise) if skewed else noise
    values = 0.5 * (GRID - TRUE - shift) + 0.1 * noise
    return Curves(GRID, values, np.full(values.shape, 0.01), np.arange(n))


def test_crossing_is_interpolated_at_the_first_change_from_negative_to_positive():
    assert crossing([1, 2, 3], [-1, 3, 5]) == 1.25
    assert crossing([1, 2, 3, 4], [1, -1, 1, 2]) == 2.5  # what falls below zero first is not the crossing
    assert crossing([1, 2, 3, 4, 5], [-1, 1, -1, 1, 1]) == 1.5
    assert crossing([1, 2, 3], [-1, 0, 1]) == 2.0
    assert crossing([1, 2], [1, 2]) is None and crossing([1, 2], [-2, -1]) is None and crossing([1], [0]) is None


def test_a_crossing_is_by_more_than_two_standard_errors():
    assert crossing([1, 2], [-1, 0.5], [0.1, 0.24]) == pytest.approx(5 / 3)
    assert crossing([1, 2], [-1, 0.5], [0.1, 0.26]) is None
    assert crossing([1, 2, 3], [-0.1, 0.1, 0.9], 0.2) == 1.5  # significant at 3, and located where the sign changes


def test_a_limit_cycle_is_no_crossing():
    """Its exponent is 0, measured as .0001 with an error of .011, and never leaves 0 after that."""
    cycles = {1.0: [-0.5] * 8, 2.0: [0.0001] * 8, 3.0: [0.0002] * 8}
    errors = {1.0: 0.01, 2.0: 0.011, 3.0: 0.011}
    assert of(cycles).crossing is not None  # without error bars nothing says that these are 0
    found = of(cycles, errors)
    assert found.crossing is None and np.isnan([found.low, found.high]).all()
    chaos = of({**cycles, 4.0: [0.3] * 8}, errors | {4.0: 0.01})
    assert chaos.crossing == 3.0  # where the curve leaves 0


def test_errors_of_medians_are_those_of_the_spread_or_of_the_runs():
    generator = np.random.default_rng(0)
    values = generator.normal(1.0, 0.1, 400)
    found = of({1.0: -values, 2.0: values}, {1.0: 0.5, 2.0: 0.001})
    assert found.errors[0] == pytest.approx(0.5 / 20)
    assert found.errors[1] == pytest.approx(np.sqrt(np.pi / 2) * 0.1 / 20, rel=0.25)  # of a Gaussian sample's median


def test_transition_is_of_medians_and_leaves_out_what_is_not_finite():
    found = of({2.0: [1.0, np.nan, 1.2, 1.0], 1.0: [-1.0, -1.0, -90.0], 3.0: [np.inf]})
    assert list(found.g) == [1.0, 2.0] and list(found.medians) == [-1.0, 1.0] and found.samples == 6
    assert found.crossing == 1.5 and found.low <= 1.5 <= found.high
    assert of({1.0: [2.0], 2.0: [3.0]}).crossing is None and of({}).crossing is None
    same = of({1.0: [-1.0] * 4, 2.0: [1.0] * 4})
    assert (same.low, same.crossing, same.high) == (1.5, 1.5, 1.5)


def test_medians_leave_out_iterations_that_are_missing():
    generator = np.random.default_rng(1)
    values = joint(generator, 9).exponents
    values[[0, 3, 4], [0, 2, 2]] = np.nan
    found = transition(Curves(GRID, values, np.full(values.shape, np.nan), np.arange(9)))
    np.testing.assert_allclose(found.medians, np.nanmedian(values, axis=0))


def test_an_interval_that_reaches_beyond_the_couplings_is_open():
    found = of({1.0: [-1.0, -1.0, 2.0], 2.0: [1.0, 1.0, 1.0]})
    assert found.low == -np.inf and 1 < found.crossing <= found.high < 2


def test_one_iteration_has_a_crossing_and_no_interval():
    found = of({1.0: [-1.0], 2.0: [1.0]})
    assert found.crossing == 1.5 and np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("n", slow_except([3, 5, 8, 20], 3, 8))
def test_the_interval_covers_the_true_crossing(n, skewed):
    """95 % within 3 points, and what chance allows in so many experiments (two standard errors)."""
    hits = 0
    for experiment in range(EXPERIMENTS):
        found = transition(joint(np.random.default_rng([experiment, n]), n, skewed), resamples=400)
        hits += found.low <= TRUE <= found.high if found.crossing is not None else True
    noise = {rate: 2 * np.sqrt(rate * (1 - rate) / EXPERIMENTS) for rate in (0.92, 0.98)}
    least, most = 0.92 - noise[0.92], 0.98 + noise[0.98]
    assert least <= hits / EXPERIMENTS <= most


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", slow_except([5, 12], 5))
def test_the_interval_covers_the_true_difference_and_pairs_make_it_narrower(n, paired):
    hits, widths = 0, []
    for experiment in range(EXPERIMENTS):
        generator = np.random.default_rng([experiment, n, 7])
        common = generator.standard_normal((n, 1))
        a, b = joint(generator, n, shared=common), joint(generator, n, shift=0.2, shared=common if paired else None)
        found = difference(a, b, paired, resamples=300)
        hits += found.low <= 0.2 <= found.high
        if paired and experiment < 50 and np.isfinite(found.high - found.low):
            loose = difference(a, b, False, resamples=300)
            widths.append((found.high - found.low) / (loose.high - loose.low))
    assert 0.90 <= hits / EXPERIMENTS <= 0.995 and found.iterations == n
    assert not paired or np.median(widths) < 0.85  # of the variance .75 is shared by a pair


def test_pairs_are_of_the_same_iterations():
    a, b = joint(np.random.default_rng(0), 6), joint(np.random.default_rng(1), 6)
    found = difference(a.rows(np.arange(4)), b.rows(np.arange(2, 6)), paired=True)
    assert found.iterations == 2 and found.difference is not None
    assert difference(a.rows(np.arange(2)), b.rows(np.arange(2, 6)), paired=True).difference is None
    assert difference(a.rows(np.arange(2)), b.rows(np.arange(2, 6)), paired=False).iterations == 2


def test_every_iteration_has_a_crossing_of_its_own():
    exponents = np.array([[-1.0, 1.0, 2.0], [1.0, 2.0, 3.0], [-3.0, -2.0, -1.0], [-1.0, np.nan, 1.0]])
    found = iteration_crossings(Curves(np.array([1.0, 2.0, 3.0]), exponents, np.full((4, 3), 0.1), np.arange(4)))
    assert list(found) == [1.5, -np.inf, np.inf, 2.0]


def test_a_coupling_at_which_most_runs_are_left_out_brackets_no_crossing():
    samples = {1.0: [-1.0] * 3, 2.0: [-0.5] * 3, 3.0: [2.0]}
    assert of(samples).crossing == 2.2
    found = of(samples, left_out={3.0: 2})
    assert found.crossing is None and found.unbounded == 3.0 and list(found.g) == [1.0, 2.0] and found.samples == 6
    some = of(samples | {3.0: [2.0, 2.0]}, left_out={3.0: 2, 4.0: 3})  # half of them are not most
    assert some.crossing == 2.2 and some.unbounded == 4.0
    below = of({**samples, 1.5: [-1.0]}, left_out={1.5: 2})  # beyond an unbounded g nothing is bracketed
    assert below.crossing is None and below.unbounded == 1.5 and list(below.g) == [1.0]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"unbounded": 5, "diverged": 0}, "growth is unbounded"),
        ({"unbounded": 0, "diverged": 5}, "most runs diverge"),
        ({"unbounded": 1, "diverged": 5}, "most runs are unbounded or diverge"),
    ],
)
def test_why_there_is_no_crossing_names_how_the_runs_ended(lost, said):
    text = plotting.missing_text(np.array([-0.5, -0.1]), lost, 2.0)
    assert text == f"no transition to chaos: {said} from g = 2"


@pytest.mark.slow
def test_differences_are_of_labels_and_of_controls(tmp_path):
    grid = {"g": [0.4, 0.8, 1.6, 2.4], "null": ["degree", "none", "weights"]}
    one, two = (make(tmp_path / name, "transition", grid, k=1) for name in "ab")
    table = transitions.transition_differences(gather(one, two))
    assert len(table) == 7 and table["paired"].all() and (table["iterations"] == 3).all()
    of_labels = table[table["label_a"] != table["label_b"]]
    assert len(of_labels) == 3 and (of_labels["options_a"] == of_labels["options_b"]).all()
    assert set(table[table["label_a"] == table["label_b"]]["options_a"]) == {"null=none"}
    np.testing.assert_allclose(table["difference_b_minus_a"], 0, atol=1e-12)
    other = make(tmp_path / "c", "transition", grid, k=1, seed=2)
    assert not transitions.transition_differences(gather(one, other))["paired"].iloc[0]


def test_one_network_is_ranked_among_those_of_its_null(tmp_path):
    """The connectome is the same in all iterations; its g_c is placed among those of the nulls' own networks."""
    grid, n = {"g": [0.4, 0.8, 1.6, 2.4], "null": ["none", "degree"]}, 9
    combos = [(g, null) for g in grid["g"] for null in grid["null"]]
    ends = {(number, iteration): ("complete", {"network": f"{g}" if null == "none" else f"{g}-{iteration}"})
            for number, (g, null) in enumerate(combos) for iteration in range(n)}  # fmt: skip
    row = transitions.transition_differences(
        gather(make(tmp_path / "a", "transition", grid, n, k=1, ends=ends))
    ).iloc[0]
    # iteration i crosses at 1.2 - 0.02 (i - 1), and the connectome at the median of these
    assert (row["options_a"], row["percentile_a"], row["smallest_p"]) == ("null=none", 50, pytest.approx(0.2))
    assert row["rank_p"] == 1 and "one network" in row["note"]


def test_one_network_without_a_crossing_lies_beyond_the_nulls_that_have_one(tmp_path):
    grid, n = {"g": [0.4, 0.8, 1.6], "null": ["none", "degree"]}, 9
    stable = {"lambda_max": -0.1, "network": "the same"}  # the first combo of each g is null = none
    ends = {(number, i): ("complete", {"network": f"{i}"} if number % 2 else stable)
            for number in range(6) for i in range(n)}  # fmt: skip
    row = transitions.transition_differences(
        gather(make(tmp_path / "a", "transition", grid, n, k=1, ends=ends))
    ).iloc[0]
    assert (row["percentile_a"], row["rank_p"]) == (100, pytest.approx(0.2)) and pd.isna(row["difference_b_minus_a"])
