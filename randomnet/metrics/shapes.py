"""Distances between shapes of trajectories."""

import numpy as np

from randomnet.array_arguments import takes_tensors
from randomnet.metrics.arrays import with_same_samples


@takes_tensors
def procrustes(true: np.ndarray, inferred: np.ndarray) -> float:
    """Angle from 0 to pi/2 between states (..., D) and (..., K) at the best rotation, shift and scale.

    It is arccos of the nuclear norm of Z' Zi, where both are centred and have Frobenius norm 1 (Williams et al. 2021).
    Missing dimensions of the smaller array count as 0. Raises ValueError, also for constant states.

    >>> import numpy as np
    >>> from randomnet.metrics import procrustes
    >>> rng = np.random.default_rng(0)
    >>> states = rng.standard_normal((30, 2))
    >>> bool(procrustes(states, 3 * states[:, ::-1] + 1) < 1e-6)
    True
    """
    true, inferred = with_same_samples("true states", true, "inferred states", inferred)
    true, inferred = _normalized("true states", true), _normalized("inferred states", inferred)
    return float(np.arccos(min(1.0, np.linalg.svd(true.T @ inferred, compute_uv=False).sum())))


def _normalized(name: str, states: np.ndarray) -> np.ndarray:
    centred = states - states.mean(0)
    length = np.linalg.norm(centred)
    if not length > 0:
        raise ValueError(f"{name}: expected values that vary, got constant ones")
    return centred / length
