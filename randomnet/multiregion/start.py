"""What a network of regions starts from: edges, weights, signs and constants, drawn or given, before any tensor."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome, with_spectral_radius
from randomnet.multiregion import checked
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

LARGEST = 20_000  # units of a matrix: this many are 1.6 GB in float32, a gradient as much again
LISTED_UNITS, LISTED_DENSITY = 1000, 0.1  # from so many units and up to this density, edges are kept as a list


@dataclass(frozen=True)
class Start:
    """network: edges, weights, names, labels, drive and initial state. signs (E,): of its edges. input_weights (H, I):
    0 without an edge. inputs: units of each input region. learnable (H,): whose bias is trained.
    """

    network: Connectome
    signs: np.ndarray
    input_weights: np.ndarray
    inputs: dict[str, int]
    learnable: np.ndarray

    def is_listed(self, sparse: bool | None) -> bool:
        """Whether the recurrent weights are kept as a list of edges; None for where that is the better. ValueError."""
        n, edges = self.network.n, len(self.signs)
        listed = n >= LISTED_UNITS and edges <= LISTED_DENSITY * n * n if sparse is None else sparse
        if n > LARGEST and not listed:
            raise ValueError(f"expected at most {LARGEST} units for weights that are no list of edges, got {n}")
        return listed

    def edges(self, fixed: Iterable[str], scales: str | None) -> tuple[Edges, Edges]:
        """Of recurrent and of input weights: edges, and what of them is trained. Raises ValueError."""
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
        unmoved = fixed_edges(fixed, kinds)
        recurrent, input_ = (
            Edges(shapes[kind], ends[3], ends[2], weights[kind], signs[kind], unmoved[kind],
                  *(() if scales is None else pairs_of(scales, ends, unmoved[kind])))
            for kind, ends in kinds.items()
        )  # fmt: skip
        return recurrent, input_


def starting(
    config: Any,
    input_size: int | None,
    seed: int,
    initialisation: str,
    spectral_radius: float | None,
    bounds: tuple[float, float] | None,
) -> Start:
    """Weights drawn or given; bounds: of the magnitudes, None where the description's signs do not count either."""
    of_recurrent, of_inputs = np.random.SeedSequence(seed).spawn(2)
    if isinstance(config, Connectome):
        network, description = config, _around(config, input_size, initialisation)
        signs = np.where(network.weights == 0, network.signs[network.pre], np.sign(network.weights))
        signs[signs == 0] = 1  # of a weight of 0 from a neuron without a sign
    else:
        description = _description(config)
        if input_size is not None:
            raise ValueError(f"input_size: expected none, as the description has the input regions, got {input_size}")
        _check_size(description)
        network = region_network(description, np.random.default_rng(of_recurrent), initialisation=initialisation)
        # the same edges, whatever is drawn as their weights; of `uniform` these have the signs of the connections
        signs = np.sign(region_network(description, np.random.default_rng(of_recurrent)).weights)
    if bounds is not None:
        network = network.replace(signs * np.abs(network.weights).clip(*bounds))
    if spectral_radius is not None:
        network = _scaled(network, spectral_radius, bounds or (0.0, math.inf))
    _, input_weights = input_matrix(description, np.random.default_rng(of_inputs))
    learnable = np.repeat([region.learnable_bias for region in description.regions],
                          [region.units for region in description.regions])  # fmt: skip
    inputs = {region.name: region.units for region in description.inputs}
    return Start(network, signs, input_weights, inputs, learnable)


def with_regions(config: Any, kind: str | None) -> Any:
    """A connectome whose regions are its labels of that kind; None for what it has. Raises ValueError."""
    if kind is None:
        return config
    if not isinstance(config, Connectome):
        raise ValueError(f"regions_from: expected none, as a description has its own regions, got {kind!r}")
    try:
        return config.with_regions(kind)
    except ValueError as error:
        raise ValueError(f"regions_from: {error}{nearest(str(kind), config.labels)}") from None


def _check_size(description: Description) -> None:
    """ValueError, before they are drawn, for more edges than a matrix of LARGEST units has."""
    units = {region.name: region.units for region in description.regions}
    edges = sum(units[one.source] * units[one.target] * (1 - one.sparsity) for one in description.connections)
    if edges > LARGEST**2:
        raise ValueError(f"expected at most {LARGEST}^2 edges, got about {edges:.3g}")


def _description(config: Any) -> Description:
    if isinstance(config, Description):
        return config
    if isinstance(config, (str, Path)):
        return read_description(config)
    if isinstance(config, Mapping):
        return from_dict(config)
    raise ValueError(f"config: expected a path, a dict, a Description or a Connectome, got a {type(config).__name__}")


def _around(network: Connectome, input_size: int | None, initialisation: str) -> Description:
    """What a connectome does not say, as a description: the inputs, which reach every unit."""
    if "region" not in network.labels:
        raise ValueError(f"{network.name}: expected labels 'region', got {', '.join(network.labels) or 'none'}")
    if initialisation != "uniform":
        raise ValueError(f"initialisation: a connectome has its own weights, got {initialisation!r}")
    regions = (Region("all", network.n),)
    if not input_size:
        return Description(regions)
    return Description(regions, (), (Input("input", input_size),), (Connection("input", "all"),))


def _scaled(network: Connectome, radius: float, bounds: tuple[float, float]) -> Connectome:
    unit = with_spectral_radius(network)
    sizes = np.abs(unit.weights * radius)
    if sizes.min() < bounds[0] or sizes.max() > bounds[1]:
        came = f"{sizes.min():g}..{sizes.max():g} at spectral_radius {radius:g}"
        raise ValueError(f"bounds: expected weights within {bounds[0]:g}..{bounds[1]:g}, got {came}")
    return unit.replace(unit.weights * radius)


def leaks(dt: float, tau: float | Mapping[str, float], regions: Iterable[str]) -> dict[str, float]:
    """Region -> a = dt/tau; tau is one number, or one for every region by name."""
    names = list(dict.fromkeys(regions))
    taus = dict(tau) if isinstance(tau, Mapping) else dict.fromkeys(names, tau)
    if set(taus) != set(names):
        raise ValueError(f"tau: expected one for each of {', '.join(names)}, got {', '.join(map(str, taus))}")
    for name, value in (("dt", dt), *(("tau", value) for value in taus.values())):
        checked.positive(name, value)
    return {name: float(dt / taus[name]) for name in names}
