"""Bits per spike: how much better rates predict spikes than the mean rate of each neuron does (Poisson)."""

import numpy as np

from randomnet.array_arguments import takes_tensors
from randomnet.metrics.arrays import with_same_shape
from randomnet.metrics.regression import SMALLEST_RATE


@takes_tensors
def bps(spikes: np.ndarray, rates: np.ndarray) -> float:
    """Bits per spike of expected spikes per bin (..., N), relative to each neuron's mean of the spikes (..., N).

    (NLL(mean) - NLL(rates)) / (spikes ln 2), with Poisson likelihoods. Raises ValueError for different shapes,
    negative or non-finite values, or without any spike.

    >>> import numpy as np
    >>> from randomnet.metrics import bps
    >>> spikes = np.array([[0], [0], [2], [2]])
    >>> round(bps(spikes, np.array([[0.1], [0.1], [1.9], [1.9]])), 3)
    0.926
    """
    spikes, rates = with_same_shape("spikes", spikes, "rates", rates)
    if spikes.min() < 0 or rates.min() < 0:
        raise ValueError("spikes and rates: expected values >= 0, got negative ones")
    total = spikes.sum()
    if not total:
        raise ValueError("spikes: expected some, got none")
    rates, means = np.maximum(rates, SMALLEST_RATE), np.maximum(spikes.mean(0), SMALLEST_RATE)
    gain = (spikes * np.log(rates / means)).sum() - (rates - means).sum()
    return float(gain / (total * np.log(2)))


@takes_tensors
def co_bps(spikes: np.ndarray, rates: np.ndarray, heldin: int) -> float:
    """`bps` of the neurons that the model did not see, which are those after the first `heldin`. Raises ValueError.

    >>> import numpy as np
    >>> from randomnet.metrics import co_bps
    >>> spikes = np.array([[3, 0], [1, 0], [0, 2], [0, 2]])
    >>> rates = np.array([[9, 0.1], [9, 0.1], [9, 1.9], [9, 1.9]])
    >>> round(co_bps(spikes, rates, heldin=1), 3)  # the second neuron alone
    0.926
    """
    if not 0 <= heldin < np.shape(spikes)[-1]:
        raise ValueError(f"heldin: expected fewer than the {np.shape(spikes)[-1]} neurons, got {heldin}")
    return bps(spikes[..., heldin:], rates[..., heldin:])
