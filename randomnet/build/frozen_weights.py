"""Masks of weights that are excluded from training, by [projections] fixed.

These are weights of projections between regions or populations, and of projections from inputs.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from randomnet.build import described_networks
from randomnet.connectome import Connectome
from randomnet.multiregion import Ends, fixed_edges
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError


class FrozenWeights(NamedTuple):
    """Masks of frozen weights: edges (E,) bool, and inputs (N, channels) bool, or None where all are trained."""

    edges: np.ndarray
    inputs: np.ndarray | None


def frozen_weights_of(
    run: Run, connectome: Connectome, labels: Mapping[str, np.ndarray], inputs: np.ndarray | None
) -> FrozenWeights:
    """Return the frozen weights of a run's network. Raises ConfigError.

    labels: of its neurons. inputs: (N, channels), the weights from the regions' own inputs, 0 without a connection;
    None without such inputs.
    """
    edges, patterns = np.zeros(len(connectome.weights), dtype=bool), run.config.projections.fixed
    if not patterns:
        return FrozenWeights(edges, None)
    if "population" in labels:  # its projections are between populations
        labels = {"region": labels["population"], **labels}
    if "region" not in labels:
        raise ConfigError(
            f"[projections] fixed: expected none, as {connectome.name} has no regions or populations (net.regions_from "
            f"makes regions of labels), got {patterns}"
        )
    kinds = _kinds(run, connectome, labels, inputs)
    if not kinds:
        raise ConfigError(f"[projections] fixed: expected none, as no projection is trained, got {patterns}")
    try:
        masks = fixed_edges(patterns, kinds)
    except ValueError as error:
        raise ConfigError(f"[projections] {error}") from None
    edges = masks.get("recurrent", edges)
    if "recurrent" in masks and edges.all():
        raise ConfigError(
            "[projections] fixed: expected some weights left to train (train_weights = False fixes all), "
            f"got {patterns}"
        )
    return FrozenWeights(edges, _matrix(inputs, kinds["input"], masks["input"]) if "input" in kinds else None)


def _kinds(
    run: Run, connectome: Connectome, labels: Mapping[str, np.ndarray], inputs: np.ndarray | None
) -> dict[str, Ends]:
    """Return the trained connections by kind: the labels at both ends, and the edges between them."""
    kinds: dict[str, Ends] = {}
    if "weights" in run.config.trained:
        kinds["recurrent"] = labels, labels, connectome.pre, connectome.post
    if inputs is not None:
        regions = described_networks.region_inputs(run)
        sources = np.array([region.name for region in regions for _ in range(region.units)])
        post, pre = np.nonzero(inputs)
        kinds["input"] = {"region": sources}, labels, pre, post
    return kinds


def _matrix(inputs: np.ndarray, ends: Ends, fixed: np.ndarray) -> np.ndarray:
    """Return a mask (E,) of edges as one of the matrix of input weights."""
    _, _, pre, post = ends
    entries = np.zeros(inputs.shape, dtype=bool)
    entries[post[fixed], pre[fixed]] = True
    return entries
