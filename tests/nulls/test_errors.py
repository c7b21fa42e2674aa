"""A connectome in error: edges lost and added, wrong weights and signs."""

import numpy as np
import pytest

from randomnet.connectome import from_dense
from randomnet.nulls import Errors, is_symmetric, with_errors
from randomnet.synthetic import built_in, random_network, unconnected

N = 60


def signed(seed=0, density=0.2):
    """A network whose neurons have one sign each; the last three have no output."""
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(size=(N, N)) * (rng.random((N, N)) < density) * rng.choice([-1, 1], N)
    np.fill_diagonal(weights, 0)
    weights[:, -3:] = 0
    return from_dense("signed", weights, np.arange(N).astype(str))


def mutual():
    upper = np.triu(signed().dense(), 1)
    return from_dense("mutual", np.abs(upper + upper.T), np.arange(N).astype(str))


def erroneous(network, seed=1, **extents):
    return with_errors(network, Errors(**extents), np.random.default_rng(seed))


def edges(network):
    return set(zip(network.post.tolist(), network.pre.tolist(), strict=True))


ALL = {"edges_lost": 0.2, "edges_added": 0.3, "weight_jitter": 0.5, "sign_errors": 0.25}


def test_a_connectome_without_errors_is_the_same():
    network = signed()
    assert erroneous(network) is network


@pytest.mark.parametrize("make", [signed, mutual, lambda: random_network(N, 1, np.random.default_rng(0)).replace(
    np.ones(N * (N - 1)))])  # fmt: skip
def test_the_fraction_of_edges_is_lost(make):
    network = make()
    lost = erroneous(network, edges_lost=0.1)
    assert len(network.weights) - len(lost.weights) == lost.provenance["edges_lost"]
    assert lost.provenance["edges_lost"] == pytest.approx(0.1 * len(network.weights), abs=1)
    assert edges(lost) < edges(network)
    np.testing.assert_array_equal(lost.dense()[lost.post, lost.pre], network.dense()[lost.post, lost.pre])


@pytest.mark.parametrize("make", [signed, mutual])
@pytest.mark.parametrize("others", [{}, {"edges_added": 0.2, "weight_jitter": 1.0}])
def test_what_is_lost_at_a_tenth_is_lost_at_a_fifth(make, others):
    network = make()
    few, many = (edges(network) - edges(erroneous(network, edges_lost=fraction, **others)) for fraction in (0.1, 0.2))
    assert few < many and few == edges(network) - edges(erroneous(network, edges_lost=0.1, sign_errors=0.5))


@pytest.mark.parametrize("make", [signed, mutual, lambda: signed(density=0.02)])
def test_what_is_added_at_a_tenth_is_added_at_a_fifth_with_the_same_weight(make):
    network = make()
    few, many = (erroneous(network, edges_added=fraction, edges_lost=0.5) for fraction in (0.1, 0.2))
    first, second = edges(few) - edges(network), edges(many) - edges(network)
    assert first < second and len(first) == few.provenance["edges_added"]
    rows, columns = np.array(sorted(first)).T
    np.testing.assert_array_equal(few.dense()[rows, columns], many.dense()[rows, columns])


def test_an_added_edge_has_a_weight_of_its_neuron():
    network = signed()
    added = erroneous(network, edges_added=1.0)
    matrix = network.dense()
    for post, pre in edges(added) - edges(network):
        others = matrix[:, pre] if matrix[:, pre].any() else matrix  # the last three have no edge of their own
        assert post != pre and added.dense()[post, pre] in others
    assert not added.mixed and (added.pre >= N - 3).any()


def test_added_edges_lie_anywhere():
    network, times = signed(density=0.05), np.zeros((N, N))
    for seed in range(400):
        added = erroneous(network, seed, edges_added=0.5)
        times[added.post, added.pre] += 1
    unconnected_pairs = (network.dense() == 0) & ~np.eye(N, dtype=bool)
    expected = times[unconnected_pairs].mean()
    counts = times[unconnected_pairs]
    chi2 = ((counts - expected) ** 2 / expected).sum() / len(counts)  # binomial: 1 - expected / 400
    assert chi2 == pytest.approx(1 - expected / 400, abs=5 * np.sqrt(2 / len(counts)))


def test_all_free_pairs_can_be_filled_and_no_more():
    matrix = np.ones((6, 6)) - np.eye(6)
    matrix[[0, 1, 5], [3, 4, 0]] = 0
    network = from_dense("nearly full", matrix, np.arange(6).astype(str))
    assert erroneous(network, edges_added=3 / 27).dense().sum() == 30
    with pytest.raises(ValueError, match="4 edges to add need as many unconnected pairs of neurons, got 3"):
        erroneous(network, edges_added=4 / 27)


def test_jitter_is_log_normal_of_mean_1():
    network = built_in("EB")
    ratio = erroneous(network, weight_jitter=0.5).weights / network.weights
    number = len(ratio)
    assert (ratio > 0).all()
    assert np.log(ratio).std() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2 * number))
    assert ratio.mean() == pytest.approx(1, abs=5 * ratio.std() / np.sqrt(number))
    twice = erroneous(network, weight_jitter=1.0).weights / network.weights  # of the same normal numbers
    np.testing.assert_allclose(np.log(twice) + 0.5, 2 * (np.log(ratio) + 0.125), atol=1e-12)


def test_signs_of_neurons_are_flipped_with_their_added_edges():
    network = signed()
    wrong = erroneous(network, sign_errors=0.2, edges_added=0.5)
    flipped = (wrong.signs != network.signs) & (network.signs != 0)
    assert flipped.sum() == wrong.provenance["neurons_of_wrong_sign"] == round(0.2 * (N - 3))
    assert not wrong.mixed
    more = erroneous(network, sign_errors=0.4).signs != network.signs
    assert (more[flipped]).all()


def test_signs_of_edges_are_flipped_where_neurons_have_both():
    network = random_network(N, 1, np.random.default_rng(0))
    wrong = erroneous(network, sign_errors=0.2)
    flipped = wrong.weights != network.weights
    assert flipped.sum() == wrong.provenance["edges_of_wrong_sign"] == round(0.2 * N * (N - 1))
    np.testing.assert_array_equal(np.abs(wrong.weights), np.abs(network.weights))


def test_symmetry_is_kept():
    network = mutual()
    wrong = erroneous(network, **ALL)
    assert is_symmetric(wrong)
    assert wrong.provenance["edges_of_wrong_sign"] == pytest.approx(0.25 * len(network.weights), abs=1)


@pytest.mark.parametrize("make", [lambda: unconnected(5), lambda: unconnected(1)])
def test_a_network_without_edges_has_none_in_error(make):
    assert len(erroneous(make(), **ALL).weights) == 0


def test_all_edges_can_be_lost():
    assert len(erroneous(signed(), edges_lost=1.0).weights) == 0


def test_labels_and_notes_stay():
    network = built_in("EB")
    wrong = erroneous(network, **ALL)
    assert wrong.labels.keys() == network.labels.keys() and wrong.n == network.n
    assert wrong.provenance["source"] == network.provenance["source"]
    assert not np.signbit(wrong.weights[wrong.weights == 0]).any()
