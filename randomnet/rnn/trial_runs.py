"""Rates and readout of a network along trials, with hand-written adjoints."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

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

    All arguments may have a leading axis of runs, as in `Dynamics`. interface: tensors by name, as in `Network`. The
    drive U x + b has the same factor dt as the recurrent term; b is the sum of the interface biases and the system's
    drive. initial: state (batch, N), None for 0. extra: (time, batch, N), an additional drive such as noise. leaks: the
    step size a of each unit (N,), in place of the system's own. last: the number of final states to
    return too, as a third tensor (last, batch, N); gains must not be 0 then. In the rate form states are the rates.

    truncate: the gradient through the state is cut after every `truncate` steps; 0 = never. In the current form the cut
    is at g (h - s), so it also cuts gradients of gains g and shifts s. Differentiable in everything; gradients of leaks
    take longer. Raises ValueError for another integrator than "euler".
    """
    driver = _driver(system, interface, leaks)
    rates, outputs, states = driver.run(inputs, driver.initial_state(inputs, initial), extra, last, (truncate, 0))
    if not last:
        return rates, outputs
    return rates, outputs, driver.scaling.invert(states) if driver.scaling else states


def with_input(system: Dynamics, interface: Mapping[str, Tensor] | nn.ParameterDict, x: Tensor) -> Dynamics:
    """The system under constant input x (..., channels). Its own drive must not be None; see `Network.autonomous`."""
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
    """The readout of `run_trials` from the state 0, with checkpoints every `segment` steps to save memory (0 = none).

    The backward pass recomputes each segment; inputs receive no gradient then. extra(start, stop): the additional drive
    of these steps. It must return the same values at every call; the first calls are in temporal order.
    """
    time = inputs.shape[-3]
    if not 0 < segment < time:
        whole = None if extra is None else extra(0, time)
        return run_trials(system, interface, inputs, extra=whole, truncate=truncate)[1]
    driver = _driver(system, interface, None)
    if transforms_active():
        return driver.run(inputs, driver.initial_state(inputs, None), extra and extra(0, time), 0, (truncate, 0))[1]
    initial = driver.initial_state(inputs, None)
    return _SegmentedReadout.apply(driver, inputs, extra, truncate, segment, initial, *driver.tensors)


@dataclass(frozen=True)
class _Scaling:
    """The change of variable u = g (x - s), after which phi(u) has no gain and shift."""

    gains: Tensor
    shifts: Tensor

    def apply(self, states: Tensor) -> Tensor:
        """u for states x (..., batch, N)."""
        return self.gains.unsqueeze(-2) * (states - self.shifts.unsqueeze(-2))

    def invert(self, states: Tensor) -> Tensor:
        """x for scaled states u (..., last, batch, N)."""
        return states / self.gains[..., None, None, :] + self.shifts[..., None, None, :]


@dataclass(frozen=True)
class _Driver:
    """A network and its interface, with gains and shifts absorbed into the weights.

    scaling: the change of variable of the states in the current form, None where gains and shifts have no effect.
    """

    system: Dynamics
    coupling: Coupling
    weights: Tensor
    bias: Tensor
    readout: tuple[Tensor, Tensor]
    step: float | Tensor
    scaling: _Scaling | None

    def initial_state(self, inputs: Tensor, initial: Tensor | None) -> Tensor | None:
        """The initial state for `run`, from that of `run_trials`: (batch, N), or None for 0."""
        if self.system.form == "current" and initial is None:
            initial = torch.zeros_like(self.bias).unsqueeze(-2)
        if self.scaling and initial is not None:
            initial = self.scaling.apply(initial)
        return None if initial is None else initial.expand(*inputs.shape[:-3], inputs.shape[-2], -1)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors that receive gradients."""
        return (self.weights, self.bias, *self.readout, self.system.gains, *self.coupling.parameters)

    def run(
        self,
        inputs: Tensor,
        initial: Tensor | None,
        extra: Tensor | None,
        last: int,
        cut: tuple[int, int],
        tensors: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rates, readout and the last (scaled) states.

        cut: as in `_TrialRun`. tensors: copies of `self.tensors` that receive the gradients instead, or None.
        """
        weights, bias, readout, offset, gains, *parameters = self.tensors if tensors is None else tensors
        current = self.system.form == "current"
        if extra is not None and self.system.activation.stretches:
            extra = gains[..., None, None, :] * extra
        tensors = inputs, weights, bias, initial, readout, offset, extra
        settings = self.coupling, self.system.activation, self.system.form, self.step, last * current, cut
        plain = transforms_active() or (isinstance(self.step, Tensor) and self.step.requires_grad)
        run = _run_plain if plain else _TrialRun.apply
        rates, outputs, states = run(*tensors, *settings, *parameters)
        return rates, outputs, states if current or not last else rates[..., -last:, :, :]


