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
class _PlainSystem:
    """A small system in Python numbers, whose trajectory is the same to the last bit on every machine and device.

    In a chaotic system different rounding gives another trajectory, and in a short record another exponent. Python
    numbers also cost a fiftieth of a tensor operation. `move(rows) -> rows` is one step of a bundle. No gradients.
    """

    move: Callable[[Rows], Rows]
    dt: float

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after `steps` steps. The time `start` has no effect."""
        rows = bundle.tolist()
        for _ in range(steps):
            rows = self.move(rows)
        return bundle.new_tensor(rows)


def henon(a: float = 1.4, b: float = 0.3) -> _PlainSystem:
    """The Henon map x <- 1 - a x^2 + y, y <- b x (Henon 1976): exponents 0.419 and -1.623, with the exact sum ln b.

    >>> import randomnet as rn
    >>> from randomnet.systems import henon
    >>> print(f'{rn.spectrum(henon(), [0.1, 0.1], tsim=200).exponents.sum():.4f}')  # ln 0.3
    -1.2040
    """

    def move(rows: Rows) -> Rows:
        (x, y), *frame = rows
        slope = -2 * a * x
        return [(1 - a * x * x + y, b * x), *((slope * u + v, b * u) for u, v in frame)]

    return _PlainSystem(move, 1.0)


def lorenz(sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3, dt: float = 0.01) -> _PlainSystem:
    """The Lorenz system (1963) with Runge-Kutta steps: exponents 0.906, 0, -14.572 (Sprott), sum -(sigma + 1 + beta).

    x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z.

    >>> import randomnet as rn
    >>> from randomnet.systems import lorenz
    >>> print(f'{rn.spectrum(lorenz(), [1.0, 1.0, 20.0], tsim=20).exponents.sum():.2f}')  # -(10 + 1 + 8/3)
    -13.67
    """
    check_dt(dt)

    def velocity(rows: Rows) -> Rows:
        (x, y, z), *frame = rows
        state = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
        tangents = ((sigma * (v - u), u * (rho - z) - v - x * w, y * u + x * v - beta * w) for u, v, w in frame)
        return [state, *tangents]

    def stage(rows: Rows, velocities: Rows, time: float) -> Rows:
        return [
            (x + time * u, y + time * v, z + time * w) for (x, y, z), (u, v, w) in zip(rows, velocities, strict=True)
        ]

    def move(rows: Rows) -> Rows:
        """One Runge-Kutta step of state and tangent vectors together, which gives the exact tangent of the step."""
        first = velocity(rows)
        second = velocity(stage(rows, first, dt / 2))
        third = velocity(stage(rows, second, dt / 2))
        fourth = velocity(stage(rows, third, dt))
        for velocities, share in ((first, dt / 6), (second, dt / 3), (third, dt / 3), (fourth, dt / 6)):
            rows = stage(rows, velocities, share)
        return rows

    return _PlainSystem(move, dt)


def cat_map() -> FromSteps:
    """Arnold's cat map [[2, 1], [1, 1]] modulo 1: exponents +-ln((3 + sqrt 5)/2).

    >>> import randomnet as rn
    >>> from randomnet.systems import cat_map
    >>> rn.spectrum(cat_map(), [0.1, 0.2], tsim=50).exponents.round(3)
    array([ 0.962, -0.962])
    """
    linear = of_matrix(np.array([[2.0, 1.0], [1.0, 1.0]]))
    return FromSteps(lambda state: torch.remainder(linear.step(state), 1.0), linear.tangent)
