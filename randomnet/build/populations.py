"""From a Run's config to what is simulated: populations, filters, plastic blocks, noise, events."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.analysis import units_of
from randomnet.build.described_networks import populations_of
from randomnet.build.low_rank import factors_of
from randomnet.build.unit_groups import groups_of
from randomnet.bump import low_rank_angles
from randomnet.connectome import Connectome
from randomnet.kinds.simulate.options import SimulationSection
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.simulation import Event
from randomnet.synthetic import low_rank_vectors
from randomnet.theory import block_rates, block_statistics
from randomnet.values.events import READ, Written

MOST_NAMED = 40  # in an error
FEWEST = 3  # neurons of a bump
PARALLEL = 1e-9  # squared sine of the angle below which two vectors span no plane
VECTORS = {"xi1": 0, "xi2": 1, "xi3": 2, "xi4": 3}


@dataclass(frozen=True, eq=False)
class Populace:
    """The populations of a network: names, the number of each neuron's (N,), and what is chosen by name as (N,)."""

    run: Run
    connectome: Connectome

    @cached_property
    def names(self) -> tuple[str, ...]:
        """In the order of their first neurons."""
        return tuple(self._groups)

    @cached_property
    def index(self) -> np.ndarray:
        """(N,): the number of each neuron's population."""
        found = np.zeros(self.connectome.n, np.int64)
        for number, units in enumerate(self._groups.values()):
            found[units] = number
        return found

    @cached_property
    def _groups(self) -> dict[str, np.ndarray]:
        units = units_of(self.connectome)
        complete = {kind: texts for kind, texts in units.labels.items() if (texts != "").all()}
        groups = groups_of("", replace(units, labels=complete), "simulation")
        return {name: index.numpy() for name, index in groups.units.items()}

    @cached_property
    def low_rank(self) -> np.ndarray:
        """xi1 .. xi4 of every neuron (N, 4), those that low-rank kernels are made of. Raises ConfigError."""
        net, kernels = self.run.config.net, self.run.config.populations.kernels
        if net.source != "populations":
            expected = "populations, which alone have low-rank vectors"
            raise ConfigError(f"[net] source: expected {expected}, got {net.source}")
        if all(name != "low_rank" for _, name, *_ in kernels):
            expected = "a low_rank one, whose vectors are asked for"
            raise ConfigError(f"[populations] kernels: expected {expected}, got {kernels}")
        drawing = self.run if net.paired_topology else replace(self.run, iteration=0)
        return low_rank_vectors(populations_of(drawing), drawing.generator("network"))

    @cached_property
    def sizes(self) -> np.ndarray:
        """(P,): neurons of each population."""
        return np.bincount(self.index, minlength=len(self.names))

    def units(self, name: str, key: str) -> np.ndarray:
        """The neurons of a population. Raises ConfigError naming the key it was written for."""
        return self.index == _place(self.names, name, key, "populations")

    def block(self, name: str, key: str) -> tuple[int, int]:
        """The numbers of the post- and the presynaptic population of a block, such as EI. Raises ConfigError."""
        count = len(self.names)
        blocks = [post + pre for post in self.names for pre in self.names]
        return divmod(_place(blocks, name, key, "blocks"), count)

    def of_neurons(self, section: str, key: str) -> np.ndarray:
        """What is chosen for all or for each population by name, for each neuron (N,). Raises ConfigError."""
        value = getattr(getattr(self.run.config, section), key)
        if not isinstance(value, tuple):
            return np.full(self.connectome.n, float(value))
        given = dict(value)
        if set(given) != set(self.names):
            expected = f"one number for all, or one for each of {', '.join(self.names)}"
            raise ConfigError(f"[{section}] {key}: expected {expected}, got {', '.join(given)}")
        return np.array([given[name] for name in self.names], float)[self.index]


def _place(names: Sequence[str], name: str, key: str, what: str) -> int:
    if name not in names:
        expected = f"{what} of the network, {', '.join(names[:MOST_NAMED])}"
        raise ConfigError(f"{key}: expected {expected}, got {name!r}{nearest(name, names)}")
    return names.index(name)


class Given(NamedTuple):
    """One event of one run as it arrives: the number of its population; vector (n,) or None."""

    population: int
    pattern: str
    onset: float
    offset: float
    amplitude: float
    phase: float
    sigma: float
    vector: np.ndarray | None


