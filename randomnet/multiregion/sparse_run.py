"""A run of a network whose weights are a list of edges: sparse products, and one computation of the weights' gradient.

Each step takes one sparse product forwards and one backwards. The gradient of the edges needs the adjoint of the
recurrent input of every step, which is the adjoint of the drive. It is therefore computed once, in the backward pass
of the drive, as products over all steps that are read at the edges.
"""

import torch
from torch import Tensor

from randomnet.rnn import Dynamics, Sparse

GATHER_DENSITY = 0.001  # up to it, the gradient is computed edge by edge; above it, a dense product is faster
BLOCK = 2**24  # entries of that product at a time


def run_sparse(
    system: Dynamics,
    weights: Tensor,
    inputs: Tensor,
    initial: Tensor,
    extra: Tensor | None = None,
    last: int = 1,
) -> tuple[Tensor, Tensor]:
    """Rates (T, B, H) after each step of inputs (T, B, I), and the last states; as `run_trials`, for a sparse coupling.

    weights: W_inp (H, I); the biases are the system's drive. initial: (B, H) or (H,). extra: (T, B, H). Differentiable
    once, in everything but the leaks; `Rerun` adds second derivatives. Inside, arrays are (H, B), with contiguous rows,
    as sparse products require.
    """
    coupling, activation, current = system.coupling, system.activation, system.form == "current"
    drive = torch.baddbmm(system.drive.unsqueeze(-1), weights.expand(len(inputs), -1, -1), inputs.mT)
    if extra is not None:
        drive = drive + extra.mT
    sent: list[Tensor] = []  # the rates before each step
    drive = _EdgeGradient.apply(drive, coupling.values, coupling, sent)
    fixed = Sparse(coupling.values.detach(), coupling.pattern)
    step = system.dt if system.leaks is None else system.leaks.unsqueeze(-1)
    state = initial.expand(inputs.shape[1], -1).mT.contiguous()
    states, rates = [], []
    rate = _Phi.apply(state, activation) if current else state
    for step_drive in drive.unbind(0):
        if torch.is_grad_enabled():
            sent.append(rate.detach())
        total = fixed.product(rate.mT).mT + step_drive
        state = torch.lerp(state, total if current else _Phi.apply(total, activation), step)
        rate = _Phi.apply(state, activation) if current else state
        states.append(state)
        rates.append(rate)
    return torch.stack(rates).mT, torch.stack(states[-last:]).mT


class _Phi(torch.autograd.Function):
    """phi; its derivative is computed from the rate as in `run_trials`, so that they agree at the kink of relu, too."""

    @staticmethod
    def forward(ctx, argument, activation):  # noqa: ANN205
        rate = activation.phi(argument, out=torch.empty_like(argument))
        ctx.save_for_backward(rate)
        ctx.activation = activation
        return rate

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        adjoint = adjoint.clone()
        ctx.activation.vjp(adjoint, ctx.saved_tensors[0])
        return adjoint, None


class _EdgeGradient(torch.autograd.Function):
    """Returns the drive (T, H, B) unchanged; its backward pass computes the gradient of the edges.

    The adjoint of the drive equals that of the recurrent input.
    """

    @staticmethod
    def forward(ctx, drive, values, coupling, sent):  # noqa: ANN205
        ctx.coupling, ctx.sent = coupling, sent
        return drive.view_as(drive)

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        gradient = _edge_gradient(ctx.coupling, adjoint, torch.stack(ctx.sent)) if ctx.needs_input_grad[1] else None
        return adjoint, gradient, None, None


def _edge_gradient(coupling: Sparse, adjoint: Tensor, sent: Tensor) -> Tensor:
    """(E,): sums over steps and trials of the adjoint at post times the rate of pre; adjoint, sent: (T, H, B)."""
    pattern, n = coupling.pattern, adjoint.shape[1]
    adjoint, sent = (values.transpose(0, 1).flatten(1) for values in (adjoint, sent))
    gradient = torch.zeros_like(coupling.values)
    if len(gradient) <= GATHER_DENSITY * n * n:
        size = max(1, BLOCK // adjoint.shape[1])
        for first in range(0, len(gradient), size):
            edges = slice(first, first + size)
            gradient[edges] = (adjoint[pattern.post[edges]] * sent[pattern.pre[edges]]).sum(1)
        return gradient
    sent, begins = sent.mT.contiguous(), pattern.begin.tolist()
    size = max(1, BLOCK // n)
    for row in range(0, n, size):
        edges = slice(begins[row], begins[min(row + size, n)])
        product = (adjoint[row : row + size] @ sent).flatten()
        gradient[edges] = product[(pattern.post[edges] - row) * n + pattern.pre[edges]]
    return gradient
