"""Integration steps of differential equations, for states and for bundles of state and tangent vectors."""

from collections.abc import Callable

import torch
from torch import Tensor


def runge_kutta(velocity: Callable[[Tensor], Tensor], start: Tensor, dt: float) -> Tensor:
    """The state after one classical fourth-order Runge-Kutta step of x' = velocity(x).

    The first three velocities are recovered from the stages, so `velocity` may return the same buffer at every call.
    """
    second = torch.add(start, velocity(start), alpha=dt / 2)
    third = torch.add(start, velocity(second), alpha=dt / 2)
    fourth = torch.add(start, velocity(third), alpha=dt)
    combined = torch.sub(second, start).add_(fourth).add_(third, alpha=2).div_(3)
    return combined.add_(velocity(fourth), alpha=dt / 6)
