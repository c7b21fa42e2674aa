"""A network driven by inputs over time, and along trials as a system whose spectrum can be computed."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from randomnet.rnn.dynamics import Dynamics


def driven(
    system: Dynamics, interface: Mapping[str, Tensor], inputs: Tensor, initial: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

    Everything may have a leading axis of runs, as in `Dynamics`. interface: as of `Network`. The drive U x + b enters
    with the same factor dt as the recurrent term, b being the interface's biases and the system's own drive. initial:
    state (batch, N), None for 0. Differentiable in everything. Raises ValueError unless the system's steps are Euler's.
    """
    if system.integrator != "euler":
        raise ValueError(f"trials under inputs are run in Euler steps only, got integrator {system.integrator!r}")
    matrix, weights = system.coupling.values, interface["input_weights"]
    bias = interface["input_bias"] + interface["recurrent_bias"]
    if system.drive is not None:
        bias = bias + system.drive
    if system.form == "current" and initial is None:
        initial = torch.zeros_like(bias).unsqueeze(-2)
    if system.activation.stretches:  # phi(g (x - s)) of x is phi of u = g (x - s), which has no gain and shift
        gains = system.gains.unsqueeze(-1)
        matrix, weights, bias = gains * matrix, gains * weights, system.gains * (bias - system.shifts)
        if system.form == "current":
            initial = system.gains.unsqueeze(-2) * (initial - system.shifts.unsqueeze(-2))
    if initial is not None:
        initial = initial.expand(*inputs.shape[:-3], inputs.shape[-2], -1)
    readout = interface["readout_weights"], interface["readout_bias"]
    return _Driven.apply(
        inputs, weights, bias, initial, matrix, *readout, system.activation, system.form, system.dt
    )


@dataclass(frozen=True)
class AlongTrials:
    """A network along trials, one after the other and round again: at the start of each the state is reset to 0.

    The tangent vectors go on from trial to trial, so that exponents are those of the products along trials however
    short these are. drive: (trials, time, ..., N), U x + b of each trial; with the leading axis of runs, if there is
    one, as in `Dynamics`.
    """

    system: Dynamics
    drive: Tensor

    @property
    def dt(self) -> float:
        """The network's step."""
        return self.system.dt

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) after the `steps` steps from time `start` (in steps) on."""
        trials, time = self.drive.shape[:2]
        while steps:
            trial, at = divmod(start % (trials * time), time)
            if at == 0:
                bundle = torch.cat([torch.zeros_like(bundle[..., :1, :]), bundle[..., 1:, :]], -2)
            now = min(steps, time - at)
            bundle = self.system.advance(bundle, now, start, self.drive[trial, at : at + now])
            start, steps = start + now, steps - now
        return bundle


def along(system: Dynamics, interface: Mapping[str, Tensor], inputs: Tensor) -> AlongTrials:
    """A network along trials, inputs (..., time, trials, channels), as a system with a spectrum; see `driven`."""
    biases = interface["input_bias"] + interface["recurrent_bias"]
    drive = inputs @ interface["input_weights"].mT.unsqueeze(-3) + biases[..., None, None, :]
    return AlongTrials(system, drive.movedim((-2, -3), (0, 1)))


class _Driven(torch.autograd.Function):
    """One product with J per step forwards and one backwards; the gradient of J is one product over all steps.

    What is kept is rates[t], which enters the matrix at step t, and fired[t], what the activation makes of its argument
    there: the same memory one step later, but for leaky networks in the rate form. Every array that is not needed is a
    trip to memory, which at this size takes as long as a good part of the product; so does a product with a matrix that
    has first to be transposed.
    """

    @staticmethod
    def forward(ctx, inputs, weights, bias, initial, matrix, readout, offset, activation, form, dt):  # noqa: ANN205
        *runs, time, batch, _ = inputs.shape
        rates = matrix.new_empty(*runs, time + 1, batch, matrix.shape[-1])
        seen = rates[..., 1:, :, :]
        separate = form == "rate" and dt != 1
        fired = torch.empty_like(seen) if separate else seen
        first, *steps = rates.unbind(-3)
        if initial is None:  # rate form only
            first.zero_()
        else:
            first.copy_(activation.phi(initial) if form == "current" else initial)
        flat = seen.flatten(-3, -2)
        _onto(bias.unsqueeze(-2), inputs.flatten(-3, -2), weights.mT, out=flat)
        state = initial.clone() if form == "current" and dt != 1 else None
        before, arriving, transposed = first, initial is not None, matrix.mT.contiguous()
        for now, after in zip(steps, fired.unbind(-3), strict=True):
            if arriving:
                _onto(now, before, transposed, out=now)
            arriving = True
            activation.phi(now if state is None else state.lerp_(now, dt), out=after)
            if separate:
                torch.lerp(before, after, dt, out=now)
            before = now
        ctx.save_for_backward(inputs, weights, matrix, readout, rates, fired)
        ctx.settings = activation, form, dt, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        outputs = _onto(offset.unsqueeze(-2), flat, readout.mT)
        return seen, outputs.unflatten(-2, (time, batch))

    @staticmethod
    @once_differentiable
    def backward(ctx, rates_bar, outputs_bar):  # noqa: ANN205
        inputs, weights, matrix, readout, rates, fired = ctx.saved_tensors
        activation, form, dt, first = ctx.settings
        if outputs_bar is None:
            drive_bar = rates_bar.clone(memory_format=torch.contiguous_format)
        else:
            at_outputs = outputs_bar.flatten(-3, -2)
            drive_bar = (at_outputs @ readout).view_as(fired)
            if rates_bar is not None:
                drive_bar += rates_bar
        held = later = None  # held: in the leaky rate form, the adjoint of the state after the step
        for at, seen in zip(reversed(drive_bar.unbind(-3)), reversed(fired.unbind(-3)), strict=True):
            if later is not None:
                _onto(at, later, matrix, out=at)
            if form == "rate" and dt != 1:
                held = at.clone() if held is None else held.mul_(1 - dt).add_(at)
                at.copy_(held)
            activation.pull(at, seen)
            if dt != 1:
                at.mul_(dt)
                if form == "current" and later is not None:
                    at.add_(later, alpha=1 - dt)
            later = at
        flat, needed = drive_bar.flatten(-3, -2), ctx.needs_input_grad
        initial_bar = matrix_bar = readout_bar = offset_bar = None
        if needed[3]:
            initial_bar = later @ matrix
            if form == "current":
                activation.pull(initial_bar, rates.select(-3, 0))
                initial_bar.add_(later, alpha=(1 - dt) / dt)
            elif held is not None:
                initial_bar.add_(held, alpha=1 - dt)
        if needed[4]:
            matrix_bar = drive_bar[..., first:, :, :].flatten(-3, -2).mT @ rates[..., first:-1, :, :].flatten(-3, -2)
        if outputs_bar is not None:
            readout_bar = at_outputs.mT @ rates[..., 1:, :, :].flatten(-3, -2)
            offset_bar = at_outputs.sum(-2)
        return (
            (flat @ weights).view_as(inputs) if needed[0] else None,
            (inputs.flatten(-3, -2).mT @ flat).mT,
            flat.sum(-2),
            initial_bar,
            matrix_bar,
            readout_bar,
            offset_bar,
            None,
            None,
            None,
        )


def _onto(base: Tensor, left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """base + left right, of matrices or of one per run."""
    return (torch.addmm if left.ndim == 2 else torch.baddbmm)(base, left, right, out=out)
