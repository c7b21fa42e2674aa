"""Coupling strength of a network: numbers in which controls of equal g may differ."""

import math

import numpy as np

from randomnet.connectome.components import strong_components
from randomnet.connectome.eigenvalues import CONVERGED, Eigenvalues, eigenvalues, leading

MOST_NEURONS = 2000  # in a strong component whose eigenvalues are all computed, in 6 s on one core
MOST_EDGES = 2_000_000  # in larger networks whose leading eigenvalues are computed, in at most half a minute
COUPLING = ("spectral_radius", "spectral_abscissa", "second_eigenvalue", "frobenius_norm", "balancing_residual")


def coupling_strength(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, n: int) -> dict[str, float]:
    """The numbers of COUPLING for J[post, pre] of n neurons, name -> value; nan where unknown.

    spectral_radius: largest |eigenvalue|. spectral_abscissa: largest real part of an eigenvalue. second_eigenvalue: the
    largest |eigenvalue| after the leading one, or after the leading conjugate pair. frobenius_norm: square root of the
    sum of squares. balancing_residual: see `balancing_residual`. All eigenvalues are computed where no strong component
    has more than MOST_NEURONS. Otherwise leading ones are computed, up to MOST_EDGES.
    """
    numbers = dict.fromkeys(COUPLING, math.nan)
    if not np.isfinite(weights).all():
        return numbers
    numbers["frobenius_norm"] = float(np.linalg.norm(weights))
    numbers["balancing_residual"] = balancing_residual(post, pre, weights)
    spectrum = _spectrum(post, pre, weights, n)
    if spectrum is not None:
        numbers |= {"spectral_abscissa": spectrum.abscissa, "second_eigenvalue": spectrum.second}
        numbers["spectral_radius"] = spectrum.radius if spectrum.residual <= CONVERGED else math.nan
    return numbers


def _spectrum(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, n: int) -> Eigenvalues | None:
    """All eigenvalues or the leading ones; None for networks that are too large."""
    component = strong_components(post, pre, n)
    if np.bincount(component).max(initial=0) <= MOST_NEURONS:
        return eigenvalues(post, pre, weights, component)
    within = component[post] == component[pre]
    return leading(post[within], pre[within], weights[within]) if within.sum() <= MOST_EDGES else None


def balancing_residual(post: np.ndarray, pre: np.ndarray, weights: np.ndarray) -> float:
    """The largest relative deviation of a neuron's summed inputs or outputs of one sign from Sinkhorn's balance.

    In balance, the excitatory inputs of every neuron that has some sum to one number, and so do inhibitory inputs, at
    any g. The target of outputs of each sign follows from it. 0 is balanced; nan without weights. After `sinkhorn` it
    equals the largest `sinkhorn_residual`.
    """
    inputs, outputs = ([_sums(ends, weights, sign) for sign in (1, -1)] for ends in (post, pre))
    target = np.concatenate(inputs).mean() if any(map(len, inputs)) else math.nan
    deviations = [sums / target - 1 for sums in inputs]
    deviations += [out / (target * len(into) / len(out)) - 1 for into, out in zip(inputs, outputs, strict=True)
                   if len(out)]  # fmt: skip
    return float(np.abs(np.concatenate(deviations)).max()) if target > 0 else math.nan


def _sums(ends: np.ndarray, weights: np.ndarray, sign: int) -> np.ndarray:
    """The summed sizes of the weights of one sign, of each neuron that has such edges."""
    sizes = sign * weights
    sums = np.bincount(ends, np.maximum(sizes, 0, out=sizes))  # without copies of the edges of one sign
    return sums[sums > 0]