def _driver(system: Dynamics, interface: Mapping[str, Tensor], leaks: Tensor | None) -> _Driver:
    if system.integrator != "euler":
        raise ValueError(f"trials with inputs need integrator 'euler', got {system.integrator!r}")
    coupling, weights = system.coupling, interface["input_weights"]
    bias = interface["input_bias"] + interface["recurrent_bias"]
    if system.drive is not None:
        bias = bias + system.drive
    scaling = None
    if system.activation.stretches:
        gains = system.gains.unsqueeze(-1)
        coupling, weights, bias = coupling.scale_rows(gains), gains * weights, system.gains * (bias - system.shifts)
        if system.form == "current":
            scaling = _Scaling(system.gains, system.shifts)
    leaks = system.leaks if leaks is None else leaks
    step = system.dt if leaks is None else leaks.unsqueeze(-2)
    readout = interface["readout_weights"], interface["readout_bias"]
    return _Driver(system, coupling, weights, bias, readout, step, scaling)


def _run_plain(
    inputs: Tensor, weights: Tensor, bias: Tensor, initial: Tensor | None, readout: Tensor, offset: Tensor,
    extra: Tensor | None, coupling: Coupling, activation: Activation, form: str, dt: float | Tensor, last: int,
    cut: tuple[int, int], *parameters: Tensor,
) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
    """The outputs of `_TrialRun` in plain operations, which autograd and torch.func can transform in any way."""
    coupling, current, (truncate, start) = coupling.with_parameters(parameters), form == "current", cut
    shape = inputs.shape[-3:-1]
    drive = (inputs.flatten(-3, -2) @ weights.mT + bias.unsqueeze(-2)).unflatten(-2, shape)
    drive = drive if extra is None else drive + extra
    state, states, rates = initial, [], []
    for step, total_input in enumerate(drive.unbind(-3), start):
        if truncate and step > start and step % truncate == 0:
            state = state.detach()
        if state is None:  # the rate form, from 0
            state = torch.zeros_like(total_input)
        else:
            total_input = total_input + coupling.product(activation.phi(state) if current else state)
        state = torch.lerp(state, total_input if current else activation.phi(total_input), dt)
        states.append(state)
        rates.append(activation.phi(state) if current else state)
    all_rates = torch.stack(rates, -3)
    outputs = (all_rates.flatten(-3, -2) @ readout.mT + offset.unsqueeze(-2)).unflatten(-2, shape)
    return all_rates, outputs, torch.stack(states[-last:], -3) if last else None


