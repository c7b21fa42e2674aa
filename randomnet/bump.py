"""The bump of activity on a ring: its mean, its modulation and its phase.

    bump               mean M0, modulation M1 and phase of rates, along any axis
    low_rank_angles    positions on the ring of the neurons of a low-rank network
"""

from typing import NamedTuple

import numpy as np

FLAT = 1e-5  # M1 / M0 below which rates have no phase
ROUNDING = 1e-12  # M1 relative to the largest rate, below which it is rounding error for any M0
SINGULAR = 1e-9  # smallest eigenvalue of the mean products of (1, cos, sin), below which the fit is not determined


class Bump(NamedTuple):
    """Parameters of rates mean + amplitude cos(theta - phase), with phase in [0, 2 pi) radians.

    Each has the shape of the rates without the axis of neurons.
    """

    mean: np.ndarray
    amplitude: np.ndarray
    phase: np.ndarray


def bump(rates: np.ndarray, angles: np.ndarray | None = None, axis: int = -1, flat: float = FLAT) -> Bump:
    """Mean M0, modulation M1 and phase of rates along an axis of neurons, by least squares on (1, cos, sin).

    For N >= 3 equally spaced angles this is M0 = mean s, z = sum s exp(i theta), M1 = 2 |z| / N and phase = arg z.
    Rates a + b cos(theta - phi) with b >= 0 give (a, b, phi) for any angles. angles: (N,) radians; None: 2 pi n / N.

    NaN rates are ignored. The phase is nan where M1 < flat |M0| or M1 is rounding error. All three are nan where a rate
    is infinite, or where the remaining neurons have fewer than 3 different angles. Raises ValueError where angles are
    not finite or not one per neuron.
    """
    values = np.moveaxis(np.asarray(rates, float), axis, -1)
    if angles is None:
        angles = 2 * np.pi * np.arange(values.shape[-1]) / max(values.shape[-1], 1)
    angles = np.asarray(angles, float)
    if angles.shape != values.shape[-1:] or not np.isfinite(angles).all():
        raise ValueError(f"angles: expected {values.shape[-1]} finite numbers, one per neuron, got {angles.shape}")
    known, infinite = ~np.isnan(values), np.isinf(values).any(-1)
    finite = np.where(known & ~infinite[..., None], values, 0.0)
    mean, cosine, sine = np.moveaxis(_fit(finite, known, angles, infinite), -1, 0)
    amplitude = np.hypot(cosine, sine)
    phase = np.mod(np.arctan2(sine, cosine), 2 * np.pi)
    phase = np.where(phase >= 2 * np.pi, 0.0, phase)  # np.mod rounds tiny negative angles up to 2 pi
    is_flat = (amplitude < flat * np.abs(mean)) | (amplitude <= ROUNDING * np.abs(finite).max(-1, initial=0))
    return Bump(mean, amplitude, np.where(is_flat, np.nan, phase))


def low_rank_angles(vectors: np.ndarray) -> np.ndarray:
    """(N,) angles atan2(xi3, xi1) in [0, 2 pi) of neurons, from vectors xi1 .. xi4 as columns (N, 4)."""
    return np.mod(np.arctan2(vectors[:, 2], vectors[:, 0]), 2 * np.pi)


def _fit(values: np.ndarray, known: np.ndarray, angles: np.ndarray, infinite: np.ndarray) -> np.ndarray:
    """(..., 3) coefficients of 1, cos and sin; nan where known neurons do not determine them, or where infinite."""
    features = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=-1)
    products = (features[:, :, None] * features[:, None, :]).reshape(len(angles), 9)
    # without missing rates one Gram matrix serves all rows
    mask = known if not known.all() else np.ones((1,) * (known.ndim - 1) + angles.shape)
    count = np.maximum(mask.sum(-1), 1)[..., None, None]
    gram = (mask.astype(float) @ products).reshape(*mask.shape[:-1], 3, 3) / count
    undetermined = (np.linalg.eigvalsh(gram)[..., 0] < SINGULAR) | infinite
    gram = np.where(undetermined[..., None, None], np.eye(3), gram)
    coefficients = np.linalg.solve(gram, (values @ features)[..., None] / count)[..., 0]
    return np.where(undetermined[..., None], np.nan, coefficients)
