"""Compiled steps of a small network, called without the rest of the program."""

import numpy as np

from randomnet import compiled
from randomnet.activations import ACTIVATIONS

N, K, STEPS = 30, 26, 5


def last_bundles() -> list[list[list[float]]]:
    """The bundles (1 + K, N) after two intervals of each form, for a random network with tanh."""
    rng, bundles = np.random.default_rng(2), []
    weights = rng.standard_normal((N, N)) / np.sqrt(N)
    start = rng.standard_normal((1 + K, N))
    for form in ("current", "rate"):
        forward, _ = compiled.loops(ACTIVATIONS["tanh"].scalar, form)
        path = np.empty((2 * STEPS, 1 + K, N))
        middle = (path, np.empty_like(path)) if form == "rate" else (path,)
        constants = np.ones(N), np.zeros(N), np.empty((0, N)), np.full(N, 0.9), np.full(N, 0.1)
        records = np.empty((2, K, K)), np.empty((2, K)), np.zeros(2)
        last = forward(start.copy(), weights, *constants, np.array([STEPS, STEPS]), True, *middle, *records)
        bundles.append(last.tolist())
    return bundles
