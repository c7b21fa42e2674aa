"""Systems with inputs as maps: under an input that stays, for fixed points, and along inputs, for exponents."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from randomnet.analysis import Jacobian, autodiff_jacobian, jacobian_of
from randomnet.analysis.linear import Map
from randomnet.artifacts.trained_networks import TrainedNetwork
from randomnet.rnn import with_input


class Stepped(Protocol):
    """What is compared: n states, channels of the input, dt, and a step of states (B, n) under inputs (B, channels)."""

    n: int
    channels: int
    dt: float

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The states one step later."""
        ...


def held(system: Stepped, x: Tensor) -> tuple[Map, Jacobian]:
    """The step under x (channels,), and its Jacobian: in closed form for RandomNet's networks."""
    if isinstance(system, TrainedNetwork):
        fixed = with_input(system.system, system.interface, x)
        return fixed.step, jacobian_of(fixed)

    def step(states: Tensor) -> Tensor:
        return system.step(states, x.to(states).expand(len(states), -1))

    return step, autodiff_jacobian(step)


def _jacobians(system: Stepped, states: Tensor, inputs: Tensor) -> Tensor:
    """(B, n, n), of the step at states (B, n), each under its own inputs (B, channels)."""
    if isinstance(system, TrainedNetwork):
        return jacobian_of(with_input(system.system, system.interface, inputs))(states)

    def alone(state: Tensor, x: Tensor) -> Tensor:
        return system.step(state.unsqueeze(0), x.unsqueeze(0)).squeeze(0)

    return torch.func.vmap(torch.func.jacrev(alone))(states, inputs)


@dataclass(frozen=True)
class Driven:
    """A `lyapunov.System`: the step along inputs (T, channels), which begin anew after their last.

    The Jacobians of the steps of one call are made together, which is many times faster than a product with each.
    """

    system: Stepped
    inputs: Tensor
    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors after `steps` steps from the time `start`, in steps."""
        given = self.inputs[torch.arange(start, start + steps) % len(self.inputs)].to(bundle)
        states, frame = [bundle[:1]], bundle[1:]
        for x in given.split(1):
            states.append(self.system.step(states[-1], x))
        if len(frame):
            for jacobian in _jacobians(self.system, torch.cat(states[:-1]), given):
                frame = frame @ jacobian.mT
        return torch.cat([states[-1], frame])


def driven(system: Stepped, inputs: Tensor, dt: float) -> Driven:
    """The system along inputs (T, channels). Raises ValueError for other channels."""
    if inputs.ndim != 2 or inputs.shape[1] != system.channels:
        raise ValueError(f"inputs must have shape (time, {system.channels}), got {tuple(inputs.shape)}")
    return Driven(system, inputs, dt)
