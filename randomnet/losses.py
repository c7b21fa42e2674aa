"""Losses of the Lyapunov spectrum, one row each; free of torch until a loss is computed.

| name  | loss of the k leading exponents                         | source       |
|-------|---------------------------------------------------------|--------------|
| l2    | Euclidean norm of (exponents - target)                  | FlyStability |
| mse   | mean square of (exponents - target)                     | FlyStability |
| sinai | minus the sum of positive exponents (Pesin's formula)   | FlyStability |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from randomnet.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ExponentLoss:
    """A loss of leading exponents.

    value(exponents, target) -> (), differentiable; both (k,). sentence: what it is, for the help. label: the loss with
    its unit, for axes of figures. has_target: whether the target matters. no_gradient: why the gradient may vanish, ""
    where it does only at the target. aliases: other spellings in an INI. source: paper or software.
    """

    value: Callable[[Tensor, Tensor], Tensor]
    sentence: str
    label: str
    has_target: bool = True
    no_gradient: str = ""
    aliases: tuple[str, ...] = ()
    source: str = "FlyStability"


def _euclidean(exponents: Tensor, target: Tensor) -> Tensor:
    import torch

    return torch.linalg.vector_norm(exponents - target)


LOSSES: Registry[ExponentLoss] = Registry({
    "l2": ExponentLoss(
        _euclidean,
        "Euclidean norm of (exponents - target)",
        "loss: Euclidean\ndistance from target (1/τ)",
        aliases=("l2norm",),
    ),
    "mse": ExponentLoss(
        lambda exponents, target: (exponents - target).square().mean(),
        "mean square of (exponents - target)",
        "loss: mean squared\ndifference from target (1/τ²)",
    ),
    "sinai": ExponentLoss(
        lambda exponents, target: -exponents.relu().sum(),
        "minus the sum of positive exponents, which is maximised",
        "loss: minus the entropy rate\nh$_\\mathrm{KS}$ (1/τ)",
        has_target=False,
        no_gradient="sinai has one only where an exponent is positive; begin inside chaos, with a larger net.g",
        aliases=("entropy",),
    ),
})  # fmt: skip