def events_of(about: Populace) -> list[Given]:
    """The events of a run. Raises ConfigError."""
    chosen, found = about.run.config.simulation, []
    scale = chosen.amplitude * math.sqrt(external_degree(about.run))
    for event in chosen.events:
        _check_time(event, about.run.config)
        units, vector = about.units(event.population, "[simulation] events"), None
        if event.pattern in VECTORS or event.pattern == "random":
            vector = _vector(about, event)[units]
        found.append(
            Given(
                about.names.index(event.population),
                event.pattern if vector is None else "vector",
                event.onset,
                event.offset,
                scale * event.amplitude,
                event.phase + chosen.turned,
                event.sigma,
                vector,
            )
        )
    return found


def label_of(event: Written, chosen: SimulationSection) -> str:
    """An event as figures name it."""
    tuned = f" at {(event.phase + chosen.turned) % 360:g}°" if "phase" in READ.get(event.pattern, ()) else ""
    return f"{event.pattern} {chosen.amplitude * event.amplitude:g}{tuned}"


def side_by_side(events: Sequence[Sequence[Given]], trials: int) -> tuple[Event, ...]:
    """The events of runs that all have the same populations and patterns, a column for each trial of each run."""
    found = []
    for each in zip(*events, strict=True):
        columns = {
            key: np.repeat(np.array([getattr(one, key) for one in each]), trials)
            for key in ("onset", "offset", "amplitude", "phase", "sigma")
        }
        vector = None if each[0].vector is None else np.repeat([one.vector for one in each], trials, axis=0)
        found.append(Event(population=each[0].population, pattern=each[0].pattern, vector=vector, **columns))
    return tuple(found)


def external_degree(run: Run) -> float:
    """K of the external input, 1 where there is none."""
    degree = run.config.populations.external_degree
    return 1.0 if run.config.net.source != "populations" or degree == "none" else degree


def worth(about: Populace) -> np.ndarray:
    """(N,): what one unit of the rate of the external input is worth as input, sqrt(K) J0."""
    strengths = dict(about.run.config.populations.external)
    values = np.array([strengths.get(name, 0.0) for name in about.names])
    return math.sqrt(external_degree(about.run)) * values[about.index]


def weakness(about: Populace) -> float:
    """What the external input is multiplied with until the first event begins."""
    weak = about.run.config.simulation.weak_before
    return 1 / math.sqrt(external_degree(about.run)) if weak else 1.0


def input_tau(about: Populace) -> float:
    """Time constant of the external input's filter, 0 for none."""
    tau = about.run.config.simulation.tau_input
    return 0.0 if tau == "none" else tau


def _check_time(event: Written, config: Config) -> None:
    """ConfigError for an event that is not a step long, or not within the record."""
    dt = config.model.dt
    onset, offset = (math.floor(time / dt + 0.5) for time in (event.onset, event.offset))
    if not onset < offset or onset * dt >= config.analysis.duration:
        raise ConfigError(
            f"[simulation] events: expected at least one step of {dt:g} (model.dt) within {config.analysis.duration:g} "
            f"(analysis.duration), got from {event.onset:g} to {event.offset:g}"
        )


def _vector(about: Populace, event: Written) -> np.ndarray:
    """The vector (N,) of an event. Raises ConfigError."""
    if event.pattern in VECTORS:
        return about.low_rank[:, VECTORS[event.pattern]]
    number = int(event.vector)
    if number != event.vector or number < 1:
        raise ConfigError(f"[simulation] events: expected vector 1, 2, ..., got {event.vector:g}")
    return about.run.generator("events", number).standard_normal(about.connectome.n)


def silent(about: Populace) -> np.ndarray:
    """(N,) bool: the neurons that are silenced, drawn at random. Raises ConfigError."""
    found, rng = np.zeros(about.connectome.n, bool), about.run.generator("events")
    for name, count in about.run.config.simulation.silenced:
        units = np.flatnonzero(about.units(name, "[simulation] silenced"))
        if count > len(units):
            raise ConfigError(f"[simulation] silenced: expected at most {len(units)} neurons of {name}, got {count}")
        found[rng.choice(units, count, replace=False)] = True
    return found


