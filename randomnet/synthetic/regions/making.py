"""A description of regions -> a Connectome, and the weights of its inputs; drawn, without any state of its own.

Every block is drawn from a generator of its own, made of one number of the given generator and the names of the
block's ends. So regions and connections may come in any order: the network is the same, its units in the order of the
regions. Source: mRNNTorch.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from randomnet.connectome import Connectome, with_spectral_radius
from randomnet.settings import nearest
from randomnet.synthetic.regions.description import Connection, Description, Input, Region

# (generator, (n_dst, n_src), edges, bound) -> (edges,) weights of one block, before its sign
Draw = Callable[[np.random.Generator, tuple[int, int], int, float], np.ndarray]
Blocks = Mapping[tuple[str, str | None], range]  # (region, cell type; None for all of it) -> its units
Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # post, pre, weights, each (E,)


def _uniform(rng: np.random.Generator, shape: tuple[int, int], edges: int, bound: float) -> np.ndarray:
    return bound * (1 - rng.random(edges))  # (0, bound]: no edge is exactly 0, where it would lose its sign


def _xavier(rng: np.random.Generator, shape: tuple[int, int], edges: int, bound: float) -> np.ndarray:
    return rng.standard_normal(edges) * math.sqrt(2 / sum(shape))


# initialisation -> how weights are drawn, and whether they take the sign of their connection
INITIALISATIONS: dict[str, tuple[Draw, bool]] = {
    "uniform": (_uniform, True),
    "xavier": (_xavier, False),
    "balanced": (_uniform, True),
}


def region_network(
    description: Description,
    rng: np.random.Generator,
    *,
    initialisation: str = "uniform",
    spectral_radius: float | None = None,
    self_connections: bool = True,
    name: str = "regions",
) -> Connectome:
    """The network of a description, H units in the order of its regions; all of it is drawn from `rng`.

    A unit of the source sends to n_dst - ceil(n_dst x sparsity) units of each block, drawn for every source unit.
    Connections that overlap have the union of their edges. Initialisations (mRNNTorch's two, and a balanced one):

    uniform     the sign of the connection times U[0, sqrt(1 / (2H))]
    xavier      normal of variance 2 / (n_dst + n_src) within each block: unconstrained, the connections' signs are
                NOT applied
    balanced    `uniform`; then the excitatory and the inhibitory weights of every unit that receives both are scaled
                to equal sums, their mean. So each unit's mean magnitude stays; single weights may leave the bound

    spectral_radius: all weights are scaled once so that this is the largest |eigenvalue|. self_connections: False
    removes those of units to themselves, after the sparsity. Labels: region, type (the cell type) and parent, "" where
    there is none; drive and initial: base_firing and init. The provenance holds units of regions and inputs by name and
    `dale_broken`, how many units have outgoing edges of both signs. Raises ValueError for an unknown initialisation, a
    spectral_radius that is not above 0, or one asked of a network without cycles.
    """
    _check(initialisation, spectral_radius)
    draw, signed = INITIALISATIONS[initialisation]
    blocks, units = _blocks(description.regions), description.units
    bound = math.sqrt(1 / (2 * units))
    post, pre, weights = _edges(description.connections, blocks, blocks, rng, draw, bound, signed)
    if not self_connections:
        post, pre, weights = (values[post != pre] for values in (post, pre, weights))
    provenance = {"source": "regions", "synthetic": True, "initialisation": initialisation,
                  "self_connections": self_connections,
                  "regions": {region.name: region.units for region in description.regions},
                  "inputs": {region.name: region.units for region in description.inputs}}  # fmt: skip
    drive, initial = (_per_unit(description, what) for what in ("base_firing", "init"))
    network = Connectome(name, post, pre, weights, _unit_names(description.regions), _labels(description), provenance,
                         drive=drive, initial=initial)  # fmt: skip
    if initialisation == "balanced":
        network = _equal_inputs(network)
    if spectral_radius is not None:
        network = _with_spectral_radius(network, float(spectral_radius))
    return network.replace(network.weights, dale_broken=network.mixed)


def input_matrix(description: Description, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Names of the I input units and W_inp, (H, I) float64: what the recurrent units receive from each.

    Inputs are concatenated in their order. Weights are the connection's sign times U[0, sqrt(1 / (H + I))], with the
    sparsity and overlaps of `region_network`; 0 where there is no connection (mRNNTorch). All is drawn from `rng`.
    """
    shape = (description.units, description.input_units)
    sources, targets = _blocks(description.inputs), _blocks(description.regions)
    bound = math.sqrt(1 / sum(shape))
    post, pre, weights = _edges(description.input_connections, sources, targets, rng, _uniform, bound)
    matrix = np.zeros(shape)
    matrix[post, pre] = weights
    return _unit_names(description.inputs).tolist(), matrix


def _check(initialisation: str, spectral_radius: float | None) -> None:
    if initialisation not in INITIALISATIONS:
        near = nearest(initialisation, INITIALISATIONS)
        raise ValueError(f"initialisation must be one of {', '.join(INITIALISATIONS)}, got {initialisation!r}{near}")
    if spectral_radius is not None and not 0 < spectral_radius < math.inf:
        raise ValueError(f"spectral_radius must be a finite number above 0, got {spectral_radius!r}")


# ---- units


def _blocks(regions: Iterable[Region | Input]) -> Blocks:
    """The units of every region and of every cell type, which lie one after the other within it."""
    blocks: dict[tuple[str, str | None], range] = {}
    start = 0
    for region in regions:
        blocks[region.name, None] = range(start, start + region.units)
        within = start
        types = region.type_units if isinstance(region, Region) else {}
        for cell_type, units in types.items():
            blocks[region.name, cell_type] = range(within, within + units)
            within += units
        start += region.units
    return blocks


def _unit_names(regions: Sequence[Region | Input]) -> np.ndarray:
    """(N,) texts striatum0000, striatum0001, ...; of one width, so that no two units have one name."""
    width = max([4, *(len(str(region.units - 1)) for region in regions)])
    return np.array([f"{region.name}{unit:0{width}d}" for region in regions for unit in range(region.units)], dtype=str)


def _labels(description: Description) -> dict[str, np.ndarray]:
    cell_types = []
    for region in description.regions:
        types = region.type_units or {"": region.units}
        cell_types += [name for name, units in types.items() for _ in range(units)]
    return {
        "region": np.array([region.name for region in description.regions for _ in range(region.units)]),
        "type": np.array(cell_types),
        "parent": np.array([region.parent or "" for region in description.regions for _ in range(region.units)]),
    }


def _per_unit(description: Description, what: str) -> np.ndarray | None:
    """(H,) float64, each unit's value of its region; None where all are 0."""
    values = [getattr(region, what) for region in description.regions]
    return np.repeat(values, [region.units for region in description.regions]) if any(values) else None


# ---- edges


def _edges(
    connections: Iterable[Connection],
    sources: Blocks,
    targets: Blocks,
    rng: np.random.Generator,
    draw: Draw,
    bound: float,
    signed: bool = True,
) -> Edges:
    """The union of the connections' edges, sorted by post, then pre."""
    seed = int(rng.integers(2**63))
    # of an edge in two connections the first counts: first by name, as their order must not matter
    ordered = sorted(connections, key=_names)
    parts = [_block(seed, connection, sources, targets, draw, bound, signed) for connection in ordered]
    post, pre = (np.concatenate([np.zeros(0, np.int64), *(part[end] for part in parts)]) for end in (0, 1))
    weights = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
    size = max(block.stop for block in sources.values()) if sources else 1
    _, first = np.unique(post * size + pre, return_index=True)
    return post[first], pre[first], weights[first]


def _names(connection: Connection) -> tuple[str, ...]:
    """What tells connections apart; no cell type has the name ''."""
    ends = (connection.source, connection.source_type, connection.target, connection.target_type)
    return tuple(end or "" for end in ends)


def _block(
    seed: int, connection: Connection, sources: Blocks, targets: Blocks, draw: Draw, bound: float, signed: bool
) -> Edges:
    """The edges of one connection: of each source unit a draw of its targets, without repetition."""
    # a checksum of the names, as two connections of equal seeds would have equal weights
    digest = hashlib.sha256(ascii(_names(connection)).encode()).digest()
    rng = np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest, "little")]))
    source = sources[connection.source, connection.source_type]
    target = targets[connection.target, connection.target_type]
    kept = len(target) - _zeros(len(target), connection.sparsity)
    chosen = np.array([rng.choice(len(target), kept, replace=False, shuffle=False) for _ in source], dtype=np.int64)
    weights = draw(rng, (len(target), len(source)), chosen.size, bound)
    pre = np.repeat(np.arange(source.start, source.stop), kept)
    return target.start + chosen.ravel(), pre, weights * connection.sign if signed else weights


