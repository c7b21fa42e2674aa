"""The interface of an objective: it provides the batches of an epoch and measures networks on each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

MOST_UPDATES = 10**12  # or epochs, of one training


@dataclass(frozen=True)
class Measurement:
    """The result for one network on one batch: a scalar loss with its graph, and figures to record.

    weight: weight of the batch in the means over its epoch; for a task, its number of scored steps. problem: why the
    loss or its gradient is invalid, or ''. provisional: whether the loss covers only a part of the objective, so that
    it cannot be compared with other losses. end: (1 + k, N), the state and frame at the end of a trajectory.
    """

    loss: Tensor
    figures: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    problem: str = ""
    provisional: bool = False
    end: Tensor | None = None


class Objective(Protocol):
    """What networks are trained on, each independently of the others."""

    def batches(self) -> Sequence[Any]:
        """The batches of one epoch, one update each.

        A batch is None or, for several networks, an object whose `select(indices)` is the batch of some of them.
        """
        ...

    def measure(self, networks: Sequence[Any], batch: Any, evaluation: bool = False) -> list[Measurement]:
        """The loss of each network on a batch.

        evaluation: measure the loss that is reported, without training noise, dropout or shortcuts of training.
        """
        ...

    def validate(self, networks: Sequence[Any], epoch: int | None) -> list[dict[str, float]]:
        """Validation figures of each network after this many epochs; None means the end of training.

        The lowest `validate_loss` among them decides which network is the best. Empty where there is no validation.
        """
        ...

    def select(self, indices: Sequence[int]) -> "Objective":
        """The objective of some of the networks."""
        ...

    def states(self) -> list[dict[str, Any]]:
        """The objective's state for each network, such as counts of updates, to be saved in a checkpoint."""
        ...

    def can_load(self, states: Sequence[Any]) -> bool:
        """Whether values of a file are such `states()`, one for each network."""
        ...

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Resume from such `states()`."""
        ...


def are_counts(states: Sequence[Any], expected: Sequence[Mapping[str, int]]) -> bool:
    """Return whether states have the counts of others, as whole numbers from 0 on.

    >>> from randomnet.objectives.interface import are_counts
    >>> are_counts([{"updates": 3}], [{"updates": 0}]), are_counts([{"updates": -3}], [{"updates": 0}])
    (True, False)
    """
    return len(states) == len(expected) and all(
        isinstance(state, dict) and all(is_count(state.get(name)) for name in names)
        for state, names in zip(states, expected, strict=True)
    )


def is_count(value: Any) -> bool:
    """Return whether a value is a number of epochs or updates of one training."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_UPDATES
