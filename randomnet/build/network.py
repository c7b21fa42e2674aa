"""From a Run's config to the setup of a run: its network, initial state and frame of tangent vectors."""

import copy
import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import devices, initialisation
from randomnet.architectures import CellNetwork
from randomnet.artifacts.trained_files import provides_network, trained_file, trained_path
from randomnet.artifacts.upstream_runs import checksum
from randomnet.build import cells, described_networks, frozen_weights, low_rank, pretrained, rate_dynamics
from randomnet.build.connectome import connectome_facts, connectome_of, with_labels
from randomnet.build.null_models import errors_of
from randomnet.build.precisions import PRECISIONS
from randomnet.build.targets import exponents_of
from randomnet.build.trials import task_facts, task_sizes
from randomnet.connectome import Connectome
from randomnet.lyapunov import random_frame
from randomnet.memory import machine_memory
from randomnet.rnn import Dynamics, InputConstraints, LowRankFactors, Network, is_sparse
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.schema.sections.network import TRAINED
from randomnet.settings import ConfigError, nearest
from randomnet.simulation import TrainableRateNetwork

LARGEST_FULL = 2000  # neurons of a network whose full spectrum is measured


@dataclass(frozen=True)
class Setup:
    """The network of a run, its initial state (N,) and its frame (k, N), float64; k is that of `largest_frame`.

    clipped: the number of weights that bounds have changed; None without bounds. upstream: facts of the trained network
    that the run starts from. A network of cells has no connectome, no labels and no frame.
    """

    connectome: Connectome | None
    network: Network | CellNetwork
    labels: np.ndarray
    state: Tensor
    frame: Tensor
    clipped: int | None = None
    upstream: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        """The number of variables of the state: N, or more with parts of [dynamics]."""
        return len(self.state)

    @property
    def n(self) -> int:
        """The number of units."""
        return self.network.n

    @property
    def names(self) -> np.ndarray:
        """Names (n,) of the neurons of a connectome."""
        return self.connectome.names

    def system(self) -> Dynamics:
        """Return the network without a task's inputs, in float64."""
        return double(self.network).autonomous()

    def facts(self) -> dict[str, Any]:
        """Return what run.json says of the network."""
        if self.connectome is None:
            return cells.cell_network_facts(self.network)
        clipped = {} if self.clipped is None else {"weights_clipped": self.clipped}
        upstream = {} if self.upstream is None else {"upstream": [self.upstream]}
        return self.connectome.facts() | clipped | upstream

    def checksum(self) -> str:
        """Return a short checksum of the network: edges, present values and the drive, but not the state."""
        digest, drive = hashlib.sha256(), self.connectome.drive
        arrays = [part.cpu().numpy() for part in self.network.fingerprint()]
        for array in (*arrays, *([] if drive is None else [drive])):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:12]


def build_setup(run: Run) -> Setup:
    """Return the network, initial state and frame of a run. Raises ConfigError."""
    if cells.has_cells(run):
        empty = torch.zeros(0, dtype=torch.float64, device=network_device(run))
        network = cells.cell_network(run).to(empty.device, PRECISIONS[run.config.trainvalidate.precision])
        return Setup(None, network, np.zeros(0), empty, empty)
    connectome = connectome_of(run)
    config, device = run.config, network_device(run)
    index, labels = parameter_groups(connectome, config)
    counts = {"weights": len(connectome.weights), "gains": len(labels), "shifts": len(labels)}
    needs_labels = config.net.factor_support or config.projections.fixed or config.dynamics.has_parts
    named = with_labels(run, connectome) if needs_labels else connectome
    interface = _interface(run, connectome.n) if config.has_task else None
    inputs = interface["input_weights"] if interface and described_networks.region_inputs(run) else None
    frozen = frozen_weights.frozen_weights_of(run, connectome, named.labels, inputs)
    trainable = _trainable_entries(run, counts, frozen.edges) | low_rank.trainable_entries(run, named)
    bounds, factors = config.trainvalidate.weight_bounds, low_rank.factors_of(run, named)
    network = _network_class(run, named)(
        connectome,
        activation=config.model.activation,
        dt=config.model.dt,
        groups=index,
        trainable=trainable,
        keep_signs=config.net.dales_law is not False,
        weight_bounds=None if bounds == "none" else bounds,
        interface=interface,
        input_constraints=_input_constraints(run, inputs, frozen.inputs),
        factors=factors and LowRankFactors(*factors, on_edges=config.net.factor_on == "edges"),
        dtype=PRECISIONS[config.trainvalidate.precision],
    ).to(device)
    learnable = described_networks.learnable_biases(run) if interface else None
    if learnable is not None:
        _train_biases_of(network, torch.from_numpy(learnable).to(device))
    if "readout_gains" in network.interface and run.config.net.readout_gain != "learnt":
        network.interface["readout_gains"].requires_grad_(False)
    upstream = _initialise_values(run, network)
    clipped = None if bounds == "none" else network.clip()
    low_rank.check_support(run, named, network)
    state, frame = _state_and_frame(run, connectome, network)
    return Setup(connectome, network, labels, state, frame, clipped, upstream)


