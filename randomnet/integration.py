"""Steps of differential equations, of anything that a step moves: states, or bundles of state and tangent vectors."""

from collections.abc import Callable

import torch
from torch import Tensor


def runge_kutta(velocity: Callable[[Tensor], Tensor], start: Tensor, dt: float) -> Tensor:
    """The classical fourth-order step of x' = velocity(x); the first three velocities enter by where they lead.

    What `velocity` returns is used before its next call, so that it may be the same buffer each time.
    """
    two = torch.add(start, velocity(start), alpha=dt / 2)
    three = torch.add(start, velocity(two), alpha=dt / 2)
    four = torch.add(start, velocity(three), alpha=dt)
    places = torch.sub(two, start).add_(four).add_(three, alpha=2).div_(3)
    return places.add_(velocity(four), alpha=dt / 6)
