"""What training leaves as it is: the projections between regions, and from inputs, that [projections] fixed names."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from randomnet.build import described_networks
from randomnet.connectome import Connectome
from randomnet.multiregion import Ends, fixed_edges
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError


class Fixed(NamedTuple):
    """edges: (E,) bool, those that are not trained; inputs: (N, channels) bool, or None where all of them are."""

    edges: np.ndarray
    inputs: np.ndarray | None


def fixed_of(
    run: Run, connectome: Connectome, labels: Mapping[str, np.ndarray], inputs: np.ndarray | None
) -> Fixed:
    """What of a run's network is fixed. labels: of its neurons. inputs: (N, channels), the weights of inputs that the
    regions have of their own, 0 without a connection; None where there are none. Raises ConfigError."""
    edges, chosen = np.zeros(len(connectome.weights), dtype=bool), run.config.projections.fixed
    if not chosen:
        return Fixed(edges, None)
    if "region" not in labels:
        raise ConfigError(
            f"[projections] fixed: expected none, as {connectome.name} has no regions (net.regions_from makes them of "
            f"labels), got {chosen}"
        )
    kinds = _kinds(run, connectome, labels, inputs)
    if not kinds:
        raise ConfigError(f"[projections] fixed: expected none, as no projection is trained, got {chosen}")
    try:
        found = fixed_edges(chosen, kinds)
    except ValueError as error:
        raise ConfigError(f"[projections] {error}") from None
    edges = found.get("recurrent", edges)
    if "recurrent" in found and edges.all():
        raise ConfigError(
            f"[projections] fixed: expected some weights left to train (train_weights = False fixes all), got {chosen}"
        )
    return Fixed(edges, _matrix(inputs, kinds["input"], found["input"]) if "input" in kinds else None)


def _kinds(
    run: Run, connectome: Connectome, labels: Mapping[str, np.ndarray], inputs: np.ndarray | None
) -> dict[str, Ends]:
    """What would be trained, by kind: the labels at both ends, and the edges between them."""
    kinds: dict[str, Ends] = {}
    if "weights" in run.config.trained:
        kinds["recurrent"] = labels, labels, connectome.pre, connectome.post
    if inputs is not None:
        sources = np.array([given.name for given in described_networks.inputs_of(run) for _ in range(given.units)])
        post, pre = np.nonzero(inputs)
        kinds["input"] = {"region": sources}, labels, pre, post
    return kinds


def _matrix(inputs: np.ndarray, ends: Ends, fixed: np.ndarray) -> np.ndarray:
    """Edges (E,) as entries of the matrix of inputs."""
    _, _, pre, post = ends
    entries = np.zeros(inputs.shape, dtype=bool)
    entries[post[fixed], pre[fixed]] = True
    return entries
