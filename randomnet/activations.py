"""Activation functions with their exact first and second derivatives.

| name           | phi(u)           | phi'(u)       | phi''(u)                | gains and shifts |
|----------------|------------------|---------------|-------------------------|------------------|
| tanh           | tanh u           | sech^2 u      | -2 tanh u sech^2 u      | no               |
| tanh_stretched | tanh u           | sech^2 u      | -2 tanh u sech^2 u      | yes              |
| tanh_positive  | (1 + tanh u)/2   | sech^2(u)/2   | -tanh u sech^2 u        | yes              |
| relu           | max(u, 0)        | 1 where u > 0 | 0                       | yes              |
| softplus       | ln(1 + e^u)      | s(u)          | s(u) s(-u)              | yes              |
| sigmoid        | s(u)             | s(u) s(-u)    | -s(u) s(-u) tanh(u/2)   | yes              |
| erf            | erf(u/sqrt 2)    | 2 n(u)        | -2 u n(u)               | yes              |
| erf_positive   | (1 + erf)/2      | n(u)          | -u n(u)                 | yes              |
| sqrt           | u^2, sqrt(4u-3)  | 2u, 2/phi     | 2, -4/phi^3             | yes              |
| linear         | u                | 1             | 0                       | yes              |

Here s(u) = 1/(1 + e^-u) and n(u) = e^(-u^2/2)/sqrt(2 pi). sqrt (Brunel 2003) is 0 below 0, u^2 on [0, 1) and
sqrt(4u-3) from 1 on. Rates of tanh, tanh_stretched, erf and linear can be negative. A neuron with gain g and shift s
has rate phi(g (x - s)) and slope g phi'(g (x - s)). Only relu has a kink, at 0, where its slope jumps. The two forms of
sqrt meet with equal slopes. The first three rows are those of FlyStability (tanh, tanh_streched, tanh_positive there).

Every row has the functions twice: for tensors, and as `scalar(u)` for one number, from which loops are compiled. Rows
with `slope(rate)` have compiled steps along trials too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from math import erf, erfc, exp, expm1, log1p, sqrt
from typing import TYPE_CHECKING, Any

from randomnet.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Function = Callable[[Tensor], Tensor]
    Writer = Callable[..., Tensor]
else:

    class _Torch:
        """Stands for torch until the first use, so that the table can be read without loading torch."""

        def __getattr__(self, name: str) -> Any:
            globals()["torch"] = import_module("torch")
            return getattr(globals()["torch"], name)

    torch = _Torch()


TANH_SATURATED = 350.0  # the slope of tanh is below 1e-303 from here on
SQRT2, NORMAL_PEAK = math.sqrt(2), 1 / math.sqrt(2 * math.pi)


def sech2(u: Tensor) -> Tensor:
    """1/cosh^2(u). It is exact in the tails, where 1 - tanh^2 is rounding noise, and 0 where cosh overflows."""
    return u.cosh().reciprocal().square()


def _logistic_slope(u: Tensor) -> Tensor:
    return torch.sigmoid(u) * torch.sigmoid(-u)


@dataclass(frozen=True)
class Activation:
    """An activation function phi with its derivatives: one row of the table.

    stretches: whether gain and shift have an effect. bounded: whether all rates lie in a finite interval. kinks: the
    arguments u at which the slope jumps. aliases: other spellings in an INI, such as those of FlyStability.

    scalar(u) is (phi, phi', phi'') of one number, in plain Python with functions of `math`, so that it can be compiled;
    None for an activation without compiled steps.
    slope(rate) is phi' of one number, computed from the rate, for compiled steps of trials; None where that is not
    possible or not fast, and torch computes the trials.
    phi(u, out=None) may write into `out`, which may be u itself. vjp(adjoint, rate) multiplies the adjoint in place by
    phi', computed from the rate, so that a gradient only needs to store rates. In saturated tails dphi is more exact.
    """

    name: str
    phi: Writer
    dphi: Function
    ddphi: Function
    vjp: Callable[[Tensor, Tensor], object]
    scalar: Callable[[float], tuple[float, float, float]] | None = None
    stretches: bool = True
    bounded: bool = False
    kinks: tuple[float, ...] = ()
    aliases: tuple[str, ...] = ()
    slope: Callable[[float], float] | None = None

    def __call__(self, x: Tensor, gains: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
        """Rates phi(g (x - s)) and slopes d rate / dx, for x (..., N), gains g and shifts s (N,)."""
        u = self.argument(x, gains, shifts)
        return self.phi(u), self.slopes(u, gains)

    def argument(self, x: Tensor, gains: Tensor, shifts: Tensor) -> Tensor:
        """u = g (x - s), or x where gain and shift have no effect."""
        return (x - shifts) * gains if self.stretches else x

    def slopes(self, u: Tensor, gains: Tensor) -> Tensor:
        """d rate / dx (..., N) at the argument u."""
        return self.dphi(u) * gains if self.stretches else self.dphi(u)

    def second_derivative(self, u: Tensor, gains: Tensor) -> Tensor:
        """d^2 rate / dx^2 (..., N) at the argument u."""
        return self.ddphi(u) * gains.square() if self.stretches else self.ddphi(u)

    def parameter_gradients(
        self, x: Tensor, gains: Tensor, shifts: Tensor, rates_bar: Tensor, slopes_bar: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Gradients (N,) of gains and shifts, summed over the T rows of x, from adjoints of rates and slopes (T, N)."""
        if not self.stretches:
            return torch.zeros_like(gains), torch.zeros_like(shifts)
        distance = x - shifts
        u = distance * gains
        dphi, scaled_ddphi = self.dphi(u), self.ddphi(u) * gains
        gains_bar = rates_bar * dphi * distance + slopes_bar * (dphi + scaled_ddphi * distance)
        shifts_bar = (rates_bar * dphi + slopes_bar * scaled_ddphi) * gains
        return gains_bar.sum(0), -shifts_bar.sum(0)


def _tanh(u: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.tanh(u, out=out)


def _sigmoid(u: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.sigmoid(u, out=out)


def _softplus(u: Tensor, out: Tensor | None = None) -> Tensor:
    if out is None:  # the second derivative of logaddexp is nan in the lower tail
        return torch.nn.functional.softplus(u, threshold=40)
    return torch.logaddexp(u, torch.zeros_like(u), out=out)


def _identity(u: Tensor, out: Tensor | None = None) -> Tensor:
    return u if out is None else out.copy_(u)


def _normal(u: Tensor) -> Tensor:
    return (-0.5 * u.square()).exp() / math.sqrt(2 * math.pi)


def _normal_cdf(u: Tensor, out: Tensor | None = None) -> Tensor:
    lower = torch.erfc(u / -math.sqrt(2), out=out)  # 1 + erf loses all digits in the lower tail
    return lower / 2 if out is None else lower.div_(2)


def _brunel(u: Tensor, out: Tensor | None = None) -> Tensor:
    below, above = u.clamp(0, 1).square(), (4 * u.clamp_min(1) - 3).sqrt()
    return torch.where(u < 1, below, above) if out is None else torch.where(u < 1, below, above, out=out)


def _brunel_slope(u: Tensor) -> Tensor:
    return torch.where(u < 1, 2 * u.clamp_min(0), 2 / (4 * u.clamp_min(1) - 3).sqrt())


def _brunel_ddphi(u: Tensor) -> Tensor:
    return torch.where(u < 1, 2 * (u > 0).to(u.dtype), -4 * (4 * u.clamp_min(1) - 3).pow(-1.5))


def _tanh_ddphi(u: Tensor) -> Tensor:
    return -2 * torch.tanh(u) * sech2(u)


def _tanh_vjp(adjoint: Tensor, rate: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward(adjoint, rate, grad_input=adjoint)  # adjoint (1 - rate^2) in one pass


def _logistic_vjp(adjoint: Tensor, rate: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward(adjoint, rate, grad_input=adjoint)


def _relu_vjp(adjoint: Tensor, rate: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward(adjoint, rate, 0, grad_input=adjoint)


def _tanh_scalar(u: float) -> tuple[float, float, float]:
    magnitude = TANH_SATURATED if abs(u) > TANH_SATURATED else abs(u)  # nan stays nan
    e = expm1(2 * magnitude)
    slope, rate = 4 * ((e + 1) / (e + 2)) / (e + 2), e / (e + 2)
    rate = -rate if u < 0 else rate
    return rate, slope, -2 * rate * slope


def _tanh_positive_scalar(u: float) -> tuple[float, float, float]:
    rate, slope, curvature = _sigmoid_scalar(2 * u)
    return rate, 2 * slope, 4 * curvature


def _relu_scalar(u: float) -> tuple[float, float, float]:
    return (0.0, 0.0, 0.0) if u <= 0 else (u, 1.0, 0.0)  # nan stays nan


def _softplus_scalar(u: float) -> tuple[float, float, float]:
    slope, curvature, _ = _sigmoid_scalar(u)
    return max(u, 0.0) + log1p(exp(-abs(u))), slope, curvature


def _sigmoid_scalar(u: float) -> tuple[float, float, float]:
    e = exp(-abs(u))
    upper = 1 / (1 + e)
    slope = e * upper * upper
    return (upper if u > 0 else e * upper), slope, slope * (e - 1) * upper * (1.0 if u > 0 else -1.0)


def _erf_scalar(u: float) -> tuple[float, float, float]:
    slope = 2 * NORMAL_PEAK * exp(-0.5 * u * u)
    return erf(u / SQRT2), slope, -u * slope


def _erf_positive_scalar(u: float) -> tuple[float, float, float]:
    slope = NORMAL_PEAK * exp(-0.5 * u * u)
    return 0.5 * erfc(-u / SQRT2), slope, -u * slope


def _brunel_scalar(u: float) -> tuple[float, float, float]:
    if u <= 0:
        return 0.0, 0.0, 0.0
    if u < 1:
        return u * u, 2 * u, 2.0
    rate = sqrt(4 * u - 3)
    return rate, 2 / rate, -4 / (rate * rate * rate)


def _linear_scalar(u: float) -> tuple[float, float, float]:
    return u, 1.0, 0.0


def _tanh_rate_slope(rate: float) -> float:
    return 1 - rate * rate


def _tanh_positive_rate_slope(rate: float) -> float:
    return 2 * rate * (1 - rate)


def _relu_rate_slope(rate: float) -> float:
    return 0.0 if rate <= 0 else 1.0  # as for torch, also for nan


def _logistic_rate_slope(rate: float) -> float:
    return rate * (1 - rate)


def _brunel_rate_slope(rate: float) -> float:
    return 2 * sqrt(rate) if rate < 1 else 2 / rate


def _linear_rate_slope(rate: float) -> float:
    return 1.0


ACTIVATIONS: Registry[Activation] = Registry(
    (row.name, row)
    for row in (
        Activation(
            "tanh",
            _tanh,
            sech2,
            _tanh_ddphi,
            _tanh_vjp,
            _tanh_scalar,
            slope=_tanh_rate_slope,
            stretches=False,
            bounded=True,
            aliases=("std",),
        ),
        Activation(
            "tanh_stretched",
            _tanh,
            sech2,
            _tanh_ddphi,
            _tanh_vjp,
            _tanh_scalar,
            slope=_tanh_rate_slope,
            bounded=True,
            aliases=("tanh_streched", "tanh_strech", "strech", "streched", "stretch"),
        ),
        Activation(
            "tanh_positive",
            lambda u, out=None: torch.sigmoid(u + u, out=out),  # (1 + tanh u)/2, more exact in the lower tail
            lambda u: sech2(u).mul(0.5),
            lambda u: -torch.tanh(u) * sech2(u),
            lambda adjoint, rate: _logistic_vjp(adjoint, rate).mul_(2),
            _tanh_positive_scalar,
            slope=_tanh_positive_rate_slope,
            bounded=True,
            aliases=("pos", "tanh_pos"),
        ),
        Activation(
            "relu",
            # without `out` relu, because autograd gives it slope 0 at 0, and clamp_min slope 1
            lambda u, out=None: torch.relu(u) if out is None else torch.clamp_min(u, 0, out=out),
            lambda u: (u > 0).to(u.dtype),
            lambda u: torch.zeros_like(u),
            _relu_vjp,
            _relu_scalar,
            slope=_relu_rate_slope,
            kinks=(0.0,),
        ),
        Activation(
            "softplus",
            _softplus,
            _sigmoid,
            _logistic_slope,
            lambda adjoint, rate: adjoint.mul_(-torch.expm1(-rate)),
            _softplus_scalar,
        ),
        Activation(
            "sigmoid",
            _sigmoid,
            _logistic_slope,
            lambda u: -_logistic_slope(u) * torch.tanh(u / 2),
            _logistic_vjp,
            _sigmoid_scalar,
            slope=_logistic_rate_slope,
            bounded=True,
        ),
        Activation(
            "erf",
            lambda u, out=None: torch.erf(u / math.sqrt(2), out=out),
            lambda u: 2 * _normal(u),
            lambda u: -2 * u * _normal(u),
            lambda adjoint, rate: adjoint.mul_(2 * _normal(math.sqrt(2) * torch.erfinv(rate))),
            _erf_scalar,
            bounded=True,
        ),
        Activation(
            "erf_positive",
            _normal_cdf,
            _normal,
            lambda u: -u * _normal(u),
            lambda adjoint, rate: adjoint.mul_(_normal(torch.special.ndtri(rate))),
            _erf_positive_scalar,
            bounded=True,
        ),
        Activation(
            "sqrt",
            _brunel,
            _brunel_slope,
            _brunel_ddphi,
            lambda adjoint, rate: adjoint.mul_(torch.where(rate < 1, 2 * rate.sqrt(), 2 / rate)),
            _brunel_scalar,
            slope=_brunel_rate_slope,
        ),
        Activation(
            "linear",
            _identity,
            lambda u: torch.ones_like(u),
            lambda u: torch.zeros_like(u),
            lambda adjoint, rate: adjoint,
            _linear_scalar,
            slope=_linear_rate_slope,
            aliases=("identity",),
        ),
    )
)
