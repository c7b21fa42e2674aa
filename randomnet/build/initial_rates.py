"""From a Run's config to the rates that a simulation starts from."""

from typing import NamedTuple

import numpy as np
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.build.low_rank import factors_of
from randomnet.build.populations import VECTORS, PopulationView, silenced_neurons
from randomnet.schema.config import Config
from randomnet.settings import ConfigError

PARALLEL = 1e-9  # squared sine of the angle below which two vectors span no plane


def trajectory_count(config: Config) -> int:
    """Return the number of trajectories of a run."""
    settings = config.simulation
    return settings.initial_points**2 if settings.initial == "plane" else config.analysis.trajectories


def initial_rates(view: PopulationView) -> np.ndarray:
    """Return the initial rates (trajectories, N) of a run. Raises ConfigError."""
    settings = view.run.config.simulation
    shape = trajectory_count(view.run.config), view.connectome.n
    if settings.initial == "network":
        return np.broadcast_to(_rates_of_network(view), shape)
    if settings.initial == "plane":
        return _rates_in_plane(initial_plane(view), settings.initial_rate, view.run.config.model.activation)
    if settings.initial != "gaussian":
        return np.full(shape, settings.initial_rate if settings.initial == "constant" else 0.0)
    drawn = view.run.generator("state", settings.initial_seed).standard_normal(shape)
    return np.maximum(settings.initial_rate * drawn, 0)


def masked_initial_rates(view: PopulationView) -> np.ndarray:
    """Return the initial rates (trajectories, N), 0 for silenced neurons."""
    return np.where(silenced_neurons(view), 0.0, initial_rates(view))


class InitialPlane(NamedTuple):
    """The plane of the initial rates: names and values (2, N) of its two vectors.

    coordinates: (trajectories, 2), the factors of the vectors.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    coordinates: np.ndarray

    def overlaps(self, rates: np.ndarray) -> np.ndarray:
        """Return v . r / N with both vectors (..., 2), of rates (..., N)."""
        return rates.astype(np.float64) @ self.vectors.T / self.vectors.shape[1]


def initial_plane(view: PopulationView) -> InitialPlane | None:
    """Return the plane of the initial rates; None where they are in no plane. Raises ConfigError."""
    settings = view.run.config.simulation
    if settings.initial != "plane":
        return None
    names = tuple(settings.initial_plane.split(", "))
    vectors = np.stack([_axis(view, name) for name in names])
    products = vectors @ vectors.T
    if not np.linalg.det(products) > PARALLEL * products[0, 0] * products[1, 1]:
        raise ConfigError(
            "[simulation] initial_plane: expected two vectors that span a plane, which of low-rank kernels xi1 and xi2 "
            f"do not unless populations.low_rank_covariance is given, got {settings.initial_plane}"
        )
    axis = np.linspace(-settings.initial_extent, settings.initial_extent, settings.initial_points)
    return InitialPlane(names, vectors, np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))


def _rates_in_plane(plane: InitialPlane, middle: float, activation: str) -> np.ndarray:
    """Return rates (trajectories, N) in the plane, cut off at 0 for activations that are never negative."""
    rates = middle + plane.coordinates @ plane.vectors
    negative = bool(ACTIVATIONS[activation].phi(torch.tensor(-1.0)) < 0)
    return rates if negative else np.maximum(rates, 0)


def _axis(view: PopulationView, name: str) -> np.ndarray:
    """Return the vector (N,) of this name. Raises ConfigError."""
    if name in VECTORS:
        return np.where(_neurons_with(view, name), view.low_rank[:, VECTORS[name]], 0.0)
    rank = view.run.config.net.rank
    if not rank:
        raise ConfigError(f"[simulation] initial_plane: expected xi1 to xi4, as net.rank = 0, got {name}")
    if int(name[1:]) > rank:
        expected = f"factors of net.rank = {rank}, {name[0]}1 to {name[0]}{rank}"
        raise ConfigError(f"[simulation] initial_plane: expected {expected}, got {name}")
    output, selection = factors_of(view.run, view.connectome)
    return (output if name[0] == "m" else selection)[:, int(name[1:]) - 1]


def _neurons_with(view: PopulationView, name: str) -> np.ndarray:
    """Return the neurons (N,) bool whose low-rank kernels use this vector.

    Kernels use xi1 and xi3 of postsynaptic neurons, and xi2 and xi4 of presynaptic neurons.
    """
    blocks = [view.block(block, "[populations] kernels")
              for block, kernel, *_ in view.run.config.populations.kernels if kernel == "low_rank"]  # fmt: skip
    return np.isin(view.index, [block[name in ("xi2", "xi4")] for block in blocks])


def _rates_of_network(view: PopulationView) -> np.ndarray:
    """Return phi (N,) of the initial state that the network comes with. Raises ConfigError."""
    if view.connectome.initial is None:
        raise ConfigError("[simulation] initial: expected zero, constant or gaussian, as the network comes with none")
    phi = ACTIVATIONS[view.run.config.model.activation].phi
    return phi(torch.from_numpy(view.connectome.initial.copy())).numpy()