def _input_constraints(run: Run, inputs: np.ndarray | None, fixed: np.ndarray | None) -> InputConstraints | None:
    """Return the constraints of the regions' own input weights (N, channels); None without own inputs."""
    if inputs is None:
        return None
    return InputConstraints(np.sign(inputs), fixed, free_signs=run.config.regions.input_signs == "free")


def _train_biases_of(network: Network, units: Tensor) -> None:
    """Train the recurrent biases of these units alone, (N,) bool; the input biases stay as they are, too."""
    network.interface["recurrent_bias"].register_hook(lambda gradient: gradient * units)
    network.interface["input_bias"].register_hook(torch.zeros_like)


def _network_class(run: Run, connectome: Connectome) -> Callable[..., Network]:
    """Return what makes the run's network: with parts of [dynamics] one whose rates follow these.

    connectome: with labels, where there are any. Raises ConfigError.
    """
    model = run.config.model
    if not run.config.dynamics.has_parts:
        return partial(Network, form=model.form, integrator=model.integrator, tau=tau_of(run, connectome))
    return partial(TrainableRateNetwork, rates=rate_dynamics.rate_dynamics_of(run, connectome))


def _state_and_frame(run: Run, connectome: Connectome, network: Network) -> tuple[Tensor, Tensor]:
    """Return the initial state (N,), the network's own or a random one, and a random frame (k, N).

    With parts of [dynamics] the state is the whole state, (S,) in place of (N,), from the rates phi of that state.
    """
    n = connectome.n
    state = run.generator("state").standard_normal(n) if connectome.initial is None else connectome.initial
    if isinstance(network, TrainableRateNetwork):
        state = network.flat_start(torch.from_numpy(state))
        n = len(state)
    frame = torch.from_numpy(random_frame(run.generator("basis"), largest_frame(run, n), n)).to(network_device(run))
    return torch.as_tensor(state).to(frame), frame


def renewed_frame(run: Run, setup: Setup) -> Setup:
    """Return the setup with the frame of this run, which may have other exponents than the run that built it."""
    if setup.connectome is None or len(setup.frame) == largest_frame(run, setup.size):
        return setup
    return replace(setup, frame=_state_and_frame(run, setup.connectome, setup.network)[1])


def _initialise_values(run: Run, network: Network) -> dict[str, Any] | None:
    """Assign initial gains and shifts, or the values of a pretrained network, whose facts are returned.

    Raises ConfigError.
    """
    _draw_gains_and_shifts(run, network)
    if not run.config.paths.pretrained:
        return None
    upstream = trained_file(run).facts()
    load = pretrained.load_gains if provides_network(run.config) else pretrained.load_values
    load(run, network)
    return upstream


def initial_states(run: Run, setup: Setup, number: int) -> Tensor:
    """Return initial states (number, N): the run's own, and random ones."""
    drawn = run.generator("state").standard_normal((number, setup.connectome.n))
    return torch.cat([setup.state[None], torch.from_numpy(drawn[1:]).to(setup.state)])


def largest_frame(run: Run, n: int) -> int:
    """Return the largest number of tangent vectors of a run: n, or that of its exponents for a large network."""
    return n if n <= LARGEST_FULL else exponents_of(run, n)


