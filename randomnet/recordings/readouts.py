"""Readout matrices, which say which latents each neuron reads."""

from collections.abc import Callable

import numpy as np


def one_hot(latents: int, neurons: int, rng: np.random.Generator) -> np.ndarray:
    """(latents, neurons) float32: each neuron reads one latent.

    The latents are assigned in successive random permutations: none is read a second time before all are read once.

    >>> import numpy as np
    >>> from randomnet.recordings import one_hot
    >>> one_hot(3, 6, np.random.default_rng(0)).sum(0).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    permutations = [rng.permutation(latents) for _ in range(-(-neurons // latents))]
    readout = np.zeros((latents, neurons), np.float32)
    readout[np.concatenate(permutations)[:neurons], np.arange(neurons)] = 1
    return readout


def dense(latents: int, neurons: int, rng: np.random.Generator) -> np.ndarray:
    """(latents, neurons) float32: each neuron reads all latents, with weights N(0, 1/latents).

    >>> import numpy as np
    >>> from randomnet.recordings import dense
    >>> dense(2, 5, np.random.default_rng(0)).shape
    (2, 5)
    """
    return (rng.standard_normal((latents, neurons)) / np.sqrt(latents)).astype(np.float32)


READOUTS: dict[str, Callable[[int, int, np.random.Generator], np.ndarray]] = {"onehot": one_hot, "dense": dense}
