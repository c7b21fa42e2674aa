"""Second derivatives and torch.func transforms of operations whose adjoint is written by hand.

A hand-written adjoint works in place, so autograd cannot differentiate it again. Where that is asked for, the operation
is evaluated once more in plain tensor operations, which any transform of torch understands.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad


def transforms_active() -> bool:
    """Whether torch.func (grad, vmap, jvp, ...) or forward-mode differentiation looks at the tensors of this call."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def plain_vjp(
    function: Callable[..., Sequence[Tensor | None]],
    inputs: Sequence[Tensor | None],
    needed: Sequence[bool],
    adjoints: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Adjoints of the inputs, None where not needed, with a graph, so that they can be differentiated again.

    function(*inputs) returns the outputs in plain operations; adjoints: of each output, None for 0. Called in the
    backward pass of an autograd.Function, where gradients are enabled only if the caller said create_graph=True.
    """
    views = [None if tensor is None else tensor.view_as(tensor) for tensor in inputs]  # one input may depend on another
    wanted = [view for view, is_needed in zip(views, needed, strict=True) if is_needed and view is not None]
    outputs = function(*views)
    pairs = [
        (output, adjoint)
        for output, adjoint in zip(outputs, adjoints, strict=True)
        if output is not None and output.requires_grad and adjoint is not None
    ]
    if not pairs or not wanted:
        return [None] * len(views)
    outputs, adjoints = zip(*pairs, strict=True)
    gradients = iter(torch.autograd.grad(outputs, wanted, adjoints, create_graph=True, allow_unused=True))
    return [
        next(gradients) if is_needed and view is not None else None
        for view, is_needed in zip(views, needed, strict=True)
    ]
