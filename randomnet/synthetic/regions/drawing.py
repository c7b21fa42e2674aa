"""Draws the Connectome of a description of regions, and the weights of its inputs.

Every block has its own generator, seeded with one number of the caller's generator and the names of the block's ends.
So the network does not depend on the order of regions and connections, except that its units follow the order of the
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

# (generator, (n_dst, n_src), edges, bound) -> (edges,) weights of one block, before their sign
Draw = Callable[[np.random.Generator, tuple[int, int], int, float], np.ndarray]
Blocks = Mapping[tuple[str, str | None], range]  # (region, cell type; None for the whole region) -> its units
Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # post, pre, weights, each (E,)


def _uniform(rng: np.random.Generator, shape: tuple[int, int], edges: int, bound: float) -> np.ndarray:
    return bound * (1 - rng.random(edges))  # in (0, bound], as a weight of 0 would lose its sign


def _xavier(rng: np.random.Generator, shape: tuple[int, int], edges: int, bound: float) -> np.ndarray:
    return rng.standard_normal(edges) * math.sqrt(2 / sum(shape))


# initialisation -> function that draws the weights, and whether they take the sign of their connection
INITIALISATIONS: dict[str, tuple[Draw, bool]] = {
    "uniform": (_uniform, True),
    "xavier": (_xavier, False),
    "balanced": (_uniform, True),
}
INPUT_INITIALISATIONS = {name: INITIALISATIONS[name] for name in ("uniform", "xavier")}  # the same of input weights


def region_network(
    description: Description,
    rng: np.random.Generator,
    *,
    initialisation: str = "uniform",
    spectral_radius: float | None = None,
    self_connections: bool = True,
    name: str = "regions",
) -> Connectome:
    """The network of a description, with H units in the order of its regions, drawn from `rng`.

    In each block, every source unit sends to n_dst - ceil(n_dst x sparsity) units, drawn independently. Overlapping
    connections have the union of their edges. Initialisations (mRNNTorch's two, and a balanced one):

    uniform     the sign of the connection times U[0, sqrt(1 / (2H))]
    xavier      normal with variance 2 / (n_dst + n_src) within each block; the connections' signs are NOT applied
    balanced    `uniform`; then the excitatory and the inhibitory weights of every unit that receives both are scaled
                to equal sums, the mean of both sums. Each unit's mean magnitude stays; single weights may leave the
                bound

    spectral_radius: all weights are scaled once to this largest |eigenvalue|. self_connections: False removes the
    connections of units to themselves, after the sparsity. Labels: region, type (cell type) and parent, "" for none.
    drive and initial: base_firing and init. The provenance has the units of regions and inputs by name, and
    `dale_broken`, the number of units with outgoing edges of both signs. Raises ValueError for an unknown
    initialisation, a spectral_radius that is not above 0, or a spectral_radius for a network without cycles.
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
    drive, initial = (_per_unit(description, field) for field in ("base_firing", "init"))
    network = Connectome(name, post, pre, weights, _unit_names(description.regions), _labels(description), provenance,
                         drive=drive, initial=initial)  # fmt: skip
    if initialisation == "balanced":
        network = _balance_inputs(network)
    if spectral_radius is not None:
        network = _with_spectral_radius(network, float(spectral_radius))
    return network.replace(network.weights, dale_broken=network.mixed)


def input_matrix(
    description: Description, rng: np.random.Generator, *, initialisation: str = "uniform"
) -> tuple[list[str], np.ndarray]:
    """Names of the I input units, and their weights W_inp, (H, I) float64, drawn from `rng`.

    Inputs are concatenated in their order. Sparsity and overlaps are as in `region_network`; a weight is 0 where there
    is no connection. Every initialisation has the same connections from the same `rng`. They are mRNNTorch's two:

    uniform     the sign of the connection times U[0, sqrt(1 / (H + I))]
    xavier      normal with variance 2 / (n_dst + n_src) within each block; the connections' signs are NOT applied

    Raises ValueError for an unknown initialisation.
    """
    _check_name("input_initialisation", initialisation, INPUT_INITIALISATIONS)
    draw, signed = INPUT_INITIALISATIONS[initialisation]
    shape = (description.units, description.input_units)
    sources, targets = _blocks(description.inputs), _blocks(description.regions)
    bound = math.sqrt(1 / sum(shape))
    post, pre, weights = _edges(description.input_connections, sources, targets, rng, draw, bound, signed)
    matrix = np.zeros(shape)
    matrix[post, pre] = weights
    return _unit_names(description.inputs).tolist(), matrix


def _check(initialisation: str, spectral_radius: float | None) -> None:
    _check_name("initialisation", initialisation, INITIALISATIONS)
    if spectral_radius is not None and not 0 < spectral_radius < math.inf:
        raise ValueError(f"spectral_radius must be a finite number above 0, got {spectral_radius!r}")


def _check_name(what: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")


# ---- units


def _blocks(regions: Iterable[Region | Input]) -> Blocks:
    """The units of every region and of every cell type; the types of a region are contiguous within it."""
    blocks: dict[tuple[str, str | None], range] = {}
    start = 0
    for region in regions:
        blocks[region.name, None] = range(start, start + region.units)
        type_start = start
        types = region.type_units if isinstance(region, Region) else {}
        for cell_type, units in types.items():
            blocks[region.name, cell_type] = range(type_start, type_start + units)
            type_start += units
        start += region.units
    return blocks


def _unit_names(regions: Sequence[Region | Input]) -> np.ndarray:
    """(N,) names striatum0000, striatum0001, ...; numbers have one width, so that names are unique."""
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


def _per_unit(description: Description, field: str) -> np.ndarray | None:
    """(H,) float64: the field of each unit's region; None where all are 0."""
    values = [getattr(region, field) for region in description.regions]
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
    # an edge in two connections has the weight of the first; sorted by name, as their order must not matter
    ordered = sorted(connections, key=_names)
    parts = [_block(seed, connection, sources, targets, draw, bound, signed) for connection in ordered]
    post, pre = (np.concatenate([np.zeros(0, np.int64), *(part[end] for part in parts)]) for end in (0, 1))
    weights = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
    size = max(block.stop for block in sources.values()) if sources else 1
    _, first = np.unique(post * size + pre, return_index=True)
    return post[first], pre[first], weights[first]


def _names(connection: Connection) -> tuple[str, ...]:
    """The names that identify a connection; '' means no cell type."""
    ends = (connection.source, connection.source_type, connection.target, connection.target_type)
    return tuple(end or "" for end in ends)


def _block(
    seed: int, connection: Connection, sources: Blocks, targets: Blocks, draw: Draw, bound: float, signed: bool
) -> Edges:
    """The edges of one connection: each source unit draws its targets without repetition."""
    # the names are part of the seed, as connections with equal seeds would have equal weights
    digest = hashlib.sha256(ascii(_names(connection)).encode()).digest()
    rng = np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest, "little")]))
    source = sources[connection.source, connection.source_type]
    target = targets[connection.target, connection.target_type]
    degree = len(target) - _absent(len(target), connection.sparsity)
    post = np.array([rng.choice(len(target), degree, replace=False, shuffle=False) for _ in source], dtype=np.int64)
    weights = draw(rng, (len(target), len(source)), post.size, bound)
    pre = np.repeat(np.arange(source.start, source.stop), degree)
    return target.start + post.ravel(), pre, weights * connection.sign if signed else weights


