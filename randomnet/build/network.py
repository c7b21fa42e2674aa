"""From a Run's config to the plain records the science takes; shared by the kinds, the only ones that see a config."""

import copy
import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import initialisation
from randomnet.architectures import CellNetwork
from randomnet.artifacts.trained_files import file_of, path_of
from randomnet.artifacts.upstream_runs import checksum
from randomnet.build import cells, described_networks, frozen_weights, low_rank, pretrained
from randomnet.build.connectome import connectome_of, facts_of, labelled
from randomnet.build.targets import exponents_of
from randomnet.build.trials import task_facts, task_sizes
from randomnet.connectome import Connectome
from randomnet.lyapunov import random_frame
from randomnet.memory import machine_memory
from randomnet.rnn import InputConstraints, LowRankFactors, Network, is_sparse
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.schema.sections.network import TRAINED
from randomnet.settings import ConfigError, nearest

LARGEST_FULL = 2000  # neurons of which a full spectrum is computed unasked
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Setup:
    """What a run begins with: the network, initial state (N,) and frame (k, N), float64; k as of `largest_frame`.

    clipped: how many weights of the connectome the network has at their bounds instead; None without bounds. upstream:
    facts of the trained network that it starts from. Of cells, which no connectome constrains, connectome is None, and
    there are no labels and frame.
    """

    connectome: Connectome | None
    network: Network | CellNetwork
    labels: np.ndarray
    state: Tensor
    frame: Tensor
    clipped: int | None = None
    upstream: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """What run.json says of the network."""
        if self.connectome is None:
            return cells.facts_of(self.network)
        clipped = {} if self.clipped is None else {"weights_clipped": self.clipped}
        upstream = {} if self.upstream is None else {"upstream": [self.upstream]}
        return self.connectome.facts() | clipped | upstream

    def checksum(self) -> str:
        """Short checksum of the network as it is now: edges, all values and the drive, but not the state."""
        digest, drive = hashlib.sha256(), self.connectome.drive
        arrays = [part.cpu().numpy() for part in self.network.fingerprint()]
        for array in (*arrays, *([] if drive is None else [drive])):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]


def build_setup(run: Run) -> Setup:
    """Build a run's network, initial state and frame from its config, seed and pretrained model. Raises ConfigError."""
    if cells.is_celled(run):
        network, none = cells.network_of(run), torch.zeros(0, dtype=torch.float64, device=device_of(run.config))
        network = network.to(none.device, PRECISIONS[run.config.trainvalidate.precision])
        return Setup(None, network, np.zeros(0), none, none)
    connectome = connectome_of(run)
    config = run.config
    index, labels = groups_of(connectome, config)
    counts = {"weights": len(connectome.weights), "gains": len(labels), "shifts": len(labels)}
    by_name = config.net.factor_support or config.projections.fixed
    named = labelled(run, connectome) if by_name else connectome
    interface = _interface(run, connectome.n) if config.has_task else None
    inputs = interface["input_weights"] if interface and described_networks.inputs_of(run) else None
    fixed = frozen_weights.fixed_of(run, connectome, named.labels, inputs)
    moving = _moving(run, counts, fixed.edges) | low_rank.moving(run, named)
    bounds, factors = config.trainvalidate.weight_bounds, low_rank.factors_of(run, named)
    network = Network(
        connectome,
        activation=config.model.activation,
        form=config.model.form,
        dt=config.model.dt,
        integrator=config.model.integrator,
        tau=tau_of(run, connectome),
        groups=index,
        trainable=moving,
        keep_signs=config.net.dales_law is not False,
        weight_bounds=None if bounds == "none" else bounds,
        interface=interface,
        input_constraints=None if inputs is None else InputConstraints(np.sign(inputs), fixed.inputs),
        factors=factors and LowRankFactors(*factors, on_edges=config.net.factor_on == "edges"),
        dtype=PRECISIONS[config.trainvalidate.precision],
    ).to(device_of(config))
    if "readout_gains" in network.interface and run.config.net.readout_gain != "learnt":
        network.interface["readout_gains"].requires_grad_(False)
    upstream = _first_values(run, network)
    clipped = None if bounds == "none" else network.clip()
    low_rank.check_support(run, named, network)
    state = run.generator("state").standard_normal(connectome.n) if connectome.initial is None else connectome.initial
    frame = torch.from_numpy(random_frame(run.generator("basis"), largest_frame(run, connectome.n), connectome.n))
    frame = frame.to(device_of(config))
    return Setup(connectome, network, labels, torch.from_numpy(state).to(frame), frame, clipped, upstream)


