"""Whether a training can go on from a saved state, which may be damaged, forged or of another training."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

import torch
from torch import Tensor

from randomnet.objectives import is_count
from randomnet.optimizers import Optimizer
from randomnet.training.loop import Trainable
from randomnet.training.progress import Progress
from randomnet.training.settings import Settings

LOSS, VALIDATED = "train_loss", "validate_loss"  # columns of a history on which training depends
NAMES = {entry.name for entry in fields(Progress)}
OLD_NAMES = {"final_loss"}  # of earlier versions, whose states have no `epoch`
NEW_NAMES = {"epoch", "last_epoch", "lowest", "lowest_epoch", "updates"}


def can_go_on(state: Any, network: Trainable, settings: Settings) -> bool:
    """Return whether `training.fit` can resume a network from a state, whose `objective` the objective checks itself.

    Its values and the running means of its optimizer have the shapes and types of the network's, and are finite where a
    training that has not ended has finite ones. Its progress has the fields of Progress, and one row for each epoch.
    """
    parts = ("progress", "optimizer", "values")
    if not isinstance(state, dict) or not all(isinstance(state.get(name), dict) for name in parts):
        return False
    values, progress = network.values(), state["progress"]
    if not _is_progress(progress, values):
        return False
    has_ended = bool(progress.get("reason"))
    is_network = are_values(state["values"], values, finite=not has_ended)
    return is_network and _is_optimizer(state["optimizer"], network, settings, has_ended)


def are_values(saved: Any, values: Mapping[str, Tensor], finite: bool = False) -> bool:
    """Return whether tensors have the names, shapes and types of others; finite: and are finite where these are."""
    if not isinstance(saved, dict) or saved.keys() != values.keys():
        return False
    return all(_is_like(saved[name], value) and (not finite or _is_finite(saved[name]) or not _is_finite(value))
               for name, value in values.items())  # fmt: skip


def _is_like(saved: Any, value: Tensor) -> bool:
    if not isinstance(saved, Tensor) or saved.is_meta:  # which has no numbers
        return False
    return (saved.shape, saved.dtype, saved.layout) == (value.shape, value.dtype, value.layout)


def _is_finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())


def _is_optimizer(saved: Mapping[str, Any], network: Trainable, settings: Settings, has_ended: bool) -> bool:
    """Return whether running means are those of the optimizer; they may overflow, but have no nan while it trains.

    The last mean of each rule that has one is that of squares, which are not negative.
    """
    trained = [parameter for _, parameter in network.named_parameters() if parameter.requires_grad]
    expected, means = Optimizer(settings.optimizer, trained, settings.lr).means, saved.get("means")
    if not isinstance(means, (list, tuple)) or len(means) != len(expected):
        return False
    like = all(map(_is_like, means, expected)) and not any(bool((mean < 0).any()) for mean in means[-1:])
    return like and is_count(saved.get("updates")) and (has_ended or not any(bool(m.isnan().any()) for m in means))


def _is_progress(saved: Mapping[str, Any], values: Mapping[str, Tensor]) -> bool:
    """Return whether a progress has the fields of Progress; those of earlier versions lack some, such as `epoch`."""
    allowed = NAMES if "epoch" in saved else (NAMES - NEW_NAMES) | OLD_NAMES
    if not {"history", "best_loss", "best_epoch"} <= saved.keys() <= allowed:
        return False
    for name in ("best", "last"):
        if saved.get(name) not in (None, {}) and not are_values(saved[name], values):
            return False
    if not all(_is_field(saved[entry.name], entry.default) for entry in fields(Progress)
               if entry.name in saved and entry.default is not MISSING):  # fmt: skip
        return False
    return _is_row(saved.get("updates", {})) and _are_rows(saved["history"], saved.get("epoch"))


def _is_field(saved: Any, default: Any) -> bool:
    """Return whether a plain field has the type of its default."""
    if isinstance(default, (bool, str)):
        return type(saved) is type(default)
    return is_count(saved) if isinstance(default, int) else _is_number(saved)


def _are_rows(rows: Any, epoch: int | None) -> bool:
    """Return whether a history has rows of rising epochs, up to that of the training or the one before."""
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        return False
    if not all(LOSS in row and is_count(row.get("epoch")) for row in rows):
        return False
    numbers, validated = [row["epoch"] for row in rows], {VALIDATED in row for row in rows}
    if len(validated) > 1 or any(later <= before for before, later in itertools.pairwise(numbers)):
        return False
    return epoch is None or (epoch - 1 <= numbers[-1] <= epoch if rows else epoch == 0)


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(name, str) and _is_number(value) for name, value in row.items())


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that a float can be; nan and infinities are."""
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def are_numbers(values: Sequence[Any]) -> bool:
    """Return whether all values are finite numbers from 0 on, such as seconds."""
    return all(_is_number(value) and math.isfinite(value) and value >= 0 for value in values)
