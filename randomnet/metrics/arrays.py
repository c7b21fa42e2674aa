"""Checked arrays for metrics: flattened to two dimensions, in double precision, finite, of equal lengths."""

import numpy as np


def flattened(name: str, values: np.ndarray) -> np.ndarray:
    """(M, D) float64 from values (..., D); name: what errors call the array.

    Raises ValueError for fewer than two dimensions, and for empty or non-finite arrays.
    """
    array = np.asarray(values)
    if array.ndim < 2 or not array.size or array.dtype.kind not in "buif":
        raise ValueError(
            f"{name}: expected real values of shape (M, D) or (B, T, D), got shape {array.shape} {array.dtype}"
        )
    array = array.reshape(-1, array.shape[-1]).astype(np.float64)
    is_wrong = ~np.isfinite(array)
    if is_wrong.any():
        raise ValueError(f"{name}: expected finite values, got {int(is_wrong.sum())} of {array.size} nan or infinite")
    return array


def checked_trials(name: str, values: np.ndarray) -> np.ndarray:
    """(B, T, D) float64. Raises ValueError for other shapes, and for empty or non-finite arrays."""
    if np.ndim(values) != 3:
        raise ValueError(f"{name}: expected trials of shape (B, T, D), got shape {np.shape(values)}")
    return flattened(name, values).reshape(np.shape(values))


def with_same_samples(
    first_name: str, first: np.ndarray, second_name: str, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays flattened. Raises ValueError where their trials and bins differ."""
    if np.shape(first)[:-1] != np.shape(second)[:-1]:
        raise ValueError(
            f"{first_name} and {second_name}: expected the same trials and bins, got shapes {np.shape(first)} and "
            f"{np.shape(second)}"
        )
    return flattened(first_name, first), flattened(second_name, second)


def with_same_shape(
    first_name: str, first: np.ndarray, second_name: str, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays flattened. Raises ValueError where their shapes differ."""
    if np.shape(first) != np.shape(second):
        raise ValueError(
            f"{first_name} and {second_name}: expected the same shape, got {np.shape(first)} and {np.shape(second)}"
        )
    return flattened(first_name, first), flattened(second_name, second)
