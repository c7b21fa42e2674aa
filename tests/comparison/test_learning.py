"""Epochs to a criterion: from curves of losses, and the answer of studies whose truth is known."""

import numpy as np
import pytest

from randomnet.comparison.intervals import median_interval
from randomnet.comparison.learning import learning_sentences
from randomnet.comparison.loss_minima import EPOCHS_TO, epochs_to
from tests.support.studies import study_of

DRAWS = 40


def study(network, null, *, fixed=True, n=DRAWS, grid=None):
    """Epochs to the criterion of a network and of its degree null, in all iterations or scattered by 0 to 4."""
    scatter = np.arange(n) % 5
    epochs = {"none": network + (0 if fixed else 1) * scatter, "degree": null + scatter[::-1]}
    settings = {"trainvalidate.stop_below": 0.01, "trainvalidate.epochs": 20, "net.null": "none"}
    values = {name: np.where(each > 20, np.inf, each) for name, each in epochs.items()}
    return study_of({"null": ["none", "degree"], **(grid or {})}, lambda label, of: values[of["null"]], EPOCHS_TO,
                    settings={"larva": settings}, fixed=fixed)  # fmt: skip


def test_the_first_epoch_below_counts_and_a_run_that_ends_before_is_infinite():
    losses = [1.0, 0.5, 0.09, 0.2, 0.05]
    assert epochs_to(np.arange(5), np.array(losses), 0.1) == 2
    assert epochs_to(np.arange(5), np.array(losses), 0.01) == np.inf
    assert np.isnan(epochs_to(np.arange(5), np.array(losses), 0.0))


def test_the_interval_of_a_median_covers_it_and_allows_infinite_values():
    generator, hits = np.random.default_rng(0), 0
    for _ in range(500):
        low, high = median_interval(np.where((x := generator.normal(size=15)) > 1, np.inf, x))
        hits += low <= 0 <= high
    assert 0.95 <= hits / 500 <= 0.985  # exactly 1 - 2 P(at most 3 of 15) = 0.965
    assert median_interval(np.arange(40.0)) == (13, 26)  # ranks 14 and 27
    assert np.isnan(median_interval(np.arange(5.0))).all()


def test_the_network_that_needs_fewer_epochs_learns_faster():
    answer, numbers, on_p = learning_sentences(study(5, 10))
    assert answer == "The connectome MB learns faster than its degree null."
    assert (
        "as the median over runs: 5 [5, 5] in the connectome MB; 12 [11, 13] in its degree null (p = 0.049)." in numbers
    )
    assert on_p == "Each p is from the network's rank in epochs among 40 draws."


def test_the_network_that_needs_more_learns_more_slowly_and_equal_ones_are_not_told_apart():
    assert "learns more slowly than its degree null" in learning_sentences(study(18, 10))[0]
    assert "cannot be told to learn faster or more slowly than its degree null" in learning_sentences(study(12, 10))[0]
    assert "cannot be told to" in learning_sentences(study(5, 10, n=20))[0], "20 draws allow no p below 0.095"


def test_runs_that_end_before_the_criterion_are_later_than_all_and_counted():
    answer, numbers, censored, _ = learning_sentences(study(5, 17))
    assert "learns faster" in answer
    assert "19 [18, 20] in its degree null" in numbers
    assert censored.startswith("Of the runs, 8 of 40 of its degree null ended after 20 epochs without it")
    _, numbers, *_ = learning_sentences(study(5, 19))
    assert "not reached by half of the runs (by 16 of 40) in its degree null (p = 0.049)" in numbers


def test_without_any_run_below_the_study_cannot_tell():
    (answer,) = learning_sentences(study(30, 30))
    assert answer == (
        "The study cannot tell which learns faster: within 20 epochs no run of the connectome MB or of its degree null "
        "has a validation loss below 0.01."
    )


def test_redrawn_networks_are_compared_in_pairs():
    answer, *_, on_p = learning_sentences(study(5, 14, fixed=False, n=10))
    assert "learns faster" in answer and on_p == "Each p is from the sign of the difference in epochs over 10 pairs."


@pytest.mark.parametrize("grid", [{"lr": [0.1, 0.2]}])
def test_grids_of_other_options_have_no_such_answer(grid):
    assert learning_sentences(study(5, 10, grid=grid)) == []