def _absent(units: int, sparsity: float) -> int:
    """ceil(units x sparsity), in decimal arithmetic: 7 for 100 x .07, where floats give 7.000000001."""
    return math.ceil(units * Decimal(repr(float(sparsity))))


def _with_spectral_radius(network: Connectome, radius: float) -> Connectome:
    try:
        unit = with_spectral_radius(network)
    except ValueError:
        came = "spectral radius 0 (no cycles)"
        raise ValueError(f"{network.name} has {came}, so it cannot be scaled to {radius:g}") from None
    return unit.replace(unit.weights * radius, spectral_radius=radius)


def _balance_inputs(network: Connectome) -> Connectome:
    """The network with equal sums of excitatory and inhibitory weights in every unit that receives both.

    The sum of their magnitudes stays.
    """
    weights, post, n = network.weights, network.post, network.n
    sums = {sign: np.bincount(post, np.abs(weights) * (np.sign(weights) == sign), n) for sign in (1, -1)}
    mean, has_both = (sums[1] + sums[-1]) / 2, (sums[1] > 0) & (sums[-1] > 0)
    factors = {sign: np.divide(mean, sums[sign], out=np.ones(n), where=has_both)[post] for sign in sums}
    return dataclasses.replace(network, weights=weights * np.where(weights > 0, factors[1], factors[-1]))
