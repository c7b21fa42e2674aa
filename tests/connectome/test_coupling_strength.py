"""Numbers of how strongly a network is coupled: against closed forms, and in the summary of every kind."""

import math

import numpy as np
import pytest

from randomnet.connectome import COUPLING, Eigenvalues, coupling_strength, from_dense, sinkhorn
from randomnet.connectome.eigenvalues import leading


def strength(matrix):
    post, pre = np.nonzero(matrix)
    return coupling_strength(post, pre, matrix[post, pre], len(matrix))


def similar(diagonal_blocks, seed=0):
    """A dense matrix with the eigenvalues of a block diagonal one."""
    n = sum(map(len, diagonal_blocks))
    matrix, at = np.zeros((n, n)), 0
    for block in diagonal_blocks:
        matrix[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    basis = np.random.default_rng(seed).standard_normal((n, n))
    return basis @ matrix @ np.linalg.inv(basis)


def turn(a, b):
    """With the eigenvalues a +- b i."""
    return np.array([[a, -b], [b, a]])


@pytest.mark.parametrize(
    ("blocks", "radius", "abscissa", "second"),
    [
        ([[[3.0]], turn(1, 2), [[-2.0]]], 3, 3, math.sqrt(5)),  # a real one leads
        ([turn(1, 2), [[-2.0]], [[1.5]]], math.sqrt(5), 1.5, 2),  # a pair leads, and is one
        ([[[-3.0]], turn(-1, 1), [[-0.5]]], 3, -0.5, math.sqrt(2)),  # nothing is unstable
        ([[[3.0]], [[-3.0]], [[1.0]]], 3, 3, 3),  # two of one magnitude that are no pair
    ],
)
def test_eigenvalues_are_those_that_a_matrix_was_made_with(blocks, radius, abscissa, second):
    found = strength(similar(blocks))
    assert list(found) == list(COUPLING)
    expected = {"spectral_radius": radius, "spectral_abscissa": abscissa, "second_eigenvalue": second}
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-8)


def test_a_network_without_cycles_or_edges_has_no_radius():
    chain = strength(np.diag([2.0, 2.0], -1))
    assert chain["spectral_radius"] == chain["spectral_abscissa"] == chain["second_eigenvalue"] == 0
    assert chain["frobenius_norm"] == pytest.approx(math.sqrt(8))
    assert math.isnan(strength(np.zeros((3, 3)))["balancing_residual"])


def signed(n=40, seed=0):
    """One sign per neuron, half of the pairs connected."""
    rng = np.random.default_rng(seed)
    matrix = np.abs(rng.standard_normal((n, n))) * (rng.random((n, n)) < 0.5) * np.where(rng.random(n) < 0.7, 1, -1)
    return from_dense("signed", matrix, np.arange(n).astype(str))


@pytest.mark.parametrize("iterations", [1, 3, 200])
def test_the_balancing_residual_is_sinkhorns_at_any_g(iterations):
    balanced = sinkhorn(signed(), iterations, 0)
    found = strength(7 * balanced.dense())["balancing_residual"]
    assert found == pytest.approx(max(balanced.provenance["sinkhorn_residual"].values()), rel=1e-6, abs=1e-12)
    assert strength(signed().dense())["balancing_residual"] > 0.3


def test_inhibition_that_is_stronger_than_excitation_is_not_balanced():
    """E inputs of 1 and I inputs of -3 depart from their mean, 2, by half of it."""
    matrix = np.array([[1.0, -3.0], [1.0, -3.0]])
    assert strength(matrix)["balancing_residual"] == pytest.approx(0.5)


def test_leading_eigenvalues_tell_the_abscissa_only_where_no_other_can_lie_further_right():
    values = np.array([-3, 2, 1j, -1j])
    known = Eigenvalues(values, np.array([0, 0, 0, 0.5]), False)
    assert known.abscissa == 2 and known.second == 2
    assert math.isnan(Eigenvalues(values, np.array([0, 0.5, 0.5, 0.5]), False).abscissa)
    assert Eigenvalues(-values, np.array([0, 0.5, 0.5, 0.5]), False).abscissa == 3
    assert math.isnan(Eigenvalues(values, np.array([0, 0.5, 0.5, 0.5]), False).second)


def test_arnoldi_finds_the_same_of_an_excitatory_outlier():
    rng, n = np.random.default_rng(3), 400
    matrix = rng.standard_normal((n, n)) / math.sqrt(n) * 0.3 + 2 / n
    post, pre = np.nonzero(matrix)
    some, every = leading(post, pre, matrix[post, pre]), np.linalg.eigvals(matrix)
    assert not some.complete and some.abscissa == pytest.approx(every.real.max(), rel=1e-8)
