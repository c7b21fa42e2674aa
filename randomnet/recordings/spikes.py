"""Spike counts with given rates and dispersion (Fano factor: variance over mean).

| dispersion D | counts of rate lambda                                                         | Fano factor         |
|--------------|-------------------------------------------------------------------------------|---------------------|
| 1            | Poisson                                                                       | 1                   |
| above 1      | negative binomial, r = lambda / (D - 1), p = 1 / D                            | D                   |
| below 1      | binomial with n = lambda / p, rounded down or up at random to preserve the    | D where possible,   |
|              | mean; p is 1 - D, and larger by what the rounding adds to the variance        | else the minimum    |

The minimum: a count whose mean lambda has the fractional part f has at least the variance f (1 - f). With a mean below
1, no count has a Fano factor below 1 - lambda.
"""

import math

import numpy as np

LARGEST_RATE = 30_000.0  # spikes per bin, so that counts fit into 16 bits
SMALL, LARGE = np.iinfo(np.uint8), np.iinfo(np.uint16)


def spike_counts(rates: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    """Random counts with the means `rates` (B, ...): uint8, or uint16 where one exceeds 255.

    Raises ValueError for an impossible dispersion or rate.

    >>> import numpy as np
    >>> from randomnet.recordings import spike_counts
    >>> counts = spike_counts(np.full((2, 3, 4), 0.5), 1.0, np.random.default_rng(0))
    >>> counts.shape, counts.dtype
    ((2, 3, 4), dtype('uint8'))
    """
    if not (math.isfinite(dispersion) and dispersion > 0):
        raise ValueError(f"dispersion must be a number above 0, got {dispersion:g}")
    if not (np.isfinite(rates).all() and rates.min(initial=0) >= 0 and rates.max(initial=0) <= LARGEST_RATE):
        raise ValueError(f"rates must be from 0 to {LARGEST_RATE:g} spikes per bin, got "
                         f"{rates.min():g}..{rates.max():g}")  # fmt: skip
    counts = np.empty(rates.shape, np.uint16)
    for index, trial in enumerate(rates):  # one trial at a time, as counts are drawn in 64 bits
        trial_counts = _draw_counts(trial.astype(np.float64), dispersion, rng)
        if trial_counts.max(initial=0) > LARGE.max:
            raise ValueError(f"counts must be at most {LARGE.max} per bin, got {trial_counts.max()}: lower the "
                             "dispersion or the rates")  # fmt: skip
        counts[index] = trial_counts
    return counts.astype(np.uint8) if counts.max(initial=0) <= SMALL.max else counts


def _draw_counts(rates: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    if dispersion == 1:
        return rng.poisson(rates)
    if dispersion > 1:  # a Poisson count with a gamma-distributed rate is negative binomial; a rate of 0 gives 0
        return rng.poisson(rng.gamma(rates / (dispersion - 1), dispersion - 1))
    n, extra, p = _binomial_parameters(rates, dispersion)
    return rng.binomial(n.astype(np.int64) + (rng.random(rates.shape) < extra), p)


def _binomial_parameters(rates: np.ndarray, dispersion: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """n, extra and p of binomial counts with these means: n trials, or n + 1 with the probability `extra`.

    With q = (1 - D) / lambda, the Fano factor is D where n + extra^2 = q (n + extra)^2, because p = lambda / (n +
    extra). Where that p exceeds 1, no count has this Fano factor; the parameters are then those of the minimum.
    """
    n = np.floor(rates / (1 - dispersion))
    q = np.divide(1 - dispersion, rates, out=np.ones_like(rates), where=n > 0)
    root = np.sqrt(np.maximum(n * (q * (n + 1) - 1), 0))
    extra = np.divide(n * (1 - q * n), q * n + root, out=np.zeros_like(rates), where=n > 0)
    extra = np.clip(extra, 0, 1)  # removes rounding errors
    p = np.divide(rates, n + extra, out=np.full_like(rates, np.inf), where=n > 0)
    impossible = p > 1
    floor = np.floor(rates)
    return np.where(impossible, floor, n), np.where(impossible, rates - floor, extra), np.where(impossible, 1.0, p)


def expected_fano(rates: np.ndarray, dispersion: float) -> np.ndarray:
    """(N,): expected Fano factor of each neuron, its variance over its mean, both summed over the bins of rates
    (B, T, N); nan where all rates are 0.

    >>> import numpy as np
    >>> from randomnet.recordings import expected_fano
    >>> expected_fano(np.full((1, 4, 2), 0.5), dispersion=1.0).tolist()
    [1.0, 1.0]
    """
    variances, means = np.zeros(rates.shape[-1]), np.zeros(rates.shape[-1])
    for trial in (np.asarray(rate, np.float64) for rate in rates):
        means += trial.sum(0)
        if dispersion < 1:
            _, extra, p = _binomial_parameters(trial, dispersion)
            variances += (trial * (1 - p) + p**2 * extra * (1 - extra)).sum(0)
        else:
            variances += dispersion * trial.sum(0)
    return _ratio(variances, means)


def fano(spikes: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """(N,): realised Fano factor of each neuron: squared deviations of its counts (B, T, N) from its rates, over its
    rates. It is valid for rates that change over time, too; nan where all rates are 0.

    >>> import numpy as np
    >>> from randomnet.recordings import fano, spike_counts
    >>> rates = np.full((200, 50, 1), 0.5)
    >>> spikes = spike_counts(rates, 1.0, np.random.default_rng(0))
    >>> bool(abs(fano(spikes, rates)[0] - 1) < 0.05)  # Poisson
    True
    """
    variances, means = np.zeros(rates.shape[-1]), np.zeros(rates.shape[-1])
    for counts, trial in zip(spikes, rates, strict=True):
        variances += np.square(counts - trial.astype(np.float64)).sum(0)
        means += trial.sum(0, dtype=np.float64)
    return _ratio(variances, means)


def _ratio(variances: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.divide(variances, means, out=np.full(means.shape, np.nan), where=means > 0)
