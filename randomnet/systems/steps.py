"""Systems from a step, a flow, a matrix or a sequence of matrices."""

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
    """A system from torch functions `step(state (N,)) -> (N,)` and `tangent(state (N,), frame (k, N)) -> (k, N)`.

    The tangent must be the exact derivative of the step at `state`. Raises ValueError unless dt > 0.
    """

    step: Step
    tangent: Callable[[Tensor, Tensor], Tensor]
    dt: float = 1.0

    def __post_init__(self) -> None:
        check_dt(self.dt)

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after `steps` steps. The time `start` has no effect."""
        for _ in range(steps):
            state = bundle[0]
            bundle = torch.cat([self.step(state.clone())[None], self.tangent(state, bundle[1:])])
        return bundle


@dataclass(frozen=True)
class OfStep:
    """A system from `indexed(state (N,), index) -> (N,)`, where index is the time in steps; the tangent is automatic.

    Each step is evaluated once for the state and all tangent vectors, on a copy of the state, without the N x N
    Jacobian. length: the number of steps, or None where it is unlimited. Raises ValueError unless dt > 0.
    """

    indexed: Callable[[Tensor, int], Tensor]
    dt: float = 1.0
    length: int | None = None

    def __post_init__(self) -> None:
        check_dt(self.dt)

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after `steps` steps from time `start`, which is in steps."""
        for index in range(start, start + steps):
            bundle = self._step_bundle(bundle, index)
        return bundle

    def step(self, state: Tensor, index: int = 0) -> Tensor:
        """The state (N,) after step `index`. Raises ValueError where the step changes its shape."""
        after = self.indexed(state.clone(), index)
        if after.shape != state.shape:
            raise ValueError(f"a step must keep the state's shape {tuple(state.shape)}, got {tuple(after.shape)}")
        return after

    def tangent(self, state: Tensor, frame: Tensor, index: int = 0) -> Tensor:
        """Tangent vectors (k, N) after step `index` from the state (N,)."""
        return self._step_bundle(torch.cat([state[None], frame]), index)[1:]

    def _step_bundle(self, bundle: Tensor, index: int) -> Tensor:
        state, frame = bundle[0], bundle[1:]
        if not len(frame):  # during the transient of the state
            return self.step(state, index)[None].clone()
        jvp = torch.func.vmap(lambda vector: torch.func.jvp(lambda h: self.step(h, index), (state,), (vector,)))
        after, tangents = jvp(frame)  # the state is the same in all rows
        return torch.cat([after[:1], tangents])


def of_step(step: Step | TimedStep, dt: float = 1.0) -> OfStep:
    """The system of any function or torch.nn.Module that torch can differentiate in forward mode.

    step: state (N,) -> (N,), or step(state, t), where t is the time at the start of the step: 0, dt, 2 dt, ... The
    second argument is the time if its name is t or time. A step may work in place, because it gets a copy of the state.
    dt: duration of a step. Raises ValueError for other arguments, and where a step changes the shape.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.systems import of_step
    >>> system = of_step(lambda h: 0.5 * h, dt=0.1)
    >>> rn.spectrum(system, torch.ones(1), tsim=5).exponents.round(3)  # ln(0.5) / 0.1
    array([-6.931])
    """
    check_dt(dt)
    update: Callable[..., Tensor] = step
    if takes_time(step):
        return OfStep(lambda state, index: update(state, index * dt), dt)
    return OfStep(lambda state, index: update(state), dt)


def of_flow(field: Step | TimedStep, dt: float) -> OfStep:
    """The system of h' = field(h) or h' = field(h, t), (N,) -> (N,), with Runge-Kutta steps of dt; see `of_step`.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.systems import of_flow
    >>> rn.spectrum(of_flow(lambda h: -h, dt=0.1), torch.ones(1), tsim=5).exponents.round(4)
    array([-1.])
    """
    check_dt(dt)
    velocity: Callable[..., Tensor] = field
    if not takes_time(field):
        return OfStep(lambda state, index: runge_kutta(velocity, state, dt), dt)

    def step(state: Tensor, index: int) -> Tensor:
        stage_times = iter([(index + part) * dt for part in (0.0, 0.5, 0.5, 1.0)])
        return runge_kutta(lambda h: velocity(h, next(stage_times)), state, dt)

    return OfStep(step, dt)


def of_matrix(matrix: Tensor | np.ndarray, dt: float = 1.0) -> FromSteps:
    """The linear map h <- M h for real M (N, N), with exponents ln |eigenvalues of M| / dt.

    Raises ValueError for another shape.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.systems import of_matrix
    >>> rn.spectrum(of_matrix(torch.tensor([[0.5]])), torch.ones(1), tsim=20).exponents.round(3)
    array([-0.693])
    """
    matrix = torch.as_tensor(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"expected a square matrix (N, N), got shape {tuple(matrix.shape)}")
    return FromSteps(lambda state: matrix.to(state) @ state, lambda _, frame: frame @ matrix.to(frame).mT, dt)


@dataclass(frozen=True)
class _Products:
    """The system returned by `products`."""

    factor: Callable[[int], Tensor]
    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """Tangent vectors multiplied by the factors start, ..., start + steps - 1. The state is constant."""
        for index in range(start, start + steps):
            bundle = torch.cat([bundle[:1], bundle[1:] @ self.factor(index).to(bundle).mT])
        return bundle


def products(factor: Callable[[int], Tensor], dt: float = 1.0) -> _Products:
    """The system of products ... M_1 M_0 of the matrices factor(0), factor(1), ..., each (N, N). The state is unused.

    Factors are requested when needed and not stored, so `factor` must return the same matrix at every call.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.systems import products
    >>> system = products(lambda index: torch.diag(torch.tensor([2.0, 0.5])))
    >>> rn.spectrum(system, torch.zeros(2), tsim=20).exponents.round(3)
    array([ 0.693, -0.693])
    """
    check_dt(dt)
    return _Products(factor, dt)
