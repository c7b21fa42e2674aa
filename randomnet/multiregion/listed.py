"""A run of a network whose weights are a list of edges: sparse products, and the gradient of the weights all at once.

Each step is a sparse product forwards and one backwards; the gradient of the edges needs what arrived at every step,
which is the adjoint of the drive, so it is taken there: once, as products of all steps, read at the edges.
"""

import torch
from torch import Tensor

from randomnet.rnn import Dynamics, Sparse

SCARCE = 0.001  # density up to which entries are gathered edge by edge; above it a dense product read there is faster
BLOCK = 2**24  # entries of that product at a time


def listed_run(
    system: Dynamics,
    weights: Tensor,
    inputs: Tensor,
    initial: Tensor,
    extra: Tensor | None = None,
    last: int = 1,
) -> tuple[Tensor, Tensor]:
    """Rates (T, B, H) after each step of inputs (T, B, I), and the last states; as `driven`, of a sparse coupling.

    weights: W_inp (H, I), biases being the system's drive. initial: (B, H) or (H,). extra: (T, B, H). Differentiable
    once, in all but the leaks; `Rerun` adds second derivatives. Here arrays are (H, B), the rows of one unit beside
    each other, as sparse products want them.
    """
    coupling, activation, current = system.coupling, system.activation, system.form == "current"
    drive = torch.baddbmm(system.drive.unsqueeze(-1), weights.expand(len(inputs), -1, -1), inputs.mT)
    if extra is not None:
        drive = drive + extra.mT
    sent: list[Tensor] = []
    drive = _Weighted.apply(drive, coupling.values, coupling, sent)
    fixed = Sparse(coupling.values.detach(), coupling.pattern)
    step = system.dt if system.leaks is None else system.leaks.unsqueeze(-1)
    state = initial.expand(inputs.shape[1], -1).mT.contiguous()
    states, rates = [], []
    now = _Fired.apply(state, activation) if current else state
    for arriving in drive.unbind(0):
        if torch.is_grad_enabled():
            sent.append(now.detach())
        to = fixed.product(now.mT).mT + arriving
        state = torch.lerp(state, to if current else _Fired.apply(to, activation), step)
        now = _Fired.apply(state, activation) if current else state
        states.append(state)
        rates.append(now)
    return torch.stack(rates).mT, torch.stack(states[-last:]).mT


class _Fired(torch.autograd.Function):
    """phi of the argument, its derivative told by the rate as in `driven`: the same at the bend of relu too."""

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


class _Weighted(torch.autograd.Function):
    """The drive (T, H, B) as it is; its adjoint is that of what the weights sent, so theirs follows from it."""

    @staticmethod
    def forward(ctx, drive, values, coupling, sent):  # noqa: ANN205
        ctx.of = coupling, sent
        return drive.view_as(drive)

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        coupling, sent = ctx.of
        values_bar = _at_edges(coupling, adjoint, torch.stack(sent)) if ctx.needs_input_grad[1] else None
        return adjoint, values_bar, None, None


def _at_edges(coupling: Sparse, arrived: Tensor, sent: Tensor) -> Tensor:
    """(E,): sums over all steps and trials of what arrived at post times what pre sent, both (T, H, B)."""
    pattern, n = coupling.pattern, arrived.shape[1]
    arrived, sent = (values.transpose(0, 1).flatten(1) for values in (arrived, sent))
    total = torch.zeros_like(coupling.values)
    if len(total) <= SCARCE * n * n:
        some = max(1, BLOCK // arrived.shape[1])
        for first in range(0, len(total), some):
            part = slice(first, first + some)
            total[part] = (arrived[pattern.post[part]] * sent[pattern.pre[part]]).sum(1)
        return total
    sent, ends = sent.mT.contiguous(), pattern.rows_begin.tolist()
    some = max(1, BLOCK // n)
    for row in range(0, n, some):
        part = slice(ends[row], ends[min(row + some, n)])
        product = (arrived[row : row + some] @ sent).flatten()
        total[part] = product[(pattern.post[part] - row) * n + pattern.pre[part]]
    return total
