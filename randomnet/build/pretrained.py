"""Trained networks of an earlier experiment that a run starts from: [paths] pretrained and [pretrainedparams].

A run without a task takes over the weights, gains and shifts of a model.pt on the same network. A run with a task takes
over the recurrent network, its gains and shifts, its input weights and biases; the readout is new, unless keep_readout
is True. Factors of low rank are taken over as the first ones of the run's own. `trained_files` finds the file.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.artifacts.trained_files import UNTRAINED, file_of, path_of
from randomnet.connectome import Connectome
from randomnet.rnn import FACTORS, Network, network_from_description
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import TASKS

SHARED = ("n", "edges", "groups", "drive", "activation", "form", "dt", "leaks")  # of model.pt and of who takes it over
MODELLED = ("activation", "form", "dt")  # of a model.pt that a task takes over
EDGES = "factor_edges"  # where a stored Elman model has factors on edges: these
ELMAN = {  # names in the network -> in a stored Elman model
    "input_weights": "rnn.weight_ih_l0",
    "input_bias": "rnn.bias_ih_l0",
    "recurrent_bias": "rnn.bias_hh_l0",
}
WEIGHTS = "rnn.weight_hh_l0"
READOUT = {  # the same, by net.readout
    "linear": {"readout_weights": "fc.weight", "readout_bias": "fc.bias"},
    "overlap": {"readout_gains": "readout_gains"},
}


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """The values of a stored network of N units.

    weights: (N, N). edges: flat indices, post N + pre, of its connections. interface: input weights and biases, and
    readout, under the network's own names; empty where it was trained without a task. factors: m and n, (N, K) each.
    factors_on: what they act on, all or edges. gains, shifts: (N,) of each unit. drive: (N,) or None.
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

    @property
    def rank(self) -> int:
        """K."""
        return self.factors[0].shape[1]


# ---- without a task


def take_over(run: Run, network: Network) -> None:
    """Give the network of a run without a task the values of its model.pt. Raises ConfigError where they do not fit."""
    upstream = file_of(run)
    path = upstream.path
    where = f"[paths] pretrained: expected a model.pt of RandomNet on the same network and groups, got {path}"
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        there, here = saved["network"], network.description()
        values = _values(saved, upstream.epoch, path)
        if "input_weights" in values:
            raise ConfigError(f"{where}, which was trained on a task; name that with [trialparams] task_name")
        for name in SHARED:
            if not _same(there.get(name), here[name]):
                raise ConfigError(f"{where}, whose {name} differ")
        weights = values["weights"]
        if "weights" not in saved["trained"] and not torch.allclose(weights, network.weights().cpu().to(weights)):
            raise ConfigError(f"{where}, whose untrained weights are others (net.g and net.normalization say which)")
        _check_rank(run, there.get("rank", 0), path)
        if there.get("rank", 0):
            _check_place(there.get("factors_on", "all"), here["factors_on"], path)
        network.assign(_with_factors(values, network))
    except ConfigError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"{where}: {_line(error)}") from None


def _values(saved: dict[str, Any], epoch: int | None, path: Path) -> dict[str, Tensor]:
    """Those of the untrained network, for epoch 0, or of the last. Raises ConfigError."""
    if epoch != 0:
        return saved["last"]
    if UNTRAINED not in saved:
        raise ConfigError(
            f"[pretrainedparams] pretrained_epoch: expected last, as {path} was written by a version that did not keep "
            "the untrained network, got 0; train again to have it"
        )
    return saved[UNTRAINED]


def _with_factors(values: dict[str, Any], network: Network) -> dict[str, Any]:
    """The values of a stored network, and the network's own factors beyond those that it has."""
    own = network.values()
    for name in FACTORS if network.rank else ():
        held = values.get(name, own[name][:, :0])
        values = values | {name: torch.cat([held.to(own[name]), own[name][:, held.shape[1] :]], 1)}
    return values


def _check_rank(run: Run, held: int, path: Path) -> None:
    if held > run.config.net.rank:
        came = run.config.net.rank
        raise ConfigError(f"[net] rank: expected at least {held}, the number of factors of {path}, got {came}")


def _check_place(held: str, own: str, path: Path) -> None:
    if held != own:
        raise ConfigError(f"[net] factor_on: expected with net.dales_law that of {path}, whose factors act on {held}, "
                          f"got {own}")  # fmt: skip


# ---- with a task


def connectome_of(run: Run) -> Connectome:
    """The recurrent network of the stored model as a Connectome: its connections, and those that its factors act on."""
    path, stored = path_of(run), _stored(run)
    net, n = run.config.net, len(stored.weights)
    if run.config.drawn_at_random and net.n not in (type(net).n, n):
        raise ConfigError(f"[net] n: expected {n}, the units of {path}, or left out, got {net.n}")
    post, pre = np.divmod(stored.edges, n)
    return Connectome(
        f"{run.config.net.roi}, pretrained",
        post,
        pre,
        stored.weights[post, pre].astype(np.float64),
        np.array([f"unit{number:04d}" for number in range(n)]),
        drive=stored.drive,
        provenance={"source": f"pretrained model {path}", "synthetic": not run.config.paths.path_to_network},
    )


