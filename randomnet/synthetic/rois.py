"""The built-in ROIs.

They replace five regions of the fly's central brain where no data are available. Each is one fixed network. Its size
is the published one; everything else is drawn from a fixed seed, according to statistics of the hemibrain. They are
labelled synthetic wherever they appear.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome, from_dense

# transmitter -> share among traced hemibrain neurons (Eckstein et al. 2024), and its sign (Shiu et al. 2024)
TRANSMITTER_SHARES = {
    "acetylcholine": (0.44, 1),
    "glutamate": (0.25, -1),
    "gaba": (0.15, -1),
    "dopamine": (0.13, 1),
    "serotonin": (0.015, 1),
    "octopamine": (0.01, 1),
    "neither": (0.005, 1),
}


@dataclass(frozen=True)
class RoiStatistics:
    """Statistics of a built-in ROI: neurons, density, share of reciprocal edges, number of cell-fibre groups."""

    title: str
    neurons: int
    density: float
    reciprocity: float
    fibers: int
    seed: int


ROI_STATISTICS: dict[str, RoiStatistics] = {
    "AB": RoiStatistics("asymmetrical body", 58, 0.30, 0.50, 4, 5801),
    "EB": RoiStatistics("ellipsoid body", 436, 0.16, 0.55, 12, 43601),
    "PB": RoiStatistics("protocerebral bridge", 380, 0.10, 0.45, 14, 38001),
    "NO": RoiStatistics("noduli", 500, 0.09, 0.45, 10, 50001),
    "ATL": RoiStatistics("antler", 528, 0.06, 0.35, 24, 52801),
}

HEAVY_TAIL = 1.2  # standard deviation of ln(synapse count)
DEGREE_SPREAD = 0.6  # standard deviation of ln(propensity of a neuron to connect)
WITHIN_GROUP = 3.0  # factor of an edge's probability within a cell-fibre group
LINEAGE_PURITY = 0.8  # share of a cell-fibre group that has the group's transmitter (hemilineages share one)


def built_in(name: str) -> Connectome:
    """The built-in ROI `name` (AB, EB, PB, NO or ATL): strongly connected, signed synapse counts, labelled."""
    region = ROI_STATISTICS[name]
    rng = np.random.default_rng(region.seed)
    fiber = np.sort(rng.integers(region.fibers, size=region.neurons))
    edges = _edges(rng, region, fiber)
    counts = np.where(edges, np.ceil(rng.lognormal(1.0, HEAVY_TAIL, edges.shape)), 0.0)
    transmitters = _transmitters(rng, region, fiber)
    signs = np.array([TRANSMITTER_SHARES[transmitter][1] for transmitter in transmitters])
    return from_dense(
        name,
        counts * signs,
        np.array([f"{name}{number:03d}" for number in range(region.neurons)]),
        {"neurotransmitter": transmitters, "cell_fibers": np.array([f"CBF{number:02d}" for number in fiber])},
        {"source": f"synthetic stand-in for the {region.title}", "synthetic": True, "seed": region.seed},
    )


def _edges(rng: np.random.Generator, region: RoiStatistics, fiber: np.ndarray) -> np.ndarray:
    """(N, N) bool [post, pre]: heterogeneous degrees, groups, reciprocal edges, and a ring through all neurons."""
    n = region.neurons
    propensity = np.exp(DEGREE_SPREAD * rng.standard_normal((2, n)))
    odds = np.outer(propensity[0], propensity[1]) * np.where(fiber[:, None] == fiber, WITHIN_GROUP, 1.0)
    np.fill_diagonal(odds, 0)
    # edges drawn at density d and reciprocated with probability q have density d (1 + q), reciprocity 2 q / (1 + q)
    reciprocated = region.reciprocity / (2 - region.reciprocity)
    odds *= region.density / (1 + reciprocated) * n * (n - 1) / odds.sum()
    edges = rng.random((n, n)) < odds
    edges |= edges.T & (rng.random((n, n)) < reciprocated)
    ring = rng.permutation(n)
    edges[np.roll(ring, -1), ring] = True
    np.fill_diagonal(edges, False)
    return edges


def _transmitters(rng: np.random.Generator, region: RoiStatistics, fiber: np.ndarray) -> np.ndarray:
    names = np.array(list(TRANSMITTER_SHARES))
    shares = np.array([share for share, _ in TRANSMITTER_SHARES.values()])
    shares /= shares.sum()
    # groups take transmitters in proportion to the shares, so that both signs occur whatever is drawn
    quantiles = (rng.permutation(region.fibers) + 0.5) / region.fibers
    of_group = names[np.searchsorted(np.cumsum(shares), quantiles)]
    of_neuron = rng.choice(names, size=region.neurons, p=shares)
    return np.where(rng.random(region.neurons) < LINEAGE_PURITY, of_group[fiber], of_neuron)
