"""Distances between shapes of trajectories."""

import numpy as np

from randomnet.metrics.arrays import paired


def procrustes(one: np.ndarray, other: np.ndarray) -> float:
    """The angle between states (..., D) and (..., K) at the rotation, shift and scale that suit best, 0 to pi/2.

    arccos of the nuclear norm of Z' Zi, both centred and of Frobenius norm 1 (Williams et al. 2021); the missing
    dimensions of the smaller are 0. Raises ValueError, also where states do not vary.
    """
    one, other = paired("true states", one, "inferred states", other)
    one, other = _normalised("true states", one), _normalised("inferred states", other)
    return float(np.arccos(min(1.0, np.linalg.svd(one.T @ other, compute_uv=False).sum())))


def _normalised(what: str, states: np.ndarray) -> np.ndarray:
    centred = states - states.mean(0)
    length = np.linalg.norm(centred)
    if not length > 0:
        raise ValueError(f"{what}: expected values that vary, got constant ones")
    return centred / length
