"""The number of recorded neurons at which half of the others' variance is explained."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.prediction import dimensions_of, half_error, m_of, note, prediction_sentences


def table(errors, m=(1, 10, 100)):
    """Runs of several iterations: errors (iterations, M)."""
    rows = [(iteration, count, error) for iteration, row in enumerate(errors)
            for count, error in zip(m, row, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["iteration", "recorded", "error_unrecorded_final"])


def test_the_crossing_is_between_the_two_m_in_their_logarithm():
    half, low, high = m_of(half_error(table([[1.0, 0.75, 0.25]] * 3)))
    assert half == pytest.approx(10**1.5) and low == high == half
    assert note(table([[1.0, 0.75, 0.25]] * 3)) == ""


def test_the_interval_is_over_iterations():
    rng = np.random.default_rng(0)
    errors = np.array([1.0, 0.75, 0.25]) + rng.normal(0, 0.05, (8, 3))
    half, low, high = m_of(half_error(table(errors)))
    assert 10 < low < half < high < 100


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([[2.0, 1.5, 0.9]] * 3, "is not explained over all of M = 1 to 100"),
        ([[0.4, 0.2, 0.1]] * 3, "is explained over all of M = 1 to 100"),
        ([[0.9, 0.9, 0.4], [0.9, 0.9, 1.4], [0.9, 0.9, 0.49]], "is not explained by more than two standard errors"),
        ([[np.nan] * 3], "there are no unrecorded neurons"),
    ],
)
def test_a_note_says_why_there_is_no_such_number(errors, words):
    assert m_of(half_error(table(errors)))[0] is None
    assert words in note(table(errors))


def test_ends_of_the_interval_beyond_the_grid_are_zero_and_infinity():
    half, low, high = m_of(half_error(table([[1.2, 0.8, 0.2], [1.3, 0.45, 0.1]])))
    assert (low, high) == (0.0, np.inf) and 1 < half < 100


def sentence_on_dimensions(dimensions, monkeypatch):
    """The last sentence of a study whose runs (iterations, combos) have these dimensions."""
    runs = table(np.ones((len(dimensions), 3))).assign(dimension=np.ravel(dimensions))
    monkeypatch.setattr("randomnet.comparison.prediction._sentences", lambda study: iter(["one"]))
    return prediction_sentences(SimpleNamespace(runs=runs))[-1], dimensions_of(runs)


def test_a_teacher_counts_once_however_many_students_it_has(monkeypatch):
    text, values = sentence_on_dimensions([[5.0] * 3, [6.0] * 3, [7.5] * 3], monkeypatch)
    assert values.tolist() == [5.0, 6.0, 7.5]
    low, high = mean_interval(np.array([5.0, 6.0, 7.5]))
    assert f"of 6.2 [{low:.2g}, {high:.2g}]" in text


def test_teachers_that_differ_between_combos_have_a_range_of_dimensions(monkeypatch):
    text, _ = sentence_on_dimensions([[5.0, 9.0, 14.0], [6.0, 8.0, 15.0]], monkeypatch)
    assert "between 5 and 15" in text and "differ between combos" in text
