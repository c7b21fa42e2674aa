"""Covariant Lyapunov vectors against eigenvectors, covariance itself, and what a symmetric or Henon map must give."""

import numpy as np
import pytest
import torch

from randomnet.lyapunov import Schedule, random_frame, spectrum
from randomnet.lyapunov.covariant import covariant_vectors, participation_ratio
from randomnet.systems import henon, lorenz, of_flow, of_matrix

RATES = np.array([1.2, 0.9, 0.6, 0.3, 0.1])


def matrix_of(vectors):
    return vectors @ np.diag(RATES) @ np.linalg.inv(vectors)


def of_linear(matrix, k, time=50.0, **options):
    n = len(matrix)
    frame = torch.from_numpy(random_frame(np.random.default_rng(2), k, n))
    schedule = Schedule(tsim=time, tons=1.0, transient=0.0, frame_transient=100.0)
    system = of_matrix(torch.from_numpy(matrix), 1.0)
    return covariant_vectors(system, torch.zeros(n).double(), frame, schedule, **options)


@pytest.mark.parametrize("k", [5, 3])
def test_of_a_matrix_they_are_its_eigenvectors(k):
    vectors = np.random.default_rng(1).standard_normal((5, 5))
    found = of_linear(matrix_of(vectors), k)
    unit = vectors / np.linalg.norm(vectors, axis=0)
    assert np.abs(np.einsum("skn,nk->sk", found.covariant, unit[:, :k])).min() > 1 - 1e-12
    np.testing.assert_allclose(found.exponents, np.log(RATES[:k]), atol=1e-12)
    np.testing.assert_allclose(found.participation, participation_ratio(unit.T[:k]), rtol=1e-10)
    np.testing.assert_allclose(found.weights.sum(1), 1.0)
    two = np.linalg.svd(np.linalg.qr(unit[:, :1])[0].T @ np.linalg.qr(unit[:, 1:k])[0])[1][0]
    np.testing.assert_allclose(found.angles(1), np.arccos(two), rtol=1e-8)


def test_of_a_symmetric_matrix_they_are_orthogonal_and_equal_to_the_backward_vectors():
    vectors = np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0]
    found = of_linear(matrix_of(vectors), 5)
    assert np.abs(np.abs(np.einsum("skn,skn->sk", found.covariant, found.backward)) - 1).max() < 1e-12
    np.testing.assert_allclose(found.angles(2), np.pi / 2, atol=1e-7)


def test_of_the_henon_map_a_jacobian_leads_from_each_to_the_next():
    start = torch.tensor([0.1, 0.1], dtype=torch.float64)
    schedule = Schedule(tsim=2000.0, tons=1.0, transient=100.0, frame_transient=100.0)
    found = covariant_vectors(henon(), start, torch.eye(2).double(), schedule)
    for index in range(0, 1999, 13):
        jacobian = np.array([[-2.8 * found.states[index, 0], 1.0], [0.3, 0.0]])
        for before, after in zip(found.covariant[index], found.covariant[index + 1], strict=True):
            image = jacobian @ before
            assert abs(abs(image @ after) / np.linalg.norm(image) - 1) < 1e-12
    reported = spectrum(henon(), start, torch.eye(2).double(), schedule)
    np.testing.assert_allclose(found.exponents, reported.exponents, atol=5 * reported.stderr[0])
    assert found.angles(1).min() < 0.05 < found.angles(1).mean(), "the map has tangencies"


def test_every_nth_sample_is_that_of_all_of_them():
    vectors = np.random.default_rng(1).standard_normal((5, 5))
    every, third = of_linear(matrix_of(vectors), 3), of_linear(matrix_of(vectors), 3, every=3)
    np.testing.assert_array_equal(third.covariant, every.covariant[2::3])
    np.testing.assert_array_equal(third.times, every.times[2::3])
    np.testing.assert_array_equal(third.growth, every.growth)


def test_of_a_flow_one_vector_is_the_flow_itself():
    """A limit cycle has the exponent 0, whose covariant vector is the velocity."""

    def field(state):
        x, y, z = state
        radius = x * x + y * y
        return torch.stack([x - y - x * radius, x + y - y * radius, -3 * z])

    flow = of_flow(field, dt=0.05)
    schedule = Schedule(tsim=5.0, tons=0.1, transient=10.0, frame_transient=10.0)
    start = torch.tensor([0.5, 0.1, 0.3], dtype=torch.float64)
    found = covariant_vectors(flow, start, torch.eye(3).double(), schedule)
    velocities = np.array([[-state[1], state[0], 0.0] for state in found.states])
    cosines = np.abs(np.einsum("sn,sn->s", found.covariant[:, 0], velocities))
    assert cosines.min() > 1 - 1e-6
    np.testing.assert_allclose(found.exponents, [0.0, -2.0, -3.0], atol=0.01)


@pytest.mark.parametrize(
    ("schedule", "dtype", "error"),
    [
        (Schedule(tsim="auto"), torch.float64, "got tsim auto"),
        (Schedule(tons="adaptive"), torch.float64, "tons adaptive"),
        (Schedule(), torch.float32, "must be float64"),
    ],
)
def test_what_cannot_be_computed(schedule, dtype, error):
    with pytest.raises(ValueError, match=error):
        covariant_vectors(henon(), torch.zeros(2, dtype=dtype), torch.eye(2, dtype=dtype), schedule)


def test_a_state_without_bound_is_an_error():
    with pytest.raises(FloatingPointError, match="no attractor"):
        start = torch.tensor([5.0, 5.0], dtype=torch.float64)
        covariant_vectors(henon(), start, torch.eye(2).double(), Schedule(tsim=50.0, tons=1.0))


def test_they_are_where_the_filtrations_of_past_and_future_meet():
    """Vector i spans what grows at most at rate i in the future and at least at rate i in the past (Oseledets).

    The reference has the singular vectors of dense products of Jacobians, without QR along the trajectory.
    """
    system, start = lorenz(), torch.tensor([1.0, 2.0, 20.0], dtype=torch.float64)
    schedule = Schedule(tsim=40.0, tons=0.1, transient=20.0, frame_transient=20.0)
    found = covariant_vectors(system, start, torch.eye(3).double(), schedule)
    bundles = [torch.cat([torch.from_numpy(state)[None], torch.eye(3).double()]) for state in found.states]
    jacobians = [system.advance(bundle, 10, 0)[1:].T.numpy() for bundle in bundles]
    for middle in (190, 200, 210):
        past, future = np.eye(3), np.eye(3)
        for before, after in zip(jacobians[middle - 190 : middle], jacobians[middle : middle + 190], strict=True):
            past, future = before @ past, after @ future
        left, right = np.linalg.svd(past)[0], np.linalg.svd(future)[2]
        for index, vector in enumerate(found.covariant[middle]):
            for basis in (left[:, : index + 1], right[index:].T):
                assert np.linalg.norm(vector - basis @ (basis.T @ vector)) < 1e-4


def test_a_direction_that_is_lost_to_rounding_is_an_error():
    with pytest.raises(FloatingPointError, match=r"shrinks by a factor of .* use a smaller tons or fewer vectors"):
        matrix = np.diag([1.0, 1e-14])
        of_linear(matrix, 2)
