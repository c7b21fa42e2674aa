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

    interface: as of `Network`. The drive U x + b enters with the same factor dt as the recurrent term. initial: state
    (batch, N), None for 0. Differentiable in everything. Raises ValueError unless the system's steps are Euler's.
    """
    if system.integrator != "euler":
        raise ValueError(f"trials under inputs are run in Euler steps only, got integrator {system.integrator!r}")
    matrix, weights = system.coupling.values, interface["input_weights"]
    bias = interface["input_bias"] + interface["recurrent_bias"]
    if system.form == "current" and initial is None:
        initial = torch.zeros_like(bias)
    if system.activation.stretches:  # phi(g (x - s)) of x is phi of u = g (x - s), which has no gain and shift
        gains = system.gains[:, None]
        matrix, weights, bias = gains * matrix, gains * weights, system.gains * (bias - system.shifts)
        if system.form == "current":
            initial = system.gains * (initial - system.shifts)
    if initial is not None:
        initial = initial.expand(inputs.shape[1], -1)
    readout = interface["readout_weights"], interface["readout_bias"]
    return _Driven.apply(
        inputs, weights, bias, initial, matrix, *readout, system.activation, system.form, system.dt
    )


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


@dataclass(frozen=True)
class LeftAlone:
    """A network without input, driven by its biases (N,) alone, as a system whose spectrum can be computed."""

    system: Dynamics
    biases: Tensor

    @property
    def dt(self) -> float:
        """The network's step."""
        return self.system.dt

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after `steps` steps; the time makes no difference."""
        return self.system.advance(bundle, steps, start, self.biases.expand(steps, -1))


class _Driven(torch.autograd.Function):
    """One product with J per step forwards and one backwards; the gradient of J is one product over all steps.

    What is kept is rates[t], which enters the matrix at step t, and fired[t], what the activation makes of its argument
    there: the same memory one step later, but for leaky networks in the rate form. Every array that is not needed is a
    trip to memory, which at this size takes as long as a good part of the product.
    """

    @staticmethod
    def forward(ctx, inputs, weights, bias, initial, matrix, readout, offset, activation, form, dt):  # noqa: ANN205
        (time, batch, channels), n = inputs.shape, len(matrix)
        rates = matrix.new_empty(time + 1, batch, n)
        separate = form == "rate" and dt != 1
        fired = torch.empty_like(rates[1:]) if separate else rates[1:]
        if initial is None:  # rate form only
            rates[0] = 0
        else:
            rates[0] = activation.phi(initial) if form == "current" else initial
        flat = rates[1:].view(time * batch, n)
        torch.addmm(bias, inputs.reshape(-1, channels), weights.mT, out=flat)
        state = initial.clone() if form == "current" and dt != 1 else None
        arriving, steps, transposed = initial is not None, rates.unbind(0), matrix.mT
        for before, seen, after in zip(steps[:-1], steps[1:], fired.unbind(0), strict=True):
            if arriving:
                seen.addmm_(before, transposed)
            arriving = True
            activation.phi(seen if state is None else state.lerp_(seen, dt), out=after)
            if separate:
                torch.lerp(before, after, dt, out=seen)
        ctx.save_for_backward(inputs, weights, matrix, readout, rates, fired)
        ctx.settings = activation, form, dt, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        return rates[1:], torch.addmm(offset, flat, readout.mT).view(time, batch, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx, rates_bar, outputs_bar):  # noqa: ANN205
        inputs, weights, matrix, readout, rates, fired = ctx.saved_tensors
        activation, form, dt, first = ctx.settings
        drive_bar = torch.empty_like(fired)
        held = later = None  # held: in the leaky rate form, the adjoint of the state after the step
        at_outputs = None if outputs_bar is None else outputs_bar.unbind(0)
        places, seen = drive_bar.unbind(0), fired.unbind(0)
        for step in reversed(range(len(places))):
            at = places[step]
            if at_outputs is None:
                at.copy_(rates_bar[step])
            else:
                torch.mm(at_outputs[step], readout, out=at)
                if rates_bar is not None:
                    at += rates_bar[step]
            if later is not None:
                at.addmm_(later, matrix)
            if form == "rate" and dt != 1:
                held = at.clone() if held is None else held.mul_(1 - dt).add_(at)
                at.copy_(held)
            activation.pull(at, seen[step])
            if dt != 1:
                at.mul_(dt)
                if form == "current" and later is not None:
                    at.add_(later, alpha=1 - dt)
            later = at
        flat, needed = drive_bar.flatten(0, 1), ctx.needs_input_grad
        initial_bar = readout_bar = offset_bar = None
        if needed[3]:
            initial_bar = later @ matrix
            if form == "current":
                activation.pull(initial_bar, rates[0])
                initial_bar.add_(later, alpha=(1 - dt) / dt)
            elif held is not None:
                initial_bar.add_(held, alpha=1 - dt)
        if outputs_bar is not None:
            outputs_bar = outputs_bar.flatten(0, 1)
            readout_bar, offset_bar = outputs_bar.mT @ rates[1:].flatten(0, 1), outputs_bar.sum(0)
        return (
            (flat @ weights).view_as(inputs) if needed[0] else None,
            (inputs.flatten(0, 1).mT @ flat).mT,
            flat.sum(0),
            initial_bar,
            drive_bar[first:].flatten(0, 1).mT @ rates[first:-1].flatten(0, 1) if needed[4] else None,
            readout_bar,
            offset_bar,
            None,
            None,
            None,
        )
