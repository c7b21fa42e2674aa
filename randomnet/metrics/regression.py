"""Explained variance: of rates directly; of states and inputs through a linear map that is fitted on other trials.

After the Computation-Thru-Dynamics Benchmark (Versteeg et al. 2025), with two corrections: states are scored on trials
that were not used for the fit, and cycle consistency does not depend on the scale of the latents.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.array_arguments import takes_tensors
from randomnet.display import Brief
from randomnet.metrics.arrays import flattened, with_same_samples, with_same_shape

SMALLEST_SINGULAR_VALUE = 1e-7  # relative, of regressors scaled to length 1; smaller ones are rounding of float32
SMALLEST_VARIANCE = 1e-6  # share of the total below which a direction of the latents is left out
COMPONENTS_SHARE = 0.99  # of the readout's squared singular values, which its components have
SMALLEST_RATE = 1e-9  # per bin; smaller rates are raised to it before the logarithm


@takes_tensors
def r2(truth: np.ndarray, predicted: np.ndarray) -> float:
    """1 - sum of squared errors / sum of squares about each column's mean, over all columns of (..., D) together.

    Raises ValueError for different shapes, non-finite values, or a constant truth.

    >>> import numpy as np
    >>> from randomnet.metrics import r2
    >>> truth = np.array([[0.0], [1.0], [2.0]])
    >>> r2(truth, truth), r2(truth, np.ones((3, 1)))
    (1.0, 0.0)
    """
    truth, predicted = with_same_shape("truth", truth, "prediction", predicted)
    total = np.square(truth - truth.mean(0)).sum()
    if not total > 0:
        raise ValueError("truth: expected values that vary, got constant ones")
    return float(1 - np.square(truth - predicted).sum() / total)


@dataclass(frozen=True, repr=False)
class LinearMap(Brief):
    """The map x -> x matrix + offset, of matrix (D, K) and offset (K,)."""

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(..., D) -> (..., K)."""
        return values @ self.matrix + self.offset


@takes_tensors
def fit_linear_map(regressors: np.ndarray, targets: np.ndarray) -> LinearMap:
    """The least-squares map from regressors (..., D) to targets (..., K); of several, that with the least norm.

    Raises ValueError for different trials and bins, and for empty or non-finite arrays.

    >>> import numpy as np
    >>> from randomnet.metrics import fit_linear_map
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> fit_linear_map(x, 3 * x + 1)(np.array([[5.0]])).round(6).tolist()
    [[16.0]]
    """
    x, y = with_same_samples("regressors", regressors, "targets", targets)
    means = x.mean(0), y.mean(0)
    x, y = x - means[0], y - means[1]
    lengths = np.linalg.norm(x, axis=0)
    lengths[lengths == 0] = 1.0
    upper = np.asarray(np.linalg.qr(np.concatenate([x / lengths, y], 1), mode="r"))
    triangle = upper[: x.shape[1]]  # which suffices for a fit
    coefficients = np.linalg.lstsq(
        triangle[:, : x.shape[1]], triangle[:, x.shape[1] :], rcond=SMALLEST_SINGULAR_VALUE
    )[0]
    matrix = coefficients / lengths[:, None]
    return LinearMap(matrix, means[1] - means[0] @ matrix)


