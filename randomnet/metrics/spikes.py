"""Bits per spike: how much better rates tell the spikes than each neuron's mean does (Poisson)."""

import numpy as np

from randomnet.metrics.arrays import alike
from randomnet.metrics.regression import FAINTEST


def bps(spikes: np.ndarray, rates: np.ndarray) -> float:
    """Bits per spike of expected spikes per bin (..., N), against each neuron's mean of these spikes (..., N).

    (NLL(mean) - NLL(rates)) / (spikes ln 2), Poisson. Raises ValueError for another shape, negative or not finite
    values, or where there is no spike.
    """
    spikes, rates = alike("spikes", spikes, "rates", rates)
    if spikes.min() < 0 or rates.min() < 0:
        raise ValueError("spikes and rates: expected none below 0")
    total = spikes.sum()
    if not total:
        raise ValueError("spikes: expected some, got none")
    rates, means = np.maximum(rates, FAINTEST), np.maximum(spikes.mean(0), FAINTEST)
    gained = (spikes * np.log(rates / means)).sum() - (rates - means).sum()
    return float(gained / (total * np.log(2)))


def co_bps(spikes: np.ndarray, rates: np.ndarray, heldin: int) -> float:
    """`bps` over the neurons that the model did not see: those after the first `heldin`. Raises ValueError."""
    if not 0 <= heldin < np.shape(spikes)[-1]:
        raise ValueError(f"heldin: expected fewer than the {np.shape(spikes)[-1]} neurons, got {heldin}")
    return bps(spikes[..., heldin:], rates[..., heldin:])
