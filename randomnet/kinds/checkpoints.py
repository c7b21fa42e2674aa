"""Checkpoints and models as torch saves them."""

import io
import sys
from pathlib import Path
from typing import Any

import torch

from randomnet import results
from randomnet.training import Progress, Trainable


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
        return value.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(value, dict):
        return {_unshared(key): _unshared(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_unshared(item) for item in value])
    return sys.intern(value) if type(value) is str else value


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the checkpoint; None without one, or with a damaged one, which is renamed so that the runs start anew."""
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True, map_location=device)
    except Exception:  # a damaged file can raise nearly anything
        path.replace(path.with_suffix(".damaged"))
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
