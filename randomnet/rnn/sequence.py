"""A network driven by inputs over time, and along trials as a system whose spectrum can be computed."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from randomnet.rnn.couplings import add_product
from randomnet.rnn.dynamics import Dynamics


def driven(
    system: Dynamics,
    interface: Mapping[str, Tensor],
    inputs: Tensor,
    initial: Tensor | None = None,
    *,
    extra: Tensor | None = None,
    leaks: Tensor | None = None,
    last: int = 0,
) -> tuple[Tensor, ...]:
    """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

    Everything may have a leading axis of runs, as in `Dynamics`. interface: as of `Network`. The drive U x + b enters
    with the same factor dt as the recurrent term, b being the interface's biases and the system's own drive. initial:
    state (batch, N), None for 0. extra: (time, batch, N), one drive more beside U x + b: noise, unweighted inputs.
    leaks: each unit's step a (N,) in place of the system's dt, a constant. last: how many of the last states (h, which
    in the rate form are the rates) are returned too, as a third tensor (last, batch, N); gains must not be 0 then.
    Differentiable in everything else. Raises ValueError unless the system's steps are Euler's.
    """
    if system.integrator != "euler":
        raise ValueError(f"trials under inputs are run in Euler steps only, got integrator {system.integrator!r}")
    matrix, weights = system.coupling.values, interface["input_weights"]
    bias = interface["input_bias"] + interface["recurrent_bias"]
    current, stretches = system.form == "current", system.activation.stretches
    if system.drive is not None:
        bias = bias + system.drive
    if current and initial is None:
        initial = torch.zeros_like(bias).unsqueeze(-2)
    if stretches:  # phi(g (x - s)) of x is phi of u = g (x - s), which has no gain and shift
        gains = system.gains.unsqueeze(-1)
        matrix, weights, bias = gains * matrix, gains * weights, system.gains * (bias - system.shifts)
        extra = None if extra is None else system.gains[..., None, None, :] * extra
        if current:
            initial = system.gains.unsqueeze(-2) * (initial - system.shifts.unsqueeze(-2))
    if initial is not None:
        initial = initial.expand(*inputs.shape[:-3], inputs.shape[-2], -1)
    readout = interface["readout_weights"], interface["readout_bias"]
    step = system.dt if leaks is None else leaks.unsqueeze(-2)
    rates, outputs, states = _Driven.apply(
        inputs, weights, bias, initial, matrix, *readout, extra, system.activation, system.form, step, last * current
    )
    if not last:
        return rates, outputs
    if not current:
        states = rates[..., -last:, :, :]
    elif stretches:
        states = states / system.gains[..., None, None, :] + system.shifts[..., None, None, :]
    return rates, outputs, states


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
    def forward(ctx, inputs, weights, bias, initial, matrix, readout, offset, extra, activation, form, dt, last):  # noqa: ANN205
        *runs, time, batch, _ = inputs.shape
        rates = matrix.new_empty(*runs, time + 1, batch, matrix.shape[-1])
        seen, leaky = rates[..., 1:, :, :], _leaky(dt)
        separate = form == "rate" and leaky
        fired = torch.empty_like(seen) if separate else seen
        states = matrix.new_empty(*runs, last, batch, matrix.shape[-1]) if last else None
        first, *steps = rates.unbind(-3)
        if initial is None:  # rate form only
            first.zero_()
        else:
            first.copy_(activation.phi(initial) if form == "current" else initial)
        flat = seen.flatten(-3, -2)
        add_product(bias.unsqueeze(-2), inputs.flatten(-3, -2), weights.mT, out=flat)
        if extra is not None:
            seen.add_(extra)
        state = initial.clone() if form == "current" and leaky else None
        before, arriving, transposed = first, initial is not None, matrix.mT.contiguous()
        for now, after, kept in zip(steps, fired.unbind(-3), _at_the_end(states, time), strict=True):
            if arriving:
                add_product(now, before, transposed, out=now)
            arriving = True
            argument = now if state is None else state.lerp_(now, dt)
            if kept is not None:
                kept.copy_(argument)
            activation.phi(argument, out=after)
            if separate:
                torch.lerp(before, after, dt, out=now)
            before = now
        ctx.save_for_backward(inputs, weights, matrix, readout, rates, fired)
        ctx.settings = activation, form, dt, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        outputs = add_product(offset.unsqueeze(-2), flat, readout.mT)
        return seen, outputs.unflatten(-2, (time, batch)), states

    @staticmethod
    @once_differentiable
    def backward(ctx, rates_bar, outputs_bar, states_bar):  # noqa: ANN205
        inputs, weights, matrix, readout, rates, fired = ctx.saved_tensors
        activation, form, dt, first = ctx.settings
        if outputs_bar is not None:
            at_outputs = outputs_bar.flatten(-3, -2)
            drive_bar = (at_outputs @ readout).view_as(fired)
            if rates_bar is not None:
                drive_bar += rates_bar
        elif rates_bar is not None:
            drive_bar = rates_bar.clone(memory_format=torch.contiguous_format)
        else:
            drive_bar = fired.new_zeros(fired.shape)
        held = later = None  # held: in the leaky rate form, the adjoint of the state after the step
        leaky, at_states = _leaky(dt), _at_the_end(states_bar, fired.shape[-3])
        backwards = (reversed(values) for values in (drive_bar.unbind(-3), fired.unbind(-3), at_states))
        for at, seen, at_state in zip(*backwards, strict=True):
            if later is not None:
                add_product(at, later, matrix, out=at)
            if form == "rate" and leaky:
                held = at.clone() if held is None else held.mul_(1 - dt).add_(at)
                at.copy_(held)
            activation.pull(at, seen)
            if leaky:
                at.mul_(dt)
                if form == "current" and later is not None:
                    _add(at, later, 1 - dt)
            if at_state is not None:
                _add(at, at_state, dt)
            later = at
        flat, needed = drive_bar.flatten(-3, -2), ctx.needs_input_grad
        initial_bar = matrix_bar = readout_bar = offset_bar = None
        if needed[3]:
            initial_bar = later @ matrix
            if form == "current":
                activation.pull(initial_bar, rates.select(-3, 0))
                _add(initial_bar, later, (1 - dt) / dt)
            elif held is not None:
                _add(initial_bar, held, 1 - dt)
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
            drive_bar if needed[7] else None,
            *[None] * 4,
        )


def _leaky(dt: float | Tensor) -> bool:
    """Whether anything of the state before a step is left after it."""
    return isinstance(dt, Tensor) or dt != 1


def _at_the_end(values: Tensor | None, time: int) -> list[Tensor | None]:
    """For every time None, or its entry of the last ones, values (last, batch, N)."""
    entries = [] if values is None else values.unbind(-3)
    return [*[None] * (time - len(entries)), *entries]


def _add(base: Tensor, other: Tensor, factor: float | Tensor) -> None:
    """base += factor other, the factor one number or one per unit."""
    if isinstance(factor, Tensor):
        base.addcmul_(other, factor)
    else:
        base.add_(other, alpha=factor)
