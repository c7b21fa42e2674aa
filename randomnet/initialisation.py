"""The weights that training starts from, uniform in +-bound, and the rank-order remap onto a connectome.

    init      bound                            fans of a recurrent network of H units and a layer to or from `other`
    default   1 / sqrt(H)                      what torch.nn.RNN and, for the readout, torch.nn.Linear do
    xavier    sqrt(6 / (fan_in + fan_out))     fan_in + fan_out = H + other
    he        sqrt(6 / H)                      the fan of H units, incoming for the readout (bio_rnn_mem, defect 24)

All values are float64. Source: bio_rnn_mem; Glorot & Bengio 2010 (xavier), He et al. 2015 (he).
"""

from collections.abc import Callable

import numpy as np

# (units H, size of the other side) -> bound
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
    """(size,): initial biases U(+-1/sqrt(fan_in)), whatever the weights' init; fan_in = H for units and outputs."""
    return _uniform(rng, bound("default", fan_in, size), (size,))


def interface(n: int, channels: int, outputs: int | None, init: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights and biases that join n units to a task, under the names of `rnn.INTERFACE`; outputs None: no readout.

    init: as of `BOUNDS`; `connectome`, which knows nothing of tasks, is `default`. Raises ValueError for another.
    """
    init = "default" if init == "connectome" else init
    drawn = {
        "input_weights": inputs(n, channels, init, rng),
        "input_bias": biases(n, n, rng),
        "recurrent_bias": biases(n, n, rng),
    }
    if outputs is None:
        return drawn
    return drawn | {"readout_weights": readout(outputs, n, init, rng), "readout_bias": biases(outputs, n, rng)}


def bound(init: str, units: int, other: int) -> float:
    """The largest magnitude of initial weights between `units` recurrent units and `other`, units or channels."""
    if init not in BOUNDS:
        raise ValueError(f"init must be one of {', '.join(BOUNDS)}, got {init!r}")
    return BOUNDS[init](units, other)


def rank_order_remap(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The initial values of the edges (E,), permuted so that they rank as the edges' connectome weights (E,) do.

    The strongest edge gets the most positive value, the weakest the most negative. Edges of equal weight take theirs
    in the order of the edges. Raises ValueError where the shapes differ.
    """
    if values.shape != weights.shape:
        raise ValueError(f"expected one value per weight, got shapes {values.shape} and {weights.shape}")
    after = np.empty_like(values)
    after[np.argsort(weights, kind="stable")] = np.sort(values)
    return after


def _uniform(rng: np.random.Generator, bound: float, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(-bound, bound, shape)
