"""Systems of a step, a flow, a matrix or a sequence of matrices."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.integration import runge_kutta
from randomnet.systems.arguments import check_dt, takes_time

Step = Callable[[Tensor], Tensor]
TimedStep = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class FromSteps:
    """A system from `step(state (N,)) -> (N,)` and `tangent(state (N,), frame (k, N)) -> (k, N)`, any torch functions.

    The tangent must be the exact derivative of the step at the state before it.
    """

    step: Step
    tangent: Callable[[Tensor, Tensor], Tensor]
    dt: float = 1.0

    def __post_init__(self) -> None:
        check_dt(self.dt)

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors after `steps` steps; the time makes no difference."""
        for _ in range(steps):
            state = bundle[0]
            bundle = torch.cat([self.step(state.clone())[None], self.tangent(state, bundle[1:])])
        return bundle


@dataclass(frozen=True)
class OfStep:
    """A system from `indexed(state (N,), index) -> (N,)`, index being the time in steps; the tangent is differentiated.

    A step is evaluated once for the state and all tangent vectors, on a copy of the state, and never forms the N x N
    Jacobian. length: how many steps there are, None where there is no end.
    """

    indexed: Callable[[Tensor, int], Tensor]
    dt: float = 1.0
    length: int | None = None

    def __post_init__(self) -> None:
        check_dt(self.dt)

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors after the `steps` steps from time `start` (in steps) on."""
        for index in range(start, start + steps):
            bundle = self._moved(bundle, index)
        return bundle

    def step(self, state: Tensor, index: int = 0) -> Tensor:
        """The state (N,) after step `index`. Raises ValueError where the step changes its shape."""
        after = self.indexed(state.clone(), index)
        if after.shape != state.shape:
            raise ValueError(f"a step must keep the state's shape {tuple(state.shape)}, got {tuple(after.shape)}")
        return after

    def tangent(self, state: Tensor, frame: Tensor, index: int = 0) -> Tensor:
        """Tangent vectors (k, N) after step `index` from the state (N,)."""
        return self._moved(torch.cat([state[None], frame]), index)[1:]

    def _moved(self, bundle: Tensor, index: int) -> Tensor:
        state, frame = bundle[0], bundle[1:]
        if not len(frame):  # the state alone, during its transient
            return self.step(state, index)[None].clone()
        pushed = torch.func.vmap(
            lambda vector: torch.func.jvp(lambda state: self.step(state, index), (state,), (vector,))
        )
        after, moved = pushed(frame)  # the state is the same in all rows
        return torch.cat([after[:1], moved])


def of_step(step: Step | TimedStep, dt: float = 1.0) -> OfStep:
    """The system of any step that torch can differentiate forwards, also of a torch.nn.Module.

    step: state (N,) -> (N,), or step(state, t), where t is the time at which the step begins: 0 at the first state,
    then dt, 2 dt, ... The second argument is the time if it is named t or time. A step may work in place, as it gets a
    copy of the state. dt: time of a step. Raises ValueError for other arguments, and where a step changes the shape.
    """
    check_dt(dt)
    update: Callable[..., Tensor] = step
    if takes_time(step):
        return OfStep(lambda state, index: update(state, index * dt), dt)
    return OfStep(lambda state, index: update(state), dt)


def of_flow(field: Callable[..., Tensor], dt: float) -> OfStep:
    """The system of h' = field(h) or field(h, t), field: (N,) -> (N,), by Runge-Kutta steps of dt; see `of_step`."""
    check_dt(dt)
    if not takes_time(field):
        return OfStep(lambda state, index: runge_kutta(field, state, dt), dt)

    def step(state: Tensor, index: int) -> Tensor:
        times = iter([(index + part) * dt for part in (0.0, 0.5, 0.5, 1.0)])  # of the four stages
        return runge_kutta(lambda at: field(at, next(times)), state, dt)

    return OfStep(step, dt)


def of_matrix(matrix: Tensor | np.ndarray, dt: float = 1.0) -> FromSteps:
    """The linear map h <- M h, M (N, N) real: its exponents are ln |eigenvalues of M| / dt. Raises ValueError."""
    matrix = torch.as_tensor(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"expected a square matrix (N, N), got shape {tuple(matrix.shape)}")
    return FromSteps(lambda state: matrix.to(state) @ state, lambda _, frame: frame @ matrix.to(frame).mT, dt)


@dataclass(frozen=True)
class _Products:
    """See `products`."""

    factor: Callable[[int], Tensor]
    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """Tangent vectors under the factors start, ..., start + steps - 1; the state stays as it is."""
        for index in range(start, start + steps):
            bundle = torch.cat([bundle[:1], bundle[1:] @ self.factor(index).to(bundle).mT])
        return bundle


def products(factor: Callable[[int], Tensor], dt: float = 1.0) -> _Products:
    """The products ... M_1 M_0 of the matrices factor(0), factor(1), ..., each (N, N); the state plays no part.

    Factors are asked for when they are needed and not kept. factor must answer the same whenever it is asked.
    """
    check_dt(dt)
    return _Products(factor, dt)
