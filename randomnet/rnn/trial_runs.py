"""A network driven by inputs over time, and along trials as a system whose spectrum can be computed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.double_backward import backward_transformed, plain_vjp, transforms_active
from randomnet.rnn.couplings import add_product
from randomnet.rnn.dynamics import Dynamics
from randomnet.rnn.low_rank import Coupling, zero_gradients


def run_trials(
    system: Dynamics,
    interface: Mapping[str, Tensor],
    inputs: Tensor,
    initial: Tensor | None = None,
    *,
    extra: Tensor | None = None,
    leaks: Tensor | None = None,
    last: int = 0,
    truncate: int = 0,
) -> tuple[Tensor, ...]:
    """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

    Everything may have a leading axis of runs, as in `Dynamics`. interface: as of `Network`. The drive U x + b enters
    with the same factor dt as the recurrent term, b being the interface's biases and the system's own drive. initial:
    state (batch, N), None for 0. extra: (time, batch, N), one drive more beside U x + b: noise, unweighted inputs.
    leaks: each unit's step a (N,) in place of the system's own, a constant. last: how many of the last states (h, which
    in the rate form are the rates) are returned too, as a third tensor (last, batch, N); gains must not be 0 then.
    truncate: no gradient passes back through the state after so many steps, or twice as many, ... (in the current form
    through g (h - s), of gains and shifts); 0 = through all.
    Differentiable in everything else. Raises ValueError unless the system's steps are Euler's.
    """
    driver = _driver(system, interface, leaks)
    rates, outputs, states = driver.through(inputs, driver.begun(inputs, initial), extra, last, (truncate, 0))
    if not last:
        return rates, outputs
    return rates, outputs, driver.stretching.undone(states) if driver.stretching else states


def with_input(system: Dynamics, interface: Mapping[str, Tensor], x: Tensor) -> Dynamics:
    """A system that has a constant drive, as of `Network.alone`, while it receives x (..., channels) besides."""
    return replace(system, drive=system.drive + x.to(system.drive) @ interface["input_weights"].mT)


def trial_readout(
    system: Dynamics,
    interface: Mapping[str, Tensor],
    inputs: Tensor,
    extra: Callable[[int, int], Tensor] | None = None,
    *,
    truncate: int = 0,
    segment: int = 0,
) -> Tensor:
    """The readout of `driven` alone, from the state 0, in memory for `segment` steps (0 = all) and the states between.

    Each segment is gone through again for the gradient; there is none of the inputs then. extra(start, stop): the drive
    of these steps, the same whenever it is asked for; first in order, from 0 on.
    """
    time = inputs.shape[-3]
    if not 0 < segment < time:
        whole = None if extra is None else extra(0, time)
        return run_trials(system, interface, inputs, extra=whole, truncate=truncate)[1]
    driver = _driver(system, interface, None)
    if transforms_active():
        return driver.through(inputs, driver.begun(inputs, None), extra and extra(0, time), 0, (truncate, 0))[1]
    return _InSegments.apply(driver, inputs, extra, truncate, segment, driver.begun(inputs, None), *driver.tensors)


@dataclass(frozen=True)
class _Stretching:
    """phi(g (x - s)) of x is phi of u = g (x - s), which has no gain and shift."""

    gains: Tensor
    shifts: Tensor

    def done(self, states: Tensor) -> Tensor:
        """u of states (..., batch, N)."""
        return self.gains.unsqueeze(-2) * (states - self.shifts.unsqueeze(-2))

    def undone(self, states: Tensor) -> Tensor:
        """x of stretched states (..., last, batch, N)."""
        return states / self.gains[..., None, None, :] + self.shifts[..., None, None, :]


@dataclass(frozen=True)
class _Driver:
    """A network with its interface, gains and shifts taken into its weights; stretching: of its states, or None."""

    system: Dynamics
    coupling: Coupling
    weights: Tensor
    bias: Tensor
    readout: tuple[Tensor, Tensor]
    step: float | Tensor
    stretching: _Stretching | None

    def begun(self, inputs: Tensor, initial: Tensor | None) -> Tensor | None:
        """The initial state of `through` for one (batch, N), None for 0, of `driven`."""
        if self.system.form == "current" and initial is None:
            initial = torch.zeros_like(self.bias).unsqueeze(-2)
        if self.stretching and initial is not None:
            initial = self.stretching.done(initial)
        return None if initial is None else initial.expand(*inputs.shape[:-3], inputs.shape[-2], -1)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What it depends on."""
        return (self.weights, self.bias, *self.readout, self.system.gains, *self.coupling.parameters)

    def through(
        self,
        inputs: Tensor,
        initial: Tensor | None,
        extra: Tensor | None,
        last: int,
        cut: tuple[int, int],
        tensors: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rates, readout and the last states as `begun` has them; cut: as of `_Driven`; tensors: in place of
        those of this name, with their values, for gradients."""
        weights, bias, readout, offset, gains, *parameters = self.tensors if tensors is None else tensors
        current = self.system.form == "current"
        if extra is not None and self.system.activation.stretches:
            extra = gains[..., None, None, :] * extra
        tensors = inputs, weights, bias, initial, readout, offset, extra
        settings = self.coupling, self.system.activation, self.system.form, self.step, last * current, cut
        run = _driven_plainly if transforms_active() else _Driven.apply
        rates, outputs, states = run(*tensors, *settings, *parameters)
        return rates, outputs, states if current or not last else rates[..., -last:, :, :]


def _driver(system: Dynamics, interface: Mapping[str, Tensor], leaks: Tensor | None) -> _Driver:
    if system.integrator != "euler":
        raise ValueError(f"trials under inputs are run in Euler steps only, got integrator {system.integrator!r}")
    coupling, weights = system.coupling, interface["input_weights"]
    bias = interface["input_bias"] + interface["recurrent_bias"]
    if system.drive is not None:
        bias = bias + system.drive
    stretching = None
    if system.activation.stretches:
        gains = system.gains.unsqueeze(-1)
        coupling, weights, bias = coupling.scale_rows(gains), gains * weights, system.gains * (bias - system.shifts)
        if system.form == "current":
            stretching = _Stretching(system.gains, system.shifts)
    leaks = system.leaks if leaks is None else leaks
    step = system.dt if leaks is None else leaks.unsqueeze(-2)
    return _Driver(
        system, coupling, weights, bias, (interface["readout_weights"], interface["readout_bias"]), step, stretching
    )


def _driven_plainly(
    inputs: Tensor, weights: Tensor, bias: Tensor, initial: Tensor | None, readout: Tensor, offset: Tensor,
    extra: Tensor | None, coupling: Coupling, activation: Activation, form: str, dt: float | Tensor, last: int,
    cut: tuple[int, int], *parameters: Tensor,
) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
    """What `_Driven` returns, in plain operations that can be differentiated and transformed in any way."""
    coupling, current, (truncate, start) = coupling.with_parameters(parameters), form == "current", cut
    shape = inputs.shape[-3:-1]
    drive = (inputs.flatten(-3, -2) @ weights.mT + bias.unsqueeze(-2)).unflatten(-2, shape)
    drive = drive if extra is None else drive + extra
    state, states, rates = initial, [], []
    for step, arriving in enumerate(drive.unbind(-3), start):
        if truncate and step > start and step % truncate == 0:
            state = state.detach()
        if state is None:  # the rate form, from 0
            state = torch.zeros_like(arriving)
        else:
            arriving = arriving + coupling.product(activation.phi(state) if current else state)
        state = torch.lerp(state, arriving if current else activation.phi(arriving), dt)
        states.append(state)
        rates.append(activation.phi(state) if current else state)
    every = torch.stack(rates, -3)
    outputs = (every.flatten(-3, -2) @ readout.mT + offset.unsqueeze(-2)).unflatten(-2, shape)
    return every, outputs, torch.stack(states[-last:], -3) if last else None


class _Driven(torch.autograd.Function):
    """One product with J per step forwards and one backwards; the gradient of J is one product over all steps.

    parameters: those of the coupling, which are given for their gradients. cut: (k, start), where the first step here
    is step `start` of a trial, before each k-th step of which the state passes no gradient back; k = 0: before none.

    What is kept is rates[t], which enters the matrix at step t, and fired[t], what the activation makes of its argument
    there: the same memory one step later, but for leaky networks in the rate form. Every array that is not needed is a
    trip to memory, which at this size takes as long as a good part of the product; so does a product with a matrix that
    has first to be transposed.
    """

    @staticmethod
    def forward(  # noqa: ANN205
        ctx, inputs, weights, bias, initial, readout, offset, extra,
        coupling, activation, form, dt, last, cut, *parameters,
    ):  # fmt: skip
        *runs, time, batch, _ = inputs.shape
        rates = bias.new_empty(*runs, time + 1, batch, bias.shape[-1])
        seen, leaky = rates[..., 1:, :, :], _leaky(dt)
        separate = form == "rate" and leaky
        fired = torch.empty_like(seen) if separate else seen
        states = bias.new_empty(*runs, last, batch, bias.shape[-1]) if last else None
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
        before, arriving = first, initial is not None
        for now, after, kept in zip(steps, fired.unbind(-3), _at_the_end(states, time), strict=True):
            if arriving:
                coupling.add_product_into(now, before, 1.0, 1.0, now)
            arriving = True
            argument = now if state is None else state.lerp_(now, dt)
            if kept is not None:
                kept.copy_(argument)
            activation.phi(argument, out=after)
            if separate:
                torch.lerp(before, after, dt, out=now)
            before = now
        ctx.save_for_backward(inputs, weights, bias, initial, readout, offset, extra, rates, fired, *parameters)
        ctx.last = last
        ctx.settings = coupling, activation, form, dt, cut, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        outputs = add_product(offset.unsqueeze(-2), flat, readout.mT)
        return seen, outputs.unflatten(-2, (time, batch)), states

    @staticmethod
    def backward(ctx, rates_bar, outputs_bar, states_bar):  # noqa: ANN205
        if backward_transformed(rates_bar, outputs_bar, states_bar):
            return _Driven._with_graph(ctx, [rates_bar, outputs_bar, states_bar])
        inputs, weights, _, _, readout, _, _, rates, fired, *_ = ctx.saved_tensors
        coupling, activation, form, dt, (truncate, start), first = ctx.settings
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
        steps = range(start + 1, start + fired.shape[-3] + 1)  # those after each
        backwards = (reversed(values) for values in (steps, drive_bar.unbind(-3), fired.unbind(-3), at_states))
        for after, at, seen, at_state in zip(*backwards, strict=True):
            if truncate and after % truncate == 0:
                held = later = None
            if later is not None:
                coupling.add_transpose_product_into(at, later, 1.0, at)
            if form == "rate" and leaky:
                held = at.clone() if held is None else held.mul_(1 - dt).add_(at)
                at.copy_(held)
            activation.vjp(at, seen)
            if leaky:
                at.mul_(dt)
                if form == "current" and later is not None:
                    _add(at, later, 1 - dt)
            if at_state is not None:
                _add(at, at_state, dt)
            later = at
        flat, needed = drive_bar.flatten(-3, -2), ctx.needs_input_grad
        initial_bar = readout_bar = offset_bar = None
        if needed[3]:
            initial_bar = coupling.transpose_product_into(later, torch.empty_like(later))
            if form == "current":
                activation.vjp(initial_bar, rates.select(-3, 0))
                _add(initial_bar, later, (1 - dt) / dt)
            elif held is not None:
                _add(initial_bar, held, 1 - dt)
        totals = zero_gradients(coupling, needed[13:])
        if any(needed[13:]):
            arrived, left = drive_bar[..., first:, :, :], rates[..., first:-1, :, :]
            coupling.gradient(totals, arrived.flatten(-3, -2), left.flatten(-3, -2))
        if outputs_bar is not None:
            readout_bar = at_outputs.mT @ rates[..., 1:, :, :].flatten(-3, -2)
            offset_bar = at_outputs.sum(-2)
        return (
            (flat @ weights).view_as(inputs) if needed[0] else None,
            (inputs.flatten(-3, -2).mT @ flat).mT,
            flat.sum(-2),
            initial_bar,
            readout_bar,
            offset_bar,
            drive_bar if needed[6] else None,
            *[None] * 6,
            *totals,
        )

    @staticmethod
    def _with_graph(ctx, adjoints):  # noqa: ANN205
        """The gradients as operations that can be differentiated again."""
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad
        *settings, cut, _ = ctx.settings

        def plain(*views):  # noqa: ANN202
            return _driven_plainly(*views[:7], *settings, ctx.last, cut, *views[7:])

        found = plain_vjp(plain, [*saved[:7], *saved[9:]], [*needed[:7], *needed[13:]], adjoints)
        return *found[:7], *[None] * 6, *found[7:]


class _InSegments(torch.autograd.Function):
    """The readout of `_Driver.through`, of a path that is kept between segments alone."""

    @staticmethod
    def forward(ctx, driver, inputs, extra, truncate, segment, initial, *tensors):  # noqa: ANN205
        def passed(start, before, tensors):  # noqa: ANN202
            stop = min(start + segment, inputs.shape[-3])
            noise = None if extra is None else extra(start, stop)
            now = inputs[..., start:stop, :, :]
            _, outputs, states = driver.through(now, before, noise, 1, (truncate, start), tensors)
            return outputs, states[..., 0, :, :]

        *runs, time, batch, _ = inputs.shape
        starts, size = range(0, time, segment), driver.bias.shape[-1]
        kept = driver.bias.new_empty(*runs, len(starts), batch, size)  # at once, so that freed paths leave no gaps
        found = driver.bias.new_empty(*runs, time, batch, driver.readout[1].shape[-1])
        befores, state = {}, initial
        for start, after in zip(starts, kept.unbind(-3), strict=True):
            befores[start] = state
            outputs, reached = passed(start, state, tensors)
            found[..., start : start + segment, :, :] = outputs
            state = after.copy_(reached)
        ctx.save_for_backward(initial, *tensors)
        ctx.settings = passed, befores, truncate
        ctx.whole = lambda initial, *tensors: driver.through(
            inputs, initial, None if extra is None else extra(0, time), 0, (truncate, 0), tensors
        )[1:2]
        return found

    @staticmethod
    def backward(ctx, outputs_bar):  # noqa: ANN205
        if backward_transformed(outputs_bar):
            return *[None] * 5, *plain_vjp(ctx.whole, ctx.saved_tensors, ctx.needs_input_grad[5:], [outputs_bar])
        (passed, befores, truncate), (begins, *needed) = ctx.settings, ctx.needs_input_grad[5:]
        pairs = zip(ctx.saved_tensors[1:], needed, strict=True)
        leaves = [tensor.detach().requires_grad_(wanted) for tensor, wanted in pairs]
        learnt = [leaf for leaf in leaves if leaf.requires_grad]
        totals, after, stop = [torch.zeros_like(leaf) for leaf in learnt], None, outputs_bar.shape[-3]
        for start, before in reversed(befores.items()):
            through = not (truncate and start % truncate == 0) if start else begins
            of = [before.detach().requires_grad_()] if through else []
            with torch.enable_grad():
                reached = passed(start, of[0] if through else before, leaves)
            bars = [outputs_bar[..., start:stop, :, :], after][: 1 if after is None else 2]
            found = torch.autograd.grad(reached[: len(bars)], [*learnt, *of], bars, allow_unused=True)
            for total, more in zip(totals, found, strict=False):
                if more is not None:
                    total += more
            after, stop = found[-1] if through else None, start
        each = iter(totals)
        return *[None] * 5, after, *(next(each) if wanted else None for wanted in needed)


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
