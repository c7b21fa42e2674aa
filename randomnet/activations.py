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
Writer = Callable[..., Tensor]


def sech2(u: Tensor) -> Tensor:
    """1/cosh^2(u), exact in the tails where 1 - tanh^2 is rounding noise; 0, as it should be, where cosh overflows."""
    return u.cosh().reciprocal().square()


def _logistic_slope(u: Tensor) -> Tensor:
    return torch.sigmoid(u) * torch.sigmoid(-u)


@dataclass(frozen=True)
class Activation:
    """One row of the table; `stretches` says whether gain and shift act.

    phi(u, out=None) may write into `out`, also into u itself. pull(adjoint, rate) multiplies the adjoint, in place, by
    phi' as a function of phi, which is all that a gradient has to keep (in saturated tails phi' itself is the more
    exact).
    """

    name: str
    phi: Writer
    dphi: Function
    ddphi: Function
    pull: Callable[[Tensor, Tensor], object]
    stretches: bool = True

    def __call__(self, x: Tensor, gains: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
        """Rates phi(g (x - s)) and slopes, their derivative with respect to x; x (..., N), gains and shifts (N,)."""
        if not self.stretches:
            return self.phi(x), self.dphi(x)
        u = (x - shifts) * gains
        return self.phi(u), self.dphi(u) * gains

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


def _softplus(u: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.logaddexp(u, torch.zeros_like(u), out=out)


def _identity(u: Tensor, out: Tensor | None = None) -> Tensor:
    return u if out is None else out.copy_(u)


def _tanh_bend(u: Tensor) -> Tensor:
    return -2 * torch.tanh(u) * sech2(u)


def _tanh_pull(adjoint: Tensor, rate: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward(adjoint, rate, grad_input=adjoint)  # adjoint (1 - rate^2) in one pass


def _logistic_pull(adjoint: Tensor, rate: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward(adjoint, rate, grad_input=adjoint)


def _relu_pull(adjoint: Tensor, rate: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward(adjoint, rate, 0, grad_input=adjoint)


ACTIVATIONS: dict[str, Activation] = {
    row.name: row
    for row in (
        Activation("tanh", torch.tanh, sech2, _tanh_bend, _tanh_pull, stretches=False),
        Activation("tanh_stretched", torch.tanh, sech2, _tanh_bend, _tanh_pull),
        Activation(
            "tanh_positive",
            lambda u, out=None: torch.sigmoid(u + u, out=out),  # the same function, more exact in its lower tail
            lambda u: sech2(u).mul(0.5),
            lambda u: -torch.tanh(u) * sech2(u),
            lambda adjoint, rate: _logistic_pull(adjoint, rate).mul_(2),
        ),
        Activation(
            "relu",
            lambda u, out=None: torch.clamp_min(u, 0, out=out),
            lambda u: (u > 0).to(u.dtype),
            torch.zeros_like,
            _relu_pull,
        ),
        Activation(
            "softplus",
            _softplus,
            torch.sigmoid,
            _logistic_slope,
            lambda adjoint, rate: adjoint.mul_(-torch.expm1(-rate)),
        ),
        Activation(
            "sigmoid",
            torch.sigmoid,
            _logistic_slope,
            lambda u: -_logistic_slope(u) * torch.tanh(u / 2),
            _logistic_pull,
        ),
        Activation("linear", _identity, torch.ones_like, torch.zeros_like, lambda adjoint, rate: adjoint),
    )
}
