"""Textbook systems with published exponents."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.systems.arguments import check_dt
from randomnet.systems.steps import FromSteps, of_matrix

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
    check_dt(dt)

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