def trajectories(config: Config) -> int:
    """How many a run follows."""
    chosen = config.simulation
    return chosen.initial_points**2 if chosen.initial == "plane" else config.analysis.trajectories


def initial_rates(about: Populace) -> np.ndarray:
    """(trajectories, N) rates that a run begins with."""
    chosen = about.run.config.simulation
    shape = trajectories(about.run.config), about.connectome.n
    if chosen.initial == "network":
        return np.broadcast_to(_described_rates(about), shape)
    if chosen.initial == "plane":
        return _rates_in(plane_of(about), chosen.initial_rate, about.run.config.model.activation)
    if chosen.initial != "gaussian":
        return np.full(shape, chosen.initial_rate if chosen.initial == "constant" else 0.0)
    drawn = about.run.generator("state", chosen.initial_seed).standard_normal(shape)
    return np.maximum(chosen.initial_rate * drawn, 0)


def first_rates(about: Populace) -> np.ndarray:
    """The same less those of neurons that are silenced."""
    return np.where(silent(about), 0.0, initial_rates(about))


class Plane(NamedTuple):
    """The plane that trajectories begin in: names of its two vectors (2, N), and their factors (trajectories, 2)."""

    names: tuple[str, ...]
    vectors: np.ndarray
    places: np.ndarray

    def overlaps(self, rates: np.ndarray) -> np.ndarray:
        """v . r / N with both vectors (..., 2), of rates (..., N)."""
        return rates.astype(np.float64) @ self.vectors.T / self.vectors.shape[1]


def plane_of(about: Populace) -> Plane | None:
    """None where a run begins elsewhere. Raises ConfigError."""
    chosen = about.run.config.simulation
    if chosen.initial != "plane":
        return None
    names = tuple(chosen.initial_plane.split(", "))
    vectors = np.stack([_axis(about, name) for name in names])
    products = vectors @ vectors.T
    if not np.linalg.det(products) > PARALLEL * products[0, 0] * products[1, 1]:
        raise ConfigError(
            "[simulation] initial_plane: expected two vectors that span a plane, which of low-rank kernels xi1 and xi2 "
            f"do not unless populations.low_rank_covariance says so, got {chosen.initial_plane}"
        )
    axis = np.linspace(-chosen.initial_extent, chosen.initial_extent, chosen.initial_points)
    return Plane(names, vectors, np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))


def _rates_in(plane: Plane, middle: float, activation: str) -> np.ndarray:
    """(trajectories, N): cut off at 0 where no rates below it can be."""
    rates = middle + plane.places @ plane.vectors
    negative = bool(ACTIVATIONS[activation].phi(torch.tensor(-1.0)) < 0)
    return rates if negative else np.maximum(rates, 0)


def _axis(about: Populace, name: str) -> np.ndarray:
    """The vector (N,) of this name. Raises ConfigError."""
    if name in VECTORS:
        return np.where(_reading(about, name), about.low_rank[:, VECTORS[name]], 0.0)
    rank = about.run.config.net.rank
    if not rank:
        raise ConfigError(f"[simulation] initial_plane: expected xi1 to xi4, as net.rank = 0, got {name}")
    if int(name[1:]) > rank:
        expected = f"factors of net.rank = {rank}, {name[0]}1 to {name[0]}{rank}"
        raise ConfigError(f"[simulation] initial_plane: expected {expected}, got {name}")
    output, selection = factors_of(about.run, about.connectome)
    return (output if name[0] == "m" else selection)[:, int(name[1:]) - 1]


def _reading(about: Populace, name: str) -> np.ndarray:
    """(N,) bool: the neurons whose low-rank kernels read this vector, postsynaptic ones xi1 and xi3, presynaptic ones
    xi2 and xi4."""
    blocks = [about.block(block, "[populations] kernels")
              for block, kernel, *_ in about.run.config.populations.kernels if kernel == "low_rank"]  # fmt: skip
    return np.isin(about.index, [block[name in ("xi2", "xi4")] for block in blocks])


def _described_rates(about: Populace) -> np.ndarray:
    """(N,): phi of the initial state that the network comes with. Raises ConfigError."""
    if about.connectome.initial is None:
        raise ConfigError("[simulation] initial: expected zero, constant or gaussian, as the network comes with none")
    phi = ACTIVATIONS[about.run.config.model.activation].phi
    return phi(torch.from_numpy(about.connectome.initial.copy())).numpy()