class _TrialRun(torch.autograd.Function):
    """A run along trials: one product with J per step in each direction, and one over all steps for the gradient of J.

    parameters: the parameters of the coupling, passed so that they receive gradients. cut: (k, start). The first step
    here is step `start` of the trial, and the gradient through the state is cut before every k-th step; k = 0: never.

    Stored are rates[t], which J multiplies at step t, and fired[t], the output of the activation at step t. Both share
    memory, one step apart, except in leaky networks in the rate form. Each additional array costs memory traffic that
    is comparable to the product itself at this size, and so does transposing a matrix for a product.
    """

    @staticmethod
    def forward(  # noqa: ANN205
        ctx, inputs, weights, bias, initial, readout, offset, extra,
        coupling, activation, form, dt, last, cut, *parameters,
    ):  # fmt: skip
        *runs, time, batch, _ = inputs.shape
        rates = bias.new_empty(*runs, time + 1, batch, bias.shape[-1])
        new_rates, leaky = rates[..., 1:, :, :], _leaky(dt)
        separate = form == "rate" and leaky
        fired = torch.empty_like(new_rates) if separate else new_rates
        states = bias.new_empty(*runs, last, batch, bias.shape[-1]) if last else None
        first, *steps = rates.unbind(-3)
        if initial is None:  # rate form only
            first.zero_()
        else:
            first.copy_(activation.phi(initial) if form == "current" else initial)
        flat = new_rates.flatten(-3, -2)
        add_product(bias.unsqueeze(-2), inputs.flatten(-3, -2), weights.mT, out=flat)
        if extra is not None:
            new_rates.add_(extra)
        state = initial.clone() if form == "current" and leaky else None
        before, recurrent = first, initial is not None  # from rates 0 there is no recurrent input yet
        for now, after, final in zip(steps, fired.unbind(-3), _final_entries(states, time), strict=True):
            if recurrent:
                coupling.add_product_into(now, before, 1.0, 1.0, now)
            recurrent = True
            argument = now if state is None else state.lerp_(now, dt)
            if final is not None:
                final.copy_(argument)
            activation.phi(argument, out=after)
            if separate:
                torch.lerp(before, after, dt, out=now)
            before = now
        ctx.save_for_backward(inputs, weights, bias, initial, readout, offset, extra, rates, fired, *parameters)
        ctx.last = last
        ctx.settings = coupling, activation, form, dt, cut, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        outputs = add_product(offset.unsqueeze(-2), flat, readout.mT)
        return new_rates, outputs.unflatten(-2, (time, batch)), states

    @staticmethod
    def backward(ctx, rates_bar, outputs_bar, states_bar):  # noqa: ANN205
        if backward_transformed(rates_bar, outputs_bar, states_bar):
            return _TrialRun._with_graph(ctx, [rates_bar, outputs_bar, states_bar])
        inputs, weights, _, _, readout, _, _, rates, fired, *_ = ctx.saved_tensors
        coupling, activation, form, dt, _, first = ctx.settings
        if outputs_bar is not None:
            flat_outputs_bar = outputs_bar.flatten(-3, -2)
            drive_bar = (flat_outputs_bar @ readout).view_as(fired)
            if rates_bar is not None:
                drive_bar += rates_bar
        elif rates_bar is not None:
            drive_bar = rates_bar.clone(memory_format=torch.contiguous_format)
        else:
            drive_bar = fired.new_zeros(fired.shape)
        first_bar, state_bar = _TrialRun._backward_steps(ctx.settings, drive_bar, fired, states_bar)
        flat, needed = drive_bar.flatten(-3, -2), ctx.needs_input_grad
        initial_bar = readout_bar = offset_bar = None
        if needed[3]:
            initial_bar = coupling.transpose_product_into(first_bar, torch.empty_like(first_bar))
            if form == "current":
                activation.vjp(initial_bar, rates.select(-3, 0))
                _add(initial_bar, first_bar, (1 - dt) / dt)
            elif state_bar is not None:
                _add(initial_bar, state_bar, 1 - dt)
        gradients = zero_gradients(coupling, needed[13:])
        if any(needed[13:]):
            product_bar, multiplied = drive_bar[..., first:, :, :], rates[..., first:-1, :, :]
            coupling.gradient(gradients, product_bar.flatten(-3, -2), multiplied.flatten(-3, -2))
        if outputs_bar is not None:
            readout_bar = flat_outputs_bar.mT @ rates[..., 1:, :, :].flatten(-3, -2)
            offset_bar = flat_outputs_bar.sum(-2)
        return (
            (flat @ weights).view_as(inputs) if needed[0] else None,
            (inputs.flatten(-3, -2).mT @ flat).mT,
            flat.sum(-2),
            initial_bar,
            readout_bar,
            offset_bar,
            drive_bar if needed[6] else None,
            *[None] * 6,
            *gradients,
        )

    @staticmethod
    def _backward_steps(settings, drive_bar, fired, states_bar):  # noqa: ANN205
        """Complete the adjoints of all drives in place, from the last step to the first.

        Returns the adjoint of the first drive, and in the leaky rate form that of the first state, else None.
        """
        coupling, activation, form, dt, (truncate, start), _ = settings
        state_bar = later = None
        leaky, final_bars = _leaky(dt), _final_entries(states_bar, fired.shape[-3])
        next_steps = range(start + 1, start + fired.shape[-3] + 1)
        backwards = (reversed(values) for values in (next_steps, drive_bar.unbind(-3), fired.unbind(-3), final_bars))
        for next_step, step_bar, rate, final_bar in zip(*backwards, strict=True):
            if truncate and next_step % truncate == 0:
                state_bar = later = None
            if later is not None:
                coupling.add_transpose_product_into(step_bar, later, 1.0, step_bar)
            if form == "rate" and leaky:
                state_bar = step_bar.clone() if state_bar is None else state_bar.mul_(1 - dt).add_(step_bar)
                step_bar.copy_(state_bar)
            activation.vjp(step_bar, rate)
            if leaky:
                step_bar.mul_(dt)
                if form == "current" and later is not None:
                    _add(step_bar, later, 1 - dt)
            if final_bar is not None:
                _add(step_bar, final_bar, dt)
            later = step_bar
        return later, state_bar

    @staticmethod
    def _with_graph(ctx, adjoints):  # noqa: ANN205
        """The gradients with a graph, so that they can be differentiated again."""
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad
        *settings, cut, _ = ctx.settings

        def plain(*views):  # noqa: ANN202
            return _run_plain(*views[:7], *settings, ctx.last, cut, *views[7:])

        gradients = plain_vjp(plain, [*saved[:7], *saved[9:]], [*needed[:7], *needed[13:]], adjoints)
        return *gradients[:7], *[None] * 6, *gradients[7:]


