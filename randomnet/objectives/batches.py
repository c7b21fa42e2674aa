"""Trials as tensors: the batch of one update, for one network or for several networks side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Trials on the device: inputs (time, trials, channels), targets (time, trials[, outputs]).

    weights (time, trials[, 1 or outputs]): weight of each step in the loss, 0 where it is not scored; see
    `task_losses`. scored: the number of steps, or of decisions, over which figures are means. phases (trials, E),
    conditions (trials,): as in `Trials`, for the losses that need them. For several networks side by side, everything
    has a leading axis of runs, and scored has shape (runs,).
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    scored: Tensor  # float64
    phases: Tensor | None = None
    conditions: Tensor | None = None

    def select(self, indices: Sequence[int]) -> "Batch":
        """The batch of some of the runs."""
        return Batch(*(None if values is None else values[list(indices)] for values in self.parts()))

    def padded(self, steps: int) -> "Batch":
        """One network's batch with this many steps; the added steps have no input and no weight."""
        missing = steps - len(self.inputs)
        if not missing:
            return self
        over_time = (self.inputs, self.targets, self.weights)
        longer = [torch.cat([values, values.new_zeros(missing, *values.shape[1:])]) for values in over_time]
        return Batch(*longer, *self.parts()[3:])

    def parts(self) -> list[Tensor | None]:
        """The values of the fields."""
        return [getattr(self, entry.name) for entry in fields(self)]

    def select_trials(self, indices: Tensor) -> "Batch":
        """Some trials of one network's batch, up to the end of the longest; each counts as one scored trial."""
        over_time = (self.inputs, self.targets, self.weights)
        inputs, targets, weights = (values.index_select(1, indices) for values in over_time)
        phases, conditions = (values.index_select(0, indices) for values in (self.phases, self.conditions))
        scored = self.scored.new_tensor(float(len(indices)))
        return Batch(inputs, targets, weights, scored, phases, conditions).trimmed()

    def trimmed(self) -> "Batch":
        """One network's batch without the steps after the end of the longest trial, where trials have phases."""
        steps = len(self.inputs) if self.phases is None else int(self.phases[:, -1].max())
        return Batch(self.inputs[:steps], self.targets[:steps], self.weights[:steps], *self.parts()[3:])


def stack_batches(batches: Sequence[Batch]) -> Batch:
    """One batch with a leading axis of runs from the batches of several networks.

    Their shapes must agree but for the number of steps; shorter ones are padded.
    """
    steps = max(len(batch.inputs) for batch in batches)
    parts = zip(*(batch.padded(steps).parts() for batch in batches), strict=True)
    return Batch(*(None if part[0] is None else torch.stack(part) for part in parts))


@dataclass
class Shuffle:
    """Draws the batches of each epoch anew: each batch has trials of one condition, and equal sizes in all networks.

    seed: of all epochs; the generator of an epoch is seeded with the seed and the number of the epoch. updates: how
    many updates there were, which determines the epoch.
    """

    size: int
    seed: int
    updates: int = 0

    def batches(self, conditions: np.ndarray) -> list[np.ndarray]:
        """Trial indices of each batch of the epoch.

        conditions: (trials,), with equally many trials of each condition. Each round visits every condition once, in
        random order.
        """
        trials, labels = len(conditions), np.unique(conditions)
        rounds = -(-trials // (len(labels) * self.size))
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates // (rounds * len(labels))]))
        by_condition = [rng.permutation(np.flatnonzero(conditions == label)) for label in labels]
        cuts = range(0, rounds * self.size, self.size)
        return [by_condition[index][start : start + self.size]
                for start in cuts for index in rng.permutation(len(labels))]  # fmt: skip
