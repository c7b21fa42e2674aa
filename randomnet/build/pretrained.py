"""From [paths] pretrained and [pretrainedparams] to the initial values of a run, read from a trained network.

A run without a task starts from the weights, gains and shifts of a model.pt on the same network. A run with a task
starts from the recurrent network, its gains and shifts, its input weights and biases; the readout is new, unless
keep_readout is True. A simulation has the recurrent network, its gains and shifts, and its biases as constant input.
Low-rank factors become the first ones of the run. `trained_files` finds the file.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.artifacts.flystability_models import read_model
from randomnet.artifacts.trained_files import UNTRAINED, model_folder, trained_file, trained_path
from randomnet.connectome import Connectome
from randomnet.rnn import FACTORS, Network
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.simulation import network_of_model
from randomnet.tasks import TASKS

SHARED = ("n", "edges", "groups", "drive", "activation", "form", "dt", "leaks")  # equal in model.pt and in the run
MODELLED = ("activation", "form", "dt")  # likewise, for a run with a task
EDGES = "factor_edges"  # name of the edges of factors in a stored Elman model
ELMAN = {  # names in the network -> in a stored Elman model
    "input_weights": "rnn.weight_ih_l0",
    "input_bias": "rnn.bias_ih_l0",
    "recurrent_bias": "rnn.bias_hh_l0",
}
WEIGHTS = "rnn.weight_hh_l0"
READOUT = {  # likewise, by net.readout
    "linear": {"readout_weights": "fc.weight", "readout_bias": "fc.bias"},
    "overlap": {"readout_gains": "readout_gains"},
}


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """The values of a stored network of N units.

    weights: (N, N). edges: flat indices, post N + pre, of its connections. interface: input weights and biases, and
    readout, under the network's own names; empty for a network trained without a task. factors: m and n, (N, K) each.
    factors_on: their support, all or edges. gains, shifts: (N,) of each unit. drive, state: (N,) or
    None; state is the initial one. types: (N,) texts, the type of each unit, or None.
    """

    weights: np.ndarray
    edges: np.ndarray
    interface: dict[str, np.ndarray]
    factors: tuple[np.ndarray, np.ndarray]
    factors_on: str = "all"
    gains: np.ndarray | None = None
    shifts: np.ndarray | None = None
    drive: np.ndarray | None = None
    description: dict[str, Any] = field(default_factory=dict)
    state: np.ndarray | None = None
    types: np.ndarray | None = None

    @property
    def rank(self) -> int:
        """The number K of factors."""
        return self.factors[0].shape[1]


# ---- without a task


def load_values(run: Run, network: Network) -> None:
    """Assign the values of a model.pt to the network of a run without a task. Raises ConfigError if they do not fit."""
    upstream = trained_file(run)
    path = upstream.path
    expected = f"[paths] pretrained: expected a model.pt of RandomNet on the same network and groups, got {path}"
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        stored, described = saved["network"], network.description()
        values = _values(saved, upstream.epoch, path)
        if "input_weights" in values:
            raise ConfigError(f"{expected}, which was trained on a task; name that with [trialparams] task_name")
        _check_dynamics(run, stored, path)
        for name in SHARED:
            if not _is_same(stored.get(name), described[name]):
                raise ConfigError(f"{expected}, whose {name} differ")
        weights = values["weights"]
        if "weights" not in saved["trained"] and not torch.allclose(weights, network.weights().cpu().to(weights)):
            raise ConfigError(f"{expected}, whose untrained weights are others (net.g and net.normalization say which)")
        _check_rank(run, stored.get("rank", 0), path)
        if stored.get("rank", 0):
            _check_factor_support(stored.get("factors_on", "all"), described["factors_on"], path)
        network.assign(_with_factors(values, network))
    except ConfigError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"{expected}: {_error_line(error)}") from None


def _values(saved: dict[str, Any], epoch: int | None, path: Path) -> dict[str, Tensor]:
    """Return the values of the untrained network for epoch 0, else of the last one. Raises ConfigError."""
    if epoch != 0:
        return saved["last"]
    if UNTRAINED not in saved:
        raise ConfigError(
            f"[pretrainedparams] pretrained_epoch: expected last, as {path} was written by a version that did not keep "
            "the untrained network, got 0; train again to have it"
        )
    return saved[UNTRAINED]


def _with_factors(values: dict[str, Any], network: Network) -> dict[str, Any]:
    """Return the values of a stored network, with the further factors of `network`."""
    drawn = network.values()
    for name in FACTORS if network.rank else ():
        stored = values.get(name, drawn[name][:, :0])
        values = values | {name: torch.cat([stored.to(drawn[name]), drawn[name][:, stored.shape[1] :]], 1)}
    return values


def _check_rank(run: Run, stored: int, path: Path) -> None:
    """Raise ConfigError where factors would be lost, or where further ones would be drawn for a simulation."""
    rank, simulates = run.config.net.rank, run.config.experiment.kind == "simulate"
    if stored > rank or (stored < rank and simulates):
        expected = f"{'' if simulates else 'at least '}{stored}, the number of factors of {path}"
        raise ConfigError(f"[net] rank: expected {expected}, got {rank}")


def _check_factor_support(stored: str, configured: str, path: Path) -> None:
    if stored != configured:
        raise ConfigError(f"[net] factor_on: expected with net.dales_law that of {path}, whose factors act on "
                          f"{stored}, got {configured}")  # fmt: skip


# ---- with a task, or in a simulation


def pretrained_connectome(run: Run) -> Connectome:
    """Return the stored recurrent network as a Connectome, with its connections and those that its factors act on."""
    path, stored = trained_path(run), _stored_network(run)
    net, n, drive = run.config.net, len(stored.weights), stored.drive
    if not run.config.has_task and stored.interface:
        biases = sum(stored.interface[name].astype(np.float64) for name in ("input_bias", "recurrent_bias"))
        drive = biases if drive is None else drive + biases
    if run.config.drawn_at_random and net.n not in (type(net).n, n):
        raise ConfigError(f"[net] n: expected {n}, the units of {path}, or left out, got {net.n}")
    post, pre = np.divmod(stored.edges, n)
    return Connectome(
        f"{run.config.net.roi}, pretrained",
        post,
        pre,
        stored.weights[post, pre].astype(np.float64),
        np.array([f"unit{number:04d}" for number in range(n)]),
        labels={} if stored.types is None else {"type": stored.types},
        drive=drive,
        initial=stored.state,
        provenance={"source": f"pretrained model {path}", "synthetic": not run.config.paths.path_to_network},
    )


def pretrained_interface(run: Run) -> dict[str, np.ndarray]:
    """Return input weights (N, channels) and both biases (N,) of the stored model, and its readout if that is kept.

    Empty for a network that was trained without a task.
    """
    stored = _stored_network(run)
    names = [*ELMAN, *_readout(run)] if stored.interface else []
    return {name: stored.interface[name] for name in names}


def pretrained_factors(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return output patterns and selection vectors (N, K') of the stored model, K' = 0 without any.

    K' is at most the run's rank. Raises ConfigError.
    """
    return _stored_network(run).factors


