"""A network driven by inputs over time, with the adjoint written out."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from randomnet.rnn.dynamics import Dynamics


def states(system: Dynamics, drive: Tensor, initial: Tensor) -> Tensor:
    """States (time, batch, N) after each step of a network under `drive` (time, batch, N), from `initial` (batch, N).

    The drive U x + b enters with the same factor dt as the recurrent term. Differentiable in everything.
    """
    return _States.apply(drive, initial, system.matrix, system.gains, system.shifts, system)


class _States(torch.autograd.Function):
    """One product with J per step forwards and one backwards; the gradient of J is one product over all steps."""

    @staticmethod
    def forward(ctx, drive, initial, matrix, gains, shifts, system):  # noqa: ANN205
        path, inner = torch.empty_like(drive), torch.empty_like(drive)  # inner: what the activation sees
        slopes = torch.empty_like(drive) if any(ctx.needs_input_grad) else None
        now, dt = initial, system.dt
        for step in range(len(drive)):
            after, seen = path[step], inner[step]
            if system.form == "current":
                seen.copy_(now)
                rates, slope = system.activation(now, gains, shifts)
                torch.addmm(drive[step], rates, system.transposed, out=after)
            else:
                torch.addmm(drive[step], now, system.transposed, out=seen)
                rates, slope = system.activation(seen, gains, shifts)
                after.copy_(rates)
            if dt != 1:
                after.mul_(dt).add_(now, alpha=1 - dt)
            if slopes is not None:
                slopes[step] = slope
            now = after
        if slopes is not None:
            ctx.save_for_backward(initial, path, inner, slopes, matrix, gains, shifts)
            ctx.system = system
        return path

    @staticmethod
    @once_differentiable
    def backward(ctx, path_bar):  # noqa: ANN205
        initial, path, inner, slopes, matrix, gains, shifts = ctx.saved_tensors
        system = ctx.system
        drive_bar, rates_bar = torch.empty_like(path), torch.empty_like(path)
        adjoint, dt = torch.zeros_like(initial), system.dt
        for step in reversed(range(len(path))):
            adjoint = adjoint + path_bar[step]
            if system.form == "current":
                torch.mul(adjoint, dt, out=drive_bar[step])
                torch.mm(drive_bar[step], matrix, out=rates_bar[step])
                through = rates_bar[step] * slopes[step]
            else:
                torch.mul(adjoint, dt, out=rates_bar[step])
                torch.mul(rates_bar[step], slopes[step], out=drive_bar[step])
                through = drive_bar[step] @ matrix
            adjoint = through.add_(adjoint, alpha=1 - dt) if dt != 1 else through
        matrix_bar = gains_bar = shifts_bar = None
        if ctx.needs_input_grad[2]:
            if system.form == "current":
                entered = system.activation(inner, gains, shifts)[0]
            else:
                entered = torch.cat([initial[None], path[:-1]])
            matrix_bar = drive_bar.flatten(0, 1).mT @ entered.flatten(0, 1)
        if any(ctx.needs_input_grad[3:5]):
            flat = (inner.flatten(0, 1), gains, shifts, rates_bar.flatten(0, 1))
            gains_bar, shifts_bar = system.activation.parameter_gradients(*flat, torch.zeros_like(flat[0]))
        return drive_bar, adjoint, matrix_bar, gains_bar, shifts_bar, None
