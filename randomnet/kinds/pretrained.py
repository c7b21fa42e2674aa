"""Models of an earlier experiment that a run starts from: [paths] pretrained and [pretrainedparams].

A spectrum run takes over the last values of model.pt on the same network. A task run takes over one stored Elman model
(model_state_dict_epoch_E_iter_I.pth, RandomNet's or bio_rnn_mem's) of the same or another task: its recurrent network
with the edges that it has, its input weights and biases; the readout is new, unless keep_readout is True. Factors of
low rank are taken over as the first ones of the run's own.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randomnet.config import ConfigError, Run
from randomnet.connectome import Connectome
from randomnet.rnn import FACTORS, Network
from randomnet.tasks import TASKS

SHARED = ("n", "edges", "groups", "drive", "activation", "form", "dt", "leaks")  # of model.pt and of who takes it over
EDGES = "factor_edges"  # where a stored Elman model has factors on edges: these
ELMAN = ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0")
READOUT = {  # names in the network -> in the stored model, by net.readout
    "linear": {"readout_weights": "fc.weight", "readout_bias": "fc.bias"},
    "overlap": {"readout_gains": "readout_gains"},
}


def take_over(run: Run, network: Network) -> None:
    """Give the network of a spectrum run the last values of its model.pt. Raises ConfigError where they do not fit."""
    path = path_of(run)
    where = f"[paths] pretrained: expected a model.pt of RandomNet on the same network and groups, got {path}"
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        there, here = saved["network"], network.description()
        for what in SHARED:
            if not _same(there.get(what), here[what]):
                raise ConfigError(f"{where}, whose {what} differ")
        weights = saved["last"]["weights"]
        if "weights" not in saved["trained"] and not torch.allclose(weights, network.weights().cpu().to(weights)):
            raise ConfigError(f"{where}, whose untrained weights are others (net.g and net.normalization say which)")
        _check_rank(run, there.get("rank", 0), path)
        if there.get("rank", 0):
            _check_place(there.get("factors_on", "all"), here["factors_on"], path)
        network.assign(_with_factors(saved["last"], network))
    except ConfigError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"{where}: {_line(error)}") from None


def _with_factors(values: dict[str, Any], network: Network) -> dict[str, Any]:
    """The values of a stored network, and the network's own factors beyond those that it has."""
    own = network.values()
    for name in FACTORS if network.rank else ():
        held = values.get(name, own[name][:, :0])
        values = values | {name: torch.cat([held.to(own[name]), own[name][:, held.shape[1] :]], 1)}
    return values


def factors_of(run: Run) -> list[np.ndarray]:
    """Output patterns and selection vectors (N, K') of the stored model, K' = 0 where it has none, and at most the
    run's rank. Raises ConfigError."""
    _, state = _elman(run)
    return [state[name] for name in FACTORS]


def _check_rank(run: Run, held: int, path: Path) -> None:
    if held > run.config.net.rank:
        came = run.config.net.rank
        raise ConfigError(f"[net] rank: expected at least {held}, the number of factors of {path}, got {came}")


def _check_place(held: str, own: str, path: Path) -> None:
    if held != own:
        raise ConfigError(f"[net] factor_on: expected with net.dales_law that of {path}, whose factors act on {held}, "
                          f"got {own}")  # fmt: skip


def connectome_of(run: Run) -> Connectome:
    """The recurrent network of the stored model as a Connectome: its edges are its weights that are not 0, and those
    that its factors act on."""
    path, state = _elman(run)
    weights = state["rnn.weight_hh_l0"]
    net = run.config.net
    if run.config.drawn_at_random and net.n not in (type(net).n, len(weights)):
        raise ConfigError(f"[net] n: expected {len(weights)}, the units of {path}, or left out, got {net.n}")
    there = weights != 0
    there.flat[state[EDGES]] = True
    post, pre = np.nonzero(there)
    return Connectome(
        f"{run.config.net.roi}, pretrained",
        post,
        pre,
        weights[post, pre].astype(np.float64),
        np.array([f"unit{number:04d}" for number in range(len(weights))]),
        provenance={"source": f"pretrained model {path}", "synthetic": not run.config.paths.path_to_network},
    )


