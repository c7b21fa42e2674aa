"""The answer of a study of g and nulls: which is closer to the edge of chaos, where the made-up truth is known."""

import numpy as np
import pytest

from randomnet.comparison.edge_of_chaos import edge_sentences
from tests.support.studies import study_of

G = [1, 2, 3, 4, 5, 6]
DRAWS = 40


def lines(shifts, *, fixed=True, nulls=("degree",), draws=DRAWS, scatter=0.1):
    """A study whose exponent is 0.1 (g - g_c), where g_c of the network is shifts["none"], and nulls scatter."""
    steps = np.linspace(-scatter, scatter, draws)

    def exponents(label, of):
        own = 0 * steps if fixed and of["null"] == "none" else steps if of["null"] == "none" else steps[::-1]
        return 0.1 * (of["g"] - shifts[of["null"]] - own)

    return study_of({"null": ["none", *nulls], "g": G}, exponents, fixed=fixed)


def test_the_network_that_becomes_chaotic_first_is_closer():
    answer, numbers, on_p = edge_sentences(lines({"none": 2.5, "degree": 4.5}))
    assert answer == "The connectome MB is closer to the edge of chaos than its degree null."
    assert numbers.startswith("Chaos begins at g = 2.5")
    assert "at g = 4.5 [4.4" in numbers and numbers.endswith("in its degree null (p = 0.049).")  # 2 / 41
    assert on_p == "Each p is from the network's rank in g_c among 40 draws."


def test_order_is_told_for_each_null_and_turns_with_it():
    shifts = {"none": 3.5, "degree": 4.5, "sign": 2.5, "weights": 3.5}
    answer, _, on_p = edge_sentences(lines(shifts, nulls=("degree", "sign", "weights")))
    assert answer == (
        "The connectome MB is closer to the edge of chaos than its degree null; it is farther from the edge of chaos "
        "than its sign null; it cannot be told to be closer to the edge of chaos or farther than its weights null."
    )
    assert on_p.endswith("40 draws; Holm's correction for 3 controls needs 119.")  # 2 * 3 / 120 = .05


def test_too_few_draws_decide_nothing_and_the_needed_number_is_told():
    answer, _, on_p = edge_sentences(lines({"none": 2.5, "degree": 4.5}, draws=20))
    assert "cannot be told to" in answer
    assert on_p.endswith("among 20 draws, which allow no p below 0.095; 0.05 needs 39.")  # 2 / 21


def test_a_network_without_chaos_is_farther_than_nulls_that_have_it():
    answer, numbers, _ = edge_sentences(lines({"none": 9, "degree": 4.5}))
    assert answer == "The connectome MB is farther from the edge of chaos than its degree null."
    assert numbers.startswith("Chaos begins nowhere up to g = 6 in the connectome MB; at g = 4.5")


def test_draws_with_chaos_are_counted_where_their_median_has_none():
    answer, numbers, _ = edge_sentences(lines({"none": 9, "degree": 6.5}, scatter=1))
    assert "cannot be told to" in answer, "10 of 40 draws are chaotic within the grid: p = 1"
    assert "nowhere up to g = 6 in its degree null (p = 1; in 10 of 40 networks it does)" in numbers


def test_without_any_chaos_the_study_says_that_it_cannot_tell():
    answer, *_ = edge_sentences(lines({"none": 9, "degree": 9, "sign": 8}, nulls=("degree", "sign")))
    assert answer == (
        "The study cannot tell which is closer to the edge of chaos: over g = 1 to 6 chaos begins neither in the "
        "connectome MB nor in any draw of its degree null or its sign null."
    )


@pytest.mark.parametrize(("shift", "told"), [(4.5, "is closer"), (2.5, "cannot be told to")])
def test_networks_that_are_redrawn_are_compared_in_pairs(shift, told):
    answer, _, on_p = edge_sentences(lines({"none": 2.5, "degree": shift}, fixed=False, draws=8))
    assert told in answer
    assert on_p == "Each p is from the sign of the difference in g_c over 8 pairs."


def test_studies_without_nulls_or_without_g_have_no_such_answer():
    assert edge_sentences(study_of({"g": G}, lambda label, of: np.arange(3.0) + of["g"])) == []
    assert edge_sentences(study_of({"null": ["none", "degree"]}, lambda label, of: np.arange(3.0))) == []
