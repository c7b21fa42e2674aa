"""Nonlinearities, each beside its exact first and second derivative.

| name           | phi(u)           | phi'(u)       | phi''(u)                | gains and shifts |
|----------------|------------------|---------------|-------------------------|------------------|
| tanh           | tanh u           | sech^2 u      | -2 tanh u sech^2 u      | no               |
| tanh_stretched | tanh u           | sech^2 u      | -2 tanh u sech^2 u      | yes              |
| tanh_positive  | (1 + tanh u)/2   | sech^2(u)/2   | -tanh u sech^2 u        | yes              |
| relu           | max(u, 0)        | 1 where u > 0 | 0                       | yes              |
| softplus       | ln(1 + e^u)      | s(u)          | s(u) s(-u)              | yes              |
| sigmoid        | s(u)             | s(u) s(-u)    | -s(u) s(-u) tanh(u/2)   | yes              |
| linear         | u                | 1             | 0                       | yes              |

with s(u) = 1/(1 + e^-u). A neuron with gain g and shift s answers phi(g (x - s)), with slope g phi'(g (x - s)). The
first three rows are FlyStability's (its names tanh, tanh_streched, tanh_positive).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


def sech2(u: Tensor) -> Tensor:
    """1/cosh^2(u), exact in the tails where 1 - tanh^2 is rounding noise; 0, as it should be, where cosh overflows."""
    return u.cosh().reciprocal().square()


def _logistic_slope(u: Tensor) -> Tensor:
    return torch.sigmoid(u) * torch.sigmoid(-u)


@dataclass(frozen=True)
class Activation:
    """One row of the table; `stretches` says whether gain and shift act."""

    name: str
    phi: Function
    dphi: Function
    ddphi: Function
    stretches: bool = True

    def __call__(self, x: Tensor, gains: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
        """Rates phi(g (x - s)) and slopes, their derivative with respect to x; x (..., N), gains and shifts (N,)."""
        if not self.stretches:
            return self.phi(x), self.dphi(x)
        u = (x - shifts) * gains
        return self.phi(u), self.dphi(u) * gains

    def rates(self, x: Tensor, gains: Tensor | None, shifts: Tensor | None) -> Tensor:
        """Rates alone, (..., N); None for gains and shifts that are 1 and 0 everywhere."""
        return self.phi(self._stretched(x, gains, shifts))

    def slopes(self, x: Tensor, gains: Tensor | None, shifts: Tensor | None) -> Tensor:
        """Slopes alone, (..., N)."""
        slopes = self.dphi(self._stretched(x, gains, shifts))
        return slopes if gains is None or not self.stretches else slopes * gains

    def _stretched(self, x: Tensor, gains: Tensor | None, shifts: Tensor | None) -> Tensor:
        return (x - shifts) * gains if self.stretches and gains is not None else x

    def bends(self, x: Tensor, gains: Tensor, shifts: Tensor) -> Tensor:
        """The slopes' derivative with respect to x, (..., N)."""
        if not self.stretches:
            return self.ddphi(x)
        return self.ddphi((x - shifts) * gains) * gains.square()

    def parameter_gradients(
        self, x: Tensor, gains: Tensor, shifts: Tensor, rates_bar: Tensor, slopes_bar: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Gradients (N,) for gains and shifts, summed over the T rows of x, from those of rates and slopes (T, N)."""
        if not self.stretches:
            return torch.zeros_like(gains), torch.zeros_like(shifts)
        distance = x - shifts
        u = distance * gains
        dphi, bend = self.dphi(u), self.ddphi(u) * gains
        for_gains = rates_bar * dphi * distance + slopes_bar * (dphi + bend * distance)
        for_shifts = (rates_bar * dphi + slopes_bar * bend) * gains
        return for_gains.sum(0), -for_shifts.sum(0)


ACTIVATIONS: dict[str, Activation] = {
    row.name: row
    for row in (
        Activation("tanh", torch.tanh, sech2, lambda u: -2 * torch.tanh(u) * sech2(u), stretches=False),
        Activation("tanh_stretched", torch.tanh, sech2, lambda u: -2 * torch.tanh(u) * sech2(u)),
        Activation(
            "tanh_positive",
            lambda u: torch.sigmoid(u + u),  # the same function, and more exact in its lower tail
            lambda u: sech2(u).mul(0.5),
            lambda u: -torch.tanh(u) * sech2(u),
        ),
        Activation("relu", torch.relu, lambda u: (u > 0).to(u.dtype), torch.zeros_like),
        Activation("softplus", lambda u: torch.logaddexp(u, torch.zeros_like(u)), torch.sigmoid, _logistic_slope),
        Activation("sigmoid", torch.sigmoid, _logistic_slope, lambda u: -_logistic_slope(u) * torch.tanh(u / 2)),
        Activation("linear", lambda u: u, torch.ones_like, torch.zeros_like),
    )
}