def _zeros(units: int, sparsity: float) -> int:
    """ceil(units x sparsity) of the decimal number that was typed: 7 for 100 x .07, which floats make 7.000000001."""
    return math.ceil(units * Decimal(repr(float(sparsity))))


def _with_spectral_radius(network: Connectome, radius: float) -> Connectome:
    try:
        unit = with_spectral_radius(network)
    except ValueError:
        came = "spectral radius 0 (no cycles)"
        raise ValueError(f"{network.name} has {came}, so it cannot be scaled to {radius:g}") from None
    return unit.replace(unit.weights * radius, spectral_radius=radius)


def _equal_inputs(network: Connectome) -> Connectome:
    """Every unit's excitatory and inhibitory weights scaled to equal sums, where it has both; the total stays."""
    weights, post, n = network.weights, network.post, network.n
    sums = {sign: np.bincount(post, np.abs(weights) * (np.sign(weights) == sign), n) for sign in (1, -1)}
    half, both = (sums[1] + sums[-1]) / 2, (sums[1] > 0) & (sums[-1] > 0)
    factors = {sign: np.divide(half, sums[sign], out=np.ones(n), where=both)[post] for sign in sums}
    return dataclasses.replace(network, weights=weights * np.where(weights > 0, factors[1], factors[-1]))
