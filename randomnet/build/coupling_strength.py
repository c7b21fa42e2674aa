"""Coupling strength of a run's network: the columns of summary.csv by which networks of equal g may differ."""

import hashlib
import math

import numpy as np
import torch

from randomnet.architectures import CellNetwork
from randomnet.build import low_rank
from randomnet.connectome import COUPLING, Connectome, coupling_strength
from randomnet.connectome.strength import MOST_NEURONS
from randomnet.rnn import Network
from randomnet.schema.plan import Run

DIGITS = 10  # that are recorded; further ones differ by rounding between networks that differ by g alone
MOST_REMEMBERED = 64
UNSCALED = "balancing_residual"  # the column of COUPLING that does not depend on a factor of all weights
_REMEMBERED: dict[tuple, dict[str, float]] = {}  # of networks whose largest |weight| is 1


def strength_of(network: Network | CellNetwork) -> dict[str, float]:
    """Return the columns COUPLING for the present J of a network, with its factors.

    Empty for cells, which have no J, and where factors connect all pairs of more than MOST_NEURONS neurons.
    """
    if isinstance(network, CellNetwork):
        return {}
    with torch.no_grad():
        if network.rank and not network.factors_on_edges:
            return strength_of_matrix(network.matrix().double().cpu().numpy()) if network.n <= MOST_NEURONS else {}
        edges, weights = network.edges.cpu().numpy(), network.edge_weights().double().cpu().numpy()
    return _of_edges(edges, weights, network.n)


def strength_of_simulated(run: Run, connectome: Connectome) -> dict[str, float]:
    """Return the columns for a simulation, from its connectome and the run's factors."""
    if run.config.net.rank and run.config.net.factor_on == "all":
        if connectome.n > MOST_NEURONS:
            return {}
        output, selection = low_rank.factors_of(run, connectome)
        return strength_of_matrix(connectome.dense() + output @ selection.T / connectome.n)
    weighted = low_rank.with_factors(run, connectome)
    return _of_edges(weighted.post * weighted.n + weighted.pre, weighted.weights, weighted.n)


def strength_of_matrix(matrix: np.ndarray) -> dict[str, float]:
    """Return the columns for J[post, pre], (N, N), whose zeros are no edges."""
    edges = np.flatnonzero(matrix)
    return _of_edges(edges, matrix.ravel()[edges], len(matrix))


def _of_edges(edges: np.ndarray, weights: np.ndarray, n: int) -> dict[str, float]:
    """Return the columns for edges post * n + pre.

    A grid over g has the same network at many scales; its eigenvalues are computed once.
    """
    largest = float(np.abs(weights).max(initial=0))
    if not 0 < largest < math.inf:
        return coupling_strength(*_ends(edges, n), weights, n)
    unit_weights = weights / largest  # whose squares neither overflow nor vanish
    key = fingerprint(edges, unit_weights, n)
    if key not in _REMEMBERED:
        _REMEMBERED[key] = coupling_strength(*_ends(edges, n), unit_weights, n)
        for old in list(_REMEMBERED)[:-MOST_REMEMBERED]:
            del _REMEMBERED[old]
    unit = _REMEMBERED[key]
    numbers = {name: unit[name] if name == UNSCALED else unit[name] * largest for name in COUPLING}
    return {name: float(f"{value:.{DIGITS}g}") for name, value in numbers.items()}


def _ends(edges: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return post and pre of edges post * n + pre, (E,) int32, which takes half the memory."""
    return (edges // n).astype(np.int32), (edges % n).astype(np.int32)


def fingerprint(edges: np.ndarray, unit: np.ndarray, n: int) -> tuple:
    """Return what networks share that differ only by a factor: edges, and projections of the weights."""
    rng = np.random.default_rng(0)
    projections = [f"{unit @ rng.standard_normal(len(unit)):.9g}" for _ in range(2)]
    return n, hashlib.sha256(np.ascontiguousarray(edges).data).digest(), *projections