def _draw_gains_and_shifts(run: Run, network: Network) -> None:
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
    """Return initial weights and biases between a task and n neurons: pretrained, or drawn as torch draws them."""
    init, rng = run.config.trainvalidate.init, run.generator("interface")
    channels, outputs = task_sizes(run)
    gains = low_rank.readout_gains(run)
    drawn = initialisation.interface(n, channels, outputs if gains is None else None, init, rng)
    if gains is not None:
        drawn["readout_gains"] = gains
    if described_networks.region_inputs(run):
        drawn["input_weights"] = described_networks.input_weights(run)
    if described_networks.learnable_biases(run) is not None:
        drawn |= {name: np.zeros(n) for name in ("input_bias", "recurrent_bias")}  # in addition to base_firing
    return drawn | pretrained.pretrained_interface(run) if run.config.paths.pretrained else drawn


def check_network(run: Run) -> dict[str, Any]:
    """Check all that `build_setup` checks, without building more than needed; return facts. Raises ConfigError."""
    device_of(run.config)
    if run.config.has_task:
        task_sizes(run)
    if cells.has_cells(run):
        facts = cells.cell_network_facts(cells.cell_network(run))
        return facts | {"inputs": checksums_of(run), "task": task_facts(run)}
    net, frozen = run.config.net, 0
    if run.config.drawn_at_random and not run.config.paths.pretrained and not errors_of(net):
        n, edges, groups = net.n, net.n * (net.n - 1) * net.background, net.n
    else:
        connectome = connectome_of(run)
        n, edges, groups = connectome.n, len(connectome.weights), len(parameter_groups(connectome, run.config)[1])
        if not run.config.dynamics.has_parts:
            tau_of(run, connectome)
        frozen = _frozen_count(run, connectome)
    _trainable_counts(run, {"weights": edges - frozen, "gains": groups, "shifts": groups})
    _check_memory(run, n, edges)
    size = build_setup(run).size if run.config.dynamics.has_parts else n
    if run.config.uses_spectrum:
        exponents_of(run, size)
    if net.rank:
        low_rank.factors_of(run, with_labels(run, connectome_of(run)))
    facts = connectome_facts(run) | {"inputs": checksums_of(run)}
    if run.config.dynamics.has_parts:
        facts["state_size"] = size
    if run.config.paths.pretrained:
        facts["upstream"] = [trained_file(run).facts()]
    if run.config.has_task:
        low_rank.readout_gains(run)
        facts["task"] = task_facts(run)
    bounded = run.config.trainvalidate.weight_bounds != "none" and not run.config.drawn_at_random
    if run.config.paths.pretrained or bounded:
        setup = build_setup(run)
        facts |= {"weights_clipped": setup.clipped} if bounded else {}
    return facts


def _frozen_count(run: Run, connectome: Connectome) -> int:
    """Return how many edges are frozen while weights are trained. Raises ConfigError."""
    if not run.config.projections.fixed:
        return 0
    inputs = None
    if run.config.has_task and described_networks.region_inputs(run):
        inputs = _interface(run, connectome.n)["input_weights"]
    labels = with_labels(run, connectome).labels
    return int(frozen_weights.frozen_weights_of(run, connectome, labels, inputs).edges.sum())


def _check_memory(run: Run, n: int, edges: int) -> None:
    """Raise ConfigError for a network whose matrices, or edges, and frame do not fit into this machine's memory."""
    memory = machine_memory()
    coupling = 20 * edges if is_sparse(n, edges) and not run.config.has_task else 2 * n * n
    coupling += 2 * edges * run.config.net.rank * (run.config.net.factor_on == "edges")
    need = 8 * (coupling + 6 * n * largest_frame(run, n))
    if need > memory:
        option = "n" if run.config.drawn_at_random else "source" if run.config.described else "roi"
        raise ConfigError(
            f"[net] {option}: expected a network that fits into "
            f"{memory / 1e9:.0f} GB of memory, got {n} neurons, which need about {need / 1e9:.0f} GB"
        )