def _first_values(run: Run, network: Network) -> dict[str, Any] | None:
    """Give the network the gains and shifts that it begins with, or all that it takes over from a trained network, of
    which the facts are returned. Raises ConfigError."""
    _spread(run, network)
    if not run.config.paths.pretrained:
        return None
    upstream = file_of(run).facts()
    (pretrained.take_over_gains if run.config.has_task else pretrained.take_over)(run, network)
    return upstream


def initial_states(run: Run, start: Setup, number: int) -> Tensor:
    """(number, N): the run's own initial state, and random ones."""
    drawn = run.generator("state").standard_normal((number, start.connectome.n))
    return torch.cat([start.state[None], torch.from_numpy(drawn[1:]).to(start.state)])


def largest_frame(run: Run, n: int) -> int:
    """How many tangent vectors a run of n neurons may move: all, or where these are too many those of its exponents."""
    return n if n <= LARGEST_FULL else exponents_of(run, n)


def _spread(run: Run, network: Network) -> None:
    """Draw the gains and shifts that net.parameter names from N(1, g^2/N), one per group."""
    if run.config.net.parameter == "weights":
        return
    rng, values, g = run.generator("stretch"), network.values(), run.config.net.g
    for name in ("gains", "shifts"):
        drawn = torch.from_numpy(1 + g / math.sqrt(network.n) * rng.standard_normal(len(values[name])))
        if name in run.config.net.parameter:
            values[name] = drawn.to(values[name])
    network.assign(values)


def _interface(run: Run, n: int) -> dict[str, np.ndarray]:
    """Initial weights and biases between a task and n neurons, as torch's RNN and Linear draw them or taken over."""
    init, rng = run.config.trainvalidate.init, run.generator("interface")
    channels, outputs = task_sizes(run)
    gains = low_rank.readout_gains(run)
    drawn = initialisation.interface(n, channels, outputs if gains is None else None, init, rng)
    if gains is not None:
        drawn["readout_gains"] = gains
    if described_networks.inputs_of(run):
        drawn["input_weights"] = described_networks.input_weights(run)
    return drawn | pretrained.inputs_of(run) if run.config.paths.pretrained else drawn


def check_network(run: Run) -> dict[str, Any]:
    """All that `begin` could object to, without building what it need not; returns facts. Raises ConfigError."""
    device_of(run.config)
    if run.config.has_task:
        task_sizes(run)
    if cells.is_celled(run):
        return cells.facts_of(cells.network_of(run)) | {"inputs": checksums_of(run), "task": task_facts(run)}
    net, fixed = run.config.net, 0
    if run.config.drawn_at_random and not run.config.paths.pretrained:
        n, edges, groups = net.n, net.n * (net.n - 1) * net.background, net.n
    else:
        connectome = connectome_of(run)
        n, edges, groups = connectome.n, len(connectome.weights), len(groups_of(connectome, run.config)[1])
        tau_of(run, connectome)
        fixed = _fixed(run, connectome)
    _how_many(run, {"weights": edges - fixed, "gains": groups, "shifts": groups})
    if run.config.uses_spectrum:
        exponents_of(run, n)
    _fits(run, n, edges)
    if net.rank:
        low_rank.factors_of(run, labelled(run, connectome_of(run)))
    facts = facts_of(run) | {"inputs": checksums_of(run)}
    if run.config.paths.pretrained:
        facts["upstream"] = [file_of(run).facts()]
    if run.config.has_task:
        low_rank.readout_gains(run)
        facts["task"] = task_facts(run)
    bounded = run.config.trainvalidate.weight_bounds != "none" and not run.config.drawn_at_random
    if run.config.paths.pretrained or bounded:
        start = build_setup(run)
        facts |= {"weights_clipped": start.clipped} if bounded else {}
    return facts


def _fixed(run: Run, connectome: Connectome) -> int:
    """How many edges are not trained, though weights are. Raises ConfigError."""
    if not run.config.projections.fixed:
        return 0
    inputs = None
    if run.config.has_task and described_networks.inputs_of(run):
        inputs = _interface(run, connectome.n)["input_weights"]
    labels = labelled(run, connectome).labels
    return int(frozen_weights.fixed_of(run, connectome, labels, inputs).edges.sum())


