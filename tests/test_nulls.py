"""Null models keep exactly what they claim, lose the rest, and are uniform."""

from itertools import permutations

import numpy as np
import pytest

from randomnet.connectome import from_dense
from randomnet.nulls import NULLS, shuffled, weights_shuffled


def network(symmetric=False, seed=0, n=30):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.3)
    if symmetric:
        matrix = np.tril(matrix) + np.tril(matrix, -1).T
    names = np.array([f"n{number}" for number in range(n)])
    return from_dense("made", matrix, names, {"region": names}, {"source": "test"})


def symmetric(connectome):
    return bool((connectome.dense() == connectome.dense().T).all())


PROPERTIES = {
    "number of edges": lambda c: len(c.weights),
    "weights": lambda c: np.sort(c.weights).tolist(),
    "self-connections": lambda c: np.diag(c.dense()).tolist(),
    "symmetry": symmetric,
    "edges": lambda c: (c.post.tolist(), c.pre.tolist()),
    "degrees": lambda c: (np.bincount(c.post).tolist(), np.bincount(c.pre).tolist()),
}


@pytest.mark.parametrize("name", NULLS)
@pytest.mark.parametrize("is_symmetric", [False, True])
@pytest.mark.parametrize("kept", PROPERTIES)
def test_a_null_keeps_what_it_claims_and_nothing_else(name, is_symmetric, kept):
    before = network(is_symmetric)
    after = NULLS[name].draw(before, np.random.default_rng(1))
    same = PROPERTIES[kept](before) == PROPERTIES[kept](after)
    assert same == (kept in NULLS[name].keeps)
    assert (after.dense() != before.dense()).sum() > 100
    assert set(NULLS[name].keeps) <= set(PROPERTIES)


@pytest.mark.parametrize("name", NULLS)
def test_a_null_is_recorded_and_drawn_from_its_generator(name):
    before = network()
    a, b, c = (NULLS[name].draw(before, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert a.sha256() == b.sha256() != c.sha256()
    assert a.provenance == {"source": "test", "null": name}
    assert a.names is before.names and a.labels == before.labels and "null" not in before.provenance


def test_all_entries_off_the_diagonal_are_permuted_uniformly():
    """3 neurons, weights 1, 2 and four zeros in 6 places: 30 matrices, each as likely; five standard deviations."""
    matrix = np.array([[9, 1, 0], [0, 0, 2], [0, 0, 8]], float)
    made = from_dense("m", matrix, np.array(["a", "b", "c"]))
    rng, draws, seen = np.random.default_rng(0), 6000, {}
    for _ in range(draws):
        drawn = shuffled(made, rng).dense()
        seen[drawn.tobytes()] = seen.get(drawn.tobytes(), 0) + 1
    assert len(seen) == 30 and np.abs(np.array([*seen.values()]) - draws / 30).max() < 5 * np.sqrt(draws / 30)


def test_the_lower_triangle_is_permuted_uniformly_and_mirrored():
    matrix = np.array([[9, 1, 0], [1, 0, 2], [0, 2, 8]], float)
    made = from_dense("m", matrix, np.array(["a", "b", "c"]))
    rng, draws, seen = np.random.default_rng(0), 3000, {}
    for _ in range(draws):
        drawn = shuffled(made, rng).dense()
        assert (drawn == drawn.T).all()
        key = tuple(drawn[np.tril_indices(3, -1)])
        seen[key] = seen.get(key, 0) + 1
    assert set(seen) == set(permutations((0.0, 1.0, 2.0)))
    assert np.abs(np.array([*seen.values()]) - draws / 6).max() < 5 * np.sqrt(draws / 6)


def test_weights_are_permuted_uniformly_over_the_edges():
    matrix = np.array([[9, 1, 0], [0, 0, 2], [3, 0, 8]], float)
    made = from_dense("m", matrix, np.array(["a", "b", "c"]))
    rng, draws, seen = np.random.default_rng(0), 3000, {}
    for _ in range(draws):
        drawn = weights_shuffled(made, rng).dense()
        key = (drawn[0, 1], drawn[1, 2], drawn[2, 0])
        seen[key] = seen.get(key, 0) + 1
    assert set(seen) == set(permutations((1.0, 2.0, 3.0)))
    assert np.abs(np.array([*seen.values()]) - draws / 6).max() < 5 * np.sqrt(draws / 6)


@pytest.mark.parametrize("name", NULLS)
def test_edges_of_weight_zero_are_kept(name):
    before = network()
    before = before.replace(np.where(np.arange(len(before.weights)) % 3 == 0, 0.0, before.weights))
    after = NULLS[name].draw(before, np.random.default_rng(0))
    assert len(after.weights) == len(before.weights) and (np.sort(after.weights) == np.sort(before.weights)).all()


def test_nearly_symmetric_is_not_symmetric():
    """One answer of another weight, or one missing, and all off-diagonal entries move freely."""
    before = network(symmetric=True)
    weights = before.weights.copy()
    weights[np.flatnonzero(before.post != before.pre)[0]] += 1e-9
    assert not symmetric(shuffled(before.replace(weights), np.random.default_rng(0)))
