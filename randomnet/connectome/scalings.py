"""Scalings: Connectome -> Connectome. Each keeps edges and signs. `SCALINGS` has a row for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from randomnet.connectome.eigenvalues import eigenvalues_of, spectral_radius
from randomnet.connectome.record import Connectome
from randomnet.registry import Registry

VANISHED = 1e-12  # share of the largest weight below which one counts as lost


def scaled(connectome: Connectome, g: float) -> Connectome:
    """The connectome with all weights times g > 0."""
    return connectome.replace(connectome.weights * g, g=g)


def with_spectral_radius(connectome: Connectome) -> Connectome:
    """Weights divided by the spectral radius, which becomes 1. Raises ValueError where the radius is 0."""
    radius = spectral_radius(connectome)
    if radius <= 1e-12 * np.abs(connectome.weights).max(initial=0.0):
        raise ValueError(f"{connectome.name} has spectral radius 0 (no cycles), which cannot be scaled to 1")
    return connectome.replace(
        connectome.weights / radius, normalization="spectral_radius", spectral_radius_before=radius
    )


def with_abscissa(connectome: Connectome) -> Connectome:
    """Weights divided by the spectral abscissa, the largest real part of an eigenvalue, which becomes 1.

    All linearized networks are then unstable from the same g on, whatever their other eigenvalues. Raises ValueError
    where no eigenvalue has a positive real part, or too few eigenvalues are known.
    """
    abscissa, advice = eigenvalues_of(connectome).abscissa, "spectral_radius or frobenius can be"
    if np.isnan(abscissa):
        raise ValueError(f"the leading eigenvalues of {connectome.name} do not tell its abscissa; {advice} scaled")
    if abscissa <= 1e-12 * np.abs(connectome.weights).max(initial=0.0):
        raise ValueError(
            f"{connectome.name} has no eigenvalue with a positive real part (the largest is {abscissa:.3g}), so its "
            f"abscissa cannot be scaled to 1; {advice}"
        )
    return connectome.replace(connectome.weights / abscissa, normalization="abscissa", abscissa_before=abscissa)


def with_frobenius_norm(connectome: Connectome) -> Connectome:
    """Weights with Frobenius norm sqrt(N), that is with mean square 1/N over all pairs, as N(0, 1/N) weights have.

    A network of independent weights then has a spectral radius of about g. Raises ValueError where all weights are 0.
    """
    norm = float(np.linalg.norm(connectome.weights))
    if not norm > 0:
        raise ValueError(f"{connectome.name} has no weights but 0, so their norm cannot be scaled")
    weights = connectome.weights * (np.sqrt(connectome.n) / norm)
    return connectome.replace(weights, normalization="frobenius", frobenius_norm_before=norm)


def sinkhorn(connectome: Connectome, iterations: int = 10, tolerance: float = 1e-6) -> Connectome:
    """Balanced excitation and inhibition: each neuron's E inputs sum to 0.5 and its I inputs to -0.5, where it has any.

    For each sign, columns and rows are scaled alternately, and rows last, so that sums of inputs are exact. Both blocks
    are rectangular: N neurons receive 0.5 each, so each of n_E columns should sum to 0.5 N/n_E. `sinkhorn_residual` in
    the provenance is the largest relative deviation of a column from that. It is the normalization of FlyStability
    with a defect corrected. `sinkhorn_lost` is the number of weights that it drives towards 0 (see `vanished`), where
    there are some. Raises ValueError where a neuron has weights of both signs.
    """
    if connectome.mixed:
        raise ValueError(f"sinkhorn needs one sign per neuron, but {connectome.mixed} of {connectome.name} have both")
    weights, residuals = connectome.weights.copy(), {}
    for sign, word in ((1, "excitatory"), (-1, "inhibitory")):
        block = np.sign(weights) == sign
        if block.any():
            weights[block], residuals[word] = _sinkhorn(
                connectome.post[block], connectome.pre[block], np.abs(weights[block]), iterations, tolerance
            )
            weights[block] *= sign
    lost = vanished(weights, connectome.weights)
    notes = {"sinkhorn_lost": lost} if lost else {}
    return connectome.replace(weights, normalization="sinkhorn", sinkhorn_residual=residuals, **notes)


def vanished(weights: np.ndarray, before: np.ndarray) -> int:
    """The number of weights below VANISHED times the largest that were above it before; each (E,)."""
    small, small_before = (np.abs(each) <= VANISHED * np.abs(each).max(initial=0.0) for each in (weights, before))
    return int((small & ~small_before).sum())


def _sinkhorn(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, iterations: int, tolerance: float
) -> tuple[np.ndarray, float]:
    """The positive weights of one block after at most so many iterations, and the residual of its columns."""
    column_target = 0.5 * len(np.unique(post)) / len(np.unique(pre))
    residual = np.inf
    for _ in range(iterations):
        weights = weights * column_target / np.bincount(pre, weights)[pre]
        weights = 0.5 * weights / np.bincount(post, weights)[post]
        sums = np.bincount(pre, weights)
        residual = float(np.abs(sums[sums > 0] / column_target - 1).max())
        if residual <= tolerance:
            break
    return weights, residual


def log1p(connectome: Connectome) -> Connectome:
    """Weights replaced by their sign times ln(1 + |weight|)."""
    weights = np.sign(connectome.weights) * np.log1p(np.abs(connectome.weights))
    return connectome.replace(weights, normalization="log1p")


def input_fraction(connectome: Connectome) -> Connectome:
    """Weights as shares of all input to their neuron: sum_j |J[i, j]| = 1 for every neuron i with input."""
    totals = np.bincount(connectome.post, np.abs(connectome.weights), connectome.n)
    return connectome.replace(_divided(connectome.weights, totals[connectome.post]), normalization="input_fraction")


def balanced(connectome: Connectome) -> Connectome:
    """Weights such that each neuron's excitatory inputs sum to 0.5 and its inhibitory ones to -0.5, where it has any.

    It scales rows only, unlike `sinkhorn`, and also takes neurons with both signs.
    """
    weights = connectome.weights.copy()
    for sign in (1, -1):
        block = np.sign(weights) == sign
        totals = 2 * np.bincount(connectome.post[block], np.abs(weights[block]), connectome.n)
        weights[block] = _divided(weights[block], totals[connectome.post[block]])
    return connectome.replace(weights, normalization="balanced")


def in_degree(connectome: Connectome) -> Connectome:
    """Weights of mean square 1 divided by the square root of their neuron's in-degree K, as N(0, 1/K) weights have."""
    rms = np.sqrt(np.mean(np.square(connectome.weights))) if len(connectome.weights) else 1.0
    degrees = np.bincount(connectome.post, minlength=connectome.n)
    weights = _divided(connectome.weights, rms * np.sqrt(degrees[connectome.post]))
    return connectome.replace(weights, normalization="in_degree")