def _fits(run: Run, n: int, edges: int) -> None:
    """ConfigError for a network that cannot fit into this machine's memory: its matrices, or edges, and a frame."""
    memory = machine_memory()
    coupling = 20 * edges if is_sparse(n, edges) and not run.config.has_task else 2 * n * n
    coupling += 2 * edges * run.config.net.rank * (run.config.net.factor_on == "edges")
    need = 8 * (coupling + 6 * n * largest_frame(run, n))
    if need > memory:
        which = "n" if run.config.drawn_at_random else "source" if run.config.described else "roi"
        raise ConfigError(
            f"[net] {which}: expected a network that fits into "
            f"{memory / 1e9:.0f} GB of memory, got {n} neurons, which need about {need / 1e9:.0f} GB"
        )


def groups_of(connectome: Connectome, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Which group each neuron is in, and the groups' labels, as of model.groups. Raises ConfigError."""
    try:
        return connectome.groups(config.model.groups)
    except ValueError as error:
        raise ConfigError(f"[model] groups: {error}") from None


def tau_of(run: Run, connectome: Connectome) -> np.ndarray | None:
    """Each neuron's time constant (N,), in units of the reference tau; None where all have that. Raises ConfigError."""
    tau = run.config.model.tau
    listed = tuple((region.name, region.tau) for region in run.config.regions.regions)
    if any(value != 1 for _, value in listed):
        tau = listed
    if not isinstance(tau, tuple):
        return None if tau == 1 else np.full(connectome.n, tau)
    kind = next((kind for kind in ("region", "population") if kind in connectome.labels), None)
    if kind is None:
        had = ", ".join(connectome.labels) or "none"
        raise ConfigError(
            f"[model] tau: expected one number, as {connectome.name} has no regions or populations (its labels: "
            f"{had}), got {tau}"
        )
    names, index = np.unique(connectome.labels[kind], return_inverse=True)
    named, known = dict(tau), [str(name) for name in names if name]
    expected = f"[model] tau: expected one for each {kind} of {connectome.name}, {', '.join(known)}"
    unknown, missing = [name for name in named if name not in known], [name for name in known if name not in named]
    if unknown:
        raise ConfigError(f"{expected}, got one for {unknown[0]!r}{nearest(unknown[0], known)}")
    if missing:
        raise ConfigError(f"{expected}, got none for {', '.join(missing)}")
    return np.array([named.get(str(name), 1.0) for name in names])[index]


def _moving(run: Run, counts: dict[str, int], fixed: np.ndarray) -> dict[str, np.ndarray]:
    """Which entries of weights, gains and shifts are trained; a limited number of them is drawn by seed.

    fixed: (E,) bool, which weights are not.
    """
    rng = run.generator("weights")
    free = {name: np.arange(count) for name, count in counts.items()} | {"weights": np.flatnonzero(~fixed)}
    numbers = _how_many(run, {name: len(entries) for name, entries in free.items()})
    return {name: np.sort(free[name][rng.choice(len(free[name]), size=number, replace=False)])
            for name, number in numbers.items()}  # fmt: skip


def _how_many(run: Run, counts: dict[str, int]) -> dict[str, int]:
    """How many entries of each trained parameter move, of the `counts` there are. Raises ConfigError."""
    wanted, numbers = run.config.trainvalidate.number_param, {}
    for position, name in enumerate(TRAINED):
        if name not in run.config.trained:
            continue
        number = counts[name] if wanted == "all" else wanted[position] if isinstance(wanted, tuple) else wanted
        if number > counts[name]:
            there = "not fixed" if name == "weights" and run.config.projections.fixed else "there"
            raise ConfigError(
                f"[trainvalidate] number_param: expected at most {counts[name]} {name}, which is all {there} are, "
                f"got {number}"
            )
        numbers[name] = number
    return numbers


def checksums_of(run: Run) -> dict[str, str]:
    """sha256 of the files besides the connectome that the run's results depend on, by option."""
    config = run.config
    named = {"lyapunov.target": config.lyapunov.target, "trialparams.images": config.trialparams.images}
    if config.paths.pretrained:
        named["paths.pretrained"] = str(path_of(run))
    paths = {key: Path(name).expanduser() for key, name in named.items() if isinstance(name, str) and name}
    found = {key: checksum(path) for key, path in paths.items() if os.path.isfile(path)}
    if config.has_task and config.regions.regions_file and described_networks.inputs_of(run):
        found["regions.regions_file"] = described_networks.checksum_of_inputs(run)  # no part of the connectome
    return found


def double(network: Network) -> Network:
    """A copy in float64."""
    return copy.deepcopy(network).double()


def device_of(config: Config) -> torch.device:
    """The device that is meant. Raises ConfigError where it is not there."""
    wanted = config.execution.device
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("[execution] device: expected a CUDA device with device = cuda, got a machine without one")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")