class _SegmentedReadout(torch.autograd.Function):
    """The readout of `_Driver.run`. Only the states between segments are stored, and segments are recomputed."""

    @staticmethod
    def forward(ctx, driver, inputs, extra, truncate, segment, initial, *tensors):  # noqa: ANN205
        def run_segment(start, before, tensors):  # noqa: ANN202
            stop = min(start + segment, inputs.shape[-3])
            noise = None if extra is None else extra(start, stop)
            segment_inputs = inputs[..., start:stop, :, :]
            _, outputs, states = driver.run(segment_inputs, before, noise, 1, (truncate, start), tensors)
            return outputs, states[..., 0, :, :]

        *runs, time, batch, _ = inputs.shape
        starts, size = range(0, time, segment), driver.bias.shape[-1]
        # one allocation for all states, so that freed paths do not fragment memory
        checkpoints = driver.bias.new_empty(*runs, len(starts), batch, size)
        readout = driver.bias.new_empty(*runs, time, batch, driver.readout[1].shape[-1])
        befores, state = {}, initial
        for start, after in zip(starts, checkpoints.unbind(-3), strict=True):
            befores[start] = state
            outputs, end = run_segment(start, state, tensors)
            readout[..., start : start + segment, :, :] = outputs
            state = after.copy_(end)
        ctx.save_for_backward(initial, *tensors)
        ctx.settings = run_segment, befores, truncate
        ctx.whole = lambda initial, *tensors: driver.run(
            inputs, initial, None if extra is None else extra(0, time), 0, (truncate, 0), tensors
        )[1:2]
        return readout

    @staticmethod
    def backward(ctx, outputs_bar):  # noqa: ANN205
        if backward_transformed(outputs_bar):
            return *[None] * 5, *plain_vjp(ctx.whole, ctx.saved_tensors, ctx.needs_input_grad[5:], [outputs_bar])
        (run_segment, befores, truncate), (initial_needed, *needed) = ctx.settings, ctx.needs_input_grad[5:]
        pairs = zip(ctx.saved_tensors[1:], needed, strict=True)
        leaves = [tensor.detach().requires_grad_(is_needed) for tensor, is_needed in pairs]
        parameters = [leaf for leaf in leaves if leaf.requires_grad]
        totals, state_bar, stop = [torch.zeros_like(leaf) for leaf in parameters], None, outputs_bar.shape[-3]
        for start, before in reversed(befores.items()):
            connected = not (truncate and start % truncate == 0) if start else initial_needed
            starts = [before.detach().requires_grad_()] if connected else []
            with torch.enable_grad():
                outputs = run_segment(start, starts[0] if connected else before, leaves)
            bars = [outputs_bar[..., start:stop, :, :], state_bar][: 1 if state_bar is None else 2]
            gradients = torch.autograd.grad(outputs[: len(bars)], [*parameters, *starts], bars, allow_unused=True)
            for total, gradient in zip(totals, gradients, strict=False):
                if gradient is not None:
                    total += gradient
            state_bar, stop = gradients[-1] if connected else None, start
        remaining = iter(totals)
        return *[None] * 5, state_bar, *(next(remaining) if is_needed else None for is_needed in needed)


def _leaky(dt: float | Tensor) -> bool:
    """Whether a step depends on the state before it directly: whether a is not 1."""
    return isinstance(dt, Tensor) or dt != 1


def _final_entries(values: Tensor | None, time: int) -> list[Tensor | None]:
    """The entries of values (last, batch, N) for the last steps, preceded by None for all earlier steps."""
    entries = [] if values is None else values.unbind(-3)
    return [*[None] * (time - len(entries)), *entries]


def _add(base: Tensor, other: Tensor, factor: float | Tensor) -> None:
    """base += factor other, where the factor is one number or one per unit."""
    if isinstance(factor, Tensor):
        base.addcmul_(other, factor)
    else:
        base.add_(other, alpha=factor)