def _divided(weights: np.ndarray, divisors: np.ndarray) -> np.ndarray:
    """The weights divided by their divisors; 0 where a divisor is 0."""
    return np.divide(weights, divisors, out=np.zeros_like(weights), where=divisors > 0)


@dataclass(frozen=True)
class Scaling:
    """One scaling.

    scale: Connectome -> Connectome; it raises ValueError where the connectome lacks what the scaling needs. sentence:
    what is scaled to what. needs: what a connectome must have, "" for nothing special. note: the name of the number in
    the provenance that says what the scaling did. uniform: whether all weights are divided by one number. settings:
    option of [net] -> argument of `scale`. source: paper or software.
    """

    scale: Callable[..., Connectome]
    sentence: str
    needs: str = ""
    note: str = ""
    uniform: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


ONE_SIGN = "one sign per neuron"
SCALINGS: Registry[Scaling] = Registry({
    "sinkhorn": Scaling(
        sinkhorn,
        "Excitatory inputs of each neuron sum to 0.5 and inhibitory ones to -0.5, and outputs are balanced alike.",
        needs=ONE_SIGN,
        note="sinkhorn_residual",
        settings={"sinkhorn_iterations": "iterations", "sinkhorn_tolerance": "tolerance"},
        source="FlyStability; Sinkhorn & Knopp 1967",
    ),
    "balanced": Scaling(
        balanced, "Excitatory inputs of each neuron sum to 0.5 and inhibitory ones to -0.5; outputs are not balanced."
    ),
    "input_fraction": Scaling(input_fraction, "The magnitudes of the inputs of each neuron sum to 1."),
    "in_degree": Scaling(
        in_degree, "Weights have mean square 1, and each is divided by the square root of its neuron's in-degree."
    ),
    "log1p": Scaling(log1p, "Each weight becomes its sign times ln(1 + |weight|)."),
    "spectral_radius": Scaling(
        with_spectral_radius,
        "The largest |eigenvalue| is 1.",
        needs="a cycle of edges",
        note="spectral_radius_before",
        uniform=True,
    ),
    "abscissa": Scaling(
        with_abscissa,
        "The largest real part of an eigenvalue is 1.",
        needs="an eigenvalue with a positive real part",
        note="abscissa_before",
        uniform=True,
    ),
    "frobenius": Scaling(
        with_frobenius_norm,
        "The mean square over all pairs is 1/N, as random weights have at g = 1.",
        needs="a weight that is not 0",
        note="frobenius_norm_before",
        uniform=True,
    ),
})  # fmt: skip
