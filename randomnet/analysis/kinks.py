"""Kinks: where the slope of an activation jumps, so that a step has one-sided Jacobians and no Jacobian.

At a fixed point with units at a kink each of them has one of two slopes, and so the step has up to 2^m Jacobians there.
Such a point is called stable, or unstable, only where all of them agree on the number of unstable directions. That is a
statement on the Jacobians: a step made of stable pieces may still grow by going from one piece to another.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from randomnet.analysis.linear import jacobian_of
from randomnet.rnn import Dynamics

UNDECIDED = -1  # in place of a number of unstable directions
MOST_UNITS = 10  # at a kink whose sides are all tried
MOST_WORK = 1e10  # of eigenvalues, in entries times rows: one-sided Jacobians of large networks take minutes
ASIDE = 1e-9  # of the argument, relative: how far it is moved to either side of a kink for the slope there


@dataclass(frozen=True)
class Kinks:
    """The kinks of a network whose activation has any; of its system, gains and shifts that act: see `find_kinks`."""

    system: Dynamics

    def near(self, states: Tensor, within: Tensor) -> Tensor:
        """(B, N) bool: which units of states (B, N) are at a kink, as far as states known within (B,) can tell.

        A unit whose activation does not depend on the state is at none.
        """
        gains, reach = self.system.gains, self._reach()
        u = self.system.activation.argument(self.system.argument(states), gains, self.system.shifts)
        room = within.unsqueeze(1) * reach * gains.abs()
        return (self._distance(u) <= room) & (reach * gains != 0)

    def unstable(self, state: Tensor, units: Tensor, free: Tensor) -> int:
        """The number of unstable directions on which all one-sided Jacobians at a state (N,) agree, or UNDECIDED.

        units: (m,), those at a kink; free: the units among which Jacobians are taken. Decided by a bound on all of
        them, or by trying all for few units. The stages of a Runge-Kutta step may lie on different sides: UNDECIDED.
        """
        if self.system.integrator != "euler":
            return UNDECIDED
        low, high = (self._jacobian(state, units, free, (side,) * len(units)) for side in (False, True))
        if bound(low, high) <= 1:
            return 0
        if len(units) > MOST_UNITS or 2 ** len(units) * len(free) ** 3 > MOST_WORK:
            return UNDECIDED
        counts: set[int] = set()
        for jacobian in self._sides(state, units, free):
            counts.add(int((torch.linalg.eigvals(jacobian).abs() > 1).sum()))
            if len(counts) > 1:
                return UNDECIDED
        return counts.pop()

    def _sides(self, state: Tensor, units: Tensor, free: Tensor) -> Iterator[Tensor]:
        """All one-sided Jacobians."""
        for sides in product((False, True), repeat=len(units)):
            yield self._jacobian(state, units, free, sides)

    def _jacobian(self, state: Tensor, units: Tensor, free: Tensor, sides: tuple[bool, ...]) -> Tensor:
        """(n, n) among the free units, with the slopes above (True) or below a kink of the units at one.

        Shifts move the arguments without the state, in both forms of the equation.
        """
        system = self.system
        x, gains = system.argument(state), system.gains
        u = system.activation.argument(x, gains, system.shifts)[units]
        kinks = self._places(u)[self._to_kinks(u).argmin(0), torch.arange(len(units), device=u.device)]
        signs = torch.tensor(sides, device=state.device).to(state.dtype) * 2 - 1
        aside = kinks + signs * ASIDE * (1 + (gains[units] * x[units]).abs())
        shifts = system.shifts.clone()
        shifts[units] = x[units] - aside / gains[units]
        jacobian = jacobian_of(replace(system, shifts=shifts))(state.unsqueeze(0))[0]
        return jacobian[free[:, None], free]

    def _reach(self) -> Tensor:
        """(N,): how far a unit's argument moves, at most, when the state moves by 1."""
        if self.system.form == "current":
            return torch.ones_like(self.system.gains)
        eye = torch.eye(len(self.system.gains), dtype=self.system.gains.dtype, device=self.system.gains.device)
        return torch.linalg.vector_norm(self.system.coupling.product(eye), dim=0)

    def _places(self, u: Tensor) -> Tensor:
        """(kinks, ...): each kink, in the shape of u."""
        return u.new_tensor(self.system.activation.kinks).view(-1, *[1] * u.ndim).expand(-1, *u.shape)

    def _to_kinks(self, u: Tensor) -> Tensor:
        return (u - self._places(u)).abs()

    def _distance(self, u: Tensor) -> Tensor:
        return self._to_kinks(u).amin(0)


def find_kinks(system: Dynamics) -> Kinks | None:
    """The kinks of a network; None where its activation is smooth."""
    activation = system.activation
    if not activation.kinks:
        return None
    if activation.stretches:
        return Kinks(system)
    idle = {"gains": torch.ones_like(system.gains), "shifts": torch.zeros_like(system.shifts)}
    return Kinks(replace(system, activation=replace(activation, stretches=True), **idle))


def bound(low: Tensor, high: Tensor) -> float:
    """An upper bound of the spectral radii of all matrices each of whose entries is that of `low` or of `high` (n, n),
    whole columns, or whole rows, being of one of the two.

    The lesser of the spectral radius of the larger absolute entries, and of |low| + |high - low| in the 2-norm.
    """
    largest = torch.linalg.eigvals(torch.maximum(low.abs(), high.abs())).abs().max()
    norm = torch.linalg.matrix_norm(low, 2) + torch.linalg.matrix_norm(high - low, 2)
    return float(torch.minimum(largest, norm))
