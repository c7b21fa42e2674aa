"""What is minimised. An objective takes a network and returns its loss and what is worth recording with it.

Losses of the leading exponents lambda_1..lambda_k, sorted descending (FlyStability's, its defects 6 and 8 mended):

| name  | formula                                                                     | unit    |
|-------|-----------------------------------------------------------------------------|---------|
| l2    | sqrt(sum_i (lambda_i - target_i)^2)                                         | 1/tau   |
| mse   | mean_i (lambda_i - target_i)^2                                              | 1/tau^2 |
| sinai | -(sum of the positive lambda_i): minimising it maximises the entropy rate   | 1/tau   |
"""

from collections.abc import Callable
from dataclasses import dataclass

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
    """What an objective found: a scalar loss with its graph, and the largest exponent (per tau)."""

    loss: Tensor
    lambda_max: float


Objective = Callable[[Network], Measured]


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

    def __call__(self, network: Network) -> Measured:
        """The loss of the network's present parameters."""
        found = exponents(network.dynamics(), self.state, self.frame, self.schedule)
        return Measured(LOSSES[self.loss](found, self.target), float(found[0].detach()))
