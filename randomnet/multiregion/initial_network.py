"""The initial network of regions: edges, weights, signs and constants, drawn or given, before any tensor."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome, with_spectral_radius
from randomnet.multiregion.options import InitialOptions
from randomnet.multiregion.projections import fixed_edges, pairs_of
from randomnet.multiregion.weights import Edges
from randomnet.settings import nearest
from randomnet.synthetic.regions import (
    Connection,
    Description,
    Input,
    Region,
    from_dict,
    input_matrix,
    read_description,
    region_network,
)

LARGEST = 20_000  # units of a matrix, which takes 1.6 GB in float32, and its gradient as much again
SPARSE_UNITS, SPARSE_DENSITY = 1000, 0.1  # from so many units on, and up to this density, weights are sparse by default


@dataclass(frozen=True)
class InitialNetwork:
    """network: edges, weights, names, labels, drive and initial state. signs (E,): of its edges. input_weights (H, I):
    0 without an edge. inputs: units of each input region. learnable (H,): whose bias is trained.
    """

    network: Connectome
    signs: np.ndarray
    input_weights: np.ndarray
    inputs: dict[str, int]
    learnable: np.ndarray

    def is_sparse(self, sparse: bool | None) -> bool:
        """Whether the recurrent weights are stored as a list of edges; None chooses the faster. Raises ValueError."""
        n, edges = self.network.n, len(self.signs)
        if sparse is None:
            sparse = n >= SPARSE_UNITS and edges <= SPARSE_DENSITY * n * n
        if n > LARGEST and not sparse:
            raise ValueError(f"expected at most {LARGEST} units of dense weights, got {n}: set sparse=True")
        return sparse

    def edges(self, fixed: Iterable[str], scales: str | None) -> tuple[Edges, Edges]:
        """Recurrent and input edges, with what is trained of them. Raises ValueError."""
        inputs = {"region": np.array([name for name, units in self.inputs.items() for _ in range(units)], dtype=str)}
        network, n = self.network, self.network.n
        post, pre = np.nonzero(self.input_weights)
        kinds = {
            "recurrent": (network.labels, network.labels, network.pre, network.post),
            "input": (inputs, network.labels, pre, post),
        }
        weights = {"recurrent": network.weights, "input": self.input_weights[post, pre]}
        signs = {"recurrent": self.signs, "input": np.sign(weights["input"])}
        shapes = {"recurrent": (n, n), "input": self.input_weights.shape}
        is_fixed = fixed_edges(fixed, kinds)
        recurrent, input_ = (
            Edges(shapes[kind], ends[3], ends[2], weights[kind], signs[kind], is_fixed[kind],
                  *(() if scales is None else pairs_of(scales, ends, is_fixed[kind])))
            for kind, ends in kinds.items()
        )  # fmt: skip
        return recurrent, input_


def build_initial_network(
    config: Any, options: InitialOptions, bounds: tuple[float, float] | None, input_signed: bool = True
) -> InitialNetwork:
    """The initial network of a description, whose weights are drawn, or of a connectome.

    bounds: of the weights' magnitudes; None where neither bounds nor the description's signs apply. input_signed:
    whether input weights have the signs of their connections, whatever their initialisation. Raises ValueError.
    """
    recurrent_seed, input_seed = np.random.SeedSequence(options.seed).spawn(2)
    config = with_regions(config, options.regions_from)
    if isinstance(config, Connectome):
        network, description = config, _describe(config, options)
        signs = np.where(network.weights == 0, network.signs[network.pre], np.sign(network.weights))
        signs[signs == 0] = 1  # a weight of 0 from a neuron without a sign
    else:
        description = read_config(config)
        if options.input_size is not None:
            raise ValueError("input_size: expected none, as the description has the input regions, "
                             f"got {options.input_size}")  # fmt: skip
        _check_size(description)
        rng = np.random.default_rng(recurrent_seed)
        network = region_network(description, rng, initialisation=options.initialisation)
        # the edges do not depend on the initialisation; the weights of `uniform` have the signs of the connections
        signs = np.sign(region_network(description, np.random.default_rng(recurrent_seed)).weights)
    if bounds is not None:
        network = network.replace(signs * np.abs(network.weights).clip(*bounds))
    if options.spectral_radius is not None:
        network = _scale_to_radius(network, options.spectral_radius, bounds or (0.0, math.inf))
    input_weights = _input_weights(description, input_seed, options.input_initialisation, input_signed)
    learnable = np.repeat([region.learnable_bias for region in description.regions],
                          [region.units for region in description.regions])  # fmt: skip
    inputs = {region.name: region.units for region in description.inputs}
    return InitialNetwork(network, signs, input_weights, inputs, learnable)


def _input_weights(
    description: Description, seed: np.random.SeedSequence, initialisation: str, signed: bool
) -> np.ndarray:
    """The input weights (H, I); the edges do not depend on the initialisation, and `uniform` has their signs."""
    _, weights = input_matrix(description, np.random.default_rng(seed), initialisation=initialisation)
    if initialisation == "uniform" or not signed:
        return weights
    return np.sign(input_matrix(description, np.random.default_rng(seed))[1]) * np.abs(weights)


def with_regions(config: Any, kind: str | None) -> Any:
    """The connectome with its labels of that kind as regions; None leaves config unchanged. Raises ValueError."""
    if kind is None:
        return config
    if not isinstance(config, Connectome):
        raise ValueError(f"regions_from: expected none, as a description has its own regions, got {kind!r}")
    try:
        return config.with_regions(kind)
    except ValueError as error:
        raise ValueError(f"regions_from: {error}{nearest(str(kind), config.labels)}") from None


def _check_size(description: Description) -> None:
    """Raise ValueError for more edges than a matrix of LARGEST units has, before any edge is drawn."""
    units = {region.name: region.units for region in description.regions}
    edges = sum(units[connection.source] * units[connection.target] * (1 - connection.sparsity)
                for connection in description.connections)  # fmt: skip
    if edges > LARGEST**2:
        raise ValueError(f"expected at most {LARGEST}^2 edges, got about {edges:.3g}")


def read_config(config: Any) -> Description:
    """The description of a path, a dict or itself. Raises ValueError, also for a connectome."""
    if isinstance(config, Description):
        return config
    if isinstance(config, (str, Path)):
        return read_description(config)
    if isinstance(config, Mapping):
        return from_dict(config)
    raise ValueError(f"config: expected a path, a dict, a Description or a Connectome, got a {type(config).__name__}")


def _describe(network: Connectome, options: InitialOptions) -> Description:
    """The description that a connectome lacks: the inputs, which reach every unit. Raises ValueError."""
    if "region" not in network.labels:
        raise ValueError(f"{network.name}: expected labels 'region', got {', '.join(network.labels) or 'none'}")
    if options.initialisation != "uniform":
        raise ValueError(f"initialisation: a connectome has its own weights, got {options.initialisation!r}")
    regions = (Region("all", network.n),)
    if not options.input_size:
        return Description(regions)
    return Description(regions, (), (Input("input", options.input_size),), (Connection("input", "all"),))


def _scale_to_radius(network: Connectome, radius: float, bounds: tuple[float, float]) -> Connectome:
    """The network with this spectral radius. Raises ValueError where a weight leaves the bounds."""
    unit = with_spectral_radius(network)
    sizes = np.abs(unit.weights * radius)
    if sizes.min() < bounds[0] or sizes.max() > bounds[1]:
        came = f"{sizes.min():g}..{sizes.max():g} at spectral_radius {radius:g}"
        raise ValueError(f"bounds: expected weights within {bounds[0]:g}..{bounds[1]:g}, got {came}")
    return unit.replace(unit.weights * radius)
