"""Systems that have a spectrum besides RandomNet's own networks: any step, any flow, matrices, textbook examples.

Each has a time step `dt` and `advance(bundle, steps, start)`, the protocol `lyapunov.System`: a bundle (1 + k, N) of
the state (row 0) and tangent vectors moves on by exact steps and their exact derivative.

| made by          | what it is                                                                    |
|------------------|-------------------------------------------------------------------------------|
| `FromSteps`      | a step and its tangent, both written by hand                                  |
| `of_step`        | a step; the tangent by forward differentiation (also of a torch.nn.Module)    |
| `of_flow`        | a vector field, by Runge-Kutta steps; the tangent is that of the whole step   |
| `of_matrix`      | the linear map h <- M h                                                       |
| `products`       | a sequence of matrices                                                        |
| `henon`, `lorenz`, `cat_map` | textbook systems with published exponents                         |
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.integration import runge_kutta

Step = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FromSteps:
    """A system from `step(state (N,)) -> (N,)` and `tangent(state (N,), frame (k, N)) -> (k, N)`, any torch functions.

    The tangent must be the exact derivative of the step at the state before it.
    """

    step: Step
    tangent: Callable[[Tensor, Tensor], Tensor]
    dt: float = 1.0

    def __post_init__(self) -> None:
        _check_dt(self.dt)

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors after `steps` steps; the time makes no difference."""
        for _ in range(steps):
            state = bundle[0]
            bundle = torch.cat([self.step(state)[None], self.tangent(state, bundle[1:])])
        return bundle


def of_step(step: Step, dt: float = 1.0) -> FromSteps:
    """The system of any step, state (N,) -> (N,), that torch can differentiate forwards; also a torch.nn.Module.

    The tangent moves all vectors of the frame at once and never forms the N x N Jacobian. dt: time of a step. Raises
    ValueError where the step changes the state's shape.
    """

    def checked(state: Tensor) -> Tensor:
        after = step(state)
        if after.shape != state.shape:
            raise ValueError(f"a step must keep the state's shape {tuple(state.shape)}, got {tuple(after.shape)}")
        return after

    def tangent(state: Tensor, frame: Tensor) -> Tensor:
        if not len(frame):  # the state alone, during its transient
            return frame
        return torch.func.vmap(lambda vector: torch.func.jvp(checked, (state,), (vector,))[1])(frame)

    return FromSteps(checked, tangent, dt)


def of_flow(field: Step, dt: float) -> FromSteps:
    """The system of h' = field(h), field: (N,) -> (N,), by Runge-Kutta steps of dt; see `of_step`."""
    _check_dt(dt)
    return of_step(lambda state: runge_kutta(field, state, dt), dt)


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
    _check_dt(dt)
    return _Products(factor, dt)


Rows = list[tuple[float, ...]]  # a bundle: the state, then tangent vectors


@dataclass(frozen=True)
class _OfRows:
    """A small system in plain numbers, which on any machine and device takes the same path to the last bit.

    Chaos makes another path of any other rounding, and a short record of that another exponent; besides, a number costs
    a fiftieth of a tensor operation. `move(rows) -> rows` is one step of a bundle. Without gradient.
    """

    move: Callable[[Rows], Rows]
    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors after `steps` steps; the time makes no difference."""
        rows = bundle.tolist()
        for _ in range(steps):
            rows = self.move(rows)
        return bundle.new_tensor(rows)


def henon(a: float = 1.4, b: float = 0.3) -> _OfRows:
    """Henon's map x <- 1 - a x^2 + y, y <- b x (Henon 1976): exponents 0.419 and -1.623, their sum ln b exactly."""

    def move(rows: Rows) -> Rows:
        (x, y), *frame = rows
        slope = -2 * a * x
        return [(1 - a * x * x + y, b * x), *((slope * u + v, b * u) for u, v in frame)]

    return _OfRows(move, 1.0)


def lorenz(sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3, dt: float = 0.01) -> _OfRows:
    """Lorenz's flow (Lorenz 1963) by Runge-Kutta steps: exponents 0.906, 0, -14.572 (Sprott), sum -(sigma + 1 + beta).

    x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z.
    """
    _check_dt(dt)

    def velocity(rows: Rows) -> Rows:
        (x, y, z), *frame = rows
        state = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
        moving = ((sigma * (v - u), u * (rho - z) - v - x * w, y * u + x * v - beta * w) for u, v, w in frame)
        return [state, *moving]

    def stage(rows: Rows, velocities: Rows, time: float) -> Rows:
        return [
            (x + time * u, y + time * v, z + time * w) for (x, y, z), (u, v, w) in zip(rows, velocities, strict=True)
        ]

    def move(rows: Rows) -> Rows:
        """A Runge-Kutta step of state and tangent vectors together is the step and its exact tangent."""
        one = velocity(rows)
        two = velocity(stage(rows, one, dt / 2))
        three = velocity(stage(rows, two, dt / 2))
        four = velocity(stage(rows, three, dt))
        for velocities, share in ((one, dt / 6), (two, dt / 3), (three, dt / 3), (four, dt / 6)):
            rows = stage(rows, velocities, share)
        return rows

    return _OfRows(move, dt)


def cat_map() -> FromSteps:
    """Arnold's cat map [[2, 1], [1, 1]] modulo 1: exponents +-ln((3 + sqrt 5)/2)."""
    linear = of_matrix(np.array([[2.0, 1.0], [1.0, 1.0]]))
    return FromSteps(lambda state: torch.remainder(linear.step(state), 1.0), linear.tangent)


def _check_dt(dt: float) -> None:
    if not dt > 0:
        raise ValueError(f"dt must be above 0, got {dt}")