def inputs_of(run: Run) -> dict[str, np.ndarray]:
    """Input weights (N, channels) and both biases (N,) of the stored model, and if it is kept its readout."""
    _, state = _elman(run)
    return {name: state[stored] for name, stored in _readout(run).items()} | {
        "input_weights": state["rnn.weight_ih_l0"],
        "input_bias": state["rnn.bias_ih_l0"],
        "recurrent_bias": state["rnn.bias_hh_l0"],
    }


def _elman(run: Run) -> tuple[Path, dict[str, np.ndarray]]:
    path = path_of(run)
    names = (*ELMAN, *_readout(run).values())
    where = f"[paths] pretrained: expected a stored Elman model with {', '.join(names)}, got {path}"
    try:
        loaded: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        state = {name: loaded[name].numpy() for name in names}
        none = np.zeros((len(state["rnn.weight_hh_l0"]), 0), np.float32)
        state |= {name: loaded[name].numpy() if name in loaded else none for name in FACTORS}
        state[EDGES] = loaded[EDGES].numpy() if EDGES in loaded else np.zeros(0, np.int64)
        rank = state[FACTORS[0]].shape[1]
    except Exception as error:  # a damaged file can raise nearly anything
        raise ConfigError(f"{where}: {_line(error)}") from None
    channels, outputs = TASKS[run.config.trialparams.task_name].sizes(vars(run.config.trialparams))
    n = len(state["rnn.weight_hh_l0"])
    shapes = {"rnn.weight_ih_l0": (n, channels), "rnn.weight_hh_l0": (n, n)} | dict.fromkeys(FACTORS, (n, rank))
    shapes |= {"fc.weight": (outputs, n), "fc.bias": (outputs,), "readout_gains": (outputs,)}
    for name in (*names, *FACTORS):
        expected = shapes.get(name, (n,))
        if state[name].shape != expected or not np.isfinite(state[name]).all():
            raise ConfigError(f"{where}: {name}: expected finite numbers of shape {expected}, got {state[name].shape}")
    _check_rank(run, rank, path)
    if rank:
        _check_place("edges" if len(state[EDGES]) else "all", run.config.net.factor_on, path)
    if state[EDGES].dtype != np.int64 or not ((state[EDGES] >= 0) & (state[EDGES] < n * n)).all():
        raise ConfigError(f"{where}: {EDGES}: expected whole numbers from 0 to {n * n - 1}, got others")
    return path, state


def _readout(run: Run) -> dict[str, str]:
    return READOUT[run.config.net.readout] if run.config.pretrainedparams.keep_readout else {}


def path_of(run: Run) -> Path:
    """The file that is meant: paths.pretrained itself, or the one of the run's combo number in that results folder."""
    path, which = Path(run.config.paths.pretrained).expanduser(), run.config.pretrainedparams
    inside = f"iter_{run.iteration}/model.pt"
    if run.config.has_task:
        inside = f"model_state_dict_epoch_{which.pretrained_epoch}_iter_{which.pretrained_iteration}.pth"
    if os.path.isdir(path):
        path = path / str(run.combo) / inside
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise ConfigError(f"[paths] pretrained: expected a results folder with a model for every run, got no {path}")
    return path


def _same(one: Any, other: Any) -> bool:
    """Whether two entries are equal; numbers as they are in the coarser precision."""
    tensors = [isinstance(each, torch.Tensor) for each in (one, other)]
    if not all(tensors):
        return not any(tensors) and one == other
    one, other = (each.cpu().float() if each.is_floating_point() else each.cpu() for each in (one, other))
    return torch.equal(one, other)


def _line(error: Exception) -> str:
    known = isinstance(error, (KeyError, ValueError))  # of torch's own words some advise to switch safety off
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}" if known else type(error).__name__
