"""Forward vectors against left eigenvectors, dense products of Jacobians, and covariant vectors."""

import numpy as np
import pytest
import torch

from randomnet.connectome import from_dense
from randomnet.lyapunov import Schedule, random_frame
from randomnet.lyapunov.covariant import covariant_vectors
from randomnet.lyapunov.forward import forward_vectors, transposed_tangent
from randomnet.rnn import Network
from randomnet.systems import of_matrix, of_step

RATES = np.array([1.2, 0.9, 0.6, 0.3])


def both(system, state, k, schedule, every=1):
    frame = torch.from_numpy(random_frame(np.random.default_rng(2), k, len(state)))
    vectors = covariant_vectors(system, state, frame, schedule, every=every)
    return vectors, forward_vectors(system, vectors, schedule.frame_transient, state)


@pytest.mark.parametrize("every", [1, 3])
def test_of_a_matrix_they_are_its_orthonormalized_left_eigenvectors(every):
    basis = np.random.default_rng(1).standard_normal((4, 4))
    system = of_matrix(torch.from_numpy(basis @ np.diag(RATES) @ np.linalg.inv(basis)), 1.0)
    schedule = Schedule(tsim=20.0, tons=1.0, transient=0.0, frame_transient=100.0)
    _, forward = both(system, torch.zeros(4).double(), 3, schedule, every)
    expected = np.linalg.qr(np.linalg.inv(basis).T)[0][:, :3]
    assert np.abs(np.einsum("skn,nk->sk", forward, expected)).min() > 1 - 1e-10
    assert len(forward) == 20 // every


def henon():
    """The Henon map with a tangent that autograd sees."""
    return of_step(lambda state: torch.stack([1 - 1.4 * state[0] ** 2 + state[1], 0.3 * state[0]]))


def test_they_are_the_singular_vectors_of_the_future():
    schedule = Schedule(tsim=60.0, tons=1.0, transient=100.0, frame_transient=30.0)
    vectors, forward = both(henon(), torch.tensor([0.1, 0.1]).double(), 2, schedule)
    for sample in range(20, 30):
        future = np.eye(2)
        for x, _ in vectors.states[sample : sample + 12]:
            future = np.array([[-2.8 * x, 1.0], [0.3, 0.0]]) @ future
        right = np.linalg.svd(future)[2]
        assert np.abs(np.einsum("kn,kn->k", forward[sample], right)).min() > 1 - 1e-6


@pytest.mark.parametrize("every", [1, 4])
def test_a_covariant_vector_is_orthogonal_to_the_forward_vectors_before_it(every):
    schedule = Schedule(tsim=62.0, tons=1.0, transient=100.0, frame_transient=30.0)
    vectors, forward = both(henon(), torch.tensor([0.1, 0.1]).double(), 2, schedule, every)
    assert np.abs(np.einsum("sn,sn->s", forward[:, 0], vectors.covariant[:, 1])).max() < 1e-10
    assert np.abs(np.einsum("sn,sn->s", forward[:, 0], vectors.covariant[:, 0])).mean() > 0.1


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("integrator", ["euler", "rk4"])
def test_a_transposed_tangent_is_the_dense_jacobian_transposed(form, integrator):
    rng = np.random.default_rng(4)
    connectome = from_dense("drawn", rng.standard_normal((7, 7)), np.arange(7).astype(str))
    network = Network(connectome, activation="tanh", dt=0.1, form=form, integrator=integrator, dtype=torch.float64)
    system = network.autonomous()
    state, rows = (torch.from_numpy(rng.standard_normal(shape)) for shape in (7, (2, 7)))
    dense = torch.func.jacrev(lambda h: system.advance(h[None], 3, 0)[0])(state)
    np.testing.assert_allclose(transposed_tangent(system, state, rows, 3, 0), rows @ dense.detach(), atol=1e-12)
