"""Spike counts around given rates, with a given dispersion (Fano factor: variance over mean).

| dispersion D | counts of rate lambda                                                         | Fano factor         |
|--------------|-------------------------------------------------------------------------------|---------------------|
| 1            | Poisson                                                                       | 1                   |
| above 1      | negative binomial, r = lambda / (D - 1), p = 1 / D                            | D                   |
| below 1      | binomial of n = lambda / p, rounded down or up at random so that the mean     | D where there is    |
|              | stays; p is 1 - D, and as much more as the rounding adds to the variance      | such a count, else  |
|              |                                                                               | the least there is  |

The least there is: a count of mean lambda with f after the point has at least the variance f (1 - f); so none with a
mean below 1 has a Fano factor below 1 - lambda.
"""

import math

import numpy as np

LARGEST_RATE = 30_000.0  # spikes per bin, so that counts fit into 16 bits
SMALL, LARGE = np.iinfo(np.uint8), np.iinfo(np.uint16)


def spike_counts(rates: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    """Counts of the shape of rates (B, ...), which are their means: uint8, or uint16 where there are more than 255.

    Raises ValueError where a dispersion or rates are impossible.
    """
    if not (math.isfinite(dispersion) and dispersion > 0):
        raise ValueError(f"dispersion must be a number above 0, got {dispersion:g}")
    if not (np.isfinite(rates).all() and rates.min(initial=0) >= 0 and rates.max(initial=0) <= LARGEST_RATE):
        raise ValueError(f"rates must be from 0 to {LARGEST_RATE:g} spikes per bin, got "
                         f"{rates.min():g}..{rates.max():g}")  # fmt: skip
    counts = np.empty(rates.shape, np.uint16)
    for number, trial in enumerate(rates):  # counts are drawn in 64 bits
        drawn = _drawn(trial.astype(np.float64), dispersion, rng)
        if drawn.max(initial=0) > LARGE.max:
            raise ValueError(f"counts must be at most {LARGE.max} per bin, got {drawn.max()}: a lower dispersion or "
                             "rate is needed")  # fmt: skip
        counts[number] = drawn
    return counts.astype(np.uint8) if counts.max(initial=0) <= SMALL.max else counts


def _drawn(rates: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    if dispersion == 1:
        return rng.poisson(rates)
    if dispersion > 1:  # a Poisson count of a gamma-distributed rate is negative binomial, and 0 of a rate of 0
        return rng.poisson(rng.gamma(rates / (dispersion - 1), dispersion - 1))
    whole, part, chance = _parts(rates, dispersion)
    return rng.binomial(whole.astype(np.int64) + (rng.random(rates.shape) < part), chance)


def _parts(rates: np.ndarray, dispersion: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of binomial counts with these means: whole, the least number n of trials; part, the chance of one more; and p.

    With q = (1 - D) / lambda, m + part^2 = q (m + part)^2 says that the Fano factor is D, as p = lambda / (m + part);
    where that p is above 1 no count has it.
    """
    whole = np.floor(rates / (1 - dispersion))
    q = np.divide(1 - dispersion, rates, out=np.ones_like(rates), where=whole > 0)
    root = np.sqrt(np.maximum(whole * (q * (whole + 1) - 1), 0))
    part = np.divide(whole * (1 - q * whole), q * whole + root, out=np.zeros_like(rates), where=whole > 0)
    part = np.clip(part, 0, 1)  # but for rounding it is
    chance = np.divide(rates, whole + part, out=np.full_like(rates, np.inf), where=whole > 0)
    least = chance > 1
    low = np.floor(rates)
    return np.where(least, low, whole), np.where(least, rates - low, part), np.where(least, 1.0, chance)


def expected_fano(rates: np.ndarray, dispersion: float) -> np.ndarray:
    """(N,): variance over mean of the counts of each neuron, rates (B, T, N), summed over bins; nan of rates of 0."""
    variances, means = np.zeros(rates.shape[-1]), np.zeros(rates.shape[-1])
    for trial in (np.asarray(rate, np.float64) for rate in rates):
        means += trial.sum(0)
        if dispersion < 1:
            _, part, chance = _parts(trial, dispersion)
            variances += (trial * (1 - chance) + chance**2 * part * (1 - part)).sum(0)
        else:
            variances += dispersion * trial.sum(0)
    return _over(variances, means)


def fano(spikes: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """(N,): squared deviation of each neuron's counts (B, T, N) from its rates, over its rates: the realised Fano
    factor, of rates that change over time too; nan of rates of 0."""
    variances, means = np.zeros(rates.shape[-1]), np.zeros(rates.shape[-1])
    for counts, trial in zip(spikes, rates, strict=True):
        variances += np.square(counts - trial.astype(np.float64)).sum(0)
        means += trial.sum(0, dtype=np.float64)
    return _over(variances, means)


def _over(variances: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.divide(variances, means, out=np.full(means.shape, np.nan), where=means > 0)
