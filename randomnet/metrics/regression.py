"""Shares of variance: of rates as they are, of states and inputs through a linear map fitted on other trials.

After the Computation-Thru-Dynamics Benchmark (Versteeg et al. 2025), with what was wrong there put right: states are
scored on trials that were not fitted, and cycle consistency does not depend on the latents' scale.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.metrics.arrays import alike, flat, paired

RANK = 1e-7  # relative: what is smaller of regressors scaled to length 1 is the rounding of float32, and is not fitted
NULL = 1e-6  # share of the variance below which a direction of the latents is left out
KEPT = 0.99  # share of the readout's squared singular values that its components are to have
FAINTEST = 1e-9  # rate per bin that stands for what is smaller, which has no logarithm


def r2(truth: np.ndarray, predicted: np.ndarray) -> float:
    """1 - sum of squared errors / sum of squares about each column's mean, over all columns of (..., D) together.

    Raises ValueError for another shape, values that are not finite, or a truth that does not vary.
    """
    truth, predicted = alike("truth", truth, "prediction", predicted)
    total = np.square(truth - truth.mean(0)).sum()
    if not total > 0:
        raise ValueError("truth: expected values that vary, got constant ones")
    return float(1 - np.square(truth - predicted).sum() / total)


@dataclass(frozen=True)
class Linear:
    """The map x -> x matrix + offset, of matrix (D, K) and offset (K,)."""

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(..., D) -> (..., K)."""
        return values @ self.matrix + self.offset


def fitted(regressors: np.ndarray, targets: np.ndarray) -> Linear:
    """The least-squares map from regressors (..., D) to targets (..., K), of least norm where several are as good.

    Raises ValueError.
    """
    x, y = paired("regressors", regressors, "targets", targets)
    means = x.mean(0), y.mean(0)
    x, y = x - means[0], y - means[1]
    lengths = np.linalg.norm(x, axis=0)
    lengths[lengths == 0] = 1.0
    upper = np.asarray(np.linalg.qr(np.concatenate([x / lengths, y], 1), mode="r"))
    triangle = upper[: x.shape[1]]  # all that a fit needs
    solved = np.linalg.lstsq(triangle[:, : x.shape[1]], triangle[:, x.shape[1] :], rcond=RANK)[0]
    matrix = solved / lengths[:, None]
    return Linear(matrix, means[1] - means[0] @ matrix)


def _explained(train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> float:
    """The share of the variance of test[1] that a map of test[0], fitted on train, explains."""
    return r2(test[1], fitted(*train)(flat("regressors", test[0])).reshape(np.shape(test[1])))


def rate_r2(rates: np.ndarray, inferred: np.ndarray) -> float:
    """Of true rates (..., N) and inferred ones, without any fit: 1 is perfect, mean rates have 0."""
    return r2(rates, inferred)


def state_r2_true_to_inferred(
    true: np.ndarray, inferred: np.ndarray, test_true: np.ndarray, test_inferred: np.ndarray
) -> float:
    """How much of the inferred states (..., Di) is linear in the true ones (..., D): invented dimensions lower it."""
    return _explained((true, inferred), (test_true, test_inferred))


def state_r2_inferred_to_true(
    true: np.ndarray, inferred: np.ndarray, test_true: np.ndarray, test_inferred: np.ndarray
) -> float:
    """How much of the true states is linear in the inferred ones: missing dimensions lower it."""
    return _explained((inferred, true), (test_inferred, test_true))


def input_r2(true: np.ndarray, inferred: np.ndarray, test_true: np.ndarray, test_inferred: np.ndarray) -> float:
    """How much of the inferred inputs (..., Ci) is linear in the true ones (..., C)."""
    return _explained((true, inferred), (test_true, test_inferred))


@dataclass(frozen=True)
class CycleConsistency:
    """The share of the latents' variance that their readout tells: of `dimensions` it reads `components`."""

    value: float
    components: int
    dimensions: int


def cycle_con(
    latents: np.ndarray, rates: np.ndarray, test_latents: np.ndarray, whitened: bool = True
) -> CycleConsistency:
    """Of latents (..., D) and their rates (..., N) of the same model: how much of the latents the rates depend on.

    Log rates are fitted to the latents, the fit's leading components kept (99 % of the squared singular values), and
    latents of other trials projected on them. whitened: every direction of the latents counts the same, those below
    1e-6 of the variance not at all, so that the value is close to components / dimensions; else (the predecessor's)
    directions count by their variance, and the value depends on the latents' scale. Raises ValueError.
    """
    latents, rates = paired("latents", latents, "rates", rates)
    test_latents = flat("test latents", test_latents)
    if whitened:
        white = _whitening(latents)
        latents, test_latents = white(latents), white(test_latents)
    readout = fitted(latents, np.log(np.maximum(rates, FAINTEST))).matrix
    directions, strengths, _ = np.linalg.svd(readout, full_matrices=False)
    energy = np.cumsum(np.square(strengths))
    if not energy[-1] > 0:
        return CycleConsistency(0.0, 0, latents.shape[1])
    components = int(np.searchsorted(energy, KEPT * energy[-1]) + 1)
    kept = directions[:, :components]
    middle = latents.mean(0)
    projected = middle + (test_latents - middle) @ kept @ kept.T
    return CycleConsistency(r2(test_latents, projected), components, latents.shape[1])


def cycle_con_raw(latents: np.ndarray, rates: np.ndarray, test_latents: np.ndarray) -> CycleConsistency:
    """`cycle_con` without whitening."""
    return cycle_con(latents, rates, test_latents, whitened=False)


def _whitening(latents: np.ndarray) -> Linear:
    """To coordinates of mean 0 and variance 1 that are uncorrelated over latents (M, D)."""
    middle = latents.mean(0)
    triangle = np.linalg.qr(latents - middle, mode="r")
    _, lengths, axes = np.linalg.svd(triangle, full_matrices=False)
    variances = np.square(lengths) / len(latents)
    some = variances > NULL * variances.sum()
    if not some.any():
        raise ValueError("latents: expected values that vary, got constant ones")
    matrix = axes[some].T / np.sqrt(variances[some])
    return Linear(matrix, -middle @ matrix)
