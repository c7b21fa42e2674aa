"""Checkpoints and models as torch saves them."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from randomnet import results
from randomnet.objectives import Objective
from randomnet.schema.plan import Run
from randomnet.training import Progress, Settings, Trainable, are_numbers, can_go_on

Members = list[list[int]]  # combo and iteration of each run


def torch_bytes(record: dict[str, Any]) -> bytes:
    """Return a record of tensors and plain values as torch saves it; equal values give equal bytes.

    Values that share memory in a training share none after its checkpoint was read, which torch would tell apart.
    """
    buffer = io.BytesIO()
    torch.save(_unshared(record), buffer)
    return buffer.getvalue()


def _unshared(value: Any) -> Any:
    """Return the value with tensors of their own memory and containers of their own; equal texts are one object."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()  # with its order of dimensions, on which the bytes of arrays.npz depend
    if isinstance(value, dict):
        return {_unshared(key): _unshared(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_unshared(item) for item in value])
    return sys.intern(value) if type(value) is str else value


def _detached(value: Any) -> Any:
    """Return the value with tensors that no gradient is computed for, as in every file that `torch_bytes` made."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, dict):
        return {key: _detached(item) for key, item in value.items()}
    return type(value)([_detached(item) for item in value]) if type(value) in (list, tuple) else value


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the checkpoint; None without one, or with a damaged one, which is renamed so that the runs start anew."""
    if not path.exists():
        return None
    try:
        loaded = _detached(torch.load(path, weights_only=True, map_location=device))
    except Exception:  # a damaged file can raise nearly anything
        loaded = None
    if isinstance(loaded, dict):
        return loaded
    set_aside(path)
    return None


def members_of(runs: Sequence[Run]) -> Members:
    """Return the numbers of the runs, as a checkpoint has them."""
    return [[run.combo, run.iteration] for run in runs]


def set_aside(path: Path) -> None:
    """Rename a checkpoint that cannot be used, so that its runs start anew."""
    path.replace(path.with_suffix(".damaged"))


def continued(
    paths: Sequence[Path],
    checkpoint: dict[str, Any] | None,
    networks: Sequence[Trainable],
    objective: Objective,
    settings: Sequence[Settings],
    needed: Sequence[str] = (),
) -> dict[str, Any] | None:
    """Return a checkpoint from which these networks can train on; None for any other, whose files are renamed.

    It has the entries `needed`, one for each network, seconds, and `training`: a state of each network.
    """
    if checkpoint is None:
        return None
    states, *others = (checkpoint.get(name) for name in ("training", *needed))
    is_whole = all(isinstance(each, list) and len(each) == len(networks) for each in (states, *others))
    is_whole = is_whole and are_numbers([checkpoint.get("seconds")])
    are_trained = is_whole and all(map(can_go_on, states, networks, settings))
    if are_trained and objective.can_load([state.get("objective") for state in states]):
        return checkpoint
    for path in paths:
        set_aside(path)
    return None


def status_of(progress: Progress) -> str:
    """Return how a training ended, as run.json has it."""
    if progress.diverged:
        return results.DIVERGED
    return results.STOPPED if progress.halved else results.COMPLETE


def last_and_best(network: Trainable, progress: Progress) -> dict[str, Any]:
    """Return the network's values after the last update and at the lowest loss, with the numbers of their epochs."""
    names, values = list(network.values()), (progress.last, progress.best or progress.last)
    last, best = ({name: named[name] for name in names} for named in values)
    epochs = {"best_epoch": progress.best_epoch, "last_epoch": progress.last_epoch}
    return {"last": last, "best": best, **epochs}
