"""Model folders of FlyStability: W.pt, C.pt, H.pt, H0.pt, gains.pt, shifts.pt and types.pt.

FlyStability steps h <- (1 - dt) h + dt (C * W) phi(h), so row i of C * W holds the inputs of neuron i: its matrix is
J[post, pre] as it is. Gains and shifts are one per type, and types has the type of every neuron. The activation is not
in the folder; model.activation must name it (tanh, tanh_stretched or tanh_positive).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randomnet.settings import ConfigError

WEIGHTS, SIGNS = "W.pt", "C.pt"
OPTIONAL = ("gains.pt", "shifts.pt", "types.pt", "H0.pt")


@dataclass(frozen=True, eq=False)
class FlyStabilityModel:
    """weights: (N, N) J[post, pre], float32. gains, shifts: (N,) of each neuron. state: (N,) or None where it is 0.

    types: (N,) texts, such as type 0, or None where every neuron is a type of its own.
    """

    weights: np.ndarray
    gains: np.ndarray
    shifts: np.ndarray
    state: np.ndarray | None
    types: np.ndarray | None


def is_model_folder(path: Path) -> bool:
    """Return whether the path is a model folder of FlyStability."""
    return (path / WEIGHTS).is_file() and (path / SIGNS).is_file()


def read_model(folder: Path) -> FlyStabilityModel:
    """Return the model of a folder. Raises ConfigError with the file."""
    weights, signs = (_array(folder / name) for name in (WEIGHTS, SIGNS))
    n = len(weights)
    for name, values in ((WEIGHTS, weights), (SIGNS, signs)):
        _check(folder / name, values, (n, n))
    if not np.isin(signs, (-1, 0, 1)).all():
        raise _error(folder / SIGNS, "signs -1, 0 and 1", f"{signs[~np.isin(signs, (-1, 0, 1))][0]:g}")
    product = (signs * weights).astype(np.float32)
    if np.diag(product).any():
        raise _error(folder / WEIGHTS, "no self-connections", f"{np.count_nonzero(np.diag(product))}")
    optional = {name: _array(folder / name) if (folder / name).is_file() else None for name in OPTIONAL}
    types = np.arange(n) if optional["types.pt"] is None else optional["types.pt"]
    _check(folder / "types.pt", types, (n,))
    index = types.astype(np.int64)
    per_neuron = {}
    for name, default in (("gains.pt", 1.0), ("shifts.pt", 0.0)):
        values = np.full(int(index.max()) + 1, default, np.float32) if optional[name] is None else optional[name]
        if values.ndim != 1 or not np.isfinite(values).all() or (index != types).any() or index.min() < 0:
            raise _error(folder / name, "one finite number per type, and types 0, 1, ...", f"shape {values.shape}")
        if index.max() >= len(values):
            raise _error(folder / name, f"a value of each of {index.max() + 1} types", f"{len(values)}")
        per_neuron[name] = values[index]
    state = optional["H0.pt"]
    if state is not None:
        _check(folder / "H0.pt", state, (n,))
    kept = state.astype(np.float64) if state is not None and state.any() else None
    names = np.array([f"type {number}" for number in index]) if len(np.unique(index)) < n else None
    return FlyStabilityModel(product, per_neuron["gains.pt"], per_neuron["shifts.pt"], kept, names)


def _array(path: Path) -> np.ndarray:
    """Return the numbers of a file of torch, read without running any code of it. Raises ConfigError."""
    try:
        loaded: Any = torch.load(path, weights_only=True, map_location="cpu")
        values = loaded.detach().numpy() if isinstance(loaded, torch.Tensor) else np.asarray(loaded)
    except Exception as error:  # a damaged file can raise nearly anything
        known = isinstance(error, (OSError, ValueError))
        raise _error(path, "a tensor", " ".join(str(error).split())[:200] if known else type(error).__name__) from None
    if not np.issubdtype(values.dtype, np.number):
        raise _error(path, "numbers", f"entries of type {values.dtype}")
    return values


def _check(path: Path, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.shape != shape or not np.isfinite(values).all():
        raise _error(path, f"finite numbers of shape {shape}", f"shape {values.shape}")


def _error(path: Path, expected: str, came: str) -> ConfigError:
    return ConfigError(f"[paths] pretrained: {path}: expected {expected}, got {came}")
