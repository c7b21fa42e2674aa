"""Trials as tensors: what is judged at one update, of one network or of several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Trials on the device: inputs (time, trials, channels), targets (time, trials[, outputs]).

    weights (time, trials[, 1 or outputs]): how much each step counts, 0 where it does not; see `judging`. scored: of
    how many steps, or decisions, figures are the mean. phases (trials, E), conditions (trials,): as of `Trials`, where
    judging needs them. Of several networks side by side: everything with a leading axis of runs, scored (runs,).
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    scored: Tensor  # float64
    phases: Tensor | None = None
    conditions: Tensor | None = None

    def only(self, indices: Sequence[int]) -> "Batch":
        """That of some of the runs."""
        return Batch(*(None if values is None else values[list(indices)] for values in self.parts()))

    def up_to(self, steps: int) -> "Batch":
        """Of one network, with steps without input and weight up to so many."""
        more = steps - len(self.inputs)
        if not more:
            return self
        over_time = (self.inputs, self.targets, self.weights)
        longer = [torch.cat([values, values.new_zeros(more, *values.shape[1:])]) for values in over_time]
        return Batch(*longer, *self.parts()[3:])

    def parts(self) -> list[Tensor | None]:
        """The values of its fields."""
        return [getattr(self, entry.name) for entry in fields(self)]

    def some(self, chosen: Tensor) -> "Batch":
        """Of one network, the trials of these indices, each of which counts as one, up to the end of the longest."""
        over_time = [values.index_select(1, chosen) for values in (self.inputs, self.targets, self.weights)]
        of_each = [values.index_select(0, chosen) for values in (self.phases, self.conditions)]
        scored = self.scored.new_tensor(float(len(chosen)))
        return Batch(*over_time, scored, *of_each).ended()  # type: ignore[call-arg]

    def ended(self) -> "Batch":
        """Of one network, without the steps after the end of the longest trial, where trials have phases."""
        steps = len(self.inputs) if self.phases is None else int(self.phases[:, -1].max())
        return Batch(self.inputs[:steps], self.targets[:steps], self.weights[:steps], *self.parts()[3:])


def stacked_batches(batches: Sequence[Batch]) -> Batch:
    """The batches of several networks, of one shape but for steps after their end, as one with a leading axis of
    runs."""
    longest = max(len(batch.inputs) for batch in batches)
    parts = zip(*(batch.up_to(longest).parts() for batch in batches), strict=True)
    return Batch(*(None if part[0] is None else torch.stack(part) for part in parts))


@dataclass
class Shuffle:
    """Batches of trials of one condition each, drawn anew in every epoch, of every network in equal sizes.

    seed: of all of it; every epoch has a generator of its own, made of the seed and the epoch's number. updates: how
    many there have been, which says what epoch it is.
    """

    size: int
    seed: int
    updates: int = 0

    def drawn(self, conditions: np.ndarray) -> list[np.ndarray]:
        """The indices of each batch of the epoch; conditions (trials,), each of as many trials. Every round goes
        through the conditions in another order."""
        trials, labels = len(conditions), np.unique(conditions)
        rounds = -(-trials // (len(labels) * self.size))
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.updates // (rounds * len(labels))]))
        each = [rng.permutation(np.flatnonzero(conditions == label)) for label in labels]
        cuts = range(0, rounds * self.size, self.size)
        return [each[one][start : start + self.size] for start in cuts for one in rng.permutation(len(labels))]
