"""The order of neurons in heat maps of their rates."""

import numpy as np

BY_PEAK, BY_MEAN = "sorted by the time of the peak", "sorted by the mean rate"


def raster_order(rates: np.ndarray) -> tuple[np.ndarray, str]:
    """The order of neurons (N,) in a heat map of their rates (N, T), and what they are sorted by.

    Neurons are sorted by the time of their peak if rates vary more over time than over neurons, else by their mean.
    """
    rates = np.nan_to_num(np.asarray(rates, dtype=float))
    if rates.var(axis=1).mean() > rates.mean(axis=1).var():
        return np.argsort(rates.argmax(axis=1), kind="stable"), BY_PEAK
    return np.argsort(rates.mean(axis=1), kind="stable"), BY_MEAN
