"""Kinks, where the slope of an activation jumps. There a step has one-sided Jacobians instead of a single Jacobian.

At a fixed point each unit at a kink has one of two slopes, so m such units give up to 2^m Jacobians. The point counts
as stable or unstable only if all of them agree on the number of unstable directions. This is a statement about the
Jacobians: states may still grow by switching between stable pieces.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from randomnet.analysis.linear import jacobian_of
from randomnet.rnn import Dynamics

UNDECIDED = -1  # replaces the number of unstable directions where one-sided Jacobians disagree
MOST_UNITS = 10  # largest number of units at a kink for which all one-sided Jacobians are computed
MOST_WORK = 1e10  # largest 2^m n^3 for it, because eigenvalues of large networks take minutes
OFFSET = 1e-9  # relative distance from a kink at which its one-sided slope is evaluated


@dataclass(frozen=True)
class Kinks:
    """The kinks of a network's activation, made by `find_kinks`. Gains and shifts of the system must have an effect."""

    system: Dynamics

    def near(self, states: Tensor, within: Tensor) -> Tensor:
        """(B, N) bool: which units of states (B, N) are at a kink, given the uncertainty `within` (B,) of the states.

        A unit whose activation does not depend on the state is never at a kink.
        """
        gains, sensitivity = self.system.gains, self._sensitivity()
        u = self.system.activation.argument(self.system.argument(states), gains, self.system.shifts)
        uncertainty = within.unsqueeze(1) * sensitivity * gains.abs()
        return (self._distance(u) <= uncertainty) & (sensitivity * gains != 0)

    def unstable(self, state: Tensor, units: Tensor, free: Tensor) -> int:
        """The number of unstable directions on which all one-sided Jacobians at a state (N,) agree, or UNDECIDED.

        units: (m,), the units at a kink. free: rows and columns of the Jacobians. The decision comes from a bound on
        all Jacobians, or from all of them for few units. For "rk4" it is UNDECIDED, because the stages of a Runge-Kutta
        step can be on different sides of a kink.
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
        """All one-sided Jacobians, one after the other."""
        for sides in product((False, True), repeat=len(units)):
            yield self._jacobian(state, units, free, sides)

    def _jacobian(self, state: Tensor, units: Tensor, free: Tensor, sides: tuple[bool, ...]) -> Tensor:
        """The one-sided Jacobian (n, n) of the free units, with slopes above (True) or below the kink of each unit.

        Changed shifts move the arguments to a side of the kink without changing the state, in both forms.
        """
        system = self.system
        x, gains = system.argument(state), system.gains
        u = system.activation.argument(x, gains, system.shifts)[units]
        kinks = self._kinks_like(u)[self._distances(u).argmin(0), torch.arange(len(units), device=u.device)]
        signs = torch.tensor(sides, device=state.device).to(state.dtype) * 2 - 1
        arguments = kinks + signs * OFFSET * (1 + (gains[units] * x[units]).abs())
        shifts = system.shifts.clone()
        shifts[units] = x[units] - arguments / gains[units]
        jacobian = jacobian_of(replace(system, shifts=shifts))(state.unsqueeze(0))[0]
        return jacobian[free[:, None], free]

    def _sensitivity(self) -> Tensor:
        """(N,): largest change of each unit's argument for a change of the state by 1."""
        if self.system.form == "current":
            return torch.ones_like(self.system.gains)
        eye = torch.eye(len(self.system.gains), dtype=self.system.gains.dtype, device=self.system.gains.device)
        return torch.linalg.vector_norm(self.system.coupling.product(eye), dim=0)

    def _kinks_like(self, u: Tensor) -> Tensor:
        """(kinks, ...): each kink, expanded to the shape of u."""
        return u.new_tensor(self.system.activation.kinks).view(-1, *[1] * u.ndim).expand(-1, *u.shape)

    def _distances(self, u: Tensor) -> Tensor:
        return (u - self._kinks_like(u)).abs()

    def _distance(self, u: Tensor) -> Tensor:
        return self._distances(u).amin(0)


def find_kinks(system: Dynamics) -> Kinks | None:
    """The kinks of a network, or None where its activation is smooth.

    >>> import randomnet as rn
    >>> from randomnet.analysis import find_kinks
    >>> c = rn.connectome('random', n=4)
    >>> nets = [rn.network(c, activation=name, train='weights') for name in ('tanh', 'relu')]
    >>> [find_kinks(net.module.autonomous()) is None for net in nets]
    [True, False]
    """
    activation = system.activation
    if not activation.kinks:
        return None
    if activation.stretches:
        return Kinks(system)
    gains, shifts = torch.ones_like(system.gains), torch.zeros_like(system.shifts)
    return Kinks(replace(system, activation=replace(activation, stretches=True), gains=gains, shifts=shifts))


def bound(low: Tensor, high: Tensor) -> float:
    """An upper bound of the spectral radii of all matrices composed of columns of `low` and `high` (n, n), or of rows.

    The bound is the smaller of two: the spectral radius of max(|low|, |high|) by entries, and the 2-norm bound
    |low| + |high - low|.
    """
    largest = torch.linalg.eigvals(torch.maximum(low.abs(), high.abs())).abs().max()
    norm = torch.linalg.matrix_norm(low, 2) + torch.linalg.matrix_norm(high - low, 2)
    return float(torch.minimum(largest, norm))
