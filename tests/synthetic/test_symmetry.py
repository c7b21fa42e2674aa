"""Random networks whose reciprocal weights are correlated: moments, the elliptic law, and the option."""

import re

import numpy as np
import pytest

from randomnet.build.connectome import connectome_facts, connectome_of
from randomnet.settings import ConfigError
from randomnet.synthetic import random_network

N, G = 400, 1.3
RANDOM = "[net]\nroi = random\nn = 60\nsymmetry = {}\n[lyapunov]\ntsim = 5\n"


def matrix(symmetry, seed=0):
    return random_network(N, G, np.random.default_rng(seed), symmetry).dense()


@pytest.mark.parametrize("symmetry", [-1.0, -0.6, 0.0, 0.3, 1.0])
def test_weights_have_their_variance_and_correlation(symmetry):
    weights = matrix(symmetry)
    above, below = weights[np.triu_indices(N, 1)], weights.T[np.triu_indices(N, 1)]
    assert np.var(np.r_[above, below]) == pytest.approx(G**2 / N, rel=0.02)
    assert np.corrcoef(above, below)[0, 1] == pytest.approx(symmetry, abs=0.01)
    assert not np.diag(weights).any()


@pytest.mark.parametrize("symmetry", [-0.6, 0.0, 0.5])
def test_eigenvalues_fill_the_ellipse_evenly(symmetry):
    """The elliptic law: with half axes a and b, the mean squares of the coordinates are a^2 / 4 and b^2 / 4."""
    values = np.linalg.eigvals(matrix(symmetry))
    a, b = G * (1 + symmetry), G * (1 - symmetry)
    scaled = (values.real / a) ** 2 + (values.imag / b) ** 2
    assert (scaled < 1.1).mean() > 0.99
    assert np.mean(values.real**2) == pytest.approx(a**2 / 4, rel=0.08)
    assert np.mean(values.imag**2) == pytest.approx(b**2 / 4, rel=0.08)
    assert (scaled < 0.5).mean() == pytest.approx(0.5, abs=0.06)  # the share of the area


def test_the_ends_are_the_semicircle_on_the_real_and_on_the_imaginary_axis():
    symmetric, antisymmetric = (np.linalg.eigvals(matrix(symmetry)) for symmetry in (1.0, -1.0))
    assert np.abs(symmetric.imag).max() == 0 and np.abs(antisymmetric.real).max() < 1e-12
    for values in (symmetric.real, antisymmetric.imag):
        assert np.abs(values).max() == pytest.approx(2 * G, rel=0.05)
        assert np.mean(values**2) == pytest.approx(G**2, rel=0.02)


def test_without_symmetry_the_weights_are_those_of_independent_draws():
    drawn = np.random.default_rng(0).standard_normal((N, N)) * (G / np.sqrt(N))
    np.fill_diagonal(drawn, 0)
    assert np.array_equal(matrix(0.0), drawn)


def test_flystabilitys_mean_of_a_matrix_and_its_transpose_is_symmetry_1_of_a_smaller_g():
    other = random_network(N, G, np.random.default_rng(0)).dense()
    assert np.allclose((other + other.T) / 2, matrix(1.0) / np.sqrt(2))


@pytest.mark.parametrize(("text", "value"), [("0.4", 0.4), ("symmetric", 1.0), ("Antisymmetric", -1.0), ("none", 0.0)])
def test_the_option_takes_a_correlation_or_a_word(plan, text, value):
    (combo,) = plan(RANDOM.format(text)).combos
    (run,) = combo.runs()
    weights = connectome_of(run).dense()
    expected = random_network(60, 1.0, run.generator("network"), value).dense()
    assert np.array_equal(weights, expected)
    assert (f"correlated by {value:g}" in connectome_facts(run)["source"]) == (value != 0)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (RANDOM.format("1.5"), "symmetry: expected a number from -1 to 1, or symmetric, antisymmetric, none, got"),
        ("[net]\nroi = AB\nsymmetry = 0.5\n", "symmetry: applies only where net.roi = random"),
    ],
)
def test_another_value_or_network_is_refused(plan, text, error):
    with pytest.raises(ConfigError, match=re.escape(error)):
        plan(text)


def test_a_loss_as_early_stopping_names_the_option_for_it(plan):
    with pytest.raises(ConfigError, match=r"early_stopping: expected a whole number >= 0, got '1e-3'; to stop once the "
                       r"loss is below 1e-3: trainvalidate\.stop_below = 1e-3$"):  # fmt: skip
        plan("[trainvalidate]\nearly_stopping = 1e-3\n")
    with pytest.raises(ConfigError, match=r"early_stopping: expected a whole number >= 0, got '-3'$"):
        plan("[trainvalidate]\nearly_stopping = -3\n")
