"""What is minimised. An objective gives the batches of an epoch and measures a network on each of them.

Losses of the leading exponents lambda_1..lambda_k, sorted descending (FlyStability's, its defects 6 and 8 mended):

| name  | formula                                                                     | unit    |
|-------|-----------------------------------------------------------------------------|---------|
| l2    | sqrt(sum_i (lambda_i - target_i)^2)                                         | 1/tau   |
| mse   | mean_i (lambda_i - target_i)^2                                              | 1/tau^2 |
| sinai | -(sum of the positive lambda_i): minimising it maximises the entropy rate   | 1/tau   |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, exponents
from randomnet.rnn import Network

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": lambda found, target: torch.linalg.vector_norm(found - target),
    "mse": lambda found, target: (found - target).square().mean(),
    "sinai": lambda found, target: -torch.relu(found).sum(),
}


@dataclass(frozen=True)
class Measured:
    """What an objective found on one batch: a scalar loss with its graph, and figures worth recording.

    weight: how much the batch counts in the means of its epoch (for a task, its number of scored steps).
    """

    loss: Tensor
    figures: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0


class Objective(Protocol):
    """What a network is trained on."""

    def batches(self) -> Sequence[Any]:
        """What one epoch steps through, an update for each."""
        ...

    def measure(self, network: Network, batch: Any) -> Measured:
        """The loss of the network on a batch."""
        ...

    def validate(self, network: Network, epoch: int) -> dict[str, float]:
        """Figures of the network after the updates of an epoch; `validate_loss` among them decides which is best."""
        ...


@dataclass(frozen=True)
class SpectrumObjective:
    """A loss of the k leading exponents, always from the same `state` (N,) and `frame` (k, N).

    target (k,) is ignored by `sinai`. Raises ValueError for an unknown loss or a target of another length.
    """

    loss: str
    target: Tensor
    state: Tensor
    frame: Tensor
    schedule: Schedule

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {self.loss!r}")
        if self.target.shape != self.frame.shape[:1]:
            raise ValueError(
                f"target must have shape {tuple(self.frame.shape[:1])}, one value per exponent, "
                f"got {tuple(self.target.shape)}"
            )

    def batches(self) -> Sequence[None]:
        """One: the whole trajectory."""
        return (None,)

    def measure(self, network: Network, batch: None) -> Measured:
        """The loss of the network's present parameters, with lambda_max (per tau)."""
        found = exponents(network.dynamics(), self.state, self.frame, self.schedule)
        return Measured(LOSSES[self.loss](found, self.target), {"lambda_max": float(found[0].detach())})

    def validate(self, network: Network, epoch: int) -> dict[str, float]:
        """Nothing: a trajectory has no other half."""
        return {}
