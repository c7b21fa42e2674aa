"""Second derivatives and torch.func transforms of operations with hand-written adjoints.

A hand-written adjoint works in place, so autograd cannot differentiate it again. In that case the operation is
evaluated once more in plain tensor operations, to which every transform of torch applies.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad


def transforms_active() -> bool:
    """Whether this call is inside a torch.func transform (grad, vmap, jvp, ...) or forward-mode differentiation."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def backward_transformed(*adjoints: Tensor | None) -> bool:
    """Whether a backward pass will be differentiated again (create_graph=True) or has batched adjoints."""
    batched = any(
        isinstance(adjoint, Tensor) and torch._C._functorch.is_legacy_batchedtensor(adjoint) for adjoint in adjoints
    )
    return torch.is_grad_enabled() or batched or transforms_active()


@torch.enable_grad()
def plain_vjp(
    function: Callable[..., Sequence[Tensor | None]],
    inputs: Sequence[Tensor | None],
    needed: Sequence[bool],
    adjoints: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Adjoints of the inputs, None where not needed, with a graph so that they can be differentiated again.

    function(*inputs) returns the outputs in plain operations. adjoints: one per output, None for 0. For the backward
    pass of an autograd.Function where `backward_transformed` is true.
    """
    # views separate the inputs from each other, as one input may depend on another
    views = [None if tensor is None else tensor.view_as(tensor) for tensor in inputs]
    return _gradients(function(*views), adjoints, views, needed, create_graph=True)


class Rerun(torch.autograd.Function):
    """`run(*tensors)`, with the gradients of `plain(*tensors)` where they are differentiated again.

    Both functions return the same outputs; operations of `run` have hand-written adjoints. A backward pass frees the
    graph of `run`, so a second one runs it again.
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
    """Gradients of the inputs; None for inputs that are None or not needed, and for those without influence."""
    pairs = [
        (output, adjoint)
        for output, adjoint in zip(outputs, adjoints, strict=True)
        if output is not None and output.requires_grad and adjoint is not None
    ]
    selected = [is_needed and tensor is not None for tensor, is_needed in zip(inputs, needed, strict=True)]
    if not pairs or not any(selected):
        return [None] * len(inputs)
    used_outputs, used_adjoints = zip(*pairs, strict=True)
    used_inputs = [tensor for tensor, is_needed in zip(inputs, needed, strict=True) if is_needed and tensor is not None]
    gradients = iter(
        torch.autograd.grad(used_outputs, used_inputs, used_adjoints, create_graph=create_graph, allow_unused=True)
    )
    return [next(gradients) if is_selected else None for is_selected in selected]


@torch.enable_grad()
def _graph(
    run: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor | None], needed: Sequence[bool]
) -> tuple[list[Tensor | None], Sequence[Tensor]]:
    """Detached copies of the tensors as leaves of a graph, and the outputs of `run` for them."""
    pairs = zip(tensors, needed, strict=True)
    leaves = [None if tensor is None else tensor.detach().requires_grad_(is_needed) for tensor, is_needed in pairs]
    return leaves, run(*leaves)
