"""Driven systems as maps: inputs frozen, for fixed points, or replayed, for Lyapunov exponents."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from randomnet.analysis import Jacobian, autodiff_jacobian, jacobian_of
from randomnet.analysis.linear import Map
from randomnet.artifacts.trained_networks import TrainedNetwork
from randomnet.rnn import with_input


class DrivenSystem(Protocol):
    """A system with n states, input channels, and a step of time dt for states (B, n) under inputs (B, channels)."""

    n: int
    channels: int
    dt: float

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the states one step later."""
        ...


def freeze_input(system: DrivenSystem, x: Tensor) -> tuple[Map, Jacobian]:
    """Return the step under the constant input x (channels,), and its Jacobian.

    The Jacobian is in closed form for RandomNet's networks, and by automatic differentiation for other systems.
    """
    if isinstance(system, TrainedNetwork):
        frozen = with_input(system.system, system.interface, x)
        return frozen.step, jacobian_of(frozen)

    def step(states: Tensor) -> Tensor:
        return system.step(states, x.to(states).expand(len(states), -1))

    return step, autodiff_jacobian(step)


def _jacobians(system: DrivenSystem, states: Tensor, inputs: Tensor) -> Tensor:
    """Return the Jacobians (B, n, n) of the step at states (B, n), each under its own inputs (B, channels)."""
    if isinstance(system, TrainedNetwork):
        return jacobian_of(with_input(system.system, system.interface, inputs))(states)

    def step_one(state: Tensor, x: Tensor) -> Tensor:
        return system.step(state.unsqueeze(0), x.unsqueeze(0)).squeeze(0)

    return torch.func.vmap(torch.func.jacrev(step_one))(states, inputs)


@dataclass(frozen=True)
class ReplayedSystem:
    """A `lyapunov.System`: a driven system along inputs (T, channels), which repeat after their end.

    The Jacobians of all steps of a call are computed together, which is many times faster than one product each.
    """

    system: DrivenSystem
    inputs: Tensor
    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """Return state and tangent vectors `steps` steps after the step number `start`."""
        inputs = self.inputs[torch.arange(start, start + steps) % len(self.inputs)].to(bundle)
        states, frame = [bundle[:1]], bundle[1:]
        for x in inputs.split(1):
            states.append(self.system.step(states[-1], x))
        if len(frame):
            for jacobian in _jacobians(self.system, torch.cat(states[:-1]), inputs):
                frame = frame @ jacobian.mT
        return torch.cat([states[-1], frame])


def replay_inputs(system: DrivenSystem, inputs: Tensor, dt: float) -> ReplayedSystem:
    """Return the system along inputs (T, channels). Raises ValueError for another number of channels."""
    if inputs.ndim != 2 or inputs.shape[1] != system.channels:
        raise ValueError(f"inputs must have shape (time, {system.channels}), got {tuple(inputs.shape)}")
    return ReplayedSystem(system, inputs, dt)


@dataclass(frozen=True)
class TrialReplayedSystem:
    """A `lyapunov.System`: a driven system along trials in a loop, one after the other.

    starts: (B, n), to which the state is set at the start of each trial. inputs: (B, T, channels). Tangent vectors
    continue from trial to trial, as in `rnn.TrialDrivenSystem`. restarts: False for one trial that goes on for ever.
    """

    system: DrivenSystem
    starts: Tensor
    inputs: Tensor
    dt: float
    restarts: bool = True

    @property
    def bounded(self) -> bool:
        """Whether the state is set at each trial, so that it cannot grow without bound."""
        return self.restarts

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """Return state and tangent vectors (1 + k, n) `steps` steps after the step number `start`."""
        trials, time = self.inputs.shape[:2]
        while steps:
            trial, step = divmod(start % (trials * time), time)
            if step == 0 and self.restarts:
                bundle = torch.cat([self.starts[trial : trial + 1].to(bundle), bundle[1:]])
            count = min(steps, time - step) if self.restarts else steps
            part = self.inputs[trial, step : step + count] if self.restarts else self.inputs[0]
            bundle = ReplayedSystem(self.system, part, self.dt).advance(bundle, count)
            start, steps = start + count, steps - count
        return bundle
