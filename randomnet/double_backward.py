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


def backward_transformed(*adjoints: Tensor | None) -> bool:
    """Whether a backward pass is to be differentiated again (create_graph=True), or is of batched adjoints."""
    batched = any(isinstance(one, Tensor) and torch._C._functorch.is_legacy_batchedtensor(one) for one in adjoints)
    return torch.is_grad_enabled() or batched or transforms_active()


@torch.enable_grad()
def plain_vjp(
    function: Callable[..., Sequence[Tensor | None]],
    inputs: Sequence[Tensor | None],
    needed: Sequence[bool],
    adjoints: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Adjoints of the inputs, None where not needed, with a graph, so that they can be differentiated again.

    function(*inputs) returns the outputs in plain operations; adjoints: of each output, None for 0. For the backward
    pass of an autograd.Function where `backward_transformed`.
    """
    views = [None if tensor is None else tensor.view_as(tensor) for tensor in inputs]  # one input may depend on another
    return _gradients(function(*views), adjoints, views, needed, create_graph=True)


class Rerun(torch.autograd.Function):
    """`run(*tensors)`, whose operations have adjoints written by hand, with those of `plain(*tensors)` where needed.

    Both return the same outputs. The graph of `run` is freed by its backward pass; another one runs it again.
    """

    @staticmethod
    def forward(ctx, run, plain, *tensors):  # noqa: ANN205
        ctx.run, ctx.plain = run, plain
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        ctx.graph = _graph(run, tensors, ctx.needs_input_grad[2:])
        return tuple(output.detach() for output in ctx.graph[1])

    @staticmethod
    def backward(ctx, *adjoints):  # noqa: ANN205
        tensors, needed = ctx.saved_tensors, ctx.needs_input_grad[2:]
        if backward_transformed(*adjoints):
            return None, None, *plain_vjp(ctx.plain, tensors, needed, adjoints)
        (leaves, outputs), ctx.graph = ctx.graph or _graph(ctx.run, tensors, needed), None
        return None, None, *_gradients(outputs, adjoints, leaves, needed)


def _gradients(
    outputs: Sequence[Tensor | None],
    adjoints: Sequence[Tensor | None],
    inputs: Sequence[Tensor | None],
    needed: Sequence[bool],
    create_graph: bool = False,
) -> list[Tensor | None]:
    """Of the inputs that are needed and there; None for the others, and where nothing arrives."""
    pairs = [
        (output, adjoint)
        for output, adjoint in zip(outputs, adjoints, strict=True)
        if output is not None and output.requires_grad and adjoint is not None
    ]
    wanted = [one for one, is_needed in zip(inputs, needed, strict=True) if is_needed and one is not None]
    if not pairs or not wanted:
        return [None] * len(inputs)
    reached, arriving = zip(*pairs, strict=True)
    found = iter(torch.autograd.grad(reached, wanted, arriving, create_graph=create_graph, allow_unused=True))
    pairs = zip(inputs, needed, strict=True)
    return [next(found) if is_needed and one is not None else None for one, is_needed in pairs]


@torch.enable_grad()
def _graph(
    run: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor | None], needed: Sequence[bool]
) -> tuple[list[Tensor | None], Sequence[Tensor]]:
    """Copies of the tensors without their past, and what `run` makes of them."""
    pairs = zip(tensors, needed, strict=True)
    leaves = [None if one is None else one.detach().requires_grad_(is_needed) for one, is_needed in pairs]
    return leaves, run(*leaves)
