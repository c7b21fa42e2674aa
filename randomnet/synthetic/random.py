"""Networks with random weights, or without edges."""

import numpy as np

from randomnet.connectome import Connectome, from_dense


def random_network(n: int, g: float, rng: np.random.Generator, symmetry: float = 0.0) -> Connectome:
    """Weights N(0, g^2/N) between all pairs, no self-connections (Sompolinsky et al. 1988).

    symmetry: the correlation of J_ij and J_ji, from -1 (antisymmetric) to 1 (symmetric); 0 = all weights independent.
    The eigenvalues of large matrices fill an ellipse with half axes g (1 + symmetry) and g (1 - symmetry) (Sommers et
    al. 1988). Raises ValueError for another symmetry.
    """
    if not -1 <= symmetry <= 1:
        raise ValueError(f"symmetry must be from -1 to 1, got {symmetry}")
    matrix = rng.standard_normal((n, n))
    if symmetry:
        direct, reciprocal = (np.sqrt(1 + symmetry) + sign * np.sqrt(1 - symmetry) for sign in (1, -1))
        matrix = (direct * matrix + reciprocal * matrix.T) / 2
    matrix *= g / np.sqrt(n)
    np.fill_diagonal(matrix, 0)
    provenance = {"source": random_source(symmetry), "synthetic": True, "g": g}
    return from_dense("random", matrix, _names(n), provenance=provenance)


def random_source(symmetry: float) -> str:
    """How the weights of `random_network` are distributed."""
    return "random N(0, g^2/N)" + f", J_ij and J_ji correlated by {symmetry:g}" * bool(symmetry)


def unconnected(n: int) -> Connectome:
    """The neurons of `random_network` without any edge."""
    empty = np.zeros(0, np.int64)
    provenance = {"source": "neurons without edges", "synthetic": True}
    return Connectome("random", empty, empty, np.zeros(0), _names(n), provenance=provenance)


def _names(n: int) -> np.ndarray:
    return np.array([f"unit{number:04d}" for number in range(n)])