def inputs_of(run: Run) -> dict[str, np.ndarray]:
    """Input weights (N, channels) and both biases (N,) of the stored model, and if it is kept its readout; nothing of a
    network that was trained without a task."""
    stored = _stored(run)
    names = [*ELMAN, *_readout(run)] if stored.interface else []
    return {name: stored.interface[name] for name in names}


def factors_of(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Output patterns and selection vectors (N, K') of the stored model, K' = 0 where it has none, and at most the
    run's rank. Raises ConfigError."""
    return _stored(run).factors


def take_over_gains(run: Run, network: Network) -> None:
    """Give a network of a task the gains and shifts of its model. Raises ConfigError where they differ in a group."""
    stored, values = _stored(run), network.values()
    if stored.gains is None:
        return
    for name, units in (("gains", stored.gains), ("shifts", stored.shifts)):
        groups = network.groups.cpu().numpy()
        grouped = np.zeros(len(values[name]))
        grouped[groups] = units
        if not np.array_equal(grouped[groups], units):
            raise ConfigError(
                f"[model] groups: expected groups of units with equal {name} in {path_of(run)}, got "
                f"{run.config.model.groups}"
            )
        values[name] = torch.from_numpy(grouped).to(values[name])
    network.assign(values)


def _stored(run: Run) -> StoredNetwork:
    """The network of the run's file, which fits its task. Raises ConfigError."""
    path, names = path_of(run), (*ELMAN.values(), WEIGHTS, *_readout(run).values())
    where = f"[paths] pretrained: expected a stored Elman model with {', '.join(names)}, or a model.pt, got {path}"
    try:
        loaded: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        stored = _of_model(run, loaded, path) if "network" in loaded else _of_elman(run, loaded)
    except ConfigError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"{where}: {_line(error)}") from None
    _check(run, stored, path, where)
    return stored


def _of_elman(run: Run, loaded: dict[str, Any]) -> StoredNetwork:
    """From the names of torch.nn.RNN and Linear, as bio_rnn_mem writes them. Raises KeyError or AttributeError."""
    interface = {name: loaded[there].numpy() for name, there in (ELMAN | _readout(run)).items()}
    weights = loaded[WEIGHTS].numpy()
    none = np.zeros((len(weights), 0), np.float32)
    factors = tuple(loaded[name].numpy() if name in loaded else none for name in FACTORS)
    factored = loaded[EDGES].numpy() if EDGES in loaded else np.zeros(0, np.int64)
    if factored.dtype != np.int64 or not ((factored >= 0) & (factored < weights.size)).all():
        raise ValueError(f"{EDGES}: expected whole numbers from 0 to {weights.size - 1}, got others")
    edges = np.union1d(np.flatnonzero(weights), factored)
    return StoredNetwork(weights, edges, interface, factors, "edges" if len(factored) else "all")


def _of_model(run: Run, saved: dict[str, Any], path: Path) -> StoredNetwork:
    """From a model.pt. Raises ConfigError, or KeyError for a damaged one."""
    about = saved["network"]
    if "architecture" in about:
        raise ConfigError(f"[paths] pretrained: expected a network of weights, got {path}, which is of cells")
    network = network_from_description(about, _values(saved, file_of(run).epoch, path))
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
        about,
    )


def _check(run: Run, stored: StoredNetwork, path: Path, where: str) -> None:
    """ConfigError for values of other shapes than the run's task has, or of another model."""
    channels, outputs = TASKS[run.config.trialparams.task_name].sizes(vars(run.config.trialparams))
    n, names = len(stored.weights), {**ELMAN, **_readout(run)}
    if not stored.interface and _readout(run):
        raise ConfigError(f"[pretrainedparams] keep_readout: expected False, as {path} has no readout, got True")
    shapes = {"input_weights": (n, channels), "readout_weights": (outputs, n)}
    shapes |= dict.fromkeys(("readout_bias", "readout_gains"), (outputs,))
    parts = [(WEIGHTS, stored.weights, (n, n))]
    for name, there in names.items() if stored.interface else ():
        parts.append((there, stored.interface[name], shapes.get(name, (n,))))
    parts += [(name, values, (n, stored.rank)) for name, values in zip(FACTORS, stored.factors, strict=True)]
    for name, values, shape in parts:
        if values.shape != shape or not np.isfinite(values).all():
            raise ConfigError(f"{where}: {name}: expected finite numbers of shape {shape}, got {values.shape}")
    _check_rank(run, stored.rank, path)
    if stored.rank:
        _check_place(stored.factors_on, run.config.net.factor_on, path)
    for name in MODELLED if stored.description else ():
        there, here = stored.description[name], getattr(run.config.model, name)
        if there != here:
            raise ConfigError(f"[model] {name}: expected {there}, as {path} was trained with it, got {here}")


def _readout(run: Run) -> dict[str, str]:
    return READOUT[run.config.net.readout] if run.config.pretrainedparams.keep_readout else {}


def _same(one: Any, other: Any) -> bool:
    """Whether two entries are equal; numbers as they are in the coarser precision."""
    tensors = [isinstance(each, Tensor) for each in (one, other)]
    if not all(tensors):
        return not any(tensors) and one == other
    one, other = (each.cpu().float() if each.is_floating_point() else each.cpu() for each in (one, other))
    return torch.equal(one, other)


def _line(error: Exception) -> str:
    known = isinstance(error, (KeyError, ValueError))  # of torch's own words some advise to switch safety off
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}" if known else type(error).__name__
