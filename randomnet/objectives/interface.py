"""What an objective is: it gives the batches of an epoch and measures networks on each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from randomnet.rnn import Network


@dataclass(frozen=True)
class Measured:
    """What an objective found of one network on one batch: a scalar loss with its graph, and figures worth recording.

    weight: how much the batch counts in the means of its epoch (for a task, its number of scored steps). trouble: why
    the loss, or its gradient, means nothing; or ''. provisional: whether it is of less than is asked for, so that it
    cannot be compared with others. end: (1 + k, N), where a trajectory ended.
    """

    loss: Tensor
    figures: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    trouble: str = ""
    provisional: bool = False
    end: Tensor | None = None


class Objective(Protocol):
    """What networks are trained on, each on its own."""

    def batches(self) -> Sequence[Any]:
        """What one epoch steps through, an update for each: None, or of several networks something that has an
        `only(indices)` of its own for some of them."""
        ...

    def measure(self, networks: Sequence[Network], batch: Any, fresh: bool = False) -> list[Measured]:
        """The loss of each network on a batch; fresh: as it is reported, whatever was done on the way to save time."""
        ...

    def validate(self, networks: Sequence[Network], epoch: int | None) -> list[dict[str, float]]:
        """Figures of each network after so many epochs, None for the last; `validate_loss` among them decides which is
        best. Empty where there is no validation."""
        ...

    def only(self, indices: Sequence[int]) -> "Objective":
        """That of some of the networks."""
        ...

    def states(self) -> list[dict[str, Any]]:
        """What it has learnt of each network on the way, to be kept with a checkpoint."""
        ...

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        ...
