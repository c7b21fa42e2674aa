"""Optimizers with the update rules and default constants of the classes of the same names in torch.optim.

| name    | running means                                | direction d of an update p <- p - lr d                     |
|---------|----------------------------------------------|------------------------------------------------------------|
| Adam    | m <- .9 m + .1 g, v <- .999 v + .001 g^2     | m/(1 - .9^t) / (sqrt(v/(1 - .999^t)) + 1e-8)               |
| AdamW   | as Adam                                      | as Adam, plus .01 p                                        |
| RMSprop | v <- .99 v + .01 g^2                         | g / (sqrt(v) + 1e-8)                                       |
| SGD     | none                                         | g                                                          |

eps (1e-8) and the decay of AdamW (.01) are options. For the other rules a weight decay adds decay p to g.

All parameters of a network are updated as one vector: they are small, and a dozen calls for each would take longer than
the arithmetic. Also, the first torch.optim object in a process takes seconds, because it loads torch.compile.
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
    """An update rule: one row of the table.

    means: the number of running means. direction(means, gradient, t, eps) returns d at the t-th update, and updates the
    running means in place. decay: the default decoupled weight decay; None where a decay is part of the gradient.
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
    """An update rule applied to parameters. decay: weight decay, None for the default of the rule."""

    def __init__(
        self, name: str, parameters: Sequence[Tensor], lr: float, decay: float | None = None, eps: float = EPS
    ) -> None:
        self.rule, self.parameters, self.lr, self.eps = OPTIMIZERS[name], list(parameters), lr, eps
        self.decay = (self.rule.decay or 0.0) if decay is None else decay
        self.updates = 0
        self.means = [self.flatten_gradients([None] * len(self.parameters)) for _ in range(self.rule.means)]

    def flatten_gradients(self, gradients: Sequence[Tensor | None]) -> Tensor:
        """The gradients of all parameters as one vector, with zeros in place of None."""
        pairs = zip(self.parameters, gradients, strict=True)
        flat = [(torch.zeros_like(parameter) if value is None else value).flatten() for parameter, value in pairs]
        return torch.cat(flat) if flat else torch.zeros(0)

    def split_like_parameters(self, vector: Tensor) -> list[Tensor]:
        """Views of parts of such a vector, in the shapes of the parameters."""
        parts = vector.split([parameter.numel() for parameter in self.parameters])
        return [part.view_as(parameter) for part, parameter in zip(parts, self.parameters, strict=True)]

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Update the parameters from `gradient`, a vector as from `flatten_gradients`."""
        self.updates += 1
        decoupled = self.rule.decay is not None
        if self.decay and not decoupled:
            values = torch.cat([parameter.flatten() for parameter in self.parameters])
            gradient = gradient.add(values, alpha=self.decay)
        direction = self.rule.direction(self.means, gradient, self.updates, self.eps)
        for parameter, part in zip(self.parameters, self.split_like_parameters(direction), strict=True):
            if self.decay and decoupled:
                parameter.mul_(1 - self.lr * self.decay)
            parameter.add_(part, alpha=-self.lr)

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint. The tensors are not copied."""
        return {"updates": self.updates, "means": self.means}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from a state returned by `state`."""
        self.updates = state["updates"]
        for mean, saved in zip(self.means, state["means"], strict=True):
            mean.copy_(saved)
