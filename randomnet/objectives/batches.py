"""Trials as tensors: what is judged at one update, of one network or of several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Trials on the device: inputs (time, trials, channels), targets (time, trials[, outputs]).

    weights (time, trials[, 1 or outputs]): how much each step counts, 0 where it does not; see `judging`. scored: of
    how many steps, or decisions, figures are the mean. Of several networks side by side: everything with a leading axis
    of runs, scored (runs,).
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    scored: Tensor  # float64

    def only(self, indices: Sequence[int]) -> "Batch":
        """That of some of the runs."""
        return Batch(*(getattr(self, entry.name)[list(indices)] for entry in fields(self)))


def stacked_batches(batches: Sequence[Batch]) -> Batch:
    """The batches of several networks, of one shape, as one with a leading axis of runs."""
    return Batch(*(torch.stack([getattr(batch, entry.name) for batch in batches]) for entry in fields(Batch)))