def decoded(about: Populace) -> tuple[np.ndarray, np.ndarray | None] | None:
    """The neurons (N,) bool whose bump is decoded and their angles (n,), None where these are even. ConfigError."""
    chosen = about.run.config.simulation
    if chosen.decode == "none":
        return None
    units = about.units(chosen.decode, "[simulation] decode")
    if units.sum() < FEWEST:
        raise ConfigError(
            f"[simulation] decode: expected a population of at least {FEWEST} neurons, "
            f"got {chosen.decode} of {units.sum()}"
        )
    if chosen.angles == "even":
        return units, None
    return units, low_rank_angles(about.low_rank[units])


def plastic(about: Populace) -> tuple[tuple[int, int], ...]:
    """The blocks (post, pre) with short-term plasticity. Raises ConfigError."""
    names = [] if about.run.config.dynamics.plastic == "none" else about.run.config.dynamics.plastic.split(" + ")
    return tuple(about.block(name, "[dynamics] plastic") for name in names)


def check_plastic(about: Populace) -> None:
    """ConfigError for a plastic block without connections."""
    network = about.connectome
    for post, pre in plastic(about):
        if not ((about.index[network.post] == post) & (about.index[network.pre] == pre)).any():
            came = about.names[post] + about.names[pre]
            raise ConfigError(f"[dynamics] plastic: expected blocks that have connections, got {came}")


def predicted(about: Populace) -> tuple[np.ndarray | None, str]:
    """(P,): the mean rates of the block mean field, and why there are none, or empty.

    None where the theory does not hold, see `_beyond_theory`; nan where it has no stable stationary state.
    """
    beyond = _beyond_theory(about.run.config)
    if beyond:
        return None, f"no theory_ columns: mean-field theory does not hold with {beyond}"
    network, model = about.connectome, about.run.config.model
    drive = np.zeros(network.n) if network.drive is None else network.drive
    groups, first = _uniform(about, drive)
    blocks = block_statistics(network.post, network.pre, network.weights, groups)
    threshold, gain, most = (about.of_neurons("dynamics", key)[first, None]
                             for key in ("threshold", "response_gain", "rate_max"))  # fmt: skip
    phi = ACTIVATIONS[model.activation].phi

    def response(x: np.ndarray) -> np.ndarray:
        return most * phi(torch.from_numpy(gain * x)).numpy()

    relu = model.activation == "relu" and (gain == 1).all() and (most == 1).all()
    found = block_rates(blocks, drive[first], threshold[:, 0], None if relu else response)
    rates = found.rates if found.stable else np.full(len(first), np.nan)
    why = "" if found.stable else "theory_ columns are empty: mean-field theory finds no stable stationary state"
    return np.bincount(about.index, rates[groups]) / about.sizes, why


def _uniform(about: Populace, drive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Groups (N,) of neurons that are alike but for chance, and the first of each: populations, of described ones with
    their cell types and drives apart."""
    kinds = [about.index]
    if about.run.config.described:
        types = about.connectome.labels.get("type", np.full(about.connectome.n, ""))
        kinds += [np.unique(types, return_inverse=True)[1], np.unique(drive, return_inverse=True)[1]]
    _, first, groups = np.unique(np.stack(kinds), axis=1, return_index=True, return_inverse=True)
    return groups.reshape(-1), first


def _beyond_theory(config: Config) -> str:
    """What keeps rates from being stationary, alike within a population, and what couplings and drives make them.

    Names joined by commas; empty where nothing does.
    """
    dynamics, simulation = config.dynamics, config.simulation
    kernels = config.populations.kernels if config.net.source == "populations" else ()
    obstacles = {
        "events": simulation.events,
        "silences": simulation.silences,
        "plastic connections": dynamics.plastic != "none" or dynamics.plastic_input,
        "adaptation": dynamics.adapts,
        "noise": dynamics.noisy,
        "connections of low rank": config.net.rank,
        "kernels that are not uniform": any(name != "uniform" for _, name, *_ in kernels),
    }
    return ", ".join(name for name, there in obstacles.items() if there)
