"""From a Run's config to the populations of a simulated network, and what is chosen for them by name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from randomnet.analysis import units_of
from randomnet.build.described_networks import populations_of
from randomnet.build.unit_groups import groups_of
from randomnet.bump import low_rank_angles
from randomnet.connectome import Connectome
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.synthetic import low_rank_vectors

MOST_NAMED = 40  # in an error
FEWEST = 3  # neurons of a bump
VECTORS = {"xi1": 0, "xi2": 1, "xi3": 2, "xi4": 3}


@dataclass(frozen=True, eq=False)
class PopulationView:
    """The populations of a network: their names, which one each neuron belongs to, and options by name per neuron."""

    run: Run
    connectome: Connectome

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the populations, in the order of their first neurons."""
        return tuple(self._groups)

    @cached_property
    def index(self) -> np.ndarray:
        """The number (N,) of each neuron's population."""
        index = np.zeros(self.connectome.n, np.int64)
        for number, units in enumerate(self._groups.values()):
            index[units] = number
        return index

    @cached_property
    def _groups(self) -> dict[str, np.ndarray]:
        units = units_of(self.connectome)
        complete = {kind: texts for kind, texts in units.labels.items() if (texts != "").all()}
        groups = groups_of("", replace(units, labels=complete), "simulation")
        return {name: index.numpy() for name, index in groups.units.items()}

    @cached_property
    def low_rank(self) -> np.ndarray:
        """The vectors xi1 to xi4 of low-rank kernels (N, 4). Raises ConfigError for a network without them."""
        net, kernels = self.run.config.net, self.run.config.populations.kernels
        if net.source != "populations":
            expected = "populations, which alone have low-rank vectors"
            raise ConfigError(f"[net] source: expected {expected}, got {net.source}")
        if all(name != "low_rank" for _, name, *_ in kernels):
            expected = "a low_rank kernel, as its vectors are used"
            raise ConfigError(f"[populations] kernels: expected {expected}, got {kernels}")
        drawing = self.run if net.paired_topology else replace(self.run, iteration=0)
        return low_rank_vectors(populations_of(drawing), drawing.generator("network"))

    @cached_property
    def sizes(self) -> np.ndarray:
        """The number of neurons (P,) of each population."""
        return np.bincount(self.index, minlength=len(self.names))

    def units(self, name: str, key: str) -> np.ndarray:
        """Return the neurons (N,) bool of a population. Raises ConfigError that names the option `key`."""
        return self.index == _position(self.names, name, key, "populations")

    def block(self, name: str, key: str) -> tuple[int, int]:
        """Return the numbers of the post- and presynaptic population of a block such as EI. Raises ConfigError."""
        count = len(self.names)
        blocks = [post + pre for post in self.names for pre in self.names]
        return divmod(_position(blocks, name, key, "blocks"), count)

    def of_neurons(self, section: str, key: str) -> np.ndarray:
        """Return the value of an option for each neuron (N,); it is one number, or one by name of each population.

        Raises ConfigError.
        """
        value = getattr(getattr(self.run.config, section), key)
        if not isinstance(value, tuple):
            return np.full(self.connectome.n, float(value))
        by_name = dict(value)
        if set(by_name) != set(self.names):
            expected = f"one number for all, or one for each of {', '.join(self.names)}"
            raise ConfigError(f"[{section}] {key}: expected {expected}, got {', '.join(by_name)}")
        return np.array([by_name[name] for name in self.names], float)[self.index]


def _position(names: Sequence[str], name: str, key: str, plural: str) -> int:
    """Return the index of a name. Raises ConfigError that names the option `key`."""
    if name not in names:
        expected = f"{plural} of the network, {', '.join(names[:MOST_NAMED])}"
        raise ConfigError(f"{key}: expected {expected}, got {name!r}{nearest(name, names)}")
    return names.index(name)


def silenced_neurons(view: PopulationView) -> np.ndarray:
    """Return the silenced neurons (N,) bool, drawn at random from their populations. Raises ConfigError."""
    silenced, rng = np.zeros(view.connectome.n, bool), view.run.generator("events")
    for name, count in view.run.config.simulation.silenced:
        units = np.flatnonzero(view.units(name, "[simulation] silenced"))
        if count > len(units):
            raise ConfigError(f"[simulation] silenced: expected at most {len(units)} neurons of {name}, got {count}")
        silenced[rng.choice(units, count, replace=False)] = True
    return silenced


def bump_neurons(view: PopulationView) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Return the neurons (N,) bool whose bump is decoded, and their angles (n,), None for evenly spaced ones.

    None where no bump is decoded. Raises ConfigError.
    """
    settings = view.run.config.simulation
    if settings.decode == "none":
        return None
    units = view.units(settings.decode, "[simulation] decode")
    if units.sum() < FEWEST:
        raise ConfigError(
            f"[simulation] decode: expected a population of at least {FEWEST} neurons, "
            f"got {settings.decode} of {units.sum()}"
        )
    if settings.angles == "even":
        return units, None
    return units, low_rank_angles(view.low_rank[units])


def plastic_blocks(view: PopulationView) -> tuple[tuple[int, int], ...]:
    """Return the blocks (post, pre) with short-term plasticity. Raises ConfigError."""
    names = [] if view.run.config.dynamics.plastic == "none" else view.run.config.dynamics.plastic.split(" + ")
    return tuple(view.block(name, "[dynamics] plastic") for name in names)


def check_plastic(view: PopulationView) -> None:
    """Raise ConfigError for a plastic block without connections."""
    network = view.connectome
    for post, pre in plastic_blocks(view):
        if not ((view.index[network.post] == post) & (view.index[network.pre] == pre)).any():
            block = view.names[post] + view.names[pre]
            raise ConfigError(f"[dynamics] plastic: expected blocks that have connections, got {block}")


