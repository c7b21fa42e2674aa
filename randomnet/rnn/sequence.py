"""A network driven by inputs over time, and along trials as a system whose spectrum can be computed."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from randomnet.rnn.dynamics import Dynamics


def states(system: Dynamics, drive: Tensor, initial: Tensor) -> Tensor:
    """States (time, batch, N) after each step of a network under `drive` (time, batch, N), from `initial` (batch, N).

    The drive U x + b enters with the same factor dt as the recurrent term. Differentiable in everything.
    """
    return _States.apply(drive, initial, system.matrix, system.gains, system.shifts, system)


@dataclass(frozen=True)
class AlongTrials:
    """A network along trials, one after the other and round again: at the start of each the state is reset to 0.

    The tangent vectors go on from trial to trial, so that exponents are those of the products along trials however
    short these are. drive: (trials, time, N), U x + b of each trial.
    """

    system: Dynamics
    drive: Tensor

    @property
    def dt(self) -> float:
        """The network's step."""
        return self.system.dt

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after the `steps` steps from time `start` (in steps) on."""
        trials, time = self.drive.shape[:2]
        while steps:
            trial, at = divmod(start % (trials * time), time)
            if at == 0:
                bundle = torch.cat([torch.zeros_like(bundle[:1]), bundle[1:]])
            now = min(steps, time - at)
            bundle = self.system.advance(bundle, now, start, self.drive[trial, at : at + now])
            start, steps = start + now, steps - now
        return bundle


class _States(torch.autograd.Function):
    """One product with J per step forwards and one backwards; the gradient of J is one product over all steps."""

    @staticmethod
    def forward(ctx, drive, initial, matrix, gains, shifts, system):  # noqa: ANN205
        path, inner = torch.empty_like(drive), torch.empty_like(drive)  # inner: what the activation sees
        now, dt = initial, system.dt
        for given, seen, after in zip(drive.unbind(0), inner.unbind(0), path.unbind(0), strict=True):
            if system.form == "current":
                seen.copy_(now)
                torch.addmm(given, system.activation.rates(now, gains, shifts), system.transposed, out=after)
            else:
                torch.addmm(given, now, system.transposed, out=seen)
                after.copy_(system.activation.rates(seen, gains, shifts))
            if dt != 1:
                after.mul_(dt).add_(now, alpha=1 - dt)
            now = after
        ctx.save_for_backward(initial, path, inner, matrix, gains, shifts)
        ctx.system = system
        return path

    @staticmethod
    @once_differentiable
    def backward(ctx, path_bar):  # noqa: ANN205
        initial, path, inner, matrix, gains, shifts = ctx.saved_tensors
        system, dt = ctx.system, ctx.system.dt
        current = system.form == "current"
        slopes = system.activation.slopes(inner, gains, shifts)
        drive_bar, rates_bar = torch.empty_like(path), torch.empty_like(path)
        adjoint = path_bar[-1]
        for step in reversed(range(len(path))):
            at_drive, at_rates = drive_bar[step], rates_bar[step]
            if current:
                torch.mul(adjoint, dt, out=at_drive)
                torch.mm(at_drive, matrix, out=at_rates)
                before = at_rates * slopes[step]
            else:
                torch.mul(adjoint, dt, out=at_rates)
                torch.mul(at_rates, slopes[step], out=at_drive)
                before = at_drive @ matrix
            if dt != 1:
                before.add_(adjoint, alpha=1 - dt)
            adjoint = before.add_(path_bar[step - 1]) if step else before
        matrix_bar = gains_bar = shifts_bar = None
        if ctx.needs_input_grad[2]:
            seen = (inner, gains, shifts)
            entered = system.activation.rates(*seen) if current else torch.cat([initial[None], path[:-1]])
            matrix_bar = drive_bar.flatten(0, 1).mT @ entered.flatten(0, 1)
        if any(ctx.needs_input_grad[3:5]):
            flat = inner.flatten(0, 1)
            gains_bar, shifts_bar = system.activation.parameter_gradients(
                flat, gains, shifts, rates_bar.flatten(0, 1), torch.zeros_like(flat)
            )
        return drive_bar, adjoint, matrix_bar, gains_bar, shifts_bar, None
