"""Networks with random weights, or without edges."""

import numpy as np

from randomnet.connectome import Connectome, from_dense


def random_network(n: int, g: float, rng: np.random.Generator) -> Connectome:
    """Independent weights N(0, g^2/N) between all pairs, no self-connections (Sompolinsky et al. 1988)."""
    matrix = rng.standard_normal((n, n)) * (g / np.sqrt(n))
    np.fill_diagonal(matrix, 0)
    provenance = {"source": "random N(0, g^2/N)", "synthetic": True, "g": g}
    return from_dense("random", matrix, _names(n), provenance=provenance)


def unconnected(n: int) -> Connectome:
    """The neurons of `random_network` without any edge."""
    empty = np.zeros(0, np.int64)
    provenance = {"source": "neurons without edges", "synthetic": True}
    return Connectome("random", empty, empty, np.zeros(0), _names(n), provenance=provenance)


def _names(n: int) -> np.ndarray:
    return np.array([f"unit{number:04d}" for number in range(n)])