def _explained(train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> float:
    """Share of the variance of test[1] explained by a linear map of test[0] that is fitted on train."""
    return r2(test[1], fit_linear_map(*train)(flattened("regressors", test[0])).reshape(np.shape(test[1])))


@takes_tensors
def rate_r2(rates: np.ndarray, inferred: np.ndarray) -> float:
    """R² of inferred rates (..., N) against true ones, without any fit; 1 is perfect, and mean rates have 0.

    >>> import numpy as np
    >>> from randomnet.metrics import rate_r2
    >>> rates = np.array([[1.0, 2.0], [3.0, 1.0]])
    >>> rate_r2(rates, rates)
    1.0
    """
    return r2(rates, inferred)


@takes_tensors
def state_r2_true_to_inferred(
    true: np.ndarray, inferred: np.ndarray, test_true: np.ndarray, test_inferred: np.ndarray
) -> float:
    """Share of the variance of inferred states (..., Di) that is linear in true ones (..., D).

    Dimensions that the true system does not have lower it.

    >>> import numpy as np
    >>> from randomnet.metrics import state_r2_true_to_inferred
    >>> rng = np.random.default_rng(0)
    >>> true = rng.standard_normal((40, 2))
    >>> inferred = np.hstack([true, rng.standard_normal((40, 2))])  # half of it is noise
    >>> bool(0.2 < state_r2_true_to_inferred(true[:20], inferred[:20], true[20:], inferred[20:]) < 0.8)
    True
    """
    return _explained((true, inferred), (test_true, test_inferred))


@takes_tensors
def state_r2_inferred_to_true(
    true: np.ndarray, inferred: np.ndarray, test_true: np.ndarray, test_inferred: np.ndarray
) -> float:
    """Share of the variance of true states (..., D) that is linear in inferred ones (..., Di).

    Dimensions that the model lacks lower it.

    >>> import numpy as np
    >>> from randomnet.metrics import state_r2_inferred_to_true
    >>> rng = np.random.default_rng(0)
    >>> true = rng.standard_normal((40, 2))
    >>> inferred = true @ np.array([[1.0, 2.0], [0.0, 1.0]])
    >>> round(state_r2_inferred_to_true(true[:20], inferred[:20], true[20:], inferred[20:]), 6)
    1.0
    """
    return _explained((inferred, true), (test_inferred, test_true))


@takes_tensors
def input_r2(true: np.ndarray, inferred: np.ndarray, test_true: np.ndarray, test_inferred: np.ndarray) -> float:
    """Share of the variance of inferred inputs (..., Ci) that is linear in true ones (..., C).

    >>> import numpy as np
    >>> from randomnet.metrics import input_r2
    >>> rng = np.random.default_rng(0)
    >>> true = rng.standard_normal((40, 2))
    >>> inferred = true @ np.array([[1.0, 2.0], [0.0, 1.0]])
    >>> round(input_r2(true[:20], inferred[:20], true[20:], inferred[20:]), 6)
    1.0
    """
    return _explained((true, inferred), (test_true, test_inferred))


@dataclass(frozen=True)
class CycleConsistency:
    """value: the share of the latents' variance that determines the rates.

    components, dimensions: how many of the latents' dimensions the readout uses.
    """

    value: float
    components: int
    dimensions: int


@takes_tensors
def cycle_con(
    latents: np.ndarray, rates: np.ndarray, test_latents: np.ndarray, whitened: bool = True
) -> CycleConsistency:
    """How much of the latents (..., D) of a model its rates (..., N) depend on.

    Log rates are fitted to the latents. Latents of other trials are projected on the leading components of this fit,
    which have 99 % of its squared singular values. whitened: every direction of the latents with at least 1e-6 of the
    variance counts alike, so that the value is close to components / dimensions. Otherwise directions count by their
    variance, as in the predecessor, and the value depends on the latents' scale. Raises ValueError.

    >>> import numpy as np
    >>> from randomnet.metrics import cycle_con
    >>> rng = np.random.default_rng(0)
    >>> latents = rng.standard_normal((20, 10, 2))
    >>> rates = np.exp(latents @ np.array([[1.0, 0.5], [0.0, 1.0]]))
    >>> bool(cycle_con(latents[:10], rates[:10], latents[10:]).value > 0.99)
    True
    """
    latents, rates = with_same_samples("latents", latents, "rates", rates)
    test_latents = flattened("test latents", test_latents)
    if whitened:
        whitening = _whitening(latents)
        latents, test_latents = whitening(latents), whitening(test_latents)
    readout = fit_linear_map(latents, np.log(np.maximum(rates, SMALLEST_RATE))).matrix
    directions, strengths, _ = np.linalg.svd(readout, full_matrices=False)
    energy = np.cumsum(np.square(strengths))
    if not energy[-1] > 0:
        return CycleConsistency(0.0, 0, latents.shape[1])
    components = int(np.searchsorted(energy, COMPONENTS_SHARE * energy[-1]) + 1)
    basis = directions[:, :components]
    mean = latents.mean(0)
    projected = mean + (test_latents - mean) @ basis @ basis.T
    return CycleConsistency(r2(test_latents, projected), components, latents.shape[1])


@takes_tensors
def cycle_con_raw(latents: np.ndarray, rates: np.ndarray, test_latents: np.ndarray) -> CycleConsistency:
    """`cycle_con` without whitening.

    >>> import numpy as np
    >>> from randomnet.metrics import cycle_con_raw
    >>> rng = np.random.default_rng(0)
    >>> latents = rng.standard_normal((20, 10, 2))
    >>> bool(cycle_con_raw(latents[:10], np.exp(latents[:10]), latents[10:]).value > 0.99)
    True
    """
    return cycle_con(latents, rates, test_latents, whitened=False)


def _whitening(latents: np.ndarray) -> LinearMap:
    """The map to uncorrelated coordinates of mean 0 and variance 1 over latents (M, D)."""
    mean = latents.mean(0)
    triangle = np.linalg.qr(latents - mean, mode="r")
    _, lengths, axes = np.linalg.svd(triangle, full_matrices=False)
    variances = np.square(lengths) / len(latents)
    is_used = variances > SMALLEST_VARIANCE * variances.sum()
    if not is_used.any():
        raise ValueError("latents: expected values that vary, got constant ones")
    matrix = axes[is_used].T / np.sqrt(variances[is_used])
    return LinearMap(matrix, -mean @ matrix)