def load_gains(run: Run, network: Network) -> None:
    """Assign the stored gains and shifts to the network of a task. Raises ConfigError where they differ in a group."""
    stored, values = _stored_network(run), network.values()
    if stored.gains is None:
        return
    for name, units in (("gains", stored.gains), ("shifts", stored.shifts)):
        groups = network.groups.cpu().numpy()
        grouped = np.zeros(len(values[name]))
        grouped[groups] = units
        if not np.array_equal(grouped[groups], units):
            raise ConfigError(
                f"[model] groups: expected groups of units with equal {name} in {trained_path(run)}, got "
                f"{run.config.model.groups}"
            )
        values[name] = torch.from_numpy(grouped).to(values[name])
    network.assign(values)


def trained_gains(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the gains and shifts (N,) of a simulation's stored network; None without any. Raises ConfigError."""
    if not run.config.paths.pretrained:
        return None
    stored = _stored_network(run)
    return None if stored.gains is None else (stored.gains.astype(float), stored.shifts.astype(float))


def trained_readout(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """Return readout weights (outputs, N) and bias (outputs,) of a simulation's stored network; None without any."""
    interface = _stored_network(run).interface if run.config.paths.pretrained else {}
    if "readout_weights" not in interface:
        return None
    return interface["readout_weights"].astype(float), interface["readout_bias"].astype(float)


def trained_inputs(run: Run) -> np.ndarray:
    """Return the input weights (N, channels) of a simulation's stored network. Raises ConfigError without any."""
    stored = _stored_network(run) if run.config.paths.pretrained else None
    if stored is None or not stored.interface:
        expected = "events without the pattern channel, which needs a network of paths.pretrained with task inputs"
        raise ConfigError(f"[simulation] events: expected {expected}, got channel")
    return stored.interface["input_weights"].astype(float)


def _stored_network(run: Run) -> StoredNetwork:
    """Return the network of the run's file, which fits the run's task. Raises ConfigError."""
    folder = model_folder(run.config)
    if folder:
        return _from_flystability(run, folder)
    path, names = trained_path(run), (*ELMAN.values(), WEIGHTS, *_readout(run).values())
    expected = f"[paths] pretrained: expected a stored Elman model with {', '.join(names)}, or a model.pt, got {path}"
    try:
        loaded: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        stored = _from_model(run, loaded, path) if "network" in loaded else _from_elman(run, loaded)
    except ConfigError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"{expected}: {_error_line(error)}") from None
    _check_shapes(run, stored, path, expected)
    return stored


def _from_flystability(run: Run, folder: Path) -> StoredNetwork:
    """Return the network of a model folder of FlyStability. Raises ConfigError."""
    if run.config.pretrainedparams.keep_readout:
        raise ConfigError(f"[pretrainedparams] keep_readout: expected False, as {folder} has no readout, got True")
    model = read_model(folder)
    none = np.zeros((len(model.weights), 0), np.float32)
    edges = np.flatnonzero(model.weights)
    return StoredNetwork(
        model.weights, edges, {}, (none, none), "all", model.gains, model.shifts, state=model.state, types=model.types
    )


def _from_elman(run: Run, loaded: dict[str, Any]) -> StoredNetwork:
    """Return a network stored under the names of torch.nn.RNN and Linear, as bio_rnn_mem writes it.

    Raises KeyError, ValueError or AttributeError for a damaged one.
    """
    interface = {name: loaded[stored].numpy() for name, stored in (ELMAN | _readout(run)).items()}
    weights = loaded[WEIGHTS].numpy()
    none = np.zeros((len(weights), 0), np.float32)
    factors = tuple(loaded[name].numpy() if name in loaded else none for name in FACTORS)
    factored = loaded[EDGES].numpy() if EDGES in loaded else np.zeros(0, np.int64)
    if factored.dtype != np.int64 or not ((factored >= 0) & (factored < weights.size)).all():
        raise ValueError(f"{EDGES}: expected whole numbers from 0 to {weights.size - 1}, got others")
    edges = np.union1d(np.flatnonzero(weights), factored)
    return StoredNetwork(weights, edges, interface, factors, "edges" if len(factored) else "all")


def _from_model(run: Run, saved: dict[str, Any], path: Path) -> StoredNetwork:
    """Return the network of a model.pt. Raises ConfigError, or KeyError for a damaged one."""
    description = saved["network"]
    if "architecture" in description:
        raise ConfigError(f"[paths] pretrained: expected a network of weights, got {path}, which is of cells")
    network = network_of_model(description, _values(saved, trained_file(run).epoch, path))
    n, edges = network.n, network.edges.numpy()
    weights = np.zeros((n, n), dtype=np.float32 if network.gains().dtype == torch.float32 else np.float64)
    weights.flat[edges] = network.weights().numpy()
    interface = {name: values.numpy() for name, values in network.interface.items()}
    if interface:
        interface |= {name: values.numpy() for name, values in network.interface_tensors().items()}
    groups, none = network.groups, np.zeros((n, 0), np.float32)
    factors = tuple(values.numpy() for values in network.factors()) if network.rank else (none, none)
    return StoredNetwork(
        weights,
        np.sort(edges),
        interface,
        factors,
        "edges" if network.factors_on_edges else "all",
        network.gains()[groups].numpy(),
        network.shifts()[groups].numpy(),
        None if network.drive is None else network.drive.numpy().astype(np.float64),
        description,
    )


def _check_shapes(run: Run, stored: StoredNetwork, path: Path, expected: str) -> None:
    """Raise ConfigError for values whose shapes do not fit the run's task, or of another model.

    expected: the first part of the error.
    """
    n, names = len(stored.weights), {**ELMAN, **_readout(run)}
    channels, outputs = _interface_sizes(run, stored)
    if not stored.interface and _readout(run):
        raise ConfigError(f"[pretrainedparams] keep_readout: expected False, as {path} has no readout, got True")
    shapes = {"input_weights": (n, channels), "readout_weights": (outputs, n)}
    shapes |= dict.fromkeys(("readout_bias", "readout_gains"), (outputs,))
    parts = [(WEIGHTS, stored.weights, (n, n))]
    for name, stored_name in names.items() if stored.interface else ():
        parts.append((stored_name, stored.interface[name], shapes.get(name, (n,))))
    parts += [(name, values, (n, stored.rank)) for name, values in zip(FACTORS, stored.factors, strict=True)]
    for name, values, shape in parts:
        if values.shape != shape or not np.isfinite(values).all():
            raise ConfigError(f"{expected}: {name}: expected finite numbers of shape {shape}, got {values.shape}")
    _check_rank(run, stored.rank, path)
    if stored.rank:
        _check_factor_support(stored.factors_on, run.config.net.factor_on, path)
    _check_dynamics(run, stored.description, path)
    for name in _modelled(run) if stored.description else ():
        trained, configured = stored.description[name], getattr(run.config.model, name)
        if trained != configured:
            raise ConfigError(f"[model] {name}: expected {trained}, as {path} was trained with it, got {configured}")


def _interface_sizes(run: Run, stored: StoredNetwork) -> tuple[int, int]:
    """Return the channels and outputs that the run's task has; those of the stored model in a simulation."""
    if run.config.has_task:
        return TASKS[run.config.trialparams.task_name].sizes(vars(run.config.trialparams))
    return stored.interface["input_weights"].shape[-1] if stored.interface else 0, 0


def _modelled(run: Run) -> tuple[str, ...]:
    """Return the options of [model] that a run must share with the model; a simulation may have another dt."""
    if run.config.has_role("simulation"):
        return ("activation",)
    return tuple(name for name in MODELLED if name != "form" or not run.config.dynamics.has_parts)


def _check_dynamics(run: Run, description: dict[str, Any], path: Path) -> None:
    """Raise ConfigError where only the model has dynamics of its own; a run may have others, or add some."""
    if "rates" not in description or run.config.dynamics.has_parts:
        return
    if not run.config.reads("dynamics.plastic"):
        expected = f"a network without parts of [dynamics] with kind = {run.config.experiment.kind}"
        advice = "kind = simulate has its trajectories and spectrum"
        raise ConfigError(f"[paths] pretrained: expected {expected}, got {path}; {advice}")
    expected = "filters, plasticity or other parts in [dynamics]"
    raise ConfigError(f"[dynamics] plastic: expected {expected}, as {path} was trained with some, got none")


def _readout(run: Run) -> dict[str, str]:
    """Return the names of the readout in a stored Elman model; empty unless the readout is kept."""
    kept = run.config.has_task and run.config.pretrainedparams.keep_readout
    return READOUT[run.config.net.readout] if kept else {}


def _is_same(first: Any, second: Any) -> bool:
    """Return whether two entries are equal; floating-point numbers are compared in single precision."""
    tensors = [isinstance(entry, Tensor) for entry in (first, second)]
    if not all(tensors):
        return not any(tensors) and first == second
    first, second = (entry.cpu().float() if entry.is_floating_point() else entry.cpu() for entry in (first, second))
    return torch.equal(first, second)


def _error_line(error: Exception) -> str:
    """Return an error in one line; torch's own texts are left out, because some advise to disable safety."""
    known = isinstance(error, (KeyError, ValueError))
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}" if known else type(error).__name__