def parameter_groups(connectome: Connectome, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of each neuron's group, and the groups' labels, by model.groups. Raises ConfigError."""
    try:
        return connectome.groups(config.model.groups)
    except ValueError as error:
        raise ConfigError(f"[model] groups: {error}") from None


def tau_of(run: Run, connectome: Connectome) -> np.ndarray | None:
    """Return each neuron's time constant (N,), in units of the reference tau; None if all are 1. Raises ConfigError."""
    tau = run.config.model.tau
    listed = tuple((region.name, region.tau) for region in run.config.regions.regions)
    if any(value != 1 for _, value in listed):
        tau = listed
    if not isinstance(tau, tuple):
        return None if tau == 1 else np.full(connectome.n, tau)
    kind = next((kind for kind in ("region", "population") if kind in connectome.labels), None)
    if kind is None:
        labels = ", ".join(connectome.labels) or "none"
        raise ConfigError(
            f"[model] tau: expected one number, as {connectome.name} has no regions or populations (its labels: "
            f"{labels}), got {tau}"
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


def _trainable_entries(run: Run, counts: dict[str, int], frozen: np.ndarray) -> dict[str, np.ndarray]:
    """Return the trained entries of weights, gains and shifts; a limited number of them is drawn by seed.

    frozen: (E,) bool, the weights that are not trained.
    """
    rng = run.generator("weights")
    free = {name: np.arange(count) for name, count in counts.items()} | {"weights": np.flatnonzero(~frozen)}
    numbers = _trainable_counts(run, {name: len(entries) for name, entries in free.items()})
    return {name: np.sort(free[name][rng.choice(len(free[name]), size=number, replace=False)])
            for name, number in numbers.items()}  # fmt: skip


def _trainable_counts(run: Run, counts: dict[str, int]) -> dict[str, int]:
    """Return how many entries of each trained parameter are trained, out of `counts`. Raises ConfigError."""
    wanted, numbers = run.config.trainvalidate.number_param, {}
    for position, name in enumerate(TRAINED):
        if name not in run.config.trained:
            continue
        number = counts[name] if wanted == "all" else wanted[position] if isinstance(wanted, tuple) else wanted
        if number > counts[name]:
            scope = "not fixed" if name == "weights" and run.config.projections.fixed else "there"
            raise ConfigError(
                f"[trainvalidate] number_param: expected at most {counts[name]} {name}, which is all {scope} are, "
                f"got {number}"
            )
        numbers[name] = number
    return numbers


def checksums_of(run: Run) -> dict[str, str]:
    """Return the sha256 of files besides the connectome that the run's results depend on, by option."""
    config = run.config
    files = {"lyapunov.target": config.lyapunov.target, "trialparams.images": config.trialparams.images}
    if config.has_role("responses"):
        files["paths.responses"] = config.paths.responses
    if config.has_role("simulation"):
        files["simulation.input_file"] = config.simulation.input_file
    if config.reads("paths.recording"):
        files["paths.recording"] = config.paths.recording
    if config.paths.pretrained:
        files["paths.pretrained"] = str(trained_path(run))
    paths = {key: Path(name).expanduser() for key, name in files.items() if isinstance(name, str) and name}
    checksums = {key: checksum(path) for key, path in paths.items() if os.path.isfile(path)}
    if config.has_task and config.regions.regions_file and described_networks.region_inputs(run):
        checksums["regions.regions_file"] = described_networks.region_inputs_checksum(run)  # no part of the connectome
    return checksums


def double(network: Network) -> Network:
    """Return a copy in float64, which shares the indices of edges and groups with the network."""
    indices = {id(tensor): tensor for tensor in network.buffers() if not tensor.is_floating_point()}
    return copy.deepcopy(network, indices).double()


def network_device(run: Run) -> torch.device:
    """Return the device of a run's network, whose size is found out only where the device depends on it."""
    config, neurons = run.config, None
    if config.execution.device == "auto" and torch.cuda.is_available():
        neurons = cells.cell_network(run).n if cells.has_cells(run) else connectome_of(run).n
    device = device_of(config, neurons)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # what waits for a GPU waits for this one
    return device


def device_of(config: Config, neurons: int | None = None) -> torch.device:
    """Return the device of execution.device, for a network of so many neurons, in this process.

    See `devices.device_for`. Raises ConfigError where it is not available.
    """
    try:
        devices.check(config.execution.device)
    except ValueError as error:
        raise ConfigError(f"[execution] device: {error}") from None
    on_cpu = config.dynamics.has_parts or config.from_source or config.has_role("simulation")
    return torch.device("cpu") if on_cpu else devices.device_for(config.execution.device, neurons)
