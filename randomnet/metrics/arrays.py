"""Arrays at the door of a metric: flat, in double precision, finite, of the same length."""

import numpy as np


def flat(what: str, values: np.ndarray) -> np.ndarray:
    """Values (..., D) as (M, D), float64. Raises ValueError where they are no table, empty or not finite."""
    array = np.asarray(values)
    if array.ndim < 2 or not array.size or array.dtype.kind not in "buif":
        came = f"shape {array.shape} {array.dtype}"
        raise ValueError(f"{what}: expected real values of shape (M, D) or (B, T, D), got {came}")
    array = array.reshape(-1, array.shape[-1]).astype(np.float64)
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(f"{what}: expected finite values, got {int(wrong.sum())} of {array.size} nan or infinite")
    return array


def trials(what: str, values: np.ndarray) -> np.ndarray:
    """Values (B, T, D), float64. Raises ValueError where they are not."""
    if np.ndim(values) != 3:
        raise ValueError(f"{what}: expected trials of shape (B, T, D), got shape {np.shape(values)}")
    return flat(what, values).reshape(np.shape(values))


def paired(first: str, one: np.ndarray, second: str, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both flat. Raises ValueError unless they are of the same trials and bins."""
    if np.shape(one)[:-1] != np.shape(other)[:-1]:
        raise ValueError(f"{first} and {second}: expected the same trials and bins, got shapes {np.shape(one)} and "
                         f"{np.shape(other)}")  # fmt: skip
    return flat(first, one), flat(second, other)


def alike(first: str, one: np.ndarray, second: str, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both flat. Raises ValueError unless they have the same shape."""
    if np.shape(one) != np.shape(other):
        raise ValueError(f"{first} and {second}: expected the same shape, got {np.shape(one)} and {np.shape(other)}")
    return flat(first, one), flat(second, other)
