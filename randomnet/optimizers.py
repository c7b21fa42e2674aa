"""Update rules: torch.optim's of the same names, with its default constants.

| name    | running means                                | direction d of an update p <- p - lr d                     |
|---------|----------------------------------------------|------------------------------------------------------------|
| Adam    | m <- .9 m + .1 g, v <- .999 v + .001 g^2     | m/(1 - .9^t) / (sqrt(v/(1 - .999^t)) + 1e-8)               |
| AdamW   | as Adam                                      | as Adam, plus .01 p                                        |
| RMSprop | v <- .99 v + .01 g^2                         | g / (sqrt(v) + 1e-8)                                       |
| SGD     | none                                         | g                                                          |

eps and the decay of AdamW may be others than 1e-8 and .01; a decay of the other rules is added to g, as decay p.

All parameters of a network move as one vector: these are small, and a dozen calls for each of them would take longer
than the arithmetic. (Beside that, the first torch.optim in a process takes seconds, to load what torch.compile needs.)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

EPS = 1e-8


@dataclass(frozen=True)
class Rule:
    """One row of the table. direction(means, gradient, t, eps) updates the running means in place, at the t-th update.

    decay: of the parameters, beside the direction (decoupled); None: a decay is a part of the gradient.
    """

    means: int
    direction: Callable[[Sequence[Tensor], Tensor, int, float], Tensor]
    decay: float | None = None


def _adam(means: Sequence[Tensor], gradient: Tensor, t: int, eps: float) -> Tensor:
    mean, square = means
    mean.lerp_(gradient, 0.1)
    square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
    scale = square.sqrt().div_(math.sqrt(1 - 0.999**t)).add_(eps)
    return torch.div(mean, scale, out=scale).div_(1 - 0.9**t)


def _rmsprop(means: Sequence[Tensor], gradient: Tensor, t: int, eps: float) -> Tensor:
    (square,) = means
    square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
    return gradient / square.sqrt().add_(eps)


OPTIMIZERS: dict[str, Rule] = {
    "Adam": Rule(2, _adam),
    "RMSprop": Rule(1, _rmsprop),
    "SGD": Rule(0, lambda means, gradient, t, eps: gradient),
    "AdamW": Rule(2, _adam, decay=0.01),
}


class Optimizer:
    """One rule at work on some parameters. decay: of the parameters, None for the rule's own."""

    def __init__(
        self, name: str, parameters: Sequence[Tensor], lr: float, decay: float | None = None, eps: float = EPS
    ) -> None:
        self.rule, self.parameters, self.lr, self.eps = OPTIMIZERS[name], list(parameters), lr, eps
        self.decay = (self.rule.decay or 0.0) if decay is None else decay
        self.updates = 0
        self.means = [self.flatten_gradients([None] * len(self.parameters)) for _ in range(self.rule.means)]

    def flatten_gradients(self, gradients: Sequence[Tensor | None]) -> Tensor:
        """Gradients of the parameters as one vector, 0 where there is none."""
        pairs = zip(self.parameters, gradients, strict=True)
        flat = [(torch.zeros_like(own) if found is None else found).flatten() for own, found in pairs]
        return torch.cat(flat) if flat else torch.zeros(0)

    def split_like_parameters(self, vector: Tensor) -> list[Tensor]:
        """Views of such a vector in the shapes of the parameters."""
        parts = vector.split([parameter.numel() for parameter in self.parameters])
        return [part.view_as(parameter) for part, parameter in zip(parts, self.parameters, strict=True)]

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Update the parameters along a vector of gradients."""
        self.updates += 1
        apart = self.rule.decay is not None
        if self.decay and not apart:
            gradient = gradient.add(torch.cat([one.flatten() for one in self.parameters]), alpha=self.decay)
        direction = self.rule.direction(self.means, gradient, self.updates, self.eps)
        for parameter, part in zip(self.parameters, self.split_like_parameters(direction), strict=True):
            if self.decay and apart:
                parameter.mul_(1 - self.lr * self.decay)
            parameter.add_(part, alpha=-self.lr)

    def state(self) -> dict[str, Any]:
        """What has to be kept to go on; the tensors are its own."""
        return {"updates": self.updates, "means": self.means}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.updates = state["updates"]
        for own, kept in zip(self.means, state["means"], strict=True):
            own.copy_(kept)
