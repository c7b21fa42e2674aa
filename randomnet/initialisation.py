"""Initial weights for training, uniform in [-bound, bound], and their rank-order remapping onto a connectome.

    init      bound                            for H recurrent units and a layer of size `other` before or after them
    default   1 / sqrt(H)                      as in torch.nn.RNN and, for the readout, torch.nn.Linear
    xavier    sqrt(6 / (fan_in + fan_out))     fan_in + fan_out = H + other
    he        sqrt(6 / H)                      fan H, which is the fan-in of the readout (bio_rnn_mem, defect 24)

All values are float64. Source: bio_rnn_mem; Glorot & Bengio 2010 (xavier), He et al. 2015 (he).
"""

from collections.abc import Callable

import numpy as np

# (units H, size of the other layer) -> bound
BOUNDS: dict[str, Callable[[int, int], float]] = {
    "default": lambda units, other: units**-0.5,
    "xavier": lambda units, other: (6 / (units + other)) ** 0.5,
    "he": lambda units, other: (6 / units) ** 0.5,
}


def recurrent(n: int, edges: int, init: str, rng: np.random.Generator) -> np.ndarray:
    """(edges,): initial weights of the edges among n units. Raises ValueError for an unknown init."""
    return _uniform(rng, bound(init, n, n), (edges,))


def inputs(n: int, channels: int, init: str, rng: np.random.Generator) -> np.ndarray:
    """(n, channels): initial weights from input channels to n units. Raises ValueError for an unknown init."""
    return _uniform(rng, bound(init, n, channels), (n, channels))


def readout(outputs: int, n: int, init: str, rng: np.random.Generator) -> np.ndarray:
    """(outputs, n): initial weights from n units to outputs. Raises ValueError for an unknown init."""
    return _uniform(rng, bound(init, n, outputs), (outputs, n))


def biases(size: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
    """(size,): initial biases from U(+-1/sqrt(fan_in)), for every init. fan_in is H for units and for the readout."""
    return _uniform(rng, bound("default", fan_in, size), (size,))


def interface(n: int, channels: int, outputs: int | None, init: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Initial weights and biases of a task interface of n units, under the names of `rnn.INTERFACE`.

    outputs: None for no readout. init: a name in `BOUNDS`, or `connectome`, which means `default` here because a
    connectome has no task interface. Raises ValueError for another init.
    """
    init = "default" if init == "connectome" else init
    values = {
        "input_weights": inputs(n, channels, init, rng),
        "input_bias": biases(n, n, rng),
        "recurrent_bias": biases(n, n, rng),
    }
    if outputs is None:
        return values
    return values | {"readout_weights": readout(outputs, n, init, rng), "readout_bias": biases(outputs, n, rng)}


def bound(init: str, units: int, other: int) -> float:
    """The bound of initial weights between `units` recurrent units and a layer of size `other`.

    Raises ValueError for an unknown init.
    """
    if init not in BOUNDS:
        raise ValueError(f"init must be one of {', '.join(BOUNDS)}, got {init!r}")
    return BOUNDS[init](units, other)


def rank_order_remap(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Initial values of the edges (E,), permuted so that they have the rank order of the connectome weights (E,).

    The edge with the largest weight gets the largest value. Ties keep the order of the edges. Raises ValueError where
    the shapes differ.
    """
    if values.shape != weights.shape:
        raise ValueError(f"expected one value per weight, got shapes {values.shape} and {weights.shape}")
    remapped = np.empty_like(values)
    remapped[np.argsort(weights, kind="stable")] = np.sort(values)
    return remapped


def _uniform(rng: np.random.Generator, bound: float, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(-bound, bound, shape)
