"""Effective weights of trained values: signs, bounds and edges that hold whatever the optimiser does.

| mode     | effective weight               | V starts at | where it cannot move                                       |
|----------|--------------------------------|-------------|------------------------------------------------------------|
| abs      | sign bounded(|V|)              | |W|         | nowhere; V may change sign, the weight may not             |
| relu     | sign bounded(max(V, 0))        | |W|         | V < 0 gets no gradient, see `MultiRegionRNN.dead_weights`  |
| softplus | sign bounded(ln(1 + e^V))      | its inverse | nowhere; a weight is never exactly 0                       |
| clamp    | sign bounded(V)                | |W|         | nowhere; V itself is cut back by `MultiRegionRNN.project`  |
| off      | V                              | W           | nowhere; neither signs nor bounds                          |

bounded cuts to low..high, the sign is the edge's, and without an edge the weight is 0 in every mode. The modes are
mRNNTorch's; its hardtanh and relu kept weights at a bound for ever, and its mode off dropped the masks.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# mode -> (magnitude before the bounds, of V; V of a magnitude); None: neither signs nor bounds
DALE: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], np.ndarray]] | None] = {
    # of torch.abs and torch.relu the slope at 0 is 0, so that a weight once there could never leave
    "abs": (lambda values: torch.where(values < 0, -values, values), lambda size: size),
    "relu": (lambda values: torch.where(values < 0, 0, values), lambda size: size),
    "softplus": (
        lambda values: torch.logaddexp(values, torch.zeros_like(values)),
        lambda size: size + np.log(-np.expm1(-np.maximum(size, 1e-6))),  # ln(e^size - 1), without overflow
    ),
    "clamp": (lambda values: values, lambda size: size),
    "off": None,
}


def trained(weights: np.ndarray, signs: np.ndarray, mode: str, bounds: tuple[float, float]) -> np.ndarray:
    """V of signed weights, which are cut to the bounds; 0 without an edge, where signs is 0."""
    if DALE[mode] is None:
        return weights
    return np.where(signs != 0, DALE[mode][1](np.clip(np.abs(weights), *bounds)), 0)


def effective(values: Tensor, signs: Tensor, mode: str, bounds: tuple[float, float]) -> Tensor:
    """The weights of V, differentiable; all of one shape, signs 1, -1, or 0 without an edge."""
    if DALE[mode] is None:
        return values * signs.abs()
    return signs * _Bounded.apply(DALE[mode][0](values), *bounds)


class _Bounded(torch.autograd.Function):
    """Clamped to low..high; the gradient passes but where, at a bound or beyond, its step would lead further out."""

    @staticmethod
    def forward(ctx, values, low, high):  # noqa: ANN205
        ctx.save_for_backward(values)
        ctx.bounds = low, high
        return values.clamp(low, high)

    @staticmethod
    @once_differentiable
    def backward(ctx, adjoint):  # noqa: ANN205
        (values,), (low, high) = ctx.saved_tensors, ctx.bounds
        outwards = ((values <= low) & (adjoint > 0)) | ((values >= high) & (adjoint < 0))
        return adjoint.masked_fill(outwards, 0), None, None
