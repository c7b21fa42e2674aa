"""The bump of activity on a ring: its mean, its modulation and its place.

    bump               M0, M1 and phase of rates, along any axis
    low_rank_angles    where on the ring the neurons of a low-rank network are
"""

from typing import NamedTuple

import numpy as np

FLAT = 1e-5  # M1 / M0 below which rates have no phase
ROUNDING = 1e-12  # of the largest rate: below it M1 is no modulation, whatever M0
SINGULAR = 1e-9  # smallest eigenvalue of the cells' mean (1, cos, sin) products, below which they are too few


class Bump(NamedTuple):
    """Rates mean + amplitude cos(theta - phase), phase in [0, 2 pi) radians; each of the rates' shape less one axis."""

    mean: np.ndarray
    amplitude: np.ndarray
    phase: np.ndarray


def bump(rates: np.ndarray, angles: np.ndarray | None = None, axis: int = -1, flat: float = FLAT) -> Bump:
    """M0, M1 and phase of rates along an axis of neurons: least squares on (1, cos theta, sin theta).

    For N >= 3 equal angles that is M0 = mean s, z = sum s exp(i theta), M1 = 2 |z| / N and phase = arg z; rates
    a + b cos(theta - phi) with b >= 0 give (a, b, phi) whatever the angles. angles: (N,) radians; None: 2 pi n / N.
    NaN rates are left out. The phase is nan where M1 < flat |M0|, or where M1 is no more than rounding. All three are
    nan where a rate is infinite or the cells left do not fix them (fewer than 3 different angles).
    ValueError where the number of angles is not that of neurons, or they are not finite.
    """
    values = np.moveaxis(np.asarray(rates, float), axis, -1)
    if angles is None:
        angles = 2 * np.pi * np.arange(values.shape[-1]) / max(values.shape[-1], 1)
    angles = np.asarray(angles, float)
    if angles.shape != values.shape[-1:] or not np.isfinite(angles).all():
        raise ValueError(f"angles: expected {values.shape[-1]} finite numbers, one per neuron, got {angles.shape}")
    known, lost = ~np.isnan(values), np.isinf(values).any(-1)
    filled = np.where(known & ~lost[..., None], values, 0.0)
    mean, along, across = np.moveaxis(_fitted(filled, known, angles, lost), -1, 0)
    amplitude = np.hypot(along, across)
    phase = np.mod(np.arctan2(across, along), 2 * np.pi)
    phase = np.where(phase >= 2 * np.pi, 0.0, phase)  # the remainder of a tiny negative angle is rounded up
    none = (amplitude < flat * np.abs(mean)) | (amplitude <= ROUNDING * np.abs(filled).max(-1, initial=0))
    return Bump(mean, amplitude, np.where(none, np.nan, phase))


def low_rank_angles(vectors: np.ndarray) -> np.ndarray:
    """(N,) angles atan2(xi3, xi1) in [0, 2 pi) of the neurons whose vectors xi1 .. xi4 are the columns, (N, 4)."""
    return np.mod(np.arctan2(vectors[:, 2], vectors[:, 0]), 2 * np.pi)


def _fitted(values: np.ndarray, known: np.ndarray, angles: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """(..., 3) coefficients of 1, cos and sin; nan where the known cells do not fix them, or where lost."""
    features = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=-1)
    products = (features[:, :, None] * features[:, None, :]).reshape(len(angles), 9)
    some = known if not known.all() else np.ones((1,) * (known.ndim - 1) + angles.shape)  # alike everywhere: once
    count = np.maximum(some.sum(-1), 1)[..., None, None]
    gram = (some.astype(float) @ products).reshape(*some.shape[:-1], 3, 3) / count
    poor = (np.linalg.eigvalsh(gram)[..., 0] < SINGULAR) | lost
    gram = np.where(poor[..., None, None], np.eye(3), gram)
    found = np.linalg.solve(gram, (values @ features)[..., None] / count)[..., 0]
    return np.where(poor[..., None], np.nan, found)
