"""From a Run's config to the number of Lyapunov exponents, and their target in training."""

import math
import warnings
from pathlib import Path

import numpy as np

from randomnet.formats import FormatError, load_npy
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, Share


def exponents_of(run: Run, n: int) -> int:
    """Return lyapunov.nle as a count. Raises ConfigError where it exceeds N."""
    return _count(run, "nle", n)


def measured_exponents_of(run: Run, n: int) -> int:
    """Return lyapunov.nle_measured as a count, at least that of nle. Raises ConfigError where it exceeds N."""
    measured = run.config.lyapunov.nle_measured
    return n if measured == Share(100.0) else max(_count(run, "nle_measured", n), exponents_of(run, n))


def vectors_of(run: Run, n: int) -> int:
    """Return lyapunov.vectors. Raises ConfigError where it exceeds the number of exponents."""
    count, exponents = run.config.lyapunov.vectors, exponents_of(run, n)
    if count > exponents:
        raise ConfigError(
            f"[lyapunov] vectors: expected at most nle = {exponents}, the number of exponents, got {count}"
        )
    return count


def _count(run: Run, key: str, n: int) -> int:
    """Return a count or share of n exponents as a count. Raises ConfigError."""
    value = getattr(run.config.lyapunov, key)
    count: int = max(1, math.ceil(round(value.percent / 100 * n, 9))) if isinstance(value, Share) else value
    if count > n:
        raise ConfigError(f"[lyapunov] {key}: expected at most N = {n} exponents, got {count}")
    return count


def target_of(run: Run, n: int) -> np.ndarray:
    """Return lyapunov.target as one value per exponent (k,), for exponents sorted descending. Raises ConfigError."""
    target, k = run.config.lyapunov.target, exponents_of(run, n)
    if isinstance(target, float):
        return np.full(k, target)
    if isinstance(target, tuple):
        return np.linspace(*target, k)
    values = _numbers(Path(target).expanduser())
    if len(values) not in (k, n):
        raise ConfigError(
            f"[lyapunov] target: expected {n} numbers (one per neuron) or {k} (one per exponent) in {target}, "
            f"got {len(values)}"
        )
    return np.sort(values)[::-1][:k].copy()


def _numbers(path: Path) -> np.ndarray:
    try:
        values = load_npy(path) if path.suffix == ".npy" else _text_numbers(path)
        if values.dtype.kind not in "uifb":
            raise ValueError(f"dtype {values.dtype} in {path}")
        values = values.astype(np.float64).ravel()
    except (FormatError, OSError, ValueError) as error:
        raise ConfigError(
            f"[lyapunov] target: expected a number, a curve such as 1.25:-1.25, or a file of numbers, got {error}"
        ) from None
    if not len(values) or not np.isfinite(values).all():
        content = f"{values[~np.isfinite(values)][0]:g} among them" if len(values) else "none"
        raise ConfigError(f"[lyapunov] target: expected finite numbers in {path}, got {content}")
    return values


def _text_numbers(path: Path) -> np.ndarray:
    delimiter = "," if "," in path.read_text(encoding="utf-8").partition("\n")[0] else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an empty file, for which the caller raises an error
        return np.loadtxt(path, ndmin=1, delimiter=delimiter)
